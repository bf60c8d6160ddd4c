/// One value everywhere.
struct Constant: Primitive {
  let type: TensorType
  /// The value as MLIR spells it.
  let literal: String
  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] { [type] }
  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    [printer.splat(literal, type)]
  }
  func vjp(_ context: VJPContext) throws -> [Tensor?] { [] }
}

/// Each element its place along an axis.
struct Iota: Primitive {
  let type: TensorType
  let axis: Int
  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    guard type.shape.indices.contains(axis) else {
      throw TensorError.value(name, "axis \(axis) isn't one of \(type.shape)")
    }
    guard type.dtype != .bool else { throw TensorError.dtype(name, "makes numbers, not booleans") }
    return [type]
  }
  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    [printer.emit("stablehlo.iota", [], type, attributes: "iota_dimension = \(axis) : i64")]
  }
  func vjp(_ context: VJPContext) throws -> [Tensor?] { [] }
}

extension DType {
  /// A number as MLIR spells it in a constant of this type.
  func literal(_ value: Double) -> String {
    switch self {
    case .bool: return value != 0 ? "true" : "false"
    case .complex64: return "(\(DType.float32.literal(value)), 0.0)"
    case .complex128: return "(\(DType.float64.literal(value)), 0.0)"
    case .float64: return "0x" + hex(value.bitPattern, 16)
    case .float32: return "0x" + hex(UInt64(Float(value).bitPattern), 8)
    case .float16: return "0x" + hex(UInt64(Float16(value).bitPattern), 4)
    case .bfloat16: return "0x" + hex(UInt64(BFloat16(Float(value)).bitPattern), 4)
    default:
      if isUnsigned { return "\(UInt64(exactly: value.rounded(.towardZero)) ?? (value < 0 ? 0 : .max))" }
      return "\(Int64(exactly: value.rounded(.towardZero)) ?? (value < 0 ? .min : .max))"
    }
  }

  private func hex(_ bits: UInt64, _ digits: Int) -> String {
    let text = String(bits, radix: 16, uppercase: true)
    return String(repeating: "0", count: digits - text.count) + text
  }

  var zeroLiteral: String { literal(0) }
  var oneLiteral: String { literal(1) }

  /// What every number exceeds; the start of a maximum.
  var lowestLiteral: String {
    if isFloating { return literal(-.infinity) }
    return self == .bool ? "false" : isUnsigned ? "0" : "\(-(1 << (byteCount * 8 - 2)) * 2)"
  }

  /// What exceeds every number; the start of a minimum.
  var highestLiteral: String {
    if isFloating { return literal(.infinity) }
    if self == .bool { return "true" }
    return isUnsigned ? "\(UInt64.max >> UInt64(64 - byteCount * 8))" : "\(Int64.max >> Int64(64 - byteCount * 8))"
  }

  /// Whether the type can hold the number, rounding aside.
  func holds(_ value: Double) -> Bool {
    guard isInteger else { return true }
    guard value.isFinite else { return false }
    let bits = Double(byteCount * 8)
    let (low, high) = isUnsigned ? (0, Double.pow2(bits)) : (-Double.pow2(bits - 1), Double.pow2(bits - 1))
    return value.rounded(.towardZero) >= low && value.rounded(.towardZero) < high
  }
}

extension Double {
  fileprivate static func pow2(_ exponent: Double) -> Double {
    Double(sign: .plus, exponent: Int(exponent), significand: 1)
  }
}

extension Tensor {
  /// A tensor of host data.
  ///
  /// - Parameters:
  ///   - values: elements, row-major.
  ///   - shape: sizes; one axis of all elements without it.
  public init<T: TensorScalar>(_ values: [T], shape: [Int]? = nil) {
    self = values.withUnsafeBytes { Tensor(bytes: $0, shape: shape ?? [values.count], dtype: T.dtype) }
  }

  /// A scalar of host data. Unlike a Swift number in an expression it's an argument of programs, so that another value
  /// doesn't compile anew.
  public init<T: TensorScalar>(_ scalar: T) { self.init([scalar], shape: []) }

  /// A matrix of rows of equal length.
  public init<T: TensorScalar>(_ rows: [[T]]) {
    let width = rows.first?.count ?? 0
    guard rows.allSatisfy({ $0.count == width }) else {
      self = .failed(.shape("Tensor", "rows have different lengths: \(rows.map(\.count))"))
      return
    }
    self.init(rows.flatMap { $0 }, shape: [rows.count, width])
  }

