import ArgumentParser
import Foundation
import Lab
import Papers

/// Lists the papers.
struct ListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "list", abstract: "List the 26 papers.")

  @Flag(help: "Print JSON, for programs.")
  var json = false

  func run() throws {
    let output = Terminal.standardOutput
    output.write(try (json ? Self.json(Catalog.papers) : Self.table(Catalog.papers, output)) + "\n")
  }

  static func isAvailable(_ paper: Paper) -> Bool { Catalog.experiment(named: paper.name) != nil }

  static func table(_ papers: [Paper], _ terminal: Terminal) -> String {
    var table = TextTable(
      [
        ("#", .right), ("name", .left), ("field", .left), ("headline claim", .left), ("status", .left), ("min", .right),
      ],
      flexible: 3)
    for paper in papers {
      let available = isAvailable(paper)
      table.add([
        .init("\(paper.number)"), .init(paper.name, .bold), .init(paper.field), .init(paper.claim),
        available ? .init("available", .green) : .init("planned", .dim),
        .init(paper.minutes[.standard].map(Format.short) ?? "–"),
      ])
    }
    return terminal.lines(of: table).joined(separator: "\n")
  }

  static func json(_ papers: [Paper]) throws -> String {
    struct Row: Encodable {
      let number: Int
      let name, title, authors: String
      let arXiv: String?
      let field, claim, data, status: String
      let minutes: [Scale: Double]
    }
    let rows = papers.map { paper in
      Row(
        number: paper.number, name: paper.name, title: paper.title, authors: paper.authors, arXiv: paper.arXiv,
        field: paper.field, claim: paper.claim, data: paper.data,
        status: isAvailable(paper) ? "available" : "planned", minutes: paper.minutes)
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(rows), as: UTF8.self)
  }
}

/// Shows one paper.
struct ShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show a paper's claim, data, options and what to expect.")

  @Argument(help: "Name or number of the paper.")
  var name: String

  func run() throws {
    let paper = try Catalog.paper(named: name)
    let output = Terminal.standardOutput
    let experiment = Catalog.experiment(named: paper.name)
    let command = Catalog.commands.first { $0.configuration.commandName == paper.name }
    let lines = try Self.lines(paper, experiment, command: command, output)
    output.write(lines)
  }

  static func lines(
    _ paper: Paper, _ experiment: (any Experiment)?, command: (any ParsableCommand.Type)?, _ terminal: Terminal
  ) throws -> [String] {
    var lines = [terminal.styled("\(paper.number)  \(paper.title)", .bold)]
    if !paper.authors.isEmpty { lines.append(paper.authors) }
    if let url = paper.url { lines.append(url) }
    lines += ["", "Claim  \(paper.claim)", "Field  \(paper.field)"]
    guard let experiment else {
      return lines + ["", "Not reproduced yet."]
    }
    if !paper.data.isEmpty { lines.append("Data   \(paper.data)") }
    lines += ["", "Reproduce"]
    for (scale, flag) in [(Scale.quick, " --quick"), (.standard, ""), (.full, " --full")] {
      let time = paper.minutes[scale].map { minutes in
        minutes < 1
          ? "about \(Format.short(60 * minutes)) s on two cores" : "about \(Format.short(minutes)) min on two cores"
      }
      lines.append("  " + entry("./pinion reproduce \(paper.name)\(flag)", time ?? ""))
    }
    if let subcommands = command?.configuration.subcommands, !subcommands.isEmpty {
      lines += ["", "On your own data"]
      lines += subcommands.map { subcommand in
        let configuration = subcommand.configuration
        return "  " + entry("./pinion \(paper.name) \(configuration.commandName ?? "")", configuration.abstract)
      }
    }
    return try lines + ["", "Options (--set key=value)"] + options(experiment, terminal)
  }

  /// A command, and what is to be said of it in a column of its own.
  private static func entry(_ command: String, _ text: String) -> String {
    text.isEmpty
      ? command : command.padding(toLength: max(36, command.count), withPad: " ", startingAt: 0) + "  " + text
  }

  private static func options<E: Experiment>(_ experiment: E, _ terminal: Terminal) throws -> [String] {
    var table = TextTable(
      [("option", .left), ("quick", .right), ("standard", .right), ("full", .right), ("meaning", .left)], flexible: 4)
    for option in try E.Options.descriptions {
      table.add([
        .init(option.name, .bold), .init(option.defaults[.quick]?.text ?? ""),
        .init(option.defaults[.standard]?.text ?? ""), .init(option.defaults[.full]?.text ?? ""),
        .init(option.help.isEmpty ? option.kind : option.help),
      ])
    }
    return table.lines(width: terminal.width - 2, styled: terminal.styled).map { "  " + $0 }
  }
}
