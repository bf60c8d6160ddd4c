import NN
import Pinion

/// Dense layers with ReLU between.
struct MLP: Module {
  var layers: [Dense]
  var head: Dense

  init(_ inputs: Int, width: Int, depth: Int, classes: Int, key: Key) {
    let keys = key.split(depth + 1)
    layers = (0..<depth).map { Dense($0 == 0 ? inputs : width, width, key: keys[$0]) }
    head = Dense(width, classes, key: keys[depth])
  }

  func callAsFunction(_ x: Tensor) -> Tensor { head(layers.reduce(x) { relu($1($0)) }) }
}

/// A causal transformer over tokens, as nanoGPT's.
struct GPT: Module {
  var tokens: Embedding
  var positions: Tensor
  var blocks: [TransformerEncoderBlock]
  var norm: LayerNorm
  var head: Dense

  init(vocabulary: Int, length: Int, width: Int, depth: Int, heads: Int, key: Key) {
    let keys = key.split(depth + 3)
    tokens = Embedding(vocabulary, width, weight: .normal(0.02), key: keys[0])
    positions = keys[1].normal([length, width]) * 0.02
    blocks = (0..<depth).map { TransformerEncoderBlock(width, heads: heads, key: keys[2 + $0]) }
    norm = LayerNorm(width)
    head = Dense(width, vocabulary, bias: false, key: keys[depth + 2])
  }

  /// Scores [B, T, vocabulary] of tokens [B, T].
  func callAsFunction(_ x: Tensor) -> Tensor {
    head(norm(blocks.reduce(tokens(x) + positions) { $1($0, causal: true) }))
  }
}

/// A vision transformer over patches, with the mean of the tokens as features.
struct ViT: Module {
  let patch: Int
  var embedding: Dense
  var positions: Tensor
  var blocks: [TransformerEncoderBlock]
  var norm: LayerNorm
  var head: Dense

  init(imageSize: Int, patch: Int, width: Int, depth: Int, heads: Int, classes: Int, key: Key) {
    let keys = key.split(depth + 3)
    self.patch = patch
    embedding = Dense(patch * patch * 3, width, key: keys[0])
    positions = keys[1].normal([(imageSize / patch) * (imageSize / patch), width]) * 0.02
    blocks = (0..<depth).map { TransformerEncoderBlock(width, heads: heads, key: keys[2 + $0]) }
    norm = LayerNorm(width)
    head = Dense(width, classes, key: keys[depth + 2])
  }

  /// Scores [B, classes] of images [B, H, W, 3].
  func callAsFunction(_ images: Tensor) -> Tensor {
    let patches = rearrange(images, "b (h p) (w q) c -> b (h w) (p q c)", ["p": patch, "q": patch])
    let x = blocks.reduce(embedding(patches) + positions) { $1($0) }
    return head(norm(x).mean(1))
  }
}

/// Convolutions 3 x 3 with ReLU, the mean over places, a dense layer.
struct ConvolutionalNetwork: Module {
  var convolutions: [Conv2D]
  var head: Dense

  init(channels: [Int], strides: Int = 1, classes: Int, key: Key) {
    let keys = key.split(channels.count)
    let padding = Padding.explicit([[1, 1], [1, 1]])
    convolutions = (1..<channels.count).map {
      Conv2D(channels[$0 - 1], channels[$0], kernel: [3], strides: [strides], padding: padding, key: keys[$0 - 1])
    }
    head = Dense(channels[channels.count - 1], classes, key: keys[channels.count - 1])
  }

  /// Scores [B, classes] of images [B, H, W, C].
  func callAsFunction(_ images: Tensor) -> Tensor { head(convolutions.reduce(images) { relu($1($0)) }.mean(1, 2)) }
}

/// ResNet-18 with the stem for small pictures. He et al., 2015.
struct ResNet18: Module {
  struct Block: Module {
    var convolution1: Conv2D
    var norm1: BatchNorm
    var convolution2: Conv2D
    var norm2: BatchNorm
    var shortcut: Conv2D?
    var shortcutNorm: BatchNorm?

    init(_ inputs: Int, _ outputs: Int, stride: Int, key: Key) {
      let keys = key.split(3)
      convolution1 = ResNet18.convolution(inputs, outputs, 3, stride: stride, key: keys[0])
      norm1 = BatchNorm(outputs)
      convolution2 = ResNet18.convolution(outputs, outputs, 3, key: keys[1])
      norm2 = BatchNorm(outputs)
      if stride != 1 || inputs != outputs {
        shortcut = ResNet18.convolution(inputs, outputs, 1, stride: stride, key: keys[2])
        shortcutNorm = BatchNorm(outputs)
      }
    }

