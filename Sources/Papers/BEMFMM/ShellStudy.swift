import Foundation
import Lab

/// Copies of a molecule on a sphere about the origin, by the rotations of the icosahedron: a made-up stand-in for a virus.
enum IcosahedralShell {
  /// The 60 rotations, as images of the three axes; the first does nothing.
  static let rotations: [[SIMD3<Double>]] = {
    let g = (1 + 5.0.squareRoot()) / 2
    // Five-fold about (0, 1, g), and half a turn about z, make the whole group.
    func turn(_ axis: SIMD3<Double>, _ angle: Double) -> [SIMD3<Double>] {
      let n = Vector.unit(axis)
      return [SIMD3(1, 0, 0), SIMD3(0, 1, 0), SIMD3(0, 0, 1)].map { v in
        cos(angle) * v + sin(angle) * Vector.cross(n, v) + (1 - cos(angle)) * Vector.dot(n, v) * n
      }
    }
    func apply(_ r: [SIMD3<Double>], _ v: SIMD3<Double>) -> SIMD3<Double> { v.x * r[0] + v.y * r[1] + v.z * r[2] }
    let generators = [turn([0, 1, g], 2 * .pi / 5), turn([0, 0, 1], .pi)]
    var found: [[SIMD3<Double>]] = [[SIMD3(1, 0, 0), SIMD3(0, 1, 0), SIMD3(0, 0, 1)]]
    var at = 0
    while at < found.count, found.count <= 60 {
      for generator in generators {
        let next = found[at].map { apply(generator, $0) }
        let isNew = !found.contains { other in zip(other, next).allSatisfy { Vector.length($0 - $1) < 1e-6 } }
        if isNew { found.append(next) }
      }
      at += 1
    }
    return found
  }()

  /// Some of the rotations: all 60, or 12 that carry a vertex of the icosahedron to each.
  static func rotations(_ copies: Int) -> [[SIMD3<Double>]] {
    guard copies == 12 else { return rotations }
    let vertex = Vector.unit(SIMD3(0, 1, (1 + 5.0.squareRoot()) / 2))
    var images: [SIMD3<Double>] = []
    return rotations.filter { r in
      let image = vertex.x * r[0] + vertex.y * r[1] + vertex.z * r[2]
      guard !images.contains(where: { Vector.length($0 - image) < 1e-6 }) else { return false }
      images.append(image)
      return true
    }
  }

  /// Where the copies' middles are before they're turned: off every axis of symmetry.
  static let direction = Vector.unit(SIMD3(0.35, 0.62, 1.3))

  static func image(_ point: SIMD3<Double>, _ rotation: [SIMD3<Double>]) -> SIMD3<Double> {
    point.x * rotation[0] + point.y * rotation[1] + point.z * rotation[2]
  }

  /// A radius at which copies of a molecule about as large as a ball don't touch.
  ///
  /// - Parameter reach: radius of that ball in Å.
  static func radius(_ copies: Int, reach: Double) -> Double {
    let middles = rotations(copies).map { image(direction, $0) }
    var nearest = Double.infinity
    for i in middles.indices { for j in 0..<i { nearest = min(nearest, Vector.length(middles[i] - middles[j])) } }
    return 2 * reach / nearest
  }
}

/// The made-up shell of barnase, solved once.
struct ShellStudy: Codable, Sendable {
  var copies: Int
  var atoms: Int
  var triangles: Int
  var radius: Double
  var energy: Double
  /// Solvation energy of one copy alone on the same triangles.
  var single: Double
  var iterations: Int
  var meshSeconds: Double
  var seconds: StageSeconds
  var memoryPeak: Int

  /// The paper's virus.
  static let zikaTriangles = 10_000_000.0

  init(_ options: BoundaryElementOptions, progress: @escaping SolverProgress) throws {
    var atoms = try APBSExamples.molecule("pbsam-barn_bars/barnase.pqr")
    let middle = atoms.reduce(SIMD3<Double>.zero) { $0 + $1.position } / Double(atoms.count)
    for i in atoms.indices { atoms[i].position -= middle }
    let start = Date()
    let mesh = try MoleculeCell.mesh(atoms, options.shellDensity)
    let reach = (atoms.map { Vector.length($0.position) + $0.radius }.max() ?? 0) + 1
    radius = IcosahedralShell.radius(options.shellCopies, reach: reach)
    let offset = radius * IcosahedralShell.direction
    var shell = SurfaceMesh(vertices: [], triangles: [])
    var charges: [PointCharge] = []
    for rotation in IcosahedralShell.rotations(options.shellCopies) {
      let copy = SurfaceMesh(
        vertices: mesh.vertices.map { IcosahedralShell.image($0 + offset, rotation) }, triangles: mesh.triangles)
      shell = shell + copy
      charges += atoms.map {
        PointCharge(
          position: IcosahedralShell.image($0.position + offset, rotation), charge: $0.charge, radius: $0.radius)
      }
    }
    meshSeconds = Date().timeIntervalSince(start)
    // The paper's settings for its virus.
    var solver = options.solver(.derivativeExterior)
    (solver.tolerance, solver.quadratureOrder, solver.expansionOrder) = (1e-4, 2, 4)
    single = try PoissonBoltzmannProblem(mesh: mesh, charges: atoms).solve(solver, progress: progress).energy
    PeakMemory.reset()
    let solution = try PoissonBoltzmannProblem(mesh: shell, charges: charges).solve(solver, progress: progress)
    (copies, self.atoms, triangles) = (options.shellCopies, charges.count, shell.triangles.count)
    (energy, iterations, seconds) = (solution.energy, solution.iterations, solution.seconds)
    memoryPeak = solution.memoryPeak
  }

  /// Hours and GB that the paper's number of triangles would take, both in proportion.
  var extrapolated: (hours: Double, gigabytes: Double) {
    let factor = Self.zikaTriangles / Double(triangles)
    return (seconds.total * factor / 3_600, Double(memoryPeak) * factor / 1e9)
  }
}
