extension MLIRScanner {
  /// The elements of a dense constant as a tensor: one value everywhere becomes a constant of the program, others data.
  ///
  /// - Throws: `StableHLOError` where elements don't fit the type, or there are more or less than the shape takes.
  /// - Parameter widening: makes double precision of floating-point and complex elements.
  func tensor(_ dense: MLIRDense, widening: Bool = false) throws -> Tensor {
    let spelled: DType
    switch dense.element {
    case .known(let dtype): spelled = dtype
    case .narrow(let type): spelled = type.storage
    case .unknown(let name):
      throw unsupported("tensors have no elements of type \(name)", at: dense.content.lowerBound)
    }
    var scanner = MLIRScanner(bytes, file: file, range: dense.content)
    var elements = try scanner.elements(TensorType(spelled, dense.shape))
    if let narrow = dense.element.narrow, let byte = elements.first(where: { !narrow.holds($0) }) {
      let value = narrow.isSigned ? "\(Int8(bitPattern: byte))" : "\(byte)"
      throw error("'\(value)' isn't a \(narrow.mlir)", at: dense.content.lowerBound)
    }
    let dtype = widening ? spelled.widened : spelled
    if dtype != spelled { elements = spelled.widened(elements) }
    let type = TensorType(dtype, dense.shape)
    if elements.count == dtype.byteCount, type.count != 1 || type.rank == 0 {
      return Tensor.apply1(Constant(type: type, literal: dtype.literal(bits: elements)), [])
    }
    return Tensor(bytes: elements, shape: type.shape, dtype: dtype)
  }

  /// The elements as whole numbers, for attributes.
  func integers(_ dense: MLIRDense) throws -> [Int] {
    guard case .known(let dtype) = dense.element, dtype == .bool || dtype.isInteger else {
      throw error("elements are \(dense.element.description), expected whole numbers", at: dense.content.lowerBound)
    }
    var scanner = MLIRScanner(bytes, file: file, range: dense.content)
    let type = TensorType(dtype, dense.shape)
    guard type.count <= 1 << 20 else { throw error("too many numbers for an attribute", at: dense.content.lowerBound) }
    let elements = try scanner.elements(type)
    let width = dtype.byteCount
    let values = stride(from: 0, to: elements.count, by: width).map { start -> Int in
      let bits = elements[start..<(start + width)].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      let unused = UInt64(64 - 8 * width)
      return dtype.isUnsigned || dtype == .bool
        ? Int(truncatingIfNeeded: bits) : Int(Int64(bitPattern: bits << unused) >> Int64(unused))
    }
    return values.count == 1 && type.count != 1 ? Array(repeating: values[0], count: type.count) : values
  }

  /// The bytes of the elements; those of one element where it stands for all.
  private mutating func elements(_ type: TensorType) throws -> [UInt8] {
    let start = place
    var result: [UInt8] = []
    if isNext("\"") {
      result = try hexadecimal(type)
    } else if isNext("[") {
      try list(type, axis: 0, into: &result)
    } else if peek() != 0 {
      try element(type.dtype, into: &result)
      if type.count == 0 { result = [] }
    }
    guard peek() == 0 else { throw unexpected("the end of the elements") }
    guard result.count == type.byteCount || result.count == type.dtype.byteCount else {
      throw error(
        "\(type.mlir) takes \(type.count) elements, got \(result.count / type.dtype.byteCount)", at: start)
    }
    return result
  }

  /// `"0x…"`: the bytes as they lie in memory.
  private mutating func hexadecimal(_ type: TensorType) throws -> [UInt8] {
    let start = place
    try expect("\"")
    guard end - place > 2, bytes[place] == UInt8(ascii: "0"), bytes[place + 1] | 0x20 == UInt8(ascii: "x") else {
      throw error("the string of elements doesn't begin with 0x", at: start)
    }
    var stop = place + 2
    while stop < end, Self.isHex(bytes[stop]) { stop += 1 }
    let digits = bytes[(place + 2)..<stop]
    place = stop
    try expect("\"")
    // Booleans are a byte each, or eight a byte.
    let wanted = type.dtype == .bool ? digits.count / 2 : type.byteCount
    guard digits.count % 2 == 0, digits.count == 2 * wanted || digits.count == 2 * type.dtype.byteCount else {
      throw error("\(type.mlir) takes \(type.byteCount) bytes, got \(digits.count) hexadecimal digits", at: start)
    }
    func value(_ digit: UInt8) -> UInt8 { digit < 0x3A ? digit - 0x30 : (digit | 0x20) - 0x57 }
    var result = [UInt8](unsafeUninitializedCapacity: digits.count / 2) { memory, count in
      digits.withUnsafeBufferPointer { digits in
        for i in 0..<(digits.count / 2) { memory[i] = value(digits[2 * i]) << 4 | value(digits[2 * i + 1]) }
      }
      count = digits.count / 2
    }
    if type.dtype == .bool {
      // A splat is one byte of ones or zeros, others eight booleans a byte.
      if result.count == 1, result[0] == 0xFF || result[0] == 0 { return [result[0] & 1] }
      if result.count == type.count, result.allSatisfy({ $0 <= 1 }) { return result }
      guard result.count == (type.count + 7) / 8 else {
        throw error("\(type.mlir) takes \((type.count + 7) / 8) bytes, got \(result.count)", at: start)
      }
      result = (0..<type.count).map { result[$0 / 8] >> UInt8($0 % 8) & 1 }
    }
    return result
  }

