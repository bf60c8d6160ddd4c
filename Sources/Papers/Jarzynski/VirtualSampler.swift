import Foundation
import Pinion

/// Log-weights of a virtual-trajectory estimate.
public struct VirtualRun: Sendable {
  /// log R of each real sample: the mean of exp is Z₁/Z₀.
  public var logWeights: [Double]
  /// Virtual states, one of each orbit, that follow the target when weighted; float64 [M, d], nil where none were drawn.
  public var states: Tensor?
}

/// The virtual-trajectory estimator: each real sample is accompanied by deterministic virtual states before and after it.
///
/// This is an estimator in the spirit of arXiv 2103.00529, of which only the abstract could be read; see README.
/// With one level it is single-shot. With more, real annealed trajectories carry virtual ones: at each level R is taken
/// between that level and the next, a virtual state is drawn in proportion to its share of R, and a Langevin step with
/// Metropolis test follows at the next level.
public final class VirtualSampler {
  public let path: AnnealingPath
  /// The longest K that there is place for.
  public let longest: Int
  /// Metropolised Langevin steps after each jump, where there is more than one window.
  public let moves: Int
  private let compiled: (Input) throws -> VirtualWindow.Output

  struct Input: Module {
    /// [M, d].
    var states: Tensor
    /// l of the windows' ends, [N + 1].
    var levels: Tensor
    /// Of the momentum, [N + 1].
    var precisions: Tensor
    /// γ and h at each of the N windows.
    var friction: Tensor
    var virtualStep: Tensor
    /// K of each window, int32 [N].
    var lengths: Tensor
    /// dt of the real moves, [N].
    var stepSizes: Tensor
    var key: Key
  }

  /// - Parameters:
  ///   - longest: upper bound of K; 0 leaves plain importance sampling.
  ///   - moves: real moves after each jump.
  ///   - keepsStates: whether virtual states are drawn in single-shot runs too; they cost a little.
  public init(_ path: AnnealingPath, longest: Int, moves: Int = 1, keepsStates: Bool = false) {
    self.path = path
    self.longest = max(0, longest)
    self.moves = max(0, moves)
    // A few sizes, so that samplers share their programs.
    var capacity = longest > 0 ? 64 : 0
    while capacity < longest { capacity *= 2 }
    let window = VirtualWindow(path: path, capacity: capacity)
    let moves = self.moves
    compiled = jit { input in try Self.run(window, moves: moves, input, keepsStates: keepsStates) }
  }

  /// Gradient evaluations for each real sample with so many windows of so many steps forward and backward.
  public func gradients(windows: Int, length: Int) -> Int {
    windows > 1 ? windows * (2 * length + 2 + moves) : 2 * length + 1
  }

  /// Draws real samples and weighs them.
  ///
  /// - Parameters:
  ///   - levels: l of the windows' ends, from 0 to 1; `[0, 1]` is the single-shot estimator.
  ///   - stepSizes: of the real moves after each window.
  /// - Throws: `TensorError` where lists don't fit or the energy fails; `PJRTError`.
  public func run(
    count: Int, parameters: VirtualParameters, levels: [Double] = [0, 1], stepSizes: [Double] = [0], key: Key
  ) throws -> VirtualRun {
    let windows = max(0, levels.count - 1)
    let all = Array(repeating: parameters, count: windows)
    let output = try output(count: count, parameters: all, levels: levels, stepSizes: stepSizes, key: key)
    let states = output.chosen ?? Tensor.zeros([count, 0], dtype: .float64)
    try evaluate(output.logRatio, states)
    return VirtualRun(
      logWeights: try output.logRatio.array(of: Double.self), states: output.chosen.map { _ in states })
  }

  /// log R alone, float64 [count], as a tensor that isn't computed yet: for compiled functions of one's own, and for windows
  /// with parameters of their own.
  ///
  /// - Parameters:
  ///   - parameters: of each window.
  ///   - levels: as in `run`; windows of equal width without them.
  ///   - stepSizes: as in `run`.
  /// - Throws: `TensorError` where lists don't fit or the energy fails.
  public func logWeights(
    count: Int, parameters: [VirtualParameters], levels: [Double]? = nil, stepSizes: [Double]? = nil, key: Key
  ) throws -> Tensor {
    try output(
      count: count, parameters: parameters, levels: levels ?? AnnealingSchedule.levels(parameters.count),
      stepSizes: stepSizes ?? parameters.map { _ in 0 }, key: key
    ).logRatio
  }

