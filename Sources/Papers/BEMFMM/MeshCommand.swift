import ArgumentParser
import Foundation
import Lab

extension MeshRepair.Cavities: ExpressibleByArgument {}

/// How a molecule's surface is made.
struct SurfaceArguments: ParsableArguments {
  @Option(help: .init("Triangles for each Å² of a surface that is made here.", valueName: "number"))
  var density = 2.0
  @Option(help: .init("Radius in Å of the probe that rolls over the atoms.", valueName: "Å"))
  var probe = 1.4
  @Option(help: .init("Distance of the first grid's points in Å (default: by the density).", valueName: "Å"))
  var spacing: Double?
  @Option(help: "Rounds in which triangles are made alike.")
  var rounds = 5
  @Flag(
    inversion: .prefixedNo,
    help: "Put triangles onto the surface in the mean, rather than their vertices.")
  var fit = true
  @Option(help: "Cavities within the molecule: keep them, filled with solvent, or remove them.")
  var cavities = MeshRepair.Cavities.remove

  /// - Throws: `UsageError` where they make no sense.
  func surface() throws -> MolecularSurface {
    var surface = MolecularSurface()
    (surface.density, surface.probe, surface.spacing) = (density, probe, spacing)
    (surface.rounds, surface.cavities, surface.isFitted) = (rounds, cavities, fit)
    try surface.validate()
    return surface
  }
}

extension BoundaryElementCommand {
  struct Mesh: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Make, check, mend, refine and convert surface meshes.",
      discussion: """
        Files are .vert/.face of MSMS and NanoShaper (either name, or the name before it), .off, .ply, .vtk, .obj and .stl:

          ./pinion bem-fmm mesh make lysozyme.pqr --density 4 --out lysozyme.ply
          ./pinion bem-fmm mesh check Lys1.vert
          ./pinion bem-fmm mesh repair scan.stl --out mended.ply
        """,
      subcommands: [Make.self, Sphere.self, Check.self, Repair.self, Refine.self, Convert.self])
  }
}

extension BoundaryElementCommand.Mesh {
  struct Make: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Make the solvent-excluded surface of a molecule.")

    @Argument(help: .init("Molecule (.pqr).", valueName: "file.pqr"))
    var molecule: String
    @OptionGroup var arguments: SurfaceArguments
    @Option(help: .init("File for the mesh.", valueName: "mesh"))
    var out: String

