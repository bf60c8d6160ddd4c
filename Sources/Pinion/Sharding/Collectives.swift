/// How devices' values become one.
enum ReductionOver: Hashable, Sendable {
  case sum, max, min
}

/// What all collectives share.
protocol Collective: Primitive {
  var mesh: Mesh { get }
  var along: MeshAxes { get }
}

extension Collective {
  /// The devices that exchange data, and the channel of a program for several devices.
  fileprivate func attributes(_ printer: StableHLOPrinter) throws -> String {
    try checkPlace(printer)
    let groups = mesh.groups(along: along)
    return "replica_groups = dense<\(groups)> : tensor<\(groups.count)x\(groups[0].count)xi64>, " + channel
  }

  fileprivate var channel: String { "channel_handle = #stablehlo.channel_handle<handle = 1, type = 1>" }

  /// Whole tensors have no devices to talk to.
  fileprivate func checkPlace(_ printer: StableHLOPrinter) throws {
    guard printer.manualMesh == mesh else { throw TensorError.outsideShardMap(name) }
  }

  /// Number of devices that exchange data.
  fileprivate var count: Int { mesh.size(of: along) }

  /// Throws where the shape has no such axis, or it can't be divided.
  fileprivate func check(_ shape: Shape, axis: Int, divided: Bool) throws {
    guard shape.indices.contains(axis) else {
      throw TensorError.shape(name, "\(shape) has no axis \(axis)")
    }
    guard !divided || shape[axis] % count == 0 else {
      throw TensorError.shape(name, "axis \(axis) of \(shape) can't be divided among \(count) devices (\(along))")
    }
  }

  /// The batch in front, for collectives that work along axes.
  fileprivate func batchedLeading(
    _ inputs: [Tensor], _ axes: [Int?], _ shifted: some Collective
  ) -> (results: [Tensor], axes: [Int?]) {
    guard let axis = axes[0] else { return ([Tensor.apply1(self, inputs)], [nil]) }
    return ([Tensor.apply1(shifted, [inputs[0].moveAxis(from: axis, to: 0)])], [0])
  }
}

extension TensorError {
  static func outsideShardMap(_ operation: String) -> TensorError {
    .value(operation, "devices exchange data inside of shardMap only")
  }
}

/// Sum, maximum or minimum over devices, known to all of them.
struct AllReduce: Collective {
  let reduction: ReductionOver
  let mesh: Mesh
  let along: MeshAxes
  var name: String { "p\(reduction)" }

  /// Skips what changes nothing.
  static func apply(_ reduction: ReductionOver, _ tensor: Tensor, along axes: MeshAxes, on mesh: Mesh) -> Tensor {
    axes.names.isEmpty
      ? tensor : Tensor.apply1(AllReduce(reduction: reduction, mesh: mesh, along: axes), [tensor])
  }

  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    guard inputs[0].dtype != .bool, reduction == .sum || !inputs[0].dtype.isComplex else {
      throw TensorError.dtype(name, "has no meaning for \(inputs[0].dtype)")
    }
    return inputs
  }

  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    let cotangent = Self.apply(.sum, context.cotangent, along: along, on: mesh)
    if reduction == .sum { return [cotangent] }
    // Devices that have the extreme value share its cotangent.
    let hits = (context.inputs[0] .== context.outputs[0]).cast(cotangent.dtype)
    return [hits / Self.apply(.sum, hits, along: along, on: mesh) * cotangent]
  }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    ([Tensor.apply1(self, inputs)], axes)
  }

  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    let type = operands[0].type
    let op =
      switch reduction {
      case .sum: "stablehlo.add"
      case .max: "stablehlo.maximum"
      case .min: "stablehlo.minimum"
      }
    let region = printer.binaryRegion(op, type.dtype)
    return [
      printer.emit(
        "stablehlo.all_reduce", operands, type, attributes: try attributes(printer) + ", use_global_device_ids",
        regions: [region])
    ]
  }
}

