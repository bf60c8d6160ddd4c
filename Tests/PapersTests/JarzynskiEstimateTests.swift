import ArgumentParser
import Formats
import Foundation
import Lab
import Pinion
import Testing

@testable import Papers

private func temporary(_ name: String, _ text: String) throws -> String {
  let path = FileManager.default.temporaryDirectory.appending(path: "jarzynski-\(UUID().uuidString)-\(name)").path
  try text.write(toFile: path, atomically: true, encoding: .utf8)
  return path
}

/// Small grids, so that pilots compile little.
private var smallGrid: Pilot.Grid {
  var grid = Pilot.Grid()
  (grid.steps, grid.powers, grid.acceptances) = ([20], [1], [0.7])
  (grid.frictions, grid.virtualSteps, grid.lengths, grid.momentumPrecisions) = ([0.25], [0.3], [8], [1, 0.3])
  return grid
}

@Suite struct JarzynskiStatisticsTests {
  @Test func weightsOfKnownSpread() {
    let estimate = PartitionEstimate(logWeights: [log(1), log(3)])
    #expect(abs(estimate.logRatio - log(2)) < 1e-15)
    #expect(abs(estimate.relativeVariance - 0.5) < 1e-15)
    #expect(abs(estimate.effectiveSamples - 2 / 1.5) < 1e-15)
    #expect(abs(estimate.maxWeightShare - 0.75) < 1e-15)
    #expect(abs(estimate.standardError - 0.5) < 1e-15)
  }

  @Test func constantsChangeNothingElse() {
    let logs = (0..<40).map { sin(Double($0)) }
    let (plain, shifted) = (
      PartitionEstimate(logWeights: logs), PartitionEstimate(logWeights: logs.map { $0 + 5_000 })
    )
    #expect(abs(shifted.logRatio - plain.logRatio - 5_000) < 1e-9)
    #expect(abs(shifted.relativeVariance - plain.relativeVariance) < 1e-9)
  }

  @Test func whatRanOffCountsAsNothing() {
    let estimate = PartitionEstimate(logWeights: [0, .nan, -.infinity, 0])
    #expect(abs(estimate.logRatio - log(0.5)) < 1e-15)
    let none = PartitionEstimate(logWeights: [.nan, -.infinity])
    #expect(none.logRatio == -.infinity && none.warnings.count == 1)
    #expect(PartitionEstimate(logWeights: []).warnings.count == 1)
    let heavy = PartitionEstimate(logWeights: [10] + Array(repeating: 0, count: 500))
    #expect(heavy.warnings.count == 2)
    #expect(PartitionEstimate(logWeights: Array(repeating: 0, count: 500)).warnings.isEmpty)
  }

  @Test func agreesWithPymbar() throws {
    let oracle = try JarzynskiOracle.load()
    let work = oracle.work
    let exponential = PartitionEstimate(logWeights: work.forward.map { -$0 })
    #expect(abs(exponential.logRatio - work.exp) < 1e-12)
    // pymbar divides by N, we by N − 1.
    #expect(abs(exponential.standardError * (59.0 / 60).squareRoot() - work.expError) < 1e-12)
    let bar = try BridgeSampling().bar(forward: work.forward, reverse: work.reverse)
    #expect(abs(bar.logRatio - work.bar) < 1e-8)
    #expect(abs(bar.standardError - work.barError) < 1e-8)
    let states = oracle.states
    let mbar = try BridgeSampling().mbar(Tensor(states.energies), counts: states.counts)
    for i in 0..<3 {
      #expect(abs(mbar.logPartitionFunctions[i] - states.logZ[i]) < 1e-9)
      #expect(abs(mbar.standardErrors[i] - states.errors[i]) < 1e-9)
    }
  }

  @Test func bridgesWithoutOverlapSaySo() {
    #expect(throws: TensorError.self) {
      try BridgeSampling().mbar(Tensor.zeros([2, 3], dtype: .float64), counts: [2, 2])
    }
    #expect(throws: TensorError.self) {
      try BridgeSampling().mbar(Tensor.zeros([2, 3], dtype: .float64), counts: [3, 0])
    }
  }

  @Test func workValuesAsCSV() throws {
    let table = WorkTable(forward: [0.1, 1e-17, -3], reverse: [2.5])
    let path = try temporary("work.csv", "")
    defer { try? FileManager.default.removeItem(atPath: path) }
    try table.write(to: path)
    #expect(try WorkTable(path: path) == table)
    for (text, part) in [
      ("work\nx\n", "isn't a number"), ("w\n1\n", "no column 'work'"), ("work,forward\n1,2\n", "expected 1 or 0"),
      ("work,forward\n1,0\n", "no forward"), ("work\n", "no work values"), ("work\nnan\n", "isn't a number"),
    ] {
      try text.write(toFile: path, atomically: true, encoding: .utf8)
      let error = #expect(throws: FormatError.self) { try WorkTable(path: path) }
      #expect(error?.description.contains(part) == true, "\(error?.description ?? "none")")
    }
  }
}

