import Foundation
import Pinion
import Testing

/// The snippets of `Documentation/arrays.md`, word for word, and what they promise.
@Suite struct DocumentationTests {
  @Test func tensors() throws {
    let x = Tensor([[1, 2], [3, 4]] as [[Float]])
    let y = (x * 2 + 1).sum(0)
    print(y)  // [10. 14.]
    #expect("\(y)" == "[10. 14.]")

    let counts = Tensor([1, 2, 3] as [Int32])
    let scalar = Tensor(2.5)  // a Double is float64
    let zeros = Tensor.zeros([2, 3])  // float32, unless dtype: says otherwise
    let places = Tensor.arange(6).reshape([2, 3])  // int32: 0 … 5
    let grid = Tensor.linspace(from: 0, to: 1, count: 5)
    let identity = Tensor.eye(3, dtype: .float64)
    #expect(counts.type == TensorType(.int32, [3]))
    #expect(scalar.type == TensorType(.float64, []))
    #expect(zeros.type == TensorType(.float32, [2, 3]))
    #expect(try places.array(of: Int32.self) == [0, 1, 2, 3, 4, 5])
    #expect(try grid.array(of: Float.self) == [0, 0.25, 0.5, 0.75, 1])
    #expect(try identity.sum().item() == 3)
    #expect((x + identity[0..<2, 0..<2]).failure?.kind == .dtype)
    #expect((x * 2).dtype == .float32)

    let numbers = try (x + 1).array(of: Float.self)  // [2, 3, 4, 5], row-major
    let largest = try x.max().item()  // 4.0, a Double
    print(x.sum(1))  // [3. 7.], as NumPy prints it
    #expect(numbers == [2, 3, 4, 5])
    #expect(largest == 4)
    #expect("\(x.sum(1))" == "[3. 7.]")
  }

  @Test func shapes() throws {
    let x = Tensor([[1, 2], [3, 4]] as [[Float]])
    let centred = x - x.mean(0, keepDims: true)  // [2, 2] - [1, 2]
    let table = Tensor.arange(3).expandDims(1) * Tensor.arange(4)  // [3, 1] * [4] = [3, 4]
    #expect(try centred.array(of: Float.self) == [-1, -1, 1, 1])
    #expect(table.shape == [3, 4])

    let a = Tensor.arange(24).reshape([2, 3, 4])
    let matrix = a[0]  // [3, 4]
    let corner = a[-1, .all, 2...]  // [3, 2]
    let thin = a[.ellipsis, .by(2)]  // [2, 3, 2]
    let column = a[.ellipsis, 0, .newAxis]  // [2, 3, 1]
    #expect([matrix, corner, thin, column].map(\.shape) == [[3, 4], [3, 2], [2, 3, 2], [2, 3, 1]])
    #expect(try corner.array(of: Int32.self) == [14, 15, 18, 19, 22, 23])

    let positive = select(centred .> 0, centred, Tensor.zeros(like: centred))
    let product = x.matmul(x.transpose())  // the last axis with the other's second to last
    let paired = dotGeneral(a, a, batch: ([0], [0]), contract: ([2], [2]))  // [2, 3, 3]
    #expect(try positive.array(of: Float.self) == [0, 0, 1, 1])
    #expect(try product.array(of: Float.self) == [5, 11, 11, 25])
    #expect(paired.shape == [2, 3, 3])
  }

  @Test func lettersAndIndices() throws {
    let photos = Tensor.arange(2 * 8 * 8 * 3, dtype: .float32).reshape([2, 8, 8, 3])
    let patches = rearrange(photos, "b (h p) (w q) c -> b (h w) (p q c)", ["p": 4, "q": 4])  // [2, 4, 48]
    let similarity = einsum("bik,bjk->bij", patches, patches)  // [2, 4, 4]
    let smaller = reduce(photos, "b (h 2) (w 2) c -> b h w c", .mean)  // [2, 4, 4, 3]
    #expect([patches, similarity, smaller].map(\.shape) == [[2, 4, 48], [2, 4, 4], [2, 4, 4, 3]])
    #expect(try patches[0, 1, 0].item() == 12)
    #expect(try smaller[0, 0, 0, 0].item() == 13.5)

    let embedding = Tensor.arange(20, dtype: .float32).reshape([10, 2])
    let tokens = Tensor([3, 0, 9] as [Int32])
    let vectors = embedding.take(tokens)  // [3, 2]
    let histogram = Tensor.zeros([10]).scatterAdd(tokens, Tensor.ones([3]))
    let targets = oneHot(tokens, classes: 10)  // [3, 10]
    let best = embedding.sum(1).topK(3)  // values and indices
    #expect(try vectors.array(of: Float.self) == [6, 7, 0, 1, 18, 19])
    #expect(try histogram.array(of: Float.self) == [1, 0, 0, 1, 0, 0, 0, 0, 0, 1])
    #expect(try targets.argMax().array(of: Int32.self) == [3, 0, 9])
    #expect(try best.indices.array(of: Int32.self) == [9, 8, 7])
  }

