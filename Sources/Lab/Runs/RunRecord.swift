import Foundation

/// What is known of a run.
public struct RunRecord: Codable, Sendable {
  /// Where a run stands.
  public enum State: String, Codable, CaseIterable, Sendable {
    /// Going on; or killed, which `RunStore.settle()` tells apart.
    case running
    case done
    case failed
    case interrupted
  }

  /// Name of the run's folder.
  public var id: String
  /// Name of the paper.
  public var experiment: String
  public var scale: Scale
  public var seed: UInt64
  /// Options by name.
  public var options: [String: JSONValue]
  /// Version of the code, as `git describe` says.
  public var codeVersion: String
  public var machine: Machine
  /// CPU threads that the run may use.
  public var threads: Int
  public var started: Date
  public var ended: Date?
  /// Seconds of work, without the time between an interruption and going on.
  public var seconds: Double
  public var state: State
  /// Why the run failed.
  public var error: String?
  public var claims: [Claim]
  /// Blocking findings of its data and why it was run all the same; nil where there were none.
  public var gate: DataGate?

  /// Command that repeats the run.
  public var command: String {
    let flag = scale == .standard ? "" : " --\(scale.rawValue)"
    let settings = options.sorted { $0.key < $1.key }
      .map { " --set " + Self.quoted("\($0.key)=\($0.value.text)") }.joined()
    let reason = gate.map { " --acknowledge " + Self.quoted($0.reason) } ?? ""
    return "./pinion reproduce \(experiment)\(flag) --seed \(seed) --threads \(threads)\(settings)\(reason)"
  }

  /// Command that goes on with the run.
  ///
  /// - Parameter root: folder of the runs, as a user writes it.
  public func resumeCommand(root: String = "runs") -> String {
    let folder = root == "runs" ? "" : " --out \(Self.quoted(root))"
    return "./pinion reproduce \(experiment) --resume \(id)\(folder)"
  }

  /// Text as one word of a shell.
  static func quoted(_ word: String) -> String {
    let safe = word.unicodeScalars.allSatisfy {
      $0.isASCII && ($0.properties.isAlphabetic || "0123456789=.,_-/+:".unicodeScalars.contains($0))
    }
    return safe ? word : "'" + word.replacing("'", with: #"'\''"#) + "'"
  }
}
