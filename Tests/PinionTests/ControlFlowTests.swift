import Foundation
import Testing

@testable import Pinion

/// StableHLO text of the program that computes tensors.
private func text(_ tensors: [Tensor]) throws -> String { try Program(computing: tensors).text() }

private func occurrences(_ what: String, in text: String) -> Int { text.components(separatedBy: what).count - 1 }

@Suite struct ScanTests {
  @Test func sumsAndStacks() throws {
    let x = Tensor([1.0, 2, 3, 4])
    let (last, all) = try scan(Tensor(10.0), over: x) { ($0 + $1, $0 * $1) }
    try expectClose(last, Tensor(20.0))
    try expectClose(all, Tensor([10.0, 22, 39, 64]))
    let (first, back) = try scan(Tensor(10.0), over: x, reverse: true) { ($0 + $1, $0 * $1) }
    try expectClose(first, Tensor(20.0))
    try expectClose(back, Tensor([19.0, 34, 42, 40]))
  }

  @Test func treesAndEmptySequences() throws {
    let elements = [Tensor([1.0, 2]), Tensor([3.0, 4])]
    let (carried, results) = try scan([Tensor(1.0), Tensor(Int32(2))], over: elements) { c, x in
      let product = x[0] * x[1]
      return ([c[0] + product, c[1] + 1], ["product": product])
    }
    try expectClose(carried[0], Tensor(12.0))
    #expect(try carried[1].item() == 4)
    try expectClose(try #require(results["product"]), Tensor([3.0, 8]))
    let (same, none) = try scan(Tensor(1.0), over: Tensor.zeros([0, 2], dtype: .float64)) { ($0 + $1.sum(), $1) }
    try expectClose(same, Tensor(1.0))
    #expect(none.shape == [0, 2])
    let count = try forLoop(Tensor(0.0), steps: 5) { $0 + $1.cast(.float64) }
    try expectClose(count, Tensor(10.0))
  }

  @Test func recurrentGradients() throws {
    var checks = GradientChecks()
    let (w, u, x, h) = (numbers([3, 3]), numbers([2, 3], seed: 2), numbers([5, 2], seed: 3), numbers([3], seed: 4))
    for reverse in [false, true] {
      checks.add("scan, reverse \(reverse)", [w, u, x, h]) { t in
        let (last, all) = try scan(t[3], over: t[2], reverse: reverse) { h, x in
          let next = (h.matmul(t[0]) + x.matmul(t[1])).tanh()
          return (next, next * x.sum())
        }
        return concatenate([all, last.reshape([1, 3]).exp()])
      }
    }
    try checks.run()
  }

  @Test func nestedGradients() throws {
    try checkGradients("scan in scan", [numbers([3]), numbers([4], seed: 2), numbers([2], seed: 3)]) { t in
      try scan(t[0], over: t[1]) { outer, a in
        let inner = try scan(outer, over: t[2]) { c, b in ((c * b).sin() + a * t[0], c.sum()) }
        return (inner.carried, inner.results * a)
      }.results
    }
  }

  @Test func gradientInsideOfABody() throws {
    // Newton's steps towards the minimum of a quartic.
    func f(_ x: Tensor) throws -> Tensor { (x - 2).pow(4) + x * x }
    let x = try forLoop(Tensor(0.0), steps: 20) { x, _ in
      try x - grad(f)(x) / grad(grad(f))(x)
    }
    let g = try grad(f)(x)
    try expectClose(g, Tensor(0.0), 1e-10)
  }

  /// One loop forwards and one backwards, however the gradient is read.
  @Test func derivativeRunsForwardOnce() throws {
    let (w, x) = (numbers([3, 3]), numbers([7, 3], seed: 2))
    let (value, gradient) = try valueAndGrad(w) { w in
      try scan(Tensor.zeros([3], dtype: .float64), over: x) { h, x in
        let next = (h.matmul(w) + x).tanh()
        return (next, next)
      }.results.sum()
    }
    let program = try text([value, gradient])
    #expect(occurrences("\"stablehlo.while\"", in: program) == 2)
    #expect(occurrences("\"stablehlo.tanh\"", in: program) == 1)
  }

  /// What every step adds to a weight's cotangent is contracted over all steps at once, after the loop, and what is
  /// cheap to find again isn't kept.
  @Test func backwardLoopCarriesTheStateAlone() throws {
    let (w, u, x) = (numbers([3, 3]), numbers([2, 3], seed: 2), numbers([7, 4, 2], seed: 3))
    let start = Tensor.zeros([4, 3], dtype: .float64)
    func gated(_ h: Tensor, _ x: Tensor, _ t: [Tensor]) -> Tensor {
      let z = (h.matmul(t[0]) + x.matmul(t[1]) + t[2]).sigmoid()
      return (1 - z) * h + z
    }
    let weights = [w, u, numbers([3], seed: 4)]
    let (value, slopes) = try valueAndGrad(weights) { t in
      try scan(start, over: x) { (gated($0, $1, t), [Tensor]()) }.carried.sin().sum()
    }
    let (unrolledValue, unrolled) = try valueAndGrad(weights) { t in
      (0..<7).reduce(start) { gated($0, x[$1], t) }.sin().sum()
    }
    try expectClose(value, unrolledValue)
    for (a, b) in zip(slopes, unrolled) { try expectClose(a, b) }

    let (_, again) = try valueAndGrad(weights) { t in
      try scan(start, over: x) { (gated($0, $1, t), [Tensor]()) }.carried.sin().sum()
    }
    let program = Program(computing: again)
    let loops = program.nodes.compactMap { $0.operation as? Scan }
    let (forward, backward) = (try #require(loops.first), try #require(loops.last))
    #expect(loops.count == 2)
    // Kept: z and h, but not 1 - z. Backwards: one product, for the cotangent of the state.
    #expect(forward.body.resultTypes.count == 3)
    #expect(backward.carried == 1)
    #expect(backward.body.program.nodes.count { $0.primitive is DotGeneral } == 1)
  }

  /// Gates are taken from the one tanh that they're parts of, through the work between; only it is kept, and the state.
  @Test func partsOfWhatIsKeptAreNotKept() throws {
    let (w, x) = (numbers([3, 9]), numbers([7, 4, 9], seed: 2))
    let start = numbers([4, 3], seed: 3)
    func step(_ c: Tensor, _ x: Tensor, _ w: Tensor) -> Tensor {
      let gates = (0.5 + 0.5 * (c.matmul(w) + x).tanh()).split(3, axis: 1)
      return gates[0] * c + gates[1] * gates[2]
    }
    let (value, slopes) = try valueAndGrad([w, start]) { t in
      try scan(t[1], over: x) { (step($0, $1, t[0]), [Tensor]()) }.carried.sin().sum()
    }
    let (unrolledValue, unrolled) = try valueAndGrad([w, start]) { t in
      (0..<7).reduce(t[1]) { step($0, x[$1], t[0]) }.sin().sum()
    }
    try expectClose(value, unrolledValue)
    for (a, b) in zip(slopes, unrolled) { try expectClose(a, b) }

    let (_, again) = try valueAndGrad([w, start]) { t in
      try scan(t[1], over: x) { (step($0, $1, t[0]), [Tensor]()) }.carried.sin().sum()
    }
    let forward = try #require(Program(computing: again).nodes.compactMap { $0.operation as? Scan }.first)
    #expect(forward.body.resultTypes.map { $0.shape[1] }.sorted() == [3, 3, 9])
  }

  @Test func invariantWorkIsHoisted() throws {
    let (w, x) = (numbers([3, 3]), numbers([7, 3], seed: 2))
    let result = try scan(Tensor.zeros([3], dtype: .float64), over: x) { h, x in
      (h + x.cos().matmul(w.exp().sin()), [Tensor]())
    }.carried
    let scan = try #require(result.node.primitive as? Scan)
    #expect(scan.body.program.nodes.map(\.primitive.name) == ["cos", "dotGeneral", "+"])
    try expectClose(result, x.cos().sum(axes: [0]).matmul(w.exp().sin()))
  }

  /// Elements times a weight: one product before the loop.
  @Test func productsOfElementsLeaveTheLoop() throws {
    let (w, x) = (numbers([3, 4]), numbers([7, 2, 3], seed: 2))
    let start = numbers([2, 4], seed: 3)
    func step(_ h: Tensor, _ x: Tensor, _ w: Tensor) -> Tensor { (0.5 * h + x.matmul(w)).tanh() }
    for reverse in [false, true] {
      let (value, slopes) = try valueAndGrad([w, x]) { t in
        let result = try scan(start, over: t[1], reverse: reverse) { (step($0, $1, t[0]), [Tensor]()) }.carried
        let scan = try #require(result.node.primitive as? Scan)
        #expect(!scan.body.program.nodes.contains { $0.primitive is DotGeneral })
        return result.square().sum()
      }
      let (unrolledValue, unrolled) = try valueAndGrad([w, x]) { t in
        (reverse ? (0..<7).reversed() : Array(0..<7)).reduce(start) { step($0, t[1][$1], t[0]) }.square().sum()
      }
      try expectClose(value, unrolledValue)
      for (a, b) in zip(slopes, unrolled) { try expectClose(a, b) }
    }
    // With nothing carried, the loop is there to save memory.
    let mapped = try sequentialMap(x) { $0.matmul(w) }
    let loop = try #require(mapped.node.primitive as? Scan)
    #expect(loop.body.program.nodes.contains { $0.primitive is DotGeneral })
    try expectClose(mapped, x.matmul(w))
  }

  /// Sums with what all steps share leave the loop with the product; an offset is spread inside of it.
  @Test func sumsWithProductsOfElementsLeaveTheLoop() throws {
    let (w, x, start) = (numbers([3, 4]), numbers([7, 2, 3], seed: 2), numbers([2, 4], seed: 3))
    let offsets = [numbers([4], seed: 4), numbers([4], seed: 5)]
    func step(_ h: Tensor, _ x: Tensor, _ t: [Tensor]) -> Tensor { (x.matmul(w) + t[0] + h * t[1]).tanh() }
    func run(_ t: [Tensor]) throws -> Tensor {
      try scan(start, over: x) { (step($0, $1, t), [Tensor]()) }.carried
    }
    let loop = try #require(try run(offsets).node.primitive as? Scan)
    #expect(loop.body.program.nodes.count { ($0.primitive as? Binary)?.kind == .add } == 1)
    #expect(loop.body.argumentTypes.last?.shape == [4])
    let (value, slopes) = try valueAndGrad(offsets) { t in try run(t).square().sum() }
    let (unrolledValue, unrolled) = try valueAndGrad(offsets) { t in
      (0..<7).reduce(start) { step($0, x[$1], t) }.square().sum()
    }
    try expectClose(value, unrolledValue)
    for (a, b) in zip(slopes, unrolled) { try expectClose(a, b) }
    // A product that is also wanted itself stays as it is.
    let (_, products) = try scan(start, over: x) { h, x in
      let product = x.matmul(w)
      return (h + (product + offsets[0]), product)
    }
    try expectClose(products, x.matmul(w))
  }

  @Test func oneValueIsStackedOnce() throws {
    let x = numbers([5, 3])
    let results = try scan(Tensor.zeros([3], dtype: .float64), over: x) { c, x in
      let y = (c * x).cos()
      return (c + y, [y, c, y])
    }.results
    #expect(occurrences("\"stablehlo.dynamic_update_slice\"", in: try text(results)) == 2)
    let values = try results.map { try $0.array(of: Double.self) }
    #expect(values[0] == values[2] && values[0] != values[1])
    try expectClose(results[1][1], Tensor.ones([3], dtype: .float64))
  }

  /// An evaluated tensor has let its inputs go.
  @Test func productsOfElementsWithWhatWasEvaluated() throws {
    let x = numbers([7, 2, 3], seed: 2)
    let w = numbers([4, 3]).transpose()
    try evaluate(w)
    let result = try scan(numbers([2, 4], seed: 3), over: x) { ((0.5 * $0 + $1.matmul(w)).tanh(), [Tensor]()) }.carried
    let unrolled = (0..<7).reduce(numbers([2, 4], seed: 3)) { (0.5 * $0 + x[$1].matmul(w)).tanh() }
    try expectClose(result, unrolled)
  }

  @Test func underVmapAndJit() throws {
    let (h, x) = (numbers([4, 3]), numbers([5, 4, 3], seed: 2))
    func run(_ h: Tensor, _ x: Tensor) throws -> (Tensor, Tensor) {
      let (c, y) = try scan(h, over: x) { c, x in ((c * x).cos(), c.sum()) }
      return (c, y)
    }
    let mapped = vmap(inAxes: [0, 1], run)
    let (c, y) = try mapped(h, x)
    for i in 0..<4 {
      let (ci, yi) = try run(h[i], x.take(Tensor(Int32(i)), axis: 1))
      try expectClose(c[i], ci)
      try expectClose(y[i], yi)
    }
    // Only the sequence differs: the carried value differs from the first step on.
    let sharing = vmap(inAxes: [nil, 1], run)
    let (shared, _) = try sharing(h[0], x)
    try expectClose(shared[2], run(h[0], x.take(Tensor(Int32(2)), axis: 1)).0)
    let compiled = jit { (h: Tensor, x: Tensor) in try mapped(h, x) }
    try expectClose(compiled(h, x).0, c)
    let perExample = vmap(inAxes: [0, 1]) { (h: Tensor, x: Tensor) -> Tensor in
      try grad { h in try run(h, x).1.sum() }(h)
    }
    let gradients = try perExample(h, x)
    try expectClose(gradients[1], grad { h in try run(h, x.take(Tensor(Int32(1)), axis: 1)).1.sum() }(h[1]))
    try checkGradients("vmap of scan", [h, x], second: false) { t in try mapped(t[0], t[1]).1 }
  }

  @Test func badBodies() throws {
    #expect(throws: TensorError.self) { try scan(Tensor(1.0), over: Tensor(1.0)) { ($0, $1) } }
    let type = #expect(throws: TensorError.self) {
      try scan(Tensor(1.0), over: Tensor([1.0])) { (($0 + $1).reshape([1]), $1) }
    }
    #expect(try #require(type).message.contains("carried tensor 0 is"))
    let sizes = #expect(throws: TensorError.self) {
      try scan(Tensor(1.0), over: [Tensor([1.0]), Tensor([1.0, 2])]) { ($0, $1) }
    }
    #expect(try #require(sizes).message.contains("leading axes differ"))
    var leaked: Tensor?
    _ = try scan(Tensor(1.0), over: Tensor([1.0])) { c, x in
      leaked = x
      return (c + x, c)
    }
    #expect(throws: TensorError.self) { try leaked?.item() }
    let other = try scan(Tensor(1.0), over: Tensor([1.0])) { ($0 + (leaked ?? $1), $1) }.carried
    #expect(throws: TensorError.self) { try other.item() }
  }
}

