/// The type of a tensor's elements.
///
/// Names follow NumPy; `mlir` gives the spelling in StableHLO text.
public enum DType: String, Hashable, Sendable, CaseIterable, CustomStringConvertible {
  case bool
  case int8, int16, int32, int64
  case uint8, uint16, uint32, uint64
  case float16, bfloat16, float32, float64
  case complex64, complex128

  /// Bytes of one element in host memory.
  public var byteCount: Int {
    switch self {
    case .bool, .int8, .uint8: 1
    case .int16, .uint16, .float16, .bfloat16: 2
    case .int32, .uint32, .float32: 4
    case .int64, .uint64, .float64, .complex64: 8
    case .complex128: 16
    }
  }

  /// Whether elements are real floating-point numbers.
  public var isFloating: Bool {
    switch self {
    case .float16, .bfloat16, .float32, .float64: true
    default: false
    }
  }

  /// Whether elements are complex numbers.
  public var isComplex: Bool { self == .complex64 || self == .complex128 }

  /// Whether derivatives are defined: floating or complex.
  public var isDifferentiable: Bool { isFloating || isComplex }

  /// Whether elements are integers without sign.
  public var isUnsigned: Bool {
    switch self {
    case .uint8, .uint16, .uint32, .uint64: true
    default: false
    }
  }

  /// Whether elements are integers with sign.
  public var isSignedInteger: Bool {
    switch self {
    case .int8, .int16, .int32, .int64: true
    default: false
    }
  }

  /// Whether elements are integers (`bool` is not).
  public var isInteger: Bool { isUnsigned || isSignedInteger }

  /// The type of the real part; the type itself where it is not complex.
  public var realType: DType {
    switch self {
    case .complex64: .float32
    case .complex128: .float64
    default: self
    }
  }

  /// Spelling in MLIR: `f32`, `ui8`, `complex<f64>`, …
  public var mlir: String {
    switch self {
    case .bool: "i1"
    case .int8: "i8"
    case .int16: "i16"
    case .int32: "i32"
    case .int64: "i64"
    case .uint8: "ui8"
    case .uint16: "ui16"
    case .uint32: "ui32"
    case .uint64: "ui64"
    case .float16: "f16"
    case .bfloat16: "bf16"
    case .float32: "f32"
    case .float64: "f64"
    case .complex64: "complex<f32>"
    case .complex128: "complex<f64>"
    }
  }

  public var description: String { rawValue }
}

extension DType {
  /// Type with a sign in which places given as this type are computed with.
  var placeType: DType { self == .int64 || self == .uint64 || self == .uint32 ? .int64 : .int32 }

  /// Distance from 1 to the next number of the real type.
  var epsilon: Double {
    switch realType {
    case .float64: .ulpOfOne
    case .float16: Double(Float16.ulpOfOne)
    case .bfloat16: 0.0078125
    default: Double(Float.ulpOfOne)
    }
  }

  /// Smallest number with all digits.
  var tiny: Double {
    switch realType {
    case .float64: .leastNormalMagnitude
    case .float16: Double(Float16.leastNormalMagnitude)
    default: Double(Float.leastNormalMagnitude)
    }
  }
}
