import Formats
import Foundation
import Lab
import NN
import Pinion

/// Real pictures that made ones are compared with.
public enum JudgedBy: String, Codable, CaseIterable, Sendable {
  /// The test set.
  case test
  /// The last 10,000 training pictures, for choosing settings.
  case heldOut = "held-out"
}

/// What a user may set of the experiment.
public struct OneStageGANOptions: ExperimentOptions {
  /// Losses that are compared; the first with all seeds, the others with one.
  public var losses: [AdversarialLoss]
  public var seeds: Int
  public var iterations: Int
  public var otherIterations: Int
  public var trainImages: Int
  public var batchSize: Int
  public var samples: Int
  public var judgedBy: JudgedBy
  public var normalization: DiscriminatorNormalization
  public var generatorWidth: Int
  public var discriminatorWidth: Int
  public var learningRate: Double
  public var discriminatorRate: Double
  public var beta1: Double
  public var averaging: Double
  public var clip: Double
  public var classifierEpochs: Int
  public var classifierImages: Int
  public var timingRounds: Int
  public var timesResNet: Bool
  public var distillationSteps: Int
  public var distillationSeeds: Int
  public var variants: [DistillationRecipe.Variant]
  public var parallelRuns: Int

  public init(scale: Scale) {
    losses = [.nonSaturating, .leastSquares, .hinge, .wasserstein]
    (seeds, iterations, otherIterations) = (3, 2_000, 800)
    (trainImages, batchSize, samples, judgedBy) = (20_000, 32, 10_000, .test)
    (normalization, generatorWidth, discriminatorWidth) = (.none, 20, 40)
    // Chosen on held-out pictures by the mean FID-F of both ways of training; README.
    (learningRate, discriminatorRate, beta1, averaging, clip) = (1e-3, 3e-4, 0, 0.995, 0.01)
    (classifierEpochs, classifierImages) = (5, 60_000)
    (timingRounds, timesResNet) = (9, false)
    (distillationSteps, distillationSeeds, variants) = (500, 3, [.dafl])
    parallelRuns = 2
    switch scale {
    case .quick:
      (losses, seeds, iterations, samples) = ([.nonSaturating], 1, 400, 2_000)
      (classifierEpochs, classifierImages, timingRounds) = (1, 20_000, 5)
      distillationSteps = 0
    case .standard: break
    case .full:
      (seeds, iterations, otherIterations) = (5, 6_000, 6_000)
      (classifierEpochs, timingRounds, timesResNet) = (10, 25, true)
      (distillationSteps, distillationSeeds, variants) = (3_000, 3, [.dafl, .dfad])
    }
  }

  public static let help = [
    "losses":
      "losses to compare: \(AdversarialLoss.allCases.map(\.rawValue).joined(separator: ", ")); the first is the "
      + "headline's",
    "seeds": "runs of the first loss, with seeds one after the other; the other losses have one",
    "iterations": "steps of a run of the first loss, the same for one and two stages",
    "otherIterations": "steps of a run of the other losses",
    "trainImages": "training images, at most 50,000, since the last 10,000 are held out",
    "batchSize": "real pictures of a step; as many are made",
    "samples": "pictures drawn for a measurement, at least 1,000",
    "judgedBy": "what pictures are compared with: test, or held-out (the last training images) for choosing settings",
    "normalization": "of the discriminator's layers: none, layer, spectral; batch mixes samples, so that γ isn't exact",
    "generatorWidth": "channels of the generator's last hidden layer",
    "discriminatorWidth": "channels of the discriminator's first hidden layer",
    "learningRate": "Adam's rate for the generator",
    "discriminatorRate": "Adam's rate for the discriminator",
    "beta1": "decay of Adam's mean",
    "averaging": "decay of the generator's moving average, from which samples are drawn",
    "clip": "largest size of weights with the Wasserstein loss",
    "classifierEpochs": "passes of the classifier that makes the features over its images",
    "classifierImages": "images that it's trained on",
    "timingRounds": "rounds in which the ways of training are timed in turns",
    "timesResNet": "whether SNGAN's residual networks are timed too",
    "distillationSteps": "steps of a student's data-free training; 0 leaves distillation out",
    "distillationSeeds": "students of each kind",
    "variants":
      "losses of distillation: \(DistillationRecipe.Variant.allCases.map(\.rawValue).joined(separator: ", "))",
    "parallelRuns": "trainings side by side",
  ]

  /// The players of the runs.
  func sizes(_ loss: AdversarialLoss) -> GANSizes {
    var sizes = GANSizes()
    (sizes.generatorWidth, sizes.discriminatorWidth) = (generatorWidth, discriminatorWidth)
    // Clipping bounds the slope of the Wasserstein loss already.
    sizes.normalization = loss == .wasserstein ? .none : normalization
    return sizes
  }

  /// The training of the runs.
  func recipe(_ loss: AdversarialLoss, _ stages: GANRecipe.Stages) -> GANRecipe {
    var recipe = GANRecipe()
    (recipe.loss, recipe.stages) = (loss, stages)
    (recipe.generatorRate, recipe.discriminatorRate, recipe.averaging) = (learningRate, discriminatorRate, averaging)
    recipe.beta1 = beta1
    recipe.clip = loss == .wasserstein ? clip : nil
    return recipe
  }

