import Foundation
import PJRT
import Testing

@testable import Pinion

/// Convolutions of oneDNN (float32) against XLA's own (float64, which oneDNN doesn't take).
@Suite struct OneDNNTests {
  /// A convolution, and the shapes of what it's applied to.
  struct Case: CustomStringConvertible {
    var input: [Int]
    var kernel: [Int]
    var strides: [Int]?
    var padding = Padding.valid
    var dilation: [Int]?
    var groups = 1

    var description: String {
      "\(input) * \(kernel), strides \(strides ?? []), padding \(padding), dilation \(dilation ?? []), \(groups) groups"
    }

    func callAsFunction(_ x: Tensor, _ w: Tensor) -> Tensor {
      convolution(x, w, strides: strides, padding: padding, kernelDilation: dilation, groups: groups)
    }

    var operands: [Tensor] { [numbers(input), numbers(kernel, seed: 2)] }
  }

  static let cases = [
    Case(input: [2, 9, 8, 3], kernel: [3, 3, 3, 5], padding: .same),
    Case(input: [2, 9, 8, 16], kernel: [3, 2, 16, 32], strides: [2, 1], padding: .explicit([[1, 0], [0, 1]])),
    Case(input: [1, 12, 11, 4], kernel: [3, 3, 4, 4], strides: [3, 2], dilation: [2, 3]),
    Case(input: [3, 8, 8, 8], kernel: [3, 3, 2, 12], padding: .same, groups: 4),
    Case(input: [2, 8, 8, 16], kernel: [3, 3, 1, 16], strides: [2, 2], padding: .same, groups: 16),
    Case(input: [2, 8, 8, 6], kernel: [5, 5, 1, 12], padding: .same, groups: 6),
    Case(input: [4, 17, 5], kernel: [4, 5, 7], strides: [3], padding: .explicit([[2, 1]])),
    Case(input: [4, 20, 16], kernel: [3, 16, 16], padding: .explicit([[4, 0]]), dilation: [2]),
    Case(input: [2, 5, 6, 7, 3], kernel: [2, 3, 2, 3, 4], strides: [1, 2, 3], padding: .same),
    Case(input: [1, 6, 5, 4, 16], kernel: [3, 3, 3, 16, 16], padding: .same),
    Case(input: [2, 8, 8, 4], kernel: [3, 3, 4, 5], padding: .explicit([[-1, 2], [1, -2]])),
    Case(input: [2, 3, 3, 2], kernel: [2, 2, 2, 3], padding: .explicit([[4, 3], [5, 6]])),
    Case(input: [2, 7, 7, 8], kernel: [2, 2, 8, 8], strides: [5, 4]),
    Case(input: [3, 6, 6, 20], kernel: [1, 1, 20, 9]),
    Case(input: [3, 6, 6, 20], kernel: [1, 1, 20, 9], strides: [2, 2]),
    Case(input: [32, 28, 28, 16], kernel: [3, 3, 16, 16], padding: .same),
  ]

  /// `f` with float32 and with float64; both on the same numbers.
  private func expectEqual(
    _ cases: [(String, [Tensor], ([Tensor]) throws -> [Tensor])], _ tolerance: Double = 2e-5
  ) throws {
    var pairs: [(String, Tensor, Tensor)] = []
    for (name, inputs, f) in cases {
      let rounded = inputs.map { $0.cast(.float32) }
      for (k, (a, b)) in zip(try f(rounded), try f(rounded.map { $0.cast(.float64) })).enumerated() {
        // Against the largest value: sums of many terms of either sign are rounded by their size.
        pairs.append(("\(name), result \(k)", (a.cast(.float64) - b).abs().max() / b.abs().max(), b))
      }
    }
    try evaluate(pairs.map(\.1))
    for (name, difference, result) in pairs {
      let error = try difference.item() as Double
      #expect(error < tolerance, "\(name) of shape \(result.shape)")
    }
  }

  private func needsOneDNN() throws -> Bool { (try? Device.convolutionLibrary()) != nil }

  @Test func valuesAndGradientsAreXLAs() throws {
    try expectEqual(
      Self.cases.map { test in
        (
          "\(test)", test.operands,
          { inputs in
            let y = test(inputs[0], inputs[1])
            let weights = numbers(y.shape, seed: 3).cast(.float32).cast(y.dtype)
            let gradients = try grad { (p: [Tensor]) in (test(p[0], p[1]) * weights).sum() }(inputs)
            return [y] + gradients
          }
        )
      })
  }

