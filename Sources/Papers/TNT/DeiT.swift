import NN
import Pinion

/// The baseline: the same outer transformer on plain patch projections, without an inner stream.
///
/// Touvron et al., "Training data-efficient image transformers" (arXiv 2012.12877), without distillation.
public struct DeiT: Module {
  /// Sizes and options; the inner ones don't matter.
  public let configuration: TNTConfiguration
  var projection: Dense
  var classToken: Tensor
  var positions: Tensor
  var blocks: [DeiTBlock]
  var norm: LayerNorm
  var head: Dense

  /// - Throws: `TensorError` where sizes don't fit together.
  public init(_ configuration: TNTConfiguration, key: Key, initializer: Initializer = .truncatedNormal(0.02)) throws {
    try configuration.validate()
    let c = configuration
    let keys = key.split(c.depth + 4)
    self.configuration = c
    projection = Dense(c.patchSize * c.patchSize * c.channels, c.width, weight: initializer, key: keys[0])
    classToken = keys[1].truncatedNormal([1, 1, c.width]) * 0.02
    positions = keys[2].truncatedNormal([1, c.patches + 1, c.width]) * 0.02
    blocks = (0..<c.depth).map { layer in
      let rate = c.depth > 1 ? c.dropPath * Double(layer) / Double(c.depth - 1) : 0
      return DeiTBlock(c, dropPath: rate, initializer: initializer, key: keys[3 + layer])
    }
    norm = LayerNorm(c.width)
    head = Dense(c.width, c.classes, weight: initializer, key: keys[c.depth + 3])
  }

  /// Multiply-adds of the blocks for one image: 2n·d(6d+n) each.
  public static func blockMultiplyAdds(_ c: TNTConfiguration) -> Int {
    c.depth * 2 * c.patches * c.width * (6 * c.width + c.patches)
  }

  /// Logits [B, classes] of images [B, H, W, channels]; with a key, residual branches are dropped for training.
  public func callAsFunction(_ images: Tensor, key: Key? = nil) -> Tensor { forward(images, key: key).logits }

  /// Logits, and the outer attention and features on the way.
  public func forward(_ images: Tensor, key: Key? = nil) -> (logits: Tensor, trace: TNTTrace) {
    let c = configuration
    let batch = images.shape.first ?? 0
    guard images.failure == nil, images.shape == [batch, c.imageSize, c.imageSize, c.channels] else {
      return (c.refused(images), TNTTrace())
    }
    let (g, p) = (c.grid, c.patchSize)
    let flat = images.reshape([batch, g, p, g, p, c.channels]).transpose([0, 1, 3, 2, 4, 5])
      .reshape([batch, c.patches, p * p * c.channels])
    var outer = concatenate([classToken.broadcast(to: [batch, 1, c.width]), projection(flat)], axis: 1)
    if c.outerPositions { outer = outer + positions }
    var trace = TNTTrace()
    let keys = key?.split(c.depth)
    for (layer, block) in blocks.enumerated() {
      let attention: Tensor
      (outer, attention) = block(outer, key: keys?[layer])
      trace.outerAttention.append(attention)
      trace.outerFeatures.append(outer)
    }
    return (head(norm(outer)[.all, 0]), trace)
  }
}

/// A pre-norm transformer block.
struct DeiTBlock: Module {
  let dropPath: Double
  var norm1: LayerNorm
  var attention: Attention
  var norm2: LayerNorm
  var feedForward: FeedForward

  init(_ c: TNTConfiguration, dropPath: Double, initializer: Initializer, key: Key) {
    let keys = key.split(2)
    self.dropPath = dropPath
    norm1 = LayerNorm(c.width)
    attention = Attention(c.width, heads: c.heads, initializer: initializer, key: keys[0])
    norm2 = LayerNorm(c.width)
    feedForward = FeedForward(c.width, ratio: c.mlpRatio, initializer: initializer, key: keys[1])
  }

  func callAsFunction(_ x: Tensor, key: Key?) -> (Tensor, Tensor) {
    let keys = key?.split(2)
    func drop(_ branch: Tensor, _ i: Int) -> Tensor {
      guard let keys, dropPath > 0 else { return branch }
      return DropPath(rate: dropPath)(branch, key: keys[i])
    }
    let (mixed, weights) = attention(norm1(x))
    let y = x + drop(mixed, 0)
    return (y + drop(feedForward(norm2(y)), 1), weights)
  }
}
