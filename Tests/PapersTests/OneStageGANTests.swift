import ArgumentParser
import Formats
import Foundation
import Lab
import NN
import Pinion
import Testing

@testable import Papers

private func largest(_ x: Tensor) throws -> Double { try x.abs().max().item() }

/// Pictures of 32 x 32 with a light square somewhere.
private func squares(_ count: Int) throws -> ImageDataset {
  let pixels = (0..<count * 1024).map { (i: Int) -> UInt8 in
    let (picture, y, x) = (i / 1024, i / 32 % 32, i % 32)
    let (top, left) = (4 + picture * 5 % 16, 4 + picture * 3 % 16)
    return (top..<top + 8).contains(y) && (left..<left + 8).contains(x) ? 220 : 10
  }
  return try ImageDataset(
    name: "squares", images: pixels, height: 32, width: 32, channels: 1, labels: (0..<count).map { Int32($0 % 2) },
    classNames: ["even", "odd"])
}

@Suite struct OneStageGradientTests {
  /// The paper's claim itself: one pass has both gradients, at the same place, for every loss and form, to rounding.
  @Test(arguments: AdversarialLoss.allCases)
  func equalTheTwoSeparateOnes(loss: AdversarialLoss) throws {
    for (form, difference) in try MethodChecks.differences(loss, .spectral) {
      #expect(difference.largest < 1e-9, "\(loss.rawValue), \(form)")
    }
  }

  /// The pullback is exact where the hinge is inactive too, whatever the scores' size and sign.
  @Test func pullbackIsExactInTheDeadZone() throws {
    // With the scores of one of both signs below -1, D's loss feels no made picture, and γ has nothing to scale.
    var lost = 0.0
    for scale in [-1e3, 1e3] {
      let differences = try MethodChecks.differences(.hinge, .spectral, scale: scale)
      #expect(try #require(differences["pullback"]).largest < 1e-9)
      lost = max(lost, try #require(differences["gamma"]).ofGenerator)
    }
    #expect(lost > 0.1)
    #expect(AdversarialLoss.hinge.recommendedForm == .pullback)
  }

  /// Batch statistics mix samples: γ is then an approximation, and the pullback still exact.
  @Test func batchNormalizationBreaksGammaAlone() throws {
    let differences = try MethodChecks.differences(.nonSaturating, .batch)
    #expect(try #require(differences["gamma"]).ofGenerator > 1e-6)
    #expect(try #require(differences["pullback"]).largest < 1e-9)
  }

  /// One forward and one backward pass of D in the program: a forward convolution, an input gradient and a kernel gradient
  /// for each layer. Two cotangents take one more input gradient a layer, and run real and made pictures apart.
  @Test func convolutionsOfTheStep() throws {
    let gamma = try MethodChecks.convolutions()
    #expect(gamma.expected == 9)
    #expect(gamma.found == gamma.expected)
    #expect(try MethodChecks.convolutions(form: .mixed).found == 9)
    // Real: 3 forward, 3 kernel, 2 input gradients; made: 3, 3, and 3 + 3 by two cotangents, of which the weights' chain
    // doesn't need the first layer's.
    #expect(try MethodChecks.convolutions(form: .pullback).found == 8 + 11)
  }
}

@Suite struct OneStageTrainingTests {
  private typealias Training = GANTraining<DCGANGenerator, DCGANDiscriminator>

  private func training(
    _ change: (inout GANRecipe) -> Void = { _ in }, normalization: DiscriminatorNormalization = .spectral,
    program: GANProgram<DCGANGenerator, DCGANDiscriminator>? = nil
  ) throws -> GANTraining<DCGANGenerator, DCGANDiscriminator> {
    var recipe = GANRecipe()
    (recipe.generatorRate, recipe.discriminatorRate, recipe.averaging) = (2e-3, 2e-3, 0.5)
    change(&recipe)
    return try GANTraining(
      DCGANGenerator(channels: 1, width: 2, noiseSize: 4, key: Key(0)),
      DCGANDiscriminator(channels: 1, width: 2, normalization: normalization, key: Key(1)), recipe: recipe,
      data: squares(20), batchSize: 8, seed: 2, program: program)
  }

