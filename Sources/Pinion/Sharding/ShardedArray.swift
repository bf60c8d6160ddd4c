import PJRT
import Synchronization

/// An array in the memories of a mesh's devices, one part each.
final class ShardedArray: Sendable {
  let sharding: Sharding
  /// The devices' parts.
  let buffers: [DeviceBuffer]

  /// Whether there has been any in this process: most never ask where arguments lie.
  static let exist = Atomic<Bool>(false)

  init(_ sharding: Sharding, _ buffers: [DeviceBuffer]) {
    Self.exist.store(true, ordering: .relaxed)
    self.sharding = sharding
    self.buffers = buffers
  }

  /// Puts host data on the devices, without a copy where they can use the memory as it is.
  convenience init(_ data: HostData, _ type: TensorType, _ sharding: Sharding, on client: Client) throws {
    let local = type.with(shape: sharding.localShape(type.shape))
    var parts: [[Int]: HostData] = [:]
    var buffers: [DeviceBuffer] = []
    for device in 0..<sharding.mesh.deviceCount {
      let tile = sharding.tile(device)
      let part =
        if let known = parts[tile] { known } else if local == type { data } else {
          HostData(byteCount: local.byteCount) { memory in
            Self.forEachRun(type, local, tile) { whole, part, count in
              memory[part..<(part + count)].copyBytes(from: data.bytes[whole..<(whole + count)])
            }
          }
        }
      parts[tile] = part
      buffers.append(
        try client.buffer(
          borrowing: part.bytes, owner: part, type: type.dtype.element, shape: local.shape, device: device))
    }
    self.init(sharding, buffers)
  }

  /// All elements in the host's memory, row-major.
  func hostData(_ type: TensorType) throws -> HostData {
    let local = type.with(shape: sharding.localShape(type.shape))
    guard local != type else {
      return try HostData(byteCount: type.byteCount) { try buffers[0].copy(to: $0) }
    }
    return try HostData(byteCount: type.byteCount) { memory in
      var seen: Set<[Int]> = []
      let part = try HostData(byteCount: local.byteCount) { scratch in
        for (device, buffer) in buffers.enumerated() {
          let tile = sharding.tile(device)
          guard seen.insert(tile).inserted else { continue }
          try buffer.copy(to: scratch)
          Self.forEachRun(type, local, tile) { whole, part, count in
            memory[whole..<(whole + count)].copyBytes(from: scratch[part..<(part + count)])
          }
        }
      }
      _ = part
    }
  }

  /// Calls `body` for each stretch of bytes that a part has in one piece: its places in the whole and in the part.
  private static func forEachRun(
    _ type: TensorType, _ local: TensorType, _ tile: [Int], _ body: (_ whole: Int, _ part: Int, _ count: Int) -> Void
  ) {
    guard local.count > 0 else { return }
    // From the last divided axis inwards a part is in one piece.
    let last = type.shape.indices.last { type.shape[$0] != local.shape[$0] } ?? 0
    let inner = type.shape[(last + 1)...].reduce(type.dtype.byteCount, *)
    let run = local.shape[last] * inner
    for i in 0..<local.shape[..<last].reduce(1, *) {
      var (rest, whole, stride) = (i, tile[last] * run, type.shape[last] * inner)
      for axis in (0..<last).reversed() {
        whole += (tile[axis] * local.shape[axis] + rest % local.shape[axis]) * stride
        rest /= local.shape[axis]
        stride *= type.shape[axis]
      }
      body(whole, i * run, run)
    }
  }
}

extension Evaluator {
  /// How an evaluated value lies on several devices; `nil` for one. Call it with the lock held.
  static func sharding(of value: Value) -> Sharding? {
    guard case .sharded(let arrays) = value.node.state else { return nil }
    return arrays[value.index].sharding
  }

  /// The tensor's elements where they are in the host's memory, or have to be put together there; `nil` where one
  /// device has them. Computes them if need be.
  static func hostData(of tensor: Tensor) throws -> HostData? {
    try Graph.lock.withLock {
      if !tensor.node.isLeaf { try evaluate([tensor.node]) }
      switch tensor.node.state {
      case .host(let data): return data
      case .sharded(let arrays): return try arrays[tensor.handle.index].hostData(tensor.type)
      default: return nil
      }
    }
  }

  /// The parts of an evaluated value, put on the devices where it isn't there. Call it with the lock held.
  static func array(of value: Value, as sharding: Sharding, on backend: Backend) throws -> ShardedArray {
    switch value.node.state {
    case .sharded(let arrays):
      let array = arrays[value.index]
      return array.sharding == sharding
        ? array : try ShardedArray(array.hostData(value.type), value.type, sharding, on: backend.client)
    case .host(let data): return try ShardedArray(data, value.type, sharding, on: backend.client)
    default:
      // The one device's memory may be given away later, so it's copied.
      let buffer = try buffer(of: value, on: backend)
      let data = try HostData(byteCount: value.type.byteCount) { try buffer.copy(to: $0) }
      return try ShardedArray(data, value.type, sharding, on: backend.client)
    }
  }
}

extension Tensor {
  /// A tensor of a mesh's parts.
  init(array: ShardedArray, types: [TensorType]) {
    self.init(Node(Given(), [], types, state: .sharded([array])))
  }

  /// How the tensor lies on several devices; `nil` where it lies on one, or hasn't been computed.
  public var sharding: Sharding? { Graph.lock.withLock { Evaluator.sharding(of: value) } }
}
