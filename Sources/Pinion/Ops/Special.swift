/// Elementwise special functions, which are lowered from tensor code with loops inside of it, or by CHLO.
struct Special: Primitive {
  enum Kind: String {
    case zeta, besselI0e, besselI1e, ndtri, logNdtr, betainc, igamma, igammac
    /// Derivative of `igamma` by its first argument.
    case igammaSlope
    /// Derivative of a gamma-distributed number by the shape parameter, at constant rank.
    case gammaSampleSlope
    /// The same of the number's logarithm.
    case logGammaSampleSlope
  }
  let kind: Kind
  var name: String { kind.rawValue }

  private var arity: Int {
    switch kind {
    case .besselI0e, .besselI1e, .ndtri, .logNdtr: 1
    case .betainc: 3
    default: 2
    }
  }

  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    guard inputs.count == arity, inputs.allSatisfy({ $0 == inputs[0] }) else {
      throw TensorError.shape(name, "operands differ: \(inputs)")
    }
    guard inputs[0].dtype.isFloating else {
      throw TensorError.dtype(name, "takes floating-point numbers, not \(inputs[0].dtype); convert with cast(_:)")
    }
    return [inputs[0]]
  }

  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    let type = operands[0].type
    if kind == .zeta || kind == .besselI1e {
      // Expanded to polynomials that use the operands many times; see `Unary`.
      let apart = printer.emit("stablehlo.optimization_barrier", operands, results: operands.map(\.type))
      return [printer.emit(kind == .zeta ? "chlo.zeta" : "chlo.bessel_i1e", apart, type)]
    }
    let isNarrow = type.dtype == .float16 || type.dtype == .bfloat16
    let (region, captured) = try Region.trace(operands.map(\.type), .made) { inputs in
      let x = isNarrow ? inputs.map { $0.cast(.float32) } : inputs
      return [try value(x).cast(type.dtype)]
    }
    guard captured.isEmpty else { throw TensorError.leak }
    return try region.program.lower(operands, into: &printer)
  }

  private func value(_ x: [Tensor]) throws -> Tensor {
    switch kind {
    case .besselI0e: BesselI0e.value(x[0])
    case .ndtri: NormalDistribution.quantile(x[0])
    case .logNdtr: NormalDistribution.logCumulative(x[0])
    case .betainc: try IncompleteBeta.value(x[0], x[1], x[2])
    case .igamma: try IncompleteGamma(x[0], x[1]).lower()
    case .igammac: try IncompleteGamma(x[0], x[1]).upper()
    case .igammaSlope: try IncompleteGamma(x[0], x[1]).slope()
    case .gammaSampleSlope: try IncompleteGamma(x[0], x[1]).sampleSlope()
    case .logGammaSampleSlope: try IncompleteGamma(x[0], x[1]).logSampleSlope()
    case .zeta, .besselI1e: x[0]
    }
  }

  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    let (x, y, g) = (context.inputs, context.outputs[0], context.cotangent)
    func unsupported(_ input: Int, _ what: String) throws {
      if context.needs[input] { throw TensorError.unsupported(name, "has no derivative by \(what)") }
    }
    switch kind {
    case .zeta:
      let ofExponent =
        context.needs[0] ? try Pinion.vjp(x[0]) { HurwitzZeta.series($0, x[1]) }.pullback(g) : nil
      return [ofExponent, -g * x[0] * zeta(x[0] + 1, x[1])]
    case .besselI0e: return [g * (x[0].besselI1e() - x[0].sign() * y)]
    case .besselI1e:
      let isZero = x[0] .== 0
      let safe = select(isZero, Tensor.ones(like: y), x[0])
      let slope = safe.besselI0e() - y * (safe.sign() + 1 / safe)
      return [g * select(isZero, Tensor.full(like: y, 0.5), slope)]
    case .ndtri: return [g * (2 * Double.pi).squareRoot() * (y.square() / 2).exp()]
    case .logNdtr: return [g * (-x[0].square() / 2 - NormalDistribution.halfLogTau - y).exp()]
    case .betainc:
      try unsupported(0, "a, only by x")
      try unsupported(1, "b, only by x")
      let density = xlogy(x[0] - 1, x[2]) + xlog1py(x[1] - 1, -x[2]) - logBeta(x[0], x[1])
      return [nil, nil, g * density.exp()]
    case .igamma, .igammac:
      let sign: Double = kind == .igamma ? 1 : -1
      return [
        context.needs[0] ? g * sign * Tensor.apply1(Special(kind: .igammaSlope), x) : nil,
        g * sign * gammaDensity(x[0], x[1]),
      ]
    case .igammaSlope:
      try unsupported(0, "a of second order")
      return [nil, g * gammaDensity(x[0], x[1]) * (x[1].log() - x[0].digamma())]
    case .gammaSampleSlope, .logGammaSampleSlope:
      throw TensorError.unsupported("gamma", "has no second derivative by its shape parameter")
    }
  }

  /// Of the gamma distribution of scale 1.
  private func gammaDensity(_ a: Tensor, _ x: Tensor) -> Tensor { (xlogy(a - 1, x) - x - a.lgamma()).exp() }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    batchedElementwise(inputs, axes, size: size)
  }

  /// The function of operands that broadcast.
  static func apply(_ kind: Kind, _ operands: [Tensor]) -> Tensor {
    let name = Special(kind: kind).name
    return failing(name) {
      for operand in operands { if let failure = operand.failure { throw failure } }
      let shapes = operands.map(\.shape)
      let shape = try shapes.dropFirst().reduce(shapes[0]) { joined, next in
        guard let shape = broadcastShape(joined, next) else {
          throw TensorError.shape(name, "shapes don't fit: \(shapes)")
        }
        return shape
      }
      return Tensor.apply1(Special(kind: kind), operands.map { $0.broadcast(to: shape) })
    }
  }
}

