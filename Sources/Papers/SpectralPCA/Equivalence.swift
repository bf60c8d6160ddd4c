import Foundation
import Lab
import Pinion

/// The equivalences of spectral embedding and principal component analysis as identities between two computations, each
/// with the greatest deviation, relative to the greatest coordinate.
///
/// Both sides' coordinates are scaled by their eigenvalues and brought onto one another by the closest orthogonal matrix
/// (Procrustes): signs, and choices among equal eigenvalues, don't count, and all else does.
public enum Equivalence {
  /// Deviations of one graph.
  public struct Deviations: Codable, Hashable, Sendable {
    /// (a) kernel PCA of L⁺ against the eigenvectors of L.
    public var kernelPCA: Double
    /// (a) vol · |scores|² against commute times from effective resistances.
    public var commuteTime: Double
    /// (b) weighted kernel PCA of D⁻¹ W D⁻¹ against the eigenvectors of L_rw.
    public var weightedPCA: Double
    /// (c) spectral embedding of W = X Xᵀ + c against PCA of X.
    public var ordinaryPCA: Double
    /// (d) PCA of a centred Gram matrix against the embedding of the signed graph of it.
    public var signedGraph: Double

    /// The greatest of all.
    public var greatest: Double { [kernelPCA, commuteTime, weightedPCA, ordinaryPCA, signedGraph].max() ?? .nan }
  }

  /// All four identities for a connected graph and points.
  ///
  /// - Parameters:
  ///   - weights: float64 [n, n], symmetric, not negative, connected.
  ///   - points: float64 [m, d].
  ///   - components: how many coordinates are compared; all where nil, or where there are fewer.
  /// - Throws: `TensorError`, `PJRTError`.
  public static func deviations(weights: Tensor, points: Tensor, components: Int? = nil) throws -> Deviations {
    let n = weights.shape[0]
    let k = min(components ?? n - 1, n - 1)
    let d = min(points.shape[1], points.shape[0] - 1, components ?? .max)
    return Deviations(
      kernelPCA: try kernelPCA(weights, k), commuteTime: try commuteTime(weights),
      weightedPCA: try weightedPCA(weights, k), ordinaryPCA: try ordinaryPCA(points, d),
      signedGraph: try signedGraph(points, d))
  }

  static func laplacian(_ weights: Tensor) -> Tensor { weights.sum(1).diagonalMatrix() - weights }

  /// (a) L⁺ 1 = 0, so that it is a centred Gram matrix. Its principal components by kernel PCA (centring, eigenvectors,
  /// scores √κ u) are those of L in reverse order: scores y / √λ.
  static func kernelPCA(_ weights: Tensor, _ k: Int) throws -> Double {
    let l = laplacian(weights)
    let n = l.shape[0]
    // L⁺ = (L + 11ᵀ/n)⁻¹ - 11ᵀ/n: a way that shares no eigenvectors with the other side.
    let ones = Tensor.full([n, n], 1 / Double(n), dtype: .float64)
    let gram = inverse(l + ones) - ones
    let scores = kernelPCAScores(gram, components: k)
    let (lambda, y) = eigh(l)
    let roots = lambda.slice(axis: 0, from: 1, to: k + 1).sqrt()
    return try difference(scores, y.slice(axis: 1, from: 1, to: k + 1) / roots.expandDims(0))
  }

  /// (a) The commute time between i and j is vol (e_i - e_j)ᵀ L⁺ (e_i - e_j); here the resistance comes from solves with
  /// vertex n taken out (Klein, Randić 1993), the other side from distances of scores.
  static func commuteTime(_ weights: Tensor) throws -> Double {
    let l = laplacian(weights)
    let n = l.shape[0]
    let grounded = inverse(l.slice(axis: 0, from: 0, to: n - 1).slice(axis: 1, from: 0, to: n - 1))
      .pad(low: [0, 0], high: [1, 1])
    let diagonal = grounded.diagonal()
    let volume = weights.sum()
    let times = volume * (diagonal.expandDims(1) + diagonal.expandDims(0) - 2 * grounded)
    let (lambda, y) = eigh(l)
    let scores = y.slice(axis: 1, from: 1, to: n) / lambda.slice(axis: 0, from: 1, to: n).sqrt().expandDims(0)
    let distances = volume * SimilarityGraph.squaredDistances(scores, scores)
    return try ((times - distances).abs().max() / times.abs().max()).item()
  }

