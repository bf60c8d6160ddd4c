import Foundation
import Lab
import Pinion

/// How eigenvectors are found; `lanczos` and `lobpcg` multiply by the matrix and never change it.
public enum EigenSolver: String, CaseIterable, Codable, Sendable {
  /// Dense up to 1,200 vertices, Lanczos beyond.
  case auto
  /// All eigenvectors, by LAPACK.
  case dense
  /// Lanczos' method of the core on a filtered operator.
  case lanczos
  /// LOBPCG of the core on a filtered operator.
  case lobpcg
}

/// The greatest eigenvalues of a symmetric operator whose spectrum lies in -1...1, and their eigenvectors.
struct TopEigenpairs {
  /// Descending, k numbers.
  var values: [Double] = []
  /// Row-major [n, k].
  var vectors: [Double] = []
  /// Greatest |M v - μ v| of those wanted.
  var residual = 0.0
  /// Whether the tolerance was reached.
  var isConverged = true
}

/// Finds the top of a spectrum by Chebyshev-filtered Lanczos or LOBPCG.
///
/// The wanted eigenvalues of a large graph lie within 10⁻⁵ of 1, where neither method sees them apart. A Chebyshev
/// polynomial of the operator, small on -1...a and steep beyond, spreads them (Zhou, Saad 2007); a is the least Ritz
/// value found, higher in each round. Eigenvectors that are known (the components' indicators, with eigenvalue 1) are
/// deflated.
struct FilteredEigensolver {
  /// From [n, b] to [n, b].
  let apply: (Tensor) throws -> Tensor
  let count: Int
  /// Orthonormal columns [n, c] with eigenvalue 1; nil for none.
  var known: Tensor?
  /// Sine of the angle to the wanted space that is small enough, judged by residual over gap.
  var tolerance = 1e-3
  var usesLanczos = true
  var seed: UInt64 = 0

  /// Residuals below this are rounding.
  private static let floor = 1e-10
  private static let maximumRounds = 30

  /// Ritz pairs, greatest first: values [b], vectors [n, b], residuals [b].
  private struct Ritz {
    let vectors: Tensor
    let values: [Double]
    let residuals: [Double]
  }

  /// The k greatest eigenvalues besides the known ones.
  ///
  /// - Throws: `UsageError` where numbers aren't finite; `TensorError`, `PJRTError`.
  func solve(_ k: Int) throws -> TopEigenpairs {
    let width = min(k + max(4, min(k / 2, 12)), count / 3)
    let start = Key(seed).normal([count, width], dtype: .float64)
    let none = deflation(nil, columns: k)
    try evaluate(none)
    var ritz = try rayleighRitz(start, apart: none)
    var (cut, degree) = (-0.2, 12)
    for round in 1...Self.maximumRounds {
      ritz = try rayleighRitz(try filtered(ritz.vectors, cut, degree, apart: none), apart: none)
      guard ritz.residuals.allSatisfy(\.isFinite) else {
        throw UsageError("the eigenvectors of the graph can't be found: they aren't finite")
      }
      var isConverged = isClose(ritz, k)
      if isConverged, usesLanczos {
        // One vector finds an eigenvalue once. Whatever else is as large must show beside what was found.
        let rest = try missed(ritz.vectors.slice(axis: 1, from: 0, to: k), width, cut, degree, round)
        if let first = rest.values.first, first > ritz.values[k - 1] + max(Self.floor, tolerance * gap(ritz, k)) {
          ritz = try rayleighRitz(
            concatenate([ritz.vectors.slice(axis: 1, from: 0, to: k), rest.vectors], axis: 1), keeping: width,
            apart: none)
          isConverged = false
        }
      }
      if isConverged || round == Self.maximumRounds {
        let columns = try ritz.vectors.slice(axis: 1, from: 0, to: min(k, width)).array(of: Double.self)
        return TopEigenpairs(
          values: Array(ritz.values.prefix(k)), vectors: columns, residual: ritz.residuals.prefix(k).max() ?? 0,
          isConverged: isConverged)
      }
      cut = min(max(ritz.values[ritz.values.count - 1], -0.2), 1 - 1e-9)
      // So steep that 1 grows by some powers of e over what is below the cut.
      // Where little is missing, less will do.
      let isNear = (ritz.residuals.prefix(k).max() ?? 0) <= 1e3 * max(Self.floor, tolerance * gap(ritz, k))
      let steepness = usesLanczos ? (isNear ? 1.5 : 3) : 5
      degree = Int(min(400, max(12, steepness / (2 * max(1 - cut, 1e-9)).squareRoot())))
    }
    return TopEigenpairs()
  }

