import Foundation
import Lab

extension DPFTRLSummary {
  /// The parts of the report.
  func report() throws -> [ReportBlock] {
    var blocks: [ReportBlock] = [
      .text(setting), .heading("Accuracy against ε"),
      .chart(
        accuracyChart,
        caption:
          "Test accuracy, mean over seeds with its 95 % interval (of two seeds the range). Amplified DP-SGD needs batches that "
          + "are really drawn at random; the others hold for a fixed order of the data."),
      .table(accuracyTable), .heading("What the noise does"),
      .chart(
        try noiseChart(),
        caption:
          "Deviation of the noise in the private sum of gradients after each step, over the clipping norm, all at the same ε. "
          + "Independent noise grows with the root of the steps; a tree's is a saw-tooth, the root of the number of ones in the "
          + "step's binary number, and each restart leaves what it ended with."),
      .table(try mechanismTable()),
      .chart(
        try bandsChart(),
        caption:
          "Mean variance of the private sums at equal privacy against the number of bands: optimised bands, bands of the "
          + "matrix's square root, and the trees for comparison. Few bands give most of the gain."),
      .heading("Online learning of linear losses"),
      .chart(regretChart, caption: regretCaption), .heading("What a step costs"), .table(timingTable),
    ]
    if let guarantee = runs.first(where: { $0.method == .ftrlMomentum })?.guarantee {
      blocks += [
        .heading("A privacy statement"),
        .text(
          "As it goes with a model that `pinion dp-ftrl train` writes; here of DP-FTRLM's first run.\n\n"
            + guarantee.statement.map { "- \($0)" }.joined(separator: "\n")),
      ]
    }
    return blocks
  }

  private var setting: String {
    let plan = options.plan
    return """
      The paper's small network (26,010 parameters) on \(plan.units) pictures of Fashion-MNIST, \(plan.epochs) \
      epoch\(plan.epochs == 1 ? "" : "s") in batches of \(plan.batchSize), each picture's gradient clipped to norm \
      \(Format.short(options.clip)). For each method and ε the noise is the least that keeps ε at δ = \
      \(PrivacyGuarantee.number(options.delta)). \(tuning) **DP-FTRL** adds noise to prefix sums by a tree; **DP-FTRLM** has \
      momentum \(Format.short(options.momentum)) besides, and so has DP-SGD. All runs of a seed begin with the same weights.
      """
  }

  private var tuning: String {
    guard !rates.isEmpty else { return "All methods have the same learning rate; no choice was made." }
    return
      "Learning rates were chosen for each method alike, among \(options.rates.map(Format.short).joined(separator: ", ")) "
      + "(times 1 − momentum), on held-out pictures, at ε = "
      + "\(options.tuningEpsilons.map(Format.short).joined(separator: " and ")); these choices aren't accounted for."
  }

  private var accuracyChart: Chart {
    let series = methods.filter { $0 != .open }.map { method in
      Chart.Series(
        method.title,
        epsilons(method).map { epsilon in
          let values = accuracies(method, epsilon)
          let range = values.min().flatMap { low in values.max().flatMap { low < $0 ? low...$0 : nil } }
          return Chart.Point(
            epsilon, Statistics.mean(values), interval: values.count > 2 ? Statistics.interval(values) : range)
        })
    }
    var layers: [Chart.Layer] = [
      .lines(series.filter { $0.points.count > 1 }), .scatter(series.filter { $0.points.count == 1 }),
    ]
    let open = epsilons(.open).flatMap { accuracies(.open, $0) }
    if !open.isEmpty { layers.append(.level(Statistics.mean(open), label: "no privacy")) }
    let (low, high) = (options.epsilons.min() ?? 1, options.epsilons.max() ?? 1)
    return .layers(
      layers, x: .init("ε", isLogarithmic: true, domain: (0.8 * low)...(1.25 * high)), y: .init("test accuracy, %"),
      title: "Fashion-MNIST")
  }

  // MARK: Noise

  /// Mechanisms with their plans, as the figures compare them.
  private func mechanisms() throws -> [(title: String, mechanism: NoiseMechanism, plan: ParticipationPlan)] {
    let plan = options.plan
    let bands = min(options.bands, plan.stepsOfEpoch)
    let best = BandedToeplitz.optimal(bands: bands, steps: plan.steps).coefficients
    var restarted = plan
    (restarted.restartEpochs, restarted.completesTrees) = (1, true)
    var rows: [(String, NoiseMechanism, ParticipationPlan)] = [
      ("independent", .independent, plan), ("tree, plain", .tree(efficient: false), plan),
      ("tree, efficient", .tree(efficient: true), plan),
    ]
    if plan.epochs > 1 {
      rows.append(("tree, efficient, restarts and completion each epoch", .tree(efficient: true), restarted))
    }
    rows.append(("banded, \(bands) bands", .banded(best), plan))
    return rows.map { (title: $0.0, mechanism: $0.1, plan: $0.2) }
  }

