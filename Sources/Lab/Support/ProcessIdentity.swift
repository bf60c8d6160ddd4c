import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Which process, beyond its number, which the system gives to another one later.
public struct ProcessIdentity: Hashable, Sendable {
  /// Number of the process.
  public let pid: Int32
  /// When it started, in clock ticks since the system did.
  let started: UInt64
  /// Which start of the system that is.
  let boot: String

  /// This process; nil where the system doesn't tell.
  public static var current: ProcessIdentity? { ProcessIdentity(of: getpid()) }

  /// The process that has a number now; nil where there is none, it has ended, or the system doesn't tell.
  init?(of pid: Int32) {
    // proc(5): the second field is the program's name in parentheses, which may hold anything; the state follows, and the
    // start is the 22nd.
    guard pid > 0, let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
      let end = stat.lastIndex(of: ")"),
      let boot = try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)
    else { return nil }
    let fields = stat[stat.index(after: end)...].split(separator: " ")
    guard fields.count > 19, !["Z", "X"].contains(fields[0]), let started = UInt64(fields[19]) else { return nil }
    self.pid = pid
    self.started = started
    self.boot = boot.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// Reads what `text` wrote.
  init?(text: String) {
    let words = text.split(whereSeparator: \.isWhitespace)
    guard words.count == 3, let pid = Int32(words[0]), pid > 0, let started = UInt64(words[1]) else { return nil }
    self.pid = pid
    self.started = started
    self.boot = String(words[2])
  }

  var text: String { "\(pid) \(started) \(boot)\n" }

  /// Whether that very process is still there.
  public var isAlive: Bool { ProcessIdentity(of: pid) == self }

  /// Asks the process to stop, as Ctrl-C does; another one that has its number now is left alone.
  ///
  /// - Throws: `UsageError` where it has ended, or belongs to someone else.
  public func interrupt() throws {
    guard isAlive else { throw UsageError("process \(pid): has ended") }
    guard kill(pid, SIGINT) == 0 else { throw UsageError("process \(pid): \(String(cString: strerror(errno)))") }
  }
}
