import Lab
import NN
import Pinion

/// How a student learns from a teacher without data: a generator looks for pictures on which they differ.
public struct DistillationRecipe: Codable, Hashable, Sendable {
  /// What generator and student do.
  public enum Variant: String, Codable, CaseIterable, Sendable {
    /// The student minimises, the generator maximises the mean absolute difference of the logits: symmetric. Fang et
    /// al., "Data-Free Adversarial Distillation", 2019.
    case dfad
    /// The student minimises the divergence from the teacher's classes; the generator maximises it, and makes pictures
    /// of which the teacher is sure, in all classes, with strong features: losses of Chen et al., "Data-Free Learning
    /// of Student Networks" (DAFL), 2019.
    case dafl
  }

  public var variant: Variant
  /// Whether both move at once, from one forward and one backward pass of the student.
  public var isOneStage = true
  public var batchSize = 128
  public var steps = 1000
  public var studentRate = 2e-3
  public var generatorRate = 5e-3
  /// Weight of the student's loss, with its sign changed, in the generator's; not 0.
  public var adversarial: Double
  /// Weights of DAFL's terms: sure classes, even classes, strong features.
  public var sureness = 1.0
  public var evenness = 5.0
  public var strength = 0.1
  /// Weight of the distance between the statistics of made pictures in the teacher's normalised layers and those that it
  /// kept of its training: what real pictures look like, without any of them.
  public var statistics = 100.0

  public init(_ variant: Variant = .dafl) {
    self.variant = variant
    // DFAD's loss isn't bounded: at full weight the generator runs away from the student.
    adversarial = variant == .dfad ? 0.1 : 1
  }

  /// The student's loss, of logits [N, K] of teacher and student.
  func studentLoss(_ teacher: Tensor, _ student: Tensor) -> Tensor {
    switch variant {
    case .dfad: (teacher - student).abs().mean()
    case .dafl: klDivergence(student.logSoftmax(), teacher.softmax())
    }
  }

  /// The part of the generator's loss in which the student has none; nil where there is no such part.
  func teacherLoss(
    _ teacher: FeatureClassifier, _ images: Tensor, _ scores: FeatureClassifier.Scores
  ) -> Tensor? {
    let gap = statistics > 0 ? statistics * teacher.statisticsGap(images) : nil
    guard variant == .dafl else { return gap }
    let logits = scores.logits
    let sure = crossEntropy(logits, stopGradient(logits.argMax()))
    let mean = logits.softmax().mean(0)
    let even = (mean * maximum(mean, 1e-12).log()).sum()
    let own = sureness * sure + evenness * even - strength * scores.features.abs().mean()
    return gap.map { own + $0 } ?? own
  }
}

/// Gradients of student and made pictures at one place.
struct DistillationGradients: Module {
  var student: StudentNetwork
  /// Of the generator's loss.
  var images: Tensor
  /// The student's loss.
  var loss: Tensor
}

/// What a student's loss is differentiated by.
private struct Shown: Module {
  var student: StudentNetwork
  var images: Tensor
}

extension DistillationRecipe {
  /// The generator's loss of made pictures.
  func generatorLoss(_ teacher: FeatureClassifier, _ student: StudentNetwork, _ images: Tensor) -> Tensor {
    let told = teacher(images)
    let value = -adversarial * studentLoss(told.logits, student(images))
    return teacherLoss(teacher, images, told).map { $0 + value } ?? value
  }

  /// Both gradients by one forward and one backward pass of the student.
  ///
  /// With w = `adversarial`, L_s the student's loss and L_t the part of the generator's loss that is the teacher's alone:
  /// the gradient of L_s - L_t / w is that of L_s by the student's weights, and -1/w times that of the generator's loss
  /// L_t - w L_s by the pictures.
  func gradients(
    _ teacher: FeatureClassifier, _ student: StudentNetwork, _ images: Tensor
  ) throws -> DistillationGradients {
    let (_, slopes, loss) = try valueAndGrad(Shown(student: student, images: images)) { shown in
      let told = teacher(shown.images)
      let value = studentLoss(told.logits, shown.student(shown.images))
      return (teacherLoss(teacher, shown.images, told).map { value - $0 / adversarial } ?? value, value)
    }
    return DistillationGradients(student: slopes.student, images: -adversarial * slopes.images, loss: loss)
  }
}

/// A small convolutional network from pictures of 32 x 32 to classes. It has no batch normalisation: statistics of made
/// pictures would mislead it on real ones.
public struct StudentNetwork: Module {
  var convolutions: [Conv2D]
  var hidden: Dense
  var head: Dense

