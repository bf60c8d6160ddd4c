import Foundation
import Lab
import Pinion

/// One method on one target, over seeds and budgets.
struct MethodResult: Codable, Sendable {
  var method: EstimationMethod
  var settings: String
  /// Gradient evaluations of a weight.
  var gradients: Int
  /// log(Z₁/Z₀) by budget, then by seed; not-a-number where fewer than two weights fit the budget.
  var estimates: [[Double]]
  /// Var[w]/E[w]² of all weights of a seed.
  var relativeVariances: [Double]
  /// Of the largest budget, mean over seeds.
  var standardError: Double
  var effectiveShare: Double
  var maxWeightShare: Double
  /// log-weights of the first seed, at most 4,000.
  var logWeights: [Double]
  /// mean of w/Z − 1 over its standard error, of all weights together; needs a known Z.
  var zScore: Double?
  var pilotGradients: Int

  /// Gradient evaluations times relative variance, by seed.
  var costs: [Double] { relativeVariances.map { $0 * Double(gradients) } }
}

/// All methods on one target.
struct TargetResult: Codable, Sendable {
  var target: JarzynskiTarget
  /// log(Z₁/Z₀), and its error where it isn't exact.
  var reference: Double
  var referenceError: Double
  /// log Z₀.
  var logInitial: Double
  var methods: [MethodResult]
  /// AIS with Langevin steps for each number of steps that was tried.
  var schedules: [MethodResult]
  /// Forward and reverse work of the first seed's bridge.
  var work: WorkSample?

  struct WorkSample: Codable, Sendable {
    var forward: [Double]
    var reverse: [Double]
  }

  func method(_ method: EstimationMethod) -> MethodResult? { methods.first { $0.method == method } }
}

/// Runs all methods on a target.
struct TargetStudy {
  let target: JarzynskiTarget
  let options: JarzynskiOptions
  let seed: UInt64

  private var budgets: [Int] { options.budgets }

  /// Trajectories of a trial, and of each part of a measurement.
  private var part: Int { max(16, options.pilotTrajectories / (target.isCostly ? 2 : 1)) }

  /// - Parameter advance: called after each method.
  func run(advance: () throws -> Void) throws -> TargetResult {
    let path = try target.path()
    let key = Key(seed).foldIn(options.number(of: target))
    var pilot = Pilot(
      path, grid: options.grid, count: part, frequency: target.frequency, key: key.foldIn(0))
    var result = TargetResult(
      target: target, reference: target.exactRatio(path) ?? .nan, referenceError: 0, logInitial: path.logInitial,
      methods: [], schedules: [])
    let limit = budgets.last ?? 1 << 18
    let methods = target.methods(options.methods)
    let trials = try pilot.annealed(.mala, budget: limit)
    guard let langevin = trials.best() else {
      throw UsageError("\(target.rawValue): no schedule of the pilot gave finite weights")
    }
    if !result.reference.isFinite { (result.reference, result.referenceError) = try longRun(path, langevin, key) }
    func measured(
      _ method: EstimationMethod, _ make: (inout Pilot) throws -> (any WeightEstimator)?
    ) throws {
      guard methods.contains(method) else { return }
      let before = pilot.gradients
      if let estimator = try make(&pilot) {
        var row = try measure(method, estimator, key, reference: result.reference)
        row.pilotGradients = pilot.gradients - before
        result.methods.append(row)
      }
      try advance()
    }
    try measured(.importance) { _ in VirtualEstimator.importance(path) }
    if methods.contains(.mala) {
      // Where a claim is on the best schedule, each is measured, not only the pilot's choice.
      let isJudged = [.ring, .bimodal].contains(target)
      for trial in trials where isJudged || trial.estimator.settings == langevin.settings {
        result.schedules.append(
          try measure(.mala, trial.estimator, key, reference: result.reference))
      }
      if let best = result.schedules.first(where: { $0.settings == langevin.settings }) { result.methods.append(best) }
      try advance()
    }
    for method in [EstimationMethod.langevin, .hmc, .underdamped] {
      try measured(method) { try $0.annealed(method.move ?? .mala, budget: limit).best() }
    }
    try measured(.virtual) { try $0.virtual(budget: limit).best() }
    try measured(.virtualMultistep) { try $0.multistep(langevin, budget: limit).best() }
    result.methods += try equilibrium(path, langevin, key, limit)
    if methods.contains(.bar) {
      let (rows, work) = try bridges(path, langevin, key, limit)
      result.methods.append(rows)
      result.work = work
    }
    try advance()
    return result
  }

