/// Which axes of a gather or scatter mean what, in StableHLO's terms.
///
/// An index vector lies along `indexVectorAxis` of the indices (their rank: every index is a scalar); its component i
/// is a place on axis `indexedAxes[i]` of the operand. Each vector names a slice; `sliceAxes` are the axes of the
/// gathered (or scattered) slices in the result (or updates).
public struct GatherDimensions: Hashable, Sendable {
  /// Axes of the result that run along a slice.
  public var sliceAxes: [Int]
  /// Axes of the operand, of slice size 1, that the result doesn't have.
  public var collapsedAxes: [Int]
  /// Axes of the operand that run along with those of the indices in `indexBatchAxes`.
  public var operandBatchAxes: [Int]
  /// Axes of the indices that run along with those of the operand in `operandBatchAxes`.
  public var indexBatchAxes: [Int]
  /// Axis of the operand for each component of an index vector.
  public var indexedAxes: [Int]
  /// Axis of the indices that holds the components.
  public var indexVectorAxis: Int

  public init(
    sliceAxes: [Int], collapsedAxes: [Int], operandBatchAxes: [Int] = [], indexBatchAxes: [Int] = [],
    indexedAxes: [Int], indexVectorAxis: Int
  ) {
    self.sliceAxes = sliceAxes
    self.collapsedAxes = collapsedAxes
    self.operandBatchAxes = operandBatchAxes
    self.indexBatchAxes = indexBatchAxes
    self.indexedAxes = indexedAxes
    self.indexVectorAxis = indexVectorAxis
  }

  /// The shape of gathered slices, or of the updates to scatter.
  func sliceShape(_ name: String, operand: TensorType, indices: TensorType, sizes: [Int]) throws -> Shape {
    guard indices.dtype.isInteger else {
      throw TensorError.dtype(name, "indices are \(indices.dtype), expected integers")
    }
    guard indexVectorAxis >= 0, indexVectorAxis <= indices.rank else {
      throw TensorError.value(name, "index vector axis \(indexVectorAxis) isn't one of indices \(indices.shape)")
    }
    let components = indexVectorAxis == indices.rank ? 1 : indices.shape[indexVectorAxis]
    guard components == indexedAxes.count else {
      throw TensorError.shape(
        name, "index vectors of \(indices.shape) have \(components) components for axes \(indexedAxes)")
    }
    let gone = collapsedAxes + operandBatchAxes
    guard Set(gone).count == gone.count, Set(indexedAxes).count == indexedAxes.count,
      Set(operandBatchAxes).isDisjoint(with: indexedAxes),
      (gone + indexedAxes).allSatisfy({ operand.shape.indices.contains($0) }), collapsedAxes == collapsedAxes.sorted(),
      operandBatchAxes == operandBatchAxes.sorted(), sliceAxes == sliceAxes.sorted()
    else {
      throw TensorError.value(
        name,
        "collapsed \(collapsedAxes), batch \(operandBatchAxes), indexed \(indexedAxes) aren't distinct ascending axes of \(operand.shape)"
      )
    }
    guard operandBatchAxes.count == indexBatchAxes.count,
      indexBatchAxes.allSatisfy({ indices.shape.indices.contains($0) && $0 != indexVectorAxis }),
      operandBatchAxes.map({ operand.shape[$0] }) == indexBatchAxes.map({ indices.shape[$0] })
    else {
      throw TensorError.shape(
        name,
        "batch axes differ: operand \(operand.shape) at \(operandBatchAxes), indices \(indices.shape) at \(indexBatchAxes)"
      )
    }
    guard sizes.count == operand.rank, zip(sizes, operand.shape).allSatisfy({ $0 >= 0 && $0 <= $1 }),
      gone.allSatisfy({ sizes[$0] == 1 })
    else {
      throw TensorError.value(
        name, "slices of sizes \(sizes) aren't inside of \(operand.shape), with 1 at axes \(gone)")
    }
    var outer = indices.shape
    if indexVectorAxis < outer.count { outer.remove(at: indexVectorAxis) }
    let inner = sizes.indices.filter { !gone.contains($0) }.map { sizes[$0] }
    let rank = outer.count + inner.count
    guard inner.count == sliceAxes.count, Set(sliceAxes).count == sliceAxes.count,
      sliceAxes.allSatisfy({ $0 >= 0 && $0 < rank })
    else {
      throw TensorError.value(
        name, "slice axes \(sliceAxes) don't name the \(inner.count) axes of a slice \(inner) in rank \(rank)")
    }
    var (outerNext, innerNext) = (outer.makeIterator(), inner.makeIterator())
    return (0..<rank).map { (sliceAxes.contains($0) ? innerNext.next() : outerNext.next()) ?? 0 }
  }

