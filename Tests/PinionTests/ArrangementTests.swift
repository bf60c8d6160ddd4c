import Pinion
import Testing

/// Functions of places, segments, statistics and remainders against NumPy's: see Oracles/arrangements.py.
@Suite struct ArrangementTests {
  let a = Tensor([[3, -1.5, 2, 0.5], [2, 7, -4, 3], [0.25, 2, 2, -6]])
  let b = Tensor([[1, 2], [-3, 0.5]])
  let v = Tensor([1.0, -2, 3])
  let q = Tensor([0, 0.1, 0.5, 0.77, 1])
  let ids = Tensor([2, 0, 2, -1, 7, 0] as [Int32])
  let data = Tensor.arange(12, dtype: .float64).reshape([6, 2]) - 4
  let line = Tensor([-2.0, 0, 0, 1.5, 4])
  let at = Tensor([[-3, -2, 0], [1, 4, 9], [.nan, 1.5, -0.5]])

  private var places: [String: Tensor] {
    var cases: [String: Tensor] = [
      "trace": a.trace(), "eye": .eye(3, columns: 4, offset: -1), "outer": outer(v, a[0]), "kron": kron(a, b),
      "kron of a vector": kron(v, b), "cross": stack([v, v + 1]).cross(Tensor([0.5, 1, -1])),
      "meshgrid xy 0": meshgrid([v, a[0]])[0], "meshgrid xy 1": meshgrid([v, a[0]])[1],
      "meshgrid ij 1": meshgrid([v, a[0]], indexing: .ij)[1], "differences": a.differences(),
      "differences 2": a.differences(2, axis: 0),
      "logspace": .logspace(from: -1, to: 2, count: 4, dtype: .float64),
    ]
    for k in [-5, -1, 0, 2, 4] {
      cases["diagonal \(k)"] = a.diagonal(offset: k)
      cases["lowerTriangle \(k)"] = a.lowerTriangle(offset: k)
      cases["upperTriangle \(k)"] = a.upperTriangle(offset: k)
    }
    for k in [-2, 0, 1] { cases["diagonalMatrix \(k)"] = v.diagonalMatrix(offset: k) }
    for k in [-5, 1, 3] { cases["roll \(k)"] = a.roll(k, axis: 1) }
    for k in -1...3 { cases["rotated90 \(k)"] = a.rotated90(k) }
    return cases
  }

  private var statistics: [String: Tensor] {
    let n = a.at[0, 1].set(.nan).at[2].set(.nan)
    let methods: [(String, QuantileMethod)] = [
      ("linear", .linear), ("lower", .lower), ("higher", .higher), ("midpoint", .midpoint), ("nearest", .nearest),
    ]
    let histogram = a.histogram(bins: 5)
    var cases: [String: Tensor] = [
      "quantile axis": a.quantile(q, axis: 0), "percentile": a.percentile(30, axis: 1), "median": a.median(axis: 1),
      "median of all": a.median(), "average": a.average(weights: v.square().expandDims(1), axes: [0]),
      "covariance": a.covariance(), "correlation": a.correlation(), "trapezoid": a.trapezoid(spacing: 0.5),
      "trapezoid at": a.trapezoid(at: Tensor([0, 1, 4, 4.5])), "polynomial": v.polynomial(at: a),
      "nanSum": n.nanSum(1), "nanMean": n.nanMean(0), "nanMax": n.nanMax(0), "nanMin": n.nanMin(0),
      "bincount": Tensor([1, 3, 1, 0] as [Int32]).bincount(5),
      "bincount weights": Tensor([1, 3, 1, 0] as [Int32]).bincount(5, weights: Tensor([0.5, 2, 3, 4])),
      "histogram": histogram.counts, "histogram edges": histogram.edges,
      "histogram range": a.histogram(bins: 4, from: -2, to: 3, weights: a.square()).counts,
      "segmentSum": data.segmentSum(ids, count: 3), "segmentMean": data.segmentMean(ids, count: 3),
      "segmentMax": data.segmentMax(ids, count: 3)[.by(2)], "segmentMin": data.segmentMin(ids, count: 3)[.by(2)],
      "segmentProduct": data.segmentProduct(ids, count: 3)[.by(2)],
    ]
    for (name, method) in methods { cases["quantile \(name)"] = a.quantile(q, method: method) }
    return cases
  }