@Suite struct JarzynskiTargetTests {
  @Test func mixturesFromJSON() throws {
    let good = try temporary(
      "mix.json", #"{"components": [{"weight": 2, "mean": [0, 1], "sd": 0.5}, {"mean": [3, 1], "sd": [1, 2]}]}"#)
    defer { try? FileManager.default.removeItem(atPath: good) }
    let mixture = try GaussianMixture(path: good)
    #expect(mixture.dimension == 2 && mixture.components.count == 2)
    #expect(abs((mixture.logPartitionFunction ?? 0) - log(3)) < 1e-15)
    // At the first mean: 2/(2π 0.25) + N(3; 0, 1) N(0; 0, 2).
    let density = 2 / (2 * Double.pi * 0.25) + exp(-4.5) / (2 * Double.pi * 2)
    #expect(abs(try mixture(Tensor([0.0, 1])).item() + log(density)) < 1e-12)
    for text in [
      "{}", #"{"components": []}"#, #"{"components": [{"mean": [], "sd": 1}]}"#, #"{"components": [{"mean": [0]}]}"#,
      #"{"components": [{"mean": [0], "sd": 0}]}"#, #"{"components": [{"mean": [0], "sd": [1, 2]}]}"#,
      #"{"components": [{"mean": ["a"], "sd": 1}]}"#, #"{"components": [{"mean": [0], "sd": 1, "weight": "x"}]}"#,
      #"{"components": [{"mean": [0], "sd": 1}, {"mean": [0, 1], "sd": 1}]}"#, "[1", "3",
    ] {
      let path = try temporary("bad.json", text)
      defer { try? FileManager.default.removeItem(atPath: path) }
      #expect(throws: FormatError.self, "\(text)") { try GaussianMixture(path: path) }
    }
  }

  @Test func logisticRegression() throws {
    let oracle = try JarzynskiOracle.load().logistic
    let energy = try LogisticRegressionEnergy(
      features: oracle.features, labels: oracle.labels.map { $0 == 1 }, priorDeviation: oracle.prior)
    #expect(abs(try energy(Tensor(oracle.weights)).item() - oracle.energy) < 1e-12)
    #expect(energy.prior.dimension == 3 && abs(energy.prior.logPartitionFunction ?? 1) < 1e-12)
    #expect(throws: FormatError.self) { try LogisticRegressionEnergy(features: [[1]], labels: [true, false]) }
    #expect(throws: FormatError.self) { try LogisticRegressionEnergy(features: [[1], [2]], labels: [true, true]) }
    #expect(throws: FormatError.self) { try LogisticRegressionEnergy(features: [[1], [.nan]], labels: [true, false]) }

    let csv = try temporary("data.csv", "a,b,kind\n1,2,x\n2,1,y\n3,5,x\n0,1,y\n")
    defer { try? FileManager.default.removeItem(atPath: csv) }
    let table = try LabelledTable(csv: csv)
    #expect(table.classNames == ["x", "y"] && table.featureNames == ["a", "b"] && table.labels == [0, 1, 0, 1])
    #expect(try LogisticRegressionEnergy(table, columns: ["b"]).dimension == 2)
    #expect(throws: FormatError.self) { try LogisticRegressionEnergy(table, columns: ["c"]) }
    #expect(throws: FormatError.self) { try LogisticRegressionEnergy(table, positive: "z") }
    #expect(throws: FormatError.self) { try LabelledTable(csv: csv, label: "a") }
    #expect(throws: FormatError.self) { try LabelledTable(csv: csv, label: "none") }
  }

  @Test func boltzmannMachines() throws {
    let oracle = try JarzynskiOracle.load().machine
    func machine(_ visible: BoltzmannMachine.Visible) throws -> BoltzmannMachine {
      try BoltzmannMachine(
        weights: Tensor(oracle.weights), visibleBias: Tensor(oracle.visibleBias),
        hiddenBias: Tensor(oracle.hiddenBias), visible: visible)
    }
    let (binary, gaussian) = (try machine(.binary), try machine(.gaussian))
    #expect(abs((binary.logPartitionFunction ?? 0) - oracle.binary) < 1e-10)
    #expect(abs((gaussian.logPartitionFunction ?? 0) - oracle.gaussian) < 1e-10)
    // Both energies have the machine's own partition function.
    for machine in [binary, gaussian] {
      let path = AnnealingPath.geometric(
        from: QuadraticEnergy(
          mean: Array(repeating: 0, count: machine.dimension),
          standardDeviation: Array(repeating: 2.2, count: machine.dimension)), to: machine)
      let run = try VirtualEstimator.importance(path).run(count: 40_000, key: Key(21))
      #expect(abs(TargetStudy.zScore(run.logWeights, machine.logPartitionFunction ?? 0)) < 4, "\(machine.visible)")
    }
    let path = try temporary("rbm.safetensors", "")
    defer { try? FileManager.default.removeItem(atPath: path) }
    try gaussian.write(to: path)
    let again = try BoltzmannMachine(path: path)
    #expect(again.visible == .gaussian && again.logPartitionFunction == gaussian.logPartitionFunction)
    try Safetensors.write(["weights": Tensor.zeros([3, 2])], to: path)
    #expect(throws: FormatError.self) { try BoltzmannMachine(path: path) }
    let misfits = [
      "weights": Tensor.zeros([3, 2]), "visible_bias": Tensor.zeros([2]), "hidden_bias": Tensor.zeros([2]),
    ]
    try Safetensors.write(misfits, to: path)
    #expect(throws: FormatError.self) { try BoltzmannMachine(path: path) }
    try Safetensors.write(misfits, to: path, metadata: ["visible": "grey"])
    #expect(throws: FormatError.self) { try BoltzmannMachine(path: path) }
  }

  /// Data about two centres: the likelihood of the trained machine beats that of no couplings.
  @Test func machinesLearn() throws {
    let signs = Key(22).bernoulli(0.5, [200, 1]).cast(.float64) * 4 - 2
    let data = signs + Key(23).normal([200, 3], dtype: .float64)
    let machine = try BoltzmannMachine.trained(
      on: data, hidden: 2, visible: .gaussian, steps: 400, learningRate: 0.05, key: Key(24))
    let energy = try vmap { (x: Tensor) -> Tensor in machine(x) }(data).mean().item()
    let trained = energy + (machine.logPartitionFunction ?? 0)
    let squares = try (data - data.mean(0)).square().sum(1).mean().item()
    #expect(trained < squares / 2 + 1.5 * log(2 * Double.pi) - 1)
  }

  @Test func partitionFunctionsInClosedForm() throws {
    // ∫ exp(−a(x²−1)²) for a = 1: I(x) by the trapezium rule over a wide grid.
    let grid = (-40_000...40_000).reduce(0.0) { $0 + exp(-pow(pow(Double($1) / 10_000, 2) - 1, 2)) } / 10_000
    let energy = DoubleWellEnergy(dimension: 3, barrier: 1)
    #expect(abs((energy.logPartitionFunction ?? 0) - 3 * log(grid)) < 1e-10)
    let quadratic = QuadraticEnergy(stiffness: [2, 8], slope: [1, 0], constant: 0.5)
    let expected = 0.5 * log(Double.pi) + 0.5 * log(Double.pi / 4) + 0.25 - 0.5
    #expect(abs((quadratic.logPartitionFunction ?? 0) - expected) < 1e-12)
    #expect(QuadraticEnergy(stiffness: [0]).logPartitionFunction == nil)
  }

  @Test func modesAreFoundAndMissedOnesTold() throws {
    let search = try ModeSearch(GaussianMixture.ring, starts: Key(25).normal([64, 2], dtype: .float64) * 5)
    #expect(search.modes.count == 8)
    #expect(abs(search.logMass) < 0.02)
    #expect(abs(try #require(search.modes.first).frequencies()[0] - 2) < 0.01)
    // A reference that covers one mode of eight: the weights look perfect, the search tells.
    let narrow = AnnealingPath.geometric(
      from: QuadraticEnergy(mean: [4, 0], standardDeviation: [0.4, 0.4]), to: GaussianMixture.ring)
    let result = try PartitionFunction.estimate(narrow, method: .importance, budget: 2_000, seed: 1)
    #expect(result.estimate.relativeVariance < 1 && result.estimate.logRatio < -1.5)
    #expect(result.warnings.contains { $0.hasPrefix("modes may be missed") })
  }
}

/// The example of the README and of `Energy`'s documentation.
private struct Funnel: Energy {
  let dimension = 2
  func callAsFunction(_ x: Tensor) -> Tensor {
    let (v, y) = (x[0], x[1])
    return v.square() / 18 + y.square() * (-v).exp() / 2 + v / 2
  }
}

@Suite struct JarzynskiEstimationTests {
  @Test func energiesOfTheUser() throws {
    let energy = EnergyFunction(dimension: 2) { x in (x.square() - 1).square().sum() * 3 }
    let reference = QuadraticEnergy(mean: [0, 0], standardDeviation: [1.5, 1.5])
    let result = try PartitionFunction.estimate(
      .geometric(from: reference, to: energy), method: .virtual, budget: 1 << 16, grid: smallGrid)
    let exact = DoubleWellEnergy(dimension: 2, barrier: 3).logPartitionFunction ?? 0
    #expect(abs(result.logPartitionFunction - exact) < 5 * result.estimate.standardError)
    #expect(result.estimate.standardError < 0.05 && result.warnings.isEmpty)
    #expect(result.gradients <= 1 << 16 && result.work.forward.count == result.estimate.count)
  }

