/// The same elements, row-major, in another shape.
struct Reshape: Primitive {
  let shape: Shape
  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    guard inputs[0].count == shape.elementCount, shape.allSatisfy({ $0 >= 0 }) else {
      throw TensorError.shape(
        name, "\(inputs[0].shape) has \(inputs[0].count) elements, \(shape) has \(shape.elementCount)")
    }
    return [inputs[0].with(shape: shape)]
  }
  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    [printer.emit("stablehlo.reshape", operands, operands[0].type.with(shape: shape))]
  }
  func vjp(_ context: VJPContext) throws -> [Tensor?] { [context.cotangent.reshape(context.inputs[0].shape)] }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    guard let batch = axes[0] else { return (Tensor.apply(self, inputs), axes) }
    // The examples stay where they are if the sizes before and after them can be reshaped each by themselves.
    let (before, after) = (inputs[0].shape[..<batch], inputs[0].shape[(batch + 1)...])
    let place = (0...shape.count).first {
      shape[..<$0].reduce(1, *) == before.reduce(1, *) && shape[$0...].reduce(1, *) == after.reduce(1, *)
    }
    guard let place else {
      return inputs[0].moveAxis(from: batch, to: 0).reshape([size] + shape).examples(at: 0)
    }
    return inputs[0].reshape(shape.inserting(size, at: place)).examples(at: place)
  }
}

/// Axes in another order: axis i of the result is axis `permutation[i]` of the operand.
struct Transpose: Primitive {
  let permutation: [Int]
  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    guard permutation.sorted() == Array(0..<inputs[0].rank) else {
      throw TensorError.value(name, "\(permutation) isn't an order of the \(inputs[0].rank) axes of \(inputs[0].shape)")
    }
    return [inputs[0].with(shape: permutation.map { inputs[0].shape[$0] })]
  }
  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    [
      printer.emit(
        "stablehlo.transpose", operands, try resultTypes(operands.map(\.type))[0],
        attributes: "permutation = \(printer.i64Array(permutation))")
    ]
  }
  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    var inverse = permutation
    for (i, p) in permutation.enumerated() { inverse[p] = i }
    return [context.cotangent.transpose(inverse)]
  }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    guard let batch = axes[0] else { return (Tensor.apply(self, inputs), axes) }
    let order = permutation.map { $0.past(batch) }.inserting(batch, at: batch)
    return inputs[0].transpose(order).examples(at: batch)
  }
}

/// Repeats along new or size-1 axes: axis i of the operand becomes axis `axes[i]` of the result.
struct BroadcastInDim: Primitive {
  let shape: Shape
  let axes: [Int]
  var name: String { "broadcast" }
  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    let fits =
      axes.count == inputs[0].rank
      && zip(axes, inputs[0].shape).allSatisfy { axis, size in
        axis >= 0 && axis < shape.count && (size == 1 || size == shape[axis])
      }
    guard fits, Set(axes).count == axes.count else {
      throw TensorError.shape(name, "\(inputs[0].shape) doesn't stretch to \(shape)")
    }
    return [inputs[0].with(shape: shape)]
  }
  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    [
      printer.emit(
        "stablehlo.broadcast_in_dim", operands, operands[0].type.with(shape: shape),
        attributes: "broadcast_dimensions = \(printer.i64Array(axes))")
    ]
  }
  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    let x = context.inputs[0]
    let repeated = shape.indices.filter { axis in
      guard let i = axes.firstIndex(of: axis) else { return true }
      return x.shape[i] == 1 && shape[axis] != 1
    }
    return [context.cotangent.sum(axes: repeated).transposedTo(axes.filter { !repeated.contains($0) }).reshape(x.shape)]
  }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    guard let batch = axes[0] else { return (Tensor.apply(self, inputs), axes) }
    let place = batch == 0 ? 0 : self.axes[batch - 1] + 1
    let wide = BroadcastInDim(
      shape: shape.inserting(size, at: place), axes: self.axes.map { $0.past(place) }.inserting(place, at: batch))
    return Tensor.apply1(wide, inputs).examples(at: place)
  }
}

extension Tensor {
  /// Undoes an order of kept axes: `kept[i]` names where axis i of the wanted result lies among those kept.
  fileprivate func transposedTo(_ kept: [Int]) -> Tensor {
    let sorted = kept.sorted()
    return transpose(kept.map { axis in sorted.firstIndex(of: axis) ?? 0 })
  }
}

