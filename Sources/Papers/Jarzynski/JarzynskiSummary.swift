import Foundation
import Lab
import Pinion

/// Claims and tables of the experiment.
struct JarzynskiSummary {
  let options: JarzynskiOptions
  let scale: Scale
  let targets: [TargetResult]
  let harmonic: HarmonicStudy
  let unbiased: UnbiasedStudy
  let drive: DriveStudy
  /// Largest difference from pymbar's values, where it was asked.
  var pymbar: Double?

  func target(_ name: JarzynskiTarget) -> TargetResult? { targets.first { $0.target == name } }

  /// Thresholds are doubled at quick scale, which has one seed.
  private var slack: Double { scale == .quick ? 2 : 1 }

  // MARK: Claims

  func claims() -> [Claim] {
    var claims = [harmonicClaim()]
    claims += [ringClaim(), lineClaim(), unbiasedClaim()].compactMap { $0 }
    claims += pairs.flatMap {
      [evidenceClaim($0, .mala), evidenceClaim($0, .virtualMultistep), factorClaim($0)].compactMap { $0 }
    }
    claims += informative()
    if let pymbar {
      claims.append(
        Claim(
          "pymbar", statement: "pymbar's EXP and BAR of the same work values differ by rounding", measured: pymbar,
          unit: "nats", comparison: .atMost, threshold: 1e-6, baseline: "pymbar", isStructural: true))
    }
    return claims
  }

  private func harmonicClaim() -> Claim {
    let best = harmonic.virtual.first?.relativeVariances ?? []
    let slowest = harmonic.langevin.last?.relativeVariances ?? []
    return Claim(
      "zero variance", statement: "on a harmonic potential virtual trajectories have next to no variance",
      measured: Statistics.mean(best), unit: "rel. var.", interval: Statistics.interval(best), comparison: .atMost,
      threshold: 1e-3 * slack,
      baseline: "\(harmonic.langevin.last?.name ?? ""): \(Format.short(Statistics.mean(slowest)))",
      seeds: best.count)
  }

  private typealias Ratio = (ratio: Double, interval: ClosedRange<Double>?, baseline: MethodResult)

  private func ratio(_ mine: [Double], _ others: [Double], _ baseline: MethodResult) -> Ratio {
    // The spread of both, seed by seed.
    (
      Statistics.mean(mine) / Statistics.mean(others), Statistics.interval(zip(mine, others).map { $0 / $1 }), baseline
    )
  }

  /// Cost x relative variance of single-shot virtual trajectories over that of the best schedule of annealed importance
  /// sampling.
  ///
  /// - Parameter shortest: gradient evaluations that a schedule must have to count.
  private func costRatio(_ target: TargetResult, shortest: Int = 0) -> Ratio? {
    let schedules = target.schedules.filter { $0.gradients >= shortest }
    guard let mine = target.method(.virtual),
      let best = schedules.min(by: { Statistics.mean($0.costs) < Statistics.mean($1.costs) })
    else { return nil }
    return ratio(mine.costs, best.costs, best)
  }

  /// Relative variance at the same number of trajectories, over that of the shortest schedule that costs as much.
  private func varianceRatio(_ target: TargetResult) -> Ratio? {
    guard let mine = target.method(.virtual),
      let other = target.schedules.filter({ $0.gradients >= mine.gradients }).min(by: { $0.gradients < $1.gradients })
    else { return nil }
    return ratio(mine.relativeVariances, other.relativeVariances, other)
  }

  private func ringClaim() -> Claim? {
    // The specification's schedules have 50, 200 and 800 steps.
    guard let ring = target(.ring), let (ratio, interval, baseline) = costRatio(ring, shortest: 50) else { return nil }
    return Claim(
      "ring", statement: "on the ring cost x relative variance is below that of the best annealed schedule",
      measured: ratio, unit: "x", interval: interval, comparison: .atMost, threshold: 0.8 * slack,
      baseline: "AIS, Langevin, \(baseline.settings)", seeds: options.seeds)
  }

  private func lineClaim() -> Claim? {
    guard let line = target(.bimodal), let (ratio, interval, baseline) = varianceRatio(line) else { return nil }
    return Claim(
      "line", statement: "on two modes the relative variance at the same number of trajectories is at most half",
      measured: ratio, unit: "x", interval: interval, comparison: .atMost, threshold: 0.5 * slack,
      baseline: "AIS, Langevin, \(baseline.settings)", seeds: options.seeds)
  }

  private func unbiasedClaim() -> Claim? {
    let scores = unbiased.rows.map { abs($0.zScore) }
    guard let worst = scores.max() else { return nil }
    return Claim(
      "unbiased", statement: "the mean of R is the exact ratio for any K, h and γ, absurd ones among them",
      measured: worst, unit: "std. errors", comparison: .atMost, threshold: 4,
      baseline: "exact, \(scores.count) settings", seeds: options.seeds, isStructural: true)
  }

