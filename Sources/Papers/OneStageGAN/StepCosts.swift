import Foundation
import Lab
import NN
import Pinion

/// Seconds and multiply-adds of a step in each way of training.
struct StepCosts: Codable, Sendable {
  /// Ways of training a network.
  enum Way: String, Codable, CaseIterable, Sendable {
    /// One stage, by γ.
    case one
    /// One stage, two cotangents.
    case pullback
    /// Two stages with new noise, every gradient computed, as in the frameworks that the paper timed.
    case two
    /// Two stages with new noise, the discriminator's unused gradients left out.
    case lean
    /// Two stages on the same pictures, every gradient computed.
    case reused

    var title: String {
      switch self {
      case .one: "one stage, γ"
      case .pullback: "one stage, two cotangents"
      case .two: "two stages, new noise, all gradients"
      case .lean: "two stages, new noise, used gradients only"
      case .reused: "two stages, same pictures, all gradients"
      }
    }

    var recipe: GANRecipe {
      var recipe = GANRecipe()
      switch self {
      case .one: recipe.form = .gamma
      case .pullback: recipe.form = .pullback
      case .two: (recipe.stages, recipe.fillsUnused) = (.two, true)
      case .lean: recipe.stages = .two
      case .reused: (recipe.stages, recipe.fillsUnused) = (.twoReused, true)
      }
      return recipe
    }
  }

  /// Costs of one pair of networks.
  struct Networks: Codable, Sendable {
    var sizes: GANSizes
    /// Multiply-adds of a forward pass over one picture.
    var generatorForward: Int
    var discriminatorForward: Int
    var steps: [TimedStep]

    /// The step of a way.
    func step(_ way: Way) -> TimedStep? { steps.first { $0.name == way.rawValue } }

    /// Median over rounds of a way's seconds over one-stage training's.
    func ratio(_ way: Way) -> Double {
      guard let one = step(.one), let other = step(way) else { return .nan }
      return StepTiming.ratio(other, over: one)
    }

    /// The same in multiply-adds: what the cost model predicts.
    func predicted(_ way: Way) -> Double {
      guard let one = step(.one), let other = step(way) else { return .nan }
      return Double(other.multiplyAdds) / Double(one.multiplyAdds)
    }

    /// Middle half of the ratios of single rounds.
    func spread(_ way: Way) -> ClosedRange<Double>? {
      guard let one = step(.one), let other = step(way) else { return nil }
      let sorted = zip(other.rounds, one.rounds).map { $0 / $1 }.sorted()
      guard sorted.count >= 4 else { return nil }
      return sorted[sorted.count / 4]...sorted[sorted.count - 1 - sorted.count / 4]
    }
  }

  /// DCGAN first, then SNGAN's networks where they were timed.
  var networks: [Networks]

  var main: Networks? { networks.first }

  /// Times all ways in turns, or takes what an interrupted run measured.
  static func measure(_ context: RunContext<OneStageGANOptions>) throws -> StepCosts {
    if let known = try context.load(StepCosts.self, from: "step-costs") { return known }
    let options = context.options
    var all = [options.sizes(.nonSaturating)]
    if options.timesResNet {
      var resNet = GANSizes()
      (resNet.architecture, resNet.generatorWidth, resNet.discriminatorWidth) = (.sngan, 16, 32)
      all.append(resNet)
    }
    let bar = context.progress.start("timing", total: all.count * options.timingRounds, unit: "round")
    defer { bar.finish() }
    let costs = StepCosts(
      networks: try all.map { sizes in
        try networks(
          sizes, sizes.generator(key: Key(0)), sizes.discriminator(key: Key(1)), batch: options.batchSize,
          ways: context.scale == .quick ? [.one, .two, .lean] : Way.allCases, rounds: options.timingRounds
        ) {
          try context.checkInterrupt()
          bar.advance()
        }
      })
    try context.save(costs, as: "step-costs")
    return costs
  }

  private static func networks<G: GeneratorNetwork, D: DiscriminatorNetwork>(
    _ sizes: GANSizes, _ generator: G, _ discriminator: D, batch: Int, ways: [Way],
    rounds: Int, onRound: () throws -> Void
  ) throws -> Networks {
    let real = Key(2).uniform([batch, GANSizes.side, GANSizes.side, sizes.channels], from: -1, to: 1)
    try evaluate(tensorLeaves(of: generator) + tensorLeaves(of: discriminator) + [real])
    let candidates = try ways.map { way in
      try StepTiming.candidate(way.rawValue, generator, discriminator, way.recipe, real: real)
    }
    var timing = StepTiming()
    timing.roundCount = rounds
    return Networks(
      sizes: sizes,
      generatorForward: multiplyAdds(of: [generator(Tensor.zeros([1, generator.noiseSize]))]),
      discriminatorForward: multiplyAdds(of: [discriminator(real[..<1])]),
      steps: try timing.measure(candidates, onRound: onRound))
  }
}
