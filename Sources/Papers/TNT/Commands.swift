import ArgumentParser
import Formats
import Foundation
import Lab
import NN
import Pinion

/// TNT on the user's own pictures.
public struct TNTCommand: ParsableCommand {
  public static let configuration = CommandConfiguration(
    commandName: "tnt", abstract: "Train Transformer in Transformer on your own pictures, and use it.",
    discussion: """
      Pictures come as a folder with a folder of PNG or JPEG files for each class, as IDX files (MNIST), or as CIFAR-10's \
      binary batches:

        ./pinion tnt train --data photos/ --out cats.safetensors
        ./pinion tnt predict --model cats.safetensors new.png
        ./pinion tnt evaluate --model cats.safetensors --data held-out/
      """,
    subcommands: [Train.self, Predict.self, Evaluate.self])

  public init() {}
}

/// Sizes of the network that `train` offers.
enum TNTPreset: String, ExpressibleByArgument, CaseIterable {
  case laptop, tiny, small, base

  /// Sizes for square pictures.
  ///
  /// - Throws: `UsageError` where the pictures' side doesn't divide into patches.
  func configuration(side: Int, channels: Int, classes: Int) throws -> TNTConfiguration {
    var c: TNTConfiguration
    switch self {
    case .laptop:
      c = TNTConfiguration()
      (c.width, c.innerWidth, c.depth, c.heads, c.innerHeads) = (96, 12, 6, 3, 2)
    case .tiny: c = .tiny
    case .small: c = .small
    case .base: c = .base
    }
    (c.imageSize, c.channels, c.classes) = (side, channels, classes)
    do { try c.validate() } catch let error as TensorError { throw UsageError("--side \(side): \(error.message)") }
    return c
  }
}

