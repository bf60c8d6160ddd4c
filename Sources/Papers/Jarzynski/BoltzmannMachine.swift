import Formats
import Foundation
import Lab
import NN
import Pinion

/// A restricted Boltzmann machine with binary hidden units as an energy of continuous states.
///
/// With Gaussian visible units the hidden ones are summed out: E(v) = |v − b|²/2 − Σ_j softplus(c_j + (Wᵀv)_j). With binary
/// visible units states are fields x over both layers (the Gaussian integral trick; Zhang, Sutton, Storkey and Ghahramani,
/// 2012): exp(½ sᵀAs) is a Gaussian integral over x, after which the units s are summed out one by one. Both have the
/// machine's own partition function, and few enough hidden units can be enumerated to know it.
public struct BoltzmannMachine: Energy {
  /// What visible units are.
  public enum Visible: String, Codable, Sendable, CaseIterable {
    case gaussian
    case binary
  }

  /// Couplings W, float64 [visible, hidden].
  public let weights: Tensor
  /// b, float64 [visible].
  public let visibleBias: Tensor
  /// c, float64 [hidden].
  public let hiddenBias: Tensor
  public let visible: Visible
  public let dimension: Int
  public let logPartitionFunction: Double?
  private let fields: Fields?

  /// What the energy of fields needs: A⁻¹ [n, n], a − diag(A)/2 [n], and log((2π)^{n/2} |A|^{1/2}).
  private struct Fields: Sendable {
    let inverse: Tensor
    let bias: Tensor
    let constant: Double
  }

  /// More hidden units than this aren't enumerated.
  public static let enumerable = 16

  /// - Throws: `TensorError` where sizes don't fit.
  public init(weights: Tensor, visibleBias: Tensor, hiddenBias: Tensor, visible: Visible) throws {
    self.weights = weights.cast(.float64)
    self.visibleBias = visibleBias.cast(.float64)
    self.hiddenBias = hiddenBias.cast(.float64)
    self.visible = visible
    guard weights.rank == 2, visibleBias.shape == [weights.shape[0]], hiddenBias.shape == [weights.shape[1]] else {
      throw TensorError.shape(
        "BoltzmannMachine",
        "weights \(weights.shape) with biases \(visibleBias.shape) and \(hiddenBias.shape), expected [v, h], [v], [h]")
    }
    let (v, h) = (weights.shape[0], weights.shape[1])
    fields = visible == .binary ? try Self.fields(self.weights, self.visibleBias, self.hiddenBias) : nil
    dimension = visible == .binary ? v + h : v
    logPartitionFunction =
      h <= Self.enumerable ? try Self.enumerated(self.weights, self.visibleBias, self.hiddenBias, visible) : nil
  }

  /// Reads `weights` [v, h], `visible_bias` [v], `hidden_bias` [h]; the metadata's `visible` is gaussian or binary.
  ///
  /// - Throws: `FormatError` with the file and what was expected.
  public init(path: String) throws {
    let file = try Safetensors(path: path)
    guard let visible = Visible(rawValue: file.metadata["visible"] ?? "binary") else {
      throw FormatError(path, "metadata: visible is '\(file.metadata["visible"] ?? "")', expected gaussian or binary")
    }
    let tensors = try ["weights", "visible_bias", "hidden_bias"].map { try file.tensor($0) }
    guard tensors.allSatisfy({ $0.dtype.isFloating }) else {
      throw FormatError(path, "weights and biases must be floating-point numbers")
    }
    do {
      try self.init(weights: tensors[0], visibleBias: tensors[1], hiddenBias: tensors[2], visible: visible)
    } catch let error as TensorError { throw FormatError(path, error.message) }
  }

  /// - Throws: `FormatError` where the disk refuses.
  public func write(to path: String) throws {
    try Safetensors.write(
      ["weights": weights, "visible_bias": visibleBias, "hidden_bias": hiddenBias], to: path,
      metadata: ["visible": visible.rawValue])
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    if let fields {
      let form = (x * fields.inverse.matmul(x.expandDims(1)).squeeze(axis: 1)).sum() / 2
      return form - softplus(x + fields.bias).sum() + fields.constant
    }
    let inputs = hiddenBias + x.expandDims(0).matmul(weights).squeeze(axis: 0)
    return (x - visibleBias).square().sum() / 2 - softplus(inputs).sum()
  }

  /// Z as a sum over all states of the hidden units.
  private static func enumerated(_ w: Tensor, _ b: Tensor, _ c: Tensor, _ visible: Visible) throws -> Double {
    let hidden = w.shape[1]
    let numbers = Tensor.arange(1 << hidden, dtype: .int32).expandDims(1)
    let states = ((numbers >> Tensor.arange(hidden, dtype: .int32)) & 1).cast(.float64)  // [2^h, h]
    let inputs = states.matmul(w.transpose())  // [2^h, v]
    let perUnit =
      visible == .binary ? softplus(b + inputs) : b * inputs + inputs.square() / 2 + 0.5 * log(2 * Double.pi)
    return try (states.matmul(c.expandDims(1)).squeeze(axis: 1) + perUnit.sum(1)).logSumExp().item()
  }

