extension ScikitLearnData {
  // MARK: Breast cancer

  /// About patients: what the articles don't say of them is unknown, and the audit blocks for it.
  static let breastCancerStatement = DataStatement(
    [
      .description: """
      Thirty measures of the nuclei of cells, taken from pictures of needle biopsies of 569 breast masses, and whether \
      the mass was malignant.
      """,
      .version: .known("the file of scikit-learn 1.7.2, pinned here by SHA-256", saidBy: "Pinion"),
      .address: .known("https://archive.ics.uci.edu/dataset/17/breast+cancer+wisconsin+diagnostic"),
      .doi: .known("10.24432/C5DW2B", saidBy: "UCI"),
      .licence: .known("CC-BY-4.0", saidBy: "UCI Machine Learning Repository"),
      .published: .known("1995-11-01", saidBy: "UCI"),
      .citation: """
      W. N. Street, W. H. Wolberg, O. L. Mangasarian: Nuclear feature extraction for breast tumor diagnosis, \
      SPIE 1905, 861-870, 1993
      """,
      .maintenance: .known(
        "The UCI repository answers for its page, scikit-learn for its copy.",
        evidence: "https://github.com/scikit-learn/scikit-learn/issues"),
      .barriers: .known(
        "Patients who would give such data have no say over it once it's public; hospitals that would, need staff, time and rules.",
        saidBy: "Pinion"),
      .localContribution: .known(
        "A surgeon of the hospital took the samples and outlined the nuclei together with students.", saidBy: "article"),
      .localCredit: .known("partly", saidBy: "article: the surgeon is an author, patients and students are not named"),
      .purpose: .known("Diagnosis of breast masses from a needle biopsy without surgery.", saidBy: "article"),
      .purposeBreadth: .known("any use", saidBy: "licence"),
      .governance: .known("none", saidBy: "articles: no body of patients is mentioned"), .refusal: .unknown,
      .pastHarms: .known(
        "Tissue of patients was taken and used without their knowledge for decades, as with Henrietta Lacks.",
        saidBy: "Pinion"),
      .categories: .known(["malignant", "benign"], saidBy: "UCI"),
      .categoriesBy: .known("collectors", saidBy: "article"),
      .awareness: .unknown, .trustInvestment: .unknown, .resultsReturned: .unknown,
      .relation: .known("ended", saidBy: "Pinion: records have no key to a person"),
      .leftPlace: .known("copies", saidBy: "Pinion: UCI (California), PyPI, GitHub"),
      .benefitsPromised: .unknown,
      .benefitsDelivered: .known("partly", saidBy: "article: the program was used for new patients of the hospital"),
      .benefitsEvidence: .known("Wolberg, Street, Mangasarian, Cancer Letters 77, 163-171, 1994", saidBy: "UCI"),
      .consentAsked: .unknown, .consentForm: .notApplicable("consent isn't known"),
      .consentLanguages: .notApplicable("consent isn't known"), .groupConsent: .unknown,
      .withdrawal: .known("no", saidBy: "Pinion: a record can't be found by its person, and copies are everywhere"),
      .consentScope: .notApplicable("consent isn't known"),
      .licenceAllows: .known("any use", evidence: "https://creativecommons.org/licenses/by/4.0/", saidBy: "licence"),
      .laws: .known(["law of the United States", "law of Wisconsin"], saidBy: "Pinion, from the place"),
      .protocols: .known(["none"], saidBy: "articles: none is mentioned"), .review: .unknown,
      .subjects: .known("Patients with a breast mass at one hospital.", saidBy: "article"),
      .subjectsArePeople: .known("yes", saidBy: "article"),
      .subjectsPlace: .known(["Madison, Wisconsin"], saidBy: "article"),
      .subjectsNumber: .known("569", saidBy: "UCI"),
      .subjectsLanguages: .known(["en"], saidBy: "Pinion, from the place"),
      .collection: .known(
        "Fine needle aspirates on slides; nuclei outlined by hand on a screen and followed by a snake; ten measures of each.",
        saidBy: "article"),
      .timeframe: .known("before November 1993", saidBy: "article"),
      .processing: .known(
        "Mean, standard error and mean of the three largest; numbers of patients left out.", saidBy: "scikit-learn"),
      .annotation: .known("Malignant by biopsy; benign by biopsy or by a later examination.", saidBy: "article"),
      .missing: .known("Age, stage and all else of the patients; masses that weren't sampled.", saidBy: "UCI"),
      .localKnowledge: .known(
        "The share of malignant masses is that of a hospital, not of a screening.", saidBy: "Pinion"),
      .documentationLanguages: .known(["en"], saidBy: "UCI"),
      .limitations: .known("Not fit to diagnose anyone: one hospital, one way to outline nuclei.", saidBy: "Pinion"),
      .costBearers: .known(["University of Wisconsin", "University of California, Irvine"], saidBy: "Pinion"),
      .hosting: .known("UCI, PyPI and GitHub, all in the United States; each can delete its copy.", saidBy: "Pinion"),
      .access: .known("open", saidBy: "UCI"), .size: .known("10", saidBy: "Pinion: the wheel; the file has 0.12"),
      .formats: .known(["CSV"], saidBy: "scikit-learn"), .fees: .known("none", saidBy: "UCI"),
      .localAccess: .known("yes", saidBy: "Pinion: a small file without registration"),
      .collectorsCredit: .known("authors", saidBy: "article"), .collectorsPay: .unknown, .annotatorsPay: .unknown,
      .firstUse: .known("yes", saidBy: "articles of 1993 before the data of 1995"),
      .vulnerable: .known(["patients with cancer"], saidBy: "Pinion"), .sensitive: .known(["health"], saidBy: "UCI"),
      .reidentification: .known("hardly", saidBy: "Pinion: measures of cells without name, age or day"),
      .misuse: .known("As proof that a program can diagnose, where it was only tried on this table.", saidBy: "Pinion"),
      .biases: .known("Those who came to one hospital; outlines depend on who drew them.", saidBy: "article"),
      .mitigations: .known("Names, days and numbers of the patients are left out.", saidBy: "scikit-learn"),
      .redress: .known(
        "The UCI repository's address.", evidence: "https://archive.ics.uci.edu/contact", saidBy: "UCI"),
    ],
    stakeholders: [
      Stakeholder(
        "Patients", kind: "people", region: "Madison, Wisconsin", roles: [.subject], decides: [], receives: [.service],
        contributes: [.data]),
      Stakeholder(
        "Wolberg, Street, Mangasarian (University of Wisconsin)", kind: "people", region: "Madison, Wisconsin",
        roles: [.collector, .processor, .owner], decides: [.purpose, .publication], receives: [.credit, .knowledge],
        contributes: [.labour, .knowledge]),
      Stakeholder(
        "University of California, Irvine", kind: "university", region: "United States", roles: [.host],
        decides: [.access, .deletion], receives: [.credit], contributes: [.infrastructure]),
      Stakeholder(
        "scikit-learn's developers", kind: "association", region: "many countries", roles: [.host],
        decides: [.access, .deletion], receives: [.product], contributes: [.labour]),
    ])

