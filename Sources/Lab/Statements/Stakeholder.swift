/// A person, group or body that has a part in the data.
public struct Stakeholder: Hashable, Sendable {
  /// A part that one has.
  public enum Role: String, Codable, CaseIterable, Sendable {
    case subject, collector, funder, owner, host, processor, user, regulator
  }

  /// What one decides on.
  public enum Decision: String, Codable, CaseIterable, Sendable { case purpose, access, publication, deletion }

  /// What one receives.
  public enum Benefit: String, Codable, CaseIterable, Sendable {
    case money, credit, service, knowledge, capacity, product
  }

  /// What one gives.
  public enum Contribution: String, Codable, CaseIterable, Sendable {
    case data, labour, knowledge, money, infrastructure
  }

  public var name: String
  /// What it is, such as `company` or `community`.
  public var kind: String
  /// The region, in the statement's own words; nil where it's unknown.
  public var region: String?
  public var roles: [Role]
  /// nil where it's unknown.
  public var decides: [Decision]?
  /// nil where it's unknown.
  public var receives: [Benefit]?
  /// nil where it's unknown.
  public var contributes: [Contribution]?
  /// Whether those who read of the data set learn of it.
  public var isVisible: Bool

  public init(
    _ name: String, kind: String, region: String?, roles: [Role], decides: [Decision]? = [],
    receives: [Benefit]? = [], contributes: [Contribution]? = [], isVisible: Bool = true
  ) {
    self.name = Answer.line(name)
    self.kind = Answer.line(kind)
    let place = region.map(Answer.line) ?? ""
    self.region = place.isEmpty || place.lowercased() == "unknown" ? nil : place
    self.roles = Self.sorted(roles)
    self.decides = decides.map(Self.sorted)
    self.receives = receives.map(Self.sorted)
    self.contributes = contributes.map(Self.sorted)
    self.isVisible = isVisible
  }

  /// Each once, in the order of their declaration.
  private static func sorted<T: CaseIterable & Hashable>(_ values: [T]) -> [T] {
    T.allCases.filter { Set(values).contains($0) }
  }
}
