import Foundation

/// How something is spread over stakeholders.
public struct Concentration: Codable, Hashable, Sendable {
  /// Gini coefficient: 0 where all have alike, (n − 1)/n where one of n has all; nil where there is nothing.
  public let gini: Double?
  /// Effective number exp(H) with Shannon's entropy H: n where n have alike, 1 where one has all; nil where there is nothing.
  public let effectiveNumber: Double?
  /// Share of those where the data arose; nil where there is nothing, or a region isn't known.
  public let localShare: Double?

  /// - Parameters:
  ///   - amounts: what each has, not negative.
  ///   - isLocal: whether each is where the data arose; nil where that isn't known.
  public init(_ amounts: [Double], isLocal: [Bool?] = []) {
    let total = amounts.reduce(0, +)
    guard total > 0, total.isFinite, amounts.allSatisfy({ $0 >= 0 }) else {
      (gini, effectiveNumber, localShare) = (nil, nil, nil)
      return
    }
    let sorted = amounts.sorted()
    let n = Double(sorted.count)
    let weighted = sorted.enumerated().reduce(0.0) { $0 + (2 * Double($1.offset + 1) - n - 1) * $1.element }
    gini = weighted / (n * total)
    // Summed in order of size, so that the order of the stakeholders changes no digit.
    effectiveNumber = exp(sorted.reduce(0.0) { $1 > 0 ? $0 - $1 / total * log($1 / total) : $0 })
    let holders = zip(amounts, isLocal).filter { $0.0 > 0 }
    if isLocal.count == amounts.count, holders.allSatisfy({ $0.1 != nil }) {
      localShare = holders.filter { $0.1 == true }.map(\.0).sorted().reduce(0, +) / total
    } else {
      localShare = nil
    }
  }
}

/// What a statement says in numbers. They describe the statement, and are never merged into one.
public struct StatementMeasures: Codable, Hashable, Sendable {
  /// Known and applicable things of a theme.
  public struct Completeness: Codable, Hashable, Sendable {
    public var known: Int
    public var applicable: Int

    /// known / applicable; 1 where nothing applies.
    public var share: Double { applicable == 0 ? 1 : Double(known) / Double(applicable) }
  }

  /// By theme.
  public let completeness: [Theme: Completeness]
  /// Of decisions: each of the four counts one, shared among those who make it.
  public let decisions: Concentration
  /// Of benefits: each kind that one receives counts one.
  public let benefits: Concentration

  /// Over all themes.
  public var total: Completeness {
    completeness.values.reduce(into: Completeness(known: 0, applicable: 0)) {
      $0.known += $1.known
      $0.applicable += $1.applicable
    }
  }

  public init(_ statement: DataStatement) {
    completeness = Dictionary(
      uniqueKeysWithValues: Theme.allCases.map { theme in
        let items = statement.items(theme).compactMap(\.isKnown)
        return (theme, Completeness(known: items.count { $0 }, applicable: items.count))
      })
    let stakeholders = statement.stakeholders
    let isLocal = stakeholders.map { statement.isLocal($0) }
    let deciders = Dictionary(
      uniqueKeysWithValues: Stakeholder.Decision.allCases.map { ($0, Double(statement.deciding($0).count)) })
    decisions = Concentration(
      stakeholders.map { ($0.decides ?? []).reduce(0) { $0 + 1 / max(1, deciders[$1] ?? 1) } }, isLocal: isLocal)
    benefits = Concentration(stakeholders.map { Double($0.receives?.count ?? 0) }, isLocal: isLocal)
  }
}

extension Theme: CodingKeyRepresentable {}

extension DataStatement {
  /// What it says in numbers.
  public var measures: StatementMeasures { StatementMeasures(self) }
}

/// Who gives to whom: contributions flow to those who hold the data, benefits from them to those who receive.
public struct FlowGraph: Hashable, Sendable {
  /// A flow from one stakeholder to another, by their places in the statement.
  public struct Edge: Hashable, Sendable {
    public var from: Int
    public var to: Int
    /// What flows: contributions where `isBenefit` is false, benefits else.
    public var what: [String]
    public var isBenefit: Bool
  }

  public let stakeholders: [Stakeholder]
  /// Places of those who hold the data: its owners; where there are none, who hosts or processes it, else who decides.
  public let holders: [Int]
  public let edges: [Edge]

  public init(_ statement: DataStatement) {
    stakeholders = statement.stakeholders
    func places(_ holds: (Stakeholder) -> Bool) -> [Int] {
      statement.stakeholders.indices.filter { holds(statement.stakeholders[$0]) }
    }
    let candidates = [
      places { $0.roles.contains(.owner) }, places { !Set($0.roles).isDisjoint(with: [.host, .processor]) },
      places { $0.decides?.isEmpty == false },
    ]
    let holders = candidates.first { !$0.isEmpty } ?? []
    self.holders = holders
    edges = stakeholders.indices.flatMap { i -> [Edge] in
      let one = statement.stakeholders[i]
      let given = (one.contributes ?? []).map(\.rawValue)
      let received = (one.receives ?? []).map(\.rawValue)
      return holders.filter { $0 != i }.flatMap { holder in
        (given.isEmpty ? [] : [Edge(from: i, to: holder, what: given, isBenefit: false)])
          + (received.isEmpty ? [] : [Edge(from: holder, to: i, what: received, isBenefit: true)])
      }
    }
  }
}
