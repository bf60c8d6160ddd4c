/// x of op(a) x = b, or of x op(a) = b, where op(a) is a triangle of a, or its transpose.
struct TriangularSolve: Primitive {
  let isLower: Bool
  let transpose: Bool
  let fromRight: Bool
  let unitDiagonal: Bool

  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    let (a, b) = (inputs[0], inputs[1])
    try checkSystem(name, a, b, fromRight: fromRight)
    return [b]
  }

  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    if printer.prefersLAPACK {
      return printer.foreign(
        "pinion_triangular_solve", operands,
        flags: [("left", !fromRight), ("lower", isLower), ("transpose", transpose), ("unit", unitDiagonal)],
        results: [operands[1].type])
    }
    return [
      printer.emit(
        "stablehlo.triangular_solve", operands, operands[1].type,
        attributes: """
          left_side = \(!fromRight), lower = \(isLower), unit_diagonal = \(unitDiagonal), \
          transpose_a = #stablehlo<transpose \(transpose ? "TRANSPOSE" : "NO_TRANSPOSE")>
          """)
    ]
  }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    if axes[0] == nil, let axis = axes[1] {
      return solvingTogether(inputs[1], axis, fromRight: fromRight) { Tensor.apply1(self, [inputs[0], $0]) }
    }
    return overLeadingAxis(inputs, axes, size: size)
  }

  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    let (a, x) = (context.inputs[0], context.outputs[0])
    let back = TriangularSolve(
      isLower: isLower, transpose: !transpose, fromRight: fromRight, unitDiagonal: unitDiagonal)
    let gb = Tensor.apply1(back, [a, context.cotangent])
    guard context.needs[0] else { return [nil, gb] }
    var ga = fromRight ? -x.matrixTranspose().matmul(gb) : -gb.matmul(x.matrixTranspose())
    if transpose { ga = ga.matrixTranspose() }
    let edge = unitDiagonal ? 1 : 0
    return [isLower ? ga.lowerTriangle(offset: -edge) : ga.upperTriangle(offset: edge), gb]
  }
}

/// x of a x = b (or aᵀ x = b) by the factors of a: operands a, L and U in one, the permutation, b.
///
/// Derivatives go to a and b; the factors have none.
struct LUSolve: Primitive {
  let transpose: Bool
  var name: String { "solve" }

  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    let (a, factors, permutation, b) = (inputs[0], inputs[1], inputs[2], inputs[3])
    try checkSystem(name, a, b)
    guard factors == a, permutation == TensorType(.int32, Array(a.shape.dropLast())) else {
      throw TensorError.shape(name, "factors \(factors) and permutation \(permutation) aren't those of \(a)")
    }
    return [b]
  }

  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    try LAPACK.require(name)
    return printer.foreign(
      "pinion_lu_solve", Array(operands.dropFirst()), flags: [("transpose", transpose)], results: [operands[3].type])
  }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    if axes[..<3].allSatisfy({ $0 == nil }), let axis = axes[3] {
      return solvingTogether(inputs[3], axis) { Tensor.apply1(self, inputs[..<3] + [$0]) }
    }
    return overLeadingAxis(inputs, axes, size: size)
  }

  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    let (a, x) = (context.inputs[0], context.outputs[0])
    let gb = Tensor.apply1(
      LUSolve(transpose: !transpose), [a, context.inputs[1], context.inputs[2], context.cotangent])
    guard context.needs[0] else { return [nil, nil, nil, gb] }
    let ga = -gb.matmul(x.matrixTranspose())
    return [transpose ? ga.matrixTranspose() : ga, nil, nil, gb]
  }
}

/// Checks the operands of a x = b.
private func checkSystem(_ name: String, _ a: TensorType, _ b: TensorType, fromRight: Bool = false) throws {
  try a.checkMatrix(name, square: true)
  guard a.dtype == b.dtype else {
    throw TensorError.dtype(name, "operands differ: a is \(a), b \(b); convert one with cast(_:)")
  }
  guard b.rank == a.rank, b.leadingShape == a.leadingShape, (fromRight ? b.columns : b.rows) == a.columns else {
    throw TensorError.shape(name, "a \(a.shape) and b \(b.shape) don't fit")
  }
}

