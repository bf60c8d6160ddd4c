import Foundation
import Lab
import Pinion

/// The saddle point of minimax tilting (Botev, 2017), and with it a proposal for sampling the orthant.
///
/// With the factor L of the covariance, z = L y, rows divided by their diagonal, A = I + L̂: y_k given those before is a
/// standard normal beyond l_k = -(L̂ y)_k. The proposal shifts it by μ_k. The logarithm of a sample's weight is
/// ψ(y; μ) = Σ_k μ_k²/2 - y_k μ_k + log P(Z > l_k - μ_k). The best μ minimises the largest ψ over y.
///
/// For a given y the minimum over μ is found coordinate by coordinate, and what remains, g(y) = min_μ ψ, is concave with
/// gradient L̂ᵀh - μ and Hessian -(I + Aᵀ diag(κ/(1-κ)) A); h is the hazard at z = l - μ, κ = h (h - z). So Newton's method
/// with a line search always finds it. It also gives p ≤ exp ψ*, a bound from the other side than the paper's.
public struct TiltingSaddle: Sendable {
  /// Coordinates in the order of sampling.
  let order: [Int]
  /// L with rows divided by their diagonal, without it: strictly lower, float64 [n, n].
  let lower: Tensor
  /// The shifts μ, float64 [n].
  let shifts: Tensor
  /// Hazards h at the saddle, float64 [n].
  let hazards: Tensor
  /// ψ at the saddle: an upper bound of log p; 0 where the search ended before it.
  public let logUpperBound: Double
  /// Newton's steps.
  public let iterations: Int
  /// Largest entry of the gradient at the end.
  public let residual: Double

  private static let most = 100

  /// - Throws: `UsageError` where the search leaves the numbers; `TensorError`, `PJRTError`.
  public init(_ orthant: GaussianOrthant) throws {
    let n = orthant.count
    let ordering = VariableOrdering(covariance: try orthant.covariance.array(of: Double.self), count: n)
    order = ordering.order
    let factor = Tensor(ordering.factor, shape: [n, n])
    lower = (factor / factor.diagonal().expandDims(1)).lowerTriangle(offset: -1)
    let lower = lower
    let value = jit { (x: Tensor, lower: Tensor) -> [Tensor] in try Self.state(x, lower) }
    let newton = jit { (state: [Tensor], lower: Tensor) -> [Tensor] in Self.direction(state, lower) }
    var x = Tensor(ordering.start)
    var state = try value(x, lower)
    var current = try state[0].item()
    guard current.isFinite else { throw UsageError("minimax tilting: the start isn't inside of the orthant") }
    var (steps, slope, converged) = (0, Double.infinity, false)
    search: while steps < Self.most {
      let step = try newton(state, lower)
      let gain = try step[1].item()
      slope = try step[2].item()
      // Next to singular covariances can leave the numbers: the proposal so far is as unbiased as the best one.
      guard gain.isFinite else { break }
      if gain < 1e-12 * Double(n) {
        converged = true
        break
      }
      // Not all the way to the edge, where ψ falls to -infinity.
      var length = min(1, 0.95 / max(try step[3].item(), 1e-300))
      while true {
        let next = x + Tensor(length) * step[0]
        let trial = try value(next, lower)
        let height = try trial[0].item()
        if height >= current + 1e-4 * length * gain - 1e-10 * abs(current) {
          (x, state, current) = (next, trial, height)
          steps += 1
          break
        }
        length /= 2
        if length < 1e-10 { break search }
      }
    }
    (shifts, hazards) = (state[1], state[2])
    // Short of the saddle ψ bounds nothing.
    (logUpperBound, iterations, residual) = (converged ? current : 0, steps, slope)
  }

  /// g, μ, h, κ and x at a point; g isn't finite outside.
  private static func state(_ x: Tensor, _ lower: Tensor) throws -> [Tensor] {
    let limits = -lower.matmul(x)
    let inside = x - limits
    let z = try NormalTail.inverseExcess(maximum(inside, 1e-300))
    let shifts = limits - z
    let (hazard, excess) = NormalTail.hazard(z)
    let terms = shifts.square() / 2 - x * shifts + NormalTail.logSurvival(z)
    let value = select(inside.min() .> 0, terms.sum(), Tensor(-Double.infinity))
    return [value, shifts, hazard, hazard * excess, x]
  }

