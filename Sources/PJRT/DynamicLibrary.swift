import Glibc

/// A library opened at run time. It stays open: code of it may be on some thread's stack.
public struct DynamicLibrary: @unchecked Sendable {
  /// Where it was found.
  public let path: String
  private let handle: UnsafeMutableRawPointer

  /// Opens the library.
  ///
  /// - Throws: `PJRTError` with the loader's reason.
  public init(path: String) throws {
    guard let handle = dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
      throw PJRTError("can't load \(path): \(Self.lastError)")
    }
    self.handle = handle
    self.path = path
  }

  /// The address of a function or variable.
  ///
  /// - Throws: `PJRTError` where there is none of that name.
  public func symbol(_ name: String) throws -> UnsafeMutableRawPointer {
    guard let address = dlsym(handle, name) else { throw PJRTError("\(path) has no symbol '\(name)'") }
    return address
  }

  private static var lastError: String { dlerror().map { String(cString: $0) } ?? "unknown reason" }
}

/// Where run-time parts lie: a folder named by the user, `.pinion/lib` of the checkout, or the user's cache folder.
public enum RuntimeParts {
  /// Folders that are searched, first to last.
  public static var folders: [String] {
    var folders: [String] = []
    if let root = environment("PINION_ROOT") { folders.append(root + "/.pinion/lib") }
    folders.append(".pinion/lib")
    folders.append(cacheFolder + "/lib")
    return folders
  }

  /// The user's cache folder: `$XDG_CACHE_HOME/pinion` or `~/.cache/pinion`.
  public static var cacheFolder: String {
    if let cache = environment("XDG_CACHE_HOME") { return cache + "/pinion" }
    return (environment("HOME") ?? ".") + "/.cache/pinion"
  }

  /// The first of `folders` that has the file.
  public static func find(_ name: String) -> String? {
    folders.map { "\($0)/\(name)" }.first { access($0, R_OK) == 0 }
  }

  /// A variable of the environment; `nil` where it's missing or empty.
  public static func environment(_ name: String) -> String? {
    guard let value = getenv(name), value.pointee != 0 else { return nil }
    return String(cString: value)
  }
}
