import Foundation

/// A row of the table.
struct Row: Codable {
  var workload: String
  var title: String
  var kind: Workload.Kind
  /// By the peer's name.
  var findings: [String: Finding]
}

/// Runs workloads through all peers: first values that must agree, then timed runs in turns.
final class Driver {
  /// How long and how often is measured.
  struct Plan {
    /// Steps whose values must agree.
    var checks = 20
    var rounds = 9
    /// Seconds that one measurement should last at least.
    var duration = 0.3
    /// Seconds for the rounds of a workload; there are at least three.
    var budget = 40.0
    /// Whether time on the CPU counts, rather than time passed.
    var countsProcessorTime = false

    static let quick = Plan(checks: 5, rounds: 3, duration: 0.1, budget: 10)
  }

  private let descriptions: [PeerDescription]
  private let plan: Plan
  private let size: Size
  private let folder: URL
  private let say: (String) -> Void
  private var peers: [String: Peer] = [:]

  /// - Parameters:
  ///   - peers: the first one writes the weights, and the others' values are compared with its.
  ///   - folder: for weights and logs.
  init(_ peers: [PeerDescription], plan: Plan, size: Size = .standard, folder: URL, say: @escaping (String) -> Void) {
    descriptions = peers
    (self.plan, self.size, self.folder, self.say) = (plan, size, folder, say)
  }

  /// The peer's worker; started again where it has died.
  private func peer(_ description: PeerDescription) throws -> Peer {
    if let peer = peers[description.name], peer.isRunning { return peer }
    let peer = try Peer(description, log: folder.appending(path: "\(description.name).log"))
    peers[description.name] = peer
    return peer
  }

  /// Measures a workload.
  func measure(_ workload: Workload) throws -> Row {
    let file = folder.appending(path: "\(workload.name).safetensors").path
    var row = Row(workload: workload.name, title: workload.title, kind: workload.kind, findings: [:])
    defer { try? FileManager.default.removeItem(atPath: file) }
    do {
      _ = try peer(descriptions[0]).ask(
        Request(task: .prepare, workload: workload.name, file: file, size: size))
    } catch {
      say("\(workload.name): \(error)")
      for description in descriptions { row.findings[description.name] = .missing("\(error)") }
      return row
    }
    var ready: [(peer: Peer, steps: Int, seconds: Double)] = []
    // Pinion's, or the first that can.
    var reference: (title: String, values: [Double])?
    let checks = workload.kind == .training ? plan.checks : min(plan.checks, 2)
    for description in descriptions {
      do {
        let peer = try peer(description)
        _ = try peer.ask(Request(task: .load, workload: workload.name, file: file, size: size))
        let values = try peer.ask(Request(task: .run, steps: checks, values: true)).values ?? []
        if let reference, let problem = disagreement(values, reference.values, of: reference.title) {
          throw BenchError(problem)
        }
        reference = reference ?? (description.title, values)
        let seconds = try peer.ask(Request(task: .run, steps: 1)).seconds ?? 0
        let steps = max(1, min(2000, Int((plan.duration / max(seconds, 1e-6)).rounded(.up))))
        ready.append((peer, steps, seconds * Double(steps)))
      } catch {
        say("\(workload.name), \(description.title): \(error)")
        row.findings[description.name] = .missing("\(error)")
      }
    }
    let round = ready.reduce(0) { $0 + $1.seconds }
    let rounds = max(3, min(plan.rounds, Int(plan.budget / max(round, 1e-3))))
    var samples: [String: [Double]] = [:]
    for i in 0..<rounds {
      // Who goes first changes from round to round.
      for j in ready.indices {
        let (peer, steps, _) = ready[(i + j) % ready.count]
        let name = peer.description.name
        guard row.findings[name] == nil else { continue }
        do {
          let seconds = try seconds(peer, steps)
          samples[name, default: []].append(seconds / Double(steps))
        } catch {
          row.findings[name] = .missing("\(error)")
        }
      }
    }
    for (name, list) in samples where row.findings[name] == nil { row.findings[name] = .timed(Timing(samples: list)) }
    return row
  }

  private func seconds(_ peer: Peer, _ steps: Int) throws -> Double {
    let before = plan.countsProcessorTime ? peer.processorTime : nil
    let passed = try peer.ask(Request(task: .run, steps: steps)).seconds ?? .nan
    guard let before, let after = peer.processorTime else { return passed }
    return after - before
  }

  /// Seconds to trace and lower a step of a 12-layer transformer, for the peers that can.
  func tracing() throws -> [String: Finding] {
    let workload = Workload.gptDeep
    let file = folder.appending(path: "\(workload.name).safetensors").path
    defer { try? FileManager.default.removeItem(atPath: file) }
    _ = try peer(descriptions[0]).ask(Request(task: .prepare, workload: workload.name, file: file, size: size))
    return Dictionary(
      uniqueKeysWithValues: descriptions.map { description in
        do {
          let peer = try peer(description)
          _ = try peer.ask(Request(task: .load, workload: workload.name, file: file, size: size))
          let samples = try (0..<3).map { _ in try peer.ask(Request(task: .trace)).seconds ?? .nan }
          return (description.name, .timed(Timing(samples: samples)))
        } catch {
          return (description.name, .missing("\(error)"))
        }
      })
  }

  /// Seconds from the start of a process to the value of its first step; with an empty cache of compiled programs, then
  /// with what the run before left there.
  func startUp(_ workload: Workload) throws -> (cold: [String: Finding], warm: [String: Finding]) {
    let file = folder.appending(path: "\(workload.name).safetensors").path
    defer { try? FileManager.default.removeItem(atPath: file) }
    _ = try peer(descriptions[0]).ask(Request(task: .prepare, workload: workload.name, file: file, size: size))
    func started(_ description: PeerDescription, cache: URL) throws -> Double {
      var description = description
      description.environment.merge(try cacheVariables(cache)) { $1 }
      let start = ContinuousClock.now
      let peer = try Peer(description, log: folder.appending(path: "start-up.log"))
      defer { peer.end() }
      _ = try peer.ask(Request(task: .load, workload: workload.name, file: file, size: size))
      _ = try peer.ask(Request(task: .run, steps: 1, values: true))
      return (ContinuousClock.now - start).inSeconds
    }
    var (cold, warm): ([String: Finding], [String: Finding]) = ([:], [:])
    for description in descriptions {
      do {
        var samples: (cold: [Double], warm: [Double]) = ([], [])
        for i in 0..<3 {
          let cache = folder.appending(path: "cache-\(description.name)-\(i)")
          defer { try? FileManager.default.removeItem(at: cache) }
          samples.cold.append(try started(description, cache: cache))
          samples.warm.append(try started(description, cache: cache))
        }
        cold[description.name] = .timed(Timing(samples: samples.cold))
        warm[description.name] = .timed(Timing(samples: samples.warm))
      } catch {
        cold[description.name] = .missing("\(error)")
        warm[description.name] = .missing("\(error)")
      }
    }
    return (cold, warm)
  }
}
