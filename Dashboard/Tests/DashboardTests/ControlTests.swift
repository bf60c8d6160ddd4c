import Foundation
import Testing

@testable import CountingProgram
@testable import Dashboard
@testable import Lab

@Suite struct ControlTests {
  /// Starts a run from the form of its paper, and gives its name.
  private func start(_ place: Place, _ fields: [(String, String)]) async throws -> String {
    let answer = try await place.post("/papers/counting/runs", [("scale", "standard"), ("seed", "7")] + fields)
    #expect(answer.status == .seeOther, "\(answer.text.suffix(3_000))")
    let location = try #require(answer.location)
    return String(location.dropFirst("/runs/".count))
  }

  @Test func aRunIsStartedAsAProcessWithWordsAsTheyAre() async throws {
    let place = try Place()
    let label = "--out=/tmp $(touch \(place.folder.url.path)/pwned) 'a' \"b\" \\ ; é"
    let id = try await start(place, [("set.steps", "3"), ("set.label", label), ("set.pause", "")])
    let record = try await place.wait(id, for: .done)
    #expect(record.seed == 7 && record.scale == .standard)
    #expect(record.options["steps"] == 3 && record.options["label"] == .string(label))
    #expect(!FileManager.default.fileExists(atPath: place.folder.url.path + "/pwned"))
    #expect(record.claims.map(\.measured) == [24])
    // Nothing is left of the start, and nothing was said on standard error.
    let left = try FileManager.default.contentsOfDirectory(atPath: place.root.path).filter { $0.hasPrefix(".starting") }
    #expect(left.isEmpty)
    #expect(place.store.text(.errors, of: id)?.text == "")
    #expect(place.store.text(.log, of: id)?.text.contains("counting to 3") == true)
  }

  @Test func aRunIsStoppedAndGoesOnToTheSameNumbers() async throws {
    let place = try Place()
    let id = try await start(place, [("set.steps", "60"), ("set.pause", "0.05")])
    _ = try await place.wait(id, for: .running)
    #expect(try await place.get("/runs/\(id)").text.contains("<button id=\"stop\" class=\"danger\">Stop</button>"))
    while try place.store.series(of: id).isEmpty { try await Task.sleep(for: .milliseconds(20)) }
    let stop = try await place.post("/runs/\(id)/stop")
    #expect(stop.status == .seeOther && stop.location == "/runs/\(id)")
    _ = try await place.wait(id, for: .interrupted)
    let stopped = try #require(try place.store.series(of: id).first).count
    #expect(stopped < 60)
    // There is nothing to stop any more.
    let again = try await place.post("/runs/\(id)/stop")
    #expect(again.status == .conflict && again.text.contains("isn&#39;t running"))
    #expect(try await place.get("/runs/\(id)").text.contains("Go on from the last checkpoint"))

    let resume = try await place.post("/runs/\(id)/resume")
    #expect(resume.status == .seeOther && resume.location == "/runs/\(id)")
    let record = try await place.wait(id, for: .done)
    // The sum of i + 7 for i below 60.
    #expect(record.claims.map(\.measured) == [2_190])
    #expect(try await place.post("/runs/\(id)/resume").status == .conflict)
  }

  @Test func whileItStopsThePageSaysSo() async throws {
    let place = try Place()
    let id = try await start(place, [("set.steps", "4"), ("set.pause", "30")])
    while try place.store.series(of: id).isEmpty { try await Task.sleep(for: .milliseconds(20)) }
    #expect(try await place.post("/runs/\(id)/stop").status == .seeOther)
    let text = try await place.get("/runs/\(id)").text
    #expect(text.contains("Stop at once") && text.contains("stops at the next safe place"))
    // Asked again, the process ends without waiting for that place; the run can go on all the same.
    #expect(try await place.post("/runs/\(id)/stop").status == .seeOther)
    _ = try await place.wait(id, for: .interrupted)
  }

  @Test func aProcessThatIsNotTheRunIsLeftAlone() async throws {
    let place = try Place()
    let sleeper = Process()
    sleeper.executableURL = URL(fileURLWithPath: "/bin/sleep")
    sleeper.arguments = ["60"]
    // The threads of tests block signals, which a process would inherit.
    var (none, before) = (sigset_t(), sigset_t())
    sigemptyset(&none)
    pthread_sigmask(SIG_SETMASK, &none, &before)
    try sleeper.run()
    pthread_sigmask(SIG_SETMASK, &before, nil)
    defer { sleeper.terminate() }
    let real = try #require(ProcessIdentity(of: sleeper.processIdentifier))
    #expect(real.isAlive && ProcessIdentity(text: real.text) == real)
    // Held by us, so that it counts as running; it names a process whose number was used before, or none.
    let held = try RunFolder(place.store.folder(of: "counting-1"))
    try place.add("counting-1", state: .running)
    let lock = held.url.appending(path: RunFolder.lockName)
    let words = real.text.split(separator: " ")
    for text in [
      "\(words[0]) \((UInt64(words[1]) ?? 0) + 1) \(words[2])", "\(words[0]) \(words[1]) another-boot\n", "\(words[0])",
      "-1 1 x",
      "0 0 0", "",
    ] {
      // Into the same file, which is locked.
      let handle = try FileHandle(forWritingTo: lock)
      try handle.truncate(atOffset: 0)
      try handle.write(contentsOf: Data(text.utf8))
      try handle.close()
      let answer = try await place.post("/runs/counting-1/stop")
      #expect(answer.status == .conflict && answer.text.contains("no process of this machine works on it"), "\(text)")
    }
    #expect(sleeper.isRunning && real.isAlive)
    let handle = try FileHandle(forWritingTo: lock)
    try handle.write(contentsOf: Data(real.text.utf8))
    try handle.close()
    #expect(try await place.post("/runs/counting-1/stop").status == .seeOther)
    sleeper.waitUntilExit()
    #expect(sleeper.terminationReason == .uncaughtSignal && sleeper.terminationStatus == SIGINT)
    #expect(!real.isAlive)
    withExtendedLifetime(held) {}
  }

