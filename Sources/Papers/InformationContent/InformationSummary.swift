import Foundation
import Lab

/// Claims and tables of the experiment.
struct InformationSummary {
  let options: InformationOptions
  let cells: [GridCell]
  let exact: ExactOrthants
  let thresholds: ThresholdComparison
  let random: RandomNetworkCovariance
  let architectures: ArchitectureComparison?
  let classes: [NamedClasses]
  let large: LargeOrthant?

  /// Cells of real labels where the bound is claimed to say something: n >= 200, or the largest n of a smaller run.
  private var judged: [GridCell] {
    let least = min(200, options.sizes.max() ?? 200)
    return cells.filter { $0.place.count >= least }
  }

  /// Largest closed-form bounds for real labels at n >= 200 in the logs of the public code, by depth.
  private static let published = [2: 0.524, 7: 0.477]

  // MARK: Claims

  func claims() -> [Claim] {
    var claims = boundClaims()
    if let claim = correlationClaim() { claims.append(claim) }
    claims += contentClaims()
    claims += checkClaims()
    claims += baselineClaims()
    return claims
  }

  private func boundClaims() -> [Claim] {
    let (delta, seeds) = (options.delta, options.subsets)
    var claims = [
      Claim(
        "C1 >= C0", statement: "the closed-form bound is never below the content",
        measured:
          cells.map { ($0.closedForm.content - $0.tilting.content) / log(2) }.min() ?? .nan, unit: "bits",
        comparison: .atLeast, threshold: 0, baseline: "minimax tilting, \(cells.count) places", seeds: seeds,
        isStructural: true)
    ]
    let real = judged.filter { $0.place.kind.isReal }
    let coins = judged.filter { !$0.place.kind.isReal }
    let size = min(200, options.sizes.max() ?? 200)
    if let worst = real.map({ $0.bound(delta: delta) }).max() {
      claims.append(
        Claim(
          "bound, real labels", statement: "the largest bound by C0 for real labels at n >= \(size) is below 0.5",
          measured: worst, comparison: .atMost, threshold: 0.5, baseline: "chance: 0.5", seeds: seeds))
    }
    if let best = coins.map({ $0.bound(delta: delta) }).min() {
      claims.append(
        Claim(
          "bound, random labels",
          statement: "the smallest bound by C0 for random labels at n >= \(size) is at least 0.5",
          measured: best, comparison: .atLeast, threshold: 0.5, baseline: "chance: 0.5", seeds: seeds))
    }
    for depth in options.depths {
      let own = real.filter { $0.place.depth == depth }
      guard let worst = own.max(by: { $0.closedFormBound(delta: delta) < $1.closedFormBound(delta: delta) }) else {
        continue
      }
      claims.append(
        Claim(
          "closed form, depth \(depth)",
          statement: "the largest closed-form bound (C1) for real labels at n >= \(size), depth \(depth), is below 0.5",
          measured: worst.closedFormBound(delta: delta), comparison: .atMost, threshold: 0.5,
          baseline: "\(Self.published[depth].map { "authors' logs, MNIST: \($0); here " } ?? "")"
            + "\(worst.place.kind.title), n = \(worst.place.count)", seeds: seeds))
    }
    if let best = coins.map({ $0.closedFormBound(delta: delta) }).min() {
      claims.append(
        Claim(
          "closed form, random labels", statement: "the smallest closed-form bound for random labels is at least 0.5",
          measured: best, comparison: .atLeast, threshold: 0.5, baseline: "chance: 0.5", seeds: seeds))
    }
    return claims
  }

  private func correlationClaim() -> Claim? {
    let trained = cells.filter { $0.network != nil }
    guard trained.count > 2 else { return nil }
    let errors = trained.compactMap { $0.network?.testError }
    let bounds = trained.map { $0.bound(delta: options.delta) }
    let closed = trained.map { $0.closedFormBound(delta: options.delta) }
    let other = Format.short(RankCorrelation.spearman(closed, errors))
    return Claim(
      "correlation", statement: "Spearman's correlation of the bound by C0 with the test error of finite networks",
      measured: RankCorrelation.spearman(bounds, errors), comparison: .atLeast, threshold: 0.8,
      baseline: "closed form: \(other)", seeds: options.subsets)
  }

  /// Means over subsets of the bits of an example, by size.
  func bits(_ kind: LabelKind, depth: Int) -> [(count: Int, mean: Double, all: [Double])] {
    options.sizes.compactMap { size in
      let values = cells.filter { ($0.place.kind, $0.place.depth, $0.place.count) == (kind, depth, size) }
        .map(\.bitsPerExample)
      return values.isEmpty ? nil : (size, Statistics.mean(values), values)
    }
  }

