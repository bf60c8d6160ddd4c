import Lab

/// A symmetric matrix of similarities in compressed rows: finite, not negative, without a diagonal.
public struct SparseMatrix: Hashable, Sendable {
  /// Rows and columns, n.
  public let count: Int
  /// Where each row begins, n + 1 numbers.
  public let starts: [Int]
  /// Column of each entry, ascending within a row.
  public let columns: [Int32]
  /// Value of each entry, greater than zero.
  public let weights: [Double]

  /// How two directed edges between the same vertices become one of both directions.
  public enum Joining: Sendable {
    /// Their mean, a missing one counting as zero: scikit-learn's (A + Aᵀ)/2, with the edges of the union.
    case mean
    /// Their mean where both are there.
    case mutual
  }

  /// Directed edges joined to a symmetric matrix; loops are left out, edges of weight 0 too.
  ///
  /// Edges that occur twice in the same direction are added.
  ///
  /// - Throws: `UsageError` where an end isn't in 0..<count, or a weight is negative or not finite.
  public init(count: Int, from: [Int32], to: [Int32], weights: [Double], joining: Joining) throws {
    guard count > 0, count < Int(Int32.max), from.count == to.count, from.count == weights.count else {
      throw UsageError("a graph takes vertices and edges with two ends and a weight, got \(count) vertices")
    }
    for edge in from.indices {
      guard (0..<count).contains(Int(from[edge])), (0..<count).contains(Int(to[edge])) else {
        throw UsageError("edge \(edge + 1) joins \(from[edge]) and \(to[edge]), expected 0 to \(count - 1)")
      }
      guard weights[edge] >= 0, weights[edge].isFinite else {
        throw UsageError("edge \(edge + 1) has weight \(weights[edge]), expected a finite number of at least 0")
      }
    }
    // Each edge stands in both rows: its own direction marked by the sign of the column's complement.
    var starts = [Int](repeating: 0, count: count + 1)
    for edge in from.indices where from[edge] != to[edge] && weights[edge] > 0 {
      starts[Int(from[edge]) + 1] += 1
      starts[Int(to[edge]) + 1] += 1
    }
    for row in 0..<count { starts[row + 1] += starts[row] }
    var entries = [Entry](repeating: Entry(column: 0, isReverse: false, weight: 0), count: starts[count])
    var next = starts
    for edge in from.indices where from[edge] != to[edge] && weights[edge] > 0 {
      let (a, b) = (Int(from[edge]), Int(to[edge]))
      entries[next[a]] = Entry(column: to[edge], isReverse: false, weight: weights[edge])
      next[a] += 1
      entries[next[b]] = Entry(column: from[edge], isReverse: true, weight: weights[edge])
      next[b] += 1
    }
    var (columns, values): ([Int32], [Double]) = ([], [])
    columns.reserveCapacity(entries.count)
    values.reserveCapacity(entries.count)
    var rowStarts = [0]
    rowStarts.reserveCapacity(count + 1)
    for row in 0..<count {
      entries[starts[row]..<starts[row + 1]].sort {
        ($0.column, $0.isReverse ? 1 : 0) < ($1.column, $1.isReverse ? 1 : 0)
      }
      var place = starts[row]
      while place < starts[row + 1] {
        let column = entries[place].column
        var (forward, backward) = (0.0, 0.0)
        while place < starts[row + 1], entries[place].column == column {
          if entries[place].isReverse { backward += entries[place].weight } else { forward += entries[place].weight }
          place += 1
        }
        if joining == .mutual, forward == 0 || backward == 0 { continue }
        columns.append(column)
        values.append((forward + backward) / 2)
      }
      rowStarts.append(columns.count)
    }
    self.count = count
    self.starts = rowStarts
    self.columns = columns
    self.weights = values
  }

  private struct Entry {
    var column: Int32
    var isReverse: Bool
    var weight: Double
  }

  /// A matrix of undirected edges, each stated once.
  ///
  /// - Throws: as the other form.
  public init(count: Int, edges: [(Int, Int, Double)]) throws {
    let doubled = edges.map { 2 * $0.2 }
    try self.init(
      count: count, from: edges.map { Int32(truncatingIfNeeded: $0.0) },
      to: edges.map { Int32(truncatingIfNeeded: $0.1) }, weights: doubled, joining: .mean)
  }

  /// Entries, each edge counted in both directions.
  public var entryCount: Int { columns.count }

  /// Sums of the rows.
  public var degrees: [Double] {
    (0..<count).map { row in weights[starts[row]..<starts[row + 1]].reduce(0, +) }
  }

  /// Connected components: the component of each vertex, numbered in the order of their first vertices, and their number.
  public var components: (labels: [Int], count: Int) {
    var labels = [Int](repeating: -1, count: count)
    var found = 0
    var stack: [Int] = []
    for first in 0..<count where labels[first] < 0 {
      labels[first] = found
      stack.append(first)
      while let vertex = stack.popLast() {
        for place in starts[vertex]..<starts[vertex + 1] {
          let other = Int(columns[place])
          if labels[other] < 0 {
            labels[other] = found
            stack.append(other)
          }
        }
      }
      found += 1
    }
    return (labels, found)
  }

  /// All numbers, row-major [n, n].
  public var dense: [Double] {
    var result = [Double](repeating: 0, count: count * count)
    for row in 0..<count {
      for place in starts[row]..<starts[row + 1] { result[row * count + Int(columns[place])] = weights[place] }
    }
    return result
  }

  /// The matrix with entry (i, j) multiplied by both factors.
  func scaled(by factors: [Double]) -> SparseMatrix {
    var scaled = weights
    for row in 0..<count {
      for place in starts[row]..<starts[row + 1] { scaled[place] *= factors[row] * factors[Int(columns[place])] }
    }
    return SparseMatrix(count: count, starts: starts, columns: columns, weights: scaled)
  }

  private init(count: Int, starts: [Int], columns: [Int32], weights: [Double]) {
    (self.count, self.starts, self.columns, self.weights) = (count, starts, columns, weights)
  }
}
