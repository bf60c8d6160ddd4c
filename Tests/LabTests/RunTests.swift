import Foundation
import Synchronization
import Testing

@testable import Lab

@Suite struct RunTests {
  private func record(_ folder: URL) throws -> RunRecord {
    try RunStore(root: folder.deletingLastPathComponent()).find(folder.lastPathComponent)
  }

  @Test func aRunIsStoredWithAllThatRepeatsIt() throws {
    let root = try TemporaryFolder()
    let runner = Runner(progress: .silent(), interrupt: Interrupt())
    let result = try runner.start(
      Counting(), Runner.Request(seed: 2, settings: ["rate=1", "label=it's"], root: root.url))
    let stored = try record(result.folder)
    #expect(stored.state == .done)
    #expect(stored.experiment == "counting")
    #expect(stored.seed == 2)
    #expect(stored.options["rate"] == .integer(1))
    #expect(stored.claims.map(\.measured) == [65, 10])
    #expect(stored.claims.map(\.verdict) == [.holds, .holds])
    #expect(stored.ended != nil)
    #expect(
      stored.command
        == "./pinion reproduce counting --seed 2 --threads \(stored.threads) --set 'label=it'\\''s' --set limit=none"
        + " --set order=forward --set rate=1 --set shuffled=false --set sizes=1,2 --set steps=10")
    let name = result.folder.lastPathComponent
    #expect(name.wholeMatch(of: /counting-\d{8}-\d{6}-[0-9a-f]{5}/) != nil)
    let files = try FileManager.default.contentsOfDirectory(atPath: result.folder.path).sorted()
    #expect(files == [".lock", "checkpoint", "log.txt", "report.html"])
  }

  @Test func claimsAtQuickScaleShowTheDirectionUnlessStructural() throws {
    let root = try TemporaryFolder()
    let runner = Runner(progress: .silent(), interrupt: Interrupt())
    let result = try runner.start(Counting(threshold: 1e6), Runner.Request(scale: .quick, root: root.url))
    #expect(result.record.claims.map(\.verdict) == [.informative, .holds])
    #expect(result.record.claims[0].verdictText == "informative (doesn't point that way)")
  }

  @Test func anInterruptedRunGoesOnToTheSameNumbers() throws {
    let root = try TemporaryFolder()
    let whole = try Runner(progress: .silent(), interrupt: Interrupt()).start(Counting(), .init(root: root.url))

    let interrupt = Interrupt()
    var experiment = Counting()
    experiment.afterStep = { if $0 == 4 { interrupt.request() } }
    let first = try Runner(progress: .silent(), interrupt: interrupt).start(experiment, .init(root: root.url))
    #expect(first.record.state == .interrupted)
    #expect(first.report == nil)
    #expect(try record(first.folder).state == .interrupted)

    let second = try Runner(progress: .silent(), interrupt: Interrupt())
      .resume(Counting(), run: first.folder.lastPathComponent, root: root.url)
    #expect(second.record.state == .done)
    #expect(second.folder.lastPathComponent == first.folder.lastPathComponent)
    #expect(second.record.claims == whole.record.claims)
    let store = try RunStore(root: root.url)
    let (points, wholePoints) = try (
      store.points(of: second.record.id, metric: "sum", series: "run"),
      store.points(of: whole.record.id, metric: "sum", series: "run")
    )
    #expect(points.map(\.step) == Array(1...10))
    #expect(points.map(\.value) == wholePoints.map(\.value))

    let refused = message {
      _ = try Runner(progress: .silent()).resume(Counting(), run: first.folder.path, root: root.url)
    }
    #expect(refused?.contains("is done; its report is") == true)
  }

  @Test func aFailedRunSaysWhyAndCanGoOn() throws {
    let root = try TemporaryFolder()
    let runner = Runner(progress: .silent(), interrupt: Interrupt())
    var experiment = Counting()
    experiment.breaksAt = 3
    #expect(throws: Counting.Broken.self) { try runner.start(experiment, .init(root: root.url)) }
    let failed = try RunStore(root: root.url).find("latest")
    let name = failed.id
    #expect(failed.state == .failed)
    #expect(failed.error == "the sum broke")
    #expect(try runner.resume(Counting(), run: name, root: root.url).record.state == .done)
  }

  @Test func runsThatCannotGoOnAreRefusedInOneLine() throws {
    let root = try TemporaryFolder()
    let runner = Runner(progress: .silent(), interrupt: Interrupt())
    let absent = message { _ = try runner.resume(Counting(), run: "nothing", root: root.url) }
    #expect(absent == "\(root.url.relativePath): there are no runs; ./pinion reproduce makes the first one")

    let folder = root.url.appending(path: "torn")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try Data("{\"id\": ".utf8).write(to: folder.appending(path: "run.json"))
    let torn = message { _ = try runner.resume(Counting(), run: "torn", root: root.url) }
    #expect(torn?.contains("run.json: not the record of a run") == true)
    #expect(torn?.contains("\n") == false)
    let unknown = message { _ = try runner.resume(Counting(), run: "tornado", root: root.url) }
    #expect(unknown == "run tornado: no such run in \(root.url.relativePath)")
  }

  @Test func oneProcessWorksOnARunAtATime() throws {
    let root = try TemporaryFolder()
    var experiment = Counting()
    let rootURL = root.url
    let refusal = Transcript()
    experiment.afterStep = { step in
      guard step == 2, let name = try? RunStore(root: rootURL).find("latest").id else { return }
      let text = message { _ = try Runner(progress: .silent()).resume(Counting(), run: name, root: rootURL) }
      refusal.append(text ?? "allowed")
    }
    _ = try Runner(progress: .silent(), interrupt: Interrupt()).start(experiment, .init(root: rootURL))
    #expect(refusal.text.hasSuffix("another process is working on this run"))
  }

  @Test func aFileIsReplacedAsAWhole() throws {
    let folder = try TemporaryFolder()
    let file = folder.url.appending(path: "a.txt")
    try writeAtomically(Data("one".utf8), to: file)
    try writeAtomically(Data("two".utf8), to: file)
    #expect(try String(contentsOf: file, encoding: .utf8) == "two")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["a.txt"])
    let absent = folder.url.appending(path: "no/b.txt")
    #expect(
      message { try writeAtomically(Data(), to: absent) }
        == "\(absent.path): can't be written: No such file or directory")
    #expect(message { try writeAtomically(Data(), to: URL(fileURLWithPath: "/dev/full/x")) } != nil)
  }

  @Test func jobsRunSideBySideInTheirOrder() throws {
    let most = Mutex((now: 0, most: 0))
    let squares = try parallel(Array(0..<20), workers: 3) { job -> Int in
      most.withLock { ($0.now, $0.most) = ($0.now + 1, max($0.most, $0.now + 1)) }
      Thread.sleep(forTimeInterval: 0.002)
      most.withLock { $0.now -= 1 }
      return job * job
    }
    #expect(squares == (0..<20).map { $0 * $0 })
    #expect((2...3).contains(most.withLock { $0.most }))
    #expect(try parallel([Int](), workers: 2) { $0 }.isEmpty)
    #expect(try parallel([1], workers: 0) { $0 } == [1])
  }

  @Test func afterAnErrorNoJobIsStarted() {
    let started = Mutex(0)
    #expect(throws: Counting.Broken.self) {
      try parallel(Array(0..<1000), workers: 2) { job in
        started.withLock { $0 += 1 }
        if job == 3 { throw Counting.Broken() }
        Thread.sleep(forTimeInterval: 0.001)
      }
    }
    #expect((4..<1000).contains(started.withLock { $0 }))
  }

  /// In a process of its own: the request holds for all of it.
  @Test func aSignalIsARequestToStop() async {
    await #expect(processExitsWith: .exitCode(7)) {
      Interrupt.listen()
      precondition(!Interrupt.ofProcess.isRequested)
      // To the process, as threads of pools take no signals.
      kill(getpid(), SIGTERM)
      for _ in 0..<1000 where !Interrupt.ofProcess.isRequested { try await Task.sleep(for: .milliseconds(5)) }
      exit(Interrupt.ofProcess.isRequested ? 7 : 1)
    }
  }

  /// The second one ends the process at once.
  @Test func aSecondSignalEndsTheProcess() async {
    await #expect(processExitsWith: .exitCode(130)) {
      Interrupt.listen()
      for _ in 0..<2 {
        kill(getpid(), SIGINT)
        try await Task.sleep(for: .milliseconds(50))
      }
      exit(0)
    }
  }

  @Test func threadsAreConfined() throws {
    let before = Threads.available
    #expect(throws: UsageError.self) { try Threads.limit(to: 0) }
    // In a thread of its own: the limit holds for the thread and those it starts.
    let inside = Transcript()
    let thread = Thread { inside.append("\((try? Threads.limit(to: 1)) ?? -1) \(Threads.available) ") }
    thread.start()
    while !thread.isFinished { Thread.sleep(forTimeInterval: 0.005) }
    #expect(inside.text == "1 1 ")
    #expect(Threads.available == before)
    #expect(try Threads.limit(to: 10_000) == before)
  }
}
