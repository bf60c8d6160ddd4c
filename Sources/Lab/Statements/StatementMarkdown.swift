import Formats

// A statement as Markdown, which can be read, edited and taken back.

extension DataStatement {
  private static let heading = "# Data statement: "
  private static let columns = ["name", "kind", "region", "roles", "decides", "receives", "contributes", "visible"]
  private static let fileColumns = ["file", "bytes", "SHA-256", "address"]

  /// The statement as Markdown; `init(markdown:)` reads it back.
  public var markdown: String {
    var text =
      "\(Self.heading)\(name)\n\nAn audit built from the themes of [arXiv 2103.01168](https://arxiv.org/abs/2103.01168).\n"
    for theme in Theme.allCases {
      text += "\n## \(theme.title)\n\n*\(theme.asks)*\n"
      for field in StatementField.allCases where field.theme == theme {
        guard let answer = answers[field] else { continue }
        text += "\n### \(field.question.text) `\(field.rawValue)`\n\n"
        switch answer.content {
        case .known(let values) where field.question.kind == .list:
          text += values.map { "- \(Self.escaped($0))" }.joined(separator: "\n")
        case .known(let values):
          text += values.joined(separator: "\n").split(separator: "\n", omittingEmptySubsequences: false)
            .map { Self.escaped(String($0)) }.joined(separator: "\n")
        case .unknown: text += "*unknown*"
        case .notApplicable(let reason):
          text +=
            "*not applicable*: "
            + reason.split(separator: "\n", omittingEmptySubsequences: false)
            .map { Self.escaped(String($0)) }.joined(separator: "\n")
        }
        text += "\n"
        if let evidence = answer.evidence { text += "\n> evidence: \(evidence)\n" }
        if let saidBy = answer.saidBy { text += "\n> said by: \(saidBy)\n" }
      }
    }
    text += "\n## Stakeholders\n\n" + Self.table(Self.columns, stakeholders.map(Self.row))
    if !files.isEmpty, files.count <= Self.fileLimit {
      text +=
        "\n## Files\n\n"
        + Self.table(
          Self.fileColumns, files.map { [Answer.line($0.name), "\($0.byteCount)", $0.sha256, $0.url ?? ""] })
    }
    if !changes.isEmpty {
      text += "\n## Changes\n\n" + Self.table(["date", "by", "what"], changes.map { [$0.date, $0.by, $0.what] })
    }
    return text
  }

  private static func row(_ one: Stakeholder) -> [String] {
    func words<T: RawRepresentable<String>>(_ values: [T]?) -> String {
      values.map { $0.map(\.rawValue).joined(separator: ", ") } ?? "unknown"
    }
    return [
      one.name, one.kind, one.region ?? "unknown", words(one.roles), words(one.decides), words(one.receives),
      words(one.contributes), one.isVisible ? "yes" : "no",
    ]
  }

  private static func table(_ columns: [String], _ rows: [[String]]) -> String {
    func line(_ cells: [String]) -> String {
      "| " + cells.map { $0.replacing("\\", with: "\\\\").replacing("|", with: "\\|") }.joined(separator: " | ")
        + " |\n"
    }
    return line(columns) + "|" + String(repeating: " --- |", count: columns.count) + "\n" + rows.map(line).joined()
  }

  /// A line that can't be taken for a mark.
  private static func escaped(_ line: String) -> String {
    guard let first = line.first, "#>*-|\\<".contains(first) else { return line }
    return "\\" + line
  }

  private static func unescaped(_ line: String) -> String { line.hasPrefix("\\") ? String(line.dropFirst()) : line }

  // MARK: Reading

  /// Reads what `markdown` writes, with edits by hand.
  ///
  /// - Throws: `FormatError` with the line.
  public init(markdown text: String, file: String) throws {
    guard text.utf8.count <= Self.byteLimit else { throw FormatError(file, "a statement has at most 4 MB") }
    var reader = MarkdownReader(file: file)
    let plain = text.replacing("\r\n", with: "\n")
    for line in plain.split(separator: "\n", omittingEmptySubsequences: false) { try reader.read(String(line)) }
    try reader.closeField()
    guard let name = reader.name else { throw FormatError(file, "expected a first line '\(Self.heading)NAME'") }
    self.init(name: name, reader.answers)
    let json = StatementReader(file: file)
    stakeholders = try reader.rows("Stakeholders", Self.columns).map { line, cells in
      func words<T: RawRepresentable<String> & CaseIterable>(_ text: String, _ column: String) throws -> [T]? {
        if text == "unknown" { return nil }
        return try text.split(separator: ",").map { part in
          let word = part.trimmingCharacters(in: .whitespaces)
          guard let value = T(rawValue: word) else {
            throw json.error(
              "line \(line): \(column): '\(word)' isn't one of \(T.allCases.map(\.rawValue).joined(separator: ", "))")
          }
          return value
        }
      }
      guard ["yes", "no"].contains(cells[7]) else { throw json.error("line \(line): visible: expected yes or no") }
      guard !cells[0].isEmpty else { throw json.error("line \(line): a stakeholder has no name") }
      guard let roles: [Stakeholder.Role] = try words(cells[3], "roles") else {
        throw json.error("line \(line): roles can't be unknown")
      }
      return Stakeholder(
        cells[0], kind: cells[1], region: cells[2], roles: roles, decides: try words(cells[4], "decides"),
        receives: try words(cells[5], "receives"), contributes: try words(cells[6], "contributes"),
        isVisible: cells[7] == "yes")
    }
    files = try reader.rows("Files", Self.fileColumns).map { line, cells in
      guard let count = Int(cells[1]), count >= 0 else {
        throw json.error("line \(line): '\(cells[1])' isn't a length")
      }
      return DatasetInfo.File(
        cells[0], byteCount: count, sha256: cells[2], url: cells[3].isEmpty ? nil : cells[3])
    }
    changes = try reader.rows("Changes", ["date", "by", "what"]).map { _, cells in
      Change(date: cells[0], by: cells[1], what: cells[2])
    }
  }

