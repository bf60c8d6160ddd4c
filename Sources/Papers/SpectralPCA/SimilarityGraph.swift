import Foundation
import Lab
import Pinion

/// How similarities are made of points; raw values are scikit-learn's names where it has one.
public enum Affinity: String, CaseIterable, Codable, Sendable {
  /// 1 between mutual neighbours, 1/2 where only one is the other's: the union of the k-nearest-neighbour graph.
  case nearestNeighbors = "nearest_neighbors"
  /// 1 where each is among the other's neighbours.
  case mutualNeighbors = "mutual_neighbors"
  /// exp(-gamma |x - y|²) between all points.
  case rbf
  /// exp(-gamma |x - y|²) between points at most epsilon apart.
  case epsilon
  /// exp(-|x - y|² / (s_x s_y)), s the distance to the 7th neighbour (Zelnik-Manor, Perona 2004).
  case selfTuning = "self_tuning"
  /// Cosine of the angle, negative ones as 0.
  case cosine
  /// The user's edges or matrix.
  case precomputed

  /// Whether all pairs are kept, in n² numbers.
  public var isDense: Bool { self == .rbf || self == .selfTuning || self == .cosine }
}

/// What a similarity graph depends on besides the points.
public struct SimilarityOptions: Codable, Hashable, Sendable {
  public var affinity = Affinity.nearestNeighbors
  /// Neighbours of a point, itself counted as scikit-learn does.
  public var nNeighbors = 10
  /// 1/(2 σ²) of the Gaussian; 1/(2 m²) with the median distance m to the `nNeighbors`-th neighbour where nil.
  public var gamma: Double?
  /// Radius of the epsilon graph; twice the median distance to the `nNeighbors`-th neighbour where nil.
  public var epsilon: Double?
  /// Neighbour whose distance is a point's scale.
  public var scaleNeighbor = 7

  public init(_ affinity: Affinity = .nearestNeighbors, nNeighbors: Int = 10, gamma: Double? = nil) {
    (self.affinity, self.nNeighbors, self.gamma) = (affinity, nNeighbors, gamma)
  }

  /// - Throws: `UsageError` that says which value can't be used.
  func validate(points n: Int) throws {
    if affinity == .nearestNeighbors || affinity == .mutualNeighbors {
      guard nNeighbors >= 2, nNeighbors <= n else {
        throw UsageError("n_neighbors is \(nNeighbors), expected 2 to \(n) (the point itself and its neighbours)")
      }
    }
    if let gamma, !(gamma > 0 && gamma.isFinite) { throw UsageError("gamma is \(gamma), expected a positive number") }
    if let epsilon, !(epsilon > 0 && epsilon.isFinite) {
      throw UsageError("epsilon is \(epsilon), expected a positive number")
    }
    guard scaleNeighbor >= 1 else {
      throw UsageError("the neighbour of the scale is \(scaleNeighbor), expected 1 or more")
    }
    guard !affinity.isDense || n <= SimilarityGraph.denseLimit else {
      let gigabytes = Double(n) * Double(n) * 8 / 1e9
      throw UsageError(
        "affinity \(affinity.rawValue) of \(n) points takes \(String(format: "%.0f", gigabytes)) GB, the limit is "
          + "\(SimilarityGraph.denseLimit) points; use --affinity nearest_neighbors, or --landmarks")
    }
  }
}

/// Points or other things and their similarities, symmetric and not negative; the diagonal, which no Laplacian sees, is 0.
public struct SimilarityGraph: Sendable {
  enum Weights: Sendable {
    case sparse(SparseMatrix)
    /// float64 [n, n].
    case dense(Tensor)
  }

  /// Most points of which all pairs are kept.
  public static let denseLimit = 10_000

  /// Number of vertices.
  public let count: Int
  let weights: Weights
  /// Sums of the rows.
  public let degrees: [Double]
  /// Connected components: of each vertex, and their number.
  public let components: (labels: [Int], count: Int)
  /// Options with all that was chosen by the points; of use for placing new ones.
  public let options: SimilarityOptions
  /// Scale of each point of a self-tuning graph.
  let scales: [Double]

