import Foundation
import Lab

/// Claims and tables of the experiment.
struct DPFTRLSummary {
  let options: DPFTRLOptions
  let scale: Scale
  let runs: [PrivateResult]
  let rates: [ChosenRate]
  let timing: PrivateStepCost
  let regret: RegretStudy

  /// Test accuracies in percent, by seed.
  func accuracies(_ method: PrivateMethod, _ epsilon: Double) -> [Double] {
    runs.filter { $0.method == method && $0.epsilon == epsilon }.sorted { $0.seed < $1.seed }
      .map { 100 * $0.testAccuracy }
  }

  /// One method's accuracy minus another's at an ε, paired by seed.
  func difference(
    _ a: PrivateMethod, _ b: PrivateMethod, _ epsilon: Double
  ) -> (mean: Double, interval: ClosedRange<Double>?)? {
    let (x, y) = (accuracies(a, epsilon), accuracies(b, epsilon))
    guard !x.isEmpty, x.count == y.count else { return nil }
    return Statistics.pairedDifference(x, y)
  }

  // MARK: Claims

  func claims() throws -> [Claim] {
    var claims = [unamplifiedClaim()].compactMap { $0 }
    claims += amplifiedClaims()
    claims += try efficientClaims()
    claims.append(costClaim())
    claims += informative()
    return claims
  }

  /// The ε at which the difference is least sure decides.
  private func unamplifiedClaim() -> Claim? {
    let rows = options.epsilons.compactMap { epsilon in
      difference(.ftrlMomentum, .fixed, epsilon).map { (epsilon, $0.mean, $0.interval) }
    }
    guard let worst = rows.min(by: { ($0.2?.lowerBound ?? $0.1) < ($1.2?.lowerBound ?? $1.1) }) else { return nil }
    return Claim(
      "unamplified",
      statement: "DP-FTRLM is more accurate than unamplified DP-SGD at every ε; here that of the least lower end, ε = "
        + "\(Format.short(worst.0))",
      measured: worst.1, unit: "points", interval: worst.2, comparison: .atLeast, threshold: 0, intervalThreshold: 0,
      baseline: "DP-SGD, unamplified", seeds: options.seeds)
  }

  private func amplifiedClaims() -> [Claim] {
    let gaps = options.epsilons.compactMap { epsilon in
      difference(.ftrlMomentum, .sampled, epsilon).map { (epsilon, $0.mean, $0.interval) }
    }
    guard let first = gaps.first, let last = gaps.last else { return [] }
    var claims = [
      Claim(
        "amplified",
        statement: "at the largest ε, \(Format.short(last.0)), DP-FTRLM is within 2 points of amplified DP-SGD",
        measured: last.1, unit: "points", interval: last.2, comparison: .atLeast, threshold: -2,
        baseline: "DP-SGD, amplified", seeds: options.seeds)
    ]
    if gaps.count > 1 {
      // By seed, so that the difference of differences has an interval.
      let (a, b) = (options.epsilons[0], options.epsilons[options.epsilons.count - 1])
      let shrinking = (0..<options.seeds).map { seed in
        (accuracies(.sampled, a)[seed] - accuracies(.ftrlMomentum, a)[seed])
          - (accuracies(.sampled, b)[seed] - accuracies(.ftrlMomentum, b)[seed])
      }
      claims.append(
        Claim(
          "gap shrinks",
          statement: "amplified DP-SGD's lead over DP-FTRLM is smaller at ε = \(Format.short(last.0)) than at "
            + "\(Format.short(first.0)); how much smaller",
          measured: Statistics.mean(shrinking), unit: "points", interval: Statistics.interval(shrinking),
          comparison: .atLeast, threshold: 0, baseline: "DP-SGD, amplified", seeds: options.seeds))
      claims.append(
        Claim(
          "crossing", statement: "the smallest ε from which on DP-FTRLM is at least as accurate as amplified DP-SGD",
          measured: crossing(gaps.map { ($0.0, $0.1) }) ?? .nan, unit: "ε", comparison: .informative,
          baseline: crossing(gaps.map { ($0.0, $0.1) }) == nil ? "the curves don't cross" : "DP-SGD, amplified",
          seeds: options.seeds))
    }
    return claims
  }

