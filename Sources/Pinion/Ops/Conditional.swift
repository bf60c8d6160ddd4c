/// One of several branches, by number; numbers outside of the range take the last.
///
/// Inputs: the number (an int32 scalar), then what the branches take; each takes all of it.
struct Case: Primitive {
  let branches: [Region]
  var name: String { "cond" }

  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    guard let first = branches.first, inputs.first == TensorType(.int32, []) else {
      throw TensorError.shape(name, "takes the number of a branch, an int32 scalar, got \(inputs)")
    }
    for (k, branch) in branches.enumerated() {
      guard branch.argumentTypes == Array(inputs.dropFirst()) else {
        throw TensorError.shape(name, "operands are \(inputs.dropFirst()), branch \(k) takes \(branch.argumentTypes)")
      }
      guard branch.resultTypes == first.resultTypes else {
        throw TensorError.shape(
          name, "branches differ: branch 0 gives \(first.resultTypes), branch \(k) gives \(branch.resultTypes)")
      }
    }
    return first.resultTypes
  }

  func multiplyAdds(_ inputs: [TensorType]) -> Int { branches.map(\.multiplyAdds).max() ?? 0 }

  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    let types = try resultTypes(operands.map(\.type))
    let regions = try branches.map { branch in
      try printer.block([]) { printer, _ in
        try branch.program.lower(Array(operands.dropFirst()), into: &printer)
      }
    }
    return printer.emit("stablehlo.case", [operands[0]], regions: regions, results: types)
  }

  /// With one number for all examples one branch is taken; else all are, and each example keeps its own.
  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    let operands = zip(inputs, axes).dropFirst().map { input, axis in
      axis == nil ? input : Batched(tensor: input, axis: axis).leading(size)
    }
    let flags = axes.dropFirst().map { $0 != nil }
    let count = branches[0].resultTypes.count
    guard axes[0] == nil else {
      let last = Double(branches.count - 1)
      let numbers = inputs[0].clamp(min: 0, max: last)
      let outOfRange = (inputs[0] .< 0) .|| (inputs[0] .> last)
      let place = select(outOfRange, numbers.constant(last), numbers)
      var results: [Tensor] = []
      for (k, branch) in branches.enumerated() {
        let given = zip(operands, flags).map { Batched(tensor: $0, axis: $1 ? 0 : nil) }
        let these = try branch.program.batched(given, size: size).map { $0.leading(size) }
        results =
          k == 0
          ? these
          : zip(results, these).map { old, new in
            select((place .== Double(k)).reshape([size] + new.shape.dropFirst().map { _ in 1 }), new, old)
          }
      }
      return (results, results.map { _ in 0 })
    }
    let nothing = [Bool](repeating: false, count: count)
    let first = try branches.map { try $0.batched(flags, size: size, forced: nothing) }
    let forced = first.reduce(nothing) { all, part in zip(all, part.isBatched).map { $0 || $1 } }
    // A branch whose results the examples share has to repeat those that differ in another.
    let parts = try zip(branches, first).map { branch, part in
      part.isBatched == forced ? part : try branch.batched(flags, size: size, forced: forced)
    }
    let (regions, captured) = try Case.sharing(parts.map { ($0.region, $0.captured) }, leading: operands.count)
    let results = Tensor.apply(Case(branches: regions), [inputs[0]] + operands + captured, resultCount: count)
    return (results, forced.map { $0 ? 0 : nil })
  }

  /// Branches that take all that any of them captures, each once.
  ///
  /// - Parameter leading: number of arguments before what is captured, the same in all.
  static func sharing(
    _ parts: [(region: Region, captured: [Tensor])], leading: Int = 0
  ) throws -> ([Region], [Tensor]) {
    var all: [Tensor] = []
    var places: [ValueID: Int] = [:]
    for tensor in parts.flatMap(\.captured) where places[ValueID(tensor.value)] == nil {
      places[ValueID(tensor.value)] = all.count
      all.append(tensor)
    }
    let types = (parts.first?.region.argumentTypes.prefix(leading)).map(Array.init) ?? []
    let regions = try parts.map { part in
      try Region.trace(types + all.map(\.type), .made) { arguments in
        let own = part.captured.compactMap { places[ValueID($0.value)].map { arguments[leading + $0] } }
        return try part.region(Array(arguments[..<leading]) + own)
      }.region
    }
    return (regions, all)
  }

  /// The branch taken, again, with cotangents. What it needs of the first time is kept by a node that takes the place
  /// of the first; other branches keep zeros in its stead.
  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    let operands = Array(context.inputs.dropFirst())
    let active = operands.indices.filter { context.needs[$0 + 1] }
    let seeds = branches[0].resultTypes.indices.filter {
      context.cotangents[$0] != nil && branches[0].resultTypes[$0].dtype.isDifferentiable
    }
    let pullbacks = try branches.map {
      try RegionPullback($0, shared: [], active: active, seeds: seeds, given: operands.indices)
    }
    func isArgument(_ value: Tensor, _ pullback: RegionPullback) -> Bool {
      pullback.outer.placeholders.contains { ValueID($0.value) == ValueID(value.value) }
    }
    let kept = pullbacks.map { pullback in pullback.residuals.filter { !isArgument($0, pullback) } }
    let keptTypes = kept.map { $0.map(\.type) }

    var stored: [Tensor] = []
    if kept.contains(where: { !$0.isEmpty }) {
      let parts = try pullbacks.indices.map { k in
        let values = keptTypes.indices.flatMap { j in
          j == k ? kept[k] : keptTypes[j].map { Tensor.zeros($0.shape, dtype: $0.dtype) }
        }
        return try pullbacks[k].forward(keeping: values, parameters: pullbacks[k].outer.placeholders)
      }
      let (regions, captured) = try Case.sharing(parts, leading: operands.count)
      let forward = Tensor.apply(
        Case(branches: regions), context.inputs + captured,
        resultCount: context.outputs.count + keptTypes.joined().count)
      if let failure = forward.first?.failure { throw failure }
      context.outputs[0].node.forward(to: forward[0].node)
      stored = Array(forward[context.outputs.count...])
    }

    let cotangents = seeds.compactMap { context.cotangents[$0] }
    var start = 0
    let parts = try pullbacks.indices.map { k in
      let (pullback, placeholders) = (pullbacks[k], pullbacks[k].outer.placeholders)
      let region = try pullback.backward(
        parameters: pullback.inner.placeholders + placeholders + kept[k] + pullback.invariants)
      let own = stored.isEmpty ? [] : Array(stored[start..<(start + kept[k].count)])
      start += kept[k].count
      return (region: region, captured: own + pullback.invariants)
    }
    let (regions, captured) = try Case.sharing(parts, leading: cotangents.count + operands.count)
    let results = Tensor.apply(
      Case(branches: regions), [context.inputs[0]] + cotangents + operands + captured, resultCount: active.count)
    var gradients = [Tensor?](repeating: nil, count: context.inputs.count)
    for (i, gradient) in zip(active, results) { gradients[i + 1] = gradient }
    return gradients
  }
}

