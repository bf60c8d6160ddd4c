import Formats
import Foundation
import Testing

@testable import Lab
@testable import Papers

@Suite struct DataSharingTests {
  private let root = FileManager.default.temporaryDirectory.appending(path: "sharing-\(UUID().uuidString)")

  @Test func claimsHoldAndTheReportShowsThem() throws {
    defer { try? FileManager.default.removeItem(at: root) }
    let runner = Runner(progress: .silent(), interrupt: Interrupt())
    let result = try runner.start(DataSharingExperiment(), Runner.Request(scale: .quick, root: root))
    let claims = Dictionary(uniqueKeysWithValues: result.record.claims.map { ($0.name, $0) })
    #expect(
      result.record.claims.map(\.name) == [
        "planted problems", "false alarms", "themes covered", "round trip", "completeness",
      ])
    #expect(result.record.claims.allSatisfy { $0.verdict == .holds })
    #expect(claims["planted problems"]?.measured == 100 && claims["themes covered"]?.measured == 10)
    let html = try String(contentsOf: try #require(result.report), encoding: .utf8)
    for part in ["waterline", "Fashion-MNIST", "household-survey", "Datasheets", "knowledge"] {
      #expect(html.contains(part), "\(part)")
    }
    #expect(throws: UsageError.self) {
      try runner.start(DataSharingExperiment(), Runner.Request(settings: ["dataset=nowhere"], root: root))
    }
    #expect(throws: UsageError.self) {
      try runner.start(DataSharingExperiment(), Runner.Request(settings: ["python=/nowhere/python"], root: root))
    }
  }

  @Test func everyPlantedRuleExistsAndIsFound() {
    let rules = Set(Rule.all.map(\.id))
    #expect(PlantedStatement.all.count == 5)
    for one in PlantedStatement.all {
      let found = Set(one.statement.audit().map(\.rule))
      #expect(one.planted.isSubset(of: rules), "\(one.planted.subtracting(rules))")
      #expect(one.planted.isSubset(of: found), "\(one.statement.name): \(one.planted.subtracting(found).sorted())")
      #expect(one.planted.count >= 10)
    }
    // Between them they meet all themes.
    let themes = Set(PlantedStatement.all.flatMap { $0.statement.audit().map(\.theme) })
    #expect(themes == Set(Theme.allCases))
  }

  /// The text that mlcroissant judged is the one that is written now.
  @Test func exportsAreThoseThatMlcroissantFoundWithoutError() throws {
    struct Stored: Decodable {
      struct Verdict: Decodable { let sha256: String, errors: [String], warnings: [String] }
      let mlcroissant: String
      let verdicts: [String: Verdict]
    }
    let url = try #require(Bundle.module.url(forResource: "croissant", withExtension: "json", subdirectory: "Oracles"))
    let stored = try JSONDecoder().decode(Stored.self, from: Data(contentsOf: url))
    let statements =
      Catalog.datasets.map(\.statement) + [.marketDiaries, .rainGauges] + PlantedStatement.all.map(\.statement)
    #expect(Set(statements.map(\.name)) == Set(stored.verdicts.keys))
    for statement in statements {
      let verdict = try #require(stored.verdicts[statement.name])
      #expect(verdict.errors == [], "\(statement.name)")
      #expect(
        SHA256.hex(Array(statement.croissant.utf8)) == verdict.sha256,
        "\(statement.name) has changed since it was judged: run Oracles/croissant.py")
    }
  }
}
