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
    try estimate([orthant], key: key).first ?? ContentEstimate(logWeights: [])
  }

  /// Orthants of equally many coordinates with the same draws, which cost more than their weights.
  ///
  /// - Throws: `TensorError` where they differ in size; `PJRTError`.
  public func estimate(_ orthants: [GaussianOrthant], key: Key) throws -> [ContentEstimate] {
    guard let n = orthants.first?.count else { return [] }
    guard orthants.allSatisfy({ $0.count == n }) else {
      throw TensorError.value("FoldedNormalSampling", "orthants of \(Set(orthants.map(\.count)).sorted()) coordinates")
    }
    let identity = Tensor.eye(n, dtype: .float64)
    let matrices = orthants.map { orthant in
      exp(orthant.logDeterminant / Double(n)) * choleskySolve(orthant.factor, identity) - identity
    }
    try evaluate(matrices)
    let size = min(batch, samples)
    let draw = jit { (key: Key) -> Tensor in key.normal([size, n], dtype: .float64).abs() }
    let weigh = jit { (u: Tensor, matrix: Tensor) -> Tensor in -0.5 * (u.matmul(matrix) * u).sum(1) }
    var weights = [[Double]](repeating: [], count: orthants.count)
    for part in 0..<(samples + size - 1) / size {
      let u = try draw(key.foldIn(part))
      for i in orthants.indices { weights[i] += try weigh(u, matrices[i]).array(of: Double.self) }
    }
    return weights.map { ContentEstimate(logWeights: Array($0.prefix(samples)), offset: -Double(n) * log(2)) }
  }
}
