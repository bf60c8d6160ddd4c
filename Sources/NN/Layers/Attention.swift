import Pinion

/// Attention(Q, K, V) = softmax(QKᵀ·scale) V. Vaswani et al., 2017.
///
/// - Parameters:
///   - queries: [..., T, d].
///   - keys: [..., S, d].
///   - values: [..., S, e].
///   - mask: stretches to [..., T, S]; of booleans, true where a query may look, or of numbers added to the scores.
///     A query that may look nowhere gets zeros from a boolean mask.
///   - causal: whether query t looks at keys 0...t alone.
///   - scale: 1/√d without it.
///   - dropout: probability of a weight to be dropped.
///   - key: randomness of dropout; without it nothing is dropped.
/// - Returns: mixed values [..., T, e], and the weights [..., T, S].
public func attention(
  _ queries: Tensor, _ keys: Tensor, _ values: Tensor, mask: Tensor? = nil, causal: Bool = false, scale: Double? = nil,
  dropout: Double = 0, key: Key? = nil
) -> (output: Tensor, weights: Tensor) {
  guard queries.rank >= 2, keys.rank >= 2 else {
    let error =
      queries.failure ?? keys.failure
      ?? .shape("attention", "takes [..., tokens, width], got queries \(queries.shape), keys \(keys.shape)")
    return (.failed(error), .failed(error))
  }
  let scale = scale ?? 1 / Double(max(queries.shape[queries.rank - 1], 1)).squareRoot()
  var scores = (queries * scale).matmul(keys.swapAxes(-1, -2))
  var visible: Tensor?
  if let mask {
    if mask.dtype == .bool { visible = mask } else { scores = scores + mask }
  }
  if causal {
    let square = [queries.shape[queries.rank - 2], keys.shape[keys.rank - 2]]
    let past = Tensor.iota(square, axis: 0) .>= Tensor.iota(square, axis: 1)
    visible = visible.map { $0 .&& past } ?? past
  }
  // A finite number keeps rows without any visible key free of NaN, in the derivative too.
  if let visible { scores = select(visible, scores, Tensor.full([], scores.dtype.lowScore, dtype: scores.dtype)) }
  var weights = scores.softmax(axis: -1)
  if let visible { weights = select(visible, weights, Tensor.zeros([], dtype: weights.dtype)) }
  let kept = Dropout(dropout)(weights, key: key)
  return (kept.matmul(values), weights)
}

extension DType {
  /// A score whose exponential is 0, and that leaves room for sums.
  fileprivate var lowScore: Double { self == .float16 ? -3e4 : -1e30 }
}

/// Attention by several heads, each with its own projections. Vaswani et al., 2017.
public struct MultiHeadAttention: Module {
  /// Number of heads; divides the width.
  public let heads: Int
  /// Dropout of attention weights while training.
  public let dropout: Double
  /// Projection [width, width] of the queries.
  public var query: Dense
  /// Projection [context width, width] of the keys.
  public var key: Dense
  /// Projection [context width, width] of the values.
  public var value: Dense
  /// Projection [width, width] of the heads' results.
  public var output: Dense

  /// - Parameters:
  ///   - width: size of a token.
  ///   - heads: divides `width`.
  ///   - contextWidth: size of a token of the context, where it isn't `width`.
  ///   - bias: whether projections have offsets; they start at 0.
  ///   - dropout: of attention weights while training.
  ///   - weight: first values of the projections.
  ///   - key: randomness of the first values.
  public init(
    _ width: Int, heads: Int, contextWidth: Int? = nil, bias: Bool = true, dropout: Double = 0,
    weight: Initializer = .glorotUniform, key: Key
  ) {
    let keys = key.split(4)
    let context = contextWidth ?? width
    func projection(_ inputs: Int, _ i: Int) -> Dense {
      Dense(inputs, width, bias: bias, weight: weight, biasInitializer: .zeros, key: keys[i])
    }
    self.heads = heads
    self.dropout = dropout
    query = projection(width, 0)
    self.key = projection(context, 1)
    value = projection(context, 2)
    output = projection(width, 3)
  }

  /// Mixed tokens; see `attend`.
  public func callAsFunction(
    _ x: Tensor, context: Tensor? = nil, mask: Tensor? = nil, causal: Bool = false, key: Key? = nil
  ) -> Tensor {
    attend(x, context: context, mask: mask, causal: causal, key: key).output
  }

  /// Mixed tokens, and how much each looked at each.
  ///
  /// - Parameters:
  ///   - x: tokens [B, T, width] that look.
  ///   - context: tokens [B, S, context width] that are looked at; `x` without it.
  ///   - mask: stretches to [B, heads, T, S]; booleans (true where a token may look) or numbers added to the scores.
  ///   - causal: whether token t looks at 0...t alone.
  ///   - key: randomness of dropout; without it nothing is dropped.
  /// - Returns: tokens [B, T, width], and weights [B, heads, T, S].
  public func attend(
    _ x: Tensor, context: Tensor? = nil, mask: Tensor? = nil, causal: Bool = false, key dropoutKey: Key? = nil
  ) -> (output: Tensor, weights: Tensor) {
    let context = context ?? x
    let width = query.weight.shape.last ?? 0
    guard x.rank == 3, context.rank == 3, heads > 0, width % heads == 0 else {
      let error =
        x.failure ?? context.failure ?? query.weight.failure
        ?? .shape(
          "MultiHeadAttention",
          "takes [B, tokens, width] and a width that divides into heads: got \(x.shape), \(context.shape), width "
            + "\(width), \(heads) heads")
      return (.failed(error), .failed(error))
    }
    func split(_ t: Tensor) -> Tensor {
      t.reshape([t.shape[0], t.shape[1], heads, width / heads]).transpose([0, 2, 1, 3])
    }
    let (q, k, v) = (query(x), key(context), value(context))
    if let error = q.failure ?? k.failure ?? v.failure { return (.failed(error), .failed(error)) }
    let (mixed, weights) = attention(
      split(q), split(k), split(v), mask: mask, causal: causal, dropout: dropout, key: dropoutKey)
    return (output(mixed.transpose([0, 2, 1, 3]).reshape(q.shape)), weights)
  }
}
