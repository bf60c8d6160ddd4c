import Lab
import Pinion

/// The covariance of the outputs of a convolutional network of infinitely many channels, without pooling.
///
/// Each location of a picture is compared with the same location of the other: dot products of patches, then layer by
/// layer the nonlinearity's map at each location and the mean over the patch (zeros outside), and at the end a dense
/// layer, which averages over locations (Novak and others, 2019: the vectorising network, whose off-diagonal locations
/// don't matter).
public struct ConvolutionalKernel: Hashable, Codable, Sendable {
  public var nonlinearity: UnitNonlinearity
  public var kind: KernelKind
  /// Layers of weights L >= 2: L - 1 convolutions and a dense one.
  public var depth: Int
  /// Pixels of a patch's edge, odd.
  public var patch: Int
  /// Variance of the biases of each layer, 0 for none.
  public var biasVariance: Double

  public init(
    _ nonlinearity: UnitNonlinearity = .relu, kind: KernelKind = .prior, depth: Int, patch: Int = 3,
    biasVariance: Double = 0
  ) {
    (self.nonlinearity, self.kind, self.depth) = (nonlinearity, kind, depth)
    (self.patch, self.biasVariance) = (patch, biasVariance)
  }

  /// Such as `ReLU, depth 7, patches 3 x 3`.
  public var title: String {
    let rest = CompositionalKernel(nonlinearity, kind: kind, depth: depth, biasVariance: biasVariance).title
    return "\(rest), patches \(patch) x \(patch)"
  }

  /// The covariance of the outputs, float64 [n, n].
  ///
  /// - Parameter pictures: float64 [n, H, W, C].
  /// - Throws: `UsageError` where depth or patch is out of range; `TensorError`.
  public func covariance(_ pictures: Tensor) throws -> Tensor {
    try CompositionalKernel(nonlinearity, depth: depth, biasVariance: biasVariance).check()
    guard depth >= 2 else { throw UsageError("a convolutional network of depth \(depth), expected at least 2") }
    guard patch % 2 == 1, (1...99).contains(patch) else {
      throw UsageError("patches of \(patch) pixels, expected an odd number up to 99")
    }
    if let failure = pictures.failure { throw failure }
    guard pictures.rank == 4 else {
      throw TensorError.shape("covariance", "pictures are \(pictures.type), expected [n, H, W, C]")
    }
    let n = pictures.shape[0]
    let variances = variancesByLayer(pictures)
    let row = jit { (picture: Tensor, own: [Tensor], pictures: Tensor, variances: [Tensor]) -> Tensor in
      self.row(picture, own, pictures, variances)
    }
    // Row by row: all pairs of places at once would take n² H W numbers.
    var rows: [Tensor] = []
    for i in 0..<n {
      rows.append(try row(pictures[i], variances.map { $0[i] }, pictures, variances))
    }
    let full = stack(rows)
    return (full + full.matrixTranspose()) / 2
  }

  /// Variances of the pre-activations at each location, [n, H, W], of each convolution.
  private func variancesByLayer(_ pictures: Tensor) -> [Tensor] {
    var variance = averaged(pictures.square().mean(3)) + biasVariance
    var result = [variance]
    for _ in 2..<depth {
      variance = averaged(nonlinearity.moments(variance, variance, variance).values) + biasVariance
      result.append(variance)
    }
    return result
  }

  /// Covariances of one picture with all, [n].
  private func row(_ picture: Tensor, _ own: [Tensor], _ pictures: Tensor, _ variances: [Tensor]) -> Tensor {
    var prior = averaged((picture.expandDims(0) * pictures).mean(3)) + biasVariance
    var tangent = prior
    for layer in 0..<depth - 1 {
      let moments = nonlinearity.moments(prior, own[layer].expandDims(0), variances[layer])
      // Behind the last convolution stands the dense layer, over all locations.
      func average(_ x: Tensor) -> Tensor { layer == depth - 2 ? x.mean(axes: [1, 2]) : averaged(x) }
      prior = average(moments.values) + biasVariance
      if kind == .tangent { tangent = prior + average(tangent * moments.slopes) }
    }
    return kind == .tangent ? tangent : prior
  }

  /// The mean over the patch around each location, [n, H, W]; what lies outside counts as 0.
  private func averaged(_ x: Tensor) -> Tensor {
    var result = x
    for axis in 1...2 {
      var (low, high) = ([0, 0, 0], [0, 0, 0])
      (low[axis], high[axis]) = (patch / 2, patch / 2)
      let (padded, size) = (result.pad(low: low, high: high), x.shape[axis])
      result = (1..<patch).reduce(padded.slice(axis: axis, from: 0, to: size)) { sum, shift in
        sum + padded.slice(axis: axis, from: shift, to: shift + size)
      }
    }
    return result / Double(patch * patch)
  }
}
