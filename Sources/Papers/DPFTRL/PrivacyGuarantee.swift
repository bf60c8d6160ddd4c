import Foundation
import Lab

/// What a training with some noise promises, and how that was computed.
public struct PrivacyGuarantee: Codable, Hashable, Sendable {
  public var mechanism: NoiseMechanism
  public var plan: ParticipationPlan
  /// Deviation of a fresh noise over the clipping norm.
  public var sigma: Double
  public var delta: Double
  /// ε by Rényi divergences; infinity without noise.
  public var epsilon: Double
  /// The order at which it's found.
  public var order: Double
  /// ε of the same by the exact curve of Gaussian mechanisms; nil for sampled batches, which aren't one.
  public var exactEpsilon: Double?
  /// K, in units of the squared clipping norm; nil for sampled batches.
  public var squaredSensitivity: Double?
  /// What is protected: `example` or `client`.
  public var unit: String

  /// The guarantee of a noise multiplier.
  ///
  /// - Throws: `UsageError` where numbers are out of range or the mechanism has no bound for the order.
  public init(
    _ mechanism: NoiseMechanism, _ plan: ParticipationPlan, sigma: Double, delta: Double, unit: String = "example"
  ) throws {
    try plan.validate()
    guard delta > 0, delta < 1 else { throw UsageError("delta is \(delta), expected a number between 0 and 1") }
    guard sigma >= 0, sigma.isFinite else { throw UsageError("the noise multiplier is \(sigma), expected 0 or more") }
    self.mechanism = mechanism
    self.plan = plan
    self.sigma = sigma
    self.delta = delta
    self.unit = unit
    if plan.order == .sampled {
      guard mechanism == .independent else {
        throw UsageError("\(mechanism.title) has no amplification by sampling; choose a fixed order")
      }
    } else {
      squaredSensitivity = try plan.squaredSensitivity(mechanism)
    }
    (epsilon, order) = (.infinity, 1)
    account()
  }

  /// Works out ε of σ.
  private mutating func account() {
    if let squaredSensitivity {
      let ratio = squaredSensitivity / (sigma * sigma)
      (epsilon, order) = RenyiAccountant.gaussianEpsilon(ratio: ratio, delta: delta)
      exactEpsilon = RenyiAccountant.exactGaussianEpsilon(ratio: ratio, delta: delta)
    } else {
      let rate = Double(plan.batchSize) / Double(plan.units)
      (epsilon, order) = RenyiAccountant.sampledEpsilon(rate: rate, sigma: sigma, steps: plan.steps, delta: delta)
    }
  }

  /// The least noise with which a wished ε is kept.
  ///
  /// - Throws: `UsageError` where ε can't be reached or numbers are out of range.
  public static func calibrated(
    _ mechanism: NoiseMechanism, _ plan: ParticipationPlan, epsilon: Double, delta: Double, unit: String = "example"
  ) throws -> PrivacyGuarantee {
    guard epsilon > 0, epsilon.isFinite else { throw UsageError("epsilon is \(epsilon), expected more than 0") }
    let first = try PrivacyGuarantee(mechanism, plan, sigma: 1, delta: delta, unit: unit)
    func at(_ sigma: Double) -> PrivacyGuarantee {
      var guarantee = first
      guarantee.sigma = sigma
      guarantee.account()
      return guarantee
    }
    var (low, high) = (1e-3, 1.0)
    while at(high).epsilon > epsilon {
      (low, high) = (high, high * 2)
      guard high < 1e9 else { throw UsageError("no noise reaches epsilon \(epsilon) at delta \(delta)") }
    }
    if at(low).epsilon <= epsilon { return at(low) }
    while high / low > 1 + 1e-7 {
      let middle = (low * high).squareRoot()
      if at(middle).epsilon > epsilon { low = middle } else { high = middle }
    }
    return at(high)
  }

  /// ρ of zero-concentrated privacy, K/(2σ²); nil for sampled batches. Bun, Steinke, 2016.
  public var rho: Double? { squaredSensitivity.map { $0 / (2 * sigma * sigma) } }

