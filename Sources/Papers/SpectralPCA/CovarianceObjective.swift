import Lab
import Pinion

/// The covariance between similarities of data and similarities of their images: what spectral embedding maximises.
///
/// Over pairs (i, j) with probabilities p_i p_j, p = degree / volume, the covariance of W_ij / (d_i d_j) and y_i y_j is
/// yᵀ W y / vol² - (1/vol²) (Σ d_i y_i)² Σ W / vol². Under yᵀ D y = 1 and yᵀ D 1 = 0 it's yᵀ W y / vol², whose maxima
/// one after the other are the eigenvectors of L_rw, with value (1 - λ) / vol². For equal degrees that's the plain covariance
/// of W_ij and y_i y_j, n² being the number of pairs.
public struct CovarianceObjective: Sendable {
  /// float64 [n, n].
  private let weights: Tensor
  /// float64 [n].
  private let degrees: Tensor
  private let volume: Double

  /// - Throws: `UsageError` for a graph without edges.
  public init(_ graph: SimilarityGraph) throws {
    weights = graph.matrix
    degrees = Tensor(graph.degrees)
    volume = graph.degrees.reduce(0, +)
    guard volume > 0 else { throw UsageError("a graph without edges has no covariance of similarities") }
  }

  /// Columns made fit for comparison: orthogonal to the constant and orthonormal in the degrees' measure.
  ///
  /// - Parameter columns: float64 [n, k] or [b, n, k].
  public func admissible(_ columns: Tensor) -> Tensor {
    // A vertex without edges has no measure: whatever it's given counts nothing.
    let root = select(degrees .> 0, degrees, Tensor.ones(like: degrees)).sqrt().expandDims(1)
    let constant = root / vectorNorm(root)
    let scaled = columns * root
    let apart = scaled - constant.matmul(constant.matrixTranspose().matmul(scaled))
    // Twice, as what is almost constant keeps rounding.
    let q = qr(apart - constant.matmul(constant.matrixTranspose().matmul(apart))).q
    return q / root
  }

  /// vol² times the covariance of each column, float64 [k] or [b, k]: 1 for a perfect embedding.
  ///
  /// - Parameter columns: float64 [n, k] or [b, n, k], admissible.
  public func values(_ columns: Tensor) -> Tensor {
    guard columns.rank > 2 else { return (columns * weights.matmul(columns)).sum(0) }
    // One product for the whole stack: [n, b, k].
    let images = dotGeneral(weights, columns, batch: ([], []), contract: ([1], [1]))
    return (columns.moveAxis(from: 1, to: 0) * images).sum(0)
  }

  /// The covariance by its definition, over all pairs one by one, for a single column; equal to `values` / vol² where the
  /// column is admissible.
  ///
  /// - Parameter column: float64 [n].
  func covarianceOverPairs(_ column: Tensor) -> Tensor {
    let p = degrees / volume
    let pairs = outer(p, p)
    let similarity = weights / outer(degrees, degrees)
    let image = outer(column, column)
    let (meanSimilarity, meanImage) = ((pairs * similarity).sum(), (pairs * image).sum())
    return (pairs * (similarity - meanSimilarity) * (image - meanImage)).sum()
  }

  /// The greatest sum of values among random embeddings of k coordinates.
  ///
  /// - Throws: `TensorError`, `PJRTError`.
  public func bestOfRandom(_ count: Int, coordinates k: Int, seed: UInt64) throws -> Double {
    let n = weights.shape[0]
    // As many at once as 32 MB take.
    let together = max(1, min(count, (1 << 22) / (n * k)))
    var best = -Double.infinity
    for batch in 0..<(count + together - 1) / together {
      let random = Key(seed).foldIn(batch).normal([together, n, k], dtype: .float64)
      best = max(best, try values(admissible(random)).sum(-1).max().item())
    }
    return best
  }
}
