import Formats
import Foundation
import Lab

/// Charts, tables and pictures of the experiment.
extension BoundarySummary {
  /// - Throws: `UsageError`, `FormatError` where pictures can't be made.
  func report() throws -> [ReportBlock] {
    var blocks = sphereReport()
    blocks += iterationReport()
    blocks += multipoleReport()
    blocks += moleculeReport()
    blocks += otherReport()
    if let picture = try picture() { blocks += [.heading("Potential on the surface"), picture] }
    return blocks
  }

  private func sphereReport() -> [ReportBlock] {
    let exact = (try? KirkwoodSphere(radius: 4).energy(SphereCell.charges)) ?? .nan
    let chart = BoundaryFigures.convergence(
      options.formulations.map { form in
        (form.rawValue, cells(form).map { (count: $0.triangles, value: $0.energy) }, exact)
      },
      caption:
        "Error of the energy against Kirkwood's series. Parallel to the line 1/N: four times as many triangles, a "
        + "quarter of the error. Triangles are inscribed into the sphere, which is most of the error of all forms.",
      title: "A charge in a sphere", reference: "Kirkwood's value")
    return [
      .heading("Convergence on a sphere"),
      .text(
        "Radius 4 Å, a charge of 1 e at (1, 1, 1) Å, dielectrics 4 and 80, κ = 0.125 /Å. Kirkwood: "
          + String(format: "%.6f kcal/mol.", exact)), chart,
    ]
  }

  private func iterationReport() -> [ReportBlock] {
    let levels = options.levels
    let columns =
      [ReportTable.Column("triangles", .right)]
      + options.formulations.flatMap { form in
        [
          ReportTable.Column("\(form.rawValue): iterations", .right), .init("error, %", .right),
          .init("seconds", .right),
        ]
      }
    let rows = levels.map { level in
      ["\(20 << (2 * level))"]
        + options.formulations.flatMap { form -> [String] in
          guard let cell = spheres.first(where: { $0.level == level && $0.formulation == form }) else {
            return ["", "", ""]
          }
          return [
            "\(cell.iterations)", String(format: "%.4f", 100 * cell.error), String(format: "%.1f", cell.seconds.total),
          ]
        }
    }
    var blocks: [ReportBlock] = [
      .heading("Iterations"),
      .table(
        ReportTable(
          columns: columns, rows: rows,
          caption:
            "GMRES until a relative residual of \(Format.short(options.tolerance)) of the preconditioned system. The "
            + "paper's on a protein: direct 33 to 158, derivative 12 to 11, from 7,900 to 2.1 million triangles.")),
    ]
    if let level = levels.last {
      let runs = spheres.filter { $0.level == level }.map { ($0.formulation, $0.residuals) }
      blocks.append(BoundaryFigures.residuals(runs))
    }
    return blocks
  }

  private func multipoleReport() -> [ReportBlock] {
    let kernels: [(String, KeyPath<MultipoleTiming, Double>)] = [("Laplace", \.laplace), ("Yukawa", \.yukawa)]
    var series = kernels.map { name, path in
      Chart.Series(name, timings.map { Chart.Point(Double($0.size), $0[keyPath: path]) })
    }
    var layers: [Chart.Layer] = [.lines(series), .scatter(series)]
    if let first = timings.first, let last = timings.last {
      let start = 0.7 * first.laplace
      series = [
        Chart.Series(
          "in proportion",
          [.init(Double(first.size), start), .init(Double(last.size), start * Double(last.size) / Double(first.size))])
      ]
      layers.append(.lines(series))
    }
    let rows = accuracy.flatMap { study in
      study.entries.map { entry in
        [
          "\(study.order)", entry.kernel, entry.points, String(format: "%.1e", entry.potential),
          String(format: "%.1e", entry.gradient),
        ]
      }
    }
    return [
      .heading("Fast multipole method"),
      .chart(
        .layers(
          layers, x: .init("points", isLogarithmic: true), y: .init("seconds", isLogarithmic: true),
          title: "Potentials and gradients at all points, p = \(options.timingOrder)"),
        caption: "Points on a sphere, as boundary elements have them; the tree and its operators were made before."),
      .table(
        ReportTable(
          columns: [
            .init("points", .right), .init("Laplace: set-up, s", .right), .init("sum, s", .right),
            .init("Yukawa: set-up, s", .right), .init("sum, s", .right), .init("peak, bytes a point", .right),
          ],
          rows: timings.map { timing in
            ["\(timing.size)"]
              + [timing.laplaceSetup, timing.laplace, timing.yukawaSetup, timing.yukawa].map {
                String(format: "%.3f", $0)
              } + [String(format: "%.0f", timing.bytesPerPoint)]
          }, caption: "Operators of the translations are kept by the process; the first set-up makes them.")),
      .table(
        ReportTable(
          columns: [
            .init("p", .right), .init("kernel"), .init("points"), .init("error of potentials", .right),
            .init("of gradients", .right),
          ], rows: rows,
          caption:
            "L2, relative, at 1,000 of \(options.accuracyPoints) targets against all pairs; charges of both signs.")),
    ] + speedReport() + peerReport()
  }

