import Pinion

/// Transposed convolutions from noise to pictures of 32 x 32. Radford et al., DCGAN, 2016; Miyato et al., 2018, table 3.
///
/// Noise [N, z] -> dense 4 x 4 x 4w -> 8 x 8 x 2w -> 16 x 16 x w -> 32 x 32 x channels, with batch normalisation and ReLU
/// between, tanh at the end.
public struct DCGANGenerator: GeneratorNetwork {
  public let noiseSize: Int
  let width: Int
  var project: Dense
  var norms: [BatchNorm]
  var ups: [ConvTransposed2D]

  /// - Parameters:
  ///   - channels: of the pictures.
  ///   - width: channels of the last hidden layer.
  ///   - noiseSize: numbers of noise a picture.
  ///   - key: randomness of the first values.
  public init(channels: Int, width: Int, noiseSize: Int = 128, key: Key) {
    let keys = key.split(4)
    (self.noiseSize, self.width) = (noiseSize, width)
    project = Dense(noiseSize, 16 * 4 * width, bias: false, weight: .normal(0.02), key: keys[0])
    norms = [BatchNorm(4 * width), BatchNorm(2 * width), BatchNorm(width)]
    let sizes = [4 * width, 2 * width, width, channels]
    ups = (0..<3).map { i in
      ConvTransposed2D(
        sizes[i], sizes[i + 1], kernel: [4], strides: [2], padding: .explicit([[1, 1], [1, 1]]), bias: i == 2,
        weight: .normal(0.02), key: keys[i + 1])
    }
  }

  public mutating func train(_ noise: Tensor) -> Tensor {
    var x = start(noise)
    for i in ups.indices { x = ups[i](relu(norms[i](x, training: true))) }
    return x.tanh()
  }

  public func callAsFunction(_ noise: Tensor) -> Tensor {
    var x = start(noise)
    for i in ups.indices { x = ups[i](relu(norms[i](x))) }
    return x.tanh()
  }

  private func start(_ noise: Tensor) -> Tensor { project(noise).reshape([-1, 4, 4, 4 * width]) }
}

/// Strided convolutions from pictures of 32 x 32 to scores, as many as DCGAN's generator has.
public struct DCGANDiscriminator: DiscriminatorNetwork {
  let normalization: DiscriminatorNormalization
  var downs: [MaybeSpectral<Conv2D>]
  /// Of the second and third layer; the first has none.
  var batchNorms: [BatchNorm]
  var layerNorms: [GroupNorm]
  var head: MaybeSpectral<Dense>

  /// - Parameters:
  ///   - channels: of the pictures.
  ///   - width: channels of the first hidden layer.
  ///   - normalization: of the layers.
  ///   - key: randomness of the first values.
  public init(channels: Int, width: Int, normalization: DiscriminatorNormalization = .spectral, key: Key) {
    let keys = key.split(8)
    self.normalization = normalization
    let isSpectral = normalization == .spectral
    // Normalised kernels keep their scale whatever it is; the small one of DCGAN would only make first steps large.
    let weight = isSpectral ? Initializer.glorotUniform : .normal(0.02)
    let sizes = [channels, width, 2 * width, 4 * width]
    downs = (0..<3).map { i in
      MaybeSpectral(
        Conv2D(
          sizes[i], sizes[i + 1], kernel: [4], strides: [2], padding: .explicit([[1, 1], [1, 1]]),
          bias: normalization != .batch || i == 0, weight: weight, key: keys[2 * i]),
        isNormalized: isSpectral, key: keys[2 * i + 1])
    }
    batchNorms = normalization == .batch ? [BatchNorm(2 * width), BatchNorm(4 * width)] : []
    layerNorms =
      normalization == .layer ? [GroupNorm(groups: 1, 2 * width), GroupNorm(groups: 1, 4 * width)] : []
    head = MaybeSpectral(
      Dense(16 * 4 * width, 1, weight: weight, key: keys[6]), isNormalized: isSpectral, key: keys[7])
  }

  public var mixesSamples: Bool { normalization == .batch }

  /// Convolutional layers.
  public var layerCount: Int { downs.count }

  public func callAsFunction(_ images: Tensor) -> Tensor {
    var x = images
    for i in downs.indices {
      x = downs[i](x)
      if i > 0, i <= batchNorms.count {
        var norm = batchNorms[i - 1]
        x = norm(x, training: true)
      }
      if i > 0, i <= layerNorms.count { x = layerNorms[i - 1](x) }
      x = leakyRelu(x, slope: 0.2)
    }
    return head(x.flatten(from: 1)).squeeze(axis: -1)
  }

  public mutating func iterateSpectralNorms() {
    for i in downs.indices { downs[i].iterate() }
    head.iterate()
  }
}
