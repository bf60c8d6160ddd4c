import Foundation

/// A symmetric Gauss rule on the triangle: points by their three barycentric coordinates, weights that sum to 1/2.
public struct TriangleQuadrature: Sendable, Equatable {
  /// Barycentric coordinates, which are also the values of the three linear basis functions.
  public let points: [SIMD3<Double>]
  /// Relative to twice the area.
  public let weights: [Double]

  /// Orders that there are.
  public static let orders = 1...6

  /// The rule that integrates polynomials of a degree: 1, 3, 6, 6, 7, 12 points for 1...6 (Strang and Fix; Dunavant).
  ///
  /// - Parameter order: degree; below 1 is taken as 1, above 6 as 6.
  public init(order: Int) {
    var points: [SIMD3<Double>] = []
    var weights: [Double] = []
    /// Points with two coordinates alike.
    func triple(_ a: Double, _ weight: Double) {
      let b = 1 - 2 * a
      points += [SIMD3(b, a, a), SIMD3(a, b, a), SIMD3(a, a, b)]
      weights += [weight, weight, weight]
    }
    let third = SIMD3<Double>(repeating: 1.0 / 3)
    switch order {
    case ...1: (points, weights) = ([third], [1])
    case 2: triple(1.0 / 6, 1.0 / 3)
    case 3, 4:
      let (ten, root) = (10.0.squareRoot(), (38 - 44 * 0.4.squareRoot()).squareRoot())
      let part = (213_125 - 53_320 * ten).squareRoot()
      triple((8 - ten + root) / 18, (620 + part) / 3720)
      triple((8 - ten - root) / 18, (620 - part) / 3720)
    case 5:
      let root = 15.0.squareRoot()
      (points, weights) = ([third], [0.225])
      triple((6 + root) / 21, (155 + root) / 1200)
      triple((6 - root) / 21, (155 - root) / 1200)
    default:
      triple(0.249286745170910421, 0.116786275726379366)
      triple(0.063089014491502227, 0.050844906370206817)
      let (a, b) = (0.053145049844816947, 0.310352451033784405)
      let c = 1 - a - b
      for p in [SIMD3(a, b, c), SIMD3(a, c, b), SIMD3(b, a, c), SIMD3(b, c, a), SIMD3(c, a, b), SIMD3(c, b, a)] {
        points.append(p)
        weights.append(0.082851075618373575)
      }
    }
    self.points = points
    self.weights = weights.map { $0 / 2 }
  }

  /// Rows of weight and three basis values.
  var rows: [Double] { zip(weights, points).flatMap { [$0, $1.x, $1.y, $1.z] } }
}

/// Gauss and Legendre's rule on 0...1.
struct GaussLegendre: Sendable {
  let points: [Double]
  let weights: [Double]

  init(_ n: Int) {
    var (points, weights): ([Double], [Double]) = ([], [])
    for i in 0..<n {
      // Newton's iteration on the Legendre polynomial.
      var x = cos(.pi * (Double(i) + 0.75) / (Double(n) + 0.5))
      var slope = 1.0
      for _ in 0..<50 {
        var (before, value) = (0.0, 1.0)
        for k in 0..<n {
          (before, value) = (value, ((2 * Double(k) + 1) * x * value - Double(k) * before) / Double(k + 1))
        }
        slope = Double(n) * (x * value - before) / (x * x - 1)
        let step = value / slope
        x -= step
        if abs(step) < 1e-15 { break }
      }
      points.append((1 - x) / 2)
      weights.append(1 / ((1 - x * x) * slope * slope))
    }
    (self.points, self.weights) = (points, weights)
  }
}
