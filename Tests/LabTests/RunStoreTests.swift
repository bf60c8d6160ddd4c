import Foundation
import GRDB
import Testing

@testable import Lab

@Suite struct RunStoreTests {
  private func record(
    _ id: String, experiment: String = "counting", seed: UInt64 = 0, options: [String: JSONValue] = [:],
    started: Double = 0, state: RunRecord.State = .done, measured: Double? = nil
  ) -> RunRecord {
    let claims = measured.map {
      [Claim("sum", statement: "the sum is large", measured: $0, comparison: .atLeast, threshold: 2)]
    }
    return RunRecord(
      id: id, experiment: experiment, scale: .standard, seed: seed, options: options, codeVersion: "v1",
      machine: Machine(processor: "P", cores: 2, memoryGB: 8, system: "S"), threads: 2,
      started: Date(timeIntervalSince1970: started), seconds: 65, state: state, claims: claims ?? [])
  }

  private func append(_ points: [(String, String, Int, Double)], to run: String, _ store: RunStore) throws {
    var keys: [RunStore.SeriesName: Int64] = [:]
    try store.append(
      points.map { MetricPoint(metric: $0.0, series: $0.1, step: $0.2, value: $0.3) }, to: run, keys: &keys)
  }

  @Test func aRecordComesBackAsItWasStored() throws {
    let root = try TemporaryFolder()
    let store = try RunStore(root: root.url, create: true)
    var original = record(
      "a", seed: .max, options: ["rate": 0.1, "limit": .null, "sizes": [1, 2], "label": "it's"], started: 1e9)
    original.claims = [
      Claim(
        "gap", statement: "s", measured: .nan, unit: "points", interval: -1.5...2.5, comparison: .atLeast,
        threshold: 0.5, intervalThreshold: 0, baseline: "b", seeds: 3, isStructural: true),
      Claim("second", statement: "t", measured: 1e-300, comparison: .atMost, threshold: .infinity),
    ]
    (original.ended, original.error) = (Date(timeIntervalSince1970: 1e9 + 5), "it broke")
    try store.save(original)
    let stored = try #require(try RunStore(root: root.url).record("a"))
    // By their JSON, in which not-a-number equals itself.
    #expect(try jsonText(stored) == jsonText(original))
    #expect(try store.record("b") == nil)
  }

