/// Elementwise functions composed of others.
extension Tensor {
  public func log2() -> Tensor { log() / 0.6931471805599453 }
  public func log10() -> Tensor { log() / 2.302585092994046 }
  /// 2 to the power of x.
  public func exp2() -> Tensor { (self * 0.6931471805599453).exp() }
  /// Degrees as radians.
  public func radians() -> Tensor { self * (Double.pi / 180) }
  /// Radians as degrees.
  public func degrees() -> Tensor { self * (180 / Double.pi) }
  /// Angle of complex numbers in (-π, π]; 0 or π for real ones.
  public func angle() -> Tensor { imaginary().atan2(real()) }
  /// Whether elements are infinity or -infinity.
  public func isInfinite() -> Tensor { !(isFinite() .|| isNaN()) }

  /// NaN and infinities replaced; infinities by the type's greatest number without arguments.
  public func replacingNaN(_ nan: Double = 0, positiveInfinity: Double? = nil, negativeInfinity: Double? = nil)
    -> Tensor
  {
    guard dtype.isFloating else { return self }
    let greatest: Double =
      switch dtype {
      case .float16: Double(Float16.greatestFiniteMagnitude)
      case .bfloat16: Double(BFloat16(bitPattern: 0x7F7F).float)
      case .float32: Double(Float.greatestFiniteMagnitude)
      default: .greatestFiniteMagnitude
      }
    let (zero, infinity) = (constant(nan), constant(.infinity))
    let upper = select(self .== infinity, constant(positiveInfinity ?? greatest), self)
    return select(isNaN(), zero, select(self .== -infinity, constant(negativeInfinity ?? -greatest), upper))
  }

  /// Whether elements differ from another's by at most `absolute + relative * |other|`; NaN equals nothing unless asked.
  public func isClose(_ other: Tensor, relative: Double = 1e-5, absolute: Double = 1e-8, equalNaN: Bool = false)
    -> Tensor
  {
    let bound = other.abs() * relative + absolute
    let near = (self - other).abs() .<= bound
    guard dtype.isFloating else { return near }
    let close = select(isFinite() .&& other.isFinite(), near, self .== other)
    return equalNaN ? close .|| (isNaN() .&& other.isNaN()) : close
  }
}

/// The quotient rounded down: Python's `//`.
public func floorDivide(_ a: Tensor, _ b: Tensor) -> Tensor {
  let quotient = a / b
  if quotient.failure != nil { return quotient }
  guard quotient.dtype.isInteger else { return ((a - floorRemainder(a, b)) / b).round() }
  guard quotient.dtype.isSignedInteger else { return quotient }
  let crosses = (a % b .!= 0) .&& ((a .< 0) .!= (b .< 0))
  return quotient - crosses.cast(quotient.dtype)
}

/// The remainder with the sign of the divisor: Python's `%`.
public func floorRemainder(_ a: Tensor, _ b: Tensor) -> Tensor {
  let remainder = a % b
  if remainder.failure != nil || remainder.dtype.isUnsigned { return remainder }
  let crosses = (remainder .!= 0) .&& ((remainder .< 0) .!= (b .< 0))
  return select(crosses, remainder + b, remainder)
}

/// sqrt(a² + b²) without overflow.
public func hypot(_ a: Tensor, _ b: Tensor) -> Tensor {
  let (x, y) = (a.abs(), b.abs())
  let (high, low) = (maximum(x, y), minimum(x, y))
  if high.failure != nil { return high }
  let isZero = high .== 0
  let ratio = low / select(isZero, Tensor.ones(like: high), high)
  let infinite = high .== high.constant(.infinity)
  return select(infinite, high, high * (1 + ratio.square()).sqrt())
}

/// The magnitude of `a` with the sign of `b`, which a zero has too.
public func copySign(_ a: Tensor, _ b: Tensor) -> Tensor {
  guard let word = [1: DType.uint8, 2: .uint16, 4: .uint32, 8: .uint64][b.dtype.byteCount], b.dtype.isFloating else {
    return b.failure != nil ? b : .failed(.dtype("copySign", "takes floating-point numbers, not \(b.dtype)"))
  }
  let isNegative = b.bitcast(word).shiftRightLogical(b.dtype.byteCount * 8 - 1) .!= 0
  let magnitude = a.abs()
  return select(isNegative, -magnitude, magnitude)
}

/// 0 below 0, 1 above, `atZero` at 0.
public func heaviside(_ x: Tensor, atZero: Double = 0.5) -> Tensor {
  if x.failure != nil { return x }
  let sides = select(x .> 0, Tensor.ones(like: x), Tensor.zeros(like: x))
  return select(x .== 0, x.constant(atZero), select(x.isNaN(), x, sides))
}
