import Formats
import Foundation
import PJRT

/// The data sets that are known here, those of the package and the user's own, with their statements.
///
/// A paper registers a set by naming its `DatasetInfo` in `Experiment.datasets`. Users register a folder or file with
/// `add`. Nothing is kept but files:
/// ```
/// <cache>/datasets/NAME.json                what was registered
/// <folder>/statement.json                   statement of a user's folder; <file>.statement.json beside a file
/// <cache>/datasets/NAME.statement.json      statement of a set of the package, where the user changed it
/// ```
/// and beside a statement its last version, `….previous.json`.
public struct DatasetRegistry: Sendable {
  /// Sets of the package.
  public let known: [DatasetInfo]
  /// Folder of what users registered and changed.
  public let folder: String

  public init(_ known: [DatasetInfo] = [FashionMNIST.info], folder: String = RuntimeParts.cacheFolder + "/datasets") {
    self.known = known.reduce(into: []) { all, info in
      if !all.contains(where: { $0.name == info.name }) { all.append(info) }
    }
    self.folder = folder
  }

  // MARK: Sets

  /// All sets: those of the package, then the user's own by name.
  ///
  /// - Throws: `UsageError` where a registration can't be read.
  public func all() throws -> [DatasetInfo] { try known + own() }

  /// The user's own sets by name.
  func own() throws -> [DatasetInfo] {
    let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
    return try names.compactMap { file in
      // A name has no point in it, so this is neither a statement nor a file in the making.
      guard file.hasSuffix(".json"), file.count(where: { $0 == "." }) == 1 else { return nil }
      return try registration(String(file.dropLast(".json".count)))
    }
  }

  private func registration(_ name: String) throws -> DatasetInfo? {
    let path = "\(folder)/\(name).json"
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    do {
      let info = try RecordCoding.decoder.decode(DatasetInfo.self, from: Data(File.read(path, limit: 1 << 28)))
      guard info.name == name, info.path != nil else { throw FormatError(path, "isn't the registration of \(name)") }
      return info
    } catch let error as DecodingError {
      throw UsageError("\(path): isn't a registration of a data set (\(RecordCoding.describe(error)))")
    } catch let error as FormatError {
      throw UsageError(error.description)
    }
  }

  /// The set of a name.
  ///
  /// - Throws: `UsageError` with the closest name where there is none.
  public func find(_ name: String) throws -> DatasetInfo {
    if let info = known.first(where: { $0.name == name }) { return info }
    if Self.isName(name), let info = try registration(name) { return info }
    let suggestion = Spelling.suggestion(for: name, among: (try? all().map(\.name)) ?? [])
    throw UsageError("no data set is named \(name)\(suggestion); ./pinion data list names all")
  }

  /// Lower-case letters, digits and `-`, beginning with a letter or digit.
  static func isName(_ name: String) -> Bool {
    name.count <= 64 && name.wholeMatch(of: /[a-z0-9][a-z0-9-]*/) != nil
  }

  /// Registers the user's own folder or file. What is there now is what `verify` compares with later.
  ///
  /// A set of that name is registered anew; its statement stays.
  ///
  /// - Throws: `UsageError` where the name can't be used, or there is nothing that can be read.
  @discardableResult public func add(
    _ path: String, name: String, title: String = "", licence: String = "unknown", source: String = "unknown"
  ) throws -> DatasetInfo {
    guard Self.isName(name) else {
      throw UsageError("'\(Format.fit(name, to: 40))' can't be a name: expected lower-case letters, digits and -")
    }
    guard !known.contains(where: { $0.name == name }) else {
      throw UsageError("\(name) is a set of the package; take another name")
    }
    let url = URL(fileURLWithPath: path).standardizedFileURL
    let info = DatasetInfo(
      name: name, title: title, source: source, licence: licence, url: "", files: try Self.files(at: url.path),
      splits: [], loader: "", path: url.path)
    try makeFolder(URL(fileURLWithPath: folder))
    try writeAtomically(RecordCoding.encoder.encode(info), to: URL(fileURLWithPath: "\(folder)/\(name).json"))
    return info
  }

  /// Forgets a user's set; its files and its statement stay where they are.
  ///
  /// - Throws: `UsageError` where it's none of the user's.
  public func remove(_ name: String) throws {
    guard try find(name).path != nil else { throw UsageError("\(name) comes with the package and can't be removed") }
    do {
      try FileManager.default.removeItem(atPath: "\(folder)/\(name).json")
    } catch { throw UsageError("\(folder)/\(name).json: can't be removed (\(systemReason(error)))") }
  }

