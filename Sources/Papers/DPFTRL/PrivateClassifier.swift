import NN
import Pinion

/// A network from inputs to class scores whose examples don't mix: no batch normalisation.
public protocol PrivateClassifier: Module {
  /// Logits [B, classes] of inputs [B, …].
  func callAsFunction(_ inputs: Tensor) -> Tensor
}

/// The paper's network for MNIST and EMNIST: two convolutions and two dense layers, tanh between.
///
/// 28 x 28 pictures of one channel and 10 classes make 26,010 parameters. Other sizes change the first dense layer.
public struct SmallConvNet: PrivateClassifier {
  var first: Conv2D
  var second: Conv2D
  var hidden: Dense
  var out: Dense

  /// Smallest side of a picture that the windows fit on.
  public static let smallestSide = 14

  /// - Parameters:
  ///   - side: pixels of a picture's edge.
  ///   - channels: of the pictures.
  public init(side: Int, channels: Int, classes: Int, key: Key) {
    let keys = key.split(4)
    first = Conv2D(
      channels, 16, kernel: [8, 8], strides: [2, 2], padding: .explicit([[3, 3], [3, 3]]), weight: .lecunNormal,
      biasInitializer: .zeros, key: keys[0])
    second = Conv2D(
      16, 32, kernel: [4, 4], strides: [2, 2], weight: .lecunNormal, biasInitializer: .zeros, key: keys[1])
    let left = ((side - 2) / 2 - 4) / 2
    hidden = Dense(
      left * left * 32, 32, weight: .glorotNormal, biasInitializer: .zeros, key: keys[2])
    out = Dense(32, classes, weight: .glorotNormal, biasInitializer: .zeros, key: keys[3])
  }

  public func callAsFunction(_ inputs: Tensor) -> Tensor {
    let x = first(inputs).tanh().maxPool(window: [2, 2], strides: [1, 1])
    let y = second(x).tanh().maxPool(window: [2, 2], strides: [1, 1])
    return out(hidden(y.flatten(from: 1)).tanh())
  }
}

/// The paper's network for CIFAR-10: six convolutions of 3 x 3 with tanh, three pools, two dense layers.
public struct DeepConvNet: PrivateClassifier {
  var convolutions: [Conv2D]
  var hidden: Dense
  var out: Dense

  /// Smallest side of a picture that the pools leave something of.
  public static let smallestSide = 8

  /// - Parameters:
  ///   - side: pixels of a picture's edge.
  ///   - channels: of the pictures.
  public init(side: Int, channels: Int, classes: Int, key: Key) {
    let keys = key.split(8)
    let widths = [channels, 32, 32, 64, 64, 128, 128]
    convolutions = (0..<6).map { i in
      Conv2D(
        widths[i], widths[i + 1], kernel: [3, 3], padding: .same, weight: .lecunNormal, biasInitializer: .zeros,
        key: keys[i])
    }
    let left = side / 8
    hidden = Dense(left * left * 128, 128, weight: .glorotNormal, biasInitializer: .zeros, key: keys[6])
    out = Dense(128, classes, weight: .glorotNormal, biasInitializer: .zeros, key: keys[7])
  }

  public func callAsFunction(_ inputs: Tensor) -> Tensor {
    var x = inputs
    for (i, convolution) in convolutions.enumerated() {
      x = convolution(x).tanh()
      if i % 2 == 1 { x = x.maxPool(window: [2, 2]) }
    }
    return out(hidden(x.flatten(from: 1)).tanh())
  }
}

/// A dense layer with tanh between, or a linear classifier where there is none; for rows of numbers.
public struct DenseNet: PrivateClassifier {
  var hidden: Dense?
  var out: Dense

  /// - Parameters:
  ///   - inputs: numbers of a row; pictures are flattened.
  ///   - width: of the hidden layer, 0 for a linear classifier.
  public init(inputs: Int, width: Int, classes: Int, key: Key) {
    let keys = key.split()
    hidden =
      width > 0 ? Dense(inputs, width, weight: .glorotNormal, biasInitializer: .zeros, key: keys[0]) : nil
    out = Dense(
      width > 0 ? width : inputs, classes, weight: width > 0 ? .glorotNormal : .zeros, biasInitializer: .zeros,
      key: keys[1])
  }

  public func callAsFunction(_ inputs: Tensor) -> Tensor {
    let x = inputs.rank > 2 ? inputs.flatten(from: 1) : inputs
    return out(hidden.map { $0(x).tanh() } ?? x)
  }
}
