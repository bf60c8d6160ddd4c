import Foundation
import Pinion

/// An estimate with all that a user should know of it.
public struct Estimation: Sendable {
  public var method: EstimationMethod
  /// log(Z₁/Z₀), and log Z₁ where Z₀ is known.
  public var estimate: PartitionEstimate
  public var logInitial: Double
  /// Work values that it was made of; none of thermodynamic integration and MBAR.
  public var work: WorkTable
  /// Gradient evaluations of the estimate, without the pilot's.
  public var gradients: Int
  /// Gradient evaluations of the pilot that chose the parameters.
  public var pilotGradients: Int
  public var settings: String
  /// States that follow the target when weighted, float64 [m, d]; rows of the first m weights, nil where none were kept.
  public var states: Tensor?
  /// What may be wrong, one line each.
  public var warnings: [String]

  public var logPartitionFunction: Double { estimate.logRatio + logInitial }
}

/// Estimates log Z of the user's energies.
///
/// ```swift
/// let energy = EnergyFunction(dimension: 2) { x in (x.square() - 1).square().sum() * 3 }
/// let reference = QuadraticEnergy(mean: [0, 0], standardDeviation: [1.5, 1.5])
/// let result = try PartitionFunction.estimate(.geometric(from: reference, to: energy), method: .virtual, budget: 1 << 16)
/// print(result.logPartitionFunction, "±", result.estimate.standardError, result.warnings)
/// ```
public enum PartitionFunction {
  /// - Parameters:
  ///   - path: from what is known to the target.
  ///   - budget: gradient evaluations of the estimate; the pilot that chooses parameters takes some besides.
  ///   - searchesModes: whether local minima are looked for from starts three times as wide as the reference, to warn of
  ///     modes that the estimate hasn't seen.
  /// - Throws: `TensorError` where the budget is too small or the energy fails; `PJRTError`.
  public static func estimate(
    _ path: AnnealingPath, method: EstimationMethod, budget: Int, seed: UInt64 = 0, grid: Pilot.Grid = .brief,
    searchesModes: Bool = true
  ) throws -> Estimation {
    guard budget >= 256 else { throw TensorError.value("estimate", "the budget is \(budget), expected at least 256") }
    let keys = Key(seed).split(3)
    let trial = min(256, max(64, budget / 1_024))
    var grid = grid
    // A trial drives its trajectories three times; it shouldn't cost more than the estimate.
    let affordable = grid.steps.filter { 3 * trial * $0 <= budget }
    grid.steps = affordable.isEmpty ? grid.steps.min().map { [$0] } ?? [50] : affordable
    var pilot = Pilot(path, grid: grid, count: trial, key: keys[0])
    var result = try run(method, path, &pilot, budget, keys[1])
    result.pilotGradients = pilot.gradients
    result.warnings = result.estimate.warnings
    if method == .langevin { result.warnings.append("plain Langevin steps are biased by O(dt); use mala") }
    if searchesModes { result.warnings += try missingModes(path, result, keys[2]) }
    return result
  }

  private static func run(
    _ method: EstimationMethod, _ path: AnnealingPath, _ pilot: inout Pilot, _ budget: Int, _ key: Key
  ) throws -> Estimation {
    switch method {
    case .importance: return try weighted(method, VirtualEstimator.importance(path), path, budget, pilot.count, key)
    case .langevin, .mala, .hmc, .underdamped:
      let trials = try pilot.annealed(method.move ?? .mala, budget: budget)
      return try weighted(method, chosen(trials), path, budget, pilot.count, key)
    case .virtual:
      return try weighted(method, chosen(pilot.virtual(budget: budget)), path, budget, pilot.count, key)
    case .virtualMultistep:
      let real = try chosen(pilot.annealed(.mala, budget: budget))
      return try weighted(method, chosen(pilot.multistep(real, budget: budget)), path, budget, pilot.count, key)
    case .integration, .mbar:
      let real = try chosen(pilot.annealed(.mala, budget: budget))
      return try LadderEstimator(path, real).run([method], budget: budget, key: key)[0]
    case .bar:
      return try bridge(
        path, chosen(pilot.annealed(.mala, budget: budget / 2)), budget, part: pilot.count,
        BridgeSampling(), key)
    }
  }

