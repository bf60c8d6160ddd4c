import Pinion

/// Mean and covariance of features: what the Fréchet distance compares.
public struct FeatureStatistics: Tree, Sendable {
  /// [d], float64.
  public var mean: Tensor
  /// [d, d] of n - 1 degrees of freedom, float64.
  public var covariance: Tensor

  public init(mean: Tensor, covariance: Tensor) {
    self.mean = mean
    self.covariance = covariance
  }

  /// Of features [n, d].
  public init(_ features: Tensor) {
    if let failure = features.failure {
      (mean, covariance) = (.failed(failure), .failed(failure))
      return
    }
    guard features.rank == 2, features.shape[0] > 1 else {
      let error = TensorError.shape("FeatureStatistics", "takes features [n, d] of n > 1, got \(features.shape)")
      (mean, covariance) = (.failed(error), .failed(error))
      return
    }
    let wide = features.cast(.float64)
    mean = wide.mean(0)
    let centred = wide - mean
    covariance = centred.transpose().matmul(centred) / Double(features.shape[0] - 1)
  }

  public mutating func visit(_ visitor: TreeVisitor) throws {
    try visitor.child("mean", &mean)
    try visitor.child("covariance", &covariance)
  }
}

/// Distances between sets of features, as used of generated pictures: Heusel et al., 2017; Bińkowski et al., 2018;
/// Kynkäänniemi et al., 2019.
public enum FeatureMetrics {
  /// Square of the Fréchet distance of two normal distributions:
  /// ‖m₁ - m₂‖² + tr(C₁ + C₂ - 2 (C₁ C₂)^½). A scalar.
  public static func frechetDistance(_ a: FeatureStatistics, _ b: FeatureStatistics) -> Tensor {
    // The trace of (C₁C₂)^½ is the sum of the singular values of C₁^½ C₂^½: no roots of rounding errors.
    func root(_ matrix: Tensor) -> Tensor {
      let (values, vectors) = eigh(matrix)
      return (vectors * maximum(values, 0).sqrt()).matmul(vectors.transpose())
    }
    let cross = svdvals(root(a.covariance).matmul(root(b.covariance))).sum()
    return (a.mean - b.mean).square().sum() + trace(a.covariance) + trace(b.covariance) - 2 * cross
  }

  private static func trace(_ matrix: Tensor) -> Tensor {
    guard matrix.failure == nil, let size = matrix.shape.last else { return matrix }
    return (matrix * Tensor.eye(size, dtype: matrix.dtype)).sum()
  }

  /// Unbiased squared maximum mean discrepancy with the kernel (x·y / d + 1)³, of blocks of the features.
  ///
  /// - Parameters:
  ///   - a: features [n, d]; `b` [m, d].
  ///   - blockSize: rows of a block; of the rows in their order, what doesn't fill a block is left out.
  /// - Returns: an estimate for each block, float64 [blocks].
  public static func kernelDistances(_ a: Tensor, _ b: Tensor, blockSize: Int = 1000) -> Tensor {
    if let failure = a.failure ?? b.failure { return .failed(failure) }
    guard a.rank == 2, b.rank == 2, a.shape[1] == b.shape[1], blockSize > 1 else {
      return .failed(.shape("kernelDistances", "takes features [n, d] and [m, d], got \(a.shape) and \(b.shape)"))
    }
    let width = a.shape[1]
    let blocks = min(a.shape[0], b.shape[0]) / blockSize
    guard blocks > 0 else {
      return .failed(
        .shape("kernelDistances", "a block has \(blockSize) rows, the features \(a.shape[0]) and \(b.shape[0])"))
    }
    func blocked(_ x: Tensor) -> Tensor {
      x.slice(axis: 0, to: blocks * blockSize).reshape([blocks, blockSize, width]).cast(.float64)
    }
    let (x, y) = (blocked(a), blocked(b))
    func kernel(_ p: Tensor, _ q: Tensor) -> Tensor {
      let linear = p.matmul(q.transpose([0, 2, 1])) / Double(width) + 1
      return linear * linear * linear
    }
    let m = Double(blockSize)
    func withoutDiagonal(_ p: Tensor) -> Tensor {
      let own = p.square().sum(2) / Double(width) + 1
      return (kernel(p, p).sum(1, 2) - (own * own * own).sum(1)) / (m * (m - 1))
    }
    return withoutDiagonal(x) + withoutDiagonal(y) - 2 * kernel(x, y).mean(1, 2)
  }

  /// Distance of each row from its k-th nearest other row of the same set.
  ///
  /// - Parameter features: [n, d].
  /// - Returns: squared distances [n].
  public static func neighbourRadii(_ features: Tensor, k: Int = 3) throws -> Tensor {
    let count = features.shape.first ?? 0
    guard features.failure != nil || (k > 0 && count > k) else {
      throw TensorError.shape("neighbourRadii", "needs more than \(k) rows, got \(features.shape)")
    }
    return try chunked(features) { rows, places in
      var distances = squaredDistances(rows, features)
      let columns = Tensor.iota(distances.shape, axis: 1)
      func without(_ place: Tensor) {
        distances = select(
          columns .== place.expandDims(1), Tensor.full([], .infinity, dtype: distances.dtype), distances)
      }
      without(places)
      for _ in 1..<k { without(distances.argMin(axis: 1)) }
      return distances.min(1)
    }
  }

  /// Share of rows that lie within the radius of some row of another set.
  ///
  /// With `radii` of real pictures it's the precision of made `rows`; the other way round the recall.
  ///
  /// - Parameters:
  ///   - rows: [n, d].
  ///   - set: [m, d], with squared `radii` [m].
  public static func coverage(_ rows: Tensor, by set: Tensor, radii: Tensor) throws -> Tensor {
    let inside = try chunked(rows) { rows, _ in
      (squaredDistances(rows, set) .<= radii).any(1).cast(.float32)
    }
    return inside.mean()
  }

  private static func squaredDistances(_ a: Tensor, _ b: Tensor) -> Tensor {
    let cross = a.matmul(b.transpose())
    return maximum(a.square().sum(1, keepDims: true) + b.square().sum(1) - 2 * cross, 0)
  }

  /// A number for each row, some rows at a time: all distances at once would fill the memory.
  private static func chunked(_ x: Tensor, _ body: (Tensor, Tensor) throws -> Tensor) throws -> Tensor {
    if let failure = x.failure { throw failure }
    guard x.rank == 2 else { throw TensorError.shape("features", "takes [n, d], got \(x.shape)") }
    let count = x.shape[0]
    let size = min(count, 500)
    let chunks = count / max(size, 1)
    let places = Tensor.arange(count)
    guard chunks > 1 else { return try body(x, places) }
    let whole = chunks * size
    let (_, results) = try scan(
      [Tensor](),
      over: [
        x.slice(axis: 0, to: whole).reshape([chunks, size, -1]),
        places.slice(axis: 0, to: whole).reshape([chunks, size]),
      ]
    ) { state, part in (state, try body(part[0], part[1])) }
    guard whole < count else { return results.flatten() }
    let rest = try body(x.slice(axis: 0, from: whole), places.slice(axis: 0, from: whole))
    return concatenate([results.flatten(), rest])
  }
}
