/// Elements combined by segments, which numbers name; and counts.
extension Tensor {
  private func segmented(_ name: String, _ kind: Scatter.Kind, _ ids: Tensor, _ count: Int, _ start: (DType) -> String)
    -> Tensor
  {
    failing(name) {
      if let failure = failure ?? ids.failure { throw failure }
      guard ids.dtype.isInteger else { throw TensorError.dtype(name, "segments are \(ids.dtype), expected integers") }
      guard rank > 0, ids.shape == [shape[0]], count >= 0 else {
        throw TensorError.shape(
          name, "takes one segment for each slice along axis 0 of \(shape) and a count, got \(ids.shape) and \(count)")
      }
      let places = ids.cast(ids.dtype.placeType)
      let type = TensorType(dtype, [count] + shape.dropFirst())
      let empty = Tensor.apply1(Constant(type: type, literal: start(dtype)), [])
      if empty.count == 0 { return empty }
      // Negative numbers are no segment, not the last one.
      let checked = select(places .< 0, Tensor.full(like: places, Double(count)), places)
      switch kind {
      case .add: return empty.scatterAdd(checked, self)
      case .max: return empty.scatterMax(checked, self)
      case .min: return empty.scatterMin(checked, self)
      case .multiply, .set: return empty.at[checked].multiply(self)
      }
    }
  }

  /// Sums of the slices along axis 0 by segment.
  ///
  /// - Parameters:
  ///   - ids: for each slice the number of its segment, in any order; others than 0 ..< count don't count.
  ///   - count: number of segments.
  /// - Returns: the shape with `count` on axis 0; 0 for an empty segment.
  public func segmentSum(_ ids: Tensor, count: Int) -> Tensor {
    segmented("segmentSum", .add, ids, count, \.zeroLiteral)
  }

  /// Products of the slices along axis 0 by segment; 1 for an empty one.
  ///
  /// - Parameters: as of `segmentSum`.
  public func segmentProduct(_ ids: Tensor, count: Int) -> Tensor {
    segmented("segmentProduct", .multiply, ids, count, \.oneLiteral)
  }

  /// Greatest elements of the slices along axis 0 by segment; the lowest of the type (-infinity) for an empty one.
  ///
  /// - Parameters: as of `segmentSum`.
  public func segmentMax(_ ids: Tensor, count: Int) -> Tensor {
    segmented("segmentMax", .max, ids, count, \.lowestLiteral)
  }

  /// Smallest elements of the slices along axis 0 by segment; the highest of the type (infinity) for an empty one.
  ///
  /// - Parameters: as of `segmentSum`.
  public func segmentMin(_ ids: Tensor, count: Int) -> Tensor {
    segmented("segmentMin", .min, ids, count, \.highestLiteral)
  }

  /// Means of the slices along axis 0 by segment; 0 for an empty one.
  ///
  /// - Parameters: as of `segmentSum`.
  public func segmentMean(_ ids: Tensor, count: Int) -> Tensor {
    failing("segmentMean") {
      guard failure != nil || dtype.isDifferentiable else {
        throw TensorError.dtype("segmentMean", "takes floating-point or complex numbers, not \(dtype)")
      }
      let sums = segmentSum(ids, count: count)
      if sums.failure != nil { return sums }
      let sizes = Tensor.ones([shape[0]], dtype: dtype.realType).segmentSum(ids, count: count)
      return sums / maximum(sizes, 1).cast(dtype).reshape([count] + shape.dropFirst().map { _ in 1 })
    }
  }

  /// How often each of 0 ..< count comes among the elements; others don't count.
  ///
  /// - Parameter weights: of the elements, whose sums are returned.
  /// - Returns: int32 [count]; the type of the weights with them.
  public func bincount(_ count: Int, weights: Tensor? = nil) -> Tensor {
    failing("bincount") {
      if let failure = failure ?? weights?.failure { throw failure }
      guard weights == nil || weights?.shape == shape else {
        throw TensorError.shape("bincount", "weights are \(weights?.shape ?? []), the elements \(shape)")
      }
      let given = weights ?? Tensor.ones(shape, dtype: .int32)
      return given.reshape([self.count]).segmentSum(reshape([self.count]), count: count)
    }
  }

  /// How many elements are in each of `bins` bins of equal width; the last one holds its upper edge.
  ///
  /// - Parameters:
  ///   - low: lower edge of the first bin; the smallest element without it.
  ///   - high: upper edge of the last bin; the greatest element without it.
  ///   - weights: of the elements, whose sums are returned.
  /// - Returns: int32 [bins] (the type of the weights with them), and the edges, [bins + 1].
  public func histogram(bins: Int, from low: Double? = nil, to high: Double? = nil, weights: Tensor? = nil) -> (
    counts: Tensor, edges: Tensor
  ) {
    func failed(_ error: TensorError) -> (Tensor, Tensor) { (.failed(error), .failed(error)) }
    if let failure { return failed(failure) }
    guard bins > 0, dtype.isFloating, count > 0 || low != nil && high != nil else {
      return failed(.value("histogram", "takes floating-point numbers and bins, got \(type) and \(bins)"))
    }
    if let low, let high, !(low <= high && (high - low).isFinite) {
      return failed(.value("histogram", "\(low) to \(high) isn't a finite range"))
    }
    var (bottom, top) = (low.map { scalar($0) } ?? min(), high.map { scalar($0) } ?? max())
    let isPoint = bottom .== top
    (bottom, top) = (select(isPoint, bottom - 0.5, bottom), select(isPoint, top + 0.5, top))
    let part = Tensor.arange(bins + 1).cast(dtype) / Double(bins)
    let edges = bottom * (1 - part) + top * part
    let place = edges.searchSorted(self, side: .right) - 1
    let inside = select(self .== edges[-1], Tensor.full(like: place, Double(bins - 1)), place)
    return (inside.bincount(bins, weights: weights), edges)
  }
}
