import Foundation
import Lab

/// Charges in a dielectric sphere in salt water, in closed form (Kirkwood, 1934).
///
/// The reaction potential inside is `sum_l B_l r^l P_l`, with B_l from the two conditions at the surface.
public struct KirkwoodSphere: Sendable {
  /// Radius in Å.
  public var radius: Double
  public var soluteDielectric: Double
  public var solventDielectric: Double
  /// In 1/Å.
  public var inverseDebyeLength: Double

  public init(
    radius: Double, soluteDielectric: Double = 4, solventDielectric: Double = 80, inverseDebyeLength: Double = 0.125
  ) {
    self.radius = radius
    (self.soluteDielectric, self.solventDielectric) = (soluteDielectric, solventDielectric)
    self.inverseDebyeLength = inverseDebyeLength
  }

  /// Coefficients B_l R^2l of the reaction potential in 1/Å, from l = 0, R the radius.
  func coefficients(_ count: Int) -> [Double] {
    let (inner, outer) = (soluteDielectric, solventDielectric)
    // a k'_l(a)/k_l(a) = -(l + 1) - a k_(l-1)/k_l, with k_(l+1)/k_l = k_(l-1)/k_l + (2l + 1)/a.
    let a = inverseDebyeLength * radius
    var ratio = 1.0  // k_(-1) = k_0
    return (0..<count).map { l in
      let degree = Double(l)
      let slope = -(degree + 1) - a * ratio
      if a > 0 { ratio = 1 / (ratio + (2 * degree + 1) / a) }
      return (outer * slope + inner * (degree + 1)) / (inner * degree - outer * slope) / (inner * radius)
    }
  }

  /// Reaction potential at each charge in e/Å, before Coulomb's constant.
  ///
  /// - Throws: `UsageError` where a charge isn't inside, or is so near to the surface that the series doesn't end.
  func reactionPotentials(_ charges: [PointCharge]) throws -> [Double] {
    let lengths = charges.map { Vector.length($0.position) / radius }
    let reach = lengths.max() ?? 0
    guard reach <= 0.999 else {
      throw UsageError("a charge lies \(Format.short(reach * radius)) Å from the middle of a sphere of \(radius) Å")
    }
    // Terms fall as reach^2l; the last one kept is below 1e-17 of the first.
    let count = reach > 1e-8 ? min(20_000, 2 + Int(-39 / (2 * log(reach)))) : 1
    let coefficients = coefficients(count)
    return charges.indices.map { i in
      var sum = 0.0
      for j in charges.indices {
        let product = lengths[i] * lengths[j]
        let dot = Vector.dot(charges[i].position, charges[j].position) / (radius * radius)
        let cosine = product > 0 ? max(-1, min(1, dot / product)) : 1
        var (power, previous, current) = (1.0, 0.0, 1.0)
        for l in 0..<count {
          sum += charges[j].charge * coefficients[l] * power * current
          power *= product
          let next = ((2 * Double(l) + 1) * cosine * current - Double(l) * previous) / Double(l + 1)
          (previous, current) = (current, next)
          if power == 0 { break }
        }
      }
      return sum
    }
  }

  /// Polar solvation free energy in kcal/mol of charges about the sphere's middle at the origin.
  ///
  /// - Throws: as the potentials.
  public func energy(_ charges: [PointCharge], coulombConstant: Double = PoissonBoltzmannProblem.coulombConstant) throws
    -> Double
  {
    let potentials = try reactionPotentials(charges)
    return coulombConstant / 2 * zip(charges, potentials).reduce(0) { $0 + $1.0.charge * $1.1 }
  }
}
