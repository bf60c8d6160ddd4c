import Foundation
import Lab
import Pinion

/// Claims, tables and curves of the experiment.
struct TNTSummary {
  let options: TNTOptions
  let networks: [TrainedNetwork]
  let rates: [Architecture: Double]
  let cost: [Architecture: StepCost]

  private func runs(of architecture: Architecture) -> [TrainedNetwork] {
    networks.filter { $0.architecture == architecture }.sorted { $0.seed < $1.seed }
  }

  /// Test accuracies in percent, by seed.
  private func accuracies(_ architecture: Architecture) -> [Double] {
    runs(of: architecture).map { 100 * $0.testAccuracy }
  }

  /// Mean over seeds of one network's accuracy minus another's, with its paired 95 % interval.
  private func difference(_ a: Architecture, _ b: Architecture) -> (mean: Double, interval: ClosedRange<Double>?)? {
    let (x, y) = (accuracies(a), accuracies(b))
    guard !x.isEmpty, x.count == y.count else { return nil }
    return Statistics.pairedDifference(x, y)
  }

  func claims() -> [Claim] {
    var claims: [Claim] = []
    // The interval is asked for where the seeds can narrow it: the specification's full scale.
    let judgesInterval = options.seeds >= 5
    if let (mean, interval) = difference(.tnt, .wideDeit) {
      claims.append(
        Claim(
          "accuracy", statement: "TNT is more accurate than its outer transformer alone at equal multiply-adds",
          measured: mean, unit: "points", interval: interval, comparison: .atLeast, threshold: 0.5,
          intervalThreshold: judgesInterval ? 0 : nil, baseline: "DeiT d=\(options.wideWidth)", seeds: options.seeds))
    }
    if let (mean, interval) = difference(.tnt, .deit) {
      claims.append(
        Claim(
          "accuracy, equal width", statement: "TNT is more accurate than its outer transformer alone at equal width",
          measured: mean, unit: "points", interval: interval, comparison: .atLeast, threshold: 0.5,
          intervalThreshold: judgesInterval ? 0 : nil, baseline: "DeiT d=\(options.width)", seeds: options.seeds))
    }
    claims += positionClaims()
    if let (mean, interval) = difference(.tnt, .tntNoInjection) {
      claims.append(
        Claim(
          "injection", statement: "the gain comes from pixel features that reach the patches", measured: mean,
          unit: "points", interval: interval, comparison: .informative, baseline: "TNT without injection",
          seeds: options.seeds))
    }
    if let (mean, interval) = difference(.tnt, .convNet) {
      claims.append(
        Claim(
          "convolutions", statement: "what a small residual network of as many parameters does here", measured: mean,
          unit: "points", interval: interval, comparison: .informative, baseline: "ConvNet", seeds: options.seeds))
    }
    if let tnt = cost[.tnt], let wide = cost[.wideDeit] {
      claims.append(
        Claim(
          "cost", statement: "a training step's seconds over the wide DeiT's", measured: tnt.seconds / wide.seconds,
          unit: "x", comparison: .informative, baseline: "DeiT d=\(options.wideWidth)", seeds: 1))
      let sizes = options.configuration(channels: 1, classes: 10)
      let wideSizes = Architecture.wideDeit.configuration(sizes, wideWidth: options.wideWidth)
      let formula = Double(sizes.blockMultiplyAdds) / Double(DeiT.blockMultiplyAdds(wideSizes))
      claims.append(
        Claim(
          "multiply-adds",
          statement: "multiply-adds of the two networks' blocks differ by at most a tenth (the paper's formula)",
          measured: abs(formula - 1), comparison: .atMost, threshold: 0.1, baseline: "DeiT d=\(options.wideWidth)",
          seeds: 1, isStructural: true))
    }
    return claims
  }