  @Test func energiesAsTypes() throws {
    // ∫ exp(−E) = √(2π 9) √(2π): the funnel's factor exp(v/2) is made up for by v/2.
    let path = AnnealingPath.geometric(
      from: QuadraticEnergy(mean: [0, 0], standardDeviation: [3, 4]), to: Funnel())
    let result = try PartitionFunction.estimate(
      path, method: .importance, budget: 40_000, grid: smallGrid, searchesModes: false)
    #expect(abs(result.logPartitionFunction - log(6 * Double.pi)) < 0.1)
  }

  /// Walkers at rest at many levels, and work from both ends, agree on a ratio that is 1.
  @Test func integrationAndBridgesAgree() throws {
    let path = AnnealingPath.geometric(
      from: QuadraticEnergy(mean: [0], standardDeviation: [2]), to: GaussianMixture.bimodal)
    let levels = AnnealingSchedule.levels(20, power: 2)
    let real = AnnealedEstimator(
      sampler: AnnealedSampler(path, move: .mala), levels: levels,
      stepSizes: levels.dropFirst().map { 0.25 / pow(1 + 8 * $0, 2) }, settings: "")
    let both = try LadderEstimator(path, real).run([.integration, .mbar], budget: 100_000, key: Key(31))
    let bar = try PartitionFunction.bridge(path, real, 60_000, part: 1_000, BridgeSampling(), Key(32))
    for result in both + [bar] {
      let estimate = result.estimate
      // Simpson's rule has an error of its own.
      let tolerance = result.method == .integration ? 0.1 : 0.03
      #expect(abs(estimate.logRatio) < max(tolerance, 4.5 * estimate.standardError), "\(result.method)")
      #expect(estimate.standardError < 0.3 && result.gradients <= 100_000)
    }
    #expect(bar.work.forward.count == bar.work.reverse.count && bar.estimate.standardError < 0.05)
  }

