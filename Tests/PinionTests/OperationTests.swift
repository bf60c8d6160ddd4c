import Pinion
import Testing

@Suite struct ElementwiseTests {
  static let unary: [(String, @Sendable (Tensor) -> Tensor, Double, Double)] = [
    ("negate", { -$0 }, -1, 1), ("abs", { $0.abs() }, 0.2, 1), ("exp", { $0.exp() }, -1, 1),
    ("expm1", { $0.expm1() }, -1, 1), ("log", { $0.log() }, 0.5, 2), ("log1p", { $0.log1p() }, -0.5, 2),
    ("sqrt", { $0.sqrt() }, 0.5, 2), ("rsqrt", { $0.rsqrt() }, 0.5, 2), ("cbrt", { $0.cbrt() }, 0.5, 2),
    ("sin", { $0.sin() }, -1, 1), ("cos", { $0.cos() }, -1, 1), ("tan", { $0.tan() }, -1, 1),
    ("asin", { $0.asin() }, -0.7, 0.7), ("acos", { $0.acos() }, -0.7, 0.7), ("atan", { $0.atan() }, -1, 1),
    ("sinh", { $0.sinh() }, -1, 1), ("cosh", { $0.cosh() }, -1, 1), ("tanh", { $0.tanh() }, -1, 1),
    ("asinh", { $0.asinh() }, -1, 1), ("acosh", { $0.acosh() }, 1.5, 3), ("atanh", { $0.atanh() }, -0.7, 0.7),
    ("sigmoid", { $0.sigmoid() }, -1, 1), ("erf", { $0.erf() }, -1, 1), ("erfc", { $0.erfc() }, -1, 1),
    ("erfInverse", { $0.erfInverse() }, -0.7, 0.7), ("lgamma", { $0.lgamma() }, 0.5, 3),
    ("digamma", { $0.digamma() }, 0.5, 3), ("square", { $0.square() }, -1, 1),
    ("reciprocal", { $0.reciprocal() }, 0.5, 2),
    ("clamp", { $0.clamp(min: -0.3, max: 0.4) }, -1, 1),
  ]

  @Test func derivatives() throws {
    var checks = GradientChecks()
    for (name, f, low, high) in Self.unary { checks.add(name, [numbers([2, 3], low, high)]) { f($0[0]) } }
    try checks.run()
  }

  @Test func binaryDerivatives() throws {
    var checks = GradientChecks()
    let (a, b) = (numbers([2, 3], 0.5, 2), numbers([3], 0.5, 2, seed: 2))
    checks.add("add", [a, b]) { $0[0] + $0[1] }
    checks.add("subtract", [a, b]) { $0[0] - $0[1] }
    checks.add("multiply", [a, b]) { $0[0] * $0[1] }
    checks.add("divide", [a, b]) { $0[0] / $0[1] }
    checks.add("power", [a, b]) { $0[0] ** $0[1] }
    checks.add("atan2", [a, b]) { $0[0].atan2($0[1]) }
    checks.add("remainder", [a, b + 2]) { $0[0] % $0[1] }
    checks.add("maximum", [a, b]) { maximum($0[0], $0[1]) }
    checks.add("minimum", [a, b]) { minimum($0[0], $0[1]) }
    checks.add("select", [a, b]) { select($0[0] .> 1, $0[0] * $0[1], $0[1]) }
    checks.add("polygamma", [a]) { polygamma(2, $0[0]) }
    try checks.run()
  }

  @Test func values() throws {
    #expect(try (Tensor([1, 2, 3] as [Int32]) * 2 + 1).array(of: Int32.self) == [3, 5, 7])
    #expect(try (Tensor([7, -7] as [Int32]) % 4).array(of: Int32.self) == [3, -3])
    #expect(try (Tensor([1, 0, 3] as [UInt8]) .> 0).array(of: Bool.self) == [true, false, true])
    #expect(try (Tensor([-8] as [Int32]) >> 1).array(of: Int32.self) == [-4])
    #expect(try (Tensor([0x8000_0000] as [UInt32]) >> 31).array(of: UInt32.self) == [1])
    #expect(try Tensor([2.5, 3.5, -0.5] as [Float]).round().array(of: Float.self) == [2, 4, 0])
    #expect(try Tensor([1.5, -1.5] as [Float]).cast(.int32).array(of: Int32.self) == [1, -1])
    #expect(try Tensor([Float.nan, 1, .infinity]).isFinite().array(of: Bool.self) == [false, true, false])
    #expect(try Tensor([1 as Float]).bitcast(.uint32).array(of: UInt32.self) == [0x3f80_0000])
    let z = complex(Tensor([3.0]), Tensor([4.0]))
    #expect(try z.abs().array(of: Double.self) == [5])
    #expect(try (z * z.conjugate()).real().array(of: Double.self) == [25])
  }