/// Examples of right-hand sides with the same matrix, solved as more columns (or rows) of one.
private func solvingTogether(
  _ b: Tensor, _ axis: Int, fromRight: Bool = false, _ solve: (Tensor) -> Tensor
) -> (results: [Tensor], axes: [Int?]) {
  let place = fromRight ? b.rank - 3 : b.rank - 1
  let moved = b.moveAxis(from: axis, to: place)
  var shape = moved.shape
  if fromRight {
    shape.replaceSubrange((place)...(place + 1), with: [shape[place] * shape[place + 1]])
  } else {
    shape.replaceSubrange((place - 1)...place, with: [shape[place - 1] * shape[place]])
  }
  return ([solve(moved.reshape(shape)).reshape(moved.shape)], [place])
}

/// Brings a and b of a system to common leading axes; a vector b becomes a column, and the result one again.
func withSystem(
  _ name: String, _ a: Tensor, _ b: Tensor, fromRight: Bool = false, _ body: (Tensor, Tensor) -> Tensor
) -> Tensor {
  if let failed = a.failure ?? b.failure { return .failed(failed) }
  return failing(name) {
    try a.type.checkMatrix(name, square: true)
    guard b.rank >= 1 else { throw TensorError.shape(name, "b is a scalar, expected a vector or matrices") }
    let isVector = b.rank == 1
    let matrix = isVector ? b.expandDims(fromRight ? 0 : 1) : b
    let inner = fromRight ? matrix.type.columns : matrix.type.rows
    guard inner == a.type.columns else {
      throw TensorError.shape(
        name, "inner sizes differ: a \(a.shape), b \(b.shape) (\(a.type.columns) vs \(inner))")
    }
    guard let lead = broadcastShape(a.type.leadingShape, matrix.type.leadingShape) else {
      throw TensorError.shape(name, "leading sizes don't fit: a \(a.shape), b \(b.shape)")
    }
    let x = body(
      a.broadcast(to: lead + a.shape.suffix(2)), matrix.broadcast(to: lead + matrix.shape.suffix(2)))
    return isVector ? x.squeeze(axis: fromRight ? -2 : -1) : x
  }
}

/// x of a x = b with a triangular matrix; the other triangle isn't read.
///
/// A zero on the diagonal gives infinities and NaN.
///
/// - Parameters:
///   - a: `[…, n, n]`.
///   - b: `[…, n, k]` (`[…, k, n]` from the right), or a vector `[n]`; leading axes broadcast.
///   - lower: which triangle of `a` counts.
///   - transpose: solve with the transposed triangle.
///   - fromRight: solve x a = b.
///   - unitDiagonal: take the diagonal as ones, without reading it.
public func triangularSolve(
  _ a: Tensor, _ b: Tensor, lower: Bool, transpose: Bool = false, fromRight: Bool = false, unitDiagonal: Bool = false
) -> Tensor {
  let primitive = TriangularSolve(
    isLower: lower, transpose: transpose, fromRight: fromRight, unitDiagonal: unitDiagonal)
  return withSystem(primitive.name, a, b, fromRight: fromRight) { Tensor.apply1(primitive, [$0, $1]) }
}

/// x of a x = b.
///
/// A singular matrix gives infinities and NaN. Without LAPACK it is solved by the QR factorisation.
///
/// - Parameters:
///   - a: `[…, n, n]`.
///   - b: `[…, n, k]`, or a vector `[n]`; leading axes broadcast.
public func solve(_ a: Tensor, _ b: Tensor) -> Tensor {
  if LAPACK.isAvailable { return lu(a).solve(b) }
  return withSystem("solve", a, b) { a, b in
    let (q, r) = qr(a)
    return triangularSolve(r, q.adjoint().matmul(b), lower: false)
  }
}

/// x of a x = b by the Cholesky factor of a Hermitian positive definite matrix.
///
/// - Parameters:
///   - factor: `cholesky(a)`, `[…, n, n]`.
///   - b: `[…, n, k]`, or a vector `[n]`; leading axes broadcast.
public func choleskySolve(_ factor: Tensor, _ b: Tensor) -> Tensor {
  triangularSolve(factor.conjugate(), triangularSolve(factor, b, lower: true), lower: true, transpose: true)
}

/// The inverse of square matrices, `[…, n, n]`; infinities and NaN for a singular one. Prefer `solve`.
public func inverse(_ a: Tensor) -> Tensor {
  if a.failure != nil { return a }
  return failing("inverse") {
    try a.type.checkMatrix("inverse", square: true)
    return solve(a, Tensor.eye(a.type.rows, dtype: a.dtype))
  }
}

