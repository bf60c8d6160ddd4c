/// Elements along axes combined to one.
struct Reduce: Primitive {
  enum Kind: String { case sum, product, max, min, any, all }
  let kind: Kind
  let axes: [Int]
  var name: String { kind.rawValue }

  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    let type = inputs[0]
    switch kind {
    case .any, .all:
      guard type.dtype == .bool else { throw TensorError.dtype(name, "takes booleans, not \(type.dtype)") }
    case .max, .min:
      guard !type.dtype.isComplex else { throw TensorError.dtype(name, "complex numbers have no order") }
    case .sum, .product:
      guard type.dtype != .bool else {
        throw TensorError.dtype(name, "takes numbers, not booleans; cast(.int32) counts")
      }
    }
    return [type.with(shape: type.shape.indices.filter { !axes.contains($0) }.map { type.shape[$0] })]
  }

  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    let type = operands[0].type
    let (op, start): (String, String)
    switch kind {
    case .sum: (op, start) = ("stablehlo.add", type.dtype.zeroLiteral)
    case .product: (op, start) = ("stablehlo.multiply", type.dtype.oneLiteral)
    case .max: (op, start) = ("stablehlo.maximum", type.dtype.lowestLiteral)
    case .min: (op, start) = ("stablehlo.minimum", type.dtype.highestLiteral)
    case .any: (op, start) = ("stablehlo.or", "false")
    case .all: (op, start) = ("stablehlo.and", "true")
    }
    let initial = printer.constant(start, TensorType(type.dtype, []))
    let region = printer.binaryRegion(op, type.dtype)
    return [
      printer.emit(
        "stablehlo.reduce", [operands[0], initial], try resultTypes([type])[0],
        attributes: "dimensions = \(printer.i64Array(axes))", regions: [region])
    ]
  }

  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    let (x, y, g) = (context.inputs[0], context.outputs[0], context.cotangent)
    func spread(_ t: Tensor) -> Tensor {
      let kept = x.shape.indices.filter { !axes.contains($0) }
      return Tensor.apply1(BroadcastInDim(shape: x.shape, axes: kept), [t])
    }
    switch kind {
    case .sum: return [spread(g)]
    case .max, .min:
      // Equal extremes share the cotangent.
      let hits = (x .== spread(y)).cast(x.dtype)
      return [hits * spread(g / hits.sum(axes: axes))]
    case .product: return [spread(g) * productOfOthers(x)]
    case .any, .all: return [nil]
    }
  }

  /// For each element the product of the others along the axes, right also where some are 0.
  private func productOfOthers(_ x: Tensor) -> Tensor {
    let kept = x.shape.indices.filter { !axes.contains($0) }
    let order = kept + axes
    let moved = x.transpose(order)
    let flat = moved.reshape(kept.map { x.shape[$0] } + [axes.map { x.shape[$0] }.elementCount])
    let last = flat.rank - 1
    let n = flat.shape[last]
    func exclusive(_ t: Tensor) -> Tensor {
      var (low, high) = (t.shape.map { _ in 0 }, t.shape.map { _ in 0 })
      low[last] = 1
      high[last] = -1
      var product = t.pad(low: low, high: high, value: 1)
      var step = 1
      while step < n {
        low[last] = step
        high[last] = -step
        product = product * product.pad(low: low, high: high, value: 1)
        step *= 2
      }
      return product
    }
    let others = exclusive(flat) * exclusive(flat.reverse([last])).reverse([last])
    var inverse = order
    for (i, p) in order.enumerated() { inverse[p] = i }
    return others.reshape(moved.shape).transpose(inverse)
  }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    guard let batch = axes[0] else { return (Tensor.apply(self, inputs), axes) }
    let reduced = self.axes.map { $0.past(batch) }
    return Tensor.apply1(Reduce(kind: kind, axes: reduced), inputs)
      .examples(at: batch - reduced.count { $0 < batch })
  }
}

