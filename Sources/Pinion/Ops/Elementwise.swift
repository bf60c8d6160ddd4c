/// Elementwise functions of one operand.
struct Unary: Primitive {
  enum Kind: String {
    case negate, abs, sign, exp, expm1, log, log1p, sqrt, rsqrt, cbrt, sin, cos, tan, tanh, logistic, floor, ceil
    case round, roundAway, not, popcnt, clz
    case isFinite
    case erf, erfc, erfInverse, lgamma, digamma
    case asin, acos, atan, sinh, cosh, asinh, acosh, atanh
    case real, imaginary
  }
  let kind: Kind
  var name: String { kind.rawValue }

  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    let type = inputs[0]
    func require(_ holds: Bool, _ what: String) throws {
      if !holds { throw TensorError.dtype(name, "takes \(what), not \(type.dtype); convert with cast(_:)") }
    }
    switch kind {
    case .abs:
      try require(type.dtype != .bool, "numbers")
      return [type.with(dtype: type.dtype.realType)]
    case .negate, .sign: try require(type.dtype != .bool, "numbers")
    case .not: try require(type.dtype == .bool || type.dtype.isInteger, "booleans or integers")
    case .popcnt, .clz: try require(type.dtype.isInteger, "integers")
    case .real, .imaginary:
      try require(type.dtype.isDifferentiable, "complex numbers")
      return [type.with(dtype: type.dtype.realType)]
    case .isFinite:
      try require(type.dtype.isFloating, "floating-point numbers")
      return [type.with(dtype: .bool)]
    case .floor, .ceil, .round, .roundAway, .erf, .erfc, .erfInverse, .lgamma, .digamma:
      try require(type.dtype.isFloating, "floating-point numbers")
    default: try require(type.dtype.isDifferentiable, "floating-point or complex numbers")
    }
    return [type]
  }

  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    if let result = Sine.lower(kind, operands[0], into: &printer) { return [result] }
    let op: String
    switch kind {
    case .expm1: op = "stablehlo.exponential_minus_one"
    case .exp: op = "stablehlo.exponential"
    case .log1p: op = "stablehlo.log_plus_one"
    case .sin: op = "stablehlo.sine"
    case .cos: op = "stablehlo.cosine"
    case .round: op = "stablehlo.round_nearest_even"
    case .roundAway: op = "stablehlo.round_nearest_afz"
    case .clz: op = "stablehlo.count_leading_zeros"
    case .isFinite: op = "stablehlo.is_finite"
    case .imaginary: op = "stablehlo.imag"
    case .erf, .erfc, .lgamma, .digamma, .asin, .acos, .atan, .sinh, .cosh, .asinh, .acosh, .atanh:
      op = "chlo.\(kind.rawValue)"
    case .erfInverse: op = "chlo.erf_inv"
    default: op = "stablehlo.\(kind.rawValue)"
    }
    var operands = operands
    if kind == .atan, operands[0].type.dtype == .float64 {
      // XLA's CPU compiler makes of atan2(x, 1) a call to a vector function that isn't there; the results are garbage.
      let type = operands[0].type
      let one = printer.splat(type.dtype.oneLiteral, type)
      return [
        printer.emit(
          "stablehlo.atan2", [operands[0], printer.emit("stablehlo.optimization_barrier", [one], type)], type)
      ]
    }
    if op.hasPrefix("chlo."), operands[0].type.dtype != .float32 {
      // Expanded to long polynomials that use the operand many times; fused with what makes it, XLA would compile
      // (and run) that once for each use.
      operands = printer.emit("stablehlo.optimization_barrier", operands, results: operands.map(\.type))
    }
    return [printer.emit(op, operands, try resultTypes(operands.map(\.type))[0])]
  }

  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    let (x, y, g) = (context.inputs[0], context.outputs[0], context.cotangent)
    switch kind {
    case .negate: return [-g]
    case .abs:
      guard x.dtype.isComplex else { return [g * x.sign()] }
      // Gradient of |z| is z/|z|; our cotangents are conjugated as in JAX.
      let unit = select(
        y .== 0, Tensor.zeros(like: x), x.conjugate() / complex(maximum(y, 1e-300 as Double), Tensor.zeros(like: y)))
      return [complex(g, Tensor.zeros(like: g)) * unit]
    case .sign:
      let zeros = Tensor.zeros(like: g)
      guard x.dtype.isComplex else { return [zeros] }
      // z/|z| changes only across its own direction.
      let size = x.abs()
      let nothing = Tensor.zeros(like: size)
      let across = g - y.conjugate() * complex((y * g).real(), nothing)
      return [select(size .== 0, zeros, across / complex(select(size .== 0, Tensor.ones(like: size), size), nothing))]
    case .floor, .ceil, .round, .roundAway: return [Tensor.zeros(like: g)]
    case .exp: return [g * y]
    case .expm1: return [g * (y + 1)]
    case .log: return [g / x]
    case .log1p: return [g / (x + 1)]
    case .sqrt: return [g * 0.5 / y]
    case .rsqrt: return [g * -0.5 * y / x]
    case .cbrt: return [g / (3 * y * y)]
    case .sin: return [g * x.cos()]
    case .cos: return [-g * x.sin()]
    case .tan: return [g * (1 + y * y)]
    case .tanh: return [g * (1 - y * y)]
    case .logistic: return [g * y * (1 - y)]
    case .erf: return [g * (2 / Double.pi.squareRoot()) * (-(x * x)).exp()]
    case .erfc: return [g * (-2 / Double.pi.squareRoot()) * (-(x * x)).exp()]
    case .erfInverse: return [g * (Double.pi.squareRoot() / 2) * (y * y).exp()]
    case .lgamma: return [g * x.digamma()]
    case .digamma: return [g * polygamma(1, x)]
    case .asin: return [g / (1 - x * x).sqrt()]
    case .acos: return [-g / (1 - x * x).sqrt()]
    case .atan: return [g / (1 + x * x)]
    case .sinh: return [g * x.cosh()]
    case .cosh: return [g * x.sinh()]
    case .asinh: return [g / (x * x + 1).sqrt()]
    case .acosh: return [g / ((x - 1).sqrt() * (x + 1).sqrt())]
    case .atanh: return [g / (1 - x * x)]
    case .real:
      guard x.dtype.isComplex else { return [g] }
      return [complex(g, Tensor.zeros(like: g))]
    case .imaginary:
      guard x.dtype.isComplex else { return [Tensor.zeros(like: x)] }
      return [complex(Tensor.zeros(like: g), -g)]
    case .not, .popcnt, .clz, .isFinite: return [nil]
    }
  }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    batchedElementwise(inputs, axes, size: size)
  }
}

