/// A zip file, open for reading; stored and deflated entries, ZIP64 too.
package struct ZipArchive {
  package struct Entry {
    package let name: String
    let isDeflated: Bool
    let checksum: UInt32
    let compressedSize: Int
    let size: Int
    let headerStart: Int
  }

  package let path: String
  package let entries: [Entry]
  private let file: MappedFile

  /// Opens a file and reads its directory.
  ///
  /// - Throws: `FormatError` where the directory is missing, damaged or repeats a name.
  package init(path: String) throws {
    file = try MappedFile(path: path)
    self.path = path
    entries = try Self.directory(Bytes(file.bytes, path))
  }

  /// The bytes of an entry, its checksum checked.
  package func bytes(of entry: Entry) throws -> [UInt8] {
    let bytes = Bytes(file.bytes, path)
    let name = "\(path)/\(entry.name)"
    let start = entry.headerStart
    guard try bytes.number(start, 4) == 0x0403_4b50 else {
      throw FormatError(name, "has no header where the directory says")
    }
    let (nameLength, extraLength) = (Int(try bytes.number(start + 26, 2)), Int(try bytes.number(start + 28, 2)))
    let data = try bytes.slice(start + 30 + nameLength + extraLength, entry.compressedSize)
    let result: [UInt8]
    if entry.isDeflated {
      let (inflated, isComplete) = try Zlib.decompress(data, .raw, limit: entry.size + 1, file: name)
      guard isComplete, inflated.count == entry.size else {
        throw FormatError(
          name, "directory says \(entry.size.grouped) bytes, data has \(isComplete ? inflated.count.grouped : "more")")
      }
      result = inflated
    } else {
      guard entry.size == entry.compressedSize else { throw FormatError(name, "has two sizes") }
      result = [UInt8](data)
    }
    guard try result.withUnsafeBytes({ try Zlib.crc32($0, file: name) }) == entry.checksum else {
      throw FormatError(name, "is damaged: its checksum is wrong")
    }
    return result
  }

  private static func directory(_ bytes: Bytes) throws -> [Entry] {
    let file = bytes.file
    guard bytes.count >= 22 else { throw FormatError(file, "isn't a zip file: it has \(bytes.count) bytes") }
    // The end record has a comment of up to 65,535 bytes behind it.
    var end = bytes.count - 22
    let lowest = max(0, end - 65_535)
    while try bytes.number(end, 4) != 0x0605_4b50 {
      end -= 1
      guard end >= lowest else { throw FormatError(file, "isn't a zip file, or is truncated: it has no directory") }
    }
    var count = try bytes.number(end + 10, 2)
    var place = try bytes.number(end + 16, 4)
    if count == 0xffff || place == 0xffff_ffff, end >= 20, try bytes.number(end - 20, 4) == 0x0706_4b50 {
      let record = Int(clamping: try bytes.number(end - 12, 8))
      guard try bytes.number(record, 4) == 0x0606_4b50 else { throw FormatError(file, "has a damaged ZIP64 directory") }
      count = try bytes.number(record + 32, 8)
      place = try bytes.number(record + 48, 8)
    }
    guard count <= UInt64(bytes.count / 46) else {
      throw FormatError(file, "directory says \(count.grouped) entries, too many")
    }
    var entries: [Entry] = []
    var names: Set<String> = []
    var at = Int(clamping: place)
    for _ in 0..<count {
      let (entry, next) = try entry(bytes, at)
      guard names.insert(entry.name).inserted else { throw FormatError(file, "has two entries '\(entry.name)'") }
      entries.append(entry)
      at = next
    }
    return entries
  }

  private static func entry(_ bytes: Bytes, _ at: Int) throws -> (Entry, next: Int) {
    let file = bytes.file
    guard try bytes.number(at, 4) == 0x0201_4b50 else { throw FormatError(file, "has a damaged directory") }
    let (flags, method) = (try bytes.number(at + 8, 2), try bytes.number(at + 10, 2))
    let lengths = try (0..<3).map { Int(try bytes.number(at + 28 + 2 * $0, 2)) }
    guard let name = String(validating: try bytes.slice(at + 46, lengths[0]), as: UTF8.self) else {
      throw FormatError(file, "has an entry whose name isn't UTF-8")
    }
    guard flags & 1 == 0 else { throw FormatError(file, "entry '\(name)' is encrypted") }
    guard method == 0 || method == 8 else {
      throw FormatError(file, "entry '\(name)' has compression method \(method), expected 0 or 8")
    }
    // Sizes that don't fit in 32 bits stand in the extra field, in this order.
    var numbers = [try bytes.number(at + 24, 4), try bytes.number(at + 20, 4), try bytes.number(at + 42, 4)]
    var field = at + 46 + lengths[0]
    let fieldsEnd = field + lengths[1]
    while field + 4 <= fieldsEnd, numbers.contains(0xffff_ffff) {
      let (id, length) = (try bytes.number(field, 2), Int(try bytes.number(field + 2, 2)))
      if id == 1 {
        var place = field + 4
        for i in numbers.indices where numbers[i] == 0xffff_ffff {
          guard place + 8 <= field + 4 + length else { throw FormatError(file, "entry '\(name)' lacks a 64-bit size") }
          numbers[i] = try bytes.number(place, 8)
          place += 8
        }
        break
      }
      field += 4 + length
    }
    let limit = UInt64(bytes.count)
    // Deflate yields at most 1,032 times its input.
    guard numbers[1] <= limit, numbers[2] <= limit, numbers[0] <= max(1, numbers[1]) * 1_032 else {
      throw FormatError(file, "entry '\(name)' has an impossible size")
    }
    let entry = Entry(
      name: name, isDeflated: method == 8, checksum: UInt32(truncatingIfNeeded: try bytes.number(at + 16, 4)),
      compressedSize: Int(numbers[1]), size: Int(numbers[0]), headerStart: Int(numbers[2]))
    return (entry, at + 46 + lengths.reduce(0, +))
  }
}

