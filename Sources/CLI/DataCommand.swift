import ArgumentParser
import Formats
import Foundation
import Lab
import Papers

/// Data sets and their statements.
struct DataCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "data", abstract: "Data sets: fetch and verify them; write, audit and compare their statements.",
    discussion: """
      A data statement says who is in a data set, who made, holds and uses it, what was agreed, and what came back. The audit \
      is built from the themes of arXiv 2103.01168.

        ./pinion data add photos/ --name cats            # register a folder or file of yours
        ./pinion data statement cats --quick             # ten questions; without --quick all of them
        ./pinion data audit cats                         # what is missing or wrong, and what to do
        ./pinion data report cats --open                 # a page with the flow graph
      """,
    subcommands: [
      List.self, Show.self, Fetch.self, Verify.self, Add.self, Remove.self, Statement.self, Audit.self, Report.self,
      Diff.self, Export.self, Import.self, Questions.self, Rules.self, Coverage.self,
    ], defaultSubcommand: List.self)

  /// All data sets that are known here.
  static var registry: DatasetRegistry { DatasetRegistry(Catalog.datasets) }

  /// A name of a data set.
  struct Name: ParsableArguments {
    @Argument(help: .init("The data set.", valueName: "name"))
    var name: String
  }
}

extension DataCommand {
  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List the data sets.")

    @Flag(help: "Print JSON, for programs.")
    var json = false

