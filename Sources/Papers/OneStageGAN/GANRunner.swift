import Formats
import Foundation
import Lab
import NN
import Pinion
import Synchronization

/// What a run had come to at some iteration.
struct RunPoint: Codable, Sendable {
  var iteration: Int
  var scores: SampleQuality.Scores
  /// Scores of made pictures in the steps before, from which γ follows.
  var fakeScores: [Float]
  /// Share of made pictures in those steps whose gradient γ couldn't bring back.
  var dead: Double
  /// Picture of samples, in the checkpoint folder.
  var grid: String
}

/// One finished training.
struct GANRun: Codable, Sendable {
  var loss: AdversarialLoss
  var stages: GANRecipe.Stages
  var seed: Int
  var points: [RunPoint]
  /// File with the averaged generator's weights, in the checkpoint folder.
  var weights: String

  /// FID-F at the end.
  var fid: Double { points.last?.scores.fid ?? .nan }

  /// FID-F between two points, by its logarithm, which falls more evenly.
  func fid(at iteration: Double) -> Double {
    guard let after = points.firstIndex(where: { Double($0.iteration) >= iteration }) else { return fid }
    let end = points[after]
    guard after > 0 else { return end.scores.fid }
    let start = points[after - 1]
    let share = (iteration - Double(start.iteration)) / Double(end.iteration - start.iteration)
    return exp((1 - share) * log(start.scores.fid) + share * log(end.scores.fid))
  }
}

/// Trains the experiment's networks, some side by side, and keeps what is done for a resumed run.
final class GANRunner: Sendable {
  private typealias Program = GANProgram<DCGANGenerator, DCGANDiscriminator>

  let context: RunContext<OneStageGANOptions>
  let data: ImageDataset
  let judge: Judge
  private let programs = Mutex<[String: Program]>([:])

  init(context: RunContext<OneStageGANOptions>, data: ImageDataset, judge: Judge) {
    self.context = context
    self.data = data
    self.judge = judge
  }

  private struct Job: Sendable {
    var loss: AdversarialLoss
    var stages: GANRecipe.Stages
    var seed: Int
    var iterations: Int
    var isHeadline: Bool

    var name: String { "\(loss.rawValue)-\(stages.rawValue)-seed-\(seed)" }
    var title: String { "\(loss.title), \(stages.title), seed \(seed)" }
  }

  /// Every loss in one and two stages.
  func trainAll() throws -> [GANRun] {
    let options = context.options
    var jobs: [Job] = []
    // Seed by seed, so that an early stop leaves whole comparisons.
    for seed in 0..<options.seeds {
      for (i, loss) in options.losses.enumerated() where i == 0 || seed == 0 {
        for stages in [GANRecipe.Stages.one, .two] {
          jobs.append(
            Job(
              loss: loss, stages: stages, seed: Int(context.seed) + seed,
              iterations: i == 0 ? options.iterations : options.otherIterations, isHeadline: i == 0))
        }
      }
    }
    let bar = context.progress.start("training", total: jobs.count, unit: "network")
    defer { bar.finish() }
    return try parallel(jobs, workers: options.parallelRuns) { job in
      if let known = try self.context.load(GANRun.self, from: job.name) {
        bar.skip()
        return known
      }
      let run = try self.train(job, in: bar)
      bar.advance()
      return run
    }
  }

  /// Iterations at which samples are drawn and judged.
  private func stops(_ job: Job) -> [Int] {
    let parts = job.isHeadline ? [1, 2, 4, 8, 12, 16] : [4, 8, 12, 16]
    return parts.map { max(1, $0 * job.iterations / 16) }
  }

  private func train(_ job: Job, in parent: ProgressBar) throws -> GANRun {
    let options = context.options
    let sizes = options.sizes(job.loss)
    let (first, second) = (Key(UInt64(job.seed)).foldIn(1), Key(UInt64(job.seed)).foldIn(2))
    let generator = DCGANGenerator(
      channels: sizes.channels, width: sizes.generatorWidth, noiseSize: sizes.noiseSize, key: first)
    let discriminator = DCGANDiscriminator(
      channels: sizes.channels, width: sizes.discriminatorWidth, normalization: sizes.normalization, key: second)
    let recipe = options.recipe(job.loss, job.stages)
    var training = try GANTraining(
      generator, discriminator, recipe: recipe, data: data, batchSize: options.batchSize, seed: UInt64(job.seed),
      program: program(recipe))
    let bar = context.progress.start(job.title, total: job.iterations, in: parent)
    defer { bar.finish() }
    let stops = stops(job)
    var run = GANRun(loss: job.loss, stages: job.stages, seed: job.seed, points: [], weights: job.name + ".safetensors")
    var recent: [Tensor] = []
    while training.steps < job.iterations {
      try context.checkInterrupt()
      let report = try training.step()
      recent = recent.suffix(19) + [report.fakeScores]
      // Reading waits for the step: seldom.
      if training.steps % 50 == 0 {
        bar.advance(50, values: ["loss of D": try report.discriminatorLoss.item()])
        guard try report.discriminatorLoss.item().isFinite else {
          throw UsageError(
            "\(job.title): the loss isn't finite after \(training.steps) steps; try a lower learningRate")
        }
      }
      if stops.contains(training.steps) {
        let point = try point(training, job, recent)
        run.points.append(point)
        try context.log("FID-F", series: job.title, step: training.steps, point.scores.fid)
        try context.log("KID-F", series: job.title, step: training.steps, point.scores.kid)
      }
    }
    let weights = context.checkpointFolder.appending(path: run.weights)
    try GeneratorFile(sizes: sizes, weights: parameters(of: training.generator())).write(to: weights.path)
    try context.save(run, as: job.name)
    return run
  }

  private func point(
    _ training: GANTraining<DCGANGenerator, DCGANDiscriminator>, _ job: Job, _ recent: [Tensor]
  ) throws -> RunPoint {
    // The same noise at all points and for both ways.
    let drawn = try training.samples(context.options.samples, key: Key(UInt64(job.seed)).foldIn(5))
    let isLast = training.steps == job.iterations
    let scores = try judge.quality.scores(of: drawn, neighbours: isLast)
    let grid = "\(job.name)-\(training.steps).png"
    let shown = drawn[0][..<32]
    try File.write(
      Image.grid(symmetric: shown, columns: 8).encoded(), to: context.checkpointFolder.appending(path: grid).path)
    let all = concatenate(recent)
    return RunPoint(
      iteration: training.steps, scores: scores, fakeScores: try all.array(of: Float.self),
      dead: try job.loss.isDead(all).cast(.float32).mean().item(), grid: grid)
  }

  /// The compiled step of a recipe, made once for all seeds.
  private func program(_ recipe: GANRecipe) -> Program {
    programs.withLock { programs in
      let name = "\(recipe.loss.rawValue) \(recipe.stages.rawValue)"
      if let known = programs[name] { return known }
      let program = Program(recipe)
      programs[name] = program
      return program
    }
  }
}

extension AdversarialLoss {
  /// Name in tables and charts.
  var title: String {
    switch self {
    case .saturating: "saturating"
    case .nonSaturating: "non-saturating"
    case .leastSquares: "least squares"
    case .hinge: "hinge"
    case .wasserstein: "Wasserstein"
    }
  }
}

extension GANRecipe.Stages {
  /// Name in tables and charts.
  var title: String {
    switch self {
    case .one: "one stage"
    case .two: "two stages"
    case .twoReused: "two stages, same pictures"
    }
  }
}
