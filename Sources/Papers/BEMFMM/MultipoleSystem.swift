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
      [.laplace, .yukawa(terms.inverseLength)], sources: densities.places, targets: nil, order: options.expansionOrder,
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

/// What sums over quadrature points lack: singular integrals of touching triangles less those sums; and the mass matrix.
struct TouchingMatrix: Sendable {
  private let starts: [Int32]
  private let columns: [Int32]
  /// Of each pair of unknowns: first equation on u and on t, second on u and on t.
  private let blocks: SharedDoubles
  private let rows: Int

  init(
    _ pairs: TouchingPairs, _ terms: FormulationTerms, _ space: BoundarySpace, order: Int, rule: TriangleQuadrature
  ) {
    let elements = pairs.elements
    rows = elements.count(space)
    // Unknowns of triangles that touch one of a row's triangles.
    var (starts, columns): ([Int32], [Int32]) = ([0], [])
    let triangles = elements.mesh.triangles
    for row in 0..<rows {
      var mine: [Int32] = []
      if space == .constant {
        mine = elements.touching(row)
      } else {
        for one in elements.around[Int(elements.starts[row])..<Int(elements.starts[row + 1])] {
          for other in elements.touching(Int(one)) {
            let triangle = triangles[Int(other)]
            mine += [triangle.x, triangle.y, triangle.z]
          }
        }
        mine.sort()
        var last: Int32 = -1
        mine = mine.filter { one in
          defer { last = one }
          return one != last
        }
      }
      columns += mine
      starts.append(Int32(columns.count))
    }
    (self.starts, self.columns) = (starts, columns)
    let blocks = SharedDoubles(4 * columns.count)
    func place(_ row: Int32, _ column: Int32) -> Int {
      var (low, high) = (Int(starts[Int(row)]), Int(starts[Int(row) + 1]))
      while low + 1 < high {
        let middle = (low + high) / 2
        if columns[middle] <= column { low = middle } else { high = middle }
      }
      return 4 * low
    }
    // Where each of the four products goes in a block.
    for (pass, weights) in terms.passes.enumerated() {
      let parts = terms.differentiates ? [1, 0, 3, 2] : [2 * pass + 1, 2 * pass]
      pairs.integrals(.init(weights: weights, order: order, subtracted: rule)) { pair, values in
        if space == .constant {
          let at = place(pair.test, pair.trial)
          for (k, part) in parts.enumerated() {
            for ab in 0..<9 { blocks.pointer[at + part] += values[9 * k + ab] }
          }
          return
        }
        for a in 0..<3 {
          for b in 0..<3 {
            let at = place(pair.testCorners[a], pair.trialCorners[b])
            for (k, part) in parts.enumerated() { blocks.pointer[at + part] += values[9 * k + 3 * a + b] }
          }
        }
      }
    }
    let mass = MassMatrix(elements, space)
    for row in 0..<rows {
      for entry in mass.entries(row) {
        let at = place(Int32(row), Int32(entry.column))
        blocks.pointer[at] += terms.firstMass * entry.value
        blocks.pointer[at + (terms.differentiates ? 3 : 2)] += terms.secondMass * entry.value
      }
    }
    self.blocks = blocks
  }

  /// The product with (u, t).
  func apply(_ x: SharedDoubles, to y: SharedDoubles) {
    concurrently(rows, grain: 512) { range in
      starts.withUnsafeBufferPointer { starts in
        columns.withUnsafeBufferPointer { columns in
          for row in range {
            var (first, second) = (0.0, 0.0)
            for place in Int(starts[row])..<Int(starts[row + 1]) {
              let block = blocks.pointer + 4 * place
              let (u, t) = (x.pointer[Int(columns[place])], x.pointer[rows + Int(columns[place])])
              first += block[0] * u + block[1] * t
              second += block[2] * u + block[3] * t
            }
            y.pointer[row] += first
            y.pointer[rows + row] += second
          }
        }
      }
    }
  }
}
