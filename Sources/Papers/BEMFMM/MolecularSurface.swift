import Foundation
import Lab

/// Makes the solvent-excluded surface of a molecule: what a rolling probe leaves to it (Richards, 1977).
///
/// Distances to the places that the probe's middle may take are exact, their zeros are taken by marching tetrahedra on a
/// grid, triangles are made alike by remeshing, and every vertex is put onto the exact surface.
public struct MolecularSurface: Sendable {
  /// Radius of the probe in Å; 1.4 for water.
  public var probe = 1.4
  /// Triangles for each Å² that are aimed at.
  public var density = 2.0
  /// Distance of the first grid's points in Å; chosen by the density where nil.
  public var spacing: Double?
  /// Rounds of remeshing.
  public var rounds = 5
  /// Whether cavities in the solute stay as surfaces of solvent within.
  public var cavities = MeshRepair.Cavities.remove
  /// Whether triangles, not their vertices, are put onto the surface in the mean: flat triangles between vertices on it cut
  /// off what is convex, which is most of the error of energies.
  public var isFitted = true
  /// Threads.
  public var workers = Threads.available

  public init() {}

  /// Length of edges that the density gives, in Å.
  var edge: Double { (4 / (density * 3.0.squareRoot())).squareRoot() }

  /// Checks that the settings make sense.
  ///
  /// - Throws: `UsageError` that says which don't.
  public func validate() throws {
    guard (0.1...10).contains(probe) else { throw UsageError("the probe's radius is \(probe) Å, expected 0.1 to 10") }
    guard (0.05...100).contains(density) else {
      throw UsageError("the density is \(density) triangles/Å², expected 0.05 to 100")
    }
    if let spacing, !(0.05...1).contains(spacing) {
      throw UsageError("the grid's spacing is \(spacing) Å, expected 0.05 to 1")
    }
    guard (0...50).contains(rounds) else { throw UsageError("\(rounds) rounds of remeshing, expected 0 to 50") }
  }

  /// The surface, closed, with outward normals.
  ///
  /// - Parameter checkpoint: called now and then; what it throws ends the work.
  /// - Throws: `UsageError` where atoms have no radius, or the grid would be too large.
  public func mesh(_ atoms: [PointCharge], checkpoint: () throws -> Void = {}) throws -> SurfaceMesh {
    try validate()
    let field = try SolventExcludedField(atoms, probe: probe, workers: workers)
    try checkpoint()
    let grid = try MarchingTetrahedra(
      low: field.low, high: field.high, spacing: spacing ?? min(0.5, max(0.15, 0.6 * edge)))
    var mesh = try grid.surface(workers: workers) { field.value($0) }
    mesh = Self.withoutDust(mesh, cavities)
    guard rounds > 0 else { return mesh }
    try checkpoint()
    var remesher = try SurfaceRemesher(mesh, target: edge)
    try remesher.run(rounds: rounds, workers: workers, checkpoint: checkpoint) { field.projected($0) }
    mesh = Self.withoutDust(remesher.result, cavities)
    return isFitted ? try fitted(mesh, field) : mesh
  }

  /// Moves vertices along their normals until triangles about them are as much outside of the surface as inside.
  private func fitted(_ mesh: SurfaceMesh, _ field: SolventExcludedField) throws -> SurfaceMesh {
    var mesh = mesh
    for _ in 0..<4 {
      let now = mesh
      // The mean of the middles of edges integrates a quadratic distance exactly.
      let offsets = try parallel(SolventExcludedField.chunks(mesh.triangles.count, 2_048), workers: workers) { range in
        range.map { triangle in
          let (a, b, c) = now.corners(triangle)
          let sum = field.value((a + b) / 2) + field.value((b + c) / 2) + field.value((c + a) / 2)
          return sum / 3 * now.area(of: triangle)
        }
      }.joined()
      var (shifts, areas) = (
        [Double](repeating: 0, count: mesh.vertices.count), [Double](repeating: 0, count: mesh.vertices.count)
      )
      for (offset, (triangle, t)) in zip(offsets, mesh.triangles.enumerated()) {
        let area = mesh.area(of: triangle)
        for corner in 0..<3 {
          shifts[Int(t[corner])] += offset
          areas[Int(t[corner])] += area
        }
      }
      let limit = edge / 4
      for (vertex, normal) in mesh.vertexNormals.enumerated() where areas[vertex] > 0 {
        mesh.vertices[vertex] -= max(-limit, min(limit, shifts[vertex] / areas[vertex])) * normal
      }
    }
    return mesh
  }

  /// Without bubbles that are smaller than a few cells of the grid, and without cavities where they aren't wanted.
  private static func withoutDust(_ mesh: SurfaceMesh, _ cavities: MeshRepair.Cavities) -> SurfaceMesh {
    let components = MeshTopology(mesh).components(mesh)
    let kept = components.filter {
      abs($0.volume) > 0.5 && (cavities == .keep || $0.volume > 0)
    }
    if kept.count == components.count { return mesh }
    return mesh.part(kept.flatMap(\.triangles).sorted())
  }
}
