import Runtime
import Synchronization

/// A place in the user's source.
public struct SourceLocation: Hashable, Sendable, CustomStringConvertible {
  /// File name without folders.
  public var file: String
  /// Line, from 1.
  public var line: Int

  public var description: String { "\(file):\(line)" }

  /// The program and its libraries. Finding them reads all that is mapped into memory, which another thread may be
  /// taking out of it: so once, and early.
  static let images = ImageMap.capture()

  /// The innermost place on a stack that isn't in the array library.
  init?(_ backtrace: Backtrace) {
    let options: Backtrace.SymbolicationOptions = [.showInlineFrames, .useSymbolCache]
    guard let frames = backtrace.symbolicated(with: Self.images, options: options)?.frames else { return nil }
    for frame in frames {
      guard let symbol = frame.symbol, let place = symbol.sourceLocation, place.line > 0 else { continue }
      // Inlined frames may have the library's files without their folder.
      if symbol.rawName.hasPrefix("$s6Pinion") { continue }
      if place.path.contains("/Sources/Pinion/") || place.path.contains("<compiler-generated>") { continue }
      if place.path.hasPrefix("/home/build-user/") { continue }
      let name = place.path.split(separator: "/").last.map(String.init) ?? place.path
      (file, line) = (name, place.line)
      return
    }
    return nil
  }
}

/// Where an error came up. Operators can't take `#line` as a default argument, so the stack is kept, in microseconds;
/// to find the place on it takes up to a second in a large program, and is done where someone wants to know.
private final class CallStack: Hashable, Sendable {
  private let backtrace: Backtrace?
  private let found = Mutex<SourceLocation??>(nil)

  init() { backtrace = try? Backtrace.capture(limit: 64, images: SourceLocation.images) }

  var place: SourceLocation? {
    found.withLock { found in
      if let known = found { return known }
      let place = backtrace.flatMap { SourceLocation($0) }
      found = .some(place)
      return place
    }
  }

  static func == (a: CallStack, b: CallStack) -> Bool { a === b || a.place == b.place }
  func hash(into hasher: inout Hasher) {}
}

/// What went wrong with a tensor, where, and what was expected.
///
/// Operations don't throw: a tensor that can't be made remembers the first error, and reading it throws that.
public struct TensorError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Classes of errors.
  public enum Kind: String, Sendable {
    /// Shapes don't fit.
    case shape
    /// Element types don't fit.
    case dtype
    /// An argument is out of range.
    case value
    /// A value was read while a function was being traced.
    case traced
    /// A placeholder was met outside of its function.
    case leaked
    /// The operation has no such form (say, no derivative).
    case unsupported
    /// XLA or the plugin reported an error.
    case runtime
  }

  /// The class of the error.
  public var kind: Kind
  /// Name of the operation, as the user spells it.
  public var operation: String
  /// What is wrong and what was expected.
  public var message: String
  private let stack = CallStack()

  /// Where the user called the operation, as far as the backtrace tells.
  public var location: SourceLocation? { stack.place }

  public init(_ kind: Kind, _ operation: String, _ message: String) {
    self.kind = kind
    self.operation = operation
    self.message = message
  }

  /// Shapes that don't fit.
  public static func shape(_ operation: String, _ message: String) -> TensorError {
    TensorError(.shape, operation, message)
  }
  /// Element types that don't fit.
  public static func dtype(_ operation: String, _ message: String) -> TensorError {
    TensorError(.dtype, operation, message)
  }
  /// An argument out of range.
  public static func value(_ operation: String, _ message: String) -> TensorError {
    TensorError(.value, operation, message)
  }
  /// A form that the operation doesn't have.
  public static func unsupported(_ operation: String, _ message: String) -> TensorError {
    TensorError(.unsupported, operation, message)
  }
  /// A value read while tracing.
  static func traced(_ operation: String) -> TensorError {
    TensorError(
      .traced, operation,
      "the value isn't known while the function is being traced; return the tensor from the function instead")
  }

  public var description: String {
    let place = location.map { "\($0): " } ?? ""
    return "\(place)\(operation): \(message)"
  }
}
