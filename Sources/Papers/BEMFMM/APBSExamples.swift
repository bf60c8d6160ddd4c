import Formats
import Lab

/// Molecules and a mesh of APBS's examples (Debian's `apbs-data`): lysozyme with its surface, proteins, a complex, an ion.
public enum APBSExamples {
  public static let info = DatasetInfo(
    name: "apbs-examples", title: "Molecules of APBS's examples",
    source:
      "N. A. Baker and others, https://github.com/Electrostatics/apbs; E. Jurrus and others, \"Improvements to the "
      + "APBS biomolecular solvation software suite\", Protein Science 27, 2018",
    licence: "BSD-3-Clause, Battelle Memorial Institute and others",
    package: "apbs-data", packageFolder: "/usr/share/apbs/examples",
    url: "https://raw.githubusercontent.com/Electrostatics/apbs/v3.4.1/examples",
    files: [
      .init(
        "pygbe/lys/lys1_charges.pqr", byteCount: 92_618,
        sha256: "0f803428c82856408739f42ff6a3edad73d9701b4a89eda147074d9b3899c4c9"),
      .init(
        "pygbe/lys/geometry/Lys1.vert", byteCount: 576_080,
        sha256: "4436cb6581772a61d15dbff6418a50282657852312a2c537bf56674dbdfd5900"),
      .init(
        "pygbe/lys/geometry/Lys1.face", byteCount: 446_338,
        sha256: "8459c2f9d46026db863e9e7980f804e6af2804a90d3ef28d9b1779f5c6098255"),
      .init(
        "pygbe/lys/geometry/Lys1_1.vert", byteCount: 2_800,
        sha256: "bd37152255309f890cfcb9507b64c8731caf0ab346501cab1915c0f9edd969e9"),
      .init(
        "pygbe/lys/geometry/Lys1_1.face", byteCount: 2_046,
        sha256: "6c4f7aa265e7d33e3a356fc74b7424f5a1bdf8777278a92d976303555ea3a613"),
      .init(
        "pygbe/lys/geometry/Lys1_2.vert", byteCount: 12_640,
        sha256: "b3cc2acadecec1a2bd3ff3d6a11220ba0236959e43b0aac4ebecece14f95a062"),
      .init(
        "pygbe/lys/geometry/Lys1_2.face", byteCount: 9_672,
        sha256: "71b2490da1d13e641063bb6d7bef084cdf89b749b9e6acc58b2a2b81c4782b05"),
      .init(
        "pygbe/lys/geometry/Lys1_3.vert", byteCount: 2_960,
        sha256: "aaa1ef59351784fa475d2ea86a9631150f899934fe5a19ca030b23622be916b8"),
      .init(
        "pygbe/lys/geometry/Lys1_3.face", byteCount: 2_170,
        sha256: "28cde649b5b7166ec82a68e2346b8741ac123c67184c5d2eef587d18a0833c9f"),
      .init(
        "pbsam-barn_bars/barnase.pqr", byteCount: 128_020,
        sha256: "ad61da323da4e4677b90193f5681f5db13cfe821232a967829059a1bfd5548b3"),
      .init(
        "pbsam-barn_bars/barstar.pqr", byteCount: 103_822,
        sha256: "78918d8a941ae6e5d616119dc970cacf308b9ded46b1eaf190ea218aee7b20bf"),
      .init(
        "bem/test_proteins/1a63.pqr", byteCount: 153_780,
        sha256: "48530774bad9fe0a63e834c4dc06e011a4718ae17aa328270d02ef5821ac67d4"),
      .init(
        "bem/test_proteins/1ajj.pqr", byteCount: 38_306,
        sha256: "be1b5a06f4eee962e5e1e9cfc988b4f1d0f5e9b726f5a117fb06499e215d6203"),
      .init(
        "FKBP/1d7h-dmso-complex.pqr", byteCount: 118_791,
        sha256: "321951214122539c0e48fb1eeae99e46f2f961ddb2123e4181d1c69e114872e6"),
      .init(
        "FKBP/1d7h-min.pqr", byteCount: 118_073,
        sha256: "9a5cdf56aab4efe3101c2e9517f317795dc6cf80127f241a1a1fa49d3803e250"),
      .init(
        "FKBP/dmso-min.pqr", byteCount: 718, sha256: "1a408e100aee5335bc2ac1f26cfa1d7031de1a4a6b9ae4b4fa669a60dc0b9269"),
      .init(
        "born/ion.pqr", byteCount: 66, sha256: "0df6d4081bae54397203c2ef7f98498cb73d62b2ca8c5db565a1d58e80cd142b"),
    ],
    splits: [.init("molecules", 9), .init("meshes", 4)],
    schema: [
      .init("atom", "PQR", "place and radius in Å, charge in elementary charges"),
      .init("mesh", "MSMS", "vertices and triangles of a solvent-excluded surface, in Å"),
    ], loader: "APBSExamples.lysozyme()", statement: statement)

