import Formats
import Foundation
import Testing

@testable import Lab

@Suite struct DatasetRegistryTests {
  private func registry(_ folder: DataFolder) -> DatasetRegistry { DatasetRegistry(folder: "\(folder.path)/registry") }

  @Test func theUsersFolderIsRegisteredVerifiedAndForgotten() throws {
    let folder = try DataFolder()
    try folder.write("cats/a/1.png", [1, 2, 3])
    try folder.write("cats/2.txt", Array("two".utf8))
    try folder.write("cats/.hidden", [9])
    let registry = registry(folder)
    let info = try registry.add("\(folder.path)/cats/", name: "cats", licence: "CC0-1.0")
    #expect(info.files.map(\.name) == ["2.txt", "a/1.png"] && info.byteCount == 6)
    #expect(try registry.all().map(\.name) == ["fashion-mnist", "cats"])
    #expect(try registry.find("cats") == info)
    let fetcher = Fetcher(cacheFolder: "\(folder.path)/cache")
    #expect(try fetcher.folder(of: info) == "\(folder.path)/cats")
    #expect(try fetcher.states(of: info).map(\.state) == [.right, .right])

    try folder.write("cats/2.txt", Array("too".utf8))
    try FileManager.default.removeItem(atPath: "\(folder.path)/cats/a/1.png")
    #expect(try fetcher.states(of: info).map(\.state) == [.damaged, .missing])
    #expect(!fetcher.isPresent(info))
    // What is the user's own is never removed.
    #expect(try !fetcher.removeDamaged(info))
    #expect(folder.contents("cats").contains("2.txt"))

    try registry.remove("cats")
    #expect(try registry.all().map(\.name) == ["fashion-mnist"])
    #expect(folder.contents("cats").contains("2.txt"))
  }

  @Test func aSingleFileCanBeRegistered() throws {
    let folder = try DataFolder()
    let path = try folder.write("points.csv", Array("1,2\n".utf8))
    let registry = registry(folder)
    let info = try registry.add(path, name: "points")
    #expect(try Fetcher().states(of: info).map(\.state) == [.right])
    #expect(registry.statementPath(of: info) == path + ".statement.json")
    // Registered anew, its statement stays.
    var statement = try registry.statement(of: info)
    statement[.licence] = "MIT"
    try registry.save(statement, of: info)
    try folder.write("points.csv", Array("1,2,3\n".utf8))
    let again = try registry.add(path, name: "points")
    #expect(try registry.statement(of: again)[.licence].text == "MIT")
    #expect(try registry.statement(of: again).files == again.statement.files)
  }

