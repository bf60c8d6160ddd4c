import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A stream that may be a terminal.
public struct Terminal: Sendable {
  let descriptor: Int32
  /// Whether a person watches, and lines can be redrawn.
  public let isInteractive: Bool
  /// Whether colours are wanted there: a terminal, and `NO_COLOR` isn't set (no-color.org).
  public let hasColour: Bool

  public static let standardOutput = Terminal(descriptor: 1)
  public static let standardError = Terminal(descriptor: 2)

  init(descriptor: Int32, environment: [String: String] = ProcessInfo.processInfo.environment) {
    self.descriptor = descriptor
    isInteractive = isatty(descriptor) == 1 && environment["TERM"] != "dumb"
    hasColour = isInteractive && (environment["NO_COLOR"] ?? "").isEmpty
  }

  /// Columns: the terminal's, the variable `COLUMNS`, or 100.
  public var width: Int {
    var size = winsize()
    if isInteractive, ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 { return Int(size.ws_col) }
    return ProcessInfo.processInfo.environment["COLUMNS"].flatMap { Int($0) } ?? 100
  }

  /// Writes lines.
  public func write(_ lines: [String]) { write(lines.joined(separator: "\n") + "\n") }

  /// Lines of a table, as wide and as styled as this takes.
  public func lines(of table: TextTable) -> [String] { table.lines(width: width, styled: styled) }

  /// Writes text; a stream that is closed takes none.
  public func write(_ text: String) {
    var text = text
    text.withUTF8 { bytes in
      var offset = 0
      while offset < bytes.count {
        #if canImport(Glibc)
          let count = Glibc.write(descriptor, bytes.baseAddress?.advanced(by: offset), bytes.count - offset)
        #else
          let count = Darwin.write(descriptor, bytes.baseAddress?.advanced(by: offset), bytes.count - offset)
        #endif
        if count < 0 && errno == EINTR { continue }
        if count <= 0 { return }
        offset += count
      }
    }
  }

  /// Colours of a terminal.
  public enum Style: String, Sendable {
    case bold = "1"
    case dim = "2"
    case red = "31"
    case green = "32"
    case yellow = "33"
  }

  /// The text in a style where there is colour.
  public func styled(_ text: String, _ style: Style) -> String {
    hasColour ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
  }
}

/// Numbers and spans as people read them.
public enum Format {
  /// At most about four significant digits: `0.3127`, `86.2`, `3`, `1.5e-07`.
  public static func short(_ value: Double) -> String {
    if value.isNaN { return "nan" }
    if value.isInfinite { return value < 0 ? "-inf" : "inf" }
    if value == 0 { return "0" }
    let size = abs(value)
    if size >= 1e6 || size < 1e-4 { return String(format: "%.3g", value) }
    if size >= 1000 { return String(format: "%.0f", value) }
    let digits = size >= 100 ? 1 : size >= 10 ? 2 : size >= 1 ? 3 : 4
    var text = Substring(String(format: "%.\(digits)f", value))
    while text.hasSuffix("0") { text = text.dropLast() }
    return String(text.hasSuffix(".") ? text.dropLast() : text)
  }

  /// A span of time: `0.4 s`, `52 s`, `3 min 05 s`, `1 h 12 min`.
  public static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds < 1e9 else { return "?" }
    if seconds < 9.95 { return String(format: "%.1f s", max(0, seconds)) }
    let whole = Int(seconds.rounded())
    if whole < 60 { return "\(whole) s" }
    if whole < 3600 { return String(format: "%d min %02d s", whole / 60, whole % 60) }
    return String(format: "%d h %02d min", whole / 3600, whole % 3600 / 60)
  }

  /// A number of bytes: `512 B`, `3.1 GB`.
  public static func bytes(_ count: Int) -> String {
    var (value, unit) = (Double(count), "B")
    for next in ["kB", "MB", "GB", "TB"] where value >= 1000 { (value, unit) = (value / 1000, next) }
    return unit == "B" ? "\(count) B" : String(format: "%.1f", value) + " \(unit)"
  }

  /// Text cut to a width, with an ellipsis where something is missing.
  public static func fit(_ text: String, to width: Int) -> String {
    text.count <= width ? text : String(text.prefix(max(0, width - 1))).trimmingCharacters(in: .whitespaces) + "…"
  }
}