/// exp(-|x|) I₀(x), by Chebyshev series of it on [0, 8] and of its product with √x beyond (Oracles/special.py makes them).
private enum BesselI0e {
  static let near: [Double] = [
    0.33839763720473803, -0.3046826723431984, 0.17162090152220877, -0.094901097048047639, 0.049305284239670712,
    -0.023737414805899471, 0.010546460394594998, -0.0043243099950505759, 0.0016394756169413357,
    -0.00057637557453858236, 0.00018850288509584165, -5.754195010082104e-05, 1.6448448070728896e-05,
    -4.4167383584587505e-06, 1.1173875391201037e-06, -2.6707938539406119e-07, 6.0469950225419186e-08,
    -1.300025009986248e-08, 2.6598237246823866e-09, -5.1897956016352627e-10, 9.675809035373237e-11,
    -1.7268262914415559e-11, 2.9550526631296399e-12, -4.856446783111929e-13, 7.6761854986049361e-14,
    -1.1685332877993451e-14, 1.7153912855551331e-15, -2.4312798465479549e-16, 3.3307945188222384e-17,
  ]
  static let far: [Double] = [
    0.40224520550705439, 0.0033691164782556943, 6.8897583469168245e-05, 2.8913705208347567e-06,
    2.0489185894690638e-07, 2.266668990498178e-08, 3.3962320257083865e-09, 4.9406023882249701e-10,
    1.1889147107846439e-11, -3.1499165279632416e-11, -1.3215811840447713e-11, -1.7941785315068062e-12,
    7.180124451383666e-13, 3.8527783827421426e-13, 1.54008621752141e-14, -4.1505693472872222e-14,
    -9.5548466988283073e-15, 3.8116806693526208e-15, 1.7725601330565245e-15, -3.4254856196771421e-16,
    -2.8276239805166458e-16, 3.4612228676956579e-17, 4.4656214203020778e-17,
  ]

