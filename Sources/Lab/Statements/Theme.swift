/// What an audit asks about: the themes of "Narratives and Counternarratives on Data Sharing in Africa"
/// (arXiv 2103.01168), and before them what the data set is.
public enum Theme: String, Codable, CaseIterable, Comparable, Sendable {
  case identity, deficit, power, history, trust, extraction, policy, context, infrastructure, incentives, harm

  /// The ten themes without `identity`.
  public static let ofPaper = allCases.filter { $0 != .identity }

  /// Heading.
  public var title: String {
    switch self {
    case .identity: "Identity"
    case .deficit: "Deficit narrative"
    case .power: "Power imbalance"
    case .history: "Colonial and ethnic history"
    case .trust: "Trust"
    case .extraction: "Extraction"
    case .policy: "Policy fit"
    case .context: "Context and knowledge loss"
    case .infrastructure: "Infrastructure and cost"
    case .incentives: "Incentives and credit"
    case .harm: "Harm and misuse"
    }
  }

  /// What the theme asks, in one sentence.
  public var asks: String {
    switch self {
    case .identity: "Which data set is this, in which version, on which terms?"
    case .deficit: "Are barriers told only as lack, or is what local people know and did named and credited?"
    case .power: "Who decides on purpose, access and publication, and who isn't even visible?"
    case .history: "What was done with such data before, and whose categories are these?"
    case .trust: "Was trust built and kept, and do those in the data know of its use?"
    case .extraction: "Did data leave the place where it arose, who holds it now, and what came back?"
    case .policy: "Do consent, licence and rules fit the law and the protocols of those in the data?"
    case .context: "What must one know to read the data, and in which languages is that written down?"
    case .infrastructure: "Who bears the cost, and can those on site get at the data at all?"
    case .incentives: "Who is paid, named and cited, and who risks to be overtaken?"
    case .harm: "Who could be hurt, how is that prevented, and where can they turn?"
    }
  }

  public static func < (a: Theme, b: Theme) -> Bool { place(a) < place(b) }

  private static func place(_ theme: Theme) -> Int { allCases.firstIndex(of: theme) ?? 0 }
}

/// How much a finding weighs.
public enum Severity: String, Codable, CaseIterable, Comparable, Sendable {
  /// The data shouldn't be used or published before this is settled.
  case blocking
  /// To be settled, or to be told to every reader.
  case serious
  /// To be known.
  case note

  public static func < (a: Severity, b: Severity) -> Bool { a.place < b.place }

  private var place: Int { self == .blocking ? 0 : self == .serious ? 1 : 2 }
}
