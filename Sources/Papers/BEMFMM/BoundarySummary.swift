import Foundation
import Lab

/// Claims of the experiment.
struct BoundarySummary {
  let options: BoundaryElementOptions
  let scale: Scale
  let timings: [MultipoleTiming]
  let accuracy: [MultipoleAccuracy]
  var speeds: [KernelSpeed] = []
  var sums: PeerSumStudy?
  var spheres: [SphereCell] = []
  /// The ready mesh of lysozyme, and the same refined on the molecule's surface.
  var forms: [MoleculeCell] = []
  var refinedForms: [MoleculeCell] = []
  var molecules: [MoleculeStudy] = []
  var binding: BindingStudy?
  var apbs: [ExampleMolecule: APBSPeer.Energies] = [:]
  var shell: ShellStudy?

  private var isQuick: Bool { scale == .quick }

  func cells(_ formulation: BoundaryFormulation) -> [SphereCell] {
    spheres.filter { $0.formulation == formulation }.sorted { $0.triangles < $1.triangles }
  }

  /// Order in N over the three finest meshes.
  func order(_ formulation: BoundaryFormulation) -> Double? {
    Richardson.slope(cells(formulation).suffix(3).map { (count: $0.triangles, error: $0.error) })
  }

  /// Slope of the time over the number of points, both on logarithmic scales.
  static func slope(_ values: [(size: Int, seconds: Double)]) -> Double {
    -(Richardson.slope(values.map { (count: $0.size, error: $0.seconds) }) ?? .nan)
  }

  // MARK: Claims

  func claims() -> [Claim] {
    orderClaims() + iterationClaims() + multipoleClaims() + lysozymeClaims() + moleculeClaims() + otherClaims()
  }

  private func orderClaims() -> [Claim] {
    var claims: [Claim] = []
    for (formulation, name) in [(BoundaryFormulation.direct, "direct"), (.derivativeExterior, "derivative")] {
      guard let order = order(formulation) else { continue }
      claims.append(
        Claim(
          "sphere order, \(name)",
          statement: "the error falls as 1/N: observed order \(String(format: "%.3f", order)), the paper's "
            + "\(formulation == .direct ? "1.001" : "0.999")", measured: abs(order - 1), unit: "from 1",
          comparison: .atMost, threshold: isQuick ? 0.2 : 0.15, baseline: "Kirkwood's series", isStructural: true))
    }
    let wanted = isQuick ? 1_280 : 5_120
    if let cell = cells(.derivativeExterior).first(where: { $0.triangles == wanted }) {
      claims.append(
        Claim(
          "sphere error", statement: "the derivative form on \(wanted) triangles is near the closed form",
          measured: 100 * cell.error, unit: "%", comparison: .atMost, threshold: isQuick ? 3 : 1,
          baseline: String(format: "Kirkwood's series, -12.258364 kcal/mol; here %.6f", cell.energy), isStructural: true
        ))
    }
    let derivative = cells(.derivativeExterior)
    if derivative.count >= 3, let exact = try? KirkwoodSphere(radius: 4).energy(SphereCell.charges),
      let found = try? Richardson(derivative.map { (count: $0.triangles, value: $0.energy) })
    {
      claims.append(
        Claim(
          "Richardson, sphere",
          statement: "the value extrapolated from the last three meshes is nearer than the finest",
          measured: 100 * abs(found.limit / exact - 1), unit: "%", comparison: .informative,
          baseline: "finest mesh \(Format.short(100 * (derivative.last?.error ?? .nan))) %"))
    }
    return claims
  }

  private func iterationClaims() -> [Claim] {
    let (exterior, interior, direct) = (cells(.derivativeExterior), cells(.derivativeInterior), cells(.direct))
    var claims: [Claim] = []
    let ratios = zip(exterior, interior).map { Double($0.iterations) / Double($1.iterations) }
    if let worst = ratios.max() {
      claims.append(
        Claim(
          "exterior traces", statement: "they take fewer GMRES iterations than interior ones, on the worst mesh",
          measured: worst, unit: "of interior's", comparison: .atMost, threshold: 0.7, baseline: "derivative, interior")
      )
    }
    let counts = exterior.map(\.iterations)
    if counts.count > 1, let low = counts.min(), let high = counts.max() {
      claims.append(
        Claim(
          "steady iterations", statement: "the derivative form's iterations hardly change with the mesh",
          measured: Double(high - low), unit: "iterations", comparison: .atMost, threshold: 3,
          baseline: "\(counts.map(String.init).joined(separator: ", "))"))
    }
    if let first = direct.first(where: { $0.level == 2 }), let last = direct.last, last.level >= 5 {
      let cell = direct.first { $0.level == 5 } ?? last
      claims.append(
        Claim(
          "direct form's growth", statement: "the direct form's iterations grow from 320 to 20,480 triangles",
          measured: Double(cell.iterations) / Double(first.iterations), unit: "times", comparison: .atLeast,
          threshold: 1.5, baseline: "\(direct.map { String($0.iterations) }.joined(separator: ", "))"))
    }
    return claims
  }

