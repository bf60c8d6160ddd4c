import Foundation

/// An option as `show` lists it.
public struct OptionDescription: Sendable {
  public var name: String
  public var help: String
  /// What a value looks like, such as `whole number`.
  public var kind: String
  /// Default by scale.
  public var defaults: [Scale: JSONValue]
}

extension ExperimentOptions {
  /// The options in the order of their declaration.
  public static var descriptions: [OptionDescription] {
    get throws {
      let values = try Dictionary(uniqueKeysWithValues: Scale.allCases.map { ($0, try Self(scale: $0).jsonFields()) })
      return Self(scale: .standard).fields().map { field in
        OptionDescription(
          name: field.name, help: help[field.name] ?? "", kind: field.kind.expectation,
          defaults: values.mapValues { $0[field.name] ?? .null })
      }
    }
  }

  /// Defaults at a scale, changed by settings of the form `key=value`.
  ///
  /// - Throws: `UsageError` where a key isn't known, a value has another type, or values don't make sense together.
  public static func parse(_ settings: [String], scale: Scale) throws -> Self {
    let defaults = Self(scale: scale)
    let fields = defaults.fields()
    var values = try defaults.jsonFields()
    for setting in settings {
      guard let equals = setting.firstIndex(of: "=") else {
        throw UsageError("--set \(setting): expected key=value")
      }
      let key = String(setting[..<equals])
      let text = String(setting[setting.index(after: equals)...])
      guard let field = fields.first(where: { $0.name == key }) else {
        let names = fields.map(\.name)
        let suggestion = Spelling.suggestion(for: key, among: names)
        let known = suggestion.isEmpty ? "; options are \(names.joined(separator: ", "))" : suggestion
        throw UsageError("--set \(key): no such option\(known)")
      }
      guard let value = field.kind.parse(text) else {
        throw UsageError("--set \(setting): expected \(field.kind.expectation), such as \(values[key]?.text ?? "none")")
      }
      values[key] = value
    }
    let options = try decode(values)
    try options.validate()
    return options
  }

  /// Options read from a run's record.
  ///
  /// - Throws: `UsageError` where they are of another version.
  static func decode(_ values: [String: JSONValue]) throws -> Self {
    do {
      return try RecordCoding.decoder.decode(Self.self, from: RecordCoding.encoder.encode(values))
    } catch {
      throw UsageError("options: \(RecordCoding.describe(error))")
    }
  }

  /// Values by field name.
  func jsonFields() throws -> [String: JSONValue] {
    var values = try RecordCoding.decoder.decode([String: JSONValue].self, from: RecordCoding.encoder.encode(self))
    // Coders leave out absent optionals; a record names every option.
    for field in fields() where values[field.name] == nil { values[field.name] = .null }
    return values
  }

  fileprivate func fields() -> [OptionField] {
    Mirror(reflecting: self).children.compactMap { child in
      child.label.map { OptionField(name: $0, kind: OptionKind(type(of: child.value))) }
    }
  }
}

private struct OptionField {
  let name: String
  let kind: OptionKind
}

/// What may be written after `--set key=`.
private indirect enum OptionKind {
  case whole
  case number
  case truth
  case word
  case oneOf([JSONValue])
  case list(OptionKind)
  case optional(OptionKind)

  init(_ type: Any.Type) {
    switch type {
    case is any BinaryInteger.Type: self = .whole
    case is any BinaryFloatingPoint.Type: self = .number
    case is Bool.Type: self = .truth
    case let type as any Listlike.Type: self = .list(OptionKind(type.element))
    case let type as any Optionallike.Type: self = .optional(OptionKind(type.wrapped))
    case let type as any CaseIterable.Type:
      let cases = type.rawValues
      self = cases.isEmpty ? .word : .oneOf(cases)
    default: self = .word
    }
  }

  var expectation: String {
    switch self {
    case .whole: "a whole number"
    case .number: "a number"
    case .truth: "true or false"
    case .word: "text"
    case .oneOf(let values): "one of \(values.map(\.text).joined(separator: ", "))"
    case .list(let element): "values with commas between, each \(element.expectation)"
    case .optional(let wrapped): "\(wrapped.expectation), or none"
    }
  }

  func parse(_ text: String) -> JSONValue? {
    switch self {
    case .whole: return Int(text).map { .integer($0) }
    case .number: return Double(text).flatMap { $0.isFinite ? .number($0) : nil }
    case .truth:
      switch text.lowercased() {
      case "true", "yes", "on", "1": return .bool(true)
      case "false", "no", "off", "0": return .bool(false)
      default: return nil
      }
    case .word: return .string(text)
    case .oneOf(let values): return values.first { $0.text == text }
    case .list(let element):
      if text.isEmpty { return .array([]) }
      let values = text.split(separator: ",", omittingEmptySubsequences: false).map { element.parse(String($0)) }
      return values.contains { $0 == nil } ? nil : .array(values.compactMap { $0 })
    case .optional(let wrapped): return text == "none" ? .null : wrapped.parse(text)
    }
  }
}

private protocol Listlike { static var element: Any.Type { get } }
extension Array: Listlike { fileprivate static var element: Any.Type { Element.self } }
private protocol Optionallike { static var wrapped: Any.Type { get } }
extension Optional: Optionallike { fileprivate static var wrapped: Any.Type { Wrapped.self } }

extension CaseIterable {
  /// Raw values of an enumeration; none where it has no text or number for its cases.
  fileprivate static var rawValues: [JSONValue] {
    allCases.compactMap { value in
      guard let raw = value as? any RawRepresentable else { return nil }
      switch raw.rawValue {
      case let text as String: return .string(text)
      case let number as Int: return .integer(number)
      default: return nil
      }
    }
  }
}
