import Glibc

/// Distributions of counts, by the algorithms of `jax.random`.
extension Key {
  /// Poisson-distributed counts, as `jax.random.poisson`; -1 where a rate isn't a number.
  ///
  /// - Parameters:
  ///   - rate: means, which are taken as float32.
  ///   - shape: of the result, to which the rates stretch.
  ///   - dtype: an integer type.
  public func poisson(_ rate: Tensor, shape: [Int]? = nil, dtype: DType = .int32) -> Tensor {
    failing("poisson") {
      guard dtype.isInteger else { throw TensorError.dtype("poisson", "counts are integers, not \(dtype)") }
      let rate = try parameters("poisson", [rate], shape)[0].cast(.float32)
      if rate.count == 0 { return rate.cast(dtype) }
      let isSmall = rate.isNaN() .|| (rate .< 10)
      let small = try knuth(select(isSmall, rate, Tensor.zeros(like: rate)), dtype)
      let large = try transformedRejection(select(isSmall, rate.constant(1e5), rate)).cast(dtype)
      return select(rate .== 0, Tensor.zeros(like: small), select(isSmall, small, large))
    }
  }

  /// Counts how many factors in (0, 1) bring a product below exp(-rate).
  private func knuth(_ rate: Tensor, _ dtype: DType) throws -> Tensor {
    let start = [words, Tensor.zeros(rate.shape, dtype: dtype), Tensor.zeros(like: rate)]
    func goesOn(_ now: [Tensor]) -> Tensor { (now[2] .> -rate).any() }
    let end = try whileLoop(start, while: goesOn) { now -> [Tensor] in
      let keys = Key(words: now[0]).split()
      let count = select(now[2] .> -rate, now[1] + 1, now[1])
      return [keys[0].words, count, now[2] + keys[1].uniform(rate.shape).log()]
    }
    return end[1] - 1
  }

  /// For rates of 10 and more (Hörmann, "The transformed rejection method for generating Poisson random variables", 1993).
  private func transformedRejection(_ rate: Tensor) throws -> Tensor {
    let b = 0.931 + 2.53 * rate.sqrt()
    let a = -0.059 + 0.02483 * b
    let inverseAlpha = 1.1239 + 1.1328 / (b - 3.4)
    let limit = 0.9277 - 3.6224 / (b - 2)
    return try rejecting(rate) { u, v in
      let distance = 0.5 - u.abs()
      let k = ((2 * a / distance + b) * u + rate + 0.43).floor()
      let s = (v * inverseAlpha / (a / (distance * distance) + b)).log()
      let t = -rate + k * rate.log() - (k + 1).lgamma()
      let isInside = (distance .>= 0.07) .&& (v .<= limit)
      let isOutside = (k .< 0) .|| (distance .< 0.013) .&& (v .> distance)
      return (k, isInside .|| !isOutside .&& (s .<= t))
    }
  }

  /// Draws two uniform numbers, the first in [-0.5, 0.5), until what `propose` makes of them is accepted everywhere.
  private func rejecting(_ like: Tensor, _ propose: (Tensor, Tensor) -> (Tensor, Tensor)) throws -> Tensor {
    let start = [words, Tensor.full(like: like, -1), Tensor.full(like.shape, 0, dtype: .bool)]
    func goesOn(_ now: [Tensor]) -> Tensor { (!now[2]).any() }
    let end = try whileLoop(start, while: goesOn) { now -> [Tensor] in
      let keys = Key(words: now[0]).split(3)
      let u = keys[1].uniform(like.shape, dtype: like.dtype) - 0.5
      let v = keys[2].uniform(like.shape, dtype: like.dtype)
      let (k, accepted) = propose(u, v)
      return [keys[0].words, select(accepted, k, now[1]), now[2] .|| accepted]
    }
    return end[1]
  }

