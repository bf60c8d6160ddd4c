import Foundation
import Lab

/// Salt water by its concentration.
public enum SaltSolution {
  /// Inverse Debye length in 1/Å of a 1:1 salt: `0.125 · sqrt(c / 0.15)`.
  ///
  /// The paper's 0.125 /Å at 150 mM, and Debye and Hückel's law that it grows as the root of the concentration. Their
  /// formula `sqrt(2 e² N c / (ε0 ε2 k T))` gives 0.1261 /Å at 298.15 K and ε2 = 80.
  ///
  /// - Parameter concentration: in mol/l.
  /// - Throws: `UsageError` where it's negative or beyond 10.
  public static func inverseDebyeLength(_ concentration: Double) throws -> Double {
    guard (0...10).contains(concentration) else {
      throw UsageError("a salt concentration of \(concentration) mol/l, expected 0 to 10")
    }
    return 0.125 * (concentration / 0.15).squareRoot()
  }
}

/// Energies of charges among themselves.
enum Coulomb {
  /// Σ q_i q_j / (ε r_ij) over pairs, in kcal/mol.
  static func energy(_ charges: [PointCharge], dielectric: Double) -> Double {
    let places = charges.map(\.position)
    let field = PointField.sum(sources: places, charges: charges.map(\.charge), targets: places)
    let sum = zip(charges, field.potentials).reduce(0) { $0 + $1.0.charge * $1.1 }
    return 0.5 * 4 * .pi * PoissonBoltzmannProblem.coulombConstant * sum / dielectric
  }
}

/// How often a closed surface winds around points: by the triangles above them, found through a grid.
struct InsideTest {
  private let mesh: SurfaceMesh
  private let low: SIMD2<Double>
  private let edge: Double
  private let columns: SIMD2<Int>
  private var cells: [[Int32]]

  init(_ mesh: SurfaceMesh) {
    self.mesh = mesh
    let bounds = mesh.bounds ?? (.zero, .zero)
    low = SIMD2(bounds.low.x, bounds.low.y) - 1e-3
    let extent = SIMD2(bounds.high.x, bounds.high.y) - low + 1e-3
    // About as many cells as triangles.
    edge = max(1e-6, (extent.x * extent.y / Double(max(1, mesh.triangles.count))).squareRoot())
    columns = SIMD2(min(20_000, Int(extent.x / edge) + 1), min(20_000, Int(extent.y / edge) + 1))
    cells = [[Int32]](repeating: [], count: columns.x * columns.y)
    for triangle in mesh.triangles.indices {
      let (a, b, c) = mesh.corners(triangle)
      let from = cell(SIMD2(min(a.x, b.x, c.x), min(a.y, b.y, c.y)))
      let to = cell(SIMD2(max(a.x, b.x, c.x), max(a.y, b.y, c.y)))
      for y in from.y...to.y {
        for x in from.x...to.x { cells[y * columns.x + x].append(Int32(triangle)) }
      }
    }
  }

  private func cell(_ p: SIMD2<Double>) -> SIMD2<Int> {
    let place = (p - low) / edge
    return SIMD2(
      max(0, min(columns.x - 1, Int(max(-1, min(1e6, place.x))))),
      max(0, min(columns.y - 1, Int(max(-1, min(1e6, place.y))))))
  }

  /// 1 inside, 0 outside and in cavities.
  func windingNumber(_ point: SIMD3<Double>) -> Int {
    // Off every edge that has round coordinates.
    let p = SIMD2(point.x + 3.1e-8, point.y + 1.7e-8)
    guard p.x >= low.x, p.y >= low.y else { return 0 }
    let place = cell(p)
    var sum = 0
    for triangle in cells[place.y * columns.x + place.x] {
      let (a, b, c) = mesh.corners(Int(triangle))
      func side(_ u: SIMD3<Double>, _ v: SIMD3<Double>) -> Double {
        (v.x - u.x) * (p.y - u.y) - (v.y - u.y) * (p.x - u.x)
      }
      let (u, v, w) = (side(b, c), side(c, a), side(a, b))
      guard (u > 0) == (v > 0), (v > 0) == (w > 0), u + v + w != 0 else { continue }
      let height = (u * a.z + v * b.z + w * c.z) / (u + v + w)
      if height > point.z { sum += u > 0 ? 1 : -1 }
    }
    return sum
  }
}

extension PoissonBoltzmannProblem {
  /// Checks that the mesh can be computed on and has all charges inside.
  ///
  /// - Parameters:
  ///   - surface: name of the mesh for messages.
  ///   - molecule: name of the charges' file.
  /// - Throws: `UsageError` with what is wrong and where.
  func checkGeometry(surface: String, molecule: String) throws {
    try MeshCheck(mesh).requireUsable(surface)
    let test = InsideTest(mesh)
    let outside = charges.indices.filter { charges[$0].charge != 0 && test.windingNumber(charges[$0].position) != 1 }
    guard let first = outside.first else { return }
    let p = charges[first].position
    throw UsageError(
      "\(molecule): \(outside.count) of \(charges.count) charges aren't inside \(surface), the first atom \(first + 1) at "
        + String(format: "(%.2f, %.2f, %.2f)", p.x, p.y, p.z) + "; does the mesh belong to this molecule?")
  }
}