  /// A file of the set; fetched at first use.
  ///
  /// - Throws: `FormatError` where it can't be had.
  public static func path(_ name: String, _ fetcher: Fetcher = Fetcher()) throws -> String {
    guard info.files.contains(where: { $0.name == name }) else {
      throw FormatError(info.name, "has no \(name), only \(info.files.map(\.name).joined(separator: ", "))")
    }
    return "\(try fetcher.folder(of: info))/\(name)"
  }

  /// Atoms of a molecule of the set; fetched at first use.
  ///
  /// - Throws: `FormatError` where it can't be had or read.
  public static func molecule(_ name: String, _ fetcher: Fetcher = Fetcher()) throws -> [PointCharge] {
    try read(fetcher) { try PQRFile.read(path(name, fetcher)) }
  }

  /// Lysozyme's atoms and its surface as it is in PyGBe's example, without its three cavities.
  ///
  /// - Throws: `FormatError` where they can't be had or read.
  public static func lysozyme(_ fetcher: Fetcher = Fetcher()) throws -> (atoms: [PointCharge], mesh: SurfaceMesh) {
    try read(fetcher) {
      (
        try PQRFile.read(path("pygbe/lys/lys1_charges.pqr", fetcher)),
        try SurfaceMesh(path: path("pygbe/lys/geometry/Lys1.vert", fetcher))
      )
    }
  }

  private static func read<T>(_ fetcher: Fetcher, _ body: () throws -> T) throws -> T {
    do {
      return try body()
    } catch {
      // A file of the right length that rotted in the cache is fetched once more.
      guard try fetcher.removeDamaged(info) else { throw error }
      return try body()
    }
  }

  // MARK: Statement

  private static let page = "https://github.com/Electrostatics/apbs/tree/v3.4.1/examples"
  private static let readme = "README files of the examples"