  /// Numbers of successes in trials, in the parameters' type; NaN where a parameter makes no sense.
  ///
  /// The algorithm and keys of `jax.random.binomial`; rare numbers differ, since 0.10 takes Stirling's remainder of 9 for
  /// those of greater counts.
  ///
  /// - Parameters:
  ///   - trials: whole numbers.
  ///   - p: probabilities of success.
  ///   - shape: of the result, to which the parameters stretch.
  public func binomial(_ trials: Tensor, _ p: Tensor, shape: [Int]? = nil) -> Tensor {
    failing("binomial") {
      let given = try parameters("binomial", [trials, p], shape)
      let (n, p) = (given[0], given[1])
      if n.count == 0 { return n }
      let isRare = p .< 0.5
      let q = select(isRare, p, 1 - p)
      let isBad = q.isNaN() .|| (q .< 0) .|| n.isNaN() .|| (n .< 0)
      let safe = select(q.isNaN() .|| (q .< 0), q.constant(0.01), q)
      let isSmall = n.isNaN() .|| (n .< 0) .|| (n * safe .<= 10)
      let count = n.floor()
      let small = try inversion(select(isSmall, count, Tensor.zeros(like: n)), safe)
      let large = try transformedRejection(
        select(isSmall, n.constant(1e4), count), select(isSmall, q.constant(0.5), safe))
      let drawn = select(isSmall, small, large)
      let result = select(isRare, drawn, count - drawn)
      let isEndless = n .== n.constant(.infinity)
      return select(isBad, n.constant(.nan), select(isEndless, n, result))
    }
  }

  /// Adds up geometric numbers until they exceed the trials.
  private func inversion(_ trials: Tensor, _ p: Tensor) throws -> Tensor {
    let log = (-p).log1p()
    let start = [words, Tensor.zeros(like: p), Tensor.zeros(like: p)]
    func goesOn(_ now: [Tensor]) -> Tensor { (now[2] .<= trials).any() }
    let end = try whileLoop(start, while: goesOn) { now -> [Tensor] in
      let keys = Key(words: now[0]).split()
      let count = select(now[2] .<= trials, now[1] + 1, now[1])
      let u = keys[0].uniform(p.shape, dtype: p.dtype)
      return [keys[1].words, count, now[2] + (u.log() / log).ceil()]
    }
    return end[1] - 1
  }

  /// For more than 10 expected successes (Hörmann, "The generation of binomial random variates", 1993).
  private func transformedRejection(_ n: Tensor, _ p: Tensor) throws -> Tensor {
    let deviation = (n * p * (1 - p)).sqrt()
    let b = 1.15 + 2.53 * deviation
    let a = -0.0873 + 0.0248 * b + 0.01 * p
    let odds = p / (1 - p)
    let alpha = (2.83 + 5.1 / b) * deviation
    let mode = ((n + 1) * p).floor()
    let (limit, center) = (0.92 - 4.2 / b, n * p + 0.5)
    return try rejecting(p) { u, v in
      let distance = 0.5 - u.abs()
      let k = ((2 * a / distance + b) * u + center).floor()
      let s = (v * alpha / (a / (distance * distance) + b)).log()
      // log of the probability of k over that of the mode.
      let rest = n - k + 1
      let t =
        (mode + 0.5) * ((mode + 1) / (odds * (n - mode + 1))).log() + (n + 1) * ((n - mode + 1) / rest).log()
        + (k + 0.5) * (odds * rest / (k + 1)).log() + stirlingRest(mode) + stirlingRest(n - mode) - stirlingRest(k)
        - stirlingRest(n - k)
      let isInside = (distance .>= 0.07) .&& (v .<= limit)
      return (k, isInside .|| !((k .< 0) .|| (k .> n)) .&& (s .<= t))
    }
  }

  /// What Stirling's formula √(2π) (k + 1)^(k + 1/2) e^-(k + 1) leaves of log k!.
  private func stirlingRest(_ k: Tensor) -> Tensor {
    let exact = (0...9).reversed().reduce(Tensor.zeros(like: k)) { rest, i in
      let n = Double(i) + 1
      let value = Glibc.lgamma(n) - Glibc.log(2 * Double.pi) / 2 - (n - 0.5) * Glibc.log(n) + n
      return select(k .<= Double(i), k.constant(value), rest)
    }
    let n = maximum(k, 9) + 1
    let series = (1.0 / 12 - (1.0 / 360 - 1.0 / 1260 / n.square()) / n.square()) / n
    return select(k .<= 9, exact, series)
  }
}
