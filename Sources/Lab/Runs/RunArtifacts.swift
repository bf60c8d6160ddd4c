import Formats
import Foundation
import GRDB

/// A file that belongs to a run.
public struct Artifact: Codable, Hashable, Sendable {
  /// Name within the run, such as `samples/3.wav`.
  public var name: String
  /// Media type, such as `audio/wav`.
  public var type: String
  /// SHA-256 of its bytes, in hexadecimal digits.
  public var sha256: String
  public var byteCount: Int
}

extension RunStore {
  /// Place of the file with a hash; runs that keep the same bytes share it.
  func artifactURL(_ sha256: String) -> URL { root.appending(path: "artifacts/\(sha256.prefix(2))/\(sha256)") }

  /// Keeps bytes for a run under a name; those of that name before are let go.
  @discardableResult func keep(_ bytes: [UInt8], of run: String, as name: String, type: String) throws -> Artifact {
    let artifact = Artifact(name: name, type: type, sha256: SHA256.hex(bytes), byteCount: bytes.count)
    let url = artifactURL(artifact.sha256)
    try makeFolder(url.deletingLastPathComponent())
    // The row is written last: a row always has its file.
    try write { database in
      try writeAtomically(Data(bytes), to: url)
      try database.execute(
        sql: """
          INSERT INTO artifact SELECT key, ?, ?, ?, ? FROM run WHERE id = ?
          ON CONFLICT DO UPDATE SET type = excluded.type, sha256 = excluded.sha256, byteCount = excluded.byteCount
          """, arguments: [name, type, artifact.sha256, artifact.byteCount, run])
    }
    return artifact
  }

  /// The artifacts of a run, by name.
  public func artifacts(of run: String) throws -> [Artifact] {
    try read { database in
      try Row.fetchAll(
        database,
        sql: "SELECT * FROM artifact WHERE run = (SELECT key FROM run WHERE id = ?) ORDER BY name", arguments: [run]
      ).map {
        Artifact(name: $0["name"], type: $0["type"], sha256: $0["sha256"], byteCount: $0["byteCount"])
      }
    }
  }

  /// The bytes of an artifact.
  ///
  /// - Throws: `UsageError` where the file is gone or isn't what was stored.
  public func bytes(of artifact: Artifact) throws -> [UInt8] {
    let url = artifactURL(artifact.sha256)
    do {
      let bytes = try File.read(url.path)
      guard SHA256.hex(bytes) == artifact.sha256 else {
        throw UsageError("\(url.path): isn't what the run stored (\(artifact.name)): its SHA-256 differs")
      }
      return bytes
    } catch let error as FormatError {
      throw UsageError(error.description)
    }
  }

  /// Name of the artifact with the parts of a run's report.
  static let blocksName = "report.json"

  /// Keeps the parts of a run's report.
  func keep(blocks: [ReportBlock], of run: String) throws {
    let bytes = [UInt8](try RecordCoding.lineEncoder.encode(blocks))
    try keep(bytes, of: run, as: Self.blocksName, type: "application/json")
  }

  /// The parts of a run's report; nil where the run has none, as it isn't done or of an earlier version.
  ///
  /// - Throws: `UsageError` where they are of another version.
  func blocks(of run: String) throws -> [ReportBlock]? {
    guard let artifact = try artifacts(of: run).first(where: { $0.name == Self.blocksName }) else { return nil }
    do {
      return try RecordCoding.decoder.decode([ReportBlock].self, from: Data(bytes(of: artifact)))
    } catch let error as DecodingError {
      throw UsageError("run \(run): \(Self.blocksName): \(RecordCoding.describe(error))")
    }
  }

  /// Deletes runs with their folders, and artifacts that no other run has.
  ///
  /// - Throws: `UsageError` where a process works on one of them; those before it are deleted then.
  public func delete(_ ids: [String]) throws {
    for id in ids {
      let folder = self.folder(of: id)
      let trash = root.appending(path: ".deleted-\(id)", directoryHint: .isDirectory)
      if FileManager.default.fileExists(atPath: folder.path) {
        guard let lock = FileLock.take(folder.appending(path: RunFolder.lockName)) else {
          throw UsageError("\(id): a process is working on this run")
        }
        defer { lock.unlock() }
        // Out of the way first, so that a folder without a record never comes back as a run.
        guard rename(folder.path, trash.path) == 0 else {
          throw UsageError("\(folder.path): can't be deleted (\(String(cString: strerror(errno))))")
        }
      }
      try write { database in
        let hashes = try String.fetchAll(
          database, sql: "SELECT sha256 FROM artifact WHERE run = (SELECT key FROM run WHERE id = ?)", arguments: [id])
        try database.execute(sql: "DELETE FROM run WHERE id = ?", arguments: [id])
        // Within the transaction: no other process keeps these bytes meanwhile.
        for hash in hashes
        where try Int.fetchOne(database, sql: "SELECT 1 FROM artifact WHERE sha256 = ?", arguments: [hash]) == nil {
          try? FileManager.default.removeItem(at: artifactURL(hash))
        }
      }
      try? FileManager.default.removeItem(at: trash)
    }
  }
}
