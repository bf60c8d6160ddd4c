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
  static func measure(
    _ options: TNTOptions, data: TNTData, progress: ProgressDisplay
  ) throws -> [Architecture: StepCost] {
    let networks = options.networks.filter { $0.isTuned }
    let configuration = options.configuration(channels: data.train.channels, classes: data.train.classCount)
    let rounds = 5
    let bar = progress.start("timing", total: rounds, unit: "round")
    defer { bar.finish() }
    var steps: [(network: Architecture, multiplyAdds: Int, run: () throws -> Void)] = []
    for network in networks {
      let sizes = network.configuration(configuration, wideWidth: options.wideWidth)
      let model = try network.make(sizes, key: Key(0))
      steps.append((network, try counted(model, data.train), try timed(model, options, data.train)))
    }
    for step in steps { try step.run() }
    var seconds: [Architecture: [Double]] = [:]
    for _ in 0..<rounds {
      for step in steps {
        let start = DispatchTime.now().uptimeNanoseconds
        try step.run()
        let elapsed = Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
        seconds[step.network, default: []].append(elapsed / Double(stepsOfRound))
      }
      bar.advance()
    }
    return Dictionary(
      uniqueKeysWithValues: steps.map { step in
        let sorted = (seconds[step.network] ?? [0]).sorted()
        return (step.network, StepCost(seconds: sorted[sorted.count / 2], multiplyAdds: step.multiplyAdds))
      })
  }

  private static let stepsOfRound = 20

  /// Runs some steps and waits for them.
  private static func timed<M: ImageClassifier>(
    _ model: M, _ options: TNTOptions, _ train: ImageDataset
  ) throws -> () throws -> Void {
    var recipe = options.recipe
    recipe.epochs = 1_000
    let pictures = try train.first(stepsOfRound * recipe.batchSize)
    var training = try Training(model: model, recipe: recipe, train: pictures, seed: 0)
    return { try training.runEpoch(validation: nil) { _ in } }
  }

  private static func counted<M: ImageClassifier>(_ model: M, _ train: ImageDataset) throws -> Int {
    let picture = Tensor.zeros([1, train.height, train.width, train.channels])
    try evaluate(tensorLeaves(of: model))
    return Pinion.multiplyAdds(of: [model(picture, key: nil)])
  }
}
