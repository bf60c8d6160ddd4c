import Foundation
import Testing

@testable import CLI
@testable import Lab

@Suite struct RunsCommandTests {
  /// A folder with three runs, of which one failed.
  private final class Runs {
    let root = FileManager.default.temporaryDirectory.appending(path: "cli-\(UUID().uuidString)")
    let store: RunStore

    init() throws {
      store = try RunStore(root: root, create: true)
      let claims = [
        Claim("sum", statement: "s", measured: 2.5, unit: "points", comparison: .atLeast, threshold: 1),
        Claim("cost", statement: "s", measured: 3, comparison: .informative),
      ]
      for i in 0..<3 {
        try store.save(
          RunRecord(
            id: "saying-2026112\(i)-10101\(i)-abcd\(i)", experiment: "saying", scale: .quick, seed: UInt64(i),
            options: ["rate": .number([0.5, 1, 0.5][i]), "label": "a,\"b\""], codeVersion: "v1",
            machine: Machine(processor: "P", cores: 2, memoryGB: 8, system: "S"), threads: 2,
            started: Date(timeIntervalSince1970: Double(i)), seconds: 65, state: i == 2 ? .failed : .done,
            error: i == 2 ? "it broke" : nil, claims: i == 2 ? [] : claims))
        var keys: [RunStore.SeriesName: Int64] = [:]
        try store.append(
          [MetricPoint(metric: "loss", series: "a", step: 1, value: 0.1 + Double(i))],
          to: "saying-2026112\(i)-10101\(i)-abcd\(i)", keys: &keys)
      }
    }

    deinit { try? FileManager.default.removeItem(at: root) }

    func run(_ arguments: String...) throws -> Program {
      try Program(arguments + ["--runs", root.path], environment: ["COLUMNS": "120"])
    }
  }

  /// Words of a line of a table.
  private func cells(_ line: Substring) -> [String] {
    line.split(separator: "  ").map { $0.trimmingCharacters(in: .whitespaces) }
  }

  @Test func listShowsTheLatestFirst() throws {
    let runs = try Runs()
    let program = try runs.run("runs")
    #expect(program.status == 0)
    let lines = program.output.split(separator: "\n")
    #expect(lines.count == 5)
    #expect(cells(lines[2]).prefix(4) == ["saying-20261122-101012-abcd2", "failed", "quick", "2"])
    #expect(cells(lines[4]).suffix(2) == ["1 min 05 s", "1✓ 1○"])
    #expect(lines.allSatisfy { $0.count <= 120 })

    let sorted = try runs.run("runs", "list", "--sort", "loss", "--ascending", "--where", "rate=0.5", "--limit", "1")
    #expect(cells(sorted.output.split(separator: "\n")[2]).last == "0.1")
    #expect(sorted.output.hasSuffix("1 of 2 runs; --all shows all, --limit N more\n"))
    let json = try runs.run("runs", "list", "--json", "--state", "failed")
    let rows = try #require(JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [[String: Any]])
    #expect(rows.map { $0["error"] as? String } == ["it broke"])
    #expect(try runs.run("runs", "list", "--since", "1d").output == "no run is like that\n")
  }

