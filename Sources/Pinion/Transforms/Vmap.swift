/// A tensor of all examples, or one that they share.
struct Batched {
  var tensor: Tensor
  /// Where the examples lie; `nil` where they share the tensor.
  var axis: Int?

  /// With the examples on axis 0, repeated where they share it.
  func leading(_ size: Int) -> Tensor { placed(at: 0, size) }
}

extension Program {
  /// The program's work on batches.
  ///
  /// - Parameters:
  ///   - given: for each argument the examples.
  ///   - outside: what stands for values that come from elsewhere.
  func batched(
    _ given: [Batched], size: Int, outside: (Value) throws -> Tensor = { _ in throw TensorError.leak }
  ) throws -> [Batched] {
    var values: [ValueID: Batched] = [:]
    values.reserveCapacity(nodes.count + arguments.count)
    for (value, batch) in zip(arguments, given) { values[ValueID(value)] = batch }
    func find(_ value: Value) throws -> Batched {
      if let known = values[ValueID(value)] { return known }
      return Batched(tensor: try outside(value), axis: nil)
    }
    for node in nodes {
      let (operation, operands) = Graph.lock.withLock { (node.operation, node.inputs) }
      let inputs = try operands.map(find)
      let results: [Tensor]
      let axes: [Int?]
      if inputs.allSatisfy({ $0.axis == nil }) {
        results = Tensor.apply(operation, inputs.map(\.tensor), resultCount: node.types.count)
        axes = results.map { _ in nil }
      } else {
        (results, axes) = try operation.batched(inputs.map(\.tensor), inputs.map(\.axis), size: size)
      }
      for (k, result) in results.enumerated() {
        if let failure = result.failure { throw failure }
        var shape = result.shape
        if let axis = axes[k] {
          guard shape.indices.contains(axis), shape.remove(at: axis) == size else {
            throw TensorError(
              .runtime, operation.name, "batch rule: result \(result.type) has no batch at \(axis)")
          }
        }
        guard k < node.types.count, node.types[k] == result.type.with(shape: shape) else {
          throw TensorError(.runtime, operation.name, "batch rule: result \(result.type) isn't \(node.types[k])")
        }
        values[ValueID(node, k)] = Batched(tensor: result, axis: axes[k])
      }
    }
    return try outputs.map(find)
  }
}

extension Region.Scope {
  /// What a traced function computes, for all examples.
  ///
  /// - Parameters:
  ///   - results: of the function on the scope's placeholders.
  ///   - given: for each placeholder the examples.
  func batched(_ results: [Tensor], _ given: [Batched], size: Int) throws -> [Batched] {
    for result in results { if let failure = result.failure { throw failure } }
    let nodes = Graph.lock.withLock { Graph.order(results.map(\.node)) { !contains($0, .dependent) } }
    let program = Program(nodes: nodes, arguments: placeholders.map(\.value), outputs: results.map(\.value))
    return try program.batched(given, size: size) { value in
      if value.node.scope >= number { throw TensorError.leak }
      return Tensor(value)
    }
  }
}

/// `function` on lists of tensors, for all examples at once.
///
/// - Parameters:
///   - inputs: with the axis along which their examples lie, or none.
///   - size: number of examples.
/// - Throws: what `function` throws; `TensorError` of kind `unsupported` where an operation has no rule for batches.
func vmapLeaves(_ inputs: [Batched], size: Int, _ function: ([Tensor]) throws -> [Tensor]) throws -> [Batched] {
  let batched = inputs.filter { $0.axis != nil }
  let scope = Region.Scope(
    batched.map { input in
      var shape = input.tensor.shape
      if let axis = input.axis { shape.remove(at: axis) }
      return input.tensor.type.with(shape: shape)
    })
  var placeholders = scope.placeholders.makeIterator()
  let arguments = inputs.map { $0.axis == nil ? $0.tensor : placeholders.next() ?? $0.tensor }
  return try scope.batched(function(arguments), batched, size: size)
}

