import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A library that takes part, and how its worker is started.
struct PeerDescription: Sendable {
  let name: String
  let title: String
  let command: [String]
  var environment: [String: String] = [:]
}

/// A worker process.
final class Peer {
  let description: PeerDescription
  private let process = Process()
  private let input = Pipe()
  private let output = Pipe()
  private var pending = Data()
  private var hasEnded = false

  /// Starts the worker.
  ///
  /// - Parameter log: where its standard error goes.
  init(_ description: PeerDescription, log: URL) throws {
    self.description = description
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = description.command
    process.environment = ProcessInfo.processInfo.environment.merging(description.environment) { $1 }
    process.standardInput = input
    process.standardOutput = output
    if !FileManager.default.fileExists(atPath: log.path) {
      _ = FileManager.default.createFile(atPath: log.path, contents: nil)
    }
    if let handle = try? FileHandle(forWritingTo: log) {
      _ = try? handle.seekToEnd()
      process.standardError = handle
    }
    try process.run()
  }

  /// Asks, and waits for the answer.
  ///
  /// - Throws: `BenchError` with the worker's cause, or where it died or took longer than `limit` seconds; it's ended then.
  func ask(_ request: Request, limit: Double = 300) throws -> Reply {
    guard isRunning else { throw BenchError("\(description.title)'s worker has ended") }
    try input.fileHandleForWriting.write(contentsOf: JSONEncoder().encode(request) + Data("\n".utf8))
    let reply = try JSONDecoder().decode(Reply.self, from: line(limit: limit))
    if let error = reply.error { throw BenchError(error) }
    return reply
  }

  private func line(limit: Double) throws -> Data {
    let descriptor = output.fileHandleForReading.fileDescriptor
    let deadline = Date(timeIntervalSinceNow: limit)
    while true {
      if let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
        let line = pending[pending.startIndex..<end]
        pending = Data(pending[(end + 1)...])
        return Data(line)
      }
      var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      let left = max(0, deadline.timeIntervalSinceNow)
      let ready = poll(&poller, 1, Int32(min(left * 1000, 1e6)))
      if ready < 0 && errno == EINTR { continue }
      guard ready > 0 else {
        end()
        throw BenchError("took longer than \(Int(limit)) s")
      }
      var chunk = [UInt8](repeating: 0, count: 1 << 16)
      let count = read(descriptor, &chunk, chunk.count)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else {
        end()
        throw BenchError("the worker died; its log says why")
      }
      pending.append(contentsOf: chunk[..<count])
    }
  }

  /// Seconds that its threads have run on a CPU, whatever else the machine did; `nil` where the system doesn't say.
  var processorTime: Double? {
    let tasks = "/proc/\(process.processIdentifier)/task"
    guard let threads = try? FileManager.default.contentsOfDirectory(atPath: tasks) else { return nil }
    return threads.reduce(0) { sum, thread in
      let text = try? String(contentsOfFile: "\(tasks)/\(thread)/schedstat", encoding: .utf8)
      return sum + (text?.split(separator: " ").first.flatMap { Double($0) } ?? 0) * 1e-9
    }
  }

  /// Whether it can be asked.
  var isRunning: Bool { !hasEnded && process.isRunning }

  /// Ends the process.
  func end() {
    hasEnded = true
    try? input.fileHandleForWriting.close()
    process.terminate()
    for _ in 0..<100 where process.isRunning { usleep(10_000) }
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
  }

  deinit { if isRunning { end() } }
}
