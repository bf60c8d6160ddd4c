import Foundation
import Lab
import NN
import Pinion

/// Seconds of a step with and without per-example gradients.
struct PrivateStepCost: Codable, Sendable {
  /// Ways of a step, in the order of the tables.
  enum Way: String, Codable, CaseIterable, Sendable {
    case plain = "SGD, mean gradient"
    case clipped = "per-example gradients, clipped and summed"
    case tree = "DP-FTRLM step, tree noise and all"
  }

  var batchSize: Int
  /// Seconds of a step in each round, by way; rounds of all ways alternate.
  var rounds: [[Double]]

  func seconds(_ way: Way) -> Double { Self.median(rounds[Way.allCases.firstIndex(of: way) ?? 0]) }

  /// A way's seconds over a plain step's in the same round: median and middle half.
  func ratio(_ way: Way) -> (value: Double, spread: ClosedRange<Double>?) {
    let ratios = zip(rounds[Way.allCases.firstIndex(of: way) ?? 0], rounds[0]).map { $0 / $1 }.sorted()
    let spread = ratios.count >= 4 ? ratios[ratios.count / 4]...ratios[ratios.count - 1 - ratios.count / 4] : nil
    return (Self.median(ratios), spread)
  }

  private static func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    guard !sorted.isEmpty else { return .nan }
    return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
  }

  /// Times a step of the experiment's network and batch in each way, in turns.
  static func measure(_ trainer: PrivateTrainer, rounds: Int) throws -> PrivateStepCost {
    let options = trainer.context.options
    let (size, stepsOfRound) = (options.batchSize, 8)
    let scaling = PrivateData.scaling(trainer.train.kind)
    let model = SmallConvNet(side: 28, channels: 1, classes: trainer.train.classNames.count, key: Key(0))
    let inputs = scaling(trainer.train.rows.slice(axis: 0, from: 0, to: size))
    let labels = Tensor(Array(trainer.train.labels.prefix(size)))
    let weights = Tensor.ones([size])
    let norm = Tensor(Float(options.clip))
    try evaluate(tensorLeaves(of: model) + [inputs, labels, weights, norm])
    func moved(_ model: SmallConvNet, _ slopes: SmallConvNet) throws -> SmallConvNet {
      try replacing(leaves: zip(tensorLeaves(of: model), tensorLeaves(of: slopes)).map { $0 - 0.01 * $1 }, in: model)
    }
    let plain = jit(donating: 0) { (model: SmallConvNet) in
      let (loss, slopes) = try valueAndGrad(model) { crossEntropy($0(inputs), labels) }
      return (try moved(model, slopes), loss)
    }
    let gradients = PerExampleGradients<SmallConvNet> { crossEntropy($0($1), $2) }
    let clipped = jit(donating: 0) { (model: SmallConvNet) in
      let found = try gradients(model, inputs: inputs, labels: labels, weights: weights, norm: norm)
      let row = try PrivateState<SmallConvNet>.row(of: model) - 0.01 * found.sum
      return (try PrivateState.filled(model, from: row), found.losses.mean())
    }
    var (plainModel, clippedModel) = (try map(model) { $0.tensor.copy() }, try map(model) { $0.tensor.copy() })
    let plan = ParticipationPlan(units: options.trainImages, batchSize: size, epochs: options.epochs)
    var state = try PrivateState(model, mechanism: .tree(efficient: true), levels: plan.levels, key: Key(1))
    let numbers = PrivateStepNumbers(rate: 0.01, momentum: 0.9, clip: options.clip, sigma: 1, batchSize: size)
    let data = [trainer.train.rows, trainer.train.labelTensor]
    let batch = [Tensor.iota([1, size], axis: 1), Tensor.ones([1, size])]
    try evaluate(data + batch)
    func timed(_ body: () throws -> Tensor) throws -> Double {
      let start = DispatchTime.now().uptimeNanoseconds
      var last: Tensor?
      for _ in 0..<stepsOfRound { last = try body() }
      _ = try last?.item()
      return Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9 / Double(stepsOfRound)
    }
    let bodies: [() throws -> Tensor] = [
      {
        let loss: Tensor
        (plainModel, loss) = try plain(plainModel)
        return loss
      },
      {
        let loss: Tensor
        (clippedModel, loss) = try clipped(clippedModel)
        return loss
      },
      {
        let report: PrivateStepReport
        (state, report) = try trainer.program.step(state, numbers, data, batch)
        return report.loss
      },
    ]
    // The first steps compile.
    for body in bodies { _ = try timed(body) }
    var cost = PrivateStepCost(batchSize: size, rounds: bodies.map { _ in [] })
    let bar = trainer.context.progress.start("timing", total: rounds, unit: "round")
    defer { bar.finish() }
    for round in 0..<rounds {
      try trainer.context.checkInterrupt()
      // The order turns, so that nobody always comes after the same one.
      for i in bodies.indices {
        let place = (i + round) % bodies.count
        cost.rounds[place].append(try timed(bodies[place]))
      }
      bar.advance()
    }
    return cost
  }
}