  private mutating func list(_ type: TensorType, axis: Int, into result: inout [UInt8]) throws {
    guard axis < type.rank else { throw unexpected("an element: \(type.mlir) has \(type.rank) axes") }
    let start = place
    try expect("[")
    var count = 0
    if !accept("]") {
      repeat {
        if isNext("[") || axis < type.rank - 1 {
          try list(type, axis: axis + 1, into: &result)
        } else {
          try element(type.dtype, into: &result)
        }
        count += 1
      } while accept(",")
      try expect("]")
    }
    guard count == type.shape[axis] else {
      throw error("axis \(axis) of \(type.mlir) takes \(type.shape[axis]) elements, got \(count)", at: start)
    }
  }

  private mutating func element(_ dtype: DType, into result: inout [UInt8]) throws {
    if dtype.isComplex {
      try expect("(")
      try element(dtype.realType, into: &result)
      try expect(",")
      try element(dtype.realType, into: &result)
      try expect(")")
      return
    }
    skipSpace()
    let start = place
    if acceptWord("true") || acceptWord("false") {
      guard dtype == .bool else { throw error("an element is a boolean, expected \(dtype)", at: start) }
      result.append(bytes[start] == UInt8(ascii: "t") ? 1 : 0)
      return
    }
    guard let text = number().flatMap({ String($0) }) else { throw unexpected("an element of type \(dtype)") }
    guard let bits = dtype.bits(of: text) else { throw error("'\(text)' isn't a \(dtype)", at: start) }
    for i in 0..<dtype.byteCount { result.append(UInt8(truncatingIfNeeded: bits >> UInt64(8 * i))) }
  }
}

extension DType {
  /// The bits of a real number as MLIR spells it; `nil` where it isn't one of this type.
  fileprivate func bits(of text: String) -> UInt64? {
    let isHex = text.hasPrefix("0x") || text.hasPrefix("0X")
    if isFloating {
      if isHex {
        guard let bits = UInt64(text.dropFirst(2), radix: 16) else { return nil }
        return byteCount == 8 || bits >> UInt64(8 * byteCount) == 0 ? bits : nil
      }
      switch self {
      case .float64: return Double(text)?.bitPattern
      case .float32: return Float(text).map { UInt64($0.bitPattern) }
      case .float16: return Float16(text).map { UInt64($0.bitPattern) }
      default: return Double(text).map { UInt64(BFloat16(rounding: $0).bitPattern) }
      }
    }
    if isHex { return UInt64(text.dropFirst(2), radix: 16) }
    switch self {
    case .bool: return text == "0" ? 0 : text == "1" || text == "-1" ? 1 : nil
    case .uint8, .uint16, .uint32, .uint64:
      guard let value = UInt64(text) else { return nil }
      return byteCount == 8 || value >> UInt64(8 * byteCount) == 0 ? value : nil
    default:
      guard let value = Int64(text) else { return nil }
      let unused = 64 - 8 * byteCount
      return (value << unused) >> unused == value ? UInt64(bitPattern: value) : nil
    }
  }

  /// An element as MLIR spells it, of its bytes in memory.
  func literal(bits bytes: [UInt8]) -> String {
    if isComplex {
      // A real number is spelled as our own constants are.
      let (real, imaginary) = (Array(bytes[..<(bytes.count / 2)]), Array(bytes[(bytes.count / 2)...]))
      let second = imaginary.allSatisfy { $0 == 0 } ? "0.0" : realType.literal(bits: imaginary)
      return "(\(realType.literal(bits: real)), \(second))"
    }
    let bits = bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    if self == .bool { return bits == 0 ? "false" : "true" }
    if isFloating {
      let digits = String(bits, radix: 16, uppercase: true)
      return "0x" + String(repeating: "0", count: 2 * byteCount - digits.count) + digits
    }
    let unused = UInt64(64 - 8 * byteCount)
    return isUnsigned ? "\(bits)" : "\(Int64(bitPattern: bits << unused) >> Int64(unused))"
  }
}

extension BFloat16 {
  /// Rounds a double to nearest once: by way of a single it would be rounded twice.
  init(rounding value: Double) {
    var single = Float(value)
    if single.isFinite, Double(single) != value, single.bitPattern & 0xFFFF == 0x8000 {
      // The single lies on a tie that the double doesn't.
      single = abs(Double(single)) < abs(value) ? single.away : single.towardZero
    }
    self.init(single)
  }
}

extension Float {
  fileprivate var away: Float { Float(bitPattern: bitPattern + 1) }
  fileprivate var towardZero: Float { Float(bitPattern: bitPattern - 1) }
}

extension DType {
  /// The same kind of numbers in double precision.
  var widened: DType { isFloating ? .float64 : isComplex ? .complex128 : self }

  /// Elements in double precision, of their bytes.
  fileprivate func widened(_ bytes: [UInt8]) -> [UInt8] {
    let width = realType.byteCount
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count / width * 8)
    for start in stride(from: 0, to: bytes.count, by: width) {
      let bits = bytes[start..<(start + width)].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      let value: Double
      switch realType {
      case .float16: value = Double(Float16(bitPattern: UInt16(truncatingIfNeeded: bits)))
      case .bfloat16: value = Double(BFloat16(bitPattern: UInt16(truncatingIfNeeded: bits)).float)
      case .float32: value = Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits)))
      default: value = Double(bitPattern: bits)
      }
      withUnsafeBytes(of: value.bitPattern.littleEndian) { result.append(contentsOf: $0) }
    }
    return result
  }
}
