import Foundation
import Pinion

/// The paper's estimator: p = 2⁻ⁿ E exp(-½ (c∘u)ᵀ (s Σ⁻¹ - I) (c∘u)) with u = |standard normal| and s = det(Σ)^(1/n).
///
/// Consistent, but its weights are worth one or two samples once n is a few hundred: it's then far too high for labels that
/// are easy, as the few samples never meet the orthant's mass.
public struct FoldedNormalSampling: Sendable {
  public var samples: Int
  /// Samples at a time, each of n numbers.
  public var batch = 10_000

  public init(samples: Int) { self.samples = max(1, samples) }

  /// - Throws: `TensorError`, `PJRTError`.
  public func estimate(_ orthant: GaussianOrthant, key: Key) throws -> ContentEstimate {
    let n = orthant.count
    let scale = exp(orthant.logDeterminant / Double(n))
    let inverse = choleskySolve(orthant.factor, Tensor.eye(n, dtype: .float64))
    let matrix = scale * inverse - Tensor.eye(n, dtype: .float64)
    try evaluate(matrix)
    let size = min(batch, samples)
    let weigh = jit { (key: Key, matrix: Tensor) -> Tensor in
      let u = key.normal([size, n], dtype: .float64).abs()
      return -0.5 * (u.matmul(matrix) * u).sum(1)
    }
    var weights: [Double] = []
    weights.reserveCapacity(samples)
    for part in 0..<(samples + size - 1) / size {
      weights += try weigh(key.foldIn(part), matrix).array(of: Double.self)
    }
    return ContentEstimate(logWeights: Array(weights.prefix(samples)), offset: -Double(n) * log(2))
  }
}
