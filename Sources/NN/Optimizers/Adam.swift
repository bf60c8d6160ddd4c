import Foundation
import Pinion

/// Moments of Adam and their step, shared by its forms.
private enum AdamRule {
  /// Learning rate over the first moment's correction, and 1 over the root of the second's.
  static func numbers(_ step: Tensor, _ rate: Schedule, _ beta1: Double, _ beta2: Double) -> StepNumbers {
    StepNumbers { dtype in
      let t = (step + 1).cast(dtype)
      // 1 - beta^t without the loss of digits that a power near 1 brings.
      func correction(_ beta: Double) -> Tensor { -(t * log(beta)).expm1() }
      let rate = rate(step, dtype: dtype)
      return [rate, rate / correction(beta1), correction(beta2).rsqrt()]
    }
  }

  static func moments(_ g: Tensor, _ old: [Tensor], _ beta1: Double, _ beta2: Double) -> [Tensor] {
    [beta1 * old[0] + (1 - beta1) * g, beta2 * old[1] + (1 - beta2) * g.square()]
  }
}

/// Adam (Kingma and Ba, 2015), as in PyTorch.
public struct Adam<Model: Tree & Sendable>: Optimizer {
  public private(set) var step: Tensor
  private var mean: Model
  private var variance: Model
  private let learningRate: Schedule
  private let beta1: Double
  private let beta2: Double
  private let epsilon: Double
  private let weightDecay: Double
  private let decays: [Bool]

  /// - Parameters:
  ///   - model: what will be optimized.
  ///   - beta1: decay of the gradient's mean.
  ///   - beta2: decay of the gradient's mean square.
  ///   - epsilon: added to the root of the mean square.
  ///   - weightDecay: times the parameter is added to its gradient; see `AdamW` for decay beside it.
  ///   - decays: which leaves decay.
  /// - Throws: as `leaves(of:)`.
  public init(
    for model: Model, learningRate: Schedule = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-8, weightDecay: Double = 0, decays: (Leaf) -> Bool = { _ in true }
  ) throws {
    step = Tensor.zeros([], dtype: .int32)
    mean = try zeroState(for: model)
    variance = try zeroState(for: model)
    self.learningRate = learningRate
    (self.beta1, self.beta2, self.epsilon) = (beta1, beta2, epsilon)
    self.weightDecay = weightDecay
    self.decays = try decayMask(model, weightDecay, decays)
  }

  public mutating func update(_ model: inout Model, _ gradients: Model) throws {
    let numbers = AdamRule.numbers(step, learningRate, beta1, beta2)
    let states = try updating("Adam", &model, gradients, [mean, variance]) { i, p, g, old in
      let now = numbers(p.dtype)
      let moments = AdamRule.moments(decays[i] ? g + weightDecay * p : g, old, beta1, beta2)
      return (p - now[1] * moments[0] / (moments[1].sqrt() * now[2] + epsilon), moments)
    }
    (mean, variance) = (states[0], states[1])
    step = step + 1
  }
}

/// Adam with decoupled weight decay (Loshchilov and Hutter, 2019), as in PyTorch.
public struct AdamW<Model: Tree & Sendable>: Optimizer {
  public private(set) var step: Tensor
  private var mean: Model
  private var variance: Model
  private let learningRate: Schedule
  private let beta1: Double
  private let beta2: Double
  private let epsilon: Double
  private let weightDecay: Double
  private let decays: [Bool]

  /// - Parameters:
  ///   - model: what will be optimized.
  ///   - beta1: decay of the gradient's mean.
  ///   - beta2: decay of the gradient's mean square.
  ///   - epsilon: added to the root of the mean square.
  ///   - weightDecay: times the learning rate is the part of a parameter that goes at each step.
  ///   - decays: which leaves decay; `{ $0.tensor.rank > 1 }` spares biases and scales.
  /// - Throws: as `leaves(of:)`.
  public init(
    for model: Model, learningRate: Schedule = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-8, weightDecay: Double = 0.01, decays: (Leaf) -> Bool = { _ in true }
  ) throws {
    step = Tensor.zeros([], dtype: .int32)
    mean = try zeroState(for: model)
    variance = try zeroState(for: model)
    self.learningRate = learningRate
    (self.beta1, self.beta2, self.epsilon) = (beta1, beta2, epsilon)
    self.weightDecay = weightDecay
    self.decays = try decayMask(model, weightDecay, decays)
  }

  public mutating func update(_ model: inout Model, _ gradients: Model) throws {
    let numbers = AdamRule.numbers(step, learningRate, beta1, beta2)
    let states = try updating("AdamW", &model, gradients, [mean, variance]) { i, p, g, old in
      let now = numbers(p.dtype)
      let moments = AdamRule.moments(g, old, beta1, beta2)
      let kept = decays[i] ? p * (1 - now[0] * weightDecay) : p
      return (kept - now[1] * moments[0] / (moments[1].sqrt() * now[2] + epsilon), moments)
    }
    (mean, variance) = (states[0], states[1])
    step = step + 1
  }
}
