import Kernels

/// Densities on a surface by their values at weighted quadrature points: the sparse factors P1 and P2ᵀ of the fast
/// multipole product.
struct SurfaceDensities: Sendable {
  let elements: SurfaceElements
  let space: BoundarySpace
  let rule: TriangleQuadrature
  /// Quadrature points of all triangles, one triangle after the other.
  let places: [SIMD3<Double>]
  let weights: [Double]

  init(_ elements: SurfaceElements, _ space: BoundarySpace, _ rule: TriangleQuadrature) {
    (self.elements, self.space, self.rule) = (elements, space, rule)
    (places, weights) = elements.points(rule)
  }

  /// Values at the points, times weights: P1 x.
  ///
  /// - Parameter first: where the vector begins in `x`.
  func weighted(_ x: SharedDoubles, from first: Int = 0, to: SharedDoubles) {
    let per = rule.points.count
    concurrently(elements.triangleCount, grain: 1_024) { triangles in
      for number in triangles {
        let values = corners(number, x.pointer + first)
        for q in 0..<per {
          let point = rule.points[q]
          let value = point.x * values.x + point.y * values.y + point.z * values.z
          to.pointer[number * per + q] = weights[number * per + q] * value
        }
      }
    }
  }

  func weighted(_ x: [Double]) -> [Double] {
    let to = SharedDoubles(places.count)
    weighted(SharedDoubles(x), to: to)
    return to.array
  }

  private func corners(_ number: Int, _ x: UnsafePointer<Double>) -> SIMD3<Double> {
    if space == .constant { return SIMD3(repeating: x[number]) }
    let triangle = elements.mesh.triangles[number]
    return SIMD3(x[Int(triangle.x)], x[Int(triangle.y)], x[Int(triangle.z)])
  }

  /// Integrals of the basis functions times a function given at the points: P2ᵀ f.
  ///
  /// - Parameters:
  ///   - first: where the values begin in `f`.
  ///   - start: where the integrals begin in `y`, to which they're added.
  func tested(_ f: SharedDoubles, from first: Int = 0, to y: SharedDoubles, at start: Int = 0) {
    let per = rule.points.count
    let (f, y) = (UnsafePointer(f.pointer + first), y.pointer + start)
    for number in 0..<elements.triangleCount {
      var sums = SIMD3<Double>.zero
      for q in 0..<per { sums += rule.points[q] * (weights[number * per + q] * f[number * per + q]) }
      if space == .constant {
        y[number] += sums.sum()
        continue
      }
      let triangle = elements.mesh.triangles[number]
      y[Int(triangle.x)] += sums.x
      y[Int(triangle.y)] += sums.y
      y[Int(triangle.z)] += sums.z
    }
  }

  func tested(_ f: [Double]) -> [Double] {
    let to = SharedDoubles(elements.count(space))
    tested(SharedDoubles(f), to: to)
    return to.array
  }

  /// Normal of the triangle of a point.
  func normal(_ point: Int) -> SIMD3<Double> { elements.normals[point / rule.points.count] }

  /// Vectors at the points times the normals there.
  func alongNormals(_ vectors: [SIMD3<Double>]) -> [Double] {
    vectors.indices.map { Vector.dot(vectors[$0], normal($0)) }
  }

  /// V_L t - K_L u at points off the surface.
  ///
  /// - Parameter order: of the multipoles, where there are so many pairs that they're used.
  /// - Throws: as `FastMultipole.init`.
  func potentials(
    _ u: [Double], _ t: [Double], at targets: [SIMD3<Double>], order: Int
  ) throws -> [Double] {
    let (u, t) = (weighted(u), weighted(t))
    return try PointField.sumOrMultipoles(
      sources: places, charges: t, dipoles: u.indices.map { -u[$0] * normal($0) }, targets: targets, order: order
    ).potentials
  }

  /// Values at the vertices; those of constant elements are averaged by area.
  func atVertices(_ x: [Double]) -> [Double] {
    if space == .linear { return x }
    var (sums, areas) = ([Double](repeating: 0, count: elements.mesh.vertices.count), elements.lumpedMass(.linear))
    for (number, triangle) in elements.mesh.triangles.enumerated() {
      for corner in 0..<3 { sums[Int(triangle[corner])] += x[number] * elements.areas[number] / 3 }
    }
    for vertex in areas.indices where areas[vertex] == 0 { areas[vertex] = 1 }
    return zip(sums, areas).map { $0 / $1 }
  }
}

