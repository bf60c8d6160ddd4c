import Foundation

/// Peak memory of this process, from the system's own count.
public enum PeakMemory {
  /// Gives free memory back to the system and forgets the peak so far, which then is what is in use; does nothing where
  /// the system doesn't allow it.
  public static func reset() {
    // Swift's module of the C library leaves it out, and others don't have it.
    if let symbol = dlsym(dlopen(nil, RTLD_LAZY), "malloc_trim") {
      _ = unsafeBitCast(symbol, to: (@convention(c) (Int) -> Int32).self)(0)
    }
    try? Data("5".utf8).write(to: URL(fileURLWithPath: "/proc/self/clear_refs"))
  }

  /// Bytes by which the peak of what `body` does exceeds what is in use before; not-a-number where the system doesn't say.
  public static func growth<Result>(during body: () throws -> Result) rethrows -> (result: Result, bytes: Double) {
    reset()
    let before = megabytes
    let result = try body()
    return (result, (megabytes - before) * 1_048_576)
  }

  /// Megabytes; not-a-number where the system doesn't say.
  public static var megabytes: Double {
    guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
      let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
      let kilobytes = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap({ Double($0) })
    else { return .nan }
    return kilobytes / 1024
  }
}
