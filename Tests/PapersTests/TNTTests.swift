import Formats
import Foundation
import Lab
import NN
import Pinion
import Testing

@testable import Papers

private func oracle(_ name: String) throws -> [String: Tensor] {
  let url = try #require(Bundle.module.url(forResource: name, withExtension: "safetensors", subdirectory: "Oracles"))
  return try Safetensors(path: url.path).tensors()
}

/// Sizes at which tests are fast: two blocks, two by two patches of two by two tokens.
private var small: TNTConfiguration {
  var c = TNTConfiguration()
  (c.imageSize, c.patchSize, c.innerStride, c.channels, c.classes) = (16, 8, 4, 1, 3)
  (c.depth, c.width, c.innerWidth, c.heads, c.innerHeads) = (2, 12, 4, 3, 2)
  return c
}

private func double<T: Tree>(_ tree: T) throws -> T { try map(tree) { $0.tensor.cast(.float64) } }

private func largest(_ x: Tensor) throws -> Double { try x.abs().max().item() }

@Suite struct TNTModelTests {
  /// Exact integers of the formulas of section 2; the paper rounds them to 6.1, 23.8 and 65.6 million.
  @Test func parameterCounts() throws {
    func count(_ c: TNTConfiguration) throws -> Int { try parameterCount(of: TNT(c, key: Key(0))) }
    #expect(try count(.tiny) == formula(.tiny))
    #expect(try count(.small) == formula(.small))
    #expect(try count(.base) == formula(.base))
    #expect(abs(Double(try count(.tiny)) / 1e6 - 6.1) < 0.1)
    #expect(abs(Double(try count(.small)) / 1e6 - 23.8) < 0.1)
    #expect(abs(Double(try count(.base)) / 1e6 - 65.6) < 0.2)
    for (width, heads, millions) in [(192, 3, 5.7), (384, 6, 22.1), (768, 12, 86.4)] {
      var c = TNTConfiguration()
      (c.width, c.heads) = (width, heads)
      #expect(abs(Double(try parameterCount(of: DeiT(c, key: Key(0)))) / 1e6 - millions) < 0.2)
    }
  }

  private func formula(_ t: TNTConfiguration) -> Int {
    let (n, m, c, d) = (t.patches, t.pixels, t.innerWidth, t.width)
    func transformer(_ w: Int) -> Int { 4 * w * w + w + 8 * w * w + 5 * w + 4 * w }
    let block = transformer(c) + transformer(d) + 2 * c + m * c * d + d
    let embedding = 49 * t.channels * c + c + m * c + 2 * m * c + m * c * d + d + 2 * d + d + (n + 1) * d
    return embedding + t.depth * block + 2 * d + d * t.classes + t.classes
  }