  private func multipoleClaims() -> [Claim] {
    let thresholds = [4: 1e-3, 5: 1e-4, 6: 1e-4, 8: 1e-5]
    var claims = accuracy.compactMap { study in
      thresholds[study.order].map { threshold in
        Claim(
          "multipole error, p = \(study.order)", statement: "L2, relative, at 1,000 targets; the worst of both kernels",
          measured: study.worst, comparison: .atMost, threshold: threshold, baseline: "all pairs", isStructural: true)
      }
    }
    for (name, values) in [
      ("Laplace", timings.map { (size: $0.size, seconds: $0.laplace) }),
      ("Yukawa", timings.map { (size: $0.size, seconds: $0.yukawa) }),
    ] {
      let range = "\(timings.first?.size ?? 0) to \(timings.last?.size ?? 0) points"
      claims.append(
        Claim(
          "multipole time, \(name)", statement: "it grows about as the number of points: slope over \(range)",
          measured: Self.slope(values), comparison: .atMost, threshold: 1.25, baseline: "all pairs: 2"))
    }
    if let sums, !sums.ratios.isEmpty {
      let ratios = sums.ratios
      claims.append(
        Claim(
          "FMM3D",
          statement: "its time over ours at equal error, the least of \(ratios.count) accuracies; "
            + "\(sums.points) points in a cube, Laplace potentials, with making the tree",
          measured: ratios.min() ?? .nan, unit: "x", comparison: .atLeast, threshold: 1,
          baseline: "fmm3dpy \(sums.version): \(ratios.map { Format.short($0) }.joined(separator: ", ")) x"))
    }
    return claims
  }

  private func lysozymeClaims() -> [Claim] {
    func claim(_ name: String, _ what: String, _ cells: [MoleculeCell]) -> Claim? {
      guard let direct = cells.first(where: { $0.formulation == .direct }),
        let derivative = cells.first(where: { $0.formulation == .derivativeExterior })
      else { return nil }
      return Claim(
        name, statement: "direct and derivative form agree on \(what): \(direct.triangles) triangles",
        measured: 100 * abs(direct.energy / derivative.energy - 1), unit: "%", comparison: .atMost, threshold: 2,
        baseline: String(format: "direct %.2f, derivative %.2f kcal/mol", direct.energy, derivative.energy))
    }
    var claims = [
      claim("lysozyme, two forms", "the ready mesh, thin triangles removed", forms),
      claim("lysozyme, refined", "the same, refined once on the molecule's surface", refinedForms),
    ]
    if let study = molecules.first(where: { !$0.direct.isEmpty }) {
      claims.append(
        claim("lysozyme, own surface", "the finest surface made here", [study.direct, study.cells].compactMap(\.last)))
      if let first = study.direct.first, let last = study.direct.last {
        claims.append(
          Claim(
            "direct form on lysozyme",
            statement: "growth of the direct form's iterations from \(first.triangles) to \(last.triangles) triangles",
            measured: Double(last.iterations) / Double(first.iterations), unit: "times", comparison: .informative,
            baseline: "direct \(study.direct.map { String($0.iterations) }.joined(separator: ", ")); derivative "
              + study.cells.map { String($0.iterations) }.joined(separator: ", ")))
      }
    }
    return claims.compactMap { $0 }
  }

  private func moleculeClaims() -> [Claim] {
    var claims: [Claim] = []
    for study in molecules {
      guard let found = study.limit else { continue }
      if let peer = apbs[study.molecule]?.limit {
        claims.append(
          Claim(
            "\(study.molecule.title) against APBS",
            statement: "extrapolated energies of both differ by a percent or two",
            measured: 100 * abs(found.limit / peer.limit - 1), unit: "%", comparison: .atMost, threshold: 2,
            baseline: String(format: "APBS %.2f ± %.2f kcal/mol", peer.limit, peer.limitError)))
      }
      if let paper = study.molecule.paper {
        claims.append(
          Claim(
            "\(study.molecule.title) against the paper",
            statement: "extrapolated; whether charges and radii are the paper's isn't known",
            measured: 100 * abs(found.limit / paper.bempp - 1), unit: "%", comparison: .informative,
            baseline: String(format: "the paper's %.2f kcal/mol; here %.2f", paper.bempp, found.limit)))
      }
      if let plain = study.cells.dropLast().last, let fitted = study.fitted.dropLast().last {
        claims.append(
          Claim(
            "\(study.molecule.title), fitted surface",
            statement:
              "error at \(Format.short(fitted.density ?? 0)) triangles/Å² where triangles, not vertices, are on the "
              + "surface", measured: 100 * abs(fitted.energy / found.limit - 1), unit: "%", comparison: .informative,
            baseline: "vertices on it: \(Format.short(100 * abs(plain.energy / found.limit - 1))) %"))
      }
      if let order = found.observedOrder {
        claims.append(
          Claim(
            "\(study.molecule.title), order", statement: "observed order in N on surfaces made here", measured: order,
            comparison: .informative, baseline: "the paper's 1.1 to 1.3"))
      }
    }
    return claims
  }

  private func otherClaims() -> [Claim] {
    var claims: [Claim] = []
    if let binding, let found = binding.limit {
      claims.append(
        Claim(
          "FKBP, solvation change", statement: "dimethyl sulfoxide to FKBP, extrapolated from two densities",
          measured: found.limit, unit: "kcal/mol",
          interval: (found.limit - found.limitError)...(found.limit + found.limitError), comparison: .informative,
          baseline: String(
            format: "van der Waals surfaces: APBS %.2f, UHBD %.2f", BindingStudy.apbs, BindingStudy.uhbd)))
    }
    if let shell {
      claims.append(
        Claim(
          "made-up shell", statement: "\(shell.copies) copies of barnase solved at once, \(shell.triangles) triangles",
          measured: shell.seconds.total / 60, unit: "minutes", comparison: .atMost, threshold: 30,
          baseline: "\(shell.iterations) iterations, \(Format.bytes(shell.memoryPeak))"))
    }
    return claims
  }
}
