infix operator ** : BitwiseShiftPrecedence
infix operator .&& : LogicalConjunctionPrecedence
infix operator .|| : LogicalDisjunctionPrecedence

extension Tensor {
  /// Brings two operands to one shape by NumPy's rule, and checks that their element types agree.
  static func aligned(_ name: String, _ a: Tensor, _ b: Tensor) -> Result<(Tensor, Tensor), TensorError> {
    if let failure = a.failure ?? b.failure { return .failure(failure) }
    guard a.dtype == b.dtype else {
      return .failure(
        .dtype(name, "operands differ: left \(a.type), right \(b.type); convert one with cast(_:)"))
    }
    if a.shape == b.shape { return .success((a, b)) }
    guard let shape = broadcastShape(a.shape, b.shape) else {
      return .failure(.shape(name, "shapes don't fit: left \(a.shape), right \(b.shape)"))
    }
    return .success((a.broadcast(to: shape), b.broadcast(to: shape)))
  }

  static func binary(_ kind: Binary.Kind, _ a: Tensor, _ b: Tensor) -> Tensor {
    switch aligned(Binary(kind: kind).name, a, b) {
    case .success(let (x, y)): apply1(Binary(kind: kind), [x, y])
    case .failure(let error): .failed(error)
    }
  }

  static func compare(_ direction: Compare.Direction, _ a: Tensor, _ b: Tensor) -> Tensor {
    switch aligned("comparison", a, b) {
    case .success(let (x, y)): apply1(Compare(direction: direction), [x, y])
    case .failure(let error): .failed(error)
    }
  }

  func unary(_ kind: Unary.Kind) -> Tensor { Tensor.apply1(Unary(kind: kind), [self]) }

  /// A constant of the shape and element type of this tensor.
  func constant(_ value: Double) -> Tensor { failure == nil ? Tensor.full(like: self, value) : self }
}

/// The shape that both shapes stretch to: aligned at the last axis, sizes equal or 1.
func broadcastShape(_ a: Shape, _ b: Shape) -> Shape? {
  let rank = max(a.count, b.count)
  var shape = Shape(repeating: 1, count: rank)
  for i in 0..<rank {
    let x = i < rank - a.count ? 1 : a[i - rank + a.count]
    let y = i < rank - b.count ? 1 : b[i - rank + b.count]
    guard x == y || x == 1 || y == 1 else { return nil }
    shape[i] = x == 1 ? y : x
  }
  return shape
}

/// Arithmetic: NumPy's broadcasting, equal element types; a Swift number takes the tensor's element type.
extension Tensor {
  public static func + (a: Tensor, b: Tensor) -> Tensor { binary(.add, a, b) }
  public static func - (a: Tensor, b: Tensor) -> Tensor { binary(.subtract, a, b) }
  public static func * (a: Tensor, b: Tensor) -> Tensor { binary(.multiply, a, b) }
  public static func / (a: Tensor, b: Tensor) -> Tensor { binary(.divide, a, b) }
  /// Remainder with the sign of the dividend.
  public static func % (a: Tensor, b: Tensor) -> Tensor { binary(.remainder, a, b) }
  public static func ** (a: Tensor, b: Tensor) -> Tensor { binary(.power, a, b) }
  public static func & (a: Tensor, b: Tensor) -> Tensor { binary(.and, a, b) }
  public static func | (a: Tensor, b: Tensor) -> Tensor { binary(.or, a, b) }
  public static func ^ (a: Tensor, b: Tensor) -> Tensor { binary(.xor, a, b) }
  public static func << (a: Tensor, b: Tensor) -> Tensor { binary(.shiftLeft, a, b) }
  /// Shift that keeps the sign; zeros come in for unsigned elements.
  public static func >> (a: Tensor, b: Tensor) -> Tensor {
    binary(a.dtype.isUnsigned ? .shiftRightLogical : .shiftRightArithmetic, a, b)
  }
  public static func .== (a: Tensor, b: Tensor) -> Tensor { compare(.equal, a, b) }
  public static func .!= (a: Tensor, b: Tensor) -> Tensor { compare(.notEqual, a, b) }
  public static func .< (a: Tensor, b: Tensor) -> Tensor { compare(.less, a, b) }
  public static func .<= (a: Tensor, b: Tensor) -> Tensor { compare(.lessEqual, a, b) }
  public static func .> (a: Tensor, b: Tensor) -> Tensor { compare(.greater, a, b) }
  public static func .>= (a: Tensor, b: Tensor) -> Tensor { compare(.greaterEqual, a, b) }
  public static func .&& (a: Tensor, b: Tensor) -> Tensor { binary(.and, a, b) }
  public static func .|| (a: Tensor, b: Tensor) -> Tensor { binary(.or, a, b) }

