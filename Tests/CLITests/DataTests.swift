import Foundation
import Testing

@testable import CLI
@testable import Lab
@testable import Papers

@Suite struct DataCommandTests {
  /// A cache folder of its own, with a folder of the user's.
  private final class Place {
    let root = FileManager.default.temporaryDirectory.appending(path: "cli-\(UUID().uuidString)")

    init() throws {
      let folder = root.appending(path: "cats")
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      try Data("a,b\n".utf8).write(to: folder.appending(path: "cats.csv"))
    }

    deinit { try? FileManager.default.removeItem(at: root) }

    func data(_ arguments: String..., input: String = "") throws -> Program {
      try Program(
        ["data"] + arguments, environment: ["XDG_CACHE_HOME": root.path + "/cache", "COLUMNS": "110"], input: input)
    }

    var cats: String { root.path + "/cats" }
  }

  @Test func theSetsOfThePackageAreListedAndShown() throws {
    let place = try Place()
    let list = try place.data("list")
    #expect(list.status == 0 && list.output.contains("fashion-mnist") && list.output.contains("not fetched"))
    let json = try place.data("list", "--json")
    let rows = try #require(JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [[String: Any]])
    #expect(rows[0]["name"] as? String == "fashion-mnist" && rows[0]["blocking"] as? Int == 0)
    let show = try place.data("show", "fashion-mnist")
    #expect(show.output.contains("train 60000, test 10000") && show.output.contains("uint8 [28, 28]"))
    #expect(
      try place.data("show", "fashion").errors
        == "pinion: no data set is named fashion (did you mean fashion-mnist?); ./pinion data list names all\n")
    let audit = try place.data("audit", "fashion-mnist")
    #expect(audit.status == 0 && audit.output.contains("SERIOUS  What people on site knew and did isn't credited"))
  }

  @Test func fromAddToAnAuditedStatement() throws {
    let place = try Place()
    #expect(
      try place.data("add", place.cats, "--name", "cats", "--licence", "MIT").output.hasPrefix(
        "added cats: 1 file, 4 B\n"))
    // Nothing but the licence is known: it blocks.
    let open = try place.data("audit", "cats")
    #expect(open.status == 1 && open.output.contains("BLOCKING  It isn't known whether the data are about people"))
    let asked = try place.data("statement", "cats", "--quick", input: "cats\nno\nHome\nto tell them apart\nquit\n")
    // Of the ten the licence was known and four are about people: the last one is left.
    #expect(asked.status == 0 && asked.output.contains("\n1 question is left; the same command goes on with them\n"))
    #expect(try place.data("audit", "cats").status == 0)
    let set = try place.data(
      "statement", "cats", "--set", "harm.redress=write to me", "--set", "harm.misuse=n/a: cats", "--by", "me")
    #expect(set.status == 0)
    let shown = try place.data("statement", "cats", "--show").output
    #expect(shown.contains("*not applicable*: cats") && shown.contains("| me | harm.misuse, harm.redress |"))
    let diff = try place.data("diff", "cats").output
    #expect(diff.contains("harm.redress\n  + write to me [me]\n"))
    #expect(
      try place.data("statement", "cats", "--set", "harm.redess=x").errors.contains("(did you mean harm.redress?)"))
    #expect(try place.data("statement", "cats", "--set", "policy.consent=perhaps").status == 2)

    // Out and in again, in both forms.
    for name in ["out.json", "out.md"] {
      let file = place.root.path + "/" + name
      #expect(try place.data("export", "cats", "--out", file).status == 0)
      #expect(try place.data("import", "cats", file).status == 0)
      #expect(try place.data("statement", "cats", "--show").output == shown)
    }
    try Data("{".utf8).write(to: place.root.appending(path: "bad.json"))
    let bad = try place.data("import", "cats", place.root.path + "/bad.json")
    #expect(bad.status == 2 && bad.errors.hasSuffix("bad.json: JSON at byte 1: expected a name in quotes\n"))
    let report = place.root.path + "/report.html"
    #expect(try place.data("report", "cats", "--out", report).status == 0)
    #expect(try String(contentsOfFile: report, encoding: .utf8).contains("write to me"))

    #expect(try place.data("verify", "cats").output == "OK   cats  1 files\n")
    try Data("x,y\n".utf8).write(to: URL(fileURLWithPath: place.cats + "/cats.csv"))
    let damaged = try place.data("verify")
    #expect(damaged.status == 1 && damaged.output == "BAD  cats  cats.csv: damaged\n")
    #expect(try place.data("remove", "cats").status == 0)
    #expect(try place.data("audit", "cats").status == 2)
    #expect(FileManager.default.fileExists(atPath: place.cats + "/statement.json"))
  }

  @Test func questionsRulesAndCoverageAreListed() throws {
    let place = try Place()
    let questions = try place.data("questions", "--json")
    let rows = try #require(JSONSerialization.jsonObject(with: Data(questions.output.utf8)) as? [[String: Any]])
    #expect(rows.count == StatementField.allCases.count)
    #expect(
      rows.first { $0["name"] as? String == "policy.consent" }?["choices"] as? [String] == ["yes", "partly", "no"])
    #expect(try place.data("rules").output.split(separator: "\n").count == Rule.all.count + 2)
    #expect(try place.data("coverage").output.contains("Extraction"))
  }

  @Test func papersRegisterTheirData() {
    #expect(DataCommand.registry.known.map(\.name).contains("fashion-mnist"))
    #expect(TNTExperiment().datasets.map(\.name) == ["fashion-mnist"])
    for info in DataCommand.registry.known {
      #expect(DatasetRegistry.isName(info.name) && !info.files.isEmpty && !info.schema.isEmpty && !info.loader.isEmpty)
      #expect(info.statement.measures.total.share >= 0.9, "\(info.name)")
      #expect(info.files.allSatisfy { $0.sha256.count == 64 })
    }
  }
}
