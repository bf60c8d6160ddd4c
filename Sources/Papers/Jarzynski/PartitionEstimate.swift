import Formats
import Foundation

/// log(Z₁/Z₀) from weights, with what says how far it can be trusted.
public struct PartitionEstimate: Codable, Hashable, Sendable {
  /// log of the mean weight; biased low by about half the relative variance over the count.
  public var logRatio: Double
  /// Standard error of `logRatio`; optimistic where weights have heavy tails.
  public var standardError: Double
  /// Var[w] / E[w]², of one weight.
  public var relativeVariance: Double
  /// Count / (1 + relative variance).
  public var effectiveSamples: Double
  /// The largest weight's share of their sum.
  public var maxWeightShare: Double
  /// Weights, those of trajectories that ran off (weight 0) among them.
  public var count: Int

  /// - Parameter logWeights: such as −W; what isn't a number counts as weight 0.
  public init(logWeights: [Double]) {
    count = logWeights.count
    let logs = logWeights.map { $0.isNaN ? -Double.infinity : $0 }
    guard let top = logs.max(), top.isFinite else {
      (logRatio, standardError, relativeVariance) = (-.infinity, .infinity, .infinity)
      (effectiveSamples, maxWeightShare) = (0, 1)
      return
    }
    // In units of the largest weight nothing overflows, and constants added to the energy change nothing.
    let weights = logs.map { exp($0 - top) }
    let n = Double(count)
    let mean = weights.reduce(0, +) / n
    let squares = weights.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    logRatio = top + log(mean)
    relativeVariance = count > 1 ? squares / (n - 1) / (mean * mean) : .infinity
    standardError = (relativeVariance / n).squareRoot()
    effectiveSamples = n / (1 + relativeVariance)
    maxWeightShare = 1 / (mean * n)
  }

  /// A value with its standard error, found in another way than by weights.
  init(logRatio: Double, standardError: Double, count: Int) {
    self.logRatio = logRatio
    self.standardError = standardError
    self.count = count
    relativeVariance = standardError * standardError * Double(count)
    effectiveSamples = Double(count) / (1 + relativeVariance)
    maxWeightShare = 1 / Double(max(1, count))
  }

  /// What in the weights themselves says that the estimate may be wrong.
  public var warnings: [String] {
    guard logRatio.isFinite else { return ["no trajectory has a weight: the energy isn't finite where they went"] }
    var list: [String] = []
    if maxWeightShare > 0.1, count > 10 {
      list.append(
        "one trajectory has \(Int(100 * maxWeightShare)) % of the weight: the error bar is optimistic, and modes may be "
          + "missed; take a larger budget or slower switching")
    }
    if effectiveSamples < 30 {
      list.append(
        "the weights are worth \(String(format: "%.1f", effectiveSamples)) samples: the estimate is probably too low")
    }
    return list
  }
}

/// Work values as a table that pymbar, alchemlyb and NumPy read.
///
/// ```python
/// table = numpy.genfromtxt("work.csv", delimiter=",", names=True)
/// forward, reverse = (table["work"][table["forward"] == k] for k in (1, 0))
/// pymbar.other_estimators.exp(forward)["Delta_f"]            # −log(Z₁/Z₀)
/// pymbar.other_estimators.bar(forward, reverse)["Delta_f"]
/// ```
public struct WorkTable: Hashable, Sendable {
  /// Reduced work from the reference to the target.
  public var forward: [Double]
  /// Reduced work from the target to the reference; empty where nothing was driven back.
  public var reverse: [Double]

  public init(forward: [Double], reverse: [Double] = []) {
    self.forward = forward
    self.reverse = reverse
  }

  /// Reads a table with the columns `work` and, optionally, `forward` (1 or 0).
  ///
  /// - Throws: `FormatError` with the file, the line and what was expected.
  public init(path: String) throws {
    let table = try CSV(path: path)
    let work = try table.numbers("work")
    guard !work.isEmpty else { throw FormatError(path, "has no work values") }
    if let bad = work.firstIndex(where: { $0.isNaN }) {
      throw FormatError(path, "work value \(bad + 1) isn't a number")
    }
    let directions = table.header?.contains("forward") == true ? try table.numbers("forward") : work.map { _ in 1 }
    if let bad = directions.firstIndex(where: { $0 != 0 && $0 != 1 }) {
      throw FormatError(path, "row \(bad + 1): forward is \(directions[bad]), expected 1 or 0")
    }
    forward = zip(work, directions).filter { $0.1 == 1 }.map(\.0)
    reverse = zip(work, directions).filter { $0.1 == 0 }.map(\.0)
    guard !forward.isEmpty else { throw FormatError(path, "has no forward work values") }
  }

  /// Writes all digits, whole file or nothing.
  ///
  /// - Throws: `FormatError` with the system's reason.
  public func write(to path: String) throws {
    let rows = forward.map { ["\($0)", "1"] } + reverse.map { ["\($0)", "0"] }
    try CSV(header: ["work", "forward"], rows: rows).write(to: path)
  }
}
