import Lab
import Pinion

/// How the noise of one step's prefix sum of gradients hangs together with that of other steps.
///
/// Each is a matrix mechanism: A z' with A the matrix of prefix sums and C z' = z, z independent.
public enum NoiseMechanism: Codable, Hashable, Sendable {
  /// Fresh noise at each step, as DP-SGD adds: that of the sum grows with the number of steps.
  case independent
  /// Nodes of a binary tree over the steps. Kairouz et al., 2021, algorithm 1; efficient: each finished node is estimated
  /// from all measurements below it (Honaker, 2015), at the same privacy.
  case tree(efficient: Bool)
  /// A banded Toeplitz matrix C of these coefficients, the first of which is the diagonal. Choquette-Choo et al., 2023.
  case banded([Double])

  /// Name in tables and charts.
  public var title: String {
    switch self {
    case .independent: "independent noise"
    case .tree(let efficient): efficient ? "tree, efficient" : "tree, plain"
    case .banded(let coefficients): "banded, \(coefficients.count) bands"
    }
  }

  /// Whether trees are restarted and completed.
  public var isTree: Bool {
    if case .tree = self { return true }
    return false
  }

  /// Variance that a finished node of a height has in the prefix sum, over that of a node's own noise.
  static func nodeVariance(height: Int, efficient: Bool) -> Double {
    efficient ? 1 / (2 - 1 / Double(1 << min(height, 62))) : 1
  }
}

/// When units take part, and when trees begin anew.
public struct ParticipationPlan: Codable, Hashable, Sendable {
  /// How units are put into steps.
  public enum Order: String, Codable, CaseIterable, Sendable {
    /// The same order in every epoch.
    case fixed
    /// The same order in the epochs of a tree, a new one after each restart.
    case restarts
    /// Any order in any epoch, each unit once an epoch at most.
    case any
    /// Each unit is in a step by chance, by itself (Poisson sampling).
    case sampled
  }

  /// Examples, or clients.
  public var units: Int
  /// Units of a step; of a sampled one on average.
  public var batchSize: Int
  public var epochs: Int
  /// Epochs after which a tree begins anew; nil for one tree.
  public var restartEpochs: Int?
  /// Whether a tree is filled up with virtual steps before the next one begins.
  public var completesTrees: Bool
  public var order: Order

  public init(
    units: Int, batchSize: Int, epochs: Int, restartEpochs: Int? = nil, completesTrees: Bool = false,
    order: Order = .fixed
  ) {
    self.units = units
    self.batchSize = batchSize
    self.epochs = epochs
    self.restartEpochs = restartEpochs
    self.completesTrees = completesTrees
    self.order = order
  }

  /// Steps of an epoch; the last one has fewer units where they don't divide.
  public var stepsOfEpoch: Int { max(1, (units + batchSize - 1) / max(1, batchSize)) }

  public var steps: Int { stepsOfEpoch * epochs }

  /// Epochs of each tree.
  public var epochsOfTrees: [Int] {
    guard let restartEpochs, restartEpochs > 0, restartEpochs < epochs else { return [epochs] }
    return stride(from: 0, to: epochs, by: restartEpochs).map { min(restartEpochs, epochs - $0) }
  }

  /// The trees; the last one isn't completed, as nothing begins after it.
  var trees: [TreeSensitivity] {
    let epochs = epochsOfTrees
    return epochs.enumerated().map { i, count in
      TreeSensitivity(steps: count * stepsOfEpoch, completed: completesTrees && i < epochs.count - 1)
    }
  }

  /// Levels that the largest tree has.
  var levels: Int { (trees.map { TreeSensitivity.height(of: $0.leaves) }.max() ?? 0) + 1 }

