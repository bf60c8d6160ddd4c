import Formats
import Foundation
import Lab
import Pinion

/// Zero variance on harmonic potentials: tempering from b = 0.2 to 2 in ten coordinates of stiffness 1 … 4.
struct HarmonicStudy: Codable, Sendable {
  struct Row: Codable, Sendable {
    var name: String
    /// Gradient evaluations, or steps, of a weight.
    var gradients: Int
    /// By seed.
    var relativeVariances: [Double]
    /// error of log Z by seed.
    var errors: [Double]
  }

  /// Virtual trajectories, the sharpest first.
  var virtual: [Row]
  /// Exact Ornstein-Uhlenbeck steps with rising switching times.
  var langevin: [Row]
  /// The sharpest with a momentum that isn't tempered.
  var untempered: Row
  /// log-weights of the first seed.
  var virtualLogWeights: [Double]
  var langevinLogWeights: [Double]

  /// - Parameter isQuick: whether to leave out all but the sharpest estimator and one of those that it's compared with.
  static func run(samples: Int, seeds: Int, isQuick: Bool, key: Key) throws -> HarmonicStudy {
    let path = try JarzynskiTarget.harmonic.path()
    let exact = JarzynskiTarget.harmonic.exactRatio(path) ?? .nan
    func row(_ name: String, _ estimator: some WeightEstimator, _ number: Int) throws -> (Row, [Double]) {
      var row = Row(name: name, gradients: estimator.gradients, relativeVariances: [], errors: [])
      var first: [Double] = []
      for seed in 0..<seeds {
        let weights = try estimator.run(count: samples, key: key.foldIn(100 * number + seed)).logWeights
        let estimate = PartitionEstimate(logWeights: weights)
        row.relativeVariances.append(estimate.relativeVariance)
        row.errors.append(estimate.logRatio - exact)
        if seed == 0 { first = weights.map { $0 - exact } }
      }
      return (row, first)
    }
    func virtual(_ friction: Double, _ length: Int, tempered: Bool = true) -> VirtualEstimator {
      VirtualEstimator(
        sampler: VirtualSampler(path, longest: 400),
        parameters: VirtualParameters(
          friction: friction, stepSize: 0.2, length: length, momentumPrecisions: tempered ? nil : [2, 2]))
    }
    let settings = [(0.05, 400), (0.1, 300), (0.2, 200)].prefix(isQuick ? 1 : 3)
    let rows = try settings.enumerated().map { i, setting in
      try row("virtual, γ \(setting.0), h 0.2, K \(setting.1)", virtual(setting.0, setting.1), i)
    }
    let annealed = try (isQuick ? [10] : [2.0, 10, 50]).enumerated().map { i, time in
      let steps = Int(time / 0.1)
      let levels = AnnealingSchedule.levels(steps)
      // In the reduced energy time runs by the temperature.
      let sizes = levels.dropFirst().map { 0.1 / (0.2 * pow(10, $0)) }
      let estimator = AnnealedEstimator(
        sampler: AnnealedSampler(path, move: .ornsteinUhlenbeck), levels: levels, stepSizes: sizes, settings: "")
      return try row("AIS, exact Langevin steps, τ \(short(time))", estimator, 10 + i)
    }
    return HarmonicStudy(
      virtual: rows.map(\.0), langevin: annealed.map(\.0),
      untempered: try row("momentum not tempered", virtual(0.05, 400, tempered: false), 20).0,
      virtualLogWeights: rows.first?.1 ?? [], langevinLogWeights: annealed.last?.1 ?? [])
  }
}

/// Unbiasedness for parameters that nobody would choose.
struct UnbiasedStudy: Codable, Sendable {
  struct Row: Codable, Sendable {
    var target: String
    var parameters: VirtualParameters
    /// Mean of R over the exact ratio, and its standard error.
    var mean: Double
    var standardError: Double
    var relativeVariance: Double
    var zScore: Double
  }

  var rows: [Row]

