@_spi(Reflection) import Swift
import Synchronization

/// A model or layer: a struct of tensors, modules and plain values.
///
/// Tensors, trees and `Hashable` values in its fields are found by reflection; closures and other values are passed
/// over. Override `visit(_:)` to do it by hand.
public protocol Module: Tree, Sendable {}

extension Module {
  public mutating func visit(_ visitor: TreeVisitor) throws {
    for field in try FieldPlan<Self>.cached() { try field(&self, visitor) }
  }
}

/// How to visit the fields of a type; made once.
private enum FieldPlan<Root> {
  typealias Field = @Sendable (inout Root, TreeVisitor) throws -> Void

  static func cached() throws -> [Field] {
    let id = ObjectIdentifier(Root.self)
    if let plan = fieldPlans.withLock({ $0[id] }) as? [Field] { return plan }
    let plan = try make()
    fieldPlans.withLock { $0[id] = plan }
    return plan
  }

  private static func make() throws -> [Field] {
    var fields: [Field] = []
    var problem: TensorError?
    _ = _forEachFieldWithKeyPath(of: Root.self, options: []) { name, keyPath in
      do {
        if let field = try field(String(cString: name), keyPath) { fields.append(field) }
      } catch let error as TensorError {
        problem = error
      } catch {}
      return true
    }
    if let problem { throw problem }
    return fields
  }

  private static func field(_ name: String, _ keyPath: PartialKeyPath<Root>) throws -> Field? {
    let type = Swift.type(of: keyPath).valueType
    // Hashable values hold no tensors, since tensors aren't Hashable.
    if let hashable = type as? any (Hashable & SendableMetatype).Type { return constant(hashable, keyPath) }
    if let tree = type as? any (Tree & SendableMetatype).Type { return try child(tree, name, keyPath) }
    if let path = keyPath as? WritableKeyPath<Root, any Module> {
      let path = UncheckedPath(path)
      return { root, visitor in
        var module = root[keyPath: path.path]
        try visitExistential(&module, name, visitor)
        root[keyPath: path.path] = module
      }
    }
    if let path = keyPath as? WritableKeyPath<Root, [any Module]> {
      let path = UncheckedPath(path)
      return { root, visitor in
        for i in root[keyPath: path.path].indices {
          try visitExistential(&root[keyPath: path.path][i], "\(name).\(i)", visitor)
        }
      }
    }
    return nil
  }

  private static func constant<V: Hashable & SendableMetatype>(_ type: V.Type, _ keyPath: PartialKeyPath<Root>)
    -> Field?
  {
    guard let path = keyPath as? KeyPath<Root, V> else { return nil }
    let unchecked = UncheckedPath(path)
    return { root, visitor in visitor.constant(root[keyPath: unchecked.path]) }
  }

  private static func child<V: Tree & SendableMetatype>(_ type: V.Type, _ name: String, _ keyPath: PartialKeyPath<Root>)
    throws -> Field?
  {
    guard let path = keyPath as? WritableKeyPath<Root, V> else {
      throw TensorError.value("\(Root.self)", "field '\(name)' holds tensors and must be 'var', not 'let'")
    }
    // The storage of a property wrapper has the property's name behind an underscore.
    let shown = type == Buffer.self && name.hasPrefix("_") ? String(name.dropFirst()) : name
    let unchecked = UncheckedPath(path)
    return { root, visitor in try visitor.child(shown, &root[keyPath: unchecked.path]) }
  }
}

/// Visits a module whose type isn't known, in place.
private func visitExistential(_ module: inout any Module, _ name: String, _ visitor: TreeVisitor) throws {
  func visited<M: Module>(_ module: M) throws -> any Module {
    var module = module
    visitor.constant(ObjectIdentifier(M.self))
    try visitor.child(name, &module)
    return module
  }
  module = try visited(module)
}

/// Key paths of stored properties carry no state; the standard library doesn't say so in types.
private struct UncheckedPath<Path>: @unchecked Sendable {
  let path: Path
  init(_ path: Path) { self.path = path }
}

private let fieldPlans = Mutex<[ObjectIdentifier: any Sendable]>([:])
