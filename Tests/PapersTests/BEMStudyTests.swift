import Foundation
import Testing

@testable import Lab
@testable import Papers

@Suite struct BEMStudyTests {
  private let folder = FileManager.default.temporaryDirectory.appending(path: "bem-\(UUID().uuidString)")

  @Test func saltGivesThePapersLength() throws {
    #expect(try SaltSolution.inverseDebyeLength(0.15) == 0.125)
    #expect(try SaltSolution.inverseDebyeLength(0) == 0)
    #expect(abs(try SaltSolution.inverseDebyeLength(0.6) - 0.25) < 1e-15)
    #expect(boundaryMessage { _ = try SaltSolution.inverseDebyeLength(-1) }.contains("expected 0 to 10"))
  }

  @Test func coulombOfAPair() {
    let pair = [
      PointCharge(position: [0, 0, 0], charge: 2), PointCharge(position: [0, 3, 4], charge: -1.5),
    ]
    #expect(abs(Coulomb.energy(pair, dielectric: 4) + 332.0637 * 3 / 20) < 1e-9)
  }

  @Test func extrapolationFindsOrderAndLimit() throws {
    for order in [0.7, 1.0, 1.3, 1.9] {
      let values = [900, 4_100, 17_000].map { (count: $0, value: -50 + 300 * pow(Double($0), -order)) }
      let found = try Richardson(values)
      #expect(abs((found.observedOrder ?? 0) - order) < 1e-6 && found.order == found.observedOrder)
      #expect(abs(found.limit + 50) < 1e-6 && abs(found.finestError - (values[2].value + 50)) < 1e-6)
      #expect(order == 1 ? found.limitError < 1e-6 : found.limitError > 1e-6)
    }
    let two = try Richardson([(100, 3), (400, 1.5)])
    #expect(two.observedOrder == nil && abs(two.limit - 1) < 1e-12 && abs(two.limitError - 0.5) < 1e-12)
    // Values that go up and down show no order; the error says how unsure the limit is.
    let steep = try Richardson([(100, 10), (200, 2), (400, 1.5)])
    #expect((steep.observedOrder ?? 0) > 3 && steep.order == 2)
    let odd = try Richardson([(100, 1), (200, 2), (400, 1.5)])
    #expect(odd.observedOrder == nil && odd.order == 1 && odd.limitError > 1)
    #expect(boundaryMessage { _ = try Richardson([(100, 1)]) }.contains("two meshes or more"))
    #expect(boundaryMessage { _ = try Richardson([(100, 1), (100, 2)]) }.contains("each finer"))
    #expect(abs((Richardson.slope([(10, 0.1), (100, 0.01), (1_000, 0.001)]) ?? 0) - 1) < 1e-12)
  }

