import Formats
import Foundation

/// Stored runs as text for other programs.
public struct RunExport {
  /// What is a row.
  public enum Table: String, CaseIterable, Sendable {
    /// A point of a metric.
    case metrics
    /// A claim of a run.
    case claims
    /// A run, with its options and measured claims.
    case runs
  }

  /// How rows are written.
  public enum Format: String, CaseIterable, Sendable {
    /// RFC 4180, with names of columns. Numbers have all their digits; those that aren't finite are `nan`, `inf`, `-inf`.
    case csv
    /// A JSON object a line. Numbers that aren't finite are words, as in CSV.
    case jsonl
  }

  let store: RunStore
  let table: Table
  let format: Format

  public init(store: RunStore, table: Table, format: Format) {
    self.store = store
    self.table = table
    self.format = format
  }

  /// Writes runs part by part, so that any number of points takes little memory.
  ///
  /// - Throws: `UsageError` where a run can't be read; what `write` throws.
  public func write(_ records: [RunRecord], to write: (String) throws -> Void) throws {
    var text = ""
    func put(_ part: String) throws {
      text += part
      guard text.utf8.count >= 1 << 16 else { return }
      try write(text)
      text = ""
    }
    switch table {
    case .metrics: try writeMetrics(records, put)
    case .claims: try writeClaims(records, put)
    case .runs: try writeRuns(records, put)
    }
    if !text.isEmpty { try write(text) }
  }

  private func line(_ fields: [String]) -> String { CSV(rows: [fields]).text }

  private func writeMetrics(_ records: [RunRecord], _ put: (String) throws -> Void) throws {
    struct Line: Encodable {
      var run, experiment: String
      var seed: UInt64
      var metric, series: String
      var step: Int
      var value: Double
    }
    if format == .csv { try put(line(["run", "experiment", "seed", "metric", "series", "step", "value"])) }
    for run in records {
      try store.eachPoint(of: run.id) { point in
        switch format {
        case .csv:
          try put(
            line([
              run.id, run.experiment, "\(run.seed)", point.metric, point.series, "\(point.step)", "\(point.value)",
            ]))
        case .jsonl:
          try put(
            jsonText(
              Line(
                run: run.id, experiment: run.experiment, seed: run.seed, metric: point.metric, series: point.series,
                step: point.step, value: point.value)) + "\n")
        }
      }
    }
  }

  private func writeClaims(_ records: [RunRecord], _ put: (String) throws -> Void) throws {
    struct Line: Encodable {
      var run, experiment: String
      var seed: UInt64
      var claim: Claim
      var verdict: String
    }
    if format == .csv {
      try put(
        line([
          "run", "experiment", "seed", "claim", "measured", "unit", "low", "high", "comparison", "threshold",
          "baseline", "seeds", "verdict",
        ]))
    }
    for run in records {
      for claim in run.claims {
        switch format {
        case .csv:
          try put(
            line([
              run.id, run.experiment, "\(run.seed)", claim.name, "\(claim.measured)", claim.unit,
              claim.interval.map { "\($0.lowerBound)" } ?? "", claim.interval.map { "\($0.upperBound)" } ?? "",
              claim.comparison.rawValue, "\(claim.threshold)", claim.baseline, "\(claim.seeds)",
              claim.verdict.rawValue,
            ]))
        case .jsonl:
          try put(
            jsonText(
              Line(
                run: run.id, experiment: run.experiment, seed: run.seed, claim: claim,
                verdict: claim.verdict.rawValue)) + "\n")
        }
      }
    }
  }

  private func writeRuns(_ records: [RunRecord], _ put: (String) throws -> Void) throws {
    guard format == .csv else {
      for run in records { try put(jsonText(run) + "\n") }
      return
    }
    let options = Set(records.flatMap(\.options.keys)).sorted()
    let claims = Set(records.flatMap { $0.claims.map(\.name) }).sorted()
    try put(
      line(
        [
          "run", "experiment", "scale", "seed", "state", "started", "ended", "seconds", "threads", "codeVersion",
          "error",
        ]
          + options.map { "option: \($0)" } + claims.map { "claim: \($0)" }))
    for run in records {
      try put(
        line(
          [
            run.id, run.experiment, run.scale.rawValue, "\(run.seed)", run.state.rawValue,
            run.started.formatted(.iso8601), run.ended?.formatted(.iso8601) ?? "", "\(run.seconds)", "\(run.threads)",
            run.codeVersion, run.error ?? "",
          ] + options.map { run.options[$0]?.text ?? "" }
            + claims.map { name in run.claims.first { $0.name == name }.map { "\($0.measured)" } ?? "" }))
    }
  }
}
