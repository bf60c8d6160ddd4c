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
    var checks = GradientChecks()
    let (t, u) = (numbers([4, 3, 2]), numbers([4, 5, 2], seed: 2))
    let (repeated, outside) = (at([0, 2, 2, -1, 1]), at([0, 2, 2, -4, 7]))
    checks.add("take", [t]) { $0[0].take(repeated, axis: 1).square() }
    checks.add("take outside", [t]) { $0[0].take(outside, axis: 1).square() }
    checks.add("take rows", [t]) { $0[0].take(self.at([3, 3, 0, -1], [2, 2])).square() }
    let places = at([0, 2, -1, 2, 1, 1, 0, 0], [4, 1, 2])
    checks.add("takeAlong", [t]) { $0[0].takeAlong(places, axis: 1).square() }
    checks.add("scatterAdd", [t, u]) { $0[0].scatterAdd(outside, $0[1], axis: 1).square() }
    checks.add("scatterSet", [t, u]) { $0[0].scatterSet(outside, $0[1], axis: 1).square() }
    checks.add("scatterMax", [t, u]) { $0[0].scatterMax(outside, $0[1], axis: 1).square() }
    checks.add("scatterMin", [t, u]) { $0[0].scatterMin(outside, $0[1], axis: 1).square() }
    checks.add("scatterAddAlong", [t, numbers([4, 1, 2])]) {
      $0[0].scatterAddAlong(places, $0[1], axis: 1).square()
    }
    checks.add("scatterSetAlong", [t, numbers([4, 1, 2])]) {
      $0[0].scatterSetAlong(places, $0[1], axis: 1).square()
    }
    try checks.run()
  }

  @Test func equalExtremesShareTheDerivative() throws {
    let g = try grad { (t: [Tensor]) in t[0].scatterMax(self.at([0, 0, 1]), t[1]).sum() }(
      [Tensor([5.0, 5]), Tensor([5.0, 5, 7])])
    #expect(try doubles(g[0]).map { ($0 * 300).rounded() } == [100, 0])
    #expect(try doubles(g[1]).map { ($0 * 300).rounded() } == [100, 100, 300])
  }

  @Test func generalGather() throws {
    var checks = GradientChecks()
    // Windows of 2×2 at three places; the last is moved inside.
    let corners = GatherDimensions(
      sliceAxes: [1, 2], collapsedAxes: [], indexedAxes: [0, 1], indexVectorAxis: 1)
    let places = at([0, 0, 1, 2, 9, 9], [3, 2])
    let windows = gather(x, places, dimensions: corners, sizes: [2, 2])
    #expect(try ints(windows) == [0, 1, 4, 5, 6, 7, 10, 11, 6, 7, 10, 11])
    checks.add("gather", [numbers([3, 4])]) {
      gather($0[0], places, dimensions: corners, sizes: [2, 2]).square()
    }
    // A batch axis in both.
    let batched = GatherDimensions(
      sliceAxes: [], collapsedAxes: [1], operandBatchAxes: [0], indexBatchAxes: [0], indexedAxes: [1],
      indexVectorAxis: 2)
    let picked = gather(x, at([0, 3, 1, 1, 2, 0], [3, 2]), dimensions: batched, sizes: [1, 1])
    #expect(try ints(picked) == [0, 3, 5, 5, 10, 8])
    checks.add("batched gather", [numbers([3, 4])]) {
      gather($0[0], self.at([0, 3, 1, 1, 2, 0], [3, 2]), dimensions: batched, sizes: [1, 1]).square()
    }
    #expect(gather(x, places, dimensions: corners, sizes: [2]).failure?.kind == .value)
    #expect(gather(x, places.cast(.float32), dimensions: corners, sizes: [2, 2]).failure?.kind == .dtype)
    #expect(gather(x, at([0]), dimensions: corners, sizes: [2, 2]).failure?.kind == .shape)
    #expect(gather(x, at([0, 0, 0], [1, 3]), dimensions: corners, sizes: [2, 2]).failure?.kind == .shape)
    try checks.run()
  }

  @Test func dynamicSlices() throws {
    var checks = GradientChecks()
    func start(_ a: Int32, _ b: Int32) -> [Tensor] { [Tensor(a), Tensor(b)] }
    #expect(try ints(x.dynamicSlice(starts: start(1, -2), sizes: [2, 2])) == [6, 7, 10, 11])
    #expect(try ints(x.dynamicSlice(starts: start(9, 0), sizes: [1, 2])) == [8, 9])
    let patch = at([-1, -2], [1, 2])
    #expect(try ints(x.dynamicUpdateSlice(patch, starts: start(0, 3))) == [0, 1, -1, -2, 4, 5, 6, 7, 8, 9, 10, 11])
    checks.add("slice", [numbers([3, 4])]) { $0[0].dynamicSlice(starts: start(2, 1), sizes: [2, 2]).square() }
    checks.add("update", [numbers([3, 4]), numbers([2, 2], seed: 2)]) {
      $0[0].dynamicUpdateSlice($0[1], starts: start(1, 3)).square()
    }
    // One program, other places.
    let f = jit { (x: Tensor, i: Tensor) -> Tensor in x.dynamicSlice(starts: [i, Tensor(0 as Int32)], sizes: [1, 1]) }
    #expect(try ints(f(x, Tensor(2 as Int32))) == [8])
    #expect(x.dynamicSlice(starts: start(0, 0), sizes: [4, 1]).failure?.kind == .value)
    #expect(x.dynamicSlice(starts: [Tensor(0 as Int32)], sizes: [1, 1]).failure?.kind == .value)
    #expect(x.dynamicSlice(starts: [Tensor(0.0), Tensor(0.0)], sizes: [1, 1]).failure?.kind == .dtype)
    #expect(x.dynamicUpdateSlice(at([1]), starts: start(0, 0)).failure?.kind == .shape)
    try checks.run()
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

  /// Axes of size 0 have results, derivatives too.
  @Test func emptyTensors() throws {
    func slopes(_ x: Tensor, _ f: @escaping (Tensor) -> Tensor) throws -> [Double] {
      try doubles(grad { (x: Tensor) in f(x).sum() }(x))
    }
    let (narrow, one) = (Tensor.zeros([3, 0]), at([1]))
    #expect(try slopes(narrow) { $0.take(one) } == [])
    #expect(try slopes(narrow) { $0.takeAlong(Tensor.zeros([3, 0], dtype: .int32)) } == [])
    #expect(try slopes(narrow) { $0.scatterMax(one, Tensor.zeros([1, 0])) } == [])
    #expect(try slopes(Tensor.zeros([2, 1])) { $0.take(self.at([])) } == [0, 0])
    #expect(try slopes(Tensor.zeros([2, 1])) { $0.scatterSet(self.at([]), Tensor.zeros([0, 1])) } == [1, 1])
    #expect(try Tensor.zeros([0, 2]).scatterAdd(one, Tensor.zeros([1, 2])).bytes() == [])
    #expect(try slopes(narrow) { $0.sorted() + $0.cumulativeMax(axis: 0) } == [])
    #expect(try narrow.topK(0).indices.bytes() == [])
    #expect(try slopes(Tensor.zeros([1, 4, 0])) { $0.maxPool(window: [2]) } == [])
    #expect(try doubles(einsum("ij,jk->ik", Tensor.zeros([1, 0]), Tensor.zeros([0, 2]))) == [0, 0])
    #expect(try repeated(narrow, "a b -> a b 3").bytes() == [])
  }
}