  /// Trained for a while, stopped in the middle of an epoch, and taken up: the same numbers, bit for bit.
  @Test func goesOnExactly() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "pinion-gan-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let state = folder.appending(path: "state.safetensors")
    let program = GANProgram<DCGANGenerator, DCGANDiscriminator>(try recipe())
    var whole = try training(program: program)
    for _ in 0..<5 { _ = try whole.step() }
    var first = try training(program: program)
    for _ in 0..<3 { _ = try first.step() }
    try first.save(to: state)
    var second = try training(program: program)
    try second.restore(from: state)
    #expect(second.steps == 3)
    for _ in 0..<2 { _ = try second.step() }
    for (a, b) in zip(try tensorLeaves(of: whole.generator()), try tensorLeaves(of: second.generator())) {
      #expect(try a.bytes() == b.bytes())
    }
    // The file of the generator gives the same pictures.
    var sizes = GANSizes()
    (sizes.generatorWidth, sizes.discriminatorWidth, sizes.noiseSize) = (2, 2, 4)
    let file = folder.appending(path: "generator.safetensors").path
    try GeneratorFile(sizes: sizes, weights: parameters(of: whole.generator())).write(to: file)
    let noise = Key(5).normal([3, 4])
    func drawn<G: GeneratorNetwork>(_ generator: G) -> Tensor { generator(noise) }
    let read = drawn(try GeneratorFile(path: file).generator())
    #expect(try largest(read - whole.samples(of: noise)) < 1e-6)
    #expect(throws: FormatError.self) { try GeneratorFile(path: state.path) }
    #expect(throws: (any Error).self) { try second.restore(from: URL(fileURLWithPath: file)) }
  }

  private func recipe() throws -> GANRecipe {
    var recipe = GANRecipe()
    (recipe.generatorRate, recipe.discriminatorRate, recipe.averaging) = (2e-3, 2e-3, 0.5)
    return recipe
  }

