import Pinion

/// A file of named tensors in the safetensors format (https://huggingface.co/docs/safetensors), open for reading.
///
/// Opening maps the file and checks its header whole; tensors are copied out when they're asked for.
/// ```swift
/// try Safetensors.write(["weight": w], to: "model.safetensors", metadata: ["step": "100"])
/// let tensors = try Safetensors.read("model.safetensors")
/// ```
public struct Safetensors: Sendable {
  /// What the header says of a tensor.
  public struct Entry: Hashable, Sendable {
    /// Name; for a model's weight its path, such as `layers.0.weight`.
    public let name: String
    /// Type of the elements.
    public let dtype: DType
    /// Sizes of the axes.
    public let shape: [Int]
    /// Place of the bytes, counted from the end of the header.
    public let range: Range<Int>
  }

  /// The path as given.
  public let path: String
  /// Tensors in the order of their bytes in the file.
  public let entries: [Entry]
  /// Text stored beside the tensors.
  public let metadata: [String: String]
  private let file: MappedFile
  private let dataStart: Int
  private let places: [String: Int]

  /// Longest header that is read, as in the reference implementation.
  private static let headerLimit = 100_000_000

  /// Opens a file and checks its header.
  ///
  /// - Throws: `FormatError` where the file can't be read, or its header is malformed, repeats a name, names an unknown
  ///   element type, or its ranges overlap, leave holes or disagree with shapes or the file's length.
  public init(path: String) throws {
    let file = try MappedFile(path: path)
    let bytes = file.bytes
    guard bytes.count >= 8 else {
      throw FormatError(path, "has \(bytes.count) bytes, too few for a safetensors header")
    }
    let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
    guard length <= UInt64(Self.headerLimit) else {
      throw FormatError(path, "header says \(length.grouped) bytes, at most \(Self.headerLimit.grouped) are allowed")
    }
    guard length <= UInt64(bytes.count - 8) else {
      throw FormatError(path, "header says \(length.grouped) bytes, file has \((bytes.count - 8).grouped)")
    }
    dataStart = 8 + Int(length)
    let text = UnsafeRawBufferPointer(rebasing: bytes[8..<dataStart])
    guard text.first == UInt8(ascii: "{"),
      case .object(let members) = try JSON(parsing: text, file: path, depthLimit: 4)
    else { throw FormatError(path, "isn't a safetensors file: the header isn't a JSON object") }
    var entries: [Entry] = []
    var metadata: [String: String] = [:]
    for member in members {
      if member.name == "__metadata__" {
        metadata = try Self.metadata(member.value, path)
      } else {
        entries.append(try Self.entry(member, path))
      }
    }
    entries.sort { ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound) }
    try Self.checkCover(entries, byteCount: bytes.count - dataStart, path)
    self.path = path
    self.file = file
    self.entries = entries
    self.metadata = metadata
    places = Dictionary(uniqueKeysWithValues: entries.indices.map { (entries[$0].name, $0) })
  }

  /// Names of the tensors, in the order of their bytes in the file.
  public var names: [String] { entries.map(\.name) }

  /// One tensor.
  ///
  /// - Throws: `FormatError` where the file has none of that name.
  public func tensor(_ name: String) throws -> Tensor {
    guard let place = places[name] else {
      throw FormatError(path, "has no tensor '\(name)'\(Self.nearest(name, names).map { ", but '\($0)'" } ?? "")")
    }
    return tensor(entries[place])
  }

  /// All tensors by name.
  public func tensors() -> [String: Tensor] {
    Dictionary(uniqueKeysWithValues: entries.map { ($0.name, tensor($0)) })
  }

  /// All tensors of a file by name.
  ///
  /// - Throws: as `init(path:)`.
  public static func read(_ path: String) throws -> [String: Tensor] { try Safetensors(path: path).tensors() }

  private func tensor(_ entry: Entry) -> Tensor {
    let range = dataStart + entry.range.lowerBound..<dataStart + entry.range.upperBound
    let bytes = UnsafeRawBufferPointer(rebasing: file.bytes[range])
    guard entry.dtype == .bool else { return Tensor(bytes: bytes, shape: entry.shape, dtype: entry.dtype) }
    return Tensor(shape: entry.shape, dtype: .bool) { memory in
      for i in memory.indices { memory[i] = bytes[i] == 0 ? 0 : 1 }
    }
  }

  private static func metadata(_ value: JSON, _ path: String) throws -> [String: String] {
    guard case .object(let members) = value else { throw FormatError(path, "__metadata__ isn't an object") }
    var result: [String: String] = [:]
    for member in members {
      guard case .string(let text) = member.value else {
        throw FormatError(path, "__metadata__: '\(member.name)' isn't a string")
      }
      result[member.name] = text
    }
    return result
  }

  private static func entry(_ member: JSON.Member, _ path: String) throws -> Entry {
    let name = member.name
    guard case .string(let typeName)? = member.value["dtype"], case .array(let sizes)? = member.value["shape"],
      case .array(let offsets)? = member.value["data_offsets"]
    else { throw FormatError(path, "tensor '\(name)' lacks dtype, shape or data_offsets") }
    guard let dtype = DType(safetensors: typeName) else {
      throw FormatError(path, "tensor '\(name)' has element type \(typeName), which isn't supported")
    }
    let shape = integers(sizes)
    guard let shape, let count = checkedCount(shape) else {
      throw FormatError(path, "tensor '\(name)' has an impossible shape")
    }
    let ends = integers(offsets)
    guard let ends, ends.count == 2, ends[0] >= 0, ends[0] <= ends[1] else {
      throw FormatError(path, "tensor '\(name)' has impossible data_offsets")
    }
    let (expected, overflow) = count.multipliedReportingOverflow(by: dtype.byteCount)
    guard !overflow, expected == ends[1] - ends[0] else {
      throw FormatError(
        path,
        "tensor '\(name)', \(dtype)\(shape), takes \(overflow ? "too many" : expected.grouped) bytes, header gives it "
          + (ends[1] - ends[0]).grouped)
    }
    return Entry(name: name, dtype: dtype, shape: shape, range: ends[0]..<ends[1])
  }

  private static func integers(_ values: [JSON]) -> [Int]? {
    let result = values.compactMap { if case .integer(let value) = $0 { value } else { nil } }
    return result.count == values.count ? result : nil
  }

  private static func checkCover(_ entries: [Entry], byteCount: Int, _ path: String) throws {
    var end = 0
    var last = ""
    for entry in entries {
      guard entry.range.lowerBound >= end else {
        throw FormatError(path, "tensors '\(last)' and '\(entry.name)' overlap")
      }
      guard entry.range.lowerBound == end else {
        throw FormatError(
          path, "\((entry.range.lowerBound - end).grouped) bytes before '\(entry.name)' belong to no tensor")
      }
      (end, last) = (entry.range.upperBound, entry.name)
    }
    guard end == byteCount else {
      throw FormatError(path, "tensors take \(end.grouped) bytes, file has \(byteCount.grouped)")
    }
  }

  /// The name that ends alike, for a hint: a prefix too many or too few is the usual mistake.
  private static func nearest(_ name: String, _ names: [String]) -> String? {
    names.first { $0.hasSuffix("." + name) || name.hasSuffix("." + $0) || $0.lowercased() == name.lowercased() }
  }
}

