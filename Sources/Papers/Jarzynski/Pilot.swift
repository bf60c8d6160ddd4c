import Foundation
import Pinion

/// Chooses an estimator's parameters on samples of its own, which no estimate uses.
///
/// Each method is given a grid, and the settings with the least cost x relative variance win: that product is what decides
/// how many gradient evaluations an error costs.
public struct Pilot {
  /// What is tried.
  public struct Grid: Sendable {
    /// Numbers of steps of annealed trajectories.
    public var steps = [12, 50, 200, 800]
    /// Powers of the schedule.
    public var powers = [1.0, 2, 4]
    /// Acceptances that step sizes are adapted to.
    public var acceptances = [0.4, 0.6, 0.85]
    /// γ over the highest frequency.
    public var frictions = [0.06, 0.125, 0.25, 0.5, 1]
    /// h times the highest frequency.
    public var virtualSteps = [0.3, 0.5, 0.8, 1.1]
    /// K.
    public var lengths = [2, 4, 9, 25, 50]
    /// Precisions of the momentum at the reference.
    public var momentumPrecisions = [1, 0.3, 0.1]
    /// Windows of the multi-step estimator.
    public var windows = [4, 16]
    /// Virtual steps of all windows, forward and backward: more windows have shorter orbits.
    public var windowLengths = [32, 96]
    /// γ and h in windows, as above.
    public var windowFrictions = [0.06, 0.25]
    public var windowSteps = [0.3, 0.6]
    /// Real moves after each jump.
    public var moves = [4]

    public init() {}

    /// A small one, so that the pilot costs about as much as the estimate.
    public static var brief: Grid {
      var grid = Grid()
      (grid.powers, grid.acceptances) = ([1, 2], [0.6])
      (grid.frictions, grid.virtualSteps, grid.momentumPrecisions) = ([0.125, 0.5], [0.5, 1], [1, 0.1])
      (grid.windowFrictions, grid.windowSteps) = ([0.06, 0.25], [0.3])
      return grid
    }
  }

  public let path: AnnealingPath
  public let grid: Grid
  /// Trajectories of a trial.
  public let count: Int
  let key: Key
  /// Highest frequency of the target; nil while it isn't known.
  private var knownFrequency: Double?
  /// Gradient evaluations spent so far.
  public private(set) var gradients = 0

  /// - Parameters:
  ///   - count: trajectories of a trial.
  ///   - frequency: the highest of the target, about which virtual parameters are looked for; nil to find it by a search
  ///     for modes.
  public init(
    _ path: AnnealingPath, grid: Grid = Grid(), count: Int = 512, frequency: Double? = nil, key: Key
  ) {
    self.path = path
    self.grid = grid
    self.count = count
    self.key = key
    knownFrequency = frequency
  }

  private mutating func frequency() throws -> Double {
    if let knownFrequency { return knownFrequency }
    let found = try Self.highestFrequency(path, key.foldIn(-2))
    knownFrequency = found
    return found
  }

  /// The highest frequency of the heaviest mode that descents from the reference find; 1 where none is found.
  static func highestFrequency(_ path: AnnealingPath, _ key: Key) throws -> Double {
    guard path.dimension <= ModeSearch.longest else { return 1 }
    let search = try ModeSearch(path.target, starts: path.draw(key, 8))
    let highest = try search.modes.first?.frequencies().last ?? 1
    return highest > 1e-6 ? highest : 1
  }

  /// Settings with what they cost.
  public struct Trial<Estimator> {
    public var estimator: Estimator
    /// Gradient evaluations times relative variance, as the pilot saw it.
    public var score: Double
    /// Whether the weights were even enough for that number to mean something.
    public var isReliable: Bool
    /// Variance of the log-weights.
    public var spread: Double

    /// Heavy tails look light in few samples: an unreliable trial is never preferred, and of two the one is that brings the
    /// weights nearer together.
    func isBetter(than other: Self?) -> Bool {
      guard let other else { return true }
      guard isReliable == other.isReliable else { return isReliable }
      return isReliable ? score < other.score : spread < other.spread
    }
  }

