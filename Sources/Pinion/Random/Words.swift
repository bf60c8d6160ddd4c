/// Keys side by side, one for each element: two words each, uint32 of one shape. Draws one number of each.
struct Words {
  var high: Tensor
  var low: Tensor

  /// For each key `count` independent ones.
  func split(_ count: Int = 2) -> [Words] {
    (0..<count).map { i in
      let results = Tensor.apply(
        Threefry2x32(), [high, low, Tensor.zeros(like: high), Tensor.full(like: low, Double(i))], resultCount: 2)
      return Words(high: results[0], low: results[1])
    }
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
