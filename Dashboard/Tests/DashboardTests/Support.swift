import Foundation
import Hummingbird
import HummingbirdTesting
import Testing

@testable import CountingProgram
@testable import Dashboard
@testable import Lab

/// A folder that is removed with its owner.
final class TemporaryFolder: Sendable {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appending(
      path: "dashboard-\(UUID().uuidString)", directoryHint: .isDirectory)
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }
}

/// Programs of the package, which lie beside the tests.
enum Programs {
  static let folder = URL(fileURLWithPath: Bundle.main.executablePath ?? ".").deletingLastPathComponent()
  static var counting: URL { folder.appending(path: "CountingProgram") }
  static var dashboard: URL { folder.appending(path: "pinion-dashboard") }
}

/// A dashboard over a folder of its own, whose runs count.
final class Place: Sendable {
  let folder: TemporaryFolder
  let dashboard: Dashboard
  var root: URL { folder.url.appending(path: "runs", directoryHint: .isDirectory) }
  var site: Site { dashboard.site }
  var store: RunStore { site.store }

  init(
    program: URL? = Programs.counting, scripts: ChartScripts? = nil,
    change: (inout Dashboard.Settings) -> Void = { _ in }
  ) throws {
    folder = try TemporaryFolder()
    var settings = Dashboard.Settings(
      root: folder.url.appending(path: "runs", directoryHint: .isDirectory), program: program,
      experiments: [Counting()], scripts: scripts)
    settings.papers = [Counting().paper] + settings.papers.filter { $0.number != Counting().paper.number }
    settings.datasets = DatasetRegistry([FashionMNIST.info], folder: folder.url.appending(path: "datasets").path)
    change(&settings)
    dashboard = try Dashboard(settings)
  }

  /// A run that is stored; one that is running needs `hold`.
  @discardableResult func add(
    _ id: String, state: RunRecord.State = .done, scale: Scale = .standard, seed: UInt64 = 0, started: Double = 1_000,
    options: [String: JSONValue] = [:], claims: [Claim] = [], error: String? = nil, experiment: String = "counting"
  ) throws -> RunRecord {
    let record = RunRecord(
      id: id, experiment: experiment, scale: scale, seed: seed, options: options, codeVersion: "v1",
      machine: .init(processor: "P", cores: 2, memoryGB: 8, system: "S"), threads: 2,
      started: Date(timeIntervalSince1970: started), seconds: 65, state: state, error: error, claims: claims)
    try store.save(record)
    return record
  }

  /// Points of a metric of a run.
  func log(_ run: String, metric: String = "loss", series: String = "", _ points: [(Int, Double)]) throws {
    var keys: [RunStore.SeriesName: Int64] = [:]
    try store.append(
      points.map { MetricPoint(metric: metric, series: series, step: $0.0, value: $0.1) }, to: run, keys: &keys)
  }

  static func claim(_ name: String = "sum", _ measured: Double = 2) -> Claim {
    Claim(name, statement: "the \(name) is large", measured: measured, comparison: .atLeast, threshold: 1)
  }

  // MARK: Requests

  /// The cookie of who opened the dashboard, as the router's tests name the host.
  var cookie: HTTPFields { [.cookie: "pinion-80=\(site.access.key)"] }

  /// Sends requests to the routes, without a server.
  func requests<T: Sendable>(_ body: @Sendable @escaping (any TestClientProtocol) async throws -> T) async throws -> T {
    try await dashboard.application().test(.router, body)
  }

  /// The page of an address, for who opened the dashboard.
  func get(_ uri: String) async throws -> (status: HTTPResponse.Status, text: String) {
    try await requests { client in
      try await client.execute(uri: uri, method: .get, headers: self.cookie) { ($0.status, String(buffer: $0.body)) }
    }
  }

  /// Sends a form with the token.
  func post(_ uri: String, _ fields: [(String, String)] = [], token: String? = nil) async throws -> (
    status: HTTPResponse.Status, location: String?, text: String
  ) {
    let all = fields + [("token", token ?? site.access.token)]
    let body = all.map { "\(Address.encode($0.0))=\(Address.encode($0.1))" }.joined(separator: "&")
    return try await requests { client in
      try await client.execute(uri: uri, method: .post, headers: self.cookie, body: ByteBuffer(string: body)) {
        ($0.status, $0.headers[.location], String(buffer: $0.body))
      }
    }
  }

  /// Waits until a run is in a state.
  func wait(_ id: String, for state: RunRecord.State, seconds: Double = 20) async throws -> RunRecord {
    let deadline = Date(timeIntervalSinceNow: seconds)
    while true {
      try store.settle()
      let record = try #require(try store.record(id))
      if record.state == state { return record }
      guard Date.now < deadline else {
        Issue.record("\(id) is \(record.state.rawValue), not \(state.rawValue), after \(seconds) s")
        return record
      }
      try await Task.sleep(for: .milliseconds(30))
    }
  }
}

/// Text that would be markup, a path, or a word of a shell.
let hostile = "<img src=x onerror=alert(1)>'\"&;$(touch /tmp/pwned)`|../../etc/passwd"

extension String {
  func count(of text: String) -> Int { ranges(of: text).count }
}