  /// The guarantee in the form in which it's usually given.
  public var standardForm: String {
    let privacy = epsilon.isFinite ? "(ε = \(Self.number(epsilon)), δ = \(Self.number(delta)))-DP" : "no privacy"
    return "\(privacy), zero-out adjacency, unit of privacy: one \(unit)"
  }

  /// Lines of the statement that goes with a model: the standard form first, then what it means and what it doesn't.
  public var statement: [String] {
    guard epsilon.isFinite else {
      return ["No privacy: the model was trained without noise, and may tell what is in its training data."]
    }
    var lines = [standardForm, meaning]
    let gaussian = exactEpsilon.map { exact in
      let rho = rho.map { ", zero-concentrated privacy ρ = \(Self.number($0))" } ?? ""
      return "; exactly, as a Gaussian mechanism, ε = \(Self.number(exact))\(rho)"
    }
    lines.append("Accountant: Rényi differential privacy, order \(Self.number(order))\(gaussian ?? "").")
    lines.append("Mechanism: \(mechanismText)")
    lines.append("Order of the data: \(orderText)")
    lines.append(
      "Adjacency: two data sets are neighbours if one \(unit)'s gradients are set to zero; the number of \(unit)s and the "
        + "names of the classes count as public.")
    lines.append("Released: the models after all steps, the last one among them, and all node sums behind them.")
    lines.append(
      "Not covered: choices made on private data (learning rate, clipping norm, epochs), losses and accuracies shown in "
        + "training, and the pictures or rows on which accuracy is measured.")
    lines.append(
      "Noise is float32 from a 64-bit key: a good approximation of Gaussian noise, not proof against attacks on the last "
        + "bits of numbers.")
    return lines
  }

  /// What ε and δ say to somebody whose data is in it.
  private var meaning: String {
    // The best test of whether somebody took part, with prior 1/2: e^ε/(1 + e^ε), and δ.
    let power = min(1, 1 / (1 + exp(-epsilon)) + delta)
    return
      "In plain words: whoever sees the model, and guesses by a coin whether one \(unit) took part, is right at best in "
      + "\(String(format: "%.4g", 100 * power)) % of cases instead of 50 %."
  }

  private var mechanismText: String {
    let noise = "noise multiplier σ = \(Self.number(sigma))"
    let sensitivity = squaredSensitivity.map { ", squared sensitivity K = \(Self.number($0))" } ?? ""
    switch mechanism {
    case .independent: return "independent Gaussian noise at each of \(plan.steps) steps, \(noise)\(sensitivity)."
    case .tree(let efficient):
      let trees = plan.epochsOfTrees
      let restarts =
        trees.count == 1
        ? "one tree"
        : "\(trees.count) trees of \(trees[0]) epoch\(trees[0] == 1 ? "" : "s")"
          + (plan.completesTrees ? ", completed" : ", not completed")
      return "tree aggregation over \(plan.steps) steps, \(restarts), \(efficient ? "efficient" : "plain") estimates, "
        + "\(noise)\(sensitivity)."
    case .banded(let coefficients):
      return "banded Toeplitz matrix of \(coefficients.count) bands over \(plan.steps) steps, \(noise)\(sensitivity)."
    }
  }

  private var orderText: String {
    let batches = "\(plan.units) \(unit)s in batches of \(plan.batchSize), \(plan.epochs) epochs"
    switch plan.order {
    case .fixed: return "\(batches), the same order in each epoch; nothing is assumed of it."
    case .restarts: return "\(batches), a new order after each restart, which is drawn without looking at the data."
    case .any: return "\(batches), each \(unit) at most once an epoch, in any order."
    case .sampled:
      return
        "\(plan.units) \(unit)s, each in a step with probability \(Self.number(Double(plan.batchSize) / Double(plan.units))) "
        + "by itself (Poisson sampling), \(plan.steps) steps; the guarantee holds only if sampling was really so, and secret."
    }
  }

  static func number(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e7 ? String(Int(value)) : String(format: "%.4g", value)
  }
}