/// What the forms of `vmap` do.
private func mapped<each I: Tree, each O: Tree>(
  _ inAxes: [Int?]?, _ outAxes: [Int?]?, _ function: @escaping (repeat each I) throws -> (repeat each O)
) -> (repeat each I) throws -> (repeat each O) {
  { (arguments: repeat each I) throws -> (repeat each O) in
    var inputs: [Batched] = []
    var count = 0
    for _ in repeat each arguments { count += 1 }
    if let inAxes, inAxes.count != count {
      throw TensorError.value("vmap", "inAxes has \(inAxes.count) axes for \(count) arguments")
    }
    var number = 0
    for argument in repeat each arguments {
      let axis = inAxes.map { $0[number] } ?? 0
      inputs += try leaves(of: argument).map { leaf in
        if let failure = leaf.tensor.failure { throw failure }
        guard let axis else { return Batched(tensor: leaf.tensor, axis: nil) }
        guard let normalized = leaf.tensor.shape.normalizedAxis(axis) else {
          let place = leaf.path.isEmpty ? "" : ", '\(leaf.path)'"
          throw TensorError.shape(
            "vmap", "argument \(number)\(place) is \(leaf.tensor.type), which has no axis \(axis) of examples")
        }
        return Batched(tensor: leaf.tensor, axis: normalized)
      }
      number += 1
    }
    let sizes = inputs.compactMap { input in input.axis.map { input.tensor.shape[$0] } }
    guard let size = sizes.first else {
      throw TensorError.value("vmap", "no argument has an axis of examples")
    }
    guard sizes.allSatisfy({ $0 == size }) else {
      throw TensorError.shape("vmap", "arguments have different numbers of examples: \(sizes)")
    }
    var template: (repeat each O)?
    var counts: [Int] = []
    let results = try vmapLeaves(inputs, size: size) { tensors in
      var next = tensors[...]
      let outputs = try function(repeat try refilled(each arguments, from: &next))
      template = outputs
      var results: [Tensor] = []
      for output in repeat each outputs {
        let leaves = try tensorLeaves(of: output)
        counts.append(leaves.count)
        results += leaves
      }
      return results
    }
    guard let template else { throw TensorError(.runtime, "vmap", "the function returned nothing") }
    if let outAxes, outAxes.count != counts.count {
      throw TensorError.value("vmap", "outAxes has \(outAxes.count) axes for \(counts.count) results")
    }
    var placed: [Tensor] = []
    for (k, count) in counts.enumerated() {
      let wanted = outAxes.map { $0[k] } ?? 0
      for batch in results[placed.count..<(placed.count + count)] {
        guard let wanted else {
          guard batch.axis == nil else {
            throw TensorError.value("vmap", "result \(k) differs between the examples, outAxes says that it doesn't")
          }
          placed.append(batch.tensor)
          continue
        }
        let leading = batch.leading(size)
        guard let axis = leading.shape.normalizedAxis(wanted) else {
          throw TensorError.value("vmap", "outAxes: result \(k) of shape \(leading.shape) has no axis \(wanted)")
        }
        placed.append(leading.moveAxis(from: 0, to: axis))
      }
    }
    var next = placed[...]
    return (repeat try refilled(each template, from: &next))
  }
}

/// A function of one example, for a batch of them: the batch's axis is gone inside.
///
/// The function is called once; what it does is done for all examples together, so nothing is looped over.
///
/// - Parameters:
///   - inAxes: for each argument the axis of its leaves that runs over the examples, `nil` for an argument that all
///     examples share; axis 0 of every argument without it.
///   - outAxes: for each result where the examples shall lie, `nil` for a result that doesn't differ between them; axis
///     0 of every result without it.
///   - function: from trees to trees.
/// - Returns: a function that throws what `function` throws; `TensorError` where sizes differ, an axis isn't there, a
///   result that should be shared differs, or an operation has no rule for batches.
@_disfavoredOverload  // Forms with few arguments stand first.
public func vmap<each I: Tree, each O: Tree>(
  inAxes: [Int?]? = nil, outAxes: [Int?]? = nil, _ function: @escaping (repeat each I) throws -> (repeat each O)
) -> (repeat each I) throws -> (repeat each O) {
  mapped(inAxes, outAxes, function)
}

/// A function of one example, for a batch of them; see the form with several arguments and results.
///
/// - Parameters:
///   - inAxis: the axis of the argument's leaves that runs over the examples.
///   - outAxis: where the examples of the result shall lie.
///   - function: from a tree to a tree.
public func vmap<I: Tree, O: Tree>(
  inAxis: Int = 0, outAxis: Int = 0, _ function: @escaping (I) throws -> O
) -> (I) throws -> O {
  mapped([inAxis], [outAxis], function)
}

// The compiler can't see through the general form in `vmap(f)(x, y)`; these it can.

/// A function of one example, for a batch of them; see the general form.
public func vmap<A: Tree, B: Tree, O: Tree>(
  inAxes: [Int?]? = nil, outAxes: [Int?]? = nil, _ function: @escaping (A, B) throws -> O
) -> (A, B) throws -> O {
  mapped(inAxes, outAxes, function)
}

/// A function of one example, for a batch of them; see the general form.
public func vmap<A: Tree, B: Tree, C: Tree, O: Tree>(
  inAxes: [Int?]? = nil, outAxes: [Int?]? = nil, _ function: @escaping (A, B, C) throws -> O
) -> (A, B, C) throws -> O {
  mapped(inAxes, outAxes, function)
}

/// A function of one example, for a batch of them; see the general form.
public func vmap<A: Tree, O: Tree, P: Tree>(
  inAxes: [Int?]? = nil, outAxes: [Int?]? = nil, _ function: @escaping (A) throws -> (O, P)
) -> (A) throws -> (O, P) {
  mapped(inAxes, outAxes, function)
}

/// A function of one example, for a batch of them; see the general form.
public func vmap<A: Tree, B: Tree, O: Tree, P: Tree>(
  inAxes: [Int?]? = nil, outAxes: [Int?]? = nil, _ function: @escaping (A, B) throws -> (O, P)
) -> (A, B) throws -> (O, P) {
  mapped(inAxes, outAxes, function)
}