  private func contentClaims() -> [Claim] {
    var claims: [Claim] = []
    let steps = options.labels.filter(\.isReal).flatMap { kind in
      options.depths.flatMap { depth -> [Double] in
        let means = bits(kind, depth: depth).map(\.mean)
        return zip(means.dropFirst(), means).map { $0 / $1 }
      }
    }
    if let worst = steps.max() {
      claims.append(
        Claim(
          "content falls", statement: "real labels: the content of an example falls from each n to the next",
          measured: worst, unit: "x", comparison: .atMost, threshold: 1, baseline: "the content at the n before",
          seeds: options.subsets))
    }
    let coins = options.depths.flatMap { depth in bits(.random, depth: depth).last.map { [$0.mean] } ?? [] }
    if let far = coins.max(by: { abs($0 - 1) < abs($1 - 1) }) {
      claims.append(
        Claim(
          "random labels",
          statement: "random labels: an example at the largest n has about one bit (log 2), within a quarter",
          measured: abs(far - 1), unit: "bits off", comparison: .atMost, threshold: 0.25,
          baseline: "found \(coins.map { Format.short($0) }.joined(separator: " and ")) bits", seeds: options.subsets))
    }
    return claims
  }

  private func checkClaims() -> [Claim] {
    var claims = [
      Claim(
        "exact orthants", statement: "minimax tilting agrees with \(exact.rows.count) orthants known in closed form",
        measured: exact.worst, unit: "std. errors", comparison: .atMost, threshold: 4, baseline: "closed forms",
        isStructural: true),
      Claim(
        "random networks",
        statement: "covariances of random networks approach the kernel as 1/√count: slope of the logarithms",
        measured: abs(random.slope + 0.5), unit: "off -1/2", comparison: .atMost, threshold: 0.15,
        baseline:
          "\(random.rows.map { String($0.networks) }.joined(separator: ", ")) networks, width \(options.randomWidth)",
        isStructural: true),
    ]
    if let worst = thresholds.rows.map(\.deviation).max() {
      claims.append(
        Claim(
          "thresholds", statement: "nested thresholds with elliptical slices find the same content", measured: worst,
          unit: "std. errors", comparison: .atMost, threshold: 5,
          baseline: "\(thresholds.rows.count) places", isStructural: true))
    }
    let converged = cells.filter { $0.paper?.isTrusted == true }
    let deviations = converged.compactMap { cell in
      cell.paper.map {
        abs($0.content - cell.tilting.content) / hypot($0.standardError, cell.tilting.standardError)
      }
    }
    if let worst = deviations.max() {
      claims.append(
        Claim(
          "paper's estimator", statement: "where the paper's estimator has converged it agrees", measured: worst,
          unit: "std. errors", comparison: .informative, baseline: "\(converged.count) of \(cells.count) places"))
    }
    let trusted = cells.filter(\.tilting.isTrusted).count
    claims.append(
      Claim(
        "effective samples", statement: "share of places where minimax tilting can be trusted",
        measured: Double(trusted) / Double(max(1, cells.count)), comparison: .informative,
        baseline: "paper's estimator: \(Format.short(Double(converged.count) / Double(max(1, cells.count))))"))
    if let large {
      claims.append(
        Claim(
          "n = \(large.count)", statement: "kernel, saddle and samples of \(large.count) examples, depth 7",
          measured: large.seconds, unit: "s", comparison: .atMost, threshold: 120,
          baseline: "content \(Self.bits(large.tilting))", isStructural: true))
      claims.append(
        Claim(
          "memory", statement: "memory of the process at its peak by then", measured: large.gigabytes, unit: "GB",
          comparison: .atMost, threshold: 4, isStructural: true))
    }
    return claims
  }

  private func baselineClaims() -> [Claim] {
    let differences = cells.compactMap { cell in
      cell.propagation.map { abs($0 - cell.tilting.content) / cell.tilting.content }
    }
    let laplace = cells.map { abs($0.laplace - $0.tilting.content) / $0.tilting.content }
    let tight = cells.map {
      PACBayes.bound(content: $0.closedForm.tightened, count: $0.place.count, delta: options.delta)
    }
    let plain = cells.map { $0.closedFormBound(delta: options.delta) }
    var claims = [
      Claim(
        "EP", statement: "expectation propagation: largest relative difference from minimax tilting",
        measured: 100 * (differences.max() ?? .nan), unit: "%", comparison: .informative,
        baseline: "Laplace: \(Format.short(100 * (laplace.max() ?? .nan))) %"),
      Claim(
        "tightest scale", statement: "the closed-form bound with its best scale: mean gain of the bound",
        measured: Statistics.mean(zip(plain, tight).map { $0 - $1 }), comparison: .informative, baseline: "C1"),
    ]
    if options.width > 0, let size = options.sizes.max(), let depth = options.depths.min() {
      let weights = FiniteNetwork.weightCount(inputs: 784, depth: depth, width: options.width)
      claims.append(
        Claim(
          "parameter count", statement: "bound by the number of weights (VC dimension), n = \(size), depth \(depth)",
          measured: PACBayes.parameterCountBound(weights: weights, layers: depth, count: size, delta: options.delta),
          comparison: .informative, baseline: "\(weights) weights"))
    }
    return claims
  }

  // MARK: Tables

