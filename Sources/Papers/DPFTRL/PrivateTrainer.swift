import Foundation
import Lab
import Pinion

/// One finished private training.
struct PrivateResult: Codable, Sendable {
  var method: PrivateMethod
  var epsilon: Double
  var seed: Int
  /// Learning rate over 1 − momentum.
  var rate: Double
  /// Shares of held-out and of test images classified correctly.
  var validationAccuracy: Double
  var testAccuracy: Double
  /// nil without privacy.
  var guarantee: PrivacyGuarantee?
  /// Share of gradients that were clipped, by epoch.
  var clipped: [Double]
}

/// A learning rate that was chosen for a method.
struct ChosenRate: Codable, Sendable {
  var method: PrivateMethod
  var epsilon: Double
  var rate: Double
}

/// Trains the experiment's networks, several side by side, and keeps what is done for a resumed run.
final class PrivateTrainer: Sendable {
  let context: RunContext<DPFTRLOptions>
  let train: PrivateData
  private let validation: PrivateData
  private let test: PrivateData
  let program: PrivateProgram<SmallConvNet>

  init(_ context: RunContext<DPFTRLOptions>) throws {
    self.context = context
    let options = context.options
    let sets = try FashionMNIST.load()
    // The last 5,000 training images are held out for choices.
    let held = sets.train.count - 5_000
    train = PrivateData(try sets.train.subset(0..<options.trainImages))
    validation = PrivateData(try sets.train.subset(held..<(held + options.validationImages)))
    test = PrivateData(try sets.test.subset(0..<options.testImages))
    program = PrivateProgram(scaling: PrivateData.scaling(train.kind))
    try evaluate([train.rows, validation.rows, test.rows])
  }

  private struct Job {
    var method: PrivateMethod
    var epsilon: Double
    var rate: Double
    var seed: Int
    var isTuning: Bool

    var name: String {
      "\(method.rawValue)-\(epsilon)-" + (isTuning ? "rate-\(rate)" : "seed-\(seed)")
    }
  }

  /// A learning rate for each method and tuning ε, chosen on held-out images from the same grid.
  func chooseRates() throws -> [ChosenRate] {
    let options = context.options
    guard options.rates.count > 1, !options.tuningEpsilons.isEmpty else { return [] }
    func nearest(_ epsilon: Double) -> Double {
      options.tuningEpsilons.min { abs(log($0 / epsilon)) < abs(log($1 / epsilon)) } ?? epsilon
    }
    let extras = options.extraMethods.filter { $0 != .plainTree && !options.methods.contains($0) }.flatMap { method in
      Set(options.extraEpsilons.prefix(method == .open ? 1 : options.extraEpsilons.count).map(nearest)).sorted()
        .map { (method, $0) }
    }
    let places = options.methods.flatMap { method in options.tuningEpsilons.map { (method, $0) } } + extras
    // A seed that no measured run uses.
    let jobs = places.flatMap { method, epsilon in
      options.rates.map { Job(method: method, epsilon: epsilon, rate: $0, seed: 1_000, isTuning: true) }
    }
    let runs = try run(jobs, "choosing rates")
    return places.compactMap { method, epsilon in
      runs.filter { $0.method == method && $0.epsilon == epsilon }
        .max { $0.validationAccuracy < $1.validationAccuracy }
        .map { ChosenRate(method: method, epsilon: epsilon, rate: $0.rate) }
    }
  }

  /// Every method at every ε of its own, with every seed.
  func trainAll(_ rates: [ChosenRate]) throws -> [PrivateResult] {
    let options = context.options
    func jobs(_ methods: [PrivateMethod], _ epsilons: [Double], _ seed: Int) -> [Job] {
      methods.flatMap { method in
        (method == .open ? Array(epsilons.prefix(1)) : epsilons).map { epsilon in
          Job(
            method: method, epsilon: epsilon, rate: Self.rate(method, epsilon, rates, options),
            seed: Int(context.seed) + seed, isTuning: false)
        }
      }
    }
    // Seed by seed, so that an early stop leaves whole comparisons.
    let all = (0..<options.seeds).flatMap { seed in
      jobs(options.methods, options.epsilons, seed) + jobs(options.extraMethods, options.extraEpsilons, seed)
    }
    return try run(all, "training")
  }

  /// The rate chosen at the nearest ε. The plain tree takes that of the efficient one, so that they differ in one thing.
  static func rate(
    _ method: PrivateMethod, _ epsilon: Double, _ rates: [ChosenRate], _ options: DPFTRLOptions
  ) -> Double {
    let method = method == .plainTree ? PrivateMethod.ftrlMomentum : method
    let nearest = rates.filter { $0.method == method }
      .min { abs(log($0.epsilon / epsilon)) < abs(log($1.epsilon / epsilon)) }
    return nearest?.rate ?? options.rates[options.rates.count / 2]
  }

  private func run(_ jobs: [Job], _ title: String) throws -> [PrivateResult] {
    let bar = context.progress.start(title, total: jobs.count, unit: "network")
    defer { bar.finish() }
    return try parallel(jobs, workers: context.options.parallelRuns) { job in
      if let known = try self.context.load(PrivateResult.self, from: job.name) {
        bar.skip()
        return known
      }
      let result = try self.trained(job)
      try self.context.save(result, as: job.name)
      bar.advance()
      return result
    }
  }

  private func trained(_ job: Job) throws -> PrivateResult {
    let options = context.options
    var (recipe, guarantee) = try job.method.recipe(
      plan: options.plan, epsilon: job.epsilon, delta: options.delta, momentum: options.momentum, bands: options.bands)
    if job.method != .open { recipe.clip = options.clip }
    recipe.rate = job.rate * (1 - recipe.momentum)
    let key = Key(UInt64(job.seed))
    var training = try PrivateTraining(
      model: SmallConvNet(side: 28, channels: 1, classes: train.classNames.count, key: key.foldIn(1)), recipe: recipe,
      data: train, seed: UInt64(job.seed), noiseKey: key.foldIn(2), program: program)
    do {
      for _ in 0..<options.epochs { try training.runEpoch { try context.checkInterrupt() } }
    } catch let error as UsageError {
      // A rate of the grid may be too high for a method.
      guard job.isTuning else { throw error }
    }
    let result = PrivateResult(
      method: job.method, epsilon: job.epsilon, seed: job.seed, rate: job.rate,
      validationAccuracy: try training.accuracy(on: validation),
      testAccuracy: job.isTuning ? 0 : try training.accuracy(on: test), guarantee: guarantee,
      clipped: training.history.map { $0[1] })
    if !job.isTuning {
      try context.log(
        "test accuracy", series: "\(job.method.title), ε \(job.epsilon), seed \(job.seed)", step: options.plan.steps,
        result.testAccuracy)
    }
    return result
  }
}
