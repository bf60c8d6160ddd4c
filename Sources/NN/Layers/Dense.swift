import Pinion

/// x·weight + bias on the last axis.
///
/// The weight is [in, out], so that the product needs no transposition; PyTorch's `Linear.weight` is its transpose.
public struct Dense: Layer {
  /// Matrix [in, out].
  public var weight: Tensor
  /// Offsets [out].
  public var bias: Tensor?

  /// A layer of given parameters: `weight` [in, out], `bias` [out].
  public init(weight: Tensor, bias: Tensor? = nil) {
    self.weight = weight
    self.bias = bias
  }

  /// - Parameters:
  ///   - inputs: size of the last axis of the argument.
  ///   - outputs: size of the last axis of the result.
  ///   - bias: whether there is one.
  ///   - weight: first values of the weight. The default is PyTorch's, for the bias too.
  ///   - biasInitializer: first values of the bias; without it they are 0, or as the weight's where those are
  ///     `.fanInUniform`.
  ///   - key: randomness of the first values.
  public init(
    _ inputs: Int, _ outputs: Int, bias: Bool = true, weight: Initializer = .fanInUniform,
    biasInitializer: Initializer? = nil, key: Key
  ) {
    (self.weight, self.bias) = parameters(
      [inputs, outputs], bias: bias ? outputs : nil, weight, biasInitializer, key: key)
  }

  /// - Parameter x: [..., in].
  /// - Returns: [..., out].
  public func callAsFunction(_ x: Tensor) -> Tensor {
    let y = x.matmul(weight)
    return bias.map { y + $0 } ?? y
  }
}

/// First values of a kernel and its bias.
func parameters(
  _ shape: [Int], bias: Int?, _ weight: Initializer, _ biasInitializer: Initializer?, key: Key
) -> (Tensor, Tensor?) {
  let keys = key.split()
  let biasInitializer = biasInitializer ?? (weight == .fanInUniform ? .fanInUniform : .zeros)
  return (weight(shape, key: keys[0]), bias.map { biasInitializer([$0], key: keys[1], kernel: shape) })
}
