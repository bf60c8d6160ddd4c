extension ScikitLearnData {
  private static let archive = "https://archive.ics.uci.edu/dataset"
  private static let page = "https://scikit-learn.org/stable/datasets/toy_dataset.html"

  /// What all four tables share, and what is said of one of them; what no source says is unknown.
  private static func statement(
    _ answers: [StatementField: Answer], stakeholders: [Stakeholder], withoutPeople reason: String?
  ) -> DataStatement {
    let shared: [StatementField: Answer] = [
      .version: .known("the files of scikit-learn 1.7.2, pinned here by SHA-256", saidBy: "Pinion"),
      .licence: .known("CC-BY-4.0", evidence: archive + "s", saidBy: "UCI Machine Learning Repository"),
      .maintenance: .known(
        "The UCI repository answers for its pages, scikit-learn for its copy; mistakes are reported as issues there.",
        evidence: "https://github.com/scikit-learn/scikit-learn/issues", saidBy: "both pages"),
      .purposeBreadth: .known("any use", saidBy: "licence"),
      .licenceAllows: .known("any use", evidence: "https://creativecommons.org/licenses/by/4.0/", saidBy: "licence"),
      .leftPlace: .known("copies", saidBy: "Pinion: UCI (California), PyPI, GitHub"),
      .documentationLanguages: .known(["en"], evidence: page),
      .costBearers: .known(
        ["University of California, Irvine", "scikit-learn's developers"], saidBy: "Pinion, from who holds the files"),
      .hosting: .known(
        "PyPI and GitHub (United States), where scikit-learn's developers can delete it; UCI holds its own copy.",
        saidBy: "Pinion"),
      .access: .known("open", evidence: page), .fees: .known("none", saidBy: "both pages"),
      .size: .known("10", saidBy: "Pinion: the whole wheel; the file itself has less than 0.2"),
      .formats: .known(["CSV"], saidBy: "scikit-learn"),
      .localAccess: .known("yes", saidBy: "Pinion: a small file without registration"),
      .redress: .known(
        "Issues of scikit-learn, and the address of the UCI repository for a removal.",
        evidence: "https://archive.ics.uci.edu/contact", saidBy: "both pages"),
    ]
    let holders = [
      Stakeholder(
        "University of California, Irvine", kind: "university", region: "United States", roles: [.owner, .host],
        decides: [.access, .publication, .deletion], receives: [.credit], contributes: [.infrastructure]),
      Stakeholder(
        "scikit-learn's developers", kind: "association", region: "many countries", roles: [.host, .processor],
        decides: [.access, .publication, .deletion], receives: [.product],
        contributes: [.labour, .infrastructure]),
      Stakeholder(
        "Researchers and learners of statistics", kind: "people", region: "everywhere", roles: [.user],
        receives: [.knowledge, .product]),
    ]
    var statement = DataStatement(shared.merging(answers) { $1 }, stakeholders: stakeholders + holders)
    if let reason { statement.setPeopleAside(because: reason) }
    return statement
  }

  // MARK: Iris

  static let irisStatement = statement(
    [
      .description: "Length and width of sepals and petals, in cm, of 50 plants each of three species of iris.",
      .address: .known(archive + "/53/iris"), .doi: .known("10.24432/C56C76", saidBy: "UCI"),
      .published: .known("1936-09", saidBy: "the article; at UCI since July 1988"),
      .citation: """
      R. A. Fisher: The use of multiple measurements in taxonomic problems, Annals of Eugenics 7(2), 179-188, 1936
      """,
      .barriers: .known(
        "None known for such measures today: a ruler and a meadow do. The plants of this table can't be measured again.",
        saidBy: "Pinion"),
      .localContribution: .known("Anderson chose the meadow in Gaspé and measured the plants.", saidBy: "article"),
      .localCredit: .known("yes", saidBy: "article: Fisher thanks Anderson for the data"),
      .purpose: .known(
        "Anderson: variation between related species. Fisher: an example of telling kinds apart by several measures.",
        saidBy: "articles of both"),
      .laws: .known(["none that concern measures of wild plants"], saidBy: "Pinion"),
      .subjects: .known("150 plants: Iris setosa, versicolor and virginica.", saidBy: "article"),
      .subjectsArePeople: .known("no", saidBy: "article"),
      .subjectsPlace: .known(
        ["Gaspé Peninsula, Quebec (setosa, versicolor)", "another colony (virginica)"], saidBy: "article"),
      .subjectsNumber: .known("150", saidBy: "article"),
      .collection: .known(
        "Setosa and versicolor were picked on one day in one pasture and measured by one person with one apparatus.",
        saidBy: "E. Anderson, The irises of the Gaspé Peninsula, 1935, as cited by Fisher"),
      .timeframe: .known("before 1935, one day for two of the species", saidBy: "Anderson, 1935"),
      .processing: .known(
        "Tables typed from the article; scikit-learn's copy mends two rows in which UCI's differs from it.",
        evidence: page, saidBy: "scikit-learn"),
      .annotation: .known("The species were determined by Anderson, a botanist.", saidBy: "article"),
      .missing: .known("All other places, years and species.", saidBy: "Pinion"),
      .localKnowledge: .known(
        "Versicolor is thought to be a hybrid of the two others, so that it lies between them.", saidBy: "article"),
      .limitations: .known(
        "150 plants of two places say nothing of irises in general; so easy and so known that a result on them alone shows little.",
        saidBy: "Pinion"),
      .collectorsCredit: .known("named", saidBy: "article"),
      .firstUse: .known("yes", saidBy: "Anderson published 1935"),
      .collectorsPay: .unknown, .annotatorsPay: .unknown,
      .misuse: .known(
        "None of the measures themselves. They appeared in a journal of eugenics, which some readers want said.",
        saidBy: "Pinion"),
      .biases: .known("Two species from one pasture and day, the third from elsewhere.", saidBy: "article"),
      .mitigations: .known("The origin of each species is told in the article.", saidBy: "article"),
    ],
    stakeholders: [
      Stakeholder(
        "Edgar Anderson", kind: "person", region: "United States", roles: [.collector], decides: [.purpose],
        receives: [.credit], contributes: [.labour, .knowledge]),
      Stakeholder(
        "Ronald A. Fisher", kind: "person", region: "United Kingdom", roles: [.processor],
        decides: [.purpose, .publication], receives: [.credit], contributes: [.knowledge]),
    ], withoutPeople: "the records describe plants")

  // MARK: Wine

  static let wineStatement = statement(
    [
      .description: "Thirteen results of the chemical analysis of 178 Italian wines of three grape varieties.",
      .address: .known(archive + "/109/wine"), .doi: .known("10.24432/C5PC7J", saidBy: "UCI"),
      .published: .known("1991-07-01", saidBy: "UCI; measured for an article of 1986"),
      .citation: """
      M. Forina, C. Armanino, M. Castino, M. Ubigli: Multivariate data analysis as a discriminating method of the \
      origin of wines, Vitis 25, 189-201, 1986
      """,
      .barriers: .known(
        "The analyses take a laboratory, and whoever would repeat them needs wines of those years; for use there is none.",
        saidBy: "Pinion"),
      .localContribution: .known(
        "Growers of Piedmont made the wines; chemists of Genoa and Asti analysed them.", saidBy: "article"),
      .localCredit: .known("partly", saidBy: "article: the chemists are its authors, no grower is named"),
      .purpose: .known("To tell the origin of a wine from its chemistry.", saidBy: "article"),
      .laws: .known(["law of the European Union", "Italian law"], saidBy: "Pinion, from the place"),
      .subjects: .known("Wines of three cultivars grown in one region of Italy.", saidBy: "UCI"),
      .subjectsArePeople: .known("no", saidBy: "UCI"),
      .subjectsPlace: .known(["Piedmont"], saidBy: "article"), .subjectsNumber: .known("178", saidBy: "UCI"),
      .collection: .known(
        "Bottles of several years, analysed chemically for 27 or more constituents.", saidBy: "article"),
      .timeframe: .known("wines of 1970 to 1979", saidBy: "article"),
      .processing: .known("Thirteen of the constituents were kept; how they were chosen isn't told.", saidBy: "UCI"),
      .annotation: .known(
        "The class is the cultivar by the bottle's origin: Barolo, Grignolino or Barbera.", saidBy: "article"),
      .missing: .known(
        "The other constituents, the year of each wine, and whatever other regions grow.", saidBy: "UCI"),
      .localKnowledge: .known(
        "Barolo is aged for years by rule, which changes its chemistry apart from the grape.", saidBy: "Pinion"),
      .limitations: .known(
        """
        Not fit to judge wines of today. scikit-learn's description names Fisher as their creator, which is a mistake \
        taken over from iris.
        """, saidBy: "Pinion"),
      .collectorsCredit: .known("authors", saidBy: "article"),
      .firstUse: .known("yes", saidBy: "article before the data"),
      .collectorsPay: .unknown, .annotatorsPay: .unknown,
      .misuse: .known("Hardly: thirteen numbers of old wines decide on nobody.", saidBy: "Pinion"),
      .biases: .known("Classes of 59, 71 and 48; years aren't spread alike over them.", saidBy: "article"),
      .mitigations: .known("none", saidBy: "Pinion: none is needed"),
    ],
    stakeholders: [
      Stakeholder(
        "Forina, Armanino, Castino, Ubigli", kind: "people", region: "Italy", roles: [.collector, .processor],
        decides: [.purpose, .publication], receives: [.credit, .knowledge], contributes: [.labour, .knowledge]),
      Stakeholder(
        "Growers of Piedmont", kind: "community", region: "Piedmont", roles: [.collector], decides: [], receives: nil,
        contributes: [.data], isVisible: false),
    ], withoutPeople: "the records describe wines")

  // MARK: Digits

  static let digitsStatement = statement(
    [
      .description: "1,797 handwritten digits as pictures of 8 x 8 pixels with 17 levels, by 13 writers.",
      .address: .known(archive + "/80/optical+recognition+of+handwritten+digits"),
      .doi: .known("10.24432/C50P49", saidBy: "UCI"), .published: .known("1998-07-01", saidBy: "UCI"),
      .citation: "E. Alpaydin, C. Kaynak: Cascading classifiers, Kybernetika 34(4), 369-374, 1998",
      .barriers: .known(
        "Hardly any: a form and a scanner do. Trust of the writers is asked only where their hand is kept.",
        saidBy: "Pinion"),
      .localContribution: .known("43 people wrote the digits into printed forms.", saidBy: "UCI"),
      .localCredit: .known("no", saidBy: "UCI: the writers are counted and not named"),
      .purpose: .known("Comparison of ways to combine classifiers.", saidBy: "article"),
      .laws: .known(["Turkish law"], saidBy: "Pinion, from the seat of the university"),
      .subjects: .known("Digits in the hands of 13 of the 43 people: the test part of the whole.", saidBy: "UCI"),
      .subjectsArePeople: .known(
        "no",
        saidBy: "Pinion: pictures of single digits; no record says whose hand it is, and 8 x 8 pixels don't show it"),
      .subjectsPlace: .known(["Istanbul"], saidBy: "Pinion, from the authors' university"),
      .subjectsNumber: .known("1797", saidBy: "UCI"),
      .collection: .known("Written into a printed form, scanned, cut into bitmaps of 32 x 32.", saidBy: "UCI"),
      .timeframe: .unknown,
      .processing: .known(
        "Size normalised by programs of NIST; black pixels counted in each block of 4 x 4, which gives 8 x 8 numbers.",
        saidBy: "UCI"),
      .annotation: .known(
        "The class is the digit that the form asked for at that place.", saidBy: "Pinion, from UCI's page"),
      .missing: .known(
        "The other 30 writers, the bitmaps, who wrote what, and other ways to write digits.", saidBy: "UCI"),
      .localKnowledge: .known("How 1 and 7 are written differs between countries.", saidBy: "Pinion"),
      .limitations: .known(
        "Few writers of one place and 64 pixels: fit to try a method, not to read mail.", saidBy: "Pinion"),
      .collectorsCredit: .known("authors", saidBy: "article"),
      .firstUse: .known("yes", saidBy: "Kaynak's thesis, 1995"),
      .collectorsPay: .unknown, .annotatorsPay: .unknown,
      .misuse: .known("Hardly: 64 numbers show no hand that could be known.", saidBy: "Pinion"),
      .biases: .known("Thirteen writers, likely students and staff of one university.", saidBy: "Pinion"),
      .mitigations: .known("No writer's name or number is in the file.", saidBy: "scikit-learn"),
    ],
    stakeholders: [
      Stakeholder(
        "Alpaydin, Kaynak (Bogazici University)", kind: "people", region: "Istanbul", roles: [.collector, .processor],
        decides: [.purpose, .publication], receives: [.credit, .knowledge], contributes: [.labour, .knowledge]),
      Stakeholder(
        "The writers", kind: "people", region: "Istanbul", roles: [.collector], decides: [], receives: nil,
        contributes: [.labour], isVisible: false),
    ], withoutPeople: "the records are pictures of digits, and none leads to who wrote it")
}
