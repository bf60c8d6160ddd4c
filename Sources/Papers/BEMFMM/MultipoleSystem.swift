import Kernels

/// The product with a formulation's matrix by fast multipoles: A x = P2ᵀ G P1 x + S x.
///
/// G sums over all pairs of quadrature points in both kernels at once, as one tree's charges and dipoles. S, stored,
/// holds the singular integrals of touching triangles less what G already has of them, and the mass matrix.
final class MultipoleSystem: SurfaceOperator {
  let count: Int
  private let terms: FormulationTerms
  private let densities: SurfaceDensities
  private let corrections: TouchingMatrix
  private let plan: MultipolePlan

  /// - Throws: as `FastMultipole.init`.
  init(
    _ elements: SurfaceElements, _ terms: FormulationTerms, _ densities: SurfaceDensities,
    _ options: BoundarySolverOptions
  ) throws {
    count = 2 * elements.count(densities.space)
    (self.terms, self.densities) = (terms, densities)
    plan = try MultipolePlan(
      [.laplace, .yukawa(inverseLength: terms.inverseLength)], sources: densities.places, targets: nil,
      order: options.expansionOrder,
      leafCapacity: options.leafCapacity)
    corrections = TouchingMatrix(
      TouchingPairs(elements), terms, densities.space, order: options.singularOrder, rule: densities.rule)
  }

  func apply(_ x: [Double]) -> [Double] {
    let n = count / 2
    let (from, to) = (SharedDoubles(x), SharedDoubles(count))
    corrections.apply(from, to: to)
    let points = densities.places.count
    let (u, t, dipoles) = (SharedDoubles(points), SharedDoubles(points), SharedDoubles(3 * points))
    densities.weighted(from, to: u)
    densities.weighted(from, from: n, to: t)
    concurrently(points, grain: 1 << 14) { range in
      for i in range {
        let dipole = u.pointer[i] * densities.normal(i)
        for axis in 0..<3 { dipoles.pointer[axis * points + i] = dipole[axis] }
      }
    }
    let fields = plan.fields(
      charges: t, dipoles: dipoles, scales: [terms.dipoles.x, terms.dipoles.y], needsGradient: terms.differentiates)
    let (laplace, yukawa, values) = (fields[0], fields[1], SharedDoubles(2 * points))
    let (first, second, differentiates) = (terms.first, terms.second, terms.differentiates)
    concurrently(points, grain: 1 << 14) { range in
      let (l, y) = (laplace.pointer, yukawa.pointer)
      for i in range {
        values.pointer[i] = first.x * l[i] + first.y * y[i]
        if differentiates {
          let (p, q) = (points + i, 2 * points + i)
          let r = 3 * points + i
          let slope = SIMD3(
            second.x * l[p] + second.y * y[p], second.x * l[q] + second.y * y[q], second.x * l[r] + second.y * y[r])
          values.pointer[points + i] = Vector.dot(slope, densities.normal(i))
        } else {
          values.pointer[points + i] = second.x * l[i] + second.y * y[i]
        }
      }
    }
    densities.tested(values, to: to)
    densities.tested(values, from: points, to: to, at: n)
    return to.array
  }
}
