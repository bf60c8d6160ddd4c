import Pinion

/// How many spatial axes a convolutional layer has, as a type.
public protocol SpatialRank: Sendable {
  /// Number of spatial axes.
  static var axes: Int { get }
}

/// One spatial axis: sequences [N, L, C].
public enum OneAxis: SpatialRank { public static var axes: Int { 1 } }
/// Two spatial axes: images [N, H, W, C].
public enum TwoAxes: SpatialRank { public static var axes: Int { 2 } }
/// Three spatial axes: volumes [N, D, H, W, C].
public enum ThreeAxes: SpatialRank { public static var axes: Int { 3 } }

/// Convolution of sequences [N, L, C].
public typealias Conv1D = Conv<OneAxis>
/// Convolution of images [N, H, W, C].
public typealias Conv2D = Conv<TwoAxes>
/// Convolution of volumes [N, D, H, W, C].
public typealias Conv3D = Conv<ThreeAxes>
/// Transposed convolution of sequences [N, L, C].
public typealias ConvTransposed1D = ConvTransposed<OneAxis>
/// Transposed convolution of images [N, H, W, C].
public typealias ConvTransposed2D = ConvTransposed<TwoAxes>
/// Transposed convolution of volumes [N, D, H, W, C].
public typealias ConvTransposed3D = ConvTransposed<ThreeAxes>

/// Convolution with learned kernels; channels are the last axis.
public struct Conv<Axes: SpatialRank>: Layer {
  /// Steps of the window, one for each spatial axis.
  public let strides: [Int]
  /// How far the window reaches over the edges.
  public let padding: Padding
  /// Distance of neighbours under the kernel, one for each spatial axis.
  public let dilation: [Int]
  /// Parts of the channels that are convolved each by itself.
  public let groups: Int
  /// Kernel [spatial…, in / groups, out]; PyTorch's weight is [out, in / groups, spatial…].
  public var weight: Tensor
  /// Offsets [out].
  public var bias: Tensor?

  /// - Parameters:
  ///   - inputs: channels of the argument.
  ///   - outputs: channels of the result.
  ///   - kernel: sizes of the window; one number stands for all axes, here and below.
  ///   - strides: steps of the window.
  ///   - dilation: distance of neighbours under the kernel.
  ///   - groups: parts of the channels that are convolved each by itself.
  ///   - bias: whether there is one.
  ///   - weight: first values of the kernel. The default is PyTorch's, for the bias too.
  ///   - biasInitializer: first values of the bias; without it they are 0, or as the kernel's where those are
  ///     `.fanInUniform`.
  ///   - key: randomness of the first values.
  public init(
    _ inputs: Int, _ outputs: Int, kernel: [Int], strides: [Int] = [1], padding: Padding = .valid,
    dilation: [Int] = [1], groups: Int = 1, bias: Bool = true, weight: Initializer = .fanInUniform,
    biasInitializer: Initializer? = nil, key: Key
  ) {
    self.strides = perAxis(strides, Axes.axes)
    self.padding = padding
    self.dilation = perAxis(dilation, Axes.axes)
    self.groups = groups
    let kernel = perAxis(kernel, Axes.axes)
    if let problem = problem(Axes.self, kernel: kernel, inputs: inputs, outputs: outputs, groups: groups) {
      self.weight = .failed(problem)
      return
    }
    (self.weight, self.bias) = parameters(
      kernel + [inputs / groups, outputs], bias: bias ? outputs : nil, weight, biasInitializer, key: key)
  }

  /// - Parameter x: [N, spatial…, in].
  /// - Returns: [N, spatial…, out].
  public func callAsFunction(_ x: Tensor) -> Tensor {
    let y = convolution(
      x, weight, strides: strides, padding: padding, kernelDilation: dilation, groups: groups)
    return bias.map { y + $0 } ?? y
  }
}

/// Transposed convolution, the linear map whose matrix is the transpose of a convolution's; channels are the last axis.
public struct ConvTransposed<Axes: SpatialRank>: Layer {
  /// Distance of neighbours of the argument in the result, one for each spatial axis.
  public let strides: [Int]
  /// What is cropped from the edges of the result.
  public let padding: Padding
  /// Elements more at the end of each spatial axis.
  public let outputPadding: [Int]
  /// Distance of neighbours of the kernel in the result, one for each spatial axis.
  public let dilation: [Int]
  /// Parts of the channels that are convolved each by itself.
  public let groups: Int
  /// Kernel [spatial…, in / groups, out]; PyTorch's weight is [in, out / groups, spatial…].
  public var weight: Tensor
  /// Offsets [out].
  public var bias: Tensor?

  /// - Parameters: as of `Conv`, and `outputPadding`, elements more at the end of each spatial axis.
  public init(
    _ inputs: Int, _ outputs: Int, kernel: [Int], strides: [Int] = [1], padding: Padding = .valid,
    outputPadding: [Int] = [0], dilation: [Int] = [1], groups: Int = 1, bias: Bool = true,
    weight: Initializer = .fanInUniform, biasInitializer: Initializer? = nil, key: Key
  ) {
    self.strides = perAxis(strides, Axes.axes)
    self.padding = padding
    self.outputPadding = perAxis(outputPadding, Axes.axes)
    self.dilation = perAxis(dilation, Axes.axes)
    self.groups = groups
    let kernel = perAxis(kernel, Axes.axes)
    if let problem = problem(Axes.self, kernel: kernel, inputs: inputs, outputs: outputs, groups: groups) {
      self.weight = .failed(problem)
      return
    }
    (self.weight, self.bias) = parameters(
      kernel + [inputs / groups, outputs], bias: bias ? outputs : nil, weight, biasInitializer, key: key)
  }

  /// - Parameter x: [N, spatial…, in].
  /// - Returns: [N, spatial…, out].
  public func callAsFunction(_ x: Tensor) -> Tensor {
    let y = convolutionTransposed(
      x, weight, strides: strides, padding: padding, outputPadding: outputPadding, kernelDilation: dilation,
      groups: groups)
    return bias.map { y + $0 } ?? y
  }
}

/// One number for each axis, of such a list or of one number for all.
private func perAxis(_ numbers: [Int], _ axes: Int) -> [Int] {
  numbers.count == 1 ? Array(repeating: numbers[0], count: axes) : numbers
}

private func problem<Axes: SpatialRank>(
  _ axes: Axes.Type, kernel: [Int], inputs: Int, outputs: Int, groups: Int
) -> TensorError? {
  guard kernel.count == Axes.axes, kernel.allSatisfy({ $0 > 0 }) else {
    return .value("Conv\(Axes.axes)D", "the kernel takes \(Axes.axes) positive sizes, got \(kernel)")
  }
  guard groups > 0, inputs > 0, outputs > 0, inputs % groups == 0, outputs % groups == 0 else {
    return .value("Conv\(Axes.axes)D", "\(inputs) and \(outputs) channels don't divide into \(groups) groups")
  }
  return nil
}
