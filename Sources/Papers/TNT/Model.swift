import NN
import Pinion

/// Sizes and options of a Transformer in Transformer.
///
/// Han et al., "Transformer in Transformer" (arXiv 2103.00112), section 2 and table 1.
public struct TNTConfiguration: Codable, Hashable, Sendable {
  /// Side of the square input image, in pixels.
  public var imageSize = 224
  /// Side of a patch ("visual sentence"), in pixels.
  public var patchSize = 16
  /// Stride of the convolution that makes the pixel tokens ("visual words").
  public var innerStride = 4
  /// Channels of the image.
  public var channels = 3
  /// Classes to tell apart.
  public var classes = 1000
  /// Blocks.
  public var depth = 12
  /// Width d of the patch tokens.
  public var width = 384
  /// Width c of the pixel tokens.
  public var innerWidth = 24
  /// Heads of the outer attention.
  public var heads = 6
  /// Heads of the inner attention.
  public var innerHeads = 4
  /// Hidden width of the feed-forward parts over their input width.
  public var mlpRatio = 4
  /// Rate at which residual branches are dropped in the last block; it rises linearly from 0.
  public var dropPath = 0.0
  /// Whether patches carry a learned position (table 5 of the paper).
  public var outerPositions = true
  /// Whether pixels within a patch carry a learned position (table 5).
  public var innerPositions = true
  /// Whether pixel features are added to the patch tokens in each block; off is a DeiT beside an idle inner stream.
  public var inject = true

  public init() {}

  /// TNT-Ti: 6.1 M parameters.
  public static var tiny: TNTConfiguration {
    var c = TNTConfiguration()
    (c.width, c.innerWidth, c.heads, c.innerHeads) = (192, 12, 3, 2)
    return c
  }

  /// TNT-S: 23.8 M parameters.
  public static var small: TNTConfiguration { TNTConfiguration() }

  /// TNT-B: 65.6 M parameters.
  public static var base: TNTConfiguration {
    var c = TNTConfiguration()
    (c.width, c.innerWidth, c.heads, c.innerHeads) = (640, 40, 10, 4)
    return c
  }

  /// Patches along one side.
  public var grid: Int { imageSize / patchSize }
  /// Patches n of an image.
  public var patches: Int { grid * grid }
  /// Pixel tokens along one side of a patch.
  public var pixelGrid: Int { (patchSize + innerStride - 1) / innerStride }
  /// Pixel tokens m of a patch.
  public var pixels: Int { pixelGrid * pixelGrid }

  /// Multiply-adds of the blocks for one image: 2nm·c(6c+m) + nm·cd + 2nd(6d+n) each (section 2.3).
  public var blockMultiplyAdds: Int {
    let (n, m, c, d) = (patches, pixels, innerWidth, width)
    return depth * (2 * n * m * c * (6 * c + m) + n * m * c * d + 2 * n * d * (6 * d + n))
  }

  /// The failure of pictures that the network wasn't made for.
  func refused(_ images: Tensor) -> Tensor {
    if images.failure != nil { return images }
    return .failed(
      .shape("images", "the network takes [batch, \(imageSize), \(imageSize), \(channels)], got \(images.shape)"))
  }

  /// Checks that the sizes fit together.
  ///
  /// - Throws: `TensorError` that says which don't.
  public func validate() throws {
    func require(_ holds: Bool, _ message: String) throws {
      if !holds { throw TensorError.value("TNT", message) }
    }
    try require(
      imageSize > 0 && patchSize > 0 && imageSize % patchSize == 0,
      "image side \(imageSize) isn't a multiple of the patch side \(patchSize)")
    try require(
      innerStride > 0 && patchSize % innerStride == 0,
      "patch side \(patchSize) isn't a multiple of the inner stride \(innerStride)")
    try require(heads > 0 && width % heads == 0, "width \(width) isn't a multiple of \(heads) heads")
    try require(
      innerHeads > 0 && innerWidth % innerHeads == 0,
      "inner width \(innerWidth) isn't a multiple of \(innerHeads) inner heads")
    try require(depth > 0 && classes > 1 && channels > 0, "depth, channels and classes must be positive")
  }
}

/// What a forward pass can show besides the logits.
public struct TNTTrace {
  /// For each block the outer attention [B, heads, n+1, n+1]; row 0 is where the class token looks.
  public var outerAttention: [Tensor] = []
  /// For each block the pixel tokens [B·n, m, c].
  public var innerFeatures: [Tensor] = []
  /// For each block the class and patch tokens [B, n+1, d].
  public var outerFeatures: [Tensor] = []
}

