import Foundation
import NN
import Pinion

/// What a training step costs: multiply-adds counted in its graph, and seconds.
struct TimedStep: Codable, Sendable {
  /// Name of the way of training.
  var name: String
  /// Multiply-adds that the step's contractions and convolutions do.
  var multiplyAdds: Int
  /// Median seconds of a step.
  var seconds: Double
  /// Seconds of a step in each round; rounds of all ways alternate.
  var rounds: [Double]
}

/// Times steps of several recipes in one process, in turns, so that what slows the machine slows all alike.
struct StepTiming {
  /// Steps timed at once.
  var stepsOfRound = 6
  var roundCount = 9

  /// A way of training to be timed.
  struct Candidate {
    var name: String
    var multiplyAdds: Int
    /// Runs some steps and gives the seconds that they took.
    var run: (Int) throws -> Double
  }

  /// A candidate of a recipe.
  ///
  /// - Parameter real: pictures of a batch.
  /// - Throws: `TensorError`, `PJRTError`.
  static func candidate<G: GeneratorNetwork, D: DiscriminatorNetwork>(
    _ name: String, _ generator: G, _ discriminator: D, _ recipe: GANRecipe, real: Tensor
  ) throws -> Candidate {
    let program = GANProgram<G, D>(recipe)
    var state = try Adversaries(generator, discriminator, recipe: recipe, key: Key(0))
    try evaluate(tensorLeaves(of: state))
    var counted = state
    let report = try counted.step(real, recipe: recipe)
    let count = multiplyAdds(of: try tensorLeaves(of: counted) + tensorLeaves(of: report))
    return Candidate(name: name, multiplyAdds: count) { steps in
      try seconds {
        var report: Adversaries<G, D>.Report?
        for _ in 0..<steps { (state, report) = try program.step(state, real) }
        _ = try report?.generatorLoss.item()
      }
    }
  }

  /// Seconds that some work takes.
  static func seconds(_ work: () throws -> Void) rethrows -> Double {
    let start = DispatchTime.now().uptimeNanoseconds
    try work()
    return Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
  }

  /// Times the candidates.
  ///
  /// - Parameter onRound: called after each round.
  /// - Throws: what candidates throw.
  func measure(_ candidates: [Candidate], onRound: () throws -> Void = {}) throws -> [TimedStep] {
    var rounds = candidates.map { _ in [Double]() }
    // The first steps compile.
    for candidate in candidates { _ = try candidate.run(2) }
    for round in 0..<roundCount {
      // The order turns, so that nobody always comes after the same one.
      for i in candidates.indices {
        let place = (i + round) % candidates.count
        rounds[place].append(try candidates[place].run(stepsOfRound) / Double(stepsOfRound))
      }
      try onRound()
    }
    return zip(candidates, rounds).map { candidate, seconds in
      TimedStep(
        name: candidate.name, multiplyAdds: candidate.multiplyAdds, seconds: Self.median(seconds), rounds: seconds)
    }
  }

  /// The middle value; not-a-number of nothing.
  static func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    guard let last = sorted.last else { return .nan }
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + (middle > 0 ? sorted[middle] : last)) / 2
  }

  /// Median over rounds of one way's seconds over another's in the same round.
  static func ratio(_ a: TimedStep, over b: TimedStep) -> Double { median(zip(a.rounds, b.rounds).map { $0 / $1 }) }
}