  @Test func showHasAllThatIsKnown() throws {
    let runs = try Runs()
    let output = try runs.run("runs", "show", "abcd1").output
    for part in [
      "saying-20261121-101011-abcd1\n", "State    done\n", "Again    ./pinion reproduce saying --quick --seed 1",
      "sum    2.5 points  ≥ 1", "loss    a            1          1         1.1", "rate    1\n",
    ] { #expect(output.contains(part), "\(part)") }
    #expect(try runs.run("runs", "show", "latest").output.contains("State    failed: it broke"))
    let json = try runs.run("runs", "show", "abcd1", "--json").output
    let shown = try #require(JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
    #expect((shown["series"] as? [[String: Any]])?.first?["lastValue"] as? Double == 1.1)
  }

  @Test func compareShowsWhatDiffers() throws {
    let runs = try Runs()
    let program = try runs.run("runs", "compare", "abcd0", "abcd1", "abcd2")
    let lines = program.output.split(separator: "\n").map { cells($0) }
    #expect(lines.contains(["sum", "2.5 points ✓", "2.5 points ✓", "–"]))
    #expect(lines.contains(["rate", "0.5", "1", "0.5"]))
    #expect(lines.contains(["state", "done", "done", "failed"]))
    #expect(lines.contains(["loss, a", "0.1", "1.1", "2.1"]))
    #expect(!program.output.contains("label"))
    #expect(try runs.run("runs", "compare", "abcd0").errors == "pinion: compare takes two runs or more, here is one\n")
  }

  @Test func exportsAreCSVAndJSONLines() throws {
    let runs = try Runs()
    let csv = try runs.run("runs", "export", "abcd0").output
    #expect(
      csv == """
        run,experiment,seed,metric,series,step,value\r
        saying-20261120-101010-abcd0,saying,0,loss,a,1,0.1\r

        """)
    let table = try runs.run("runs", "export", "--table", "runs", "--state", "done").output
    #expect(table.contains("option: label,option: rate,claim: cost,claim: sum\r\n"))
    #expect(table.contains(",\"a,\"\"b\"\"\",0.5,3.0,2.5\r\n"))
    let file = runs.root.appending(path: "out.jsonl")
    let claims = try runs.run("runs", "export", "--table", "claims", "--out", file.path)
    #expect(claims.output.isEmpty)
    let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
    let objects = try lines.map { try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] }
    #expect(objects.map { $0?["verdict"] as? String } == ["holds", "informative", "holds", "informative"])
  }

  @Test func deleteAsksFirst() throws {
    let runs = try Runs()
    let asked = try runs.run("runs", "delete", "--state", "failed")
    #expect(asked.status == 2)
    #expect(asked.output == "would delete saying-20261122-101012-abcd2 (failed)\n")
    #expect(asked.errors == "pinion: nothing was deleted; --yes deletes 1 run\n")
    #expect(try runs.store.count() == 3)
    #expect(try runs.run("runs", "delete", "--yes").errors.contains("name the runs to delete"))
    #expect(try runs.run("runs", "delete", "--yes", "abcd2", "abcd1").output.hasSuffix("deleted 2 runs\n"))
    #expect(try runs.store.runs().map(\.record.seed) == [0])
  }

  @Test func reportsAreWrittenForOneAndForSeveral() throws {
    let runs = try Runs()
    let one = try runs.run("report", "abcd0")
    #expect(one.output == "Report  \(runs.root.path)/saying-20261120-101010-abcd0/report.html\n")
    let out = runs.root.appending(path: "page.html")
    let several = try runs.run("report", "abcd0", "abcd1", "--out", out.path)
    #expect(several.status == 0)
    #expect(try String(contentsOf: out, encoding: .utf8).contains("<h1>2 runs of saying</h1>"))
  }

  @Test func badUsageGetsOneLine() throws {
    let runs = try Runs()
    let cases = [
      (["runs", "show", "nothing"], "run nothing: no such run in"),
      (["runs", "list", "--sort", "x"], "--sort x: no run"),
      (["runs", "list", "--where", "rate"], "--where rate: expected option=value"),
      (["runs", "export", "abcd0", "--state", "done"], "runs are given by name or by a filter, not both"),
      (["runs", "list", "--state", "odd"], "The value 'odd' is invalid for '--state <state>'"),
      (["report", "saying"], "run saying: may be"),
    ]
    for (arguments, expected) in cases {
      let program = try Program(arguments + ["--runs", runs.root.path])
      #expect(program.status == 2)
      #expect(program.errors.hasPrefix("pinion: \(expected)"), "\(program.errors)")
      #expect(program.errors.split(separator: "\n").count == 1)
    }
    let none = try Program(["runs", "--runs", "/nowhere/at/all"])
    #expect(none.errors == "pinion: /nowhere/at/all: there are no runs; ./pinion reproduce makes the first one\n")
  }
}
