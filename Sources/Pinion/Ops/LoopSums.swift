/// A cotangent that every step of a loop adds to, found after the loop: one contraction over all steps of what each
/// gives is faster than many small ones, and the loop has no sum to carry.
struct SumOverSteps {
  private struct Term {
    let operation: any Primitive
    let operands: [Tensor]
    /// What is done to the sum, in order.
    let after: [any Primitive]
  }
  private let terms: [Term]

  /// Values of one step that the terms are made of.
  var operands: [Tensor] { terms.flatMap(\.operands) }

  /// - Parameters:
  ///   - cotangent: of one step, in a scope that the step's values belong to.
  ///   - outermost: number of the first scope whose values differ between the steps.
  /// - Returns: `nil` where the cotangent isn't a sum of contractions and reductions.
  init?(_ cotangent: Tensor, outermost: Int) {
    var terms: [Term] = []
    var open: [(value: Value, after: [any Primitive])] = [(cotangent.value, [])]
    while let (value, after) = open.popLast() {
      let node = value.node
      guard node.scope >= outermost else { return nil }
      let inputs = node.inputs
      switch node.primitive {
      case let sum as Binary where sum.kind == .add: open += inputs.map { ($0, after) }
      case is Transpose, is Reshape: open.append((inputs[0], [node.primitive] + after))
      case let product as DotGeneral:
        let all = DotGeneral(
          batch: product.batch.map { $0.map { $0 + 1 } }, contract: product.contract.map { [0] + $0.map { $0 + 1 } })
        terms.append(Term(operation: all, operands: inputs.map(Self.plain), after: after))
      case let sum as Reduce where sum.kind == .sum:
        let all = Reduce(kind: .sum, axes: [0] + sum.axes.map { $0 + 1 })
        terms.append(Term(operation: all, operands: inputs.map(Self.plain), after: after))
      default: return nil
      }
    }
    guard terms.allSatisfy({ $0.operands.allSatisfy { $0.node.scope >= outermost } }) else { return nil }
    self.terms = terms
  }

  /// The value without the marks of derivatives being taken.
  private static func plain(_ value: Value) -> Tensor {
    var value = value
    while value.node.primitive is Marker { value = value.node.inputs[0] }
    return Tensor(value)
  }

  /// The sum, from all steps' values of the operands, stacked along axis 0.
  func callAsFunction(_ stack: (Tensor) throws -> Tensor) rethrows -> Tensor? {
    try terms.map { term in
      let sum = Tensor.apply1(term.operation, try term.operands.map(stack))
      return term.after.reduce(sum) { x, operation in Tensor.apply1(operation, [x]) }
    }.reduce(nil) { (sum: Tensor?, term) in sum.map { $0 + term } ?? term }
  }

  /// Whether a value would be stacked for a sum alone, as it comes of the cotangents or isn't kept forwards.
  static func isStacked(_ value: Tensor, _ innermost: Int) -> Bool {
    value.node.scope >= innermost || RegionPullback.isMove(value.node)
  }

  /// For each of some cotangents its sum, where that keeps few values beside those kept anyway; `nil` where the loop
  /// had better carry it.
  static func plan(_ cotangents: [Tensor], outermost: Int, innermost: Int) -> [SumOverSteps?] {
    var plan = [SumOverSteps?](repeating: nil, count: cotangents.count)
    var stacked: Set<ValueID> = []
    for i in cotangents.indices.sorted(by: { cotangents[$0].count > cotangents[$1].count }) {
      guard let sum = SumOverSteps(cotangents[i], outermost: outermost) else { continue }
      let extra = sum.operands.filter { isStacked($0, innermost) && !stacked.contains(ValueID($0.value)) }
      guard extra.reduce(0, { $0 + $1.count }) <= 2 * cotangents[i].count else { continue }
      stacked.formUnion(extra.map { ValueID($0.value) })
      plan[i] = sum
    }
    return plan
  }
}
