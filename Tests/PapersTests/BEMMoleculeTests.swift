import Formats
import Foundation
import Testing

@testable import Lab
@testable import Papers

@Suite struct BEMMoleculeTests {
  private func atoms(_ text: String) throws -> [PointCharge] { try PQRFile.atoms(Array(text.utf8), "m.pqr") }

  // MARK: PQR

  @Test func pqrFilesOfManyWriters() throws {
    let text = """
      REMARK   1 PQR
      ATOM      1  N   LYS     1       3.294  10.164  10.266 -0.3200 1.5000
      ATOM   1700  N    ALA B   1       0.439   8.268  18.275   0.1414  1.8240\u{20}
      HETATM    3  O   HOH A 501      -1.000   2.000   3.000  -0.834   1.768
      TER
      ATOM      4  CA  ALA A1234    -110.123-200.456-300.789  0.5000 1.9080
      ATOM      5  CB  ALA A1234     110.123-200.456-300.789-0.5000 1.9080
      ATOM 6 X Y 1 1.5-2.25-3.5 -0.25 1.0
      END
      """
    let found = try atoms(text)
    #expect(found.count == 6)
    #expect(found[0] == PointCharge(position: [3.294, 10.164, 10.266], charge: -0.32, radius: 1.5))
    #expect(found[1] == PointCharge(position: [0.439, 8.268, 18.275], charge: 0.1414, radius: 1.824))
    #expect(found[2].charge == -0.834)
    #expect(found[3] == PointCharge(position: [-110.123, -200.456, -300.789], charge: 0.5, radius: 1.908))
    #expect(found[4] == PointCharge(position: [110.123, -200.456, -300.789], charge: -0.5, radius: 1.908))
    #expect(found[5] == PointCharge(position: [1.5, -2.25, -3.5], charge: -0.25, radius: 1))
    let file = FileManager.default.temporaryDirectory.appending(path: "p-\(UUID().uuidString).pqr")
    defer { try? FileManager.default.removeItem(at: file) }
    try PQRFile.write(found, to: file.path)
    #expect(try PQRFile.read(file.path) == found)
  }

