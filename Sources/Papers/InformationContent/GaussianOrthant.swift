import Foundation
import Lab
import Pinion

/// The event that a Gaussian vector has given signs; minus the logarithm of its probability is the information content.
public struct GaussianOrthant: Sendable {
  /// Covariance of c ∘ z, which is to be positive in all n coordinates; float64 [n, n].
  public let covariance: Tensor
  /// Its lower Cholesky factor, float64 [n, n].
  public let factor: Tensor
  /// log det of the covariance.
  public let logDeterminant: Double
  /// What was added to each variance, over the mean variance: 0 unless the covariance is nearly singular.
  public let jitter: Double
  /// A pair of coordinates that are equal but for a factor and have different signs: the orthant is then empty.
  public let contradiction: (first: Int, second: Int)?

  /// Coordinates n.
  public var count: Int { covariance.shape[0] }

  /// Smallest pivot of the factorisation, over the mean variance, that counts as regular.
  private static let smallestPivot = 1e-11

  /// - Parameters:
  ///   - covariance: Σ of z, float64 [n, n], positive semi-definite.
  ///   - signs: c, +1 or -1 by coordinate.
  /// - Throws: `UsageError` where sizes differ, a sign is another number, a variance isn't positive, or the covariance is far
  ///   from positive semi-definite; `TensorError`, `PJRTError`.
  public init(covariance: Tensor, signs: [Double]) throws {
    let n = signs.count
    if let failure = covariance.failure { throw failure }
    guard covariance.shape == [n, n], covariance.dtype == .float64, n > 0 else {
      throw UsageError(
        "a covariance \(covariance.dtype)\(covariance.shape) for \(n) signs, expected float64[\(n), \(n)]")
    }
    if let wrong = signs.firstIndex(where: { abs($0) != 1 }) {
      throw UsageError("sign \(wrong + 1) is \(signs[wrong]), expected 1 or -1")
    }
    let c = Tensor(signs)
    let signed = (covariance + covariance.matrixTranspose()) / 2 * outer(c, c)
    let values = try signed.array(of: Double.self)
    let variances = (0..<n).map { values[$0 * n + $0] }
    if let wrong = variances.firstIndex(where: { !($0 > 0 && $0.isFinite) }) {
      throw UsageError("variance \(wrong + 1) is \(variances[wrong]), expected a positive number")
    }
    contradiction = Self.contradiction(values, variances)
    let mean = Statistics.mean(variances)
    // From nothing in powers of ten to what changes the third digit.
    for jitter in [0] + (-10 ... -4).map({ pow(10, Double($0)) }) {
      let regular = jitter == 0 ? signed : signed + Tensor.eye(n, dtype: .float64) * (jitter * mean)
      let factor = cholesky(regular)
      let pivots = try factor.diagonal().array(of: Double.self)
      guard pivots.allSatisfy({ $0 * $0 > Self.smallestPivot * mean }) else { continue }
      self.covariance = regular
      self.factor = factor
      self.jitter = jitter
      logDeterminant = 2 * pivots.reduce(0) { $0 + log($1) }
      return
    }
    throw UsageError("the covariance of \(n) coordinates isn't positive semi-definite")
  }

  private static func contradiction(_ values: [Double], _ variances: [Double]) -> (first: Int, second: Int)? {
    let n = variances.count
    for i in 0..<n {
      // Of c ∘ z: equal inputs with different labels have the correlation -1.
      let row = values[i * n..<(i + 1) * n]
      guard let least = row.min(), least < 0 else { continue }
      for j in 0..<i where values[i * n + j] < -(1 - 1e-12) * (variances[i] * variances[j]).squareRoot() {
        return (j, i)
      }
    }
    return nil
  }
}

/// An estimate of the information content with what says whether to trust it.
public struct ContentEstimate: Codable, Hashable, Sendable {
  /// log 1/p in nats.
  public var content: Double
  /// Standard error of the content in nats; optimistic where few samples carry the weight.
  public var standardError: Double
  /// How many samples of equal weight the samples are worth.
  public var effectiveSamples: Double
  /// The largest weight's share of their sum; 0 where there are no weights.
  public var largestShare: Double
  public var samples: Int

