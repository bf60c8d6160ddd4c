/// What a subscript takes of one axis.
public enum TensorIndex: Sendable {
  /// One place; the axis goes. Negative places count from the end.
  case at(Int)
  /// A range with a step; bounds may be negative or missing.
  case range(Int?, Int?, step: Int)
  /// The whole axis.
  case all
  /// As many whole axes as are left.
  case ellipsis
  /// A new axis of size 1.
  case newAxis
}

/// Things that can stand in a tensor's subscript: integers, ranges, `.all`, `.ellipsis`, `.newAxis`.
public protocol TensorSubscript {
  /// What it takes of its axis.
  var tensorIndex: TensorIndex { get }
}

/// The subscripts that aren't numbers: `.all`, `.ellipsis`, `.newAxis`, `.by(step)`.
public struct AxisSubscript: TensorSubscript {
  public let tensorIndex: TensorIndex
}

extension Int: TensorSubscript { public var tensorIndex: TensorIndex { .at(self) } }
extension Range<Int>: TensorSubscript {
  public var tensorIndex: TensorIndex { .range(lowerBound, upperBound, step: 1) }
}
extension ClosedRange<Int>: TensorSubscript {
  public var tensorIndex: TensorIndex { .range(lowerBound, upperBound + 1, step: 1) }
}
extension PartialRangeFrom<Int>: TensorSubscript {
  public var tensorIndex: TensorIndex { .range(lowerBound, nil, step: 1) }
}
extension PartialRangeUpTo<Int>: TensorSubscript {
  public var tensorIndex: TensorIndex { .range(nil, upperBound, step: 1) }
}
extension PartialRangeThrough<Int>: TensorSubscript {
  public var tensorIndex: TensorIndex { .range(nil, upperBound + 1, step: 1) }
}
extension TensorSubscript where Self == AxisSubscript {
  /// The whole axis.
  public static var all: AxisSubscript { AxisSubscript(tensorIndex: .all) }
  /// As many whole axes as are left.
  public static var ellipsis: AxisSubscript { AxisSubscript(tensorIndex: .ellipsis) }
  /// A new axis of size 1.
  public static var newAxis: AxisSubscript { AxisSubscript(tensorIndex: .newAxis) }
  /// Every `step`-th element from `start` to `end`; bounds may be negative or missing.
  public static func by(_ step: Int, from start: Int? = nil, to end: Int? = nil) -> AxisSubscript {
    AxisSubscript(tensorIndex: .range(start, end, step: step))
  }
}

extension Tensor {
  /// Part of the tensor: `x[0, 2..., .ellipsis, .newAxis]`, by NumPy's rules for integers and ranges.
  public subscript<each S: TensorSubscript>(_ indices: repeat each S) -> Tensor {
    var list: [TensorIndex] = []
    for index in repeat each indices { list.append(index.tensorIndex) }
    return taking(list)
  }

  private func taking(_ indices: [TensorIndex]) -> Tensor {
    if failure != nil { return self }
    var (used, ellipses) = (0, 0)
    for index in indices {
      switch index {
      case .ellipsis: ellipses += 1
      case .newAxis: break
      default: used += 1
      }
    }
    guard used <= rank, ellipses <= 1 else {
      return .failed(.value("subscript", "\(used) indices for the \(rank) axes of \(shape)"))
    }
    var (starts, limits, strides, result) = ([Int](), [Int](), [Int](), [Int]())
    func whole(_ n: Int) {
      for _ in 0..<n {
        let size = shape[starts.count]
        starts.append(0)
        limits.append(size)
        strides.append(1)
        result.append(size)
      }
    }
    for index in indices {
      let axis = starts.count
      switch index {
      case .newAxis: result.append(1)
      case .ellipsis: whole(rank - used)
      case .all: whole(1)
      case .at(let place):
        let i = place < 0 ? place + shape[axis] : place
        guard i >= 0, i < shape[axis] else {
          return .failed(.value("subscript", "index \(place) is out of axis \(axis) of \(shape)"))
        }
        starts.append(i)
        limits.append(i + 1)
        strides.append(1)
      case .range(let from, let to, let step):
        let size = shape[axis]
        let low = from.map { $0 < 0 ? $0 + size : $0 } ?? 0
        let high = to.map { $0 < 0 ? $0 + size : $0 } ?? size
        guard step > 0, low >= 0, low <= high, high <= size else {
          return .failed(
            .value("subscript", "range \(low)..<\(high) step \(step) isn't inside axis \(axis) of \(shape)"))
        }
        starts.append(low)
        limits.append(high)
        strides.append(step)
        result.append((high - low + step - 1) / step)
      }
    }
    whole(rank - starts.count)
    let part =
      starts.allSatisfy({ $0 == 0 }) && limits == shape && strides.allSatisfy({ $0 == 1 })
      ? self : Tensor.apply1(Slice(starts: starts, limits: limits, strides: strides), [self])
    return part.reshape(result)
  }
}
