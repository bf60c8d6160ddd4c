import Pinion

/// A layer whose kernel is a matrix [everything else, out].
public protocol WeightedLayer: Layer {
  /// Kernel […, out].
  var weight: Tensor { get set }
}

extension Dense: WeightedLayer {}
extension Conv: WeightedLayer {}
extension ConvTransposed: WeightedLayer {}

/// A layer whose kernel is divided by its largest singular value, which a step of power iteration follows.
///
/// Miyato et al., "Spectral Normalization for Generative Adversarial Networks", 2018. The kernel is taken as a matrix
/// [everything else, out]. Applying the layer changes nothing: call `iterate` once a training step.
public struct SpectralNorm<L: WeightedLayer>: Layer {
  /// The layer with its unnormalised kernel, which is trained.
  public var layer: L
  /// Right singular vector [out].
  @Buffer public var right: Tensor
  /// Left singular vector [everything else].
  @Buffer public var left: Tensor

  /// - Parameters:
  ///   - layer: what is normalised.
  ///   - iterations: steps of power iteration from random vectors.
  ///   - key: randomness of the first vectors.
  public init(_ layer: L, iterations: Int = 5, key: Key) {
    self.layer = layer
    let outputs = layer.weight.shape.last ?? 1
    let dtype = layer.weight.failure == nil ? layer.weight.dtype : .float32
    right = Self.unit(key.normal([outputs], dtype: dtype))
    left = Tensor.zeros([outputs == 0 ? 0 : layer.weight.count / outputs], dtype: dtype)
    iterate(iterations)
  }

  private static func unit(_ x: Tensor) -> Tensor { x / (x.square().sum().sqrt() + 1e-12) }

  private var matrix: Tensor {
    let weight = layer.weight
    return weight.failure == nil ? weight.reshape([-1, right.count]) : weight
  }

  /// Moves the singular vectors towards those of the present kernel.
  public mutating func iterate(_ steps: Int = 1) {
    let matrix = stopGradient(matrix)
    for _ in 0..<steps {
      left = Self.unit(matrix.matmul(right.expandDims(1)).squeeze(axis: 1))
      right = Self.unit(left.expandDims(0).matmul(matrix).squeeze(axis: 0))
    }
  }

  /// Estimate of the largest singular value; its derivative is by the kernel, with the vectors held.
  public var sigma: Tensor {
    let image = matrix.matmul(stopGradient(right).expandDims(1)).squeeze(axis: 1)
    return (stopGradient(left) * image).sum()
  }

  /// Applies the layer with the kernel over `sigma`.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    var normalized = layer
    normalized.weight = layer.weight / sigma
    return normalized(x)
  }
}
