import Formats
import Foundation
import Lab
import Pinion

/// A clustering as a file, for placing new points: safetensors with the points, the eigenvectors and the clusters.
public struct SpectralModel: Sendable {
  let placing: OutOfSample
  /// Cluster of each old point.
  let labels: [Int]
  /// Coordinates that are put into clusters.
  let width: Int

  private struct Description: Codable {
    var kind: LaplacianKind
    var similarity: SimilarityOptions
    var width: Int
  }

  init(_ points: Points, _ found: SpectralClustering) throws {
    placing = try OutOfSample(points, found.graph, found.embedding)
    labels = found.clusters.labels
    width = min(found.clusters.count, found.embedding.width)
  }

  /// Reads a file.
  ///
  /// - Throws: `FormatError` where it isn't one that `write` made.
  public init(path: String) throws {
    let file = try Safetensors(path: path)
    guard let text = file.metadata["pinion.spectral"],
      let about = try? JSONDecoder().decode(Description.self, from: Data(text.utf8))
    else { throw FormatError(path, "isn't a clustering; expected a file of `pinion spectral cluster --model`") }
    func numbers(_ name: String, rank: Int) throws -> (values: [Double], shape: [Int]) {
      let tensor = try file.tensor(name)
      guard tensor.dtype == .float64, tensor.rank == rank, tensor.count > 0 || name == "scales" else {
        throw FormatError(path, "'\(name)' is \(tensor.type), expected float64 of \(rank) axes")
      }
      let values = try tensor.array(of: Double.self)
      guard values.allSatisfy(\.isFinite) else { throw FormatError(path, "'\(name)' has numbers that aren't finite") }
      return (values, tensor.shape)
    }
    let (points, vectors) = (try numbers("points", rank: 2), try numbers("vectors", rank: 2))
    let (values, degrees) = (try numbers("eigenvalues", rank: 1), try numbers("degrees", rank: 1))
    let (scales, labels) = (try numbers("scales", rank: 1), try numbers("labels", rank: 1))
    let n = points.shape[0]
    let counts = [vectors.shape[0], degrees.shape[0], labels.shape[0]]
    guard counts.allSatisfy({ $0 == n }), vectors.shape[1] == values.shape[0],
      (1...values.shape[0]).contains(about.width),
      about.similarity.affinity != .selfTuning || scales.shape[0] == n,
      labels.values.allSatisfy({ $0 >= 0 && $0 < 1e6 })
    else {
      throw FormatError(path, "its parts don't fit together: \(n) points, \(counts) rows of vectors, degrees, labels")
    }
    try about.similarity.validate(points: n)
    let embedding = SpectralEmbedding(
      kind: about.kind, count: n, eigenvalues: values.values, vectors: vectors.values)
    placing = OutOfSample(
      points: try Points(points.values, dimension: points.shape[1]), embedding: embedding, degrees: degrees.values,
      options: about.similarity, scales: scales.values)
    self.labels = labels.values.map { Int($0) }
    width = about.width
  }

  /// Writes the file, whole or not at all.
  ///
  /// - Throws: `FormatError` where the disk refuses.
  public func write(to path: String) throws {
    let about = Description(kind: placing.embedding.kind, similarity: placing.options, width: width)
    try Safetensors.write(
      [
        "points": placing.points.tensor, "vectors": placing.embedding.tensor,
        "eigenvalues": Tensor(placing.embedding.eigenvalues), "degrees": Tensor(placing.degrees),
        "scales": Tensor(placing.scales), "labels": Tensor(labels.map(Double.init)),
      ], to: path,
      metadata: ["pinion.spectral": String(decoding: try JSONEncoder().encode(about), as: UTF8.self)])
  }

  /// Clusters of new points, by the nearest mean of a cluster's coordinates, and the coordinates [m, width].
  ///
  /// - Throws: `UsageError` where dimensions differ; `TensorError`.
  public func place(_ queries: Points) throws -> (labels: [Int], coordinates: [Double]) {
    let old = placing.embedding
    let all = try placing.place(queries)
    let new = SpectralEmbedding(kind: old.kind, count: queries.count, eigenvalues: old.eigenvalues, vectors: all)
      .coordinates(columns: width)
    let known = old.coordinates(columns: width)
    let k = (labels.max() ?? 0) + 1
    var means = [Double](repeating: 0, count: k * width)
    var counts = [Double](repeating: 0, count: k)
    for (i, label) in labels.enumerated() {
      counts[label] += 1
      for j in 0..<width { means[label * width + j] += known[i * width + j] }
    }
    for place in means.indices { means[place] /= max(counts[place / width], 1) }
    let nearest = (0..<queries.count).map { i -> Int in
      let distances = (0..<k).map { cluster -> Double in
        guard counts[cluster] > 0 else { return .infinity }
        return (0..<width).reduce(0) { sum, j in
          let difference = new[i * width + j] - means[cluster * width + j]
          return sum + difference * difference
        }
      }
      return distances.indices.min { distances[$0] < distances[$1] } ?? 0
    }
    return (nearest, new)
  }
}
