import Foundation
import Testing

@testable import Pinion

/// What an event of Chrome's trace format says.
private struct Event: Decodable {
  let name: String
  let ph: String
  let ts: Double
  let dur: Double?
  let tid: Int?
}

/// Other tests' spans may come between; these look for their own.
@Suite(.serialized) struct TraceTests {
  private let file = FileManager.default.temporaryDirectory.appending(path: "trace \(UUID().uuidString).json")

  @Test func fileHasSpansOfACompiledFunction() throws {
    defer { try? FileManager.default.removeItem(at: file) }
    try Trace.start(file: file.path)
    let double = jit { (x: Tensor) in 2 * x + 0.123 }
    let values = try double(Tensor([1.0, 2, 3])).array(of: Double.self)
    #expect(abs(values[1] - 4.123) < 1e-12)
    let totals = Trace.totals
    Trace.finish()
    for phase in [Trace.Phase.trace, .lower, .execute] { #expect(totals[phase]?.count ?? 0 > 0, "\(phase)") }
    let events = try JSONDecoder().decode([Event].self, from: Data(contentsOf: file))
    let spans = events.filter { $0.ph == "X" }
    #expect(Set(spans.map(\.name)).isSuperset(of: ["trace", "lower", "execute"]))
    #expect(spans.allSatisfy { $0.dur ?? -1 >= 0 && $0.tid != nil })
    // A function is traced, then printed, then run.
    let traced = try #require(spans.first { $0.name == "trace" })
    let ran = try #require(spans.last { $0.name == "execute" })
    #expect(traced.ts + (traced.dur ?? 0) <= ran.ts)
  }

  @Test func timeOfInnerSpansIsNotCountedTwice() throws {
    defer { try? FileManager.default.removeItem(at: file) }
    try Trace.start(file: file.path)
    let before = Trace.totals[.load]?.seconds ?? 0
    Trace.span(.load, "outer \"quoted\"") {
      usleep(2_000)
      Trace.span(.compile) { _ = usleep(60_000) }
    }
    let outer = (Trace.totals[.load]?.seconds ?? 0) - before
    #expect(outer >= 0.002 && outer < 0.05)
    Trace.finish()
    _ = try JSONDecoder().decode([Event].self, from: Data(contentsOf: file))
  }

  @Test func offRecordsNothing() throws {
    Trace.finish()
    let before = Trace.totals[.load]?.count
    let seven = Trace.span(.load) { 7 }
    #expect(seven == 7)
    #expect(Trace.totals[.load]?.count == before)
    #expect(Trace.peakMemory > 10 << 20)
  }

  @Test func aFileThatCannotBeWrittenIsAnError() {
    #expect(throws: TensorError.self) { try Trace.start(file: "/no/such/folder/trace.json") }
    #expect(!Trace.isOn)
  }
}
