import Lab

/// A statement with problems that were put in, and the rules that must find them.
struct PlantedStatement {
  let statement: DataStatement
  /// Names of the rules.
  let planted: Set<String>

  /// A well-made statement with some answers and stakeholders changed for the worse.
  private init(
    _ name: String, planted: Set<String>, stakeholders: [Stakeholder]? = nil, _ answers: [StatementField: Answer]
  ) {
    var statement = DataStatement.marketDiaries
    statement.name = name
    statement.answers.merge(answers) { $1 }
    if let stakeholders { statement.stakeholders = stakeholders }
    self.statement = statement
    self.planted = planted
  }

  /// Five statements on made-up data sets.
  static let all = [survey, faces, register, speech, connections]

  /// A survey taken away: held elsewhere, nothing came back.
  private static let survey = PlantedStatement(
    "household-survey",
    planted: [
      "consent-unknown", "held-elsewhere-without-benefit", "deciders-elsewhere", "subjects-decide-nothing",
      "promise-broken", "nothing-stayed", "data-for-nothing", "knowledge-for-nothing", "results-kept",
      "relation-ended", "no-governance", "policy-open", "sensitive-without-consent",
    ],
    stakeholders: [
      Stakeholder(
        "Households", kind: "community", region: "Upper Valley", roles: [.subject], receives: [],
        contributes: [.data, .knowledge]),
      Stakeholder(
        "Enumerators", kind: "workers", region: "Upper Valley", roles: [.collector], receives: [.money],
        contributes: [.labour]),
      Stakeholder(
        "Institute of the Coast", kind: "university", region: "the Coast", roles: [.owner, .host],
        decides: [.purpose, .access, .publication, .deletion], receives: [.credit, .knowledge],
        contributes: [.infrastructure]),
      Stakeholder(
        "Coast Foundation", kind: "foundation", region: "the Coast", roles: [.funder], receives: [.credit],
        contributes: [.money]),
    ],
    [
      .subjectsPlace: ["Upper Valley"], .consentAsked: .unknown, .consentScope: .notApplicable("consent isn't known"),
      .benefitsDelivered: "no", .leftPlace: "moved", .resultsReturned: "no", .relation: "ended", .governance: "none",
      .costBearers: ["Coast Foundation"],
    ])

  /// Pictures of faces taken from pages.
  private static let faces = PlantedStatement(
    "street-faces",
    planted: [
      "unaware", "no-consent", "terms-of-service", "licence-beyond-consent", "purpose-beyond-consent", "easily-found",
      "no-withdrawal", "no-redress", "sensitive-without-consent", "sensitive-in-the-open", "misuse-allowed",
      "no-bias", "no-refusal", "group-not-asked",
    ],
    [
      .awareness: "no", .consentAsked: "no", .consentForm: "terms of service", .consentScope: "one purpose",
      .licenceAllows: "any use", .purposeBreadth: "any use", .reidentification: "easy", .withdrawal: "no",
      .redress: "none", .sensitive: ["faces", "whereabouts"], .access: "open", .biases: "none", .refusal: "no",
      .groupConsent: "no",
    ])

  /// A register that sorts people.
  private static let register = PlantedStatement(
    "health-register",
    planted: [
      "categories-imposed", "ethnic-categories", "past-harm-unanswered", "partial-consent", "scope-unknown",
      "policy-open", "consent-not-understood", "can-be-found", "vulnerable-unprotected",
      "sensitive-without-consent", "awareness-unknown", "trust-open", "no-investment", "no-review",
    ],
    [
      .categories: ["ethnic group", "faith"], .categoriesBy: "authorities", .mitigations: "none",
      .consentAsked: "partly", .consentScope: .unknown, .consentLanguages: ["en"], .awareness: .unknown,
      .trustInvestment: "none", .review: "none",
    ])

  /// Recordings labelled by hidden hands.
  private static let speech = PlantedStatement(
    "speech-corpus",
    planted: [
      "iceberg", "hidden-hands", "collectors-underpaid", "annotators-underpaid", "collectors-uncredited",
      "labour-for-nothing", "money-elsewhere", "funder-publishes", "knowledge-uncredited", "overtaken",
      "data-for-nothing", "subjects-decide-nothing", "cost-without-money",
    ],
    stakeholders: [
      Stakeholder(
        "Speakers", kind: "community", region: "Long Lake", roles: [.subject], receives: [], contributes: [.data],
        isVisible: false),
      Stakeholder(
        "Labellers", kind: "workers", region: "Long Lake", roles: [.collector], receives: [], contributes: [.labour],
        isVisible: false),
      Stakeholder(
        "Voice Company", kind: "company", region: "the Bay", roles: [.owner], decides: [.purpose, .access, .deletion],
        receives: [.money, .product], contributes: [.money]),
      Stakeholder(
        "Lake University", kind: "university", region: "Long Lake", roles: [.host], receives: [.credit],
        contributes: [.infrastructure]),
      Stakeholder(
        "Growth Fund", kind: "foundation", region: "the Bay", roles: [.funder], decides: [.publication],
        receives: [.credit], contributes: [.money]),
    ],
    [
      .collectorsPay: "below", .annotatorsPay: "unpaid", .collectorsCredit: "no", .localCredit: "no", .firstUse: "no",
      .costBearers: ["Labellers"],
    ])

  /// A story of lacks.
  private static let connections = PlantedStatement(
    "connections",
    planted: [
      "only-lacks", "no-local-knowledge", "unreadable-to-subjects", "needs-no-context", "limitless", "out-of-reach",
      "fees", "heavy", "costly-formats", "no-licence", "no-keeper", "identity-open", "no-misuse", "nobody-cited",
      "law-elsewhere", "no-protocol", "benefit-without-evidence",
    ],
    [
      .barriers: "People lack skills, training and internet.", .localContribution: "none",
      .localCredit: .notApplicable("nothing was contributed"), .documentationLanguages: ["en"],
      .localKnowledge: "none", .limitations: "none", .localAccess: "no", .fees: "all", .size: "52000",
      .formats: ["SPSS (.sav)", "Stata (.dta)"], .licence: .unknown, .maintenance: "none", .misuse: "none",
      .citation: "none", .laws: ["none"], .protocols: ["none"], .benefitsEvidence: "none",
    ])
}
