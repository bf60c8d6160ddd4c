import Foundation
import Lab
import Pinion

/// A place of the grid.
struct GridPlace: Codable, Hashable, Sendable {
  var kind: LabelKind
  var depth: Int
  var count: Int
  var seed: Int

  var name: String { "\(kind.rawValue)-depth\(depth)-n\(count)-seed\(seed)" }
}

/// What was found there.
struct GridCell: Codable, Sendable {
  var place: GridPlace
  /// Minimax tilting: the content C₀.
  var tilting: ContentEstimate
  /// The paper's estimator; nil until it has run for all places of the size.
  var paper: ContentEstimate?
  /// What no content is below, by the saddle of the tilting.
  var lowerBound: Double
  /// C₁ and its tightest scale.
  var closedForm: ClosedFormBound
  /// Expectation propagation, nil where it didn't converge, and Laplace.
  var propagation: Double?
  var laplace: Double
  var jitter: Double
  /// A finite network trained on the subset; nil where none was.
  var network: FiniteNetworkTraining.Result?

  func bound(delta: Double) -> Double { PACBayes.bound(content: tilting.content, count: place.count, delta: delta) }

  func closedFormBound(delta: Double) -> Double {
    PACBayes.bound(content: closedForm.content, count: place.count, delta: delta)
  }

  /// Bits an example.
  var bitsPerExample: Double { tilting.content / log(2) / Double(place.count) }
}

/// Content, bounds and finite networks over label kinds, depths, sizes and subsets.
struct ContentGrid: Sendable {
  let data: InformationData
  let options: InformationOptions
  let key: Key
  /// Test sets by kind and subset, float32; none where no networks are trained.
  private let tests: [LabelKind: [SignedData]]

  init(data: InformationData, options: InformationOptions, key: Key) throws {
    (self.data, self.options, self.key) = (data, options, key)
    var tests: [LabelKind: [SignedData]] = [:]
    for kind in options.labels where options.width > 0 {
      let first = try data.testSet(kind, limit: options.testPictures, seed: 0, key: key)
      let inputs = first.inputs.cast(.float32)
      try evaluate(inputs)
      // Subsets differ in nothing but random labels.
      tests[kind] = try (0..<options.subsets).map { seed in
        let labels = kind == .random ? try data.testLabels(seed: seed, count: first.count, key: key) : first.signs
        return SignedData(inputs: inputs, signs: labels, classes: first.classes)
      }
    }
    self.tests = tests
  }

  /// Places, the costly first, so that none is left alone at the end.
  var places: [GridPlace] {
    options.sizes.sorted(by: >).flatMap { count in
      options.depths.sorted(by: >).flatMap { depth in
        options.labels.flatMap { kind in
          (0..<options.subsets).map { GridPlace(kind: kind, depth: depth, count: count, seed: $0) }
        }
      }
    }
  }

  /// The training subset of a place.
  func subset(_ place: GridPlace) throws -> SignedData {
    let largest = max(place.count, options.sizes.max() ?? 0)
    return try data.subset(place.kind, count: largest, seed: place.seed, key: key).first(place.count)
  }

  /// Its labels under its network.
  func orthant(_ place: GridPlace) throws -> GaussianOrthant {
    let subset = try subset(place)
    let kernel = CompositionalKernel(depth: place.depth)
    return try GaussianOrthant(covariance: kernel.covariance(subset.inputs), signs: subset.signs)
  }

  /// Measures one place, all but the paper's estimator.
  ///
  /// - Throws: `UsageError`, `TensorError`, `PJRTError`.
  func cell(_ place: GridPlace) throws -> GridCell {
    let orthant = try orthant(place)
    let own = key.foldIn(1).foldIn(place.seed).foldIn(place.count).foldIn(place.depth)
    let saddle = try TiltingSaddle(orthant)
    let approximation = try ExpectationPropagation().content(orthant)
    return GridCell(
      place: place,
      tilting: try MinimaxTilting(samples: options.tiltingSamples).estimate(saddle, key: own.foldIn(0)),
      lowerBound: -saddle.logUpperBound, closedForm: try ClosedFormBound(orthant),
      propagation: approximation.isConverged ? approximation.content : nil,
      laplace: try LaplaceApproximation().content(orthant), jitter: orthant.jitter)
  }

  /// Trains a finite network on the subset of a place.
  ///
  /// - Throws: `TensorError`, `PJRTError`.
  func network(_ place: GridPlace) throws -> FiniteNetworkTraining.Result {
    let subset = try subset(place)
    guard let test = tests[place.kind]?[place.seed] else { throw UsageError("no test set of \(place.name)") }
    let training = FiniteNetworkTraining(depth: place.depth, width: options.width)
    return try training.run(
      subset.inputs.cast(.float32), subset.signs, test: test.inputs, testLabels: test.signs,
      key: key.foldIn(2).foldIn(place.seed).foldIn(place.count))
  }

  /// The paper's estimator at all places of a size, with the same draws.
  ///
  /// - Throws: `UsageError`, `TensorError`, `PJRTError`.
  func paperEstimates(_ places: [GridPlace], count: Int) throws -> [ContentEstimate] {
    try FoldedNormalSampling(samples: options.paperSamples)
      .estimate(places.map { try orthant($0) }, key: key.foldIn(10).foldIn(count))
  }
}
