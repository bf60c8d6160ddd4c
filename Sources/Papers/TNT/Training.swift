import Formats
import Foundation
import Lab
import NN
import Pinion

/// How a network is trained: AdamW with a cosine schedule, as in the paper, at laptop scale.
public struct TrainingRecipe: Codable, Hashable, Sendable {
  /// Passes over the pictures.
  public var epochs = 10
  /// Pictures of a step.
  public var batchSize = 64
  /// Peak learning rate.
  public var learningRate = 1e-3
  /// Decoupled weight decay; biases, norms, position tables and the class token are spared.
  public var weightDecay = 0.05
  /// Share of the steps over which the rate rises.
  public var warmup = 0.1
  /// Share of the target spread over all classes.
  public var labelSmoothing = 0.0
  /// Pixels by which random crops shift a picture.
  public var cropPadding = 2
  /// Whether pictures are flipped left to right at random.
  public var flips = true
  /// Probability that a rectangle is erased (the paper: 0.25).
  public var erasing = 0.0
  /// Parameter of mixup's beta distribution (the paper: 0.8); 0 is off.
  public var mixup = 0.0
  /// Parameter of cutmix's (the paper: 1); 0 is off.
  public var cutmix = 0.0

  public init() {}
}

/// What an epoch came to.
public struct EpochRecord: Codable, Sendable {
  /// Epochs done, from 1.
  public var epoch: Int
  /// Mean loss of the epoch's steps.
  public var trainLoss: Double
  /// Share of held-out pictures classified correctly.
  public var validationAccuracy: Double
}

/// The compiled step and prediction of one kind of network. Runs of several seeds, on several threads, share it.
public final class TrainingProgram<Model: ImageClassifier>: @unchecked Sendable {
  typealias State = TrainState<AdamW<Model>>

  let step: (State, Batch) throws -> (State, Tensor)
  let predict: (Model, Tensor) throws -> Tensor

  /// - Parameter labelSmoothing: share of the target spread over all classes.
  public init(labelSmoothing: Double) {
    step = trainStep { (model: inout Model, batch: Batch, key: Key) in
      let logits = model(batch.images, key: key)
      if let targets = batch.targets { return crossEntropy(logits, targets) }
      return crossEntropy(logits, batch.labels, labelSmoothing: labelSmoothing)
    }
    predict = jit { (model: Model, images: Tensor) in model(images, key: nil) }
  }
}

/// The training of one network: epoch by epoch, so that it can be saved, stopped and taken up between them.
public struct Training<Model: ImageClassifier> {
  private let program: TrainingProgram<Model>
  private let loader: DataLoader
  private let normalization: Normalization
  private var state: TrainState<AdamW<Model>>
  /// Epochs done.
  public private(set) var history: [EpochRecord] = []

  /// - Parameters:
  ///   - model: first weights.
  ///   - train: pictures to learn from.
  ///   - seed: of the pictures' order and changes, and of what is dropped.
  ///   - program: shared with other runs of the same kind of network; its own without it.
  /// - Throws: `FormatError` where the data don't make a batch; `TensorError`.
  public init(
    model: Model, recipe: TrainingRecipe, train: ImageDataset, seed: UInt64, program: TrainingProgram<Model>? = nil
  ) throws {
    self.program = program ?? TrainingProgram(labelSmoothing: recipe.labelSmoothing)
    normalization = train.normalization()
    let mixes = recipe.mixup > 0 || recipe.cutmix > 0
    loader = try DataLoader(
      train, batchSize: min(recipe.batchSize, train.count), key: Key(seed), dropsLast: true,
      augmentation: Augmentation(
        flips: recipe.flips, cropPadding: recipe.cropPadding,
        erasing: recipe.erasing > 0 ? .init(probability: recipe.erasing) : nil),
      mixing: mixes
        ? Mixing(mixup: recipe.mixup, cutmix: recipe.cutmix, labelSmoothing: recipe.labelSmoothing) : nil,
      normalization: normalization)
    let total = recipe.epochs * loader.batchCount
    let optimizer = try AdamW(
      for: model,
      learningRate: .cosine(
        peak: recipe.learningRate, warmup: Int((recipe.warmup * Double(total)).rounded()), total: total),
      weightDecay: recipe.weightDecay, decays: Self.decays)
    // Steps reuse the memory of the state, and the caller's model isn't ours to give away.
    state = TrainState(model: try map(model) { $0.tensor.copy() }, optimizer: optimizer, key: Key(seed).foldIn(2))
  }

  /// Weights of matrices and kernels decay; biases, norms, position tables and the class token don't.
  private static func decays(_ leaf: Leaf) -> Bool {
    leaf.tensor.rank > 1 && !leaf.path.lowercased().hasSuffix("positions") && !leaf.path.hasSuffix("classToken")
  }

  /// Steps of an epoch.
  public var stepsPerEpoch: Int { loader.batchCount }

  /// The weights as they stand.
  public var model: Model { state.model }

