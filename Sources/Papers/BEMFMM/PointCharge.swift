/// An atom as electrostatics sees it.
public struct PointCharge: Sendable, Equatable {
  /// Place in Å.
  public var position: SIMD3<Double>
  /// In elementary charges.
  public var charge: Double
  /// Radius of the atom in Å; 0 where none is known.
  public var radius: Double

  public init(position: SIMD3<Double>, charge: Double, radius: Double = 0) {
    (self.position, self.charge, self.radius) = (position, charge, radius)
  }
}
