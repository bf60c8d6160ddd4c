import Foundation
import Lab
import NN
import Pinion

/// Learns how much each coordinate counts in the Gaussian similarity from a few points whose clusters are known, by the
/// derivative of the embedding's eigenvectors.
///
/// The projection onto the first k eigenvectors of L_sym doesn't depend on the choice among equal eigenvalues, so it has a
/// derivative: it's compared with the projection onto the known clusters' indicators.
public struct KernelScales: Sendable {
  /// Logarithms of the factors of the squared differences, float64 [d].
  public let logarithms: [Double]
  /// Losses from step to step.
  public let losses: [Double]

  /// Factor of each coordinate's squared difference.
  public var factors: [Double] { logarithms.map { exp($0) } }

  /// Learns the factors.
  ///
  /// - Parameters:
  ///   - known: cluster of the points where it's known, nil elsewhere.
  ///   - clusters: k.
  /// - Throws: `UsageError` where nothing is known, or there are too many points; `TensorError`, `PJRTError`.
  public init(
    _ points: Points, known: [Int?], clusters k: Int, steps: Int = 60, learningRate: Double = 0.1
  ) throws {
    let (n, d) = (points.count, points.dimension)
    guard n <= 2_000 else { throw UsageError("learning scales takes all eigenvectors, of up to 2000 points, got \(n)") }
    let labelled = known.indices.filter { known[$0] != nil }
    guard known.count == n, labelled.count > k, k >= 2, k < n else {
      throw UsageError("learning scales needs known clusters of more than \(k) points, got \(labelled.count)")
    }
    let x = points.tensor
    let places = Tensor(labelled.map { Int32($0) })
    let truth = labelled.map { known[$0] ?? 0 }
    let same = Tensor(truth.flatMap { a in truth.map { $0 == a ? 1.0 : 0 } }, shape: [truth.count, truth.count])
    let typical = try SimilarityGraph.typicalDistance(points, SimilarityOptions())
    let start = Tensor([Double](repeating: -log(2 * typical * typical), count: d))
    func loss(_ logarithms: Tensor) -> Tensor {
      let projection = Self.projection(x, logarithms, k)
      let block = projection.take(places).take(places, axis: 1)
      // Rows of the projection are alike within a cluster, orthogonal between them.
      let diagonal = maximum(block.diagonal(), 1e-12).sqrt()
      return (block / outer(diagonal, diagonal) - same).square().mean()
    }
    var (scales, optimizer) = (start, try Adam(for: start, learningRate: .constant(learningRate)))
    let step = jit { (scales: Tensor, optimizer: Adam<Tensor>) -> (Tensor, Adam<Tensor>, Tensor) in
      let (value, slope) = try valueAndGrad(scales) { loss($0) }
      var (scales, optimizer) = (scales, optimizer)
      try optimizer.update(&scales, slope)
      return (scales, optimizer, value)
    }
    var losses: [Double] = []
    for _ in 0..<max(1, steps) {
      let value: Tensor
      (scales, optimizer, value) = try step(scales, optimizer)
      losses.append(try value.item())
    }
    self.losses = losses
    logarithms = try scales.array(of: Double.self)
  }

  /// The similarities under factors, float64 [n, n], without a diagonal.
  static func similarities(_ x: Tensor, _ logarithms: Tensor) -> Tensor {
    let scaled = x * (logarithms / 2).exp().expandDims(0)
    let n = x.shape[0]
    return (-SimilarityGraph.squaredDistances(scaled, scaled)).exp() * (1 - Tensor.eye(n, dtype: .float64))
  }

  /// The projection onto the first k eigenvectors of L_sym.
  static func projection(_ x: Tensor, _ logarithms: Tensor, _ k: Int) -> Tensor {
    let n = x.shape[0]
    let weights = similarities(x, logarithms)
    let root = maximum(weights.sum(1), 1e-12).sqrt()
    let (_, vectors) = eigh(weights / outer(root, root))
    let top = vectors.slice(axis: 1, from: n - k, to: n)
    return top.matmul(top.matrixTranspose())
  }

  /// The points with their coordinates so scaled that a plain Gaussian of gamma 1 has the learnt factors.
  ///
  /// - Throws: `UsageError` where dimensions differ.
  public func applied(to points: Points) throws -> Points {
    guard points.dimension == logarithms.count else {
      throw UsageError("scales of \(logarithms.count) coordinates for points of \(points.dimension)")
    }
    let factors = logarithms.map { exp($0 / 2) }
    return try Points(
      points.values.enumerated().map { $1 * factors[$0 % points.dimension] }, dimension: points.dimension)
  }
}
