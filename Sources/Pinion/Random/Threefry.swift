/// The block cipher Threefry-2x32 with 20 rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011),
/// as counter-based generator: two words of key, two of counter, two of output for each element.
///
/// The key is one for all elements, or each has its own.
struct Threefry2x32: Primitive {
  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    let key = inputs[0]
    guard key.dtype == .uint32, key == inputs[1], key.rank == 0 || key == inputs[2], inputs[2].dtype == .uint32,
      inputs[2] == inputs[3]
    else {
      throw TensorError.dtype(
        name, "takes two words of key and two of counters, uint32 of one shape or with scalar keys, got \(inputs)")
    }
    return [inputs[2], inputs[2]]
  }

  func vjp(_ context: VJPContext) throws -> [Tensor?] { [nil, nil, nil, nil] }

  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    let type = operands[2].type
    let scalar = TensorType(.uint32, [])
    func op(_ name: String, _ a: SSAValue, _ b: SSAValue) -> SSAValue {
      printer.emit("stablehlo.\(name)", [a, b], a.type)
    }
    func spread(_ x: SSAValue) -> SSAValue {
      printer.emit("stablehlo.broadcast_in_dim", [x], type, attributes: "broadcast_dimensions = array<i64>")
    }
    func number(_ value: UInt32) -> SSAValue { spread(printer.constant("\(value)", scalar)) }
    let parity = op(
      "xor", op("xor", operands[0], operands[1]), printer.constant("\(0x1BD1_1BDA)", operands[0].type))
    let keys = [operands[0], operands[1], parity].map { $0.type == type ? $0 : spread($0) }
    let rotations: [[UInt32]] = [[13, 15, 26, 6], [17, 29, 16, 24]]
    var x = op("add", operands[2], keys[0])
    var y = op("add", operands[3], keys[1])
    for group in 0..<5 {
      for r in rotations[group % 2] {
        x = op("add", x, y)
        let turned = op("or", op("shift_left", y, number(r)), op("shift_right_logical", y, number(32 - r)))
        y = op("xor", x, turned)
      }
      x = op("add", x, keys[(group + 1) % 3])
      y = op("add", op("add", y, keys[(group + 2) % 3]), number(UInt32(group + 1)))
      // Each round uses both words of the one before: fused as a whole, compilers that recompute operands would take
      // time exponential in the rounds.
      let words = printer.emit("stablehlo.optimization_barrier", [x, y], results: [type, type])
      (x, y) = (words[0], words[1])
    }
    return [x, y]
  }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    let counters = aligned(Array(inputs[2...]), Array(axes[2...]), size: size)
    let type = counters.inputs[0].type
    let sharesKey = inputs[0].rank == 0 && inputs[1].rank == 0
    if sharesKey {
      return (Tensor.apply(self, inputs[..<2] + counters.inputs, resultCount: 2), [counters.axis, counters.axis])
    }
    let keys = zip(inputs, axes).prefix(2).map { word, axis in
      // A word for each example, or already one for each element.
      guard word.rank < type.rank, word.rank == (axis == nil ? 0 : 1) else {
        return Batched(tensor: word, axis: axis).placed(at: counters.axis, size)
      }
      return Tensor.apply1(BroadcastInDim(shape: type.shape, axes: axis == nil ? [] : [counters.axis]), [word])
    }
    return (Tensor.apply(self, keys + counters.inputs, resultCount: 2), [counters.axis, counters.axis])
  }
}

extension Threefry2x32 {
  /// The same cipher on the host, for keys that are known.
  static func host(_ key: (UInt32, UInt32), _ counter: (UInt32, UInt32)) -> (UInt32, UInt32) {
    let keys = [key.0, key.1, key.0 ^ key.1 ^ 0x1BD1_1BDA]
    let rotations: [[UInt32]] = [[13, 15, 26, 6], [17, 29, 16, 24]]
    var (x, y) = (counter.0 &+ key.0, counter.1 &+ key.1)
    for group in 0..<5 {
      for r in rotations[group % 2] {
        x = x &+ y
        y = (y << r | y >> (32 - r)) ^ x
      }
      x = x &+ keys[(group + 1) % 3]
      y = y &+ keys[(group + 2) % 3] &+ UInt32(group + 1)
    }
    return (x, y)
  }
}
