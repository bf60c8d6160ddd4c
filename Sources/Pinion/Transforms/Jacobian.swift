/// The value of a function and its derivative along a direction: forward mode.
///
/// Made of two reverse passes, of which the first leaves nothing to compute: it costs about as much as the function
/// and its derivative written out.
///
/// - Parameters:
///   - argument: a tree.
///   - tangent: of the same structure and types; leaves that aren't floating point and buffers don't count.
///   - function: differentiable.
/// - Returns: the value, and the tangent of each leaf of it.
/// - Throws: what `function` throws; `TensorError` where the tangent doesn't fit or an operation has no derivative.
public func jvp<T: Tree, O: Tree>(
  _ argument: T, tangent: T, _ function: (T) throws -> O
) throws -> (value: O, tangent: O) {
  let given = try tensorLeaves(of: tangent).map(\.type)
  let expected = try tensorLeaves(of: argument).map(\.type)
  guard given == expected else {
    throw TensorError.shape("jvp", "the tangent is \(given), the argument \(expected)")
  }
  let (value, pullback) = try vjp(argument, function)
  let zeros = try map(value) { Tensor.zeros(like: $0.tensor) }
  // The pullback is linear, so its own pullback is the same anywhere.
  return (value, try vjp(zeros, pullback).pullback(tangent))
}

/// The product of the Hessian of a scalar function with a direction, without making the Hessian.
///
/// - Throws: as `jvp`.
public func hessianVectorProduct<T: Tree>(
  _ argument: T, direction: T, _ function: @escaping (T) throws -> Tensor
) throws -> T {
  try jvp(argument, tangent: direction, grad(function)).tangent
}

/// How a Jacobian is made.
public enum JacobianMode: Sendable {
  /// One pullback for each element of the result, all at once.
  case reverse
  /// One tangent for each element of the argument, all at once.
  case forward
}

/// All derivatives of a function's results by its argument, as a function.
///
/// - Parameters:
///   - mode: `reverse` suits few results, `forward` few arguments; by their numbers without it.
///   - function: from one tensor to one tensor.
/// - Returns: a function from the argument to a tensor with the axes of the result, then those of the argument.
public func jacobian(
  mode: JacobianMode? = nil, _ function: @escaping (Tensor) throws -> Tensor
) -> (Tensor) throws -> Tensor {
  { x in try jacobian(x, mode, function) }
}

private func jacobian(
  _ x: Tensor, _ mode: JacobianMode?, _ function: (Tensor) throws -> Tensor
) throws -> Tensor {
  if let failure = x.failure { throw failure }
  let (value, pullback) = try vjp(x, function)
  if let failure = value.failure { throw failure }
  guard x.dtype.isFloating, value.dtype.isFloating else {
    throw TensorError.dtype("jacobian", "takes and gives floating-point numbers, got \(x.type) and \(value.type)")
  }
  switch mode ?? (value.count <= x.count ? .reverse : .forward) {
  case .reverse:
    let basis = Tensor.eye(value.count, dtype: value.dtype).reshape([value.count] + value.shape)
    return try vmap(pullback)(basis).reshape(value.shape + x.shape)
  case .forward:
    let basis = Tensor.eye(x.count, dtype: x.dtype).reshape([x.count] + x.shape)
    let pushforward = try vjp(Tensor.zeros(like: value), pullback).pullback
    return try vmap(outAxis: -1, pushforward)(basis).reshape(value.shape + x.shape)
  }
}

/// All second derivatives of a scalar function, as a function: forward over reverse.
///
/// - Returns: a function from the argument to a tensor with the argument's axes twice.
public func hessian(_ function: @escaping (Tensor) throws -> Tensor) -> (Tensor) throws -> Tensor {
  jacobian(mode: .forward, grad(function))
}
