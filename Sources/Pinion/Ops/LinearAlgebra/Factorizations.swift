/// Lower L of (a + aᴴ)/2 = L Lᴴ.
struct Cholesky: Primitive {
  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    try inputs[0].checkMatrix(name, square: true)
    return [inputs[0]]
  }

  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    let type = operands[0].type
    if printer.prefersLAPACK { return printer.foreign("pinion_cholesky", operands, results: [type]) }
    let factor = printer.emit(
      "stablehlo.cholesky", [printer.hermitianPart(operands[0])], type, attributes: "lower = true")
    return [printer.lowerTriangle(factor)]
  }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    overLeadingAxis(inputs, axes, size: size)
  }

  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    let (l, g) = (context.outputs[0], context.cotangent.conjugate())
    let product = l.adjoint().matmul(g).lowerTriangle()
    let halved = product - product.diagonal().diagonalMatrix() * 0.5
    let left = triangularSolve(l.conjugate(), halved, lower: true, transpose: true)
    let whole = triangularSolve(l, left, lower: true, fromRight: true)
    return [((whole + whole.adjoint()) * 0.5).conjugate()]
  }
}

extension StableHLOPrinter {
  /// (a + aᴴ)/2.
  mutating func hermitianPart(_ a: SSAValue) -> SSAValue {
    let order = Array(0..<(a.type.rank - 2)) + [a.type.rank - 1, a.type.rank - 2]
    var other = emit("stablehlo.transpose", [a], a.type, attributes: "permutation = \(i64Array(order))")
    if a.type.dtype.isComplex {
      let part = a.type.with(dtype: a.type.dtype.realType)
      let real = emit("stablehlo.real", [other], part)
      let imaginary = emit("stablehlo.negate", [emit("stablehlo.imag", [other], part)], part)
      other = emit("stablehlo.complex", [real, imaginary], a.type)
    }
    let half = constant(a.type.dtype.literal(0.5), a.type)
    return emit("stablehlo.multiply", [emit("stablehlo.add", [a, other], a.type), half], a.type)
  }

  /// Q and R by XLA's own functions.
  mutating func householder(_ a: SSAValue, q: TensorType, r: TensorType) -> [SSAValue] {
    let k = min(a.type.rows, a.type.columns)
    let parts = emit(
      "stablehlo.custom_call", [a], attributes: "call_target_name = \"Qr\"",
      results: [a.type, TensorType(a.type.dtype, a.type.leadingShape + [k])])
    func resized(_ x: SSAValue, _ type: TensorType, _ printer: inout StableHLOPrinter) -> SSAValue {
      let zero = printer.constant(type.dtype.zeroLiteral, TensorType(type.dtype, []))
      let none = [Int](repeating: 0, count: type.rank)
      let high = zip(type.shape, x.type.shape).map { $0 - $1 }
      return printer.emit(
        "stablehlo.pad", [x, zero], type,
        attributes: """
          edge_padding_low = \(printer.i64Array(none)), edge_padding_high = \(printer.i64Array(high)), \
          interior_padding = \(printer.i64Array(none))
          """)
    }
    let reflectors = resized(parts[0], q, &self)
    let product = emit(
      "stablehlo.custom_call", [reflectors, parts[1]], q,
      attributes: "call_target_name = \"ProductOfElementaryHouseholderReflectors\"")
    return [product, triangle(resized(parts[0], r, &self), "GE")]
  }

  /// Zeros above the diagonal.
  mutating func lowerTriangle(_ a: SSAValue) -> SSAValue { triangle(a, "LE") }

  /// Elements whose column compares with their row; zeros elsewhere.
  private mutating func triangle(_ a: SSAValue, _ direction: String) -> SSAValue {
    let places = a.type.with(dtype: .int32)
    let rows = emit("stablehlo.iota", [], places, attributes: "iota_dimension = \(a.type.rank - 2) : i64")
    let columns = emit("stablehlo.iota", [], places, attributes: "iota_dimension = \(a.type.rank - 1) : i64")
    let keep = emit(
      "stablehlo.compare", [columns, rows], a.type.with(dtype: .bool),
      attributes: """
        comparison_direction = #stablehlo<comparison_direction \(direction)>, compare_type = #stablehlo<comparison_type SIGNED>
        """)
    return emit("stablehlo.select", [keep, a, constant(a.type.dtype.zeroLiteral, a.type)], a.type)
  }
}

