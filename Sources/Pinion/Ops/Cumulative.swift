/// Sum, maximum or minimum of all elements up to each place of an axis.
struct Cumulative: Primitive {
  enum Kind: String { case sum, max, min }
  let kind: Kind
  let axis: Int
  /// From the end on.
  let reverse: Bool
  var name: String { "cumulative\(kind.rawValue.prefix(1).uppercased())\(kind.rawValue.dropFirst())" }

  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    guard inputs[0].dtype != .bool, kind == .sum || !inputs[0].dtype.isComplex else {
      throw TensorError.dtype(name, "takes numbers\(kind == .sum ? "" : " with an order"), not \(inputs[0].dtype)")
    }
    return [inputs[0]]
  }

  /// A window as long as the axis: XLA makes a blocked scan of it.
  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    let type = operands[0].type
    let (op, start): (String, String)
    switch kind {
    case .sum: (op, start) = ("stablehlo.add", type.dtype.zeroLiteral)
    case .max: (op, start) = ("stablehlo.maximum", type.dtype.lowestLiteral)
    case .min: (op, start) = ("stablehlo.minimum", type.dtype.highestLiteral)
    }
    let n = type.shape[axis]
    let window = type.shape.indices.map { $0 == axis ? n : 1 }
    let pads = type.shape.indices.map { $0 == axis ? reverse ? "[0, \(n - 1)]" : "[\(n - 1), 0]" : "[0, 0]" }
    let initial = printer.constant(start, TensorType(type.dtype, []))
    let region = printer.binaryRegion(op, type.dtype)
    return [
      printer.emit(
        "stablehlo.reduce_window", [operands[0], initial], type,
        attributes: """
          window_dimensions = \(printer.i64Array(window)), \
          padding = dense<[\(pads.joined(separator: ", "))]> : tensor<\(type.rank)x2xi64>
          """, regions: [region])
    ]
  }

  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    let (x, y, g) = (context.inputs[0], context.outputs[0], context.cotangent)
    if kind == .sum { return [Tensor.apply1(Cumulative(kind: .sum, axis: axis, reverse: !reverse), [g])] }
    // Each place looks back to the last element that reached the extreme.
    let places = Tensor.iota(x.shape, axis: axis)
    let reached = (x .== y) .|| (x.isNaN() .&& y.isNaN())
    let none = Tensor.full(like: places, reverse ? Double(x.shape[axis]) : -1)
    let winners = Tensor.apply1(
      Cumulative(kind: reverse ? .min : .max, axis: axis, reverse: reverse), [select(reached, places, none)])
    return [Tensor.zeros(like: x).scatterAddAlong(winners, g, axis: axis)]
  }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    guard let batch = axes[0] else { return (Tensor.apply(self, inputs), axes) }
    return Tensor.apply1(Cumulative(kind: kind, axis: axis.past(batch), reverse: reverse), inputs).examples(at: batch)
  }
}

extension Tensor {
  /// The axis shifted by one, away from the side where a scan begins; the literal comes in.
  private func shifted(_ axis: Int, by step: Int, reverse: Bool, _ literal: String) -> Tensor {
    let value = Tensor.apply1(Constant(type: TensorType(dtype, []), literal: literal), [])
    let step = Swift.min(step, shape[axis])
    let low = shape.indices.map { $0 == axis ? reverse ? -step : step : 0 }
    return Tensor.apply1(Pad(low: low, high: low.map { -$0 }, interior: low.map { _ in 0 }), [self, value])
  }

  private func cumulative(_ kind: Cumulative.Kind, _ axis: Int, _ reverse: Bool, _ exclusive: Bool) -> Tensor {
    switch self.axis(axis, Cumulative(kind: kind, axis: axis, reverse: reverse).name) {
    case .failure(let error): return .failed(error)
    case .success(let i):
      if count == 0 { return self }
      let start =
        switch kind {
        case .sum: dtype.zeroLiteral
        case .max: dtype.lowestLiteral
        case .min: dtype.highestLiteral
        }
      let x = exclusive ? shifted(i, by: 1, reverse: reverse, start) : self
      return Tensor.apply1(Cumulative(kind: kind, axis: i, reverse: reverse), [x])
    }
  }

  /// An inclusive scan in blocks: steps of doubling width inside of blocks of 16, then the same over their totals.
  ///
  /// - Parameter start: literal that `combine` leaves its other operand alone with.
  private func scanned(_ axis: Int, _ reverse: Bool, _ start: String, _ combine: (Tensor, Tensor) -> Tensor) -> Tensor {
    let (n, block) = (shape[axis], 16)
    guard n > 2 * block else {
      var (result, step) = (self, 1)
      while step < n {
        // Fused, the steps would compute each element over and over.
        result = Tensor.apply1(
          OptimizationBarrier(), [combine(result, result.shifted(axis, by: step, reverse: reverse, start))])
        step *= 2
      }
      return result
    }
    let blocks = (n + block - 1) / block
    let extra = shape.indices.map { $0 == axis ? blocks * block - n : 0 }
    let zeros = extra.map { _ in 0 }
    let value = Tensor.apply1(Constant(type: TensorType(dtype, []), literal: start), [])
    let padded =
      blocks * block == n ? self : Tensor.apply1(Pad(low: zeros, high: extra, interior: zeros), [self, value])
    let apart = padded.reshape(Array(shape[..<axis]) + [blocks, block] + Array(shape[(axis + 1)...]))
    let inner = apart.scanned(axis + 1, reverse, start, combine)
    let end = reverse ? 0 : block - 1
    let totals = inner.slice(axis: axis + 1, from: end, to: end + 1).squeeze(axis: axis + 1)
    let before = totals.scanned(axis, reverse, start, combine).shifted(axis, by: 1, reverse: reverse, start)
    let whole = combine(inner, before.expandDims(axis + 1).broadcast(to: inner.shape))
    return whole.reshape(padded.shape).slice(axis: axis, from: 0, to: n)
  }

