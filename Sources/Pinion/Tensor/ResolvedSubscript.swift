/// A subscript, resolved for a shape: a box with steps, then places inside of the box that tensors name.
struct ResolvedSubscript {
  let operation: String
  let shape: Shape
  private var starts: [Int] = []
  private var limits: [Int] = []
  private var strides: [Int] = []
  private var reversed: [Int] = []
  /// Of the box, with new axes and without those that a number takes.
  private(set) var boxShape: Shape = []
  /// Axes of the box that tensors index, and the places on them.
  private var indexed: [Int] = []
  private var places: [Tensor] = []
  /// The shape of the places together.
  private var placesShape: Shape = []
  /// How many other axes of the result come before those of the places.
  private var front = 0

  /// - Throws: `TensorError` where the subscript doesn't fit.
  init(_ operation: String, _ indices: [TensorIndex], _ shape: Shape) throws {
    self.operation = operation
    self.shape = shape
    let indices = try ResolvedSubscript.withoutMasks(operation, indices, shape)
    let used = try ResolvedSubscript.axesUsed(operation, indices, shape)
    let hasTensors = indices.contains { if case .tensor = $0 { true } else { false } }
    // Numbers beside tensors are places too: they count for whether the tensors stand together.
    var (first, apart, inRun, kept): (Int?, Bool, Bool, Int) = (nil, false, false, 0)
    for index in indices {
      var isPlace = false
      switch index {
      case .at: isPlace = hasTensors
      case .tensor: isPlace = true
      default: break
      }
      if isPlace {
        if first == nil { first = kept } else if !inRun { apart = true }
        inRun = true
      } else {
        inRun = false
        if case .ellipsis = index { kept += shape.count - used } else { kept += 1 }
      }
    }
    front = apart ? 0 : first ?? 0
    for index in indices { try add(index, rest: shape.count - used) }
    whole(shape.count - starts.count)
    for place in places {
      guard let joined = broadcastShape(placesShape, place.shape) else {
        throw TensorError.shape(operation, "index tensors don't fit each other: \(places.map(\.shape))")
      }
      placesShape = joined
    }
  }

  private mutating func whole(_ n: Int) {
    for _ in 0..<n { box(0, shape[starts.count], 1, keeping: true) }
  }

  private mutating func box(_ start: Int, _ limit: Int, _ stride: Int, keeping: Bool) {
    starts.append(start)
    limits.append(limit)
    // A longer step than the range reads the same, and XLA's sums of the two don't overflow.
    let stride = Swift.min(stride, Swift.max(limit - start, 1))
    strides.append(stride)
    if keeping { boxShape.append(limit == start ? 0 : (limit - start - 1) / stride + 1) }
  }

  private mutating func add(_ index: TensorIndex, rest: Int) throws {
    let axis = starts.count
    switch index {
    case .newAxis: boxShape.append(1)
    case .ellipsis: whole(rest)
    case .all: whole(1)
    case .at(let place):
      let i = place < 0 ? place + shape[axis] : place
      guard i >= 0, i < shape[axis] else {
        throw TensorError.value(operation, "index \(place) is out of axis \(axis) of \(shape)")
      }
      box(i, i + 1, 1, keeping: false)
    case .range(let from, let to, let step):
      let size = shape[axis]
      let low = from.map { $0 < 0 ? $0 + size : $0 }
      let high = to.map { $0 < 0 ? $0 + size : $0 }
      func outside() -> TensorError {
        let range = "\(from.map(String.init) ?? "")..<\(to.map(String.init) ?? "") step \(step)"
        return .value(operation, "range \(range) isn't inside axis \(axis) of \(shape)")
      }
      if step < 0 {
        let (last, before) = (low ?? size - 1, high ?? -1)
        guard step != .min, before >= -1, before <= last, last < size else { throw outside() }
        let count = before == last ? 0 : (last - before - 1) / -step + 1
        reversed.append(axis)
        box(count == 0 ? 0 : last - (count - 1) * -step, count == 0 ? 0 : last + 1, -step, keeping: true)
      } else {
        let (start, limit) = (low ?? 0, high ?? size)
        guard step > 0, start >= 0, start <= limit, limit <= size else { throw outside() }
        box(start, limit, step, keeping: true)
      }
    case .tensor(let tensor):
      if let failure = tensor.failure { throw failure }
      guard tensor.dtype.isInteger else {
        throw TensorError.dtype(operation, "an index is \(tensor.dtype), expected integers or booleans")
      }
      guard shape[axis] > 0 || tensor.count == 0 else {
        throw TensorError.shape(operation, "axis \(axis) of \(shape) is empty")
      }
      indexed.append(boxShape.count)
      places.append(tensor.indices(into: shape[axis]))
      whole(1)
    }
  }

  /// How many axes the indices take.
  private static func axesUsed(_ operation: String, _ indices: [TensorIndex], _ shape: Shape) throws -> Int {
    var (used, ellipses) = (0, 0)
    for index in indices {
      switch index {
      case .ellipsis: ellipses += 1
      case .newAxis: break
      case .tensor(let t) where t.dtype == .bool: used += t.rank
      default: used += 1
      }
    }
    guard used <= shape.count, ellipses <= 1 else {
      throw TensorError.value(operation, "\(used) indices for the \(shape.count) axes of \(shape)")
    }
    return used
  }

