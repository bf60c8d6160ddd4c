import Foundation
import Hummingbird
import Lab

/// What stands around each page: title, navigation, scripts.
struct Shell: Sendable {
  /// A place of the navigation.
  enum Section: String, CaseIterable {
    case runs = "Runs"
    case papers = "Papers"
    case data = "Data sets"

    var address: String {
      switch self {
      case .runs: "/"
      case .papers: "/papers"
      case .data: "/data"
      }
    }
  }

  /// What a page is made of.
  struct Content {
    var title: String
    var section: Section?
    var main: HTML
    /// Whether Vega's scripts are needed.
    var hasCharts = false
    /// Where the page listens for what changes; nil where nothing does.
    var events: String?
    /// Script of the page besides that of all pages.
    var script: String?
    var status = HTTPResponse.Status.ok
  }

  let canDraw: Bool

  func response(_ content: Content) -> Response {
    var scripts: [String] = []
    if content.hasCharts && canDraw { scripts += ChartScripts.names + ["charts.js"] }
    scripts.append("page.js")
    if let script = content.script { scripts.append(script) }
    let elements: [HTML] = scripts.map { "<script src=\"\(Assets.prefix + $0)\" defer></script>\n" }
    let links = Section.allCases.map { section -> HTML in
      let current: HTML = section == content.section ? " aria-current=\"page\"" : ""
      return "<li><a href=\"\(section.address)\"\(current)>\(section.rawValue)</a></li>\n"
    }
    let events: HTML = content.events.map { " data-events=\"\($0)\"" } ?? ""
    let html: HTML = """
      <!doctype html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">
      <title>\(content.title) · Pinion</title>
      <link rel="icon" href="\(Assets.prefix)icon.svg" type="image/svg+xml">
      <link rel="stylesheet" href="\(Assets.prefix)report.css">
      <link rel="stylesheet" href="\(Assets.prefix)page.css">
      \(elements)</head>
      <body\(events)>
      <a class="skip" href="#main">Skip to content</a>
      <header class="bar">
      <a class="brand" href="/">Pinion</a>
      <nav aria-label="Pages"><ul>
      \(links)</ul></nav>
      <p id="connection" class="note" hidden>not connected</p>
      </header>
      <main id="main" tabindex="-1">
      \(content.main)</main>
      <p id="announcement" class="unseen" role="status"></p>
      </body>
      </html>

      """
    return Response(
      status: content.status, headers: [.contentType: "text/html; charset=utf-8"],
      body: .init(byteBuffer: ByteBuffer(string: html.text)))
  }

  /// The page of an error.
  func problem(_ status: HTTPResponse.Status, _ message: String) -> Response {
    response(
      Content(
        title: "Error \(status.code)",
        main: """
          <h1>\(status.reasonPhrase)</h1>
          <p class="lead">\(message)</p>

          """, status: status))
  }

  /// The page for who comes without the key.
  func closed() -> Response {
    response(
      Content(
        title: "Closed",
        main: """
          <h1>This dashboard is closed</h1>
          <p class="lead">Open the address that <code>./pinion dashboard</code> shows in its terminal: it ends in a key, \
          which is a new one after each start.</p>

          """, status: .forbidden))
  }
}
