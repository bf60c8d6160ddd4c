/// Gamma-distributed numbers of scale 1, each of a key of its own, by rejection (Marsaglia and Tsang, "A simple method for
/// generating gamma variables", 2000), or their logarithms.
///
/// The same algorithm as `jax.random.gamma`, with the same keys.
struct GammaSample: Primitive {
  let isLog: Bool
  var name: String { isLog ? "logGamma" : "gamma" }

  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    let (high, low, a) = (inputs[0], inputs[1], inputs[2])
    guard a.dtype.isFloating else {
      throw TensorError.dtype(name, "takes floating-point shape parameters, not \(a.dtype); convert with cast(_:)")
    }
    guard high == a.with(dtype: .uint32), low == high else {
      throw TensorError.shape(name, "keys \(high), \(low) don't fit shape parameters \(a)")
    }
    return [a]
  }

  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    let (region, captured) = try Region.trace(operands.map(\.type), .made) { inputs in
      [try sampled(Words(high: inputs[0], low: inputs[1]), inputs[2])]
    }
    guard captured.isEmpty else { throw TensorError.leak }
    return try region.program.lower(operands, into: &printer)
  }

  private func sampled(_ key: Words, _ shape: Tensor) throws -> Tensor {
    let dtype = shape.dtype
    let isLarge = shape .>= 1
    // Smaller ones by Gamma(a) ~ Gamma(a + 1) U^(1/a).
    let a = select(isLarge, shape, shape + 1)
    let third = Double(1) / 3
    let d = a - third
    let c = third / d.sqrt()
    /// Where a number drawn so far is rejected.
    func isRejected(_ now: [Tensor]) -> Tensor {
      let (x, v, u) = (now[2], now[3], now[4])
      return (u .>= 1 - 0.0331 * (x * x)) .&& (u.log() .>= x * 0.5 + d * (1 - v + v.log()))
    }
    let keys = key.split()
    let start = [
      keys[0].high, keys[0].low, Tensor.zeros(like: a), Tensor.ones(like: a), Tensor.full(like: a, 2),
    ]
    func goesOn(_ now: [Tensor]) -> Tensor { isRejected(now).any() }
    let end = try whileLoop(start, while: goesOn) { now -> [Tensor] in
      let isActive = isRejected(now)
      let parts = Words(high: now[0], low: now[1]).split(3)
      // Normal numbers for which 1 + c x is positive.
      let inner = [
        parts[1].high, parts[1].low, Tensor.zeros(like: a), select(isActive, a.constant(-1), Tensor.ones(like: a)),
      ]
      func isBelow(_ now: [Tensor]) -> Tensor { (now[3] .<= 0).any() }
      let drawn = try whileLoop(inner, while: isBelow) { now -> [Tensor] in
        let keys = Words(high: now[0], low: now[1]).split()
        let x = keys[1].normal(dtype)
        let next = [keys[0].high, keys[0].low, x, 1 + x * c]
        return zip(next, now).map { select(now[3] .<= 0, $0, $1) }
      }
      let (x, v) = (drawn[2], drawn[3])
      let next = [parts[0].high, parts[0].low, x * x, v * v * v, parts[2].uniform(dtype)]
      return zip(next, now).map { select(isActive, $0, $1) }
    }
    let v = end[3]
    let u = keys[1].uniform(dtype)
    guard isLog else { return d * v * select(isLarge, Tensor.ones(like: a), (1 - u).pow(1 / shape)) }
    let logU = (-u).log1p()
    return d.log() + v.log() + select(isLarge .|| (logU .== 0), Tensor.zeros(like: a), logU * (1 / shape))
  }

  /// At constant rank: implicit reparameterisation (Figurnov et al., 2018).
  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    let (a, y, g) = (context.inputs[2], context.outputs[0], context.cotangent)
    let x = isLog ? maximum(y.exp(), a.dtype.tiny) : y
    return [nil, nil, g * Tensor.apply1(Special(kind: isLog ? .logGammaSampleSlope : .gammaSampleSlope), [a, x])]
  }

  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    batchedElementwise(inputs, axes, size: size)
  }
}

/// Distributions made of gamma-distributed numbers. All are differentiable by their parameters, once.
extension Key {
  /// Gamma-distributed numbers of scale 1, as `jax.random.gamma`.
  ///
  /// - Parameters:
  ///   - a: shape parameters above 0.
  ///   - shape: of the result, to which the parameters stretch; theirs without it.
  public func gamma(_ a: Tensor, shape: [Int]? = nil) -> Tensor { gammaSample(a, shape, isLog: false) }

  /// Logarithms of gamma-distributed numbers, which don't run out of digits for small shape parameters, as
  /// `jax.random.loggamma`.
  ///
  /// - Parameters: as of `gamma`.
  public func logGamma(_ a: Tensor, shape: [Int]? = nil) -> Tensor { gammaSample(a, shape, isLog: true) }

  private func gammaSample(_ a: Tensor, _ shape: [Int]?, isLog: Bool) -> Tensor {
    let name = isLog ? "logGamma" : "gamma"
    return failing(name) {
      let a = try parameters(name, [a], shape)[0]
      if a.count == 0 { return a }
      let keys = words(a.count)
      return Tensor.apply1(GammaSample(isLog: isLog), [keys.high.reshape(a.shape), keys.low.reshape(a.shape), a])
    }
  }

