import Pinion
import Testing

/// Subscripts and updates against NumPy's: see Oracles/subscripts.py.
@Suite struct SubscriptTests {
  struct Oracle: Decodable {
    struct Read: Decodable {
      let shape: [Int]
      let values: [Int32]
    }
    let reads: [String: Read]
    let writes: [String: [String: [Int32]]]
  }

  let x = Tensor.arange(60).reshape([3, 4, 5])
  let rows = Tensor([2, 0, -1] as [Int32])
  let columns = Tensor([1, 3, -2] as [Int64])
  let grid = Tensor([0, 1, 2, 3] as [UInt8], shape: [2, 2])

  /// The part that a subscript names, and the place where an update goes.
  private var cases: [String: (Tensor, IndexedUpdate)] {
    let mask = x[.all, .all, 0] % 10 .== 0
    let columnsOfTwo = columns[.newAxis, 0..<2]
    let empty = rows[0..<0]
    return [
      "reversed": (x[.by(-1)], x.at[.by(-1)]),
      "every second, backwards": (x[.all, .by(-2)], x.at[.all, .by(-2)]),
      "walk back": (x[.ellipsis, .by(-2, from: 3, to: 0)], x.at[.ellipsis, .by(-2, from: 3, to: 0)]),
      "walk back from the end": (
        x[.ellipsis, .by(-1, from: -2, to: -5)], x.at[.ellipsis, .by(-1, from: -2, to: -5)]
      ),
      "strides": (x[.by(2), .by(2, from: 1), .by(3, from: -4)], x.at[.by(2), .by(2, from: 1), .by(3, from: -4)]),
      "through the last": (x[.all, (-3)...(-1)], x.at[.all, (-3)...(-1)]),
      "new axes": (x[.newAxis, 1, .ellipsis, .newAxis, 2...], x.at[.newAxis, 1, .ellipsis, .newAxis, 2...]),
      "rows": (x[rows], x.at[rows]),
      "rows and columns": (x[rows, columns], x.at[rows, columns]),
      "apart": (x[rows, .all, columns], x.at[rows, .all, columns]),
      "apart by a new axis": (x[rows, .newAxis, columns], x.at[rows, .newAxis, columns]),
      "apart by an ellipsis": (x[.all, [0, 1], .ellipsis, [1, 2]], x.at[.all, [0, 1], .ellipsis, [1, 2]]),
      "grid in the middle": (x[.all, grid], x.at[.all, grid]),
      "number beside a tensor": (x[1, .all, grid], x.at[1, .all, grid]),
      "number next to a tensor": (x[.all, 2, grid], x.at[.all, 2, grid]),
      "tensors that stretch": (x[rows.expandDims(1), columnsOfTwo], x.at[rows.expandDims(1), columnsOfTwo]),
      "tensors and steps": (
        x[.by(-1), rows, .by(2, from: 1, to: 4)], x.at[.by(-1), rows, .by(2, from: 1, to: 4)]
      ),
      "mask": (x[mask], x.at[mask]),
      "mask in the middle": (x[1, x[0] .> 8], x.at[1, x[0] .> 8]),
      "mask and tensor": (x[x[.all, 0, 0] .> 10, [1, 2]], x.at[x[.all, 0, 0] .> 10, [1, 2]]),
      "nothing": (x[empty], x.at[empty]),
      "scalar": (x[2, 3, -1], x.at[2, 3, -1]),
    ]
  }