  private func output(
    count: Int, parameters: [VirtualParameters], levels: [Double], stepSizes: [Double], key: Key
  ) throws -> VirtualWindow.Output {
    guard let first = parameters.first, levels.count == parameters.count + 1, stepSizes.count == parameters.count,
      parameters.allSatisfy({ (0...longest).contains($0.length) })
    else {
      throw TensorError.value(
        "virtual trajectories",
        "\(levels.count) levels, \(parameters.count) windows and \(stepSizes.count) step sizes don't go together, or "
          + "a length isn't within 0 and \(longest)")
    }
    let ends = first.momentumPrecisions ?? [path.momentumPrecisions.0, path.momentumPrecisions.1]
    guard ends.count == 2, ends.allSatisfy({ $0 > 0 && $0.isFinite }) else {
      throw TensorError.value("virtual trajectories", "momentum precisions \(ends), expected two positive numbers")
    }
    let keys = key.split()
    return try compiled(
      Input(
        states: path.draw(keys[0], count), levels: Tensor(levels),
        precisions: Tensor(levels.map { ends[0] * pow(ends[1] / ends[0], $0) }),
        friction: Tensor(parameters.map(\.friction)), virtualStep: Tensor(parameters.map(\.stepSize)),
        lengths: Tensor(parameters.map { Int32($0.length) }), stepSizes: Tensor(stepSizes), key: keys[1]))
  }

  private static func run(
    _ window: VirtualWindow, moves: Int, _ input: Input, keepsStates: Bool
  ) throws -> VirtualWindow.Output {
    let windows = input.friction.shape[0]
    let states = input.states.transpose()
    let shape = states.shape
    let table = try window.path.table(input.levels)
    let windowInputs = VirtualWindow.Input(
      length: input.lengths, lower: table[..<windows], upper: table[1...], lowerPrecision: input.precisions[..<windows],
      upperPrecision: input.precisions[1...], friction: input.friction, stepSize: input.virtualStep)
    guard windows > 1 else {
      let only = try map(windowInputs) { $0.tensor[0] }
      let keys = input.key.split()
      var output = try window.output(
        states, noise: keys[0].normal(shape, dtype: .float64), only, choosing: keepsStates ? keys[1] : nil)
      output.chosen = output.chosen?.transpose()
      return output
    }
    let elements = Element(window: windowInputs, stepSize: input.stepSizes, number: Tensor.arange(windows))
    let begin = Carried(states: states, logWeight: Tensor.zeros([shape[1]], dtype: .float64))
    let end = try scan(begin, over: elements) { carried, element -> (Carried, [Tensor]) in
      let keys = input.key.foldIn(element.number).split(3)
      let output = try window.output(
        carried.states, noise: keys[0].normal(shape, dtype: .float64), element.window, choosing: keys[1])
      let states = try moved(output.chosen ?? carried.states, element, window.path, moves, keys[2])
      return (Carried(states: states, logWeight: carried.logWeight + output.logRatio), [Tensor]())
    }.carried
    return VirtualWindow.Output(logRatio: end.logWeight, chosen: end.states.transpose())
  }

  private struct Carried: Module {
    /// [d, M].
    var states: Tensor
    var logWeight: Tensor
  }

  private struct Element: Module {
    var window: VirtualWindow.Input
    var stepSize: Tensor
    var number: Tensor
  }

  /// Real moves at the upper level of a window, from the virtual states that were drawn.
  private static func moved(
    _ states: Tensor, _ element: Element, _ path: AnnealingPath, _ moves: Int, _ key: Key
  ) throws -> Tensor {
    guard moves > 0 else { return states }
    let a = scalars(element.window.upper, path.components.count)
    let start = Walkers(
      states: states, evaluation: try path.evaluate(states), momenta: Tensor.zeros(like: states))
    return try forLoop(start, steps: moves) { walkers, i in
      try path.moved(walkers, by: .mala, coefficients: a, stepSize: element.stepSize, key: key.foldIn(i)).walkers
    }.states
  }
}
