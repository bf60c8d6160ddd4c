/// Keys side by side, one for each element: two words each, uint32 of one shape. Draws one number of each.
struct Words {
  var high: Tensor
  var low: Tensor

  /// For each key `count` independent ones.
  func split(_ count: Int = 2) -> [Words] {
    // All at once: the cipher is long, and each is compiled anew.
    let shape = [count] + high.shape
    let number = Tensor.iota(shape, axis: 0, dtype: .uint32)
    let results = Tensor.apply(
      Threefry2x32(),
      [high.broadcast(to: shape), low.broadcast(to: shape), Tensor.zeros(like: number), number], resultCount: 2)
    return (0..<count).map { Words(high: results[0][$0], low: results[1][$0]) }
  }

  private func drawn() -> (Tensor, Tensor) {
    let zero = Tensor.zeros(like: high)
    let results = Tensor.apply(Threefry2x32(), [high, low, zero, zero], resultCount: 2)
    return (results[0], results[1])
  }

  /// One number of each key in [low, high).
  func uniform(_ dtype: DType, from low: Double = 0, to high: Double = 1) -> Tensor {
    let (x, y) = drawn()
    return Key.uniform(
      dtype, from: Tensor.full([], low, dtype: dtype), to: Tensor.full([], high, dtype: dtype)
    ) { Key.bits(x, y, $0) }
  }

  /// One standard normal number of each key.
  func normal(_ dtype: DType) -> Tensor {
    uniform(dtype, from: Key.lowestOfNormal(dtype), to: 1).erfInverse() * 2.0.squareRoot()
  }
}
