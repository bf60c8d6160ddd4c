import Foundation
import NN
import Pinion
import Testing

@testable import Formats
@testable import Lab
@testable import Papers

/// Points in the plane of three classes.
private func points(_ count: Int, seed: UInt64 = 0) throws -> PrivateData {
  let labels = (0..<count).map { Int32($0 % 3) }
  let centres: [(Float, Float)] = [(2, 0), (-1, 1.7), (-1, -1.7)]
  let noise = try Key(seed).normal([count, 2]).array(of: Float.self)
  let values = (0..<count).flatMap { i -> [Float] in
    let centre = centres[Int(labels[i])]
    return [centre.0 + 0.5 * noise[2 * i], centre.1 + 0.5 * noise[2 * i + 1]]
  }
  return PrivateData(
    name: "points", kind: .numbers(columns: ["x", "y"], shift: [0, 0], scale: [1, 1]),
    rows: Tensor(values, shape: [count, 2]), labels: labels, classNames: ["a", "b", "c"])
}

private func recipe(
  _ mechanism: NoiseMechanism = .tree(efficient: true), units: Int, batch: Int, epochs: Int,
  order: ParticipationPlan.Order = .fixed, restart: Int? = nil, sigma: Double = 0, momentum: Double = 0,
  clip: Double = 1e30, rate: Double = 0.3
) -> PrivateRecipe {
  var recipe = PrivateRecipe()
  recipe.mechanism = mechanism
  recipe.plan = ParticipationPlan(
    units: units, batchSize: batch, epochs: epochs, restartEpochs: restart, completesTrees: restart != nil, order: order
  )
  (recipe.sigma, recipe.momentum, recipe.clip, recipe.rate) = (sigma, momentum, clip, rate)
  return recipe
}

private let net = DenseNet(inputs: 2, width: 4, classes: 3, key: Key(1))
private func program(_ data: PrivateData) -> PrivateProgram<DenseNet> {
  PrivateProgram(scaling: PrivateData.scaling(data.kind))
}
private func row(_ model: DenseNet) throws -> [Float] {
  try PrivateState<DenseNet>.row(of: model).array(of: Float.self)
}
private func distance(_ a: [Float], _ b: [Float]) -> Float {
  zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) }
}

@Suite struct PerExampleGradientTests {
  /// Each has norm C at most, and the sum is that of a loop over examples, also of a convolutional network.
  @Test func sumIsThatOfALoop() throws {
    let model = SmallConvNet(side: 28, channels: 1, classes: 10, key: Key(2))
    #expect(try parameterCount(of: model) == 26_010)
    let (inputs, labels) = (Key(3).uniform([4, 28, 28, 1], from: -1, to: 1), Tensor([3, 1, 4, 1] as [Int32]))
    let gradients = PerExampleGradients<SmallConvNet> { crossEntropy($0($1), $2) }
    let slope = jit { (i: Tensor) -> Tensor in
      let x = inputs.dynamicSlice(starts: [i] + (0..<3).map { _ in Tensor(Int32(0)) }, sizes: [1, 28, 28, 1])
      let y = labels.dynamicSlice(starts: [i], sizes: [1])
      return try PrivateState<SmallConvNet>.row(of: grad { crossEntropy($0(x), y) }(model))
    }
    let norms = try (0..<4).map { i -> Double in try slope(Tensor(Int32(i))).square().sum().sqrt().item() }
    let clip = (norms[0] + norms[2]) / 2
    let weights: [Float] = [1, 1, 1, 0]
    let compiled = jit { (norm: Tensor) -> ClippedGradients in
      try gradients(model, inputs: inputs, labels: labels, weights: Tensor(weights), norm: norm)
    }
    let found = try compiled(Tensor(Float(clip)))
    var sum = [Float](repeating: 0, count: 26_010)
    for i in 0..<3 {
      let factor = Float(min(1, clip / norms[i]))
      let own = try slope(Tensor(Int32(i))).array(of: Float.self)
      for k in sum.indices { sum[k] += factor * own[k] }
    }
    #expect(distance(try found.sum.array(of: Float.self), sum) < 1e-4)
    #expect(zip(try found.norms.array(of: Float.self), norms).allSatisfy { abs(Double($0.0) - $0.1) < 1e-3 })
    // One at a time: none is longer than C.
    for i in 0..<4 {
      let one = (0..<4).map { Float($0 == i ? 1 : 0) }
      let alone = try gradients(
        model, inputs: inputs, labels: labels, weights: Tensor(one), norm: Tensor(Float(clip)))
      #expect(try alone.sum.square().sum().sqrt().item() <= clip * (1 + 1e-5))
    }
  }

