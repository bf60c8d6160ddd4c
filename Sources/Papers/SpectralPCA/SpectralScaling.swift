import Foundation
import Lab
import Pinion

/// Claim 6: what many points cost, beside scikit-learn.
struct SpectralScaling {
  let claims: [Claim]
  let report: [ReportBlock]

  private struct Row {
    var size: Int
    var graph: Double
    var embedding: Double
    var clusters: Double
    var megabytes: Double
    var agreement: Double
    var peer: ScikitLearnPeer.Run?
    var peerAgreement: Double?

    var seconds: Double { graph + embedding + clusters }
  }

  /// Ten overlapping clouds: in the plane their graph hangs together, and has eigenvalues as close as a plane's.
  ///
  /// - Parameter dimension: 2, or 10, where a graph has no small separators: what factorises it fills up.
  static func points(_ n: Int, dimension: Int = 2, seed: UInt64) throws -> PointSet {
    try PointSet.blobs(n, clusters: 10, dimension: dimension, deviation: dimension == 2 ? 1 : 4, seed: seed)
  }

  init(_ context: RunContext<SpectralPCAOptions>) throws {
    let options = context.options
    let peer = try ScikitLearnPeer(options.python)
    if peer == nil, options.python != "no" {
      context.progress.note("no Python with scikit-learn was found; --set python=… names one. Nothing is timed beside.")
    }
    func rows(_ sizes: [Int], dimension: Int) throws -> [Row] {
      // A size that takes scikit-learn too long is the last that it's given.
      var isPeerIn = true
      return try sizes.map { size in
        try context.checkInterrupt()
        let set = try Self.points(size, dimension: dimension, seed: context.seed)
        var row = try Self.measured(set, seed: context.seed)
        if isPeerIn {
          row.peer = try peer?.cluster(
            set.points, clusters: set.clusters, folder: context.folder, seconds: options.peerSeconds)
          row.peerAgreement = row.peer.map { ClusterMetrics.adjustedRandIndex($0.labels, set.labels) }
          isPeerIn = row.peer != nil
        }
        try context.log("seconds", series: "pinion, \(dimension) dimensions", step: size, row.seconds)
        return row
      }
    }
    let plane = try rows(options.sizes, dimension: 2)
    let wide = try rows(options.wideSizes, dimension: 10)
    let (claims, report) = Self.outcome(plane, peer, options)
    let more = Self.outcomeInTenDimensions(wide, peer, options)
    (self.claims, self.report) = (claims + more.claims, report + more.report)
  }

  private static func measured(_ set: PointSet, seed: UInt64) throws -> Row {
    func now() -> Double { Double(DispatchTime.now().uptimeNanoseconds) / 1e9 }
    PeakMemory.reset()
    let start = now()
    let graph = try SimilarityGraph(set.points)
    let made = now()
    // One more than the clusters shows the gap behind them, as `cluster` does.
    let embedding = try SpectralEmbedding(
      graph, components: set.clusters + 1, .symmetric, solver: .lanczos, seed: seed)
    let embedded = now()
    let clusters = try AssignLabels.kmeans(embedding, clusters: set.clusters, seed: seed)
    let end = now()
    return Row(
      size: set.points.count, graph: made - start, embedding: embedded - made, clusters: end - embedded,
      megabytes: PeakMemory.megabytes,
      agreement: ClusterMetrics.adjustedRandIndex(clusters.labels, set.labels))
  }

  /// Slope of log(seconds) over log(size) by least squares.
  static func slope(_ points: [(size: Double, seconds: Double)]) -> Double {
    let (x, y) = (points.map { log($0.size) }, points.map { log($0.seconds) })
    let (meanX, meanY) = (Statistics.mean(x), Statistics.mean(y))
    let covariance = zip(x, y).reduce(0) { $0 + ($1.0 - meanX) * ($1.1 - meanY) }
    return covariance / x.reduce(0) { $0 + ($1 - meanX) * ($1 - meanX) }
  }

