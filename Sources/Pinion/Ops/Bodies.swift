/// Operations with a body of scalars of the user's: general forms of reductions, windows, scatters and sorts.
extension Region {
  /// Whether the body returns the second of two arguments as it is.
  var returnsSecond: Bool {
    program.nodes.isEmpty && program.outputs.count == 1 && program.arguments.count == 2
      && ValueID(program.outputs[0]) == ValueID(program.arguments[1])
  }

  /// A body of scalars, applied to the elements of tensors of one shape.
  ///
  /// - Throws: `TensorError` of kind `unsupported` where an operation of the body has no rule for batches.
  func elementwise(_ tensors: [Tensor]) throws -> [Tensor] {
    guard let shape = tensors.first?.shape else { return try self([]) }
    let count = shape.elementCount
    let flat = tensors.map { Batched(tensor: $0.reshape([count]), axis: 0) }
    return try program.batched(flat, size: count).map { $0.leading(count).reshape(shape) }
  }

  /// Prints the body as a block.
  fileprivate func block(_ printer: inout StableHLOPrinter, ignoring extra: [TensorType] = []) throws -> String {
    try printer.block(argumentTypes + extra) { printer, arguments in
      try program.lower(Array(arguments.prefix(argumentTypes.count)), into: &printer)
    }
  }
}

/// Cotangents by way of the same function written in other operations.
private func pulledBack(_ context: VJPContext, _ function: ([Tensor]) throws -> [Tensor]) throws -> [Tensor?] {
  let cotangents = zip(context.cotangents, context.outputs).map { $0 ?? Tensor.zeros(like: $1) }
  let gradients = try vjp(context.inputs, function).pullback(cotangents)
  return zip(gradients, context.inputs).map { $1.dtype.isDifferentiable ? $0 : nil }
}

/// The elements of pairs of a tensor and a start value along axes, combined by a body in any order.
///
/// Inputs: tensors of one shape, then a start value for each. The body takes (one of each, one of each more).
struct Fold: Primitive {
  let body: Region
  let axes: [Int]
  var name: String { "reduce" }

  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    inputs.prefix(inputs.count / 2).map { type in
      type.with(shape: type.shape.indices.filter { !axes.contains($0) }.map { type.shape[$0] })
    }
  }

  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    let types = try resultTypes(operands.map(\.type))
    let region = try body.block(&printer)
    return printer.emit(
      "stablehlo.reduce", operands, attributes: "dimensions = \(printer.i64Array(axes))", regions: [region],
      results: types)
  }

  func vjp(_ context: VJPContext) throws -> [Tensor?] { try pulledBack(context) { try tree($0) } }

  /// The same by combining pairs of neighbours; start values may have the shape of the results.
  private func tree(_ inputs: [Tensor]) throws -> [Tensor] {
    let count = inputs.count / 2
    let kept = inputs[0].shape.indices.filter { !axes.contains($0) }
    let shape = kept.map { inputs[0].shape[$0] }
    var n = axes.map { inputs[0].shape[$0] }.elementCount
    var rows = inputs[..<count].map { $0.transpose(axes + kept).reshape([n] + shape) }
    func part(_ x: Tensor, from start: Int, step: Int, count: Int) -> Tensor {
      Tensor.apply1(
        Slice(
          starts: [start] + shape.map { _ in 0 }, limits: [count == 0 ? start : start + (count - 1) * step + 1] + shape,
          strides: [step] + shape.map { _ in 1 }), [x])
    }
    while n > 1 {
      let half = n / 2
      let pairs =
        rows.map { part($0, from: 0, step: 2, count: half) } + rows.map { part($0, from: 1, step: 2, count: half) }
      var next = try body.elementwise(pairs)
      if n % 2 == 1 {
        next = zip(next, rows).map { concatenate([$0, part($1, from: n - 1, step: 1, count: 1)], axis: 0) }
      }
      (rows, n) = (next, n - half)
    }
    let starts = inputs[count...].map { $0.shape == shape ? $0 : $0.broadcast(to: shape) }
    if n == 0 { return starts }
    return try body.elementwise(starts + rows.map { $0.reshape(shape) })
  }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    let count = inputs.count / 2
    let operands = (0..<count).map { Batched(tensor: inputs[$0], axis: axes[$0]).leading(size) }
    let moved = Fold(body: body, axes: self.axes.map { $0 + 1 })
    let results: [Tensor]
    if axes[count...].allSatisfy({ $0 == nil }) {
      results = Tensor.apply(moved, operands + inputs[count...], resultCount: count)
    } else {
      let shape = try moved.resultTypes(operands.map(\.type) + operands.map(\.type))[0].shape
      let starts = (count..<(2 * count)).map { k in
        Batched(tensor: inputs[k], axis: axes[k]).leading(size)
          .reshape([size] + shape.dropFirst().map { _ in 1 }).broadcast(to: shape)
      }
      results = try moved.tree(operands + starts)
    }
    return (results, results.map { _ in 0 })
  }
}

