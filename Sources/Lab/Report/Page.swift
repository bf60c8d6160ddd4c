import Foundation

/// An HTML page that opens offline: one file with its style, pictures, sounds, charts and the scripts that draw them.
struct Page {
  let title: String
  let scripts: ChartScripts?
  /// What stands on the page.
  var body = ""
  /// Number of charts so far.
  private var charts = 0

  init(title: String, scripts: ChartScripts?) {
    self.title = title
    self.scripts = scripts
  }

  /// The whole file.
  var html: String {
    """
    <!doctype html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <meta http-equiv="Content-Security-Policy" content="\(Self.policy)">
    <title>\(Markup.escape(title))</title>
    <style>\(Self.style)</style>
    </head>
    <body>
    <main>
    \(body)</main>
    \(charts > 0 ? scriptElements : "")</body>
    </html>

    """
  }

  /// Nothing is loaded from outside; Vega compiles its expressions, which needs `unsafe-eval`.
  private static let policy =
    "default-src 'none'; img-src data: blob:; media-src data:; style-src 'unsafe-inline'; "
    + "script-src 'unsafe-inline' 'unsafe-eval'"

  // MARK: Parts

  /// Adds a part of a report.
  mutating func add(_ block: ReportBlock) throws {
    if case .chart = block { charts += 1 }
    body += try html(block)
  }

  private func html(_ block: ReportBlock) throws -> String {
    switch block {
    case .heading(let text): return "<h2>\(Markup.escape(text))</h2>\n"
    case .text(let text): return Markup.paragraphs(text)
    case .table(let table): return Self.html(table)
    case .chart(let chart, let caption): return try html(chart, caption)
    case .image(let image): return "<figure>\(html(image))\(figureCaption(image.caption))</figure>\n"
    case .drawing(let drawing, let caption):
      return "<figure class=\"wide\"><div class=\"scroll\">\(drawing.svg)</div>\(figureCaption(caption))</figure>\n"
    case .imageGrid(let images, let columns, let caption):
      let cells = images.map { "<figure>\(html($0))\(figureCaption($0.caption))</figure>" }.joined(separator: "\n")
      let columns = min(max(columns, 1), 16)
      return """
        <figure class="wide"><div class="grid" style="grid-template-columns: repeat(\(columns), minmax(0, 1fr))">
        \(cells)
        </div>\(figureCaption(caption))</figure>

        """
    case .audio(let sounds, let columns, let caption):
      let cells = sounds.map { sound in
        let label = sound.caption.isEmpty ? "sound" : sound.caption
        let data = "data:\(Markup.escape(sound.type));base64,\(Data(sound.file).base64EncodedString())"
        return
          "<figure><audio controls preload=\"metadata\" aria-label=\"\(Markup.escape(label))\" src=\"\(data)\"></audio>"
          + "\(figureCaption(sound.caption))</figure>"
      }
      return """
        <figure class="wide"><div class="grid sounds" style="grid-template-columns: repeat(\(min(max(columns, 1), 4)), minmax(0, 1fr))">
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
  static func html(_ table: ReportTable, limit: Int = .max) -> String {
    func cell(_ tag: String, _ text: String, _ column: ReportTable.Column) -> String {
      let style = column.alignment == .right ? " class=\"right\"" : ""
      return "<\(tag)\(style)>\(Markup.escape(text))</\(tag)>"
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
    guard scripts != nil else {
      let title = chart.title.isEmpty ? "" : "<p><strong>\(Markup.escape(chart.title))</strong></p>\n"
      return """
        <figure class="wide">\(title)<p class="note">The chart scripts weren't found, so here are the chart's numbers; \
        <code>./pinion doctor</code> says how to get them.</p>
        \(numbers)\(figureCaption(caption))</figure>

        """
    }
    let specification = try RecordCoding.lineEncoder.encode(chart.specification)
    return """
      <figure class="wide"><div class="chart" id="chart-\(charts)"></div>
      <script type="application/json" data-chart="chart-\(charts)">\
      \(Markup.escapeJSON(String(decoding: specification, as: UTF8.self)))</script>
      \(figureCaption(caption))<details><summary>Numbers</summary>
      \(numbers)</details></figure>

      """
  }

  // MARK: Charts

  private var scriptElements: String {
    guard let scripts else { return "" }
    // `<\/` means the same as `</` in a JavaScript string, and doesn't end the element.
    let sources = scripts.sources.map { "<script>\($0.replacing("</script", with: #"<\/script"#))</script>\n" }
    return sources.joined() + "<script>\(Self.drawing)</script>\n"
  }

  private static let drawing = """
    const config = {
      background: "transparent", font: "system-ui, sans-serif", view: {stroke: null},
      title: {anchor: "start", fontSize: 14, fontWeight: 600, color: "var(--ink)", offset: 12},
      axis: {labelColor: "var(--muted)", titleColor: "var(--ink)", titleFontWeight: 500, gridColor: "var(--line)",
        domainColor: "var(--line)", tickColor: "var(--line)", labelFontSize: 11.5, titleFontSize: 12.5, titlePadding: 8},
      legend: {labelColor: "var(--ink)", labelFontSize: 12.5, symbolType: "circle", symbolOpacity: 1},
      header: {labelColor: "var(--ink)", labelFontSize: 12.5}};
    for (const data of document.querySelectorAll("script[data-chart]")) {
      const place = document.getElementById(data.dataset.chart);
      vegaEmbed(place, JSON.parse(data.textContent), {mode: "vega-lite", renderer: "svg", config,
        actions: {export: true, source: false, compiled: false, editor: false}})
        .catch(error => { place.textContent = "The chart can't be drawn: " + error.message; });
    }
    """
}
