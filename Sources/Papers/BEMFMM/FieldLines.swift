import Formats

/// Lines of a text file as fields, with their numbers; comments and empty lines are left out.
struct FieldLines {
  let path: String
  let bytes: [UInt8]
  /// Begins a comment that reaches to the end of its line.
  let comment: UInt8?
  private(set) var line = 0
  private var offset: Int

  init(_ bytes: [UInt8], path: String, from offset: Int = 0, comment: Character? = "#") {
    (self.bytes, self.path, self.offset) = (bytes, path, offset)
    self.comment = comment?.asciiValue
  }

  /// The rest, read field by field with line ends as spaces.
  var place: Int { offset }

  /// Fields of the next line that has any; nil at the end.
  mutating func next() -> [ArraySlice<UInt8>]? {
    while offset < bytes.count {
      let end = bytes[offset...].firstIndex { $0 == 10 || $0 == 13 } ?? bytes.count
      let content = bytes[offset..<end]
      offset = end + 1
      if end < bytes.count, bytes[end] == 13, offset < bytes.count, bytes[offset] == 10 { offset += 1 }
      line += 1
      let text = comment.flatMap { content.firstIndex(of: $0) }.map { content[..<$0] } ?? content
      let fields = text.split { $0 == 32 || $0 == 9 }
      if !fields.isEmpty { return fields }
    }
    return nil
  }

  /// An error at the line read last.
  func error(_ message: String) -> FormatError { FormatError("\(path):\(line)", message) }

  /// The next line, which must be there.
  ///
  /// - Throws: `FormatError` at the end of the file.
  mutating func expect(_ what: String) throws -> [ArraySlice<UInt8>] {
    guard let fields = next() else { throw FormatError(path, "ends early, expected \(what)") }
    return fields
  }

  func text(_ field: ArraySlice<UInt8>) -> String { String(decoding: field, as: UTF8.self) }

  /// A finite number.
  ///
  /// - Throws: `FormatError` that shows what is there.
  func number(_ field: ArraySlice<UInt8>, _ what: @autoclosure () -> String) throws -> Double {
    guard let value = Double(text(field)), value.isFinite else {
      throw error("\(what()) is '\(text(field).prefix(40))', expected a number")
    }
    return value
  }

  /// A whole number.
  ///
  /// - Throws: `FormatError` that shows what is there.
  func whole(_ field: ArraySlice<UInt8>, _ what: @autoclosure () -> String) throws -> Int {
    guard let value = Int(text(field)) else {
      throw error("\(what()) is '\(text(field).prefix(40))', expected a whole number")
    }
    return value
  }

  /// Three coordinates.
  ///
  /// - Throws: `FormatError` where the line has fewer.
  func point(_ fields: some RandomAccessCollection<ArraySlice<UInt8>>, _ what: @autoclosure () -> String) throws
    -> SIMD3<Double>
  {
    guard fields.count >= 3 else { throw error("\(what()) has \(fields.count) numbers, expected x, y and z") }
    var point = SIMD3<Double>.zero
    for (axis, field) in fields.prefix(3).enumerated() {
      point[axis] = try number(field, "\(["x", "y", "z"][axis]) of \(what())")
    }
    return point
  }
}

/// Triangles as they're read, whose corners are checked against the vertices.
struct TriangleList {
  var vertices: [SIMD3<Double>] = []
  private(set) var triangles: [SIMD3<Int32>] = []

  /// Adds a face of three corners, or of more as a fan.
  ///
  /// - Parameter corners: places from 0.
  /// - Throws: `FormatError` where a corner isn't a vertex.
  mutating func add(_ corners: [Int], _ error: (String) -> FormatError) throws {
    guard corners.count >= 3 else { throw error("a face of \(corners.count) corners, expected at least 3") }
    if let bad = corners.first(where: { !vertices.indices.contains($0) }) {
      throw error("a face has vertex \(bad), counted from 0, but there are \(vertices.count) vertices")
    }
    for i in 1..<(corners.count - 1) {
      triangles.append(SIMD3(Int32(corners[0]), Int32(corners[i]), Int32(corners[i + 1])))
    }
  }

  /// The mesh.
  ///
  /// - Throws: `FormatError` where there are no triangles.
  func mesh(_ path: String) throws -> SurfaceMesh {
    guard !triangles.isEmpty else { throw FormatError(path, "has no triangles") }
    return SurfaceMesh(vertices: vertices, triangles: triangles)
  }

  /// More vertices than places of 32 bits can't be named.
  static let vertexLimit = Int(Int32.max)
}
