import Foundation
import Lab
import Synchronization

/// A headless Chromium, driven through its DevTools protocol over a pipe: messages of JSON, each ended by a zero byte.
final class Chromium: Sendable {
  /// The program; nil where there is none.
  static let path: String? = {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    let names = ["chromium", "chromium-browser", "google-chrome"]
    return names.flatMap { name in folders.map { "\($0)/\(name)" } }.first {
      FileManager.default.isExecutableFile(atPath: $0)
    }
  }()

  private struct State {
    var next = 0
    var waiting: [Int: CheckedContinuation<JSONValue, any Error>] = [:]
    var events: [(session: String, method: String, parameters: JSONValue)] = []
    var isClosed = false
  }

  private let process: Process
  private let input: FileHandle
  private let profile: TemporaryFolder
  private let state = Mutex(State())

  init(_ path: String) throws {
    profile = try TemporaryFolder()
    process = Process()
    // The protocol's pipes are the descriptors 3 and 4, which only a shell can make here. Its text is fixed.
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = [
      "-c", "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>/dev/null", path, "--headless=new", "--no-sandbox",
      "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
      "--disable-extensions", "--hide-scrollbars", "--remote-debugging-pipe", "--user-data-dir=\(profile.url.path)",
    ]
    let (toBrowser, fromBrowser) = (Pipe(), Pipe())
    process.standardInput = toBrowser
    process.standardOutput = fromBrowser
    input = toBrowser.fileHandleForWriting
    try process.run()
    let output = fromBrowser.fileHandleForReading
    let thread = Thread { [weak self] in
      var rest = Data()
      while true {
        let part = output.availableData
        if part.isEmpty { break }
        rest += part
        while let end = rest.firstIndex(of: 0) {
          self?.take(Data(rest[..<end]))
          rest = Data(rest[(end + 1)...])
        }
      }
      self?.close()
    }
    thread.start()
  }

  deinit { if process.isRunning { process.terminate() } }

  private func take(_ data: Data) {
    guard let message = try? JSONDecoder().decode(JSONValue.self, from: data) else { return }
    if case .integer(let id)? = message["id"] {
      let waiting = state.withLock { $0.waiting.removeValue(forKey: id) }
      if let error = message["error"] {
        waiting?.resume(throwing: UsageError("chromium: \(error.text)"))
      } else {
        waiting?.resume(returning: message["result"] ?? .null)
      }
    } else if let method = message["method"]?.text {
      state.withLock { $0.events.append((message["sessionId"]?.text ?? "", method, message["params"] ?? .null)) }
    }
  }

  private func close() {
    let waiting = state.withLock { state in
      state.isClosed = true
      defer { state.waiting = [:] }
      return state.waiting.values.map { $0 }
    }
    for one in waiting { one.resume(throwing: UsageError("chromium ended")) }
  }

  /// Calls a method of the protocol.
  func call(_ method: String, _ parameters: [String: JSONValue] = [:], session: String? = nil) async throws -> JSONValue
  {
    try await withCheckedThrowingContinuation { continuation in
      let id = state.withLock { state -> Int? in
        if state.isClosed { return nil }
        state.next += 1
        state.waiting[state.next] = continuation
        return state.next
      }
      guard let id else { return continuation.resume(throwing: UsageError("chromium ended")) }
      var message: [String: JSONValue] = ["id": .integer(id), "method": .string(method), "params": .object(parameters)]
      if let session { message["sessionId"] = .string(session) }
      let text = (try? jsonText(JSONValue.object(message))) ?? "{}"
      try? input.write(contentsOf: Data(text.utf8) + [0])
    }
  }

  func events(of session: String) -> [(method: String, parameters: JSONValue)] {
    state.withLock { $0.events.filter { $0.session == session }.map { ($0.method, $0.parameters) } }
  }

