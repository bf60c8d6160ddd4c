import Foundation

/// What a program is told of a run: `event` is `start`, `advance`, `metric`, `claim`, `note` or `end`.
///
/// A task is a piece of the work, such as the training of one network, and has a number; `start` and `end` without a task
/// are the run's own. A metric is told once it's stored, `advance` at most ten times a second for each task.
public enum ProgressEvent: Sendable {
  case runStarted(RunRecord, folder: String, resumed: Bool)
  case taskStarted(task: Int, parent: Int?, label: String, total: Int?, unit: String)
  case taskAdvanced(task: Int, count: Int, total: Int?, values: [(String, Double)], rate: Double?)
  case taskEnded(task: Int, count: Int, total: Int?, values: [(String, Double)], seconds: Double)
  case metric(MetricPoint)
  case claim(Claim)
  case note(String)
  case runEnded(RunRecord, report: String?)

  /// The event as JSON on one line, without the line's end. A number that isn't finite is a word.
  public var line: String {
    (try? RecordCoding.lineEncoder.encode(fields)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
  }

  private var fields: Fields {
    func named(_ values: [(String, Double)]) -> [String: Double]? {
      values.isEmpty ? nil : Dictionary(values, uniquingKeysWith: { $1 })
    }
    switch self {
    case .runStarted(let run, let folder, let resumed):
      return Fields(
        event: "start", run: run.id, experiment: run.experiment, scale: run.scale.rawValue, seed: run.seed,
        options: run.options, folder: folder, resumed: resumed)
    case .taskStarted(let task, let parent, let label, let total, let unit):
      return Fields(event: "start", task: task, parent: parent, label: label, total: total, unit: unit)
    case .taskAdvanced(let task, let count, let total, let values, let rate):
      return Fields(event: "advance", task: task, count: count, total: total, values: named(values), rate: rate)
    case .taskEnded(let task, let count, let total, let values, let seconds):
      return Fields(
        event: "end", task: task, count: count, total: total, values: named(values), seconds: seconds)
    case .metric(let point):
      return Fields(
        event: "metric", metric: point.metric, series: point.series, step: point.step, value: point.value)
    case .claim(let claim): return Fields(event: "claim", claim: claim, verdict: claim.verdict.rawValue)
    case .note(let text): return Fields(event: "note", text: text)
    case .runEnded(let run, let report):
      return Fields(
        event: "end", run: run.id, state: run.state.rawValue, error: run.error, report: report,
        seconds: run.seconds)
    }
  }

  private struct Fields: Encodable {
    var event: String
    var time = Date.now.timeIntervalSince1970
    var run: String?
    var experiment: String?
    var scale: String?
    var seed: UInt64?
    var options: [String: JSONValue]?
    var folder: String?
    var resumed: Bool?
    var task: Int?
    var parent: Int?
    var label: String?
    var count: Int?
    var total: Int?
    var unit: String?
    var values: [String: Double]?
    var rate: Double?
    var metric: String?
    var series: String?
    var step: Int?
    var value: Double?
    var claim: Claim?
    var verdict: String?
    var text: String?
    var state: String?
    var error: String?
    var report: String?
    var seconds: Double?
  }
}
