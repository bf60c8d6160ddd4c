import Pinion

/// RMSProp (Tieleman and Hinton, 2012), as in PyTorch.
public struct RMSProp<Model: Tree & Sendable>: Optimizer {
  public private(set) var step: Tensor
  private var square: Model
  private var velocity: Model
  private let learningRate: Schedule
  private let decay: Double
  private let epsilon: Double
  private let momentum: Double

  /// - Parameters:
  ///   - model: what will be optimized.
  ///   - decay: of the gradient's mean square.
  ///   - epsilon: added to its root.
  ///   - momentum: part of the velocity that stays.
  /// - Throws: as `leaves(of:)`.
  public init(
    for model: Model, learningRate: Schedule = 1e-2, decay: Double = 0.99, epsilon: Double = 1e-8, momentum: Double = 0
  ) throws {
    step = Tensor.zeros([], dtype: .int32)
    square = try zeroState(for: model)
    velocity = try zeroState(for: model)
    self.learningRate = learningRate
    (self.decay, self.epsilon, self.momentum) = (decay, epsilon, momentum)
  }

  public mutating func update(_ model: inout Model, _ gradients: Model) throws {
    let rate = StepNumbers { [learningRate, step] in [learningRate(step, dtype: $0)] }
    let states = try updating("RMSProp", &model, gradients, [square, velocity]) { _, p, g, old in
      let square = decay * old[0] + (1 - decay) * g.square()
      let velocity = momentum * old[1] + g / (square.sqrt() + epsilon)
      return (p - rate(p.dtype)[0] * velocity, [square, velocity])
    }
    (square, velocity) = (states[0], states[1])
    step = step + 1
  }
}

/// Adagrad (Duchi et al., 2011), as in PyTorch.
public struct Adagrad<Model: Tree & Sendable>: Optimizer {
  public private(set) var step: Tensor
  private var sum: Model
  private let learningRate: Schedule
  private let epsilon: Double

  /// - Parameters:
  ///   - model: what will be optimized.
  ///   - epsilon: added to the root of the sum of squares.
  /// - Throws: as `leaves(of:)`.
  public init(for model: Model, learningRate: Schedule = 1e-2, epsilon: Double = 1e-10) throws {
    step = Tensor.zeros([], dtype: .int32)
    sum = try zeroState(for: model)
    self.learningRate = learningRate
    self.epsilon = epsilon
  }

  public mutating func update(_ model: inout Model, _ gradients: Model) throws {
    let rate = StepNumbers { [learningRate, step] in [learningRate(step, dtype: $0)] }
    sum = try updating("Adagrad", &model, gradients, [sum]) { _, p, g, old in
      let sum = old[0] + g.square()
      return (p - rate(p.dtype)[0] * g / (sum.sqrt() + epsilon), [sum])
    }[0]
    step = step + 1
  }
}

/// Lion (Chen et al., "Symbolic discovery of optimization algorithms", 2023), as in Optax.
public struct Lion<Model: Tree & Sendable>: Optimizer {
  public private(set) var step: Tensor
  private var mean: Model
  private let learningRate: Schedule
  private let beta1: Double
  private let beta2: Double
  private let weightDecay: Double
  private let decays: [Bool]

  /// - Parameters:
  ///   - model: what will be optimized.
  ///   - beta1: part of the gradient's mean in the update, whose sign counts alone.
  ///   - beta2: decay of the gradient's mean.
  ///   - weightDecay: times the learning rate is the part of a parameter that goes at each step.
  ///   - decays: which leaves decay.
  /// - Throws: as `leaves(of:)`.
  public init(
    for model: Model, learningRate: Schedule = 1e-4, beta1: Double = 0.9, beta2: Double = 0.99,
    weightDecay: Double = 0, decays: (Leaf) -> Bool = { _ in true }
  ) throws {
    step = Tensor.zeros([], dtype: .int32)
    mean = try zeroState(for: model)
    self.learningRate = learningRate
    (self.beta1, self.beta2, self.weightDecay) = (beta1, beta2, weightDecay)
    self.decays = try decayMask(model, weightDecay, decays)
  }

  public mutating func update(_ model: inout Model, _ gradients: Model) throws {
    let rate = StepNumbers { [learningRate, step] in [learningRate(step, dtype: $0)] }
    mean = try updating("Lion", &model, gradients, [mean]) { i, p, g, old in
      let direction = (beta1 * old[0] + (1 - beta1) * g).sign()
      let full = decays[i] ? direction + weightDecay * p : direction
      return (p - rate(p.dtype)[0] * full, [beta2 * old[0] + (1 - beta2) * g])
    }[0]
    step = step + 1
  }
}
