import Pinion

/// Stochastic gradient descent with momentum, as in PyTorch.
public struct SGD<Model: Tree & Sendable>: Optimizer {
  public private(set) var step: Tensor
  private var velocity: Model?
  private let learningRate: Schedule
  private let momentum: Double
  private let nesterov: Bool
  private let weightDecay: Double
  private let decays: [Bool]

  /// - Parameters:
  ///   - model: what will be optimized.
  ///   - momentum: part of the velocity that stays; 0 for none.
  ///   - nesterov: whether the gradient looks ahead along the velocity (Sutskever et al., 2013).
  ///   - weightDecay: times the parameter is added to its gradient.
  ///   - decays: which leaves decay.
  /// - Throws: as `leaves(of:)`.
  public init(
    for model: Model, learningRate: Schedule, momentum: Double = 0, nesterov: Bool = false, weightDecay: Double = 0,
    decays: (Leaf) -> Bool = { _ in true }
  ) throws {
    step = Tensor.zeros([], dtype: .int32)
    velocity = momentum == 0 ? nil : try zeroState(for: model)
    self.learningRate = learningRate
    self.momentum = momentum
    self.nesterov = nesterov
    self.weightDecay = weightDecay
    self.decays = try decayMask(model, weightDecay, decays)
  }

  public mutating func update(_ model: inout Model, _ gradients: Model) throws {
    let rate = StepNumbers { [learningRate, step] in [learningRate(step, dtype: $0)] }
    let states = try updating("SGD", &model, gradients, velocity.map { [$0] } ?? []) { i, p, g, state in
      let slope = decays[i] ? g + weightDecay * p : g
      guard let old = state.first else { return (p - rate(p.dtype)[0] * slope, []) }
      let velocity = momentum * old + slope
      return (p - rate(p.dtype)[0] * (nesterov ? slope + momentum * velocity : velocity), [velocity])
    }
    velocity = states.first
    step = step + 1
  }
}
