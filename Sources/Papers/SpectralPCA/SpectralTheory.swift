import Foundation
import Lab
import Pinion

/// Claims 1 and 2: the equivalences with PCA, and what the kernel of L knows of components.
struct SpectralTheory {
  let claims: [Claim]
  let report: [ReportBlock]

  init(_ context: RunContext<SpectralPCAOptions>) throws {
    let options = context.options
    var rows: [(name: String, Equivalence.Deviations)] = []
    for graph in 0..<options.graphs {
      let key = Key(context.seed).foldIn(100 + graph)
      let n = options.graphSize
      let weights = try Self.randomWeights(n, key)
      let points = key.foldIn(1).normal([n, 6], dtype: .float64)
      rows.append(("graph \(graph + 1)", try Equivalence.deviations(weights: weights, points: points)))
    }
    let digits = try Points(ScikitLearnData.load(ScikitLearnData.digits)).subset(Array(0..<options.digits))
    let graph = try SimilarityGraph(digits, SimilarityOptions(nNeighbors: 15))
    let whole = try Self.largestComponent(graph)
    // 20 coordinates: beyond, the spectrum of digits has gaps that are themselves rounding.
    rows.append(("digits", try Equivalence.deviations(weights: whole, points: digits.tensor, components: 20)))

    let worst = rows.map(\.1.greatest).max() ?? .nan
    let disjoint = try (1...options.components).map { k in
      try Perturbation(components: k, size: 9, strength: 0.01, seed: context.seed &+ UInt64(k))
    }
    let wrong = disjoint.reduce(0) { $0 + abs($1.multiplicity - $1.components) + $1.mistakes }
    // A single graph has no edges to others: nothing turns, and the bound is 0.
    let angle = disjoint.map { $0.sine < 1e-12 ? 0 : $0.sine / $0.bound }.max() ?? .nan
    for (name, one) in rows { try context.log("greatest deviation", series: name, step: 0, one.greatest) }
    claims = [
      Claim(
        "identities", statement: "Spectral embedding and PCA agree in all four equivalences (a) to (d), in float64.",
        measured: worst, unit: "relative", comparison: .atMost, threshold: 1e-8,
        baseline: "\(options.graphs) random graphs and \(whole.shape[0]) digits", seeds: options.graphs,
        isStructural: true),
      Claim(
        "components",
        statement: "Eigenvalue 0 occurs as often as there are components, and equal rows of its eigenvectors are they.",
        measured: Double(wrong), unit: "wrong", comparison: .atMost, threshold: 0,
        baseline: "1 to \(options.components) disjoint random graphs", seeds: options.components, isStructural: true),
      Claim(
        "Davis-Kahan", statement: "Edges between components turn the space by no more than |E| / gap.",
        measured: angle, unit: "of the bound", comparison: .atMost, threshold: 1,
        baseline: "greatest of \(options.components) graphs", seeds: options.components, isStructural: true),
    ]
    report = Self.blocks(rows, disjoint)
  }

  /// A connected random graph: a cycle and a third of all other edges.
  static func randomWeights(_ n: Int, _ key: Key) throws -> Tensor {
    let numbers = try key.uniform([n, n], dtype: .float64).array(of: Double.self)
    var weights = [Double](repeating: 0, count: n * n)
    for a in 0..<n {
      for b in 0..<a where a - b == 1 || a - b == n - 1 || numbers[a * n + b] < 0.33 {
        weights[a * n + b] = 0.2 + numbers[b * n + a]
        weights[b * n + a] = weights[a * n + b]
      }
    }
    return Tensor(weights, shape: [n, n])
  }

  /// The similarities within a graph's largest component.
  static func largestComponent(_ graph: SimilarityGraph) throws -> Tensor {
    var sizes = [Int](repeating: 0, count: graph.components.count)
    for label in graph.components.labels { sizes[label] += 1 }
    let largest = sizes.indices.max { sizes[$0] < sizes[$1] || sizes[$0] == sizes[$1] && $0 > $1 } ?? 0
    let places = Tensor(
      graph.components.labels.indices.filter { graph.components.labels[$0] == largest }.map { Int32($0) })
    let part = graph.matrix.take(places).take(places, axis: 1)
    try evaluate(part)
    return part
  }

  private static func blocks(
    _ rows: [(name: String, Equivalence.Deviations)], _ disjoint: [Perturbation]
  ) -> [ReportBlock] {
    func text(_ value: Double) -> String { String(format: "%.1e", value) }
    let random = rows.dropLast().map(\.1)
    func worst(_ part: KeyPath<Equivalence.Deviations, Double>) -> [String] {
      [text(random.map { $0[keyPath: part] }.max() ?? .nan), text(rows.last?.1[keyPath: part] ?? .nan)]
    }
    let bound = disjoint.map { Chart.Point(Double($0.components), $0.bound) }
    let sine = disjoint.map { Chart.Point(Double($0.components), $0.sine) }
    return [
      .heading("Spectral embedding is a PCA"),
      .table(
        ReportTable(
          columns: [
            .init("equivalence"), .init("the other side"), .init("random graphs", .right), .init("digits", .right),
          ],
          rows: [
            ["(a) kernel PCA of L⁺", "eigenvectors of L over √λ"] + worst(\.kernelPCA),
            ["(a) commute times by solves", "volume · distances² of scores"] + worst(\.commuteTime),
            ["(b) weighted PCA of D⁻¹WD⁻¹", "eigenvectors of L_rw, 1 - λ"] + worst(\.weightedPCA),
            ["(c) PCA of X", "embedding of XXᵀ + c"] + worst(\.ordinaryPCA),
            ["(d) PCA of X", "embedding of the signed graph XXᵀ"] + worst(\.signedGraph),
          ],
          caption: "Greatest deviation after the closest rotation, relative to the greatest coordinate; float64.")),
      .heading("Components, and nearly components"),
      .chart(
        .layers(
          [.lines([Chart.Series("Davis-Kahan bound", bound), Chart.Series("measured sine", sine)])],
          x: .init("components"), y: .init("sine of the greatest angle", includesZero: true),
          title: "What weak edges between components do"),
        caption:
          "Disjoint random graphs, then weak edges between them: how far the space of the first eigenvectors turns, "
          + "and how far it may."),
    ]
  }
}

