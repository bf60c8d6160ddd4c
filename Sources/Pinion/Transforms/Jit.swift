import PJRT
import Synchronization

/// A compiled function: from one signature to its program.
private final class CompiledFunction: Sendable {
  let program: CompiledProgram
  /// Concrete tensors that the function captured, passed as hidden arguments after the given ones.
  let captures: [Tensor]
  /// For each result the argument that it is unchanged, which the program never sees; `nil` for its next output.
  let passed: [Int?]
  /// Types of the program's outputs, each as a node has it.
  let outputTypes: [[TensorType]]
  /// Places of the donated leaves.
  let donated: [Int]

  init(program: CompiledProgram, captures: [Tensor], passed: [Int?], outputTypes: [TensorType], donated: [Int]) {
    self.program = program
    self.captures = captures
    self.passed = passed
    self.outputTypes = outputTypes.map { [$0] }
    self.donated = donated
  }

  /// The function's results, from the program's.
  func results<Output>(
    _ outputs: [Output], _ arguments: [Tensor], _ tensor: (Output, [TensorType]) -> Tensor
  ) -> [Tensor] {
    var next = 0
    return passed.map { place in
      if let place { return arguments[place] }
      defer { next += 1 }
      return tensor(outputs[next], outputTypes[next])
    }
  }
}

/// What a compiled function is looked up by.
private struct CallSignature: Hashable {
  var tree = TreeSignature()
  var types: [TensorType] = []
  /// How the arguments lie on several devices; empty where none does.
  var shardings: [Sharding?] = []
}

/// Traces a function on placeholders and compiles it.
private enum Tracer {
  static func compile(
    arguments: [Tensor], shardings: [Sharding?], donated: [Int], function: ([Tensor]) throws -> [Tensor]
  ) throws -> CompiledFunction {
    let region = Graph.region.wrappingAdd(1, ordering: .relaxed).newValue
    let placeholders = arguments.map { argument in
      Tensor(Node(Placeholder(region: region), [], [argument.type], scope: region))
    }
    let birth = Graph.serial.load(ordering: .relaxed)
    let results = try Trace.span(.trace, "\(arguments.count) arguments") { try function(placeholders) }
    for result in results { if let failure = result.failure { throw failure } }
    let passed = unchanged(results, placeholders)
    let outputs = zip(results, passed).compactMap { $1 == nil ? $0 : nil }
    let returned = Set(passed.compactMap { $0 })
    let aliases = aliasing(
      donated.filter { !returned.contains($0) }, arguments.map(\.type), outputs.map(\.type))
    let (text, captured) = try Graph.lock.withLock {
      // Data and older concrete work are captured, everything younger is part of the program.
      let stop: (Node) -> Bool = { $0.isLeaf || $0.primitive is Placeholder || ($0.serial <= birth && $0.scope == 0) }
      let nodes = Graph.order(outputs.map(\.node), stop: stop)
      var captured: [Value] = []
      var seen = Set(placeholders.map { ValueID($0.value) })
      let inside = Set(nodes.map(ObjectIdentifier.init))
      for value in nodes.flatMap(\.inputs) + outputs.map(\.value) where !inside.contains(ObjectIdentifier(value.node)) {
        guard seen.insert(ValueID(value)).inserted else { continue }
        if value.node.scope > 0 { throw TensorError.leak }
        captured.append(value)
      }
      try Evaluator.evaluate(captured.map(\.node))
      let program = Program(
        nodes: nodes, arguments: placeholders.map(\.value) + captured, outputs: outputs.map(\.value))
      var places = captured.map(Evaluator.sharding)
      if !shardings.isEmpty || places.contains(where: { $0 != nil }) {
        places = arguments.indices.map { shardings.isEmpty ? nil : shardings[$0] } + places
      }
      let text = try Trace.span(.lower, "\(nodes.count) operations") {
        try program.printed(donated: aliases, shardings: places)
      }
      return (text, captured.map { Tensor($0) })
    }
    // Seconds, for a large program: other threads go on meanwhile.
    let backend = try Backend.shared()
    let program = try backend.compile(text)
    var captures = captured
    if let layout = program.layout {
      // Once, not in every call.
      captures = try Graph.lock.withLock {
        try zip(captured, layout.arguments.dropFirst(arguments.count)).map {
          Tensor(array: try Evaluator.array(of: $0.value, as: $1, on: backend), types: [$0.type])
        }
      }
    }
    return CompiledFunction(
      program: program, captures: captures, passed: passed, outputTypes: outputs.map(\.type),
      donated: arguments.indices.filter { aliases[$0] != nil })
  }

