import Formats
import Glibc

/// Random changes of a picture, different in each epoch, the same for the same key, epoch and picture.
///
/// Order: crop, flip, normalisation, erasing.
public struct Augmentation: Hashable, Sendable {
  /// A part of the picture is wiped out (Zhong et al., "Random erasing data augmentation", 2017).
  public struct Erasing: Hashable, Sendable {
    /// What takes the part's place.
    public enum Fill: Hashable, Sendable {
      /// Zero after normalisation.
      case mean
      /// Standard normal numbers.
      case noise
    }

    /// Share of pictures.
    public var probability: Double
    /// Share of the picture's area.
    public var area: ClosedRange<Double>
    /// Height over width, drawn evenly by its logarithm.
    public var aspect: ClosedRange<Double>
    public var fill: Fill

    public init(
      probability: Double = 0.25, area: ClosedRange<Double> = 0.02...1.0 / 3,
      aspect: ClosedRange<Double> = 0.3...10.0 / 3,
      fill: Fill = .mean
    ) {
      self.probability = probability
      self.area = area
      self.aspect = aspect
      self.fill = fill
    }
  }

  /// Whether half of the pictures are mirrored left to right.
  public var flips: Bool
  /// Pixels of black around the picture, of which a part of its size is cut at random; 0 cuts nothing.
  public var cropPadding: Int
  /// Random erasing; `nil` for none.
  public var erasing: Erasing?

  public init(flips: Bool = false, cropPadding: Int = 0, erasing: Erasing? = nil) {
    self.flips = flips
    self.cropPadding = cropPadding
    self.erasing = erasing
  }

  func check(_ name: String) throws {
    guard (0...4096).contains(cropPadding) else {
      throw FormatError(name, "crop padding \(cropPadding) isn't 0 to 4096")
    }
    guard let erasing else { return }
    guard (0...1).contains(erasing.probability), erasing.area.lowerBound > 0, erasing.area.upperBound <= 1,
      erasing.aspect.lowerBound > 0, erasing.aspect.upperBound.isFinite
    else { throw FormatError(name, "random erasing takes a probability, areas in 0...1 and positive aspects") }
  }
}

/// Turns bytes of pictures into normalised floats, with the random changes of a loader.
struct PictureRenderer: Sendable {
  let height: Int
  let width: Int
  let channels: Int
  let augmentation: Augmentation
  /// A byte's float is `byte * scale + bias`, by channel.
  private let scale: [Float]
  private let bias: [Float]

  init(height: Int, width: Int, channels: Int, augmentation: Augmentation, normalization: Normalization?) {
    self.height = height
    self.width = width
    self.channels = channels
    self.augmentation = augmentation
    let mean = normalization?.mean ?? Array(repeating: 0, count: channels)
    let deviation = normalization?.deviation ?? Array(repeating: 1, count: channels)
    scale = deviation.map { 1 / (255 * $0) }
    bias = zip(mean, deviation).map { -$0 / $1 }
  }

  /// Writes one picture.
  func render(_ source: UnsafePointer<UInt8>, to target: UnsafeMutablePointer<Float>, _ random: inout RandomStream) {
    var (down, across) = (0, 0)
    if augmentation.cropPadding > 0 {
      let choices = 2 * augmentation.cropPadding + 1
      down = random.below(choices) - augmentation.cropPadding
      across = random.below(choices) - augmentation.cropPadding
    }
    let flipped = augmentation.flips && random.next() & 1 == 1
    place(source, target, down: down, across: across, flipped: flipped)
    if let erasing = augmentation.erasing, random.uniform() < erasing.probability { erase(target, erasing, &random) }
  }

  /// Converts the picture, moved up by `down` and left by `across`; what enters from outside is black.
  private func place(
    _ source: UnsafePointer<UInt8>, _ target: UnsafeMutablePointer<Float>, down: Int, across: Int, flipped: Bool
  ) {
    let row = width * channels
    if down == 0, across == 0, !flipped { return convert(source, target, pixels: height * width, step: 1) }
    let (first, last) = (max(0, -across), min(width, width - across))
    for y in 0..<height {
      let line = target + y * row
      guard y + down >= 0, y + down < height, first < last else {
        blacken(line, pixels: width)
        continue
      }
      let from = source + ((y + down) * width + first + across) * channels
      if flipped {
        blacken(line, pixels: width - last)
        convert(from, line + (width - 1 - first) * channels, pixels: last - first, step: -1)
        blacken(line + (width - first) * channels, pixels: first)
      } else {
        blacken(line, pixels: first)
        convert(from, line + first * channels, pixels: last - first, step: 1)
        blacken(line + last * channels, pixels: width - last)
      }
    }
  }

  /// Converts pixels; the target's go forward or backward.
  private func convert(_ source: UnsafePointer<UInt8>, _ target: UnsafeMutablePointer<Float>, pixels: Int, step: Int) {
    scale.withUnsafeBufferPointer { scale in
      bias.withUnsafeBufferPointer { bias in
        if channels == 1 {
          let (a, b) = (scale[0], bias[0])
          if step == 1 {
            for i in 0..<pixels { target[i] = Float(source[i]) * a + b }
          } else {
            for i in 0..<pixels { target[0 &- i] = Float(source[i]) * a + b }
          }
        } else if channels == 3 {
          let (a0, a1, a2, b0, b1, b2) = (scale[0], scale[1], scale[2], bias[0], bias[1], bias[2])
          for i in 0..<pixels {
            let (from, to) = (source + 3 &* i, target + 3 &* step &* i)
            to[0] = Float(from[0]) * a0 + b0
            to[1] = Float(from[1]) * a1 + b1
            to[2] = Float(from[2]) * a2 + b2
          }
        } else {
          for i in 0..<pixels {
            let (from, to) = (source + channels * i, target + channels * step * i)
            for c in 0..<channels { to[c] = Float(from[c]) * scale[c] + bias[c] }
          }
        }
      }
    }
  }

  private func blacken(_ target: UnsafeMutablePointer<Float>, pixels: Int) {
    bias.withUnsafeBufferPointer { bias in
      for i in 0..<pixels { for c in 0..<channels { target[i * channels + c] = bias[c] } }
    }
  }

  private func erase(
    _ target: UnsafeMutablePointer<Float>, _ erasing: Augmentation.Erasing, _ random: inout RandomStream
  ) {
    let logs = log(erasing.aspect.lowerBound)...log(erasing.aspect.upperBound)
    for _ in 0..<10 {
      let area = random.uniform(erasing.area) * Double(height * width)
      let aspect = exp(random.uniform(logs))
      let (tall, wide) = (Int((area * aspect).squareRoot().rounded()), Int((area / aspect).squareRoot().rounded()))
      guard tall > 0, wide > 0, tall < height, wide < width else { continue }
      let (top, left) = (random.below(height - tall + 1), random.below(width - wide + 1))
      for y in top..<top + tall {
        let line = target + (y * width + left) * channels
        for i in 0..<wide * channels {
          line[i] = erasing.fill == .mean ? 0 : Float(random.normal())
        }
      }
      return
    }
  }
}
