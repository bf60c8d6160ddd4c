import Foundation
import Pinion
import Testing

@testable import Lab
@testable import Papers

@Suite struct InformationOrthantTests {
  private func matrix(_ n: Int, _ entry: (Int, Int) -> Double) -> Tensor {
    Tensor((0..<n * n).map { entry($0 / n, $0 % n) }, shape: [n, n])
  }

  private func equicorrelated(_ n: Int, _ rho: Double, negative: Int = 0) throws -> GaussianOrthant {
    try GaussianOrthant(
      covariance: matrix(n) { $0 == $1 ? 1 : rho }, signs: (0..<n).map { $0 < negative ? -1 : 1 })
  }

  /// A covariance with full spectrum and some signs.
  private func random(_ n: Int, _ seed: UInt64) throws -> (covariance: Tensor, signs: [Double]) {
    let factors = Key(seed).normal([n, n + 3], dtype: .float64)
    let signs = try Key(seed).foldIn(1).rademacher([n], dtype: .float64).array(of: Double.self)
    return (factors.matmul(factors.matrixTranspose()) / Double(n), signs)
  }

  private func expectAgreement(_ found: ContentEstimate, _ exact: Double, errors: Double = 4, _ name: String = "") {
    #expect(abs(found.content - exact) <= errors * found.standardError + 1e-9, "\(name): \(found), \(exact)")
  }

  private let tilting = MinimaxTilting(samples: 2_000, replicates: 4)

  /// Two and three coordinates by arcsines; n equicorrelated ones with 1/2 have 1/(n + 1).
  @Test func closedForms() throws {
    for rho in [-0.9, 0.3, 0.999] {
      let exact = -log(0.25 + asin(rho) / (2 * .pi))
      let orthant = try equicorrelated(2, rho)
      let found = try tilting.estimate(orthant, key: Key(0))
      expectAgreement(found, exact, "rho \(rho)")
      // The last coordinate is integrated exactly.
      #expect(found.standardError < 0.02)
    }
    let (a, b, c) = (0.3, -0.5, 0.4)
    let triple = [[1, a, b], [a, 1, c], [b, c, 1]]
    let orthant = try GaussianOrthant(covariance: matrix(3) { triple[$0][$1] }, signs: [1, -1, 1])
    let exact = -log(0.125 + (-asin(a) + asin(b) - asin(c)) / (4 * .pi))
    expectAgreement(try tilting.estimate(orthant, key: Key(1)), exact)
    expectAgreement(try FoldedNormalSampling(samples: 40_000).estimate(orthant, key: Key(1)), exact)
    let nested = NestedThresholds(particles: 512, moves: 4, replicates: 4)
    expectAgreement(try nested.estimate(orthant, key: Key(1)), exact, errors: 5)
    expectAgreement(try tilting.estimate(equicorrelated(30, 0.5), key: Key(2)), log(31))
    #expect(abs(try ExpectationPropagation().content(equicorrelated(30, 0.5)).content - log(31)) < 0.05)
  }

  /// Independent coordinates: every weight is 2⁻ⁿ, the bracket of the closed-form bound is n/2.
  @Test func theIdentity() throws {
    let n = 40
    let orthant = try GaussianOrthant(
      covariance: matrix(n) { $0 == $1 ? 3 : 0 }, signs: (0..<n).map { $0 % 3 == 0 ? -1 : 1 })
    let exact = Double(n) * log(2)
    for found in [
      try tilting.estimate(orthant, key: Key(0)),
      try FoldedNormalSampling(samples: 1_000).estimate(orthant, key: Key(0)),
    ] {
      #expect(abs(found.content - exact) < 1e-9 && found.standardError < 1e-6)
    }
    let bound = try ClosedFormBound(orthant)
    #expect(abs(bound.bracket - Double(n) / 2) < 1e-9 && abs(bound.content - 0.7 * Double(n)) < 1e-9)
    #expect(abs(bound.tightened - exact) < 1e-9, "with its best scale it's exact here")
    #expect(abs(try TiltingSaddle(orthant).logUpperBound + exact) < 1e-9)
    #expect(abs(try ExpectationPropagation().content(orthant).content - exact) < 1e-6)
    #expect(abs(try LaplaceApproximation().content(orthant) - exact) < 8, "rough")
  }

  @Test func genzAlgorithmOfSciPy() throws {
    for one in try InformationOracle.load().orthants where [4, 10, 20].contains(one.signs.count) {
      let n = one.signs.count
      let orthant = try GaussianOrthant(covariance: Tensor(one.covariance, shape: [n, n]), signs: one.signs)
      let found = try tilting.estimate(orthant, key: Key(UInt64(n)))
      let error = hypot(found.standardError, one.spread)
      #expect(abs(found.content - one.content) < 4 * error + 1e-6, "n = \(n): \(found), \(one.content)")
      #expect(found.isTrusted && found.standardError < 0.03)
      #expect(-(try TiltingSaddle(orthant).logUpperBound) <= one.content + 1e-6)
      #expect(try ClosedFormBound(orthant).content >= one.content)
      let approximation = try ExpectationPropagation().content(orthant)
      #expect(abs(approximation.content - one.content) < 0.03 * one.content, "n = \(n): \(approximation)")
      #expect(approximation.isConverged)
    }
  }

