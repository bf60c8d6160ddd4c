/// Which of equal elements a search comes before.
public enum SearchSide: Sendable {
  /// Before the first of those equal to the value.
  case left
  /// After the last.
  case right
}

/// The distinct elements of a tensor, in a number fixed beforehand.
public struct UniqueElements: Sendable {
  /// In ascending order; where there are fewer, the last ones are filled up.
  public let values: Tensor
  /// Place (int32) in the flattened tensor where each comes first; that of the smallest for those filled up.
  public let indices: Tensor
  /// For each element of the tensor its place (int32) among the distinct ones; the size or more for those without room.
  public let inverse: Tensor
  /// How often each comes (int32); 0 for those filled up.
  public let counts: Tensor
  /// Number of distinct elements (int32 scalar), also where it's greater than the size.
  public let total: Tensor
}

extension Tensor {
  /// For each value the place (int32) where it would have to be put to keep this vector in ascending order.
  ///
  /// The vector must be in ascending order, NaN last; that isn't checked.
  ///
  /// - Parameter side: where equal elements are.
  /// - Returns: the shape of the values.
  public func searchSorted(_ values: Tensor, side: SearchSide = .left) -> Tensor {
    failing("searchSorted") {
      if let failure = failure ?? values.failure { throw failure }
      guard rank == 1 else { throw TensorError.shape("searchSorted", "searches a vector, not \(shape)") }
      guard dtype == values.dtype, !dtype.isComplex else {
        throw TensorError.dtype(
          "searchSorted", "the vector is \(dtype), the values \(values.dtype); both must be of one type with an order")
      }
      func isBefore(_ element: Tensor) -> Tensor {
        let before = side == .left ? element .< values : element .<= values
        guard dtype.isFloating else { return before }
        let last = values.isNaN()
        return before .|| (side == .left ? last .&& !element.isNaN() : last)
      }
      var place = Tensor.zeros(values.shape, dtype: .int32)
      var step = 1
      while step <= count / 2 { step *= 2 }
      while step > 0, count > 0 {
        let next = place + Double(step)
        let fits = next .<= Double(count)
        place = select(fits .&& isBefore(take(minimum(next, Double(count)) - 1)), next, place)
        step /= 2
      }
      return place
    }
  }

  /// The number (int32) of the bin that each element is in: 0 below the first edge, the number of edges from the last on.
  ///
  /// - Parameters:
  ///   - edges: a vector in ascending or descending order.
  ///   - right: whether bins hold their upper edge, and not the lower.
  public func digitize(_ edges: Tensor, right: Bool = false) -> Tensor {
    failing("digitize") {
      if let failure = failure ?? edges.failure { throw failure }
      guard edges.rank == 1 else { throw TensorError.shape("digitize", "edges are a vector, not \(edges.shape)") }
      if edges.count == 0 { return Tensor.zeros(shape, dtype: .int32) }
      let ascending = edges.searchSorted(self, side: right ? .left : .right)
      let descending = Double(edges.count) - edges.reverse([0]).searchSorted(self, side: right ? .left : .right)
      return select(edges[-1] .>= edges[0], ascending, descending)
    }
  }

  /// Whether each element is among the values.
  public func isIn(_ values: Tensor) -> Tensor {
    failing("isIn") {
      if let failure = failure ?? values.failure { throw failure }
      if values.count == 0 { return Tensor.full(shape, 0, dtype: .bool) }
      let sorted = values.reshape([-1]).sorted()
      return sorted.take(minimum(sorted.searchSorted(self), Double(values.count - 1))) .== self
    }
  }

  /// The places of the elements that aren't 0 (or false), in a number fixed beforehand.
  ///
  /// - Parameters:
  ///   - size: how many places; the first in row-major order.
  ///   - fill: the place on each axis that stands for those that are missing.
  /// - Returns: for each axis the places on it, int32 [size].
  public func nonzero(size: Int, fill: Int = 0) -> [Tensor] {
    if failure != nil { return [self] }
    guard size >= 0, rank > 0, count <= Int(Int32.max), let fill = Int32(exactly: fill) else {
      let error = TensorError.value(
        "nonzero", "takes a size, an axis or more and int32 places, got size \(size) and fill \(fill) for \(shape)")
      return Array(repeating: .failed(error), count: Swift.max(rank, 1))
    }
    let mask = (dtype == .bool ? self : self .!= 0).reshape([count])
    let place = mask.cast(.int32).cumulativeSum() - 1
    let target = select(mask, place, Tensor.full(like: place, Double(size)))
    let flat = Tensor.full([size], -1, dtype: .int32).scatterSet(target, Tensor.arange(count))
    var step = count
    return shape.map { extent in
      step /= Swift.max(extent, 1)
      let onAxis = flat / Double(Swift.max(step, 1)) % Double(Swift.max(extent, 1))
      return select(flat .< 0, Tensor.full(like: flat, Double(fill)), onAxis)
    }
  }

