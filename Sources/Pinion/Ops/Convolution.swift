/// How a window may reach over the edges of its operand.
public enum Padding: Hashable, Sendable {
  /// Not at all.
  case valid
  /// As far as the result needs to have ceil(size / stride) places; the odd element stands after (TensorFlow's rule).
  case same
  /// `[low, high]` elements for each spatial axis; negative ones crop.
  case explicit([[Int]])
}

/// Where windows stand on spatial axes, and the sizes that follow from it.
struct WindowPlan {
  let strides: [Int]
  let padding: [[Int]]
  let inputDilation: [Int]
  let kernelDilation: [Int]

  /// The largest number that may be given.
  private static let limit = Int(Int32.max)

  /// Checks the arguments and works out the padding.
  ///
  /// - Parameters:
  ///   - spatial: sizes of the operand's spatial axes.
  ///   - window: sizes of the window.
  init(
    _ operation: String, spatial: [Int], window: [Int], strides: [Int]?, padding: Padding, inputDilation: [Int]? = nil,
    kernelDilation: [Int]? = nil
  ) throws {
    let n = spatial.count
    let ones = [Int](repeating: 1, count: n)
    func positive(_ list: [Int]?, _ what: String) throws -> [Int] {
      let list = list ?? ones
      guard list.count == n, list.allSatisfy({ $0 > 0 && $0 <= WindowPlan.limit }) else {
        throw TensorError.value(
          operation, "\(what) are \(list), expected \(n) positive numbers below 2³¹, one a spatial axis")
      }
      return list
    }
    let window = try positive(window, "window sizes")
    guard spatial.allSatisfy({ $0 <= WindowPlan.limit }) else {
      throw TensorError.shape(operation, "spatial sizes are \(spatial), expected numbers below 2³¹")
    }
    self.strides = try positive(strides, "strides")
    self.inputDilation = try positive(inputDilation, "input dilations")
    self.kernelDilation = try positive(kernelDilation, "kernel dilations")
    switch padding {
    case .valid: self.padding = spatial.map { _ in [0, 0] }
    case .same:
      var pads: [[Int]] = []
      for i in 0..<n {
        let size = WindowPlan.dilated(spatial[i], self.inputDilation[i])
        let places = (size + self.strides[i] - 1) / self.strides[i]
        let reach = (places - 1) * self.strides[i] + WindowPlan.dilated(window[i], self.kernelDilation[i])
        let total = Swift.max(reach - size, 0)
        pads.append([total / 2, total - total / 2])
      }
      self.padding = pads
    case .explicit(let list):
      let possible = -WindowPlan.limit...WindowPlan.limit
      guard list.count == n, list.allSatisfy({ $0.count == 2 && $0.allSatisfy(possible.contains) }) else {
        throw TensorError.value(
          operation, "padding is \(list), expected [low, high] below 2³¹ for each of \(n) spatial axes")
      }
      self.padding = list
    }
  }

  /// Extent of `size` elements with gaps between.
  static func dilated(_ size: Int, _ dilation: Int) -> Int { size == 0 ? 0 : (size - 1) * dilation + 1 }
}

/// Cross-correlation of [N, spatial…, C] with [spatial…, C/groups, O]; the result is [N, spatial…, O].
///
/// On CPUs it runs in oneDNN, where that is there and has it: several times quicker than in XLA.
struct Convolution: Primitive {
  let strides: [Int]
  let padding: [[Int]]
  let inputDilation: [Int]
  let kernelDilation: [Int]
  let groups: Int

