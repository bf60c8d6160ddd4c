import Foundation
import Lab

/// All that was measured, as JSON and as a page of Markdown.
struct Outcome: Codable {
  /// Names and titles of the peers, Pinion first.
  struct Participant: Codable, Equatable {
    let name: String
    let title: String
    /// Version, as the library words it.
    let version: String
  }

  /// A measurement without rounds.
  struct Single: Codable {
    let name: String
    let unit: String
    /// By the peer's name.
    let findings: [String: Finding]
  }

  var date: Date
  var commit: String
  var machine: Machine
  var threads: Int
  /// Whether times are those of the CPU.
  var isProcessorTime = false
  var participants: [Participant]
  var rows: [Row]
  var others: [Single]
  /// Most memory that Pinion's worker has held, in bytes.
  var installBytes: [String: Int]

  /// Ratios of the peers' times to Pinion's, over the rows where both have one.
  func ratios(_ peer: String, _ kinds: Set<Workload.Kind>) -> [Double] {
    rows.filter { kinds.contains($0.kind) }.compactMap { row in
      guard let own = row.findings[participants[0].name]?.timing, let other = row.findings[peer]?.timing else {
        return nil
      }
      return own.ratio(other)
    }
  }

  /// The page.
  var markdown: String {
    let peers = Array(participants.dropFirst())
    let day = date.formatted(.iso8601.year().month().day())
    let versions = participants.map { "\($0.title) \($0.version)" }.joined(separator: ", ")
    var lines = [
      "# Benchmarks", "",
      "\(machine.processor), \(threads) threads, \(machine.system); commit \(commit), \(day). \(versions).", "",
      (isProcessorTime ? "CPU milliseconds" : "Milliseconds")
        + " of a step: median of the rounds, and half the distance "
        + "of their quartiles in percent. `x` is how many times longer a peer takes than Pinion.", "",
    ]
    lines.append(
      "| workload | " + participants.map(\.title).joined(separator: " | ") + peers.map { " | x \($0.title)" }.joined()
        + " |")
    lines.append("|---|" + String(repeating: "---:|", count: participants.count + peers.count))
    var causes: [String] = []
    for row in rows {
      let cells = participants.map { participant -> String in
        switch row.findings[participant.name] {
        case .timed(let timing): return Self.cell(timing)
        case .missing(let cause):
          causes.append("\(row.workload), \(participant.title): \(cause)")
          return "[\(causes.count)]"
        case nil: return ""
        }
      }
      let own = row.findings[participants[0].name]?.timing
      let ratios = peers.map { peer -> String in
        guard let own, let other = row.findings[peer.name]?.timing else { return "" }
        return String(format: "%.2f", own.ratio(other))
      }
      lines.append("| \(row.workload) | " + (cells + ratios).joined(separator: " | ") + " |")
    }
    for (title, kinds) in [
      ("geometric mean, training", [Workload.Kind.training]),
      ("geometric mean, training and arrays", [.training, .computation]),
    ] as [(String, Set<Workload.Kind>)] {
      let means = peers.map { peer -> String in
        let list = ratios(peer.name, kinds)
        return list.isEmpty ? "" : String(format: "**%.2f** of %d", Timing.geometricMean(list), list.count)
      }
      lines.append(
        "| \(title) |" + String(repeating: " |", count: participants.count) + means.map { " \($0) |" }.joined())
    }
    if !causes.isEmpty {
      lines += ["", "Not measured:", ""]
      lines += causes.enumerated().map { "\($0.offset + 1). \($0.element)" }
    }
    if !others.isEmpty {
      lines += ["", "| besides | " + participants.map(\.title).joined(separator: " | ") + " |"]
      lines.append("|---|" + String(repeating: "---:|", count: participants.count))
      for single in others {
        let cells = participants.map { participant -> String in
          switch single.findings[participant.name] {
          case .timed(let timing): Format.short(timing.median * (single.unit == "ms" ? 1000 : 1))
          case .missing(let cause): cause
          case nil: ""
          }
        }
        lines.append("| \(single.name), \(single.unit) | " + cells.joined(separator: " | ") + " |")
      }
      let sizes = participants.map { installBytes[$0.name].map(Format.bytes) ?? "" }
      lines.append("| installed | " + sizes.joined(separator: " | ") + " |")
    }
    lines += ["", "Workloads:", ""]
    lines += rows.map { "- `\($0.workload)`: \($0.title)" }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func cell(_ timing: Timing) -> String {
    let milliseconds = timing.median * 1000
    return "\(Format.short(milliseconds)) ±\(String(format: "%.0f", timing.spread * 50))%"
  }

  /// The JSON.
  var json: Data {
    get throws {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      encoder.dateEncodingStrategy = .iso8601
      return try encoder.encode(self)
    }
  }
}
