/// A function inside of the graph: the body of a loop, a branch, a comparator.
///
/// Closed: all that it uses comes in through its arguments, so that it keeps no data alive and equal bodies are equal.
final class Region: Hashable, Sendable {
  let program: Program
  private let key: ProgramKey

  init(_ program: Program) {
    self.program = program
    key = program.key()
  }

  static func == (a: Region, b: Region) -> Bool { a === b || a.key == b.key }
  func hash(into hasher: inout Hasher) { hasher.combine(key) }

  var argumentTypes: [TensorType] { program.arguments.map(\.type) }
  var resultTypes: [TensorType] { program.outputs.map(\.type) }

  /// What of a body's work happens inside of it.
  enum Extent {
    /// What depends on its arguments; the rest is done once, outside.
    case dependent
    /// All that was made while it was traced.
    case made
  }

  /// Traces a function on placeholders.
  ///
  /// - Parameters:
  ///   - types: of the arguments.
  ///   - extent: whether work that doesn't depend on the arguments stays outside.
  /// - Returns: the region, whose arguments are the given ones and then what it captures, and the captured tensors.
  /// - Throws: what `body` throws; `TensorError` of a failed result.
  static func trace(
    _ types: [TensorType], _ extent: Extent = .dependent, _ body: ([Tensor]) throws -> [Tensor]
  ) throws -> (region: Region, captured: [Tensor]) {
    let scope = Scope(types)
    return try scope.close(body(scope.placeholders)) { scope.contains($0, extent) }
  }

  /// The open scope of a function being traced.
  struct Scope {
    let number: Int
    let placeholders: [Tensor]
    private let birth: UInt64

    init(_ types: [TensorType]) {
      let number = Graph.region.wrappingAdd(1, ordering: .relaxed).newValue
      self.number = number
      placeholders = types.map { Tensor(Node(Placeholder(region: number), [], [$0], scope: number)) }
      birth = Graph.serial.load(ordering: .relaxed)
    }

    /// Whether a node is part of the function.
    func contains(_ node: Node, _ extent: Extent) -> Bool {
      if node.primitive is Placeholder || node.isLeaf { return false }
      return node.scope >= number || extent == .made && node.serial > birth || isSpread(node)
    }

    /// Costs nothing inside, and memory to be read outside.
    private func isSpread(_ node: Node) -> Bool {
      node.primitive is BroadcastInDim && node.inputs[0].type.count < node.types[0].count
    }

    /// What the results need of outside: placeholders of other scopes, data, and work that isn't part of the function.
    func captures(
      _ results: [Tensor], parameters: [Tensor], inside: (Node) -> Bool
    ) throws -> (nodes: [Node], captured: [Value]) {
      var nodes = Graph.order(results.map(\.node)) { !inside($0) }
      let members = Set(nodes.map(ObjectIdentifier.init))
      var captured: [Value] = []
      var constants: [Node] = []
      var seen = Set(parameters.map { ValueID($0.value) })
      for value in nodes.flatMap(\.inputs) + results.map(\.value) where !members.contains(ObjectIdentifier(value.node))
      {
        guard seen.insert(ValueID(value)).inserted else { continue }
        if value.node.scope >= number { throw TensorError.leak }
        if value.node.inputs.isEmpty, !value.node.isLeaf, !(value.node.primitive is Placeholder) {
          constants.append(value.node)  // Costs nothing, and tells XLA more than an argument would.
        } else {
          captured.append(value)
        }
      }
      nodes = constants + nodes
      return (nodes, captured)
    }

