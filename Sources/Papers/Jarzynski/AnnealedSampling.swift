import Foundation
import Pinion

/// Trajectories that were driven along a path, and their work.
public struct AnnealedRun: Sendable {
  /// Reduced work W of each trajectory: the mean of exp(−W) is Z₁/Z₀.
  public var work: [Double]
  /// Mean acceptance of each step's move.
  public var acceptance: [Double]
  /// Step size of each step.
  public var stepSizes: [Double]
  /// Last states, float64 [M, d].
  public var states: Tensor
}

/// Annealed importance sampling, which is Jarzynski's estimator in discrete time.
///
/// At each step the level moves on, which is work done on the state, then the state moves at that level, which is heat:
/// W += U_{l(n+1)}(x) − U_{l(n)}(x); x ← move(x). All trajectories advance together, in one loop over the steps.
public final class AnnealedSampler {
  public let path: AnnealingPath
  public let move: Move
  private let drive: (DriveInput) throws -> DriveOutput

  struct DriveInput: Module {
    /// [M, d].
    var states: Tensor
    /// l of steps 0 … N, and numbers that aren't used.
    var levels: Tensor
    /// Of steps 1 … N, and numbers that aren't used; where sizes adapt only the first counts.
    var stepSizes: Tensor
    /// N, int32.
    var steps: Tensor
    /// Mean acceptance that sizes adapt to; not-a-number where they don't.
    var aim: Tensor
    var key: Key
  }

  struct DriveOutput: Module {
    var work: Tensor
    var states: Tensor
    var acceptance: Tensor
    var stepSizes: Tensor
  }

  public init(_ path: AnnealingPath, move: Move) {
    self.path = path
    self.move = move
    drive = jit { input in try Self.driven(path, move, input) }
  }

  /// Gradient evaluations of a trajectory of so many steps.
  public func gradients(steps: Int) -> Int { 1 + steps * move.gradients }

  /// Drives trajectories from independent samples of the reference.
  ///
  /// - Parameters:
  ///   - levels: l of steps 0 … N.
  ///   - stepSizes: of the N moves.
  /// - Throws: `TensorError` where lists don't fit or the energy fails; `PJRTError`.
  public func run(count: Int, levels: [Double], stepSizes: [Double], key: Key) throws -> AnnealedRun {
    let keys = key.split()
    return try run(from: path.draw(keys[0], count), levels: levels, stepSizes: stepSizes, key: keys[1])
  }

  /// Drives trajectories from given states, float64 [M, d]; with falling levels from samples of the target, for the
  /// reverse work.
  ///
  /// - Throws: as `run(count:levels:stepSizes:key:)`.
  public func run(from states: Tensor, levels: [Double], stepSizes: [Double], key: Key) throws -> AnnealedRun {
    guard levels.count == stepSizes.count + 1, !stepSizes.isEmpty else {
      throw TensorError.value("annealed", "\(levels.count) levels with \(stepSizes.count) step sizes")
    }
    return try result(input(states, levels, stepSizes, key))
  }

  /// The work alone of trajectories from the reference, float64 [count], as a tensor that isn't computed yet: for compiled
  /// functions of one's own.
  ///
  /// - Throws: `TensorError` where the energy fails.
  public func work(count: Int, levels: [Double], stepSizes: [Double], key: Key) throws -> Tensor {
    let keys = key.split()
    return try drive(input(path.draw(keys[0], count), levels, stepSizes, keys[1])).work
  }

  /// Finds step sizes for a schedule: each follows from the acceptance of the step before.
  ///
  /// The trajectories are a pilot, to be thrown away: weights of steps that adapt to their own samples are biased.
  ///
  /// - Parameters:
  ///   - count: pilot trajectories.
  ///   - start: first step size; it's found anew where that is far off.
  ///   - acceptance: mean acceptance to aim at.
  public func tuned(
    count: Int, levels: [Double], start: Double, acceptance: Double, key: Key
  ) throws -> AnnealedRun {
    let steps = max(1, levels.count - 1)
    func pilot(_ levels: [Double], from size: Double, _ key: Key) throws -> AnnealedRun {
      let keys = key.split()
      var start = input(path.draw(keys[0], count), levels, Array(repeating: size, count: steps), keys[1])
      start.aim = Tensor(acceptance)
      return try result(start)
    }
    // Steps at the first level bring the first size near; along the path sizes then change slowly.
    var first = start
    for round in 0..<max(1, 40 / steps) {
      let resting = try pilot(Array(repeating: levels.first ?? 0, count: steps + 1), from: first, key.foldIn(round))
      if let last = resting.stepSizes.last, last.isFinite, last > 0 { first = last }
    }
    return try pilot(levels, from: first, key.foldIn(-1))
  }

