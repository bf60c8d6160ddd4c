import Foundation
import Lab
import Pinion

/// What a training step costs.
struct StepCost: Codable {
  /// Median seconds of a step, measured with nothing beside it.
  var seconds: Double
  /// Multiply-adds of a forward pass over one picture, counted in the graph.
  var multiplyAdds: Int

  /// Times a step of each network, in turns, so that what slows the machine slows all alike.
  ///
  /// - Returns: by network; ablations cost what TNT costs and aren't timed.
  static func measure(_ trainer: NetworkTrainer, _ rates: [Architecture: Double]) throws -> [Architecture: StepCost] {
    let networks = trainer.context.options.networks.filter { $0.isTuned }
    let (rounds, stepsOfRound) = trainer.context.scale == .quick ? (3, 8) : (5, 20)
    let bar = trainer.context.progress.start("timing", total: rounds, unit: "round")
    defer { bar.finish() }
    var timers: [(network: Architecture, multiplyAdds: Int, run: () throws -> Double)] = []
    for network in networks {
      let model = try trainer.freshModel(network, seed: 0)
      let run = try timer(model, network, trainer, rates, steps: stepsOfRound)
      // The first steps pay for what is set up once.
      _ = try run()
      timers.append((network, try counted(model, trainer.data.train), run))
    }
    var seconds: [Architecture: [Double]] = [:]
    for _ in 0..<rounds {
      for timer in timers { seconds[timer.network, default: []].append(try timer.run() / Double(stepsOfRound)) }
      bar.advance()
    }
    return Dictionary(
      uniqueKeysWithValues: timers.map { timer in
        let sorted = (seconds[timer.network] ?? [0]).sorted()
        return (timer.network, StepCost(seconds: sorted[sorted.count / 2], multiplyAdds: timer.multiplyAdds))
      })
  }

  private static func timer<M: ImageClassifier>(
    _ model: M, _ network: Architecture, _ trainer: NetworkTrainer, _ rates: [Architecture: Double], steps: Int
  ) throws -> () throws -> Double {
    // The recipe of the measured runs, so that their compiled step serves.
    var training = try trainer.training(model, rate: rates[network], epochs: trainer.context.options.epochs, seed: 0)
    return { try training.seconds(ofSteps: steps) }
  }

  private static func counted<M: ImageClassifier>(_ model: M, _ train: ImageDataset) throws -> Int {
    let picture = Tensor.zeros([1, train.height, train.width, train.channels])
    try evaluate(tensorLeaves(of: model))
    return Pinion.multiplyAdds(of: [model(picture, key: nil)])
  }
}
