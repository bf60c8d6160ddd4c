import Pinion

/// Part of the examples whose greatest logit is their label's.
///
/// - Parameters:
///   - logits: [..., C].
///   - labels: integers [...].
public func accuracy(_ logits: Tensor, _ labels: Tensor) -> Tensor {
  if let failure = logits.failure ?? labels.failure { return .failed(failure) }
  guard logits.rank > 0, labels.dtype.isInteger, labels.shape == Array(logits.shape.dropLast()) else {
    return .failed(.shape("accuracy", "labels are \(labels.type), expected integers \(Array(logits.shape.dropLast()))"))
  }
  return (logits.argMax(axis: -1) .== labels.cast(.int32)).cast(.float32).mean()
}

/// Part of the examples whose label is among the `k` greatest logits; of equal logits the first counts as greater.
///
/// - Parameters:
///   - logits: [..., C].
///   - labels: integers [...].
public func topKAccuracy(_ logits: Tensor, _ labels: Tensor, k: Int) -> Tensor {
  if let failure = logits.failure ?? labels.failure { return .failed(failure) }
  guard let classes = logits.shape.last, labels.dtype.isInteger, labels.shape == Array(logits.shape.dropLast()) else {
    return .failed(
      .shape("topKAccuracy", "labels are \(labels.type), expected integers \(Array(logits.shape.dropLast()))"))
  }
  // A label's rank is the number of logits that stand before its own; no sorting is needed.
  let places = Tensor.iota(logits.shape, axis: -1)
  let label = labels.cast(.int32).expandDims(-1)
  let zero = Tensor.zeros([], dtype: logits.dtype)
  let own = select(places .== label, logits, zero).sum(axes: [-1], keepDims: true)
  let before = logits .> own .|| (logits .== own .&& places .< label)
  let rank = before.cast(.int32).sum(axes: [-1])
  let known = labels .>= 0 .&& labels .< Double(classes) .&& !own.isNaN().squeeze(axis: -1)
  return (rank .< Double(k) .&& known).cast(.float32).mean()
}
