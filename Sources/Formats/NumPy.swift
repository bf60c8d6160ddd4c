import Pinion

/// NumPy's files: `.npy` of one array, `.npz` of several.
///
/// Reads versions 1 to 3, both orders of bytes, C and Fortran layout; writes C layout in the machine's order.
public enum NumPy {
  /// The array of a `.npy` file.
  ///
  /// - Throws: `FormatError` where the file is malformed or truncated, or holds what a tensor can't: strings, records,
  ///   Python objects, dates.
  public static func read(_ path: String) throws -> Tensor {
    let file = try MappedFile(path: path)
    return try decode(file.bytes, file: path)
  }

  /// Writes a `.npy` file, whole or not at all; computes the tensor if need be.
  ///
  /// - Throws: `FormatError` for bfloat16, which NumPy lacks, or where the disk refuses; `TensorError`.
  public static func write(_ tensor: Tensor, to path: String) throws {
    let bytes = try encode(tensor, file: path)
    try File.write(bytes, to: path)
  }

  /// The arrays of a `.npz` file by name.
  ///
  /// - Throws: `FormatError` as `read(_:)`, and where the archive is damaged.
  public static func readArchive(_ path: String) throws -> [String: Tensor] {
    let archive = try ZipArchive(path: path)
    var result: [String: Tensor] = [:]
    for entry in archive.entries where !entry.name.hasSuffix("/") {
      let name = entry.name.hasSuffix(".npy") ? String(entry.name.dropLast(4)) : entry.name
      let bytes = try archive.bytes(of: entry)
      result[name] = try bytes.withUnsafeBytes { try decode($0, file: "\(path)/\(entry.name)") }
    }
    return result
  }