@Suite struct ConditionalTests {
  @Test func takesOneBranch() throws {
    let x = Tensor(3.0)
    for flag in [true, false] {
      let y = try cond(Tensor(flag), { x * 2 }, else: { x - 1 })
      #expect(try y.item() == (flag ? 6 : 2))
    }
    for i in -1...3 {
      let y: Tensor = try switchCase(Tensor(Int32(i)), [{ x }, { x * x }, { x.exp() }])
      try expectClose(y, [x, x, x * x, x.exp(), x.exp()][i + 1])
    }
    // Work of the branches stays inside.
    let y = try cond(Tensor([1.0]).sum() .> 0, { x.sin() }, else: { x.cos() })
    let program = try text([y])
    #expect(occurrences("\"stablehlo.case\"", in: program) == 1)
    #expect(try #require(y.node.primitive as? Case).branches.map { $0.program.nodes.count } == [1, 1])
  }

  @Test func gradients() throws {
    var checks = GradientChecks()
    for flag in [true, false] {
      checks.add("cond \(flag)", [numbers([3]), numbers([3], seed: 2)]) { t in
        try cond(Tensor(flag), { (t[0] * t[1]).sin() * t[0] }, else: { t[1].exp() * t[1].exp() })
      }
    }
    let (value, gradient) = try valueAndGrad(numbers([3])) { x in
      try cond(x.sum() .> 0, { x.tanh() }, else: { x.exp() }).sum()
    }
    let program = try text([value, gradient])
    #expect(occurrences("\"stablehlo.tanh\"", in: program) == 1)
    #expect(occurrences("\"stablehlo.case\"", in: program) == 2)
    try checks.run()
  }

