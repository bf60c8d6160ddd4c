/// A loop over the leading axis of a tree of tensors, with a value carried from step to step, as `lax.scan`.
///
/// It compiles to one loop whatever its length, and is differentiable. Work of the body that depends on neither the
/// carried value nor the element is done once, outside.
///
/// - Parameters:
///   - initial: the carried value before the first step.
///   - elements: tensors whose axis 0 the loop runs over; of one size.
///   - reverse: from the last element to the first; results lie at the places of their elements.
///   - body: from the carried value and one element to the next carried value, of the same types, and a result.
/// - Returns: the carried value after the last step, and the results of all steps, stacked along axis 0.
/// - Throws: what `body` throws; `TensorError` where sizes differ or a carried value changes its type.
public func scan<C: Tree, X: Tree, Y: Tree>(
  _ initial: C, over elements: X, reverse: Bool = false, _ body: (C, X) throws -> (C, Y)
) throws -> (carried: C, results: Y) {
  let list = try tensorLeaves(of: elements)
  for tensor in list { if let failure = tensor.failure { throw failure } }
  guard let length = list.first?.shape.first else {
    throw TensorError.shape("scan", "the elements are \(list.map(\.type)), which have no leading axis to loop over")
  }
  guard list.allSatisfy({ $0.shape.first == length }) else {
    throw TensorError.shape("scan", "leading axes differ: \(list.map(\.shape))")
  }
  return try scan(initial, elements, list, length: length, reverse: reverse, body)
}

/// A loop of a number of steps, with a value carried from step to step.
///
/// - Parameters:
///   - initial: the carried value before the first step.
///   - steps: how many.
///   - body: from the carried value and the number of the step (int32), from 0, to the next carried value, of the same
///     types, and a result.
/// - Returns: the carried value after the last step, and the results of all steps, stacked along axis 0.
/// - Throws: as `scan(_:over:)`.
public func scan<C: Tree, Y: Tree>(
  _ initial: C, steps: Int, _ body: (C, Tensor) throws -> (C, Y)
) throws -> (carried: C, results: Y) {
  guard steps >= 0 else { throw TensorError.value("scan", "the number of steps is \(steps)") }
  return try scan(initial, over: Tensor.iota([steps], axis: 0), body)
}

/// A loop of a number of steps, of which only the last carried value counts.
///
/// - Parameters:
///   - initial: the carried value before the first step.
///   - steps: how many.
///   - body: from the carried value and the number of the step (int32), from 0, to the next carried value.
/// - Throws: as `scan(_:over:)`.
public func forLoop<C: Tree>(_ initial: C, steps: Int, _ body: (C, Tensor) throws -> C) throws -> C {
  try scan(initial, steps: steps) { (try body($0, $1), [Tensor]()) }.carried
}

private func scan<C: Tree, X: Tree, Y: Tree>(
  _ initial: C, _ elements: X, _ sequences: [Tensor], length: Int, reverse: Bool, _ body: (C, X) throws -> (C, Y)
) throws -> (carried: C, results: Y) {
  let start = try tensorLeaves(of: initial)
  for tensor in start { if let failure = tensor.failure { throw failure } }
  let types = start.map(\.type) + sequences.map { $0.type.with(shape: Array($0.shape.dropFirst())) }
  let scope = Region.Scope(types)
  var next = scope.placeholders[...]
  let template = try body(refilled(initial, from: &next), refilled(elements, from: &next))
  let after = try tensorLeaves(of: template.0)
  try checkCarried("scan", start, after)
  let (region, operands, captured) = try scope.closeScan(
    after + tensorLeaves(of: template.1), over: sequences, length: length)
  let primitive = Scan(
    body: region, length: length, carried: start.count, sequences: operands.count, reverse: reverse)
  next = Tensor.apply(primitive, start + operands + captured, resultCount: region.resultTypes.count)[...]
  if let failure = next.first?.failure { throw failure }
  return (try refilled(template.0, from: &next), try refilled(template.1, from: &next))
}

/// What a body returns must be able to go in again.
private func checkCarried(_ name: String, _ before: [Tensor], _ after: [Tensor]) throws {
  for tensor in after { if let failure = tensor.failure { throw failure } }
  guard before.count == after.count else {
    throw TensorError.value(
      name, "the carried value has \(before.count) tensors before a step and \(after.count) after")
  }
  for (k, (old, new)) in zip(before, after).enumerated() where old.type != new.type {
    throw TensorError.shape(
      name, "carried tensor \(k) is \(old.type) before a step and \(new.type) after; both must agree")
  }
}

/// A function applied to each element of the leading axis, one after the other, as `lax.map`: slower than `vmap`, with
/// the memory of one element.
///
/// - Returns: results, stacked along axis 0.
/// - Throws: as `scan(_:over:)`.
public func sequentialMap<X: Tree, Y: Tree>(_ elements: X, _ body: (X) throws -> Y) throws -> Y {
  try scan([Tensor](), over: elements) { ($0, try body($1)) }.results
}

