/// An operation on tensors: a small value of its attributes, with all that is known of it in one place.
///
/// Conform to add your own; `Tensor.apply` builds a node of it.
public protocol Primitive: Hashable, Sendable {
  /// Name in messages, as the user spells the operation.
  var name: String { get }

  /// The shape rule.
  ///
  /// - Throws: `TensorError` where operands don't fit.
  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType]

  /// Cotangents of the inputs, from those of the results, in ordinary tensor code; `nil` for none.
  ///
  /// - Throws: `TensorError` of kind `unsupported` where there is no derivative.
  func vjp(_ context: VJPContext) throws -> [Tensor?]

  /// The operation on a batch of examples, in ordinary tensor code.
  ///
  /// - Parameters:
  ///   - inputs: operands, some with one axis more than the operation takes.
  ///   - axes: where the examples of each operand lie; `nil` for an operand that all examples share. At least one isn't.
  ///   - size: number of examples.
  /// - Returns: results, and where their examples lie; `nil` for a result that all examples share.
  /// - Throws: `TensorError` of kind `unsupported` where there is no such rule.
  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?])

  /// Prints the operation as StableHLO.
  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue]

  /// Multiplications that the operation adds up: contractions and convolutions have them, others count none.
  func multiplyAdds(_ inputs: [TensorType]) -> Int
}

extension Primitive {
  public func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    throw TensorError(.unsupported, name, "has no rule for batches of examples, so vmap can't go through it")
  }

  public func multiplyAdds(_ inputs: [TensorType]) -> Int { 0 }

  public var name: String {
    let type = "\(Self.self)"
    return type.prefix(1).lowercased() + type.dropFirst()
  }

  /// Equality of existentials, for the structural cache.
  func isEqual(to other: any Primitive) -> Bool {
    guard let other = other as? Self else { return false }
    return self == other
  }
}

/// What a derivative rule may look at.
public struct VJPContext {
  /// Operands of the operation.
  public let inputs: [Tensor]
  /// Its results.
  public let outputs: [Tensor]
  /// Cotangents of the results; `nil` where a result doesn't count.
  public let cotangents: [Tensor?]
  /// Which inputs need a cotangent. Others may be given, and are ignored.
  public let needs: [Bool]

  /// Cotangent of the first result; zeros where it doesn't count.
  public var cotangent: Tensor { cotangents[0] ?? Tensor.zeros(like: outputs[0]) }
}

/// A tensor that could not be made.
struct Failure: Primitive {
  let error: TensorError
  var name: String { error.operation }
  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] { throw error }
  func vjp(_ context: VJPContext) throws -> [Tensor?] { throw error }
  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] { throw error }
}

/// Data from outside the graph: host arrays and results of compiled programs.
struct Given: Primitive {
  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] { [] }
  func vjp(_ context: VJPContext) throws -> [Tensor?] { [] }
  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] { [] }
}

/// An argument of a function being traced.
struct Placeholder: Primitive {
  let region: Int
  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] { [] }
  func vjp(_ context: VJPContext) throws -> [Tensor?] { [] }
  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    throw TensorError(
      .leaked, "tensor", "an argument of a traced function was used outside of it; return it from the function instead")
  }
}

/// The first results of a younger node; see `NodeState.forwarded`.
struct Forwarded: Primitive {
  let count: Int
  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] { inputs }
  func vjp(_ context: VJPContext) throws -> [Tensor?] { context.cotangents }
  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    (inputs, axes)
  }
  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] { operands }
}
