import ArgumentParser
import Formats
import Foundation
import Lab

/// Electrostatics of the user's own molecules by boundary elements.
public struct BoundaryElementCommand: ParsableCommand {
  public static let configuration = CommandConfiguration(
    commandName: "bem-fmm", abstract: "Solvation and binding energies of molecules in salt water by boundary elements.",
    discussion: """
      Molecules come as PQR files; surfaces are made here, or read from meshes:

        ./pinion bem-fmm solve lysozyme.pqr --salt 0.15 --out potential.vtk --report lysozyme.html
        ./pinion bem-fmm solve lysozyme.pqr --mesh Lys1.vert
        ./pinion bem-fmm converge lysozyme.pqr --densities 1,2,4
        ./pinion bem-fmm bind complex.pqr protein.pqr ligand.pqr
        ./pinion bem-fmm sphere --levels 2,3,4
        ./pinion bem-fmm mesh make lysozyme.pqr --out lysozyme.ply

      Energies are in kcal/mol, potentials in kcal/mol/e, lengths in Å, charges in elementary charges.
      """,
    subcommands: [Solve.self, Converge.self, Bind.self, Sphere.self, Mesh.self])

  public init() {}
}

extension BoundaryFormulation: ExpressibleByArgument {}
extension OperatorKind: ExpressibleByArgument {}

/// The dielectric and the salt, and how the equations are solved.
struct SolverArguments: ParsableArguments {
  @Option(help: .init("Salt (1:1) in the solvent; gives κ = 0.125 /Å · √(salt / 0.15).", valueName: "mol/l"))
  var salt = 0.15
  @Option(help: .init("Inverse Debye length instead of --salt.", valueName: "1/Å"))
  var kappa: Double?
  @Option(name: .customLong("solute-dielectric"), help: "Dielectric constant in the molecule.")
  var soluteDielectric = 4.0
  @Option(name: .customLong("solvent-dielectric"), help: "Dielectric constant of the solvent.")
  var solventDielectric = 80.0
  @Option(help: "Integral equations: \(BoundaryFormulation.allCases.map(\.rawValue).joined(separator: ", ")).")
  var formulation = BoundaryFormulation.derivativeExterior
  @Option(help: "Products with the matrix: \(OperatorKind.allCases.map(\.rawValue).joined(separator: ", ")).")
  var operators = OperatorKind.automatic
  @Option(name: .customLong("expansion-order"), help: "Order of the multipole method: about as many digits, 3 to 12.")
  var expansionOrder = BoundarySolverOptions().expansionOrder
  @Option(name: .customLong("quadrature-order"), help: "Degree of the rule on triangles that don't touch, 1 to 6.")
  var quadratureOrder = BoundarySolverOptions().quadratureOrder
  @Option(
    name: .customLong("singular-order"), help: "Gauss points on each of four axes for touching triangles, 1 to 12.")
  var singularOrder = BoundarySolverOptions().singularOrder
  @Option(help: "Relative residual at which GMRES ends.")
  var tolerance = BoundarySolverOptions().tolerance

  func inverseDebyeLength() throws -> Double { try kappa ?? SaltSolution.inverseDebyeLength(salt) }

  var options: BoundarySolverOptions {
    var options = BoundarySolverOptions()
    (options.formulation, options.operators, options.expansionOrder) = (formulation, operators, expansionOrder)
    (options.quadratureOrder, options.singularOrder) = (quadratureOrder, singularOrder)
    options.tolerance = tolerance
    return options
  }

  /// A problem whose geometry was checked.
  ///
  /// - Throws: `UsageError` where the mesh isn't fit for the charges.
  func problem(_ mesh: SurfaceMesh, _ charges: [PointCharge], surface: String, molecule: String) throws
    -> PoissonBoltzmannProblem
  {
    let problem = PoissonBoltzmannProblem(
      mesh: mesh, charges: charges, soluteDielectric: soluteDielectric, solventDielectric: solventDielectric,
      inverseDebyeLength: try inverseDebyeLength())
    try problem.checkGeometry(surface: surface, molecule: molecule)
    return problem
  }

  /// Solves, with GMRES's residuals as progress.
  ///
  /// - Throws: `UsageError` where GMRES doesn't reach the tolerance, besides what solving throws.
  func solve(_ problem: PoissonBoltzmannProblem, _ what: String) throws -> PoissonBoltzmannSolution {
    let display = ProgressDisplay.standardError()
    let bar = display.start(what, total: 1, unit: "iteration")
    defer { bar.finish() }
    let solution = try problem.solve(options) { iteration, residual in
      if iteration > 0 { bar.advance(0, values: ["iteration": Double(iteration), "residual": residual]) }
    }
    bar.advance()
    guard solution.isConverged else {
      throw UsageError(
        "\(what): GMRES has a residual of \(Format.short(solution.residuals.last ?? 1)) after \(solution.iterations) "
          + "iterations, not \(tolerance); `pinion bem-fmm mesh repair` mends thin triangles")
    }
    return solution
  }
}

