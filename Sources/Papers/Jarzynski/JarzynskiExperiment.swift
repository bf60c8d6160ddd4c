import Foundation
import Lab
import Pinion

/// What a user may set of the experiment.
public struct JarzynskiOptions: ExperimentOptions {
  /// Targets with error curves, by name.
  public var targets: [JarzynskiTarget]
  public var methods: [EstimationMethod]
  public var seeds: Int
  public var smallestBudget: Int
  public var largestBudget: Int
  public var pilotTrajectories: Int
  public var steps: [Int]
  public var powers: [Double]
  public var acceptances: [Double]
  public var frictions: [Double]
  public var virtualSteps: [Double]
  public var lengths: [Int]
  public var windows: [Int]
  public var harmonicSamples: Int
  public var unbiasedSamples: Int
  public var referenceSteps: Int
  public var referenceTrajectories: Int
  public var parallelRuns: Int
  public var python: String?

  public init(scale: Scale) {
    let grid = Pilot.Grid()
    targets = [.bimodal, .ring, .grid, .doubleWell, .harmonic, .evidence, .smallEvidence, .digits]
    methods = [.importance, .mala, .hmc, .underdamped, .virtual, .virtualMultistep, .integration, .bar, .mbar]
    (seeds, smallestBudget, largestBudget, pilotTrajectories) = (10, 12, 18, 256)
    (steps, powers, acceptances) = (grid.steps, grid.powers, grid.acceptances)
    (frictions, virtualSteps, lengths, windows) = (grid.frictions, grid.virtualSteps, grid.lengths, grid.windows)
    (harmonicSamples, unbiasedSamples) = (500, 4_000)
    (referenceSteps, referenceTrajectories, parallelRuns) = (2_000, 1_024, 2)
    switch scale {
    case .quick:
      (targets, methods) = ([.ring], [.mala, .virtual])
      (seeds, smallestBudget, largestBudget, unbiasedSamples) = (1, 14, 15, 500)
      (steps, powers, acceptances, lengths) = ([50], [1, 2], [0.85], [9])
    case .standard: break
    case .full: (seeds, harmonicSamples, unbiasedSamples, referenceTrajectories) = (40, 2_000, 20_000, 4_096)
    }
  }

  public static let help = [
    "targets": "targets: \(JarzynskiTarget.allCases.map(\.rawValue).joined(separator: ", "))",
    "methods": "estimators: \(EstimationMethod.allCases.map(\.rawValue).joined(separator: ", "))",
    "seeds": "repetitions of each estimate",
    "smallestBudget": "gradient evaluations of the smallest estimate, as a power of 2",
    "largestBudget": "gradient evaluations of the largest estimate, as a power of 2",
    "pilotTrajectories": "trajectories of each trial that chooses parameters; half as many on costly targets",
    "steps": "numbers of annealing steps that are tried",
    "powers": "powers of the schedule that are tried: l = (n/N)^power",
    "acceptances": "mean acceptances that step sizes are adapted to",
    "frictions": "frictions of virtual trajectories over the target's highest frequency",
    "virtualSteps": "steps of virtual trajectories times the highest frequency",
    "lengths": "virtual steps K forward and backward of single-shot estimates",
    "windows": "windows of the multi-step estimator",
    "harmonicSamples": "samples of each harmonic estimate, by seed",
    "unbiasedSamples": "samples behind each test of unbiasedness, by seed",
    "referenceSteps": "annealing steps of the reference where no closed form is known",
    "referenceTrajectories": "trajectories of that reference",
    "parallelRuns": "targets that are worked on side by side",
    "python": "a Python that has pymbar (PyPI), which then judges the same work values",
  ]

  /// Gradient evaluations, by powers of two.
  var budgets: [Int] { (smallestBudget...largestBudget).map { 1 << $0 } }

  var grid: Pilot.Grid {
    var grid = Pilot.Grid()
    (grid.steps, grid.powers, grid.acceptances) = (steps, powers, acceptances)
    (grid.frictions, grid.virtualSteps, grid.lengths, grid.windows) = (frictions, virtualSteps, lengths, windows)
    return grid
  }

  /// A number by which a target's randomness is its own.
  func number(of target: JarzynskiTarget) -> Int { JarzynskiTarget.allCases.firstIndex(of: target) ?? 0 }

