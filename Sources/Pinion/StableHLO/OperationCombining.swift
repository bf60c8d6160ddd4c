extension GraphReader.Operation {
  /// Operations that combine elements: contractions, convolutions, and those with a body of scalars.
  func combining(_ name: String) throws -> [Tensor]? {
    switch name {
    case "dot_general", "dot": return [try dot(isGeneral: name == "dot_general")]
    case "ragged_dot": return [try raggedDot()]
    case "convolution":
      let operands = try tensors(2)
      return [try convolution(operands, padding: try padding(count: max(operands[0].rank - 2, 0)))]
    case "reduce": return try reduce()
    case "reduce_window": return try reduceWindow()
    case "select_and_scatter": return [try selectAndScatter()]
    case "scatter": return try scatter()
    case "sort": return try sort()
    case "map":
      let operands = try tensors()
      let region = try closed(
        try regions(1)[0], operands.map { TensorType($0.dtype, []) })
      guard let first = operands.first, operands.allSatisfy({ $0.shape == first.shape }) else {
        throw error("operands have different shapes: \(operands.map(\.shape))")
      }
      guard try required("dimensions") == Array(0..<first.rank) else {
        throw error("dimensions aren't those of \(first.shape), in order")
      }
      guard region.resultTypes.count == 1, region.resultTypes[0].rank == 0 else {
        throw error("the body returns \(region.resultTypes), expected one scalar")
      }
      return try region.elementwise(operands)
    case "top_k":
      return Tensor.apply(TopK(k: try requiredInteger("k")), try tensors(1), resultCount: 2)
    case "fft":
      guard let word = try word("fft_type"), let kind = FFT.Kind(rawValue: word) else {
        throw error("fft_type isn't FFT, IFFT, RFFT or IRFFT")
      }
      return [Tensor.apply1(FFT(kind: kind, sizes: try required("fft_length")), try tensors(1))]
    case "triangular_solve": return [try triangularSolve()]
    case "cholesky":
      let a = try tensors(1)[0]
      let isLower = try bool("lower") ?? false
      let half = isLower ? a.lowerTriangle() : a.upperTriangle().adjoint()
      let factor = Tensor.apply1(Cholesky(), [half + half.lowerTriangle(offset: -1).adjoint()])
      return [isLower ? factor : factor.adjoint()]
    case "rng_bit_generator":
      let algorithms = ["DEFAULT": RandomBits.Algorithm.standard, "THREE_FRY": .threefry, "PHILOX": .philox]
      guard let word = try word("rng_algorithm"), let algorithm = algorithms[word] else {
        throw error("rng_algorithm isn't DEFAULT, THREE_FRY or PHILOX")
      }
      guard text.resultTypes.count == 2 else { throw error("has \(text.resultTypes.count) result types, expected 2") }
      let type = try reader.tensorType(text.resultTypes[1], at: text.place)
      return Tensor.apply(RandomBits(algorithm: algorithm, type: type), try tensors(1), resultCount: 2)
    case "batch_norm_inference", "batch_norm_training", "batch_norm_grad": return try batchNorm(name)
    default: return nil
    }
  }

  private func dot(isGeneral: Bool) throws -> Tensor {
    var operands = try tensors(2)
    let primitive: DotGeneral
    if !isGeneral {
      guard (1...2).contains(operands[0].rank), (1...2).contains(operands[1].rank) else {
        throw error("operands are \(operands.map(\.shape)), expected vectors or matrices")
      }
      primitive = DotGeneral(batch: [[], []], contract: [[operands[0].rank - 1], [0]])
    } else if text.attributes["dot_dimension_numbers"] != nil {
      let fields = try fields("dot_dimension_numbers")
      primitive = DotGeneral(
        batch: try ["lhs_batching_dimensions", "rhs_batching_dimensions"].map { try fieldIntegers(fields, $0) },
        contract: try ["lhs_contracting_dimensions", "rhs_contracting_dimensions"].map { try fieldIntegers(fields, $0) }
      )
    } else {
      primitive = DotGeneral(batch: try pairs("batching_dims"), contract: try pairs("contracting_dims"))
    }
    try checkAlgorithm()
    let dtype = try resultType().dtype
    // Products of small numbers may be summed up in larger ones.
    let widens = zip(operands, operands.dropFirst()).allSatisfy { $0.dtype == $1.dtype } && dtype != operands[0].dtype
    if widens, dtype.isInteger == operands[0].dtype.isInteger, dtype.byteCount >= operands[0].dtype.byteCount {
      operands = operands.map { Tensor.apply1(Convert(dtype: dtype), [$0]) }
    }
    return Tensor.apply1(primitive, operands)
  }

  /// A product for each group of places along an axis of the left operand, the ragged one: with the part of the right
  /// operand that is the group's, or, where the ragged axis is summed over, of the group's places alone.
  private func raggedDot() throws -> Tensor {
    let operands = try tensors(3)
    let (x, sizes) = (operands[0], operands[2])
    let fields = try fields("ragged_dot_dimension_numbers")
    let batch = try ["lhs_batching_dimensions", "rhs_batching_dimensions"].map { try fieldIntegers(fields, $0) }
    let contract = try ["lhs_contracting_dimensions", "rhs_contracting_dimensions"].map {
      try fieldIntegers(fields, $0)
    }
    let (ragged, group) = (
      try fieldIntegers(fields, "lhs_ragged_dimensions"), try fieldIntegers(fields, "rhs_group_dimensions")
    )
    guard ragged.count == 1, x.shape.indices.contains(ragged[0]) else {
      throw error("lhs_ragged_dimensions is \(ragged), expected one axis of \(x.shape)")
    }
    let axis = ragged[0]
    if batch[0].contains(axis) {
      return Tensor.apply1(DotGeneral(batch: batch, contract: contract), [x, operands[1]])
    }
    guard sizes.rank == 1, sizes.dtype.isInteger else {
      throw unsupported("takes groups that are the same in all of a batch, got sizes \(sizes.type)")
    }
    let isSummed = contract[0].contains(axis)
    guard group.count == (isSummed ? 0 : 1) else {
      throw error("rhs_group_dimensions is \(group), expected \(isSummed ? "none" : "one axis")")
    }
    // A copy of the left operand for each group, with zeros outside of it.
    let shape = sizes.shape + x.shape
    let places = Tensor.iota([sizes.count, x.shape[axis]], axis: 1, dtype: sizes.dtype)
    let ends = sizes.cumulativeSum().expandDims(1)
    let isInside = (places .< ends) .&& (places .>= ends - sizes.expandDims(1))
    let mask = Tensor.apply1(BroadcastInDim(shape: shape, axes: [0, axis + 1]), [isInside])
    let copies = x.broadcast(to: shape)
    let parts = select(mask, copies, Tensor.zeros(like: copies))
    let product = Tensor.apply1(
      DotGeneral(
        batch: [batch[0].map { $0 + 1 }, batch[1]],
        contract: [(isSummed ? [] : [0]) + contract[0].map { $0 + 1 }, group + contract[1]]), [parts, operands[1]])
    return isSummed ? product.moveAxis(from: batch[0].count, to: 0) : product
  }

  /// The algorithm that a product may name: nothing here follows it, but it must be one.
  private func checkAlgorithm() throws {
    let attribute = text.attributes["precision_config"] ?? text.attributes["precision"]
    var precisions: [String] = []
    if case .list(let items)? = attribute {
      guard items.count <= 2 else { throw error("names \(items.count) precisions, expected 2") }
      for item in items { if case .word(let word) = item { precisions.append(word) } }
      guard precisions.allSatisfy({ ["DEFAULT", "HIGH", "HIGHEST"].contains($0) }) else {
        throw error("precision_config is \(precisions), expected DEFAULT, HIGH or HIGHEST")
      }
    }
    guard case .dictionary(let fields)? = text.attributes["algorithm"] else { return }
    guard precisions.allSatisfy({ $0 == "DEFAULT" }) else {
      throw error("the algorithm and a precision other than DEFAULT exclude each other")
    }
    for name in ["lhs_component_count", "rhs_component_count", "num_primitive_operations"] {
      guard case .integer(let count)? = fields[name], count > 0 else {
        throw error("\(name) of the algorithm isn't above 0")
      }
    }
  }

  private func triangularSolve() throws -> Tensor {
    let operands = try tensors(2)
    let transposes = ["NO_TRANSPOSE": false, "TRANSPOSE": true, "ADJOINT": true]
    guard let word = try word("transpose_a"), let transpose = transposes[word] else {
      throw error("transpose_a isn't NO_TRANSPOSE, TRANSPOSE or ADJOINT")
    }
    let dtype = operands[0].dtype
    // Small floating-point types have no solver of their own.
    let isSmall = dtype == .float16 || dtype == .bfloat16
    let (a, b) = isSmall ? (operands[0].cast(.float32), operands[1].cast(.float32)) : (operands[0], operands[1])
    guard let left = try bool("left_side"), let isLower = try bool("lower"), let unit = try bool("unit_diagonal") else {
      throw error("lacks one of the attributes 'left_side', 'lower', 'unit_diagonal'")
    }
    let x = Tensor.apply1(
      TriangularSolve(isLower: isLower, transpose: transpose, fromRight: !left, unitDiagonal: unit),
      [word == "ADJOINT" ? a.conjugate() : a, b])
    return isSmall ? x.cast(dtype) : x
  }

  private func pairs(_ name: String) throws -> [[Int]] {
    guard let attribute = text.attributes[name] else { return [[], []] }
    guard case .list(let sides) = attribute, sides.count == 2 else { throw error("\(name) isn't two lists") }
    return try sides.map { try integers($0, name) }
  }

  /// Brought to our layout: [N, spatial…, C] and [spatial…, C/groups, O].
  func convolution(_ operands: [Tensor], padding: [[Int]]) throws -> Tensor {
    let (x, kernel) = (operands[0], operands[1])
    let spatial = x.rank - 2
    guard spatial >= 0, kernel.rank == x.rank else {
      throw error("operands are \(x.shape) and \(kernel.shape), expected equal ranks of at least 2")
    }
    let axes = try convolutionAxes(spatial)
    let groups = try integer("feature_group_count") ?? 1
    let batches = try integer("batch_group_count") ?? 1
    guard groups > 0, batches > 0, groups == 1 || batches == 1 else {
      throw error("\(groups) feature groups and \(batches) batch groups, expected numbers above 0, one of them 1")
    }
    if case .list(let precision)? = text.attributes["precision_config"], !precision.isEmpty, precision.count != 2 {
      throw error("precision_config names \(precision.count) precision(s), expected 2")
    }
    var input = Tensor.apply1(Transpose(permutation: axes[0]), [x])
    var weights = Tensor.apply1(Transpose(permutation: axes[1]), [kernel])
    if axes[0] == Array(0..<x.rank) { input = x }
    if axes[1] == Array(0..<x.rank) { weights = kernel }
    let reversed = try integers("window_reversal", count: spatial, default: 0)
    if reversed.contains(1) { weights = weights.reverse(reversed.indices.filter { reversed[$0] == 1 }) }
    let outputs = kernel.shape[axes[1][spatial + 1]]
    guard outputs % batches == 0, x.shape[axes[0][0]] % batches == 0 else {
      throw error(
        "\(x.shape[axes[0][0]]) examples and \(outputs) output channels don't divide into \(batches) batch groups")
    }
    if batches > 1 {
      // Groups of examples take the place of groups of channels.
      let shape = input.shape
      let apart = input.reshape([batches, shape[0] / batches] + shape.dropFirst())
      let order = [1] + (2..<(spatial + 2)) + [0, spatial + 2]
      input = apart.transpose(order).reshape(
        [shape[0] / batches] + shape[1...spatial] + [batches * shape[spatial + 1]])
    }
    guard padding.count == spatial else { throw error("padding is \(padding), expected \(spatial) pairs") }
    let dtype = try resultDType()
    if dtype != input.dtype, input.dtype == weights.dtype, dtype.isInteger == input.dtype.isInteger,
      dtype.byteCount >= input.dtype.byteCount
    {
      (input, weights) = (input.cast(dtype), weights.cast(dtype))
    }
    let primitive = Convolution(
      strides: try positive("window_strides", count: spatial), padding: padding,
      inputDilation: try positive("lhs_dilation", count: spatial),
      kernelDilation: try positive("rhs_dilation", count: spatial), groups: groups * batches)
    let isEmpty = (0..<spatial).contains { i in
      WindowPlan.dilated(input.shape[i + 1], primitive.inputDilation[i]) + padding[i][0] + padding[i][1]
        < WindowPlan.dilated(weights.shape[i], primitive.kernelDilation[i])
    }
    if isEmpty, input.failure == nil, weights.failure == nil, input.dtype == weights.dtype {
      // A kernel that covers more than there is has no place to stand; ours is an error.
      return Tensor.zeros(try resultType().shape, dtype: dtype)
    }
    let result = Tensor.apply1(primitive, [input, weights])
    if result.failure != nil { return result }
    var inverse = axes[2]
    for (i, axis) in axes[2].enumerated() { inverse[axis] = i }
    return inverse == Array(0..<x.rank) ? result : Tensor.apply1(Transpose(permutation: inverse), [result])
  }

  private func resultDType() throws -> DType {
    guard case .tensor(let element, _)? = text.resultTypes.first else { throw error("has no result") }
    return try reader.dtype(element, at: text.place)
  }

  /// For input, kernel and result where our axes lie in the text's.
  private func convolutionAxes(_ spatial: Int) throws -> [[Int]] {
    switch text.attributes["dimension_numbers"] {
    case .convolution(let lists)?:
      return try zip(lists, [["b", "f"], ["i", "o"], ["b", "f"]]).map { list, letters in
        let places = try (0..<spatial).map { try place("\($0)", list, spatial) }
        let (first, second) = (try place(letters[0], list, spatial), try place(letters[1], list, spatial))
        return letters[0] == "b" ? [first] + places + [second] : places + [first, second]
      }
    case .dictionary(let fields)?:
      let names = [
        ("input_batch_dimension", "input_feature_dimension", "input_spatial_dimensions"),
        ("kernel_input_feature_dimension", "kernel_output_feature_dimension", "kernel_spatial_dimensions"),
        ("output_batch_dimension", "output_feature_dimension", "output_spatial_dimensions"),
      ]
      return try names.enumerated().map { side, names in
        let first = try fieldIntegers(["": .list([fields[names.0] ?? .integer(0)])], "")
        let second = try fieldIntegers(["": .list([fields[names.1] ?? .integer(0)])], "")
        let places = try fieldIntegers(fields, names.2)
        let order = side == 1 ? places + first + second : first + places + second
        guard order.sorted() == Array(0..<(spatial + 2)) else { throw error("dimension_numbers aren't distinct axes") }
        return order
      }
    default: throw error("has no attribute 'dimension_numbers'")
    }
  }

  private func place(_ letter: String, _ list: [String], _ spatial: Int) throws -> Int {
    guard list.count == spatial + 2, let place = list.firstIndex(of: letter) else {
      throw error("dimension numbers \(list) have no axis '\(letter)', or aren't \(spatial + 2)")
    }
    return place
  }

  // MARK: Bodies of scalars

  /// A value and its neutral start: pairs of operands of a reduction.
  private func halves() throws -> (operands: [Tensor], starts: [Tensor]) {
    let tensors = try tensors()
    guard tensors.count > 0, tensors.count % 2 == 0 else {
      throw error("has \(tensors.count) operand(s), expected tensors and as many start values")
    }
    let half = tensors.count / 2
    let (operands, starts) = (Array(tensors[..<half]), Array(tensors[half...]))
    for (x, start) in zip(operands, starts) where start.type != TensorType(x.dtype, []) {
      throw error("the start value is \(start.type), expected a scalar of \(x.dtype)")
    }
    guard operands.allSatisfy({ $0.shape == operands[0].shape }) else {
      throw error("operands have different shapes: \(operands.map(\.shape))")
    }
    return (operands, starts)
  }

  /// The body of a reduction: from two of each scalar to one of each.
  private func reducer(_ types: [TensorType], _ index: Int = 0) throws -> Region {
    guard index < text.regions.count else { throw error("has \(text.regions.count) region(s)") }
    let scalars = types.map { TensorType($0.dtype, []) }
    let body = try closed(text.regions[index], scalars + scalars)
    guard body.resultTypes == scalars else {
      throw error("the body returns \(body.resultTypes), expected \(scalars)")
    }
    return body
  }

  private static let reductions: [String: Reduce.Kind] = [
    "stablehlo.add": .sum, "stablehlo.multiply": .product, "stablehlo.maximum": .max, "stablehlo.minimum": .min,
    "stablehlo.or": .any, "stablehlo.and": .all,
  ]

  /// Whether a tensor is a constant scalar of that literal.
  private func holds(_ tensor: Tensor, _ literal: String) -> Bool {
    (tensor.node.primitive as? Constant)?.literal == literal
  }

  private func reduce() throws -> [Tensor] {
    let (operands, starts) = try halves()
    let axes = try required("dimensions")
    guard Set(axes).count == axes.count, axes.allSatisfy({ operands[0].shape.indices.contains($0) }) else {
      throw error("dimensions \(axes) aren't distinct axes of \(operands[0].shape)")
    }
    let body = try reducer(operands.map(\.type))
    let (x, start) = (operands[0], starts[0])
    if operands.count == 1, let kind = simple(text.regions[0]).flatMap({ Self.reductions[$0] }),
      let combine = kind.binary, (kind == .any || kind == .all) == (x.dtype == .bool),
      !x.dtype.isComplex || kind == .sum || kind == .product
    {
      let result = Tensor.apply1(Reduce(kind: kind, axes: axes.sorted()), [x])
      if holds(start, kind.startLiteral(x.dtype)) || result.failure != nil { return [result] }
      return [Tensor.apply1(Binary(kind: combine), [result, start.broadcast(to: result.shape)])]
    }
    return Tensor.apply(Fold(body: body, axes: axes.sorted()), operands + starts, resultCount: operands.count)
  }

  private func window(_ rank: Int) throws -> Window {
    let sizes = try required("window_dimensions")
    guard sizes.count == rank, sizes.allSatisfy({ $0 > 0 }) else {
      throw error("window_dimensions is \(sizes), expected \(rank) numbers above 0")
    }
    return Window(
      sizes: sizes, strides: try positive("window_strides", count: rank), padding: try padding(count: rank),
      baseDilation: try positive("base_dilations", count: rank),
      windowDilation: try positive("window_dilations", count: rank))
  }

  private func reduceWindow() throws -> [Tensor] {
    let (operands, starts) = try halves()
    let window = try window(operands[0].rank)
    let body = try reducer(operands.map(\.type))
    let x = operands[0]
    let kinds: [String: WindowReduce.Kind] = [
      "stablehlo.add": .sum, "stablehlo.maximum": .max, "stablehlo.minimum": .min,
    ]
    let active = window.sizes.indices.filter { window.sizes[$0] > 1 }
    if operands.count == 1, active.count == 1, let axis = active.first, window.isPlain(but: axis),
      let kind = simple(text.regions[0]).flatMap({ kinds[$0] }), x.dtype != .bool,
      !x.dtype.isComplex || kind == .sum, holds(starts[0], kind.startLiteral(x.dtype)), x.count > 0,
      window.padding[axis].allSatisfy({ $0 >= 0 && $0 < window.sizes[axis] })
    {
      return [
        Tensor.apply1(
          WindowReduce(
            kind: kind, axis: axis, window: window.sizes[axis], stride: window.strides[axis],
            low: window.padding[axis][0], high: window.padding[axis][1]), [x])
      ]
    }
    return Tensor.apply(WindowFold(body: body, window: window), operands + starts, resultCount: operands.count)
  }

  private func selectAndScatter() throws -> Tensor {
    let operands = try tensors(3)
    let (x, source, start) = (operands[0], operands[1], operands[2])
    let scalar = TensorType(x.dtype, [])
    guard source.dtype == x.dtype, start.type == scalar else {
      throw error("source \(source.type) and start \(start.type) don't fit the operand \(x.type)")
    }
    _ = try regions(2)
    let choose = try closed(text.regions[0], [scalar, scalar])
    guard choose.resultTypes == [TensorType(.bool, [])] else {
      throw error("the first body returns \(choose.resultTypes), expected one bool")
    }
    let combine = try reducer([x.type], 1)
    return Tensor.apply1(
      SelectAndScatter(
        choose: choose, combine: combine, window: try window(x.rank),
        isSum: simple(text.regions[1]) == "stablehlo.add"), operands)
  }

  private func scatter() throws -> [Tensor] {
    let all = try tensors()
    guard all.count >= 3, all.count % 2 == 1 else {
      throw error("has \(all.count) operand(s), expected tensors, indices and as many updates as tensors")
    }
    let count = all.count / 2
    let (operands, indices, updates) = (Array(all[..<count]), all[count], Array(all[(count + 1)...]))
    let fields = try fields("scatter_dimension_numbers")
    let dimensions = GatherDimensions(
      sliceAxes: try fieldIntegers(fields, "update_window_dims"),
      collapsedAxes: try fieldIntegers(fields, "inserted_window_dims"),
      operandBatchAxes: try fieldIntegers(fields, "input_batching_dims"),
      indexBatchAxes: try fieldIntegers(fields, "scatter_indices_batching_dims"),
      indexedAxes: try fieldIntegers(fields, "scatter_dims_to_operand_dims"),
      indexVectorAxis: try fields["index_vector_dim"].map { try integers(.list([$0]), "index_vector_dim")[0] } ?? 0)
    let (x, update) = (operands[0], updates[0])
    let gone = dimensions.collapsedAxes + dimensions.operandBatchAxes
    guard dimensions.sliceAxes.allSatisfy({ update.shape.indices.contains($0) }),
      gone.allSatisfy({ x.shape.indices.contains($0) }), Set(gone).count == gone.count,
      dimensions.sliceAxes.count + gone.count == x.rank
    else { throw error("window axes \(dimensions.sliceAxes) and \(gone) don't fit \(x.shape) and \(update.shape)") }
    // Sizes of the slices are those of the updates, 1 where an axis is gone.
    var next = dimensions.sliceAxes.makeIterator()
    let sizes = x.shape.indices.map { gone.contains($0) ? 1 : next.next().map { update.shape[$0] } ?? 1 }
    let types = operands.map(\.type)
    let body = try reducer(types)
    if count == 1, x.dtype == update.dtype {
      var kind: Scatter.Kind?
      switch simple(text.regions[0]) {
      case "stablehlo.add": kind = x.dtype == .bool ? nil : .add
      case "stablehlo.multiply": kind = x.dtype == .bool ? nil : .multiply
      case "stablehlo.maximum": kind = x.dtype.isComplex || x.dtype == .bool ? nil : .max
      case "stablehlo.minimum": kind = x.dtype.isComplex || x.dtype == .bool ? nil : .min
      default: if body.returnsSecond { kind = .set }
      }
      if let kind {
        return [Tensor.apply1(Scatter(kind: kind, dimensions: dimensions, sizes: sizes), [x, indices, update])]
      }
    }
    return Tensor.apply(
      ScatterFold(body: body, dimensions: dimensions, sizes: sizes), operands + [indices] + updates, resultCount: count)
  }

  private func sort() throws -> [Tensor] {
    let operands = try tensors()
    guard let first = operands.first else { throw error("has no operand") }
    let axis = try integer("dimension") ?? -1
    guard let place = first.shape.normalizedAxis(axis) else { throw error("axis \(axis) isn't one of \(first.shape)") }
    let scalars = operands.flatMap { [TensorType($0.dtype, []), TensorType($0.dtype, [])] }
    let comparator = try closed(try regions(1)[0], scalars)
    guard comparator.resultTypes == [TensorType(.bool, [])] else {
      throw error("the comparator returns \(comparator.resultTypes), expected one bool")
    }
    return Tensor.apply(
      SortBy(comparator: comparator, axis: place, isStable: try bool("is_stable") ?? false, followers: 0), operands,
      resultCount: operands.count)
  }

  // MARK: Normalisation

  /// Written out: XLA's own operations are deprecated.
  private func batchNorm(_ name: String) throws -> [Tensor] {
    let operands = try tensors(name == "batch_norm_training" ? 3 : 5)
    let x = operands[0]
    let axis = try requiredInteger("feature_index")
    guard x.shape.indices.contains(axis), x.dtype.isFloating else {
      throw error("feature_index \(axis) isn't an axis of \(x.type), a tensor of floating-point numbers")
    }
    guard case .float(let epsilon)? = text.attributes["epsilon"] else { throw error("has no attribute 'epsilon'") }
    let vector = TensorType(x.dtype, [x.shape[axis]])
    for (k, operand) in operands.enumerated() where k > 0 {
      let expected = name == "batch_norm_grad" && k == 4 ? x.type : vector
      guard operand.type == expected else { throw error("operand \(k) is \(operand.type), expected \(expected)") }
    }
    func spread(_ v: Tensor) -> Tensor { Tensor.apply1(BroadcastInDim(shape: x.shape, axes: [axis]), [v]) }
    let others = x.shape.indices.filter { $0 != axis }
    let count = Double(others.map { x.shape[$0] }.elementCount)
    func mean(_ t: Tensor) -> Tensor { t.sum(axes: others) / count }
    switch name {
    case "batch_norm_inference":
      let scale = operands[1] * (operands[4] + epsilon).rsqrt()
      return [(x - spread(operands[3])) * spread(scale) + spread(operands[2])]
    case "batch_norm_training":
      let center = mean(x)
      let variance = mean((x - spread(center)).square())
      let scale = operands[1] * (variance + epsilon).rsqrt()
      return [(x - spread(center)) * spread(scale) + spread(operands[2]), center, variance]
    default:
      let (center, variance, g) = (operands[2], operands[3], operands[4])
      let inverse = (variance + epsilon).rsqrt()
      let normal = (x - spread(center)) * spread(inverse)
      let (ofScale, ofOffset) = ((g * normal).sum(axes: others), g.sum(axes: others))
      let inner = g - spread(ofOffset / count) - normal * spread(ofScale / count)
      return [inner * spread(operands[1] * inverse), ofScale, ofOffset]
    }
  }
}

extension Reduce.Kind {
  /// The operation that combines two elements.
  var binary: Binary.Kind? {
    switch self {
    case .sum: .add
    case .product: .multiply
    case .max: .maximum
    case .min: .minimum
    case .any: .or
    case .all: .and
    }
  }

  /// What changes nothing.
  func startLiteral(_ dtype: DType) -> String {
    switch self {
    case .sum: dtype.zeroLiteral
    case .product: dtype.oneLiteral
    case .max: dtype.lowestLiteral
    case .min: dtype.highestLiteral
    case .any: "false"
    case .all: "true"
    }
  }
}

extension WindowReduce.Kind {
  /// What changes nothing.
  func startLiteral(_ dtype: DType) -> String {
    switch self {
    case .sum: dtype.zeroLiteral
    case .max: dtype.lowestLiteral
    case .min: dtype.highestLiteral
    }
  }
}