  public static func + (a: Tensor, b: Double) -> Tensor { a + a.constant(b) }
  public static func + (a: Double, b: Tensor) -> Tensor { b.constant(a) + b }
  public static func - (a: Tensor, b: Double) -> Tensor { a - a.constant(b) }
  public static func - (a: Double, b: Tensor) -> Tensor { b.constant(a) - b }
  public static func * (a: Tensor, b: Double) -> Tensor { a * a.constant(b) }
  public static func * (a: Double, b: Tensor) -> Tensor { b.constant(a) * b }
  public static func / (a: Tensor, b: Double) -> Tensor { a / a.constant(b) }
  public static func / (a: Double, b: Tensor) -> Tensor { b.constant(a) / b }
  public static func % (a: Tensor, b: Double) -> Tensor { a % a.constant(b) }
  public static func ** (a: Tensor, b: Double) -> Tensor { a ** a.constant(b) }
  public static func ** (a: Double, b: Tensor) -> Tensor { b.constant(a) ** b }
  public static func & (a: Tensor, b: Int) -> Tensor { a & a.constant(Double(b)) }
  public static func | (a: Tensor, b: Int) -> Tensor { a | a.constant(Double(b)) }
  public static func ^ (a: Tensor, b: Int) -> Tensor { a ^ a.constant(Double(b)) }
  public static func << (a: Tensor, b: Int) -> Tensor { a << a.constant(Double(b)) }
  public static func >> (a: Tensor, b: Int) -> Tensor { a >> a.constant(Double(b)) }
  public static func .== (a: Tensor, b: Double) -> Tensor { a .== a.constant(b) }
  public static func .!= (a: Tensor, b: Double) -> Tensor { a .!= a.constant(b) }
  public static func .< (a: Tensor, b: Double) -> Tensor { a .< a.constant(b) }
  public static func .<= (a: Tensor, b: Double) -> Tensor { a .<= a.constant(b) }
  public static func .> (a: Tensor, b: Double) -> Tensor { a .> a.constant(b) }
  public static func .>= (a: Tensor, b: Double) -> Tensor { a .>= a.constant(b) }

  public static prefix func - (a: Tensor) -> Tensor { a.unary(.negate) }
  public static prefix func ! (a: Tensor) -> Tensor { a.unary(.not) }
  public static prefix func ~ (a: Tensor) -> Tensor { a.unary(.not) }

  public static func += (a: inout Tensor, b: Tensor) { a = a + b }
  public static func -= (a: inout Tensor, b: Tensor) { a = a - b }
  public static func *= (a: inout Tensor, b: Tensor) { a = a * b }
  public static func /= (a: inout Tensor, b: Tensor) { a = a / b }
}