  static func value(_ x: Tensor) -> Tensor {
    let x = x.abs()
    let least = x.dtype == .float32 ? 1e-9 : 0
    /// Clenshaw's recurrence.
    func series(_ t: Tensor, _ coefficients: [Double]) -> Tensor {
      var (b, c) = (Tensor.zeros(like: t), Tensor.zeros(like: t))
      for a in coefficients.dropFirst().reversed() where Swift.abs(a) > least { (b, c) = (2 * t * b - c + a, b) }
      return t * b - c + coefficients[0]
    }
    let isNear = x .<= 8
    let large = select(isNear, x.constant(8), x)
    let beyond = series(16 / large - 1, far) / large.sqrt()
    return select(isNear, series(x / 4 - 1, near), beyond)
  }
}

/// The Hurwitz zeta function in a form whose derivative by the exponent is known.
private enum HurwitzZeta {
  /// B₂ₖ / (2k)!, of the Bernoulli numbers.
  private static let coefficients: [Double] = [
    1 / 12, -1 / 720, 1 / 30_240, -1 / 1_209_600, 1 / 47_900_160, -691 / 1_307_674_368_000, 1 / 74_724_249_600,
    -3_617 / 10_670_622_842_880_000, 43_867 / 5_109_094_217_170_944_000,
  ]

  /// By Euler and Maclaurin's formula after the first terms (DLMF 25.11.7), for x > 1 and q > 0.
  static func series(_ x: Tensor, _ q: Tensor) -> Tensor {
    let count = 10
    let first = (0..<count).map { (-x * (q + Double($0)).log()).exp() }
    let w = q + Double(count)
    let power = (-x * w.log()).exp()
    var rest = w / (x - 1) + 0.5
    var factor = x / w
    for (k, coefficient) in coefficients.enumerated() {
      rest = rest + factor * coefficient
      let next = x + Double(2 * k + 1)
      factor = factor * next * (next + 1) / w.square()
    }
    return first.dropFirst().reduce(first[0], +) + power * rest
  }
}

private enum NormalDistribution {
  /// log(2π) / 2.
  static let halfLogTau = 0.9189385332046727

  /// log Φ(x); far below 0 by the asymptotic series of Φ.
  static func logCumulative(_ x: Tensor) -> Tensor {
    let limit: Double = x.dtype == .float64 ? -20 : -10
    let isFar = x .< limit
    let far = select(isFar, x, x.constant(limit))
    let inverse = 1 / far.square()
    let series = (1...10).reversed().reduce(Tensor.ones(like: x)) { 1 - Double(2 * $1 - 1) * inverse * $0 }
    let tail = -far.square() / 2 - (-far).log() - halfLogTau + series.log()
    // Below 0 log Φ; above, where Φ is near 1, log1p(-Φ(-x)).
    let half = 0.5.squareRoot()
    let near = select(isFar, x.constant(0), x)
    let below = (0.5 * (-minimum(near, 1) * half).erfc()).log()
    let above = (-0.5 * (maximum(near, 0) * half).erfc()).log1p()
    return select(isFar, tail, select(near .> 0, above, below))
  }

  /// Φ⁻¹(p): a rational start (Abramowitz and Stegun, 26.2.23) and Newton's steps in log Φ.
  static func quantile(_ p: Tensor) -> Tensor {
    let isUpper = p .> 0.5
    let q = select(isUpper, 1 - p, p)
    let isInside = (q .> 0) .&& (q .<= 0.5)
    let safe = select(isInside, q, q.constant(0.5))
    let target = safe.log()
    let t = (-2 * target).sqrt()
    let numerator = 2.515517 + t * (0.802853 + 0.010328 * t)
    let denominator = 1 + t * (1.432788 + t * (0.189269 + 0.001308 * t))
    var x = numerator / denominator - t
    for _ in 0..<3 {
      let value = logCumulative(x)
      x = x - (value - target) * (value + x.square() / 2 + halfLogTau).exp()
    }
    let result = select(isUpper, -x, x)
    let edge = select(p .== 0, p.constant(-.infinity), select(p .== 1, p.constant(.infinity), p.constant(.nan)))
    return select(p .== 0.5, p.constant(0), select(isInside, result, edge))
  }
}

