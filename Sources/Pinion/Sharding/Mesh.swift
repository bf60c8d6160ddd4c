/// Devices in a grid with named axes: `["data": 2, "model": 2]` is four devices, the last axis running fastest.
public struct Mesh: Hashable, Sendable, CustomStringConvertible {
  /// Names of the axes.
  public let axes: [String]
  /// Devices along each axis.
  public let sizes: [Int]

  /// The first devices of the process in a grid.
  ///
  /// - Parameter axes: names with sizes, such as `["data": 2, "model": 2]`.
  /// - Throws: `TensorError` where there are fewer devices, an axis is empty, or a name isn't made of letters, digits
  ///   and `_` or is there twice; `PJRTError` where the plugin can't be loaded.
  public init(_ axes: KeyValuePairs<String, Int>) throws {
    self.axes = axes.map(\.key)
    sizes = axes.map(\.value)
    for name in self.axes
    where name.isEmpty || !name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }) {
      throw TensorError.value("Mesh", "'\(name)' isn't a name of letters, digits and _")
    }
    guard Set(self.axes).count == axes.count else {
      throw TensorError.value("Mesh", "axis names repeat: \(self.axes)")
    }
    guard !axes.isEmpty, sizes.allSatisfy({ $0 > 0 }) else {
      throw TensorError.value("Mesh", "needs axes of at least one device, got \(Self.description(self.axes, sizes))")
    }
    let available = try Device.count()
    var count = 1
    for size in sizes {
      let (product, overflow) = count.multipliedReportingOverflow(by: size)
      guard !overflow, product <= available else {
        throw TensorError.value(
          "Mesh",
          "\(Self.description(self.axes, sizes)) needs more devices than the \(available) there are; "
            + "PINION_DEVICES or Device.configure(count:) give a CPU more")
      }
      count = product
    }
  }

  /// Number of devices.
  public var deviceCount: Int { sizes.elementCount }

  /// Devices along the named axis; `nil` where there is none of that name.
  public func size(_ axis: String) -> Int? { axes.firstIndex(of: axis).map { sizes[$0] } }

  public var description: String { Self.description(axes, sizes) }

  private static func description(_ axes: [String], _ sizes: [Int]) -> String {
    "[" + zip(axes, sizes).map { "\($0): \($1)" }.joined(separator: ", ") + "]"
  }

  /// Place of a device along every axis.
  func coordinates(_ device: Int) -> [Int] {
    var rest = device
    return sizes.reversed().map { size in
      defer { rest /= size }
      return rest % size
    }.reversed()
  }

  /// Devices along several axes together.
  func size(of axes: MeshAxes) -> Int { axes.names.reduce(1) { $0 * (size($1) ?? 1) } }

  /// Place of a device along several axes together, the last running fastest.
  func index(of device: Int, along axes: MeshAxes) -> Int {
    let place = coordinates(device)
    return axes.names.reduce(0) { index, name in
      guard let axis = self.axes.firstIndex(of: name) else { return index }
      return index * sizes[axis] + place[axis]
    }
  }

  /// Devices that differ along the given axes only, in the order of those axes.
  func groups(along axes: MeshAxes) -> [[Int]] {
    let others = MeshAxes(names: self.axes.filter { !axes.names.contains($0) })
    var groups = [[Int]](repeating: [], count: size(of: others))
    for device in 0..<deviceCount { groups[index(of: device, along: others)].append(device) }
    return groups.map { $0.sorted { index(of: $0, along: axes) < index(of: $1, along: axes) } }
  }

  /// Throws where a name isn't an axis, or is there twice.
  func check(_ names: [String], _ operation: String) throws {
    for name in names where !axes.contains(name) {
      throw TensorError.value(operation, "'\(name)' isn't an axis of the mesh \(self)")
    }
    guard Set(names).count == names.count else {
      throw TensorError.value(operation, "mesh axes repeat: \(names)")
    }
  }

  /// Shardy's declaration.
  var mlir: String {
    "sdy.mesh @mesh = <[" + zip(axes, sizes).map { "\"\($0)\"=\($1)" }.joined(separator: ", ") + "]>"
  }
}