  /// Where the processor has instructions for it; XLA's own elsewhere.
  @Test func halfPrecision() throws {
    var errors: [(DType, Tensor)] = []
    for (dtype, test) in [DType.bfloat16, .float16].flatMap({ t in [1, 3, 4].map { (t, Self.cases[$0]) } }) {
      let inputs = test.operands.map { $0.cast(dtype) }
      func results(_ p: [Tensor]) throws -> [Tensor] {
        [test(p[0], p[1])] + (try grad { (q: [Tensor]) in test(q[0], q[1]).sum() }(p))
      }
      for (a, b) in zip(try results(inputs), try results(inputs.map { $0.cast(.float64) })) {
        errors.append((dtype, (a.cast(.float64) - b).abs().max() / b.abs().max()))
      }
    }
    try evaluate(errors.map(\.1))
    for (dtype, error) in errors { #expect(try error.item() < (dtype == .float16 ? 2e-3 : 1e-2), "\(dtype)") }
  }

  @Test func transposedConvolutionsAndSecondDerivativesAreXLAs() throws {
    func second(_ f: @escaping ([Tensor]) throws -> Tensor) -> ([Tensor]) throws -> [Tensor] {
      { inputs in
        try grad { (p: [Tensor]) in
          let first = try grad { (q: [Tensor]) in try f(q).square().sum() }(p)
          return first.map { $0.square().sum() }.reduce(Tensor.zeros([], dtype: p[0].dtype), +)
        }(inputs) + [try f(inputs)]
      }
    }
    let plain = Self.cases[0]
    let grouped = Self.cases[3]
    let strided = Self.cases[1]
    try expectEqual(
      [
        ("second order", plain.operands, second { plain($0[0], $0[1]) }),
        ("second order, groups", grouped.operands, second { grouped($0[0], $0[1]) }),
        ("second order, strides", strided.operands, second { strided($0[0], $0[1]) }),
        (
          "transposed", [numbers([2, 4, 5, 6]), numbers([4, 3, 3, 8], seed: 2)],
          second {
            convolutionTransposed(
              $0[0], $0[1], strides: [2, 3], padding: .explicit([[1, 0], [0, 2]]), outputPadding: [1, 0], groups: 2)
          }
        ),
        (
          "transposed, same", [numbers([2, 4, 4, 8]), numbers([4, 4, 8, 3], seed: 2)],
          second { convolutionTransposed($0[0], $0[1], strides: [2, 2], padding: .same) }
        ),
        (
          "transposed, more added than a stride", [numbers([2, 4, 8]), numbers([3, 8, 3], seed: 2)],
          second { convolutionTransposed($0[0], $0[1], strides: [2], outputPadding: [3]) }
        ),
      ], 1e-4)
  }

  /// The rules for examples of both gradients: each example by itself.
  @Test func gradientsOfExamples() throws {
    let n = 3
    var pairs: [(String, Tensor, Tensor)] = []
    for test in [Self.cases[1], Self.cases[3], Self.cases[13]] {
      let forward = try #require(test(test.operands[0], test.operands[1]).node.primitive as? Convolution)
      let y = test(test.operands[0], test.operands[1]).shape
      let xs = numbers([n] + test.input, dtype: .float32)
      let ws = numbers([n] + test.kernel, seed: 4, dtype: .float32)
      let gs = numbers([n] + y, seed: 5, dtype: .float32)
      func each(_ a: Tensor, _ b: Tensor, _ axes: [Int?], _ f: @escaping (Tensor, Tensor) -> Tensor) throws {
        let both: (Tensor, Tensor) throws -> Tensor = vmap(inAxes: axes, f)
        func example(_ t: Tensor, _ axis: Int?, _ i: Int) -> Tensor {
          guard let axis else { return t }
          return t.slice(axis: axis, from: i, to: i + 1).squeeze(axis: axis)
        }
        let single = (0..<n).map { f(example(a, axes[0], $0), example(b, axes[1], $0)) }
        pairs.append(("\(test), \(axes)", try both(a, b), stack(single)))
      }
      let x = xs[0]
      let w = ws[0]
      let g = gs[0]
      func input(_ w: Tensor, _ g: Tensor) -> Tensor { forward.inputGradient(w, g, test.input) }
      func kernel(_ x: Tensor, _ g: Tensor) -> Tensor { forward.kernelGradient(x, g, test.kernel) }
      try each(ws, gs, [0, 0], input)
      try each(w, gs.moveAxis(from: 0, to: 2), [nil, 2], input)
      try each(ws.moveAxis(from: 0, to: -1), g, [ws.rank - 1, nil], input)
      try each(xs, gs, [0, 0], kernel)
      try each(x, gs, [nil, 0], kernel)
      try each(xs.moveAxis(from: 0, to: 1), g, [1, nil], kernel)
    }
    try evaluate(pairs.flatMap { [$0.1, $0.2] })
    for (name, a, b) in pairs { try expectClose(a, b, 1e-4, "\(name)") }
    let forward = Convolution(strides: [1], padding: [[0, 0]], inputDilation: [1], kernelDilation: [1], groups: 1)
    let nothing = vmap(inAxis: 0) { (w: Tensor) in forward.inputGradient(w, Tensor.zeros([1, 3, 5]), [1, 4, 2]) }
    #expect(try nothing(Tensor.zeros([0, 2, 2, 5])).shape == [0, 1, 4, 2])
  }

  /// What is lowered to a call of the library, and what isn't.
  @Test func goesWhereItShould() throws {
    guard try needsOneDNN() else { return }
    func text(_ primitive: some Primitive, _ dtype: DType, _ shapes: [Int]...) throws -> String {
      var printer = StableHLOPrinter()
      let operands = shapes.enumerated().map { SSAValue(id: "%a\($0)", type: TensorType(dtype, $1)) }
      _ = try primitive.lower(operands, into: &printer)
      return printer.body
    }
    func plain(_ padding: [Int], inputDilation: Int = 1) -> Convolution {
      Convolution(
        strides: [2], padding: [padding], inputDilation: [inputDilation], kernelDilation: [1], groups: 1)
    }
    let forward = plain([1, 1])
    #expect(try text(forward, .float32, [4, 9, 16], [3, 16, 8]).contains("\"pinion_convolution\""))
    let input = ConvolutionInputGradient(forward: forward, sizes: [9])
    #expect(try text(input, .float32, [3, 16, 8], [4, 5, 8]).contains("\"pinion_convolution_input\""))
    let kernel = ConvolutionKernelGradient(forward: forward, sizes: [3])
    #expect(try text(kernel, .float32, [4, 9, 16], [4, 5, 8]).contains("\"pinion_convolution_kernel\""))

    #expect(try text(forward, .float64, [4, 9, 16], [3, 16, 8]).contains("stablehlo.convolution"))
    #expect(try text(plain([-1, 1]), .float32, [4, 9, 16], [3, 16, 8]).contains("stablehlo.convolution"))
    #expect(
      try text(plain([1, 1], inputDilation: 2), .float32, [4, 9, 16], [3, 16, 8]).contains("stablehlo.convolution"))
    #expect(try text(forward, .float32, [0, 9, 16], [3, 16, 8]).contains("stablehlo.convolution"))
    let product = Convolution(
      strides: [1], padding: [[0, 0]], inputDilation: [1], kernelDilation: [1], groups: 1)
    #expect(try text(product, .float32, [4, 9, 16], [1, 16, 8]).contains("stablehlo.dot_general"))
  }

