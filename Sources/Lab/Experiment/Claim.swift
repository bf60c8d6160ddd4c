/// A claim with the number that was measured for it.
public struct Claim: Codable, Hashable, Sendable {
  /// How the measured number is judged.
  public enum Comparison: String, Codable, Sendable {
    /// Holds where the number is at least the threshold.
    case atLeast
    /// Holds where the number is at most the threshold.
    case atMost
    /// Shown, not judged.
    case informative
  }

  /// What comes of it.
  public enum Verdict: String, Codable, Sendable {
    case holds
    case fails
    case informative
  }

  /// Short name, such as `accuracy`.
  public var name: String
  /// The claim in one sentence.
  public var statement: String
  /// The measured number.
  public var measured: Double
  /// Unit of the number, such as `points`, or empty.
  public var unit: String
  /// Interval of the number, such as the paired 95 % one over seeds.
  public var interval: ClosedRange<Double>?
  /// How the number is judged.
  public var comparison: Comparison
  /// What the number is compared with.
  public var threshold: Double
  /// What the whole interval must reach besides; nil where the interval is only shown.
  public var intervalThreshold: Double?
  /// What the number was measured against, such as `DeiT, equal multiply-adds`.
  public var baseline: String
  /// Seeds behind the number.
  public var seeds: Int
  /// Whether the claim needs neither many seeds nor long training (a count, an identity): it's judged at quick scale too.
  public var isStructural: Bool
  /// Whether the run was too small for a verdict; set by the runner at quick scale.
  public internal(set) var directionOnly = false

  public init(
    _ name: String, statement: String, measured: Double, unit: String = "", interval: ClosedRange<Double>? = nil,
    comparison: Comparison, threshold: Double = 0, intervalThreshold: Double? = nil, baseline: String = "",
    seeds: Int = 1, isStructural: Bool = false
  ) {
    self.name = name
    self.statement = statement
    self.measured = measured
    self.unit = unit
    self.interval = interval
    self.comparison = comparison
    self.threshold = threshold
    self.intervalThreshold = intervalThreshold
    self.baseline = baseline
    self.seeds = seeds
    self.isStructural = isStructural
  }

  /// Whether the number and its interval are on the claimed side; nil where that isn't asked. Not-a-number never is.
  public var isMet: Bool? {
    switch comparison {
    case .informative: return nil
    case .atLeast:
      guard let intervalThreshold else { return measured >= threshold }
      return measured >= threshold && (interval.map { $0.lowerBound > intervalThreshold } ?? false)
    case .atMost:
      guard let intervalThreshold else { return measured <= threshold }
      return measured <= threshold && (interval.map { $0.upperBound < intervalThreshold } ?? false)
    }
  }

  /// What comes of the claim.
  public var verdict: Verdict {
    guard let isMet, !directionOnly else { return .informative }
    return isMet ? .holds : .fails
  }
}