/// A function whose inner values aren't kept for the derivative: it's computed again there.
struct Checkpoint: Primitive {
  let body: Region

  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    guard inputs == body.argumentTypes else {
      throw TensorError.shape(name, "operands are \(inputs), the function takes \(body.argumentTypes)")
    }
    return body.resultTypes
  }

  func multiplyAdds(_ inputs: [TensorType]) -> Int { body.multiplyAdds }

  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    try body.program.lower(operands, into: &printer)
  }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    let operands = zip(inputs, axes).map { $1 == nil ? $0 : Batched(tensor: $0, axis: $1).leading(size) }
    let (region, captured, flags) = try body.batched(
      axes.map { $0 != nil }, size: size, forced: body.resultTypes.map { _ in false })
    let results = Tensor.apply(Checkpoint(body: region), operands + captured, resultCount: flags.count)
    return (results, flags.map { $0 ? 0 : nil })
  }

  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    let active = context.inputs.indices.filter { context.needs[$0] }
    let given = context.cotangents.indices.filter { context.cotangents[$0] != nil }
    // The barrier keeps XLA from finding the first computation again, and from starting before the cotangents are there.
    let barrier = Tensor.apply(
      OptimizationBarrier(), context.inputs + given.compactMap { context.cotangents[$0] },
      resultCount: context.inputs.count + given.count)
    var inputs = Array(barrier[..<context.inputs.count])
    for i in active { inputs[i] = Tensor.apply1(Marker(), [inputs[i]]) }
    let outputs = try body(inputs)
    let cotangents = zip(given, barrier[context.inputs.count...]).map { (outputs[$0], $1) }
    let results = try taping { try pullback(cotangents, to: active.map { inputs[$0] }) }
    var gradients = [Tensor?](repeating: nil, count: context.inputs.count)
    for (i, gradient) in zip(active, results) { gradients[i] = gradient }
    return gradients
  }
}
