/// The tensor itself, laid out as told.
struct ShardingConstraint: Primitive {
  let sharding: Sharding
  var name: String { "sharded" }

  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] { inputs }

  func vjp(_ context: VJPContext) throws -> [Tensor?] { [Tensor.apply1(self, [context.cotangent])] }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    guard let axis = axes[0] else { return ([Tensor.apply1(self, inputs)], axes) }
    // Where the examples go is the compiler's choice.
    let spec = sharding.inserting(.open, at: axis)
    let wider = try Sharding(sharding.mesh, spec, inputs[0].shape, name)
    return ([Tensor.apply1(ShardingConstraint(sharding: wider), inputs)], axes)
  }

  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    try printer.use(sharding.mesh, name)
    // Inside of `shardMap` everything has its place already.
    if printer.manualMesh != nil {
      throw TensorError.value(name, "is for whole tensors, not for parts inside of shardMap")
    }
    return [
      printer.emit(
        "sdy.sharding_constraint", operands, operands[0].type, attributes: "sharding = #sdy.sharding\(sharding.mlir)")
    ]
  }
}

extension StableHLOPrinter {
  /// Makes the program one for the mesh's devices.
  ///
  /// - Throws: `TensorError` where it's one for another mesh.
  mutating func use(_ mesh: Mesh, _ operation: String) throws {
    guard self.mesh == nil || self.mesh == mesh else {
      throw TensorError.value(
        operation, "one program runs on one mesh, this one on \(self.mesh.map(\.description) ?? "") and \(mesh)")
    }
    self.mesh = mesh
  }
}

extension Tensor {
  /// The tensor divided among devices; programs that use it run on all of them.
  ///
  /// Data is put there at once, from another mesh by way of the host. Inside of compiled functions, and for what hasn't been computed yet, it's an operation
  /// like others: its gradient is laid out in the same way.
  ///
  /// - Parameters:
  ///   - mesh: the devices.
  ///   - spec: the mesh's axes that divide each axis of the tensor; `[]` puts all of it on every device.
  /// - Returns: the tensor; a failed one where a name isn't an axis of the mesh, or an axis can't be divided.
  public func sharded(_ mesh: Mesh, _ spec: PartitionSpec) -> Tensor {
    failing("sharded") {
      if failure != nil { return self }
      let sharding = try Sharding(mesh, spec, shape, "sharded")
      let placed = try Graph.lock.withLock { () -> Tensor? in
        // Devices of one mesh exchange parts by themselves.
        guard node.isLeaf, !node.isTracked, Evaluator.sharding(of: value)?.mesh != mesh else { return nil }
        let array = try Evaluator.array(of: value, as: sharding, on: Backend.shared())
        return Tensor(array: array, types: [type])
      }
      return placed ?? Tensor.apply1(ShardingConstraint(sharding: sharding), [self])
    }
  }
}

/// A tree whose tensors are divided among devices.
///
/// - Parameters:
///   - tree: a model, an optimizer's state, …
///   - mesh: the devices.
///   - spec: how a tensor is divided, by its place and shape; `[]` puts all of it on every device.
/// - Throws: `TensorError` where a name isn't an axis of the mesh, or an axis can't be divided; as `leaves(of:)`.
public func sharded<T: Tree>(_ tree: T, _ mesh: Mesh, _ spec: (Leaf) throws -> PartitionSpec = { _ in [] }) throws -> T
{
  try map(tree) { leaf in
    let tensor = leaf.tensor.sharded(mesh, try spec(leaf))
    if var failure = tensor.failure {
      if !leaf.path.isEmpty { failure.message = "'\(leaf.path)': \(failure.message)" }
      throw failure
    }
    return tensor
  }
}
