/// Most terms of a series or fraction; reached by none of moderate arguments.
private let termLimit = 10_000.0

/// The regularized incomplete gamma functions at (a, x), and their derivatives by a.
struct IncompleteGamma {
  /// The arguments; 1 where they're outside of the domain.
  private let a, x: Tensor
  private let given: (a: Tensor, x: Tensor)
  /// Whether the continued fraction converges faster than the series.
  private let isUpper: Tensor
  private let isInside: Tensor
  private let epsilon: Double

  init(_ a: Tensor, _ x: Tensor) {
    given = (a, x)
    let isInside = (a .> 0) .&& (x .> 0) .&& x.isFinite() .&& a.isFinite()
    self.isInside = isInside
    self.a = select(isInside, a, Tensor.ones(like: a))
    self.x = select(isInside, x, Tensor.ones(like: x))
    let isUpper = (self.x .>= 1) .&& (self.x .> self.a)
    self.isUpper = isUpper
    epsilon = a.dtype.epsilon
  }

  /// x^a e^-x / Γ(a).
  private var factor: Tensor { (a * x.log() - x - a.lgamma()).exp() }

  /// Σ xⁿ / ((a + 1) … (a + n)), and its derivative by a.
  private func series(_ withSlope: Bool) throws -> (sum: Tensor, slope: Tensor) {
    let start = [
      Tensor.ones(like: a), Tensor.ones(like: a), Tensor.zeros(like: a), Tensor.zeros(like: a), !isUpper,
      Tensor.zeros([], dtype: a.dtype),
    ]
    func goesOn(_ now: [Tensor]) -> Tensor { now[4].any() .&& (now[5] .< termLimit) }
    let end = try whileLoop(start, while: goesOn) { now -> [Tensor] in
      let place = now[5] + 1
      let r = a + place
      let term = now[0] * x / r
      let slope = x / r * (now[2] - now[0] / r)
      let (sum, slopes) = (now[1] + term, now[3] + slope)
      let grows = term .> sum * epsilon
      let isOpen = withSlope ? grows .|| (slope.abs() .> slopes.abs() * epsilon) : grows
      return kept(now, [term, sum, slope, slopes], isOpen) + [place]
    }
    return (end[1], end[3])
  }

  /// The continued fraction of Γ(a, x) / (x^a e^-x), and its derivative by a, by Lentz's method.
  private func fraction(_ withSlope: Bool) throws -> (value: Tensor, slope: Tensor) {
    let first = x + 1 - a
    let d = 1 / first
    // Denominators' ratios c and d, the value h, its logarithm's slope, and the slopes of c and d.
    let start = [
      Tensor.full(like: x, 1 / (x.dtype.tiny * 1e8)), d, d, d, Tensor.zeros(like: x), d.square(), isUpper,
      Tensor.zeros([], dtype: x.dtype),
    ]
    func goesOn(_ now: [Tensor]) -> Tensor { now[6].any() .&& (now[7] .< termLimit) }
    let end = try whileLoop(start, while: goesOn) { now -> [Tensor] in
      let i = now[7] + 1
      let (numerator, denominator) = (i * (a - i), first + 2 * i)
      let (c, d) = (now[0], now[1])
      let nextD = 1 / (numerator * d + denominator)
      let nextC = denominator + numerator / c
      let slopeD = -(i * d + numerator * now[5] - 1) * nextD.square()
      let slopeC = i / c - numerator * now[4] / c.square() - 1
      let step = nextC * nextD
      let stepSlope = slopeC / nextC + slopeD / nextD
      let grows = (step - 1).abs() .> epsilon
      let slope = now[3] + stepSlope
      let isOpen = withSlope ? grows .|| (stepSlope.abs() .> maximum(slope.abs(), 1) * epsilon) : grows
      return kept(now, [nextC, nextD, now[2] * step, slope, slopeC, slopeD], isOpen) + [i]
    }
    return (end[2], end[3] * end[2])
  }

  /// The values after a step, for the elements that had not converged before it; then which still have not.
  private func kept(_ now: [Tensor], _ next: [Tensor], _ isOpen: Tensor) -> [Tensor] {
    let active = now[next.count]
    return zip(next, now).map { select(active, $0, $1) } + [active .&& isOpen]
  }

  /// With the values at the edges: at x = 0, at infinity, and nothing outside of the domain.
  private func edged(_ value: Tensor, zero: Double, infinity: Double) -> Tensor {
    let (a, x) = given
    let isZero = (x .== 0) .&& (a .> 0) .|| (a .== x.constant(.infinity)) .&& (x .>= 0) .&& x.isFinite()
    let isInfinite = (x .== x.constant(.infinity)) .&& (a .>= 0) .&& a.isFinite() .|| (a .== 0) .&& (x .> 0)
    let edge = select(isInfinite, x.constant(infinity), x.constant(.nan))
    return select(isInside, value, select(isZero, x.constant(zero), edge))
  }

