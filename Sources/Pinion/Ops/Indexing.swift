/// The box of given sizes at a place that is known only when the program runs; moved inside where it reaches over an edge.
struct DynamicSlice: Primitive {
  let sizes: [Int]

  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    let shape = inputs[0].shape
    guard sizes.count == shape.count, zip(sizes, shape).allSatisfy({ $0 >= 0 && $0 <= $1 }) else {
      throw TensorError.value(name, "sizes \(sizes) aren't inside of \(shape)")
    }
    try checkStarts(name, inputs[1...], of: inputs[0])
    return [inputs[0].with(shape: sizes)]
  }

  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    [
      printer.emit(
        "stablehlo.dynamic_slice", operands, operands[0].type.with(shape: sizes),
        attributes: "slice_sizes = \(printer.i64Array(sizes))")
    ]
  }

  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    let (x, starts) = (context.inputs[0], Array(context.inputs[1...]))
    return [Tensor.apply1(DynamicUpdateSlice(), [Tensor.zeros(like: x), context.cotangent] + starts)]
      + [Tensor?](repeating: nil, count: starts.count)
  }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    guard let starts = startVectors(inputs[1...], axes[1...], size: size) else {
      guard let batch = axes[0] else { return (Tensor.apply(self, inputs), [nil]) }
      return Tensor.apply1(
        DynamicSlice(sizes: sizes.inserting(size, at: batch)), [inputs[0]] + wholeAxis(batch, inputs[1...])
      ).examples(at: batch)
    }
    return try Gather(dimensions: boxDimensions(sizes.count), sizes: sizes)
      .batched([inputs[0], starts], [axes[0], 1], size: size)
  }
}

/// The first operand with a box of it replaced by the second; moved inside where it reaches over an edge.
struct DynamicUpdateSlice: Primitive {
  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    let (x, update) = (inputs[0], inputs[1])
    guard x.dtype == update.dtype else {
      throw TensorError.dtype(name, "the update is \(update.dtype), the operand \(x.dtype); convert one with cast(_:)")
    }
    guard x.rank == update.rank, zip(update.shape, x.shape).allSatisfy({ $0 <= $1 }) else {
      throw TensorError.shape(name, "the update \(update.shape) isn't inside of \(x.shape)")
    }
    try checkStarts(name, inputs[2...], of: x)
    return [x]
  }

  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    [printer.emit("stablehlo.dynamic_update_slice", operands, operands[0].type)]
  }

  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    let (update, starts, g) = (context.inputs[1], Array(context.inputs[2...]), context.cotangent)
    return [
      Tensor.apply1(DynamicUpdateSlice(), [g, Tensor.zeros(like: update)] + starts),
      Tensor.apply1(DynamicSlice(sizes: update.shape), [g] + starts),
    ] + [Tensor?](repeating: nil, count: starts.count)
  }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    guard let starts = startVectors(inputs[2...], axes[2...], size: size) else {
      let (operands, batch) = aligned(Array(inputs[..<2]), Array(axes[..<2]), size: size)
      return Tensor.apply1(self, operands + wholeAxis(batch, inputs[2...])).examples(at: batch)
    }
    func shape(_ i: Int) -> Shape { axes[i].map(inputs[i].shape.removing) ?? inputs[i].shape }
    let (dimensions, sizes) = (boxDimensions(shape(0).count), shape(1))
    // Scatter drops what reaches over an edge, this operation moves it inside.
    let places = dimensions.clamped(starts, operand: shape(0), sizes: sizes)
    return try Scatter(kind: .set, dimensions: dimensions, sizes: sizes)
      .batched([inputs[0], places, inputs[1]], [axes[0], 1, axes[1]], size: size)
  }
}

private func checkStarts(_ name: String, _ starts: ArraySlice<TensorType>, of x: TensorType) throws {
  guard starts.count == x.rank else {
    throw TensorError.value(name, "takes one start for each axis of \(x.shape), got \(starts.count)")
  }
  guard let first = starts.first else { return }
  for start in starts where start.rank != 0 || !start.dtype.isInteger || start.dtype != first.dtype {
    throw TensorError.dtype(name, "starts are integer scalars of one type, got \(start)")
  }
}

