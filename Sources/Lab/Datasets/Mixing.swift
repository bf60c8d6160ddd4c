import Formats

/// Blends the pictures of a batch in pairs, labels with them: mixup (Zhang et al., 2017) and CutMix (Yun et al., 2019).
///
/// One of the two is drawn for each batch, evenly where both are on; the first picture pairs with the last, and so on.
public struct Mixing: Hashable, Sendable {
  /// Parameter of mixup's Beta distribution; 0 turns it off.
  public var mixup: Double
  /// Parameter of CutMix's Beta distribution; 0 turns it off.
  public var cutmix: Double
  /// Share of the batches that are mixed.
  public var probability: Double
  /// Share of a label's weight that is spread over all classes.
  public var labelSmoothing: Double

  public init(mixup: Double = 0.8, cutmix: Double = 1, probability: Double = 1, labelSmoothing: Double = 0) {
    self.mixup = mixup
    self.cutmix = cutmix
    self.probability = probability
    self.labelSmoothing = labelSmoothing
  }

  func check(_ name: String) throws {
    guard mixup >= 0, cutmix >= 0, mixup.isFinite, cutmix.isFinite, (0...1).contains(probability),
      (0...1).contains(labelSmoothing)
    else { throw FormatError(name, "mixing takes parameters from 0, a probability and a label smoothing in 0...1") }
  }

  /// Mixes pictures in place.
  ///
  /// - Returns: the share of its own picture in each result.
  func mix(
    _ images: UnsafeMutableBufferPointer<Float>, count: Int, height: Int, width: Int, channels: Int,
    _ random: inout RandomStream
  ) -> Double {
    guard mixup > 0 || cutmix > 0, random.uniform() < probability else { return 1 }
    let cuts = cutmix > 0 && (mixup == 0 || random.next() & 1 == 1)
    let share = random.beta(cuts ? cutmix : mixup)
    let size = height * width * channels
    guard cuts else {
      let (own, other) = (Float(share), Float(1 - share))
      for i in 0..<count / 2 {
        let (a, b) = (i * size, (count - 1 - i) * size)
        for k in 0..<size {
          let (x, y) = (images[a + k], images[b + k])
          images[a + k] = own * x + other * y
          images[b + k] = own * y + other * x
        }
      }
      return share
    }
    // The box has the other picture's share of the area; its centre is anywhere, what is outside is cut off.
    let edge = (1 - share).squareRoot()
    let (tall, wide) = (Int(Double(height) * edge), Int(Double(width) * edge))
    let (y, x) = (random.below(height), random.below(width))
    let (top, bottom) = (max(0, y - tall / 2), min(height, y + tall / 2))
    let (left, right) = (max(0, x - wide / 2), min(width, x + wide / 2))
    for i in 0..<count / 2 {
      let (a, b) = (i * size, (count - 1 - i) * size)
      for row in top..<max(top, bottom) {
        for k in (row * width + left) * channels..<(row * width + max(left, right)) * channels {
          images.swapAt(a + k, b + k)
        }
      }
    }
    return 1 - Double((bottom - top) * (right - left)) / Double(height * width)
  }

  /// Soft labels [count, classCount] of a batch that was mixed with `share`.
  func fill(_ targets: UnsafeMutableBufferPointer<Float>, labels: [Int32], classCount: Int, share: Double) {
    let smooth = Float(labelSmoothing / Double(classCount))
    let (own, other) = (Float((1 - labelSmoothing) * share), Float((1 - labelSmoothing) * (1 - share)))
    targets.initialize(repeating: smooth)
    for i in labels.indices {
      targets[i * classCount + Int(labels[i])] += own
      targets[i * classCount + Int(labels[labels.count - 1 - i])] += other
    }
  }
}
