import Foundation

/// A part of a report. Parts are kept with their run, so that its report can be made again.
public enum ReportBlock: Codable, Sendable {
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
  /// A drawing, with a sentence below it.
  case drawing(Drawing, caption: String)
  /// A surface in space that can be turned, with a sentence below it.
  case surface(SurfacePicture, caption: String)
  /// Sounds to play, side by side, with a sentence below them.
  case audio([ReportAudio], columns: Int, caption: String)
}

extension ReportBlock {
  /// A page of parts without a run, such as what a command found in the user's data; it opens offline.
  ///
  /// - Parameters:
  ///   - kicker: a few words above the title.
  ///   - lead: a sentence below it.
  /// - Throws: `EncodingError`.
  public static func page(
    _ blocks: [ReportBlock], title: String, kicker: String = "", lead: String = "",
    scripts: ChartScripts? = ChartScripts.locate()
  ) throws -> String {
    var markup = BlockMarkup(drawsCharts: scripts != nil)
    let parts = try blocks.map { try markup.html($0) }.joined()
    let header = """
      <header>
      <p class="kicker">Pinion\(kicker.isEmpty ? "" : " · \(Markup.escape(kicker))")</p>
      <h1>\(Markup.escape(title))</h1>
      <p class="lead">\(Markup.escape(lead))</p>
      </header>

      """
    let content = ReportContent(
      title: title, header: header, body: "<section class=\"blocks\">\n\(parts)</section>\n", footer: "",
      hasCharts: markup.charts > 0, hasSurfaces: markup.surfaces > 0)
    return Page(content: content, scripts: scripts).html
  }
}

/// Rows of text under headed columns.
public struct ReportTable: Codable, Sendable {
  /// How a column is set.
  public enum Alignment: String, Codable, Sendable { case left, right }

  /// A headed column.
  public struct Column: Codable, Sendable {
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
public struct ReportImage: Codable, Sendable {
  /// A PNG file.
  @Base64 public var png: [UInt8]
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

/// A sound in a report.
public struct ReportAudio: Codable, Sendable {
  /// A file that browsers play, such as WAV.
  @Base64 public var file: [UInt8]
  /// Media type of the file.
  public var type: String
  /// A few words below it.
  public var caption: String

  public init(file: [UInt8], type: String = "audio/wav", caption: String = "") {
    self.file = file
    self.type = type
    self.caption = caption
  }
}

/// Bytes that are coded as one word of base 64.
@propertyWrapper public struct Base64: Codable, Hashable, Sendable {
  public var wrappedValue: [UInt8]

  public init(wrappedValue: [UInt8]) { self.wrappedValue = wrappedValue }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    guard let data = Data(base64Encoded: try container.decode(String.self)) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "isn't base 64")
    }
    wrappedValue = [UInt8](data)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(Data(wrappedValue).base64EncodedString())
  }
}
