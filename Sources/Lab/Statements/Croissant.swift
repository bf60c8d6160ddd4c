import Formats
import Foundation

// `statement.json`: Croissant JSON-LD (mlcommons.org/croissant/1.0) with its RAI vocabulary where that has a field, and
// our own terms for the rest. Nothing stands twice: what has a term of Croissant stands there only.

extension DataStatement {
  /// Our terms.
  static let namespace = "urn:pinion:statement#"
  private static let standards = ["http://mlcommons.org/croissant/1.0", "http://mlcommons.org/croissant/RAI/1.0"]
  /// Files beyond this many are told by their number only.
  static let fileLimit = 100

  /// The statement as Croissant JSON-LD, the content of `statement.json`.
  public var croissant: String { croissantJSON.indentedText + "\n" }

  private var croissantJSON: JSON {
    var members: [JSON.Member] = [
      .init("@context", Self.context), .init("@type", .string("sc:Dataset")), .init("name", .string(name)),
      .init("conformsTo", .array(Self.standards.map { .string($0) })),
    ]
    for field in StatementField.allCases {
      let values = self[field].values
      guard !values.isEmpty else { continue }
      let question = field.question
      let isPlain = question.kind != .list && values.count == 1
      members.append(
        .init(
          question.term ?? "pinion:\(field.rawValue)",
          isPlain ? .string(values[0]) : .array(values.map { .string($0) })))
    }
    members += people
    if !files.isEmpty, files.count <= Self.fileLimit {
      members.append(.init("distribution", .array(files.map(Self.distribution))))
    }
    let answered = answers.sorted { $0.key < $1.key }
    let unknown = answered.filter { $0.value.content == .unknown }.map { JSON.string($0.key.rawValue) }
    let set: [JSON.Member] = answered.compactMap { field, answer in
      guard case .notApplicable(let reason) = answer.content else { return nil }
      return .init(field.rawValue, .string(reason))
    }
    let sources: [JSON.Member] = answered.compactMap { field, answer in
      let parts = [("evidence", answer.evidence), ("saidBy", answer.saidBy)].compactMap { name, text in
        text.map { JSON.Member(name, .string($0)) }
      }
      return parts.isEmpty ? nil : .init(field.rawValue, .object(parts))
    }
    members += [
      .init("pinion:unknown", .array(unknown)), .init("pinion:notApplicable", .object(set)),
      .init("pinion:sources", .object(sources)),
      .init("pinion:stakeholders", .array(stakeholders.map(Self.json))),
      .init(
        "pinion:changes",
        .array(
          changes.map {
            .object([
              .init("date", .string($0.date)), .init("by", .string($0.by)), .init("what", .string($0.what)),
            ])
          })),
    ]
    return .object(members)
  }

  /// Croissant's own members for those who made and who published it, which readers without our terms look for.
  private var people: [JSON.Member] {
    func entry(_ one: Stakeholder) -> JSON {
      let type = ["person", "people"].contains(one.kind.lowercased()) ? "sc:Person" : "sc:Organization"
      return .object([.init("@type", .string(type)), .init("name", .string(one.name))])
    }
    return [("creator", with(.collector, .owner)), ("publisher", with(.host)), ("funder", with(.funder))]
      .compactMap { name, all in
        let seen = all.filter(\.isVisible)
        return seen.isEmpty ? nil : .init(name, .array(seen.map(entry)))
      }
  }

  private static func distribution(_ file: DatasetInfo.File) -> JSON {
    var members: [JSON.Member] = [
      .init("@type", .string("cr:FileObject")), .init("@id", .string(file.name)), .init("name", .string(file.name)),
      .init("contentUrl", .string(file.url ?? file.name)), .init("contentSize", .string("\(file.byteCount) B")),
      .init("encodingFormat", .string(mediaType(of: file.name))),
    ]
    if !file.sha256.isEmpty { members.append(.init("sha256", .string(file.sha256))) }
    return .object(members)
  }

  private static func mediaType(of name: String) -> String {
    let types = [
      "gz": "application/gzip", "csv": "text/csv", "json": "application/json", "png": "image/png", "jpg": "image/jpeg",
      "jpeg": "image/jpeg", "wav": "audio/wav", "zip": "application/zip", "txt": "text/plain", "md": "text/markdown",
      "npy": "application/octet-stream",
    ]
    return types[String(name.split(separator: ".").last ?? "").lowercased()] ?? "application/octet-stream"
  }

  private static func json(_ one: Stakeholder) -> JSON {
    func words<T: RawRepresentable<String>>(_ values: [T]?) -> JSON {
      values.map { .array($0.map { .string($0.rawValue) }) } ?? .string("unknown")
    }
    return .object([
      .init("name", .string(one.name)), .init("kind", .string(one.kind)),
      .init("region", .string(one.region ?? "unknown")), .init("roles", words(one.roles)),
      .init("decides", words(one.decides)), .init("receives", words(one.receives)),
      .init("contributes", words(one.contributes)), .init("visible", .bool(one.isVisible)),
    ])
  }

