import Formats

/// Checks what a `statement.json` holds.
struct StatementReader {
  let file: String
  /// Our members that aren't questions.
  static let members: Set = ["unknown", "notApplicable", "sources", "stakeholders", "changes"]
  private static let stakeholderLimit = 1_000

  func error(_ what: String) -> FormatError { FormatError(file, what) }

  func string(_ json: JSON, _ place: String) throws -> String {
    guard case .string(let text) = json else { throw error("\(place): expected text in quotes") }
    return text
  }

  func strings(_ json: JSON, _ place: String) throws -> [String] {
    guard case .array(let values) = json else { return [try string(json, place)] }
    return try values.map { try string($0, place) }
  }

  /// Texts in whatever form others write them: alone, in a list, or as the name or address of an object.
  func anyStrings(_ json: JSON) -> [String] {
    switch json {
    case .string(let text): return [text]
    case .integer(let number): return ["\(number)"]
    case .number(let number): return ["\(number)"]
    case .array(let values): return values.flatMap(anyStrings)
    case .object: return (json["name"] ?? json["url"] ?? json["@id"] ?? json["@value"]).map(anyStrings) ?? []
    case .null, .bool: return []
    }
  }

  func checked(_ answer: Answer, _ field: StatementField) throws -> Answer {
    do { return try field.question.checked(answer) } catch let problem as UsageError {
      throw error(problem.description)
    }
  }

  /// - Throws: where a question has a value, and is said to be unknown or set aside too.
  func once(_ statement: DataStatement, _ field: StatementField) throws {
    if statement.answers[field] != nil { throw error("\(field.rawValue): is answered twice") }
  }

  private func field(_ name: String, _ place: String) throws -> StatementField {
    do {
      return try StatementField.named(name)
    } catch let problem as UsageError { throw error("\(place): \(problem.description)") }
  }

  func fields(_ json: JSON?, _ place: String) throws -> [StatementField] {
    guard let json else { return [] }
    return try strings(json, place).map { try field($0, place) }
  }

  func reasons(_ json: JSON?) throws -> [(StatementField, String)] {
    guard let json else { return [] }
    guard case .object(let members) = json else { throw error("pinion:notApplicable: expected an object") }
    return try members.map { member in
      let reason = Answer.normalized(try string(member.value, member.name))
      guard !reason.isEmpty else { throw error("\(member.name): is said not to apply, without a reason") }
      return (try field(member.name, "pinion:notApplicable"), reason)
    }
  }

  func sources(_ json: JSON?) throws -> [StatementField: (String?, String?)] {
    guard let json else { return [:] }
    guard case .object(let members) = json else { throw error("pinion:sources: expected an object") }
    return Dictionary(
      try members.map { member in
        (
          try field(member.name, "pinion:sources"),
          (
            try member.value["evidence"].map { try string($0, "\(member.name): evidence") },
            try member.value["saidBy"].map { try string($0, "\(member.name): saidBy") }
          )
        )
      }, uniquingKeysWith: { $1 })
  }

  // MARK: Lists

  private func items(_ json: JSON?, _ place: String) throws -> [JSON] {
    guard let json else { return [] }
    guard case .array(let values) = json else { throw error("\(place): expected a list") }
    guard values.count <= Self.stakeholderLimit else {
      throw error("\(place): has \(values.count) entries, at most \(Self.stakeholderLimit) are read")
    }
    return values
  }

  func stakeholders(_ json: JSON) throws -> [Stakeholder] {
    try items(json, "pinion:stakeholders").enumerated().map { i, item in
      let place = "stakeholder \(i + 1)"
      guard case .object = item, let name = try item["name"].map({ try string($0, place) }),
        !Answer.line(name).isEmpty
      else { throw error("\(place): has no name") }
      guard let roles: [Stakeholder.Role] = try words(item["roles"], "\(place): roles") else {
        throw error("\(place): its roles can't be unknown")
      }
      if let visible = item["visible"] {
        guard case .bool = visible else { throw error("\(place): visible: expected true or false") }
      }
      return Stakeholder(
        name, kind: try item["kind"].map { try string($0, "\(place): kind") } ?? "",
        region: try item["region"].map { try string($0, "\(place): region") }, roles: roles,
        decides: try words(item["decides"], "\(place): decides"),
        receives: try words(item["receives"], "\(place): receives"),
        contributes: try words(item["contributes"], "\(place): contributes"),
        isVisible: item["visible"] != .bool(false))
    }
  }

  /// Words of an enumeration; nil where they're unknown or nothing is said.
  private func words<T: RawRepresentable<String> & CaseIterable>(_ json: JSON?, _ place: String) throws -> [T]? {
    guard let json, json != .string("unknown") else { return nil }
    return try strings(json, place).map { word in
      guard let value = T(rawValue: word) else {
        throw error("\(place): '\(word)' isn't one of \(T.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      return value
    }
  }

  /// Those whom a description without our terms names.
  func people(_ json: JSON) -> [Stakeholder] {
    let roles: [(String, Stakeholder.Role)] = [("creator", .collector), ("publisher", .host), ("funder", .funder)]
    var found: [Stakeholder] = []
    for (member, role) in roles {
      for name in json[member].map(anyStrings) ?? [] where !Answer.line(name).isEmpty {
        if let place = found.firstIndex(where: { $0.name == Answer.line(name) }) {
          found[place].roles.append(role)
        } else if found.count < Self.stakeholderLimit {
          found.append(
            Stakeholder(name, kind: "", region: nil, roles: [role], decides: nil, receives: nil, contributes: nil))
        }
      }
    }
    return found
  }

  func changes(_ json: JSON?) throws -> [DataStatement.Change] {
    try items(json, "pinion:changes").enumerated().map { i, item in
      func text(_ name: String) throws -> String {
        try item[name].map { try string($0, "change \(i + 1): \(name)") } ?? ""
      }
      return .init(date: try text("date"), by: try text("by"), what: try text("what"))
    }
  }

  /// Files that have a name and a length; others' descriptions hold more kinds of things.
  func files(_ json: JSON?) -> [DatasetInfo.File] {
    guard case .array(let values) = json else { return [] }
    return values.prefix(DataStatement.fileLimit).compactMap { item in
      guard case .string(let name) = item["name"] ?? item["@id"] else { return nil }
      var (address, hash, length): (String?, String, Int) = (nil, "", 0)
      if case .string(let text) = item["contentUrl"], text != name { address = text }
      if case .string(let text) = item["sha256"] { hash = text.lowercased() }
      if case .string(let text) = item["contentSize"] { length = Int(text.prefix { $0.isNumber && $0.isASCII }) ?? 0 }
      return DatasetInfo.File(Answer.line(name), byteCount: max(0, length), sha256: hash, url: address)
    }
  }
}