/// Elementwise functions of two operands of one type.
struct Binary: Primitive {
  enum Kind: String {
    case add, subtract, multiply, divide, remainder, power, maximum, minimum, atan2
    case and, or, xor
    case shiftLeft, shiftRightArithmetic, shiftRightLogical
    case complex, polygamma, nextAfter
  }
  let kind: Kind
  var name: String {
    switch kind {
    case .add: "+"
    case .subtract: "-"
    case .multiply: "*"
    case .divide: "/"
    case .remainder: "%"
    case .power: "pow"
    case .and: "&"
    case .or: "|"
    case .xor: "^"
    default: kind.rawValue
    }
  }

  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    let (a, b) = (inputs[0], inputs[1])
    guard a == b else {
      throw TensorError.shape(name, "operands differ: left \(a), right \(b)")
    }
    func require(_ holds: Bool, _ what: String) throws {
      if !holds { throw TensorError.dtype(name, "takes \(what), not \(a.dtype); convert with cast(_:)") }
    }
    switch kind {
    case .and, .or, .xor: try require(a.dtype == .bool || a.dtype.isInteger, "booleans or integers")
    case .shiftLeft, .shiftRightArithmetic, .shiftRightLogical: try require(a.dtype.isInteger, "integers")
    case .atan2: try require(a.dtype.isDifferentiable, "floating-point numbers")
    case .polygamma, .nextAfter: try require(a.dtype.isFloating, "floating-point numbers")
    case .complex:
      try require(a.dtype == .float32 || a.dtype == .float64, "float32 or float64")
      return [a.with(dtype: a.dtype == .float32 ? .complex64 : .complex128)]
    case .remainder, .maximum, .minimum: try require(!a.dtype.isComplex, "real numbers")
    case .add, .multiply: break
    case .subtract, .divide, .power: try require(a.dtype != .bool, "numbers")
    }
    return [a]
  }

  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    let op: String
    switch kind {
    case .shiftLeft: op = "stablehlo.shift_left"
    case .shiftRightArithmetic: op = "stablehlo.shift_right_arithmetic"
    case .shiftRightLogical: op = "stablehlo.shift_right_logical"
    case .polygamma: op = "chlo.polygamma"
    case .nextAfter: op = "chlo.next_after"
    default: op = "stablehlo.\(kind.rawValue)"
    }
    return [printer.emit(op, operands, try resultTypes(operands.map(\.type))[0])]
  }

  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    let (a, b, y, g) = (context.inputs[0], context.inputs[1], context.outputs[0], context.cotangent)
    switch kind {
    case .add: return [g, g]
    case .subtract: return [g, context.needs[1] ? -g : nil]
    case .multiply: return [context.needs[0] ? g * b : nil, context.needs[1] ? g * a : nil]
    case .divide: return [context.needs[0] ? g / b : nil, context.needs[1] ? -(g * y) / b : nil]
    case .remainder: return [g, context.needs[1] ? -g * (a / b).truncated() : nil]
    case .power:
      // At a = 0 the logarithm has no value, and none is wanted: the power's derivative by b is 0 there.
      let one = Tensor.ones(like: a)
      let left =
        context.needs[0] ? g * select(b .== 0, Tensor.zeros(like: a), b * select(b .== 0, one, a).pow(b - 1)) : nil
      let right = context.needs[1] ? g * select(a .== 0, Tensor.zeros(like: a), select(a .== 0, one, a).log() * y) : nil
      return [left, right]
    case .maximum, .minimum:
      // Equal operands share the cotangent.
      let wins = kind == .maximum ? a .> b : a .< b
      let half = Tensor.full(like: a, 0.5)
      let (zero, one) = (Tensor.zeros(like: a), Tensor.ones(like: a))
      let share = select(a .== b, half, select(wins, one, zero))
      return [g * share, g * (1 - share)]
    case .atan2:
      let squares = a * a + b * b
      return [g * b / squares, -g * a / squares]
    case .complex: return [g.real(), -g.imaginary()]
    case .polygamma: return [nil, g * polygammaNode(a + 1, b)]
    case .and, .or, .xor, .shiftLeft, .shiftRightArithmetic, .shiftRightLogical, .nextAfter: return [nil, nil]
    }
  }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    batchedElementwise(inputs, axes, size: size)
  }
}

