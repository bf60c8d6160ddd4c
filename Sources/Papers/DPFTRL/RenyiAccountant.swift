import Foundation
import Lab

/// Privacy loss of Gaussian mechanisms by Rényi divergences, and what they say in terms of (ε, δ).
public enum RenyiAccountant {
  /// Orders that are tried first; the best one is refined between its neighbours, and the ends are extended if need be.
  static let orders: [Double] = {
    let tenths = (1...99).map { 1 + Double($0) / 10 }
    return tenths + (11...64).map { Double($0) } + [80, 96, 128, 192, 256, 384, 512, 1024]
  }()

  /// The smallest ε for which the mechanism is (ε, δ)-differentially private by its Rényi divergences.
  ///
  /// Canonne, Kamath, Steinke, 2020, proposition 12: ε = ρ(a) + log(1 − 1/a) − log(δ a)/(a − 1), the least over orders a.
  ///
  /// - Parameters:
  ///   - delta: between 0 and 1.
  ///   - divergence: Rényi divergence ρ(a) of an order a > 1.
  /// - Returns: ε and the order at which it's found; infinity where no order has a finite divergence.
  public static func epsilon(delta: Double, divergence: (Double) -> Double) -> (epsilon: Double, order: Double) {
    func bound(_ a: Double) -> Double {
      let value = divergence(a) + log1p(-1 / a) - log(delta * a) / (a - 1)
      return value.isNaN ? .infinity : value
    }
    var grid = orders
    var values = grid.map(bound)
    func best() -> Int { values.indices.min { values[$0] < values[$1] } ?? 0 }
    var place = best()
    // The bound says nothing near order 1, and beyond 2²⁰ little is left to gain.
    while place == grid.count - 1, grid[place] < 0x1p20 {
      grid.append(grid[place] * 2)
      values.append(bound(grid[place + 1]))
      place = best()
    }
    while place == 0, grid[0] > 1.01 {
      grid.insert(max(1.01, 1 + (grid[0] - 1) / 2), at: 0)
      values.insert(bound(grid[0]), at: 0)
      place = best()
    }
    guard values[place].isFinite else { return (.infinity, grid[place]) }
    let (order, value) = refined(
      bound, grid[max(0, place - 1)], grid[place], grid[min(grid.count - 1, place + 1)], values[place])
    return (max(0, value), order)
  }

  /// Golden-section search between the neighbours of the best order of a grid.
  private static func refined(
    _ bound: (Double) -> Double, _ low: Double, _ middle: Double, _ high: Double, _ value: Double
  ) -> (Double, Double) {
    let ratio = (5.0.squareRoot() - 1) / 2
    var (low, high) = (low, high)
    var (left, right) = (high - ratio * (high - low), low + ratio * (high - low))
    var (atLeft, atRight) = (bound(left), bound(right))
    for _ in 0..<40 {
      if atLeft <= atRight {
        (high, right, atRight) = (right, left, atLeft)
        left = high - ratio * (high - low)
        atLeft = bound(left)
      } else {
        (low, left, atLeft) = (left, right, atRight)
        right = low + ratio * (high - low)
        atRight = bound(right)
      }
    }
    let (order, found) = atLeft <= atRight ? (left, atLeft) : (right, atRight)
    return found < value ? (order, found) : (middle, value)
  }

  /// ε of a Gaussian mechanism (one, or adaptively composed ones) by Rényi divergences.
  ///
  /// - Parameter ratio: squared sensitivity over squared noise deviation, K/σ²; the divergence of order a is a K/(2σ²).
  public static func gaussianEpsilon(ratio: Double, delta: Double) -> (epsilon: Double, order: Double) {
    if ratio <= 0 { return (0, .infinity) }
    guard ratio.isFinite else { return (.infinity, 1) }
    return epsilon(delta: delta) { $0 * ratio / 2 }
  }

