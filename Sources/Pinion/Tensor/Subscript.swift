/// What a subscript takes of one axis.
public enum TensorIndex: Sendable {
  /// One place; the axis goes. Negative places count from the end.
  case at(Int)
  /// A range with a step; bounds may be negative or missing. A negative step walks back from the first bound.
  case range(Int?, Int?, step: Int)
  /// The whole axis.
  case all
  /// As many whole axes as are left.
  case ellipsis
  /// A new axis of size 1.
  case newAxis
  /// The places that integers name, or where booleans are true (of as many axes as they have).
  case tensor(Tensor)
}

/// Things that can stand in a tensor's subscript: integers, ranges, tensors, `.all`, `.ellipsis`, `.newAxis`, `.by(step)`.
public protocol TensorSubscript {
  /// What it takes of its axis.
  var tensorIndex: TensorIndex { get }
}

/// The subscripts that aren't numbers: `.all`, `.ellipsis`, `.newAxis`, `.by(step)`.
public struct AxisSubscript: TensorSubscript {
  public let tensorIndex: TensorIndex
}

/// The end of a range that holds its last place; -1 is the last of the axis.
private func end(through last: Int) -> Int? { last == -1 ? nil : last &+ 1 }

extension Int: TensorSubscript { public var tensorIndex: TensorIndex { .at(self) } }
extension Range<Int>: TensorSubscript {
  public var tensorIndex: TensorIndex { .range(lowerBound, upperBound, step: 1) }
}
extension ClosedRange<Int>: TensorSubscript {
  public var tensorIndex: TensorIndex { .range(lowerBound, end(through: upperBound), step: 1) }
}
extension PartialRangeFrom<Int>: TensorSubscript {
  public var tensorIndex: TensorIndex { .range(lowerBound, nil, step: 1) }
}
extension PartialRangeUpTo<Int>: TensorSubscript {
  public var tensorIndex: TensorIndex { .range(nil, upperBound, step: 1) }
}
extension PartialRangeThrough<Int>: TensorSubscript {
  public var tensorIndex: TensorIndex { .range(nil, end(through: upperBound), step: 1) }
}
extension Tensor: TensorSubscript { public var tensorIndex: TensorIndex { .tensor(self) } }
extension [Int]: TensorSubscript {
  public var tensorIndex: TensorIndex { .tensor(Tensor(map(Int64.init))) }
}
extension TensorSubscript where Self == AxisSubscript {
  /// The whole axis.
  public static var all: AxisSubscript { AxisSubscript(tensorIndex: .all) }
  /// As many whole axes as are left.
  public static var ellipsis: AxisSubscript { AxisSubscript(tensorIndex: .ellipsis) }
  /// A new axis of size 1.
  public static var newAxis: AxisSubscript { AxisSubscript(tensorIndex: .newAxis) }
  /// Every `step`-th element from `start` to before `end`; bounds may be negative or missing. A negative step walks back:
  /// `.by(-1)` reverses the axis.
  public static func by(_ step: Int, from start: Int? = nil, to end: Int? = nil) -> AxisSubscript {
    AxisSubscript(tensorIndex: .range(start, end, step: step))
  }
}

extension Tensor {
  /// Part of the tensor: `x[0, 2..., .ellipsis, .newAxis]`, `x[rows, columns]`, `x[mask]`, by NumPy's rules.
  ///
  /// Numbers and ranges must lie inside of their axis. Places that tensors name count from the end where negative, and
  /// read the edge where outside. Tensors stretch to one shape, which takes the place of the axes that they index; where
  /// a range stands between them it comes first. A boolean tensor is computed at once, since the shape depends on it; in
  /// traced functions use `select` or `nonzero(size:)`.
  public subscript<each S: TensorSubscript>(_ indices: repeat each S) -> Tensor {
    var list: [TensorIndex] = []
    for index in repeat each indices { list.append(index.tensorIndex) }
    return failing("subscript") {
      if let failure { throw failure }
      return try ResolvedSubscript("subscript", list, shape).read(self)
    }
  }
}
