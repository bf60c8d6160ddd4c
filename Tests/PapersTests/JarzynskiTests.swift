import Foundation
import Pinion
import Testing

@testable import Formats
@testable import Papers

/// Values of pymbar and NumPy; see `Oracles/jarzynski.py`.
struct JarzynskiOracle: Decodable {
  struct Work: Decodable {
    var forward, reverse: [Double]
    var exp, expError, bar, barError: Double
  }
  struct States: Decodable {
    var energies: [[Double]]
    var counts: [Int]
    var logZ, errors: [Double]
  }
  struct Window: Decodable {
    var length: Int
    var step, friction: Double
    var precisions: [Double]
    var positions, momenta: [[Double]]
    var logRatios: [Double]
  }
  struct Machine: Decodable {
    var weights: [[Double]]
    var visibleBias, hiddenBias: [Double]
    var binary, gaussian: Double
  }
  struct Logistic: Decodable {
    var features: [[Double]]
    var labels: [Int]
    var weights: [Double]
    var prior, energy: Double
  }
  var work: Work
  var states: States
  var window: Window
  var machine: Machine
  var logistic: Logistic

  static func load() throws -> JarzynskiOracle {
    let url = try #require(
      Bundle.module.url(forResource: "jarzynski", withExtension: "json", subdirectory: "Oracles"))
    return try JSONDecoder().decode(JarzynskiOracle.self, from: Data(contentsOf: url))
  }
}

private let ringPath = AnnealingPath.geometric(
  from: QuadraticEnergy(mean: [0, 0], standardDeviation: [4, 4]), to: GaussianMixture.ring)
private let linePath = AnnealingPath.geometric(
  from: QuadraticEnergy(mean: [0], standardDeviation: [2]), to: GaussianMixture.bimodal)

/// How many standard errors the mean weight is off, both paths being between normalised densities.
private func deviation(_ logWeights: [Double], exact: Double = 0) -> Double {
  TargetStudy.zScore(logWeights, exact)
}

@Suite struct JarzynskiFlowTests {
  private struct Checks: Module {
    var jacobian: Tensor
    var back: Tensor
    var drift: Tensor
  }

  /// The volume element shrinks by exp(−γ d h), the backward map is the inverse, and without friction H drifts by O(h²).
  @Test func conformalAndReversible() throws {
    let check = jit { (z: Tensor, h: Tensor) -> Checks in
      func flow(_ friction: Double) -> ConformalFlow {
        ConformalFlow(
          path: ringPath, coefficients: [Tensor(0.0), Tensor(1.0)], friction: Tensor(friction))
      }
      func stepped(_ z: Tensor, _ h: Tensor, _ friction: Double) throws -> Tensor {
        let flow = flow(friction)
        let (start, _) = try flow.start(z[..<2].expandDims(1), z[2...].expandDims(1))
        let end = try flow.step(start, h).0
        return concatenate([end.positions, end.momenta], axis: 0).squeeze(axis: 1)
      }
      func energy(_ z: Tensor) throws -> Tensor { GaussianMixture.ring(z[..<2]) + z[2...].square().sum() / 2 }
      let back = try stepped(stepped(z, h, 0.7), -h, 0.7)
      let free = try forLoop(z, steps: 64) { z, _ in try stepped(z, h, 0) }
      return Checks(
        jacobian: try jacobian { try stepped($0, h, 0.7) }(z), back: back - z, drift: try energy(free) - energy(z))
    }
    let z = Tensor([3.1, 0.7, -0.4, 1.2])
    let (large, small) = (try check(z, Tensor(0.04)), try check(z, Tensor(0.02)))
    try evaluate(large.jacobian, large.back, large.drift, small.drift)
    let determinant = slogdet(large.jacobian)
    #expect(abs(try determinant.logAbs.item() + 0.7 * 2 * 0.04) < 1e-12)
    #expect(try determinant.sign.item() == 1)
    #expect(try large.back.abs().max().item() < 1e-13)
    // The error of a symplectic map is bounded by h²; at the end of unequal times only its size is comparable.
    #expect(try large.drift.abs().item() < 0.02)
    #expect(try small.drift.abs().item() < 0.005)
  }

