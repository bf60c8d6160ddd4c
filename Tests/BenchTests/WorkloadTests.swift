import Foundation
import Pinion
import Testing

@testable import Bench

@Suite struct WorkloadTests {
  /// `gpt-d64` is `gpt-d256` at this size.
  @Test(arguments: Workload.all.filter { $0.kind == .training && $0.name != "gpt-d64" }.map(\.name))
  func lossOfTrainingFalls(_ name: String) throws {
    let workload = try #require(Workload.find(name))
    let step = try workload.start(.tiny, workload.prepare(.tiny))
    let losses = try (0..<25).map { _ in try step().item() }
    let (first, last) = (losses[0], losses[losses.count - 1])
    let isFinite = losses.allSatisfy { $0.isFinite }
    #expect(isFinite)
    #expect(last < first, "\(name): \(losses)")
  }

  @Test func computationsGiveTheSameInEachStep() throws {
    for workload in Workload.all where workload.kind == .computation {
      let tensors: [String: Tensor]
      do { tensors = try workload.prepare(.tiny) } catch is BenchError { continue }
      let step = try workload.start(.tiny, tensors)
      let value = try step().item()
      #expect(value.isFinite)
      #expect(try step().item() == value, "\(workload.name)")
    }
  }

  @Test func overheadKeepsItsLeaves() throws {
    let workload = Workload.callUnchanged
    let tensors = try workload.prepare(.tiny)
    let rows = try #require(tensors["data.x"]).array(of: Float.self)
    let step = try workload.start(.tiny, tensors)
    // Leaf 0 becomes half of itself and the last leaf, which stays.
    let sums = (rows.prefix(8).reduce(0, +), rows.suffix(8).reduce(0, +))
    #expect(abs(try step().item() - Double(0.5 * sums.0 + sums.1)) < 1e-5)
    #expect(abs(try step().item() - Double(0.25 * sums.0 + 1.5 * sums.1)) < 1e-5)
  }

  @Test func namesAreUnique() {
    #expect(Set(Workload.all.map(\.name)).count == Workload.all.count)
    #expect(Workload.find("nothing") == nil)
  }
}

@Suite struct WorkerTests {
  private let file = FileManager.default.temporaryDirectory.appending(path: "bench-\(UUID().uuidString).safetensors")
    .path

  @Test func preparesLoadsAndRuns() throws {
    defer { try? FileManager.default.removeItem(atPath: file) }
    var worker = Worker()
    _ = try worker.answer(Request(task: .prepare, workload: "mlp", file: file, size: .tiny))
    let load = Request(task: .load, workload: "mlp", file: file, size: .tiny)
    #expect(try worker.answer(load).seconds ?? 0 > 0)
    let run = Request(task: .run, steps: 4, values: true)
    let values = try #require(try worker.answer(run).values)
    #expect(values.count == 4 && values[3] < values[0])
    // Loading again starts from the same weights.
    _ = try worker.answer(load)
    #expect(try worker.answer(run).values == values)
    #expect(try worker.answer(Request(task: .run, steps: 3)).values == [])
    #expect(try worker.answer(Request(task: .trace)).seconds ?? 0 > 0)
  }

  @Test func saysWhatItCannotDo() throws {
    var worker = Worker()
    #expect(throws: BenchError.self) { try worker.answer(Request(task: .run, steps: 1)) }
    #expect(throws: BenchError.self) { try worker.answer(Request(task: .load, workload: "x", file: file)) }
  }
}
