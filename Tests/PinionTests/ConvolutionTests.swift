import Pinion
import Testing

/// A tensor in arrays.json; complex numbers have a last axis of two.
struct StoredArray: Decodable {
  let shape: [Int]
  let values: [Double]
  var tensor: Tensor { Tensor(values, shape: shape) }
}

/// Values of PyTorch, SciPy and jax: see Oracles/arrays.py.
func storedArrays() throws -> [String: StoredArray] { try oracle("arrays", as: [String: StoredArray].self) }

@Suite struct ConvolutionTests {
  let x2 = numbers([2, 6, 5, 4])

  @Test func valuesOfPyTorchAndJAX() throws {
    let stored = try storedArrays()
    func expect(_ name: String, _ result: Tensor) throws {
      try expectClose(result, #require(stored[name]).tensor, 1e-11, "\(name)")
    }
    try expect(
      "conv1d",
      convolution(numbers([2, 9, 3]), numbers([3, 3, 4], seed: 2), strides: [2], padding: .explicit([[1, 1]])))
    try expect(
      "conv2d",
      convolution(
        x2, numbers([3, 2, 4, 6], seed: 2), strides: [2, 1], padding: .explicit([[1, 1], [0, 0]]),
        kernelDilation: [1, 2]))
    let ones: Padding = .explicit([[1, 1], [1, 1]])
    try expect("conv2d groups", convolution(x2, numbers([3, 3, 2, 6], seed: 2), padding: ones, groups: 2))
    try expect("conv2d depthwise", convolution(x2, numbers([3, 3, 1, 8], seed: 2), padding: ones, groups: 4))
    try expect(
      "conv3d", convolution(numbers([1, 4, 5, 4, 2]), numbers([2, 3, 2, 2, 3], seed: 2), strides: [1, 2, 1]))
    for s in 1...3 {
      try expect("conv2d same \(s)", convolution(x2, numbers([3, 2, 4, 5], seed: 2), strides: [s, s], padding: .same))
    }
    try expect(
      "transposed",
      convolutionTransposed(
        x2, numbers([3, 2, 4, 6], seed: 2), strides: [2, 3], padding: .explicit([[1, 1], [0, 0]]),
        outputPadding: [1, 2],
        kernelDilation: [2, 1]))
    try expect(
      "transposed groups",
      convolutionTransposed(x2, numbers([3, 3, 2, 6], seed: 2), strides: [2, 2], padding: ones, groups: 2))
  }

  @Test func derivatives() throws {
    var checks = GradientChecks()
    checks.add("1d", [numbers([2, 7, 2]), numbers([3, 2, 3], seed: 2)]) {
      convolution($0[0], $0[1], strides: [2], padding: .explicit([[2, 1]]))
    }
    checks.add("2d, all attributes", [numbers([2, 6, 5, 2]), numbers([2, 3, 2, 2], seed: 2)]) {
      convolution(
        $0[0], $0[1], strides: [2, 3], padding: .explicit([[3, 0], [-1, 2]]), inputDilation: [1, 2],
        kernelDilation: [3, 2])
    }
    checks.add("groups", [numbers([2, 5, 4, 4]), numbers([3, 2, 2, 6], seed: 2)]) {
      convolution($0[0], $0[1], strides: [2, 1], padding: .same, groups: 2)
    }
    checks.add("depthwise", [numbers([2, 5, 4, 3]), numbers([3, 3, 1, 6], seed: 2)]) {
      convolution($0[0], $0[1], padding: .same, groups: 3)
    }
    checks.add("3d", [numbers([1, 3, 4, 3, 2]), numbers([2, 2, 2, 2, 2], seed: 2)]) {
      convolution($0[0], $0[1], strides: [1, 2, 1])
    }
    checks.add("strides leave a rest", [numbers([1, 8, 1]), numbers([2, 1, 1], seed: 2)]) {
      convolution($0[0], $0[1], strides: [5])
    }
    checks.add("kernel in the padding alone", [numbers([1, 2, 1]), numbers([2, 1, 1], seed: 2)]) {
      convolution($0[0], $0[1], padding: .explicit([[4, 3]]))
    }
    checks.add("transposed", [numbers([2, 3, 4, 4]), numbers([3, 2, 2, 6], seed: 2)]) {
      convolutionTransposed(
        $0[0], $0[1], strides: [2, 3], padding: .explicit([[1, 0], [0, 1]]), outputPadding: [1, 0], groups: 2)
    }
    try checks.run()
  }

  /// A transposed convolution is the transpose of the convolution as a linear map.
  @Test func transposeOfTheConvolution() throws {
    let (x, w) = (numbers([2, 7, 6, 3]), numbers([3, 2, 3, 4], seed: 2))
    let pads: Padding = .explicit([[1, 1], [1, 0]])
    let y = convolution(x, w, strides: [2, 2], padding: pads)
    let g = numbers(y.shape, seed: 3)
    let back = convolutionTransposed(
      g, w.swapAxes(2, 3), strides: [2, 2], padding: pads, outputPadding: [0, 1])
    #expect(back.shape == x.shape)
    #expect(try abs((y * g).sum().item() - (x * back).sum().item()) < 1e-10)
    for (size, stride, window) in [(5, 2, 3), (4, 3, 2), (3, 1, 4)] {
      let same = convolutionTransposed(
        numbers([1, size, 2]), numbers([window, 2, 1]), strides: [stride], padding: .same)
      #expect(same.shape == [1, size * stride, 1])
      let down = convolution(
        numbers([1, size * stride, 1]), numbers([window, 1, 2]), strides: [stride], padding: .same)
      #expect(down.shape == [1, size, 2])
    }
  }

  @Test func otherTypesAndEmptyBatches() throws {
    let sums = convolution(Tensor([1, 2, 3, 4] as [Int32], shape: [1, 4, 1]), Tensor.ones([2, 1, 1], dtype: .int32))
    #expect(try sums.array(of: Int32.self) == [3, 5, 7])
    let half = convolution(
      Tensor([1, 2, 3, 4] as [Float], shape: [1, 4, 1]).cast(.bfloat16), Tensor.ones([2, 1, 1], dtype: .bfloat16))
    #expect(try half.cast(.float32).array(of: Float.self) == [3, 5, 7])
    let none = try valueAndGrad([Tensor.zeros([0, 4, 1]), Tensor.ones([2, 1, 3])]) { convolution($0[0], $0[1]).sum() }
    #expect(try none.value.item() == 0)
    #expect(try none.grad[1].array(of: Float.self) == [Float](repeating: 0, count: 6))
  }

  @Test func badArguments() {
    let (x, w) = (Tensor.zeros([2, 8, 8, 3]), Tensor.zeros([3, 3, 3, 4]))
    #expect(
      convolution(x, Tensor.zeros([3, 3, 2, 4])).failure?.message
        == "channels differ: input [2, 8, 8, 3] has 3, kernel [3, 3, 2, 4] takes 2 in 1 group(s)")
    #expect(convolution(x, w, strides: [1]).failure?.kind == .value)
    #expect(convolution(x, w, strides: [0, 1]).failure?.kind == .value)
    #expect(convolution(x, w, padding: .explicit([[1, 1]])).failure?.kind == .value)
    #expect(convolution(x, w, groups: 0).failure?.kind == .shape)
    #expect(convolution(x, w, groups: 2).failure?.kind == .shape)
    #expect(convolution(x, Tensor.zeros([9, 3, 3, 4])).failure?.kind == .shape)
    #expect(convolution(x, Tensor.zeros([3, 3, 4])).failure?.kind == .shape)
    #expect(convolution(Tensor.zeros([2, 3]), w).failure?.kind == .shape)
    #expect(convolution(x, w.cast(.float64)).failure?.kind == .dtype)
    #expect(convolution(x, Tensor.zeros([0, 3, 3, 4])).failure?.kind == .value)
    #expect(convolutionTransposed(x, w, outputPadding: [-1, 0]).failure?.kind == .value)
    #expect(convolutionTransposed(x, w, padding: .explicit([[9, 9], [0, 0]])).failure?.kind == .shape)
  }
}