  private static func fields(_ w: Tensor, _ b: Tensor, _ c: Tensor) throws -> Fields {
    let n = w.shape[0] + w.shape[1]
    let upper = concatenate([Tensor.zeros([w.shape[0], w.shape[0]], dtype: .float64), w], axis: 1)
    let lower = concatenate([w.transpose(), Tensor.zeros([w.shape[1], w.shape[1]], dtype: .float64)], axis: 1)
    let couplings = concatenate([upper, lower], axis: 0)
    // The diagonal makes A positive; s² = s takes it back out through the biases.
    let largest = eigh(w.transpose().matmul(w)).eigenvalues.max().sqrt()
    let shift = largest + 0.5
    let a = couplings + shift * Tensor.eye(n, dtype: .float64)
    let inverse = Pinion.inverse(a)
    let bias = concatenate([b, c]) - shift / 2
    let logDeterminant = slogdet(a).logAbs
    try evaluate(inverse, bias, logDeterminant)
    let constant = (Double(n) * log(2 * Double.pi) + (try logDeterminant.item())) / 2
    return Fields(inverse: inverse, bias: bias, constant: constant)
  }
}

extension BoltzmannMachine {
  /// Trains by persistent contrastive divergence, Gibbs chains of which one step is taken at each batch.
  ///
  /// - Parameters:
  ///   - data: float64 [N, v]; about unit variance for Gaussian units, within 0 … 1 for binary ones.
  ///   - steps: gradient steps.
  /// - Throws: `TensorError` where the data can't be read or no step can be taken.
  public static func trained(
    on data: Tensor, hidden: Int, visible: Visible, steps: Int = 2_000, batchSize: Int = 64,
    learningRate: Double = 0.02, weightDecay: Double = 1e-3, key: Key
  ) throws -> BoltzmannMachine {
    let (count, width) = (data.shape[0], data.shape[1])
    let keys = key.split(3)
    let chains = min(batchSize, count)
    let start = Chains(
      weights: keys[0].normal([width, hidden], dtype: .float64) * 0.01, visibleBias: data.mean(0),
      hiddenBias: Tensor.zeros([hidden], dtype: .float64), particles: data[..<chains])
    let train = jit { (state: Chains, data: Tensor, key: Key) -> Chains in
      try forLoop(state, steps: steps) { state, i in
        let keys = key.foldIn(i).split(4)
        let batch = data.take(keys[0].randint([chains], from: 0, to: count))
        let rate = learningRate * (1 - i.cast(.float64) / Double(steps))
        func activation(_ v: Tensor) -> Tensor { (v.matmul(state.weights) + state.hiddenBias).sigmoid() }
        let positive = activation(batch)
        let draws = keys[1].uniform([chains, hidden], dtype: .float64)
        let units = (draws .< activation(state.particles)).cast(.float64)
        let field = units.matmul(state.weights.transpose()) + state.visibleBias
        let particles: Tensor
        switch visible {
        case .gaussian: particles = field + keys[2].normal(field.shape, dtype: .float64)
        case .binary: particles = (keys[2].uniform(field.shape, dtype: .float64) .< field.sigmoid()).cast(.float64)
        }
        let negative = activation(particles)
        let slope = (batch.transpose().matmul(positive) - particles.transpose().matmul(negative)) / Double(chains)
        return Chains(
          weights: state.weights + rate * (slope - weightDecay * state.weights),
          visibleBias: state.visibleBias + rate * (batch - particles).mean(0),
          hiddenBias: state.hiddenBias + rate * (positive - negative).mean(0), particles: particles)
      }
    }
    let end = try train(start, data, keys[1])
    try evaluate(end.weights, end.visibleBias, end.hiddenBias)
    guard try end.weights.isFinite().all().item() == 1 else {
      throw TensorError.value("BoltzmannMachine", "training ran off to infinity; take a smaller learning rate")
    }
    return try BoltzmannMachine(
      weights: end.weights, visibleBias: end.visibleBias, hiddenBias: end.hiddenBias, visible: visible)
  }

  private struct Chains: Module {
    var weights: Tensor
    var visibleBias: Tensor
    var hiddenBias: Tensor
    var particles: Tensor
  }

  /// A Gaussian that covers the machine's states: mean and spread of the visible biases and all hidden states.
  public var reference: QuadraticEnergy {
    get throws {
      guard visible == .gaussian else {
        return QuadraticEnergy(
          mean: Array(repeating: 0, count: dimension), standardDeviation: Array(repeating: 2, count: dimension))
      }
      // Hidden units on half of the time, each by itself.
      let mean = try (visibleBias + weights.sum(1) / 2).array(of: Double.self)
      let spread = try (1 + weights.square().sum(1) / 4).sqrt().array(of: Double.self)
      return QuadraticEnergy(mean: mean, standardDeviation: spread)
    }
  }
}
