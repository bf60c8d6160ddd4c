import Pinion

/// Sum of clipped gradients of the examples of a batch, and what it was made of.
public struct ClippedGradients: Module {
  /// Sum over examples of their gradients, each scaled down to the clipping norm at most; all parameters in one row [P].
  public var sum: Tensor
  /// Loss of each example [B].
  public var losses: Tensor
  /// Norm of each example's gradient before it was clipped [B].
  public var norms: Tensor
}

/// Gradients of single examples, clipped each by its norm over all parameters together.
public struct PerExampleGradients<Model: Module>: Sendable {
  /// Loss of one example: a scalar of the model, its input with a leading axis of 1, and its label [1].
  let loss: @Sendable (Model, Tensor, Tensor) throws -> Tensor

  public init(loss: @escaping @Sendable (Model, Tensor, Tensor) throws -> Tensor) { self.loss = loss }

  /// - Parameters:
  ///   - inputs: [B, …].
  ///   - labels: [B].
  ///   - weights: 1 for what counts, 0 for what fills up the batch [B].
  ///   - norm: the largest norm of an example's gradient, a scalar.
  /// - Throws: what `loss` throws; `TensorError`.
  public func callAsFunction(
    _ model: Model, inputs: Tensor, labels: Tensor, weights: Tensor, norm: Tensor
  ) throws -> ClippedGradients {
    let each = vmap(inAxes: [nil, 0, 0]) { (model: Model, x: Tensor, y: Tensor) throws -> (Model, Tensor) in
      let (value, slopes) = try valueAndGrad(model) { try self.loss($0, x.expandDims(0), y.expandDims(0)) }
      return (slopes, value)
    }
    let (gradients, losses) = try each(model, inputs, labels)
    return try Self.clippedSum(gradients, losses: losses, weights: weights, norm: norm)
  }

  /// Sum of vectors of norm C at most: factors of min(1, C/norm) times the vectors.
  ///
  /// - Parameters:
  ///   - vectors: one for each unit, leaves [B, …].
  ///   - weights: 1 for what counts, 0 else [B].
  static func clippedSum(
    _ vectors: Model, losses: Tensor, weights: Tensor, norm: Tensor
  ) throws -> ClippedGradients {
    let count = weights.shape.first ?? 0
    let rows = try tensorLeaves(of: vectors).map { $0.reshape([count, -1]) }
    let norms = rows.reduce(Tensor.zeros([count])) { $0 + $1.square().sum(1) }.sqrt()
    // Not min(1, C / norm): a norm of 0 has no quotient, and a NaN must stay visible.
    let factors = weights * select(norms .<= norm, Tensor.ones(like: norms), norm / norms)
    let row = factors.expandDims(0)
    let sum = concatenate(rows.map { row.matmul($0).squeeze(axis: 0) })
    return ClippedGradients(sum: sum, losses: losses, norms: norms)
  }
}
