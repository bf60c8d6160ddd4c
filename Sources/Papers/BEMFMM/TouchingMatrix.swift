/// Which unknowns belong to triangles that touch, as compressed rows.
struct TouchingPattern: Sendable {
  let starts: [Int32]
  let columns: [Int32]
  var rows: Int { starts.count - 1 }

  init(_ elements: SurfaceElements, _ space: BoundarySpace) {
    var (starts, columns): ([Int32], [Int32]) = ([0], [])
    let triangles = elements.mesh.triangles
    for row in 0..<elements.count(space) {
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
  }

  /// Where an entry stands that is in the pattern.
  func place(_ row: Int32, _ column: Int32) -> Int {
    var (low, high) = (Int(starts[Int(row)]), Int(starts[Int(row) + 1]))
    while low + 1 < high {
      let middle = (low + high) / 2
      if columns[middle] <= column { low = middle } else { high = middle }
    }
    return low
  }
}

/// What sums over quadrature points lack of a formulation's matrix: singular integrals of touching triangles less those
/// sums; and the mass matrix.
struct TouchingMatrix: Sendable {
  private let pattern: TouchingPattern
  /// Of each pair of unknowns: first equation on u and on t, second on u and on t.
  private let blocks: SharedDoubles

  init(
    _ pairs: TouchingPairs, _ terms: FormulationTerms, _ space: BoundarySpace, order: Int, rule: TriangleQuadrature
  ) {
    let pattern = TouchingPattern(pairs.elements, space)
    let blocks = SharedDoubles(4 * pattern.columns.count)
    (self.pattern, self.blocks) = (pattern, blocks)
    for (pass, weights) in terms.passes.enumerated() {
      // Where each of the four products goes in a block.
      let parts = terms.differentiates ? [1, 0, 3, 2] : [2 * pass + 1, 2 * pass]
      pairs.integrals(.init(weights: weights, order: order, subtracted: rule)) { pair, values in
        if space == .constant {
          let at = 4 * pattern.place(pair.test, pair.trial)
          for (k, part) in parts.enumerated() {
            for ab in 0..<9 { blocks.pointer[at + part] += values[9 * k + ab] }
          }
          return
        }
        for a in 0..<3 {
          for b in 0..<3 {
            let at = 4 * pattern.place(pair.testCorners[a], pair.trialCorners[b])
            for (k, part) in parts.enumerated() { blocks.pointer[at + part] += values[9 * k + 3 * a + b] }
          }
        }
      }
    }
    let mass = MassMatrix(pairs.elements, space)
    for row in 0..<pattern.rows {
      for entry in mass.entries(row) {
        let at = 4 * pattern.place(Int32(row), Int32(entry.column))
        blocks.pointer[at] += terms.firstMass * entry.value
        blocks.pointer[at + (terms.differentiates ? 3 : 2)] += terms.secondMass * entry.value
      }
    }
  }

  /// The product with (u, t).
  func apply(_ x: SharedDoubles, to y: SharedDoubles) {
    let rows = pattern.rows
    concurrently(rows, grain: 512) { range in
      pattern.starts.withUnsafeBufferPointer { starts in
        pattern.columns.withUnsafeBufferPointer { columns in
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
