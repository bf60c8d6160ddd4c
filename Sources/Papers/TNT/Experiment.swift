import Foundation
import Lab
import NN
import Pinion

/// What a user may set of the experiment.
public struct TNTOptions: ExperimentOptions {
  /// Networks to train, by name.
  public var networks: [Architecture]
  public var seeds: Int
  public var trainImages: Int
  public var validationImages: Int
  public var testImages: Int
  public var epochs: Int
  public var batchSize: Int
  public var learningRate: Double?
  public var learningRates: [Double]
  public var tuningEpochs: Int
  public var weightDecay: Double
  public var warmup: Double
  public var labelSmoothing: Double
  public var dropPath: Double
  public var cropPadding: Int
  public var flips: Bool
  public var imageSize: Int
  public var patchSize: Int
  public var innerStride: Int
  public var width: Int
  public var wideWidth: Int
  public var innerWidth: Int
  public var depth: Int
  public var heads: Int
  public var innerHeads: Int
  public var parallelRuns: Int

  public init(scale: Scale) {
    networks = [.tnt, .deit, .wideDeit]
    (seeds, trainImages, validationImages, testImages) = (2, 20_000, 1_000, 10_000)
    (epochs, batchSize, learningRate, learningRates, tuningEpochs) = (7, 64, nil, [], 5)
    (weightDecay, warmup, labelSmoothing, dropPath) = (0.05, 0.1, 0, 0)
    (cropPadding, flips) = (2, true)
    (imageSize, patchSize, innerStride) = (32, 16, 4)
    (width, wideWidth, innerWidth, depth, heads, innerHeads) = (96, 120, 12, 6, 3, 2)
    parallelRuns = 2
    switch scale {
    case .quick: (seeds, trainImages, validationImages, testImages, epochs) = (1, 4_000, 500, 2_000, 3)
    case .standard: break
    case .full:
      networks = [.tnt, .deit, .wideDeit, .tntOuterPositions, .tntInnerPositions, .tntNoPositions, .convNet]
      (seeds, validationImages, epochs) = (5, 5_000, 10)
      learningRates = [5e-4, 1e-3, 2e-3]
    }
  }

  public static let help = [
    "networks": "networks to train: \(Architecture.allCases.map(\.rawValue).joined(separator: ", "))",
    "seeds": "runs of each network, with seeds one after the other",
    "trainImages": "training images, at most 55,000: 5,000 of the 60,000 are held out for choices",
    "validationImages": "held-out images, at most 5,000, on which curves are drawn and learning rates chosen",
    "testImages": "test images, at most 10,000",
    "epochs": "passes over the training images",
    "batchSize": "images of a step",
    "learningRate": "peak learning rate of all networks; without it each has the one that --full chose for it",
    "learningRates": "where given, each network's peak rate is chosen among these on the held-out images",
    "tuningEpochs": "epochs of the runs that choose the learning rate",
    "weightDecay": "decoupled weight decay, not on biases, norms, positions and class token",
    "warmup": "share of the steps over which the rate rises; a cosine follows",
    "labelSmoothing": "share of the target spread over all classes",
    "dropPath": "rate at which the last block's residual branches are dropped; rises linearly with depth",
    "cropPadding": "pixels by which random crops shift the picture",
    "flips": "whether training pictures are flipped left to right at random",
    "imageSize": "side of the padded picture, in pixels",
    "patchSize": "side of a patch (visual sentence), in pixels",
    "innerStride": "stride of the convolution that makes pixel tokens (visual words)",
    "width": "width d of the patch tokens",
    "wideWidth": "width of the DeiT of equal multiply-adds",
    "innerWidth": "width c of the pixel tokens",
    "depth": "blocks",
    "heads": "heads of the outer attention",
    "innerHeads": "heads of the inner attention",
    "parallelRuns": "networks trained side by side",
  ]

