import Foundation
import Lab
import Pinion

/// The probability of an orthant as a product of those of nested, larger ones, sampled by elliptical slices.
///
/// The domains {z > -γ} shrink to the orthant as γ falls to 0. Each threshold is set where half of the particles lie
/// beyond it; those are copied over the others, and all move along random ellipses within the domain, whose ends on an
/// ellipse are known in closed form (Murray, Adams and MacKay, 2010; Gessner, Kanjilal and Hennig, 2020). It shares nothing
/// with tilting, so that it's a check of it; at n = 500 it needs some 500 thresholds.
public struct NestedThresholds: Sendable {
  /// Particles of a run.
  public var particles: Int
  /// Moves behind each threshold.
  public var moves: Int
  /// Independent runs; their spread is the error bar, where that of independent particles isn't larger.
  public var replicates: Int

  public init(particles: Int = 256, moves: Int = 8, replicates: Int = 8) {
    (self.particles, self.moves) = (max(4, particles), max(1, moves))
    self.replicates = max(2, replicates)
  }

  /// - Throws: `UsageError` where thresholds no longer fall; `TensorError`, `PJRTError`.
  public func estimate(_ orthant: GaussianOrthant, key: Key) throws -> ContentEstimate {
    let (particles, moves, replicates) = (particles, moves, replicates)
    let shrink = jit { (states: Tensor, factor: Tensor, key: Key) -> [Tensor] in
      try Self.shrink(states, factor, key, moves: moves)
    }
    let n = orthant.count
    var logs: [Double] = []
    var variance = 0.0
    for run in 0..<replicates {
      let own = key.foldIn(run)
      let normal = own.foldIn(0).normal([n, particles], dtype: .float64)
      var states = orthant.factor.matmul(normal)
      var (log, last) = (0.0, Double.infinity)
      for round in 1...100 * n + 100 {
        let result = try shrink(states, orthant.factor, own.foldIn(round))
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
  private static func shrink(_ states: Tensor, _ factor: Tensor, _ key: Key, moves: Int) throws -> [Tensor] {
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
    let moved = try forLoop(start, steps: moves) { z, number in
      let keys = key.foldIn(number + 1)
      // Normal numbers of float32 are drawn five times as fast, and only propose.
      let other = factor.matmul(keys.foldIn(0).normal(z.shape).cast(.float64))
      let angle = Self.angle(z, other, threshold, keys.foldIn(1).uniform([count], dtype: .float64))
      return z * angle.cos().expandDims(0) + other * angle.sin().expandDims(0)
    }
    return [moved, stack([threshold, share])]
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
