import Foundation
import Lab
import Testing

@testable import Papers

@Suite struct BEMRepairTests {
  private func sphere(_ level: Int = 2, at center: SIMD3<Double> = .zero, radius: Double = 2) throws -> SurfaceMesh {
    try SurfaceMesh.icosphere(radius: radius, level: level, center: center)
  }

  private func kinds(_ mesh: SurfaceMesh) -> [MeshFinding.Kind] { MeshCheck(mesh).findings.map(\.kind) }

  @Test func openMeshIsSaidAndClosed() throws {
    var open = try sphere()
    let volume = open.volume
    // A corner triangle and its middle one, then a single one.
    open.triangles.remove(at: 103)
    open.triangles.remove(at: 100)
    open.triangles.remove(at: 7)
    let finding = try #require(MeshCheck(open).findings.first { $0.kind == .openEdge })
    #expect(finding.description.hasPrefix("not watertight: ") && finding.description.contains("between vertices"))
    #expect(
      boundaryMessage { try MeshCheck(open).requireUsable("a.off") }.hasPrefix("a.off: not watertight: "))
    let (mended, actions) = try MeshRepair().repair(open)
    #expect(MeshCheck(mended).findings.isEmpty && abs(mended.volume - volume) < 0.01 * volume)
    #expect(actions.contains { $0.hasPrefix("holes closed: ") })
    var repair = MeshRepair()
    repair.largestHole = 0
    #expect(!MeshCheck(try repair.repair(open).mesh).isUsable)
  }

  @Test func insideOutIsSaidAndTurned() throws {
    let inside = try sphere().flipped
    #expect(kinds(inside) == [.insideOut])
    #expect(MeshCheck(inside).findings[0].description.contains("inside out: its signed volume is -"))
    #expect(try MeshRepair().repair(inside).mesh.volume == sphere().volume)
    var mixed = try sphere()
    for i in [3, 50, 51, 200] {
      let t = mixed.triangles[i]
      mixed.triangles[i] = [t.y, t.x, t.z]
    }
    #expect(kinds(mixed) == [.orientation])
    let (mended, actions) = try MeshRepair().repair(mixed)
    #expect(MeshCheck(mended).findings.isEmpty && actions == ["triangles turned to face as their neighbours: 4"])
  }

  @Test func degenerateTrianglesAndEqualVerticesGo() throws {
    // Each triangle with vertices of its own, as a list of triangles has them.
    let sphere = try sphere()
    var loose = SurfaceMesh(vertices: [], triangles: [])
    for triangle in sphere.triangles.indices {
      let (a, b, c) = sphere.corners(triangle)
      let start = Int32(loose.vertices.count)
      loose.vertices += [a, b, c]
      loose.triangles.append([start, start + 1, start + 2])
    }
    #expect(kinds(loose).contains(.duplicateVertex) && kinds(loose).contains(.openEdge))
    let joined = try MeshRepair().repair(loose).mesh
    #expect(MeshCheck(joined).findings.isEmpty && joined.vertices.count == sphere.vertices.count)

    // A needle: a vertex beside another; a cap: a vertex in the middle of an edge.
    var needle = sphere
    let (a, b) = (needle.triangles[0].x, needle.triangles[0].y)
    needle.vertices[Int(b)] = needle.vertices[Int(a)] + [1e-6, 2e-6, 0]
    let finding = try #require(MeshCheck(needle).findings.first { $0.kind == .degenerate })
    #expect(finding.isError && finding.description.contains("degenerate triangles (area below 1e-05 Å²)"))
    let mended = try MeshRepair().repair(needle).mesh
    #expect(MeshCheck(mended).isUsable && mended.triangles.count == sphere.triangles.count - 2)

    var cap = try SurfaceMesh.icosphere(radius: 2, level: 1)
    let t = cap.triangles[0]
    cap.vertices[Int(t.z)] = (cap.vertices[Int(t.x)] + cap.vertices[Int(t.y)]) / 2 + [0, 0, 1e-9]
    #expect(kinds(cap).contains(.degenerate))
    #expect(MeshCheck(try MeshRepair().repair(cap).mesh).isUsable)

    var double = sphere
    double.triangles.append(double.triangles[5])
    double.vertices.append([9, 9, 9])
    #expect(Set(kinds(double)).isSuperset(of: [.duplicateTriangle, .unusedVertex, .nonManifoldEdge]))
    #expect(try MeshRepair().repair(double).mesh.vertices.count == sphere.vertices.count)
  }

  @Test func componentsAreNamed() throws {
    let outer = try sphere(3, radius: 5)
    let cavity = try sphere(1, at: [1, 0, 0], radius: 1).flipped
    let with = outer + cavity
    let check = MeshCheck(with)
    #expect(check.isUsable && check.findings.map(\.kind) == [.cavity] && check.components.count == 2)
    #expect(check.findings[0].description.hasPrefix("component 2 is a cavity of 80 triangles"))
    #expect(check.components[1].parent == 0 && abs(with.volume - outer.volume - cavity.volume) < 1e-9)
    var repair = MeshRepair()
    repair.cavities = .remove
    #expect(try repair.repair(with).mesh.triangles.count == outer.triangles.count)
    // A cavity whose normals point into the solute is turned.
    #expect(kinds(outer + cavity.flipped) == [.insideOut, .cavity])
    #expect(try MeshRepair().repair(outer + cavity.flipped).mesh.volume == with.volume)
    let two = outer + (try sphere(1, at: [20, 0, 0]))
    #expect(kinds(two) == [.components] && MeshCheck(two).isUsable)
  }

  @Test func whatCannotBeMendedIsSaid() throws {
    var mesh = try sphere(1)
    mesh.triangles[4].y = 999
    #expect(MeshCheck(mesh).findings.map(\.kind) == [.missingVertex])
    #expect(
      boundaryMessage { _ = try MeshRepair().repair(mesh) }.contains("vertices that aren't there, the first triangle 4")
    )
    mesh = try sphere(1)
    mesh.vertices[3].x = .nan
    #expect(
      boundaryMessage { try MeshCheck(mesh).requireUsable("m") }.contains("1 vertex not finite, the first vertex 3"))
    // Two boxes that share an edge: four triangles meet in it.
    let wedge = SurfaceMesh(
      vertices: [[0, 0, 0], [0, 0, 1], [1, 0, 0], [1, 1, 0], [-1, 0, 0], [-1, -1, 0]],
      triangles: [
        [0, 1, 2], [0, 3, 1], [1, 3, 2], [0, 2, 3], [0, 1, 4], [0, 5, 1], [1, 5, 4], [0, 4, 5],
      ])
    #expect(kinds(wedge).contains(.nonManifoldEdge))
    #expect(boundaryMessage { _ = try MeshRepair().repair(wedge) }.contains("has 4 triangles; which of them"))
    // Two tetrahedra that touch in a point are divided there.
    let touching = SurfaceMesh(
      vertices: [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [-1, 0, 0], [0, -1, 0], [0, 0, -1]],
      triangles: [
        [0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2], [0, 4, 5], [0, 6, 4], [4, 6, 5], [0, 5, 6],
      ])
    #expect(kinds(touching).contains(.nonManifoldVertex))
    let mended = try MeshRepair().repair(touching).mesh
    #expect(mended.vertices.count == 8 && MeshCheck(mended).isUsable)
    // A Möbius strip has no outside.
    let strip = SurfaceMesh(
      vertices: (0..<5).map { i in
        let angle = 2 * Double.pi * Double(i) / 5
        return [cos(angle), sin(angle), i % 2 == 0 ? 0.3 : -0.3]
      }, triangles: [[0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 0], [4, 0, 1]])
    #expect(boundaryMessage { _ = try MeshRepair().repair(strip) }.contains("one side only"))
    #expect(
      MeshCheck(SurfaceMesh(vertices: [], triangles: [])).findings.map(\.description) == ["there are no triangles"])
  }
}
