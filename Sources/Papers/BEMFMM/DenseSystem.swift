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
      // Where the products of a pass go: row offset, column offset of g, ∂g/∂n(y), ∂g/∂n(x), ∂²g.
      let places = [(pass * n, n), (pass * n, 0), (n, n), (n, 0)]
      let used = terms.differentiates ? 4 : 2
      let assembly = DenseAssembly(
        elements: elements, space: space, weights: weights, places: Array(places[..<used]), matrix: matrix,
        width: count)
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
  let elements: SurfaceElements
  let space: BoundarySpace
  let weights: PairWeights
  /// Row and column where the block of each of the four products begins.
  let places: [(row: Int, column: Int)]
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
              scatter(triangles[triangle], triangles[8 * block + lane], triangle, 8 * block + lane, sums + lane, 8)
            }
          }
        }
      }
    }
  }

  /// Pairs that touch.
  func addTouching(_ pairs: TouchingPairs, order: Int) {
    pairs.integrals(.init(weights: weights, order: order)) { pair, values in
      scatter(pair.testCorners, pair.trialCorners, Int(pair.test), Int(pair.trial), values, 1)
    }
  }

  @inline(__always)
  private func scatter(
    _ test: SIMD3<Int32>, _ trial: SIMD3<Int32>, _ testNumber: Int, _ trialNumber: Int,
    _ values: UnsafePointer<Double>, _ step: Int
  ) {
    let to = matrix.pointer
    for k in 0..<places.count {
      let (row, column) = places[k]
      if space == .constant {
        var sum = 0.0
        for ab in 0..<9 { sum += values[(k * 9 + ab) * step] }
        to[(row + testNumber) * width + column + trialNumber] += sum
        continue
      }
      for a in 0..<3 {
        let line = to + (row + Int(test[a])) * width + column
        let from = values + (k * 9 + a * 3) * step
        line[Int(trial.x)] += from[0]
        line[Int(trial.y)] += from[step]
        line[Int(trial.z)] += from[2 * step]
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