/// Place of the greatest or smallest element along an axis; the first of equals, NaN counts as the extreme.
struct ArgReduce: Primitive {
  let isMax: Bool
  let axis: Int
  var name: String { isMax ? "argMax" : "argMin" }

  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    var shape = inputs[0].shape
    guard !inputs[0].dtype.isComplex else { throw TensorError.dtype(name, "complex numbers have no order") }
    guard shape.remove(at: axis) > 0 else {
      throw TensorError.shape(name, "axis \(axis) of \(inputs[0].shape) is empty")
    }
    return [TensorType(.int32, shape)]
  }

  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    let type = operands[0].type
    let places = printer.emit(
      "stablehlo.iota", [], TensorType(.int32, type.shape), attributes: "iota_dimension = \(axis) : i64")
    let start = printer.constant(
      isMax ? type.dtype.lowestLiteral : type.dtype.highestLiteral, TensorType(type.dtype, []))
    let zero = printer.constant("0", TensorType(.int32, []))
    let e = TensorType(type.dtype, []).mlir
    let kind = type.dtype.isFloating ? "FLOAT" : type.dtype.isSignedInteger ? "SIGNED" : "UNSIGNED"
    let n = (0..<13).map { _ in printer.fresh() }
    func compare(_ r: String, _ a: String, _ b: String, _ how: String, _ t: String, _ kind: String) -> String {
      """
      \(r) = "stablehlo.compare"(\(a), \(b)) <{comparison_direction = #stablehlo<comparison_direction \(how)>, \
      compare_type = #stablehlo<comparison_type \(kind)>}> : (\(t), \(t)) -> tensor<i1>
      """
    }
    func logic(_ r: String, _ op: String, _ a: String, _ b: String) -> String {
      "\(r) = \"stablehlo.\(op)\"(\(a), \(b)) : (tensor<i1>, tensor<i1>) -> tensor<i1>"
    }
    // Left wins when it's beyond right, is NaN, or is equal and stands first.
    let region = """
      { ^bb0(\(n[0]): \(e), \(n[1]): tensor<i32>, \(n[2]): \(e), \(n[3]): tensor<i32>):
        \(compare(n[4], n[0], n[2], isMax ? "GT" : "LT", e, kind))
        \(compare(n[5], n[0], n[0], "NE", e, kind))
        \(logic(n[6], "or", n[4], n[5]))
        \(compare(n[7], n[0], n[2], "EQ", e, kind))
        \(compare(n[8], n[1], n[3], "LT", "tensor<i32>", "SIGNED"))
        \(logic(n[9], "and", n[7], n[8]))
        \(logic(n[10], "or", n[6], n[9]))
        \(n[11]) = "stablehlo.select"(\(n[10]), \(n[0]), \(n[2])) : (tensor<i1>, \(e), \(e)) -> \(e)
        \(n[12]) = "stablehlo.select"(\(n[10]), \(n[1]), \(n[3])) : (tensor<i1>, tensor<i32>, tensor<i32>) -> tensor<i32>
        "stablehlo.return"(\(n[11]), \(n[12])) : (\(e), tensor<i32>) -> () }
      """
    let index = try resultTypes([type])[0]
    return [
      printer.emit(
        "stablehlo.reduce", [operands[0], places, start, zero], attributes: "dimensions = array<i64: \(axis)>",
        regions: [region], results: [index.with(dtype: type.dtype), index])[1]
    ]
  }

  func vjp(_ context: VJPContext) throws -> [Tensor?] { [nil] }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    guard let batch = axes[0] else { return (Tensor.apply(self, inputs), axes) }
    return Tensor.apply1(ArgReduce(isMax: isMax, axis: axis.past(batch)), inputs)
      .examples(at: axis < batch ? batch - 1 : batch)
  }
}

extension Tensor {
  private func reduced(_ kind: Reduce.Kind, _ axes: [Int]?, _ keepDims: Bool) -> Tensor {
    if failure != nil { return self }
    let chosen = axes ?? Array(0..<rank)
    let normalized = chosen.compactMap(shape.normalizedAxis)
    guard normalized.count == chosen.count, Set(normalized).count == chosen.count else {
      return .failed(.value(kind.rawValue, "axes \(chosen) aren't distinct axes of \(shape)"))
    }
    if normalized.isEmpty { return self }
    let result = Tensor.apply1(Reduce(kind: kind, axes: normalized.sorted()), [self])
    guard keepDims else { return result }
    return result.reshape(shape.indices.map { normalized.contains($0) ? 1 : shape[$0] })
  }

  private func axes(_ list: [Int]) -> [Int]? { list.isEmpty ? nil : list }

