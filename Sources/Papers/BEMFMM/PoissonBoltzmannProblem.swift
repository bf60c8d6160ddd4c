import Foundation
import Kernels
import Lab

/// A solute with point charges inside a closed surface, in a solvent with ions (linearised Poisson-Boltzmann equation).
///
/// Inside, -ε1 ∇²φ = Σ q δ(r - r_k); outside, ∇²φ = κ² φ; on the surface φ and ε ∂φ/∂n are continuous.
public struct PoissonBoltzmannProblem: Sendable {
  /// The boundary of the solute; all charges lie inside.
  public var mesh: SurfaceMesh
  public var charges: [PointCharge]
  /// ε1, relative.
  public var soluteDielectric: Double
  /// ε2, relative.
  public var solventDielectric: Double
  /// κ in 1/Å; 0.125 in 150 mM of a 1:1 salt.
  public var inverseDebyeLength: Double

  public init(
    mesh: SurfaceMesh, charges: [PointCharge], soluteDielectric: Double = 4, solventDielectric: Double = 80,
    inverseDebyeLength: Double = 0.125
  ) {
    (self.mesh, self.charges) = (mesh, charges)
    (self.soluteDielectric, self.solventDielectric) = (soluteDielectric, solventDielectric)
    self.inverseDebyeLength = inverseDebyeLength
  }

  /// Coulomb's constant in kcal Å / (mol e²), the paper's: a potential in e/Å times this is in kcal/(mol e).
  public static let coulombConstant = 332.0637
}

/// How a product with the matrix is computed.
public enum OperatorKind: String, Codable, CaseIterable, Sendable {
  /// Dense where the matrix takes at most 256 MB, else by fast multipoles.
  case automatic
  /// All elements of the matrix.
  case dense
  /// Quadrature points as charges and dipoles of a fast multipole sum, touching triangles apart.
  case fastMultipole = "fast-multipole"
}

/// What a solution is computed with.
public struct BoundarySolverOptions: Codable, Sendable {
  public var formulation = BoundaryFormulation.derivativeExterior
  public var operators = OperatorKind.automatic
  /// Points an edge of the multipole method's cubes: about as many digits.
  public var expansionOrder = 6
  /// Most points of a leaf box; fewer than for one kernel without dipoles, whose pairs are ten times as quick.
  public var leafCapacity = 100
  /// Degree of polynomials that the rule on a triangle integrates, 1...6: 4 has 6 points, 2 has 3.
  public var quadratureOrder = 4
  /// Gauss points on each of four axes for triangles that touch.
  public var singularOrder = 4
  /// Relative residual of the preconditioned system.
  public var tolerance = 1e-5
  /// Iterations before GMRES starts anew.
  public var restart = 400
  public var maximumIterations = 1_000

  public init() {}
}

/// Wall time of a solution's stages.
public struct StageSeconds: Codable, Sendable, Equatable {
  /// Quadrature, trees, matrices and the right-hand side.
  public var assembly = 0.0
  /// GMRES.
  public var solve = 0.0
  /// Potential at the charges.
  public var energy = 0.0
  public var total: Double { assembly + solve + energy }
}

/// What a solution says.
public struct PoissonBoltzmannSolution: Sendable {
  /// Polar solvation free energy ½ Σ q φ_reac in kcal/mol.
  public var energy: Double
  /// Interior trace of the potential at the vertices, [V], in kcal/(mol e); constant elements are averaged by area.
  public var potentials: [Double]
  /// Derivative of the interior potential along the outward normal at the vertices, [V], in kcal/(mol e Å).
  public var normalDerivatives: [Double]
  /// φ_reac = φ - Coulomb's potential at the charges, in kcal/(mol e).
  public var reactionPotentials: [Double]
  /// Products with the matrix.
  public var iterations: Int
  /// Relative residual of the preconditioned system after each iteration, the first before any.
  public var residuals: [Double]
  public var isConverged: Bool
  public var seconds: StageSeconds
  /// Greatest resident memory of the process so far, in bytes; 0 where the system doesn't say.
  public var memoryPeak: Int
  /// Whether the matrix was dense.
  public var isDense: Bool
}

