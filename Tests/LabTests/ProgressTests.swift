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
}
