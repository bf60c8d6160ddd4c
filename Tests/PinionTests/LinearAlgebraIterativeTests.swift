import Foundation
import Testing

@testable import Pinion

@Suite struct LinearAlgebraIterativeTests {
  /// The Laplacian of a rectangular grid, without its boundary: positive definite, with equal eigenvalues where square.
  static func grid(_ x: Tensor) -> Tensor {
    let padded = x.pad(low: [1, 1], high: [1, 1])
    let (m, n) = (x.shape[0], x.shape[1])
    func shifted(_ i: Int, _ j: Int) -> Tensor {
      padded.slice(axis: 0, from: 1 + i, to: 1 + i + m).slice(axis: 1, from: 1 + j, to: 1 + j + n)
    }
    return x * 4 - shifted(-1, 0) - shifted(1, 0) - shifted(0, -1) - shifted(0, 1)
  }

  /// Eigenvalues of the grid's Laplacian, in ascending order.
  static func eigenvalues(_ m: Int, _ n: Int) -> [Double] {
    func line(_ k: Int, _ n: Int) -> Double { 2 - 2 * cos(Double(k + 1) * .pi / Double(n + 1)) }
    return (0..<m).flatMap { i in (0..<n).map { line(i, m) + line($0, n) } }.sorted()
  }

  static func dense(_ apply: (Tensor) throws -> Tensor, _ n: Int) rethrows -> Tensor {
    try apply(Tensor.eye(n, dtype: .float64))
  }

  @Test func conjugateGradients() throws {
    var c = Comparisons()
    let b = numbers([9, 7], seed: 3)
    let (x, steps) = try conjugateGradient(b, tolerance: 1e-12) { Self.grid($0) }
    c.close("grid", Self.grid(x), b)
    // As many steps as the operator has distinct eigenvalues, at most.
    #expect(try steps.item() <= 63)
    let (_, none) = try conjugateGradient(b, initial: x, tolerance: 1e-9) { Self.grid($0) }
    #expect(try none.item() == 0)
    let spd = positiveDefinite(numbers([6, 6]))
    let scaled = spd * Tensor([1.0, 10, 1e2, 1e3, 1e4, 1e5]) * Tensor([1.0, 10, 1e2, 1e3, 1e4, 1e5]).expandDims(-1)
    let right = numbers([6], seed: 4)
    let jacobi = try conjugateGradient(
      right, tolerance: 1e-10, preconditioner: { $0 / scaled.diagonal() }, { scaled.matmul($0) })
    c.close("preconditioned", jacobi.solution, solve(scaled, right), 1e-7)
    #expect(try jacobi.steps.item() <= 10)
    let hermitian = positiveDefinite(complexes([5, 5]))
    let z = complexes([5], seed: 3)
    c.close(
      "complex", try conjugateGradient(z, tolerance: 1e-12) { hermitian.matmul($0) }.solution, solve(hermitian, z))
    let compiled = jit { (a: Tensor, b: Tensor) in try conjugateGradient(b, tolerance: 1e-12) { a.matmul($0) }.solution
    }
    c.close("jit", try compiled(spd, right), solve(spd, right))
    try c.check()
  }

  @Test func batchesOfConjugateGradients() throws {
    let (a, b) = (positiveDefinite(numbers([3, 4, 4])), numbers([3, 4], seed: 3))
    let each = vmap { (a: Tensor, b: Tensor) -> Tensor in
      try conjugateGradient(b, tolerance: 1e-13, maxSteps: 40) { a.matmul($0) }.solution
    }
    try expectClose(try each(a, b), solve(a, b.expandDims(-1)).squeeze(axis: -1))
  }

