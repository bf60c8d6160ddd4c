import Pinion

/// A network from noise to pictures.
public protocol GeneratorNetwork: Module {
  /// Numbers of noise that make one picture.
  var noiseSize: Int { get }

  /// Pictures [N, side, side, channels] in -1...1 of noise [N, noiseSize], by the statistics of the batch where the
  /// network has batch normalisation; its running statistics move.
  mutating func train(_ noise: Tensor) -> Tensor

  /// Pictures by the running statistics.
  func callAsFunction(_ noise: Tensor) -> Tensor
}

/// A network from pictures to scores.
public protocol DiscriminatorNetwork: Module {
  /// Whether a picture's score depends on the others of the batch, as with batch normalisation.
  var mixesSamples: Bool { get }

  /// Scores [N], high for real pictures, of pictures [N, side, side, channels].
  func callAsFunction(_ images: Tensor) -> Tensor

  /// One step of power iteration for each spectrally normalised layer; to be called once a training step.
  mutating func iterateSpectralNorms()
}

/// How layers of a discriminator are normalised.
public enum DiscriminatorNormalization: String, Codable, CaseIterable, Sendable {
  case none
  /// By the statistics of the batch, as in the original DCGAN: samples mix.
  case batch
  /// Over all numbers of a sample.
  case layer
  /// Kernels by their largest singular value.
  case spectral
}

/// A layer with or without spectral normalisation.
struct MaybeSpectral<L: WeightedLayer>: Module {
  var plain: L?
  var normalized: SpectralNorm<L>?

  init(_ layer: L, isNormalized: Bool, key: Key) {
    if isNormalized { normalized = SpectralNorm(layer, key: key) } else { plain = layer }
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    if let normalized { return normalized(x) }
    return plain.map { $0(x) } ?? x
  }

  mutating func iterate() { normalized?.iterate() }
}

/// Loss terms and limits on the slope of a discriminator.
public enum DiscriminatorPenalty {
  /// Mean squared slope at pictures: E‖∂D/∂x‖². Mescheder et al., 2018, R1 takes it at real ones, times γ/2.
  ///
  /// - Parameters:
  ///   - images: [N, …].
  ///   - scores: from images [N, …] to scores [N].
  public static func squaredSlope(at images: Tensor, _ scores: @escaping (Tensor) throws -> Tensor) throws -> Tensor {
    try slopes(at: images, scores).square().sum() / Double(max(images.shape.first ?? 1, 1))
  }

  /// Mean squared distance of the slope from 1, at random places between real and made pictures.
  ///
  /// Gulrajani et al., "Improved training of Wasserstein GANs", 2017, where it is taken 10 times.
  ///
  /// - Parameters:
  ///   - real: pictures [N, …], and `fake` as many.
  ///   - key: randomness of the places.
  ///   - scores: from images [N, …] to scores [N].
  public static func gradientPenalty(
    real: Tensor, fake: Tensor, key: Key, _ scores: @escaping (Tensor) throws -> Tensor
  ) throws -> Tensor {
    if let failure = real.failure ?? fake.failure { throw failure }
    guard real.type == fake.type, real.rank > 1 else {
      throw TensorError.shape("gradientPenalty", "takes pictures [N, …] of one type, got \(real.type) and \(fake.type)")
    }
    let share = key.uniform([real.shape[0]] + real.shape.dropFirst().map { _ in 1 }, dtype: real.dtype)
    let places = share * real + (1 - share) * stopGradient(fake)
    let squares = try slopes(at: places, scores).square().flatten(from: 1).sum(1)
    return ((squares + 1e-12).sqrt() - 1).square().mean()
  }

  /// ∂score/∂picture of each picture, where scores don't depend on other pictures.
  private static func slopes(at images: Tensor, _ scores: @escaping (Tensor) throws -> Tensor) throws -> Tensor {
    try grad { try scores($0).sum() }(images)
  }

  /// The network with every trained number limited to ±`bound`. Arjovsky et al., WGAN, 2017.
  ///
  /// - Throws: as `leaves(of:)`.
  public static func clipped<D: DiscriminatorNetwork>(_ network: D, to bound: Double) throws -> D {
    try map(network) { $0.isTrained ? $0.tensor.clamp(min: -bound, max: bound) : $0.tensor }
  }
}