/// Elementwise functions; the result has the operand's shape.
extension Tensor {
  public func abs() -> Tensor { unary(.abs) }
  /// -1, 0 or 1; for complex numbers z/|z|.
  public func sign() -> Tensor { unary(.sign) }
  public func exp() -> Tensor { unary(.exp) }
  /// exp(x) - 1 without loss near 0.
  public func expm1() -> Tensor { unary(.expm1) }
  public func log() -> Tensor { unary(.log) }
  /// log(1 + x) without loss near 0.
  public func log1p() -> Tensor { unary(.log1p) }
  public func sqrt() -> Tensor { unary(.sqrt) }
  /// 1 / sqrt(x).
  public func rsqrt() -> Tensor { unary(.rsqrt) }
  public func cbrt() -> Tensor { unary(.cbrt) }
  public func sin() -> Tensor { unary(.sin) }
  public func cos() -> Tensor { unary(.cos) }
  public func tan() -> Tensor { unary(.tan) }
  public func asin() -> Tensor { unary(.asin) }
  public func acos() -> Tensor { unary(.acos) }
  public func atan() -> Tensor { unary(.atan) }
  public func sinh() -> Tensor { unary(.sinh) }
  public func cosh() -> Tensor { unary(.cosh) }
  public func tanh() -> Tensor { unary(.tanh) }
  public func asinh() -> Tensor { unary(.asinh) }
  public func acosh() -> Tensor { unary(.acosh) }
  public func atanh() -> Tensor { unary(.atanh) }
  /// 1 / (1 + exp(-x)).
  public func sigmoid() -> Tensor { unary(.logistic) }
  public func floor() -> Tensor { unary(.floor) }
  public func ceil() -> Tensor { unary(.ceil) }
  /// To the nearest integer, ties to even.
  public func round() -> Tensor { unary(.round) }
  /// Towards zero. Integers stay as they are.
  public func truncated() -> Tensor { dtype.isFloating ? select(self .< 0, ceil(), floor()) : self }
  public func erf() -> Tensor { unary(.erf) }
  public func erfc() -> Tensor { unary(.erfc) }
  /// The inverse of `erf` on (-1, 1).
  public func erfInverse() -> Tensor { unary(.erfInverse) }
  /// log |gamma(x)|.
  public func lgamma() -> Tensor { unary(.lgamma) }
  public func digamma() -> Tensor { unary(.digamma) }
  public func isFinite() -> Tensor { unary(.isFinite) }
  public func isNaN() -> Tensor { self .!= self }
  /// Number of bits set.
  public func populationCount() -> Tensor { unary(.popcnt) }
  public func leadingZeroBitCount() -> Tensor { unary(.clz) }
  public func square() -> Tensor { self * self }
  public func reciprocal() -> Tensor { 1 / self }
  /// Real part; the tensor itself where it is real.
  public func real() -> Tensor { dtype.isComplex ? unary(.real) : self }
  /// Imaginary part; zeros where the tensor is real.
  public func imaginary() -> Tensor { dtype.isComplex ? unary(.imaginary) : Tensor.zeros(like: self) }
  public func conjugate() -> Tensor { dtype.isComplex ? complex(real(), -imaginary()) : self }
  public func pow(_ exponent: Tensor) -> Tensor { self ** exponent }
  public func pow(_ exponent: Double) -> Tensor { self ** exponent }
  /// Angle of the point (x, self), in radians.
  public func atan2(_ x: Tensor) -> Tensor { Tensor.binary(.atan2, self, x) }
  /// The next representable number towards `other`.
  public func nextAfter(_ other: Tensor) -> Tensor { Tensor.binary(.nextAfter, self, other) }
  /// Shift in which zeros come in from the left.
  public func shiftRightLogical(_ bits: Tensor) -> Tensor { Tensor.binary(.shiftRightLogical, self, bits) }
  /// Shift in which zeros come in from the left.
  public func shiftRightLogical(_ bits: Int) -> Tensor { shiftRightLogical(constant(Double(bits))) }
  /// Elements limited to [min, max].
  public func clamp(min lower: Double, max upper: Double) -> Tensor { minimum(maximum(self, lower), upper) }
  /// Elements limited to [min, max], elementwise.
  public func clamp(min lower: Tensor, max upper: Tensor) -> Tensor { minimum(maximum(self, lower), upper) }
  /// Every element as another type; towards zero from floating point to integers.
  public func cast(_ dtype: DType) -> Tensor {
    dtype == self.dtype ? self : Tensor.apply1(Convert(dtype: dtype), [self])
  }
  /// The same bits as elements of another type of the same width.
  public func bitcast(_ dtype: DType) -> Tensor { Tensor.apply1(BitcastConvert(dtype: dtype), [self]) }
}

/// The greater of two, elementwise; NaN where either is. Equal operands share the derivative.
public func maximum(_ a: Tensor, _ b: Tensor) -> Tensor { Tensor.binary(.maximum, a, b) }
/// The greater of an element and a number.
public func maximum(_ a: Tensor, _ b: Double) -> Tensor { maximum(a, a.constant(b)) }
/// The smaller of two, elementwise; NaN where either is. Equal operands share the derivative.
public func minimum(_ a: Tensor, _ b: Tensor) -> Tensor { Tensor.binary(.minimum, a, b) }
/// The smaller of an element and a number.
public func minimum(_ a: Tensor, _ b: Double) -> Tensor { minimum(a, a.constant(b)) }

/// Elementwise choice: `a` where `condition` holds, `b` elsewhere. All three broadcast.
public func select(_ condition: Tensor, _ a: Tensor, _ b: Tensor) -> Tensor {
  switch Tensor.aligned("select", a, b) {
  case .failure(let error): return .failed(error)
  case .success(let (x, y)):
    if condition.failure != nil { return condition }
    guard let shape = broadcastShape(condition.shape, x.shape) else {
      return .failed(.shape("select", "condition \(condition.shape) doesn't fit branches \(x.shape)"))
    }
    return Tensor.apply1(Select(), [condition.broadcast(to: shape), x.broadcast(to: shape), y.broadcast(to: shape)])
  }
}

/// The tensor itself, through which no derivative flows.
public func stopGradient(_ x: Tensor) -> Tensor { Tensor.apply1(StopGradient(), [x]) }