  /// Many strongly correlated coordinates with both signs, by one integral of mpmath: contents up to a thousand nats, where the
  /// paper's estimator is lost and resampling is needed.
  @Test func manyCoordinates() throws {
    for one in try InformationOracle.load().equicorrelated where one.count <= 200 {
      let orthant = try equicorrelated(one.count, one.correlation, negative: one.negative)
      let found = try MinimaxTilting(samples: 1_600, replicates: 4).estimate(orthant, key: Key(5))
      expectAgreement(found, one.content, errors: 4.5, "n = \(one.count)")
      #expect(found.isTrusted, "\(found)")
      #expect(-(try TiltingSaddle(orthant).logUpperBound) <= one.content)
      #expect(try ClosedFormBound(orthant).content >= one.content)
    }
  }

  /// Resampling changes no mean: with and without it, and under another number of replicates.
  @Test func resamplingIsUnbiased() throws {
    let n = 96
    let inputs = try NetworkInputs.scaled(Key(3).normal([n * 6], dtype: .float64).array(of: Double.self), dimension: 6)
    let signs = try Key(4).rademacher([n], dtype: .float64).array(of: Double.self)
    let orthant = try GaussianOrthant(covariance: CompositionalKernel(depth: 2).covariance(inputs), signs: signs)
    let saddle = try TiltingSaddle(orthant)
    #expect(saddle.residual < 1e-4 && saddle.iterations < 30)
    let with = try MinimaxTilting(samples: 6_000, replicates: 6).estimate(saddle, key: Key(0))
    let without = try MinimaxTilting(samples: 30_000, replicates: 1, resamples: false).estimate(saddle, key: Key(1))
    let error = hypot(with.standardError, without.standardError)
    #expect(abs(with.content - without.content) < 4 * error && error < 0.3, "\(with) \(without)")
    let share = without.effectiveSamples / 30_000
    #expect(share < 0.3 && with.effectiveSamples / 6_000 > share, "resampling pays: \(with) \(without)")
  }