  /// (b) The features with Gram matrix D⁻¹ W D⁻¹, weighted by degrees: their weighted mean is the constant's pair, and
  /// the weighted covariance of what is left has the nontrivial eigenvectors of L_rw, with eigenvalues κ = 1 - λ. As these
  /// may be negative, columns are scaled by exp(κ/2).
  static func weightedPCA(_ weights: Tensor, _ k: Int) throws -> Double {
    let degrees = weights.sum(1)
    let n = weights.shape[0]
    let volume = degrees.sum()
    let identity = Tensor.eye(n, dtype: .float64)
    // Centring by the weighted mean: (I - 1 pᵀ) K (I - p 1ᵀ), p = d / vol.
    let centring = identity - outer(Tensor.ones([n], dtype: .float64), degrees / volume)
    let gram = centring.matmul(weights / outer(degrees, degrees)).matmul(centring.matrixTranspose())
    let root = degrees.sqrt()
    // The covariance has one more eigenvector of 0, the constant, which is lifted out of the way.
    let constant = root.expandDims(1) / volume.sqrt()
    let (kappa, u) = eigh(gram * outer(root, root) + 4 * constant.matmul(constant.matrixTranspose()))
    let (lambda, v) = eigh(identity - weights / outer(root, root))
    let (top, rest) = (
      kappa.slice(axis: 0, from: n - 1 - k, to: n - 1).reverse([0]), 1 - lambda.slice(axis: 0, from: 1, to: k + 1)
    )
    let axes = u.slice(axis: 1, from: n - 1 - k, to: n - 1).reverse([1]) / root.expandDims(1)
    let embedding = v.slice(axis: 1, from: 1, to: k + 1) / root.expandDims(1)
    let vectors = try difference(axes * (top / 2).exp().expandDims(0), embedding * (rest / 2).exp().expandDims(0))
    return max(vectors, try (top - rest).abs().max().item())
  }

  /// (c) W = X Xᵀ + c with X centred: all degrees are n c, L = n c I - W, and the embedding, scaled by the root of what its
  /// eigenvalue lacks, is the PCA scores.
  static func ordinaryPCA(_ points: Tensor, _ d: Int) throws -> Double {
    let x = points - points.mean(0, keepDims: true)
    let n = x.shape[0]
    let gram = x.matmul(x.matrixTranspose())
    let shift = gram.abs().max()
    let weights = gram + shift
    let (lambda, y) = eigh(laplacian(weights))
    // PCA by the covariance of the coordinates, in another space than the graph's.
    let (_, axes) = eigh(x.matrixTranspose().matmul(x))
    let scores = x.matmul(axes.reverse([1]).slice(axis: 1, from: 0, to: d))
    // The constant has λ = 0, all else that PCA doesn't see n c.
    let top = shift * Double(n)
    let kept = maximum(top - lambda.slice(axis: 0, from: 1, to: d + 1), 0)
    let embedding = y.slice(axis: 1, from: 1, to: d + 1) * kept.sqrt().expandDims(0)
    return try difference(scores, embedding)
  }

  /// (d) A centred Gram matrix K is a signed graph whose degrees are all 0: L = -K, whose smallest eigenvectors times the
  /// roots of what they lack are the scores of PCA.
  static func signedGraph(_ points: Tensor, _ d: Int) throws -> Double {
    let x = points - points.mean(0, keepDims: true)
    let gram = x.matmul(x.matrixTranspose())
    let (lambda, y) = eigh(laplacian(gram))
    let kept = maximum(-lambda.slice(axis: 0, from: 0, to: d), 0)
    let embedding = y.slice(axis: 1, from: 0, to: d) * kept.sqrt().expandDims(0)
    let (u, s, _) = svd(x)
    let scores = u.slice(axis: 1, from: 0, to: d) * s.slice(axis: 0, from: 0, to: d).expandDims(0)
    return try difference(scores, embedding)
  }

  // MARK: Tools

  /// Kernel PCA (Schölkopf, Smola, Müller 1998): the Gram matrix centred, eigenvectors times roots of eigenvalues,
  /// greatest first; float64 [n, components].
  public static func kernelPCAScores(_ gram: Tensor, components: Int) -> Tensor {
    let n = gram.shape[0]
    let (rows, columns) = (gram.mean(0, keepDims: true), gram.mean(1, keepDims: true))
    let (kappa, u) = eigh(gram - rows - columns + gram.mean())
    let last = kappa.slice(axis: 0, from: n - components, to: n).reverse([0])
    return u.slice(axis: 1, from: n - components, to: n).reverse([1]) * maximum(last, 0).sqrt().expandDims(0)
  }

  /// Greatest deviation of coordinates turned onto others, relative to the greatest of these.
  private static func difference(_ a: Tensor, _ b: Tensor) throws -> Double {
    try ((procrustes(a, onto: b) - b).abs().max() / b.abs().max()).item()
  }

  /// `a` turned by the orthogonal matrix that brings it closest to `b` (Schönemann 1966).
  public static func procrustes(_ a: Tensor, onto b: Tensor) -> Tensor {
    let (u, _, vh) = svd(a.matrixTranspose().matmul(b))
    return a.matmul(u.matmul(vh))
  }
}
