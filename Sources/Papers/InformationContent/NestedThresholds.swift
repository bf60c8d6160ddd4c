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
  /// Independent runs; their spread is the error bar.
  public var replicates: Int

  public init(particles: Int = 512, moves: Int = 8, replicates: Int = 4) {
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
        if threshold <= 0 { break }
        guard threshold < last else { throw UsageError("nested thresholds: the particles no longer move") }
        (states, last) = (result[0], threshold)
      }
      logs.append(log)
    }
    let whole = ContentEstimate(logWeights: logs)
    let error = whole.standardError * (Double(replicates) / Double(replicates - 1)).squareRoot()
    return ContentEstimate(
      content: whole.content, standardError: error, effectiveSamples: 1 / max(error * error, 1e-12),
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
      let other = factor.matmul(keys.foldIn(0).normal(z.shape, dtype: .float64))
      let angle = Self.angle(z, other, threshold, keys.foldIn(1).uniform([count], dtype: .float64))
      return z * angle.cos().expandDims(0) + other * angle.sin().expandDims(0)
    }
    return [moved, stack([threshold, share])]
  }

  /// A uniform angle from the arc about 0 on which z cos θ + w sin θ > -γ in all coordinates.
  private static func angle(_ z: Tensor, _ w: Tensor, _ threshold: Tensor, _ uniform: Tensor) -> Tensor {
    let radius = (z.square() + w.square()).sqrt()
    let phase = w.atan2(z)
    let half = (-threshold / radius).clamp(min: -1, max: 1).acos()
    // Where the radius is smaller than γ the coordinate never leaves.
    let full = 2 * Double.pi
    let free = Tensor.full(like: radius, full)
    func wrapped(_ angle: Tensor) -> Tensor { angle - full * (angle / full).floor() }
    let isFree = radius .<= threshold
    let above = select(isFree, free, wrapped(phase + half)).min(0)
    let below = select(isFree, free, wrapped(half - phase)).min(0)
    let arc = minimum(above + below, full)
    return uniform * arc - below
  }
}
