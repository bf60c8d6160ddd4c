import Formats
import Foundation
import Lab
import Testing

@testable import Papers

/// What an error says; empty where there is none.
func boundaryMessage(_ body: () throws -> Void) -> String {
  do { try body() } catch { return "\(error)" }
  return ""
}

@Suite struct BEMMeshTests {
  private let folder = FileManager.default.temporaryDirectory.appending(path: "meshes-\(UUID().uuidString)")

  private func path(_ name: String) throws -> String {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return folder.appending(path: name).path
  }

  private func tetrahedron() -> SurfaceMesh {
    SurfaceMesh(
      vertices: [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]],
      triangles: [[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]])
  }

  // MARK: Shapes

  @Test func spheresAndTheirMeasures() throws {
    #expect(tetrahedron().volume == 1 / 6.0)
    #expect(abs(tetrahedron().area - (1.5 + 3.0.squareRoot() / 2)) < 1e-14)
    var last = Double.infinity
    for level in 0...4 {
      let sphere = try SurfaceMesh.icosphere(radius: 3, level: level, center: [100, -50, 20])
      #expect(sphere.triangles.count == 20 << (2 * level) && sphere.vertices.count == 10 << (2 * level) + 2)
      let check = MeshCheck(sphere)
      #expect(check.findings.isEmpty && check.eulerCharacteristic == 2)
      // Inscribed: below the sphere's volume, with an error that a refinement quarters.
      let error = 1 - sphere.volume / (36 * .pi)
      #expect(error > 0 && error < 0.3 * last)
      last = level == 0 ? error * 1.5 : error
      for (normal, vertex) in zip(sphere.vertexNormals, sphere.vertices) {
        #expect(Vector.dot(normal, vertex - [100, -50, 20]) > 2.98)
      }
    }
    #expect(boundaryMessage { _ = try SurfaceMesh.icosphere(level: 10) } == "an icosphere of level 10: expected 0 to 9")
    #expect(boundaryMessage { _ = try SurfaceMesh.icosphere(radius: -1, level: 1) }.contains("expected more than 0"))
    let flat = try tetrahedron().refined()
    #expect(flat.triangles.count == 16 && abs(flat.volume - 1 / 6.0) < 1e-15 && MeshCheck(flat).findings.isEmpty)
  }

  // MARK: Files

  @Test(arguments: ["vert", "off", "ply", "vtk", "obj", "stl"])
  func filesKeepTheMesh(_ end: String) throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let mesh = try SurfaceMesh.icosphere(radius: 2.5, level: 1, center: [10, 0.1, -7])
    let fields = ["ply", "vtk"].contains(end) ? [ScalarField("phi", mesh.vertices.map { $0.x * 1e-7 })] : []
    let file = try path("m.\(end)")
    try MeshFile(mesh, fields: fields).write(to: file)
    let read = try MeshFile(path: file)
    #expect(read.fields == fields)
    #expect(read.mesh.triangles.count == mesh.triangles.count)
    if end == "stl" {
      #expect(read.mesh.vertices.count == mesh.vertices.count && abs(read.mesh.volume - mesh.volume) < 1e-4)
      #expect(MeshCheck(read.mesh).findings.isEmpty)
    } else {
      #expect(read.mesh.triangles == mesh.triangles)
      let off = zip(read.mesh.vertices, mesh.vertices).map { Vector.length($0 - $1) }.max() ?? 1
      #expect(off <= (end == "vert" ? 1e-6 : 0))
    }
  }

  @Test func otherWritersFormsAreRead() throws {
    let mesh = tetrahedron()
    func parse(_ text: String, _ format: MeshFile.Format) throws -> MeshFile {
      try MeshFile(Array(text.utf8), format, name: "t")
    }
    // MSMS without heading, and NanoShaper's heading; columns behind the third are theirs.
    let rows = "0 0 0 0 0 1\n1 0 0 0 0 1\n0 1 0 0 0 1\n0 0 1 0 0 1\n"
    let faces = "1 3 2 1 1\n1 2 4 1 1\n2 3 4 1 1\n1 4 3 1 1\n"
    for (top, bottom) in [("", ""), ("# c\n#c\n      4      10  1.00  1.50\n", "#\n4 10 1.00 1.50\n")] {
      let read = try MSMSFiles.mesh(
        vertices: Array((top + rows).utf8), named: "v", faces: Array((bottom + faces).utf8), named: "f")
      #expect(read == mesh)
    }
    let three = "1 3 2\n1 2 4\n2 3 4\n1 4 3\n"
    #expect(
      try MSMSFiles.mesh(
        vertices: Array("0 0 0\n1 0 0\n0 1 0\n0 0 1".utf8), named: "v", faces: Array(three.utf8), named: "f")
        == mesh)
    #expect(
      try parse(
        "OFF # c\r\n4 4 6\r\n0 0 0\r\n1 0 0\r\n0 1 0\r\n0 0 1\r\n3 0 2 1\r\n3 0 1 3\r\n3 1 2 3\r\n3 0 3 2", .off
      ).mesh == mesh)
    #expect(
      try parse("v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1/1/1 3//2 2\nf 1 2 4\nf -3 -2 -1\nf 1 4 3\n", .obj).mesh == mesh
    )
    let quad = try parse("v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nf 1 2 3 4\n", .obj).mesh
    #expect(quad.triangles == [[0, 1, 2], [0, 2, 3]])
    let ply = """
      ply
      format ascii 1.0
      comment made by hand
      element vertex 4
      property float x
      property float y
      property float z
      property uchar red
      property float charge
      element face 4
      property list uchar int vertex_index
      end_header
      0 0 0 255 1
      1 0 0 255 2
      0 1 0 255 3
      0 0 1 255 4
      3 0 2 1
      3 0 1 3
      3 1 2 3
      3 0 3 2
      """
    #expect(try parse(ply, .ply) == MeshFile(mesh, fields: [ScalarField("charge", [1, 2, 3, 4])]))
    let written = try MeshFile(PLYFile.bytes(MeshFile(mesh), isASCII: true), .ply, name: "t")
    #expect(written.mesh == mesh)
    let vtk = """
      # vtk DataFile Version 5.1
      title # with anything
      ASCII
      DATASET POLYDATA
      POINTS 4 float
      0 0 0 1 0 0
      0 1 0 0 0 1
      METADATA
      INFORMATION 0

      POLYGONS 5 12
      OFFSETS vtktypeint64
      0 3 6 9 12
      CONNECTIVITY vtktypeint64
      0 2 1 0 1 3 1 2 3 0 3 2

      POINT_DATA 4
      FIELD FieldData 1
      phi 1 4 float
      1 2
      3 4
      """
    #expect(try parse(vtk, .vtk) == MeshFile(mesh, fields: [ScalarField("phi", [1, 2, 3, 4])]))
    let stl =
      "solid x\nfacet normal 0 0 1\nouter loop\nvertex 0 0 0\nvertex 1 0 -0\nvertex 0 1 0\nendloop\nendfacet\nendsolid"
    #expect(try parse(stl, .stl).mesh.triangles == [[0, 1, 2]])
  }

  @Test func badFilesAreSaidWithTheirPlace() throws {
    func error(_ text: String, _ format: MeshFile.Format) -> String {
      boundaryMessage { _ = try MeshFile(Array(text.utf8), format, name: "m") }
    }
    #expect(error("", .off) == "m: ends early, expected OFF")
    #expect(error("OFF\n3 1 0\n0 0 0\n1 0 x\n", .off) == "m:4: z of vertex 1 is 'x', expected a number")
    #expect(error("OFF\n3 1 0\n0 0 0\n1 0 0\n0 1 0\n3 0 1 3\n", .off).hasPrefix("m:6: a face has vertex 3"))
    #expect(error("OFF\n99999999 1 0\n", .off).contains("more than the file can have"))
    #expect(error("OFF\n3 1 0\n0 0 0\n1 0 0\n", .off) == "m: ends early, expected vertex 3 of 3")
    #expect(error("v 0 0 0\nf 1 0 1\n", .obj) == "m:2: a face has vertex 0, but vertices are counted from 1")
    #expect(error("v 0 0\n", .obj) == "m:1: a vertex has 2 numbers, expected x, y and z")
    #expect(error("v 0 0 nan\n", .obj) == "m:1: z of a vertex is 'nan', expected a number")
    #expect(error("", .obj) == "m: has no triangles")
    #expect(error("x", .stl).hasPrefix("m: isn't an STL file"))
    #expect(error("plx", .ply).hasPrefix("m: isn't a PLY file"))
    #expect(
      error("ply\nformat ascii 1.0\nelement vertex 1\nproperty double q\nend_header\n1\n", .ply).contains("'face'"))
    let header =
      "ply\nformat binary_little_endian 1.0\nelement vertex 1\nproperty double x\nproperty double y\nproperty double z\n"
      + "element face 1\nproperty list uchar int vertex_indices\nend_header\n"
    #expect(error(header + "123", .ply) == "m: ends within vertex 0")
    #expect(error("ply\nformat ascii 1.0\nelement vertex 77777\n", .ply).contains("more than the file can have"))
    #expect(error("# vtk DataFile Version 3.0\nt\nBINARY\n", .vtk).contains("only ASCII is read"))
    let points = "# vtk DataFile Version 3.0\nt\nASCII\nDATASET POLYDATA\nPOINTS 3 double\n0 0 0 1 0 0 0 1 0\n"
    #expect(error(points + "POLYGONS 1 4\n3 0 1 7\n", .vtk).contains("vertex 7"))
    #expect(error(points + "POLYGONS 1 4\n3 0 1\n", .vtk) == "m: ends early, expected a vertex of polygon 0")
    #expect(error(points + "POLYGONS 1 4\n3 0 1 2\nPOINT_DATA 2\n", .vtk).contains("POINT_DATA isn't for all points"))
    func msms(_ vertices: String, _ faces: String) -> String {
      boundaryMessage {
        _ = try MSMSFiles.mesh(
          vertices: Array(vertices.utf8), named: "a.vert", faces: Array(faces.utf8), named: "a.face")
      }
    }
    #expect(
      msms("0 0 0\n1 0 0\n0 1 0", "1 2 4\n") == "a.face:1: the triangle has vertex 4, but a.vert has vertices 1 to 3")
    #expect(msms("0 0 0\n1 0 0\n0 1 0", "0 1 2\n").contains("vertex 0"))
    #expect(msms("0 0 0\n1 0\n", "1 2 3").hasPrefix("a.vert:2: a vertex has 2 numbers"))
    #expect(
      msms("#\n5 1 1.00 1.4\n0 0 0 0 0 1\n1 0 0 0 0 1\n0 1 0 0 0 1", "1 2 3").contains(
        "announces 5 rows of vertex, but it has 3"))
    #expect(boundaryMessage { _ = try SurfaceMesh(path: "/no/m.ply") } == "/no/m.ply: there is no such file")
    #expect(boundaryMessage { _ = try SurfaceMesh(path: "m.xyz") }.contains("isn't a mesh by its name"))
    #expect(
      boundaryMessage { try MeshFile(tetrahedron(), fields: [ScalarField("a", [1])]).write(to: path("a.ply")) }
        .hasSuffix("field 'a' has 1 numbers for 4 vertices"))
  }

  /// Random bytes and broken files end in an error or a mesh, never otherwise.
  @Test func brokenFilesDoNoHarm() throws {
    var state: UInt64 = 7
    func random(_ count: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % count
    }
    let mesh = try SurfaceMesh.icosphere(level: 0)
    let whole: [(MeshFile.Format, [UInt8])] = [
      (.off, Array(PlainMeshes.off(mesh).utf8)), (.obj, Array(PlainMeshes.obj(mesh).utf8)), (.stl, STLFile.bytes(mesh)),
      (.ply, PLYFile.bytes(MeshFile(mesh))), (.ply, PLYFile.bytes(MeshFile(mesh), isASCII: true)),
      (.vtk, Array(VTKFile.text(MeshFile(mesh, fields: [ScalarField("a", mesh.vertices.map(\.x))])).utf8)),
    ]
    var refused = 0
    for (format, bytes) in whole {
      for trial in 0..<150 {
        var broken = bytes
        if trial % 3 == 0 { broken.removeLast(random(bytes.count)) }
        for _ in 0..<(trial % 5) where !broken.isEmpty { broken[random(broken.count)] = UInt8(random(256)) }
        do {
          let read = try MeshFile(broken, format, name: "m").mesh
          _ = MeshCheck(read).isUsable
        } catch {
          refused += 1
          #expect(error is FormatError)
        }
      }
    }
    #expect(refused > 200)
  }
}
