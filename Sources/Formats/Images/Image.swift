import Pinion

/// A picture in memory: samples of 8 or 16 bits, interleaved, row-major, the upper left corner first.
public struct Image: Hashable, Sendable {
  /// Pixels across.
  public let width: Int
  /// Pixels down.
  public let height: Int
  /// 1 grey, 2 grey and opacity, 3 colour (sRGB), 4 colour and opacity.
  public let channels: Int
  /// Bits of a sample: 8 or 16.
  public let bitDepth: Int
  /// Samples; two bytes each in the machine's order where `bitDepth` is 16.
  public let bytes: [UInt8]

  /// Most pixels that a picture can have.
  public static let pixelLimit = 1 << 28

  /// A picture of samples.
  ///
  /// - Throws: `FormatError` where the count of bytes isn't that of such a picture.
  public init(width: Int, height: Int, channels: Int, bitDepth: Int = 8, bytes: [UInt8]) throws {
    guard (1...4).contains(channels), bitDepth == 8 || bitDepth == 16 else {
      throw FormatError("image", "\(channels) channels of \(bitDepth) bits, expected 1 to 4 of 8 or 16")
    }
    guard width > 0, height > 0, let pixels = checkedCount([width, height]), pixels <= Self.pixelLimit else {
      throw FormatError("image", "\(width) x \(height) pixels, expected 1 to \(Self.pixelLimit.grouped)")
    }
    guard bytes.count == pixels * channels * bitDepth / 8 else {
      throw FormatError(
        "image",
        "\(width) x \(height) x \(channels) of \(bitDepth) bits takes "
          + "\((pixels * channels * bitDepth / 8).grouped) bytes, got \(bytes.count.grouped)")
    }
    self.init(unchecked: width, height, channels, bitDepth, bytes)
  }

  init(unchecked width: Int, _ height: Int, _ channels: Int, _ bitDepth: Int, _ bytes: [UInt8]) {
    self.width = width
    self.height = height
    self.channels = channels
    self.bitDepth = bitDepth
    self.bytes = bytes
  }

  /// Samples of 16 bits; 8 bits are stretched so that 255 becomes 65,535.
  public var samples: [UInt16] {
    if bitDepth == 8 { return bytes.map { UInt16($0) * 257 } }
    return (0..<bytes.count / 2).map { UInt16(bytes[2 * $0]) | UInt16(bytes[2 * $0 + 1]) << 8 }
  }

  /// The picture with 8 bits a sample.
  public func withEightBits() -> Image {
    guard bitDepth == 16 else { return self }
    let narrow = samples.map { UInt8((UInt32($0) * 255 + 32_767) / 65_535) }
    return Image(unchecked: width, height, channels, 8, narrow)
  }

  /// The picture in grey (1 channel) or colour (3), 8 bits a sample; what is transparent becomes white.
  ///
  /// - Throws: `FormatError` for another count of channels.
  public func converted(channels target: Int) throws -> Image {
    guard target == 1 || target == 3 else {
      throw FormatError("image", "can't convert to \(target) channels, only to 1 or 3")
    }
    let source = withEightBits()
    guard target != channels else { return source }
    let colours = channels < 3 ? 1 : 3
    let hasAlpha = channels == 2 || channels == 4
    let result = [UInt8](unsafeUninitializedCapacity: width * height * target) { memory, initialized in
      source.bytes.withUnsafeBufferPointer { bytes in
        for pixel in 0..<width * height {
          let start = pixel * channels
          let alpha = hasAlpha ? Int(bytes[start + colours]) : 255
          func blended(_ channel: Int) -> Int {
            (Int(bytes[start + channel]) * alpha + 255 * (255 - alpha) + 127) / 255
          }
          if target == 1 {
            // Luma of ITU-R BT.601, as Pillow's and the usual data sets'.
            let grey = colours == 1 ? blended(0) : (299 * blended(0) + 587 * blended(1) + 114 * blended(2) + 500) / 1000
            memory[pixel] = UInt8(grey)
          } else {
            for channel in 0..<3 { memory[pixel * 3 + channel] = UInt8(blended(colours == 1 ? 0 : channel)) }
          }
        }
      }
      initialized = width * height * target
    }
    return Image(unchecked: width, height, target, 8, result)
  }

  /// The part of a picture that begins at a pixel.
  ///
  /// - Throws: `FormatError` where it isn't inside.
  public func cropped(x: Int, y: Int, width newWidth: Int, height newHeight: Int) throws -> Image {
    guard x >= 0, y >= 0, newWidth > 0, newHeight > 0, x <= width, y <= height, newWidth <= width - x,
      newHeight <= height - y
    else {
      throw FormatError("image", "crop \(newWidth) x \(newHeight) at (\(x), \(y)) isn't inside \(width) x \(height)")
    }
    let pixel = channels * bitDepth / 8
    var result: [UInt8] = []
    result.reserveCapacity(newWidth * newHeight * pixel)
    for row in y..<y + newHeight {
      let start = (row * width + x) * pixel
      result += bytes[start..<start + newWidth * pixel]
    }
    return Image(unchecked: newWidth, newHeight, channels, bitDepth, result)
  }

