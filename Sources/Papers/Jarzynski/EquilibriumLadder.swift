import Foundation
import Pinion

/// Walkers that climb a path's levels and come to rest at each: for thermodynamic integration and bridges.
///
/// Walkers start as samples of the reference. Where modes are parted by barriers they keep the shares that they had when
/// the barriers rose.
public final class EquilibriumLadder {
  public let path: AnnealingPath
  /// Metropolised Langevin steps at each level; the first half isn't counted.
  public let sweeps: Int
  private let compiled: (Input) throws -> Output

  private struct Input: Module {
    var states: Tensor
    var levels: Tensor
    var stepSizes: Tensor
    var key: Key
  }

  private struct Output: Module {
    /// dU/dl, mean over the counted sweeps, [L, M].
    var slopes: Tensor
    /// Components' energies at the last states of each level, [L, components, M].
    var energies: Tensor
    var states: Tensor
  }

  private struct Averaged: Module {
    var walkers: Walkers
    var slope: Tensor
  }

  /// What the walkers saw.
  public struct Climb: Sendable {
    public let levels: [Double]
    /// dU/dl of each walker at each level, [L][M].
    public let slopes: [[Double]]
    /// Reduced energies of the last states of all levels at all levels, float64 [L, L · M], level by level.
    public let energies: Tensor
    /// Last states at the target, float64 [M, d].
    public let states: Tensor
    /// Gradient evaluations of a walker.
    public let gradients: Int
  }

  public init(_ path: AnnealingPath, sweeps: Int) {
    self.path = path
    self.sweeps = max(2, sweeps)
    let sweeps = self.sweeps
    compiled = jit { input in try Self.climb(path, sweeps, input) }
  }

  /// - Parameters:
  ///   - levels: from 0 to 1; an odd number of them lets `integral` use Simpson's rule.
  ///   - stepSizes: of the Langevin steps at each level.
  /// - Throws: `TensorError` where the energy fails; `PJRTError`.
  public func run(count: Int, levels: [Double], stepSizes: [Double], key: Key) throws -> Climb {
    guard levels.count == stepSizes.count, levels.count > 1 else {
      throw TensorError.value("ladder", "\(levels.count) levels with \(stepSizes.count) step sizes")
    }
    let keys = key.split()
    let output = try compiled(
      Input(
        states: path.draw(keys[0], count), levels: Tensor(levels), stepSizes: Tensor(stepSizes), key: keys[1]))
    let energies = einsum("kc,lcm->klm", try path.table(Tensor(levels)), output.energies)
      .reshape([levels.count, levels.count * count])
    try evaluate(output.slopes, energies, output.states)
    let slopes = try output.slopes.array(of: Double.self)
    return Climb(
      levels: levels, slopes: levels.indices.map { Array(slopes[($0 * count)..<(($0 + 1) * count)]) },
      energies: energies, states: output.states, gradients: 1 + levels.count * sweeps)
  }

  private static func climb(_ path: AnnealingPath, _ sweeps: Int, _ input: Input) throws -> Output {
    let count = input.states.shape[0]
    let terms = path.components.count
    let states = input.states.transpose()
    let walkers = Walkers(
      states: states, evaluation: try path.evaluate(states), momenta: Tensor.zeros(like: states))
    let elements = [
      try path.table(input.levels), try path.slopes(input.levels), input.stepSizes,
      Tensor.arange(input.levels.shape[0], dtype: .float64),
    ]
    let burnIn = sweeps / 2
    let (end, results) = try scan(walkers, over: elements) { walkers, element -> (Walkers, [Tensor]) in
      let (a, slopes) = (scalars(element[0], terms), scalars(element[1], terms))
      let key = input.key.foldIn(element[3])
      func step(_ walkers: Walkers, _ i: Tensor) throws -> Walkers {
        try path.moved(walkers, by: .mala, coefficients: a, stepSize: element[2], key: key.foldIn(i)).walkers
      }
      let rested = try forLoop(walkers, steps: burnIn, step)
      let start = Averaged(walkers: rested, slope: Tensor.zeros([count], dtype: .float64))
      let averaged = try forLoop(start, steps: sweeps - burnIn) { current, i in
        let next = try step(current.walkers, i + Double(burnIn))
        return Averaged(walkers: next, slope: current.slope + next.evaluation.energy(slopes))
      }
      let slope = averaged.slope / Double(sweeps - burnIn)
      return (averaged.walkers, [slope, stack(averaged.walkers.evaluation.values)])
    }
    return Output(slopes: results[0], energies: results[1], states: end.states.transpose())
  }
}

extension EquilibriumLadder.Climb {
  /// Thermodynamic integration: log(Z₁/Z₀) = −∫ ⟨dU/dl⟩ dl, by Simpson's rule where levels allow it, else by trapezia.
  ///
  /// Each walker's own integral is an estimate, so that their spread gives the error; the rule's own error isn't in it.
  ///
  /// - Parameter power: of the schedule, l = t^power, in which levels lie at equal distances of t.
  public func integral(power: Double) -> PartitionEstimate {
    let n = levels.count - 1
    let width = 1 / Double(n)
    let weights = (0...n).map { i -> Double in
      let t = Double(i) * width
      let simpson = i == 0 || i == n ? 1.0 : i % 2 == 0 ? 2 : 4
      let trapezium = i == 0 || i == n ? 0.5 : 1
      return (n % 2 == 0 ? simpson / 3 : trapezium) * width * power * pow(t, power - 1)
    }
    let walkers = (slopes.first ?? []).indices.map { m in
      -zip(weights, slopes).reduce(0) { $0 + $1.0 * $1.1[m] }
    }
    let count = Double(walkers.count)
    let mean = walkers.reduce(0, +) / count
    let variance = walkers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / max(1, count - 1)
    return PartitionEstimate(
      logRatio: mean, standardError: (variance / count).squareRoot(), count: walkers.count)
  }

  /// MBAR over the last states of all levels.
  ///
  /// The walkers of one level are those of the level before, so the error bar is that of groups of walkers, which know
  /// nothing of each other; MBAR's own takes all states for independent.
  ///
  /// - Parameter solver: one that has solved the like before, if there is.
  /// - Throws: as `BridgeSampling.mbar`.
  public func bridge(_ solver: BridgeSampling = BridgeSampling()) throws -> PartitionEstimate {
    let walkers = slopes.first?.count ?? 0
    let count = levels.count
    func solved(_ energies: Tensor, _ walkers: Int) throws -> (value: Double, error: Double) {
      let result = try solver.mbar(energies, counts: levels.map { _ in walkers })
      return (result.logPartitionFunctions.last ?? .nan, result.standardErrors.last ?? .nan)
    }
    let (value, independent) = try solved(energies, walkers)
    var error = independent
    let groups = 8
    let size = walkers / groups
    if size > 1 {
      let byWalker = energies.reshape([count, count, walkers])
      let values = try (0..<groups).map { g in
        try solved(byWalker[.all, .all, (g * size)..<((g + 1) * size)].reshape([count, count * size]), size).value
      }
      let mean = values.reduce(0, +) / Double(groups)
      let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(groups - 1)
      error = max(error, (variance / Double(groups)).squareRoot())
    }
    return PartitionEstimate(logRatio: value, standardError: error, count: walkers * count)
  }
}
