import Foundation
import Lab
import Pinion

/// How well a division agrees with another, and how well it divides.
public enum ClusterMetrics {
  /// Counts of points by cluster in both divisions, and their sums.
  private struct Contingency {
    var cells: [Double]
    var rows: [Double]
    var columns: [Double]
    let total: Double

    init(_ a: [Int], _ b: [Int]) {
      func ranks(_ labels: [Int]) -> ([Int], Int) {
        let names = Set(labels).sorted()
        let places = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
        return (labels.map { places[$0] ?? 0 }, names.count)
      }
      let ((x, p), (y, q)) = (ranks(a), ranks(b))
      cells = [Double](repeating: 0, count: p * q)
      rows = [Double](repeating: 0, count: p)
      columns = [Double](repeating: 0, count: q)
      for (i, j) in zip(x, y) {
        cells[i * q + j] += 1
        rows[i] += 1
        columns[j] += 1
      }
      total = Double(min(a.count, b.count))
    }
  }

  /// Adjusted Rand index (Hubert, Arabie 1985): 1 for equal divisions, about 0 for random ones.
  public static func adjustedRandIndex(_ a: [Int], _ b: [Int]) -> Double {
    let table = Contingency(a, b)
    func pairs(_ counts: [Double]) -> Double { counts.reduce(0) { $0 + $1 * ($1 - 1) / 2 } }
    let (together, first, second) = (pairs(table.cells), pairs(table.rows), pairs(table.columns))
    let all = table.total * (table.total - 1) / 2
    guard all > 0 else { return 1 }
    let expected = first * second / all
    let most = (first + second) / 2
    return most == expected ? 1 : (together - expected) / (most - expected)
  }

  /// Normalised mutual information, by the mean of both entropies.
  public static func normalizedMutualInformation(_ a: [Int], _ b: [Int]) -> Double {
    let table = Contingency(a, b)
    let n = table.total
    func entropy(_ counts: [Double]) -> Double { counts.reduce(0) { $1 > 0 ? $0 - $1 / n * log($1 / n) : $0 } }
    let (first, second) = (entropy(table.rows), entropy(table.columns))
    guard first + second > 0 else { return 1 }
    let shared = first + second - entropy(table.cells)
    return max(0, min(1, shared / ((first + second) / 2)))
  }

  /// Share of points in the right cluster under the best naming of the clusters (Hungarian method).
  public static func accuracy(_ labels: [Int], truth: [Int]) -> Double {
    guard !labels.isEmpty, labels.count == truth.count else { return .nan }
    let table = Contingency(labels, truth)
    let size = max(table.rows.count, table.columns.count)
    var cost = [Double](repeating: 0, count: size * size)
    for i in table.rows.indices {
      for j in table.columns.indices { cost[i * size + j] = -table.cells[i * table.columns.count + j] }
    }
    let matching = assignment(cost, size: size)
    return -matching.enumerated().reduce(0) { $0 + cost[$1.offset * size + $1.element] } / table.total
  }

  /// The column of each row in an assignment of least cost (Kuhn 1955, with potentials; Jonker, Volgenant 1987).
  ///
  /// - Parameter cost: row-major [size, size].
  static func assignment(_ cost: [Double], size n: Int) -> [Int] {
    guard n > 0 else { return [] }
    // Rows and columns count from 1; column 0 stands for the row being placed.
    var rowPotential = [Double](repeating: 0, count: n + 1)
    var columnPotential = rowPotential
    var rowOf = [Int](repeating: 0, count: n + 1)
    for row in 1...n {
      var least = [Double](repeating: .infinity, count: n + 1)
      var from = [Int](repeating: 0, count: n + 1)
      var used = [Bool](repeating: false, count: n + 1)
      rowOf[0] = row
      var column = 0
      repeat {
        used[column] = true
        let current = rowOf[column]
        var (delta, next) = (Double.infinity, 0)
        for j in 1...n where !used[j] {
          let reduced = cost[(current - 1) * n + j - 1] - rowPotential[current] - columnPotential[j]
          if reduced < least[j] { (least[j], from[j]) = (reduced, column) }
          if least[j] < delta { (delta, next) = (least[j], j) }
        }
        for j in 0...n {
          if used[j] {
            rowPotential[rowOf[j]] += delta
            columnPotential[j] -= delta
          } else {
            least[j] -= delta
          }
        }
        column = next
      } while rowOf[column] != 0
      while column != 0 {
        rowOf[column] = rowOf[from[column]]
        column = from[column]
      }
    }
    var result = [Int](repeating: 0, count: n)
    for column in 1...n { result[rowOf[column] - 1] = column - 1 }
    return result
  }

  /// Mean silhouette (Rousseeuw 1987) by Euclidean distances, of at most 4,000 points taken evenly; 0 of a single cluster.
  ///
  /// - Throws: `TensorError`, `PJRTError`.
  public static func silhouette(_ points: Points, _ labels: [Int]) throws -> Double {
    let step = (points.count + 3_999) / 4_000
    let places = Array(stride(from: 0, to: points.count, by: step))
    let chosen = try points.subset(places)
    let mine = places.map { labels[$0] }
    let names = Set(mine).sorted()
    guard names.count > 1, mine.count > names.count else { return 0 }
    let numbers = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
    let (n, k) = (mine.count, names.count)
    let x = chosen.tensor
    let distances = SimilarityGraph.squaredDistances(x, x).sqrt() * (1 - Tensor.eye(n, dtype: .float64))
    let members = oneHot(Tensor(mine.map { Int32(numbers[$0] ?? 0) }), classes: k, dtype: .float64)
    let sums = try distances.matmul(members).array(of: Double.self)
    var sizes = [Double](repeating: 0, count: k)
    for label in mine { sizes[numbers[label] ?? 0] += 1 }
    var total = 0.0
    for i in 0..<n {
      let own = numbers[mine[i]] ?? 0
      guard sizes[own] > 1 else { continue }
      let inside = sums[i * k + own] / (sizes[own] - 1)
      let outside = (0..<k).filter { $0 != own }.map { sums[i * k + $0] / sizes[$0] }.min() ?? 0
      if max(inside, outside) > 0 { total += (outside - inside) / max(inside, outside) }
    }
    return total / Double(n)
  }
}
