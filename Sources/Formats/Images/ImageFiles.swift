import CFormats

extension Image {
  /// Kinds of picture files.
  public enum FileKind: Sendable {
    /// Lossless.
    case png
    /// Lossy; quality 1 to 100. Opacity is laid over black, 16 bits become 8.
    case jpeg(quality: Int)
  }

  /// Reads a PNG or JPEG file, whatever its name.
  ///
  /// Palettes become colour, 1 to 4 bits become 8, CMYK becomes colour; JPEGs are turned upright.
  ///
  /// - Throws: `FormatError` where it's neither, damaged, truncated or larger than `pixelLimit`, or libvips isn't there.
  public init(path: String) throws {
    let bytes = try File.read(path, limit: 1 << 31)
    self = try bytes.withUnsafeBytes { try Vips.decode($0, file: path) }
  }

  /// Reads the bytes of a PNG or JPEG file.
  ///
  /// - Throws: as `init(path:)`.
  public init(decoding bytes: [UInt8], name: String = "image") throws {
    self = try bytes.withUnsafeBytes { try Vips.decode($0, file: name) }
  }

  /// The bytes of a picture file.
  ///
  /// - Throws: `FormatError` where the quality is out of range or libvips isn't there.
  public func encoded(_ kind: FileKind = .png, interlaced: Bool = false, name: String = "image") throws -> [UInt8] {
    switch kind {
    case .png: return try Vips.encode(self, CFormatsPNG, interlaced: interlaced, file: name)
    case .jpeg(let quality):
      guard (1...100).contains(quality) else { throw FormatError(name, "quality \(quality) isn't 1 to 100") }
      return try Vips.encode(withEightBits(), CFormatsJPEG, quality: quality, interlaced: interlaced, file: name)
    }
  }

  /// Writes a picture file, whole or not at all; the kind is that of the name: `.png`, `.jpg` or `.jpeg`.
  ///
  /// - Throws: `FormatError` for another name, or where the disk refuses.
  public func write(to path: String, quality: Int = 90) throws {
    let name = path.lowercased()
    if name.hasSuffix(".png") {
      try File.write(encoded(.png, name: path), to: path)
    } else if name.hasSuffix(".jpg") || name.hasSuffix(".jpeg") {
      try File.write(encoded(.jpeg(quality: quality), name: path), to: path)
    } else {
      throw FormatError(path, "the name of a picture ends with .png, .jpg or .jpeg")
    }
  }

  /// The picture stretched to a size, with the Lanczos kernel.
  ///
  /// - Throws: `FormatError` where the size is out of range or libvips isn't there.
  public func resized(width newWidth: Int, height newHeight: Int) throws -> Image {
    guard newWidth > 0, newHeight > 0, let pixels = checkedCount([newWidth, newHeight]), pixels <= Self.pixelLimit
    else {
      throw FormatError("image", "can't be resized to \(newWidth) x \(newHeight)")
    }
    if (newWidth, newHeight) == (width, height) { return self }
    return try Vips.resize(self, width: newWidth, height: newHeight)
  }

  /// The largest centred part of the same proportions, resized.
  ///
  /// - Throws: as `resized(width:height:)`.
  public func thumbnail(width newWidth: Int, height newHeight: Int) throws -> Image {
    guard newWidth > 0, newHeight > 0, newWidth <= Self.pixelLimit, newHeight <= Self.pixelLimit else {
      throw FormatError("image", "can't be resized to \(newWidth) x \(newHeight)")
    }
    let isWide = width * newHeight > newWidth * height
    let partWidth = isWide ? max(1, (height * newWidth + newHeight / 2) / newHeight) : width
    let partHeight = isWide ? height : max(1, (width * newHeight + newWidth / 2) / newWidth)
    let (across, down) = (min(partWidth, width), min(partHeight, height))
    let part = try cropped(x: (width - across) / 2, y: (height - down) / 2, width: across, height: down)
    return try part.resized(width: newWidth, height: newHeight)
  }
}