  /// For each result the argument that it is; `nil` for what is computed. A program has one output at least.
  private static func unchanged(_ results: [Tensor], _ arguments: [Tensor]) -> [Int?] {
    let places = Dictionary(
      zip(arguments.map { ValueID($0.value) }, arguments.indices), uniquingKeysWith: { first, _ in first })
    var passed = results.map { places[ValueID($0.value)] }
    if !passed.contains(nil), let last = passed.indices.last { passed[last] = nil }
    return passed
  }

  /// Pairs each donated argument with the first free result of its type.
  private static func aliasing(_ donated: [Int], _ arguments: [TensorType], _ results: [TensorType]) -> [Int?] {
    var aliases = [Int?](repeating: nil, count: arguments.count)
    var free: [TensorType: [Int]] = [:]
    for (i, type) in results.enumerated().reversed() { free[type, default: []].append(i) }
    for i in donated { aliases[i] = free[arguments[i]]?.popLast() }
    return aliases
  }

  /// Donated arguments whose buffer is an argument a second time: it must survive the call.
  private static func shared(_ donated: [Int], _ buffers: [DeviceBuffer]) -> [Int] {
    if donated.isEmpty { return [] }
    var uses: [ObjectIdentifier: Int] = [:]
    uses.reserveCapacity(buffers.count)
    for buffer in buffers { uses[ObjectIdentifier(buffer), default: 0] += 1 }
    return uses.count == buffers.count ? [] : donated.filter { uses[ObjectIdentifier(buffers[$0])] != 1 }
  }

  /// Runs a compiled function on concrete leaves. The lock isn't held meanwhile: a CPU's program may run in this thread,
  /// and other threads have work to do.
  static func run(_ function: CompiledFunction, _ arguments: [Tensor]) throws -> [Tensor] {
    if let layout = function.program.layout { return try run(function, arguments, layout) }
    let (buffers, kept) = try Graph.lock.withLock {
      let backend = try Backend.shared()
      var buffers: [DeviceBuffer] = []
      buffers.reserveCapacity(arguments.count + function.captures.count)
      for argument in arguments { buffers.append(try Evaluator.buffer(of: argument.value, on: backend)) }
      for capture in function.captures { buffers.append(try Evaluator.buffer(of: capture.value, on: backend)) }
      let kept = shared(function.donated, buffers)
      for i in function.donated where !kept.contains(i) { arguments[i].node.state = .donated }
      return (buffers, kept)
    }
    let results = try function.program.executable.run(buffers, keeping: kept)
    return function.results(results, arguments) { Tensor(buffer: $0, types: $1) }
  }

  /// The same on several devices.
  private static func run(_ function: CompiledFunction, _ arguments: [Tensor], _ layout: MeshLayout) throws -> [Tensor]
  {
    let backend = try Backend.shared()
    let (arrays, kept) = try Graph.lock.withLock {
      let arrays = try zip(arguments + function.captures, layout.arguments).map {
        try Evaluator.array(of: $0.value, as: $1, on: backend)
      }
      let kept = shared(function.donated, arrays.map { $0.buffers[0] })
      for i in function.donated where !kept.contains(i) { arguments[i].node.state = .donated }
      return (arrays, kept)
    }
    let results = try function.program.run(arrays, layout, keeping: kept, on: backend)
    return function.results(results, arguments) { Tensor(array: $0, types: $1) }
  }
}

