import Pinion

/// All that a training loop carries from step to step, as one tree for `jit` and checkpoints.
public struct TrainState<O: Optimizer>: Module {
  /// What is trained.
  public var model: O.Model
  /// The rule, with its moments and step counter.
  public var optimizer: O
  /// Randomness of the steps to come.
  public var key: Key

  public init(model: O.Model, optimizer: O, key: Key) {
    self.model = model
    self.optimizer = optimizer
    self.key = key
  }

  /// Updates done so far, an int32 scalar.
  public var step: Tensor { optimizer.step }

  /// A key for one use; the state goes on with another.
  public mutating func nextKey() -> Key {
    let keys = key.split()
    key = keys[0]
    return keys[1]
  }

  /// One step: gradients of the loss, clipped, applied by the optimizer.
  ///
  /// - Parameters:
  ///   - clipNorm: largest global norm of the gradients.
  ///   - loss: returns a scalar. It gets a key for its randomness, and may change the model's buffers.
  /// - Returns: the loss before the step.
  /// - Throws: what `loss` throws; `TensorError`.
  @discardableResult
  public mutating func update(
    clipNorm: Double? = nil, _ loss: (inout O.Model, Key) throws -> Tensor
  ) throws -> Tensor {
    let key = nextKey()
    let (value, gradients, seen) = try valueAndGrad(model) { model in
      var model = model
      let value = try loss(&model, key)
      return (value, model)
    }
    try optimizer.update(&model, try clipNorm.map { try clipped(gradients, norm: $0) } ?? gradients)
    model = try takingUntrained(from: seen, into: model)
    return value
  }
}

/// A compiled training step: `let step = trainStep { model, batch, key in crossEntropy(model(batch[0]), batch[1]) }`,
/// then `(state, loss) = try step(state, batch)`. It reuses the memory of the state it is given.
///
/// - Parameters:
///   - clipNorm: largest global norm of the gradients.
///   - loss: returns a scalar; see `TrainState.update`.
public func trainStep<O: Optimizer, Batch: Tree>(
  for type: O.Type = O.self, clipNorm: Double? = nil, _ loss: @escaping (inout O.Model, Batch, Key) throws -> Tensor
) -> (TrainState<O>, Batch) throws -> (TrainState<O>, Tensor) {
  jit(donating: 0) { (state: TrainState<O>, batch: Batch) -> (TrainState<O>, Tensor) in
    var state = state
    let value = try state.update(clipNorm: clipNorm) { try loss(&$0, batch, $1) }
    return (state, value)
  }
}
