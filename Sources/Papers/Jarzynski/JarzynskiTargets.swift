import Foundation
import Lab
import Pinion

/// What the experiment estimates.
public enum JarzynskiTarget: String, Codable, CaseIterable, Sendable {
  case bimodal
  case ring
  case grid
  case doubleWell = "double-well"
  case harmonic
  case evidence
  case smallEvidence = "small-evidence"
  case cancerEvidence = "cancer-evidence"
  case smallCancerEvidence = "small-cancer-evidence"
  case digits

  var title: String {
    switch self {
    case .bimodal: "two modes on a line"
    case .ring: "ring of eight modes"
    case .grid: "grid of 25 modes"
    case .doubleWell: "double wells, d = 10"
    case .harmonic: "harmonic, d = 10"
    case .evidence: "evidence, 13 features"
    case .smallEvidence: "evidence, 3 features"
    case .cancerEvidence: "breast cancer, 30 features"
    case .smallCancerEvidence: "breast cancer, 10 features"
    case .digits: "Boltzmann machine, d = 64"
    }
  }

  /// What it is and where it starts.
  var description: String {
    switch self {
    case .bimodal: "two Gaussians at ±2, deviation 0.35, from N(0, 2²)"
    case .ring: "eight Gaussians on a circle of radius 4, deviation 0.5, from N(0, 4²)"
    case .grid: "5 x 5 Gaussians at distance 2, deviation 0.3, from N(0, 3²)"
    case .doubleWell: "3(x² − 1)² in each of ten coordinates, from N(0, 1)"
    case .harmonic: "stiffness 1 … 4 in ten coordinates, inverse temperature 0.2 to 2"
    case .evidence: "logistic regression on wine (cultivar 2 against the others), all features, from its prior N(0, 1)"
    case .smallEvidence: "the same with alcohol, flavanoids and colour intensity alone"
    case .cancerEvidence:
      "logistic regression on breast cancer (malignant or not), all features, from its prior N(0, 1)"
    case .smallCancerEvidence: "the same with the means of the ten measures alone"
    case .digits: "Gaussian-Bernoulli machine with 12 hidden units trained on 8 x 8 digits, from a Gaussian about it"
    }
  }

  /// Pairs of models whose evidences are compared: all features against some.
  static let modelPairs: [(large: JarzynskiTarget, small: JarzynskiTarget)] = [
    (.evidence, .smallEvidence), (.cancerEvidence, .smallCancerEvidence),
  ]

  /// The data that it needs.
  var dataset: DatasetInfo? {
    switch self {
    case .evidence, .smallEvidence: ScikitLearnData.wine
    case .cancerEvidence, .smallCancerEvidence: ScikitLearnData.breastCancer
    case .digits: ScikitLearnData.digits
    default: nil
    }
  }

  /// Stiffness of the harmonic target, 1 … 4.
  static let stiffness = (0..<10).map { 1 + 3 * Double($0) / 9 }

  /// The path to a target.
  ///
  /// - Throws: `FetchError` and the like where data can't be had; `TensorError`.
  func path() throws -> AnnealingPath {
    func centred(_ dimension: Int, _ deviation: Double) -> QuadraticEnergy {
      QuadraticEnergy(
        mean: Array(repeating: 0, count: dimension), standardDeviation: Array(repeating: deviation, count: dimension))
    }
    switch self {
    case .bimodal: return .geometric(from: centred(1, 2), to: GaussianMixture.bimodal)
    case .ring: return .geometric(from: centred(2, 4), to: GaussianMixture.ring)
    case .grid: return .geometric(from: centred(2, 3), to: GaussianMixture.grid)
    case .doubleWell:
      return .geometric(from: centred(10, 1), to: DoubleWellEnergy(dimension: 10, barrier: 3))
    case .harmonic: return .tempering(QuadraticEnergy(stiffness: Self.stiffness), from: 0.2, to: 2)
    case .evidence: return try Self.evidence(ScikitLearnData.wine, "class 1") { _ in true }
    case .smallEvidence:
      let few = ["alcohol", "flavanoids", "colour intensity"]
      return try Self.evidence(ScikitLearnData.wine, "class 1") { few.contains($0) }
    case .cancerEvidence: return try Self.evidence(ScikitLearnData.breastCancer, "malignant") { _ in true }
    case .smallCancerEvidence:
      return try Self.evidence(ScikitLearnData.breastCancer, "malignant") { $0.hasPrefix("mean ") }
    case .digits:
      let machine = try Self.machine()
      return .geometric(from: try machine.reference, to: machine)
    }
  }

  /// From the prior of a logistic regression on some features to its posterior.
  private static func evidence(
    _ data: DatasetInfo, _ positive: String, _ hasFeature: (String) -> Bool
  ) throws -> AnnealingPath {
    let table = try ScikitLearnData.load(data)
    let energy = try LogisticRegressionEnergy(
      table, columns: table.featureNames.filter(hasFeature), positive: positive)
    return .geometric(from: energy.prior, to: energy)
  }

  /// Whether an evaluation goes over data or many units, so that it takes microseconds.
  var isCostly: Bool { dataset != nil }

  /// Estimators that are tried on it, of those asked for.
  func methods(_ asked: [EstimationMethod]) -> [EstimationMethod] {
    switch self {
    case .smallEvidence, .smallCancerEvidence: asked.filter { [.mala, .virtual, .virtualMultistep].contains($0) }
    case .evidence, .cancerEvidence, .digits: asked.filter { $0 != .underdamped }
    default: asked
    }
  }

  /// The highest frequency where it's known beforehand; else it's looked for.
  var frequency: Double? {
    switch self {
    case .bimodal: 1 / 0.35
    case .ring: 2
    case .grid: 1 / 0.3
    case .harmonic: 2
    default: nil
    }
  }

  /// A machine trained on the digits' grey levels, 0 to 16, divided by 4.
  static func machine() throws -> BoltzmannMachine {
    let digits = try ScikitLearnData.load(ScikitLearnData.digits)
    return try BoltzmannMachine.trained(on: digits.tensor / 4, hidden: 12, visible: .gaussian, key: Key(12))
  }

  /// log(Z₁/Z₀) where it's known in closed form or by enumeration.
  func exactRatio(_ path: AnnealingPath) -> Double? {
    path.target.logPartitionFunction.map { $0 - path.logInitial }
  }
}
