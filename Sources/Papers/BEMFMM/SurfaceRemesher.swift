import Foundation
import Lab

/// Makes the triangles of a closed surface alike and near to equilateral: long edges are split, short ones joined, others
/// turned, vertices moved along the surface and put back onto it (Botsch, Kobbelt, 2004).
struct SurfaceRemesher {
  /// Length of edges that is aimed at, in Å.
  let target: Double
  private var mesh: HalfEdges

  /// - Parameter mesh: closed, manifold and oriented.
  /// - Throws: `UsageError` where it isn't.
  init(_ mesh: SurfaceMesh, target: Double) throws {
    self.target = target
    self.mesh = try HalfEdges(mesh)
  }

  /// The mesh as it is now.
  var result: SurfaceMesh { mesh.compacted() }

  /// Some rounds of all steps.
  ///
  /// - Parameter place: the nearest point of the surface; nil where it can't be told. Called on several threads.
  /// - Throws: whatever `checkpoint` throws.
  mutating func run(
    rounds: Int, workers: Int, checkpoint: () throws -> Void = {},
    _ place: @escaping @Sendable (SIMD3<Double>) -> SIMD3<Double>?
  ) throws {
    for round in 0..<rounds {
      try checkpoint()
      // Splitting first would make a fine mesh finer before it's thinned.
      if round > 0 { splitLong() }
      joinShort()
      turnEdges()
      try relax(workers: workers, place)
      if round == 0 { try relax(workers: workers, place) }
    }
    // Without a step that puts vertices back, joined ones would stay beside the surface.
    turnEdges()
    try relax(workers: workers, place)
  }

  // MARK: Steps

  private mutating func splitLong() {
    let limit = pow(4 * target / 3, 2)
    var side = 0
    while side < mesh.origin.count {
      if mesh.isAlive(side), side < Int(mesh.twin[side]), mesh.squaredLength(side) > limit { mesh.split(side) }
      side += 1
    }
  }

  private mutating func joinShort() {
    let (short, long) = (pow(4 * target / 5, 2), pow(4 * target / 3, 2))
    for _ in 0..<12 {
      var joined = 0
      for side in mesh.origin.indices where mesh.isAlive(side) && side < Int(mesh.twin[side]) {
        if mesh.squaredLength(side) < short, mesh.join(side, longest: long) { joined += 1 }
      }
      if joined * 200 < mesh.triangleCount { return }
    }
  }

  private mutating func turnEdges() {
    for side in mesh.origin.indices where mesh.isAlive(side) && side < Int(mesh.twin[side]) { mesh.turnIfBetter(side) }
  }

  /// Moves each vertex towards the middle of its neighbours, along the surface, where no triangle turns over by it.
  private mutating func relax(workers: Int, _ place: @escaping @Sendable (SIMD3<Double>) -> SIMD3<Double>?) throws {
    let (frozen, reach) = (mesh, target)
    let wanted = try parallel(SolventExcludedField.chunks(mesh.points.count, 2_048), workers: workers) { range in
      range.map { vertex -> SIMD3<Double>? in
        guard frozen.out[vertex] >= 0 else { return nil }
        let own = frozen.points[vertex]
        var (middle, normal, count) = (SIMD3<Double>.zero, SIMD3<Double>.zero, 0.0)
        frozen.eachSide(from: vertex) { side in
          middle += frozen.points[frozen.head(side)]
          normal += frozen.areaVector(side / 3)
          count += 1
        }
        let step = middle / count - own
        let unit = Vector.unit(normal)
        let moved = own + 0.7 * (step - Vector.dot(step, unit) * unit)
        guard let point = place(moved) ?? place(own), Vector.length(point - own) < 2 * reach else { return nil }
        return point
      }
    }
    var vertex = 0
    for chunk in wanted {
      for point in chunk {
        if let point { mesh.move(vertex, to: point) }
        vertex += 1
      }
    }
  }
}

/// A closed triangle mesh by its sides: side 3t + c goes from corner c of triangle t to the next.
struct HalfEdges: Sendable {
  var points: [SIMD3<Double>]
  /// Vertex in which a side begins; -1 in triangles that are gone.
  private(set) var origin: [Int32]
  /// The same edge in the neighbour.
  private(set) var twin: [Int32]
  /// A side that begins in a vertex; -1 where the vertex is gone.
  private(set) var out: [Int32]
  private var valence: [Int32]
  private(set) var triangleCount: Int

