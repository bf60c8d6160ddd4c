/// Pictures of the CIFAR-10 binary files: records of a label and 32 x 32 colour pixels.
public struct CIFAR10: Sendable {
  /// Height and width of a picture.
  public static let side = 32
  /// Names of the classes in the order of their labels.
  public static let classNames = [
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
  ]
  private static let pixels = side * side
  private static let recordLength = 1 + 3 * pixels

  /// Pixels [N, 32, 32, 3].
  public let images: [UInt8]
  /// Class of each picture.
  public let labels: [UInt8]

  /// Reads one or more binary batches, one after the other.
  ///
  /// - Throws: `FormatError` where a file's length isn't a multiple of a record's, or a label is out of range.
  public init(paths: [String]) throws {
    var images: [UInt8] = []
    var labels: [UInt8] = []
    for path in paths {
      let file = try MappedFile(path: path)
      try Self.decode(file.bytes, path, &images, &labels)
    }
    self.images = images
    self.labels = labels
  }

  private static func decode(
    _ bytes: UnsafeRawBufferPointer, _ path: String, _ images: inout [UInt8], _ labels: inout [UInt8]
  ) throws {
    guard bytes.count > 0, bytes.count % recordLength == 0 else {
      throw FormatError(
        path, "has \(bytes.count.grouped) bytes, expected a multiple of \(recordLength.grouped), a CIFAR-10 record")
    }
    let count = bytes.count / recordLength
    for record in 0..<count {
      let label = bytes[record * recordLength]
      guard label < 10 else { throw FormatError(path, "record \(record) has label \(label), expected 0 to 9") }
      labels.append(label)
    }
    // From planes of a colour to interleaved colours.
    images += [UInt8](unsafeUninitializedCapacity: count * 3 * pixels) { target, initialized in
      for record in 0..<count {
        let (source, start) = (record * recordLength + 1, record * 3 * pixels)
        for channel in 0..<3 {
          for pixel in 0..<pixels { target[start + 3 * pixel + channel] = bytes[source + channel * pixels + pixel] }
        }
      }
      initialized = count * 3 * pixels
    }
  }
}
