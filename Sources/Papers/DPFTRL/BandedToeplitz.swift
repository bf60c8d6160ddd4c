import Lab

/// A lower-triangular Toeplitz matrix C with few bands, by which noise is correlated: C y = z with z independent, and the
/// noise of a prefix sum is y₁ + … + y_t.
public struct BandedToeplitz: Codable, Hashable, Sendable {
  /// Entries of the first column, the diagonal's first.
  public var coefficients: [Double]

  public init(coefficients: [Double]) { self.coefficients = coefficients }

  /// The first bands of the square root of the matrix of prefix sums, whose error over all steps is near the least.
  /// Fichtenberger, Henzinger, Upadhyay, 2023; cut off as by Kalinin, Lampert, 2024.
  public static func squareRoot(bands: Int) -> BandedToeplitz {
    var list = [1.0]
    for k in 1..<max(1, bands) { list.append(list[k - 1] * (2 * Double(k) - 1) / (2 * Double(k))) }
    return BandedToeplitz(coefficients: Array(list.prefix(max(1, bands))))
  }

  /// First entries of the column of A C⁻¹, A the matrix of prefix sums: what noise of step 1 leaves in each sum.
  public func prefixResponse(steps: Int) -> [Double] {
    Self.divided(Array(repeating: 1, count: max(0, steps)), by: coefficients)
  }

  /// Mean variance of the prefix sums times the squared norm of a column: the error at equal privacy.
  public func error(steps: Int) -> Double {
    let response = prefixResponse(steps: steps)
    let total = response.enumerated().reduce(0) { $0 + Double(steps - $1.offset) * $1.element * $1.element }
    return total / Double(steps) * coefficients.reduce(0) { $0 + $1 * $1 }
  }

  /// The bands whose error over some steps is least, from the square root's by gradient steps (L-BFGS).
  ///
  /// - Parameter bands: at least 1.
  public static func optimal(bands: Int, steps: Int) -> BandedToeplitz {
    let start = squareRoot(bands: bands)
    guard start.coefficients.count > 1, steps > 1 else { return start }
    // The scale doesn't matter: the diagonal stays 1.
    let found = Minimizer().minimum(from: Array(start.coefficients.dropFirst())) { rest in
      let matrix = BandedToeplitz(coefficients: [1] + rest)
      let (value, slope) = matrix.errorAndSlope(steps: steps)
      return (value, Array(slope.dropFirst()))
    }
    return BandedToeplitz(coefficients: [1] + found)
  }

  /// The error and its derivative by each coefficient: that of the response r = a/c by c_k is −x^k r/c.
  func errorAndSlope(steps: Int) -> (value: Double, slope: [Double]) {
    let response = prefixResponse(steps: steps)
    let twice = Self.divided(response, by: coefficients)
    let weighted = response.enumerated().map { Double(steps - $0.offset) * $0.element / Double(steps) }
    let total = zip(weighted, response).reduce(0) { $0 + $1.0 * $1.1 }
    let norm = coefficients.reduce(0) { $0 + $1 * $1 }
    let slope = coefficients.indices.map { k -> Double in
      var sum = 0.0
      for j in k..<max(k, steps) { sum += weighted[j] * twice[j - k] }
      return -2 * sum * norm + 2 * coefficients[k] * total
    }
    return (total * norm, slope)
  }

  /// First terms of the quotient of two power series.
  private static func divided(_ numerator: [Double], by denominator: [Double]) -> [Double] {
    guard let first = denominator.first else { return numerator }
    var result = numerator
    for t in result.indices {
      var value = result[t]
      for j in 1..<max(1, min(denominator.count, t + 1)) { value -= denominator[j] * result[t - j] }
      result[t] = value / first
    }
    return result
  }
}

/// L-BFGS with backtracking, for smooth functions of a few hundred numbers. Nocedal, 1980.
struct Minimizer {
  var iterations = 300
  var memory = 12

  /// - Parameter function: value and slope.
  func minimum(from start: [Double], _ function: ([Double]) -> (Double, [Double])) -> [Double] {
    var x = start
    var (value, slope) = function(x)
    var pairs: [(s: [Double], y: [Double], rho: Double)] = []
    func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
    for _ in 0..<iterations {
      var direction = slope.map { -$0 }
      var factors: [Double] = []
      for pair in pairs.reversed() {
        let factor = pair.rho * dot(pair.s, direction)
        factors.append(factor)
        direction = zip(direction, pair.y).map { $0 - factor * $1 }
      }
      if let last = pairs.last {
        let scale = dot(last.s, last.y) / dot(last.y, last.y)
        direction = direction.map { scale * $0 }
      }
      for (pair, factor) in zip(pairs, factors.reversed()) {
        let back = pair.rho * dot(pair.y, direction)
        direction = zip(direction, pair.s).map { $0 + (factor - back) * $1 }
      }
      let descent = dot(direction, slope)
      guard descent < 0 else { break }
      var size = pairs.isEmpty ? min(1, 0.1 / dot(slope, slope).squareRoot()) : 1
      var next: (x: [Double], value: Double, slope: [Double])?
      while size > 1e-12 {
        let candidate = zip(x, direction).map { $0 + size * $1 }
        let (newValue, newSlope) = function(candidate)
        if newValue.isFinite, newValue <= value + 1e-4 * size * descent {
          next = (candidate, newValue, newSlope)
          break
        }
        size /= 2
      }
      guard let next else { break }
      let (s, y) = (zip(next.x, x).map { $0 - $1 }, zip(next.slope, slope).map { $0 - $1 })
      let curvature = dot(s, y)
      if curvature > 1e-14 {
        pairs.append((s, y, 1 / curvature))
        if pairs.count > memory { pairs.removeFirst() }
      }
      let gain = value - next.value
      (x, value, slope) = (next.x, next.value, next.slope)
      if gain <= 1e-10 * abs(value) { break }
    }
    return x
  }
}
