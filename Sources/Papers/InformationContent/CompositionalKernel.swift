import Lab
import Pinion

/// What a unit of a network does to its input.
public enum UnitNonlinearity: String, Codable, CaseIterable, Sendable {
  /// max(0, x)
  case relu
  /// The error function, a sigmoid near tanh(1.2 x).
  case erf
}

/// Which Gaussian process stands for an infinitely wide network.
public enum KernelKind: String, Codable, CaseIterable, Sendable {
  /// Of the network with random weights: the prior of the paper.
  case prior
  /// The neural tangent kernel: of what gradient flow on all layers can change.
  case tangent
}

/// The covariance of the outputs of an infinitely wide fully connected network with random weights, and its tangent kernel.
///
/// The first layer's weights have variance 1/d, those behind a nonlinearity g/width, with the g that keeps a variance of
/// 1: 2 for ReLU (the paper's scaling; the arccosine kernel of degree 1 of Cho and Saul, 2009), 1/E[erf(z)²] for erf
/// (Williams, 1997).
public struct CompositionalKernel: Hashable, Codable, Sendable {
  public var nonlinearity: UnitNonlinearity
  public var kind: KernelKind
  /// Layers of weights L >= 1; 1 is a linear model.
  public var depth: Int
  /// Variance of the biases of each layer, 0 for none.
  public var biasVariance: Double

  public init(
    _ nonlinearity: UnitNonlinearity = .relu, kind: KernelKind = .prior, depth: Int, biasVariance: Double = 0
  ) {
    (self.nonlinearity, self.kind, self.depth, self.biasVariance) = (nonlinearity, kind, depth, biasVariance)
  }

  /// Such as `ReLU, depth 7, bias 0.1, tangent`.
  public var title: String {
    var parts = [nonlinearity == .relu ? "ReLU" : "erf", "depth \(depth)"]
    if biasVariance > 0 { parts.append("bias \(Format.short(biasVariance))") }
    if kind == .tangent { parts.append("tangent") }
    return parts.joined(separator: ", ")
  }

  /// The covariance of the outputs, float64 [n, n].
  ///
  /// - Parameter inputs: float64 [n, d], such as of `NetworkInputs.scaled`.
  /// - Throws: `UsageError` where the depth or the bias is out of range; `TensorError` where the inputs are no matrix.
  public func covariance(_ inputs: Tensor) throws -> Tensor {
    try check()
    if let failure = inputs.failure { throw failure }
    guard inputs.rank == 2 else { throw TensorError.shape("covariance", "inputs are \(inputs.type), expected [n, d]") }
    let first = inputs.matmul(inputs.matrixTranspose()) / Double(inputs.shape[1])
    var layer = LayerCovariance((first + first.matrixTranspose()) / 2 + biasVariance)
    for _ in 1..<depth { layer = layer.next(nonlinearity, kind, biasVariance: biasVariance) }
    return kind == .prior ? layer.prior : layer.tangent
  }

  /// - Throws: `UsageError` where a number is out of range.
  func check() throws {
    guard (1...1_000).contains(depth) else { throw UsageError("a depth of \(depth), expected 1 to 1000") }
    guard biasVariance >= 0, biasVariance.isFinite else {
      throw UsageError("a bias variance of \(biasVariance), expected 0 or more")
    }
  }
}

/// Covariances of the pre-activations of a layer, at one or at many places.
struct LayerCovariance {
  /// Of all pairs, with variances on the diagonal of the first two axes: float64 [n, n].
  var prior: Tensor
  /// The tangent kernel so far.
  var tangent: Tensor

  /// Of the first layer, whose tangent kernel is its covariance.
  init(_ first: Tensor) { (prior, tangent) = (first, first) }

  private init(prior: Tensor, tangent: Tensor) { (self.prior, self.tangent) = (prior, tangent) }

  /// Of the next layer.
  func next(_ nonlinearity: UnitNonlinearity, _ kind: KernelKind, biasVariance: Double) -> LayerCovariance {
    let variances = prior.diagonal()
    let (a, b) = (variances.expandDims(1), variances.expandDims(0))
    let moments = nonlinearity.moments(prior, a, b)
    let prior = moments.values + biasVariance
    return LayerCovariance(prior: prior, tangent: kind == .prior ? prior : prior + tangent * moments.slopes)
  }
}

extension UnitNonlinearity {
  /// Factor that keeps a variance of 1.
  var gain: Double {
    switch self {
    case .relu: 2
    // E[erf(z)²] = (2/π) arcsin(2/3)
    case .erf: Double.pi / (2 * 0.7297276562269663)
    }
  }

  /// g E[φ(u) φ(v)] and g E[φ'(u) φ'(v)] of Gaussian u, v.
  ///
  /// - Parameters:
  ///   - covariance: of u and v.
  ///   - a: variance of u, in a shape that broadcasts; `b` that of v.
  func moments(_ covariance: Tensor, _ a: Tensor, _ b: Tensor) -> (values: Tensor, slopes: Tensor) {
    switch self {
    case .relu:
      let scale = maximum(a * b, 1e-300).sqrt()
      // Rounding takes the correlation of equal inputs beyond 1.
      let r = (covariance / scale).clamp(min: -1, max: 1)
      let opening = Double.pi - r.acos()
      let values = scale * ((1 - r.square()).sqrt() + r * opening) / Double.pi
      return (values, opening / Double.pi)
    case .erf:
      let scale = ((1 + 2 * a) * (1 + 2 * b)).sqrt()
      let values = (2 * covariance / scale).asin() * (2 / Double.pi * gain)
      return (values, 4 / Double.pi * gain / (scale.square() - 4 * covariance.square()).sqrt())
    }
  }
}

/// Inputs as the paper's networks take them.
public enum NetworkInputs {
  /// Rows scaled to the norm √d, so that each has a mean square of 1.
  ///
  /// - Parameters:
  ///   - values: [n, d], row-major.
  ///   - name: file or data set, for errors.
  /// - Throws: `UsageError` where a row is all zeros or has a number that isn't finite.
  public static func scaled(_ values: [Double], dimension: Int, name: String = "data") throws -> Tensor {
    guard dimension > 0, !values.isEmpty, values.count % dimension == 0 else {
      throw UsageError("\(name): \(values.count) numbers aren't rows of \(dimension)")
    }
    let rows = values.count / dimension
    var result = values
    for row in 0..<rows {
      let places = row * dimension..<(row + 1) * dimension
      let largest = values[places].reduce(0) { max($0, abs($1)) }
      guard largest > 0, largest.isFinite, !values[places].contains(where: \.isNaN) else {
        throw UsageError(
          "\(name): row \(row + 1) \(largest > 0 ? "has numbers that aren't finite" : "is all zeros"), which can't be scaled to norm √d"
        )
      }
      // By the largest first, so that squares don't overflow.
      let square = values[places].reduce(0) { $0 + ($1 / largest) * ($1 / largest) }
      let factor = Double(dimension).squareRoot() / square.squareRoot()
      for place in places { result[place] = values[place] / largest * factor }
    }
    return Tensor(result, shape: [rows, dimension])
  }
}
