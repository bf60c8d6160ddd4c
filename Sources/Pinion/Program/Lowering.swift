/// What a program is made of, up to renaming: nodes in order, edges as numbers, types of the arguments, results.
///
/// Two graphs with equal keys share one executable.
struct ProgramKey: Hashable, Sendable {
  var primitives: [any Primitive] = []
  /// For each node: how many inputs, then for each its place (node number or ~argument) and result index.
  var edges: [Int32] = []
  var arguments: [TensorType] = []
  var outputs: [Int32] = []

  static func == (a: ProgramKey, b: ProgramKey) -> Bool {
    guard a.edges == b.edges, a.outputs == b.outputs, a.arguments == b.arguments,
      a.primitives.count == b.primitives.count
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
  }
}

/// A part of the graph between arguments and outputs, ready to be printed.
struct Program: Sendable {
  /// Operations, each after its inputs.
  var nodes: [Node]
  /// Values given from outside, in the order of the parameters.
  var arguments: [Value]
  var outputs: [Value]

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
  /// - Parameter donated: for each argument the output that reuses its memory, or `nil`.
  func text(donated: [Int?] = []) throws -> String {
    var printer = StableHLOPrinter()
    var parameters: [String] = []
    let operands = arguments.enumerated().map { i, value in
      let alias = i < donated.count ? donated[i].map { " {tf.aliasing_output = \($0) : i32}" } ?? "" : ""
      parameters.append("%arg\(i): \(value.type.mlir)\(alias)")
      return SSAValue(id: "%arg\(i)", type: value.type)
    }
    let results = try lower(operands, into: &printer)
    let types = results.map(\.type.mlir).joined(separator: ", ")
    return """
      module @pinion {
        func.func public @main(\(parameters.joined(separator: ", "))) -> (\(types)) {
      \(printer.body)    "func.return"(\(results.map(\.id).joined(separator: ", "))) : (\(types)) -> ()
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
