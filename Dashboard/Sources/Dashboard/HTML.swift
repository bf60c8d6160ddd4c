import Foundation
import Lab

/// HTML of which all that is filled in is escaped; only literals, other `HTML` and what a report rendered are markup.
struct HTML: ExpressibleByStringInterpolation, Hashable, Sendable {
  private(set) var text: String

  init(stringLiteral value: String) { text = value }
  init(stringInterpolation: Interpolation) { text = stringInterpolation.text }

  /// Markup that the lab rendered, in which text is escaped already.
  init(rendered: String) { text = rendered }

  struct Interpolation: StringInterpolationProtocol {
    fileprivate var text = ""

    init(literalCapacity: Int, interpolationCount: Int) { text.reserveCapacity(literalCapacity) }

    mutating func appendLiteral(_ literal: String) { text += literal }
    mutating func appendInterpolation(_ value: String) { text += Markup.escape(value) }
    mutating func appendInterpolation(_ value: some BinaryInteger) { text += "\(value)" }
    mutating func appendInterpolation(_ html: HTML) { text += html.text }
    mutating func appendInterpolation(_ parts: [HTML]) { for part in parts { text += part.text } }
    /// One of two, or nothing, by a condition.
    mutating func appendInterpolation(_ html: HTML, if condition: Bool, else other: HTML = "") {
      text += condition ? html.text : other.text
    }
  }

  static func + (a: HTML, b: HTML) -> HTML { HTML(rendered: a.text + b.text) }
}

extension HTML {
  /// A date and time as people write it, with the exact one for programs.
  static func time(_ date: Date) -> HTML {
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.dateFormat = "yyyy-MM-dd HH:mm"
    return "<time datetime=\"\(date.formatted(.iso8601))\">\(formatter.string(from: date))</time>"
  }

  /// The state of a run.
  static func state(_ state: RunRecord.State) -> HTML {
    "<span class=\"verdict \(state.rawValue)\">\(state.rawValue)</span>"
  }

  /// What came of a claim, with its mark.
  static func verdict(_ verdict: Claim.Verdict, _ text: String) -> HTML {
    "<span class=\"verdict \(verdict.rawValue)\">\(verdict.mark) \(text)</span>"
  }
}

/// Addresses of pages, with each part encoded.
enum Address {
  /// Letters, digits and what else needs no encoding anywhere in an address.
  private static let plain = CharacterSet(
    charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~")

  static func encode(_ part: String) -> String {
    part.addingPercentEncoding(withAllowedCharacters: plain) ?? ""
  }

  static func run(_ id: String) -> String { "/runs/\(encode(id))" }
  static func paper(_ name: String) -> String { "/papers/\(encode(name))" }
  static func dataset(_ name: String) -> String { "/data/\(encode(name))" }
}

/// Names and values as a form sends them (`application/x-www-form-urlencoded`), in their order.
struct FormFields: Sendable {
  private var fields: [(name: String, value: String)] = []

  init(_ fields: [(name: String, value: String)] = []) { self.fields = fields }

  init(encoded text: some StringProtocol) {
    for part in text.split(separator: "&") {
      let halves = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map { half in
        let text = String(half)
        return text.replacing("+", with: " ").removingPercentEncoding ?? text
      }
      fields.append((halves.first ?? "", halves.count > 1 ? halves[1] : ""))
    }
  }

  /// The first value of a name; nil where there is none.
  subscript(name: String) -> String? { fields.first { $0.name == name }?.value }

  /// The first value of a name; nil where there is none or it's empty.
  func filled(_ name: String) -> String? {
    let value = self[name]?.trimmingCharacters(in: .whitespacesAndNewlines)
    return value?.isEmpty == false ? value : nil
  }

  /// All values of a name.
  func all(_ name: String) -> [String] { fields.filter { $0.name == name }.map(\.value) }

  /// Filled fields whose names begin with a prefix, without it.
  func withPrefix(_ prefix: String) -> [(name: String, value: String)] {
    fields.filter { $0.name.hasPrefix(prefix) }.compactMap { field in
      filled(field.name).map { (String(field.name.dropFirst(prefix.count)), $0) }
    }
  }

  /// The fields with one changed, as a query.
  func query(with name: String, _ value: String) -> String {
    let kept = fields.filter { $0.name != name && !$0.value.isEmpty } + [(name: name, value: value)]
    return "?" + kept.map { "\(Address.encode($0.name))=\(Address.encode($0.value))" }.joined(separator: "&")
  }
}
