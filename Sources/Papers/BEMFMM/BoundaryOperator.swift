import Lab
import Pinion

/// A boundary operator of potential theory on a surface, as the matrix of Galerkin's method.
///
/// With x and y on the surface, n its outward normals and g a Green's function:
/// V f = ∫ g f, K f = ∫ (∂g/∂n(y)) f, K' f = ∫ (∂g/∂n(x)) f, W f = -∫ (∂²g/∂n(x)∂n(y)) f. Elements are
/// ∫ ψ_i (A φ_j) for basis functions that test and stand for a density alike.
public struct BoundaryOperator: Sendable {
  public enum Kind: String, Codable, CaseIterable, Sendable {
    /// V.
    case singleLayer = "single-layer"
    /// K.
    case doubleLayer = "double-layer"
    /// K', the transpose of K.
    case adjointDoubleLayer = "adjoint-double-layer"
    /// W, on linear elements: integrated by parts, so that nothing grows faster than 1/r.
    case hypersingular
  }

  public let kind: Kind
  public let kernel: GreensFunction
  public let space: BoundarySpace
  /// Unknowns: vertices or triangles.
  public var count: Int { storage.count }
  private let storage: any SurfaceOperator

  /// - Parameters:
  ///   - operators: all elements (`dense`), or sums by fast multipoles; `automatic` is dense up to 256 MB.
  ///   - options: orders of quadrature and multipoles; its other numbers aren't used.
  /// - Throws: `UsageError` where the mesh isn't fit, or W is asked of constant elements; as `FastMultipole.init`.
  public init(
    _ kind: Kind, _ kernel: GreensFunction, mesh: SurfaceMesh, space: BoundarySpace = .linear,
    operators: OperatorKind = .automatic, options: BoundarySolverOptions = BoundarySolverOptions()
  ) throws {
    guard kind != .hypersingular || space == .linear else {
      throw UsageError("the hypersingular operator takes linear elements: constant ones have no derivative")
    }
    (self.kind, self.kernel, self.space) = (kind, kernel, space)
    let elements = try SurfaceElements(mesh)
    let n = elements.count(space)
    if operators == .dense || operators == .automatic && 8 * n * n <= PoissonBoltzmannProblem.denseBytes {
      storage = try DenseOperator(elements, kind, kernel, space, options)
    } else {
      storage = try MultipoleOperator(elements, kind, kernel, space, options)
    }
  }

  /// The product of the matrix with a density's coefficients.
  public func apply(_ x: [Double]) -> [Double] { storage.apply(x) }

  /// All elements, row-major; nil where the operator has none.
  public var matrix: [Double]? { (storage as? DenseOperator)?.matrix.array }

  /// The operator as an operation of the array library, with derivatives: a product with the matrix in a compiled
  /// program.
  ///
  /// - Parameter adjoint: the transposed operator: K' for K, K for K'; nil where the operator is symmetric (V, W).
  /// - Throws: `UsageError` where it isn't symmetric and there is no adjoint, or one of another kind, kernel or size.
  public func tensorOperator(adjoint: BoundaryOperator? = nil) throws -> HostOperator {
    let other = adjoint ?? self
    guard other.kind == kind.transposed, other.kernel == kernel, other.space == space, other.count == count else {
      throw UsageError("the derivative of \(kind.rawValue) takes \(kind.transposed.rawValue) on the same surface")
    }
    return HostOperator(rows: count, columns: count, apply: { apply($0) }, transpose: { other.apply($0) })
  }
}

extension BoundaryOperator.Kind {
  /// What the transposed matrix belongs to.
  public var transposed: Self {
    switch self {
    case .doubleLayer: .adjointDoubleLayer
    case .adjointDoubleLayer: .doubleLayer
    case .singleLayer, .hypersingular: self
    }
  }

  /// Which of the four products of a pair of points it integrates; by parts for W.
  fileprivate var product: Int {
    switch self {
    case .singleLayer, .hypersingular: 0
    case .doubleLayer: 1
    case .adjointDoubleLayer: 2
    }
  }
}

/// All elements of a boundary operator.
private final class DenseOperator: SurfaceOperator {
  let count: Int
  let matrix: SharedDoubles

  init(
    _ elements: SurfaceElements, _ kind: BoundaryOperator.Kind, _ kernel: GreensFunction, _ space: BoundarySpace,
    _ options: BoundarySolverOptions
  ) throws {
    count = elements.count(space)
    matrix = SharedDoubles(count * count)
    let square = kernel.inverseLength * kernel.inverseLength
    let assembly = DenseAssembly(
      elements: elements,
      form: kind == .hypersingular
        ? .byParts(squaredInverseLength: square) : .products(space, [(kind.product, 0, 0)]),
      weights: PairWeights(kernel), matrix: matrix, width: count)
    try assembly.addRegular(TriangleQuadrature(order: options.quadratureOrder)) {}
    assembly.addTouching(TouchingPairs(elements), order: options.singularOrder)
  }

  func apply(_ x: [Double]) -> [Double] { DenseSystem.product(matrix, rows: count, x) }
}