  @Test func windowsAreTheFormula() throws {
    let oracle = try JarzynskiOracle.load().window
    let window = VirtualWindow(path: ringPath, capacity: 64)
    let run = jit { (positions: Tensor, noise: Tensor) -> Tensor in
      let input = VirtualWindow.Input(
        length: Tensor(Int32(oracle.length)), lower: Tensor([1.0, 0]), upper: Tensor([0, 1.0]),
        lowerPrecision: Tensor(oracle.precisions[0]),
        upperPrecision: Tensor(oracle.precisions[1]), friction: Tensor(oracle.friction), stepSize: Tensor(oracle.step))
      return try window.output(positions, noise: noise, input, choosing: nil).logRatio
    }
    let noise = Tensor(oracle.momenta).transpose() * oracle.precisions[0].squareRoot()
    let found = try run(Tensor(oracle.positions).transpose(), noise).array(of: Double.self)
    for (a, b) in zip(found, oracle.logRatios) { #expect(abs(a - b) < 1e-9 * max(1, abs(b))) }
    #expect(found.count == oracle.logRatios.count)
  }

  @Test func lengthZeroIsImportanceSampling() throws {
    let key = Key(3)
    let run = try VirtualSampler(ringPath, longest: 0).run(
      count: 50, parameters: VirtualParameters(friction: 0.3, stepSize: 0.1, length: 0), key: key)
    let states = ringPath.draw(key.split()[0], 50).transpose()
    let direct = jit { (states: Tensor) -> Tensor in
      let evaluation = try ringPath.evaluate(states)
      return evaluation.values[0] - evaluation.values[1]
    }
    #expect(try direct(states).array(of: Double.self) == run.logWeights)
  }

  /// Parameters that nobody would choose: beyond the leapfrog's limit, heating, no friction at all.
  @Test func unbiasedForAnyParameters() throws {
    let sampler = VirtualSampler(linePath, longest: 10)
    let settings = [(0.0, 0.2), (4.0, 0.9), (-0.5, 0.3)].flatMap { pair in [1, 3, 10].map { ($0, pair.0, pair.1) } }
    for (i, (length, friction, step)) in settings.enumerated() {
      let parameters = VirtualParameters(
        friction: friction, stepSize: step, length: length, momentumPrecisions: [0.5, 1])
      let weights = try sampler.run(count: 8_000, parameters: parameters, key: Key(5).foldIn(i)).logWeights
      let score = deviation(weights)
      #expect(abs(score) < 4, "K \(length), γ \(friction), h \(step): \(score)")
      #expect(PartitionEstimate(logWeights: weights).relativeVariance > 1e-3)
    }
  }

  /// Between equal densities the mean of R is 1, though R itself differs from sample to sample.
  @Test func equalEndsHaveMeanOne() throws {
    let same = QuadraticEnergy(mean: [0], standardDeviation: [1])
    let path = AnnealingPath.geometric(from: same, to: same)
    let weights = try VirtualSampler(path, longest: 3).run(
      count: 8_000, parameters: VirtualParameters(friction: 0.5, stepSize: 0.3, length: 3), key: Key(6)
    ).logWeights
    #expect(abs(deviation(weights)) < 4)
    #expect(PartitionEstimate(logWeights: weights).relativeVariance > 1e-3)
  }

  @Test func multistepIsUnbiased() throws {
    let parameters = VirtualParameters(friction: 0.7, stepSize: 0.15, length: 3)
    let run = try VirtualSampler(linePath, longest: 3, moves: 2).run(
      count: 8_000, parameters: parameters, levels: [0, 0.1, 0.4, 1], stepSizes: [0.5, 0.3, 0.1], key: Key(7))
    #expect(abs(deviation(run.logWeights)) < 4)
    // The drawn virtual states follow the target when weighted: by symmetry as many on either side.
    let states = try #require(run.states).array(of: Double.self)
    let weights = run.logWeights.map(exp)
    let right = zip(states, weights).reduce(0) { $0 + ($1.0 > 0 ? $1.1 : 0) } / weights.reduce(0, +)
    #expect(abs(right - 0.5) < 0.1)
    let spread = zip(states, weights).reduce(0) { $0 + $1.1 * pow(abs($1.0) - 2, 2) } / weights.reduce(0, +)
    #expect(abs(spread - 0.35 * 0.35) < 0.04)
  }

  @Test func harmonicWeightsHaveNoVariance() throws {
    let path = try JarzynskiTarget.harmonic.path()
    let sampler = VirtualSampler(path, longest: 400)
    let parameters = VirtualParameters(friction: 0.05, stepSize: 0.2, length: 400)
    let estimate = PartitionEstimate(
      logWeights: try sampler.run(count: 64, parameters: parameters, key: Key(8)).logWeights)
    #expect(estimate.relativeVariance < 1e-3)
    #expect(abs(estimate.logRatio + 5 * log(10)) < 1e-3)
    // Without tempering of the momentum the property is lost.
    var plain = parameters
    plain.momentumPrecisions = [2, 2]
    let other = PartitionEstimate(logWeights: try sampler.run(count: 64, parameters: plain, key: Key(8)).logWeights)
    #expect(other.relativeVariance > 0.05)
  }

  @Test func listsThatDontFitSaySo() throws {
    let sampler = VirtualSampler(linePath, longest: 2)
    let good = VirtualParameters(friction: 0.1, stepSize: 0.1, length: 2)
    var other = good
    other.length = 3
    #expect(throws: TensorError.self) { try sampler.run(count: 4, parameters: other, key: Key(0)) }
    #expect(throws: TensorError.self) { try sampler.run(count: 4, parameters: good, levels: [0], key: Key(0)) }
    let annealed = AnnealedSampler(linePath, move: .mala)
    #expect(throws: TensorError.self) { try annealed.run(count: 4, levels: [0, 1], stepSizes: [], key: Key(0)) }
    let broken = EnergyFunction(dimension: 2) { $0.matmul(Tensor.zeros([3, 3], dtype: .float64)) }
    let path = AnnealingPath.geometric(from: QuadraticEnergy(mean: [0, 0], standardDeviation: [1, 1]), to: broken)
    #expect(throws: TensorError.self) {
      try VirtualSampler(path, longest: 2).run(count: 4, parameters: good, key: Key(0))
    }
  }
}

