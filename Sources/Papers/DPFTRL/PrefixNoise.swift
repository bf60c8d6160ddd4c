import Pinion

/// Noise of prefix sums, step by step, as state of a compiled training step.
///
/// Every fresh vector is drawn from a key that is folded with its place (tree, level and number of a node; or the step), so
/// that nothing is drawn twice, and a resumed run goes on with the same numbers. Numbers are of unit deviation before they
/// are scaled: multiply by σ times the clipping norm.
///
/// They are float32 by a 64-bit key: good approximations of Gaussians, not proof against attacks on their low bits
/// (Mironov, 2012).
public struct PrefixNoise: Module {
  /// How the steps' noises hang together.
  public let mechanism: NoiseMechanism
  /// Numbers of a vector.
  public let size: Int
  /// Values of the tree's finished nodes by level [levels, P]; of banded noise the last increments [bands − 1, P].
  var rows: Tensor
  /// Noise that stays: of former trees, or the sum of increments [P].
  var settled: Tensor
  /// Steps in the tree so far, int32.
  public private(set) var step: Tensor
  /// Trees before this one, int32.
  public private(set) var tree: Tensor
  var key: Key

  /// The state before the first step.
  ///
  /// - Parameters:
  ///   - size: numbers P of a vector.
  ///   - levels: of the largest tree, leaves included; unused by other mechanisms.
  ///   - key: secret; use it once.
  public init(_ mechanism: NoiseMechanism, size: Int, levels: Int, key: Key) {
    self.mechanism = mechanism
    self.size = size
    let count =
      switch mechanism {
      case .independent: 1
      case .tree: max(1, levels)
      case .banded(let coefficients): max(1, coefficients.count - 1)
      }
    let width = mechanism == .independent ? 1 : size
    rows = Tensor.zeros([count, width])
    settled = Tensor.zeros([size])
    step = Tensor.zeros([], dtype: .int32)
    tree = Tensor.zeros([], dtype: .int32)
    self.key = key
  }

  /// Goes on by one step.
  ///
  /// - Returns: noise of the prefix sum [P].
  /// - Throws: `TensorError`.
  public mutating func next() throws -> Tensor {
    step = step + 1
    switch mechanism {
    case .independent:
      settled = settled + fresh(level: Tensor.zeros([], dtype: .int32), number: step - 1)
      return settled
    case .tree(let efficient):
      if efficient { try addEstimate() } else { addNode() }
      return settled + current(efficient: efficient)
    case .banded(let coefficients):
      settled = settled + increment(coefficients)
      return settled
    }
  }

  /// Ends the tree and begins a new one. The noise that the sum then has stays in it.
  ///
  /// - Parameter completing: whether virtual steps without data go before, up to the next power of 2.
  /// - Throws: `TensorError`.
  public mutating func restart(completing: Bool) throws {
    guard case .tree(let efficient) = mechanism else { return }
    if completing {
      let full = powerOfTwo(from: step)
      let completed = try whileLoop(
        self, while: { $0.step .< full },
        do: { noise in
          var noise = noise
          _ = try noise.next()
          return noise
        })
      self = completed
    }
    settled = settled + current(efficient: efficient)
    step = Tensor.zeros([], dtype: .int32)
    tree = tree + 1
  }

  // MARK: Trees

  /// A fresh vector [P] of a place.
  private func fresh(level: Tensor, number: Tensor) -> Tensor {
    key.foldIn(tree.cast(.uint32)).foldIn(level.cast(.uint32)).foldIn(number.cast(.uint32)).normal([size])
  }

  /// Exponent of the greatest power of 2 that divides a positive number.
  private func trailingZeros(_ x: Tensor) -> Tensor { 31 - (x & -x).leadingZeroBitCount() }

  private func powerOfTwo(from x: Tensor) -> Tensor {
    let one = Tensor.ones([], dtype: .int32)
    return one << (32 - maximum(x - 1, 0).leadingZeroBitCount())
  }

  /// The node that this step finishes and that the sum uses: one fresh vector a step.
  private mutating func addNode() {
    let level = trailingZeros(step)
    let node = fresh(level: level, number: (step >> level) - 1)
    rows = rows.dynamicUpdateSlice(node.expandDims(0), starts: [level, Tensor.zeros([], dtype: .int32)])
  }

  /// All nodes that this step finishes, each joined with the estimates of its children: own + (left + right)/2 is
  /// 2 − 2^−height times the estimate of least variance.
  private mutating func addEstimate() throws {
    struct Carry: Module {
      var level: Tensor
      var value: Tensor
    }
    let zero = Tensor.zeros([], dtype: .int32)
    let (now, before, known) = (step, step - 1, rows)
    let start = Carry(level: zero, value: fresh(level: zero, number: before))
    let done = try whileLoop(
      start, while: { ((before >> $0.level) & 1) .== 1 },
      do: { carry in
        let above = carry.level + 1
        let own = fresh(level: above, number: (now >> above) - 1)
        let left = known.dynamicSlice(starts: [carry.level, zero], sizes: [1, size]).squeeze(axis: 0)
        return Carry(level: above, value: own + (left + carry.value) / 2)
      })
    rows = rows.dynamicUpdateSlice(done.value.expandDims(0), starts: [done.level, zero])
  }

  /// Sum over the nodes that make up the steps so far: the ones in the binary number of them.
  private func current(efficient: Bool) -> Tensor {
    let levels = rows.shape.first ?? 1
    let bits = ((step >> Tensor.iota([levels], axis: 0)) & 1).cast(.float32)
    let scales = (0..<levels).map { Float(NoiseMechanism.nodeVariance(height: $0, efficient: efficient)) }
    return (bits * Tensor(scales)).expandDims(0).matmul(rows).squeeze(axis: 0)
  }

  // MARK: Bands

  /// y_t = (z_t − c₁ y_{t−1} − …)/c₀; the increments go round in `rows`.
  private mutating func increment(_ coefficients: [Double]) -> Tensor {
    let zero = Tensor.zeros([], dtype: .int32)
    let place = step - 1
    let own = fresh(level: zero, number: place)
    let reach = coefficients.count - 1
    guard reach > 0 else { return own / (coefficients.first ?? 1) }
    // The increment of j steps ago lies at (t − j) modulo the reach.
    let slots = Tensor.iota([reach], axis: 0)
    let ago = floorRemainder(place - 1 - slots, Tensor.full([], Double(reach), dtype: .int32))
    let weights = Tensor(coefficients.dropFirst().map { Float($0) }).take(ago)
    let value = (own - weights.expandDims(0).matmul(rows).squeeze(axis: 0)) / (coefficients.first ?? 1)
    rows = rows.dynamicUpdateSlice(
      value.expandDims(0), starts: [floorRemainder(place, Tensor.full([], Double(reach), dtype: .int32)), zero])
    return value
  }
}
