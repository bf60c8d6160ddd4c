import Foundation
import GRDB
import Testing

@testable import Lab

/// Runs in processes of their own, which are this test program with a folder in the variable below.
///
/// `PINION_FULL_SIZE=1` kills fifty times.
@Suite(.serialized) struct KillTests {
  private static let variable = "PINION_TEST_RUN"

  /// Adds up more numbers than a process lives for, at a pace at which it can be killed anywhere.
  private static func experiment() -> Counting {
    var experiment = Counting()
    experiment.afterStep = { _ in usleep(300) }
    return experiment
  }

  private static func request(_ root: URL) -> Runner.Request {
    Runner.Request(seed: 3, settings: ["steps=\(steps)", "rate=0.1"], root: root)
  }

  private static let isFull = ProcessInfo.processInfo.environment["PINION_FULL_SIZE"] == "1"
  private static let (steps, kills) = isFull ? (3_000, 50) : (200, 6)

  /// The process that is killed: starts the run, or goes on with it.
  @Test(.enabled(if: ProcessInfo.processInfo.environment[variable] != nil)) func child() throws {
    let root = URL(fileURLWithPath: ProcessInfo.processInfo.environment[Self.variable] ?? "", isDirectory: true)
    let events = root.appending(path: "events")
    try Data().write(to: events)
    let file = try FileHandle(forWritingTo: events)
    let runner = Runner(progress: .events { try? file.write(contentsOf: Data($0.utf8)) }, interrupt: Interrupt())
    if let run = try? RunStore(root: root).find("latest") {
      _ = try runner.resume(Self.experiment(), run: run.id, root: root)
    } else {
      _ = try runner.start(Self.experiment(), Self.request(root))
    }
  }

  private func start(_ root: URL) throws -> Process {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments = ["--testing-library", "swift-testing", "--filter", "KillTests/child"]
    process.environment = ProcessInfo.processInfo.environment.merging([Self.variable: root.path]) { $1 }
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    return process
  }

  /// Steps that a process said were stored.
  private func told(_ root: URL) throws -> [Int: Double] {
    struct Event: Decodable {
      var event: String
      var step: Int?
      var value: Double?
    }
    let data = (try? Data(contentsOf: root.appending(path: "events"))) ?? Data()
    let events = data.split(separator: 0x0A).compactMap { try? JSONDecoder().decode(Event.self, from: Data($0)) }
    return Dictionary(
      events.compactMap { event in event.step.flatMap { step in event.value.map { (step, $0) } } },
      uniquingKeysWith: { $1 })
  }

  @Test(.enabled(if: ProcessInfo.processInfo.environment[variable] == nil))
  func killsLoseNothingAndTheRunGoesOnToTheSameNumbers() throws {
    let whole = try TemporaryFolder()
    let expected = try Runner(progress: .silent(), interrupt: Interrupt()).start(Counting(), Self.request(whole.url))
    let expectedPoints = try RunStore(root: whole.url).points(of: expected.record.id, metric: "sum", series: "run")

    let root = try TemporaryFolder()
    var random = SystemRandomNumberGenerator()
    var (kills, furthest) = (0, 0)
    while kills < Self.kills {
      let process = try start(root.url)
      // From before the first transaction to the middle of the run.
      let delay = kills == 0 ? 0.03 : Double.random(in: 0.02...0.5, using: &random)
      let deadline = Date(timeIntervalSinceNow: delay)
      while process.isRunning, Date.now < deadline { usleep(2_000) }
      guard process.isRunning else { break }
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      kills += 1

      guard let store = try? RunStore(root: root.url) else { continue }
      #expect(try store.read { try String.fetchOne($0, sql: "PRAGMA integrity_check") } == "ok")
      try store.settle()
      guard let run = try store.runs().first?.record else { continue }
      #expect(run.state == .interrupted)
      let points = try store.points(of: run.id, metric: "sum", series: "run")
      // All that was told is stored, with all before it, and with the very numbers of the run that nobody killed.
      let stored = Dictionary(uniqueKeysWithValues: points.map { ($0.step, $0.value) })
      #expect(try told(root.url).allSatisfy { stored[$0.key] == $0.value })
      #expect(points.map(\.step) == Array(0..<points.count).map { $0 + 1 })
      #expect(points.count >= furthest)
      furthest = points.count
    }
    let last = try start(root.url)
    last.waitUntilExit()
    let store = try RunStore(root: root.url)
    #expect(try store.count() == 1)
    let run = try store.find("latest")
    #expect(run.state == .done)
    #expect(run.claims.map(\.measured.bitPattern) == expected.record.claims.map(\.measured.bitPattern))
    let points = try store.points(of: run.id, metric: "sum", series: "run")
    #expect(points.map(\.value.bitPattern) == expectedPoints.map(\.value.bitPattern))
    #expect(kills > 0)
    if Self.isFull { print("killed \(kills) times") }
  }
}
