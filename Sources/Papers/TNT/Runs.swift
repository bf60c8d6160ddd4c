import Foundation
import Lab
import NN
import Pinion
import Synchronization

/// Trains the experiment's networks, several side by side, and keeps what is done for a resumed run.
final class NetworkTrainer: Sendable {
  let context: RunContext<TNTOptions>
  let data: TNTData
  private let programs = Mutex<[ObjectIdentifier: any Sendable]>([:])

  init(context: RunContext<TNTOptions>, data: TNTData) {
    self.context = context
    self.data = data
  }

  private struct Job {
    var architecture: Architecture
    var seed: Int
    var rate: Double
    var epochs: Int
    /// Tuning runs see the held-out images only.
    var isTuning: Bool

    var name: String { "\(architecture.rawValue)-\(isTuning ? "rate-\(rate)" : "seed-\(seed)")" }
  }

  /// The peak learning rate of each network: chosen on held-out images, or the option's.
  ///
  /// Ablations take TNT's rate, so that they differ in one thing.
  func chooseLearningRates() throws -> [Architecture: Double] {
    let options = context.options
    var rates = Dictionary(
      uniqueKeysWithValues: options.networks.map { ($0, options.learningRate ?? $0.tunedRate) })
    guard options.learningRates.count > 1 else {
      if let only = options.learningRates.first { rates = rates.mapValues { _ in only } }
      return rates
    }
    let tuned = options.networks.filter(\.isTuned)
    // A seed that no measured run uses.
    let jobs = tuned.flatMap { network in
      options.learningRates.map {
        Job(architecture: network, seed: 1_000, rate: $0, epochs: options.tuningEpochs, isTuning: true)
      }
    }
    let runs = try train(jobs)
    for network in tuned {
      let best = runs.filter { $0.architecture == network }
        .max { ($0.epochs.last?.validationAccuracy ?? 0) < ($1.epochs.last?.validationAccuracy ?? 0) }
      rates[network] = best?.learningRate
    }
    for network in options.networks where !network.isTuned { rates[network] = rates[.tnt] ?? network.tunedRate }
    return rates
  }

  /// Every network with every seed.
  func trainAll(_ rates: [Architecture: Double]) throws -> [TrainedNetwork] {
    let options = context.options
    // Seed by seed, so that an early stop leaves whole comparisons.
    return try train(
      (0..<options.seeds).flatMap { seed in
        options.networks.map { network in
          Job(
            architecture: network, seed: Int(context.seed) + seed, rate: rates[network] ?? network.tunedRate,
            epochs: options.epochs, isTuning: false)
        }
      })
  }

  private func train(_ jobs: [Job]) throws -> [TrainedNetwork] {
    let bar = context.progress.start("training", total: jobs.count, unit: "network")
    defer { bar.finish() }
    return try parallel(jobs, workers: context.options.parallelRuns) { job in
      if let known = try self.context.load(TrainedNetwork.self, from: job.name) {
        bar.skip()
        return known
      }
      let network = try self.trained(self.freshModel(job.architecture, seed: job.seed), job, in: bar)
      bar.advance()
      return network
    }
  }

  private func trained<Model: ImageClassifier>(
    _ model: Model, _ job: Job, in parent: ProgressBar
  ) throws -> TrainedNetwork {
    let label =
      job.isTuning ? "\(job.architecture.title), rate \(job.rate)" : "\(job.architecture.title), seed \(job.seed)"
    var training = try training(model, rate: job.rate, epochs: job.epochs, seed: job.seed)
    let saved = context.checkpointFolder.appending(path: job.name + ".state.safetensors")
    if context.resumed { try training.restore(from: saved) }
    let bar = context.progress.start(label, total: job.epochs * training.stepsPerEpoch, in: parent)
    defer { bar.finish() }
    bar.skip(training.history.count * training.stepsPerEpoch)
    while training.history.count < job.epochs {
      try training.runEpoch(validation: data.validation) { loss in
        try self.context.checkInterrupt()
        guard let loss else { return bar.advance() }
        bar.advance(values: ["loss": loss])
      }
      if let record = training.history.last, !job.isTuning {
        let series = "\(job.architecture.title), seed \(job.seed)"
        try context.log("validation accuracy", series: series, step: record.epoch, record.validationAccuracy)
        try context.log("training loss", series: series, step: record.epoch, record.trainLoss)
      }
      try context.flush()
      try training.save(to: saved)
    }
    let weights = job.name + ".safetensors"
    try checkpoint(training.model, job.architecture).write(
      to: context.checkpointFolder.appending(path: weights).path)
    let accuracy = job.isTuning ? 0 : try training.evaluate(data.test).accuracy
    let network = TrainedNetwork(
      architecture: job.architecture, seed: job.seed, learningRate: job.rate, epochs: training.history,
      testAccuracy: accuracy, parameters: try parameterCount(of: training.model), weights: weights)
    try context.save(network, as: job.name)
    try? FileManager.default.removeItem(at: saved)
    return network
  }

  /// A network with the first weights of a seed.
  func freshModel(_ architecture: Architecture, seed: Int) throws -> any ImageClassifier {
    let sizes = architecture.configuration(configuration, wideWidth: context.options.wideWidth)
    return try architecture.make(sizes, key: Key(UInt64(seed)).foldIn(1))
  }

  /// The training of a network by the options' recipe.
  func training<Model: ImageClassifier>(
    _ model: Model, rate: Double?, epochs: Int, seed: Int
  ) throws -> Training<Model> {
    var recipe = context.options.recipe
    (recipe.learningRate, recipe.epochs) = (rate ?? recipe.learningRate, epochs)
    return try Training(model: model, recipe: recipe, train: data.train, seed: UInt64(seed), program: program())
  }

  /// The compiled step of a kind of network, made once for all runs.
  private func program<Model: ImageClassifier>() -> TrainingProgram<Model> {
    let key = ObjectIdentifier(Model.self)
    return programs.withLock { programs in
      if let known = programs[key] as? TrainingProgram<Model> { return known }
      let program = TrainingProgram<Model>(labelSmoothing: context.options.labelSmoothing)
      programs[key] = program
      return program
    }
  }

  private func checkpoint(_ model: any ImageClassifier, _ architecture: Architecture) throws -> Checkpoint {
    try Checkpoint(
      model, configuration: architecture.configuration(configuration, wideWidth: context.options.wideWidth),
      architecture: architecture, classNames: data.train.classNames, normalization: data.train.normalization())
  }

  /// A trained network with its weights.
  func model(of network: TrainedNetwork) throws -> any ImageClassifier {
    try Checkpoint(path: context.checkpointFolder.appending(path: network.weights).path).model()
  }

  private var configuration: TNTConfiguration {
    context.options.configuration(channels: data.train.channels, classes: data.train.classCount)
  }
}