  private var searches: [String: Tensor] {
    let unique = a.unique(size: 10)
    let nonzero = (a .> 1.9).nonzero(size: 7)
    let (xs, ys) = (Tensor([-2, 0, 1.5, 4]), Tensor([5.0, 1, -2, 3]))
    let (w, d) = (Tensor([7, -7, 7.5, -7.5, 0, 6, -6]), Tensor([3.0, 3, -3, -3, 2, 3, -3]))
    let (m, e) = (w.cast(.int32), d.cast(.int32))
    return [
      "searchSorted left": line.searchSorted(at), "searchSorted right": line.searchSorted(at, side: .right),
      "digitize false": at.digitize(line), "digitize true": at.digitize(line, right: true),
      "digitize descending false": at[..<2].digitize(line.reverse([0])),
      "digitize descending true": at[..<2].digitize(line.reverse([0]), right: true), "isIn": at.isIn(line),
      "interp": interp(at, xs, ys), "interp outside": interp(at, xs, ys, left: -9, right: 9),
      "unique values": unique.values[..<8], "unique indices": unique.indices[..<8], "unique inverse": unique.inverse,
      "unique counts": unique.counts[..<8], "nonzero 0": nonzero[0], "nonzero 1": nonzero[1],
      "floorDivide": floorDivide(w, d), "floorRemainder": floorRemainder(w, d), "floorDivide int": floorDivide(m, e),
      "floorRemainder int": floorRemainder(m, e), "hypot": hypot(w * 1e200, d * 1e200) / 1e200,
      "copySign": copySign(w, Tensor([-1, -0.0, 0, 1, -2, -3, 4])), "log2": (q + 1).log2(), "log10": (q + 1).log10(),
      "heaviside": heaviside(w), "angle": complex(w[..<3], d[..<3]).angle(),
    ]
  }

  @Test func areThoseOfNumPy() throws {
    let oracle = try oracle("arrangements", as: [String: Expected].self)
    let cases = places.merging(statistics) { a, _ in a }.merging(searches) { a, _ in a }
    #expect(Set(cases.keys) == Set(oracle.keys))
    try evaluate(Array(cases.values))
    for (name, result) in cases {
      let expected = try #require(oracle[name])
      #expect(result.shape == expected.shape, "\(name)")
      try expectClose(result.reshape([-1]).cast(.float64), Tensor(expected.doubles), 1e-12, "\(name)")
    }
  }

