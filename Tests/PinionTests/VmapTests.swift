import Testing

@testable import Pinion

/// An operation of a user's that says nothing of batches.
private struct Halving: Primitive {
  var name: String { "halving" }
  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] { inputs }
  func vjp(_ context: VJPContext) throws -> [Tensor?] { [context.cotangent * 0.5] }
  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    let half = printer.constant(operands[0].type.dtype.literal(0.5), operands[0].type)
    return [printer.emit("stablehlo.multiply", [operands[0], half], operands[0].type)]
  }
}

private struct TwoLayers: Module {
  var first: Tensor
  var bias: Tensor
  var second: Tensor

  func callAsFunction(_ x: Tensor) -> Tensor { (x.matmul(first) + bias).tanh().matmul(second) }
}

@Suite struct VmapTests {
  private func names(_ tensor: Tensor) -> [String] {
    Graph.lock.withLock { Graph.order([tensor.node], stop: \.isLeaf).map(\.primitive.name) }
  }

  @Test func axesOfArgumentsAndResults() throws {
    let x = numbers([3, 4])
    let f: (Tensor, Tensor) -> (Tensor, Tensor) = { ($0 * $1.sum(), $0.sum()) }
    let mapped: (Tensor, Tensor) throws -> (Tensor, Tensor) = vmap(inAxes: [1, nil], outAxes: [-1, 0], f)
    let (scaled, sums) = try mapped(x, Tensor([1.0, 2.0]))
    try expectClose(scaled, x * 3)
    try expectClose(sums, x.sum(0))
  }

  @Test func formsThatAreCalledAtOnce() throws {
    let (x, y) = (numbers([3, 2]), numbers([2, 3], seed: 2))
    func f(_ a: Tensor, _ b: Tensor) -> Tensor { (a * b).sum() }
    func g(_ a: Tensor, _ b: [Tensor], _ c: Tensor) throws -> Tensor { a * b[0] + c }
    var c = Comparisons()
    c.close("two", try vmap(inAxes: [0, 1], f)(x, y), (x * y.transpose()).sum(axes: [1]))
    c.close("three", try vmap(inAxes: [nil, 0, 1], g)(x[0], [x], y), x[0] * x + y.transpose())
    let (a, b) = try vmap { (a: Tensor, b: Tensor) in (a + b, a - b) }(x, y.transpose())
    c.close("two results", a * b, x.square() - y.transpose().square())
    let (p, q) = try vmap(inAxes: [1]) { (a: Tensor) in (a.sum(), a * 2) }(x)
    c.close("one argument, two results", p, x.sum(axes: [0]))
    c.close("its second", q, x.transpose() * 2)
    c.close("nested", try vmap(vmap { (a: Tensor, b: Tensor) in a * b })(x, x), x.square())
    try c.check()
  }

  @Test func gradientsOfEachExample() throws {
    let model = TwoLayers(first: numbers([3, 5]), bias: numbers([5], seed: 2), second: numbers([5, 2], seed: 3))
    let (x, y) = (numbers([4, 3], seed: 4), numbers([4, 2], seed: 5))
    func loss(_ model: TwoLayers, _ x: Tensor, _ y: Tensor) -> Tensor { (model(x) - y).square().sum() }
    let perExample: (TwoLayers, Tensor, Tensor) throws -> TwoLayers = vmap(inAxes: [nil, 0, 0]) {
      (model: TwoLayers, x: Tensor, y: Tensor) -> TwoLayers in
      let gradient: (TwoLayers) throws -> TwoLayers = grad { loss($0, x, y) }
      return try gradient(model)
    }
    let compiled = jit { (model: TwoLayers, x: Tensor, y: Tensor) -> TwoLayers in try perExample(model, x, y) }
    for run in [perExample, compiled] {
      let gradients = try run(model, x, y)
      #expect(gradients.first.shape == [4, 3, 5])
      for i in [0, 3] {
        let single = try grad { (model: TwoLayers) in loss(model, x[i], y[i]) }(model)
        try expectClose(gradients.first[i], single.first)
        try expectClose(gradients.bias[i], single.bias)
        try expectClose(gradients.second[i], single.second)
      }
    }
    // They add up to the gradient of the batch, which is a gradient of what is mapped.
    let whole = try grad { (model: TwoLayers) in
      let losses: (TwoLayers, Tensor, Tensor) throws -> Tensor = vmap(inAxes: [nil, 0, 0], loss)
      return try losses(model, x, y).sum()
    }(model)
    try expectClose(perExample(model, x, y).first.sum(0), whole.first)
  }

