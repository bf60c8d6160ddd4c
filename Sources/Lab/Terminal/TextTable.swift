/// A table in aligned columns for a terminal.
public struct TextTable: Sendable {
  public enum Alignment: Sendable { case left, right }

  /// A cell: what it says, and how it looks where there is colour.
  public struct Cell: Sendable, ExpressibleByStringLiteral {
    public var text: String
    public var style: Terminal.Style?

    public init(_ text: String, _ style: Terminal.Style? = nil) {
      self.text = text
      self.style = style
    }

    public init(stringLiteral value: String) { self.init(value) }
  }

  private let titles: [String]
  private let alignments: [Alignment]
  private var rows: [[Cell]] = []
  /// The column that gives way where the table is wider than the terminal.
  public var flexible: Int?

  public init(_ columns: [(String, Alignment)], flexible: Int? = nil) {
    titles = columns.map(\.0)
    alignments = columns.map(\.1)
    self.flexible = flexible
  }

  /// Adds a row; missing cells are empty.
  public mutating func add(_ row: [Cell]) {
    rows.append((0..<titles.count).map { $0 < row.count ? row[$0] : "" })
  }

  /// Lines of the table, the heading and a rule first.
  public func lines(width: Int, styled: (String, Terminal.Style) -> String = { text, _ in text }) -> [String] {
    var widths = titles.indices.map { column in
      max(titles[column].count, rows.map { $0[column].text.count }.max() ?? 0)
    }
    if let flexible {
      let excess = widths.reduce(0, +) + 2 * (widths.count - 1) - width
      if excess > 0 { widths[flexible] = max(12, widths[flexible] - excess) }
    }
    func line(_ cells: [Cell]) -> String {
      let last = cells.count - 1
      return cells.indices.map { column in
        let text = Format.fit(cells[column].text, to: widths[column])
        let padding = String(repeating: " ", count: widths[column] - text.count)
        let shown = cells[column].style.map { styled(text, $0) } ?? text
        if alignments[column] == .right { return padding + shown }
        return column == last ? shown : shown + padding
      }.joined(separator: "  ")
    }
    let rule = widths.map { String(repeating: "─", count: $0) }.joined(separator: "  ")
    return [line(titles.map { Cell($0, .bold) }), styled(rule, .dim)] + rows.map(line)
  }
}
