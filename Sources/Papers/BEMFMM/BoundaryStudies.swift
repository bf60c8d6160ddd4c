import Foundation
import Lab
import Pinion

/// What a solver's progress is told to.
typealias SolverProgress = (Int, Double) throws -> Void

/// A molecule of APBS's examples.
public enum ExampleMolecule: String, Codable, CaseIterable, Sendable {
  case lysozyme
  /// 1AJJ, a domain of the LDL receptor.
  case ldlReceptor = "1ajj"
  /// 1A63, a domain of Rho.
  case rho = "1a63"

  var file: String {
    switch self {
    case .lysozyme: "pygbe/lys/lys1_charges.pqr"
    case .ldlReceptor: "bem/test_proteins/1ajj.pqr"
    case .rho: "bem/test_proteins/1a63.pqr"
    }
  }

  var title: String { self == .lysozyme ? "lysozyme" : rawValue.uppercased() }

  /// The paper's extrapolated energies in kcal/mol: its own and APBS's.
  var paper: (bempp: Double, apbs: Double)? {
    switch self {
    case .lysozyme: nil
    case .ldlReceptor: (-268.67, -266.15)
    case .rho: (-567.24, -559.39)
    }
  }
}

/// The paper's sphere on one mesh: radius 4 Å, dielectrics 4 and 80, κ 0.125 /Å, a charge at (1, 1, 1).
struct SphereCell: Codable, Sendable {
  static let charges = [PointCharge(position: [1, 1, 1], charge: 1)]

  var level: Int
  var formulation: BoundaryFormulation
  var triangles: Int
  var energy: Double
  /// Relative, from Kirkwood's value.
  var error: Double
  var iterations: Int
  var residuals: [Double]
  var seconds: StageSeconds
  var isConverged: Bool
  /// At the vertices; kept of small meshes of linear elements, for a picture.
  var potentials: [Double]?

  init(
    level: Int, _ formulation: BoundaryFormulation, _ options: BoundaryElementOptions,
    progress: @escaping SolverProgress
  ) throws {
    let mesh = try SurfaceMesh.icosphere(radius: 4, level: level)
    let solution = try PoissonBoltzmannProblem(mesh: mesh, charges: Self.charges)
      .solve(options.solver(formulation), progress: progress)
    (self.level, self.formulation, triangles) = (level, formulation, mesh.triangles.count)
    (energy, iterations, residuals) = (solution.energy, solution.iterations, solution.residuals)
    (seconds, isConverged) = (solution.seconds, solution.isConverged)
    potentials = level <= 3 && formulation == .derivativeExterior ? solution.potentials : nil
    error = abs(energy / (try KirkwoodSphere(radius: 4).energy(Self.charges)) - 1)
  }
}

/// A molecule on one mesh.
struct MoleculeCell: Codable, Sendable {
  var formulation: BoundaryFormulation
  var atoms: Int
  /// Triangles/Å² that were aimed at; nil for a ready mesh.
  var density: Double?
  /// Whether triangles rather than vertices are on the surface.
  var isFitted = false
  var triangles: Int
  var area: Double
  var energy: Double
  var iterations: Int
  var residuals: [Double]
  var seconds: StageSeconds
  /// Making the mesh.
  var meshSeconds: Double
  var memoryPeak: Int
  var isConverged: Bool
  /// At the vertices; kept of middling meshes, for a picture.
  var potentials: [Double]?

  private init(
    _ atoms: [PointCharge], _ mesh: SurfaceMesh, density: Double?, meshSeconds: Double, name: String,
    _ solver: BoundarySolverOptions, progress: @escaping SolverProgress
  ) throws {
    let problem = PoissonBoltzmannProblem(mesh: mesh, charges: atoms)
    try problem.checkGeometry(surface: "the surface of \(name)", molecule: name)
    PeakMemory.reset()
    let solution = try problem.solve(solver, progress: progress)
    (formulation, self.atoms, self.density) = (solver.formulation, atoms.count, density)
    (triangles, area, energy) = (mesh.triangles.count, mesh.area, solution.energy)
    (iterations, residuals, seconds) = (solution.iterations, solution.residuals, solution.seconds)
    (self.meshSeconds, memoryPeak, isConverged) = (meshSeconds, solution.memoryPeak, solution.isConverged)
    potentials = density != nil && mesh.vertices.count < 6_000 ? solution.potentials : nil
  }

