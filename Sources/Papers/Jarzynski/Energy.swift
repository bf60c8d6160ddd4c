import Foundation
import Pinion

/// An energy E of states x: the unnormalised log-density is −E, in units of kT.
///
/// ```swift
/// struct Funnel: Energy {
///   let dimension = 2
///   func callAsFunction(_ x: Tensor) -> Tensor {
///     let (v, y) = (x[0], x[1])
///     return v.square() / 18 + y.square() * (-v).exp() / 2 + v / 2
///   }
/// }
/// ```
public protocol Energy: Sendable {
  /// Length of a state.
  var dimension: Int { get }

  /// The energy of one state, in operations that have derivatives.
  ///
  /// - Parameter x: float64 [dimension].
  /// - Returns: float64 scalar.
  func callAsFunction(_ x: Tensor) throws -> Tensor

  /// log ∫ exp(−E(x)) dx where it's known in closed form.
  var logPartitionFunction: Double? { get }
}

extension Energy {
  public var logPartitionFunction: Double? { nil }
}

/// An energy that is a closure.
public struct EnergyFunction: Energy {
  public let dimension: Int
  private let function: @Sendable (Tensor) throws -> Tensor

  /// - Parameter function: from a state, float64 [dimension], to its energy, a scalar.
  public init(dimension: Int, _ function: @escaping @Sendable (Tensor) throws -> Tensor) {
    self.dimension = dimension
    self.function = function
  }

  public func callAsFunction(_ x: Tensor) throws -> Tensor { try function(x) }
}

/// An energy from which independent samples can be drawn, for starting points and for bridges from both ends.
public protocol SampledEnergy: Energy {
  /// Independent samples of exp(−E)/Z, float64 [count, dimension].
  func samples(_ key: Key, count: Int) -> Tensor
}

/// Σ kᵢ xᵢ²/2 + Σ sᵢ xᵢ + c: harmonic wells, Gaussians, and the linear terms of dragged traps.
public struct QuadraticEnergy: SampledEnergy {
  /// Curvatures kᵢ.
  public let stiffness: [Double]
  /// Linear terms sᵢ.
  public let slope: [Double]
  /// The constant c.
  public let constant: Double

  /// - Parameters:
  ///   - stiffness: a curvature for each coordinate.
  ///   - slope: linear terms; none without them.
  public init(stiffness: [Double], slope: [Double] = [], constant: Double = 0) {
    self.stiffness = stiffness
    self.slope = stiffness.indices.map { $0 < slope.count ? slope[$0] : 0 }
    self.constant = constant
  }

  /// −log of a normalised Gaussian density with these means and standard deviations: its partition function is 1.
  public init(mean: [Double], standardDeviation: [Double]) {
    let stiffness = standardDeviation.map { 1 / ($0 * $0) }
    let mean = stiffness.indices.map { $0 < mean.count ? mean[$0] : 0 }
    var constant = 0.0
    for (k, m) in zip(stiffness, mean) { constant += k * m * m / 2 + 0.5 * log(2 * Double.pi / k) }
    self.init(stiffness: stiffness, slope: zip(stiffness, mean).map { -$0 * $1 }, constant: constant)
  }

  public var dimension: Int { stiffness.count }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    let linear = slope.allSatisfy { $0 == 0 } ? x * Tensor(stiffness) / 2 : x * Tensor(stiffness) / 2 + Tensor(slope)
    return (x * linear).sum() + constant
  }

  /// Σ (log(2π/kᵢ)/2 + sᵢ²/(2kᵢ)) − c; nil where a curvature isn't positive.
  public var logPartitionFunction: Double? {
    guard stiffness.allSatisfy({ $0 > 0 }) else { return nil }
    return zip(stiffness, slope).reduce(-constant) { $0 + 0.5 * log(2 * Double.pi / $1.0) + $1.1 * $1.1 / (2 * $1.0) }
  }

  public func samples(_ key: Key, count: Int) -> Tensor {
    let deviation = Tensor(stiffness.map { 1 / $0.squareRoot() })
    let mean = Tensor(zip(stiffness, slope).map { -$1 / $0 })
    return key.normal([count, dimension], dtype: .float64) * deviation + mean
  }
}

/// A double well a(x² − 1)² in each coordinate: 2^d modes of equal weight.
public struct DoubleWellEnergy: Energy {
  public let dimension: Int
  /// Height of the barrier, in kT.
  public let barrier: Double

  public init(dimension: Int, barrier: Double) {
    self.dimension = dimension
    self.barrier = barrier
  }

  public func callAsFunction(_ x: Tensor) -> Tensor { barrier * (x.square() - 1).square().sum() }

  /// By Simpson's rule in one coordinate, to about twelve digits.
  public var logPartitionFunction: Double? {
    guard barrier > 0 else { return nil }
    // Beyond this the integrand is below exp(−750).
    let end = (1 + (750 / barrier).squareRoot()).squareRoot()
    let intervals = 20_000
    let width = 2 * end / Double(intervals)
    var sum = 0.0
    for i in 0...intervals {
      let x = -end + Double(i) * width
      let weight = i == 0 || i == intervals ? 1.0 : i % 2 == 0 ? 2 : 4
      sum += weight * exp(-barrier * (x * x - 1) * (x * x - 1))
    }
    return Double(dimension) * log(sum * width / 3)
  }
}

/// E(m + L u) − log|det L| as an energy of u: of the same partition function, and better conditioned where m + L u
/// follows the shape of the target.
public struct AffineEnergy: Energy {
  let energy: any Energy
  /// Centre m, float64 [d].
  let center: Tensor
  /// Lower triangular L, float64 [d, d].
  let factor: Tensor
  let logDeterminant: Double

  /// - Throws: `TensorError` where the factor can't be read.
  public init(_ energy: any Energy, center: Tensor, factor: Tensor) throws {
    self.energy = energy
    self.center = center
    self.factor = factor
    logDeterminant = try factor.diagonal().abs().log().sum().item()
  }

  public var dimension: Int { energy.dimension }
  public var logPartitionFunction: Double? { energy.logPartitionFunction }

  public func callAsFunction(_ u: Tensor) throws -> Tensor {
    try energy(center + factor.matmul(u.expandDims(1)).squeeze(axis: 1)) - logDeterminant
  }
}
