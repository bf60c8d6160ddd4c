import Formats
import Foundation
import Lab

/// Numbers at the vertices of a mesh, such as the potential.
public struct ScalarField: Sendable, Equatable {
  /// A word, such as `potential`.
  public var name: String
  /// One for each vertex, [V].
  public var values: [Double]

  public init(_ name: String, _ values: [Double]) { (self.name, self.values) = (name, values) }
}

/// A mesh as a file has it, with numbers at its vertices where the format can hold them.
public struct MeshFile: Sendable, Equatable {
  public var mesh: SurfaceMesh
  public var fields: [ScalarField]

  public init(_ mesh: SurfaceMesh, fields: [ScalarField] = []) { (self.mesh, self.fields) = (mesh, fields) }

  /// A format of meshes, told by the end of a file's name.
  public enum Format: String, CaseIterable, Sendable {
    /// Two files of MSMS and NanoShaper, `.vert` and `.face`, with or without their heading.
    case msms
    case off
    /// ASCII or binary; keeps numbers at the vertices. Written in little-endian binary.
    case ply
    /// VTK's legacy format, ASCII, version 3.0; keeps numbers at the vertices.
    case vtk
    case obj
    /// Read as ASCII or binary, equal corners made one. Written in binary, which keeps places to 7 digits.
    case stl

    /// By the end of a name; a name without one is the pair `name.vert` and `name.face`.
    public init?(path: String) {
      switch (path as NSString).pathExtension.lowercased() {
      case "vert", "face", "": self = .msms
      case let end: self.init(rawValue: end)
      }
    }
  }

  /// Bytes that are read at most.
  static let limit = 1 << 33

  /// Reads a mesh by the end of its name.
  ///
  /// - Throws: `FormatError` with file, line where there are lines, and what was expected.
  public init(path: String) throws {
    guard let format = Format(path: path) else { throw Self.unknown(path) }
    switch format {
    case .msms:
      let base = Self.msmsBase(path)
      let (vertices, faces) = ("\(base).vert", "\(base).face")
      self.init(
        try MSMSFiles.mesh(
          vertices: File.read(vertices, limit: Self.limit), named: vertices,
          faces: File.read(faces, limit: Self.limit), named: faces))
    default: try self.init(File.read(path, limit: Self.limit), format, name: path)
    }
  }

  /// Reads a mesh from bytes in a format of one file.
  ///
  /// - Throws: `FormatError`.
  init(_ bytes: [UInt8], _ format: Format, name: String) throws {
    switch format {
    case .msms: throw FormatError(name, "a mesh of MSMS has two files")
    case .off: self.init(try PlainMeshes.off(bytes, name))
    case .obj: self.init(try PlainMeshes.obj(bytes, name))
    case .stl: self.init(try STLFile.mesh(bytes, name))
    case .ply: self = try PLYFile.read(bytes, name)
    case .vtk: self = try VTKFile.read(bytes, name)
    }
  }

  /// Writes the mesh in the format of the name's end, whole or not at all.
  ///
  /// - Throws: `FormatError` where it can't be written, or a field hasn't a number for each vertex.
  public func write(to path: String) throws {
    guard let format = Format(path: path) else { throw Self.unknown(path) }
    for field in fields where field.values.count != mesh.vertices.count {
      throw FormatError(
        path, "field '\(field.name)' has \(field.values.count) numbers for \(mesh.vertices.count) vertices")
    }
    switch format {
    case .msms:
      let base = Self.msmsBase(path)
      try File.write(MSMSFiles.vertices(mesh), to: "\(base).vert")
      try File.write(MSMSFiles.faces(mesh), to: "\(base).face")
    case .off: try File.write(PlainMeshes.off(mesh), to: path)
    case .obj: try File.write(PlainMeshes.obj(mesh), to: path)
    case .stl: try File.write(STLFile.bytes(mesh), to: path)
    case .ply: try File.write(PLYFile.bytes(self), to: path)
    case .vtk: try File.write(VTKFile.text(self), to: path)
    }
  }

