import Foundation

/// Parts of a report as HTML with the classes of `ReportStyle.sheet`; everything in them is escaped.
public struct BlockMarkup: Sendable {
  /// Whether the page can draw charts; where it can't, they are the tables of their numbers.
  public let drawsCharts: Bool
  /// Number of charts so far.
  public private(set) var charts = 0
  /// Number of surfaces so far.
  public private(set) var surfaces = 0

  public init(drawsCharts: Bool) { self.drawsCharts = drawsCharts }

  /// A part of a report.
  ///
  /// - Throws: `EncodingError`.
  public mutating func html(_ block: ReportBlock) throws -> String {
    switch block {
    case .heading(let text): return "<h2>\(Markup.escape(text))</h2>\n"
    case .text(let text): return Markup.paragraphs(text)
    case .table(let table): return Self.html(table)
    case .chart(let chart, let caption):
      charts += 1
      return try html(chart, caption)
    case .image(let image): return "<figure>\(html(image))\(figureCaption(image.caption))</figure>\n"
    case .drawing(let drawing, let caption):
      return "<figure class=\"wide\"><div class=\"scroll\">\(drawing.svg)</div>\(figureCaption(caption))</figure>\n"
    case .imageGrid(let images, let columns, let caption):
      let cells = images.map { "<figure>\(html($0))\(figureCaption($0.caption))</figure>" }.joined(separator: "\n")
      let columns = min(max(columns, 1), 16)
      return """
        <figure class="wide"><div class="grid columns-\(columns)">
        \(cells)
        </div>\(figureCaption(caption))</figure>

        """
    case .surface(let surface, let caption):
      surfaces += 1
      return "<figure class=\"wide\">\(surface.html(number: surfaces))\(figureCaption(caption))</figure>\n"
    case .audio(let sounds, let columns, let caption):
      let cells = sounds.map { sound in
        let label = sound.caption.isEmpty ? "sound" : sound.caption
        let data = "data:\(Markup.escape(sound.type));base64,\(Data(sound.file).base64EncodedString())"
        return
          "<figure><audio controls preload=\"metadata\" aria-label=\"\(Markup.escape(label))\" src=\"\(data)\"></audio>"
          + "\(figureCaption(sound.caption))</figure>"
      }
      return """
        <figure class="wide"><div class="grid sounds columns-\(min(max(columns, 1), 4))">
        \(cells.joined(separator: "\n"))
        </div>\(figureCaption(caption))</figure>

        """
    }
  }

  private func figureCaption(_ text: String) -> String {
    text.isEmpty ? "" : "<figcaption>\(Markup.inline(text))</figcaption>"
  }

  private func html(_ image: ReportImage) -> String {
    let data = Data(image.png).base64EncodedString()
    let description = Markup.escape(image.description.isEmpty ? image.caption : image.description)
    let width = image.width.map { " width=\"\(max(1, $0))\"" } ?? ""
    let style = image.isPixelated ? " class=\"pixels\"" : ""
    return "<img src=\"data:image/png;base64,\(data)\" alt=\"\(description)\"\(width)\(style)>"
  }

  /// A table, cut to a number of rows.
  public static func html(_ table: ReportTable, limit: Int = .max) -> String {
    func cell(_ tag: String, _ text: String, _ column: ReportTable.Column) -> String {
      let style = column.alignment == .right ? " class=\"right\"" : ""
      return "<\(tag)\(style)\(tag == "th" ? " scope=\"col\"" : "")>\(Markup.escape(text))</\(tag)>"
    }
    var html = "<div class=\"scroll\"><table>\n<thead><tr>"
    html += table.columns.map { cell("th", $0.title, $0) }.joined() + "</tr></thead>\n<tbody>\n"
    for row in table.rows.prefix(limit) {
      let cells = table.columns.enumerated().map { cell("td", $0 < row.count ? row[$0] : "", $1) }
      html += "<tr>\(cells.joined())</tr>\n"
    }
    html += "</tbody></table></div>\n"
    if table.rows.count > limit { html += "<p class=\"note\">… and \(table.rows.count - limit) more rows</p>\n" }
    return html + (table.caption.isEmpty ? "" : "<p class=\"caption\">\(Markup.inline(table.caption))</p>\n")
  }

  /// The chart with its numbers folded below it; the numbers alone where there is no script to draw it.
  private func html(_ chart: Chart, _ caption: String) throws -> String {
    let numbers = Self.html(chart.table, limit: 400)
    guard drawsCharts else {
      let title = chart.title.isEmpty ? "" : "<p><strong>\(Markup.escape(chart.title))</strong></p>\n"
      return """
        <figure class="wide">\(title)<p class="note">The chart scripts weren't found, so here are the chart's numbers; \
        <code>./pinion doctor</code> says how to get them.</p>
        \(numbers)\(figureCaption(caption))</figure>

        """
    }
    return """
      <figure class="wide"><div class="chart" id="chart-\(charts)"></div>
      <script type="application/json" data-chart="chart-\(charts)">\
      \(Markup.escapeJSON(try jsonText(chart.specification)))</script>
      \(figureCaption(caption))<details><summary>Numbers</summary>
      \(numbers)</details></figure>

      """
  }
}