  /// Lysozyme on the ready mesh, without its degenerate and thin triangles.
  ///
  /// - Parameter isRefined: whether each triangle is divided in four and its new corners put onto the molecule's surface.
  static func lysozyme(
    _ formulation: BoundaryFormulation, isRefined: Bool, _ options: BoundaryElementOptions,
    progress: @escaping SolverProgress
  ) throws -> MoleculeCell {
    let (atoms, whole) = try APBSExamples.lysozyme()
    var repair = MeshRepair()
    repair.smallestAngle = 10
    var mesh = try repair.repair(whole).mesh
    if isRefined {
      let field = try SolventExcludedField(atoms, probe: MolecularSurface().probe, workers: Threads.available)
      mesh = try MeshRepair().repair(mesh.refined(onto: field)).mesh
    }
    return try MoleculeCell(
      atoms, mesh, density: nil, meshSeconds: 0, name: "lysozyme", options.solver(formulation), progress: progress)
  }

  /// A molecule on a mesh that is made here.
  init(
    _ molecule: ExampleMolecule, density: Double, isFitted: Bool, _ formulation: BoundaryFormulation,
    _ options: BoundaryElementOptions, progress: @escaping SolverProgress
  ) throws {
    let atoms = try APBSExamples.molecule(molecule.file)
    let start = Date()
    let mesh = try Self.mesh(atoms, density, isFitted: isFitted)
    try self.init(
      atoms, mesh, density: density, meshSeconds: Date().timeIntervalSince(start), name: molecule.title,
      options.solver(formulation), progress: progress)
    self.isFitted = isFitted
  }

  static func mesh(_ atoms: [PointCharge], _ density: Double, isFitted: Bool = true) throws -> SurfaceMesh {
    var surface = MolecularSurface()
    (surface.density, surface.isFitted) = (density, isFitted)
    return try surface.mesh(atoms)
  }
}

/// A molecule on finer and finer meshes.
struct MoleculeStudy: Sendable {
  var molecule: ExampleMolecule
  /// Vertices on the surface, as with other programs.
  var cells: [MoleculeCell]
  /// Triangles on it in the mean.
  var fitted: [MoleculeCell]
  /// Vertices on it, in the direct form; empty where that wasn't asked for.
  var direct: [MoleculeCell]

  var values: [(count: Int, value: Double)] { cells.map { ($0.triangles, $0.energy) } }
  /// nil where meshes don't become finer.
  var limit: Richardson? { try? Richardson(values) }
}

/// Dimethyl sulfoxide bound to FKBP: the change of the solvation energy and Coulomb's, as in APBS's example with
/// dielectrics 2 and 78 and 10 mM of salt.
struct BindingStudy: Codable, Sendable {
  /// Triangles of the complex, and the change of the solvation energy, by density.
  var counts: [Int] = []
  var changes: [Double] = []
  /// Change of Coulomb's energy within the solute.
  var coulomb: Double

  /// APBS 3.0 and UHBD on the same molecules, by the README of APBS's example, in kcal/mol; their surface is that of van
  /// der Waals spheres.
  static let apbs = 15.0081 / 4.184
  static let uhbd = 19.097 / 4.184
  static let coulombOfAPBS = -15.093 / 4.184

  init(_ options: BoundaryElementOptions, progress: @escaping SolverProgress) throws {
    let molecules = try ["FKBP/1d7h-dmso-complex.pqr", "FKBP/1d7h-min.pqr", "FKBP/dmso-min.pqr"].map {
      try APBSExamples.molecule($0)
    }
    let kappa = try SaltSolution.inverseDebyeLength(0.01)
    for density in options.densities.prefix(2) {
      var energies: [Double] = []
      for (i, atoms) in molecules.enumerated() {
        let mesh = try MoleculeCell.mesh(atoms, density)
        let problem = PoissonBoltzmannProblem(
          mesh: mesh, charges: atoms, soluteDielectric: 2, solventDielectric: 78, inverseDebyeLength: kappa)
        try problem.checkGeometry(surface: "its surface", molecule: "FKBP's example, molecule \(i + 1)")
        energies.append(try problem.solve(options.solver(.derivativeExterior), progress: progress).energy)
        if i == 0 { counts.append(mesh.triangles.count) }
      }
      changes.append(energies[0] - energies[1] - energies[2])
    }
    let energies = molecules.map { Coulomb.energy($0, dielectric: 2) }
    coulomb = energies[0] - energies[1] - energies[2]
  }

