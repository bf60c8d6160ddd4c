import ArgumentParser
import Dashboard
import Foundation
import Hummingbird
import Lab
import NIOCore

/// The program that `./pinion dashboard` starts.
@main struct DashboardCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pinion dashboard", abstract: "Show runs, papers and data sets in a browser, and start and stop runs.",
    discussion: """
      Listens on this machine's loopback address only. The address that it prints has a key, without which the pages are \
      closed. Ctrl-C stops the dashboard; runs that were started from it go on.
      """)

  @Option(help: "Port to listen on; 0 for one that is free.")
  var port = 2626

  @Flag(help: "Open the dashboard in a browser.")
  var open = false

  @Flag(name: .customLong("no-control"), help: "Only show: runs can't be started or stopped from the pages.")
  var noControl = false

  @Option(
    name: [.customLong("out"), .customLong("runs")],
    help: .init("Folder that holds the runs' folders.", valueName: "dir"))
  var out = "runs"

  @Option(help: .init("Program that runs experiments (default: pinion-cli of the checkout).", valueName: "path"))
  var program: String?

  func validate() throws {
    guard (0...65_535).contains(port) else {
      throw ValidationError("--port \(port): expected a number from 0 to 65535")
    }
  }

  static func main() async {
    do {
      var command = try parse()
      try await command.run()
    } catch {
      if exitCode(for: error) == .success { exit(withError: error) }
      let lines = message(for: error).split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
      Terminal.standardError.write("pinion: \(lines.joined(separator: "; "))\n")
      Foundation.exit(2)
    }
  }

  mutating func run() async throws {
    let root = URL(fileURLWithPath: out, isDirectory: true)
    var settings = Dashboard.Settings(root: root, port: port, program: noControl ? nil : programURL)
    settings.program = settings.program?.absoluteURL
    let dashboard = try Dashboard(settings)
    let opens = open
    let application = dashboard.application { port in
      let address = dashboard.address(port: port)
      Terminal.standardOutput.write("Dashboard  \(address.absoluteString)\nCtrl-C stops it; runs go on.\n")
      if opens { await Self.show(address) }
    }
    do {
      try await application.runService()
    } catch let error as IOError where error.errnoCode == EADDRINUSE {
      throw UsageError(
        "port \(port) is in use, perhaps by another dashboard: stop it, or take another one with --port (0: any that is free)"
      )
    } catch let error as IOError {
      throw UsageError("port \(port): can't listen (\(String(cString: strerror(error.errnoCode))))")
    }
  }

  /// `pinion-cli` as the launcher builds it, else beside this program.
  private var programURL: URL {
    if let program { return URL(fileURLWithPath: program) }
    let name = "pinion-cli"
    if let root = ProcessInfo.processInfo.environment["PINION_ROOT"] {
      return URL(fileURLWithPath: root).appending(path: ".build/release/\(name)")
    }
    let own = URL(fileURLWithPath: Bundle.main.executablePath ?? ".").resolvingSymlinksInPath()
    return own.deletingLastPathComponent().appending(path: name)
  }

  /// Opens the address by way of a file that only the user can read: arguments of programs can be seen by all.
  private static func show(_ address: URL) async {
    let file = FileManager.default.temporaryDirectory.appending(path: "pinion-\(UUID().uuidString).html")
    let page = """
      <!doctype html><meta charset="utf-8"><title>Pinion</title>
      <meta http-equiv="refresh" content="0;url=\(Markup.escape(address.absoluteString))">
      <p>The dashboard is at <a href="\(Markup.escape(address.absoluteString))">this address</a>.</p>

      """
    let isWritten = FileManager.default.createFile(
      atPath: file.path, contents: Data(page.utf8), attributes: [.posixPermissions: 0o600])
    guard isWritten else { return }
    openInBrowser(file)
    // The browser has read it by then, or never will.
    try? await Task.sleep(for: .seconds(20))
    try? FileManager.default.removeItem(at: file)
  }
}
