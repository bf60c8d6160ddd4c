import Foundation
import Lab
import Testing

@testable import Bench

@Suite struct TimingTests {
  @Test func quantilesAndSpread() {
    let timing = Timing(samples: [5, 1, 4, 2, 3])
    #expect(timing.median == 3)
    #expect(abs(timing.spread - 2.0 / 3) < 1e-12)
    #expect(Timing.quantile([1, 2], 0.5) == 1.5)
    #expect(Timing.quantile([7], 0.9) == 7)
    #expect(Timing.quantile([], 0.5).isNaN)
  }

  @Test func ratiosArePaired() {
    // The machine is four times slower in the last rounds, for both.
    let own = Timing(samples: [1, 1, 4, 4])
    let other = Timing(samples: [2, 2, 8, 8])
    #expect(own.ratio(other) == 2)
    #expect(abs(Timing.geometricMean([0.5, 2, 8]) - 2) < 1e-12)
    #expect(Timing.geometricMean([]).isNaN)
  }

  @Test func disagreementNamesTheStep() {
    #expect(disagreement([1, 2.001, 300.2], [1, 2, 300], of: "A") == nil)
    #expect(disagreement([1, 2.01], [1, 2], of: "A")?.hasPrefix("step 2: value 2.01") == true)
    #expect(disagreement([1, .nan], [1, 2], of: "A") != nil)
    #expect(disagreement([1], [1, 2], of: "A") == "1 values, not 2")
  }
}

/// Workers that play their parts: shell scripts that answer each line.
@Suite struct DriverTests {
  private let folder = FileManager.default.temporaryDirectory.appending(path: "bench-\(UUID().uuidString)")

  private func worker(_ name: String, values: String, seconds: Double = 0.01, run: String? = nil) -> PeerDescription {
    let script = """
      while read -r line; do
        case $line in
          *'"task":"run"'*'"values":true'*|*'"values":true'*'"task":"run"'*) echo '{"seconds":1,"values":[\(values)]}' ;;
          *'"task":"run"'*) \(run ?? "echo '{\"seconds\":\(seconds)}'") ;;
          *) echo '{}' ;;
        esac
      done
      """
    return PeerDescription(name: name, title: name, command: ["sh", "-c", script])
  }

  private func measure(_ peers: [PeerDescription]) throws -> Row {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let plan = Driver.Plan(checks: 2, rounds: 3, duration: 0, budget: 1)
    return try Driver(peers, plan: plan, folder: folder, say: { _ in }).measure(.mlp)
  }

  @Test func peersThatAgreeAreTimed() throws {
    let row = try measure([worker("a", values: "1,2"), worker("b", values: "1,2.0001", seconds: 0.03)])
    #expect(row.findings["a"]?.timing == Timing(samples: [0.01, 0.01, 0.01]))
    let own = try #require(row.findings["a"]?.timing)
    #expect(abs(own.ratio(try #require(row.findings["b"]?.timing)) - 3) < 1e-9)
  }

  @Test func whatDisagreesDiesOrFailsIsListedWithItsCause() throws {
    let row = try measure([
      worker("a", values: "1,2"), worker("far", values: "1,3"), worker("dies", values: "1,2", run: "exit"),
      worker("fails", values: "1,2", run: "echo '{\"error\":\"no such operation\"}'"),
    ])
    #expect(row.findings["a"]?.timing != nil)
    #expect(row.findings["far"] == .missing("step 2: value 3.0, a's 2.0"))
    #expect(row.findings["dies"] == .missing("the worker died; its log says why"))
    #expect(row.findings["fails"] == .missing("no such operation"))
  }

  @Test func aWorkerThatHangsIsEnded() throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let peer = try Peer(worker("a", values: "1", run: "exec sleep 60"), log: folder.appending(path: "log"))
    #expect(throws: BenchError.self) { try peer.ask(Request(task: .run, steps: 1), limit: 0.2) }
    #expect(!peer.isRunning)
  }
}

@Suite struct OutcomeTests {
  private let outcome = Outcome(
    date: Date(timeIntervalSince1970: 0), commit: "abc",
    machine: .current, threads: 2,
    participants: [
      .init(name: "pinion", title: "Pinion", version: "1"), .init(name: "jax", title: "JAX", version: "2"),
    ],
    rows: [
      Row(
        workload: "mlp", title: "layers", kind: .training,
        findings: ["pinion": .timed(Timing(samples: [0.1, 0.1])), "jax": .timed(Timing(samples: [0.2, 0.2]))]),
      Row(
        workload: "fft2", title: "transform", kind: .computation,
        findings: ["pinion": .missing("not there"), "jax": .timed(Timing(samples: [0.2]))]),
    ], others: [], installBytes: [:])

  @Test func tableHasTimesRatiosAndCauses() {
    let page = outcome.markdown
    #expect(page.contains("| mlp | 100 ±0% | 200 ±0% | 2.00 |"))
    #expect(page.contains("| fft2 | [1] | 200 ±0% |  |"))
    #expect(page.contains("1. fft2, Pinion: not there"))
    #expect(page.contains("| geometric mean, training | | | **2.00** of 1 |"))
  }

  @Test func jsonReadsBack() throws {
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .iso8601
    #expect(try decoder.decode(Outcome.self, from: outcome.json).markdown == outcome.markdown)
  }
}
