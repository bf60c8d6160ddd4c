import Formats
import Foundation

/// Writes a file so that at any moment either the old or the whole new content is there.
///
/// - Throws: `UsageError` with the file and the system's reason.
func writeAtomically(_ data: Data, to url: URL) throws {
  do {
    try File.write([UInt8](data), to: url.path)
  } catch let error as FormatError {
    throw UsageError(error.description)
  }
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