/// Claim 3: no other embedding has a greater covariance of similarities.
struct CovarianceComparison {
  let claims: [Claim]
  let report: [ReportBlock]

  private struct Row {
    var name: String
    var coordinates: Int
    var spectral: Double
    var random: Double
    var pca: Double
  }

  init(_ context: RunContext<SpectralPCAOptions>) throws {
    let options = context.options
    let isQuick = context.scale == .quick
    let (n, seed) = (options.points, context.seed)
    var drawn = try [PointSet.moons(n, seed: seed), PointSet.circles(n, seed: seed)]
    if !isQuick {
      drawn += try [PointSet.spirals(n, seed: seed), PointSet.swissRoll(n, seed: seed), PointSet.blobs(n, seed: seed)]
    }
    var sets = drawn.map { (name: $0.name, points: $0.points, clusters: $0.clusters) }
    for info in isQuick ? [] : [ScikitLearnData.iris, ScikitLearnData.wine] {
      let table = try ScikitLearnData.load(info).standardized()
      sets.append((table.name, try Points(table), table.classNames.count))
    }
    let digits = try Points(ScikitLearnData.load(ScikitLearnData.digits)).subset(Array(0..<options.digits))
    sets.append(("digits", digits, 10))

    var rows: [Row] = []
    for (name, points, clusters) in sets {
      let k = min(max(1, clusters - 1), points.dimension)
      let graph = try SimilarityGraph(points)
      let objective = try CovarianceObjective(graph)
      let embedding = try SpectralEmbedding(graph, components: k + 1, tolerance: 1e-8, seed: context.seed)
      let own = objective.admissible(embedding.tensor.slice(axis: 1, from: 1, to: k + 1))
      let pca = objective.admissible(Baselines.principalScores(points, k))
      rows.append(
        Row(
          name: name, coordinates: k, spectral: try objective.values(own).sum().item(),
          random: try objective.bestOfRandom(options.randomEmbeddings, coordinates: k, seed: context.seed),
          pca: try objective.values(pca).sum().item()))
    }
    let margin = rows.map { ($0.spectral - max($0.random, $0.pca)) / $0.spectral }.min() ?? .nan
    claims = [
      Claim(
        "covariance", statement: "On every data set eigenvectors of L_rw have the greatest covariance of similarities.",
        measured: 100 * margin, unit: "% margin", comparison: .atLeast, threshold: 0,
        baseline: "best of PCA and \(options.randomEmbeddings) random embeddings, \(rows.count) sets",
        seeds: rows.count, isStructural: true)
    ]
    report =
      [.heading("The covariance that eigenvectors maximise"), .table(Self.table(rows))]
      + [try Self.byDimension(digits, context)]
  }

  private static func table(_ rows: [Row]) -> ReportTable {
    func text(_ value: Double) -> String { String(format: "%.4f", value) }
    return ReportTable(
      columns: [
        .init("data"), .init("coordinates", .right), .init("eigenvectors", .right), .init("PCA", .right),
        .init("best random", .right),
      ],
      rows: rows.map { row in
        [row.name, "\(row.coordinates)", text(row.spectral), text(row.pca), text(row.random)]
      },
      caption:
        "vol² times the degree-weighted covariance of W_ij/(d_i d_j) and y_i y_j, summed over coordinates; each may "
        + "reach 1.")
  }

  /// Covariance of the first coordinates together, for digits.
  private static func byDimension(_ points: Points, _ context: RunContext<SpectralPCAOptions>) throws -> ReportBlock {
    let most = 15
    let graph = try SimilarityGraph(points)
    let objective = try CovarianceObjective(graph)
    let embedding = try SpectralEmbedding(graph, components: most + 1, seed: context.seed)
    func curve(_ columns: Tensor) throws -> [Chart.Point] {
      let values = try objective.values(objective.admissible(columns)).array(of: Double.self)
      var sum = 0.0
      return values.enumerated().map { place, value in
        sum += value
        return Chart.Point(Double(place + 1), sum)
      }
    }
    let random = Key(context.seed).normal([points.count, most], dtype: .float64)
    return .chart(
      .layers(
        [
          .lines([
            Chart.Series("eigenvectors", try curve(embedding.tensor.slice(axis: 1, from: 1, to: most + 1))),
            Chart.Series("PCA", try curve(Baselines.principalScores(points, most))),
            Chart.Series("random", try curve(random)),
          ])
        ], x: .init("coordinates"), y: .init("covariance · vol²", includesZero: true),
        title: "Covariance against dimension, digits"),
      caption: "Each further eigenvector adds the most that a coordinate orthogonal to those before can add.")
  }
}