/// Elementwise comparison; IEEE rules for NaN.
struct Compare: Primitive {
  enum Direction: String {
    case equal = "EQ"
    case notEqual = "NE"
    case less = "LT"
    case lessEqual = "LE"
    case greater = "GT"
    case greaterEqual = "GE"
  }
  let direction: Direction
  var name: String { "comparison" }

  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    guard inputs[0] == inputs[1] else {
      throw TensorError.shape(name, "operands differ: left \(inputs[0]), right \(inputs[1])")
    }
    if inputs[0].dtype.isComplex, direction != .equal, direction != .notEqual {
      throw TensorError.dtype(name, "complex numbers have no order; compare abs() or real()")
    }
    return [inputs[0].with(dtype: .bool)]
  }

  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    let dtype = operands[0].type.dtype
    let kind = dtype.isDifferentiable ? "FLOAT" : dtype.isSignedInteger ? "SIGNED" : "UNSIGNED"
    return [printer.compare(direction.rawValue, operands[0], operands[1], kind)]
  }

  func vjp(_ context: VJPContext) throws -> [Tensor?] { [nil, nil] }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    batchedElementwise(inputs, axes, size: size)
  }
}

/// Elementwise choice: where the first operand is true the second, elsewhere the third.
struct Select: Primitive {
  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    guard inputs[0].dtype == .bool else {
      throw TensorError.dtype(name, "the condition is \(inputs[0].dtype), expected bool")
    }
    guard inputs[1] == inputs[2], inputs[0].shape == inputs[1].shape else {
      throw TensorError.shape(name, "condition \(inputs[0]), branches \(inputs[1]) and \(inputs[2]) differ")
    }
    return [inputs[1]]
  }

  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    [printer.emit("stablehlo.select", operands, operands[1].type)]
  }

  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    let (c, g) = (context.inputs[0], context.cotangent)
    let zero = Tensor.zeros(like: g)
    return [nil, select(c, g, zero), select(c, zero, g)]
  }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    batchedElementwise(inputs, axes, size: size)
  }
}