  func lower() throws -> Tensor {
    let (small, large) = (try series(false).sum * factor / a, try fraction(false).value * factor)
    return edged(select(isUpper, 1 - large, small), zero: 0, infinity: 1)
  }

  func upper() throws -> Tensor {
    let (small, large) = (try series(false).sum * factor / a, try fraction(false).value * factor)
    return edged(select(isUpper, large, 1 - small), zero: 1, infinity: 0)
  }

  /// -∂P/∂a divided by x^a e^-x / Γ(a).
  private func negativeSlope() throws -> Tensor {
    let (small, large) = (try series(true), try fraction(true))
    let log = x.log()
    let ofSeries = -(small.sum * (log - (a + 1).digamma()) + small.slope) / a
    return select(isUpper, large.value * (log - a.digamma()) + large.slope, ofSeries)
  }

  func slope() throws -> Tensor {
    edged(-(try negativeSlope()) * factor, zero: 0, infinity: 0)
  }

  func sampleSlope() throws -> Tensor {
    edged(try negativeSlope() * x, zero: 0, infinity: .nan)
  }

  func logSampleSlope() throws -> Tensor { try negativeSlope() }
}

/// The regularized incomplete beta function.
enum IncompleteBeta {
  /// By the continued fraction (DLMF 8.17.22), two steps at once, on the side of the mean where it converges fast.
  static func value(_ a: Tensor, _ b: Tensor, _ x: Tensor) throws -> Tensor {
    let isInside = (a .> 0) .&& (b .> 0) .&& a.isFinite() .&& b.isFinite() .&& (x .> 0) .&& (x .< 1)
    let one = Tensor.ones(like: x)
    let (p, q, y) = (select(isInside, a, one), select(isInside, b, one), select(isInside, x, one / 2))
    let isMirrored = y .> (p + 1) / (p + q + 2)
    let (a1, b1) = (select(isMirrored, q, p), select(isMirrored, p, q))
    let (x1, rest) = (select(isMirrored, 1 - y, y), select(isMirrored, y, 1 - y))
    let least = Tensor.full(like: x, x.dtype.tiny * 1e8)
    func safe(_ t: Tensor) -> Tensor { select(t.abs() .< least, least, t) }
    let d = 1 / safe(1 - (a1 + b1) * x1 / (a1 + 1))
    let start = [one, d, d, Tensor.full(like: isInside, 1), Tensor.zeros([], dtype: x.dtype)]
    func goesOn(_ now: [Tensor]) -> Tensor { now[3].any() .&& (now[4] .< termLimit) }
    let end = try whileLoop(start, while: goesOn) { now -> [Tensor] in
      let m = now[4] + 1
      let even = m * (b1 - m) * x1 / ((a1 + 2 * m - 1) * (a1 + 2 * m))
      let odd = -(a1 + m) * (a1 + b1 + m) * x1 / ((a1 + 2 * m) * (a1 + 2 * m + 1))
      var (c, d, h) = (now[0], now[1], now[2])
      var step = one
      for numerator in [even, odd] {
        d = 1 / safe(1 + numerator * d)
        c = safe(1 + numerator / c)
        step = c * d
        h = h * step
      }
      let active = now[3]
      let isOpen = active .&& ((step - 1).abs() .> x.dtype.epsilon)
      return zip([c, d, h], now).map { select(active, $0, $1) } + [isOpen, m]
    }
    let factor = (a1 * x1.log() + b1 * rest.log() - logBeta(a1, b1)).exp() / a1
    let tail = factor * end[2]
    let value = select(isMirrored, 1 - tail, tail)
    // All of the distribution at 0 or at 1.
    let infinity = Tensor.full(like: x, .infinity)
    let atZero = (a .== 0) .&& (b .> 0) .|| (b .== infinity) .&& (a .>= 0) .&& (a .< infinity)
    let atOne = (b .== 0) .&& (a .> 0) .|| (a .== infinity) .&& (b .>= 0) .&& (b .< infinity)
    let proper = (a .> 0) .&& (b .> 0) .&& (a .< infinity) .&& (b .< infinity)
    let isZero = (x .== 0) .&& (proper .|| atZero) .|| (x .< 1) .&& (x .>= 0) .&& atOne
    let isOne = (x .== 1) .&& (proper .|| atOne) .|| (x .> 0) .&& (x .<= 1) .&& atZero
    let edge = select(isZero, x.constant(0), select(isOne, x.constant(1), x.constant(.nan)))
    return select(isInside, value, edge)
  }
}