  /// Newton's step, the gain it promises, the gradient's largest entry, and how fast the nearest edge comes.
  private static func direction(_ state: [Tensor], _ lower: Tensor) -> [Tensor] {
    let (shifts, hazards, kappa, x) = (state[1], state[2], state[3], state[4])
    let n = x.shape[0]
    let matrix = lower + Tensor.eye(n, dtype: .float64)
    let gradient = lower.matrixTranspose().matmul(hazards) - shifts
    let weights = kappa / maximum(1 - kappa, 1e-12)
    let scaled = matrix * weights.sqrt().expandDims(1)
    let hessian = Tensor.eye(n, dtype: .float64) + scaled.matrixTranspose().matmul(scaled)
    let step = choleskySolve(cholesky(hessian), gradient)
    let approach = (-matrix.matmul(step) / matrix.matmul(x)).max()
    return [step, (step * gradient).sum(), gradient.abs().max(), approach]
  }
}

/// Sequential importance sampling of the orthant from the minimax-tilted proposal, with resampling.
///
/// Where the weights of a replicate have become unequal, particles are drawn anew in proportion to their weight times a
/// forecast of what is to come: ψ is flat at the saddle, so that the terms ahead are, to first order,
/// Σ_j y_j Σ_{m ahead} L̂_mj h_m. The estimate of p stays unbiased (twisted sequential Monte Carlo; Whiteley and Lee, 2014).
/// With `resamples` false it's Botev's estimator.
public struct MinimaxTilting: Sendable {
  /// Samples in all.
  public var samples: Int
  /// Independent runs they are divided among; their spread is an error bar.
  public var replicates: Int
  public var resamples: Bool
  /// Coordinates between looks at the weights.
  static let block = 32

  public init(samples: Int, replicates: Int = 8, resamples: Bool = true) {
    self.replicates = max(1, replicates)
    self.samples = max(self.replicates, samples)
    self.resamples = resamples
  }

  /// - Throws: `UsageError`, `TensorError`, `PJRTError`.
  public func estimate(_ orthant: GaussianOrthant, key: Key) throws -> ContentEstimate {
    try estimate(TiltingSaddle(orthant), key: key)
  }

  /// - Throws: `TensorError`, `PJRTError`.
  public func estimate(_ saddle: TiltingSaddle, key: Key) throws -> ContentEstimate {
    let particles = samples / replicates
    let input = SequentialInput(saddle, block: Self.block)
    let resamples = resamples
    let sweep = jit { (input: SequentialInput, key: Key) -> [Tensor] in
      try Self.sweep(input, particles: particles, resamples: resamples, key: key)
    }
    var (logs, variances, weights, shares): ([Double], [Double], [Double], [Double]) = ([], [], [], [])
    var resampled = false
    for run in 0..<replicates {
      let result = try sweep(input, key.foldIn(run))
      try evaluate(result)
      let numbers = try result[0].array(of: Double.self)
      let last = try result[1].array(of: Double.self)
      let final = ContentEstimate(logWeights: last)
      logs.append(numbers[0] - final.content)
      variances.append(numbers[1] + final.standardError * final.standardError)
      resampled = resampled || numbers[2] > 0
      weights += last.map { $0 + numbers[0] }
      shares.append(final.largestShare)
    }
    let whole = ContentEstimate(logWeights: weights)
    guard resampled else { return whole }
    // The relative variances of the stages add up; the spread over replicates knows of what they can't see.
    let count = Double(replicates)
    let spread = ContentEstimate(logWeights: logs)
    let within = Statistics.mean(variances) / count
    let between = replicates > 1 ? spread.standardError * spread.standardError * count / (count - 1) : 0
    let variance = max(within, between)
    return ContentEstimate(
      content: spread.content, standardError: variance.squareRoot(),
      effectiveSamples: 1 / (variance + 1 / Double(particles * replicates)),
      largestShare: (shares.max() ?? 1) / count, samples: particles * replicates)
  }

