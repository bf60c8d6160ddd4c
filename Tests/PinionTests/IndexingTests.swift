import Pinion
import Testing

@Suite struct IndexingTests {
  let x = Tensor.arange(12).reshape([3, 4])
  func ints(_ t: Tensor) throws -> [Int32] { try t.array(of: Int32.self) }
  func at(_ values: [Int32], _ shape: [Int]? = nil) -> Tensor { Tensor(values, shape: shape) }

  @Test func takes() throws {
    #expect(try ints(x.take(at([2, 0]))) == [8, 9, 10, 11, 0, 1, 2, 3])
    #expect(try ints(x.take(at([-1, 1]), axis: 1)) == [3, 1, 7, 5, 11, 9])
    #expect(x.take(at([0, 1, 2, 0, 1, 2], [2, 3]), axis: 1).shape == [3, 2, 3])
    #expect(try ints(x.take(at([1], []), axis: -1)) == [1, 5, 9])
    #expect(try ints(x.take(Tensor([2] as [UInt8]))) == [8, 9, 10, 11])
    #expect(x.take(at([])).shape == [0, 4])
    // Outside: the edge.
    #expect(try ints(x.take(at([7, -9]), axis: 1)) == [3, 0, 7, 4, 11, 8])
    #expect(try ints(x.takeAlong(at([3, 0, -1], [3, 1]))) == [3, 4, 11])
    #expect(try ints(x.takeAlong(at([2, 9, -3, 0], [1, 4]), axis: 0)) == [8, 9, 2, 3])
    let many = Tensor.arange(300).take(Tensor([255] as [UInt8]))
    #expect(try ints(many) == [255])
  }