@Suite struct JarzynskiAnnealingTests {
  private let levels = AnnealingSchedule.levels(12, power: 2)

  @Test(arguments: [Move.mala, .hmc(leapfrogs: 3), .underdamped(friction: 1), .correctedLangevin])
  func exactMovesAreUnbiased(_ move: Move) throws {
    let sampler = AnnealedSampler(linePath, move: move)
    let sizes = levels.dropFirst().map { 0.5 / (1 + 8 * $0) }
    let size = move == .mala || move == .correctedLangevin ? sizes.map { $0 * $0 } : sizes
    let run = try sampler.run(count: 8_000, levels: levels, stepSizes: size, key: Key(11))
    #expect(abs(deviation(run.work.map { -$0 })) < 4, "\(move)")
    #expect(run.acceptance.allSatisfy { $0 > 0.5 && $0 <= 1 })
    // Work is at least the free energy in the mean (here 0), and the same key gives the same numbers.
    #expect(run.work.reduce(0, +) > 0)
    #expect(try sampler.run(count: 8_000, levels: levels, stepSizes: size, key: Key(11)).work == run.work)
  }

  @Test func plainLangevinIsBiased() throws {
    let sizes = levels.dropFirst().map { _ in 0.1 }
    let run = try AnnealedSampler(linePath, move: .langevin).run(
      count: 8_000, levels: levels, stepSizes: sizes, key: Key(12))
    #expect(abs(deviation(run.work.map { -$0 })) > 5)
  }

  @Test func stepSizesFindTheirAcceptance() throws {
    let sampler = AnnealedSampler(linePath, move: .mala)
    let many = AnnealingSchedule.levels(60)
    let tuned = try sampler.tuned(count: 8_000, levels: many, start: 50, acceptance: 0.7, key: Key(13))
    let run = try sampler.run(count: 8_000, levels: many, stepSizes: tuned.stepSizes, key: Key(14))
    let mean = run.acceptance.reduce(0, +) / 60
    #expect(abs(mean - 0.7) < 0.1)
    #expect((tuned.stepSizes.first ?? 0) > 3 * (tuned.stepSizes.last ?? 0))
  }

  /// A trap that is dragged: the work is Gaussian, its variance twice its mean, as the free energy stays the same.
  @Test func draggedTrap() throws {
    let k = 2.0
    let start = QuadraticEnergy(stiffness: [k])
    let path = AnnealingPath(
      components: [
        start, QuadraticEnergy(stiffness: [0], slope: [-k]), QuadraticEnergy(stiffness: [0], constant: k / 2),
      ],
      target: QuadraticEnergy(stiffness: [k], slope: [-2 * k], constant: 2 * k),
      coefficients: { [Tensor.ones(like: $0), 2 * $0, 4 * $0.square()] }, draw: { start.samples($0, count: $1) })
    let run = try AnnealedSampler(path, move: .ornsteinUhlenbeck).run(
      count: 8_000, levels: AnnealingSchedule.levels(10), stepSizes: Array(repeating: 0.1, count: 10), key: Key(15))
    let n = Double(run.work.count)
    let mean = run.work.reduce(0, +) / n
    let variance = run.work.reduce(0) { $0 + pow($1 - mean, 2) } / (n - 1)
    #expect(mean > 0.5)
    #expect(abs(variance / (2 * mean) - 1) < 0.06)
    #expect(abs(deviation(run.work.map { -$0 })) < 4)
    let skew = run.work.reduce(0) { $0 + pow($1 - mean, 3) } / n / pow(variance, 1.5)
    #expect(abs(skew) < 0.12)
  }

  @Test func constantFrequencyDrive() throws {
    let drive = ConstantFrequencyDrive(steps: 200)
    let work = try drive.hamiltonianWork(time: 32, count: 30_000, key: Key(17))
    let found = PartitionEstimate(logWeights: work.map { -$0 })
    #expect(abs(found.relativeVariance / drive.hamiltonianVariance(time: 32) - 1) < 0.1)
    #expect(abs(found.logRatio) < 4 * found.standardError)
    // The square of the time, where Langevin's variance falls with the time itself.
    #expect(abs(drive.hamiltonianVariance(time: 16) / drive.hamiltonianVariance(time: 64) - 16) < 2)
    let langevin = try [16.0, 64].map { time in
      PartitionEstimate(logWeights: try drive.langevinWork(time: time, count: 4_000, key: Key(18)).map { -$0 })
    }
    #expect((2.0...6).contains(langevin[0].relativeVariance / langevin[1].relativeVariance))
    // The free energy of a stiffness that changes is ½ ln(k₁/k₀).
    #expect(abs(langevin[1].logRatio + 0.5 * log(20)) < 4 * langevin[1].standardError)
    #expect(ConstantFrequencyDrive(end: 400).hamiltonianVariance(time: 0.5) == .infinity)
  }
}