  @Test func underVmap() throws {
    let x = numbers([5, 3])
    let flags = Tensor([true, false, true, true, false])
    func f(_ flag: Tensor, _ x: Tensor) throws -> Tensor { try cond(flag, { x.sin() }, else: { x * 3 }) }
    let each = vmap(f)
    let both = try each(flags, x)
    let sharing = vmap(inAxes: [nil, 0], f)
    let one = try sharing(Tensor(false), x)
    try expectClose(one, x * 3)
    try expectClose(both, select(flags.reshape([5, 1]), x.sin(), x * 3))
    let chosen: Tensor = try vmap { (i: Tensor) in
      try switchCase(i, [{ Tensor(1.0) }, { Tensor(2.0) }, { Tensor(3.0) }])
    }(Tensor([Int32(-5), 0, 1, 2, 9]))
    try expectClose(chosen, Tensor([1.0, 1, 2, 3, 3]))
    try checkGradients("vmap of cond", [x], second: false) { t in try each(flags, t[0]) }
  }

  @Test func badBranches() throws {
    let error = #expect(throws: TensorError.self) {
      try cond(Tensor(true), { Tensor(1.0) }, else: { Tensor([1.0]) })
    }
    #expect(try #require(error).message.contains("branches differ"))
    #expect(throws: TensorError.self) { try cond(Tensor(1.0), { Tensor(1.0) }, else: { Tensor(1.0) }) }
    #expect(throws: TensorError.self) { try switchCase(Tensor(Int32(0)), [() -> Tensor]()) }
  }

  @Test func checkpointComputesAgain() throws {
    try checkGradients("checkpoint", [numbers([4]), numbers([4], seed: 2)]) { t in
      try checkpoint(t[0]) { ($0 * t[1]).sin().exp() }
    }
    let gradient = try grad { (x: Tensor) in try checkpoint(x) { $0.log().log() }.sum() }(numbers([4]))
    #expect(occurrences("\"stablehlo.log\"", in: try text([gradient])) == 1)
    let value = try valueAndGrad(numbers([4])) { (x: Tensor) in try checkpoint(x) { $0.log().log() }.sum() }
    #expect(occurrences("\"stablehlo.log\"", in: try text([value.value, value.grad])) == 3)
    try expectClose(vmap { try checkpoint($0) { $0.sin() } }(numbers([4, 2])), numbers([4, 2]).sin())
  }
}

