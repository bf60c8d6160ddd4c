import Formats
import Foundation
import Lab
import Pinion

/// A picture cut into parts by the normalised cut of its grid of pixels (Shi, Malik 2000).
public struct Segmentation: Sendable {
  /// What the similarity of pixels depends on.
  public struct Options: Codable, Hashable, Sendable {
    /// Parts; nil for the number before the largest eigengap.
    public var segments: Int? = 6
    /// Longest side of the picture that is cut, in pixels; the parts are stretched to the whole.
    public var side = 120
    /// Pixels farther apart than this are not joined.
    public var radius = 3.0
    /// Differences of colour, levels 0...1, that count as large.
    public var colourScale = 0.08
    /// Distance in pixels at which similarity has fallen by exp(-1).
    public var distanceScale = 3.0
    public var seed: UInt64 = 0

    public init() {}

    func validate() throws {
      func require(_ holds: Bool, _ message: String) throws { if !holds { throw UsageError(message) } }
      try require(segments ?? 2 >= 1, "segments is \(segments ?? 0), expected at least 1")
      try require((2...600).contains(side), "side is \(side), expected 2 to 600 pixels")
      try require(radius >= 1 && radius <= 10, "radius is \(radius), expected 1 to 10 pixels")
      try require(colourScale > 0 && distanceScale > 0, "scales are positive numbers")
    }
  }

  /// The picture that was cut.
  public let image: Image
  /// Pixels of the picture at the size at which it was cut.
  public let width: Int
  public let height: Int
  /// Part of each of its pixels, row-major.
  public let labels: [Int]
  public let eigengap: Eigengap

  /// Cuts a picture.
  ///
  /// - Throws: `UsageError` for options that can't be used, `FormatError` where it can't be resized; `TensorError`.
  public init(_ image: Image, _ options: Options = Options()) throws {
    try options.validate()
    let colour = try image.converted(channels: 3)
    let factor = min(1, Double(options.side) / Double(max(colour.width, colour.height)))
    let small = try colour.resized(
      width: max(1, Int((Double(colour.width) * factor).rounded())),
      height: max(1, Int((Double(colour.height) * factor).rounded())))
    let graph = try SimilarityGraph(Self.similarities(small, options))
    var spectral = SpectralOptions(clusters: options.segments)
    spectral.assignment = .clusterQR
    spectral.laplacian = .symmetric
    spectral.seed = options.seed
    if let segments = options.segments, segments > small.width * small.height {
      throw UsageError("segments is \(segments), but the picture has \(small.width * small.height) pixels")
    }
    let found = try SpectralClustering(graph, spectral)
    (self.image, width, height) = (colour, small.width, small.height)
    (labels, eigengap) = (found.clusters.labels, found.eigengap)
  }

  /// exp(-|colours|² / colourScale² - |places|² / distanceScale²) of pixels within the radius.
  static func similarities(_ image: Image, _ options: Options) throws -> SparseMatrix {
    let (w, h) = (image.width, image.height)
    let reach = Int(options.radius)
    var edges: [(Int, Int, Double)] = []
    for y in 0..<h {
      for x in 0..<w {
        let here = 3 * (y * w + x)
        for dy in 0...reach where y + dy < h {
          for dx in -reach...reach where x + dx >= 0 && x + dx < w && (dy > 0 || dx > 0) {
            let distance = Double(dx * dx + dy * dy)
            guard distance <= options.radius * options.radius else { continue }
            let there = 3 * ((y + dy) * w + x + dx)
            var difference = 0.0
            for channel in 0..<3 {
              let step = (Double(image.bytes[here + channel]) - Double(image.bytes[there + channel])) / 255
              difference += step * step
            }
            let exponent =
              difference / (options.colourScale * options.colourScale)
              + distance / (options.distanceScale * options.distanceScale)
            // So weak an edge would cut a component off by rounding.
            edges.append((y * w + x, (y + dy) * w + x + dx, max(exp(-exponent), 1e-6)))
          }
        }
      }
    }
    return try SparseMatrix(count: w * h, edges: edges)
  }

  /// Part of a pixel of the whole picture.
  private func label(_ x: Int, _ y: Int) -> Int {
    labels[min(height - 1, y * height / image.height) * width + min(width - 1, x * width / image.width)]
  }

  /// The picture with each part tinted and the borders between parts drawn.
  ///
  /// - Throws: `FormatError`.
  public func overlay() throws -> Image {
    let colours: [[Double]] = [
      [230, 75, 53], [77, 187, 213], [0, 160, 135], [243, 155, 56], [132, 90, 190], [145, 209, 80], [220, 80, 160],
      [60, 84, 136],
    ]
    var bytes = image.bytes
    for y in 0..<image.height {
      for x in 0..<image.width {
        let part = label(x, y)
        let isBorder =
          x + 1 < image.width && label(x + 1, y) != part || y + 1 < image.height && label(x, y + 1) != part
        for channel in 0..<3 {
          let place = 3 * (y * image.width + x) + channel
          let tint = isBorder ? 255 : colours[part % colours.count][channel]
          let share = isBorder ? 0.9 : 0.45
          bytes[place] = UInt8((1 - share) * Double(bytes[place]) + share * tint)
        }
      }
    }
    return try Image(width: image.width, height: image.height, channels: 3, bytes: bytes)
  }

  /// The picture with each part in its mean colour.
  ///
  /// - Throws: `FormatError`.
  public func averaged() throws -> Image {
    let parts = (labels.max() ?? 0) + 1
    var sums = [Double](repeating: 0, count: 3 * parts)
    var counts = [Double](repeating: 0, count: parts)
    for y in 0..<image.height {
      for x in 0..<image.width {
        let part = label(x, y)
        counts[part] += 1
        for channel in 0..<3 { sums[3 * part + channel] += Double(image.bytes[3 * (y * image.width + x) + channel]) }
      }
    }
    var bytes = image.bytes
    for y in 0..<image.height {
      for x in 0..<image.width {
        let part = label(x, y)
        for channel in 0..<3 {
          bytes[3 * (y * image.width + x) + channel] = UInt8(sums[3 * part + channel] / max(counts[part], 1))
        }
      }
    }
    return try Image(width: image.width, height: image.height, channels: 3, bytes: bytes)
  }
}
