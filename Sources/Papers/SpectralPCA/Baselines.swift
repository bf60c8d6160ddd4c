import Foundation
import Lab
import Pinion

/// The methods that spectral clustering is compared with.
public enum Baselines {
  /// k-means of the first principal components.
  ///
  /// - Throws: `UsageError`, `TensorError`, `PJRTError`.
  public static func principalComponents(
    _ points: Points, components: Int, clusters: Int, starts: Int = 10, seed: UInt64 = 0
  ) throws -> Clusters {
    let scores = principalScores(points, min(components, points.dimension, points.count - 1))
    return try KMeans(clusters, starts: starts, seed: seed)(scores)
  }

  /// Scores on the first principal components, float64 [n, components].
  public static func principalScores(_ points: Points, _ components: Int) -> Tensor {
    let x = points.tensor - points.tensor.mean(0, keepDims: true)
    let d = points.dimension
    let (_, axes) = eigh(x.matrixTranspose().matmul(x))
    return x.matmul(axes.slice(axis: 1, from: max(0, d - components), to: d).reverse([1]))
  }

  /// Kernel k-means (Schölkopf, Smola, Müller 1998; Dhillon et al. 2004) of a Gram matrix, from random divisions.
  ///
  /// - Parameter gram: float64 [n, n], positive semidefinite.
  /// - Throws: `UsageError` where there are fewer points than clusters; `TensorError`, `PJRTError`.
  public static func kernelKMeans(_ gram: Tensor, clusters k: Int, starts r: Int = 10, seed: UInt64 = 0) throws
    -> Clusters
  {
    let n = gram.shape[0]
    guard k >= 1, k <= n, r >= 1 else { throw UsageError("n_clusters is \(k), but there are \(n) points") }
    let own = gram.diagonal().expandDims(1).expandDims(2)  // [n, 1, 1]
    /// Squared distances in feature space [n, r, k] to the means of the members [n, r, k].
    func distances(_ members: Tensor) -> Tensor {
      let counts = members.sum(0)  // [r, k]
      let shares = members / maximum(counts, 1).expandDims(0)
      let products = gram.matmul(shares.reshape([n, r * k])).reshape([n, r, k])
      let inner = (shares * products).sum(0).expandDims(0)
      // A cluster without members attracts nobody.
      let empty = select(counts .== 0, Tensor.full(like: counts, 1e300), Tensor.zeros(like: counts)).expandDims(0)
      return own - 2 * products + inner + empty
    }
    func members(_ labels: Tensor) -> Tensor { oneHot(labels, classes: k, dtype: .float64) }
    let start = [Key(seed).randint([n, r], from: 0, to: k), Tensor(true), Tensor(0 as Int32)]
    let end = try whileLoop(start) {
      $0[1] .&& ($0[2] .< 100)
    } do: { state in
      let labels = distances(members(state[0])).argMin(axis: 2).cast(.int32)
      return [labels, (labels .!= state[0]).any(), state[2] + 1]
    }
    let all = distances(members(end[0]))
    let objectives = all.min(2).sum(0)
    let best = objectives.argMin(axis: 0)
    let (labels, objective) = (end[0].take(best, axis: 1), objectives.take(best))
    try evaluate(labels, objective)
    return Clusters(
      try labels.array(of: Int32.self).map { Int($0) }, count: k, objective: try objective.item())
  }

  /// Agglomerative clustering by Ward's criterion (1963), by chains of nearest neighbours (Murtagh 1983), in O(n²).
  ///
  /// - Throws: `UsageError` where there are fewer points than clusters, or too many for all their distances.
  public static func ward(_ points: Points, clusters k: Int) throws -> Clusters {
    let n = points.count
    guard k >= 1, k <= n else { throw UsageError("n_clusters is \(k), but there are \(n) points") }
    guard n <= SimilarityGraph.denseLimit else {
      throw UsageError("Ward's method keeps all distances, of up to \(SimilarityGraph.denseLimit) points, got \(n)")
    }
    let x = points.tensor
    var distances = try SimilarityGraph.squaredDistances(x, x).array(of: Double.self)
    var sizes = [Double](repeating: 1, count: n)
    var isActive = [Bool](repeating: true, count: n)
    var merges: [(a: Int, b: Int, height: Double)] = []
    merges.reserveCapacity(n)
    distances.withUnsafeMutableBufferPointer { d in
      var (chain, first): ([Int], Int) = ([], 0)
      while merges.count < n - 1 {
        if chain.isEmpty {
          while !isActive[first] { first += 1 }
          chain.append(first)
        }
        let top = chain[chain.count - 1]
        let before = chain.count > 1 ? chain[chain.count - 2] : -1
        // The one before wins among equals, or the chain would go round.
        var (nearest, least) = (before, before >= 0 ? d[top * n + before] : .infinity)
        for other in 0..<n where isActive[other] && other != top && d[top * n + other] < least {
          (nearest, least) = (other, d[top * n + other])
        }
        guard nearest == before else {
          chain.append(nearest)
          continue
        }
        chain.removeLast(2)
        merges.append((top, nearest, least))
        // Lance and Williams' update of squared distances, kept in the row of `nearest`.
        let (s, t) = (sizes[top], sizes[nearest])
        for other in 0..<n where isActive[other] && other != top && other != nearest {
          let u = sizes[other]
          let sum = (s + u) * d[top * n + other] + (t + u) * d[nearest * n + other] - u * least
          d[nearest * n + other] = sum / (s + t + u)
          d[other * n + nearest] = d[nearest * n + other]
        }
        isActive[top] = false
        sizes[nearest] = s + t
      }
    }
    // Chains find merges out of order: the n - k lowest make the clusters.
    var parent = Array(0..<n)
    func root(_ i: Int) -> Int {
      var i = i
      while parent[i] != i { i = parent[i] }
      return i
    }
    for merge in merges.enumerated().sorted(by: { ($0.element.height, $0.offset) < ($1.element.height, $1.offset) })
      .prefix(n - k)
    {
      parent[root(merge.element.a)] = root(merge.element.b)
    }
    return Clusters((0..<n).map(root), count: k)
  }
}
