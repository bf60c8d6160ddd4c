import Foundation
import GRDB

/// Which runs, in what order.
public struct RunQuery: Sendable {
  /// Name of the paper; all where nil.
  public var experiment: String?
  /// States; all where empty.
  public var states: [RunRecord.State]
  /// Runs started at this time or later.
  public var since: Date?
  /// Options and their values as `--set` takes them; `scale` and `seed` are known too.
  public var options: [(name: String, value: String)]
  /// `started`, `seconds`, `experiment`, `seed`, `state`, or the name of a claim or a metric.
  ///
  /// A metric counts with the last value of its series, in mean over them.
  public var sort: String
  /// Smallest first. Runs without a value come last either way.
  public var ascending: Bool
  /// How many at most; all where nil.
  public var limit: Int?
  /// How many to pass over first; counts with a limit only.
  public var offset: Int

  public init(
    experiment: String? = nil, states: [RunRecord.State] = [], since: Date? = nil,
    options: [(name: String, value: String)] = [], sort: String = "started", ascending: Bool = false, limit: Int? = nil,
    offset: Int = 0
  ) {
    self.experiment = experiment
    self.states = states
    self.since = since
    self.options = options
    self.sort = sort
    self.ascending = ascending
    self.limit = limit
    self.offset = offset
  }
}

extension RunQuery {
  /// What runs can be sorted by besides claims and metrics.
  public static let columns = ["started", "seconds", "experiment", "seed", "state"]
}

/// A run in a list.
public struct ListedRun: Sendable {
  public var record: RunRecord
  /// What the list is sorted by, where that is a claim or a metric.
  public var sortValue: Double?
}

extension RunStore {
  /// The runs that a query asks for.
  ///
  /// - Throws: `UsageError` where no run has the option, claim or metric that it names.
  public func runs(_ query: RunQuery = RunQuery()) throws -> [ListedRun] {
    try read { database in
      var sql = SQL(sql: "SELECT run.*, ")
      let order = try Self.order(query.sort, database)
      let direction = SQL(sql: query.ascending ? "ASC" : "DESC")
      sql.append(literal: "\(order) AS sortValue FROM run WHERE \(try Self.condition(query, database))")
      sql.append(literal: " ORDER BY sortValue IS NULL, sortValue \(direction), run.key \(direction)")
      if let limit = query.limit { sql.append(literal: " LIMIT \(limit) OFFSET \(max(0, query.offset))") }
      let rows = try SQLRequest<Row>(literal: sql).fetchAll(database)
      let claims = try Self.claims(database, ofRuns: rows.map { $0["key"] })
      let isOwn = RunQuery.columns.contains(query.sort)
      return try rows.map { row in
        ListedRun(
          record: try Self.record(row, claims: claims[row["key"]] ?? []), sortValue: isOwn ? nil : row["sortValue"])
      }
    }
  }

  /// Number of runs that a query asks for, its limit aside.
  public func count(_ query: RunQuery = RunQuery()) throws -> Int {
    try read { database in
      let condition = try Self.condition(query, database)
      return try SQLRequest<Int>(literal: "SELECT count(*) FROM run WHERE \(condition)").fetchOne(database) ?? 0
    }
  }

  private static func order(_ name: String, _ database: Database) throws -> SQL {
    if RunQuery.columns.contains(name) { return SQL(sql: "run.\(name)") }
    if try Int.fetchOne(database, sql: "SELECT 1 FROM claim WHERE name = ?", arguments: [name]) != nil {
      return "(SELECT measured FROM claim WHERE claim.name = \(name) AND claim.run = run.key)"
    }
    if try Int.fetchOne(database, sql: "SELECT 1 FROM series WHERE metric = ?", arguments: [name]) != nil {
      return "(SELECT avg(lastValue) FROM series WHERE metric = \(name) AND series.run = run.key)"
    }
    let suggestion = Spelling.suggestion(for: name, among: try sortNames(database))
    throw UsageError("--sort \(name): no run has such a claim or metric\(suggestion)")
  }

