import Foundation
import GRDB

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The runs of a folder: what is known of them in an SQLite file, and a folder for each run's checkpoints and report.
///
/// ```
/// runs/runs.sqlite             records, options, claims, metrics
/// runs/artifacts/ab/ab12…      files by SHA-256
/// runs/tnt-20261124-…/         checkpoint/, report.html, log.txt
/// ```
/// Several processes may read and write at once. What was stored survives a process killed at any moment, and a record
/// that was stored with `flush` a power cut too.
public final class RunStore: Sendable {
  /// Name of the SQLite file in the runs' folder.
  public static let fileName = "runs.sqlite"

  /// Folder that holds the runs' folders.
  public let root: URL
  let database: DatabasePool

  /// Opens the store of a folder, and takes up runs of earlier versions, which are folders with a `run.json`.
  ///
  /// - Parameter create: whether a folder without a store gets one.
  /// - Throws: `UsageError` where there is none, it can't be written, or another program's file lies there.
  public convenience init(root: URL, create: Bool = false) throws {
    try self.init(opening: root, create: create)
    try importFolders()
  }

  /// Opens the store and nothing else.
  init(opening root: URL, create: Bool) throws {
    let url = root.appending(path: Self.fileName)
    self.root = root
    guard create || Self.holdsRuns(root) else {
      throw UsageError("\(root.relativePath): there are no runs; ./pinion reproduce makes the first one")
    }
    try makeFolder(root)
    var configuration = Configuration()
    configuration.busyMode = .timeout(20)
    configuration.maximumReaderCount = 4
    // Each commit is on disk when it returns.
    configuration.prepareDatabase { try $0.execute(sql: "PRAGMA synchronous = FULL") }
    // Two processes that make the store at once would meet in the switch to WAL, which waits for nobody.
    let lock = try FileLock.wait(root.appending(path: ".store-lock"))
    defer { lock.unlock() }
    database = try Self.translating(url) {
      let database = try DatabasePool(path: url.path, configuration: configuration)
      let isCurrent = try database.read { database in
        guard try !RunSchema.migrator.hasBeenSuperseded(database) else {
          throw UsageError("\(url.path): was written by a newer version of Pinion; update this one")
        }
        return try RunSchema.migrator.hasCompletedMigrations(database)
      }
      if !isCurrent { try RunSchema.migrator.migrate(database) }
      return database
    }
  }

