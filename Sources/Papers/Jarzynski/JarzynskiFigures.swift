import Foundation
import Lab
import Pinion

extension JarzynskiSummary {
  /// The parts of the report.
  ///
  /// - Throws: `TensorError`, `PJRTError` from the orbits of the phase-space figure.
  func report() throws -> [ReportBlock] {
    var blocks: [ReportBlock] = [.text(Self.honesty), .heading("Zero variance on a harmonic potential")]
    blocks.append(.table(harmonicTable))
    blocks.append(
      .chart(
        Self.histogram(
          [
            ("virtual, γ 0.05, K 400", harmonic.virtualLogWeights),
            (harmonic.langevin.last?.name ?? "", harmonic.langevinLogWeights),
          ], title: "Log-weights, harmonic, d = 10"),
        caption: "Share of trajectories by log(w/Z). Annealed weights spread over many nats, virtual ones are a spike.")
    )
    blocks.append(
      .drawing(
        try PhaseSpaceFigure().drawing(),
        caption:
          "Phase space of one oscillator: real samples at b = 0.2 (dots), their virtual states forward (solid) and backward "
          + "(dashed) in time. Each spiral passes the shell of typical energies of both ends, so each weight sees both."
      ))
    for result in targets {
      blocks.append(.heading(Self.capitalised(result.target.title)))
      blocks.append(.table(methodTable(result)))
      if options.budgets.count > 1 {
        blocks.append(
          .chart(
            errorCurves(result),
            caption:
              "Root mean square error of log Z over seeds, with 95 % intervals, against the evaluations of an estimate."
          ))
      }
      let weights = result.methods.filter { [.mala, .virtual, .virtualMultistep].contains($0.method) }.map {
        ($0.method.title, $0.logWeights.map { $0 - result.reference })
      }
      if [.ring, .evidence, .cancerEvidence].contains(result.target) {
        blocks.append(
          .chart(
            Self.histogram(weights, title: "Log-weights, \(result.target.title)"),
            caption: "Share of trajectories by log(w/Z); what lies right of 0 makes the mean."))
      }
      if result.target == .ring, let crossing = crossing(result) { blocks.append(crossing) }
    }
    for pair in pairs { blocks += evidenceBlocks(pair) }
    blocks += [
      .heading("Unbiased for any parameters"), .table(unbiasedTable), .heading("Constant-frequency drive"),
      .text(
        "Another reading of \"second order\": an oscillator that is stiffened while its mass grows alike. Driven by Hamilton's "
          + "equations alone, the variance of exp(−W) falls with τ², by Langevin's with τ."), .table(driveTable),
      .chart(driveChart, caption: "Relative variance of the weight against the switching time."),
    ]
    return blocks
  }

  /// What this is and what it isn't.
  static let honesty = """
    **What is reconstruction.** Of the paper (arXiv 2103.00529) only the abstract and the first lines could be read, and no \
    public code was found; the equations of its estimator are *not* verified. The conventional estimator below (Jarzynski's \
    equality, that is annealed importance sampling) is textbook theory. The *virtual-trajectory estimator in the spirit of \
    2103.00529* is our reconstruction: it has every property that the abstract states (augmented states, deterministic \
    virtual trajectories, Hamiltonian-type dynamics, no bias, zero variance on harmonic potentials, fewer trajectories on \
    multimodal ones), and its unbiasedness is proved in the specification and tested here. It isn't a line-by-line copy. \
    Kin: nonequilibrium importance sampling (Rotskoff and Vanden-Eijnden 2019), NEO (Thin and others 2021), which has the same \
    windowed weights.

    **What to expect.** The gain is orders of magnitude on harmonic potentials; on the ring it's a factor of about 1.5, not \
    more: the pilot takes short orbits there, and in two dimensions plain importance sampling, which needs no gradients, costs \
    less still for the same variance. \
    On targets of many coordinates or of stiff ones single-shot orbits find little, and annealing wins. Baselines were given \
    pilots of the same kind: step sizes adapted level by level, schedules, numbers of steps.
    """

  static func capitalised(_ text: String) -> String { text.prefix(1).uppercased() + text.dropFirst() }

