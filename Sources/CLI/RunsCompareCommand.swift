import ArgumentParser
import Formats
import Foundation
import Lab

extension RunsCommand {
  struct Compare: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Compare runs: claims, last values of metrics, and options that differ.",
      discussion: "`pinion report` makes a page of the same with curves.")

    @OptionGroup var folder: RunsFolder
    @OptionGroup var filter: RunFilter

    @Argument(help: "The runs; without any, those of the filter.")
    var runs: [String] = []

    func run() throws {
      let store = try folder.store()
      let records = try filter.records(runs, store)
      guard records.count > 1 else {
        throw UsageError("compare takes two runs or more, here \(records.count == 1 ? "is one" : "are none")")
      }
      let output = Terminal.standardOutput
      let series = try records.map { try store.series(of: $0.id) }
      let lines = Self.lines(records, series, width: output.width, styled: output.styled)
      output.write(lines)
    }

    static func lines(
      _ records: [RunRecord], _ series: [[MetricSeries]], width: Int,
      styled: (String, Terminal.Style) -> String = { text, _ in text }
    ) -> [String] {
      // Names begin alike and end apart.
      let names = records.map { String($0.id.suffix(12)) }
      func table(_ title: String, _ rows: [(String, [TextTable.Cell])]) -> [String] {
        guard !rows.isEmpty else { return [] }
        var table = TextTable([(title, .left)] + names.map { ($0, .right) }, flexible: 0)
        for (name, cells) in rows { table.add([.init(name)] + cells) }
        return table.lines(width: width, styled: styled) + [""]
      }
      func distinct(_ names: [String]) -> [String] {
        names.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
      }
      let claims = distinct(records.flatMap { $0.claims.map(\.name) }).map { name in
        (
          name,
          records.map { record -> TextTable.Cell in
            guard let claim = record.claims.first(where: { $0.name == name }) else { return "–" }
            let text = Format.short(claim.measured) + (claim.unit.isEmpty ? "" : " \(claim.unit)")
            let style: Terminal.Style? =
              switch claim.verdict {
              case .holds: .green
              case .fails: .red
              case .informative: nil
              }
            return .init("\(text) \(claim.verdict.mark)", style)
          }
        )
      }
      let facts: [(String, (RunRecord) -> String)] = [
        ("experiment", { $0.experiment }), ("scale", { $0.scale.rawValue }), ("seed", { "\($0.seed)" }),
        ("state", { $0.state.rawValue }), ("code", { $0.codeVersion }),
        ("time", { Format.duration($0.seconds) }),
      ]
      let options = Set(records.flatMap(\.options.keys)).sorted()
        .map { name in (name, { (record: RunRecord) in record.options[name]?.text ?? "–" }) }
      let differing = (facts + options).filter { Set(records.map($0.1)).count > 1 }
        .map { name, value in (name, records.map { TextTable.Cell(value($0)) }) }
      let keys = distinct(series.flatMap { $0.map { Self.name($0) } }).sorted()
      let metrics = keys.map { key in
        (
          key,
          series.map { own in
            TextTable.Cell(own.first { Self.name($0) == key }.map { Format.short($0.lastValue) } ?? "–")
          }
        )
      }
      let lines = table("claim", claims) + table("differs", differing) + table("metric, last value", metrics)
      return lines.dropLast()
    }

    private static func name(_ series: MetricSeries) -> String {
      series.series.isEmpty ? series.metric : "\(series.metric), \(series.series)"
    }
  }

  struct Export: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Write runs as CSV or JSON Lines, for other programs.")

    @OptionGroup var folder: RunsFolder
    @OptionGroup var filter: RunFilter

    @Option(help: "What is a row: \(RunExport.Table.allCases.map(\.rawValue).joined(separator: ", ")).")
    var table = RunExport.Table.metrics

    @Option(help: "csv or jsonl (default: by the end of --out, else csv).")
    var format: RunExport.Format?

    @Option(help: .init("File to write (default: standard output).", valueName: "file"))
    var out: String?

    @Argument(help: "The runs; without any, those of the filter.")
    var runs: [String] = []

    func run() throws {
      let store = try folder.store()
      let byName: RunExport.Format = out?.hasSuffix(".jsonl") == true ? .jsonl : .csv
      let export = RunExport(store: store, table: table, format: format ?? byName)
      let records = try filter.records(runs, store)
      guard let out else { return try export.write(records) { Terminal.standardOutput.write($0) } }
      let file = try AtomicFile(out)
      try export.write(records) { try file.append(Array($0.utf8)) }
      try file.commit()
      Terminal.standardError.write("wrote \(out)\n")
    }
  }

  struct Delete: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Delete runs with their checkpoints and reports.",
      discussion: "Without --yes it says what it would delete. Runs that a process works on are never deleted.")

    @OptionGroup var folder: RunsFolder
    @OptionGroup var filter: RunFilter

    @Flag(help: "Delete without asking further.")
    var yes = false

    @Argument(help: "The runs; without any, those of the filter.")
    var runs: [String] = []

    func run() throws {
      guard !runs.isEmpty || filter.isGiven else {
        throw UsageError("name the runs to delete, or give a filter such as --state failed")
      }
      let store = try folder.store()
      let records = try filter.records(runs, store)
      if let running = records.first(where: { $0.state == .running }) {
        throw UsageError("\(running.id): a process is working on this run")
      }
      let output = Terminal.standardOutput
      for record in records {
        output.write("\(yes ? "deleting" : "would delete") \(record.id) (\(record.state.rawValue))\n")
      }
      let count = "\(records.count) run\(records.count == 1 ? "" : "s")"
      guard yes || records.isEmpty else { throw UsageError("nothing was deleted; --yes deletes \(count)") }
      try store.delete(records.map(\.id))
      output.write("deleted \(count)\n")
    }
  }
}

extension RunExport.Table: ExpressibleByArgument {}
extension RunExport.Format: ExpressibleByArgument {}
