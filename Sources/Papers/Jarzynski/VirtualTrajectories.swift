import Foundation
import Pinion

/// Parameters of the virtual trajectories. None of them touches the estimate's mean, only its variance.
public struct VirtualParameters: Codable, Hashable, Sendable {
  /// Friction γ of the conformal flow; sharpest at 0.05 to 0.5 of the lowest frequency.
  public var friction: Double
  /// Step h; 0.1 to 0.4 over the highest frequency.
  public var stepSize: Double
  /// K: steps forward from each real sample, and backward.
  public var length: Int
  /// Precisions of the momentum at l = 0 and 1, geometric between; nil for those of the path.
  public var momentumPrecisions: [Double]?

  public init(friction: Double, stepSize: Double, length: Int, momentumPrecisions: [Double]? = nil) {
    self.friction = friction
    self.stepSize = stepSize
    self.length = length
    self.momentumPrecisions = momentumPrecisions
  }
}

/// Points of M phase-space orbits, with the gradient of the energy that drives them.
struct PhasePoints: Module {
  /// float64 [d, M].
  var positions: Tensor
  /// float64 [d, M]; of unit mass.
  var momenta: Tensor
  /// float64 [d, M].
  var gradient: Tensor
}

/// The linearly damped (conformal) Hamiltonian flow x' = p, p' = −∇E(x) − γp, whose volume element shrinks by
/// exp(−γ d t) everywhere: densities are transported without a Jacobian to compute.
struct ConformalFlow {
  let path: AnnealingPath
  /// Coefficients of the energy E that drives the flow.
  let coefficients: [Tensor]
  /// γ, float64 scalar.
  let friction: Tensor

  /// Points with their gradients, and what was evaluated there.
  func start(_ positions: Tensor, _ momenta: Tensor) throws -> (PhasePoints, Evaluation) {
    let evaluation = try path.evaluate(positions)
    let gradient = evaluation.gradient(coefficients)
    return (PhasePoints(positions: positions, momenta: momenta, gradient: gradient), evaluation)
  }

  /// One step T: half the damping, a leapfrog step, half the damping; |det T| = exp(−γ d h) exactly. T⁻¹ is T with −h.
  func step(_ z: PhasePoints, _ h: Tensor) throws -> (PhasePoints, Evaluation) {
    let damping = (-friction * h / 2).exp()
    let half = z.momenta * damping - h / 2 * z.gradient
    var (next, evaluation) = try start(z.positions + h * half, half)
    next.momenta = (half - h / 2 * next.gradient) * damping
    return (next, evaluation)
  }
}

/// A window of virtual states about each real one.
///
/// With z_j = T^j z, and J_j = |det ∂T^j|, the weight of a sample z ~ f₀ is
/// R(z) = Σ_{k=0…K} f₁(z_k) J_k / Σ_{j=k−K…k} f₀(z_j) J_j,
/// whose mean is ∫f₁/∫f₀ for any K, h and γ: states before time 0 act as competing origins. Every window holds time 0, so
/// its sum is one over a backward stretch and one over a forward stretch, both found on the way, in logs.
struct VirtualWindow {
  let path: AnnealingPath
  /// The longest K that there is place for; one program serves all that are shorter.
  let capacity: Int

  /// What a window is made with: [components] for coefficients, else float64 scalars.
  struct Input: Module {
    /// K, int32.
    var length: Tensor
    var lower: Tensor
    var upper: Tensor
    var lowerPrecision: Tensor
    var upperPrecision: Tensor
    var friction: Tensor
    var stepSize: Tensor
  }

  struct Output: Module {
    /// log R without the momenta's known factor: its exponential's mean is Z₁/Z₀; [M].
    var logRatio: Tensor
    /// Positions of a virtual state of each orbit, drawn in proportion to its term of R; nil where none was asked for.
    var chosen: Tensor?
  }

  /// Energies above this end an orbit; its later states get weight 0.
  static let energyLimit = 1e8

  private struct Choice: Module {
    var positions: Tensor
    var score: Tensor
  }

  private struct Orbit: Module {
    var point: PhasePoints
    var isAlive: Tensor
    var logSum: Tensor
    /// Steps from the real state, int32.
    var time: Tensor
  }

  private struct Backward: Module {
    var orbit: Orbit
    /// Row m is the sum of f₀ J over j = −m … 0, [capacity + 1, M].
    var sums: Tensor
  }

  private struct Forward: Module {
    var orbit: Orbit
    var logRatio: Tensor
    var choice: Choice?
  }