  @Test func errorsNameTheLine() throws {
    let sum = Tensor.zeros([2, 3]) + Tensor.zeros([4])
    let line = #line - 1
    let error = try #require(sum.failure)
    #expect(error.kind == .shape)
    #expect(error.description == "OperationTests.swift:\(line): +: shapes don't fit: left [2, 3], right [4]")
    #expect((sum * 2).exp().failure == error)
    #expect(throws: TensorError.self) { try sum.array(of: Float.self) }
    #expect((Tensor([1 as Float]) + Tensor([1.0])).failure?.kind == .dtype)
    #expect(
      Tensor.zeros([32, 784]).matmul(.zeros([512, 10])).failure?.message
        == "inner sizes differ: left [32, 784], right [512, 10] (784 vs 512)")
  }
}

@Suite struct LayoutTests {
  @Test func derivatives() throws {
    var checks = GradientChecks()
    let x = numbers([2, 3, 4])
    checks.add("reshape", [x], second: false) { $0[0].reshape([4, -1]) }
    checks.add("transpose", [x], second: false) { $0[0].transpose([2, 0, 1]) }
    checks.add("broadcast", [numbers([3, 1])], second: false) { $0[0].broadcast(to: [2, 3, 4]) }
    checks.add("slice", [x], second: false) { $0[0].slice(axis: 2, from: 1, to: 4, step: 2) }
    checks.add("slice all", [x], second: false) { $0[0][1, .ellipsis, 0..<3, .newAxis] }
    checks.add("pad", [x], second: false) {
      $0[0].pad(low: [1, 0, -1], high: [0, 2, 1], interior: [1, 0, 2])
    }
    checks.add("concatenate", [x, x * 2], second: false) { concatenate($0, axis: 1) }
    checks.add("stack", [x, x * 2], second: false) { stack($0, axis: -1) }
    checks.add("reverse", [x], second: false) { $0[0].reverse([0, -1]) }
    checks.add("tile", [x], second: false) { $0[0].tile([2, 1, 3]) }
    checks.add("repeated", [x], second: false) { $0[0].repeated(3, axis: 1) }
    try checks.run()
  }

  @Test func values() throws {
    let x = Tensor.arange(6).reshape([2, 3])
    #expect(try x.transpose().array(of: Int32.self) == [0, 3, 1, 4, 2, 5])
    #expect(try x[-1].array(of: Int32.self) == [3, 4, 5])
    #expect(try x[.all, 1...].array(of: Int32.self) == [1, 2, 4, 5])
    #expect(x[.newAxis, .ellipsis, 0].shape == [1, 2])
    #expect(try x.tile([1, 2]).array(of: Int32.self) == [0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5])
    #expect(try x.repeated(2, axis: 1)[0].array(of: Int32.self) == [0, 0, 1, 1, 2, 2])
    #expect(try x.pad(low: [0, 1], high: [0, 0], value: 9).array(of: Int32.self) == [9, 0, 1, 2, 9, 3, 4, 5])
    #expect(x.moveAxis(from: 0, to: -1).shape == [3, 2])
  }

  @Test func badArguments() {
    let x = Tensor.zeros([2, 3])
    #expect(x.reshape([4, -1]).failure?.kind == .shape)
    #expect(x.transpose([0, 0]).failure?.kind == .value)
    #expect(x[5].failure?.kind == .value)
    #expect(x[0, 0, 0].failure?.kind == .value)
    #expect(x.broadcast(to: [2, 4]).failure?.kind == .shape)
    #expect(x.squeeze(axis: 0).failure?.kind == .shape)
    #expect(x.slice(axis: 7).failure?.kind == .value)
    #expect(concatenate([x, Tensor.zeros([3, 4])], axis: 0).failure?.kind == .shape)
    #expect(concatenate([]).failure?.kind == .value)
    #expect(Tensor([1, 2] as [Float], shape: [3]).failure?.kind == .shape)
    #expect(Tensor.full([], 300, dtype: .uint8).failure?.kind == .value)
  }
}

