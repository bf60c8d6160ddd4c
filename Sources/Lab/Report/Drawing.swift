/// A drawing of lines, boxes and words in the report's colours, so that it follows light and dark.
public struct Drawing: Codable, Hashable, Sendable {
  /// A colour of the page.
  public enum Colour: Codable, Hashable, Sendable {
    case ink, muted, line, soft, paper, holds, fails
    /// One of the colours of charts, from 1 to 8.
    case series(Int)

    var css: String {
      switch self {
      case .ink: "var(--ink)"
      case .muted: "var(--muted)"
      case .line: "var(--line)"
      case .soft: "var(--soft)"
      case .paper: "var(--paper)"
      case .holds: "var(--holds)"
      case .fails: "var(--fails)"
      case .series(let number): "var(--series-\(min(max(number, 1), 8)))"
      }
    }
  }

  /// Where a text is held.
  public enum Anchor: String, Codable, Sendable { case start, middle, end }

  /// A part; lengths are in the drawing's units.
  public enum Element: Codable, Hashable, Sendable {
    case box(
      x: Double, y: Double, width: Double, height: Double, fill: Colour?, stroke: Colour?, dashed: Bool, opacity: Double
    )
    case line(x1: Double, y1: Double, x2: Double, y2: Double, stroke: Colour, width: Double, dashed: Bool)
    /// From left to right in a smooth bend, with a head.
    case arrow(x1: Double, y1: Double, x2: Double, y2: Double, stroke: Colour, width: Double, opacity: Double)
    case text(String, x: Double, y: Double, size: Double, colour: Colour, anchor: Anchor, bold: Bool)
  }

  public var width: Double
  public var height: Double
  /// What it shows, for those who can't see it.
  public var description: String
  public var elements: [Element]

  public init(width: Double, height: Double, description: String, elements: [Element] = []) {
    self.width = width
    self.height = height
    self.description = description
    self.elements = elements
  }

  /// An SVG element for a page that has the report's colours; text in it is escaped.
  public var svg: String {
    let body = elements.map(Self.svg).joined(separator: "\n")
    return """
      <svg class="drawing" width="\(Self.number(width))" viewBox="0 0 \(Self.number(width)) \(Self.number(height))" \
      role="img" aria-label="\(Markup.escape(description))">
      \(body)
      </svg>
      """
  }

  private static func number(_ value: Double) -> String {
    guard value.isFinite else { return "0" }
    let rounded = (value * 100).rounded() / 100
    return rounded == rounded.rounded() && abs(rounded) < 1e9 ? "\(Int(rounded))" : "\(rounded)"
  }

  private static func svg(_ element: Element) -> String {
    switch element {
    case .box(let x, let y, let width, let height, let fill, let stroke, let dashed, let opacity):
      return
        "<rect x=\"\(number(x))\" y=\"\(number(y))\" width=\"\(number(width))\" height=\"\(number(height))\" rx=\"6\" "
        + "fill=\"\(fill?.css ?? "none")\" fill-opacity=\"\(number(opacity))\" stroke=\"\(stroke?.css ?? "none")\""
        + (dashed ? " stroke-dasharray=\"4 4\"/>" : "/>")
    case .line(let x1, let y1, let x2, let y2, let stroke, let width, let dashed):
      return "<line x1=\"\(number(x1))\" y1=\"\(number(y1))\" x2=\"\(number(x2))\" y2=\"\(number(y2))\" "
        + "stroke=\"\(stroke.css)\" stroke-width=\"\(number(width))\"" + (dashed ? " stroke-dasharray=\"7 5\"/>" : "/>")
    case .arrow(let x1, let y1, let x2, let y2, let stroke, let width, let opacity):
      let (bend, head) = ((x2 - x1) / 2, 6.0)
      let path =
        "M\(number(x1)) \(number(y1)) C\(number(x1 + bend)) \(number(y1)) \(number(x2 - bend)) \(number(y2)) "
        + "\(number(x2 - head)) \(number(y2))"
      let tip =
        "M\(number(x2)) \(number(y2)) l\(number(-head - 2)) \(number(-4)) l0 8 z"
      return "<path d=\"\(path)\" fill=\"none\" stroke=\"\(stroke.css)\" stroke-width=\"\(number(width))\" "
        + "stroke-opacity=\"\(number(opacity))\"/><path d=\"\(tip)\" fill=\"\(stroke.css)\" fill-opacity=\"\(number(opacity))\"/>"
    case .text(let text, let x, let y, let size, let colour, let anchor, let bold):
      return "<text x=\"\(number(x))\" y=\"\(number(y))\" font-size=\"\(number(size))\" fill=\"\(colour.css)\" "
        + "text-anchor=\"\(anchor.rawValue)\"\(bold ? " font-weight=\"600\"" : "")>\(Markup.escape(text))</text>"
    }
  }
}