  /// Opens a tab in a window of its own: one that is hidden behind another gets no news.
  func tab() async throws -> Tab {
    let target = try await call("Target.createTarget", ["url": "about:blank", "newWindow": true])
    let session = try await call(
      "Target.attachToTarget", ["targetId": target["targetId"] ?? .null, "flatten": true])
    let tab = Tab(browser: self, session: session["sessionId"]?.text ?? "")
    for domain in ["Page", "Runtime", "Log", "Network"] { try await tab.call("\(domain).enable") }
    return tab
  }
}

/// A tab of the browser.
struct Tab: Sendable {
  let browser: Chromium
  let session: String

  @discardableResult func call(_ method: String, _ parameters: [String: JSONValue] = [:]) async throws -> JSONValue {
    try await browser.call(method, parameters, session: session)
  }

  /// Opens an address and waits until its page is loaded.
  func visit(_ address: String) async throws {
    try await call("Page.navigate", ["url": .string(address)])
    try await wait(for: "document.readyState === 'complete' && location.href !== 'about:blank'")
  }

  /// The value of an expression of the page; its promise is waited for.
  @discardableResult func evaluate(_ expression: String) async throws -> JSONValue {
    let answer = try await call(
      "Runtime.evaluate", ["expression": .string(expression), "returnByValue": true, "awaitPromise": true])
    if let problem = answer["exceptionDetails"] { throw UsageError("\(expression): \(problem.text)") }
    return answer["result"]?["value"] ?? .null
  }

  /// Waits until an expression is true.
  func wait(for expression: String, seconds: Double = 20) async throws {
    let deadline = Date(timeIntervalSinceNow: seconds)
    while true {
      // A page that is on its way has no answer.
      if (try? await evaluate("Boolean(\(expression))")) == true { return }
      guard Date.now < deadline else {
        let page = (try? await evaluate("location.href + ': ' + document.getElementById('main').innerText")) ?? .null
        throw UsageError("not so after \(seconds) s: \(expression); the page is \(page.text.prefix(400))")
      }
      try await Task.sleep(for: .milliseconds(40))
    }
  }

  /// What the browser complained of: exceptions, errors, what the page's policy forbade, answers that failed.
  var complaints: [String] {
    browser.events(of: session).compactMap { method, parameters in
      switch method {
      case "Runtime.exceptionThrown": return parameters["exceptionDetails"]?.text
      case "Log.entryAdded":
        guard let entry = parameters["entry"], entry["level"] == "error" else { return nil }
        return entry.text
      case "Runtime.consoleAPICalled": return parameters["type"] == "error" ? parameters.text : nil
      default: return nil
      }
    }
  }

  /// Addresses that were asked for.
  var requests: [String] {
    browser.events(of: session).compactMap { method, parameters in
      method == "Network.requestWillBeSent" ? parameters["request"]?["url"]?.text : nil
    }
  }

  func resize(width: Int, height: Int) async throws {
    try await call(
      "Emulation.setDeviceMetricsOverride",
      ["width": .integer(width), "height": .integer(height), "deviceScaleFactor": 1, "mobile": .bool(width < 600)])
  }

  func setScheme(_ scheme: String) async throws {
    try await call(
      "Emulation.setEmulatedMedia", ["features": [["name": "prefers-color-scheme", "value": .string(scheme)]]])
  }

  /// Presses a key.
  func press(_ key: String, code: Int) async throws {
    for type in ["keyDown", "keyUp"] {
      var event: [String: JSONValue] = [
        "type": .string(type), "key": .string(key), "code": .string(key), "windowsVirtualKeyCode": .integer(code),
      ]
      if type == "keyDown", key == "Enter" { event["text"] = "\r" }
      if type == "keyDown", key == " " { event["text"] = " " }
      try await call("Input.dispatchKeyEvent", event)
    }
  }

  /// A picture of the whole page.
  func picture() async throws -> Data {
    let answer = try await call("Page.captureScreenshot", ["format": "png", "captureBeyondViewport": true])
    return Data(base64Encoded: answer["data"]?.text ?? "") ?? Data()
  }
}

extension JSONValue {
  subscript(name: String) -> JSONValue? {
    if case .object(let fields) = self { fields[name] } else { nil }
  }
}