  @Test func tooLittleSaysSo() {
    let path = AnnealingPath.tempering(QuadraticEnergy(stiffness: [1]), from: 1, to: 2)
    #expect(throws: TensorError.self) { try PartitionFunction.estimate(path, method: .virtual, budget: 10) }
  }

  @Test func whitening() throws {
    let energy = QuadraticEnergy(stiffness: [1, 100], slope: [3, -20])
    let mode = try #require(try ModeSearch(energy, starts: Tensor.zeros([1, 2], dtype: .float64)).modes.first)
    #expect(abs(mode.logMass - (energy.logPartitionFunction ?? 0)) < 1e-9)
    let (center, factor) = try mode.whitening()
    let white = try AffineEnergy(energy, center: center, factor: factor)
    let values = try [[0.0, 0], [1, 0], [0, 1]].map { try white(Tensor($0)).item() }
    #expect(abs(values[1] - values[0] - 0.5) < 1e-9 && abs(values[2] - values[0] - 0.5) < 1e-9)
  }
}

@Suite struct JarzynskiCommandTests {
  private func source(_ text: String, positive: String? = nil) throws -> TargetSource {
    try TargetSource(text, width: nil, prior: 1, label: nil, positive: positive, laplace: false)
  }

  @Test func targetsAreFound() throws {
    #expect(try source("ring").exact == 0)
    for (text, part) in [
      ("rinf", "did you mean ring"), ("none.json", "no such file"), ("ring:a", "only CSV files"),
      ("none.csv", "no such file"),
    ] {
      let error = #expect(throws: (any Error).self, "\(text)") { try source(text) }
      #expect(error.map { "\($0)".contains(part) } == true, "\(text): \(error.map { "\($0)" } ?? "")")
    }
    let csv = try temporary("three.csv", "a,kind\n1,x\n2,y\n3,z\n0,y\n1,z\n2,x\n")
    defer { try? FileManager.default.removeItem(atPath: csv) }
    #expect(throws: UsageError.self) { try source(csv) }
    #expect(try source(csv + ":a", positive: "y").path.dimension == 2)
  }

