import Foundation
import Hummingbird
import Lab

/// The papers with their latest measured claims, and a page for each, from which runs are started.
struct PapersPage: Sendable {
  let site: Site

  // MARK: List

  func list() throws -> Response {
    let papers = site.settings.papers
    let reproduced = papers.count { site.experiment(named: $0.name) != nil }
    let rows = try papers.map { paper -> HTML in
      """
      <tr><td class="right">\(paper.number)</td>\
      <th scope="row"><a href="\(Address.paper(paper.name))">\(paper.name)</a><span class="note">\(paper.title)</span></th>\
      <td class="wide">\(paper.field)</td><td class="wide">\(paper.claim)</td><td>\(try measured(paper))</td></tr>

      """
    }
    let main: HTML = """
      <h1>Papers</h1>
      <p class="lead">\(papers.count) papers of one day; \(reproduced) can be reproduced here. The claims are those of the latest run \
      that was done, and a quick one counts only where there is no other.</p>
      <div class="scroll"><table class="papers">
      <caption class="unseen">Papers with their claims</caption>
      <thead><tr><th scope="col" class="right">No.</th><th scope="col">Paper</th><th scope="col" class="wide">Field</th>\
      <th scope="col" class="wide">The paper's claim</th><th scope="col">Measured here</th></tr></thead>
      <tbody>
      \(rows)</tbody>
      </table></div>
      """
    return site.shell.response(.init(title: "Papers", section: .papers, main: main))
  }

  /// The run whose claims count: the latest one that was done, and a quick one only where there is no other.
  func latest(_ paper: Paper) throws -> RunRecord? {
    var query = RunQuery(experiment: paper.name, states: [.done], limit: 1)
    let longer = try [Scale.standard, .full].compactMap { scale -> RunRecord? in
      query.options = [("scale", scale.rawValue)]
      return try site.store.runs(query).first?.record
    }
    if let latest = longer.max(by: { $0.started < $1.started }) { return latest }
    query.options = []
    return try site.store.runs(query).first?.record
  }

  private func measured(_ paper: Paper) throws -> HTML {
    guard let run = try latest(paper) else {
      return site.experiment(named: paper.name) == nil
        ? "<span class=\"note\">not reproduced yet</span>" : "<span class=\"note\">no run yet</span>"
    }
    let claims = run.claims.map { claim -> HTML in
      "<li><span>\(claim.name) <strong>\(claim.measuredText)</strong></span> \(HTML.verdict(claim.verdict, claim.verdictText))</li>\n"
    }
    return """
      <ul class="claims">
      \(claims)</ul>
      <span class="note"><a href="\(Address.run(run.id))">\(run.scale.rawValue) run</a>, \(HTML.time(run.started))</span>
      """
  }

  // MARK: A paper

  private func paper(_ name: String) throws -> Paper {
    guard let paper = site.settings.papers.first(where: { $0.name == name }) else {
      throw PageError(.notFound, "There is no paper \(name).")
    }
    return paper
  }

  func page(_ name: String) throws -> Response { try page(name, form: FormFields(), problem: nil) }

  private func page(_ name: String, form: FormFields, problem: String?) throws -> Response {
    let paper = try paper(name)
    var credits: [HTML] = []
    if !paper.authors.isEmpty { credits.append("\(paper.authors). ") }
    if let arXiv = paper.arXiv, let url = paper.url {
      credits.append("<a href=\"\(url)\" rel=\"noreferrer\">arXiv \(arXiv)</a>")
    }
    let data: HTML = paper.data.isEmpty ? "" : "<dt>data</dt><dd>\(paper.data)</dd>\n"
    let main: HTML = """
      <header>
      <p class="kicker">Paper \(paper.number) · \(paper.field)</p>
      <h1>\(paper.title)</h1>
      <p class="credits">\(credits)</p>
      <p class="lead">\(paper.claim)</p>
      </header>
      \(try start(paper, form, problem))
      <section><h2>Measured here</h2>
      \(try measured(paper))
      </section>
      \(try recent(paper))
      <section><h2>About the reproduction</h2>
      <dl>
      \(data)<dt>command</dt><dd><code>./pinion show \(paper.name)</code></dd>
      </dl></section>
      """
    return site.shell.response(
      .init(
        title: paper.title, section: .papers, main: main, status: problem == nil ? .ok : .unprocessableContent))
  }

  private func recent(_ paper: Paper) throws -> HTML {
    let runs = try site.store.runs(RunQuery(experiment: paper.name, limit: 8))
    if runs.isEmpty { return "" }
    let items = runs.map { run -> HTML in
      "<li><a href=\"\(Address.run(run.record.id))\">\(run.record.id)</a> \(HTML.state(run.record.state)) \(HTML.time(run.record.started))</li>\n"
    }
    return """
      <section><h2>Latest runs</h2>
      <ul class="plain">
      \(items)</ul>
      <p><a href="/?paper=\(Address.encode(paper.name))">All runs of \(paper.name)</a></p></section>
      """
  }

  // MARK: Start