  private func speedReport() -> [ReportBlock] {
    guard !speeds.isEmpty else { return [] }
    return [
      .table(
        ReportTable(
          columns: [
            .init("pairs of points"), .init("million pairs a second", .right), .init("operations a pair", .right),
            .init("of the peak, %", .right),
          ],
          rows: speeds.map {
            [
              $0.name, String(format: "%.0f", $0.pairs / 1e6), "\($0.operations)",
              String(format: "%.0f", 100 * $0.share),
            ]
          },
          caption:
            "Hot loops on \(Threads.available) CPUs, \(HotLoops.vectorBits)-bit vectors, float64. The peak is that of fused "
            + "multiply-adds that wait for nothing, measured in the same run; most operations here can't be fused."))
    ]
  }

  private func peerReport() -> [ReportBlock] {
    guard let sums else { return [] }
    func rows(_ name: String, _ entries: [PeerSumStudy.Entry], isHere: Bool) -> [[String]] {
      entries.map { entry in
        let ratio = isHere ? sums.peerSeconds(at: entry.error).map { String(format: "%.2f", $0 / entry.seconds) } : ""
        return [
          name, entry.setting, String(format: "%.1e", entry.error), String(format: "%.2f", entry.seconds),
          String(format: "%.0f", entry.bytesPerPoint), ratio ?? "–",
        ]
      }
    }
    return [
      .table(
        ReportTable(
          columns: [
            .init("potentials of \(sums.points) charges"), .init("setting"), .init("error", .right),
            .init("seconds", .right), .init("peak, bytes a point", .right),
            .init("FMM3D's time at this error, x", .right),
          ], rows: rows("here", sums.here, isHere: true) + rows("fmm3dpy \(sums.version)", sums.peer, isHere: false),
          caption:
            "Uniform in a cube, Laplace, tree and translations included. FMM3D's time at an error lies on a line between its "
            + "measurements, on logarithmic scales."))
    ]
  }

  private func rows(_ study: MoleculeStudy, _ found: Richardson) -> [[String]] {
    let cells = (study.cells + study.fitted + study.direct).map { cell -> [String] in
      let kind = cell.formulation == .direct ? ", direct" : cell.isFitted ? ", fitted" : ""
      return [
        study.molecule.title + kind, "\(cell.atoms)", "\(cell.triangles)", String(format: "%.2f", cell.energy),
        "\(cell.iterations)", String(format: "%.1f", cell.meshSeconds), String(format: "%.1f", cell.seconds.total),
        Format.bytes(cell.memoryPeak),
      ]
    }
    let limit = String(format: "%.2f ± %.2f", found.limit, found.limitError)
    return cells + [[study.molecule.title, "", "limit", limit, "", "", "", ""]]
  }

  private func moleculeReport() -> [ReportBlock] {
    var blocks: [ReportBlock] = []
    let studies = molecules.compactMap { study in study.limit.map { (study, $0) } }
    if !studies.isEmpty {
      blocks += [
        .heading("Molecules on surfaces made here"),
        BoundaryFigures.convergence(
          studies.flatMap { study, found in
            let fitted = study.fitted.map { (count: $0.triangles, value: $0.energy) }
            let title = study.molecule.title
            return [(title, study.values, found.limit), (title + ", fitted", fitted, found.limit)]
          }, title: "Molecules"),
        .table(
          ReportTable(
            columns: [
              .init("molecule"), .init("atoms", .right), .init("triangles", .right), .init("energy, kcal/mol", .right),
              .init("iterations", .right), .init("mesh, s", .right), .init("solution, s", .right),
              .init("memory", .right),
            ], rows: studies.flatMap { rows($0, $1) },
            caption:
              "Derivative form with exterior traces, but for rows that say direct. On a fitted surface triangles, not "
              + "vertices, are on the exact surface in the mean. The limit is that of vertices on it, by Richardson's extrapolation, ± what it moves when "
              + "computed with order 1.")),
      ]
    }
    if !forms.isEmpty {
      blocks += [
        .table(
          ReportTable(
            columns: [
              .init("lysozyme, ready mesh"), .init("triangles", .right), .init("energy, kcal/mol", .right),
              .init("iterations", .right), .init("solution, s", .right),
            ],
            rows: (forms + refinedForms).map {
              [
                $0.formulation.rawValue, "\($0.triangles)", String(format: "%.2f", $0.energy), "\($0.iterations)",
                String(format: "%.1f", $0.seconds.total),
              ]
            },
            caption:
              "The mesh of PyGBe's example, triangles with angles below 10 degrees removed, its three cavities left "
              + "out; with the thin triangles the direct form takes hundreds of iterations. PyGBe's own value on the whole "
              + "mesh is -581.29 kcal/mol (its issue 77). In the last rows each triangle is divided in four and new corners "
              + "are put onto the molecule's surface: chords cut off much of its convex parts before."))
      ]
    }
    let compared = molecules.filter { apbs[$0.molecule] != nil || $0.molecule.paper != nil }
    if !compared.isEmpty {
      let rows = compared.map { study in
        let peer = apbs[study.molecule]?.limit
        func text(_ value: Double?) -> String { value.map { String(format: "%.2f", $0) } ?? "–" }
        return [
          study.molecule.title, text(study.limit?.limit), text(peer?.limit), text(study.molecule.paper?.bempp),
          text(study.molecule.paper?.apbs),
        ]
      }
      blocks.append(
        .table(
          ReportTable(
            columns: [
              .init("molecule"), .init("here", .right), .init("APBS, run here", .right), .init("the paper", .right),
              .init("its APBS", .right),
            ], rows: rows,
            caption:
              "Extrapolated energies in kcal/mol. APBS is run where it's found (`--set apbs=…`). The paper's molecules "
              + "were prepared anew from the Protein Data Bank, so charges and radii may differ.")))
    }
    return blocks
  }

