import Pinion

/// Two dense layers with an activation between, on each token by itself.
public struct FeedForward: Module {
  /// The function between the layers.
  public let activation: Activation
  /// Dropout after the activation while training.
  public let dropout: Double
  /// First layer, width to hidden.
  public var expand: Dense
  /// Second layer, hidden to width.
  public var contract: Dense

  public init(
    _ width: Int, hidden: Int, activation: Activation = .gelu, dropout: Double = 0,
    weight: Initializer = .fanInUniform, key: Key
  ) {
    let keys = key.split()
    self.activation = activation
    self.dropout = dropout
    expand = Dense(width, hidden, weight: weight, key: keys[0])
    contract = Dense(hidden, width, weight: weight, key: keys[1])
  }

  /// - Parameters:
  ///   - x: [..., width].
  ///   - key: randomness of dropout; without it nothing is dropped.
  public func callAsFunction(_ x: Tensor, key: Key? = nil) -> Tensor {
    contract(Dropout(dropout)(activation(expand(x)), key: key))
  }
}

/// Where a block normalises and what it drops.
public struct BlockOptions: Hashable, Sendable {
  /// Whether branches normalise their argument (pre-norm), or sums are normalised (post-norm, as first published).
  public var normFirst: Bool
  /// The function between the layers of the feed-forward part.
  public var activation: Activation
  /// Dropout of attention weights, hidden units and branches while training.
  public var dropout: Double
  /// Rate at which whole branches are dropped for an example while training.
  public var dropPath: Double
  /// Added to variances in normalisation.
  public var epsilon: Double

  public init(
    normFirst: Bool = true, activation: Activation = .gelu, dropout: Double = 0, dropPath: Double = 0,
    epsilon: Double = 1e-5
  ) {
    self.normFirst = normFirst
    self.activation = activation
    self.dropout = dropout
    self.dropPath = dropPath
    self.epsilon = epsilon
  }

  /// x with a branch added, before or after normalisation.
  fileprivate func residual(
    _ x: Tensor, _ norm: LayerNorm, key: (drop: Key, path: Key)?, _ branch: (Tensor) -> Tensor
  ) -> Tensor {
    let out = branch(normFirst ? norm(x) : x)
    let kept = DropPath(rate: dropPath)(Dropout(dropout)(out, key: key?.drop), key: key?.path)
    return normFirst ? x + kept : norm(x + kept)
  }
}

/// Three keys for each branch of a block: of its inside, its dropout and its drop path.
private func branchKeys(_ key: Key?, _ branches: Int) -> [(inside: Key?, outside: (drop: Key, path: Key)?)] {
  guard let keys = key?.split(3 * branches) else { return Array(repeating: (nil, nil), count: branches) }
  return (0..<branches).map { (keys[3 * $0], (keys[3 * $0 + 1], keys[3 * $0 + 2])) }
}

/// Self-attention and a feed-forward part, each with a residual connection.
public struct TransformerEncoderBlock: Module {
  /// Where it normalises and what it drops.
  public let options: BlockOptions
  public var attention: MultiHeadAttention
  public var norm1: LayerNorm
  public var feedForward: FeedForward
  public var norm2: LayerNorm

  /// - Parameters:
  ///   - width: size of a token.
  ///   - heads: of attention; divides `width`.
  ///   - hidden: units of the feed-forward part; 4·width without it.
  ///   - key: randomness of the first values.
  public init(_ width: Int, heads: Int, hidden: Int? = nil, options: BlockOptions = BlockOptions(), key: Key) {
    let keys = key.split()
    self.options = options
    attention = MultiHeadAttention(width, heads: heads, dropout: options.dropout, key: keys[0])
    norm1 = LayerNorm(width, epsilon: options.epsilon)
    feedForward = FeedForward(
      width, hidden: hidden ?? 4 * width, activation: options.activation, dropout: options.dropout, key: keys[1])
    norm2 = LayerNorm(width, epsilon: options.epsilon)
  }

  /// - Parameters:
  ///   - x: tokens [B, T, width].
  ///   - mask: stretches to [B, heads, T, T]; see `MultiHeadAttention.attend`.
  ///   - causal: whether token t looks at 0...t alone.
  ///   - key: randomness of dropout; without it nothing is dropped.
  public func callAsFunction(_ x: Tensor, mask: Tensor? = nil, causal: Bool = false, key: Key? = nil) -> Tensor {
    let keys = branchKeys(key, 2)
    let y = options.residual(x, norm1, key: keys[0].outside) {
      attention($0, mask: mask, causal: causal, key: keys[0].inside)
    }
    return options.residual(y, norm2, key: keys[1].outside) { feedForward($0, key: keys[1].inside) }
  }
}

/// Causal self-attention, attention to a context and a feed-forward part, each with a residual connection.
public struct TransformerDecoderBlock: Module {
  /// Where it normalises and what it drops.
  public let options: BlockOptions
  public var attention: MultiHeadAttention
  public var norm1: LayerNorm
  public var crossAttention: MultiHeadAttention
  public var norm2: LayerNorm
  public var feedForward: FeedForward
  public var norm3: LayerNorm

  /// - Parameters:
  ///   - width: size of a token.
  ///   - heads: of attention; divides `width`.
  ///   - hidden: units of the feed-forward part; 4·width without it.
  ///   - contextWidth: size of a token of the context, where it isn't `width`.
  ///   - key: randomness of the first values.
  public init(
    _ width: Int, heads: Int, hidden: Int? = nil, contextWidth: Int? = nil, options: BlockOptions = BlockOptions(),
    key: Key
  ) {
    let keys = key.split(3)
    self.options = options
    attention = MultiHeadAttention(width, heads: heads, dropout: options.dropout, key: keys[0])
    norm1 = LayerNorm(width, epsilon: options.epsilon)
    crossAttention = MultiHeadAttention(
      width, heads: heads, contextWidth: contextWidth, dropout: options.dropout, key: keys[1])
    norm2 = LayerNorm(width, epsilon: options.epsilon)
    feedForward = FeedForward(
      width, hidden: hidden ?? 4 * width, activation: options.activation, dropout: options.dropout, key: keys[2])
    norm3 = LayerNorm(width, epsilon: options.epsilon)
  }

  /// - Parameters:
  ///   - x: tokens [B, T, width].
  ///   - context: tokens [B, S, context width].
  ///   - mask: of self-attention, stretches to [B, heads, T, T]; see `MultiHeadAttention.attend`.
  ///   - contextMask: of attention to the context, stretches to [B, heads, T, S].
  ///   - causal: whether token t looks at 0...t alone.
  ///   - key: randomness of dropout; without it nothing is dropped.
  public func callAsFunction(
    _ x: Tensor, context: Tensor, mask: Tensor? = nil, contextMask: Tensor? = nil, causal: Bool = true, key: Key? = nil
  ) -> Tensor {
    let keys = branchKeys(key, 3)
    let y = options.residual(x, norm1, key: keys[0].outside) {
      attention($0, mask: mask, causal: causal, key: keys[0].inside)
    }
    let z = options.residual(y, norm2, key: keys[1].outside) {
      crossAttention($0, context: context, mask: contextMask, key: keys[1].inside)
    }
    return options.residual(z, norm3, key: keys[2].outside) { feedForward($0, key: keys[2].inside) }
  }
}
