import Glibc

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

  /// `count` independent keys; none where it isn't positive.
  public func split(_ count: Int = 2) -> [Key] {
    guard count > 0 else { return [] }
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

  /// `count` independent keys, as those of `split`.
  func words(_ count: Int) -> Words {
    let (a, b) = counters([count])
    let (x, y) = hash(a, b)
    return Words(high: x, low: y)
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
    return Key.bits(x, y, dtype)
  }

  /// Random bits for masks, uint32, at a fifth of the cost of `bits`, which is a cipher: what uses them computes them on
  /// the way, and no array of them is made.
  ///
  /// Each number is its place in the array and the two words of the key, mixed by twice the last steps of MurmurHash3
  /// (Appleby, 2011). Good enough to drop out elements; draw what a result hangs on from `bits`.
  public func quickBits(_ shape: [Int]) -> Tensor {
    let (_, places) = counters(shape)
    return mixed(mixed(places * 0x9E37_79B9 + words[0]) ^ words[1])
  }

  private func mixed(_ x: Tensor) -> Tensor {
    var x = x
    for (shift, factor): (Int, Double) in [(16, 0x85EB_CA6B), (13, 0xC2B2_AE35)] {
      x = (x ^ x.shiftRightLogical(shift)) * factor
    }
    return x ^ x.shiftRightLogical(16)
  }

  /// Random bits of the two words that the cipher gives.
  static func bits(_ x: Tensor, _ y: Tensor, _ dtype: DType) -> Tensor {
    switch dtype {
    case .uint64: return (x.cast(.uint64) << 32) | y.cast(.uint64)
    case .uint8, .uint16, .uint32: return (x ^ y).cast(dtype)
    default: return .failed(.dtype("bits", "takes an unsigned integer type, not \(dtype)"))
    }
  }

  /// Uniform numbers in [low, high).
  public func uniform(_ shape: [Int], dtype: DType = .float32, from low: Double = 0, to high: Double = 1) -> Tensor {
    uniform(
      shape, dtype: dtype, from: Tensor.full([], low, dtype: dtype), to: Tensor.full([], high, dtype: dtype))
  }

  /// Uniform numbers in [low, high), which stretch to the shape.
  public func uniform(_ shape: [Int], dtype: DType = .float32, from low: Tensor, to high: Tensor) -> Tensor {
    Key.uniform(dtype, from: low, to: high) { bits(shape, dtype: $0) }
  }

  /// Random bits under the exponent of 1, so that the number lies in [1, 2); then shifted and stretched.
  static func uniform(_ dtype: DType, from low: Tensor, to high: Tensor, bits: (DType) -> Tensor) -> Tensor {
    let (drawn, mantissa, one): (DType, Int, UInt64)
    switch dtype {
    case .float16: (drawn, mantissa, one) = (.uint16, 10, 0x3C00)
    // Seven bits fit in a byte, so that jax draws one.
    case .bfloat16: (drawn, mantissa, one) = (.uint8, 7, 0x3F80)
    case .float32: (drawn, mantissa, one) = (.uint32, 23, 0x3F80_0000)
    case .float64: (drawn, mantissa, one) = (.uint64, 52, 0x3FF0_0000_0000_0000)
    default: return .failed(.dtype("uniform", "takes a floating-point type, not \(dtype)"))
    }
    let word = dtype == .bfloat16 ? DType.uint16 : drawn
    let random = bits(drawn).cast(word).shiftRightLogical(drawn.byteCount * 8 - mantissa)
    let unit = (random | Int(one)).bitcast(dtype) - 1
    return maximum(unit * (high - low) + low, low)
  }

  /// Standard normal numbers; complex ones have variance 1, half of it in each part.
  public func normal(_ shape: [Int], dtype: DType = .float32) -> Tensor {
    if dtype.isComplex {
      let keys = split()
      let parts = keys.map { $0.normal(shape, dtype: dtype.realType) }
      let root = Tensor.full([], 2.0.squareRoot(), dtype: dtype)
      return complex(parts[0], parts[1]) / root
    }
    return uniform(shape, dtype: dtype, from: Key.lowestOfNormal(dtype), to: 1).erfInverse() * 2.0.squareRoot()
  }

  /// The number after -1, from which on erf⁻¹ is finite.
  static func lowestOfNormal(_ dtype: DType) -> Double {
    switch dtype {
    case .float64: (-1.0).nextUp
    case .float16: Double((-1 as Float16).nextUp)
    case .bfloat16: -1 + 1.0 / 256
    default: Double((-1 as Float).nextUp)
    }
  }

  /// Normal numbers, kept between two bounds.
  public func truncatedNormal(_ shape: [Int], from low: Double = -2, to high: Double = 2, dtype: DType = .float32)
    -> Tensor
  {
    let root = 2.0.squareRoot()
    let (bottom, top) = (Tensor.full([], low, dtype: dtype), Tensor.full([], high, dtype: dtype))
    let u = uniform(shape, dtype: dtype, from: (bottom / root).erf(), to: (top / root).erf())
    let infinity = Tensor.full([], .infinity, dtype: dtype)
    return (u.erfInverse() * root).clamp(min: bottom.nextAfter(infinity), max: top.nextAfter(-infinity))
  }

  /// True with probability `p`.
  public func bernoulli(_ p: Double = 0.5, _ shape: [Int]) -> Tensor { uniform(shape) .< p }

  /// True with the probabilities of a tensor, elementwise.
  public func bernoulli(_ p: Tensor) -> Tensor {
    p.failure == nil ? uniform(p.shape, dtype: p.dtype) .< p : p
  }

  /// Standard Gumbel numbers.
  public func gumbel(_ shape: [Int], dtype: DType = .float32) -> Tensor {
    return -(-uniform(shape, dtype: dtype, from: dtype.tiny, to: 1).log()).log()
  }

  /// Exponential numbers of rate 1.
  public func exponential(_ shape: [Int], dtype: DType = .float32) -> Tensor {
    -(-uniform(shape, dtype: dtype)).log1p()
  }

  /// Indices (int32) drawn by unnormalised log-probabilities along an axis.
  ///
  /// - Parameter shape: of the result; its last axes are those of the logits without `axis`. Without it one draw each.
  public func categorical(_ logits: Tensor, axis: Int = -1, shape: [Int]? = nil) -> Tensor {
    switch logits.axis(axis, "categorical") {
    case .failure(let error): return .failed(error)
    case .success(let i):
      var batch = logits.shape
      let classes = batch.remove(at: i)
      let shape = shape ?? batch
      guard shape.count >= batch.count, Array(shape.suffix(batch.count)) == batch else {
        return .failed(
          .shape("categorical", "\(shape) doesn't end in \(batch), the logits' shape without axis \(axis)"))
      }
      var drawn = shape
      drawn.insert(classes, at: shape.count - batch.count + i)
      return (gumbel(drawn, dtype: logits.dtype) + logits).argMax(axis: i - logits.rank)
    }
  }

  /// Integers in low ..< high; `low` where there are none.
  ///
  /// Like jax's, the numbers are remainders, biased by (high - low) / 2^64 of a probability at most (int64: 2^128).
  ///
  /// - Parameter dtype: an integer type that holds the numbers.
  public func randint(_ shape: [Int], from low: Int, to high: Int, dtype: DType = .int32) -> Tensor {
    let lowest = dtype.isUnsigned ? 0 : Int.min >> (64 - dtype.byteCount * 8)
    let top = dtype == .uint64 ? Int.max : Int.max >> (64 - dtype.byteCount * 8 - (dtype.isUnsigned ? 1 : 0))
    guard dtype.isInteger else { return .failed(.dtype("randint", "takes an integer type, not \(dtype)")) }
    guard low >= lowest, low <= top, high >= lowest, high - 1 <= top else {
      return .failed(.value("randint", "\(low)..<\(high) isn't inside of \(dtype), \(lowest)...\(top)"))
    }
    let wide = dtype.byteCount == 8
    let word: DType = wide ? .uint64 : .uint32
    let difference = high > low ? UInt64(bitPattern: Int64(high &- low)) : 1
    // A span of 2^32 has no place in the word; all bits are good then, as they are.
    let span = wide ? Tensor(difference) : Tensor(UInt32(truncatingIfNeeded: difference))
    let keys = split()
    let (upper, lower) = (keys[0].bits(shape, dtype: word), keys[1].bits(shape, dtype: word))
    let root = Tensor.full([], wide ? 0x1_0000_0000 : 0x1_0000, dtype: word) % span
    let offset = ((upper % span) * ((root * root) % span) + lower % span) % span
    let start = wide ? Tensor(UInt64(bitPattern: Int64(low))) : Tensor(UInt32(truncatingIfNeeded: low))
    return (offset + start).bitcast(dtype.isUnsigned ? word : wide ? .int64 : .int32).cast(dtype)
  }

  /// The numbers 0 ..< n (int32) in random order.
  public func permutation(_ n: Int) -> Tensor {
    guard n >= 0 else { return .failed(.value("permutation", "\(n) is negative")) }
    var (key, order) = (self, Tensor.arange(n))
    // Sorting by random keys that may collide: several rounds leave no pair of elements that collides in each.
    for _ in 0..<Int((3 * log(Double(Swift.max(1, n))) / log(Double(UInt32.max))).rounded(.up)) {
      let keys = key.split()
      key = keys[0]
      order = sortTogether(keys[1].bits([n]), [order], axis: 0)[1]
    }
    return order
  }

  /// The slices of a tensor along an axis in random order.
  public func permutation(_ x: Tensor, axis: Int = 0) -> Tensor {
    switch x.axis(axis, "permutation") {
    case .failure(let error): .failed(error)
    case .success(let i): x.take(permutation(x.shape[i]), axis: i)
    }
  }
}
