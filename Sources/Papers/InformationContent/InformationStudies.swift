import Foundation
import Lab
import Pinion

/// Orthants whose probability is known, as a check of the run itself.
struct ExactOrthants: Codable, Sendable {
  struct Row: Codable, Sendable {
    var name: String
    var exact: Double
    var tilting: ContentEstimate
    var propagation: Double
  }

  var rows: [Row]

  /// Largest |tilting - exact|, in standard errors of at least 1e-9 nats.
  var worst: Double {
    rows.map { abs($0.tilting.content - $0.exact) / max($0.tilting.standardError, 1e-9) }.max() ?? .nan
  }

  static func measure(samples: Int, key: Key) throws -> ExactOrthants {
    func matrix(_ n: Int, _ entry: (Int, Int) -> Double) -> Tensor {
      Tensor((0..<n * n).map { $0 / n == $0 % n ? 1 : entry($0 / n, $0 % n) }, shape: [n, n])
    }
    let triple = [[1, 0.3, -0.5], [0.3, 1, 0.4], [-0.5, 0.4, 1]]
    let angles = asin(0.3) + asin(-0.5) + asin(0.4)
    let cases: [(String, Tensor, Double)] = [
      ("identity, n = 50", matrix(50) { _, _ in 0 }, 50 * log(2)),
      ("correlation -0.8, n = 2", matrix(2) { _, _ in -0.8 }, -log(0.25 + asin(-0.8) / (2 * Double.pi))),
      ("three correlations, n = 3", matrix(3) { triple[$0][$1] }, -log(0.125 + angles / (4 * Double.pi))),
      ("correlation 1/2, n = 10", matrix(10) { _, _ in 0.5 }, log(11)),
      ("correlation 1/2, n = 100", matrix(100) { _, _ in 0.5 }, log(101)),
    ]
    let rows = try cases.enumerated().map { at, entry in
      let (name, covariance, exact) = entry
      let signs = [Double](repeating: 1, count: covariance.shape[0])
      let orthant = try GaussianOrthant(covariance: covariance, signs: signs)
      return Row(
        name: name, exact: exact,
        tilting: try MinimaxTilting(samples: samples).estimate(orthant, key: key.foldIn(at)),
        propagation: try ExpectationPropagation().content(orthant).content)
    }
    return ExactOrthants(rows: rows)
  }
}

/// Tilting against nested thresholds, which share no idea.
struct ThresholdComparison: Codable, Sendable {
  struct Row: Codable, Sendable {
    var place: GridPlace
    var tilting: ContentEstimate
    var thresholds: ContentEstimate

    /// Difference in standard errors of both.
    var deviation: Double {
      abs(tilting.content - thresholds.content) / hypot(tilting.standardError, thresholds.standardError)
    }
  }

  var rows: [Row]

  static func row(_ place: GridPlace, _ grid: ContentGrid) throws -> Row {
    let orthant = try grid.orthant(place)
    let key = grid.key.foldIn(3).foldIn(place.count).foldIn(place.depth)
    return Row(
      place: place,
      tilting: try MinimaxTilting(samples: grid.options.tiltingSamples).estimate(orthant, key: key.foldIn(0)),
      thresholds: try NestedThresholds(
        particles: grid.options.thresholdParticles, moves: grid.options.thresholdMoves,
        sweeps: grid.options.thresholdSweeps
      ).estimate(orthant, key: key.foldIn(1)))
  }
}

/// One subset under many architectures.
struct ArchitectureComparison: Codable, Sendable {
  struct Row: Codable, Sendable {
    var title: String
    /// By label kind.
    var contents: [ContentEstimate]
    var jitter: Double
  }

  var labels: [LabelKind]
  var count: Int
  var rows: [Row]

  /// - Parameter count: pictures of the subset.
  static func measure(_ grid: ContentGrid, count: Int, depths: [Int]) throws -> ArchitectureComparison {
    let labels = grid.options.labels
    let subsets = try labels.map { try grid.data.subset($0, count: count, seed: 0, key: grid.key) }
    var rows: [Row] = []
    func add(_ title: String, _ covariance: (SignedData) throws -> Tensor) throws {
      let results = try subsets.enumerated().map { at, subset -> (ContentEstimate, Double) in
        let orthant = try GaussianOrthant(covariance: covariance(subset), signs: subset.signs)
        let key = grid.key.foldIn(4).foldIn(rows.count).foldIn(at)
        return (try MinimaxTilting(samples: grid.options.tiltingSamples).estimate(orthant, key: key), orthant.jitter)
      }
      rows.append(Row(title: title, contents: results.map { $0.0 }, jitter: results.map { $0.1 }.max() ?? 0))
    }
    var kernels = depths.map { CompositionalKernel(depth: $0) }
    kernels.append(CompositionalKernel(depth: 2, biasVariance: 0.1))
    kernels.append(CompositionalKernel(depth: 7, biasVariance: 0.1))
    kernels.append(CompositionalKernel(.erf, depth: 2))
    kernels.append(CompositionalKernel(.erf, depth: 7))
    kernels.append(CompositionalKernel(kind: .tangent, depth: 2))
    kernels.append(CompositionalKernel(kind: .tangent, depth: 7))
    for kernel in kernels { try add(kernel.title) { try kernel.covariance($0.inputs) } }
    let (height, width) = (grid.data.train.height, grid.data.train.width)
    for depth in [2, 4] {
      let kernel = ConvolutionalKernel(depth: depth)
      try add(kernel.title) { try kernel.covariance($0.inputs.reshape([$0.count, height, width, 1])) }
    }
    return ArchitectureComparison(labels: labels, count: count, rows: rows)
  }
}

/// Time and memory at a size beyond the grid's.
struct LargeOrthant: Codable, Sendable {
  var count: Int
  var seconds: Double
  /// Of the process at its peak.
  var gigabytes: Double
  var tilting: ContentEstimate

  static func measure(_ grid: ContentGrid, count: Int) throws -> LargeOrthant {
    let start = ContinuousClock.now
    let subset = try grid.data.subset(.parity, count: count, seed: 0, key: grid.key)
    let kernel = try CompositionalKernel(depth: 7).covariance(subset.inputs)
    let orthant = try GaussianOrthant(covariance: kernel, signs: subset.signs)
    let estimate = try MinimaxTilting(samples: grid.options.tiltingSamples).estimate(orthant, key: grid.key.foldIn(5))
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    return LargeOrthant(
      count: count, seconds: seconds, gigabytes: Double(Trace.peakMemory) / 1e9, tilting: estimate)
  }
}
