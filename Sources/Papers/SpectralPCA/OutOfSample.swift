import Foundation
import Lab
import Pinion

/// Places new points in an embedding without a new decomposition, by Nyström's formula.
///
/// The eigenvector equation read at a new point x: y(x) = Σ P(x, i) y_i / (1 - λ), P the similarities divided by their sum.
public struct OutOfSample: Sendable {
  let points: Points
  let embedding: SpectralEmbedding
  let degrees: [Double]
  /// Options with all that was chosen by the points.
  let options: SimilarityOptions
  let scales: [Double]

  /// - Throws: `UsageError` where the graph isn't one of points.
  public init(_ points: Points, _ graph: SimilarityGraph, _ embedding: SpectralEmbedding) throws {
    guard graph.options.affinity != .precomputed, points.count == graph.count, embedding.count == graph.count else {
      throw UsageError("new points have places only in the embedding of points")
    }
    self.init(
      points: points, embedding: embedding, degrees: graph.degrees, options: graph.options, scales: graph.scales)
  }

  init(
    points: Points, embedding: SpectralEmbedding, degrees: [Double], options: SimilarityOptions, scales: [Double]
  ) {
    (self.points, self.embedding, self.degrees) = (points, embedding, degrees)
    (self.options, self.scales) = (options, scales)
  }

  /// Eigenvectors' values at new points, row-major [m, k], in the measure of the embedding's kind.
  ///
  /// A point without similarity to any of the old ones takes the place of the nearest.
  ///
  /// - Throws: `UsageError` where dimensions differ; `TensorError`, `PJRTError`.
  public func place(_ queries: Points) throws -> [Double] {
    guard queries.dimension == points.dimension else {
      throw UsageError("new points have \(queries.dimension) coordinates, the embedding's have \(points.dimension)")
    }
    let rows = max(1, min(queries.count, (1 << 22) / points.count))
    var result: [Double] = []
    for first in stride(from: 0, to: queries.count, by: rows) {
      let part = try queries.subset(Array(first..<min(first + rows, queries.count)))
      result += try extended(similarities(part)).array(of: Double.self)
    }
    return result
  }

  /// Values at rows of similarities float64 [m, n]; a row of the graph's own gives its vertex's values again.
  func extended(_ similarities: Tensor) -> Tensor {
    let sums = similarities.sum(1, keepDims: true)
    let degree = Tensor(degrees).expandDims(0)
    let lambda = Tensor(embedding.eigenvalues).expandDims(0)
    let y = embedding.tensor
    func divided(_ x: Tensor, by factor: Tensor) -> Tensor {
      // At λ = 1 the equation says nothing of the new point.
      let isNothing = factor.abs() .< 1e-12
      return select(isNothing, Tensor.zeros(like: x), x / select(isNothing, Tensor.ones(like: factor), factor))
    }
    switch embedding.kind {
    case .randomWalk:
      return divided((similarities / sums).matmul(y), by: (1 - lambda).broadcast(to: [sums.shape[0], lambda.shape[1]]))
    case .symmetric:
      let roots = select(degree .> 0, degree, Tensor.ones(like: degree)).sqrt()
      return divided(
        (similarities / (sums.sqrt() * roots)).matmul(y),
        by: (1 - lambda).broadcast(to: [sums.shape[0], lambda.shape[1]]))
    case .unnormalized: return divided(similarities.matmul(y), by: sums - lambda)
    }
  }

  /// Similarities of new points to the old ones, float64 [m, n].
  private func similarities(_ queries: Points) throws -> Tensor {
    let (m, n) = (queries.count, points.count)
    let nearest = try Neighbors(of: queries, among: points, k: min(max(options.nNeighbors - 1, 1), n))
    func sparse(_ value: (Double) -> Double) -> Tensor {
      var values = [Double](repeating: 0, count: m * n)
      for place in 0..<m * nearest.k {
        values[place / nearest.k * n + Int(nearest.indices[place])] = value(nearest.squaredDistances[place])
      }
      return Tensor(values, shape: [m, n])
    }
    let (x, y) = (queries.tensor, points.tensor)
    let squared = SimilarityGraph.squaredDistances(x, y)
    let gamma = Tensor(options.gamma ?? 1)
    let similar: Tensor
    switch options.affinity {
    case .nearestNeighbors, .mutualNeighbors, .precomputed: return sparse { _ in 1 }
    case .rbf: similar = (-gamma * squared).exp()
    case .epsilon:
      let radius = options.epsilon ?? 0
      similar = select(squared .<= Tensor(radius * radius), (-gamma * squared).exp(), Tensor.zeros(like: squared))
    case .selfTuning:
      let k = min(options.scaleNeighbor, n)
      let own = try Neighbors(of: queries, among: points, k: k)
      let mine = (0..<m).map { 1 / max(own.squaredDistances[($0 + 1) * k - 1].squareRoot(), 1e-12) }
      similar = (-squared * outer(Tensor(mine), Tensor(scales.map { 1 / $0 }))).exp()
    case .cosine:
      let (a, b) = (try queries.normalized().tensor, try points.normalized().tensor)
      similar = a.matmul(b.matrixTranspose()).clamp(min: 0, max: 1)
    }
    let closest = oneHot(
      Tensor((0..<m).map { nearest.indices[$0 * nearest.k] }), classes: n, dtype: .float64)
    return select((similar.sum(1, keepDims: true) .<= 0).broadcast(to: [m, n]), closest, similar)
  }
}

