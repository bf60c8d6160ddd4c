import Formats
import Foundation
import Lab

/// What a user may set of the experiment.
public struct DataSharingOptions: ExperimentOptions {
  /// Data set whose statement the report shows in full.
  public var dataset = "fashion-mnist"
  /// Python with mlcroissant, which then judges the exports.
  public var python: String?

  public init(scale: Scale) {}

  public static let help = [
    "dataset": "data set whose flow graph and findings the report shows, one of the package's or of your own",
    "python": "a Python that has mlcroissant (PyPI), which then validates each export",
  ]
}

/// Statements of all registered data sets, and of made-up ones with problems put in, audited and written in three forms.
public struct DataSharingExperiment: Experiment {
  public var paper: Paper { .dataSharing }

  public init() {}

  public func run(_ context: RunContext<DataSharingOptions>) throws -> Outcome {
    let registry = DatasetRegistry(Catalog.datasets)
    let shown = try registry.entry(registry.find(context.options.dataset))
    let sets = registry.known.map(\.statement)
    let wellMade = [DataStatement.marketDiaries, .rainGauges]
    let planted = PlantedStatement.all
    let statements = sets + wellMade + planted.map(\.statement)
    let exports = try Self.export(statements, to: context.folder.appending(path: "croissant"))

    var claims = [
      try plantedClaim(planted), falseAlarmClaim(wellMade), coverageClaim(), try roundTripClaim(statements),
      completenessClaim(sets),
    ]
    if let python = context.options.python {
      let log = context.folder.appending(path: "mlcroissant.log")
      claims.insert(try CroissantValidator(python: python).claim(exports, log: log), at: 4)
    }
    return Outcome(claims: claims, report: try report(registry, shown, planted))
  }

  /// Writes each statement as `NAME.json`.
  static func export(_ statements: [DataStatement], to folder: URL) throws -> [URL] {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return try statements.map { statement in
      let url = folder.appending(path: "\(statement.name).json")
      try File.write(statement.croissant, to: url.path)
      return url
    }
  }

  // MARK: Claims

  private func plantedClaim(_ planted: [PlantedStatement]) throws -> Claim {
    let found = planted.reduce(0) { $0 + $1.planted.intersection($1.statement.audit().map(\.rule)).count }
    let all = planted.reduce(0) { $0 + $1.planted.count }
    return Claim(
      "planted problems", statement: "Every problem put into five made-up statements is found.",
      measured: 100 * Double(found) / Double(all), unit: "%", comparison: .atLeast, threshold: 100,
      baseline: "\(all) problems in \(planted.count) statements", isStructural: true)
  }

  private func falseAlarmClaim(_ wellMade: [DataStatement]) -> Claim {
    let alarms = wellMade.flatMap { $0.audit() }.count { $0.severity == .blocking }
    return Claim(
      "false alarms", statement: "Two well-made statements have no blocking finding.", measured: Double(alarms),
      comparison: .atMost, threshold: 0, baseline: "\(wellMade.count) statements", isStructural: true)
  }

  private func coverageClaim() -> Claim {
    let others = Coverage.Instrument.allCases.filter { $0 != .pinion }
    let best = others.max { Coverage.fullThemes($0).count < Coverage.fullThemes($1).count } ?? .datasheets
    return Claim(
      "themes covered",
      statement: "The audit has fields for every aspect of all ten themes; other instruments have some.",
      measured: Double(Coverage.fullThemes(.pinion).count), unit: "of 10", comparison: .atLeast, threshold: 10,
      baseline: "\(best.rawValue): \(Coverage.fullThemes(best).count) in full", isStructural: true)
  }

  private func roundTripClaim(_ statements: [DataStatement]) throws -> Claim {
    let changed = try statements.count { statement in
      let markdown = try DataStatement(markdown: statement.markdown, file: "\(statement.name).md")
      let json = try DataStatement(croissant: Array(markdown.croissant.utf8), file: "\(statement.name).json")
      return json != statement || json.croissant != statement.croissant
    }
    return Claim(
      "round trip", statement: "JSON to Markdown to JSON changes no statement.", measured: Double(changed),
      unit: "changed", comparison: .atMost, threshold: 0, baseline: "\(statements.count) statements", isStructural: true
    )
  }

  private func completenessClaim(_ sets: [DataStatement]) -> Claim {
    let shares = sets.map { $0.measures.total.share * 100 }
    return Claim(
      "completeness",
      statement: "Each data set of the package has a statement with 90 % known answers; unknown counts as missing.",
      measured: shares.min() ?? .nan, unit: "%", comparison: .atLeast, threshold: 90,
      baseline: "\(sets.count) registered set\(sets.count == 1 ? "" : "s")", isStructural: true)
  }

  // MARK: Report

  private func report(
    _ registry: DatasetRegistry, _ shown: DatasetRegistry.Entry, _ planted: [PlantedStatement]
  ) throws -> [ReportBlock] {
    func example(_ statement: DataStatement, title: String = "") -> DatasetRegistry.Entry {
      .init(
        DatasetInfo(
          name: statement.name, title: title, source: "", licence: "", url: "", files: statement.files, splits: []),
        statement)
    }
    let entries = try registry.entries()
    let survey = example(planted[0].statement, title: "household-survey")
    var blocks: [ReportBlock] = [
      .text(
        "An audit built from the themes of the paper, which itself tells stories and runs no algorithm. It looks at the "
          + "*arrangement* by which data are shared, never at communities; **unknown** is an answer and a finding. "
          + "Places and people of the made-up statements are fictional."),
      .heading(shown.info.title),
    ]
    blocks += StatementReport.blocks(shown)
    blocks += [
      .heading("A statement with problems put in"),
      .drawing(
        FlowGraph(survey.statement).drawing(),
        caption:
          "The made-up **household-survey**: the households give data and knowledge and receive nothing; all decisions "
          + "are made on the coast."),
      .table(plantedTable(planted)), .heading("All statements in numbers"),
      .table(
        StatementReport.measures(
          entries + [.marketDiaries, .rainGauges].map { example($0) } + planted.map { example($0.statement) })),
    ]
    if entries.count > 1 {
      blocks.append(
        .chart(
          StatementReport.completeness(entries.map { ($0.info.name, $0.measures) }),
          caption: "Known answers by theme of all registered data sets."))
    }
    blocks.append(.heading("Which instrument has fields for which theme"))
    return blocks + StatementReport.coverage()
  }

  private func plantedTable(_ planted: [PlantedStatement]) -> ReportTable {
    ReportTable(
      columns: [.init("made-up statement"), .init("put in", .right), .init("found", .right), .init("found besides")],
      rows: planted.map { one in
        let rules = one.statement.audit().map(\.rule)
        return [
          one.statement.name, "\(one.planted.count)", "\(one.planted.intersection(rules).count)",
          rules.filter { !one.planted.contains($0) }.joined(separator: ", "),
        ]
      }, caption: "Rules by name; `./pinion data rules` lists them.")
  }
}
