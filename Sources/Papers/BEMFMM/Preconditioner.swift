/// What the residual is multiplied by: an approximate inverse of the matrix that is cheap.
struct Preconditioner: Sendable {
  /// For each unknown i the 2x2 matrix on (x_i, x_{n+i}), rows one after the other.
  private let blocks: [SIMD4<Double>]

  /// The inverse lumped mass matrix for both equations of a derivative form; for the direct form the inverse of the
  /// diagonals of the four blocks (Altman et al. 2009).
  init(_ elements: SurfaceElements, _ terms: FormulationTerms, _ space: BoundarySpace, singularOrder: Int) {
    let mass = elements.lumpedMass(space)
    if terms.differentiates {
      blocks = mass.map { $0 > 0 ? SIMD4(1 / $0, 0, 0, 1 / $0) : SIMD4(1, 0, 0, 1) }
      return
    }
    // Of a flat triangle with itself only V isn't zero.
    var diagonals = mass.map { SIMD4($0 * terms.firstMass, 0, $0 * terms.secondMass, 0) }
    let pairs = TouchingPairs(elements, only: .identical)
    for (pass, weights) in terms.passes.enumerated() {
      pairs.integrals(.init(weights: weights, order: singularOrder)) { pair, values in
        diagonals[Int(pair.test)][2 * pass + 1] += (0..<9).reduce(0) { $0 + values[$1] }
      }
    }
    blocks = diagonals.map { d in
      let determinant = d.x * d.w - d.y * d.z
      return SIMD4(d.w, -d.y, -d.z, d.x) / determinant
    }
  }

  /// The product with a vector.
  func apply(_ x: [Double]) -> [Double] {
    let n = blocks.count
    var y = x
    for i in 0..<n {
      let (block, a, b) = (blocks[i], x[i], x[n + i])
      y[i] = block.x * a + block.y * b
      y[n + i] = block.z * a + block.w * b
    }
    return y
  }
}
