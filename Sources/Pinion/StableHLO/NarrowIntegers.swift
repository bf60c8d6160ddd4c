/// Integers of 2 or 4 bits, held in bytes: what doesn't fit is cut off after each operation.
struct NarrowInteger: Hashable, Sendable {
  let bits: Int
  let isSigned: Bool

  /// The type that MLIR spells so.
  static func named(_ name: String) -> NarrowInteger? {
    switch name {
    case "i2", "si2": NarrowInteger(bits: 2, isSigned: true)
    case "i4", "si4": NarrowInteger(bits: 4, isSigned: true)
    case "ui2": NarrowInteger(bits: 2, isSigned: false)
    case "ui4": NarrowInteger(bits: 4, isSigned: false)
    default: nil
    }
  }

  var mlir: String { "\(isSigned ? "i" : "ui")\(bits)" }

  /// The type of the bytes.
  var storage: DType { isSigned ? .int8 : .uint8 }

  /// The numbers whose lowest bits the bytes have.
  func wrapped(_ bytes: Tensor) -> Tensor {
    guard isSigned else { return bytes & ((1 << bits) - 1) }
    let unused = bytes.constant(Double(8 - bits))
    let high = Tensor.binary(.shiftLeft, bytes, unused)
    return Tensor.binary(.shiftRightArithmetic, high, unused)
  }

  /// Whether a byte is such a number.
  func holds(_ byte: UInt8) -> Bool {
    let unused = 8 - bits
    return isSigned ? (Int8(bitPattern: byte) << unused) >> unused == Int8(bitPattern: byte) : byte >> bits == 0
  }
}

extension MLIRElement {
  var narrow: NarrowInteger? { if case .narrow(let type) = self { type } else { nil } }
}

extension MLIRType {
  /// The element type, where it has less than 8 bits.
  var narrow: NarrowInteger? { if case .tensor(let element, _) = self { element.narrow } else { nil } }
}

extension MLIRValue {
  /// A tensor for a value of the text's type.
  init(_ tensor: Tensor, _ type: MLIRType) {
    self = type.narrow.map { .narrow($0.wrapped(tensor), $0) } ?? .tensor(tensor)
  }

  /// The tensor, or that of the bytes; `nil` for what is none.
  var tensor: Tensor? {
    switch self {
    case .tensor(let tensor), .narrow(let tensor, _): tensor
    case .token, .tuple: nil
    }
  }
}

extension GraphReader.Operation {
  /// Operations that are right on bytes, if what doesn't fit is cut off afterwards.
  private static let bytewise: Set<String> = [
    "abs", "add", "and", "broadcast_in_dim", "clamp", "compare", "concatenate", "constant", "convert", "divide",
    "dynamic_slice", "dynamic_update_slice", "gather", "iota", "maximum", "minimum", "multiply", "negate", "not", "or",
    "pad", "remainder", "reshape", "reverse", "select", "sign", "slice", "subtract", "transpose", "xor",
  ]
  /// Operations that hand values on as they are.
  private static let passing: Set<String> = ["call", "composite", "get_tuple_element", "tuple"]

  var hasNarrow: Bool {
    text.resultTypes.contains { $0.narrow != nil } || values.contains { if case .narrow = $0 { true } else { false } }
  }

  /// An operation on integers of less than 8 bits.
  func narrow(_ name: String) throws -> [MLIRValue] {
    if Self.passing.contains(name), let results = try control(name) { return results }
    guard Self.bytewise.contains(name) || text.name.hasPrefix("check.") || name == "custom_call" else {
      throw unsupported("isn't done here on integers of less than 8 bits")
    }
    let plain = values.map { value in value.tensor.map(MLIRValue.tensor) ?? value }
    let results = try GraphReader.Operation(reader, text, plain, frame).wide(name)
    return zip(results, text.resultTypes).map { value, type in value.tensor.map { MLIRValue($0, type) } ?? value }
  }
}
