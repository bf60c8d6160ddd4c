/// An operation that needs other devices, of which types alone are known: programs of the text run on one.
struct Exchange: Primitive {
  let name: String
  let types: [TensorType]

  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] { types }

  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    throw TensorError.unsupported(
      name, "exchanges data between devices, which programs read from text don't; write it with shardMap")
  }

  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    throw TensorError.unsupported(name, "has no derivative")
  }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    throw TensorError.unsupported(name, "has no rule for batches of examples")
  }
}

extension GraphReader.Operation {
  /// Collectives by their shape rules.
  func exchange(_ name: String) throws -> [Tensor]? {
    let types: [TensorType]
    switch name {
    case "all_gather": types = try gathered()
    case "all_reduce": types = try reduced()
    case "reduce_scatter": types = try reducedParts()
    case "all_to_all": types = try exchanged()
    case "collective_permute": types = try permuted()
    case "collective_broadcast": types = try broadcasted()
    case "replica_id", "partition_id":
      guard values.isEmpty else { throw error("has \(values.count) operand(s), expected none") }
      types = [TensorType(.uint32, [])]
    default: return nil
    }
    return Tensor.apply(Exchange(name: name, types: types), try tensors(), resultCount: types.count)
  }

  /// Devices that exchange data: lists of equal length without repetition that hold every number from 0.
  ///
  /// - Parameters:
  ///   - isPadded: whether -1 stands in shorter lists.
  ///   - size: of each list; any without it.
  private func checkGroups(isPadded: Bool = false, size: Int? = nil) throws {
    guard case .dense(let dense)? = text.attributes["replica_groups"] else {
      throw error("has no attribute 'replica_groups'")
    }
    guard dense.shape.count == 2 else { throw error("replica_groups has shape \(dense.shape), expected two axes") }
    let ids = try reader.scanner.integers(dense).filter { !isPadded || $0 != -1 }
    guard ids.sorted() == Array(0..<ids.count) else {
      throw error("replica_groups names \(ids), expected every number from 0 once")
    }
    if let size, dense.shape[1] != size {
      throw error("replica_groups has groups of \(dense.shape[1]), expected \(size)")
    }
    guard text.attributes["use_global_device_ids"] != nil else { return }
    guard !ids.isEmpty else { throw error("replica_groups is empty, with use_global_device_ids") }
    let channel = try fields("channel_handle")
    guard case .integer(let handle)? = channel["handle"], handle > 0 else {
      throw error("use_global_device_ids takes a channel above 0")
    }
  }

  /// Types of the results as the text has them, of which something can't be inferred.
  private func printedTypes(_ count: Int) throws -> [TensorType] {
    guard text.resultTypes.count == count else {
      throw error("has \(text.resultTypes.count) result(s), expected \(count)")
    }
    return try text.resultTypes.map { try reader.tensorType($0, at: text.place) }
  }

  /// Operand and result agree but for one axis, on which the one is a multiple of the other.
  private func checkMultiple(_ whole: TensorType, of part: TensorType, axis: Int) throws {
    guard axis >= 0, axis < part.rank, whole.rank == part.rank else {
      throw error("axis \(axis) isn't one of \(part.shape) and \(whole.shape)")
    }
    guard part.shape.indices.allSatisfy({ $0 == axis || part.shape[$0] == whole.shape[$0] }), part.shape[axis] > 0,
      whole.shape[axis] > 0, whole.shape[axis] % part.shape[axis] == 0
    else { throw error("\(whole.shape) isn't made of parts \(part.shape) along axis \(axis)") }
  }

  private func gathered() throws -> [TensorType] {
    let (operands, axis) = (try tensors(), try requiredInteger("all_gather_dim"))
    try checkGroups()
    let types = try printedTypes(operands.count)
    for (x, type) in zip(operands, types) {
      guard x.dtype == type.dtype else { throw error("gathers \(x.type) to \(type)") }
      try checkMultiple(type, of: x.type, axis: axis)
    }
    return types
  }