extension Safetensors {
  /// Writes tensors, whole file or nothing; computes them if need be.
  ///
  /// The bytes are those of the reference implementation: wide element types first, then by name.
  ///
  /// - Throws: `FormatError` for a type that the format lacks (complex128) or where the disk refuses; `TensorError` for
  ///   a tensor that can't be read.
  public static func write(_ tensors: [String: Tensor], to path: String, metadata: [String: String] = [:]) throws {
    guard tensors["__metadata__"] == nil else { throw FormatError(path, "no tensor can be named '__metadata__'") }
    for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
      if let failure = tensor.failure { throw failure }
      guard tensor.dtype.safetensorsName != nil else {
        throw FormatError(path, "tensor '\(name)' is \(tensor.dtype), which safetensors files can't hold")
      }
    }
    try evaluate(tensors.values.map { $0 })
    let order = tensors.sorted { a, b in
      let (x, y) = (a.value.dtype.safetensorsRank, b.value.dtype.safetensorsRank)
      return x == y ? Array(a.key.utf8).lexicographicallyPrecedes(Array(b.key.utf8)) : x > y
    }
    var members: [JSON.Member] = []
    if !metadata.isEmpty {
      let sorted = metadata.sorted { $0.key < $1.key }
      members.append(JSON.Member("__metadata__", .object(sorted.map { JSON.Member($0.key, .string($0.value)) })))
    }
    var end = 0
    for (name, tensor) in order {
      let start = end
      end += tensor.type.byteCount
      let fields = [
        JSON.Member("dtype", .string(tensor.dtype.safetensorsName ?? "")),
        JSON.Member("shape", .array(tensor.shape.map { .integer($0) })),
        JSON.Member("data_offsets", .array([.integer(start), .integer(end)])),
      ]
      members.append(JSON.Member(name, .object(fields)))
    }
    var header = Array(JSON.object(members).text.utf8)
    header += Array(repeating: UInt8(ascii: " "), count: (8 - header.count % 8) % 8)
    guard header.count <= headerLimit else {
      throw FormatError(
        path, "the header would take \(header.count.grouped) bytes, at most \(headerLimit.grouped) are allowed")
    }
    let file = try AtomicFile(path)
    try withUnsafeBytes(of: UInt64(header.count).littleEndian) { try file.append($0) }
    try file.append(header)
    for (_, tensor) in order { try tensor.withHostBytes { try file.append($0) } }
    try file.commit()
  }
}

extension DType {
  /// Element types in the order in which the reference implementation sorts them, with their spelling.
  private static let safetensorsNames: [(DType, String)] = [
    (.bool, "BOOL"), (.uint8, "U8"), (.int8, "I8"), (.int16, "I16"), (.uint16, "U16"), (.float16, "F16"),
    (.bfloat16, "BF16"), (.int32, "I32"), (.uint32, "U32"), (.float32, "F32"), (.complex64, "C64"), (.float64, "F64"),
    (.int64, "I64"), (.uint64, "U64"),
  ]

  fileprivate init?(safetensors name: String) {
    guard let found = Self.safetensorsNames.first(where: { $0.1 == name }) else { return nil }
    self = found.0
  }

  fileprivate var safetensorsName: String? { Self.safetensorsNames.first { $0.0 == self }?.1 }

  fileprivate var safetensorsRank: Int { Self.safetensorsNames.firstIndex { $0.0 == self } ?? 0 }
}