@Suite struct PoolingTests {
  @Test func valuesOfPyTorch() throws {
    let stored = try storedArrays()
    let (x1, x2) = (numbers([2, 9, 3]), numbers([2, 6, 5, 4]))
    let pads: Padding = .explicit([[1, 1], [1, 1]])
    let cases: [(String, Tensor)] = [
      ("maxPool", x2.maxPool(window: [3, 2], strides: [2, 3], padding: pads)), ("maxPool 1d", x1.maxPool(window: [2])),
      ("averagePool", x2.averagePool(window: [3, 2], strides: [2, 3], padding: pads)),
      ("averagePool inside", x2.averagePool(window: [3, 2], strides: [2, 3], padding: pads, countsPadding: false)),
      ("averagePool 3d", numbers([1, 4, 5, 4, 2]).averagePool(window: [2, 2, 3], strides: [1, 2, 1])),
      (
        "maxPool tied gradient",
        try grad { (x: Tensor) in
          x.maxPool(window: [3, 3], strides: [2, 2], padding: .explicit([[1, 1], [1, 1]])).sum()
        }((x2 * 2).round())
      ),
    ]
    for (name, result) in cases { try expectClose(result, #require(stored[name]).tensor, 1e-12, "\(name)") }
    try expectClose((-x2).minPool(window: [2, 2]), -(x2.maxPool(window: [2, 2])), 0)
    let whole = Tensor([3, 9, 4] as [Int32], shape: [1, 3, 1])
    #expect(try whole.maxPool(window: [2], strides: [1], padding: .same).array(of: Int32.self) == [9, 9, 4])
  }

  @Test func derivatives() throws {
    var checks = GradientChecks()
    let (x1, x2) = (numbers([2, 7, 2]), numbers([2, 5, 6, 2]))
    // The square makes the second derivative show.
    checks.add("max", [x2]) { $0[0].maxPool(window: [3, 2], strides: [2, 2], padding: .same).square() }
    checks.add("max, gaps", [x1]) {
      $0[0].maxPool(window: [2], strides: [3], padding: .explicit([[1, 0]])).square()
    }
    checks.add("min", [x2]) { $0[0].minPool(window: [2, 3], strides: [1, 1]).square() }
    checks.add("average", [x2]) {
      $0[0].averagePool(window: [3, 2], strides: [2, 1], padding: .same).square()
    }
    checks.add("average inside", [x2]) {
      $0[0].averagePool(window: [3, 2], strides: [1, 3], padding: .same, countsPadding: false).square()
    }
    checks.add("3d", [numbers([1, 3, 4, 4, 2])]) {
      $0[0].maxPool(window: [2, 2, 2], strides: [1, 2, 1]).square()
    }
    try checks.run()
  }

  @Test func badArguments() {
    let x = Tensor.zeros([2, 8, 8, 3])
    #expect(x.maxPool(window: [2]).failure?.kind == .value)
    #expect(x.maxPool(window: [2, 0]).failure?.kind == .value)
    #expect(x.maxPool(window: [9, 9]).failure?.kind == .shape)
    #expect(x.maxPool(window: [2, 2], padding: .explicit([[2, 0], [0, 0]])).failure?.kind == .value)
    #expect(Tensor.zeros([3, 3]).averagePool(window: [2, 2]).failure?.kind == .shape)
    #expect(x.cast(.int32).averagePool(window: [2, 2]).failure?.kind == .dtype)
    #expect((x .> 0).maxPool(window: [2, 2]).failure?.kind == .dtype)
  }
}