  /// Element types that the body makes of the operands', which may have more bits.
  private func reducedTypes(_ operands: [Tensor]) throws -> [DType] {
    let region = try regions(1)[0]
    let scalars = try region.arguments.map { try reader.tensorType($0.type, at: region.place) }
    guard scalars.count == 2, scalars[0] == scalars[1], scalars[0].rank == 0 else {
      throw error("the body takes \(scalars), expected two scalars of one type")
    }
    let results = try closed(region, scalars).resultTypes
    guard results == [scalars[0]] else { throw error("the body returns \(results), expected one \(scalars[0])") }
    let dtype = scalars[0].dtype
    for x in operands {
      let kinds = [\DType.isFloating, \.isSignedInteger, \.isUnsigned, \.isComplex]
      guard dtype.byteCount >= x.dtype.byteCount, kinds.allSatisfy({ dtype[keyPath: $0] == x.dtype[keyPath: $0] })
      else {
        throw error("the body combines \(dtype), the operand is \(x.type)")
      }
    }
    return operands.map { _ in dtype }
  }

  private func reduced() throws -> [TensorType] {
    let operands = try tensors()
    try checkGroups(isPadded: true)
    return zip(operands, try reducedTypes(operands)).map { $0.type.with(dtype: $1) }
  }

  private func reducedParts() throws -> [TensorType] {
    let (operands, axis) = (try tensors(1), try requiredInteger("scatter_dimension"))
    try checkGroups()
    let (types, dtypes) = (try printedTypes(1), try reducedTypes(operands))
    guard types[0].dtype == dtypes[0] else { throw error("the body makes \(dtypes[0]), the result is \(types[0])") }
    try checkMultiple(operands[0].type, of: types[0], axis: axis)
    return types
  }

  private func exchanged() throws -> [TensorType] {
    let (split, concat) = (try requiredInteger("split_dimension"), try requiredInteger("concat_dimension"))
    let (operands, count) = (try tensors(), try requiredInteger("split_count"))
    guard count > 0 else { throw error("split_count is \(count), expected a number above 0") }
    try checkGroups(size: count)
    return try operands.map { x in
      var shape = x.shape
      guard shape.indices.contains(split), shape.indices.contains(concat) else {
        throw error("axes \(split) and \(concat) aren't those of \(shape)")
      }
      guard shape[split] % count == 0 else { throw error("axis \(split) of \(shape) isn't a multiple of \(count)") }
      shape[split] /= count
      shape[concat] *= count
      return x.type.with(shape: shape)
    }
  }

  private func permuted() throws -> [TensorType] {
    guard case .dense(let dense)? = text.attributes["source_target_pairs"], dense.shape.count == 2, dense.shape[1] == 2
    else { throw error("source_target_pairs isn't a list of pairs") }
    let ids = try reader.scanner.integers(dense)
    for side in 0..<2 {
      let list = stride(from: side, to: ids.count, by: 2).map { ids[$0] }
      guard Set(list).count == list.count, list.allSatisfy({ $0 >= 0 }) else {
        throw error("\(side == 0 ? "sources" : "targets") are \(list), expected distinct numbers from 0")
      }
    }
    return try tensors().map(\.type)
  }

  private func broadcasted() throws -> [TensorType] {
    var operands = try tensors()
    guard case .dense(let dense)? = text.attributes["replica_groups"], dense.shape.count == 2 else {
      throw error("replica_groups isn't a list of lists")
    }
    let ids = try reader.scanner.integers(dense)
    guard Set(ids).count == ids.count, ids.allSatisfy({ $0 >= 0 }) else {
      throw error("replica_groups names \(ids), expected distinct numbers from 0")
    }
    if try bool("has_dynamic_root") ?? false {
      let root = operands.popLast()
      guard let root, root.type == TensorType(.int32, [operands.count]) else {
        throw error("the last operand is \(root.map { "\($0.type)" } ?? "missing"), expected a root for each other one")
      }
    }
    guard !operands.isEmpty else { throw error("has nothing to send") }
    return operands.map(\.type)
  }
}
