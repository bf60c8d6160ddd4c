/// A table of text (RFC 4180): rows of equal length, with or without names of columns.
public struct CSV: Hashable, Sendable {
  /// Names of the columns; `nil` without them.
  public var header: [String]?
  /// Fields by row.
  public var rows: [[String]]
  /// Name for errors.
  private var file = "csv"
  /// Line of the file on which each row begins.
  private var lines: [Int] = []

  /// A table of fields.
  public init(header: [String]? = nil, rows: [[String]]) {
    self.header = header
    self.rows = rows
  }

  /// Reads a file.
  ///
  /// - Throws: `FormatError` with the line at which the text stops being such a table.
  public init(path: String, hasHeader: Bool = true, separator: Character = ",") throws {
    let bytes = try File.read(path)
    guard let text = String(validating: bytes, as: UTF8.self) else { throw FormatError(path, "isn't UTF-8 text") }
    try self.init(parsing: text, hasHeader: hasHeader, separator: separator, file: path)
  }

  /// Parses text. Lines end with LF or CRLF; empty lines are passed over.
  ///
  /// - Throws: as `init(path:)`.
  public init(parsing text: String, hasHeader: Bool = true, separator: Character = ",", file: String = "csv") throws {
    var reader = CSVReader(text: text, separator: separator, file: file)
    var rows: [[String]] = []
    var lines: [Int] = []
    while let (row, line) = try reader.row() {
      let width = rows.first?.count ?? row.count
      guard row.count == width else {
        throw FormatError("\(file):\(line)", "\(row.count) fields, the first line has \(width)")
      }
      rows.append(row)
      lines.append(line)
    }
    if hasHeader {
      guard !rows.isEmpty else { throw FormatError(file, "is empty, expected names of columns") }
      header = rows.removeFirst()
      lines.removeFirst()
    }
    self.rows = rows
    self.file = file
    self.lines = lines
  }

  /// The fields of a column.
  ///
  /// - Throws: `FormatError` where there is none of that name.
  public func column(_ name: String) throws -> [String] {
    guard let place = header?.firstIndex(of: name) else {
      throw FormatError(file, "has no column '\(name)'; it has \(header?.joined(separator: ", ") ?? "no names")")
    }
    return rows.map { place < $0.count ? $0[place] : "" }
  }

  /// The numbers of a column.
  ///
  /// - Throws: `FormatError` where there is none of that name, or a field isn't a number.
  public func numbers(_ name: String) throws -> [Double] {
    try column(name).enumerated().map { row, field in
      let trimmed = field.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()
      guard let value = Double(String(trimmed)) else {
        throw FormatError(place(ofRow: row), "column '\(name)': '\(field)' isn't a number")
      }
      return value
    }
  }

  /// File and line of a row, for errors about it.
  public func place(ofRow row: Int) -> String {
    "\(file):\(lines.indices.contains(row) ? lines[row] : row + 1)"
  }

  /// The table as text, lines ending with CRLF; fields are quoted where they must be.
  public var text: String {
    let all = (header.map { [$0] } ?? []) + rows
    return all.map { row in
      // A lone empty field would look like no row at all.
      row == [""] ? "\"\"\r\n" : row.map(Self.quoted).joined(separator: ",") + "\r\n"
    }.joined()
  }

  /// Writes the table, whole or not at all.
  ///
  /// - Throws: `FormatError` with the system's reason.
  public func write(to path: String) throws { try File.write(text, to: path) }

  private static func quoted(_ field: String) -> String {
    let needsQuotes = field.unicodeScalars.contains { $0 == "," || $0 == "\"" || $0 == "\n" || $0 == "\r" }
    guard needsQuotes else { return field }
    return "\"" + field.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
  }

  public static func == (a: CSV, b: CSV) -> Bool { a.header == b.header && a.rows == b.rows }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(header)
    hasher.combine(rows)
  }
}

private struct CSVReader {
  private let text: [UInt8]
  private let separator: UInt8
  private let file: String
  private var place = 0
  private var line = 1

  init(text: String, separator: Character, file: String) {
    // A byte-order mark at the start isn't part of the first field.
    let bytes = Array(text.utf8)
    self.text = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? Array(bytes.dropFirst(3)) : bytes
    self.separator = separator.asciiValue ?? UInt8(ascii: ",")
    self.file = file
  }

  private var next: UInt8? { place < text.count ? text[place] : nil }

  private var isAtLineEnd: Bool {
    guard let next else { return true }
    return next == 0x0a || next == 0x0d && place + 1 < text.count && text[place + 1] == 0x0a
  }

  private mutating func skipLineEnd() {
    if next == 0x0d { place += 1 }
    if next == 0x0a { place += 1 }
    line += 1
  }

  mutating func row() throws -> ([String], line: Int)? {
    while next != nil, isAtLineEnd { skipLineEnd() }
    guard next != nil else { return nil }
    let start = line
    var fields = [try field()]
    while next == separator {
      place += 1
      fields.append(try field())
    }
    if next != nil { skipLineEnd() }
    return (fields, start)
  }

  private mutating func field() throws -> String {
    guard next == UInt8(ascii: "\"") else {
      let start = place
      while let byte = next, byte != separator, !isAtLineEnd {
        guard byte != UInt8(ascii: "\"") else {
          throw FormatError("\(file):\(line)", "a quote inside an unquoted field")
        }
        place += 1
      }
      return String(decoding: text[start..<place], as: UTF8.self)
    }
    let start = line
    place += 1
    var bytes: [UInt8] = []
    while let byte = next {
      place += 1
      if byte == UInt8(ascii: "\"") {
        if next != UInt8(ascii: "\"") {
          guard next == separator || isAtLineEnd else {
            throw FormatError("\(file):\(line)", "text after a closing quote")
          }
          return String(decoding: bytes, as: UTF8.self)
        }
        place += 1
      }
      if byte == 0x0a { line += 1 }
      bytes.append(byte)
    }
    throw FormatError("\(file):\(start)", "a quoted field doesn't end")
  }
}
