import Pinion
import Testing

/// Special functions against SciPy's: see Oracles/special.py.
@Suite struct SpecialTests {
  let x = Tensor([-30, -9.5, -3, -0.4, 0, 1e-4, 0.3, 1, 2.5, 7.9, 8.1, 40])
  let p = Tensor([0, 1e-300, 1e-20, 1e-5, 0.1, 0.3, 0.5, 0.77, 0.999, 1 - 1e-10, 1, 1.5])
  let a = Tensor([0, 1e-3, 0.4, 1, 2.5, 10, 150, 2000], shape: [8, 1])
  let y = Tensor([0, 1e-8, 0.1, 0.9, 1, 2, 12, 140, 2050, .infinity] as [Double])
  private var beta: (Tensor, Tensor, Tensor) {
    (
      Tensor([0, 0.1, 1, 3.5, 80], shape: [5, 1, 1]), Tensor([0, 0.2, 1, 7, 60], shape: [5, 1]),
      Tensor([0, 1e-6, 0.2, 0.5, 0.9, 1])
    )
  }

  private var cases: [(String, Tensor, Double)] {
    [
      ("ndtr", x.ndtr(), 1e-14), ("logNdtr", x.logNdtr(), 1e-14),
      ("logNdtr far", Tensor([-1e5, -200, -38, -20.01, -19.99, -10.01, -9.99]).logNdtr(), 1e-14),
      ("ndtri", p.ndtri(), 1e-13), ("besselI0e", x.besselI0e(), 1e-14), ("besselI1e", x.besselI1e(), 1e-14),
      ("sinc", x.sinc(), 1e-14), ("entropyTerms", x.entropyTerms(), 1e-14), ("logit", p[1..<10].logit(), 1e-13),
      ("xlogy", xlogy(Tensor([0.0, 0, 2, 0]), Tensor([0, .nan, 3, -1])), 1e-14),
      ("xlog1py", xlog1py(Tensor([0.0, 1, 2]), Tensor([-1, 1e-10, -0.5])), 1e-14),
      ("zeta", zeta(Tensor([1.5, 2, 3, 10]), Tensor([1, 0.5, 4, 2.5])), 1e-13), ("igamma", igamma(a, y), 1e-11),
      ("igammac", igammac(a, y), 1e-11), ("betainc", betainc(beta.0, beta.1, beta.2), 1e-12),
    ]
  }

  @Test func areThoseOfSciPy() throws {
    let oracle = try oracle("special", as: [String: Expected].self)
    let cases = cases
    #expect(Set(cases.map(\.0)) == Set(oracle.keys))
    let single = [
      ("igamma", igamma(a.cast(.float32), y.cast(.float32))),
      ("betainc", betainc(beta.0.cast(.float32), beta.1.cast(.float32), beta.2.cast(.float32))),
      ("logNdtr", x.cast(.float32).logNdtr()), ("besselI0e", x.cast(.float32).besselI0e()),
    ]
    try evaluate(cases.map(\.1) + single.map(\.1))
    for (name, result, tolerance) in cases {
      let expected = try #require(oracle[name])
      #expect(result.shape == expected.shape, "\(name)")
      // The file has no infinities.
      let bounded = result.clamp(min: -1e300, max: 1e300)
      try expectClose(bounded.reshape([-1]), Tensor(expected.doubles), tolerance, "\(name)")
    }
    for (name, result) in single {
      let expected = try #require(oracle[name])
      try expectClose(result.reshape([-1]).cast(.float64), Tensor(expected.doubles), 3e-4, "\(name), float32")
    }
  }

  @Test func derivatives() throws {
    var checks = GradientChecks()
    let x = Tensor([-25, -3, -0.02, 0.5, 2.5, 9])
    let (a, y) = (Tensor([0.5, 1, 4, 30]), Tensor([0.2, 3, 3.5, 35]))
    checks.add("first order", [x, a, y], second: false) { t in
      let slopes = try grad { (a: Tensor) in igamma(a, t[2]).sum() }(a)
      return concatenate([t[0].besselI1e(), igamma(t[1], t[2]), slopes])
    }
    let (p, u, q) = (Tensor([0.02, 0.4, 0.9]), Tensor([0.0, 2]), Tensor([3.0, 0.5]))
    let s = Tensor([1.3, 2.5, 4], shape: [3, 1])
    checks.add("second order", [x, y, p, u, q, s]) { t in
      concatenate([
        t[0].logNdtr(), t[0].besselI0e(), t[0].sinc(), igammac(a, t[1]), t[2].ndtri(),
        betainc(Tensor([0.7]), Tensor([3.0]), t[2]), zeta(t[5], t[1]).reshape([-1]),
        xlogy(t[3], t[4]),
      ])
    }
    let edges = try grad { (x: Tensor) in (x.sinc() + x.besselI0e() + x.besselI1e()).sum() }(Tensor([0.0]))
    #expect(try edges.item() == 0.5)
    #expect(try grad { (x: Tensor) in xlogy(Tensor([0.0]), x).sum() }(Tensor([0.0])).item() == 0)
    try checks.run()
  }

  @Test func batches() throws {
    let (a, y) = (Tensor([0.5, 2, 30]), Tensor([0.3, 1, 35]))
    let each = vmap { (a: Tensor, y: Tensor) -> Tensor in igamma(a, y) }
    try expectClose(try each(a, y), igamma(a, y), 1e-15)
    let rows = vmap(inAxes: [1, nil]) { (x: Tensor, b: Tensor) -> Tensor in betainc(Tensor([2.0, 3]), b, x) }
    let x = numbers([2, 4], 0, 1)
    try expectClose(
      try rows(x, Tensor([0.5, 4])), betainc(Tensor([2.0, 3]), Tensor([0.5, 4]), x.transpose()), 1e-15)
  }

  @Test func badArguments() throws {
    #expect(Tensor([1 as Int32]).ndtri().failure?.kind == .dtype)
    #expect(igamma(Tensor([1.0]), Tensor([1 as Float])).failure?.kind == .shape)
    #expect(igamma(Tensor([1.0, 2]), Tensor([1.0, 2, 3])).failure?.kind == .shape)
    #expect(xlogy(Tensor([1.0, 2]), Tensor([1.0, 2, 3])).failure?.kind == .shape)
    let error = #expect(throws: TensorError.self) {
      _ = try grad { (a: Tensor) in betainc(a, a, Tensor([0.5])).sum() }(Tensor([1.0]))
    }
    #expect(error?.operation == "betainc" && error?.message == "has no derivative by a, only by x")
  }
}