  /// A weight estimator with each seed; smaller budgets take the first of a seed's weights.
  private func measure(
    _ method: EstimationMethod, _ estimator: any WeightEstimator, _ key: Key, reference: Double
  ) throws -> MethodResult {
    let counts = budgets.map { $0 / estimator.gradients }
    let count = max(2, counts.last ?? 2)
    var result = MethodResult(
      method: method, settings: estimator.settings, gradients: estimator.gradients,
      estimates: budgets.map { _ in [] }, relativeVariances: [], standardError: 0, effectiveShare: 0,
      maxWeightShare: 0, logWeights: [], pilotGradients: 0)
    var all: [Double] = []
    for seed in 0..<options.seeds {
      let weights = try estimator.run(count: count, inPartsOf: part, key: key.foldIn(1000 + seed)).logWeights
      for (b, count) in counts.enumerated() {
        result.estimates[b].append(
          count < 2 ? .nan : PartitionEstimate(logWeights: Array(weights.prefix(count))).logRatio)
      }
      let estimate = PartitionEstimate(logWeights: weights)
      result.relativeVariances.append(estimate.relativeVariance)
      result.standardError += estimate.standardError / Double(options.seeds)
      result.effectiveShare += estimate.effectiveSamples / Double(estimate.count) / Double(options.seeds)
      result.maxWeightShare += estimate.maxWeightShare / Double(options.seeds)
      if seed == 0 { result.logWeights = Array(weights.prefix(4_000)) }
      all += weights
    }
    if reference.isFinite { result.zScore = Self.zScore(all, reference) }
    return result
  }

  /// (mean of w/Z − 1) over its standard error.
  static func zScore(_ logWeights: [Double], _ reference: Double) -> Double {
    let estimate = PartitionEstimate(logWeights: logWeights)
    let mean = exp(estimate.logRatio - reference)
    // Weights that are all alike to rounding have no spread to speak of.
    let error = max(mean * estimate.standardError, 1e-12)
    return (mean - 1) / error
  }

  private func equilibrium(
    _ path: AnnealingPath, _ real: AnnealedEstimator, _ key: Key, _ budget: Int
  ) throws -> [MethodResult] {
    let methods = [EstimationMethod.integration, .mbar].filter { target.methods(options.methods).contains($0) }
    guard !methods.isEmpty else { return [] }
    let ladder = LadderEstimator(path, real)
    let runs = try (0..<options.seeds).map { seed in
      try ladder.run(methods, budget: budget, key: key.foldIn(2000 + seed))
    }
    return methods.indices.map { i in summary(runs.compactMap { i < $0.count ? $0[i] : nil }) }
  }

  private func bridges(
    _ path: AnnealingPath, _ real: AnnealedEstimator, _ key: Key, _ budget: Int
  ) throws -> (MethodResult, TargetResult.WorkSample) {
    let solver = BridgeSampling()
    let runs = try (0..<options.seeds).map { seed in
      try PartitionFunction.bridge(path, real, budget, part: part, solver, key.foldIn(3000 + seed))
    }
    let work = runs.first?.work ?? WorkTable(forward: [])
    return (
      summary(runs),
      TargetResult.WorkSample(forward: Array(work.forward.prefix(4_000)), reverse: Array(work.reverse.prefix(4_000)))
    )
  }

  /// Estimates at the largest budget alone.
  private func summary(_ runs: [Estimation]) -> MethodResult {
    var estimates = budgets.map { _ in runs.map { _ in Double.nan } }
    if !estimates.isEmpty { estimates[estimates.count - 1] = runs.map(\.estimate.logRatio) }
    return MethodResult(
      method: runs.first?.method ?? .bar, settings: runs.first?.settings ?? "", gradients: 0, estimates: estimates,
      relativeVariances: [], standardError: Statistics.mean(runs.map(\.estimate.standardError)), effectiveShare: .nan,
      maxWeightShare: .nan, logWeights: [], pilotGradients: 0)
  }

  /// Where no closed form is known: many long trajectories, far beyond any budget.
  private func longRun(
    _ path: AnnealingPath, _ real: AnnealedEstimator, _ key: Key
  ) throws -> (Double, Double) {
    let steps = options.referenceSteps
    let power = real.stepSizes.count > 1 ? -log(real.levels[1]) / log(Double(real.stepSizes.count)) : 1
    let levels = AnnealingSchedule.levels(steps, power: power)
    let sizes = levels.dropFirst().map { real.stepSize(at: $0) }
    let run = try real.sampler.run(
      count: options.referenceTrajectories, levels: levels, stepSizes: Array(sizes), key: key.foldIn(1))
    let estimate = PartitionEstimate(logWeights: run.work.map { -$0 })
    return (estimate.logRatio, estimate.standardError)
  }
}