  private static func chosen<E>(_ trials: [Pilot.Trial<E>]) throws -> E {
    guard let estimator = trials.best() else {
      throw TensorError.value("estimate", "no setting of the pilot gave finite weights")
    }
    return estimator
  }

  private static func weighted(
    _ method: EstimationMethod, _ estimator: some WeightEstimator, _ path: AnnealingPath, _ budget: Int, _ part: Int,
    _ key: Key
  ) throws -> Estimation {
    let count = max(2, budget / estimator.gradients)
    let run = try estimator.run(count: count, inPartsOf: part, key: key)
    return Estimation(
      method: method, estimate: PartitionEstimate(logWeights: run.logWeights), logInitial: path.logInitial,
      work: WorkTable(forward: run.logWeights.map { -$0 }), gradients: count * estimator.gradients, pilotGradients: 0,
      settings: estimator.settings, states: run.states, warnings: [])
  }

  /// Work from both ends: half of the budget forward, half backward from samples of the target.
  static func bridge(
    _ path: AnnealingPath, _ real: AnnealedEstimator, _ budget: Int, part: Int, _ solver: BridgeSampling, _ key: Key
  ) throws -> Estimation {
    let count = max(2, budget / 2 / real.gradients)
    var work = WorkTable(forward: [])
    // In parts of one size, for which one program serves.
    for number in 0..<((count + part - 1) / part) {
      let keys = key.foldIn(number).split(3)
      let forward = try real.run(count: part, key: keys[0])
      // Samples of the target where they can be drawn; else the forward runs' last states by their weights, then let go
      // for a while at the target.
      let states = try path.drawTarget?(keys[1], part) ?? rested(forward, real, keys[1])
      let back = try real.sampler.run(
        from: states, levels: real.levels.reversed(), stepSizes: real.stepSizes.reversed(), key: keys[2])
      work.forward += forward.logWeights.map { -$0 }
      work.reverse += back.work
    }
    work = WorkTable(forward: Array(work.forward.prefix(count)), reverse: Array(work.reverse.prefix(count)))
    return Estimation(
      method: .bar, estimate: try solver.bar(forward: work.forward, reverse: work.reverse),
      logInitial: path.logInitial, work: work, gradients: 2 * count * real.gradients, pilotGradients: 0,
      settings: real.settings + (path.drawTarget == nil ? ", reverse from resampled states" : ""), states: nil,
      warnings: [])
  }

  /// States of the target: resampled by weight, then moved at level 1 for as many steps as a trajectory has.
  private static func rested(_ run: WeightedRun, _ real: AnnealedEstimator, _ key: Key) throws -> Tensor {
    let keys = key.split()
    let count = run.logWeights.count
    let logits = Tensor(run.logWeights).expandDims(0).broadcast(to: [count, count])
    guard let last = run.states else { throw TensorError.value("bar", "the forward run kept no states") }
    let size = real.stepSizes.last ?? 0.01
    return try real.sampler.run(
      from: last.take(keys[0].categorical(logits)), levels: real.levels.map { _ in 1 },
      stepSizes: real.stepSizes.map { _ in size }, key: keys[1]
    ).states
  }

  /// Warns where minima that wide starts lead to hold clearly more than was found.
  static func missingModes(_ path: AnnealingPath, _ result: Estimation, _ key: Key) throws -> [String] {
    guard path.dimension <= ModeSearch.longest else {
      return ["states are longer than \(ModeSearch.longest): modes that may be missed weren't looked for"]
    }
    let narrow = path.draw(key, 64)
    let center = narrow.mean(0, keepDims: true)
    let search = try ModeSearch(path.target, starts: center + 3 * (narrow - center))
    let excess = search.logMass - result.logPartitionFunction
    // A Gaussian fitted to a mode may well be off by half of its mass.
    guard excess > max(log(1.5), 4 * result.estimate.standardError) else { return [] }
    return [
      "modes may be missed: \(search.modes.count) local minima, looked for three times as wide as the reference, hold "
        + "about \(short(exp(excess))) times what was found; widen the reference"
    ]
  }
}
