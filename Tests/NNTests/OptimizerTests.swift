import NN
import Pinion
import Testing

@Suite struct OptimizerTests {
  typealias Model = [String: Tensor]

  /// Runs an optimizer on the oracle's gradients in one compiled step, and compares the parameters after each.
  private func check<O: Optimizer<Model>>(
    _ name: String, sourceLocation: Testing.SourceLocation = #_sourceLocation,
    clip: @escaping @Sendable (Model) throws -> Model = { $0 }, _ make: (Model) throws -> O
  ) throws {
    let given = try Oracle.optimizers("given")
    let expected = try Oracle.optimizers(name)
    var model: Model = ["weight": given["weight"] + 0, "bias": given["bias"] + 0]
    var optimizer = try make(model)
    let step = jit(donating: 0, 1) { (optimizer: O, model: Model, gradients: Model) -> (O, Model) in
      var (optimizer, model) = (optimizer, model)
      try optimizer.update(&model, clip(gradients))
      return (optimizer, model)
    }
    for t in 0..<12 {
      let gradients = ["weight": given["grad weight"][t], "bias": given["grad bias"][t]]
      (optimizer, model) = try step(optimizer, model, gradients)
      for leaf in try leaves(of: model) {
        try expectClose(
          leaf.tensor, expected[leaf.path][t], 1e-8, "\(name), step \(t), \(leaf.path)", sourceLocation: sourceLocation)
      }
    }
    #expect(try optimizer.step.item() == 12, sourceLocation: sourceLocation)
  }

  @Test func stochasticGradientDescent() throws {
    try check("sgd") { try SGD(for: $0, learningRate: 0.1) }
    try check("momentum") { try SGD(for: $0, learningRate: 0.1, momentum: 0.9, weightDecay: 0.05) }
    try check("nesterov") { try SGD(for: $0, learningRate: 0.1, momentum: 0.8, nesterov: true) }
    try check("clipped sgd", clip: { try clipped($0, norm: 3.5) }, { try SGD(for: $0, learningRate: 0.1) })
    try check("value clipped sgd", clip: { try clipped($0, value: 0.5) }, { try SGD(for: $0, learningRate: 0.1) })
  }

  @Test func adam() throws {
    try check("adam") { try Adam(for: $0, learningRate: 0.01) }
    try check("adam decay") {
      try Adam(for: $0, learningRate: 0.01, beta1: 0.8, beta2: 0.95, epsilon: 1e-6, weightDecay: 0.1)
    }
    try check("adamw") { try AdamW(for: $0, learningRate: 0.01, weightDecay: 0.2) }
    try check("adamw scheduled") {
      try AdamW(
        for: $0, learningRate: .cosine(peak: 0.05, warmup: 4, total: 10, end: 0.01), weightDecay: 0.1,
        decays: { $0.path == "weight" })
    }
  }

  @Test func others() throws {
    try check("rmsprop") { try RMSProp(for: $0, learningRate: 0.01, decay: 0.9, momentum: 0.5) }
    try check("adagrad") { try Adagrad(for: $0, learningRate: 0.1) }
    try check("lion") {
      try Lion(for: $0, learningRate: 0.01, weightDecay: 0.1, decays: { $0.tensor.rank > 1 })
    }
  }

  static let schedules: [(String, Schedule)] = [
    ("constant", 0.3), ("linear", .linear(from: 0.5, to: 0.1, steps: 15)),
    ("cosine", .cosine(peak: 0.5, warmup: 6, total: 20, end: 0.05)),
    ("cosine without warm-up", .cosine(peak: 0.5, total: 20)), ("step", .step(from: 0.5, factor: 0.3, every: 7)),
    ("exponential", .exponential(from: 0.5, factor: 0.3, every: 7)),
    ("warmed up", .exponential(from: 0.5, factor: 0.9).warmedUp(steps: 5, to: 0.5)),
    ("followed", .constant(1).followed(by: .linear(from: 1, to: 0, steps: 4), at: 10)),
  ]

  @Test(arguments: schedules.indices) func schedule(_ i: Int) throws {
    let (name, schedule) = Self.schedules[i]
    let values = schedule(Tensor.arange(24), dtype: .float64)
    try expectClose(values, try Oracle.optimizers("schedule \(name)")["values"], 1e-9, "\(name)")
    try expectClose(schedule(Tensor.arange(24)), values, 1e-6, "\(name) in float32")
  }

  /// In float32 the moments' corrections keep their digits: the first steps of Adam are ±learning rate.
  @Test func firstStepInSinglePrecision() throws {
    var model = Tensor([1, -1] as [Float])
    var optimizer = try Adam(for: model, learningRate: 0.25, beta2: 0.99999)
    try optimizer.update(&model, Tensor([0.5, -2] as [Float]))
    try expectClose(model, Tensor([0.75, -0.75] as [Float]), 1e-6)
  }

  @Test func buffersAndIntegersStay() throws {
    struct Model: Module {
      var weight = Tensor.ones([2])
      var count = Tensor([3] as [Int32])
      @Buffer var mean = Tensor.ones([2])
    }
    var model = Model()
    var optimizer = try AdamW(for: model, learningRate: 0.1, weightDecay: 0.5)
    let gradient = try grad { (m: Model) in (m.weight * m.mean).sum() }(model)
    try optimizer.update(&model, gradient)
    #expect(try model.weight.array(of: Float.self) != [1, 1])
    #expect(try model.count.array(of: Int32.self) == [3])
    #expect(try model.mean.array(of: Float.self) == [1, 1])
    #expect(
      try leaves(of: optimizer).map(\.path) == [
        "step", "mean.weight", "mean.count", "mean.mean", "variance.weight", "variance.count", "variance.mean",
      ])
  }

  @Test func movingAverage() throws {
    var average = try ExponentialMovingAverage(of: Tensor([0.0]), decay: 0.75)
    for _ in 0..<3 { try average.update(Tensor([1.0])) }
    #expect(try average.model.item() == 1 - 0.75 * 0.75 * 0.75)
  }

  @Test func clipping() throws {
    let gradients: Model = ["a": Tensor([3.0, 0]), "b": Tensor([4.0])]
    #expect(try globalNorm(of: gradients).item() == 5)
    #expect(try globalNorm(of: clipped(gradients, norm: 1)).item() == 1)
    #expect(try clipped(gradients, norm: 10)["b"]?.item() == 4)
    #expect(try clipped(["a": Tensor([0.0])], norm: 1)["a"]?.item() == 0)
    #expect(try clipped(["a": Tensor([Double.nan])], norm: 1)["a"]?.item().isNaN == true)
  }

  @Test func mismatchesSaySo() throws {
    var model: Model = ["a": Tensor([1.0])]
    var optimizer = try SGD(for: model, learningRate: 0.1, momentum: 0.9)
    #expect(throws: TensorError.self) { try optimizer.update(&model, ["a": Tensor([1 as Float])]) }
    #expect(throws: TensorError.self) { try optimizer.update(&model, [:]) }
    #expect(throws: TensorError.self) {
      var other: Model = ["a": Tensor([1.0, 2.0])]
      try optimizer.update(&other, ["a": Tensor([1.0, 2.0])])
    }
    var complexModel = ["z": complex(Tensor([1.0]), Tensor([1.0]))]
    var adam = try Adam(for: complexModel)
    #expect(throws: TensorError.self) { try adam.update(&complexModel, complexModel) }
    #expect(try model["a"]?.item() == 1)
  }
}