  @Test func laziness() throws {
    let noise = Key(0).normal([300, 300])
    let squared = noise.matmul(noise)  // nothing has run yet
    let total = squared.sum()
    let mean = squared.mean()
    try evaluate(total, mean)  // one program; squared is computed once, and kept
    #expect(try abs(total.item() / 90_000 - mean.item()) < 1e-6)
  }

  @Test func errors() throws {
    let images = Tensor.zeros([32, 784])
    let weights = Tensor.zeros([512, 10])
    let logits = images.matmul(weights)  // doesn't throw
    let loss = logits.logSoftmax().sum()  // nor does this
    do {
      print(try loss.item())
    } catch {
      print(error)
    }
    #expect(loss.failure?.message == "inner sizes differ: left [32, 784], right [512, 10] (784 vs 512)")
    #expect(loss.failure?.location?.file == "DocumentationTests.swift")
    #expect(throws: TensorError.self) { try loss.item() }
  }

  @Test func derivatives() throws {
    let power = { (x: Tensor) -> Tensor in x ** 4 }
    let slope = try grad(power)(Tensor(2.0)).item()  // 32
    let curvature = try grad(grad(power))(Tensor(2.0)).item()  // 48
    #expect(slope == 32)
    #expect(curvature == 48)

    let inputs = Tensor([[0], [1], [2]] as [[Float]])
    let targets = Tensor([[1], [3], [5]] as [[Float]])
    let start = [Tensor([[0]] as [[Float]]), Tensor(0 as Float)]
    let (error, gradient, prediction) = try valueAndGrad(start) { line in
      let output = inputs.matmul(line[0]) + line[1]
      return ((output - targets).square().mean(), output)
    }
    #expect(try abs(error.item() - 35.0 / 3) < 1e-5)
    #expect(try abs(gradient[0].item() + 26.0 / 3) < 1e-5)
    #expect(try abs(gradient[1].item() + 6) < 1e-5)
    #expect(prediction.shape == [3, 1])

    let clipped = try grad { (x: Tensor) in try clippingGradient(x * 5, limit: 1) }(Tensor(1.0))
    #expect(try clipped.item() == 5)
  }

  @Test func compiledFunctions() throws {
    let factor = Tensor(3 as Float)
    let scaled = jit { (x: Tensor) -> Tensor in (x * factor).sum() }
    let six = try scaled(Tensor([1, 1] as [Float])).item()  // traces and compiles
    let nine = try scaled(Tensor([1, 2] as [Float])).item()  // runs
    #expect([six, nine] == [6, 9])
  }

  @Test func models() throws {
    let model = Perceptron(inputs: 2, width: 8, key: Key(1))
    let names = try leaves(of: model).map(\.path)  // layers.0.weight, layers.0.bias, …, head.bias
    let size = try parameterCount(of: model)  // 105
    let halved = try map(model) { leaf in leaf.tensor * 0.5 }
    let saved = try parameters(of: model)  // [String: Tensor], the names as keys: a checkpoint
    var restored = Perceptron(inputs: 2, width: 8, key: Key(2))
    try load(saved, into: &restored)  // throws, and names what is missing or of another shape
    #expect(
      names == ["layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias", "head.weight", "head.bias"])
    #expect(size == 105)
    #expect(try halved.head.weight.array(of: Float.self) == model.head.weight.array(of: Float.self).map { $0 / 2 })
    #expect(try restored.head.weight.array(of: Float.self) == model.head.weight.array(of: Float.self))