/// A box of the operand, with steps.
struct Slice: Primitive {
  let starts: [Int]
  let limits: [Int]
  let strides: [Int]
  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    let shape = inputs[0].shape
    guard starts.count == shape.count, limits.count == shape.count, strides.count == shape.count else {
      throw TensorError.value(name, "takes one range for each axis of \(shape)")
    }
    for i in shape.indices where starts[i] < 0 || limits[i] > shape[i] || starts[i] > limits[i] || strides[i] < 1 {
      throw TensorError.value(
        name, "axis \(i): \(starts[i])..<\(limits[i]) step \(strides[i]) isn't inside of size \(shape[i])")
    }
    return [
      inputs[0].with(
        shape: shape.indices.map { limits[$0] == starts[$0] ? 0 : (limits[$0] - starts[$0] - 1) / strides[$0] + 1 })
    ]
  }
  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    [
      printer.emit(
        "stablehlo.slice", operands, try resultTypes(operands.map(\.type))[0],
        attributes: """
          start_indices = \(printer.i64Array(starts)), limit_indices = \(printer.i64Array(limits)), \
          strides = \(printer.i64Array(strides))
          """)
    ]
  }
  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    let (g, shape) = (context.cotangent, context.inputs[0].shape)
    let high = shape.indices.map { i in
      shape[i] - starts[i] - (g.shape[i] == 0 ? 0 : (g.shape[i] - 1) * strides[i] + 1)
    }
    return [g.pad(low: starts, high: high, interior: strides.map { $0 - 1 })]
  }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    guard let batch = axes[0] else { return (Tensor.apply(self, inputs), axes) }
    let wide = Slice(
      starts: starts.inserting(0, at: batch), limits: limits.inserting(size, at: batch),
      strides: strides.inserting(1, at: batch))
    return Tensor.apply1(wide, inputs).examples(at: batch)
  }
}

/// Surrounds (negative: crops) and interleaves with the second operand, a scalar.
struct Pad: Primitive {
  let low: [Int]
  let high: [Int]
  let interior: [Int]
  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    let shape = inputs[0].shape
    guard low.count == shape.count, high.count == shape.count, interior.count == shape.count else {
      throw TensorError.value(name, "takes low, high and interior for each axis of \(shape)")
    }
    guard interior.allSatisfy({ $0 >= 0 }) else {
      throw TensorError.value(name, "interior padding is negative: \(interior)")
    }
    let sizes = shape.indices.map { low[$0] + shape[$0] + max(shape[$0] - 1, 0) * interior[$0] + high[$0] }
    guard sizes.allSatisfy({ $0 >= 0 }) else {
      throw TensorError.value(name, "low \(low), high \(high) crop more than \(shape) has")
    }
    guard inputs[1] == TensorType(inputs[0].dtype, []) else {
      throw TensorError.dtype(name, "the value is \(inputs[1]), expected a scalar of \(inputs[0].dtype)")
    }
    return [inputs[0].with(shape: sizes)]
  }
  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    [
      printer.emit(
        "stablehlo.pad", operands, try resultTypes(operands.map(\.type))[0],
        attributes: """
          edge_padding_low = \(printer.i64Array(low)), edge_padding_high = \(printer.i64Array(high)), \
          interior_padding = \(printer.i64Array(interior))
          """)
    ]
  }
  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    let (x, g) = (context.inputs[0], context.cotangent)
    // Undo the edges, then drop the interior.
    let uncropped = g.pad(low: low.map { -$0 }, high: high.map { -$0 })
    let step = interior.map { $0 + 1 }
    let inner = Tensor.apply1(
      Slice(starts: low.map { _ in 0 }, limits: uncropped.shape, strides: step), [uncropped])
    let dx = x.count == 0 ? Tensor.zeros(like: x) : inner
    return [dx, context.needs[1] ? g.sum() - dx.sum() : nil]
  }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    let batch = axes[0] ?? 0
    let wide = Pad(
      low: low.inserting(0, at: batch), high: high.inserting(0, at: batch), interior: interior.inserting(0, at: batch))
    guard axes[1] != nil else { return Tensor.apply1(wide, inputs).examples(at: batch) }
    // Each example has a value of its own: it's put where a mask has been padded.
    let x = Batched(tensor: inputs[0], axis: axes[0]).placed(at: batch, size)
    let padded = Tensor.apply1(wide, [x, Tensor.full([], 0, dtype: x.dtype)])
    let mask = Tensor.apply1(wide, [Tensor.full(x.shape, 1, dtype: .bool), Tensor.full([], 0, dtype: .bool)])
    let spread = Tensor.apply1(BroadcastInDim(shape: padded.shape, axes: [batch]), [inputs[1]])
    return select(mask, padded, spread).examples(at: batch)
  }
}

