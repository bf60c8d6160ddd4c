import Foundation
import Lab

/// Mends meshes: equal vertices made one, degenerate triangles removed, holes closed, normals turned outwards.
public struct MeshRepair: Sendable {
  /// What is done with surfaces inside of others.
  public enum Cavities: String, Codable, CaseIterable, Sendable {
    /// Cavities stay, filled with solvent: their normals point into them.
    case keep
    case remove
  }

  /// Vertices nearer than this, in Å, are one.
  public var mergeDistance = 1e-6
  /// Most edges of a hole that is closed.
  public var largestHole = 64
  public var cavities = Cavities.keep

  public init() {}

  /// The mended mesh, and what was done, a line each.
  ///
  /// - Throws: `UsageError` where something can't be mended, with its place.
  public func repair(_ mesh: SurfaceMesh) throws -> (mesh: SurfaceMesh, actions: [String]) {
    let check = MeshCheck(mesh)
    if let bad = check.findings.first(where: { [.missingVertex, .notFinite].contains($0.kind) }) {
      throw UsageError("\(bad.description); this can't be mended")
    }
    var (mesh, actions) = (mesh, [String]())
    func note(_ count: Int, _ text: String) { if count > 0 { actions.append("\(text): \(count)") } }
    note(mergeVertices(&mesh), "vertices merged with one at the same place")
    note(removeRepeated(&mesh), "triangles removed that had a vertex twice or were there twice")
    note(Self.removeSmall(&mesh), "degenerate triangles removed by joining or turning their edges")
    note(Self.removeRepeated(&mesh), "triangles removed that lay on each other then")
    note(try Self.orient(&mesh), "triangles turned to face as their neighbours")
    note(closeHoles(&mesh), "holes closed")
    note(Self.separate(&mesh), "vertices divided where parts touched in a point")
    note(Self.turnOutwards(&mesh), "components turned inside out")
    if cavities == .remove { note(Self.removeCavities(&mesh), "cavities removed") }
    let before = mesh.vertices.count
    mesh = mesh.part(mesh.triangles.indices)
    note(before - mesh.vertices.count, "unused vertices removed")
    return (mesh, actions)
  }

  private func mergeVertices(_ mesh: inout SurfaceMesh) -> Int {
    let places = MeshTopology.equalVertices(mesh.vertices, within: mergeDistance)
    let count = places.indices.count { places[$0] != $0 }
    mesh.triangles = mesh.triangles.map { t in
      SIMD3(Int32(places[Int(t.x)]), Int32(places[Int(t.y)]), Int32(places[Int(t.z)]))
    }
    return count
  }

  private func removeRepeated(_ mesh: inout SurfaceMesh) -> Int { Self.removeRepeated(&mesh) }

  /// Of triangles on the same vertices one stays; none where two face opposite sides, as a flap does.
  private static func removeRepeated(_ mesh: inout SurfaceMesh) -> Int {
    var groups: [SIMD3<Int32>: [Int]] = [:]
    for (place, t) in mesh.triangles.enumerated() where t.x != t.y && t.y != t.z && t.z != t.x {
      let middle = t.x ^ t.y ^ t.z ^ t.min() ^ t.max()
      groups[SIMD3(t.min(), middle, t.max()), default: []].append(place)
    }
    var kept: [Int] = []
    for (key, places) in groups {
      // An even turn of the sorted corners faces forward.
      func isForward(_ t: SIMD3<Int32>) -> Bool {
        t == key || t == SIMD3(key.y, key.z, key.x) || t == SIMD3(key.z, key.x, key.y)
      }
      let forward = places.filter { isForward(mesh.triangles[$0]) }
      let backward = places.filter { !isForward(mesh.triangles[$0]) }
      if forward.isEmpty || backward.isEmpty { kept.append(places[0]) }
    }
    let removed = mesh.triangles.count - kept.count
    mesh.triangles = kept.sorted().map { mesh.triangles[$0] }
    return removed
  }

