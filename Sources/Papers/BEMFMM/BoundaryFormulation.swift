/// Which integral equations stand for the Poisson-Boltzmann equation on the surface (section 2 of the paper).
public enum BoundaryFormulation: String, Codable, CaseIterable, Sendable {
  /// Yoon and Lenhoff's: interior traces, constant elements, second equation without derivatives.
  case direct
  /// Juffer's: interior traces, linear elements.
  case derivativeInterior = "derivative-interior"
  /// Lu's: exterior traces, linear elements; the paper's choice.
  case derivativeExterior = "derivative-exterior"

  /// Elements of both unknowns.
  public var space: BoundarySpace { self == .direct ? .constant : .linear }
}

/// A formulation as two fields of the same charges and dipoles.
///
/// All eight blocks act on the potential u by dipoles u n and on its derivative t by charges. With φ_X the field in
/// kernel X of charges t and dipoles d_X u n, the first equation is a sum of φ_L and φ_Y, the second one of their
/// derivatives along the normal (of the potentials themselves in the direct form). So one product with the matrix takes
/// two fast multipole sums, not nineteen.
struct FormulationTerms: Sendable {
  /// What a dipole counts for in each kernel, Laplace's first: d_L, d_Y.
  var dipoles: SIMD2<Double>
  /// First equation: parts of φ_L and φ_Y.
  var first: SIMD2<Double>
  /// Second equation.
  var second: SIMD2<Double>
  /// Whether the second equation takes derivatives along the normal.
  var differentiates: Bool
  /// Factor of the mass matrix in the first equation, on u.
  var firstMass: Double
  /// Factor of the mass matrix in the second equation, on t; on u in the direct form.
  var secondMass: Double
  /// Factor of f0 in the first equation's right-hand side, of f1 in the second's.
  var right: SIMD2<Double>
  /// Interior derivative over the unknown t: the exterior form has t/ε, ε = ε2/ε1.
  var derivativeScale: Double
  var inverseLength: Double

  init(_ form: BoundaryFormulation, solute: Double, solvent: Double, inverseLength: Double) {
    let ratio = solvent / solute
    self.inverseLength = inverseLength
    switch form {
    case .direct:
      // (1/2 + K_L) u - V_L t = f0/ε1; (1/2 - K_Y) u + V_Y t / ε = 0.
      (dipoles, first, second, differentiates) = (SIMD2(-1, -ratio), SIMD2(-1, 0), SIMD2(0, 1 / ratio), false)
      (firstMass, secondMass, right, derivativeScale) = (0.5, 0.5, SIMD2(1 / solute, 0), 1)
    case .derivativeInterior:
      (dipoles, first, second, differentiates) = (SIMD2(-1, -ratio), SIMD2(-1, 1), SIMD2(-1, 1 / ratio), true)
      (firstMass, secondMass) = ((1 + ratio) / 2, (1 + 1 / ratio) / 2)
      (right, derivativeScale) = (SIMD2(repeating: 1 / solute), 1)
    case .derivativeExterior:
      (dipoles, first, second, differentiates) = (SIMD2(-1 / ratio, -1), SIMD2(-1, 1), SIMD2(-1, 1 / ratio), true)
      (firstMass, secondMass) = ((1 + 1 / ratio) / 2, (1 + 1 / ratio) / 2)
      (right, derivativeScale) = (SIMD2(repeating: 1 / solvent), ratio)
    }
  }

  /// The integrals of a pair of points that make up an equation; the order is that of `PairWeights`.
  ///
  /// The second of the direct form has the same products as its first, so it takes a pass of its own.
  var passes: [PairWeights] {
    let (one, two) = (SIMD4(first.x, first.x * dipoles.x, 0, 0), SIMD4(first.y, first.y * dipoles.y, 0, 0))
    let (three, four) = (
      SIMD4(second.x, second.x * dipoles.x, 0, 0), SIMD4(second.y, second.y * dipoles.y, 0, 0)
    )
    guard differentiates else {
      return [
        PairWeights(laplace: one, yukawa: two, inverseLength: inverseLength),
        PairWeights(laplace: three, yukawa: four, inverseLength: inverseLength),
      ]
    }
    return [
      PairWeights(
        laplace: SIMD4(one.x, one.y, three.x, three.y), yukawa: SIMD4(two.x, two.y, four.x, four.y),
        inverseLength: inverseLength)
    ]
  }
}
