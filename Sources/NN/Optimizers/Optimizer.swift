import Pinion

/// A rule that improves a model by gradients, with its state, which has the model's structure.
///
/// Optimizers are trees: compiled functions take and return them, checkpoints hold them. Swift numbers in them are
/// constants of compiled programs; the step is a tensor.
public protocol Optimizer<Model>: Module {
  /// What is optimized.
  associatedtype Model: Tree & Sendable

  /// Updates done so far, an int32 scalar.
  var step: Tensor { get }

  /// Takes one step. Buffers and leaves that aren't floating point stay as they are.
  ///
  /// - Parameter gradients: of the loss by the model.
  /// - Throws: `TensorError` where model, gradients and state differ in structure or types.
  mutating func update(_ model: inout Model, _ gradients: Model) throws
}

extension Leaf {
  /// Whether optimizers change it.
  var isTrained: Bool { !isBuffer && tensor.dtype.isDifferentiable }
}

/// Zeros in the shapes of the model's trained leaves; scalars stand for the others.
func zeroState<T: Tree>(for model: T) throws -> T {
  try map(model) { $0.isTrained ? Tensor.zeros(like: $0.tensor) : Tensor.zeros([]) }
}

/// Applies an update rule to every trained leaf.
///
/// - Parameters:
///   - states: trees of the model's structure.
///   - complex: whether the rule is right for complex numbers.
///   - rule: from the leaf's number, parameter, gradient and states to the new parameter and states.
func updating<T: Tree>(
  _ name: String, _ model: inout T, _ gradients: T, _ states: [T] = [], complex: Bool = false,
  rule: (Int, Tensor, Tensor, [Tensor]) -> (Tensor, [Tensor])
) throws -> [T] {
  let parameters = try leaves(of: model)
  let slopes = try tensorLeaves(of: gradients)
  var moments = try states.map { try tensorLeaves(of: $0) }
  guard slopes.count == parameters.count, moments.allSatisfy({ $0.count == parameters.count }) else {
    throw TensorError.value(
      name,
      "the model has \(parameters.count) leaves, gradients \(slopes.count), state \(moments.map(\.count)); make the "
        + "optimizer for this model")
  }
  var updated: [Tensor] = []
  updated.reserveCapacity(parameters.count)
  for (i, leaf) in parameters.enumerated() {
    guard leaf.isTrained else {
      updated.append(leaf.tensor)
      continue
    }
    if let failure = leaf.tensor.failure ?? slopes[i].failure { throw failure }
    guard complex || !leaf.tensor.dtype.isComplex else {
      throw TensorError.unsupported(name, "'\(leaf.path)' is complex; keep its real and imaginary part as two tensors")
    }
    for type in [slopes[i].type] + moments.map({ $0[i].type }) where type != leaf.tensor.type {
      throw TensorError.shape(name, "'\(leaf.path)' is \(leaf.tensor.type), its gradient or state \(type)")
    }
    let (parameter, state) = rule(i, leaf.tensor, slopes[i], moments.map { $0[i] })
    if let failure = parameter.failure { throw failure }
    updated.append(parameter)
    for (k, moment) in state.enumerated() { moments[k][i] = moment }
  }
  model = try replacing(leaves: updated, in: model)
  return try zip(states, moments).map { try replacing(leaves: $1, in: $0) }
}

/// Numbers of one step, made once for each element type.
final class StepNumbers {
  private let make: (DType) -> [Tensor]
  private var made: [DType: [Tensor]] = [:]

  init(_ make: @escaping (DType) -> [Tensor]) { self.make = make }

  /// The numbers for parameters of a type.
  func callAsFunction(_ dtype: DType) -> [Tensor] {
    if let known = made[dtype] { return known }
    // Half precision would lose the step's digits.
    let numbers = make(dtype.realType == .float64 ? .float64 : .float32).map { $0.cast(dtype) }
    made[dtype] = numbers
    return numbers
  }
}

/// For each leaf whether weight decay acts on it.
func decayMask<T: Tree>(_ model: T, _ weightDecay: Double, _ decays: (Leaf) -> Bool) throws -> [Bool] {
  try leaves(of: model).map { weightDecay != 0 && $0.isTrained && decays($0) }
}