  /// Such as `52.3 ± 0.1 bits`.
  static func bits(_ estimate: ContentEstimate) -> String {
    guard estimate.content.isFinite else { return "infinite" }
    return "\(Format.short(estimate.content / log(2))) ± \(Format.short(estimate.standardError / log(2))) bits"
  }

  /// Most that was added to a variance.
  private var jitter: Double { cells.map(\.jitter).max() ?? 0 }

  /// Content by every estimator, a row for each kind, depth and size, mean over subsets.
  var estimatorTable: ReportTable {
    func mean(_ cells: [GridCell], _ value: (GridCell) -> Double) -> String {
      Format.short(Statistics.mean(cells.map(value)) / log(2))
    }
    let rows = groups.map { place, cells in
      [
        place.kind.title, "\(place.depth)", "\(place.count)", mean(cells) { $0.lowerBound },
        mean(cells) { $0.tilting.content }, Format.short(cells.map(\.tilting.effectiveSamples).min() ?? .nan),
        mean(cells) { $0.propagation ?? .nan }, mean(cells) { $0.laplace }, mean(cells) { $0.paper?.content ?? .nan },
        Format.short(cells.compactMap { $0.paper?.effectiveSamples }.min() ?? .nan),
        mean(cells) { $0.closedForm.tightened },
        mean(cells) { $0.closedForm.content },
      ]
    }
    return ReportTable(
      columns: [
        .init("labels"), .init("depth", .right), .init("n", .right), .init("saddle", .right), .init("tilting", .right),
        .init("its ESS", .right), .init("EP", .right), .init("Laplace", .right), .init("paper's", .right),
        .init("its ESS", .right), .init("C1, best scale", .right), .init("C1", .right),
      ], rows: rows,
      caption:
        "Bits, mean over \(options.subsets) subset\(options.subsets == 1 ? "" : "s"); ESS is the smallest. The truth lies "
        + "between *saddle* and *C1*. The paper's estimator took \(options.paperSamples) samples, tilting "
        + "\(options.tiltingSamples). "
        + (jitter > 0 ? "Largest jitter: \(Format.short(jitter)) of the mean variance." : "No kernel needed jitter."))
  }

  /// Bounds beside the test error.
  var boundTable: ReportTable {
    func mean(_ values: [Double]) -> String { values.isEmpty ? "" : String(format: "%.3f", Statistics.mean(values)) }
    let rows = groups.map { place, cells in
      [
        place.kind.title, "\(place.depth)", "\(place.count)", mean(cells.compactMap { $0.network?.testError }),
        mean(cells.map { $0.bound(delta: options.delta) }),
        mean(cells.map { $0.closedFormBound(delta: options.delta) }),
        cells.contains { ($0.network?.trainError ?? 0) > 0 } ? "no" : "yes",
        Format.short(Statistics.mean(cells.compactMap { $0.network.map { Double($0.epochs) } })),
      ]
    }
    return ReportTable(
      columns: [
        .init("labels"), .init("depth", .right), .init("n", .right), .init("test error", .right),
        .init("bound, C0", .right), .init("bound, C1", .right), .init("fitted", .left), .init("epochs", .right),
      ], rows: rows,
      caption:
        "Finite networks of width \(options.width) trained until they make no error (*fitted*), beside the PAC-Bayes "
        + "bounds at delta \(Format.short(options.delta)). The bound is of the mean over all networks that fit, not of this one."
    )
  }

  /// Cells of all subsets of a kind, depth and size, in that order.
  private var groups: [(GridPlace, [GridCell])] {
    options.labels.flatMap { kind in
      options.depths.flatMap { depth in
        options.sizes.compactMap { size -> (GridPlace, [GridCell])? in
          let found = cells.filter { ($0.place.kind, $0.place.depth, $0.place.count) == (kind, depth, size) }
          return found.first.map { ($0.place, found) }
        }
      }
    }
  }
}

/// Correlation of ranks.
enum RankCorrelation {
  /// Spearman's, with mean ranks for equal values; not-a-number where all of a list are equal.
  static func spearman(_ a: [Double], _ b: [Double]) -> Double {
    let (x, y) = (ranks(a), ranks(b))
    let (mx, my) = (Statistics.mean(x), Statistics.mean(y))
    let products = zip(x, y).reduce(0) { $0 + ($1.0 - mx) * ($1.1 - my) }
    let squares = x.reduce(0) { $0 + ($1 - mx) * ($1 - mx) } * y.reduce(0) { $0 + ($1 - my) * ($1 - my) }
    return products / squares.squareRoot()
  }

  private static func ranks(_ values: [Double]) -> [Double] {
    let order = values.indices.sorted { values[$0] < values[$1] }
    var result = [Double](repeating: 0, count: values.count)
    var start = 0
    while start < order.count {
      var end = start
      while end + 1 < order.count, values[order[end + 1]] == values[order[start]] { end += 1 }
      for place in start...end { result[order[place]] = Double(start + end) / 2 }
      start = end + 1
    }
    return result
  }
}
