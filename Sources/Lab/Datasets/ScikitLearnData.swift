import Formats

/// Small data sets that come inside of scikit-learn: four tables and two photographs.
///
/// Their files are taken out of the wheel on PyPI, or from scikit-learn's repository.
public enum ScikitLearnData {
  private static let version = "1.7.2"

  private static func wheel(_ folder: String) -> DatasetInfo.Wheel {
    DatasetInfo.Wheel(
      "scikit-learn", version, platform: "manylinux2014_x86_64", folder: "sklearn/datasets/\(folder)",
      byteCount: 9_715_424)
  }

  private static func url(_ folder: String) -> String {
    "https://raw.githubusercontent.com/scikit-learn/scikit-learn/\(version)/sklearn/datasets/\(folder)"
  }

  /// Four measures of 150 irises of three species (Anderson; Fisher, 1936).
  public static let iris = DatasetInfo(
    name: "iris", title: "Iris",
    source:
      "R. A. Fisher, \"The use of multiple measurements in taxonomic problems\", Annals of Eugenics 7, 1936, from "
      + "plants measured by E. Anderson; UCI Machine Learning Repository, copy of scikit-learn",
    licence: "CC BY 4.0 (UCI Machine Learning Repository)", wheel: wheel("data"), url: url("data"),
    files: [
      .init(
        "iris.csv", byteCount: 2_734, sha256: "f13ffa8fdd56fd8e6c8d16d4081a3fbd3114bcd0aae4256c43205169cd9d1449")
    ],
    splits: [.init("all", 150)],
    schema: [
      .init("features", "float64 [4]", "length and width of sepal and petal in cm"),
      .init("label", "int", "species: setosa, versicolor, virginica"),
    ], loader: "ScikitLearnData.load(ScikitLearnData.iris)", statement: irisStatement)

  /// Thirteen measures of 178 wines of three grape varieties from Piedmont (Forina and others, 1986).
  public static let wine = DatasetInfo(
    name: "wine", title: "Wine",
    source: "M. Forina, C. Armanino, M. Castino, M. Ubigli, \"Multivariate data analysis as a discriminating method of "
      + "the origin of wines\", Vitis 25, 1986; UCI Machine Learning Repository, copy of scikit-learn",
    licence: "CC BY 4.0 (UCI Machine Learning Repository)", wheel: wheel("data"), url: url("data"),
    files: [
      .init(
        "wine_data.csv", byteCount: 11_157, sha256: "10e8a802908b34f86e5da8ce962f3c806694bc98450a18f61851af59f324bede")
    ],
    splits: [.init("all", 178)],
    schema: [
      .init("features", "float64 [13]", "results of a chemical analysis, such as alcohol and proline"),
      .init("label", "int", "cultivar, 0 to 2"),
    ], loader: "ScikitLearnData.load(ScikitLearnData.wine)", statement: wineStatement)

  /// 1,797 handwritten digits of 8 x 8 pixels (Alpaydin, Kaynak, 1998).
  public static let digits = DatasetInfo(
    name: "digits", title: "Optical recognition of handwritten digits",
    source: "E. Alpaydin, C. Kaynak, \"Cascading classifiers\", Kybernetika 34, 1998; UCI Machine Learning Repository, "
      + "copy of its test part in scikit-learn",
    licence: "CC BY 4.0 (UCI Machine Learning Repository)", wheel: wheel("data"), url: url("data"),
    files: [
      .init(
        "digits.csv.gz", byteCount: 57_523, sha256: "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22")
    ],
    splits: [.init("all", 1_797)],
    schema: [
      .init("features", "float64 [64]", "pixels of an 8 x 8 picture, row by row, each 0 to 16"),
      .init("label", "int", "digit, 0 to 9"),
    ], loader: "ScikitLearnData.load(ScikitLearnData.digits)", statement: digitsStatement)

  /// Thirty measures of cell nuclei of 569 breast masses, malignant or benign (Street, Wolberg, Mangasarian, 1993).
  ///
  /// It's about patients whose consent isn't known: an experiment that names it among its data sets is started only with
  /// a reason (`--acknowledge`).
  public static let breastCancer = DatasetInfo(
    name: "breast-cancer", title: "Breast cancer Wisconsin (diagnostic)",
    source:
      "W. N. Street, W. H. Wolberg, O. L. Mangasarian, \"Nuclear feature extraction for breast tumor diagnosis\", "
      + "SPIE 1905, 1993; UCI Machine Learning Repository, copy of scikit-learn",
    licence: "CC BY 4.0 (UCI Machine Learning Repository)", wheel: wheel("data"), url: url("data"),
    files: [
      .init(
        "breast_cancer.csv", byteCount: 119_913,
        sha256: "fed3eb72d0575ef6192293f5093c6e801b1476b577d0386bf4455504522172ed")
    ],
    splits: [.init("all", 569)],
    schema: [
      .init("features", "float64 [30]", "mean, standard error and worst of ten measures of cell nuclei"),
      .init("label", "int", "0 malignant, 1 benign"),
    ], loader: "ScikitLearnData.load(ScikitLearnData.breastCancer)", statement: breastCancerStatement)

