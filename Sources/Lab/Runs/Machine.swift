import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The machine that a run ran on; no names of people or hosts.
public struct Machine: Codable, Hashable, Sendable {
  public var processor: String
  public var cores: Int
  public var memoryGB: Double
  public var system: String

  /// This machine.
  public static var current: Machine {
    let information = ProcessInfo.processInfo
    return Machine(
      processor: processorName, cores: information.activeProcessorCount,
      memoryGB: (Double(information.physicalMemory) / 1e8).rounded() / 10, system: systemName)
  }

  private static var processorName: String {
    let lines = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8))?.split(separator: "\n") ?? []
    let name = lines.first { $0.hasPrefix("model name") }?.split(separator: ":").last
    return name.map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown"
  }

  private static var systemName: String {
    let lines = (try? String(contentsOfFile: "/etc/os-release", encoding: .utf8))?.split(separator: "\n") ?? []
    let name = lines.first { $0.hasPrefix("PRETTY_NAME=") }?.dropFirst("PRETTY_NAME=".count)
    return name.map { $0.trimmingCharacters(in: ["\""]) } ?? ProcessInfo.processInfo.operatingSystemVersionString
  }
}

/// CPU threads of this process.
public enum Threads {
  /// CPUs that this process may use.
  public static var available: Int {
    #if canImport(Glibc)
      max(1, allowedProcessors().count)
    #else
      ProcessInfo.processInfo.activeProcessorCount
    #endif
  }

  /// Confines this process to a number of CPUs: XLA, oneDNN and OpenBLAS size their thread pools by them.
  ///
  /// Works for threads started later, so it must be called before the first tensor is evaluated.
  /// - Returns: how many CPUs there are now: fewer where the machine has fewer.
  /// - Throws: `UsageError` where the number isn't positive or the system refuses.
  @discardableResult public static func limit(to count: Int) throws -> Int {
    guard count > 0 else { throw UsageError("--threads \(count): expected a positive number") }
    #if canImport(Glibc)
      let chosen = allowedProcessors().prefix(count)
      guard let set = affinityFunction("sched_setaffinity"), !chosen.isEmpty else { return available }
      var mask = [UInt8](repeating: 0, count: maskBytes)
      for processor in chosen { mask[processor / 8] |= 1 << UInt8(processor % 8) }
      guard set(0, maskBytes, &mask) == 0 else {
        throw UsageError("--threads \(count): \(String(cString: strerror(errno)))")
      }
      return chosen.count
    #else
      return available
    #endif
  }

  #if canImport(Glibc)
    /// Bytes of glibc's `cpu_set_t`.
    private static let maskBytes = 128
    private typealias AffinityFunction = @convention(c) (pid_t, Int, UnsafeMutablePointer<UInt8>) -> Int32

    /// glibc shows its headers' readers these two functions only under `_GNU_SOURCE`, which Swift doesn't set.
    private static func affinityFunction(_ name: String) -> AffinityFunction? {
      guard let symbol = dlsym(dlopen(nil, RTLD_NOW), name) else { return nil }
      return unsafeBitCast(symbol, to: AffinityFunction.self)
    }

    private static func allowedProcessors() -> [Int] {
      var mask = [UInt8](repeating: 0, count: maskBytes)
      guard let get = affinityFunction("sched_getaffinity"), get(0, maskBytes, &mask) == 0 else { return [] }
      return (0..<maskBytes * 8).filter { mask[$0 / 8] & (1 << UInt8($0 % 8)) != 0 }
    }
  #endif
}

/// Version of the code that runs.
public enum CodeVersion {
  /// What `git describe` says of the checkout that the program was built in; `unknown` outside one.
  public static let current: String = {
    let program = URL(fileURLWithPath: Bundle.main.executablePath ?? ".").resolvingSymlinksInPath()
    let folder = ProcessInfo.processInfo.environment["PINION_ROOT"] ?? program.deletingLastPathComponent().path
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["git", "-C", folder, "describe", "--always", "--dirty", "--tags"]
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return "unknown" }
    let output = (try? pipe.fileHandleForReading.readToEnd()).flatMap { $0 } ?? Data()
    process.waitUntilExit()
    let text = String(decoding: output, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    return process.terminationStatus == 0 && !text.isEmpty ? text : "unknown"
  }()
}
