import NN
import Pinion

/// Numbers of a step, as tensors, so that one compiled program serves all settings.
public struct PrivateStepNumbers: Module {
  /// Learning rate η: 1/α of the paper.
  public var rate: Tensor
  /// Share μ of the velocity that stays; 0 for DP-FTRL, more for DP-FTRLM.
  public var momentum: Tensor
  /// Clipping norm C.
  public var clip: Tensor
  /// σ C: deviation of a fresh noise in the sum over a batch.
  public var deviation: Tensor
  /// 1/b: what makes the sum over a batch a mean.
  public var share: Tensor

  /// - Parameter batchSize: b, fixed whatever the units that a batch really has, as the sensitivity is C/b only then.
  public init(rate: Double, momentum: Double, clip: Double, sigma: Double, batchSize: Int) {
    self.rate = Tensor(Float(rate))
    self.momentum = Tensor(Float(momentum))
    self.clip = Tensor(Float(clip))
    // The clipping norm may be infinite where there is no noise.
    deviation = Tensor(Float(sigma == 0 ? 0 : sigma * clip))
    share = Tensor(1 / Float(batchSize))
  }
}

/// A model in private training, with all that the next step needs.
public struct PrivateState<Model: Module>: Module {
  /// θ_t.
  public var model: Model
  /// θ₀ as one row [P].
  var start: Tensor
  /// S_t: sum of the mean clipped gradients, without noise [P].
  var sum: Tensor
  /// v_t [P].
  var velocity: Tensor
  public var noise: PrefixNoise

  /// - Parameters:
  ///   - model: first weights; they mustn't depend on private data.
  ///   - levels: of the largest tree.
  ///   - key: of the noise, secret.
  /// - Throws: as `leaves(of:)`.
  public init(_ model: Model, mechanism: NoiseMechanism, levels: Int, key: Key) throws {
    // Steps reuse the memory of the state, and the caller's model isn't ours to give away.
    self.model = try map(model) { $0.tensor.copy() }
    start = try Self.row(of: model).copy()
    let size = start.count
    sum = Tensor.zeros([size])
    velocity = Tensor.zeros([size])
    noise = PrefixNoise(mechanism, size: size, levels: levels, key: key)
  }

  /// All parameters in one row [P].
  static func row(of model: Model) throws -> Tensor {
    concatenate(try tensorLeaves(of: model).map { $0.reshape([-1]) })
  }

  /// Follow-the-regularised-leader by a step. With S̃_t the prefix sum with its noise: v_t = μ v_{t−1} + S̃_t and
  /// θ_{t+1} = θ₀ − η v_t. Without noise that's SGD with heavy-ball momentum.
  ///
  /// - Parameter gradient: sum of the clipped gradients of the step [P].
  /// - Throws: `TensorError`.
  public mutating func follow(_ gradient: Tensor, _ numbers: PrivateStepNumbers) throws {
    sum = sum + gradient * numbers.share
    let drawn = try noise.next()
    let noisy = sum + drawn * (numbers.deviation * numbers.share)
    velocity = velocity * numbers.momentum + noisy
    model = try Self.filled(model, from: start - velocity * numbers.rate)
  }

  /// The model with its parameters from one row [P].
  static func filled(_ model: Model, from row: Tensor) throws -> Model {
    var place = 0
    return try map(model) { leaf in
      defer { place += leaf.tensor.count }
      return row.slice(axis: 0, from: place, to: place + leaf.tensor.count).reshape(leaf.tensor.shape)
    }
  }
}

/// What a step saw. These numbers come from private data and have no noise: the guarantee doesn't cover them.
public struct PrivateStepReport: Module {
  /// Mean loss of the batch.
  public var loss: Tensor
  /// Share of gradients that were clipped.
  public var clipped: Tensor
  /// Mean norm before clipping.
  public var norm: Tensor
}

/// The compiled parts of private training; runs of several settings, on several threads, share it.
public final class PrivateProgram<Model: PrivateClassifier>: @unchecked Sendable {
  public typealias State = PrivateState<Model>

  /// A step on the rows of a data set: places and weights [M, B] (or [M, clients, rows]), M micro-batches of B rows each,
  /// weight 0 for what fills up. It reuses the memory of the state.
  let step: (State, PrivateStepNumbers, [Tensor], [Tensor]) throws -> (State, PrivateStepReport)
  /// The state with a new tree.
  let restart: (State) throws -> State
  let restartCompleted: (State) throws -> State
  /// Logits [B, classes] of rows [B, …].
  let predict: (Model, Tensor) throws -> Tensor

  /// - Parameters:
  ///   - scaling: from stored rows to a network's inputs; by fixed numbers, not by statistics of the data.
  ///   - contribution: the clipped gradients of the units at some places: of the model, rows and labels of all data,
  ///     places, weights and the clipping norm. Without it a unit is an example, and its loss the cross-entropy.
  public init(
    scaling: @escaping @Sendable (Tensor) -> Tensor,
    contribution: (@Sendable (Model, [Tensor], Tensor, Tensor, Tensor) throws -> ClippedGradients)? = nil
  ) {
    let gradients = PerExampleGradients<Model> { crossEntropy($0($1), $2) }
    let contribution =
      contribution ?? { model, data, places, weights, norm in
        try gradients(
          model, inputs: scaling(data[0].take(places)), labels: data[1].take(places), weights: weights, norm: norm)
      }
    step = jit(donating: 0) { (state: State, numbers: PrivateStepNumbers, data: [Tensor], batch: [Tensor]) in
      var state = state
      let model = state.model
      func part(_ places: Tensor, _ weights: Tensor) throws -> [Tensor] {
        let found = try contribution(model, data, places, weights, numbers.clip)
        let counts = weights.rank == 1 ? weights : weights.max(1)
        let wasClipped = (found.norms .> numbers.clip).cast(.float32)
        return [found.sum]
          + [found.losses, wasClipped, found.norms, Tensor.ones(like: counts)].map { ($0 * counts).sum() }
      }
      let totals: [Tensor]
      if batch[0].shape.first == 1 {
        totals = try part(batch[0].squeeze(axis: 0), batch[1].squeeze(axis: 0))
      } else {
        let zeros = [Tensor.zeros([state.start.count])] + (0..<4).map { _ in Tensor.zeros([]) }
        totals = try scan(zeros, over: batch) { sums, rows in
          (zip(sums, try part(rows[0], rows[1])).map { $0 + $1 }, [Tensor]())
        }.carried
      }
      try state.follow(totals[0], numbers)
      let count = maximum(totals[4], 1)
      return (state, PrivateStepReport(loss: totals[1] / count, clipped: totals[2] / count, norm: totals[3] / count))
    }
    func restarting(_ completing: Bool) -> (State) throws -> State {
      jit(donating: 0) { (state: State) in
        var state = state
        try state.noise.restart(completing: completing)
        return state
      }
    }
    restart = restarting(false)
    restartCompleted = restarting(true)
    predict = jit { (model: Model, rows: Tensor) in model(scaling(rows)) }
  }
}
