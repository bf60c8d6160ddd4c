/// Randomness as a value: the same key gives the same numbers, bit for bit those of `jax.random` (partitionable form).
///
/// Derive keys with `split` and `foldIn`; use each once.
public struct Key: Tree, Sendable {
  /// Two words, uint32 [2].
  public var words: Tensor

  /// The key of a seed.
  public init(_ seed: UInt64) {
    words = Tensor([UInt32(truncatingIfNeeded: seed >> 32), UInt32(truncatingIfNeeded: seed)])
  }

  /// A key of two words, uint32 [2].
  public init(words: Tensor) { self.words = words }

  public mutating func visit(_ visitor: TreeVisitor) throws { try visitor.child("words", &words) }

  private func hash(_ high: Tensor, _ low: Tensor) -> (Tensor, Tensor) {
    let results = Tensor.apply(Threefry2x32(), [words[0], words[1], high, low], resultCount: 2)
    return (results[0], results[1])
  }

  /// The words where they're known without running anything. Keys derived from those are computed on the host, so that
  /// a model's initial weights don't each compile a program of their own.
  private var known: (UInt32, UInt32)? {
    guard words.type == TensorType(.uint32, [2]) else { return nil }
    return Graph.lock.withLock {
      guard case .host(let data) = words.node.state else { return nil }
      return (data.bytes.load(as: UInt32.self), data.bytes.load(fromByteOffset: 4, as: UInt32.self))
    }
  }

  /// Counters 0, 1, … of a shape, as high and low words.
  private func counters(_ shape: [Int]) -> (Tensor, Tensor) {
    let low = Tensor.iota([shape.elementCount], axis: 0, dtype: .uint32).reshape(shape)
    return (Tensor.zeros(shape, dtype: .uint32), low)
  }

  /// `count` independent keys.
  public func split(_ count: Int = 2) -> [Key] {
    if let known {
      return (0..<count).map { i in
        let (x, y) = Threefry2x32.host(known, (0, UInt32(truncatingIfNeeded: i)))
        return Key(words: Tensor([x, y]))
      }
    }
    let (a, b) = counters([count])
    let (x, y) = hash(a, b)
    let pairs = stack([x, y], axis: 1)
    return (0..<count).map { Key(words: pairs[$0]) }
  }

  /// The key of a number under this key: for steps, layers, examples.
  public func foldIn(_ number: Int) -> Key {
    if let known {
      let (x, y) = Threefry2x32.host(known, (0, UInt32(truncatingIfNeeded: number)))
      return Key(words: Tensor([x, y]))
    }
    return foldIn(Tensor(UInt32(truncatingIfNeeded: number)))
  }

  /// The key of a number (uint32 scalar) under this key.
  public func foldIn(_ number: Tensor) -> Key {
    let low = number.cast(.uint32)
    let (x, y) = hash(Tensor.zeros([], dtype: .uint32), low)
    return Key(words: stack([x, y]))
  }

  /// Uniform random bits.
  ///
  /// - Parameter dtype: uint8, uint16, uint32 or uint64.
  public func bits(_ shape: [Int], dtype: DType = .uint32) -> Tensor {
    let (high, low) = counters(shape)
    let (x, y) = hash(high, low)
    switch dtype {
    case .uint64: return (x.cast(.uint64) << 32) | y.cast(.uint64)
    case .uint8, .uint16, .uint32: return (x ^ y).cast(dtype)
    default: return .failed(.dtype("bits", "takes an unsigned integer type, not \(dtype)"))
    }
  }

  /// Uniform numbers in [low, high).
  public func uniform(_ shape: [Int], dtype: DType = .float32, from low: Double = 0, to high: Double = 1) -> Tensor {
    let (width, mantissa, one): (DType, Int, UInt64)
    switch dtype {
    case .float16: (width, mantissa, one) = (.uint16, 10, 0x3C00)
    case .bfloat16: (width, mantissa, one) = (.uint16, 7, 0x3F80)
    case .float32: (width, mantissa, one) = (.uint32, 23, 0x3F80_0000)
    case .float64: (width, mantissa, one) = (.uint64, 52, 0x3FF0_0000_0000_0000)
    default: return .failed(.dtype("uniform", "takes a floating-point type, not \(dtype)"))
    }
    let random = bits(shape, dtype: width).shiftRightLogical(width.byteCount * 8 - mantissa)
    let unit = (random | Int(one)).bitcast(dtype) - 1
    let (bottom, top) = (Tensor.full([], low, dtype: dtype), Tensor.full([], high, dtype: dtype))
    return maximum(unit * (top - bottom) + bottom, bottom.broadcast(to: shape))
  }

  /// Standard normal numbers.
  public func normal(_ shape: [Int], dtype: DType = .float32) -> Tensor {
    let lowest: Double
    switch dtype {
    case .float64: lowest = (-1.0).nextUp
    case .float32: lowest = Double((-1 as Float).nextUp)
    case .float16: lowest = Double((-1 as Float16).nextUp)
    default: lowest = -1 + 1.0 / 256
    }
    return uniform(shape, dtype: dtype, from: lowest, to: 1).erfInverse() * 2.0.squareRoot()
  }

  /// Normal numbers, kept between two bounds.
  public func truncatedNormal(_ shape: [Int], from low: Double = -2, to high: Double = 2, dtype: DType = .float32) -> Tensor {
    let root = 2.0.squareRoot()
    let bounds = (Tensor.full([], low, dtype: dtype), Tensor.full([], high, dtype: dtype))
    let (a, b) = ((bounds.0 / root).erf(), (bounds.1 / root).erf())
    let unit = uniform(shape, dtype: dtype)
    let u = maximum(unit * (b - a) + a, a.broadcast(to: shape))
    let infinity = Tensor.full([], .infinity, dtype: dtype)
    return (u.erfInverse() * root).clamp(
      min: bounds.0.nextAfter(infinity).broadcast(to: shape), max: bounds.1.nextAfter(-infinity).broadcast(to: shape))
  }

  /// True with probability `p`.
  public func bernoulli(_ p: Double = 0.5, _ shape: [Int]) -> Tensor { uniform(shape) .< p }

  /// Standard Gumbel numbers.
  public func gumbel(_ shape: [Int], dtype: DType = .float32) -> Tensor {
    let tiny = dtype == .float64 ? Double.leastNormalMagnitude : Double(Float.leastNormalMagnitude)
    return -(-uniform(shape, dtype: dtype, from: tiny, to: 1).log()).log()
  }

  /// Exponential numbers of rate 1.
  public func exponential(_ shape: [Int], dtype: DType = .float32) -> Tensor { -(-uniform(shape, dtype: dtype)).log1p() }

  /// Indices (int32) drawn by unnormalised log-probabilities along an axis.
  public func categorical(_ logits: Tensor, axis: Int = -1) -> Tensor {
    (gumbel(logits.shape, dtype: logits.dtype) + logits).argMax(axis: axis)
  }
}
