import Formats
import Foundation
import Pinion

/// Answers requests on standard input; the other peers' workers are `Benchmarks/torch/worker.py` and
/// `Benchmarks/jax/worker.py`.
struct Worker {
  private var step: Step?
  private var loaded: (workload: Workload, request: Request)?

  /// Answers until the input ends.
  mutating func serve() throws {
    while let line = readLine() {
      var reply: Reply
      do {
        reply = try answer(JSONDecoder().decode(Request.self, from: Data(line.utf8)))
      } catch {
        reply = Reply(error: "\(error)".split(separator: "\n").joined(separator: " "))
      }
      // JSON has no word for infinity.
      if let values = reply.values, !values.allSatisfy(\.isFinite) { reply = Reply(error: "a value isn't finite") }
      FileHandle.standardOutput.write(try JSONEncoder().encode(reply) + Data("\n".utf8))
    }
  }

  mutating func answer(_ request: Request) throws -> Reply {
    switch request.task {
    case .prepare:
      let workload = try named(request.workload)
      let settings = workload.settings(request.size).mapValues { "\($0)" }
      try Safetensors.write(workload.prepare(request.size), to: request.file, metadata: settings)
      return Reply()
    case .load:
      let workload = try named(request.workload)
      // What the last workload holds goes first.
      (step, loaded) = (nil, nil)
      let tensors = try Safetensors.read(request.file)
      return try timed {
        step = try workload.start(request.size, tensors)
        loaded = (workload, request)
        return []
      }
    case .run:
      guard let step else { throw BenchError("no workload is loaded") }
      return try timed {
        var values: [Double] = []
        var last: Tensor?
        for _ in 0..<request.steps {
          let value = try step()
          if request.values { values.append(try value.item()) }
          last = value
        }
        // Reading waits for the last step, and so for all before.
        if let last, !request.values { try last.withHostBytes { _ in } }
        return values
      }
    case .trace:
      guard let loaded else { throw BenchError("no workload is loaded") }
      func spent() -> Double {
        let totals = Trace.totals
        return (totals[.trace]?.seconds ?? 0) + (totals[.lower]?.seconds ?? 0)
      }
      // Read again: steps have taken the memory of the first weights.
      let fresh = try loaded.workload.start(loaded.request.size, Safetensors.read(loaded.request.file))
      try Trace.start()
      defer { Trace.finish() }
      let before = spent()
      _ = try fresh()
      return Reply(seconds: spent() - before)
    }
  }

  private func named(_ name: String) throws -> Workload {
    if let workload = Workload.find(name) ?? [Workload.gptDeep].first(where: { $0.name == name }) { return workload }
    throw BenchError("no workload is named \(name)")
  }

  private func timed(_ body: () throws -> [Double]) throws -> Reply {
    let clock = ContinuousClock()
    let start = clock.now
    let values = try body()
    return Reply(seconds: (clock.now - start).inSeconds, values: values)
  }
}

extension Duration {
  var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
