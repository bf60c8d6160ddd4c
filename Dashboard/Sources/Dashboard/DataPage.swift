import Foundation
import Hummingbird
import Lab

/// The data sets with what their audits find, and the statement of each.
struct DataPage: Sendable {
  let site: Site

  private var registry: DatasetRegistry { site.settings.datasets }

  func list() throws -> Response {
    let sets = try registry.all()
    let rows = sets.map { info -> HTML in
      let name: HTML = """
        <th scope="row"><a href="\(Address.dataset(info.name))">\(info.name)</a><span class="note">\(info.title)</span></th>
        """
      // One statement that can't be read is no reason to show none of the others.
      do {
        let entry = try registry.entry(info)
        let known = entry.measures.total
        return """
          <tr>\(name)<td>\(Self.findings(entry))</td><td class="right">\(known.known) of \(known.applicable)</td>\
          <td class="wide">\(info.licence)</td><td class="right wide">\(Format.bytes(info.byteCount))</td></tr>

          """
      } catch {
        return "<tr>\(name)<td colspan=\"4\">\("\(error)")</td></tr>\n"
      }
    }
    let main: HTML = """
      <h1>Data sets</h1>
      <p class="lead">Each set has a statement: who is in it, who made, holds and uses it, what was agreed, what came back.</p>
      <div class="scroll"><table>
      <caption class="unseen">Data sets with the findings of their audits</caption>
      <thead><tr><th scope="col">Data set</th><th scope="col">Findings</th><th scope="col" class="right">Known answers</th>\
      <th scope="col" class="wide">Licence</th><th scope="col" class="right wide">Size</th></tr></thead>
      <tbody>
      \(rows)</tbody>
      </table></div>
      <p class="note"><code>./pinion data add FOLDER --name NAME</code> registers a set of yours, \
      <code>./pinion data statement NAME</code> asks the questions of its statement.</p>
      """
    return site.shell.response(.init(title: "Data sets", section: .data, main: main))
  }

  /// How many findings there are of each severity.
  private static func findings(_ entry: DatasetRegistry.Entry) -> HTML {
    let counts = Severity.allCases.compactMap { severity -> HTML? in
      let count = entry.findings.count { $0.severity == severity }
      guard count > 0 else { return nil }
      return "<span class=\"verdict \(severity.rawValue)\">\(count) \(severity.rawValue)</span> "
    }
    return counts.isEmpty ? "none" : "\(counts)"
  }

  func page(_ name: String) throws -> Response {
    guard let info = try registry.all().first(where: { $0.name == name }) else {
      throw PageError(.notFound, "There is no data set \(name).")
    }
    let content = try StatementReport.content(registry.entry(info), drawsCharts: site.settings.scripts != nil)
    let main: HTML = """
      \(HTML(rendered: content.header))
      \(questions(try registry.statement(of: info)))
      \(HTML(rendered: content.body))
      \(facts(info))
      \(HTML(rendered: content.footer))
      """
    return site.shell.response(
      .init(title: content.title, section: .data, main: main, hasCharts: content.hasCharts))
  }

  /// What is to be asked first of those questions that are open.
  private func questions(_ statement: DataStatement) -> HTML {
    let open = Question.quick.filter { statement[$0.field].content == .unknown }
    if open.isEmpty { return "" }
    let items = open.map { question -> HTML in
      "<li>\(question.text) <span class=\"note\">\(question.why)</span></li>\n"
    }
    return """
      <section><h2>To be asked first</h2>
      <ul>
      \(items)</ul>
      <p class="note"><code>./pinion data statement \(statement.name) --quick</code> asks them.</p></section>
      """
  }

  private func facts(_ info: DatasetInfo) -> HTML {
    let files = ReportTable(
      columns: [.init("file"), .init("size", .right), .init("SHA-256")],
      rows: info.files.map { [$0.name, Format.bytes($0.byteCount), $0.sha256] })
    let fields = ReportTable(
      columns: [.init("field"), .init("type"), .init("meaning")],
      rows: info.schema.map { [$0.name, $0.type, $0.meaning] })
    var facts: [(String, String)] = [("source", info.source), ("licence", info.licence)]
    if !info.splits.isEmpty {
      facts.append(("splits", info.splits.map { "\($0.name) \($0.count)" }.joined(separator: ", ")))
    }
    if !info.loader.isEmpty { facts.append(("loader", info.loader)) }
    if let path = info.path { facts.append(("place", path)) }
    let list = facts.map { "<dt>\($0.0)</dt><dd>\($0.1)</dd>\n" as HTML }
    return """
      <section><h2>The set</h2>
      <dl>
      \(list)</dl>
      \(HTML(rendered: info.schema.isEmpty ? "" : BlockMarkup.html(fields)))
      <details class="hashes"><summary>\(info.files.count) \(info.files.count == 1 ? "file" : "files")</summary>
      \(HTML(rendered: BlockMarkup.html(files, limit: 200)))</details></section>
      """
  }
}
