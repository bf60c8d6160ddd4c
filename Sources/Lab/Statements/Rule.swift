/// A rule of the audit: a pure function of a statement, with what to say and to do where it applies.
public struct Rule: Sendable {
  /// Name, such as `consent-unknown`.
  public let id: String
  public let theme: Theme
  public let severity: Severity
  /// What is found.
  public let finding: String
  /// What to ask, and of whom.
  public let question: String
  /// What to do about it.
  public let remedy: String
  /// Whether it applies.
  let when: @Sendable (DataStatement) -> Bool
  /// Names that belong to the finding, such as those of stakeholders.
  let names: @Sendable (DataStatement) -> [String]

  init(
    _ id: String, _ severity: Severity, _ finding: String, ask question: String, do remedy: String,
    names: @escaping @Sendable (DataStatement) -> [String] = { _ in [] },
    when: @escaping @Sendable (DataStatement) -> Bool
  ) {
    self.init(id, .identity, severity, finding, question, remedy, names, when)
  }

  private init(
    _ id: String, _ theme: Theme, _ severity: Severity, _ finding: String, _ question: String, _ remedy: String,
    _ names: @escaping @Sendable (DataStatement) -> [String], _ when: @escaping @Sendable (DataStatement) -> Bool
  ) {
    self.id = id
    self.theme = theme
    self.severity = severity
    self.finding = finding
    self.question = question
    self.remedy = remedy
    self.when = when
    self.names = names
  }

  private func of(_ theme: Theme) -> Rule { Rule(id, theme, severity, finding, question, remedy, names, when) }

  /// All rules by theme.
  public static let all: [Rule] = Theme.allCases.flatMap { theme in
    (rules(of: theme) + [openQuestions(theme)]).map { $0.of(theme) }
  }

  private static func rules(of theme: Theme) -> [Rule] {
    switch theme {
    case .identity: identity
    case .deficit: deficit
    case .power: power
    case .history: history
    case .trust: trust
    case .extraction: extraction
    case .policy: policy
    case .context: context
    case .infrastructure: infrastructure
    case .incentives: incentives
    case .harm: harm
    }
  }

  /// Unknown is an answer, and a finding.
  private static func openQuestions(_ theme: Theme) -> Rule {
    Rule(
      "\(theme.rawValue)-open", .note, "Questions of this theme are open",
      ask: "Who could answer them: those in the data, those who collected it, those who hold it?",
      do: "Ask them, or say who was asked in vain. ./pinion data statement NAME --theme \(theme.rawValue)",
      names: { $0.open(theme) }, when: { !$0.open(theme).isEmpty })
  }
}

/// What a rule found in a statement.
public struct Finding: Codable, Hashable, Sendable {
  /// The rule's name.
  public let rule: String
  public let theme: Theme
  public let severity: Severity
  /// What was found.
  public let text: String
  /// What to ask.
  public let question: String
  /// What to do.
  public let remedy: String
}

extension DataStatement {
  /// What the rules find, the gravest first.
  public func audit(_ rules: [Rule] = Rule.all) -> [Finding] {
    let findings = rules.filter { $0.when(self) }.map { rule in
      let names = rule.names(self)
      return Finding(
        rule: rule.id, theme: rule.theme, severity: rule.severity,
        text: names.isEmpty ? rule.finding : "\(rule.finding): \(names.joined(separator: ", "))",
        question: rule.question, remedy: name.isEmpty ? rule.remedy : rule.remedy.replacing(" NAME", with: " \(name)"))
    }
    return Severity.allCases.flatMap { severity in findings.filter { $0.severity == severity } }
  }

  /// Names of what isn't known of a theme: questions, and of the theme of power also what nobody is said to decide.
  func open(_ theme: Theme) -> [String] { items(theme).filter { $0.isKnown == false }.map(\.name) }

  /// A thing to be known.
  struct Item {
    var name: String
    /// nil where it doesn't apply.
    var isKnown: Bool?
  }

  /// What is to be known of a theme.
  func items(_ theme: Theme) -> [Item] {
    var items = StatementField.allCases.filter { $0.theme == theme }.map { field in
      switch self[field].content {
      case .known: Item(name: field.rawValue, isKnown: true)
      case .unknown: Item(name: field.rawValue, isKnown: false)
      case .notApplicable: Item(name: field.rawValue, isKnown: nil)
      }
    }
    switch theme {
    case .power:
      items += Stakeholder.Decision.allCases.map { decision in
        Item(name: "who decides on \(decision.rawValue)", isKnown: !deciding(decision).isEmpty)
      }
    case .extraction:
      items += stakeholders.map { Item(name: "region of \($0.name)", isKnown: $0.region != nil) }
      items += stakeholders.map { Item(name: "what \($0.name) receives", isKnown: $0.receives != nil) }
    default: break
    }
    return items
  }
}
