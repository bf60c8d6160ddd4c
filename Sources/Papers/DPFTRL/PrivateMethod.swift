import Lab
import Pinion

/// Ways of private training that the experiment compares.
public enum PrivateMethod: String, Codable, CaseIterable, Sendable {
  /// DP-FTRL: tree aggregation with efficient estimates, no momentum.
  case ftrl = "dp-ftrl"
  /// DP-FTRLM: the same with momentum.
  case ftrlMomentum = "dp-ftrlm"
  /// DP-SGD with Poisson sampling and the accountant that makes use of it.
  case sampled = "dp-sgd-amplified"
  /// DP-SGD in a fixed order, without amplification.
  case fixed = "dp-sgd"
  /// DP-FTRLM with the tree's plain sums.
  case plainTree = "dp-ftrlm-plain"
  /// A banded matrix in the tree's place, with momentum.
  case banded
  /// No noise, no clipping: SGD with momentum, which FTRL then is too.
  case open = "no-privacy"

  /// Name in tables and charts.
  public var title: String {
    switch self {
    case .ftrl: "DP-FTRL"
    case .ftrlMomentum: "DP-FTRLM"
    case .sampled: "DP-SGD, amplified"
    case .fixed: "DP-SGD, unamplified"
    case .plainTree: "DP-FTRLM, plain tree"
    case .banded: "banded matrix"
    case .open: "no privacy"
    }
  }

  /// Share μ of the velocity that stays.
  ///
  /// - Parameter momentum: of the methods that have any.
  public func momentum(_ momentum: Double) -> Double { self == .ftrl ? 0 : momentum }

  /// How its noise hangs together.
  ///
  /// - Parameter bands: of the banded matrix.
  public func mechanism(plan: ParticipationPlan, bands: Int) -> NoiseMechanism {
    switch self {
    case .ftrl, .ftrlMomentum: .tree(efficient: true)
    case .plainTree: .tree(efficient: false)
    case .sampled, .fixed, .open: .independent
    case .banded:
      // The bands of some thousand steps are near the best of more, and found in a moment.
      .banded(
        BandedToeplitz.optimal(bands: min(bands, plan.stepsOfEpoch), steps: min(plan.steps, 4_096)).coefficients)
    }
  }

  /// The recipe that keeps an ε at the least noise, but for clipping norm and learning rate. Restarts of trees are those
  /// whose sums have the least noise.
  ///
  /// - Parameter plan: units, batch and epochs.
  /// - Throws: `UsageError` where ε can't be kept.
  public func recipe(
    plan: ParticipationPlan, epsilon: Double, delta: Double, momentum: Double, bands: Int
  ) throws -> (recipe: PrivateRecipe, guarantee: PrivacyGuarantee?) {
    var recipe = PrivateRecipe()
    var plan = plan
    if self == .sampled { plan.order = .sampled }
    recipe.mechanism = mechanism(plan: plan, bands: bands)
    recipe.plan = try plan.withBestRestarts(recipe.mechanism)
    recipe.momentum = self.momentum(momentum)
    guard self != .open else {
      recipe.clip = .infinity
      return (recipe, nil)
    }
    let guarantee = try PrivacyGuarantee.calibrated(
      recipe.mechanism, recipe.plan, epsilon: epsilon, delta: delta)
    recipe.sigma = guarantee.sigma
    return (recipe, guarantee)
  }
}
