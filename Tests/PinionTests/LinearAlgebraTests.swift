import Foundation
import Testing

@testable import Pinion

@Suite struct LinearAlgebraTests {
  static let dtypes: [DType] = [.float32, .float64, .complex64, .complex128]

  /// Random matrices of any type.
  private func matrices(_ shape: [Int], _ dtype: DType, seed: UInt64 = 1) -> Tensor {
    dtype.isComplex ? complexes(shape, seed: seed).cast(dtype) : numbers(shape, seed: seed, dtype: dtype)
  }

  /// Sizes on both sides of the limit between our loops and LAPACK's, and batches that fill SIMD lanes and don't.
  @Test(arguments: dtypes) func factorsGiveTheMatrixBack(_ dtype: DType) throws {
    for (lead, n) in [([], 34), ([37], 8), ([3], 5)] as [([Int], Int)] {
      try checkFactors("\(dtype)\(lead) n = \(n)", lead, n, dtype)
    }
  }

  private func checkFactors(_ name: String, _ lead: [Int], _ n: Int, _ dtype: DType) throws {
    let tolerance = dtype.realType == .float64 ? 1e-11 : 2e-4
    let (a, b) = (matrices(lead + [n, n], dtype), matrices(lead + [n, 2], dtype, seed: 3))
    let wide = matrices(lead + [n, n + 3], dtype, seed: 2)
    let spd = positiveDefinite(a)
    let tall = wide.matrixTranspose()
    try evaluate(a, b, wide, spd, tall)
    let (l, x, y, z) = (
      cholesky(spd), choleskySolve(cholesky(spd), b), solve(spd, b), lu(spd).solve(b, transpose: true)
    )
    let ((w, v), values) = (eigh(spd), eigvalsh(spd))
    let turned = b.matrixTranspose()
    let small = spd * 0.01
    func triangular(_ t: (lower: Bool, transpose: Bool, right: Bool, unit: Bool)) -> Tensor {
      triangularSolve(
        t.unit ? small : spd, t.right ? turned : b, lower: t.lower, transpose: t.transpose, fromRight: t.right,
        unitDiagonal: t.unit)
    }
    let cases = [
      (true, false, false, false), (false, true, false, false), (true, true, true, false),
      (false, false, true, false), (true, true, false, true), (false, false, false, true),
    ]
    let solved = cases.map(triangular)
    try evaluate([l, x, y, z, w, v, values, small, turned] + solved)
    let (matrix, rhs, vectors) = try (HostMatrices(spd), HostMatrices(b), HostMatrices(v))
    let factor = try HostMatrices(l)
    (factor * factor.adjoint).expect("\(name) cholesky", matrix, tolerance)
    factor.keeping { $1 > $0 }.expect("\(name) upper half", factor.keeping { _, _ in false }, 0)
    try (matrix * HostMatrices(x)).expect("\(name) choleskySolve", rhs, tolerance)
    try (matrix * HostMatrices(y)).expect("\(name) solve", rhs, tolerance)
    try (matrix.transposed * HostMatrices(z)).expect("\(name) solve transposed", rhs, tolerance)
    try (vectors.scaled(by: w) * vectors.adjoint).expect("\(name) eigh", matrix, tolerance)
    let eye = HostMatrices.identity(like: matrix, n)
    (vectors.adjoint * vectors).expect("\(name) eigenvectors", eye, tolerance)
    try eye.scaled(by: values).expect("\(name) eigvalsh", eye.scaled(by: w), tolerance)
    for (t, x) in zip(cases, solved) {
      // What isn't read may be anything.
      let given = try HostMatrices(t.3 ? small : spd)
      let triangle = given.keeping { t.0 ? $0 >= $1 : $0 <= $1 }
      let used = t.3 ? triangle.keeping { $0 != $1 } : triangle
      let op = t.1 ? used.transposed : used
      let x = try HostMatrices(x)
      var product = t.2 ? x * op : op * x
      if t.3 { product = product + x }
      try product.expect("\(name) triangular \(t)", HostMatrices(t.2 ? turned : b), tolerance)
    }
    for x in [a, wide, tall] {
      let (name, k) = ("\(name) \(x.shape)", min(x.type.rows, x.type.columns))
      let (thin, whole, factors, parts, full) = (qr(x), qr(x, complete: true), lu(x), svd(x), svd(x, complete: true))
      let (lower, upper, s) = (factors.lower, factors.upper, svdvals(x))
      try evaluate(
        thin.q, thin.r, whole.q, whole.r, factors.permutation, lower, upper, s, parts.u, parts.s, parts.vh, full.u,
        full.s, full.vh)
      let host = try HostMatrices(x)
      func expectOrthonormal(_ what: String, _ q: HostMatrices) {
        (q.adjoint * q).expect("\(name) \(what)", .identity(like: q, q.columns), tolerance)
      }
      let order = try factors.permutation.array(of: Int32.self)
      try (HostMatrices(lower) * HostMatrices(upper)).expect("\(name) lu", host.taking(order), tolerance)
      for (q, r) in [thin, whole] {
        let (q, r) = try (HostMatrices(q), HostMatrices(r))
        (q * r).expect("\(name) qr", host, tolerance)
        expectOrthonormal("q", q)
        r.keeping { $0 > $1 }.expect("\(name) r", r.keeping { _, _ in false }, 0)
      }
      try (HostMatrices(parts.u).scaled(by: parts.s) * HostMatrices(parts.vh)).expect("\(name) svd", host, tolerance)
      try expectOrthonormal("u", HostMatrices(full.u))
      try expectOrthonormal("vh", HostMatrices(full.vh))
      let unit = HostMatrices.identity(like: host, k)
      for other in [full.s, s] {
        try unit.scaled(by: other).expect("\(name) svdvals", unit.scaled(by: parts.s), tolerance)
      }
    }
  }

