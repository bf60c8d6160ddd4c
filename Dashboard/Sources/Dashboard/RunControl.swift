import Foundation
import Lab
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Starts, resumes and stops runs. Each is a process of its own, which goes on when the dashboard ends.
final class RunControl: Sendable {
  /// What a user asks for.
  struct Request: Sendable {
    var paper: String
    var scale = Scale.standard
    var seed: UInt64 = 0
    /// Options as `name` and `value`.
    var settings: [(name: String, value: String)] = []
    /// Why it may use data with blocking findings.
    var reason: String?
  }

  private let program: URL
  private let store: RunStore
  /// Runs that were asked to stop, by the process that was asked.
  private let stopping = Mutex<[String: ProcessIdentity]>([:])

  /// Seconds that a run may take to appear in the store.
  private static let patience = 30.0

  /// - Parameter program: `pinion-cli`, or another program that takes its arguments.
  init(program: URL, store: RunStore) {
    self.program = program
    self.store = store
  }

  /// Starts a run and waits until it's in the store.
  ///
  /// - Returns: its name.
  /// - Throws: `UsageError` with what the program said, where it ends before.
  func start(_ request: Request) async throws -> String {
    var arguments = ["reproduce", request.paper, "--seed=\(request.seed)"]
    if request.scale != .standard { arguments.append("--\(request.scale.rawValue)") }
    // The value is part of the word, so that it's never taken for an option.
    arguments += request.settings.map { "--set=\($0.name)=\($0.value)" }
    if let reason = request.reason { arguments.append("--acknowledge=\(reason)") }
    let begin = Date.now
    return try await launch(arguments) { try self.run(of: $0, paper: request.paper, since: begin) }
  }

  /// Goes on with a run that was interrupted, failed or killed, and waits until its process works on it.
  ///
  /// - Throws: `UsageError` as `start`.
  func resume(_ record: RunRecord) async throws {
    let before = store.process(of: record.id)
    _ = try await launch(["reproduce", record.experiment, "--resume=\(record.id)"]) { pid in
      guard let process = self.store.process(of: record.id), process.pid == pid, process != before,
        let now = try self.store.record(record.id), now.state == .running || now.ended != record.ended
      else { return nil }
      return record.id
    }
  }

  /// Asks the process of a run to stop at the next safe place; asked again, it ends at once.
  ///
  /// - Throws: `UsageError` where no process works on the run, or it isn't known which.
  func stop(_ id: String) throws {
    guard let record = try store.record(id), record.state == .running else {
      throw UsageError("\(id): isn't running")
    }
    guard let process = store.process(of: id), process.isAlive else {
      throw UsageError("\(id): no process of this machine works on it")
    }
    try process.interrupt()
    stopping.withLock { $0[id] = process }
  }

  /// Whether the process that works on a run was asked to stop.
  func isStopping(_ id: String) -> Bool {
    guard let asked = stopping.withLock({ $0[id] }) else { return false }
    return store.process(of: id) == asked
  }

  // MARK: Processes

  /// Starts the program and waits until its run is found.
  ///
  /// - Parameter find: gives the run that the process of a number works on; nil while there is none.
  private func launch(_ arguments: [String], find: (Int32) throws -> String?) async throws -> String {
    guard FileManager.default.isExecutableFile(atPath: program.path) else {
      throw UsageError("\(program.path): isn't built; any ./pinion command builds it")
    }
    let errors = store.root.appending(path: ".starting-\(UUID().uuidString)")
    guard FileManager.default.createFile(atPath: errors.path, contents: nil, attributes: [.posixPermissions: 0o600]),
      let sink = FileHandle(forWritingAtPath: errors.path)
    else { throw UsageError("\(errors.path): can't be written") }
    defer { try? FileManager.default.removeItem(at: errors) }
    let process = Process()
    process.executableURL = program
    process.arguments = arguments + ["--out=\(store.root.path)", "--json"]
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = sink
    do { try process.run() } catch {
      throw UsageError("\(program.path): can't be started (\(error.localizedDescription))")
    }
    try? sink.close()

    let deadline = Date(timeIntervalSinceNow: Self.patience)
    while true {
      // Looked at before the store: what ended has stored its run by then.
      let isRunning = process.isRunning
      if let id = try find(process.processIdentifier) {
        keep(errors, of: id)
        return id
      }
      guard isRunning else { throw UsageError(Self.lastLine(of: errors) ?? "the program ended without a word") }
      guard Date.now < deadline else { throw UsageError("the run hasn't appeared yet; see the list of runs") }
      try await Task.sleep(for: .milliseconds(30))
    }
  }

  /// The run of a paper that a process has begun since a time; an older one may be that of another process of its number.
  func run(of pid: Int32, paper: String, since begin: Date) throws -> String? {
    try store.runs(RunQuery(experiment: paper, since: begin, limit: 50)).map(\.record.id)
      .first { store.process(of: $0)?.pid == pid }
  }

  /// Moves what the process writes to standard error into the run's folder; it goes on writing there.
  private func keep(_ errors: URL, of id: String) {
    guard let folder = store.safeFolder(of: id) else { return }
    _ = rename(errors.path, folder.appending(path: RunStore.LogFile.errors.rawValue).path)
  }

  private static func lastLine(of url: URL) -> String? {
    guard let data = try? Data(contentsOf: url) else { return nil }
    let lines = String(decoding: data.suffix(1 << 14), as: UTF8.self).split(whereSeparator: \.isNewline)
    return lines.last.map { $0.hasPrefix("pinion: ") ? String($0.dropFirst("pinion: ".count)) : String($0) }
  }
}
