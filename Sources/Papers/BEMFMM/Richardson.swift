import Foundation
import Lab

/// What values on finer and finer meshes tend to, with how fast they do and how far the finest still is.
///
/// The error is taken as c N^-p, N the number of triangles (Richardson, 1911; Roache, 1994).
public struct Richardson: Codable, Sendable, Equatable {
  /// Order p of the last three meshes; nil where there are fewer, or their values don't settle.
  public var observedOrder: Double?
  /// Order that the limit was computed with: the observed one, at most 2, as more is luck; 1 where none of at least 0.5 is
  /// seen.
  public var order: Double
  /// The limit, from the last two meshes.
  public var limit: Double
  /// How far the finest mesh's value is from the limit.
  public var finestError: Double
  /// How far the limit moves when it's computed with the order 1 of theory, or from the meshes before; with two meshes
  /// the finest one's distance to it.
  public var limitError: Double

  /// - Parameter values: numbers of triangles, rising, with the value of each; at least two.
  /// - Throws: `UsageError` where there are fewer, or numbers don't rise.
  public init(_ values: [(count: Int, value: Double)]) throws {
    guard values.count >= 2, zip(values, values.dropFirst()).allSatisfy({ $0.count < $1.count && $0.count > 0 }) else {
      throw UsageError("an extrapolation takes values on two meshes or more, each finer than the one before")
    }
    let last = Array(values.suffix(3)).map { (Double($0.count), $0.value) }
    let count = last.count
    observedOrder = count == 3 ? Self.order(last[0], last[1], last[2]) : nil
    let usable = observedOrder.flatMap { $0 >= 0.5 ? min($0, 2) : nil }
    order = usable ?? 1
    limit = Self.limit(last[count - 2], last[count - 1], order)
    finestError = abs(last[count - 1].1 - limit)
    let plain = Self.limit(last[count - 2], last[count - 1], 1)
    let before = count == 3 ? Self.limit(last[0], last[1], order) : last[count - 1].1
    limitError = max(abs(plain - limit), usable == nil ? abs(before - limit) : 0)
  }

  private static func limit(_ a: (Double, Double), _ b: (Double, Double), _ order: Double) -> Double {
    b.1 + (b.1 - a.1) / (pow(b.0 / a.0, order) - 1)
  }

  /// The order at which differences between three values go; nil where they don't shrink in one direction.
  private static func order(_ a: (Double, Double), _ b: (Double, Double), _ c: (Double, Double)) -> Double? {
    let ratio = (b.1 - a.1) / (c.1 - b.1)
    guard ratio.isFinite, ratio > 0 else { return nil }
    // (a^-p - b^-p) / (b^-p - c^-p) rises with p.
    func model(_ p: Double) -> Double {
      (pow(b.0 / a.0, p) - 1) / (1 - pow(b.0 / c.0, p))
    }
    var (low, high) = (1e-3, 8.0)
    guard model(low) < ratio, model(high) > ratio else { return nil }
    for _ in 0..<80 {
      let middle = (low + high) / 2
      if model(middle) < ratio { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }

  /// Slope of -log(error) over log(number), by least squares; nil where an error is 0.
  public static func slope(_ values: [(count: Int, error: Double)]) -> Double? {
    guard values.count >= 2, values.allSatisfy({ $0.count > 0 && $0.error > 0 }) else { return nil }
    let (x, y) = (values.map { log(Double($0.count)) }, values.map { -log($0.error) })
    let (mx, my) = (Statistics.mean(x), Statistics.mean(y))
    let spread = x.reduce(0) { $0 + ($1 - mx) * ($1 - mx) }
    return spread > 0 ? zip(x, y).reduce(0) { $0 + ($1.0 - mx) * ($1.1 - my) } / spread : nil
  }
}
