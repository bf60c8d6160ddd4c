import Pinion

/// Multiplication by a sparse symmetric matrix plus a diagonal, as a function of tensors: what Lanczos and LOBPCG take.
///
/// Vertices are put in the order of their number of neighbours and cut into halves, so that rows of a part can share one
/// width with few zeros in it (sliced ELLPACK). A product then gathers one
/// neighbour of each row after the other. Widths are rounded up, so that graphs alike share a compiled program.
struct SparseOperator: Sendable {
  /// Rows with the same number of places.
  private struct Part: Sendable {
    /// Where the neighbours stand in the operator's order, int32 [width, rows].
    let columns: Tensor
    /// float64 [width, rows]; 0 where there is no neighbour.
    let weights: Tensor
    let width: Int
  }

  /// Vertex at each place of the operator's order.
  let order: [Int]
  private let parts: [Part]
  /// float64 [n, 1].
  private let diagonal: Tensor

  /// - Parameter diagonal: added to the matrix, by vertex.
  init(_ matrix: SparseMatrix, diagonal: [Double]) {
    let n = matrix.count
    let widths = (0..<n).map { matrix.starts[$0 + 1] - matrix.starts[$0] }
    order = (0..<n).sorted { (widths[$0], $0) < (widths[$1], $1) }
    var place = [Int32](repeating: 0, count: n)
    for (at, vertex) in order.enumerated() { place[vertex] = Int32(at) }
    var (parts, first, entries): ([Part], Int, Int) = ([], 0, matrix.entryCount)
    let widest = Self.rounded(widths[order[n - 1]])
    while first < n {
      // The last rows have the most neighbours: halving goes on until what is left wastes little.
      let left = n - first
      let rows = left == 1 || left * widest <= entries + entries / 4 + 4_096 ? left : left / 2
      let width = Self.rounded(widths[order[first + rows - 1]])
      var columns = [Int32](repeating: 0, count: rows * width)
      var weights = [Double](repeating: 0, count: rows * width)
      for row in 0..<rows {
        let vertex = order[first + row]
        for (j, entry) in (matrix.starts[vertex]..<matrix.starts[vertex + 1]).enumerated() {
          columns[j * rows + row] = place[Int(matrix.columns[entry])]
          weights[j * rows + row] = matrix.weights[entry]
        }
      }
      parts.append(
        Part(
          columns: Tensor(columns, shape: [width, rows]), weights: Tensor(weights, shape: [width, rows]), width: width))
      entries -= order[first..<first + rows].reduce(0) { $0 + widths[$1] }
      first += rows
    }
    self.parts = parts
    self.diagonal = Tensor(order.map { diagonal[$0] }, shape: [n, 1])
  }

  /// Up to 8, then steps of a quarter of the size.
  private static func rounded(_ width: Int) -> Int {
    guard width > 8 else { return max(width, 1) }
    let step = max(2, (1 << (Int.bitWidth - 1 - width.leadingZeroBitCount)) / 4)
    return (width + step - 1) / step * step
  }

  /// The product with columns [n, b], float64, both in the operator's order.
  ///
  /// - Throws: `TensorError`.
  func callAsFunction(_ x: Tensor) throws -> Tensor {
    let products = try parts.map { part -> Tensor in
      guard part.width <= 256 else { return (x.take(part.columns) * part.weights.expandDims(2)).sum(0) }
      let zero = Tensor.zeros([part.columns.shape[1], x.shape[1]], dtype: .float64)
      return try scan(zero, over: [part.columns, part.weights]) { sum, entry in
        (sum + x.take(entry[0]) * entry[1].expandDims(1), [Tensor]())
      }.carried
    }
    return (products.count == 1 ? products[0] : concatenate(products)) + x * diagonal
  }

  /// Rows [n, b] by vertex, put in the operator's order.
  func arranged(_ rows: [Double], width: Int) -> [Double] {
    var result: [Double] = []
    result.reserveCapacity(rows.count)
    for vertex in order { result += rows[vertex * width..<(vertex + 1) * width] }
    return result
  }

  /// Rows [n, b] in the operator's order, by vertex again.
  func restored(_ rows: [Double], width: Int) -> [Double] {
    var result = [Double](repeating: 0, count: rows.count)
    for (at, vertex) in order.enumerated() {
      for j in 0..<width { result[vertex * width + j] = rows[at * width + j] }
    }
    return result
  }
}
