import Pinion
import Testing

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
    var checks = GradientChecks()
    let x = numbers([3, 5])
    checks.add("sorted", [x]) { $0[0].sorted(axis: 0).square() }
    checks.add("descending", [x]) { $0[0].sorted(descending: true).square() }
    checks.add("together", [x, numbers([3, 5], seed: 2)]) {
      let s = sortTogether($0[0], [$0[1]])
      return s[0] * s[1] * s[1]
    }
    checks.add("topK", [x]) { $0[0].topK(2, axis: 1).values.square() }
    checks.add("topK of axis 0", [x]) { $0[0].topK(2, axis: 0).values.square() }
    try checks.run()
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
