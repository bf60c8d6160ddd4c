import Foundation
import Lab
import Pinion

/// A division of points into k clusters.
public struct Clusters: Hashable, Sendable {
  /// Cluster of each point, numbered by size, the largest first.
  public let labels: [Int]
  /// Number of clusters that were asked for.
  public let count: Int
  /// What the method minimises, such as the sum of squared distances to the centres; not-a-number where there is none.
  public let objective: Double

  /// Clusters under whatever numbers a method gave them.
  init(_ labels: [Int], count: Int, objective: Double = .nan) {
    var sizes = [Int: Int]()
    var firsts = [Int: Int]()
    for (i, label) in labels.enumerated() {
      sizes[label, default: 0] += 1
      if firsts[label] == nil { firsts[label] = i }
    }
    let order = sizes.keys.sorted { (-(sizes[$0] ?? 0), firsts[$0] ?? 0) < (-(sizes[$1] ?? 0), firsts[$1] ?? 0) }
    let numbers = Dictionary(uniqueKeysWithValues: order.enumerated().map { ($1, $0) })
    self.labels = labels.map { numbers[$0] ?? 0 }
    self.count = count
    self.objective = objective
  }
}

/// k-means (Lloyd 1982) from k-means++ starts (Arthur, Vassilvitskii 2007), several at once as one program.
public struct KMeans: Sendable {
  /// Number of clusters k.
  public var clusters: Int
  /// Starts, of which the best end is taken.
  public var starts = 10
  public var maxSteps = 300
  /// Centres that move by less in all, squared and over the points' mean variance, have arrived.
  public var tolerance = 1e-4
  public var seed: UInt64 = 0

  public init(_ clusters: Int, starts: Int = 10, seed: UInt64 = 0) {
    (self.clusters, self.starts, self.seed) = (clusters, starts, seed)
  }

  /// Divides the rows of float64 [n, d].
  ///
  /// A cluster that runs empty begins anew at the point farthest from its centre.
  ///
  /// - Throws: `UsageError` where there are fewer points than clusters; `TensorError`, `PJRTError`.
  public func callAsFunction(_ points: Tensor) throws -> Clusters {
    guard points.rank == 2, clusters >= 1, starts >= 1 else {
      throw UsageError("k-means takes rows, and at least 1 cluster and start, got \(clusters) and \(starts)")
    }
    let n = points.shape[0]
    guard clusters <= n else { throw UsageError("n_clusters is \(clusters), but there are \(n) points") }
    if clusters == 1 { return Clusters([Int](repeating: 0, count: n), count: 1) }
    // So many starts at once as memory of distances allows.
    let together = max(1, min(starts, (1 << 25) / (n * clusters)))
    var best: (labels: [Int32], objective: Double)?
    for first in stride(from: 0, to: starts, by: together) {
      // The last ones are done with others, so that all share one program.
      let key = Key(seed).foldIn(min(first, max(0, starts - together)))
      let (labels, objective) = try run(points, together, key)
      let end = try objective.item()
      if end < best?.objective ?? .infinity { best = (try labels.array(of: Int32.self), end) }
    }
    guard let best else { throw UsageError("k-means of numbers that aren't finite") }
    return Clusters(best.labels.map { Int($0) }, count: clusters, objective: best.objective)
  }

  /// Labels [n] and objective of the best of `r` starts.
  private func run(_ x: Tensor, _ r: Int, _ key: Key) throws -> (Tensor, Tensor) {
    let (n, d, k) = (x.shape[0], x.shape[1], clusters)
    let norms = (x * x).sum(1).expandDims(1)  // [n, 1]
    let small = x.variance(axes: [0]).mean() * tolerance
    /// Squared distances [n, r] to a centre [r, d] each.
    func distances(_ centres: Tensor) -> Tensor {
      let squares = (centres * centres).sum(1).expandDims(0)
      return maximum(norms + squares - 2 * x.matmul(centres.matrixTranspose()), 0)
    }
    let first = x.take(key.foldIn(-1).randint([r], from: 0, to: n))  // [r, d]
    let none = Tensor.zeros([r, k, d], dtype: x.dtype)
    let zero = Tensor.zeros([], dtype: .int32)
    func placed(_ all: Tensor, _ one: Tensor, _ at: Tensor) -> Tensor {
      all.dynamicUpdateSlice(one.expandDims(1), starts: [zero, at, zero])
    }
    // Each further centre by the squared distance to those there are: the maximum of log D² and Gumbel noise.
    let seeded = try forLoop([placed(none, first, zero), distances(first)], steps: k - 1) { state, step in
      let noise = key.foldIn(step).gumbel([n, r], dtype: x.dtype)
      let next = x.take((state[1].log() + noise).argMax(axis: 0))
      return [placed(state[0], next, step + 1), minimum(state[1], distances(next))]
    }[0]
    /// Squared distances [n, r, k].
    func allDistances(_ centres: Tensor) -> Tensor { distances(centres.reshape([r * k, d])).reshape([n, r, k]) }
    let start = [seeded, Tensor.zeros([n, r], dtype: .int32) - 1, Tensor(true), zero]
    let end = try whileLoop(start) {
      $0[2] .&& ($0[3] .< Double(maxSteps))
    } do: { state in
      let all = allDistances(state[0])
      let labels = all.argMin(axis: 2).cast(.int32)
      let members = oneHot(labels, classes: k, dtype: x.dtype)  // [n, r, k]
      let counts = members.sum(0)  // [r, k]
      let sums = members.reshape([n, r * k]).matrixTranspose().matmul(x).reshape([r, k, d])
      let farthest = x.take(all.min(2).argMax(axis: 0)).expandDims(1)  // [r, 1, d]
      let means = sums / maximum(counts, 1).expandDims(2)
      let centres = select(
        (counts .== 0).expandDims(2).broadcast(to: [r, k, d]), farthest.broadcast(to: [r, k, d]), means)
      let shifts = (centres - state[0]).square().sum(2).sum(1)  // [r]
      let moved = (labels .!= state[1]).any(0) .&& (shifts .> small)
      let changed = moved.any() .|| (counts .== 0).any()
      return [centres, labels, changed, state[3] + 1]
    }
    let all = allDistances(end[0])
    let objectives = all.min(2).sum(0)  // [r]
    let best = objectives.argMin(axis: 0)
    let labels = all.argMin(axis: 2).cast(.int32).take(best, axis: 1)
    let objective = objectives.take(best)
    try evaluate(labels, objective)
    return (labels, objective)
  }
}
