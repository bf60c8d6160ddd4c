import Formats
import Foundation

/// What a statement says to a question: a value, that it's unknown, or why the question doesn't apply.
public struct Answer: Hashable, Sendable {
  /// What is said.
  public enum Content: Hashable, Sendable {
    /// One text, or several where the question asks for a list.
    case known([String])
    case unknown
    /// The question doesn't apply, and why.
    case notApplicable(String)
  }

  public let content: Content
  /// Link to what shows it.
  public var evidence: String?
  /// Who says so, such as `article, section 2`.
  public var saidBy: String?

  private init(_ content: Content, evidence: String?, saidBy: String?) {
    self.content = content
    self.evidence = evidence.map(Self.line).flatMap { $0.isEmpty ? nil : $0 }
    self.saidBy = saidBy.map(Self.line).flatMap { $0.isEmpty ? nil : $0 }
  }

  /// A value; no text or the word `unknown` is unknown.
  public static func known(_ values: [String], evidence: String? = nil, saidBy: String? = nil) -> Answer {
    let values = values.map(normalized).filter { !$0.isEmpty }
    let isUnknown = values.isEmpty || (values.count == 1 && values[0].lowercased() == "unknown")
    return Answer(isUnknown ? .unknown : .known(values), evidence: evidence, saidBy: saidBy)
  }

  public static func known(_ value: String, evidence: String? = nil, saidBy: String? = nil) -> Answer {
    known([value], evidence: evidence, saidBy: saidBy)
  }

  /// Nobody who was asked knows.
  public static let unknown = Answer(.unknown, evidence: nil, saidBy: nil)

  /// The question doesn't apply.
  ///
  /// A reason without text makes it unknown: a question is never set aside without one.
  public static func notApplicable(_ reason: String, evidence: String? = nil, saidBy: String? = nil) -> Answer {
    let reason = normalized(reason)
    return Answer(reason.isEmpty ? .unknown : .notApplicable(reason), evidence: evidence, saidBy: saidBy)
  }

  /// The values; none where it's unknown or doesn't apply.
  public var values: [String] { if case .known(let values) = content { values } else { [] } }

  /// The value as one text; nil where it's unknown or doesn't apply.
  public var text: String? { values.isEmpty ? nil : values.joined(separator: "; ") }

  /// Text without spaces around it, with plain ends of lines, and without what a terminal would obey.
  static func normalized(_ text: String) -> String {
    let lines = text.replacing("\r\n", with: "\n").replacing("\r", with: "\n")
    let scalars = lines.unicodeScalars.map { scalar -> Unicode.Scalar in
      let isControl =
        scalar.properties.generalCategory == .control || "\u{2028}\u{2029}".unicodeScalars.contains(scalar)
      return isControl && scalar != "\n" ? " " : scalar
    }
    let split = String(String.UnicodeScalarView(scalars)).split(separator: "\n", omittingEmptySubsequences: false)
    // White space at the ends of lines has no meaning, and Markdown gives it one; an accent without a letter would join
    // the mark before it.
    let trimmed = split.map { line in
      let start = line.unicodeScalars.drop { $0.properties.isGraphemeExtend || $0.properties.isWhitespace }
      return String(String.UnicodeScalarView(start)).trimmingCharacters(in: .whitespaces)
    }
    return trimmed.joined(separator: "\n").trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// Text in one line.
  static func line(_ text: String) -> String {
    normalized(text).split(separator: "\n", omittingEmptySubsequences: true).joined(separator: " ")
  }
}

extension Answer: ExpressibleByStringLiteral, ExpressibleByArrayLiteral {
  public init(stringLiteral value: String) { self = .known(value) }
  public init(arrayLiteral elements: String...) { self = .known(elements) }
}