  /// Sum over axes (all without an argument); they stay with size 1 where `keepDims`.
  public func sum(axes: [Int]?, keepDims: Bool = false) -> Tensor { reduced(.sum, axes, keepDims) }
  /// Sum over axes (all without an argument).
  public func sum(_ list: Int..., keepDims: Bool = false) -> Tensor { reduced(.sum, axes(list), keepDims) }
  /// Product over axes (all without an argument).
  public func product(_ list: Int..., keepDims: Bool = false) -> Tensor { reduced(.product, axes(list), keepDims) }
  /// Greatest element over axes; equal ones share the derivative.
  public func max(axes: [Int]?, keepDims: Bool = false) -> Tensor { reduced(.max, axes, keepDims) }
  /// Greatest element over axes (all without an argument); equal ones share the derivative.
  public func max(_ list: Int..., keepDims: Bool = false) -> Tensor { reduced(.max, axes(list), keepDims) }
  /// Smallest element over axes; equal ones share the derivative.
  public func min(axes: [Int]?, keepDims: Bool = false) -> Tensor { reduced(.min, axes, keepDims) }
  /// Smallest element over axes (all without an argument); equal ones share the derivative.
  public func min(_ list: Int..., keepDims: Bool = false) -> Tensor { reduced(.min, axes(list), keepDims) }
  /// Whether any element is true.
  public func any(_ list: Int..., keepDims: Bool = false) -> Tensor { reduced(.any, axes(list), keepDims) }
  /// Whether all elements are true.
  public func all(_ list: Int..., keepDims: Bool = false) -> Tensor { reduced(.all, axes(list), keepDims) }

  /// Mean over axes (all without an argument).
  public func mean(axes: [Int]?, keepDims: Bool = false) -> Tensor {
    let sum = sum(axes: axes, keepDims: keepDims)
    return sum.failure == nil ? sum / Double(Swift.max(count, 1)) * Double(Swift.max(sum.count, 1)) : sum
  }
  /// Mean over axes (all without an argument).
  public func mean(_ list: Int..., keepDims: Bool = false) -> Tensor { mean(axes: axes(list), keepDims: keepDims) }

  /// Mean squared distance from the mean; divided by n - `ddof`.
  public func variance(axes: [Int]? = nil, keepDims: Bool = false, ddof: Int = 0) -> Tensor {
    let distance = self - mean(axes: axes, keepDims: true)
    let sum = (dtype.isComplex ? distance.abs().square() : distance.square()).sum(axes: axes, keepDims: keepDims)
    return sum.failure == nil ? sum / Double(count / Swift.max(sum.count, 1) - ddof) : sum
  }

  /// Square root of the variance.
  public func standardDeviation(axes: [Int]? = nil, keepDims: Bool = false, ddof: Int = 0) -> Tensor {
    variance(axes: axes, keepDims: keepDims, ddof: ddof).sqrt()
  }

  /// log(sum(exp(x))) along an axis, without overflow.
  public func logSumExp(axis: Int = -1, keepDims: Bool = false) -> Tensor {
    let top = stopGradient(max(axes: [axis], keepDims: true))
    let safe = select(top.isFinite(), top, Tensor.zeros(like: top))
    let result = (self - safe).exp().sum(axes: [axis], keepDims: true).log() + safe
    return keepDims ? result : result.squeeze(axis: axis)
  }

  /// Exponentials that sum to 1 along an axis.
  public func softmax(axis: Int = -1) -> Tensor {
    let e = (self - stopGradient(max(axes: [axis], keepDims: true))).exp()
    return e / e.sum(axes: [axis], keepDims: true)
  }

  /// Logarithm of the softmax along an axis.
  public func logSoftmax(axis: Int = -1) -> Tensor {
    let shifted = self - stopGradient(max(axes: [axis], keepDims: true))
    return shifted - shifted.exp().sum(axes: [axis], keepDims: true).log()
  }

  /// Place (int32) of the greatest element along an axis; the first of equals, or of NaNs.
  public func argMax(axis: Int = -1) -> Tensor { argReduced(true, axis) }
  /// Place (int32) of the smallest element along an axis; the first of equals, or of NaNs.
  public func argMin(axis: Int = -1) -> Tensor { argReduced(false, axis) }

  private func argReduced(_ isMax: Bool, _ axis: Int) -> Tensor {
    switch self.axis(axis, isMax ? "argMax" : "argMin") {
    case .failure(let error): .failed(error)
    case .success(let i): Tensor.apply1(ArgReduce(isMax: isMax, axis: i), [self])
    }
  }
}
