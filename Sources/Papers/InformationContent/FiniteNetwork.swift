import Foundation
import Lab
import NN
import Pinion

/// A fully connected ReLU network without biases, of finite width, as the paper trains.
///
/// Weights begin with variance 1 over the inputs, and each ReLU's output is multiplied by √2, so that wide networks have the
/// covariance of `CompositionalKernel`.
struct FiniteNetwork: Module, Sendable {
  /// Matrices [in, out], L of them.
  var weights: [Tensor]

  /// - Parameters:
  ///   - depth: L >= 1 layers of weights.
  ///   - width: units of each hidden layer.
  init(inputs: Int, depth: Int, width: Int, key: Key) {
    let sizes = [inputs] + Array(repeating: width, count: depth - 1) + [1]
    weights = (0..<depth).map { i in
      key.foldIn(i).normal([sizes[i], sizes[i + 1]]) / Double(sizes[i]).squareRoot()
    }
  }

  /// - Parameter x: [m, in], rows of norm √in.
  /// - Returns: [m].
  func callAsFunction(_ x: Tensor) -> Tensor {
    let hidden = weights.dropLast().reduce(x) { relu($0.matmul($1)) * 2.0.squareRoot() }
    return hidden.matmul(weights[weights.count - 1]).reshape([x.shape[0]])
  }

  /// Weights of a network of these sizes.
  static func weightCount(inputs: Int, depth: Int, width: Int) -> Int {
    depth == 1 ? inputs : inputs * width + (depth - 2) * width * width + width
  }
}

/// Nero (Liu, Bernstein, Meister and Yue, 2021), with which the paper's code trains: each unit's weights keep the mean 0 and the
/// norm 1, and move by the learning rate in the direction of their gradient, in units of its typical size.
struct NeroState: Module, Sendable {
  var network: FiniteNetwork
  /// Mean square norms of the gradient by unit, [1, out] a layer.
  var squares: [Tensor]
  /// Updates done so far.
  var step: Tensor

  static let decay = 0.999

  init(_ network: FiniteNetwork) {
    self.network = network
    self.network.weights = network.weights.map(Self.balanced)
    squares = network.weights.map { Tensor.zeros([1, $0.shape[1]]) }
    step = Tensor(0 as Float)
  }

  /// Columns with mean 0 and norm 1.
  static func balanced(_ weights: Tensor) -> Tensor {
    let centred = weights - weights.mean(0, keepDims: true)
    return centred / maximum(centred.square().sum(0, keepDims: true), 1e-30).sqrt()
  }

  /// One step on a batch: x [b, in], y [b] in ±1. The loss is the norm of the residual.
  mutating func update(_ x: Tensor, _ y: Tensor, rate: Tensor) throws {
    let (_, slopes) = try valueAndGrad(network) { network in
      maximum((network(x) - y).square().sum(), 1e-20).sqrt()
    }
    step = step + 1
    // The mean square starts at 0; as in Adam it's divided by what it can have reached.
    let reached = 1 - (step * log(Self.decay)).exp()
    for i in network.weights.indices {
      let slope = slopes.weights[i]
      squares[i] = Self.decay * squares[i] + (1 - Self.decay) * slope.square().sum(0, keepDims: true)
      let scale = maximum(squares[i] / reached, 1e-30).sqrt()
      network.weights[i] = Self.balanced(network.weights[i] - rate * slope / scale)
    }
  }
}

/// Trains finite networks until they make no error on the training set.
struct FiniteNetworkTraining: Sendable {
  var depth: Int
  var width: Int
  var batch = 50
  var learningRate = 0.01
  /// Of the learning rate, by epoch.
  var decay = 0.95
  var maxEpochs = 200

  /// What a network learnt.
  struct Result: Codable, Sendable {
    var epochs: Int
    var trainError: Double
    var testError: Double
  }

