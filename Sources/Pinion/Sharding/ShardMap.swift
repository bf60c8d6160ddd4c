/// The body of a `shardMap` that is being traced: its mesh, and where its device is.
struct ShardScope: Sendable {
  let mesh: Mesh
  /// For each axis of the mesh the place along it, of shape [1].
  let places: [Tensor]

  /// The innermost one of this task.
  @TaskLocal static var current: ShardScope?
}

/// A function of the devices' parts.
struct ShardMapped: Primitive {
  let mesh: Mesh
  let region: Region
  let inputs: [Sharding]
  let outputs: [Sharding]
  var name: String { "shardMap" }

  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    zip(region.resultTypes, outputs).map { type, sharding in
      type.with(shape: zip(type.shape, sharding.tiles).map { $0 * $1 })
    }
  }

  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    try printer.use(mesh, name)
    printer.manualMesh = mesh
    defer { printer.manualMesh = nil }
    let block = try printer.block(region.argumentTypes, terminator: "sdy.return") { printer, arguments in
      try region.program.lower(arguments, into: &printer)
    }
    func list(_ shardings: [Sharding]) -> String {
      "#sdy.sharding_per_value<[" + shardings.map(\.mlir).joined(separator: ", ") + "]>"
    }
    let axes = mesh.axes.map { "\"\($0)\"" }.joined(separator: ", ")
    return printer.emit(
      "sdy.manual_computation", operands,
      attributes: "in_shardings = \(list(inputs)), out_shardings = \(list(outputs)), "
        + "manual_axes = #sdy<manual_axes{\(axes)}>",
      regions: [block], results: try resultTypes([]))
  }

  /// A part that several devices have counts once: their cotangents share it. A part that several devices were given
  /// gets the sum of theirs.
  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    let wanted = context.needs.indices.filter { context.needs[$0] }
    let given = context.cotangents.indices.filter { context.cotangents[$0] != nil }
    let results = try Self.apply(
      mesh, context.inputs + given.compactMap { context.cotangents[$0] }, inputs + given.map { outputs[$0] }
    ) { parts in
      let (values, pullback) = try Pinion.vjp(wanted.map { parts[$0] }) { moved in
        var arguments = Array(parts.prefix(inputs.count))
        for (i, tensor) in zip(wanted, moved) { arguments[i] = tensor }
        let results = try region(arguments)
        return given.map { results[$0] }
      }
      let cotangents = zip(values.indices, parts.suffix(given.count)).map { i, cotangent in
        cotangent / Double(mesh.size(of: outputs[given[i]].unusedAxes))
      }
      return zip(wanted, try pullback(cotangents)).map { i, gradient in
        (AllReduce.apply(.sum, gradient, along: inputs[i].unusedAxes, on: mesh), inputs[i].spec)
      }
    }
    var list = [Tensor?](repeating: nil, count: context.inputs.count)
    for (i, result) in zip(wanted, results) { list[i] = result }
    return list
  }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    let leading = zip(inputs, axes).map { input, axis in axis.map { input.moveAxis(from: $0, to: 0) } ?? input }
    let shardings = try zip(zip(leading, axes), self.inputs).map { input, sharding in
      input.1 == nil
        ? sharding : try Sharding(mesh, sharding.inserting(nil, at: 0), input.0.shape, name)
    }
    let results = try Self.apply(mesh, leading, shardings) { parts in
      let given = zip(parts, axes).map { Batched(tensor: $0, axis: $1 == nil ? nil : 0) }
      let batches = try region.program.batched(given, size: size)
      return zip(batches, outputs).map { ($0.leading(size), $1.inserting(nil, at: 0)) }
    }
    return (results, results.map { _ in 0 })
  }

  /// Traces `body` on parts, and applies it.
  ///
  /// - Parameters:
  ///   - shardings: of the inputs.
  ///   - body: returns results and how their parts are put together.
  static func apply(
    _ mesh: Mesh, _ inputs: [Tensor], _ shardings: [Sharding],
    _ body: ([Tensor]) throws -> [(part: Tensor, spec: PartitionSpec)]
  ) throws -> [Tensor] {
    guard ShardScope.current == nil else {
      throw TensorError.unsupported("shardMap", "can't be inside of another shardMap")
    }
    let types = zip(inputs, shardings).map { $0.type.with(shape: $1.localShape($0.shape)) }
    // A device learns its place from an argument, so that this depends on it like everything else.
    let scope = Region.Scope(types + mesh.axes.map { _ in TensorType(.int32, [1]) })
    let parts = Array(scope.placeholders.prefix(types.count))
    let places = Array(scope.placeholders.suffix(mesh.axes.count))
    let results = try ShardScope.$current.withValue(ShardScope(mesh: mesh, places: places)) { try body(parts) }
    let outputs = try results.enumerated().map { k, output in
      let (result, spec) = output
      if let failure = result.failure { throw failure }
      guard spec.axes.count <= result.rank else {
        throw TensorError.shape("shardMap", "result \(k) is \(result.type) on each device, out: names \(spec)")
      }
      let whole = try result.shape.enumerated().map { axis, size in
        try size.multiplied(by: axis < spec.axes.count ? mesh.size(of: spec.axes[axis]) : 1, "shardMap")
      }
      return try Sharding(mesh, spec, whole, "shardMap, out:")
    }
    let (region, captured) = try scope.close(results.map(\.part)) { scope.contains($0, .made) }
    let tables = try zip(mesh.axes, mesh.sizes).map { name, size in
      (Tensor.arange(size), try Sharding(mesh, [MeshAxes(name)], [size], "shardMap"))
    }
    let primitive = ShardMapped(
      mesh: mesh, region: region,
      inputs: shardings + tables.map(\.1) + captured.map { Sharding(replicatedOn: mesh, rank: $0.rank) },
      outputs: outputs)
    return Tensor.apply(primitive, inputs + tables.map(\.0) + captured, resultCount: outputs.count)
  }
}

