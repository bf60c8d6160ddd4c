import Synchronization

/// Cotangents of `arguments` from those of `outputs`: reverse accumulation over the graph between them.
///
/// - Parameters:
///   - outputs: values with their cotangents.
///   - arguments: marker nodes' results, older than everything that depends on them.
/// - Returns: a cotangent for each argument; zeros where nothing depends on it.
/// - Throws: `TensorError` of a failed output, or from an operation without derivative.
func pullback(_ outputs: [(Tensor, Tensor)], to arguments: [Tensor]) throws -> [Tensor] {
  for (output, cotangent) in outputs {
    if let failure = output.failure ?? cotangent.failure { throw failure }
  }
  let oldest = arguments.map(\.node.serial).min() ?? .max
  let targets = Set(arguments.map { ObjectIdentifier($0.node) })
  // Nodes older than the arguments can't depend on them.
  let order = Graph.lock.withLock {
    Graph.order(outputs.map(\.0.node)) { $0.serial < oldest || ($0.scope == 0 && !$0.isTracked) }
  }
  var dependent = targets
  for node in order where node.inputs.contains(where: { dependent.contains(ObjectIdentifier($0.node)) }) {
    dependent.insert(ObjectIdentifier(node))
  }
  var cotangents: [ValueID: Tensor] = [:]
  func add(_ cotangent: Tensor, to id: ValueID) {
    cotangents[id] = cotangents[id].map { $0 + cotangent } ?? cotangent
  }
  for (output, cotangent) in outputs where dependent.contains(ObjectIdentifier(output.node)) {
    add(cotangent, to: ValueID(output.value))
  }
  for node in order.reversed()
  where dependent.contains(ObjectIdentifier(node)) && !targets.contains(ObjectIdentifier(node)) {
    let given = node.types.indices.map { cotangents.removeValue(forKey: ValueID(node, $0)) }
    guard given.contains(where: { $0 != nil }) else { continue }
    // The rule may let another node take this one's place, and so change its inputs.
    let (operation, inputs) = Graph.lock.withLock { (node.operation, node.inputs) }
    let needs = inputs.map { dependent.contains(ObjectIdentifier($0.node)) && $0.type.dtype.isDifferentiable }
    guard needs.contains(true) else { continue }
    let context = VJPContext(
      inputs: inputs.map { Tensor($0) }, outputs: node.types.indices.map { Tensor(node, $0) },
      cotangents: given, needs: needs)
    let results = try operation.vjp(context)
    for (i, result) in results.enumerated() where needs[i] {
      guard let result else { continue }
      if let failure = result.failure { throw failure }
      guard result.type == inputs[i].type else {
        throw TensorError(
          .runtime, operation.name, "derivative has type \(result.type), its argument \(inputs[i].type)")
      }
      add(result, to: ValueID(inputs[i]))
    }
  }
  let results = arguments.map { cotangents[ValueID($0.value)] ?? Tensor.zeros(like: $0) }
  Graph.lock.withLock { Companions.join((outputs.map(\.0) + results).map(\.node)) }
  return results
}

/// Runs `body` while evaluation keeps the graph that derivatives need.
func taping<R>(_ body: () throws -> R) rethrows -> R {
  Graph.activeTapes.wrappingAdd(1, ordering: .relaxed)
  defer { Graph.activeTapes.wrappingSubtract(1, ordering: .relaxed) }
  return try body()
}

/// A copy of the tree whose trainable leaves are marked, and the marks.
private func marked<T: Tree>(_ tree: T) throws -> (tree: T, markers: [Tensor?]) {
  var markers: [Tensor?] = []
  let copy = try map(tree) { leaf in
    guard !leaf.isBuffer, leaf.tensor.dtype.isDifferentiable else {
      markers.append(nil)
      return leaf.tensor
    }
    if let failure = leaf.tensor.failure { throw failure }
    let marker = Tensor.apply1(Marker(), [leaf.tensor])
    markers.append(marker)
    return marker
  }
  return (copy, markers)
}

/// Puts cotangents where the markers were, zeros elsewhere.
private func assemble<T: Tree>(_ tree: T, _ markers: [Tensor?], _ gradients: [Tensor]) throws -> T {
  var (next, place) = (gradients.makeIterator(), 0)
  return try map(tree) { leaf in
    defer { place += 1 }
    return markers[place] == nil ? Tensor.zeros(like: leaf.tensor) : next.next() ?? Tensor.zeros(like: leaf.tensor)
  }
}

/// The value of a scalar function and its gradient by every trainable leaf of its argument.
///
/// - Parameters:
///   - argument: a tensor, model or other tree. Buffers and leaves that aren't floating point get zeros.
///   - function: returns a scalar, and anything else that the caller wants to have.
/// - Throws: what `function` throws; `TensorError` where its result is not a real scalar.
public func valueAndGrad<T: Tree, Aux>(
  _ argument: T, _ function: (T) throws -> (Tensor, Aux)
) throws -> (value: Tensor, grad: T, aux: Aux) {
  try taping {
    let (tree, markers) = try marked(argument)
    let (value, aux) = try function(tree)
    if let failure = value.failure { throw failure }
    guard value.count == 1, value.dtype.isFloating else {
      throw TensorError.shape("grad", "the function must return one floating-point number, got \(value.type)")
    }
    let gradients = try pullback([(value, Tensor.ones(like: value))], to: markers.compactMap { $0 })
    return (value, try assemble(argument, markers, gradients), aux)
  }
}

/// The value of a scalar function and its gradient by every trainable leaf of its argument.
///
/// - Throws: as the form with auxiliary output.
public func valueAndGrad<T: Tree>(
  _ argument: T, _ function: (T) throws -> Tensor
) throws -> (value: Tensor, grad: T) {
  let (value, grad, _) = try valueAndGrad(argument) { (try function($0), ()) }
  return (value, grad)
}

/// The gradient of a scalar function, as a function: `grad(grad(f))` is the second derivative.
public func grad<T: Tree>(_ function: @escaping (T) throws -> Tensor) -> (T) throws -> T {
  { try valueAndGrad($0, function).grad }
}

/// The value of a function and its pullback: from cotangents of the results to those of the argument.
///
/// - Throws: what `function` throws.
public func vjp<T: Tree, O: Tree>(
  _ argument: T, _ function: (T) throws -> O
) throws -> (value: O, pullback: (O) throws -> T) {
  let tape = Tape()
  let (tree, markers) = try marked(argument)
  let value = try function(tree)
  let outputs = try leaves(of: value).map(\.tensor)
  return (
    value,
    { cotangent in
      try withExtendedLifetime(tape) {
        let given = try leaves(of: cotangent).map(\.tensor)
        guard given.map(\.type) == outputs.map(\.type) else {
          throw TensorError.shape("vjp", "cotangents are \(given.map(\.type)), results \(outputs.map(\.type))")
        }
        let gradients = try pullback(Array(zip(outputs, given)), to: markers.compactMap { $0 })
        return try assemble(argument, markers, gradients)
      }
    }
  )
}

/// Keeps the graph alive for as long as a pullback may be called.
private final class Tape {
  init() { Graph.activeTapes.wrappingAdd(1, ordering: .relaxed) }
  deinit { Graph.activeTapes.wrappingSubtract(1, ordering: .relaxed) }
}