  private struct MarkdownReader {
    let file: String
    var name: String?
    var answers: [StatementField: Answer] = [:]
    private var number = 0
    private var section = ""
    private var field: StatementField?
    private var body: [String] = []
    private var evidence: String?
    private var saidBy: String?
    private var tables: [String: [(line: Int, cells: [String])]] = [:]

    init(file: String) { self.file = file }

    private func error(_ what: String) -> FormatError { FormatError(file, "line \(number): \(what)") }

    mutating func read(_ line: String) throws {
      number += 1
      let line = line.trimmingCharacters(in: .whitespaces)
      if line.hasPrefix("### ") {
        try closeField()
        guard line.hasSuffix("`"), let start = line.dropLast().lastIndex(of: "`") else {
          throw error("expected the question's name in back quotes at the end")
        }
        do {
          field = try StatementField.named(String(line[line.index(after: start)...].dropLast()))
        } catch let problem as UsageError { throw error(problem.description) }
      } else if line.hasPrefix("## ") {
        try closeField()
        section = String(line.dropFirst(3))
      } else if line.hasPrefix(DataStatement.heading) {
        guard name == nil else { throw error("a second statement begins") }
        name = Answer.line(String(line.dropFirst(DataStatement.heading.count)))
      } else if field != nil {
        if line.hasPrefix("> evidence: ") {
          evidence = String(line.dropFirst("> evidence: ".count))
        } else if line.hasPrefix("> said by: ") {
          saidBy = String(line.dropFirst("> said by: ".count))
        } else {
          body.append(line)
        }
      } else if line.hasPrefix("|") {
        tables[section, default: []].append((number, try cells(line)))
      }
    }

    mutating func closeField() throws {
      guard let field else { return }
      defer { (self.field, body, evidence, saidBy) = (nil, [], nil, nil) }
      guard answers[field] == nil else { throw error("\(field.rawValue): is answered twice") }
      let text = Answer.normalized(body.joined(separator: "\n"))
      let mark = "*not applicable*"
      if text.hasPrefix(mark) {
        let lines = text.dropFirst(mark.count).drop { $0 == ":" || $0 == " " }
        let reason = lines.split(separator: "\n", omittingEmptySubsequences: false)
          .map { DataStatement.unescaped(String($0)) }.joined(separator: "\n")
        guard !Answer.normalized(reason).isEmpty else {
          throw error("\(field.rawValue): is said not to apply, without a reason")
        }
        answers[field] = .notApplicable(reason, evidence: evidence, saidBy: saidBy)
        return
      }
      if text.isEmpty || text == "*unknown*" {
        answers[field] = .known([], evidence: evidence, saidBy: saidBy)
        return
      }
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
      let values: [String]
      if field.question.kind == .list {
        values = lines.filter { !$0.isEmpty }
          .map { DataStatement.unescaped($0.hasPrefix("- ") ? String($0.dropFirst(2)) : $0) }
      } else {
        values = [lines.map(DataStatement.unescaped).joined(separator: "\n")]
      }
      do {
        answers[field] = try field.question.checked(.known(values, evidence: evidence, saidBy: saidBy))
      } catch let problem as UsageError { throw error(problem.description) }
    }

    /// Cells of a line of a table.
    private func cells(_ line: String) throws -> [String] {
      guard line.hasSuffix("|"), line.count > 1 else { throw error("a line of a table doesn't end with |") }
      var (cells, cell, isEscaped) = ([String](), "", false)
      for character in line.dropFirst() {
        if isEscaped {
          cell.append(character)
          isEscaped = false
        } else if character == "\\" {
          isEscaped = true
        } else if character == "|" {
          cells.append(cell.trimmingCharacters(in: .whitespaces))
          cell = ""
        } else {
          cell.append(character)
        }
      }
      return cells
    }

    /// The rows of a section's table, without its heading.
    func rows(_ section: String, _ columns: [String]) throws -> [(line: Int, cells: [String])] {
      guard let table = tables[section], let first = table.first else { return [] }
      guard first.cells == columns else {
        throw FormatError(file, "line \(first.line): expected the columns \(columns.joined(separator: ", "))")
      }
      return try table.dropFirst(2).map { line, cells in
        guard cells.count == columns.count else {
          throw FormatError(file, "line \(line): has \(cells.count) cells, expected \(columns.count)")
        }
        return (line, cells)
      }
    }
  }
}
