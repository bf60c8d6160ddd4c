import Foundation

/// Means, spreads and intervals over seeds.
public enum Statistics {
  /// Arithmetic mean; not-a-number of nothing.
  public static func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }

  /// Sample standard deviation (divisor n − 1); 0 of a single value.
  public static func standardDeviation(_ values: [Double]) -> Double {
    guard values.count > 1 else { return values.isEmpty ? .nan : 0 }
    let mean = mean(values)
    return (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1)).squareRoot()
  }

  /// Student-t interval of the mean; nil of fewer than two values.
  ///
  /// - Parameter level: probability that the interval covers the mean.
  public static func interval(_ values: [Double], level: Double = 0.95) -> ClosedRange<Double>? {
    let deviation = standardDeviation(values)
    guard values.count > 1, deviation.isFinite else { return nil }
    let half =
      studentQuantile((1 + level) / 2, degrees: Double(values.count - 1)) * deviation
      / Double(values.count).squareRoot()
    let mean = mean(values)
    return half.isFinite ? (mean - half)...(mean + half) : nil
  }

  /// Mean of the differences of pairs, such as two methods under the same seeds, and its Student-t interval.
  ///
  /// Values without a partner are left out.
  public static func pairedDifference(
    _ first: [Double], _ second: [Double], level: Double = 0.95
  ) -> (mean: Double, interval: ClosedRange<Double>?) {
    let differences = zip(first, second).map { $0 - $1 }
    return (mean(differences), interval(differences, level: level))
  }

  /// Quantile of Student's t distribution; not-a-number outside 0 < p < 1 and degrees > 0.
  public static func studentQuantile(_ p: Double, degrees: Double) -> Double {
    guard p > 0, p < 1, degrees > 0 else { return .nan }
    if p == 0.5 { return 0 }
    if p < 0.5 { return -studentQuantile(1 - p, degrees: degrees) }
    // The upper tail is I_x(ν/2, ½)/2 with x = ν/(ν + t²), which rises in x.
    let tail = 2 * (1 - p)
    var (low, high) = (0.0, 1.0)
    while true {
      let middle = (low + high) / 2
      if middle <= low || middle >= high { break }
      if incompleteBeta(degrees / 2, 0.5, middle) < tail { low = middle } else { high = middle }
    }
    return (degrees * (1 - low) / low).squareRoot()
  }

  /// Regularised incomplete beta function I_x(a, b), by Lentz's continued fraction (DLMF 8.17.22).
  static func incompleteBeta(_ a: Double, _ b: Double, _ x: Double) -> Double {
    if x <= 0 { return 0 }
    if x >= 1 { return 1 }
    // The fraction converges fast below the mean of the distribution; above it the mirrored one does.
    if x > (a + 1) / (a + b + 2) { return 1 - incompleteBeta(b, a, 1 - x) }
    let front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)) / a
    let tiny = 1e-300
    func nonzero(_ value: Double) -> Double { abs(value) < tiny ? tiny : value }
    var c = 1.0
    var d = 1 / nonzero(1 - (a + b) * x / (a + 1))
    var fraction = d
    for m in 1...500 {
      let m = Double(m)
      let even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
      d = 1 / nonzero(1 + even * d)
      c = nonzero(1 + even / c)
      fraction *= d * c
      let odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
      d = 1 / nonzero(1 + odd * d)
      c = nonzero(1 + odd / c)
      fraction *= d * c
      if abs(d * c - 1) < 1e-15 { break }
    }
    return front * fraction
  }
}
