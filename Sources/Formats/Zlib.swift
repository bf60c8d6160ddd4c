import CFormats
import PJRT
import Synchronization

/// Deflate (RFC 1951) and gzip (RFC 1952) through the system's `libz.so.1`.
public enum Zlib {
  /// How compressed bytes are wrapped.
  public enum Wrapping: Int32, Sendable {
    /// Nothing around them, as in zip files.
    case raw = -15
    /// A gzip file, of one member or several.
    case gzip = 31
  }

  /// Decompresses.
  ///
  /// - Parameters:
  ///   - limit: at most so many bytes come out; decompression stops there.
  ///   - file: name for errors.
  /// - Returns: the bytes, and whether that was all.
  /// - Throws: `FormatError` where the data is damaged or ends early, or zlib isn't there.
  public static func decompress(_ bytes: UnsafeRawBufferPointer, _ wrapping: Wrapping, limit: Int, file: String) throws
    -> (bytes: [UInt8], isComplete: Bool)
  {
    let library = try ZlibLibrary.shared(for: file)
    var stream = CFormatsZStream()
    guard library.startInflating(&stream, wrapping.rawValue) else { throw FormatError(file, "zlib doesn't start") }
    defer { _ = library.inflateEnd(&stream) }
    var input = Feed(bytes)
    var output: [UInt8] = []
    var code: Int32 = 0
    while output.count < limit {
      let wanted = min(limit - output.count, max(1 << 16, output.count), 1 << 30)
      var isStuck = false
      output += [UInt8](unsafeUninitializedCapacity: wanted) { memory, count in
        stream.next_out = memory.baseAddress
        stream.avail_out = UInt32(wanted)
        while code == 0, stream.avail_out > 0, !isStuck {
          let isEmpty = input.refill(&stream)
          code = library.inflate(&stream, 0)
          isStuck = code == 0 && isEmpty && stream.avail_out > 0
        }
        count = wanted - Int(stream.avail_out)
      }
      if code == 1 {
        _ = input.refill(&stream)
        // Another member may follow in gzip; anything else after the end is padding.
        guard wrapping == .gzip, stream.avail_in >= 2, stream.next_in[0] == 0x1f, stream.next_in[1] == 0x8b else {
          return (output, true)
        }
        code = library.inflateReset(&stream)
        guard code == 0 else { throw FormatError(file, "zlib doesn't start") }
        continue
      }
      if isStuck || code == -5 { throw FormatError(file, "is truncated: the compressed data ends early") }
      guard code == 0 else {
        let reason = stream.msg.map { String(cString: $0) } ?? "code \(code)"
        throw FormatError(file, "the compressed data is damaged: \(reason)")
      }
    }
    return (output, false)
  }

  /// Compresses.
  ///
  /// - Throws: `FormatError` where zlib isn't there.
  public static func compress(_ bytes: [UInt8], _ wrapping: Wrapping, level: Int = 6, file: String) throws -> [UInt8] {
    let library = try ZlibLibrary.shared(for: file)
    var stream = CFormatsZStream()
    guard library.startDeflating(&stream, Int32(max(0, min(9, level))), wrapping.rawValue) else {
      throw FormatError(file, "zlib doesn't start")
    }
    defer { _ = library.deflateEnd(&stream) }
    var output: [UInt8] = []
    try bytes.withUnsafeBytes { bytes in
      var input = Feed(bytes)
      var code: Int32 = 0
      while code != 1 {
        let isLast = input.refill(&stream)
        let part = try [UInt8](unsafeUninitializedCapacity: 1 << 18) { memory, count in
          stream.next_out = memory.baseAddress
          stream.avail_out = UInt32(memory.count)
          code = library.deflate(&stream, isLast ? 4 : 0)
          guard code >= 0 || code == -5 else { throw FormatError(file, "zlib fails with code \(code)") }
          count = memory.count - Int(stream.avail_out)
        }
        output.append(contentsOf: part)
      }
    }
    return output
  }

  /// The cyclic redundancy check that zip and gzip use.
  static func crc32(_ bytes: UnsafeRawBufferPointer, file: String) throws -> UInt32 {
    let library = try ZlibLibrary.shared(for: file)
    var result: UInt = 0
    var place = 0
    while place < bytes.count {
      let part = min(bytes.count - place, 1 << 30)
      let start = bytes.baseAddress.map { ($0 + place).assumingMemoryBound(to: UInt8.self) }
      result = library.crc32(result, start, UInt32(part))
      place += part
    }
    return UInt32(truncatingIfNeeded: result)
  }
}

/// Hands memory to zlib in portions that its 32-bit counts can hold.
private struct Feed {
  private let bytes: UnsafeRawBufferPointer
  private var place = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// Gives the stream more where it has none; tells whether nothing is left beyond what it has now.
  mutating func refill(_ stream: inout CFormatsZStream) -> Bool {
    if stream.avail_in == 0, place < bytes.count, let start = bytes.baseAddress {
      let part = min(bytes.count - place, 1 << 30)
      stream.next_in = UnsafePointer((start + place).assumingMemoryBound(to: UInt8.self))
      stream.avail_in = UInt32(part)
      place += part
    }
    return place == bytes.count
  }
}

/// The functions of zlib.
private struct ZlibLibrary: Sendable {
  typealias Stream = UnsafeMutablePointer<CFormatsZStream>
  typealias Start = @convention(c) (Stream, Int32, UnsafePointer<CChar>, Int32) -> Int32
  typealias StartDeflate =
    @convention(c) (
      Stream, Int32, Int32, Int32, Int32, Int32, UnsafePointer<CChar>, Int32
    ) -> Int32
  typealias Step = @convention(c) (Stream, Int32) -> Int32
  typealias End = @convention(c) (Stream) -> Int32
  typealias CRC = @convention(c) (UInt, UnsafePointer<UInt8>?, UInt32) -> UInt

  let inflateInit: Start
  let inflate: Step
  let inflateReset: End
  let inflateEnd: End
  let deflateInit: StartDeflate
  let deflate: Step
  let deflateEnd: End
  let crc32: CRC

  private init() throws {
    let library = try DynamicLibrary(path: "libz.so.1")
    func function<F>(_ name: String, _ type: F.Type) throws -> F { unsafeBitCast(try library.symbol(name), to: type) }
    inflateInit = try function("inflateInit2_", Start.self)
    inflate = try function("inflate", Step.self)
    inflateReset = try function("inflateReset", End.self)
    inflateEnd = try function("inflateEnd", End.self)
    deflateInit = try function("deflateInit2_", StartDeflate.self)
    deflate = try function("deflate", Step.self)
    deflateEnd = try function("deflateEnd", End.self)
    crc32 = try function("crc32", CRC.self)
  }

  private static let instance = Mutex<ZlibLibrary?>(nil)

  static func shared(for file: String) throws -> ZlibLibrary {
    try instance.withLock { slot in
      if let library = slot { return library }
      do {
        let library = try ZlibLibrary()
        slot = library
        return library
      } catch {
        throw FormatError(file, "compressed data needs zlib, the Debian package zlib1g: \(error)")
      }
    }
  }

  func startInflating(_ stream: Stream, _ windowBits: Int32) -> Bool {
    inflateInit(stream, windowBits, "1.2.11", Int32(MemoryLayout<CFormatsZStream>.size)) == 0
  }

  func startDeflating(_ stream: Stream, _ level: Int32, _ windowBits: Int32) -> Bool {
    deflateInit(stream, level, 8, windowBits, 8, 0, "1.2.11", Int32(MemoryLayout<CFormatsZStream>.size)) == 0
  }
}