/// A boundary operator by fast multipoles between quadrature points and a sparse matrix of touching triangles.
private final class MultipoleOperator: SurfaceOperator {
  let count: Int
  private let kind: BoundaryOperator.Kind
  private let kernel: GreensFunction
  private let densities: SurfaceDensities
  private let plan: MultipolePlan
  private let pattern: TouchingPattern
  private let corrections: SharedDoubles

  init(
    _ elements: SurfaceElements, _ kind: BoundaryOperator.Kind, _ kernel: GreensFunction, _ space: BoundarySpace,
    _ options: BoundarySolverOptions
  ) throws {
    (count, self.kind, self.kernel) = (elements.count(space), kind, kernel)
    let densities = SurfaceDensities(elements, space, TriangleQuadrature(order: options.quadratureOrder))
    plan = try MultipolePlan(
      [kernel], sources: densities.places, targets: nil, order: options.expansionOrder,
      leafCapacity: options.leafCapacity)
    let pattern = TouchingPattern(elements, space)
    let corrections = SharedDoubles(pattern.columns.count)
    (self.densities, self.pattern, self.corrections) = (densities, pattern, corrections)
    let square = kernel.inverseLength * kernel.inverseLength
    TouchingPairs(elements).integrals(
      .init(weights: PairWeights(kernel), order: options.singularOrder, subtracted: densities.rule)
    ) { pair, values in
      if kind == .hypersingular {
        pair.byParts(elements, values, 1, square) { a, b, value in
          corrections.pointer[pattern.place(pair.testCorners[a], pair.trialCorners[b])] += value
        }
        return
      }
      for ab in 0..<9 {
        let at =
          space == .constant
          ? pattern.place(pair.test, pair.trial)
          : pattern.place(pair.testCorners[ab / 3], pair.trialCorners[ab % 3])
        corrections.pointer[at] += values[9 * kind.product + ab]
      }
    }
  }

  func apply(_ x: [Double]) -> [Double] {
    let (from, to) = (SharedDoubles(x), SharedDoubles(count))
    for row in 0..<pattern.rows {
      for place in Int(pattern.starts[row])..<Int(pattern.starts[row + 1]) {
        to.pointer[row] += corrections[place] * from[Int(pattern.columns[place])]
      }
    }
    let points = densities.places.count
    let values = SharedDoubles(points)
    densities.weighted(from, to: values)
    switch kind {
    case .singleLayer:
      densities.tested(fields(charges: values)[0], to: to)
    case .doubleLayer:
      let dipoles = SharedDoubles(3 * points)
      for i in 0..<points {
        let dipole = values[i] * densities.normal(i)
        for axis in 0..<3 { dipoles.pointer[axis * points + i] = dipole[axis] }
      }
      densities.tested(fields(charges: SharedDoubles(points), dipoles: dipoles)[0], to: to)
    case .adjointDoubleLayer:
      let field = fields(charges: values, needsGradient: true)[0]
      let slopes = SharedDoubles(points)
      for i in 0..<points {
        let gradient = SIMD3(field[points + i], field[2 * points + i], field[3 * points + i])
        slopes.pointer[i] = Vector.dot(gradient, densities.normal(i))
      }
      densities.tested(slopes, to: to)
    case .hypersingular:
      for axis in 0..<3 { addByParts(axis, from, values, to) }
    }
    return to.array
  }

  private func fields(
    charges: SharedDoubles, dipoles: SharedDoubles? = nil, needsGradient: Bool = false
  ) -> [SharedDoubles] {
    plan.fields(charges: charges, dipoles: dipoles, scales: [1], needsGradient: needsGradient)
  }

  /// One component of the curls, and of the normals where κ isn't 0.
  private func addByParts(_ axis: Int, _ x: SharedDoubles, _ values: SharedDoubles, _ y: SharedDoubles) {
    let (elements, per, points) = (densities.elements, densities.rule.points.count, densities.places.count)
    let charges = SharedDoubles(points)
    for (number, triangle) in elements.mesh.triangles.enumerated() {
      let curls = elements.curls(triangle, 1)
      let curl = (0..<3).reduce(0) { $0 + curls[$1][axis] * x[Int(triangle[$1])] }
      for q in number * per..<(number + 1) * per { charges.pointer[q] = densities.weights[q] * curl }
    }
    let field = fields(charges: charges)[0]
    for (number, triangle) in elements.mesh.triangles.enumerated() {
      let curls = elements.curls(triangle, 1)
      let sum = (number * per..<(number + 1) * per).reduce(0) { $0 + densities.weights[$1] * field[$1] }
      for corner in 0..<3 { y.pointer[Int(triangle[corner])] += curls[corner][axis] * sum }
    }
    let square = kernel.inverseLength * kernel.inverseLength
    guard square > 0 else { return }
    for i in 0..<points { charges.pointer[i] = values[i] * densities.normal(i)[axis] }
    let second = fields(charges: charges)[0]
    for i in 0..<points { second.pointer[i] *= square * densities.normal(i)[axis] }
    densities.tested(second, to: y)
  }
}
