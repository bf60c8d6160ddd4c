import Foundation
import Lab
import Pinion

/// What stands beside the claims: the width of the Gaussian, scales that are learnt, new points, landmarks.
struct SpectralExtras {
  let claims: [Claim]
  let report: [ReportBlock]

  init(_ context: RunContext<SpectralPCAOptions>) throws {
    let sweep = try Self.widths(context)
    let (scaleClaim, scaleBlock) = try Self.scales(context)
    let placed = try Self.newPoints(context)
    claims = [scaleClaim] + placed
    report = [.heading("What it depends on"), sweep, scaleBlock]
  }

  /// ARI on moons over the Gaussian's width.
  private static func widths(_ context: RunContext<SpectralPCAOptions>) throws -> ReportBlock {
    let set = try PointSet.moons(300, seed: context.seed)
    let typical = try SimilarityGraph.typicalDistance(set.points, SimilarityOptions())
    let widths = (0..<13).map { typical * pow(10, -1.5 + 0.25 * Double($0)) }
    func agreement(_ options: SimilarityOptions) throws -> Double {
      var spectral = SpectralOptions(clusters: 2)
      spectral.similarity = options
      spectral.laplacian = .symmetric
      spectral.assignment = .clusterQR
      spectral.solver = .dense
      return ClusterMetrics.adjustedRandIndex(try SpectralClustering(set.points, spectral).clusters.labels, set.labels)
    }
    let points = try widths.map { width in
      Chart.Point(width / typical, try agreement(SimilarityOptions(.rbf, gamma: 1 / (2 * width * width))))
    }
    let tuned = try agreement(SimilarityOptions(.selfTuning))
    let neighbours = try agreement(SimilarityOptions(.nearestNeighbors))
    return .chart(
      .layers(
        [
          .lines([Chart.Series("Gaussian", points)]), .scatter([Chart.Series("Gaussian", points)]),
          .level(tuned, label: "self-tuning \(Format.short(tuned))"),
        ], x: .init("width σ over the typical distance to the last neighbour", isLogarithmic: true),
        y: .init("ARI", includesZero: true), title: "Moons, by the width of the Gaussian"),
      caption:
        "Too wide a Gaussian sees no gap, much too narrow a one cuts single points off. Self-tuning scales reach "
        + "\(Format.short(tuned)), 10 nearest neighbours \(Format.short(neighbours)), without a choice.")
  }

  /// Moons with coordinates of noise: learnt factors from a tenth of the points.
  private static func scales(_ context: RunContext<SpectralPCAOptions>) throws -> (Claim, ReportBlock) {
    let n = 200
    let set = try PointSet.moons(n, seed: context.seed &+ 7)
    let noise = try Key(context.seed).foldIn(9).normal([n, 3], dtype: .float64).array(of: Double.self)
    var values: [Double] = []
    for i in 0..<n {
      values += set.points[i]
      for number in noise[3 * i..<3 * i + 3] { values.append(0.8 * number) }
    }
    let points = try Points(values, dimension: 5)
    let order = try Key(context.seed).foldIn(10).permutation(n).array(of: Int32.self).map { Int($0) }
    var known = [Int?](repeating: nil, count: n)
    for i in order.prefix(n / 5) { known[i] = set.labels[i] }
    let learned = try KernelScales(points, known: known, clusters: 2, steps: context.scale == .quick ? 30 : 80)
    func agreement(_ points: Points, gamma: Double?) throws -> Double {
      var options = SpectralOptions(clusters: 2, .rbf)
      (options.similarity.gamma, options.laplacian, options.solver) = (gamma, .symmetric, .dense)
      let labels = try SpectralClustering(points, options).clusters.labels
      let others = order.dropFirst(n / 5)
      return ClusterMetrics.adjustedRandIndex(others.map { labels[$0] }, others.map { set.labels[$0] })
    }
    let before = try agreement(points, gamma: nil)
    let after = try agreement(learned.applied(to: points), gamma: 1)
    let claim = Claim(
      "learnt scales",
      statement:
        "Factors of coordinates learnt through the eigenvectors' derivative (ARI of points without known class).",
      measured: after, comparison: .informative, baseline: "\(Format.short(before)) with equal factors")
    let names = ["x", "y", "noise 1", "noise 2", "noise 3"]
    return (
      claim,
      .chart(
        .bars(
          zip(names, learned.factors).map { Chart.Bar($0, $1.squareRoot()) }, category: "coordinate",
          value: .init("root of the learnt factor", includesZero: true), title: "Moons with three coordinates of noise"),
        caption:
          "Learnt from \(n / 5) of \(n) points by gradient through eigh: ARI of the others \(Format.short(before)) before, "
          + "\(Format.short(after)) after.")
    )
  }

  /// New points by Nyström, and many points by landmarks.
  private static func newPoints(_ context: RunContext<SpectralPCAOptions>) throws -> [Claim] {
    let old = try PointSet.moons(400, seed: context.seed)
    let new = try PointSet.moons(400, seed: context.seed &+ 5)
    var options = SpectralOptions(clusters: 2)
    options.laplacian = .symmetric
    let model = try SpectralModel(old.points, SpectralClustering(old.points, options))
    let placed = try model.place(new.points).labels
    let many = context.options.sizes.last ?? 1_000
    let set = try PointSet.circles(many, noise: 0.03, seed: context.seed)
    let start = DispatchTime.now().uptimeNanoseconds
    let m = 300
    let embedding = try SpectralEmbedding(
      set.points, landmarks: min(m, many), components: 2, .symmetric, seed: context.seed)
    let labels = try AssignLabels.kmeans(embedding, clusters: 2, seed: context.seed).labels
    let seconds = Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
    return [
      Claim(
        "new points", statement: "New points of moons placed by Nyström fall into the right cluster.",
        measured: 100 * ClusterMetrics.accuracy(placed, truth: new.labels), unit: "%", comparison: .informative,
        baseline: "400 points placed among 400"),
      Claim(
        "landmarks", statement: "\(many) points of two circles by \(min(m, many)) landmarks (ARI).",
        measured: ClusterMetrics.adjustedRandIndex(labels, set.labels), comparison: .informative,
        baseline: String(format: "%.1f s", seconds)),
    ]
  }
}
