/// Sum, maximum or minimum of the elements under a window of every place, along one axis.
///
/// Windows over several axes are taken one axis after the other: the result is the same and costs less.
struct WindowReduce: Primitive {
  enum Kind: String { case sum, max, min }
  let kind: Kind
  let axis: Int
  let window: Int
  let stride: Int
  let low: Int
  let high: Int
  var name: String { "\(kind.rawValue)Pool" }

  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    let type = inputs[0]
    guard type.shape.indices.contains(axis) else {
      throw TensorError.value(name, "axis \(axis) isn't one of \(type.shape)")
    }
    guard type.dtype != .bool, kind == .sum || !type.dtype.isComplex else {
      throw TensorError.dtype(name, "takes numbers\(kind == .sum ? "" : " with an order"), not \(type.dtype)")
    }
    var shape = type.shape
    let size = shape[axis] + low + high
    guard size >= window else {
      throw TensorError.shape(
        name, "the window has \(window) elements on axis \(axis), padded \(type.shape) has \(size)")
    }
    shape[axis] = (size - window) / stride + 1
    return [type.with(shape: shape)]
  }

  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    let type = operands[0].type
    let (op, start): (String, String)
    switch kind {
    case .sum: (op, start) = ("stablehlo.add", type.dtype.zeroLiteral)
    case .max: (op, start) = ("stablehlo.maximum", type.dtype.lowestLiteral)
    case .min: (op, start) = ("stablehlo.minimum", type.dtype.highestLiteral)
    }
    func along(_ value: Int) -> [Int] { type.shape.indices.map { $0 == axis ? value : 1 } }
    let pads = type.shape.indices.map { $0 == axis ? "[\(low), \(high)]" : "[0, 0]" }.joined(separator: ", ")
    let initial = printer.constant(start, TensorType(type.dtype, []))
    let region = printer.binaryRegion(op, type.dtype)
    return [
      printer.emit(
        "stablehlo.reduce_window", [operands[0], initial], try resultTypes([type])[0],
        attributes: """
          window_dimensions = \(printer.i64Array(along(window))), window_strides = \(printer.i64Array(along(stride))), \
          padding = dense<[\(pads)]> : tensor<\(type.rank)x2xi64>
          """, regions: [region])
    ]
  }

  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    let (x, y, g) = (context.inputs[0], context.outputs[0], context.cotangent)
    if g.count == 0 { return [Tensor.zeros(like: x)] }
    return [kind == .sum ? sumCotangent(x, g) : extremeCotangent(x, y, g)]
  }

  /// Each element is under the windows around it: a sum over windows of the spread cotangent.
  private func sumCotangent(_ x: Tensor, _ g: Tensor) -> Tensor {
    func along(_ value: Int) -> [Int] { x.shape.indices.map { $0 == axis ? value : 0 } }
    let (before, reach) = (window - 1 - low, WindowPlan.dilated(g.shape[axis], stride))
    let spread = g.pad(
      low: along(before), high: along(x.shape[axis] + window - 1 - before - reach), interior: along(stride - 1))
    return Tensor.apply1(WindowReduce(kind: .sum, axis: axis, window: window, stride: 1, low: 0, high: 0), [spread])
  }

  /// The first extreme of each window takes its cotangent.
  private func extremeCotangent(_ x: Tensor, _ y: Tensor, _ g: Tensor) -> Tensor {
    func along(_ value: Int) -> [Int] { x.shape.indices.map { $0 == axis ? value : 0 } }
    // Padding never wins: a window that is all padding has no place for its cotangent.
    let padded = x.pad(low: along(low), high: along(high), value: x.dtype.isFloating ? .nan : 0)
    let reach = (g.shape[axis] - 1) * stride + 1
    var taken: Tensor?
    var total = Tensor.zeros(like: x)
    for offset in 0..<window {
      let element = padded.slice(axis: axis, from: offset, to: offset + reach, step: stride)
      let hit = element .== y
      let wins = taken.map { hit .&& !$0 } ?? hit
      taken = taken.map { $0 .|| hit } ?? hit
      let share = select(wins, g, Tensor.zeros(like: g))
      let start = offset - low
      total =
        total
        + share.pad(
          low: along(start), high: along(x.shape[axis] - start - reach), interior: along(stride - 1))
    }
    return total
  }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    guard let batch = axes[0] else { return (Tensor.apply(self, inputs), axes) }
    let wide = WindowReduce(
      kind: kind, axis: axis.past(batch), window: window, stride: stride, low: low, high: high)
    return Tensor.apply1(wide, inputs).examples(at: batch)
  }
}