  /// |mean over seeds − reference| over its standard error, the reference's own counted in.
  private func deviation(_ values: [Double], _ reference: Double, _ referenceError: Double) -> Double {
    let error = Statistics.standardDeviation(values) / Double(values.count).squareRoot()
    return abs(Statistics.mean(values) - reference) / (error * error + referenceError * referenceError).squareRoot()
  }

  private func evidenceClaim(_ pair: ModelPair, _ method: EstimationMethod) -> Claim? {
    let deviations = [pair.large, pair.small].compactMap { result in
      result.method(method)?.estimates.last.map { deviation($0, result.reference, result.referenceError) }
    }
    guard options.seeds > 1, deviations.count == 2, let worst = deviations.max() else { return nil }
    return Claim(
      "evidence, \(pair.name), \(method.rawValue)",
      statement: "log evidences of two models of \(pair.name) by \(method.title) agree with a long reference",
      measured: worst, unit: "std. errors", comparison: .atMost, threshold: 4,
      baseline: "\(options.referenceTrajectories) trajectories of \(options.referenceSteps) steps",
      seeds: options.seeds)
  }

  /// The two models of each data set whose evidences were estimated both.
  var pairs: [ModelPair] {
    JarzynskiTarget.modelPairs.compactMap { names in
      guard let large = target(names.large), let small = target(names.small) else { return nil }
      return ModelPair(large: large, small: small)
    }
  }

  private func factorClaim(_ pair: ModelPair) -> Claim? {
    let values = pair.factors(.virtualMultistep)
    guard !values.isEmpty else { return nil }
    let baseline = pair.factors(.mala).map { $0 - pair.reference }
    return Claim(
      "Bayes factor, \(pair.name)",
      statement: "error of the log Bayes factor of the two models, virtual multi-step, root mean square",
      measured: Self.rms(values.map { $0 - pair.reference }), unit: "nats", comparison: .informative,
      baseline: "AIS, Langevin: \(Format.short(Self.rms(baseline)))", seeds: values.count)
  }

  private func informative() -> [Claim] {
    var claims: [Claim] = []
    for result in targets {
      guard let (ratio, interval, baseline) = costRatio(result) else { continue }
      claims.append(
        Claim(
          "cost, \(result.target.rawValue)",
          statement: "\(result.target.title): cost x relative variance, single-shot virtual over AIS, all schedules",
          measured: ratio, unit: "x", interval: interval, comparison: .informative,
          baseline: "AIS, Langevin, \(baseline.settings)", seeds: options.seeds))
    }
    if let ring = target(.ring), let plain = ring.method(.importance), let mine = ring.method(.virtual) {
      let (ratio, interval, _) = ratio(mine.costs, plain.costs, plain)
      claims.append(
        Claim(
          "ring, no trajectories", statement: "on the ring cost x relative variance over that of importance sampling",
          measured: ratio, unit: "x", interval: interval, comparison: .informative, baseline: "importance sampling",
          seeds: options.seeds))
    }
    if let first = drive.rows.first(where: { $0.time == 16 }), let last = drive.rows.last(where: { $0.time == 64 }) {
      claims.append(
        Claim(
          "drive", statement: "four times the switching time divides the variance of Hamiltonian switching by 16",
          measured: first.hamiltonianExact / last.hamiltonianExact, unit: "x", comparison: .informative,
          baseline: "Langevin: \(Format.short(first.langevin / last.langevin))"))
    }
    return claims
  }

  static func rms(_ values: [Double]) -> Double { Statistics.mean(values.map { $0 * $0 }).squareRoot() }

  /// A root mean square with its 95 % interval, by the chi-square distribution (Wilson and Hilferty's cube).
  static func rmsInterval(_ values: [Double]) -> (Double, ClosedRange<Double>?) {
    let n = Double(values.count)
    let value = rms(values)
    guard values.count > 2, value.isFinite, value > 0 else { return (value, nil) }
    func quantile(_ z: Double) -> Double { n * pow(1 - 2 / (9 * n) + z * (2 / (9 * n)).squareRoot(), 3) }
    let (low, high) = (quantile(-1.96), quantile(1.96))
    guard low > 0 else { return (value, nil) }
    return (value, (value * (n / high).squareRoot())...(value * (n / low).squareRoot()))
  }

  // MARK: Tables

  static func number(_ values: [Double]) -> String {
    let mean = Statistics.mean(values)
    guard values.count > 1 else { return Format.short(mean) }
    return "\(Format.short(mean)) ±\u{a0}\(Format.short(Statistics.standardDeviation(values)))"
  }