    let step = jit(donating: 0) { (model: Perceptron, x: Tensor, y: Tensor) -> (Perceptron, Tensor) in
      let (loss, gradient) = try valueAndGrad(model) { ($0(x) - y).square().mean() }
      let moved = zip(try tensorLeaves(of: model), try tensorLeaves(of: gradient)).map { $0 - 0.1 * $1 }
      return (try replacing(leaves: moved, in: model), loss)
    }
    let points = Key(3).uniform([64, 2], from: -1, to: 1)
    let heights = points.square().sum(1, keepDims: true)
    var (trained, losses) = (Perceptron(inputs: 2, width: 8, key: Key(1)), [Double]())
    for _ in 0..<200 {
      let (next, loss) = try step(trained, points, heights)
      trained = next
      losses.append(try loss.item())
    }
    #expect(losses[199] < losses[0] / 5)
  }

  @Test func updates() throws {
    let board = Tensor.zeros([3, 4])
    let (rows, columns) = (Tensor([0, 2] as [Int32]), Tensor([1, -1] as [Int32]))
    let marked = board.at[rows, columns].add(1)  // also set, multiply, max, min
    let ones = marked[rows, columns]  // [2]
    let turned = marked[.by(-1), 1..<4]  // rows from the last to the first
    let shown = marked.at[marked .== 0].set(-1)  // by a mask, also inside of jit
    #expect(try ones.array(of: Float.self) == [1, 1])
    #expect(try turned.array(of: Float.self) == [0, 0, 1, 0, 0, 0, 1, 0, 0])
    #expect(try shown.array(of: Float.self) == [-1, 1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 1])
  }

  @Test func randomness() throws {
    let keys = Key(42).split(2)
    let normal = keys[0].normal([3])
    let again = Key(42).split(2)[0].normal([3])  // the same numbers
    let later = keys[1].foldIn(7).uniform([2], from: -1, to: 1)  // a key for step 7
    let coin = keys[1].foldIn(8).bernoulli(0.5, [4])  // bool
    #expect(try normal.array(of: Float.self) == again.array(of: Float.self))
    #expect(try later.array(of: Float.self).allSatisfy { -1 <= $0 && $0 < 1 })
    #expect(coin.dtype == .bool)
  }

  @Test func ownOperation() throws {
    let x = numbers([5], -3, 3)
    try expectClose(softplus(x, sharpness: 2), (2 * x).exp().log1p() / 2, 1e-12)
    try checkGradients("softplus", [x]) { softplus($0[0], sharpness: 2) }
    #expect(try softplus(Tensor(1000.0)).item() == 1000)
    #expect(softplus(Tensor([1] as [Int32])).failure?.kind == .dtype)
  }

  /// Each snippet of the page is in this file, line for line.
  @Test func thePageIsThisFile() throws {
    let here = URL(fileURLWithPath: #filePath)
    let page = here.deletingLastPathComponent().appendingPathComponent("../../Documentation/arrays.md")
    let more = here.deletingLastPathComponent().appendingPathComponent("DocumentationTransformTests.swift")
    let sources = try [here, more].map { lines(try String(contentsOf: $0, encoding: .utf8)) }
    let parts = try String(contentsOf: page, encoding: .utf8).components(separatedBy: "```swift\n").dropFirst()
    #expect(parts.count == 26)
    for part in parts {
      let snippet = lines(part.components(separatedBy: "```")[0])
      let found = sources.contains { source in source.indices.contains { source[$0...].starts(with: snippet) } }
      #expect(found, "not in this file: \(snippet.joined(separator: "\n"))")
    }
  }

  /// Lines of code without indentation; those that are comments alone are left out.
  private func lines(_ text: String) -> [String] {
    text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
      .filter { !$0.isEmpty && !$0.hasPrefix("// ") }
  }
}

/// The tensor itself; its gradient is kept within ±limit.
func clippingGradient(_ x: Tensor, limit: Double) throws -> Tensor {
  let results = try customVJP(inputs: [x]) { inputs in
    (outputs: inputs, residuals: [])
  } backward: { _, cotangents in
    [cotangents[0].clamp(min: -limit, max: limit)]
  }
  return results[0]
}

struct Linear: Module {
  var weight: Tensor
  var bias: Tensor

  init(_ inputs: Int, _ outputs: Int, key: Key) {
    weight = key.normal([inputs, outputs]) / Double(inputs).squareRoot()
    bias = Tensor.zeros([outputs])
  }

  func callAsFunction(_ x: Tensor) -> Tensor { x.matmul(weight) + bias }
}

struct Perceptron: Module {
  let inputs: Int
  var layers: [Linear]
  var head: Linear

  init(inputs: Int, width: Int, key: Key) {
    let keys = key.split(3)
    self.inputs = inputs
    layers = [Linear(inputs, width, key: keys[0]), Linear(width, width, key: keys[1])]
    head = Linear(width, 1, key: keys[2])
  }

  func callAsFunction(_ x: Tensor) -> Tensor { head(layers.reduce(x) { $1($0).tanh() }) }
}

/// log(1 + exp(sharpness · x)) / sharpness, without overflow.
struct Softplus: Primitive {
  let sharpness: Double

  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] {
    guard inputs[0].dtype.isFloating else {
      throw TensorError.dtype("softplus", "takes floating-point numbers, not \(inputs[0].dtype)")
    }
    return [inputs[0]]
  }

  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    [context.cotangent * (context.inputs[0] * sharpness).sigmoid()]
  }

  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    let type = operands[0].type
    let factor = printer.constant("\(sharpness)", type)
    let zero = printer.constant("0.0", type)
    let scaled = printer.emit("stablehlo.multiply", [operands[0], factor], type)
    let size = printer.emit("stablehlo.abs", [scaled], type)
    let small = printer.emit("stablehlo.exponential", [printer.emit("stablehlo.negate", [size], type)], type)
    let rest = printer.emit("stablehlo.log_plus_one", [small], type)
    let top = printer.emit("stablehlo.maximum", [scaled, zero], type)
    return [printer.emit("stablehlo.divide", [printer.emit("stablehlo.add", [top, rest], type), factor], type)]
  }
}

func softplus(_ x: Tensor, sharpness: Double = 1) -> Tensor {
  Tensor.apply1(Softplus(sharpness: sharpness), [x])
}