extension Tensor {
  private func pooled(
    _ kind: WindowReduce.Kind, _ operation: String, _ window: [Int], _ strides: [Int]?, _ padding: Padding
  ) throws -> (result: Tensor, plan: WindowPlan) {
    let spatial = try spatialRank(operation, self)
    let plan = try WindowPlan(
      operation, spatial: Array(shape[1...spatial]), window: window, strides: strides ?? window, padding: padding)
    var result = self
    // The last axis first, so that of equal extremes the first in row-major order takes the derivative.
    for i in (0..<spatial).reversed() {
      let (low, high) = (plan.padding[i][0], plan.padding[i][1])
      guard low >= 0, high >= 0, low < window[i], high < window[i] else {
        throw TensorError.value(
          operation, "padding \([low, high]) of spatial axis \(i) isn't smaller than the window \(window)")
      }
      if window[i] == 1, plan.strides[i] == 1 { continue }
      result = Tensor.apply1(
        WindowReduce(kind: kind, axis: i + 1, window: window[i], stride: plan.strides[i], low: low, high: high),
        [result])
    }
    return (result, plan)
  }

  /// Greatest element under each window of [N, spatial…, C], 1 to 3 spatial axes; padding never wins, the first of
  /// equals takes the derivative.
  ///
  /// - Parameters:
  ///   - window: sizes of the window on the spatial axes.
  ///   - strides: steps of the window; its sizes without it.
  ///   - padding: how far the window reaches over the edges, less than its size.
  public func maxPool(window: [Int], strides: [Int]? = nil, padding: Padding = .valid) -> Tensor {
    failing("maxPool") { try pooled(.max, "maxPool", window, strides, padding).result }
  }

  /// Smallest element under each window; otherwise as `maxPool`.
  public func minPool(window: [Int], strides: [Int]? = nil, padding: Padding = .valid) -> Tensor {
    failing("minPool") { try pooled(.min, "minPool", window, strides, padding).result }
  }

  /// Mean of the elements under each window of [N, spatial…, C], 1 to 3 spatial axes.
  ///
  /// - Parameters:
  ///   - window: sizes of the window on the spatial axes.
  ///   - strides: steps of the window; its sizes without it.
  ///   - padding: how far the window reaches over the edges, less than its size.
  ///   - countsPadding: whether padding counts as zeros, or not at all.
  public func averagePool(
    window: [Int], strides: [Int]? = nil, padding: Padding = .valid, countsPadding: Bool = true
  ) -> Tensor {
    failing("averagePool") {
      guard failure != nil || dtype.isDifferentiable else {
        throw TensorError.dtype("averagePool", "takes floating-point numbers, not \(dtype); convert with cast(_:)")
      }
      let (sum, plan) = try pooled(.sum, "averagePool", window, strides, padding)
      if sum.failure != nil { return sum }
      guard !countsPadding, plan.padding.contains(where: { $0 != [0, 0] }) else {
        return sum / Double(window.elementCount)
      }
      var result = sum
      for i in window.indices {
        let counts = (0..<sum.shape[i + 1]).map { place -> Double in
          let start = place * plan.strides[i] - plan.padding[i][0]
          return Double(Swift.min(start + window[i], shape[i + 1]) - Swift.max(start, 0))
        }
        var line = [Int](repeating: 1, count: rank)
        line[i + 1] = counts.count
        result = result / Tensor(counts, shape: line).cast(dtype)
      }
      return result
    }
  }
}