/// Conversion of every element to another type; towards zero from floating point to integers.
struct Convert: Primitive {
  let dtype: DType
  var name: String { "cast" }

  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    if inputs[0].dtype.isComplex, !dtype.isComplex, dtype != .bool {
      throw TensorError.dtype(name, "\(inputs[0].dtype) has no \(dtype) form; take real() or abs() first")
    }
    return [inputs[0].with(dtype: dtype)]
  }

  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    [printer.emit("stablehlo.convert", operands, operands[0].type.with(dtype: dtype))]
  }

  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    let x = context.inputs[0]
    guard x.dtype.isDifferentiable, dtype.isDifferentiable else { return [nil] }
    return [
      x.dtype.isComplex == dtype.isComplex ? context.cotangent.cast(x.dtype) : context.cotangent.real().cast(x.dtype)
    ]
  }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    batchedElementwise(inputs, axes, size: size)
  }
}

/// The same bits read as elements of another type: a wider element becomes several along a new last axis, several
/// narrow ones along the last axis become one.
struct BitcastConvert: Primitive {
  let dtype: DType
  var name: String { "bitcast" }

  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    let type = inputs[0]
    guard dtype.isComplex == type.dtype.isComplex, (dtype == .bool) == (type.dtype == .bool) else {
      throw TensorError.dtype(name, "\(type.dtype) and \(dtype) have no bits in common")
    }
    let (from, to) = (type.dtype.byteCount, dtype.byteCount)
    if from >= to { return [TensorType(dtype, from == to ? type.shape : type.shape + [from / to])] }
    guard type.shape.last == to / from else {
      throw TensorError.shape(
        name, "\(to / from) elements of \(type) make one \(dtype), the last axis of \(type.shape) hasn't as many")
    }
    return [TensorType(dtype, type.shape.dropLast())]
  }

  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    [printer.emit("stablehlo.bitcast_convert", operands, try resultTypes(operands.map(\.type))[0])]
  }

  func vjp(_ context: VJPContext) throws -> [Tensor?] { [nil] }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    batchedElementwise(inputs, axes, size: size)
  }
}

/// The operand itself. A marker shows where a gradient begins.
struct Marker: Primitive {
  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] { [inputs[0]] }
  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] { operands }
  func vjp(_ context: VJPContext) throws -> [Tensor?] { [context.cotangent] }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    batchedElementwise(inputs, axes, size: size)
  }
}

/// The operand itself, through which no derivative flows.
struct StopGradient: Primitive {
  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] { [inputs[0]] }
  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] { operands }
  func vjp(_ context: VJPContext) throws -> [Tensor?] { [nil] }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    batchedElementwise(inputs, axes, size: size)
  }
}

/// The operands themselves; XLA moves nothing across.
struct OptimizationBarrier: Primitive {
  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] { inputs }
  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    printer.emit("stablehlo.optimization_barrier", operands, results: operands.map(\.type))
  }
  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    context.cotangents.map { $0.map { Tensor.apply1(self, [$0]) } }
  }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    (Tensor.apply(self, inputs, resultCount: inputs.count), axes)
  }
}

extension Tensor {
  /// The same elements in memory of their own, which may be donated while the original lives on.
  public func copy() -> Tensor { Tensor.apply1(OptimizationBarrier(), [self]) }
}

/// The polygamma function of order `a` at `b`; same shapes.
func polygammaNode(_ a: Tensor, _ b: Tensor) -> Tensor { Tensor.apply1(Binary(kind: .polygamma), [a, b]) }

/// The polygamma function of an integer order.
///
/// - Parameters:
///   - order: 0 for digamma, 1 for trigamma, …
///   - x: real numbers; the result has their shape.
public func polygamma(_ order: Int, _ x: Tensor) -> Tensor { polygammaNode(Tensor.full(like: x, Double(order)), x) }

/// A complex tensor of its parts.
///
/// - Parameters:
///   - real: float32 or float64.
///   - imaginary: of the same type and shape.
public func complex(_ real: Tensor, _ imaginary: Tensor) -> Tensor {
  Tensor.binary(.complex, real, imaginary)
}
