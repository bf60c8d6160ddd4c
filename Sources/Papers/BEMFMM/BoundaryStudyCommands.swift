import ArgumentParser
import Formats
import Foundation
import Lab

/// Numbers with commas between.
struct NumberList<Number: LosslessStringConvertible & Sendable>: ExpressibleByArgument, Sendable {
  let values: [Number]

  init(_ values: [Number]) { self.values = values }

  init?(argument: String) {
    let values = argument.split(separator: ",", omittingEmptySubsequences: false).map { Number(String($0)) }
    let known = values.compactMap { $0 }
    guard !known.isEmpty, known.count == values.count else { return nil }
    self.values = known
  }

  var defaultValueDescription: String { values.map(\.description).joined(separator: ",") }
}

extension Richardson {
  /// What was found, as lines; `unit` follows numbers.
  func lines(unit: String) -> [String] {
    let order = observedOrder.map { String(format: "%.2f in 1/N", $0) } ?? "not to be seen"
    var lines = ["order        \(order)"]
    if observedOrder != self.order {
      lines.append("note         extrapolated with order \(Format.short(self.order))")
    }
    lines.append("limit        \(String(format: "%.3f ± %.3f", limit, limitError)) \(unit)")
    lines.append(
      "finest mesh  off by \(String(format: "%.3f", finestError)) \(unit), "
        + "\(String(format: "%.2f", 100 * finestError / max(abs(limit), 1e-300))) %")
    return lines
  }
}

