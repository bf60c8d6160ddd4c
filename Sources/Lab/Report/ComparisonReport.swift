import Foundation

/// Several runs on one page.
struct ComparisonReport {
  let groups: [RunGroup]
  let blocks: [ReportBlock]
  let scripts: ChartScripts?

  private var runs: [RunRecord] { groups.flatMap(\.runs) }

  func html() throws -> String { Page(content: try content(), scripts: scripts).html }

  func content() throws -> ReportContent {
    let experiments = runs.map(\.experiment).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
    let title = "\(runs.count) runs of \(experiments.joined(separator: ", "))"
    let header = """
      <header>
      <p class="kicker">Pinion · comparison</p>
      <h1>\(Markup.escape(title))</h1>
      </header>

      """
    var markup = BlockMarkup(drawsCharts: scripts != nil)
    let parts = try blocks.map { try markup.html($0) }.joined()
    let body = """
      <section>
      <h2>Claims</h2>
      \(claimTable)</section>
      \(differences)<section class="blocks">
      \(blocks.isEmpty ? "" : "<h2>Metrics</h2>\n")\(parts)</section>

      """
    return ReportContent(title: title, header: header, body: body, footer: runList, hasCharts: markup.charts > 0)
  }

  /// Heading of a group's column.
  private func heading(_ group: RunGroup) -> String {
    let seeds = group.runs.count > 1 ? "\(group.runs.count) seeds" : group.runs.first.map { "seed \($0.seed)" } ?? ""
    return group.label.isEmpty ? seeds : "\(group.label)\n\(seeds)"
  }

  private var headings: String {
    groups.map { group in
      let lines = heading(group).split(separator: "\n").map { Markup.escape(String($0)) }
      return "<th scope=\"col\">\(lines.joined(separator: "<br>"))</th>"
    }.joined()
  }

  private var claimTable: String {
    let names = runs.flatMap(\.claims).reduce(into: [Claim]()) { claims, claim in
      if !claims.contains(where: { $0.name == claim.name }) { claims.append(claim) }
    }
    guard !names.isEmpty else { return "<p>None of the runs has measured a claim.</p>\n" }
    var html = """
      <div class="scroll"><table class="claims">
      <thead><tr><th scope="col">Claim</th><th scope="col">Threshold</th>\(headings)</tr></thead>
      <tbody>

      """
    for claim in names {
      let cells = groups.map { group in
        let own = group.runs.compactMap { $0.claims.first { $0.name == claim.name } }
        return "<td>\(cell(own))</td>"
      }
      html += """
        <tr><th scope="row">\(Markup.escape(claim.name))<span class="note">\(Markup.inline(claim.statement))</span></th>\
        <td>\(Markup.escape(claim.thresholdText))</td>\(cells.joined())</tr>

        """
    }
    html += "</tbody></table></div>\n"
    let hasSeveral = groups.contains { $0.runs.count > 1 }
    if hasSeveral {
      html +=
        "<p class=\"note\">Of several seeds: the mean, its 95 % interval, the single numbers, and in how many runs the claim holds.</p>\n"
    }
    if runs.contains(where: { $0.claims.contains(where: \.directionOnly) }) {
      html += "<p class=\"note\">\(ClaimTable.quickNote)</p>\n"
    }
    return html
  }

  /// What the runs of a group say to one claim.
  private func cell(_ claims: [Claim]) -> String {
    guard let first = claims.first else { return "<span class=\"note\">not measured</span>" }
    let summary = ClaimSummary(claims)
    let notes = [summary.interval, claims.count > 1 ? summary.values : ""].filter { !$0.isEmpty }
    return "<span class=\"number\">\(Markup.escape(summary.text))</span>"
      + notes.map { "<span class=\"note\">\(Markup.escape($0))</span>" }.joined()
      + Self.chip(claims.count > 1 ? summary.verdictText : first.verdict.rawValue, summary.verdict)
  }

  private static func chip(_ text: String, _ verdict: Claim.Verdict) -> String {
    "<span class=\"verdict \(verdict.rawValue)\">\(verdict.mark) \(Markup.escape(text))</span>"
  }

  private var differences: String {
    let rows = RunGroup.differences(groups)
    guard !rows.isEmpty else { return "" }
    let table = ReportTable(
      columns: [.init("option")] + groups.map { .init(heading($0).replacing("\n", with: ", ")) },
      rows: rows.map { [$0.name] + $0.values })
    return "<section>\n<h2>What differs</h2>\n\(BlockMarkup.html(table))</section>\n"
  }

  private var runList: String {
    let columns: [ReportTable.Column] = [
      .init("run"), .init("scale"), .init("seed", .right), .init("state"), .init("time", .right), .init("code"),
      .init("machine"),
    ]
    let rows = runs.map { run in
      [
        run.id, run.scale.rawValue, "\(run.seed)", run.state.rawValue, Format.duration(run.seconds), run.codeVersion,
        "\(run.machine.processor), \(run.threads) threads",
      ]
    }
    let commands = runs.map { Markup.escape($0.command) }.joined(separator: "\n")
    let shared = (runs.first?.options ?? [:]).filter { option in
      runs.allSatisfy { $0.options[option.key] == option.value }
    }
    let options = ReportTable(
      columns: [.init("option"), .init("value")],
      rows: shared.sorted { $0.key < $1.key }.map { [$0.key, $0.value.text] })
    let common =
      shared.isEmpty ? "" : "<details><summary>Options that all have</summary>\n\(BlockMarkup.html(options))</details>"
    return """
      <section class="rerun">
      <h2>The runs</h2>
      \(BlockMarkup.html(ReportTable(columns: columns, rows: rows)))
      <details><summary>How to run them again</summary>
      <pre><code>\(commands)</code></pre></details>
      \(common)
      </section>

      """
  }
}

extension Claim.Verdict {
  /// A mark beside the word, for those who see no colours.
  public var mark: String {
    switch self {
    case .holds: "✓"
    case .fails: "✗"
    case .informative: "○"
    }
  }
}

/// One claim in several runs.
struct ClaimSummary {
  let claims: [Claim]

  init(_ claims: [Claim]) { self.claims = claims }

  private var measured: [Double] { claims.map(\.measured) }

  /// The mean with its unit.
  var text: String {
    Format.short(Statistics.mean(measured)) + (claims.first.map { $0.unit.isEmpty ? "" : " \($0.unit)" } ?? "")
  }

  /// The 95 % interval of the mean; of a single claim its own; empty where there is none.
  var interval: String {
    let interval = claims.count > 1 ? Statistics.interval(measured) : claims.first?.interval
    return interval.map { "\(Format.short($0.lowerBound)) … \(Format.short($0.upperBound))" } ?? ""
  }

  /// The single numbers.
  var values: String { measured.map(Format.short).joined(separator: ", ") }

  /// Holds where it holds in all runs; fails where it fails in one.
  var verdict: Claim.Verdict {
    if claims.contains(where: { $0.verdict == .fails }) { return .fails }
    return claims.allSatisfy { $0.verdict == .holds } ? .holds : .informative
  }

  var verdictText: String {
    let holding = claims.count { $0.verdict == .holds }
    return verdict == .informative ? "informative" : "holds in \(holding) of \(claims.count)"
  }
}