  /// A density of numbers as lines, over the middle 99 % of the first series' and the whole of narrow ones.
  static func histogram(_ series: [(String, [Double])], title: String) -> Chart {
    let finite = series.map { ($0.0, $0.1.filter(\.isFinite).sorted()) }.filter { $0.1.count > 1 }
    let low = finite.compactMap { $0.1[$0.1.count / 200] }.min() ?? -1
    let high = finite.compactMap { $0.1.last }.max() ?? 1
    let (start, bins) = (max(low, high - 40), 60)
    let width = max(1e-9, (high - start) / Double(bins))
    let lines = finite.map { name, values in
      var counts = Array(repeating: 0.0, count: bins)
      for value in values where value >= start {
        counts[min(bins - 1, Int((value - start) / width))] += 1 / Double(values.count)
      }
      return Chart.Series(
        name, counts.enumerated().map { Chart.Point(start + (Double($0.offset) + 0.5) * width, $0.element) })
    }
    return .layers(
      [.lines(lines)], x: .init("log(w/Z)"), y: .init("share of trajectories", includesZero: true), title: title)
  }

  private func errorCurves(_ result: TargetResult) -> Chart {
    let lines = result.methods.filter { !$0.relativeVariances.isEmpty }.map { method in
      Chart.Series(
        method.method.title,
        zip(options.budgets, method.estimates).compactMap { budget, estimates in
          let (value, interval) = Self.rmsInterval(estimates.map { $0 - result.reference })
          guard value.isFinite, value > 0 else { return nil }
          return Chart.Point(Double(budget), value, interval: interval)
        })
    }
    return .layers(
      [.lines(lines)], x: .init("gradient evaluations", isLogarithmic: true),
      y: .init("RMS error of log Z", isLogarithmic: true), title: result.target.title)
  }

  /// Crooks: histograms of W and of −W of the reverse process cross at −log(Z₁/Z₀).
  private func crossing(_ result: TargetResult) -> ReportBlock? {
    guard let work = result.work, !work.reverse.isEmpty else { return nil }
    let all = (work.forward + work.reverse.map { -$0 }).filter(\.isFinite).sorted()
    guard all.count > 10 else { return nil }
    let (low, high) = (all[all.count / 200], all[all.count - 1 - all.count / 200])
    let bins = 30
    let width = max(1e-9, (high - low) / Double(bins))
    func line(_ name: String, _ values: [Double]) -> Chart.Series {
      var counts = Array(repeating: 0.0, count: bins)
      for value in values where value >= low && value < high {
        counts[min(bins - 1, Int((value - low) / width))] += 1 / Double(values.count)
      }
      return Chart.Series(
        name, counts.enumerated().map { Chart.Point(low + (Double($0.offset) + 0.5) * width, $0.element) })
    }
    let difference = -result.reference
    let top = 0.02
    let exact = Chart.Series("exact −log(Z₁/Z₀)", [Chart.Point(difference, 0), Chart.Point(difference + 1e-9, top)])
    let series = [line("forward W", work.forward), line("reverse −W", work.reverse.map { -$0 }), exact]
    return .chart(
      .layers(
        [.lines(series)], x: .init("reduced work"), y: .init("share", includesZero: true), title: "Crooks' crossing"),
      caption: "Work of switching forward, and minus that of switching back from exact samples of the target.")
  }

  private func evidenceBlocks(_ pair: ModelPair) -> [ReportBlock] {
    let methods: [EstimationMethod] = [.mala, .hmc, .virtualMultistep, .virtual].filter {
      !pair.factors($0).isEmpty
    }
    guard !methods.isEmpty else { return [] }
    let rows = methods.map { method in
      let values = pair.factors(method)
      return [method.title, Self.number(values), Format.short(Self.rms(values.map { $0 - pair.reference }))]
    }
    return [
      .heading("Which model? \(pair.name)"),
      .table(
        ReportTable(
          columns: [.init("method"), .init("log Bayes factor", .right), .init("RMS error", .right)], rows: rows,
          caption: "\(pair.large.target.title) against \(pair.small.target.title); positive favours the former. "
            + "Reference \(Format.short(pair.reference)) ± \(Format.short(pair.referenceError)). "
            + "Mean and standard deviation over seeds, 2^\(options.largestBudget) gradient evaluations for each model.")
      ),
    ]
  }

  private var driveChart: Chart {
    func line(_ name: String, _ value: (DriveStudy.Row) -> Double) -> Chart.Series {
      Chart.Series(name, drive.rows.map { Chart.Point($0.time, value($0)) })
    }
    return .layers(
      [
        .lines([
          line("Hamiltonian", \.hamiltonian), line("Hamiltonian, in closed form", \.hamiltonianExact),
          line("Langevin", \.langevin),
        ])
      ], x: .init("switching time τ", isLogarithmic: true), y: .init("relative variance", isLogarithmic: true),
      title: "Stiffness 1 to 20")
  }
}