  @Test func examplesStayInOneContraction() throws {
    let (x, w) = (numbers([6, 2, 3]), numbers([3, 4], seed: 2))
    let left: (Tensor, Tensor) throws -> Tensor = vmap(inAxes: [0, nil]) { $0.matmul($1) }
    // Nothing is moved or repeated: one product of [6, 2, 3] and [3, 4].
    #expect(names(try left(x, w)) == ["dotGeneral"])
    #expect(multiplyAdds(of: [try left(x, w)]) == 6 * 2 * 3 * 4)
    let right: (Tensor, Tensor) throws -> Tensor = vmap(inAxes: [nil, 0], outAxes: [1]) { $0.matmul($1) }
    #expect(names(try right(w.transpose(), numbers([6, 3, 2]))).filter { $0 == "dotGeneral" }.count == 1)
    let both: (Tensor, Tensor) throws -> Tensor = vmap { $0.matmul($1) }
    #expect(names(try both(x, numbers([6, 3, 5]))) == ["dotGeneral"])
  }

  /// Where operands have their examples on different axes, one that is merely repeated is moved, not the data.
  @Test func examplesOnTheLastAxisStayThere() throws {
    let (x, centres) = (numbers([2, 50]), numbers([8, 2], seed: 3))
    let gradient = vmap(inAxes: [1], outAxes: [1]) { (x: Tensor) -> Tensor in
      try grad { x in (centres - x).square().sum(1).logSumExp() }(x)
    }
    let found: Tensor = try gradient(x)
    let moved = Graph.lock.withLock {
      Graph.order([found.node], stop: \.isLeaf).filter { $0.primitive is Transpose && $0.types[0].count > 100 }
        .map(\.inputs[0].node.primitive)
    }
    #expect(moved.allSatisfy { $0 is BroadcastInDim }, "\(moved.map(\.name))")
    let other = vmap { (x: Tensor) -> Tensor in try grad { x in (centres - x).square().sum(1).logSumExp() }(x) }
    try expectClose(found, other(x.transpose()).transpose())
  }

  @Test func customDerivativesSurvive() throws {
    // A derivative that is wrong on purpose tells whether it is the user's.
    func triple(_ x: Tensor, _ y: Tensor) throws -> Tensor {
      try customVJP(inputs: [x, y]) { inputs in
        ([inputs[0] * inputs[1]], [inputs[1]])
      } backward: { residuals, cotangents in
        [cotangents[0] * residuals[0] * 3, cotangents[0] * 7]
      }[0]
    }
    let (x, y) = (Tensor([1.0, 2, 4]), Tensor([5.0, 6, 7]))
    let both: (Tensor, Tensor) throws -> Tensor = vmap(triple)
    try expectClose(both(x, y), Tensor([5.0, 12, 28]))
    let weights = Tensor([1.0, 10, 100])
    let gradients = try grad { (x: [Tensor]) in try (both(x[0], x[1]) * weights).sum() }([x, y])
    try expectClose(gradients[0], Tensor([15.0, 180, 2100]))
    try expectClose(gradients[1], Tensor([7.0, 70, 700]))
    // A shared argument adds its examples' cotangents up, also where the residuals are shared.
    let shared: (Tensor, Tensor) throws -> Tensor = vmap(inAxes: [0, nil], triple)
    let sums = try grad { (x: [Tensor]) in try (shared(x[0], x[1]) * weights).sum() }([x, Tensor(2.0)])
    try expectClose(sums[0], Tensor([6.0, 60, 600]))
    try expectClose(sums[1], Tensor(777.0))
    let inside: (Tensor, Tensor) throws -> Tensor = vmap { (x: Tensor, y: Tensor) -> Tensor in
      try grad { (x: Tensor) in try triple(x, y) }(x)
    }
    try expectClose(inside(x, y), y * 3)
    // Twice mapped, and a backward function that has no cotangent for an argument or one that is the same for all.
    let twice: (Tensor, Tensor) throws -> Tensor = vmap(inAxes: [nil, 0]) { x, y in try shared(x, y) }
    let outer = try grad { (x: [Tensor]) in try twice(x[0], x[1]).sum() }([x, y])
    try expectClose(outer[0], Tensor([54.0, 54, 54]))
    try expectClose(outer[1], Tensor([21.0, 21, 21]))
    func fixed(_ x: Tensor, _ y: Tensor) throws -> Tensor {
      try customVJP(inputs: [x, y]) {
        ([$0[0] + $0[1]], [])
      } backward: { _, _ in
        [nil, Tensor(2.0)]
      }[0]
    }
    let constant: (Tensor, Tensor) throws -> Tensor = vmap(inAxes: [0, nil], fixed)
    let counted = try grad { (x: [Tensor]) in try constant(x[0], x[1]).sum() }([x, Tensor(1.0)])
    try expectClose(counted[0], Tensor([0.0, 0, 0]))
    try expectClose(counted[1], Tensor(6.0))
  }

