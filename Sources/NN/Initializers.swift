import Pinion

/// How the first values of a parameter are drawn.
///
/// Kernels have their outputs on the last axis and their inputs on the one before, `[…, in, out]`. Leading axes are
/// the window: `fanIn` is `in` times the window's size, `fanOut` `out` times it.
public enum Initializer: Hashable, Sendable {
  case zeros
  case ones
  case constant(Double)
  /// Normal with the given standard deviation.
  case normal(Double)
  /// Uniform between minus and plus the given bound.
  case uniform(Double)
  /// Standard normal cut at ±2, times the given number. The spread of the result is 0.88 of that.
  case truncatedNormal(Double)
  /// Uniform, variance 2 / (fanIn + fanOut). Glorot and Bengio, 2010.
  case glorotUniform
  /// Normal, variance 2 / (fanIn + fanOut).
  case glorotNormal
  /// Uniform, variance 2 / fanIn. He et al., 2015.
  case heUniform
  /// Normal, variance 2 / fanIn.
  case heNormal
  /// Uniform, variance 1 / fanIn. LeCun et al., 1998.
  case lecunUniform
  /// Normal, variance 1 / fanIn.
  case lecunNormal
  /// Uniform between ±1 / √fanIn: PyTorch's default for dense and convolutional layers, weights and biases.
  case fanInUniform
  /// Orthonormal rows or columns of the kernel as a matrix [everything else, out], times a gain. Saxe et al., 2014.
  case orthogonal(gain: Double = 1)

  /// Orthonormal rows or columns.
  public static var orthogonal: Initializer { .orthogonal(gain: 1) }

  /// Draws a tensor.
  ///
  /// - Parameters:
  ///   - shape: shape of the parameter.
  ///   - key: randomness.
  ///   - kernel: shape that fans are counted from, where it isn't the parameter's own: a bias takes its weight's.
  public func callAsFunction(_ shape: [Int], key: Key, kernel: [Int]? = nil, dtype: DType = .float32) -> Tensor {
    let (fanIn, fanOut) = Initializer.fans(of: kernel ?? shape)
    func uniform(variance: Double) -> Tensor { uniform(bound: (3 * variance).squareRoot()) }
    func uniform(bound: Double) -> Tensor { key.uniform(shape, dtype: dtype, from: -bound, to: bound) }
    func normal(variance: Double) -> Tensor { key.normal(shape, dtype: dtype) * variance.squareRoot() }
    switch self {
    case .zeros: return Tensor.zeros(shape, dtype: dtype)
    case .ones: return Tensor.ones(shape, dtype: dtype)
    case .constant(let value): return Tensor.full(shape, value, dtype: dtype)
    case .normal(let deviation): return key.normal(shape, dtype: dtype) * deviation
    case .uniform(let bound): return uniform(bound: bound)
    case .truncatedNormal(let deviation): return key.truncatedNormal(shape, dtype: dtype) * deviation
    case .glorotUniform: return uniform(variance: 2 / (fanIn + fanOut))
    case .glorotNormal: return normal(variance: 2 / (fanIn + fanOut))
    case .heUniform: return uniform(variance: 2 / fanIn)
    case .heNormal: return normal(variance: 2 / fanIn)
    case .lecunUniform: return uniform(variance: 1 / fanIn)
    case .lecunNormal: return normal(variance: 1 / fanIn)
    case .fanInUniform: return uniform(bound: 1 / fanIn.squareRoot())
    case .orthogonal(let gain): return orthonormal(shape, key: key, dtype: dtype) * gain
    }
  }

  /// Inputs and outputs that one number of a kernel `[…, in, out]` connects; at least 1.
  public static func fans(of shape: [Int]) -> (fanIn: Double, fanOut: Double) {
    guard let out = shape.last else { return (1, 1) }
    let window = shape.dropLast(2).reduce(1, *)
    let fanIn = shape.count == 1 ? out : window * shape[shape.count - 2]
    return (Double(max(fanIn, 1)), Double(max(window * out, 1)))
  }
}

/// The orthogonal polar factor of a normal matrix, which is uniform among orthonormal matrices (Haar measure), just as
/// the sign-corrected Q of a QR factorisation is. Newton-Schulz iterations find it with matrix products alone.
private func orthonormal(_ shape: [Int], key: Key, dtype: DType) -> Tensor {
  guard shape.count >= 2, shape.elementCount > 0 else {
    return .failed(.shape("orthogonal", "takes a matrix or a kernel with at least one element, got \(shape)"))
  }
  let columns = shape[shape.count - 1]
  let rows = shape.elementCount / columns
  let (small, large) = (min(rows, columns), max(rows, columns))
  var x = key.normal([small, large], dtype: dtype)
  // The fourth root of tr((xxᵀ)²) is an upper bound of the largest singular value.
  let gram = x.matmul(x.transpose())
  x = x / gram.square().sum().sqrt().sqrt()
  // The quintic with these coefficients (Jordan et al., Muon, 2024) lifts small singular values 3.4-fold a time and
  // ends near 1; the cubic then converges quadratically.
  for _ in 0..<14 {
    let a = x.matmul(x.transpose())
    x = 3.4445 * x + (-4.7750 * a + 2.0315 * a.matmul(a)).matmul(x)
  }
  for _ in 0..<7 { x = 1.5 * x - 0.5 * x.matmul(x.transpose()).matmul(x) }
  return (rows <= columns ? x : x.transpose()).reshape(shape)
}