extension PoissonBoltzmannProblem {
  /// Solves for the potential on the surface and the energy of the charges in it.
  ///
  /// - Parameter progress: called after each iteration with its number and relative residual; what it throws ends the
  ///   solution.
  /// - Throws: `UsageError` where a number isn't allowed or the mesh isn't fit; what `progress` throws.
  public func solve(
    _ options: BoundarySolverOptions = BoundarySolverOptions(), progress: ((Int, Double) throws -> Void)? = nil
  ) throws -> PoissonBoltzmannSolution {
    try check(options)
    let start = DispatchTime.now()
    let elements = try SurfaceElements(mesh)
    let space = options.formulation.space
    let terms = FormulationTerms(
      options.formulation, solute: soluteDielectric, solvent: solventDielectric, inverseLength: inverseDebyeLength)
    let densities = SurfaceDensities(elements, space, TriangleQuadrature(order: options.quadratureOrder))
    let n = elements.count(space)
    let isDense =
      options.operators == .dense || options.operators == .automatic && 32 * n * n <= Self.denseBytes
    let system: any SurfaceOperator =
      isDense
      ? try DenseSystem(
        elements, terms, space: space, quadratureOrder: options.quadratureOrder, singularOrder: options.singularOrder,
        checkInterrupt: { try progress?(0, 1) })
      : try MultipoleSystem(elements, terms, densities, options)
    let order = max(6, options.expansionOrder)
    let right = try rightSide(densities, terms, order: order)
    let preconditioner = Preconditioner(elements, terms, space, singularOrder: options.singularOrder)
    let assembled = DispatchTime.now()
    var solver = GMRES()
    (solver.tolerance, solver.restart) = (options.tolerance, options.restart)
    solver.maximumIterations = options.maximumIterations
    let result = try solver.solve(
      right, apply: { system.apply($0) }, precondition: { preconditioner.apply($0) },
      progress: { try progress?($0, $1) })
    let solved = DispatchTime.now()
    let u = Array(result.solution[..<n])
    let t = result.solution[n...].map { $0 * terms.derivativeScale }
    let unit = 4 * .pi * Self.coulombConstant
    let reactions = try densities.potentials(u, t, at: charges.map(\.position), order: order).map { $0 * unit }
    let energy = 0.5 * zip(charges, reactions).reduce(0) { $0 + $1.0.charge * $1.1 }
    let end = DispatchTime.now()
    func seconds(_ a: DispatchTime, _ b: DispatchTime) -> Double {
      Double(b.uptimeNanoseconds - a.uptimeNanoseconds) / 1e9
    }
    let memory = PeakMemory.megabytes * 1_048_576
    return PoissonBoltzmannSolution(
      energy: energy, potentials: densities.atVertices(u).map { $0 * unit },
      normalDerivatives: densities.atVertices(t).map { $0 * unit }, reactionPotentials: reactions,
      iterations: result.iterations, residuals: result.residuals, isConverged: result.isConverged,
      seconds: StageSeconds(
        assembly: seconds(start, assembled), solve: seconds(assembled, solved), energy: seconds(solved, end)),
      memoryPeak: memory.isFinite ? Int(memory) : 0, isDense: isDense)
  }

  /// Bytes of the greatest matrix that `automatic` makes.
  static let denseBytes = 256 << 20

  private func check(_ options: BoundarySolverOptions) throws {
    func require(_ condition: Bool, _ message: @autoclosure () -> String) throws {
      if !condition { throw UsageError(message()) }
    }
    for (name, value) in [("solute", soluteDielectric), ("solvent", solventDielectric)] {
      try require(value > 0 && value.isFinite, "the \(name)'s dielectric constant is \(value), expected more than 0")
    }
    try require(
      inverseDebyeLength >= 0 && inverseDebyeLength.isFinite,
      "the inverse Debye length is \(inverseDebyeLength), expected at least 0")
    try require(!charges.isEmpty, "there are no charges, so the energy is 0")
    for (number, charge) in charges.enumerated() {
      try require(
        charge.charge.isFinite && (0..<3).allSatisfy { charge.position[$0].isFinite },
        "charge \(number + 1) isn't finite")
    }
    try require(
      (3...12).contains(options.expansionOrder), "expansionOrder is \(options.expansionOrder), expected 3 to 12")
    try require(options.leafCapacity > 0, "leafCapacity is \(options.leafCapacity), expected at least 1")
    try require(
      TriangleQuadrature.orders.contains(options.quadratureOrder),
      "quadratureOrder is \(options.quadratureOrder), expected 1 to 6")
    try require((1...12).contains(options.singularOrder), "singularOrder is \(options.singularOrder), expected 1 to 12")
    try require(
      options.tolerance > 0 && options.tolerance < 1, "tolerance is \(options.tolerance), expected between 0 and 1")
    try require(options.restart > 0, "restart is \(options.restart), expected at least 1")
    try require(
      options.maximumIterations > 0, "maximumIterations is \(options.maximumIterations), expected at least 1")
  }

  /// Integrals of the basis functions times the charges' potential f0 and its normal derivative f1.
  private func rightSide(_ densities: SurfaceDensities, _ terms: FormulationTerms, order: Int) throws -> [Double] {
    let charges = self.charges.filter { $0.charge != 0 }
    let field = try PointField.sumOrMultipoles(
      sources: charges.map(\.position), charges: charges.map(\.charge), targets: densities.places,
      needsGradient: terms.differentiates, order: order)
    let first = densities.tested(field.potentials).map { $0 * terms.right.x }
    guard terms.differentiates else { return first + [Double](repeating: 0, count: first.count) }
    let slopes = densities.alongNormals(field.gradients)
    return first + densities.tested(slopes).map { $0 * terms.right.y }
  }
}