  /// The same for a batch of examples.
  ///
  /// - Parameters:
  ///   - operand: where the operand's examples lie, `nil` where they share it.
  ///   - indices: likewise.
  ///   - sizes: of one example's slices.
  ///   - size: number of examples.
  /// - Returns: also where the examples of the slices lie.
  func batched(
    operand: Int?, indices: Int?, sizes: [Int], size: Int
  ) -> (dimensions: GatherDimensions, sizes: [Int], place: Int) {
    var (wide, wideSizes) = (self, sizes)
    if let operand {
      wide.collapsedAxes = collapsedAxes.map { $0.past(operand) }
      wide.operandBatchAxes = operandBatchAxes.map { $0.past(operand) }
      wide.indexedAxes = indexedAxes.map { $0.past(operand) }
    }
    guard let indices else {
      guard let operand else { return (self, sizes, 0) }
      // The same slices of each example: the examples are one more axis of a slice.
      let number = operand - (wide.collapsedAxes + wide.operandBatchAxes).count { $0 < operand }
      let place = number < sliceAxes.count ? sliceAxes[number] : sliceAxes.last.map { $0 + 1 } ?? 0
      wide.sliceAxes = sliceAxes.map { $0.past(place) }.inserting(place, at: number)
      return (wide, sizes.inserting(size, at: operand), place)
    }
    wide.indexVectorAxis = indexVectorAxis.past(indices)
    wide.indexBatchAxes = indexBatchAxes.map { $0.past(indices) }
    if let operand {
      let number = wide.operandBatchAxes.count { $0 < operand }
      wide.operandBatchAxes.insert(operand, at: number)
      wide.indexBatchAxes.insert(indices, at: number)
      wideSizes.insert(1, at: operand)
    }
    // The result's axes that don't run along a slice are those of the indices, in order.
    var (place, before) = (0, indices - (wide.indexVectorAxis < indices ? 1 : 0))
    while before > 0 || sliceAxes.contains(place) {
      if !sliceAxes.contains(place) { before -= 1 }
      place += 1
    }
    wide.sliceAxes = sliceAxes.map { $0.past(place) }
    return (wide, wideSizes, place)
  }

  /// For each component of an index vector the last place where a slice fits, shaped to broadcast with the indices.
  private func limits(_ operand: Shape, _ sizes: [Int], _ indices: Tensor) -> Tensor {
    let last = Tensor(indexedAxes.map { Int64(operand[$0] - sizes[$0]) }).cast(indices.dtype)
    guard indexVectorAxis < indices.rank else { return last.reshape([]) }
    return last.reshape(indices.shape.indices.map { $0 == indexVectorAxis ? indexedAxes.count : 1 })
  }

  /// Order of the axes of gathered slices with those that run along a slice last.
  func slicesLast(_ rank: Int) -> [Int] { (0..<rank).filter { !sliceAxes.contains($0) } + sliceAxes }

  /// The slices one by one, in the order of the index vectors: for each axis of the operand where they start, and
  /// whether they are inside of it; all of shape `[slices]`.
  func slices(_ indices: Tensor, operand: Shape, sizes: [Int]) -> (starts: [Tensor], inside: Tensor) {
    let type = indices.dtype.placeType
    let hasVectors = indexVectorAxis < indices.rank
    let vectors = hasVectors ? indices.moveAxis(from: indexVectorAxis, to: -1) : indices.expandDims(-1)
    let outer = Array(vectors.shape.dropLast())
    let starts = operand.indices.map { axis -> Tensor in
      if let component = indexedAxes.firstIndex(of: axis) {
        return vectors.slice(axis: -1, from: component, to: component + 1).cast(type).reshape([outer.elementCount])
      }
      guard let batch = operandBatchAxes.firstIndex(of: axis).map({ indexBatchAxes[$0] }) else {
        return Tensor.zeros([outer.elementCount], dtype: type)
      }
      let place = hasVectors && batch > indexVectorAxis ? batch - 1 : batch
      return Tensor.iota(outer, axis: place, dtype: type).reshape([outer.elementCount])
    }
    let inside = starts.indices.reduce(Tensor.full([outer.elementCount], 1, dtype: .bool)) { all, axis in
      all .&& (starts[axis] .>= 0) .&& (starts[axis] .<= Double(operand[axis] - sizes[axis]))
    }
    return (starts, inside)
  }

