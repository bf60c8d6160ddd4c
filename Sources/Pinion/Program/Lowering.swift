/// What a program is made of, up to renaming: nodes in order, edges as numbers, types of the arguments, results.
///
/// Two graphs with equal keys share one executable.
struct ProgramKey: Hashable, Sendable {
  var primitives: [any Primitive] = []
  /// For each node: how many inputs, then for each its place (node number or ~argument) and result index.
  var edges: [Int32] = []
  var arguments: [TensorType] = []
  var outputs: [Int32] = []
  /// How arguments lie on several devices; empty where none does.
  var shardings: [Sharding?] = []

  static func == (a: ProgramKey, b: ProgramKey) -> Bool {
    guard a.edges == b.edges, a.outputs == b.outputs, a.arguments == b.arguments,
      a.shardings == b.shardings, a.primitives.count == b.primitives.count
    else { return false }
    for (p, q) in zip(a.primitives, b.primitives) where !p.isEqual(to: q) { return false }
    return true
  }

  func hash(into hasher: inout Hasher) {
    for primitive in primitives {
      hasher.combine(ObjectIdentifier(Swift.type(of: primitive as Any)))
      primitive.hash(into: &hasher)
    }
    hasher.combine(edges)
    hasher.combine(outputs)
    hasher.combine(arguments)
    hasher.combine(shardings)
  }
}

/// A part of the graph between arguments and outputs, ready to be printed.
struct Program: Sendable {
  /// Operations, each after its inputs.
  var nodes: [Node]
  /// Values given from outside, in the order of the parameters.
  var arguments: [Value]
  var outputs: [Value]

  init(nodes: [Node], arguments: [Value], outputs: [Value]) {
    (self.nodes, self.arguments, self.outputs) = (nodes, arguments, outputs)
  }

  /// What has to be done to compute tensors; what has been computed, and placeholders, are arguments.
  init(computing tensors: [Tensor]) {
    self = Graph.lock.withLock {
      let nodes = Graph.order(tensors.map(\.node)) { $0.isLeaf || $0.primitive is Placeholder }
      let inside = Set(nodes.map(ObjectIdentifier.init))
      let outputs = tensors.map(\.value)
      var seen: Set<ValueID> = []
      let arguments = (nodes.flatMap(\.inputs) + outputs).filter {
        !inside.contains(ObjectIdentifier($0.node)) && seen.insert(ValueID($0)).inserted
      }
      return Program(nodes: nodes, arguments: arguments, outputs: outputs)
    }
  }

  /// Number of every value's producer: position in `nodes`, or `~index` of an argument.
  private func numbering() -> [ValueID: Int32] {
    var numbers: [ValueID: Int32] = [:]
    numbers.reserveCapacity(nodes.count + arguments.count)
    for (i, node) in nodes.enumerated() {
      for k in node.types.indices { numbers[ValueID(node, k)] = Int32(i) }
    }
    for (i, value) in arguments.enumerated() { numbers[ValueID(value)] = ~Int32(i) }
    return numbers
  }

  /// The program's structure.
  func key() -> ProgramKey {
    let numbers = numbering()
    var key = ProgramKey()
    key.primitives.reserveCapacity(nodes.count)
    for node in nodes {
      key.primitives.append(node.operation)
      key.edges.append(Int32(node.inputs.count))
      for input in node.inputs {
        key.edges.append(numbers[ValueID(input)] ?? Int32.max)
        key.edges.append(Int32(input.index))
      }
    }
    key.arguments = arguments.map(\.type)
    for output in outputs {
      key.outputs.append(numbers[ValueID(output)] ?? Int32.max)
      key.outputs.append(Int32(output.index))
    }
    return key
  }

  /// StableHLO text of the program.
  ///
  /// - Parameter isPortable: whether it does without our own foreign functions, where XLA has the operation too.
  func text(isPortable: Bool = false) throws -> String { try printed(isPortable: isPortable).module() }