  /// The graph of points.
  ///
  /// - Throws: `UsageError` where there are too few points or too many for the affinity; `TensorError`.
  public init(_ points: Points, _ options: SimilarityOptions = SimilarityOptions()) throws {
    let n = points.count
    var options = options
    if n == 1, options.affinity != .precomputed {
      try self.init(SparseMatrix(count: 1, edges: []), options)
      return
    }
    try options.validate(points: n)
    switch options.affinity {
    case .precomputed: throw UsageError("affinity precomputed takes edges or a matrix, not points")
    case .nearestNeighbors, .mutualNeighbors:
      let found = try Neighbors(points, k: min(options.nNeighbors - 1, n - 1))
      let from = (0..<n * found.k).map { Int32($0 / found.k) }
      let ones = [Double](repeating: 1, count: found.indices.count)
      let joining: SparseMatrix.Joining = options.affinity == .nearestNeighbors ? .mean : .mutual
      try self.init(
        SparseMatrix(count: n, from: from, to: found.indices, weights: ones, joining: joining), options)
    case .epsilon:
      let typical = try Self.typicalDistance(points, options)
      let radius = options.epsilon ?? 2 * typical
      let gamma = options.gamma ?? 1 / (2 * typical * typical)
      (options.epsilon, options.gamma) = (radius, gamma)
      let pairs = try KDTree(points).pairs(within: radius)
      try self.init(
        SparseMatrix(count: n, edges: pairs.map { (Int($0.0), Int($0.1), exp(-gamma * $0.2)) }), options)
    case .rbf:
      let gamma = try options.gamma ?? 1 / (2 * pow(Self.typicalDistance(points, options), 2))
      options.gamma = gamma
      let x = points.tensor
      try self.init(dense: (-Tensor(gamma) * Self.squaredDistances(x, x)).exp(), options)
    case .selfTuning:
      let found = try Neighbors(points, k: min(options.scaleNeighbor, n - 1))
      let scales = (0..<n).map { max(found.squaredDistances[($0 + 1) * found.k - 1].squareRoot(), 1e-12) }
      let x = points.tensor
      let inverse = Tensor(scales.map { 1 / $0 })
      try self.init(dense: (-Self.squaredDistances(x, x) * outer(inverse, inverse)).exp(), options, scales: scales)
    case .cosine:
      let x = try points.normalized().tensor
      try self.init(dense: x.matmul(x.matrixTranspose()).clamp(min: 0, max: 1), options)
    }
  }

  /// The user's graph.
  ///
  /// - Throws: `UsageError`.
  public init(_ matrix: SparseMatrix) throws {
    var options = SimilarityOptions()
    options.affinity = .precomputed
    try self.init(matrix, options)
  }

  private init(_ matrix: SparseMatrix, _ options: SimilarityOptions) throws {
    weights = .sparse(matrix)
    (count, degrees, components) = (matrix.count, matrix.degrees, matrix.components)
    self.options = options
    scales = []
  }

  /// A graph of all pairs.
  ///
  /// - Parameter matrix: float64 [n, n], symmetric, not negative; its diagonal is left out.
  /// - Throws: `UsageError` where a number isn't finite; `TensorError`.
  init(
    dense matrix: Tensor, _ options: SimilarityOptions = SimilarityOptions(.precomputed), scales: [Double] = []
  ) throws {
    let n = matrix.shape.first ?? 0
    let plain = matrix * (1 - Tensor.eye(n, dtype: .float64))
    let sums = plain.sum(1)
    try evaluate(plain, sums)
    degrees = try sums.array(of: Double.self)
    if let wrong = degrees.firstIndex(where: { !$0.isFinite }) {
      throw UsageError("similarities of point \(wrong + 1) aren't finite")
    }
    (count, weights, self.options, self.scales) = (n, .dense(plain), options, scales)
    components = try Self.components(plain, n)
  }

  /// Squared distances between rows [n, d] and [m, d], not negative.
  static func squaredDistances(_ x: Tensor, _ y: Tensor) -> Tensor {
    // Far from the origin the products would cancel.
    let centre = y.mean(0, keepDims: true)
    let (x, y) = (x - centre, y - centre)
    let (a, b) = ((x * x).sum(1, keepDims: true), (y * y).sum(1).expandDims(0))
    return maximum(a + b - 2 * x.matmul(y.matrixTranspose()), 0)
  }

  /// The median distance to the `nNeighbors`-th neighbour; 1 where points coincide.
  static func typicalDistance(_ points: Points, _ options: SimilarityOptions) throws -> Double {
    let found = try Neighbors(points, k: max(1, min(options.nNeighbors - 1, points.count - 1)))
    let last = (0..<points.count).map { found.squaredDistances[($0 + 1) * found.k - 1].squareRoot() }.sorted()
    let median = last[last.count / 2]
    return median > 0 ? median : (last.last { $0 > 0 } ?? 1)
  }

  /// Components of a dense graph, by search over its rows.
  private static func components(_ matrix: Tensor, _ n: Int) throws -> (labels: [Int], count: Int) {
    try matrix.withHostBytes { bytes in
      let values = bytes.bindMemory(to: Double.self)
      var labels = [Int](repeating: -1, count: n)
      var found = 0
      var left = Array(0..<n)
      while let first = left.first {
        labels[first] = found
        var stack = [first]
        left.removeAll { $0 == first }
        while let vertex = stack.popLast(), !left.isEmpty {
          left.removeAll { other in
            guard values[vertex * n + other] > 0 else { return false }
            labels[other] = found
            stack.append(other)
            return true
          }
        }
        found += 1
      }
      return (labels, found)
    }
  }

  /// The similarities, float64 [n, n].
  public var matrix: Tensor {
    switch weights {
    case .dense(let tensor): tensor
    case .sparse(let matrix): Tensor(matrix.dense, shape: [count, count])
    }
  }
}
