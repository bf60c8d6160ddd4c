extension GraphReader.Operation {
  /// Operations that move elements, and gathers.
  func shaping(_ name: String) throws -> Tensor? {
    switch name {
    case "reshape": return reshaped(try tensors(1)[0], try resultType().shape)
    case "broadcast_in_dim":
      return broadcast(try tensors(1)[0], to: try resultType().shape, axes: try required("broadcast_dimensions"))
    case "broadcast":
      let x = try tensors(1)[0]
      let sizes = try required("broadcast_sizes")
      guard sizes.allSatisfy({ $0 >= 0 }) else { throw error("broadcast_sizes is \(sizes), expected no negative size") }
      return broadcast(x, to: sizes + x.shape, axes: x.shape.indices.map { $0 + sizes.count })
    case "transpose":
      let (x, order) = (try tensors(1)[0], try required("permutation"))
      return order == Array(0..<x.rank) ? x : Tensor.apply1(Transpose(permutation: order), [x])
    case "reverse":
      return Tensor.apply1(Reverse(axes: try required("dimensions")), try tensors(1))
    case "slice":
      return Tensor.apply1(
        Slice(
          starts: try required("start_indices"), limits: try required("limit_indices"), strides: try required("strides")
        ),
        try tensors(1))
    case "pad":
      return Tensor.apply1(
        Pad(
          low: try required("edge_padding_low"), high: try required("edge_padding_high"),
          interior: try required("interior_padding")), try tensors(2))
    case "concatenate":
      let operands = try tensors()
      let axis = try requiredInteger("dimension")
      if operands.count == 1, operands[0].shape.indices.contains(axis) { return operands[0] }
      return Tensor.apply1(Concatenate(axis: axis), operands)
    case "dynamic_slice":
      let operands = try tensors()
      guard operands.count > 0 else { throw error("has no operand") }
      return Tensor.apply1(DynamicSlice(sizes: try required("slice_sizes")), operands)
    case "dynamic_update_slice":
      let operands = try tensors()
      guard operands.count > 1 else { throw error("has \(operands.count) operand(s), expected at least 2") }
      return Tensor.apply1(DynamicUpdateSlice(), operands)
    case "gather": return try gather(try tensors(2), sizes: try required("slice_sizes"))
    case "torch_index_select": return try indexSelect()
    case "einsum":
      let operands = try tensors(2)
      return einsum(try word("einsum_config") ?? "", operands[0], operands[1])
    case "unary_einsum":
      return einsum(try word("einsum_config") ?? "", try tensors(1)[0])
    default: return nil
    }
  }

  func reshaped(_ x: Tensor, _ shape: Shape) -> Tensor {
    x.shape == shape ? x : Tensor.apply1(Reshape(shape: shape), [x])
  }

  func broadcast(_ x: Tensor, to shape: Shape, axes: [Int]) -> Tensor {
    if shape == x.shape, axes == Array(0..<x.rank) { return x }
    return Tensor.apply1(BroadcastInDim(shape: shape, axes: axes), [x])
  }

  func gather(_ operands: [Tensor], sizes: [Int]) throws -> Tensor {
    let fields = try fields("dimension_numbers")
    let dimensions = GatherDimensions(
      sliceAxes: try fieldIntegers(fields, "offset_dims"),
      collapsedAxes: try fieldIntegers(fields, "collapsed_slice_dims"),
      operandBatchAxes: try fieldIntegers(fields, "operand_batching_dims"),
      indexBatchAxes: try fieldIntegers(fields, "start_indices_batching_dims"),
      indexedAxes: try fieldIntegers(fields, "start_index_map"),
      indexVectorAxis: try fields["index_vector_dim"].map { try integers(.list([$0]), "index_vector_dim")[0] } ?? 0)
    return Tensor.apply1(Gather(dimensions: dimensions, sizes: sizes), operands)
  }

  /// Rows of the operand at the places of the index, as PyTorch's `index_select`, with leading axes in common.
  private func indexSelect() throws -> Tensor {
    let operands = try tensors(2)
    let (x, index) = (operands[0], operands[1])
    let (axis, batch) = (try requiredInteger("dim"), try requiredInteger("batch_dims"))
    guard batch >= 0, batch <= axis, axis < x.rank, batch <= index.rank else {
      throw error("dim \(axis) and batch_dims \(batch) don't fit \(x.shape) and \(index.shape)")
    }
    let lead = index.rank - batch
    let dimensions = GatherDimensions(
      sliceAxes: Array(batch..<axis) + Array((axis + lead)..<(x.rank - 1 + lead)), collapsedAxes: [axis],
      operandBatchAxes: Array(0..<batch), indexBatchAxes: Array(0..<batch), indexedAxes: [axis],
      indexVectorAxis: index.rank)
    var sizes = x.shape
    for i in Array(0..<batch) + [axis] { sizes[i] = 1 }
    return Tensor.apply1(Gather(dimensions: dimensions, sizes: sizes), [x, index])
  }

  /// Operations whose shape is an operand, which must be known.
  func dynamic(_ name: String) throws -> Tensor? {
    switch name {
    case "get_dimension_size":
      let (x, axis) = (try tensors(1)[0], try requiredInteger("dimension"))
      guard x.shape.indices.contains(axis) else { throw error("axis \(axis) isn't one of \(x.shape)") }
      return Tensor.apply1(Constant(type: TensorType(.int32, []), literal: "\(x.shape[axis])"), [])
    case "set_dimension_size":
      let (operands, axis) = (try tensors(2), try requiredInteger("dimension"))
      let (x, size) = (operands[0], try numbers(operands[1], "the size"))
      guard x.shape.indices.contains(axis), size == [x.shape[axis]] else {
        throw error("axis \(axis) of \(x.shape) can't be given size \(size): tensors have one size")
      }
      return x
    case "dynamic_reshape":
      let operands = try tensors(2)
      return reshaped(operands[0], try shape(operands[1]))
    case "dynamic_broadcast_in_dim":
      let operands = try tensors(2)
      return broadcast(operands[0], to: try shape(operands[1]), axes: try required("broadcast_dimensions"))
    case "dynamic_iota":
      guard case .tensor(let element, _)? = text.resultTypes.first else { throw error("has no result") }
      let type = TensorType(try reader.dtype(element, at: text.place), try shape(tensors(1)[0]))
      return Tensor.apply1(Iota(type: type, axis: try requiredInteger("iota_dimension")), [])
    case "dynamic_pad":
      let operands = try tensors(5)
      return Tensor.apply1(
        Pad(
          low: try numbers(operands[2], "the low padding"), high: try numbers(operands[3], "the high padding"),
          interior: try numbers(operands[4], "the interior padding")), [operands[0], operands[1]])
    case "dynamic_gather":
      let operands = try tensors(3)
      return try gather(Array(operands[..<2]), sizes: try numbers(operands[2], "the slice sizes"))
    case "dynamic_conv":
      let operands = try tensors(3)
      let list = try numbers(operands[2], "the padding")
      guard operands[2].rank == 2, operands[2].shape[1] == 2 else { throw error("padding is \(operands[2].type)") }
      return try convolution(
        Array(operands[..<2]), padding: (0..<(list.count / 2)).map { [list[2 * $0], list[2 * $0 + 1]] })
    case "real_dynamic_slice":
      let operands = try tensors(4)
      return Tensor.apply1(
        Slice(
          starts: try numbers(operands[1], "the starts"), limits: try numbers(operands[2], "the limits"),
          strides: try numbers(operands[3], "the strides")), [operands[0]])
    default: return nil
    }
  }

  private func shape(_ tensor: Tensor) throws -> Shape {
    let shape = try numbers(tensor, "the shape")
    guard MLIRScanner.isReasonable(shape) else { throw error("\(shape) isn't a shape of less than 2^40 elements") }
    return shape
  }
}
