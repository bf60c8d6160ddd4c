import Foundation
import Lab
import Pinion

/// Which Laplacian's eigenvectors are the embedding.
public enum LaplacianKind: String, CaseIterable, Codable, Sendable {
  /// L = D - W: the ratio cut.
  case unnormalized = "none"
  /// L_rw = D⁻¹ L: the normalised cut of Shi and Malik (2000). Eigenvectors have yᵀ D y = 1.
  case randomWalk = "rw"
  /// L_sym = I - D^-½ W D^-½, rows scaled to length 1 before clusters are formed (Ng, Jordan, Weiss 2001).
  case symmetric = "sym"
}

/// Coordinates of a graph's vertices: eigenvectors of the smallest eigenvalues of a Laplacian.
///
/// A vertex without edges is a component of its own, with eigenvalue 0 in every Laplacian, as SciPy has it.
public struct SpectralEmbedding: Sendable {
  public let kind: LaplacianKind
  /// Number of vertices n.
  public let count: Int
  /// The k smallest eigenvalues λ, ascending.
  public let eigenvalues: [Double]
  /// Their eigenvectors, row-major [n, k]; the entry of greatest size in each is positive.
  public let vectors: [Double]
  /// How the eigenvectors were found.
  public let solver: EigenSolver
  /// Greatest residual |M v - μ v|.
  public let residual: Double
  /// Whether the solver reached its tolerance.
  public let isConverged: Bool

  /// Number of coordinates k.
  public var width: Int { eigenvalues.count }

  /// The embedding of a graph.
  ///
  /// - Parameters:
  ///   - components: eigenvectors k, the constant ones of connected components included.
  ///   - tolerance: sine of the angle to the wanted space that is small enough, for the iterative solvers.
  /// - Throws: `UsageError` where k isn't 1 to n; `TensorError`, `PJRTError`.
  public init(
    _ graph: SimilarityGraph, components k: Int, _ kind: LaplacianKind = .randomWalk, solver: EigenSolver = .auto,
    tolerance: Double = 1e-3, seed: UInt64 = 0
  ) throws {
    let n = graph.count
    guard k >= 1, k <= n else { throw UsageError("\(k) eigenvectors were asked for of a graph with \(n) vertices") }
    guard tolerance > 0 else { throw UsageError("eigen_tol is \(tolerance), expected a positive number") }
    let operatorOfGraph = NormalizedOperator(graph, kind)
    let indicators = operatorOfGraph.indicators(limit: k)
    // A block needs three times its width, and small problems are faster whole.
    let isSmall = n <= 1_200 || n < 3 * (k + 12)
    let chosen = solver == .auto ? (isSmall ? .dense : .lanczos) : solver
    guard chosen == .dense || n >= 3 * (k + 12) else {
      throw UsageError(
        "eigen_solver \(chosen.rawValue) needs \(3 * (k + 12)) vertices for \(k) vectors, got \(n); use dense")
    }
    guard chosen != .dense || n <= SimilarityGraph.denseLimit else {
      throw UsageError("eigen_solver dense takes up to \(SimilarityGraph.denseLimit) vertices, got \(n); use lanczos")
    }
    var found = TopEigenpairs()
    let wanted = k - indicators.count
    if wanted > 0 {
      found =
        chosen == .dense
        ? try operatorOfGraph.dense(wanted, skipping: indicators.count)
        : try operatorOfGraph.iterate(
          wanted, known: indicators, lanczos: chosen == .lanczos, tolerance: tolerance, seed: seed)
    }
    (self.kind, count, self.solver) = (kind, n, chosen)
    (residual, isConverged) = (found.residual, found.isConverged)
    eigenvalues =
      indicators.map { _ in 0 } + found.values.map { max(0, (1 - $0) * operatorOfGraph.scale) }
    vectors = Self.assembled(indicators, found, operatorOfGraph, kind, n)
  }

  /// Known and found columns side by side, in the measure of the kind, with a sign that doesn't depend on the solver.
  private static func assembled(
    _ indicators: [[Double]], _ found: TopEigenpairs, _ graph: NormalizedOperator, _ kind: LaplacianKind, _ n: Int
  ) -> [Double] {
    let (c, w) = (indicators.count, found.values.count)
    let k = c + w
    var result = [Double](repeating: 0, count: n * k)
    for i in 0..<n {
      for j in 0..<c { result[i * k + j] = indicators[j][i] }
      for j in 0..<w { result[i * k + c + j] = found.vectors[i * w + j] }
    }
    if kind == .randomWalk {
      for i in 0..<n { for j in 0..<k { result[i * k + j] *= graph.factors[i] } }
    }
    for j in 0..<k {
      var (largest, sign) = (0.0, 1.0)
      // Rounding must not choose between entries of the same size.
      for i in 0..<n where abs(result[i * k + j]) > largest * (1 + 1e-6) {
        largest = abs(result[i * k + j])
        sign = result[i * k + j] < 0 ? -1 : 1
      }
      if sign < 0 { for i in 0..<n { result[i * k + j] = -result[i * k + j] } }
    }
    return result
  }

  /// The eigenvectors, float64 [n, k].
  public var tensor: Tensor { Tensor(vectors, shape: [count, width]) }

