/// Which end of a spectrum.
public enum SpectrumEnd: Sendable {
  /// The greatest eigenvalues, in descending order.
  case largest
  /// The smallest eigenvalues, in ascending order.
  case smallest
}

/// Checks that an operator keeps the type of what it's applied to.
private func checked(_ name: String, _ operation: LinearOperator, _ x: Tensor) throws -> Tensor {
  let result = try operation(x)
  if let failure = result.failure { throw failure }
  guard result.type == x.type else {
    throw TensorError.shape(name, "the operator makes \(result.type) of \(x.type); both must agree")
  }
  return result
}

/// The first two operands: outermost eigenvalues `[…, k]` and eigenvectors `[…, n, k]` of a Hermitian operator; later
/// ones are what it captures.
private struct Eigenpairs: Primitive {
  let name: String
  let operation: Region
  let end: SpectrumEnd
  let tolerance: Double

  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] { Array(inputs.prefix(2)) }
  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    Array(operands.prefix(2))
  }

  /// By dλ = vᴴ dA v, and dv = Σ v' (v'ᴴ dA v) / (λ - λ') over the other pairs, beside which the solution x of
  /// (λ - A) x = dA v in what they leave of the space: definite there, as the pairs are outermost.
  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    let (operation, values, vectors) = (operation, context.outputs[0], context.outputs[1])
    let captured = Array(context.inputs[2...])
    guard context.needs.dropFirst(2).contains(true) else { return context.inputs.map { _ in nil } }
    let dtype = vectors.dtype
    var cotangent = Tensor.zeros(like: vectors)
    if let g = context.cotangents[0] { cotangent = cotangent + vectors.conjugate() * g.expandDims(-2).cast(dtype) }
    if let g = context.cotangents[1]?.conjugate() {
      func apart(_ x: Tensor) -> Tensor { x - vectors.matmul(vectors.adjoint().matmul(x)) }
      let distances = values.expandDims(-2) - values.expandDims(-1)
      let noise = stopGradient(values.abs().max(axes: [-1], keepDims: true).expandDims(-1)) * tolerance
      let counts = distances.abs() .> noise
      let one = Tensor.ones(like: distances)
      let factors = select(counts, one / select(counts, distances, one), Tensor.zeros(like: distances)).cast(dtype)
      let among = vectors.matmul(factors * vectors.adjoint().matmul(g))
      let sign: Double = end == .largest ? 1 : -1
      let scale = values.expandDims(-2).cast(dtype)
      let beyond = try conjugateGradient(sign * apart(g), tolerance: tolerance) { x in
        let rest = apart(x)
        return apart(sign * (rest * scale - (try operation([rest] + captured)[0]))) + (x - rest)
      }.solution
      cotangent = cotangent + (among + beyond).conjugate()
    }
    let (_, pull) = try Pinion.vjp(captured) { try operation([vectors] + $0) }
    return try [nil, nil] + pull([cotangent])
  }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    let leading = zip(inputs, axes).map { Batched(tensor: $0, axis: $1).leading(size) }
    let (region, captured) = try Region.trace(leading[1...].map(\.type), .made) { placeholders in
      try vmapLeaves(placeholders.map { Batched(tensor: $0, axis: 0) }, size: size) { try operation($0) }
        .map { $0.leading(size) }
    }
    let all = Eigenpairs(name: name, operation: region, end: end, tolerance: tolerance)
    return (Tensor.apply(all, leading + captured, resultCount: 2), [0, 0])
  }

  /// Gives eigenvectors that were found, as columns, their eigenvalues vᴴ A v and derivatives by what the operator
  /// captures.
  static func of(
    _ name: String, _ columns: Tensor, _ end: SpectrumEnd, tolerance: Double, _ operation: LinearOperator
  ) throws -> (values: Tensor, vectors: Tensor) {
    let fixed = stopGradient(columns)
    let (region, captured) = try Region.trace([columns.type]) { [try checked(name, operation, $0[0])] }
    let image = try region([fixed] + captured.map(stopGradient))[0]
    let values = (fixed.conjugate() * image).sum(axes: [-2]).real()
    let primitive = Eigenpairs(name: name, operation: region, end: end, tolerance: tolerance)
    let results = Tensor.apply(primitive, [values, fixed] + captured, resultCount: 2)
    if let failure = results[0].failure { throw failure }
    return (results[0], results[1])
  }
}

