import Foundation
import Lab
import Pinion

/// Online learning of linear losses under privacy: each step a loss ⟨g_t, x⟩ with |g_t| = 1 comes, and x_t in the unit ball
/// is the regularised leader of the private prefix sum. Section 3 and theorem 5.1 of the paper.
struct RegretStudy: Codable, Sendable {
  /// Regret of one mechanism, mean over seeds, with the learning rate that is best on other seeds.
  struct Curve: Codable, Sendable {
    var title: String
    var sigma: Double
    /// Squared sensitivity.
    var sensitivity: Double
    var rate: Double
    /// Regret after the study's steps, by seed.
    var regrets: [[Double]]

    /// Regret after all steps, by seed.
    var last: [Double] { regrets.map { $0.last ?? .nan } }
  }

  /// Steps after which regret is shown.
  var steps: [Int]
  var dimension: Int
  var epsilon: Double
  var curves: [Curve]

  static func run(
    dimension: Int = 64, steps: Int, seeds: Int, epsilon: Double, delta: Double, key: Key
  ) throws -> RegretStudy {
    let plan = ParticipationPlan(units: steps, batchSize: 1, epochs: 1)
    let bands = min(64, steps)
    let mechanisms: [NoiseMechanism?] = [
      nil, .tree(efficient: true), .tree(efficient: false),
      .banded(BandedToeplitz.optimal(bands: bands, steps: min(steps, 2_048)).coefficients), .independent,
    ]
    let shown = (0...).lazy.map { 16 << $0 }.prefix { $0 < steps } + [steps]
    let grid = (-12...4).map { pow(2, Double($0)) }
    let curves = try mechanisms.map { mechanism -> Curve in
      let guarantee = try mechanism.map { try PrivacyGuarantee.calibrated($0, plan, epsilon: epsilon, delta: delta) }
      let online = try program(mechanism ?? .independent, steps: steps, dimension: dimension, levels: plan.levels)
      func regret(_ rate: Double, _ seed: Int) throws -> [Double] {
        let values = try online(
          key.foldIn(seed), Tensor(Float(guarantee?.sigma ?? 0)), Tensor(Float(rate))
        ).array(of: Float.self)
        return shown.map { Double(values[$0 - 1]) }
      }
      let trials = try grid.map { rate in
        try (0..<min(3, seeds)).reduce(0.0) { $0 + (try regret(rate, 1_000 + $1).last ?? .infinity) }
      }
      let rate = grid[trials.indices.min { trials[$0] < trials[$1] } ?? 0]
      return Curve(
        title: mechanism?.title ?? "no privacy", sigma: guarantee?.sigma ?? 0,
        sensitivity: guarantee?.squaredSensitivity ?? 0, rate: rate,
        regrets: try (0..<seeds).map { try regret(rate, $0) })
    }
    return RegretStudy(steps: Array(shown), dimension: dimension, epsilon: epsilon, curves: curves)
  }

  /// Regret after each step [T] by the key, the noise's deviation and the learning rate.
  private static func program(
    _ mechanism: NoiseMechanism, steps: Int, dimension: Int, levels: Int
  ) throws -> (Key, Tensor, Tensor) throws -> Tensor {
    jit { (key: Key, sigma: Tensor, rate: Tensor) throws -> Tensor in
      let drift = key.foldIn(0).normal([dimension])
      let direction = drift / drift.square().sum().sqrt()
      let raw = 0.2 * direction + key.foldIn(1).normal([steps, dimension]) / Double(dimension).squareRoot()
      let slopes = raw / raw.square().sum(1, keepDims: true).sqrt()
      let start = PrefixNoise(mechanism, size: dimension, levels: levels, key: key.foldIn(2))
      let noise = try scan(start, steps: steps) { noise, _ in
        var noise = noise
        let value = try noise.next()
        return (noise, [value])
      }.results[0]
      let sums = slopes.cumulativeSum(axis: 0)
      let leaders = -rate * (sums + sigma * noise)
      // Before the first loss the leader is 0.
      let points = leaders.slice(axis: 0, from: 0, to: steps - 1).pad(low: [1, 0], high: [0, 0])
      let inside = points / maximum(points.square().sum(1, keepDims: true).sqrt(), 1)
      let losses = (inside * slopes).sum(1).cumulativeSum(axis: 0)
      // The best fixed point of the ball loses −|S_t|.
      return losses + sums.square().sum(1).sqrt()
    }
  }
}
