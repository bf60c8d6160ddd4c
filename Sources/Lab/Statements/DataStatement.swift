import Formats
import Foundation

/// Who is in a data set, who made, holds and uses it, what was agreed, and what came back.
///
/// An audit built from the themes of arXiv 2103.01168, not a tool of that paper's authors. It looks at the arrangement,
/// never at communities.
public struct DataStatement: Hashable, Sendable {
  /// What was changed, when and by whom.
  public struct Change: Hashable, Sendable {
    /// Day, as `2026-11-25`.
    public var date: String
    public var by: String
    public var what: String

    public init(date: String, by: String, what: String) {
      (self.date, self.by, self.what) = (Answer.line(date), Answer.line(by), Answer.line(what))
    }
  }

  /// Name of the data set.
  public var name: String
  /// Answers; a question without one wasn't asked yet, which counts as unknown.
  public var answers: [StatementField: Answer]
  public var stakeholders: [Stakeholder]
  /// The files that the statement is about.
  public var files: [DatasetInfo.File]
  public var changes: [Change]

  public init(
    name: String = "", _ answers: [StatementField: Answer] = [:], stakeholders: [Stakeholder] = [],
    files: [DatasetInfo.File] = [], changes: [Change] = []
  ) {
    self.name = name
    self.answers = answers
    self.stakeholders = stakeholders
    self.files = files
    self.changes = changes
  }

  /// The answer to a question; unknown where there is none yet.
  public subscript(field: StatementField) -> Answer {
    get { answers[field] ?? .unknown }
    set { answers[field] = newValue }
  }

  /// Says of all open questions about people that they don't apply, and why.
  public mutating func setPeopleAside(because reason: String) {
    for field in Question.aboutPeople where answers[field] == nil { answers[field] = .notApplicable(reason) }
  }

  // MARK: What rules ask

  func isUnknown(_ field: StatementField) -> Bool { self[field].content == .unknown }

  /// Whether one of the values is among these words.
  func says(_ field: StatementField, _ words: String...) -> Bool {
    self[field].values.contains { words.contains($0.lowercased()) }
  }

  /// Whether there is said to be nothing.
  func isNone(_ field: StatementField) -> Bool { says(field, "none", "no", "nothing", "nobody") }

  /// Whether it's unknown, or there is nothing.
  func lacks(_ field: StatementField) -> Bool { isUnknown(field) || isNone(field) }

  /// Whether there is something.
  func has(_ field: StatementField) -> Bool { !self[field].values.isEmpty && !isNone(field) }

  /// Whether the records are, or may be, about people.
  public var concernsPeople: Bool { !says(.subjectsArePeople, "no") }

  func with(_ roles: Stakeholder.Role...) -> [Stakeholder] {
    stakeholders.filter { !Set($0.roles).isDisjoint(with: roles) }
  }

  func deciding(_ decision: Stakeholder.Decision) -> [Stakeholder] {
    stakeholders.filter { $0.decides?.contains(decision) == true }
  }

  /// Those who decide on anything.
  var deciders: [Stakeholder] { stakeholders.filter { $0.decides?.isEmpty == false } }

  /// The regions of those in the data, as the statement names them, in lower case.
  public var homeRegions: Set<String> {
    Set((with(.subject).compactMap(\.region) + self[.subjectsPlace].values).map { $0.lowercased() })
  }

  /// Whether a stakeholder is where the data arose; nil where that isn't known.
  public func isLocal(_ stakeholder: Stakeholder) -> Bool? {
    guard let region = stakeholder.region, !homeRegions.isEmpty else { return nil }
    return homeRegions.contains(region.lowercased())
  }

  /// Whether all of these are known to be elsewhere, and there are any.
  func areElsewhere(_ stakeholders: [Stakeholder]) -> Bool {
    !stakeholders.isEmpty && stakeholders.allSatisfy { isLocal($0) == false }
  }
}