  public func validate() throws {
    func require(_ holds: Bool, _ message: String) throws {
      if !holds { throw UsageError(message) }
    }
    try require((1...10_000).contains(seeds), "seeds is \(seeds), expected 1 to 10000")
    try require(
      (8...26).contains(smallestBudget) && (smallestBudget...26).contains(largestBudget),
      "budgets are 2^\(smallestBudget) to 2^\(largestBudget), expected 2^8 to 2^26, rising")
    try require((16...100_000).contains(pilotTrajectories), "pilotTrajectories is \(pilotTrajectories), expected 16 up")
    try require(
      !steps.isEmpty && steps.allSatisfy { (2...100_000).contains($0) }, "steps are \(steps), expected 2 to 100000")
    try require(
      !lengths.isEmpty && lengths.allSatisfy { (1...10_000).contains($0) }, "lengths are \(lengths), expected 1 up")
    try require(
      !windows.isEmpty && windows.allSatisfy { (2...1_000).contains($0) }, "windows are \(windows), expected 2 up")
    try require(!powers.isEmpty && powers.allSatisfy { $0 >= 1 }, "powers are \(powers), expected numbers from 1 up")
    try require(
      !acceptances.isEmpty && acceptances.allSatisfy { $0 > 0 && $0 < 1 },
      "acceptances are \(acceptances), expected numbers between 0 and 1")
    try require(
      !frictions.isEmpty && !virtualSteps.isEmpty && (frictions + virtualSteps).allSatisfy { $0 > 0 },
      "frictions and virtualSteps must be positive")
    try require(
      (2...1_000_000).contains(harmonicSamples) && (2...1_000_000).contains(unbiasedSamples),
      "harmonicSamples and unbiasedSamples must be 2 to 1000000")
    try require(
      (10...1_000_000).contains(referenceSteps) && (2...1_000_000).contains(referenceTrajectories),
      "referenceSteps must be at least 10, referenceTrajectories at least 2")
    try require((1...16).contains(parallelRuns), "parallelRuns is \(parallelRuns), expected 1 to 16")
  }
}

/// Virtual trajectories against annealed importance sampling and its kin, on targets with known partition functions and on
/// evidences of models of real data.
public struct JarzynskiExperiment: Experiment {
  public var paper: Paper { .jarzynski }
  /// Without breast cancer: too little is known of its patients for a registered set.
  public var datasets: [DatasetInfo] { [ScikitLearnData.wine, ScikitLearnData.digits] }

  public init() {}

  public func datasets(for options: JarzynskiOptions) -> [DatasetInfo] {
    options.targets.compactMap(\.dataset).reduce(into: []) { sets, set in
      if !sets.contains(where: { $0.name == set.name }) { sets.append(set) }
    }
  }

  public func run(_ context: RunContext<JarzynskiOptions>) throws -> Outcome {
    let options = context.options
    let bar = context.progress.start("estimating", total: options.targets.count + 3, unit: "target")
    defer { bar.finish() }
    // The longest first, so that none is left alone at the end.
    let order: [JarzynskiTarget] = [
      .cancerEvidence, .smallCancerEvidence, .evidence, .digits, .doubleWell, .harmonic, .smallEvidence, .ring, .grid,
      .bimodal,
    ].filter { options.targets.contains($0) }
    let targets = try parallel(order, workers: options.parallelRuns) { target in
      if let known = try context.load(TargetResult.self, from: target.rawValue) {
        bar.skip()
        return known
      }
      let steps = target.methods(options.methods).count
      let progress = context.progress.start(target.title, total: steps, unit: "method", in: bar)
      defer { progress.finish() }
      let result = try TargetStudy(target: target, options: options, seed: context.seed).run {
        try context.checkInterrupt()
        progress.advance()
      }
      for method in result.methods {
        for (budget, estimates) in zip(options.budgets, method.estimates) {
          for (seed, estimate) in estimates.enumerated() where estimate.isFinite {
            try context.log(
              "error of log Z", series: "\(target.title), \(method.method.title), seed \(seed)", step: budget,
              estimate - result.reference)
          }
        }
      }
      try context.save(result, as: target.rawValue)
      bar.advance()
      return result
    }
    let isQuick = context.scale == .quick
    let harmonic = try stored(context, "zero-variance", bar) {
      try HarmonicStudy.run(
        samples: options.harmonicSamples, seeds: options.seeds, isQuick: isQuick, key: Key(context.seed).foldIn(100))
    }
    let unbiased = try stored(context, "unbiased", bar) {
      try UnbiasedStudy.run(
        samples: options.unbiasedSamples * options.seeds, isQuick: isQuick, key: Key(context.seed).foldIn(101))
    }
    let drive = try stored(context, "drive", bar) {
      try DriveStudy.run(count: isQuick ? 2_000 : 20_000, key: Key(context.seed).foldIn(102))
    }
    var summary = JarzynskiSummary(
      options: options, scale: context.scale,
      targets: options.targets.compactMap { name in targets.first { $0.target == name } }, harmonic: harmonic,
      unbiased: unbiased, drive: drive)
    if let python = options.python, let work = summary.targets.compactMap(\.work).first {
      summary.pymbar = try PymbarJudge(python: python).difference(work, folder: context.folder)
    }
    return Outcome(claims: summary.claims(), report: try summary.report())
  }

  private func stored<Value: Codable>(
    _ context: RunContext<JarzynskiOptions>, _ name: String, _ bar: ProgressBar, _ make: () throws -> Value
  ) throws -> Value {
    try context.checkInterrupt()
    if let known = try context.load(Value.self, from: name) {
      bar.skip()
      return known
    }
    let value = try make()
    try context.save(value, as: name)
    bar.advance()
    return value
  }
}
