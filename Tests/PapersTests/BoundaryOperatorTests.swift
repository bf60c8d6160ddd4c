import Foundation
import Pinion
import Testing

@testable import Lab
@testable import Papers

@Suite struct BoundaryQuadratureTests {
  /// ∫ x^a y^b over the reference triangle is a! b! / (a + b + 2)!.
  @Test func triangleRules() {
    func factorial(_ n: Int) -> Double { (1...max(n, 1)).reduce(1) { $0 * Double($1) } }
    for (order, count) in zip(TriangleQuadrature.orders, [1, 3, 6, 6, 7, 12]) {
      let rule = TriangleQuadrature(order: order)
      #expect(rule.points.count == count)
      for a in 0...order {
        for b in 0...order - a {
          let sum = zip(rule.points, rule.weights).reduce(0) {
            $0 + $1.1 * pow($1.0.y, Double(a)) * pow($1.0.z, Double(b))
          }
          #expect(abs(sum - factorial(a) * factorial(b) / factorial(a + b + 2)) < 1e-14, "\(order): x^\(a) y^\(b)")
        }
      }
    }
  }

  @Test func gaussLegendre() {
    for n in 1...8 {
      let rule = GaussLegendre(n)
      for power in 0..<2 * n {
        let sum = zip(rule.points, rule.weights).reduce(0) { $0 + $1.1 * pow($1.0, Double(power)) }
        #expect(abs(sum - 1 / Double(power + 1)) < 1e-14)
      }
    }
  }

  /// Integrals of 1/r over two triangles, known to nine digits; and polynomials, which are integrated exactly.
  @Test func touchingTriangles() throws {
    let first = [SIMD3<Double>(0, 0, 0), SIMD3(1, 0, 0), SIMD3(0.2, 0.9, 0)]
    let cases: [(TrianglePair, [SIMD3<Double>], [Int32], Double)] = [
      (.identical, [], [0, 1, 2], 0.866583874),
      (.commonEdge, [SIMD3(0.3, -0.8, 0.4)], [0, 1, 3], 0.371037964),
      (.commonVertex, [SIMD3(-0.7, -0.2, 0.3), SIMD3(-0.6, 0.5, -0.2)], [0, 3, 4], 0.158824521),
    ]
    for (kind, more, second, expected) in cases {
      var triangles = [SIMD3<Int32>(0, 1, 2)]
      if kind != .identical { triangles.append(SIMD3(second[0], second[1], second[2])) }
      let elements = try SurfaceElements(SurfaceMesh(vertices: first + more, triangles: triangles))
      var values: [Double] = []
      for order in [4, 10] {
        TouchingPairs(elements).integrals(.init(weights: PairWeights(.laplace), order: order)) { pair, found in
          guard pair.test == 0, Int(pair.trial) == triangles.count - 1 else { return }
          values.append(4 * .pi * (0..<9).reduce(0) { $0 + found[$1] })
        }
      }
      #expect(values.count == 2)
      #expect(abs(values[1] - expected) < 2e-9, "\(kind): \(values)")
      #expect(abs(values[0] - expected) < 1e-4, "\(kind): \(values)")
      let rule = SingularQuadrature(kind, order: 4)
      // Weights, and x1 y2, of the product of two triangles: 1/4 and 1/36.
      let rows = stride(from: 0, to: rule.rows.count, by: 7).map { Array(rule.rows[$0..<$0 + 7]) }
      #expect(abs(rows.reduce(0) { $0 + $1[0] } - 0.25) < 1e-14)
      #expect(abs(rows.reduce(0) { $0 + $1[0] * $1[2] * $1[6] } - 1.0 / 36) < 1e-14)
    }
    var rough: [Double] = []
    let elements = try SurfaceElements(SurfaceMesh(vertices: first, triangles: [SIMD3(0, 1, 2)]))
    TouchingPairs(elements).integrals(.init(weights: PairWeights(.laplace), order: 4)) { _, found in
      rough.append(4 * .pi * (0..<9).reduce(0) { $0 + found[$1] })
    }
    #expect(abs(rough[0] - 0.866556) < 1e-6)
  }
}

@Suite struct BoundaryOperatorTests {
  private struct Oracle: Decodable {
    var inverseLength: Double
    var vertices: [[Double]]
    var triangles: [[Int32]]
    var products: [String: [[Double]]]

    var mesh: SurfaceMesh {
      SurfaceMesh(
        vertices: vertices.map { SIMD3($0[0], $0[1], $0[2]) }, triangles: triangles.map { SIMD3($0[0], $0[1], $0[2]) })
    }
  }

  private func oracle() throws -> Oracle {
    let url = try #require(Bundle.module.url(forResource: "bempp", withExtension: "json", subdirectory: "Oracles"))
    return try JSONDecoder().decode(Oracle.self, from: Data(contentsOf: url))
  }

