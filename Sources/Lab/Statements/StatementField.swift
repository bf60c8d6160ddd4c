/// A question of a data statement; the raw value is its name in files and on the command line.
public enum StatementField: String, Codable, CaseIterable, Comparable, Hashable, Sendable {
  case description = "identity.description"
  case version = "identity.version"
  case address = "identity.url"
  case doi = "identity.doi"
  case licence = "identity.licence"
  case published = "identity.published"
  case citation = "identity.citation"
  case maintenance = "identity.maintenance"

  case barriers = "deficit.barriers"
  case localContribution = "deficit.knowledge"
  case localCredit = "deficit.credited"

  case purpose = "power.purpose"
  case purposeBreadth = "power.breadth"
  case governance = "power.governance"
  case refusal = "power.refusal"

  case pastHarms = "history.past"
  case categories = "history.categories"
  case categoriesBy = "history.categories-by"

  case awareness = "trust.aware"
  case trustInvestment = "trust.investment"
  case resultsReturned = "trust.returned"
  case relation = "trust.relation"

  case leftPlace = "extraction.left"
  case benefitsPromised = "extraction.promised"
  case benefitsDelivered = "extraction.delivered"
  case benefitsEvidence = "extraction.evidence"

  case consentAsked = "policy.consent"
  case consentForm = "policy.form"
  case consentLanguages = "policy.languages"
  case groupConsent = "policy.group"
  case withdrawal = "policy.withdrawal"
  case consentScope = "policy.scope"
  case licenceAllows = "policy.licence-allows"
  case laws = "policy.laws"
  case protocols = "policy.protocols"
  case review = "policy.review"

  case subjects = "context.subjects"
  case subjectsArePeople = "context.people"
  case subjectsPlace = "context.place"
  case subjectsNumber = "context.number"
  case subjectsLanguages = "context.languages"
  case collection = "context.collection"
  case timeframe = "context.timeframe"
  case processing = "context.processing"
  case annotation = "context.annotation"
  case missing = "context.missing"
  case localKnowledge = "context.knowledge"
  case documentationLanguages = "context.documentation"
  case limitations = "context.limitations"

  case costBearers = "infrastructure.cost"
  case hosting = "infrastructure.hosting"
  case access = "infrastructure.access"
  case size = "infrastructure.size"
  case formats = "infrastructure.formats"
  case fees = "infrastructure.fees"
  case localAccess = "infrastructure.local-access"

  case collectorsCredit = "incentives.collectors"
  case collectorsPay = "incentives.pay"
  case annotatorsPay = "incentives.annotators-pay"
  case firstUse = "incentives.first-use"

  case vulnerable = "harm.vulnerable"
  case sensitive = "harm.sensitive"
  case reidentification = "harm.reidentification"
  case misuse = "harm.misuse"
  case biases = "harm.biases"
  case mitigations = "harm.mitigations"
  case redress = "harm.redress"

  /// The theme, which is the first part of the name.
  public var theme: Theme { Theme(rawValue: String(rawValue.prefix { $0 != "." })) ?? .identity }

  private static let places = Dictionary(uniqueKeysWithValues: allCases.enumerated().map { ($1, $0) })

  public static func < (a: StatementField, b: StatementField) -> Bool { (places[a] ?? 0) < (places[b] ?? 0) }

  /// The field of a name.
  ///
  /// - Throws: `UsageError` with the closest name where there is none.
  public static func named(_ name: String) throws -> StatementField {
    if let field = StatementField(rawValue: name) { return field }
    let suggestion = Spelling.suggestion(for: name, among: allCases.map(\.rawValue))
    throw UsageError("no question is named \(name)\(suggestion); ./pinion data questions lists them")
  }
}

/// How a question is put, to people in a terminal or on a page.
public struct Question: Sendable {
  /// What may be answered.
  public enum Kind: Hashable, Sendable {
    /// Any text.
    case text
    /// Several texts, such as names of languages.
    case list
    /// One of these words.
    case choice([String])
    /// A number.
    case number
  }

