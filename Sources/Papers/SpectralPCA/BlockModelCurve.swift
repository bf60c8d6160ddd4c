import Foundation
import Lab
import Pinion

/// Claim 5: where the groups of a stochastic block model become visible.
struct BlockModelCurve {
  let claims: [Claim]
  let report: [ReportBlock]

  /// Accuracy that counts as seen: halfway between a guess and what a limit of many neighbours has at 1.2 of the threshold.
  static let level = 0.6
  static let signals = [0.5, 0.7, 0.85, 1, 1.15, 1.3, 1.5, 1.8, 2.2]

  init(_ context: RunContext<SpectralPCAOptions>) throws {
    let options = context.options
    var curve: [(signal: Double, accuracies: [Double])] = []
    let bar = context.progress.start("block model", total: Self.signals.count)
    for signal in Self.signals {
      try context.checkInterrupt()
      let model = StochasticBlockModel(degree: options.blockDegree, signal: signal)
      let accuracies = try (0..<options.blockGraphs).map { graph -> Double in
        let seed = context.seed &+ UInt64(1_000 * graph)
        let adjacency = try model.adjacency(options.blockVertices, seed: seed)
        let found = try StochasticBlockModel.groups(adjacency, seed: seed)
        let truth = (0..<options.blockVertices).map { $0 < options.blockVertices / 2 ? 0 : 1 }
        return ClusterMetrics.accuracy(found, truth: truth)
      }
      curve.append((signal, accuracies))
      bar.advance()
    }
    bar.finish()
    let means = curve.map { (signal: $0.signal, accuracy: Statistics.mean($0.accuracies)) }
    let crossing = StochasticBlockModel.crossing(means, level: Self.level)
    claims = [
      Claim(
        "threshold",
        statement: "Accuracy of the block model's groups passes \(Self.level) within 20 % of (a - b)² = 2 (a + b).",
        measured: crossing.map { abs($0 - 1) * 100 } ?? .nan, unit: "% off", comparison: .atMost, threshold: 20,
        baseline: "crossing at \(crossing.map { Format.short($0) } ?? "no") of the threshold",
        seeds: options.blockGraphs)
    ]
    let points = curve.map { row in
      Chart.Point(row.signal, Statistics.mean(row.accuracies), interval: Statistics.interval(row.accuracies))
    }
    // In the limit of many neighbours the eigenvector's squared correlation with the groups is 1 - 1/signal².
    let limit = stride(from: 0.5, through: 2.2, by: 0.05).map { signal in
      Chart.Point(signal, signal > 1 ? Self.limit(signal) : 0.5)
    }
    report = [
      .heading("Groups that can't be seen"),
      .chart(
        .layers(
          [
            .lines([
              Chart.Series("measured, \(options.blockVertices) vertices", points),
              Chart.Series("limit of many neighbours", limit),
            ]), .level(0.5, label: "a guess"),
          ], x: .init("(a - b) / √(2 (a + b)), 1 at the threshold"), y: .init("accuracy"),
          title: "Stochastic block model, \(Format.short(options.blockDegree)) neighbours"),
        caption:
          "Two equal groups by the second eigenvector. Below 1 no method can do better than a guess; finite graphs round "
          + "the corner off."),
    ]
  }

  /// Φ(s / √(1 - s²)) with s² = 1 - 1/signal²: the share of normal entries of mean s and variance 1 - s² on the right side.
  static func limit(_ signal: Double) -> Double {
    let s = (1 - 1 / (signal * signal)).squareRoot()
    return 0.5 * erfc(-s / (1 - s * s).squareRoot() / 2.0.squareRoot())
  }
}
