import Formats
import Foundation
import Lab
import Pinion

/// A kernel as a picture: dark where two inputs are alike.
struct KernelPicture {
  let image: ReportImage

  /// - Parameter order: rows are sorted by these numbers, such as labels, so that what they have to do with the kernel is seen.
  init(_ covariance: Tensor, order places: [Double], title: String) throws {
    let n = places.count
    let values = try covariance.array(of: Double.self)
    let order = (0..<n).sorted { (places[$0], $0) < (places[$1], $1) }
    let deviations = (0..<n).map { values[$0 * n + $0].squareRoot() }
    var correlations: [Double] = []
    for i in order { for j in order { correlations.append(values[i * n + j] / (deviations[i] * deviations[j])) } }
    // The diagonal is 1 and says nothing: the scale is that of the rest.
    let rest = correlations.enumerated().filter { $0.offset / n != $0.offset % n }.map(\.element).sorted()
    let (low, high) = (rest.first ?? 0, rest.isEmpty ? 1 : rest[min(rest.count - 1, rest.count * 99 / 100)])
    let pixels = correlations.map { UInt8(255 - 255 * min(1, max(0, ($0 - low) / max(high - low, 1e-12)))) }
    let picture = try Image(width: n, height: n, channels: 1, bytes: pixels)
    image = ReportImage(
      png: try picture.enlarged(max(1, 400 / n)).encoded(),
      caption: "\(title): correlations \(Format.short(low)) (white) to \(Format.short(high)) (black)",
      description: "Matrix of correlations, \(title)", isPixelated: true)
  }
}

extension InformationSummary {
  /// The parts of the report.
  func report(kernels: [KernelPicture]) throws -> [ReportBlock] {
    var blocks: [ReportBlock] = [.text(Self.method), .heading("Error and bounds")]
    for kind in options.labels {
      blocks.append(
        .chart(
          boundChart(kind),
          caption:
            "Means over subsets; bands are their range. C0 is the content by minimax tilting, C1 the paper's closed form. "
            + "A bound below 0.5 says more than chance."))
    }
    blocks.append(.table(boundTable))
    if cells.contains(where: { $0.network != nil }) {
      blocks.append(
        .chart(
          scatter,
          caption:
            "Each point is a subset. Bounds lie above the diagonal; what counts is that they rank the test errors."))
    }
    blocks += [
      .heading("Bits an example"),
      .chart(
        bitsChart,
        caption:
          "Real labels cost ever fewer bits an example, as earlier examples tell of later ones; random ones cost about one."
      ), .heading("Estimators"), .table(estimatorTable),
      .chart(
        effectiveChart,
        caption:
          "Effective samples, the fewest of all subsets. Below the dashed line (\(Int(ContentEstimate.fewest))) an estimate can't "
          + "be trusted: the paper's estimator then reports a content that is far too high."),
      .chart(
        contentChart,
        caption:
          "Content at depth \(options.depths.max() ?? 2). The paper's estimator follows C1, not the content, once its samples "
          + "miss the orthant's mass."),
      .table(exactTable),
    ]
    if !thresholds.rows.isEmpty { blocks.append(.table(thresholdTable)) }
    blocks += [
      .heading("Kernels"),
      .imageGrid(
        kernels.map(\.image), columns: 2,
        caption:
          "Pictures sorted by class, the even classes first. Depth draws all correlations towards 1, and keeps the blocks of like labels."
      ),
      .chart(
        randomChart,
        caption: "Root mean square difference between the covariance of random networks of width "
          + "\(options.randomWidth) at 5 pictures and the kernel, depth 3, in coordinates in which "
          + "the kernel is the identity, with a line of slope -1/2."
      ),
    ]
    if let architectures { blocks += architectureBlocks(architectures) }
    if !classes.isEmpty { blocks += [.heading("All classes at once"), .table(classTable)] }
    return blocks
  }

