import Foundation
import Hummingbird
import Lab

/// The page of a run: its report where it has ended, what happens while it runs, its log and files.
struct RunPage: Sendable {
  let site: Site

  /// Bytes of a log that a page shows.
  static let logLimit = 1 << 16

  private func record(_ id: String) throws -> RunRecord {
    guard let record = try site.store.record(id) else { throw PageError(.notFound, "There is no run \(id).") }
    return record
  }

  func page(_ id: String) throws -> Response {
    try site.store.settle()
    let record = try record(id)
    let isLive = record.state == .running
    let content = try site.reports.content(of: record, paper: site.paper(of: record), isLive: isLive)
    let main: HTML = """
      \(HTML(rendered: content.header))
      <section class="status" id="status" aria-label="State">
      <p class="facts" id="facts">\(facts(record))</p>
      <div id="action">\(action(record))</div>
      </section>
      \(isLive ? try live(record) : HTML(rendered: content.body))
      \(log(id, isLive: isLive))
      \(try files(id))
      \(HTML(rendered: content.footer))
      """
    return site.shell.response(
      .init(
        title: "\(record.state == .done ? "" : "\(record.state.rawValue): ")\(id)", section: .runs, main: main,
        hasCharts: isLive || content.hasCharts, events: isLive ? "/events" + Address.run(id) : nil, script: "run.js"))
  }

  // MARK: State

  /// The state with what tells the run from others.
  func facts(_ record: RunRecord) -> HTML {
    """
    \(HTML.state(record.state)) <code>\(record.id)</code> \
    <span>\(record.scale.rawValue), seed \("\(record.seed)"), \(Format.duration(record.seconds))</span>
    """
  }

  /// What can be done about the state. Apart from the facts, which change all the time: nobody hits a button that does.
  func action(_ record: RunRecord) -> HTML {
    guard let control = site.control else { return "" }
    switch record.state {
    case .running:
      let isStopping = control.isStopping(record.id)
      let note: HTML = "<p class=\"note\">It stops at the next safe place, and can go on from there.</p>"
      return """
        \(note, if: isStopping)
        <form method="post" action="\(Address.run(record.id))/stop">\(site.tokenField)
        <button id="stop" class="danger">\(isStopping ? "Stop at once" : "Stop")</button></form>
        """
    case .failed, .interrupted:
      guard site.experiment(named: record.experiment) != nil else { return "" }
      return """
        <form method="post" action="\(Address.run(record.id))/resume">\(site.tokenField)
        <button id="resume">Go on from the last checkpoint</button></form>
        """
    case .done: return ""
    }
  }

  func stop(_ id: String) async throws -> Response {
    let control = try control()
    do {
      try await Site.offload { try control.stop(id) }
    } catch let error as UsageError { throw PageError(.conflict, error.description) }
    return Response(status: .seeOther, headers: [.location: Address.run(id)])
  }

  func resume(_ id: String) async throws -> Response {
    let control = try control()
    let record = try await Site.offload { try self.record(id) }
    guard site.experiment(named: record.experiment) != nil, [.failed, .interrupted].contains(record.state) else {
      throw PageError(.conflict, "\(id) isn't a run to go on with.")
    }
    do {
      try await control.resume(record)
    } catch let error as UsageError { throw PageError(.conflict, error.description) }
    return Response(status: .seeOther, headers: [.location: Address.run(id)])
  }

  private func control() throws -> RunControl {
    guard let control = site.control else { throw PageError(.forbidden, "This dashboard only shows.") }
    return control
  }

  // MARK: What happens

  /// Places for what the page is told; without scripts they show how it stood.
  private func live(_ record: RunRecord) throws -> HTML {
    """
    <section aria-labelledby="metrics">
    <h2 id="metrics">Metrics</h2>
    <div id="charts"></div>
    <div id="latest">\(Self.latest(try site.store.series(of: record.id)))</div>
    </section>
    """
  }

  /// The last value of each series.
  static func latest(_ series: [MetricSeries]) -> HTML {
    guard !series.isEmpty else { return "<p>Nothing is measured yet.</p>" }
    let table = ReportTable(
      columns: [.init("metric"), .init("series"), .init("step", .right), .init("latest value", .right)],
      rows: series.map {
        [$0.metric, $0.series.isEmpty ? "–" : $0.series, "\($0.lastStep)", Format.short($0.lastValue)]
      })
    return HTML(rendered: BlockMarkup.html(table))
  }

  private func log(_ id: String, isLive: Bool) -> HTML {
    func box(_ file: RunStore.LogFile, _ label: String, _ place: HTML) -> HTML {
      let text = site.store.text(file, of: id, limit: Self.logLimit)?.text ?? ""
      if text.isEmpty && (!isLive || file == .errors) {
        return isLive
          ? "<pre id=\"\(place)\" role=\"log\" aria-label=\"\(label)\" aria-live=\"off\" tabindex=\"0\" hidden></pre>\n"
          : ""
      }
      return """
        <pre id="\(place)" role="log" aria-label="\(label)" aria-live="off" tabindex="0">\(text)</pre>

        """
    }
    let boxes = box(.log, "Log", "log") + box(.errors, "Errors of the process", "errors")
    if boxes == "" { return "" }
    return isLive
      ? "<section>\n<h2>Log</h2>\n\(boxes)</section>\n"
      : "<section>\n<h2>Log</h2>\n<details><summary>What the run said</summary>\n\(boxes)</details></section>\n"
  }

  // MARK: Files

  private func files(_ id: String) throws -> HTML {
    let artifacts = try site.store.artifacts(of: id)
    let series = try site.store.series(of: id)
    if artifacts.isEmpty && series.isEmpty { return "" }
    let points: HTML =
      series.isEmpty
      ? "" : "<li><a href=\"\(Address.run(id))/metrics.csv\" download>metrics.csv</a> all points of all metrics</li>\n"
    let kept = artifacts.map { artifact -> HTML in
      """
      <li><a href="\(Address.run(id))/files/\(Address.encode(artifact.name))" download>\(artifact.name)</a> \
      \(Format.bytes(artifact.byteCount))</li>

      """
    }
    return "<section>\n<h2>Files</h2>\n<ul>\n\(points)\(kept)</ul>\n</section>\n"
  }

  /// All points of a run as CSV.
  func metrics(_ id: String) throws -> Response {
    let record = try record(id)
    var buffer = ByteBuffer()
    try RunExport(store: site.store, table: .metrics, format: .csv).write([record]) { buffer.writeString($0) }
    return Self.download("metrics.csv", "text/csv; charset=utf-8", buffer)
  }

  /// A file that the run kept. Whatever its type is, a browser stores it and doesn't show it.
  func file(_ name: String, of id: String) throws -> Response {
    guard let artifact = try site.store.artifacts(of: record(id).id).first(where: { $0.name == name }) else {
      throw PageError(.notFound, "The run \(id) has no file \(name).")
    }
    let bytes = try site.store.bytes(of: artifact)
    return Self.download(
      name.split(separator: "/").last.map(String.init) ?? "file", "application/octet-stream", ByteBuffer(bytes: bytes))
  }

  private static func download(_ name: String, _ type: String, _ bytes: ByteBuffer) -> Response {
    Response(
      status: .ok,
      headers: [.contentType: type, .contentDisposition: "attachment; filename*=UTF-8''\(Address.encode(name))"],
      body: .init(byteBuffer: bytes))
  }
}
