import Foundation
import Lab
import Pinion

/// How eigenvectors are found; `lobpcg` and `lanczos` multiply by the matrix and never change it.
public enum EigenSolver: String, CaseIterable, Codable, Sendable {
  /// Dense up to 1,200 vertices, LOBPCG beyond.
  case auto
  /// All eigenvectors, by LAPACK.
  case dense
  /// Lanczos' method of the core on a filtered operator.
  case lanczos
  /// LOBPCG of the core on a filtered operator; a block finds equal eigenvalues too.
  case lobpcg
}

/// The greatest eigenvalues of a symmetric operator whose spectrum lies in -1...1, and their eigenvectors.
struct TopEigenpairs {
  /// Descending, k numbers.
  let values: [Double]
  /// Row-major [n, k].
  let vectors: [Double]
  /// Greatest |M v - μ v| of those wanted.
  let residual: Double
  /// Whether the tolerance was reached.
  let isConverged: Bool
  /// Products of the matrix with a block.
  let products: Int
}

/// Finds the top of a spectrum by Chebyshev-filtered LOBPCG or Lanczos.
///
/// The wanted eigenvalues of a large graph lie within 10⁻⁵ of 1, where neither method sees them apart. A Chebyshev
/// polynomial of the operator, small on -1...a and steep beyond, spreads them (Zhou, Saad 2007); a is the least Ritz
/// value of the block, lower in each round. Eigenvectors that are known (the components' indicators, with eigenvalue 1)
/// are deflated.
struct FilteredEigensolver {
  /// From [n, b] to [n, b].
  let apply: (Tensor) throws -> Tensor
  let count: Int
  /// Orthonormal columns [n, c] with eigenvalue 1; nil for none.
  var known: Tensor?
  /// Sine of the angle to the wanted space that is small enough, judged by residual over gap.
  var tolerance = 1e-4
  var usesLanczos = false
  var seed: UInt64 = 0

  /// Residuals below this are rounding.
  private static let floor = 1e-10
  private static let maximumRounds = 40

  /// The k greatest eigenvalues besides the known ones.
  ///
  /// - Throws: `TensorError`, `PJRTError`.
  func solve(_ k: Int) throws -> TopEigenpairs {
    let extra = max(4, min(k / 2, 12))
    let width = min(k + extra, count / 3)
    var block = Key(seed).normal([count, width], dtype: .float64)
    var (cut, degree, products) = (-0.2, 12, 0)
    var best: TopEigenpairs?
    for round in 0..<Self.maximumRounds {
      let found = usesLanczos ? try lanczosRound(block, cut, degree) : try blockRound(block, cut, degree)
      let ritz = try rayleighRitz(found.vectors)
      products += found.products
      let numbers = try ritz.values.array(of: Double.self)
      let residuals = try ritz.residuals.array(of: Double.self)
      let last = numbers.count - 1
      let wanted = residuals.prefix(k).max() ?? 0
      // The gap to what isn't wanted, as far as the block sees it.
      let gap = k <= last ? numbers[k - 1] - numbers[k] : 0
      let isConverged = wanted <= max(Self.floor, tolerance * gap)
      let pairs = TopEigenpairs(
        values: Array(numbers.prefix(k)), vectors: [], residual: wanted, isConverged: isConverged, products: products)
      if isConverged || round == Self.maximumRounds - 1 || residuals[last].isNaN {
        let columns = ritz.vectors.slice(axis: 1, from: 0, to: min(k, width))
        best = TopEigenpairs(
          values: pairs.values, vectors: try columns.array(of: Double.self), residual: wanted,
          isConverged: isConverged, products: products)
        break
      }
      block = ritz.vectors
      // The cut follows the block down from above: Ritz values never exceed what they stand for.
      cut = min(max(numbers[last], -0.2), 1 - 1e-9)
      let spread = max(numbers[0] - cut, 1e-9)
      // So steep that what is wanted grows by about e⁵ over what is below the cut.
      degree = Self.rounded(min(400, max(12, 5 / (2 * spread).squareRoot())))
    }
    return best ?? TopEigenpairs(values: [], vectors: [], residual: .nan, isConverged: false, products: products)
  }

  /// Degrees in steps, so that rounds share compiled programs.
  private static func rounded(_ degree: Double) -> Int {
    [12, 25, 50, 100, 200, 400].first { Double($0) >= degree * 0.75 } ?? 400
  }

  // MARK: Rounds

  private func blockRound(_ block: Tensor, _ cut: Double, _ degree: Int) throws -> (vectors: Tensor, products: Int) {
    let filter = try self.filter(Tensor(cut), degree)
    let steps = 4
    let (_, vectors, taken) = try lobpcg(block, .largest, tolerance: 1e-12, maxSteps: steps) { try filter($0) }
    try evaluate(vectors, taken)
    return (vectors, (Int(try taken.item()) + 1) * degree)
  }

  private func lanczosRound(_ block: Tensor, _ cut: Double, _ degree: Int) throws -> (vectors: Tensor, products: Int) {
    let filter = try self.filter(Tensor(cut), degree)
    let width = block.shape[1]
    let steps = min(count, 2 * width + 12)
    // A sum of all that was found so far: what is still missing of each goes on growing.
    let initial = block.sum(1)
    let (_, vectors) = try Pinion.lanczos(initial, count: width, .largest, steps: steps) { x in
      try filter(x.expandDims(1)).squeeze(axis: 1)
    }
    try evaluate(vectors)
    return (vectors, steps * degree)
  }

  /// The Chebyshev polynomial T_d of the operator, -1...cut mapped to -1...1, scaled to 1 at 1.
  private func filter(_ cut: Tensor, _ degree: Int) throws -> (Tensor) throws -> Tensor {
    let (centre, radius) = ((cut - 1) / 2, (cut + 1) / 2)
    // T_d(x) at what the end 1 of the spectrum is mapped to, by cosh(d arcosh x): far within float64 for d up to 400.
    let top = (1 - centre) / radius
    let growth = (top + (top * top - 1).sqrt())
    func apart(_ x: Tensor) -> Tensor {
      guard let known else { return x }
      return x - known.matmul(known.matrixTranspose().matmul(x))
    }
    func mapped(_ x: Tensor) throws -> Tensor { (try apply(x) - centre * x) / radius }
    return { x in
      let start = apart(x)
      // Scaled by growth at each step: p_j = T_j / growth^j stays within 1 on all of -1...1.
      let first = try mapped(start) / growth
      let state = try forLoop([start, first], steps: degree - 1) { state, _ in
        [state[1], try 2 * mapped(state[1]) / growth - state[0] / (growth * growth)]
      }
      return apart(state[1])
    }
  }

  /// The best approximations within the span of columns, largest first, with |M v - μ v| of each.
  private func rayleighRitz(_ columns: Tensor) throws -> (values: Tensor, vectors: Tensor, residuals: Tensor) {
    let q = qr(columns).q
    let image = try apply(q)
    let (values, coefficients) = eigh(q.matrixTranspose().matmul(image))
    let (mu, turn) = (values.reverse([0]), coefficients.reverse([1]))
    let vectors = q.matmul(turn)
    let residuals = vectorNorm(image.matmul(turn) - vectors * mu.expandDims(0), axes: [0])
    try evaluate(mu, vectors, residuals)
    return (mu, vectors, residuals)
  }
}