  @Test func chargesOutsideAreSaid() throws {
    let mesh = try SurfaceMesh.icosphere(radius: 4, level: 2)
    let test = InsideTest(mesh)
    var wrong = 0
    for i in 0..<500 {
      let angle = 2.399963 * Double(i)
      let z = 1 - 2 * (Double(i) + 0.5) / 500
      let direction = SIMD3((1 - z * z).squareRoot() * cos(angle), (1 - z * z).squareRoot() * sin(angle), z)
      for (radius, inside) in [(0.0, 1), (2.5, 1), (3.85, 1), (4.05, 0), (9, 0)] {
        if test.windingNumber(radius * direction) != inside { wrong += 1 }
      }
    }
    #expect(wrong == 0)
    let hollow = InsideTest(mesh + (try SurfaceMesh.icosphere(radius: 1, level: 1)).flipped)
    #expect(hollow.windingNumber([0.1, 0, 0]) == 0 && hollow.windingNumber([2, 0, 0]) == 1)
    let charges = [PointCharge(position: [1, 0, 0], charge: 1), PointCharge(position: [5, 0, 0], charge: 1)]
    let message = boundaryMessage {
      try PoissonBoltzmannProblem(mesh: mesh, charges: charges).checkGeometry(surface: "a.ply", molecule: "m.pqr")
    }
    #expect(message.hasPrefix("m.pqr: 1 of 2 charges aren't inside a.ply, the first atom 2 at (5.00, 0.00, 0.00)"))
    let open = SurfaceMesh(vertices: mesh.vertices, triangles: Array(mesh.triangles.dropLast()))
    #expect(
      boundaryMessage {
        try PoissonBoltzmannProblem(mesh: open, charges: [charges[0]]).checkGeometry(surface: "a.ply", molecule: "m")
      }.hasPrefix("a.ply: not watertight"))
  }

  @Test func shellsAreSymmetricAndApart() {
    #expect(IcosahedralShell.rotations.count == 60)
    for copies in [12, 60] {
      let images = IcosahedralShell.rotations(copies).map { IcosahedralShell.image(IcosahedralShell.direction, $0) }
      #expect(images.count == copies)
      #expect(Vector.length(images.reduce(.zero, +)) < (copies == 60 ? 1e-9 : 12))
      let radius = IcosahedralShell.radius(copies, reach: 10)
      for i in images.indices { for j in 0..<i { #expect(radius * Vector.length(images[i] - images[j]) > 19.999) } }
    }
    // Rotations keep lengths and handedness.
    for r in IcosahedralShell.rotations { #expect(abs(Vector.dot(Vector.cross(r[0], r[1]), r[2]) - 1) < 1e-9) }
  }

  @Test func apbsIsAskedAndUnderstood() throws {
    #expect(try APBSPeer("no") == nil)
    #expect(boundaryMessage { _ = try APBSPeer("/nowhere/apbs") }.contains("--set apbs=/nowhere/apbs: can't be run"))
    let input = APBSPeer.input([PointCharge(position: [1, 2, 3], charge: 1, radius: 2)], 65)
    #expect(input.contains("dime 65 65 65") && input.contains("fglen 20.0000 20.0000 20.0000"))
    #expect(input.components(separatedBy: "ion charge").count == 3)
    let output = "x\n  Global net ELEC energy = -1.234500000000E+03 kJ/mol\n"
    #expect(APBSPeer.energy(in: output) == -1234.5 && APBSPeer.energy(in: "nothing") == nil)
    // A program that plays APBS: it must be started where the molecule lies.
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let program = folder.appending(path: "apbs").path
    let script = """
      #!/bin/sh
      [ "$1" = --version ] && { echo "Version APBS 3"; exit 13; }
      grep -q ATOM molecule.pqr || exit 1
      echo "  Global net ELEC energy = -$(sed -n 's/ *dime \\([0-9]*\\).*/\\1/p' "$1" | head -1)E+00 kJ/mol"
      """
    try Data(script.utf8).write(to: URL(fileURLWithPath: program))
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program)
    let peer = try #require(try APBSPeer(program))
    let found = try peer.energies(
      of: [PointCharge(position: [0, 0, 0], charge: 1, radius: 2)], grids: [33, 65], folder: folder, checkInterrupt: {})
    #expect(found.energies == [-33 / 4.184, -65 / 4.184] && found.limit != nil)
  }

  @Test func optionsAreChecked() {
    for (setting, part) in [
      ("levels=2", "levels are [2], expected two or more"), ("levels=3,2", "that rise"),
      ("densities=1,1", "densities: expected two or more"), ("shellCopies=7", "expected 0, 12 or 60"),
      ("apbsGrids=64,97", "apbsGrids: expected"), ("formulations=direct,direct", "each at most once"),
      ("molecules=insulin", "one of lysozyme, 1ajj, 1a63"), ("timingSizes=1000", "timingSizes: expected two"),
      ("tolerance=1", "tolerance is 1.0"), ("accuracyPoints=3", "accuracyPoints is 3"),
    ] {
      let message = boundaryMessage { _ = try BoundaryElementOptions.parse([setting], scale: .standard) }
      #expect(message.contains(part), "\(setting): \(message)")
    }
    #expect(BoundaryElementExperiment().datasets(for: BoundaryElementOptions(scale: .quick)).isEmpty)
    #expect(
      Set(BoundaryElementOptions.help.keys)
        == Set((try? BoundaryElementOptions(scale: .full).jsonFields())?.keys.map { $0 } ?? []))
  }

  /// The experiment at its smallest: claims are there, the report has its parts, a resumed run gives the same.
  @Test func smallestRun() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let runner = Runner(progress: .silent(), interrupt: Interrupt())
    let result = try runner.start(
      BoundaryElementExperiment(),
      Runner.Request(
        scale: .quick, settings: ["levels=1,2", "timingSizes=1000,2000", "accuracyPoints=2000", "apbs=no"], root: folder
      ))
    let claims = Dictionary(uniqueKeysWithValues: result.record.claims.map { ($0.name, $0) })
    #expect(
      Set(claims.keys).isSuperset(of: [
        "sphere order, direct", "sphere order, derivative", "exterior traces", "steady iterations",
        "multipole error, p = 4", "multipole time, Laplace",
      ]))
    #expect(
      claims["sphere order, derivative"]?.verdict == .holds && claims["multipole error, p = 4"]?.verdict == .holds)
    let html = try String(contentsOf: try #require(result.report), encoding: .utf8)
    for part in ["data-surface", "Convergence on a sphere", "direct: iterations", "Potentials and gradients"] {
      #expect(html.contains(part), "\(part)")
    }
  }
}
