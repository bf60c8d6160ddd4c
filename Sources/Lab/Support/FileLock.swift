import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A lock on a file among processes. The system lets go of it when the process ends in any way.
struct FileLock: Sendable {
  private let descriptor: Int32

  /// Takes the lock; nil where another holds it, or the file can't be opened.
  static func take(_ url: URL, creating: Bool = true) -> FileLock? {
    let descriptor = descriptor(url, creating: creating)
    guard descriptor >= 0 else { return nil }
    if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return FileLock(descriptor: descriptor) }
    close(descriptor)
    return nil
  }

  /// Takes the lock as soon as it's free.
  ///
  /// - Throws: `UsageError` where the file can't be made.
  static func wait(_ url: URL) throws -> FileLock {
    let descriptor = descriptor(url, creating: true)
    guard descriptor >= 0 else { throw UsageError("\(url.path): \(String(cString: strerror(errno)))") }
    while flock(descriptor, LOCK_EX) != 0 && errno == EINTR {}
    return FileLock(descriptor: descriptor)
  }

  func unlock() { close(descriptor) }

  /// Makes a text the content of the locked file, as well as that goes.
  func write(_ text: String) {
    guard ftruncate(descriptor, 0) == 0 else { return }
    Terminal(descriptor: descriptor, environment: [:]).write(text)
  }

  private static func descriptor(_ url: URL, creating: Bool) -> Int32 {
    let flags = O_RDWR | O_CLOEXEC | (creating ? O_CREAT : 0)
    #if canImport(Glibc)
      return Glibc.open(url.path, flags, 0o644)
    #else
      return Darwin.open(url.path, flags, 0o644)
    #endif
  }
}
