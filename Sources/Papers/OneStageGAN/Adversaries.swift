import NN
import Pinion

/// How a generator and a discriminator are trained.
public struct GANRecipe: Codable, Hashable, Sendable {
  /// In which way a step updates the players.
  public enum Stages: String, Codable, CaseIterable, Sendable {
    /// Both at once, from one forward and one backward pass of the discriminator (OSGAN).
    case one = "one-stage"
    /// In turns, with new noise for the generator's step (TSGAN).
    case two = "two-stage"
    /// In turns, the generator's step on the pictures that the discriminator saw.
    case twoReused = "two-stage-reused"

    /// Whether the players move in turns.
    public var isTwo: Bool { self != .one }
  }

  public var loss = AdversarialLoss.nonSaturating
  public var stages = Stages.one
  /// Of one-stage training; nil for the loss's own.
  public var form: OneStageForm?
  /// Whether the generator's stage of two fills the discriminator's unused weight gradients as well, as frameworks do
  /// that compute the gradient of everything (PyTorch's `backward`); false computes what is used and no more.
  public var fillsUnused = false
  public var generatorRate = 2e-4
  public var discriminatorRate = 2e-4
  /// Decay of Adam's mean; that of the mean square is 0.999.
  public var beta1 = 0.5
  /// Decay of the generator's moving average.
  public var averaging = 0.999
  /// Largest size of the discriminator's weights (WGAN); nil for no limit.
  public var clip: Double?
  /// Weight of the squared slope at real pictures, halved (R1).
  public var r1 = 0.0
  /// Weight of the gradient penalty.
  public var gradientPenalty = 0.0

  public init() {}
}

/// Both players with their optimizers: what a step of adversarial training takes and gives.
public struct Adversaries<G: GeneratorNetwork, D: DiscriminatorNetwork>: Module {
  public var generator: G
  public var discriminator: D
  /// Moving average of the generator: what samples are drawn from.
  public var average: ExponentialMovingAverage<G>
  var generatorRule: Adam<G>
  var discriminatorRule: Adam<D>
  var key: Key

  /// The state before the first step.
  ///
  /// - Throws: as `leaves(of:)`.
  public init(_ generator: G, _ discriminator: D, recipe: GANRecipe, key: Key) throws {
    // Steps reuse the memory of the state, and the caller's networks aren't ours to give away.
    self.generator = try map(generator) { $0.tensor.copy() }
    self.discriminator = try map(discriminator) { $0.tensor.copy() }
    average = try ExponentialMovingAverage(of: generator, decay: recipe.averaging)
    generatorRule = try Adam(for: generator, learningRate: .constant(recipe.generatorRate), beta1: recipe.beta1)
    discriminatorRule = try Adam(
      for: discriminator, learningRate: .constant(recipe.discriminatorRate), beta1: recipe.beta1)
    self.key = key
  }

  /// What a step reports, as tensors that need not be read.
  public struct Report: Module {
    public var discriminatorLoss: Tensor
    public var generatorLoss: Tensor
    /// Scores of made pictures [N] before the step.
    public var fakeScores: Tensor
    /// Made pictures whose gradient γ can't bring back.
    public var dead: Tensor
    /// The discriminator's gradient that nobody uses, where the recipe asks for it.
    var unused: D?
  }

  /// One step.
  ///
  /// - Parameter real: pictures [N, side, side, channels] in -1...1; as many are made.
  /// - Throws: `TensorError`.
  public mutating func step(_ real: Tensor, recipe: GANRecipe) throws -> Report {
    let keys = key.split(4)
    key = keys[0]
    let noise = keys[1].normal([real.shape.first ?? 0, generator.noiseSize], dtype: real.dtype)
    discriminator.iterateSpectralNorms()
    return recipe.stages == .one
      ? try oneStage(real, noise, keys[3], recipe) : try twoStages(real, noise, keys, recipe)
  }

