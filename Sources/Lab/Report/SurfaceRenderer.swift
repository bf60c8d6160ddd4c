import Formats
import Foundation

/// Draws a coloured surface into a picture: depth by pixel, shaded by the normals, four samples a pixel.
public struct SurfaceRenderer: Sendable {
  /// Vertices between -1 and 1.
  let places: [SIMD3<Double>]
  private let triangles: [SIMD3<Int32>]
  private let values: [Double]
  private let normals: [SIMD3<Double>]
  /// Numbers beyond ± this have the colours of the ends.
  public let limit: Double
  /// Turn about the vertical axis, then about the horizontal one, in radians.
  public var turn = SIMD2(0.5, 0.35)

  /// - Throws: `UsageError` where numbers of vertices and values differ, a corner isn't a vertex, or nothing is finite.
  public init(vertices: [SIMD3<Double>], triangles: [SIMD3<Int32>], values: [Double], limit: Double? = nil) throws {
    guard vertices.count == values.count else {
      throw UsageError("\(values.count) values for \(vertices.count) vertices of a surface")
    }
    let count = Int32(clamping: vertices.count)
    guard let first = vertices.first,
      vertices.allSatisfy({ $0.x.isFinite && $0.y.isFinite && $0.z.isFinite }), values.allSatisfy(\.isFinite),
      triangles.allSatisfy({ $0.min() >= 0 && $0.max() < count })
    else {
      throw UsageError("a surface without vertices, with corners that aren't there, or not finite, can't be drawn")
    }
    let low = vertices.reduce(first, pointwiseMin)
    let high = vertices.reduce(first, pointwiseMax)
    let middle = (low + high) / 2
    let reach = vertices.reduce(0) { max($0, (($1 - middle) * ($1 - middle)).sum()) }.squareRoot()
    places = vertices.map { ($0 - middle) / max(reach, .leastNormalMagnitude) }
    (self.triangles, self.values) = (triangles, values)
    self.limit = limit ?? Self.roundLimit(values)
    var normals = [SIMD3<Double>](repeating: .zero, count: vertices.count)
    for t in triangles {
      let (a, b, c) = (places[Int(t.x)], places[Int(t.y)], places[Int(t.z)])
      let (u, v) = (b - a, c - a)
      let normal = SIMD3(u.y * v.z - u.z * v.y, u.z * v.x - u.x * v.z, u.x * v.y - u.y * v.x)
      for corner in 0..<3 { normals[Int(t[corner])] += normal }
    }
    self.normals = normals.map { $0 / max(($0 * $0).sum().squareRoot(), .leastNormalMagnitude) }
  }

  /// A round number that 98 in 100 sizes don't exceed.
  private static func roundLimit(_ values: [Double]) -> Double {
    let sizes = values.map { abs($0) }.sorted()
    guard let last = sizes.last, last > 0 else { return 1 }
    let wanted = max(sizes[min(sizes.count - 1, sizes.count * 98 / 100)], last * 1e-6)
    let power = pow(10, floor(log10(wanted)))
    return ([1, 1.5, 2, 3, 4, 5, 6, 8].first { $0 * power >= wanted } ?? 10) * power
  }

  /// Red, white, blue between -1 and 1, of even lightness on both sides.
  static func colour(_ value: Double) -> SIMD3<Double> {
    let t = max(-1, min(1, value))
    let (white, red, blue) = (SIMD3(0.95, 0.94, 0.93), SIMD3(0.74, 0.11, 0.16), SIMD3(0.13, 0.31, 0.75))
    let end = t < 0 ? red : blue
    return white + (end - white) * pow(abs(t), 0.8)
  }

  /// The picture with transparent ground, or on white with a bar of colours below.
  ///
  /// - Parameters:
  ///   - bar: what the bar says, such as `potential, kcal/mol/e`; no bar where nil.
  /// - Throws: `FormatError`.
  public func picture(width: Int, height: Int, bar: String? = nil) throws -> Image {
    let barHeight = bar == nil ? 0 : 64
    var canvas = Canvas(width: width, height: height)
    draw(into: &canvas, height: height - barHeight)
    if let bar {
      canvas.putOn(white: true)
      drawBar(bar, into: &canvas)
    }
    return try Image(width: width, height: height, channels: 4, bytes: canvas.bytes)
  }