/// L and U of a row-permuted matrix in one, the permutation, and its sign (int32).
struct LUFactors: Primitive {
  var name: String { "lu" }

  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    let type = inputs[0]
    try type.checkMatrix(name)
    return [type, TensorType(.int32, type.leadingShape + [type.rows]), TensorType(.int32, type.leadingShape)]
  }

  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    try LAPACK.require(name)
    return printer.foreign("pinion_lu", operands, results: try resultTypes(operands.map(\.type)))
  }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    overLeadingAxis(inputs, axes, size: size, results: 3)
  }

  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    let (factors, permutation, g) = (context.outputs[0], context.outputs[1], context.cotangent)
    let (m, n) = (factors.type.rows, factors.type.columns)
    let k = min(m, n)
    // Unit columns and rows make both factors square.
    let l = factors.slice(axis: -1, from: 0, to: k).lowerTriangle(offset: -1).padded(rows: m, columns: m)
    let upper = factors.slice(axis: -2, from: 0, to: k).upperTriangle().padded(rows: n, columns: n)
    let rest = Tensor([Double](repeating: 0, count: k) + [Double](repeating: 1, count: n - k)).cast(factors.dtype)
    let u = upper + rest.diagonalMatrix()
    let unit = l + Tensor.eye(m, dtype: l.dtype)
    let inner =
      unit.matrixTranspose().matmul(g).lowerTriangle(offset: -1) + g.matmul(u.matrixTranspose()).upperTriangle()
    let left = triangularSolve(unit, inner, lower: true, transpose: true, unitDiagonal: true)
    let whole = triangularSolve(u, left, lower: false, transpose: true, fromRight: true)
    return [whole.takeAlong(permutation.argSort().expandDims(-1).broadcast(to: whole.shape), axis: -2)]
  }
}

extension Tensor {
  /// Zeros below and right of a matrix.
  fileprivate func padded(rows: Int, columns: Int) -> Tensor {
    let none = [Int](repeating: 0, count: rank)
    return pad(low: none, high: none.dropLast(2) + [rows - type.rows, columns - type.columns])
  }
}

/// Orthonormal Q and upper R of a = Q R.
struct QRFactors: Primitive {
  /// Whether Q is square.
  let isComplete: Bool
  var name: String { "qr" }

  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    let type = inputs[0]
    try type.checkMatrix(name)
    let width = isComplete ? type.rows : min(type.rows, type.columns)
    return [type.matrix(type.rows, width), type.matrix(width, type.columns)]
  }

  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    let results = try resultTypes(operands.map(\.type))
    if printer.prefersLAPACK { return printer.foreign("pinion_qr", operands, results: results) }
    return printer.householder(operands[0], q: results[0], r: results[1])
  }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    overLeadingAxis(inputs, axes, size: size, results: 2)
  }

  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    let (q, r) = (context.outputs[0], context.outputs[1])
    guard q.type.columns == r.type.columns else {
      throw TensorError.unsupported(
        name, "a square Q of a matrix with more rows than columns has no derivative; use qr(_:) without complete")
    }
    let (gq, gr) = (context.cotangents[0]?.conjugate(), context.cotangents[1]?.conjugate())
    var inner = Tensor.zeros(like: r)
    if let gr { inner = inner + gr.matmul(r.adjoint()) }
    if let gq { inner = inner - q.adjoint().matmul(gq) }
    let strict = inner.upperTriangle(offset: 1)
    let symmetric = strict + strict.adjoint() + inner.diagonal().real().cast(r.dtype).diagonalMatrix()
    var whole = q.matmul(symmetric)
    if let gq { whole = gq + whole }
    return [
      triangularSolve(r.conjugate(), whole, lower: false, transpose: true, fromRight: true).conjugate()
    ]
  }
}

