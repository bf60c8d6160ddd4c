import Pinion

/// A vector for each of a set of numbers: words, tokens, positions.
public struct Embedding: Module {
  /// Vectors [count, width].
  public var weight: Tensor

  /// - Parameters:
  ///   - count: how many numbers there are.
  ///   - width: size of a vector.
  ///   - weight: first values; standard normal as in PyTorch.
  public init(_ count: Int, _ width: Int, weight: Initializer = .normal(1), key: Key) {
    self.weight = weight([count, width], key: key)
  }

  /// - Parameter indices: integers of any shape, in 0 ..< count.
  /// - Returns: the shape of the indices and a last axis of `width`.
  public func callAsFunction(_ indices: Tensor) -> Tensor {
    guard weight.rank == 2, weight.shape[0] <= Embedding.contractionLimit else { return weight.take(indices, axis: 0) }
    do {
      let (count, dtype) = (weight.shape[0], weight.dtype)
      return try customVJP(inputs: [weight]) { inputs in
        ([inputs[0].take(indices, axis: 0)], [indices])
      } backward: { residuals, cotangents in
        let hot = oneHot(residuals[0], classes: count, dtype: dtype)
        let axes = Array(0..<residuals[0].rank)
        return [dotGeneral(hot, cotangents[0], contract: (axes, axes))]
      }[0]
    } catch {
      return .failed(error as? TensorError ?? TensorError(.runtime, "Embedding", "\(error)"))
    }
  }

  /// Scores [..., count] of vectors [..., width] against all of the set's: the output layer of tied weights.
  public func attend(_ x: Tensor) -> Tensor { x.matmul(weight.transpose()) }

  /// Largest set whose gradient is a product with one-hot vectors. XLA adds scattered rows one after the other, which
  /// is slower up to about this size (measured on two cores).
  static let contractionLimit = 512
}