  static let method = """
    **What is measured.** A network of infinite width with random weights is a Gaussian process; its values at the training inputs \
    are Gaussian with the *compositional kernel* as covariance. The information content of labels is log 1/p, where p is the \
    probability that all signs are right: of a Gaussian orthant. It says how many bits the data force the network to learn, and by \
    PAC-Bayes what its mean error over all networks that fit can be at most.

    **How.** The paper's estimator averages over folded normals, and needs luck beyond a hundred examples: its effective samples are \
    shown below. Here the content is estimated by *minimax tilting* (Botev, 2017) with resampling, which stays accurate at n = 2,000, and \
    checked by nested thresholds with elliptical slices, by closed forms and by expectation propagation.
    """

  private func series(
    _ name: String, _ kind: LabelKind, _ depth: Int, _ value: (GridCell) -> Double?
  ) -> Chart.Series {
    let points = options.sizes.compactMap { size -> Chart.Point? in
      let values = cells.filter { ($0.place.kind, $0.place.depth, $0.place.count) == (kind, depth, size) }
        .compactMap(value)
      guard let low = values.min(), let high = values.max() else { return nil }
      return Chart.Point(Double(size), Statistics.mean(values), interval: low < high ? low...high : nil)
    }
    return Chart.Series(name, points)
  }

  private func boundChart(_ kind: LabelKind) -> Chart {
    let lines = options.depths.flatMap { depth in
      [
        series("bound by C1, depth \(depth)", kind, depth) { $0.closedFormBound(delta: options.delta) },
        series("bound by C0, depth \(depth)", kind, depth) { $0.bound(delta: options.delta) },
        series("test error, depth \(depth)", kind, depth) { $0.network?.testError },
      ]
    }.filter { !$0.points.isEmpty }
    // The error of networks with random labels lies on that line.
    let chance = kind.isReal ? [Chart.Layer.level(0.5, label: "chance")] : []
    return .layers(
      [.lines(lines)] + chance, x: .init("training examples n"), y: .init("error", includesZero: true, domain: 0...0.8),
      title: kind.title)
  }

  private var scatter: Chart {
    let points = options.labels.map { kind in
      Chart.Series(
        kind.title,
        cells.filter { $0.place.kind == kind }.compactMap { cell in
          cell.network.map { Chart.Point($0.testError, cell.bound(delta: options.delta)) }
        })
    }
    return .layers(
      [.scatter(points), .lines([Chart.Series("bound = error", [Chart.Point(0, 0), Chart.Point(0.6, 0.6)])])],
      x: .init("test error of a finite network", includesZero: true), y: .init("bound by C0", includesZero: true),
      title: "Bound against test error")
  }

  private var bitsChart: Chart {
    let lines = options.labels.flatMap { kind in
      options.depths.map { depth in series("\(kind.title), depth \(depth)", kind, depth) { $0.bitsPerExample } }
    }
    return .layers(
      [.lines(lines), .level(1, label: "one bit")], x: .init("training examples n"),
      y: .init("bits an example", includesZero: true), title: "Content of an example")
  }

  private var effectiveChart: Chart {
    func lines(_ name: String, _ value: (GridCell) -> Double) -> [Chart.Series] {
      options.labels.map { kind in
        Chart.Series(
          "\(name), \(kind.title)",
          options.sizes.compactMap { size in
            cells.filter { ($0.place.kind, $0.place.count) == (kind, size) }.map(value).min().map {
              Chart.Point(Double(size), $0)
            }
          })
      }
    }
    return .layers(
      [
        .lines(lines("tilting", \.tilting.effectiveSamples) + lines("paper's") { $0.paper?.effectiveSamples ?? .nan }),
        .level(ContentEstimate.fewest, label: "trusted above"),
      ], x: .init("training examples n"), y: .init("effective samples", isLogarithmic: true), title: "Effective samples"
    )
  }

  private var contentChart: Chart {
    let depth = options.depths.max() ?? 2
    let kind = options.labels.contains(.parity) ? LabelKind.parity : options.labels[0]
    let lines = [
      series("C1", kind, depth) { $0.closedForm.content / log(2) },
      series("paper's estimator", kind, depth) { ($0.paper?.content).map { $0 / log(2) } },
      series("minimax tilting", kind, depth) { $0.tilting.content / log(2) },
      series("expectation propagation", kind, depth) { $0.propagation.map { $0 / log(2) } },
      series("saddle, a lower bound", kind, depth) { $0.lowerBound / log(2) },
    ]
    return .layers(
      [.lines(lines)], x: .init("training examples n"), y: .init("content in bits", includesZero: true),
      title: "Content by estimator, \(kind.title)")
  }