  private static func msmsBase(_ path: String) -> String {
    ["vert", "face"].contains((path as NSString).pathExtension.lowercased())
      ? (path as NSString).deletingPathExtension : path
  }

  private static func unknown(_ path: String) -> FormatError {
    FormatError(path, "isn't a mesh by its name, expected .vert/.face, .off, .ply, .vtk, .obj or .stl")
  }
}

extension SurfaceMesh {
  /// Reads a mesh; numbers at its vertices are left out.
  ///
  /// - Throws: as `MeshFile`.
  public init(path: String) throws { self = try MeshFile(path: path).mesh }

  /// Writes the mesh in the format of the name's end.
  ///
  /// - Throws: as `MeshFile`.
  public func write(to path: String) throws { try MeshFile(self).write(to: path) }
}

/// Meshes of MSMS and NanoShaper: a file of vertices, a file of triangles, counted from 1.
enum MSMSFiles {
  static func mesh(vertices: [UInt8], named vertexPath: String, faces: [UInt8], named facePath: String) throws
    -> SurfaceMesh
  {
    var list = TriangleList()
    try rows(vertices, vertexPath, "vertex") { fields, lines in
      list.vertices.append(try lines.point(fields, "a vertex"))
    }
    guard list.vertices.count <= TriangleList.vertexLimit else {
      throw FormatError(vertexPath, "has too many vertices")
    }
    var error: FormatError?
    try rows(faces, facePath, "triangle") { fields, lines in
      guard fields.count >= 3 else { throw lines.error("a triangle has \(fields.count) numbers, expected 3 vertices") }
      let corners = try fields.prefix(3).map { try lines.whole($0, "a vertex of the triangle") }
      if let bad = corners.first(where: { $0 < 1 || $0 > list.vertices.count }) {
        throw lines.error("the triangle has vertex \(bad), but \(vertexPath) has vertices 1 to \(list.vertices.count)")
      }
      try list.add(corners.map { $0 - 1 }) {
        error = lines.error($0)
        return lines.error($0)
      }
    }
    if let error { throw error }
    return try list.mesh(facePath)
  }

  /// Rows behind the heading, which is a line of four fields, the first the number of rows.
  private static func rows(
    _ bytes: [UInt8], _ path: String, _ what: String, _ body: ([ArraySlice<UInt8>], FieldLines) throws -> Void
  ) throws {
    var lines = FieldLines(bytes, path: path)
    var (announced, count) = (Int?.none, 0)
    var held = lines.next().map { ($0, lines) }
    if let (first, _) = held, first.count == 4, let number = Int(lines.text(first[0])),
      first[1...].contains(where: { $0.contains(UInt8(ascii: ".")) })
    {
      let ahead = lines
      let second = lines.next()
      if second == nil || second?.count != 4 || what == "triangle" {
        announced = number
        held = second.map { ($0, lines) }
      } else {
        lines = ahead
      }
    }
    while let (fields, at) = held {
      try body(fields, at)
      count += 1
      held = lines.next().map { ($0, lines) }
    }
    if let announced, announced != count {
      throw FormatError(path, "its heading announces \(announced) rows of \(what), but it has \(count)")
    }
  }

  static func vertices(_ mesh: SurfaceMesh) -> String {
    var text = "# MSMS solvent excluded surface vertices\n#vertex #sphere density probe_r\n"
    text += "\(mesh.vertices.count) 0 0.00 0.00\n"
    for (p, n) in zip(mesh.vertices, mesh.vertexNormals) {
      text += String(format: "%12.6f %12.6f %12.6f %9.6f %9.6f %9.6f 0 0 0\n", p.x, p.y, p.z, n.x, n.y, n.z)
    }
    return text
  }

  static func faces(_ mesh: SurfaceMesh) -> String {
    var text = "# MSMS solvent excluded surface faces\n#faces #sphere density probe_r\n"
    text += "\(mesh.triangles.count) 0 0.00 0.00\n"
    for t in mesh.triangles { text += "\(t.x + 1) \(t.y + 1) \(t.z + 1) 1 1\n" }
    return text
  }
}
