import Lab
import Pinion

/// `--stats` and `--trace <file>`, which every command takes.
struct Observation {
  private(set) var showsStats = false
  private(set) var file: String?

  /// Takes these options out of a command's arguments, up to `--`.
  ///
  /// - Throws: `UsageError` where the file's name is missing.
  init(takingFrom arguments: inout [String]) throws {
    var rest: [String] = []
    var left = arguments[...]
    while let argument = left.popFirst() {
      switch argument {
      case "--": (rest, left) = (rest + ["--"] + left, [])
      case "--stats": showsStats = true
      case "--trace":
        guard let name = left.popFirst(), !name.hasPrefix("-") else {
          throw UsageError("--trace takes the name of a file to write")
        }
        file = name
      default: rest.append(argument)
      }
    }
    arguments = rest
  }

  /// Starts recording, where that is wanted.
  ///
  /// - Throws: `TensorError` where the file can't be written.
  func start() throws { if showsStats || file != nil { try Trace.start(file: file) } }

  /// Ends the file, and says what was counted.
  func finish() {
    guard showsStats || file != nil else { return }
    Trace.finish()
    guard showsStats else { return }
    for line in Self.lines(Trace.totals, peakMemory: Trace.peakMemory) { Terminal.standardError.write(line + "\n") }
  }

  static func lines(_ totals: [Trace.Phase: Trace.Total], peakMemory: Int) -> [String] {
    let phases = Trace.Phase.allCases.compactMap { phase in
      totals[phase].map { "\(phase.rawValue) \(Format.duration($0.seconds)) (\($0.count))" }
    }
    let times = phases.isEmpty ? "nothing was computed" : phases.joined(separator: ", ")
    return ["Time    " + times, "Memory  at most \(Format.bytes(peakMemory))"]
  }
}