  /// Zero gradients stay zero, and what isn't a number isn't hidden by clipping.
  @Test func edgesOfClipping() throws {
    let vectors = DenseNet(inputs: 1, width: 0, classes: 2, key: Key(0))
    let three = try map(vectors) { leaf in
      Tensor([0, 3, .nan] as [Float]).reshape([3] + leaf.tensor.shape.map { _ in 1 }).broadcast(
        to: [3] + leaf.tensor.shape)
    }
    let found = try PerExampleGradients<DenseNet>.clippedSum(
      three, losses: Tensor.zeros([3]), weights: Tensor([1, 1, 0] as [Float]), norm: Tensor(Float(1)))
    #expect(try found.norms.array(of: Float.self)[0] == 0)
    #expect(try found.sum.array(of: Float.self).allSatisfy(\.isNaN))
    let two = try map(three) { $0.tensor[..<2] }
    let clipped = try PerExampleGradients<DenseNet>.clippedSum(
      two, losses: Tensor.zeros([2]), weights: Tensor.ones([2]), norm: Tensor(Float(1)))
    #expect(abs(try clipped.sum.square().sum().item() - 1) < 1e-5)
  }
}

@Suite struct PrivateTrainingTests {
  /// Without noise and clipping DP-FTRL is SGD, and DP-FTRLM is SGD with heavy-ball momentum, restarts or not.
  @Test(arguments: [0, 0.9])
  func withoutNoiseItIsSGD(momentum: Double) throws {
    let data = try points(60)
    let recipe = recipe(units: 60, batch: 20, epochs: 3, restart: 1, momentum: momentum, rate: 0.1)
    var training = try PrivateTraining(
      model: net, recipe: recipe, data: data, seed: 5, noiseKey: Key(6), program: program(data))
    for _ in 0..<3 { try training.runEpoch() }
    let order = try Key(5).foldIn(0).foldIn(0).permutation(60).array(of: Int32.self)
    var model = net
    var sgd = try SGD(for: model, learningRate: 0.1, momentum: momentum)
    for step in 0..<9 {
      let places = Tensor(Array(order[(step % 3 * 20)..<(step % 3 * 20 + 20)]))
      let slopes = try grad { (m: DenseNet) in
        crossEntropy(m(data.rows.take(places)), Tensor(data.labels).take(places))
      }(model)
      try sgd.update(&model, slopes)
    }
    #expect(distance(try row(training.model), try row(model)) < 2e-5)
    #expect(try training.accuracy(on: data) > 0.3)
  }

