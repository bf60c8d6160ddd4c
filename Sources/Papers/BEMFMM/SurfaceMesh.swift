import Foundation

/// A closed surface of flat triangles, with outward normals.
public struct SurfaceMesh: Sendable, Equatable {
  /// Corners in Å, [V].
  public var vertices: [SIMD3<Double>]
  /// Places of each triangle's corners among the vertices, counterclockwise seen from outside, [T].
  public var triangles: [SIMD3<Int32>]

  public init(vertices: [SIMD3<Double>], triangles: [SIMD3<Int32>]) {
    (self.vertices, self.triangles) = (vertices, triangles)
  }
}

/// Products of vectors.
enum Vector {
  static func dot(_ a: SIMD3<Double>, _ b: SIMD3<Double>) -> Double { (a * b).sum() }

  static func cross(_ a: SIMD3<Double>, _ b: SIMD3<Double>) -> SIMD3<Double> {
    SIMD3(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x)
  }

  static func length(_ a: SIMD3<Double>) -> Double { (a * a).sum().squareRoot() }

  /// Of length 1; 0 stays 0.
  static func unit(_ a: SIMD3<Double>) -> SIMD3<Double> {
    let length = length(a)
    return length > 0 ? a / length : a
  }
}

extension SurfaceMesh {
  /// The three corners of a triangle.
  public func corners(_ triangle: Int) -> (SIMD3<Double>, SIMD3<Double>, SIMD3<Double>) {
    let t = triangles[triangle]
    return (vertices[Int(t.x)], vertices[Int(t.y)], vertices[Int(t.z)])
  }

  /// Twice the area of a triangle times its normal.
  func areaVector(_ triangle: Int) -> SIMD3<Double> {
    let (a, b, c) = corners(triangle)
    return Vector.cross(b - a, c - a)
  }

  /// Area of a triangle in Å².
  public func area(of triangle: Int) -> Double { Vector.length(areaVector(triangle)) / 2 }

  /// Area of all triangles in Å².
  public var area: Double { triangles.indices.reduce(0) { $0 + area(of: $1) } }

  /// Enclosed volume in Å³; negative where normals point inwards.
  public var volume: Double { volume(of: triangles.indices) }

  /// Signed volume that some of the triangles, a closed part, enclose, in Å³.
  func volume(of part: some Sequence<Int>) -> Double {
    // About a corner of its own, so that places far from the origin lose no digits.
    var (sum, origin) = (0.0, SIMD3<Double>?.none)
    for triangle in part {
      let (a, b, c) = corners(triangle)
      let start = origin ?? a
      origin = start
      sum += Vector.dot(a - start, Vector.cross(b - start, c - start))
    }
    return sum / 6
  }

  /// Corners of the smallest box about all vertices; nil without vertices.
  public var bounds: (low: SIMD3<Double>, high: SIMD3<Double>)? {
    guard let first = vertices.first else { return nil }
    return vertices.reduce((first, first)) { (pointwiseMin($0.0, $1), pointwiseMax($0.1, $1)) }
  }

  /// The middle of each triangle.
  public func centroid(of triangle: Int) -> SIMD3<Double> {
    let (a, b, c) = corners(triangle)
    return (a + b + c) / 3
  }

  /// Normals of length 1 at the vertices: means of the triangles' by area, [V].
  public var vertexNormals: [SIMD3<Double>] {
    var normals = [SIMD3<Double>](repeating: .zero, count: vertices.count)
    for (place, t) in triangles.enumerated() {
      let normal = areaVector(place)
      for corner in 0..<3 { normals[Int(t[corner])] += normal }
    }
    return normals.map(Vector.unit)
  }

  /// How near triangles are to equilateral ones: smallest angle of each in degrees, 60 at best, [T].
  public var smallestAngles: [Double] {
    triangles.indices.map { triangle in
      let (a, b, c) = corners(triangle)
      func angle(_ p: SIMD3<Double>, _ q: SIMD3<Double>, _ r: SIMD3<Double>) -> Double {
        let (u, v) = (q - p, r - p)
        return atan2(Vector.length(Vector.cross(u, v)), Vector.dot(u, v)) * 180 / .pi
      }
      return min(angle(a, b, c), angle(b, c, a), angle(c, a, b))
    }
  }

  /// Some of the triangles as a surface of its own, without vertices that they don't use.
  public func part(_ chosen: some Sequence<Int>) -> SurfaceMesh {
    var places: [Int32: Int32] = [:]
    var part = SurfaceMesh(vertices: [], triangles: [])
    for triangle in chosen {
      var t = SIMD3<Int32>.zero
      for corner in 0..<3 {
        let vertex = triangles[triangle][corner]
        if let known = places[vertex] {
          t[corner] = known
        } else {
          t[corner] = Int32(part.vertices.count)
          places[vertex] = t[corner]
          part.vertices.append(vertices[Int(vertex)])
        }
      }
      part.triangles.append(t)
    }
    return part
  }

  /// Both surfaces as one.
  public static func + (a: SurfaceMesh, b: SurfaceMesh) -> SurfaceMesh {
    let offset = Int32(a.vertices.count)
    return SurfaceMesh(
      vertices: a.vertices + b.vertices, triangles: a.triangles + b.triangles.map { $0 &+ SIMD3(repeating: offset) })
  }

  /// With normals to the other side.
  public var flipped: SurfaceMesh {
    SurfaceMesh(vertices: vertices, triangles: triangles.map { SIMD3($0.x, $0.z, $0.y) })
  }
}