  /// Joins the ends of a needle's short edge, turns the long edge of a flat triangle, until none is below the limit.
  private static func removeSmall(_ mesh: inout SurfaceMesh) -> Int {
    var removed = 0
    for _ in 0..<20 {
      let small = mesh.triangles.indices.filter { mesh.area(of: $0) < MeshCheck.smallestArea }
      if small.isEmpty { break }
      var moved: [Int32: Int32] = [:]
      func place(_ vertex: Int32) -> Int32 {
        var vertex = vertex
        while let next = moved[vertex] { vertex = next }
        return vertex
      }
      let twins = MeshTopology(mesh).twins(mesh.triangles.count)
      var touched = Set<Int>()
      for triangle in small where !touched.contains(triangle) {
        let t = mesh.triangles[triangle]
        let lengths = (0..<3).map { Vector.length(mesh.vertices[Int(t[($0 + 1) % 3])] - mesh.vertices[Int(t[$0])]) }
        let order = (0..<3).sorted { lengths[$0] < lengths[$1] }
        let (short, long) = (order[0], order[2])
        let twin = Int(twins[3 * triangle + long])
        let isNeedle = lengths[short] < 0.2 * lengths[long] || twin < 0
        if isNeedle {
          let (a, b) = (place(t[short]), place(t[(short + 1) % 3]))
          if a != b { moved[max(a, b)] = min(a, b) }
          touched.insert(triangle)
        } else if !touched.contains(twin / 3) {
          // The edge between the far corners instead of the long one.
          let other = mesh.triangles[twin / 3]
          let (a, b, c) = (t[long], t[(long + 1) % 3], t[(long + 2) % 3])
          let d = other[(twin % 3 + 2) % 3]
          guard c != d, a != d, b != d else { continue }
          (mesh.triangles[triangle], mesh.triangles[twin / 3]) = (SIMD3(a, d, c), SIMD3(d, b, c))
          touched.formUnion([triangle, twin / 3])
        }
        removed += 1
      }
      mesh.triangles = mesh.triangles.map { SIMD3(place($0.x), place($0.y), place($0.z)) }
        .filter { $0.x != $0.y && $0.y != $0.z && $0.z != $0.x }
    }
    return removed
  }

  /// Makes all triangles of a component face the side of its first.
  private static func orient(_ mesh: inout SurfaceMesh) throws -> Int {
    let topology = MeshTopology(mesh)
    if let edge = topology.edges(where: { $0.count > 2 }).first {
      let p = mesh.vertices[Int(edge.low)]
      throw UsageError(
        "the edge between vertices \(edge.low) and \(edge.high) at "
          + String(format: "(%.2f, %.2f, %.2f)", p.x, p.y, p.z)
          + " has \(edge.count) triangles; which of them are the surface can't be told")
    }
    var neighbors = [[(Int, Bool)]](repeating: [], count: mesh.triangles.count)
    for (a, b, agrees) in topology.neighbors() {
      neighbors[a].append((b, agrees))
      neighbors[b].append((a, agrees))
    }
    var turn = [Bool?](repeating: nil, count: mesh.triangles.count)
    for start in mesh.triangles.indices where turn[start] == nil {
      turn[start] = false
      var (queue, members) = ([start], [start])
      while let triangle = queue.popLast() {
        let own = turn[triangle] ?? false
        for (other, agrees) in neighbors[triangle] {
          let wanted = agrees ? own : !own
          if let known = turn[other] {
            guard known == wanted else {
              throw UsageError(
                "the surface at triangle \(other) has one side only, as a Möbius strip; it can't be mended")
            }
          } else {
            turn[other] = wanted
            queue.append(other)
            members.append(other)
          }
        }
      }
      // The side of most stays.
      if members.count(where: { turn[$0] == true }) * 2 > members.count {
        for member in members { turn[member] = turn[member].map { !$0 } }
      }
    }
    var count = 0
    for (triangle, isTurned) in turn.enumerated() where isTurned == true {
      let t = mesh.triangles[triangle]
      mesh.triangles[triangle] = SIMD3(t.x, t.z, t.y)
      count += 1
    }
    return count
  }