  @Test func permutationAndScaleChangeNothing() throws {
    let (covariance, signs) = try random(12, 7)
    let order = [3, 7, 0, 11, 5, 1, 9, 2, 10, 4, 8, 6]
    let places = Tensor(order.map { Int32($0) })
    let scales = Tensor((0..<12).map { 0.5 + Double($0) })
    let others = [
      try GaussianOrthant(
        covariance: covariance.take(places).take(places, axis: 1), signs: order.map { signs[$0] }),
      try GaussianOrthant(covariance: covariance * 100, signs: signs),
      // Even by coordinates: signs don't see it.
      try GaussianOrthant(covariance: covariance * outer(scales, scales), signs: signs),
      try GaussianOrthant(covariance: covariance, signs: signs.map { -$0 }),
    ]
    let first = try GaussianOrthant(covariance: covariance, signs: signs)
    let content = try ExpectationPropagation().content(first).content
    let saddle = try TiltingSaddle(first).logUpperBound
    let estimate = try tilting.estimate(first, key: Key(0))
    let bound = try ClosedFormBound(first)
    for (i, other) in others.enumerated() {
      #expect(abs(try ExpectationPropagation().content(other).content - content) < 1e-5)
      #expect(abs(try TiltingSaddle(other).logUpperBound - saddle) < 1e-7)
      let found = try tilting.estimate(other, key: Key(0))
      #expect(abs(found.content - estimate.content) < 5 * hypot(found.standardError, estimate.standardError))
      // C₁ isn't invariant to scales of single coordinates.
      if i != 2 { #expect(abs(try ClosedFormBound(other).content - bound.content) < 1e-8) }
    }
  }

  /// C₁ by determinant and inverse, as it's written, and that its best scale is the best.
  @Test func theClosedFormBound() throws {
    let (covariance, signs) = try random(9, 3)
    let c = Tensor(signs)
    let inverted = inverse(covariance)
    let scale = pow(try determinant(covariance).item(), 1.0 / 9)
    let form =
      (0.5 - 1 / Double.pi) * (try inverted.trace().item()) + (try (c * inverted.matmul(c)).sum().item()) / Double.pi
    let found = try ClosedFormBound(GaussianOrthant(covariance: covariance, signs: signs))
    #expect(abs(found.content - (1.8 + scale * form)) < 1e-8)
    // Jensen's inequality at any scale: n log 2 - n/2 log s + ½ log det + s form - n/2.
    func jensen(_ s: Double) -> Double { 9 * (log(2) - log(s) / 2 + log(scale) / 2 - 0.5) + s * form }
    let best = try #require((0.01...5).steps(2_000).map(jensen).min())
    #expect(abs(found.tightened - best) < 1e-4)
    #expect(jensen(scale) <= found.content)
  }

  @Test func nestedThresholdsAgreeWithTilting() throws {
    let (covariance, signs) = try random(16, 11)
    let orthant = try GaussianOrthant(covariance: covariance, signs: signs)
    let a = try tilting.estimate(orthant, key: Key(0))
    let b = try NestedThresholds(particles: 256, moves: 4, replicates: 4).estimate(orthant, key: Key(1))
    #expect(abs(a.content - b.content) < 5 * hypot(a.standardError, b.standardError), "\(a) \(b)")
    #expect(b.standardError < 0.3)
  }

  @Test func nearlySingularCovariancesSayTheirJitter() throws {
    // A linear model of more examples than dimensions.
    let inputs = try NetworkInputs.scaled(Key(1).normal([40], dtype: .float64).array(of: Double.self), dimension: 4)
    let linear = try CompositionalKernel(depth: 1).covariance(inputs)
    let signs = [Double](repeating: 1, count: 10)
    let orthant = try GaussianOrthant(covariance: linear, signs: signs)
    #expect(orthant.jitter >= 1e-10 && orthant.jitter < 1e-6 && orthant.contradiction == nil)
    // No linear model has these signs: all four weights must be as small as the noise, 1e-5. One has those of its own
    // first coordinate.
    let impossible = try tilting.estimate(orthant, key: Key(0))
    #expect(impossible.content > 25 && impossible.content < 80, "\(impossible)")
    let first = try inputs[.all, 0].array(of: Double.self).map { $0 > 0 ? 1.0 : -1 }
    let possible = try GaussianOrthant(covariance: linear, signs: first)
    let found = try tilting.estimate(possible, key: Key(0))
    #expect(found.content > 1 && found.content < 30, "\(found)")
    #expect(try GaussianOrthant(covariance: CompositionalKernel(depth: 2).covariance(inputs), signs: signs).jitter == 0)
    // Equal inputs with different labels.
    let equal = try NetworkInputs.scaled([1, 2, 3, 1, 0, 1, 2, 4, 6], dimension: 3)
    let kernel = try CompositionalKernel(depth: 3).covariance(equal)
    let pair = try GaussianOrthant(covariance: kernel, signs: [1, 1, -1]).contradiction
    #expect(pair?.first == 0 && pair?.second == 2)
    #expect(try GaussianOrthant(covariance: kernel, signs: [1, -1, 1]).contradiction == nil)
  }

  @Test func badInputIsAnError() throws {
    let one = matrix(2) { $0 == $1 ? 1 : 0.5 }
    #expect(throws: UsageError.self) { try GaussianOrthant(covariance: one, signs: [1]) }
    #expect(throws: UsageError.self) { try GaussianOrthant(covariance: one, signs: [1, 0]) }
    #expect(throws: UsageError.self) { try GaussianOrthant(covariance: one.cast(.float32), signs: [1, 1]) }
    #expect(throws: UsageError.self) { try GaussianOrthant(covariance: matrix(2) { _, _ in 0 }, signs: [1, 1]) }
    #expect(throws: UsageError.self) { try GaussianOrthant(covariance: matrix(2) { _, _ in .nan }, signs: [1, 1]) }
    #expect(throws: UsageError.self) {
      try GaussianOrthant(covariance: matrix(2) { $0 == $1 ? 1 : 2 }, signs: [1, 1])
    }
  }

  @Test func estimatesSayWhenNotToTrustThem() throws {
    let even = ContentEstimate(logWeights: [Double](repeating: -3, count: 500))
    #expect(abs(even.content - 3) < 1e-12 && abs(even.effectiveSamples - 500) < 1e-9 && even.standardError == 0)
    #expect(even.isTrusted && even.warning == nil)
    let lone = ContentEstimate(logWeights: [0] + [Double](repeating: -40, count: 499))
    #expect(!lone.isTrusted && abs(lone.effectiveSamples - 1) < 1e-9)
    #expect(lone.warning?.contains("don't trust this number") == true)
    let none = ContentEstimate(logWeights: [-.infinity, -.infinity])
    #expect(none.content == .infinity && !none.isTrusted && none.warning != nil)
    // The paper's estimator on a hundred examples with easy labels.
    let inputs = try NetworkInputs.scaled(Key(2).normal([1_000], dtype: .float64).array(of: Double.self), dimension: 10)
    let signs = try inputs.array(of: Double.self).enumerated().filter { $0.offset % 10 == 0 }.map {
      $0.element > 0 ? 1.0 : -1
    }
    let orthant = try GaussianOrthant(covariance: CompositionalKernel(depth: 2).covariance(inputs), signs: signs)
    let paper = try FoldedNormalSampling(samples: 2_000).estimate(orthant, key: Key(0))
    let content = try tilting.estimate(orthant, key: Key(0)).content
    #expect(!paper.isTrusted && paper.content > content + 5, "\(paper) \(content)")
  }
}

extension ClosedRange<Double> {
  fileprivate func steps(_ count: Int) -> [Double] {
    (0...count).map { lowerBound + (upperBound - lowerBound) * Double($0) / Double(count) }
  }
}
