import Foundation

/// The field of a unit charge: 1/(4πr), or exp(-κr)/(4πr) where ions screen it.
public enum GreensFunction: Hashable, Sendable {
  /// Of -∇².
  case laplace
  /// Of κ² - ∇², with the inverse Debye length κ in 1/Å.
  case yukawa(inverseLength: Double)

  /// κ; 0 for Laplace's.
  public var inverseLength: Double {
    switch self {
    case .laplace: 0
    case .yukawa(let kappa): kappa
    }
  }

  /// The value at a distance r > 0.
  public func callAsFunction(_ r: Double) -> Double { exp(-inverseLength * r) / (4 * .pi * r) }
}

/// The eight products of a pair of points that integrals of a formulation are made of, by kernel.
///
/// Order: g, ∂g/∂n(y), ∂g/∂n(x), ∂²g/∂n(x)∂n(y).
struct PairWeights: Sendable {
  var laplace: SIMD4<Double> = .zero
  var yukawa: SIMD4<Double> = .zero
  var inverseLength = 0.0

  /// One kernel, all four as they are.
  init(_ kernel: GreensFunction) {
    switch kernel {
    case .laplace: laplace = .one
    case .yukawa(let kappa):
      yukawa = .one
      inverseLength = kappa
    }
  }

  init(laplace: SIMD4<Double>, yukawa: SIMD4<Double>, inverseLength: Double) {
    (self.laplace, self.yukawa, self.inverseLength) = (laplace, yukawa, inverseLength)
  }
}
