import Formats
import Foundation
import Lab
import Pinion

/// What a user gives: points or a graph, with names and, where there are any, known classes.
struct SpectralInput {
  enum Content {
    case points(Points)
    case graph(SparseMatrix)
  }

  let path: String
  let content: Content
  /// Names of the vertices of an edge list; numbers from 1 elsewhere.
  let names: [String]
  /// Values of the column of known classes; nil without one.
  let classes: [String]?

  /// Number of points or vertices.
  var count: Int {
    switch content {
    case .points(let points): points.count
    case .graph(let graph): graph.count
    }
  }

  /// The points.
  ///
  /// - Throws: `UsageError` where it's a graph.
  func points(for purpose: String) throws -> Points {
    guard case .points(let points) = content else { throw UsageError("\(path): is a graph, \(purpose) takes points") }
    return points
  }

  /// Reads a file: points from `.csv`, `.tsv` or `.npy`, a graph from `.mtx`, `.edges` or `.edgelist`.
  ///
  /// - Parameters:
  ///   - isEdgeList: whether it's an edge list whatever its name.
  ///   - classColumn: name or number from 1 of a CSV column that isn't a coordinate.
  /// - Throws: `FormatError` with file and line.
  init(path: String, isEdgeList: Bool = false, classColumn: String? = nil) throws {
    let name = path.lowercased()
    if isEdgeList || name.hasSuffix(".edges") || name.hasSuffix(".edgelist") {
      self = try Self.edgeList(path)
    } else if name.hasSuffix(".mtx") {
      self = try Self.matrixMarket(path)
    } else if name.hasSuffix(".npy") {
      self = try Self.numPy(path)
    } else if name.hasSuffix(".csv") || name.hasSuffix(".tsv") || name.hasSuffix(".txt") {
      self = try Self.table(path, separator: name.hasSuffix(".csv") ? "," : "\t", classColumn: classColumn)
    } else {
      throw FormatError(
        path, "expected points (.csv, .tsv, .npy), a matrix (.mtx) or edges (.edges, .edgelist, or --edges)")
    }
    if classColumn != nil, classes == nil { throw FormatError(path, "only a CSV file has a column of classes") }
  }

  private init(_ path: String, _ content: Content, names: [String], classes: [String]? = nil) {
    (self.path, self.content, self.names, self.classes) = (path, content, names, classes)
  }

  /// The same points or vertices with other content.
  func replacing(_ content: Content) -> SpectralInput { SpectralInput(path, content, names: names, classes: classes) }

  private static func numbered(_ count: Int) -> [String] { (0..<count).map { String($0 + 1) } }

  // MARK: Points

  private static func numPy(_ path: String) throws -> SpectralInput {
    let tensor = try NumPy.read(path)
    guard tensor.rank == 2, tensor.dtype.isFloating || tensor.dtype.isInteger, tensor.count > 0 else {
      throw FormatError(path, "is \(tensor.dtype)\(tensor.shape), expected numbers [points, coordinates]")
    }
    let values = try tensor.cast(.float64).array(of: Double.self)
    if let wrong = values.firstIndex(where: { !(abs($0) < 1e100) }) {
      let (row, column) = (wrong / tensor.shape[1], wrong % tensor.shape[1])
      throw FormatError(path, "row \(row), column \(column) is \(values[wrong]), expected a number within ±1e100")
    }
    return SpectralInput(
      path, .points(try Points(values, dimension: tensor.shape[1])), names: numbered(tensor.shape[0]))
  }

  private static func table(_ path: String, separator: Character, classColumn: String?) throws -> SpectralInput {
    var table = try CSV(path: path, hasHeader: false, separator: separator)
    guard let first = table.rows.first else { throw FormatError(path, "is empty, expected points") }
    if separator == "\t", first.count == 1, first[0].contains(" "), !first[0].contains("\"") {
      throw FormatError(
        table.place(ofRow: 0), "has no tab; expected coordinates with tabs between them, or --edges for an edge list")
    }
    // A first line that isn't numbers names the columns; a class may be a word in any line.
    let classPlace = classColumn.flatMap { Int($0) }.map { $0 - 1 }
    let isHeader = first.enumerated().contains { $0.offset != classPlace && number($0.element) == nil }
    if isHeader { table = try CSV(path: path, hasHeader: true, separator: separator) }
    guard !table.rows.isEmpty else { throw FormatError(path, "has names of columns and no points") }
    let classIndex = try classColumn.map { try index(of: $0, in: table.header, width: first.count, path) }
    var values: [Double] = []
    values.reserveCapacity(table.rows.count * first.count)
    for (row, fields) in table.rows.enumerated() {
      for (column, field) in fields.enumerated() where column != classIndex {
        guard let value = number(field), abs(value) < 1e100 else {
          let name = table.header.flatMap { column < $0.count ? "'\($0[column])'" : nil } ?? "\(column + 1)"
          throw FormatError(
            table.place(ofRow: row), "column \(name): '\(field.prefix(40))' isn't a number within ±1e100")
        }
        values.append(value)
      }
    }
    let dimension = first.count - (classIndex == nil ? 0 : 1)
    guard dimension > 0 else { throw FormatError(path, "has no column besides the classes") }
    return SpectralInput(
      path, .points(try Points(values, dimension: dimension)), names: numbered(table.rows.count),
      classes: classIndex.map { index in table.rows.map { $0[index] } })
  }