  init(_ mesh: SurfaceMesh) throws {
    let twins = MeshTopology(mesh).twins(mesh.triangles.count)
    let origins = mesh.triangles.flatMap { [$0.x, $0.y, $0.z] }
    for side in twins.indices {
      let other = Int(twins[side])
      guard other >= 0, origins[other] == origins[side - side % 3 + (side + 1) % 3] else {
        throw UsageError("triangle \(side / 3) isn't part of a closed surface whose triangles face the same side")
      }
    }
    (points, origin, twin, triangleCount) = (mesh.vertices, origins, twins, mesh.triangles.count)
    out = [Int32](repeating: -1, count: points.count)
    valence = [Int32](repeating: 0, count: points.count)
    for side in origin.indices {
      out[Int(origin[side])] = Int32(side)
      valence[Int(origin[side])] += 1
    }
  }

  @inline(__always) func next(_ side: Int) -> Int { side % 3 == 2 ? side - 2 : side + 1 }
  @inline(__always) func previous(_ side: Int) -> Int { side % 3 == 0 ? side + 2 : side - 1 }
  @inline(__always) func head(_ side: Int) -> Int { Int(origin[next(side)]) }
  @inline(__always) func isAlive(_ side: Int) -> Bool { origin[side] >= 0 }

  func squaredLength(_ side: Int) -> Double {
    let d = points[head(side)] - points[Int(origin[side])]
    return (d * d).sum()
  }

  func areaVector(_ triangle: Int) -> SIMD3<Double> {
    let (a, b, c) = (
      points[Int(origin[3 * triangle])], points[Int(origin[3 * triangle + 1])], points[Int(origin[3 * triangle + 2])]
    )
    return Vector.cross(b - a, c - a)
  }

  /// Calls for each side that begins in a vertex.
  @inline(__always) func eachSide(from vertex: Int, _ body: (Int) -> Void) {
    let start = Int(out[vertex])
    var side = start
    repeat {
      body(side)
      side = Int(twin[previous(side)])
    } while side != start
  }

  private mutating func link(_ a: Int, _ b: Int) { (twin[a], twin[b]) = (Int32(b), Int32(a)) }

  // MARK: Changes

  /// Puts a vertex in the middle of an edge.
  mutating func split(_ side: Int) {
    let other = Int(twin[side])
    let (a, b) = (origin[side], origin[other])
    let (c, d) = (origin[previous(side)], origin[previous(other)])
    let m = Int32(points.count)
    points.append((points[Int(a)] + points[Int(b)]) / 2)
    let (s1, o2) = (next(side), previous(other))
    let (outer, outerOther) = (Int(twin[s1]), Int(twin[o2]))
    // (a, b, c) becomes (a, m, c) and (m, b, c); (b, a, d) becomes (m, a, d) and (b, m, d).
    let (new, newOther) = (origin.count, origin.count + 3)
    origin += [m, b, c, b, m, d]
    twin += [Int32](repeating: -1, count: 6)
    origin[s1] = m
    origin[other] = m
    // previous(other) still begins in d, but now ends in m.
    link(new + 1, outer)
    link(new + 2, s1)
    link(new, newOther)
    link(newOther + 1, o2)
    link(newOther + 2, outerOther)
    out.append(Int32(new))
    valence.append(4)
    out[Int(b)] = Int32(new + 1)
    valence[Int(c)] += 1
    valence[Int(d)] += 1
    triangleCount += 2
  }

  /// Joins the ends of an edge in its middle; false where that would harm the surface.
  mutating func join(_ side: Int, longest: Double) -> Bool {
    let other = Int(twin[side])
    let (a, b) = (Int(origin[side]), Int(origin[other]))
    let (s1, s2, o1, o2) = (next(side), previous(side), next(other), previous(other))
    let (c, d) = (Int(origin[s2]), Int(origin[o2]))
    guard c != d, valence[c] > 3, valence[d] > 3, valence[a] + valence[b] > 7 else { return false }
    // The ends may share no neighbour but the two beside the edge.
    var around: [Int] = []
    eachSide(from: a) { around.append(head($0)) }
    var shared = 0
    eachSide(from: b) { if around.contains(head($0)) { shared += 1 } }
    guard shared == 2 else { return false }
    let middle = (points[a] + points[b]) / 2
    let gone = (side / 3, other / 3)
    guard allows(a, at: middle, gone, longest), allows(b, at: middle, gone, longest) else { return false }

    let (A, B, C, D) = (Int(twin[s1]), Int(twin[s2]), Int(twin[o1]), Int(twin[o2]))
    var moved: [Int] = []
    eachSide(from: a) { moved.append($0) }
    for side in moved { origin[side] = Int32(b) }
    link(A, B)
    link(C, D)
    points[b] = middle
    out[a] = -1
    out[b] = Int32(B)
    out[c] = Int32(A)
    out[d] = Int32(C)
    valence[b] += valence[a] - 4
    valence[c] -= 1
    valence[d] -= 1
    for dead in [side, s1, s2, other, o1, o2] { origin[dead] = -1 }
    triangleCount -= 2
    return true
  }