  /// Indices moved to where a gather reads.
  func clamped(_ indices: Tensor, operand: Shape, sizes: [Int]) -> Tensor {
    let lowest = indices.dtype.isUnsigned ? indices : maximum(indices, 0)
    return minimum(lowest, limits(operand, sizes, indices).broadcast(to: indices.shape))
  }

  /// Whether slices lie inside of the operand, shaped to broadcast with the slices.
  func inside(_ indices: Tensor, operand: Shape, sizes: [Int], slices: Shape) -> Tensor {
    let fits = (indices .>= 0) .&& (indices .<= limits(operand, sizes, indices))
    let all = indexVectorAxis < indices.rank ? fits.all(indexVectorAxis) : fits
    return all.reshape(slices.indices.map { sliceAxes.contains($0) ? 1 : slices[$0] })
  }
}

/// Slices of the operand at the places that the indices name; slices that reach over an edge are moved inside.
struct Gather: Primitive {
  let dimensions: GatherDimensions
  let sizes: [Int]

  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    [inputs[0].with(shape: try dimensions.sliceShape(name, operand: inputs[0], indices: inputs[1], sizes: sizes))]
  }

  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    let d = dimensions
    return [
      printer.emit(
        "stablehlo.gather", operands, try resultTypes(operands.map(\.type))[0],
        attributes: """
          dimension_numbers = #stablehlo.gather<offset_dims = \(d.sliceAxes), collapsed_slice_dims = \(d.collapsedAxes), \
          operand_batching_dims = \(d.operandBatchAxes), start_indices_batching_dims = \(d.indexBatchAxes), \
          start_index_map = \(d.indexedAxes), index_vector_dim = \(d.indexVectorAxis)>, \
          slice_sizes = \(printer.i64Array(sizes)), indices_are_sorted = false
          """)
    ]
  }

  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    let (x, indices, g) = (context.inputs[0], context.inputs[1], context.cotangent)
    let places = dimensions.clamped(indices, operand: x.shape, sizes: sizes)
    return [
      Tensor.apply1(Scatter(kind: .add, dimensions: dimensions, sizes: sizes), [Tensor.zeros(like: x), places, g]), nil,
    ]
  }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    let (wide, wideSizes, place) = dimensions.batched(operand: axes[0], indices: axes[1], sizes: sizes, size: size)
    return Tensor.apply1(Gather(dimensions: wide, sizes: wideSizes), inputs).examples(at: place)
  }
}

