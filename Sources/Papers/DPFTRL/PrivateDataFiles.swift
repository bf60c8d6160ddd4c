import Formats
import Foundation
import Lab
import Pinion

/// Reads what a user trains on: folders of pictures, IDX files, CIFAR-10's batches, tables (.csv) and arrays (.npz).
struct PrivateDataFiles {
  /// Pixels of a picture's edge.
  var side = 28
  /// 1 grey, 3 colour.
  var channels = 1
  /// Column of a table that has the class; the last without it.
  var label: String?
  /// Columns of a table that aren't features, such as that of the clients.
  var ignored: [String] = []
  /// A public table whose columns' means and deviations scale the numbers; without it they are taken as they are.
  var scale: String?

  /// Examples to train on, and to test on where the source has them.
  ///
  /// - Throws: `FormatError` with file and line.
  func load(_ path: String) throws -> (train: PrivateData, test: PrivateData?) {
    switch (path as NSString).pathExtension.lowercased() {
    case "csv": return (try table(path), nil)
    case "npz": return (try arrays(path), nil)
    default:
      if scale != nil { throw FormatError(path, "--scale is for rows of numbers; pictures have a scale of their own") }
      let splits = try ImageFolder(side: side, channels: channels).load(path)
      return (PrivateData(splits.train), splits.test.map { PrivateData($0) })
    }
  }

  // MARK: Tables

  private func table(_ path: String) throws -> PrivateData {
    let table = try CSV(path: path)
    guard let header = table.header, let last = header.last(where: { !ignored.contains($0) }) else {
      throw FormatError(path, "has no columns")
    }
    let name = label ?? last
    let classes = try table.column(name)
    let names = Set(classes).sorted()
    guard names.count > 1, names.count <= max(2, classes.count / 2) else {
      throw FormatError(
        path,
        "column '\(name)' has \(names.count) different values in \(classes.count) rows, expected classes; --label names "
          + "the column")
    }
    let columns = header.filter { $0 != name && !ignored.contains($0) }
    let places = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, Int32($0)) })
    return PrivateData(
      name: path, kind: try kind(columns), rows: try Self.rows(table, columns, path),
      labels: classes.compactMap { places[$0] }, classNames: names)
  }

  /// The features of a table in an order, float32 [N, columns].
  static func rows(_ table: CSV, _ columns: [String], _ path: String) throws -> Tensor {
    guard !columns.isEmpty else { throw FormatError(path, "has no column besides the classes") }
    let numbers = try columns.map { name -> [Double] in
      let values = try table.numbers(name)
      if let wrong = values.firstIndex(where: { !$0.isFinite || abs($0) > 1e30 }) {
        throw FormatError(
          table.place(ofRow: wrong), "column '\(name)' is \(values[wrong]), expected a number within ±1e30")
      }
      return values
    }
    let count = table.rows.count
    guard count > 0 else { throw FormatError(path, "has names of columns and no rows") }
    let values = (0..<count).flatMap { row in numbers.map { Float($0[row]) } }
    return Tensor(values, shape: [count, columns.count])
  }

  private func kind(_ columns: [String]) throws -> PrivateData.Kind {
    guard let scale else {
      return .numbers(
        columns: columns, shift: columns.map { _ in 0 }, scale: columns.map { _ in 1 })
    }
    let table = try CSV(path: scale)
    var (shifts, scales): ([Double], [Double]) = ([], [])
    for name in columns {
      let values = try table.numbers(name)
      guard values.count > 1, values.allSatisfy(\.isFinite) else {
        throw FormatError(scale, "column '\(name)' has no two finite numbers")
      }
      let deviation = Statistics.standardDeviation(values)
      shifts.append(Statistics.mean(values))
      scales.append(deviation > 0 ? deviation : 1)
    }
    return .numbers(columns: columns, shift: shifts, scale: scales)
  }

  // MARK: Arrays

  private func arrays(_ path: String) throws -> PrivateData {
    let arrays = try NumPy.readArchive(path)
    func pick(_ names: [String], _ what: String) throws -> Tensor {
      for name in names { if let found = arrays[name] { return found } }
      throw FormatError(
        path,
        "has no \(what): expected one of \(names.joined(separator: ", ")), found \(arrays.keys.sorted().joined(separator: ", "))"
      )
    }
    let features = try pick(["x", "images", "features", "x_train", "data"], "features")
    let classes = try pick(["y", "labels", "y_train", "target"], "labels")
    guard classes.rank == 1, classes.dtype.isInteger, features.rank >= 2, features.shape[0] == classes.shape[0],
      features.shape[0] > 0
    else {
      throw FormatError(
        path, "features are \(features.type), labels \(classes.type); expected [N, …] and integers [N], N at least 1")
    }
    let numbers = try classes.cast(.int64).array(of: Int64.self)
    guard let top = numbers.max(), let low = numbers.min(), low >= 0, top < 1 << 20 else {
      throw FormatError(
        path, "labels go from \(numbers.min() ?? 0) to \(numbers.max() ?? 0), expected 0 to the classes' number")
    }
    let names = (0...Int(top)).map(String.init)
    let labels = numbers.map { Int32($0) }
    if features.dtype == .uint8, features.rank >= 3 {
      let shape = features.shape
      let channels = features.rank == 4 ? shape[3] : 1
      guard features.rank <= 4, shape[1] == shape[2], channels == 1 || channels == 3 else {
        throw FormatError(
          path, "pictures are \(features.type), expected uint8 [N, side, side] or [N, side, side, 1 or 3]")
      }
      return PrivateData(
        name: path, kind: .pictures(side: shape[1], channels: channels),
        rows: features.reshape([shape[0], shape[1], shape[2], channels]), labels: labels, classNames: names)
    }
    guard features.rank == 2, features.dtype.isFloating || features.dtype.isInteger else {
      throw FormatError(path, "features are \(features.type), expected numbers [N, columns] or pictures of bytes")
    }
    let rows = features.cast(.float32)
    guard try rows.isFinite().all().array(of: Bool.self) == [true] else {
      throw FormatError(path, "features aren't all finite")
    }
    return PrivateData(
      name: path, kind: try kind((0..<features.shape[1]).map { "column \($0)" }), rows: rows, labels: labels,
      classNames: names)
  }
}

/// Which examples belong to which client.
struct ClientRows {
  /// Rows of each client, all filled up to one length with −1.
  var rows: [[Int32]]
  /// Rows that are left out, as their clients have too many.
  var leftOut: Int

  /// - Parameters:
  ///   - names: the client of each example.
  ///   - limit: rows of a client that count at most.
  ///   - parts: what the length is a multiple of.
  ///   - key: decides which rows of a large client count.
  /// - Throws: `TensorError`.
  init(_ names: [String], limit: Int, parts: Int, key: Key) throws {
    let order = try key.permutation(names.count).array(of: Int32.self)
    var byClient: [String: [Int32]] = [:]
    leftOut = 0
    for row in order {
      let name = names[Int(row)]
      if byClient[name, default: []].count < limit {
        byClient[name, default: []].append(row)
      } else {
        leftOut += 1
      }
    }
    let longest = byClient.values.map(\.count).max() ?? 1
    let length = (longest + parts - 1) / parts * parts
    rows = byClient.keys.sorted().map { name in
      let own = byClient[name] ?? []
      // Spread over the parts, so that each local step has some.
      var filled = [Int32](repeating: -1, count: length)
      for (i, row) in own.enumerated() { filled[i % parts * (length / parts) + i / parts] = row }
      return filled
    }
  }
}