  private static func outcome(
    _ rows: [Row], _ peer: ScikitLearnPeer?, _ options: SpectralPCAOptions
  ) -> ([Claim], [ReportBlock]) {
    guard let last = rows.last else { return ([], []) }
    let slope = slope(rows.map { (Double($0.size), $0.seconds) })
    let common = rows.last { $0.peer != nil }
    let other = Self.name(of: peer)
    let beside =
      last.peer.map { "\(other): \(seconds($0.seconds)) s" }
      ?? (peer == nil ? other : "\(other): more than \(options.peerSeconds) s")
    var claims = [
      Claim(
        "cost", statement: "Time grows about as the number of points (log-log slope of k-NN and Lanczos).",
        measured: slope, comparison: .atMost, threshold: 1.3,
        baseline: "\(rows[0].size) to \(last.size) points"),
      Claim(
        "time", statement: "100,000 points take less than two minutes (here: \(last.size)).", measured: last.seconds,
        unit: "s", comparison: .atMost, threshold: 120, baseline: beside),
      Claim(
        "memory", statement: "and less than 4 GB at their peak (here: \(last.size)).", measured: last.megabytes / 1024,
        unit: "GB", comparison: .atMost, threshold: 4,
        baseline: last.peer.map { String(format: "\(other): %.2f GB", $0.megabytes / 1024) } ?? other),
    ]
    if let common, let run = common.peer {
      claims.append(
        Claim(
          "against scikit-learn", statement: "scikit-learn's time over Pinion's at \(common.size) points, same run.",
          measured: run.seconds / common.seconds, unit: "x", comparison: .informative, baseline: other))
    }
    let caption = "Ten overlapping clouds of the plane, 10 neighbours, 11 eigenvectors, compiling included."
    var series = [Chart.Series("Pinion", rows.map { Chart.Point(Double($0.size), $0.seconds) })]
    let others = rows.compactMap { row in row.peer.map { Chart.Point(Double(row.size), $0.seconds) } }
    if !others.isEmpty { series.append(Chart.Series("scikit-learn", others)) }
    let chart = Chart.layers(
      [.lines(series), .scatter(series)], x: .init("points", isLogarithmic: true),
      y: .init("seconds", isLogarithmic: true), title: "Time to cluster")
    return (
      claims,
      [
        .heading("Many points"), .table(table(rows, peer, options, caption: caption)),
        .chart(
          chart,
          caption: "k-d tree, Chebyshev-filtered Lanczos on a sparse operator, k-means. Slope \(Format.short(slope))."),
      ]
    )
  }
  private static func name(of peer: ScikitLearnPeer?) -> String {
    peer.map { "scikit-learn \($0.version)" } ?? "no Python with scikit-learn here"
  }

  private static func seconds(_ value: Double?) -> String { value.map { String(format: "%.1f", $0) } ?? "–" }

  /// What is quick by factorising in the plane fills up here.
  private static func outcomeInTenDimensions(
    _ rows: [Row], _ peer: ScikitLearnPeer?, _ options: SpectralPCAOptions
  ) -> (claims: [Claim], report: [ReportBlock]) {
    guard !rows.isEmpty else { return ([], []) }
    var claims: [Claim] = []
    if let common = rows.last(where: { $0.peer != nil }), let run = common.peer {
      claims = [
        Claim(
          "in ten dimensions", statement: "scikit-learn's time over Pinion's at \(common.size) points, same run.",
          measured: run.seconds / common.seconds, unit: "x", comparison: .informative, baseline: name(of: peer))
      ]
    }
    let caption =
      "The same in ten dimensions. scikit-learn factorises the matrix (shift and invert), which is cheap for a graph of the "
      + "plane and fills up here; Pinion only multiplies by it."
    return (claims, [.table(table(rows, peer, options, caption: caption))])
  }

  private static func table(
    _ rows: [Row], _ peer: ScikitLearnPeer?, _ options: SpectralPCAOptions, caption: String
  ) -> ReportTable {
    ReportTable(
      columns: [
        .init("points", .right), .init("graph s", .right), .init("eigenvectors s", .right), .init("k-means s", .right),
        .init("all s", .right), .init("peak MB", .right), .init("ARI", .right), .init("scikit-learn s", .right),
        .init("its peak MB", .right), .init("its ARI", .right),
      ],
      rows: rows.map { row in
        [
          "\(row.size)", String(format: "%.2f", row.graph), seconds(row.embedding), seconds(row.clusters),
          seconds(row.seconds), String(format: "%.0f", row.megabytes), String(format: "%.3f", row.agreement),
          seconds(row.peer?.seconds), row.peer.map { String(format: "%.0f", $0.megabytes) } ?? "–",
          row.peerAgreement.map { String(format: "%.3f", $0) } ?? "–",
        ]
      },
      caption: "\(caption) \(name(of: peer))"
        + (peer == nil
          ? "."
          : ": SpectralClustering with affinity nearest_neighbors in a process of its own, at most "
            + "\(options.peerSeconds) s; – where it took longer."))
  }
}
