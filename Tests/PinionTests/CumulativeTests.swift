import Pinion
import Testing

@Suite struct CumulativeTests {
  @Test func values() throws {
    let x = Tensor([3, 1, 4, 1, 5] as [Int32])
    func ints(_ t: Tensor) throws -> [Int32] { try t.array(of: Int32.self) }
    #expect(try ints(x.cumulativeSum()) == [3, 4, 8, 9, 14])
    #expect(try ints(x.cumulativeSum(reverse: true)) == [14, 11, 10, 6, 5])
    #expect(try ints(x.cumulativeSum(exclusive: true)) == [0, 3, 4, 8, 9])
    #expect(try ints(x.cumulativeSum(reverse: true, exclusive: true)) == [11, 10, 6, 5, 0])
    #expect(try ints(x.cumulativeProduct()) == [3, 3, 12, 12, 60])
    #expect(try ints(x.cumulativeProduct(reverse: true, exclusive: true)) == [20, 20, 5, 5, 1])
    #expect(try ints(x.cumulativeMax()) == [3, 3, 4, 4, 5])
    #expect(try ints(x.cumulativeMax(exclusive: true)) == [.min, 3, 3, 4, 4])
    #expect(try ints(x.cumulativeMin(reverse: true)) == [1, 1, 1, 1, 5])
    #expect(try Tensor([1, 2] as [UInt64]).cumulativeMin(exclusive: true).array(of: UInt64.self) == [.max, 1])
    #expect(try ints(Tensor([[1, 2], [3, 4]] as [[Int32]]).cumulativeSum(axis: 0)) == [1, 2, 4, 6])
    #expect(Tensor.zeros([2, 0]).cumulativeSum().shape == [2, 0])
    let far = Tensor([-1000.0, 0, -1000, 1000]).cumulativeLogSumExp()
    #expect(try doubles(far) == [-1000, 0, 0, 1000])
    let a: [Double] = [1000, -.infinity, .infinity, -.infinity, .nan]
    let b: [Double] = [1000, -.infinity, .infinity, 3, 1]
    let sum: [Double] = [1000 + 0.6931471805599453, -.infinity, .infinity, 3, .nan]
    try expectClose(logAddExp(Tensor(a), Tensor(b)), Tensor(sum), 1e-15)
    let nothing = Tensor([-Double.infinity, -.infinity, 2])
    #expect(try doubles(nothing.cumulativeLogSumExp()) == [-.infinity, -.infinity, 2])
    #expect(try doubles(nothing.cumulativeLogSumExp(reverse: true, exclusive: true)) == [2, 2, -.infinity])
  }

  /// Long axes take the way in blocks.
  @Test(arguments: [33, 100, 1000, 4099]) func longAxes(_ n: Int) throws {
    let x = numbers([n, 2])
    let host = try doubles(x)
    func scanned(_ start: Double, _ op: (Double, Double) -> Double) -> Tensor {
      var (a, b) = (start, start)
      return Tensor(
        stride(from: 0, to: 2 * n, by: 2).flatMap { i in
          (a, b) = (op(a, host[i]), op(b, host[i + 1]))
          return [a, b]
        }, shape: [n, 2])
    }
    try expectClose(x.cumulativeSum(axis: 0), scanned(0, +), 1e-12)
    try expectClose(x.cumulativeMax(axis: 0), scanned(-.infinity, Swift.max), 0)
    try expectClose((x + 1.2).cumulativeProduct(axis: 0), scanned(1) { $0 * ($1 + 1.2) }, 1e-9)
    try expectClose(
      x.cumulativeLogSumExp(axis: 0), (x.exp().cumulativeSum(axis: 0)).log(), 1e-12)
    try expectClose(
      (x + 1.2).cumulativeProduct(axis: 0, reverse: true),
      (x + 1.2).reverse([0]).cumulativeProduct(axis: 0).reverse([0]), 1e-9)
  }

  @Test func derivatives() throws {
    var checks = GradientChecks()
    let x = numbers([2, 6, 3])
    for (reverse, exclusive) in [(false, false), (true, false), (false, true), (true, true)] {
      checks.add("sum", [x]) { $0[0].cumulativeSum(axis: 1, reverse: reverse, exclusive: exclusive).square() }
      checks.add("product", [x], second: !reverse && !exclusive) {
        $0[0].cumulativeProduct(axis: 1, reverse: reverse, exclusive: exclusive)
      }
    }
    for reverse in [false, true] {
      checks.add("max", [x]) { $0[0].cumulativeMax(axis: 1, reverse: reverse).square() }
      checks.add("min", [x]) { $0[0].cumulativeMin(axis: 1, reverse: reverse).square() }
      checks.add("logSumExp", [x], second: reverse) { $0[0].cumulativeLogSumExp(axis: 1, reverse: reverse) }
    }
    checks.add("product with zeros", [select(x .> 0.6, Tensor.zeros(like: x), x)]) {
      $0[0].cumulativeProduct(axis: 1)
    }
    checks.add("long product", [numbers([50], 0.8, 1.2)], second: false) { $0[0].cumulativeProduct() }
    checks.add("long logSumExp", [numbers([50])], second: false) { $0[0].cumulativeLogSumExp(reverse: true) }
    checks.add("logAddExp", [numbers([2, 3]), numbers([3], seed: 2)]) { logAddExp($0[0], $0[1]) }
    let ignored = try grad { (x: Tensor) in x.cumulativeLogSumExp()[2] }(Tensor([-Double.infinity, -.infinity, 2]))
    #expect(try doubles(ignored) == [0, 0, 1])
    let ties = try grad { (x: Tensor) in x.cumulativeMax().sum() }(Tensor([1.0, 2, 2, 0]))
    #expect(try doubles(ties) == [1, 1, 2, 0])
    try checks.run()
  }

  @Test func badArguments() {
    #expect(Tensor.zeros([3]).cumulativeSum(axis: 1).failure?.kind == .value)
    #expect(Tensor([true]).cumulativeSum().failure?.kind == .dtype)
    #expect(Tensor([true]).cumulativeProduct().failure?.kind == .dtype)
    #expect(Tensor([1 as Int32]).cumulativeLogSumExp().failure?.kind == .dtype)
    #expect(logAddExp(Tensor.zeros([2]), Tensor.zeros([3])).failure?.kind == .shape)
    #expect(logAddExp(Tensor([1 as Int32]), Tensor([1 as Int32])).failure?.kind == .dtype)
  }
}
