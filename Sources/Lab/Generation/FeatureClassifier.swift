import Formats
import Foundation
import NN
import Pinion

/// A small convolutional classifier of pictures of 32 x 32, whose last hidden layer of 128 numbers serves as features.
public struct FeatureClassifier: Module {
  /// Numbers of a feature vector.
  public static let featureSize = 128

  var convolutions: [Conv2D]
  var norms: [BatchNorm]
  var hidden: Dense
  var head: Dense

  /// - Parameters:
  ///   - channels: of the pictures.
  ///   - classes: to tell apart.
  ///   - width: channels of the first layer; the others have twice and four times as many.
  ///   - key: randomness of the first values.
  public init(channels: Int, classes: Int, width: Int = 32, key: Key) {
    let keys = key.split(5)
    let sizes = [channels, width, 2 * width, 4 * width]
    norms = sizes.dropFirst().map { BatchNorm($0) }
    convolutions = (0..<3).map { i in
      Conv2D(
        sizes[i], sizes[i + 1], kernel: [i == 0 ? 5 : 3], strides: [2], padding: .same, bias: false, weight: .heNormal,
        key: keys[i])
    }
    hidden = Dense(16 * 4 * width, Self.featureSize, weight: .heNormal, key: keys[3])
    head = Dense(Self.featureSize, classes, weight: .lecunNormal, key: keys[4])
  }

  /// What the network says of pictures.
  public struct Scores: Module {
    /// [N, classes].
    public var logits: Tensor
    /// [N, 128], not negative.
    public var features: Tensor
  }

  /// Scores of pictures [N, 32, 32, channels] in -1...1, by the running statistics.
  public func callAsFunction(_ images: Tensor) -> Scores {
    var copy = self
    return copy.scores(images, training: false, key: nil)
  }

  /// How far the statistics of pictures are from those of the training pictures, at each normalised layer: mean over
  /// channels of (μ - μ')² / σ'² + (σ / σ' - 1)², summed over layers. Yin et al., "Dreaming to Distill", 2020, as a ratio.
  ///
  /// - Parameter images: [N, 32, 32, channels] in -1...1.
  /// - Returns: a scalar.
  public func statisticsGap(_ images: Tensor) -> Tensor {
    var (x, gap) = (images, Tensor.zeros([], dtype: images.dtype))
    for (convolution, norm) in zip(convolutions, norms) {
      let y = convolution(x)
      let mean = y.mean(0, 1, 2)
      let variance = (y - mean).square().mean(0, 1, 2)
      let known = norm.runningVariance + norm.epsilon
      let spread = ((variance + norm.epsilon) / known).sqrt() - 1
      gap = gap + ((mean - norm.runningMean).square() / known + spread.square()).mean()
      x = relu(norm(y))
    }
    return gap
  }

  /// Scores by the statistics of the batch; the running ones move.
  ///
  /// - Parameter key: randomness of dropout before the last layer; without it nothing is dropped.
  public mutating func train(_ images: Tensor, key: Key? = nil) -> Scores {
    scores(images, training: true, key: key)
  }

  private mutating func scores(_ images: Tensor, training: Bool, key: Key?) -> Scores {
    var x = images
    for i in convolutions.indices { x = relu(norms[i](convolutions[i](x), training: training)) }
    let features = relu(hidden(x.flatten(from: 1)))
    return Scores(logits: head(Dropout(0.3)(features, key: key)), features: features)
  }
}

/// Pictures of -1...1 in a loader's terms.
extension Normalization {
  /// Levels 0...1 become -1...1.
  public static func symmetric(channels: Int) -> Normalization {
    Normalization(mean: Array(repeating: 0.5, count: channels), deviation: Array(repeating: 0.5, count: channels))
  }
}

/// How a `FeatureClassifier` is trained: AdamW with a cosine schedule, and flips.
public struct ClassifierRecipe: Codable, Hashable, Sendable {
  public var epochs = 5
  public var batchSize = 128
  public var learningRate = 5e-3
  public var weightDecay = 0.02
  public var flips = true

  public init() {}
}