/// Transformer in Transformer: an inner transformer mixes the pixel tokens of each patch, an outer one the patches.
public struct TNT: Module {
  /// Sizes and options.
  public internal(set) var configuration: TNTConfiguration
  var pixelEmbedding: PixelEmbedding
  var firstNorm: LayerNorm
  var projection: Dense
  var secondNorm: LayerNorm
  var classToken: Tensor
  var outerPositions: Tensor
  var blocks: [TNTBlock]
  var norm: LayerNorm
  var head: Dense

  /// - Parameters:
  ///   - configuration: sizes and options.
  ///   - key: randomness of the initial weights.
  /// - Throws: `TensorError` where sizes don't fit together.
  public init(_ configuration: TNTConfiguration, key: Key, initializer: Initializer = .truncatedNormal(0.02)) throws {
    try configuration.validate()
    let c = configuration
    let keys = key.split(c.depth + 5)
    self.configuration = c
    pixelEmbedding = PixelEmbedding(c, key: keys[0])
    firstNorm = LayerNorm(c.pixels * c.innerWidth)
    projection = Dense(c.pixels * c.innerWidth, c.width, weight: initializer, key: keys[1])
    secondNorm = LayerNorm(c.width)
    classToken = keys[2].truncatedNormal([1, 1, c.width]) * 0.02
    outerPositions = keys[3].truncatedNormal([1, c.patches + 1, c.width]) * 0.02
    blocks = (0..<c.depth).map { layer in
      let rate = c.depth > 1 ? c.dropPath * Double(layer) / Double(c.depth - 1) : 0
      return TNTBlock(c, dropPath: rate, initializer: initializer, key: keys[4 + layer])
    }
    norm = LayerNorm(c.width)
    head = Dense(c.width, c.classes, weight: initializer, key: keys[c.depth + 4])
  }

  /// Logits [B, classes] of images [B, H, W, channels]; with a key, residual branches are dropped for training.
  public func callAsFunction(_ images: Tensor, key: Key? = nil) -> Tensor { forward(images, key: key).logits }

  /// Logits, and what the model looked at on the way.
  public func forward(_ images: Tensor, key: Key? = nil) -> (logits: Tensor, trace: TNTTrace) {
    let c = configuration
    let batch = images.shape.first ?? 0
    guard images.failure == nil, images.shape == [batch, c.imageSize, c.imageSize, c.channels] else {
      return (c.refused(images), TNTTrace())
    }
    var trace = TNTTrace()
    var inner = pixelEmbedding(images)
    if !c.innerPositions { inner = pixelEmbedding.withoutPositions(images) }
    let flat = inner.reshape([batch, c.patches, c.pixels * c.innerWidth])
    var outer = secondNorm(projection(firstNorm(flat)))
    outer = concatenate([classToken.broadcast(to: [batch, 1, c.width]), outer], axis: 1)
    if c.outerPositions { outer = outer + outerPositions }
    let keys = key?.split(c.depth)
    for (layer, block) in blocks.enumerated() {
      let attention: Tensor
      (inner, outer, attention) = block(inner, outer, key: keys?[layer])
      trace.outerAttention.append(attention)
      trace.innerFeatures.append(inner)
      trace.outerFeatures.append(outer)
    }
    return (head(norm(outer)[.all, 0]), trace)
  }
}

/// Pixel tokens: a convolution over the image, cut into the patches' windows.
struct PixelEmbedding: Module {
  var grid: Int
  let pixelGrid: Int
  let width: Int
  var convolution: Conv2D
  var positions: Tensor

  init(_ c: TNTConfiguration, key: Key) {
    let keys = key.split(2)
    grid = c.grid
    pixelGrid = c.pixelGrid
    width = c.innerWidth
    convolution = Conv2D(
      c.channels, c.innerWidth, kernel: [7, 7], strides: [c.innerStride, c.innerStride],
      padding: .explicit([[3, 3], [3, 3]]), key: keys[0])
    positions = keys[1].truncatedNormal([1, c.pixels, c.innerWidth]) * 0.02
  }

  /// Tokens [B·n, m, c] of images [B, H, W, C].
  func callAsFunction(_ images: Tensor) -> Tensor { withoutPositions(images) + positions }

  func withoutPositions(_ images: Tensor) -> Tensor {
    let map = convolution(images)
    let batch = map.shape.first ?? 0
    return map.reshape([batch, grid, pixelGrid, grid, pixelGrid, width])
      .transpose([0, 1, 3, 2, 4, 5])
      .reshape([batch * grid * grid, pixelGrid * pixelGrid, width])
  }
}