  /// Whether a vertex may move: no triangle but those that go turns over or gets a long edge.
  private func allows(_ vertex: Int, at place: SIMD3<Double>, _ gone: (Int, Int), _ longest: Double) -> Bool {
    var isFine = true
    eachSide(from: vertex) { side in
      let triangle = side / 3
      guard isFine, triangle != gone.0, triangle != gone.1 else { return }
      let (p, q) = (points[head(side)], points[Int(origin[previous(side)])])
      let before = Vector.cross(p - points[vertex], q - points[vertex])
      let after = Vector.cross(p - place, q - place)
      let edge = p - place
      if (edge * edge).sum() > longest { isFine = false }
      if Vector.dot(before, after) <= 0.5 * Vector.length(before) * Vector.length(after) { isFine = false }
    }
    return isFine
  }

  /// Turns the edge between two triangles into their other diagonal where that brings valences nearer to six, or makes
  /// flat triangles less flat.
  mutating func turnIfBetter(_ side: Int) {
    let other = Int(twin[side])
    let (a, b) = (Int(origin[side]), Int(origin[other]))
    let (c, d) = (Int(origin[previous(side)]), Int(origin[previous(other)]))
    guard c != d, valence[a] > 3, valence[b] > 3 else { return }
    func off(_ vertex: Int, _ change: Int32) -> Int32 { abs(valence[vertex] + change - 6) }
    let gain =
      off(a, 0) + off(b, 0) + off(c, 0) + off(d, 0) - off(a, -1) - off(b, -1) - off(c, 1) - off(d, 1)
    guard gain >= 0 else { return }
    let (pa, pb, pc, pd) = (points[a], points[b], points[c], points[d])
    if gain == 0 {
      // As Delaunay's rule: angles opposite to an edge sum up to less than 180 degrees.
      func cotangent(_ p: SIMD3<Double>) -> Double {
        Vector.dot(pa - p, pb - p) / max(1e-300, Vector.length(Vector.cross(pa - p, pb - p)))
      }
      guard cotangent(pc) + cotangent(pd) < -0.1 else { return }
    }
    let (n1, n2) = (Vector.cross(pb - pa, pc - pa), Vector.cross(pa - pb, pd - pb))
    let (m1, m2) = (Vector.cross(pb - pd, pc - pd), Vector.cross(pa - pc, pd - pc))
    let mean = Vector.unit(n1 + n2)
    // Both new triangles face as the old ones did, and none is much flatter than before.
    guard Vector.dot(Vector.unit(m1), mean) > 0.7, Vector.dot(Vector.unit(m2), mean) > 0.7,
      Vector.dot(Vector.unit(n1), Vector.unit(n2)) > 0.5
    else { return }
    guard min(Vector.length(m1), Vector.length(m2)) > 0.3 * min(Vector.length(n1), Vector.length(n2)) else { return }
    var isThere = false
    eachSide(from: c) { if head($0) == d { isThere = true } }
    guard !isThere else { return }
    turn(side)
  }