extension FeatureClassifier {
  /// Trains a classifier.
  ///
  /// - Parameters:
  ///   - data: labelled pictures of 32 x 32.
  ///   - seed: of first weights, order and dropout.
  ///   - onStep: called before each step with the number of all steps.
  /// - Throws: `FormatError` where the pictures have another size; what `onStep` throws; `TensorError`, `PJRTError`.
  public static func trained(
    on data: ImageDataset, width: Int = 32, recipe: ClassifierRecipe = .init(), seed: UInt64,
    onStep: (_ total: Int) throws -> Void = { _ in }
  ) throws -> FeatureClassifier {
    try data.checkSide(32)
    let model = FeatureClassifier(
      channels: data.channels, classes: data.classCount, width: width, key: Key(seed).foldIn(1))
    let loader = try DataLoader(
      data, batchSize: min(recipe.batchSize, data.count), key: Key(seed).foldIn(2), dropsLast: true,
      augmentation: Augmentation(flips: recipe.flips),
      normalization: .symmetric(channels: data.channels))
    let total = recipe.epochs * loader.batchCount
    let rate = Schedule.cosine(peak: recipe.learningRate, warmup: total / 20, total: total)
    let optimizer = try AdamW(
      for: model, learningRate: rate, weightDecay: recipe.weightDecay, decays: { $0.tensor.rank > 1 })
    var state = TrainState(model: model, optimizer: optimizer, key: Key(seed).foldIn(3))
    let step = trainStep(for: AdamW<FeatureClassifier>.self) { (model: inout FeatureClassifier, batch: Batch, key) in
      crossEntropy(model.train(batch.images, key: key).logits, batch.labels)
    }
    for epoch in 0..<recipe.epochs {
      for batch in loader.epoch(epoch) {
        try onStep(total)
        (state, _) = try step(state, batch)
      }
    }
    return state.model
  }

  /// Share of pictures classified correctly.
  ///
  /// - Throws: `FormatError` where the pictures have another size; `TensorError`, `PJRTError`.
  public func accuracy(on data: ImageDataset) throws -> Double {
    try ClassifierProgram.shared.accuracy(self, on: data)
  }

  /// Features [N, 128] of all pictures of a set.
  ///
  /// - Throws: as `accuracy(on:)`.
  public func features(of data: ImageDataset) throws -> Tensor {
    concatenate(try ClassifierProgram.shared.scores(self, data).map(\.features))
  }

  /// Features [N, 128] of pictures [N, 32, 32, channels] in -1...1.
  ///
  /// - Throws: `TensorError`, `PJRTError`.
  public func features(of images: Tensor) throws -> Tensor {
    try ClassifierProgram.shared.score(self, images).features
  }
}

/// The compiled forward pass of classifiers. Compiled functions may be called from several threads; their type doesn't
/// say so.
private final class ClassifierProgram: @unchecked Sendable {
  static let shared = ClassifierProgram()
  typealias Scores = FeatureClassifier.Scores

  let score = jit { (model: FeatureClassifier, images: Tensor) -> Scores in model(images) }

  /// Scores in batches of equal size: the last one is filled up, so that one program serves all.
  func scores(_ model: FeatureClassifier, _ data: ImageDataset) throws -> [Scores] {
    try data.checkSide(32)
    let size = min(500, data.count)
    let loader = try DataLoader(data, batchSize: size, normalization: .symmetric(channels: data.channels))
    return try loader.epoch(0).map { batch in
      let count = batch.images.shape[0]
      if count == size { return try score(model, batch.images) }
      let filled = try score(model, batch.images.pad(low: [0, 0, 0, 0], high: [size - count, 0, 0, 0]))
      return Scores(
        logits: filled.logits.slice(axis: 0, to: count), features: filled.features.slice(axis: 0, to: count))
    }
  }

  func accuracy(_ model: FeatureClassifier, on data: ImageDataset) throws -> Double {
    let logits = concatenate(try scores(model, data).map(\.logits))
    return try (logits.argMax() .== data.labelTensor).cast(.float32).mean().item()
  }
}

extension ImageDataset {
  /// - Throws: `FormatError` where the pictures aren't squares of a side.
  func checkSide(_ side: Int) throws {
    guard height == side, width == side else {
      throw FormatError(name, "pictures are \(height) x \(width), expected \(side) x \(side)")
    }
  }
}
