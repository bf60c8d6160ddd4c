import Pinion

/// How the losses of examples or elements become one.
public enum Reduction: Hashable, Sendable {
  /// Their mean (where classes have weights: their sum over the sum of the examples' weights).
  case mean
  case sum
  /// One loss for each.
  case none

  func callAsFunction(_ losses: Tensor) -> Tensor {
    switch self {
    case .mean: losses.mean()
    case .sum: losses.sum()
    case .none: losses
    }
  }
}

/// Cross-entropy of a softmax against labels.
///
/// - Parameters:
///   - logits: [..., C].
///   - labels: integers [...] in 0 ..< C, or probabilities [..., C]. Any other integer makes the loss NaN.
///   - labelSmoothing: part of the target that is spread over all classes evenly.
///   - weights: of the classes, [C].
///   - ignoring: a label whose examples don't count.
///   - reduction: of the examples.
public func crossEntropy(
  _ logits: Tensor, _ labels: Tensor, labelSmoothing: Double = 0, weights: Tensor? = nil, ignoring: Int? = nil,
  reduction: Reduction = .mean
) -> Tensor {
  nll("crossEntropy", logits.logSoftmax(axis: -1), labels, labelSmoothing, weights, ignoring, reduction)
}

/// Negative log-likelihood of labels.
///
/// - Parameters:
///   - logProbabilities: [..., C].
///   - labels: integers [...] in 0 ..< C, or probabilities [..., C]. Any other integer makes the loss NaN.
///   - weights: of the classes, [C].
///   - ignoring: a label whose examples don't count.
///   - reduction: of the examples.
public func nll(
  _ logProbabilities: Tensor, _ labels: Tensor, weights: Tensor? = nil, ignoring: Int? = nil,
  reduction: Reduction = .mean
) -> Tensor {
  nll("nll", logProbabilities, labels, 0, weights, ignoring, reduction)
}

/// One-hot targets rather than a gather: XLA fuses them with the softmax, and their gradient isn't a scatter.
private func nll(
  _ name: String, _ logs: Tensor, _ labels: Tensor, _ smoothing: Double, _ weights: Tensor?, _ ignored: Int?,
  _ reduction: Reduction
) -> Tensor {
  if let failure = logs.failure ?? labels.failure ?? weights?.failure { return .failed(failure) }
  guard let classes = logs.shape.last, classes > 0 else {
    return .failed(.shape(name, "takes logits [..., classes], got \(logs.shape)"))
  }
  guard (0...1).contains(smoothing) else {
    return .failed(.value(name, "label smoothing must be in 0...1, got \(smoothing)"))
  }
  let sharp = logs.shape == labels.shape && labels.dtype.isFloating
  guard sharp || (labels.dtype.isInteger && labels.shape == Array(logs.shape.dropLast())) else {
    return .failed(
      .shape(
        name,
        "labels are \(labels.type), expected integers \(Array(logs.shape.dropLast())) or probabilities \(logs.shape)"))
  }
  if let weights, weights.shape != [classes] {
    return .failed(.shape(name, "class weights are \(weights.shape), expected [\(classes)]"))
  }
  let costs = weights.map { -logs * $0 } ?? -logs
  if sharp {
    let target = smoothing == 0 ? labels : labels * (1 - smoothing) + smoothing / Double(classes)
    return reduction((target * costs).sum(axes: [-1]))
  }
  let zero = Tensor.zeros([], dtype: logs.dtype)
  let hot = oneHot(labels, classes: classes, dtype: .bool)
  // A choice rather than a product: impossible classes (log 0) must not make NaN of others' losses.
  var losses = select(hot, costs, zero).sum(axes: [-1])
  if smoothing > 0 { losses = (1 - smoothing) * losses + costs.sum(axes: [-1]) * (smoothing / Double(classes)) }
  let known = labels .>= 0 .&& labels .< Double(classes)
  losses = select(known, losses, Tensor.full([], .nan, dtype: logs.dtype))
  var counted: Tensor?
  if let weights { counted = select(hot, weights, zero).sum(axes: [-1]) }
  if let ignored {
    let keep = labels .!= Double(ignored)
    losses = select(keep, losses, zero)
    counted = select(keep, counted ?? Tensor.ones(like: losses), zero)
  }
  guard reduction == .mean, let counted else { return reduction(losses) }
  return losses.sum() / counted.sum()
}