extension Tensor {
  /// Cumulative distribution function of the standard normal distribution.
  public func ndtr() -> Tensor { 0.5 * (self * -0.5.squareRoot()).erfc() }
  /// Logarithm of `ndtr`, also where that is 0.
  public func logNdtr() -> Tensor { Special.apply(.logNdtr, [self]) }
  /// The inverse of `ndtr`, on (0, 1).
  public func ndtri() -> Tensor { Special.apply(.ndtri, [self]) }
  /// exp(-|x|) I₀(x), the modified Bessel function of order 0, scaled.
  public func besselI0e() -> Tensor { Special.apply(.besselI0e, [self]) }
  /// exp(-|x|) I₁(x), the modified Bessel function of order 1, scaled.
  public func besselI1e() -> Tensor { Special.apply(.besselI1e, [self]) }
  /// log(p / (1 - p)), the inverse of `sigmoid`.
  public func logit() -> Tensor { log() - (-self).log1p() }

  /// sin(πx) / (πx), 1 at 0.
  public func sinc() -> Tensor {
    if failure != nil { return self }
    let angle = self * Double.pi
    // By its series near 0, where the quotient's derivatives lose their digits.
    let isNear = abs() .< 0.03
    let u = select(isNear, angle, constant(0)).square()
    let series = 1 - u / 6 * (1 - u / 20 * (1 - u / 42 * (1 - u / 72)))
    let far = select(isNear, constant(1), angle)
    return select(isNear, series, far.sin() / far)
  }

  /// -x log(x), the terms of an entropy: 0 at 0, -infinity below.
  public func entropyTerms() -> Tensor {
    if failure != nil { return self }
    return select(self .< 0, constant(-.infinity), -xlogy(self, self))
  }
}

/// x log(y), 0 where x is 0.
public func xlogy(_ x: Tensor, _ y: Tensor) -> Tensor { product(x, y) { $0.log() } }

/// x log(1 + y), 0 where x is 0.
public func xlog1py(_ x: Tensor, _ y: Tensor) -> Tensor { product(x, y) { $0.log1p() } }

/// x · log(y), where no logarithm that isn't a number meets an x of 0. Others do, since the derivative by x is theirs.
private func product(_ x: Tensor, _ y: Tensor, _ log: (Tensor) -> Tensor) -> Tensor {
  switch Tensor.aligned("xlogy", x, y) {
  case .failure(let error): return .failed(error)
  case .success(let (x, y)):
    let isNothing = (x .== 0) .&& !(log(stopGradient(y)).isFinite() .|| y.isNaN())
    return select(isNothing, Tensor.zeros(like: x), x * log(select(isNothing, Tensor.ones(like: y), y)))
  }
}

/// log B(a, b) = log Γ(a) + log Γ(b) - log Γ(a + b).
public func logBeta(_ a: Tensor, _ b: Tensor) -> Tensor { a.lgamma() + b.lgamma() - (a + b).lgamma() }

/// The Hurwitz zeta function Σ (n + q)^-x over n ≥ 0, for x > 1. The derivative by x needs q > 0.
public func zeta(_ x: Tensor, _ q: Tensor) -> Tensor { Special.apply(.zeta, [x, q]) }

/// The regularized lower incomplete gamma function P(a, x), for a > 0 and x ≥ 0. No second derivative by a.
public func igamma(_ a: Tensor, _ x: Tensor) -> Tensor { Special.apply(.igamma, [a, x]) }

/// The regularized upper incomplete gamma function 1 - P(a, x), for a > 0 and x ≥ 0. No second derivative by a.
public func igammac(_ a: Tensor, _ x: Tensor) -> Tensor { Special.apply(.igammac, [a, x]) }

/// The regularized incomplete beta function Iₓ(a, b), for a, b > 0 and x in [0, 1]. No derivatives by a and b.
public func betainc(_ a: Tensor, _ b: Tensor, _ x: Tensor) -> Tensor { Special.apply(.betainc, [a, b, x]) }