  /// Both position tables at least as good as either alone, and either as none, in mean over seeds.
  private func positionClaims() -> [Claim] {
    let names: [Architecture] = [.tnt, .tntOuterPositions, .tntInnerPositions, .tntNoPositions]
    let means = names.map { accuracies($0) }.filter { !$0.isEmpty }.map { Statistics.mean($0) }
    guard means.count == 4 else { return [] }
    let margin = min(means[0] - max(means[1], means[2]), min(means[1], means[2]) - means[3])
    return [
      Claim(
        "positions", statement: "both position tables >= either alone >= none: the smallest of the four margins",
        measured: margin, unit: "points", comparison: .atLeast, threshold: 0, baseline: "TNT without tables",
        seeds: options.seeds)
    ]
  }

  func report() -> [ReportBlock] {
    [
      .heading("What was compared"),
      .text(
        """
        Each picture is padded to \(options.imageSize) x \(options.imageSize) pixels and cut into patches of \
        \(options.patchSize) x \(options.patchSize). **TNT** mixes \(options.configuration(channels: 1, classes: 10).pixels) \
        pixel tokens inside of each patch and adds them to the patch's token in every block; **DeiT** is the outer \
        transformer alone, once of the same width and once widened until its multiply-adds equal TNT's. All networks see \
        the same pictures in the same order with the same augmentation, and the same schedule.

        The geometry matters: patches are as large as the paper's (16 x 16 pixels with 16 tokens inside). With smaller \
        patches there is little left inside of them, and the inner transformer doesn't pay.
        """),
      .table(networkTable),
      .chart(curves, caption: "Accuracy on held-out pictures after each epoch: mean and range over seeds."),
      .chart(
        secondsChart,
        caption:
          "The same against the seconds that training took, measured one network at a time (equal epochs aren't equal cost)."
      ),
    ]
  }

  private var trained: [Architecture] { options.networks.filter { !runs(of: $0).isEmpty } }

  private var networkTable: ReportTable {
    let columns: [ReportTable.Column] = [
      .init("network"), .init("parameters", .right), .init("multiply-adds", .right), .init("ms a step", .right),
      .init("peak rate", .right), .init("test accuracy, %", .right), .init("by seed"),
    ]
    let rows = trained.map { network -> [String] in
      let values = accuracies(network)
      let spread = values.count > 1 ? " ± \(Self.number(Statistics.standardDeviation(values), 2))" : ""
      let cost = cost[network]
      return [
        network.title, "\(runs(of: network).first?.parameters ?? 0)",
        cost.map { $0.multiplyAdds > 0 ? Self.number(Double($0.multiplyAdds) / 1e6, 2) + " M" : "" } ?? "",
        cost.map { Self.number($0.seconds * 1e3, 1) } ?? "", "\(rates[network] ?? network.tunedRate)",
        Self.number(Statistics.mean(values), 2) + spread, values.map { Self.number($0, 2) }.joined(separator: ", "),
      ]
    }
    return ReportTable(
      columns: columns, rows: rows,
      caption:
        "Multiply-adds of one picture as counted in the graph, class token, embedding and head included; ± is the standard deviation over seeds."
    )
  }

  private func series(_ x: (Architecture, EpochRecord) -> Double) -> [Chart.Series] {
    trained.map { network in
      let runs = runs(of: network)
      let epochs = runs.map(\.epochs.count).min() ?? 0
      return Chart.Series(
        network.title,
        (0..<epochs).map { e in
          let values = runs.map { 100 * $0.epochs[e].validationAccuracy }
          let (low, high) = (values.min() ?? 0, values.max() ?? 0)
          return Chart.Point(x(network, runs[0].epochs[e]), Statistics.mean(values), interval: low...high)
        })
    }
  }

  private var curves: Chart {
    .layers(
      [.lines(series { Double($1.epoch) })], x: .init("epoch"), y: .init("held-out accuracy, %"),
      title: "Learning curves")
  }

  private var secondsChart: Chart {
    let steps = Double(options.trainImages / options.batchSize)
    return .layers(
      [.lines(series { network, record in Double(record.epoch) * steps * (cost[network]?.seconds ?? 0) })],
      x: .init("seconds"), y: .init("held-out accuracy, %"), title: "At equal seconds")
  }

  static func number(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }
}
