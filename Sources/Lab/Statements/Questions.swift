extension Question {
  private static let yesPartlyNo = Kind.choice(["yes", "partly", "no"])
  /// What a consent, a licence or a purpose allows, from narrow to broad.
  static let breadths = ["one purpose", "research", "any use"]

  /// The ten questions of the quick start, those that decide on the others first.
  public static let quick =
    all.filter { $0.isQuick && $0.field.theme == .context }
    + all.filter { $0.isQuick && $0.field.theme != .context }

  /// Questions that are set aside where the records aren't about people.
  public static let aboutPeople: Set<StatementField> = [
    .governance, .refusal, .pastHarms, .categories, .categoriesBy, .awareness, .trustInvestment, .resultsReturned,
    .relation, .benefitsPromised, .benefitsDelivered, .benefitsEvidence, .consentAsked, .consentForm,
    .consentLanguages, .groupConsent, .withdrawal, .consentScope, .protocols, .review, .subjectsLanguages, .vulnerable,
    .sensitive, .reidentification,
  ]

  /// All questions by theme.
  public static let all: [Question] = [
    identity, deficit, power, history, trust, extraction, policy, context, infrastructure, incentives, harm,
  ].flatMap { $0 }

  private static let identity: [Question] = [
    Question(
      .description, "What is in the data set?",
      why: "A reader should know in a breath what this is. Two or three sentences do.", term: "description"),
    Question(
      .version, "Which version is described?",
      why: "Data change, and a statement is true of one version. A date serves where there is no number.",
      term: "version"),
    Question(
      .address, "Where is its page?", why: "Readers look for what isn't said here. A link leads them.", term: "url"),
    Question(
      .doi, "Which lasting identifier does it have?",
      why: "Pages move, a DOI or arXiv number stays. None is an answer.", term: "identifier"),
    Question(
      .licence, "Under which licence does it come?",
      why: "Without a licence nobody may use it. An SPDX name such as CC-BY-4.0 is clearest.", term: "license",
      isQuick: true),
    Question(
      .published, "When was it published?", why: "It dates what is said. A day, such as 2017-08-25.",
      term: "datePublished"),
    Question(
      .citation, "How is it to be cited?",
      why: "Those who made it should be found by those who use it. A reference with all authors.", term: "citeAs"),
    Question(
      .maintenance, "Who maintains it, and how are mistakes mended?",
      why: "Data without a keeper go stale. Say who answers, and how versions are kept.",
      term: "rai:dataReleaseMaintenancePlan"),
  ]

  private static let deficit: [Question] = [
    Question(
      .barriers, "What stands in the way of those on site who would collect, share or use such data?",
      why: "Barriers are often told as lacks of skill or network only. Power, trust, cost and rules are barriers too."),
    Question(
      .localContribution, "What did people on site know or do that the data rest on?",
      why: "Their knowledge makes data readable and is easily forgotten. Name it, or say none."),
    Question(
      .localCredit, yesPartlyNo, "Is that contribution credited?",
      why: "Uncredited knowledge looks like no knowledge. Yes where those who gave it are named as they wish."),
  ]

  private static let power: [Question] = [
    Question(
      .purpose, "What was it collected for?",
      why: "The purpose decides what is fair to do with it. Say who named it if others did.",
      term: "rai:dataUseCases", isQuick: true),
    Question(
      .purposeBreadth, .choice(breadths), "How wide is the purpose for which it's offered now?",
      why: "Data travel further than was asked. This is compared with what was consented to."),
    Question(
      .governance, "Which body of those in the data has a say over it?",
      why: "A board, council or association on site can speak for many. Say which, or none."),
    Question(
      .refusal, yesPartlyNo, "Could they refuse, or change the purpose?",
      why: "A choice without a no isn't one. Partly where only single persons could."),
  ]

  private static let history: [Question] = [
    Question(
      .pastHarms, "What was done before with such data, or to such people by means of data?",
      why: "Surveys and registers have served rule and violence. Who was hurt remembers, so should a reader."),
    Question(
      .categories, .list, "Into which categories are people put (ethnicity, language, gender, …)?",
      why: "Categories are made by someone for something. None where people aren't sorted."),
    Question(
      .categoriesBy, .choice(["themselves", "collectors", "authorities"]), "Whose categories are they?",
      why: "A name given by others can wrong those it names. Themselves where each chose the word."),
  ]

  private static let trust: [Question] = [
    Question(
      .awareness, yesPartlyNo, "Do those in the data know that it exists and is shared?",
      why: "Nobody can object to what they don't know. Partly where they know of the collection only.", isQuick: true),
    Question(
      .trustInvestment, "What was done to earn trust before and while data were collected?",
      why: "Trust costs time, visits and answers. Say what was spent on it, or none."),
    Question(
      .resultsReturned, yesPartlyNo, "Were results brought back to them?",
      why: "Who gives data seldom hears what was found. Yes where it was told in their language."),
    Question(
      .relation, .choice(["continues", "ended", "never"]), "Does the relation go on?",
      why: "A visit isn't a relation. Continues where they still reach those who hold the data."),
  ]

  private static let extraction: [Question] = [
    Question(
      .leftPlace, .choice(["no", "copies", "moved"]), "Did data leave the place where it arose?",
      why: "Copies elsewhere change who holds it. Moved where nothing stayed behind."),
    Question(
      .benefitsPromised, "What were those in the data promised?",
      why: "Promises are part of the agreement. Say none where nothing was promised."),
    Question(
      .benefitsDelivered, yesPartlyNo, "Did benefits come back to them?",
      why: "Benefit is what arrived, not what was planned. No where nothing did.", isQuick: true),
    Question(
      .benefitsEvidence, "What shows that benefits arrived?",
      why: "Others should be able to see it. A report, a place, a person who says so, or none."),
  ]

  private static let policy: [Question] = [
    Question(
      .consentAsked, yesPartlyNo, "Were people asked for their consent?",
      why: "An open licence isn't consent. Partly where only some were asked.", isQuick: true),
    Question(
      .consentForm, .choice(["written", "spoken", "terms of service", "assumed"]), "In which form?",
      why: "A spoken yes can mean more than a signature. Terms that nobody reads mean less."),
    Question(
      .consentLanguages, .list, "In which languages was it asked?",
      why: "Consent needs to be understood. Codes such as sw or en, or names."),
    Question(
      .groupConsent, .choice(["yes", "no"]), "Was the group asked too, where data say something about a group?",
      why: "What one gives can expose all. Many communities decide such things together."),
    Question(
      .withdrawal, yesPartlyNo, "Can they withdraw, and is the data then deleted?",
      why: "Minds and dangers change. Partly where it's possible until publication only.", isQuick: true),
    Question(
      .consentScope, .choice(breadths), "Which use did they agree to?",
      why: "A yes to one study isn't a yes to all. This is compared with purpose and licence."),
    Question(
      .licenceAllows, .choice(breadths), "Which use does the licence allow?",
      why: "Licences are written for use, not for people. This is compared with the consent."),
    Question(
      .laws, .list, "Which laws hold where the data arose?",
      why: "The law of the host isn't the law of the people. Name acts, or none."),
    Question(
      .protocols, .list, "Which protocols of the community were followed (such as CARE)?",
      why: "Communities have rules for knowledge and its sharing. Name them, or none."),
    Question(
      .review, "Who reviewed the collection, and where does that board sit?",
      why: "A board far away may not see what matters on site. Say who, or none."),
  ]

  private static let context: [Question] = [
    Question(
      .subjects, "Who or what is described?",
      why: "Everything else depends on it. Say the population, not only the task.", isQuick: true),
    Question(
      .subjectsArePeople, .choice(["yes", "indirectly", "no"]), "Are the records about people?",
      why: "People have rights that things don't. Indirectly where records lead to people.", isQuick: true),
    Question(
      .subjectsPlace, .list, "In which places did the data arise?",
      why: "Place decides law, language and who is near. Use the names that people there use.",
      term: "spatialCoverage", isQuick: true),
    Question(
      .subjectsNumber, .number, "How many people or things are in it?",
      why: "Few are easily recognised, many easily forgotten. A number."),
    Question(
      .subjectsLanguages, .list, "Which languages do those in the data speak?",
      why: "It shows who can read about themselves. Codes or names."),
    Question(
      .collection, "How was it collected, and with which instrument?",
      why: "An instrument sees what it was built for. Say how records were chosen too.", term: "rai:dataCollection"),
    Question(
      .timeframe, "When was it collected, and in which season?",
      why: "A dry year isn't every year. Say the span.", term: "rai:dataCollectionTimeframe"),
    Question(
      .processing, "What was done to it before publication?",
      why: "Cleaning decides what counts as dirt. List the steps.", term: "rai:dataPreprocessingProtocol"),
    Question(
      .annotation, "Who labelled it, and by which rules?",
      why: "Labels are opinions with a number. Say how disagreement was settled.",
      term: "rai:dataAnnotationProtocol"),
    Question(
      .missing, "Who or what is missing from it?",
      why: "Absence looks like rarity. Say what was left out and why.", term: "rai:dataCollectionMissingData"),
    Question(
      .localKnowledge, "What must one know of the place to read it rightly?",
      why: "A number out of its place can say the opposite. Say none where it needs nothing."),
    Question(
      .documentationLanguages, .list, "In which languages is it documented?",
      why: "Those described should be able to read it. Codes or names."),
    Question(
      .limitations, "For what is it not fit?",
      why: "Every data set has an end to its use. Say what it must not decide.", term: "rai:dataLimitations"),
  ]

  private static let infrastructure: [Question] = [
    Question(
      .costBearers, .list, "Who bears the cost of collecting, cleaning and hosting?",
      why: "Cost is often paid by those with least. Use names of stakeholders, or say whom."),
    Question(
      .hosting, "Where is it stored, and who can switch it off?",
      why: "Who holds the machine holds the data. Say the country and the body."),
    Question(
      .access, .choice(["open", "registration", "request", "closed"]), "How does one get at it?",
      why: "Doors choose who enters. Closed where nobody outside can."),
    Question(
      .size, .number, "How large is the download, in megabytes?",
      why: "On a costly line a gigabyte is a wage. A number."),
    Question(
      .formats, .list, "In which formats does it come?",
      why: "A format can need a program that costs money. Name them."),
    Question(
      .fees, .choice(["none", "some", "all"]), "Who pays fees?",
      why: "A fee that is small here is large there. Some where only companies pay."),
    Question(
      .localAccess, yesPartlyNo, "Can people on site get and use it in practice?",
      why: "Open in law can be closed in fact. Think of line, size, language and forms."),
  ]

  private static let incentives: [Question] = [
    Question(
      .collectorsCredit, .choice(["authors", "named", "no"]), "How are those credited who collected it?",
      why: "Credit is what careers are built on. Authors where they are on the article."),
    Question(
      .collectorsPay, .choice(["living wage", "below", "unpaid"]), "How were they paid?",
      why: "Data work is work. Below where it didn't reach what a living costs there."),
    Question(
      .annotatorsPay, .choice(["living wage", "below", "unpaid"]), "How were those paid who labelled it?",
      why: "Labels come from hands that are seldom seen. Below where it didn't reach what a living costs there."),
    Question(
      .firstUse, .choice(["yes", "no"]), "Could the collectors publish first?",
      why: "Who fears to be overtaken doesn't share. Yes where there was time for it."),
  ]

  private static let harm: [Question] = [
    Question(
      .vulnerable, .list, "Which groups in it are at special risk?",
      why: "Harm isn't spread evenly. None where no group is."),
    Question(
      .sensitive, .list, "Which sensitive facts does it hold (health, faith, whereabouts, …)?",
      why: "Some facts can cost a job or a life. None where it holds none.",
      term: "rai:personalSensitiveInformation"),
    Question(
      .reidentification, .choice(["hardly", "possible", "easy"]), "How easily is a person found in it?",
      why: "Names are only one way to a person. Think of place, time and rare traits together."),
    Question(
      .misuse, "How could it be misused?",
      why: "Who builds a tool should know what else it cuts. Surveillance, exclusion, dual use, or none.",
      term: "rai:dataSocialImpact"),
    Question(
      .biases, "Which biases does it have?",
      why: "What is counted, and by whom, leans. Say to which side.", term: "rai:dataBiases"),
    Question(
      .mitigations, "What is done against these harms?",
      why: "A known harm that nobody works on is a choice. Say what was done, or none."),
    Question(
      .redress, "Where can someone turn who was harmed?",
      why: "A right needs a door. A person or office that answers, or none.", isQuick: true),
  ]
}