  /// What stands in without LAPACK: StableHLO's and XLA's own functions. Shapes are of their own, for programs are kept.
  @Test(arguments: [DType.float32, .float64]) func withoutLibrary(_ dtype: DType) throws {
    try LAPACK.$isHidden.withValue(true) {
      let tolerance = dtype == .float64 ? 1e-9 : 1e-3
      let (a, b) = (numbers([2, 7, 7], seed: 21, dtype: dtype), numbers([2, 7, 3], seed: 22, dtype: dtype))
      let spd = positiveDefinite(a)
      let wide = numbers([7, 9], seed: 23, dtype: dtype)
      let (l, x, t) = (cholesky(spd), solve(spd, b), triangularSolve(spd, b, lower: false, transpose: true))
      let ((w, v), tall, whole) = (eigh(spd), qr(wide.matrixTranspose()), qr(wide.matrixTranspose(), complete: true))
      try evaluate(spd, wide, l, x, t, w, v, tall.q, tall.r, whole.q, whole.r)
      let (matrix, rhs, factor, vectors) = try (HostMatrices(spd), HostMatrices(b), HostMatrices(l), HostMatrices(v))
      (factor * factor.adjoint).expect("cholesky", matrix, tolerance)
      try (matrix * HostMatrices(x)).expect("solve", rhs, tolerance)
      try (matrix.keeping { $0 <= $1 }.transposed * HostMatrices(t)).expect("triangular", rhs, tolerance)
      try (vectors.scaled(by: w) * vectors.adjoint).expect("eigh", matrix, max(tolerance, 1e-7))
      for (q, r) in [tall, whole] {
        let q = try HostMatrices(q)
        try (q * HostMatrices(r)).expect("qr", HostMatrices(wide).transposed, tolerance)
        (q.adjoint * q).expect("q", .identity(like: q, q.columns), tolerance)
      }
      #expect(throws: TensorError.self) { try svd(wide).s.bytes() }
      do { _ = try lu(wide).factors.bytes() } catch let error as TensorError {
        #expect(error.message.hasPrefix("needs LAPACK on the CPU: libscipy_openblas.so"))
      }
    }
  }

  @Test func emptyMatricesAndBatches() throws {
    var c = Comparisons()
    let none = Tensor.zeros([0, 3, 3])
    #expect(cholesky(none).shape == [0, 3, 3])
    #expect(try svd(none).s.array(of: Float.self).isEmpty)
    #expect(try solve(none, Tensor.ones([3])).array(of: Float.self).isEmpty)
    #expect(try eigh(Tensor.zeros([2, 0, 0])).eigenvectors.array(of: Float.self).isEmpty)
    let thin = Tensor.zeros([3, 0])
    c.close("complete q", qr(thin, complete: true).q, Tensor.eye(3))
    c.close("complete u", svd(thin, complete: true).u, Tensor.eye(3))
    c.close("determinant", determinant(Tensor.zeros([0, 0])), Tensor(1 as Float))
    #expect(pseudoInverse(thin).shape == [0, 3])
    #expect(matrixExponential(none).shape == [0, 3, 3])
    c.close("norm", matrixNorm(thin, .nuclear), Tensor(0 as Float))
    try c.check()
  }