  var limit: Richardson? { try? Richardson(zip(counts, changes).map { (count: $0, value: $1) }) }
}

/// Random points and charges for the multipole method; seed 0.
struct MultipolePoints {
  var places: [SIMD3<Double>]
  var charges: [Double]

  /// Points on a sphere of radius 1, as boundary elements have them, or in a cube.
  init(_ count: Int, onSphere: Bool) throws {
    let keys = Key(0).split()
    let values = try keys[0].normal([count, 3], dtype: .float64).array(of: Double.self)
    let uniform = try keys[1].uniform([count, 4], dtype: .float64).array(of: Double.self)
    places = (0..<count).map { i in
      onSphere
        ? Vector.unit(SIMD3(values[3 * i], values[3 * i + 1], values[3 * i + 2]))
        : SIMD3(uniform[4 * i], uniform[4 * i + 1], uniform[4 * i + 2])
    }
    charges = (0..<count).map { 2 * uniform[4 * $0 + 3] - 1 }
  }
}

/// Error of multipole sums, L2 relative, at targets where all pairs are summed too.
struct MultipoleAccuracy: Codable, Sendable {
  struct Entry: Codable, Sendable {
    var kernel: String
    var points: String
    var potential: Double
    var gradient: Double
  }

  var order: Int
  var entries: [Entry] = []

  init(points count: Int, order: Int) throws {
    self.order = order
    for onSphere in [true, false] {
      let points = try MultipolePoints(count, onSphere: onSphere)
      for (name, kernel) in [("Laplace", GreensFunction.laplace), ("Yukawa", .yukawa(inverseLength: 2))] {
        let method = try FastMultipole(kernel, sources: points.places, order: order)
        let field = try method.field(charges: points.charges, needsGradient: true)
        let sampled = stride(from: 0, to: count, by: max(1, count / 1_000)).prefix(1_000).map { $0 }
        let exact = PointField.sum(
          kernel, sources: points.places, charges: points.charges, targets: sampled.map { points.places[$0] },
          needsGradient: true)
        var (off, size) = (SIMD2<Double>.zero, SIMD2<Double>.zero)
        for (row, i) in sampled.enumerated() {
          let d = field.gradients[i] - exact.gradients[row]
          off += SIMD2(pow(field.potentials[i] - exact.potentials[row], 2), (d * d).sum())
          size += SIMD2(
            exact.potentials[row] * exact.potentials[row], (exact.gradients[row] * exact.gradients[row]).sum())
        }
        entries.append(
          Entry(
            kernel: name, points: onSphere ? "sphere" : "cube", potential: (off.x / size.x).squareRoot(),
            gradient: (off.y / size.y).squareRoot()))
      }
    }
  }

  /// The largest error of a potential.
  var worst: Double { entries.map(\.potential).max() ?? .nan }
}

/// Time of multipole sums of potentials and gradients at points on a sphere, made ready and computed.
struct MultipoleTiming: Codable, Sendable {
  var size: Int
  var order: Int
  var laplaceSetup: Double
  var laplace: Double
  var yukawaSetup: Double
  var yukawa: Double
  /// Peak memory of tree, translations and both fields over what the process had before.
  var bytesPerPoint: Double

  init(size: Int, order: Int) throws {
    (self.size, self.order) = (size, order)
    let points = try MultipolePoints(size, onSphere: true)
    func time(_ kernel: GreensFunction) throws -> (Double, Double) {
      let start = Date()
      let method = try FastMultipole(kernel, sources: points.places, order: order)
      let ready = Date()
      // The best of a few, where they're short.
      var best = Double.infinity
      for _ in 0..<(size <= 100_000 ? 3 : 1) {
        let begin = Date()
        _ = try method.field(charges: points.charges, needsGradient: true)
        best = min(best, Date().timeIntervalSince(begin))
      }
      return (ready.timeIntervalSince(start), best)
    }
    let (seconds, bytes) = try PeakMemory.growth { (try time(.laplace), try time(.yukawa(inverseLength: 2))) }
    ((laplaceSetup, laplace), (yukawaSetup, yukawa)) = seconds
    bytesPerPoint = bytes / Double(size)
  }
}
