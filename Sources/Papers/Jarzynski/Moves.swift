import Foundation
import Pinion

/// A move of the real trajectory at a fixed level, in reduced units: of U, with the temperature in it.
public enum Move: Hashable, Sendable {
  /// Euler's step of overdamped Langevin dynamics as it is: biased by O(dt), which is easily taken for slow convergence.
  case langevin
  /// The same, with log(forward kernel / backward kernel) counted as shadow work: exact.
  case correctedLangevin
  /// Langevin with a Metropolis test (MALA): exact.
  case mala
  /// Hamiltonian Monte Carlo with this many leapfrog steps of jittered size and a fresh momentum: exact.
  case hmc(leapfrogs: Int)
  /// O-BAB-O of underdamped Langevin dynamics with this friction; the leapfrog's change of energy is work: exact.
  case underdamped(friction: Double)
  /// The exact Ornstein-Uhlenbeck step, for paths whose components are all quadratic.
  case ornsteinUhlenbeck

  /// Gradient evaluations of a move.
  var gradients: Int {
    switch self {
    case .hmc(let leapfrogs): max(1, leapfrogs)
    default: 1
    }
  }

  /// Uniform numbers that decide on acceptance, by state.
  var isMetropolised: Bool {
    switch self {
    case .mala, .hmc: true
    default: false
    }
  }
}

/// States of M trajectories with what is known of them.
struct Walkers: Module {
  /// float64 [d, M].
  var states: Tensor
  var evaluation: Evaluation
  /// float64 [d, M]; changes in underdamped moves only.
  var momenta: Tensor
}

/// What a move did.
struct MoveResult {
  var walkers: Walkers
  /// Work beside that of the protocol, [M].
  var shadowWork: Tensor?
  /// min(1, exp(log acceptance ratio)) in the mean: what was accepted, or would have been.
  var acceptance: Tensor
}

extension AnnealingPath {
  /// Moves all walkers at the level of the coefficients.
  ///
  /// - Parameters:
  ///   - stepSize: dt of a Langevin step, the leapfrog's step of others; float64 scalar.
  func moved(
    _ walkers: Walkers, by move: Move, coefficients a: [Tensor], stepSize: Tensor, key: Key
  ) throws -> MoveResult {
    switch move {
    case .langevin, .correctedLangevin, .mala: try langevin(walkers, move, a, stepSize, key)
    case .hmc(let leapfrogs): try hamiltonian(walkers, max(1, leapfrogs), a, stepSize, key)
    case .underdamped(let friction): try underdamped(walkers, friction, a, stepSize, key)
    case .ornsteinUhlenbeck: try ornsteinUhlenbeck(walkers, a, stepSize, key)
    }
  }

  private func langevin(
    _ walkers: Walkers, _ move: Move, _ a: [Tensor], _ dt: Tensor, _ key: Key
  ) throws -> MoveResult {
    let keys = key.split()
    let x = walkers.states
    let noise = keys[0].normal(x.shape, dtype: .float64)
    let y = x - dt * walkers.evaluation.gradient(a) + (2 * dt).sqrt() * noise
    let evaluation = try evaluate(y)
    let back = x - y + dt * evaluation.gradient(a)
    // log π(y) q(x | y) − log π(x) q(y | x)
    let kernels = noise.square().sum(0) / 2 - back.square().sum(0) / (4 * dt)
    let logRatio = walkers.evaluation.energy(a) - evaluation.energy(a) + kernels
    let proposal = Walkers(states: y, evaluation: evaluation, momenta: walkers.momenta)
    switch move {
    case .mala: return metropolis(walkers, proposal, logRatio, keys[1])
    case .correctedLangevin:
      return MoveResult(walkers: proposal, shadowWork: -logRatio, acceptance: rate(logRatio))
    default: return MoveResult(walkers: proposal, shadowWork: nil, acceptance: rate(logRatio))
    }
  }