  /// The distinct elements in ascending order, in a number fixed beforehand. All NaN count as one.
  ///
  /// - Parameters:
  ///   - size: how many; the smallest where there are more.
  ///   - fill: stands for those that are missing; the smallest element without it.
  public func unique(size: Int, fill: Double? = nil) -> UniqueElements {
    func failed(_ error: TensorError) -> UniqueElements {
      let t = Tensor.failed(error)
      return UniqueElements(values: t, indices: t, inverse: t, counts: t, total: t)
    }
    if let failure { return failed(failure) }
    guard size >= 0, count > 0, count <= Int(Int32.max) else {
      return failed(.value("unique", "takes a size and elements to choose from, got \(size) for \(shape)"))
    }
    let flat = reshape([count])
    let order = flat.argSort()
    let sorted = flat.take(order)
    let (before, after) = (sorted[..<(count - 1)], sorted[1...])
    let isNew = dtype.isComplex ? after .!= before : (after .!= before) .&& !(after.isNaN() .&& before.isNaN())
    let isFirst = concatenate([Tensor.full([1], 1, dtype: .bool), isNew])
    let number = isFirst.cast(.int32).cumulativeSum() - 1
    let place = select(isFirst, number, Tensor.full(like: number, Double(size)))
    let start = fill.map { scalar($0) } ?? sorted[0]
    return UniqueElements(
      values: start.broadcast(to: [size]).scatterSet(place, sorted),
      indices: order[0].broadcast(to: [size]).scatterSet(place, order),
      inverse: Tensor.zeros([count], dtype: .int32).scatterSet(order, number).reshape(shape),
      counts: Tensor.zeros([size], dtype: .int32).scatterAdd(number, Tensor.ones(like: number)),
      total: number[-1] + 1)
  }
}

/// Linear interpolation between the points (xs, ys).
///
/// - Parameters:
///   - x: where; of any shape.
///   - xs: a vector in ascending order, which isn't checked.
///   - ys: values at `xs`.
///   - left: value before the first point; the first of `ys` without it.
///   - right: value after the last point; the last of `ys` without it.
/// - Returns: the shape of `x`.
public func interp(_ x: Tensor, _ xs: Tensor, _ ys: Tensor, left: Double? = nil, right: Double? = nil) -> Tensor {
  failing("interp") {
    for t in [x, xs, ys] { if let failure = t.failure { throw failure } }
    guard xs.rank == 1, xs.shape == ys.shape, xs.count > 0 else {
      throw TensorError.shape("interp", "takes vectors of points, got \(xs.shape) and \(ys.shape)")
    }
    guard x.dtype.isFloating, x.dtype == xs.dtype, x.dtype == ys.dtype else {
      throw TensorError.dtype(
        "interp", "takes floating-point numbers of one type, got \(x.dtype), \(xs.dtype), \(ys.dtype)")
    }
    let (first, last) = (left.map { ys.scalar($0) } ?? ys[0], right.map { ys.scalar($0) } ?? ys[-1])
    var y = ys[0].broadcast(to: x.shape)
    if xs.count > 1 {
      let after = xs.searchSorted(stopGradient(x), side: .right).clamp(min: 1, max: Double(xs.count - 1))
      let (x0, x1, y0, y1) = (xs.take(after - 1), xs.take(after), ys.take(after - 1), ys.take(after))
      let step = x1 - x0
      let isPoint = step .== 0
      y = select(isPoint, y1, y0 + (x - x0) / select(isPoint, Tensor.ones(like: step), step) * (y1 - y0))
    }
    return select(x .< xs[0], first, select(x .> xs[-1], last, y))
  }
}