  @Test func equalsTimm() throws {
    let stored = try oracle("tnt")
    let images = try #require(stored["images"])
    let logits = try #require(stored["logits"])
    var weights = stored.filter { $0.key != "images" && $0.key != "logits" }
    var c = TNTConfiguration()
    (c.imageSize, c.channels, c.classes, c.width, c.innerWidth) = (32, 2, 5, 24, 8)
    (c.depth, c.heads, c.innerHeads) = (2, 3, 2)
    let model = try TNT(timm: weights, configuration: c)
    #expect(try largest(model(images) - logits) < 1e-4)
    #expect(try largest(logits) > 0.5)
    let back = try model.timmWeights()
    #expect(Set(back.keys) == Set(weights.keys))
    for (name, tensor) in back { #expect(try tensor.bytes() == weights[name]?.bytes(), "\(name)") }
    weights["head.weight"] = nil
    #expect(throws: TensorError.self) { try TNT(timm: weights, configuration: c) }
  }

  /// With injection weights of zero the class output is that of the outer transformer on the same patch tokens.
  @Test func withoutInjectionTheOuterTransformerIsAlone() throws {
    let images = Key(1).normal([2, 16, 16, 1])
    var c = small
    let model = try TNT(c, key: Key(2), initializer: .fanInUniform)
    c.inject = false
    var off = model
    off.configuration = c
    let zeroed = try map(model) { $0.path.contains("injection") ? Tensor.zeros(like: $0.tensor) : $0.tensor }
    let alone = try map(try TNT(c, key: Key(0))) { leaf in
      try #require(try parameters(of: model)[leaf.path])
    }
    #expect(try largest(zeroed(images) - alone(images)) < 1e-5)
    #expect(try largest(model(images) - alone(images)) > 1e-3)
  }

  /// The outer transformer has no order but its table's: patches permuted with it give the same class output.
  @Test func permutingPatchesWithTheirTable() throws {
    let model = try double(TNT(small, key: Key(3), initializer: .fanInUniform))
    let tokens = Key(4).normal([1, 4, 12], dtype: .float64)
    func classToken(_ order: [Int]) -> Tensor {
      let table = model.outerPositions
      func permuted(_ x: Tensor) -> Tensor { concatenate(order.map { x[.all, $0...$0] }, axis: 1) }
      var z = concatenate([model.classToken, permuted(tokens)], axis: 1)
      z = z + concatenate([table[.all, 0...0], permuted(table[.all, 1...])], axis: 1)
      for block in model.blocks {
        z = z + block.outerAttention(block.outerNorm1(z)).0
        z = z + block.outerFeedForward(block.outerNorm2(z))
      }
      return model.norm(z)[.all, 0]
    }
    #expect(try largest(classToken([0, 1, 2, 3]) - classToken([2, 0, 3, 1])) < 1e-12)
  }

  @Test func derivatives() throws {
    let model = try double(TNT(small, key: Key(5), initializer: .fanInUniform))
    let images = Key(6).normal([2, 16, 16, 1], dtype: .float64)
    let labels = Tensor([0, 2] as [Int32])
    func loss(_ model: TNT) -> Tensor { crossEntropy(model(images), labels) }
    // Compiled: leaves of an uncompiled gradient, read one by one, would each compile most of it.
    let slopes = jit { (model: TNT) -> TNT in try grad(loss)(model) }
    let gradient = try slopes(model)
    var sign = 1.0
    let direction = try map(model) { leaf in
      sign = -sign
      return Key(7).foldIn(leaf.path.utf8.reduce(0) { $0 &* 31 &+ Int($1) } & 0xffff).normal(
        leaf.tensor.shape, dtype: .float64) * sign
    }
    let h = 1e-6
    let compiled = jit { (model: TNT) -> Tensor in loss(model) }
    func moved(_ by: Double) throws -> Double {
      let list = try tensorLeaves(of: direction)
      var i = 0
      let other = try map(model) { leaf in
        defer { i += 1 }
        return leaf.tensor + list[i] * by
      }
      return try compiled(other).item()
    }
    let measured = (try moved(h) - moved(-h)) / (2 * h)
    var analytic = 0.0
    for (g, d) in zip(try tensorLeaves(of: gradient), try tensorLeaves(of: direction)) {
      analytic += try (g * d).sum().item()
    }
    #expect(abs(measured - analytic) < 1e-7 * max(1, abs(measured)))
  }

  /// The counter agrees with the paper's formula, plus embedding, head and the class token that the formula leaves out.
  @Test func multiplyAddsAreTheFormulas() throws {
    let c = TNTConfiguration.small
    let (n, m, w, d) = (c.patches, c.pixels, c.innerWidth, c.width)
    let model = try TNT(c, key: Key(0))
    let counted = multiplyAdds(of: [model(Tensor.zeros([1, 224, 224, 3]))])
    let classToken = c.depth * (12 * d * d + 2 * d * (2 * n + 1))
    let embedding = 56 * 56 * 49 * 3 * w + n * m * w * d
    #expect(counted == c.blockMultiplyAdds + classToken + embedding + d * c.classes)
    #expect(c.depth * (2 * n * m * w * (6 * w + m) + n * m * w * d + 2 * n * d * (6 * d + n)) == c.blockMultiplyAdds)
  }

  @Test func sizesThatDontFit() {
    for change: (inout TNTConfiguration) -> Void in [
      { $0.imageSize = 30 }, { $0.heads = 5 }, { $0.innerHeads = 3 }, { $0.innerStride = 3 }, { $0.depth = 0 },
    ] {
      var c = small
      change(&c)
      #expect(throws: TensorError.self) { try TNT(c, key: Key(0)) }
    }
  }

  @Test func wrongPicturesSaySo() throws {
    let model = try TNT(small, key: Key(0))
    #expect(model(Tensor.zeros([2, 16, 16, 3])).failure != nil)
    #expect(model(Tensor.zeros([2, 20, 16, 1])).failure != nil)
    #expect(model(Tensor.zeros([])).failure != nil)
  }

  @Test func positionTablesStretchAsInPyTorch() throws {
    let tensors = try oracle("bicubic")
    let table = try #require(tensors["table"]).array(of: Float.self)
    let larger = try #require(tensors["larger"]).array(of: Float.self)
    let mine = Bicubic.resized(table, from: 3, to: 5, channels: 2)
    for (a, b) in zip(mine, larger) { #expect(abs(a - b) < 1e-5) }
    let model = try TNT(small, key: Key(0)).resized(to: 32)
    #expect(model(Tensor.zeros([1, 32, 32, 1])).shape == [1, 3])
  }
}

@Suite struct TNTTrainingTests {
  /// Two classes that brightness tells apart.
  private func pictures(_ count: Int) throws -> ImageDataset {
    let labels = (0..<count).map { Int32($0 % 2) }
    let pixels = (0..<count * 256).map { (i: Int) -> UInt8 in
      let light = i / 256 % 2
      return UInt8(light * 120 + (i * 37) % 60)
    }
    return try ImageDataset(
      name: "brightness", images: pixels, height: 16, width: 16, channels: 1, labels: labels,
      classNames: ["dark", "light"])
  }

  private var recipe: TrainingRecipe {
    var r = TrainingRecipe()
    (r.epochs, r.batchSize, r.cropPadding) = (3, 16, 1)
    return r
  }

  private var sizes: TNTConfiguration {
    var c = small
    (c.classes, c.dropPath) = (2, 0.1)
    return c
  }

  @Test func learnsAndGoesOnExactly() throws {
    let data = try pictures(64)
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("pinion-tnt-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let state = folder.appendingPathComponent("state.safetensors")
    let model = try TNT(sizes, key: Key(0), initializer: .fanInUniform)
    let program = TrainingProgram<TNT>(labelSmoothing: 0)
    func fresh() throws -> Training<TNT> {
      try Training(model: model, recipe: recipe, train: data, seed: 1, program: program)
    }
    var whole = try fresh()
    for _ in 0..<3 { try whole.runEpoch(validation: data) { _ in } }
    #expect(try whole.evaluate(data).accuracy == 1)
    #expect(whole.history[2].trainLoss < whole.history[0].trainLoss)

    var first = try fresh()
    try first.runEpoch(validation: data) { _ in }
    try first.save(to: state)
    var second = try fresh()
    try second.restore(from: state)
    #expect(second.history.count == 1)
    for _ in 0..<2 { try second.runEpoch(validation: data) { _ in } }
    for (a, b) in zip(try tensorLeaves(of: whole.model), try tensorLeaves(of: second.model)) {
      #expect(try a.bytes() == b.bytes())
    }

    let file = folder.appendingPathComponent("model.safetensors").path
    try Checkpoint(
      whole.model, configuration: sizes, architecture: .tnt, classNames: data.classNames,
      normalization: data.normalization()
    ).write(to: file)
    let scores = try Checkpoint(path: file).probabilities(data)
    let direct = try Predictor(whole.model, normalization: data.normalization(), program: program).probabilities(data)
    #expect(scores == direct)
    #expect(throws: FormatError.self) { try Checkpoint(path: state.path) }
    try Data("nonsense".utf8).write(to: state)
    #expect(throws: (any Error).self) { try second.restore(from: state) }
  }

  @Test func aLossThatIsntFiniteSaysSo() throws {
    var r = recipe
    r.learningRate = 1e30
    var training = try Training(
      model: TNT(sizes, key: Key(0), initializer: .fanInUniform), recipe: r, train: pictures(64), seed: 1)
    #expect(throws: UsageError.self) { for _ in 0..<3 { try training.runEpoch(validation: nil) { _ in } } }
  }

  @Test func decayAndMixingReachTheStep() throws {
    var r = recipe
    (r.mixup, r.cutmix, r.erasing, r.labelSmoothing, r.epochs) = (0.8, 1, 0.25, 0.1, 1)
    var training = try Training(
      model: TNT(sizes, key: Key(0), initializer: .fanInUniform), recipe: r, train: pictures(32), seed: 1)
    try training.runEpoch(validation: nil) { _ in }
    #expect(training.history[0].trainLoss.isFinite)
  }
}

@Suite struct TNTExperimentTests {
  @Test func optionsAreChecked() throws {
    for change: (inout TNTOptions) -> Void in [
      { $0.seeds = 0 }, { $0.trainImages = 60_000 }, { $0.imageSize = 20 }, { $0.width = 97 }, { $0.networks = [] },
      { $0.batchSize = 0 }, { $0.wideWidth = 100 }, { $0.parallelRuns = 0 },
    ] {
      var options = TNTOptions(scale: .quick)
      change(&options)
      #expect(throws: UsageError.self) { try options.validate() }
    }
    for scale in Scale.allCases { try TNTOptions(scale: scale).validate() }
    let names = Mirror(reflecting: TNTOptions(scale: .quick)).children.compactMap(\.label)
    #expect(Set(names) == Set(TNTOptions.help.keys))
  }

  /// Verdicts follow from the numbers: made-up runs with a known difference.
  @Test func claimsJudgeTheNumbers() throws {
    func claims(_ tnt: [Double], _ deit: [Double]) throws -> [Claim] {
      var options = TNTOptions(scale: .full)
      options.networks = [.tnt, .deit, .wideDeit]
      let networks = [(Architecture.tnt, tnt), (.deit, deit), (.wideDeit, deit)].flatMap { network, values in
        values.enumerated().map { seed, value in
          TrainedNetwork(
            architecture: network, seed: seed, learningRate: 1e-3, epochs: [], testAccuracy: value, parameters: 1,
            weights: "")
        }
      }
      let cost = [
        Architecture.tnt: StepCost(seconds: 2, multiplyAdds: 1), .wideDeit: StepCost(seconds: 1, multiplyAdds: 1),
      ]
      return TNTSummary(options: options, networks: networks, rates: [:], cost: cost).claims()
    }
    let good = try claims([0.86, 0.865, 0.862, 0.861, 0.863], [0.848, 0.852, 0.85, 0.847, 0.851])
    #expect(good.first { $0.name == "accuracy" }?.verdict == .holds)
    #expect(good.first { $0.name == "cost" }?.measured == 2)
    #expect(good.first { $0.name == "multiply-adds" }?.verdict == .holds)
    let noisy = try claims([0.90, 0.80, 0.86, 0.84, 0.89], [0.85, 0.85, 0.85, 0.85, 0.84])
    #expect(noisy.first { $0.name == "accuracy" }?.verdict == .fails)
    let worse = try claims([0.84, 0.84, 0.84, 0.84, 0.84], [0.85, 0.85, 0.85, 0.85, 0.85])
    #expect(worse.first { $0.name == "accuracy" }?.verdict == .fails)
  }

  @Test func principalComponents() {
    // Points on a line in the plane: one direction holds all variance, the other none.
    let rows = (0..<20).flatMap { [Double($0) * 3, Double($0) * 4] }
    let projected = PrincipalComponents(rows: rows, width: 2, count: 2).projected
    for i in 0..<20 {
      #expect(abs(abs(projected[2 * i]) - abs(Double(i) - 9.5) * 5) < 1e-9)
      #expect(abs(projected[2 * i + 1]) < 1e-9)
    }
  }
}
