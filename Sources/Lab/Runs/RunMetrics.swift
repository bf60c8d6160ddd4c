import Foundation
import GRDB

/// A value of a metric at a step.
public struct MetricPoint: Codable, Hashable, Sendable {
  public var metric: String
  public var series: String
  public var step: Int
  public var value: Double

  public init(metric: String, series: String, step: Int, value: Double) {
    self.metric = metric
    self.series = series
    self.step = step
    self.value = value
  }
}

/// A series of a metric, without its points.
public struct MetricSeries: Codable, Hashable, Sendable {
  public var metric: String
  public var series: String
  /// Number of points.
  public var count: Int
  public var lastStep: Int
  public var lastValue: Double
}

extension RunStore {
  /// Adds points to a run in one transaction. Where a step was measured before, the later value counts.
  ///
  /// - Parameters:
  ///   - keys: the keys of the series known so far; new ones are added.
  ///   - seconds: seconds of work so far, stored with them; nil to leave them.
  func append(
    _ points: [MetricPoint], to run: String, keys: inout [SeriesName: Int64], seconds: Double? = nil
  ) throws {
    var known = keys
    try write { database in
      try Self.append(points, to: run, keys: &known, database)
      if let seconds {
        try database.execute(sql: "UPDATE run SET seconds = ? WHERE id = ?", arguments: [seconds, run])
      }
    }
    keys = known
  }

  struct SeriesName: Hashable {
    var metric, series: String
  }

  static func append(
    _ points: [MetricPoint], to run: String, keys: inout [SeriesName: Int64], _ database: Database
  ) throws {
    let insert = try database.cachedStatement(
      sql: "INSERT INTO point VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value")
    var last: [Int64: MetricPoint] = [:]
    for point in points {
      let name = SeriesName(metric: point.metric, series: point.series)
      let key: Int64
      if let known = keys[name] {
        key = known
      } else {
        let found = try Int64.fetchOne(
          database,
          sql: """
            INSERT INTO series (run, metric, name, lastStep, lastValue)
            SELECT key, ?, ?, ?, ? FROM run WHERE id = ?
            ON CONFLICT (run, metric, name) DO UPDATE SET metric = excluded.metric RETURNING key
            """, arguments: [point.metric, point.series, point.step, point.value, run])
        guard let found else { throw UsageError("run \(run): was deleted meanwhile") }
        (keys[name], key) = (found, found)
      }
      try insert.execute(arguments: [key, point.step, point.value])
      if last[key].map({ $0.step <= point.step }) ?? true { last[key] = point }
    }
    let update = try database.cachedStatement(
      sql: "UPDATE series SET lastStep = ?, lastValue = ? WHERE key = ? AND lastStep <= ?")
    for (key, point) in last { try update.execute(arguments: [point.step, point.value, key, point.step]) }
  }

  /// The series of a run, by metric and name.
  public func series(of run: String) throws -> [MetricSeries] {
    try read { database in
      try Row.fetchAll(
        database,
        sql: """
          SELECT metric, name, (SELECT count(*) FROM point WHERE series = s.key) AS count, lastStep, lastValue
          FROM series s WHERE run = (SELECT key FROM run WHERE id = ?) ORDER BY metric, name
          """, arguments: [run]
      ).map {
        MetricSeries(
          metric: $0["metric"], series: $0["name"], count: $0["count"], lastStep: $0["lastStep"],
          lastValue: $0["lastValue"] ?? .nan)
      }
    }
  }

  /// Points of a series, by step.
  public func points(of run: String, metric: String, series: String) throws -> [(step: Int, value: Double)] {
    try read { database in
      let rows = try Row.fetchCursor(
        database,
        sql: """
          SELECT step, value FROM point WHERE series =
            (SELECT key FROM series WHERE run = (SELECT key FROM run WHERE id = ?) AND metric = ? AND name = ?)
          ORDER BY step
          """, arguments: [run, metric, series])
      var points: [(step: Int, value: Double)] = []
      while let row = try rows.next() { points.append((row[0], row[1] ?? .nan)) }
      return points
    }
  }

  /// All points of a run, by metric, series and step.
  ///
  /// - Parameter body: is given one after the other; what it throws ends the reading.
  public func eachPoint(of run: String, _ body: (MetricPoint) throws -> Void) throws {
    try read { database in
      let rows = try Row.fetchCursor(
        database,
        sql: """
          SELECT s.metric, s.name, p.step, p.value FROM series s JOIN point p ON p.series = s.key
          WHERE s.run = (SELECT key FROM run WHERE id = ?) ORDER BY s.metric, s.name, p.step
          """, arguments: [run])
      while let row = try rows.next() {
        try body(MetricPoint(metric: row[0], series: row[1], step: row[2], value: row[3] ?? .nan))
      }
    }
  }
}

/// How far the points of a run were read.
public struct MetricCursor: Sendable {
  fileprivate var lastSteps: [RunStore.SeriesName: Int] = [:]

  public init() {}