  private var spatial: Int { strides.count }

  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    let (x, w) = (inputs[0], inputs[1])
    guard x.dtype == w.dtype else {
      throw TensorError.dtype(name, "operands differ: input \(x), kernel \(w); convert one with cast(_:)")
    }
    guard x.dtype != .bool else { throw TensorError.dtype(name, "takes numbers, not booleans") }
    guard x.rank == spatial + 2, w.rank == spatial + 2 else {
      throw TensorError.shape(
        name,
        "takes [N, spatial…, C] and [spatial…, C/groups, O] with \(spatial) spatial axes: input \(x.shape), kernel \(w.shape)"
      )
    }
    let (channels, outputs) = (x.shape[spatial + 1], w.shape[spatial + 1])
    guard channels == w.shape[spatial] * groups else {
      throw TensorError.shape(
        name,
        "channels differ: input \(x.shape) has \(channels), kernel \(w.shape) takes \(w.shape[spatial]) in \(groups) group(s)"
      )
    }
    guard outputs % groups == 0 else {
      throw TensorError.shape(
        name, "\(outputs) output channels of kernel \(w.shape) don't divide into \(groups) groups")
    }
    var shape = [x.shape[0]]
    for i in 0..<spatial {
      let size = WindowPlan.dilated(x.shape[i + 1], inputDilation[i]) + padding[i][0] + padding[i][1]
      let window = WindowPlan.dilated(w.shape[i], kernelDilation[i])
      guard size >= window else {
        throw TensorError.shape(
          name,
          "the kernel covers \(window) elements of spatial axis \(i), the padded input has \(size): input \(x.shape), kernel \(w.shape)"
        )
      }
      shape.append((size - window) / strides[i] + 1)
    }
    return [x.with(shape: shape + [outputs])]
  }

  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    let (x, w) = (operands[0].type, operands[1].type)
    let type = try resultTypes([x, w])[0]
    if isProduct(kernel: w), type.count > 0 {
      return try printer.inline(operands) { product($0[0], $0[1].reshape(Array(w.shape.suffix(2)))) }
    }
    if let results = OneDNN.lower(.result, of: self, input: x, kernel: w, output: type, operands, into: &printer) {
      return results
    }
    let places = (0..<spatial).map(String.init).joined(separator: ", ")
    let pairs = padding.map { "[\($0[0]), \($0[1])]" }.joined(separator: ", ")
    return [
      printer.emit(
        "stablehlo.convolution", operands, type,
        attributes: """
          window_strides = \(printer.i64Array(strides)), padding = dense<[\(pairs)]> : tensor<\(spatial)x2xi64>, \
          lhs_dilation = \(printer.i64Array(inputDilation)), rhs_dilation = \(printer.i64Array(kernelDilation)), \
          dimension_numbers = #stablehlo.conv<[b, \(places), f]x[\(places), i, o]->[b, \(places), f]>, \
          feature_group_count = \(groups) : i64, batch_group_count = 1 : i64
          """)
    ]
  }

  func multiplyAdds(_ inputs: [TensorType]) -> Int {
    guard let result = try? resultTypes(inputs), let outputs = inputs[1].shape.last, outputs > 0 else { return 0 }
    return result[0].count * (inputs[1].count / outputs)
  }

  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    let (x, w, g) = (context.inputs[0], context.inputs[1], context.cotangent)
    if g.count == 0 || x.count == 0 || w.count == 0 { return [Tensor.zeros(like: x), Tensor.zeros(like: w)] }
    return [
      context.needs[0] ? inputGradient(w, g, x.shape) : nil,
      context.needs[1] ? kernelGradient(x, g, w.shape) : nil,
    ]
  }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    let (x, w) = (inputs[0], inputs[1])
    guard axes[1] != nil else {
      // The examples of vmap join those that the operation has.
      let batch = axes[0] ?? 0
      let apart = batch <= 1 ? x : x.moveAxis(from: batch, to: 0)
      let y = Tensor.apply1(self, [apart.reshape([apart.shape[0] * apart.shape[1]] + apart.shape[2...]), w])
      return y.reshape(Array(apart.shape[..<2]) + y.shape[1...]).examples(at: batch <= 1 ? batch : 0)
    }
    let place = spatial + 1
    let kernel = Batched(tensor: w, axis: axes[1]).placed(at: place, size)
    let outputs = kernel.shape[place + 1]
    let lead = Array(kernel.shape[..<place])
    if size == 0 {
      let example = axes[0].map(x.shape.removing) ?? x.shape
      let types = [x.type.with(shape: example), w.type.with(shape: kernel.shape.removing(place))]
      return Tensor.zeros(try resultTypes(types)[0].shape.inserting(0, at: place), dtype: x.dtype).examples(at: place)
    }
    if axes[0] == nil {
      // Kernels side by side are more output channels, which of each group must stay together.
      let apart = kernel.reshape(lead + [size, groups, outputs / groups]).swapAxes(place, place + 1)
      let y = Tensor.apply1(self, [x, apart.reshape(lead + [size * outputs])])
      let rows = Array(y.shape.dropLast())
      return y.reshape(rows + [groups, size, outputs / groups]).swapAxes(place, place + 1)
        .reshape(rows + [size, outputs]).examples(at: place)
    }
    // Each example has groups of its own.
    let input = Batched(tensor: x, axis: axes[0]).placed(at: place, size)
    let wide = Convolution(
      strides: strides, padding: padding, inputDilation: inputDilation, kernelDilation: kernelDilation,
      groups: size * groups)
    let channels = input.reshape(input.shape[..<place] + [size * input.shape[place + 1]])
    let y = Tensor.apply1(wide, [channels, kernel.reshape(lead + [size * outputs])])
    return y.reshape(y.shape.dropLast() + [size, outputs]).examples(at: place)
  }
}

/// Spatial rank of an image-like operand with the layout [N, spatial…, C].
func spatialRank(_ operation: String, _ x: Tensor) throws -> Int {
  if let failure = x.failure { throw failure }
  guard (3...5).contains(x.rank) else {
    throw TensorError.shape(operation, "takes [N, spatial…, C] with 1 to 3 spatial axes, got \(x.shape)")
  }
  return x.rank - 2
}