  @Test func malformedLinesAreSaidWithTheirPlace() {
    func error(_ text: String) -> String { boundaryMessage { _ = try atoms(text) } }
    #expect(
      error("REMARK\nATOM 1 N LYS 1 3.2 x 10.2 -0.3 1.5\n")
        == "m.pqr:2: expected x, y, z, charge and radius as the last five fields, found "
        + "'ATOM 1 N LYS 1 3.2 x 10.2 -0.3 1.5'")
    #expect(error("ATOM 1 N LYS 1 3.2 1.0\n").hasPrefix("m.pqr:1: expected x, y, z"))
    #expect(error("ATOM 1 N LYS 1 1 2 3 0.5 -1\n") == "m.pqr:1: the radius is -1.0 Å, expected 0 to 100")
    #expect(error("ATOM 1 N LYS 1 1 2 nan 0.5 1\n").hasPrefix("m.pqr:1: a number isn't finite"))
    #expect(error("TITLE\nEND\n") == "m.pqr: has no line that begins with ATOM or HETATM")
    #expect(boundaryMessage { _ = try PQRFile.read("/no/a.pqr") } == "/no/a.pqr: there is no such file")
  }

  // MARK: Kirkwood's sphere

  @Test func kirkwoodHasTheKnownValues() throws {
    let sphere = KirkwoodSphere(radius: 4)
    func charge(_ x: Double, _ y: Double, _ z: Double, _ q: Double = 1) -> PointCharge {
      PointCharge(position: [x, y, z], charge: q)
    }
    // Computed by another program for the specification; the first is the paper's.
    #expect(abs(try sphere.energy([charge(1, 1, 1)]) + 12.258364) < 6e-7)
    #expect(abs(try sphere.energy([charge(1, 1, 1)], coulombConstant: 332.064) + 12.258375) < 6e-7)
    #expect(abs(try sphere.energy([charge(0, 0, 0)]) + 10.031091) < 6e-7)
    #expect(abs(try sphere.energy([charge(3, 0, 0)]) + 22.357977) < 6e-7)
    #expect(abs(try sphere.energy([charge(1, 0, 0), charge(-1, 0, 0, -1)]) + 2.428022) < 6e-7)
    let saltless = KirkwoodSphere(radius: 4, inverseDebyeLength: 0)
    #expect(abs(try saltless.energy([charge(0, 0, 0)]) + 9.858141) < 6e-7)
    // Born's formula for the ion of APBS's example.
    let ion = KirkwoodSphere(radius: 3, soluteDielectric: 1, solventDielectric: 78.54, inverseDebyeLength: 0)
    #expect(abs(try ion.energy([charge(0, 0, 0)]) - 332.0637 / 6 * (1 / 78.54 - 1)) < 1e-12)
    // No jump of the dielectric, no energy; lengths times s and kappa over s give 1/s.
    let nothing = KirkwoodSphere(radius: 4, soluteDielectric: 7, solventDielectric: 7, inverseDebyeLength: 0)
    #expect(abs(try nothing.energy([charge(1, 2, 0.5)])) < 1e-12)
    let larger = KirkwoodSphere(radius: 12, inverseDebyeLength: 0.125 / 3)
    #expect(abs(try larger.energy([charge(3, 3, 3)]) * 3 + 12.258364) < 2e-6)
    #expect(boundaryMessage { _ = try sphere.energy([charge(4, 0, 0)]) }.contains("4 Å from the middle of a sphere"))
  }

  // MARK: Solvent-excluded surfaces

  @Test func oneAtomGivesASphere() throws {
    var surface = MolecularSurface()
    (surface.density, surface.isFitted) = (3, false)
    let mesh = try surface.mesh([PointCharge(position: [5, -3, 2], charge: 1, radius: 2)])
    #expect(MeshCheck(mesh).findings.isEmpty)
    for vertex in mesh.vertices { #expect(abs(Vector.length(vertex - [5, -3, 2]) - 2) < 1e-9) }
    let (area, angles) = (16 * Double.pi, mesh.smallestAngles)
    #expect(abs(Double(mesh.triangles.count) / area - 3) < 0.5)
    #expect((angles.min() ?? 0) > 25)
  }

  /// Vertices on a sphere leave out a few percent of it; triangles on it in the mean hardly anything.
  @Test func fittedSurfaceHasTheVolume() throws {
    let atom = [PointCharge(position: [0, 0, 1], charge: 1, radius: 2)]
    var surface = MolecularSurface()
    surface.isFitted = false
    let plain = try surface.mesh(atom)
    surface.isFitted = true
    let fitted = try surface.mesh(atom)
    let volume = 32 * Double.pi / 3
    #expect(1 - plain.volume / volume > 0.03)
    #expect(abs(fitted.volume / volume - 1) < 0.004, "\(fitted.volume / volume)")
    #expect(fitted.triangles == plain.triangles && MeshCheck(fitted).findings.isEmpty)
  }

  /// Two atoms: parts of their spheres, and the torus that the probe leaves between, whose volume is known.
  @Test func twoAtomsGiveATorusBetween() throws {
    let (radius, probe, distance) = (1.5, 1.4, 3.2)
    let atoms = [0, distance].map { PointCharge(position: [$0, 0, 0], charge: 0, radius: radius) }
    let meshes = try [6.0, 24].map { density in
      var surface = MolecularSurface()
      (surface.density, surface.isFitted) = (density, false)
      return try surface.mesh(atoms)
    }
    for mesh in meshes { #expect(MeshCheck(mesh).findings.isEmpty) }
    let (large, half) = (radius + probe, distance / 2)
    let ring = (large * large - half * half).squareRoot()
    let touch = half * radius / large
    // Disks of the torus: ring - sqrt(p² - x²) for |x| <= half - touch·…, then caps of the spheres.
    let edge = half * probe / large
    let steps = 20_000
    var volume = 0.0
    for i in 0..<steps {
      let x = edge * (Double(i) + 0.5) / Double(steps)
      let height = ring - (probe * probe - x * x).squareRoot()
      volume += 2 * .pi * height * height * edge / Double(steps)
    }
    let cap = { (h: Double) in Double.pi * h * h * (3 * radius - h) / 3 }
    volume += 2 * cap(radius + touch)
    // Triangles are inscribed: their deficit goes as 1/N.
    let counts = meshes.map { Double($0.triangles.count) }
    let limit = (counts[1] * meshes[1].volume - counts[0] * meshes[0].volume) / (counts[1] - counts[0])
    #expect(abs(limit - volume) < 0.003 * volume, "\(limit), expected \(volume)")
    #expect(meshes[0].volume < meshes[1].volume && meshes[1].volume < volume)
    // Every vertex lies where the nearest probe's middle is as far as its radius.
    let field = try SolventExcludedField(atoms, probe: probe, workers: 1)
    for vertex in meshes[0].vertices { #expect(abs(field.value(vertex)) < 1e-6) }
  }

  /// The exact distances against the nearest of many places where the probe's middle may be.
  @Test func distancesAreThoseOfASearch() throws {
    let atoms: [PointCharge] = [
      .init(position: [0, 0, 0], charge: 0, radius: 1.5), .init(position: [2, 0.3, 0], charge: 0, radius: 1.2),
      .init(position: [0.8, 2, 0.4], charge: 0, radius: 1.7), .init(position: [0.5, 0.6, 1.9], charge: 0, radius: 1),
    ]
    let probe = 1.4
    let field = try SolventExcludedField(atoms, probe: probe, workers: 2)
    // Free points on the spheres about the atoms, closely spaced.
    var free: [SIMD3<Double>] = []
    for atom in atoms {
      let count = 12_000
      for i in 0..<count {
        let z = 1 - 2 * (Double(i) + 0.5) / Double(count)
        let (r, angle) = ((1 - z * z).squareRoot(), 2.399963 * Double(i))
        let point = atom.position + (atom.radius + probe) * SIMD3(r * cos(angle), r * sin(angle), z)
        if atoms.allSatisfy({ Vector.length(point - $0.position) >= $0.radius + probe - 1e-9 }) { free.append(point) }
      }
    }
    var checked = 0
    for i in 0..<400 {
      let x = SIMD3(Double(i % 7), Double(i / 7 % 8), Double(i / 56)) * 0.55 - 1
      guard atoms.contains(where: { Vector.length(x - $0.position) < $0.radius + probe }) else {
        #expect(field.nearest(x)?.distance == 0)
        continue
      }
      let searched = free.map { Vector.length(x - $0) }.min() ?? 0
      if let found = field.nearest(x) {
        #expect(found.distance <= searched + 1e-9 && found.distance > searched - 0.06, "\(x)")
        #expect(abs(Vector.length(x - found.place) - found.distance) < 1e-9)
        checked += 1
      } else {
        #expect(searched > probe + 0.7)
      }
    }
    #expect(checked > 80)
  }

  /// A ring of atoms around a hole that a probe fits through has one handle; a shell has a cavity.
  @Test func holesAndCavities() throws {
    let ring = (0..<10).map { i in
      let angle = 2 * Double.pi * Double(i) / 10
      return PointCharge(position: [5 * cos(angle), 5 * sin(angle), 0], charge: 0, radius: 1.7)
    }
    var surface = MolecularSurface()
    surface.density = 1
    let torus = MeshCheck(try surface.mesh(ring))
    #expect(torus.findings.isEmpty && torus.eulerCharacteristic == 0)
    let shell = try SurfaceMesh.icosphere(radius: 5, level: 1).vertices.map {
      PointCharge(position: $0, charge: 0, radius: 2)
    }
    #expect(MeshCheck(try surface.mesh(shell)).components.count == 1)
    surface.cavities = .keep
    let hollow = MeshCheck(try surface.mesh(shell))
    #expect(hollow.components.count == 2 && hollow.findings.map(\.kind) == [.cavity])
  }

  @Test func settingsThatMakeNoSenseAreSaid() throws {
    var surface = MolecularSurface()
    surface.density = 0
    #expect(boundaryMessage { _ = try surface.mesh([]) }.hasPrefix("the density is 0.0 triangles/Å²"))
    surface = MolecularSurface()
    #expect(
      boundaryMessage { _ = try surface.mesh([PointCharge(position: .zero, charge: 1)]) }
        == "no atom has a radius, so there is no surface")
    surface.spacing = 3
    #expect(boundaryMessage { try surface.validate() }.contains("expected 0.05 to 1"))
    surface.spacing = nil
    let far = [0.0, 1e5].map { PointCharge(position: [$0, 0, 0], charge: 0, radius: 1) }
    #expect(boundaryMessage { _ = try surface.mesh(far) }.contains("at most 1800 Å"))
  }

  // MARK: Data

  @Test func examplesAreThoseOfThePackage() throws {
    let (atoms, mesh): ([PointCharge], SurfaceMesh)
    do {
      (atoms, mesh) = try APBSExamples.lysozyme()
    } catch {
      #expect("\(error)".contains("couldn't be fetched"))
      return
    }
    #expect(atoms.count == 1_323 && mesh.triangles.count == 14_398 && mesh.vertices.count == 7_201)
    #expect(MeshCheck(mesh).findings.map(\.kind) == [.degenerate])
    let mended = try MeshRepair().repair(mesh).mesh
    #expect(MeshCheck(mended).findings.isEmpty && abs(mended.volume - mesh.volume) < 0.1)
    #expect(boundaryMessage { _ = try APBSExamples.path("x") }.hasPrefix("apbs-examples: has no x, only"))
    let share = APBSExamples.info.statement.measures.total.share
    #expect(share >= 0.9, "\(share)")
    #expect(APBSExamples.info.statement.audit().filter { $0.severity == .blocking }.isEmpty)
    for (field, answer) in APBSExamples.info.statement.answers {
      #expect((try? field.question.checked(answer)) == answer, "\(field.rawValue)")
    }
  }
}
