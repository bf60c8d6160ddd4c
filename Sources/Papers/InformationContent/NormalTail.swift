import Foundation
import Pinion

/// Tails of the standard normal distribution, accurate however far out: orthants of many strongly correlated coordinates
/// have conditional probabilities like exp(-200).
enum NormalTail {
  static let halfLogTau = 0.9189385332046727

  /// Where the asymptotic series of Mills' ratio takes over; its twelve terms are exact to 1e-12 from here.
  private static let far = 15.0
  private static let terms = 12

  // MARK: Tensors

  /// log P(Z > z), float64.
  static func logSurvival(_ z: Tensor) -> Tensor { (-z).logNdtr() }

  /// The hazard h(z) = φ(z) / P(Z > z), and its excess h(z) - z > 0 without the loss of digits of the difference.
  static func hazard(_ z: Tensor) -> (hazard: Tensor, excess: Tensor) {
    let isFar = z .> far
    let large = select(isFar, z, Tensor.full(like: z, far))
    let share = series(1 / large.square())
    let beyond = share * large / (1 - share)
    let near = select(isFar, Tensor.zeros(like: z), z)
    let direct = (-near.square() / 2 - halfLogTau - logSurvival(near)).exp()
    return (select(isFar, large + beyond, direct), select(isFar, beyond, direct - near))
  }

  /// 1 - z M(z), of Mills' ratio M, by its asymptotic series in i = 1/z²: i - 3i² + 15i³ - …
  private static func series(_ inverse: Tensor) -> Tensor {
    var sum = Tensor.ones(like: inverse)
    for k in (2...terms).reversed() { sum = 1 - Double(2 * k - 1) * inverse * sum }
    return inverse * sum
  }

  /// The z whose excess h(z) - z is `delta` > 0.
  ///
  /// The excess falls and is convex, and Sampford's bound starts left of the root, so Newton's steps only go right.
  static func inverseExcess(_ delta: Tensor) throws -> Tensor {
    try forLoop(maximum(1 / delta - 2 * delta, -delta), steps: 8) { z, _ in
      let (hazard, excess) = hazard(z)
      return z + (excess - delta) / (1 - hazard * excess)
    }
  }

  /// The z with log P(Z > z) = `logSurvival` < 0.
  static func quantile(logSurvival: Tensor) -> Tensor {
    // The smaller of both tails has the digits.
    let other = (-logSurvival.expm1()).log()
    let isUpper = logSurvival .< -0.6931471805599453
    let target = minimum(select(isUpper, logSurvival, other), -1e-300)
    // Abramowitz and Stegun, 26.2.23, then Newton's steps in log P.
    let t = (-2 * target).sqrt()
    var z = t - (2.515517 + t * (0.802853 + 0.010328 * t)) / (1 + t * (1.432788 + t * (0.189269 + 0.001308 * t)))
    for _ in 0..<2 {
      let value = (-z).logNdtr()
      z = z + (value - target) * (value + z.square() / 2 + halfLogTau).exp()
    }
    return select(isUpper, z, -z)
  }

  // MARK: Numbers

  /// log P(Z > z).
  static func logSurvival(_ z: Double) -> Double {
    if z < -5 { return log1p(-0.5 * erfc(-z / 2.0.squareRoot())) }
    if z < far { return log(0.5 * erfc(z / 2.0.squareRoot())) }
    return -z * z / 2 - log(z) - halfLogTau + log1p(-series(1 / (z * z)))
  }

  /// φ(z) / P(Z > z), which is E[Z | Z > z].
  static func hazard(_ z: Double) -> Double {
    if z < far { return exp(-z * z / 2 - halfLogTau - logSurvival(z)) }
    return z / (1 - series(1 / (z * z)))
  }

  private static func series(_ inverse: Double) -> Double {
    inverse * (2...terms).reversed().reduce(1.0) { 1 - Double(2 * $1 - 1) * inverse * $0 }
  }
}