  private func draw(into canvas: inout Canvas, height: Int) {
    let samples = 2
    let (w, h) = (canvas.width * samples, height * samples)
    let scale = 0.96 * Double(min(w, h)) / 2
    func turned(_ p: SIMD3<Double>) -> SIMD3<Double> {
      let (c, s) = (cos(turn.x), sin(turn.x))
      let q = SIMD3(c * p.x + s * p.z, p.y, -s * p.x + c * p.z)
      let (d, e) = (cos(turn.y), sin(turn.y))
      return SIMD3(q.x, d * q.y - e * q.z, e * q.y + d * q.z)
    }
    let points = places.map { p in
      let q = turned(p)
      return SIMD3(Double(w) / 2 + scale * q.x, Double(h) / 2 - scale * q.y, q.z)
    }
    let light = SIMD3(-0.35, 0.5, 0.79)
    let shades = zip(normals, values).map { normal, value in
      let n = turned(normal)
      let bright = 0.45 + 0.6 * max(0, (n * light).sum())
      return Self.colour(value / limit) * bright
    }
    var depth = [Float](repeating: -.infinity, count: w * h)
    var colours = [SIMD3<Float>](repeating: .zero, count: w * h)
    for t in triangles {
      let (i, j, k) = (Int(t.x), Int(t.y), Int(t.z))
      let (a, b, c) = (points[i], points[j], points[k])
      let area = (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x)
      // Seen from behind; y points down here.
      guard area < 0 else { continue }
      let (x0, x1) = (max(0, Int(min(a.x, b.x, c.x))), min(w - 1, Int(max(a.x, b.x, c.x)) + 1))
      let (y0, y1) = (max(0, Int(min(a.y, b.y, c.y))), min(h - 1, Int(max(a.y, b.y, c.y)) + 1))
      guard x0 <= x1, y0 <= y1 else { continue }
      for y in y0...y1 {
        for x in x0...x1 {
          let (px, py) = (Double(x) + 0.5, Double(y) + 0.5)
          let u = ((b.x - px) * (c.y - py) - (b.y - py) * (c.x - px)) / area
          let v = ((c.x - px) * (a.y - py) - (c.y - py) * (a.x - px)) / area
          let s = 1 - u - v
          guard u >= 0, v >= 0, s >= 0 else { continue }
          let z = Float(u * a.z + v * b.z + s * c.z)
          guard z > depth[y * w + x] else { continue }
          depth[y * w + x] = z
          colours[y * w + x] = SIMD3<Float>(u * shades[i] + v * shades[j] + s * shades[k])
        }
      }
    }
    for y in 0..<height {
      for x in 0..<canvas.width {
        var (sum, count) = (SIMD3<Float>.zero, Float(0))
        for dy in 0..<samples {
          for dx in 0..<samples {
            let place = (y * samples + dy) * w + x * samples + dx
            if depth[place] > -.infinity { (sum, count) = (sum + colours[place], count + 1) }
          }
        }
        if count > 0 { canvas.set(x, y, SIMD3<Double>(sum / count), alpha: Double(count) / Double(samples * samples)) }
      }
    }
  }

  private func drawBar(_ text: String, into canvas: inout Canvas) {
    let (width, height) = (canvas.width, canvas.height)
    let (left, right, top) = (width / 6, width * 5 / 6, height - 56)
    for x in left..<right {
      let colour = Self.colour(2 * (Double(x - left) + 0.5) / Double(right - left) - 1)
      for y in top..<top + 14 { canvas.set(x, y, colour, alpha: 1) }
    }
    let ink = SIMD3(0.15, 0.17, 0.2)
    func put(_ text: String, middle: Int, top: Int) {
      let left = middle - PixelFont.width(of: text, scale: 2) / 2
      PixelFont.draw(text, scale: 2) { x, y in canvas.set(left + x, top + y, ink, alpha: 1) }
    }
    put("-" + Format.short(limit), middle: left, top: top + 20)
    put("0", middle: (left + right) / 2, top: top + 20)
    put("+" + Format.short(limit), middle: right, top: top + 20)
    put(text, middle: width / 2, top: top + 40)
  }

  /// Pixels with red, green, blue and opacity.
  private struct Canvas {
    let width: Int
    let height: Int
    private(set) var bytes: [UInt8]

    init(width: Int, height: Int) {
      (self.width, self.height) = (width, height)
      bytes = [UInt8](repeating: 0, count: 4 * width * height)
    }

