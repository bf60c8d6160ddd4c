import Foundation
import Pinion

/// A path of reduced energies U_l = Σᵢ aᵢ(l) Eᵢ from l = 0, which is sampled exactly, to l = 1, the target.
///
/// Energies come as components with coefficients, so that a state's values and gradients, found once, serve all levels.
public struct AnnealingPath: Sendable {
  /// Length of a state.
  public let dimension: Int
  /// Energies Eᵢ.
  let components: [any Energy]
  /// aᵢ of a level, float64 scalars.
  let coefficients: @Sendable (Tensor) -> [Tensor]
  /// Independent samples at l = 0, float64 [count, dimension].
  let draw: @Sendable (Key, Int) -> Tensor
  /// Precisions of the momentum at l = 0 and l = 1 where nothing else is asked for; geometric between.
  public let momentumPrecisions: (Double, Double)
  /// log Z at l = 0; 0 where only the ratio is asked for.
  public let logInitial: Double
  /// The energy of the target alone, of which U₁ is a multiple.
  public let target: any Energy
  /// Whether level 1 can be sampled too.
  let drawTarget: (@Sendable (Key, Int) -> Tensor)?

  /// A path of any linear form.
  ///
  /// - Parameters:
  ///   - components: of one dimension.
  ///   - target: energy at l = 1.
  ///   - coefficients: for a level, a float64 scalar, one scalar for each component.
  ///   - draw: independent samples at l = 0, float64 [count, d].
  public init(
    components: [any Energy], target: any Energy, logInitial: Double = 0, momentumPrecisions: (Double, Double) = (1, 1),
    coefficients: @escaping @Sendable (Tensor) -> [Tensor], draw: @escaping @Sendable (Key, Int) -> Tensor
  ) {
    self.components = components
    self.target = target
    self.logInitial = logInitial
    self.momentumPrecisions = momentumPrecisions
    self.coefficients = coefficients
    self.draw = draw
    dimension = target.dimension
    if let sampled = target as? any SampledEnergy {
      drawTarget = { key, count in sampled.samples(key, count: count) }
    } else {
      drawTarget = nil
    }
  }

  /// U_l = (1 − l) E₀ + l E₁.
  ///
  /// - Parameter reference: E₀, which must cover what E₁ has: modes that no trajectory from it reaches are missing
  ///   from the estimate, and nothing in the estimate says so.
  public static func geometric(from reference: QuadraticEnergy, to target: any Energy) -> AnnealingPath {
    AnnealingPath(
      components: [reference, target], target: target, logInitial: reference.logPartitionFunction ?? 0,
      coefficients: { [1 - $0, $0] }, draw: { reference.samples($0, count: $1) })
  }

  /// U_l = b_l E with b_l from `initial` to `final`, geometric between; the momentum is tempered alike.
  public static func tempering(_ energy: QuadraticEnergy, from initial: Double, to final: Double) -> AnnealingPath {
    let start = QuadraticEnergy(
      stiffness: energy.stiffness.map { $0 * initial }, slope: energy.slope.map { $0 * initial },
      constant: energy.constant * initial)
    let end = QuadraticEnergy(
      stiffness: energy.stiffness.map { $0 * final }, slope: energy.slope.map { $0 * final },
      constant: energy.constant * final)
    let rate = log(final / initial)
    return AnnealingPath(
      components: [energy], target: end, logInitial: start.logPartitionFunction ?? 0,
      momentumPrecisions: (initial, final), coefficients: { [(rate * $0).exp() * initial] },
      draw: { start.samples($0, count: $1) })
  }
}

/// Values and gradients of a path's components at M states.
///
/// States are columns here, [d, M]: work on neighbouring trajectories then goes to neighbouring numbers.
struct Evaluation: Module {
  /// Of each component, float64 [M].
  var values: [Tensor]
  /// Of each component, float64 [d, M].
  var gradients: [Tensor]

  /// Σ aᵢ Eᵢ, [M].
  func energy(_ coefficients: [Tensor]) -> Tensor { Self.mix(values, coefficients) }

  /// Σ aᵢ ∇Eᵢ, [d, M].
  func gradient(_ coefficients: [Tensor]) -> Tensor { Self.mix(gradients, coefficients) }

  private static func mix(_ terms: [Tensor], _ coefficients: [Tensor]) -> Tensor {
    let products = zip(terms, coefficients).map { $0 * $1 }
    return products.dropFirst().reduce(products[0], +)
  }

  /// This one where a condition, bool [M], holds; else the other.
  func chosen(where condition: Tensor, else other: Evaluation) -> Evaluation {
    let row = condition.expandDims(0)
    return Evaluation(
      values: zip(values, other.values).map { select(condition, $0, $1) },
      gradients: zip(gradients, other.gradients).map { select(row, $0, $1) })
  }
}

extension AnnealingPath {
  /// Values and gradients at states [d, M]; one gradient evaluation for each state.
  func evaluate(_ states: Tensor) throws -> Evaluation {
    var result = Evaluation(values: [], gradients: [])
    for component in components {
      let single = { (x: Tensor) -> (Tensor, Tensor) in try valueAndGrad(x) { try component($0) } }
      let (values, gradients) = try vmap(inAxes: [1], outAxes: [0, 1], single)(states)
      result.values.append(values)
      result.gradients.append(gradients)
    }
    return result
  }

  /// Coefficients at levels, float64 [L], as [L, components].
  func table(_ levels: Tensor) throws -> Tensor {
    try vmap { (level: Tensor) in stack(coefficients(level)) }(levels)
  }

  /// dU/dl at levels as coefficients of the components, [L, components].
  func slopes(_ levels: Tensor) throws -> Tensor {
    try vmap { (level: Tensor) in
      try jvp(level, tangent: Tensor.ones(like: level)) { stack(coefficients($0)) }.1
    }(levels)
  }
}

/// Levels of a path and how fast they're passed.
public enum AnnealingSchedule {
  /// (n/N)^power for n = 0 … N; a power above 1 spends more steps near the reference.
  public static func levels(_ steps: Int, power: Double = 1) -> [Double] {
    (0...max(1, steps)).map { pow(Double($0) / Double(max(1, steps)), power) }
  }
}

/// Rows of a table of coefficients as the scalars of one step.
func scalars(_ row: Tensor, _ count: Int) -> [Tensor] { (0..<count).map { row[$0] } }