  /// Parameters of a distribution, stretched to one shape: the given one, or the least.
  func parameters(_ name: String, _ given: [Tensor], _ shape: [Int]?) throws -> [Tensor] {
    for t in given { if let failure = t.failure { throw failure } }
    guard given[0].dtype.isFloating, given.allSatisfy({ $0.dtype == given[0].dtype }) else {
      throw TensorError.dtype(name, "takes floating-point parameters of one type, got \(given.map(\.type))")
    }
    let least = try given.dropFirst().reduce(given[0].shape) { joined, next in
      guard let both = broadcastShape(joined, next.shape) else {
        throw TensorError.shape(name, "parameters don't fit: \(given.map(\.shape))")
      }
      return both
    }
    let wanted = shape ?? least
    guard wanted.allSatisfy({ $0 >= 0 }), broadcastShape(least, wanted) == wanted else {
      throw TensorError.shape(name, "parameters \(given.map(\.shape)) don't stretch to \(wanted)")
    }
    return given.map { $0.broadcast(to: wanted) }
  }

  /// Beta-distributed numbers in (0, 1), as `jax.random.beta`.
  ///
  /// - Parameters:
  ///   - a: parameters above 0.
  ///   - b: parameters above 0.
  ///   - shape: of the result, to which the parameters stretch.
  public func beta(_ a: Tensor, _ b: Tensor, shape: [Int]? = nil) -> Tensor {
    failing("beta") {
      let given = try parameters("beta", [a, b], shape)
      let keys = split()
      let (x, y) = (keys[0].logGamma(given[0]), keys[1].logGamma(given[1]))
      let top = stopGradient(maximum(x, y))
      let (p, q) = ((x - top).exp(), (y - top).exp())
      return p / (p + q)
    }
  }

  /// Probabilities along the last axis with a Dirichlet distribution, as `jax.random.dirichlet`.
  ///
  /// - Parameters:
  ///   - alpha: concentrations above 0, of shape [..., n].
  ///   - shape: of the draws, to which the parameters' leading axes stretch.
  /// - Returns: shape + [n].
  public func dirichlet(_ alpha: Tensor, shape: [Int]? = nil) -> Tensor {
    failing("dirichlet") {
      if let failure = alpha.failure { throw failure }
      guard let n = alpha.shape.last else {
        throw TensorError.shape("dirichlet", "takes vectors of concentrations, not a scalar")
      }
      return logGamma(alpha, shape: shape.map { $0 + [n] }).softmax()
    }
  }

  /// Chi-square-distributed numbers, as `jax.random.chisquare`.
  ///
  /// - Parameters:
  ///   - degrees: of freedom, above 0.
  ///   - shape: of the result, to which the parameters stretch.
  public func chiSquare(_ degrees: Tensor, shape: [Int]? = nil) -> Tensor {
    logGamma(degrees / 2, shape: shape).exp() * 2
  }

  /// Student-t-distributed numbers, as `jax.random.t`.
  ///
  /// - Parameters:
  ///   - degrees: of freedom, above 0.
  ///   - shape: of the result, to which the parameters stretch.
  public func studentT(_ degrees: Tensor, shape: [Int]? = nil) -> Tensor {
    failing("studentT") {
      let half = try parameters("studentT", [degrees], shape)[0] / 2
      let keys = split()
      return keys[0].normal(half.shape, dtype: half.dtype) * (half / keys[1].gamma(half)).sqrt()
    }
  }

  /// F-distributed numbers, as `jax.random.f`.
  ///
  /// - Parameters:
  ///   - numerator: its degrees of freedom, above 0.
  ///   - denominator: its degrees of freedom, above 0.
  ///   - shape: of the result, to which the parameters stretch.
  public func fisherF(_ numerator: Tensor, _ denominator: Tensor, shape: [Int]? = nil) -> Tensor {
    failing("fisherF") {
      let given = try parameters("fisherF", [numerator, denominator], shape)
      let keys = split()
      return (keys[1].chiSquare(given[0]) / given[0]) / (keys[0].chiSquare(given[1]) / given[1])
    }
  }

  /// Numbers of density proportional to exp(-|x|^p), as `jax.random.generalized_normal`.
  public func generalizedNormal(_ shape: [Int], power p: Double, dtype: DType = .float32) -> Tensor {
    let keys = split()
    let g = keys[0].gamma(Tensor.full([], 1 / p, dtype: dtype), shape: shape)
    return keys[1].rademacher(shape, dtype: dtype) * g.pow(1 / p)
  }

  /// Points spread evenly over the unit ball of the p-norm, as `jax.random.ball`.
  ///
  /// - Parameters:
  ///   - shape: of the draws.
  ///   - dimensions: of the space.
  /// - Returns: shape + [dimensions].
  public func ball(_ shape: [Int], dimensions: Int, power p: Double = 2, dtype: DType = .float32) -> Tensor {
    let keys = split()
    let g = keys[0].generalizedNormal(shape + [dimensions], power: p, dtype: dtype)
    let e = keys[1].exponential(shape, dtype: dtype)
    if let failure = g.failure ?? e.failure { return .failed(failure) }
    return g / (g.abs().pow(p).sum(-1) + e).pow(1 / p).expandDims(-1)
  }
}