  @Test func optionsAreChecked() throws {
    for arguments in [
      ["--target", "ring", "--budget", "3"], ["--target", "ring", "--width", "-1"],
      ["--target", "ring", "--prior", "0"], ["--target", "ring", "--method", "magic"],
      ["--target", "ring", "--method", "ti", "--work", "x.csv"],
      ["--target", "ring", "--versus", "grid", "--work", "x"],
      [],
    ] { #expect(throws: (any Error).self) { try JarzynskiCommand.parseAsRoot(["estimate"] + arguments) } }
    _ = try JarzynskiCommand.parseAsRoot(["estimate", "--target", "ring", "--method", "virtual-multistep"])

    for change: (inout JarzynskiOptions) -> Void in [
      { $0.seeds = 0 }, { $0.smallestBudget = 20 }, { $0.steps = [] }, { $0.lengths = [0] }, { $0.powers = [0.5] },
      { $0.acceptances = [1] }, { $0.frictions = [] }, { $0.windows = [1] }, { $0.parallelRuns = 0 },
      { $0.harmonicSamples = 0 }, { $0.referenceSteps = 1 }, { $0.pilotTrajectories = 1 },
    ] {
      var options = JarzynskiOptions(scale: .quick)
      change(&options)
      #expect(throws: UsageError.self) { try options.validate() }
    }
    for scale in Scale.allCases { try JarzynskiOptions(scale: scale).validate() }
    let names = Mirror(reflecting: JarzynskiOptions(scale: .quick)).children.compactMap(\.label)
    #expect(Set(names) == Set(JarzynskiOptions.help.keys))
  }

  /// Verdicts follow from the numbers.
  @Test func claimsJudgeTheNumbers() throws {
    func summary(_ virtual: Double, zScore: Double, variance: Double) -> JarzynskiSummary {
      func result(_ method: EstimationMethod, _ variance: Double) -> MethodResult {
        MethodResult(
          method: method, settings: "", gradients: 50, estimates: [[0.1, -0.1]],
          relativeVariances: [variance, variance],
          standardError: 0.1, effectiveShare: 0.5, maxWeightShare: 0.1, logWeights: [], pilotGradients: 0)
      }
      var options = JarzynskiOptions(scale: .standard)
      (options.seeds, options.smallestBudget, options.largestBudget) = (2, 18, 18)
      let ring = TargetResult(
        target: .ring, reference: 0, referenceError: 0, logInitial: 0,
        methods: [result(.mala, 1.2), result(.virtual, virtual)], schedules: [result(.mala, 1.2), result(.mala, 1)])
      let row = HarmonicStudy.Row(name: "", gradients: 1, relativeVariances: [variance, variance], errors: [0, 0])
      let parameters = VirtualParameters(friction: 1, stepSize: 1, length: 1)
      return JarzynskiSummary(
        options: options, scale: .standard, targets: [ring],
        harmonic: HarmonicStudy(
          virtual: [row], langevin: [row], untempered: row, virtualLogWeights: [], langevinLogWeights: []),
        unbiased: UnbiasedStudy(rows: [
          .init(target: "", parameters: parameters, mean: 1, standardError: 1, relativeVariance: 1, zScore: zScore)
        ]), drive: DriveStudy(rows: []))
    }
    func verdicts(_ summary: JarzynskiSummary) -> [String: Claim.Verdict] {
      Dictionary(summary.claims().map { ($0.name, $0.verdict) }, uniquingKeysWith: { a, _ in a })
    }
    let good = verdicts(summary(0.7, zScore: -3, variance: 1e-4))
    #expect(good["ring"] == .holds && good["unbiased"] == .holds && good["zero variance"] == .holds)
    // The baseline is the best schedule, not the one that the pilot chose.
    let bad = verdicts(summary(0.9, zScore: -5, variance: 2e-3))
    #expect(bad["ring"] == .fails && bad["unbiased"] == .fails && bad["zero variance"] == .fails)
  }

  @Test func rootMeanSquaresHaveIntervals() {
    let (value, interval) = JarzynskiSummary.rmsInterval([3, -3, 3, -3, 3, -3, 3, -3, 3, -3])
    // Chi-square of 10 degrees: 3.247 and 20.483.
    #expect(value == 3)
    #expect(abs((interval?.lowerBound ?? 0) - 3 * (10 / 20.483).squareRoot()) < 0.01)
    #expect(abs((interval?.upperBound ?? 0) - 3 * (10 / 3.247).squareRoot()) < 0.02)
  }
}
