import ArgumentParser
import Formats
import Foundation
import Lab
import Pinion

/// The information content of the user's own labels.
public struct InformationContentCommand: ParsableCommand {
  public static let configuration = CommandConfiguration(
    commandName: "information-content",
    abstract: "Measure how many bits your data force a network to learn, and what error that guarantees.",
    discussion: """
      Data are a folder of pictures by class, a CSV file with a column of classes, a .npz archive, or a .npy file beside labels:

        ./pinion information-content measure --data photos/ --depth 7
        ./pinion information-content measure --data wine.csv --labels cultivar --depth 2 --report wine.html
        ./pinion information-content measure --data digits.npz --features x --labels y --out contents.csv
        ./pinion information-content measure --data x.npy --labels y.npy --convolutional --compare
      """,
    subcommands: [Measure.self], aliases: ["information"])

  public init() {}
}

extension UnitNonlinearity: ExpressibleByArgument {}

extension InformationContentCommand {
  struct Measure: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Measure the content of labels in bits, and the PAC-Bayes bound that follows.",
      discussion: """
        Two classes are one orthant; of more, each class is measured against the rest. The bound is of the mean error over all networks \
        that fit, for examples drawn independently like those given. Where an estimate can't be trusted, a line says so.
        """)

    @Option(help: .init("Folder of pictures by class, .csv, .npz or .npy.", valueName: "path"))
    var data: String
    @Option(help: .init("Column of classes, array of labels, or file of them.", valueName: "name"))
    var labels: String?
    @Option(help: .init("Array of an archive that has the features.", valueName: "name"))
    var features: String?
    @Option(help: "Layers of weights of the network.")
    var depth = 7
    @Option(help: "Nonlinearity: \(UnitNonlinearity.allCases.map(\.rawValue).joined(separator: ", ")).")
    var kernel = UnitNonlinearity.relu
    @Flag(help: "A convolutional network without pooling; examples must be pictures.")
    var convolutional = false
    @Option(help: "Pixels of the edge of its patches, odd.")
    var patch = 3
    @Flag(help: "The neural tangent kernel in place of the random network's.")
    var tangent = false
    @Option(help: "Variance of the biases of each layer.")
    var bias = 0.0
    @Option(help: "Samples of an orthant.")
    var samples = 20_000
    @Option(help: "The bound holds with probability 1 - delta.")
    var delta = 0.01
    @Option(help: "Most examples; of more some are drawn by chance.")
    var limit = 2_000
    @Option(help: "Seed of all randomness.")
    var seed: UInt64 = 0
    @Option(help: "Pixels of the edge of pictures from folders.")
    var side = 28
    @Option(help: "Channels of such pictures: 1 grey, 3 colour.")
    var channels = 1
    @Flag(help: "Take numbers as they are, without centring pictures and standardising columns.")
    var raw = false
    @Flag(help: "Show the paper's estimator and expectation propagation too.")
    var compare = false
    @Option(help: .init("CSV file for the contents.", valueName: "file.csv"))
    var out: String?
    @Option(help: .init("Page with contents and kernel.", valueName: "file.html"))
    var report: String?
    @Flag(help: "Print a JSON object.")
    var json = false

    func validate() throws {
      if !(1...1_000).contains(depth) { throw ValidationError("--depth \(depth): expected 1 to 1000") }
      if convolutional, depth < 2 { throw ValidationError("--depth \(depth): a convolutional network has at least 2") }
      if patch < 1 || patch > 99 || patch % 2 == 0 {
        throw ValidationError("--patch \(patch): expected an odd number up to 99")
      }
      if !(bias >= 0 && bias.isFinite) { throw ValidationError("--bias \(bias): expected 0 or more") }
      if !(100...10_000_000).contains(samples) {
        throw ValidationError("--samples \(samples): expected 100 to 10000000")
      }
      if !(delta > 0 && delta < 1) { throw ValidationError("--delta \(delta): expected a number between 0 and 1") }
      if !(2...5_000).contains(limit) { throw ValidationError("--limit \(limit): expected 2 to 5000") }
      if !(1...1_024).contains(side) { throw ValidationError("--side \(side): expected 1 to 1024") }
      if channels != 1, channels != 3 { throw ValidationError("--channels \(channels): expected 1 or 3") }
    }

    func run() throws {
      let all = try MeasuredData(path: data, labels: labels, features: features, side: side, channels: channels)
      let key = Key(seed)
      var chosen = try all.limited(to: limit, key: key.foldIn(0))
      if !raw { chosen = try chosen.centred() }
      let (covariance, title) = try kernelMatrix(chosen)
      let content = try MulticlassContent.measure(
        covariance, labels: chosen.labels, names: chosen.classNames,
        .init(samples: samples, paperSamples: compare ? 100_000 : 0), key: key.foldIn(1))
      let found = MeasuredContent(
        data: data, network: title, examples: chosen.count, of: all.count, dimension: chosen.dimension, delta: delta,
        content: content)
      print(json ? try jsonText(found.output) : found.text)
      if let out {
        try found.table.write(to: out)
        if !json { print("wrote \(out)") }
      }
      if let report {
        let picture = try KernelPicture(covariance, order: chosen.labels.map { Double($0) }, title: title)
        try File.write(try found.page(picture), to: report)
        if !json { print("wrote \(report)") }
      }
    }

    private func kernelMatrix(_ data: MeasuredData) throws -> (Tensor, String) {
      let inputs = try NetworkInputs.scaled(data.values, dimension: data.dimension, name: data.path)
      let kind = tangent ? KernelKind.tangent : .prior
      guard convolutional else {
        let network = CompositionalKernel(kernel, kind: kind, depth: depth, biasVariance: bias)
        return (try network.covariance(inputs), network.title)
      }
      guard let picture = data.picture else { throw UsageError("\(data.path): --convolutional takes pictures") }
      let network = ConvolutionalKernel(kernel, kind: kind, depth: depth, patch: patch, biasVariance: bias)
      return (try network.covariance(inputs.reshape([data.count] + picture)), network.title)
    }
  }
}