/// Axes of a mesh: `"data"`, several as `["data", "model"]`, none as `nil`.
public struct MeshAxes: Hashable, Sendable, ExpressibleByStringLiteral, ExpressibleByArrayLiteral,
  ExpressibleByNilLiteral, CustomStringConvertible
{
  /// Their names, the last running fastest.
  public let names: [String]
  /// Whether the compiler may add axes.
  let isOpen: Bool

  init(names: [String], isOpen: Bool = false) {
    self.names = names
    self.isOpen = isOpen
  }

  public init(_ names: String...) { self.init(names: names) }
  public init(stringLiteral name: String) { self.init(names: [name]) }
  public init(arrayLiteral names: String...) { self.init(names: names) }
  public init(nilLiteral: ()) { self.init(names: []) }

  /// As the compiler likes.
  static let open = MeshAxes(names: [], isOpen: true)

  public var description: String {
    switch names.count {
    case 0: isOpen ? "?" : "nil"
    case 1: names[0]
    default: "(" + names.joined(separator: ", ") + ")"
    }
  }
}

/// Which axes of a mesh divide each axis of a tensor, outermost first: `["data", nil]`. Axes that aren't named, and
/// tensors of an empty specification, are whole on every device.
public struct PartitionSpec: Hashable, Sendable, ExpressibleByArrayLiteral, CustomStringConvertible {
  /// For each axis of the tensor those of the mesh.
  public let axes: [MeshAxes]

  init(_ axes: [MeshAxes]) { self.axes = axes }
  public init(_ axes: MeshAxes...) { self.axes = axes }
  public init(arrayLiteral axes: MeshAxes...) { self.axes = axes }

  public var description: String { "[" + axes.map(\.description).joined(separator: ", ") + "]" }
}

/// How a tensor lies on a mesh: every device has an equal part.
public struct Sharding: Hashable, Sendable, CustomStringConvertible {
  /// The devices.
  public let mesh: Mesh
  /// For each axis of the tensor those of the mesh that divide it.
  public let spec: PartitionSpec

  /// Everything on every device.
  init(replicatedOn mesh: Mesh, rank: Int) {
    self.mesh = mesh
    spec = PartitionSpec([MeshAxes](repeating: nil, count: rank))
  }

  /// - Throws: `TensorError` where a name isn't an axis of the mesh or is there twice, or the shape can't be divided.
  init(_ mesh: Mesh, _ spec: PartitionSpec, _ shape: Shape, _ operation: @autoclosure () -> String) throws {
    guard spec.axes.count <= shape.count else {
      throw TensorError.shape(
        operation(), "\(spec) names \(spec.axes.count) axes, the tensor \(shape) has \(shape.count)")
    }
    try mesh.check(spec.axes.flatMap(\.names), operation())
    for (axis, names) in spec.axes.enumerated() {
      let parts = mesh.size(of: names)
      guard shape[axis] % parts == 0 else {
        throw TensorError.shape(
          operation(), "axis \(axis) of \(shape) can't be divided among \(parts) devices (\(names) of \(mesh))")
      }
    }
    let rest = [MeshAxes](repeating: nil, count: shape.count - spec.axes.count)
    self.mesh = mesh
    // Axes of one device divide nothing; without them equal layouts are equal.
    self.spec = PartitionSpec(
      spec.axes.map { axes in
        MeshAxes(names: axes.names.filter { mesh.size($0) != 1 }, isOpen: axes.isOpen)
      } + rest)
  }

  /// Whether every device has everything.
  public var isReplicated: Bool { spec.axes.allSatisfy(\.names.isEmpty) }

  public var description: String { "\(spec) on \(mesh)" }

  /// Parts along each axis of the tensor.
  var tiles: [Int] { spec.axes.map { mesh.size(of: $0) } }

  /// Shape of one device's part.
  func localShape(_ shape: Shape) -> Shape { zip(shape, tiles).map { $0 / $1 } }

  /// Which part a device has, along each axis of the tensor.
  func tile(_ device: Int) -> [Int] { spec.axes.map { mesh.index(of: device, along: $0) } }

  /// Mesh axes along which the parts don't differ.
  var unusedAxes: MeshAxes {
    let used = Set(spec.axes.flatMap(\.names))
    return MeshAxes(names: mesh.axes.filter { !used.contains($0) })
  }

  /// With an axis more, at `axis`, that isn't divided.
  func inserting(_ axes: MeshAxes, at axis: Int) -> PartitionSpec {
    var list = spec.axes
    list.insert(axes, at: axis)
    return PartitionSpec(list)
  }

  /// Shardy's spelling, without the dialect.
  var mlir: String {
    "<@mesh, ["
      + spec.axes.map { axes in
        "{" + (axes.names.map { "\"\($0)\"" } + (axes.isOpen ? ["?"] : [])).joined(separator: ", ") + "}"
      }.joined(separator: ", ") + "]>"
  }
}