  /// Boolean tensors replaced by the places where they're true.
  private static func withoutMasks(_ operation: String, _ indices: [TensorIndex], _ shape: Shape) throws
    -> [TensorIndex]
  {
    let used = try axesUsed(operation, indices, shape)
    var axis = 0
    return try indices.flatMap { index -> [TensorIndex] in
      switch index {
      case .newAxis: return [index]
      case .ellipsis: axis += shape.count - used
      case .tensor(let mask) where mask.dtype == .bool:
        if let failure = mask.failure { throw failure }
        try checkMask(operation, mask, shape, axis)
        guard !mask.isTraced else {
          throw TensorError.unsupported(
            operation, "the shape would depend on a traced boolean index; use select, or nonzero(size:)")
        }
        axis += mask.rank
        let chosen = try mask.array(of: Bool.self).enumerated().filter(\.element).map(\.offset)
        var step = mask.count
        return mask.shape.map { size in
          step /= Swift.max(size, 1)
          return .tensor(Tensor(chosen.map { Int64($0 / step % size) }))
        }
      default: axis += 1
      }
      return [index]
    }
  }

  static func checkMask(_ operation: String, _ mask: Tensor, _ shape: Shape, _ axis: Int) throws {
    guard mask.rank > 0, Array(shape[axis..<(axis + mask.rank)]) == mask.shape else {
      throw TensorError.shape(operation, "a boolean index of \(mask.shape) doesn't fit \(shape) from axis \(axis) on")
    }
  }

  /// Of what the subscript reads.
  var resultShape: Shape {
    var kept = boxShape.indices.filter { !indexed.contains($0) }.map { boxShape[$0] }
    if !indexed.isEmpty { kept.insert(contentsOf: placesShape, at: front) }
    return kept
  }

  private var dimensions: (GatherDimensions, sizes: [Int]) {
    let kept = boxShape.count - indexed.count
    let after = (front..<Swift.max(kept, front)).map { $0 + placesShape.count }
    let sizes = boxShape.indices.map { indexed.contains($0) ? 1 : boxShape[$0] }
    return (
      GatherDimensions(
        sliceAxes: Array(0..<front) + after, collapsedAxes: indexed, indexedAxes: indexed,
        indexVectorAxis: placesShape.count), sizes
    )
  }

  /// Index vectors: the places side by side along a last axis.
  private var vectors: Tensor {
    let dtype: DType = places.contains { $0.dtype == .int64 } ? .int64 : .int32
    return stack(places.map { $0.cast(dtype).broadcast(to: placesShape) }, axis: placesShape.count)
  }

  private var isWhole: Bool {
    reversed.isEmpty && starts.allSatisfy { $0 == 0 } && limits == shape && strides.allSatisfy { $0 == 1 }
  }

  /// The part before tensors index it.
  private func readBox(_ x: Tensor) -> Tensor {
    if isWhole { return x.reshape(boxShape) }
    return Tensor.apply1(Slice(starts: starts, limits: limits, strides: strides), [x]).reverse(reversed)
      .reshape(boxShape)
  }

  /// The tensor with the box replaced.
  private func writeBox(_ x: Tensor, _ box: Tensor) -> Tensor {
    if isWhole { return box.reshape(shape) }
    let sizes = shape.indices.map { limits[$0] == starts[$0] ? 0 : (limits[$0] - starts[$0] - 1) / strides[$0] + 1 }
    if sizes.contains(0) { return x }
    let part = box.reshape(sizes).reverse(reversed)
    if strides.allSatisfy({ $0 == 1 }) {
      let wide = shape.contains { $0 > Int(Int32.max) }
      let places = starts.map { Tensor.full([], Double($0), dtype: wide ? .int64 : .int32) }
      return Tensor.apply1(DynamicUpdateSlice(), [x, part] + places)
    }
    let interior = strides.map { $0 - 1 }
    let high = shape.indices.map { shape[$0] - starts[$0] - (sizes[$0] - 1) * strides[$0] - 1 }
    let mask = Tensor.full(sizes, 1, dtype: .bool).pad(low: starts, high: high, interior: interior)
    return select(mask, part.pad(low: starts, high: high, interior: interior), x)
  }

  func read(_ x: Tensor) -> Tensor {
    let box = readBox(x)
    if indexed.isEmpty { return box }
    if placesShape.contains(0) || box.count == 0 { return Tensor.zeros(resultShape, dtype: x.dtype) }
    let (dimensions, sizes) = dimensions
    return gather(box, vectors, dimensions: dimensions, sizes: sizes)
  }

  /// The tensor with updates combined into what the subscript reads; places outside are skipped.
  func write(_ x: Tensor, _ kind: Scatter.Kind, _ updates: Tensor) throws -> Tensor {
    let target = resultShape
    guard broadcastShape(updates.shape, target) == target else {
      throw TensorError.shape(operation, "updates are \(updates.shape), the subscript of \(shape) takes \(target)")
    }
    if target.contains(0) { return x }
    let box = readBox(x)
    if indexed.isEmpty { return writeBox(x, kind.combine(box, updates.broadcast(to: target))) }
    let (dimensions, sizes) = dimensions
    let scatter = Scatter(kind: kind, dimensions: dimensions, sizes: sizes)
    return writeBox(x, Tensor.apply1(scatter, [box, vectors, updates.broadcast(to: target)]))
  }
}

extension Scatter.Kind {
  /// What becomes of an element by an update.
  func combine(_ element: Tensor, _ update: Tensor) -> Tensor {
    switch self {
    case .set: update
    case .add: element + update
    case .multiply: element * update
    case .max: maximum(element, update)
    case .min: minimum(element, update)
    }
  }
}