    /// Cuts the graph between the parameters and the results out, and closes it.
    ///
    /// - Parameters:
    ///   - parameters: values that become arguments, in this order; the placeholders without it.
    ///   - inside: which nodes are part of the function.
    /// - Returns: the region, whose arguments are the parameters and then what it captures, and the captured tensors.
    func close(
      _ results: [Tensor], parameters: [Tensor]? = nil, inside: ((Node) -> Bool)? = nil
    ) throws -> (region: Region, captured: [Tensor]) {
      for result in results { if let failure = result.failure { throw failure } }
      let parameters = parameters ?? placeholders
      return try Graph.lock.withLock {
        let (nodes, captured) = try captures(
          results, parameters: parameters, inside: inside ?? { contains($0, .dependent) })
        let program = Program(
          nodes: nodes, arguments: parameters.map(\.value) + captured, outputs: results.map(\.value))
        return (Region(program.copy()), captured.map { Tensor($0) })
      }
    }
  }

  /// The body's work on tensors, as part of the graph at hand.
  func callAsFunction(_ arguments: [Tensor]) throws -> [Tensor] {
    var values: [ValueID: Tensor] = [:]
    for (value, argument) in zip(program.arguments, arguments) { values[ValueID(value)] = argument }
    for node in program.nodes {
      let inputs = try node.inputs.map { try values[ValueID($0)] ?? { throw TensorError.leak }() }
      let results = Tensor.apply(node.primitive, inputs, resultCount: node.types.count)
      if let failure = results.first?.failure { throw failure }
      for (k, result) in results.enumerated() { values[ValueID(node, k)] = result }
    }
    return try program.outputs.map { try values[ValueID($0)] ?? { throw TensorError.leak }() }
  }
}

extension Program {
  /// The same program on nodes of its own, whose arguments are placeholders.
  fileprivate func copy() -> Program {
    var values: [ValueID: Value] = [:]
    let number = Graph.region.wrappingAdd(1, ordering: .relaxed).newValue
    var copy = Program(nodes: [], arguments: [], outputs: [])
    for value in arguments {
      let placeholder = Value(
        node: Node(Placeholder(region: number), [], [value.type], scope: number), index: 0)
      values[ValueID(value)] = placeholder
      copy.arguments.append(placeholder)
    }
    func place(_ value: Value) -> Value { values[ValueID(value)] ?? value }
    for node in nodes {
      let twin = Node(node.operation, node.inputs.map(place), node.types)
      copy.nodes.append(twin)
      for k in node.types.indices { values[ValueID(node, k)] = Value(node: twin, index: k) }
    }
    copy.outputs = outputs.map(place)
    return copy
  }

  /// Prints the program's operations on the given values.
  ///
  /// - Returns: its outputs.
  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    var names: [ValueID: SSAValue] = [:]
    names.reserveCapacity(nodes.count + arguments.count)
    for (value, operand) in zip(arguments, operands) { names[ValueID(value)] = operand }
    func name(_ value: Value) throws -> SSAValue {
      guard let name = names[ValueID(value)] else { throw TensorError.leak }
      return name
    }
    for node in nodes {
      let results = try node.operation.lower(node.inputs.map(name), into: &printer)
      for (k, result) in results.enumerated() { names[ValueID(node, k)] = result }
    }
    return try outputs.map(name)
  }
}

extension StableHLOPrinter {
  /// A region of one block: `{ ^bb0(…): … "stablehlo.return"(…) }`.
  ///
  /// - Parameters:
  ///   - types: of the block's arguments.
  ///   - terminator: operation that yields.
  ///   - body: prints the block's operations; returns what it yields.
  public mutating func block(
    _ types: [TensorType], terminator: String = "stablehlo.return",
    _ body: (inout StableHLOPrinter, [SSAValue]) throws -> [SSAValue]
  ) rethrows -> String {
    let outer = exchangeBody("")
    let arguments = types.map { SSAValue(id: fresh(), type: $0) }
    let results = try body(&self, arguments)
    let inner = exchangeBody(outer)
    let parameters = arguments.map { "\($0.id): \($0.type.mlir)" }.joined(separator: ", ")
    let yielded = results.map(\.type.mlir).joined(separator: ", ")
    return """
      {
          ^bb0\(arguments.isEmpty ? "" : "(\(parameters))"):
      \(inner)    "\(terminator)"(\(results.map(\.id).joined(separator: ", "))) : (\(yielded)) -> ()
          }
      """
  }
}
