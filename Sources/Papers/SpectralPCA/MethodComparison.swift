import Foundation
import Lab
import Pinion

/// Claim 4: spectral clustering beside its baselines, each tuned alike on a pilot.
struct MethodComparison {
  /// A way to divide points, with the values that its parameter may have.
  private struct Method: Sendable {
    var name: String
    var parameter: String
    var values: [Double]
    var usual: Double
    var divide: @Sendable (Points, _ clusters: Int, _ value: Double, _ seed: UInt64) throws -> [Int]
  }

  /// Points with their classes, for a seed: drawn anew, or the same with other starts.
  private struct DataSet {
    var name: String
    var clusters: Int
    var isMadeUp: Bool
    var draw: (UInt64) throws -> (Points, [Int])
  }

  /// What came of a method on a set.
  private struct Result {
    var set: String
    var method: String
    var value: Double
    var rand: [Double] = []
    var information: [Double] = []
    var accuracy: [Double] = []
    var silhouette = 0.0
    var seconds: [Double] = []
  }

  let claims: [Claim]
  private let results: [Result]
  private let sets: [DataSet]
  private let context: RunContext<SpectralPCAOptions>

  init(_ context: RunContext<SpectralPCAOptions>) throws {
    self.context = context
    let sets = try Self.sets(context.options, isQuick: context.scale == .quick)
    self.sets = sets
    var results: [Result] = []
    let bar = context.progress.start("methods", total: sets.count * Self.methods.count)
    for set in sets {
      let pilot = try Self.pilot(set, context.seed)
      for method in Self.methods {
        try context.checkInterrupt()
        // At quick scale what the other scales chose most often.
        let isQuick = context.scale == .quick
        let value = isQuick ? method.usual : try Self.tuned(method, pilot, set.clusters, context.seed)
        results.append(try Self.measured(method, value, set, context))
        bar.advance()
      }
    }
    bar.finish()
    self.results = results
    claims = Self.claims(results, seeds: context.options.seeds)
  }

  // MARK: Methods and sets

  private static let methods: [Method] = [
    Method(name: "spectral", parameter: "n_neighbors", values: [5, 10, 15, 25], usual: 10) { points, k, value, seed in
      var options = SpectralOptions(clusters: k)
      options.similarity.nNeighbors = Int(value)
      (options.laplacian, options.seed) = (.symmetric, seed)
      return try SpectralClustering(points, options).clusters.labels
    },
    Method(name: "k-means", parameter: "", values: [0], usual: 0) { points, k, _, seed in
      try KMeans(k, seed: seed)(points.tensor).labels
    },
    Method(name: "PCA + k-means", parameter: "components", values: [1, 2, 5, 10, 20], usual: 10) {
      points, k, value, seed in
      try Baselines.principalComponents(points, components: Int(value), clusters: k, seed: seed).labels
    },
    Method(name: "kernel k-means", parameter: "gamma / typical", values: [0.03, 0.1, 0.3, 1], usual: 0.1) {
      points, k, value, seed in
      let typical = try SimilarityGraph.typicalDistance(points, SimilarityOptions())
      let x = points.tensor
      let gram = (Tensor(-value / (2 * typical * typical)) * SimilarityGraph.squaredDistances(x, x)).exp()
      try evaluate(gram)
      return try Baselines.kernelKMeans(gram, clusters: k, seed: seed).labels
    },
    Method(name: "Ward", parameter: "", values: [0], usual: 0) { points, k, _, _ in
      try Baselines.ward(points, clusters: k).labels
    },
  ]

