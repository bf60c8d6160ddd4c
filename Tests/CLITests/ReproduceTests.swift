import Foundation
import Synchronization
import Testing

@testable import CLI
@testable import Lab

/// An experiment that measures what its options say.
private struct Saying: Experiment {
  struct Options: ExperimentOptions {
    var measured = 1.0
    var seeds = 1
    init(scale: Scale) {}
    static let help = ["measured": "what is measured"]
  }

  let paper = Paper(
    number: 1, name: "saying", title: "Saying", field: "tests", claim: "It says so.", data: "none",
    minutes: [.quick: 0.5, .standard: 2])

  func run(_ context: RunContext<Options>) throws -> Outcome {
    try context.checkInterrupt()
    let claim = Claim(
      "number", statement: "the number is large", measured: context.options.measured, comparison: .atLeast,
      threshold: 1, baseline: "nothing", seeds: context.options.seeds)
    return Outcome(claims: [claim])
  }
}

@Suite struct ReproduceTests {
  private let root = FileManager.default.temporaryDirectory.appending(path: "cli-\(UUID().uuidString)")

  private func reproduce(_ arguments: String..., interrupt: Interrupt = Interrupt()) throws -> (Int32, [String]) {
    defer { try? FileManager.default.removeItem(at: root) }
    let lines = Mutex<[String]>([])
    let command = try ReproduceCommand.parse(["saying", "--out", root.path] + arguments)
    let code = try command.carryOut(
      Saying(), runner: Runner(progress: .silent(), interrupt: interrupt), terminal: .standardOutput,
      print: { line in lines.withLock { $0.append(line) } })
    return (code, lines.withLock { $0 })
  }

  @Test func aClaimThatHoldsExitsWith0() throws {
    let (code, lines) = try reproduce("--seeds", "3")
    #expect(code == 0)
    #expect(
      lines[3].split(separator: "  ").map { $0.trimmingCharacters(in: .whitespaces) } == [
        "number", "1", "≥ 1", "nothing", "3", "holds",
      ])
    #expect(lines.contains { $0.hasPrefix("Report  ") && $0.hasSuffix("/report.html") })
  }

  @Test func programsAreToldAllInJSON() throws {
    defer { try? FileManager.default.removeItem(at: root) }
    let events = Mutex<[String]>([])
    let command = try ReproduceCommand.parse(["saying", "--json", "--out", root.path, "--set", "measured=0.5"])
    let runner = Runner(progress: .events { line in events.withLock { $0.append(line) } }, interrupt: Interrupt())
    let printed = Mutex(0)
    let code = try command.carryOut(
      Saying(), runner: runner, terminal: .standardOutput, print: { _ in printed.withLock { $0 += 1 } })
    #expect(code == 1)
    #expect(printed.withLock { $0 } == 0)
    let lines = events.withLock { $0 }
    let objects = try lines.map {
      try #require(JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
    #expect(objects.compactMap { $0["event"] as? String } == ["start", "note", "claim", "end"])
    #expect(objects[0]["experiment"] as? String == "saying")
    #expect((objects[0]["options"] as? [String: Any])?["measured"] as? Double == 0.5)
    #expect((objects[2]["claim"] as? [String: Any])?["measured"] as? Double == 0.5)
    #expect(objects[2]["verdict"] as? String == "fails")
    #expect(objects[3]["state"] as? String == "done")
    #expect(FileManager.default.fileExists(atPath: try #require(objects[3]["report"] as? String)))
  }

  @Test func aClaimThatFailsExitsWith1() throws {
    let (code, lines) = try reproduce("--set", "measured=0.5")
    #expect(code == 1)
    #expect(lines[3].hasSuffix("fails"))
  }

  @Test func quickScaleGivesNoVerdictAndSaysSo() throws {
    let (code, lines) = try reproduce("--quick", "--set", "measured=0.5")
    #expect(code == 0)
    #expect(lines[3].hasSuffix("informative (doesn't point that way)"))
    #expect(lines[4].hasPrefix("Quick scale has too few seeds"))
  }

  @Test func anInterruptedRunExitsWith130() throws {
    let interrupt = Interrupt()
    interrupt.request()
    let (code, lines) = try reproduce(interrupt: interrupt)
    #expect(code == 130)
    #expect(lines.isEmpty)
  }

  @Test func resumingTakesNoNewOptions() {
    #expect(
      throws: UsageError(
        "--resume goes on with the run's own scale, seed and options: leave out --quick, --seed, --set")
    ) {
      try reproduce("--resume", "x", "--seed", "1")
    }
    #expect(throws: UsageError.self) { try reproduce("--resume", "x") }
  }

  @Test func showListsOptionsAndTimes() throws {
    let experiment = Saying()
    let lines = try ShowCommand.lines(experiment.paper, experiment, command: nil, .standardOutput)
    #expect(lines.contains("  ./pinion reproduce saying --quick     about 30 s on two cores"))
    #expect(lines.contains("  ./pinion reproduce saying             about 2 min on two cores"))
    #expect(lines.contains("  ./pinion reproduce saying --full"))
    #expect(lines.contains { $0.hasPrefix("  measured") && $0.hasSuffix("what is measured") })
    // An option without help shows what it takes.
    #expect(lines.contains { $0.hasPrefix("  seeds") && $0.hasSuffix("a whole number") })
  }
}
