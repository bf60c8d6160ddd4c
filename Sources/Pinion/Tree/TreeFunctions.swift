/// A tensor of a tree, with its place.
public struct Leaf {
  /// Names from the root joined by points, as in checkpoints: `layers.0.weight`.
  public let path: String
  /// The tensor.
  public let tensor: Tensor
  /// Whether it isn't trained.
  public let isBuffer: Bool
}

/// The plain values of a tree, in order: what two trees must share for one compiled program to serve both.
struct TreeSignature: Hashable {
  private var constants: [AnyHashable] = []

  mutating func append(_ value: any Hashable) { constants.append(AnyHashable(value)) }
}

/// The tensors of a tree with their places, in the order of its fields.
///
/// - Throws: `TensorError` where a field that holds tensors is a `let`.
public func leaves<T: Tree>(of tree: T) throws -> [Leaf] {
  var list: [Leaf] = []
  var copy = tree
  try copy.visit(
    TreeVisitor(tracksPaths: true) { visitor, tensor in
      list.append(Leaf(path: visitor.path, tensor: tensor, isBuffer: visitor.isBuffer))
    })
  return list
}

/// The tensors of a tree alone.
///
/// - Throws: as `leaves(of:)`.
public func tensorLeaves<T: Tree>(of tree: T) throws -> [Tensor] {
  var list: [Tensor] = []
  var copy = tree
  try copy.visit(TreeVisitor { _, tensor in list.append(tensor) })
  return list
}

/// The tree with each tensor replaced by what `transform` makes of it.
///
/// - Throws: what `transform` throws; as `leaves(of:)`.
public func map<T: Tree>(_ tree: T, _ transform: (Leaf) throws -> Tensor) throws -> T {
  var copy = tree
  try withoutActuallyEscaping(transform) { transform in
    try copy.visit(
      TreeVisitor(tracksPaths: true) { visitor, tensor in
        tensor = try transform(Leaf(path: visitor.path, tensor: tensor, isBuffer: visitor.isBuffer))
      })
  }
  return copy
}

/// The tree with its tensors replaced, in order.
///
/// - Throws: `TensorError` where the counts differ; as `leaves(of:)`.
public func replacing<T: Tree>(leaves tensors: [Tensor], in tree: T) throws -> T {
  var copy = tree
  var next = 0
  try copy.visit(
    TreeVisitor { _, tensor in
      if next < tensors.count { tensor = tensors[next] }
      next += 1
    })
  guard next == tensors.count else {
    throw TensorError.value("replacing", "the tree has \(next) tensors, got \(tensors.count)")
  }
  return copy
}

/// Appends the tensors of a tree and its plain values, in one walk.
func flatten<T: Tree>(_ tree: T, _ tensors: inout [Tensor], _ signature: inout TreeSignature) throws {
  var (list, values) = (tensors, signature)
  (tensors, signature) = ([], TreeSignature())
  var copy = tree
  try copy.visit(TreeVisitor(onConstant: { values.append($0) }, onTensor: { _, tensor in list.append(tensor) }))
  (tensors, signature) = (list, values)
}

/// Named tensors of a model, as a checkpoint has them.
///
/// - Throws: as `leaves(of:)`.
public func parameters<T: Tree>(of tree: T) throws -> [String: Tensor] {
  Dictionary(try leaves(of: tree).map { ($0.path, $0.tensor) }, uniquingKeysWith: { first, _ in first })
}

/// Number of trained numbers of a model.
///
/// - Throws: as `leaves(of:)`.
public func parameterCount<T: Tree>(of tree: T) throws -> Int {
  try leaves(of: tree).filter { !$0.isBuffer && $0.tensor.dtype.isDifferentiable }.reduce(0) { $0 + $1.tensor.count }
}

/// Puts named tensors into a model.
///
/// - Parameters:
///   - values: tensors by path, in the model's element types and shapes.
///   - tree: the model.
///   - strict: whether each tensor of the model must be given, and nothing else.
/// - Throws: `TensorError` that names what is missing, unexpected or of another shape.
public func load<T: Tree>(_ values: [String: Tensor], into tree: inout T, strict: Bool = true) throws {
  var unused = Set(values.keys)
  var missing: [String] = []
  let loaded = try map(tree) { leaf in
    guard let value = values[leaf.path] else {
      missing.append(leaf.path)
      return leaf.tensor
    }
    unused.remove(leaf.path)
    guard value.type == leaf.tensor.type else {
      throw TensorError.shape("load", "'\(leaf.path)' is \(value.type), the model has \(leaf.tensor.type)")
    }
    return value
  }
  func shown(_ names: [String]) -> String {
    names.sorted().prefix(5).joined(separator: ", ") + (names.count > 5 ? " and \(names.count - 5) more" : "")
  }
  if strict, !missing.isEmpty { throw TensorError.value("load", "missing: \(shown(missing))") }
  if strict, !unused.isEmpty { throw TensorError.value("load", "not in the model: \(shown(Array(unused)))") }
  tree = loaded
}