  /// The gap between what is wanted and the next value, as far as it's seen.
  private func gap(_ ritz: Ritz, _ k: Int) -> Double { k < ritz.values.count ? ritz.values[k - 1] - ritz.values[k] : 0 }

  private func isClose(_ ritz: Ritz, _ k: Int) -> Bool {
    (ritz.residuals.prefix(k).max() ?? 0) <= max(Self.floor, tolerance * gap(ritz, k))
  }

  // MARK: Rounds

  /// Better columns than those given, by one call of the core's solver.
  private func filtered(_ block: Tensor, _ cut: Double, _ degree: Int, apart known: Tensor) throws -> Tensor {
    let filter = filter(Tensor(cut), Tensor(Int32(degree)), known)
    let width = block.shape[1]
    if !usesLanczos {
      return try lobpcg(block, .largest, tolerance: 1e-12, maxSteps: 3) { try filter($0) }.eigenvectors
    }
    // From a sum of all, what is still missing of each goes on growing. The best vectors are all that is needed here:
    // `lanczos` would apply the filter to each of them again for its eigenvalue and derivative.
    let steps = min(count, 2 * width + 16)
    let (diagonal, beside, basis) = try lanczosTridiagonal(block.sum(1), steps: steps) { x in
      try filter(x.expandDims(1)).squeeze(axis: 1)
    }
    let rows = beside.diagonalMatrix(offset: 1)
    let (_, vectors) = eigh(diagonal.diagonalMatrix() + rows + rows.matrixTranspose())
    return basis.matrixTranspose().matmul(vectors.slice(axis: 1, from: steps - width, to: steps))
  }

  /// The greatest pairs orthogonal to columns that were found.
  private func missed(_ found: Tensor, _ width: Int, _ cut: Double, _ degree: Int, _ round: Int) throws -> Ritz {
    // A narrow block is cheaper; a block as wide as the other needs no further programs.
    let few = count < 30_000 ? width : min(4, width)
    let all = deflation(found, columns: found.shape[1])
    try evaluate(all)
    let key = Key(seed).foldIn(round)
    let start = key.normal([count, few], dtype: .float64)
    return try rayleighRitz(try filtered(start, cut, degree, apart: all), apart: all)
  }

  /// Columns that are taken out: the known ones and others; zeros keep the shape, and so the program, the same.
  private func deflation(_ found: Tensor?, columns: Int) -> Tensor {
    let rest = found ?? Tensor.zeros([count, columns], dtype: .float64)
    return known.map { concatenate([$0, rest], axis: 1) } ?? rest
  }

  /// The Chebyshev polynomial T_d of the operator, -1...cut mapped to -1...1, scaled to about 1 at 1.
  private func filter(_ cut: Tensor, _ degree: Tensor, _ known: Tensor) -> (Tensor) throws -> Tensor {
    let (centre, radius) = ((cut - 1) / 2, (cut + 1) / 2)
    let top = (1 - centre) / radius
    // T_d(top) is about growth^d / 2.
    let growth = top + (top * top - 1).sqrt()
    func apart(_ x: Tensor) -> Tensor { x - known.matmul(known.matrixTranspose().matmul(x)) }
    func mapped(_ x: Tensor) throws -> Tensor { (try apply(x) - centre * x) / radius }
    return { x in
      let start = apart(x)
      // p_j = T_j / growth^j by T's recurrence: within 1 on the whole spectrum.
      let first = try mapped(start) / growth
      let state = try whileLoop([start, first, Tensor(1 as Int32)]) {
        $0[2] .< degree
      } do: { state in
        [state[1], try 2 * mapped(state[1]) / growth - state[0] / (growth * growth), state[2] + 1]
      }
      return apart(state[1])
    }
  }

  /// The best approximations within the span of columns, with |M v - μ v| of each.
  private func rayleighRitz(_ columns: Tensor, keeping width: Int? = nil, apart known: Tensor) throws -> Ritz {
    let q = qr(columns - known.matmul(known.matrixTranspose().matmul(columns))).q
    let image = try apply(q)
    let (values, coefficients) = eigh(q.matrixTranspose().matmul(image))
    let kept = width ?? columns.shape[1]
    let (mu, turn) = (
      values.reverse([0]).slice(axis: 0, from: 0, to: kept), coefficients.reverse([1]).slice(axis: 1, from: 0, to: kept)
    )
    let vectors = q.matmul(turn)
    let residuals = vectorNorm(image.matmul(turn) - vectors * mu.expandDims(0), axes: [0])
    try evaluate(mu, vectors, residuals)
    return Ritz(
      vectors: vectors, values: try mu.array(of: Double.self), residuals: try residuals.array(of: Double.self))
  }
}