/// The starts of all examples, [components, examples]; `nil` where the examples share them.
private func startVectors(_ starts: ArraySlice<Tensor>, _ axes: ArraySlice<Int?>, size: Int) -> Tensor? {
  if axes.allSatisfy({ $0 == nil }) { return nil }
  return stack(zip(starts, axes).map { Batched(tensor: $0, axis: $1).placed(at: 0, size) })
}

/// Starts with one more, of a box that has the whole of `axis`.
private func wholeAxis(_ axis: Int, _ starts: ArraySlice<Tensor>) -> [Tensor] {
  Array(starts).inserting(Tensor.zeros([], dtype: starts.first?.dtype ?? .int32), at: axis)
}

/// A box of all `rank` axes, whose corner is an index vector along axis 0.
private func boxDimensions(_ rank: Int) -> GatherDimensions {
  let axes = Array(0..<rank)
  return GatherDimensions(sliceAxes: axes, collapsedAxes: [], indexedAxes: axes, indexVectorAxis: 0)
}

/// Indexing by tensors. Negative indices count from the end. Reading outside of the tensor reads its edge (indices are
/// clamped); writing outside of it does nothing.
extension Tensor {
  /// Indices as int32 (int64 where they come wider), with negative ones counted from the end of `size`.
  func indices(into size: Int) -> Tensor {
    let places = cast(dtype.placeType)
    return select(places .< 0, places + Double(size), places)
  }

  private func checkedIndices(_ operation: String, _ indices: Tensor, _ axis: Int) throws -> (axis: Int, places: Tensor)
  {
    let i = try self.axis(axis, operation).get()
    if let failure = indices.failure { throw failure }
    guard indices.dtype.isInteger else {
      throw TensorError.dtype(operation, "indices are \(indices.dtype), expected integers")
    }
    return (i, indices.indices(into: shape[i]))
  }

  /// The dimension numbers of `take` along an axis, and the sizes of its slices.
  private func along(_ axis: Int, _ indexRank: Int) -> (GatherDimensions, sizes: [Int]) {
    var sizes = shape
    sizes[axis] = 1
    let after = (axis + 1..<rank).map { $0 - 1 + indexRank }
    return (
      GatherDimensions(
        sliceAxes: Array(0..<axis) + after, collapsedAxes: [axis], indexedAxes: [axis], indexVectorAxis: indexRank),
      sizes
    )
  }

  /// Elements (axis 0 of a table: rows) at the places that the indices name, as NumPy's `take`.
  ///
  /// - Parameter indices: integers of any shape; negative ones count from the end, those outside read the edge.
  /// - Returns: the shape with the axis replaced by the shape of the indices.
  public func take(_ indices: Tensor, axis: Int = 0) -> Tensor {
    failing("take") {
      let (i, places) = try checkedIndices("take", indices, axis)
      guard shape[i] > 0 || indices.count == 0 else {
        throw TensorError.shape("take", "axis \(axis) of \(shape) is empty")
      }
      if shape[i] == 0 {
        return Tensor.zeros(Array(shape[..<i]) + indices.shape + Array(shape[(i + 1)...]), dtype: dtype)
      }
      let (dimensions, sizes) = along(i, indices.rank)
      return gather(self, places, dimensions: dimensions, sizes: sizes)
    }
  }

  private func scattered(_ kind: Scatter.Kind, _ indices: Tensor, _ updates: Tensor, _ axis: Int) -> Tensor {
    let name = Scatter(kind: kind, dimensions: along(0, 0).0, sizes: []).name
    return failing(name) {
      let (i, places) = try checkedIndices(name, indices, axis)
      if let failure = updates.failure { throw failure }
      let target = Array(shape[..<i]) + indices.shape + Array(shape[(i + 1)...])
      guard broadcastShape(updates.shape, target) == target else {
        throw TensorError.shape(
          name, "updates are \(updates.shape), indices \(indices.shape) on axis \(axis) of \(shape) take \(target)")
      }
      if shape[i] == 0 { return self }
      let (dimensions, sizes) = along(i, indices.rank)
      return Tensor.apply1(
        Scatter(kind: kind, dimensions: dimensions, sizes: sizes), [self, places, updates.broadcast(to: target)])
    }
  }

