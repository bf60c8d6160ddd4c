import Formats
import Foundation

/// Stanford's PLY: ASCII and binary of both orders; numbers at vertices are properties.
enum PLYFile {
  private enum Kind: String {
    case int8, uint8, int16, uint16, int32, uint32, float32, float64

    init?(word: String) {
      let names: [String: Kind] = [
        "char": .int8, "uchar": .uint8, "short": .int16, "ushort": .uint16, "int": .int32, "uint": .uint32,
        "float": .float32, "double": .float64,
      ]
      guard let kind = names[word] ?? Kind(rawValue: word) else { return nil }
      self = kind
    }

    var size: Int {
      switch self {
      case .int8, .uint8: 1
      case .int16, .uint16: 2
      case .int32, .uint32, .float32: 4
      case .float64: 8
      }
    }
  }

  private struct Property {
    var name: String
    var kind: Kind
    /// Type of the number of a list's values; nil where it isn't a list.
    var count: Kind?
  }

  private struct Element {
    var name: String
    var count: Int
    var properties: [Property] = []
  }

  // MARK: Reading

  static func read(_ bytes: [UInt8], _ path: String) throws -> MeshFile {
    var lines = FieldLines(bytes, path: path, comment: nil)
    guard let first = lines.next(), lines.text(first[0]) == "ply" else {
      throw FormatError(path, "isn't a PLY file: doesn't begin with 'ply'")
    }
    var (format, elements) = ("", [Element]())
    header: while true {
      let fields = try lines.expect("end_header")
      let words = fields.map(lines.text)
      switch (words[0], words.count) {
      case ("format", 2...): format = words[1]
      case ("comment", _), ("obj_info", _): continue
      case ("element", 3...):
        let count = try lines.whole(fields[2], "the number of \(words[1])")
        guard (0...bytes.count).contains(count) else {
          throw lines.error("announces \(count) of element \(words[1]), more than the file can have")
        }
        elements.append(Element(name: words[1], count: count))
      case ("property", 3...):
        guard let last = elements.indices.last else { throw lines.error("a property before any element") }
        if words[1] == "list" {
          guard words.count >= 5, let count = Kind(word: words[2]), let kind = Kind(word: words[3]) else {
            throw lines.error("expected 'property list type type name'")
          }
          elements[last].properties.append(Property(name: words[4], kind: kind, count: count))
        } else {
          guard let kind = Kind(word: words[1]) else { throw lines.error("no type is called '\(words[1].prefix(40))'") }
          elements[last].properties.append(Property(name: words[2], kind: kind))
        }
      case ("end_header", _): break header
      default: throw lines.error("'\(words[0].prefix(40))' isn't expected in the heading of a PLY file")
      }
    }
    var source: any Source
    switch format {
    case "ascii": source = ASCIISource(lines: lines)
    case "binary_little_endian": source = BinarySource(bytes, at: lines.place, isLittle: true, path: path)
    case "binary_big_endian": source = BinarySource(bytes, at: lines.place, isLittle: false, path: path)
    default: throw FormatError(path, "has format '\(format.prefix(40))', expected ascii or binary")
    }
    return try file(elements, &source, path)
  }

  private static func file(_ elements: [Element], _ source: inout any Source, _ path: String) throws -> MeshFile {
    guard let vertex = elements.first(where: { $0.name == "vertex" }), elements.contains(where: { $0.name == "face" })
    else { throw FormatError(path, "has no elements 'vertex' and 'face'") }
    let axes = ["x", "y", "z"].map { axis in vertex.properties.firstIndex { $0.name == axis && $0.count == nil } }
    guard let x = axes[0], let y = axes[1], let z = axes[2] else {
      throw FormatError(path, "its vertices have no x, y and z")
    }
    // Normals and colours follow from the mesh or are for show.
    let known = Set(["x", "y", "z", "nx", "ny", "nz", "red", "green", "blue", "alpha"])
    let extra = vertex.properties.indices.filter {
      let property = vertex.properties[$0]
      return property.count == nil && !known.contains(property.name)
    }
    var (list, fields) = (TriangleList(), extra.map { ScalarField(vertex.properties[$0].name, []) })
    for element in elements {
      for row in 0..<element.count {
        try source.begin("\(element.name) \(row)")
        var (scalars, corners) = ([Double](), [Int]())
        for property in element.properties {
          guard let count = property.count else {
            scalars.append(try source.next(property.kind))
            continue
          }
          scalars.append(0)
          let length = try source.next(count)
          guard length >= 0, length <= 65_536 else {
            throw source.error("\(element.name) \(row): a list of \(length) values")
          }
          for _ in 0..<Int(length) {
            let value = try source.next(property.kind)
            if ["vertex_indices", "vertex_index"].contains(property.name) { corners.append(Int(exactly: value) ?? -1) }
          }
        }
        if element.name == "vertex" {
          let point = SIMD3(scalars[x], scalars[y], scalars[z])
          guard point.x.isFinite, point.y.isFinite, point.z.isFinite else {
            throw source.error("vertex \(row): a coordinate isn't a number")
          }
          list.vertices.append(point)
          for (i, place) in extra.enumerated() { fields[i].values.append(scalars[place]) }
        } else if element.name == "face" {
          // Faces may come first in the file; corners are then checked against what was announced.
          guard list.vertices.count == vertex.count else { throw FormatError(path, "has faces before its vertices") }
          try list.add(corners) { source.error($0) }
        }
      }
    }
    return MeshFile(try list.mesh(path), fields: fields)
  }

