import Kernels

/// A linear operator on vectors of the unknowns of a surface.
protocol SurfaceOperator: Sendable {
  /// Unknowns.
  var count: Int { get }
  /// The product with a vector.
  func apply(_ x: [Double]) -> [Double]
}

/// The matrix of a formulation, all 4 N² elements: for small meshes, and to check others by.
///
/// Unknowns are u then t. Integrals over pairs of triangles that don't touch take a product rule, the others a singular
/// one. Where the second equation has derivatives, W_Y - W_L is integrated as it stands: its kernel grows only as 1/r.
final class DenseSystem: SurfaceOperator {
  let count: Int
  /// Row-major [count, count].
  let matrix: SharedDoubles

  init(
    _ elements: SurfaceElements, _ terms: FormulationTerms, space: BoundarySpace, quadratureOrder: Int,
    singularOrder: Int, checkInterrupt: () throws -> Void
  ) throws {
    let n = elements.count(space)
    count = 2 * n
    matrix = SharedDoubles(count * count)
    let pairs = TouchingPairs(elements)
    for (pass, weights) in terms.passes.enumerated() {
      // Where g, ∂g/∂n(y), ∂g/∂n(x), ∂²g of a pass go.
      let places = [(0, pass * n, n), (1, pass * n, 0), (2, n, n), (3, n, 0)]
      let assembly = DenseAssembly(
        elements: elements, form: .products(space, Array(places[..<(terms.differentiates ? 4 : 2)])), weights: weights,
        matrix: matrix, width: count)
      try assembly.addRegular(TriangleQuadrature(order: quadratureOrder), checkInterrupt)
      assembly.addTouching(pairs, order: singularOrder)
      try checkInterrupt()
    }
    let masses = MassMatrix(elements, space)
    for row in 0..<n {
      for entry in masses.entries(row) {
        matrix.pointer[row * count + entry.column] += terms.firstMass * entry.value
        let column = terms.differentiates ? n + entry.column : entry.column
        matrix.pointer[(n + row) * count + column] += terms.secondMass * entry.value
      }
    }
  }

  func apply(_ x: [Double]) -> [Double] { DenseSystem.product(matrix, rows: count, x) }

  /// A row-major matrix times a vector.
  static func product(_ matrix: SharedDoubles, rows: Int, _ x: [Double]) -> [Double] {
    let (from, to) = (SharedDoubles(x), SharedDoubles(rows))
    let width = x.count
    concurrently(rows, grain: 64) { rows in
      for row in rows {
        let line = matrix.pointer + row * width
        var (a, b) = (SIMD8<Double>.zero, SIMD8<Double>.zero)
        var column = 0
        while column + 16 <= width {
          let at = UnsafeRawPointer(line + column)
          let values = UnsafeRawPointer(from.pointer + column)
          a += at.loadUnaligned(as: SIMD8<Double>.self) * values.loadUnaligned(as: SIMD8<Double>.self)
          b +=
            at.loadUnaligned(fromByteOffset: 64, as: SIMD8<Double>.self)
            * values.loadUnaligned(fromByteOffset: 64, as: SIMD8<Double>.self)
          column += 16
        }
        var sum = (a + b).sum()
        while column < width {
          sum += line[column] * from.pointer[column]
          column += 1
        }
        to.pointer[row] = sum
      }
    }
    return to.array
  }
}

/// Adds integrals over pairs of triangles to a matrix.
struct DenseAssembly: Sendable {
  /// What is made of a pair's integrals.
  enum Form: Sendable {
    /// Some of the four products, each with the row and column where its block begins.
    case products(BoundarySpace, [(product: Int, row: Int, column: Int)])
    /// The hypersingular operator by parts, on linear elements, with κ².
    case byParts(squaredInverseLength: Double)
  }

  let elements: SurfaceElements
  let form: Form
  let weights: PairWeights
  let matrix: SharedDoubles
  /// Columns of the matrix.
  let width: Int

