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
  /// The paper's estimator; nothing until it has run for all places of the size.
  var paper: ContentEstimate
  /// What no content is below, by the saddle of the tilting.
  var lowerBound: Double
  /// C₁ and its tightest scale.
  var closedForm: ClosedFormBound
  /// Expectation propagation and Laplace.
  var propagation: Double
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
    return GridCell(
      place: place,
      tilting: try MinimaxTilting(samples: options.tiltingSamples).estimate(saddle, key: own.foldIn(0)),
      paper: ContentEstimate(logWeights: []), lowerBound: -saddle.logUpperBound,
      closedForm: try ClosedFormBound(orthant),
      propagation: try ExpectationPropagation().content(orthant).content,
      laplace: try LaplaceApproximation().content(orthant), jitter: orthant.jitter)
  }

  /// Trains a finite network on the subset of a place.
  ///
  /// - Throws: `TensorError`, `PJRTError`.
  func network(_ place: GridPlace) throws -> FiniteNetworkTraining.Result {
    let subset = try subset(place)
    let test = try data.testSet(place.kind, seed: place.seed, key: key).first(options.testPictures)
    let training = FiniteNetworkTraining(depth: place.depth, width: options.width)
    return try training.run(
      subset.inputs.cast(.float32), subset.signs, test: test.inputs.cast(.float32), testLabels: test.signs,
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
