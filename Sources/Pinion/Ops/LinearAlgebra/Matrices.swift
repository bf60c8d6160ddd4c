/// Parts of matrices that lie in the last two axes.
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

  /// Elements on and below a diagonal of the matrices in the last two axes; zeros above.
  ///
  /// - Parameter diagonal: 0 for the main one, 1 for the one above it, …
  public func lowerTriangle(diagonal: Int = 0) -> Tensor {
    onMatrix("lowerTriangle") { $0.triangle { rows, columns in columns .<= rows + Double(diagonal) } }
  }

  /// Elements on and above a diagonal of the matrices in the last two axes; zeros below.
  ///
  /// - Parameter diagonal: 0 for the main one, 1 for the one above it, …
  public func upperTriangle(diagonal: Int = 0) -> Tensor {
    onMatrix("upperTriangle") { $0.triangle { rows, columns in columns .>= rows + Double(diagonal) } }
  }

  private func triangle(_ keeps: (_ rows: Tensor, _ columns: Tensor) -> Tensor) -> Tensor {
    let sizes = Array(shape.suffix(2))
    return select(
      keeps(Tensor.iota(sizes, axis: 0), Tensor.iota(sizes, axis: 1)), self, Tensor.zeros(like: self))
  }

  /// Main diagonal of the matrices in the last two axes: `[…, m, n]` to `[…, min(m, n)]`.
  public func diagonal() -> Tensor {
    onMatrix("diagonal") { x in
      let k = Swift.min(x.type.rows, x.type.columns)
      let square = x.slice(axis: -2, from: 0, to: k).slice(axis: -1, from: 0, to: k)
      return select(Tensor.eye(k, dtype: .bool), square, Tensor.zeros(like: square)).sum(axes: [-1])
    }
  }

  /// Sum of the main diagonal of the matrices in the last two axes.
  public func trace() -> Tensor {
    onMatrix("trace") { $0.diagonal().sum(axes: [-1]) }
  }

  /// Square matrices with the vectors of the last axis on their diagonals: `[…, n]` to `[…, n, n]`.
  public func diagonalMatrix() -> Tensor {
    if failure != nil { return self }
    guard let n = shape.last else {
      return .failed(.shape("diagonalMatrix", "takes vectors in the last axis, got a scalar"))
    }
    return select(
      Tensor.eye(n, dtype: .bool), expandDims(-1), Tensor.zeros(shape + [n], dtype: dtype))
  }
}

extension DType {
  /// Distance from 1 to the next number of the real type.
  var epsilon: Double { realType == .float64 ? Double.ulpOfOne : Double(Float.ulpOfOne) }
}