/// Where a window stands on every axis of its operand.
struct Window: Hashable, Sendable {
  var sizes: [Int]
  var strides: [Int]
  var padding: [[Int]]
  var baseDilation: [Int]
  var windowDilation: [Int]

  /// Whether the window only does something on one axis, and nothing is dilated.
  func isPlain(but axis: Int) -> Bool {
    sizes.indices.allSatisfy { i in
      baseDilation[i] == 1 && windowDilation[i] == 1
        && (i == axis || sizes[i] == 1 && strides[i] == 1 && padding[i] == [0, 0])
    }
  }

  /// Sizes of the operand with its gaps and its padding.
  func padded(_ shape: Shape) -> Shape {
    shape.indices.map { WindowPlan.dilated(shape[$0], baseDilation[$0]) + padding[$0][0] + padding[$0][1] }
  }

  func resultShape(_ name: String, _ shape: Shape) throws -> Shape {
    guard shape.count == sizes.count else {
      throw TensorError.shape(name, "the window has \(sizes.count) axes, the operand \(shape)")
    }
    let padded = padded(shape)
    guard padded.allSatisfy({ $0 >= 0 }) else {
      throw TensorError.shape(name, "padding \(padding) crops more than \(shape) has")
    }
    return padded.indices.map { i in
      let reach = WindowPlan.dilated(sizes[i], windowDilation[i])
      return padded[i] < reach ? 0 : (padded[i] - reach) / strides[i] + 1
    }
  }

  /// The same with one axis more in front, on which it does nothing.
  var behindBatch: Window {
    Window(
      sizes: [1] + sizes, strides: [1] + strides, padding: [[0, 0]] + padding, baseDilation: [1] + baseDilation,
      windowDilation: [1] + windowDilation)
  }

  /// Places of the window's elements in it, row-major.
  func offsets(_ name: String) throws -> [[Int]] {
    guard sizes.elementCount <= 1024 else {
      throw TensorError.unsupported(
        name, "has no derivative for windows of \(sizes.elementCount) elements, at most 1024")
    }
    return sizes.reduce([[]]) { list, size in list.flatMap { head in (0..<size).map { head + [$0] } } }
  }

  /// For one place of the window what stands there, of each window.
  func elements(_ padded: Tensor, at offset: [Int], results: Shape) -> Tensor {
    let starts = offset.indices.map { offset[$0] * windowDilation[$0] }
    let limits = starts.indices.map { results[$0] == 0 ? starts[$0] : starts[$0] + (results[$0] - 1) * strides[$0] + 1 }
    return Tensor.apply1(Slice(starts: starts, limits: limits, strides: strides), [padded])
  }

  func pad(_ x: Tensor, _ value: Tensor) -> Tensor {
    Tensor.apply1(
      Pad(low: padding.map { $0[0] }, high: padding.map { $0[1] }, interior: baseDilation.map { $0 - 1 }), [x, value])
  }

  func attributes(_ printer: StableHLOPrinter) -> String {
    let pairs = padding.map { "[\($0[0]), \($0[1])]" }.joined(separator: ", ")
    return """
      window_dimensions = \(printer.i64Array(sizes)), window_strides = \(printer.i64Array(strides)), \
      padding = dense<[\(pairs)]> : tensor<\(sizes.count)x2xi64>
      """
  }
}

