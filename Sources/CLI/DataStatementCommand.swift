import ArgumentParser
import Formats
import Foundation
import Lab
import Papers

extension DataCommand {
  struct Statement: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Write or show a data set's statement, by guided questions.",
      discussion: """
        Asks what has no answer yet; each answer is stored at once, so it can be left at any point and taken up by the same \
        command. `unknown` is an answer; what doesn't apply has a reason.

          ./pinion data statement cats --quick
          ./pinion data statement cats --set context.people=no --set "harm.misuse=n/a: pictures of cats"
          ./pinion data statement cats --show
        """)

    @OptionGroup var dataset: Name

    @Flag(help: "Ask only the ten most important questions.")
    var quick = false

    @Option(help: "Ask only the questions of a theme.")
    var theme: Theme?

    @Option(help: .init("Ask this question, also where it has an answer.", valueName: "question"))
    var ask: [String] = []

    @Flag(help: "Ask for stakeholders: who gives, decides, receives.")
    var stakeholders = false

    @Option(
      name: .customLong("set"), parsing: .singleValue,
      help: .init("Set an answer without being asked.", valueName: "question=answer"))
    var settings: [String] = []

    @Option(help: .init("Who says so: with --set, and as author of the change.", valueName: "who"))
    var by: String?

    @Flag(help: "Print the statement as Markdown.")
    var show = false

    func run() throws {
      let registry = DataCommand.registry
      let info = try registry.find(dataset.name)
      var statement = try registry.statement(of: info)
      let output = Terminal.standardOutput
      if show { return output.write(statement.markdown) }
      let before = statement
      try apply(&statement)
      var result: Questionnaire.Result?
      if settings.isEmpty {
        try registry.keepPrevious(of: info)
        result = try question(&statement) { try registry.save($0, of: info) }
      }
      guard statement != before else { return output.write("\nnothing was changed\n") }
      let changed = StatementDiff(before, statement).entries.map(\.what)
      let what = changed.count > 6 ? "\(changed.count) answers" : changed.joined(separator: ", ")
      statement.changes.append(.init(date: Self.today, by: by ?? "unknown", what: what))
      if !settings.isEmpty { try registry.keepPrevious(of: info) }
      try registry.save(statement, of: info)
      let total = statement.measures.total
      output.write(
        "\nwrote \(registry.statementPath(of: info)): \(total.known) of \(total.applicable) applicable answers known\n")
      if let left = result?.left, left > 0 {
        output.write("\(left) question\(left == 1 ? " is" : "s are") left; the same command goes on with them\n")
      }
      output.write("next: ./pinion data audit \(info.name)\n")
    }

    private func apply(_ statement: inout DataStatement) throws {
      for setting in settings {
        guard let equals = setting.firstIndex(of: "=") else {
          throw UsageError("--set \(setting): expected question=answer")
        }
        let field = try StatementField.named(String(setting[..<equals]))
        let text = String(setting[setting.index(after: equals)...])
        statement[field] = try field.question.answer(text, saidBy: by)
        if field == .subjectsArePeople, !statement.concernsPeople {
          statement.setPeopleAside(because: "the records aren't about people")
        }
      }
    }

    private func question(
      _ statement: inout DataStatement, save: @escaping (DataStatement) throws -> Void
    ) throws -> Questionnaire.Result {
      let scope: Questionnaire.Scope
      if !ask.isEmpty {
        scope = .fields(try ask.map { try StatementField.named($0) })
      } else {
        scope = quick ? .quick : theme.map { .theme($0) } ?? .all
      }
      let output = Terminal.standardOutput
      let questionnaire = Questionnaire(
        scope, width: min(100, output.width), say: { output.write(Self.printable($0) + "\n") },
        listen: {
          output.write("> ")
          return readLine()
        }, save: save)
      if stakeholders { return try questionnaire.askStakeholders(&statement) }
      return try questionnaire.run(&statement)
    }

    /// Statements come from others too; what a terminal would obey is taken out.
    private static func printable(_ text: String) -> String {
      String(
        String.UnicodeScalarView(text.unicodeScalars.filter { $0 == "\n" || $0.properties.generalCategory != .control })
      )
    }

    static var today: String { String(Date.now.formatted(.iso8601).prefix(10)) }
  }

  struct Audit: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Audit a statement: what is missing or wrong, of which theme, and what to do.",
      discussion: "Exit code 1 means that there are blocking findings.")

    @OptionGroup var dataset: Name

    @Flag(help: "Print JSON, for programs.")
    var json = false

    func run() throws {
      let registry = DataCommand.registry
      let entry = try registry.entry(registry.find(dataset.name))
      let output = Terminal.standardOutput
      if json {
        output.write(try jsonText(entry.findings, pretty: true) + "\n")
      } else {
        output.write(Self.lines(entry, output))
      }
      if entry.findings.contains(where: { $0.severity == .blocking }) { throw ExitCode(1) }
    }

    static func lines(_ entry: DatasetRegistry.Entry, _ terminal: Terminal) -> [String] {
      var lines: [String] = []
      for severity in Severity.allCases {
        let own = entry.findings.filter { $0.severity == severity }
        guard !own.isEmpty else { continue }
        let style: Terminal.Style = severity == .blocking ? .red : severity == .serious ? .yellow : .bold
        for finding in own {
          lines.append("\(terminal.styled(severity.rawValue.uppercased(), style))  \(finding.text)")
          lines.append(terminal.styled("  \(finding.theme.title), rule \(finding.rule)", .dim))
          lines += ["  Ask  \(finding.question)", "  Do   \(finding.remedy)", ""]
        }
      }
      lines.append("\(entry.info.name): findings: \(DataCommand.counts(entry.findings))")
      var table = TextTable([("theme", .left), ("known", .right), ("of", .right)])
      for theme in Theme.allCases {
        guard let own = entry.measures.completeness[theme] else { continue }
        table.add([.init(theme.title), .init("\(own.known)"), .init("\(own.applicable)")])
      }
      return lines + [""] + terminal.lines(of: table)
    }
  }

  struct Diff: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Compare two statements: files, or data sets by name.",
      discussion: "With one name its statement is compared with the version before the last change.")

    @Argument(help: .init("Names or files (statement.json, Croissant, Markdown).", valueName: "statement"))
    var statements: [String]

    func validate() throws {
      guard (1...2).contains(statements.count) else { throw ValidationError("expected one or two statements") }
    }

    func run() throws {
      let registry = DataCommand.registry
      let (before, after): (DataStatement, DataStatement)
      if statements.count == 1 {
        let info = try registry.find(statements[0])
        let previous = registry.previousPath(of: info)
        guard FileManager.default.fileExists(atPath: previous) else {
          throw UsageError("\(info.name): its statement hasn't been changed here; name two statements")
        }
        (before, after) = (try DataStatement(path: previous), try registry.statement(of: info))
      } else {
        (before, after) = (try Self.statement(statements[0], registry), try Self.statement(statements[1], registry))
      }
      let output = Terminal.standardOutput
      output.write(Self.lines(StatementDiff(before, after), output))
    }

    static func statement(_ name: String, _ registry: DatasetRegistry) throws -> DataStatement {
      if FileManager.default.fileExists(atPath: name), name.contains(".") { return try DataStatement(path: name) }
      return try registry.statement(of: registry.find(name))
    }

    static func lines(_ diff: StatementDiff, _ terminal: Terminal) -> [String] {
      guard !diff.isEmpty else { return ["the statements say the same"] }
      var lines: [String] = []
      for entry in diff.entries {
        lines.append(terminal.styled(entry.what, .bold))
        if let before = entry.before { lines.append(terminal.styled("  - \(before)", .red)) }
        if let after = entry.after { lines.append(terminal.styled("  + \(after)", .green)) }
      }
      lines += diff.newFindings.map { "new finding (\($0.severity.rawValue)): \($0.text)" }
      lines += diff.settledFindings.map { "settled (\($0.severity.rawValue)): \($0.text)" }
      return lines
    }
  }
}

extension Theme: ExpressibleByArgument {}
