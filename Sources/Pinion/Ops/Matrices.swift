/// Matrices by their places: diagonals, triangles, products of vectors. Leading axes are batches.
extension Tensor {
  /// Applies `body` to a stack of matrices; other tensors fail.
  func onMatrix(_ operation: String, _ body: (Tensor) -> Tensor) -> Tensor {
    if failure != nil { return self }
    guard rank >= 2 else {
      return .failed(.shape(operation, "takes matrices in the last two axes, got \(type)"))
    }
    return body(self)
  }

  /// Rows for columns in the last two axes.
  public func matrixTranspose() -> Tensor { onMatrix("matrixTranspose") { $0.swapAxes(-1, -2) } }

  /// The conjugate transpose in the last two axes.
  public func adjoint() -> Tensor { onMatrix("adjoint") { $0.conjugate().swapAxes(-1, -2) } }

  private func matrixSizes(_ operation: String) throws -> (rows: Int, columns: Int) {
    if let failure { throw failure }
    guard rank >= 2 else { throw TensorError.shape(operation, "takes matrices (two axes or more), not \(shape)") }
    return (shape[rank - 2], shape[rank - 1])
  }

  /// The diagonals of matrices in the last two axes, as last axis.
  ///
  /// - Parameter offset: above the main diagonal; negative below.
  public func diagonal(offset: Int = 0) -> Tensor {
    failing("diagonal") {
      let (rows, columns) = try matrixSizes("diagonal")
      let lead = Array(shape.dropLast(2))
      guard offset > -Swift.max(rows, 1), offset < Swift.max(columns, 1), rows > 0, columns > 0 else {
        return Tensor.zeros(lead + [0], dtype: dtype)
      }
      let length = Swift.min(rows - Swift.max(0, -offset), columns - Swift.max(0, offset))
      let start = offset >= 0 ? offset : -offset * columns
      let end = start + (length - 1) * (columns + 1) + 1
      return reshape(lead + [rows * columns]).slice(axis: -1, from: start, to: end, step: columns + 1)
    }
  }

  /// Square matrices with the vectors in the last axis on a diagonal, zeros elsewhere.
  ///
  /// - Parameter offset: above the main diagonal; negative below.
  public func diagonalMatrix(offset: Int = 0) -> Tensor {
    failing("diagonalMatrix") {
      if let failure { throw failure }
      guard let n = shape.last, offset.magnitude <= 1 << 31 else {
        throw TensorError.shape("diagonalMatrix", "takes vectors and an offset, got \(shape) and \(offset)")
      }
      let size = n + Int(offset.magnitude)
      let lead = Array(shape.dropLast())
      if n == 0 { return Tensor.zeros(lead + [size, size], dtype: dtype) }
      let start = offset >= 0 ? offset : -offset * size
      let none = lead.map { _ in 0 }
      let rest = size * size - start - n - (n - 1) * size
      return pad(low: none + [start], high: none + [rest], interior: none + [size]).reshape(lead + [size, size])
    }
  }

  /// Sums of the diagonals of matrices in the last two axes.
  ///
  /// - Parameter offset: above the main diagonal; negative below.
  public func trace(offset: Int = 0) -> Tensor { diagonal(offset: offset).sum(-1) }

  private func triangle(_ operation: String, _ keeps: (Tensor, Tensor) -> Tensor) -> Tensor {
    failing(operation) {
      let (rows, columns) = try matrixSizes(operation)
      let row = Tensor.iota([rows, columns], axis: 0, dtype: .int64)
      let column = Tensor.iota([rows, columns], axis: 1, dtype: .int64)
      return select(keeps(row, column), self, Tensor.zeros(like: self))
    }
  }

  /// Matrices (last two axes) with zeros above a diagonal.
  public func lowerTriangle(offset: Int = 0) -> Tensor {
    triangle("lowerTriangle") { $1 - $0 .<= Double(offset) }
  }

  /// Matrices (last two axes) with zeros below a diagonal.
  public func upperTriangle(offset: Int = 0) -> Tensor {
    triangle("upperTriangle") { $1 - $0 .>= Double(offset) }
  }

  /// The vector product of 3-vectors along an axis.
  public func cross(_ other: Tensor, axis: Int = -1) -> Tensor {
    failing("cross") {
      let i = try self.axis(axis, "cross").get()
      let j = try other.axis(axis, "cross").get()
      guard shape[i] == 3, other.shape[j] == 3 else {
        throw TensorError.shape("cross", "axis \(axis) of \(shape) and \(other.shape) must have 3 elements")
      }
      let (a, b) = (moveAxis(from: i, to: -1), other.moveAxis(from: j, to: -1))
      func turned(_ t: Tensor, _ steps: Int) -> Tensor { t.roll(-steps, axis: -1) }
      let product = turned(a, 1) * turned(b, 2) - turned(a, 2) * turned(b, 1)
      if product.failure != nil { return product }
      return product.moveAxis(from: -1, to: axis < 0 ? axis : i)
    }
  }

