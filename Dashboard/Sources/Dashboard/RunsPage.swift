import Foundation
import Hummingbird
import Lab

/// The list of runs, and the page that compares some of them.
struct RunsPage: Sendable {
  let site: Site

  /// Runs on a page of the list.
  static let pageSize = 50
  /// Runs that are compared at most.
  static let comparisonLimit = 40

  /// A part of the list.
  struct View {
    var query: RunQuery
    var runs: [ListedRun]
    var total: Int
    var page: Int

    /// Name of the claim or metric that it's sorted by; nil for a column of its own.
    var sortName: String? { RunQuery.columns.contains(query.sort) ? nil : query.sort }
    var pages: Int { max(1, (total + RunsPage.pageSize - 1) / RunsPage.pageSize) }
  }

  /// The runs that a query of the page asks for. What it can't mean is passed over.
  func view(_ fields: FormFields) throws -> View {
    var query = RunQuery(experiment: fields.filled("paper"), limit: Self.pageSize)
    query.states = fields.all("state").compactMap(RunRecord.State.init)
    if let scale = fields.filled("scale").flatMap(Scale.init) { query.options = [("scale", scale.rawValue)] }
    if let sort = fields.filled("sort"), try site.store.sortNames().contains(sort) { query.sort = sort }
    query.ascending = fields["order"] == "ascending"
    let total = try site.store.count(query)
    let pages = max(1, (total + Self.pageSize - 1) / Self.pageSize)
    let page = min(max(1, fields["page"].flatMap { Int($0) } ?? 1), pages)
    query.offset = (page - 1) * Self.pageSize
    return View(query: query, runs: try site.store.runs(query), total: total, page: page)
  }

  // MARK: List

  func list(_ fields: FormFields) throws -> Response {
    try site.store.settle()
    let view = try view(fields)
    let sorted: HTML = view.sortName.map { "<th scope=\"col\" class=\"right\">\($0)</th>" } ?? ""
    let main: HTML = """
      <h1>Runs</h1>
      <p class="lead"><span id="count">\(count(view))</span> in <code>\(site.store.root.relativePath)</code></p>
      \(try filters(fields, view))
      <form action="/compare" class="list" id="list">
      <p class="actions"><button id="compare">Compare the chosen runs</button>
      <a class="button" href="/papers">Start a run</a></p>
      <div class="scroll"><table>
      <caption class="unseen">Runs, \(view.query.sort == "started" ? "the latest first" : "sorted by \(view.query.sort)")</caption>
      <thead><tr><th scope="col"><span class="unseen">Choose</span></th><th scope="col">Run</th><th scope="col">State</th>\
      \(sorted)<th scope="col" class="wide">Scale</th><th scope="col" class="right wide">Seed</th>\
      <th scope="col" class="medium">Claims</th><th scope="col" class="wide">Started</th><th scope="col" class="right wide">Time</th></tr></thead>
      <tbody id="rows">
      \(rows(view))</tbody>
      </table></div>
      </form>
      \(pager(fields, view))
      """
    return site.shell.response(
      .init(
        title: "Runs", section: .runs, main: main, events: "/events/runs" + Self.listing(fields), script: "runs.js"))
  }

  /// The query of a list's address.
  private static func listing(_ fields: FormFields) -> String {
    let page = fields["page"].flatMap { Int($0) } ?? 1
    return fields.query(with: "page", "\(page)")
  }

  func count(_ view: View) -> String { view.total == 1 ? "1 run" : "\(view.total) runs" }

