/// Building blocks of `Primitive.batched`; the rules themselves stand with their primitives.
///
/// In a rule an operand has the axes of one example, and the axis of the examples somewhere between them.

extension Batched {
  /// With the examples on `axis`, repeated where they share the tensor.
  func placed(at axis: Int, _ size: Int) -> Tensor {
    if let own = self.axis { return tensor.moveAxis(from: own, to: axis) }
    if tensor.failure != nil { return tensor }
    let wide = BroadcastInDim(
      shape: tensor.shape.inserting(size, at: axis), axes: tensor.shape.indices.map { $0.past(axis) })
    return Tensor.apply1(wide, [tensor])
  }
}

extension Int {
  /// Where an axis of one example lies once the axis of the examples is at `batch`.
  func past(_ batch: Int) -> Int { self >= batch ? self + 1 : self }
}

extension Array {
  /// The list with one element more.
  func inserting(_ element: Element, at place: Int) -> [Element] {
    var list = self
    list.insert(element, at: place)
    return list
  }

  /// The list with one element exchanged.
  func setting(_ place: Int, to element: Element) -> [Element] {
    var list = self
    list[place] = element
    return list
  }

  /// The list with one element less.
  func removing(_ place: Int) -> [Element] {
    var list = self
    list.remove(at: place)
    return list
  }
}

/// Operands of equal rank with their examples on one axis, that of the first operand that has them: rather of one that
/// isn't merely repeated, as moving an axis of what is repeated costs nothing.
func aligned(_ inputs: [Tensor], _ axes: [Int?], size: Int) -> (inputs: [Tensor], axis: Int) {
  let known = zip(inputs, axes).compactMap { tensor, axis in axis.map { (tensor, $0) } }
  var axis = known.first?.1 ?? 0
  if known.contains(where: { $0.1 != axis }) {
    let whole = Graph.lock.withLock { known.first { !($0.0.node.operation is BroadcastInDim) } }
    axis = whole?.1 ?? axis
  }
  return (zip(inputs, axes).map { Batched(tensor: $0, axis: $1).placed(at: axis, size) }, axis)
}

extension Primitive {
  /// The rule of operations that treat each element by itself.
  func batchedElementwise(
    _ inputs: [Tensor], _ axes: [Int?], size: Int, resultCount: Int = 1
  ) -> (results: [Tensor], axes: [Int?]) {
    let (operands, axis) = aligned(inputs, axes, size: size)
    return (
      Tensor.apply(self, operands, resultCount: resultCount), [Int?](repeating: axis, count: resultCount)
    )
  }
}

extension Tensor {
  /// A rule's answer with one result.
  func examples(at axis: Int) -> (results: [Tensor], axes: [Int?]) { ([self], [axis]) }
}