  /// Writes a `.npz` file, whole or not at all; computes the tensors if need be.
  ///
  /// - Parameter compressed: deflates, as `numpy.savez_compressed`.
  /// - Throws: as `write(_:to:)`.
  public static func writeArchive(_ tensors: [String: Tensor], to path: String, compressed: Bool = false) throws {
    for tensor in tensors.values { if let failure = tensor.failure { throw failure } }
    try evaluate(tensors.values.map { $0 })
    let writer = try ZipWriter(path)
    for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
      try writer.add("\(name).npy", try encode(tensor, file: "\(path)/\(name)"), compressed: compressed)
    }
    try writer.commit()
  }

  /// The bytes of a `.npy` file.
  ///
  /// - Throws: as `write(_:to:)`.
  public static func encode(_ tensor: Tensor, file: String = "npy") throws -> [UInt8] {
    if let failure = tensor.failure { throw failure }
    guard let descriptor = tensor.dtype.numPyDescriptor else {
      throw FormatError(file, "NumPy has no \(tensor.dtype); convert with cast(.float32)")
    }
    let sizes = tensor.shape.map(String.init).joined(separator: ", ") + (tensor.rank == 1 ? "," : "")
    var header = "{'descr': '\(descriptor)', 'fortran_order': False, 'shape': (\(sizes)), }"
    // The data begins at a multiple of 64; the header ends with a line feed.
    let isLong = header.utf8.count > 65_000
    let prefix = isLong ? 12 : 10
    header += String(repeating: " ", count: (64 - (prefix + header.utf8.count + 1) % 64) % 64) + "\n"
    let length = header.utf8.count
    var bytes: [UInt8] = [0x93] + Array("NUMPY".utf8) + [isLong ? 2 : 1, 0]
    for i in 0..<(isLong ? 4 : 2) { bytes.append(UInt8(truncatingIfNeeded: length >> (8 * i))) }
    bytes += Array(header.utf8)
    bytes += try tensor.bytes()
    return bytes
  }

  /// The array in the bytes of a `.npy` file.
  ///
  /// - Throws: as `read(_:)`.
  public static func decode(_ bytes: UnsafeRawBufferPointer, file: String = "npy") throws -> Tensor {
    guard bytes.count >= 10, bytes[0] == 0x93, bytes[1..<6].elementsEqual("NUMPY".utf8) else {
      throw FormatError(file, "isn't a NumPy file: it doesn't begin with \\x93NUMPY")
    }
    let version = bytes[6]
    guard (1...3).contains(version) else {
      throw FormatError(file, "has format version \(version), expected 1, 2 or 3")
    }
    let prefix = version == 1 ? 10 : 12
    guard bytes.count >= prefix else { throw FormatError(file, "is truncated in its header") }
    let length = (8..<prefix).reduce(0) { $0 | Int(bytes[$1]) << (8 * ($1 - 8)) }
    guard length <= bytes.count - prefix else {
      throw FormatError(file, "header says \(length.grouped) bytes, file has \((bytes.count - prefix).grouped)")
    }
    let header = try NumPyHeader(UnsafeRawBufferPointer(rebasing: bytes[prefix..<prefix + length]), file: file)
    let data = UnsafeRawBufferPointer(rebasing: bytes[(prefix + length)...])
    let (expected, overflow) = header.count.multipliedReportingOverflow(by: header.dtype.byteCount)
    guard !overflow, expected <= data.count else {
      throw FormatError(
        file,
        "\(header.dtype)\(header.shape) takes \(overflow ? "too many" : expected.grouped) bytes, file has \(data.count.grouped)"
      )
    }
    guard expected == data.count else {
      throw FormatError(file, "has \((data.count - expected).grouped) bytes after the array")
    }
    var result = [UInt8](data)
    if header.isBigEndian {
      reverseBytes(&result, width: header.dtype.isComplex ? header.dtype.byteCount / 2 : header.dtype.byteCount)
    }
    if header.dtype == .bool {
      for i in result.indices where result[i] > 1 { result[i] = 1 }
    }
    if header.isFortran, header.shape.count > 1 {
      result = rowMajor(result, header.shape, width: header.dtype.byteCount)
    }
    return Tensor(bytes: result, shape: header.shape, dtype: header.dtype)
  }

  /// Turns column-major elements into row-major ones.
  private static func rowMajor(_ bytes: [UInt8], _ shape: [Int], width: Int) -> [UInt8] {
    var strides = shape
    var step = width
    for axis in shape.indices {
      strides[axis] = step
      step *= shape[axis]
    }
    let last = shape.count - 1
    return [UInt8](unsafeUninitializedCapacity: bytes.count) { target, initialized in
      bytes.withUnsafeBytes { source in
        var place = Array(repeating: 0, count: shape.count)
        var from = 0
        var to = 0
        while to < bytes.count {
          for byte in 0..<width { target[to + byte] = source[from + byte] }
          to += width
          var axis = last
          while axis >= 0 {
            place[axis] += 1
            from += strides[axis]
            if place[axis] < shape[axis] { break }
            from -= strides[axis] * shape[axis]
            place[axis] = 0
            axis -= 1
          }
        }
      }
      initialized = bytes.count
    }
  }
}

/// Turns the bytes of each number around.
func reverseBytes(_ bytes: inout [UInt8], width: Int) {
  guard width > 1 else { return }
  bytes.withUnsafeMutableBytes { memory in
    var start = 0
    while start + width <= memory.count {
      for i in 0..<width / 2 { memory.swapAt(start + i, start + width - 1 - i) }
      start += width
    }
  }
}

/// The Python dictionary at the start of a `.npy` file.
private struct NumPyHeader {
  let dtype: DType
  let shape: [Int]
  let count: Int
  let isFortran: Bool
  let isBigEndian: Bool

