/// Eigenvalues of (a + aᴴ)/2 in ascending order, and eigenvectors as columns.
struct Eigh: Primitive {
  let vectors: Bool

  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    let type = inputs[0]
    try type.checkMatrix(name, square: true)
    let values = TensorType(type.dtype.realType, Array(type.shape.dropLast()))
    return vectors ? [values, type] : [values]
  }

  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    let results = try resultTypes(operands.map(\.type))
    if printer.prefersLAPACK { return printer.foreign("pinion_eigh", operands, results: results) }
    // XLA's own, by Jacobi's method: lower triangle, sorted, sweeps, tolerance.
    let type = operands[0].type
    let limit = type.dtype.realType == .float64 ? "1e-14" : "1e-6"
    let parts = printer.emit(
      "stablehlo.custom_call", [printer.hermitianPart(operands[0])],
      attributes: "call_target_name = \"Eigh\", backend_config = \"1,1,100,\(limit)\"", results: [type, results[0]])
    return vectors ? [parts[1], parts[0]] : [parts[1]]
  }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    overLeadingAxis(inputs, axes, size: size, results: vectors ? 2 : 1)
  }

  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    let a = context.inputs[0]
    let (w, v) =
      vectors ? (context.outputs[0], context.outputs[1]) : eigh(a)
    var inner = Tensor.zeros(like: a)
    if let g = context.cotangents[0] { inner = inner + g.cast(a.dtype).diagonalMatrix() }
    if vectors, let g = context.cotangents[1] {
      let distances = w.expandDims(-2) - w.expandDims(-1)
      let factors = reciprocalDistances(distances, scale: w.abs(), size: a.type.rows)
      inner = inner + factors.cast(a.dtype) * v.adjoint().matmul(g.conjugate())
    }
    let whole = v.matmul(inner).matmul(v.adjoint())
    return [((whole + whole.adjoint()) * 0.5).conjugate()]
  }
}

/// 1/d; 0 where d is no more than rounding of the greatest element of `scale` along the last axis.
private func reciprocalDistances(_ d: Tensor, scale: Tensor, size: Int) -> Tensor {
  if d.count == 0 { return d }
  let noise = stopGradient(scale.max(axes: [-1], keepDims: true)).expandDims(-1) * (d.dtype.epsilon * Double(size))
  let counts = d.abs() .> noise
  return select(counts, 1 / select(counts, d, Tensor.ones(like: d)), Tensor.zeros(like: d))
}

