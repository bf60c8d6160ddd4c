/// What stands between two neighbours in the order of elements.
public enum QuantileMethod: Sendable {
  case linear, lower, higher, midpoint, nearest
}

extension Tensor {
  /// The numbers below which given parts of the elements lie; NaN where an element is.
  ///
  /// - Parameters:
  ///   - parts: in [0, 1], of any shape and this tensor's type; others read the nearest of these.
  ///   - axis: along which; over all elements without it.
  ///   - method: what stands between two elements.
  /// - Returns: the shape of the parts, then that of this tensor without the axis.
  public func quantile(_ parts: Tensor, axis: Int? = nil, method: QuantileMethod = .linear) -> Tensor {
    failing("quantile") {
      if let failure = failure ?? parts.failure { throw failure }
      guard dtype.isFloating, parts.dtype == dtype else {
        throw TensorError.dtype("quantile", "takes floating-point numbers of one type, got \(dtype) and \(parts.dtype)")
      }
      let i = try axis.map { try self.axis($0, "quantile").get() }
      let sorted = (i.map { moveAxis(from: $0, to: -1) } ?? reshape([count])).sorted()
      let n = sorted.shape[sorted.rank - 1]
      guard n > 0 else { throw TensorError.shape("quantile", "no elements along axis \(axis ?? 0) of \(shape)") }
      let place = (parts * Double(n - 1)).clamp(min: 0, max: Double(n - 1))
      let low = stopGradient(place.floor())
      func read(_ place: Tensor) -> Tensor { sorted.take(stopGradient(place).cast(.int32), axis: -1) }
      let (below, above) = (read(low), read(place.ceil()))
      let result: Tensor
      switch method {
      case .lower: result = below
      case .higher: result = above
      case .midpoint: result = (below + above) / 2
      case .nearest: result = read(place.round())
      case .linear:
        let weight = place - low
        result = below * (1 - weight) + above * weight
      }
      let last = sorted.slice(axis: -1, from: n - 1, to: n)
      let lead = Array(sorted.shape.dropLast())
      let broken = last.isNaN().reshape(lead + parts.shape.map { _ in 1 }).broadcast(to: result.shape)
      let whole = select(broken, Tensor.full(like: result, .nan), result)
      return whole.transpose(Array(lead.count..<whole.rank) + Array(0..<lead.count))
    }
  }

  /// The number below which a part, in [0, 1], of the elements lies; as the form with a tensor of parts.
  public func quantile(_ part: Double, axis: Int? = nil, method: QuantileMethod = .linear) -> Tensor {
    quantile(scalar(part), axis: axis, method: method)
  }

  /// The numbers below which given parts, in [0, 100], of the elements lie; as `quantile`.
  public func percentile(_ parts: Tensor, axis: Int? = nil, method: QuantileMethod = .linear) -> Tensor {
    quantile(parts / 100, axis: axis, method: method)
  }

  /// The number below which a part, in [0, 100], of the elements lies; as `quantile`.
  public func percentile(_ part: Double, axis: Int? = nil, method: QuantileMethod = .linear) -> Tensor {
    quantile(scalar(part) / 100, axis: axis, method: method)
  }

  /// The middle element along an axis (of all without it), or the mean of the middle two; NaN where an element is.
  public func median(axis: Int? = nil) -> Tensor { quantile(0.5, axis: axis) }

  /// Weighted mean over axes (all without an argument).
  ///
  /// - Parameter weights: what stretches to this shape.
  public func average(weights: Tensor, axes: [Int]? = nil, keepDims: Bool = false) -> Tensor {
    let wide = failure == nil ? weights.broadcast(to: shape) : self
    return (self * wide).sum(axes: axes, keepDims: keepDims) / wide.sum(axes: axes, keepDims: keepDims)
  }

  /// Covariances of the rows of a matrix, whose columns are observations; divided by n - `ddof`.
  public func covariance(ddof: Int = 1) -> Tensor {
    failing("covariance") {
      if let failure { throw failure }
      guard rank == 2, shape[1] > ddof else {
        throw TensorError.shape("covariance", "takes a matrix of more than \(ddof) columns, not \(shape)")
      }
      let distance = self - mean(axes: [1], keepDims: true)
      return distance.matmul(distance.conjugate().transpose()) / Double(shape[1] - ddof)
    }
  }