  private var randomChart: Chart {
    let points = random.rows.map { Chart.Point(Double($0.networks), $0.difference) }
    let slope = points.first.map { first in
      points.map { Chart.Point($0.x, first.y * (first.x / $0.x).squareRoot()) }
    }
    return .layers(
      [.lines([Chart.Series("random networks", points), Chart.Series("1/√count", slope ?? [])])],
      x: .init("random networks", isLogarithmic: true), y: .init("difference of covariances", isLogarithmic: true),
      title: "Random networks against the kernel")
  }

  private var exactTable: ReportTable {
    let rows = exact.rows.map { row in
      [
        row.name, Format.short(row.exact / log(2)), Self.bits(row.tilting), Format.short(row.propagation / log(2)),
      ]
    }
    return ReportTable(
      columns: [.init("orthant"), .init("exact, bits", .right), .init("tilting", .right), .init("EP, bits", .right)],
      rows: rows, caption: "All coordinates positive, probability in closed form.")
  }

  private var thresholdTable: ReportTable {
    let rows = thresholds.rows.map { row in
      [
        row.place.kind.title, "\(row.place.depth)", "\(row.place.count)", Self.bits(row.tilting),
        Self.bits(row.thresholds), String(format: "%.1f", row.deviation),
      ]
    }
    return ReportTable(
      columns: [
        .init("labels"), .init("depth", .right), .init("n", .right), .init("tilting", .right),
        .init("nested thresholds", .right), .init("std. errors apart", .right),
      ], rows: rows, caption: "Two estimators that share nothing but the kernel.")
  }

  private func architectureBlocks(_ found: ArchitectureComparison) -> [ReportBlock] {
    let table = ReportTable(
      columns: [.init("architecture")] + found.labels.map { .init($0.title, .right) } + [.init("jitter", .right)],
      rows: found.rows.map { row in
        [row.title]
          + row.contents.map { estimate in
            estimate.isTrusted ? Self.bits(estimate) : "(\(Self.bits(estimate)))"
          } + [row.jitter == 0 ? "none" : Format.short(row.jitter)]
      },
      caption:
        "The same \(found.count) pictures. Numbers in brackets can't be trusted. Jitter: what was added to each variance, over the "
        + "mean variance, as the kernel was nearly singular. *bias* is the variance of "
        + "biases, *tangent* the neural tangent kernel."
    )
    let bars = found.rows.flatMap { row in
      zip(found.labels, row.contents).filter { $1.content.isFinite }.map { kind, estimate in
        Chart.Bar(row.title, group: kind.title, estimate.content / log(2) / Double(found.count))
      }
    }
    return [
      .heading("Which architecture finds the labels likely?"), .table(table),
      .chart(
        .bars(
          bars, category: "architecture", value: .init("bits an example", includesZero: true), title: "Architectures"),
        caption: "Fewer bits: more of the networks of that kind fit, and the better the guarantee."),
    ]
  }

  private var classTable: ReportTable {
    let rows = classes.flatMap { set -> [[String]] in
      let total = set.content.total
      let bound = PACBayes.bound(content: total, count: set.content.count, delta: options.delta)
      return set.content.rows.map { [set.name, $0.name, "\($0.members)", Self.bits($0.tilting), ""] } + [
        [
          set.name, "all", "\(set.content.count)",
          "\(Format.short(total / log(2))) ± \(Format.short(set.content.standardError / log(2))) bits",
          String(format: "%.3f", bound),
        ]
      ]
    }
    return ReportTable(
      columns: [
        .init("data"), .init("class"), .init("examples", .right), .init("content", .right), .init("bound", .right),
      ], rows: rows,
      caption:
        "One class against the rest each, depth 7. Outputs of a wide network are independent, so contents add up; the bound is of "
        + "the event that any of the signs is wrong, which contains that of a wrong class.")
  }
}