  /// Written from the files and the package; what neither says is unknown.
  static let statement: DataStatement = {
    var statement = DataStatement(
      [
        .description: """
        Atoms of proteins, of a complex with a small molecule and of an ion, with charges and radii, and the triangulated \
        surface of lysozyme: inputs of a program that computes electrostatics.
        """,
        .version: .known("the files of APBS 3.4.1, pinned here by SHA-256", saidBy: "Pinion"),
        .address: .known(page), .doi: .known("10.1002/pro.3280", saidBy: "APBS (the article; the files have none)"),
        .licence: .known("BSD-3-Clause", evidence: page, saidBy: "Debian's copyright file of apbs-data"),
        .published: .known("2002", saidBy: readme + ": versions from 0.2.0 on have results of them"),
        .citation: """
        E. Jurrus and others: Improvements to the APBS biomolecular solvation software suite, Protein Science 27, \
        112-128, 2018
        """,
        .maintenance: .known(
          "Issues of APBS's repository; bugs of the package at Debian's tracker.",
          evidence: "https://tracker.debian.org/pkg/apbs"),
        .barriers: .known(
          "Structures come from crystals and beams that few laboratories have; for use a small download does.",
          saidBy: "Pinion"),
        .localContribution: .known(
          "Crystallographers solved the structures; users of APBS prepared them as examples.", saidBy: readme),
        .localCredit: .known(
          "partly", saidBy: readme + ": who contributed an example is named, who solved the structure isn't"),
        .purpose: .known("To show APBS's use, and to test that versions give the same numbers.", saidBy: readme),
        .purposeBreadth: .known("any use", saidBy: "licence"), .leftPlace: .known("copies", saidBy: "Pinion"),
        .licenceAllows: .known("any use", evidence: "https://opensource.org/license/bsd-3-clause", saidBy: "licence"),
        .laws: .known(["law of the United States"], saidBy: "seat of the laboratory"),
        .subjects: .known(
          """
          Molecules: hen egg-white lysozyme, barnase and barstar (bacteria), a domain of Rho (1A63, bacteria), a domain \
          of the LDL receptor (1AJJ, human gene), FKBP (human gene) with dimethyl sulfoxide, an ion.
          """, saidBy: "Pinion, from names and sequences"),
        .subjectsArePeople: .known("no", saidBy: "Pinion: molecules"),
        .subjectsPlace: .known(["laboratories of many countries"], saidBy: "Pinion"),
        .subjectsNumber: .known("9", saidBy: "Pinion: molecules taken over from the whole"),
        .collection: .known(
          "X-ray diffraction and NMR, then hydrogens, charges and radii of a force field.", saidBy: "Pinion"),
        .timeframe: .known("structures of the 1990s", saidBy: "Pinion, from their numbers in the Protein Data Bank"),
        .processing: .known(
          "Lysozyme has charges of CHARMM and a surface of MSMS; which force field the others have isn't said.",
          saidBy: "Pinion, from the files"),
        .annotation: .notApplicable("there are no labels"),
        .missing: .known("Water, ions and motion; how hydrogens were placed.", saidBy: "Pinion"),
        .localKnowledge: .known(
          "Charges of acids and bases depend on a pH that the files don't tell.", saidBy: "Pinion"),
        .documentationLanguages: .known(["en"], evidence: page),
        .limitations: .known(
          "Fit to compare programs, not to say what a molecule does: one structure each, charges of a model.",
          saidBy: "Pinion"),
        .costBearers: .known(
          ["Pacific Northwest National Laboratory", "National Institutes of Health", "Debian"],
          saidBy: "APBS's page and Pinion"),
        .hosting: .known(
          "GitHub (United States), where APBS's developers can delete them; Debian's archive with many copies.",
          saidBy: "Pinion"),
        .access: .known("open", evidence: page),
        .size: .known("2", saidBy: "Pinion: the package and the files taken over"),
        .formats: .known(["PQR", "MSMS"], saidBy: "Pinion"), .fees: .known("none", saidBy: "Debian"),
        .localAccess: .known("yes", saidBy: "Pinion: a small package without registration"),
        .collectorsCredit: .known("named", saidBy: readme), .collectorsPay: .unknown,
        .annotatorsPay: .notApplicable("there are no labels"),
        .firstUse: .known("yes", saidBy: "structures were published by those who solved them"),
        .misuse: .known("Hardly: they are a few well-known molecules.", saidBy: "Pinion"),
        .biases: .known("Molecules that crystallise well and are small.", saidBy: "Pinion"),
        .mitigations: .known("none", saidBy: "Pinion: none is needed"),
        .redress: .known("Issues of the repository.", evidence: "https://github.com/Electrostatics/apbs/issues"),
      ],
      stakeholders: [
        Stakeholder(
          "APBS's developers", kind: "association", region: "United States", roles: [.owner, .host, .processor],
          decides: [.purpose, .access, .publication, .deletion], receives: [.credit, .money],
          contributes: [.labour, .knowledge]),
        Stakeholder(
          "Contributors of examples", kind: "people", region: "many countries", roles: [.processor],
          receives: [.credit], contributes: [.labour, .knowledge]),
        Stakeholder(
          "Crystallographers who solved the structures", kind: "people", region: "many countries",
          roles: [.collector], decides: [.publication], receives: [.credit], contributes: [.data, .labour],
          isVisible: false),
        Stakeholder(
          "Debian", kind: "association", region: "many countries", roles: [.host], decides: [.access],
          receives: [.product], contributes: [.labour, .infrastructure]),
        Stakeholder(
          "Computational biophysicists", kind: "people", region: "everywhere", roles: [.user],
          receives: [.knowledge, .product]),
      ])
    statement.setPeopleAside(because: "the records describe molecules")
    return statement
  }()
}
