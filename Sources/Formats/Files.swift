import Glibc

/// The system's reason for the last failed call.
private func systemReason(_ code: Int32 = errno) -> String { String(cString: strerror(code)) }

/// A file mapped into memory, read-only.
///
/// Checked at opening: it exists and is a regular file. Another process that shortens the file in place while it's
/// mapped can still take pages away; replacing it by rename, as `AtomicFile` does, is safe.
final class MappedFile: @unchecked Sendable {
  let path: String
  let bytes: UnsafeRawBufferPointer

  init(path: String) throws {
    let descriptor = try openForReading(path)
    defer { close(descriptor) }
    let size = try regularSize(descriptor, path)
    self.path = path
    guard size > 0 else {
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      return
    }
    guard let address = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), address != MAP_FAILED else {
      throw FormatError(path, "can't be mapped: \(systemReason())")
    }
    bytes = UnsafeRawBufferPointer(start: address, count: size)
  }

  deinit {
    if let start = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: start), bytes.count) }
  }
}

private func openForReading(_ path: String) throws -> Int32 {
  // A pipe would block the opening of itself otherwise.
  let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
  guard descriptor >= 0 else {
    throw FormatError(path, errno == ENOENT ? "there is no such file" : "can't be opened: \(systemReason())")
  }
  return descriptor
}

private func regularSize(_ descriptor: Int32, _ path: String) throws -> Int {
  var status = stat()
  guard fstat(descriptor, &status) == 0 else { throw FormatError(path, "can't be examined: \(systemReason())") }
  switch status.st_mode & S_IFMT {
  case S_IFREG: return Int(status.st_size)
  case S_IFDIR: throw FormatError(path, "is a folder, expected a file")
  default: throw FormatError(path, "isn't a regular file")
  }
}

/// Reading of whole files.
public enum File {
  /// All bytes of a regular file.
  ///
  /// - Parameter limit: more bytes than this are an error.
  /// - Throws: `FormatError` with the system's reason.
  public static func read(_ path: String, limit: Int = 1 << 40) throws -> [UInt8] {
    let descriptor = try openForReading(path)
    defer { close(descriptor) }
    let size = try regularSize(descriptor, path)
    guard size <= limit else {
      throw FormatError(path, "has \(size.grouped) bytes, at most \(limit.grouped) are read")
    }
    return try [UInt8](unsafeUninitializedCapacity: size) { memory, initialized in
      while initialized < size {
        let part = Glibc.read(descriptor, memory.baseAddress.map { $0 + initialized }, size - initialized)
        if part < 0, errno == EINTR { continue }
        guard part > 0 else {
          let reason = part < 0 ? systemReason() : "it was shortened meanwhile"
          throw FormatError(path, "can't be read: \(reason)")
        }
        initialized += part
      }
    }
  }

  /// Writes a file whole or not at all: to a temporary name beside it, synced, then renamed.
  ///
  /// - Throws: `FormatError` with the system's reason; what was at `path` before is untouched then.
  public static func write(_ bytes: [UInt8], to path: String) throws {
    let file = try AtomicFile(path)
    try bytes.withUnsafeBytes { try file.append($0) }
    try file.commit()
  }

  /// Writes text as UTF-8, whole or not at all.
  ///
  /// - Throws: as `write(_:to:)`.
  public static func write(_ text: String, to path: String) throws { try write(Array(text.utf8), to: path) }
}

/// A file in the making: it appears under its name when it's complete and on disk, and leaves nothing behind otherwise.
public final class AtomicFile {
  private let path: String
  private let temporary: String
  private var descriptor: Int32

  /// Makes the temporary file in the folder of `path`.
  ///
  /// - Throws: `FormatError` with the system's reason.
  public init(_ path: String) throws {
    self.path = path
    var template = Array("\(path).XXXXXX".utf8CString)
    descriptor = mkstemp(&template)
    temporary = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    guard descriptor >= 0 else { throw FormatError(path, "can't be written: \(systemReason())") }
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    // mkstemp makes private files; a finished one has the usual rights.
    let mask = umask(0)
    umask(mask)
    fchmod(descriptor, 0o666 & ~mask)
  }

  deinit {
    guard descriptor >= 0 else { return }
    close(descriptor)
    unlink(temporary)
  }

  /// Adds bytes at the end.
  ///
  /// - Throws: `FormatError` with the system's reason, such as a full disk.
  public func append(_ bytes: UnsafeRawBufferPointer) throws {
    var done = 0
    while done < bytes.count {
      let part = Glibc.write(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done)
      if part < 0, errno == EINTR { continue }
      guard part > 0 else { throw FormatError(path, "can't be written: \(systemReason())") }
      done += part
    }
  }

  /// Adds bytes at the end.
  ///
  /// - Throws: as the other form.
  public func append(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try append($0) } }

  /// Syncs the file and gives it its name.
  ///
  /// - Throws: `FormatError` with the system's reason.
  public func commit() throws {
    guard fsync(descriptor) == 0 else { throw FormatError(path, "can't be written: \(systemReason())") }
    guard rename(temporary, path) == 0 else { throw FormatError(path, "can't be written: \(systemReason())") }
    close(descriptor)
    descriptor = -1
    // The rename is durable once the folder is synced; a file system that can't do that has done what it can.
    let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
    let folder = parts.isEmpty ? "." : parts.count == 1 && parts.first == "" ? "/" : parts.joined(separator: "/")
    let directory = open(folder, O_RDONLY | O_CLOEXEC)
    guard directory >= 0 else { return }
    fsync(directory)
    close(directory)
  }
}