  /// One leapfrog step of unit mass in U.
  private func leapfrog(_ walkers: Walkers, _ a: [Tensor], _ h: Tensor) throws -> Walkers {
    var next = walkers
    let half = walkers.momenta - h / 2 * walkers.evaluation.gradient(a)
    next.states = walkers.states + h * half
    next.evaluation = try evaluate(next.states)
    next.momenta = half - h / 2 * next.evaluation.gradient(a)
    return next
  }

  private func hamiltonian(
    _ walkers: Walkers, _ leapfrogs: Int, _ a: [Tensor], _ h: Tensor, _ key: Key
  ) throws -> MoveResult {
    let keys = key.split(3)
    // Orbits of one length would come back to where they began at some frequencies.
    let h = h * keys[2].uniform([], dtype: .float64, from: 0.4, to: 1)
    var start = walkers
    start.momenta = keys[0].normal(walkers.states.shape, dtype: .float64)
    let end = try forLoop(start, steps: leapfrogs) { current, _ in try leapfrog(current, a, h) }
    return metropolis(start, end, Self.hamiltonian(start, a) - Self.hamiltonian(end, a), keys[1])
  }

  private func underdamped(
    _ walkers: Walkers, _ friction: Double, _ a: [Tensor], _ h: Tensor, _ key: Key
  ) throws -> MoveResult {
    let keys = key.split()
    func refreshed(_ walkers: Walkers, _ key: Key) -> Walkers {
      var next = walkers
      let kept = (h * (-friction / 2)).exp()
      next.momenta =
        kept * walkers.momenta
        + (1 - kept.square()).sqrt() * key.normal(walkers.states.shape, dtype: .float64)
      return next
    }
    let start = refreshed(walkers, keys[0])
    let end = try leapfrog(start, a, h)
    let work = Self.hamiltonian(end, a) - Self.hamiltonian(start, a)
    return MoveResult(walkers: refreshed(end, keys[1]), shadowWork: work, acceptance: rate(-work))
  }

  private func ornsteinUhlenbeck(_ walkers: Walkers, _ a: [Tensor], _ dt: Tensor, _ key: Key) throws -> MoveResult {
    let quadratic = components.compactMap { $0 as? QuadraticEnergy }
    guard quadratic.count == components.count else {
      throw TensorError.value("ornsteinUhlenbeck", "the path has components that aren't quadratic")
    }
    func mixed(_ values: (QuadraticEnergy) -> [Double]) -> Tensor {
      let terms = zip(quadratic, a).map { Tensor(values($0)).expandDims(1) * $1 }
      return terms.dropFirst().reduce(terms[0], +)
    }
    let (stiffness, slope) = (mixed(\.stiffness), mixed(\.slope))  // [d, 1]
    let center = -slope / stiffness
    let kept = (-stiffness * dt).exp()
    let noise = key.normal(walkers.states.shape, dtype: .float64)
    var next = walkers
    next.states = center + kept * (walkers.states - center) + ((1 - kept.square()) / stiffness).sqrt() * noise
    next.evaluation = try evaluate(next.states)
    return MoveResult(walkers: next, shadowWork: nil, acceptance: Tensor(1.0))
  }

  private static func hamiltonian(_ walkers: Walkers, _ a: [Tensor]) -> Tensor {
    walkers.evaluation.energy(a) + walkers.momenta.square().sum(0) / 2
  }

  private func metropolis(
    _ old: Walkers, _ proposal: Walkers, _ logRatio: Tensor, _ key: Key
  ) -> MoveResult {
    // A step that ran off to infinity has no ratio, and isn't taken.
    let accepted = key.uniform(logRatio.shape, dtype: .float64).log() .< logRatio
    var next = proposal
    next.states = select(accepted.expandDims(0), proposal.states, old.states)
    next.evaluation = proposal.evaluation.chosen(where: accepted, else: old.evaluation)
    return MoveResult(walkers: next, shadowWork: nil, acceptance: rate(logRatio))
  }

  private func rate(_ logRatio: Tensor) -> Tensor {
    let ratio = minimum(logRatio, 0).exp()
    return select(ratio .>= 0, ratio, Tensor.zeros(like: ratio)).mean()
  }
}