  /// At the first step both ways see the same: D's new weights agree, and so does G's step where D hardly moved.
  @Test func firstStepsOfOneAndTwoStages() throws {
    func moved(_ stages: GANRecipe.Stages) throws -> (D: [Tensor], G: [Tensor]) {
      var training = try training {
        $0.stages = stages
        $0.discriminatorRate = 1e-7
      }
      _ = try training.step()
      let made = try leaves(of: training.generator()).filter { !$0.isBuffer }.map(\.tensor)
      return (try tensorLeaves(of: training.discriminator), made)
    }
    let (one, two) = (try moved(.one), try moved(.twoReused))
    for (a, b) in zip(one.D, two.D) { #expect(try largest(a - b) < 1e-6) }
    // Adam's first step has the size of the rate whatever the gradient: signs agree nearly everywhere.
    for (a, b) in zip(one.G, two.G) { #expect(try (a - b).abs().mean().item() < 1e-4) }
  }

  @Test func penaltiesAndLimitsReachTheStep() throws {
    var plain = try training(normalization: .none)
    var punished = try training({ ($0.r1, $0.gradientPenalty) = (10, 10) }, normalization: .none)
    var limited = try training({ ($0.loss, $0.clip) = (.wasserstein, 0.003) }, normalization: .none)
    _ = try (plain.step(), punished.step(), limited.step())
    let (a, b) = (try tensorLeaves(of: plain.discriminator), try tensorLeaves(of: punished.discriminator))
    #expect(try zip(a, b).contains { try largest($0 - $1) > 1e-4 })
    for leaf in try leaves(of: limited.discriminator) where !leaf.isBuffer {
      #expect(try largest(leaf.tensor) <= 0.0030001)
    }
  }

  @Test func tooFewPicturesSaySo() {
    #expect(throws: FormatError.self) { try squares(0) }
  }
}

@Suite struct OneStageDistillationTests {
  /// Both ways have the same gradients at the same place and noise: student's and generator's first moves agree.
  @Test(arguments: DistillationRecipe.Variant.allCases)
  func oneStageIsTheSeparateGradients(variant: DistillationRecipe.Variant) throws {
    func double<T: Tree>(_ tree: T) throws -> T { try map(tree) { $0.tensor.cast(.float64) } }
    let teacher = try double(FeatureClassifier(channels: 1, classes: 3, width: 2, key: Key(0)))
    let student = try double(StudentNetwork(channels: 1, classes: 3, width: 2, key: Key(1)))
    let images = Key(2).uniform([4, 32, 32, 1], dtype: .float64, from: -1, to: 1)
    var recipe = DistillationRecipe(variant)
    (recipe.adversarial, recipe.statistics) = (0.7, 2)
    let compared = jit { (teacher: FeatureClassifier, student: StudentNetwork, images: Tensor) -> [Tensor] in
      let one = try recipe.gradients(teacher, student, images)
      let ofStudent = try grad { (student: StudentNetwork) in
        recipe.studentLoss(teacher(images).logits, student(images))
      }(student)
      let ofImages = try grad { (images: Tensor) in recipe.generatorLoss(teacher, student, images) }(images)
      let pairs = zip(try tensorLeaves(of: one.student), try tensorLeaves(of: ofStudent))
      return [(one.images - ofImages).abs().max(), stack(pairs.map { ($0 - $1).abs().max() }).max()]
    }
    for gap in try compared(teacher, student, images) { #expect(try gap.item() < 1e-9) }
  }
}

@Suite struct OneStageExperimentTests {
  @Test func optionsAreChecked() throws {
    for change: (inout OneStageGANOptions) -> Void in [
      { $0.seeds = 0 }, { $0.losses = [] }, { $0.losses = [.hinge, .hinge] }, { $0.iterations = 1 },
      { $0.trainImages = 70_000 }, { $0.batchSize = 1 }, { $0.samples = 10 }, { $0.learningRate = 0 },
      { $0.averaging = 1 }, { $0.clip = 0 }, { $0.generatorWidth = 0 }, { $0.parallelRuns = 0 },
    ] {
      var options = OneStageGANOptions(scale: .quick)
      change(&options)
      #expect(throws: UsageError.self) { try options.validate() }
    }
    for scale in Scale.allCases { try OneStageGANOptions(scale: scale).validate() }
    let names = Mirror(reflecting: OneStageGANOptions(scale: .quick)).children.compactMap(\.label)
    #expect(Set(names) == Set(OneStageGANOptions.help.keys))
  }

  /// Verdicts follow from the numbers: made-up runs.
  @Test func claimsJudgeTheNumbers() throws {
    func run(_ stages: GANRecipe.Stages, _ seed: Int, _ fids: [Double]) -> GANRun {
      let points = fids.enumerated().map { i, fid in
        RunPoint(
          iteration: 800 * (i + 1), scores: .init(fid: fid, kid: 0, kidError: 0), fakeScores: [], dead: 0, grid: "")
      }
      return GANRun(loss: .nonSaturating, stages: stages, seed: seed, points: points, weights: "")
    }
    func claims(_ one: [Double], _ two: [Double], seconds: Double) throws -> [String: Claim] {
      var options = OneStageGANOptions(scale: .standard)
      (options.losses, options.seeds, options.iterations, options.variants) = ([.nonSaturating], 2, 1_600, [])
      func step(_ way: StepCosts.Way, _ seconds: Double, _ work: Int) -> TimedStep {
        TimedStep(name: way.rawValue, multiplyAdds: work, seconds: seconds, rounds: [seconds])
      }
      let networks = StepCosts.Networks(
        sizes: GANSizes(), generatorForward: 1, discriminatorForward: 3,
        steps: [step(.one, 1, 100), step(.two, seconds, 148), step(.lean, seconds, 130)])
      let classifier = FeatureClassifier(channels: 1, classes: 2, width: 2, key: Key(0))
      let judge = Judge(
        quality: try SampleQuality(classifier, real: squares(8)), accuracy: 0.92,
        floor: .init(fid: 1, kid: 0, kidError: 0))
      let checks = MethodChecks(
        differences: ["hinge": ["gamma": 1e-15]], convolutions: 9, expectedConvolutions: 9, batchNormError: 0.1)
      let summary = OneStageSummary(
        options: options, checks: checks, costs: StepCosts(networks: [networks]), judge: judge,
        runs: [run(.one, 0, one), run(.one, 1, one), run(.two, 0, two), run(.two, 1, two)], students: Students())
      return Dictionary(uniqueKeysWithValues: summary.claims().map { ($0.name, $0) })
    }
    let good = try claims([100, 50], [110, 52], seconds: 1.5)
    for name in ["one pass", "gradients", "time", "cost model", "quality", "equal time", "classifier"] {
      #expect(good[name]?.verdict == .holds, "\(name)")
    }
    #expect(abs(try #require(good["quality"]).measured - 50 / 52) < 1e-12)
    // Two stages reach iteration 1,067 of 1,600 in the time: a third of the way from the first point in logarithms.
    let reached = 110 * pow(52.0 / 110, 1.0 / 3)
    #expect(abs(try #require(good["equal time"]).measured - reached / 50) < 1e-2)
    let bad = try claims([100, 80], [90, 52], seconds: 1.1)
    for name in ["time", "cost model", "quality", "equal time"] { #expect(bad[name]?.verdict == .fails, "\(name)") }
  }

  @Test func pathsOfNoise() throws {
    let (a, b) = (Key(0).normal([64], dtype: .float64), Key(1).normal([64], dtype: .float64))
    let path = Samples.path(from: a, to: b, count: 5)
    #expect(path.shape == [5, 64])
    #expect(try largest(path[0] - a) < 1e-9)
    #expect(try largest(path[4] - b) < 1e-9)
    let lengths = try path.square().sum(1).sqrt().array(of: Double.self)
    #expect(lengths.allSatisfy { $0 > 5 && $0 < 11 })
  }

  @Test func medians() {
    #expect(StepTiming.median([3, 1, 2]) == 2)
    #expect(StepTiming.median([4, 1, 2, 3]) == 2.5)
    #expect(StepTiming.median([]).isNaN)
  }
}

@Suite struct OneStageCommandTests {
  private func message(_ arguments: [String]) -> String {
    do {
      var command = try OneStageGANCommand.parseAsRoot(arguments)
      try command.run()
      return ""
    } catch {
      return OneStageGANCommand.message(for: error)
    }
  }

  @Test func trainSampleInterpolate() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "pinion-gan-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder + "/in", withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let data = try squares(6)
    try data.image(at: 0).write(to: folder + "/in/0.png")
    let train = [
      "train", "--data", folder + "/in", "--out", folder + "/g.safetensors", "--grey", "--generator-width", "2",
      "--discriminator-width", "2", "--iterations", "2", "--batch-size", "4",
    ]
    #expect(message(train).hasSuffix("/in: has one picture (.png, .jpg, .jpeg), expected at least 2"))
    for i in 1..<6 { try data.image(at: i).write(to: folder + "/in/\(i).png") }
    #expect(message(train) == "")
    let model = folder + "/g.safetensors"
    #expect(try Image(path: folder + "/g.png").width == 8 * (64 + 2) - 2)
    #expect(message(["sample", "--model", model, "--out", folder + "/s.png", "--count", "3", "--columns", "2"]) == "")
    #expect(try Image(path: folder + "/s.png").height == 2 * (64 + 2) - 2)
    #expect(message(["sample", "--model", model, "--out", folder + "/many", "--count", "3"]) == "")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder + "/many").count == 3)
    let strip = ["interpolate", "--model", model, "--out", folder + "/i.png", "--rows", "2", "--steps", "3"]
    #expect(message(strip) == "")
    #expect(try Image(path: folder + "/i.png").width == 3 * (64 + 2) - 2)
    #expect(message(["sample", "--model", folder + "/in/0.png", "--out", "x.png"]).contains("0.png"))
  }

  @Test(arguments: [
    (["train", "--data", "x", "--out", "y.bin"], "--out y.bin: expected a name that ends in .safetensors"),
    (["train", "--data", "x", "--out", "y.safetensors", "--iterations", "0"], "--iterations 0: expected at least 1"),
    (["train", "--data", "/nowhere", "--out", "y.safetensors"], "/nowhere: there is no such file or folder"),
    (["sample", "--model", "/nowhere", "--out", "y.png", "--count", "0"], "--count 0: expected 1 to 100000"),
    (["distill", "--data", "/nowhere", "--out", "y.safetensors"], "/nowhere: there is no such file or folder"),
  ])
  func badUsageGetsOneLine(arguments: [String], expected: String) {
    #expect(message(arguments) == expected)
  }
}
