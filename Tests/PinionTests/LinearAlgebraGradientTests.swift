import Foundation
import Testing

@testable import Pinion

/// First and second derivatives by central differences.
@Suite struct LinearAlgebraGradientTests {
  let a = numbers([2, 3, 3], seed: 5)
  let b = numbers([2, 3, 2], seed: 6)
  var spd: Tensor { positiveDefinite(a) }

  @Test func solves() throws {
    var checks = GradientChecks()
    checks.add("cholesky", [spd]) { cholesky($0[0]) }
    checks.add("solve", [spd, b]) { solve($0[0], $0[1]) }
    checks.add("solve transposed", [spd, b]) { lu($0[0]).solve($0[1], transpose: true) }
    checks.add("inverse", [spd]) { inverse($0[0]) }
    checks.add("triangularSolve", [spd, b]) { triangularSolve($0[0], $0[1], lower: true, transpose: true) }
    checks.add("triangularSolve from the right", [spd, b]) {
      triangularSolve($0[0], $0[1].matrixTranspose(), lower: false, fromRight: true)
    }
    checks.add("triangularSolve, unit", [a, b]) {
      triangularSolve($0[0], $0[1], lower: false, unitDiagonal: true)
    }
    checks.add("choleskySolve", [spd, b]) { choleskySolve(cholesky($0[0]), $0[1]) }
    try checks.run()
  }

  @Test func factors() throws {
    var checks = GradientChecks()
    for shape in [[3, 3], [4, 3], [3, 4]] {
      let x = numbers(shape, seed: 8)
      checks.add("lu \(shape)", [x], second: shape == [3, 3]) { lu($0[0]).factors }
      checks.add("qr \(shape)", [x], second: shape == [4, 3]) {
        let (q, r) = qr($0[0])
        return q.matmul(numbers([q.type.columns, 2], seed: 3)).sum() + r.square().sum() * 0.1 + r.exp().sum()
      }
      checks.add("svd \(shape)", [x], second: shape == [4, 3]) {
        let (u, s, vh) = svd($0[0])
        return (u.square() * numbers(u.shape, seed: 3)).sum() + s.exp().sum()
          + (vh.square() * numbers(vh.shape, seed: 4)).sum()
      }
      checks.add("pseudoInverse \(shape)", [x], second: shape == [4, 3]) { pseudoInverse($0[0]) }
    }
    try checks.run()
  }

  @Test func spectra() throws {
    var checks = GradientChecks()
    checks.add("eigh", [spd]) {
      let (w, v) = eigh($0[0])
      return concatenate([w, (v.square() * numbers(v.shape, seed: 3)).sum(axes: [-1])], axis: -1)
    }
    checks.add("eigvalsh", [spd]) { eigvalsh($0[0]) }
    checks.add("svdvals", [a]) { svdvals($0[0]) }
    checks.add("determinant", [a]) { determinant($0[0]) }
    checks.add("slogdet", [a]) { slogdet($0[0]).logAbs }
    try checks.run()
  }

  @Test func functions() throws {
    var checks = GradientChecks()
    checks.add("matrixExponential", [a[0] * 4]) { matrixExponential($0[0]) }
    checks.add("matrixPower", [spd]) { matrixPower($0[0], -3) }
    checks.add("lstsq", [numbers([4, 2], seed: 3), numbers([4], seed: 4)]) { lstsq($0[0], $0[1]).solution }
    checks.add("norms", [a]) { x in
      stack([MatrixNorm.frobenius, .nuclear, .spectral, .leastSingular, .one, .infinity].map { matrixNorm(x[0], $0) })
    }
    checks.add("vector norms", [a]) { x in
      stack([1, 2, 3.5, .infinity, -.infinity].map { vectorNorm(x[0], order: $0) })
    }
    #expect(try doubles(grad { (x: Tensor) in vectorNorm(x) }(Tensor.zeros([3]))) == [0, 0, 0])
    #expect(try doubles(grad { (x: Tensor) in vectorNorm(x, order: 3) }(Tensor.zeros([3]))) == [0, 0, 0])
    try checks.run()
  }

  @Test func cofactorsOfSingularMatrices() throws {
    var c = Comparisons()
    let gradient = grad { (x: Tensor) in determinant(x) }
    c.close("rank 1 of 2", try gradient(Tensor([[1.0, 2], [2, 4]])), Tensor([[4.0, -2], [-2, 1]]))
    c.close("zero first", try gradient(Tensor([[0.0, 1], [0, 0]])), Tensor([[0.0, 0], [-1, 0]]))
    c.close("rank 1 of 3", try gradient(Tensor.ones([3, 3], dtype: .float64)), Tensor.zeros([3, 3], dtype: .float64))
    c.close("zero", try gradient(Tensor([[0.0]])), Tensor([[1.0]]))
    try c.check()
  }

  /// What doesn't depend on the choice of vectors has the right derivative, all else a finite one.
  @Test func degenerateSpectra() throws {
    var c = Comparisons()
    let q = qr(numbers([4, 4], seed: 12)).q
    let degenerate = (q * Tensor([1.0, 1, 1, 3])).matmul(q.matrixTranspose())
    let weights = numbers([4, 4], seed: 13)
    // The projector on the three equal ones; its derivative by perturbation theory, in differences.
    func projector(_ x: Tensor) -> Tensor {
      let v = eigh(x).eigenvectors.slice(axis: -1, from: 0, to: 3)
      return (v.matmul(v.matrixTranspose()) * weights).sum()
    }
    let (direction, h) = (positiveDefinite(numbers([4, 4], seed: 14)), 1e-6)
    let difference = (projector(degenerate + direction * h) - projector(degenerate - direction * h)) / (2 * h)
    c.close("projector", (try grad(projector)(degenerate) * direction).sum(), difference, 1e-7)
    let eye = Tensor.eye(4, dtype: .float64)
    c.close("trace", try grad { (x: Tensor) in eigh(x).eigenvalues.sum() }(eye), eye)
    c.close("nuclear norm", try grad { (x: Tensor) in matrixNorm(x, .nuclear) }(q), q)
    try c.check()
    let zeros = Tensor.zeros([4, 3], dtype: .float64)
    let finite = try [
      grad { (x: Tensor) in weigh(eigh(x).eigenvectors) }(degenerate),
      grad { (x: Tensor) in weigh(svd(x).u) + weigh(svd(x).vh) }(eye),
      grad { (x: Tensor) in weigh(svd(x).u) + weigh(svd(x).vh) + weigh(svd(x).s) }(zeros),
      grad { (x: Tensor) in weigh(pseudoInverse(x)) }(Tensor.ones([3, 3], dtype: .float64)),
      grad(grad { (x: Tensor) in weigh(eigh(x).eigenvectors) } >>> { $0.square().sum() })(degenerate),
    ]
    for gradient in finite { #expect(try isFinite(gradient)) }
  }
}

infix operator >>>
private func >>> (f: @escaping (Tensor) throws -> Tensor, g: @escaping (Tensor) -> Tensor) -> (Tensor) throws -> Tensor
{
  { g(try f($0)) }
}
