import Foundation
import Lab

/// Something that is wrong with a mesh, or to be known of it, with its place.
public struct MeshFinding: Codable, Hashable, Sendable, CustomStringConvertible {
  public enum Kind: String, Codable, CaseIterable, Sendable {
    case missingVertex = "missing-vertex"
    case notFinite = "not-finite"
    case degenerate
    case duplicateTriangle = "duplicate-triangle"
    case duplicateVertex = "duplicate-vertex"
    case unusedVertex = "unused-vertex"
    case openEdge = "open-edge"
    case nonManifoldEdge = "non-manifold-edge"
    case nonManifoldVertex = "non-manifold-vertex"
    case orientation
    case insideOut = "inside-out"
    case cavity
    case components
  }

  public var kind: Kind
  /// How many places have it.
  public var count: Int
  /// One line with the first place.
  public var description: String
  /// Whether a boundary integral needs it mended first.
  public var isError: Bool

  init(_ kind: Kind, count: Int = 1, isError: Bool = true, _ description: String) {
    (self.kind, self.count, self.isError, self.description) = (kind, count, isError, description)
  }
}

/// A connected part of a mesh.
public struct MeshComponent: Sendable {
  /// Places of its triangles.
  public var triangles: [Int]
  /// Signed, in Å³: negative where normals point inwards, as on a cavity of the solute.
  public var volume: Double
  /// In Å².
  public var area: Double
  /// Place of the smallest component that encloses this one; nil for an outer one.
  public var parent: Int?

  /// Components around it; odd for cavities.
  public internal(set) var depth = 0
}

/// What a mesh is like: its parts, and all that is wrong with it.
public struct MeshCheck: Sendable {
  /// Triangles with less area, in Å², are degenerate.
  public static let smallestArea = 1e-5

  public let findings: [MeshFinding]
  /// Largest first; empty where triangles name vertices that aren't there.
  public let components: [MeshComponent]
  /// Vertices - edges + triangles; 2 for each component without handles.
  public let eulerCharacteristic: Int

  /// Whether the surface can be computed on as it is.
  public var isUsable: Bool { !findings.contains { $0.isError } }

  /// The first error.
  ///
  /// - Throws: `UsageError` where there is one.
  public func requireUsable(_ name: String) throws {
    let errors = findings.filter(\.isError)
    guard let first = errors.first else { return }
    let more = errors.count > 1 ? " (and \(errors.count - 1) more; `pinion bem-fmm mesh check` lists them)" : ""
    throw UsageError("\(name): \(first.description)\(more); `pinion bem-fmm mesh repair` mends what can be mended")
  }

  public init(_ mesh: SurfaceMesh) {
    var findings: [MeshFinding] = []
    let topology = MeshTopology(mesh)
    Self.checkPlaces(mesh, &findings)
    if findings.contains(where: \.isError) {
      (self.findings, components, eulerCharacteristic) = (findings, [], 0)
      return
    }
    Self.checkShapes(mesh, &findings)
    Self.checkVertices(mesh, &findings)
    Self.checkEdges(mesh, topology, &findings)
    components = topology.components(mesh)
    let isClosed = !findings.contains { [.openEdge, .nonManifoldEdge, .orientation].contains($0.kind) }
    if isClosed { Self.checkComponents(mesh, components, &findings) }
    eulerCharacteristic =
      Set(mesh.triangles.flatMap { [$0.x, $0.y, $0.z] }).count - topology.edgeCount + mesh.triangles.count
    self.findings = findings
  }

  // MARK: Checks

  private static func checkPlaces(_ mesh: SurfaceMesh, _ findings: inout [MeshFinding]) {
    let count = Int32(clamping: mesh.vertices.count)
    let missing = mesh.triangles.indices.filter { place in
      let t = mesh.triangles[place]
      return (0..<3).contains { !(0..<count).contains(t[$0]) }
    }
    if let first = missing.first {
      findings.append(
        .init(
          .missingVertex, count: missing.count,
          "\(counted(missing.count, "triangle")) with vertices that aren't there, the first triangle \(first): "
            + "\(list(mesh.triangles[first])) of \(count) vertices"))
    }
    let odd = mesh.vertices.indices.filter { i in (0..<3).contains { !mesh.vertices[i][$0].isFinite } }
    if let first = odd.first {
      findings.append(
        .init(.notFinite, count: odd.count, "\(counted(odd.count, "vertex")) not finite, the first vertex \(first)"))
    }
    if mesh.triangles.isEmpty { findings.append(.init(.components, "there are no triangles")) }
  }

