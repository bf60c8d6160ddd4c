/// What differs between two versions of a statement.
public struct StatementDiff: Hashable, Sendable {
  /// A thing that differs, before and after; nil where it wasn't there.
  public struct Entry: Codable, Hashable, Sendable {
    public var what: String
    public var before: String?
    public var after: String?
  }

  /// Answers, stakeholders, then files.
  public let entries: [Entry]
  /// Names of rules that apply now and didn't before, and the other way round.
  public let newFindings: [Finding]
  public let settledFindings: [Finding]

  public init(_ before: DataStatement, _ after: DataStatement) {
    var entries: [Entry] = []
    func compare(_ what: String, _ a: String?, _ b: String?) {
      if a != b { entries.append(Entry(what: what, before: a, after: b)) }
    }
    for field in StatementField.allCases {
      compare(field.rawValue, before.answers[field]?.inWords, after.answers[field]?.inWords)
    }
    let names = (before.stakeholders + after.stakeholders).map(\.name).reduce(into: [String]()) {
      if !$0.contains($1) { $0.append($1) }
    }
    for name in names {
      // Two of one name are told apart by nothing else, so they're compared together.
      func words(_ statement: DataStatement) -> String? {
        let own = statement.stakeholders.filter { $0.name == name }.map(\.inWords).sorted()
        return own.isEmpty ? nil : own.joined(separator: " / ")
      }
      compare("stakeholder \(name)", words(before), words(after))
    }
    for name in Set((before.files + after.files).map(\.name)).sorted() {
      compare(
        "file \(name)", before.files.first { $0.name == name }?.sha256, after.files.first { $0.name == name }?.sha256)
    }
    self.entries = entries
    let (old, new) = (before.audit(), after.audit())
    newFindings = new.filter { finding in !old.contains { $0.rule == finding.rule } }
    settledFindings = old.filter { finding in !new.contains { $0.rule == finding.rule } }
  }

  public var isEmpty: Bool { entries.isEmpty }
}

extension Answer {
  /// The answer as one line.
  public var inWords: String {
    let source = [saidBy, evidence].compactMap { $0 }.joined(separator: ", ")
    let said: String =
      switch content {
      case .known(let values): values.map(Answer.line).joined(separator: "; ")
      case .unknown: "unknown"
      case .notApplicable(let reason): "not applicable: \(Answer.line(reason))"
      }
    return source.isEmpty ? said : "\(said) [\(source)]"
  }
}

extension Stakeholder {
  /// All of it as one line.
  public var inWords: String {
    func words<T: RawRepresentable<String>>(_ values: [T]?) -> String {
      values.map { $0.isEmpty ? "nothing" : $0.map(\.rawValue).joined(separator: " + ") } ?? "unknown"
    }
    return
      "\(kind), \(region ?? "region unknown"), \(words(roles)); decides \(words(decides)); receives \(words(receives)); "
      + "contributes \(words(contributes)); \(isVisible ? "visible" : "hidden")"
  }
}