  /// One replicate: [log of the constants taken out, relative variance of the stages, resamplings], and log-weights [P].
  private static func sweep(_ input: SequentialInput, particles: Int, resamples: Bool, key: Key) throws -> [Tensor] {
    let (size, width) = (block, input.lower.shape[0])
    let zero = Tensor(0 as Int32)
    let begin = Particles(
      states: Tensor.zeros([width, particles], dtype: .float64),
      logWeights: Tensor.zeros([particles], dtype: .float64), constant: Tensor(0.0), variance: Tensor(0.0),
      resamplings: Tensor(0.0))
    let end = try forLoop(begin, steps: width / size) { particles, number in
      let first = number * Double(size)
      let rows = input.lower.dynamicSlice(starts: [first, zero], sizes: [size, width])
      let shifts = input.shifts.dynamicSlice(starts: [first], sizes: [size])
      let exists = input.exists.dynamicSlice(starts: [first], sizes: [size])
      let inner = rows.dynamicSlice(starts: [zero, first], sizes: [size, size])
      let keys = key.foldIn(number)
      var particles = particles
      let before = rows.matmul(particles.states)
      let uniforms = keys.foldIn(0).uniform(before.shape, dtype: .float64)
      let start = BlockState(states: Tensor.zeros(like: before), logWeights: particles.logWeights)
      let done = try scan(start, over: [Tensor.arange(size), inner, before, uniforms, shifts, exists]) { state, step in
        let (row, shift) = (step[1].expandDims(0), step[4])
        let limit = -(row.matmul(state.states).reshape(step[2].shape) + step[2]) - shift
        let survival = NormalTail.logSurvival(limit)
        // A uniform number of 0 would be a sample at infinity.
        let drawn = NormalTail.quantile(logSurvival: maximum(step[3], 1e-300).log() + survival)
        let y = (shift + drawn) * step[5]
        let gain = (shift.square() / 2 - y * shift + survival) * step[5]
        let states = state.states.dynamicUpdateSlice(y.expandDims(0), starts: [step[0], zero])
        return (BlockState(states: states, logWeights: state.logWeights + gain), [Tensor]())
      }.carried
      particles.states = particles.states.dynamicUpdateSlice(done.states, starts: [first, zero])
      particles.logWeights = done.logWeights
      guard resamples else { return particles }
      let slopes = input.forecasts.dynamicSlice(starts: [number, zero], sizes: [1, width]).reshape([1, width])
      return try resampled(particles, slopes, uniform: keys.foldIn(1).uniform([], dtype: .float64))
    }
    return [stack([end.constant, end.variance, end.resamplings]), end.logWeights]
  }

  /// Particles drawn anew (systematic resampling) where they're worth less than half their number.
  private static func resampled(_ particles: Particles, _ slopes: Tensor, uniform: Tensor) throws -> Particles {
    let count = particles.logWeights.shape[0]
    let forecast = slopes.matmul(particles.states).reshape([count])
    let logs = particles.logWeights + forecast
    let total = logs.logSumExp()
    let weights = (logs - total).exp()
    let effective = 1 / weights.square().sum()
    return try cond(effective .< 0.5 * Double(count)) {
      let ladder = weights.cumulativeSum()
      let places = (Tensor.arange(count, dtype: .float64) + uniform) / Double(count)
      let parents = minimum(ladder.searchSorted(places * ladder[-1], side: .right), Double(count - 1))
      return Particles(
        states: particles.states.take(parents, axis: 1), logWeights: -forecast.take(parents),
        constant: particles.constant + total - log(Double(count)),
        variance: particles.variance + 1 / effective - 1 / Double(count), resamplings: particles.resamplings + 1)
    } else: {
      particles
    }
  }
}

/// A saddle with its coordinates filled up to whole blocks, so that few sizes are compiled.
private struct SequentialInput: Module {
  /// [w, w]
  var lower: Tensor
  /// [w]
  var shifts: Tensor
  /// 1 for coordinates, 0 for what fills up, [w].
  var exists: Tensor
  /// By block the slopes of what is ahead of it, [w / block, w].
  var forecasts: Tensor

  init(_ saddle: TiltingSaddle, block: Int) {
    let n = saddle.order.count
    let width = (n + block - 1) / block * block
    lower = saddle.lower.pad(low: [0, 0], high: [width - n, width - n])
    shifts = saddle.shifts.pad(low: [0], high: [width - n])
    exists = Tensor.ones([n], dtype: .float64).pad(low: [0], high: [width - n])
    let hazards = saddle.hazards.pad(low: [0], high: [width - n])
    let sums = (lower * hazards.expandDims(1)).reshape([width / block, block, width]).sum(1)
    forecasts = sums.cumulativeSum(axis: 0, reverse: true, exclusive: true)
  }
}

private struct Particles: Module {
  /// [w, P]
  var states: Tensor
  /// [P]
  var logWeights: Tensor
  var constant: Tensor
  var variance: Tensor
  var resamplings: Tensor
}

private struct BlockState: Module {
  var states: Tensor
  var logWeights: Tensor
}