  // MARK: Pictures

  static let picturesStatement: DataStatement = {
    let readme = "README of the folder"
    let page = "https://github.com/scikit-learn/scikit-learn/blob/1.7.2/sklearn/datasets/images/README.txt"
    var statement = DataStatement(
      [
        .description: "Two photographs of 640 x 427 pixels: a tower over a lake in China, and a flower.",
        .version: .known("the files of scikit-learn 1.7.2, pinned here by SHA-256", saidBy: "Pinion"),
        .address: .known(page), .doi: .known("none", saidBy: "Pinion"),
        .licence: .known("CC-BY-2.0", evidence: page, saidBy: readme),
        .published: .known("2011-08-21", evidence: page, saidBy: readme + ": the day on which they were taken over"),
        .citation: "danielbuechele (china.jpg) and vultilion (flower.jpg), Flickr, CC BY 2.0",
        .maintenance: .known("scikit-learn's developers; issues of the repository.", evidence: page),
        .barriers: .known("None: whoever has a camera has such pictures.", saidBy: "Pinion"),
        .localContribution: .known(
          "Those who built the tower in the park, and tend it and the flower.", saidBy: "Pinion"),
        .localCredit: .known("no", saidBy: readme + ": it names the photographers only"),
        .purpose: .known("Examples of programs that work on pictures.", saidBy: "scikit-learn's documentation"),
        .purposeBreadth: .known("any use", saidBy: "licence"), .leftPlace: .known("copies", saidBy: "Pinion"),
        .licenceAllows: .known(
          "any use", evidence: "https://creativecommons.org/licenses/by/2.0/",
          saidBy: "licence, which asks for the names"),
        .laws: .known(["Chinese law (china.jpg)"], saidBy: "Pinion"),
        .subjects: .known(
          "A tower in a park by a lake with boats far away; a flower.", saidBy: "Pinion, from the pictures"),
        .subjectsArePeople: .known("no", saidBy: "Pinion: nobody can be seen at this size"),
        .subjectsPlace: .known(["Summer Palace, Beijing (china.jpg)"], saidBy: "Pinion, from the picture"),
        .subjectsNumber: .known("2", saidBy: readme), .collection: .known("Photographs put on Flickr.", saidBy: readme),
        .timeframe: .known("before August 2011", saidBy: readme),
        .processing: .known("Made smaller by Flickr.", saidBy: readme),
        .annotation: .notApplicable("there are no labels"),
        .missing: .known("Whatever two pictures don't show.", saidBy: "Pinion"),
        .localKnowledge: .known("The tower is a sight, photographed from where all do.", saidBy: "Pinion"),
        .documentationLanguages: .known(["en"], evidence: page),
        .limitations: .known("Two pictures show how a method looks, not how good it is.", saidBy: "Pinion"),
        .costBearers: .known(["scikit-learn's developers", "PyPI", "GitHub"], saidBy: "Pinion"),
        .hosting: .known(
          "PyPI and GitHub, United States, where scikit-learn's developers can delete them.", saidBy: "Pinion"),
        .access: .known("open", evidence: page), .size: .known("10", saidBy: "Pinion: the wheel; the files have 0.34"),
        .formats: .known(["JPEG"], saidBy: readme), .fees: .known("none", saidBy: "scikit-learn"),
        .localAccess: .known("yes", saidBy: "Pinion"),
        .collectorsCredit: .known("named", evidence: page, saidBy: readme),
        .collectorsPay: .known("unpaid", saidBy: "Pinion, from the licence"),
        .annotatorsPay: .notApplicable("there are no labels"),
        .firstUse: .known("yes", saidBy: "the photographers published first"),
        .misuse: .known("Hardly.", saidBy: "Pinion"),
        .biases: .known("What photographers like: bright, central, saturated.", saidBy: "Pinion"),
        .mitigations: .known("none", saidBy: "Pinion: none is needed"),
        .redress: .known("Issues of the repository.", evidence: "https://github.com/scikit-learn/scikit-learn/issues"),
      ],
      stakeholders: [
        Stakeholder(
          "danielbuechele, vultilion", kind: "people", region: nil, roles: [.collector, .owner],
          decides: [.purpose, .access, .publication, .deletion], receives: [.credit], contributes: [.data]),
        Stakeholder(
          "scikit-learn's developers", kind: "association", region: "many countries", roles: [.host, .processor],
          decides: [.deletion], receives: [.product], contributes: [.labour]),
        Stakeholder(
          "Learners of computer vision", kind: "people", region: "everywhere", roles: [.user], receives: [.knowledge]),
      ])
    statement.setPeopleAside(because: "nobody can be seen in the pictures")
    return statement
  }()
}