  /// Pairs that don't touch.
  func addRegular(_ quadrature: TriangleQuadrature, _ checkInterrupt: () throws -> Void) throws {
    let rule = quadrature.rows
    let points = Int64(quadrature.points.count)
    let triangles = elements.mesh.triangles
    let blockCount = (triangles.count + 7) / 8
    for set in elements.colours() {
      try checkInterrupt()
      concurrently(set.count) { range in
        let room = SharedDoubles(72 + 288)
        let (test, sums) = (room.pointer, room.pointer + 72)
        defer { withExtendedLifetime(room) {} }
        var weights = weights.c
        for place in range {
          let triangle = Int(set[place])
          for lane in 0..<8 {
            SurfaceElements.put(elements.mesh.vertices, triangles[triangle], test, lane: lane)
          }
          let touching = elements.touching(triangle)
          var next = 0
          for block in 0..<blockCount {
            kernels_triangle_pairs_product(test, elements.blocks.pointer + 72 * block, rule, points, &weights, sums)
            let lanes = min(8, triangles.count - 8 * block)
            for lane in 0..<lanes {
              if next < touching.count, Int(touching[next]) == 8 * block + lane {
                next += 1
                continue
              }
              let trial = 8 * block + lane
              add(
                .init(
                  test: Int32(triangle), trial: Int32(trial), testCorners: triangles[triangle],
                  trialCorners: triangles[trial], testSign: 1, trialSign: 1), sums + lane, 8)
            }
          }
        }
      }
    }
  }

  /// Pairs that touch.
  func addTouching(_ pairs: TouchingPairs, order: Int) {
    pairs.integrals(.init(weights: weights, order: order)) { pair, values in add(pair, values, 1) }
  }

  private func add(_ pair: TouchingPairs.Pair, _ values: UnsafePointer<Double>, _ step: Int) {
    let (to, test, trial) = (matrix.pointer, pair.testCorners, pair.trialCorners)
    switch form {
    case .products(.constant, let places):
      for (k, row, column) in places {
        var sum = 0.0
        for ab in 0..<9 { sum += values[(k * 9 + ab) * step] }
        to[(row + Int(pair.test)) * width + column + Int(pair.trial)] += sum
      }
    case .products(.linear, let places):
      for (k, row, column) in places {
        for a in 0..<3 {
          let line = to + (row + Int(test[a])) * width + column
          let from = values + (k * 9 + a * 3) * step
          line[Int(trial.x)] += from[0]
          line[Int(trial.y)] += from[step]
          line[Int(trial.z)] += from[2 * step]
        }
      }
    case .byParts(let square):
      pair.byParts(elements, values, step, square) { a, b, value in
        to[Int(test[a]) * width + Int(trial[b])] += value
      }
    }
  }
}

extension TouchingPairs.Pair {
  /// <W φ_b, φ_a> of a pair of triangles from its integrals of g: curls, and the normals' product where κ isn't 0.
  func byParts(
    _ elements: SurfaceElements, _ values: UnsafePointer<Double>, _ step: Int, _ square: Double,
    _ body: (Int, Int, Double) -> Void
  ) {
    var sum = 0.0
    for ab in 0..<9 { sum += values[ab * step] }
    let (first, second) = (elements.curls(testCorners, testSign), elements.curls(trialCorners, trialSign))
    let cosine = square * Vector.dot(elements.normals[Int(test)], elements.normals[Int(trial)])
    for a in 0..<3 {
      for b in 0..<3 {
        body(a, b, sum * Vector.dot(first[a], second[b]) + cosine * values[(3 * a + b) * step])
      }
    }
  }
}

/// Integrals of products of two basis functions, as compressed rows.
struct MassMatrix: Sendable {
  private let starts: [Int]
  private let columns: [Int32]
  private let values: [Double]

  init(_ elements: SurfaceElements, _ space: BoundarySpace) {
    let n = elements.count(space)
    var rows = [[Int32: Double]](repeating: [:], count: n)
    for (number, triangle) in elements.mesh.triangles.enumerated() {
      let area = elements.areas[number]
      if space == .constant {
        rows[number][Int32(number)] = area
        continue
      }
      for a in 0..<3 {
        for b in 0..<3 { rows[Int(triangle[a])][triangle[b], default: 0] += area / (a == b ? 6 : 12) }
      }
    }
    var (starts, columns, values): ([Int], [Int32], [Double]) = ([0], [], [])
    for row in rows {
      for (column, value) in row.sorted(by: { $0.key < $1.key }) {
        columns.append(column)
        values.append(value)
      }
      starts.append(columns.count)
    }
    (self.starts, self.columns, self.values) = (starts, columns, values)
  }

  func entries(_ row: Int) -> [(column: Int, value: Double)] {
    (starts[row]..<starts[row + 1]).map { (Int(columns[$0]), values[$0]) }
  }

  /// The product with a vector.
  func apply(_ x: UnsafePointer<Double>, adding scale: Double, to y: UnsafeMutablePointer<Double>) {
    for row in 0..<starts.count - 1 {
      var sum = 0.0
      for place in starts[row]..<starts[row + 1] { sum += values[place] * x[Int(columns[place])] }
      y[row] += scale * sum
    }
  }
}
