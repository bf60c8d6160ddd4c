import Pinion
import Testing

@testable import Formats

@Suite struct ImageTests {
  /// Samples as `make.py` has them.
  private func samples(_ channels: Int, _ depth: Int) -> [Int] {
    let (levels, factor) = (1 << min(depth, 8), depth == 16 ? 257 : 1)
    var result: [Int] = []
    for y in 0..<9 {
      for x in 0..<11 {
        for c in 0..<channels { result.append((7 * x + 13 * y + 50 * c) % levels * factor) }
      }
    }
    return result
  }

  @Test(arguments: [("grey", 1), ("greyalpha", 2), ("rgb", 3), ("rgba", 4)]) func colourTypes(
    _ name: String, _ channels: Int
  ) throws {
    for depth in [8, 16] {
      for suffix in ["", "i"] {
        let image = try Image(path: fixture("\(name)\(depth)\(suffix).png"))
        #expect((image.width, image.height, image.channels, image.bitDepth) == (11, 9, channels, depth))
        let found = depth == 8 ? image.bytes.map { Int($0) } : image.samples.map { Int($0) }
        #expect(found == samples(channels, depth), "\(name)\(depth)\(suffix)")
        for interlaced in [false, true] {
          #expect(try Image(decoding: image.encoded(.png, interlaced: interlaced)) == image, "\(name)\(depth) written")
        }
      }
    }
  }

  @Test(arguments: [1, 2, 4]) func fewBits(_ depth: Int) throws {
    let grey = try Image(path: fixture("grey\(depth).png"))
    #expect(grey.bytes.map { Int($0) } == samples(1, depth).map { $0 * 255 / ((1 << depth) - 1) })
    let palette = try Image(path: fixture("palette\(depth).png"))
    #expect(palette.channels == 3)
    var colours: [Int] = []
    for index in samples(1, depth) { colours += [10 * index % 256, 20 * index % 256, 255 - index] }
    #expect(palette.bytes.map { Int($0) } == colours)
  }

  private func expectNear(
    _ image: Image, _ name: String, _ tolerance: Int, sourceLocation: Testing.SourceLocation = #_sourceLocation
  ) throws {
    let expected = try NumPy.read(fixture(name)).array(of: UInt8.self)
    #expect(image.bytes.count == expected.count, sourceLocation: sourceLocation)
    let worst = zip(image.bytes, expected).map { abs(Int($0) - Int($1)) }.max() ?? 0
    #expect(worst <= tolerance, sourceLocation: sourceLocation)
  }

  @Test func jpeg() throws {
    let image = try Image(path: fixture("smooth.jpg"))
    #expect((image.width, image.height, image.channels, image.bitDepth) == (40, 24, 3, 8))
    try expectNear(image, "smooth.npy", 3)
    let grey = try Image(path: fixture("grey.jpg"))
    #expect(grey.channels == 1)
    try expectNear(grey, "grey.npy", 2)
    let again = try Image(decoding: image.encoded(.jpeg(quality: 98)))
    #expect(zip(again.bytes, image.bytes).allSatisfy { abs(Int($0) - Int($1)) <= 12 })
    #expect(try image.encoded(.jpeg(quality: 20)).count < image.encoded(.jpeg(quality: 98)).count)
    #expect(message { _ = try image.encoded(.jpeg(quality: 0)) }.hasSuffix("quality 0 isn't 1 to 100"))
  }

  @Test func jpegOfCamerasAndPrinters() throws {
    let turned = try Image(path: fixture("turned.jpg"))
    #expect((turned.width, turned.height) == (24, 40))
    // Red grows to the right in the original, so downward in the turned picture.
    #expect(turned.bytes[0] < turned.bytes[39 * 24 * 3])
    let print = try Image(path: fixture("cmyk.jpg"))
    #expect((print.width, print.height, print.channels) == (40, 24, 3))
  }

  @Test func lanczos() throws {
    let image = try Image(path: fixture("smooth.png"))
    try expectNear(image.resized(width: 15, height: 10), "lanczos.npy", 6)
    let flat = try Image(
      width: 6, height: 4, channels: 4, bytes: (0..<24).flatMap { _ in [10, 20, 30, 200] as [UInt8] })
    for (width, height) in [(3, 7), (13, 1), (6, 4), (1, 1)] {
      let small = try flat.resized(width: width, height: height)
      #expect((small.width, small.height) == (width, height))
      #expect(small.bytes.enumerated().allSatisfy { abs(Int($1) - [10, 20, 30, 200][$0 % 4]) <= 1 })
    }
    let wide = try Image(path: fixture("grey16.png")).resized(width: 5, height: 5)
    #expect(wide.bitDepth == 16)
  }

  @Test func thumbnailIsCentred() throws {
    // Black, white, black thirds: a square of the middle is all white.
    let row: [UInt8] = (0..<30).map { $0 / 10 == 1 ? 255 : 0 }
    let image = try Image(width: 30, height: 10, channels: 1, bytes: (0..<10).flatMap { _ in row })
    #expect(try image.thumbnail(width: 4, height: 4).bytes == Array(repeating: 255, count: 16))
    let tall = try image.thumbnail(width: 7, height: 70)
    #expect((tall.width, tall.height) == (7, 70))
  }

