import Foundation
import Lab
import NN
import Pinion

/// Claims and tables of the experiment.
struct OneStageSummary {
  let options: OneStageGANOptions
  let checks: MethodChecks
  let costs: StepCosts
  let judge: Judge
  let runs: [GANRun]
  let students: Students

  /// Runs of a loss, by seed.
  func runs(_ loss: AdversarialLoss, _ stages: GANRecipe.Stages) -> [GANRun] {
    runs.filter { $0.loss == loss && $0.stages == stages }.sorted { $0.seed < $1.seed }
  }

  /// The loss that has all seeds.
  var headline: AdversarialLoss { options.losses.first ?? .nonSaturating }

  func claims() -> [Claim] {
    methodClaims() + timeClaims() + qualityClaims() + distillationClaims() + [
      Claim(
        "classifier", statement: "the classifier whose features judge the pictures is good",
        measured: 100 * judge.accuracy,
        unit: "% of test pictures", comparison: .atLeast, threshold: 91)
    ]
  }

  private func methodClaims() -> [Claim] {
    [
      Claim(
        "one pass", statement: "convolutions of a step beyond one forward and one backward pass of D, in its StableHLO",
        measured: Double(abs(checks.convolutions - checks.expectedConvolutions)), comparison: .atMost, threshold: 0,
        isStructural: true),
      Claim(
        "gradients", statement: "one-stage gradients are the two separate ones: five losses, three forms, float64",
        measured: checks.largestDifference, comparison: .atMost, threshold: 1e-9, baseline: "two separate passes",
        isStructural: true),
    ]
  }

  private func timeClaims() -> [Claim] {
    guard let main = costs.main else { return [] }
    let (ratio, predicted) = (main.ratio(.two), main.predicted(.two))
    return [
      Claim(
        "time",
        statement: "a step takes less time than two-stage training that computes every gradient, as the paper's",
        measured: ratio, unit: "x", interval: main.spread(.two), comparison: .atLeast, threshold: 1.35,
        baseline: StepCosts.Way.two.title),
      Claim(
        "cost model",
        statement: "that ratio is near the one of the multiply-adds, \(Self.number(predicted, 2)): relative "
          + "difference", measured: abs(ratio / predicted - 1), comparison: .atMost, threshold: 0.15,
        baseline: "multiply-adds"),
      Claim(
        "time, lean",
        statement: "against two stages that leave unused gradients out, where multiply-adds allow "
          + "\(Self.number(main.predicted(.lean), 2))", measured: main.ratio(.lean), unit: "x",
        interval: main.spread(.lean), comparison: .informative, baseline: StepCosts.Way.lean.title),
    ]
  }

  private func qualityClaims() -> [Claim] {
    var claims: [Claim] = []
    for (i, loss) in options.losses.enumerated() {
      let (one, two) = (runs(loss, .one), runs(loss, .two))
      guard !one.isEmpty, one.count == two.count else { continue }
      let ratio = Statistics.mean(one.map(\.fid)) / Statistics.mean(two.map(\.fid))
      let single = zip(one, two).map { $0.fid / $1.fid }
      claims.append(
        Claim(
          i == 0 ? "quality" : "quality, \(loss.title)",
          statement: "FID-F over that of two stages at equal iterations, \(loss.title) loss", measured: ratio,
          unit: "x",
          interval: Statistics.interval(single), comparison: i == 0 ? .atMost : .informative,
          threshold: i == 0 ? 1.10 : 0, baseline: "two stages", seeds: one.count))
    }
    if let main = costs.main, let gain = gainAtEqualTime(main.ratio(.lean)) {
      claims.append(
        Claim(
          "equal time",
          statement: "FID-F of two stages, used gradients only, after the seconds of one-stage training, "
            + "over that of one stage", measured: gain, unit: "x", comparison: .atLeast, threshold: 1,
          baseline: StepCosts.Way.lean.title, seeds: runs(headline, .one).count))
      if let other = gainAtEqualTime(main.ratio(.two)) {
        claims.append(
          Claim(
            "equal time, all gradients", statement: "the same against two stages with all gradients", measured: other,
            unit: "x", comparison: .informative, baseline: StepCosts.Way.two.title, seeds: runs(headline, .one).count))
      }
    }
    if options.losses.count == 1, let first = runs(headline, .one).first, first.points.count > 1 {
      claims.append(
        Claim(
          "learning", statement: "FID-F falls in one-stage training: last over first",
          measured: first.fid
            / first.points[0].scores.fid, unit: "x", comparison: .atMost, threshold: 1, baseline: "first measurement"))
    }
    return claims
  }

