/// Text as HTML; everything that could be markup is escaped.
public enum Markup {
  /// Text that shows as it is, in content and in quoted attributes.
  public static func escape(_ text: String) -> String {
    var result = ""
    result.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      // Control characters have no meaning in HTML and confuse some readers.
      case "\u{0}"..<"\u{9}", "\u{B}"..<"\u{20}", "\u{7F}": result += "\u{FFFD}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// JSON text for inside a script element, which `</script` must not end.
  public static func escapeJSON(_ text: String) -> String {
    text.replacing("<", with: #"\u003c"#).replacing("\u{2028}", with: #"\u2028"#)
      .replacing("\u{2029}", with: #"\u2029"#)
  }

  /// Paragraphs and lists with inline marks, as `ReportBlock.text` describes.
  public static func paragraphs(_ text: String) -> String {
    var html = ""
    var paragraph: [Substring] = []
    var items: [Substring] = []
    func flush() {
      if !paragraph.isEmpty { html += "<p>\(inline(paragraph.joined(separator: " ")))</p>\n" }
      if !items.isEmpty { html += "<ul>\n" + items.map { "<li>\(inline(String($0)))</li>\n" }.joined() + "</ul>\n" }
      (paragraph, items) = ([], [])
    }
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.allSatisfy(\.isWhitespace) {
        flush()
      } else if line.hasPrefix("- ") {
        if !paragraph.isEmpty { flush() }
        items.append(line.dropFirst(2))
      } else {
        if !items.isEmpty { flush() }
        paragraph.append(line)
      }
    }
    flush()
    return html
  }

  /// One line with `code`, **strong**, *emphasis* and [links](https://…).
  public static func inline(_ text: String) -> String {
    var html = ""
    var rest = Substring(text)
    while let first = rest.first {
      if first == "`", let (inside, after) = enclosed(rest, "`", "`") {
        html += "<code>\(escape(String(inside)))</code>"
        rest = after
      } else if let (inside, after) = enclosed(rest, "**", "**") {
        html += "<strong>\(inline(String(inside)))</strong>"
        rest = after
      } else if first == "*", let (inside, after) = enclosed(rest, "*", "*"), inside.first != " " {
        html += "<em>\(inline(String(inside)))</em>"
        rest = after
      } else if first == "[", let (label, after) = enclosed(rest, "[", "]"),
        let (address, end) = enclosed(after, "(", ")"),
        address.hasPrefix("https://") || address.hasPrefix("http://")
      {
        html += "<a href=\"\(escape(String(address)))\" rel=\"noreferrer\">\(escape(String(label)))</a>"
        rest = end
      } else {
        html += escape(String(first))
        rest = rest.dropFirst()
      }
    }
    return html
  }

  /// What stands between two marks at the start of a text, and what follows; nil where that is nothing.
  private static func enclosed(_ text: Substring, _ open: String, _ close: String) -> (Substring, Substring)? {
    guard text.hasPrefix(open) else { return nil }
    let inside = text.dropFirst(open.count)
    guard let end = inside.firstRange(of: close), end.lowerBound > inside.startIndex else { return nil }
    return (inside[..<end.lowerBound], inside[end.upperBound...])
  }
}