  @Test func conversions() throws {
    let colour = try Image(width: 2, height: 1, channels: 4, bytes: [255, 0, 0, 255, 9, 9, 9, 0])
    #expect(try colour.converted(channels: 1).bytes == [76, 255])
    #expect(try colour.converted(channels: 3).bytes == [255, 0, 0, 255, 255, 255])
    let grey = try Image(width: 1, height: 1, channels: 1, bitDepth: 16, bytes: [0xff, 0x7f])
    #expect(try grey.converted(channels: 3).bytes == [127, 127, 127])
    #expect(throws: FormatError.self) { try grey.converted(channels: 2) }
    #expect(try colour.cropped(x: 1, y: 0, width: 1, height: 1).bytes == [9, 9, 9, 0])
    #expect(throws: FormatError.self) { try colour.cropped(x: 1, y: 0, width: 2, height: 1) }
    #expect(throws: FormatError.self) { try colour.cropped(x: .max, y: 0, width: 1, height: 1) }
  }

  @Test func tensors() throws {
    let image = try Image(width: 2, height: 1, channels: 3, bytes: [0, 51, 255, 1, 2, 3])
    #expect(image.tensor.shape == [1, 2, 3])
    #expect(try image.tensor.array(of: Float.self) == [0, 0.2, 1, 1 / 255, 2 / 255, 3 / 255])
    #expect(try Image(image.tensor) == image)
    #expect(try Image(image.byteTensor) == image)
    #expect(try Image(Tensor([-1, 0.5, 2, .nan] as [Float], shape: [2, 2])).bytes == [0, 128, 255, 0])
    #expect(message { _ = try Image(Tensor.ones([3])) } == "image: a picture is [H, W] or [H, W, C], got [3]")
    #expect(message { _ = try Image(Tensor.ones([1, 1, 1], dtype: .int32)) }.contains("got int32"))
    #expect(message { _ = try Image(width: 2, height: 2, channels: 1, bytes: [1]) }.contains("takes 4 bytes, got 1"))
    #expect(throws: FormatError.self) { try Image(width: .max, height: 4, channels: 1, bytes: []) }
  }

  @Test func reportHelpers() throws {
    let dot = try Image(width: 2, height: 1, channels: 1, bytes: [10, 20])
    #expect(try dot.enlarged(2).bytes == [10, 10, 20, 20, 10, 10, 20, 20])
    let grid = try Image.grid([dot, dot, dot], columns: 2, gap: 1)
    #expect((grid.width, grid.height) == (5, 3))
    #expect(grid.bytes == [10, 20, 255, 10, 20, 255, 255, 255, 255, 255, 10, 20, 255, 255, 255])
    #expect(throws: FormatError.self) { try Image.grid([], columns: 2) }
    #expect(throws: FormatError.self) { try dot.enlarged(1 << 40) }
  }

  @Test func files() throws {
    let scratch = try Scratch()
    let image = try Image(width: 1, height: 1, channels: 3, bytes: [1, 2, 3])
    try image.write(to: try scratch.file("a.PNG"))
    #expect(try Image(path: scratch.file("a.PNG")) == image)
    #expect(message { try image.write(to: "a.gif") } == "a.gif: the name of a picture ends with .png, .jpg or .jpeg")
    let text = try scratch.file("b.png", Array("not a picture".utf8))
    #expect(message { _ = try Image(path: text) } == "\(text): is neither a PNG nor a JPEG picture")
  }

  @Test func refusesDamage() throws {
    for (name, kind) in [("rgb8.png", "PNG"), ("smooth.jpg", "JPEG")] {
      let good = try File.read(fixture(name))
      for cut in [10, good.count / 2, good.count - 40] {
        #expect(
          message { _ = try Image(decoding: Array(good.prefix(cut)), name: name) }.hasPrefix(
            "\(name): is a damaged or truncated \(kind): "), "\(cut)")
      }
    }
    // A header that promises 100,000 x 100,000 pixels.
    var huge = try File.read(fixture("rgb8.png"))
    huge.replaceSubrange(16..<24, with: [0, 1, 0x86, 0xa0, 0, 1, 0x86, 0xa0])
    #expect(message { _ = try Image(decoding: huge, name: "huge.png") }.hasPrefix("huge.png: is a damaged"))
  }

  @Test(arguments: ["rgba8.png", "palette4.png", "grey16i.png", "smooth.jpg", "cmyk.jpg"]) func survivesMutations(
    _ name: String
  ) throws {
    var refused = 0
    try mutations(of: File.read(fixture(name)), count: 250, seed: 5) { bytes in
      do {
        let image = try Image(decoding: bytes)
        #expect(image.bytes.count == image.width * image.height * image.channels * image.bitDepth / 8)
      } catch { refused += 1 }
    }
    #expect(refused > 50)
  }

  @Test func manyThreads() async throws {
    let bytes = try File.read(fixture("smooth.jpg"))
    let expected = try Image(decoding: bytes)
    try await withThrowingTaskGroup(of: Image.self) { group in
      for _ in 0..<16 { group.addTask { try Image(decoding: bytes) } }
      for try await image in group { #expect(image == expected) }
    }
  }
}