  /// The tensor with updates added at the places that the indices name; equal indices add up.
  ///
  /// - Parameters:
  ///   - indices: integers of any shape; negative ones count from the end, those outside are skipped.
  ///   - updates: what `take(indices, axis:)` returns, in shape, or what stretches to that.
  public func scatterAdd(_ indices: Tensor, _ updates: Tensor, axis: Int = 0) -> Tensor {
    scattered(.add, indices, updates, axis)
  }

  /// The tensor with elements replaced at the places that the indices name; of equal indices one stays.
  ///
  /// - Parameters: as of `scatterAdd`.
  public func scatterSet(_ indices: Tensor, _ updates: Tensor, axis: Int = 0) -> Tensor {
    scattered(.set, indices, updates, axis)
  }

  /// The tensor with the greater of element and updates at the places that the indices name; equals share the derivative.
  ///
  /// - Parameters: as of `scatterAdd`.
  public func scatterMax(_ indices: Tensor, _ updates: Tensor, axis: Int = 0) -> Tensor {
    scattered(.max, indices, updates, axis)
  }

  /// The tensor with the smaller of element and updates at the places that the indices name; equals share the derivative.
  ///
  /// - Parameters: as of `scatterAdd`.
  public func scatterMin(_ indices: Tensor, _ updates: Tensor, axis: Int = 0) -> Tensor {
    scattered(.min, indices, updates, axis)
  }

  /// Places in the flattened tensor of indices along an axis; -1 for those outside unless `clamping`.
  private func flatPlaces(_ places: Tensor, _ axis: Int, clamping: Bool) -> Tensor {
    let last = Double(Swift.max(shape[axis] - 1, 0))
    let inner = Array(shape[(axis + 1)...]).elementCount
    var flat = places.clamp(min: 0, max: last) * Double(inner)
    var step = 1
    for i in shape.indices.reversed() {
      if i != axis { flat = flat + Tensor.iota(places.shape, axis: i, dtype: places.dtype) * Double(step) }
      step *= shape[i]
    }
    if clamping { return flat }
    return select((places .>= 0) .&& (places .<= last), flat, Tensor.full(like: flat, -1))
  }

  private func checkedAlong(_ operation: String, _ indices: Tensor, _ axis: Int) throws -> (axis: Int, places: Tensor) {
    let (i, places) = try checkedIndices(operation, indices, axis)
    var others = indices.shape
    guard indices.rank == rank else {
      throw TensorError.shape(operation, "indices \(indices.shape) need the \(rank) axes of \(shape)")
    }
    others[i] = shape[i]
    guard others == shape else {
      throw TensorError.shape(operation, "indices \(indices.shape) may differ from \(shape) on axis \(axis) alone")
    }
    return (i, places)
  }

  /// For each place along an axis the element that its index names, as NumPy's `take_along_axis`.
  ///
  /// - Parameter indices: integers of this tensor's shape but for the axis; negative ones count from the end, those
  ///   outside read the edge.
  /// - Returns: the shape of the indices.
  public func takeAlong(_ indices: Tensor, axis: Int = -1) -> Tensor {
    failing("takeAlong") {
      let (i, places) = try checkedAlong("takeAlong", indices, axis)
      if indices.count == 0 { return Tensor.zeros(indices.shape, dtype: dtype) }
      guard shape[i] > 0 else { throw TensorError.shape("takeAlong", "axis \(axis) of \(shape) is empty") }
      let flat = flatPlaces(count > Int(Int32.max) ? places.cast(.int64) : places, i, clamping: true)
      return reshape([count]).take(flat)
    }
  }

