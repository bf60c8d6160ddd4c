import ArgumentParser
import Foundation
import Lab

/// Stored runs.
struct RunsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "runs", abstract: "List, show, compare, export and delete stored runs.",
    discussion: """
      A run is named by its whole name, its beginning, its end, or `latest`:

        ./pinion runs list --since 2d --where epochs=7 --sort accuracy
        ./pinion runs compare c8ae6 latest
        ./pinion runs export --format csv --out metrics.csv
      """,
    subcommands: [List.self, Show.self, Compare.self, Export.self, Delete.self], defaultSubcommand: List.self)
}

extension RunRecord.State: ExpressibleByArgument {}

/// Where the runs are.
struct RunsFolder: ParsableArguments {
  @Option(name: .customLong("runs"), help: .init("Folder that holds the runs' folders.", valueName: "dir"))
  var path = "runs"

  /// The store, in which no run is running that no process works on.
  func store() throws -> RunStore {
    let store = try RunStore(root: URL(fileURLWithPath: path, isDirectory: true))
    try store.settle()
    return store
  }
}

/// Which runs.
struct RunFilter: ParsableArguments {
  @Option(help: .init("Runs of this paper.", valueName: "paper"))
  var experiment: String?

  @Option(help: "Runs in this state; may be given several times.")
  var state: [RunRecord.State] = []

  @Option(help: .init("Runs started since then: 2026-11-24, or 30m, 12h, 2d, 1w ago.", valueName: "time"))
  var since: String?

  @Option(
    name: .customLong("where"), parsing: .singleValue,
    help: .init("Runs with this value of an option, of seed or of scale.", valueName: "option=value"))
  var conditions: [String] = []

  /// Whether any runs are ruled out.
  var isGiven: Bool { experiment != nil || !state.isEmpty || since != nil || !conditions.isEmpty }

  func query() throws -> RunQuery {
    let options = try conditions.map { condition -> (name: String, value: String) in
      guard let equals = condition.firstIndex(of: "=") else {
        throw UsageError("--where \(condition): expected option=value")
      }
      return (String(condition[..<equals]), String(condition[condition.index(after: equals)...]))
    }
    return RunQuery(
      experiment: experiment, states: state, since: try since.map { try Date.since($0) }, options: options)
  }

  /// The named runs, or where none is named those of the filter.
  func records(_ names: [String], _ store: RunStore) throws -> [RunRecord] {
    if names.isEmpty {
      var query = try query()
      query.ascending = true
      return try store.runs(query).map(\.record)
    }
    guard !isGiven else { throw UsageError("runs are given by name or by a filter, not both") }
    return try Self.named(names, store)
  }

  /// The named runs, each once.
  static func named(_ names: [String], _ store: RunStore) throws -> [RunRecord] {
    try names.map { try store.find($0) }
      .reduce(into: []) { records, record in
        if !records.contains(where: { $0.id == record.id }) { records.append(record) }
      }
  }
}

extension RunsCommand {
  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List runs, the latest first.")

    @OptionGroup var folder: RunsFolder
    @OptionGroup var filter: RunFilter

    @Option(
      help: .init(
        "Sort by started, seconds, experiment, seed, state, a claim, or a metric (last value, in mean over its series).",
        valueName: "key"))
    var sort = "started"

    @Flag(help: "Smallest or oldest first.")
    var ascending = false

    @Option(help: "Runs to show.")
    var limit = 30

    @Flag(help: "Show all runs.")
    var all = false

    @Flag(help: "Print JSON, for programs.")
    var json = false

    func validate() throws {
      if limit < 1 { throw ValidationError("--limit \(limit): expected at least 1") }
    }

    func run() throws {
      let store = try folder.store()
      var query = try filter.query()
      (query.sort, query.ascending, query.limit) = (sort, ascending, all ? nil : limit)
      let runs = try store.runs(query)
      let output = Terminal.standardOutput
      if json { return output.write(try jsonText(runs.map(\.record), pretty: true) + "\n") }
      let lines = Self.lines(
        runs, total: all ? runs.count : try store.count(query), sort: sort, width: output.width, styled: output.styled)
      output.write(lines)
    }