  /// Where a falling lead ends, by linear interpolation over log ε; nil where it doesn't.
  private func crossing(_ gaps: [(epsilon: Double, lead: Double)]) -> Double? {
    guard let last = gaps.last, last.lead >= 0 else { return nil }
    guard let behind = gaps.lastIndex(where: { $0.lead < 0 }) else { return gaps.first?.epsilon }
    let (a, b) = (gaps[behind], gaps[behind + 1])
    return exp(log(a.epsilon) + (log(b.epsilon) - log(a.epsilon)) * (-a.lead) / (b.lead - a.lead))
  }

  private func efficientClaims() throws -> [Claim] {
    var claims: [Claim] = []
    let plan = options.plan
    let plain = try plan.withBestRestarts(.tree(efficient: false)).meanVariance(.tree(efficient: false))
    let efficient = try plan.withBestRestarts(.tree(efficient: true)).meanVariance(.tree(efficient: true))
    claims.append(
      Claim(
        "efficient, noise",
        statement:
          "efficient estimates lower the mean variance of the private sums at equal privacy, restarts of both best",
        measured: efficient / plain, unit: "x", comparison: .atMost, threshold: 1, baseline: "tree, plain",
        isStructural: true))
    for epsilon in options.extraEpsilons.prefix(1) {
      guard let (mean, interval) = difference(.ftrlMomentum, .plainTree, epsilon) else { continue }
      claims.insert(
        Claim(
          "efficient",
          statement: "the efficient estimator is more accurate than the plain tree at equal ε, here "
            + "\(Format.short(epsilon))",
          measured: mean, unit: "points", interval: interval, comparison: .atLeast, threshold: 0,
          baseline: "DP-FTRLM, plain tree", seeds: options.seeds), at: 0)
    }
    return claims
  }

  private func costClaim() -> Claim {
    let (ratio, spread) = timing.ratio(.clipped)
    return Claim(
      "per-example gradients",
      statement:
        "gradients of all \(timing.batchSize) examples by vmap, clipped and summed, cost less than 4 plain steps",
      measured: ratio, unit: "x", interval: spread, comparison: .atMost, threshold: 4,
      baseline: "a step of SGD, \(Format.short(timing.seconds(.plain) * 1e3)) ms", seeds: timing.rounds[0].count,
      isStructural: true)
  }

  private func informative() -> [Claim] {
    let (ratio, spread) = timing.ratio(.tree)
    var claims = [
      Claim(
        "private step",
        statement: "a whole step of DP-FTRLM, noise and picking of pictures among it, over a plain step",
        measured: ratio, unit: "x", interval: spread, comparison: .informative, baseline: "a step of SGD",
        seeds: timing.rounds[0].count)
    ]
    for epsilon in options.extraEpsilons.prefix(1) {
      if let (mean, interval) = difference(.banded, .ftrlMomentum, epsilon) {
        claims.append(
          Claim(
            "banded matrix",
            statement: "an optimised banded matrix in the tree's place, at ε = \(Format.short(epsilon))",
            measured: mean,
            unit: "points", interval: interval, comparison: .informative, baseline: "DP-FTRLM", seeds: options.seeds))
      }
      let open = accuracies(.open, epsilon)
      if !open.isEmpty {
        claims.append(
          Claim(
            "no privacy", statement: "test accuracy of the same network and steps without noise and clipping",
            measured: Statistics.mean(open), unit: "%", interval: Statistics.interval(open), comparison: .informative,
            seeds: open.count))
      }
    }
    if let tree = regret.curves.first(where: { $0.title == NoiseMechanism.tree(efficient: true).title }),
      let independent = regret.curves.last
    {
      let ratios = zip(tree.last, independent.last).map { $0 / $1 }
      claims.append(
        Claim(
          "regret",
          statement:
            "regret on linear losses with the tree over that with independent noise, \(options.regretSteps) steps, "
            + "ε = \(Format.short(regret.epsilon))",
          measured: Statistics.mean(ratios), unit: "x", interval: Statistics.interval(ratios), comparison: .informative,
          baseline: "independent noise", seeds: ratios.count))
    }
    return claims
  }