  /// Files of a user's folder in order, or the one file; hidden ones and our statement are passed over.
  static func files(at path: String) throws -> [DatasetInfo.File] {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw UsageError("\(path): there is no such file or folder")
    }
    do {
      guard isFolder.boolValue else {
        return [try file(path, name: URL(fileURLWithPath: path).lastPathComponent)]
      }
      let names = try FileManager.default.subpathsOfDirectory(atPath: path).filter { name in
        let parts = name.split(separator: "/")
        return !parts.contains { $0.hasPrefix(".") } && !["statement.json", "statement.previous.json"].contains(name)
      }
      let files = try names.sorted().compactMap { name -> DatasetInfo.File? in
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: "\(path)/\(name)", isDirectory: &isFolder), !isFolder.boolValue
        else { return nil }
        return try file("\(path)/\(name)", name: name)
      }
      guard !files.isEmpty else { throw UsageError("\(path): has no files") }
      return files
    } catch let error as FormatError {
      throw UsageError(error.description)
    } catch let error as UsageError {
      throw error
    } catch {
      throw UsageError("\(path): can't be read (\(systemReason(error)))")
    }
  }

  private static func file(_ path: String, name: String) throws -> DatasetInfo.File {
    let hash = try SHA256.hex(path: path)
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    return .init(name, byteCount: (attributes[.size] as? NSNumber)?.intValue ?? 0, sha256: hash)
  }

  // MARK: Statements

  /// Where a set's statement lies, or would lie.
  public func statementPath(of info: DatasetInfo) -> String {
    guard let path = info.path else { return "\(folder)/\(info.name).statement.json" }
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
      ? "\(path)/statement.json" : "\(path).statement.json"
  }

  /// Where the version before the last change lies.
  public func previousPath(of info: DatasetInfo) -> String {
    statementPath(of: info).dropLast("json".count) + "previous.json"
  }

  /// The statement of a set: the user's, else the one that the package comes with.
  ///
  /// - Throws: `FormatError` where the file can't be read.
  public func statement(of info: DatasetInfo) throws -> DataStatement {
    let path = statementPath(of: info)
    guard FileManager.default.fileExists(atPath: path) else { return info.statement }
    var statement = try DataStatement(path: path)
    (statement.name, statement.files) = (info.name, info.statement.files)
    return statement
  }

  /// Stores a statement, and keeps the version before it.
  ///
  /// - Throws: `UsageError` where it can't be written.
  public func save(_ statement: DataStatement, of info: DatasetInfo) throws {
    var statement = statement
    (statement.name, statement.files) = (info.name, info.statement.files)
    let url = URL(fileURLWithPath: statementPath(of: info))
    try makeFolder(url.deletingLastPathComponent())
    try writeAtomically(Data(statement.croissant.utf8), to: url)
  }

  /// Keeps the present version as the one before, for `diff`; to be called once before a round of changes.
  ///
  /// - Throws: `FormatError`, `UsageError` where it can't be read or written.
  public func keepPrevious(of info: DatasetInfo) throws {
    let url = URL(fileURLWithPath: previousPath(of: info))
    try makeFolder(url.deletingLastPathComponent())
    try writeAtomically(Data(try statement(of: info).croissant.utf8), to: url)
  }

  // MARK: Overview

  /// A set with all that is known of it here.
  public struct Entry: Sendable {
    public let info: DatasetInfo
    public let statement: DataStatement
    public let findings: [Finding]
    public let measures: StatementMeasures

    public init(_ info: DatasetInfo, _ statement: DataStatement) {
      self.info = info
      self.statement = statement
      findings = statement.audit()
      measures = statement.measures
    }
  }

  /// A set with its statement, what the audit finds and the statement's measures.
  ///
  /// - Throws: `FormatError` where the statement can't be read.
  public func entry(_ info: DatasetInfo) throws -> Entry {
    Entry(info, try statement(of: info))
  }

  /// All sets with their statements, findings and measures.
  ///
  /// - Throws: `UsageError`, `FormatError` where a registration or statement can't be read.
  public func entries() throws -> [Entry] { try all().map(entry) }
}
