import ArgumentParser
import Foundation
import Lab
import Papers

/// The root of the command line.
struct PinionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pinion",
    abstract: "The methods of 26 papers of one day, reproduced on one array library.",
    discussion: """
      Start with `./pinion list`, then `./pinion reproduce tnt --quick`.

      Every command takes --stats, which says at the end where time and memory went, and --trace file.json, which \
      writes a trace that ui.perfetto.dev shows.

      Exit codes: 0 all went well, 1 a claim or a check failed, 2 the command or its input can't be used, 130 interrupted.
      """,
    subcommands: [
      ListCommand.self, ShowCommand.self, ReproduceCommand.self, RunsCommand.self, ReportCommand.self, DataCommand.self,
      RunCommand.self, GoldenCommand.self, DoctorCommand.self, VersionCommand.self,
    ],
    groupedSubcommands: Catalog.commands.isEmpty
      ? [] : [CommandGroup(name: "Papers on your own data", subcommands: Catalog.commands)])
}

/// Prints the version.
struct VersionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "version", abstract: "Print the version.")

  /// Version of the package.
  static let number = "0.1.0"

  func run() { Terminal.standardOutput.write("pinion \(Self.number) (\(CodeVersion.current))\n") }
}

@main enum Main {
  static func main() {
    var code: Int32 = 0
    do {
      var arguments = Array(CommandLine.arguments.dropFirst())
      let observation = try Observation(takingFrom: &arguments)
      try observation.start()
      defer { observation.finish() }
      var command = try PinionCommand.parseAsRoot(arguments)
      try command.run()
    } catch {
      code = report(error)
    }
    exit(code)
  }

  /// Says what went wrong, in one line, and gives the exit code.
  static func report(_ error: any Error) -> Int32 {
    if let code = error as? ExitCode { return code.rawValue }
    if PinionCommand.exitCode(for: error) == .success {
      Terminal.standardOutput.write(PinionCommand.fullMessage(for: error) + "\n")
      return 0
    }
    let message = PinionCommand.message(for: error).split(separator: "\n", omittingEmptySubsequences: true)
      .map { $0.trimmingCharacters(in: .whitespaces) }.joined(separator: "; ")
    let hint = String(reflecting: type(of: error)).hasPrefix("ArgumentParser.") ? "; see ./pinion --help" : ""
    Terminal.standardError.write("pinion: \(message)\(hint)\n")
    return 2
  }
}