  private static func number(_ field: String) -> Double? {
    Double(field.trimmingCharacters(in: .whitespaces))
  }

  private static func index(of name: String, in header: [String]?, width: Int, _ path: String) throws -> Int {
    if let place = header?.firstIndex(of: name) { return place }
    if let number = Int(name), (1...width).contains(number) { return number - 1 }
    throw FormatError(
      path, "has no column '\(name)'; it has \(header?.joined(separator: ", ") ?? "columns 1 to \(width)")")
  }

  // MARK: Graphs

  /// Lines of two names and a weight, 1 where it's left out; a pair that occurs again has the same weight.
  private static func edgeList(_ path: String) throws -> SpectralInput {
    let bytes = try File.read(path, limit: 1 << 33)
    guard let text = String(validating: bytes, as: UTF8.self) else { throw FormatError(path, "isn't UTF-8 text") }
    var (numbers, names): ([Substring: Int], [String]) = ([:], [])
    var seen: [Pair: Double] = [:]
    var edges: [(Int, Int, Double)] = []
    func vertex(_ name: Substring) -> Int {
      if let number = numbers[name] { return number }
      numbers[name] = names.count
      names.append(String(name))
      return names.count - 1
    }
    for (at, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
      let fields = line.split { $0 == " " || $0 == "\t" || $0 == "," || $0 == ";" }
      guard let first = fields.first, !first.hasPrefix("#"), !first.hasPrefix("%") else { continue }
      guard fields.count == 2 || fields.count == 3 else {
        throw FormatError("\(path):\(at + 1)", "\(fields.count) fields, expected two names and a weight or none")
      }
      let weight = fields.count == 3 ? Double(fields[2]) : 1
      guard let weight, weight >= 0, weight.isFinite else {
        throw FormatError(
          "\(path):\(at + 1)", "weight '\(fields[2].prefix(40))', expected a finite number of at least 0")
      }
      let (a, b) = (vertex(fields[0]), vertex(fields[1]))
      let pair = Pair(min(a, b), max(a, b))
      if let before = seen[pair] {
        guard before == weight else {
          throw FormatError(
            "\(path):\(at + 1)", "the edge \(fields[0]) \(fields[1]) had weight \(before) before, now \(weight)")
        }
        continue
      }
      seen[pair] = weight
      edges.append((a, b, weight))
    }
    guard !names.isEmpty else { throw FormatError(path, "has no edges") }
    return SpectralInput(path, .graph(try SparseMatrix(count: names.count, edges: edges)), names: names)
  }

  private struct Pair: Hashable {
    let a: Int
    let b: Int
    init(_ a: Int, _ b: Int) { (self.a, self.b) = (a, b) }
  }

  /// Symmetric similarities; of a general matrix both triangles must agree.
  private static func matrixMarket(_ path: String) throws -> SpectralInput {
    let matrix = try MatrixMarket(path: path)
    guard matrix.rows == matrix.columns, matrix.rows > 0 else {
      throw FormatError(path, "is \(matrix.rows) x \(matrix.columns), expected a square matrix")
    }
    guard matrix.symmetry != .skewSymmetric else {
      throw FormatError(path, "is skew-symmetric, similarities are symmetric")
    }
    var values: [Pair: (value: Double, line: Int)] = [:]
    for entry in matrix.entries {
      guard entry.value >= 0, entry.value.isFinite else {
        throw FormatError("\(path):\(entry.line)", "similarity \(entry.value), expected a finite number of at least 0")
      }
      guard values.updateValue((entry.value, entry.line), forKey: Pair(entry.row, entry.column)) == nil else {
        throw FormatError("\(path):\(entry.line)", "place (\(entry.row + 1), \(entry.column + 1)) occurs twice")
      }
    }
    var edges: [(Int, Int, Double)] = []
    for (pair, entry) in values {
      if matrix.symmetry == .general {
        let other = values[Pair(pair.b, pair.a)]?.value ?? 0
        guard other == entry.value else {
          throw FormatError(
            "\(path):\(entry.line)",
            "isn't symmetric: (\(pair.a + 1), \(pair.b + 1)) is \(entry.value), (\(pair.b + 1), \(pair.a + 1)) \(other)"
          )
        }
        if pair.a > pair.b { continue }
      }
      edges.append((pair.a, pair.b, entry.value))
    }
    edges.sort { ($0.0, $0.1) < ($1.0, $1.1) }
    return SpectralInput(
      path, .graph(try SparseMatrix(count: matrix.rows, edges: edges)), names: numbered(matrix.rows))
  }
}
