import ArgumentParser
import Formats
import Foundation
import Lab
import Papers

/// Makes a report of stored runs.
struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report", abstract: "Make the report of a run, or a page that compares several.",
    discussion: """
      The report of one run is made again in its folder. Of several, a page shows their claims side by side, what \
      differs, and each metric with its spread over the seeds; runs that differ in the seed alone are one column.
      """)

  @OptionGroup var folder: RunsFolder

  @Option(help: .init("File to write (default: in the folder of the run, or of the runs).", valueName: "file.html"))
  var out: String?

  @Flag(help: "Open the page in the browser.")
  var open = false

  @Argument(help: "The runs: the whole name, its beginning, its end, or `latest`.")
  var runs: [String]

  func run() throws {
    let store = try folder.store()
    let records = try RunFilter.named(runs, store)
    let builder = ReportBuilder(store: store)
    let url: URL
    let html: String
    if records.count == 1 {
      let record = records[0]
      let paper = (try? Catalog.paper(named: record.experiment)) ?? Self.unknown(record.experiment)
      url = out.map { URL(fileURLWithPath: $0) } ?? store.folder(of: record.id).appending(path: "report.html")
      html = try builder.report(of: record, paper: paper)
    } else {
      url = out.map { URL(fileURLWithPath: $0) } ?? store.root.appending(path: "comparison.html")
      html = try builder.comparison(of: records)
    }
    // A run's folder may have been removed by hand.
    if out == nil {
      try? FileManager.default.createDirectory(at: store.folder(of: records[0].id), withIntermediateDirectories: true)
    }
    try File.write(html, to: url.path)
    Terminal.standardOutput.write("Report  \(url.relativePath)\n")
    if open { openInBrowser(url) }
  }

  /// Stands for a paper that this version doesn't know.
  private static func unknown(_ name: String) -> Paper {
    Paper(number: 0, name: name, title: name, field: "", claim: "")
  }
}