  /// The picture with each pixel a square of `factor` pixels: what a small picture is in a report.
  ///
  /// - Throws: `FormatError` where the factor is below 1 or the result too large.
  public func enlarged(_ factor: Int) throws -> Image {
    guard factor >= 1, let pixels = checkedCount([width, factor, height, factor]), pixels <= Self.pixelLimit else {
      throw FormatError("image", "can't enlarge \(width) x \(height) by \(factor)")
    }
    let pixel = channels * bitDepth / 8
    var result: [UInt8] = []
    result.reserveCapacity(pixels * pixel)
    for row in 0..<height {
      var line: [UInt8] = []
      for column in 0..<width {
        let start = (row * width + column) * pixel
        for _ in 0..<factor { line += bytes[start..<start + pixel] }
      }
      for _ in 0..<factor { result += line }
    }
    return Image(unchecked: width * factor, height * factor, channels, bitDepth, result)
  }

  /// Pictures side by side in rows, each in a cell of the largest's size.
  ///
  /// - Parameters:
  ///   - columns: pictures in a row.
  ///   - gap: pixels between cells.
  ///   - background: level of what no picture covers.
  /// - Throws: `FormatError` where there are no pictures, or no columns, or the grid is too large.
  public static func grid(_ images: [Image], columns: Int, gap: Int = 2, background: UInt8 = 255) throws -> Image {
    guard !images.isEmpty, columns > 0, gap >= 0 else {
      throw FormatError("image", "a grid takes pictures, columns and a gap, got \(images.count), \(columns) and \(gap)")
    }
    let channels = images.allSatisfy { $0.channels == 1 } ? 1 : 3
    let parts = try images.map { try $0.converted(channels: channels) }
    let (cellWidth, cellHeight) = (parts.map(\.width).max() ?? 1, parts.map(\.height).max() ?? 1)
    let used = min(columns, parts.count)
    let rows = (parts.count + columns - 1) / columns
    let (width, height) = (used * (cellWidth + gap) - gap, rows * (cellHeight + gap) - gap)
    guard let pixels = checkedCount([width, height]), pixels <= pixelLimit else {
      throw FormatError("image", "a grid of \(width) x \(height) pixels is too large")
    }
    var result = Array(repeating: background, count: pixels * channels)
    for (i, part) in parts.enumerated() {
      let (left, top) = (i % columns * (cellWidth + gap), i / columns * (cellHeight + gap))
      for row in 0..<part.height {
        let target = ((top + row) * width + left) * channels
        let source = row * part.width * channels
        result.replaceSubrange(
          target..<target + part.width * channels, with: part.bytes[source..<source + part.width * channels])
      }
    }
    return Image(unchecked: width, height, channels, 8, result)
  }
}

extension Image {
  /// A picture of a tensor: uint8 [H, W, C] or [H, W] as it is; floats as 0...1, what is outside cut off.
  ///
  /// - Throws: `FormatError` for another shape or element type; `TensorError`.
  public init(_ tensor: Tensor) throws {
    if let failure = tensor.failure { throw failure }
    let shape = tensor.rank == 2 ? tensor.shape + [1] : tensor.shape
    guard shape.count == 3 else { throw FormatError("image", "a picture is [H, W] or [H, W, C], got \(tensor.shape)") }
    let bytes: [UInt8]
    switch tensor.dtype {
    case .uint8: bytes = try tensor.bytes()
    case .float32:
      // Not-a-number becomes black: `max` of it and 0 is 0 in this order.
      bytes = try tensor.array(of: Float.self).map { UInt8(min(max(0, $0), 1) * 255 + 0.5) }
    case .float16, .bfloat16, .float64:
      bytes = try tensor.cast(.float32).array(of: Float.self).map { UInt8(min(max(0, $0), 1) * 255 + 0.5) }
    default: throw FormatError("image", "a picture is of uint8 or floats, got \(tensor.dtype)")
    }
    try self.init(width: shape[1], height: shape[0], channels: shape[2], bytes: bytes)
  }

  /// Levels 0...1, float32 [H, W, C].
  public var tensor: Tensor {
    let levels: [Float] =
      bitDepth == 8 ? bytes.map { Float($0) / 255 } : samples.map { Float($0) / 65_535 }
    return Tensor(levels, shape: [height, width, channels])
  }

  /// Levels 0...255, uint8 [H, W, C].
  public var byteTensor: Tensor {
    Tensor(bytes: withEightBits().bytes, shape: [height, width, channels], dtype: .uint8)
  }
}