  @Test func derivativesOfConjugateGradients() throws {
    let (a, b) = (positiveDefinite(numbers([4, 4])), numbers([4], seed: 3))
    try checkGradients("conjugateGradient", [a, b]) { x in
      let symmetric = (x[0] + x[0].matrixTranspose()) * 0.5
      return try conjugateGradient(x[1], tolerance: 1e-14, maxSteps: 40) { symmetric.matmul($0) }.solution
    }
    let (h, z) = (positiveDefinite(complexes([4, 4])), complexes([4], seed: 3))
    func loss(_ t: [Tensor], _ solver: (Tensor, Tensor) throws -> Tensor) throws -> Tensor {
      weigh(try solver((t[0] + t[0].adjoint()) * 0.5, t[1]))
    }
    let given = try grad { (t: [Tensor]) in
      try loss(t) { a, b in try conjugateGradient(b, tolerance: 1e-14, maxSteps: 40) { a.matmul($0) }.solution }
    }([h, z])
    let expected = try grad { (t: [Tensor]) in try loss(t) { solve($0, $1) } }([h, z])
    var c = Comparisons()
    c.close("complex, a", given[0], expected[0], 1e-8)
    c.close("complex, b", given[1], expected[1], 1e-8)
    try c.check()
  }

  @Test func lanczosAgainstClosedForm() throws {
    var c = Comparisons()
    let (m, n) = (8, 7)
    let all = Self.eigenvalues(m, n)
    let apply: (Tensor) -> Tensor = { Self.grid($0.reshape([m, n])).reshape([m * n]) }
    let start = numbers([m * n], seed: 2)
    let top = try lanczos(start, count: 4, steps: 45, apply)
    c.close("largest", top.eigenvalues, Tensor(Array(all.suffix(4).reversed())), 1e-8)
    for i in 0..<4 {
      let v = top.eigenvectors[.all, i]
      c.close("eigenvector \(i)", apply(v), v * top.eigenvalues[i], 1e-5)
    }
    let low = try lanczos(start, count: 3, .smallest, steps: 50, apply)
    c.close("smallest", low.eigenvalues, Tensor(Array(all.prefix(3))), 1e-8)
    let whole = try lanczosTridiagonal(start, steps: m * n, apply)
    c.close("basis", whole.basis.matmul(whole.basis.matrixTranspose()), Tensor.eye(m * n, dtype: .float64))
    // An operator with two eigenvalues spends its vectors after two steps.
    let two = Tensor([1.0, 1, 1, 5, 5, 5])
    let spent = try lanczos(numbers([6], seed: 5), count: 6, steps: 6) { $0 * two }
    c.close("equal eigenvalues", spent.eigenvalues, Tensor([5.0, 5, 5, 1, 1, 1]))
    let hermitian = positiveDefinite(complexes([8, 8]))
    c.close(
      "complex", try lanczos(complexes([8], seed: 3), count: 8) { hermitian.matmul($0) }.eigenvalues,
      eigvalsh(hermitian).reverse([0]))
    try c.check()
  }

  @Test func lobpcgAgainstDense() throws {
    var c = Comparisons()
    // A random graph's Laplacian.
    let weights = select(
      numbers([40, 40], 0, 1, seed: 7) .> 0.8, Tensor.ones([40, 40], dtype: .float64),
      Tensor.zeros([40, 40], dtype: .float64))
    let graph = weights.lowerTriangle(offset: -1) + weights.lowerTriangle(offset: -1).matrixTranspose()
    let laplacian = graph.sum(axes: [1]).diagonalMatrix() - graph
    let dense = eigvalsh(laplacian)
    let start = numbers([40, 4], seed: 2)
    let top = try lobpcg(start) { laplacian.matmul($0) }
    c.close("largest", top.eigenvalues, dense.slice(axis: 0, from: 36).reverse([0]))
    c.close("vectors", laplacian.matmul(top.eigenvectors), top.eigenvectors * top.eigenvalues, 1e-8)
    let low = try lobpcg(start, .smallest) { laplacian.matmul($0) }
    c.close("smallest", low.eigenvalues, dense.slice(axis: 0, from: 0, to: 4), 1e-8)
    // A square grid has equal eigenvalues.
    let square = try lobpcg(numbers([64, 6], seed: 3), .smallest) { x in
      stack((0..<x.shape[1]).map { Self.grid(x[.all, $0].reshape([8, 8])).reshape([64]) }, axis: 1)
    }
    c.close("grid", square.eigenvalues, Tensor(Array(Self.eigenvalues(8, 8).prefix(6))), 1e-9)
    let single = try lobpcg(start.cast(.float32)) { laplacian.cast(.float32).matmul($0) }
    c.close("float32", single.eigenvalues.cast(.float64), top.eigenvalues, 1e-4)
    try c.check()
    #expect(try top.steps.item() < 100)
    let gradient = try grad { (scale: Tensor) in
      try lobpcg(start) { (laplacian * scale).matmul($0) }.eigenvalues.sum()
    }(Tensor(2.0))
    try expectClose(gradient, top.eigenvalues.sum(), 1e-9)
    let slope = try grad { (scale: Tensor) in
      try lanczos(numbers([40]), count: 2) { (laplacian * scale).matmul($0) }.eigenvalues.sum()
    }(Tensor(2.0))
    try expectClose(slope, top.eigenvalues.slice(axis: 0, from: 0, to: 2).sum(), 1e-5)
  }

