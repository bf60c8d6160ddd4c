import PJRT
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Where the time goes: spans of a program's life, as totals and as a file in Chrome's trace format, which
/// ui.perfetto.dev and chrome://tracing show.
///
/// The variable `PINION_TRACE=file.json` starts it with the process. Off, it costs a look at a flag.
public enum Trace {
  /// What a span of time went to.
  public enum Phase: String, CaseIterable, Sendable {
    /// Opening the plugin, reading compiled programs.
    case load
    /// Calling the user's function on placeholders.
    case trace
    /// Printing a graph as StableHLO.
    case lower
    /// XLA's compiler.
    case compile
    /// Running programs, until their results are there.
    case execute
  }

  /// Seconds and spans of a phase.
  public struct Total: Sendable {
    /// Time spent, without that of spans inside.
    public var seconds = 0.0
    /// Number of spans.
    public var count = 0
  }

  private static let isRecording = Atomic<Bool>(false)
  private static let recorder = Mutex(Recorder())
  /// The variable is read before the first span.
  private static let environment: Void = {
    guard let path = RuntimeParts.environment("PINION_TRACE") else { return }
    do {
      try start(file: path)
    } catch {
      let line = Array("pinion: PINION_TRACE: \(error)\n".utf8)
      _ = write(2, line, line.count)
    }
  }()

  /// Whether spans are recorded.
  public static var isOn: Bool {
    environment
    return isRecording.load(ordering: .relaxed)
  }

  /// Starts recording.
  ///
  /// - Parameter path: the file to write, finished when the process ends; only totals without it.
  /// - Throws: `TensorError` where the file can't be written.
  public static func start(file path: String? = nil) throws {
    var opened: Output?
    if let path {
      guard let stream = fopen(path, "w") else {
        throw TensorError(.runtime, "trace", "\(path): can't be written (\(String(cString: strerror(errno))))")
      }
      opened = Output(stream: stream)
      fputs("[", stream)
    }
    let output = opened
    let isFirst = recorder.withLock { recorder in
      recorder.close()
      recorder.output = output
      defer { recorder.isRegistered = true }
      return !recorder.isRegistered
    }
    if isFirst { atexit { Trace.finish() } }
    isRecording.store(true, ordering: .relaxed)
  }

  /// Stops recording, and ends the file.
  public static func finish() {
    isRecording.store(false, ordering: .relaxed)
    recorder.withLock { $0.close() }
  }

  /// Time of each phase since recording started.
  public static var totals: [Phase: Total] { recorder.withLock { $0.totals } }

  /// Most memory that this process has held so far, in bytes.
  public static var peakMemory: Int {
    var usage = rusage()
    #if canImport(Glibc)
      guard getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return 0 }
      return usage.ru_maxrss * 1024
    #else
      return getrusage(RUSAGE_SELF, &usage) == 0 ? usage.ru_maxrss : 0
    #endif
  }

  /// Does `body`, and records how long it took.
  ///
  /// - Parameters:
  ///   - phase: what it is.
  ///   - detail: a few words for the file.
  public static func span<R>(
    _ phase: Phase, _ detail: @autoclosure () -> String = "", _ body: () throws -> R
  ) rethrows -> R {
    guard isOn else { return try body() }
    let thread = UInt(bitPattern: pthread_self().hashValue)
    let start = nanoseconds()
    recorder.withLock { $0.inside[thread, default: []].append(0) }
    defer {
      let text = detail()
      recorder.withLock { $0.record(phase, text, thread, from: start, to: nanoseconds()) }
    }
    return try body()
  }

  private static func nanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}

/// An open file; used with the recorder's lock held.
private struct Output: @unchecked Sendable {
  let stream: UnsafeMutablePointer<FILE>
}

/// What has been recorded.
private struct Recorder {
  var output: Output?
  var isRegistered = false
  var totals: [Trace.Phase: Trace.Total] = [:]
  /// For each thread the spans that are open, with the nanoseconds of spans inside them.
  var inside: [UInt: [UInt64]] = [:]
  private var threads: [UInt: Int] = [:]
  private var isEmpty = true

  mutating func record(_ phase: Trace.Phase, _ detail: String, _ thread: UInt, from start: UInt64, to end: UInt64) {
    let time = end - start
    let inner = inside[thread]?.popLast() ?? 0
    if let outer = inside[thread]?.indices.last { inside[thread]?[outer] += time }
    totals[phase, default: .init()].seconds += Double(time - min(inner, time)) * 1e-9
    totals[phase, default: .init()].count += 1
    guard let output else { return }
    let number = threads[thread] ?? threads.count
    threads[thread] = number
    func micro(_ t: UInt64) -> String { "\(t / 1000).\(t / 100 % 10)" }
    let common = "\"ph\":\"X\",\"pid\":\(getpid()),\"tid\":\(number)"
    write(
      "{\"name\":\"\(phase.rawValue)\",\(common),\"ts\":\(micro(start)),\"dur\":\(micro(time)),"
        + "\"args\":{\"detail\":\"\(escaped(detail))\"}}", output)
    write(
      "{\"name\":\"peak memory\",\"ph\":\"C\",\"pid\":\(getpid()),\"ts\":\(micro(end)),"
        + "\"args\":{\"bytes\":\(Trace.peakMemory)}}", output)
  }

  private mutating func write(_ event: String, _ output: Output) {
    fputs((isEmpty ? "\n" : ",\n") + event, output.stream)
    isEmpty = false
  }

  private func escaped(_ text: String) -> String {
    text.unicodeScalars.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : $0.value < 32 ? " " : String($0) }.joined()
  }

  mutating func close() {
    guard let output else { return }
    fputs("\n]\n", output.stream)
    fclose(output.stream)
    self.output = nil
    isEmpty = true
  }
}

extension Executable {
  /// Runs the program within a span; where spans are recorded, it waits for the results.
  func run(_ arguments: [DeviceBuffer], keeping: [Int] = []) throws -> [DeviceBuffer] {
    guard Trace.isOn else { return try execute(arguments, keeping: keeping) }
    return try Trace.span(.execute, "\(arguments.count) arguments, \(outputCount) results") {
      let results = try execute(arguments, keeping: keeping)
      try results.last?.wait()
      return results
    }
  }
}