    func run() throws {
      let output = Terminal.standardOutput
      let entries = try DataCommand.registry.entries()
      if json { return output.write(try jsonText(entries.map(Row.init), pretty: true) + "\n") }
      var table = TextTable(
        [
          ("name", .left), ("files", .right), ("size", .right), ("state", .left), ("licence", .left), ("known", .right),
          ("findings", .left),
        ], flexible: 4)
      for entry in entries {
        let row = Row(entry)
        table.add([
          .init(row.name, .bold), .init("\(row.files)"), .init(Format.bytes(row.bytes)), .init(row.state),
          .init(row.licence), .init("\(Int(row.known * 100)) %"),
          .init(DataCommand.counts(entry.findings), row.blocking > 0 ? .red : nil),
        ])
      }
      output.write(output.lines(of: table))
    }
  }

  /// A data set as lists show it.
  struct Row: Encodable {
    let name, title, licence, source, state: String
    let files, bytes: Int
    let splits: [String: Int]
    /// Share of the applicable answers of its statement that are known.
    let known: Double
    let blocking, serious, notes: Int

    init(_ entry: DatasetRegistry.Entry) {
      let info = entry.info
      (name, title, licence, source) = (info.name, info.title, info.licence, info.source)
      (files, bytes) = (info.files.count, info.byteCount)
      splits = Dictionary(info.splits.map { ($0.name, $0.count) }, uniquingKeysWith: { $1 })
      let isThere = Fetcher().isPresent(info)
      state = info.path == nil ? (isThere ? "fetched" : "not fetched") : (isThere ? "yours" : "yours, changed")
      known = entry.measures.total.share
      func count(_ severity: Severity) -> Int { entry.findings.count { $0.severity == severity } }
      (blocking, serious, notes) = (count(.blocking), count(.serious), count(.note))
    }
  }

  /// `1 blocking, 3 serious, 4 notes`.
  static func counts(_ findings: [Finding]) -> String {
    let parts = Severity.allCases.compactMap { severity -> String? in
      let count = findings.count { $0.severity == severity }
      return count == 0 ? nil : "\(count) \(severity.rawValue)\(severity == .note && count > 1 ? "s" : "")"
    }
    return parts.isEmpty ? "none" : parts.joined(separator: ", ")
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show a data set: source, licence, files, splits, schema.")

    @OptionGroup var dataset: Name

    func run() throws {
      let registry = DataCommand.registry
      let entry = try registry.entry(registry.find(dataset.name))
      let output = Terminal.standardOutput
      output.write(Self.lines(entry, registry, output))
    }

    static func lines(_ entry: DatasetRegistry.Entry, _ registry: DatasetRegistry, _ terminal: Terminal) -> [String] {
      let info = entry.info
      var lines = [
        terminal.styled(info.title, .bold), "", "Source     \(info.source)", "Licence    \(info.licence)",
        "Place      \(Fetcher().place(of: info)), \(Row(entry).state)",
        "Size       \(Format.bytes(info.byteCount)) in \(info.files.count) file\(info.files.count == 1 ? "" : "s")",
      ]
      if !info.splits.isEmpty {
        lines.append("Splits     " + info.splits.map { "\($0.name) \($0.count)" }.joined(separator: ", "))
      }
      if !info.loader.isEmpty { lines.append("Loader     \(info.loader)") }
      let total = entry.measures.total
      lines += [
        "Statement  \(total.known) of \(total.applicable) applicable answers known; findings: \(DataCommand.counts(entry.findings))",
        "           \(registry.statementPath(of: info))",
      ]
      if !info.schema.isEmpty {
        var table = TextTable([("field", .left), ("type", .left), ("meaning", .left)], flexible: 2)
        for field in info.schema { table.add([.init(field.name), .init(field.type), .init(field.meaning)]) }
        lines += [""] + terminal.lines(of: table)
      }
      var table = TextTable([("file", .left), ("bytes", .right), ("SHA-256", .left)], flexible: 0)
      for file in info.files.prefix(20) {
        table.add([.init(file.name), .init("\(file.byteCount)"), .init(String(file.sha256.prefix(16)))])
      }
      lines += [""] + terminal.lines(of: table)
      return info.files.count > 20 ? lines + ["… and \(info.files.count - 20) more files"] : lines
    }
  }

  struct Fetch: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Fetch data sets; an interrupted transfer goes on where it stopped.")

    @Argument(help: .init("The data sets.", valueName: "name"))
    var names: [String]

    func run() throws {
      let registry = DataCommand.registry
      let fetcher = Fetcher(report: { Terminal.standardError.write($0 + "\n") })
      for info in try names.map(registry.find) {
        Terminal.standardOutput.write("\(info.name)  \(try fetcher.folder(of: info))\n")
      }
    }
  }

  struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Compare each file with its SHA-256.",
      discussion: "Exit code 1 means that a file is missing or damaged.")

    @Flag(help: "Remove damaged files of the cache, so that they're fetched again. Your own files are never touched.")
    var remove = false

    @Argument(help: .init("The data sets (default: all that are here).", valueName: "name"))
    var names: [String] = []

    func run() throws {
      let registry = DataCommand.registry
      let (fetcher, output) = (Fetcher(), Terminal.standardOutput)
      let sets =
        try names.isEmpty
        ? registry.all().filter { FileManager.default.fileExists(atPath: fetcher.place(of: $0)) }
        : names.map(registry.find)
      if sets.isEmpty { output.write("no data set is here yet\n") }
      var isWell = true
      for info in sets {
        let wrong = try fetcher.states(of: info).filter { $0.state != .right }
        for (file, state) in wrong {
          output.write("\(output.styled("BAD", .red))  \(info.name)  \(file.name): \(state.rawValue)\n")
        }
        if wrong.isEmpty { output.write("\(output.styled("OK", .green))   \(info.name)  \(info.files.count) files\n") }
        if remove, try fetcher.removeDamaged(info) { output.write("     \(info.name)  removed what is damaged\n") }
        isWell = isWell && wrong.isEmpty
      }
      if !isWell { throw ExitCode(1) }
    }
  }

  struct Add: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Register a folder or file of yours.",
      discussion: """
        What is there now is remembered by SHA-256, for `verify`. The statement lies beside the data, as statement.json in \
        the folder or FILE.statement.json, and is used where there is one. Nothing is copied.
        """)

    @Option(help: "Name: lower-case letters, digits and -.")
    var name: String

    @Option(help: "Title for readers.")
    var title = ""

    @Option(help: .init("Licence, best as an SPDX name.", valueName: "licence"))
    var licence = "unknown"

    @Option(help: "Who made it.")
    var source = "unknown"

    @Argument(help: .init("Folder or file.", valueName: "path"))
    var path: String

    func run() throws {
      let registry = DataCommand.registry
      let info = try registry.add(path, name: name, title: title, licence: licence, source: source)
      var statement = try registry.statement(of: info)
      // What is said here is said in the statement too.
      if statement.answers[.licence] == nil, licence != "unknown" {
        statement[.licence] = .known(licence)
        try registry.save(statement, of: info)
      }
      let count = "\(info.files.count) file\(info.files.count == 1 ? "" : "s"), \(Format.bytes(info.byteCount))"
      Terminal.standardOutput.write("added \(name): \(count)\n")
      Terminal.standardOutput.write("next: ./pinion data statement \(name) --quick\n")
    }
  }

  struct Remove: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Forget a data set of yours; its files and its statement stay.")

    @OptionGroup var dataset: Name

    func run() throws {
      try DataCommand.registry.remove(dataset.name)
      Terminal.standardOutput.write("forgot \(dataset.name); its files and statement are where they were\n")
    }
  }
}