/// One block (equations 5-9): inner transformer, injection into the patch tokens, outer transformer.
struct TNTBlock: Module {
  let inject: Bool
  let dropPath: Double
  var innerNorm1: LayerNorm
  var innerAttention: Attention
  var innerNorm2: LayerNorm
  var innerFeedForward: FeedForward
  var injectNorm: LayerNorm
  var injection: Dense
  var outerNorm1: LayerNorm
  var outerAttention: Attention
  var outerNorm2: LayerNorm
  var outerFeedForward: FeedForward

  init(_ c: TNTConfiguration, dropPath: Double, initializer: Initializer, key: Key) {
    let keys = key.split(5)
    inject = c.inject
    self.dropPath = dropPath
    innerNorm1 = LayerNorm(c.innerWidth)
    innerAttention = Attention(c.innerWidth, heads: c.innerHeads, initializer: initializer, key: keys[0])
    innerNorm2 = LayerNorm(c.innerWidth)
    innerFeedForward = FeedForward(c.innerWidth, ratio: c.mlpRatio, initializer: initializer, key: keys[1])
    injectNorm = LayerNorm(c.innerWidth)
    injection = Dense(c.pixels * c.innerWidth, c.width, weight: initializer, key: keys[2])
    outerNorm1 = LayerNorm(c.width)
    outerAttention = Attention(c.width, heads: c.heads, initializer: initializer, key: keys[3])
    outerNorm2 = LayerNorm(c.width)
    outerFeedForward = FeedForward(c.width, ratio: c.mlpRatio, initializer: initializer, key: keys[4])
  }

  /// - Parameters:
  ///   - inner: pixel tokens [B·n, m, c].
  ///   - outer: class and patch tokens [B, n+1, d].
  /// - Returns: both streams updated, and the outer attention [B, heads, n+1, n+1].
  func callAsFunction(_ inner: Tensor, _ outer: Tensor, key: Key?) -> (Tensor, Tensor, Tensor) {
    let keys = key?.split(4)
    func drop(_ branch: Tensor, _ i: Int) -> Tensor {
      guard let keys, dropPath > 0 else { return branch }
      return DropPath(rate: dropPath)(branch, key: keys[i])
    }
    let batch = outer.shape.first ?? 0
    var y = inner + drop(innerAttention(innerNorm1(inner)).0, 0)
    y = y + drop(innerFeedForward(innerNorm2(y)), 1)
    var z = outer
    if inject {
      let words = injectNorm(y).reshape([batch, outer.shape[1] - 1, -1])
      // The class token has no pixels of its own: nothing is added to it.
      z = z + injection(words).pad(low: [0, 1, 0], high: [0, 0, 0])
    }
    let (mixed, attention) = outerAttention(outerNorm1(z))
    z = z + drop(mixed, 2)
    z = z + drop(outerFeedForward(outerNorm2(z)), 3)
    return (y, z, attention)
  }
}

/// Multi-head self-attention: queries and keys from one projection, values from another, both without bias.
struct Attention: Module {
  let heads: Int
  var queryKey: Dense
  var values: Dense
  var output: Dense

  init(_ width: Int, heads: Int, initializer: Initializer, key: Key) {
    let keys = key.split(3)
    self.heads = heads
    queryKey = Dense(width, 2 * width, bias: false, weight: initializer, key: keys[0])
    values = Dense(width, width, bias: false, weight: initializer, key: keys[1])
    output = Dense(width, width, weight: initializer, key: keys[2])
  }

  /// Mixed tokens [B, t, d], and the attention weights [B, heads, t, t].
  func callAsFunction(_ x: Tensor) -> (Tensor, Tensor) {
    guard x.rank == 3 else { return (x, x) }
    let (batch, tokens, width) = (x.shape[0], x.shape[1], x.shape[2])
    let size = width / heads
    let qk = queryKey(x).reshape([batch, tokens, 2, heads, size]).transpose([2, 0, 3, 1, 4])
    let v = values(x).reshape([batch, tokens, heads, size]).transpose([0, 2, 1, 3])
    let scores = qk[0].matmul(qk[1].swapAxes(-1, -2)) / Double(size).squareRoot()
    let weights = scores.softmax(axis: -1)
    let mixed = weights.matmul(v).transpose([0, 2, 1, 3]).reshape([batch, tokens, width])
    return (output(mixed), weights)
  }
}

/// Two layers with an exact GELU between.
struct FeedForward: Module {
  var expand: Dense
  var contract: Dense

  init(_ width: Int, ratio: Int, initializer: Initializer, key: Key) {
    let keys = key.split(2)
    expand = Dense(width, ratio * width, weight: initializer, key: keys[0])
    contract = Dense(ratio * width, width, weight: initializer, key: keys[1])
  }

  func callAsFunction(_ x: Tensor) -> Tensor { contract(gelu(expand(x))) }
}