/// Orbits of one damped oscillator in phase space.
struct PhaseSpaceFigure {
  /// Inverse temperatures of both ends.
  var ends = (0.2, 2.0)
  var friction = 0.12
  var stepSize = 0.1
  var length = 220
  /// Start of each orbit, x and p.
  var starts = [(2.3, 0.9), (-1.2, 2.0), (0.6, -3.0)]

  /// Positions of an orbit, the real sample first.
  ///
  /// - Parameter direction: 1 forward, −1 backward.
  func orbit(_ start: (Double, Double), direction: Double) throws -> [(x: Double, p: Double)] {
    let path = AnnealingPath.tempering(QuadraticEnergy(stiffness: [1]), from: ends.0, to: ends.1)
    let flow = ConformalFlow(path: path, coefficients: [Tensor(1.0)], friction: Tensor(friction))
    let (begin, _) = try flow.start(Tensor([[start.0]]), Tensor([[start.1]]))
    let points = try scan(begin, steps: length) { point, _ in
      let next = try flow.step(point, Tensor(direction * stepSize)).0
      return (next, [next.positions, next.momenta])
    }.results
    let (x, p) = (try points[0].array(of: Double.self), try points[1].array(of: Double.self))
    return [(start.0, start.1)] + zip(x, p).map { ($0, $1) }
  }

  func drawing() throws -> Drawing {
    let (width, height, scale) = (680.0, 460.0, 46.0)
    func place(_ x: Double, _ p: Double) -> (Double, Double) { (width / 2 + scale * x, height / 2 - scale * p) }
    var drawing = Drawing(
      width: width, height: height,
      description: "Spirals in phase space from an outer to an inner circle of typical energy")
    func segment(_ a: (Double, Double), _ b: (Double, Double), _ colour: Drawing.Colour, _ width: Double, dashed: Bool)
    {
      let inside = [a, b].allSatisfy { (8...672).contains($0.0) && (8...452).contains($0.1) }
      guard inside else { return }
      drawing.elements.append(
        .line(x1: a.0, y1: a.1, x2: b.0, y2: b.1, stroke: colour, width: width, dashed: dashed))
    }
    var labels: [(String, (Double, Double))] = []
    // Typical energy of two degrees of freedom at b is 1/b: a circle of radius √(2/b).
    for (b, name) in [(ends.0, "b = 0.2"), (ends.1, "b = 2")] {
      let radius = (2 / b).squareRoot()
      let points = (0...90).map { i -> (Double, Double) in
        let angle = Double(i) * Double.pi / 45
        return place(radius * cos(angle), radius * sin(angle))
      }
      for (a, c) in zip(points, points.dropFirst()) { segment(a, c, .muted, 2.5, dashed: false) }
      labels.append((name, place(0, -radius)))
    }
    for (i, start) in starts.enumerated() {
      for direction in [1.0, -1] {
        let points = try orbit(start, direction: direction).map { place($0.x, $0.p) }
        for (n, (a, c)) in zip(points, points.dropFirst()).enumerated() where direction > 0 || n % 2 == 0 {
          segment(a, c, .series(i + 1), 1.4, dashed: false)
        }
      }
      let dot = place(start.0, start.1)
      drawing.elements.append(
        .box(
          x: dot.0 - 4, y: dot.1 - 4, width: 8, height: 8, fill: .series(i + 1), stroke: .ink, dashed: false, opacity: 1
        ))
    }
    for (name, spot) in labels {
      drawing.elements += [
        .box(
          x: spot.0 - 26, y: spot.1 - 9, width: 52, height: 18, fill: .paper, stroke: nil, dashed: false, opacity: 0.9),
        .text(name, x: spot.0, y: spot.1 + 5, size: 13, colour: .ink, anchor: .middle, bold: true),
      ]
    }
    drawing.elements.append(
      .text("position x", x: width - 16, y: height - 12, size: 13, colour: .muted, anchor: .end, bold: false))
    drawing.elements.append(
      .text("momentum p", x: 16, y: 22, size: 13, colour: .muted, anchor: .start, bold: false))
    return drawing
  }
}