  private var fine: BoundarySolverOptions {
    var options = BoundarySolverOptions()
    (options.quadratureOrder, options.singularOrder) = (6, 6)
    return options
  }

  private func norm(_ x: [Double]) -> Double { x.reduce(0) { $0 + $1 * $1 }.squareRoot() }
  private func difference(_ a: [Double], _ b: [Double]) -> Double {
    norm(zip(a, b).map { $0 - $1 }) / max(norm(b), 1e-300)
  }
  private func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }

  /// Every operator against bempp-cl on the same mesh.
  @Test func bempp() throws {
    let oracle = try oracle()
    #expect(oracle.products.count == 14)
    for (key, expected) in oracle.products {
      let parts = key.split(separator: " ").map(String.init)
      let (space, kind) = try (
        #require(BoundarySpace(rawValue: parts[0])), #require(BoundaryOperator.Kind(rawValue: parts[2]))
      )
      let kernel = parts[1] == "laplace" ? GreensFunction.laplace : .yukawa(inverseLength: oracle.inverseLength)
      let found = try BoundaryOperator(
        kind, kernel, mesh: oracle.mesh, space: space, operators: .dense, options: fine)
      for (phase, y) in expected.enumerated() {
        let x = (0..<y.count).map { phase == 0 ? sin(1.3 * Double($0) + 0.2) : cos(0.7 * Double($0)) }
        #expect(difference(found.apply(x), y) < 1e-4, "\(key): \(difference(found.apply(x), y))")
      }
    }
  }

  /// What is true of any closed surface.
  @Test(arguments: BoundarySpace.allCases) func identities(_ space: BoundarySpace) throws {
    let mesh = try oracle().mesh
    let elements = try SurfaceElements(mesh)
    func matrix(_ kind: BoundaryOperator.Kind, _ kernel: GreensFunction) throws -> [Double] {
      try #require(
        try BoundaryOperator(kind, kernel, mesh: mesh, space: space, operators: .dense, options: fine).matrix)
    }
    let n = elements.count(space)
    // K 1 = -1/2.
    let k = try matrix(.doubleLayer, .laplace)
    let rows = (0..<n).map { i in (0..<n).reduce(0) { $0 + k[i * n + $1] } }
    #expect(difference(rows, elements.lumpedMass(space).map { -$0 / 2 }) < 2e-3)
    for kernel in [GreensFunction.laplace, .yukawa(inverseLength: 0.7)] {
      // K' is the transpose of K, V is symmetric and positive.
      let (k, adjoint, v) = try (
        matrix(.doubleLayer, kernel), matrix(.adjointDoubleLayer, kernel), matrix(.singleLayer, kernel)
      )
      // The rule of a common edge treats its two triangles differently.
      let transposed = { (m: [Double]) in (0..<n * n).map { m[$0 % n * n + $0 / n] } }
      #expect(difference(transposed(adjoint), k) < 1e-5)
      #expect(difference(transposed(v), v) < 1e-5)
      let symmetric = Tensor(zip(v, transposed(v)).map { ($0 + $1) / 2 }, shape: [n, n])
      let least = try eigvalsh(symmetric).array(of: Double.self)[0]
      #expect(least > 0)
    }
    // κ → 0.
    let (small, none) = try (matrix(.singleLayer, .yukawa(inverseLength: 1e-9)), matrix(.singleLayer, .laplace))
    #expect(difference(small, none) < 1e-8)
  }

  @Test func hypersingular() throws {
    let mesh = try oracle().mesh
    let w = try BoundaryOperator(.hypersingular, .laplace, mesh: mesh, operators: .dense, options: fine)
    let x = (0..<w.count).map { sin(1.3 * Double($0)) }
    #expect(norm(w.apply([Double](repeating: 1, count: w.count))) < 1e-12 * norm(w.apply(x)))
    #expect(dot(x, w.apply(x)) > 0)
    let other = try BoundaryOperator(
      .hypersingular, .yukawa(inverseLength: 1e-8), mesh: mesh, operators: .dense, options: fine)
    #expect(difference(other.apply(x), w.apply(x)) < 1e-7)
    #expect(throws: UsageError.self) { try BoundaryOperator(.hypersingular, .laplace, mesh: mesh, space: .constant) }
  }

  /// W_Y - W_L as its kernel stands, which the formulations use, is the difference of both by parts.
  @Test func differenceOfHypersingulars() throws {
    let mesh = try oracle().mesh
    let kappa = 0.7
    var terms = FormulationTerms(.derivativeInterior, solute: 4, solvent: 80, inverseLength: kappa)
    (terms.firstMass, terms.secondMass) = (0, 0)
    let system = try DenseSystem(
      SurfaceElements(mesh), terms, space: .linear, quadratureOrder: 6, singularOrder: 6, checkInterrupt: {})
    let n = mesh.vertices.count
    let x = (0..<n).map { sin(1.3 * Double($0)) }
    let found = Array(system.apply(x + [Double](repeating: 0, count: n))[n...])
    let (screened, plain) = try (
      BoundaryOperator(.hypersingular, .yukawa(inverseLength: kappa), mesh: mesh, operators: .dense, options: fine)
        .apply(x),
      BoundaryOperator(.hypersingular, .laplace, mesh: mesh, operators: .dense, options: fine).apply(x)
    )
    #expect(difference(found, zip(screened, plain).map { $0 - $1 }) < 2e-3)
  }

  /// Spherical harmonics are eigenfunctions on the unit sphere.
  @Test func sphere() throws {
    let mesh = try SurfaceMesh.icosphere(radius: 1, level: 2)
    var options = BoundarySolverOptions()
    (options.quadratureOrder, options.singularOrder) = (2, 3)
    let operators = try BoundaryOperator.Kind.allCases.map {
      try BoundaryOperator($0, .laplace, mesh: mesh, operators: .dense, options: options)
    }
    let elements = try SurfaceElements(mesh)
    let mass = MassMatrix(elements, .linear)
    for l in 0...2 {
      let x = mesh.vertices.map { l == 0 ? 1 : l == 1 ? $0.z : 3 * $0.z * $0.z - 1 }
      let length = (0..<x.count).reduce(0) { sum, row in
        mass.entries(row).reduce(sum) { $0 + x[row] * x[$1.column] * $1.value }
      }
      let degree = Double(l)
      // V, K, K', W.
      let values = [1, -0.5, -0.5, degree * (degree + 1)].map { $0 / (2 * degree + 1) }
      for (boundary, value) in zip(operators, values) {
        let found = dot(x, boundary.apply(x)) / length
        #expect(abs(found - value) < 0.025, "\(boundary.kind), l = \(l): \(found), \(value)")
      }
    }
  }

  /// Products by fast multipoles are those of the matrix.
  @Test(arguments: BoundaryOperator.Kind.allCases) func multipoles(_ kind: BoundaryOperator.Kind) throws {
    let mesh = try SurfaceMesh.icosphere(radius: 2, level: 1)
    var options = BoundarySolverOptions()
    (options.leafCapacity, options.expansionOrder, options.singularOrder) = (20, 6, 3)
    for kernel in [GreensFunction.laplace, .yukawa(inverseLength: 0.5)] {
      for space in kind == .hypersingular ? [.linear] : BoundarySpace.allCases {
        let dense = try BoundaryOperator(kind, kernel, mesh: mesh, space: space, operators: .dense, options: options)
        let fast = try BoundaryOperator(
          kind, kernel, mesh: mesh, space: space, operators: .fastMultipole, options: options)
        #expect(fast.matrix == nil && fast.count == dense.count)
        let x = (0..<dense.count).map { sin(1.3 * Double($0)) }
        #expect(difference(fast.apply(x), dense.apply(x)) < 1e-4, "\(kind) \(kernel) \(space)")
      }
    }
  }

  /// An operator in a program of the array library: the charge on a conductor at potential 1, V σ = 1, by conjugate
  /// gradients; a sphere of radius R has capacity 4πR. The derivative by the given potential is a solve too.
  @Test func composition() throws {
    let radius = 2.0
    let mesh = try SurfaceMesh.icosphere(radius: radius, level: 1)
    let elements = try SurfaceElements(mesh)
    let v = try BoundaryOperator(.singleLayer, .laplace, mesh: mesh, operators: .fastMultipole)
    let product = try v.tensorOperator()
    let mass = Tensor(elements.lumpedMass(.linear), shape: [v.count])
    let capacity = { (potential: Tensor) in
      (try conjugateGradient(mass * potential, tolerance: 1e-10) { product($0) }.solution * mass).sum()
    }
    let potential = Tensor([Double](repeating: 1, count: v.count), shape: [v.count])
    #expect(abs(try capacity(potential).item() / (4 * .pi * radius) - 1) < 0.05)
    // It's symmetric, so that the gradient is the mass times the solution's charge.
    let (value, slopes) = try valueAndGrad(potential) { try capacity($0) }
    #expect(abs(try slopes.sum().item() - value.item()) < 1e-6)

    // The derivative of |K u|²/2 is K'(K u).
    let (k, adjoint) = try (
      BoundaryOperator(.doubleLayer, .yukawa(inverseLength: 0.3), mesh: mesh, operators: .dense),
      BoundaryOperator(.adjointDoubleLayer, .yukawa(inverseLength: 0.3), mesh: mesh, operators: .dense)
    )
    let double = try k.tensorOperator(adjoint: adjoint)
    let u = (0..<k.count).map { sin(Double($0)) }
    let gradient = try grad { double($0).square().sum() / 2 }(Tensor(u, shape: [k.count]))
    #expect(difference(try gradient.array(of: Double.self), adjoint.apply(k.apply(u))) < 1e-12)
    #expect(throws: UsageError.self) { try k.tensorOperator() }
  }
}