  /// - Parameters:
  ///   - positions: real states, [d, M].
  ///   - noise: standard normal, [d, M], from which momenta are made.
  ///   - choosing: key by which a virtual state is drawn; nil for none.
  func output(_ positions: Tensor, noise: Tensor, _ input: Input, choosing: Key?) throws -> Output {
    let terms = path.components.count
    let (lower, upper) = (scalars(input.lower, terms), scalars(input.upper, terms))
    let momentumFactor = (input.upperPrecision / input.lowerPrecision).log() * (Double(path.dimension) / 2)
    guard capacity > 0 else {
      // The momentum's factors cancel in the mean, whatever it is: plain importance sampling.
      let evaluation = try path.evaluate(positions)
      return Output(
        logRatio: evaluation.energy(lower) - evaluation.energy(upper), chosen: choosing.map { _ in positions })
    }
    // In units of the momentum's temperature the target itself drives the flow, not a multiple of it.
    let drive = upper.map { $0 / input.upperPrecision }
    let flow = ConformalFlow(path: path, coefficients: drive, friction: input.friction)
    let shrinking = input.friction * input.stepSize * Double(path.dimension)
    func kinetic(_ z: PhasePoints) -> Tensor { z.momenta.square().sum(0) / 2 }
    func log0(_ z: PhasePoints, _ e: Evaluation) -> Tensor { -e.energy(lower) - input.lowerPrecision * kinetic(z) }
    func log1(_ z: PhasePoints, _ e: Evaluation) -> Tensor { -e.energy(upper) - input.upperPrecision * kinetic(z) }

    let (start, evaluation) = try flow.start(positions, noise / input.lowerPrecision.sqrt())
    let first = log0(start, evaluation)
    let nothing = Tensor.full(like: first, -Double.infinity)
    let zero = Tensor(Int32(0))
    let count = positions.shape[1]

    /// The next state of an orbit, and log(f₁ J) there; an orbit that ran off stays off.
    func next(_ orbit: Orbit, _ direction: Double) throws -> (Orbit, log1: Tensor) {
      let time = orbit.time + 1
      let volume = -direction * shrinking * time.cast(.float64)
      let (point, evaluation) = try flow.step(orbit.point, direction * input.stepSize)
      let isAlive = orbit.isAlive .&& ((evaluation.energy(drive) + kinetic(point)) .< Self.energyLimit)
      let log0 = select(isAlive, log0(point, evaluation) + volume, nothing)
      let log1 = select(isAlive, log1(point, evaluation) + volume, nothing)
      let logSum = logAddExp(orbit.logSum, log0)
      return (Orbit(point: point, isAlive: isAlive, logSum: logSum, time: time), log1)
    }

    let initial = Orbit(point: start, isAlive: first .== first, logSum: first, time: zero)
    let rows = first.expandDims(0).broadcast(to: [capacity + 1, count])
    let back = try whileLoop(Backward(orbit: initial, sums: rows)) {
      $0.orbit.time .< input.length
    } do: { carried in
      let orbit = try next(carried.orbit, -1).0
      let sums = carried.sums.dynamicUpdateSlice(orbit.logSum.expandDims(0), starts: [orbit.time, zero])
      return Backward(orbit: orbit, sums: sums)
    }

    let term = log1(start, evaluation) - back.orbit.logSum
    var ahead = initial
    ahead.logSum = nothing
    let begin = Forward(
      orbit: ahead, logRatio: term,
      choice: choosing.map { Choice(positions: positions, score: term + $0.gumbel([count], dtype: .float64)) })
    let end = try whileLoop(begin) {
      $0.orbit.time .< input.length
    } do: { carried in
      let (orbit, log1) = try next(carried.orbit, 1)
      // At time k the window reaches back to k − K.
      let reach = input.length - orbit.time
      let behind = back.sums.dynamicSlice(starts: [reach, zero], sizes: [1, count]).squeeze(axis: 0)
      let term = log1 - logAddExp(orbit.logSum, behind)
      var result = Forward(orbit: orbit, logRatio: logAddExp(carried.logRatio, term), choice: nil)
      if let choice = carried.choice, let choosing {
        let score = term + choosing.foldIn(orbit.time).gumbel([count], dtype: .float64)
        let isBetter = (score .> choice.score).expandDims(0)
        result.choice = Choice(
          positions: select(isBetter, orbit.point.positions, choice.positions), score: maximum(score, choice.score))
      }
      return result
    }
    return Output(logRatio: end.logRatio + momentumFactor, chosen: end.choice?.positions)
  }
}
