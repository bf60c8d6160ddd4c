/// Makes changed copies of a tensor: `x.at[rows, 2...].add(y)`.
public struct IndexedUpdates: Sendable {
  let tensor: Tensor

  /// What is changed, as `Tensor`'s subscript reads it.
  public subscript<each S: TensorSubscript>(_ indices: repeat each S) -> IndexedUpdate {
    var list: [TensorIndex] = []
    for index in repeat each indices { list.append(index.tensorIndex) }
    return IndexedUpdate(tensor: tensor, indices: list)
  }
}

/// Part of a tensor that an update changes, in a copy.
///
/// Updates stretch to the shape that the subscript reads. Places that tensors name count from the end where negative, and
/// are skipped where outside. Where several updates meet at one place, `add`, `multiply`, `max` and `min` combine them
/// all; `set` keeps one of them.
public struct IndexedUpdate: Sendable {
  let tensor: Tensor
  let indices: [TensorIndex]

  /// The tensor with the part replaced.
  public func set(_ values: Tensor) -> Tensor { updated(.set, values) }
  /// The tensor with the part replaced by a number.
  public func set(_ value: Double) -> Tensor { updated(.set, tensor.scalar(value)) }
  /// The tensor with the part increased.
  public func add(_ values: Tensor) -> Tensor { updated(.add, values) }
  /// The tensor with the part increased by a number.
  public func add(_ value: Double) -> Tensor { updated(.add, tensor.scalar(value)) }
  /// The tensor with the part multiplied.
  public func multiply(_ values: Tensor) -> Tensor { updated(.multiply, values) }
  /// The tensor with the part multiplied by a number.
  public func multiply(_ value: Double) -> Tensor { updated(.multiply, tensor.scalar(value)) }
  /// The tensor with the greater of the part and the values; equals share the derivative.
  public func max(_ values: Tensor) -> Tensor { updated(.max, values) }
  /// The tensor with the greater of the part and a number.
  public func max(_ value: Double) -> Tensor { updated(.max, tensor.scalar(value)) }
  /// The tensor with the smaller of the part and the values; equals share the derivative.
  public func min(_ values: Tensor) -> Tensor { updated(.min, values) }
  /// The tensor with the smaller of the part and a number.
  public func min(_ value: Double) -> Tensor { updated(.min, tensor.scalar(value)) }

  private func updated(_ kind: Scatter.Kind, _ values: Tensor) -> Tensor {
    let operation = "at[…].\(kind.rawValue)"
    return failing(operation) {
      if let failure = tensor.failure ?? values.failure { throw failure }
      guard values.dtype == tensor.dtype else {
        throw TensorError.dtype(
          operation, "updates are \(values.dtype), the tensor \(tensor.dtype); convert one with cast(_:)")
      }
      if let masked = try updatedByMask(operation, kind, values) { return masked }
      return try ResolvedSubscript(operation, indices, tensor.shape).write(tensor, kind, values)
    }
  }

  /// The update as a choice, where booleans name the leading axes and the values don't differ between them: so it needs
  /// no value of the booleans.
  private func updatedByMask(_ operation: String, _ kind: Scatter.Kind, _ values: Tensor) throws -> Tensor? {
    guard case .tensor(let mask)? = indices.first, mask.dtype == .bool, mask.failure == nil,
      mask.rank <= tensor.rank, values.rank <= tensor.rank - mask.rank,
      indices.dropFirst().allSatisfy({ if case .all = $0 { true } else if case .ellipsis = $0 { true } else { false } })
    else { return nil }
    try ResolvedSubscript.checkMask(operation, mask, tensor.shape, 0)
    let rest = Array(tensor.shape[mask.rank...])
    guard indices.count - 1 <= rest.count + 1, broadcastShape(values.shape, rest) == rest else { return nil }
    let condition = mask.reshape(mask.shape + rest.map { _ in 1 })
    return select(condition, kind.combine(tensor, values.broadcast(to: tensor.shape)), tensor)
  }
}

extension Tensor {
  /// Copies with some elements changed: `x.at[0].set(y)`, `x.at[.all, indices].add(1)`, `x.at[x .< 0].set(0)`.
  public var at: IndexedUpdates { IndexedUpdates(tensor: self) }

  /// A number of this tensor's type.
  func scalar(_ value: Double) -> Tensor { failure == nil ? Tensor.full([], value, dtype: dtype) : self }
}