  static func run(samples: Int, isQuick: Bool, key: Key) throws -> UnbiasedStudy {
    var rows: [Row] = []
    for (t, target) in [JarzynskiTarget.ring, .bimodal].prefix(isQuick ? 1 : 2).enumerated() {
      let path = try target.path()
      let exact = target.exactRatio(path) ?? .nan
      let sampler = VirtualSampler(path, longest: 10)
      for length in [1, 3, 10] {
        for (i, (friction, step)) in [(0.0, 0.1), (0.5, 0.4), (3.0, 1.5), (-0.7, 0.3)].enumerated() {
          let parameters = VirtualParameters(
            friction: friction, stepSize: step, length: length, momentumPrecisions: [0.5, 1])
          let weights = try sampler.run(
            count: samples, parameters: parameters, key: key.foldIn(1000 * t + 10 * length + i)
          ).logWeights
          let estimate = PartitionEstimate(logWeights: weights)
          let mean = exp(estimate.logRatio - exact)
          rows.append(
            Row(
              target: target.title, parameters: parameters, mean: mean,
              standardError: mean * estimate.standardError, relativeVariance: estimate.relativeVariance,
              zScore: TargetStudy.zScore(weights, exact)))
        }
      }
    }
    return UnbiasedStudy(rows: rows)
  }
}

/// The drive of constant frequency: how fast the weights' variance falls with the switching time.
struct DriveStudy: Codable, Sendable {
  struct Row: Codable, Sendable {
    var time: Double
    var hamiltonian: Double
    /// In closed form.
    var hamiltonianExact: Double
    var langevin: Double
  }

  var rows: [Row]

  static func run(count: Int, times: [Double] = [4, 8, 16, 32, 64], key: Key) throws -> DriveStudy {
    let drive = ConstantFrequencyDrive()
    let rows = try times.enumerated().map { i, time in
      func variance(_ work: [Double]) -> Double {
        PartitionEstimate(logWeights: work.map { -$0 }).relativeVariance
      }
      return Row(
        time: time,
        hamiltonian: variance(try drive.hamiltonianWork(time: time, count: count, key: key.foldIn(2 * i))),
        hamiltonianExact: drive.hamiltonianVariance(time: time),
        langevin: variance(try drive.langevinWork(time: time, count: count, key: key.foldIn(2 * i + 1))))
    }
    return DriveStudy(rows: rows)
  }
}

/// pymbar's verdict on the same work values.
struct PymbarJudge {
  let python: String

  private static let script = """
    import sys, numpy, pymbar.other_estimators as estimators
    table = numpy.genfromtxt(sys.argv[1], delimiter=",", names=True)
    forward, reverse = (table["work"][table["forward"] == k] for k in (1, 0))
    print(-estimators.exp(forward)["Delta_f"], -estimators.bar(forward, reverse)["Delta_f"])
    """

  /// The largest difference of our EXP and BAR from pymbar's.
  ///
  /// - Throws: `UsageError` where Python or pymbar can't be run.
  func difference(_ work: TargetResult.WorkSample, folder: URL) throws -> Double {
    let file = folder.appending(path: "work.csv")
    let log = folder.appending(path: "pymbar.log")
    try WorkTable(forward: work.forward, reverse: work.reverse).write(to: file.path)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: python)
    process.arguments = ["-c", Self.script, file.path]
    let output = Pipe()
    // A second pipe could fill while the first is read.
    try Data().write(to: log)
    (process.standardOutput, process.standardError) = (output, try FileHandle(forWritingTo: log))
    do { try process.run() } catch { throw UsageError("--set python=\(python): can't be run") }
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    let numbers = text.split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
    guard process.terminationStatus == 0, numbers.count == 2 else {
      let problem = try String(contentsOf: log, encoding: .utf8).split(whereSeparator: \.isNewline).last
      throw UsageError("--set python=\(python): pymbar can't be run: \(problem ?? "no answer")")
    }
    let exponential = PartitionEstimate(logWeights: work.forward.map { -$0 }).logRatio
    let bar = try BridgeSampling().bar(forward: work.forward, reverse: work.reverse).logRatio
    return max(abs(numbers[0] - exponential), abs(numbers[1] - bar))
  }
}
