/// The input's cotangent of a convolution, from kernel and output's cotangent: the transposed convolution.
///
/// `Convolution` and the two gradients come from one form that is linear in input, kernel and output's cotangent, so
/// the derivatives of each are the other two.
struct ConvolutionInputGradient: Primitive {
  let forward: Convolution
  /// Spatial sizes of the input.
  let sizes: [Int]
  var name: String { "convolution" }

  private var spatial: Int { sizes.count }

  /// Type of the input, as the convolution takes it.
  private func inputType(_ w: TensorType, _ g: TensorType) throws -> TensorType {
    guard w.rank == spatial + 2, g.rank == spatial + 2 else {
      throw TensorError.shape(
        name, "kernel \(w.shape) and output's gradient \(g.shape) don't have \(spatial) spatial axes")
    }
    return g.with(shape: [g.shape[0]] + sizes + [w.shape[spatial] * forward.groups])
  }

  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    let x = try inputType(inputs[0], inputs[1])
    let output = try forward.resultTypes([x, inputs[0]])[0]
    guard output == inputs[1] else {
      throw TensorError.shape(name, "output's gradient is \(inputs[1]), the output \(output)")
    }
    return [x]
  }

  func multiplyAdds(_ inputs: [TensorType]) -> Int {
    (try? inputType(inputs[0], inputs[1])).map { forward.multiplyAdds([$0, inputs[0]]) } ?? 0
  }

  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    let (w, g) = (operands[0].type, operands[1].type)
    let x = try inputType(w, g)
    if forward.isProduct(kernel: w) {
      return try printer.inline(operands) { [forward] in
        forward.product($0[1], $0[0].reshape([w.shape[spatial], -1]).transpose())
      }
    }
    if let results = OneDNN.lower(.inputGradient, of: forward, input: x, kernel: w, output: g, operands, into: &printer)
    {
      return results
    }
    return try printer.inline(operands) { asConvolution($0[0], $0[1]) }
  }

  /// The cotangent spread out by the strides, with the kernel reversed and its channels exchanged.
  private func asConvolution(_ w: Tensor, _ g: Tensor) -> Tensor {
    let axes = Array(0..<spatial)
    let turned = forward.exchangingChannels(w.reverse(axes))
    let pads = axes.map { i in
      let reach = WindowPlan.dilated(w.shape[i], forward.kernelDilation[i])
      let low = reach - 1 - forward.padding[i][0]
      let size = WindowPlan.dilated(sizes[i], forward.inputDilation[i])
      return [low, size + reach - 1 - WindowPlan.dilated(g.shape[i + 1], forward.strides[i]) - low]
    }
    return Tensor.apply1(
      Convolution(
        strides: forward.inputDilation, padding: pads, inputDilation: forward.strides,
        kernelDilation: forward.kernelDilation, groups: forward.groups), [g, turned])
  }

  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    let (w, g, t) = (context.inputs[0], context.inputs[1], context.cotangent)
    return [
      context.needs[0] ? forward.kernelGradient(t, g, w.shape) : nil,
      context.needs[1] ? Tensor.apply1(forward, [t, w]) : nil,
    ]
  }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    let (w, g) = (Batched(tensor: inputs[0], axis: axes[0]), Batched(tensor: inputs[1], axis: axes[1]))
    if size == 0 { return (try noExamples(inputs, axes), [0]) }
    if w.axis == nil {
      // Examples of examples are examples.
      let all = g.leading(size)
      let merged = all.reshape([size * all.shape[1]] + all.shape[2...])
      let result = Tensor.apply1(self, [w.tensor, merged])
      return ([result.reshape([size, all.shape[1]] + result.shape.dropFirst())], [0])
    }
    // Each example has a kernel of its own: channels of its own, in groups of their own.
    let apart = ConvolutionInputGradient(forward: forward.with(groups: forward.groups * size), sizes: sizes)
    let result = Tensor.apply1(apart, [w.inChannels(size, spatial + 1), g.inChannels(size, spatial + 1)])
    return ([result.splitChannels(spatial + 1, size)], [spatial + 1])
  }
}