  @Test func fixedSizes() throws {
    let unique = a.unique(size: 12, fill: -100)
    #expect(try doubles(unique.values[8...]) == [-100, -100, -100, -100])
    #expect(try unique.counts[8...].array(of: Int32.self) == [0, 0, 0, 0])
    #expect(try unique.total.item() == 8)
    #expect(try doubles(a.unique(size: 2).values) == [-6, -4])
    #expect(try doubles(a.unique(size: 10).values)[9] == -6)
    let broken = Tensor([.nan, 1, .nan, 1]).unique(size: 3)
    #expect(try broken.counts.array(of: Int32.self) == [2, 2, 0])
    #expect(try broken.inverse.array(of: Int32.self) == [1, 0, 1, 0])
    #expect(try (a .> 100).nonzero(size: 2, fill: -1)[1].array(of: Int32.self) == [-1, -1])
    #expect(try Tensor([0, 3, 4] as [Int32]).nonzero(size: 1)[0].array(of: Int32.self) == [1])
    let empty = data.segmentMax(ids, count: 3)[1]
    #expect(try doubles(empty) == [-.infinity, -.infinity])
    #expect(try data.cast(.int32).segmentMin(ids, count: 3)[1].array(of: Int32.self) == [.max, .max])
    #expect(try Tensor([2.0, .nan, 1]).median().item().isNaN)
    #expect(try Tensor([2.0, 2]).histogram(bins: 2).counts.array(of: Int32.self) == [0, 2])
    #expect(
      try Tensor([[1.0, 1], [1, 2]]).diagonalMatrix(offset: 1).trace(offset: 1).array(of: Double.self) == [2, 3])
    #expect(try a.split([1, 3], axis: 1)[1].diagonal().array(of: Double.self) == [-1.5, -4, -6])
    #expect(try doubles(a.split(2, axis: -1)[1][0]) == [2, 0.5])
    let odd = Tensor([.nan, .infinity, -.infinity, 1] as [Double])
    #expect(try doubles(odd.replacingNaN(positiveInfinity: 5)) == [0, 5, -.greatestFiniteMagnitude, 1])
    #expect(try odd.isClose(odd, equalNaN: true).array(of: Bool.self) == [true, true, true, true])
    #expect(try odd.isClose(odd + 1e-9).array(of: Bool.self) == [false, true, true, true])
    #expect(try odd.isInfinite().array(of: Bool.self) == [false, true, true, false])
    #expect(try doubles(hypot(odd, Tensor([1.0, .nan, 2, 0])))[2...] == [Double.infinity, 1])
  }

  @Test func derivatives() throws {
    var checks = GradientChecks()
    let ids = Tensor([1, 0, 1] as [Int32])
    let (m, w, ys) = (numbers([3, 4]), numbers([4], seed: 2), numbers([4], seed: 3))
    let (parts, xs) = (Tensor([0.2, 0.9]), Tensor([-0.9, -0.2, 0.3, 0.8]))
    func flat(_ results: [Tensor]) -> Tensor { concatenate(results.map { $0.square().reshape([-1]) }) }
    checks.add("places", [m, w], second: false) { t in
      let (m, w) = (t[0], t[1])
      return flat([
        m.diagonal(offset: 1), w.diagonalMatrix(offset: -1), m.lowerTriangle(), kron(m, w),
        m[.all, 0..<3].cross(w[0..<3]), m.roll(1, axis: 1).rotated90().differences(), hypot(m, w), m.covariance(),
      ])
    }
    checks.add("combinations", [m, w, parts, xs, ys], second: false) { t in
      let m = t[0]
      return flat([
        m.quantile(t[2], axis: 1), m.segmentMean(ids, count: 3), m.segmentProduct(ids, count: 2),
        m.segmentMax(ids, count: 2), interp(m, t[3], t[4]), m.trapezoid(at: t[3]), t[1].unique(size: 4).values,
      ])
    }
    let atZero = try grad { (x: Tensor) in hypot(x, x).sum() }(Tensor([0.0]))
    #expect(try atZero.item().isFinite)
    try checks.run()
  }

  @Test func badArguments() {
    #expect(v.diagonal().failure?.message == "takes matrices (two axes or more), not [3]")
    #expect(Tensor(1.0).diagonalMatrix().failure?.kind == .shape)
    #expect(v.diagonalMatrix(offset: .min).failure?.kind == .shape)
    #expect(a.diagonal(offset: .min).shape == [0])
    #expect(a.cross(a).failure?.kind == .shape)
    #expect(a.roll(1, axis: 2).failure?.kind == .value)
    #expect(a.roll(.min, axis: 1).shape == [3, 4])
    #expect(a.rotated90(axes: (0, 0)).failure?.kind == .value)
    #expect(a.split(3, axis: 1)[2].failure?.kind == .shape)
    #expect(a.split([Int.max, 4], axis: 1)[1].failure?.kind == .shape)
    #expect(a.quantile(Tensor([0.5] as [Float])).failure?.kind == .dtype)
    #expect(a.searchSorted(v).failure?.kind == .shape)
    #expect(v.searchSorted(Tensor([1] as [Int32])).failure?.kind == .dtype)
    #expect(interp(v, a, a).failure?.kind == .shape)
    #expect(a.segmentSum(ids, count: 3).failure?.kind == .shape)
    #expect(data.segmentSum(ids.cast(.float32), count: 3).failure?.kind == .dtype)
    #expect(data.segmentSum(ids, count: -1).failure?.kind == .shape)
    #expect(ids.segmentMean(ids, count: 2).failure?.kind == .dtype)
    #expect(a.histogram(bins: 0).counts.failure?.kind == .value)
    #expect(a.unique(size: -1).values.failure?.kind == .value)
    #expect(v.nonzero(size: -1)[0].failure?.kind == .value)
    #expect(meshgrid([v, a])[0].failure?.kind == .shape)
    #expect(v.covariance().failure?.kind == .shape)
    #expect(Tensor.eye(-1).failure?.kind == .shape)
    #expect(copySign(v, ids).failure?.kind == .dtype)
  }
}