/// Operands one after the other along an axis.
struct Concatenate: Primitive {
  let axis: Int
  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    guard let first = inputs.first else { throw TensorError.value(name, "needs at least one tensor") }
    guard first.shape.indices.contains(axis) else {
      throw TensorError.value(name, "axis \(axis) isn't one of \(first.shape)")
    }
    var total = 0
    for (i, type) in inputs.enumerated() {
      var other = type.shape
      guard type.dtype == first.dtype, other.count == first.rank else {
        throw TensorError.shape(name, "tensor \(i) is \(type), the first is \(first)")
      }
      total += other[axis]
      other[axis] = first.shape[axis]
      guard other == first.shape else {
        throw TensorError.shape(
          name, "tensor \(i) is \(type.shape), the first is \(first.shape); only axis \(axis) may differ")
      }
    }
    var shape = first.shape
    shape[axis] = total
    return [first.with(shape: shape)]
  }
  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    [
      printer.emit(
        "stablehlo.concatenate", operands, try resultTypes(operands.map(\.type))[0],
        attributes: "dimension = \(axis) : i64")
    ]
  }
  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    var start = 0
    return context.inputs.map { x in
      defer { start += x.shape[axis] }
      return context.cotangent.slice(axis: axis, from: start, to: start + x.shape[axis])
    }
  }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    let (operands, batch) = aligned(inputs, axes, size: size)
    return Tensor.apply1(Concatenate(axis: axis.past(batch)), operands).examples(at: batch)
  }
}

/// Parts of the operand along an axis, one after the other: slices whose cotangents are joined once.
struct Split: Primitive {
  let axis: Int
  let sizes: [Int]
  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    let shape = inputs[0].shape
    guard shape.indices.contains(axis), sizes.allSatisfy({ $0 >= 0 && $0 <= shape[axis] }),
      sizes.reduce(0, { Swift.min($0 + $1, shape[axis] + 1) }) == shape[axis]
    else { throw TensorError.shape(name, "sizes \(sizes) don't add up to axis \(axis) of \(shape)") }
    return sizes.map { inputs[0].with(shape: shape.setting(axis, to: $0)) }
  }
  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    let shape = operands[0].type.shape
    var start = 0
    return try sizes.flatMap { size in
      defer { start += size }
      let part = Slice(
        starts: shape.map { _ in 0 }.setting(axis, to: start), limits: shape.setting(axis, to: start + size),
        strides: shape.map { _ in 1 })
      return try part.lower(operands, into: &printer)
    }
  }
  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    [concatenate(zip(context.cotangents, context.outputs).map { $0 ?? Tensor.zeros(like: $1) }, axis: axis)]
  }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    let batch = axes[0] ?? 0
    let parts = Tensor.apply(Split(axis: axis.past(batch), sizes: sizes), inputs, resultCount: sizes.count)
    return (parts, parts.map { _ in batch })
  }
}

/// Order reversed along axes.
struct Reverse: Primitive {
  let axes: [Int]
  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    guard Set(axes).count == axes.count, axes.allSatisfy({ inputs[0].shape.indices.contains($0) }) else {
      throw TensorError.value(name, "\(axes) aren't distinct axes of \(inputs[0].shape)")
    }
    return [inputs[0]]
  }
  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    [
      printer.emit(
        "stablehlo.reverse", operands, operands[0].type, attributes: "dimensions = \(printer.i64Array(axes))")
    ]
  }
  func vjp(_ context: VJPContext) throws -> [Tensor?] { [Tensor.apply1(self, [context.cotangent])] }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    guard let batch = axes[0] else { return (Tensor.apply(self, inputs), axes) }
    return Tensor.apply1(Reverse(axes: self.axes.map { $0.past(batch) }), inputs).examples(at: batch)
  }
}