  /// The rows that are put into clusters: eigenvectors, for L_sym scaled to length 1; float64, row-major [n, columns].
  ///
  /// - Parameter columns: how many of the first eigenvectors are taken; all without it.
  public func coordinates(columns: Int? = nil) -> [Double] {
    let used = min(columns ?? width, width)
    var result: [Double] = []
    result.reserveCapacity(count * used)
    for i in 0..<count {
      let row = vectors[i * width..<i * width + used]
      let norm = kind == .symmetric ? row.reduce(0) { $0 + $1 * $1 }.squareRoot() : 1
      result += norm > 0 ? row.map { $0 / norm } : Array(row)
    }
    return result
  }
}

/// A graph's M with spectrum in -1...1 whose greatest eigenvalues are the Laplacian's smallest: D^-½ W D^-½, or I - L/c.
struct NormalizedOperator {
  private let graph: SimilarityGraph
  private let kind: LaplacianKind
  /// λ = (1 - μ) · scale.
  let scale: Double
  /// d^-½ of each vertex; 1 where it has no edges, and for L_rw's y = D^-½ v.
  let factors: [Double]
  /// What is added on the diagonal.
  private let diagonal: [Double]

  init(_ graph: SimilarityGraph, _ kind: LaplacianKind) {
    self.graph = graph
    self.kind = kind
    factors = graph.degrees.map { $0 > 0 ? 1 / $0.squareRoot() : 1 }
    if kind == .unnormalized {
      // L ≤ 2 max d, so that I - L/c lies in -1...1.
      let c = max(graph.degrees.max() ?? 1, .leastNormalMagnitude)
      scale = c
      diagonal = graph.degrees.map { 1 - $0 / c }
    } else {
      scale = 1
      diagonal = graph.degrees.map { $0 > 0 ? 0 : 1 }
    }
  }

  /// Unit vectors of the connected components, largest first: the eigenvectors of eigenvalue 0.
  func indicators(limit: Int) -> [[Double]] {
    var sizes = [Int](repeating: 0, count: graph.components.count)
    for label in graph.components.labels { sizes[label] += 1 }
    let chosen = sizes.indices.sorted { (-sizes[$0], $0) < (-sizes[$1], $1) }.prefix(limit)
    return chosen.map { component in
      var vector = zip(graph.components.labels, factors).map { label, factor in
        label == component ? (kind == .unnormalized ? 1 : 1 / factor) : 0
      }
      let norm = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
      for i in vector.indices { vector[i] /= norm }
      return vector
    }
  }

  /// M as a matrix, float64 [n, n].
  var matrix: Tensor {
    let side = factorTensor
    let scaled = kind == .unnormalized ? graph.matrix / Tensor(scale) : graph.matrix * outer(side, side)
    return scaled + Tensor(diagonal).diagonalMatrix()
  }

  private var factorTensor: Tensor { Tensor(factors) }

  /// Eigenpairs by LAPACK, the first ones left out.
  func dense(_ k: Int, skipping: Int) throws -> TopEigenpairs {
    let n = graph.count
    let whole = matrix
    let (values, columns) = eigh(whole)
    let mu = values.slice(axis: 0, from: n - skipping - k, to: n - skipping).reverse([0])
    let vectors = columns.slice(axis: 1, from: n - skipping - k, to: n - skipping).reverse([1])
    let residuals = vectorNorm(whole.matmul(vectors) - vectors * mu.expandDims(0), axes: [0]).max()
    try evaluate(mu, vectors, residuals)
    let residual = try residuals.item()
    guard residual.isFinite else {
      throw UsageError("the eigenvectors of the graph can't be found: they aren't finite")
    }
    return TopEigenpairs(
      values: try mu.array(of: Double.self), vectors: try vectors.array(of: Double.self), residual: residual,
      isConverged: true)
  }

  /// Eigenpairs besides the indicators by multiplications alone.
  func iterate(
    _ k: Int, known: [[Double]], lanczos: Bool, tolerance: Double, seed: UInt64
  ) throws -> TopEigenpairs {
    let n = graph.count
    func columns(_ vectors: [[Double]], _ order: [Int]) -> Tensor? {
      guard !vectors.isEmpty else { return nil }
      return stack(vectors.map { vector in Tensor(order.map { vector[$0] }) }, axis: 1)
    }
    func solver(_ known: Tensor?, _ apply: @escaping (Tensor) throws -> Tensor) -> FilteredEigensolver {
      FilteredEigensolver(
        apply: apply, count: n, known: known, tolerance: tolerance, usesLanczos: lanczos, seed: seed)
    }
    switch graph.weights {
    case .sparse(let weights):
      let inner = kind == .unnormalized ? factors.map { _ in 1 / scale.squareRoot() } : factors
      let product = SparseOperator(weights.scaled(by: inner), diagonal: diagonal)
      let found = try solver(columns(known, product.order)) { try product($0) }.solve(k)
      return TopEigenpairs(
        values: found.values, vectors: product.restored(found.vectors, width: found.values.count),
        residual: found.residual, isConverged: found.isConverged)
    case .dense:
      let whole = matrix
      try evaluate(whole)
      return try solver(columns(known, Array(0..<n))) { whole.matmul($0) }.solve(k)
    }
  }
}
