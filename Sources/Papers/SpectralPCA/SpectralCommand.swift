import ArgumentParser
import Formats
import Foundation
import Lab
import Pinion

/// Spectral clustering of the user's own points, graphs and pictures.
public struct SpectralCommand: ParsableCommand {
  public static let configuration = CommandConfiguration(
    commandName: "spectral-pca",
    abstract: "Cluster your own points, graph or picture by the eigenvectors of a Laplacian.",
    discussion: """
      Points come as CSV, TSV or .npy (a row each), graphs as edge list (two names and a weight a line) or Matrix Market:

        ./pinion spectral cluster points.csv --clusters auto --out labels.csv --report report.html
        ./pinion spectral cluster friends.edges --n-clusters 4
        ./pinion spectral embed points.npy --n-components 3 --out embedding.npy
        ./pinion spectral segment picture.png --clusters 6 --out parts.png
        ./pinion spectral place --model clusters.safetensors new.csv

      Options have scikit-learn's names and defaults where it has them; n_clusters works as well as n-clusters.
      """,
    subcommands: [Cluster.self, Embed.self, Segment.self, Place.self], aliases: ["spectral"])

  public init() {}
}

extension Affinity: ExpressibleByArgument {}
extension LaplacianKind: ExpressibleByArgument {}
extension AssignLabels: ExpressibleByArgument {}
extension EigenSolver: ExpressibleByArgument {}

/// A number of clusters, or `auto`.
struct ClusterCount: ExpressibleByArgument {
  let value: Int?

  static let auto = ClusterCount(nil)

  init(_ value: Int?) { self.value = value }

  init?(argument: String) {
    if argument == "auto" {
      self.init(nil)
    } else if let number = Int(argument), number >= 1 {
      self.init(number)
    } else {
      return nil
    }
  }

  var defaultValueDescription: String { value.map(String.init) ?? "auto" }
}

/// The file and what its similarities are made of.
struct GraphArguments: ParsableArguments {
  @Argument(help: .init("Points (.csv, .tsv, .npy), a matrix (.mtx) or edges (.edges, .edgelist).", valueName: "file"))
  var file: String
  @Flag(help: "The file is an edge list, whatever its name.")
  var edges = false
  @Option(
    help: .init("Column of known classes, by name or number: no coordinate, but compared with.", valueName: "column"))
  var labels: String?
  @Option(help: "How similarities are made of points: \(Affinity.allCases.map(\.rawValue).joined(separator: ", ")).")
  var affinity = Affinity.nearestNeighbors
  @Option(
    name: [.customLong("n-neighbors"), .customLong("n_neighbors")],
    help: "Neighbours of a point, itself counted (default: 10, or all points where there are fewer).")
  var nNeighbors: Int?
  @Option(help: "Of the Gaussian exp(-gamma |x - y|²) (default: by the typical distance to the last neighbour).")
  var gamma: Double?
  @Option(help: "Radius of the epsilon graph (default: twice that distance).")
  var epsilon: Double?
  @Flag(help: "Bring each coordinate to mean 0 and deviation 1 first.")
  var standardize = false
  @Option(help: "Eigenvectors of L_rw (rw), L_sym with rows of length 1 (sym), or L (none).")
  var laplacian = LaplacianKind.randomWalk
  @Option(
    name: [.customLong("eigen-solver"), .customLong("eigen_solver")],
    help: "\(EigenSolver.allCases.map(\.rawValue).joined(separator: ", ")).")
  var eigenSolver = EigenSolver.auto
  @Option(
    name: [.customLong("eigen-tol"), .customLong("eigen_tol")],
    help: "Sine of the angle to the wanted eigenvectors that is small enough.")
  var eigenTol = 1e-3
  @Option(help: .init("Approximate the Gaussian graph from this many points drawn at random.", valueName: "m"))
  var landmarks: Int?
  @Option(name: [.customLong("random-state"), .customLong("random_state")], help: "Seed of all randomness.")
  var randomState: UInt64 = 0

  func input() throws -> SpectralInput {
    let input = try SpectralInput(path: file, isEdgeList: edges, classColumn: labels)
    guard standardize else { return input }
    return try input.standardized()
  }

  func similarity(_ input: SpectralInput) -> SimilarityOptions {
    var options = SimilarityOptions(
      affinity, nNeighbors: nNeighbors ?? min(10, max(2, input.names.count)), gamma: gamma)
    options.epsilon = epsilon
    return options
  }

