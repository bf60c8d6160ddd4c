/// What the driver asks a worker, one line of JSON.
struct Request: Codable {
  enum Task: String, Codable {
    /// Writes first weights and data to a file; Pinion alone.
    case prepare
    /// Reads them, and makes the step.
    case load
    /// Does a number of steps.
    case run
    /// Traces the step anew and lowers it, without running it.
    case trace
  }

  var task: Task
  var workload = ""
  var file = ""
  var size = Size.standard
  var steps = 0
  /// Whether the number of each step is wanted, rather than that of the last.
  var values = false
}

/// What a worker answers, one line of JSON.
struct Reply: Codable {
  /// Time of what was asked alone.
  var seconds: Double?
  var values: [Double]?
  /// Why it can't be done.
  var error: String?
}

/// Why something can't be measured, in one line.
struct BenchError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
