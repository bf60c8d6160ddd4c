import ArgumentParser
import Formats
import Foundation
import Lab
import Papers

extension DataCommand {
  struct Report: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Write a page on a data set: flow graph, findings, the whole statement.")

    @OptionGroup var dataset: Name

    @Option(help: .init("File to write (default: NAME-statement.html).", valueName: "file.html"))
    var out: String?

    @Flag(help: "Open the page in the browser.")
    var open = false

    func run() throws {
      let registry = DataCommand.registry
      let entry = try registry.entry(registry.find(dataset.name))
      let path = out ?? "\(dataset.name)-statement.html"
      try File.write(StatementReport.page(entry), to: path)
      Terminal.standardOutput.write("Report  \(path)\n")
      if open { openInBrowser(URL(fileURLWithPath: path)) }
    }
  }

  struct Export: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Write a statement as Croissant JSON-LD or Markdown; both can be taken back.")

    enum Format: String, ExpressibleByArgument, CaseIterable { case croissant, markdown }

    @OptionGroup var dataset: Name

    @Option(help: "croissant or markdown (default: by the end of --out, else croissant).")
    var format: Format?

    @Option(help: .init("File to write (default: standard output).", valueName: "file"))
    var out: String?

    func run() throws {
      let registry = DataCommand.registry
      let statement = try registry.statement(of: registry.find(dataset.name))
      let byName: Format = out?.hasSuffix(".md") == true ? .markdown : .croissant
      let text = (format ?? byName) == .markdown ? statement.markdown : statement.croissant
      guard let out else { return Terminal.standardOutput.write(text) }
      try File.write(text, to: out)
      Terminal.standardError.write("wrote \(out)\n")
    }
  }

  struct Import: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Take a statement from a file: statement.json, another Croissant description, or Markdown.",
      discussion: """
        Replaces the statement of the data set; the version before stays for `diff`. What a Croissant description without our \
        terms doesn't say is open.
        """)

    @OptionGroup var dataset: Name

    @Argument(help: .init("The file.", valueName: "file"))
    var file: String

    func run() throws {
      let registry = DataCommand.registry
      let info = try registry.find(dataset.name)
      let statement = try DataStatement(path: file)
      try registry.keepPrevious(of: info)
      try registry.save(statement, of: info)
      let total = statement.measures.total
      Terminal.standardOutput.write(
        "took \(file) for \(info.name): \(total.known) of \(total.applicable) applicable answers known\n")
    }
  }

  struct Questions: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List the questions of a statement.")

    @Flag(help: "Print JSON, for programs and forms.")
    var json = false

    func run() throws {
      let output = Terminal.standardOutput
      if json { return output.write(try jsonText(Question.all, pretty: true) + "\n") }
      var table = TextTable([("name", .left), ("question", .left), ("answer", .left)], flexible: 1)
      for question in Question.all {
        table.add([.init(question.field.rawValue, .bold), .init(question.text), .init(question.kind.inWords)])
      }
      output.write(output.lines(of: table))
    }
  }

  struct Rules: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List the rules of the audit.")

    func run() throws {
      let output = Terminal.standardOutput
      var table = TextTable([("rule", .left), ("severity", .left), ("theme", .left), ("finding", .left)], flexible: 3)
      for rule in Rule.all {
        table.add([
          .init(rule.id, .bold), .init(rule.severity.rawValue, rule.severity == .blocking ? .red : nil),
          .init(rule.theme.title), .init(rule.finding),
        ])
      }
      output.write(output.lines(of: table))
    }
  }

  struct Coverage: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show for which themes this audit and other instruments have fields.")

    func run() throws {
      let instruments = Lab.Coverage.Instrument.allCases
      var table = TextTable([("theme", .left)] + instruments.map { ($0.rawValue, .right) })
      for theme in Theme.ofPaper {
        table.add(
          [.init(theme.title)]
            + instruments.map { instrument in
              let (covered, all) = Lab.Coverage.count(theme, instrument)
              return .init("\(covered) of \(all)", covered == all ? .green : covered == 0 ? .red : nil)
            })
      }
      let output = Terminal.standardOutput
      output.write(output.lines(of: table))
    }
  }
}