@Suite struct WhileTests {
  private func collatz(_ n: Tensor) throws -> Tensor {
    try whileLoop([n, Tensor(Int32(0))]) {
      $0[0] .> 1
    } do: { c in
      let half = c[0] >> 1
      let odd = c[0] * 3 + 1
      return [select((c[0] & 1) .== 0, half, odd), c[1] + 1]
    }[1]
  }

  @Test func countsSteps() throws {
    #expect(try collatz(Tensor(Int32(27))).item() == 111)
    let many = try vmap(collatz)(Tensor([Int32(1), 2, 7, 27]))
    #expect(try many.array(of: Int32.self) == [0, 1, 16, 111])
    let compiled = jit(function: collatz)
    #expect(try compiled(Tensor(Int32(6))).item() == 8)
  }

  @Test func bodiesShareWhatTheyCapture() throws {
    let (limit, step) = (Tensor([10.0, 100]), Tensor(3.0))
    func count(_ limit: Tensor) throws -> Tensor {
      try whileLoop(Tensor(0.0)) {
        $0 .< limit
      } do: {
        $0 + step
      }
    }
    try expectClose(vmap(count)(limit), Tensor([12.0, 102]))
    // Steps that differ make the carried value differ.
    let steps: Tensor = try vmap { (step: Tensor) in
      try whileLoop([Tensor(0.0), Tensor(0.0)]) {
        $0[1] .< 4
      } do: {
        [$0[0] + step, $0[1] + 1]
      }[0]
    }(Tensor([1.0, 2]))
    try expectClose(steps, Tensor([4.0, 8]))
  }