  private func scan(
    _ name: String, _ axis: Int, _ reverse: Bool, _ exclusive: Bool, _ start: String,
    _ combine: (Tensor, Tensor) -> Tensor
  ) -> Tensor {
    switch self.axis(axis, name) {
    case .failure(let error): return .failed(error)
    case .success(let i):
      if count == 0 { return self }
      return (exclusive ? shifted(i, by: 1, reverse: reverse, start) : self).scanned(i, reverse, start, combine)
    }
  }

  /// Sum of the elements up to each place of an axis.
  ///
  /// - Parameters:
  ///   - reverse: from the end on.
  ///   - exclusive: without the place itself, so that the first is 0.
  public func cumulativeSum(axis: Int = -1, reverse: Bool = false, exclusive: Bool = false) -> Tensor {
    cumulative(.sum, axis, reverse, exclusive)
  }

  /// Greatest element up to each place of an axis; its last occurrence takes the derivative.
  ///
  /// - Parameters:
  ///   - reverse: from the end on.
  ///   - exclusive: without the place itself, so that the first is the lowest number of the type.
  public func cumulativeMax(axis: Int = -1, reverse: Bool = false, exclusive: Bool = false) -> Tensor {
    cumulative(.max, axis, reverse, exclusive)
  }

  /// Smallest element up to each place of an axis; its last occurrence takes the derivative.
  ///
  /// - Parameters:
  ///   - reverse: from the end on.
  ///   - exclusive: without the place itself, so that the first is the highest number of the type.
  public func cumulativeMin(axis: Int = -1, reverse: Bool = false, exclusive: Bool = false) -> Tensor {
    cumulative(.min, axis, reverse, exclusive)
  }

  /// Product of the elements up to each place of an axis; its derivative is right at zeros too.
  ///
  /// - Parameters:
  ///   - reverse: from the end on.
  ///   - exclusive: without the place itself, so that the first is 1.
  public func cumulativeProduct(axis: Int = -1, reverse: Bool = false, exclusive: Bool = false) -> Tensor {
    guard failure != nil || dtype != .bool else {
      return .failed(.dtype("cumulativeProduct", "takes numbers, not booleans"))
    }
    return scan("cumulativeProduct", axis, reverse, exclusive, dtype.oneLiteral) { $0 * $1 }
  }

  /// log(sum(exp(x))) of the elements up to each place of an axis, without overflow.
  ///
  /// - Parameters:
  ///   - reverse: from the end on.
  ///   - exclusive: without the place itself, so that the first is -infinity.
  public func cumulativeLogSumExp(axis: Int = -1, reverse: Bool = false, exclusive: Bool = false) -> Tensor {
    guard failure != nil || dtype.isFloating else {
      return .failed(.dtype("cumulativeLogSumExp", "takes floating-point numbers, not \(dtype); convert with cast(_:)"))
    }
    return scan("cumulativeLogSumExp", axis, reverse, exclusive, dtype.lowestLiteral, logAddExp)
  }
}

/// log(exp(a) + exp(b)), elementwise, of two operands of one type.
struct LogAddExp: Primitive {
  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    guard inputs[0] == inputs[1] else {
      throw TensorError.shape(name, "operands differ: left \(inputs[0]), right \(inputs[1])")
    }
    guard inputs[0].dtype.isFloating else {
      throw TensorError.dtype(name, "takes floating-point numbers, not \(inputs[0].dtype); convert with cast(_:)")
    }
    return [inputs[0]]
  }

  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    let (a, b, type) = (operands[0], operands[1], operands[0].type)
    func emit(_ op: String, _ operands: SSAValue...) -> SSAValue { printer.emit("stablehlo.\(op)", operands, type) }
    let top = emit("maximum", a, b)
    let sum = emit(
      "add", emit("exponential", emit("subtract", a, top)), emit("exponential", emit("subtract", b, top)))
    // Infinities have no distance from each other.
    let isFinite = printer.emit("stablehlo.is_finite", [top], type.with(dtype: .bool))
    return [printer.emit("stablehlo.select", [isFinite, emit("add", emit("log", sum), top), top], type)]
  }

  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    let (y, g) = (context.outputs[0], context.cotangent)
    // Where both are -infinity neither has a share.
    let level = select(y .== -Double.infinity, Tensor.zeros(like: y), y)
    return (0..<2).map { context.needs[$0] ? g * (context.inputs[$0] - level).exp() : nil }
  }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    batchedElementwise(inputs, axes, size: size)
  }
}

/// log(exp(a) + exp(b)) without overflow.
public func logAddExp(_ a: Tensor, _ b: Tensor) -> Tensor {
  switch Tensor.aligned("logAddExp", a, b) {
  case .failure(let error): .failed(error)
  case .success(let (a, b)): Tensor.apply1(LogAddExp(), [a, b])
  }
}
