import Glibc
import PJRT
import Synchronization

/// One lock for the state of all graphs: what nodes point at and what has been evaluated.
///
/// Building nodes doesn't take it; walks and evaluation do, once each.
enum Graph {
  static let lock = RecursiveLock()
  /// Serial number of the youngest node. A node is always younger than its inputs.
  static let serial = Atomic<UInt64>(0)
  /// Number of the youngest region; a placeholder carries the number of its own.
  static let region = Atomic<Int>(0)
  /// Gradients being taken at this moment. While there are any, evaluated nodes keep their inputs.
  static let activeTapes = Atomic<Int>(0)
  /// A chain of this many unevaluated operations is evaluated by itself, so that loops without reads stay bounded.
  static let pendingLimit = 2_000
}

/// An edge of the graph: one result of a node.
struct Value: Sendable {
  let node: Node
  let index: Int

  var type: TensorType { node.types[index] }
}

/// What is known of a node's results.
enum NodeState {
  /// Nothing has been computed.
  case pending
  /// Data given by the host; uploaded when first used.
  case host(HostData)
  /// Computed, or uploaded.
  case stored([DeviceBuffer])
  /// Computed, or put, on several devices.
  case sharded([ShardedArray])
  /// Given away to a program that reused its memory.
  case donated
  /// Computed by a younger node, whose first results the inputs are now: one that also keeps what a derivative needs.
  case forwarded
}

/// Bytes in host memory, row-major, aligned so that a CPU's programs can use them in place. Constant once filled.
final class HostData: @unchecked Sendable {
  let bytes: UnsafeRawBufferPointer

  /// Allocates and lets `fill` write all bytes.
  init(byteCount: Int, fill: (UnsafeMutableRawBufferPointer) throws -> Void) rethrows {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 64)
    bytes = UnsafeRawBufferPointer(memory)
    do { try fill(memory) } catch {
      memory.deallocate()
      throw error
    }
  }

  deinit { bytes.deallocate() }
}

/// Nodes that are wanted together, such as a function's value and its gradient: computed one by one, each would compile
/// and run most of the others' work again.
final class Companions {
  private struct Member { weak var node: Node? }
  private let members: [Member]

  private init(_ nodes: [Node]) { members = nodes.map { Member(node: $0) } }

  /// Makes pending nodes of the outermost scope companions. Call it with the lock held.
  static func join(_ nodes: [Node]) {
    let pending = nodes.filter { !$0.isLeaf && $0.scope == 0 }
    guard pending.count > 1 else { return }
    let companions = Companions(pending)
    for node in pending { node.companions = companions }
  }

  /// Those that someone outside of the graph still wants.
  var wanted: [Node] {
    members.compactMap { $0.node }.filter { !$0.isLeaf && $0.held.load(ordering: .relaxed) > 0 }
  }
}

/// An operation of the lazy graph, applied to inputs.
///
/// `inputs`, `companions` and `state` change under `Graph.lock` only; everything else is constant.
final class Node: @unchecked Sendable {
  let primitive: any Primitive
  let types: [TensorType]
  let serial: UInt64
  /// Innermost region whose placeholder the node depends on; 0 for concrete values.
  let scope: Int
  /// Whether the node depends on an argument of a gradient being taken when it was made.
  let isTracked: Bool
  /// Tensors outside the graph that hold this node.
  let held = Atomic<Int>(0)
  /// Length of the longest unevaluated chain that ends here.
  let depth: Atomic<Int>
  var inputs: [Value]
  var state: NodeState
  /// What is computed along with the node, where someone holds it: the rest of a gradient.
  var companions: Companions?

  init(
    _ primitive: any Primitive, _ inputs: [Value], _ types: [TensorType], scope: Int = 0, state: NodeState = .pending
  ) {
    var scope = scope
    var tracked = primitive is Marker
    var depth = 0
    for input in inputs {
      scope = max(scope, input.node.scope)
      tracked = tracked || input.node.isTracked
      depth = max(depth, input.node.depth.load(ordering: .relaxed))
    }
    self.primitive = primitive
    self.inputs = inputs
    self.types = types
    self.scope = scope
    self.isTracked = tracked
    self.state = state
    self.depth = Atomic(inputs.isEmpty ? 0 : depth + 1)
    self.serial = Graph.serial.wrappingAdd(1, ordering: .relaxed).newValue
  }

  deinit {
    // Releasing a long chain must not recurse: take over the inputs of nodes that nobody else holds.
    var orphans = inputs
    inputs = []
    while let value = orphans.popLast() {
      var node = value.node
      _ = consume value
      if isKnownUniquelyReferenced(&node) {
        let next = node.inputs
        node.inputs = []
        orphans.append(contentsOf: next)
      }
    }
  }

