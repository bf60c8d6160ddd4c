import Foundation
import Pinion

/// Local minima of an energy, found by damped Newton descents from many starts.
public struct ModeSearch: Sendable {
  /// A minimum with the mass that a Gaussian fitted to it has.
  public struct Mode: Sendable {
    public let position: [Double]
    public let energy: Double
    /// −E + d/2 log 2π − ½ log |∇²E|.
    public let logMass: Double
    /// ∇²E there, [d · d] row-major.
    let curvature: [Double]
  }

  /// Distinct minima, the heaviest first.
  public let modes: [Mode]

  /// Longer states than this aren't searched: a step costs as many gradients.
  public static let longest = 128

  /// log of the sum of the modes' masses; −∞ of none.
  public var logMass: Double {
    guard let top = modes.first?.logMass else { return -.infinity }
    return top + log(modes.reduce(0) { $0 + exp($1.logMass - top) })
  }

  private struct Descent: Module {
    var position: Tensor
    var energy: Tensor
    var damping: Tensor
  }

  private static let iterations = 60
  /// Starts of a part; one program serves any number of them.
  private static let part = 8

  /// - Parameter starts: float64 [S, d].
  /// - Throws: `TensorError` where the energy fails.
  public init(_ energy: any Energy, starts: Tensor) throws {
    let d = energy.dimension
    let function = { (x: Tensor) -> Tensor in try energy(x) }
    let derivatives = vmap { (x: Tensor) -> (Tensor, Tensor) in
      (try grad(function)(x), try hessian(function)(x))
    }
    let values = vmap(function)
    let search = jit { (starts: Tensor) -> [Tensor] in
      let count = starts.shape[0]
      let first = Descent(
        position: starts, energy: try values(starts), damping: Tensor.ones([count], dtype: .float64))
      let end = try forLoop(first, steps: Self.iterations) { state, _ in
        let (g, h) = try derivatives(state.position)
        let diagonal: Tensor = state.damping.reshape([count, 1, 1]) * Tensor.eye(d, dtype: .float64)
        let step: Tensor = solve(h + diagonal, g.expandDims(2)).squeeze(axis: 2)
        let position: Tensor = state.position - step
        let energy = try values(position)
        // A comparison with not-a-number is false.
        let isBetter = energy .<= state.energy
        let damping = select(isBetter, state.damping * 0.3, state.damping * 4)
        return Descent(
          position: select(isBetter.expandDims(1), position, state.position),
          energy: select(isBetter, energy, state.energy), damping: damping.clamp(min: 1e-9, max: 1e9))
      }
      let (g, h) = try derivatives(end.position)
      let factor = cholesky(h)
      let logDeterminant: Tensor = factor.diagonal().log().sum(1) * 2
      let step: Tensor = solve(h, g.expandDims(2)).squeeze(axis: 2)
      return [end.position, end.energy, logDeterminant, (g * step).sum(1), h.reshape([count, d * d])]
    }
    // The last part is filled up with what's in it already: minima found twice count once.
    let (count, part) = (starts.shape[0], Self.part)
    let parts = try stride(from: 0, to: count, by: part).map { first in
      let rows = (first..<(first + part)).map { Int32(min($0, count - 1)) }
      return try search(starts.take(Tensor(rows)))
    }
    try evaluate(parts.flatMap { $0 })
    let numbers = try (0..<5).map { k in try parts.flatMap { try $0[k].array(of: Double.self) } }
    var modes: [Mode] = []
    for i in numbers[1].indices {
      // What Newton's next step would still gain says whether it has arrived.
      guard numbers[1][i].isFinite, numbers[2][i].isFinite, numbers[3][i] >= 0, numbers[3][i] < 1e-6 else { continue }
      let position = Array(numbers[0][(i * d)..<((i + 1) * d)])
      let isKnown = modes.contains { $0.distance(to: position) < 0.01 * Double(d) }
      if isKnown { continue }
      let normal = Double(d) / 2 * log(2 * Double.pi)
      let mass = normal - numbers[1][i] - numbers[2][i] / 2
      modes.append(
        Mode(
          position: position, energy: numbers[1][i], logMass: mass,
          curvature: Array(numbers[4][(i * d * d)..<((i + 1) * d * d)])))
    }
    self.modes = modes.sorted { $0.logMass > $1.logMass }
  }
}

extension ModeSearch.Mode {
  /// (x − m)ᵀ ∇²E (x − m).
  func distance(to x: [Double]) -> Double {
    let difference = zip(x, position).map { $0 - $1 }
    let d = difference.count
    var sum = 0.0
    for i in 0..<d { for j in 0..<d { sum += difference[i] * curvature[i * d + j] * difference[j] } }
    return sum
  }

  /// The affine map u → m + L u under which the energy is about |u|²/2: L Lᵀ is the inverse of ∇²E.
  ///
  /// - Throws: `TensorError` where it can't be found.
  public func whitening() throws -> (center: Tensor, factor: Tensor) {
    let d = position.count
    let factor = cholesky(inverse(Tensor(curvature, shape: [d, d])))
    try evaluate(factor)
    return (Tensor(position), factor)
  }

  /// Frequencies of small oscillations about the mode: roots of the eigenvalues of ∇²E, rising.
  ///
  /// - Throws: `TensorError` where they can't be found.
  public func frequencies() throws -> [Double] {
    let d = position.count
    return try eigh(Tensor(curvature, shape: [d, d])).eigenvalues.array(of: Double.self).map { max(0, $0).squareRoot() }
  }
}
