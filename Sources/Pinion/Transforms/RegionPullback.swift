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
  /// Values of the outer scope that `results` need, and those that shall be kept.
  let residuals: [Tensor]
  /// Values from outside of both that `results` need.
  let invariants: [Tensor]
  /// Nodes of the outer scope whose work is done again rather than its results kept.
  private let again: Set<ObjectIdentifier>

  /// - Parameters:
  ///   - region: its first arguments become placeholders of the outer scope.
  ///   - shared: its last arguments, which come from outside.
  ///   - active: arguments by which to differentiate.
  ///   - seeds: results that have a cotangent: the first placeholders of the inner scope.
  ///   - given: arguments that are there backwards too, without being kept.
  ///   - extra: types of the inner scope's other placeholders.
  ///   - finish: from cotangents of the active arguments, and the extra placeholders, to what the caller wants, and
  ///     values of the outer scope that it wants kept.
  init(
    _ region: Region, shared: [Tensor], active: [Int], seeds: [Int], given: Range<Int>, extra: [TensorType] = [],
    finish: (_ cotangents: [Tensor], _ extra: [Tensor], _ scopes: (outer: Int, inner: Int)) -> (
      results: [Tensor], kept: [Tensor]
    ) = { cotangents, _, _ in (cotangents, []) }
  ) throws {
    let types = region.argumentTypes
    let outer = Region.Scope(Array(types.dropLast(shared.count)))
    let inner = Region.Scope(seeds.map { region.resultTypes[$0] } + extra)
    (self.outer, self.inner) = (outer, inner)
    var arguments = outer.placeholders + shared
    for i in active { arguments[i] = Tensor.apply1(Marker(), [arguments[i]]) }
    let outputs = try region(arguments)
    let seeded = zip(seeds, inner.placeholders).map { (outputs[$0], $1) }
    let cotangents = try taping { try pullback(seeded, to: active.map { arguments[$0] }) }
    let (results, kept) = finish(
      cotangents, Array(inner.placeholders.dropFirst(seeds.count)), (outer.number, inner.number))
    for result in results { if let failure = result.failure { throw failure } }
    (self.outputs, self.results) = (outputs, results)
    let free = Set(outer.placeholders[given].map { ValueID($0.value) })
    let (captured, again) = try Graph.lock.withLock {
      let first = try RegionPullback.captures(results + kept, outer, inner, [])
      let again = RegionPullback.doneAgain(first, outer, free: free, pinned: Set(kept.map { ValueID($0.value) }))
      let captured = again.isEmpty ? first : try RegionPullback.captures(results + kept, outer, inner, again)
      return (captured, again)
    }
    self.again = again
    residuals = captured.filter { $0.node.scope >= outer.number }.map { Tensor($0) }
    invariants = captured.filter { $0.node.scope < outer.number }.map { Tensor($0) }
  }

  private static func captures(
    _ results: [Tensor], _ outer: Region.Scope, _ inner: Region.Scope, _ again: Set<ObjectIdentifier>
  ) throws -> [Value] {
    try inner.captures(results, parameters: inner.placeholders) { isInside($0, outer, inner, again) }.captured
  }

  private static func isInside(
    _ node: Node, _ outer: Region.Scope, _ inner: Region.Scope, _ again: Set<ObjectIdentifier>
  ) -> Bool {
    inner.contains(node, .dependent)
      || outer.contains(node, .dependent) && (isMove(node) || again.contains(ObjectIdentifier(node)))
  }

  /// What moves nothing is done again rather than kept.
  static func isMove(_ node: Node) -> Bool {
    switch node.primitive {
    case is BroadcastInDim, is Reshape, is Transpose, is Marker, is StopGradient: true
    default: false
    }
  }

  /// Work that fuses into what uses it and costs less than reading its result.
  private static func isCheap(_ node: Node) -> Bool {
    switch node.primitive {
    case let unary as Unary: [.negate, .abs, .not].contains(unary.kind)
    case let binary as Binary: [.add, .subtract, .multiply, .maximum, .minimum, .and, .or].contains(binary.kind)
    case is Select, is Compare, is Convert, is Slice, is Split: true
    default: false
    }
  }

  /// Nodes that can be done again from no more memory than what they give, as the rest is kept or given anyway: 1 - z
  /// beside z; the gates of an LSTM beside the one tanh that they are parts of.
  ///
  /// - Parameters:
  ///   - captured: what would be kept without them.
  ///   - free: arguments that are there in any case.
  ///   - pinned: what stays kept.
  private static func doneAgain(
    _ captured: [Value], _ outer: Region.Scope, free: Set<ValueID>, pinned: Set<ValueID>
  ) -> Set<ObjectIdentifier> {
    var again: Set<ObjectIdentifier> = []
    var kept = captured.filter { outer.contains($0.node, .dependent) }
    var known = Set(captured.map { ValueID($0) }).union(free)
    func isFree(_ node: Node) -> Bool {
      isCheap(node) && !node.types.indices.contains { pinned.contains(ValueID(node, $0)) }
    }
    /// What a value is made of that isn't there, and the work between; through at most so much cheap work.
    func sources(of value: Value, through limit: Int) -> (values: [Value], work: [Node]) {
      var (open, seen, values, work) = (value.node.inputs, Set<ValueID>(), [Value](), [value.node])
      while let source = open.popLast() {
        guard source.node.scope >= outer.number, seen.insert(ValueID(source)).inserted else { continue }
        if isMove(source.node) || again.contains(ObjectIdentifier(source.node)) {
          open += source.node.inputs
        } else if !known.contains(ValueID(source)) {
          if work.count <= limit, isFree(source.node) {
            work.append(source.node)
            open += source.node.inputs
          } else {
            values.append(source)
          }
        }
      }
      return (values, work)
    }
    var goesOn = true
    while goesOn {
      goesOn = false
      for value in kept where isFree(value.node) && known.contains(ValueID(value)) {
        let found = [4, 0].lazy.map { sources(of: value, through: $0) }.first {
          $0.values.reduce(0) { $0 + $1.type.byteCount } <= value.type.byteCount
        }
        guard let found else { continue }
        again.formUnion(found.work.map { ObjectIdentifier($0) })
        known.remove(ValueID(value))
        known.formUnion(found.values.map { ValueID($0) })
        kept += found.values
        goesOn = true
      }
    }
    return again
  }

  /// The region with further results.
  func forward(keeping kept: [Tensor], parameters: [Tensor]) throws -> (region: Region, captured: [Tensor]) {
    try outer.close(outputs + kept, parameters: parameters)
  }

  /// From the parameters to `results`.
  ///
  /// - Parameter parameters: the inner scope's placeholders, residuals and invariants, in any order.
  func backward(parameters: [Tensor]) throws -> Region {
    let (outer, inner, again) = (outer, inner, again)
    return try inner.close(results, parameters: parameters) {
      RegionPullback.isInside($0, outer, inner, again)
    }.region
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