/// The kernel's cotangent of a convolution, from input and output's cotangent.
struct ConvolutionKernelGradient: Primitive {
  let forward: Convolution
  /// Spatial sizes of the kernel.
  let sizes: [Int]
  var name: String { "convolution" }

  private var spatial: Int { sizes.count }

  private func kernelType(_ x: TensorType, _ g: TensorType) throws -> TensorType {
    guard x.rank == spatial + 2, g.rank == spatial + 2, x.shape[spatial + 1] % forward.groups == 0 else {
      throw TensorError.shape(
        name, "input \(x.shape) and output's gradient \(g.shape) don't fit \(spatial) axes and \(forward.groups) groups"
      )
    }
    return x.with(shape: sizes + [x.shape[spatial + 1] / forward.groups, g.shape[spatial + 1]])
  }

  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    let w = try kernelType(inputs[0], inputs[1])
    let output = try forward.resultTypes([inputs[0], w])[0]
    guard output == inputs[1] else {
      throw TensorError.shape(name, "output's gradient is \(inputs[1]), the output \(output)")
    }
    return [w]
  }

  func multiplyAdds(_ inputs: [TensorType]) -> Int {
    (try? kernelType(inputs[0], inputs[1])).map { forward.multiplyAdds([inputs[0], $0]) } ?? 0
  }

  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    let (x, g) = (operands[0].type, operands[1].type)
    let w = try kernelType(x, g)
    if forward.isProduct(kernel: w) {
      return try printer.inline(operands) { operands in
        let rows = operands.map { $0.reshape([-1, $0.shape[spatial + 1]]) }
        return rows[0].transpose().matmul(rows[1]).reshape(w.shape)
      }
    }
    if let results = OneDNN.lower(
      .kernelGradient, of: forward, input: x, kernel: w, output: g, operands, into: &printer)
    {
      return results
    }
    return try printer.inline(operands) { asConvolution($0[0], $0[1]) }
  }

  /// The input convolved with the cotangent: examples are summed over, channels take the place of examples. Groups
  /// move from the channels to the summed axis.
  private func asConvolution(_ x: Tensor, _ g: Tensor) -> Tensor {
    let groups = forward.groups
    let (n, c) = (x.shape[0], x.shape[spatial + 1] / groups)
    let places = Array(1...spatial)
    let apart = x.reshape(Array(x.shape.dropLast()) + [groups, c])
    let input = apart.transpose([spatial + 2] + places + [spatial + 1, 0]).reshape(
      [c] + places.map { x.shape[$0] } + [groups * n])
    let pads = (0..<spatial).map { i in
      let size = WindowPlan.dilated(x.shape[i + 1], forward.inputDilation[i])
      let reach = WindowPlan.dilated(sizes[i], forward.kernelDilation[i])
      let low = forward.padding[i][0]
      return [low, WindowPlan.dilated(g.shape[i + 1], forward.strides[i]) - size + reach - low - 1]
    }
    let result = Tensor.apply1(
      Convolution(
        strides: forward.kernelDilation, padding: pads, inputDilation: forward.inputDilation,
        kernelDilation: forward.strides, groups: groups), [input, g.transpose(places + [0, spatial + 1])])
    return result.transpose(places + [0, spatial + 1])
  }

  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    let (x, g, v) = (context.inputs[0], context.inputs[1], context.cotangent)
    return [
      context.needs[0] ? forward.inputGradient(v, g, x.shape) : nil,
      context.needs[1] ? Tensor.apply1(forward, [x, v]) : nil,
    ]
  }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    let (x, g) = (Batched(tensor: inputs[0], axis: axes[0]), Batched(tensor: inputs[1], axis: axes[1]))
    if size == 0 { return (try noExamples(inputs, axes), [0]) }
    if x.axis == nil, forward.groups == 1 {
      let result = Tensor.apply1(self, [x.tensor, g.inChannels(size, spatial + 1)])
      return ([result.splitChannels(spatial + 1, size)], [spatial + 1])
    }
    if g.axis == nil, forward.groups == 1 {
      let result = Tensor.apply1(self, [x.inChannels(size, spatial + 1), g.tensor])
      return ([result.splitChannels(spatial, size)], [spatial])
    }
    let apart = ConvolutionKernelGradient(forward: forward.with(groups: forward.groups * size), sizes: sizes)
    let result = Tensor.apply1(apart, [x.inChannels(size, spatial + 1), g.inChannels(size, spatial + 1)])
    return ([result.splitChannels(spatial + 1, size)], [spatial + 1])
  }
}

