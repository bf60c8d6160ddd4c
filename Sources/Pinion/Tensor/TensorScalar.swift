import ComplexModule

/// A Swift type that can be an element of a tensor.
public protocol TensorScalar: Sendable {
  /// The element type of tensors of such values.
  static var dtype: DType { get }
}

extension Bool: TensorScalar { public static var dtype: DType { .bool } }
extension Int8: TensorScalar { public static var dtype: DType { .int8 } }
extension Int16: TensorScalar { public static var dtype: DType { .int16 } }
extension Int32: TensorScalar { public static var dtype: DType { .int32 } }
extension Int64: TensorScalar { public static var dtype: DType { .int64 } }
extension UInt8: TensorScalar { public static var dtype: DType { .uint8 } }
extension UInt16: TensorScalar { public static var dtype: DType { .uint16 } }
extension UInt32: TensorScalar { public static var dtype: DType { .uint32 } }
extension UInt64: TensorScalar { public static var dtype: DType { .uint64 } }
extension Float16: TensorScalar { public static var dtype: DType { .float16 } }
extension Float: TensorScalar { public static var dtype: DType { .float32 } }
extension Double: TensorScalar { public static var dtype: DType { .float64 } }

/// The upper half of an IEEE single: 8 bits of exponent, 7 of fraction.
public struct BFloat16: TensorScalar, Hashable, CustomStringConvertible {
  /// The sixteen bits.
  public var bitPattern: UInt16

  public static var dtype: DType { .bfloat16 }

  public init(bitPattern: UInt16) { self.bitPattern = bitPattern }

  /// Rounds to nearest, ties to even.
  public init(_ value: Float) {
    let bits = value.bitPattern
    if value.isNaN {
      bitPattern = UInt16(truncatingIfNeeded: bits >> 16) | 0x40
    } else {
      let rounding = 0x7fff + ((bits >> 16) & 1)
      bitPattern = UInt16(truncatingIfNeeded: (bits &+ rounding) >> 16)
    }
  }

  /// The value as a single.
  public var float: Float { Float(bitPattern: UInt32(bitPattern) << 16) }

  public var description: String { float.description }
}

extension Complex: TensorScalar where RealType: TensorScalar {
  public static var dtype: DType { RealType.dtype == .float64 ? .complex128 : .complex64 }
}