/// Lanczos' tridiagonal form of a Hermitian operator, with full reorthogonalisation: one loop in a compiled program.
///
/// Where the vectors span an invariant space, a new direction begins, with a zero off the diagonal. No derivative flows
/// through it.
///
/// - Parameters:
///   - initial: a vector `[n]` that isn't zero.
///   - steps: m, up to n.
///   - operation: from `[n]` to `[n]`, linear and Hermitian.
/// - Returns: the real diagonal `[m]`, the real numbers beside it `[m - 1]`, and the orthonormal vectors as rows `[m, n]`.
/// - Throws: what the operator throws; `TensorError` for another rank, or steps out of range.
public func lanczosTridiagonal(
  _ initial: Tensor, steps: Int, _ operation: LinearOperator
) throws -> (diagonal: Tensor, offDiagonal: Tensor, basis: Tensor) {
  let name = "lanczos"
  if let failure = initial.failure { throw failure }
  guard initial.rank == 1, initial.dtype.isDifferentiable else {
    throw TensorError.shape(name, "starts with a vector of floating-point or complex numbers, got \(initial.type)")
  }
  let n = initial.count
  guard steps >= 1, steps <= n else {
    throw TensorError.value(name, "takes 1 to \(n) steps for vectors \(initial.shape), asked for \(steps)")
  }
  let dtype = initial.dtype
  func unit(_ v: Tensor) -> Tensor { v / vectorNorm(v).cast(dtype) }
  func orthogonal(_ v: Tensor, to basis: Tensor) -> Tensor {
    // Twice is enough (Kahan and Parlett).
    (0..<2).reduce(v) { v, _ in v - basis.conjugate().matmul(v).matmul(basis) }
  }
  let noise = Key(0).normal([steps, n], dtype: dtype.realType).cast(dtype)
  let places = Tensor.iota([steps], axis: 0)
  let start = [unit(stopGradient(initial)), Tensor.zeros([steps, n], dtype: dtype)]
  let (carried, results) = try scan(start, over: [noise, places]) { (state: [Tensor], element: [Tensor]) in
    let basis = state[1].dynamicUpdateSlice(
      state[0].expandDims(0), starts: [element[1], Tensor.zeros([], dtype: .int32)])
    let image = stopGradient(try checked(name, operation, state[0]))
    let alpha = (state[0].conjugate() * image).sum().real()
    let rest = orthogonal(image, to: basis)
    let beta = vectorNorm(rest)
    let isSpent = beta .<= vectorNorm(image) * (10 * dtype.epsilon)
    let fresh = orthogonal(unit(orthogonal(element[0], to: basis)), to: basis)
    let next = unit(select(isSpent, fresh, rest))
    return ([next, basis], [alpha, select(isSpent, Tensor.zeros(like: beta), beta)])
  }
  return (results[0], results[1].slice(axis: 0, from: 0, to: steps - 1), carried[1])
}

/// Eigenvalues and eigenvectors at one end of a Hermitian operator's spectrum, by Lanczos' method.
///
/// Both have derivatives of all orders by what the operator captures, those of the eigenvectors by conjugate gradients:
/// they are as good as the eigenvectors and the gap to the next eigenvalue allow. Pairs among the `count` whose difference
/// is rounding add nothing, as in `eigh`. Several equal eigenvalues need steps for each; see `lobpcg`.
///
/// - Parameters:
///   - initial: a vector `[n]` that isn't orthogonal to the eigenvectors, such as a random one.
///   - count: how many eigenvalues, k.
///   - end: which of them.
///   - steps: applications of the operator, between `count` and n; min(n, 2k + 30) without it.
///   - operation: from `[n]` to `[n]`, linear and Hermitian.
/// - Returns: eigenvalues `[k]`, the outermost first, and eigenvectors `[n, k]` as columns.
/// - Throws: as `lanczosTridiagonal`.
public func lanczos(
  _ initial: Tensor, count: Int, _ end: SpectrumEnd = .largest, steps: Int? = nil, _ operation: LinearOperator
) throws -> (eigenvalues: Tensor, eigenvectors: Tensor) {
  let m = steps ?? max(count, min(initial.count, 2 * min(max(count, 0), initial.count) + 30))
  guard count >= 1, count <= m else {
    throw TensorError.value("lanczos", "\(m) steps give 1 to \(m) eigenvalues, asked for \(count)")
  }
  let (diagonal, beside, basis) = try lanczosTridiagonal(initial, steps: m, operation)
  let zero = Tensor.zeros([1], dtype: beside.dtype)
  let lower = concatenate([beside, zero]).diagonalMatrix()
  let shifted = concatenate([Tensor.zeros([1, m], dtype: beside.dtype), lower.slice(axis: 0, from: 0, to: m - 1)])
  let (_, vectors) = eigh(diagonal.diagonalMatrix() + shifted + shifted.matrixTranspose())
  let chosen = outermost(vectors, count, end).cast(initial.dtype)
  let (values, columns) = try Eigenpairs.of(
    "lanczos", basis.matrixTranspose().matmul(chosen), end, tolerance: derivativeTolerance(initial.dtype)
  ) { x in
    try stack((0..<count).map { try operation(x.slice(axis: 1, from: $0, to: $0 + 1).squeeze(axis: 1)) }, axis: 1)
  }
  return (values, columns)
}