  /// Both players move at once, by gradients at their old places (Jacobi).
  private mutating func oneStage(_ real: Tensor, _ noise: Tensor, _ key: Key, _ recipe: GANRecipe) throws -> Report {
    let loss = recipe.loss
    let old = generator
    let slopes = try oneStageGradients(
      &generator, discriminator, real: real, noise: noise, loss: loss, form: recipe.form ?? loss.recommendedForm)
    var ofDiscriminator = slopes.discriminator
    if recipe.r1 > 0 || recipe.gradientPenalty > 0 {
      var old = old
      let made = old.train(noise)
      ofDiscriminator = try sum(ofDiscriminator, penalties(real, made, key, recipe))
    }
    try update(discriminator: ofDiscriminator, recipe)
    try update(generator: slopes.generator)
    return report(loss, slopes.realScores, slopes.fakeScores, unused: nil)
  }

  /// The discriminator moves, then the generator against the new one (Gauss-Seidel).
  private mutating func twoStages(_ real: Tensor, _ noise: Tensor, _ keys: [Key], _ recipe: GANRecipe) throws -> Report
  {
    let loss = recipe.loss
    var (made, back) = try pictures(of: &generator, noise)
    var (slopes, realScores, fakeScores) = try discriminatorGradients(
      discriminator, real: real, fakes: made, loss: loss)
    if recipe.r1 > 0 || recipe.gradientPenalty > 0 {
      slopes = try sum(slopes, penalties(real, made, keys[3], recipe))
    }
    try update(discriminator: slopes, recipe)
    if recipe.stages == .two {
      (made, back) = try pictures(of: &generator, keys[2].normal(noise.shape, dtype: noise.dtype))
    }
    let (cotangent, unused) = try generatorCotangent(discriminator, fakes: made, loss: loss, all: recipe.fillsUnused)
    try update(generator: back(cotangent))
    return report(loss, realScores, fakeScores, unused: unused)
  }

  private func report(_ loss: AdversarialLoss, _ real: Tensor, _ fake: Tensor, unused: D?) -> Report {
    Report(
      discriminatorLoss: loss.real(real).mean() + loss.fake(fake).mean(), generatorLoss: loss.generator(fake).mean(),
      fakeScores: fake, dead: loss.isDead(fake).cast(.int32).sum(), unused: unused)
  }

  private func penalties(_ real: Tensor, _ made: Tensor, _ key: Key, _ recipe: GANRecipe) throws -> D {
    try grad { (network: D) in
      var total = Tensor.zeros([], dtype: real.dtype)
      if recipe.r1 > 0 {
        total = total + 0.5 * recipe.r1 * (try DiscriminatorPenalty.squaredSlope(at: real) { network($0) })
      }
      if recipe.gradientPenalty > 0 {
        let penalty = try DiscriminatorPenalty.gradientPenalty(real: real, fake: made, key: key) { network($0) }
        total = total + recipe.gradientPenalty * penalty
      }
      return total
    }(discriminator)
  }

  private func sum<T: Tree>(_ a: T, _ b: T) throws -> T {
    try replacing(leaves: zip(tensorLeaves(of: a), tensorLeaves(of: b)).map { $0 + $1 }, in: a)
  }

  private mutating func update(discriminator slopes: D, _ recipe: GANRecipe) throws {
    try discriminatorRule.update(&discriminator, slopes)
    if let clip = recipe.clip { discriminator = try DiscriminatorPenalty.clipped(discriminator, to: clip) }
  }

  private mutating func update(generator slopes: G) throws {
    try generatorRule.update(&generator, slopes)
    try average.update(generator)
  }
}

/// The compiled step of a kind of players under a recipe; runs of several seeds, on several threads, share it.
public final class GANProgram<G: GeneratorNetwork, D: DiscriminatorNetwork>: @unchecked Sendable {
  public typealias State = Adversaries<G, D>

  /// One step, which reuses the memory of the state it is given.
  public let step: (State, Tensor) throws -> (State, State.Report)
  /// Pictures in -1...1 of noise by the running statistics.
  public let sample: (G, Tensor) throws -> Tensor
  /// The generator with its running statistics moved towards those of a batch of noise.
  public let settle: (G, Tensor) throws -> G

  public init(_ recipe: GANRecipe) {
    step = jit(donating: 0) { (state: State, real: Tensor) in
      var state = state
      let report = try state.step(real, recipe: recipe)
      return (state, report)
    }
    sample = jit { (generator: G, noise: Tensor) in generator(noise) }
    settle = jit { (generator: G, noise: Tensor) in
      var generator = generator
      _ = generator.train(noise)
      return generator
    }
  }
}
