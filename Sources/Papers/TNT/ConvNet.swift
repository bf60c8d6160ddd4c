import NN
import Pinion

/// A small residual network (He et al. 2015, with group normalisation), for an honest look at what convolutions do with
/// the same data and parameters.
public struct ConvNet: Module {
  var stem: Conv2D
  var blocks: [ResidualBlock]
  var norm: GroupNorm
  var head: Dense

  /// - Parameters:
  ///   - channels: of the images.
  ///   - classes: to tell apart.
  public init(channels: Int, classes: Int, key: Key) {
    let keys = key.split(6)
    stem = Conv2D(channels, 32, kernel: [3, 3], strides: [2, 2], padding: .same, key: keys[0])
    blocks = [
      ResidualBlock(32, 64, stride: 2, key: keys[1]),
      ResidualBlock(64, 128, stride: 2, key: keys[2]),
      ResidualBlock(128, 128, stride: 1, key: keys[3]),
      ResidualBlock(128, 128, stride: 2, key: keys[4]),
    ]
    norm = GroupNorm(groups: 8, 128)
    head = Dense(128, classes, key: keys[5])
  }

  /// Logits [B, classes] of images [B, H, W, channels].
  public func callAsFunction(_ images: Tensor, key: Key? = nil) -> Tensor {
    let features = blocks.reduce(stem(images)) { $1($0) }
    return head(relu(norm(features)).mean(1, 2))
  }
}

/// Two convolutions beside a shortcut, normalised before each (He et al. 2016).
struct ResidualBlock: Module {
  var norm1: GroupNorm
  var convolution1: Conv2D
  var norm2: GroupNorm
  var convolution2: Conv2D
  var shortcut: Conv2D?

  init(_ input: Int, _ output: Int, stride: Int, key: Key) {
    let keys = key.split(3)
    norm1 = GroupNorm(groups: 8, input)
    convolution1 = Conv2D(
      input, output, kernel: [3, 3], strides: [stride, stride], padding: .same, bias: false, key: keys[0])
    norm2 = GroupNorm(groups: 8, output)
    convolution2 = Conv2D(output, output, kernel: [3, 3], padding: .same, bias: false, key: keys[1])
    if stride != 1 || input != output {
      shortcut = Conv2D(input, output, kernel: [1, 1], strides: [stride, stride], bias: false, key: keys[2])
    }
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    let y = relu(norm1(x))
    return (shortcut?(y) ?? x) + convolution2(relu(norm2(convolution1(y))))
  }
}