  private static func holdsRuns(_ root: URL) -> Bool {
    if FileManager.default.fileExists(atPath: root.appending(path: fileName).path) { return true }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: root.path)) ?? []
    return names.contains { FileManager.default.fileExists(atPath: root.appending(path: "\($0)/run.json").path) }
  }

  /// Version of the SQLite library.
  public static var sqliteVersion: String {
    (try? DatabaseQueue().read { try String.fetchOne($0, sql: "SELECT sqlite_version()") }) ?? "unknown"
  }

  /// Folder of a run's checkpoints and report.
  public func folder(of run: String) -> URL { root.appending(path: run, directoryHint: .isDirectory) }

  // MARK: Access

  func read<T>(_ body: (Database) throws -> T) throws -> T { try translating { try database.read(body) } }

  /// A transaction; on disk when it returns.
  @discardableResult func write<T>(_ body: (Database) throws -> T) throws -> T {
    try translating { try database.write(body) }
  }

  private func translating<T>(_ body: () throws -> T) throws -> T {
    try Self.translating(root.appending(path: Self.fileName), body)
  }

  /// SQLite's errors as one line with the file.
  private static func translating<T>(_ url: URL, _ body: () throws -> T) throws -> T {
    do {
      return try body()
    } catch let error as DatabaseError {
      let reason = error.message ?? "\(error.resultCode)"
      switch error.resultCode {
      case .SQLITE_NOTADB, .SQLITE_CORRUPT: throw UsageError("\(url.path): isn't a store of runs (\(reason))")
      case .SQLITE_FULL: throw UsageError("\(url.path): can't be written (the disk is full)")
      case .SQLITE_BUSY: throw UsageError("\(url.path): another process has been writing for 20 s; try again")
      default: throw UsageError("\(url.path): \(reason)")
      }
    }
  }

  // MARK: Records

  /// Stores a run, or what has changed of it.
  func save(_ record: RunRecord) throws {
    try write { try Self.save(record, $0) }
  }

  static func save(_ record: RunRecord, _ database: Database) throws {
    let encoder = RecordCoding.lineEncoder
    func json(_ value: some Encodable) throws -> String { String(decoding: try encoder.encode(value), as: UTF8.self) }
    let key = try Int64.fetchOne(
      database,
      sql: """
        INSERT INTO run (id, experiment, scale, seed, state, started, ended, seconds, threads, codeVersion, machine, options, error, gate)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (id) DO UPDATE SET state = excluded.state, ended = excluded.ended, seconds = excluded.seconds,
          threads = excluded.threads, codeVersion = excluded.codeVersion, machine = excluded.machine, error = excluded.error,
          gate = excluded.gate
        RETURNING key
        """,
      arguments: [
        record.id, record.experiment, record.scale.rawValue, Int64(bitPattern: record.seed), record.state.rawValue,
        record.started.timeIntervalSince1970, record.ended?.timeIntervalSince1970, record.seconds, record.threads,
        record.codeVersion, json(record.machine), json(record.options), record.error, record.gate.map { try json($0) },
      ])
    try database.execute(sql: "DELETE FROM option WHERE run = ?", arguments: [key])
    for (name, value) in record.options {
      try database.execute(sql: "INSERT INTO option VALUES (?, ?, ?)", arguments: [key, name, value.text])
    }
    try database.execute(sql: "DELETE FROM claim WHERE run = ?", arguments: [key])
    for (place, claim) in record.claims.enumerated() {
      try database.execute(
        sql: "INSERT INTO claim VALUES (?, ?, ?, ?, ?, ?, ?)",
        arguments: [
          key, place, claim.name, claim.measured, claim.threshold, claim.verdict.rawValue, json(claim),
        ])
    }
  }

  /// The record of a run; nil where there is none of that name.
  public func record(_ id: String) throws -> RunRecord? {
    try read { database in
      guard let row = try Row.fetchOne(database, sql: "SELECT * FROM run WHERE id = ?", arguments: [id]) else {
        return nil
      }
      return try Self.record(row, claims: Self.claims(database, ofRuns: [row["key"]])[row["key"]] ?? [])
    }
  }

  static func record(_ row: Row, claims: [Claim]) throws -> RunRecord {
    let decoder = RecordCoding.decoder
    func decoded<T: Decodable>(_ type: T.Type, _ column: String) throws -> T {
      do {
        return try decoder.decode(type, from: Data((row[column] as String).utf8))
      } catch {
        throw UsageError("run \(row["id"] as String): \(column): \(RecordCoding.describe(error))")
      }
    }
    let ended: Double? = row["ended"]
    return RunRecord(
      id: row["id"], experiment: row["experiment"], scale: Scale(rawValue: row["scale"]) ?? .standard,
      seed: UInt64(bitPattern: row["seed"] as Int64), options: try decoded([String: JSONValue].self, "options"),
      codeVersion: row["codeVersion"], machine: try decoded(Machine.self, "machine"), threads: row["threads"],
      started: Date(timeIntervalSince1970: row["started"]), ended: ended.map { Date(timeIntervalSince1970: $0) },
      seconds: row["seconds"], state: RunRecord.State(rawValue: row["state"]) ?? .interrupted, error: row["error"],
      claims: claims, gate: (row["gate"] as String?) == nil ? nil : try decoded(DataGate.self, "gate"))
  }

  /// Claims by the keys of their runs, in their order.
  static func claims(_ database: Database, ofRuns keys: [Int64]) throws -> [Int64: [Claim]] {
    var claims: [Int64: [Claim]] = [:]
    let decoder = RecordCoding.decoder
    for start in stride(from: 0, to: keys.count, by: 1000) {
      let part = Array(keys[start..<min(start + 1000, keys.count)])
      let rows = try SQLRequest<Row>(
        literal: "SELECT run, json FROM claim WHERE run IN \(part) ORDER BY run, place"
      ).fetchCursor(database)
      while let row = try rows.next() {
        let json: String = row["json"]
        claims[row["run"], default: []].append(try decoder.decode(Claim.self, from: Data(json.utf8)))
      }
    }
    return claims
  }

  /// Marks runs as interrupted that are stored as running, but no process works on.
  public func settle() throws {
    let running = try read { try String.fetchAll($0, sql: "SELECT id FROM run WHERE state = 'running'") }
    for id in running {
      let folder = self.folder(of: id)
      // Without a folder there is no lock, and nothing to go on with.
      let lock = FileLock.take(folder.appending(path: RunFolder.lockName), creating: false)
      guard lock != nil || !FileManager.default.fileExists(atPath: folder.path) else { continue }
      defer { lock?.unlock() }
      try write {
        try $0.execute(
          sql: "UPDATE run SET state = 'interrupted' WHERE id = ? AND state = 'running'", arguments: [id])
      }
    }
  }
}
