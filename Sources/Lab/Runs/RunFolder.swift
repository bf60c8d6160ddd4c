import Foundation

/// A run's folder: `report.html`, `log.txt`, `checkpoint/`; what is known of the run stands in the store.
///
/// Held by one process at a time.
final class RunFolder: Sendable {
  let url: URL
  private let lock: FileLock

  /// File that is locked by the process that works on the run, and says which that is.
  static let lockName = ".lock"

  /// Name of the folder, which is the run's.
  var id: String { url.lastPathComponent }
  /// Folder of all runs.
  var root: URL { url.deletingLastPathComponent() }
  var reportURL: URL { url.appending(path: "report.html") }
  var logURL: URL { url.appending(path: RunStore.LogFile.log.rawValue) }
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

  /// Holds the folder of a run; makes it where it's missing.
  ///
  /// - Throws: `UsageError` where another process holds it, or it can't be made.
  init(_ url: URL) throws {
    self.url = url
    try makeFolder(url.appending(path: "checkpoint"))
    let place = url.appending(path: Self.lockName)
    // A process that lists runs holds the lock for a moment, to see whether anyone works here.
    for attempt in 0..<25 {
      if attempt > 0 { Thread.sleep(forTimeInterval: 0.02) }
      if let lock = FileLock.take(place) {
        self.lock = lock
        // Who holds it, for those who would stop the run.
        lock.write(ProcessIdentity.current?.text ?? "")
        return
      }
    }
    guard FileManager.default.isWritableFile(atPath: place.path) else {
      throw UsageError("\(place.path): can't be written")
    }
    throw UsageError("\(url.path): another process is working on this run")
  }

  deinit { lock.unlock() }
}
