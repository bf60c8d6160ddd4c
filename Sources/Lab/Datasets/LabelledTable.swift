import Formats
import Pinion

/// Points with a class each, in host memory: one row a point.
public struct LabelledTable: Sendable {
  /// Name for reports and errors.
  public let name: String
  /// Coordinates [N, D], row-major.
  public let values: [Double]
  /// Names of the D coordinates.
  public let featureNames: [String]
  /// Class of each point, from 0.
  public let labels: [Int]
  /// Names of the classes in the order of their labels.
  public let classNames: [String]

  /// Points with their classes.
  ///
  /// - Throws: `FormatError` where counts disagree, a label has no class, or there are no points.
  public init(name: String, values: [Double], featureNames: [String], labels: [Int], classNames: [String]) throws {
    guard !labels.isEmpty, !featureNames.isEmpty, values.count == labels.count * featureNames.count else {
      throw FormatError(
        name, "\(values.count) numbers for \(labels.count) points of \(featureNames.count) coordinates")
    }
    if let wrong = labels.firstIndex(where: { !classNames.indices.contains($0) }) {
      throw FormatError(name, "point \(wrong) has label \(labels[wrong]), but there are \(classNames.count) classes")
    }
    self.name = name
    self.values = values
    self.featureNames = featureNames
    self.labels = labels
    self.classNames = classNames
  }

  /// Number of points N.
  public var count: Int { labels.count }

  /// Number of coordinates D.
  public var dimension: Int { featureNames.count }

  /// The coordinates, float64 [N, D].
  public var tensor: Tensor { Tensor(values, shape: [count, dimension]) }

  /// The table with each coordinate's mean 0 and standard deviation 1 (over N); a constant one becomes 0.
  public func standardized() throws -> LabelledTable {
    var result = values
    for column in 0..<dimension {
      var (sum, squares) = (0.0, 0.0)
      for row in 0..<count { sum += values[row * dimension + column] }
      let mean = sum / Double(count)
      for row in 0..<count {
        let centred = values[row * dimension + column] - mean
        squares += centred * centred
      }
      let deviation = (squares / Double(count)).squareRoot()
      for row in 0..<count {
        let place = row * dimension + column
        result[place] = deviation > 0 ? (values[place] - mean) / deviation : 0
      }
    }
    return try LabelledTable(
      name: name, values: result, featureNames: featureNames, labels: labels, classNames: classNames)
  }

  /// A table with a heading of which one column is the class: the named one, else the last.
  ///
  /// - Throws: `FormatError` with the file, the line and what was expected.
  public init(csv path: String, label: String? = nil) throws {
    let table = try CSV(path: path)
    guard let header = table.header, let name = label ?? header.last else {
      throw FormatError(path, "has no columns")
    }
    let classes = try table.column(name)
    let names = Array(Set(classes)).sorted()
    guard names.count > 1, names.count <= max(2, classes.count / 2) else {
      throw FormatError(
        path,
        "column '\(name)' has \(names.count) different values in \(classes.count) rows, expected classes; "
          + "--label names the column")
    }
    let features = header.filter { $0 != name }
    let columns = try features.map { try table.numbers($0) }
    let places = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
    try self.init(
      name: path, values: classes.indices.flatMap { row in columns.map { $0[row] } }, featureNames: features,
      labels: classes.compactMap { places[$0] }, classNames: names)
  }
}
