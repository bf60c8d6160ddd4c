import Foundation
import Lab

/// Which functions stand for a density on a surface.
public enum BoundarySpace: String, Codable, CaseIterable, Sendable {
  /// Constant on each triangle: P0.
  case constant
  /// Linear on triangles and continuous, one unknown a vertex: P1.
  case linear
}

/// A mesh as boundary elements need it: normals, areas, which triangles touch, in blocks of eight.
final class SurfaceElements: Sendable {
  let mesh: SurfaceMesh
  /// Outward, [T].
  let normals: [SIMD3<Double>]
  let areas: [Double]
  /// Triangles at each vertex, as compressed rows.
  let starts: [Int32]
  let around: [Int32]
  /// Corners of eight triangles at a time, [blocks][corner][axis][8]; the last is repeated.
  let blocks: SharedDoubles

  /// - Throws: `UsageError` where the mesh has no triangles, or one that has no area or names a vertex that isn't there.
  init(_ mesh: SurfaceMesh) throws {
    guard !mesh.triangles.isEmpty else { throw UsageError("a surface takes triangles, this one has none") }
    self.mesh = mesh
    let vertices = mesh.vertices
    var (normals, areas): ([SIMD3<Double>], [Double]) = ([], [])
    var starts = [Int32](repeating: 0, count: vertices.count + 1)
    for (number, triangle) in mesh.triangles.enumerated() {
      for corner in 0..<3 {
        guard (0..<vertices.count).contains(Int(triangle[corner])) else {
          throw UsageError("triangle \(number + 1) has corner \(triangle[corner]), expected 0 to \(vertices.count - 1)")
        }
        starts[Int(triangle[corner]) + 1] += 1
      }
      let (a, b, c) = (vertices[Int(triangle.x)], vertices[Int(triangle.y)], vertices[Int(triangle.z)])
      let normal = Vector.cross(b - a, c - a)
      let length = Vector.length(normal)
      guard length > 0, length.isFinite else {
        throw UsageError("triangle \(number + 1) has no area; remove it, or mesh the surface anew")
      }
      normals.append(normal / length)
      areas.append(length / 2)
    }
    for vertex in 0..<vertices.count { starts[vertex + 1] += starts[vertex] }
    var next = starts
    var around = [Int32](repeating: 0, count: 3 * mesh.triangles.count)
    for (number, triangle) in mesh.triangles.enumerated() {
      for corner in 0..<3 {
        let vertex = Int(triangle[corner])
        around[Int(next[vertex])] = Int32(number)
        next[vertex] += 1
      }
    }
    (self.normals, self.areas, self.starts, self.around) = (normals, areas, starts, around)
    let count = mesh.triangles.count
    let blocks = SharedDoubles((count + 7) / 8 * 72)
    for block in 0..<(count + 7) / 8 {
      for lane in 0..<8 {
        let triangle = mesh.triangles[min(8 * block + lane, count - 1)]
        Self.put(vertices, triangle, blocks.pointer + 72 * block, lane: lane)
      }
    }
    self.blocks = blocks
  }

  /// Corners of a triangle into a lane of a block.
  static func put(
    _ vertices: [SIMD3<Double>], _ triangle: SIMD3<Int32>, _ block: UnsafeMutablePointer<Double>, lane: Int
  ) {
    for corner in 0..<3 {
      let point = vertices[Int(triangle[corner])]
      for axis in 0..<3 { block[(corner * 3 + axis) * 8 + lane] = point[axis] }
    }
  }

  var triangleCount: Int { mesh.triangles.count }

  /// Unknowns of a space.
  func count(_ space: BoundarySpace) -> Int { space == .constant ? mesh.triangles.count : mesh.vertices.count }

  /// Triangles with at least one corner of a triangle, itself too, ascending.
  func touching(_ triangle: Int) -> [Int32] {
    var found: [Int32] = []
    for corner in 0..<3 {
      let vertex = Int(mesh.triangles[triangle][corner])
      found += around[Int(starts[vertex])..<Int(starts[vertex + 1])]
    }
    found.sort()
    var last: Int32 = -1
    return found.filter { one in
      defer { last = one }
      return one != last
    }
  }

  /// Triangles in sets of which no two have a corner in common, so that their rows of a matrix can be written at once.
  func colours() -> [[Int32]] {
    var colour = [Int](repeating: -1, count: triangleCount)
    var sets: [[Int32]] = []
    for triangle in 0..<triangleCount {
      let taken = Set(touching(triangle).map { colour[Int($0)] })
      var mine = 0
      while taken.contains(mine) { mine += 1 }
      colour[triangle] = mine
      if mine == sets.count { sets.append([]) }
      sets[mine].append(Int32(triangle))
    }
    return sets
  }

  /// Weighted points of a rule on all triangles: place, weight, [T · points].
  func points(_ rule: TriangleQuadrature) -> (places: [SIMD3<Double>], weights: [Double]) {
    var places: [SIMD3<Double>] = []
    var weights: [Double] = []
    places.reserveCapacity(triangleCount * rule.points.count)
    weights.reserveCapacity(triangleCount * rule.points.count)
    for (number, triangle) in mesh.triangles.enumerated() {
      let (a, b, c) = (
        mesh.vertices[Int(triangle.x)], mesh.vertices[Int(triangle.y)], mesh.vertices[Int(triangle.z)]
      )
      for (point, weight) in zip(rule.points, rule.weights) {
        places.append(point.x * a + point.y * b + point.z * c)
        weights.append(weight * 2 * areas[number])
      }
    }
    return (places, weights)
  }

  /// Surface curls n × ∇φ of the three basis functions of a triangle, constant on it.
  ///
  /// - Parameters:
  ///   - triangle: its corners.
  ///   - sign: -1 where their order turns the normal.
  func curls(_ triangle: SIMD3<Int32>, _ sign: Double) -> [SIMD3<Double>] {
    let (a, b, c) = (
      mesh.vertices[Int(triangle.x)], mesh.vertices[Int(triangle.y)], mesh.vertices[Int(triangle.z)]
    )
    let scale = sign / Vector.length(Vector.cross(b - a, c - a))
    return [(b - c) * scale, (c - a) * scale, (a - b) * scale]
  }

  /// Row sums of the mass matrix: its lumped form.
  func lumpedMass(_ space: BoundarySpace) -> [Double] {
    if space == .constant { return areas }
    var mass = [Double](repeating: 0, count: mesh.vertices.count)
    for (triangle, area) in zip(mesh.triangles, areas) {
      for corner in 0..<3 { mass[Int(triangle[corner])] += area / 3 }
    }
    return mass
  }
}
