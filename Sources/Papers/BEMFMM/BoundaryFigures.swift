import Foundation
import Lab

/// Charts and pictures of boundary-element results.
enum BoundaryFigures {
  /// The potential on a molecule's surface, to be turned.
  ///
  /// - Throws: `UsageError`, `FormatError`.
  static func surface(_ mesh: SurfaceMesh, _ potentials: [Double], of name: String, caption: String? = nil) throws
    -> ReportBlock
  {
    let (low, high) = (potentials.min() ?? 0, potentials.max() ?? 0)
    let range = "\(PoissonBoltzmannSolution.signed(low)) to \(PoissonBoltzmannSolution.signed(high))"
    let negative = mesh.triangles.indices.reduce(0.0) { sum, triangle in
      let t = mesh.triangles[triangle]
      let mean = potentials[Int(t.x)] + potentials[Int(t.y)] + potentials[Int(t.z)]
      return sum + (mean < 0 ? mesh.area(of: triangle) : 0)
    }
    let share = Int((100 * negative / max(mesh.area, 1e-300)).rounded())
    let text =
      "The surface of \(name), \(mesh.triangles.count) triangles, coloured by the potential: \(range) kcal/mol/e, "
      + "negative on \(share) % of the area."
    return .surface(
      try SurfacePicture(
        vertices: mesh.vertices, triangles: mesh.triangles, values: potentials, name: "potential", unit: "kcal/mol/e",
        description: text),
      caption: caption ?? text + " Red attracts positive charges, blue negative ones.")
  }

  /// Lines of `name   value` as a table.
  static func facts(_ lines: [String]) -> ReportTable {
    ReportTable(
      columns: [.init("what"), .init("value")],
      rows: lines.map { line in
        let name = line.prefix { $0 != " " }
        return [String(name), line.dropFirst(name.count).trimmingCharacters(in: .whitespaces)]
      })
  }

  /// Residuals of GMRES.
  static func residuals(_ runs: [(BoundaryFormulation, [Double])]) -> ReportBlock {
    let series = runs.map { form, residuals in
      Chart.Series(form.rawValue, residuals.enumerated().map { Chart.Point(Double($0.offset), $0.element) })
    }
    return .chart(
      .layers(
        [.lines(series)], x: .init("iteration"), y: .init("relative residual (preconditioned)", isLogarithmic: true),
        title: "GMRES"), caption: "The residual of the preconditioned system after each iteration.")
  }

  /// Distances to a limit over numbers of triangles, with a line of slope -1.
  static func convergence(
    _ studies: [(name: String, values: [(count: Int, value: Double)], limit: Double)], caption: String? = nil,
    title: String = "Convergence", reference: String = "the extrapolated value"
  ) -> ReportBlock {
    let series = studies.map { study in
      Chart.Series(
        study.name,
        study.values.map { Chart.Point(Double($0.count), 100 * abs($0.value / study.limit - 1)) })
    }
    let points = series.flatMap(\.points)
    var layers: [Chart.Layer] = [.lines(series), .scatter(series)]
    if let first = points.min(by: { $0.x < $1.x }), let last = points.max(by: { $0.x < $1.x }), first.x < last.x {
      let start = first.y * 1.6
      layers.append(
        .lines([Chart.Series("1/N", [.init(first.x, start), .init(last.x, start * first.x / last.x)])]))
    }
    return .chart(
      .layers(
        layers, x: .init("triangles", isLogarithmic: true), y: .init("error of the energy, %", isLogarithmic: true),
        title: title),
      caption: caption
        ?? "Distance of each energy from \(reference); parallel to the line 1/N, a mesh of four times as many triangles has "
        + "a quarter of the error.")
  }
}
