import Foundation

/// Makes reports of stored runs.
public struct ReportBuilder {
  let store: RunStore
  let scripts: ChartScripts?

  public init(store: RunStore, scripts: ChartScripts? = ChartScripts.locate()) {
    self.store = store
    self.scripts = scripts
  }

  /// The report of one run, from the parts that it kept; a run without them shows its metrics.
  ///
  /// - Throws: `UsageError` where the run can't be read.
  public func report(of record: RunRecord, paper: Paper) throws -> String {
    try document(record, paper).html()
  }

  /// What that report says.
  ///
  /// - Parameter isLive: whether it's for a page that shows the run going on, with what it measures: then without that.
  /// - Throws: `UsageError` where the run can't be read.
  public func content(of record: RunRecord, paper: Paper, isLive: Bool = false) throws -> ReportContent {
    try document(record, paper, isLive: isLive).content()
  }

  private func document(_ record: RunRecord, _ paper: Paper, isLive: Bool = false) throws -> Report {
    var blocks: [ReportBlock] = []
    if !isLive { blocks = try store.blocks(of: record.id) ?? charts([RunGroup(label: "", runs: [record])]) }
    var report = Report(paper: paper, record: record, blocks: blocks, scripts: scripts)
    report.root = store.root.relativePath
    report.isLive = isLive
    return report
  }

  /// A page that compares runs: claims side by side, options that differ, metrics with their spread over seeds.
  ///
  /// Runs that differ in nothing but the seed are one column.
  ///
  /// - Parameter records: at least one.
  /// - Throws: `UsageError` where a run can't be read.
  public func comparison(of records: [RunRecord]) throws -> String { try compared(records).html() }

  /// What that page says.
  ///
  /// - Throws: `UsageError` where a run can't be read.
  public func comparisonContent(of records: [RunRecord]) throws -> ReportContent { try compared(records).content() }

  private func compared(_ records: [RunRecord]) throws -> ComparisonReport {
    let groups = RunGroup.groups(records)
    return try ComparisonReport(groups: groups, blocks: charts(groups), scripts: scripts)
  }

  // MARK: Metrics

  /// A chart for each metric, with a line for what is measured in each group of runs.
  private func charts(_ groups: [RunGroup]) throws -> [ReportBlock] {
    struct Line: Hashable {
      var group: Int
      var name: String
    }
    var metrics: [String: [Line: [[(step: Int, value: Double)]]]] = [:]
    for (g, group) in groups.enumerated() {
      for run in group.runs {
        for series in try store.series(of: run.id) {
          let points = try store.points(of: run.id, metric: series.metric, series: series.series)
          let line = Line(group: g, name: Self.withoutSeed(series.series))
          metrics[series.metric, default: [:]][line, default: []].append(points)
        }
      }
    }
    return metrics.sorted { $0.key < $1.key }.map { metric, lines in
      let sorted = lines.sorted { ($0.key.name, $0.key.group) < ($1.key.name, $1.key.group) }
      let repeated = sorted.contains { $0.value.count > 1 }
      let series = sorted.map { line, runs in
        // What was broken off early would end the mean of the others.
        let end = runs.compactMap { $0.last?.step }.max()
        let runs = runs.filter { $0.last?.step == end }
        let label = groups[line.group].label
        let name = [line.name, label].filter { !$0.isEmpty }.joined(separator: " · ")
        return Chart.Series(name.isEmpty ? metric : name, meanOf: runs.map { Self.thinned($0) })
      }
      let spread =
        "Means over the seeds that reached the last step; bands are the 95 % interval of the mean, of two seeds their range."
      return .chart(
        .layers([.lines(series)], x: .init("step"), y: .init(metric), title: metric), caption: repeated ? spread : "")
    }
  }

  /// What a series measures, without the `, seed N` of a repetition.
  static func withoutSeed(_ series: String) -> String {
    series.replacing(/(, |^)seed \d+$/, with: "")
  }

  /// At most about a thousand points, at equal distances, the last one among them: a chart shows no more.
  public static func thinned(_ points: [(step: Int, value: Double)]) -> [(step: Int, value: Double)] {
    let stride = max(1, points.count / 1_000)
    return points.enumerated().filter { $0.offset % stride == 0 || $0.offset == points.count - 1 }.map(\.element)
  }
}

/// Runs that differ in nothing but the seed.
struct RunGroup {
  /// What sets the group apart from the others; empty where it's the only one.
  var label: String
  var runs: [RunRecord]

  /// Runs by experiment, scale and options, in the order of their first.
  static func groups(_ records: [RunRecord]) -> [RunGroup] {
    var groups: [RunGroup] = []
    for record in records {
      let place = groups.firstIndex { group in
        group.runs.first.map {
          ($0.experiment, $0.scale) == (record.experiment, record.scale) && $0.options == record.options
        } ?? false
      }
      if let place { groups[place].runs.append(record) } else { groups.append(RunGroup(label: "", runs: [record])) }
    }
    guard groups.count > 1 else { return groups }
    let differing = differences(groups)
    for i in groups.indices {
      let parts = differing.map { $0.isFact ? $0.values[i] : "\($0.name)=\($0.values[i])" }
      let text = Format.fit(parts.joined(separator: ", "), to: 60)
      // Groups that are alike in the first letters still have labels of their own.
      groups[i].label = groups[..<i].contains { $0.label == text } ? "\(text) (\(i + 1))" : text
    }
    return groups
  }

  /// A fact or an option of which groups have different values.
  struct Difference {
    var name: String
    /// Whether it's the experiment or the scale, whose value says what it is.
    var isFact: Bool
    /// By group; `–` where a group has no such option.
    var values: [String]
  }

  static func differences(_ groups: [RunGroup]) -> [Difference] {
    let first = groups.compactMap(\.runs.first)
    let names = Set(first.flatMap(\.options.keys)).sorted()
    let facts = [
      Difference(name: "experiment", isFact: true, values: first.map(\.experiment)),
      Difference(name: "scale", isFact: true, values: first.map(\.scale.rawValue)),
    ]
    let options = names.map { name in
      Difference(name: name, isFact: false, values: first.map { $0.options[name]?.text ?? "–" })
    }
    return (facts + options).filter { Set($0.values).count > 1 }
  }
}
