import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Writes a file so that at any moment either the old or the whole new content is there.
///
/// - Throws: `UsageError` with the file and the system's reason.
func writeAtomically(_ data: Data, to url: URL) throws {
  let temporary = url.deletingLastPathComponent().appending(path: ".\(url.lastPathComponent).\(getpid())")
  func failure() -> UsageError { UsageError("\(url.path): can't be written (\(String(cString: strerror(errno))))") }
  let descriptor = open(temporary.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
  guard descriptor >= 0 else { throw failure() }
  var succeeded = false
  defer { if !succeeded { unlink(temporary.path) } }
  let written = data.withUnsafeBytes { bytes in
    var offset = 0
    while offset < bytes.count {
      let count = write(descriptor, bytes.baseAddress?.advanced(by: offset), bytes.count - offset)
      if count < 0 {
        if errno == EINTR { continue }
        return false
      }
      offset += count
    }
    return fsync(descriptor) == 0
  }
  let error = written ? nil : failure()
  close(descriptor)
  if let error { throw error }
  guard rename(temporary.path, url.path) == 0 else { throw failure() }
  succeeded = true
}

/// Makes a folder with those above it.
///
/// - Throws: `UsageError` with the folder and the reason.
func makeFolder(_ url: URL) throws {
  do {
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  } catch {
    throw UsageError("\(url.path): can't make this folder (\(systemReason(error)))")
  }
}

/// The system's own words for a Foundation error.
func systemReason(_ error: any Error) -> String {
  if let posix = (error as NSError).userInfo[NSUnderlyingErrorKey] as? POSIXError {
    return String(cString: strerror(posix.code.rawValue))
  }
  return (error as NSError).localizedDescription
}
