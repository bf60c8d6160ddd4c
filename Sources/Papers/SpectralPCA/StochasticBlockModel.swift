import Foundation
import Lab
import Pinion

/// Random graphs of two equal groups: an edge within a group with probability a/n, between groups with b/n.
///
/// Groups can be told apart, better than by a guess, where (a - b)² > 2 (a + b) (Decelle et al. 2011; Mossel, Neeman, Sly
/// 2015), and by no method below.
public struct StochasticBlockModel: Sendable {
  /// Mean number of neighbours (a + b)/2.
  public let degree: Double
  /// (a - b) / √(2 (a + b)): 1 at the threshold.
  public let signal: Double

  public init(degree: Double, signal: Double) { (self.degree, self.signal) = (degree, signal) }

  /// a and b.
  public var rates: (within: Double, between: Double) {
    let half = signal * degree.squareRoot()
    return (degree + half, max(0, degree - half))
  }

  /// A graph of n vertices: its adjacency, float64 [n, n], the first half of them one group.
  ///
  /// - Throws: `UsageError` where an edge would be certain.
  public func adjacency(_ n: Int, seed: UInt64) throws -> Tensor {
    let (a, b) = rates
    guard n >= 4, a < Double(n) else { throw UsageError("\(n) vertices are too few for \(a) neighbours in a group") }
    let half = Tensor.iota([n], axis: 0) .< Double(n / 2)
    let same = half.expandDims(0) .== half.expandDims(1)
    let p = select(same, Tensor.full([n, n], a / Double(n)), Tensor.full([n, n], b / Double(n)))
    let upper = (Key(seed).uniform([n, n]) .< p).cast(.float64).upperTriangle(offset: 1)
    return upper + upper.matrixTranspose()
  }

  /// Group of each vertex by the second eigenvector of the regularised D^-½ (A + τ/n) D^-½, τ the mean degree.
  ///
  /// Without regularisation the eigenvectors of a sparse graph sit on its loose ends (Amini et al. 2013).
  ///
  /// - Throws: `TensorError`, `PJRTError`.
  public static func groups(_ adjacency: Tensor, seed: UInt64) throws -> [Int] {
    let n = adjacency.shape[0]
    let tau = adjacency.sum() / Double(n)
    let degrees = adjacency.sum(1) + tau
    let root = degrees.sqrt()
    let start = Key(seed).normal([n, 4], dtype: .float64)
    let scaled = adjacency / outer(root, root)
    try evaluate(scaled, root, tau)
    let inverse = 1 / root.expandDims(1)
    let uniform = tau / Double(n)
    let (_, vectors, _) = try lobpcg(start, .largest, tolerance: 1e-3, maxSteps: 60) { x in
      scaled.matmul(x) + uniform * inverse * (inverse * x).sum(0, keepDims: true)
    }
    // Signs in the measure of L_rw; the median makes groups of equal size, as they are known to be.
    let second = try (vectors.slice(axis: 1, from: 1, to: 2).squeeze(axis: 1) / root).array(of: Double.self)
    let median = second.sorted()[n / 2]
    return second.map { $0 < median ? 0 : 1 }
  }

  /// Where a rising curve of accuracies first reaches a level, between its points in proportion; nil where it never does.
  public static func crossing(_ curve: [(signal: Double, accuracy: Double)], level: Double) -> Double? {
    for (before, after) in zip(curve, curve.dropFirst()) where before.accuracy < level && after.accuracy >= level {
      let share = (level - before.accuracy) / (after.accuracy - before.accuracy)
      return before.signal + share * (after.signal - before.signal)
    }
    return nil
  }
}