  /// Order rotated along an axis: what leaves at the end comes in at the start; negative shifts turn back.
  public func roll(_ shift: Int, axis: Int) -> Tensor {
    failing("roll") {
      let i = try self.axis(axis, "roll").get()
      let n = shape[i]
      guard n > 0 else { return self }
      let step = ((shift % n) + n) % n
      if step == 0 { return self }
      return concatenate([slice(axis: i, from: n - step, to: n), slice(axis: i, from: 0, to: n - step)], axis: i)
    }
  }

  /// Turned by a quarter from the first of two axes towards the second, some times over.
  public func rotated90(_ times: Int = 1, axes: (Int, Int) = (0, 1)) -> Tensor {
    failing("rotated90") {
      let (i, j) = (try axis(axes.0, "rotated90").get(), try axis(axes.1, "rotated90").get())
      guard i != j else { throw TensorError.value("rotated90", "the axes are one: \(axes)") }
      switch ((times % 4) + 4) % 4 {
      case 1: return reverse([j]).swapAxes(i, j)
      case 2: return reverse([i, j])
      case 3: return swapAxes(i, j).reverse([j])
      default: return self
      }
    }
  }

  /// Differences of neighbours along an axis, some times over.
  public func differences(_ times: Int = 1, axis: Int = -1) -> Tensor {
    failing("differences") {
      let i = try self.axis(axis, "differences").get()
      guard times >= 0, dtype != .bool else {
        throw TensorError.value("differences", "takes numbers, some times over, got \(dtype) and \(times)")
      }
      return (0..<Swift.min(times, shape[i])).reduce(self) { x, _ in
        let n = x.shape[i]
        return x.slice(axis: i, from: 1, to: n) - x.slice(axis: i, from: 0, to: n - 1)
      }
    }
  }

  /// Cut into `count` equal parts along an axis.
  public func split(_ count: Int, axis: Int = 0) -> [Tensor] {
    guard let i = shape.normalizedAxis(axis), count > 0, shape[i] % count == 0 else {
      let error = TensorError.shape("split", "axis \(axis) of \(shape) doesn't divide into \(count) parts")
      return Array(repeating: .failed(failure ?? error), count: Swift.min(Swift.max(count, 1), 1 << 16))
    }
    return split(Array(repeating: shape[i] / count, count: count), axis: i)
  }

  /// Cut into parts of the given sizes along an axis.
  public func split(_ sizes: [Int], axis: Int = 0) -> [Tensor] {
    if sizes.isEmpty { return [] }
    switch self.axis(axis, "split") {
    case .failure(let error): return sizes.map { _ in .failed(error) }
    case .success(let i): return Tensor.apply(Split(axis: i, sizes: sizes), [self], resultCount: sizes.count)
    }
  }
}

/// Products of each element of one tensor with each of another, both flattened: [a.count, b.count].
public func outer(_ a: Tensor, _ b: Tensor) -> Tensor { a.reshape([-1, 1]) * b.reshape([1, -1]) }

/// The Kronecker product: each element of `a` in the place of its product with all of `b`.
public func kron(_ a: Tensor, _ b: Tensor) -> Tensor {
  failing("kron") {
    if let failure = a.failure ?? b.failure { throw failure }
    let rank = max(a.rank, b.rank)
    let x = Array(repeating: 1, count: rank - a.rank) + a.shape
    let y = Array(repeating: 1, count: rank - b.rank) + b.shape
    let product = a.reshape(x.flatMap { [$0, 1] }) * b.reshape(y.flatMap { [1, $0] })
    return product.reshape(zip(x, y).map { $0 * $1 })
  }
}

/// The order of the axes of a grid.
public enum GridIndexing: Sendable {
  /// As given: rows by the first vector.
  case ij
  /// The first two exchanged: columns by the first vector.
  case xy
}

/// Coordinates of the grid of some vectors: for each vector a tensor of all of the grid's shape.
public func meshgrid(_ vectors: [Tensor], indexing: GridIndexing = .xy) -> [Tensor] {
  let bad = vectors.first { $0.failure != nil || $0.rank > 1 }
  if let bad {
    let error = bad.failure ?? .shape("meshgrid", "takes vectors, not \(bad.shape)")
    return Array(repeating: .failed(error), count: vectors.count)
  }
  var places = Array(vectors.indices)
  if indexing == .xy, places.count >= 2 { places.swapAt(0, 1) }
  var shape = vectors.map(\.count)
  for (i, place) in places.enumerated() { shape[place] = vectors[i].count }
  return zip(vectors, places).map { vector, place in
    vector.reshape(shape.indices.map { $0 == place ? vector.count : 1 }).broadcast(to: shape)
  }
}
