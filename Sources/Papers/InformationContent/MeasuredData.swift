import Formats
import Foundation
import Lab
import Pinion

/// What a user gives to be measured: examples with a class each.
struct MeasuredData: Sendable {
  let path: String
  /// [n, d], row-major.
  var values: [Double]
  var labels: [Int]
  let classNames: [String]
  /// Numbers of an example d.
  let dimension: Int
  /// Height, width and channels where examples are pictures.
  let picture: [Int]?

  var count: Int { labels.count }

  private init(path: String, values: [Double], labels: [Int], classNames: [String], picture: [Int]? = nil) throws {
    guard labels.count >= 2, !values.isEmpty, values.count % labels.count == 0 else {
      throw FormatError(
        path, "\(labels.count) examples of \(values.count) numbers in all, expected at least two examples")
    }
    let dimension = values.count / labels.count
    if let wrong = values.firstIndex(where: { !(abs($0) < 1e100) }) {
      throw FormatError(
        path, "example \(wrong / dimension + 1) has the number \(values[wrong]), expected one within ±1e100")
    }
    // Names of classes that no example has would be orthants of negative signs alone.
    let used = Set(labels).sorted()
    guard used.count >= 2 else { throw FormatError(path, "all examples are of one class, expected at least two") }
    let places = Dictionary(uniqueKeysWithValues: used.enumerated().map { ($1, $0) })
    (self.path, self.values, self.picture, self.dimension) = (path, values, picture, dimension)
    self.labels = labels.compactMap { places[$0] }
    self.classNames = used.map { classNames[$0] }
  }

  /// Reads a folder of pictures by class (or IDX or CIFAR-10 files), a CSV file with a column of classes, a `.npz` archive of
  /// features and labels, or a `.npy` file of features beside a file of labels.
  ///
  /// - Parameters:
  ///   - labels: column of a CSV file (the last without it), array of an archive (`labels` or `y` without it), or file of labels
  ///     beside a `.npy` file.
  ///   - features: array of an archive; the only other one without it.
  ///   - side: pixels of the edge of pictures in folders.
  /// - Throws: `FormatError` in one line.
  init(path: String, labels: String?, features: String?, side: Int, channels: Int) throws {
    switch (path as NSString).pathExtension.lowercased() {
    case "csv":
      let table = try LabelledTable(csv: path, label: labels)
      try self.init(path: path, values: table.values, labels: table.labels, classNames: table.classNames)
    case "npz": self = try Self.archive(path, labels: labels, features: features)
    case "npy":
      guard let labels else { throw FormatError(path, "has no labels; --labels names a file of them (.npy or .csv)") }
      self = try Self.arrays(path, NumPy.read(path), Self.labelFile(labels), labelPath: labels)
    default:
      let set = try ImageFolder(side: side, channels: channels).load(path).train
      try self.init(
        path: path, values: set.images.map { Double($0) / 255 }, labels: set.labels.map { Int($0) },
        classNames: set.classNames, picture: [set.height, set.width, set.channels])
    }
  }

  private static func archive(_ path: String, labels: String?, features: String?) throws -> MeasuredData {
    let arrays = try NumPy.readArchive(path)
    let names = arrays.keys.sorted()
    let known = names.joined(separator: ", ")
    guard let label = labels ?? ["labels", "y"].first(where: { arrays[$0] != nil }), let classes = arrays[label] else {
      throw FormatError(path, "has no array '\(labels ?? "labels")'; it has \(known); --labels names one")
    }
    let others = names.filter { $0 != label }
    guard let feature = features ?? (others.count == 1 ? others[0] : ["features", "x"].first { arrays[$0] != nil }),
      let values = arrays[feature]
    else { throw FormatError(path, "which array has the features? it has \(known); --features names one") }
    return try Self.arrays(path, values, classes.array(ofNumbers: "\(path)/\(label)"), labelPath: "\(path)/\(label)")
  }

  private static func labelFile(_ path: String) throws -> [Double] {
    if path.lowercased().hasSuffix(".npy") { return try NumPy.read(path).array(ofNumbers: path) }
    let table = try CSV(path: path, hasHeader: false)
    return try table.rows.enumerated().compactMap { at, row in
      if let number = row.first.flatMap({ Double($0.trimmingCharacters(in: .whitespaces)) }), row.count == 1 {
        return number
      }
      // The first line may be a heading.
      guard at == 0, row.count == 1 else {
        throw FormatError(
          table.place(ofRow: at), "'\(row.joined(separator: ",").prefix(40))' isn't one number, the label")
      }
      return nil
    }
  }

  private static func arrays(_ path: String, _ x: Tensor, _ classes: [Double], labelPath: String) throws -> MeasuredData
  {
    guard x.rank >= 2, x.dtype.isFloating || x.dtype.isInteger, x.count > 0 else {
      throw FormatError(path, "features are \(x.dtype)\(x.shape), expected numbers [examples, …]")
    }
    guard classes.count == x.shape[0] else {
      throw FormatError(labelPath, "has \(classes.count) labels for \(x.shape[0]) examples")
    }
    if let wrong = classes.firstIndex(where: { $0 != $0.rounded() || abs($0) > 1e9 }) {
      throw FormatError(labelPath, "label \(wrong + 1) is \(classes[wrong]), expected whole numbers")
    }
    let numbers = Set(classes.map { Int($0) }).sorted()
    guard numbers.count <= max(2, classes.count / 2) else {
      throw FormatError(
        labelPath, "has \(numbers.count) different labels for \(classes.count) examples, expected classes")
    }
    let places = Dictionary(uniqueKeysWithValues: numbers.enumerated().map { ($1, $0) })
    let picture = x.rank == 3 ? Array(x.shape.dropFirst()) + [1] : x.rank == 4 ? Array(x.shape.dropFirst()) : nil
    return try MeasuredData(
      path: path, values: x.cast(.float64).array(of: Double.self), labels: classes.compactMap { places[Int($0)] },
      classNames: numbers.map(String.init), picture: picture)
  }

  /// Some of the examples by chance, in their order; all where there are no more.
  func limited(to limit: Int, key: Key) throws -> MeasuredData {
    guard count > limit else { return self }
    let order = try key.permutation(count).array(of: Int32.self).prefix(limit).map { Int($0) }.sorted()
    let rows = order.flatMap { values[$0 * dimension..<($0 + 1) * dimension] }
    return try MeasuredData(
      path: path, values: rows, labels: order.map { labels[$0] }, classNames: classNames, picture: picture)
  }

  /// Pictures without their mean level over all examples; of tables each column with mean 0 and deviation 1.
  func centred() throws -> MeasuredData {
    var result = self
    if picture != nil {
      let mean = Statistics.mean(values)
      result.values = values.map { $0 - mean }
    } else {
      let table = try LabelledTable(
        name: path, values: values, featureNames: (0..<dimension).map(String.init), labels: labels,
        classNames: classNames)
      result.values = try table.standardized().values
    }
    return result
  }
}

extension Tensor {
  /// The numbers of a vector.
  ///
  /// - Throws: `FormatError` where it's none.
  fileprivate func array(ofNumbers file: String) throws -> [Double] {
    guard rank == 1 || rank == 2 && shape[1] == 1, dtype.isInteger || dtype.isFloating || dtype == .bool else {
      throw FormatError(file, "labels are \(dtype)\(shape), expected numbers [examples]")
    }
    return try cast(.float64).array(of: Double.self)
  }
}