  /// Values one after the other.
  private protocol Source {
    mutating func begin(_ what: String) throws
    mutating func next(_ kind: Kind) throws -> Double
    func error(_ message: String) -> FormatError
  }

  private struct ASCIISource: Source {
    var lines: FieldLines
    var fields: [ArraySlice<UInt8>] = []
    var at = 0
    var what = ""

    init(lines: FieldLines) { self.lines = lines }

    mutating func begin(_ what: String) throws {
      (self.what, at) = (what, 0)
      fields = try lines.expect(what)
    }

    mutating func next(_ kind: Kind) throws -> Double {
      guard at < fields.count else { throw error("\(what) has too few values, \(fields.count)") }
      defer { at += 1 }
      return try lines.number(fields[at], "a value of \(what)")
    }

    func error(_ message: String) -> FormatError { lines.error(message) }
  }

  private struct BinarySource: Source {
    let bytes: [UInt8]
    var at: Int
    let isLittle: Bool
    let path: String
    var what = ""

    init(_ bytes: [UInt8], at: Int, isLittle: Bool, path: String) {
      (self.bytes, self.at, self.isLittle, self.path) = (bytes, at, isLittle, path)
    }

    mutating func begin(_ what: String) { self.what = what }

    mutating func next(_ kind: Kind) throws -> Double {
      guard at + kind.size <= bytes.count else { throw error("ends within \(what)") }
      var bits: UInt64 = 0
      for i in 0..<kind.size {
        bits |= UInt64(bytes[at + i]) << UInt64(8 * (isLittle ? i : kind.size - 1 - i))
      }
      at += kind.size
      switch kind {
      case .int8: return Double(Int8(truncatingIfNeeded: bits))
      case .uint8, .uint16, .uint32: return Double(bits)
      case .int16: return Double(Int16(truncatingIfNeeded: bits))
      case .int32: return Double(Int32(truncatingIfNeeded: bits))
      case .float32: return Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits)))
      case .float64: return Double(bitPattern: bits)
      }
    }

    func error(_ message: String) -> FormatError { FormatError(path, message) }
  }

  // MARK: Writing

  static func bytes(_ file: MeshFile, isASCII: Bool = false) -> [UInt8] {
    var header = "ply\nformat \(isASCII ? "ascii" : "binary_little_endian") 1.0\ncomment lengths in angstrom\n"
    header += "element vertex \(file.mesh.vertices.count)\n"
    for name in ["x", "y", "z"] + file.fields.map(\.name.word) { header += "property double \(name)\n" }
    header += "element face \(file.mesh.triangles.count)\nproperty list uchar int vertex_indices\nend_header\n"
    var bytes = Array(header.utf8)
    func number(_ value: Double) {
      withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
    }
    for (i, p) in file.mesh.vertices.enumerated() {
      let values = [p.x, p.y, p.z] + file.fields.map { $0.values[i] }
      if isASCII {
        bytes += Array((values.map { "\($0)" }.joined(separator: " ") + "\n").utf8)
      } else {
        values.forEach(number)
      }
    }
    for t in file.mesh.triangles {
      if isASCII {
        bytes += Array("3 \(t.x) \(t.y) \(t.z)\n".utf8)
      } else {
        bytes.append(3)
        for i in 0..<3 { withUnsafeBytes(of: t[i].littleEndian) { bytes.append(contentsOf: $0) } }
      }
    }
    return bytes
  }
}

extension String {
  /// Without spaces, as names in mesh files must be.
  var word: String { split(whereSeparator: \.isWhitespace).joined(separator: "_") }
}