  /// Lists are filled up to a length that many schedules share, so that one program serves them.
  private func input(_ states: Tensor, _ levels: [Double], _ sizes: [Double], _ key: Key) -> DriveInput {
    var capacity = 1_024
    while capacity < sizes.count { capacity *= 2 }
    let missing = Array(repeating: 1.0, count: capacity - sizes.count)
    return DriveInput(
      states: states, levels: Tensor(levels + missing), stepSizes: Tensor(sizes + missing),
      steps: Tensor(Int32(sizes.count)), aim: Tensor(Double.nan), key: key)
  }

  private func result(_ input: DriveInput) throws -> AnnealedRun {
    let output = try drive(input)
    try evaluate(output.work, output.acceptance, output.stepSizes, output.states)
    let steps = Int(try input.steps.item())
    return AnnealedRun(
      work: try output.work.array(of: Double.self),
      acceptance: Array(try output.acceptance.array(of: Double.self).prefix(steps)),
      stepSizes: Array(try output.stepSizes.array(of: Double.self).prefix(steps)), states: output.states)
  }

  private struct Carried: Module {
    var walkers: Walkers
    var work: Tensor
    var logStep: Tensor
    /// Of the steps so far.
    var acceptance: Tensor
    var stepSizes: Tensor
    var number: Tensor
  }

  private static func driven(
    _ path: AnnealingPath, _ move: Move, _ input: DriveInput
  ) throws -> DriveOutput {
    let count = input.states.shape[0]
    let terms = path.components.count
    let keys = input.key.split()
    let states = input.states.transpose()
    let table = try path.table(input.levels)
    let isAdaptive = input.aim .== input.aim
    let start = Carried(
      walkers: Walkers(
        states: states, evaluation: try path.evaluate(states),
        momenta: keys[0].normal([path.dimension, count], dtype: .float64)),
      work: Tensor.zeros([count], dtype: .float64), logStep: input.stepSizes[0].log(),
      acceptance: Tensor.zeros(like: input.stepSizes), stepSizes: input.stepSizes, number: Tensor(Int32(0)))
    let end = try whileLoop(start) {
      $0.number .< input.steps
    } do: { carried in
      let n = carried.number
      func row(_ n: Tensor) -> [Tensor] {
        let zero = Tensor(Int32(0))
        return scalars(table.dynamicSlice(starts: [n, zero], sizes: [1, terms]).reshape([terms]), terms)
      }
      func single(_ value: Tensor) -> Tensor { value.reshape([1]) }
      let after = row(n + 1)
      let energies = carried.walkers.evaluation
      let protocolWork = energies.energy(after) - energies.energy(row(n))
      let given = carried.stepSizes.dynamicSlice(starts: [n], sizes: [1]).reshape([])
      let stepSize = select(isAdaptive, carried.logStep.exp(), given)
      let result = try path.moved(
        carried.walkers, by: move, coefficients: after, stepSize: stepSize, key: keys[1].foldIn(n))
      var next = carried
      next.walkers = result.walkers
      next.work = carried.work + protocolWork
      if let shadow = result.shadowWork { next.work = next.work + shadow }
      next.logStep = carried.logStep + 0.7 * (result.acceptance - input.aim)
      next.acceptance = carried.acceptance.dynamicUpdateSlice(single(result.acceptance), starts: [n])
      next.stepSizes = carried.stepSizes.dynamicUpdateSlice(single(stepSize), starts: [n])
      next.number = n + 1
      return next
    }
    return DriveOutput(
      work: end.work, states: end.walkers.states.transpose(), acceptance: end.acceptance, stepSizes: end.stepSizes)
  }
}