  @Test func scatters() throws {
    let zeros = Tensor.zeros([4], dtype: .int32)
    // Equal indices add up; -1 is the end; those outside are skipped.
    #expect(try ints(zeros.scatterAdd(at([1, 1, -1, 4, -5]), at([1, 2, 3, 10, 20]))) == [0, 3, 0, 3])
    #expect(try ints(zeros.scatterSet(at([2, 9]), at([5, 6]))) == [0, 0, 5, 0])
    #expect(try ints(at([5, 5, 5, 5]).scatterMax(at([0, 0, 1]), at([9, 7, 2]))) == [9, 5, 5, 5])
    #expect(try ints(at([5, 5, 5, 5]).scatterMin(at([0, 0, 1]), at([9, 7, 2]))) == [5, 2, 5, 5])
    #expect(
      try ints(x.scatterAdd(at([0, -1]), at([100]), axis: 1)) == [100, 1, 2, 103, 104, 5, 6, 107, 108, 9, 10, 111])
    #expect(try ints(x.scatterSetAlong(at([0, 3, 9], [3, 1]), at([-1]))) == [-1, 1, 2, 3, 4, 5, 6, -1, 8, 9, 10, 11])
    #expect(
      try ints(x.scatterAddAlong(at([-1, 1, 0, 5], [1, 4]), at([10]), axis: 0)) == [
        0, 1, 12, 3, 4, 15, 6, 7, 18, 9, 10, 11,
      ])
    #expect(
      try ints(Tensor.zeros([2, 3, 2], dtype: .int32).scatterSet(at([1]), at([1, 2], [2, 1, 1]), axis: 1))
        == [0, 0, 1, 1, 0, 0, 0, 0, 2, 2, 0, 0])
  }

  @Test func derivatives() throws {
    let (t, u) = (numbers([4, 3, 2]), numbers([4, 5, 2], seed: 2))
    let (repeated, outside) = (at([0, 2, 2, -1, 1]), at([0, 2, 2, -4, 7]))
    try checkGradients("take", [t]) { $0[0].take(repeated, axis: 1).square() }
    try checkGradients("take outside", [t]) { $0[0].take(outside, axis: 1).square() }
    try checkGradients("take rows", [t]) { $0[0].take(self.at([3, 3, 0, -1], [2, 2])).square() }
    let places = at([0, 2, -1, 2, 1, 1, 0, 0], [4, 1, 2])
    try checkGradients("takeAlong", [t]) { $0[0].takeAlong(places, axis: 1).square() }
    try checkGradients("scatterAdd", [t, u]) { $0[0].scatterAdd(outside, $0[1], axis: 1).square() }
    try checkGradients("scatterSet", [t, u]) { $0[0].scatterSet(outside, $0[1], axis: 1).square() }
    try checkGradients("scatterMax", [t, u]) { $0[0].scatterMax(outside, $0[1], axis: 1).square() }
    try checkGradients("scatterMin", [t, u]) { $0[0].scatterMin(outside, $0[1], axis: 1).square() }
    try checkGradients("scatterAddAlong", [t, numbers([4, 1, 2])]) {
      $0[0].scatterAddAlong(places, $0[1], axis: 1).square()
    }
    try checkGradients("scatterSetAlong", [t, numbers([4, 1, 2])]) {
      $0[0].scatterSetAlong(places, $0[1], axis: 1).square()
    }
  }

  @Test func equalExtremesShareTheDerivative() throws {
    let g = try grad { (t: [Tensor]) in t[0].scatterMax(self.at([0, 0, 1]), t[1]).sum() }(
      [Tensor([5.0, 5]), Tensor([5.0, 5, 7])])
    #expect(try doubles(g[0]).map { ($0 * 300).rounded() } == [100, 0])
    #expect(try doubles(g[1]).map { ($0 * 300).rounded() } == [100, 100, 300])
  }

  @Test func generalGather() throws {
    // Windows of 2×2 at three places; the last is moved inside.
    let corners = GatherDimensions(
      sliceAxes: [1, 2], collapsedAxes: [], indexedAxes: [0, 1], indexVectorAxis: 1)
    let places = at([0, 0, 1, 2, 9, 9], [3, 2])
    let windows = gather(x, places, dimensions: corners, sizes: [2, 2])
    #expect(try ints(windows) == [0, 1, 4, 5, 6, 7, 10, 11, 6, 7, 10, 11])
    try checkGradients("gather", [numbers([3, 4])]) {
      gather($0[0], places, dimensions: corners, sizes: [2, 2]).square()
    }
    // A batch axis in both.
    let batched = GatherDimensions(
      sliceAxes: [], collapsedAxes: [1], operandBatchAxes: [0], indexBatchAxes: [0], indexedAxes: [1],
      indexVectorAxis: 2)
    let picked = gather(x, at([0, 3, 1, 1, 2, 0], [3, 2]), dimensions: batched, sizes: [1, 1])
    #expect(try ints(picked) == [0, 3, 5, 5, 10, 8])
    try checkGradients("batched gather", [numbers([3, 4])]) {
      gather($0[0], self.at([0, 3, 1, 1, 2, 0], [3, 2]), dimensions: batched, sizes: [1, 1]).square()
    }
    #expect(gather(x, places, dimensions: corners, sizes: [2]).failure?.kind == .value)
    #expect(gather(x, places.cast(.float32), dimensions: corners, sizes: [2, 2]).failure?.kind == .dtype)
    #expect(gather(x, at([0]), dimensions: corners, sizes: [2, 2]).failure?.kind == .shape)
    #expect(gather(x, at([0, 0, 0], [1, 3]), dimensions: corners, sizes: [2, 2]).failure?.kind == .shape)
  }

  @Test func dynamicSlices() throws {
    func start(_ a: Int32, _ b: Int32) -> [Tensor] { [Tensor(a), Tensor(b)] }
    #expect(try ints(x.dynamicSlice(starts: start(1, -2), sizes: [2, 2])) == [6, 7, 10, 11])
    #expect(try ints(x.dynamicSlice(starts: start(9, 0), sizes: [1, 2])) == [8, 9])
    let patch = at([-1, -2], [1, 2])
    #expect(try ints(x.dynamicUpdateSlice(patch, starts: start(0, 3))) == [0, 1, -1, -2, 4, 5, 6, 7, 8, 9, 10, 11])
    try checkGradients("slice", [numbers([3, 4])]) { $0[0].dynamicSlice(starts: start(2, 1), sizes: [2, 2]).square() }
    try checkGradients("update", [numbers([3, 4]), numbers([2, 2], seed: 2)]) {
      $0[0].dynamicUpdateSlice($0[1], starts: start(1, 3)).square()
    }
    // One program, other places.
    let f = jit { (x: Tensor, i: Tensor) -> Tensor in x.dynamicSlice(starts: [i, Tensor(0 as Int32)], sizes: [1, 1]) }
    #expect(try ints(f(x, Tensor(2 as Int32))) == [8])
    #expect(x.dynamicSlice(starts: start(0, 0), sizes: [4, 1]).failure?.kind == .value)
    #expect(x.dynamicSlice(starts: [Tensor(0 as Int32)], sizes: [1, 1]).failure?.kind == .value)
    #expect(x.dynamicSlice(starts: [Tensor(0.0), Tensor(0.0)], sizes: [1, 1]).failure?.kind == .dtype)
    #expect(x.dynamicUpdateSlice(at([1]), starts: start(0, 0)).failure?.kind == .shape)
  }

  @Test func oneHots() throws {
    #expect(try oneHot(at([1, 0, 3, -1]), classes: 3).array(of: Float.self) == [0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0])
    #expect(try ints(oneHot(Tensor([2] as [UInt8]), classes: 3, dtype: .int32)) == [0, 0, 1])
    #expect(oneHot(Tensor.zeros([2]), classes: 3).failure?.kind == .value)
  }

  @Test func badArguments() {
    #expect(x.take(Tensor.zeros([2])).failure?.message == "indices are float32, expected integers")
    #expect(x.take(at([0]), axis: 2).failure?.kind == .value)
    #expect(Tensor.zeros([0, 2]).take(at([0])).failure?.kind == .shape)
    #expect(x.takeAlong(at([0])).failure?.kind == .shape)
    #expect(x.takeAlong(at([0, 0], [2, 1])).failure?.kind == .shape)
    #expect(x.scatterAdd(at([0, 1]), at([1, 2])).failure?.kind == .shape)
    #expect(x.scatterAdd(at([0]), Tensor.zeros([1, 4])).failure?.kind == .dtype)
    #expect((x .> 0).scatterAdd(at([0]), Tensor([true])).failure?.kind == .dtype)
  }
}