/// Binary cross-entropy of a sigmoid, elementwise.
///
/// - Parameters:
///   - logits: any shape.
///   - labels: probabilities, of the same shape.
///   - positiveWeight: factor of the loss of positive labels; stretches to the shape.
///   - reduction: of the elements.
public func binaryCrossEntropyWithLogits(
  _ logits: Tensor, _ labels: Tensor, positiveWeight: Tensor? = nil, reduction: Reduction = .mean
) -> Tensor {
  elementwise("binaryCrossEntropyWithLogits", logits, labels, reduction) { x, y in
    guard let positiveWeight else { return softplus(x) - x * y }
    return (1 - y) * x + (1 + (positiveWeight - 1) * y) * softplus(-x)
  }
}

/// Squared error; `reduction` is of the elements.
public func mse(_ predictions: Tensor, _ targets: Tensor, reduction: Reduction = .mean) -> Tensor {
  elementwise("mse", predictions, targets, reduction) { ($0 - $1).square() }
}

/// Absolute error; `reduction` is of the elements.
public func mae(_ predictions: Tensor, _ targets: Tensor, reduction: Reduction = .mean) -> Tensor {
  elementwise("mae", predictions, targets, reduction) { ($0 - $1).abs() }
}

/// Half the squared error where it is below `delta`, linear beyond; `reduction` is of the elements. Huber, 1964.
public func huber(
  _ predictions: Tensor, _ targets: Tensor, delta: Double = 1, reduction: Reduction = .mean
) -> Tensor {
  elementwise("huber", predictions, targets, reduction) {
    let error = ($0 - $1).abs()
    return select(error .< delta, 0.5 * error.square(), delta * (error - 0.5 * delta))
  }
}

/// `huber` over its delta, here called `beta`: the slope beyond is 1.
public func smoothL1(
  _ predictions: Tensor, _ targets: Tensor, beta: Double = 1, reduction: Reduction = .mean
) -> Tensor {
  guard beta > 0 else { return mae(predictions, targets, reduction: reduction) }
  return huber(predictions, targets, delta: beta, reduction: reduction) / beta
}

/// Kullback-Leibler divergence KL(target ‖ prediction), summed over the last axis.
///
/// - Parameters:
///   - logProbabilities: logarithms [..., C] of the predicted probabilities.
///   - targets: probabilities [..., C].
///   - reduction: of the examples (PyTorch calls this mean `batchmean`).
public func klDivergence(_ logProbabilities: Tensor, _ targets: Tensor, reduction: Reduction = .mean) -> Tensor {
  guard logProbabilities.failure != nil || logProbabilities.rank > 0 else {
    return .failed(.shape("klDivergence", "takes [..., classes], got a scalar"))
  }
  return elementwise("klDivergence", logProbabilities, targets, reduction) { logs, targets in
    // 0·log 0 is 0.
    let positive = targets .> 0
    let entropy = targets * select(positive, targets, Tensor.ones(like: targets)).log()
    return (entropy - select(positive, targets * logs, Tensor.zeros(like: logs))).sum(axes: [-1])
  }
}

/// max(0, 1 - label·score) for labels -1 and 1; `reduction` is of the elements.
public func hinge(_ scores: Tensor, _ labels: Tensor, reduction: Reduction = .mean) -> Tensor {
  elementwise("hinge", scores, labels, reduction) { relu(1 - $1 * $0) }
}

/// Cosine of the angle between vectors along an axis, which goes; 0 for vectors shorter than `epsilon`.
public func cosineSimilarity(_ a: Tensor, _ b: Tensor, axis: Int = -1, epsilon: Double = 1e-8) -> Tensor {
  func length(_ t: Tensor) -> Tensor { maximum(t.square().sum(axes: [axis]), epsilon * epsilon).sqrt() }
  return (a * b).sum(axes: [axis]) / (length(a) * length(b))
}

/// Broadcasting here is a mistake more often than a wish ([N, 1] against [N]): shapes must agree.
private func elementwise(
  _ name: String, _ a: Tensor, _ b: Tensor, _ reduction: Reduction, _ loss: (Tensor, Tensor) -> Tensor
) -> Tensor {
  if let failure = a.failure ?? b.failure { return .failed(failure) }
  guard a.shape == b.shape else { return .failed(.shape(name, "shapes differ: \(a.shape) and \(b.shape)")) }
  return reduction(loss(a, b))
}
