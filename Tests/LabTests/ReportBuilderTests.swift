import Foundation
import Testing

@testable import Lab

@Suite struct ReportBuilderTests {
  private let root = FileManager.default.temporaryDirectory.appending(path: "lab-\(UUID().uuidString)")

  /// Runs with their seeds and settings, in their order.
  private func runs(_ wishes: [(seed: UInt64, settings: [String])], blocks: [ReportBlock] = []) throws -> RunStore {
    let runner = Runner(progress: .silent(), interrupt: Interrupt())
    for wish in wishes {
      _ = try runner.start(
        Counting(threshold: 20, blocks: blocks), .init(seed: wish.seed, settings: wish.settings, root: root))
    }
    return try RunStore(root: root)
  }

  private func records(_ store: RunStore) throws -> [RunRecord] {
    try store.runs(RunQuery(ascending: true)).map(\.record)
  }

  @Test func aReportIsMadeAgainFromTheStore() throws {
    defer { try? FileManager.default.removeItem(at: root) }
    let blocks: [ReportBlock] = [
      .heading("Heading"), .text("Some **text**."),
      .table(ReportTable(columns: [.init("a"), .init("b", .right)], rows: [["1", "2"]], caption: "c")),
      .chart(
        .layers(
          [.lines([.init("s", [.init(0, 1, interval: 0.5...1.5), .init(1, .nan)])]), .level(1, label: "one")],
          x: .init("x", isLogarithmic: true, domain: 1...2), y: .init("y"), title: "t"), caption: "below"),
      .chart(.bars([.init("a", group: "g", 1)], category: "c", value: .init("v")), caption: ""),
      .chart(
        .matrix(rows: ["r"], columns: ["c"], values: [[1]], row: "true", column: "guess", value: "n"), caption: ""),
      .image(ReportImage(png: [1, 2, 3], caption: "one", width: 5, isPixelated: true)),
      .imageGrid([ReportImage(png: [4])], columns: 3, caption: "grid"),
      .audio([ReportAudio(file: [5, 6], caption: "voice")], columns: 2, caption: "sounds"),
    ]
    let store = try runs([(0, [])], blocks: blocks)
    let run = try store.find("latest")
    let original = try String(contentsOf: root.appending(path: "\(run.id)/report.html"), encoding: .utf8)
    // Times are stored with their fractions, which the page doesn't show.
    #expect(try ReportBuilder(store: store).report(of: run, paper: Counting().paper) == original)
    #expect(original.contains("data:audio/wav;base64,BQY="))
  }

  @Test func aRunThatKeptNoPartsShowsItsMetrics() throws {
    defer { try? FileManager.default.removeItem(at: root) }
    var experiment = Counting()
    experiment.breaksAt = 3
    _ = try? Runner(progress: .silent(), interrupt: Interrupt()).start(experiment, .init(root: root))
    let store = try RunStore(root: root)
    let page = try ReportBuilder(store: store, scripts: nil).report(of: store.find("latest"), paper: Counting().paper)
    #expect(page.contains("This run is <strong>failed</strong>: the sum broke. Here is what it measured so far."))
    #expect(page.contains("The run has measured no claim yet."))
    #expect(page.contains("./pinion reproduce counting --resume "))
    #expect(page.contains("<td>run</td><td class=\"right\">3</td><td class=\"right\">1.5</td>"))
  }

  @Test func runsThatDifferInTheSeedAreOneColumnWithTheirSpread() throws {
    defer { try? FileManager.default.removeItem(at: root) }
    let store = try runs([(0, []), (1, []), (2, []), (0, ["rate=1"])])
    let records = try records(store)
    let groups = RunGroup.groups(records)
    #expect(groups.map(\.runs.count) == [3, 1])
    #expect(groups.map(\.label) == ["rate=0.5", "rate=1"])
    #expect(RunGroup.differences(groups).map(\.name) == ["rate"])

    let page = try ReportBuilder(store: store, scripts: nil).comparison(of: records)
    #expect(page.contains("<h1>4 runs of counting</h1>"))
    #expect(page.contains("<th scope=\"col\">rate=0.5<br>3 seeds</th><th scope=\"col\">rate=1<br>seed 0</th>"))
    // Sums of half of 0…9, 1…10, 2…11: 22.5, 27.5, 32.5, with Student's interval of three.
    let cell = "<span class=\"number\">27.5</span><span class=\"note\">15.08 … 39.92</span>"
    #expect(page.contains(cell + "<span class=\"note\">22.5, 27.5, 32.5</span>"))
    #expect(page.contains("✓ holds in 3 of 3"))
    #expect(page.contains("<td>rate</td><td>0.5</td><td>1</td>"))
    // The curve is the mean over the seeds, with its band; the other run's has none.
    #expect(
      page.contains(
        "<td>run · rate=0.5</td><td class=\"right\">10</td><td class=\"right\">27.5</td><td class=\"right\">15.08 … 39.92</td>"
      ))
    #expect(
      page.contains(
        "<td>run · rate=1</td><td class=\"right\">10</td><td class=\"right\">45</td><td class=\"right\"></td>"))
    for record in records { #expect(page.contains(record.id)) }
  }

  @Test func aClaimThatFailsInOneSeedFails() {
    func claim(_ measured: Double) -> Claim {
      Claim("c", statement: "s", measured: measured, comparison: .atLeast, threshold: 1)
    }
    #expect(ClaimSummary([claim(2), claim(3)]).verdict == .holds)
    let mixed = ClaimSummary([claim(2), claim(0)])
    #expect((mixed.verdict, mixed.verdictText) == (.fails, "holds in 1 of 2"))
    #expect((mixed.text, mixed.interval) == ("1", "-11.71 … 13.71"))
    #expect(ClaimSummary([claim(2)]).interval.isEmpty)
  }

  @Test func seedsInNamesOfSeriesAreRepetitions() {
    #expect(ReportBuilder.withoutSeed("TNT, seed 12") == "TNT")
    #expect(ReportBuilder.withoutSeed("seed 3") == "")
    #expect(ReportBuilder.withoutSeed("TNT, seed 1 of 2") == "TNT, seed 1 of 2")
    let points = (0..<5_003).map { (step: $0, value: 0.0) }
    let thinned = ReportBuilder.thinned(points)
    #expect(thinned.count < 1_100 && thinned.first?.step == 0 && thinned.last?.step == 5_002)
  }
}
