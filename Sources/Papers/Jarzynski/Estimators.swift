import Foundation
import Pinion

/// Ways to a ratio of partition functions.
public enum EstimationMethod: String, CaseIterable, Codable, Sendable {
  /// Plain importance sampling from the reference.
  case importance
  /// Annealed importance sampling with Langevin steps as they are: biased.
  case langevin
  /// Annealed importance sampling with Metropolised Langevin steps.
  case mala
  /// Annealed importance sampling with Hamiltonian Monte Carlo.
  case hmc
  /// Annealed importance sampling with O-BAB-O steps of underdamped Langevin dynamics.
  case underdamped
  /// Virtual trajectories, single-shot.
  case virtual
  /// Virtual trajectories hung on a real annealed one.
  case virtualMultistep = "virtual-multistep"
  /// Thermodynamic integration.
  case integration = "ti"
  /// Bennett's acceptance ratio from work in both directions.
  case bar
  /// The multistate Bennett acceptance ratio over a ladder of levels.
  case mbar

  /// Name in tables and legends.
  public var title: String {
    switch self {
    case .importance: "importance sampling"
    case .langevin: "AIS, plain Langevin (biased)"
    case .mala: "AIS, Langevin"
    case .hmc: "AIS, HMC"
    case .underdamped: "AIS, underdamped"
    case .virtual: "virtual, single-shot"
    case .virtualMultistep: "virtual, multi-step"
    case .integration: "thermodynamic integration"
    case .bar: "BAR"
    case .mbar: "MBAR"
    }
  }

  /// The real move of annealed methods.
  var move: Move? {
    switch self {
    case .langevin: .langevin
    case .mala, .bar: .mala
    case .hmc: .hmc(leapfrogs: 5)
    case .underdamped: .underdamped(friction: 1)
    default: nil
    }
  }
}

/// Log-weights and where they were found.
public struct WeightedRun: Sendable {
  public var logWeights: [Double]
  /// Last states, or drawn virtual ones, float64 [M, d]; nil where none were kept.
  public var states: Tensor?
}

/// An estimator with its parameters: independent weights at a known cost each.
public protocol WeightEstimator {
  /// Gradient evaluations of a weight.
  var gradients: Int { get }
  /// Its parameters in a few words.
  var settings: String { get }

  /// Independent log-weights whose exponentials have the mean Z₁/Z₀.
  ///
  /// - Throws: `TensorError` where the energy fails; `PJRTError`.
  func run(count: Int, key: Key) throws -> WeightedRun
}

extension WeightEstimator {
  /// Many weights in parts of one size, for which one program serves; states are of the first part.
  ///
  /// - Throws: as `run(count:key:)`.
  func run(count: Int, inPartsOf part: Int, key: Key) throws -> WeightedRun {
    guard gradients > 1, count > part else {
      return try run(count: gradients > 1 ? part : count, key: key).first(count)
    }
    var all = WeightedRun(logWeights: [], states: nil)
    for number in 0..<((count + part - 1) / part) {
      let run = try run(count: part, key: key.foldIn(number))
      all.logWeights += run.logWeights
      all.states = all.states ?? run.states
    }
    return all.first(count)
  }
}

extension WeightedRun {
  /// The first of the weights.
  fileprivate func first(_ count: Int) -> WeightedRun {
    WeightedRun(logWeights: Array(logWeights.prefix(count)), states: states)
  }
}

/// Annealed importance sampling on a schedule.
public struct AnnealedEstimator: WeightEstimator {
  public let sampler: AnnealedSampler
  public let levels: [Double]
  public let stepSizes: [Double]
  public let settings: String

  public var gradients: Int { sampler.gradients(steps: stepSizes.count) }

  /// The size of the step that ends nearest to a level.
  func stepSize(at level: Double) -> Double {
    let nearest = stepSizes.indices.min { abs(levels[$0 + 1] - level) < abs(levels[$1 + 1] - level) }
    return nearest.map { stepSizes[$0] } ?? 0
  }

  public func run(count: Int, key: Key) throws -> WeightedRun {
    let run = try sampler.run(count: count, levels: levels, stepSizes: stepSizes, key: key)
    return WeightedRun(logWeights: run.work.map { -$0 }, states: run.states)
  }
}

/// Virtual trajectories with their parameters; plain importance sampling with length 0.
public struct VirtualEstimator: WeightEstimator {
  public let sampler: VirtualSampler
  public let parameters: VirtualParameters
  public let levels: [Double]
  public let stepSizes: [Double]

  public init(
    sampler: VirtualSampler, parameters: VirtualParameters, levels: [Double] = [0, 1], stepSizes: [Double] = [0]
  ) {
    self.sampler = sampler
    self.parameters = parameters
    self.levels = levels
    self.stepSizes = stepSizes
  }

  /// Plain importance sampling: K = 0.
  public static func importance(_ path: AnnealingPath) -> VirtualEstimator {
    VirtualEstimator(
      sampler: VirtualSampler(path, longest: 0),
      parameters: VirtualParameters(friction: 0, stepSize: 0, length: 0))
  }

  public var gradients: Int { sampler.gradients(windows: levels.count - 1, length: parameters.length) }

  public var settings: String {
    guard parameters.length > 0 else { return "" }
    let momenta = parameters.momentumPrecisions.map { ", momentum \(short($0[0]))" } ?? ""
    let windows = levels.count > 2 ? "\(levels.count - 1) windows, " : ""
    return
      "\(windows)γ \(short(parameters.friction)), h \(short(parameters.stepSize)), K \(parameters.length)\(momenta)"
  }

  public func run(count: Int, key: Key) throws -> WeightedRun {
    let run = try sampler.run(
      count: count, parameters: parameters, levels: levels, stepSizes: stepSizes, key: key)
    return WeightedRun(logWeights: run.logWeights, states: run.states)
  }
}

/// Thermodynamic integration and MBAR from the same samples: walkers at rest at the levels of a schedule.
final class LadderEstimator {
  private let ladder: EquilibriumLadder
  private let solver = BridgeSampling()
  private let power: Double
  private let levels: [Double]
  private let stepSizes: [Double]

  /// - Parameter real: an annealed estimator of the path, whose schedule and step sizes are taken.
  init(_ path: AnnealingPath, _ real: AnnealedEstimator) {
    let steps = Double(real.stepSizes.count)
    power = steps > 1 ? max(1, -log(real.levels[1]) / log(steps)) : 1
    levels = AnnealingSchedule.levels(16, power: power)
    stepSizes = levels.map { real.stepSize(at: $0) }
    ladder = EquilibriumLadder(path, sweeps: 20)
  }

  /// - Parameter methods: one or both of the two.
  func run(_ methods: [EstimationMethod], budget: Int, key: Key) throws -> [Estimation] {
    let count = max(2, budget / (1 + levels.count * ladder.sweeps))
    let climb = try ladder.run(count: count, levels: levels, stepSizes: stepSizes, key: key)
    return try methods.map { method in
      Estimation(
        method: method, estimate: method == .mbar ? try climb.bridge(solver) : climb.integral(power: power),
        logInitial: ladder.path.logInitial, work: WorkTable(forward: []), gradients: count * climb.gradients,
        pilotGradients: 0,
        settings: "\(levels.count) levels, schedule power \(short(power)), \(ladder.sweeps) steps at each", states: nil,
        warnings: [])
    }
  }
}

/// Three significant digits.
func short(_ value: Double) -> String { String(format: "%.3g", value) }