/// How far derivatives of eigenvectors are solved for, and which differences of eigenvalues count as rounding.
private func derivativeTolerance(_ dtype: DType) -> Double { dtype.realType == .float64 ? 1e-12 : 1e-6 }

/// The columns of the outermost eigenvalues, of those in ascending order.
private func outermost(_ vectors: Tensor, _ count: Int, _ end: SpectrumEnd) -> Tensor {
  let n = vectors.type.columns
  return switch end {
  case .smallest: vectors.slice(axis: -1, from: 0, to: count)
  case .largest: vectors.slice(axis: -1, from: n - count, to: n).reverse([vectors.rank - 1])
  }
}

/// Eigenvalues and eigenvectors at one end of a Hermitian operator's spectrum, by the locally optimal block preconditioned
/// conjugate gradient method (Knyazev 2001), one loop in a compiled program.
///
/// A block finds equal eigenvalues as often as they occur. Derivatives as of `lanczos`.
///
/// - Parameters:
///   - initial: `[n, k]`, columns that aren't orthogonal to the eigenvectors, such as random ones; 3k ≤ n.
///   - end: which eigenvalues.
///   - tolerance: stop when |A v - λ v| ≤ tolerance · |λ|max for all; 1e-5 in single, 1e-10 in double precision without it.
///   - maxSteps: stop after this many steps in any case.
///   - preconditioner: an approximate inverse of the operator, from `[n, k]` to `[n, k]`.
///   - operation: linear and Hermitian, column by column: from `[n, j]` to `[n, j]` for any j.
/// - Returns: eigenvalues `[k]`, the outermost first, eigenvectors `[n, k]` as columns, and the number of steps (int32).
/// - Throws: what the functions throw; `TensorError` where shapes don't fit.
public func lobpcg(
  _ initial: Tensor, _ end: SpectrumEnd = .largest, tolerance: Double? = nil, maxSteps: Int = 200,
  preconditioner: LinearOperator? = nil, _ operation: LinearOperator
) throws -> (eigenvalues: Tensor, eigenvectors: Tensor, steps: Tensor) {
  let name = "lobpcg"
  if let failure = initial.failure { throw failure }
  try initial.type.checkMatrix(name)
  let (n, k, dtype) = (initial.type.rows, initial.type.columns, initial.dtype)
  guard initial.rank == 2, k >= 1, 3 * k <= n else {
    throw TensorError.shape(name, "takes [n, k] with 1 ≤ k and 3k ≤ n, got \(initial.shape); use eigh")
  }
  let limit = tolerance ?? (dtype.realType == .float64 ? 1e-10 : 1e-5)
  /// The best vectors within the span of orthonormal columns, as coefficients; their eigenvalues and images.
  func ritz(_ q: Tensor) throws -> (coefficients: Tensor, values: Tensor, images: Tensor) {
    let image = stopGradient(try checked(name, operation, q))
    let (values, vectors) = eigh(q.adjoint().matmul(image))
    let coefficients = outermost(vectors, k, end)
    return (coefficients, outermost(values.expandDims(0), k, end).squeeze(axis: 0), image.matmul(coefficients))
  }
  func residual(_ x: Tensor, _ image: Tensor, _ values: Tensor) -> Tensor { image - x * values.cast(dtype) }
  let q = qr(stopGradient(initial)).q
  let first = try ritz(q)
  let x0 = q.matmul(first.coefficients)
  let state = [x0, first.images, Tensor.zeros(like: x0), first.values, Tensor(0 as Int32)]
  let last = try whileLoop(state) { state in
    let errors = vectorNorm(residual(state[0], state[1], state[3]), axes: [0])
    return (errors.max() .> state[3].abs().max() * limit) .&& (state[4] .< Double(maxSteps))
  } do: { state in
    let x = state[0]
    let rest = residual(x, state[1], state[3])
    let w = try preconditioner.map { stopGradient(try checked(name, $0, rest)) } ?? rest
    func scaled(_ v: Tensor) -> Tensor {
      let norms = vectorNorm(v, axes: [0], keepDims: true)
      return v / select(norms .== 0, Tensor.ones(like: norms), norms).cast(dtype)
    }
    func apart(_ v: Tensor) -> Tensor { v - x.matmul(x.adjoint().matmul(v)) }
    // Q stays orthonormal whatever the rank: directions that are spent become others.
    let q = qr(concatenate([x, scaled(apart(apart(w))), scaled(apart(state[2]))], axis: 1)).q
    let best = try ritz(q)
    let next = q.matmul(best.coefficients)
    return [next, best.images, next - x.matmul(x.adjoint().matmul(next)), best.values, state[4] + 1]
  }
  let (values, vectors) = try Eigenpairs.of(
    name, last[0], end, tolerance: derivativeTolerance(dtype), operation)
  return (values, vectors, last[4])
}