  private func otherReport() -> [ReportBlock] {
    var blocks: [ReportBlock] = []
    if let binding, let found = binding.limit {
      blocks += [
        .heading("Binding"),
        .table(
          ReportTable(
            columns: [.init("FKBP with dimethyl sulfoxide"), .init("kcal/mol", .right)],
            rows: zip(binding.counts, binding.changes).map {
              ["solvation change, \($0) triangles", String(format: "%.3f", $1)]
            } + [
              ["solvation change, extrapolated", String(format: "%.3f ± %.3f", found.limit, found.limitError)],
              ["Coulomb's energy", String(format: "%.3f", binding.coulomb)],
              ["Coulomb's energy by APBS's tool", String(format: "%.3f", BindingStudy.coulombOfAPBS)],
              ["sum", String(format: "%.3f ± %.3f", found.limit + binding.coulomb, found.limitError)],
              ["solvation change by APBS 3.0, van der Waals surface", String(format: "%.3f", BindingStudy.apbs)],
              ["solvation change by UHBD", String(format: "%.3f", BindingStudy.uhbd)],
            ], caption: "Dielectrics 2 and 78, 10 mM of salt. The change is a small difference of large energies.")),
      ]
    }
    if let shell {
      let (hours, gigabytes) = shell.extrapolated
      blocks += [
        .heading("A made-up shell"),
        .text(
          "**Synthetic geometry**: \(shell.copies) copies of barnase, turned by the icosahedron's rotations, "
            + "\(Format.short(shell.radius)) Å from the middle; no virus looks like it. \(shell.atoms) atoms, "
            + "\(shell.triangles) triangles: \(shell.iterations) iterations, \(Format.duration(shell.seconds.total)), "
            + "\(Format.bytes(shell.memoryPeak)). \(String(format: "%.1f", shell.energy)) kcal/mol, against "
            + "\(String(format: "%.1f", Double(shell.copies) * shell.single)) of that many copies apart: solvation takes back "
            + "what their charges repel each other in the solute's dielectric. "
            + "In proportion the paper's 10 million triangles would take \(Format.short(60 * hours)) minutes and "
            + "\(Format.short(gigabytes)) GB here; the paper took 2.3 hours and 152 GB with 40 cores."),
      ]
    }
    return blocks
  }

  /// The potential of lysozyme, or of the sphere where it wasn't computed.
  private func picture() throws -> ReportBlock? {
    if let study = molecules.first(where: { $0.molecule == .lysozyme }),
      let cell = study.fitted.last(where: { $0.potentials != nil }), let potentials = cell.potentials,
      let density = cell.density
    {
      let mesh = try MoleculeCell.mesh(APBSExamples.molecule(study.molecule.file), density)
      guard mesh.vertices.count == potentials.count else { return nil }
      return try BoundaryFigures.surface(mesh, potentials, of: "lysozyme")
    }
    guard let cell = cells(.derivativeExterior).last(where: { $0.potentials != nil }), let potentials = cell.potentials
    else { return nil }
    let mesh = try SurfaceMesh.icosphere(radius: 4, level: cell.level)
    return try BoundaryFigures.surface(mesh, potentials, of: "a sphere with a charge near its surface")
  }
}
