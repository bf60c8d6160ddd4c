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