  @Test func anOlderRunOfAProcessWithThatNumberIsNotTheNewOne() throws {
    let place = try Place()
    let control = try #require(place.site.control)
    try place.add("counting-1", started: 1_000)
    let held = try RunFolder(place.store.folder(of: "counting-1"))
    func found(since seconds: Double) throws -> String? {
      try control.run(of: getpid(), paper: "counting", since: Date(timeIntervalSince1970: seconds))
    }
    #expect(try found(since: 1_001) == nil)
    #expect(try found(since: 1_000) == "counting-1")
    #expect(try control.run(of: getpid() + 1, paper: "counting", since: Date(timeIntervalSince1970: 0)) == nil)
    withExtendedLifetime(held) {}
  }

  @Test func whatCannotStartSaysWhyOnTheForm() async throws {
    let place = try Place()
    func problem(_ fields: [(String, String)]) async throws -> String {
      let answer = try await place.post("/papers/counting/runs", fields)
      #expect(answer.status == .unprocessableContent)
      let match = answer.text.firstMatch(of: /role="alert" id="problem">([^<]*)</)
      return match.map { String($0.1) } ?? answer.text
    }
    let base = [("scale", "quick"), ("seed", "1")]
    #expect(try await problem(base + [("set.steps", "many")]) == "--set steps=many: expected a whole number, such as 4")
    #expect(try await problem(base + [("set.steps", "0")]) == "--set steps=0: expected at least 1")
    #expect(try await problem(base + [("set.stepz", "1")]).contains("no such option (did you mean steps?)"))
    #expect(
      try await problem([("scale", "huge"), ("seed", "1")]).contains("scale: expected one of quick, standard, full"))
    #expect(try await problem([("scale", "quick"), ("seed", "-1")]) == "seed: expected a whole number from 0")
    // What only the program finds out.
    #expect(try await problem([("scale", "quick"), ("seed", "13")]) == "seed 13: bad luck; choose another")
    #expect(try place.store.count() == 0)
    let kept = try await place.post("/papers/counting/runs", base + [("set.label", hostile), ("set.steps", "0")])
    #expect(kept.text.contains("value=\"&lt;img src=x onerror") && kept.text.contains("<details open>"))
    #expect(try await place.post("/papers/none/runs", base).status == .notFound)
    #expect(try await place.post("/papers/stance/runs", base).text.contains("stance isn&#39;t reproduced yet"))
    let absent = try Place(program: URL(fileURLWithPath: "/nowhere/pinion-cli"))
    #expect(try await absent.post("/papers/counting/runs", base).text.contains("/nowhere/pinion-cli: isn&#39;t built"))
  }

  @Test func dataWithBlockingFindingsNeedsAReason() async throws {
    struct Gated: Experiment {
      var paper: Paper { Counting().paper }
      let datasets: [DatasetInfo]
      func run(_ context: RunContext<Counting.Options>) throws -> Outcome { Outcome(claims: []) }
    }
    let folder = try TemporaryFolder()
    let info = DatasetInfo(name: "bare", source: "", licence: "", url: "", files: [], splits: [])
    let place = try Place { settings in
      settings.experiments = [Gated(datasets: [info])]
      settings.datasets = DatasetRegistry([info], folder: folder.url.path)
    }
    let text = try await place.get("/papers/counting").text
    #expect(text.contains("blocking findings") && text.contains("name=\"reason\""))
    #expect(text.contains("href=\"/data/bare\""))
  }

  /// The program itself, where the checkout has it: arguments are those that it takes.
  @Test(.enabled(if: Self.realProgram != nil, "pinion-cli isn't built: swift build --product pinion-cli"))
  func theRealProgramTakesTheArguments() async throws {
    let place = try Place(program: Self.realProgram) { settings in
      settings = Dashboard.Settings(root: settings.root, program: settings.program, scripts: nil)
    }
    let answer = try await place.post(
      "/papers/data-sharing/runs", [("scale", "quick"), ("seed", "5"), ("set.dataset", "fashion-mnist")])
    #expect(answer.status == .seeOther, "\(answer.text)")
    let id = try #require(answer.location?.dropFirst("/runs/".count))
    let record = try await place.wait(String(id), for: .done, seconds: 60)
    #expect(record.seed == 5 && record.scale == .quick && !record.claims.isEmpty)
    #expect(try await place.get("/papers").text.contains("planted problems"))
  }

  static let realProgram: URL? = {
    var folder = URL(fileURLWithPath: #filePath)
    for _ in 0..<4 { folder.deleteLastPathComponent() }
    let places = [".build/debug/pinion-cli", ".build/release/pinion-cli"].map { folder.appending(path: $0) }
    return places.first { FileManager.default.isExecutableFile(atPath: $0.path) }
  }()
}