  /// Rows of the list; a row that says so where it's empty.
  func rows(_ view: View) -> HTML {
    guard !view.runs.isEmpty else {
      return "<tr><td colspan=\"9\">No runs. <a href=\"/papers\">Choose a paper</a> to start one.</td></tr>\n"
    }
    let rows = view.runs.map { run -> HTML in
      let record = run.record
      let value: HTML =
        view.sortName == nil ? "" : "<td class=\"right\">\(run.sortValue.map(Format.short) ?? "–")</td>"
      return """
        <tr><td><input type="checkbox" name="run" value="\(record.id)" aria-label="Choose \(record.id)"></td>\
        <th scope="row"><a href="\(Address.run(record.id))">\(record.id)</a></th>\
        <td>\(HTML.state(record.state))</td>\(value)<td class="wide">\(record.scale.rawValue)</td>\
        <td class="right wide">\("\(record.seed)")</td><td class="medium">\(Self.claims(record.claims))</td>\
        <td class="wide">\(HTML.time(record.started))</td>\
        <td class="right wide">\(Format.duration(record.seconds))</td></tr>

        """
    }
    return "\(rows)"
  }

  /// How many claims hold.
  static func claims(_ claims: [Claim]) -> HTML {
    let judged = claims.filter { $0.verdict != .informative }
    guard !judged.isEmpty else { return claims.isEmpty ? "–" : "\(claims.count) measured" }
    let holding = judged.count { $0.verdict == .holds }
    let verdict: Claim.Verdict = holding == judged.count ? .holds : .fails
    return HTML.verdict(verdict, "\(holding) of \(judged.count) hold")
  }

  private func filters(_ fields: FormFields, _ view: View) throws -> HTML {
    let papers = site.settings.experiments.map(\.paper.name)
    let other = view.query.experiment.flatMap { papers.contains($0) ? nil : $0 }
    return """
      <form class="filters" aria-label="Which runs">
      \(Self.select("paper", "Paper", [("", "all")] + (papers + (other.map { [$0] } ?? [])).map { ($0, $0) }, fields["paper"]))
      \(Self.select("state", "State", [("", "all")] + RunRecord.State.allCases.map { ($0.rawValue, $0.rawValue) }, fields["state"]))
      \(Self.select("scale", "Scale", [("", "all")] + Scale.allCases.map { ($0.rawValue, $0.rawValue) }, fields["scale"]))
      \(Self.select("sort", "Sort by", try site.store.sortNames().map { ($0, $0) }, view.query.sort))
      \(Self.select("order", "Order", [("", "largest first"), ("ascending", "smallest first")], fields["order"]))
      <button>Show</button>
      </form>
      """
  }

  static func select(_ name: String, _ label: String, _ options: [(value: String, text: String)], _ chosen: String?)
    -> HTML
  {
    let options = options.map { option -> HTML in
      "<option value=\"\(option.value)\"\(" selected", if: option.value == chosen ?? "")>\(option.text)</option>\n"
    }
    return "<label>\(label)\n<select name=\"\(name)\">\n\(options)</select></label>"
  }

  private func pager(_ fields: FormFields, _ view: View) -> HTML {
    guard view.pages > 1 else { return "" }
    let before: HTML =
      view.page > 1 ? "<a rel=\"prev\" href=\"\(fields.query(with: "page", "\(view.page - 1)"))\">Previous</a>" : ""
    let after: HTML =
      view.page < view.pages
      ? "<a rel=\"next\" href=\"\(fields.query(with: "page", "\(view.page + 1)"))\">Next</a>" : ""
    return """
      <nav class="pager" aria-label="Pages of the list">\(before)<span>page \(view.page) of \(view.pages)</span>\(after)</nav>

      """
  }

  // MARK: Comparison

  func comparison(_ fields: FormFields) throws -> Response {
    let names = fields.all("run").reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
    guard names.count > 1 else {
      throw PageError(.badRequest, "Choose two runs or more in the list of runs, then compare them.")
    }
    guard names.count <= Self.comparisonLimit else {
      throw PageError(
        .badRequest, "\(names.count) runs are too many to compare: choose at most \(Self.comparisonLimit).")
    }
    let records = try names.map { name in
      guard let record = try site.store.record(name) else { throw PageError(.notFound, "There is no run \(name).") }
      return record
    }
    let content = try site.reports.comparisonContent(of: records)
    return site.shell.response(
      .init(
        title: content.title, section: .runs, main: HTML(rendered: content.header + content.body + content.footer),
        hasCharts: content.hasCharts))
  }
}