  /// - Parameters:
  ///   - inputs: training inputs, float32 [n, d], rows of norm √d; `labels` in ±1.
  ///   - test: test inputs likewise, with their labels.
  /// - Throws: `TensorError`, `PJRTError`.
  func run(_ inputs: Tensor, _ labels: [Double], test: Tensor, testLabels: [Double], key: Key) throws -> Result {
    let (n, size) = (labels.count, min(batch, labels.count))
    let batches = n / size
    let (y, z) = (Tensor(labels).cast(.float32), Tensor(testLabels).cast(.float32))
    let epoch = jit(donating: 0) {
      (state: NeroState, inputs: Tensor, y: Tensor, key: Key, rate: Tensor) -> (NeroState, Tensor) in
      let order = key.permutation(n)[0..<batches * size].reshape([batches, size])
      let end = try scan(state, over: order) { state, places in
        var state = state
        try state.update(inputs.take(places), y.take(places), rate: rate)
        return (state, [Tensor]())
      }.carried
      return (end, Self.errorRate(end.network(inputs), y))
    }
    var state = NeroState(FiniteNetwork(inputs: inputs.shape[1], depth: depth, width: width, key: key.foldIn(0)))
    var result = Result(epochs: 0, trainError: 1, testError: .nan)
    while result.trainError > 0, result.epochs < maxEpochs {
      let rate = Tensor(Float(learningRate * pow(decay, Double(result.epochs))))
      let error: Tensor
      (state, error) = try epoch(state, inputs, y, key.foldIn(1 + result.epochs), rate)
      result.trainError = try error.item()
      result.epochs += 1
    }
    let judge = jit { (network: FiniteNetwork, x: Tensor, y: Tensor) -> Tensor in Self.errorRate(network(x), y) }
    result.testError = try judge(state.network, test, z).item()
    return result
  }

  /// Share of outputs whose sign isn't the label's.
  private static func errorRate(_ outputs: Tensor, _ labels: Tensor) -> Tensor {
    (outputs * labels .<= 0).cast(.float32).mean()
  }
}

/// Random networks of finite width against the kernel, as in the unit test of the public code.
struct RandomNetworkCovariance: Codable, Sendable {
  struct Row: Codable, Sendable {
    var networks: Int
    /// Root mean square difference over entries, in coordinates in which the kernel is the identity.
    var difference: Double
  }

  var rows: [Row]

  /// Slope of log difference by log count: -1/2 for independent networks.
  var slope: Double {
    let points = rows.map { (log(Double($0.networks)), log($0.difference)) }
    let (x, y) = (Statistics.mean(points.map(\.0)), Statistics.mean(points.map(\.1)))
    return points.reduce(0) { $0 + ($1.0 - x) * ($1.1 - y) } / points.reduce(0) { $0 + ($1.0 - x) * ($1.0 - x) }
  }

  /// The units of a layer are independent given the layer before, so a layer's pre-activations at m inputs are width draws of
  /// m numbers with that layer's covariance: whole weight matrices needn't be drawn.
  ///
  /// - Parameters:
  ///   - inputs: float64 [m, d].
  ///   - counts: numbers of networks, rising.
  ///   - repetitions: over which the squared difference is averaged.
  static func measure(
    _ inputs: Tensor, depth: Int, width: Int, counts: [Int], repetitions: Int, key: Key
  ) throws -> RandomNetworkCovariance {
    let kernel = try CompositionalKernel(depth: depth).covariance(inputs)
    let first = inputs.matmul(inputs.matrixTranspose()) / Double(inputs.shape[1])
    let m = inputs.shape[0]
    let root = Self.root(kernel)
    let outputs = vmap(inAxes: [0, nil]) { (key: Key, first: Tensor) -> Tensor in
      var covariance = first
      for layer in 1..<depth {
        let normal = key.foldIn(layer).normal([width, m]).cast(.float64)
        let draws = normal.matmul(Self.root(covariance).matrixTranspose())
        let active = relu(draws) * 2.0.squareRoot()
        covariance = active.matrixTranspose().matmul(active) / Double(width)
      }
      return Self.root(covariance).matmul(key.foldIn(0).normal([m], dtype: .float64))
    }
    let part = 50
    let draw = jit { (words: Tensor, first: Tensor) -> Tensor in try outputs(Key(words: words), first) }
    let rows = try counts.enumerated().map { place, count -> Row in
      var sum = 0.0
      for repetition in 0..<repetitions {
        let keys = key.foldIn(place).foldIn(repetition)
        var second = Tensor.zeros([m, m], dtype: .float64)
        for block in 0..<max(1, count / part) {
          let words = stack(keys.foldIn(block).split(min(part, count)).map(\.words))
          let z = try draw(words, first)
          second = second + z.matrixTranspose().matmul(z)
        }
        let covariance = second / Double(max(1, count / part) * min(part, count))
        let half = triangularSolve(root, covariance, lower: true)
        let whole = triangularSolve(root, half.matrixTranspose(), lower: true)
        sum += try (whole - Tensor.eye(m, dtype: .float64)).square().mean().item()
      }
      return Row(networks: count, difference: (sum / Double(repetitions)).squareRoot())
    }
    return RandomNetworkCovariance(rows: rows)
  }

  private static func root(_ covariance: Tensor) -> Tensor {
    cholesky(covariance + 1e-12 * Tensor.eye(covariance.shape[0], dtype: .float64))
  }
}
