import PJRT
import Synchronization

/// A library that is opened at first use, with the plugin's foreign functions that call it.
///
/// It lies in `RuntimeParts.folders`, unless a variable of the environment names another file. What came of the first try
/// stays.
final class ForeignLibrary: Sendable {
  /// Opens a file; else writes the reason, cut to the given number of bytes.
  typealias Opener = @Sendable (UnsafePointer<CChar>, UnsafeMutablePointer<CChar>, Int) -> Bool

  let fileName: String
  private let variable: String
  private let opener: Opener
  private let functions: [(name: String, function: Plugin.ForeignFunction)]

  private enum State {
    case untried
    case ready(path: String)
    case missing(PJRTError)
  }
  private let state = Mutex(State.untried)

  /// - Parameters:
  ///   - fileName: name of the library's file.
  ///   - variable: variable of the environment that may name another.
  ///   - opener: opens the file for the functions.
  ///   - functions: what programs call, registered once the library is open.
  init(
    _ fileName: String, variable: String, opener: @escaping Opener,
    functions: [(name: String, function: Plugin.ForeignFunction)]
  ) {
    self.fileName = fileName
    self.variable = variable
    self.opener = opener
    self.functions = functions
  }

  /// Path of the library in use.
  ///
  /// - Throws: `PJRTError` that says why there is none.
  func path() throws -> String {
    try state.withLock { state in
      switch state {
      case .ready(let path): return path
      case .missing(let error): throw error
      case .untried:
        do {
          let path = try start()
          state = .ready(path: path)
          return path
        } catch {
          let error = error as? PJRTError ?? PJRTError("\(error)")
          state = .missing(error)
          throw error
        }
      }
    }
  }

  private func start() throws -> String {
    let backend = try Backend.shared()
    guard backend.sharesHostMemory else { throw PJRTError("the platform is \(backend.client.platformName)") }
    let path = try locate(file: RuntimeParts.environment(variable))
    try open(path)
    for (name, function) in functions { try backend.client.plugin.register(name, function: function) }
    return path
  }

  /// The file to open.
  ///
  /// - Parameter file: the user's path.
  /// - Throws: `PJRTError` where there is none.
  func locate(file: String?) throws -> String {
    if let path = file ?? RuntimeParts.find(fileName) { return path }
    throw PJRTError(
      "\(fileName) isn't in \(RuntimeParts.folders.joined(separator: ", ")); "
        + "./pinion sets it up, or set \(variable) to its path")
  }

  /// Opens a file for the functions.
  ///
  /// - Throws: `PJRTError` where it isn't the library.
  func open(_ path: String) throws {
    var reason = [CChar](repeating: 0, count: 512)
    guard opener(path, &reason, reason.count) else {
      let text = String(decoding: reason.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      throw PJRTError("can't use \(path): \(text)")
    }
  }
}