/// All devices' parts, one after the other along an axis.
struct AllGather: Collective {
  let axis: Int
  let mesh: Mesh
  let along: MeshAxes

  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    try check(inputs[0].shape, axis: axis, divided: false)
    var shape = inputs[0].shape
    shape[axis] = try shape[axis].multiplied(by: count, name)
    return [inputs[0].with(shape: shape)]
  }

  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    [Tensor.apply1(ReduceScatter(axis: axis, mesh: mesh, along: along), [context.cotangent])]
  }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    batchedLeading(inputs, axes, AllGather(axis: axis + 1, mesh: mesh, along: along))
  }

  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    [
      printer.emit(
        "stablehlo.all_gather", operands, try resultTypes(operands.map(\.type))[0],
        attributes: "all_gather_dim = \(axis) : i64, " + (try attributes(printer)) + ", use_global_device_ids")
    ]
  }
}

/// The sum over devices, of which each gets its part along an axis.
struct ReduceScatter: Collective {
  let axis: Int
  let mesh: Mesh
  let along: MeshAxes

  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    try check(inputs[0].shape, axis: axis, divided: true)
    guard inputs[0].dtype != .bool else { throw TensorError.dtype(name, "has no meaning for bool") }
    var shape = inputs[0].shape
    shape[axis] /= count
    return [inputs[0].with(shape: shape)]
  }

  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    [Tensor.apply1(AllGather(axis: axis, mesh: mesh, along: along), [context.cotangent])]
  }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    batchedLeading(inputs, axes, ReduceScatter(axis: axis + 1, mesh: mesh, along: along))
  }

  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    let region = printer.binaryRegion("stablehlo.add", operands[0].type.dtype)
    return [
      printer.emit(
        "stablehlo.reduce_scatter", operands, try resultTypes(operands.map(\.type))[0],
        attributes: "scatter_dimension = \(axis) : i64, " + (try attributes(printer)) + ", use_global_device_ids",
        regions: [region])
    ]
  }
}

/// Each device divides its tensor along one axis, sends everyone a part, and puts what it gets together along another.
struct AllToAll: Collective {
  let split: Int
  let concat: Int
  let mesh: Mesh
  let along: MeshAxes

  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    try check(inputs[0].shape, axis: split, divided: true)
    try check(inputs[0].shape, axis: concat, divided: false)
    var shape = inputs[0].shape
    shape[split] /= count
    shape[concat] = try shape[concat].multiplied(by: count, name)
    return [inputs[0].with(shape: shape)]
  }

  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    [Tensor.apply1(AllToAll(split: concat, concat: split, mesh: mesh, along: along), [context.cotangent])]
  }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    batchedLeading(inputs, axes, AllToAll(split: split + 1, concat: concat + 1, mesh: mesh, along: along))
  }

  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    [
      printer.emit(
        "stablehlo.all_to_all", operands, try resultTypes(operands.map(\.type))[0],
        attributes: "split_dimension = \(split) : i64, concat_dimension = \(concat) : i64, "
          + "split_count = \(count) : i64, " + (try attributes(printer)))
    ]
  }
}

/// Each device's tensor goes to another one.
struct Permute: Collective {
  /// From and to, places along the axes.
  let pairs: [[Int]]
  let mesh: Mesh
  let along: MeshAxes
  var name: String { "ppermute" }

  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    guard pairs.joined().allSatisfy({ 0 <= $0 && $0 < count }) else {
      throw TensorError.value(name, "\(pairs) has places that aren't among the \(count) of \(along)")
    }
    guard Set(pairs.map { $0[0] }).count == pairs.count, Set(pairs.map { $0[1] }).count == pairs.count else {
      throw TensorError.value(name, "\(pairs) has a source or a target twice")
    }
    return inputs
  }

  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    [Tensor.apply1(Permute(pairs: pairs.map { $0.reversed() }, mesh: mesh, along: along), [context.cotangent])]
  }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    ([Tensor.apply1(self, inputs)], axes)
  }

  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    try checkPlace(printer)
    // Nobody sends: everyone gets zeros.
    if pairs.isEmpty {
      return try Constant(type: operands[0].type, literal: operands[0].type.dtype.zeroLiteral).lower([], into: &printer)
    }
    let devices = mesh.groups(along: along).flatMap { group in pairs.map { [group[$0[0]], group[$0[1]]] } }
    return [
      printer.emit(
        "stablehlo.collective_permute", operands, operands[0].type,
        attributes: "source_target_pairs = dense<\(devices)> : tensor<\(devices.count)x2xi64>, " + channel)
    ]
  }
}

