import Lab
import NN
import Pinion

/// Which networks play, and how large they are.
public struct GANSizes: Codable, Hashable, Sendable {
  /// Kinds of networks.
  public enum Architecture: String, Codable, CaseIterable, Sendable {
    /// Strided convolutions. Radford et al., 2016.
    case dcgan
    /// Residual blocks with spectral normalisation. Miyato et al., 2018.
    case sngan
  }

  public var architecture = Architecture.dcgan
  /// Channels of the pictures, which have `side` pixels a side.
  public var channels = 1
  public var generatorWidth = 32
  public var discriminatorWidth = 48
  public var noiseSize = 128
  /// Of DCGAN's discriminator; SNGAN's is spectral.
  public var normalization = DiscriminatorNormalization.spectral

  /// Pixels of an edge of the networks' pictures.
  public static let side = 32

  public init() {}

  /// The generator with fresh weights.
  public func generator(key: Key) -> any GeneratorNetwork {
    switch architecture {
    case .dcgan: DCGANGenerator(channels: channels, width: generatorWidth, noiseSize: noiseSize, key: key)
    case .sngan: SNGANGenerator(channels: channels, width: generatorWidth, noiseSize: noiseSize, key: key)
    }
  }

  /// The discriminator with fresh weights.
  public func discriminator(key: Key) -> any DiscriminatorNetwork {
    switch architecture {
    case .dcgan:
      DCGANDiscriminator(channels: channels, width: discriminatorWidth, normalization: normalization, key: key)
    case .sngan: SNGANDiscriminator(channels: channels, width: discriminatorWidth, key: key)
    }
  }

  /// Checks the sizes.
  ///
  /// - Throws: `UsageError` that says which can't be.
  public func validate() throws {
    for (name, size) in [
      ("generator width", generatorWidth), ("discriminator width", discriminatorWidth), ("noise size", noiseSize),
    ] where !(1...4096).contains(size) {
      throw UsageError("\(name) is \(size), expected 1 to 4096")
    }
    guard channels == 1 || channels == 3 else { throw UsageError("channels is \(channels), expected 1 or 3") }
  }
}
