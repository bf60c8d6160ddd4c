/// General contraction: batch axes are paired, contracting axes summed over; the result has batch axes, then the
/// left's free axes, then the right's.
struct DotGeneral: Primitive {
  let batch: [[Int]]
  let contract: [[Int]]
  var name: String { "dotGeneral" }

  func free(_ side: Int, _ rank: Int) -> [Int] {
    (0..<rank).filter { !batch[side].contains($0) && !contract[side].contains($0) }
  }

  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    let (a, b) = (inputs[0], inputs[1])
    guard a.dtype == b.dtype else {
      throw TensorError.dtype(name, "operands differ: left \(a), right \(b); convert one with cast(_:)")
    }
    for (side, type) in inputs.enumerated() {
      let used = batch[side] + contract[side]
      guard Set(used).count == used.count, used.allSatisfy({ type.shape.indices.contains($0) }) else {
        throw TensorError.value(
          name, "batch \(batch[side]) and contracted \(contract[side]) aren't distinct axes of \(type.shape)")
      }
    }
    guard batch[0].map({ a.shape[$0] }) == batch[1].map({ b.shape[$0] }) else {
      throw TensorError.shape(
        name, "batch sizes differ: left \(a.shape) at \(batch[0]), right \(b.shape) at \(batch[1])")
    }
    guard contract[0].map({ a.shape[$0] }) == contract[1].map({ b.shape[$0] }) else {
      throw TensorError.shape(
        name, "inner sizes differ: left \(a.shape) at \(contract[0]), right \(b.shape) at \(contract[1])")
    }
    let shape =
      batch[0].map { a.shape[$0] } + free(0, a.rank).map { a.shape[$0] } + free(1, b.rank).map { b.shape[$0] }
    return [TensorType(a.dtype, shape)]
  }

  /// Lowered to a product of two matrices, or of two stacks of matrices: XLA's CPU kernels are fast for those alone.
  /// They take either matrix as it is or transposed, so an operand is moved only where its axes are in neither order.
  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    let (a, b) = (operands[0].type, operands[1].type)
    func sizes(_ axes: [Int], _ type: TensorType) -> Int { axes.map { type.shape[$0] }.elementCount }
    let batched = !batch[0].isEmpty
    let outer = sizes(batch[0], a)
    let (m, k, n) = (sizes(free(0, a.rank), a), sizes(contract[0], a), sizes(free(1, b.rank), b))
    let lead = batched ? [outer] : []
    let base = lead.count
    // The left as it is with the contracted axes last, the right with them first.
    let leftFirst =
      !isOrdered(batch[0] + free(0, a.rank) + contract[0]) && isOrdered(batch[0] + contract[0] + free(0, a.rank))
    let rightFirst =
      isOrdered(batch[1] + contract[1] + free(1, b.rank)) || !isOrdered(batch[1] + free(1, b.rank) + contract[1])
    let left =
      leftFirst
      ? matrix(operands[0], batch[0] + contract[0] + free(0, a.rank), lead + [k, m], &printer)
      : matrix(operands[0], batch[0] + free(0, a.rank) + contract[0], lead + [m, k], &printer)
    let right =
      rightFirst
      ? matrix(operands[1], batch[1] + contract[1] + free(1, b.rank), lead + [k, n], &printer)
      : matrix(operands[1], batch[1] + free(1, b.rank) + contract[1], lead + [n, k], &printer)
    let batchAxes = batched ? "[0]" : "[]"
    let product = printer.emit(
      "stablehlo.dot_general", [left, right], TensorType(a.dtype, lead + [m, n]),
      attributes: """
        dot_dimension_numbers = #stablehlo.dot<lhs_batching_dimensions = \(batchAxes), \
        rhs_batching_dimensions = \(batchAxes), lhs_contracting_dimensions = [\(leftFirst ? base : base + 1)], \
        rhs_contracting_dimensions = [\(rightFirst ? base : base + 1)]>
        """)
    let result = try resultTypes([a, b])[0]
    return [result == product.type ? product : printer.emit("stablehlo.reshape", [product], result)]
  }

  private func isOrdered(_ axes: [Int]) -> Bool { axes == Array(axes.indices) }

  private func matrix(_ x: SSAValue, _ order: [Int], _ shape: Shape, _ printer: inout StableHLOPrinter) -> SSAValue {
    var x = x
    if order != Array(order.indices) {
      x = printer.emit(
        "stablehlo.transpose", [x], x.type.with(shape: order.map { x.type.shape[$0] }),
        attributes: "permutation = \(printer.i64Array(order))")
    }
    return x.type.shape == shape ? x : printer.emit("stablehlo.reshape", [x], x.type.with(shape: shape))
  }

  func multiplyAdds(_ inputs: [TensorType]) -> Int {
    let free = free(1, inputs[1].rank).map { inputs[1].shape[$0] }.elementCount
    return inputs[0].count * free
  }

  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    let (a, b, g) = (context.inputs[0], context.inputs[1], context.cotangent)
    let (nb, fa, fb) = (batch[0].count, free(0, a.rank), free(1, b.rank))
    let gBatch = Array(0..<nb)
    let gLeft = Array(nb..<(nb + fa.count))
    let gRight = Array((nb + fa.count)..<(nb + fa.count + fb.count))
    /// Cotangent of one side: contract the cotangent with the other side over the other's free axes.
    func side(
      _ other: Tensor, _ gFree: [Int], _ otherBatch: [Int], _ otherFree: [Int], _ place: [Int], _ mineContract: [Int],
      _ otherContract: [Int]
    ) -> Tensor {
      let d = dotGeneral(g, other, batch: (gBatch, otherBatch), contract: (gFree, otherFree))
      // Axes of d: batch, my free axes, then the other's contracted axes in ascending order.
      let ascending = otherContract.sorted()
      let target = place + ascending.map { axis in mineContract[otherContract.firstIndex(of: axis) ?? 0] }
      var inverse = target
      for (i, p) in target.enumerated() { inverse[p] = i }
      return d.transpose(inverse)
    }
    return [
      context.needs[0] ? side(b, gRight, batch[1], fb, batch[0] + fa, contract[0], contract[1]) : nil,
      context.needs[1] ? side(a, gLeft, batch[0], fa, batch[1] + fb, contract[1], contract[0]) : nil,
    ]
  }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    switch (axes[0], axes[1]) {
    case (let a?, let b?):
      // Among the other batch axes it stands where it does in the left operand, which then needn't be moved.
      let (left, right) = (batch[0].map { $0.past(a) }, batch[1].map { $0.past(b) })
      let place = left.count { $0 < a }
      let wide = DotGeneral(
        batch: [left.inserting(a, at: place), right.inserting(b, at: place)],
        contract: [contract[0].map { $0.past(a) }, contract[1].map { $0.past(b) }])
      return Tensor.apply1(wide, inputs).examples(at: place)
    case (let a?, nil): return shared(inputs, examples: a, of: 0)
    case (nil, let b?): return shared(inputs, examples: b, of: 1)
    case (nil, nil): return (Tensor.apply(self, inputs), [nil])
    }
  }

  /// One operand is shared: the examples of the other are more of its free rows, or columns.
  private func shared(_ inputs: [Tensor], examples axis: Int, of side: Int) -> (results: [Tensor], axes: [Int?]) {
    var (batch, contract) = (batch, contract)
    batch[side] = batch[side].map { $0.past(axis) }
    contract[side] = contract[side].map { $0.past(axis) }
    let wide = DotGeneral(batch: batch, contract: contract)
    let before = batch[side].count + (side == 1 ? free(0, inputs[0].rank).count : 0)
    let place = wide.free(side, inputs[side].rank).count { $0 < axis }
    return Tensor.apply1(wide, inputs).examples(at: before + place)
  }
}

