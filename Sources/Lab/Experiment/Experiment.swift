/// A paper's claim put to the test.
public protocol Experiment: Sendable {
  /// What a user may set.
  associatedtype Options: ExperimentOptions

  /// The paper.
  var paper: Paper { get }

  /// Data sets that it uses: they are registered with it, and their statements audited before it runs.
  var datasets: [DatasetInfo] { get }

  /// Data sets that a run with some options uses, where they differ: only their statements stand in its way.
  func datasets(for options: Options) -> [DatasetInfo]

  /// Trains, measures and judges.
  ///
  /// Reports progress and metrics through the context, calls `checkInterrupt()` at places from which it can go on
  /// (having saved to `checkpointFolder`), and where `resumed` is true takes up what it finds there.
  ///
  /// - Throws: whatever goes wrong; the run is then stored as failed.
  func run(_ context: RunContext<Options>) throws -> Outcome
}

extension Experiment {
  public var datasets: [DatasetInfo] { [] }

  public func datasets(for options: Options) -> [DatasetInfo] { datasets }
}

/// Options of an experiment: a flat Codable struct, whose fields `show` lists and `--set key=value` changes.
///
/// Fields are whole numbers, numbers, booleans, strings, enumerations with raw values, arrays of those, or optionals.
public protocol ExperimentOptions: Codable, Sendable {
  /// Defaults at a scale.
  init(scale: Scale)

  /// One line on each option, by field name.
  static var help: [String: String] { get }

  /// Checks that the values make sense together.
  ///
  /// - Throws: `UsageError` that says which don't.
  func validate() throws
}

extension ExperimentOptions {
  public func validate() throws {}
}

/// What an experiment found.
public struct Outcome: Sendable {
  /// Claims with their measured values, the headline first.
  public var claims: [Claim]
  /// What the report shows below the claim table.
  public var report: [ReportBlock]

  public init(claims: [Claim], report: [ReportBlock] = []) {
    self.claims = claims
    self.report = report
  }
}

/// A command line, an option or an input that can't be used; exit code 2.
public struct UsageError: Error, Hashable, Sendable, CustomStringConvertible {
  /// One line: what is wrong and what was expected.
  public var description: String

  public init(_ description: String) { self.description = description }
}
