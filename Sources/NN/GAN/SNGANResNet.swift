import Pinion

/// Each pixel four times.
private func enlarged(_ x: Tensor) -> Tensor {
  if x.failure != nil || x.rank != 4 { return x }
  let (n, h, w, c) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3])
  return x.reshape([n, h, 1, w, 1, c]).broadcast(to: [n, h, 2, w, 2, c]).reshape([n, 2 * h, 2 * w, c])
}

private func convolution(_ inputs: Int, _ outputs: Int, _ side: Int, key: Key) -> Conv2D {
  Conv2D(
    inputs, outputs, kernel: [side], padding: .explicit([[side / 2, side / 2], [side / 2, side / 2]]),
    weight: .glorotUniform, biasInitializer: .zeros, key: key)
}

/// Residual blocks from noise to pictures of 32 x 32. Miyato et al., "Spectral Normalization for Generative Adversarial
/// Networks", 2018, table 4 (there the width is 256).
public struct SNGANGenerator: GeneratorNetwork {
  struct Block: Module {
    var norm1: BatchNorm
    var convolution1: Conv2D
    var norm2: BatchNorm
    var convolution2: Conv2D
    var shortcut: Conv2D

    init(_ width: Int, key: Key) {
      let keys = key.split(3)
      (norm1, norm2) = (BatchNorm(width), BatchNorm(width))
      convolution1 = convolution(width, width, 3, key: keys[0])
      convolution2 = convolution(width, width, 3, key: keys[1])
      shortcut = convolution(width, width, 1, key: keys[2])
    }

    mutating func callAsFunction(_ x: Tensor, training: Bool) -> Tensor {
      let y = convolution1(enlarged(relu(norm1(x, training: training))))
      return convolution2(relu(norm2(y, training: training))) + enlarged(shortcut(x))
    }
  }

  public let noiseSize: Int
  let width: Int
  var project: Dense
  var blocks: [Block]
  var norm: BatchNorm
  var last: Conv2D

  /// - Parameters:
  ///   - channels: of the pictures.
  ///   - width: channels of all hidden layers.
  ///   - noiseSize: numbers of noise a picture.
  ///   - key: randomness of the first values.
  public init(channels: Int, width: Int, noiseSize: Int = 128, key: Key) {
    let keys = key.split(5)
    (self.noiseSize, self.width) = (noiseSize, width)
    project = Dense(noiseSize, 16 * width, weight: .glorotUniform, key: keys[0])
    blocks = (1...3).map { Block(width, key: keys[$0]) }
    norm = BatchNorm(width)
    last = convolution(width, channels, 3, key: keys[4])
  }

  public mutating func train(_ noise: Tensor) -> Tensor { pictures(noise, training: true) }

  public func callAsFunction(_ noise: Tensor) -> Tensor {
    var copy = self
    return copy.pictures(noise, training: false)
  }

  private mutating func pictures(_ noise: Tensor, training: Bool) -> Tensor {
    var x = project(noise).reshape([-1, 4, 4, width])
    for i in blocks.indices { x = blocks[i](x, training: training) }
    return last(relu(norm(x, training: training))).tanh()
  }
}

/// Residual blocks with spectral normalisation, from pictures of 32 x 32 to scores. Miyato et al., 2018, table 4 (there
/// the width is 128).
public struct SNGANDiscriminator: DiscriminatorNetwork {
  struct Block: Module {
    let isFirst: Bool
    let halves: Bool
    var convolution1: SpectralNorm<Conv2D>
    var convolution2: SpectralNorm<Conv2D>
    var shortcut: SpectralNorm<Conv2D>?

    init(_ inputs: Int, _ outputs: Int, isFirst: Bool = false, halves: Bool, key: Key) {
      let keys = key.split(6)
      (self.isFirst, self.halves) = (isFirst, halves)
      convolution1 = SpectralNorm(convolution(inputs, outputs, 3, key: keys[0]), key: keys[1])
      convolution2 = SpectralNorm(convolution(outputs, outputs, 3, key: keys[2]), key: keys[3])
      if inputs != outputs || halves {
        shortcut = SpectralNorm(convolution(inputs, outputs, 1, key: keys[4]), key: keys[5])
      }
    }

    private func halved(_ x: Tensor) -> Tensor {
      guard halves, x.failure == nil, x.rank == 4 else { return x }
      return x.reshape([x.shape[0], x.shape[1] / 2, 2, x.shape[2] / 2, 2, -1]).mean(2, 4)
    }

    func callAsFunction(_ x: Tensor) -> Tensor {
      let y = convolution2(relu(convolution1(isFirst ? x : relu(x))))
      guard let shortcut else { return halved(y) + x }
      // The mean over 2 x 2 places commutes with a convolution of 1 x 1; before it there is less to do.
      return halved(y) + shortcut(halved(x))
    }

    mutating func iterate() {
      convolution1.iterate()
      convolution2.iterate()
      shortcut?.iterate()
    }
  }

  var blocks: [Block]
  var head: SpectralNorm<Dense>

  /// - Parameters:
  ///   - channels: of the pictures.
  ///   - width: channels of all hidden layers.
  ///   - key: randomness of the first values.
  public init(channels: Int, width: Int, key: Key) {
    let keys = key.split(6)
    blocks = [
      Block(channels, width, isFirst: true, halves: true, key: keys[0]),
      Block(width, width, halves: true, key: keys[1]),
      Block(width, width, halves: false, key: keys[2]),
      Block(width, width, halves: false, key: keys[3]),
    ]
    head = SpectralNorm(Dense(width, 1, weight: .glorotUniform, biasInitializer: .zeros, key: keys[4]), key: keys[5])
  }

  public var mixesSamples: Bool { false }

  public func callAsFunction(_ images: Tensor) -> Tensor {
    let x = relu(blocks.reduce(images) { $1($0) })
    return head(x.sum(1, 2)).squeeze(axis: -1)
  }

  public mutating func iterateSpectralNorms() {
    for i in blocks.indices { blocks[i].iterate() }
    head.iterate()
  }
}