/// Numbers out of a file, each place checked.
private struct Bytes {
  private let bytes: UnsafeRawBufferPointer
  let file: String

  init(_ bytes: UnsafeRawBufferPointer, _ file: String) {
    self.bytes = bytes
    self.file = file
  }

  var count: Int { bytes.count }

  func slice(_ start: Int, _ length: Int) throws -> UnsafeRawBufferPointer {
    guard start >= 0, length >= 0, start <= bytes.count, length <= bytes.count - start else {
      throw FormatError(file, "is truncated: \(length.grouped) bytes are missing at byte \(start.grouped)")
    }
    return UnsafeRawBufferPointer(rebasing: bytes[start..<start + length])
  }

  func number(_ start: Int, _ width: Int) throws -> UInt64 {
    try slice(start, width).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
}

/// Writes a zip file, whole or not at all.
final class ZipWriter {
  private let path: String
  private let file: AtomicFile
  private var directory: [UInt8] = []
  private var count = 0
  private var place = 0

  init(_ path: String) throws {
    self.path = path
    file = try AtomicFile(path)
  }

  func add(_ name: String, _ bytes: [UInt8], compressed: Bool) throws {
    guard name.utf8.count < 1 << 16 else { throw FormatError(path, "an entry's name is too long") }
    let data = compressed ? try Zlib.compress(bytes, .raw, file: path) : bytes
    let checksum = try bytes.withUnsafeBytes { try Zlib.crc32($0, file: path) }
    let isLong = max(bytes.count, data.count, place) >= 0xffff_ffff
    // Version, flags (names are UTF-8), method, time and date (1980-01-01), checksum.
    let common: [(Int, Int)] = [
      (isLong ? 45 : 20, 2), (0x0800, 2), (compressed ? 8 : 0, 2), (0, 2), (0x21, 2), (Int(checksum), 4),
      (isLong ? 0xffff_ffff : data.count, 4), (isLong ? 0xffff_ffff : bytes.count, 4), (name.utf8.count, 2),
    ]
    let sizes = isLong ? [(bytes.count, 8), (data.count, 8)] : []
    let local = [(0x0403_4b50, 4)] + common + [(isLong ? 20 : 0, 2)]
    var header = packed(local) + Array(name.utf8)
    if isLong { header += packed([(1, 2), (16, 2)] + sizes) }
    let start = place
    directory += packed([(0x0201_4b50, 4), (isLong ? 45 : 20, 2)] + common)
    directory += packed([(isLong ? 28 : 0, 2), (0, 2), (0, 2), (0, 2), (0, 4), (isLong ? 0xffff_ffff : start, 4)])
    directory += Array(name.utf8)
    if isLong { directory += packed([(1, 2), (24, 2)] + sizes + [(start, 8)]) }
    try file.append(header)
    try file.append(data)
    place += header.count + data.count
    count += 1
  }

  func commit() throws {
    let isLong = count >= 0xffff || place + directory.count >= 0xffff_ffff
    var end: [UInt8] = []
    if isLong {
      end += packed([
        (0x0606_4b50, 4), (44, 8), (45, 2), (45, 2), (0, 4), (0, 4), (count, 8), (count, 8), (directory.count, 8),
        (place, 8),
      ])
      end += packed([(0x0706_4b50, 4), (0, 4), (place + directory.count, 8), (1, 4)])
    }
    end += packed([
      (0x0605_4b50, 4), (0, 2), (0, 2), (isLong ? 0xffff : count, 2), (isLong ? 0xffff : count, 2),
      (isLong ? 0xffff_ffff : directory.count, 4), (isLong ? 0xffff_ffff : place, 4), (0, 2),
    ])
    try file.append(directory)
    try file.append(end)
    try file.commit()
  }

  private func packed(_ fields: [(value: Int, width: Int)]) -> [UInt8] {
    fields.flatMap { field in (0..<field.width).map { UInt8(truncatingIfNeeded: field.value >> (8 * $0)) } }
  }
}