extension Tensor {
  /// Applies a collective of the `shardMap` at hand.
  private func collective(_ name: String, _ axes: MeshAxes, _ make: (Mesh, MeshAxes) -> Tensor) -> Tensor {
    failing(name) {
      if failure != nil { return self }
      guard let mesh = ShardScope.current?.mesh else { throw TensorError.outsideShardMap(name) }
      try mesh.check(axes.names, name)
      return make(mesh, axes)
    }
  }

  /// The sum over the devices along mesh axes, inside of `shardMap`.
  public func psum(_ axes: MeshAxes) -> Tensor {
    collective("psum", axes) { AllReduce.apply(.sum, self, along: $1, on: $0) }
  }

  /// The mean over the devices along mesh axes, inside of `shardMap`.
  public func pmean(_ axes: MeshAxes) -> Tensor {
    collective("pmean", axes) { AllReduce.apply(.sum, self, along: $1, on: $0) / Double($0.size(of: $1)) }
  }

  /// The maximum over the devices along mesh axes, inside of `shardMap`.
  public func pmax(_ axes: MeshAxes) -> Tensor {
    collective("pmax", axes) { AllReduce.apply(.max, self, along: $1, on: $0) }
  }

  /// The minimum over the devices along mesh axes, inside of `shardMap`.
  public func pmin(_ axes: MeshAxes) -> Tensor {
    collective("pmin", axes) { AllReduce.apply(.min, self, along: $1, on: $0) }
  }

  /// The parts of all devices along mesh axes, one after the other along `axis`, inside of `shardMap`.
  public func allGather(_ axes: MeshAxes, axis: Int = 0) -> Tensor {
    collective("allGather", axes) {
      Tensor.apply1(AllGather(axis: shape.normalizedAxis(axis) ?? axis, mesh: $0, along: $1), [self])
    }
  }

  /// The sum over the devices along mesh axes, of which each gets its part along `axis`, inside of `shardMap`.
  public func reduceScatter(_ axes: MeshAxes, axis: Int = 0) -> Tensor {
    collective("reduceScatter", axes) {
      Tensor.apply1(ReduceScatter(axis: shape.normalizedAxis(axis) ?? axis, mesh: $0, along: $1), [self])
    }
  }

  /// Each device divides its tensor along `split`, sends everyone along mesh axes a part, and puts the parts that it
  /// gets together along `concat`, inside of `shardMap`.
  public func allToAll(_ axes: MeshAxes, split: Int, concat: Int) -> Tensor {
    collective("allToAll", axes) {
      let (split, concat) = (shape.normalizedAxis(split) ?? split, shape.normalizedAxis(concat) ?? concat)
      return Tensor.apply1(AllToAll(split: split, concat: concat, mesh: $0, along: $1), [self])
    }
  }

  /// What another device sends, inside of `shardMap`; zeros where none does.
  ///
  /// - Parameter pairs: sender and receiver, places along the mesh axes; each at most once.
  public func ppermute(_ axes: MeshAxes, _ pairs: [(from: Int, to: Int)]) -> Tensor {
    collective("ppermute", axes) {
      Tensor.apply1(Permute(pairs: pairs.map { [$0.from, $0.to] }, mesh: $0, along: $1), [self])
    }
  }
}

/// The device's place along mesh axes, an int32 from 0, inside of `shardMap`.
public func axisIndex(_ axes: MeshAxes) -> Tensor {
  failing("axisIndex") {
    guard let scope = ShardScope.current else { throw TensorError.outsideShardMap("axisIndex") }
    try scope.mesh.check(axes.names, "axisIndex")
    return axes.names.reduce(Tensor.zeros([], dtype: .int32)) { index, name in
      guard let k = scope.mesh.axes.firstIndex(of: name) else { return index }
      return index * Double(scope.mesh.sizes[k]) + scope.places[k].reshape([])
    }
  }
}