  /// Counts the points that a series has as read.
  public mutating func pass(_ series: MetricSeries) {
    lastSteps[RunStore.SeriesName(metric: series.metric, series: series.series)] = series.lastStep
  }
}

extension RunStore {
  /// Points of a run beyond those read before, by metric, series and step.
  ///
  /// A step that a resumed run measured again isn't among them: its value is the one it had.
  public func newPoints(of run: String, after cursor: inout MetricCursor) throws -> [MetricPoint] {
    var next = cursor
    defer { cursor = next }
    return try read { database in
      let series = try Row.fetchAll(
        database,
        sql: """
          SELECT key, metric, name, lastStep FROM series WHERE run = (SELECT key FROM run WHERE id = ?)
          ORDER BY metric, name
          """, arguments: [run])
      var points: [MetricPoint] = []
      for one in series {
        let (key, last): (Int64, Int) = (one["key"], one["lastStep"])
        let name = SeriesName(metric: one["metric"], series: one["name"])
        let known = next.lastSteps[name]
        if let known, known >= last { continue }
        let rows = try Row.fetchCursor(
          database, sql: "SELECT step, value FROM point WHERE series = ? AND step > ? ORDER BY step",
          arguments: [key, known ?? .min])
        while let row = try rows.next() {
          points.append(
            MetricPoint(metric: name.metric, series: name.series, step: row[0], value: row[1] ?? .nan))
          next.lastSteps[name] = row[0]
        }
      }
      return points
    }
  }

  /// A mark that changes when any process stores something.
  public var changeMark: ChangeMark {
    func time(_ name: String) -> Date? {
      let attributes = try? FileManager.default.attributesOfItem(atPath: root.appending(path: name).path)
      return attributes?[.modificationDate] as? Date
    }
    return ChangeMark(file: time(Self.fileName), log: time(Self.fileName + "-wal"))
  }

  /// See `changeMark`.
  public struct ChangeMark: Hashable, Sendable {
    let file: Date?
    let log: Date?
  }
}

/// Takes a run's points as they come and stores them in batches, on a thread of its own.
final class MetricRecorder: @unchecked Sendable {
  // Fields change under the condition's lock only.
  private let condition = NSCondition()
  private var pending: [MetricPoint] = []
  private var taken = 0
  private var stored = 0
  private var isAwaited = false
  private var isClosed = false
  private var error: (any Error)?

  private let store: RunStore
  private let run: String
  private let seconds: @Sendable () -> Double
  private let onStored: @Sendable ([MetricPoint]) -> Void

  /// Seconds for which points are gathered.
  private static let interval = 0.5
  /// Points that may wait; who logs faster than the disk takes them waits for it.
  private static let limit = 1 << 16

  /// - Parameters:
  ///   - seconds: seconds of work so far.
  ///   - onStored: is given the points once they are on disk.
  init(
    store: RunStore, run: String, seconds: @escaping @Sendable () -> Double,
    onStored: @escaping @Sendable ([MetricPoint]) -> Void = { _ in }
  ) {
    self.store = store
    self.run = run
    self.seconds = seconds
    self.onStored = onStored
    // The thread holds the recorder until `close()`.
    let thread = Thread { self.work() }
    thread.name = "metrics"
    thread.start()
  }

  /// Takes a point; it's on disk after half a second, or when `flush()` returns.
  ///
  /// - Throws: `UsageError` where an earlier one couldn't be stored.
  func append(_ point: MetricPoint) throws {
    try condition.withLock {
      while pending.count >= Self.limit, error == nil, !isClosed { condition.wait() }
      if let error { throw error }
      pending.append(point)
      taken += 1
      if pending.count == 1 { condition.broadcast() }
    }
  }

  /// Waits until all points taken so far are on disk.
  ///
  /// - Throws: `UsageError` where they couldn't be stored.
  func flush() throws {
    try condition.withLock {
      let wanted = taken
      while stored < wanted, error == nil {
        isAwaited = true
        condition.broadcast()
        condition.wait()
      }
      if let error { throw error }
    }
  }

  /// Stores what is left and ends the thread.
  func close() {
    condition.withLock {
      isClosed = true
      condition.broadcast()
    }
  }

  private func work() {
    var keys: [RunStore.SeriesName: Int64] = [:]
    while let batch = nextBatch() {
      do {
        try store.append(batch, to: run, keys: &keys, seconds: seconds())
        onStored(batch)
        condition.withLock {
          stored += batch.count
          condition.broadcast()
        }
      } catch {
        condition.withLock {
          self.error = error
          condition.broadcast()
        }
        return
      }
    }
  }

  /// Waits for points, and then for more of them; nil after the last.
  private func nextBatch() -> [MetricPoint]? {
    condition.withLock {
      while pending.isEmpty, !isClosed { condition.wait() }
      let deadline = Date(timeIntervalSinceNow: Self.interval)
      while !isAwaited, !isClosed, pending.count < Self.limit, condition.wait(until: deadline) {}
      guard !pending.isEmpty else { return nil }
      defer { (pending, isAwaited) = ([], false) }
      return pending
    }
  }
}
