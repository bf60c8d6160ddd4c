import Foundation

/// How the triangles of a mesh hang together.
struct MeshTopology {
  /// An edge between two vertices, and its triangles.
  struct Edge {
    var low: Int32
    var high: Int32
    /// Triangles that have it.
    var count: Int
    /// Those that go from the lower vertex to the higher.
    var forward: Int
  }

  /// A side of a triangle: `3 * triangle + corner` where it begins, and its edge.
  private struct Side {
    var low: Int32
    var high: Int32
    var place: Int32
    var isForward: Bool
  }

  /// Sides in the order of their edges.
  private let sides: [Side]
  /// Where the sides of each edge begin, and the end.
  private let starts: [Int]

  init(_ mesh: SurfaceMesh) {
    var sides: [Side] = []
    sides.reserveCapacity(3 * mesh.triangles.count)
    for (triangle, t) in mesh.triangles.enumerated() {
      for corner in 0..<3 {
        let (a, b) = (t[corner], t[(corner + 1) % 3])
        sides.append(
          Side(
            low: min(a, b), high: max(a, b), place: Int32(truncatingIfNeeded: 3 * triangle + corner), isForward: a < b))
      }
    }
    sides.sort { ($0.low, $0.high, $0.place) < ($1.low, $1.high, $1.place) }
    var starts: [Int] = []
    for i in sides.indices where i == 0 || sides[i].low != sides[i - 1].low || sides[i].high != sides[i - 1].high {
      starts.append(i)
    }
    (self.sides, self.starts) = (sides, starts + [sides.count])
  }

  var edgeCount: Int { starts.count - 1 }

  func edges(where isWanted: (Edge) -> Bool) -> [Edge] {
    zip(starts, starts.dropFirst()).compactMap { start, end in
      let edge = Edge(
        low: sides[start].low, high: sides[start].high, count: end - start,
        forward: sides[start..<end].count { $0.isForward })
      return isWanted(edge) ? edge : nil
    }
  }

  /// For each side of each triangle, `3 * triangle + corner`, the side of the neighbour; -1 where it has none or several.
  func twins(_ count: Int) -> [Int32] {
    var twins = [Int32](repeating: -1, count: 3 * count)
    for (start, end) in zip(starts, starts.dropFirst()) where end - start == 2 {
      let (a, b) = (sides[start].place, sides[start + 1].place)
      (twins[Int(a)], twins[Int(b)]) = (b, a)
    }
    return twins
  }

  /// Pairs of triangles with a common edge, and whether they go through it in opposite directions, as they should.
  func neighbors() -> [(Int, Int, agrees: Bool)] {
    zip(starts, starts.dropFirst()).compactMap { start, end in
      guard end - start == 2 else { return nil }
      let (a, b) = (sides[start], sides[start + 1])
      return (Int(a.place) / 3, Int(b.place) / 3, a.isForward != b.isForward)
    }
  }

  /// Connected parts by common edges, largest area first, with what encloses what.
  func components(_ mesh: SurfaceMesh) -> [MeshComponent] {
    var union = UnionFind(mesh.triangles.count)
    for (start, end) in zip(starts, starts.dropFirst()) {
      for i in (start + 1)..<max(end, start + 1) { union.join(Int(sides[start].place) / 3, Int(sides[i].place) / 3) }
    }
    var groups: [Int: [Int]] = [:]
    for triangle in mesh.triangles.indices { groups[union.root(triangle), default: []].append(triangle) }
    var components = groups.values.map { triangles in
      MeshComponent(
        triangles: triangles, volume: mesh.volume(of: triangles),
        area: triangles.reduce(0) { $0 + mesh.area(of: $1) }, parent: nil)
    }.sorted { ($0.area, $1.triangles[0]) > ($1.area, $0.triangles[0]) }
    // Many components: only larger boxes can enclose.
    let boxes = components.map { component in mesh.part(component.triangles).bounds ?? (.zero, .zero) }
    for i in components.indices {
      let triangle = components[i].triangles[0]
      let point = mesh.vertices[Int(mesh.triangles[triangle].x)]
      let around = components.indices.filter { j in
        j != i && all(boxes[j].low .<= boxes[i].low) && all(boxes[j].high .>= boxes[i].high)
          && mesh.encloses(point, components[j].triangles)
      }
      components[i].depth = around.count
      components[i].parent = around.min { abs(components[$0].volume) < abs(components[$1].volume) }
    }
    return components
  }