    func run() throws {
      let surface = try arguments.surface()
      let atoms = try PQRFile.read(molecule)
      let start = Date()
      let mesh = try named(molecule) { try surface.mesh(atoms) }
      let seconds = Date().timeIntervalSince(start)
      try mesh.write(to: out)
      MeshReport(mesh).write()
      print("made in    \(Format.duration(seconds))")
      print("wrote \(out)")
    }
  }

  struct Sphere: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Make a sphere of 20 · 4^level triangles.")

    @Option(help: "Radius in Å.")
    var radius = 4.0
    @Option(help: "0 for an icosahedron, up to 9.")
    var level = 3
    @Option(help: .init("File for the mesh.", valueName: "mesh"))
    var out: String

    func run() throws {
      let mesh = try SurfaceMesh.icosphere(radius: radius, level: level)
      try mesh.write(to: out)
      MeshReport(mesh).write()
      print("wrote \(out)")
    }
  }

  struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Say what a mesh is like, and what is wrong with it.",
      discussion: "Exit code 1 where it can't be computed on.")

    @Argument(help: .init("Mesh.", valueName: "mesh"))
    var file: String

    func run() throws {
      let report = MeshReport(try SurfaceMesh(path: file))
      report.write()
      if !report.check.isUsable { throw ExitCode(1) }
    }
  }

  struct Repair: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Mend a mesh: equal vertices, degenerate triangles, holes, orientation.")

    @Argument(help: .init("Mesh.", valueName: "mesh"))
    var file: String
    @Option(help: .init("File for the mended mesh.", valueName: "mesh"))
    var out: String
    @Option(help: "Cavities within the surface: keep or remove.")
    var cavities = MeshRepair.Cavities.keep
    @Option(name: .customLong("largest-hole"), help: "Most edges of a hole that is closed.")
    var largestHole = 64

    func validate() throws {
      if largestHole < 0 { throw ValidationError("--largest-hole \(largestHole): expected 0 or more") }
    }

    func run() throws {
      var repair = MeshRepair()
      (repair.cavities, repair.largestHole) = (cavities, largestHole)
      let (mesh, actions) = try named(file) { try repair.repair(SurfaceMesh(path: file)) }
      for action in actions { print(action) }
      if actions.isEmpty { print("nothing to mend") }
      try mesh.write(to: out)
      let report = MeshReport(mesh)
      report.write()
      print("wrote \(out)")
      if !report.check.isUsable { throw ExitCode(1) }
    }
  }

  struct Refine: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Divide each triangle in four.",
      discussion:
        "With a molecule, new vertices are put onto its solvent-excluded surface; without, they stay in the middle.")

    @Argument(help: .init("Mesh.", valueName: "mesh"))
    var file: String
    @Option(help: .init("File for the refined mesh.", valueName: "mesh"))
    var out: String
    @Option(help: "How often.")
    var times = 1
    @Option(help: .init("Molecule whose surface the mesh is (.pqr).", valueName: "file.pqr"))
    var molecule: String?
    @Option(help: .init("Radius in Å of the probe that rolls over the atoms.", valueName: "Å"))
    var probe = 1.4

    func validate() throws {
      if !(1...8).contains(times) { throw ValidationError("--times \(times): expected 1 to 8") }
    }

    func run() throws {
      var mesh = try SurfaceMesh(path: file)
      try MeshCheck(mesh).requireUsable(file)
      let field = try molecule.map { path in
        try named(path) {
          try SolventExcludedField(
            PQRFile.read(path), probe: probe, workers: Threads.available)
        }
      }
      for _ in 0..<times { mesh = try field.map { try mesh.refined(onto: $0) } ?? mesh.refined() }
      try mesh.write(to: out)
      MeshReport(mesh).write()
      print("wrote \(out)")
    }
  }

  struct Convert: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Write a mesh in another format.")

    @Argument(help: .init("Mesh.", valueName: "mesh"))
    var file: String
    @Argument(help: .init("File for it; its end says the format.", valueName: "mesh"))
    var out: String

    func run() throws {
      try MeshFile(path: file).write(to: out)
      print("wrote \(out)")
    }
  }
}

/// Puts a file's name before an error that doesn't know it.
func named<Result>(_ file: String, _ body: () throws -> Result) throws -> Result {
  do { return try body() } catch let error as UsageError { throw UsageError("\(file): \(error.description)") }
}

/// What a mesh is like, as lines.
struct MeshReport {
  let mesh: SurfaceMesh
  let check: MeshCheck

  init(_ mesh: SurfaceMesh) { (self.mesh, check) = (mesh, MeshCheck(mesh)) }

  var lines: [String] {
    var lines = ["triangles  \(mesh.triangles.count)", "vertices   \(mesh.vertices.count)"]
    if !check.components.isEmpty {
      let angles = mesh.smallestAngles.sorted()
      let area = mesh.area
      lines.append(
        "area       \(Format.short(area)) Å², \(Format.short(Double(mesh.triangles.count) / area)) triangles/Å²")
      lines.append("volume     \(Format.short(mesh.volume)) Å³")
      lines.append("components \(check.components.count), Euler characteristic \(check.eulerCharacteristic)")
      lines.append(
        "smallest angle \(Format.short(angles[0]))°, of 1 in 100 below \(Format.short(angles[angles.count / 100]))°, median "
          + "\(Format.short(angles[angles.count / 2]))°")
    }
    for finding in check.findings { lines.append("\(finding.isError ? "error" : "note ")      \(finding.description)") }
    if check.isUsable { lines.append("closed, manifold, outward normals") }
    return lines
  }

  func write() { for line in lines { print(line) } }
}
