import Foundation
import Lab
import Pinion

/// What a user may set of the experiment.
public struct DPFTRLOptions: ExperimentOptions {
  /// Methods with a curve, by name.
  public var methods: [PrivateMethod]
  public var epsilons: [Double]
  public var delta: Double
  public var seeds: Int
  public var trainImages: Int
  public var validationImages: Int
  public var testImages: Int
  public var epochs: Int
  public var batchSize: Int
  public var clip: Double
  public var momentum: Double
  public var rates: [Double]
  public var tuningEpsilons: [Double]
  public var extraMethods: [PrivateMethod]
  public var extraEpsilons: [Double]
  public var bands: Int
  public var timingRounds: Int
  public var regretSteps: Int
  public var regretSeeds: Int
  public var parallelRuns: Int

  public init(scale: Scale) {
    methods = [.ftrl, .ftrlMomentum, .sampled, .fixed]
    (epsilons, delta) = ([1.5, 3, 6, 12, 24], 1e-5)
    (seeds, trainImages, validationImages, testImages) = (3, 15_000, 5_000, 10_000)
    (epochs, batchSize, clip, momentum) = (5, 500, 1, 0.9)
    (rates, tuningEpsilons) = ([1, 3, 9], [1.5, 12])
    (extraMethods, extraEpsilons) = ([.plainTree, .banded, .open], [3])
    (bands, timingRounds, regretSteps, regretSeeds, parallelRuns) = (32, 9, 4_096, 10, 2)
    switch scale {
    case .quick:
      (methods, epsilons, seeds) = ([.ftrlMomentum, .sampled, .fixed], [6], 1)
      (trainImages, validationImages, testImages, epochs) = (12_000, 1_000, 2_000, 1)
      (rates, tuningEpsilons, extraMethods) = ([3], [], [])
      (timingRounds, regretSteps, regretSeeds) = (3, 1_024, 3)
    case .standard: break
    case .full:
      (seeds, trainImages, epochs) = (5, 55_000, 10)
      (rates, tuningEpsilons) = ([0.5, 1, 2, 4, 8, 16], [1.5, 6, 24])
      extraEpsilons = epsilons
      regretSeeds = 40
    }
  }

  public static let help = [
    "methods": "methods with a curve: \(PrivateMethod.allCases.map(\.rawValue).joined(separator: ", "))",
    "epsilons": "the epsilons of the curves, rising",
    "delta": "delta of all of them",
    "seeds": "runs of each method at each epsilon, with seeds one after the other",
    "trainImages": "training images, at most 55,000: 5,000 of the 60,000 are held out for choices",
    "validationImages": "held-out images, at most 5,000, on which learning rates are chosen",
    "testImages": "test images, at most 10,000",
    "epochs": "passes over the training images",
    "batchSize": "images of a step; of a sampled one on average",
    "clip": "largest norm of an example's gradient",
    "momentum": "momentum of all methods but dp-ftrl",
    "rates": "each method's learning rate over 1 - momentum is chosen among these on the held-out images",
    "tuningEpsilons":
      "epsilons at which it's chosen; others take that of the nearest; with none the middle rate is taken",
    "extraMethods": "methods that are only compared at extraEpsilons",
    "extraEpsilons": "epsilons at which they are",
    "bands": "bands of the banded matrix",
    "timingRounds": "rounds in which steps are timed",
    "regretSteps": "steps of the online experiment on linear losses",
    "regretSeeds": "repetitions of it",
    "parallelRuns": "networks trained side by side",
  ]

  /// Units, batches and epochs of all methods.
  var plan: ParticipationPlan { ParticipationPlan(units: trainImages, batchSize: batchSize, epochs: epochs) }

  public func validate() throws {
    func require(_ holds: Bool, _ message: String) throws {
      if !holds { throw UsageError(message) }
    }
    try require(!methods.isEmpty && !epsilons.isEmpty, "methods and epsilons must not be empty")
    try require(
      (epsilons + tuningEpsilons + extraEpsilons).allSatisfy { $0 > 0 && $0.isFinite }, "epsilons must be positive")
    try require(delta > 0 && delta < 1, "delta is \(delta), expected a number between 0 and 1")
    try require((1...1_000).contains(seeds), "seeds is \(seeds), expected 1 to 1000")
    try require((1...55_000).contains(trainImages), "trainImages is \(trainImages), expected 1 to 55000")
    try require((1...5_000).contains(validationImages), "validationImages is \(validationImages), expected 1 to 5000")
    try require((1...10_000).contains(testImages), "testImages is \(testImages), expected 1 to 10000")
    try require(epochs > 0, "epochs is \(epochs), expected at least 1")
    try require((1...trainImages).contains(batchSize), "batchSize is \(batchSize), expected 1 to trainImages")
    try require(clip > 0 && clip.isFinite, "clip is \(clip), expected more than 0")
    try require((0..<1).contains(momentum), "momentum is \(momentum), expected 0 to below 1")
    try require(!rates.isEmpty && rates.allSatisfy { $0 > 0 && $0.isFinite }, "rates must be positive, at least one")
    try require((1...4_096).contains(bands), "bands is \(bands), expected 1 to 4096")
    try require((1...1_000).contains(timingRounds), "timingRounds is \(timingRounds), expected 1 to 1000")
    try require((16...1_000_000).contains(regretSteps), "regretSteps is \(regretSteps), expected 16 to 1000000")
    try require((1...10_000).contains(regretSeeds), "regretSeeds is \(regretSeeds), expected 1 to 10000")
    try require((1...16).contains(parallelRuns), "parallelRuns is \(parallelRuns), expected 1 to 16")
  }
}

/// DP-FTRL against DP-SGD with and without amplification, on Fashion-MNIST.
public struct DPFTRLExperiment: Experiment {
  public var paper: Paper { .dpFTRL }
  public var datasets: [DatasetInfo] { [FashionMNIST.info] }

  public init() {}

  public func run(_ context: RunContext<DPFTRLOptions>) throws -> Outcome {
    let options = context.options
    let trainer = try PrivateTrainer(context)
    let timing = try stored(context, "timing") { try PrivateStepCost.measure(trainer, rounds: options.timingRounds) }
    let rates = try trainer.chooseRates()
    let runs = try trainer.trainAll(rates)
    let regret = try stored(context, "regret") {
      try RegretStudy.run(
        steps: options.regretSteps, seeds: options.regretSeeds, epsilon: 4, delta: options.delta,
        key: Key(context.seed).foldIn(200))
    }
    let summary = DPFTRLSummary(
      options: options, scale: context.scale, runs: runs, rates: rates, timing: timing, regret: regret)
    return Outcome(claims: try summary.claims(), report: try summary.report())
  }

  private func stored<Value: Codable>(
    _ context: RunContext<DPFTRLOptions>, _ name: String, _ make: () throws -> Value
  ) throws -> Value {
    try context.checkInterrupt()
    if let known = try context.load(Value.self, from: name) { return known }
    let value = try make()
    try context.save(value, as: name)
    return value
  }
}
