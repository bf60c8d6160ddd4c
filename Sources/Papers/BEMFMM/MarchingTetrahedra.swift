import Foundation
import Lab

/// Surfaces of zeros on a grid: each cube in six tetrahedra along its diagonal, so that the surface is always closed and
/// without branches (Doi, Koide, 1991).
struct MarchingTetrahedra: Sendable {
  /// Corner of the grid in Å.
  var low: SIMD3<Double>
  /// Distance of its points in Å.
  var spacing: Double
  /// Points along each axis.
  var size: SIMD3<Int>

  /// A grid over a box.
  ///
  /// - Throws: `UsageError` where it would have too many points.
  init(low: SIMD3<Double>, high: SIMD3<Double>, spacing: Double) throws {
    let extent = ((high - low) / spacing).rounded(.up) + 1
    guard extent.x * extent.y * extent.z < 1.5e9 else {
      throw UsageError(
        "a grid of \(Format.short(spacing)) Å over \(Format.short((high - low).max())) Å has too many points; take a larger "
          + "--spacing")
    }
    (self.low, self.spacing, size) = (low, spacing, SIMD3(Int(extent.x), Int(extent.y), Int(extent.z)))
  }

  /// Six tetrahedra of a cube: corners by bits x, y, z from 0 to 7, and whether they're in positive order.
  private static let tetrahedra: [(corners: [Int], isPositive: Bool)] = [
    ([0, 1, 3, 7], true), ([0, 2, 6, 7], true), ([0, 4, 5, 7], true), ([0, 2, 3, 7], false), ([0, 1, 5, 7], false),
    ([0, 4, 6, 7], false),
  ]

  /// Pairs of corners of a tetrahedron in positive order whose edges the triangles' corners are on, by which are inside.
  private static let triangles: [[[(Int, Int)]]] = {
    var cases = [[[(Int, Int)]]](repeating: [], count: 16)
    for order in [[0, 1, 2, 3], [1, 0, 3, 2], [2, 3, 0, 1], [3, 2, 1, 0]] {
      let (a, b, c, d) = (order[0], order[1], order[2], order[3])
      cases[1 << a] = [[(a, b), (a, c), (a, d)]]
      cases[15 ^ 1 << a] = [[(a, c), (a, b), (a, d)]]
    }
    for order in [[0, 1, 2, 3], [0, 2, 3, 1], [0, 3, 1, 2], [1, 2, 0, 3], [1, 3, 2, 0], [2, 3, 0, 1]] {
      let (a, b, c, d) = (order[0], order[1], order[2], order[3])
      cases[1 << a | 1 << b] = [[(a, c), (a, d), (b, d)], [(a, c), (b, d), (b, c)]]
    }
    return cases
  }()

  func point(_ x: Int, _ y: Int, _ z: Int) -> SIMD3<Double> {
    low + spacing * SIMD3(Double(x), Double(y), Double(z))
  }

  /// The surface between negative values, inside, and others; the function must be positive at the grid's border.
  ///
  /// - Parameter value: called on several threads.
  /// - Throws: whatever threads throw.
  func surface(workers: Int, _ value: @escaping @Sendable (SIMD3<Double>) -> Double) throws -> SurfaceMesh {
    let layers = try parallel(Array(0..<size.z), workers: workers) { z in
      (0..<size.x * size.y).map { Float(value(point($0 % size.x, $0 / size.x, z))) }
    }
    // Slabs of cubes; vertices on a common layer are found again by their edge.
    let slabs = try parallel(SolventExcludedField.chunks(size.z - 1, 8), workers: workers) { slab(layers, $0) }
    var places: [Int: Int32] = [:]
    places.reserveCapacity(slabs.reduce(0) { $0 + $1.keys.count })
    var mesh = SurfaceMesh(vertices: [], triangles: [])
    for slab in slabs {
      let map = zip(slab.keys, slab.mesh.vertices).map { key, vertex in
        if let known = places[key] { return known }
        let new = Int32(mesh.vertices.count)
        places[key] = new
        mesh.vertices.append(vertex)
        return new
      }
      mesh.triangles += slab.mesh.triangles.map { SIMD3(map[Int($0.x)], map[Int($0.y)], map[Int($0.z)]) }
    }
    return mesh
  }

  /// The part of the surface in some layers of cubes, with the grid's edge of each vertex.
  private func slab(_ layers: [[Float]], _ range: Range<Int>) -> (mesh: SurfaceMesh, keys: [Int]) {
    var (mesh, keys, places) = (SurfaceMesh(vertices: [], triangles: []), [Int](), [Int: Int32]())
    var values = [Float](repeating: 0, count: 8)
    for z in range {
      for y in 0..<size.y - 1 {
        for x in 0..<size.x - 1 {
          var inside = 0
          for corner in 0..<8 {
            let at = (y + corner >> 1 & 1) * size.x + x + corner & 1
            values[corner] = layers[z + corner >> 2][at]
            if values[corner] < 0 { inside |= 1 << corner }
          }
          if inside == 0 || inside == 255 { continue }
          for (corners, isPositive) in Self.tetrahedra {
            var index = 0
            for i in 0..<4 where inside >> corners[i] & 1 == 1 { index |= 1 << i }
            for triangle in Self.triangles[index] {
              let t = triangle.map { pair in
                let (a, b) = (min(corners[pair.0], corners[pair.1]), max(corners[pair.0], corners[pair.1]))
                let base = ((z + a >> 2) * size.y + y + a >> 1 & 1) * size.x + x + a & 1
                let key = base * 8 + (a ^ b)
                if let known = places[key] { return known }
                let new = Int32(mesh.vertices.count)
                let t = Double(values[a] / (values[a] - values[b]))
                func corner(_ c: Int) -> SIMD3<Double> { point(x + c & 1, y + c >> 1 & 1, z + c >> 2) }
                mesh.vertices.append(corner(a) + t * (corner(b) - corner(a)))
                keys.append(key)
                places[key] = new
                return new
              }
              mesh.triangles.append(isPositive ? SIMD3(t[0], t[1], t[2]) : SIMD3(t[0], t[2], t[1]))
            }
          }
        }
      }
    }
    return (mesh, keys)
  }
}
