import Foundation

/// A run as one HTML file that opens offline.
struct Report {
  let paper: Paper
  let record: RunRecord
  let blocks: [ReportBlock]
  let scripts: ChartScripts?
  /// Folder of the runs, as a user writes it.
  var root = "runs"
  /// Whether the page is one on which the run is seen to go on.
  var isLive = false

  init(paper: Paper, record: RunRecord, blocks: [ReportBlock], scripts: ChartScripts? = ChartScripts.locate()) {
    self.paper = paper
    self.record = record
    self.blocks = blocks
    self.scripts = scripts
  }

  func html() throws -> String { Page(content: try content(), scripts: scripts).html }

  func content() throws -> ReportContent {
    var markup = BlockMarkup(drawsCharts: scripts != nil)
    let parts = try blocks.map { try markup.html($0) }.joined()
    return ReportContent(
      title: "\(paper.name): \(paper.title)", header: header,
      body: "<section>\n<h2>Claims</h2>\n\(claimTable)</section>\n<section class=\"blocks\">\n\(parts)</section>\n",
      footer: rerun, hasCharts: markup.charts > 0, hasSurfaces: markup.surfaces > 0)
  }

  // MARK: Parts

  private var header: String {
    // A run whose paper isn't in the catalogue has no number.
    let number = paper.number < 10 ? "0\(paper.number)" : "\(paper.number)"
    let kicker = paper.number > 0 ? "Pinion · paper \(number) · \(paper.name)" : "Pinion · \(paper.name)"
    var credits: [String] = []
    if !paper.authors.isEmpty { credits.append(Markup.escape(paper.authors)) }
    if let arXiv = paper.arXiv, let url = paper.url {
      credits.append("<a href=\"\(Markup.escape(url))\" rel=\"noreferrer\">arXiv \(Markup.escape(arXiv))</a>")
    }
    return """
      <header>
      <p class="kicker">\(Markup.escape(kicker))</p>
      <h1>\(Markup.escape(paper.title))</h1>
      <p class="credits">\(credits.joined(separator: " · "))</p>
      <p class="lead">\(Markup.escape(paper.claim))</p>
      \(state)\(gate)</header>

      """
  }

  /// What is to be known of a run that isn't done.
  private var state: String {
    if record.state == .done || isLive { return "" }
    let reason = record.error.map { ": \($0)" } ?? ""
    return """
      <p class="state">This run is <strong>\(record.state.rawValue)</strong>\(Markup.escape(reason)). \
      Here is what it measured so far.</p>

      """
  }

  /// Blocking findings of the data that the run used, and why it was run all the same.
  private var gate: String {
    guard let gate = record.gate else { return "" }
    let items = gate.blocked.flatMap { one in
      one.findings.map {
        "<li><strong>\(Markup.escape(one.dataset))</strong>: \(Markup.escape($0.text)) (\(Markup.escape($0.theme.title))). "
          + "\(Markup.escape($0.remedy))</li>"
      }
    }
    return """
      <div class="state blocking"><p>The statements of this run's data have <strong>blocking findings</strong>:</p>
      <ul>\(items.joined(separator: "\n"))</ul>
      <p>Reason given for running it: \(Markup.escape(gate.reason))</p></div>

      """
  }

  private var claimTable: String {
    guard !record.claims.isEmpty else {
      let end = record.state == .done ? "" : " yet"
      return "<p>The run has measured no claim\(end).</p>\n"
    }
    var html = """
      <div class="scroll"><table class="claims">
      <thead><tr><th scope="col">Claim</th><th scope="col">Measured</th><th scope="col">Threshold</th>\
      <th scope="col">Baseline</th><th scope="col" class="right">Seeds</th><th scope="col">Verdict</th></tr></thead>
      <tbody>

      """
    for claim in record.claims {
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
        <td><span class="verdict \(claim.verdict.rawValue)">\(claim.verdict.mark) \(claim.verdict.rawValue)</span>\(direction ?? "")</td></tr>

        """
    }
    html += "</tbody></table></div>\n"
    if record.claims.contains(where: \.directionOnly) { html += "<p class=\"note\">\(ClaimTable.quickNote)</p>\n" }
    return html
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
    let goOn =
      record.state == .done || record.state == .running
      ? ""
      : "<h2>How to go on with it</h2>\n<pre><code>\(Markup.escape(record.resumeCommand(root: root)))</code></pre>\n"
    return """
      <section class="rerun">
      \(goOn)<h2>How to run it again</h2>
      <pre><code>\(Markup.escape(record.command))</code></pre>
      <dl>
      \(list)
      </dl>
      <details><summary>Options</summary>
      \(BlockMarkup.html(options))</details>
      </section>

      """
  }
}
