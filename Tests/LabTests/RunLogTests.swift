import Foundation
import Testing

@testable import Lab

@Suite struct RunLogTests {
  @Test func aRunsLogSaysWhatTheRunSaidAndGoesOnWithIt() throws {
    let root = try TemporaryFolder()
    let interrupt = Interrupt()
    var experiment = Counting()
    experiment.afterStep = { if $0 == 4 { interrupt.request() } }
    let first = try Runner(progress: .silent(), interrupt: interrupt).start(experiment, .init(root: root.url))
    let id = first.record.id
    _ = try Runner(progress: .silent(), interrupt: Interrupt()).resume(Counting(), run: id, root: root.url)
    let store = try RunStore(root: root.url)
    let text = try #require(store.text(.log, of: id)).text
    let lines = text.split(separator: "\n").map { $0.split(separator: " ", maxSplits: 1).last.map(String.init) ?? "" }
    #expect(lines.first == "run \(id)" && lines.last == "done")
    #expect(lines.contains("interrupted") && lines.contains("run \(id), resumed"))
    #expect(
      lines.contains { $0.hasPrefix("counting: 6 steps in ") } || lines.contains { $0.hasPrefix("counting: 10 steps") })
    #expect(lines.contains("sum: 22.5, holds"))
    #expect(
      text.split(separator: "\n").allSatisfy { $0.prefix(20).wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/) != nil })
  }

  @Test func aTextIsReadWhereItGrew() throws {
    let root = try TemporaryFolder()
    let store = try RunStore(root: root.url, create: true)
    let folder = store.folder(of: "a")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let url = folder.appending(path: "log.txt")
    #expect(store.text(.log, of: "a") == nil)
    try Data("one\ntwo\nthr".utf8).write(to: url)
    let first = try #require(store.text(.log, of: "a"))
    // Half a line waits for its end.
    #expect(first.text == "one\ntwo\n" && first.range == 0..<8)
    try Data("one\ntwo\nthree\n".utf8).write(to: url)
    let second = try #require(store.text(.log, of: "a", after: first.range.upperBound))
    #expect(second.text == "three\n" && second.range == 8..<14)
    #expect(store.text(.log, of: "a", after: 14)?.text == "")
    // Of what is too long the end, from the beginning of a line on.
    #expect(store.text(.log, of: "a", limit: 9)?.text == "three\n")
    // A file that was written anew.
    try Data("new\n".utf8).write(to: url)
    #expect(store.text(.log, of: "a", after: 14)?.text == "new\n")
    try Data([0x61, 0xFF, 0x0A]).write(to: url)
    #expect(store.text(.log, of: "a")?.text == "a\u{FFFD}\n")
    #expect(store.text(.log, of: "../a") == nil && store.safeFolder(of: "a/../b") == nil)
  }

  @Test func newPointsComeOnce() throws {
    let root = try TemporaryFolder()
    let store = try RunStore(root: root.url, create: true)
    let run = try Runner(progress: .silent(), interrupt: Interrupt()).start(Counting(), .init(root: root.url)).record.id
    var (cursor, passed) = (MetricCursor(), MetricCursor())
    #expect(try store.newPoints(of: run, after: &cursor).map(\.step) == Array(1...10))
    #expect(try store.newPoints(of: run, after: &cursor).isEmpty)
    for series in try store.series(of: run) { passed.pass(series) }
    var keys: [RunStore.SeriesName: Int64] = [:]
    let points = [
      MetricPoint(metric: "sum", series: "run", step: 10, value: 1),
      .init(metric: "sum", series: "run", step: 11, value: 2),
      .init(metric: "loss", series: "", step: -1, value: .nan),
    ]
    try store.append(points, to: run, keys: &keys)
    for start in [cursor, passed] {
      var start = start
      let new = try store.newPoints(of: run, after: &start)
      #expect(new.map(\.metric) == ["loss", "sum"] && new.map(\.step) == [-1, 11])
    }
    #expect(try store.runs(RunQuery(limit: 1, offset: 1)).isEmpty)
    #expect(try store.sortNames() == RunQuery.columns + ["loss", "steps", "sum"])
  }

  @Test func aLockSaysWhichProcessHoldsIt() throws {
    let root = try TemporaryFolder()
    let store = try RunStore(root: root.url, create: true)
    let own = try #require(ProcessIdentity.current)
    let held = try RunFolder(store.folder(of: "a"))
    #expect(store.process(of: "a") == own && own.isAlive && own.pid == getpid())
    #expect(store.process(of: "b") == nil)
    #expect(ProcessIdentity(text: own.text) == own)
    for text in ["", "1", "x 1 b", "1 x b", "0 1 b", "-1 1 b", "1 1 b c", "99999999999999999999 1 b"] {
      #expect(ProcessIdentity(text: text) == nil, "\(text)")
    }
    let words = own.text.split(separator: " ")
    let other = try #require(ProcessIdentity(text: "\(words[0]) 1 \(words[2])"))
    #expect(!other.isAlive)
    #expect(message { try other.interrupt() } == "process \(own.pid): has ended")
    withExtendedLifetime(held) {}
  }
}