extension BoundaryElementCommand {
  struct Converge: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Energy on finer and finer meshes, its limit, and how far it's off.",
      discussion: """
        Surfaces are made at each density; or a mesh of yours is divided in four again and again, its new vertices put onto \
        the molecule's solvent-excluded surface.
        """)

    @Argument(help: .init("Molecule (.pqr).", valueName: "file.pqr"))
    var molecule: String
    @Option(help: "Densities in triangles/Å², rising.")
    var densities = NumberList([1.0, 2, 4])
    @Option(help: .init("Surface to be refined instead.", valueName: "mesh"))
    var mesh: String?
    @Option(help: "How often it's refined.")
    var refinements = 1
    @OptionGroup var surface: SurfaceArguments
    @OptionGroup var solver: SolverArguments
    @Option(help: .init("Page with the convergence and the potential.", valueName: "file.html"))
    var report: String?

    func validate() throws {
      let list = densities.values
      if list.count < 2 || zip(list, list.dropFirst()).contains(where: { $0 >= $1 }) || list[0] <= 0 {
        throw ValidationError("--densities: expected two or more numbers that rise, such as 1,2,4")
      }
      if !(1...4).contains(refinements) { throw ValidationError("--refinements \(refinements): expected 1 to 4") }
    }

    func run() throws {
      let atoms = try PQRFile.read(molecule)
      var values: [(count: Int, value: Double)] = []
      var last: (mesh: SurfaceMesh, potentials: [Double])?
      print("triangles      energy, kcal/mol   iterations   time")
      for (mesh, name) in try meshes(atoms) {
        let problem = try solver.problem(mesh, atoms, surface: name, molecule: molecule)
        let solution = try solver.solve(problem, "\(mesh.triangles.count) triangles")
        print(
          String(
            format: "%9d   %18.4f   %10d   %@", mesh.triangles.count, solution.energy, solution.iterations,
            Format.duration(solution.seconds.total)))
        values.append((mesh.triangles.count, solution.energy))
        last = (mesh, solution.potentials)
      }
      let found = try Richardson(values)
      for line in found.lines(unit: "kcal/mol") { print(line) }
      if let report, let last {
        let title = (molecule as NSString).lastPathComponent
        let blocks: [ReportBlock] = [
          BoundaryFigures.convergence([(title, values, found.limit)]),
          .table(BoundaryFigures.facts(found.lines(unit: "kcal/mol"))),
          try BoundaryFigures.surface(last.mesh, last.potentials, of: title),
        ]
        try File.write(
          try ReportBlock.page(
            blocks, title: "Convergence of \(title)", kicker: "bem-fmm",
            lead: String(format: "%.2f ± %.2f kcal/mol.", found.limit, found.limitError)), to: report)
        print("wrote \(report)")
      }
    }

    private func meshes(_ atoms: [PointCharge]) throws -> [(SurfaceMesh, String)] {
      var surface = try surface.surface()
      guard let mesh else {
        return try densities.values.map { density in
          surface.density = density
          return (try named(molecule) { try surface.mesh(atoms) }, "the surface of \(molecule)")
        }
      }
      var current = try SurfaceMesh(path: mesh)
      try MeshCheck(current).requireUsable(mesh)
      let field = try named(molecule) {
        try SolventExcludedField(atoms, probe: surface.probe, workers: surface.workers)
      }
      var meshes = [(current, mesh)]
      for _ in 0..<refinements {
        // Thin triangles have parts that are too small.
        current = try MeshRepair().repair(current.refined(onto: field)).mesh
        meshes.append((current, "\(mesh), refined"))
      }
      return meshes
    }
  }

  struct Bind: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Electrostatic part of the binding energy of two molecules.",
      discussion: """
        The change of the solvation energies, complex less both parts, and of Coulomb's energy within the solute's dielectric. \
        Both parts have the places they have in the complex. Meshes of two densities give an extrapolated value and an error.
        """)

    @Argument(help: .init("The complex (.pqr).", valueName: "complex.pqr"))
    var complex: String
    @Argument(help: .init("One part (.pqr).", valueName: "part.pqr"))
    var first: String
    @Argument(help: .init("The other part (.pqr).", valueName: "part.pqr"))
    var second: String
    @OptionGroup var surface: SurfaceArguments
    @OptionGroup var solver: SolverArguments
    @Flag(help: "One density only: half the time, no error estimate.")
    var single = false

    func run() throws {
      let files = [complex, first, second]
      let molecules = try files.map { try PQRFile.read($0) }
      let totals = molecules.map { $0.reduce(0) { $0 + $1.charge } }
      if abs(totals[0] - totals[1] - totals[2]) > 0.05 {
        throw UsageError(
          "\(complex): has a charge of \(Format.short(totals[0])) e, its parts \(Format.short(totals[1])) and "
            + "\(Format.short(totals[2])); they aren't this complex's")
      }
      var maker = try surface.surface()
      let finest = maker.density
      var changes: [(count: Int, value: Double)] = []
      for density in single ? [finest] : [finest / 2, finest] {
        maker.density = density
        var (energies, count) = ([Double](), 0)
        for (file, atoms) in zip(files, molecules) {
          let mesh = try named(file) { try maker.mesh(atoms) }
          let problem = try solver.problem(mesh, atoms, surface: "the surface of \(file)", molecule: file)
          let solution = try solver.solve(problem, file)
          print(
            "\(file): \(mesh.triangles.count) triangles, solvation \(String(format: "%.3f", solution.energy)) kcal/mol, "
              + "\(solution.iterations) iterations, \(Format.duration(solution.seconds.total))")
          energies.append(solution.energy)
          if count == 0 { count = mesh.triangles.count }
        }
        changes.append((count, energies[0] - energies[1] - energies[2]))
      }
      let coulomb = molecules.map { Coulomb.energy($0, dielectric: solver.soluteDielectric) }
      let contact = coulomb[0] - coulomb[1] - coulomb[2]
      let (solvation, error) = try estimate(changes)
      print("solvation change   \(String(format: "%.3f", solvation))\(error) kcal/mol")
      print("Coulomb's energy   \(String(format: "%.3f", contact)) kcal/mol")
      print("binding            \(String(format: "%.3f", solvation + contact))\(error) kcal/mol")
    }

    private func estimate(_ changes: [(count: Int, value: Double)]) throws -> (Double, String) {
      guard changes.count > 1 else { return (changes[0].value, "") }
      let found = try Richardson(changes)
      return (found.limit, String(format: " ± %.3f", found.limitError))
    }
  }

  struct Sphere: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "A charge in a sphere, against Kirkwood's closed form.")

    @Option(help: "Radius in Å.")
    var radius = 4.0
    @Option(help: "Place of the charge of 1 e, in Å from the middle.")
    var charge = NumberList([1.0, 1, 1])
    @Option(help: "Levels of the icosphere: 20 · 4^level triangles.")
    var levels = NumberList([2, 3, 4])
    @OptionGroup var solver: SolverArguments

    func validate() throws {
      if charge.values.count != 3 { throw ValidationError("--charge: expected x,y,z") }
      if levels.values.contains(where: { !(0...9).contains($0) }) {
        throw ValidationError("--levels: expected numbers from 0 to 9")
      }
    }

    func run() throws {
      let c = charge.values
      let charges = [PointCharge(position: SIMD3(c[0], c[1], c[2]), charge: 1)]
      let exact = try KirkwoodSphere(
        radius: radius, soluteDielectric: solver.soluteDielectric, solventDielectric: solver.solventDielectric,
        inverseDebyeLength: solver.inverseDebyeLength()
      ).energy(charges)
      print("Kirkwood       \(String(format: "%.6f", exact)) kcal/mol")
      print("triangles      energy, kcal/mol   error, %   iterations   time")
      var errors: [(count: Int, error: Double)] = []
      for level in Array(Set(levels.values)).sorted() {
        let mesh = try SurfaceMesh.icosphere(radius: radius, level: level)
        let problem = try solver.problem(mesh, charges, surface: "the sphere", molecule: "the charge")
        let solution = try solver.solve(problem, "level \(level)")
        let error = abs(solution.energy / exact - 1)
        print(
          String(
            format: "%9d   %18.6f   %8.4f   %10d   %@", mesh.triangles.count, solution.energy, 100 * error,
            solution.iterations, Format.duration(solution.seconds.total)))
        errors.append((mesh.triangles.count, error))
      }
      if let order = Richardson.slope(errors.suffix(3)) {
        print("order          \(String(format: "%.3f", order)) in 1/N")
      }
    }
  }
}