@Suite struct ReductionTests {
  @Test func derivatives() throws {
    var checks = GradientChecks()
    let x = numbers([2, 3, 4])
    checks.add("sum", [x]) { $0[0].sum(0, 2).square() }
    checks.add("mean", [x]) { $0[0].mean(-1, keepDims: true).square() }
    checks.add("max", [x]) { $0[0].max(1).square() }
    checks.add("min", [x]) { $0[0].min(1).square() }
    checks.add("product", [x]) { $0[0].product(1) }
    checks.add("product with zero", [x * (x .> 0).cast(.float64)], second: false) { $0[0].product(1, 2) }
    checks.add("variance", [x]) { $0[0].variance(axes: [1], ddof: 1) }
    checks.add("deviation", [x]) { $0[0].standardDeviation() }
    checks.add("softmax", [x]) { $0[0].softmax(axis: 1) }
    checks.add("logSoftmax", [x]) { $0[0].logSoftmax() }
    checks.add("logSumExp", [x]) { $0[0].logSumExp(axis: 0) }
    try checks.run()
  }

  @Test func values() throws {
    let x = Tensor([[3, 1, 2], [0, 5, 5]] as [[Float]])
    #expect(try x.argMax(axis: 1).array(of: Int32.self) == [0, 1])
    #expect(try x.argMin(axis: 0).array(of: Int32.self) == [1, 0, 0])
    #expect(try x.sum().item() == 16)
    #expect(try x.max(0, keepDims: true).array(of: Float.self) == [3, 5, 5])
    #expect(try (x .> 4).any(1).array(of: Bool.self) == [false, true])
    #expect(try (x .> 0).all(1).array(of: Bool.self) == [true, false])
    #expect(try Tensor([1, .nan, 3] as [Float]).argMax().item() == 1)
    let withNaN = Tensor([1, .nan, 2, .infinity] as [Float])
    #expect(try withNaN.max().item().isNaN && withNaN.min().item().isNaN)
    #expect(try withNaN.reshape([1, 4, 1]).maxPool(window: [2]).array(of: Float.self)[0].isNaN)
    #expect(try withNaN.cumulativeMax(axis: 0).array(of: Float.self)[2].isNaN)
    #expect(try Tensor([Float.infinity, 0]).softmax().array(of: Float.self).allSatisfy(\.isNaN))
    #expect(try Tensor([-Float.infinity, 0]).logSumExp().item() == 0)
    #expect(try Tensor([5, -7] as [Int32]).max().item() == 5)
    #expect(try Tensor([5, 7] as [UInt64]).min().item() == 5)
  }
}

@Suite struct ContractionTests {
  @Test func derivatives() throws {
    var checks = GradientChecks()
    checks.add("matmul", [numbers([2, 3]), numbers([3, 4], seed: 2)]) { $0[0].matmul($0[1]) }
    checks.add("batched", [numbers([5, 2, 3]), numbers([5, 3, 4], seed: 2)]) { $0[0].matmul($0[1]) }
    checks.add("broadcast", [numbers([5, 2, 3]), numbers([3, 4], seed: 2)]) { $0[0].matmul($0[1]) }
    checks.add("vectors", [numbers([3]), numbers([3], seed: 2)]) { $0[0].matmul($0[1]) }
    checks.add("two axes", [numbers([2, 3, 4]), numbers([4, 2, 5], seed: 2)]) {
      dotGeneral($0[0], $0[1], contract: ([0, 2], [1, 0]))
    }
    checks.add("all kinds", [numbers([2, 3, 4, 2]), numbers([4, 5, 2, 3], seed: 2)]) {
      dotGeneral($0[0], $0[1], batch: ([1], [3]), contract: ([2, 0], [0, 2]))
    }
    try checks.run()
  }

  @Test func values() throws {
    let a = Tensor([[1, 2], [3, 4]] as [[Float]])
    #expect(try a.matmul(a).array(of: Float.self) == [7, 10, 15, 22])
    #expect(try a.matmul(Tensor([1, 1] as [Float])).array(of: Float.self) == [3, 7])
    #expect(try Tensor([[1, 2]] as [[Int32]]).matmul(Tensor([[3], [4]] as [[Int32]])).item() == 11)
    #expect(a.matmul(Tensor.zeros([])).failure?.kind == .shape)
  }
}
