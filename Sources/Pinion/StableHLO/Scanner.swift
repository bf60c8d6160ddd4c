/// Walks over the bytes of a text; every read is checked against its end.
struct MLIRScanner: Sendable {
  let bytes: [UInt8]
  let file: String
  var place: Int
  /// Nothing is read from here on.
  let end: Int

  /// Deepest nesting of regions, lists and types.
  static let depthLimit = 100

  init(_ bytes: [UInt8], file: String, range: Range<Int>? = nil) {
    self.bytes = bytes
    self.file = file
    place = range?.lowerBound ?? 0
    end = range?.upperBound ?? bytes.count
  }

  /// An error that says what was found at a place.
  func error(_ message: String, at place: Int? = nil) -> StableHLOError {
    let place = min(place ?? self.place, bytes.count)
    var (line, start) = (1, 0)
    for i in 0..<place where bytes[i] == UInt8(ascii: "\n") { (line, start) = (line + 1, i + 1) }
    return StableHLOError(file: file, line: line, column: place - start + 1, message: message)
  }

  /// An error for what isn't supported here.
  func unsupported(_ message: String, at place: Int? = nil) -> StableHLOError {
    var error = error(message, at: place)
    error.isUnsupported = true
    return error
  }

  /// An error for something else than was expected.
  mutating func unexpected(_ expected: String) -> StableHLOError {
    skipSpace()
    var stop = place
    while stop < end, stop - place < 24, bytes[stop] > 0x20 { stop += 1 }
    let found = place >= end ? "the end of the text" : "'\(String(decoding: bytes[place..<stop], as: UTF8.self))'"
    return error("found \(found), expected \(expected)")
  }

  /// Skips white space and comments.
  mutating func skipSpace() {
    while place < end {
      switch bytes[place] {
      case 0x20, 0x09, 0x0A, 0x0D: place += 1
      case UInt8(ascii: "/") where place + 1 < end && bytes[place + 1] == UInt8(ascii: "/"):
        while place < end, bytes[place] != 0x0A { place += 1 }
      default: return
      }
    }
  }

  /// The next byte that isn't space; 0 at the end.
  mutating func peek() -> UInt8 {
    skipSpace()
    return place < end ? bytes[place] : 0
  }

  mutating func isNext(_ character: Character) -> Bool { peek() == character.asciiValue }

  /// Reads punctuation if it comes next.
  mutating func accept(_ text: StaticString) -> Bool {
    skipSpace()
    let count = text.utf8CodeUnitCount
    guard end - place >= count else { return false }
    for i in 0..<count where bytes[place + i] != text.utf8Start[i] { return false }
    place += count
    return true
  }

  mutating func expect(_ text: StaticString) throws {
    guard accept(text) else { throw unexpected("'\(text)'") }
  }

  static func isWordStart(_ byte: UInt8) -> Bool {
    byte >= 0x61 && byte <= 0x7A || byte >= 0x41 && byte <= 0x5A || byte == UInt8(ascii: "_")
  }

  static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

  static func isWordPart(_ byte: UInt8) -> Bool {
    isWordStart(byte) || isDigit(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "$")
  }

  /// The word that comes next, without reading it.
  mutating func peekWord() -> String? {
    skipSpace()
    guard place < end, Self.isWordStart(bytes[place]) else { return nil }
    var stop = place + 1
    while stop < end, Self.isWordPart(bytes[stop]) { stop += 1 }
    return String(decoding: bytes[place..<stop], as: UTF8.self)
  }

  mutating func acceptWord() -> String? {
    guard let word = peekWord() else { return nil }
    place += word.utf8.count
    return word
  }

  mutating func acceptWord(_ word: String) -> Bool {
    guard peekWord() == word else { return false }
    place += word.utf8.count
    return true
  }

  mutating func word(_ expected: String) throws -> String {
    guard let word = acceptWord() else { throw unexpected(expected) }
    return word
  }

  /// A name after `%`, `@` or `^`: letters, digits, `_ $ . -`, or a string.
  mutating func name(after sigil: StaticString) throws -> String {
    try expect(sigil)
    if place < end, bytes[place] == UInt8(ascii: "\"") { return try string() }
    let start = place
    while place < end, Self.isWordPart(bytes[place]) || bytes[place] == UInt8(ascii: "-") {
      if bytes[place] == UInt8(ascii: "-"), place + 1 < end, bytes[place + 1] == UInt8(ascii: ">") { break }
      place += 1
    }
    guard place > start else { throw unexpected("a name after '\(sigil)'") }
    return String(decoding: bytes[start..<place], as: UTF8.self)
  }