extension TNTCommand {
  struct Train: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Train on a folder of labelled pictures.",
      discussion: """
        A tenth of the pictures is held out unless the data come with test pictures, and the best epoch's accuracy on \
        them is shown. Ctrl-C saves the last finished epoch; the same command with --resume goes on from there.
        """)

    @Option(help: .init("Folder with a folder for each class, IDX file, or CIFAR-10 batch.", valueName: "path"))
    var data: String
    @Option(help: .init("File for the trained network.", valueName: "file.safetensors"))
    var out: String
    @Option(help: "Side of the square pictures in pixels, a multiple of 16; others are resized, their centre kept.")
    var side = 32
    @Flag(help: "Use grey levels only.")
    var grey = false
    @Option(help: "Size of the network: \(TNTPreset.allCases.map(\.rawValue).joined(separator: ", ")).")
    var size = TNTPreset.laptop
    @Option(help: "Start from this trained network; its position table is stretched to --side.")
    var from: String?
    @Option(
      help: .init(
        "Start from timm's weights of tnt_s_legacy_patch16_224 or its like, of the given --size.",
        valueName: "file.safetensors"))
    var timm: String?
    @Option(help: "Passes over the pictures.")
    var epochs = 20
    @Option(help: "Pictures of a step.")
    var batchSize = 64
    @Option(help: "Peak learning rate.")
    var learningRate = 1e-3
    @Option(help: "Weight decay.")
    var weightDecay = 0.05
    @Option(help: "Share of the target spread over all classes.")
    var labelSmoothing = 0.1
    @Option(help: "Rate at which the last block's residual branches are dropped.")
    var dropPath = 0.0
    @Option(help: "Parameter of mixup; the paper takes 0.8.")
    var mixup = 0.0
    @Option(help: "Parameter of cutmix; the paper takes 1.")
    var cutmix = 0.0
    @Option(help: "Probability of erasing a rectangle; the paper takes 0.25.")
    var erasing = 0.0
    @Flag(inversion: .prefixedNo, help: "Flip pictures left to right at random.")
    var flips = true
    @Option(help: "Seed of all randomness.")
    var seed: UInt64 = 0
    @Option(help: "CPU threads (default: all).")
    var threads: Int?
    @Flag(help: "Go on from the last finished epoch of an interrupted training.")
    var resume = false

    func validate() throws {
      func require(_ holds: Bool, _ message: String) throws {
        if !holds { throw ValidationError(message) }
      }
      try require(epochs > 0, "--epochs \(epochs): expected at least 1")
      try require(batchSize > 0, "--batch-size \(batchSize): expected at least 1")
      try require(learningRate > 0, "--learning-rate \(learningRate): expected a positive number")
      try require((0..<1).contains(labelSmoothing), "--label-smoothing \(labelSmoothing): expected 0 to 1")
      try require((0..<1).contains(dropPath), "--drop-path \(dropPath): expected 0 to 1")
      try require(out.hasSuffix(".safetensors"), "--out \(out): expected a name that ends in .safetensors")
    }

    func run() throws {
      if let threads { try Threads.limit(to: threads) }
      Interrupt.listen()
      let splits = try ImageFolder(side: side, channels: grey ? 1 : 3).load(data)
      let (train, test): (ImageDataset, ImageDataset)
      if let given = splits.test {
        (train, test) = (splits.train, given)
      } else {
        (train, test) = try splits.train.split(heldOut: max(1, splits.train.count / 10), key: Key(seed).foldIn(3))
      }
      let model = try initialModel(channels: train.channels, classes: train.classCount)
      try fit(model, train: train, test: test)
    }

    private func initialModel(channels: Int, classes: Int) throws -> TNT {
      var configuration = try size.configuration(side: side, channels: channels, classes: classes)
      configuration.dropPath = dropPath
      if let timm {
        guard from == nil else { throw UsageError("--from and --timm exclude each other") }
        var sizes = try size.configuration(side: 224, channels: channels, classes: 1000)
        let weights = try Safetensors(path: timm).tensors()
        sizes.classes = weights["head.bias"]?.count ?? sizes.classes
        let model = try TNT(timm: weights, configuration: sizes)
        return try model.resized(to: side).withClasses(classes, channels: channels, key: Key(seed).foldIn(1))
      }
      guard let from else { return try TNT(configuration, key: Key(seed).foldIn(1), initializer: .fanInUniform) }
      guard let model = try Checkpoint(path: from).model() as? TNT else {
        throw UsageError("\(from): the network isn't a TNT")
      }
      return try model.resized(to: side).withClasses(classes, channels: channels, key: Key(seed).foldIn(1))
    }

    private func fit(_ model: TNT, train: ImageDataset, test: ImageDataset) throws {
      var recipe = TrainingRecipe()
      (recipe.epochs, recipe.batchSize, recipe.learningRate) = (epochs, batchSize, learningRate)
      (recipe.weightDecay, recipe.labelSmoothing, recipe.flips) = (weightDecay, labelSmoothing, flips)
      (recipe.mixup, recipe.cutmix, recipe.erasing) = (mixup, cutmix, erasing)
      recipe.cropPadding = max(2, side / 16)
      let progress = ProgressDisplay.standardError()
      progress.note(
        "\(train.count) pictures of \(train.classCount) classes to train on, \(test.count) held out; "
          + "\(try parameterCount(of: model)) parameters")
      var training = try Training(model: model, recipe: recipe, train: train, seed: seed)
      let saved = URL(fileURLWithPath: out + ".state")
      if resume { try training.restore(from: saved) }
      let bar = progress.start("training", total: epochs * training.stepsPerEpoch)
      bar.skip(training.history.count * training.stepsPerEpoch)
      var accuracy = training.history.last?.validationAccuracy ?? 0
      do {
        while training.history.count < epochs {
          try training.runEpoch(validation: test) { loss in
            if Interrupt.ofProcess.isRequested { throw Interrupted() }
            guard let loss else { return bar.advance() }
            bar.advance(values: ["loss": loss, "held-out accuracy": accuracy])
          }
          accuracy = training.history.last?.validationAccuracy ?? 0
          try training.save(to: saved)
        }
      } catch is Interrupted {
        bar.finish()
        let done = training.history.isEmpty ? "no epoch was finished" : "\(training.history.count) epochs are saved"
        let how = training.history.isEmpty ? "" : "; go on with the same command and --resume"
        FileHandle.standardError.write(Data("interrupted; \(done)\(how)\n".utf8))
        throw ExitCode(130)
      }
      bar.finish()
      try Checkpoint(
        training.model, configuration: training.model.configuration, architecture: .tnt,
        classNames: train.classNames, normalization: train.normalization()
      ).write(to: out)
      try? FileManager.default.removeItem(at: saved)
      print("accuracy on \(test.count) held-out pictures: \(String(format: "%.2f", accuracy * 100)) %")
      print("wrote \(out)")
    }
  }

  struct Predict: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Name what is in pictures.")

    @Option(help: .init("Network that `train` wrote.", valueName: "file.safetensors"))
    var model: String
    @Option(help: "Classes shown for each picture, most likely first.")
    var top = 3
    @Flag(help: "Print one JSON object a picture.")
    var json = false
    @Option(help: .init("Folder for a picture of where the network looks, one for each.", valueName: "dir"))
    var show: String?
    @Argument(help: "PNG or JPEG files.")
    var pictures: [String]

    func validate() throws {
      if top < 1 { throw ValidationError("--top \(top): expected at least 1") }
    }

    func run() throws {
      let checkpoint = try Checkpoint(path: model)
      let c = checkpoint.configuration
      let reader = ImageFolder(side: c.imageSize, channels: c.channels)
      let bytes = try pictures.flatMap { try reader.image($0).bytes }
      let data = try ImageDataset(
        name: "pictures", images: bytes, height: c.imageSize, width: c.imageSize, channels: c.channels,
        labels: Array(repeating: 0, count: pictures.count), classNames: checkpoint.classNames)
      let scores = try checkpoint.probabilities(data)
      if let show { try write(attention: checkpoint, data, to: show) }
      for (i, picture) in pictures.enumerated() {
        let mine = Array(scores[(i * data.classCount)..<((i + 1) * data.classCount)])
        let best = mine.indices.sorted { mine[$0] > mine[$1] }.prefix(top)
        if json {
          let line = Prediction(
            picture: picture, classes: best.map { .init(name: data.classNames[$0], probability: mine[$0]) })
          let encoder = JSONEncoder()
          encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
          print(String(decoding: try encoder.encode(line), as: UTF8.self))
        } else {
          let named = best.map { "\(data.classNames[$0]) \(String(format: "%.1f", mine[$0] * 100)) %" }
          print("\(picture): \(named.joined(separator: ", "))")
        }
      }
    }

    /// Writes each picture beside the network's attention to it.
    private func write(attention checkpoint: Checkpoint, _ data: ImageDataset, to folder: String) throws {
      guard let model = try checkpoint.model() as? TNT else {
        throw UsageError("\(self.model): the network isn't a TNT, so it has no attention to show")
      }
      do {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      } catch {
        throw UsageError("\(folder): the folder can't be made")
      }
      for (i, picture) in pictures.enumerated() {
        let loader = try DataLoader(
          data.subset([i]), batchSize: 1, normalization: checkpoint.normalization, prefetch: 0)
        guard let batch = loader.epoch(0).makeIterator().next(),
          let map = try AttentionMap.maps(model.forward(batch.images).trace, model.configuration)?.first
        else { continue }
        let image = try data.image(at: i).converted(channels: 3).enlarged(max(1, 256 / data.height))
        let name = URL(fileURLWithPath: picture).deletingPathExtension().lastPathComponent
        let file = "\(folder)/\(i + 1)-\(name).png"
        try Image.grid([image, map.overlay(image)], columns: 2, gap: 4).write(to: file)
      }
    }

    struct Prediction: Encodable {
      struct Class: Encodable {
        var name: String
        var probability: Float
      }
      var picture: String
      var classes: [Class]
    }
  }

  struct Evaluate: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Measure accuracy on labelled pictures.")

    @Option(help: .init("Network that `train` wrote.", valueName: "file.safetensors"))
    var model: String
    @Option(help: .init("Labelled pictures, of the classes that it was trained on.", valueName: "path"))
    var data: String

    func run() throws {
      let checkpoint = try Checkpoint(path: model)
      let c = checkpoint.configuration
      let splits = try ImageFolder(side: c.imageSize, channels: c.channels).load(data)
      let pictures = splits.test ?? splits.train
      guard pictures.classNames == checkpoint.classNames else {
        throw UsageError(
          "\(data): has the classes \(pictures.classNames.joined(separator: ", ")), the network knows "
            + checkpoint.classNames.joined(separator: ", "))
      }
      let scores = try checkpoint.probabilities(pictures)
      let k = pictures.classCount
      var (first, five) = (0, 0)
      for (i, label) in pictures.labels.enumerated() {
        let mine = scores[(i * k)..<((i + 1) * k)]
        let better = mine.count { $0 > mine[i * k + Int(label)] }
        if better < 1 { first += 1 }
        if better < 5 { five += 1 }
      }
      func share(_ count: Int) -> String { String(format: "%.2f %%", Double(count) / Double(pictures.count) * 100) }
      print("pictures  \(pictures.count)")
      print("top-1     \(share(first))")
      if k > 5 { print("top-5     \(share(five))") }
    }
  }
}

extension Checkpoint {
  /// Probabilities of the classes, row-major.
  ///
  /// - Throws: `FormatError`, `TensorError`, `PJRTError`.
  func probabilities(_ data: ImageDataset) throws -> [Float] {
    func scores<M: ImageClassifier>(_ model: M) throws -> [Float] {
      try Predictor(model, normalization: normalization).probabilities(data)
    }
    return try scores(try model())
  }
}