/// General contraction of two tensors.
///
/// - Parameters:
///   - batch: paired axes that stay; they lead the result.
///   - contract: paired axes that are summed over.
/// - Returns: batch axes, then the left's other axes, then the right's.
public func dotGeneral(
  _ a: Tensor, _ b: Tensor, batch: ([Int], [Int]) = ([], []), contract: ([Int], [Int])
) -> Tensor {
  Tensor.apply1(DotGeneral(batch: [batch.0, batch.1], contract: [contract.0, contract.1]), [a, b])
}

extension Tensor {
  /// Matrix product by NumPy's rules: the last axis with the other's second to last; leading axes broadcast.
  public func matmul(_ other: Tensor) -> Tensor {
    if let failed = failure ?? other.failure { return .failed(failed) }
    guard rank > 0, other.rank > 0 else {
      return .failed(.shape("matmul", "scalars have no matrix product; use *: left \(shape), right \(other.shape)"))
    }
    guard dtype == other.dtype else {
      return .failed(.dtype("matmul", "operands differ: left \(type), right \(other.type); convert one with cast(_:)"))
    }
    let inner = other.rank == 1 ? 0 : other.rank - 2
    guard shape[rank - 1] == other.shape[inner] else {
      return .failed(
        .shape(
          "matmul",
          "inner sizes differ: left \(shape), right \(other.shape) (\(shape[rank - 1]) vs \(other.shape[inner]))"))
    }
    if other.rank <= 2 || rank == 1 && other.rank == 1 {
      return dotGeneral(self, other, contract: ([rank - 1], [inner]))
    }
    let left = rank == 1 ? expandDims(0) : self
    guard let lead = broadcastShape(Array(left.shape.dropLast(2)), Array(other.shape.dropLast(2))) else {
      return .failed(.shape("matmul", "leading sizes don't fit: left \(shape), right \(other.shape)"))
    }
    let a = left.broadcast(to: lead + left.shape.suffix(2))
    let b = other.broadcast(to: lead + other.shape.suffix(2))
    let axes = Array(0..<lead.count)
    let product = dotGeneral(a, b, batch: (axes, axes), contract: ([lead.count + 1], [lead.count]))
    return rank == 1 ? product.squeeze(axis: lead.count) : product
  }
}