  @Test func vectorsAndLeadingAxesOfSystems() throws {
    var c = Comparisons()
    let (a, stack) = (positiveDefinite(numbers([3, 3])), positiveDefinite(numbers([4, 3, 3])))
    let x = solve(stack, Tensor([1.0, 2, 3]))
    #expect(x.shape == [4, 3])
    c.close("vector", stack.matmul(x.expandDims(-1)).squeeze(axis: -1), Tensor([1.0, 2, 3]).broadcast(to: [4, 3]))
    let b = numbers([5, 4, 3, 2], seed: 2)
    c.close("shared matrix", a.matmul(solve(a, b)), b)
    c.close("broadcast", stack.matmul(solve(stack, b)), b)
    c.close(
      "from the right",
      triangularSolve(a, Tensor([1.0, 2, 3]), lower: true, fromRight: true)
        .matmul(a.lowerTriangle()), Tensor([1.0, 2, 3]))
    try c.check()
  }

  @Test func singularAndIndefiniteInputs() throws {
    let singular = Tensor([[1.0, 2], [2, 4]])
    let values = try doubles(cholesky(stack([Tensor([[1.0, 2], [2, 1]]), Tensor([[4.0, 0], [0, 9]])])))
    #expect(values[..<4].allSatisfy(\.isNaN) && Array(values[4...]) == [2, 0, 0, 3])
    #expect(try doubles(cholesky(-Tensor.eye(50, dtype: .float64))).allSatisfy(\.isNaN))
    #expect(try !isFinite(solve(singular, Tensor([1.0, 1]))))
    #expect(try determinant(singular).item() == 0)
    #expect(try doubles(slogdet(singular).logAbs) == [-Double.infinity])
    #expect(try doubles(slogdet(singular).sign) == [0])
    let broken = Tensor([[1.0, .nan], [0, 1]])
    for t in [eigh(broken).eigenvectors, eigh(broken).eigenvalues, svd(broken).u, svdvals(broken)] {
      #expect(try doubles(t).allSatisfy(\.isNaN))
    }
    #expect(try doubles(eigvalsh(Tensor([[Double.infinity, 0], [0, 1]]))).allSatisfy(\.isNaN))
    #expect(try doubles(pseudoInverse(broken)).allSatisfy(\.isNaN))
    let (solution, rank, _) = lstsq(singular, Tensor([1.0, 2]))
    #expect(try rank.array(of: Int32.self) == [1])
    try expectClose(solution, Tensor([0.2, 0.4]))
  }

  @Test func batchedFunctionsEqualStacksOfSingleOnes() throws {
    var c = Comparisons()
    let (a, b) = (positiveDefinite(numbers([3, 4, 4])), numbers([3, 4, 2], seed: 2))
    let functions: [(String, (Tensor) -> [Tensor])] = [
      ("cholesky", { [cholesky($0)] }), ("lu", { [lu($0).factors, lu($0).permutation] }),
      ("qr", { [qr($0).q, qr($0).r] }), ("eigh", { [eigh($0).eigenvalues, eigh($0).eigenvectors] }),
      ("svd", { [svd($0).u, svd($0).s, svd($0).vh] }), ("svdvals", { [svdvals($0)] }),
      ("composed", { [determinant($0), slogdet($0).logAbs, pseudoInverse($0), matrixNorm($0)] }),
      ("matrixExponential", { [matrixExponential($0)] }),
    ]
    for (name, f) in functions {
      let batched = vmap(inAxes: [1]) { (x: Tensor) -> [Tensor] in f(x) }
      let results = try batched(a.moveAxis(from: 0, to: 1))
      for (k, result) in results.enumerated() {
        c.close("\(name) \(k)", result, stack((0..<3).map { f(a[$0])[k] }))
      }
    }
    func solved(_ axes: [Int?], _ a: Tensor, _ b: Tensor) throws -> Tensor {
      let batched = vmap(inAxes: axes) { (a: Tensor, b: Tensor) -> Tensor in solve(a, b) }
      return try batched(a, b)
    }
    let singles = stack((0..<3).map { i in solve(a[i], b[i]) })
    c.close("both", try solved([0, 0], a, b), singles)
    c.close("b", try solved([nil, 2], a[0], b.moveAxis(from: 0, to: 2)), stack((0..<3).map { solve(a[0], b[$0]) }))
    let many = stack([b, b * 2, b * 3], axis: 2)
    c.close("b of stacks", try solved([nil, 2], a, many), stack([singles, singles * 2, singles * 3]))
    func fromRight(_ a: Tensor, _ b: Tensor) throws -> Tensor {
      triangularSolve(a, b, lower: true, fromRight: true)
    }
    let batched = vmap(inAxes: [nil, 0], fromRight)
    c.close(
      "triangular, from the right", try batched(a[0], b.matrixTranspose()),
      stack(try (0..<3).map { try fromRight(a[0], b[$0].matrixTranspose()) }))
    try c.check()
  }

