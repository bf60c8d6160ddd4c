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
public struct Eigengap: Hashable, Sendable {
  /// Ascending, the first ones of a Laplacian.
  public let eigenvalues: [Double]
  /// λ_{i+1} - λ_i behind the i-th.
  public let gaps: [Double]
  /// The suggestion.
  public let clusters: Int

  /// - Parameter components: connected components of the graph, below which no division goes.
  public init(_ eigenvalues: [Double], components: Int) {
    self.eigenvalues = eigenvalues
    let gaps = zip(eigenvalues.dropFirst(), eigenvalues).map { $0 - $1 }
    self.gaps = gaps
    let first = max(0, min(components, gaps.count) - 1)
    let best = gaps.indices.dropFirst(first).max { gaps[$0] < gaps[$1] || gaps[$0] == gaps[$1] && $0 > $1 }
    clusters = (best ?? max(0, eigenvalues.count - 1)) + 1
  }
}