  private static func checkShapes(_ mesh: SurfaceMesh, _ findings: inout [MeshFinding]) {
    let small = mesh.triangles.indices.filter { place in
      let t = mesh.triangles[place]
      return t.x == t.y || t.y == t.z || t.z == t.x || mesh.area(of: place) < smallestArea
    }
    if let first = small.first {
      let area = String(format: "%.1e", mesh.area(of: first))
      findings.append(
        .init(
          .degenerate, count: small.count,
          "\(counted(small.count, "degenerate triangle")) (area below \(String(format: "%.0e", smallestArea)) Å²), the first "
            + "triangle \(first), vertices \(list(mesh.triangles[first])) at \(at(mesh.centroid(of: first))), area \(area)"
        ))
    }
    var seen: [SIMD3<Int32>: Int] = [:]
    var doubles: [(Int, Int)] = []
    for (place, t) in mesh.triangles.enumerated() {
      let key = SIMD3(t.min(), t.x ^ t.y ^ t.z ^ t.min() ^ t.max(), t.max())
      if let other = seen[key] { doubles.append((place, other)) } else { seen[key] = place }
    }
    if let (place, other) = doubles.first {
      findings.append(
        .init(
          .duplicateTriangle, count: doubles.count,
          "\(counted(doubles.count, "triangle")) there twice, the first triangle \(place), equal to \(other)"))
    }
  }

  private static func checkVertices(_ mesh: SurfaceMesh, _ findings: inout [MeshFinding]) {
    let places = MeshTopology.equalVertices(mesh.vertices, within: 1e-9)
    let doubles = places.indices.filter { places[$0] != $0 }
    if let first = doubles.first {
      findings.append(
        .init(
          .duplicateVertex, count: doubles.count,
          "\(counted(doubles.count, "vertex")) at the place of another, the first vertex \(first) at that of "
            + "\(places[first]), \(at(mesh.vertices[first]))"))
    }
    var used = [Bool](repeating: false, count: mesh.vertices.count)
    for t in mesh.triangles { for corner in 0..<3 { used[Int(t[corner])] = true } }
    let unused = used.indices.filter { !used[$0] }
    if let first = unused.first {
      findings.append(
        .init(
          .unusedVertex, count: unused.count,
          "\(counted(unused.count, "vertex")) in no triangle, the first vertex \(first) at \(at(mesh.vertices[first]))")
      )
    }
  }

  private static func checkEdges(_ mesh: SurfaceMesh, _ topology: MeshTopology, _ findings: inout [MeshFinding]) {
    func add(_ kind: MeshFinding.Kind, _ edges: [MeshTopology.Edge], _ what: (Int) -> String) {
      guard let first = edges.first else { return }
      let (a, b) = (Int(first.low), Int(first.high))
      let middle = (mesh.vertices[a] + mesh.vertices[b]) / 2
      findings.append(
        .init(
          kind, count: edges.count,
          "\(what(edges.count)), the first edge between vertices \(a) and \(b) at \(at(middle))"))
    }
    add(.openEdge, topology.edges { $0.count == 1 }) { "not watertight: \(counted($0, "edge")) of one triangle only" }
    add(.nonManifoldEdge, topology.edges { $0.count > 2 }) { "\(counted($0, "edge")) of more than two triangles" }
    add(.orientation, topology.edges { $0.count == 2 && $0.forward != 1 }) {
      "\(counted($0, "edge")) whose two triangles face opposite sides"
    }
    let pinched = topology.pinchedVertices(mesh)
    if let first = pinched.first {
      findings.append(
        .init(
          .nonManifoldVertex, count: pinched.count,
          "\(counted(pinched.count, "vertex")) where parts of the surface touch in a point, the first vertex \(first) at "
            + at(mesh.vertices[first])))
    }
  }

  private static func checkComponents(
    _ mesh: SurfaceMesh, _ components: [MeshComponent], _ findings: inout [MeshFinding]
  ) {
    // Outer parts enclose volume, cavities take it away, what lies in a cavity encloses again.
    let wrong = components.indices.filter {
      ($0 < components.count) && (components[$0].volume < 0) == (components[$0].depth % 2 == 0)
    }
    for place in wrong.prefix(8) {
      let component = components[place]
      let what = component.depth % 2 == 0 ? "inside out" : "a cavity whose normals point into the solute"
      findings.append(
        .init(
          .insideOut, count: wrong.count,
          "component \(place + 1) of \(components.count) (\(component.triangles.count) triangles) is \(what): its signed "
            + "volume is \(Format.short(component.volume)) Å³, at \(at(mesh.centroid(of: component.triangles[0])))"))
    }
    let outer = components.indices.filter { components[$0].parent == nil }
    for place in components.indices where components[place].depth % 2 == 1 {
      let component = components[place]
      findings.append(
        .init(
          .cavity, isError: false,
          "component \(place + 1) is a cavity of \(component.triangles.count) triangles, "
            + "\(Format.short(abs(component.volume))) Å³, at \(at(mesh.centroid(of: component.triangles[0])))"))
    }
    if outer.count > 1 {
      findings.append(
        .init(.components, count: outer.count, isError: false, "\(outer.count) surfaces that don't enclose each other"))
    }
  }

  private static func counted(_ count: Int, _ what: String) -> String {
    let many = what.hasSuffix("vertex") ? what.dropLast(2) + "ices" : what + "s"
    return "\(count) \(count == 1 ? what : String(many))"
  }

  private static func list(_ t: SIMD3<Int32>) -> String { "\(t.x), \(t.y), \(t.z)" }

  private static func at(_ p: SIMD3<Double>) -> String { String(format: "(%.2f, %.2f, %.2f)", p.x, p.y, p.z) }
}