  /// Vertices whose triangles aren't one fan.
  func pinchedVertices(_ mesh: SurfaceMesh) -> [Int] {
    fans(mesh).enumerated().compactMap { $0.element > 1 ? $0.offset : nil }
  }

  /// The number of fans of triangles about each vertex.
  private func fans(_ mesh: SurfaceMesh) -> [Int] {
    var union = cornerFans(mesh.triangles.count)
    var counts = [Int](repeating: 0, count: mesh.vertices.count)
    for (triangle, t) in mesh.triangles.enumerated() {
      for corner in 0..<3 where union.root(3 * triangle + corner) == 3 * triangle + corner {
        counts[Int(t[corner])] += 1
      }
    }
    return counts
  }

  /// Corners of triangles, joined where triangles with a common edge meet in a vertex.
  func cornerFans(_ count: Int) -> UnionFind {
    var union = UnionFind(3 * count)
    for (start, end) in zip(starts, starts.dropFirst()) {
      for i in (start + 1)..<max(end, start + 1) {
        let (a, b) = (sides[start], sides[i])
        func corner(_ side: Side, atLow: Bool) -> Int {
          let place = Int(side.place)
          return side.isForward == atLow ? place : place - place % 3 + (place + 1) % 3
        }
        union.join(corner(a, atLow: true), corner(b, atLow: true))
        union.join(corner(a, atLow: false), corner(b, atLow: false))
      }
    }
    return union
  }

  /// For each vertex the first one at its place, itself mostly.
  static func equalVertices(_ vertices: [SIMD3<Double>], within distance: Double) -> [Int] {
    // Sorted along an axis, so that only neighbours in it are compared.
    let order = vertices.indices.sorted { (vertices[$0].x, $0) < (vertices[$1].x, $1) }
    var places = Array(vertices.indices)
    for (rank, i) in order.enumerated() {
      for j in order[(rank + 1)...] {
        if vertices[j].x - vertices[i].x > distance { break }
        if Vector.length(vertices[i] - vertices[j]) <= distance {
          let (low, high) = (min(places[i], places[j]), max(i, j))
          places[high] = min(places[high], low)
        }
      }
    }
    return places
  }
}

extension SurfaceMesh {
  /// Whether a point lies within a closed part of the mesh, by the solid angle of its triangles.
  func encloses(_ point: SIMD3<Double>, _ part: some Sequence<Int>) -> Bool {
    abs(windingNumber(point, part)) > 0.5
  }

  /// How often a part of the mesh winds around a point: 1 inside, 0 outside, -1 inside of a cavity (van Oosterom,
  /// Strackee, 1983).
  func windingNumber(_ point: SIMD3<Double>, _ part: some Sequence<Int>) -> Double {
    var sum = 0.0
    for triangle in part {
      let (p, q, r) = corners(triangle)
      let (a, b, c) = (p - point, q - point, r - point)
      let (x, y, z) = (Vector.length(a), Vector.length(b), Vector.length(c))
      let numerator = Vector.dot(a, Vector.cross(b, c))
      let denominator = x * y * z + Vector.dot(a, b) * z + Vector.dot(b, c) * x + Vector.dot(c, a) * y
      sum += 2 * atan2(numerator, denominator)
    }
    return sum / (4 * .pi)
  }
}

/// Sets that are joined until they're asked for.
struct UnionFind {
  private var parents: [Int32]

  init(_ count: Int) { parents = (0..<count).map { Int32($0) } }

  mutating func root(_ element: Int) -> Int {
    var place = element
    while parents[place] != Int32(place) {
      parents[place] = parents[Int(parents[place])]
      place = Int(parents[place])
    }
    return place
  }

  mutating func join(_ a: Int, _ b: Int) {
    let (a, b) = (root(a), root(b))
    if a != b { parents[max(a, b)] = Int32(min(a, b)) }
  }
}