/// The elements under a window of every place, combined by a body in any order; inputs as of `Fold`.
struct WindowFold: Primitive {
  let body: Region
  let window: Window
  var name: String { "reduceWindow" }

  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    try inputs.prefix(inputs.count / 2).map { $0.with(shape: try window.resultShape(name, $0.shape)) }
  }

  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    let types = try resultTypes(operands.map(\.type))
    let region = try body.block(&printer)
    let padding = window.sizes.isEmpty ? "window_dimensions = array<i64>" : window.attributes(printer)
    return printer.emit(
      "stablehlo.reduce_window", operands,
      attributes: """
        \(padding), base_dilations = \(printer.i64Array(window.baseDilation)), \
        window_dilations = \(printer.i64Array(window.windowDilation))
        """, regions: [region], results: types)
  }

  /// By way of slices, one for each place of the window.
  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    let offsets = try window.offsets(name)
    let shape = context.outputs[0].shape
    return try pulledBack(context) { inputs in
      let count = inputs.count / 2
      let padded = (0..<count).map { window.pad(inputs[$0], inputs[count + $0]) }
      var results = inputs[count...].map { $0.broadcast(to: shape) }
      for offset in offsets {
        results = try body.elementwise(results + padded.map { window.elements($0, at: offset, results: shape) })
      }
      return results
    }
  }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    let count = inputs.count / 2
    guard axes[count...].allSatisfy({ $0 == nil }) else {
      throw TensorError.unsupported(name, "has no rule for start values that differ between the examples of a batch")
    }
    let operands = (0..<count).map { Batched(tensor: inputs[$0], axis: axes[$0]).leading(size) }
    let results = Tensor.apply(
      WindowFold(body: body, window: window.behindBatch), operands + inputs[count...], resultCount: count)
    return (results, results.map { _ in 0 })
  }
}

/// For each window the place of the element that a body chooses; values of a source are combined there.
///
/// Inputs: operand, source (one value a window), start value of the result, which has the operand's shape.
struct SelectAndScatter: Primitive {
  let choose: Region
  let combine: Region
  let window: Window
  /// Whether values are combined by adding.
  let isSum: Bool

  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    let shape = try window.resultShape(name, inputs[0].shape)
    guard inputs[1].shape == shape else {
      throw TensorError.shape(name, "the source is \(inputs[1].shape), windows of \(inputs[0].shape) are \(shape)")
    }
    guard window.baseDilation.allSatisfy({ $0 == 1 }), window.windowDilation.allSatisfy({ $0 == 1 }) else {
      throw TensorError.value(name, "takes no dilations")
    }
    return [inputs[0]]
  }

  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    let regions = [try choose.block(&printer), try combine.block(&printer)]
    return [
      printer.emit(
        "stablehlo.select_and_scatter", operands, operands[0].type, attributes: window.attributes(printer),
        regions: regions)
    ]
  }

  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    guard isSum else {
      throw TensorError.unsupported(name, "has a derivative only where values are added")
    }
    let offsets = try window.offsets(name)
    let (x, shape) = (context.inputs[0], context.inputs[1].shape)
    // The place that each window chooses, as a number of its own elements.
    let zero = Tensor.apply1(Constant(type: TensorType(x.dtype, []), literal: x.dtype.zeroLiteral), [])
    let padded = window.pad(stopGradient(x), zero)
    let inside = window.pad(
      Tensor.full(x.shape, 1, dtype: .int32), Tensor.full([], 0, dtype: .int32))
    var value = Tensor.zeros(shape, dtype: x.dtype)
    var place = Tensor.full(shape, -1, dtype: .int32)
    for (k, offset) in offsets.enumerated() {
      let next = window.elements(padded, at: offset, results: shape)
      let isInside = window.elements(inside, at: offset, results: shape) .== 1
      let keeps = try choose.elementwise([value, next])[0] .&& (place .>= 0)
      let takes = isInside .&& Tensor.apply1(Unary(kind: .not), [keeps])
      value = select(takes, next, value)
      place = select(takes, Tensor.full(shape, Double(k), dtype: .int32), place)
    }
    let g = window.pad(context.cotangent, zero)
    var ofSource = Tensor.zeros(like: context.inputs[1])
    for (k, offset) in offsets.enumerated() {
      ofSource = select(place .== Double(k), window.elements(g, at: offset, results: shape), ofSource)
    }
    return [nil, ofSource, context.needs[2] ? context.cotangent.sum() : nil]
  }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    guard axes[2] == nil else {
      throw TensorError.unsupported(name, "has no rule for start values that differ between the examples of a batch")
    }
    let operands = (0..<2).map { Batched(tensor: inputs[$0], axis: axes[$0]).leading(size) }
    let moved = SelectAndScatter(choose: choose, combine: combine, window: window.behindBatch, isSum: isSum)
    return ([Tensor.apply1(moved, operands + [inputs[2]])], [0])
  }
}