  /// Runs the next epoch.
  ///
  /// - Parameters:
  ///   - validation: held-out pictures; without them accuracy is recorded as 0.
  ///   - onStep: called after each step with the latest loss that is known, if any; what it throws ends the epoch, and the
  ///     training must then be restored from a saved state.
  /// - Throws: `TensorError` where the loss isn't finite; `PJRTError`.
  public mutating func runEpoch(validation: ImageDataset?, onStep: (Double?) throws -> Void) throws {
    var losses: [Tensor] = []
    var (sum, latest) = (0.0, history.last?.trainLoss)
    for batch in loader.epoch(history.count) {
      let loss: Tensor
      (state, loss) = try program.step(state, batch)
      losses.append(loss)
      // Reading waits for the step: do it rarely, and one step late.
      if losses.count % 16 == 0 { latest = try losses[losses.count - 2].item() }
      try onStep(latest)
    }
    for loss in losses { sum += try loss.item() }
    let mean = sum / Double(losses.count)
    guard mean.isFinite else {
      throw UsageError("the loss is \(mean) after \(history.count + 1) epochs; try a lower learning rate")
    }
    let accuracy = try validation.map { try evaluate($0).accuracy } ?? 0
    history.append(EpochRecord(epoch: history.count + 1, trainLoss: mean, validationAccuracy: accuracy))
  }

  /// Seconds that some steps take, after which the training isn't the same any more: for measurements.
  ///
  /// - Throws: `TensorError`, `PJRTError`.
  mutating func seconds(ofSteps count: Int) throws -> Double {
    let batches = Array(loader.epoch(0).prefix(count))
    let start = DispatchTime.now().uptimeNanoseconds
    var last: Tensor?
    for batch in batches { (state, last) = try program.step(state, batch) }
    _ = try last?.item()
    return Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
  }

  /// Accuracy and mean cross-entropy on labelled pictures.
  ///
  /// - Throws: `FormatError`, `TensorError`, `PJRTError`.
  public func evaluate(_ data: ImageDataset) throws -> (accuracy: Double, loss: Double) {
    try Predictor(model, normalization: normalization, program: program).evaluate(data)
  }

  /// Writes all that the next epoch needs, whole or not at all.
  ///
  /// - Throws: `FormatError` where the disk refuses.
  public func save(to url: URL) throws {
    let record = String(decoding: try JSONEncoder().encode(history), as: UTF8.self)
    try Safetensors.write(parameters(of: state), to: url.path, metadata: ["history": record])
  }

  /// Takes up what `save(to:)` wrote; nothing where there is no such file.
  ///
  /// - Throws: `FormatError` or `TensorError` where the file is another network's.
  public mutating func restore(from url: URL) throws {
    guard FileManager.default.fileExists(atPath: url.path) else { return }
    let file = try Safetensors(path: url.path)
    try load(file.tensors(), into: &state)
    history = try JSONDecoder().decode([EpochRecord].self, from: Data((file.metadata["history"] ?? "[]").utf8))
  }
}

/// Scores of pictures by a trained network.
public struct Predictor<Model: ImageClassifier> {
  private let model: Model
  private let normalization: Normalization
  private let program: TrainingProgram<Model>
  /// Pictures scored at once.
  private let batchSize = 500

  /// - Parameters:
  ///   - model: trained weights.
  ///   - normalization: that of the training.
  ///   - program: shared with other predictors of the same kind of network; its own without it.
  public init(_ model: Model, normalization: Normalization, program: TrainingProgram<Model>? = nil) {
    self.model = model
    self.normalization = normalization
    self.program = program ?? TrainingProgram(labelSmoothing: 0)
  }

  /// Logits of all pictures, in batches of equal size: the last one is filled up, so that one program serves all.
  private func logits(_ data: ImageDataset) throws -> [Tensor] {
    let size = min(batchSize, data.count)
    let loader = try DataLoader(data, batchSize: size, normalization: normalization)
    return try loader.epoch(0).map { batch in
      let count = batch.images.shape[0]
      if count == size { return try program.predict(model, batch.images) }
      let filled = batch.images.pad(low: [0, 0, 0, 0], high: [size - count, 0, 0, 0])
      return try program.predict(model, filled).slice(axis: 0, to: count)
    }
  }

  /// Probabilities of the classes, row-major.
  ///
  /// - Throws: `FormatError`, `TensorError`, `PJRTError`.
  public func probabilities(_ data: ImageDataset) throws -> [Float] {
    try logits(data).flatMap { try $0.softmax().array(of: Float.self) }
  }

  /// Accuracy and mean cross-entropy on labelled pictures.
  ///
  /// - Throws: `FormatError`, `TensorError`, `PJRTError`.
  public func evaluate(_ data: ImageDataset) throws -> (accuracy: Double, loss: Double) {
    let all = concatenate(try logits(data))
    let labels = data.labelTensor
    let right = try (all.argMax() .== labels).cast(.int32).sum().item()
    return (right / Double(data.count), try crossEntropy(all, labels).item())
  }
}
