/// Reads from an optimized program how its results lie: `HloModuleProtoWithConfig.hlo_module` (1),
/// `HloModuleProto.spmd_output_sharding` (12), an `OpSharding`.
enum CompilerShardings {
  /// The layout of each result in the mesh's words; `nil` for one that they can't express.
  static func results(of program: [UInt8], on mesh: Mesh, ranks: [Int]) -> [Sharding?] {
    let count = ranks.count
    let whole = Proto(program[...])
    guard let sharding = whole.message(1)?.message(12) else {
      return [Sharding?](repeating: nil, count: count)
    }
    // Several results have a tuple of shardings (5).
    let list = count == 1 ? [sharding] : sharding.messages(5)
    guard list.count == count else { return [Sharding?](repeating: nil, count: count) }
    return zip(list, ranks).map { Self.sharding($0, on: mesh, rank: $1) }
  }

  private static func sharding(_ proto: Proto, on mesh: Mesh, rank: Int) -> Sharding? {
    let kind = proto.integers(1).last ?? 0
    if kind == 0 { return Sharding(replicatedOn: mesh, rank: rank) }
    let tiles = proto.integers(3)
    // Other kinds than tiles (3) aren't layouts of results.
    guard kind == 3, tiles.count >= rank, let devices = devices(proto), devices.count == mesh.deviceCount,
      tiles.elementCount == devices.count, Set(devices) == Set(0..<devices.count)
    else { return nil }
    // Place of each device in the grid of tiles.
    var places = [[Int]](repeating: [], count: devices.count)
    for (position, device) in devices.enumerated() {
      var rest = position
      places[device] = tiles.reversed().map { size in
        defer { rest /= size }
        return rest % size
      }.reversed()
    }
    var axes: [MeshAxes] = []
    for axis in 0..<rank {
      guard let names = names(places.map { $0[axis] }, tiles: tiles[axis], on: mesh) else { return nil }
      axes.append(names)
    }
    return try? Sharding(mesh, PartitionSpec(axes), axes.map { mesh.size(of: $0) }, "sharding")
  }

  /// The mesh axes along which a device's number of tile goes.
  private static func names(_ index: [Int], tiles: Int, on mesh: Mesh) -> MeshAxes? {
    var strides: [(name: String, size: Int, stride: Int)] = []
    var step = mesh.deviceCount
    for (name, size) in zip(mesh.axes, mesh.sizes) {
      step /= size
      if size > 1, index[step] > 0 { strides.append((name, size, index[step])) }
    }
    strides.sort { $0.stride > $1.stride }
    let axes = MeshAxes(names: strides.map(\.name))
    guard mesh.size(of: axes) == tiles else { return nil }
    for device in index.indices where mesh.index(of: device, along: axes) != index[device] { return nil }
    return axes
  }

  /// Devices in the order of tiles: listed (4), or 0, 1, … in a grid (9) with its axes permuted (10).
  private static func devices(_ proto: Proto) -> [Int]? {
    let grid = proto.integers(9)
    if grid.isEmpty { return proto.integers(4) }
    let order = proto.integers(10)
    guard order.sorted() == Array(grid.indices), grid.allSatisfy({ $0 > 0 }) else { return nil }
    var strides = [Int](repeating: 1, count: grid.count)
    for i in grid.indices.dropLast().reversed() { strides[i] = strides[i + 1] * grid[i + 1] }
    return (0..<grid.elementCount).map { position in
      var (rest, device) = (position, 0)
      for axis in order.reversed() {
        device += rest % grid[axis] * strides[axis]
        rest /= grid[axis]
      }
      return device
    }
  }
}

/// Fields of a message in protocol buffers' wire format; what can't be read ends it.
private struct Proto {
  private var fields: [(number: Int, value: Int, bytes: ArraySlice<UInt8>?)] = []

  init(_ bytes: ArraySlice<UInt8>) {
    var rest = bytes
    while let tag = Self.varint(&rest) {
      let number = tag >> 3
      switch tag & 7 {
      case 0:
        guard let value = Self.varint(&rest) else { return }
        fields.append((number, value, nil))
      case 1: rest = rest.dropFirst(8)
      case 2:
        guard let count = Self.varint(&rest), count >= 0, count <= rest.count else { return }
        fields.append((number, 0, rest.prefix(count)))
        rest = rest.dropFirst(count)
      case 5: rest = rest.dropFirst(4)
      default: return
      }
    }
  }

  func message(_ number: Int) -> Proto? { messages(number).last }

  func messages(_ number: Int) -> [Proto] {
    fields.filter { $0.number == number }.compactMap { $0.bytes.map(Proto.init) }
  }

  /// A repeated integer, packed or not.
  func integers(_ number: Int) -> [Int] {
    fields.filter { $0.number == number }.flatMap { field -> [Int] in
      guard var packed = field.bytes else { return [field.value] }
      var values: [Int] = []
      while let value = Self.varint(&packed) { values.append(value) }
      return values
    }
  }

  private static func varint(_ bytes: inout ArraySlice<UInt8>) -> Int? {
    var (value, shift): (UInt64, UInt64) = (0, 0)
    while let byte = bytes.popFirst(), shift < 64 {
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return Int(truncatingIfNeeded: value) }
      shift += 7
    }
    return nil
  }
}