    mutating func callAsFunction(_ x: Tensor) -> Tensor {
      let y = norm2(convolution2(relu(norm1(convolution1(x), training: true))), training: true)
      let past = shortcut.map { $0(x) } ?? x
      return relu(y + (shortcutNorm?(past, training: true) ?? past))
    }
  }

  var stem: Conv2D
  var norm: BatchNorm
  var blocks: [Block]
  var head: Dense

  init(width: Int, blocksPerStage: Int, key: Key) {
    let keys = key.split(2 + 4 * blocksPerStage)
    stem = Self.convolution(3, width, 3, key: keys[0])
    norm = BatchNorm(width)
    blocks = []
    for stage in 0..<4 {
      for i in 0..<blocksPerStage {
        let outputs = width << stage
        let isFirst = i == 0 && stage > 0
        blocks.append(
          Block(isFirst ? outputs / 2 : outputs, outputs, stride: isFirst ? 2 : 1, key: keys[2 + blocks.count]))
      }
    }
    head = Dense(width << 3, 10, key: keys[1])
  }

  static func convolution(_ inputs: Int, _ outputs: Int, _ side: Int, stride: Int = 1, key: Key) -> Conv2D {
    let pad = side / 2
    return Conv2D(
      inputs, outputs, kernel: [side], strides: [stride], padding: .explicit([[pad, pad], [pad, pad]]), bias: false,
      weight: .heNormal, key: key)
  }

  /// Scores [B, 10] of images [B, H, W, 3], by the statistics of the batch.
  mutating func callAsFunction(_ images: Tensor) -> Tensor {
    var x = relu(norm(stem(images), training: true))
    for i in blocks.indices { x = blocks[i](x) }
    return head(x.mean(1, 2))
  }
}

/// Pictures of 28 x 28 from noise. Radford et al., 2016.
struct Generator: Module {
  var project: Dense
  var norm1: BatchNorm
  var up1: ConvTransposed2D
  var norm2: BatchNorm
  var up2: ConvTransposed2D

  init(noise: Int, width: Int, key: Key) {
    let keys = key.split(3)
    project = Dense(noise, 49 * 2 * width, bias: false, weight: .normal(0.02), key: keys[0])
    norm1 = BatchNorm(2 * width)
    up1 = Self.up(2 * width, width, key: keys[1])
    norm2 = BatchNorm(width)
    up2 = Self.up(width, 1, key: keys[2])
  }

  private static func up(_ inputs: Int, _ outputs: Int, key: Key) -> ConvTransposed2D {
    ConvTransposed2D(
      inputs, outputs, kernel: [4], strides: [2], padding: .explicit([[1, 1], [1, 1]]), bias: false,
      weight: .normal(0.02), key: key)
  }

  mutating func callAsFunction(_ z: Tensor) -> Tensor {
    let x = project(z).reshape([z.shape[0], 7, 7, -1])
    let y = up1(relu(norm1(x, training: true)))
    return up2(relu(norm2(y, training: true))).tanh()
  }
}

/// Real or made: one score a picture.
struct Discriminator: Module {
  var down1: Conv2D
  var down2: Conv2D
  var norm: BatchNorm
  var head: Dense

  init(width: Int, key: Key) {
    let keys = key.split(3)
    down1 = Self.down(1, width, key: keys[0])
    down2 = Self.down(width, 2 * width, key: keys[1])
    norm = BatchNorm(2 * width)
    head = Dense(49 * 2 * width, 1, weight: .normal(0.02), key: keys[2])
  }

  private static func down(_ inputs: Int, _ outputs: Int, key: Key) -> Conv2D {
    Conv2D(
      inputs, outputs, kernel: [4], strides: [2], padding: .explicit([[1, 1], [1, 1]]), bias: false,
      weight: .normal(0.02), key: key)
  }

  mutating func callAsFunction(_ x: Tensor) -> Tensor {
    let y = leakyRelu(down1(x), slope: 0.2)
    let z = leakyRelu(norm(down2(y), training: true), slope: 0.2)
    return head(z.flatten(from: 1)).squeeze(axis: -1)
  }
}

/// A recurrent cell over a sequence, and classes from the last state.
struct Recurrent<Cell: Module>: Module {
  var cell: Cell
  var head: Dense
}
