import Foundation

/// A run as one HTML file that opens offline.
struct Report {
  let paper: Paper
  let record: RunRecord
  let blocks: [ReportBlock]
  let scripts: ChartScripts?

  init(paper: Paper, record: RunRecord, blocks: [ReportBlock], scripts: ChartScripts? = ChartScripts.locate()) {
    self.paper = paper
    self.record = record
    self.blocks = blocks
    self.scripts = scripts
  }

  func html() throws -> String {
    var body = header
    body += "<section>\n<h2>Claims</h2>\n\(claimTable)</section>\n"
    body += "<section class=\"blocks\">\n"
    for (index, block) in blocks.enumerated() { body += try html(block, index) }
    body += "</section>\n" + rerun
    let hasCharts = blocks.contains { if case .chart = $0 { true } else { false } }
    return """
      <!doctype html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">
      <meta http-equiv="Content-Security-Policy" content="\(Self.policy)">
      <title>\(Markup.escape("\(paper.name): \(paper.title)"))</title>
      <style>\(Self.style)</style>
      </head>
      <body>
      <main>
      \(body)</main>
      \(hasCharts ? scriptElements : "")</body>
      </html>

      """
  }

  /// Nothing is loaded from outside; Vega compiles its expressions, which needs `unsafe-eval`.
  private static let policy =
    "default-src 'none'; img-src data: blob:; style-src 'unsafe-inline'; script-src 'unsafe-inline' 'unsafe-eval'"

  // MARK: Parts

  private var header: String {
    let number = paper.number < 10 ? "0\(paper.number)" : "\(paper.number)"
    var credits: [String] = []
    if !paper.authors.isEmpty { credits.append(Markup.escape(paper.authors)) }
    if let arXiv = paper.arXiv, let url = paper.url {
      credits.append("<a href=\"\(Markup.escape(url))\" rel=\"noreferrer\">arXiv \(Markup.escape(arXiv))</a>")
    }
    return """
      <header>
      <p class="kicker">Pinion · paper \(number) · \(Markup.escape(paper.name))</p>
      <h1>\(Markup.escape(paper.title))</h1>
      <p class="credits">\(credits.joined(separator: " · "))</p>
      <p class="lead">\(Markup.escape(paper.claim))</p>
      </header>

      """
  }

  private var claimTable: String {
    guard !record.claims.isEmpty else { return "<p>The run measured no claims.</p>\n" }
    var html = """
      <div class="scroll"><table class="claims">
      <thead><tr><th>Claim</th><th>Measured</th><th>Threshold</th><th>Baseline</th><th class="right">Seeds</th>\
      <th>Verdict</th></tr></thead>
      <tbody>

      """
    for claim in record.claims {
      let mark =
        switch claim.verdict {
        case .holds: "✓"
        case .fails: "✗"
        case .informative: "○"
        }
      let number = Format.short(claim.measured) + (claim.unit.isEmpty ? "" : " " + claim.unit)
      let interval = claim.interval.map {
        "<span class=\"note\">\(Format.short($0.lowerBound)) … \(Format.short($0.upperBound))</span>"
      }
      let direction = claim.direction.map { "<span class=\"note\">\(Markup.escape($0))</span>" }
      html += """
        <tr><th scope="row">\(Markup.escape(claim.name))<span class="note">\(Markup.inline(claim.statement))</span></th>\
        <td class="number">\(Markup.escape(number))\(interval ?? "")</td>\
        <td>\(Markup.escape(claim.thresholdText))</td><td>\(Markup.escape(claim.baseline))</td>\
        <td class="right">\(claim.seeds)</td>\
        <td><span class="verdict \(claim.verdict.rawValue)">\(mark) \(claim.verdict.rawValue)</span>\(direction ?? "")</td></tr>

        """
    }
    html += "</tbody></table></div>\n"
    if record.claims.contains(where: \.directionOnly) { html += "<p class=\"note\">\(ClaimTable.quickNote)</p>\n" }
    return html
  }

  private func html(_ block: ReportBlock, _ index: Int) throws -> String {
    switch block {
    case .heading(let text): return "<h2>\(Markup.escape(text))</h2>\n"
    case .text(let text): return Markup.paragraphs(text)
    case .table(let table): return html(table)
    case .chart(let chart, let caption): return try html(chart, caption, index)
    case .image(let image): return "<figure>\(html(image))\(figureCaption(image.caption))</figure>\n"
    case .imageGrid(let images, let columns, let caption):
      let cells = images.map { "<figure>\(html($0))\(figureCaption($0.caption))</figure>" }.joined(separator: "\n")
      let columns = min(max(columns, 1), 16)
      return """
        <figure class="wide"><div class="grid" style="grid-template-columns: repeat(\(columns), minmax(0, 1fr))">
        \(cells)
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

  private func html(_ table: ReportTable, limit: Int = .max) -> String {
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
  private func html(_ chart: Chart, _ caption: String, _ index: Int) throws -> String {
    let numbers = html(chart.table, limit: 400)
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
      <figure class="wide"><div class="chart" id="chart-\(index)"></div>
      <script type="application/json" data-chart="chart-\(index)">\
      \(Markup.escapeJSON(String(decoding: specification, as: UTF8.self)))</script>
      \(figureCaption(caption))<details><summary>Numbers</summary>
      \(numbers)</details></figure>

      """
  }

  private var rerun: String {
    let options = ReportTable(
      columns: [.init("option"), .init("value")],
      rows: record.options.sorted { $0.key < $1.key }.map { [$0.key, $0.value.text] })
    var facts = [
      ("scale", record.scale.rawValue), ("seed", "\(record.seed)"), ("time", Format.duration(record.seconds)),
      ("code", record.codeVersion),
      (
        "machine",
        "\(record.machine.processor), \(record.threads) threads, \(record.machine.memoryGB) GB, \(record.machine.system)"
      ),
      ("started", record.started.formatted(.iso8601)), ("run", record.id),
    ]
    if !paper.data.isEmpty { facts.insert(("data", paper.data), at: 0) }
    let list = facts.map { "<dt>\(Markup.escape($0.0))</dt><dd>\(Markup.escape($0.1))</dd>" }.joined(separator: "\n")
    return """
      <section class="rerun">
      <h2>How to run it again</h2>
      <pre><code>\(Markup.escape(record.command))</code></pre>
      <dl>
      \(list)
      </dl>
      <details><summary>Options</summary>
      \(html(options))</details>
      </section>

      """
  }

  // MARK: Page

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
