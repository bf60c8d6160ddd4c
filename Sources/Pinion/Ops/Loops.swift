/// A loop of known length over the leading axis of sequences, with values carried from step to step.
///
/// Inputs: carried values, sequences, values that all steps share. Results: carried values after the last step, then
/// the results of all steps, stacked. The body takes (carried, one element of each sequence, shared) and returns
/// (carried, results of the step).
struct Scan: Primitive {
  let body: Region
  let length: Int
  let carried: Int
  let sequences: Int
  /// From the last element to the first.
  let reverse: Bool

  private var results: Int { body.resultTypes.count - carried }

  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    let expected = body.argumentTypes.enumerated().map { i, type in
      i >= carried && i < carried + sequences ? type.with(shape: [length] + type.shape) : type
    }
    guard inputs == expected else {
      throw TensorError.shape(name, "operands are \(inputs), the body takes \(expected)")
    }
    let outputs = body.resultTypes
    for k in 0..<carried where outputs[k] != inputs[k] {
      throw TensorError.shape(
        name, "carried value \(k) is \(inputs[k]) before a step and \(outputs[k]) after; both must agree")
    }
    return outputs.enumerated().map { $0 < carried ? $1 : $1.with(shape: [length] + $1.shape) }
  }

  func multiplyAdds(_ inputs: [TensorType]) -> Int { length * body.multiplyAdds }

  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    let types = try resultTypes(operands.map(\.type))
    // A value that several results are is stacked once.
    var (places, stacks) = ([ValueID: Int](), [Int]())
    let stackOf = body.program.outputs.indices.dropFirst(carried).map { k in
      let place = places[ValueID(body.program.outputs[k])] ?? stacks.count
      if place == stacks.count { stacks.append(k) }
      places[ValueID(body.program.outputs[k])] = place
      return place
    }
    let stacked = stacks.map { printer.splat(types[$0].dtype.zeroLiteral, types[$0]) }
    if length == 0 { return Array(operands[..<carried]) + stackOf.map { stacked[$0] } }
    let counter = TensorType(.int32, [])
    let zero = printer.constant("0", counter)
    let start = [zero] + operands + stacked
    let carriedTypes = start.map(\.type)
    let condition = printer.block(carriedTypes) { printer, arguments in
      let end = printer.constant("\(length)", counter)
      return [printer.compare("LT", arguments[0], end, "SIGNED")]
    }
    let loop = try printer.block(carriedTypes) { printer, arguments in
      let inputs = arguments[1..<(1 + operands.count)].map { $0 }
      let one = printer.constant("1", counter)
      var place = arguments[0]
      if reverse {
        let last = printer.constant("\(length - 1)", counter)
        place = printer.emit("stablehlo.subtract", [last, place], counter)
      }
      let first = printer.constant("0", counter)
      let elements = inputs[carried..<(carried + sequences)].map { sequence in
        let shape = Array(sequence.type.shape.dropFirst())
        let row = printer.emit(
          "stablehlo.dynamic_slice", [sequence, place] + shape.map { _ in first },
          sequence.type.with(shape: [1] + shape), attributes: "slice_sizes = \(printer.i64Array([1] + shape))")
        return printer.emit("stablehlo.reshape", [row], sequence.type.with(shape: shape))
      }
      let outputs = try body.program.lower(
        Array(inputs[..<carried]) + elements + Array(inputs[(carried + sequences)...]), into: &printer)
      let written = zip(stacks.map { outputs[$0] }, arguments[(1 + operands.count)...]).map { result, whole in
        let row = printer.emit("stablehlo.reshape", [result], result.type.with(shape: [1] + result.type.shape))
        return printer.emit(
          "stablehlo.dynamic_update_slice", [whole, row, place] + result.type.shape.map { _ in first }, whole.type)
      }
      let next = printer.emit("stablehlo.add", [arguments[0], one], counter)
      return [next] + outputs[..<carried] + inputs[carried...] + written
    }
    let end = printer.emit("stablehlo.while", start, regions: [condition, loop], results: carriedTypes)
    return Array(end[1..<(1 + carried)]) + stackOf.map { end[1 + operands.count + $0] }
  }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    var flags = axes.map { $0 != nil }
    // A carried value that differs after a step differs before the next one.
    var (region, captured, outputs) = try body.batched(flags, size: size, forced: forced(flags))
    while (0..<carried).contains(where: { outputs[$0] && !flags[$0] }) {
      for k in 0..<carried { flags[k] = outputs[k] }
      (region, captured, outputs) = try body.batched(flags, size: size, forced: forced(flags))
    }
    let operands = inputs.indices.map { i -> Tensor in
      let batch = Batched(tensor: inputs[i], axis: axes[i])
      guard flags[i] else { return inputs[i] }
      let isSequence = i >= carried && i < carried + sequences
      return isSequence ? batch.leading(size).moveAxis(from: 0, to: 1) : batch.leading(size)
    }
    let scan = Scan(body: region, length: length, carried: carried, sequences: sequences, reverse: reverse)
    let results = Tensor.apply(scan, operands + captured, resultCount: outputs.count)
    return (results, outputs.enumerated().map { $1 ? $0 < carried ? 0 : 1 : nil })
  }

  private func forced(_ flags: [Bool]) -> [Bool] { body.resultTypes.indices.map { $0 < carried && flags[$0] } }

  /// A loop in the other direction. The forward loop's node makes way for one that also keeps what this one needs, so
  /// that the forward loop still runs once.
  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    let types = body.argumentTypes
    let shared = Array(context.inputs[(carried + sequences)...])
    let carries = (0..<carried).filter { types[$0].dtype.isDifferentiable }
    let elements = (carried..<(carried + sequences)).filter { context.needs[$0] }
    let weights = ((carried + sequences)..<types.count).filter { context.needs[$0] }
    let steps = (carried..<(carried + results)).filter {
      context.cotangents[$0] != nil && body.resultTypes[$0].dtype.isDifferentiable
    }
    var sums: [SumOverSteps?] = []
    var stacked: [Tensor] = []
    let pullback = try RegionPullback(
      body, shared: shared, active: carries + elements + weights, seeds: carries + steps,
      given: carried..<(carried + sequences), extra: weights.map { types[$0] }
    ) { cotangents, before, scopes in
      let ofWeights = Array(cotangents[(carries.count + elements.count)...])
      sums =
        length == 0
        ? ofWeights.map { _ in nil }
        : SumOverSteps.plan(ofWeights, outermost: scopes.outer, innermost: scopes.inner)
      var seen: Set<ValueID> = []
      let operands = sums.flatMap { $0?.operands ?? [] }.filter { seen.insert(ValueID($0.value)).inserted }
      stacked = operands.filter { SumOverSteps.isStacked($0, scopes.inner) }
      let carriedSums = ofWeights.indices.filter { sums[$0] == nil }.map { before[$0] + ofWeights[$0] }
      return (
        cotangents[..<carries.count] + carriedSums + cotangents[carries.count..<(carries.count + elements.count)]
          + stacked, operands.filter { !SumOverSteps.isStacked($0, scopes.inner) }
      )
    }
    let places = Dictionary(
      zip(pullback.outer.placeholders[carried...].map { ValueID($0.value) }, carried...),
      uniquingKeysWith: { a, _ in a })
    let again = pullback.residuals.filter { places[ValueID($0.value)] != nil }
    let kept = pullback.residuals.filter { places[ValueID($0.value)] == nil }

    var stacks: [Tensor] = []
    if !kept.isEmpty {
      let (region, captured) = try pullback.forward(keeping: kept, parameters: pullback.outer.placeholders)
      let forward = Tensor.apply(
        Scan(body: region, length: length, carried: carried, sequences: sequences, reverse: reverse),
        Array(context.inputs[..<(carried + sequences)]) + captured, resultCount: carried + results + kept.count)
      if let failure = forward.first?.failure { throw failure }
      context.outputs[0].node.forward(to: forward[0].node)
      stacks = Array(forward[(carried + results)...])
    }

    let cotangents = pullback.inner.placeholders
    let (ofCarries, ofSteps) = (cotangents[..<carries.count], cotangents[carries.count..<(carries.count + steps.count)])
    let summed = weights.indices.filter { sums[$0] == nil }
    let ofSums = summed.map { cotangents[carries.count + steps.count + $0] }
    let region = try pullback.backward(
      parameters: ofCarries + ofSums + ofSteps + kept + again + pullback.invariants)
    let start =
      carries.map { context.cotangents[$0] ?? Tensor.zeros(like: context.outputs[$0]) }
      + summed.map { Tensor.zeros(like: context.inputs[weights[$0]]) }
    let sequence =
      steps.compactMap { context.cotangents[$0] } + stacks
      + again.map { context.inputs[places[ValueID($0.value)] ?? 0] }
    let backward = Tensor.apply(
      Scan(body: region, length: length, carried: start.count, sequences: sequence.count, reverse: !reverse),
      start + sequence + pullback.invariants, resultCount: start.count + elements.count + stacked.count)
    var gradients = [Tensor?](repeating: nil, count: types.count)
    for (i, gradient) in zip(carries + summed.map { weights[$0] } + elements, backward) { gradients[i] = gradient }
    let values = Dictionary(
      zip(
        (kept + again + stacked).map { ValueID($0.value) },
        sequence[steps.count...] + backward[(start.count + elements.count)...]), uniquingKeysWith: { a, _ in a })
    for (weight, sum) in zip(weights, sums) {
      gradients[weight] =
        try sum?({ try values[ValueID($0.value)] ?? { throw TensorError.leak }() }) ?? gradients[weight]
    }
    return gradients
  }
}