  /// Two photographs of 640 x 427 pixels: a tower over a lake, and a flower.
  public static let pictures = DatasetInfo(
    name: "sample-pictures", title: "Sample pictures of scikit-learn",
    source: "china.jpg by danielbuechele, flower.jpg by vultilion, on Flickr; copies of scikit-learn",
    licence: "CC BY 2.0, the photographers", wheel: wheel("images"), url: url("images"),
    files: [
      .init(
        "china.jpg", byteCount: 196_653, sha256: "8378025ad2519d649d02e32bd98990db4ab572357d9f09841c2fbfbb4fefad29"),
      .init(
        "flower.jpg", byteCount: 142_987, sha256: "a77f6ec41e353afdf8bdff2ea981b2955535d8d83294f8cfa49cf4e423dd5638"),
    ],
    splits: [.init("all", 2)], schema: [.init("image", "uint8 [427, 640, 3]", "colour photograph")],
    loader: "ScikitLearnData.picture(\"china.jpg\")", statement: picturesStatement)

  /// The four tables.
  public static let tables = [digits, wine, iris, breastCancer]

  /// A table by its registration; fetched at first use.
  ///
  /// - Throws: `FormatError` where it can't be had or read, or isn't one of `tables`.
  public static func load(_ info: DatasetInfo, _ fetcher: Fetcher = Fetcher()) throws -> LabelledTable {
    guard let layout = layouts[info.name], let file = info.files.first else {
      throw FormatError(info.name, "isn't one of \(tables.map(\.name).joined(separator: ", "))")
    }
    return try read(info, file.name, fetcher) { try table($0, info, layout) }
  }

  /// One of the two photographs; fetched at first use.
  ///
  /// - Throws: `FormatError` where it can't be had or read.
  public static func picture(_ name: String, _ fetcher: Fetcher = Fetcher()) throws -> Image {
    guard pictures.files.contains(where: { $0.name == name }) else {
      throw FormatError(pictures.name, "has no \(name), only \(pictures.files.map(\.name).joined(separator: ", "))")
    }
    return try read(pictures, name, fetcher) { try Image(path: $0) }
  }

  private static func read<T>(
    _ info: DatasetInfo, _ file: String, _ fetcher: Fetcher, _ body: (String) throws -> T
  ) throws -> T {
    let path = "\(try fetcher.folder(of: info))/\(file)"
    do {
      return try body(path)
    } catch {
      // A file of the right length that rotted in the cache is fetched once more.
      guard try fetcher.removeDamaged(info) else { throw error }
      return try body("\(fetcher.folder(of: info))/\(file)")
    }
  }

  // MARK: Files

  private struct Layout {
    /// The first line says how many points and coordinates there are, and names the classes.
    let hasHeader: Bool
    let features: [String]
    let classes: [String]
  }

  private static let layouts: [String: Layout] = [
    "iris": Layout(
      hasHeader: true, features: ["sepal length", "sepal width", "petal length", "petal width"],
      classes: ["setosa", "versicolor", "virginica"]),
    "wine": Layout(
      hasHeader: true,
      features: [
        "alcohol", "malic acid", "ash", "alcalinity of ash", "magnesium", "total phenols", "flavanoids",
        "nonflavanoid phenols", "proanthocyanins", "colour intensity", "hue", "OD280/OD315", "proline",
      ], classes: ["class 0", "class 1", "class 2"]),
    "digits": Layout(
      hasHeader: false, features: (0..<64).map { "pixel \($0 / 8),\($0 % 8)" }, classes: (0..<10).map(String.init)),
    "breast-cancer": Layout(
      hasHeader: true,
      features: ["mean", "standard error of", "worst"].flatMap { kind in
        [
          "radius", "texture", "perimeter", "area", "smoothness", "compactness", "concavity", "concave points",
          "symmetry", "fractal dimension",
        ].map { "\(kind) \($0)" }
      }, classes: ["malignant", "benign"]),
  ]

  private static func table(_ path: String, _ info: DatasetInfo, _ layout: Layout) throws -> LabelledTable {
    var bytes = try File.read(path, limit: 1 << 24)
    if bytes.starts(with: [0x1f, 0x8b]) {
      bytes = try bytes.withUnsafeBytes { try Zlib.decompress($0, .gzip, limit: 1 << 26, file: path).bytes }
    }
    var lines = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
    if layout.hasHeader, !lines.isEmpty { lines.removeFirst() }
    var (values, labels): ([Double], [Int]) = ([], [])
    for (row, line) in lines.enumerated() {
      let fields = line.split(separator: ",", omittingEmptySubsequences: false)
      let numbers = fields.compactMap { Double($0) }
      guard numbers.count == fields.count, numbers.count == layout.features.count + 1,
        let label = numbers.last.flatMap({ Int(exactly: $0) })
      else {
        let place = row + (layout.hasHeader ? 2 : 1)
        throw FormatError("\(path):\(place)", "expected \(layout.features.count) numbers and a class")
      }
      values += numbers.dropLast()
      labels.append(label)
    }
    return try LabelledTable(
      name: info.name, values: values, featureNames: layout.features, labels: labels, classNames: layout.classes)
  }
}
