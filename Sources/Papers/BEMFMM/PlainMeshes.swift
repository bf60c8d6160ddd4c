import Formats
import Foundation

/// OFF and Wavefront's OBJ.
enum PlainMeshes {
  // MARK: OFF

  static func off(_ bytes: [UInt8], _ path: String) throws -> SurfaceMesh {
    var lines = FieldLines(bytes, path: path)
    var fields = try lines.expect("OFF")
    guard lines.text(fields[0]).hasSuffix("OFF") else { throw lines.error("expected OFF at the beginning") }
    // The numbers may follow on the same line.
    fields = fields.count > 1 ? Array(fields.dropFirst()) : try lines.expect("numbers of vertices, faces and edges")
    guard fields.count >= 2 else { throw lines.error("expected the numbers of vertices, faces and edges") }
    let (vertices, faces) = (
      try lines.whole(fields[0], "the number of vertices"), try lines.whole(fields[1], "the number of faces")
    )
    // A line has two bytes at least.
    guard vertices >= 0, faces >= 0, vertices <= bytes.count, faces <= bytes.count else {
      throw lines.error("announces \(vertices) vertices and \(faces) faces, more than the file can have")
    }
    var list = TriangleList()
    for i in 0..<vertices {
      let fields = try lines.expect("vertex \(i + 1) of \(vertices)")
      list.vertices.append(try lines.point(fields, "vertex \(i)"))
    }
    for i in 0..<faces {
      let fields = try lines.expect("face \(i + 1) of \(faces)")
      let corners = try lines.whole(fields[0], "the number of corners")
      guard corners >= 3, fields.count > corners else {
        throw lines.error("a face of \(corners) corners has \(fields.count - 1) numbers behind it")
      }
      try list.add(fields[1...corners].map { try lines.whole($0, "a vertex of the face") }, lines.error)
    }
    return try list.mesh(path)
  }

  static func off(_ mesh: SurfaceMesh) -> String {
    var text = "OFF\n\(mesh.vertices.count) \(mesh.triangles.count) 0\n"
    for p in mesh.vertices { text += "\(p.x) \(p.y) \(p.z)\n" }
    for t in mesh.triangles { text += "3 \(t.x) \(t.y) \(t.z)\n" }
    return text
  }

  // MARK: OBJ

  static func obj(_ bytes: [UInt8], _ path: String) throws -> SurfaceMesh {
    var lines = FieldLines(bytes, path: path)
    var list = TriangleList()
    while let fields = lines.next() {
      switch lines.text(fields[0]) {
      case "v": list.vertices.append(try lines.point(fields[1...], "a vertex"))
      case "f":
        let corners = try fields[1...].map { field in
          // `vertex/texture/normal`, counted from 1, or from the last by negative numbers.
          let first = field.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)[0]
          let number = try lines.whole(first, "a vertex of the face")
          if number == 0 { throw lines.error("a face has vertex 0, but vertices are counted from 1") }
          return number > 0 ? number - 1 : list.vertices.count + number
        }
        try list.add(corners, lines.error)
      default: continue
      }
    }
    return try list.mesh(path)
  }

  static func obj(_ mesh: SurfaceMesh) -> String {
    var text = ""
    for p in mesh.vertices { text += "v \(p.x) \(p.y) \(p.z)\n" }
    for t in mesh.triangles { text += "f \(t.x + 1) \(t.y + 1) \(t.z + 1)\n" }
    return text
  }
}

/// STL: triangles without common vertices.
enum STLFile {
  static func mesh(_ bytes: [UInt8], _ path: String) throws -> SurfaceMesh {
    // Some binary files begin with "solid" too: their length tells.
    if bytes.count >= 84 {
      let count = bytes.withUnsafeBytes {
        Int(UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: 80, as: UInt32.self)))
      }
      if bytes.count == 84 + 50 * count { return try binary(bytes, count, path) }
    }
    guard bytes.starts(with: Array("solid".utf8)) else {
      throw FormatError(path, "isn't an STL file: neither begins with 'solid' nor has the length of its triangles")
    }
    return try ascii(bytes, path)
  }

  private static func binary(_ bytes: [UInt8], _ count: Int, _ path: String) throws -> SurfaceMesh {
    var merging = Merging()
    try bytes.withUnsafeBytes { raw in
      for triangle in 0..<count {
        var corners: [Int] = []
        for corner in 0..<3 {
          var point = SIMD3<Double>.zero
          for axis in 0..<3 {
            let bits = raw.loadUnaligned(fromByteOffset: 96 + 50 * triangle + 12 * corner + 4 * axis, as: UInt32.self)
            point[axis] = Double(Float(bitPattern: UInt32(littleEndian: bits)))
          }
          guard point.x.isFinite, point.y.isFinite, point.z.isFinite else {
            throw FormatError(path, "triangle \(triangle): a coordinate isn't a number")
          }
          corners.append(merging.place(of: point))
        }
        try merging.list.add(corners) { FormatError(path, $0) }
      }
    }
    return try merging.list.mesh(path)
  }

  private static func ascii(_ bytes: [UInt8], _ path: String) throws -> SurfaceMesh {
    var lines = FieldLines(bytes, path: path, comment: nil)
    var (merging, corners) = (Merging(), [Int]())
    while let fields = lines.next() {
      switch lines.text(fields[0]) {
      case "vertex": corners.append(merging.place(of: try lines.point(fields[1...], "a vertex")))
      case "endfacet":
        try merging.list.add(corners, lines.error)
        corners = []
      default: continue
      }
    }
    return try merging.list.mesh(path)
  }

  /// Equal corners are one vertex.
  private struct Merging {
    var list = TriangleList()
    private var places: [SIMD3<Double>: Int] = [:]

    mutating func place(of point: SIMD3<Double>) -> Int {
      // -0 and 0 are one place.
      let point = point + SIMD3<Double>(repeating: 0)
      if let place = places[point] { return place }
      places[point] = list.vertices.count
      list.vertices.append(point)
      return list.vertices.count - 1
    }
  }

  static func bytes(_ mesh: SurfaceMesh) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 80)
    func add(_ bits: UInt32) { withUnsafeBytes(of: bits.littleEndian) { bytes.append(contentsOf: $0) } }
    func add(_ point: SIMD3<Double>) { for axis in 0..<3 { add(Float(point[axis]).bitPattern) } }
    add(UInt32(mesh.triangles.count))
    for triangle in mesh.triangles.indices {
      let (a, b, c) = mesh.corners(triangle)
      for point in [Vector.unit(mesh.areaVector(triangle)), a, b, c] { add(point) }
      bytes += [0, 0]
    }
    return bytes
  }
}
