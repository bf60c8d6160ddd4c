import Foundation
import Lab
import Pinion

/// The probability of an orthant as a product of those of nested, larger ones, sampled by elliptical slices.
///
/// The domains {z > -γ} shrink to the orthant as γ falls to 0. Each threshold is set where half of the particles lie
/// beyond it; those are copied over the others, and all move within the domain: along random ellipses, whose ends are known
/// in closed form (Murray, Adams and MacKay, 2010; Gessner, Kanjilal and Hennig, 2020), and by a sweep of Gibbs sampling.
/// Slices alone turn all coordinates by one angle, which random labels keep tiny: the content then comes out nats too high.
/// It shares nothing with tilting, so that it's a check of it; at n = 500 it needs some 500 thresholds.
public struct NestedThresholds: Sendable {
  /// Particles of a run.
  public var particles: Int
  /// Elliptical slices behind each threshold.
  public var moves: Int
  /// Gibbs sweeps behind each threshold.
  public var sweeps: Int
  /// Independent runs; their spread is the error bar, where that of independent particles isn't larger.
  public var replicates: Int

  public init(particles: Int = 256, moves: Int = 4, sweeps: Int = 1, replicates: Int = 8) {
    (self.particles, self.moves, self.sweeps) = (max(4, particles), max(0, moves), max(0, sweeps))
    self.replicates = max(2, replicates)
  }

  /// - Throws: `UsageError` where thresholds no longer fall; `TensorError`, `PJRTError`.
  public func estimate(_ orthant: GaussianOrthant, key: Key) throws -> ContentEstimate {
    let (particles, moves, sweeps, replicates) = (particles, moves, sweeps, replicates)
    let n = orthant.count
    let precision = choleskySolve(orthant.factor, Tensor.eye(n, dtype: .float64))
    try evaluate(precision)
    let shrink = jit { (states: Tensor, factor: Tensor, precision: Tensor, key: Key) -> [Tensor] in
      try Self.shrink(states, factor, precision, key, moves: moves, sweeps: sweeps)
    }
    var logs: [Double] = []
    var variance = 0.0
    for run in 0..<replicates {
      let own = key.foldIn(run)
      let normal = own.foldIn(0).normal([n, particles], dtype: .float64)
      var states = orthant.factor.matmul(normal)
      var (log, last) = (0.0, Double.infinity)
      for round in 1...100 * n + 100 {
        let result = try shrink(states, orthant.factor, precision, own.foldIn(round))
        let numbers = try result[1].array(of: Double.self)
        let (threshold, share) = (numbers[0], numbers[1])
        log += Foundation.log(share)
        variance += (1 - share) / (share * Double(particles * replicates * replicates))
        if threshold <= 0 { break }
        guard threshold < last else { throw UsageError("nested thresholds: the particles no longer move") }
        (states, last) = (result[0], threshold)
      }
      logs.append(log)
    }
    let whole = ContentEstimate(logWeights: logs)
    let spread = whole.standardError * (Double(replicates) / Double(replicates - 1)).squareRoot()
    let error = max(spread, variance.squareRoot())
    return ContentEstimate(
      content: whole.content, standardError: error,
      effectiveSamples: min(1 / max(error * error, 1e-12), Double(particles * replicates)),
      largestShare: 0, samples: particles * replicates)
  }

  /// Particles behind the next threshold; the threshold γ and the share of particles that had reached it.
  private static func shrink(
    _ states: Tensor, _ factor: Tensor, _ precision: Tensor, _ key: Key, moves: Int, sweeps: Int
  ) throws -> [Tensor] {
    let count = states.shape[1]
    let depths = -states.min(0)
    // γ between the middle ranks, or 0 where half are inside already.
    let sorted = depths.sorted()
    let threshold = maximum((sorted[count / 2 - 1] + sorted[count / 2]) / 2, 0)
    let inside = depths .<= threshold
    let share = inside.cast(.float64).mean()
    // Copies by chance over those outside.
    let logits = select(inside, Tensor.zeros(like: depths), Tensor.full(like: depths, -.infinity))
    let parents = select(
      inside, Tensor.arange(count), key.foldIn(0).categorical(logits.cast(.float32), shape: [count]))
    let start = states.take(parents, axis: 1)
    let swept = try forLoop(start, steps: sweeps) { z, number in
      try Self.gibbs(z, precision, threshold, key.foldIn(1).foldIn(number))
    }
    let moved = try forLoop(swept, steps: moves) { z, number in
      let keys = key.foldIn(2).foldIn(number)
      // Normal numbers of float32 are drawn five times as fast, and only propose.
      let other = factor.matmul(keys.foldIn(0).normal(z.shape).cast(.float64))
      let angle = Self.angle(z, other, threshold, keys.foldIn(1).uniform([count], dtype: .float64))
      return z * angle.cos().expandDims(0) + other * angle.sin().expandDims(0)
    }
    return [moved, stack([threshold, share])]
  }

  /// Each coordinate in turn from its distribution given the others, beyond -γ.
  private static func gibbs(_ z: Tensor, _ precision: Tensor, _ threshold: Tensor, _ key: Key) throws -> Tensor {
    let (n, count) = (z.shape[0], z.shape[1])
    let zero = Tensor(0 as Int32)
    let logs = maximum(key.uniform(z.shape, dtype: .float64), 1e-300).log()
    return try scan(z, over: [Tensor.arange(n), precision, precision.diagonal(), logs]) { z, step in
      let own = z.dynamicSlice(starts: [step[0], zero], sizes: [1, count]).reshape([count])
      let deviation = step[2].rsqrt()
      let mean = own - step[1].expandDims(0).matmul(z).reshape([count]) / step[2]
      let survival = NormalTail.logSurvival((-threshold - mean) / deviation)
      let next = mean + deviation * NormalTail.quantile(logSurvival: step[3] + survival)
      return (z.dynamicUpdateSlice(next.expandDims(0), starts: [step[0], zero]), [Tensor]())
    }.carried
  }

  /// A uniform angle from the arc about 0 on which z cos θ + w sin θ > -γ in all coordinates.
  ///
  /// In s = cot(θ/2), which falls all the way from θ = 0 to 2π, a coordinate leaves at the roots of
  /// (z + γ) s² + 2 w s + (γ - z) = 0; without real ones it never does.
  private static func angle(_ z: Tensor, _ w: Tensor, _ threshold: Tensor, _ uniform: Tensor) -> Tensor {
    let discriminant = z.square() + w.square() - threshold.square()
    let leaves = discriminant .> 0
    let root = maximum(discriminant, 0).sqrt()
    let never = Tensor.full(like: z, .infinity)
    let first = select(leaves, (root - w) / (z + threshold), -never).max(0)
    let last = select(leaves, (-root - w) / (z + threshold), never).min(0)
    let one = Tensor.ones(like: first)
    let (above, below) = (2 * one.atan2(first), 2 * Double.pi - 2 * one.atan2(last))
    return uniform * minimum(above + below, 2 * Double.pi) - below
  }
}