/// Convolution over 1 to 3 spatial axes, in the sense of neural networks: the kernel isn't reversed.
///
/// - Parameters:
///   - x: input [N, spatial…, C].
///   - kernel: [spatial…, C / groups, O].
///   - strides: steps of the window; 1 without it.
///   - padding: how far the window reaches over the edges; negative numbers crop.
///   - inputDilation: distance of neighbours of the input, zeros between; `same` counts the dilated input.
///   - kernelDilation: distance of neighbours under the kernel.
///   - groups: parts of the channels that are convolved each by itself.
/// - Returns: [N, spatial…, O].
public func convolution(
  _ x: Tensor, _ kernel: Tensor, strides: [Int]? = nil, padding: Padding = .valid, inputDilation: [Int]? = nil,
  kernelDilation: [Int]? = nil, groups: Int = 1
) -> Tensor {
  failing("convolution") {
    let spatial = try spatialRank("convolution", x)
    if let failure = kernel.failure { throw failure }
    guard kernel.rank == x.rank, groups > 0 else {
      throw TensorError.shape(
        "convolution",
        "kernel \(kernel.shape) in \(groups) group(s) doesn't fit input \(x.shape); expected [spatial…, C/groups, O]")
    }
    let plan = try WindowPlan(
      "convolution", spatial: Array(x.shape[1...spatial]), window: Array(kernel.shape[..<spatial]), strides: strides,
      padding: padding, inputDilation: inputDilation, kernelDilation: kernelDilation)
    return Tensor.apply1(
      Convolution(
        strides: plan.strides, padding: plan.padding, inputDilation: plan.inputDilation,
        kernelDilation: plan.kernelDilation, groups: groups), [x, kernel])
  }
}

/// Transposed ("fractionally strided") convolution: each input element adds the kernel, times itself, at its stride.
///
/// A spatial axis of the result has (size - 1)·stride - low - high + dilation·(kernel - 1) + outputPadding + 1 elements,
/// as PyTorch's `ConvTranspose`; with `same` it has size·stride, as TensorFlow's.
///
/// - Parameters:
///   - x: input [N, spatial…, C].
///   - kernel: [spatial…, C / groups, O], not reversed: `kernel[j, c, o]` lands j places after the element. PyTorch's
///     weight [C, O, spatial…] is its transpose (with groups: of each group).
///   - strides: distance of neighbours of the input in the result; 1 without it.
///   - padding: what is cropped from the edges of the result.
///   - outputPadding: elements more at the end of each spatial axis.
///   - kernelDilation: distance of neighbours of the kernel in the result.
///   - groups: parts of the channels that are convolved each by itself.
/// - Returns: [N, spatial…, O].
public func convolutionTransposed(
  _ x: Tensor, _ kernel: Tensor, strides: [Int]? = nil, padding: Padding = .valid, outputPadding: [Int]? = nil,
  kernelDilation: [Int]? = nil, groups: Int = 1
) -> Tensor {
  let name = "convolutionTransposed"
  return failing(name) {
    let spatial = try spatialRank(name, x)
    if let failure = kernel.failure { throw failure }
    guard kernel.rank == x.rank, groups > 0 else {
      throw TensorError.shape(
        name,
        "kernel \(kernel.shape) in \(groups) group(s) doesn't fit input \(x.shape); expected [spatial…, C/groups, O]")
    }
    let isSame = padding == .same
    let plan = try WindowPlan(
      name, spatial: Array(x.shape[1...spatial]), window: Array(kernel.shape[..<spatial]), strides: strides,
      padding: isSame ? .valid : padding, kernelDilation: kernelDilation)
    let extra = outputPadding ?? plan.strides.map { _ in 0 }
    guard extra.count == spatial, extra.allSatisfy({ $0 >= 0 && $0 <= Int(Int32.max) }) else {
      throw TensorError.value(name, "output padding is \(extra), expected \(spatial) numbers, not negative")
    }
    var (sizes, pads, forwardPadding): ([Int], [[Int]], [[Int]]) = ([], [], [])
    for i in 0..<spatial {
      let (stride, more) = (plan.strides[i], extra[i])
      let reach = WindowPlan.dilated(kernel.shape[i], plan.kernelDilation[i])
      let total = reach - stride
      let low = isSame ? Swift.max(total, 0) / 2 : plan.padding[i][0]
      let high = isSame ? total - low : plan.padding[i][1]
      sizes.append((x.shape[i + 1] - 1) * stride + reach - low - high + more)
      pads.append([reach - 1 - low, reach - 1 - high + more])
      // A convolution with strides leaves out less than a stride.
      forwardPadding.append([low, more < stride ? high : high - more])
    }
    if x.count > 0, kernel.count > 0, sizes.allSatisfy({ $0 > 0 }), kernel.shape[spatial + 1] % groups == 0 {
      // What the gradient of a convolution does, whose output has the shape of `x`.
      let forward = Convolution(
        strides: plan.strides, padding: forwardPadding, inputDilation: plan.strides.map { _ in 1 },
        kernelDilation: plan.kernelDilation, groups: groups)
      return forward.inputGradient(forward.exchangingChannels(kernel), x, [0] + sizes + [0])
    }
    return Tensor.apply1(
      Convolution(
        strides: plan.strides.map { _ in 1 }, padding: pads, inputDilation: plan.strides,
        kernelDilation: plan.kernelDilation, groups: groups),
      [x, kernel.reverse(Array(0..<spatial))])
  }
}