/// A field of points at points.
public struct PointField: Sendable {
  /// At the targets, in units of charge over length, with the factor 1/(4π).
  public var potentials: [Double]
  /// Gradients of the potential at the targets; empty where they weren't asked for.
  public var gradients: [SIMD3<Double>]

  /// All pairs, on all CPUs; a source at the very place of a target is skipped.
  ///
  /// - Parameters:
  ///   - charges: one a source; missing ones are 0.
  ///   - dipoles: one a source, or none; missing ones are 0.
  public static func sum(
    _ kernel: GreensFunction = .laplace, sources: [SIMD3<Double>], charges: [Double], dipoles: [SIMD3<Double>]? = nil,
    targets: [SIMD3<Double>], needsGradient: Bool = false
  ) -> PointField {
    let n = targets.count
    let source = SourcePoints(sources, charges: charges, dipoles: dipoles)
    let place = SharedDoubles(3 * n)
    for (i, target) in targets.enumerated() { for axis in 0..<3 { place.pointer[axis * n + i] = target[axis] } }
    let out = SharedDoubles(4 * n)
    concurrently(n, grain: 64) { range in
      var fields = kernels_point_targets()
      (fields.x, fields.y, fields.z) = (
        UnsafePointer(place.pointer), UnsafePointer(place.pointer + n), UnsafePointer(place.pointer + 2 * n)
      )
      for part in 0..<(needsGradient ? 4 : 1) { fields.set(part, kernel, out.pointer + part * n) }
      source.with(kernel) { sources in
        let ranges = [Int64(0), Int64(source.count)]
        kernels_point_sums(sources, ranges, 1, &fields, Int64(range.lowerBound), Int64(range.upperBound))
      }
    }
    return PointField(out, count: n, hasGradient: needsGradient)
  }

  /// All pairs up to 4 · 10⁹ of them, some seconds; fast multipoles beyond. In Laplace's kernel.
  ///
  /// - Throws: as `FastMultipole.init`.
  static func sumOrMultipoles(
    sources: [SIMD3<Double>], charges: [Double], dipoles: [SIMD3<Double>]? = nil, targets: [SIMD3<Double>],
    needsGradient: Bool = false, order: Int
  ) throws -> PointField {
    if Double(sources.count) * Double(targets.count) <= 4e9 {
      return sum(
        sources: sources, charges: charges, dipoles: dipoles, targets: targets, needsGradient: needsGradient)
    }
    return try FastMultipole(sources: sources, targets: targets, order: order)
      .field(charges: charges, dipoles: dipoles, needsGradient: needsGradient)
  }

  /// - Parameter values: potentials, then the components of the gradients.
  init(_ values: SharedDoubles, count n: Int, hasGradient: Bool) {
    potentials = values.array(0..<n)
    gradients = hasGradient ? (0..<n).map { SIMD3(values[n + $0], values[2 * n + $0], values[3 * n + $0]) } : []
  }
}

/// Points with charges and dipoles, as structures of arrays.
struct SourcePoints: Sendable {
  let count: Int
  private let values: SharedDoubles
  private let hasDipoles: Bool

  init(_ places: [SIMD3<Double>], charges: [Double], dipoles: [SIMD3<Double>]?) {
    count = places.count
    hasDipoles = dipoles != nil
    let n = places.count
    values = SharedDoubles(7 * n)
    for (i, place) in places.enumerated() {
      for axis in 0..<3 { values.pointer[axis * n + i] = place[axis] }
    }
    for (i, charge) in charges.prefix(n).enumerated() { values.pointer[3 * n + i] = charge }
    for (i, dipole) in (dipoles ?? []).prefix(n).enumerated() {
      for axis in 0..<3 { values.pointer[(4 + axis) * n + i] = dipole[axis] }
    }
  }

  func with(_ kernel: GreensFunction, _ body: (UnsafePointer<kernels_point_sources>) -> Void) {
    let (base, n) = (values.pointer, count)
    var sources = kernels_point_sources()
    (sources.x, sources.y, sources.z) = (UnsafePointer(base), UnsafePointer(base + n), UnsafePointer(base + 2 * n))
    switch kernel {
    case .laplace: sources.laplace = UnsafePointer(base + 3 * n)
    case .yukawa(let kappa):
      sources.yukawa = UnsafePointer(base + 3 * n)
      sources.kappa = kappa
    }
    if hasDipoles {
      (sources.dipole_x, sources.dipole_y, sources.dipole_z) = (
        UnsafePointer(base + 4 * n), UnsafePointer(base + 5 * n), UnsafePointer(base + 6 * n)
      )
    }
    (sources.laplace_dipoles, sources.yukawa_dipoles) = (1, 1)
    body(&sources)
  }
}