  @Test func namesAndPlacesAreChecked() throws {
    let folder = try DataFolder()
    let registry = registry(folder)
    for name in ["", "Cats", "../x", "a/b", "a.b", "-a", String(repeating: "a", count: 65)] {
      #expect(dataMessage { try registry.add(folder.path, name: name) }.contains("can't be a name"), "\(name)")
    }
    #expect(dataMessage { try registry.add(folder.path, name: "fashion-mnist") }.contains("is a set of the package"))
    #expect(dataMessage { try registry.add("/nowhere", name: "x") } == "/nowhere: there is no such file or folder")
    #expect(dataMessage { try registry.add(folder.path, name: "x") }.hasSuffix("has no files"))
    #expect(dataMessage { _ = try registry.find("fashion-mnst") }.contains("(did you mean fashion-mnist?)"))
    #expect(dataMessage { _ = try registry.find("../../etc/passwd") }.hasPrefix("no data set is named"))
    #expect(dataMessage { try registry.remove("fashion-mnist") }.contains("comes with the package"))
    try folder.write("registry/x.json", Array(#"{"name": "x"}"#.utf8))
    #expect(dataMessage { _ = try registry.all() }.contains("isn't a registration of a data set"))
    try folder.write("registry/x.json", [0xff, 0])
    #expect(dataMessage { _ = try registry.all() }.contains("isn't a registration of a data set"))
  }

  @Test func statementsAreChangedAndTheVersionBeforeStays() throws {
    let folder = try DataFolder()
    let registry = registry(folder)
    let info = FashionMNIST.info
    #expect(try registry.statement(of: info) == info.statement)
    var statement = info.statement
    statement[.timeframe] = "2016"
    try registry.keepPrevious(of: info)
    try registry.save(statement, of: info)
    #expect(try registry.statement(of: info) == statement)
    #expect(try DataStatement(path: registry.previousPath(of: info)) == info.statement)
    #expect(try registry.entries().first?.measures.total.known == info.statement.measures.total.known + 1)
    // The statement of the package isn't a set of the user's.
    #expect(try registry.all().count == 1)
    try folder.write("registry/fashion-mnist.statement.json", Array("{".utf8))
    #expect(dataMessage { _ = try registry.statement(of: info) }.contains("fashion-mnist.statement.json: JSON at byte"))
  }

  @Test func registrationsSurviveTheirCoding() throws {
    let info = FashionMNIST.info
    let text = try jsonText(info)
    let again = try RecordCoding.decoder.decode(DatasetInfo.self, from: Data(text.utf8))
    #expect(again.files == info.files && again.schema == info.schema && again.splits == info.splits)
    #expect(again.statement.files == info.statement.files && again.statement.answers.isEmpty)
    #expect(info.statement.files[0].url == info.url + "/train-images-idx3-ubyte.gz")
  }
}

/// An experiment on a data set whose statement is open.
private struct Using: Experiment {
  struct Options: ExperimentOptions {
    init(scale: Scale) {}
    static let help: [String: String] = [:]
  }
  let info: DatasetInfo
  let paper = Paper(number: 0, name: "using", title: "Using", field: "tests", claim: "It uses data.")
  var datasets: [DatasetInfo] { [info, FashionMNIST.info] }

  func run(_ context: RunContext<Options>) throws -> Outcome {
    try context.checkInterrupt()
    return Outcome(claims: [])
  }
}

@Suite struct DataGateTests {
  private static func info(_ statement: DataStatement = DataStatement()) -> DatasetInfo {
    DatasetInfo(
      name: "open", source: "", licence: "", url: "https://example.org", files: [.init("a", byteCount: 1, sha256: "")],
      splits: [], statement: statement)
  }

  private func runner(_ folder: TemporaryFolder, _ interrupt: Interrupt = Interrupt()) -> Runner {
    Runner(progress: .silent(), interrupt: interrupt, registryFolder: folder.url.path + "/registry")
  }

  @Test func aRunOnBlockedDataNeedsAReasonAndTellsIt() throws {
    let folder = try TemporaryFolder()
    let experiment = Using(info: Self.info())
    var request = Runner.Request(root: folder.url)
    for reason in [nil, "", " \n"] {
      request.acknowledgement = reason
      let line = message { _ = try runner(folder).start(experiment, request) }
      #expect(line?.hasPrefix("blocking findings in data statements: open has 2; settle them") == true, "\(line ?? "")")
    }
    #expect(!FileManager.default.fileExists(atPath: folder.url.path + "/runs.sqlite"), "nothing was begun")

    request.acknowledgement = "made-up <data>'s test"
    let result = try runner(folder).start(experiment, request)
    let store = try RunStore(root: folder.url)
    let gate = try #require(try store.record(result.record.id)?.gate)
    #expect(gate.reason == "made-up <data>'s test")
    #expect(gate.blocked.map(\.dataset) == ["open"])
    #expect(gate.blocked[0].findings.map(\.rule) == ["consent-unknown", "subjects-unknown"])
    #expect(result.record.command.hasSuffix(#" --acknowledge 'made-up <data>'\''s test'"#))
    let html = try String(contentsOf: try #require(result.report), encoding: .utf8)
    #expect(html.contains("blocking findings") && html.contains("made-up &lt;data&gt;&#39;s test"))
    #expect(html.contains("it isn&#39;t known whether they consented"))
    // A report that is made again tells it too.
    let record = try #require(try store.record(result.record.id))
    let again = try ReportBuilder(store: store, scripts: nil).report(of: record, paper: experiment.paper)
    #expect(again.contains("Reason given for running it"))
  }

  @Test func dataWithoutBlockingFindingsNeedsNone() throws {
    let folder = try TemporaryFolder()
    let result = try runner(folder).start(Using(info: Self.info(.rainGauges)), Runner.Request(root: folder.url))
    #expect(result.record.gate == nil && !result.record.command.contains("--acknowledge"))
    #expect(try RunStore(root: folder.url).record(result.record.id)?.gate == nil)
  }

  @Test func theUsersStatementDecides() throws {
    let folder = try TemporaryFolder()
    let registry = DatasetRegistry([Self.info()], folder: folder.url.path + "/registry")
    try registry.save(.rainGauges, of: Self.info())
    #expect(try DataGate([Self.info()], registry) == nil)
    _ = try runner(folder).start(Using(info: Self.info()), Runner.Request(root: folder.url))
  }

  @Test func aResumedRunKeepsItsReason() throws {
    let folder = try TemporaryFolder()
    let interrupt = Interrupt()
    interrupt.request()
    let experiment = Using(info: Self.info())
    let first = try runner(folder, interrupt).start(
      experiment, Runner.Request(root: folder.url, acknowledgement: "a test"))
    #expect(first.record.state == .interrupted)
    let second = try runner(folder).resume(experiment, run: first.record.id, root: folder.url)
    #expect(second.record.state == .done && second.record.gate?.reason == "a test")
  }
}