  /// - Parameters:
  ///   - channels: of the pictures.
  ///   - classes: to tell apart.
  ///   - width: channels of the first layer; the others have twice and four times as many.
  ///   - key: randomness of the first values.
  public init(channels: Int, classes: Int, width: Int = 16, key: Key) {
    let keys = key.split(5)
    let sizes = [channels, width, 2 * width, 4 * width]
    convolutions = (0..<3).map { i in
      Conv2D(
        sizes[i], sizes[i + 1], kernel: [i == 0 ? 5 : 3], strides: [2], padding: .same, weight: .heNormal, key: keys[i])
    }
    hidden = Dense(16 * 4 * width, 4 * width, weight: .heNormal, key: keys[3])
    head = Dense(4 * width, classes, weight: .lecunNormal, key: keys[4])
  }

  /// Logits [N, classes] of pictures [N, 32, 32, channels] in -1...1.
  public func callAsFunction(_ images: Tensor) -> Tensor {
    let x = convolutions.reduce(images) { relu($1($0)) }
    return head(relu(hidden(x.flatten(from: 1))))
  }
}

/// Student and generator with their optimizers.
public struct Distillation<G: GeneratorNetwork>: Module {
  public var student: StudentNetwork
  public var generator: G
  var studentRule: Adam<StudentNetwork>
  var generatorRule: Adam<G>
  var key: Key

  /// The state before the first step.
  ///
  /// - Throws: as `leaves(of:)`.
  public init(_ student: StudentNetwork, _ generator: G, recipe: DistillationRecipe, key: Key) throws {
    self.student = try map(student) { $0.tensor.copy() }
    self.generator = try map(generator) { $0.tensor.copy() }
    let rate = NN.Schedule.cosine(peak: recipe.studentRate, total: recipe.steps, end: recipe.studentRate / 50)
    studentRule = try Adam(for: student, learningRate: rate)
    generatorRule = try Adam(
      for: generator,
      learningRate: .cosine(peak: recipe.generatorRate, total: recipe.steps, end: recipe.generatorRate / 50),
      beta1: 0.5)
    self.key = key
  }

  /// One step of both.
  ///
  /// - Parameter teacher: isn't changed.
  /// - Returns: the student's loss before the step.
  /// - Throws: `TensorError`.
  public mutating func step(_ teacher: FeatureClassifier, recipe: DistillationRecipe) throws -> Tensor {
    let keys = key.split(3)
    key = keys[0]
    let shape = [recipe.batchSize, generator.noiseSize]
    return recipe.isOneStage
      ? try oneStage(teacher, keys[1].normal(shape), recipe)
      : try twoStages(teacher, keys[1].normal(shape), keys[2].normal(shape), recipe)
  }

  private mutating func oneStage(
    _ teacher: FeatureClassifier, _ noise: Tensor, _ recipe: DistillationRecipe
  ) throws -> Tensor {
    let (made, back) = try pictures(of: &generator, noise)
    let slopes = try recipe.gradients(teacher, student, stopGradient(made))
    try studentRule.update(&student, slopes.student)
    try generatorRule.update(&generator, back(slopes.images))
    return slopes.loss
  }

  private mutating func twoStages(
    _ teacher: FeatureClassifier, _ noise: Tensor, _ next: Tensor, _ recipe: DistillationRecipe
  ) throws -> Tensor {
    let (made, _) = try pictures(of: &generator, noise)
    let images = stopGradient(made)
    let told = stopGradient(teacher(images).logits)
    let (loss, slopes) = try valueAndGrad(student) { recipe.studentLoss(told, $0(images)) }
    try studentRule.update(&student, slopes)
    let (fresh, back) = try pictures(of: &generator, next)
    let judge = student
    let cotangent = try grad { (images: Tensor) in recipe.generatorLoss(teacher, judge, images) }(stopGradient(fresh))
    try generatorRule.update(&generator, back(cotangent))
    return loss
  }
}

extension StudentNetwork {
  /// Share of labelled pictures classified correctly.
  ///
  /// - Throws: `FormatError`, `TensorError`, `PJRTError`.
  public func accuracy(on data: ImageDataset) throws -> Double {
    let predict = jit { (student: StudentNetwork, images: Tensor) in student(images).argMax() }
    let size = min(500, data.count)
    let loader = try DataLoader(data, batchSize: size, normalization: .symmetric(channels: data.channels))
    let guesses = try loader.epoch(0).map { batch in
      let count = batch.images.shape[0]
      // One program serves all batches: the last is filled up.
      let filled = count == size ? batch.images : batch.images.pad(low: [0, 0, 0, 0], high: [size - count, 0, 0, 0])
      return try predict(self, filled).slice(axis: 0, to: count)
    }
    return try (concatenate(guesses) .== data.labelTensor).cast(.float32).mean().item()
  }
}

/// The compiled step of a distillation.
final class DistillationProgram<G: GeneratorNetwork>: @unchecked Sendable {
  let step: (Distillation<G>, FeatureClassifier) throws -> (Distillation<G>, Tensor)

  init(_ recipe: DistillationRecipe) {
    step = jit(donating: 0) { (state: Distillation<G>, teacher: FeatureClassifier) in
      var state = state
      let loss = try state.step(teacher, recipe: recipe)
      return (state, loss)
    }
  }
}