  /// Makes the other diagonal of the two triangles beside an edge their common one.
  private mutating func turn(_ side: Int) {
    let other = Int(twin[side])
    let (a, b) = (Int(origin[side]), Int(origin[other]))
    let (s1, s2, o1, o2) = (next(side), previous(side), next(other), previous(other))
    let (c, d) = (Int(origin[s2]), Int(origin[o2]))
    let (A, B, C, D) = (Int(twin[s1]), Int(twin[s2]), Int(twin[o1]), Int(twin[o2]))
    // (a, b, c) becomes (d, b, c), (b, a, d) becomes (c, a, d).
    origin[side] = Int32(d)
    origin[other] = Int32(c)
    // Sides: side d-b, s1 b-c, s2 c-d; other c-a, o1 a-d, o2 d-c.
    link(side, D)
    link(s1, A)
    link(s2, o2)
    link(other, B)
    link(o1, C)
    out[a] = Int32(o1)
    out[b] = Int32(s1)
    out[c] = Int32(s2)
    out[d] = Int32(side)
    valence[a] -= 1
    valence[b] -= 1
    valence[c] += 1
    valence[d] += 1
  }

  /// Sine of a triangle's smallest angle, with the sides opposite to its smallest and its largest one.
  private func shape(_ triangle: Int) -> (sine: Double, shortest: Int, longest: Int, largestCosine: Double) {
    let sides = [3 * triangle, 3 * triangle + 1, 3 * triangle + 2].sorted { squaredLength($0) < squaredLength($1) }
    let squares = sides.map(squaredLength)
    let area = Vector.length(areaVector(triangle))
    let product = (squares[0] * squares[1]).squareRoot()
    return (
      area / max((squares[1] * squares[2]).squareRoot(), 1e-300), sides[0], sides[2],
      (squares[0] + squares[1] - squares[2]) / max(2 * product, 1e-300)
    )
  }

  /// Removes triangles with an angle below a limit: needles by joining the ends of their short edge, flat ones by turning
  /// the long one; gives the number of changes.
  mutating func removeThin(below degrees: Double) -> Int {
    let limit = sin(degrees * .pi / 180)
    var changes = 0
    for _ in 0..<10 {
      let before = changes
      for triangle in 0..<origin.count / 3 where isAlive(3 * triangle) {
        let own = shape(triangle)
        guard own.sine < limit else { continue }
        if own.largestCosine < -0.5, turnIfLessThin(own.longest, own.sine) {
          changes += 1
        } else if join(own.shortest, longest: .infinity) {
          changes += 1
        }
      }
      if changes == before { break }
    }
    return changes
  }

  /// Turns an edge where both triangles are less thin then, and face as before.
  private mutating func turnIfLessThin(_ side: Int, _ sine: Double) -> Bool {
    let other = Int(twin[side])
    let (a, b) = (Int(origin[side]), Int(origin[other]))
    let (c, d) = (Int(origin[previous(side)]), Int(origin[previous(other)]))
    guard c != d, valence[a] > 3, valence[b] > 3 else { return false }
    var isThere = false
    eachSide(from: c) { if head($0) == d { isThere = true } }
    guard !isThere else { return false }
    let mean = areaVector(side / 3) + areaVector(other / 3)
    turn(side)
    let isBetter = [side / 3, other / 3].allSatisfy { triangle in
      let normal = areaVector(triangle)
      return shape(triangle).sine > sine && Vector.dot(normal, mean) > 0.5 * Vector.length(normal) * Vector.length(mean)
    }
    // The new diagonal is the side before; turned again it's the old one.
    if !isBetter { turn(previous(side)) }
    return isBetter
  }

  /// Moves a vertex unless a triangle would turn over by it, or become much flatter than it is.
  mutating func move(_ vertex: Int, to place: SIMD3<Double>) {
    guard out[vertex] >= 0 else { return }
    var isFine = true
    eachSide(from: vertex) { side in
      let (p, q) = (points[head(side)], points[Int(origin[previous(side)])])
      let before = Vector.cross(p - points[vertex], q - points[vertex])
      let after = Vector.cross(p - place, q - place)
      let (old, new) = (Vector.length(before), Vector.length(after))
      // Needles of a first mesh may turn freely.
      let edge = Vector.length(p - q)
      if old > 0.05 * edge * edge, Vector.dot(before, after) <= 0.3 * old * new { isFine = false }
      if new < 0.05 * edge * edge, new < old { isFine = false }
    }
    if isFine { points[vertex] = place }
  }

  func compacted() -> SurfaceMesh {
    let all = SurfaceMesh(
      vertices: points,
      triangles: stride(from: 0, to: origin.count, by: 3).compactMap {
        origin[$0] >= 0 ? SIMD3(origin[$0], origin[$0 + 1], origin[$0 + 2]) : nil
      })
    return all.part(all.triangles.indices)
  }
}