/// Updates combined into slices of operands by a body; those that reach over an edge are dropped.
///
/// Inputs: operands, indices, updates. The derivative is a loop over the slices.
struct ScatterFold: Primitive {
  let body: Region
  let dimensions: GatherDimensions
  let sizes: [Int]
  var name: String { "scatter" }

  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    let count = inputs.count / 2
    for k in 0..<count {
      let (x, update) = (inputs[k], inputs[count + 1 + k])
      let shape = try dimensions.sliceShape(name, operand: x, indices: inputs[count], sizes: sizes)
      guard update.shape == shape, update.dtype == x.dtype, x.shape == inputs[0].shape else {
        throw TensorError.shape(name, "updates are \(update), indices \(inputs[count].shape) into \(x) take \(shape)")
      }
    }
    return Array(inputs.prefix(count))
  }

  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    let types = try resultTypes(operands.map(\.type))
    let region = try body.block(&printer)
    return printer.emit(
      "stablehlo.scatter", operands,
      attributes: """
        scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = \(dimensions.sliceAxes), \
        inserted_window_dims = \(dimensions.collapsedAxes), input_batching_dims = \(dimensions.operandBatchAxes), \
        scatter_indices_batching_dims = \(dimensions.indexBatchAxes), \
        scatter_dims_to_operand_dims = \(dimensions.indexedAxes), index_vector_dim = \(dimensions.indexVectorAxis)>, \
        indices_are_sorted = false, unique_indices = false
        """, regions: [region], results: types)
  }

  /// Of updates applied one after the other, in the order of the index vectors, as XLA does it on a CPU.
  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    let (body, sizes, count) = (body, sizes, context.inputs.count / 2)
    let (operands, indices) = (Array(context.inputs[..<count]), context.inputs[count])
    let (starts, inside) = dimensions.slices(indices, operand: operands[0].shape, sizes: sizes)
    let (order, shape) = (dimensions.slicesLast(context.inputs[count + 1].rank), context.inputs[count + 1].shape)
    let updates = context.inputs[(count + 1)...].map {
      $0.transpose(order).reshape([inside.count] + sizes)
    }
    let steps = starts + [inside]
    func place(_ element: [Tensor]) -> (starts: [Tensor], isInside: Tensor) {
      (Array(element[..<starts.count]), element[starts.count])
    }
    // What stood in each slice before its update.
    let before = try scan(operands, over: steps + updates) { (carried: [Tensor], element: [Tensor]) in
      let (starts, isInside) = place(element)
      let old = carried.map { $0.dynamicSlice(starts: starts, sizes: sizes) }
      let new = try body.elementwise(old + element[steps.count...])
      let next = (0..<count).map { k in
        carried[k].dynamicUpdateSlice(select(isInside, new[k], old[k]), starts: starts)
      }
      return (next, old)
    }.results
    let cotangents = zip(context.cotangents, context.outputs).map { $0 ?? Tensor.zeros(like: $1) }
    let (ofOperands, ofUpdates) = try scan(cotangents, over: steps + updates + before, reverse: true) {
      (carried: [Tensor], element: [Tensor]) in
      let (starts, isInside) = place(element)
      let g = carried.map { $0.dynamicSlice(starts: starts, sizes: sizes) }
      let (update, old) = (element[steps.count..<(steps.count + count)], element[(steps.count + count)...])
      let pull = try Pinion.vjp(Array(old) + update) { try body.elementwise($0) }.pullback
      let parts = try pull(g.map { select(isInside, $0, Tensor.zeros(like: $0)) })
      let next = (0..<count).map { k in
        carried[k].dynamicUpdateSlice(select(isInside, parts[k], g[k]), starts: starts)
      }
      return (next, Array(parts[count...]))
    }
    let outer = order.map { shape[$0] }
    return ofOperands + [nil]
      + ofUpdates.map { $0.reshape(outer).transpose(shape.indices.map { order.firstIndex(of: $0) ?? 0 }) }
  }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    let operands = zip(inputs, axes).map { Batched(tensor: $0, axis: $1).leading(size) }
    func moved(_ axes: [Int]) -> [Int] { axes.map { $0 + 1 } }
    let d = GatherDimensions(
      sliceAxes: moved(dimensions.sliceAxes), collapsedAxes: moved(dimensions.collapsedAxes),
      operandBatchAxes: [0] + moved(dimensions.operandBatchAxes),
      indexBatchAxes: [0] + moved(dimensions.indexBatchAxes), indexedAxes: moved(dimensions.indexedAxes),
      indexVectorAxis: dimensions.indexVectorAxis + 1)
    let results = Tensor.apply(
      ScatterFold(body: body, dimensions: d, sizes: [1] + sizes), operands, resultCount: inputs.count / 2)
    return (results, results.map { _ in 0 })
  }
}

