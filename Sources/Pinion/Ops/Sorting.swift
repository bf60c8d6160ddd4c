/// Operands put in the order of the first along an axis, and that order: places (int32) before sorting.
///
/// Stable; NaN comes last in either direction.
struct Sort: Primitive {
  let axis: Int
  let descending: Bool

  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    guard let keys = inputs.first else { throw TensorError.value(name, "needs at least one tensor") }
    guard !keys.dtype.isComplex else { throw TensorError.dtype(name, "complex numbers have no order") }
    guard keys.shape.indices.contains(axis) else {
      throw TensorError.value(name, "axis \(axis) isn't one of \(keys.shape)")
    }
    for (i, type) in inputs.enumerated() where type.shape != keys.shape {
      throw TensorError.shape(name, "operand \(i) is \(type.shape), the keys are \(keys.shape)")
    }
    return inputs + [TensorType(.int32, keys.shape)]
  }

  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    let types = try resultTypes(operands.map(\.type))
    let places = printer.emit(
      "stablehlo.iota", [], types[types.count - 1], attributes: "iota_dimension = \(axis) : i64")
    let region = comparator(types, &printer)
    return printer.emit(
      "stablehlo.sort", operands + [places], attributes: "dimension = \(axis) : i64, is_stable = true",
      regions: [region], results: types)
  }

  /// A region that tells of two elements whether the first belongs before the second.
  private func comparator(_ types: [TensorType], _ printer: inout StableHLOPrinter) -> String {
    let scalars = types.map { TensorType($0.dtype, []).mlir }
    let arguments = scalars.map { (printer.fresh(), printer.fresh(), $0) }
    let header = arguments.map { "\($0.0): \($0.2), \($0.1): \($0.2)" }.joined(separator: ", ")
    let (a, b, t) = arguments[0]
    let dtype = types[0].dtype
    let kind = dtype.isFloating ? "FLOAT" : dtype.isSignedInteger ? "SIGNED" : "UNSIGNED"
    func compare(_ x: String, _ y: String, _ how: String) -> (String, String) {
      let r = printer.fresh()
      return (
        r,
        """
        \(r) = "stablehlo.compare"(\(x), \(y)) <{comparison_direction = #stablehlo<comparison_direction \(how)>, \
        compare_type = #stablehlo<comparison_type \(kind)>}> : (\(t), \(t)) -> tensor<i1>

        """
      )
    }
    var (result, body) = compare(a, b, descending ? "GT" : "LT")
    if dtype.isFloating {
      // Also when b alone is NaN.
      let (whole, first) = compare(a, a, "EQ")
      let (broken, second) = compare(b, b, "NE")
      let (last, either) = (printer.fresh(), printer.fresh())
      body += first + second
      body += "\(last) = \"stablehlo.and\"(\(whole), \(broken)) : (tensor<i1>, tensor<i1>) -> tensor<i1>\n"
      body += "\(either) = \"stablehlo.or\"(\(result), \(last)) : (tensor<i1>, tensor<i1>) -> tensor<i1>\n"
      result = either
    }
    return "{ ^bb0(\(header)):\n\(body)\"stablehlo.return\"(\(result)) : (tensor<i1>) -> () }"
  }

  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    guard let order = context.outputs.last else { return [] }
    let back = Tensor.apply(Sort(axis: axis, descending: false), [order], resultCount: 2)[1]
    return context.inputs.indices.map { i in context.cotangents[i].map { $0.takeAlong(back, axis: axis) } }
  }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    let (operands, batch) = aligned(inputs, axes, size: size)
    let results = Tensor.apply(
      Sort(axis: axis.past(batch), descending: descending), operands, resultCount: inputs.count + 1)
    return (results, results.map { _ in batch })
  }
}

/// The k greatest elements along the last axis and their places (int32), greatest first; of equals the first.
struct TopK: Primitive {
  let k: Int

  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    let type = inputs[0]
    guard !type.dtype.isComplex else { throw TensorError.dtype(name, "complex numbers have no order") }
    guard let size = type.shape.last, k >= 0, k <= size else {
      throw TensorError.value(name, "k = \(k) isn't in 0...\(type.shape.last ?? 0), the last size of \(type.shape)")
    }
    let shape = Array(type.shape.dropLast()) + [k]
    return [type.with(shape: shape), TensorType(.int32, shape)]
  }

  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    printer.emit("chlo.top_k", operands, attributes: "k = \(k) : i64", results: try resultTypes(operands.map(\.type)))
  }

  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    [context.cotangents[0].map { Tensor.zeros(like: context.inputs[0]).scatterAddAlong(context.outputs[1], $0) }]
  }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    guard let batch = axes[0] else { return (Tensor.apply(self, inputs, resultCount: 2), [nil, nil]) }
    let isLast = batch == inputs[0].rank - 1
    let operand = isLast ? inputs[0].moveAxis(from: batch, to: 0) : inputs[0]
    let place = isLast ? 0 : batch
    return (Tensor.apply(self, [operand], resultCount: 2), [place, place])
  }
}

extension Tensor {
  private func sorting(_ operation: String, _ others: [Tensor], _ axis: Int, _ descending: Bool) -> [Tensor] {
    switch self.axis(axis, operation) {
    case .failure(let error): Array(repeating: .failed(error), count: others.count + 2)
    case .success(let i):
      Tensor.apply(Sort(axis: i, descending: descending), [self] + others, resultCount: others.count + 2)
    }
  }

  /// Elements in ascending (or descending) order along an axis; NaN comes last either way.
  public func sorted(axis: Int = -1, descending: Bool = false) -> Tensor {
    sorting("sorted", [], axis, descending)[0]
  }

  /// Places (int32) of the elements in ascending (or descending) order along an axis.
  ///
  /// Equal elements keep their order; NaN comes last.
  public func argSort(axis: Int = -1, descending: Bool = false) -> Tensor {
    sorting("argSort", [], axis, descending)[1]
  }

  /// The k greatest elements along an axis, greatest first, and their places (int32).
  ///
  /// Of equal elements the first comes first; NaN counts as -infinity.
  public func topK(_ k: Int, axis: Int = -1) -> (values: Tensor, indices: Tensor) {
    switch self.axis(axis, "topK") {
    case .failure(let error): return (.failed(error), .failed(error))
    case .success(let i):
      let moved = moveAxis(from: i, to: -1)
      let keys = dtype.isFloating ? select(moved.isNaN(), Tensor.full(like: moved, -.infinity), moved) : moved
      let places = Tensor.apply(TopK(k: k), [stopGradient(keys)], resultCount: 2)[1]
      return (moved.takeAlong(places).moveAxis(from: -1, to: i), places.moveAxis(from: -1, to: i))
    }
  }
}

/// Several tensors in the order of the first along an axis.
///
/// - Parameters:
///   - keys: decide the order; equal ones keep theirs, NaN comes last.
///   - others: of the shape of the keys.
/// - Returns: the keys in order, then the others.
public func sortTogether(_ keys: Tensor, _ others: [Tensor], axis: Int = -1, descending: Bool = false) -> [Tensor] {
  switch keys.axis(axis, "sortTogether") {
  case .failure(let error): Array(repeating: .failed(error), count: others.count + 1)
  case .success(let i):
    Array(
      Tensor.apply(Sort(axis: i, descending: descending), [keys] + others, resultCount: others.count + 2)
        .dropLast())
  }
}