  private mutating func trial<E: WeightEstimator>(_ estimator: E, _ key: Key) throws -> Trial<E> {
    gradients += count * estimator.gradients
    let logWeights = try estimator.run(count: count, key: key).logWeights
    let estimate = PartitionEstimate(logWeights: logWeights)
    let score = Double(estimator.gradients) * estimate.relativeVariance
    let mean = logWeights.reduce(0, +) / Double(count)
    let spread = logWeights.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count)
    return Trial(
      estimator: estimator, score: score.isFinite ? score : .infinity,
      isReliable: estimate.relativeVariance < Double(count) / 50, spread: spread.isNaN ? .infinity : spread)
  }

  /// The best schedule of annealed importance sampling, for each number of steps that a budget allows.
  ///
  /// - Parameter budget: gradient evaluations; at least 16 trajectories must fit.
  public mutating func annealed(_ move: Move, budget: Int = .max) throws -> [Trial<AnnealedEstimator>] {
    let sampler = AnnealedSampler(path, move: move)
    // A Metropolis test forgives; where the leapfrog's error is work it must be small.
    let aims = move.isMetropolised || move == .langevin ? grid.acceptances : grid.acceptances.map { 1 - (1 - $0) / 5 }
    // Moves of several gradients have as many fewer steps, so that trajectories cost alike.
    let allowed = grid.steps.map { max(4, $0 / move.gradients) }.filter { steps in
      budget / sampler.gradients(steps: steps) >= 16
    }
    var best: [Trial<AnnealedEstimator>] = []
    for steps in allowed.isEmpty ? [4] : allowed {
      var found: Trial<AnnealedEstimator>?
      for (i, power) in grid.powers.enumerated() {
        for (j, aim) in aims.enumerated() {
          let key = key.foldIn(1000 * steps + 10 * i + j)
          let levels = AnnealingSchedule.levels(steps, power: power)
          let tuned = try sampler.tuned(
            count: count, levels: levels, start: 0.1, acceptance: aim, key: key)
          gradients += 2 * count * sampler.gradients(steps: steps)
          guard tuned.stepSizes.allSatisfy({ $0.isFinite && $0 > 0 }) else { continue }
          let estimator = AnnealedEstimator(
            sampler: sampler, levels: levels, stepSizes: tuned.stepSizes,
            settings: "\(steps) steps, schedule power \(short(power)), acceptance \(short(aim))")
          let trial = try trial(estimator, key.foldIn(1))
          if trial.isBetter(than: found) { found = trial }
        }
      }
      if let found { best.append(found) }
    }
    return best
  }

  /// The best parameters of the single-shot estimator, for each length.
  public mutating func virtual(budget: Int = .max) throws -> [Trial<VirtualEstimator>] {
    try virtualTrials(
      VirtualSampler(path, longest: grid.lengths.max() ?? 1, moves: 0),
      Chain(windows: 1, power: 1, stepSizes: [0]), grid.lengths, grid.frictions, grid.virtualSteps,
      grid.momentumPrecisions, budget)
  }

  /// The best parameters of the multi-step estimator, for each number of windows and length.
  ///
  /// - Parameter real: an annealed estimator of the same path, whose schedule and step sizes the real moves take.
  public mutating func multistep(_ real: AnnealedEstimator, budget: Int = .max) throws -> [Trial<VirtualEstimator>] {
    var best: [Trial<VirtualEstimator>] = []
    for windows in grid.windows {
      for moves in grid.moves {
        let lengths = grid.windowLengths.map { max(1, $0 / windows) }
        let sampler = VirtualSampler(path, longest: lengths.max() ?? 1, moves: moves)
        for power in grid.powers {
          let sizes = AnnealingSchedule.levels(windows, power: power).dropFirst().map { real.stepSize(at: $0) }
          best += try virtualTrials(
            sampler, Chain(windows: windows, power: power, stepSizes: sizes), lengths, grid.windowFrictions,
            grid.windowSteps, Array(grid.momentumPrecisions.prefix(2)), budget)
        }
      }
    }
    return best
  }

  /// Windows along a path, and the sizes of the real moves between them.
  private struct Chain {
    var windows: Int
    var power: Double
    var stepSizes: [Double]
  }

  private mutating func virtualTrials(
    _ sampler: VirtualSampler, _ chain: Chain, _ lengths: [Int], _ frictions: [Double], _ steps: [Double],
    _ precisions: [Double], _ budget: Int
  ) throws -> [Trial<VirtualEstimator>] {
    let levels = AnnealingSchedule.levels(chain.windows, power: chain.power)
    let frequency = try frequency()
    let isTempered = path.momentumPrecisions.0 != path.momentumPrecisions.1
    let momenta = isTempered ? [nil] : precisions.map { [$0, 1] as [Double]? }
    var best: [Trial<VirtualEstimator>] = []
    for length in lengths {
      let cost = sampler.gradients(windows: chain.windows, length: length)
      guard budget / cost >= 16 || length == lengths.min() else { continue }
      var found: Trial<VirtualEstimator>?
      for (i, friction) in frictions.enumerated() {
        for (j, step) in steps.enumerated() {
          for (k, momentum) in momenta.enumerated() {
            let estimator = VirtualEstimator(
              sampler: sampler,
              parameters: VirtualParameters(
                friction: friction * frequency, stepSize: step / frequency, length: length,
                momentumPrecisions: momentum), levels: levels, stepSizes: chain.stepSizes)
            let number = ((chain.windows * 1000 + length) * 10 + i) * 100 + 10 * j + k
            let trial = try trial(estimator, key.foldIn(number))
            if trial.isBetter(than: found) { found = trial }
          }
        }
      }
      if let found { best.append(found) }
    }
    return best
  }
}

extension Sequence {
  /// The trial of the least score; nil of none.
  func best<E>() -> E? where Element == Pilot.Trial<E> { self.min { $0.isBetter(than: $1) }?.estimator }
}
