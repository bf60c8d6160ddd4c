import Foundation
import Lab
import Pinion

/// The k nearest other points of each of n points.
public struct Neighbors: Sendable {
  /// Number of neighbours k of a point.
  public let k: Int
  /// Neighbours of point i at places i·k ..< (i + 1)·k, nearest first.
  public let indices: [Int32]
  /// Their squared distances.
  public let squaredDistances: [Double]

  /// How neighbours are found.
  public enum Search: String, CaseIterable, Sendable {
    /// A k-d tree up to 12 dimensions, blocks beyond.
    case auto
    case kdTree = "kd_tree"
    /// All distances, in blocks, by matrix products and the k best of each row.
    case brute
  }

  /// Neighbours of all points; equal distances go by number.
  ///
  /// - Throws: `UsageError` where there are fewer than k other points; `TensorError`.
  public init(_ points: Points, k: Int, search: Search = .auto) throws {
    guard k >= 1, k < points.count else {
      throw UsageError("\(k) neighbours were asked for, but there are \(points.count) points")
    }
    let usesTree = search == .kdTree || search == .auto && points.dimension <= 12
    self = usesTree ? try KDTree(points).neighbors(k) : try Self.exact(points, to: points, k: k, skipsSelf: true)
  }

  /// The k nearest of `points` to each of `queries`.
  ///
  /// - Throws: as the other form, and where dimensions differ.
  public init(of queries: Points, among points: Points, k: Int, search: Search = .auto) throws {
    guard k >= 1, k <= points.count, queries.dimension == points.dimension else {
      throw UsageError(
        "\(k) neighbours of points with \(queries.dimension) coordinates among \(points.count) with \(points.dimension)"
      )
    }
    let usesTree = search == .kdTree || search == .auto && points.dimension <= 12
    self =
      usesTree
      ? try KDTree(points).neighbors(k, of: queries)
      : try Self.exact(queries, to: points, k: k, skipsSelf: false)
  }

  init(k: Int, indices: [Int32], squaredDistances: [Double]) {
    (self.k, self.indices, self.squaredDistances) = (k, indices, squaredDistances)
  }

  // MARK: Blocks

  /// Candidates come from float32 products, a few more than wanted; the choice among them is made in float64.
  private static func exact(_ queries: Points, to points: Points, k: Int, skipsSelf: Bool) throws -> Neighbors {
    let (n, d) = (points.count, points.dimension)
    let candidates = min(n, k + (skipsSelf ? 1 : 0) + 8)
    // Far from the origin the products would cancel.
    let centre = points.mean
    let all = Tensor(points.shifted(by: centre).map(Float.init), shape: [n, d])
    let norms = (all * all).sum(1)
    let rows = min(queries.count, max(1, (1 << 25) / n))
    let best = jit { (block: Tensor, all: Tensor, norms: Tensor) -> Tensor in
      (2 * block.matmul(all.matrixTranspose()) - norms).topK(candidates).indices
    }
    let shifted = queries.shifted(by: centre).map(Float.init)
    var (indices, distances): ([Int32], [Double]) = ([], [])
    indices.reserveCapacity(queries.count * k)
    distances.reserveCapacity(queries.count * k)
    for first in stride(from: 0, to: queries.count, by: rows) {
      let count = min(rows, queries.count - first)
      var block = Array(shifted[first * d..<(first + count) * d])
      block += Array(repeating: 0, count: (rows - count) * d)
      let found = try best(Tensor(block, shape: [rows, d]), all, norms).array(of: Int32.self)
      for row in 0..<count {
        let query = first + row
        var mine: [(distance: Double, index: Int32)] = []
        for index in found[row * candidates..<(row + 1) * candidates] where !(skipsSelf && Int(index) == query) {
          mine.append((queries.squaredDistance(query, to: points, Int(index)), index))
        }
        mine.sort { ($0.distance, $0.index) < ($1.distance, $1.index) }
        for one in mine.prefix(k) {
          indices.append(one.index)
          distances.append(one.distance)
        }
      }
    }
    return Neighbors(k: k, indices: indices, squaredDistances: distances)
  }
}

/// Points in host memory, row-major, all coordinates finite.
public struct Points: Hashable, Sendable {
  /// Coordinates [n, d].
  public let values: [Double]
  /// Number of points n.
  public let count: Int
  /// Number of coordinates d.
  public let dimension: Int

  /// - Throws: `UsageError` where there are no points, counts disagree, or a coordinate isn't finite.
  public init(_ values: [Double], dimension: Int) throws {
    guard dimension > 0, !values.isEmpty, values.count % dimension == 0 else {
      throw UsageError("\(values.count) numbers aren't points of \(dimension) coordinates")
    }
    // Squares of greater ones wouldn't be finite.
    if let wrong = values.firstIndex(where: { !(abs($0) < 1e100) }) {
      throw UsageError(
        "point \(wrong / dimension + 1), coordinate \(wrong % dimension + 1) is \(values[wrong]), expected a number "
          + "within ±1e100")
    }
    self.values = values
    self.dimension = dimension
    count = values.count / dimension
  }

  /// The points of a table.
  ///
  /// - Throws: as the other form.
  public init(_ table: LabelledTable) throws { try self.init(table.values, dimension: table.dimension) }

  /// Coordinates, float64 [n, d].
  public var tensor: Tensor { Tensor(values, shape: [count, dimension]) }

  /// A point's coordinates.
  public subscript(_ point: Int) -> ArraySlice<Double> { values[point * dimension..<(point + 1) * dimension] }

  /// Mean of each coordinate.
  var mean: [Double] {
    var sums = [Double](repeating: 0, count: dimension)
    for (place, value) in values.enumerated() { sums[place % dimension] += value }
    return sums.map { $0 / Double(count) }
  }

  func shifted(by centre: [Double]) -> [Double] {
    values.enumerated().map { $1 - centre[$0 % dimension] }
  }

  func squaredDistance(_ point: Int, to others: Points, _ other: Int) -> Double {
    var sum = 0.0
    for j in 0..<dimension {
      let difference = values[point * dimension + j] - others.values[other * dimension + j]
      sum += difference * difference
    }
    return sum
  }

  /// The points at some places.
  func subset(_ places: [Int]) throws -> Points {
    try Points(places.flatMap { self[$0] }, dimension: dimension)
  }

  /// Each point scaled to length 1; the origin stays.
  func normalized() throws -> Points {
    var result = values
    for point in 0..<count {
      let norm = self[point].reduce(0) { $0 + $1 * $1 }.squareRoot()
      if norm > 0 { for j in 0..<dimension { result[point * dimension + j] /= norm } }
    }
    return try Points(result, dimension: dimension)
  }
}