  var harmonicTable: ReportTable {
    let rows = (harmonic.virtual + [harmonic.untempered] + harmonic.langevin).map { row in
      [
        row.name, "\(row.gradients)", Self.number(row.relativeVariances), Self.number(row.errors),
        Format.short(Statistics.mean(row.relativeVariances) * Double(row.gradients)),
      ]
    }
    return ReportTable(
      columns: [
        .init("estimator"), .init("gradients of a weight", .right), .init("relative variance", .right),
        .init("error of log Z", .right), .init("cost x relative variance", .right),
      ], rows: rows,
      caption:
        "\(options.harmonicSamples) weights a seed; mean and standard deviation over \(options.seeds) seed\(options.seeds == 1 ? "" : "s"). "
        + "Heavy tails make the sample's variance of slow switching differ much from seed to seed.")
  }

  var unbiasedTable: ReportTable {
    let rows = unbiased.rows.map { row in
      [
        row.target, "\(row.parameters.length)", Format.short(row.parameters.stepSize),
        Format.short(row.parameters.friction), "\(Format.short(row.mean)) ± \(Format.short(row.standardError))",
        Format.short(row.relativeVariance), String(format: "%+.2f", row.zScore),
      ]
    }
    return ReportTable(
      columns: [
        .init("target"), .init("K", .right), .init("h", .right), .init("γ", .right), .init("mean of R / exact", .right),
        .init("relative variance", .right), .init("off by std. errors", .right),
      ], rows: rows,
      caption:
        "h of 1.5 is beyond the leapfrog's stability limit, a negative γ heats: the variance suffers, the mean doesn't."
    )
  }

  func methodTable(_ result: TargetResult) -> ReportTable {
    let rows = result.methods.map { row -> [String] in
      let errors = (row.estimates.last ?? []).map { $0 - result.reference }
      let (rms, interval) = Self.rmsInterval(errors)
      let bar = interval.map { " [\(Format.short($0.lowerBound)),\u{a0}\(Format.short($0.upperBound))]" } ?? ""
      return [
        row.method.title, row.settings, row.gradients > 0 ? "\(row.gradients)" : "", Format.short(rms) + bar,
        Format.short(Statistics.mean(errors)), row.costs.isEmpty ? "" : Format.short(Statistics.mean(row.costs)),
        row.effectiveShare.isFinite ? String(format: "%.1f\u{a0}%%", 100 * row.effectiveShare) : "",
        row.maxWeightShare.isFinite ? String(format: "%.1f\u{a0}%%", 100 * row.maxWeightShare) : "",
        row.zScore.map { result.referenceError > 0 ? "" : String(format: "%+.1f", $0) } ?? "",
      ]
    }
    let reference =
      result.referenceError > 0
      ? "Reference \(Format.short(result.reference)) ± \(Format.short(result.referenceError)), a long annealed run."
      : "Exact: \(Format.short(result.reference))."
    return ReportTable(
      columns: [
        .init("method"), .init("settings of the pilot"), .init("cost", .right), .init("RMS error of log Z", .right),
        .init("bias", .right), .init("cost x rel. var.", .right), .init("ESS", .right), .init("largest weight", .right),
        .init("z", .right),
      ], rows: rows,
      caption:
        "\(JarzynskiSummary.capitalised(result.target.description)). \(reference) Budget 2^\(options.largestBudget) gradient evaluations, "
        + "\(options.seeds) seed\(options.seeds == 1 ? "" : "s"); 95 % intervals; the pilot's evaluations aren't in the budget. "
        + "z: all weights' mean minus the exact ratio in standard errors, optimistic where the largest weight is large."
    )
  }

  var driveTable: ReportTable {
    ReportTable(
      columns: [
        .init("switching time τ", .right), .init("Hamiltonian", .right), .init("in closed form", .right),
        .init("Langevin", .right),
      ],
      rows: drive.rows.map { row in
        [row.time, row.hamiltonian, row.hamiltonianExact, row.langevin].map(Format.short)
      }, caption: "Relative variance of the weight, stiffness 1 to 20 with mass alike.")
  }
}

/// Two models of the same data.
struct ModelPair {
  let large: TargetResult
  let small: TargetResult

  /// Of the data set.
  var name: String { large.target.dataset?.name ?? "data" }

  /// log Bayes factor by the long references, in nats.
  var reference: Double { large.reference - small.reference + large.logInitial - small.logInitial }

  var referenceError: Double { hypot(large.referenceError, small.referenceError) }

  /// log Bayes factor by a method's largest budget, by seed.
  func factors(_ method: EstimationMethod) -> [Double] {
    guard let a = large.method(method)?.estimates.last, let b = small.method(method)?.estimates.last else { return [] }
    let offset = large.logInitial - small.logInitial
    return zip(a, b).map { $0 - $1 + offset }
  }
}
