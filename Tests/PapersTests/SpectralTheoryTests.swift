import Foundation
import Pinion
import Testing

@testable import Lab
@testable import Papers

@Suite struct SpectralTheoryTests {
  private func graph(_ n: Int, _ edges: [(Int, Int)]) throws -> SimilarityGraph {
    try SimilarityGraph(SparseMatrix(count: n, edges: edges.map { ($0.0, $0.1, 1) }))
  }

  private func spectrum(_ graph: SimilarityGraph) throws -> [Double] {
    try SpectralEmbedding(graph, components: graph.count, .unnormalized, solver: .dense).eigenvalues
  }

  private func expectClose(_ a: [Double], _ b: [Double], _ tolerance: Double = 1e-10, _ name: String = "") {
    #expect(a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) < tolerance }, "\(name): \(a) \(b)")
  }

  /// Spectra of L that are known in closed form; each sums to the trace.
  @Test func closedSpectra() throws {
    let n = 12
    let path = try graph(n, (1..<n).map { ($0 - 1, $0) })
    let cycle = try graph(n, (0..<n).map { ($0, ($0 + 1) % n) })
    let complete = try graph(n, (0..<n).flatMap { i in (0..<i).map { ($0, i) } })
    let star = try graph(n, (1..<n).map { (0, $0) })
    let cube = try graph(16, (0..<16).flatMap { i in (0..<4).map { (i, i ^ (1 << $0)) }.filter { $0.0 < $0.1 } })
    expectClose(try spectrum(path), (0..<n).map { 2 - 2 * cos(.pi * Double($0) / Double(n)) }, 1e-10, "path")
    expectClose(
      try spectrum(cycle), (0..<n).map { 2 - 2 * cos(2 * .pi * Double($0) / Double(n)) }.sorted(), 1e-10, "cycle")
    expectClose(try spectrum(complete), [0] + [Double](repeating: 12, count: 11), 1e-10, "complete")
    expectClose(try spectrum(star), [0] + [Double](repeating: 1, count: 10) + [12], 1e-10, "star")
    let levels = [1, 4, 6, 4, 1].enumerated().flatMap { [Double](repeating: 2 * Double($0), count: $1) }
    expectClose(try spectrum(cube), levels, 1e-10, "cube")
    for one in [path, cycle, complete, star, cube] {
      #expect(abs(try spectrum(one).reduce(0, +) - one.degrees.reduce(0, +)) < 1e-9)
    }
    // L_sym of a complete graph: n / (n - 1).
    let symmetric = try SpectralEmbedding(complete, components: n, .symmetric, solver: .dense).eigenvalues
    expectClose(symmetric, [0] + [Double](repeating: 12.0 / 11, count: 11))
  }