  /// Effective samples below which no estimate is trusted: the standard error is then above a seventh of a nat, and the
  /// weights probably miss what matters.
  public static let fewest = 50.0
  /// Share of one weight above which no estimate is trusted.
  public static let largestTrustedShare = 0.05

  init(content: Double, standardError: Double, effectiveSamples: Double, largestShare: Double, samples: Int) {
    (self.content, self.standardError, self.effectiveSamples) = (content, standardError, effectiveSamples)
    (self.largestShare, self.samples) = (largestShare, samples)
  }

  /// The mean weight's.
  ///
  /// - Parameters:
  ///   - logWeights: log of weights whose mean is the probability over exp(`offset`).
  ///   - offset: a constant taken out of the weights.
  init(logWeights: [Double], offset: Double = 0) {
    let top = logWeights.max() ?? -.infinity
    samples = logWeights.count
    guard top.isFinite else {
      (content, standardError, effectiveSamples, largestShare) = (.infinity, .infinity, 0, 1)
      return
    }
    let weights = logWeights.map { exp($0 - top) }
    let sum = weights.reduce(0, +)
    let squares = weights.reduce(0) { $0 + $1 * $1 }
    content = -(offset + top + log(sum / Double(samples)))
    effectiveSamples = sum * sum / squares
    largestShare = 1 / sum
    standardError = max(0, 1 / effectiveSamples - 1 / Double(samples)).squareRoot()
  }

  /// Whether enough samples carry the weight.
  public var isTrusted: Bool {
    content.isFinite && effectiveSamples >= Self.fewest && largestShare <= Self.largestTrustedShare
  }

  /// Why it can't be trusted, in one line; nil where it can.
  public var warning: String? {
    guard !isTrusted else { return nil }
    guard content.isFinite else { return "no sample has a weight: nothing is known but the bounds" }
    let worth = "\(samples) samples are worth \(Format.short(effectiveSamples))"
    let share = "one has \(Int((100 * largestShare).rounded())) % of the weight"
    let reasons = [
      effectiveSamples < Self.fewest ? worth : nil, largestShare > Self.largestTrustedShare ? share : nil,
    ].compactMap { $0 }
    return reasons.joined(separator: ", and ") + ": don't trust this number"
  }
}

/// The paper's closed-form bound C₁ on the content, and its tightest scale.
public struct ClosedFormBound: Codable, Hashable, Sendable {
  /// n/5 + s [(1/2 - 1/π) tr Σ⁻¹ + (1/π) cᵀ Σ⁻¹ c] with s = det(Σ)^(1/n), in nats.
  public var content: Double
  /// The bracket alone, with s.
  public var bracket: Double
  /// The same Jensen bound with the scale s that makes it smallest, and log 2 in place of 1/5 + 1/2: an extension.
  public var tightened: Double

  /// - Throws: `TensorError`, `PJRTError`.
  public init(_ orthant: GaussianOrthant) throws {
    let n = orthant.count
    let inverse = triangularSolve(orthant.factor, Tensor.eye(n, dtype: .float64), lower: true)
    let numbers = stack([inverse.square().sum(), inverse.sum(1).square().sum()])
    let values = try numbers.array(of: Double.self)
    self.init(count: n, logDeterminant: orthant.logDeterminant, trace: values[0], projection: values[1])
  }

  /// - Parameters:
  ///   - trace: tr Σ⁻¹.
  ///   - projection: cᵀ Σ⁻¹ c.
  init(count n: Int, logDeterminant: Double, trace: Double, projection: Double) {
    let number = Double(n)
    let form = (0.5 - 1 / Double.pi) * trace + projection / Double.pi
    bracket = exp(logDeterminant / number) * form
    content = number / 5 + bracket
    // n log 2 - (n/2) log s' + ½ log det + s' form - n/2 is smallest at s' = n / (2 form).
    tightened = number * log(2) + logDeterminant / 2 + number / 2 * log(2 * form / number)
  }
}