  /// Sizes of TNT for pictures of a data set.
  public func configuration(channels: Int, classes: Int) -> TNTConfiguration {
    var c = TNTConfiguration()
    (c.imageSize, c.patchSize, c.innerStride, c.channels, c.classes) = (
      imageSize, patchSize, innerStride, channels, classes
    )
    (c.depth, c.width, c.innerWidth, c.heads, c.innerHeads) = (depth, width, innerWidth, heads, innerHeads)
    c.dropPath = dropPath
    return c
  }

  public var recipe: TrainingRecipe {
    var recipe = TrainingRecipe()
    (recipe.epochs, recipe.batchSize) = (epochs, batchSize)
    (recipe.weightDecay, recipe.warmup, recipe.labelSmoothing) = (weightDecay, warmup, labelSmoothing)
    (recipe.cropPadding, recipe.flips) = (cropPadding, flips)
    return recipe
  }

  public func validate() throws {
    func require(_ holds: Bool, _ message: String) throws {
      if !holds { throw UsageError(message) }
    }
    try require(seeds > 0, "seeds is \(seeds), expected at least 1")
    try require(epochs > 0 && tuningEpochs > 0, "epochs and tuningEpochs must be at least 1")
    try require((1...55_000).contains(trainImages), "trainImages is \(trainImages), expected 1 to 55000")
    try require((1...5_000).contains(validationImages), "validationImages is \(validationImages), expected 1 to 5000")
    try require((1...10_000).contains(testImages), "testImages is \(testImages), expected 1 to 10000")
    try require(batchSize > 0 && batchSize <= trainImages, "batchSize is \(batchSize), expected 1 to trainImages")
    try require(imageSize >= 28, "imageSize is \(imageSize), the pictures have 28 pixels a side")
    try require(!networks.isEmpty, "networks is empty")
    try require((1...16).contains(parallelRuns), "parallelRuns is \(parallelRuns), expected 1 to 16")
    try require(wideWidth % heads == 0, "wideWidth \(wideWidth) isn't a multiple of \(heads) heads")
    do {
      try configuration(channels: 1, classes: 10).validate()
    } catch let error as TensorError {
      throw UsageError(error.message)
    }
  }
}

/// One finished training run.
struct TrainedNetwork: Codable {
  var architecture: Architecture
  var seed: Int
  var learningRate: Double
  var epochs: [EpochRecord]
  /// Share of test images classified correctly.
  var testAccuracy: Double
  var parameters: Int
  /// File with the weights, in the checkpoint folder.
  var weights: String
}

/// Transformer in Transformer against its outer transformer alone, on Fashion-MNIST.
public struct TNTExperiment: Experiment {
  public var paper: Paper { .tnt }
  public var datasets: [DatasetInfo] { [FashionMNIST.info] }

  public init() {}

  public func run(_ context: RunContext<TNTOptions>) throws -> Outcome {
    let options = context.options
    let data = try TNTData(options)
    let trainer = NetworkTrainer(context: context, data: data)
    let rates = try trainer.chooseLearningRates()
    let networks = try trainer.trainAll(rates)
    let cost = try StepCost.measure(trainer, rates)
    let summary = TNTSummary(options: options, networks: networks, rates: rates, cost: cost)
    return Outcome(
      claims: summary.claims(), report: try summary.report() + TNTFigures.blocks(networks, trainer: trainer))
  }
}

/// The pictures of the experiment.
public struct TNTData: Sendable {
  public let train: ImageDataset
  public let validation: ImageDataset
  let test: ImageDataset

  /// Fetches Fashion-MNIST if need be. The last 5,000 training images are held out for choices.
  public init(_ options: TNTOptions) throws {
    let sets = try FashionMNIST.load()
    let size = options.imageSize
    let held = sets.train.count - 5_000
    train = try sets.train.subset(0..<options.trainImages).padded(to: size)
    validation = try sets.train.subset(held..<(held + options.validationImages)).padded(to: size)
    test = try sets.test.subset(0..<options.testImages).padded(to: size)
  }
}