  @Test func derivatives() throws {
    let error = #expect(throws: TensorError.self) {
      try grad { (x: Tensor) in
        try whileLoop(x) {
          $0 .< 10
        } do: {
          $0 * 2
        }
      }(Tensor(1.0))
    }
    #expect(try #require(error).message.contains("maxSteps"))
    try checkGradients("bounded while", [Tensor(1.1)]) { t in
      try whileLoop(t[0], maxSteps: 8) {
        $0 .< 10
      } do: {
        $0 * $0 + 1
      }
    }
    let many = try vmap {
      try whileLoop($0, maxSteps: 8) {
        $0 .< 10
      } do: {
        $0 * $0 + 1
      }
    }(Tensor([1.0, 20, 2]))
    try expectClose(many, Tensor([26.0, 20, 26]))
  }
}

@Suite struct ForwardModeTests {
  @Test func tangents() throws {
    let (x, v) = (numbers([4]), numbers([4], seed: 2))
    let (value, tangent) = try jvp(x, tangent: v) { $0.sin() * $0.sum() }
    try expectClose(value, x.sin() * x.sum())
    try expectClose(tangent, x.cos() * v * x.sum() + x.sin() * v.sum())
    let f: (Tensor) throws -> Tensor = { x in
      try scan(x, over: numbers([3], seed: 5)) { c, a in ((c * a).tanh() + x, c.sum()) }.results
    }
    let t = try jvp(x, tangent: v, f).tangent
    let h = 1e-6
    try expectClose(t, (f(x + v * Tensor(h)) - f(x - v * Tensor(h))) / (2 * h), 1e-7)
  }

