import Formats
import Foundation

/// A surface in space, coloured by numbers at its vertices: turned by mouse, finger and keys in a report, still elsewhere.
public struct SurfacePicture: Codable, Sendable {
  /// What the numbers are, such as `potential`.
  public var name: String
  /// Unit of the numbers, such as `kcal/mol/e`.
  public var unit: String
  /// What is seen, for those who can't.
  public var description: String
  /// Numbers beyond ± this have the colours of the ends.
  public var limit: Double
  /// Number of vertices and of triangles.
  public let vertexCount: Int
  public let triangleCount: Int
  /// Vertices between -1 and 1, the surface in the middle: float32, little-endian.
  @Base64 var positions: [UInt8]
  /// Corners of triangles: uint32, little-endian.
  @Base64 var corners: [UInt8]
  /// A number for each vertex: float32, little-endian.
  @Base64 var values: [UInt8]
  /// The surface as a still picture, with transparent ground; PNG.
  @Base64 public var png: [UInt8]

  /// More triangles than this are shown as a still picture only.
  public static let interactiveLimit = 200_000

  /// - Parameters:
  ///   - vertices: places in any unit of length, [V].
  ///   - triangles: places of corners among the vertices, counterclockwise seen from outside, [T].
  ///   - values: a finite number for each vertex, [V].
  ///   - limit: end of the colours; a round number that 98 in 100 values are below where nil.
  /// - Throws: `UsageError` where numbers of vertices and values differ, a corner isn't a vertex, or nothing is finite.
  public init(
    vertices: [SIMD3<Double>], triangles: [SIMD3<Int32>], values: [Double], name: String, unit: String,
    description: String, limit: Double? = nil
  ) throws {
    let renderer = try SurfaceRenderer(vertices: vertices, triangles: triangles, values: values, limit: limit)
    (self.name, self.unit, self.description) = (name, unit, description)
    self.limit = renderer.limit
    (vertexCount, triangleCount) = (vertices.count, triangles.count)
    let isInteractive = triangles.count <= Self.interactiveLimit
    func bytes<T: FixedWidthInteger>(_ numbers: [T]) -> [UInt8] {
      numbers.flatMap { number in withUnsafeBytes(of: number.littleEndian) { Array($0) } }
    }
    func bits(_ values: [Float]) -> [UInt8] { isInteractive ? bytes(values.map(\.bitPattern)) : [] }
    positions = bits(renderer.places.flatMap { [Float($0.x), Float($0.y), Float($0.z)] })
    corners = isInteractive ? bytes(triangles.flatMap { [UInt32($0.x), UInt32($0.y), UInt32($0.z)] }) : []
    self.values = bits(values.map { Float($0) })
    png = try renderer.picture(width: 640, height: 480).encoded()
  }

  /// The element of a page; `SurfaceScript` makes the canvas of it.
  func html(number: Int) -> String {
    func base64(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }
    let label = Markup.escape(description)
    let data =
      positions.isEmpty
      ? ""
      : """
      <script type="application/json" data-surface="surface-\(number)">{"positions":"\(base64(positions))",\
      "corners":"\(base64(corners))","values":"\(base64(values))","limit":\(limit)}</script>

      """
    return """
      <div class="surface" id="surface-\(number)" data-unit="\(Markup.escape(unit))">
      <img src="data:image/png;base64,\(base64(png))" alt="\(label)" width="640">
      <div class="surface-bar" role="img" aria-label="\(Markup.escape(
        "Colours from \(Self.text(-limit)), red, over 0, white, to \(Self.text(limit)) \(unit), blue"))">
      <span>\(Self.text(-limit))</span><span class="surface-colours"></span><span>\(Self.text(limit))</span>
      <span>\(Markup.escape("\(name), \(unit)"))</span></div>
      \(data)</div>

      """
  }

  /// A signed number.
  static func text(_ value: Double) -> String { (value < 0 ? "−" : value > 0 ? "+" : "") + Format.short(abs(value)) }
}
