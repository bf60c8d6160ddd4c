import Foundation
import Testing

@testable import Pinion

/// Values of NumPy and SciPy, derivatives of jax: see Oracles/linearAlgebra.py.
@Suite struct LinearAlgebraOracleTests {
  private struct Field {
    let name: String
    let make: ([Int], UInt64) -> Tensor
  }
  private let fields = [
    Field(name: "real") { numbers($0, seed: $1) }, Field(name: "complex") { complexes($0, seed: $1) },
  ]

  @Test(arguments: [0, 1]) func values(_ place: Int) throws {
    let field = fields[place]
    let stored = try oracle("linearAlgebra", as: [String: StoredArray].self)
    var c = Comparisons()
    func expect(_ name: String, _ value: Tensor) throws {
      let expected = try #require(stored["\(field.name) \(name)"], "\(name)").tensor
      // Stored complex numbers have a last axis of two.
      let shown = value.dtype.isComplex ? stack([value.real(), value.imaginary()], axis: -1) : value
      c.close("\(field.name) \(name)", shown, expected, 1e-10)
    }
    let (a, b) = (field.make([2, 4, 4], 1), field.make([2, 4, 3], 2))
    let (tall, wide) = (field.make([5, 3], 3), field.make([3, 5], 4))
    let spd = positiveDefinite(a)
    try expect("cholesky", cholesky(spd))
    try expect("solve", solve(a, b))
    try expect("inverse", inverse(a))
    try expect("determinant", determinant(a))
    try expect("slogdet sign", slogdet(a).sign)
    try expect("slogdet log", slogdet(a).logAbs)
    try expect("power", matrixPower(a, -3))
    try expect("expm", matrixExponential(stack([a[0], a[1] * 9])))
    try expect("eigvalsh", eigvalsh(spd))
    let more = concatenate([b[0], b[1, 0..<1]])
    for (name, x, y) in [("tall", tall, more), ("wide", wide, b[0, 0..<3])] {
      try expect("\(name) svdvals", svdvals(x))
      try expect("\(name) pinv", pseudoInverse(x))
      try expect("\(name) lstsq", lstsq(x, y).solution)
      try expect("\(name) q", qr(x).q)
      try expect("\(name) r", qr(x).r)
      let norms: [(String, MatrixNorm)] = [
        ("fro", .frobenius), ("nuc", .nuclear), ("2", .spectral), ("-2", .leastSingular), ("1", .one),
        ("inf", .infinity),
      ]
      for (norm, kind) in norms { try expect("\(name) norm \(norm)", matrixNorm(x, kind)) }
    }
    let orders: [(String, Double)] = [
      ("1", 1), ("2", 2), ("3.5", 3.5), ("inf", .infinity), ("-inf", -.infinity), ("0", 0),
    ]
    for (name, order) in orders {
      try expect("vector norm \(name)", vectorNorm(field.make([2, 5], 6), order: order, axes: [1]))
    }
    let factors = lu(tall)
    try expect("lu lower", factors.lower)
    try expect("lu upper", factors.upper)
    try expect("lu permutation", factors.permutation.cast(.float64))
    try c.check()
  }

  @Test(arguments: [0, 1]) func gradients(_ place: Int) throws {
    let field = fields[place]
    let stored = try oracle("linearAlgebra", as: [String: StoredArray].self)
    var c = Comparisons()
    func expect(_ name: String, at x: Tensor, _ f: @escaping (Tensor) throws -> Tensor) throws {
      let expected = try #require(stored["\(field.name) gradient \(name)"], "\(name)").tensor
      let value = try grad(f)(x)
      let shown = value.dtype.isComplex ? stack([value.real(), value.imaginary()], axis: -1) : value
      c.close("\(field.name) gradient \(name)", shown, expected, 1e-9)
    }
    let (a, b) = (field.make([2, 4, 4], 1), field.make([2, 4, 3], 2))
    let (tall, wide) = (field.make([5, 3], 3), field.make([3, 5], 4))
    let spd = positiveDefinite(a)
    func squares(_ x: Tensor, seed: UInt64) -> Tensor { weigh(x.real().square() + x.imaginary().square(), seed: seed) }
    try expect("cholesky", at: spd) { weigh(cholesky($0)) }
    try expect("solve", at: a) { weigh(solve($0, b)) }
    try expect("inverse", at: a) { weigh(inverse($0)) }
    try expect("determinant", at: a) { weigh(determinant($0)) }
    try expect("slogdet", at: a) { weigh(slogdet($0).logAbs) + weigh(slogdet($0).sign) }
    try expect("qr", at: tall) { weigh(qr($0).q) + weigh(qr($0).r, seed: 8) }
    try expect("eigh", at: spd) {
      let (w, v) = eigh($0)
      return weigh(w * w * w) + squares(v, seed: 8)
    }
    try expect("svd", at: tall) {
      let (u, s, vh) = svd($0)
      return weigh(s * s * s) + squares(u, seed: 8) + squares(vh, seed: 7)
    }
    try expect("pinv", at: wide) { weigh(pseudoInverse($0)) }
    try expect("expm", at: a[0]) { weigh(matrixExponential($0)) }
    try c.check()
  }
}