@Suite struct SortingTests {
  @Test func orders() throws {
    let x = Tensor([3, .nan, -1, 3, -.infinity, 0] as [Double])
    #expect(try x.argSort().array(of: Int32.self) == [4, 2, 5, 0, 3, 1])
    #expect(try x.argSort(descending: true).array(of: Int32.self) == [0, 3, 5, 2, 4, 1])
    #expect(try doubles(x.sorted())[..<5] == [-.infinity, -1, 0, 3, 3])
    #expect(try doubles(x.sorted(descending: true))[..<5] == [3, 3, 0, -1, -.infinity])
    #expect(try doubles(x.sorted())[5].isNaN)
    #expect(try Tensor([-0.0, 0, -1]).argSort().array(of: Int32.self) == [2, 0, 1])
    #expect(try Tensor([[3, 1], [2, 2]] as [[Int32]]).sorted(axis: 0).array(of: Int32.self) == [2, 1, 3, 2])
    #expect(try Tensor([true, false, true]).argSort().array(of: Int32.self) == [1, 0, 2])
    #expect(try Tensor([UInt8(200), 3]).sorted().array(of: UInt8.self) == [3, 200])
    let together = sortTogether(
      Tensor([2, 1, 2] as [Int32]), [Tensor([10.0, 20, 30]), Tensor([true, false, false])])
    #expect(try together[0].array(of: Int32.self) == [1, 2, 2])
    #expect(try doubles(together[1]) == [20, 10, 30])
    #expect(try together[2].array(of: Bool.self) == [false, true, false])
    let many = numbers([3000], dtype: .float32)
    #expect(try many.sorted().array(of: Float.self) == many.array(of: Float.self).sorted())
  }

