/// Sizes of a tensor's axes, outermost first. An empty shape is a scalar.
public typealias Shape = [Int]

extension Array where Element == Int {
  /// Number of elements of a tensor of this shape.
  public var elementCount: Int { reduce(1, *) }

  /// The axis counted from the start; `nil` where it is out of range.
  func normalizedAxis(_ axis: Int) -> Int? {
    let positive = axis < 0 ? axis + count : axis
    return positive >= 0 && positive < count ? positive : nil
  }
}

/// Element type and shape of a tensor.
public struct TensorType: Hashable, Sendable, CustomStringConvertible {
  /// Type of the elements.
  public var dtype: DType
  /// Sizes of the axes.
  public var shape: Shape

  public init(_ dtype: DType, _ shape: Shape) {
    self.dtype = dtype
    self.shape = shape
  }

  /// Number of axes.
  public var rank: Int { shape.count }
  /// Number of elements.
  public var count: Int { shape.elementCount }
  /// Bytes in host memory.
  public var byteCount: Int { count * dtype.byteCount }

  /// Spelling in MLIR: `tensor<2x3xf32>`.
  public var mlir: String {
    var text = "tensor<"
    for size in shape { text += "\(size)x" }
    return text + dtype.mlir + ">"
  }

  /// The same shape with other elements.
  public func with(dtype: DType) -> TensorType { TensorType(dtype, shape) }

  /// The same elements in another shape.
  public func with(shape: Shape) -> TensorType { TensorType(dtype, shape) }

  public var description: String { "\(dtype)\(shape)" }
}
