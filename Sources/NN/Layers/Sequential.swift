import Pinion

/// A module from one tensor to one tensor, the same in training and use.
public protocol Layer: Module {
  /// Applies the layer.
  func callAsFunction(_ x: Tensor) -> Tensor
}

/// Layers one after the other: `Sequential(Dense(784, 128, key: a), Activation.relu, Dense(128, 10, key: b))`.
///
/// Layers that take randomness (`Dropout`) or change themselves (`BatchNorm`) don't fit; write a struct for those.
public struct Sequential: Layer {
  /// The layers, in order.
  public var layers: [any Layer]

  public init(_ layers: any Layer...) { self.layers = layers }

  public init(_ layers: [any Layer]) { self.layers = layers }

  public func callAsFunction(_ x: Tensor) -> Tensor { layers.reduce(x) { $1($0) } }

  public mutating func visit(_ visitor: TreeVisitor) throws {
    func visited<L: Layer>(_ layer: L, _ i: Int) throws -> any Layer {
      var layer = layer
      // Which layers there are belongs to the signature.
      visitor.constant(ObjectIdentifier(L.self))
      try visitor.child("layers.\(i)", &layer)
      return layer
    }
    visitor.constant(layers.count)
    for i in layers.indices { layers[i] = try visited(layers[i], i) }
  }
}