/// What `measure` found, for people and for programs.
struct MeasuredContent {
  let data: String
  let network: String
  let examples: Int
  /// Examples of the data, of which some may have been drawn.
  let of: Int
  let dimension: Int
  let delta: Double
  let content: MulticlassContent

  private var bound: Double { PACBayes.bound(content: content.total, count: examples, delta: delta) }
  private var closedFormBound: Double {
    PACBayes.bound(content: content.totalClosedForm, count: examples, delta: delta)
  }
  private var isTrusted: Bool { content.contradiction == nil && content.rows.allSatisfy(\.tilting.isTrusted) }

  private static func bits(_ nats: Double) -> String { Format.short(nats / log(2)) }

  /// One sentence on how far the estimate goes.
  private var statement: String {
    if content.contradiction != nil { return "no estimate is needed: the labels contradict each other" }
    guard isTrusted else {
      return "the estimate can't be trusted; the content is certainly between \(Self.bits(content.lowerBound)) and "
        + "\(Self.bits(content.totalClosedForm)) bits; take more --samples or fewer examples"
    }
    let least = content.rows.map(\.tilting.effectiveSamples).min() ?? 0
    return "the estimate can be trusted: its samples are worth \(Format.short(least)) or more"
  }

  var text: String {
    var lines = [
      "data         \(data): \(examples)\(of > examples ? " of \(of)" : "") examples of \(dimension) numbers",
      "network      \(network)", "",
    ]
    let compares = content.rows.contains { $0.paper != nil }
    var table = TextTable(
      [("class", .left), ("examples", .right), ("bits", .right), ("±", .right), ("samples' worth", .right)]
        + (compares ? [("EP", .right), ("paper's", .right), ("its worth", .right)] : []) + [("C1", .right)])
    for row in content.rows {
      var cells = [
        row.name, "\(row.members)", Self.bits(row.tilting.content), Self.bits(row.tilting.standardError),
        Format.short(row.tilting.effectiveSamples),
      ]
      if compares {
        cells += [
          row.propagation.map(Self.bits) ?? "", row.paper.map { Self.bits($0.content) } ?? "",
          row.paper.map { Format.short($0.effectiveSamples) } ?? "",
        ]
      }
      table.add((cells + [Self.bits(row.closedForm)]).map { .init($0) })
    }
    lines += table.lines(width: 110)
    let share = Format.short(content.total / log(2) / Double(examples))
    lines += [
      "",
      "content C0   \(Self.bits(content.total)) ± \(Self.bits(content.standardError)) bits, \(share) an example; at least "
        + "\(Self.bits(content.lowerBound)), at most C1 = \(Self.bits(content.totalClosedForm))",
      "bound        mean error of networks that fit at most \(String(format: "%.3f", bound)) by C0, "
        + "\(String(format: "%.3f", closedFormBound)) by C1, with probability \(Format.short(1 - delta))",
      "trust        \(statement)",
    ]
    return (lines + content.warnings.map { "warning      \($0)" }).joined(separator: "\n")
  }

