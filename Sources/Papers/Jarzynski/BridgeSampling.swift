import Foundation
import Pinion

/// Ratios of partition functions from samples of several states at once.
///
/// One value may solve many problems; those of equal sizes share their programs.
public final class BridgeSampling {
  private let step = jit { (iterate: Iterate) in try BridgeSampling.candidates(iterate) }
  private let imbalance = jit { (iterate: Iterate) in
    BridgeSampling.imbalance(BridgeSampling.weights(iterate), iterate.counts)
  }

  public init() {}

  /// What the multistate estimator found.
  public struct Result: Sendable {
    /// log Z of each state, relative to the first.
    public var logPartitionFunctions: [Double]
    /// Standard errors of those.
    public var standardErrors: [Double]
  }

  private struct Iterate: Module {
    var free: Tensor
    var energies: Tensor
    var counts: Tensor
  }

  private struct Candidates: Module {
    var selfConsistent: Tensor
    var newton: Tensor
    /// Largest relative gradient at the present iterate.
    var imbalance: Tensor
    var covariance: Tensor
  }

  /// MBAR (Shirts and Chodera, 2008), solved by Newton's method where it helps and by self-consistent iteration where not.
  ///
  /// - Parameters:
  ///   - energies: reduced energies of all samples in all states, float64 [K, N].
  ///   - counts: samples that were drawn in each state, in the order of the columns; their sum is N.
  /// - Throws: `TensorError` where counts don't fit, a state has no samples, or the iteration doesn't settle.
  public func mbar(_ energies: Tensor, counts: [Int]) throws -> Result {
    guard energies.shape == [counts.count, counts.reduce(0, +)], counts.count > 1, counts.allSatisfy({ $0 > 0 }) else {
      throw TensorError.shape("mbar", "energies \(energies.shape) don't go with samples \(counts) of the states")
    }
    var current = Iterate(
      free: Tensor.zeros([counts.count], dtype: .float64), energies: energies, counts: Tensor(counts.map(Double.init)))
    for _ in 0..<2_000 {
      let next = try step(current)
      try evaluate(next.imbalance, next.selfConsistent, next.newton, next.covariance)
      if try next.imbalance.item() < 1e-11 { return try Self.result(current, next.covariance) }
      // Far from the solution Newton's step may lead astray.
      var (other, newton) = (current, current)
      (other.free, newton.free) = (next.selfConsistent, next.newton)
      let sizes = (try imbalance(other).item(), try imbalance(newton).item())
      current = sizes.1 < sizes.0 ? newton : other
    }
    throw TensorError.value("mbar", "doesn't settle: the states share no samples, so nothing links them")
  }

  /// The two-state case, Bennett's acceptance ratio, from work in both directions.
  ///
  /// - Parameters:
  ///   - forward: reduced work from 0 to 1, with samples of state 0 at its start.
  ///   - reverse: reduced work from 1 to 0.
  /// - Returns: log(Z₁/Z₀) with its standard error.
  /// - Throws: as `mbar(_:counts:)`.
  public func bar(forward: [Double], reverse: [Double]) throws -> PartitionEstimate {
    let zeros = { (n: Int) in Array(repeating: 0.0, count: n) }
    let energies = Tensor([zeros(forward.count) + reverse, forward + zeros(reverse.count)])
    let result = try mbar(energies, counts: [forward.count, reverse.count])
    return PartitionEstimate(
      logRatio: result.logPartitionFunctions[1], standardError: result.standardErrors[1],
      count: forward.count + reverse.count)
  }

  private static func result(_ iterate: Iterate, _ covariance: Tensor) throws -> Result {
    let free = try iterate.free.array(of: Double.self)
    let values = try covariance.array(of: Double.self)
    let k = free.count
    let errors = (0..<k).map { i -> Double in
      let variance = values[i * k + i] - 2 * values[i] + values[0]
      return max(0, variance).squareRoot()
    }
    return Result(logPartitionFunctions: free.map { free[0] - $0 }, standardErrors: errors)
  }

  /// W_kn = exp(f_k − u_kn) / Σ_j N_j exp(f_j − u_jn), [K, N].
  private static func weights(_ iterate: Iterate) -> Tensor {
    let shifted = iterate.free.expandDims(1) - iterate.energies
    let denominators = (shifted + iterate.counts.log().expandDims(1)).logSumExp(axis: 0, keepDims: true)
    return (shifted - denominators).exp()
  }

  /// Σ_n W_kn is 1 for each state at the solution.
  private static func imbalance(_ weights: Tensor, _ counts: Tensor) -> Tensor {
    let size = (weights.sum(1) - 1).abs().max()
    return select(size .>= 0, size, Tensor(Double.infinity))
  }

  private static func candidates(_ iterate: Iterate) throws -> Candidates {
    let (free, counts) = (iterate.free, iterate.counts)
    let k = counts.shape[0]
    let w = weights(iterate)
    let sums = w.sum(1)
    let selfConsistent = free - sums.log()
    let populations = w * counts.expandDims(1)  // [K, N]
    let curvature =
      Tensor.eye(k, dtype: .float64) * populations.sum(1).expandDims(1) - populations.matmul(populations.transpose())
    let gradient = counts - populations.sum(1)
    let move = solve(curvature[1..., 1...], gradient[1...].expandDims(1)).squeeze(axis: 1)
    let newton = free + concatenate([Tensor.zeros([1], dtype: .float64), move])
    // Θ of equation D7; differences of free energies have the variances Θ_ii − 2 Θ_ij + Θ_jj.
    let total = counts.sum()
    let inner = inverse(w.matmul(w.transpose())) - Tensor.eye(k, dtype: .float64) * counts + 1 / total
    let centred = selfConsistent - selfConsistent[0]
    return Candidates(
      selfConsistent: centred, newton: newton, imbalance: imbalance(w, counts), covariance: inverse(inner))
  }
}
