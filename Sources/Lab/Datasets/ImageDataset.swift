import Formats
import Pinion

/// Labelled pictures of one size in host memory.
public struct ImageDataset: Sendable {
  /// Name for reports and errors.
  public let name: String
  /// Pixels [N, H, W, C], row-major.
  public let images: [UInt8]
  /// Pixels down.
  public let height: Int
  /// Pixels across.
  public let width: Int
  /// 1 grey, 3 colour.
  public let channels: Int
  /// Class of each picture, from 0.
  public let labels: [Int32]
  /// Names of the classes in the order of their labels.
  public let classNames: [String]

  /// Pictures with their labels.
  ///
  /// - Throws: `FormatError` where counts disagree, a label has no class, or there are no pictures.
  public init(
    name: String, images: [UInt8], height: Int, width: Int, channels: Int, labels: [Int32], classNames: [String]
  ) throws {
    guard height > 0, width > 0, channels > 0, height <= 1 << 16, width <= 1 << 16, channels <= 1 << 10 else {
      throw FormatError(name, "pictures of \(height) x \(width) x \(channels) are out of range")
    }
    let size = height * width * channels
    guard images.count % size == 0, images.count / size == labels.count else {
      throw FormatError(name, "\(Double(images.count) / Double(size)) pictures, but \(labels.count) labels")
    }
    guard !labels.isEmpty else { throw FormatError(name, "has no pictures") }
    if let wrong = labels.firstIndex(where: { $0 < 0 || Int($0) >= classNames.count }) {
      throw FormatError(name, "picture \(wrong) has label \(labels[wrong]), but there are \(classNames.count) classes")
    }
    self.name = name
    self.images = images
    self.height = height
    self.width = width
    self.channels = channels
    self.labels = labels
    self.classNames = classNames
  }

  private init(_ other: ImageDataset, images: [UInt8], height: Int, width: Int, labels: [Int32]) {
    name = other.name
    channels = other.channels
    classNames = other.classNames
    self.images = images
    self.height = height
    self.width = width
    self.labels = labels
  }

  /// Number of pictures.
  public var count: Int { labels.count }

  /// Number of classes.
  public var classCount: Int { classNames.count }

  /// Samples of a picture.
  var imageSize: Int { height * width * channels }

  /// All pictures, uint8 [N, H, W, C].
  public var imageTensor: Tensor { Tensor(bytes: images, shape: [count, height, width, channels], dtype: .uint8) }

  /// All labels, int32 [N].
  public var labelTensor: Tensor { Tensor(labels) }

  /// One picture.
  ///
  /// - Throws: `FormatError` where there is none at that place.
  public func image(at index: Int) throws -> Image {
    guard labels.indices.contains(index) else { throw FormatError(name, "has \(count) pictures, none at \(index)") }
    let pixels = Array(images[index * imageSize..<(index + 1) * imageSize])
    return try Image(width: width, height: height, channels: channels, bytes: pixels)
  }

  /// The pictures at some places, in their order.
  ///
  /// - Throws: `FormatError` where a place is out of range or there are none.
  public func subset(_ indices: some Collection<Int>) throws -> ImageDataset {
    guard !indices.isEmpty else { throw FormatError(name, "a subset of no pictures") }
    if let wrong = indices.first(where: { !labels.indices.contains($0) }) {
      throw FormatError(name, "has \(count) pictures, none at \(wrong)")
    }
    var pixels: [UInt8] = []
    pixels.reserveCapacity(indices.count * imageSize)
    for index in indices { pixels += images[index * imageSize..<(index + 1) * imageSize] }
    return ImageDataset(self, images: pixels, height: height, width: width, labels: indices.map { labels[$0] })
  }

  /// The first pictures; all where there are fewer.
  ///
  /// - Throws: `FormatError` where the count isn't positive.
  public func first(_ limit: Int) throws -> ImageDataset { limit >= count ? self : try subset(0..<max(0, limit)) }

  /// Two parts at random, the same for the same key; order within a part is kept.
  ///
  /// - Parameter heldOut: pictures of the second part, such as a validation set.
  /// - Throws: `FormatError` where a part would be empty.
  public func split(heldOut: Int, key: Key) throws -> (ImageDataset, ImageDataset) {
    guard heldOut > 0, heldOut < count else {
      throw FormatError(name, "can't hold out \(heldOut) of \(count) pictures")
    }
    var stream = try HostKey(key).stream(0)
    let order = stream.permutation(count)
    return (try subset(order.dropFirst(heldOut).sorted()), try subset(order.prefix(heldOut).sorted()))
  }

  /// Each picture in the middle of a larger square of zeros, such as 28 x 28 in 32 x 32.
  ///
  /// - Throws: `FormatError` where the square is smaller than the pictures.
  public func padded(to side: Int) throws -> ImageDataset {
    guard side >= height, side >= width, side <= 1 << 16 else {
      throw FormatError(name, "can't pad pictures of \(height) x \(width) to \(side)")
    }
    let (top, left) = ((side - height) / 2, (side - width) / 2)
    var pixels = [UInt8](repeating: 0, count: count * side * side * channels)
    let row = width * channels
    pixels.withUnsafeMutableBytes { target in
      images.withUnsafeBytes { source in
        for line in 0..<count * height {
          let (picture, y) = (line / height, line % height)
          let start = ((picture * side + top + y) * side + left) * channels
          UnsafeMutableRawBufferPointer(rebasing: target[start..<start + row])
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[line * row..<(line + 1) * row]))
        }
      }
    }
    return ImageDataset(self, images: pixels, height: side, width: side, labels: labels)
  }

  /// Number of pictures by class.
  public var classCounts: [Int] {
    var counts = Array(repeating: 0, count: classCount)
    for label in labels { counts[Int(label)] += 1 }
    return counts
  }

  /// Mean and standard deviation of each channel over all pictures, as levels 0...1.
  public func normalization() -> Normalization {
    var histogram = Array(repeating: 0, count: channels * 256)
    images.withUnsafeBufferPointer { images in
      histogram.withUnsafeMutableBufferPointer { histogram in
        var channel = 0
        for level in images {
          histogram[channel &* 256 &+ Int(level)] &+= 1
          channel = channel &+ 1 == channels ? 0 : channel &+ 1
        }
      }
    }
    let pixels = Double(count * height * width)
    let moments = (0..<channels).map { channel in
      var (first, second) = (0.0, 0.0)
      for level in 0..<256 {
        let (value, weight) = (Double(level) / 255, Double(histogram[channel * 256 + level]) / pixels)
        first += weight * value
        second += weight * value * value
      }
      return (mean: first, deviation: max(second - first * first, 0).squareRoot())
    }
    // A channel without variation is left as it is.
    return Normalization(
      mean: moments.map { Float($0.mean) }, deviation: moments.map { $0.deviation > 1e-6 ? Float($0.deviation) : 1 })
  }
}

/// Subtracts a mean from each channel and divides by a deviation; levels are 0...1.
public struct Normalization: Hashable, Sendable {
  /// Mean by channel.
  public var mean: [Float]
  /// Standard deviation by channel, not zero.
  public var deviation: [Float]

  public init(mean: [Float], deviation: [Float]) {
    self.mean = mean
    self.deviation = deviation
  }
}