  @Test func jacobiansAndHessians() throws {
    let x = numbers([3])
    let f: (Tensor) throws -> Tensor = { x in stack([x[0] * x[1] * x[2], (x * x).sum()]) }
    let forward = try jacobian(mode: .forward, f)(x)
    let reverse = try jacobian(mode: .reverse, f)(x)
    #expect(forward.shape == [2, 3])
    try expectClose(forward, stack([stack([x[1] * x[2], x[0] * x[2], x[0] * x[1]]), x * 2]))
    try expectClose(reverse, forward)
    let second = try hessian { ($0 * $0 * $0).sum() * $0.sum() }(x)
    let product = try hessianVectorProduct(x, direction: numbers([3], seed: 3)) { ($0 * $0 * $0).sum() * $0.sum() }
    try expectClose(second.matmul(numbers([3], seed: 3)), product)
    let squares = 3 * x * x
    let expected =
      Tensor.eye(3, dtype: .float64) * (6 * x * x.sum()) + squares.reshape([3, 1]) + squares.reshape([1, 3])
    try expectClose(second, expected)
  }

  @Test func associative() throws {
    for n in [0, 1, 2, 3, 6, 13] {
      let x = numbers([n, 2])
      try expectClose(associativeScan(x) { $0 + $1 }, x.cumulativeSum(axis: 0))
      try expectClose(associativeScan(x, reverse: true) { $0 + $1 }, x.cumulativeSum(axis: 0, reverse: true))
    }
    // Matrix products don't commute.
    let m = numbers([5, 2, 2])
    let products = try associativeScan(m) { $0.matmul($1) }
    try expectClose(products[3], m[0].matmul(m[1]).matmul(m[2]).matmul(m[3]))
    let back = try associativeScan(m, reverse: true) { $0.matmul($1) }
    try expectClose(back[2], m[2].matmul(m[3]).matmul(m[4]))
    try checkGradients("associative scan", [numbers([6])]) { t in try associativeScan(t[0]) { $0 * $1 } }
  }
}