  /// The terms that Croissant 1.0 names, and ours.
  private static let context: JSON = {
    let plain = [
      "@language": "en", "@vocab": "https://schema.org/", "citeAs": "cr:citeAs", "column": "cr:column",
      "conformsTo": "dct:conformsTo", "cr": "http://mlcommons.org/croissant/",
      "rai": "http://mlcommons.org/croissant/RAI/", "dct": "http://purl.org/dc/terms/",
      "equivalentProperty": "cr:equivalentProperty", "extract": "cr:extract",
      "field": "cr:field", "fileProperty": "cr:fileProperty", "fileObject": "cr:fileObject", "fileSet": "cr:fileSet",
      "format": "cr:format", "includes": "cr:includes", "isLiveDataset": "cr:isLiveDataset",
      "jsonPath": "cr:jsonPath", "key": "cr:key", "md5": "cr:md5", "parentField": "cr:parentField", "path": "cr:path",
      "recordSet": "cr:recordSet", "references": "cr:references", "regex": "cr:regex", "repeated": "cr:repeated",
      "replace": "cr:replace", "samplingRate": "cr:samplingRate", "sc": "https://schema.org/",
      "separator": "cr:separator", "source": "cr:source",
      "subField": "cr:subField", "transform": "cr:transform", "pinion": namespace,
    ]
    var members = plain.sorted { $0.key < $1.key }.map { JSON.Member($0.key, .string($0.value)) }
    func term(_ name: String, _ id: String, _ type: String) {
      members.append(.init(name, .object([.init("@id", .string(id)), .init("@type", .string(type))])))
    }
    term("data", "cr:data", "@json")
    term("dataType", "cr:dataType", "@vocab")
    term("examples", "cr:examples", "@json")
    for name in ["notApplicable", "sources", "stakeholders", "changes"] {
      term("pinion:\(name)", namespace + name, "@json")
    }
    return .object(members)
  }()
}

// MARK: Reading

extension DataStatement {
  /// Most bytes of a statement that is read.
  static let byteLimit = 4 << 20

  /// Reads `statement.json`, or another Croissant description, in which what has no term of Croissant is open.
  ///
  /// - Throws: `FormatError` with the file and the place.
  public init(croissant bytes: [UInt8], file: String) throws {
    guard bytes.count <= Self.byteLimit else { throw FormatError(file, "a statement has at most 4 MB") }
    let json = try bytes.withUnsafeBytes { try JSON(parsing: $0, file: file) }
    try self.init(json, StatementReader(file: file))
  }

  /// Reads a file, of Markdown by its name, else `statement.json`.
  ///
  /// - Throws: `FormatError`.
  public init(path: String) throws {
    let bytes = try File.read(path, limit: Self.byteLimit)
    if path.hasSuffix(".md") || path.hasSuffix(".markdown") {
      guard let text = String(validating: bytes, as: UTF8.self) else { throw FormatError(path, "isn't UTF-8") }
      try self.init(markdown: text, file: path)
    } else {
      try self.init(croissant: bytes, file: path)
    }
  }

  private init(_ json: JSON, _ reader: StatementReader) throws {
    guard case .object(let members) = json else { throw reader.error("expected an object") }
    guard let name = try json["name"].map({ try reader.string($0, "name") }), !name.isEmpty else {
      throw reader.error("name is missing")
    }
    self.init(name: Answer.line(name))
    let isOurs = members.contains { $0.name.hasPrefix("pinion:") }
    let sources = try reader.sources(json["pinion:sources"])
    for field in StatementField.allCases {
      guard let value = json[field.question.term ?? "pinion:\(field.rawValue)"] else { continue }
      let texts = isOurs ? try reader.strings(value, field.rawValue) : reader.anyStrings(value)
      let (evidence, saidBy) = sources[field] ?? (nil, nil)
      // Others' descriptions may say the same in several texts.
      let joined = isOurs || field.question.kind == .list ? texts : [texts.joined(separator: "; ")]
      let answer = Answer.known(joined, evidence: evidence, saidBy: saidBy)
      answers[field] = try reader.checked(answer, field)
    }
    for member in members where member.name.hasPrefix("pinion:") {
      let own = String(member.name.dropFirst("pinion:".count))
      guard StatementReader.members.contains(own) || StatementField(rawValue: own) != nil else {
        throw reader.error(
          "\(member.name): no such question"
            + Spelling.suggestion(for: own, among: StatementField.allCases.map(\.rawValue)))
      }
    }
    for field in try reader.fields(json["pinion:unknown"], "pinion:unknown") {
      try reader.once(self, field)
      let (evidence, saidBy) = sources[field] ?? (nil, nil)
      answers[field] = .known([], evidence: evidence, saidBy: saidBy)
    }
    for (field, reason) in try reader.reasons(json["pinion:notApplicable"]) {
      try reader.once(self, field)
      let (evidence, saidBy) = sources[field] ?? (nil, nil)
      answers[field] = .notApplicable(reason, evidence: evidence, saidBy: saidBy)
    }
    if let list = json["pinion:stakeholders"] {
      stakeholders = try reader.stakeholders(list)
    } else {
      stakeholders = reader.people(json)
    }
    changes = try reader.changes(json["pinion:changes"])
    files = reader.files(json["distribution"])
  }
}
