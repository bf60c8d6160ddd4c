import Foundation
import Testing

@testable import CLI
@testable import Lab
@testable import Papers

/// The built program.
struct Program {
  let status: Int32
  let output: String
  let errors: String

  init(_ arguments: [String], environment: [String: String] = [:], input: String = "") throws {
    let folder = try #require(Bundle.main.executableURL).deletingLastPathComponent()
    let process = Process()
    process.executableURL = folder.appending(path: "pinion-cli")
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.currentDirectoryURL = FileManager.default.temporaryDirectory
    let (standardOutput, standardError) = (Pipe(), Pipe())
    process.standardOutput = standardOutput
    process.standardError = standardError
    let standardInput = Pipe()
    process.standardInput = standardInput
    try process.run()
    try standardInput.fileHandleForWriting.write(contentsOf: Data(input.utf8))
    try standardInput.fileHandleForWriting.close()
    output = String(decoding: try standardOutput.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    errors = String(decoding: try standardError.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    process.waitUntilExit()
    status = process.terminationStatus
  }
}

@Suite struct CommandTests {
  @Test func listHasAllPapersInTheWidthOfTheTerminal() throws {
    let program = try Program(["list"], environment: ["COLUMNS": "90"])
    let lines = program.output.split(separator: "\n")
    #expect(program.status == 0)
    #expect(lines.count == 28)
    #expect(lines.allSatisfy { $0.count <= 90 })
    #expect(!program.output.contains("\u{1B}"))
    #expect(program.errors.isEmpty)
  }

  @Test func listIsJSONForPrograms() throws {
    let program = try Program(["list", "--json"])
    let rows = try #require(JSONSerialization.jsonObject(with: Data(program.output.utf8)) as? [[String: Any]])
    #expect(rows.compactMap { $0["number"] as? Int } == Array(1...26))
    #expect(rows[2]["name"] as? String == "tnt")
    #expect(rows[2]["arXiv"] as? String == "2103.00112")
  }

  @Test func showTellsOfAPaperByNameOrNumber() throws {
    let byName = try Program(["show", "tnt"])
    #expect(byName.status == 0)
    #expect(byName.output.hasPrefix("3  Transformer in Transformer\n"))
    #expect(try Program(["show", "3"]).output == byName.output)
    #expect(try Program(["show", "stance"]).output.contains("Not reproduced yet."))
  }

  @Test(arguments: [
    (["show", "tmt"], "pinion: no paper is named tmt (did you mean tnt?); ./pinion list names all"),
    (["reproduce", "stance"], "pinion: stance isn't reproduced yet; ./pinion list says which papers are"),
    (["frobnicate"], "pinion: Unexpected argument 'frobnicate'; see ./pinion --help"),
    (["show"], "pinion: Missing expected argument '<name>'; see ./pinion --help"),
  ])
  func badUsageGetsOneLineAndExitCode2(arguments: [String], expected: String) throws {
    let program = try Program(arguments)
    #expect(program.status == 2)
    #expect(program.errors == expected + "\n")
    #expect(program.output.isEmpty)
  }

  @Test func helpGoesToStandardOutput() throws {
    let program = try Program(["--help"])
    #expect(program.status == 0)
    #expect(program.output.contains("reproduce"))
    #expect(program.errors.isEmpty)
    #expect(try Program(["version"]).output.hasPrefix("pinion \(VersionCommand.number) ("))
  }

  @Test func doctorFindsAMissingPluginAndSaysHowToMendIt() throws {
    let program = try Program(["doctor"], environment: ["PINION_PLUGIN": "/nowhere/plugin.so"])
    #expect(program.status == 1)
    let line = try #require(program.output.split(separator: "\n").first { $0.contains("XLA plugin") })
    #expect(
      line
        == "BAD   XLA plugin        PINION_PLUGIN names '/nowhere/plugin.so', which can't be read; run any ./pinion command with a network: it sets up what is missing in .pinion"
    )
  }

  @Test func doctorFindsThatAFileIsNoPlugin() throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "plugin-\(UUID().uuidString).so")
    try Data("not a plugin".utf8).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    let program = try Program(["doctor"], environment: ["PINION_PLUGIN": file.path])
    #expect(program.status == 1)
    #expect(program.output.contains("BAD   XLA plugin        can't load \(file.path)"))
  }

  @Test func aCheckNamesTheRemedyOfItsFinding() {
    let own = DoctorCheck("part", remedy: "do this") { throw DoctorCheck.Failure(problem: "broken", remedy: "do that") }
    #expect(DoctorCommand.line(own, own.run(), .standardOutput).hasSuffix("broken; do that"))
    let usual = DoctorCheck("part", isNeeded: false, remedy: "do this") { throw UsageError("gone") }
    #expect(DoctorCommand.line(usual, usual.run(), .standardOutput).hasSuffix("gone; do this"))
  }
}

@Suite struct CatalogTests {
  @Test func thePapersAreTheDigests() throws {
    #expect(Catalog.papers.map(\.number) == Array(1...26))
    #expect(Set(Catalog.papers.map(\.name)).count == 26)
    #expect(Catalog.papers.allSatisfy { !$0.title.isEmpty && !$0.claim.isEmpty && !$0.field.isEmpty })
    #expect(Catalog.papers.allSatisfy { $0.arXiv?.wholeMatch(of: /210[23]\.\d{5}/) != nil || $0.arXiv == nil })
  }

  @Test func experimentsBelongToPapers() {
    for experiment in Catalog.experiments {
      #expect(Catalog.papers.contains { $0.name == experiment.paper.name && $0.number == experiment.paper.number })
    }
    for command in Catalog.commands {
      #expect(Catalog.papers.contains { $0.name == command.configuration.commandName })
    }
  }
}

@Suite struct ObservationTests {
  @Test func optionsAreTakenFromAnywhere() throws {
    var arguments = ["reproduce", "--stats", "tnt", "--trace", "a.json", "--quick", "--", "--stats"]
    let observation = try Observation(takingFrom: &arguments)
    #expect(arguments == ["reproduce", "tnt", "--quick", "--", "--stats"])
    #expect(observation.showsStats && observation.file == "a.json")
  }

  @Test func statsFollowTheOutput() throws {
    let program = try Program(["list", "--stats"])
    #expect(program.status == 0)
    #expect(program.errors.hasPrefix("Time    nothing was computed\nMemory  at most "))
    #expect(try Program(["list", "--trace"]).errors == "pinion: --trace takes the name of a file to write\n")
    let unwritable = try Program(["list", "--trace", "/no/such/folder/t.json"])
    #expect(unwritable.status == 2 && unwritable.errors.contains("/no/such/folder/t.json: can't be written"))
  }
}