    static func lines(
      _ runs: [ListedRun], total: Int, sort: String, width: Int,
      styled: (String, Terminal.Style) -> String = { text, _ in text }
    ) -> [String] {
      guard !runs.isEmpty else { return ["no run is like that"] }
      let hasValue = runs.contains { $0.sortValue != nil }
      var columns: [(String, TextTable.Alignment)] = [
        ("run", .left), ("state", .left), ("scale", .left), ("seed", .right), ("started", .left), ("time", .right),
        ("claims", .left),
      ]
      if hasValue { columns.append((sort, .right)) }
      var table = TextTable(columns, flexible: 6)
      for run in runs {
        let record = run.record
        var row: [TextTable.Cell] = [
          .init(record.id, .bold), .init(record.state.rawValue, style(record.state)), .init(record.scale.rawValue),
          .init("\(record.seed)"), .init(day(record.started)), .init(Format.duration(record.seconds)),
          .init(verdicts(record.claims)),
        ]
        if hasValue { row.append(.init(run.sortValue.map(Format.short) ?? "–")) }
        table.add(row)
      }
      let more = total > runs.count ? ["\(runs.count) of \(total) runs; --all shows all, --limit N more"] : []
      return table.lines(width: width, styled: styled) + more
    }

    /// How many claims hold, fail, and have no verdict.
    static func verdicts(_ claims: [Claim]) -> String {
      let texts = [Claim.Verdict.holds, .fails, .informative].compactMap { verdict in
        let count = claims.count { $0.verdict == verdict }
        return count > 0 ? "\(count)\(verdict.mark)" : nil
      }
      return texts.isEmpty ? "–" : texts.joined(separator: " ")
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show a run: its claims, options, metrics and files.")

    @OptionGroup var folder: RunsFolder

    @Argument(help: .init("The run.", valueName: "run"))
    var name: String

    @Flag(help: "Print JSON, for programs.")
    var json = false

    func run() throws {
      let store = try folder.store()
      let record = try store.find(name)
      let (series, artifacts) = (try store.series(of: record.id), try store.artifacts(of: record.id))
      let output = Terminal.standardOutput
      if json {
        struct Shown: Encodable {
          let run: RunRecord
          let series: [MetricSeries]
          let artifacts: [Artifact]
        }
        let shown = Shown(run: record, series: series, artifacts: artifacts)
        return output.write(try jsonText(shown, pretty: true) + "\n")
      }
      let lines = Self.lines(
        record, series, artifacts, root: folder.path, width: output.width, styled: output.styled)
      output.write(lines)
    }

    static func lines(
      _ record: RunRecord, _ series: [MetricSeries], _ artifacts: [Artifact], root: String, width: Int,
      styled: (String, Terminal.Style) -> String = { text, _ in text }
    ) -> [String] {
      var lines = [
        styled(record.id, .bold), "",
        "State    \(styled(record.state.rawValue, style(record.state)))\(record.error.map { ": \($0)" } ?? "")",
        "Scale    \(record.scale.rawValue), seed \(record.seed)",
        "Started  \(day(record.started)), \(Format.duration(record.seconds)) of work",
        "Code     \(record.codeVersion)",
        "Machine  \(record.machine.processor), \(record.threads) threads, \(record.machine.memoryGB) GB, "
          + record.machine.system,
        "Folder   \(root)/\(record.id)",
        record.state == .done ? "Again    \(record.command)" : "Go on    \(record.resumeCommand(root: root))",
      ]
      if !record.claims.isEmpty { lines += [""] + ClaimTable.lines(record.claims, width: width, styled: styled) }
      if !series.isEmpty {
        var table = TextTable(
          [
            ("metric", .left), ("series", .left), ("points", .right), ("last step", .right), ("last value", .right),
          ], flexible: 1)
        for one in series {
          table.add([
            .init(one.metric), .init(one.series), .init("\(one.count)"), .init("\(one.lastStep)"),
            .init(Format.short(one.lastValue)),
          ])
        }
        lines += [""] + table.lines(width: width, styled: styled)
      }
      if !artifacts.isEmpty {
        var table = TextTable(
          [("artifact", .left), ("type", .left), ("size", .right), ("SHA-256", .left)], flexible: 0)
        for artifact in artifacts {
          table.add([
            .init(artifact.name), .init(artifact.type), .init(Format.bytes(artifact.byteCount)),
            .init(String(artifact.sha256.prefix(16))),
          ])
        }
        lines += [""] + table.lines(width: width, styled: styled)
      }
      var table = TextTable([("option", .left), ("value", .left)], flexible: 1)
      for (name, value) in record.options.sorted(by: { $0.key < $1.key }) {
        table.add([.init(name), .init(value.text)])
      }
      return lines + [""] + table.lines(width: width, styled: styled)
    }
  }

  static func style(_ state: RunRecord.State) -> Terminal.Style {
    switch state {
    case .done: .green
    case .failed: .red
    case .interrupted: .yellow
    case .running: .bold
    }
  }

  /// Day and minute by the user's clock.
  static func day(_ date: Date) -> String {
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.dateFormat = "yyyy-MM-dd HH:mm"
    return formatter.string(from: date)
  }
}
