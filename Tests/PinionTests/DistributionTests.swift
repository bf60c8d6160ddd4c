import Foundation
import Pinion
import Testing

/// Distributions against `jax.random`: see Oracles/distributions.py. Every draw is the same; digits differ in the last
/// places, as functions do between versions of XLA.
@Suite struct DistributionTests {
  let key = Key(42)
  let a = Tensor([0.001, 0.3, 1, 2.5, 40] as [Float])
  let two = Tensor([0.5, 2])
  let three = Tensor([0.5, 2, 30])

  private var cases: [(String, Tensor, Double)] {
    let d = DType.float64
    let p = Tensor([0.1, 0.2, 0, 0.4, 0.3] as [Float])
    let rates = Tensor([0, 0.1, 3, 9.9, 10, 50, 1000, .nan] as [Float])
    let trials = Tensor([0, 5, 10, 3.7, .nan])
    // The Cholesky factor of [[2, 0.5], [0.5, 1]].
    let factor = Tensor([[2.squareRoot(), 0], [0.5 / 2.squareRoot(), 0.875.squareRoot()]])
    return [
      ("laplace", key.laplace([12]), 1e-5), ("laplace float64", key.laplace([12], dtype: d), 1e-13),
      ("cauchy", key.cauchy([12], dtype: d), 1e-12), ("logistic", key.logistic([12], dtype: d), 1e-13),
      ("rademacher", key.rademacher([12]), 0), ("maxwell", key.maxwell([4, 3], dtype: d), 1e-13),
      ("rayleigh", key.rayleigh(two, shape: [6, 2]), 1e-13), ("pareto", key.pareto(two, shape: [6, 2]), 1e-13),
      ("weibull", key.weibull(scale: two, concentration: Tensor([3.0, 1]), shape: [6, 2]), 1e-13),
      ("logNormal", key.logNormal(two, shape: [6, 2]), 1e-13),
      (
        "triangular",
        key.triangular(from: Tensor([-1.0, 2]), mode: Tensor([0.0, 3]), to: Tensor([4.0, 5]), shape: [6, 2]), 1e-13
      ),
      ("wald", key.wald(two, shape: [6, 2]), 1e-12),
      ("geometric", key.geometric(Tensor([0.1, 0.7]), shape: [6, 2]), 0), ("gamma", key.gamma(a, shape: [4, 5]), 1e-5),
      ("gamma float64", key.gamma(a.cast(d), shape: [4, 5]), 1e-12),
      ("logGamma", key.logGamma(a, shape: [4, 5]), 1e-5),
      ("beta", key.beta(a.cast(d), a.cast(d).reverse([0]), shape: [4, 5]), 1e-12),
      ("dirichlet", key.dirichlet(Tensor([0.01, 0.5, 3, 20]), shape: [3]), 1e-12),
      ("chiSquare", key.chiSquare(three, shape: [4, 3]), 1e-12),
      ("studentT", key.studentT(three, shape: [4, 3]), 1e-12),
      ("fisherF", key.fisherF(three, Tensor([3.0, 1, 8]), shape: [4, 3]), 1e-11),
      ("generalizedNormal", key.generalizedNormal([8], power: 1.5, dtype: d), 1e-12),
      ("ball", key.ball([4], dimensions: 3, dtype: d), 1e-12), ("poisson", key.poisson(rates, shape: [5, 8]), 0),
      ("binomial", key.binomial(trials, Tensor([0.3, 0.9, 0.5, 0.2, 0.5]), shape: [5, 5]), 0),
      ("multivariateNormal", key.multivariateNormal(Tensor([1.0, -2]), factor: factor, shape: [5]), 1e-12),
      (
        "multivariateNormal covariance",
        key.multivariateNormal(Tensor([1.0, -2]), covariance: Tensor([[2, 0.5], [0.5, 1]]), shape: [5]), 1e-12
      ),
      ("orthogonal", key.orthogonal(rows: 3, shape: [2], dtype: d), 1e-12),
      ("orthogonal wide", key.orthogonal(rows: 2, columns: 4, dtype: d), 1e-12),
      ("choice", key.choice(100, [4, 3]), 0), ("choice without", key.choice(10, [6], replacing: false), 0),
      ("choice probabilities", key.choice(5, [12], probabilities: p), 0),
      ("choice without probabilities", key.choice(5, [4], replacing: false, probabilities: p), 0),
      ("choice axis", key.choice(Tensor.arange(12).reshape([3, 4]), [2], axis: 1), 0),
    ]
  }

  @Test func areThoseOfJAX() throws {
    let oracle = try oracle("distributions", as: [String: Expected].self)
    let key = key
    var cases = cases
    let a = a.cast(.float64)
    cases += [
      ("gamma slope", try grad { (a: Tensor) in key.gamma(a).sum() }(a), 1e-9),
      ("logGamma slope", try grad { (a: Tensor) in key.logGamma(a).sum() }(a), 1e-9),
      (
        "dirichlet slope",
        try grad { (a: Tensor) in key.dirichlet(a).square().sum() }(Tensor([0.1, 0.5, 3, 20])), 1e-9
      ),
    ]
    #expect(Set(cases.map(\.0) + ["vmap"]) == Set(oracle.keys))
    try evaluate(cases.map(\.1))
    for (name, result, tolerance) in cases {
      let expected = try #require(oracle[name])
      #expect(result.shape == expected.shape, "\(name)")
      try expectClose(result.reshape([-1]).cast(.float64), Tensor(expected.doubles), tolerance, "\(name)")
    }
  }

