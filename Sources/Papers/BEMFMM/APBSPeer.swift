import Foundation
import Lab

/// The program APBS, which solves the same equation by finite differences on a grid.
struct APBSPeer: Sendable {
  let program: String

  /// Energies on finer and finer grids.
  struct Energies: Codable, Sendable {
    var grids: [Int]
    /// In kcal/mol.
    var energies: [Double]
    var seconds: [Double]

    /// Extrapolated in the distance of the grid's points.
    var limit: Richardson? { try? Richardson(zip(grids, energies).map { (count: $0, value: $1) }) }
  }

  /// APBS on the path, or where the user says; nil where there is none or `no` was said.
  ///
  /// - Throws: `UsageError` where the user named one that can't be run.
  init?(_ named: String?) throws {
    if named == "no" { return nil }
    let path = named ?? "apbs"
    // It leaves a log where it's started.
    let work = FileManager.default.temporaryDirectory.appending(path: "apbs-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: work, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: work) }
    guard Self.run(path, ["--version"], folder: work) != nil else {
      if let named { throw UsageError("--set apbs=\(named): can't be run, expected the program apbs") }
      return nil
    }
    program = path
  }

  /// Polar solvation energies of a molecule.
  ///
  /// - Throws: `UsageError` where APBS fails or says no energy.
  func energies(
    of atoms: [PointCharge], grids: [Int], folder: URL, checkInterrupt: () throws -> Void
  ) throws -> Energies {
    var result = Energies(grids: grids, energies: [], seconds: [])
    let work = folder.appending(path: "apbs")
    try FileManager.default.createDirectory(at: work, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: work) }
    try PQRFile.write(atoms, to: work.appending(path: "molecule.pqr").path)
    for grid in grids {
      try checkInterrupt()
      let input = work.appending(path: "input.in")
      try Data(Self.input(atoms, grid).utf8).write(to: input)
      let start = Date()
      // APBS writes a log into its working folder.
      guard let output = Self.run(program, [input.path], folder: work), let energy = Self.energy(in: output) else {
        throw UsageError("\(program): gave no energy on a grid of \(grid) points")
      }
      result.energies.append(energy / 4.184)
      result.seconds.append(Date().timeIntervalSince(start))
    }
    return result
  }

  /// `Global net ELEC energy = -1.0E+03 kJ/mol` of the difference that the input asks for.
  static func energy(in output: String) -> Double? {
    let line = output.split(whereSeparator: \.isNewline).last { $0.contains("Global net ELEC energy") }
    return line?.split(separator: "=").last?.split(separator: " ").first.flatMap { Double($0) }
  }

  /// Settings of the paper's comparison.
  static func input(_ atoms: [PointCharge], _ grid: Int) -> String {
    let low = atoms.reduce(SIMD3<Double>(repeating: .infinity)) { pointwiseMin($0, $1.position - $1.radius) }
    let high = atoms.reduce(SIMD3<Double>(repeating: -.infinity)) { pointwiseMax($0, $1.position + $1.radius) }
    let extent = high - low
    func lengths(_ v: SIMD3<Double>) -> String { String(format: "%.4f %.4f %.4f", v.x, v.y, v.z) }
    func state(_ name: String, _ solvent: Double, ions: Bool) -> String {
      """
      elec name \(name)
          mg-auto
          dime \(grid) \(grid) \(grid)
          cglen \(lengths(1.7 * extent))
          fglen \(lengths(extent + 16))
          cgcent mol 1
          fgcent mol 1
          mol 1
          lpbe
          bcfl sdh
          pdie 4.0
          sdie \(solvent)
          \(ions ? "ion charge 1 conc 0.150 radius 1.4\n    ion charge -1 conc 0.150 radius 1.4" : "")
          srfm mol
          chgm spl2
          sdens 10.0
          srad 1.4
          swin 0.3
          temp 298.15
          calcenergy total
          calcforce no
      end

      """
    }
    return "read\n    mol pqr molecule.pqr\nend\n\n" + state("solvated", 80, ions: true)
      + state("reference", 4, ions: false)
      + "print elecEnergy solvated - reference end\nquit\n"
  }

  /// Standard output of a program that ends well, or says its version; nil where it can't be run.
  private static func run(_ program: String, _ arguments: [String], folder: URL) -> String? {
    guard let (status, text) = OtherProgram.run(program, arguments, folder: folder) else { return nil }
    // Versions of APBS end `--version` with a code of their own.
    return status == 0 || (arguments == ["--version"] && text.contains("APBS")) ? text : nil
  }
}