extension Primitive {
  /// Results for a batch without examples, at axis 0.
  fileprivate func noExamples(_ inputs: [Tensor], _ axes: [Int?]) throws -> [Tensor] {
    let types = zip(inputs, axes).map { input, axis in
      input.type.with(shape: axis.map(input.shape.removing) ?? input.shape)
    }
    return try resultTypes(types).map { Tensor.zeros([0] + $0.shape, dtype: $0.dtype) }
  }
}

extension Batched {
  /// The examples as outer part of an axis of one example.
  fileprivate func inChannels(_ size: Int, _ channels: Int) -> Tensor {
    let apart = leading(size).moveAxis(from: 0, to: channels)
    return apart.reshape(
      Array(apart.shape[..<channels]) + [size * apart.shape[channels + 1]] + apart.shape[(channels + 2)...])
  }
}

extension Tensor {
  /// An axis as `parts` of equal size and what is in them.
  fileprivate func splitChannels(_ axis: Int, _ parts: Int) -> Tensor {
    if failure != nil { return self }
    return reshape(Array(shape[..<axis]) + [parts, shape[axis] / parts] + shape[(axis + 1)...])
  }
}

extension Convolution {
  func with(groups: Int) -> Convolution {
    Convolution(
      strides: strides, padding: padding, inputDilation: inputDilation, kernelDilation: kernelDilation, groups: groups)
  }

  func inputGradient(_ w: Tensor, _ g: Tensor, _ shape: Shape) -> Tensor {
    Tensor.apply1(
      ConvolutionInputGradient(forward: self, sizes: Array(shape.dropFirst().dropLast())), [w, g])
  }

  func kernelGradient(_ x: Tensor, _ g: Tensor, _ shape: Shape) -> Tensor {
    Tensor.apply1(ConvolutionKernelGradient(forward: self, sizes: Array(shape.dropLast(2))), [x, g])
  }

  /// [spatial…, c, groups · o] to [spatial…, o, groups · c].
  func exchangingChannels(_ w: Tensor) -> Tensor {
    let spatial = strides.count
    let axes = Array(0..<spatial)
    if groups == 1 { return w.transpose(axes + [spatial + 1, spatial]) }
    let (c, o) = (w.shape[spatial], w.shape[spatial + 1] / groups)
    return w.reshape(Array(w.shape[..<spatial]) + [c, groups, o])
      .transpose(axes + [spatial + 2, spatial + 1, spatial]).reshape(Array(w.shape[..<spatial]) + [o, groups * c])
  }

  /// Whether each place is multiplied with one matrix and that is all.
  func isProduct(kernel: TensorType) -> Bool {
    groups == 1 && kernel.shape.dropLast(2).allSatisfy { $0 == 1 } && (strides + inputDilation).allSatisfy { $0 == 1 }
      && padding.allSatisfy { $0 == [0, 0] }
  }

  /// The product at each place: [N, spatial…, C] with [C, O].
  func product(_ x: Tensor, _ matrix: Tensor) -> Tensor {
    x.reshape([-1, matrix.shape[0]]).matmul(matrix).reshape(x.shape.dropLast() + [matrix.shape[1]])
  }
}

extension StableHLOPrinter {
  /// Prints ordinary tensor code.
  ///
  /// - Parameter body: a function of the operands alone.
  mutating func inline(_ operands: [SSAValue], _ body: ([Tensor]) throws -> Tensor) throws -> [SSAValue] {
    let (region, captured) = try Region.trace(operands.map(\.type)) { [try body($0)] }
    guard captured.isEmpty else { throw TensorError.leak }
    return try region.program.lower(operands, into: &self)
  }
}