  private static func sets(_ options: SpectralPCAOptions, isQuick: Bool) throws -> [DataSet] {
    let n = options.points
    func made(_ name: String, _ clusters: Int, _ draw: @escaping (UInt64) throws -> PointSet) -> DataSet {
      DataSet(name: name, clusters: clusters, isMadeUp: true) { seed in
        let set = try draw(seed)
        return (set.points, set.labels)
      }
    }
    func fixed(_ name: String, _ points: Points, _ labels: [Int], _ clusters: Int) -> DataSet {
      DataSet(name: name, clusters: clusters, isMadeUp: false) { _ in (points, labels) }
    }
    var sets = [
      made("moons", 2) { try PointSet.moons(n, seed: $0) }, made("circles", 2) { try PointSet.circles(n, seed: $0) },
    ]
    if !isQuick {
      sets += [
        made("spirals", 3) { try PointSet.spirals(n, seed: $0) },
        made("swiss roll", 4) { try PointSet.swissRoll(n, seed: $0) },
        made("blobs", 3) { try PointSet.blobs(n, seed: $0) },
      ]
    }
    for info in isQuick ? [] : [ScikitLearnData.iris, ScikitLearnData.wine] {
      let table = try ScikitLearnData.load(info).standardized()
      sets.append(fixed(table.name, try Points(table), table.labels, table.classNames.count))
    }
    let digits = try ScikitLearnData.load(ScikitLearnData.digits)
    sets.append(
      fixed(
        "digits", try Points(digits).subset(Array(0..<options.digits)), Array(digits.labels.prefix(options.digits)), 10)
    )
    if options.fashionImages > 0 {
      let pictures = try FashionMNIST.load().test.first(options.fashionImages)
      let points = try Points(pictures.images.map { Double($0) / 255 }, dimension: pictures.height * pictures.width)
      sets.append(fixed("Fashion-MNIST", points, pictures.labels.map { Int($0) }, 10))
    }
    return sets
  }

  /// Points on which parameters are chosen: another draw, or at most 600 points of a fixed set.
  private static func pilot(_ set: DataSet, _ seed: UInt64) throws -> (Points, [Int]) {
    let (points, labels) = try set.draw(seed &+ 1_000_003)
    guard !set.isMadeUp else { return (points, labels) }
    let order = try Key(seed).foldIn(77).permutation(points.count).array(of: Int32.self)
    let places = order.prefix(min(600, points.count / 2)).map { Int($0) }.sorted()
    return (try points.subset(places), places.map { labels[$0] })
  }

  private static func tuned(_ method: Method, _ pilot: (Points, [Int]), _ clusters: Int, _ seed: UInt64) throws
    -> Double
  {
    guard method.values.count > 1 else { return method.values[0] }
    let scores = try method.values.map { value in
      ClusterMetrics.normalizedMutualInformation(try method.divide(pilot.0, clusters, value, seed), pilot.1)
    }
    let best = scores.indices.max { scores[$0] < scores[$1] || scores[$0] == scores[$1] && $0 > $1 } ?? 0
    return method.values[best]
  }

  private static func measured(
    _ method: Method, _ value: Double, _ set: DataSet, _ context: RunContext<SpectralPCAOptions>
  ) throws -> Result {
    var result = Result(set: set.name, method: method.name, value: value)
    for repetition in 0..<context.options.seeds {
      let seed = context.seed &+ UInt64(repetition)
      let (points, truth) = try set.draw(seed)
      let start = DispatchTime.now().uptimeNanoseconds
      let labels = try method.divide(points, set.clusters, value, seed)
      result.seconds.append(Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9)
      result.rand.append(ClusterMetrics.adjustedRandIndex(labels, truth))
      result.information.append(ClusterMetrics.normalizedMutualInformation(labels, truth))
      result.accuracy.append(ClusterMetrics.accuracy(labels, truth: truth))
      if repetition == 0 { result.silhouette = try ClusterMetrics.silhouette(points, labels) }
      try context.log(
        "ARI", series: "\(set.name): \(method.name), seed \(repetition)", step: 0, result.rand[repetition])
    }
    return result
  }

  // MARK: Claims

  private static func claims(_ results: [Result], seeds: Int) -> [Claim] {
    func of(_ set: String, _ method: String) -> Result {
      results.first { $0.set == set && $0.method == method } ?? Result(set: set, method: method, value: 0)
    }
    let curved = ["moons", "circles"]
    let worst = curved.map { Statistics.mean(of($0, "spectral").rand) }.min() ?? .nan
    let best = curved.map { Statistics.mean(of($0, "k-means").rand) }.max() ?? .nan
    let (spectral, plain) = (of("digits", "spectral").information, of("digits", "k-means").information)
    let difference = Statistics.pairedDifference(spectral, plain)
    return [
      Claim(
        "moons and circles", statement: "Spectral clustering separates what isn't round (worse of both sets, ARI).",
        measured: worst, comparison: .atLeast, threshold: 0.99, baseline: "k-means \(Format.short(best))", seeds: seeds),
      Claim(
        "k-means there", statement: "k-means doesn't (better of both sets, ARI).", measured: best, comparison: .atMost,
        threshold: 0.6, baseline: "spectral \(Format.short(worst))", seeds: seeds),
      Claim(
        "digits", statement: "On handwritten digits it's better than k-means by 0.05 (NMI).",
        measured: difference.mean, unit: "NMI", interval: difference.interval, comparison: .atLeast, threshold: 0.05,
        baseline: "\(Format.short(Statistics.mean(spectral))) against \(Format.short(Statistics.mean(plain)))",
        seeds: seeds),
    ]
  }