  @Test func areThoseOfNumPy() throws {
    let oracle = try oracle("subscripts", as: Oracle.self)
    let cases = cases
    #expect(Set(cases.keys) == Set(oracle.reads.keys))
    var checks: [(String, Tensor, [Int32])] = []
    for (name, (part, place)) in cases {
      let expected = try #require(oracle.reads[name])
      #expect(part.shape == expected.shape, "\(name)")
      checks.append((name, part, expected.values))
      let update = Tensor.arange(part.count).reshape(part.shape) * 7 % 50 - 20
      let writes = try #require(oracle.writes[name])
      var results = ["set": place.set(-5), "add": place.add(update)]
      if ["apart", "mask", "tensors and steps", "walk back"].contains(name) {
        results["multiply"] = place.multiply(update)
        results["max"] = place.max(update)
        results["min"] = place.min(update)
      }
      for (kind, result) in results {
        checks.append(("\(name), \(kind)", result, try #require(writes[kind])))
      }
    }
    try evaluate(checks.map(\.1))
    for (name, result, expected) in checks { #expect(try result.array(of: Int32.self) == expected, "\(name)") }
  }

  /// Numbers and ranges outside are errors; places in tensors read the edge, and their updates are skipped.
  @Test func outside() throws {
    let line = Tensor([10, 20, 30] as [Int32])
    let far = Tensor([5, -9, 1] as [Int32])
    #expect(try line[far].array(of: Int32.self) == [30, 10, 20])
    #expect(try line.at[far].set(0).array(of: Int32.self) == [10, 0, 30])
    #expect(try line.at[far].add(1).array(of: Int32.self) == [10, 21, 30])
    #expect(line[3].failure?.message == "index 3 is out of axis 0 of [3]")
    #expect(line.at[-4].set(0).failure?.message == "index -4 is out of axis 0 of [3]")
    #expect(line[1..<4].failure?.message == "range 1..<4 step 1 isn't inside axis 0 of [3]")
    #expect(line[.by(-1, from: 3)].failure?.kind == .value)
    #expect(line[.by(0)].failure?.kind == .value)
    for hostile in [Int.min, Int.max] {
      #expect(line[hostile].failure?.kind == .value)
      #expect(line[.by(1, from: hostile)].failure?.kind == .value)
      #expect(line[...hostile].failure?.kind == .value)
      #expect(line[.by(1, to: hostile)].failure?.kind == .value)
    }
    #expect(try line[.by(Int.max)].array(of: Int32.self) == [10])
    #expect(line[.by(Int.min)].failure?.kind == .value)
    #expect(try line[.by(-Int.max)].array(of: Int32.self) == [30])
  }

  /// What meets at one place is combined, except by `set`, which keeps one.
  @Test func duplicates() throws {
    let zeros = Tensor.zeros([3], dtype: .int32)
    let same = Tensor([1, 1, 1] as [Int32])
    let values = Tensor([4, 2, 3] as [Int32])
    #expect(try zeros.at[same].add(values).array(of: Int32.self) == [0, 9, 0])
    #expect(try (zeros + 1).at[same].multiply(values).array(of: Int32.self) == [1, 24, 1])
    #expect(try zeros.at[same].max(values).array(of: Int32.self) == [0, 4, 0])
    #expect(try (zeros + 9).at[same].min(values).array(of: Int32.self) == [9, 2, 9])
    #expect([2, 3, 4].contains(try zeros.at[same].set(values)[1].item()))
  }

  @Test func derivatives() throws {
    let (t, u) = (numbers([3, 4, 5]), numbers([3, 5], 0.5, 1.5, seed: 2))
    let (rows, columns) = (rows, columns)
    let twice = Tensor([1, 2, 1] as [Int32])
    try checkGradients("updates", [t, u]) { inputs in
      let (t, u) = (inputs[0], inputs[1])
      return concatenate(
        [
          t[rows, .by(-2), columns], t.at[rows, 1].set(u), t.at[.all, -1].add(u),
          t.at[.by(-1), .by(2, from: 1)].set(u.expandDims(1)), t.at[twice, 2].multiply(u), t.at[twice, columns].max(u),
        ].map { $0.square().reshape([-1]) })
    }
    // A factor of 0 leaves the others' derivatives 0, and has one itself.
    let product = grad { (u: Tensor) in Tensor([2.0, 1]).at[Tensor([0, 0, 1] as [Int32])].multiply(u).sum() }
    #expect(try doubles(product(Tensor([0.0, 5, 3]))) == [10, 0, 1])
  }

  @Test func booleans() throws {
    // An update by a mask needs no value of it, so it goes through a compiled function; a read does.
    let f = jit { (x: Tensor) -> Tensor in x.at[x .< 0].set(0) }
    #expect(try f(Tensor([-1, 2, -3] as [Float])).array(of: Float.self) == [0, 2, 0])
    let g = jit { (x: Tensor) -> Tensor in x[x .< 0] }
    do {
      _ = try g(Tensor([-1, 2] as [Float]))
      Issue.record("a traced mask has no shape")
    } catch let error as TensorError {
      #expect(error.kind == .unsupported && error.message.contains("nonzero(size:)"))
    }
    let y = Tensor([[1, 2], [3, 4]] as [[Int32]])
    #expect(try y.at[Tensor([true, false])].add(Tensor([10, 20] as [Int32])).array(of: Int32.self) == [11, 22, 3, 4])
    #expect(try y.at[y .> 1].set(Tensor([7, 8, 9] as [Int32])).array(of: Int32.self) == [1, 7, 8, 9])
    #expect(y[Tensor([true, false, true])].failure?.kind == .shape)
    #expect(y.at[Tensor(true)].set(0).failure?.kind == .shape)
  }

  @Test func batches() throws {
    let (x, u, places) = (
      numbers([3, 4, 5]), numbers([3, 2, 2]), Tensor([0, 3, 1, -1, 2, 2] as [Int32], shape: [3, 2])
    )
    func each(_ x: Tensor, _ u: Tensor, _ i: Tensor) -> [Tensor] {
      let line = x.sum(1)
      return [
        x[i, .by(-2)], x.at[i, .by(3, from: 1)].set(u), x.at[.all, i].multiply(u[.newAxis, 0]), x.at[x .< 0].set(0),
        line.quantile(0.3), line.sorted().searchSorted(x[0]), line.unique(size: 3).values, line.roll(1, axis: 0),
        x.diagonal(), u.segmentSum(i, count: 4), (x .> 0).nonzero(size: 6)[1],
      ]
    }
    let mapped = vmap { (x: Tensor, u: Tensor, i: Tensor) -> [Tensor] in each(x, u, i) }
    let together = try mapped(x, u, places)
    let alone = (0..<3).map { each(x[$0], u[$0], places[$0]) }
    try evaluate(together + alone.flatMap { $0 })
    for (k, result) in together.enumerated() { try expectClose(result, stack(alone.map { $0[k] }), 1e-14, "\(k)") }
  }

  @Test func badArguments() {
    #expect(x[0, 0, 0, 0].failure?.message == "4 indices for the 3 axes of [3, 4, 5]")
    #expect(x[.ellipsis, .ellipsis].failure?.kind == .value)
    #expect(x[Tensor([0.5])].failure?.kind == .dtype)
    #expect(x[rows, Tensor([0, 1] as [Int32])].failure?.kind == .shape)
    #expect(x.at[rows].set(Tensor.zeros([2], dtype: .int32)).failure?.kind == .shape)
    #expect(x.at[0].add(Tensor.zeros([])).failure?.operation == "at[…].add")
    #expect(x.at[rows[7]].set(0).failure?.operation == "subscript")
    #expect(Tensor.zeros([0, 2])[Tensor([0] as [Int32])].failure?.kind == .shape)
  }
}