  /// The form that starts a run.
  private func start(_ paper: Paper, _ form: FormFields, _ problem: String?) throws -> HTML {
    guard site.control != nil else { return "" }
    guard let experiment = site.experiment(named: paper.name) else {
      return "<p class=\"state\">This paper isn't reproduced yet.</p>\n"
    }
    let scales = Scale.allCases.map { scale -> HTML in
      let isChosen = scale.rawValue == form["scale"] ?? Scale.quick.rawValue
      let time: HTML = paper.minutes[scale].map { "<span class=\"note\">about \(Self.about($0))</span>" } ?? ""
      return """
        <label class="choice"><input type="radio" name="scale" value="\(scale.rawValue)"\(" checked", if: isChosen)> \
        \(scale.rawValue) \(time)</label>

        """
    }
    let error: HTML = problem.map { "<p class=\"state blocking\" role=\"alert\" id=\"problem\">\($0)</p>\n" } ?? ""
    return """
      <section aria-labelledby="start"><h2 id="start">Start a run</h2>
      \(error)<form method="post" action="\(Address.paper(paper.name))/runs" class="start">\(site.tokenField)
      <fieldset><legend>Scale</legend>
      \(scales)</fieldset>
      <label>Seed <input name="seed" inputmode="numeric" pattern="[0-9]{1,19}" value="\(form["seed"] ?? "0")" required></label>
      \(try options(experiment, form))
      \(try gate(experiment, form))
      <p><button class="main">Start</button></p>
      </form></section>
      """
  }

  private static func about(_ minutes: Double) -> String {
    minutes < 1 ? "\(Format.short(60 * minutes)) s" : "\(Format.short(minutes)) min"
  }

  private func options(_ experiment: some Experiment, _ form: FormFields) throws -> HTML {
    let options = try Self.descriptions(experiment)
    guard !options.isEmpty else { return "" }
    let chosen = form.withPrefix("set.")
    let fields = options.enumerated().map { place, option -> HTML in
      let defaults = Scale.allCases.compactMap { option.defaults[$0]?.text }
      let shown =
        Set(defaults).count == 1
        ? defaults[0] : zip(Scale.allCases, defaults).map { "\($0) \($1)" }.joined(separator: ", ")
      let value = chosen.first { $0.name == option.name }?.value ?? ""
      return """
        <div class="option"><label for="option-\(place)"><code>\(option.name)</code></label>
        <input id="option-\(place)" name="set.\(option.name)" value="\(value)" placeholder="\(Format.fit(shown, to: 60))" \
        aria-describedby="help-\(place)" autocomplete="off" spellcheck="false">
        <p class="note" id="help-\(place)">\(option.help.isEmpty ? "" : option.help + "; ")\(option.kind)</p></div>

        """
    }
    let isOpen = !chosen.isEmpty
    return """
      <details\(" open", if: isOpen)><summary>Options, where not as usual</summary>
      <div class="options">
      \(fields)</div></details>
      """
  }

  static func descriptions<E: Experiment>(_ experiment: E) throws -> [OptionDescription] {
    try E.Options.descriptions
  }

  private static func check<E: Experiment>(_ experiment: E, _ settings: [String], _ scale: Scale) throws {
    _ = try E.Options.parse(settings, scale: scale)
  }

  /// Where the data has blocking findings, what they are and the field for a reason.
  private func gate(_ experiment: some Experiment, _ form: FormFields) throws -> HTML {
    guard let gate = try DataGate(experiment.datasets, site.settings.datasets) else { return "" }
    let findings = gate.blocked.flatMap { one in
      one.findings.map { finding -> HTML in
        "<li><a href=\"\(Address.dataset(one.dataset))\">\(one.dataset)</a>: \(finding.text). \(finding.remedy)</li>\n"
      }
    }
    return """
      <div class="state blocking"><p>The statements of its data have blocking findings:</p>
      <ul>
      \(findings)</ul></div>
      <label>Reason to run it all the same <input name="reason" value="\(form["reason"] ?? "")" required></label>
      """
  }

  /// Starts a run and sends the browser to its page; shows the form again where that can't be.
  func start(_ name: String, _ form: FormFields) async throws -> Response {
    guard let control = site.control else { throw PageError(.forbidden, "This dashboard only shows.") }
    do {
      let request = try request(name, form)
      let id = try await control.start(request)
      return Response(status: .seeOther, headers: [.location: Address.run(id)])
    } catch let error as UsageError {
      return try await site.answer { try page(name, form: form, problem: error.description) }
    }
  }

  private func request(_ name: String, _ form: FormFields) throws -> RunControl.Request {
    let paper = try paper(name)
    guard let experiment = site.experiment(named: paper.name) else {
      throw PageError(.conflict, "\(paper.name) isn't reproduced yet.")
    }
    guard let scale = form.filled("scale").flatMap(Scale.init) else {
      throw UsageError("scale: expected one of \(Scale.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    guard let seed = form.filled("seed").flatMap({ UInt64($0) }) else {
      throw UsageError("seed: expected a whole number from 0")
    }
    let settings = form.withPrefix("set.")
    // Said on the form at once; the program itself checks too.
    try Self.check(experiment, settings.map { "\($0.name)=\($0.value)" }, scale)
    return RunControl.Request(
      paper: paper.name, scale: scale, seed: seed, settings: settings, reason: form.filled("reason"))
  }
}
