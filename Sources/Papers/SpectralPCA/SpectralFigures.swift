import Formats
import Foundation
import Lab
import Pinion

/// Charts and pictures of embeddings and clusters.
enum SpectralFigures {
  /// Points of a plane by cluster, at most `limit` of them, taken evenly.
  static func scatter(
    _ coordinates: [Double], width: Int, labels: [Int], names: [String]? = nil, x: String, y: String, title: String,
    caption: String, axes: (Int, Int) = (0, 1), limit: Int = 1_500
  ) -> ReportBlock {
    let count = labels.count
    let step = max(1, (count + limit - 1) / limit)
    let shown = stride(from: 0, to: count, by: step)
    let clusters = Set(labels).sorted()
    let series = clusters.map { cluster in
      Chart.Series(
        names.flatMap { $0.indices.contains(cluster) ? $0[cluster] : nil } ?? "cluster \(cluster + 1)",
        shown.filter { labels[$0] == cluster }.map {
          Chart.Point(coordinates[$0 * width + axes.0], coordinates[$0 * width + axes.1])
        })
    }
    return .chart(.layers([.scatter(series)], x: .init(x), y: .init(y), title: title), caption: caption)
  }

  /// The eigenvectors of the two smallest eigenvalues behind the constant, or the first two where there are no more.
  static func embedding(_ embedding: SpectralEmbedding, _ labels: [Int], names: [String]? = nil, title: String)
    -> ReportBlock?
  {
    guard embedding.width >= 2 else { return nil }
    let axes = embedding.width >= 3 ? (1, 2) : (0, 1)
    return scatter(
      embedding.vectors, width: embedding.width, labels: labels, names: names, x: "eigenvector \(axes.0 + 1)",
      y: "eigenvector \(axes.1 + 1)", title: title,
      caption: "Each point where the Laplacian's eigenvectors put it, in the colour of its cluster.", axes: axes)
  }

  /// Eigenvalues in order, and the gap that chose the number of clusters.
  static func eigenvalues(_ gap: Eigengap, title: String = "Smallest eigenvalues") -> ReportBlock {
    let points = gap.eigenvalues.enumerated().map { Chart.Point(Double($0.offset + 1), $0.element) }
    let k = gap.clusters
    let middle = k < gap.eigenvalues.count ? (gap.eigenvalues[k - 1] + gap.eigenvalues[k]) / 2 : nil
    var layers: [Chart.Layer] = [.scatter([Chart.Series("eigenvalue", points)])]
    if let middle { layers.append(.level(middle, label: "largest gap: behind \(k)")) }
    return .chart(
      .layers(layers, x: .init("number"), y: .init("eigenvalue", includesZero: true), title: title),
      caption: "As many clusters as eigenvalues stand before the largest gap, measured by the eigenvalue behind it.")
  }

  /// The similarities as a picture, points in the order of their clusters: blocks along the diagonal where all is well.
  ///
  /// - Parameter embedding: whose last coordinate is the order within a cluster.
  /// - Throws: `FormatError`, `TensorError`.
  static func sortedSimilarities(
    _ graph: SimilarityGraph, _ labels: [Int], within embedding: SpectralEmbedding, side: Int = 240
  ) throws -> ReportBlock {
    let n = graph.count
    let key = (0..<n).map { embedding.vectors[($0 + 1) * embedding.width - 1] }
    let order = (0..<n).sorted { (labels[$0], key[$0], $0) < (labels[$1], key[$1], $1) }
    var place = [Int](repeating: 0, count: n)
    for (at, vertex) in order.enumerated() { place[vertex] = at }
    let cells = min(side, n)
    var sums = [Double](repeating: 0, count: cells * cells)
    switch graph.weights {
    case .sparse(let matrix):
      for row in 0..<n {
        let y = place[row] * cells / n
        for entry in matrix.starts[row]..<matrix.starts[row + 1] {
          sums[y * cells + place[Int(matrix.columns[entry])] * cells / n] += matrix.weights[entry]
        }
      }
    case .dense(let tensor):
      try tensor.withHostBytes { bytes in
        let values = bytes.bindMemory(to: Double.self)
        for row in 0..<n {
          let y = place[row] * cells / n
          for column in 0..<n { sums[y * cells + place[column] * cells / n] += values[row * n + column] }
        }
      }
    }
    // A few cells would outshine the rest: the scale ends at the 99th of a hundred.
    let sorted = sums.filter { $0 > 0 }.sorted()
    let top = sorted.isEmpty ? 1 : sorted[min(sorted.count - 1, sorted.count * 99 / 100)]
    let pixels = sums.map { UInt8(255 - 255 * min(1, ($0 / top).squareRoot())) }
    let image = try Image(width: cells, height: cells, channels: 1, bytes: pixels)
    return .image(
      ReportImage(
        png: try image.enlarged(max(1, 480 / cells)).encoded(),
        caption: "Similarities, dark where large, points in the order of their clusters: blocks on the diagonal.",
        isPixelated: true))
  }

  /// A picture beside its parts.
  ///
  /// - Throws: `FormatError`.
  static func segmentation(_ found: Segmentation, name: String) throws -> ReportBlock {
    let parts = (found.labels.max() ?? 0) + 1
    func shown(_ image: Image, _ caption: String) throws -> ReportImage {
      let height = max(1, image.height * 380 / max(image.width, 1))
      return ReportImage(png: try image.resized(width: 380, height: height).encoded(), caption: caption)
    }
    return .imageGrid(
      [
        try shown(found.image, name), try shown(found.overlay(), "\(parts) parts"),
        try shown(found.averaged(), "each in its mean colour"),
      ], columns: 3,
      caption: "Normalised cut of the grid of \(found.width) x \(found.height) pixels: parts tinted, borders white.")
  }

  /// Sizes of clusters as a table.
  static func sizes(_ labels: [Int]) -> ReportTable {
    var counts: [Int: Int] = [:]
    for label in labels { counts[label, default: 0] += 1 }
    return ReportTable(
      columns: [.init("cluster"), .init("points", .right), .init("share", .right)],
      rows: counts.keys.sorted().map { label in
        let count = counts[label] ?? 0
        return [
          "\(label + 1)", "\(count)", String(format: "%.1f %%", 100 * Double(count) / Double(max(labels.count, 1))),
        ]
      })
  }
}