  @Test func matrixFunctions() throws {
    var c = Comparisons()
    let t = 0.7
    let rotation = Tensor([[cos(t), -sin(t)], [sin(t), cos(t)]])
    c.close("rotation", matrixExponential(Tensor([[0, -t], [t, 0]])), rotation, 1e-14)
    c.close(
      "nilpotent", matrixExponential(Tensor([[0, 1.0, 0], [0, 0, 1], [0, 0, 0]])),
      Tensor([[1, 1, 0.5], [0, 1, 1], [0, 0, 1]]), 1e-14)
    c.close(
      "large", matrixExponential(Tensor([[-300.0, 0], [0, 2]])), Tensor([[exp(-300), 0], [0, exp(2.0)]]), 1e-12)
    c.close(
      "single", matrixExponential(Tensor([[1 as Float, 0], [0, -9]])),
      Tensor([[exp(1 as Float), 0], [0, exp(-9 as Float)]]), 1e-5)
    c.close(
      "many turns", matrixExponential(Tensor([[0, -2000 * Double.pi], [2000 * Double.pi, 0]])),
      Tensor.eye(2, dtype: .float64), 1e-8)
    c.close("power 0", matrixPower(rotation, 0), Tensor.eye(2, dtype: .float64))
    c.close("power 5", matrixPower(rotation, 5), matrixExponential(Tensor([[0, -5 * t], [5 * t, 0]])))
    c.close("power -2", matrixPower(rotation, -2).matmul(rotation).matmul(rotation), Tensor.eye(2, dtype: .float64))
    try c.check()
    #expect(try doubles(matrixExponential(Tensor([[1e9, 0], [0, 1]]))).allSatisfy(\.isNaN))
    #expect(try doubles(matrixExponential(Tensor([[Double.nan, 0], [0, 1]]))).allSatisfy(\.isNaN))
  }

  @Test func messages() {
    let f = Tensor.ones([2, 3])
    #expect(message(cholesky(f)) == "cholesky: takes square matrices, got float32[2, 3] (2 rows, 3 columns)")
    #expect(message(eigh(Tensor.ones([3])).eigenvalues) == "eigh: takes matrices in the last two axes, got float32[3]")
    #expect(
      message(qr(Tensor.ones([2, 2], dtype: .int32)).r)
        == "qr: takes float32, float64, complex64 or complex128, not int32; convert with cast(_:)")
    #expect(
      message(solve(Tensor.eye(2), Tensor.ones([3])))
        == "solve: inner sizes differ: a [2, 2], b [3] (2 vs 3)")
    #expect(
      message(solve(Tensor.eye(2), Tensor.ones([2], dtype: .float64)))
        == "solve: operands differ: a is float32[2, 2], b float64[2, 1]; convert one with cast(_:)")
    #expect(
      message(triangularSolve(Tensor.ones([2, 2, 2]), Tensor.ones([3, 2, 1]), lower: true))
        == "triangularSolve: leading sizes don't fit: a [2, 2, 2], b [3, 2, 1]")
    #expect(message(lstsq(f, Tensor.ones([3])).solution) == "lstsq: a float32[2, 3] and b float32[3] don't fit")
    #expect(message(svd(f.slice(axis: 5)).u).contains("slice"))
    #expect(message(determinant(f)).hasPrefix("determinant: takes square"))
    #expect(message(vectorNorm(f, order: .nan)) == "vectorNorm: order is not a number")
    let tall = Tensor.ones([3, 2])
    #expect(throws: TensorError.self) { try grad { (x: Tensor) in qr(x, complete: true).q.sum() }(tall) }
    #expect(throws: TensorError.self) { try grad { (x: Tensor) in svd(x, complete: true).u.sum() }(tall) }
  }
}