  /// The tensor with updates added, along an axis, at the places that their indices name; equal indices add up.
  ///
  /// - Parameters:
  ///   - indices: as of `takeAlong`; those outside are skipped.
  ///   - updates: of the shape of the indices, or what stretches to that.
  public func scatterAddAlong(_ indices: Tensor, _ updates: Tensor, axis: Int = -1) -> Tensor {
    scatteredAlong(.add, "scatterAddAlong", indices, updates, axis)
  }

  /// The tensor with elements replaced, along an axis, at the places that their indices name; of equal indices one stays.
  ///
  /// - Parameters: as of `scatterAddAlong`.
  public func scatterSetAlong(_ indices: Tensor, _ updates: Tensor, axis: Int = -1) -> Tensor {
    scatteredAlong(.set, "scatterSetAlong", indices, updates, axis)
  }

  private func scatteredAlong(
    _ kind: Scatter.Kind, _ operation: String, _ indices: Tensor, _ updates: Tensor, _ axis: Int
  ) -> Tensor {
    failing(operation) {
      let (i, places) = try checkedAlong(operation, indices, axis)
      if let failure = updates.failure { throw failure }
      guard broadcastShape(updates.shape, indices.shape) == indices.shape else {
        throw TensorError.shape(operation, "updates are \(updates.shape), indices \(indices.shape)")
      }
      if count == 0 { return self }
      let flat = flatPlaces(count > Int(Int32.max) ? places.cast(.int64) : places, i, clamping: false)
      let line = reshape([count])
      let (dimensions, sizes) = line.along(0, flat.rank)
      // Not by `scattered`: here -1 means a skipped update, not the end.
      return Tensor.apply1(
        Scatter(kind: kind, dimensions: dimensions, sizes: sizes), [line, flat, updates.broadcast(to: indices.shape)]
      ).reshape(shape)
    }
  }

  /// The box of `sizes` that begins at `starts`, which may depend on other tensors.
  ///
  /// - Parameters:
  ///   - starts: integer scalars, one for each axis; negative ones count from the end. A box that reaches over an edge
  ///     is moved inside.
  ///   - sizes: of the result.
  public func dynamicSlice(starts: [Tensor], sizes: [Int]) -> Tensor {
    Tensor.apply1(DynamicSlice(sizes: sizes), [self] + normalized(starts))
  }

  /// The tensor with a box replaced that begins at `starts`, which may depend on other tensors.
  ///
  /// - Parameters:
  ///   - update: what the box becomes; its axes are no longer than this tensor's.
  ///   - starts: as of `dynamicSlice`.
  public func dynamicUpdateSlice(_ update: Tensor, starts: [Tensor]) -> Tensor {
    Tensor.apply1(DynamicUpdateSlice(), [self, update] + normalized(starts))
  }

  /// Starts with negative ones counted from the end.
  private func normalized(_ starts: [Tensor]) -> [Tensor] {
    zip(starts, shape).map { $0.dtype.isInteger && $0.rank == 0 ? $0.indices(into: $1) : $0 } + starts.dropFirst(rank)
  }
}

/// For each index a vector with 1 at its place and 0 elsewhere; all 0 for indices outside of 0 ..< classes.
///
/// - Parameter indices: integers of any shape.
/// - Returns: the shape of the indices and a last axis of `classes`.
public func oneHot(_ indices: Tensor, classes: Int, dtype: DType = .float32) -> Tensor {
  failing("oneHot") {
    if let failure = indices.failure { throw failure }
    guard indices.dtype.isInteger, classes >= 0 else {
      throw TensorError.value("oneHot", "takes integers and a count of classes, got \(indices.dtype) and \(classes)")
    }
    let places = indices.dtype.byteCount < 4 ? indices.cast(.int32) : indices
    let row = Tensor.iota([classes], axis: 0, dtype: places.dtype)
    return (places.expandDims(-1) .== row).cast(dtype)
  }
}
