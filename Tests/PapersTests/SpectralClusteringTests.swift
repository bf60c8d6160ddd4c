import Formats
import Foundation
import Pinion
import Testing

@testable import Lab
@testable import Papers

@Suite struct SpectralClusteringTests {
  /// What `Oracles/spectral.py` writes.
  private struct Oracle: Decodable {
    struct Embedding: Decodable {
      let eigenvalues: [Double], vectors: [Double], unnormalized: [Double]
      let components: Int
      let labels: [String: [Int]]
    }
    struct Case: Decodable {
      let name: String
      let points: [Double], truth: [Int]
      let clusters: Int, gamma: Double
      let affinities: [String: Embedding]
      let kernelPCA: [Double], dbscan: [Int], ward: [Int]
    }
    struct Score: Decodable {
      let first: [Int], second: [Int]
      let ari: Double, nmi: Double
      let points: [Double]
      let silhouette: Double?
    }
    let cases: [Case], scores: [Score]
  }

  private let oracle: Oracle

  init() throws {
    let url = try #require(Bundle.module.url(forResource: "spectral", withExtension: "json", subdirectory: "Oracles"))
    oracle = try JSONDecoder().decode(Oracle.self, from: Data(contentsOf: url))
  }

  /// Spaces of eigenvectors, eigenvalues and labels of scikit-learn's spectral_embedding and SpectralClustering.
  @Test func embeddingsAndLabelsAreThoseOfScikitLearn() throws {
    for one in oracle.cases {
      let points = try Points(one.points, dimension: 2)
      for (affinity, expected) in one.affinities {
        var options = SimilarityOptions(.nearestNeighbors, nNeighbors: 12)
        if affinity == "rbf" { options = SimilarityOptions(.rbf, gamma: one.gamma) }
        let graph = try SimilarityGraph(points, options)
        #expect(graph.components.count == expected.components)
        let embedding = try SpectralEmbedding(graph, components: 6)
        let plain = try SpectralEmbedding(graph, components: 6, .unnormalized)
        for i in 0..<6 {
          #expect(abs(embedding.eigenvalues[i] - expected.eigenvalues[i]) < 1e-10, "\(one.name) \(affinity)")
          #expect(abs(plain.eigenvalues[i] - expected.unnormalized[i]) < 1e-9, "\(one.name) \(affinity)")
        }
        // scikit-learn's rows are D^-½ v, so both span the same space.
        let theirs = qr(Tensor(expected.vectors, shape: [points.count, 4])).q
        let ours = qr(embedding.tensor.slice(axis: 1, from: 0, to: 4)).q
        let sines = svdvals(ours - theirs.matmul(theirs.matrixTranspose().matmul(ours)))
        #expect(try sines.max().item() < 1e-6, "\(one.name) \(affinity)")
        for (name, labels) in expected.labels {
          let assign = try #require(AssignLabels(rawValue: name))
          let found = try assign(embedding, clusters: one.clusters).labels
          let agreement = ClusterMetrics.adjustedRandIndex(found, labels)
          #expect(agreement > (name == "kmeans" ? 0.9 : 0.999), "\(one.name) \(affinity) \(name): \(agreement)")
        }
      }
      let gram = (-one.gamma * SimilarityGraph.squaredDistances(points.tensor, points.tensor)).exp()
      let (scores, theirs) = (
        Equivalence.kernelPCAScores(gram, components: 3), Tensor(one.kernelPCA, shape: [points.count, 3])
      )
      #expect(try (Equivalence.procrustes(scores, onto: theirs) - theirs).abs().max().item() < 1e-9)
      let ward = try Baselines.ward(points, clusters: one.clusters).labels
      #expect(ClusterMetrics.adjustedRandIndex(ward, one.ward) == 1, "\(one.name)")
      // What DBSCAN doesn't call noise, spectral clustering puts together as it does.
      if one.name == "moons" {
        var spectral = SpectralOptions(clusters: 2)
        (spectral.laplacian, spectral.similarity.nNeighbors) = (.symmetric, 5)
        #expect(
          ClusterMetrics.adjustedRandIndex(try SpectralClustering(points, spectral).clusters.labels, one.dbscan) == 1)
      }
    }
  }

  @Test func scoresAreThoseOfScikitLearn() throws {
    for one in oracle.scores {
      #expect(abs(ClusterMetrics.adjustedRandIndex(one.first, one.second) - one.ari) < 1e-12)
      #expect(abs(ClusterMetrics.normalizedMutualInformation(one.first, one.second) - one.nmi) < 1e-12)
      guard let silhouette = one.silhouette else { continue }
      let points = try Points(one.points, dimension: 2)
      #expect(abs(try ClusterMetrics.silhouette(points, one.second) - silhouette) < 1e-9)
    }
    #expect(try ClusterMetrics.silhouette(Points([1, 2, 3], dimension: 1), [0, 0, 0]) == 0)
  }

  /// The Hungarian method against all namings.
  @Test func bestNaming() throws {
    func permutations(_ items: [Int]) -> [[Int]] {
      items.isEmpty ? [[]] : items.flatMap { one in permutations(items.filter { $0 != one }).map { [one] + $0 } }
    }
    for seed in 0..<5 as Range<UInt64> {
      let cost = try Key(seed).normal([25], dtype: .float64).array(of: Double.self)
      func total(_ columns: [Int]) -> Double {
        columns.enumerated().reduce(0) { $0 + cost[$1.offset * 5 + $1.element] }
      }
      let least = permutations(Array(0..<5)).map(total).min() ?? .nan
      #expect(abs(total(ClusterMetrics.assignment(cost, size: 5)) - least) < 1e-12)
    }
    #expect(ClusterMetrics.accuracy([5, 5, 7, 7, 9], truth: [1, 1, 0, 0, 0]) == 0.8)
    #expect(ClusterMetrics.accuracy([0, 0, 0, 1], truth: [0, 1, 2, 3]) == 0.5)
  }

  @Test func kMeansAndItsKernelForm() throws {
    let set = try PointSet.blobs(60, deviation: 0.3, seed: 3)
    let found = try KMeans(3)(set.points.tensor)
    #expect(ClusterMetrics.adjustedRandIndex(found.labels, set.labels) == 1)
    // With the linear kernel kernel k-means is k-means.
    let x = set.points.tensor
    let kernel = try Baselines.kernelKMeans(x.matmul(x.matrixTranspose()), clusters: 3)
    #expect(ClusterMetrics.adjustedRandIndex(kernel.labels, set.labels) == 1)
    #expect(abs(kernel.objective - found.objective) < 1e-6 * found.objective)
    #expect(try KMeans(3, seed: 9)(x) == KMeans(3, seed: 9)(x), "deterministic")
    // Fewer places than clusters: no cluster is lost beyond need, nothing is not-a-number.
    let doubled = try KMeans(3)(Tensor([[0], [0], [0], [1], [1]] as [[Double]]))
    #expect(Set(doubled.labels).count == 2 && abs(doubled.objective) < 1e-12)
    #expect(try KMeans(1)(x).labels.allSatisfy { $0 == 0 })
    let scores = try Baselines.principalComponents(set.points, components: 2, clusters: 3)
    #expect(ClusterMetrics.adjustedRandIndex(scores.labels, set.labels) == 1)
  }

  @Test func curvesAreToldApart() throws {
    let sets = try [
      PointSet.moons(150, seed: 1), PointSet.circles(150, noise: 0.02, seed: 1),
      PointSet.spirals(300, arms: 2, noise: 0.01, seed: 1),
    ]
    for (set, assignment) in zip(sets, AssignLabels.allCases) {
      var options = SpectralOptions(clusters: 2)
      (options.laplacian, options.assignment, options.similarity.nNeighbors) = (.symmetric, assignment, 6)
      let labels = try SpectralClustering(set.points, options).clusters.labels
      #expect(ClusterMetrics.adjustedRandIndex(labels, set.labels) > 0.95, "\(set.name) \(assignment)")
      #expect(
        ClusterMetrics.adjustedRandIndex(try KMeans(2)(set.points.tensor).labels, set.labels) < 0.6, "\(set.name)")
    }
  }

  /// One point, equal points, a constant coordinate, components: each the right answer.
  @Test func unusualInputs() throws {
    func labels(_ values: [Double], _ dimension: Int, _ options: SpectralOptions) throws -> [Int] {
      try SpectralClustering(Points(values, dimension: dimension), options).clusters.labels
    }
    for affinity in Affinity.allCases where affinity != .precomputed {
      var options = SpectralOptions(affinity)
      (options.similarity.nNeighbors, options.assignment) = (5, .clusterQR)
      #expect(try labels([4, 2], 2, SpectralOptions(clusters: 1, affinity)) == [0], "\(affinity)")
      #expect(try labels([4, 2], 2, SpectralOptions(affinity)) == [0], "\(affinity)")
      if affinity == .cosine { continue }
      // Two heaps of equal points.
      options.clusters = 2
      let heaps = [Double](repeating: 0, count: 5) + [Double](repeating: 9, count: 5)
      #expect(try labels(heaps, 1, options) == [0, 0, 0, 0, 0, 1, 1, 1, 1, 1], "\(affinity)")
    }
    var options = SpectralOptions(clusters: 1)
    (options.similarity.nNeighbors, options.assignment) = (4, .clusterQR)
    #expect(try labels([Double](repeating: 1, count: 8), 1, options).allSatisfy { $0 == 0 })
    // A constant coordinate changes nothing; components are found as such.
    let line = (0..<10).flatMap { (place: Int) -> [Double] in [Double(place < 5 ? place : 100 + place), 7] }
    options.clusters = nil
    #expect(try labels(line, 2, options) == [0, 0, 0, 0, 0, 1, 1, 1, 1, 1])
    options.clusters = 10
    #expect(Set(try labels(line, 2, options)).count == 10)
  }

  // MARK: New points

  @Test func newPointsTakeTheirPlace() throws {
    let set = try PointSet.moons(150, seed: 4)
    for kind in LaplacianKind.allCases {
      let graph = try SimilarityGraph(set.points, SimilarityOptions(.rbf, gamma: 8))
      let embedding = try SpectralEmbedding(graph, components: 3, kind)
      let placing = try OutOfSample(set.points, graph, embedding)
      // A row of the graph is a point that is already there.
      let again = try placing.extended(graph.matrix).array(of: Double.self)
      for (a, b) in zip(again, embedding.vectors) { #expect(abs(a - b) < 1e-9, "\(kind)") }
    }
    let fresh = try PointSet.moons(50, seed: 5)
    for affinity in [Affinity.nearestNeighbors, .rbf, .selfTuning] {
      var options = SpectralOptions(clusters: 2, affinity)
      options.laplacian = .symmetric
      (options.assignment, options.similarity.nNeighbors) = (.clusterQR, 8)
      if affinity == .rbf { options.similarity.gamma = 50 }
      let model = try SpectralModel(set.points, SpectralClustering(set.points, options))
      let path = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).safetensors").path
      defer { try? FileManager.default.removeItem(atPath: path) }
      try model.write(to: path)
      let read = try SpectralModel(path: path)
      let placed = try read.place(fresh.points)
      #expect(ClusterMetrics.accuracy(placed.labels, truth: fresh.labels) > 0.95, "\(affinity)")
      #expect(try model.place(fresh.points).labels == placed.labels)
      // Far from all others it takes the place of the nearest.
      let far = try read.place(Points([50, 0.2], dimension: 2))
      #expect(far.coordinates.allSatisfy { $0.isFinite }, "\(affinity)")
      #expect(throws: UsageError.self) { try read.place(Points([1, 2, 3], dimension: 3)) }
    }
    let path = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).safetensors").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Safetensors.write(["points": set.points.tensor], to: path)
    #expect(throws: FormatError.self) { try SpectralModel(path: path) }
  }

  /// With all points as landmarks the approximation is the graph itself, diagonal included.
  @Test func landmarks() throws {
    let set = try PointSet.moons(40, seed: 6)
    let x = set.points.tensor
    let gram = (-8.0 * SimilarityGraph.squaredDistances(x, x)).exp()
    let degrees = gram.sum(1).sqrt()
    let (values, _) = eigh(gram / outer(degrees, degrees))
    let expected = try (1 - values.slice(axis: 0, from: 36, to: 40).reverse([0])).array(of: Double.self)
    let all = try SpectralEmbedding(set.points, landmarks: 40, components: 4, gamma: 8)
    for (a, b) in zip(all.eigenvalues, expected) { #expect(abs(a - b) < 1e-8) }
    let many = try PointSet.circles(400, noise: 0.03, seed: 1)
    let few = try SpectralEmbedding(many.points, landmarks: 200, components: 2, .symmetric, gamma: 120)
    let labels = try AssignLabels.clusterQR(few, clusters: 2).labels
    #expect(ClusterMetrics.adjustedRandIndex(labels, many.labels) > 0.95)
    #expect(throws: UsageError.self) { try SpectralEmbedding(set.points, landmarks: 3, components: 4) }
    #expect(throws: UsageError.self) { try SpectralEmbedding(set.points, landmarks: 41, components: 4) }
  }

  @Test func picturesAreCutAlongTheirEdges() throws {
    // Left dark, right bright, a line of noise apart.
    let bytes = (0..<16 * 24).flatMap { place in [UInt8](repeating: place % 24 < 12 ? 40 : 200, count: 3) }
    let image = try Image(width: 24, height: 16, channels: 3, bytes: bytes)
    var options = Segmentation.Options()
    (options.segments, options.side) = (2, 24)
    let found = try Segmentation(image, options)
    #expect((found.width, found.height) == (24, 16))
    #expect((0..<16 * 24).allSatisfy { (found.labels[$0] == found.labels[0]) == ($0 % 24 < 12) })
    #expect(try found.averaged().bytes == bytes)
    #expect(try found.overlay().width == 24)
    options.side = 1
    #expect(throws: UsageError.self) { try Segmentation(image, options) }
    options.side = 24
    options.segments = 10_000
    #expect(throws: UsageError.self) { try Segmentation(image, options) }
  }

  @Test func optionsAreChecked() throws {
    for setting in ["digits=5000", "sizes=100", "sizes=200,100", "blockDegree=1", "seeds=0"] {
      #expect(throws: UsageError.self, "\(setting)") { try SpectralPCAOptions.parse([setting], scale: .quick) }
    }
    #expect(throws: UsageError.self) { try ScikitLearnPeer("/nowhere/python") }
    #expect(try ScikitLearnPeer("no") == nil)
  }
}
