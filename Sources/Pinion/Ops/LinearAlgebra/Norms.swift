/// Norms of matrices.
public enum MatrixNorm: Sendable {
  /// Root of the sum of squares.
  case frobenius
  /// Sum of the singular values.
  case nuclear
  /// Greatest singular value.
  case spectral
  /// Smallest singular value.
  case leastSingular
  /// Greatest sum of absolute values of a column.
  case one
  /// Greatest sum of absolute values of a row.
  case infinity
}

/// The norm of vectors: (Σ |x|^order)^(1/order).
///
/// Its derivative where the norm is zero is taken as zero.
///
/// - Parameters:
///   - order: 1, 2, …; infinity for the greatest absolute value, -infinity for the smallest, 0 for the number of elements
///     that aren't zero.
///   - axes: of the vectors; all without it, as if the tensor were one vector.
///   - keepDims: keep the axes with size 1.
/// - Returns: real numbers.
public func vectorNorm(_ x: Tensor, order: Double = 2, axes: [Int]? = nil, keepDims: Bool = false) -> Tensor {
  if x.failure != nil { return x }
  guard x.dtype.isDifferentiable else {
    return .failed(
      .dtype("vectorNorm", "takes floating-point or complex numbers, not \(x.dtype); convert with cast(_:)"))
  }
  func sum(_ x: Tensor) -> Tensor { x.sum(axes: axes, keepDims: keepDims) }
  switch order {
  case 2:
    let squares = x.dtype.isComplex ? x.real().square() + x.imaginary().square() : x.square()
    return safeRoot(sum(squares)) { $0.sqrt() }
  case 1: return sum(x.abs())
  case .infinity: return x.abs().max(axes: axes, keepDims: keepDims)
  case -.infinity: return -(-x.abs()).max(axes: axes, keepDims: keepDims)
  case 0: return sum((x .!= Tensor.zeros(like: x)).cast(x.dtype.realType))
  case let order where order.isNaN:
    return .failed(.value("vectorNorm", "order is not a number"))
  default: return safeRoot(sum(x.abs().pow(order))) { $0.pow(1 / order) }
  }
}

/// A root, with 0 in place of its infinite derivative at 0.
private func safeRoot(_ x: Tensor, _ root: (Tensor) -> Tensor) -> Tensor {
  let isZero = x .== 0
  return select(isZero, Tensor.zeros(like: x), root(select(isZero, Tensor.ones(like: x), x)))
}

/// A norm of the matrices in the last two axes: `[…, m, n]` to `[…]`, real numbers.
///
/// Derivatives of singular values are those of `svd`.
public func matrixNorm(_ a: Tensor, _ kind: MatrixNorm = .frobenius) -> Tensor {
  if a.failure != nil { return a }
  return failing("matrixNorm") {
    try a.type.checkMatrix("matrixNorm")
    if a.type.rows == 0 || a.type.columns == 0 {
      return Tensor.zeros(a.type.leadingShape, dtype: a.dtype.realType)
    }
    switch kind {
    case .frobenius: return vectorNorm(a, axes: [-2, -1])
    case .nuclear: return svdvals(a).sum(axes: [-1])
    case .spectral: return svdvals(a).max(axes: [-1])
    case .leastSingular: return -(-svdvals(a)).max(axes: [-1])
    case .one: return a.abs().sum(axes: [-2]).max(axes: [-1])
    case .infinity: return a.abs().sum(axes: [-1]).max(axes: [-1])
    }
  }
}
