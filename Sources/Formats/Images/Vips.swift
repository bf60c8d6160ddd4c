import CFormats
import Glibc
import PJRT
import Synchronization

/// The library libvips, opened at first use; the variable `PINION_VIPS` names another file.
///
/// Its text of errors is one for the whole process, so calls take turns.
final class Vips: @unchecked Sendable {
  private let functions: OpaquePointer
  private static let instance = Mutex<Vips?>(nil)

  private init() throws {
    let name = "libvips.so.42"
    guard let path = RuntimeParts.environment("PINION_VIPS") ?? RuntimeParts.find(name) else {
      throw FormatError(
        name,
        "wasn't found in \(RuntimeParts.folders.joined(separator: ", ")); ./pinion sets it up, or set PINION_VIPS to its path"
      )
    }
    guard let library = dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
      throw FormatError(path, "can't be loaded: \(dlerror().map { String(cString: $0) } ?? "unknown reason")")
    }
    var reason: UnsafePointer<CChar>?
    guard let functions = cformats_vips_open(library, &reason) else {
      throw FormatError(path, "isn't a libvips that fits: \(reason.map { String(cString: $0) } ?? "unknown reason")")
    }
    self.functions = functions
  }

  /// Calls the library, one caller at a time.
  private static func run<R>(_ body: (Vips) throws -> R) throws -> R {
    try instance.withLock { slot in
      let vips = try slot ?? Vips()
      slot = vips
      return try body(vips)
    }
  }

  /// The first line of the reason of the last failure.
  private func reason() -> String {
    guard let text = cformats_vips_error(functions) else { return "unknown reason" }
    defer { cformats_vips_free(functions, text) }
    let lines = String(cString: text).split(whereSeparator: \.isNewline)
    return lines.first.map(String.init) ?? "unknown reason"
  }

  /// Decodes the bytes of a PNG or JPEG.
  static func decode(_ bytes: UnsafeRawBufferPointer, file: String) throws -> Image {
    let codec: CFormatsCodec
    if bytes.starts(with: [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]) {
      codec = CFormatsPNG
    } else if bytes.starts(with: [0xff, 0xd8, 0xff]) {
      codec = CFormatsJPEG
    } else {
      throw FormatError(file, "is neither a PNG nor a JPEG picture")
    }
    return try run { vips in
      var picture = CFormatsPicture()
      var pixels: UnsafeMutableRawPointer?
      let code = cformats_vips_decode(
        vips.functions, codec, bytes.baseAddress, bytes.count, Int64(Image.pixelLimit), &picture, &pixels)
      guard code == 0, let pixels else {
        throw FormatError(file, "is a damaged or truncated \(codec == CFormatsPNG ? "PNG" : "JPEG"): \(vips.reason())")
      }
      return vips.image(pixels, picture)
    }
  }

  /// Encodes a picture.
  static func encode(_ image: Image, _ codec: CFormatsCodec, quality: Int = 0, interlaced: Bool, file: String) throws
    -> [UInt8]
  {
    try run { vips in
      var picture = CFormatsPicture(image)
      var data: UnsafeMutableRawPointer?
      var size = 0
      let code = image.bytes.withUnsafeBytes {
        cformats_vips_encode(
          vips.functions, codec, &picture, $0.baseAddress, Int32(quality), interlaced ? 1 : 0, &data, &size)
      }
      guard code == 0, let data else { throw FormatError(file, "can't be encoded: \(vips.reason())") }
      defer { cformats_vips_free(vips.functions, data) }
      return [UInt8](UnsafeRawBufferPointer(start: data, count: size))
    }
  }

  /// Resizes a picture with the Lanczos kernel.
  static func resize(_ image: Image, width: Int, height: Int) throws -> Image {
    try run { vips in
      var picture = CFormatsPicture(image)
      var pixels: UnsafeMutableRawPointer?
      let code = image.bytes.withUnsafeBytes {
        cformats_vips_resize(vips.functions, &picture, $0.baseAddress, Int32(width), Int32(height), &pixels)
      }
      guard code == 0, let pixels else {
        throw FormatError("image", "can't be resized to \(width) x \(height): \(vips.reason())")
      }
      (picture.width, picture.height) = (Int32(width), Int32(height))
      return vips.image(pixels, picture)
    }
  }

  /// Takes samples over from the library.
  private func image(_ pixels: UnsafeMutableRawPointer, _ picture: CFormatsPicture) -> Image {
    defer { cformats_vips_free(functions, pixels) }
    let (width, height, channels) = (Int(picture.width), Int(picture.height), Int(picture.channels))
    let sample = Int(picture.sample_bytes)
    let bytes = [UInt8](UnsafeRawBufferPointer(start: pixels, count: width * height * channels * sample))
    return Image(unchecked: width, height, channels, sample * 8, bytes)
  }
}

extension CFormatsPicture {
  fileprivate init(_ image: Image) {
    self.init(
      width: Int32(image.width), height: Int32(image.height), channels: Int32(image.channels),
      sample_bytes: Int32(image.bitDepth / 8))
  }
}
