import Foundation
import Lab
import Pinion

/// The content of labels of any number of classes: of two one orthant, of more one for each class against the rest.
///
/// A network of K outputs of infinite width is K independent Gaussian processes, so that contents add up. The bound is then of the
/// event that any of the K signs is wrong, which contains that of a wrong class.
struct MulticlassContent: Codable, Sendable {
  struct Row: Codable, Sendable {
    var name: String
    /// Examples of the class.
    var members: Int
    var tilting: ContentEstimate
    /// What the content isn't below, by the saddle.
    var lowerBound: Double
    /// C₁.
    var closedForm: Double
    /// The paper's estimator and expectation propagation, where they were asked for.
    var paper: ContentEstimate?
    var propagation: Double?
  }

  var rows: [Row]
  /// Examples.
  var count: Int
  /// Most that was added to the variances, over their mean.
  var jitter: Double
  /// Two examples of equal inputs and different labels, from 0, if there are such: then no network fits.
  var contradiction: [Int]?

  /// C₀ in nats.
  var total: Double { contradiction == nil ? rows.reduce(0) { $0 + $1.tilting.content } : .infinity }
  var totalClosedForm: Double { contradiction == nil ? rows.reduce(0) { $0 + $1.closedForm } : .infinity }
  var lowerBound: Double { contradiction == nil ? rows.reduce(0) { $0 + $1.lowerBound } : .infinity }
  var standardError: Double { rows.reduce(0) { $0 + pow($1.tilting.standardError, 2) }.squareRoot() }

  /// Why the total can't be trusted, a line each; empty where it can.
  var warnings: [String] {
    if let pair = contradiction, pair.count == 2 {
      return [
        "examples \(pair[0] + 1) and \(pair[1] + 1) have equal inputs but for a factor, and different labels: no such network fits both, so "
          + "the content is infinite"
      ]
    }
    var lines = rows.compactMap { row in row.tilting.warning.map { rows.count == 1 ? $0 : "\(row.name): \($0)" } }
    if jitter > 0 {
      lines.append(
        "the kernel is nearly singular: \(Format.short(jitter)) of the mean variance was added to each variance, and the content "
          + "is that of outputs with so much noise")
    }
    return lines
  }

  /// What is to be measured.
  struct Settings: Sendable {
    var samples: Int
    /// Samples of the paper's estimator; 0 leaves it and expectation propagation out.
    var paperSamples = 0
    /// Orthants that are worked on side by side.
    var workers = 2
  }

  /// - Parameters:
  ///   - covariance: of the inputs, float64 [n, n].
  ///   - labels: class by example, from 0.
  /// - Throws: `UsageError`, `TensorError`, `PJRTError`.
  static func measure(
    _ covariance: Tensor, labels: [Int], names: [String], _ settings: Settings, key: Key
  ) throws -> MulticlassContent {
    try evaluate(covariance)
    // Of two classes the second's orthant says all.
    let classes = names.count == 2 ? [1] : Array(names.indices)
    let results = try parallel(classes, workers: settings.workers) { label -> (Row, Double, [Int]?) in
      let signs = labels.map { $0 == label ? 1.0 : -1 }
      let orthant = try GaussianOrthant(covariance: covariance, signs: signs)
      let own = key.foldIn(label)
      let saddle = try TiltingSaddle(orthant)
      var row = Row(
        name: names.count == 2 ? "\(names[1]) or \(names[0])" : names[label], members: signs.count { $0 > 0 },
        tilting: try MinimaxTilting(samples: settings.samples).estimate(saddle, key: own.foldIn(0)),
        lowerBound: -saddle.logUpperBound, closedForm: try ClosedFormBound(orthant).content)
      if settings.paperSamples > 0 {
        row.paper = try FoldedNormalSampling(samples: settings.paperSamples).estimate(orthant, key: own.foldIn(1))
        row.propagation = try ExpectationPropagation().content(orthant).content
      }
      return (row, orthant.jitter, orthant.contradiction.map { [$0.first, $0.second] })
    }
    return MulticlassContent(
      rows: results.map { $0.0 }, count: labels.count, jitter: results.map { $0.1 }.max() ?? 0,
      contradiction: results.compactMap { $0.2 }.first)
  }
}