/// Updates combined into slices of the operand; those that reach over an edge are dropped.
struct Scatter: Primitive {
  enum Kind: String { case add, multiply, set, max, min }
  let kind: Kind
  let dimensions: GatherDimensions
  /// Sizes of the slices, as of the gather that reads them.
  let sizes: [Int]
  var name: String { "scatter\(kind.rawValue.prefix(1).uppercased())\(kind.rawValue.dropFirst())" }

  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    let (x, indices, updates) = (inputs[0], inputs[1], inputs[2])
    guard x.dtype == updates.dtype else {
      throw TensorError.dtype(name, "updates are \(updates.dtype), the operand \(x.dtype); convert one with cast(_:)")
    }
    switch kind {
    case .set: break
    case .add, .multiply: guard x.dtype != .bool else { throw TensorError.dtype(name, "takes numbers, not booleans") }
    case .max, .min: guard !x.dtype.isComplex else { throw TensorError.dtype(name, "complex numbers have no order") }
    }
    let shape = try dimensions.sliceShape(name, operand: x, indices: indices, sizes: sizes)
    guard updates.shape == shape else {
      throw TensorError.shape(
        name, "updates are \(updates.shape), indices \(indices.shape) into \(x.shape) take \(shape)")
    }
    return [x]
  }

  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    let (d, type) = (dimensions, operands[0].type)
    let region: String
    switch kind {
    case .add: region = printer.binaryRegion("stablehlo.add", type.dtype)
    case .multiply: region = printer.binaryRegion("stablehlo.multiply", type.dtype)
    case .max: region = printer.binaryRegion("stablehlo.maximum", type.dtype)
    case .min: region = printer.binaryRegion("stablehlo.minimum", type.dtype)
    case .set:
      let (a, b, t) = (printer.fresh(), printer.fresh(), TensorType(type.dtype, []).mlir)
      region = "{ ^bb0(\(a): \(t), \(b): \(t)): \"stablehlo.return\"(\(b)) : (\(t)) -> () }"
    }
    return [
      printer.emit(
        "stablehlo.scatter", operands, type,
        attributes: """
          scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = \(d.sliceAxes), \
          inserted_window_dims = \(d.collapsedAxes), input_batching_dims = \(d.operandBatchAxes), \
          scatter_indices_batching_dims = \(d.indexBatchAxes), scatter_dims_to_operand_dims = \(d.indexedAxes), \
          index_vector_dim = \(d.indexVectorAxis)>, indices_are_sorted = false, unique_indices = false
          """, regions: [region])
    ]
  }

  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    let (x, indices, updates) = (context.inputs[0], context.inputs[1], context.inputs[2])
    let (y, g) = (context.outputs[0], context.cotangent)
    let inside = dimensions.inside(indices, operand: x.shape, sizes: sizes, slices: updates.shape)
    /// What the slices hold of a tensor of the operand's shape; zeros where the update was dropped.
    func read(_ t: Tensor) -> Tensor {
      let slices = Tensor.apply1(Gather(dimensions: dimensions, sizes: sizes), [t, indices])
      return select(inside, slices, Tensor.zeros(like: slices))
    }
    func scatter(_ kind: Kind, _ t: Tensor, _ u: Tensor) -> Tensor {
      Tensor.apply1(Scatter(kind: kind, dimensions: dimensions, sizes: sizes), [t, indices, u])
    }
    switch kind {
    case .add: return [g, nil, context.needs[2] ? read(g) : nil]
    case .multiply:
      // At each place the product of the updates but for zeros, and how many of them are zeros.
      let isZero = updates .== 0
      let one = Tensor.ones(like: updates)
      let product = read(scatter(.multiply, Tensor.ones(like: x), select(isZero, one, updates)))
      let zeros = read(scatter(.add, Tensor.zeros(like: x), isZero.cast(x.dtype)))
      let others = select(
        isZero, select(zeros .== 1, product, Tensor.zeros(like: product)),
        select(zeros .== 0, product / select(isZero, one, updates), Tensor.zeros(like: product)))
      return [scatter(.multiply, g, updates), nil, context.needs[2] ? read(g * x) * others : nil]
    case .set:
      // Which of several updates stayed is found by scattering their numbers, from 1.
      let numbers = Tensor.iota([updates.count], axis: 0).reshape(updates.shape) + 1
      let winners = scatter(.set, Tensor.zeros(x.shape, dtype: .int32), numbers)
      let kept = select(winners .== 0, g, Tensor.zeros(like: g))
      return [kept, nil, select(read(winners) .== numbers, read(g), Tensor.zeros(like: updates))]
    case .max, .min:
      // Equal extremes share the cotangent.
      let stayed = (x .== y).cast(g.dtype)
      let hits = (inside .&& (updates .== read(y))).cast(g.dtype)
      let share = g / maximum(scatter(.add, stayed, hits), 1)
      return [share * stayed, nil, read(share) * hits]
    }
  }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    let operand = axes[0] ?? 0
    let x = Batched(tensor: inputs[0], axis: axes[0]).placed(at: operand, size)
    let (wide, wideSizes, place) = dimensions.batched(operand: operand, indices: axes[1], sizes: sizes, size: size)
    let updates = Batched(tensor: inputs[2], axis: axes[2]).placed(at: place, size)
    return Tensor.apply1(Scatter(kind: kind, dimensions: wide, sizes: wideSizes), [x, inputs[1], updates])
      .examples(at: operand)
  }
}

/// General gather: for each index vector a slice of the operand.
///
/// Slices that reach over an edge are moved inside. `Tensor.take` and `takeAlong` are what most code needs.
///
/// - Parameters:
///   - indices: integers, in vectors along `dimensions.indexVectorAxis`.
///   - sizes: of a slice, for each axis of the operand.
public func gather(_ operand: Tensor, _ indices: Tensor, dimensions: GatherDimensions, sizes: [Int]) -> Tensor {
  Tensor.apply1(Gather(dimensions: dimensions, sizes: sizes), [operand, indices])
}
