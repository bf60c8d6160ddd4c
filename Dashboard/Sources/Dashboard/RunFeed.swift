import Foundation
import Lab

/// What the page of a run is told: charts and their new points, latest values, log, state.
struct RunFeed: Feed {
  let page: RunPage
  let run: String
  private(set) var isOver = false

  private var cursor = MetricCursor()
  private var charts: [String: LiveChart] = [:]
  private var mark: RunStore.ChangeMark?
  private var ends: [RunStore.LogFile: Int] = [:]
  private var sentFacts: HTML?
  private var sentAction: HTML?
  private var sentLatest: HTML?
  private var steps = 0

  /// A chart as the page has it.
  private struct LiveChart {
    var series: [String]
    /// Points since it was drawn.
    var added = 0
  }

  /// Added points after which a chart is drawn anew from points at equal distances.
  private static let limit = 4_000
  /// Steps between two looks whether the run's process is still there.
  static let settling = 4

  init(page: RunPage, run: String) {
    self.page = page
    self.run = run
  }

  private var store: RunStore { page.site.store }

  mutating func next() throws -> [ServerEvent] {
    let isThorough = steps % Self.settling == 0
    if isThorough { try store.settle() }
    steps += 1
    var events = try logEvents()
    // Two changes within a tick of the file system's clock have one mark, so now and then it isn't trusted.
    let now = store.changeMark
    if now != mark || isThorough {
      mark = now
      guard let record = try store.record(run) else { throw UsageError("run \(run): isn't there any more") }
      events += try metricEvents()
      // What was stored before the end is told before it.
      isOver = record.state != .running
      let (facts, action) = (page.facts(record), page.action(record))
      if facts != sentFacts { events.append(try ServerEvent("facts", ["html": .string(facts.text)])) }
      if action != sentAction {
        events.append(
          try ServerEvent("action", ["html": .string(action.text), "state": .string(record.state.rawValue)]))
      }
      (sentFacts, sentAction) = (facts, action)
    }
    if isOver {
      events += try logEvents()
      events.append(try ServerEvent("end", [:]))
    }
    return events
  }

  // MARK: Log

  private mutating func logEvents() throws -> [ServerEvent] {
    var events: [ServerEvent] = []
    for file in [RunStore.LogFile.log, .errors] {
      let start = ends[file]
      guard let part = store.text(file, of: run, after: start ?? 0, limit: RunPage.logLimit) else { continue }
      ends[file] = part.range.upperBound
      if part.text.isEmpty && start != nil { continue }
      events.append(
        try ServerEvent(
          "log", ["file": .string(file.rawValue), "text": .string(part.text), "isAll": .bool(start == nil)]))
    }
    return events
  }

  // MARK: Metrics

  private mutating func metricEvents() throws -> [ServerEvent] {
    let series = try store.series(of: run)
    var events: [ServerEvent] = []
    if steps == 1 {
      // What was measured before is drawn, not added point by point.
      for one in series { cursor.pass(one) }
      for metric in Self.metrics(series) { events.append(try drawn(metric, series)) }
    } else {
      let points = Dictionary(grouping: try store.newPoints(of: run, after: &cursor), by: \.metric)
      for (metric, new) in points.sorted(by: { $0.key < $1.key }) {
        let known = charts[metric]?.series ?? []
        let isFull = (charts[metric]?.added ?? 0) + new.count > Self.limit
        if isFull || new.contains(where: { !known.contains($0.series) }) {
          events.append(try drawn(metric, series))
        } else {
          charts[metric]?.added += new.count
          events.append(
            try ServerEvent("points", ["metric": .string(metric), "points": .array(new.compactMap(Self.json))]))
        }
      }
    }
    let latest = RunPage.latest(series)
    if latest != sentLatest {
      sentLatest = latest
      events.append(try ServerEvent("latest", ["html": .string(latest.text)]))
    }
    return events
  }

  private static func metrics(_ series: [MetricSeries]) -> [String] { Set(series.map(\.metric)).sorted() }

  /// The chart of a metric with what there is, and its place among the others.
  private mutating func drawn(_ metric: String, _ series: [MetricSeries]) throws -> ServerEvent {
    let own = series.filter { $0.metric == metric }
    charts[metric] = LiveChart(series: own.map(\.series))
    let lines = try own.map { one in
      // Later points come by themselves.
      let points = try store.points(of: run, metric: metric, series: one.series).filter { $0.step <= one.lastStep }
      return Chart.Series(Self.label(one), ReportBuilder.thinned(points).map { .init(Double($0.step), $0.value) })
    }
    let chart = Chart.layers([.lines(lines)], x: .init("step"), y: .init(metric), title: metric)
    let place = Self.metrics(series).firstIndex(of: metric) ?? 0
    return try ServerEvent(
      "chart",
      [
        "metric": .string(metric), "place": .integer(place), "specification": chart.specification,
        "description": .string("Chart of \(metric) by step, \(own.count) lines. The latest values stand below."),
      ])
  }

  private static func label(_ series: MetricSeries) -> String { series.series.isEmpty ? series.metric : series.series }

  /// A point as charts have them; nil where it can't be drawn.
  private static func json(_ point: MetricPoint) -> JSONValue? {
    guard point.value.isFinite else { return nil }
    let name = point.series.isEmpty ? point.metric : point.series
    return [
      "series": .string(name), "x": .integer(point.step), "y": .number(point.value), "low": .number(point.value),
      "high": .number(point.value),
    ]
  }
}

/// What the list of runs is told: its rows where they changed, and which runs began or ended.
struct RunsFeed: Feed {
  let runs: RunsPage
  let fields: FormFields
  let isOver = false

  private var mark: RunStore.ChangeMark?
  private var sent: HTML?
  private var states: [String: RunRecord.State]?
  private var steps = 0

  init(runs: RunsPage, fields: FormFields) {
    self.runs = runs
    self.fields = fields
  }

  mutating func next() throws -> [ServerEvent] {
    let store = runs.site.store
    let isThorough = steps % RunFeed.settling == 0
    if isThorough { try store.settle() }
    steps += 1
    let now = store.changeMark
    guard now != mark || isThorough else { return [] }
    mark = now
    let view = try runs.view(fields)
    var events: [ServerEvent] = []
    let rows = runs.rows(view)
    if rows != sent {
      sent = rows
      events.append(try ServerEvent("rows", ["html": .string(rows.text), "count": .string(runs.count(view))]))
    }
    let present = Dictionary(view.runs.map { ($0.record.id, $0.record.state) }, uniquingKeysWith: { $1 })
    if let states {
      let news = view.runs.compactMap { run -> String? in
        let (id, state) = (run.record.id, run.record.state)
        guard states[id] != state else { return nil }
        return "\(id) \(state == .running ? "is running" : "is \(state.rawValue)")"
      }
      // More at once than a person takes in is another page of the list, not news.
      if !news.isEmpty && news.count <= 5 {
        events.append(try ServerEvent("news", ["text": .string(news.joined(separator: ". "))]))
      }
    }
    states = (states ?? [:]).merging(present) { $1 }
    return events
  }
}