extension Tensor {
  /// The axis counted from the start, or the failure that says it's out of range.
  func axis(_ axis: Int, _ operation: String) -> Result<Int, TensorError> {
    if let failure { return .failure(failure) }
    if let normalized = shape.normalizedAxis(axis) { return .success(normalized) }
    return .failure(.value(operation, "axis \(axis) isn't one of the \(rank) axes of \(shape)"))
  }

  /// The same elements in another shape; one size may be -1 and is inferred.
  public func reshape(_ shape: [Int]) -> Tensor {
    if failure != nil || shape == self.shape { return self }
    var shape = shape
    let open = shape.indices.filter { shape[$0] == -1 }
    if open.count > 1 { return .failed(.shape("reshape", "more than one size of \(shape) is -1")) }
    if let i = open.first {
      let rest = shape.enumerated().reduce(1) { $1.offset == i ? $0 : $0 * $1.element }
      guard rest > 0, count % rest == 0 else {
        return .failed(.shape("reshape", "\(self.shape) doesn't divide into \(shape)"))
      }
      shape[i] = count / rest
    }
    return Tensor.apply1(Reshape(shape: shape), [self])
  }

  /// Axes `start` through `end` merged into one.
  public func flatten(from start: Int = 0, to end: Int = -1) -> Tensor {
    if failure != nil { return self }
    if rank == 0 { return reshape([1]) }
    guard let a = shape.normalizedAxis(start), let b = shape.normalizedAxis(end), a <= b else {
      return .failed(.value("flatten", "axes \(start)…\(end) aren't a range of \(shape)"))
    }
    return reshape(Array(shape[..<a]) + [Array(shape[a...b]).elementCount] + Array(shape[(b + 1)...]))
  }

  /// Axes in another order; reversed without an argument.
  public func transpose(_ permutation: [Int]? = nil) -> Tensor {
    if failure != nil { return self }
    let order = (permutation ?? Array((0..<rank).reversed())).map { $0 < 0 ? $0 + rank : $0 }
    if order == Array(0..<rank) { return self }
    return Tensor.apply1(Transpose(permutation: order), [self])
  }

  /// Two axes exchanged.
  public func swapAxes(_ a: Int, _ b: Int) -> Tensor {
    guard let i = shape.normalizedAxis(a), let j = shape.normalizedAxis(b) else {
      return failure != nil ? self : .failed(.value("swapAxes", "axes \(a), \(b) aren't axes of \(shape)"))
    }
    var order = Array(0..<rank)
    order.swapAt(i, j)
    return transpose(order)
  }

  /// One axis moved to another place.
  public func moveAxis(from source: Int, to destination: Int) -> Tensor {
    guard let i = shape.normalizedAxis(source), let j = shape.normalizedAxis(destination) else {
      return failure != nil
        ? self : .failed(.value("moveAxis", "axes \(source), \(destination) aren't axes of \(shape)"))
    }
    var order = Array(0..<rank)
    order.insert(order.remove(at: i), at: j)
    return transpose(order)
  }

  /// Repeated along new leading axes and those of size 1, by NumPy's rule.
  public func broadcast(to shape: [Int]) -> Tensor {
    if failure != nil || shape == self.shape { return self }
    let offset = shape.count - rank
    guard offset >= 0 else { return .failed(.shape("broadcast", "\(self.shape) doesn't stretch to \(shape)")) }
    return Tensor.apply1(BroadcastInDim(shape: shape, axes: Array(offset..<shape.count)), [self])
  }

  /// A new axis of size 1 before `axis` (of the result).
  public func expandDims(_ axis: Int) -> Tensor {
    if failure != nil { return self }
    let place = axis < 0 ? axis + rank + 1 : axis
    guard place >= 0, place <= rank else { return .failed(.value("expandDims", "axis \(axis) doesn't fit \(shape)")) }
    var shape = shape
    shape.insert(1, at: place)
    return reshape(shape)
  }