  /// Closes loops of open edges by triangles to their middle, or by one triangle.
  private func closeHoles(_ mesh: inout SurfaceMesh) -> Int {
    let twins = MeshTopology(mesh).twins(mesh.triangles.count)
    // The hole goes around against its edges.
    var next: [Int32: [Int32]] = [:]
    for side in twins.indices where twins[side] < 0 {
      let t = mesh.triangles[side / 3]
      next[t[(side + 1) % 3], default: []].append(t[side % 3])
    }
    var closed = 0
    for loop in Self.loops(next) where loop.count >= 3 && loop.count <= largestHole {
      if loop.count == 3 {
        mesh.triangles.append(SIMD3(loop[0], loop[1], loop[2]))
      } else {
        let middle = loop.reduce(SIMD3<Double>.zero) { $0 + mesh.vertices[Int($1)] } / Double(loop.count)
        mesh.vertices.append(middle)
        let center = Int32(mesh.vertices.count - 1)
        for (a, b) in zip(loop, loop.dropFirst() + [loop[0]]) { mesh.triangles.append(SIMD3(center, a, b)) }
      }
      closed += 1
    }
    return closed
  }

  /// Rings of steps from vertex to vertex, each vertex once; what doesn't come back is left out.
  private static func loops(_ next: [Int32: [Int32]]) -> [[Int32]] {
    var (next, loops) = (next, [[Int32]]())
    for start in next.keys.sorted() {
      var path = [start]
      while let at = path.last, let end = next[at]?.popLast() {
        // Holes that touch in a vertex are cut apart there.
        if let place = path.lastIndex(of: end) {
          loops.append(Array(path[place...]))
          path.removeSubrange((place + 1)...)
        } else {
          path.append(end)
        }
      }
    }
    return loops
  }

  /// Gives each fan about a vertex a vertex of its own, drawn a little into the fan.
  private static func separate(_ mesh: inout SurfaceMesh) -> Int {
    let topology = MeshTopology(mesh)
    let pinched = Set(topology.pinchedVertices(mesh).map { Int32($0) })
    guard !pinched.isEmpty else { return 0 }
    var union = topology.cornerFans(mesh.triangles.count)
    var (fans, middles) = ([Int: Int32](), [Int: (SIMD3<Double>, Double)]())
    var taken = Set<Int32>()
    for triangle in mesh.triangles.indices {
      for corner in 0..<3 where pinched.contains(mesh.triangles[triangle][corner]) {
        let root = union.root(3 * triangle + corner)
        let (sum, count) = middles[root] ?? (.zero, 0)
        middles[root] = (sum + mesh.centroid(of: triangle), count + 1)
        if fans[root] == nil {
          let vertex = mesh.triangles[triangle][corner]
          if taken.insert(vertex).inserted {
            fans[root] = vertex
          } else {
            mesh.vertices.append(mesh.vertices[Int(vertex)])
            fans[root] = Int32(mesh.vertices.count - 1)
          }
        }
      }
    }
    for triangle in mesh.triangles.indices {
      for corner in 0..<3 {
        if let vertex = fans[union.root(3 * triangle + corner)] { mesh.triangles[triangle][corner] = vertex }
      }
    }
    for (root, vertex) in fans {
      guard let (sum, count) = middles[root] else { continue }
      mesh.vertices[Int(vertex)] += 0.05 * (sum / count - mesh.vertices[Int(vertex)])
    }
    return fans.count - taken.count
  }

  private static func turnOutwards(_ mesh: inout SurfaceMesh) -> Int {
    let components = MeshTopology(mesh).components(mesh)
    let wrong = components.filter { ($0.volume < 0) == ($0.depth % 2 == 0) }
    for triangle in wrong.flatMap(\.triangles) {
      let t = mesh.triangles[triangle]
      mesh.triangles[triangle] = SIMD3(t.x, t.z, t.y)
    }
    return wrong.count
  }

  private static func removeCavities(_ mesh: inout SurfaceMesh) -> Int {
    let components = MeshTopology(mesh).components(mesh)
    let kept = components.filter { $0.depth == 0 }.flatMap(\.triangles).sorted()
    mesh.triangles = kept.map { mesh.triangles[$0] }
    return components.count { $0.depth > 0 }
  }
}
