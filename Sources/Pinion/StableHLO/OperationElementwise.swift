extension GraphReader.Operation {
  private static let unaries: [String: Unary.Kind] = [
    "abs": .abs, "negate": .negate, "sign": .sign, "exponential": .exp, "exponential_minus_one": .expm1, "log": .log,
    "log_plus_one": .log1p, "sqrt": .sqrt, "rsqrt": .rsqrt, "cbrt": .cbrt, "sine": .sin, "cosine": .cos, "tan": .tan,
    "tanh": .tanh, "logistic": .logistic, "floor": .floor, "ceil": .ceil, "round_nearest_even": .round,
    "round_nearest_afz": .roundAway, "not": .not, "popcnt": .popcnt, "count_leading_zeros": .clz,
    "is_finite": .isFinite, "real": .real, "imag": .imaginary, "erf": .erf, "erfc": .erfc, "erf_inv": .erfInverse,
    "lgamma": .lgamma, "digamma": .digamma, "asin": .asin, "acos": .acos, "atan": .atan, "sinh": .sinh, "cosh": .cosh,
    "asinh": .asinh, "acosh": .acosh, "atanh": .atanh,
  ]

  private static let binaries: [String: Binary.Kind] = [
    "add": .add, "subtract": .subtract, "multiply": .multiply, "divide": .divide, "remainder": .remainder,
    "power": .power, "maximum": .maximum, "minimum": .minimum, "atan2": .atan2, "and": .and, "or": .or, "xor": .xor,
    "shift_left": .shiftLeft, "shift_right_arithmetic": .shiftRightArithmetic,
    "shift_right_logical": .shiftRightLogical, "complex": .complex, "polygamma": .polygamma, "next_after": .nextAfter,
  ]

  /// The operand, without the barrier that our printer puts before an operation of CHLO, and will put again.
  private func unbarred() throws -> Tensor {
    let x = try tensors(1)[0]
    guard text.name.hasPrefix("chlo."), x.node.primitive is OptimizationBarrier, x.node.inputs.count == 1 else {
      return x
    }
    return Tensor(x.node.inputs[0])
  }

  /// Operations on elements that stand at the same place.
  func elementwise(_ name: String) throws -> Tensor? {
    if name == "cbrt", let x = try tensors(1).first, x.dtype.isComplex { return x ** (1.0 / 3) }
    if let kind = Self.unaries[name] { return Tensor.apply1(Unary(kind: kind), [try unbarred()]) }
    if name == "bessel_i1e" { return Tensor.apply1(Special(kind: .besselI1e), [try unbarred()]) }
    if let kind = Self.binaries[name] {
      let operands = try tensors(2)
      guard kind == .maximum || kind == .minimum, operands[0].dtype.isComplex else {
        return Tensor.apply1(Binary(kind: kind), operands)
      }
      return complexExtreme(operands[0], operands[1], isMax: kind == .maximum)
    }
    switch name {
    case "compare": return try compare()
    case "select":
      let operands = try tensors(3)
      let isScalar = operands[0].rank == 0 && operands[1].rank > 0
      return Tensor.apply1(
        Select(), [isScalar ? operands[0].broadcast(to: operands[1].shape) : operands[0], operands[1], operands[2]])
    case "clamp":
      let operands = try tensors(3)
      let x = operands[1]
      let bounds = try [operands[0], operands[2]].map { bound in
        guard bound.dtype == x.dtype, bound.rank == 0 || bound.shape == x.shape else {
          throw error("bound is \(bound.type), the operand \(x.type)")
        }
        return bound.shape == x.shape ? bound : bound.broadcast(to: x.shape)
      }
      return Tensor.apply1(
        Binary(kind: .minimum), [Tensor.apply1(Binary(kind: .maximum), [bounds[0], x]), bounds[1]])
    case "convert": return try convert(tensors(1)[0])
    case "bitcast_convert":
      let type = try bareElement()
      let x = try tensors(1)[0]
      if x.dtype == type { return x }
      if (x.dtype == .bool) != (type == .bool) { return try booleanBits(x, type) }
      return Tensor.apply1(BitcastConvert(dtype: type), [x])
    case "mulhi": return try upperProduct(tensors(2))
    case "reduce_precision":
      let bits: (Int, Int)
      if let format = try word("format") {
        let parts = format.dropFirst().split(separator: "m")
        guard format.hasPrefix("e"), parts.count == 2, let e = Int(parts[0]), let m = Int(parts[1]) else {
          throw error("'\(format)' isn't a format, expected e<bits>m<bits>")
        }
        bits = (e, m)
      } else {
        bits = (try requiredInteger("exponent_bits"), try requiredInteger("mantissa_bits"))
      }
      return Tensor.apply1(ReducePrecision(exponent: bits.0, mantissa: bits.1), try tensors(1))
    case "constant":
      guard case .dense(let dense)? = text.attributes["value"] else { throw error("has no attribute 'value'") }
      return try reader.scanner.tensor(dense, widening: reader.widening)
    case "iota":
      return Tensor.apply1(Iota(type: try resultType(), axis: try requiredInteger("iota_dimension")), [])
    default: return nil
    }
  }

  /// The element type of the result.
  private func bareElement() throws -> DType {
    guard text.resultTypes.count == 1, case .tensor(let element, _) = text.resultTypes[0] else {
      throw error("has no tensor as its only result")
    }
    return try reader.dtype(element, at: text.place)
  }

  /// Bits as booleans along a last axis, the lowest first, or back.
  private func booleanBits(_ x: Tensor, _ type: DType) throws -> Tensor {
    let other = type == .bool ? x.dtype : type
    let words: [Int: DType] = [1: .uint8, 2: .uint16, 4: .uint32, 8: .uint64]
    guard !other.isComplex, let word = words[other.byteCount] else {
      throw unsupported("\(x.dtype) and \(type) have no bits in common")
    }
    let shape = type == .bool ? x.shape + [8 * other.byteCount] : x.shape
    guard shape.last == 8 * other.byteCount else {
      throw error("\(8 * other.byteCount) booleans make one \(type), the last axis of \(x.shape) hasn't as many")
    }
    let places = Tensor.iota(shape, axis: -1, dtype: word)
    if type == .bool {
      let bits = (x.dtype == word ? x : x.bitcast(word)).expandDims(-1).broadcast(to: shape)
      return (bits.shiftRightLogical(places) & 1) .!= 0
    }
    let bits = Tensor.binary(.shiftLeft, x.cast(word), places).sum(-1)
    return type == word ? bits : bits.bitcast(type)
  }

  /// The upper half of a product of twice as many bits.
  private func upperProduct(_ operands: [Tensor]) throws -> Tensor {
    let (a, b) = (operands[0], operands[1])
    guard a.type == b.type, a.dtype.isInteger else {
      throw error("takes integers of one type, got \(a.type), \(b.type)")
    }
    func shifted(_ x: Tensor, by bits: Int, isSigned: Bool) -> Tensor {
      Tensor.binary(isSigned ? .shiftRightArithmetic : .shiftRightLogical, x, x.constant(Double(bits)))
    }
    let isSigned = a.dtype.isSignedInteger
    if a.dtype.byteCount < 8 {
      let wide: DType = isSigned ? .int64 : .uint64
      return shifted(a.cast(wide) * b.cast(wide), by: 8 * a.dtype.byteCount, isSigned: isSigned).cast(a.dtype)
    }
    // By halves, of which the lower are without sign (Warren, Hacker's Delight, 8-2).
    let low = 0xFFFF_FFFF
    let (a0, b0) = (a & low, b & low)
    let (a1, b1) = (shifted(a, by: 32, isSigned: isSigned), shifted(b, by: 32, isSigned: isSigned))
    let cross = a1 * b0 + shifted(a0 * b0, by: 32, isSigned: false)
    return a1 * b1 + shifted(cross, by: 32, isSigned: isSigned)
      + shifted(a0 * b1 + (cross & low), by: 32, isSigned: isSigned)
  }

  private func convert(_ x: Tensor) throws -> Tensor {
    let dtype = try bareElement()
    if x.dtype == dtype { return x }
    if x.dtype.isComplex, !dtype.isComplex, dtype != .bool {
      let real = x.real()
      return real.dtype == dtype ? real : Tensor.apply1(Convert(dtype: dtype), [real])
    }
    return Tensor.apply1(Convert(dtype: dtype), [x])
  }

  /// The greater or smaller of complex numbers, by real parts first.
  private func complexExtreme(_ a: Tensor, _ b: Tensor, isMax: Bool) -> Tensor {
    guard a.type == b.type else { return Tensor.apply1(Binary(kind: .maximum), [a, b]) }
    let (first, second) = isMax ? (a, b) : (b, a)
    let greater = first.real() .> second.real()
    let tie = (first.real() .== second.real()) .&& (first.imaginary() .> second.imaginary())
    return select(greater .|| tie, a, b)
  }

  private func compare() throws -> Tensor {
    guard let word = try word("comparison_direction") else { throw error("has no attribute 'comparison_direction'") }
    let directions: [String: Compare.Direction] = [
      "EQ": .equal, "NE": .notEqual, "LT": .less, "LE": .lessEqual, "GT": .greater, "GE": .greaterEqual,
    ]
    guard let direction = directions[word] else { throw error("'\(word)' isn't EQ, NE, LT, LE, GT or GE") }
    var operands = try tensors(2)
    let dtype = operands[0].dtype
    let kind = try self.word("compare_type") ?? "NOTYPE"
    let expected =
      dtype.isFloating
      ? ["FLOAT", "TOTALORDER"] : dtype.isComplex ? ["FLOAT"] : dtype.isSignedInteger ? ["SIGNED"] : ["UNSIGNED"]
    guard kind == "NOTYPE" || expected.contains(kind) else {
      throw error("comparison of type \(kind) doesn't fit \(dtype), expected \(expected.joined(separator: " or "))")
    }
    if kind == "TOTALORDER" { operands = operands.map(totalOrder) }
    return Tensor.apply1(Compare(direction: direction), operands)
  }

  /// Integers in the order of IEEE's totalOrder: -NaN, -infinity, …, -0, 0, …, infinity, NaN.
  private func totalOrder(_ x: Tensor) -> Tensor {
    let dtype: DType = x.dtype.byteCount == 2 ? .int16 : x.dtype.byteCount == 4 ? .int32 : .int64
    let bits = Tensor.apply1(BitcastConvert(dtype: dtype), [x])
    let mask = Tensor.apply1(Constant(type: bits.type, literal: dtype.highestLiteral), [])
    return select(bits .< 0, bits ^ mask, bits)
  }
}
