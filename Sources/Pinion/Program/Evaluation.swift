import PJRT

/// Computes what tensors stand for.
enum Evaluator {
  /// Longest program that evaluation compiles at once: XLA's time grows faster than its text.
  static let programLimit = 2_000
  /// Host data of this many bytes is used in place; below, copying is cheaper than keeping track.
  static let borrowingLimit = 16 << 10

  /// Computes the given nodes, and every reachable one that someone holds, in as few programs as possible.
  ///
  /// - Throws: the failure of a tensor among them, `TensorError` of kind `traced`, or `PJRTError`.
  static func evaluate(_ roots: [Node]) throws {
    try Graph.lock.withLock {
      for root in roots {
        if let failure = root.primitive as? Failure { throw failure.error }
        if case .donated = root.state { throw TensorError.donated }
        if root.scope > 0 { throw TensorError.traced("read") }
      }
      let roots = roots + roots.flatMap { $0.companions?.wanted ?? [] }
      let pending = Graph.order(roots, stop: \.isLeaf)
      guard !pending.isEmpty else { return }
      let rootIDs = Set(roots.map(ObjectIdentifier.init))
      for part in components(pending) {
        var start = 0
        while start < part.count {
          let end = min(start + programLimit, part.count)
          try run(part[start..<end], later: part[end...], roots: rootIDs)
          start = end
        }
      }
    }
  }

  /// Parts of a large order that have nothing to do with each other, such as a model's initial weights: parts of the
  /// same structure share a program. A small order stays whole, as one call is cheaper than several.
  private static func components(_ order: [Node]) -> [[Node]] {
    guard order.count > 64 else { return [order] }
    var place: [ObjectIdentifier: Int] = [:]
    place.reserveCapacity(order.count)
    var parent = Array(order.indices)
    func root(_ i: Int) -> Int {
      var i = i
      while parent[i] != i {
        parent[i] = parent[parent[i]]
        i = parent[i]
      }
      return i
    }
    for (i, node) in order.enumerated() {
      place[ObjectIdentifier(node)] = i
      for input in node.inputs {
        if let j = place[ObjectIdentifier(input.node)] { parent[root(j)] = root(i) }
      }
    }
    var number: [Int: Int] = [:]
    var parts: [[Node]] = []
    for (i, node) in order.enumerated() {
      let top = root(i)
      if let known = number[top] {
        parts[known].append(node)
      } else {
        number[top] = parts.count
        parts.append([node])
      }
    }
    return parts
  }

  /// Runs one stretch of the order; what later stretches use is an output of it.
  private static func run(
    _ stretch: ArraySlice<Node>, later: ArraySlice<Node>, roots: Set<ObjectIdentifier>
  ) throws {
    var usedLater: Set<ObjectIdentifier> = []
    for node in later { for input in node.inputs { usedLater.insert(ObjectIdentifier(input.node)) } }
    var program = Program(nodes: Array(stretch), arguments: [], outputs: [])
    let inside = Set(stretch.map(ObjectIdentifier.init))
    var seen: Set<ValueID> = []
    for node in stretch {
      for input in node.inputs where !inside.contains(ObjectIdentifier(input.node)) {
        if seen.insert(ValueID(input)).inserted { program.arguments.append(input) }
      }
    }
    var kept: [Node] = []
    for node in stretch {
      let id = ObjectIdentifier(node)
      guard roots.contains(id) || usedLater.contains(id) || node.held.load(ordering: .relaxed) > 0 else { continue }
      kept.append(node)
      for k in node.types.indices { program.outputs.append(Value(node: node, index: k)) }
    }
    let backend = try Backend.shared()
    var key = program.key()
    if ShardedArray.exist.load(ordering: .relaxed) {
      let shardings = program.arguments.map(sharding)
      if shardings.contains(where: { $0 != nil }) { key.shardings = shardings }
    }
    let compiled = try cached(key, on: backend) {
      try Trace.span(.lower, "\(program.nodes.count) operations") { try program.printed(shardings: key.shardings) }
    }
    var states: [NodeState] = []
    if let layout = compiled.layout {
      let arguments = try zip(program.arguments, layout.arguments).map { try array(of: $0, as: $1, on: backend) }
      var results = try compiled.run(arguments, layout, on: backend)[...]
      for node in kept {
        states.append(.sharded(Array(results.prefix(node.types.count))))
        results = results.dropFirst(node.types.count)
      }
    } else {
      let arguments = try program.arguments.map { try buffer(of: $0, on: backend) }
      var results = try compiled.executable.run(arguments)[...]
      for node in kept {
        states.append(.stored(Array(results.prefix(node.types.count))))
        results = results.dropFirst(node.types.count)
      }
    }
    for (node, state) in zip(kept, states) {
      node.state = state
      node.depth.store(0, ordering: .relaxed)
      node.companions = nil
      if Graph.activeTapes.load(ordering: .relaxed) == 0 { node.inputs = [] }
    }
  }

