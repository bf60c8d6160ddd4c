/// What stands before an experiment on data whose audit has blocking findings: they're named, and someone says why the
/// experiment is run all the same. Stored with the run, and told in its report.
public struct DataGate: Codable, Hashable, Sendable {
  /// A data set with its blocking findings.
  public struct Blocked: Codable, Hashable, Sendable {
    public let dataset: String
    public let findings: [Finding]
  }

  /// Sets that have any.
  public let blocked: [Blocked]
  /// Why the experiment is run all the same; empty where nobody has said so.
  public private(set) var reason = ""

  /// Audits the sets; nil where nothing is in the way.
  ///
  /// - Throws: `FormatError` where a statement can't be read.
  public init?(_ datasets: [DatasetInfo], _ registry: DatasetRegistry) throws {
    blocked = try datasets.compactMap { info in
      let findings = try registry.entry(info).findings.filter { $0.severity == .blocking }
      return findings.isEmpty ? nil : Blocked(dataset: info.name, findings: findings)
    }
    if blocked.isEmpty { return nil }
  }

  /// The gate with a reason to pass it.
  ///
  /// - Throws: `BlockedData` without one.
  func passed(because reason: String?) throws -> DataGate {
    let reason = Answer.line(reason ?? "")
    guard !reason.isEmpty else { throw BlockedData(gate: self) }
    var gate = self
    gate.reason = reason
    return gate
  }

  /// Each finding with what to do, in lines for a terminal.
  public var lines: [String] {
    blocked.flatMap { one in
      ["\(one.dataset): the audit of its statement has blocking findings"]
        + one.findings.flatMap { ["  \($0.text) (\($0.theme.title), \($0.rule))", "    \($0.remedy)"] }
    }
  }
}

/// An experiment that isn't started, as nobody has said why it may run on data with blocking findings.
public struct BlockedData: Error, Sendable, CustomStringConvertible {
  public let gate: DataGate

  public var description: String {
    let counts = gate.blocked.map { "\($0.dataset) has \($0.findings.count)" }.joined(separator: ", ")
    return "blocking findings in data statements: \(counts); settle them (./pinion data audit), or give a reason with "
      + "--acknowledge REASON, which is stored with the run"
  }
}