/// Integer powers of square matrices by repeated squaring; negative ones of the inverse.
///
/// - Parameter a: `[…, n, n]`.
public func matrixPower(_ a: Tensor, _ exponent: Int) -> Tensor {
  if a.failure != nil { return a }
  return failing("matrixPower") {
    try a.type.checkMatrix("matrixPower", square: true)
    var rest = exponent.magnitude
    var square = exponent < 0 ? inverse(a) : a
    var result: Tensor?
    while rest > 0 {
      if rest & 1 == 1 { result = result.map { $0.matmul(square) } ?? square }
      rest >>= 1
      if rest > 0 { square = square.matmul(square) }
    }
    return result ?? Tensor.eye(a.type.rows, dtype: a.dtype).broadcast(to: a.shape)
  }
}

/// The second operand, the pseudo-inverse of the first, with the derivative of such.
struct PseudoInverse: Primitive {
  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] { [inputs[1]] }
  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] { [operands[1]] }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    overLeadingAxis(inputs, axes, size: size)
  }

  /// Golub and Pereyra 1973: right where the rank doesn't change nearby.
  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    let (a, p, g) = (context.inputs[0], context.outputs[0], context.cotangent.conjugate())
    let (ph, gh) = (p.adjoint(), g.adjoint())
    let direct = ph.matmul(g).matmul(ph)
    let rows = gh.matmul(p).matmul(ph)
    let columns = ph.matmul(p).matmul(gh)
    let total = rows - a.matmul(p).matmul(rows) + columns - columns.matmul(p).matmul(a) - direct
    return [total.conjugate(), nil]
  }
}

/// The Moore-Penrose pseudo-inverse: `[…, m, n]` to `[…, n, m]`.
///
/// Its derivative is that of matrices whose rank stays the same.
///
/// - Parameters:
///   - a: `[…, m, n]`.
///   - tolerance: singular values up to this part of the greatest count as zero; 10 max(m, n) epsilon without it.
public func pseudoInverse(_ a: Tensor, tolerance: Double? = nil) -> Tensor {
  if a.failure != nil { return a }
  return failing("pseudoInverse") {
    try a.type.checkMatrix("pseudoInverse")
    let (u, s, vh) = svd(stopGradient(a))
    let scaled = u * singularInverses(s, of: a, tolerance).cast(a.dtype).expandDims(-2)
    return Tensor.apply1(PseudoInverse(), [a, vh.adjoint().matmul(scaled.adjoint())])
  }
}

/// 1/s where s counts as more than zero, 0 elsewhere.
private func singularInverses(_ s: Tensor, of a: Tensor, _ tolerance: Double?) -> Tensor {
  if s.count == 0 { return s }
  let limit = tolerance ?? 10 * Double(max(a.type.rows, a.type.columns)) * a.dtype.epsilon
  let counts = s .> s.max(axes: [-1], keepDims: true) * limit
  return select(counts, 1 / select(counts, s, Tensor.ones(like: s)), select(s.isNaN(), s, Tensor.zeros(like: s)))
}

/// x of least |x| among those of least |a x - b|.
///
/// Its derivative is that of matrices whose rank stays the same.
///
/// - Parameters:
///   - a: `[…, m, n]`.
///   - b: `[…, m, k]`, or a vector `[m]`.
///   - tolerance: as of `pseudoInverse`.
/// - Returns: the solution `[…, n, k]` or `[n]`, the rank of each matrix (int32), and its singular values.
public func lstsq(
  _ a: Tensor, _ b: Tensor, tolerance: Double? = nil
) -> (solution: Tensor, rank: Tensor, singularValues: Tensor) {
  let inverse = pseudoInverse(a, tolerance: tolerance)
  let values = svdvals(a)
  guard let failed = a.failure ?? b.failure ?? inverse.failure else {
    guard a.dtype == b.dtype, b.rank >= 1, b.shape[b.rank == 1 ? 0 : b.rank - 2] == a.type.rows else {
      let error = TensorError.shape("lstsq", "a \(a.type) and b \(b.type) don't fit")
      return (.failed(error), .failed(error), .failed(error))
    }
    let rank = (singularInverses(values, of: a, tolerance) .!= 0).cast(.int32).sum(axes: [-1])
    return (inverse.matmul(b), rank, values)
  }
  return (.failed(failed), .failed(failed), .failed(failed))
}
