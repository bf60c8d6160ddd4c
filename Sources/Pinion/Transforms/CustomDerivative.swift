/// The first operands, with a derivative of the user's: later operands are the function's arguments and residuals.
struct CustomVJP: Primitive {
  let outputs: Int
  let arguments: Int
  let rule: Rule

  /// Identity lowering, whatever the rule: programs that differ in it alone are the same.
  final class Rule: Hashable, Sendable {
    let backward: @Sendable ([Tensor], [Tensor]) throws -> [Tensor?]
    init(_ backward: @escaping @Sendable ([Tensor], [Tensor]) throws -> [Tensor?]) { self.backward = backward }
    static func == (a: Rule, b: Rule) -> Bool { true }
    func hash(into hasher: inout Hasher) {}
  }

  func resultTypes(_ inputs: [TensorType]) throws -> [TensorType] { Array(inputs.prefix(outputs)) }

  func lower(_ operands: [SSAValue], into printer: inout StableHLOPrinter) throws -> [SSAValue] {
    Array(operands.prefix(outputs))
  }

  func vjp(_ context: VJPContext) throws -> [Tensor?] {
    let residuals = Array(context.inputs[(outputs + arguments)...])
    let cotangents = zip(context.cotangents, context.outputs).map { $0 ?? Tensor.zeros(like: $1) }
    let results = try rule.backward(residuals, cotangents)
    guard results.count == arguments else {
      throw TensorError.value("customVJP", "backward returned \(results.count) cotangents for \(arguments) inputs")
    }
    let none = [Tensor?](repeating: nil, count: outputs)
    return none + results + [Tensor?](repeating: nil, count: residuals.count)
  }

  /// The user's derivative, mapped over the examples.
  func batched(_ inputs: [Tensor], _ axes: [Int?], size: Int) throws -> (results: [Tensor], axes: [Int?]) {
    let (outputs, arguments, rule) = (outputs, arguments, rule)
    let wide = Rule { residuals, cotangents in
      var given: [Bool] = []
      let batch =
        zip(residuals, axes[(outputs + arguments)...]).map { Batched(tensor: $0, axis: $1) }
        + cotangents.map { Batched(tensor: $0, axis: 0) }
      let results = try vmapLeaves(batch, size: size) { tensors in
        let results = try rule.backward(Array(tensors[..<residuals.count]), Array(tensors[residuals.count...]))
        given = results.map { $0 != nil }
        return results.compactMap { $0 }
      }
      var next = results.makeIterator()
      return given.enumerated().map { i, isGiven in
        guard isGiven, let result = next.next() else { return nil }
        // Examples that share an argument each have a part in its cotangent.
        guard outputs + i < axes.count, let axis = axes[outputs + i] else {
          return result.axis.map { result.tensor.sum(axes: [$0]) } ?? result.tensor * Double(size)
        }
        return result.placed(at: axis, size)
      }
    }
    // Outputs that don't differ do have cotangents that differ.
    let own = (0..<outputs).map { Batched(tensor: inputs[$0], axis: axes[$0]).placed(at: 0, size) }
    let results = Tensor.apply(
      CustomVJP(outputs: outputs, arguments: arguments, rule: wide), own + inputs[outputs...], resultCount: outputs)
    return (results, results.map { _ in 0 })
  }
}

/// A function with a derivative of your own.
///
/// - Parameters:
///   - inputs: arguments of `forward`.
///   - forward: results, and what the derivative needs of them.
///   - backward: from residuals and cotangents of the results to cotangents of the inputs (`nil` for none).
/// - Returns: the results of `forward`.
/// - Throws: what `forward` throws.
public func customVJP(
  inputs: [Tensor],
  forward: ([Tensor]) throws -> (outputs: [Tensor], residuals: [Tensor]),
  backward: @escaping @Sendable (_ residuals: [Tensor], _ cotangents: [Tensor]) throws -> [Tensor?]
) throws -> [Tensor] {
  let (outputs, residuals) = try forward(inputs)
  let primitive = CustomVJP(outputs: outputs.count, arguments: inputs.count, rule: .init(backward))
  return Tensor.apply(
    primitive, outputs.map(stopGradient) + inputs + residuals.map(stopGradient), resultCount: outputs.count)
}
