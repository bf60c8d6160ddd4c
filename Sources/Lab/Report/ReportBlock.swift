/// A part of a report.
public enum ReportBlock: Sendable {
  /// A heading.
  case heading(String)
  /// Paragraphs separated by empty lines; `**strong**`, `*emphasis*`, `` `code` ``, `[text](https://…)`, and lists of lines that begin with `- `.
  case text(String)
  /// A table.
  case table(ReportTable)
  /// A chart, with a sentence below it.
  case chart(Chart, caption: String)
  /// A picture.
  case image(ReportImage)
  /// Pictures side by side, with a sentence below them.
  case imageGrid([ReportImage], columns: Int, caption: String)
}

/// Rows of text under headed columns.
public struct ReportTable: Sendable {
  /// How a column is set.
  public enum Alignment: Sendable { case left, right }

  /// A headed column.
  public struct Column: Sendable {
    public var title: String
    public var alignment: Alignment

    public init(_ title: String, _ alignment: Alignment = .left) {
      self.title = title
      self.alignment = alignment
    }
  }

  public var columns: [Column]
  /// Cells; a short row is filled with empty ones.
  public var rows: [[String]]
  /// A sentence below the table.
  public var caption: String

  public init(columns: [Column], rows: [[String]], caption: String = "") {
    self.columns = columns
    self.rows = rows
    self.caption = caption
  }
}

/// A picture in a report.
public struct ReportImage: Sendable {
  /// A PNG file.
  public var png: [UInt8]
  /// A few words below it.
  public var caption: String
  /// What it shows, for those who can't see it; the caption where empty.
  public var description: String
  /// Width on the page in CSS pixels; nil for the picture's own.
  public var width: Int?
  /// Whether enlarged pixels keep their edges.
  public var isPixelated: Bool

  public init(
    png: [UInt8], caption: String = "", description: String = "", width: Int? = nil, isPixelated: Bool = false
  ) {
    self.png = png
    self.caption = caption
    self.description = description
    self.width = width
    self.isPixelated = isPixelated
  }
}