  /// A string in quotes.
  mutating func string() throws -> String {
    skipSpace()
    let start = place
    try expect("\"")
    var result: [UInt8] = []
    while place < end, bytes[place] != UInt8(ascii: "\"") {
      if bytes[place] == UInt8(ascii: "\\"), place + 1 < end {
        place += 1
        switch bytes[place] {
        case UInt8(ascii: "n"): result.append(0x0A)
        case UInt8(ascii: "t"): result.append(0x09)
        case UInt8(ascii: "\\"), UInt8(ascii: "\""): result.append(bytes[place])
        default:
          let digits = String(decoding: bytes[place..<min(place + 2, end)], as: UTF8.self)
          guard let byte = UInt8(digits, radix: 16), digits.utf8.count == 2 else {
            throw error("'\\\(digits)' isn't an escape in a string")
          }
          result.append(byte)
          place += 1
        }
      } else {
        result.append(bytes[place])
      }
      place += 1
    }
    guard place < end else { throw error("the string doesn't end", at: start) }
    place += 1
    return String(decoding: result, as: UTF8.self)
  }

  /// The text of a number that comes next: decimal, hexadecimal or floating point; `nil` without reading where none does.
  mutating func number() -> Substring.UTF8View? {
    skipSpace()
    var stop = place
    if stop < end, bytes[stop] == UInt8(ascii: "-") { stop += 1 }
    guard stop < end, Self.isDigit(bytes[stop]) else { return nil }
    if bytes[stop] == UInt8(ascii: "0"), stop + 2 < end, bytes[stop + 1] | 0x20 == UInt8(ascii: "x"),
      Self.isHex(bytes[stop + 2])
    {
      stop += 2
      while stop < end, Self.isHex(bytes[stop]) { stop += 1 }
    } else {
      while stop < end, Self.isDigit(bytes[stop]) { stop += 1 }
      if stop + 1 < end, bytes[stop] == UInt8(ascii: "."), bytes[stop + 1] != UInt8(ascii: ".") {
        stop += 1
        while stop < end, Self.isDigit(bytes[stop]) { stop += 1 }
      }
      if stop + 1 < end, bytes[stop] | 0x20 == UInt8(ascii: "e"),
        Self.isDigit(bytes[stop + 1])
          || stop + 2 < end && (bytes[stop + 1] == UInt8(ascii: "-") || bytes[stop + 1] == UInt8(ascii: "+"))
            && Self.isDigit(bytes[stop + 2])
      {
        stop += 2
        while stop < end, Self.isDigit(bytes[stop]) { stop += 1 }
      }
    }
    defer { place = stop }
    return Substring(String(decoding: bytes[place..<stop], as: UTF8.self)).utf8
  }

  static func isHex(_ byte: UInt8) -> Bool {
    isDigit(byte) || byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "f")
  }

  /// A whole number.
  mutating func integer(_ expected: String = "a whole number") throws -> Int {
    let start = place
    guard let text = number() else { throw unexpected(expected) }
    guard let value = Self.integer(String(text) ?? "") else {
      throw error("'\(String(text) ?? "")' isn't a whole number of 64 bits", at: start)
    }
    return value
  }

  static func integer(_ text: String) -> Int? {
    if text.hasPrefix("0x") || text.hasPrefix("0X") {
      return UInt64(text.dropFirst(2), radix: 16).map { Int(Int64(bitPattern: $0)) }
    }
    return Int(text)
  }

  /// Skips from an opening bracket to behind the one that closes it.
  mutating func skipBrackets() throws {
    skipSpace()
    let start = place
    var open: [UInt8] = []
    repeat {
      guard peek() != 0, place < end else { throw error("the bracket isn't closed", at: start) }
      let byte = bytes[place]
      switch byte {
      case UInt8(ascii: "\""):
        _ = try string()
        continue
      case UInt8(ascii: "<"): open.append(UInt8(ascii: ">"))
      case UInt8(ascii: "("): open.append(UInt8(ascii: ")"))
      case UInt8(ascii: "["): open.append(UInt8(ascii: "]"))
      case UInt8(ascii: "{"): open.append(UInt8(ascii: "}"))
      case UInt8(ascii: "-") where place + 1 < end && bytes[place + 1] == UInt8(ascii: ">"): place += 1
      case UInt8(ascii: ">"), UInt8(ascii: ")"), UInt8(ascii: "]"), UInt8(ascii: "}"):
        guard open.popLast() == byte else { throw error("a closing bracket that fits no opening one") }
      default: break
      }
      place += 1
    } while !open.isEmpty
  }
}
