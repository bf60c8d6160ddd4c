import Foundation

/// What a page says, as HTML for within `main`, with the classes of `ReportStyle.sheet`. All text in it is escaped.
public struct ReportContent: Sendable {
  /// Title of the page, as plain text.
  public let title: String
  /// What it is about, with the page's heading of the first level.
  public let header: String
  /// What is shown.
  public let body: String
  /// Where it comes from, and how it's made again.
  public let footer: String
  /// Whether there are charts in it, which `ReportStyle.drawing` draws.
  public let hasCharts: Bool
  /// Whether there are surfaces in it, which turn where `SurfaceScript` runs and are still pictures else.
  public var hasSurfaces = false
}

/// An HTML page that opens offline: one file with its style, pictures, sounds, charts and the scripts that draw them.
struct Page {
  let content: ReportContent
  let scripts: ChartScripts?

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
    <title>\(Markup.escape(content.title))</title>
    <style>\(ReportStyle.sheet)</style>
    </head>
    <body>
    <main>
    \(content.header)\(content.body)\(content.footer)</main>
    \(content.hasCharts ? scriptElements : "")\(content.hasSurfaces ? surfaceElement : "")</body>
    </html>

    """
  }

  /// Nothing is loaded from outside.
  private static let policy =
    "default-src 'none'; img-src data: blob:; media-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"

  private var surfaceElement: String { "<script>\(SurfaceScript.text)\ndrawSurfaces(document);</script>\n" }

  private var scriptElements: String {
    guard let scripts else { return "" }
    // `<\/` means the same as `</` in a JavaScript string, and doesn't end the element.
    let sources = scripts.sources.map { "<script>\($0.replacing("</script", with: #"<\/script"#))</script>\n" }
    return sources.joined() + "<script>\(ReportStyle.drawing)\ndrawCharts(document);</script>\n"
  }
}
