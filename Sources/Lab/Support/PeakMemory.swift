import Foundation

/// Peak memory of this process, from the system's own count.
public enum PeakMemory {
  /// Forgets the peak so far; does nothing where the system doesn't allow it.
  public static func reset() { try? Data("5".utf8).write(to: URL(fileURLWithPath: "/proc/self/clear_refs")) }

  /// Megabytes; not-a-number where the system doesn't say.
  public static var megabytes: Double {
    guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
      let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
      let kilobytes = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap({ Double($0) })
    else { return .nan }
    return kilobytes / 1024
  }
}
