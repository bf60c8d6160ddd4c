import Foundation
import Lab
import Pinion

/// What spectral clustering depends on; names and defaults are scikit-learn's where it has them.
public struct SpectralOptions: Codable, Hashable, Sendable {
  /// Number of clusters; nil for the one before the largest eigengap.
  public var clusters: Int?
  public var similarity = SimilarityOptions()
  public var laplacian = LaplacianKind.randomWalk
  public var assignment = AssignLabels.kmeans
  public var solver = EigenSolver.auto
  /// Sine of the angle to the wanted eigenvectors that is small enough.
  public var tolerance = 1e-3
  /// Starts of k-means.
  public var starts = 10
  /// Most clusters that the eigengap may choose.
  public var maxClusters = 15
  public var seed: UInt64 = 0

  public init(clusters: Int? = nil, _ affinity: Affinity = .nearestNeighbors) {
    self.clusters = clusters
    similarity.affinity = affinity
  }
}

/// Points or a graph divided by the eigenvectors of a Laplacian.
public struct SpectralClustering: Sendable {
  public let graph: SimilarityGraph
  public let embedding: SpectralEmbedding
  public let clusters: Clusters
  /// Eigenvalues and the gap behind each, where the number of clusters was chosen by them.
  public let eigengap: Eigengap

  /// Divides a graph.
  ///
  /// - Throws: `UsageError` where there are fewer vertices than clusters; `TensorError`, `PJRTError`.
  public init(_ graph: SimilarityGraph, _ options: SpectralOptions) throws {
    let n = graph.count
    if let k = options.clusters {
      guard k >= 1, k <= n else { throw UsageError("n_clusters is \(k), but there are \(n) points") }
    }
    // One more than the clusters shows the gap behind them.
    let wanted = min(n, (options.clusters ?? max(1, options.maxClusters)) + 1)
    let embedding = try SpectralEmbedding(
      graph, components: wanted, options.laplacian, solver: options.solver, tolerance: options.tolerance,
      seed: options.seed)
    let gap = Eigengap(embedding.eigenvalues, components: graph.components.count)
    (self.graph, self.embedding, eigengap) = (graph, embedding, gap)
    clusters = try options.assignment(
      embedding, clusters: options.clusters ?? gap.clusters, starts: options.starts, seed: options.seed)
  }

  init(graph: SimilarityGraph, embedding: SpectralEmbedding, clusters: Clusters, eigengap: Eigengap) {
    (self.graph, self.embedding, self.clusters, self.eigengap) = (graph, embedding, clusters, eigengap)
  }

  /// Divides points.
  ///
  /// - Throws: as the other form, and as `SimilarityGraph`.
  public init(_ points: Points, _ options: SpectralOptions) throws {
    try self.init(SimilarityGraph(points, options.similarity), options)
  }
}

/// The number of clusters that eigenvalues suggest: as many as stand before the largest gap.
///
/// A gap is measured by the eigenvalue behind it, 1 - λ_i / λ_{i+1}: eigenvalues of a curve grow as squares, so that the
/// largest difference is always the last one looked at. The gap behind the first eigenvalue of a connected graph, which
/// is 0, says nothing.
public struct Eigengap: Hashable, Sendable {
  /// Ascending, the first ones of a Laplacian.
  public let eigenvalues: [Double]
  /// 1 - λ_i / λ_{i+1} behind the i-th; 0 between zeros.
  public let gaps: [Double]
  /// The suggestion.
  public let clusters: Int

  /// A gap from which on it's believed, as even points of a disc have 1/2; a smaller one where it's this many times as large
  /// as any other, as in graphs without geometry.
  private static let (clear, distinct) = (0.6, 3.0)

  /// - Parameter components: connected components of the graph, below which no division goes.
  public init(_ eigenvalues: [Double], components: Int) {
    self.eigenvalues = eigenvalues
    let gaps = zip(eigenvalues, eigenvalues.dropFirst()).map { $1 > 1e-12 ? 1 - max(0, $0) / $1 : 0 }
    self.gaps = gaps
    let least = max(1, min(components, max(1, gaps.count)))
    let candidates = gaps.indices.filter { $0 + 1 >= max(2, least) }
    let order = candidates.sorted { (-gaps[$0], $0) < (-gaps[$1], $1) }
    guard let best = order.first else {
      clusters = least
      return
    }
    let second = order.dropFirst().first.map { gaps[$0] } ?? 0
    let isBelieved = gaps[best] >= Self.clear || gaps[best] >= Self.distinct * second && gaps[best] > 0
    clusters = isBelieved ? best + 1 : least
  }
}