/// Operands put in the order of a comparator along an axis; the last ones may just follow.
///
/// The comparator takes two of each operand that takes part and tells whether the first ones belong before.
struct SortBy: Primitive {
  let comparator: Region
  let axis: Int
  let isStable: Bool
  /// Operands at the end that the comparator doesn't see.
  let followers: Int
  var name: String { "sort" }

  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    for (i, type) in inputs.enumerated() where type.shape != inputs[0].shape {
      throw TensorError.shape(name, "operand \(i) is \(type.shape), the first is \(inputs[0].shape)")
    }
    return inputs
  }

  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    let extra = operands.suffix(followers).flatMap { Array(repeating: TensorType($0.type.dtype, []), count: 2) }
    let region = try comparator.block(&printer, ignoring: extra)
    return printer.emit(
      "stablehlo.sort", operands, attributes: "dimension = \(axis) : i64, is_stable = \(isStable)",
      regions: [region], results: operands.map(\.type))
  }

  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    let places = Tensor.iota(context.inputs[0].shape, axis: axis)
    let again = SortBy(comparator: comparator, axis: axis, isStable: isStable, followers: followers + 1)
    let order = Tensor.apply(again, context.inputs + [places], resultCount: context.inputs.count + 1)
    let back = Tensor.apply(Sort(axis: axis, descending: false), [order[context.inputs.count]], resultCount: 2)[1]
    return context.cotangents.map { $0.map { $0.takeAlong(back, axis: axis) } }
  }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    let operands = zip(inputs, axes).map { Batched(tensor: $0, axis: $1).leading(size) }
    let moved = SortBy(comparator: comparator, axis: axis + 1, isStable: isStable, followers: followers)
    let results = Tensor.apply(moved, operands, resultCount: inputs.count)
    return (results, results.map { _ in 0 })
  }
}

/// Numbers rounded to what fewer bits of exponent and fraction can hold; the derivative passes as it is.
struct ReducePrecision: Primitive {
  let exponent: Int
  let mantissa: Int

  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    guard inputs[0].dtype.isFloating else {
      throw TensorError.dtype(name, "takes floating-point numbers, not \(inputs[0].dtype)")
    }
    guard exponent > 0, mantissa >= 0 else {
      throw TensorError.value(
        name, "\(exponent) bits of exponent and \(mantissa) of fraction, expected at least 1 and 0")
    }
    return [inputs[0]]
  }

  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    [
      printer.emit(
        "stablehlo.reduce_precision", operands, operands[0].type,
        attributes: "exponent_bits = \(exponent) : i32, mantissa_bits = \(mantissa) : i32")
    ]
  }

  func vjp(_ context: VJPContext) throws -> [Tensor?] { [context.cotangent] }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    ([Tensor.apply1(self, inputs)], axes)
  }
}

/// XLA's own generators of random bits: from a state to the next state and bits.
struct RandomBits: Primitive {
  enum Algorithm: String {
    case standard = "DEFAULT"
    case threefry = "THREE_FRY"
    case philox = "PHILOX"
  }
  let algorithm: Algorithm
  let type: TensorType

  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    let sizes = algorithm == .threefry ? 2...2 : 2...3
    guard inputs[0].dtype == .uint64, inputs[0].rank == 1, sizes.contains(inputs[0].shape[0]) else {
      throw TensorError.dtype(name, "the state is \(inputs[0]), expected \(sizes.upperBound) numbers of uint64")
    }
    guard type.dtype.isInteger || type.dtype.isFloating else {
      throw TensorError.dtype(name, "makes integers or floating-point numbers, not \(type.dtype)")
    }
    return [inputs[0], type]
  }

  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    printer.emit(
      "stablehlo.rng_bit_generator", operands,
      attributes: "rng_algorithm = #stablehlo<rng_algorithm \(algorithm.rawValue)>", results: [operands[0].type, type])
  }

  func vjp(_ context: VJPContext) throws -> [Tensor?] { [nil] }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    let states = Batched(tensor: inputs[0], axis: axes[0]).leading(size)
    let results = (0..<size).map { i in
      Tensor.apply(self, [states.slice(axis: 0, from: i, to: i + 1).squeeze(axis: 0)], resultCount: 2)
    }
    return ([stack(results.map { $0[0] }), stack(results.map { $0[1] })], [0, 0])
  }
}