  private static func cached(_ key: ProgramKey, on backend: Backend, text: () throws -> ProgramText) throws
    -> CompiledProgram
  {
    if let program = backend.cache.withLock({ $0[key] }) { return program }
    let program = try backend.compile(text())
    backend.cache.withLock { $0[key] = program }
    return program
  }

  /// The device buffer of an evaluated value; uploads host data at first use. Call it with the lock held.
  static func buffer(of value: Value, on backend: Backend) throws -> DeviceBuffer {
    switch value.node.state {
    case .stored(let buffers): return buffers[value.index]
    case .host(let data):
      let type = value.type
      let buffer =
        data.bytes.count < borrowingLimit
        ? try backend.client.buffer(from: data.bytes, type: type.dtype.element, shape: type.shape)
        : try backend.client.buffer(borrowing: data.bytes, owner: data, type: type.dtype.element, shape: type.shape)
      value.node.state = .stored([buffer])
      return buffer
    case .sharded(let arrays):
      // Only who reads a tensor while another thread moves it gets here.
      let data = try arrays[value.index].hostData(value.type)
      return try backend.client.buffer(
        borrowing: data.bytes, owner: data, type: value.type.dtype.element, shape: value.type.shape)
    case .donated: throw TensorError.donated
    case .pending, .forwarded: throw TensorError.leak
    }
  }

  /// The device buffer of a tensor, computed if need be.
  static func buffer(of tensor: Tensor) throws -> DeviceBuffer {
    try Graph.lock.withLock {
      if !tensor.node.isLeaf { try evaluate([tensor.node]) }
      return try buffer(of: tensor.value, on: Backend.shared())
    }
  }
}

extension TensorError {
  static var donated: TensorError {
    TensorError(
      .value, "read",
      "the tensor's memory was given to a compiled function (`donating:`); use the function's result instead")
  }
}

/// Computes tensors now, together, so that what they share is computed once.
///
/// - Throws: `TensorError`, or `PJRTError` with XLA's message.
public func evaluate(_ tensors: [Tensor]) throws { try Evaluator.evaluate(tensors.map(\.node)) }

/// Computes tensors now, together, so that what they share is computed once.
///
/// - Throws: `TensorError`, or `PJRTError` with XLA's message.
public func evaluate(_ tensors: Tensor...) throws { try evaluate(tensors) }

/// Multiplications that computing the tensors would add up, in contractions and convolutions; runs nothing.
///
/// What has been computed already counts no more.
public func multiplyAdds(of tensors: [Tensor]) -> Int {
  Graph.lock.withLock {
    Graph.order(tensors.map(\.node), stop: \.isLeaf).reduce(0) { sum, node in
      sum + node.operation.multiplyAdds(node.inputs.map(\.type))
    }
  }
}

extension Tensor {
  /// A tensor of a device buffer.
  ///
  /// - Parameter types: its type, as its node has it.
  init(buffer: DeviceBuffer, types: [TensorType]) {
    self.init(Node(Given(), [], types, state: .stored([buffer])))
  }
}