    mutating func set(_ x: Int, _ y: Int, _ colour: SIMD3<Double>, alpha: Double) {
      guard (0..<width).contains(x), (0..<height).contains(y) else { return }
      for channel in 0..<3 { bytes[4 * (y * width + x) + channel] = UInt8(255 * max(0, min(1, colour[channel]))) }
      bytes[4 * (y * width + x) + 3] = UInt8(255 * alpha)
    }

    mutating func putOn(white: Bool) {
      let ground = white ? 255 : 0
      for pixel in stride(from: 0, to: bytes.count, by: 4) {
        let alpha = Int(bytes[pixel + 3])
        for channel in pixel..<pixel + 3 {
          bytes[channel] = UInt8((Int(bytes[channel]) * alpha + ground * (255 - alpha)) / 255)
        }
        bytes[pixel + 3] = 255
      }
    }
  }
}

/// Letters of 5 x 7 pixels for pictures that carry a few words.
enum PixelFont {
  /// Rows from the top, the leftmost pixel the highest of five bits.
  private static let glyphs: [Character: [UInt8]] = [
    "0": [14, 17, 19, 21, 25, 17, 14], "1": [4, 12, 4, 4, 4, 4, 14], "2": [14, 17, 1, 2, 4, 8, 31],
    "3": [31, 2, 4, 2, 1, 17, 14], "4": [2, 6, 10, 18, 31, 2, 2], "5": [31, 16, 30, 1, 1, 17, 14],
    "6": [6, 8, 16, 30, 17, 17, 14], "7": [31, 1, 2, 4, 8, 8, 8], "8": [14, 17, 17, 14, 17, 17, 14],
    "9": [14, 17, 17, 15, 1, 2, 12], "a": [0, 0, 14, 1, 15, 17, 15], "b": [16, 16, 22, 25, 17, 17, 30],
    "c": [0, 0, 14, 16, 16, 17, 14], "d": [1, 1, 13, 19, 17, 17, 15], "e": [0, 0, 14, 17, 31, 16, 14],
    "f": [6, 9, 8, 28, 8, 8, 8], "g": [0, 15, 17, 17, 15, 1, 14], "h": [16, 16, 22, 25, 17, 17, 17],
    "i": [4, 0, 12, 4, 4, 4, 14], "j": [2, 0, 6, 2, 2, 18, 12], "k": [16, 16, 18, 20, 24, 20, 18],
    "l": [12, 4, 4, 4, 4, 4, 14], "m": [0, 0, 26, 21, 21, 17, 17], "n": [0, 0, 22, 25, 17, 17, 17],
    "o": [0, 0, 14, 17, 17, 17, 14], "p": [0, 0, 30, 17, 30, 16, 16], "q": [0, 0, 13, 19, 15, 1, 1],
    "r": [0, 0, 22, 25, 16, 16, 16], "s": [0, 0, 14, 16, 14, 1, 30], "t": [8, 8, 28, 8, 8, 9, 6],
    "u": [0, 0, 17, 17, 17, 19, 13], "v": [0, 0, 17, 17, 17, 10, 4], "w": [0, 0, 17, 17, 21, 21, 10],
    "x": [0, 0, 17, 10, 4, 10, 17], "y": [0, 0, 17, 17, 15, 1, 14], "z": [0, 0, 31, 2, 4, 8, 31],
    ".": [0, 0, 0, 0, 0, 12, 12], ",": [0, 0, 0, 0, 12, 4, 8], "-": [0, 0, 0, 31, 0, 0, 0],
    "+": [0, 4, 4, 31, 4, 4, 0], "/": [0, 1, 2, 4, 8, 16, 0], "(": [2, 4, 8, 8, 8, 4, 2], ")": [8, 4, 2, 2, 2, 4, 8],
  ]

  static func width(of text: String, scale: Int) -> Int { max(0, text.count * 6 - 1) * scale }

  /// Calls for each pixel of a text, its left top at 0, 0; letters that aren't known stay empty.
  static func draw(_ text: String, scale: Int, _ set: (Int, Int) -> Void) {
    for (place, character) in text.lowercased().enumerated() {
      guard let rows = glyphs[character] else { continue }
      for (y, row) in rows.enumerated() {
        for x in 0..<5 where row >> (4 - x) & 1 == 1 {
          for i in 0..<scale * scale { set((place * 6 + x) * scale + i % scale, y * scale + i / scale) }
        }
      }
    }
  }
}