extension SpectralEmbedding {
  /// The embedding of many points by way of a few: the Gaussian graph of all n points, approximated from its m columns at
  /// landmarks (Nyström; Fowlkes et al. 2004), W ≈ C A⁺ Cᵀ. It takes n·m numbers in place of n².
  ///
  /// - Parameters:
  ///   - landmarks: m, drawn at random.
  ///   - gamma: of exp(-gamma |x - y|²); 1/(2 m²) with the median m of distances of landmarks to their fourth neighbour
  ///     among them where nil.
  /// - Throws: `UsageError` where numbers don't fit together; `TensorError`, `PJRTError`.
  public init(
    _ points: Points, landmarks m: Int, components k: Int, _ kind: LaplacianKind = .randomWalk, gamma: Double? = nil,
    seed: UInt64 = 0
  ) throws {
    let n = points.count
    guard m >= k, m <= n, k >= 1 else { throw UsageError("\(m) landmarks for \(k) eigenvectors of \(n) points") }
    guard kind != .unnormalized else { throw UsageError("landmarks give normalised Laplacians; use rw or sym") }
    guard n <= 100_000_000 / m else {
      throw UsageError("\(m) landmarks of \(n) points take \(n * m / 125_000_000) GB; use fewer")
    }
    let order = try Key(seed).permutation(n).array(of: Int32.self)
    let chosen = try points.subset(order.prefix(m).map { Int($0) })
    var options = SimilarityOptions(.rbf)
    options.nNeighbors = min(5, m)
    let gamma = try gamma ?? (m > 1 ? 1 / (2 * pow(SimilarityGraph.typicalDistance(chosen, options), 2)) : 1)
    let (x, z) = (points.tensor, chosen.tensor)
    let columns = (-Tensor(gamma) * SimilarityGraph.squaredDistances(x, z)).exp()  // [n, m]
    let corner = (-Tensor(gamma) * SimilarityGraph.squaredDistances(z, z)).exp()
    let (s, u) = eigh(corner)
    // Directions that are rounding would be blown up.
    let isNoise = s .< s.max() * 1e-10
    let inverse = select(isNoise, Tensor.zeros(like: s), 1 / select(isNoise, Tensor.ones(like: s), s).sqrt())
    let features = columns.matmul(u * inverse.expandDims(0))  // W ≈ F Fᵀ
    let degrees = maximum(features.matmul(features.sum(0).expandDims(1)), 1e-12)  // [n, 1]
    let scaled = features / degrees.sqrt()
    let (mu, turn) = eigh(scaled.matrixTranspose().matmul(scaled))
    let (top, axes) = (
      mu.slice(axis: 0, from: m - k, to: m).reverse([0]), turn.slice(axis: 1, from: m - k, to: m).reverse([1])
    )
    let unit = scaled.matmul(axes) / maximum(top, 1e-12).sqrt().expandDims(0)
    let vectors = kind == .randomWalk ? unit / degrees.sqrt() : unit
    // The entry of greatest size in each is positive, as in every embedding.
    let largest = vectors.abs().argMax(axis: 0).expandDims(0)
    let signed = vectors * vectors.takeAlong(largest, axis: 0).sign()
    try evaluate(top, signed)
    self.init(
      kind: kind, count: n, eigenvalues: try top.array(of: Double.self).map { max(0, 1 - $0) },
      vectors: try signed.array(of: Double.self))
  }

  /// An embedding that was found elsewhere.
  init(kind: LaplacianKind, count: Int, eigenvalues: [Double], vectors: [Double]) {
    (self.kind, self.count, self.eigenvalues, self.vectors) = (kind, count, eigenvalues, vectors)
    (solver, residual, isConverged) = (.dense, 0, true)
  }
}