  /// On a path of n vertices it takes 2 (n - 1) |i - j| steps from i to j and back.
  @Test func commuteTimesOfAPath() throws {
    let n = 10
    let path = try graph(n, (1..<n).map { ($0 - 1, $0) })
    let scores = Equivalence.kernelPCAScores(
      pseudoInverse(Equivalence.laplacian(path.matrix)), components: n - 1)
    let times = try (18 * SimilarityGraph.squaredDistances(scores, scores)).array(of: Double.self)
    for i in 0..<n { for j in 0..<n { #expect(abs(times[i * n + j] - 18 * abs(Double(i - j))) < 1e-8) } }
    #expect(try Equivalence.commuteTime(path.matrix) < 1e-11)
  }

  @Test func theFourEquivalences() throws {
    for seed in 0..<2 as Range<UInt64> {
      let weights = try SpectralTheory.randomWeights(24, Key(seed))
      let points = Key(seed).foldIn(1).normal([24, 4], dtype: .float64)
      let found = try Equivalence.deviations(weights: weights, points: points)
      #expect(found.greatest < 1e-10, "\(found)")
    }
    // Another matrix than the Laplacian's doesn't pass: the comparison can fail.
    let weights = try SpectralTheory.randomWeights(24, Key(5))
    let (_, y) = eigh(Equivalence.laplacian(weights.square()))
    let (_, z) = eigh(Equivalence.laplacian(weights))
    let (a, b) = (y.slice(axis: 1, from: 1, to: 4), z.slice(axis: 1, from: 1, to: 4))
    #expect(try (Equivalence.procrustes(a, onto: b) - b).abs().max().item() > 1e-3)
  }

  /// Eigenvectors by multiplications alone, equal eigenvalues among them.
  @Test(arguments: [EigenSolver.lanczos, .lobpcg]) func iterativeSolversFindTheDenseSpaces(solver: EigenSolver) throws {
    // All eigenvalues of a cycle but the first come in pairs.
    let n = 96
    let cycle = try graph(n, (0..<n).map { ($0, ($0 + 1) % n) })
    for kind in LaplacianKind.allCases {
      let found = try SpectralEmbedding(cycle, components: 5, kind, solver: solver, tolerance: 1e-9)
      let expected = [0, 1, 1, 2, 2].map { (kind == .unnormalized ? 2 : 1) * (1 - cos(2 * .pi * $0 / Double(n))) }
      expectClose(found.eigenvalues, expected, 1e-9, "\(kind)")
      let dense = try SpectralEmbedding(cycle, components: 5, kind, solver: .dense)
      #expect(try angle(found, dense) < 1e-6, "\(kind)")
      #expect(found.isConverged)
    }
  }

  /// Sine of the greatest angle between the spaces of two embeddings.
  private func angle(_ a: SpectralEmbedding, _ b: SpectralEmbedding) throws -> Double {
    let (p, q) = (qr(a.tensor).q, qr(b.tensor).q)
    return try svdvals(q - p.matmul(p.matrixTranspose().matmul(q))).max().item()
  }

  @Test func theKernelIsSpannedByIndicators() throws {
    for k in [1, 3, 7] {
      let found = try Perturbation(components: k, size: 6, strength: 0.01, seed: UInt64(k))
      #expect(found.multiplicity == k && found.mistakes == 0)
      #expect(found.sine <= found.bound * (1 + 1e-9) + 1e-12)
      #expect(k == 1 || found.sine > found.bound / 100, "the bound says something")
    }
    // Isolated vertices are components of their own in every Laplacian.
    let lonely = try graph(6, [(0, 1), (1, 2), (4, 5)])
    for kind in LaplacianKind.allCases {
      let embedding = try SpectralEmbedding(lonely, components: 4, kind)
      #expect(embedding.eigenvalues.prefix(3).allSatisfy { $0 == 0 } && embedding.eigenvalues[3] > 0.1)
      let clusters = try AssignLabels.clusterQR(embedding, clusters: 3).labels
      #expect(clusters == [0, 0, 0, 2, 1, 1], "\(kind)")
    }
  }

  @Test func eigenvectorsHaveTheGreatestCovariance() throws {
    let set = try PointSet.moons(60, noise: 0.1, seed: 2)
    let graph = try SimilarityGraph(set.points)
    let objective = try CovarianceObjective(graph)
    let embedding = try SpectralEmbedding(graph, components: 4)
    let own = embedding.tensor.slice(axis: 1, from: 1, to: 4)
    let values = try objective.values(objective.admissible(own)).array(of: Double.self)
    // Its value is 1 - λ, and the definition over all pairs says the same.
    expectClose(values, embedding.eigenvalues.dropFirst().map { 1 - $0 }, 1e-9)
    let volume = graph.degrees.reduce(0, +)
    let column = objective.admissible(own)[.all, 1]
    #expect(abs(try objective.covarianceOverPairs(column).item() * volume * volume - values[1]) < 1e-9)
    #expect(try objective.bestOfRandom(200, coordinates: 3, seed: 1) < values.reduce(0, +))
    // Each further eigenvector is the best among what is orthogonal to those before.
    let degrees = Tensor(graph.degrees).expandDims(1)
    let first = own.slice(axis: 1, from: 0, to: 1)
    let random = Key(3).normal([60, 50], dtype: .float64)
    let apart = random - first.matmul(first.matrixTranspose().matmul(degrees * random))
    let others = objective.values(objective.admissible(apart.transpose().expandDims(2)))  // [50, 60, 1]
    #expect(try others.max().item() <= values[1] + 1e-9)
    // A vertex without edges has no part in it.
    let lonely = try CovarianceObjective(self.graph(5, [(0, 1), (1, 2), (0, 2)]))
    #expect(try lonely.values(lonely.admissible(Key(0).normal([5, 1], dtype: .float64))).item().isFinite)
  }

  @Test func blockModelGroupsAndTheirThreshold() throws {
    let model = StochasticBlockModel(degree: 20, signal: 3)
    #expect(abs(model.rates.within - model.rates.between - 6 * 20.0.squareRoot()) < 1e-12)
    let adjacency = try model.adjacency(200, seed: 1)
    #expect(abs(try adjacency.sum().item() / 200 - 20) < 2)
    let truth = (0..<200).map { $0 < 100 ? 0 : 1 }
    let found = try StochasticBlockModel.groups(adjacency, seed: 1)
    #expect(ClusterMetrics.accuracy(found, truth: truth) > 0.95)
    let curve = [(0.5, 0.5), (1, 0.55), (1.5, 0.75), (2, 0.9)].map { (signal: $0.0, accuracy: $0.1) }
    #expect(abs((StochasticBlockModel.crossing(curve, level: 0.6) ?? 0) - 1.125) < 1e-12)
    #expect(StochasticBlockModel.crossing(curve, level: 0.95) == nil)
    #expect(abs(BlockModelCurve.limit(1) - 0.5) < 1e-12 && BlockModelCurve.limit(10) > 0.99)
    #expect(throws: UsageError.self) { try model.adjacency(10, seed: 0) }
  }

  @Test func numbersOfClusters() {
    // A curve alone; two curves with a bridge; three clusters; two components; a graph without geometry.
    #expect(Eigengap([0, 1, 2.2, 3.6, 5.5], components: 1).clusters == 1)
    #expect(Eigengap([0, 1e-4, 3.2e-4, 3.4e-4, 1e-3, 1.3e-3], components: 1).clusters == 2)
    #expect(Eigengap([0, 0.01, 0.012, 0.4, 0.5, 0.6], components: 1).clusters == 3)
    #expect(Eigengap([0, 0, 1e-5, 4e-5, 9e-5], components: 2).clusters == 2)
    #expect(Eigengap([0, 0.5, 0.8, 0.81, 0.82, 0.83], components: 1).clusters == 2)
    #expect(Eigengap([0], components: 1).clusters == 1)
    #expect(Eigengap([0, 0, 0], components: 3).clusters == 2, "no more than the gaps tell")
    let line = [(1.0, 2.0), (10, 20), (100, 200)].map { (size: $0.0, seconds: $0.1) }
    #expect(abs(SpectralScaling.slope(line) - 1) < 1e-12)
  }

  /// The derivative through the eigenvectors, against differences.
  @Test func kernelScalesHaveADerivative() throws {
    let set = try PointSet.moons(16, seed: 1)
    let x = set.points.tensor
    let weights = Key(2).normal([16, 16], dtype: .float64)
    func value(_ logarithms: Tensor) -> Tensor { (KernelScales.projection(x, logarithms, 2) * weights).sum() }
    let start = Tensor([0.3, -0.2])
    let slope = try grad(value)(start).array(of: Double.self)
    for j in 0..<2 {
      let step = Tensor((0..<2).map { $0 == j ? 1e-5 : 0 })
      let difference = try ((value(start + step) - value(start - step)) / 2e-5).item()
      #expect(abs(slope[j] - difference) < 1e-5 * max(1, abs(difference)))
    }
    let known = set.labels.enumerated().map { $0.offset % 2 == 0 ? Optional($0.element) : nil }
    let learned = try KernelScales(set.points, known: known, clusters: 2, steps: 8)
    #expect((learned.losses.last ?? 1) < (learned.losses.first ?? 0))
    #expect(throws: UsageError.self) {
      try KernelScales(set.points, known: [Int?](repeating: nil, count: 16), clusters: 2)
    }
  }
}