  /// What runs can be sorted by: columns, then names of claims and metrics.
  public func sortNames() throws -> [String] { try read(Self.sortNames) }

  private static func sortNames(_ database: Database) throws -> [String] {
    let known = try String.fetchAll(
      database, sql: "SELECT name FROM claim UNION SELECT metric FROM series ORDER BY 1")
    return RunQuery.columns + known.filter { !RunQuery.columns.contains($0) }
  }

  private static func condition(_ query: RunQuery, _ database: Database) throws -> SQL {
    var parts: [SQL] = ["1"]
    if let experiment = query.experiment { parts.append("run.experiment = \(experiment)") }
    if !query.states.isEmpty { parts.append("run.state IN \(query.states.map(\.rawValue))") }
    if let since = query.since { parts.append("run.started >= \(since.timeIntervalSince1970)") }
    for (name, value) in query.options {
      switch name {
      case "scale": parts.append("run.scale = \(value)")
      case "seed":
        guard let seed = UInt64(value) else { throw UsageError("--where seed=\(value): expected a whole number") }
        parts.append("run.seed = \(Int64(bitPattern: seed))")
      default:
        let isKnown = try Int.fetchOne(database, sql: "SELECT 1 FROM option WHERE name = ?", arguments: [name]) != nil
        guard isKnown else {
          let known = try String.fetchAll(database, sql: "SELECT DISTINCT name FROM option")
          throw UsageError(
            "--where \(name)=\(value): no run has such an option\(Spelling.suggestion(for: name, among: known))")
        }
        // `0.50` finds `0.5`.
        let values = [value] + (Double(value).map { [JSONValue.number($0).text] } ?? [])
        parts.append("EXISTS (SELECT 1 FROM option WHERE run = run.key AND name = \(name) AND value IN \(values))")
      }
    }
    return parts.joined(separator: " AND ")
  }

  /// The run that a name means: the whole name, its beginning, its end, or `latest`.
  ///
  /// - Throws: `UsageError` where that is none or several.
  public func find(_ name: String) throws -> RunRecord {
    if name == "latest", let latest = try runs(RunQuery(limit: 1)).first { return latest.record }
    if let record = try record(name) { return record }
    let found = try read { database in
      try String.fetchAll(
        database,
        sql: """
          SELECT id FROM run WHERE length(?1) > 0 AND (substr(id, 1, length(?1)) = ?1 OR substr(id, -length(?1)) = ?1)
          ORDER BY started DESC
          """, arguments: [name])
    }
    if found.count == 1, let record = try record(found[0]) { return record }
    if found.count > 1 {
      let more = found.count > 3 ? ", …" : ""
      throw UsageError("run \(name): may be \(found.prefix(3).joined(separator: ", "))\(more)")
    }
    let known = try read { try String.fetchAll($0, sql: "SELECT id FROM run ORDER BY started DESC LIMIT 1000") }
    throw UsageError(
      "run \(name): no such run in \(root.relativePath)\(Spelling.suggestion(for: name, among: known))")
  }
}

extension Date {
  /// A time as people write it: `2026-11-24`, `2026-11-24T18:00:00Z`, or `30m`, `12h`, `2d`, `1w` ago.
  ///
  /// - Throws: `UsageError` where it's none of these.
  public static func since(_ text: String, now: Date = .now) throws -> Date {
    let units: [Character: Double] = ["m": 60, "h": 3600, "d": 86_400, "w": 604_800]
    if let last = text.last, let unit = units[last], let count = Double(text.dropLast()), (0..<1e6).contains(count) {
      return now.addingTimeInterval(-count * unit)
    }
    if let time = try? Date(text, strategy: .iso8601) { return time }
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.dateFormat = "yyyy-MM-dd"
    formatter.isLenient = false
    if let day = formatter.date(from: text) { return day }
    throw UsageError("--since \(text): expected a day such as 2026-11-24, or a span such as 30m, 12h, 2d, 1w")
  }
}