  private var shownEpsilon: Double { options.extraEpsilons.first ?? options.epsilons[options.epsilons.count / 2] }

  private func noiseChart() throws -> Chart {
    let series = try mechanisms().map { title, mechanism, plan in
      let guarantee = try PrivacyGuarantee.calibrated(
        mechanism, plan, epsilon: shownEpsilon, delta: options.delta)
      let variances = plan.prefixVariances(mechanism)
      // Beyond some points a line hides the saw-tooth rather than shows it.
      let shown = min(variances.count, 600)
      return Chart.Series(
        title, (0..<shown).map { Chart.Point(Double($0 + 1), guarantee.sigma * variances[$0].squareRoot()) })
    }
    return .layers(
      [.lines(series)], x: .init("step"), y: .init("deviation over the clipping norm", includesZero: true),
      title: "Noise of the private sum, ε = \(Format.short(shownEpsilon))")
  }

  private func mechanismTable() throws -> ReportTable {
    let rows = try mechanisms().map { title, mechanism, plan -> [String] in
      let guarantee = try PrivacyGuarantee.calibrated(
        mechanism, plan, epsilon: shownEpsilon, delta: options.delta)
      let variances = plan.prefixVariances(mechanism)
      let mean = Statistics.mean(variances)
      return [
        title, PrivacyGuarantee.number(guarantee.squaredSensitivity ?? 0), String(format: "%.3f", guarantee.sigma),
        String(format: "%.2f", mean), String(format: "%.1f", guarantee.sigma * mean.squareRoot()),
        String(format: "%.1f", guarantee.sigma * (variances.max() ?? 0).squareRoot()),
      ]
    }
    return ReportTable(
      columns: [
        .init("mechanism"), .init("K", .right), .init("σ", .right), .init("mean variance / σ²", .right),
        .init("root mean square noise", .right), .init("largest", .right),
      ], rows: rows,
      caption:
        "At ε = \(Format.short(shownEpsilon)), \(options.plan.steps) steps; noise of the sum over the clipping norm.")
  }

  private func bandsChart() throws -> Chart {
    let plan = options.plan
    let counts = Array((0...).lazy.map { 1 << $0 }.prefix { $0 <= min(64, plan.stepsOfEpoch) })
    func points(_ make: (Int) -> BandedToeplitz) throws -> [Chart.Point] {
      try counts.map { count in
        Chart.Point(Double(count), try plan.meanVariance(.banded(make(count).coefficients)))
      }
    }
    let lines = [
      Chart.Series("optimised bands", try points { BandedToeplitz.optimal(bands: $0, steps: plan.steps) }),
      Chart.Series("bands of the square root", try points { BandedToeplitz.squareRoot(bands: $0) }),
    ]
    let trees = try [false, true].map { efficient -> Chart.Layer in
      let mechanism = NoiseMechanism.tree(efficient: efficient)
      return .level(
        try plan.withBestRestarts(mechanism).meanVariance(mechanism), label: "\(mechanism.title), best restarts")
    }
    return .layers(
      [.lines(lines)] + trees,
      x: .init("bands", isLogarithmic: true, domain: 1...Double(max(2, counts.max() ?? 2))),
      y: .init("mean variance at K/σ² = 1", isLogarithmic: true), title: "Banded matrices beside the trees")
  }

  // MARK: Regret

  private var regretChart: Chart {
    let series = regret.curves.map { curve in
      Chart.Series(
        curve.title,
        regret.steps.indices.map { i in
          let values = curve.regrets.map { $0[i] / Double(regret.steps[i]) }
          return Chart.Point(Double(regret.steps[i]), Statistics.mean(values), interval: Statistics.interval(values))
        })
    }
    return .layers(
      [.lines(series)],
      x: .init("steps", isLogarithmic: true, domain: Double(regret.steps[0])...Double(regret.steps.last ?? 32)),
      y: .init("regret a step", includesZero: true),
      title: "Follow the regularised leader, ε = \(Format.short(regret.epsilon))")
  }

  private var regretCaption: String {
    let rates = regret.curves.map { "\($0.title) \(Format.short($0.rate))" }.joined(separator: ", ")
    return
      "Losses ⟨g, x⟩ of unit vectors g in \(regret.dimension) dimensions that drift slightly, each seen once; x in the unit "
      + "ball. Mean over \(regret.curves.first?.regrets.count ?? 0) seeds with its 95 % interval; learning rates, which are best "
      + "for the last step on other seeds: \(rates)."
  }
}
