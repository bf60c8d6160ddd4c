/// A value made of tensors: a tensor, a module, an array, optional or dictionary of trees.
///
/// Gradients, compiled functions, optimizers and checkpoints take trees apart and put them together again.
public protocol Tree {
  /// Shows the visitor each part: tensors with `tensor(_:)`, named parts with `child(_:_:)`, plain values with
  /// `constant(_:)`. The visitor may replace tensors.
  ///
  /// - Throws: what the visitor throws.
  mutating func visit(_ visitor: TreeVisitor) throws
}

/// Walks through a tree.
public final class TreeVisitor {
  private let onTensor: (TreeVisitor, inout Tensor) throws -> Void
  private let onConstant: ((any Hashable) -> Void)?
  private let tracksPaths: Bool
  private var names: [String] = []
  /// Whether the tensor at hand isn't trained.
  private(set) var isBuffer = false

  init(
    tracksPaths: Bool = false, onConstant: ((any Hashable) -> Void)? = nil,
    onTensor: @escaping (TreeVisitor, inout Tensor) throws -> Void
  ) {
    self.tracksPaths = tracksPaths
    self.onConstant = onConstant
    self.onTensor = onTensor
  }

  /// Names from the root, joined by points.
  var path: String { names.joined(separator: ".") }

  /// A tensor of the tree.
  public func tensor(_ tensor: inout Tensor) throws { try onTensor(self, &tensor) }

  /// A plain value; it belongs to the signature of compiled functions.
  public func constant(_ value: some Hashable) { onConstant?(value) }

  /// A named part.
  public func child<T: Tree>(_ name: @autoclosure () -> String, _ value: inout T) throws {
    guard tracksPaths else { return try value.visit(self) }
    names.append(name())
    defer { names.removeLast() }
    try value.visit(self)
  }

  /// A part that isn't trained.
  func buffer(_ tensor: inout Tensor) throws {
    let outer = isBuffer
    isBuffer = true
    defer { isBuffer = outer }
    try onTensor(self, &tensor)
  }
}

extension Tensor: Tree {
  public mutating func visit(_ visitor: TreeVisitor) throws { try visitor.tensor(&self) }
}

extension Array: Tree where Element: Tree {
  public mutating func visit(_ visitor: TreeVisitor) throws {
    visitor.constant(count)
    for i in indices { try visitor.child("\(i)", &self[i]) }
  }
}

extension Optional: Tree where Wrapped: Tree {
  public mutating func visit(_ visitor: TreeVisitor) throws {
    visitor.constant(self != nil)
    try self?.visit(visitor)
  }
}

extension Dictionary: Tree where Key == String, Value: Tree {
  /// In the order of the keys.
  public mutating func visit(_ visitor: TreeVisitor) throws {
    for key in keys.sorted() {
      visitor.constant(key)
      guard var value = self[key] else { continue }
      try visitor.child(key, &value)
      self[key] = value
    }
  }
}

/// Plain values in trees: no tensors inside.
extension Tree where Self: Hashable {
  public mutating func visit(_ visitor: TreeVisitor) throws { visitor.constant(self) }
}

extension Int: Tree {}
extension Double: Tree {}
extension Float: Tree {}
extension Bool: Tree {}
extension String: Tree {}

/// A tensor of a model that isn't trained, such as running statistics: `@Buffer var mean: Tensor`.
@propertyWrapper public struct Buffer: Tree, Sendable {
  public var wrappedValue: Tensor

  public init(wrappedValue: Tensor) { self.wrappedValue = wrappedValue }

  public mutating func visit(_ visitor: TreeVisitor) throws { try visitor.buffer(&wrappedValue) }
}