  /// A tensor of bytes in host order, row-major; one byte a boolean.
  public init(bytes: [UInt8], shape: [Int], dtype: DType) {
    self = bytes.withUnsafeBytes { Tensor(bytes: $0, shape: shape, dtype: dtype) }
  }

  /// A tensor of bytes in host order, row-major, which are copied; one byte a boolean.
  public init(bytes: UnsafeRawBufferPointer, shape: [Int], dtype: DType) {
    guard shape.allSatisfy({ $0 >= 0 }), bytes.count == TensorType(dtype, shape).byteCount else {
      let count = Swift.max(0, shape.elementCount)
      self = .failed(
        .shape("Tensor", "\(shape) of \(dtype) takes \(count) elements, got \(bytes.count / dtype.byteCount)"))
      return
    }
    self.init(shape: shape, dtype: dtype) { $0.copyMemory(from: bytes) }
  }

  /// A tensor of host data that `fill` writes in place: row-major, in host order, every byte.
  public init(
    shape: [Int], dtype: DType, fill: (UnsafeMutableRawBufferPointer) throws -> Void
  ) rethrows {
    guard shape.allSatisfy({ $0 >= 0 }) else {
      self = .failed(.shape("Tensor", "\(shape) has a negative size"))
      return
    }
    let type = TensorType(dtype, shape)
    let data = try HostData(byteCount: type.byteCount, fill: fill)
    self.init(Node(Given(), [], [type], state: .host(data)))
  }

  /// One value everywhere.
  public static func full(_ shape: [Int], _ value: Double, dtype: DType = .float32) -> Tensor {
    guard dtype.holds(value) else {
      return .failed(.value("constant", "\(value) isn't a \(dtype)"))
    }
    return apply1(Constant(type: TensorType(dtype, shape), literal: dtype.literal(value)), [])
  }

  /// One value everywhere, in the shape and type of another tensor.
  public static func full(like other: Tensor, _ value: Double) -> Tensor {
    other.failure == nil ? full(other.shape, value, dtype: other.dtype) : other
  }

  public static func zeros(_ shape: [Int], dtype: DType = .float32) -> Tensor { full(shape, 0, dtype: dtype) }
  public static func ones(_ shape: [Int], dtype: DType = .float32) -> Tensor { full(shape, 1, dtype: dtype) }
  public static func zeros(like other: Tensor) -> Tensor { full(like: other, 0) }
  public static func ones(like other: Tensor) -> Tensor { full(like: other, 1) }

  /// Each element its place along an axis.
  public static func iota(_ shape: [Int], axis: Int, dtype: DType = .int32) -> Tensor {
    apply1(Iota(type: TensorType(dtype, shape), axis: shape.normalizedAxis(axis) ?? axis), [])
  }

  /// 0, 1, …, n - 1.
  public static func arange(_ n: Int, dtype: DType = .int32) -> Tensor { iota([n], axis: 0, dtype: dtype) }

  /// `start`, `start + step`, … below `end`.
  public static func arange(from start: Double, to end: Double, step: Double = 1, dtype: DType = .float32) -> Tensor {
    guard step != 0, start.isFinite, end.isFinite, step.isFinite else {
      return .failed(.value("arange", "from \(start) to \(end) by \(step) has no end"))
    }
    let n = Swift.max(0, Int(((end - start) / step).rounded(.up)))
    return iota([n], axis: 0, dtype: dtype) * step + start
  }

  /// `count` numbers at equal distances, both ends included.
  public static func linspace(from start: Double, to end: Double, count: Int, dtype: DType = .float32) -> Tensor {
    iota([count], axis: 0, dtype: dtype) * ((end - start) / Double(Swift.max(count - 1, 1))) + start
  }

  /// `count` numbers of equal ratios, `base` to the powers from `start` to `end`, both included.
  public static func logspace(
    from start: Double, to end: Double, count: Int, base: Double = 10, dtype: DType = .float32
  ) -> Tensor {
    base ** linspace(from: start, to: end, count: count, dtype: dtype)
  }

  /// Ones on a diagonal of a matrix, square unless `columns` is given; zeros elsewhere.
  ///
  /// - Parameter offset: above the main diagonal; negative below.
  public static func eye(_ n: Int, columns: Int? = nil, offset: Int = 0, dtype: DType = .float32) -> Tensor {
    let shape = [n, columns ?? n]
    guard shape.allSatisfy({ $0 >= 0 }) else { return .failed(.shape("eye", "\(shape) has a negative size")) }
    let distance = iota(shape, axis: 1, dtype: .int64) - iota(shape, axis: 0, dtype: .int64)
    return (distance .== Double(offset)).cast(dtype)
  }
}
