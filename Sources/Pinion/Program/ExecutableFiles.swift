import PJRT

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Compiled programs kept on disk, so that the next process doesn't compile them again.
///
/// A file holds what it was compiled from and the executable; it counts only where the former is the same to the last
/// character. Without a folder to write to nothing is kept, and nothing said.
struct ExecutableFiles: Sendable {
  /// Compilation that takes less isn't worth a file.
  static let worthwhile = Duration.milliseconds(100)
  /// Files that haven't been used for longest go first.
  static let sizeLimit = 1 << 30

  let folder: URL
  /// What else than its text makes an executable: plugin, processor, options.
  let setting: String

  init(folder: URL, setting: String) {
    self.folder = folder
    self.setting = setting
  }

  /// - Returns: `nil` where `PINION_CACHE` is `off` or there is no home.
  init?(plugin path: String, version: String) {
    let environment = ProcessInfo.processInfo.environment
    if environment["PINION_CACHE"] == "off" { return nil }
    let home = environment["HOME"].map { $0 + "/.cache" }
    guard let root = environment["XDG_CACHE_HOME"].flatMap({ $0.isEmpty ? nil : $0 }) ?? home else { return nil }
    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
    let size = (attributes?[.size] as? Int) ?? 0
    let date = (attributes?[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
    folder = URL(fileURLWithPath: root).appending(path: "pinion/programs")
    let flags = environment["XLA_FLAGS"] ?? ""
    setting = "\(path) \(size) \(date) \(version) \(flags) \(ExecutableFiles.processor)"
  }

  /// Model and features of the processor: an executable has its instructions.
  private static let processor: String = {
    guard let text = try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8) else { return "" }
    let lines = text.split(separator: "\n")
    return ["model name", "flags", "Features"].compactMap { key in lines.first { $0.hasPrefix(key) } }
      .joined(separator: " ")
  }()

  private func source(_ text: String, _ options: [UInt8]) -> [UInt8] {
    Array(setting.utf8) + [0] + options + [0] + Array(text.utf8)
  }

  private func url(_ source: [UInt8]) -> URL {
    // A collision costs a compilation, as the file tells what it's for.
    folder.appending(path: String(ExecutableFiles.hash(source), radix: 16) + ".xla")
  }

  /// FNV-1a.
  private static func hash(_ bytes: some Sequence<UInt8>) -> UInt64 {
    bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
  }

  private static func bytes(of number: UInt64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * UInt64($0))) }
  }

  /// The executable of a program compiled earlier, if there is one.
  func load(_ text: String, options: CompileOptions, client: Client) -> Executable? {
    let source = source(text, options.serialized)
    let url = url(source)
    guard let data = try? Data(contentsOf: url, options: .mappedIfSafe), data.count > 16 + source.count else {
      return nil
    }
    // Two numbers (length of the source, hash of the executable), the source, the executable.
    guard data.prefix(8).elementsEqual(ExecutableFiles.bytes(of: UInt64(source.count))),
      data.dropFirst(16).prefix(source.count).elementsEqual(source)
    else { return nil }
    let code = Array(data.dropFirst(16 + source.count))
    guard data.dropFirst(8).prefix(8).elementsEqual(ExecutableFiles.bytes(of: ExecutableFiles.hash(code))),
      let executable = try? client.load(code)
    else {
      try? FileManager.default.removeItem(at: url)
      return nil
    }
    try? FileManager.default.setAttributes([.modificationDate: Date()], ofItemAtPath: url.path)
    return executable
  }

  /// Keeps an executable.
  func save(_ executable: Executable, _ text: String, options: CompileOptions) {
    guard let bytes = try? executable.serialized() else { return }
    let source = source(text, options.serialized)
    var data = Data(ExecutableFiles.bytes(of: UInt64(source.count)))
    data.append(contentsOf: ExecutableFiles.bytes(of: ExecutableFiles.hash(bytes)))
    data.append(contentsOf: source)
    data.append(contentsOf: bytes)
    try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    // Written under another name and renamed: a reader sees all of it or nothing.
    try? data.write(to: url(source), options: .atomic)
    // Looking at all files takes a while, so not after each.
    if ExecutableFiles.hash(source) % 64 == 0 { prune() }
  }

  private func prune() {
    let manager = FileManager.default
    guard let names = try? manager.contentsOfDirectory(atPath: folder.path) else { return }
    var list = names.map { name in
      let url = folder.appending(path: name)
      let attributes = try? manager.attributesOfItem(atPath: url.path)
      return (
        url: url, size: (attributes?[.size] as? Int) ?? 0,
        date: (attributes?[.modificationDate] as? Date) ?? .distantPast
      )
    }
    var total = list.reduce(0) { $0 + $1.size }
    guard total > ExecutableFiles.sizeLimit else { return }
    list.sort { $0.date < $1.date }
    for file in list where total > ExecutableFiles.sizeLimit * 3 / 4 {
      try? FileManager.default.removeItem(at: file.url)
      total -= file.size
    }
  }
}
