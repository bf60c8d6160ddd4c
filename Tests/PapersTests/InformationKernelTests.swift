import Foundation
import Pinion
import Testing

@testable import Lab
@testable import Papers

/// Values of neural-tangents, SciPy and mpmath; see `Oracles/information.py`.
struct InformationOracle: Decodable {
  struct Kernel: Decodable {
    var network: String
    var unit: UnitNonlinearity
    var depth: Int
    var bias: Double
    var kind: KernelKind
    var values: [Double]
  }
  struct Orthant: Decodable {
    var covariance, signs: [Double]
    var content, spread: Double
  }
  struct Equicorrelated: Decodable {
    var count, negative: Int
    var correlation, content: Double
  }
  struct Tail: Decodable { var z, survival, hazard, excess: Double }
  var inputs, pictures: [Double]
  var kernels: [Kernel]
  var orthants: [Orthant]
  var equicorrelated: [Equicorrelated]
  var tails: [Tail]

  static func load() throws -> InformationOracle {
    let url = try #require(
      Bundle.module.url(forResource: "information", withExtension: "json", subdirectory: "Oracles"))
    return try JSONDecoder().decode(InformationOracle.self, from: Data(contentsOf: url))
  }
}

@Suite struct InformationKernelTests {
  private func largest(_ a: Tensor, _ b: [Double]) throws -> Double {
    let values = try a.array(of: Double.self)
    try #require(values.count == b.count)
    return zip(values, b).map { abs($0 - $1) / max(1, abs($1)) }.max() ?? .nan
  }

  /// The values of the public code's unit test, and 1 at equal inputs.
  @Test func theArccosineMap() throws {
    let r = Tensor([0.4, 0, 1, -1])
    let values = try UnitNonlinearity.relu.moments(r, Tensor(1.0), Tensor(1.0)).values.array(of: Double.self)
    for (value, expected) in zip(values, [0.5441, 0.3183, 1, 0]) { #expect(abs(value - expected) < 5e-5) }
    // Variances are kept, so correlations stay within ±1 at any depth.
    let inputs = try NetworkInputs.scaled((0..<30).map { sin(Double($0)) }, dimension: 5)
    for unit in UnitNonlinearity.allCases {
      let k = try CompositionalKernel(unit, depth: 50).covariance(inputs).array(of: Double.self)
      #expect((0..<6).allSatisfy { abs(k[$0 * 6 + $0] - 1) < 1e-12 } && k.allSatisfy { abs($0) <= 1 + 1e-12 })
    }
  }

  @Test func kernelsAreThoseOfNeuralTangents() throws {
    let oracle = try InformationOracle.load()
    let inputs = Tensor(oracle.inputs, shape: [5, 7])
    let pictures = Tensor(oracle.pictures, shape: [3, 5, 6, 2])
    #expect(oracle.kernels.count == 48)
    for one in oracle.kernels {
      let found =
        one.network == "dense"
        ? try CompositionalKernel(one.unit, kind: one.kind, depth: one.depth, biasVariance: one.bias).covariance(inputs)
        : try ConvolutionalKernel(one.unit, kind: one.kind, depth: one.depth, biasVariance: one.bias)
          .covariance(pictures)
      let name = "\(one.network) \(one.unit) \(one.depth) \(one.bias) \(one.kind)"
      #expect(try largest(found, one.values) < 1e-7, "\(name)")
    }
  }

  @Test func inputsAreScaledToTheRootOfTheirDimension() throws {
    let x = try NetworkInputs.scaled([3, 4, 0, 1e200, -1e200, 0], dimension: 3).array(of: Double.self)
    let root = 3.0.squareRoot()
    #expect(zip(x, [0.6, 0.8, 0].map { $0 * root }).allSatisfy { abs($0 - $1) < 1e-12 })
    #expect(abs(x[3] - root / 2.0.squareRoot()) < 1e-12)
    let zeros = #expect(throws: UsageError.self) {
      try NetworkInputs.scaled([1, 2, 0, 0], dimension: 2, name: "x.csv")
    }
    #expect(zeros?.description == "x.csv: row 2 is all zeros, which can't be scaled to norm √d")
    #expect(throws: UsageError.self) { try NetworkInputs.scaled([1, .nan], dimension: 2) }
    #expect(throws: UsageError.self) { try NetworkInputs.scaled([1, .infinity], dimension: 2) }
    #expect(throws: UsageError.self) { try NetworkInputs.scaled([1, 2, 3], dimension: 2) }
    let inputs = Tensor([1.0, 2], shape: [1, 2])
    #expect(throws: UsageError.self) { try CompositionalKernel(depth: 0).covariance(inputs) }
    #expect(throws: UsageError.self) { try CompositionalKernel(depth: 2, biasVariance: -1).covariance(inputs) }
    #expect(throws: TensorError.self) { try CompositionalKernel(depth: 2).covariance(Tensor([1.0])) }
    let pictures = Tensor.ones([2, 3, 3, 1], dtype: .float64)
    #expect(throws: UsageError.self) { try ConvolutionalKernel(depth: 1).covariance(pictures) }
    #expect(throws: UsageError.self) { try ConvolutionalKernel(depth: 2, patch: 2).covariance(pictures) }
  }

