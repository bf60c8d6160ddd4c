import Lab
import Pinion

/// How rows of an embedding become clusters; raw values are scikit-learn's.
public enum AssignLabels: String, CaseIterable, Codable, Sendable {
  case kmeans
  /// QR with pivoting of the transposed eigenvectors (Damle, Minden, Ying 2019); nothing random.
  case clusterQR = "cluster_qr"
  /// Rotation to the closest indicators (Yu, Shi 2003).
  case discretize

  /// Divides an embedding's first k coordinates into k clusters.
  ///
  /// - Throws: `UsageError` where it has fewer coordinates or rows; `TensorError`, `PJRTError`.
  public func callAsFunction(
    _ embedding: SpectralEmbedding, clusters k: Int, starts: Int = 10, seed: UInt64 = 0
  ) throws -> Clusters {
    let (n, width) = (embedding.count, min(k, embedding.width))
    guard k >= 1, k <= n else { throw UsageError("n_clusters is \(k), but there are \(n) points") }
    guard k <= embedding.width else {
      throw UsageError("\(k) clusters need as many eigenvectors, the embedding has \(embedding.width)")
    }
    if k == 1 { return Clusters([Int](repeating: 0, count: n), count: 1) }
    let rows = Tensor(embedding.coordinates(columns: k), shape: [n, width])
    switch self {
    case .kmeans: return try KMeans(k, starts: starts, seed: seed)(rows)
    case .clusterQR: return Clusters(try Self.clusterQR(rows).array(of: Int32.self).map { Int($0) }, count: k)
    case .discretize:
      return Clusters(try Self.discretize(rows, Key(seed)).array(of: Int32.self).map { Int($0) }, count: k)
    }
  }

  /// Labels [n] of rows [n, k]: the k rows that QR with column pivoting of the transpose picks stand for the clusters;
  /// the closest orthogonal matrix turns them into the axes.
  static func clusterQR(_ rows: Tensor) throws -> Tensor {
    let k = rows.shape[1]
    let zero = Tensor.zeros([], dtype: .int32)
    // Householder's pivots are those of Gram and Schmidt: the longest rest, its direction taken out of all.
    let picked = try forLoop([rows, Tensor.zeros([k], dtype: .int32)], steps: k) { state, step in
      let lengths = (state[0] * state[0]).sum(1)
      let longest = lengths.argMax(axis: 0).cast(.int32)
      let row = state[0].dynamicSlice(starts: [longest, zero], sizes: [1, k])
      let direction = row / maximum(vectorNorm(row), 1e-300)
      let rest = state[0] - state[0].matmul(direction.matrixTranspose()).matmul(direction)
      return [rest, state[1].dynamicUpdateSlice(longest.expandDims(0), starts: [step])]
    }[1]
    let (u, _, vh) = svd(rows.take(picked).matrixTranspose())
    return rows.matmul(u.matmul(vh)).abs().argMax(axis: 1).cast(.int32)
  }

  /// Labels [n] of rows [n, k], alternating between the closest indicators and the closest rotation.
  static func discretize(_ rows: Tensor, _ key: Key) throws -> Tensor {
    let (n, k) = (rows.shape[0], rows.shape[1])
    let zero = Tensor.zeros([], dtype: .int32)
    let lengths = vectorNorm(rows, axes: [1], keepDims: true)
    let unit = rows / select(lengths .== 0, Tensor.ones(like: lengths), lengths)
    let first = key.randint([1], from: 0, to: n)
    // Columns of the first rotation: a row, then again and again the one least like those taken.
    let start = Tensor.zeros([k, k], dtype: rows.dtype).dynamicUpdateSlice(
      unit.take(first).matrixTranspose(), starts: [zero, zero])
    let rotation = try forLoop([start, Tensor.zeros([n], dtype: rows.dtype)], steps: k - 1) { state, step in
      let last = state[0].dynamicSlice(starts: [zero, step], sizes: [k, 1])
      let likeness = state[1] + unit.matmul(last).squeeze(axis: 1).abs()
      let next = unit.take(likeness.argMin(axis: 0).expandDims(0)).matrixTranspose()
      return [state[0].dynamicUpdateSlice(next, starts: [zero, step + 1]), likeness]
    }[0]
    let begin = [rotation, Tensor(0.0), Tensor(true), zero]
    let end = try whileLoop(begin) {
      $0[2] .&& ($0[3] .< 100)
    } do: { state in
      let labels = unit.matmul(state[0]).argMax(axis: 1)
      let indicators = oneHot(labels, classes: k, dtype: rows.dtype)
      let (u, s, vh) = svd(indicators.matrixTranspose().matmul(unit))
      let value = s.sum()
      let goesOn = (value - state[1]).abs() .> Double.ulpOfOne * Double(n)
      return [vh.matrixTranspose().matmul(u.matrixTranspose()), value, goesOn, state[3] + 1]
    }
    return unit.matmul(end[0]).argMax(axis: 1).cast(.int32)
  }
}
