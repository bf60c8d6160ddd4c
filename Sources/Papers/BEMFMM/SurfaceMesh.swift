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