  /// ε of a Gaussian mechanism exactly. Balle, Wang, 2018, theorem 8.
  ///
  /// - Parameter ratio: squared sensitivity over squared noise deviation, K/σ².
  public static func exactGaussianEpsilon(ratio: Double, delta: Double) -> Double {
    guard ratio > 0 else { return 0 }
    guard ratio.isFinite else { return .infinity }
    let mu = ratio.squareRoot()
    func excess(_ epsilon: Double) -> Double {
      let first = normal(mu / 2 - epsilon / mu)
      // e^ε Φ(·) by logarithms: both factors leave the range of doubles.
      return first - exp(epsilon + logNormal(-mu / 2 - epsilon / mu)) - delta
    }
    if excess(0) <= 0 { return 0 }
    var (low, high) = (0.0, 1.0)
    while excess(high) > 0, high < 1e6 { high *= 2 }
    for _ in 0..<80 {
      let middle = (low + high) / 2
      if excess(middle) > 0 { low = middle } else { high = middle }
    }
    return high
  }

  /// ε of steps that add Gaussian noise to the sum over a random part of the data.
  ///
  /// - Parameters:
  ///   - rate: probability q with which each unit is in a step, by itself.
  ///   - sigma: deviation of the noise over the clipping norm.
  public static func sampledEpsilon(
    rate: Double, sigma: Double, steps: Int, delta: Double
  ) -> (epsilon: Double, order: Double) {
    guard sigma > 0, rate > 0 else { return (rate > 0 ? .infinity : 0, 1) }
    if rate >= 1 { return gaussianEpsilon(ratio: Double(steps) / (sigma * sigma), delta: delta) }
    return epsilon(delta: delta) { Double(steps) * SampledGaussian(rate: rate, sigma: sigma).divergence(order: $0) }
  }

  private static func normal(_ x: Double) -> Double { erfc(-x / 2.0.squareRoot()) / 2 }

  private static func logNormal(_ x: Double) -> Double { logErfc(-x / 2.0.squareRoot()) - log(2) }

  /// log erfc(x), where erfc itself vanishes by its asymptotic series.
  static func logErfc(_ x: Double) -> Double {
    if x < 25 { return log(erfc(x)) }
    let y = 1 / (x * x)
    return -x * x - log(x * Double.pi.squareRoot()) + log1p(-y / 2 + 0.75 * y * y - 1.875 * y * y * y)
  }
}

/// The Gaussian mechanism on a random part of the data: each unit is in it with probability q, by itself (Poisson
/// sampling). Mironov, Talwar, Zhang, 2019, section 3.3.
struct SampledGaussian {
  /// q, between 0 and 1.
  let rate: Double
  /// Deviation of the noise over the sensitivity.
  let sigma: Double

  /// Rényi divergence of an order above 1; infinity where its series doesn't converge.
  func divergence(order: Double) -> Double {
    let log = order == order.rounded() && order <= 1024 ? integerMoment(Int(order)) : fractionalMoment(order)
    return max(0, log / (order - 1))
  }

  private func logBinomial(_ n: Double, _ k: Double) -> Double { lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) }

  private func logSum(_ a: Double, _ b: Double) -> Double {
    let (high, low) = (max(a, b), min(a, b))
    return low == -.infinity ? high : high + log1p(exp(low - high))
  }

  private func integerMoment(_ order: Int) -> Double {
    var total = -Double.infinity
    for i in 0...order {
      let k = Double(i)
      let term =
        logBinomial(Double(order), k) + k * log(rate) + (Double(order) - k) * log1p(-rate)
        + (k * k - k) / (2 * sigma * sigma)
      total = logSum(total, term)
    }
    return total
  }

  /// Binomial coefficients enter by their size: those of alternating sign make the bound larger, never smaller. So does
  /// Google's dp-accounting.
  private func fractionalMoment(_ order: Double) -> Double {
    let z = sigma * sigma * log(1 / rate - 1) + 0.5
    let (root, variance) = (2.0.squareRoot() * sigma, 2 * sigma * sigma)
    var (total, before) = (-Double.infinity, (-Double.infinity, -Double.infinity))
    for i in 0..<1000 {
      let k = Double(i)
      let j = order - k
      let binomial = logBinomial(order, k)
      let low =
        binomial + k * log(rate) + j * log1p(-rate) + (k * k - k) / variance + log(0.5)
        + RenyiAccountant.logErfc((k - z) / root)
      let high =
        binomial + j * log(rate) + k * log1p(-rate) + (j * j - j) / variance + log(0.5)
        + RenyiAccountant.logErfc((z - j) / root)
      total = logSum(total, logSum(low, high))
      if low < before.0, high < before.1, max(low, high) < total - 30 { return total }
      before = (low, high)
    }
    return .infinity
  }
}
