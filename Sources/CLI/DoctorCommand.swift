import ArgumentParser
import Foundation
import Lab

/// Checks the parts that the program needs.
struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor", abstract: "Check each part, and say how to mend what is wrong.",
    discussion: "Exit code 1 means that a part is missing or wrong without which experiments can't run.")

  func run() throws {
    let output = Terminal.standardOutput
    var isWell = true
    for check in DoctorCheck.all {
      let finding = check.run()
      output.write(Self.line(check, finding, output) + "\n")
      if case .wrong = finding, check.isNeeded { isWell = false }
    }
    if !isWell { throw ExitCode(1) }
  }

  static func line(_ check: DoctorCheck, _ finding: DoctorCheck.Finding, _ terminal: Terminal) -> String {
    let name = check.name.padding(toLength: 16, withPad: " ", startingAt: 0)
    switch finding {
    case .well(let detail): return "\(terminal.styled("OK  ", .green))  \(name)  \(detail)"
    case .wrong(let problem, let remedy):
      let mark = check.isNeeded ? terminal.styled("BAD ", .red) : terminal.styled("note", .yellow)
      return "\(mark)  \(name)  \(problem); \(remedy)"
    }
  }
}

/// A part that is looked at.
struct DoctorCheck: Sendable {
  /// What was found.
  enum Finding {
    case well(String)
    /// What is wrong, and how to mend it.
    case wrong(String, remedy: String)
  }

  let name: String
  /// Whether experiments can't run without it.
  let isNeeded: Bool
  /// How to mend it, where the check doesn't say.
  let remedy: String
  /// Says what it found; throws what is wrong.
  let look: @Sendable () throws -> String

  init(_ name: String, isNeeded: Bool = true, remedy: String, look: @escaping @Sendable () throws -> String) {
    self.name = name
    self.isNeeded = isNeeded
    self.remedy = remedy
    self.look = look
  }

  func run() -> Finding {
    do {
      return .well(try look())
    } catch let finding as Failure {
      return .wrong(finding.problem, remedy: finding.remedy ?? remedy)
    } catch {
      return .wrong("\(error)".split(separator: "\n").joined(separator: " "), remedy: remedy)
    }
  }

  /// What is wrong, and how to mend it where the check's own remedy doesn't fit.
  struct Failure: Error {
    let problem: String
    var remedy: String?
  }
}
