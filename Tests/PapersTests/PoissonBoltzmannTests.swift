import Foundation
import Testing

@testable import Lab
@testable import Papers

@Suite struct PoissonBoltzmannTests {
  private func sphere(_ level: Int, radius: Double = 4) throws -> SurfaceMesh {
    try SurfaceMesh.icosphere(radius: radius, level: level)
  }

  private func options(
    _ form: BoundaryFormulation = .derivativeExterior, _ operators: OperatorKind = .dense
  ) -> BoundarySolverOptions {
    var options = BoundarySolverOptions()
    (options.formulation, options.operators) = (form, operators)
    (options.leafCapacity, options.tolerance) = (60, 1e-8)
    return options
  }

  private let one = [PointCharge(position: SIMD3(1, 1, 1), charge: 1)]

  /// The sphere of the paper: radius 4 Å, a unit charge at (1, 1, 1), -12.258364 kcal/mol. Errors fall as 1/N, and
  /// extrapolation of two meshes by that order leaves little.
  @Test(arguments: BoundaryFormulation.allCases) func kirkwood(_ form: BoundaryFormulation) throws {
    let energies = try (1...2).map { level in
      let solution = try PoissonBoltzmannProblem(mesh: sphere(level), charges: one).solve(options(form))
      #expect(solution.isConverged && solution.isDense)
      return solution.energy
    }
    let exact = -12.258364
    let order = log(abs(energies[0] - exact) / abs(energies[1] - exact)) / log(4)
    #expect(abs(order - 1) < 0.15, "\(form): order \(order)")
    #expect(abs((4 * energies[1] - energies[0]) / 3 / exact - 1) < 2e-3, "\(form): \(energies)")
  }

  /// Dense and fast multipole products are of the same matrix.
  @Test(arguments: BoundaryFormulation.allCases) func multipolesAgree(_ form: BoundaryFormulation) throws {
    let problem = PoissonBoltzmannProblem(mesh: try sphere(1), charges: one)
    let dense = try problem.solve(options(form))
    var fast = options(form, .fastMultipole)
    (fast.expansionOrder, fast.leafCapacity) = (7, 30)
    let other = try problem.solve(fast)
    #expect(!other.isDense)
    #expect(abs(other.energy / dense.energy - 1) < 1e-5, "\(form): \(other.energy), \(dense.energy)")
    #expect(abs(other.iterations - dense.iterations) <= 1)
    let worst = zip(dense.potentials, other.potentials).map { abs($0 - $1) }.max() ?? 1
    #expect(worst < 1e-4 * (dense.potentials.map(abs).max() ?? 0), "\(form): \(worst)")
  }

  /// The surface potential of a charge in the middle is known: outside, q exp(-κ (r - R)) / (4π ε2 r (1 + κR)).
  @Test(arguments: BoundaryFormulation.allCases) func centralCharge(_ form: BoundaryFormulation) throws {
    let problem = PoissonBoltzmannProblem(
      mesh: try sphere(1), charges: [PointCharge(position: .zero, charge: 1)])
    let solution = try problem.solve(options(form))
    let kappa = problem.inverseDebyeLength
    let potential = PoissonBoltzmannProblem.coulombConstant / (80 * 4 * (1 + kappa * 4))
    let slope = -PoissonBoltzmannProblem.coulombConstant / (4 * 16)
    #expect(abs(Statistics.mean(solution.potentials) / potential - 1) < 0.08)
    #expect(abs(Statistics.mean(solution.normalDerivatives) / slope - 1) < 0.12)
    #expect(abs(solution.energy / -10.031091 - 1) < 0.08)
    #expect(solution.reactionPotentials.count == 1)
    #expect(abs(solution.reactionPotentials[0] / 2 - solution.energy) < 1e-12)
  }

