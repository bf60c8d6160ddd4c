/// The first operand, the determinant of the second, with the derivative of such.
///
/// Operands: determinant, matrix, its factors, their permutation and its sign.
struct Determinant: Primitive {
  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] { [inputs[0]] }
  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] { [operands[0]] }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    overLeadingAxis(inputs, axes, size: size)
  }

  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    let (a, factors, permutation, sign) = (
      context.inputs[1], context.inputs[2], context.inputs[3], context.inputs[4]
    )
    if a.count == 0 { return [nil, Tensor.zeros(like: a), nil, nil, nil] }
    // Pivots that are zero become rounding, so that a singular matrix has its cofactors too.
    let size = a.abs().max(axes: [-1, -2], keepDims: true)
    let tiny = select(size .== 0, Tensor.ones(like: size), size) * a.dtype.epsilon
    let isZero = (factors .== 0) .&& Tensor.eye(a.type.rows, dtype: .bool).broadcast(to: a.shape)
    let safe = stopGradient(select(isZero, tiny.cast(a.dtype), factors))
    let value = context.outputs[0]
    let near = select(value .== 0, safe.diagonal().product(axis: -1) * sign.cast(a.dtype), value)
    let eye = Tensor.eye(a.type.rows, dtype: a.dtype).broadcast(to: a.shape)
    let transposed = Tensor.apply1(LUSolve(transpose: true), [a, safe, permutation, eye])
    return [nil, (context.cotangent * near).expandDims(-1).expandDims(-1) * transposed, nil, nil, nil]
  }
}

/// The first two operands, sign and logarithm of the absolute value of the third's determinant, with the derivative of
/// such.
///
/// Operands: sign, logarithm, matrix, its factors, their permutation.
struct LogDeterminant: Primitive {
  var name: String { "slogdet" }
  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] { Array(inputs[..<2]) }
  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    Array(operands[..<2])
  }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    overLeadingAxis(inputs, axes, size: size, results: 2)
  }

  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    let (a, factors, permutation) = (context.inputs[2], context.inputs[3], context.inputs[4])
    var g = context.cotangents[1]
    if a.dtype.isComplex {
      let real = g ?? Tensor.zeros(like: context.outputs[1])
      // The sign is exp(i Im(log det)).
      let angle = context.cotangents[0].map { ($0 * context.outputs[0]).imaginary() } ?? Tensor.zeros(like: real)
      g = complex(real, angle)
    }
    guard let g else { return [nil, nil, Tensor.zeros(like: a), nil, nil] }
    let eye = Tensor.eye(a.type.rows, dtype: a.dtype).broadcast(to: a.shape)
    let transposed = Tensor.apply1(LUSolve(transpose: true), [a, factors, permutation, eye])
    return [nil, nil, g.expandDims(-1).expandDims(-1) * transposed, nil, nil]
  }
}

extension Tensor {
  /// Product along an axis, which may be negative.
  fileprivate func product(axis: Int) -> Tensor { product(axis < 0 ? axis + rank : axis) }
}

/// Factors of a matrix without derivative.
private func constantFactors(_ name: String, _ a: Tensor) throws -> LUFactorization {
  if let failure = a.failure { throw failure }
  try a.type.checkMatrix(name, square: true)
  return lu(stopGradient(a))
}

/// The determinant of square matrices: `[…, n, n]` to `[…]`.
///
/// The first derivative holds for singular matrices too (cofactors); further ones at invertible matrices only.
public func determinant(_ a: Tensor) -> Tensor {
  failing("determinant") {
    let lu = try constantFactors("determinant", a)
    let value = lu.factors.diagonal().product(axis: -1) * lu.sign.cast(a.dtype)
    return Tensor.apply1(Determinant(), [value, a, lu.factors, lu.permutation, lu.sign])
  }
}

/// Sign and logarithm of the absolute value of the determinant of square matrices: `[…, n, n]` to `[…]` twice.
///
/// For complex matrices the sign is a number of absolute value 1. A singular matrix has sign 0 and logarithm
/// -infinity, and no finite derivative.
public func slogdet(_ a: Tensor) -> (sign: Tensor, logAbs: Tensor) {
  do {
    let lu = try constantFactors("slogdet", a)
    let pivots = lu.factors.diagonal()
    let sizes = pivots.abs()
    let signs = pivots / select(sizes .== 0, Tensor.ones(like: sizes), sizes).cast(a.dtype)
    let results = Tensor.apply(
      LogDeterminant(),
      [
        signs.product(axis: -1) * lu.sign.cast(a.dtype), sizes.log().sum(axes: [-1]), a, lu.factors, lu.permutation,
      ], resultCount: 2)
    return (results[0], results[1])
  } catch let error as TensorError {
    return (.failed(error), .failed(error))
  } catch {
    let failed = Tensor.failed(TensorError(.runtime, "slogdet", "\(error)"))
    return (failed, failed)
  }
}