  /// FID-F of two stages at the iteration that they reach in the time of all one-stage steps, over the latter's FID-F.
  ///
  /// - Parameter ratio: seconds of a two-stage step over those of one stage.
  func gainAtEqualTime(_ ratio: Double) -> Double? {
    let (one, two) = (runs(headline, .one), runs(headline, .two))
    guard !one.isEmpty, one.count == two.count, ratio > 0 else { return nil }
    let reached = Double(options.iterations) / ratio
    return Statistics.mean(two.map { $0.fid(at: reached) }) / Statistics.mean(one.map(\.fid))
  }

  private func distillationClaims() -> [Claim] {
    options.variants.enumerated().flatMap { i, variant -> [Claim] in
      let one = students.accuracies(variant, oneStage: true).map { 100 * $0 }
      let two = students.accuracies(variant, oneStage: false).map { 100 * $0 }
      guard let ratio = students.ratio(variant), !one.isEmpty, one.count == two.count else { return [] }
      let name = i == 0 ? "distillation" : "distillation, \(variant.rawValue)"
      let loss = Statistics.mean(two) - Statistics.mean(one)
      return [
        Claim(
          name,
          statement: "accuracy that a student without data (\(variant.rawValue)) loses by one stage instead of two",
          measured: loss, unit: "points", interval: Statistics.pairedDifference(two, one).interval,
          comparison: i == 0 ? .atMost : .informative, threshold: i == 0 ? 1 : 0, baseline: "two-stage student",
          seeds: one.count),
        Claim(
          name + ", time", statement: "a step takes less time (multiply-adds: \(Self.number(ratio.predicted, 2)) x)",
          measured: ratio.measured, unit: "x", comparison: i == 0 ? .atLeast : .informative,
          threshold: i == 0 ? 1.2 : 0, baseline: "two-stage distillation"),
      ]
    }
  }

  static func number(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }
}

// MARK: Tables

extension OneStageSummary {
  func report() -> [ReportBlock] {
    var blocks: [ReportBlock] = [
      .heading("What was compared"),
      .text(
        """
        Ordinary training of a generative adversarial network (**two stages**) shows the discriminator D made pictures twice \
        a step: once to improve D, once more to improve the generator G. **One-stage training** (OSGAN) has both gradients from \
        one forward and one backward pass: what D's own loss sends back to made picture i, times \
        γ = L_g'(s_i) / L_f'(s_i), *is* the generator's gradient there, since D gives one score s_i a picture. Both players then move \
        at once.

        Everything else is equal: first weights, pictures, their order, learning rates (Adam, β = \(Format.short(options.beta1)) and 0.999), and \
        the noise that samples are drawn from. Samples come from a moving average of G.

        Both players moving at once is known to converge slower than taking turns, as a two-stage generator answers the \
        discriminator that has just moved (Zhang, Wang, Lessard, Grosse, 2022). Where runs end while FID-F still falls, one stage \
        lags behind at equal iterations, though its gradients are the same to rounding.

        Quality is measured in the 128 features of a classifier trained here on Fashion-MNIST, **not** in Inception's: FID-F, \
        KID-F, precision and recall compare with each other only. Training pictures against the test set score FID-F \
        \(Self.number(judge.floor.fid, 2)): that is the floor.
        """),
    ]
    blocks += [.heading("Seconds of a step")] + costs.networks.map { .table(timeTable($0)) }
    blocks.append(.text(timeNote))
    blocks += [.heading("Quality of the pictures"), .table(qualityTable)]
    if !students.students.isEmpty { blocks += [.heading("Distillation without data"), .table(distillationTable)] }
    blocks += [.heading("The gradients themselves"), .table(gradientTable)]
    blocks.append(
      .text(
        """
        γ needs samples that don't mix in D. With batch normalisation in D the generator's gradient by γ was off by \
        \(Self.number(100 * checks.batchNormError, 1)) % of its length in the same check, so the discriminators here have \
        \(options.normalization == .none ? "no normalisation" : options.normalization.rawValue + " normalisation"). Where a hinge is inactive γ doesn't \
        exist: hinge runs take the two cotangents, which are exact.
        """))
    return blocks
  }

  private func timeTable(_ networks: StepCosts.Networks) -> ReportTable {
    let rows = StepCosts.Way.allCases.compactMap { way -> [String]? in
      guard let step = networks.step(way) else { return nil }
      let spread = networks.spread(way).map { range in
        "\(Self.number(range.lowerBound, 2)) to \(Self.number(range.upperBound, 2))"
      }
      return [
        way.title, Self.number(Double(step.multiplyAdds) / 1e9, 2) + " G", Self.number(networks.predicted(way), 2),
        Self.number(step.seconds * 1e3, 1), Self.number(networks.ratio(way), 2), way == .one ? "" : spread ?? "",
      ]
    }
    let forward = Double(networks.discriminatorForward) / Double(networks.generatorForward)
    return ReportTable(
      columns: [
        .init("\(networks.sizes.architecture.rawValue.uppercased()), step"), .init("multiply-adds", .right),
        .init("over one stage", .right), .init("ms", .right), .init("over one stage", .right),
        .init("middle half of the rounds", .right),
      ], rows: rows,
      caption: "\(options.batchSize) pictures a step. A forward pass of D has \(Self.number(forward, 1)) times the "
        + "multiply-adds of G's. Timed in turns in one process, \(options.timingRounds) rounds; ratios are medians over rounds."
    )
  }