  func graph(_ input: SpectralInput) throws -> SimilarityGraph {
    switch input.content {
    case .points(let points): return try SimilarityGraph(points, similarity(input))
    case .graph(let matrix): return try SimilarityGraph(matrix)
    }
  }
}

extension SpectralInput {
  /// The points with each coordinate's mean 0 and deviation 1.
  ///
  /// - Throws: `UsageError` where it's a graph.
  func standardized() throws -> SpectralInput {
    let points = try points(for: "--standardize")
    let table = try LabelledTable(
      name: path, values: points.values, featureNames: (0..<points.dimension).map(String.init),
      labels: [Int](repeating: 0, count: points.count), classNames: [""])
    return replacing(.points(try Points(table.standardized())))
  }

  /// Known classes as numbers; nil without them.
  var truth: [Int]? {
    guard let classes else { return nil }
    let names = Set(classes).sorted()
    let numbers = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
    return classes.map { numbers[$0] ?? 0 }
  }
}

extension SpectralCommand {
  struct Cluster: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Divide points or a graph into clusters; auto chooses their number by the largest eigengap.")

    @OptionGroup var graph: GraphArguments
    @Option(
      name: [.customLong("n-clusters"), .customLong("n_clusters"), .customLong("clusters")],
      help: "Number of clusters, or auto.")
    var clusters = ClusterCount.auto
    @Option(
      name: [.customLong("max-clusters"), .customLong("max_clusters")], help: "Most clusters that auto may choose.")
    var maxClusters = 15
    @Option(
      name: [.customLong("assign-labels"), .customLong("assign_labels")],
      help:
        "How rows of the embedding become clusters: \(AssignLabels.allCases.map(\.rawValue).joined(separator: ", ")).")
    var assignLabels = AssignLabels.kmeans
    @Option(name: [.customLong("n-init"), .customLong("n_init")], help: "Starts of k-means.")
    var nInit = 10
    @Flag(
      name: [.customLong("learn-scales")],
      help: "Learn how much each coordinate counts from the rows whose class (--labels) isn't empty; affinity rbf.")
    var learnScales = false
    @Option(help: .init("CSV file for the cluster of each point.", valueName: "file.csv"))
    var out: String?
    @Option(help: .init("File for placing new points later.", valueName: "file.safetensors"))
    var model: String?
    @Option(help: .init("Page with embedding, eigenvalues and similarities.", valueName: "file.html"))
    var report: String?

    func validate() throws {
      if maxClusters < 1 { throw ValidationError("--max-clusters \(maxClusters): expected at least 1") }
      if nInit < 1 { throw ValidationError("--n-init \(nInit): expected at least 1") }
      if learnScales, graph.labels == nil { throw ValidationError("--learn-scales needs --labels") }
      if model != nil, graph.landmarks != nil || learnScales {
        throw ValidationError("--model goes with neither --landmarks nor --learn-scales")
      }
    }

    func run() throws {
      var input = try graph.input()
      var options = SpectralOptions(clusters: clusters.value)
      options.similarity = graph.similarity(input)
      (options.laplacian, options.solver, options.tolerance) = (graph.laplacian, graph.eigenSolver, graph.eigenTol)
      (options.assignment, options.starts, options.maxClusters) = (assignLabels, nInit, maxClusters)
      options.seed = graph.randomState
      if learnScales {
        input = try scaled(input)
        (options.similarity.affinity, options.similarity.gamma) = (.rbf, 1)
      }
      let (embedding, found, similarities) = try divided(input, options)
      let labels = found.clusters.labels
      say(input, embedding, found, similarities)
      if let out {
        let rows = zip(input.names, labels).map { [$0, String($1 + 1)] }
        try CSV(header: ["point", "cluster"], rows: rows).write(to: out)
        print("wrote \(out)")
      }
      if let model, let similarities {
        let found = SpectralClustering(
          graph: similarities, embedding: embedding, clusters: found.clusters, eigengap: found.eigengap)
        try SpectralModel(input.points(for: "--model"), found).write(to: model)
        print("wrote \(model)")
      }
      if let report {
        try File.write(
          try ReportBlock.page(
            blocks(input, embedding, found, similarities), title: "Clusters of \(graph.file)", kicker: "spectral",
            lead: "\(input.count) points in \(found.clusters.count) clusters."), to: report)
        print("wrote \(report)")
      }
    }

