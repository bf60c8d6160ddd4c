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
