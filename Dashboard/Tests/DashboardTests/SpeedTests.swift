import Foundation
import Testing

@testable import Dashboard
@testable import Lab

/// 10,000 runs; with 1,000 points each where `PINION_FULL_SIZE=1`.
@Suite struct SpeedTests {
  @Test func pagesAreQuickOverManyRuns() async throws {
    let place = try Place()
    let points = ProcessInfo.processInfo.environment["PINION_FULL_SIZE"] == "1" ? 1_000 : 10
    let claim = try jsonText(Place.claim())
    let machine = try jsonText(Machine.current)
    try place.store.write { database in
      try database.execute(
        sql: """
          WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
          INSERT INTO run SELECT i, 'run-' || i, 'counting', 'quick', i, 'done', i, i, 1, 2, 'v1', :machine,
            '{"rate":' || (i % 10) || '}', NULL, NULL FROM n;
          INSERT INTO option SELECT key, 'rate', CAST(key % 10 AS TEXT) FROM run;
          INSERT INTO claim SELECT key, 0, 'sum', key % 977, 0, 'holds', :claim FROM run;
          INSERT INTO series SELECT key, key, 'loss', '', :points, key % 983 FROM run;
          """, arguments: ["machine": machine, "claim": claim, "points": points])
      try database.execute(
        sql: """
          WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
          INSERT INTO point SELECT key, i, 1.0 / i FROM series CROSS JOIN n
          """, arguments: [points])
    }
    let compared = (1...RunsPage.comparisonLimit).map { "run=run-\($0 * 31)" }.joined(separator: "&")
    var times: [String: Double] = [:]
    for address in [
      "/", "/?sort=sum&page=100", "/?sort=loss&scale=quick", "/papers", "/runs/run-5000", "/compare?\(compared)",
    ] {
      var best = Double.infinity
      for _ in 0..<3 {
        let start = ContinuousClock.now
        #expect(try await place.get(address).status == .ok)
        best = min(best, (ContinuousClock.now - start) / .seconds(1))
      }
      times[String(address.prefix(24))] = best
      #expect(best < 1, "\(address): \(best) s")
    }
    if points == 1_000 { print("10,000 runs with 1,000 points each, seconds: \(times)") }
  }
}