  @Test func microBatchesChangeNothing() throws {
    let data = try points(50)
    var results: [[Float]] = []
    // 50 examples in batches of 20 leave an incomplete one.
    for micro in [nil, 20, 7, 1] {
      var recipe = recipe(units: 50, batch: 20, epochs: 1, sigma: 0.5, clip: 0.8)
      recipe.microBatch = micro
      var training = try PrivateTraining(
        model: net, recipe: recipe, data: data, seed: 0, noiseKey: Key(6), program: program(data))
      try training.runEpoch()
      results.append(try row(training.model))
    }
    for other in results.dropFirst() { #expect(distance(results[0], other) < 1e-5) }
  }

  /// The linear part: with weights that stay, taking one example's gradient out changes all node sums together by C √K at
  /// most, and by that much where the batch's place is the worst.
  @Test func zeroingAnExampleKeepsTheSensitivity() throws {
    let data = try points(12)
    let clip = 0.01
    let (batches, epochs) = (3, 3)
    func prefixes(without example: Int?) throws -> [[Double]] {
      let recipe = recipe(units: 12, batch: 4, epochs: epochs, clip: clip, rate: 0)
      let numbers = PrivateStepNumbers(rate: 0, momentum: 0, clip: clip, sigma: 0, batchSize: 4)
      var state = try PrivateState(net, mechanism: recipe.mechanism, levels: 5, key: Key(0))
      let program = program(data)
      return try (0..<(batches * epochs)).map { step in
        let places = (0..<4).map { Int32(step % batches * 4 + $0) }
        let weights = places.map { Float($0 == Int32(example ?? -1) ? 0 : 1) }
        (state, _) = try program.step(
          state, numbers, [data.rows, Tensor(data.labels)],
          [Tensor(places).expandDims(0), Tensor(weights).expandDims(0)])
        // In units of the sum over a batch.
        return try state.sum.array(of: Float.self).map { Double($0) * 4 }
      }
    }
    let whole = try prefixes(without: nil)
    let tree = TreeSensitivity(steps: 9, completed: false)
    for example in [0, 5, 11] {
      let less = try prefixes(without: example)
      let change = zip(whole, less).map { zip($0, $1).map { $0 - $1 } }
      var total = 0.0
      for level in 0...3 {
        let width = 1 << level
        for end in stride(from: width, through: 9, by: width) {
          let before = end == width ? Array(repeating: 0, count: change[0].count) : change[end - width - 1]
          total += zip(change[end - 1], before).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        }
      }
      let batch = example / 4
      let exact = Double(tree.squared(places: [batch, batch + 3, batch + 6])) * clip * clip
      #expect(abs(total / exact - 1) < 1e-3)
      #expect(total <= Double(tree.squaredByBatch(stepsOfEpoch: batches).max() ?? 0) * clip * clip * (1 + 1e-3))
    }
  }

  /// A training that was stopped after an epoch and taken up by another object goes on to the same weights, bit for bit,
  /// noise and all.
  @Test(arguments: [
    (NoiseMechanism.tree(efficient: true), ParticipationPlan.Order.fixed), (.tree(efficient: false), .restarts),
    (.independent, .sampled), (.banded([1, 0.5, 0.375]), .fixed), (.tree(efficient: true), .any),
  ])
  func resumesExactly(mechanism: NoiseMechanism, order: ParticipationPlan.Order) throws {
    let data = try points(40)
    let url = FileManager.default.temporaryDirectory.appending(path: "dpftrl-\(UUID().uuidString).safetensors")
    defer { try? FileManager.default.removeItem(at: url) }
    let recipe = recipe(
      mechanism, units: 40, batch: 10, epochs: 4, order: order, restart: mechanism.isTree ? 1 : nil, sigma: 1,
      momentum: 0.5, clip: 1)
    let program = program(data)
    func training(_ key: UInt64) throws -> PrivateTraining<DenseNet> {
      try PrivateTraining(model: net, recipe: recipe, data: data, seed: 3, noiseKey: Key(key), program: program)
    }
    var whole = try training(4)
    for _ in 0..<4 { try whole.runEpoch() }
    var first = try training(4)
    for _ in 0..<2 { try first.runEpoch() }
    try first.save(to: url)
    // A process that begins anew has another key; the file's counts.
    var second = try training(99)
    try second.restore(from: url)
    #expect(second.epochsDone == 2)
    for _ in 0..<2 { try second.runEpoch() }
    #expect(try row(second.model) == row(whole.model))
    #expect(second.history == whole.history)
    // A state of other settings isn't taken up.
    var other = recipe
    other.sigma = 2
    var wrong = try PrivateTraining(model: net, recipe: other, data: data, seed: 3, noiseKey: Key(4), program: program)
    #expect(throws: FormatError.self) { try wrong.restore(from: url) }
  }

  @Test func sampledBatchesAreOfTheirRate() throws {
    let data = try points(400)
    let recipe = recipe(.independent, units: 400, batch: 40, epochs: 5, order: .sampled, sigma: 0.1, clip: 1)
    var training = try PrivateTraining(
      model: net, recipe: recipe, data: data, seed: 0, noiseKey: Key(1), program: program(data))
    for _ in 0..<5 { try training.runEpoch() }
    #expect(try training.accuracy(on: data) > 0.8)
  }

  /// Noise of the size that the recipe says: with gradients clipped to nothing the weights are noise alone.
  @Test func noiseHasItsSize() throws {
    let data = try points(64)
    let wide = DenseNet(inputs: 2, width: 2_000, classes: 3, key: Key(1))
    let recipe = recipe(.tree(efficient: false), units: 64, batch: 16, epochs: 2, sigma: 3, clip: 1e-4, rate: 10)
    var training = try PrivateTraining(
      model: wide, recipe: recipe, data: data, seed: 0, noiseKey: Key(1),
      program: PrivateProgram(scaling: PrivateData.scaling(data.kind)))
    for _ in 0..<2 { try training.runEpoch() }
    let change = try (PrivateState<DenseNet>.row(of: training.model) - PrivateState<DenseNet>.row(of: wide))
    let deviation = try change.square().mean().sqrt().item() as Double
    // 8 steps are one node; the gradients themselves add about C/√P each.
    #expect(abs(deviation / (10 * 3 * 1e-4 / 16) - 1) < 0.05)
  }
}

@Suite struct ClientUpdateTests {
  /// One local step is a step along the gradient of the client's mean loss; fillings count nothing.
  @Test func oneStepIsTheMeanGradient() throws {
    let data = try points(9)
    let updates = ClientUpdates<DenseNet>(localSteps: 1, localRate: 0.5, scaling: { $0 })
    let places = Tensor([0, 4, 8, 0, 1, 0, 0, 0, 0] as [Int32], shape: [3, 3])
    let weights = Tensor([1, 1, 1, 0, 1, 0, 0, 0, 0] as [Float], shape: [3, 3])
    let found = try updates(
      net, data: [data.rows, Tensor(data.labels)], places: places, weights: weights, norm: Tensor(Float(1e30)))
    func slope(_ rows: [Int32]) throws -> [Float] {
      let places = Tensor(rows)
      return try PrivateState<DenseNet>.row(
        of: grad { crossEntropy($0(data.rows.take(places)), Tensor(data.labels).take(places)) }(net)
      ).array(of: Float.self)
    }
    let sum = zip(try slope([0, 4, 8]), try slope([1])).map { 0.5 * ($0 + $1) }
    #expect(distance(try found.sum.array(of: Float.self), sum) < 1e-5)
    #expect(try found.norms.array(of: Float.self)[2] == 0)
    let short = try updates(
      net, data: [data.rows, Tensor(data.labels)], places: places, weights: weights, norm: Tensor(Float(0.01)))
    #expect(try short.sum.square().sum().sqrt().item() <= 0.02 * (1 + 1e-4))
  }