  /// Without an axis of size 1.
  public func squeeze(axis: Int) -> Tensor {
    switch self.axis(axis, "squeeze") {
    case .failure(let error): return .failed(error)
    case .success(let i):
      guard shape[i] == 1 else {
        return .failed(.shape("squeeze", "axis \(axis) of \(shape) has size \(shape[i]), not 1"))
      }
      var shape = shape
      shape.remove(at: i)
      return reshape(shape)
    }
  }

  /// Elements `start ..< end` of one axis, with a step; negative bounds count from the end.
  public func slice(axis: Int, from start: Int = 0, to end: Int? = nil, step: Int = 1) -> Tensor {
    switch self.axis(axis, "slice") {
    case .failure(let error): return .failed(error)
    case .success(let i):
      let size = shape[i]
      var (starts, limits) = (shape.map { _ in 0 }, shape)
      starts[i] = start < 0 ? start + size : start
      limits[i] = end.map { $0 < 0 ? $0 + size : $0 } ?? size
      if starts[i] == 0, limits[i] == size, step == 1 { return self }
      var strides = shape.map { _ in 1 }
      strides[i] = Swift.min(step, Swift.max(size, 1))
      return Tensor.apply1(Slice(starts: starts, limits: limits, strides: strides), [self])
    }
  }

  /// Surrounded by `value`: `low` before and `high` after each axis (negative: cropped), `interior` between elements.
  public func pad(low: [Int], high: [Int], interior: [Int]? = nil, value: Double = 0) -> Tensor {
    if failure != nil { return self }
    let interior = interior ?? low.map { _ in 0 }
    if low.allSatisfy({ $0 == 0 }), high.allSatisfy({ $0 == 0 }), interior.allSatisfy({ $0 == 0 }), low.count == rank {
      return self
    }
    return Tensor.apply1(
      Pad(low: low, high: high, interior: interior), [self, Tensor.full([], value, dtype: dtype)])
  }

  /// Order reversed along the axes.
  public func reverse(_ axes: [Int]) -> Tensor {
    if failure != nil { return self }
    let normalized = axes.compactMap(shape.normalizedAxis)
    guard normalized.count == axes.count, Set(normalized).count == axes.count else {
      return .failed(.value("reverse", "\(axes) aren't axes of \(shape)"))
    }
    return axes.isEmpty ? self : Tensor.apply1(Reverse(axes: normalized), [self])
  }

  /// The whole tensor repeated `counts[i]` times along axis i.
  public func tile(_ counts: [Int]) -> Tensor {
    if failure != nil { return self }
    guard counts.count == rank, counts.allSatisfy({ $0 >= 0 }) else {
      return .failed(.value("tile", "takes one count for each axis of \(shape), got \(counts)"))
    }
    var (apart, wide, axes) = ([Int](), [Int](), [Int]())
    for (n, size) in zip(counts, shape) {
      apart += [n, size]
      axes.append(apart.count - 1)
      wide.append(n * size)
    }
    return Tensor.apply1(BroadcastInDim(shape: apart, axes: axes), [self]).reshape(wide)
  }

  /// Each element repeated `count` times along an axis.
  public func repeated(_ count: Int, axis: Int) -> Tensor {
    switch self.axis(axis, "repeated") {
    case .failure(let error): return .failed(error)
    case .success(let i):
      var apart = shape
      apart.insert(count, at: i + 1)
      var wide = shape
      wide[i] *= count
      let axes = shape.indices.map { $0 <= i ? $0 : $0 + 1 }
      return Tensor.apply1(BroadcastInDim(shape: apart, axes: axes), [self]).reshape(wide)
    }
  }
}

/// Tensors one after the other along an axis; other sizes must agree.
public func concatenate(_ tensors: [Tensor], axis: Int = 0) -> Tensor {
  guard let first = tensors.first else { return .failed(.value("concatenate", "needs at least one tensor")) }
  if tensors.count == 1 { return first }
  return Tensor.apply1(Concatenate(axis: first.shape.normalizedAxis(axis) ?? axis), tensors)
}

/// Tensors of one shape side by side along a new axis.
public func stack(_ tensors: [Tensor], axis: Int = 0) -> Tensor {
  guard let first = tensors.first else { return .failed(.value("stack", "needs at least one tensor")) }
  let place = axis < 0 ? axis + first.rank + 1 : axis
  return concatenate(tensors.map { $0.expandDims(place) }, axis: place)
}