  private var timeNote: String {
    """
    Two stages cost F_G + 2 F_D + 2 B_D for D and F_D + B_D + B_G (+ F_G with new noise) for G, one stage F_G + 2 F_D + 2 B_D + \
    B_G, where F and B are forward and backward passes: 3 / 2 for a large D, the paper's 1.5. That counts a whole B_D in \
    the generator's stage, weight gradients included, as PyTorch's `backward()` computes them though nobody uses them. \
    Pinion leaves out what isn't used, and then 4 / 3 is all that can be won; both are in the table. Without new noise a \
    compiler can share the repeated forward passes, so new noise is the fair comparison.
    """
  }

  private var qualityTable: ReportTable {
    let ways: [GANRecipe.Stages] = [.one, .two]
    let rows = options.losses.flatMap { loss -> [[String]] in
      ways.compactMap { stages -> [String]? in
        let runs = runs(loss, stages)
        guard let first = runs.first, let last = first.points.last else { return nil }
        func spread(_ values: [Double], _ digits: Int) -> String {
          let mean = Self.number(Statistics.mean(values), digits)
          return values.count > 1 ? "\(mean) ± \(Self.number(Statistics.standardDeviation(values), digits))" : mean
        }
        func atEnd(_ number: (SampleQuality.Scores) -> Double?) -> [Double] {
          runs.compactMap { $0.points.last.flatMap { number($0.scores) } }
        }
        return [
          loss.title, stages.title, "\(last.iteration)", "\(runs.count)", spread(runs.map(\.fid), 1),
          spread(atEnd(\.kid), 2), spread(atEnd(\.precision), 2), spread(atEnd(\.recall), 2),
          stages == .one ? Self.number(100 * (first.points.last?.dead ?? 0), 1) : "",
        ]
      }
    }
    let floor = judge.floor
    let real = [
      "training pictures", "", "", "", Self.number(floor.fid, 1), Self.number(floor.kid, 2),
      Self.number(floor.precision ?? .nan, 2), Self.number(floor.recall ?? .nan, 2), "",
    ]
    return ReportTable(
      columns: [
        .init("loss"), .init("training"), .init("iterations", .right), .init("seeds", .right), .init("FID-F", .right),
        .init("KID-F", .right), .init("precision", .right), .init("recall", .right), .init("γ lost, %", .right),
      ], rows: rows + [real],
      caption: "\(options.samples) samples against the 10,000 test pictures; ± is the standard deviation over seeds. "
        + "γ lost: made pictures on which D's loss is flat at the end, so that γ couldn't bring their gradient back.")
  }

  private var distillationTable: ReportTable {
    let rows = options.variants.flatMap { variant -> [[String]] in
      [true, false].compactMap { isOne -> [String]? in
        let values = students.accuracies(variant, oneStage: isOne).map { 100 * $0 }
        guard !values.isEmpty, let step = students.costs[variant.rawValue]?[isOne ? 0 : 1] else { return nil }
        let spread = values.count > 1 ? " ± \(Self.number(Statistics.standardDeviation(values), 1))" : ""
        return [
          variant.rawValue.uppercased(), isOne ? "one stage" : "two stages",
          Self.number(Statistics.mean(values), 1) + spread, Self.number(step.seconds * 1e3, 1),
          Self.number(Double(step.multiplyAdds) / 1e9, 2) + " G",
        ]
      }
    }
    return ReportTable(
      columns: [
        .init("losses"), .init("training"), .init("student's test accuracy, %", .right), .init("ms a step", .right),
        .init("multiply-adds a step", .right),
      ], rows: rows,
      caption:
        "A student learns from the classifier (\(Self.number(100 * students.teacherAccuracy, 1)) % right) without "
        + "seeing a picture, \(options.distillationSteps) steps. Chance is 10 %.")
  }

  private var gradientTable: ReportTable {
    let rows = AdversarialLoss.allCases.map { loss in
      [loss.title]
        + OneStageForm.allCases.map { form in
          checks.differences[loss.rawValue]?[form.rawValue].map { String(format: "%.1e", $0) } ?? ""
        }
    }
    return ReportTable(
      columns: [.init("loss")] + OneStageForm.allCases.map { .init($0.rawValue, .right) }, rows: rows,
      caption:
        "Largest difference between one-stage gradients of both players and the two separate ones, over the largest "
        + "number of that player's gradient; float64, small networks. The step's StableHLO has \(checks.convolutions) convolutions of D: "
        + "one forward, one input gradient and one weight gradient for each of its \(checks.expectedConvolutions / 3) layers."
    )
  }
}