/// Singular values in descending order, U and Vᴴ.
struct SVD: Primitive {
  let vectors: Bool
  /// Whether U and V are square.
  let isComplete: Bool
  var name: String { "svd" }

  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    let type = inputs[0]
    try type.checkMatrix(name)
    let k = min(type.rows, type.columns)
    let values = TensorType(type.dtype.realType, type.leadingShape + [k])
    guard vectors else { return [values] }
    return [
      values, type.matrix(type.rows, isComplete ? type.rows : k),
      type.matrix(isComplete ? type.columns : k, type.columns),
    ]
  }

  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    try LAPACK.require(name)
    return printer.foreign("pinion_svd", operands, results: try resultTypes(operands.map(\.type)))
  }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    overLeadingAxis(inputs, axes, size: size, results: vectors ? 3 : 1)
  }

  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    let a = context.inputs[0]
    let (m, n) = (a.type.rows, a.type.columns)
    if !vectors {
      let (u, _, vh) = svd(a)
      return [(u * context.cotangent.cast(a.dtype).expandDims(-2)).matmul(vh).conjugate()]
    }
    guard !isComplete || m == n else {
      throw TensorError.unsupported(
        name, "square U and V of \(a.type) have no derivative; use svd(_:) without complete")
    }
    let (s, u, vh) = (context.outputs[0], context.outputs[1], context.outputs[2])
    let v = vh.adjoint()
    let scale = s.cast(a.dtype)
    let (rows, columns) = (scale.expandDims(-1), scale.expandDims(-2))
    let distances = s.expandDims(-2) - s.expandDims(-1)
    let sums = s.expandDims(-2) + s.expandDims(-1)
    let factors =
      (reciprocalDistances(distances, scale: s, size: max(m, n))
      * reciprocalDistances(sums, scale: s, size: max(m, n))).cast(a.dtype)
    let inverses = reciprocalDistances(s.expandDims(-2), scale: s, size: max(m, n)).cast(a.dtype)
    var inner = Tensor.zeros([], dtype: a.dtype).broadcast(
      to: a.type.leadingShape + [s.type.shape.last ?? 0, min(m, n)])
    if let g = context.cotangents[0] { inner = inner + g.cast(a.dtype).diagonalMatrix() }
    var outer: Tensor?
    if let g = context.cotangents[1]?.conjugate() {
      let product = u.adjoint().matmul(g)
      let skew = product - product.adjoint()
      inner = inner + skew * factors * columns
      if a.dtype.isComplex {
        // Phases are free; like JAX, U carries them.
        inner = inner + (skew.diagonal() * 0.5 * inverses.squeeze(axis: -2)).diagonalMatrix()
      }
      if m > n { outer = ((g - u.matmul(product)) * inverses).matmul(vh) }
    }
    if let g = context.cotangents[2]?.conjugate().adjoint() {
      let product = v.adjoint().matmul(g)
      inner = inner + rows * (product - product.adjoint()) * factors
      if n > m {
        let part = (u * inverses).matmul((g - v.matmul(product)).adjoint())
        outer = outer.map { $0 + part } ?? part
      }
    }
    let whole = u.matmul(inner).matmul(vh)
    return [(outer.map { whole + $0 } ?? whole).conjugate()]
  }
}

/// Eigenvalues and eigenvectors of Hermitian matrices.
///
/// A matrix is read as its Hermitian part (a + aᴴ)/2. Derivatives are finite for equal eigenvalues too: pairs whose
/// difference is rounding (n epsilon max|w|) add nothing, which is right for functions that don't depend on the choice
/// of eigenvectors within their space and treat the equal eigenvalues alike. A matrix with NaN or infinities, or
/// without convergence, gives NaN.
///
/// - Parameter a: `[…, n, n]`.
/// - Returns: real eigenvalues `[…, n]`, ascending, and `[…, n, n]` with unit eigenvectors as columns.
public func eigh(_ a: Tensor) -> (eigenvalues: Tensor, eigenvectors: Tensor) {
  let results = Tensor.apply(Eigh(vectors: true), [a], resultCount: 2)
  return (results[0], results[1])
}

/// Eigenvalues of Hermitian matrices, `[…, n, n]` to `[…, n]`, ascending; as `eigh`, but faster.
public func eigvalsh(_ a: Tensor) -> Tensor { Tensor.apply1(Eigh(vectors: false), [a]) }

/// The singular value decomposition a = u · diagonal(s) · vh.
///
/// Derivatives are finite for equal and zero singular values too: pairs whose difference is rounding
/// (max(m, n) epsilon s₀) add nothing, nor do inverses of values that are; see `eigh`. Square factors of matrices that
/// aren't have none. A matrix with NaN or infinities, or without convergence, gives NaN.
///
/// - Parameters:
///   - a: `[…, m, n]`.
///   - complete: whether `u` and `vh` are square.
/// - Returns: `u` `[…, m, k]` with orthonormal columns, real `s` `[…, k]`, descending, and `vh` `[…, k, n]` with
///   orthonormal rows, where k = min(m, n); square ones with `complete`.
public func svd(_ a: Tensor, complete: Bool = false) -> (u: Tensor, s: Tensor, vh: Tensor) {
  let results = Tensor.apply(SVD(vectors: true, isComplete: complete), [a], resultCount: 3)
  return (results[1], results[0], results[2])
}

/// Singular values, `[…, m, n]` to `[…, min(m, n)]`, descending; as `svd`, but faster.
public func svdvals(_ a: Tensor) -> Tensor { Tensor.apply1(SVD(vectors: false, isComplete: false), [a]) }
