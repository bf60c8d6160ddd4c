import Pinion

/// Root of the sum of squares of all trained leaves, float32 (float64 where one of them is).
///
/// - Throws: as `leaves(of:)`.
public func globalNorm<T: Tree>(of tree: T) throws -> Tensor {
  let trained = try leaves(of: tree).filter(\.isTrained).map(\.tensor)
  let dtype: DType = trained.contains { $0.dtype.realType == .float64 } ? .float64 : .float32
  let squares = trained.map { ($0.dtype.isComplex ? $0.abs() : $0).cast(dtype).square().sum() }
  return squares.reduce(Tensor.zeros([], dtype: dtype), +).sqrt()
}

/// Gradients scaled down, together, so that their global norm is at most `norm`. Pascanu et al., 2013.
///
/// - Throws: as `leaves(of:)`.
public func clipped<T: Tree>(_ gradients: T, norm: Double) throws -> T {
  let total = try globalNorm(of: gradients)
  // Not min(1, norm / total): 0 / 0 has no place here, and a NaN must stay visible.
  let factor = select(total .<= norm, Tensor.ones(like: total), norm / total)
  return try map(gradients) { $0.isTrained ? $0.tensor * factor.cast($0.tensor.dtype) : $0.tensor }
}

/// Gradients with every number limited to ±`value`.
///
/// - Throws: as `leaves(of:)`.
public func clipped<T: Tree>(_ gradients: T, value: Double) throws -> T {
  try map(gradients) { $0.isTrained ? $0.tensor.clamp(min: -value, max: value) : $0.tensor }
}

/// Moving average of a model's parameters. Polyak and Juditsky, 1992.
public struct ExponentialMovingAverage<Model: Tree & Sendable>: Module {
  /// The average; buffers are those of the last model seen.
  public private(set) var model: Model
  private let decay: Double

  /// - Parameters:
  ///   - model: where the average starts.
  ///   - decay: part of the average that stays at each update.
  /// - Throws: as `leaves(of:)`.
  public init(of model: Model, decay: Double = 0.999) throws {
    // New nodes, so that the average and the model have each their own memory, which a compiled step may reuse.
    self.model = try map(model) { stopGradient($0.tensor) }
    self.decay = decay
  }

  /// Moves the average towards a model.
  ///
  /// - Throws: `TensorError` where the models differ in structure or types.
  public mutating func update(_ other: Model) throws {
    var average = model
    _ = try updating("ExponentialMovingAverage", &average, other, complex: true) { _, old, new, _ in
      (decay * old + (1 - decay) * new, [])
    }
    model = try takingUntrained(from: other, into: average)
  }
}

/// A model with buffers and leaves that aren't floating point of another of the same structure: what a training step
/// keeps of the copy that its loss has changed.
///
/// - Throws: `TensorError` where the models differ in structure; as `leaves(of:)`.
public func takingUntrained<T: Tree>(from other: T, into model: T) throws -> T {
  let list = try tensorLeaves(of: other)
  guard try tensorLeaves(of: model).count == list.count else {
    throw TensorError.value("model", "the function changed the model's structure")
  }
  var next = list.makeIterator()
  return try map(model) { leaf in
    guard let tensor = next.next(), !leaf.isTrained else { return leaf.tensor }
    return stopGradient(tensor)
  }
}