  /// Correlations of the rows of a matrix, whose columns are observations; in [-1, 1].
  public func correlation() -> Tensor {
    failing("correlation") {
      let covariance = covariance()
      if let failure = covariance.failure { throw TensorError.shape("correlation", failure.message) }
      let deviation = covariance.diagonal().real().sqrt().cast(dtype)
      let ratio = covariance / deviation.expandDims(1) / deviation.expandDims(0)
      return dtype.isComplex ? ratio : ratio.clamp(min: -1, max: 1)
    }
  }

  /// How many elements aren't 0 (or false), over axes (all without an argument), as int32.
  public func countNonzero(_ axes: Int...) -> Tensor {
    (dtype == .bool ? self : self .!= 0).cast(.int32).sum(axes: axes.isEmpty ? nil : axes)
  }

  /// The integral along an axis by trapezoids.
  ///
  /// - Parameter spacing: between neighbours.
  public func trapezoid(spacing: Double = 1, axis: Int = -1) -> Tensor {
    failing("trapezoid") {
      let i = try self.axis(axis, "trapezoid").get()
      let n = shape[i]
      guard n > 1 else { return slice(axis: i, from: 0, to: 0).sum(i) }
      return (slice(axis: i, from: 1, to: n) + slice(axis: i, from: 0, to: n - 1)).sum(i) * (spacing / 2)
    }
  }

  /// The integral along the last axis by trapezoids, between places that stretch to this shape.
  public func trapezoid(at places: Tensor) -> Tensor {
    failing("trapezoid") {
      if let failure = failure ?? places.failure { throw failure }
      guard rank > 0, broadcastShape(places.shape, shape) == shape else {
        throw TensorError.shape("trapezoid", "places \(places.shape) don't stretch to \(shape)")
      }
      let n = shape[rank - 1]
      guard n > 1 else { return slice(axis: -1, from: 0, to: 0).sum(-1) }
      let pairs = slice(axis: -1, from: 1, to: n) + slice(axis: -1, from: 0, to: n - 1)
      return (pairs * places.broadcast(to: shape).differences()).sum(-1) / 2
    }
  }

  /// The polynomial of these coefficients (axis 0, highest power first) at places.
  public func polynomial(at x: Tensor) -> Tensor {
    failing("polynomial") {
      if let failure = failure ?? x.failure { throw failure }
      guard rank == 1, dtype == x.dtype else {
        throw TensorError.shape("polynomial", "takes a vector of coefficients of the places' type, not \(type)")
      }
      return (0..<count).reduce(Tensor.zeros(like: x)) { $0 * x + self[$1] }
    }
  }
}

/// Reductions that leave NaN out.
extension Tensor {
  private func withoutNaN(_ value: Double) -> Tensor {
    dtype.isFloating ? select(isNaN(), Tensor.full(like: self, value), self) : self
  }

  /// Sum over axes (all without an argument) of what isn't NaN.
  public func nanSum(_ axes: Int..., keepDims: Bool = false) -> Tensor {
    withoutNaN(0).sum(axes: axes.isEmpty ? nil : axes, keepDims: keepDims)
  }

  /// Mean over axes (all without an argument) of what isn't NaN; NaN where there is nothing.
  public func nanMean(_ axes: Int..., keepDims: Bool = false) -> Tensor {
    let list = axes.isEmpty ? nil : axes
    let sum = withoutNaN(0).sum(axes: list, keepDims: keepDims)
    return sum.failure == nil ? sum / (!isNaN()).cast(dtype).sum(axes: list, keepDims: keepDims) : sum
  }

  /// Greatest element over axes (all without an argument) of what isn't NaN; -infinity where there is nothing.
  public func nanMax(_ axes: Int..., keepDims: Bool = false) -> Tensor {
    withoutNaN(-.infinity).max(axes: axes.isEmpty ? nil : axes, keepDims: keepDims)
  }

  /// Smallest element over axes (all without an argument) of what isn't NaN; infinity where there is nothing.
  public func nanMin(_ axes: Int..., keepDims: Bool = false) -> Tensor {
    withoutNaN(.infinity).min(axes: axes.isEmpty ? nil : axes, keepDims: keepDims)
  }
}
