/// The derivative of a region's results by its arguments, built inside of two scopes: what depends on the outer one
/// alone can be computed with the region itself; the inner one has the cotangents.
///
/// Loops and branches cut it there: what crosses the cut is computed forwards and kept.
struct RegionPullback {
  let outer: Region.Scope
  let inner: Region.Scope
  /// The region's results.
  let outputs: [Tensor]
  /// What comes of the cotangents.
  let results: [Tensor]
  /// Values of the outer scope that `results` need, first.
  let residuals: [Tensor]
  /// Values from outside of both that `results` need.
  let invariants: [Tensor]

  /// - Parameters:
  ///   - region: its first arguments become placeholders of the outer scope.
  ///   - shared: its last arguments, which come from outside.
  ///   - active: arguments by which to differentiate.
  ///   - seeds: results that have a cotangent: the first placeholders of the inner scope.
  ///   - extra: types of the inner scope's other placeholders.
  ///   - finish: from cotangents of the active arguments, and the extra placeholders, to what the caller wants.
  init(
    _ region: Region, shared: [Tensor], active: [Int], seeds: [Int], extra: [TensorType] = [],
    finish: (_ cotangents: [Tensor], _ extra: [Tensor]) -> [Tensor] = { cotangents, _ in cotangents }
  ) throws {
    let types = region.argumentTypes
    let outer = Region.Scope(Array(types.dropLast(shared.count)))
    let inner = Region.Scope(seeds.map { region.resultTypes[$0] } + extra)
    (self.outer, self.inner) = (outer, inner)
    var arguments = outer.placeholders + shared
    for i in active { arguments[i] = Tensor.apply1(Marker(), [arguments[i]]) }
    let outputs = try region(arguments)
    let given = zip(seeds, inner.placeholders).map { (outputs[$0], $1) }
    let cotangents = try taping { try pullback(given, to: active.map { arguments[$0] }) }
    let results = finish(cotangents, Array(inner.placeholders.dropFirst(seeds.count)))
    for result in results { if let failure = result.failure { throw failure } }
    (self.outputs, self.results) = (outputs, results)
    let captured = try Graph.lock.withLock {
      try inner.captures(
        results, parameters: inner.placeholders, inside: { RegionPullback.isInside($0, outer, inner) }
      ).captured
    }
    residuals = captured.filter { $0.node.scope >= outer.number }.map { Tensor($0) }
    invariants = captured.filter { $0.node.scope < outer.number }.map { Tensor($0) }
  }

  /// What moves nothing is done again rather than kept.
  private static func isInside(_ node: Node, _ outer: Region.Scope, _ inner: Region.Scope) -> Bool {
    if inner.contains(node, .dependent) { return true }
    guard outer.contains(node, .dependent) else { return false }
    return switch node.primitive {
    case is BroadcastInDim, is Reshape, is Transpose, is Marker, is StopGradient: true
    default: false
    }
  }

  /// The region with further results.
  func forward(keeping kept: [Tensor], parameters: [Tensor]) throws -> (region: Region, captured: [Tensor]) {
    try outer.close(outputs + kept, parameters: parameters)
  }

  /// From the parameters to `results`.
  ///
  /// - Parameter parameters: the inner scope's placeholders, residuals and invariants, in any order.
  func backward(parameters: [Tensor]) throws -> Region {
    let (outer, inner) = (outer, inner)
    return try inner.close(results, parameters: parameters) { RegionPullback.isInside($0, outer, inner) }.region
  }
}

extension Region {
  /// The region for a batch of examples, which lie along axis 0.
  ///
  /// - Parameters:
  ///   - isBatched: which arguments differ between the examples.
  ///   - forced: results that shall have an axis of examples in any case.
  /// - Returns: the region, whose further arguments are captured; and which results have the axis.
  func batched(
    _ isBatched: [Bool], size: Int, forced: [Bool]
  ) throws -> (region: Region, captured: [Tensor], isBatched: [Bool]) {
    let types = zip(argumentTypes, isBatched).map { $1 ? $0.with(shape: [size] + $0.shape) : $0 }
    var flags: [Bool] = []
    let (region, captured) = try Region.trace(types) { arguments in
      let given = zip(arguments, isBatched).map { Batched(tensor: $0, axis: $1 ? 0 : nil) }
      let results = try program.batched(given, size: size)
      flags = zip(results, forced).map { $0.axis != nil || $1 }
      return zip(results, flags).map { $1 ? $0.leading(size) : $0.tensor }
    }
    return (region, captured, flags)
  }
}