/// A loop for as long as a condition holds, as `lax.while_loop`. It has no derivative; see the form with `maxSteps`.
///
/// Under `vmap` it runs until the condition fails for all examples; those that are done keep their values.
///
/// - Parameters:
///   - initial: the carried value.
///   - condition: from the carried value to one boolean.
///   - body: from the carried value to the next one, of the same types.
/// - Throws: what the functions throw; `TensorError` where a carried value changes its type or the condition isn't one
///   boolean.
public func whileLoop<C: Tree>(
  _ initial: C, while condition: (C) throws -> Tensor, do body: (C) throws -> C
) throws -> C {
  let start = try tensorLeaves(of: initial)
  for tensor in start { if let failure = tensor.failure { throw failure } }
  let (test, testCaptured) = try Region.trace(start.map(\.type)) { placeholders in
    var next = placeholders[...]
    return [try checkedCondition("whileLoop", condition(refilled(initial, from: &next)))]
  }
  var template: C?
  let (step, stepCaptured) = try Region.trace(start.map(\.type)) { placeholders in
    var next = placeholders[...]
    let carried = try body(refilled(initial, from: &next))
    template = carried
    let after = try tensorLeaves(of: carried)
    try checkCarried("whileLoop", start, after)
    return after
  }
  let results = Tensor.apply(
    While(condition: test, body: step, carried: start.count), start + testCaptured + stepCaptured,
    resultCount: start.count)
  var next = results[...]
  if let failure = next.first?.failure { throw failure }
  return try refilled(template ?? initial, from: &next)
}

/// A loop for as long as a condition holds, but for no more than a number of steps; it is differentiable.
///
/// Compiled to a loop of `maxSteps` steps, of which those after the end do nothing.
///
/// - Parameters:
///   - initial: the carried value.
///   - maxSteps: after how many steps the loop ends in any case.
///   - condition: from the carried value to one boolean.
///   - body: from the carried value to the next one, of the same types.
/// - Throws: as the form without `maxSteps`.
public func whileLoop<C: Tree>(
  _ initial: C, maxSteps: Int, while condition: (C) throws -> Tensor, do body: (C) throws -> C
) throws -> C {
  try forLoop(initial, steps: maxSteps) { carried, _ in
    let goesOn = try checkedCondition("whileLoop", condition(carried))
    return try cond(goesOn, { try body(carried) }, else: { carried })
  }
}

private func checkedCondition(_ name: String, _ condition: Tensor) throws -> Tensor {
  if let failure = condition.failure { throw failure }
  guard condition.dtype == .bool, condition.count == 1 else {
    throw TensorError.shape(name, "the condition is \(condition.type), expected one boolean")
  }
  return condition.reshape([])
}

/// One of two branches, of which only the one taken runs, as `lax.cond`.
///
/// Branches use what they capture. Under `vmap` with conditions that differ, both run and each example keeps its own.
///
/// - Parameters:
///   - condition: one boolean.
///   - then: what to do where it holds.
///   - otherwise: what to do where not; its result has the same types.
/// - Throws: what the branches throw; `TensorError` where their results differ in type.
public func cond<O: Tree>(
  _ condition: Tensor, _ then: () throws -> O, else otherwise: () throws -> O
) throws -> O {
  let number = try checkedCondition("cond", condition).cast(.int32)
  return try withoutActuallyEscaping(then) { then in
    try withoutActuallyEscaping(otherwise) { otherwise in
      try branch("cond", number, [otherwise, then])
    }
  }
}

/// One of several branches by number, of which only that one runs, as `lax.switch`.
///
/// - Parameters:
///   - index: an integer scalar; numbers outside of the range are moved into it.
///   - branches: what to do; their results have the same types.
/// - Throws: what the branches throw; `TensorError` where their results differ in type.
public func switchCase<O: Tree>(_ index: Tensor, _ branches: [() throws -> O]) throws -> O {
  if let failure = index.failure { throw failure }
  guard index.dtype.isInteger, index.count == 1 else {
    throw TensorError.shape("switchCase", "the number of the branch is \(index.type), expected one integer")
  }
  guard !branches.isEmpty else { throw TensorError.value("switchCase", "there is no branch") }
  let number = index.reshape([]).clamp(min: 0, max: Double(branches.count - 1)).cast(.int32)
  return try branch("switchCase", number, branches)
}