  /// Squared sensitivity K of all that a mechanism releases, in units of the squared clipping norm.
  ///
  /// - Throws: `UsageError` where the mechanism has no bound for such an order.
  public func squaredSensitivity(_ mechanism: NoiseMechanism) throws -> Double {
    switch mechanism {
    case .independent: return Double(epochs)
    case .tree:
      let counts = Dictionary(trees.map { ($0, 1) }, uniquingKeysWith: +)
      switch order {
      case .fixed:
        // The same batch in all trees.
        var sums = Array(repeating: 0, count: stepsOfEpoch)
        for (tree, count) in counts {
          for (batch, value) in tree.squaredByBatch(stepsOfEpoch: stepsOfEpoch).enumerated() {
            sums[batch] += count * value
          }
        }
        return Double(sums.max() ?? 0)
      case .restarts:
        return counts.reduce(0.0) { sum, entry in
          sum + Double(entry.value * (entry.key.squaredByBatch(stepsOfEpoch: stepsOfEpoch).max() ?? 0))
        }
      case .any:
        return counts.reduce(0.0) { $0 + Double($1.value * $1.key.squaredAnyOrder(stepsOfEpoch: stepsOfEpoch)) }
      case .sampled: throw UsageError("tree aggregation has no amplification by sampling; choose a fixed order")
      }
    case .banded(let coefficients):
      guard order == .fixed || coefficients.count == 1 else {
        throw UsageError("a banded matrix needs the same order in every epoch: a unit's steps must be its bands apart")
      }
      guard coefficients.count <= stepsOfEpoch || epochs == 1 else {
        throw UsageError(
          "\(coefficients.count) bands reach over an epoch of \(stepsOfEpoch) steps; expected at most as many bands")
      }
      // Columns that are so far apart don't overlap, so their squared norms add up.
      return Double(epochs) * coefficients.reduce(0) { $0 + $1 * $1 }
    }
  }

  /// Variance of each step's prefix sum, over that of one fresh noise.
  ///
  /// - Returns: one number a step with data.
  public func prefixVariances(_ mechanism: NoiseMechanism) -> [Double] {
    switch mechanism {
    case .independent: return (1...max(1, steps)).map(Double.init)
    case .tree(let efficient):
      var (before, variances) = (0.0, [Double]())
      variances.reserveCapacity(steps)
      for tree in trees {
        variances += (1...tree.steps).map { before + Self.variance(at: $0, efficient: efficient) }
        before += Self.variance(at: tree.leaves, efficient: efficient)
      }
      return variances
    case .banded(let coefficients):
      var sum = 0.0
      return BandedToeplitz(coefficients: coefficients).prefixResponse(steps: steps).map { response in
        sum += response * response
        return sum
      }
    }
  }

  private static func variance(at step: Int, efficient: Bool) -> Double {
    var (rest, sum) = (step, 0.0)
    while rest > 0 {
      let height = rest.trailingZeroBitCount
      sum += NoiseMechanism.nodeVariance(height: height, efficient: efficient)
      rest &= rest - 1
    }
    return sum
  }

  /// Mean over steps of the prefix sums' variance at a noise multiplier that spends K/σ² = 1.
  ///
  /// - Throws: as `squaredSensitivity(_:)`.
  public func meanVariance(_ mechanism: NoiseMechanism) throws -> Double {
    try squaredSensitivity(mechanism) * Statistics.mean(prefixVariances(mechanism))
  }

  /// The plan with those restarts, completed or not, whose prefix sums have the least noise at equal ε. It looks at no data.
  ///
  /// - Throws: as `squaredSensitivity(_:)`.
  public func withBestRestarts(_ mechanism: NoiseMechanism) throws -> ParticipationPlan {
    guard mechanism.isTree else { return self }
    var (best, least) = (self, Double.infinity)
    let divisors = (1...max(1, epochs)).filter { epochs % $0 == 0 || $0 <= 16 }
    for restart in divisors {
      for completes in restart < epochs ? [false, true] : [false] {
        var plan = self
        plan.restartEpochs = restart < epochs ? restart : nil
        plan.completesTrees = completes
        let value = try plan.meanVariance(mechanism)
        if value < least { (best, least) = (plan, value) }
      }
    }
    return best
  }

  /// Checks the numbers.
  ///
  /// - Throws: `UsageError` that says which can't be.
  public func validate() throws {
    func require(_ holds: Bool, _ message: String) throws {
      if !holds { throw UsageError(message) }
    }
    try require((1...2_000_000_000).contains(units), "there are \(units) examples or clients, expected at least 1")
    try require((1...units).contains(batchSize), "the batch size is \(batchSize), expected 1 to \(units)")
    try require((1...100_000).contains(epochs), "epochs are \(epochs), expected 1 to 100000")
    try require(steps <= 20_000_000, "\(steps) steps are more than 20 million; take larger batches or fewer epochs")
    if let restartEpochs {
      try require(restartEpochs > 0, "restarts come every \(restartEpochs) epochs, expected at least 1")
    }
  }
}