  // MARK: Report

  func report() throws -> [ReportBlock] {
    func spread(_ values: [Double]) -> String {
      // Without a break between the numbers.
      String(format: "%.3f\u{a0}±\u{a0}%.3f", Statistics.mean(values), Statistics.standardDeviation(values))
    }
    let rows = results.map { result -> [String] in
      let method = Self.methods.first { $0.name == result.method }
      let parameter = method.map { $0.parameter.isEmpty ? "" : "\($0.parameter) \(Format.short(result.value))" } ?? ""
      return [
        result.set, result.method, parameter, spread(result.rand), spread(result.information),
        String(format: "%.3f", Statistics.mean(result.accuracy)), String(format: "%.3f", result.silhouette),
        String(format: "%.2f", Statistics.mean(result.seconds)),
      ]
    }
    let table = ReportTable(
      columns: [
        .init("data"), .init("method"), .init("chosen on the pilot"), .init("ARI", .right), .init("NMI", .right),
        .init("accuracy", .right), .init("silhouette", .right), .init("seconds", .right),
      ], rows: rows,
      caption:
        "Mean ± deviation over \(context.options.seeds) seeds. Parameters were chosen for all methods alike by NMI on a "
        + "pilot: another draw, or up to 600 points of a real set. Seconds include compiling.")
    let bars = results.map { Chart.Bar($0.set, group: $0.method, Statistics.mean($0.rand)) }
    return [
      .heading("Beside k-means, PCA, kernel k-means and Ward"),
      .chart(
        .bars(
          bars, category: "data", value: .init("ARI", includesZero: true), title: "Agreement with the true clusters"),
        caption: "Adjusted Rand index: 1 is the true division, 0 a random one."), .table(table),
    ] + (try pictures())
  }

  private func pictures() throws -> [ReportBlock] {
    var blocks: [ReportBlock] = []
    for name in ["moons", "digits"] {
      guard let set = sets.first(where: { $0.name == name }),
        let value = results.first(where: { $0.set == name && $0.method == "spectral" })?.value
      else { continue }
      let (points, truth) = try set.draw(context.seed)
      var options = SpectralOptions(clusters: set.clusters)
      // Few neighbours cut a moon into several components, of which there is little to see.
      options.similarity.nNeighbors = name == "moons" ? max(10, Int(value)) : Int(value)
      options.laplacian = .symmetric
      options.seed = context.seed
      let graph = try SimilarityGraph(points, options.similarity)
      let found = try SpectralClustering(graph, options)
      blocks.append(.heading("\(name): embedding, eigenvalues, similarities"))
      if name == "moons" {
        blocks.append(
          SpectralFigures.scatter(
            points.values, width: 2, labels: found.clusters.labels, x: "x", y: "y", title: "The points",
            caption: "Clusters that spectral clustering found, \(options.similarity.nNeighbors) neighbours."))
      }
      let embedding = try SpectralEmbedding(graph, components: 15, .randomWalk, seed: context.seed)
      if name == "moons" {
        if let chart = SpectralFigures.embedding(embedding, found.clusters.labels, title: "Embedding of moons") {
          blocks.append(chart)
        }
      } else {
        let rows = try Points(found.embedding.coordinates(columns: set.clusters), dimension: set.clusters)
        blocks.append(
          SpectralFigures.scatter(
            try Baselines.principalScores(rows, 2).array(of: Double.self), width: 2, labels: truth,
            names: (0..<10).map { "digit \($0)" }, x: "first principal component", y: "second",
            title: "Embedding of digits",
            caption:
              "Rows of ten eigenvectors of L_sym, scaled to length 1, in the plane in which they vary most; colours are the "
              + "true digits."))
      }
      blocks.append(SpectralFigures.eigenvalues(Eigengap(embedding.eigenvalues, components: graph.components.count)))
      blocks.append(try SpectralFigures.sortedSimilarities(graph, found.clusters.labels, within: found.embedding))
    }
    return blocks
  }
}
