import NN
import Pinion

/// What can be said of the method without training: gradients of the three forms, and the operations of a step.
struct MethodChecks: Codable, Sendable {
  /// Largest difference of the one-stage gradients from the two separate ones, over the largest number of that player's
  /// gradient, by loss and form; in float64.
  var differences: [String: [String: Double]]
  /// Convolutions in the one-stage step of D alone: forward ones, and those of the backward pass.
  var convolutions: Int
  /// As many as one forward and one backward pass have.
  var expectedConvolutions: Int
  /// Relative error of the generator's gradient by γ where D has batch normalisation.
  var batchNormError: Double

  /// Largest difference of all.
  var largestDifference: Double { differences.values.flatMap(\.values).max() ?? .nan }

  /// Measures all of it on small networks.
  ///
  /// - Throws: `TensorError`, `PJRTError`.
  static func measure() throws -> MethodChecks {
    var differences: [String: [String: Double]] = [:]
    for loss in AdversarialLoss.allCases {
      differences[loss.rawValue] = try Self.differences(loss, .spectral).mapValues(\.largest)
    }
    let (found, expected) = try convolutions()
    return MethodChecks(
      differences: differences, convolutions: found, expectedConvolutions: expected,
      batchNormError: try Self.differences(.nonSaturating, .batch)[OneStageForm.gamma.rawValue]?.ofGenerator ?? .nan)
  }

  /// Small players in float64, the discriminator's scores stretched so that losses are in all their regimes.
  static func players(
    _ normalization: DiscriminatorNormalization, scale: Double
  ) throws -> (DCGANGenerator, ScaledDiscriminator) {
    let generator = try map(DCGANGenerator(channels: 1, width: 2, noiseSize: 3, key: Key(1))) {
      $0.tensor.cast(.float64)
    }
    let discriminator = try map(
      DCGANDiscriminator(channels: 1, width: 2, normalization: normalization, key: Key(2))
    ) { $0.tensor.cast(.float64) }
    return (generator, ScaledDiscriminator(network: discriminator, scale: scale))
  }

  /// How far one-stage gradients are from separate ones.
  struct Difference {
    /// Largest difference of a number, over the largest number of its player's gradient.
    var largest: Double
    /// Length of the difference of the generator's gradients, over that of the gradient.
    var ofGenerator: Double
  }

  /// Differences of all forms of a loss.
  ///
  /// - Parameter scale: of the scores; so small by default of the hinge that none of it is inactive, where only the
  ///   pullback is exact.
  static func differences(
    _ loss: AdversarialLoss, _ normalization: DiscriminatorNormalization, scale: Double? = nil
  ) throws -> [String: Difference] {
    let (generator, discriminator) = try players(normalization, scale: scale ?? (loss == .hinge ? 0.1 : 3))
    let real = Key(3).uniform([4, 32, 32, 1], dtype: .float64, from: -1, to: 1)
    let noise = Key(4).normal([4, 3], dtype: .float64)
    let compared = jit {
      (generator: DCGANGenerator, discriminator: ScaledDiscriminator, real: Tensor, noise: Tensor) -> [Tensor] in
      var two = generator
      let (made, back) = try pictures(of: &two, noise)
      let separate = try discriminatorGradients(discriminator, real: real, fakes: made, loss: loss).slopes
      let cotangent = try generatorCotangent(discriminator, fakes: made, loss: loss, all: false).cotangent
      let ofGenerator = try tensorLeaves(of: back(cotangent))
      return try OneStageForm.allCases.flatMap { form -> [Tensor] in
        var one = generator
        let slopes = try oneStageGradients(
          &one, discriminator, real: real, noise: noise, loss: loss, form: form)
        let mine = try tensorLeaves(of: slopes.generator)
        let players = [
          (mine, ofGenerator), (try tensorLeaves(of: slopes.discriminator), try tensorLeaves(of: separate)),
        ]
        let gaps = players.map { mine, theirs in
          stack(zip(mine, theirs).map { ($0 - $1).abs().max() }).max() / stack(theirs.map { $0.abs().max() }).max()
        }
        let distance = zip(mine, ofGenerator).map { ($0 - $1).square().sum() }
        let size = ofGenerator.map { $0.square().sum() }
        return [maximum(gaps[0], gaps[1]), (stack(distance).sum() / stack(size).sum()).sqrt()]
      }
    }
    let results = try compared(generator, discriminator, real, noise).map { try $0.item() }
    return Dictionary(
      uniqueKeysWithValues: OneStageForm.allCases.enumerated().map { i, form in
        (form.rawValue, Difference(largest: results[2 * i], ofGenerator: results[2 * i + 1]))
      })
  }

  /// Convolutions in the StableHLO text of one-stage gradients, less those of the generator; and how many one forward and
  /// one backward pass of the discriminator have: three times one a layer.
  static func convolutions(form: OneStageForm = .gamma) throws -> (found: Int, expected: Int) {
    let generator = DCGANGenerator(channels: 1, width: 2, noiseSize: 3, key: Key(1))
    let discriminator = DCGANDiscriminator(channels: 1, width: 2, key: Key(2))
    let leaves = try tensorLeaves(of: generator) + tensorLeaves(of: discriminator)
    try evaluate(leaves)
    let generatorLeaves = try tensorLeaves(of: generator).count
    let (real, noise) = (Tensor.zeros([4, 32, 32, 1]), Tensor.zeros([4, 3]))
    func count(_ text: String) -> Int { text.components(of: "stablehlo.convolution") }
    let whole = try stableHLO(of: (leaves + [real, noise]).map(\.type)) { tensors in
      var made = try replacing(leaves: Array(tensors[..<generatorLeaves]), in: generator)
      let judge = try replacing(leaves: Array(tensors[generatorLeaves..<leaves.count]), in: discriminator)
      let slopes = try oneStageGradients(
        &made, judge, real: tensors[leaves.count], noise: tensors[leaves.count + 1], loss: .nonSaturating, form: form)
      return try tensorLeaves(of: slopes)
    }
    let alone = try stableHLO(of: (leaves[..<generatorLeaves] + [noise, real]).map(\.type)) { tensors in
      var made = try replacing(leaves: Array(tensors[..<generatorLeaves]), in: generator)
      let (_, back) = try pictures(of: &made, tensors[generatorLeaves])
      return try tensorLeaves(of: back(tensors[generatorLeaves + 1]))
    }
    return (count(whole) - count(alone), 3 * discriminator.layerCount)
  }
}

/// A discriminator with its scores stretched.
struct ScaledDiscriminator: DiscriminatorNetwork {
  var network: DCGANDiscriminator
  let scale: Double

  var mixesSamples: Bool { network.mixesSamples }

  func callAsFunction(_ images: Tensor) -> Tensor { scale * network(images) }

  mutating func iterateSpectralNorms() { network.iterateSpectralNorms() }
}

extension String {
  /// How often a text occurs.
  fileprivate func components(of text: String) -> Int { ranges(of: text).count }
}