  @Test func derivativesOfEigenpairs() throws {
    func symmetric(_ a: Tensor) -> Tensor { (a + a.adjoint()) * 0.5 }
    /// What doesn't depend on the vectors' phases.
    func features(_ values: Tensor, _ vectors: Tensor) -> Tensor {
      concatenate([values, (vectors.abs().square() * numbers(vectors.shape, seed: 3)).sum(axes: [-2])], axis: -1)
    }
    func largest(_ a: Tensor) throws -> Tensor {
      let (w, v) = try lanczos(
        (a.dtype.isComplex ? complexes([6], seed: 2) : numbers([6], seed: 2)), count: 2, steps: 6
      ) { symmetric(a).matmul($0) }
      return features(w, v)
    }
    let a = positiveDefinite(numbers([6, 6], seed: 5))
    try checkGradients("lanczos and lobpcg", [a]) { x in
      let pairs = try lobpcg(numbers([6, 2], seed: 4), .smallest, tolerance: 1e-13) { symmetric(x[0]).matmul($0) }
      return concatenate([try largest(x[0]), features(pairs.eigenvalues, pairs.eigenvectors)])
    }
    /// The same by the whole spectrum.
    func dense(_ a: Tensor) -> Tensor {
      let (w, v) = eigh(a)
      return features(w.slice(axis: -1, from: 4).reverse([0]), v.slice(axis: -1, from: 4).reverse([1]))
    }
    var c = Comparisons()
    let z = positiveDefinite(complexes([6, 6], seed: 6))
    c.close("complex", try grad { try weigh(largest($0)) }(z), try grad { weigh(dense($0)) }(z), 1e-8)
    let batch = stack([a, positiveDefinite(numbers([6, 6], seed: 8))])
    let slopes = try vmap { (a: Tensor) -> Tensor in try grad { try weigh(largest($0)) }(a) }(batch)
    for i in 0..<2 { c.close("example \(i)", slopes[i], try grad { weigh(dense($0)) }(batch[i]), 1e-8) }
    try c.check()
  }

  @Test func messages() {
    func reason(_ body: () throws -> Void) -> String {
      do { try body() } catch let error as TensorError { return "\(error.operation): \(error.message)" } catch {
        return "\(error)"
      }
      return "nothing thrown"
    }
    let v = numbers([4])
    #expect(
      reason { _ = try conjugateGradient(v) { $0.sum() } }
        == "conjugateGradient: the operator makes float64[] of float64[4]; both must agree")
    #expect(
      reason { _ = try conjugateGradient(v, initial: numbers([3])) { $0 } }
        == "conjugateGradient: initial is float64[3], b float64[4]; they must agree")
    #expect(
      reason { _ = try lanczosTridiagonal(v, steps: 5) { $0 } }
        == "lanczos: takes 1 to 4 steps for vectors [4], asked for 5")
    #expect(
      reason { _ = try lanczos(v, count: 0) { $0 } }.hasPrefix("lanczos: "))
    #expect(
      reason { _ = try lobpcg(numbers([4, 2])) { $0 } }
        == "lobpcg: takes [n, k] with 1 ≤ k and 3k ≤ n, got [4, 2]; use eigh")
  }
}