  // MARK: Tables

  /// Methods that were run, in the order of the options.
  var methods: [PrivateMethod] {
    (options.methods + options.extraMethods).filter { method in runs.contains { $0.method == method } }
  }

  /// Epsilons at which a method was run.
  func epsilons(_ method: PrivateMethod) -> [Double] {
    Set(runs.filter { $0.method == method }.map(\.epsilon)).sorted()
  }

  var accuracyTable: ReportTable {
    let shown = methods.filter { $0 != .open }
    let rows = shown.flatMap { method in
      epsilons(method).map { epsilon -> [String] in
        let values = accuracies(method, epsilon)
        let first = runs.first { $0.method == method && $0.epsilon == epsilon }
        let guarantee = first?.guarantee
        let trees = guarantee.map { $0.mechanism.isTree ? Self.restarts($0.plan) : "" } ?? ""
        return [
          method.title, Format.short(epsilon), guarantee.map { String(format: "%.3f", $0.sigma) } ?? "",
          guarantee?.squaredSensitivity.map { PrivacyGuarantee.number($0) } ?? "", trees,
          guarantee?.exactEpsilon.map { String(format: "%.2f", $0) } ?? "", first.map { Format.short($0.rate) } ?? "",
          first?.clipped.last.map { String(format: "%.0f\u{a0}%%", 100 * $0) } ?? "", Self.number(values),
        ]
      }
    }
    return ReportTable(
      columns: [
        .init("method"), .init("ε", .right), .init("σ", .right), .init("K", .right), .init("trees"),
        .init("exact ε", .right), .init("rate/(1 − μ)", .right), .init("clipped", .right),
        .init("test accuracy, %", .right),
      ], rows: rows,
      caption:
        "δ = \(PrivacyGuarantee.number(options.delta)). σ: deviation of a fresh noise over the clipping norm; K: squared "
        + "sensitivity of all that is released (sampled batches have none: their ε comes from the accountant of sampling). "
        + "Exact ε: of the same noise by the exact curve of Gaussian mechanisms instead of Rényi divergences. "
        + "Clipped: share of gradients in the last epoch. ± is the standard deviation over \(options.seeds) "
        + "seed\(options.seeds == 1 ? "" : "s").")
  }

  private static func restarts(_ plan: ParticipationPlan) -> String {
    let trees = plan.epochsOfTrees
    if trees.count == 1 { return "one" }
    return "\(trees.count)\(plan.completesTrees ? ", completed" : "")"
  }

  static func number(_ values: [Double]) -> String {
    guard !values.isEmpty else { return "" }
    let mean = String(format: "%.2f", Statistics.mean(values))
    guard values.count > 1 else { return mean }
    return "\(mean) ±\u{a0}\(String(format: "%.2f", Statistics.standardDeviation(values)))"
  }

  var timingTable: ReportTable {
    let rows = PrivateStepCost.Way.allCases.map { way -> [String] in
      let (ratio, spread) = timing.ratio(way)
      let range = spread.map { String(format: " [%.2f, %.2f]", $0.lowerBound, $0.upperBound) } ?? ""
      return [
        way.rawValue, String(format: "%.1f", timing.seconds(way) * 1e3), String(format: "%.2f", ratio) + range,
      ]
    }
    return ReportTable(
      columns: [.init("step"), .init("ms", .right), .init("over a plain step", .right)], rows: rows,
      caption:
        "Batch of \(timing.batchSize), median over rounds and middle half of the ratios; steps of all ways in turns.")
  }
}