/// The Cholesky factor of Hermitian positive definite matrices: lower triangular L with a = L Lᴴ.
///
/// A matrix is read as its Hermitian part (a + aᴴ)/2, so derivatives are Hermitian too. Where it isn't positive definite,
/// all elements of its factor are NaN.
///
/// - Parameter a: `[…, n, n]`.
/// - Returns: `[…, n, n]`, zeros above the diagonal.
public func cholesky(_ a: Tensor) -> Tensor { Tensor.apply1(Cholesky(), [a]) }

/// The LU factorisation of a matrix, with which to solve many systems.
public struct LUFactorization: Sendable {
  /// Matrices that were factored: `[…, m, n]`.
  public let matrix: Tensor
  /// L below the diagonal, U on and above it: `[…, m, n]`.
  public let factors: Tensor
  /// Order of the rows (int32) in which `matrix` is L U: `[…, m]`.
  public let permutation: Tensor
  /// Sign of the permutation (int32), 1 or -1: `[…]`.
  let sign: Tensor

  /// Unit lower triangular (trapezoidal) factor: `[…, m, min(m, n)]`.
  public var lower: Tensor {
    factors.onMatrix("lu") { factors in
      let k = min(factors.type.rows, factors.type.columns)
      let strict = factors.slice(axis: -1, from: 0, to: k).lowerTriangle(offset: -1)
      let (rows, columns) = (Tensor.iota([strict.type.rows, k], axis: 0), Tensor.iota([strict.type.rows, k], axis: 1))
      return strict + (rows .== columns).cast(strict.dtype)
    }
  }

  /// Upper triangular (trapezoidal) factor: `[…, min(m, n), n]`.
  public var upper: Tensor {
    factors.onMatrix("lu") { factors in
      factors.slice(axis: -2, from: 0, to: min(factors.type.rows, factors.type.columns)).upperTriangle()
    }
  }

  /// x of `matrix` x = b.
  ///
  /// - Parameters:
  ///   - b: `[…, n, k]`, or a vector `[n]`; leading axes broadcast.
  ///   - transpose: solve with the transposed matrix.
  public func solve(_ b: Tensor, transpose: Bool = false) -> Tensor {
    withSystem("solve", matrix, b) { a, b in
      let lead = a.type.leadingShape
      return Tensor.apply1(
        LUSolve(transpose: transpose),
        [
          a, factors.broadcast(to: a.shape), permutation.broadcast(to: lead + permutation.shape.suffix(1)), b,
        ])
    }
  }
}

/// The LU factorisation with row exchanges: `a[permutation] = lower · upper`.
///
/// A singular matrix gives a zero on the diagonal of `upper`.
///
/// - Parameter a: `[…, m, n]`.
public func lu(_ a: Tensor) -> LUFactorization {
  let results = Tensor.apply(LUFactors(), [a], resultCount: 3)
  return LUFactorization(matrix: a, factors: results[0], permutation: results[1], sign: results[2])
}

/// The QR factorisation a = q r: orthonormal columns, and upper triangular rows.
///
/// The derivative takes matrices of full rank: at others it isn't finite. With `complete` there is none where m > n.
///
/// - Parameters:
///   - a: `[…, m, n]`.
///   - complete: whether `q` is square, `[…, m, m]`, and `r` `[…, m, n]`.
/// - Returns: `q` `[…, m, k]` and `r` `[…, k, n]` with k = min(m, n).
public func qr(_ a: Tensor, complete: Bool = false) -> (q: Tensor, r: Tensor) {
  let factors = QRFactors(isComplete: complete)
  func apply(_ a: Tensor) -> (q: Tensor, r: Tensor) {
    let results = Tensor.apply(factors, [a], resultCount: 2)
    return (results[0], results[1])
  }
  guard a.failure == nil, a.rank >= 2, a.type.rows < a.type.columns else { return apply(a) }
  // The first columns fix Q; this way wide matrices have a derivative.
  let m = a.type.rows
  let (q, r) = apply(a.slice(axis: -1, from: 0, to: m))
  return (q, concatenate([r, q.adjoint().matmul(a.slice(axis: -1, from: m))], axis: -1))
}
