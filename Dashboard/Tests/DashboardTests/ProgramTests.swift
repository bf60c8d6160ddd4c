import Foundation
import Testing

@testable import Dashboard
@testable import Lab

/// The program as `./pinion dashboard` starts it.
@Suite struct ProgramTests {
  /// A started dashboard, and what it prints.
  private final class Started {
    let process = Process()
    private let output = Pipe()
    private let errors = Pipe()
    private var text = ""

    init(_ arguments: [String]) throws {
      process.executableURL = Programs.dashboard
      process.arguments = arguments
      process.standardOutput = output
      process.standardError = errors
      // The threads of tests block signals, which a process would inherit.
      var (none, before) = (sigset_t(), sigset_t())
      sigemptyset(&none)
      pthread_sigmask(SIG_SETMASK, &none, &before)
      defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
      try process.run()
    }

    deinit { if process.isRunning { process.terminate() } }

    /// The address that it prints once it listens.
    func address() throws -> URL {
      while !text.contains("runs go on") {
        let part = output.fileHandleForReading.availableData
        if part.isEmpty { throw UsageError("ended: \(try self.ended().errors)") }
        text += String(decoding: part, as: UTF8.self)
      }
      let word = text.split(whereSeparator: \.isWhitespace).first { $0.hasPrefix("http") }
      return try #require(word.flatMap { URL(string: String($0)) })
    }

    /// Waits for the end; the exit code and standard error.
    func ended(within seconds: Double = 10) throws -> (code: Int32, errors: String) {
      let deadline = Date(timeIntervalSinceNow: seconds)
      while process.isRunning, Date.now < deadline { Thread.sleep(forTimeInterval: 0.02) }
      guard !process.isRunning else {
        kill(process.processIdentifier, SIGKILL)
        throw UsageError("is still there after \(seconds) s")
      }
      let said = try errors.fileHandleForReading.readToEnd() ?? Data()
      return (process.terminationStatus, String(decoding: said, as: UTF8.self))
    }
  }

  private func arguments(_ folder: TemporaryFolder, _ more: String...) -> [String] {
    ["--out", folder.url.appending(path: "runs").path, "--program", Programs.counting.path] + more
  }

  /// A request for an address with the key of another one.
  private func request(_ path: String, _ address: URL, method: String = "GET", body: String = "") throws -> Connection {
    let port = try #require(address.port)
    let key = try #require(address.query?.split(separator: "=").last)
    let connection = try Connection(port: port)
    try connection.send(
      "\(method) \(path) HTTP/1.1\r\nHost: localhost:\(port)\r\nCookie: pinion-\(port)=\(key)\r\n"
        + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
    return connection
  }

  @Test func itStopsAtOnceThoughPagesListen() throws {
    for signal in [SIGINT, SIGTERM] {
      let folder = try TemporaryFolder()
      let started = try Started(arguments(folder, "--port", "0"))
      let address = try started.address()
      #expect(address.host == "localhost")
      let page = try request("/events/runs", address)
      #expect(page.read(seconds: 10, until: "event: rows").contains("text/event-stream"))
      kill(started.process.processIdentifier, signal)
      let (code, errors) = try started.ended()
      #expect(code == 0 && errors == "", "\(signal): \(errors)")
    }
  }

  @Test func onlyThisMachineReachesIt() throws {
    let folder = try TemporaryFolder()
    let started = try Started(arguments(folder, "--port", "0"))
    let port = try #require(try started.address().port)
    let hexadecimal = String(port, radix: 16, uppercase: true)
    // Local addresses of listening sockets (state 0A), as proc(5) has them.
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].compactMap { try? String(contentsOfFile: $0, encoding: .utf8) }
    var listening: [String] = []
    for line in tables.joined().split(separator: "\n") {
      let fields = line.split(separator: " ").map(String.init)
      if fields.count > 3, fields[3] == "0A", fields[1].hasSuffix(":" + hexadecimal) { listening.append(fields[1]) }
    }
    #expect(listening == ["0100007F:" + hexadecimal])
  }

  @Test func aBusyPortIsToldInOneLine() throws {
    let folder = try TemporaryFolder()
    let first = try Started(arguments(folder, "--port", "0"))
    let port = try #require(try first.address().port)
    let second = try Started(arguments(folder, "--port", "\(port)"))
    let (code, errors) = try second.ended()
    #expect(code == 2)
    #expect(errors.hasPrefix("pinion: port \(port) is in use") && errors.count(of: "\n") == 1, "\(errors)")
    for wrong in [["--port", "70000"], ["--port", "x"], ["--nothing"]] {
      let (code, errors) = try Started(wrong).ended()
      #expect(code == 2 && errors.hasPrefix("pinion: ") && errors.count(of: "\n") == 1, "\(errors)")
    }
  }

  @Test func runsOutliveTheDashboardAndLeaveThePort() async throws {
    let folder = try TemporaryFolder()
    let first = try Started(arguments(folder, "--port", "0"))
    let address = try first.address()
    let form = try request("/papers/counting", address).read(seconds: 10, until: "</html>")
    #expect(form.contains("HTTP/1.1 404"), "the program's papers are those of the catalogue")
    // So the run is started with the same code by a dashboard of the test's.
    let place = try Place { $0.root = folder.url.appending(path: "runs", directoryHint: .isDirectory) }
    let answer = try await place.post(
      "/papers/counting/runs", [("scale", "standard"), ("seed", "1"), ("set.steps", "400"), ("set.pause", "0.02")])
    let id = String(try #require(answer.location).dropFirst("/runs/".count))
    let page = try request("/events/runs/\(id)", address)
    #expect(page.read(seconds: 10, until: "event: points").contains("event: chart"))
    kill(first.process.processIdentifier, SIGINT)
    #expect(try first.ended().code == 0)
    #expect(try place.store.record(id)?.state == .running)
    let again = try Started(arguments(folder, "--port", "\(try #require(address.port))"))
    #expect(try again.address().port == address.port)
    try place.site.control?.stop(id)
    _ = try await place.wait(id, for: .interrupted)
  }
}