  public func validate() throws {
    func require(_ holds: Bool, _ message: String) throws {
      if !holds { throw UsageError(message) }
    }
    try require(!losses.isEmpty, "losses is empty")
    try require(Set(losses).count == losses.count, "losses names one twice")
    try require((1...100).contains(seeds), "seeds is \(seeds), expected 1 to 100")
    try require(iterations >= 8 && otherIterations >= 8, "iterations and otherIterations must be at least 8")
    try require((1_000...50_000).contains(trainImages), "trainImages is \(trainImages), expected 1000 to 50000")
    try require(
      (1_000...60_000).contains(classifierImages), "classifierImages is \(classifierImages), expected 1000 to 60000")
    try require((2...1_000).contains(batchSize), "batchSize is \(batchSize), expected 2 to 1000")
    try require((1_000...100_000).contains(samples), "samples is \(samples), expected 1000 to 100000")
    try require(learningRate > 0 && discriminatorRate > 0, "learningRate and discriminatorRate must be positive")
    try require((0..<1).contains(beta1), "beta1 is \(beta1), expected 0 to below 1")
    try require((0..<1).contains(averaging), "averaging is \(averaging), expected 0 to below 1")
    try require(clip > 0, "clip is \(clip), expected a positive number")
    try require((1...1_000).contains(classifierEpochs), "classifierEpochs is \(classifierEpochs), expected 1 to 1000")
    try require((1...1_000).contains(timingRounds), "timingRounds is \(timingRounds), expected 1 to 1000")
    try require(distillationSteps >= 0, "distillationSteps is \(distillationSteps), expected 0 or more")
    try require((1...100).contains(distillationSeeds), "distillationSeeds is \(distillationSeeds), expected 1 to 100")
    try require((1...16).contains(parallelRuns), "parallelRuns is \(parallelRuns), expected 1 to 16")
    try sizes(.nonSaturating).validate()
  }
}

/// Generative adversarial networks trained in one stage against two, on Fashion-MNIST.
public struct OneStageGANExperiment: Experiment {
  public var paper: Paper { .oneStageGAN }
  public var datasets: [DatasetInfo] { [FashionMNIST.info] }

  public init() {}

  public func run(_ context: RunContext<OneStageGANOptions>) throws -> Outcome {
    let options = context.options
    let sets = try FashionMNIST.load()
    let train = try sets.train.padded(to: GANSizes.side)
    let test = try (options.judgedBy == .test ? sets.test : sets.train.subset(50_000..<60_000)).padded(
      to: GANSizes.side)
    let checks = try MethodChecks.measure()
    let costs = try StepCosts.measure(context)
    let judge = try Judge.prepared(context, train: train, test: test)
    let runner = GANRunner(context: context, data: try train.subset(0..<options.trainImages), judge: judge)
    let runs = try runner.trainAll()
    let students = try StudentRunner(context: context, teacher: judge.quality.classifier, test: test).run()
    let summary = OneStageSummary(
      options: options, checks: checks, costs: costs, judge: judge, runs: runs, students: students)
    let figures = OneStageFigures(context: context, summary: summary)
    return Outcome(claims: summary.claims(), report: try summary.report() + figures.blocks())
  }
}

/// The classifier whose features judge the pictures, and what real pictures score.
struct Judge: Sendable {
  var quality: SampleQuality
  /// Share of test pictures that the classifier tells right.
  var accuracy: Double
  /// Scores of training pictures, as many as are drawn: no generator of such pictures can expect less.
  var floor: SampleQuality.Scores

  /// Trains the classifier, or reads that of an interrupted run.
  static func prepared(
    _ context: RunContext<OneStageGANOptions>, train: ImageDataset, test: ImageDataset
  ) throws -> Judge {
    let options = context.options
    let file = context.checkpointFolder.appending(path: "classifier.safetensors")
    var classifier = FeatureClassifier(channels: 1, classes: test.classCount, key: Key(0))
    if context.resumed, FileManager.default.fileExists(atPath: file.path) {
      try load(Safetensors.read(file.path), into: &classifier)
    } else {
      var recipe = ClassifierRecipe()
      recipe.epochs = options.classifierEpochs
      let images = try train.first(options.classifierImages)
      let total = recipe.epochs * (images.count / recipe.batchSize)
      let bar = context.progress.start("classifier for the features", total: total)
      classifier = try FeatureClassifier.trained(on: images, recipe: recipe, seed: context.seed) { _ in
        try context.checkInterrupt()
        bar.advance()
      }
      bar.finish()
      try Safetensors.write(parameters(of: classifier), to: file.path)
    }
    let quality = try SampleQuality(classifier, real: test)
    // Next to the held-out pictures, which may be those it's compared with.
    let end = train.count - 10_000
    let sample = try train.subset((end - min(options.samples, end))..<end)
    return Judge(
      quality: quality, accuracy: try classifier.accuracy(on: test),
      floor: try quality.scores(of: sample, neighbours: true))
  }
}