extension Int {
  /// The product; throws where it's too large a size.
  func multiplied(by count: Int, _ operation: String) throws -> Int {
    let (product, overflow) = multipliedReportingOverflow(by: count)
    guard !overflow else { throw TensorError.shape(operation, "\(count) parts of \(self) elements are too many") }
    return product
  }
}

/// A function of one device's parts, run on every device of a mesh with the parts that it has.
///
/// Inside, tensors have the parts' shapes, and devices exchange data by `psum`, `allGather` and the like only. What
/// `function` captures is whole on every device. Gradients that are taken inside are of the sum over the devices.
///
/// - Parameters:
///   - mesh: the devices.
///   - in: for each argument how its tensors are divided.
///   - out: for each result how its parts are put together; where axes of the mesh aren't named, all devices along them
///     must have computed the same, and one of them is taken.
///   - function: from trees to trees.
/// - Returns: a function of whole tensors, which throws what `function` throws, and `TensorError` where a specification
///   doesn't fit.
public func shardMap<each I: Tree, each O: Tree>(
  _ mesh: Mesh, in inputs: [PartitionSpec], out outputs: [PartitionSpec],
  _ function: @escaping (repeat each I) throws -> (repeat each O)
) -> (repeat each I) throws -> (repeat each O) {
  { (arguments: repeat each I) throws -> (repeat each O) in
    var tensors: [Tensor] = []
    var shardings: [Sharding] = []
    var number = 0
    for argument in repeat each arguments {
      for leaf in try leaves(of: argument) {
        if let failure = leaf.tensor.failure { throw failure }
        guard number < inputs.count else { break }
        let place = leaf.path.isEmpty ? "" : " '\(leaf.path)'"
        shardings.append(
          try Sharding(mesh, inputs[number], leaf.tensor.shape, "shardMap, argument \(number)\(place)"))
        tensors.append(leaf.tensor)
      }
      number += 1
    }
    guard number == inputs.count else {
      throw TensorError.value("shardMap", "in: has \(inputs.count) specifications for \(number) arguments")
    }
    var template: (repeat each O)?
    let results = try ShardMapped.apply(mesh, tensors, shardings) { parts in
      var next = parts[...]
      let values = try function(repeat try refilled(each arguments, from: &next))
      template = values
      var results: [(part: Tensor, spec: PartitionSpec)] = []
      var number = 0
      for value in repeat each values {
        if number < outputs.count { results += try tensorLeaves(of: value).map { ($0, outputs[number]) } }
        number += 1
      }
      guard number == outputs.count else {
        throw TensorError.value("shardMap", "out: has \(outputs.count) specifications for \(number) results")
      }
      return results
    }
    guard let template else { throw TensorError(.runtime, "shardMap", "the function returned nothing") }
    for result in results { if let failure = result.failure { throw failure } }
    var next = results[...]
    return (repeat try refilled(each template, from: &next))
  }
}
