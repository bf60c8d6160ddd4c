import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// What a run said, line by line with the time, in its folder. A run that goes on adds to it.
final class RunLog: Sendable {
  private let descriptor: Int32

  /// Opens the log of a folder. A log that can't be written is no reason not to run, so nothing is thrown.
  init(_ folder: RunFolder) {
    descriptor = open(folder.logURL.path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o644)
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Adds a line, which is in the file when this returns.
  func add(_ text: String, at time: Date = .now) {
    guard descriptor >= 0 else { return }
    let line = text.split(whereSeparator: \.isNewline).joined(separator: " ")
    Terminal(descriptor: descriptor, environment: [:]).write("\(time.formatted(.iso8601)) \(line)\n")
  }
}

/// A part of a text that grows.
public struct LogPart: Sendable {
  /// Whole lines, unless one is longer than what was asked for.
  public let text: String
  /// Where it begins and ends, in bytes; what comes next is asked for with `end`.
  public let range: Range<Int>
}

extension RunStore {
  /// Texts in a run's folder.
  public enum LogFile: String, Sendable {
    /// What the run said.
    case log = "log.txt"
    /// What a process that was started in the background wrote to standard error.
    case errors = "errors.txt"
  }

  /// Folder of a run that the store has; nil where its name isn't one of a folder here, as in a store from elsewhere.
  public func safeFolder(of run: String) -> URL? {
    guard !run.isEmpty, !run.hasPrefix("."), !run.contains("/"), !run.contains("\0") else { return nil }
    return folder(of: run)
  }

  /// What was written after a place; only the end of it where that is more than `limit` bytes.
  ///
  /// - Parameter offset: 0, or the end of an earlier part. A file that is shorter now is read from its beginning.
  /// - Returns: nil where there is no such file.
  public func text(_ file: LogFile, of run: String, after offset: Int = 0, limit: Int = 1 << 16) -> LogPart? {
    guard let folder = safeFolder(of: run) else { return nil }
    let path = folder.appending(path: file.rawValue).path
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    let size = Int(status.st_size)
    let wanted = offset < 0 || offset > size ? 0 : offset
    let start = max(wanted, size - limit)
    var bytes = [UInt8](repeating: 0, count: size - start)
    var count = 0
    while count < bytes.count {
      let read = bytes.withUnsafeMutableBytes { buffer in
        pread(descriptor, buffer.baseAddress?.advanced(by: count), buffer.count - count, off_t(start + count))
      }
      if read < 0 && errno == EINTR { continue }
      if read <= 0 { break }
      count += read
    }
    var part = bytes[..<count]
    // A cut in the middle of a line, or before its end is written, is moved to the line's.
    if start > wanted, let first = part.firstIndex(of: 0x0A) { part = part[(first + 1)...] }
    if let last = part.lastIndex(of: 0x0A) {
      part = part[...last]
    } else if part.count < limit {
      part = part[..<part.startIndex]
    }
    return LogPart(
      text: String(decoding: part, as: UTF8.self), range: (start + part.startIndex)..<(start + part.endIndex))
  }

  /// The process that works, or worked last, on a run; nil where that isn't known.
  public func process(of run: String) -> ProcessIdentity? {
    guard let folder = safeFolder(of: run),
      let text = try? String(contentsOf: folder.appending(path: RunFolder.lockName), encoding: .utf8)
    else { return nil }
    return ProcessIdentity(text: text)
  }
}
