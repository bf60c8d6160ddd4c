/// Work of a loop's steps that needn't be done one by one: one large contraction over all steps is faster than many
/// small ones. Before the loop those of its elements, after it those that add up.

extension Region.Scope {
  /// All steps' stacked results may take this much memory before a loop begins.
  private static let hoistingLimit = 64 << 20

  /// Products of an element of a sequence with what all steps share, and sums of them with more of that.
  ///
  /// - Parameters:
  ///   - results: of the body that this is the scope of.
  ///   - elements: which of the placeholders are elements.
  ///   - length: number of steps.
  func productsOfElements(_ results: [Tensor], elements: Range<Int>, length: Int) -> [Tensor] {
    // Without a carried value the loop is there to save memory.
    guard length > 1, length <= Self.hoistingLimit, elements.lowerBound > 0 else { return [] }
    let given = Set(placeholders[elements].map { ValueID($0.value) })
    return Graph.lock.withLock {
      let nodes = Graph.order(results.map(\.node)) { !contains($0, .dependent) }
      var uses: [ValueID: Int] = [:]
      for value in nodes.flatMap(\.inputs) + results.map(\.value) { uses[ValueID(value), default: 0] += 1 }
      var (memory, products) = (0, [Value]())
      for node in nodes where node.scope == number {
        if let binary = node.primitive as? Binary, binary.kind == .add || binary.kind == .subtract,
          let k = products.firstIndex(where: { product in
            uses[ValueID(product)] == 1 && node.inputs.contains { ValueID($0) == ValueID(product) }
          }), node.inputs.contains(where: { $0.node.scope < number })
        {
          products[k] = Value(node: node, index: 0)
          continue
        }
        guard node.primitive is DotGeneral else { continue }
        let sides = node.inputs.map { value in
          var value = value
          // What has been evaluated has let its inputs go.
          while RegionPullback.isMove(value.node), let source = value.node.inputs.first { value = source }
          return value
        }
        guard let k = sides.firstIndex(where: { given.contains(ValueID($0)) }), sides[1 - k].node.scope < number,
          node.types[0].count <= 16 * sides[k].type.count,
          memory + length * node.types[0].byteCount <= Self.hoistingLimit
        else { continue }
        memory += length * node.types[0].byteCount
        products.append(Value(node: node, index: 0))
      }
      return products.map { Tensor($0) }
    }
  }

  /// Closes the body of a scan.
  ///
  /// - Parameters:
  ///   - results: of the body.
  ///   - sequences: whose elements are the last placeholders.
  /// - Returns: the body; sequences, some of which are new; what the body shares with outside.
  func closeScan(
    _ results: [Tensor], over sequences: [Tensor], length: Int
  ) throws -> (body: Region, sequences: [Tensor], captured: [Tensor]) {
    let elements = (placeholders.count - sequences.count)..<placeholders.count
    let products = productsOfElements(results, elements: elements, length: length)
    guard !products.isEmpty else {
      let (body, captured) = try close(results)
      return (body, sequences, captured)
    }
    let (region, shared) = try close(products, parameters: Array(placeholders[elements]))
    let operands =
      sequences.map { Batched(tensor: $0, axis: 0) } + shared.map { Batched(tensor: $0, axis: nil) }
    let stacks = try region.program.batched(operands, size: length).map { $0.leading(length) }
    let made = Set(products.map { ObjectIdentifier($0.node) })
    let (body, captured) = try close(results, parameters: placeholders + products) {
      contains($0, .dependent) && !made.contains(ObjectIdentifier($0))
    }
    return (body, sequences + stacks, captured)
  }
}

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
      let ofAllSteps: any Primitive
      switch node.primitive {
      case let sum as Binary where sum.kind == .add:
        open += inputs.map { ($0, after) }
        continue
      case is Transpose, is Reshape:
        open.append((inputs[0], [node.primitive] + after))
        continue
      case let product as DotGeneral:
        ofAllSteps = DotGeneral(
          batch: product.batch.map { $0.map { $0 + 1 } }, contract: product.contract.map { [0] + $0.map { $0 + 1 } })
      case let sum as Reduce where sum.kind == .sum:
        ofAllSteps = Reduce(kind: .sum, axes: [0] + sum.axes.map { $0 + 1 })
      default: return nil
      }
      terms.append(Term(operation: ofAllSteps, operands: inputs.map(Self.plain), after: after))
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