  /// Greatest distance between the draws' distribution function and the true one; sqrt(n) times it exceeds 1.95 once in
  /// a thousand times.
  private func distance(_ draws: Tensor, _ cumulative: (Tensor) -> Tensor) throws -> Double {
    let sorted = draws.reshape([-1]).cast(.float64).sorted()
    let n = Double(sorted.count)
    let steps = Tensor.arange(sorted.count, dtype: .float64)
    let f = cumulative(sorted)
    let apart = maximum((f - steps / n).abs(), ((steps + 1) / n - f).abs()).max()
    return try apart.item() * n.squareRoot()
  }

  @Test func distributions() throws {
    let n = 20_000
    func full(_ value: Double) -> Tensor { Tensor.full([], value, dtype: .float64) }
    let gamma = key.gamma(Tensor(0.4), shape: [n])
    #expect(try distance(gamma) { igamma(full(0.4), $0) } < 1.95)
    #expect(try distance(key.beta(Tensor(0.5), Tensor(3.0), shape: [n])) { betainc(full(0.5), full(3), $0) } < 1.95)
    #expect(try distance(key.laplace([n])) { select($0 .< 0, 0.5 * $0.exp(), 1 - 0.5 * (-$0).exp()) } < 1.95)
    #expect(try distance(key.normal([n])) { $0.ndtr() } < 1.95)
    // A wrong one is told.
    #expect(try distance(gamma) { igamma(full(0.42), $0) } > 1.95)
  }

  /// Means and variances, within five standard errors.
  @Test func counts() throws {
    let n = 20_000.0
    let rates = Tensor([3, 9.5, 30, 400] as [Float])
    let (trials, p) = (Tensor([10, 40, 500, 1000] as [Float]), Tensor([0.3, 0.5, 0.9, 0.02] as [Float]))
    let poisson = key.poisson(rates, shape: [Int(n), 4]).cast(.float64)
    let binomial = key.binomial(trials, p, shape: [Int(n), 4]).cast(.float64)
    let success = p.cast(.float64)
    let mean = trials.cast(.float64) * success
    for (draws, mean, variance) in [
      (poisson, rates.cast(.float64), rates.cast(.float64)), (binomial, mean, mean * (1 - success)),
    ] {
      let error = (draws.mean(0) - mean).abs() / (variance / n).sqrt()
      #expect(try error.max().item() < 5)
      let spread = (draws.variance(axes: [0]) / variance - 1).abs() / (2 / n).squareRoot()
      #expect(try spread.max().item() < 6)
    }
  }

  @Test func ofKeysInBatches() throws {
    let words = stack(key.split(3).map(\.words))
    let gammas = vmap { (words: Tensor, a: Tensor) -> Tensor in Key(words: words).gamma(a, shape: [2]) }
    let expected = try #require(try oracle("distributions", as: [String: Expected].self)["vmap"])
    try expectClose(
      try gammas(words, Tensor([0.5, 1, 3])), Tensor(expected.doubles, shape: expected.shape), 1e-12)
    let rates = Tensor([1, 20, 4] as [Float])
    let each = vmap { (words: Tensor, rate: Tensor) -> Tensor in Key(words: words).poisson(rate, shape: [3]) }
    let alone = key.split(3).enumerated().map { i, key in key.poisson(rates[i], shape: [3]) }
    try expectClose(try each(words, rates), stack(alone), 0)
    let normal = vmap(inAxes: [0]) { (words: Tensor) -> Tensor in
      Key(words: words).foldIn(3).normal([2], dtype: .float64)
    }
    try expectClose(try normal(words), stack(key.split(3).map { $0.foldIn(3).normal([2], dtype: .float64) }), 1e-15)
  }

  @Test func badArguments() {
    #expect(key.gamma(Tensor([1 as Int32])).failure?.kind == .dtype)
    #expect(key.gamma(Tensor([1.0, 2]), shape: [3]).failure?.message == "parameters [[2]] don't stretch to [3]")
    #expect(key.gamma(two, shape: [-1, 2]).failure?.kind == .shape)
    #expect(key.beta(two, three).failure?.kind == .shape)
    #expect(key.beta(two, Tensor(1 as Float)).failure?.kind == .dtype)
    #expect(key.dirichlet(Tensor(1.0)).failure?.kind == .shape)
    #expect(key.poisson(two, dtype: .float32).failure?.kind == .dtype)
    #expect(key.multivariateNormal(two, factor: three).failure?.kind == .shape)
    #expect(key.choice(3, [4], replacing: false).failure?.message == "can't draw [4] of 3 without replacement")
    #expect(key.choice(3, [.max, .max]).failure?.kind == .shape)
    #expect(key.orthogonal(rows: 0).failure?.kind == .shape)
    #expect(key.choice(0, [1]).failure?.kind == .value)
    #expect(key.choice(3, [2], probabilities: two).failure?.kind == .shape)
    #expect(key.choice(two, [2], axis: 1).failure?.kind == .value)
    #expect(key.choice(0, [0]).shape == [0])
    #expect(key.ball([2], dimensions: 2, dtype: .int32).failure?.kind == .dtype)
    #expect(key.laplace([2], dtype: .int32).failure?.kind == .dtype)
  }
}