  @Test func localStepsAreSGD() throws {
    let data = try points(4)
    let updates = ClientUpdates<DenseNet>(localSteps: 2, localRate: 0.5, scaling: { $0 })
    let found = try updates(
      net, data: [data.rows, Tensor(data.labels)], places: Tensor([0, 1, 2, 3] as [Int32], shape: [1, 4]),
      weights: Tensor.ones([1, 4]), norm: Tensor(Float(1e30)))
    var model = net
    var sgd = try SGD(for: model, learningRate: 0.5)
    for rows in [[0, 1], [2, 3]] as [[Int32]] {
      let places = Tensor(rows)
      try sgd.update(
        &model, grad { crossEntropy($0(data.rows.take(places)), Tensor(data.labels).take(places)) }(model))
    }
    let change = zip(try row(net), try row(model)).map { $0 - $1 }
    #expect(distance(try found.sum.array(of: Float.self), change) < 1e-5)
  }

  @Test func rowsOfClients() throws {
    let clients = try ClientRows(["b", "a", "b", "b", "c", "b"], limit: 3, parts: 2, key: Key(0))
    #expect(clients.rows.count == 3 && clients.leftOut == 1)
    #expect(clients.rows.allSatisfy { $0.count == 4 })
    #expect(clients.rows[0].filter { $0 >= 0 } == [1])
    #expect(Set(clients.rows[1].filter { $0 >= 0 }).isSubset(of: [0, 2, 3, 5]))
    // Both local steps of the large client have rows.
    #expect(clients.rows[1][..<2].contains { $0 >= 0 } && clients.rows[1][2...].contains { $0 >= 0 })
  }
}

@Suite struct RegretTests {
  @Test func treeBeatsIndependentNoise() throws {
    let study = try RegretStudy.run(dimension: 16, steps: 512, seeds: 3, epsilon: 4, delta: 1e-5, key: Key(0))
    #expect(study.steps.last == 512 && study.curves.count == 5)
    let last = study.curves.map { Statistics.mean($0.last) }
    // Without privacy least, with independent noise most.
    #expect(last[0] < last[1] && last[1] < last[4] && last[3] < last[4])
    #expect(study.curves[1].sensitivity == 10)
    // The regularised leader's regret without noise stays below the theory's √(2T) · 2.
    #expect(last[0] < 2 * (2 * 512.0).squareRoot())
  }
}
