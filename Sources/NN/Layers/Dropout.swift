import Pinion

/// Sets each element to 0 with probability `rate` and scales the others up, while training. Srivastava et al., 2014.
public struct Dropout: Module {
  /// Probability of an element to be dropped, in [0, 1].
  public let rate: Double
  /// Whether the places come from `Key.quickBits` rather than from the cipher that `jax.random` uses.
  public let isQuick: Bool

  /// Dropout at a rate in [0, 1].
  public init(_ rate: Double, isQuick: Bool = false) {
    self.rate = rate
    self.isQuick = isQuick
  }

  /// - Parameter key: randomness; without it nothing is dropped.
  public func callAsFunction(_ x: Tensor, key: Key?) -> Tensor {
    dropped("Dropout", x, rate: rate, shape: x.shape, key: key, isQuick: isQuick)
  }
}

/// Sets whole examples of a residual branch to 0 with probability `rate` and scales the others up, while training.
///
/// Huang et al., "Deep networks with stochastic depth", 2016.
public struct DropPath: Module {
  /// Probability of an example to be dropped, in [0, 1].
  public let rate: Double

  /// Drops examples at a rate in [0, 1].
  public init(rate: Double) { self.rate = rate }

  /// - Parameters:
  ///   - x: [N, ...].
  ///   - key: randomness; without it nothing is dropped.
  public func callAsFunction(_ x: Tensor, key: Key?) -> Tensor {
    dropped("DropPath", x, rate: rate, shape: x.shape.enumerated().map { $0 == 0 ? $1 : 1 }, key: key)
  }
}

/// Zeros at random places of `shape`, which stretches to that of `x`; the mean stays.
private func dropped(
  _ name: String, _ x: Tensor, rate: Double, shape: [Int], key: Key?, isQuick: Bool = false
) -> Tensor {
  guard (0...1).contains(rate) else { return .failed(.value(name, "the rate must be in 0...1, got \(rate)")) }
  guard let key, rate > 0, x.failure == nil else { return x }
  if rate == 1 { return Tensor.zeros(like: x) }
  // Of 2³² words the lowest are dropped.
  let isKept = isQuick ? key.quickBits(shape) .>= (rate * 0x1p32).rounded() : key.bernoulli(1 - rate, shape)
  return select(isKept, x / (1 - rate), Tensor.zeros(like: x))
}
