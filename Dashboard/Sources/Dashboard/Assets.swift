import Formats
import Foundation
import Hummingbird
import Lab

/// The scripts and style sheets of pages. All are in memory, so no address leads to a file.
struct Assets: Sendable {
  static let prefix = "/static/"

  private struct Asset: Sendable {
    let bytes: ByteBuffer
    let type: String
    let tag: String

    init(_ bytes: [UInt8], _ type: String) {
      self.bytes = ByteBuffer(bytes: bytes)
      self.type = type
      tag = "\"\(SHA256.hex(bytes).prefix(32))\""
    }
  }

  private let assets: [String: Asset]

  init(scripts: ChartScripts?) {
    let script = "text/javascript; charset=utf-8"
    let style = "text/css; charset=utf-8"
    var assets = [
      "report.css": Asset(Array(ReportStyle.sheet.utf8), style),
      "charts.js": Asset(Array(ReportStyle.drawing.utf8), script),
      "page.css": Asset(PackageResources.page_css, style),
      "page.js": Asset(PackageResources.page_js, script),
      "runs.js": Asset(PackageResources.runs_js, script),
      "run.js": Asset(PackageResources.run_js, script),
      "icon.svg": Asset(PackageResources.icon_svg, "image/svg+xml"),
    ]
    for (name, source) in zip(ChartScripts.names, scripts?.sources ?? []) {
      assets[name] = Asset(Array(source.utf8), script)
    }
    self.assets = assets
  }

  /// An asset, or that the browser's copy of it is right.
  func response(_ name: String, _ request: Request) throws -> Response {
    guard let asset = assets[name] else { throw PageError(.notFound, "There is no such file.") }
    if request.headers[.ifNoneMatch] == asset.tag { return Response(status: .notModified, headers: [.eTag: asset.tag]) }
    return Response(
      status: .ok, headers: [.contentType: asset.type, .eTag: asset.tag], body: .init(byteBuffer: asset.bytes))
  }
}
