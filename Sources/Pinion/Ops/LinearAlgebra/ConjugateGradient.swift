/// A linear operator given as a function of one tensor.
public typealias LinearOperator = (Tensor) throws -> Tensor

/// The first operand, which solves operator(x) = b for the second; later ones are what the operator captures.
private struct LinearSolution: Primitive {
  let operation: Region
  let tolerance: Double
  let maxSteps: Int
  var name: String { "conjugateGradient" }

  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] { [inputs[0]] }
  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] { [operands[0]] }

  /// The operator is Hermitian, so that the cotangent of b is a solution too; those of its captures follow from
  /// d operator(x) + operator(dx) = db.
  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    let (operation, x, captured) = (operation, context.outputs[0], Array(context.inputs[2...]))
    let back = try conjugateGradient(
      context.cotangent.conjugate(), tolerance: tolerance, maxSteps: maxSteps
    ) { try operation([$0] + captured)[0] }.solution.conjugate()
    guard context.needs.dropFirst(2).contains(true) else {
      return [nil, back] + captured.map { _ in nil }
    }
    let (_, pull) = try Pinion.vjp(captured) { try operation([x] + $0) }
    return try [nil, back] + pull([-back])
  }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    let leading = zip(inputs, axes).map { Batched(tensor: $0, axis: $1).leading(size) }
    let types = [leading[0].type] + leading[2...].map(\.type)
    let (region, captured) = try Region.trace(types, .made) { placeholders in
      try vmapLeaves(placeholders.map { Batched(tensor: $0, axis: 0) }, size: size) { try operation($0) }
        .map { $0.leading(size) }
    }
    let all = LinearSolution(operation: region, tolerance: tolerance, maxSteps: maxSteps)
    return ([Tensor.apply1(all, leading + captured)], [0])
  }
}

/// Σ conj(a) b, as real number.
private func inner(_ a: Tensor, _ b: Tensor) -> Tensor { (a.conjugate() * b).sum().real() }

/// x of operator(x) = b by conjugate gradients (Hestenes and Stiefel 1952), one loop in a compiled program.
///
/// The solution has derivatives of all orders by b and by what the operator captures, each by another such solve, so
/// they are as good as the tolerance.
///
/// - Parameters:
///   - b: right-hand side of any shape; the operator keeps it.
///   - initial: where to start; zeros without it.
///   - tolerance: stop when |b - operator(x)| ≤ tolerance · |b|.
///   - maxSteps: stop after this many steps in any case; ten times the number of elements without it.
///   - preconditioner: an approximate inverse of the operator, Hermitian and positive definite.
///   - operation: a Hermitian positive definite linear operator.
/// - Returns: the solution, and the number of steps (int32).
/// - Throws: what the functions throw; `TensorError` where the operator changes the type.
public func conjugateGradient(
  _ b: Tensor, initial: Tensor? = nil, tolerance: Double = 1e-5, maxSteps: Int? = nil,
  preconditioner: LinearOperator? = nil, _ operation: LinearOperator
) throws -> (solution: Tensor, steps: Tensor) {
  let name = "conjugateGradient"
  if let failure = b.failure ?? initial?.failure { throw failure }
  guard b.dtype.isDifferentiable else {
    throw TensorError.dtype(name, "takes floating-point or complex numbers, not \(b.dtype); convert with cast(_:)")
  }
  let x0 = initial ?? Tensor.zeros(like: b)
  guard x0.type == b.type else {
    throw TensorError.shape(name, "initial is \(x0.type), b \(b.type); they must agree")
  }
  let (region, captured) = try Region.trace([b.type]) { placeholders in
    let result = try operation(placeholders[0])
    if let failure = result.failure { throw failure }
    guard result.type == b.type else {
      throw TensorError.shape(name, "the operator makes \(result.type) of \(b.type); both must agree")
    }
    return [result]
  }
  let fixed = captured.map(stopGradient)
  let a: LinearOperator = { try region([$0] + fixed)[0] }
  let m: LinearOperator = { x in try preconditioner.map { stopGradient(try $0(x)) } ?? x }
  let limit = maxSteps ?? 10 * max(b.count, 1)
  let right = stopGradient(b)
  let target = inner(right, right) * (tolerance * tolerance)
  let start = stopGradient(x0)
  let r0 = right - (initial == nil ? Tensor.zeros(like: b) : try a(start))
  let z0 = try m(r0)
  func scalar(_ value: Tensor, _ x: Tensor) -> Tensor { value.cast(x.dtype) }
  let end = try whileLoop([start, r0, z0, inner(r0, z0), Tensor(0 as Int32)]) { state in
    (inner(state[1], state[1]) .> target) .&& (state[4] .< Double(limit))
  } do: { state in
    let (x, r, p, gamma) = (state[0], state[1], state[2], state[3])
    let image = try a(p)
    let alpha = scalar(gamma / inner(p, image), b)
    let rest = r - alpha * image
    let z = try m(rest)
    let next = inner(rest, z)
    return [x + alpha * p, rest, z + scalar(next / gamma, b) * p, next, state[4] + 1]
  }
  let mark = LinearSolution(operation: region, tolerance: tolerance, maxSteps: limit)
  return (Tensor.apply1(mark, [stopGradient(end[0]), b] + captured), end[4])
}