  /// Wide random networks have the kernel's covariance, ever closer the more there are; narrow ones haven't.
  @Test func randomNetworksApproachTheKernel() throws {
    let inputs = try NetworkInputs.scaled((0..<24).map { cos(3 * Double($0 * $0)) }, dimension: 8)
    func measured(_ width: Int) throws -> RandomNetworkCovariance {
      try RandomNetworkCovariance.measure(
        inputs, depth: 3, width: width, counts: [100, 1_600], repetitions: 6, key: Key(1))
    }
    let wide = try measured(400)
    #expect(abs(wide.slope + 0.5) < 0.12, "\(wide.rows)")
    #expect(wide.rows[1].difference < 0.05)
  }

  @Test func tailsOfTheNormalDistribution() throws {
    let tails = try InformationOracle.load().tails
    let z = Tensor(tails.map(\.z))
    let survival = try NormalTail.logSurvival(z).array(of: Double.self)
    let (hazards, excesses) = NormalTail.hazard(z)
    let (hazard, excess) = (try hazards.array(of: Double.self), try excesses.array(of: Double.self))
    func expectClose(_ a: Double, _ b: Double, _ tolerance: Double, _ name: String) {
      #expect(abs(a - b) <= tolerance * abs(b) + 1e-300, "\(name): \(a), \(b)")
    }
    for (i, tail) in tails.enumerated() {
      expectClose(survival[i], tail.survival, 1e-12, "survival \(tail.z)")
      expectClose(hazard[i], tail.hazard, 1e-12, "hazard \(tail.z)")
      expectClose(excess[i], tail.excess, 1e-10, "excess \(tail.z)")
      expectClose(NormalTail.logSurvival(tail.z), tail.survival, 1e-12, "survival \(tail.z)")
      expectClose(NormalTail.hazard(tail.z), tail.hazard, 1e-12, "hazard \(tail.z)")
    }
    // Both inverses go back to where they came from, from -8 to far beyond where probabilities are 0.
    let places = Tensor([-8.0, -3, -0.1, 0, 0.1, 2, 8, 37, 100, 1e4])
    let back = try NormalTail.quantile(logSurvival: NormalTail.logSurvival(places)).array(of: Double.self)
    let other = try NormalTail.inverseExcess(NormalTail.hazard(places).excess).array(of: Double.self)
    for (i, place) in try places.array(of: Double.self).enumerated() {
      #expect(abs(back[i] - place) < 1e-9 * max(1, abs(place)), "\(place): \(back[i])")
      #expect(abs(other[i] - place) < 1e-7 * max(1, abs(place)), "\(place): \(other[i])")
    }
  }

  @Test func boundsOfTheError() {
    // n = 101, C = 0: only the price of the confidence.
    #expect(abs(PACBayes.bound(content: 0, count: 101, delta: 0.01) - (1 - exp(-log(20_200) / 100))) < 1e-15)
    #expect(PACBayes.bound(content: 50, count: 101) < PACBayes.bound(content: 60, count: 101))
    #expect(PACBayes.bound(content: .infinity, count: 101) == 1 && PACBayes.bound(content: 1, count: 1) == 1)
    // A content of n log 2 says nothing beyond chance, whatever n.
    #expect(PACBayes.bound(content: 1_000 * log(2), count: 1_000) > 0.5)
    #expect(PACBayes.parameterCountBound(weights: 800_000, layers: 2, count: 500) == 1)
    #expect(PACBayes.parameterCountBound(weights: 100, layers: 2, count: 1_000_000) < 0.05)
    #expect(abs(RankCorrelation.spearman([1, 2, 3, 4], [10, 20, 30, 5]) + 0.2) < 1e-12)
    #expect(abs(RankCorrelation.spearman([1, 1, 2], [3, 3, 9]) - 1) < 1e-12)
    #expect(RankCorrelation.spearman([1, 1], [1, 2]).isNaN)
  }
}
