import Pinion

/// (x - mean) / √(variance + epsilon) over axes.
private func standardized(_ x: Tensor, axes: [Int], epsilon: Double) -> Tensor {
  let centred = x - x.mean(axes: axes, keepDims: true)
  return centred * (centred.square().mean(axes: axes, keepDims: true) + epsilon).rsqrt()
}

/// y·weight + bias where they are there.
private func affine(_ y: Tensor, _ weight: Tensor?, _ bias: Tensor?) -> Tensor {
  let scaled = weight.map { y * $0 } ?? y
  return bias.map { scaled + $0 } ?? scaled
}

/// Mean 0 and variance 1 over the last axis, then a learned scale and offset. Ba et al., 2016.
public struct LayerNorm: Layer {
  /// Added to the variance.
  public let epsilon: Double
  /// Scales [width].
  public var weight: Tensor
  /// Offsets [width].
  public var bias: Tensor?

  public init(_ width: Int, epsilon: Double = 1e-5, bias: Bool = true) {
    self.epsilon = epsilon
    weight = Tensor.ones([width])
    self.bias = bias ? Tensor.zeros([width]) : nil
  }

  /// - Parameter x: [..., width].
  public func callAsFunction(_ x: Tensor) -> Tensor {
    affine(standardized(x, axes: [-1], epsilon: epsilon), weight, bias)
  }
}

/// Mean square 1 over the last axis, then a learned scale. Zhang and Sennrich, 2019.
public struct RMSNorm: Layer {
  /// Added to the mean square.
  public let epsilon: Double
  /// Scales [width].
  public var weight: Tensor

  public init(_ width: Int, epsilon: Double = 1e-6) {
    self.epsilon = epsilon
    weight = Tensor.ones([width])
  }

  /// - Parameter x: [..., width].
  public func callAsFunction(_ x: Tensor) -> Tensor {
    x * (x.square().mean(axes: [-1], keepDims: true) + epsilon).rsqrt() * weight
  }
}

/// Mean 0 and variance 1 over the last axis and all between it and the first, in groups of channels. Wu and He, 2018.
public struct GroupNorm: Layer {
  /// Groups of channels.
  public let groups: Int
  /// Added to the variance.
  public let epsilon: Double
  /// Scales [channels].
  public var weight: Tensor?
  /// Offsets [channels].
  public var bias: Tensor?

  public init(groups: Int, _ channels: Int, epsilon: Double = 1e-5, affine: Bool = true) {
    self.groups = groups
    self.epsilon = epsilon
    weight = affine ? Tensor.ones([channels]) : nil
    bias = affine ? Tensor.zeros([channels]) : nil
  }

  /// - Parameter x: [N, ..., channels].
  public func callAsFunction(_ x: Tensor) -> Tensor {
    guard x.rank >= 2, groups > 0, x.shape[x.rank - 1] % groups == 0 else {
      if x.failure != nil { return x }
      return .failed(.shape("GroupNorm", "takes [N, ..., channels] with channels a multiple of \(groups), got \(x.shape)"))
    }
    let (batch, channels) = (x.shape[0], x.shape[x.rank - 1])
    let apart = x.reshape([batch, x.shape[1..<(x.rank - 1)].reduce(1, *), groups, channels / groups])
    return affine(standardized(apart, axes: [1, 3], epsilon: epsilon).reshape(x.shape), weight, bias)
  }
}

/// Mean 0 and variance 1 over all axes but the first and last. Ulyanov et al., 2016.
public struct InstanceNorm: Layer {
  /// Added to the variance.
  public let epsilon: Double
  /// Scales [channels].
  public var weight: Tensor?
  /// Offsets [channels].
  public var bias: Tensor?

  public init(_ channels: Int, epsilon: Double = 1e-5, affine: Bool = false) {
    self.epsilon = epsilon
    weight = affine ? Tensor.ones([channels]) : nil
    bias = affine ? Tensor.zeros([channels]) : nil
  }

  /// - Parameter x: [N, ..., channels] with at least one axis between.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    guard x.rank >= 3 else {
      if x.failure != nil { return x }
      return .failed(.shape("InstanceNorm", "takes [N, ..., channels] with an axis between, got \(x.shape)"))
    }
    return affine(standardized(x, axes: Array(1..<(x.rank - 1)), epsilon: epsilon), weight, bias)
  }
}

/// Mean 0 and variance 1 over all axes but the last, by the statistics of the batch while training and by running ones
/// in use. Ioffe and Szegedy, 2015.
public struct BatchNorm: Module {
  /// Added to the variance.
  public let epsilon: Double
  /// Part of the running statistics that a batch replaces (PyTorch's convention).
  public let momentum: Double
  /// Scales [channels].
  public var weight: Tensor?
  /// Offsets [channels].
  public var bias: Tensor?
  /// Running mean [channels].
  @Buffer public var runningMean: Tensor
  /// Running variance [channels], of n - 1 degrees of freedom.
  @Buffer public var runningVariance: Tensor

  public init(_ channels: Int, epsilon: Double = 1e-5, momentum: Double = 0.1, affine: Bool = true) {
    self.epsilon = epsilon
    self.momentum = momentum
    weight = affine ? Tensor.ones([channels]) : nil
    bias = affine ? Tensor.zeros([channels]) : nil
    runningMean = Tensor.zeros([channels])
    runningVariance = Tensor.ones([channels])
  }

  /// - Parameters:
  ///   - x: [..., channels].
  ///   - training: whether to use the batch's statistics, and to let them move the running ones.
  public mutating func callAsFunction(_ x: Tensor, training: Bool) -> Tensor {
    guard training else { return self(x) }
    guard x.rank >= 2, x.shape[x.rank - 1] == runningMean.count else {
      if x.failure != nil { return x }
      return .failed(.shape("BatchNorm", "takes [..., \(runningMean.count)] with an axis before, got \(x.shape)"))
    }
    let axes = Array(0..<(x.rank - 1))
    let count = Double(x.count / max(runningMean.count, 1))
    guard count > 1 else {
      return .failed(.shape("BatchNorm", "training takes more than one value of each channel, got \(x.shape)"))
    }
    let mean = x.mean(axes: axes)
    let centred = x - mean
    let variance = centred.square().mean(axes: axes)
    func moved(_ running: Tensor, _ batch: Tensor) -> Tensor {
      (1 - momentum) * running + momentum * stopGradient(batch)
    }
    runningMean = moved(runningMean, mean)
    runningVariance = moved(runningVariance, variance * (count / (count - 1)))
    return affine(centred * (variance + epsilon).rsqrt(), weight, bias)
  }

  /// By the running statistics.
  ///
  /// - Parameter x: [..., channels].
  public func callAsFunction(_ x: Tensor) -> Tensor {
    affine((x - runningMean) * (runningVariance + epsilon).rsqrt(), weight, bias)
  }
}
