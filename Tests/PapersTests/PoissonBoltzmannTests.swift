import Foundation
import Testing

@testable import Lab
@testable import Papers

/// A sphere of 20 · 4^k triangles inscribed in a radius.
func sphereMesh(_ subdivisions: Int, radius: Double = 1) -> SurfaceMesh {
  let g = (1 + 5.0.squareRoot()) / 2
  var vertices: [SIMD3<Double>] = [
    SIMD3(-1, g, 0), SIMD3(1, g, 0), SIMD3(-1, -g, 0), SIMD3(1, -g, 0), SIMD3(0, -1, g), SIMD3(0, 1, g),
    SIMD3(0, -1, -g), SIMD3(0, 1, -g), SIMD3(g, 0, -1), SIMD3(g, 0, 1), SIMD3(-g, 0, -1), SIMD3(-g, 0, 1),
  ].map { $0 / Vector.length($0) }
  var triangles: [SIMD3<Int32>] = [
    SIMD3(0, 11, 5), SIMD3(0, 5, 1), SIMD3(0, 1, 7), SIMD3(0, 7, 10), SIMD3(0, 10, 11), SIMD3(1, 5, 9), SIMD3(5, 11, 4),
    SIMD3(11, 10, 2), SIMD3(10, 7, 6), SIMD3(7, 1, 8), SIMD3(3, 9, 4), SIMD3(3, 4, 2), SIMD3(3, 2, 6), SIMD3(3, 6, 8),
    SIMD3(3, 8, 9), SIMD3(4, 9, 5), SIMD3(2, 4, 11), SIMD3(6, 2, 10), SIMD3(8, 6, 7), SIMD3(9, 8, 1),
  ]
  for _ in 0..<subdivisions {
    var middles: [SIMD2<Int32>: Int32] = [:]
    func middle(_ a: Int32, _ b: Int32) -> Int32 {
      let key = SIMD2(min(a, b), max(a, b))
      if let known = middles[key] { return known }
      let point = vertices[Int(a)] + vertices[Int(b)]
      vertices.append(point / Vector.length(point))
      middles[key] = Int32(vertices.count - 1)
      return Int32(vertices.count - 1)
    }
    triangles = triangles.flatMap { t in
      let (a, b, c) = (middle(t.x, t.y), middle(t.y, t.z), middle(t.z, t.x))
      return [SIMD3(t.x, a, c), SIMD3(a, t.y, b), SIMD3(c, b, t.z), SIMD3(a, b, c)]
    }
  }
  return SurfaceMesh(vertices: vertices.map { $0 * radius }, triangles: triangles)
}

@Suite struct PoissonBoltzmannTests {
  /// The sphere of the paper: radius 4 Å, a unit charge at (1, 1, 1), -12.258363 kcal/mol.
  @Test(arguments: BoundaryFormulation.allCases) func kirkwood(_ form: BoundaryFormulation) throws {
    var options = BoundarySolverOptions()
    options.formulation = form
    var errors: [Double] = []
    for level in 1...2 {
      let problem = PoissonBoltzmannProblem(
        mesh: sphereMesh(level, radius: 4), charges: [PointCharge(position: SIMD3(1, 1, 1), charge: 1)])
      let dense = try problem.solve(options)
      #expect(dense.isConverged)
      errors.append(abs(dense.energy / -12.258364 - 1))
      options.operators = .fastMultipole
      let other = try problem.solve(options)
      print(form, level, dense.energy, other.energy, dense.iterations, other.iterations, dense.seconds, other.seconds)
      options.operators = .dense
    }
    print(errors)
  }
}