  /// The same for programs; contents in bits, null where infinite.
  var output: Output {
    Output(
      data: data, network: network, examples: examples, dimension: dimension, delta: delta,
      contentBits: finite(content.total), standardErrorBits: content.standardError / log(2),
      lowerBoundBits: finite(content.lowerBound), closedFormBits: finite(content.totalClosedForm), bound: bound,
      closedFormBound: closedFormBound, isTrusted: isTrusted, jitter: content.jitter, warnings: content.warnings,
      classes: content.rows.map { row in
        Output.Row(
          name: row.name, examples: row.members, bits: finite(row.tilting.content),
          standardErrorBits: finite(row.tilting.standardError), effectiveSamples: row.tilting.effectiveSamples,
          largestShare: row.tilting.largestShare, lowerBoundBits: finite(row.lowerBound),
          closedFormBits: finite(row.closedForm), paperBits: row.paper.flatMap { finite($0.content) },
          paperEffectiveSamples: row.paper?.effectiveSamples, propagationBits: row.propagation.flatMap(finite))
      })
  }

  private func finite(_ nats: Double) -> Double? { nats.isFinite ? nats / log(2) : nil }

  struct Output: Encodable {
    struct Row: Encodable {
      var name: String
      var examples: Int
      var bits: Double?
      var standardErrorBits: Double?
      var effectiveSamples: Double
      var largestShare: Double
      var lowerBoundBits: Double?
      var closedFormBits: Double?
      var paperBits: Double?
      var paperEffectiveSamples: Double?
      var propagationBits: Double?
    }

    var data: String
    var network: String
    var examples: Int
    var dimension: Int
    var delta: Double
    var contentBits: Double?
    var standardErrorBits: Double
    var lowerBoundBits: Double?
    var closedFormBits: Double?
    var bound: Double
    var closedFormBound: Double
    var isTrusted: Bool
    var jitter: Double
    var warnings: [String]
    var classes: [Row]
  }

  /// A row a class, and one of all.
  var table: CSV {
    func number(_ nats: Double) -> String { nats.isFinite ? "\(nats / log(2))" : "inf" }
    let rows = content.rows.map { row in
      [
        row.name, "\(row.members)", number(row.tilting.content), number(row.tilting.standardError),
        "\(row.tilting.effectiveSamples)", number(row.lowerBound), number(row.closedForm), "",
        row.tilting.isTrusted && content.contradiction == nil ? "yes" : "no",
      ]
    }
    let all = [
      "all", "\(examples)", number(content.total), number(content.standardError), "", number(content.lowerBound),
      number(content.totalClosedForm), "\(bound)", isTrusted ? "yes" : "no",
    ]
    return CSV(
      header: [
        "class", "examples", "bits", "standard_error", "effective_samples", "lower_bound", "closed_form", "error_bound",
        "trusted",
      ], rows: rows + [all])
  }

  /// A page that opens offline.
  func page(_ kernel: KernelPicture) throws -> String {
    let rows = content.rows.map { row in
      [
        row.name, "\(row.members)", InformationSummary.bits(row.tilting), Format.short(row.tilting.effectiveSamples),
        Self.bits(row.lowerBound), Self.bits(row.closedForm),
      ]
    }
    var blocks: [ReportBlock] = [
      .text(
        (["**\(statement.prefix(1).uppercased() + statement.dropFirst()).**"]
          + content.warnings.map { "Warning: \($0)." })
          .joined(separator: "\n\n")),
      .table(
        ReportTable(
          columns: [
            .init("class"), .init("examples", .right), .init("content", .right), .init("samples' worth", .right),
            .init("at least, bits", .right), .init("C1, bits", .right),
          ], rows: rows,
          caption: "Content C0 by minimax tilting; C1 is the paper's closed-form bound of it. "
            + (rows.count > 1
              ? "One class against the rest each; contents add up to \(Self.bits(content.total)) bits." : ""))),
    ]
    if content.rows.count > 1 {
      let bars = content.rows.filter { $0.tilting.content.isFinite }.map { row in
        Chart.Bar(row.name, row.tilting.content / log(2))
      }
      blocks.append(
        .chart(
          .bars(bars, category: "class", value: .init("bits", includesZero: true), title: "Content by class"),
          caption: "Bits that it takes to tell the class from the rest."))
    }
    blocks += [
      .heading("Kernel"),
      .imageGrid(
        [kernel.image], columns: 1, caption: "Correlations of the network's outputs, examples sorted by class."),
    ]
    let lead =
      "\(network), \(examples) examples: \(Self.bits(content.total)) bits. Networks that fit have a mean error of at most "
      + "\(String(format: "%.3f", bound)) (C0), \(String(format: "%.3f", closedFormBound)) (C1), with probability "
      + "\(Format.short(1 - delta))."
    return try ReportBlock.page(
      blocks, title: "Information content of \(data)", kicker: "information-content", lead: lead)
  }
}