  /// Whether results are there without running anything but an upload.
  var isLeaf: Bool {
    switch state {
    case .pending, .forwarded: false
    case .host, .stored, .sharded, .donated: true
    }
  }

  /// What the node does to its inputs as they are now. Call it with the lock held.
  var operation: any Primitive {
    if case .forwarded = state { Forwarded(count: types.count) } else { primitive }
  }

  /// Lets a younger node compute the results, if nothing has yet.
  func forward(to node: Node) {
    Graph.lock.withLock {
      guard case .pending = state else { return }
      state = .forwarded
      inputs = types.indices.map { Value(node: node, index: $0) }
    }
  }
}

/// Holds a result of a node on behalf of tensors; its life tells the node that someone outside wants the value.
final class Handle: Sendable {
  let node: Node
  let index: Int

  init(_ node: Node, _ index: Int) {
    self.node = node
    self.index = index
    node.held.wrappingAdd(1, ordering: .relaxed)
  }

  deinit { node.held.wrappingSubtract(1, ordering: .relaxed) }
}

/// An n-dimensional array: a node of a lazy graph.
///
/// Arithmetic builds nodes and runs nothing; reading a value (`array(of:)`, `item()`, printing) compiles and runs what
/// is reachable and not yet evaluated, in one program. A tensor is a value: copies are free, operations never change
/// their operands. Operations that can't be done yield a failed tensor, which throws its error when it's read.
public struct Tensor: Sendable {
  let handle: Handle

  init(_ node: Node, _ index: Int = 0) { handle = Handle(node, index) }

  init(_ value: Value) { handle = Handle(value.node, value.index) }

  var node: Node { handle.node }
  var value: Value { Value(node: handle.node, index: handle.index) }

  /// Element type and shape.
  public var type: TensorType { handle.node.types[handle.index] }
  /// Sizes of the axes.
  public var shape: Shape { type.shape }
  /// Type of the elements.
  public var dtype: DType { type.dtype }
  /// Number of axes.
  public var rank: Int { type.rank }
  /// Number of elements.
  public var count: Int { type.count }

  /// The error of a tensor that could not be made; `nil` for a good one.
  public var failure: TensorError? { (node.primitive as? Failure)?.error }

  /// A tensor that throws `error` when it's read.
  public static func failed(_ error: TensorError) -> Tensor {
    Tensor(Node(Failure(error: error), [], [TensorType(.float32, [])]))
  }

  /// Whether the tensor stands for an argument of a function that is being traced.
  public var isTraced: Bool { node.scope > 0 }

  /// Applies a primitive; failures of inputs and of the shape rule travel to every result.
  ///
  /// - Parameters:
  ///   - primitive: the operation with its attributes.
  ///   - inputs: operands.
  ///   - resultCount: how many results a failed operation has.
  public static func apply(_ primitive: some Primitive, _ inputs: [Tensor], resultCount: Int = 1) -> [Tensor] {
    if let failed = inputs.first(where: { $0.failure != nil }) {
      return Array(repeating: failed, count: resultCount)
    }
    do {
      let types = try primitive.resultTypes(inputs.map(\.type))
      let node = Node(primitive, inputs.map(\.value), types)
      let results = types.indices.map { Tensor(node, $0) }
      if node.scope == 0, node.depth.load(ordering: .relaxed) >= Graph.pendingLimit {
        try? Evaluator.evaluate([node])
      }
      return results
    } catch let error as TensorError {
      return Array(repeating: .failed(error), count: resultCount)
    } catch {
      return Array(repeating: .failed(TensorError(.runtime, primitive.name, "\(error)")), count: resultCount)
    }
  }

  /// Applies a primitive with one result.
  public static func apply1(_ primitive: some Primitive, _ inputs: [Tensor]) -> Tensor {
    apply(primitive, inputs)[0]
  }
}

/// A lock that its holder may take again: a walk may release tensors, whose walk takes the lock.
final class RecursiveLock: @unchecked Sendable {
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>

  init() {
    mutex = .allocate(capacity: 1)
    var attributes = pthread_mutexattr_t()
    pthread_mutexattr_init(&attributes)
    pthread_mutexattr_settype(&attributes, Int32(PTHREAD_MUTEX_RECURSIVE))
    pthread_mutex_init(mutex, &attributes)
    pthread_mutexattr_destroy(&attributes)
  }

  deinit {
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }

  func withLock<R>(_ body: () throws -> R) rethrows -> R {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return try body()
  }
}