  public let field: StatementField
  /// What may be answered.
  public let kind: Kind
  /// The question.
  public let text: String
  /// Why it's asked, in two sentences.
  public let why: String
  /// Term of schema.org, Croissant or its RAI vocabulary that has the answer in `statement.json`; nil where there is
  /// none, so that ours is used.
  public let term: String?
  /// Whether it's among the ten of the quick start.
  public let isQuick: Bool

  init(_ field: StatementField, _ text: String, why: String, term: String? = nil, isQuick: Bool = false) {
    self.init(field, .text, text, why: why, term: term, isQuick: isQuick)
  }

  init(
    _ field: StatementField, _ kind: Kind, _ text: String, why: String, term: String? = nil, isQuick: Bool = false
  ) {
    self.field = field
    self.kind = kind
    self.text = text
    self.why = why
    self.term = term
    self.isQuick = isQuick
  }

  /// An answer as a person writes it: `unknown`, `n/a: reason`, a text; items of a list with commas between.
  ///
  /// - Throws: `UsageError` where the words aren't among the choices, it's no number, or a reason is missing.
  public func answer(_ text: String, evidence: String? = nil, saidBy: String? = nil) throws -> Answer {
    let text = Answer.normalized(text)
    for mark in ["n/a", "not applicable"] where text.lowercased().hasPrefix(mark) {
      let rest = text.dropFirst(mark.count)
      guard rest.isEmpty || rest.first.map({ ":, ".contains($0) }) == true else { continue }
      let reason = rest.drop { ":, ".contains($0) }
      guard !reason.isEmpty else {
        throw UsageError("\(field.rawValue): n/a needs a reason, such as n/a: no people in it")
      }
      return .notApplicable(String(reason), evidence: evidence, saidBy: saidBy)
    }
    var values = [text]
    if kind == .list { values = text.split(separator: ",").map(String.init) }
    return try checked(.known(values, evidence: evidence, saidBy: saidBy))
  }

  /// An answer that is of the question's kind.
  ///
  /// - Throws: `UsageError` that says what was expected.
  func checked(_ answer: Answer) throws -> Answer {
    guard case .known(let values) = answer.content else { return answer }
    if kind != .list, values.count > 1 {
      throw UsageError("\(field.rawValue): expected one answer, got \(values.count)")
    }
    switch kind {
    case .text: return answer
    case .list:
      return .known(values.map(Answer.line), evidence: answer.evidence, saidBy: answer.saidBy)
    case .choice(let words):
      let chosen = try values.map { value in
        if let word = words.first(where: { $0 == value.lowercased() }) { return word }
        throw UsageError(
          "\(field.rawValue): '\(Format.fit(Answer.line(value), to: 40))' isn't one of \(words.joined(separator: ", ")), "
            + "unknown, or n/a with a reason")
      }
      return .known(chosen, evidence: answer.evidence, saidBy: answer.saidBy)
    case .number:
      guard let first = values.first, let number = Double(first), number.isFinite, number >= 0 else {
        throw UsageError("\(field.rawValue): '\(Format.fit(Answer.line(values.first ?? ""), to: 40))' isn't a number")
      }
      return answer
    }
  }
}

extension Question.Kind {
  /// What may be answered, in words.
  public var inWords: String {
    switch self {
    case .text: "text"
    case .list: "several texts"
    case .choice(let words): words.joined(separator: ", ")
    case .number: "a number"
    }
  }
}

extension Question: Encodable {
  private enum Key: String, CodingKey { case name, theme, kind, choices, question, why, isQuick }

  /// As forms need it: `kind` is text, list, choice or number.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(field.rawValue, forKey: .name)
    try values.encode(field.theme, forKey: .theme)
    switch kind {
    case .text: try values.encode("text", forKey: .kind)
    case .list: try values.encode("list", forKey: .kind)
    case .number: try values.encode("number", forKey: .kind)
    case .choice(let words):
      try values.encode("choice", forKey: .kind)
      try values.encode(words, forKey: .choices)
    }
    try values.encode(text, forKey: .question)
    try values.encode(why, forKey: .why)
    try values.encode(isQuick, forKey: .isQuick)
  }
}

extension StatementField {
  private static let table = Dictionary(uniqueKeysWithValues: Question.all.map { ($0.field, $0) })

  /// How the question is put.
  public var question: Question { Self.table[self] ?? Question(self, rawValue, why: "") }
}