/// A molecule's surface: the user's mesh, or one made here.
func molecularMesh(_ atoms: [PointCharge], molecule: String, mesh: String?, _ surface: MolecularSurface) throws
  -> (mesh: SurfaceMesh, name: String)
{
  if let mesh { return (try SurfaceMesh(path: mesh), mesh) }
  return (try named(molecule) { try surface.mesh(atoms) }, "the surface of \(molecule)")
}

extension PoissonBoltzmannSolution {
  /// What was found, as lines.
  func lines(_ problem: PoissonBoltzmannProblem) -> [String] {
    let kappa = problem.inverseDebyeLength
    var lines = [
      "atoms        \(problem.charges.count), charge \(Self.signed(problem.charges.reduce(0) { $0 + $1.charge })) e"
    ]
    lines.append("triangles    \(problem.mesh.triangles.count), \(Format.short(problem.mesh.area)) Å²")
    lines.append(
      "kappa        \(Format.short(kappa)) /Å" + (kappa > 0 ? ", Debye length \(Format.short(1 / kappa)) Å" : ""))
    lines.append("iterations   \(iterations), residual \(Format.short(residuals.last ?? 0)) (preconditioned)")
    lines.append(
      "time         \(Format.duration(seconds.total)): matrix \(Format.duration(seconds.assembly)), GMRES "
        + "\(Format.duration(seconds.solve)), energy \(Format.duration(seconds.energy)); \(isDense ? "dense" : "fast multipole")"
    )
    if memoryPeak > 0 { lines.append("memory       \(Format.bytes(memoryPeak)) at its peak") }
    if let low = potentials.min(), let high = potentials.max() {
      lines.append("potential    \(Self.signed(low)) to \(Self.signed(high)) kcal/mol/e on the surface")
    }
    lines.append("solvation    \(String(format: "%.3f", energy)) kcal/mol")
    return lines
  }

  static func signed(_ value: Double) -> String { (value > 0 ? "+" : "") + Format.short(value) }

  /// Numbers at the vertices for a mesh's file.
  var fields: [ScalarField] {
    [ScalarField("potential", potentials), ScalarField("normal_derivative", normalDerivatives)]
  }
}

extension BoundaryElementCommand {
  struct Solve: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Polar solvation energy of a molecule, and the potential on its surface.")

    @Argument(help: .init("Molecule (.pqr).", valueName: "file.pqr"))
    var molecule: String
    @Option(help: .init("Its surface (.vert, .off, .ply, .vtk, .obj, .stl); made here without.", valueName: "mesh"))
    var mesh: String?
    @OptionGroup var surface: SurfaceArguments
    @OptionGroup var solver: SolverArguments
    @Option(help: .init("File for the mesh with the potential (.vtk, .ply).", valueName: "file"))
    var out: String?
    @Option(help: .init("Picture of the potential.", valueName: "file.png"))
    var picture: String?
    @Option(help: .init("Page with the potential on the surface, to be turned.", valueName: "file.html"))
    var report: String?

    func validate() throws {
      if let out, ![.vtk, .ply].contains(MeshFile.Format(path: out)) {
        throw ValidationError("--out \(out): expected a name that ends in .vtk or .ply, which keep the potential")
      }
    }

    func run() throws {
      let atoms = try PQRFile.read(molecule)
      let (mesh, name) = try molecularMesh(atoms, molecule: molecule, mesh: mesh, surface.surface())
      let problem = try solver.problem(mesh, atoms, surface: name, molecule: molecule)
      let solution = try solver.solve(problem, molecule)
      let lines = solution.lines(problem)
      let title = (molecule as NSString).lastPathComponent
      for line in lines { print(line) }
      if let out {
        try MeshFile(mesh, fields: solution.fields).write(to: out)
        print("wrote \(out)")
      }
      if let picture {
        let image = try SurfaceRenderer(
          vertices: mesh.vertices, triangles: mesh.triangles, values: solution.potentials
        ).picture(width: 900, height: 760, bar: "potential, kcal/mol/e")
        try File.write(image.encoded(), to: picture)
        print("wrote \(picture)")
      }
      if let report {
        try File.write(
          try ReportBlock.page(
            [
              try BoundaryFigures.surface(mesh, solution.potentials, of: title),
              .table(BoundaryFigures.facts(lines)),
              BoundaryFigures.residuals([(solver.formulation, solution.residuals)]),
            ], title: "Potential of \(title)", kicker: "bem-fmm",
            lead: "Polar solvation energy \(String(format: "%.2f", solution.energy)) kcal/mol."), to: report)
        print("wrote \(report)")
      }
    }
  }
}