  @Test func symmetries() throws {
    let charges = [
      PointCharge(position: SIMD3(1, 1, 1), charge: 1), PointCharge(position: SIMD3(-2, 0.5, 0), charge: -0.7),
    ]
    let mesh = try sphere(1)
    let energy = try PoissonBoltzmannProblem(mesh: mesh, charges: charges).solve(options()).energy

    // A rotation about an axis, and a shift.
    func moved(_ p: SIMD3<Double>) -> SIMD3<Double> {
      let (c, s) = (cos(0.7), sin(0.7))
      let turned = SIMD3(c * p.x - s * p.y, s * p.x + c * p.y, p.z)
      return SIMD3(turned.x, c * turned.y - s * turned.z, s * turned.y + c * turned.z) + SIMD3(5, -3, 11)
    }
    let other = PoissonBoltzmannProblem(
      mesh: SurfaceMesh(vertices: mesh.vertices.map(moved), triangles: mesh.triangles),
      charges: charges.map { PointCharge(position: moved($0.position), charge: $0.charge) })
    #expect(abs(try other.solve(options()).energy / energy - 1) < 1e-7)

    // Lengths times 3, κ over 3.
    let large = PoissonBoltzmannProblem(
      mesh: SurfaceMesh(vertices: mesh.vertices.map { $0 * 3 }, triangles: mesh.triangles),
      charges: charges.map { PointCharge(position: $0.position * 3, charge: $0.charge) },
      inverseDebyeLength: 0.125 / 3)
    #expect(abs(try large.solve(options()).energy * 3 / energy - 1) < 1e-7)

    let double = PoissonBoltzmannProblem(
      mesh: mesh, charges: charges.map { PointCharge(position: $0.position, charge: 2 * $0.charge) })
    #expect(abs(try double.solve(options()).energy / (4 * energy) - 1) < 1e-7)
  }

  /// Without a contrast there is no reaction.
  @Test(arguments: BoundaryFormulation.allCases) func noContrast(_ form: BoundaryFormulation) throws {
    let problem = PoissonBoltzmannProblem(
      mesh: try sphere(2), charges: one, soluteDielectric: 4, solventDielectric: 4, inverseDebyeLength: 0)
    #expect(abs(try problem.solve(options(form)).energy) < 0.02)
  }

  /// With the same charges in another place, κ → 0: -9.858141 kcal/mol for a charge in the middle (Born).
  @Test func born() throws {
    let problem = PoissonBoltzmannProblem(
      mesh: try sphere(1), charges: [PointCharge(position: .zero, charge: 1)], inverseDebyeLength: 0)
    for form in BoundaryFormulation.allCases {
      #expect(abs(try problem.solve(options(form)).energy / -9.858141 - 1) < 0.08)
    }
  }

  /// The exterior form has one accumulation point of eigenvalues, the interior one two; the direct form none.
  @Test func iterations() throws {
    var counts: [BoundaryFormulation: Int] = [:]
    for form in BoundaryFormulation.allCases {
      var options = options(form)
      options.tolerance = 1e-5
      counts[form] = try PoissonBoltzmannProblem(mesh: sphere(2), charges: one).solve(options).iterations
    }
    let (exterior, interior) = (counts[.derivativeExterior] ?? 0, counts[.derivativeInterior] ?? 0)
    #expect(exterior > 3 && Double(exterior) <= 0.7 * Double(interior), "\(counts)")
  }