/// A function that is traced once for each signature of its arguments (types, shapes and plain values of the trees),
/// compiled, and from then on runs without Swift.
///
/// Tensors that `function` captures become hidden arguments, with the values that they have when it's traced.
/// Called with traced tensors, or inside of a gradient, the function is simply inlined.
///
/// - Parameters:
///   - donating: numbers of the arguments whose memory results may reuse; their tensors can't be read afterwards.
///   - function: from trees to trees.
/// - Returns: a function that throws what `function` throws, `TensorError` of kind `traced` where it reads a value,
///   or `PJRTError`.
public func jit<each I: Tree, each O: Tree>(
  donating: Int..., function: @escaping (repeat each I) throws -> (repeat each O)
) -> (repeat each I) throws -> (repeat each O) {
  let cache = JitCache<repeat each O>()
  let donating = Set(donating)
  return { (arguments: repeat each I) throws -> (repeat each O) in
    var tensors: [Tensor] = []
    var signature = CallSignature()
    var donated: [Int] = []
    var number = 0
    for argument in repeat each arguments {
      let start = tensors.count
      try flatten(argument, &tensors, &signature.tree)
      if donating.contains(number) { donated += start..<tensors.count }
      number += 1
    }
    let pending = tensors.filter { !$0.node.isLeaf }
    for tensor in pending { if let failure = tensor.failure { throw failure } }
    signature.types = tensors.map(\.type)
    let taping = Graph.activeTapes.load(ordering: .relaxed) > 0
    if tensors.contains(where: { $0.node.scope > 0 || (taping && $0.node.isTracked) }) {
      return try function(repeat each arguments)
    }
    if !pending.isEmpty { try evaluate(pending) }
    if ShardedArray.exist.load(ordering: .relaxed) {
      let shardings = Graph.lock.withLock { tensors.map { Evaluator.sharding(of: $0.value) } }
      if shardings.contains(where: { $0 != nil }) { signature.shardings = shardings }
    }
    let entry = try cache.entry(signature) {
      var template: (repeat each O)?
      let compiled = try Tracer.compile(arguments: tensors, shardings: signature.shardings, donated: donated) {
        placeholders in
        var next = placeholders[...]
        let outputs = try function(repeat try refilled(each arguments, from: &next))
        template = outputs
        var results: [Tensor] = []
        for output in repeat each outputs { results += try tensorLeaves(of: output) }
        return results
      }
      guard let template else { throw TensorError(.runtime, "jit", "the function returned nothing") }
      return (compiled, template)
    }
    var results = try Tracer.run(entry.function, tensors)[...]
    return (repeat try refilled(each entry.template, from: &results))
  }
}

/// Programs of one compiled function; several threads may call it.
private final class JitCache<each O> {
  typealias Entry = (function: CompiledFunction, template: (repeat each O))
  private var entries: [CallSignature: Entry] = [:]
  /// Comparing with the last call's signature is cheaper than hashing.
  private var last: (CallSignature, Entry)?
  private let lock = RecursiveLock()

  /// The entry of a signature; the first caller makes it, others wait.
  func entry(_ signature: CallSignature, make: () throws -> Entry) rethrows -> Entry {
    try lock.withLock {
      if let (known, entry) = last, known == signature { return entry }
      let entry = try entries[signature] ?? make()
      entries[signature] = entry
      last = (signature, entry)
      return entry
    }
  }
}

/// The tree with its leaves replaced by the next tensors of the queue.
func refilled<T: Tree>(_ tree: T, from tensors: inout ArraySlice<Tensor>) throws -> T {
  var copy = tree
  var queue = tensors
  try copy.visit(TreeVisitor { _, tensor in if let next = queue.popFirst() { tensor = next } })
  tensors = queue
  return copy
}
