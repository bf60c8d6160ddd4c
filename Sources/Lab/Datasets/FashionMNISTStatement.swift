extension FashionMNIST {
  private static let article = "article (arXiv:1708.07747), section 2"
  private static let page = "https://github.com/zalandoresearch/fashion-mnist"
  private static let noPeople = "the pictures show products, and no record is about a person"

  /// Written from the article and the repository of the data set; what neither says is unknown.
  static let statement: DataStatement = {
    var statement = DataStatement(
      [
        .description: """
        70,000 grey pictures of 28 x 28 pixels of clothes, shoes and bags in ten classes, made as a drop-in \
        replacement of MNIST for benchmarks.
        """,
        .version: .known("the files of the repository since 2017, pinned here by SHA-256", saidBy: "Pinion"),
        .address: .known(page),
        .doi: .known("https://arxiv.org/abs/1708.07747", saidBy: "arXiv (the article; the data have no DOI)"),
        .licence: .known("MIT", evidence: page + "/blob/master/LICENSE", saidBy: "repository"),
        .published: .known("2017-08-25", evidence: "https://arxiv.org/abs/1708.07747", saidBy: "arXiv"),
        .citation: """
        Han Xiao, Kashif Rasul, Roland Vollgraf: Fashion-MNIST: a novel image dataset for benchmarking \
        machine learning algorithms, arXiv:1708.07747, 2017
        """,
        .maintenance: .known(
          "The repository of Zalando Research takes questions as issues; the files haven't changed since their publication.",
          evidence: page + "/issues", saidBy: "repository"),

        .barriers: .known(
          """
          Whoever would add products of another place can't: the pictures come from one company's shop, and \
          the company alone decides on them. For use the trust asked is small and the cost low, as the files \
          are few and free.
          """,
          saidBy: "Pinion, from the article"),
        .localContribution: .known(
          """
          In-house fashion experts gave each product its silhouette code, from which the classes come; \
          photographers took the pictures.
          """, saidBy: article),
        .localCredit: .known("no", saidBy: "article: it mentions both groups and names nobody of them"),

        .purpose: .known(
          "A benchmark of machine learning that is harder than MNIST and as easy to use.", saidBy: article),
        .purposeBreadth: .known("any use", saidBy: "licence"),

        .leftPlace: .known(
          "copies", evidence: "https://tracker.debian.org/pkg/dataset-fashion-mnist",
          saidBy: "repository on a server of GitHub; Debian's archive"),

        .licenceAllows: .known("any use", evidence: page + "/blob/master/LICENSE", saidBy: "licence"),
        .laws: .known(["law of the European Union", "German law"], saidBy: "seat of the company, Berlin"),

        .subjects: .known(
          "Products of one online shop: 70,000 articles for women, men, children and for all, none of them white.",
          saidBy: article),
        .subjectsArePeople: .known(
          "no", saidBy: "article: front looks of products; parts of a model may be dimly seen at 28 x 28 pixels"),
        .subjectsPlace: .known("Germany", saidBy: "seat of the company whose shop it is"),
        .subjectsNumber: .known("70000", saidBy: article),
        .collection: .known(
          """
          The front look of each product, among the pictures that professional photographers took for the \
          shop, 762 x 1000 pixels before light grey; of its reduced versions the thumbnail was taken.
          """, saidBy: article),
        .timeframe: .unknown,
        .processing: .known(
          """
          Converted to PNG; edges near the colour of the corner trimmed; the longer edge brought to 28 pixels \
          by leaving out pixels; sharpened; shorter edge extended to 28 with the picture in the middle; \
          inverted; made 8-bit grey.
          """,
          saidBy: article),
        .annotation: .known(
          """
          The class is the silhouette code of the product, given by the company's fashion experts and reviewed \
          by another team of it; each product has one code.
          """, saidBy: article),
        .missing: .known(
          "White products, for want of contrast; products outside the ten classes; whatever this shop didn't sell.",
          saidBy: article),
        .localKnowledge: .known(
          """
          Classes are those of a European shop of 2017: which garment counts as dress, coat or pullover \
          differs elsewhere.
          """, saidBy: "Pinion"),
        .documentationLanguages: .known(["en", "zh", "ja"], evidence: page, saidBy: "repository"),
        .limitations: .known(
          """
          Not fit to judge clothes in use, people, or shops of other places; a benchmark so small and so often \
          used that a small gain on its test pictures shows little.
          """, saidBy: "Pinion"),

        .costBearers: .known(
          ["Zalando SE", "GitHub", "Debian"], saidBy: "Pinion, from who holds the files"),
        .hosting: .known(
          "GitHub (United States), where Zalando SE can delete it; Debian's mirrors in many countries.",
          evidence: "https://tracker.debian.org/pkg/dataset-fashion-mnist"),
        .access: .known("open", evidence: page),
        .size: .known("31", saidBy: "sum of the files"),
        .formats: .known(["IDX, compressed with gzip"], saidBy: "repository"),
        .fees: .known("none", saidBy: "repository"),
        .localAccess: .known("yes", saidBy: "Pinion: 31 MB without registration"),

        .collectorsCredit: .known("no", saidBy: "article: photographers and experts aren't named"),
        .collectorsPay: .unknown,
        .annotatorsPay: .unknown,
        .firstUse: .known("yes", saidBy: "article: the company published data and benchmark together"),

        .misuse: .known(
          "Small: classifiers of clothes can sort people by what they wear, for which these pictures are too coarse.",
          saidBy: "Pinion"),
        .biases: .known(
          """
          One shop's assortment and season; classes of equal size, unlike any shop's; women's and men's wear \
          told apart by the shop.
          """, saidBy: "Pinion, from the article"),
        .mitigations: .known("Pictures of 28 x 28 grey pixels show no person who could be known.", saidBy: "Pinion"),
        .redress: .known("Issues of the repository.", evidence: page + "/issues"),
      ],
      stakeholders: [
        Stakeholder(
          "Zalando SE", kind: "company", region: "Germany", roles: [.funder, .owner, .processor],
          decides: [.purpose, .access, .publication, .deletion], receives: [.credit], contributes: [.data, .money]),
        Stakeholder(
          "Xiao, Rasul, Vollgraf (Zalando Research)", kind: "people", region: "Germany",
          roles: [.collector, .processor], receives: [.credit], contributes: [.labour, .knowledge]),
        Stakeholder(
          "Photographers of the shop", kind: "workers", region: nil, roles: [.collector], decides: [],
          receives: [.money],
          contributes: [.data, .labour], isVisible: false),
        Stakeholder(
          "Fashion experts who gave the codes", kind: "workers", region: nil, roles: [.processor], decides: [],
          receives: [.money], contributes: [.labour, .knowledge], isVisible: false),
        Stakeholder(
          "GitHub", kind: "company", region: "United States", roles: [.host], decides: [], receives: [.service],
          contributes: [.infrastructure]),
        Stakeholder(
          "Debian", kind: "association", region: "many countries", roles: [.host], receives: [.product],
          contributes: [.labour, .infrastructure]),
        Stakeholder(
          "Researchers and learners of machine learning", kind: "people", region: "everywhere", roles: [.user],
          receives: [.knowledge, .product]),
      ])
    statement.setPeopleAside(because: noPeople)
    return statement
  }()
}
