import Pinion

/// An array in the IDX format of the MNIST files, plain or compressed with gzip.
public struct IDX: Sendable {
  /// Type of the elements.
  public let dtype: DType
  /// Sizes of the axes.
  public let shape: [Int]
  /// Elements in the machine's order of bytes, row-major.
  public let bytes: [UInt8]

  /// Reads a file.
  ///
  /// - Throws: `FormatError` where the header is malformed or the length isn't what it says.
  public init(path: String) throws {
    let file = try MappedFile(path: path)
    try self.init(decoding: file.bytes, file: path)
  }

  /// Reads the bytes of a file.
  ///
  /// - Throws: as `init(path:)`.
  public init(decoding data: UnsafeRawBufferPointer, file: String = "idx") throws {
    let isCompressed = data.count >= 2 && data[0] == 0x1f && data[1] == 0x8b
    // The header alone first: it tells how much memory the rest takes.
    func start(_ length: Int) throws -> [UInt8] {
      if isCompressed { return try Zlib.decompress(data, .gzip, limit: length, file: file).bytes }
      return [UInt8](data.prefix(length))
    }
    let magic = try start(4)
    guard magic.count == 4, magic[0] == 0, magic[1] == 0, let dtype = Self.types[magic[2]] else {
      throw FormatError(file, "isn't an IDX file: it doesn't begin with 00 00 and an element type")
    }
    let headerLength = 4 + 4 * Int(magic[3])
    let header = try start(headerLength)
    guard header.count == headerLength else { throw FormatError(file, "is truncated in its header") }
    shape = (0..<Int(magic[3])).map { axis in (0..<4).reduce(0) { $0 << 8 | Int(header[4 + 4 * axis + $1]) } }
    guard let count = checkedCount(shape), count <= 1 << 40 else {
      throw FormatError(file, "has an impossible shape \(shape)")
    }
    let expected = count * dtype.byteCount
    let total = headerLength + expected
    var body: [UInt8]
    if isCompressed {
      let (all, isComplete) = try Zlib.decompress(data, .gzip, limit: total + 1, file: file)
      guard isComplete, all.count == total else {
        let found = isComplete ? (all.count - headerLength).grouped : "more"
        throw FormatError(file, "\(dtype)\(shape) takes \(expected.grouped) bytes, file has \(found)")
      }
      body = Array(all[headerLength...])
    } else {
      guard data.count == total else {
        throw FormatError(
          file, "\(dtype)\(shape) takes \(expected.grouped) bytes, file has \((data.count - headerLength).grouped)")
      }
      body = [UInt8](data[headerLength...])
    }
    reverseBytes(&body, width: dtype.byteCount)
    self.dtype = dtype
    bytes = body
  }

  /// The array as a tensor.
  public var tensor: Tensor { Tensor(bytes: bytes, shape: shape, dtype: dtype) }

  /// The bytes of a file of unsigned bytes of that shape.
  ///
  /// - Throws: `FormatError` where count and shape disagree.
  public static func encode(_ bytes: [UInt8], shape: [Int], file: String = "idx") throws -> [UInt8] {
    guard checkedCount(shape) == bytes.count, shape.count < 256, shape.allSatisfy({ $0 < 1 << 32 }) else {
      throw FormatError(file, "\(bytes.count.grouped) bytes don't make \(shape)")
    }
    var result: [UInt8] = [0, 0, 8, UInt8(shape.count)]
    for size in shape { for shift in [24, 16, 8, 0] { result.append(UInt8(truncatingIfNeeded: size >> shift)) } }
    return result + bytes
  }

  private static let types: [UInt8: DType] = [
    0x08: .uint8, 0x09: .int8, 0x0b: .int16, 0x0c: .int32, 0x0d: .float32, 0x0e: .float64,
  ]
}
