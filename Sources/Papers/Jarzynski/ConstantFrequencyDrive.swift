import Foundation
import Pinion

/// An oscillator that is stiffened while its mass grows alike, so that its frequency stays 1: driven by Hamilton's equations
/// alone, the variance of the weight falls with the square of the switching time; by Langevin's, with its first power.
///
/// H_t = p²/(2k_t) + k_t x²/2, with k from `start` to `end`, linear in time. The frequency is constant, so
/// both ends have the same partition function; in x alone the ratio is √(start/end).
public struct ConstantFrequencyDrive: Sendable {
  public let start: Double
  public let end: Double
  /// Time steps of a drive, however long it takes.
  public let steps: Int

  public init(start: Double = 1, end: Double = 20, steps: Int = 1_280) {
    self.start = start
    self.end = end
    self.steps = max(1, steps)
  }

  private func stiffness(_ share: Double) -> Double { start + (end - start) * share }

  private var middles: [Double] { (0..<steps).map { stiffness((Double($0) + 0.5) / Double(steps)) } }

  /// The linear map (x, p) → (x, p) of the whole drive, leapfrog with stiffness and mass of each step's middle.
  private func map(_ time: Double) -> (xx: Double, xp: Double, px: Double, pp: Double) {
    let h = time / Double(steps)
    var columns = [(1.0, 0.0), (0.0, 1.0)]
    for k in middles {
      for c in columns.indices {
        var (x, p) = columns[c]
        p -= h / 2 * k * x
        x += h * p / k
        p -= h / 2 * k * x
        columns[c] = (x, p)
      }
    }
    return (columns[0].0, columns[1].0, columns[0].1, columns[1].1)
  }

  /// Var[exp(−W)]/E[exp(−W)]² of Hamiltonian switching, in closed form: W is quadratic in a Gaussian start.
  ///
  /// - Parameter time: τ, in units of which the frequency is 1.
  /// - Returns: infinity where the second moment doesn't exist.
  public func hamiltonianVariance(time: Double) -> Double {
    let a = map(time)
    // E[exp(−2W)] = √(det Q₀ / det(2 Q₁ − Q₀)) with Q₁ the final energy as a form in the start; the mean is 1.
    let (k0, k1) = (start, end)
    let q11 = 2 * (k1 * a.xx * a.xx + a.px * a.px / k1) - k0
    let q22 = 2 * (k1 * a.xp * a.xp + a.pp * a.pp / k1) - 1 / k0
    let q12 = 2 * (k1 * a.xx * a.xp + a.px * a.pp / k1)
    let determinant = q11 * q22 - q12 * q12
    guard q11 > 0, determinant > 0 else { return .infinity }
    return 1 / determinant.squareRoot() - 1
  }

  /// Reduced work of Hamiltonian switching from canonical starts.
  ///
  /// - Throws: `TensorError`, `PJRTError`.
  public func hamiltonianWork(time: Double, count: Int, key: Key) throws -> [Double] {
    let keys = key.split()
    let (k0, k1) = (start, end)
    let drive = jit { (x: Tensor, p: Tensor, middles: Tensor, h: Tensor) -> Tensor in
      let finish = try scan([x, p], over: middles) { z, k -> ([Tensor], [Tensor]) in
        let half = z[1] - h / 2 * k * z[0]
        let position = z[0] + h * half / k
        return ([position, half - h / 2 * k * position], [Tensor]())
      }.carried
      let before = p.square() / (2 * k0) + k0 / 2 * x.square()
      return finish[1].square() / (2 * k1) + k1 / 2 * finish[0].square() - before
    }
    let x = keys[0].normal([count], dtype: .float64) / k0.squareRoot()
    let p = keys[1].normal([count], dtype: .float64) * k0.squareRoot()
    return try drive(x, p, Tensor(middles), Tensor(time / Double(steps))).array(of: Double.self)
  }

  /// Reduced work of overdamped Langevin switching of the same stiffness in the same time, with exact steps.
  ///
  /// - Throws: `TensorError`, `PJRTError`.
  public func langevinWork(time: Double, count: Int, key: Key) throws -> [Double] {
    let unit = QuadraticEnergy(stiffness: [1])
    let first = QuadraticEnergy(stiffness: [start])
    let (k0, k1) = (start, end)
    let path = AnnealingPath(
      components: [unit], target: QuadraticEnergy(stiffness: [end]), logInitial: first.logPartitionFunction ?? 0,
      coefficients: { [$0 * (k1 - k0) + k0] }, draw: { first.samples($0, count: $1) })
    let sampler = AnnealedSampler(path, move: .ornsteinUhlenbeck)
    let sizes = Array(repeating: time / Double(steps), count: steps)
    return try sampler.run(count: count, levels: AnnealingSchedule.levels(steps), stepSizes: sizes, key: key).work
  }
}
