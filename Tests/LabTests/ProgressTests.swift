import Foundation
import Testing

@testable import Lab

@Suite struct ProgressTests {
  @Test func elsewhereThanOnATerminalLinesComeNowAndThen() {
    let (transcript, clock) = (Transcript(), ManualClock())
    let display = ProgressDisplay(isTerminal: false, now: { clock.now }, write: { transcript.append($0) })
    let outer = display.start("tnt", total: 2, unit: "seed")
    let bar = display.start("TNT seed 0", total: 100)
    for step in 1...100 {
      clock.advance(0.4)
      bar.advance(values: ["loss": 1 / Double(step)])
    }
    bar.finish()
    outer.advance()
    outer.finish()
    let lines = transcript.text.split(separator: "\n")
    #expect(
      lines == [
        "tnt › TNT seed 0: 38/100  loss 0.0263  2.5 steps/s  25 s left",
        "tnt › TNT seed 0: 76/100  loss 0.0132  2.5 steps/s  9.6 s left",
        "tnt › TNT seed 0: 100 steps in 40 s  loss 0.01",
        "tnt: 1/2  40 s/seed  40 s left",
        "tnt: 1 seed in 40 s",
      ])
    #expect(!transcript.text.contains("\u{1B}"))
  }

  @Test func aTerminalIsRedrawnAtMostTenTimesASecond() throws {
    let (transcript, clock) = (Transcript(), ManualClock())
    let display = ProgressDisplay(
      isTerminal: true, width: { 60 }, now: { clock.now }, write: { transcript.append($0) })
    let bar = display.start("work", total: 1000)
    for _ in 0..<1000 {
      clock.advance(0.001)
      bar.advance(values: ["loss": 0.5])
    }
    let redraws = transcript.text.split(separator: "\u{1B}[J").count
    #expect((9...12).contains(redraws))
    bar.finish()
    #expect(transcript.text.hasSuffix("work: 1000 steps in 1.0 s  loss 0.5\n"))
    let widest = transcript.text.split(separator: "\n").map { $0.split(separator: "\u{1B}[J").last?.count ?? 0 }.max()
    #expect(try #require(widest) < 60)
  }

  @Test func nestedBarsAreDrawnTogetherAndLeaveOneLine() {
    let (transcript, clock) = (Transcript(), ManualClock())
    let display = ProgressDisplay(isTerminal: true, now: { clock.now }, write: { transcript.append($0) })
    let outer = display.start("outer", total: 2)
    let inner = display.start("inner", total: 2)
    inner.finish()
    outer.finish()
    // Both are drawn, erased line by line, and only the outer one is reported.
    #expect(transcript.text.contains("outer  ────────────────────────  0/2\n  inner  ────"))
    #expect(transcript.text.contains("\u{1B}[2A\r\u{1B}[J"))
    #expect(transcript.text.hasSuffix("outer: 0.0 s\n"))
    #expect(!transcript.text.contains("inner:"))
  }

  @Test func notesStandAboveTheBars() {
    let transcript = Transcript()
    let display = ProgressDisplay(isTerminal: true, now: { 0 }, write: { transcript.append($0) })
    let bar = display.start("work")
    display.note("half-way")
    #expect(transcript.text.contains("\u{1B}[1A\r\u{1B}[Jhalf-way\nwork"))
    bar.finish()
    bar.finish()
    bar.advance()
    #expect(transcript.text.hasSuffix("work: 0.0 s\n"))
  }

  @Test func whatWasDoneBeforeIsNotPartOfTheRate() {
    let (transcript, clock) = (Transcript(), ManualClock())
    let display = ProgressDisplay(isTerminal: false, now: { clock.now }, write: { transcript.append($0) })
    let bar = display.start("TNT, seed 0", total: 2000)
    clock.advance(1)
    bar.skip(1500)
    for _ in 0..<40 {
      clock.advance(0.4)
      bar.advance()
    }
    bar.finish()
    #expect(
      transcript.text.split(separator: "\n") == [
        "TNT, seed 0: 1535/2000  2.333 steps/s  3 min 19 s left", "TNT, seed 0: 40 steps in 17 s",
      ])
  }

  @Test func programsAreToldInLinesOfJSON() throws {
    let (transcript, clock) = (Transcript(), ManualClock())
    let display = ProgressDisplay(
      isTerminal: false, now: { clock.now }, events: { transcript.append($0.line + "\n") }, write: { _ in })
    let outer = display.start("tnt", total: 2, unit: "network")
    let inner = display.start("a \"b\"\nc", total: 1000, in: outer)
    inner.skip(100)
    for _ in 0..<100 {
      clock.advance(0.01)
      inner.advance(values: ["loss": .nan])
    }
    display.note("half-way")
    display.emit(.metric(MetricPoint(metric: "loss", series: "a", step: 3, value: 0.5)))
    outer.finish()
    let lines = transcript.text.split(separator: "\n")
    let events = try lines.map {
      try #require(JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
    let names = events.compactMap { $0["event"] as? String }
    #expect(names.prefix(2) == ["start", "start"])
    #expect(names.suffix(4) == ["note", "metric", "end", "end"])
    // A second of advances at most ten times a second.
    #expect((9...11).contains(names.count { $0 == "advance" }))
    #expect(events[1]["label"] as? String == "a \"b\"\nc")
    #expect(events[1]["parent"] as? Int == events[0]["task"] as? Int)
    let advance = try #require(events.last { $0["event"] as? String == "advance" })
    #expect(abs((advance["rate"] as? Double ?? 0) - 100) < 1)
    #expect((advance["values"] as? [String: Any])?["loss"] as? String == "nan")
    let ends = events.suffix(2)
    #expect(ends.compactMap { $0["task"] as? Int } == [1, 0])
    #expect(ends.first?["count"] as? Int == 200)
    #expect(events.allSatisfy { $0["time"] is Double })
  }
}