  init(_ text: UnsafeRawBufferPointer, file: String) throws {
    guard let string = String(validating: text, as: UTF8.self) else { throw FormatError(file, "the header isn't text") }
    var tokens = Tokens(text: Array(string.unicodeScalars))
    func malformed() -> FormatError { FormatError(file, "malformed header \(string.prefix(80))") }
    var descriptor: String?
    var fortran: Bool?
    var sizes: [Int]?
    guard tokens.take("{") else { throw malformed() }
    while !tokens.take("}") {
      guard let key = tokens.string(), tokens.take(":") else { throw malformed() }
      switch key {
      case "descr":
        if tokens.peek() == "[" { throw FormatError(file, "holds records, which tensors can't") }
        descriptor = tokens.string()
        guard descriptor != nil else { throw malformed() }
      case "fortran_order":
        fortran = tokens.word("True") ? true : tokens.word("False") ? false : nil
        guard fortran != nil else { throw malformed() }
      case "shape":
        sizes = tokens.tuple()
        guard sizes != nil else { throw malformed() }
      default: throw malformed()
      }
      if !tokens.take(","), tokens.peek() != "}" { throw malformed() }
    }
    guard tokens.isAtEnd, let descriptor, let fortran, let sizes else { throw malformed() }
    guard let count = checkedCount(sizes), sizes.count <= 64 else {
      throw FormatError(file, "has an impossible shape \(sizes)")
    }
    guard let (dtype, isBig) = DType.numPy(descriptor) else {
      let kind =
        descriptor.contains("O")
        ? "Python objects" : descriptor.contains("V") ? "raw records" : "elements '\(descriptor)'"
      throw FormatError(file, "holds \(kind), which tensors can't")
    }
    self.dtype = dtype
    self.shape = sizes
    self.count = count
    self.isFortran = fortran
    self.isBigEndian = isBig
  }

  /// Pieces of a Python literal.
  private struct Tokens {
    let text: [Unicode.Scalar]
    var place = 0

    private mutating func skipSpace() {
      while place < text.count, text[place].properties.isWhitespace { place += 1 }
    }

    mutating func peek() -> Unicode.Scalar? {
      skipSpace()
      return place < text.count ? text[place] : nil
    }

    var isAtEnd: Bool { text[place...].allSatisfy(\.properties.isWhitespace) }

    mutating func take(_ scalar: Unicode.Scalar) -> Bool {
      guard peek() == scalar else { return false }
      place += 1
      return true
    }

    mutating func word(_ word: String) -> Bool {
      skipSpace()
      guard text[place...].starts(with: word.unicodeScalars) else { return false }
      place += word.unicodeScalars.count
      return true
    }

    mutating func string() -> String? {
      guard let quote = peek(), quote == "'" || quote == "\"" else { return nil }
      guard let end = text[(place + 1)...].firstIndex(of: quote) else { return nil }
      var result = String.UnicodeScalarView()
      result.append(contentsOf: text[(place + 1)..<end])
      place = end + 1
      return String(result)
    }

    mutating func tuple() -> [Int]? {
      guard take("(") else { return nil }
      var sizes: [Int] = []
      while !take(")") {
        var digits = ""
        skipSpace()
        while place < text.count, (48..<58).contains(text[place].value) {
          digits.unicodeScalars.append(text[place])
          place += 1
        }
        guard let size = Int(digits) else { return nil }
        sizes.append(size)
        if !take(","), peek() != ")" { return nil }
      }
      return sizes
    }
  }
}

extension DType {
  private static let numPyCodes: [(DType, String)] = [
    (.bool, "b1"), (.int8, "i1"), (.int16, "i2"), (.int32, "i4"), (.int64, "i8"), (.uint8, "u1"), (.uint16, "u2"),
    (.uint32, "u4"), (.uint64, "u8"), (.float16, "f2"), (.float32, "f4"), (.float64, "f8"), (.complex64, "c8"),
    (.complex128, "c16"),
  ]

  fileprivate var numPyDescriptor: String? {
    guard let code = Self.numPyCodes.first(where: { $0.0 == self })?.1 else { return nil }
    return (byteCount == 1 ? "|" : "<") + code
  }

  fileprivate static func numPy(_ descriptor: String) -> (DType, isBigEndian: Bool)? {
    let order = descriptor.first ?? " "
    let code = "<>|=".contains(order) ? String(descriptor.dropFirst()) : descriptor
    if code == "?" { return (.bool, false) }
    guard let dtype = numPyCodes.first(where: { $0.1 == code })?.0 else { return nil }
    return (dtype, order == ">")
  }
}