private func branch<O: Tree>(_ name: String, _ number: Tensor, _ branches: [() throws -> O]) throws -> O {
  var template: O?
  let parts = try branches.map { function in
    try Region.trace([], .made) { _ in
      let output = try function()
      template = template ?? output
      return try tensorLeaves(of: output)
    }
  }
  guard let template else { throw TensorError(.runtime, name, "the branch returned nothing") }
  for part in parts where part.region.resultTypes != parts[0].region.resultTypes {
    throw TensorError.shape(
      name, "branches differ: one gives \(parts[0].region.resultTypes), another \(part.region.resultTypes)")
  }
  let (regions, shared) = try Case.sharing(parts)
  var next = Tensor.apply(Case(branches: regions), [number] + shared, resultCount: regions[0].resultTypes.count)[...]
  if let failure = next.first?.failure { throw failure }
  return try refilled(template, from: &next)
}

/// A function whose inner values aren't kept for the derivative but computed again, as `jax.checkpoint`: less memory for
/// more time.
///
/// - Parameters:
///   - argument: a tree; what `function` captures counts as arguments too.
///   - function: from trees to trees.
/// - Throws: what `function` throws.
public func checkpoint<I: Tree, O: Tree>(_ argument: I, _ function: (I) throws -> O) throws -> O {
  let inputs = try tensorLeaves(of: argument)
  for tensor in inputs { if let failure = tensor.failure { throw failure } }
  var template: O?
  let (region, captured) = try Region.trace(inputs.map(\.type), .made) { placeholders in
    var next = placeholders[...]
    let output = try function(refilled(argument, from: &next))
    template = output
    return try tensorLeaves(of: output)
  }
  guard let template else { throw TensorError(.runtime, "checkpoint", "the function returned nothing") }
  var next = Tensor.apply(Checkpoint(body: region), inputs + captured, resultCount: region.resultTypes.count)[...]
  if let failure = next.first?.failure { throw failure }
  return try refilled(template, from: &next)
}

/// All prefixes of a sequence combined by an associative function, in a logarithmic number of steps, as
/// `lax.associative_scan`.
///
/// - Parameters:
///   - elements: tensors with a common size of axis 0.
///   - reverse: suffixes instead.
///   - combine: associative; called with trees of several elements, which it combines one by one along axis 0.
/// - Returns: at place i the elements 0 to i combined.
/// - Throws: what `combine` throws; `TensorError` where sizes differ.
public func associativeScan<T: Tree>(
  _ elements: T, reverse: Bool = false, _ combine: (T, T) throws -> T
) throws -> T {
  var list = try tensorLeaves(of: elements)
  for tensor in list { if let failure = tensor.failure { throw failure } }
  guard let length = list.first?.shape.first, list.allSatisfy({ $0.shape.first == length }) else {
    throw TensorError.shape("associativeScan", "the elements have no common leading axis: \(list.map(\.shape))")
  }
  func apply(_ a: [Tensor], _ b: [Tensor]) throws -> [Tensor] {
    let (left, right) = reverse ? (b, a) : (a, b)
    let turn: (Tensor) -> Tensor = { reverse ? $0.reverse([0]) : $0 }
    let result = try combine(
      replacing(leaves: left.map(turn), in: elements), replacing(leaves: right.map(turn), in: elements))
    return try tensorLeaves(of: result).map(turn)
  }
  /// Pairs are combined, their prefixes found, and the places between filled in.
  func prefixes(_ x: [Tensor]) throws -> [Tensor] {
    let n = x.first?.shape.first ?? 0
    if n < 2 { return x }
    let even = x.map { $0.slice(axis: 0, from: 0, to: n - 1, step: 2) }
    let odd = x.map { $0.slice(axis: 0, from: 1, to: n, step: 2) }
    let pairs = try prefixes(apply(even, odd))
    let m = (n - 1) / 2
    let between =
      m == 0
      ? []
      : try apply(
        pairs.map { $0.slice(axis: 0, from: 0, to: m) }, x.map { $0.slice(axis: 0, from: 2, to: n, step: 2) })
    return x.indices.map { i in
      let first = x[i].slice(axis: 0, from: 0, to: 1)
      let evens = m == 0 ? first : concatenate([first, between[i]])
      // Interleaved: pad each with gaps, and add what never overlaps by choosing.
      let places = Tensor.iota([n], axis: 0)
      let isOdd = (places & 1) .== 1
      let spread = { (t: Tensor) in t.repeated(2, axis: 0).slice(axis: 0, from: 0, to: Swift.min(n, 2 * t.shape[0])) }
      func padded(_ t: Tensor) -> Tensor {
        t.shape[0] == n ? t : concatenate([t, t.slice(axis: 0, from: t.shape[0] - 1)])
      }
      let condition = isOdd.reshape([n] + x[i].shape.dropFirst().map { _ in 1 })
      return select(condition, padded(spread(pairs[i])), padded(spread(evens)))
    }
  }
  if reverse { list = list.map { $0.reverse([0]) } }
  let results = try prefixes(list).map { reverse ? $0.reverse([0]) : $0 }
  return try replacing(leaves: results, in: elements)
}
