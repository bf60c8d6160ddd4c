import Formats
import Foundation
import Lab
import NN
import Pinion

/// −log of likelihood times prior of Bayesian logistic regression: its partition function is the model's evidence.
///
/// y ~ Bernoulli(σ(w₀ + xᵀw)), with weights and intercept ~ N(0, σ²).
public struct LogisticRegressionEnergy: Energy {
  /// Points, a one for the intercept first, float64 [N, d].
  let design: Tensor
  /// Signs: 1 for the class that is modelled, −1 for others; float64 [N].
  let signs: Tensor
  /// Standard deviation of the prior.
  public let priorDeviation: Double
  /// Number of points N.
  public let count: Int
  public let dimension: Int

  /// - Parameters:
  ///   - features: rows of equal length, best standardised.
  ///   - labels: whether each row is of the class.
  /// - Throws: `FormatError` where rows and labels don't go together.
  public init(features: [[Double]], labels: [Bool], priorDeviation: Double = 1, file: String = "data") throws {
    guard let width = features.first?.count, features.count == labels.count,
      features.allSatisfy({ $0.count == width })
    else { throw FormatError(file, "\(features.count) rows of features with \(labels.count) labels") }
    guard features.allSatisfy({ $0.allSatisfy(\.isFinite) }) else {
      throw FormatError(file, "has features that aren't finite")
    }
    guard Set(labels).count == 2 else { throw FormatError(file, "all rows are of one class, expected two") }
    design = Tensor(features.map { [1] + $0 })
    signs = Tensor(labels.map { $0 ? 1.0 : -1 })
    self.priorDeviation = priorDeviation
    count = features.count
    dimension = width + 1
  }

  /// Two classes of a table, standardised: one class against the others.
  ///
  /// - Parameters:
  ///   - columns: names of the features; all without them.
  ///   - positive: name of the class; the last without it.
  /// - Throws: `FormatError` that names what isn't there.
  public init(
    _ table: LabelledTable, columns: [String] = [], positive: String? = nil, priorDeviation: Double = 1
  ) throws {
    let table = try table.standardized()
    let places = try (columns.isEmpty ? table.featureNames : columns).map { name -> Int in
      guard let place = table.featureNames.firstIndex(of: name) else {
        let suggestion = Spelling.suggestion(for: name, among: table.featureNames)
        throw FormatError(table.name, "has no column '\(name)'\(suggestion)")
      }
      return place
    }
    guard let label = positive.map({ table.classNames.firstIndex(of: $0) }) ?? table.classNames.count - 1 else {
      throw FormatError(
        table.name, "has no class '\(positive ?? "")'; it has \(table.classNames.joined(separator: ", "))")
    }
    let rows = (0..<table.count).map { row in places.map { table.values[row * table.dimension + $0] } }
    try self.init(
      features: rows, labels: table.labels.map { $0 == label }, priorDeviation: priorDeviation, file: table.name)
  }

  public func callAsFunction(_ w: Tensor) -> Tensor {
    let scores = design.matmul(w.expandDims(1)).squeeze(axis: 1)
    let misfit = softplus(-signs * scores).sum()
    let constant = Double(dimension) * log(2 * Double.pi * priorDeviation * priorDeviation) / 2
    return misfit + w.square().sum() / (2 * priorDeviation * priorDeviation) + constant
  }

  /// The prior, from which evidence is annealed.
  public var prior: QuadraticEnergy {
    QuadraticEnergy(
      mean: Array(repeating: 0, count: dimension),
      standardDeviation: Array(repeating: priorDeviation, count: dimension))
  }
}