    /// Clusters, and the graph where all of it is there.
    private func divided(_ input: SpectralInput, _ options: SpectralOptions) throws -> (
      SpectralEmbedding, (clusters: Clusters, eigengap: Eigengap), SimilarityGraph?
    ) {
      if let landmarks = graph.landmarks {
        let points = try input.points(for: "--landmarks")
        let wanted = min(landmarks, (options.clusters ?? options.maxClusters) + 1)
        let embedding = try SpectralEmbedding(
          points, landmarks: landmarks, components: wanted, options.laplacian, gamma: graph.gamma, seed: options.seed)
        let gap = Eigengap(embedding.eigenvalues, components: 1)
        let clusters = try options.assignment(
          embedding, clusters: options.clusters ?? gap.clusters, starts: options.starts, seed: options.seed)
        return (embedding, (clusters, gap), nil)
      }
      let similarities =
        learnScales
        ? try SimilarityGraph(input.points(for: "--learn-scales"), options.similarity) : try graph.graph(input)
      let found = try SpectralClustering(similarities, options)
      return (found.embedding, (found.clusters, found.eigengap), similarities)
    }

    private func scaled(_ input: SpectralInput) throws -> SpectralInput {
      let points = try input.points(for: "--learn-scales")
      let names = Set((input.classes ?? []).filter { !$0.isEmpty }).sorted()
      let numbers = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
      let learned = try KernelScales(
        points, known: (input.classes ?? []).map { numbers[$0] }, clusters: clusters.value ?? names.count)
      print("factors    \(learned.factors.map { String(format: "%.3g", $0) }.joined(separator: " "))")
      return input.replacing(.points(try learned.applied(to: points)))
    }

    private func say(
      _ input: SpectralInput, _ embedding: SpectralEmbedding, _ found: (clusters: Clusters, eigengap: Eigengap),
      _ similarities: SimilarityGraph?
    ) {
      print("points     \(input.count)")
      if let similarities { print("components \(similarities.components.count)") }
      let list = found.eigengap.eigenvalues.map { String(format: "%.4g", $0) }.joined(separator: " ")
      print("eigenvalues \(list)")
      print("largest gap behind \(found.eigengap.clusters)")
      print("clusters   \(found.clusters.count)")
      var sizes: [Int: Int] = [:]
      for label in found.clusters.labels { sizes[label, default: 0] += 1 }
      print("sizes      \(sizes.keys.sorted().map { String(sizes[$0] ?? 0) }.joined(separator: " "))")
      if !embedding.isConverged {
        let text =
          "the eigenvectors are off by \(String(format: "%.1e", embedding.residual)); raise --eigen-tol or take dense"
        Terminal.standardError.write("note: \(text)\n")
      }
      if let parts = similarities?.components.count, parts > found.clusters.count {
        let text =
          "the graph has \(parts) components, more than clusters, so that the division is arbitrary; more neighbours "
        Terminal.standardError.write("note: \(text)(--n-neighbors) join them\n")
      }
      if let truth = input.truth {
        let labels = found.clusters.labels
        func share(_ value: Double) -> String { String(format: "%.3f", value) }
        print("ARI        \(share(ClusterMetrics.adjustedRandIndex(labels, truth)))")
        print("NMI        \(share(ClusterMetrics.normalizedMutualInformation(labels, truth)))")
        print("accuracy   \(share(ClusterMetrics.accuracy(labels, truth: truth)))")
      }
    }

    private func blocks(
      _ input: SpectralInput, _ embedding: SpectralEmbedding, _ found: (clusters: Clusters, eigengap: Eigengap),
      _ similarities: SimilarityGraph?
    ) throws -> [ReportBlock] {
      let labels = found.clusters.labels
      var blocks: [ReportBlock] = [.table(SpectralFigures.sizes(labels)), .heading("Embedding")]
      if let block = SpectralFigures.embedding(embedding, labels, title: "Embedding") { blocks.append(block) }
      blocks.append(SpectralFigures.eigenvalues(found.eigengap))
      if let similarities {
        blocks.append(try SpectralFigures.sortedSimilarities(similarities, labels, within: embedding))
      }
      if case .points(let points) = input.content, points.dimension >= 2 {
        let scores = try Baselines.principalScores(points, 2).array(of: Double.self)
        blocks.append(
          SpectralFigures.scatter(
            scores, width: 2, labels: labels, x: "first principal component", y: "second", title: "The points by PCA",
            caption: "The same clusters in the plane in which the points vary most."))
      }
      return blocks
    }
  }
}
