/// What the ten themes ask, and where instruments of documentation have a field for it.
///
/// Made by reading the instruments' lists of fields: Gebru et al., "Datasheets for Datasets" (CACM 2021); Bender and Friedman,
/// "Data Statements for NLP" (TACL 2018); Chmielinski et al., "The Dataset Nutrition Label (2nd Gen)" (2022); "Croissant RAI
/// Specification" 1.0 (2024). Where a field comes near, it counts.
public struct Coverage: Sendable {
  /// An instrument of documentation.
  public enum Instrument: String, CaseIterable, Sendable {
    case pinion = "this audit"
    case datasheets = "Datasheets"
    case dataStatements = "Data Statements"
    case nutritionLabel = "Nutrition Label"
    case croissant = "Croissant-RAI"
  }

  /// Something that a theme asks.
  public struct Aspect: Sendable {
    public let theme: Theme
    public let text: String
    /// What has it in this audit: a question, or a part of the stakeholders.
    let own: StatementField?
    let ownPart: String?
    let others: [Instrument: String]

    init(
      _ theme: Theme, _ text: String, _ own: StatementField? = nil, part: String? = nil,
      _ others: [Instrument: String] = [:]
    ) {
      self.theme = theme
      self.text = text
      self.own = own
      self.ownPart = part
      self.others = others
    }

    /// The field that an instrument has for it; nil where it has none.
    public func field(_ instrument: Instrument) -> String? {
      instrument == .pinion ? own?.rawValue ?? ownPart : others[instrument]
    }
  }

  /// How many aspects of a theme an instrument has a field for, and how many there are.
  public static func count(_ theme: Theme, _ instrument: Instrument) -> (covered: Int, all: Int) {
    let own = aspects.filter { $0.theme == theme }
    return (own.count { $0.field(instrument) != nil }, own.count)
  }

  /// Themes of which an instrument covers all aspects.
  public static func fullThemes(_ instrument: Instrument) -> [Theme] {
    Theme.ofPaper.filter { theme in
      let (covered, all) = count(theme, instrument)
      return covered == all
    }
  }

  /// All aspects by theme.
  public static let aspects: [Aspect] = [
    Aspect(.deficit, "knowledge that local people contributed", .localContribution),
    Aspect(.deficit, "credit for it", .localCredit),
    Aspect(.deficit, "barriers beyond what is lacking", .barriers),

    Aspect(.power, "who decides on purpose, access, publication, deletion", part: "stakeholders: decides"),
    Aspect(
      .power, "funders and outside institutions", part: "stakeholders: roles",
      [.datasheets: "who funded the creation", .nutritionLabel: "funding"]),
    Aspect(.power, "hidden stakeholders", part: "stakeholders: visible"),
    Aspect(.power, "a body of those in the data", .governance),

    Aspect(.history, "past harms with such data", .pastHarms),
    Aspect(
      .history, "categories people are put into", .categories,
      [
        .datasheets: "does it identify subpopulations", .dataStatements: "speaker demographic",
        .nutritionLabel: "subpopulations",
      ]),
    Aspect(.history, "whose categories they are", .categoriesBy),

    Aspect(
      .trust, "do those in the data know", .awareness,
      [.datasheets: "were the individuals notified about the collection"]),
    Aspect(.trust, "investment in trust", .trustInvestment),
    Aspect(.trust, "return of results", .resultsReturned),
    Aspect(.trust, "a relation that goes on", .relation),

    Aspect(.extraction, "did data leave the place where it arose", .leftPlace),
    Aspect(
      .extraction, "who hosts it", .hosting,
      [
        .datasheets: "who will support, host, maintain it", .croissant: "dataReleaseMaintenancePlan",
        .nutritionLabel: "upkeep",
      ]),
    Aspect(.extraction, "what came back", .benefitsDelivered),

    Aspect(
      .policy, "consent", .consentAsked,
      [.datasheets: "did the individuals consent", .nutritionLabel: "consent of individuals"]),
    Aspect(.policy, "consent of the group", .groupConsent),
    Aspect(
      .policy, "withdrawal", .withdrawal, [.datasheets: "mechanism to revoke consent"]),
    Aspect(
      .policy, "law and protocols on site", .laws,
      [.datasheets: "regulatory restrictions; ethical review", .nutritionLabel: "ethical review"]),
    Aspect(.policy, "licence and purpose against consent", .consentScope),

    Aspect(
      .context, "knowledge of the place", .localKnowledge, [.dataStatements: "language variety, speech situation"]),
    Aspect(.context, "languages of the documentation", .documentationLanguages),
    Aspect(
      .context, "instrument and season", .timeframe,
      [
        .datasheets: "mechanisms and timeframe of collection", .dataStatements: "recording quality, speech situation",
        .croissant: "dataCollection, dataCollectionTimeframe", .nutritionLabel: "collection",
      ]),

    Aspect(.infrastructure, "who bears the cost", .costBearers),
    Aspect(.infrastructure, "can people on site get at it", .localAccess),
    Aspect(
      .infrastructure, "size, formats, fees, registration", .fees,
      [
        .datasheets: "how is it distributed; fees", .croissant: "contentSize, encodingFormat",
        .nutritionLabel: "format",
      ]),

    Aspect(
      .incentives, "authorship and citation", .citation,
      [
        .datasheets: "who created it; DOI", .dataStatements: "citation", .croissant: "creator, citeAs",
        .nutritionLabel: "creators",
      ]),
    Aspect(.incentives, "first use by the collectors", .firstUse),
    Aspect(
      .incentives, "pay and reward of those who worked on it", .collectorsPay,
      [.datasheets: "how were those who collected compensated"]),

    Aspect(
      .harm, "re-identification", .reidentification,
      [
        .datasheets: "is it possible to identify individuals", .croissant: "personalSensitiveInformation",
        .nutritionLabel: "individual-level data",
      ]),
    Aspect(
      .harm, "surveillance and dual use", .misuse,
      [
        .datasheets: "tasks for which it should not be used", .croissant: "dataSocialImpact, dataUseCases",
        .nutritionLabel: "use cases and alerts",
      ]),
    Aspect(
      .harm, "stigmatised groups", .vulnerable,
      [
        .datasheets: "sensitive data; subpopulations", .croissant: "dataBiases, dataSocialImpact",
        .nutritionLabel: "alerts on bias",
      ]),
    Aspect(.harm, "redress", .redress, [.datasheets: "how to contact the curator"]),
  ]
}