/// A loop for as long as a condition holds.
///
/// Inputs: carried values, what the condition shares with outside, what the body does. Results: the carried values at
/// the end.
struct While: Primitive {
  let condition: Region
  let body: Region
  let carried: Int
  var name: String { "whileLoop" }

  private var conditionShared: Int { condition.argumentTypes.count - carried }

  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    let start = Array(inputs.prefix(carried))
    guard inputs == condition.argumentTypes + body.argumentTypes[carried...], body.argumentTypes.starts(with: start)
    else { throw TensorError.shape(name, "operands are \(inputs), the body takes \(body.argumentTypes)") }
    guard condition.resultTypes == [TensorType(.bool, [])] else {
      throw TensorError.shape(name, "the condition is \(condition.resultTypes), expected one bool")
    }
    for (k, type) in body.resultTypes.enumerated() where type != inputs[k] {
      throw TensorError.shape(
        name, "carried value \(k) is \(inputs[k]) before a step and \(type) after; both must agree")
    }
    return start
  }

  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    let types = operands.map(\.type)
    let test = try printer.block(types) { printer, arguments in
      try condition.program.lower(Array(arguments[..<(carried + conditionShared)]), into: &printer)
    }
    let loop = try printer.block(types) { printer, arguments in
      let shared = arguments[(carried + conditionShared)...]
      return try body.program.lower(Array(arguments[..<carried]) + shared, into: &printer) + arguments[carried...]
    }
    return Array(
      printer.emit("stablehlo.while", operands, regions: [test, loop], results: types)[..<carried])
  }

  /// Examples whose condition no longer holds keep their values until all are done.
  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    let ofTest = carried..<(carried + conditionShared)
    var flags = axes.map { $0 != nil }
    while true {
      let now = flags
      let test = try condition.batched(Array(flags[..<ofTest.upperBound]), size: size, forced: [false])
      if test.isBatched[0] { for k in 0..<carried { flags[k] = true } }
      let step = try body.batched(
        Array(flags[..<carried] + flags[ofTest.upperBound...]), size: size, forced: Array(flags[..<carried]))
      for k in 0..<carried where step.isBatched[k] { flags[k] = true }
      if flags != now { continue }
      let operands = inputs.indices.map { i in
        flags[i] ? Batched(tensor: inputs[i], axis: axes[i]).leading(size) : inputs[i]
      }
      let (start, testShared) = (Array(operands[..<carried]), Array(operands[ofTest]) + test.captured)
      let shared = Array(operands[ofTest.upperBound...]) + step.captured
      guard test.isBatched[0] else {
        let results = Tensor.apply(
          While(condition: test.region, body: step.region, carried: carried), start + testShared + shared,
          resultCount: carried)
        return (results, flags[..<carried].map { $0 ? 0 : nil })
      }
      let (any, anyShared) = try Region.trace(start.map(\.type)) { values in
        [try test.region(values + testShared)[0].any()]
      }
      let (body, bodyShared) = try Region.trace(start.map(\.type)) { values in
        let goesOn = try test.region(values + testShared)[0]
        return zip(try step.region(values + shared), values).map { new, old in
          select(goesOn.reshape([size] + old.shape.dropFirst().map { _ in 1 }), new, old)
        }
      }
      let results = Tensor.apply(
        While(condition: any, body: body, carried: carried), start + anyShared + bodyShared, resultCount: carried)
      return (results, results.map { _ in 0 })
    }
  }

  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    throw TensorError.unsupported(
      name, "has no derivative, as what its steps computed isn't kept; give maxSteps: for one that has, or use scan")
  }
}

extension Region {
  /// Multiplications that one call adds up.
  var multiplyAdds: Int {
    program.nodes.reduce(0) { $0 + $1.primitive.multiplyAdds($1.inputs.map(\.type)) }
  }
}
