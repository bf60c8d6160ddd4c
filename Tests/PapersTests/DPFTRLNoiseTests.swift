import Foundation
import Pinion
import Testing

@testable import Papers

/// Noise of the first steps [steps, P].
private func rows(_ start: PrefixNoise, steps: Int) throws -> Tensor {
  let advance = jit { (noise: PrefixNoise) in
    var noise = noise
    let value = try noise.next()
    return (noise, value)
  }
  var (noise, result) = (start, [Tensor]())
  for _ in 0..<steps {
    let value: Tensor
    (noise, value) = try advance(noise)
    result.append(value)
  }
  return stack(result)
}

/// Means of products of all pairs of rows.
private func products(_ rows: Tensor) throws -> [[Double]] {
  let wide = rows.cast(.float64)
  let count = rows.shape[0]
  let all = try (wide.matmul(wide.transpose()) / Double(rows.shape[1])).array(of: Double.self)
  return (0..<count).map { Array(all[($0 * count)..<(($0 + 1) * count)]) }
}

/// Nodes of a plain tree that make up the first `t` steps: their ends and widths.
private func nodes(_ t: Int) -> Set<[Int]> {
  var (rest, result) = (t, Set<[Int]>())
  while rest > 0 {
    let width = rest & -rest
    result.insert([rest, width])
    rest -= width
  }
  return result
}

@Suite struct PrefixNoiseTests {
  private let size = 16_384

  /// Var = number of ones of t, covariance = number of shared nodes: estimates so close that they round to them.
  @Test func covarianceCountsSharedNodes() throws {
    let covariance = try products(
      rows(PrefixNoise(.tree(efficient: false), size: size, levels: 6, key: Key(3)), steps: 32))
    let sets = (1...32).map(nodes)
    let shared = sets.map { mine in sets.map { mine.intersection($0).count } }
    let worst = zip(covariance, shared).map { zip($0, $1).map { abs($0 - Double($1)) }.max() ?? 1 }.max() ?? 1
    #expect(worst < 0.25)
    #expect((1...32).map { Int(covariance[$0 - 1][$0 - 1].rounded()) } == (1...32).map(\.nonzeroBitCount))
  }

  @Test func efficientEstimatesHaveTheirVariance() throws {
    let covariance = try products(
      rows(PrefixNoise(.tree(efficient: true), size: size, levels: 7, key: Key(4)), steps: 64))
    let plan = ParticipationPlan(units: 64, batchSize: 1, epochs: 1)
    for (t, variance) in plan.prefixVariances(.tree(efficient: true)).enumerated() {
      #expect(abs(covariance[t][t] / variance - 1) < 0.06)
    }
    // A complete tree: 1/(2 − 2⁻⁶), near the limit of a half.
    #expect(abs(covariance[63][63] - 0.504) < 0.03)
    #expect(abs(NoiseMechanism.nodeVariance(height: 60, efficient: true) - 0.5) < 1e-15)
    // σ_k² = σ²/(2 (1 − 2^−(k+1))), and the recursion 1/σ_k² = 1/σ² + 1/(2 σ_{k−1}²).
    var variance = 1.0
    for k in 1...20 {
      variance = 1 / (1 + 1 / (2 * variance))
      #expect(abs(variance - NoiseMechanism.nodeVariance(height: k, efficient: true)) < 1e-12)
    }
  }

  @Test(arguments: [[1.0], [1, 0.5], [1, 0.5, 0.375, 0.3125], [2, 1, 0.25]])
  func bandedNoiseIsThatOfTheMatrix(coefficients: [Double]) throws {
    let covariance = try products(
      rows(PrefixNoise(.banded(coefficients), size: size, levels: 1, key: Key(5)), steps: 12))
    let response = BandedToeplitz(coefficients: coefficients).prefixResponse(steps: 12)
    for s in 0..<12 {
      for t in s..<12 {
        let exact = (0...s).reduce(0.0) { $0 + response[$1] * response[$1 + t - s] }
        #expect(abs(covariance[s][t] - exact) < 0.05 * (1 + Double(t)), "\(s) \(t)")
      }
    }
  }

  @Test func independentNoiseAddsUp() throws {
    let covariance = try products(rows(PrefixNoise(.independent, size: size, levels: 1, key: Key(6)), steps: 10))
    for s in 1...10 {
      for t in s...10 { #expect(abs(covariance[s - 1][t - 1] / Double(s) - 1) < 0.1) }
    }
  }

  /// Nothing drawn twice: what a tree adds after a restart is independent of all before, and what it ended with stays.
  @Test(arguments: [false, true], [false, true])
  func restartDrawsAnew(efficient: Bool, completing: Bool) throws {
    let restart = jit { (noise: PrefixNoise) -> PrefixNoise in
      var noise = noise
      try noise.restart(completing: completing)
      return noise
    }
    let advance = jit { (noise: PrefixNoise) in
      var noise = noise
      let value = try noise.next()
      return (noise, value)
    }
    var noise = PrefixNoise(.tree(efficient: efficient), size: size, levels: 4, key: Key(7))
    var values: [Tensor] = []
    for _ in 0..<5 {
      let value: Tensor
      (noise, value) = try advance(noise)
      values.append(value)
    }
    noise = try restart(noise)
    let kept = noise.settled
    if !completing { #expect(try kept.array(of: Float.self) == values[4].array(of: Float.self)) }
    values.append(kept)
    for _ in 1...7 {
      let value: Tensor
      (noise, value) = try advance(noise)
      values.append(value - kept)
    }
    let covariance = try products(stack(values))
    if completing {
      #expect(abs(covariance[5][5] - NoiseMechanism.nodeVariance(height: 3, efficient: efficient)) < 0.06)
    }
    let plan = ParticipationPlan(units: 7, batchSize: 1, epochs: 1)
    for (t, variance) in plan.prefixVariances(.tree(efficient: efficient)).enumerated() {
      #expect(abs(covariance[6 + t][6 + t] / variance - 1) < 0.06)
      for old in 0..<6 { #expect(abs(covariance[6 + t][old]) < 0.08) }
    }
  }

  /// A state that was written out and read again goes on with the same numbers, bit for bit.
  @Test(arguments: [
    NoiseMechanism.tree(efficient: false), .tree(efficient: true), .banded([1, 0.5, 0.375]), .independent,
  ])
  func resumesExactly(mechanism: NoiseMechanism) throws {
    let start = PrefixNoise(mechanism, size: 50, levels: 5, key: Key(8))
    let whole = try rows(start, steps: 20)
    var noise = start
    for _ in 0..<13 { _ = try noise.next() }
    let stored = try parameters(of: noise).mapValues { tensor -> Tensor in
      tensor.dtype == .float32
        ? Tensor(try tensor.array(of: Float.self), shape: tensor.shape)
        : tensor.dtype == .uint32
          ? Tensor(try tensor.array(of: UInt32.self), shape: tensor.shape)
          : Tensor(try tensor.array(of: Int32.self), shape: tensor.shape)
    }
    var again = PrefixNoise(mechanism, size: 50, levels: 5, key: Key(999))
    try load(stored, into: &again)
    let rest = try whole[13...].array(of: Float.self)
    #expect(try rows(again, steps: 7).array(of: Float.self) == rest)
    // Another key draws other numbers.
    let other = try rows(PrefixNoise(mechanism, size: 50, levels: 5, key: Key(9)), steps: 1).array(of: Float.self)
    #expect(try other != whole[0].array(of: Float.self))
  }
}
