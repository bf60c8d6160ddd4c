import ArgumentParser
import Foundation
import Lab
import Papers

extension Scale: EnumerableFlag {
  public static func help(for value: Scale) -> ArgumentHelp? {
    switch value {
    case .quick: "At most a minute: does it run, is the direction plausible?"
    case .standard: "At most ten minutes (default)."
    case .full: "At most two hours: all seeds, tuned baselines, ablations."
    }
  }
}

/// Puts a paper's claim to the test.
struct ReproduceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reproduce", abstract: "Put a paper's claim to the test: train, measure, judge, report.",
    discussion: """
      Prints a table of claims, stores the run (see `pinion runs`), and writes its report into a folder of its own. Ctrl-C \
      stops at the next safe place and says how to resume. Exit code 1 means that a claim failed.
      """)

  @Argument(help: "Name or number of the paper.")
  var name: String

  @Flag(exclusivity: .exclusive)
  var scale: Scale?

  @Option(help: "Seed of all randomness (default: 0).")
  var seed: UInt64?

  @Option(help: "Number of seeds; short for --set seeds=N.")
  var seeds: Int?

  @Option(help: "CPU threads (default: all).")
  var threads: Int?

  @Option(
    name: .customLong("set"), parsing: .singleValue,
    help: .init("Change an option that `show` lists.", valueName: "key=value"))
  var settings: [String] = []

  @Option(
    name: [.customLong("out"), .customLong("runs")],
    help: .init("Folder that holds the runs' folders.", valueName: "dir"))
  var out = "runs"

  @Option(help: .init("Go on with a run that was interrupted, given its name or path.", valueName: "run"))
  var resume: String?

  @Option(
    help: .init("Why the run may use data whose statement has blocking findings; stored with it.", valueName: "reason"))
  var acknowledge: String?

  @Flag(help: "Print what happens as events for programs, one JSON object a line.")
  var json = false

  @Flag(help: "Open the report when done.")
  var open = false

  func run() throws {
    let paper = try Catalog.paper(named: name)
    guard let experiment = Catalog.experiment(named: paper.name) else {
      throw UsageError("\(paper.name) isn't reproduced yet; ./pinion list says which papers are")
    }
    // Thread pools are sized when the plugin is loaded, which is when the first tensor is evaluated.
    if let threads {
      let count = try Threads.limit(to: threads)
      if count < threads {
        Terminal.standardError.write("pinion: this process may use \(count) CPUs, not \(threads)\n")
      }
    }
    Interrupt.listen()
    let progress = json ? ProgressDisplay.events { Terminal.standardOutput.write($0) } : .standardError()
    let code: Int32
    do {
      code = try carryOut(
        experiment, runner: Runner(progress: progress), terminal: .standardOutput,
        print: { Terminal.standardOutput.write($0 + "\n") })
    } catch let error as BlockedData {
      for line in error.gate.lines { Terminal.standardError.write(line + "\n") }
      throw error
    }
    if code != 0 { throw ExitCode(code) }
  }

  /// Starts or resumes the run, prints what came of it, and gives the exit code.
  func carryOut<E: Experiment>(
    _ experiment: E, runner: Runner, terminal: Terminal, print: (String) -> Void
  ) throws -> Int32 {
    let root = URL(fileURLWithPath: out, isDirectory: true)
    let result: Runner.Result
    if let resume {
      if scale != nil || seed != nil || seeds != nil || !settings.isEmpty {
        throw UsageError(
          "--resume goes on with the run's own scale, seed and options: leave out --quick, --seed, --set")
      }
      result = try runner.resume(experiment, run: resume, root: root, acknowledgement: acknowledge)
    } else {
      var settings = settings
      if let seeds {
        guard try E.Options.descriptions.contains(where: { $0.name == "seeds" }) else {
          throw UsageError("--seeds \(seeds): \(experiment.paper.name) has no such option")
        }
        settings.append("seeds=\(seeds)")
      }
      let request = Runner.Request(
        scale: scale ?? .standard, seed: seed ?? 0, settings: settings, root: root, acknowledgement: acknowledge)
      result = try runner.start(experiment, request)
    }
    guard let report = result.report else {
      Terminal.standardError.write("interrupted; resume with: \(result.record.resumeCommand(root: out))\n")
      return 130
    }
    let claims = result.record.claims
    if !json {
      print("")
      for line in ClaimTable.lines(claims, width: terminal.width, styled: terminal.styled) { print(line) }
      print("")
      print("Report  \(report.relativePath)")
      print("Took    \(Format.duration(result.record.seconds))")
    }
    if open { openInBrowser(report) }
    return claims.contains { $0.verdict == .fails } ? 1 : 0
  }
}