  /// The same bits each time, from several threads at once.
  @Test func isDeterministic() throws {
    let test = try #require(Self.cases.last)
    let inputs = test.operands.map { $0.cast(.float32) }
    nonisolated(unsafe) let gradients = jit { (p: [Tensor]) in
      [test(p[0], p[1])] + (try grad { (q: [Tensor]) in test(q[0], q[1]).square().sum() }(p))
    }
    @Sendable func bits() throws -> [UInt32] {
      try gradients(inputs).flatMap { try $0.array(of: Float.self).map(\.bitPattern) }
    }
    let first = try bits()
    let results = ResultList()
    DispatchQueue.concurrentPerform(iterations: 4) { _ in results.append((try? bits()) == first) }
    #expect(results.values == [true, true, true, true])
  }

  private final class ResultList: @unchecked Sendable {
    private let lock = NSLock()
    private(set) var values: [Bool] = []
    func append(_ value: Bool) { lock.withLock { values.append(value) } }
  }

  @Test func emptyBatches() throws {
    let w = numbers([3, 3, 2, 4], dtype: .float32)
    let x = Tensor.zeros([0, 6, 6, 2])
    let gradients = try grad { (p: [Tensor]) in convolution(p[0], p[1], padding: .same).sum() }([x, w])
    #expect(convolution(x, w, padding: .same).shape == [0, 6, 6, 4])
    #expect(gradients[0].shape == x.shape)
    #expect(try gradients[1].abs().max().item() == 0)
  }

  /// What can't be used is named, with the reason.
  @Test func anotherLibrary() throws {
    func problem(_ body: () throws -> Void) -> String {
      do { try body() } catch { return words(error) }
      return "none"
    }
    #expect(problem { try OneDNN.open("/nowhere/libdnnl.so.3") }.hasPrefix("can't use /nowhere/libdnnl.so.3: "))
    #expect(problem { try OneDNN.open("libm.so.6") } == "can't use libm.so.6: it has no function dnnl_version")
    #expect(problem { _ = try OneDNN.locate(choice: "xla", file: nil) } == "PINION_CONVOLUTION is 'xla'")
    #expect(
      problem { _ = try OneDNN.locate(choice: "fast", file: nil) }
        == "PINION_CONVOLUTION is 'fast', expected 'onednn' or 'xla'")
    #expect(try OneDNN.locate(choice: nil, file: "/a/b") == "/a/b")
  }
}