  @Test func greatest() throws {
    let x = Tensor([[5, 1, 5, 7], [.nan, 2, -.infinity, 3]] as [[Float]])
    let (values, places) = x.topK(3)
    #expect(try places.array(of: Int32.self) == [3, 0, 2, 3, 1, 0])
    #expect(try values.array(of: Float.self)[..<5] == [7, 5, 5, 3, 2])
    let rows = Tensor([[1, 8], [4, 2]] as [[Int32]]).topK(1, axis: 0)
    #expect(try rows.values.array(of: Int32.self) == [4, 8])
    #expect(try rows.indices.array(of: Int32.self) == [1, 0])
    #expect(x.topK(0).values.shape == [2, 0])
  }

  @Test func derivatives() throws {
    let x = numbers([3, 5])
    try checkGradients("sorted", [x]) { $0[0].sorted(axis: 0).square() }
    try checkGradients("descending", [x]) { $0[0].sorted(descending: true).square() }
    try checkGradients("together", [x, numbers([3, 5], seed: 2)]) {
      let s = sortTogether($0[0], [$0[1]])
      return s[0] * s[1] * s[1]
    }
    try checkGradients("topK", [x]) { $0[0].topK(2, axis: 1).values.square() }
    try checkGradients("topK of axis 0", [x]) { $0[0].topK(2, axis: 0).values.square() }
  }

  @Test func badArguments() {
    let x = Tensor.zeros([3, 5])
    #expect(x.sorted(axis: 2).failure?.kind == .value)
    #expect(complex(x, x).sorted().failure?.kind == .dtype)
    #expect(x.topK(6).values.failure?.message == "k = 6 isn't in 0...5, the last size of [3, 5]")
    #expect(sortTogether(x, [Tensor.zeros([5, 3])])[1].failure?.kind == .shape)
    #expect(Tensor.zeros([]).argSort().failure?.kind == .value)
  }
}

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
    let x = numbers([2, 6, 3])
    for (reverse, exclusive) in [(false, false), (true, false), (false, true), (true, true)] {
      try checkGradients("sum", [x]) { $0[0].cumulativeSum(axis: 1, reverse: reverse, exclusive: exclusive).square() }
      try checkGradients("product", [x], second: !reverse && !exclusive) {
        $0[0].cumulativeProduct(axis: 1, reverse: reverse, exclusive: exclusive)
      }
    }
    for reverse in [false, true] {
      try checkGradients("max", [x]) { $0[0].cumulativeMax(axis: 1, reverse: reverse).square() }
      try checkGradients("min", [x]) { $0[0].cumulativeMin(axis: 1, reverse: reverse).square() }
      try checkGradients("logSumExp", [x], second: reverse) { $0[0].cumulativeLogSumExp(axis: 1, reverse: reverse) }
    }
    try checkGradients("product with zeros", [select(x .> 0.6, Tensor.zeros(like: x), x)]) {
      $0[0].cumulativeProduct(axis: 1)
    }
    try checkGradients("long product", [numbers([50], 0.8, 1.2)], second: false) { $0[0].cumulativeProduct() }
    try checkGradients("long logSumExp", [numbers([50])], second: false) { $0[0].cumulativeLogSumExp(reverse: true) }
    let ignored = try grad { (x: Tensor) in x.cumulativeLogSumExp()[2] }(Tensor([-Double.infinity, -.infinity, 2]))
    #expect(try doubles(ignored) == [0, 0, 1])
    let ties = try grad { (x: Tensor) in x.cumulativeMax().sum() }(Tensor([1.0, 2, 2, 0]))
    #expect(try doubles(ties) == [1, 1, 2, 0])
  }

  @Test func badArguments() {
    #expect(Tensor.zeros([3]).cumulativeSum(axis: 1).failure?.kind == .value)
    #expect(Tensor([true]).cumulativeSum().failure?.kind == .dtype)
    #expect(Tensor([true]).cumulativeProduct().failure?.kind == .dtype)
    #expect(Tensor([1 as Int32]).cumulativeLogSumExp().failure?.kind == .dtype)
    #expect(logAddExp(Tensor.zeros([2]), Tensor.zeros([3])).failure?.kind == .shape)
  }
}