  @Test func resultsThatExamplesShare() throws {
    let x = numbers([3, 2])
    let repeated: (Tensor, Tensor) throws -> (Tensor, Tensor) = vmap(inAxes: [0, nil]) { ($0 + $1, $1 * 2) }
    try expectClose(repeated(x, Tensor([1.0, 5])).1, Tensor([[2.0, 10], [2.0, 10], [2.0, 10]]))
    let kept: (Tensor, Tensor) throws -> (Tensor, Tensor) = vmap(inAxes: [0, nil], outAxes: [0, nil]) {
      ($0 + $1, $1 * 2)
    }
    try expectClose(kept(x, Tensor([1.0, 5])).1, Tensor([2.0, 10]))
    let constant: (Tensor) throws -> Tensor = vmap { (_: Tensor) in Tensor([1.0, 2]) }
    #expect(try constant(x).shape == [3, 2])
  }

  @Test func noExamplesAndOne() throws {
    let f: (Tensor) throws -> Tensor = vmap { (x: Tensor) in x.matmul(x.transpose()).sorted().softmax() }
    #expect(try f(numbers([0, 2, 3])).shape == [0, 2, 2])
    let one = numbers([1, 2, 3])
    try expectClose(f(one)[0], one[0].matmul(one[0].transpose()).sorted().softmax())
    let kernels: (Tensor, Tensor) throws -> Tensor = vmap { convolution($0, $1) }
    #expect(try kernels(numbers([0, 1, 5, 2]), numbers([0, 3, 2, 4])).shape == [0, 1, 3, 4])
  }

  private func message(_ body: () throws -> Void) -> String {
    do {
      try body()
      return ""
    } catch { return words(error) }
  }

  @Test func errorsSayWhatIsWrong() throws {
    let (x, y) = (numbers([3, 2]), numbers([4, 2]))
    let sum: (Tensor, Tensor) throws -> Tensor = vmap { $0 + $1 }
    #expect(message { _ = try sum(x, y) }.contains("different numbers of examples: [3, 4]"))
    let none: (Tensor, Tensor) throws -> Tensor = vmap(inAxes: [nil, nil]) { $0 + $1 }
    #expect(message { _ = try none(x, x) }.contains("no argument has an axis of examples"))
    #expect(message { _ = try sum(x, Tensor(1.0)) }.contains("argument 1 is float64[], which has no axis 0"))
    let few: (Tensor, Tensor) throws -> Tensor = vmap(inAxes: [0]) { $0 + $1 }
    #expect(message { _ = try few(x, x) }.contains("inAxes has 1 axes for 2 arguments"))
    let far: (Tensor) throws -> Tensor = vmap(outAxis: 3) { $0 * 2 }
    #expect(message { _ = try far(x) }.contains("no axis 3"))
    let same: (Tensor) throws -> Tensor = vmap(inAxes: [0], outAxes: [nil]) { $0 * 2 }
    #expect(message { _ = try same(x) }.contains("differs between the examples"))
    let inner: (Tensor) throws -> Tensor = vmap { $0.matmul(Tensor.zeros([5], dtype: .float64)) }
    #expect(message { _ = try inner(x) }.contains("inner sizes differ"))
    let own: (Tensor) throws -> Tensor = vmap { Tensor.apply1(Halving(), [$0]) }
    #expect(message { _ = try own(x) }.contains("halving: has no rule for batches"))
    // What the examples share needs no rule.
    let outside: (Tensor) throws -> Tensor = vmap { $0 + Tensor.apply1(Halving(), [Tensor([2.0, 4])]) }
    try expectClose(outside(x), x + Tensor([1.0, 2]))
  }
}