  @Test func theLaterValueOfAStepCounts() throws {
    let root = try TemporaryFolder()
    let store = try RunStore(root: root.url, create: true)
    try store.save(record("a"))
    let recorder = MetricRecorder(store: store, run: "a", seconds: { 7 })
    for (step, value) in [(2, 0.5), (1, 0.7), (2, 0.4), (3, .nan), (4, .infinity)] {
      try recorder.append(MetricPoint(metric: "loss", series: "x", step: step, value: value))
    }
    try recorder.flush()
    recorder.close()
    let points = try store.points(of: "a", metric: "loss", series: "x")
    #expect(points.map(\.step) == [1, 2, 3, 4])
    #expect(points.map(\.value).prefix(2) == [0.7, 0.4])
    #expect(points[2].value.isNaN && points[3].value == .infinity)
    #expect(
      try store.series(of: "a")
        == [MetricSeries(metric: "loss", series: "x", count: 4, lastStep: 4, lastValue: .infinity)])
    #expect(try store.find("a").seconds == 7)
    #expect(try store.points(of: "a", metric: "accuracy", series: "x").isEmpty)
  }

  @Test func pointsAreStoredSoonAndWithoutWaiting() throws {
    let root = try TemporaryFolder()
    let store = try RunStore(root: root.url, create: true)
    try store.save(record("a"))
    let told = Transcript()
    let recorder = MetricRecorder(
      store: store, run: "a", seconds: { 0 }, onStored: { told.append("\($0.count) ") })
    let start = ContinuousClock.now
    for step in 0..<20_000 {
      try recorder.append(MetricPoint(metric: "loss", series: "", step: step, value: Double(step)))
    }
    // Far below what as many transactions would take, also on a busy machine.
    #expect(ContinuousClock.now - start < .seconds(1))
    try recorder.flush()
    #expect(try store.series(of: "a").first?.count == 20_000)
    try recorder.append(MetricPoint(metric: "late", series: "", step: 0, value: 1))
    for _ in 0..<500 where try store.series(of: "a").count < 2 { Thread.sleep(forTimeInterval: 0.01) }
    #expect(try store.series(of: "a").map(\.metric) == ["late", "loss"])
    #expect(told.text.split(separator: " ").compactMap { Int($0) }.reduce(0, +) >= 20_000)
    recorder.close()
    // A run that is gone takes no points, and the one who logs hears of it.
    let orphan = MetricRecorder(store: store, run: "nobody", seconds: { 0 })
    try orphan.append(MetricPoint(metric: "loss", series: "", step: 0, value: 1))
    #expect(message { try orphan.flush() } == "run nobody: was deleted meanwhile")
    #expect(throws: UsageError.self) {
      try orphan.append(MetricPoint(metric: "loss", series: "", step: 1, value: 1))
    }
  }

  @Test func runsAreFilteredAndSorted() throws {
    let root = try TemporaryFolder()
    let store = try RunStore(root: root.url, create: true)
    for (i, measured) in [3.0, 1.0, 2.0].enumerated() {
      try store.save(
        record(
          "run-\(i)", seed: UInt64(i), options: ["rate": .number([0.5, 0.1, 0.5][i]), "order": "forward"],
          started: Double(100 * i), measured: measured))
    }
    try store.save(record("other", experiment: "tnt", options: ["epochs": 7], started: 50, state: .failed))
    try append([("loss", "a", 1, 9), ("loss", "a", 2, 4), ("loss", "b", 1, 6)], to: "run-0", store)
    try append([("loss", "a", 1, 7)], to: "other", store)

    func names(_ query: RunQuery) throws -> [String] { try store.runs(query).map(\.record.id) }
    #expect(try names(RunQuery()) == ["run-2", "run-1", "other", "run-0"])
    #expect(try names(RunQuery(ascending: true, limit: 2)) == ["run-0", "other"])
    #expect(try names(RunQuery(experiment: "tnt")) == ["other"])
    #expect(try names(RunQuery(states: [.failed, .running])) == ["other"])
    #expect(try names(RunQuery(since: Date(timeIntervalSince1970: 100))) == ["run-2", "run-1"])
    #expect(try names(RunQuery(options: [("rate", "0.50")])) == ["run-2", "run-0"])
    #expect(try names(RunQuery(options: [("rate", "0.5"), ("seed", "2"), ("scale", "standard")])) == ["run-2"])
    #expect(try names(RunQuery(options: [("order", "x' OR 1 --")])).isEmpty)
    #expect(try store.count(RunQuery(options: [("rate", "0.5")], limit: 1)) == 2)
    // By a claim, and by a metric: the mean of the series' last values. Runs without one come last.
    #expect(try names(RunQuery(sort: "sum")) == ["run-0", "run-2", "run-1", "other"])
    let byLoss = try store.runs(RunQuery(sort: "loss", ascending: true))
    #expect(byLoss.prefix(2).map(\.record.id) == ["run-0", "other"])
    #expect(byLoss.map(\.sortValue) == [5, 7, nil, nil])
    #expect(
      message { _ = try names(RunQuery(sort: "lss")) }
        == "--sort lss: no run has such a claim or metric (did you mean loss?)")
    #expect(
      message { _ = try names(RunQuery(options: [("rat", "1")])) }
        == "--where rat=1: no run has such an option (did you mean rate?)")
  }

  @Test func aRunIsNamedByItsBeginningItsEndOrLatest() throws {
    let root = try TemporaryFolder()
    let store = try RunStore(root: root.url, create: true)
    for (i, id) in ["tnt-1-abc", "tnt-2-abd", "gan-1-xyz"].enumerated() {
      try store.save(record(id, started: Double(i)))
    }
    #expect(try store.find("gan").id == "gan-1-xyz")
    #expect(try store.find("abd").id == "tnt-2-abd")
    #expect(try store.find("latest").id == "gan-1-xyz")
    #expect(message { _ = try store.find("tnt") } == "run tnt: may be tnt-2-abd, tnt-1-abc")
    for name in ["", "%", "tnt-3", "../x"] { #expect(throws: UsageError.self) { try store.find(name) } }
  }

  @Test func timesAreWrittenAsPeopleDo() throws {
    let now = Date(timeIntervalSince1970: 1e9)
    #expect(try Date.since("2d", now: now) == now.addingTimeInterval(-172_800))
    #expect(try Date.since("30m", now: now) == now.addingTimeInterval(-1800))
    #expect(try Date.since("2026-11-24T18:00:00Z").timeIntervalSince1970 == 1_795_543_200)
    #expect(try Date.since("2026-11-24") < Date.since("2026-11-25"))
    for text in ["", "d", "2x", "-1d", "yesterday", "2026-13-01", "1e99d", "nand"] {
      #expect(throws: UsageError.self) { try Date.since(text) }
    }
  }

  @Test func aRunWhoseProcessIsGoneIsInterrupted() throws {
    let root = try TemporaryFolder()
    let store = try RunStore(root: root.url, create: true)
    let held = try RunFolder.create(in: root.url, experiment: "counting")
    try store.save(record(held.id, state: .running))
    var gone: RunFolder? = try RunFolder.create(in: root.url, experiment: "counting")
    let name = try #require(gone?.id)
    gone = nil
    try store.save(record(name, state: .running))
    try store.save(record("without-folder", state: .running))
    try store.settle()
    #expect(try store.find(held.id).state == .running)
    #expect(try store.find(name).state == .interrupted)
    #expect(try store.find("without-folder").state == .interrupted)
    // Looking held no lock for longer than a moment.
    _ = try RunFolder(root.url.appending(path: name, directoryHint: .isDirectory))
    #expect(message { try store.delete([held.id]) } == "\(held.id): a process is working on this run")
  }

  @Test func artifactsAreSharedByHashAndGoWithTheirLastRun() throws {
    let root = try TemporaryFolder()
    let store = try RunStore(root: root.url, create: true)
    for id in ["a", "b"] {
      try store.save(record(id))
      _ = try RunFolder(root.url.appending(path: id, directoryHint: .isDirectory))
      try store.keep([1, 2, 3], of: id, as: "x.bin", type: "application/octet-stream")
    }
    try store.keep([4], of: "b", as: "y/z.wav", type: "audio/wav")
    let artifact = try #require(try store.artifacts(of: "a").first)
    // sha256sum of the three bytes.
    #expect(artifact.sha256 == "039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81")
    #expect(try store.artifacts(of: "b").map(\.name) == ["x.bin", "y/z.wav"])
    #expect(try store.bytes(of: artifact) == [1, 2, 3])

    try append([("loss", "", 1, 1)], to: "a", store)
    try store.delete(["a"])
    #expect(try store.record("a") == nil)
    #expect(!FileManager.default.fileExists(atPath: root.url.appending(path: "a").path))
    #expect(try store.bytes(of: artifact) == [1, 2, 3])
    #expect(try store.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM point") } == 0)
    try Data([9]).write(to: store.artifactURL(artifact.sha256))
    #expect(message { _ = try store.bytes(of: artifact) }?.hasSuffix("(x.bin): its SHA-256 differs") == true)
    try store.delete(["b"])
    #expect(!FileManager.default.fileExists(atPath: store.artifactURL(artifact.sha256).path))
    let left = try FileManager.default.contentsOfDirectory(atPath: root.url.path).sorted()
    #expect(left.filter { !$0.hasPrefix(".") && !$0.hasPrefix("runs.sqlite") } == ["artifacts"])
  }

  @Test func foldersOfEarlierVersionsAreTakenUp() throws {
    let root = try TemporaryFolder()
    func make(_ name: String, _ record: RunRecord, metrics: String) throws {
      let folder = root.url.appending(path: name)
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      try RecordCoding.encoder.encode(record).write(to: folder.appending(path: "run.json"))
      try Data(metrics.utf8).write(to: folder.appending(path: "metrics.jsonl"))
    }
    let line = #"{"metric":"loss","series":"a","step":1,"value":0.5}"#
    try make("old", record("old", measured: 3), metrics: line + "\n" + #"{"metric":"loss","ser"#)
    try make("killed", record("killed", state: .running), metrics: "")
    try make("live", record("live", state: .running), metrics: "")
    let live = try RunFolder(root.url.appending(path: "live", directoryHint: .isDirectory))
    try Data("{".utf8).write(to: root.url.appending(path: "killed/other"))

    let store = try RunStore(root: root.url)
    // What another process still writes is taken up when that has ended.
    #expect(Set(try store.runs().map(\.record.id)) == ["old", "killed"])
    #expect(try store.find("old").claims.map(\.measured) == [3])
    #expect(try store.points(of: "old", metric: "loss", series: "a").map(\.value) == [0.5])
    #expect(try store.find("killed").state == .interrupted)
    withExtendedLifetime(live) {}

    // Deleted runs don't come back.
    try store.delete(["old"])
    #expect(try RunStore(root: root.url).record("old") == nil)
  }

  @Test func filesThatAreNoStoreAreRefusedInOneLine() throws {
    let root = try TemporaryFolder()
    #expect(throws: UsageError.self) { try RunStore(root: root.url) }
    let file = root.url.appending(path: RunStore.fileName)
    try Data("not a database, but long enough to be looked at, as SQLite's header has 100 bytes. ".utf8).write(to: file)
    let refusal = message { _ = try RunStore(root: root.url) }
    #expect(refusal == "\(file.path): isn't a store of runs (file is not a database)")

    let newer = try TemporaryFolder()
    try RunStore(root: newer.url, create: true).write {
      try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('of tomorrow')")
    }
    let late = message { _ = try RunStore(root: newer.url) }
    #expect(late?.hasSuffix("was written by a newer version of Pinion; update this one") == true)
  }

  @Test func severalProcessesMayOpenAtOnce() throws {
    let root = try TemporaryFolder()
    let url = root.url
    let counts = try parallel(Array(0..<8), workers: 8) { i -> Int in
      let store = try RunStore(root: url, create: true)
      let run = RunRecord(
        id: "r\(i)", experiment: "x", scale: .quick, seed: 0, options: [:], codeVersion: "", machine: .current,
        threads: 1, started: .now, seconds: 0, state: .done, claims: [])
      try store.save(run)
      return try store.count()
    }
    #expect(counts.max() == 8)
  }
}

/// Sizes at which the store must stay quick; `PINION_FULL_SIZE=1` gives every run a thousand points.
@Suite struct RunStoreSpeedTests {
  @Test func tenThousandRunsAreSortedAndCounted() throws {
    let root = try TemporaryFolder()
    let store = try RunStore(root: root.url, create: true)
    let points = ProcessInfo.processInfo.environment["PINION_FULL_SIZE"] == "1" ? 1_000 : 10
    let claim = try jsonText(Claim("sum", statement: "s", measured: 1, comparison: .atLeast, threshold: 0))
    let machine = try jsonText(Machine.current)
    try store.write { database in
      try database.execute(
        sql: """
          WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
          INSERT INTO run SELECT i, 'run-' || i, 'counting', 'quick', i, 'done', i, i, 1, 2, 'v1', :machine, '{"rate":0.5}', NULL, NULL
          FROM n;
          INSERT INTO option SELECT key, 'rate', CAST(key % 10 AS TEXT) FROM run;
          INSERT INTO claim SELECT key, 0, 'sum', key % 977, 0, 'holds', :claim FROM run;
          INSERT INTO series SELECT key, key, 'loss', '', :points, key % 983 FROM run;
          """, arguments: ["machine": machine, "claim": claim, "points": points])
      try database.execute(
        sql: """
          WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
          INSERT INTO point SELECT key, i, 1.0 / i FROM series CROSS JOIN n
          """, arguments: [points])
    }
    /// The result, and the best processor time of several calls: other work on the machine isn't the store's.
    func timed<T>(_ body: () throws -> T) throws -> (T, Double) {
      func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) * 1e3 + Double(time.tv_nsec) / 1e6
      }
      var (result, best) = (try body(), Double.infinity)
      for _ in 0..<5 {
        let start = now()
        result = try body()
        best = min(best, now() - start)
      }
      return (result, best)
    }
    let latest = try timed { try RunStore(root: root.url).runs(RunQuery(limit: 30)).map(\.record.id) }
    let byMetric = try timed { try store.runs(RunQuery(sort: "loss", limit: 30)).first?.sortValue }
    let byClaim = try timed { try store.runs(RunQuery(sort: "sum", limit: 30)).first?.sortValue }
    let byOption = try timed { try store.count(RunQuery(options: [("rate", "3")])) }
    #expect(latest.0.first == "run-10000" && latest.0.count == 30)
    #expect((byMetric.0, byClaim.0) == (982, 976))
    #expect(byOption.0 == 1_000)
    let times = [latest.1, byMetric.1, byClaim.1, byOption.1]
    let records = try (1...4).map { try store.find("run-\($0)") }
    let page = try timed { try ReportBuilder(store: store, scripts: nil).comparison(of: records) }
    if points == 1_000 {
      #expect(times.allSatisfy { $0 < 100 }, "\(times) ms")
      #expect(page.1 < 1_000, "\(page.1) ms")
      print("10,000 runs with 1,000 points each: lists \(times) ms, comparison of four \(page.1) ms")
    }
  }
}
