import Foundation
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A run's folder: `run.json`, `metrics.jsonl`, `report.html`, `checkpoint/`.
///
/// Held by one process at a time.
final class RunFolder: Sendable {
  let url: URL
  /// Descriptor of the lock file; the system lets go of the lock when the process ends in any way.
  private let lock: Int32
  private let metricsFile: Mutex<Int32>

  var recordURL: URL { url.appending(path: "run.json") }
  var metricsURL: URL { url.appending(path: "metrics.jsonl") }
  var reportURL: URL { url.appending(path: "report.html") }
  var checkpointFolder: URL { url.appending(path: "checkpoint") }

  /// Makes the folder of a new run.
  ///
  /// - Throws: `UsageError` where it can't be made.
  static func create(in root: URL, experiment: String, date: Date = .now) throws -> RunFolder {
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.dateFormat = "yyyyMMdd-HHmmss"
    let suffix = String(UInt32.random(in: 0..<(1 << 20)) | 1 << 20, radix: 16).suffix(5)
    let name = "\(experiment)-\(formatter.string(from: date))-\(suffix)"
    return try RunFolder(root.appending(path: name, directoryHint: .isDirectory))
  }

  /// Opens the folder of a run, given its path or its name under a root.
  ///
  /// - Throws: `UsageError` where there is none.
  static func open(_ run: String, root: URL) throws -> RunFolder {
    let candidates = [
      URL(fileURLWithPath: run, isDirectory: true), root.appending(path: run, directoryHint: .isDirectory),
    ]
    let found = candidates.first { FileManager.default.fileExists(atPath: $0.appending(path: "run.json").path) }
    guard let found else {
      let names = (try? FileManager.default.contentsOfDirectory(atPath: root.path)) ?? []
      let suggestion = Spelling.suggestion(for: run, among: names)
      throw UsageError("--resume \(run): no such run here or in \(root.path)\(suggestion)")
    }
    return try RunFolder(found)
  }

  private init(_ url: URL) throws {
    self.url = url
    try makeFolder(url.appending(path: "checkpoint"))
    let lockPath = url.appending(path: ".lock").path
    let descriptor = Self.openFile(lockPath, O_RDWR | O_CREAT)
    guard descriptor >= 0 else { throw UsageError("\(lockPath): \(String(cString: strerror(errno)))") }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      close(descriptor)
      throw UsageError("\(url.path): another process is working on this run")
    }
    lock = descriptor
    metricsFile = Mutex(-1)
  }

  deinit {
    metricsFile.withLock { if $0 >= 0 { close($0) } }
    close(lock)
  }

  private static func openFile(_ path: String, _ flags: Int32) -> Int32 {
    #if canImport(Glibc)
      Glibc.open(path, flags | O_CLOEXEC, 0o644)
    #else
      Darwin.open(path, flags | O_CLOEXEC, 0o644)
    #endif
  }

  func save(_ record: RunRecord) throws { try writeAtomically(RecordCoding.encoder.encode(record), to: recordURL) }

  func record() throws -> RunRecord {
    do {
      return try RecordCoding.decoder.decode(RunRecord.self, from: Data(contentsOf: recordURL))
    } catch {
      throw UsageError("\(recordURL.path): not the record of a run (\(RecordCoding.describe(error)))")
    }
  }

  func append(_ point: MetricPoint) throws {
    var line = try RecordCoding.lineEncoder.encode(point)
    line.append(0x0A)
    try metricsFile.withLock { descriptor in
      func failure() -> UsageError { UsageError("\(metricsURL.path): \(String(cString: strerror(errno)))") }
      if descriptor < 0 {
        descriptor = Self.openFile(metricsURL.path, O_RDWR | O_CREAT | O_APPEND)
        guard descriptor >= 0 else { throw failure() }
        // A killed process may have left half a line; the next one must not be glued to it.
        let size = lseek(descriptor, 0, SEEK_END)
        var last: UInt8 = 0x0A
        if size > 0, pread(descriptor, &last, 1, size - 1) == 1, last != 0x0A { line.insert(0x0A, at: 0) }
      }
      let written = line.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      guard written == line.count else { throw failure() }
    }
  }

  /// Points in the order of their measurement; lines cut short by a killed process are skipped.
  func metrics() throws -> [MetricPoint] {
    guard let data = try? Data(contentsOf: metricsURL) else { return [] }
    let decoder = RecordCoding.decoder
    return data.split(separator: 0x0A).compactMap { try? decoder.decode(MetricPoint.self, from: Data($0)) }
  }
}
