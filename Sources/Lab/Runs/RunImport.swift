import Foundation
import GRDB

extension RunStore {
  /// Takes up the folders of earlier versions, which hold `run.json` and `metrics.jsonl`; the files stay as they are.
  ///
  /// A folder that another process works on is taken up when that has ended.
  func importFolders() throws {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: root.path)) ?? []
    let known = try read { Set(try String.fetchAll($0, sql: "SELECT id FROM run")) }
    for name in names.sorted() where !known.contains(name) && !name.hasPrefix(".") {
      let folder = root.appending(path: name, directoryHint: .isDirectory)
      guard FileManager.default.fileExists(atPath: folder.appending(path: "run.json").path) else { continue }
      guard let lock = FileLock.take(folder.appending(path: RunFolder.lockName)) else { continue }
      defer { lock.unlock() }
      // A folder that can't be read is no reason to show none of the others.
      try? importFolder(folder)
    }
  }

  /// Takes up one folder, which nobody works on.
  ///
  /// - Throws: `UsageError` where its record can't be read.
  func importFolder(_ folder: URL) throws {
    let url = folder.appending(path: "run.json")
    var record: RunRecord
    do {
      record = try RecordCoding.decoder.decode(RunRecord.self, from: Data(contentsOf: url))
    } catch {
      throw UsageError("\(url.path): not the record of a run (\(RecordCoding.describe(error)))")
    }
    record.id = folder.lastPathComponent
    if record.state == .running { record.state = .interrupted }
    // A killed process may have left half a line at the end.
    let lines = (try? Data(contentsOf: folder.appending(path: "metrics.jsonl"))) ?? Data()
    let decoder = RecordCoding.decoder
    let points = lines.split(separator: 0x0A).compactMap { try? decoder.decode(MetricPoint.self, from: Data($0)) }
    let imported = record
    try write { database in
      try Self.save(imported, database)
      var keys: [SeriesName: Int64] = [:]
      try Self.append(points, to: imported.id, keys: &keys, database)
    }
  }
}