  @Test func badInput() throws {
    let mesh = try sphere(0)
    func message(
      _ problem: PoissonBoltzmannProblem, _ change: (inout BoundarySolverOptions) -> Void = { _ in }
    ) -> String {
      var options = BoundarySolverOptions()
      change(&options)
      do {
        _ = try problem.solve(options)
        return ""
      } catch { return "\(error)" }
    }
    let good = PoissonBoltzmannProblem(mesh: mesh, charges: one)
    #expect(message(good) == "")
    #expect(message(good) { $0.expansionOrder = 2 } == "expansionOrder is 2, expected 3 to 12")
    #expect(message(good) { $0.quadratureOrder = 9 }.hasPrefix("quadratureOrder is 9"))
    #expect(message(good) { $0.tolerance = 0 }.hasPrefix("tolerance is 0.0"))
    #expect(message(good) { $0.restart = 0 }.hasPrefix("restart is 0"))
    #expect(message(PoissonBoltzmannProblem(mesh: mesh, charges: [])).hasPrefix("there are no charges"))
    #expect(
      message(PoissonBoltzmannProblem(mesh: mesh, charges: one, soluteDielectric: 0)).hasPrefix("the solute's"))
    #expect(
      message(PoissonBoltzmannProblem(mesh: mesh, charges: one, inverseDebyeLength: .nan)).hasPrefix("the inverse"))
    var broken = mesh
    broken.triangles[3].y = 99
    #expect(
      message(PoissonBoltzmannProblem(mesh: broken, charges: one)) == "triangle 4 has corner 99, expected 0 to 11")
    broken.triangles[3] = SIMD3(0, 0, 1)
    #expect(message(PoissonBoltzmannProblem(mesh: broken, charges: one)).hasPrefix("triangle 4 has no area"))
    #expect(
      message(PoissonBoltzmannProblem(mesh: SurfaceMesh(vertices: [], triangles: []), charges: one))
        == "a surface takes triangles, this one has none")
  }

  @Test func progressEnds() throws {
    struct Stop: Error {}
    let problem = PoissonBoltzmannProblem(mesh: try sphere(1), charges: one)
    var seen: [Int] = []
    #expect(throws: Stop.self) {
      try problem.solve(options()) { iteration, _ in
        seen.append(iteration)
        if iteration == 2 { throw Stop() }
      }
    }
    #expect(seen.last == 2)
  }
}

@Suite struct GMRESTests {
  /// A matrix that isn't symmetric, n = 30, well conditioned.
  private func matrix(_ n: Int) -> [[Double]] {
    func element(_ i: Int, _ j: Int) -> Double {
      let rest = sin(Double(3 * i + 7 * j)) / Double(1 + abs(i - j))
      return i == j ? 3 + rest : rest
    }
    return (0..<n).map { i in (0..<n).map { j in element(i, j) } }
  }

  private func product(_ a: [[Double]], _ x: [Double]) -> [Double] {
    a.map { row in zip(row, x).reduce(0) { $0 + $1.0 * $1.1 } }
  }

  @Test(arguments: [400, 6]) func solves(_ restart: Int) throws {
    let a = matrix(30)
    let exact = (0..<30).map { cos(Double($0)) }
    let b = product(a, exact)
    var solver = GMRES()
    (solver.tolerance, solver.restart) = (1e-10, restart)
    let result = try solver.solve(b, apply: { product(a, $0) }, precondition: { $0.map { $0 / 3 } })
    #expect(result.isConverged)
    #expect(zip(result.solution, exact).allSatisfy { abs($0 - $1) < 1e-8 })
    // The residual never grows within a cycle, and is that of the preconditioned system.
    #expect(zip(result.residuals, result.residuals.dropFirst()).allSatisfy { $1 <= $0 * (1 + 1e-9) })
    let left = zip(b, product(a, result.solution)).map { ($0 - $1) / 3 }
    let norm = { (x: [Double]) in x.reduce(0) { $0 + $1 * $1 }.squareRoot() }
    let relative = norm(left) / norm(b.map { $0 / 3 })
    #expect(abs(relative - (result.residuals.last ?? 1)) < 1e-11)
  }

  @Test func ends() throws {
    let a = matrix(30)
    var solver = GMRES()
    solver.tolerance = 1e-12
    solver.maximumIterations = 5
    let few = try solver.solve([Double](repeating: 1, count: 30), apply: { product(a, $0) }, precondition: { $0 })
    #expect(!few.isConverged && few.iterations == 5)
    let zero = try solver.solve([Double](repeating: 0, count: 30), apply: { product(a, $0) }, precondition: { $0 })
    #expect(zero.isConverged && zero.iterations == 0 && zero.solution.allSatisfy { $0 == 0 })
    // The identity takes one step, and the space is then exhausted.
    let once = try solver.solve([1, 2, 3], apply: { $0 }, precondition: { $0 })
    #expect(once.isConverged && once.iterations == 1 && once.solution == [1, 2, 3])
  }
}
