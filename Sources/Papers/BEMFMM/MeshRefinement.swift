import Lab

extension SurfaceMesh {
  /// Each triangle in four, by the middles of its edges.
  ///
  /// - Parameter place: moves a new vertex to where the surface is; its middle where nil.
  /// - Throws: `UsageError` where places of vertices would no longer fit into 32 bits.
  public func refined(_ place: ((SIMD3<Double>) -> SIMD3<Double>)? = nil) throws -> SurfaceMesh {
    guard triangles.count < 1 << 27 else {
      throw UsageError("a mesh of \(triangles.count) triangles can't be refined: four times as many are too many")
    }
    var result = SurfaceMesh(vertices: vertices, triangles: [])
    result.triangles.reserveCapacity(4 * triangles.count)
    var middles: [SIMD2<Int32>: Int32] = [:]
    middles.reserveCapacity(triangles.count * 3 / 2)
    func middle(_ a: Int32, _ b: Int32) -> Int32 {
      let key = SIMD2(min(a, b), max(a, b))
      if let known = middles[key] { return known }
      let point = (vertices[Int(a)] + vertices[Int(b)]) / 2
      let new = Int32(result.vertices.count)
      result.vertices.append(place?(point) ?? point)
      middles[key] = new
      return new
    }
    for t in triangles {
      let (xy, yz, zx) = (middle(t.x, t.y), middle(t.y, t.z), middle(t.z, t.x))
      result.triangles += [SIMD3(t.x, xy, zx), SIMD3(t.y, yz, xy), SIMD3(t.z, zx, yz), SIMD3(xy, yz, zx)]
    }
    return result
  }

  /// Each triangle in four, with new vertices on a molecule's solvent-excluded surface where that is near.
  ///
  /// - Throws: as the other form.
  func refined(onto field: SolventExcludedField) throws -> SurfaceMesh {
    // Where the mesh isn't on the molecule's surface, nothing is gained by a jump.
    let reach = triangles.indices.reduce(0) { max($0, area(of: $1)) }.squareRoot()
    return try refined { point in
      guard let moved = field.projected(point), Vector.length(moved - point) < reach else { return point }
      return moved
    }
  }

  /// A sphere of 20 · 4^level triangles about a point, its vertices on the sphere.
  ///
  /// - Parameters:
  ///   - radius: in Å.
  ///   - level: 0 for an icosahedron, up to 9.
  /// - Throws: `UsageError` for another level, or a radius that isn't positive.
  public static func icosphere(
    radius: Double = 1, level: Int, center: SIMD3<Double> = .zero
  ) throws -> SurfaceMesh {
    guard (0...9).contains(level) else { throw UsageError("an icosphere of level \(level): expected 0 to 9") }
    guard radius > 0, radius.isFinite else { throw UsageError("a sphere of radius \(radius) Å: expected more than 0") }
    let g = (1 + 5.0.squareRoot()) / 2
    var mesh = SurfaceMesh(
      vertices: [
        [-1, g, 0], [1, g, 0], [-1, -g, 0], [1, -g, 0], [0, -1, g], [0, 1, g], [0, -1, -g], [0, 1, -g], [g, 0, -1],
        [g, 0, 1], [-g, 0, -1], [-g, 0, 1],
      ].map(Vector.unit),
      triangles: [
        [0, 11, 5], [0, 5, 1], [0, 1, 7], [0, 7, 10], [0, 10, 11], [1, 5, 9], [5, 11, 4], [11, 10, 2], [10, 7, 6],
        [7, 1, 8], [3, 9, 4], [3, 4, 2], [3, 2, 6], [3, 6, 8], [3, 8, 9], [4, 9, 5], [2, 4, 11], [6, 2, 10], [8, 6, 7],
        [9, 8, 1],
      ])
    for _ in 0..<level { mesh = try mesh.refined(Vector.unit) }
    mesh.vertices = mesh.vertices.map { center + radius * $0 }
    return mesh
  }
}
