extension DataStatement {
  /// A well-made statement on data about people. The lake and all who live there are made up.
  public static let marketDiaries = DataStatement(
    name: "market-diaries",
    [
      .description:
        "Diaries of 412 traders at four landings of the Long Lake: what was bought and sold, day by day, for a year.",
      .version: "2.1", .address: "https://example.org/market-diaries", .doi: "10.0000/market-diaries",
      .licence: "research licence of the Landing Council, version 2", .published: "2020-03-01",
      .citation: "Landing Council of the Long Lake; Ama, Brou, Chipo and 11 diarists: Market diaries, 2020",
      .maintenance: "The council's office mends mistakes each quarter and keeps all versions.",
      .barriers:
        "Lenders would pay for names, so trust is the first barrier; time of the traders costs money, and the licence keeps both in view.",
      .localContribution: "Traders defined the goods and measures; the council chose the landings.",
      .localCredit: "yes",
      .purpose: "To see how prices move between landings through the year.", .purposeBreadth: "research",
      .governance: "Landing Council, elected by the traders", .refusal: "yes",
      .pastHarms: "A register of boats was once used to collect arrears by force.",
      .categories: ["kind of trade"], .categoriesBy: "themselves",
      .awareness: "yes", .trustInvestment: "Six months of visits before the first diary; a phone that is answered.",
      .resultsReturned: "yes", .relation: "continues",
      .leftPlace: "copies", .benefitsPromised: "Weekly price lists by message.", .benefitsDelivered: "yes",
      .benefitsEvidence: "Price lists since May 2019, kept by the council.",
      .consentAsked: "yes", .consentForm: "spoken", .consentLanguages: ["Lake speech", "trade speech"],
      .groupConsent: "yes", .withdrawal: "yes", .consentScope: "research", .licenceAllows: "research",
      .laws: ["Data Protection Act of the Lake Republic"], .protocols: ["CARE", "protocol of the Landing Council"],
      .review: "Board of the Lake University, with two traders on it",
      .subjects: "Traders at four landings who agreed to keep a diary.", .subjectsArePeople: "yes",
      .subjectsPlace: ["Long Lake"], .subjectsNumber: "412", .subjectsLanguages: ["Lake speech"],
      .collection: "Paper diaries with drawn measures, photographed weekly by the diarists.",
      .timeframe: "May 2018 to April 2019, with one closed season",
      .processing: "Names replaced by numbers, days by weeks.",
      .annotation: "Goods named by two diarists each; a third decided.",
      .missing: "Traders who come for less than a month; the fifth landing, which declined.",
      .localKnowledge: "In the closed season no sale is not no income.",
      .documentationLanguages: ["Lake speech", "en"], .limitations: "Not fit to judge the credit of a person.",
      .costBearers: ["Lake University"], .hosting: "Lake University, where the council can switch it off.",
      .access: "request", .size: "40", .formats: ["CSV"], .fees: "none", .localAccess: "yes",
      .collectorsCredit: "authors", .collectorsPay: "living wage", .annotatorsPay: "living wage", .firstUse: "yes",
      .vulnerable: ["traders in debt"], .sensitive: ["debts"], .reidentification: "possible",
      .misuse: "Lenders could look for debtors.", .biases: "Those who can draw measures are more often in it.",
      .mitigations: "Weeks in place of days, access on request, a promise that names the lender's case.",
      .redress: "Office of the council, which may delete.",
    ],
    stakeholders: [
      Stakeholder(
        "Traders", kind: "community", region: "Long Lake", roles: [.subject], decides: [.purpose, .deletion],
        receives: [.service, .knowledge, .money], contributes: [.data, .knowledge]),
      Stakeholder(
        "Landing Council", kind: "council", region: "Long Lake", roles: [.owner, .regulator],
        decides: [.purpose, .access, .publication], receives: [.knowledge, .capacity, .credit],
        contributes: [.knowledge, .labour]),
      Stakeholder(
        "Diarists", kind: "workers", region: "Long Lake", roles: [.collector], receives: [.money, .credit],
        contributes: [.labour, .knowledge]),
      Stakeholder(
        "Lake University", kind: "university", region: "Long Lake", roles: [.host, .processor], decides: [.publication],
        receives: [.credit, .knowledge], contributes: [.labour, .infrastructure]),
      Stakeholder(
        "Fund of the North", kind: "foundation", region: "the North", roles: [.funder], receives: [.credit],
        contributes: [.money]),
    ],
    files: [DatasetInfo.File("diaries.csv", byteCount: 40_000_000, sha256: String(repeating: "1", count: 64))],
    changes: [.init(date: "2020-03-01", by: "Landing Council", what: "first version")])

  /// A well-made statement on data that aren't about people. The hills are made up.
  public static let rainGauges: DataStatement = {
    var statement = DataStatement(
      name: "rain-gauges",
      [
        .description: "Daily rain at 38 gauges of the Red Hills, read by those who live beside them.", .version: "2024",
        .address: "https://example.org/rain-gauges", .doi: "none", .licence: "CC-BY-4.0", .published: "2021-06-01",
        .citation: "Readers of the Red Hills and Hills Weather Office: Rain of the Red Hills, 2021",
        .maintenance: "The weather office publishes a version a year and answers the readers' letters.",
        .barriers:
          "Replacing a broken gauge costs more than a reader earns in a month; the office decides which are replaced.",
        .localContribution: "Readers chose sites without wind and know which gauges goats reach.", .localCredit: "yes",
        .purpose: "Warning of floods, and research on rain.", .purposeBreadth: "any use",
        .leftPlace: "copies", .licenceAllows: "any use", .laws: ["Weather Act of the Hills"],
        .subjects: "Rain at 38 places.", .subjectsArePeople: "no", .subjectsPlace: ["Red Hills"], .subjectsNumber: "38",
        .collection: "Standard gauges of 200 square centimetres, read at seven in the morning.",
        .timeframe: "Every day since 1999", .processing: "Sums over several days are marked, not spread.",
        .annotation: "Doubtful readings are marked by the office after a call to the reader.",
        .missing: "The upper slopes, where nobody lives; holidays of the readers.",
        .localKnowledge: "Fog wets the eastern gauges without rain.", .documentationLanguages: ["Hill speech", "en"],
        .limitations: "Not fit to judge single storms: one reading a day.",
        .costBearers: ["Hills Weather Office"], .hosting: "The office's own server, mirrored by the university.",
        .access: "open", .size: "3", .formats: ["CSV"], .fees: "none", .localAccess: "yes",
        .collectorsCredit: "authors", .collectorsPay: "living wage",
        .annotatorsPay: "living wage", .firstUse: "yes",
        .misuse: "Insurers could refuse a valley by it.", .biases: "Valleys are better covered than slopes.",
        .mitigations: "The office publishes what its gauges can't tell beside them.",
        .redress: "The office's letter box, answered within a month.",
      ],
      stakeholders: [
        Stakeholder(
          "Readers", kind: "people", region: "Red Hills", roles: [.collector], decides: [.deletion],
          receives: [.money, .credit, .service], contributes: [.labour, .knowledge, .data]),
        Stakeholder(
          "Hills Weather Office", kind: "office", region: "Red Hills", roles: [.owner, .host, .funder],
          decides: [.purpose, .access, .publication], receives: [.knowledge], contributes: [.money, .infrastructure]),
      ],
      files: [DatasetInfo.File("rain.csv", byteCount: 3_000_000, sha256: String(repeating: "2", count: 64))])
    statement.setPeopleAside(because: "rain isn't about people")
    return statement
  }()
}