  /// The program, printed.
  ///
  /// - Parameters:
  ///   - donated: for each argument the output that reuses its memory, or `nil`.
  ///   - shardings: for each argument how it lies on several devices; empty where none does.
  ///   - isPortable: whether the text does without our own foreign functions.
  func printed(
    donated: [Int?] = [], shardings: [Sharding?] = [], isPortable: Bool = false
  ) throws -> ProgramText {
    var printer = StableHLOPrinter()
    printer.isPortable = isPortable
    for sharding in shardings { if let sharding { try printer.use(sharding.mesh, "program") } }
    let operands = arguments.enumerated().map { SSAValue(id: "%arg\($0)", type: $1.type) }
    let results = try lower(operands, into: &printer)
    return ProgramText(
      parameters: operands, donated: donated, body: printer.body, results: results, mesh: printer.mesh,
      shardings: printer.mesh.map { mesh in
        operands.indices.map { i in
          (i < shardings.count ? shardings[i] : nil) ?? Sharding(replicatedOn: mesh, rank: operands[i].type.rank)
        }
      } ?? [])
  }
}

/// A printed program.
struct ProgramText: Sendable {
  let parameters: [SSAValue]
  /// For each argument the output that reuses its memory, or `nil`.
  let donated: [Int?]
  let body: String
  let results: [SSAValue]
  /// Devices that the program is divided among; `nil` for one.
  let mesh: Mesh?
  /// For each argument how it lies on them.
  let shardings: [Sharding]

  /// The module.
  ///
  /// - Parameter replicated: results that shall be whole on every device; the compiler places the others.
  func module(replicated: Set<Int> = []) -> String {
    let list = parameters.enumerated().map { i, parameter in
      var attributes: [String] = []
      if i < donated.count, let output = donated[i] {
        // Only the compiler knows whether the two will lie alike.
        attributes.append(mesh == nil ? "tf.aliasing_output = \(output) : i32" : "jax.buffer_donor = true")
      }
      if mesh != nil { attributes.append("sdy.sharding = #sdy.sharding\(shardings[i].mlir)") }
      let suffix = attributes.isEmpty ? "" : " {" + attributes.joined(separator: ", ") + "}"
      return "\(parameter.id): \(parameter.type.mlir)\(suffix)"
    }
    let types = results.map(\.type.mlir)
    let placed = results.enumerated().map { k, result in
      guard let mesh, replicated.contains(k) else { return types[k] }
      return "\(types[k]) {sdy.sharding = #sdy.sharding\(Sharding(replicatedOn: mesh, rank: result.type.rank).mlir)}"
    }
    let names = results.map(\.id).joined(separator: ", ")
    return """
      module @pinion {
      \(mesh.map { "  \($0.mlir)\n" } ?? "")  func.func public @main(\(list.joined(separator: ", "))) \
      -> (\(placed.joined(separator: ", "))) {
      \(body)    "func.return"(\(names)) : (\(types.joined(separator: ", "))) -> ()
        }
      }

      """
  }
}

extension TensorError {
  static var leak: TensorError {
    TensorError(
      .leaked, "tensor", "an argument of a traced function was used outside of it; return it from the function instead")
  }
}

/// Identity of a value: the node and which result.
struct ValueID: Hashable {
  let node: ObjectIdentifier
  let index: Int

  init(_ node: Node, _ index: Int) {
    self.node = ObjectIdentifier(node)
    self.index = index
  }

  init(_ value: Value) { self.init(value.node, value.index) }
}

extension Graph {
  /// Nodes that `roots` depend on, each after its inputs; doesn't go beyond nodes where `stop` holds, nor list them.
  ///
  /// Iterative, since chains may be long and stacks short. Call it with the lock held.
  static func order(_ roots: [Node], stop: (Node) -> Bool) -> [Node] {
    var order: [Node] = []
    var seen: Set<ObjectIdentifier> = []
    var stack: [(node: Node, next: Int)] = []
    for root in roots where !stop(root) && seen.insert(ObjectIdentifier(root)).inserted {
      stack.append((root, 0))
      while let (node, next) = stack.last {
        if next < node.inputs.count {
          stack[stack.count - 1].next += 1
          let child = node.inputs[next].node
          if !stop(child), seen.insert(ObjectIdentifier(child)).inserted { stack.append((child, 0)) }
        } else {
          order.append(node)
          stack.removeLast()
        }
      }
    }
    return order
  }
}
