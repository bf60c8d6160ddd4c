/// A JSON value (RFC 8259), members in the order of the text.
///
/// The parser is strict: no repeated keys, no depth beyond a limit, no trailing text. It's meant for headers of files
/// that come from outside.
public indirect enum JSON: Hashable, Sendable {
  case null
  case bool(Bool)
  /// A whole number without point or exponent that fits.
  case integer(Int)
  case number(Double)
  case string(String)
  case array([JSON])
  case object([Member])

  /// A name and its value.
  public struct Member: Hashable, Sendable {
    public var name: String
    public var value: JSON

    public init(_ name: String, _ value: JSON) {
      self.name = name
      self.value = value
    }
  }

  /// Parses UTF-8 text.
  ///
  /// - Parameters:
  ///   - file: name for errors.
  ///   - depthLimit: how deep arrays and objects may nest.
  /// - Throws: `FormatError` with the byte at which the text stops being JSON.
  public init(parsing text: UnsafeRawBufferPointer, file: String, depthLimit: Int = 32) throws {
    var parser = JSONParser(text: text, file: file, depthLimit: depthLimit)
    self = try parser.document()
  }

  /// The member of that name; `nil` where this isn't an object that has it.
  public subscript(name: String) -> JSON? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.name == name }?.value
  }

  /// Compact text.
  public var text: String {
    switch self {
    case .null: "null"
    case .bool(let value): value ? "true" : "false"
    case .integer(let value): "\(value)"
    case .number(let value): value.isFinite ? "\(value)" : "null"
    case .string(let value): Self.quoted(value)
    case .array(let values): "[" + values.map(\.text).joined(separator: ",") + "]"
    case .object(let members):
      "{" + members.map { Self.quoted($0.name) + ":" + $0.value.text }.joined(separator: ",") + "}"
    }
  }

  /// Text on many lines, two spaces a level.
  public var indentedText: String { indented(by: "") }

  private func indented(by space: String) -> String {
    let inner = space + "  "
    switch self {
    case .array(let values) where !values.isEmpty:
      return "[\n" + values.map { inner + $0.indented(by: inner) }.joined(separator: ",\n") + "\n\(space)]"
    case .object(let members) where !members.isEmpty:
      let lines = members.map { inner + Self.quoted($0.name) + ": " + $0.value.indented(by: inner) }
      return "{\n" + lines.joined(separator: ",\n") + "\n\(space)}"
    default: return text
    }
  }

  private static func quoted(_ value: String) -> String {
    var text = "\""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text + "\""
  }
}

private struct JSONParser {
  let text: UnsafeRawBufferPointer
  let file: String
  let depthLimit: Int
  var place = 0

  mutating func document() throws -> JSON {
    let result = try value(depth: 0)
    skipSpace()
    guard place == text.count else { throw error("text after the end") }
    return result
  }

  private func error(_ what: String) -> FormatError { FormatError(file, "JSON at byte \(place.grouped): \(what)") }

  private var next: UInt8? { place < text.count ? text[place] : nil }

  private mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { place += 1 }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    skipSpace()
    guard next == byte else { return false }
    place += 1
    return true
  }

  private mutating func word(_ word: StaticString, _ value: JSON) throws -> JSON {
    for i in 0..<word.utf8CodeUnitCount {
      guard next == word.utf8Start[i] else { throw error("expected '\(word)'") }
      place += 1
    }
    return value
  }

  private mutating func value(depth: Int) throws -> JSON {
    guard depth <= depthLimit else { throw error("more than \(depthLimit) levels") }
    skipSpace()
    switch next {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    case .some: return try number()
    case nil: throw error("the text ends too early")
    }
  }

  private mutating func object(depth: Int) throws -> JSON {
    place += 1
    var members: [JSON.Member] = []
    var names: Set<String> = []
    if take(UInt8(ascii: "}")) { return .object([]) }
    repeat {
      skipSpace()
      guard next == UInt8(ascii: "\"") else { throw error("expected a name in quotes") }
      let name = try string()
      guard names.insert(name).inserted else { throw error("'\(name)' stands twice") }
      guard take(UInt8(ascii: ":")) else { throw error("expected ':'") }
      members.append(JSON.Member(name, try value(depth: depth + 1)))
    } while take(UInt8(ascii: ","))
    guard take(UInt8(ascii: "}")) else { throw error("expected ',' or '}'") }
    return .object(members)
  }

  private mutating func array(depth: Int) throws -> JSON {
    place += 1
    var values: [JSON] = []
    if take(UInt8(ascii: "]")) { return .array([]) }
    repeat { values.append(try value(depth: depth + 1)) } while take(UInt8(ascii: ","))
    guard take(UInt8(ascii: "]")) else { throw error("expected ',' or ']'") }
    return .array(values)
  }

  private mutating func number() throws -> JSON {
    let start = place
    var isWhole = true
    if next == UInt8(ascii: "-") { place += 1 }
    let first = place
    let digits = skipDigits()
    guard digits > 0 else { throw error("expected a value") }
    guard digits == 1 || text[first] != UInt8(ascii: "0") else { throw error("a number begins with 0") }
    if next == UInt8(ascii: ".") {
      isWhole = false
      place += 1
      guard skipDigits() > 0 else { throw error("expected a digit after the point") }
    }
    if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
      isWhole = false
      place += 1
      if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { place += 1 }
      guard skipDigits() > 0 else { throw error("expected a digit in the exponent") }
    }
    let digitsText = String(decoding: text[start..<place], as: UTF8.self)
    if isWhole, let whole = Int(digitsText) { return .integer(whole) }
    guard let value = Double(digitsText) else { throw error("'\(digitsText)' isn't a number") }
    return .number(value)
  }

  private mutating func skipDigits() -> Int {
    let start = place
    while let byte = next, byte >= 0x30, byte <= 0x39 { place += 1 }
    return place - start
  }

  private mutating func string() throws -> String {
    place += 1
    var bytes: [UInt8] = []
    while let byte = next {
      place += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let string = String(validating: bytes, as: UTF8.self) else { throw error("a string isn't UTF-8") }
        return string
      case UInt8(ascii: "\\"): try escape(into: &bytes)
      case 0..<0x20: throw error("a control character in a string")
      default: bytes.append(byte)
      }
    }
    throw error("a string doesn't end")
  }

  private mutating func escape(into bytes: inout [UInt8]) throws {
    guard let byte = next else { throw error("a string doesn't end") }
    place += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): bytes.append(byte)
    case UInt8(ascii: "b"): bytes.append(8)
    case UInt8(ascii: "f"): bytes.append(12)
    case UInt8(ascii: "n"): bytes.append(10)
    case UInt8(ascii: "r"): bytes.append(13)
    case UInt8(ascii: "t"): bytes.append(9)
    case UInt8(ascii: "u"):
      var code = try fourDigits()
      if code >= 0xd800, code < 0xdc00 {
        guard next == UInt8(ascii: "\\"), place + 1 < text.count, text[place + 1] == UInt8(ascii: "u") else {
          throw error("half of a surrogate pair")
        }
        place += 2
        let low = try fourDigits()
        guard low >= 0xdc00, low < 0xe000 else { throw error("half of a surrogate pair") }
        code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
      }
      guard let scalar = Unicode.Scalar(code) else { throw error("half of a surrogate pair") }
      bytes.append(contentsOf: Array(String(Character(scalar)).utf8))
    default: throw error("an unknown escape in a string")
    }
  }

  private mutating func fourDigits() throws -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw error("expected four hexadecimal digits")
      }
      code = code << 4 | UInt32(digit)
      place += 1
    }
    return code
  }
}
