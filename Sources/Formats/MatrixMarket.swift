/// A matrix in the Matrix Market format (NIST): coordinates or all numbers; real, integer or pattern.
public struct MatrixMarket: Hashable, Sendable {
  /// What the file says of the entries that it leaves out.
  public enum Symmetry: String, Sendable {
    case general, symmetric
    case skewSymmetric = "skew-symmetric"
  }

  public let rows: Int
  public let columns: Int
  public let symmetry: Symmetry
  /// Entries as the file has them, places from 0; a pattern's have the value 1.
  public let entries: [Entry]

  /// A number at its place.
  public struct Entry: Hashable, Sendable {
    public let row: Int
    public let column: Int
    public let value: Double
    /// Line of the file, from 1.
    public let line: Int
  }

  /// Reads a file.
  ///
  /// - Throws: `FormatError` with the line at which it stops being such a matrix.
  public init(path: String) throws {
    let bytes = try File.read(path, limit: 1 << 33)
    guard let text = String(validating: bytes, as: UTF8.self) else { throw FormatError(path, "isn't UTF-8 text") }
    try self.init(parsing: text, file: path)
  }

  /// Parses text.
  ///
  /// - Throws: as `init(path:)`.
  public init(parsing text: String, file: String = "mtx") throws {
    var reader = MatrixMarketReader(text: text, file: file)
    let (isCoordinate, isPattern, symmetry) = try reader.banner()
    let sizes = try reader.line()
    let (rows, columns) = (try reader.count(sizes, 0), try reader.count(sizes, 1))
    guard sizes.count == (isCoordinate ? 3 : 2) else {
      throw reader.error("expected \(isCoordinate ? "rows, columns and entries" : "rows and columns")")
    }
    guard symmetry == .general || rows == columns else {
      throw reader.error("a \(symmetry.rawValue) matrix is square, this one is \(rows) x \(columns)")
    }
    var entries: [Entry] = []
    if isCoordinate {
      let count = try reader.count(sizes, 2)
      // Each entry takes at least four bytes, so that a wrong number can't reserve memory.
      guard count <= text.utf8.count / 4 + 1 else { throw reader.error("says \(count) entries, the file is too short") }
      entries.reserveCapacity(count)
      for _ in 0..<count {
        let fields = try reader.line(expecting: count - entries.count)
        guard fields.count == (isPattern ? 2 : 3) else {
          throw reader.error("expected row, column\(isPattern ? "" : " and value")")
        }
        let (row, column) = (try reader.count(fields, 0), try reader.count(fields, 1))
        guard (1...max(rows, 1)).contains(row), (1...max(columns, 1)).contains(column), rows > 0, columns > 0 else {
          throw reader.error("place (\(row), \(column)) isn't in a matrix of \(rows) x \(columns)")
        }
        guard symmetry == .general || row >= column else {
          throw reader.error("(\(row), \(column)) lies above the diagonal of a \(symmetry.rawValue) matrix")
        }
        let value = isPattern ? 1 : try reader.number(fields[2])
        entries.append(Entry(row: row - 1, column: column - 1, value: value, line: reader.place))
      }
    } else {
      guard let all = checkedCount([rows, columns]), all <= text.utf8.count else {
        throw reader.error("says \(rows) x \(columns), the file is too short")
      }
      // Column by column; of a symmetric one the lower triangle.
      for column in 0..<columns {
        let first = symmetry == .general ? 0 : symmetry == .symmetric ? column : column + 1
        for row in first..<max(first, rows) {
          let fields = try reader.line(expecting: nil)
          guard fields.count == 1 else { throw reader.error("expected one number") }
          entries.append(Entry(row: row, column: column, value: try reader.number(fields[0]), line: reader.place))
        }
      }
    }
    try reader.end()
    (self.rows, self.columns, self.symmetry, self.entries) = (rows, columns, symmetry, entries)
  }
}

private struct MatrixMarketReader {
  private var lines: Array<Substring>.Iterator
  private let file: String
  /// Line that was read last, from 1.
  private(set) var place = 0

  init(text: String, file: String) {
    // A line may end with CRLF, which Swift counts as one character.
    lines = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }.makeIterator()
    self.file = file
  }

  func error(_ message: String) -> FormatError { FormatError("\(file):\(max(1, place))", message) }

  mutating func banner() throws -> (isCoordinate: Bool, isPattern: Bool, symmetry: MatrixMarket.Symmetry) {
    place = 1
    let words = (lines.next() ?? "").split { $0 == " " || $0 == "\t" }.map { $0.lowercased() }
    guard words.count == 5, words[0] == "%%matrixmarket", words[1] == "matrix" else {
      throw error("isn't a Matrix Market file: expected %%MatrixMarket matrix, format, field and symmetry")
    }
    guard ["coordinate", "array"].contains(words[2]) else {
      throw error("format \(words[2]), expected coordinate or array")
    }
    guard ["real", "double", "integer", "pattern"].contains(words[3]) else {
      throw error("numbers are \(words[3]), expected real, integer or pattern")
    }
    guard let symmetry = MatrixMarket.Symmetry(rawValue: words[4]) else {
      throw error("symmetry \(words[4]), expected general, symmetric or skew-symmetric")
    }
    guard words[2] == "coordinate" || words[3] != "pattern" else { throw error("an array can't be a pattern") }
    return (words[2] == "coordinate", words[3] == "pattern", symmetry)
  }

  /// Fields of the next line that is neither a comment nor empty.
  mutating func line(expecting left: Int? = nil) throws -> [Substring] {
    while let line = lines.next() {
      place += 1
      guard !line.hasPrefix("%") else { continue }
      let fields = line.split { $0 == " " || $0 == "\t" }
      if !fields.isEmpty { return fields }
    }
    throw FormatError(file, "ends early" + (left.map { ": \($0) entries are missing" } ?? ""))
  }

  mutating func end() throws {
    while let line = lines.next() {
      place += 1
      if !line.hasPrefix("%"), line.contains(where: { !$0.isWhitespace }) {
        throw error("goes on behind the last entry")
      }
    }
  }

  func count(_ fields: [Substring], _ index: Int) throws -> Int {
    guard fields.indices.contains(index), let value = Int(fields[index]), value >= 0, value <= 1 << 40 else {
      throw error("expected whole numbers")
    }
    return value
  }

  func number(_ field: Substring) throws -> Double {
    guard let value = Double(field) else { throw error("'\(field.prefix(40))' isn't a number") }
    return value
  }
}
