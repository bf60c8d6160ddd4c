/// A value in StableHLO text: its name and type.
public struct SSAValue: Sendable {
  /// Name: `%5`, or `%5#1` for the second result of an operation.
  public let id: String
  /// Element type and shape.
  public let type: TensorType

  public init(id: String, type: TensorType) {
    self.id = id
    self.type = type
  }
}

/// Writes one StableHLO function in MLIR's generic form.
public struct StableHLOPrinter {
  private(set) var body = ""
  private var next = 0
  /// Devices that the program is divided among; `nil` for one.
  var mesh: Mesh?
  /// Devices whose parts the operations at hand work on, inside of `shardMap`.
  var manualMesh: Mesh?
  /// Whether the text shall do without our own foreign functions, where XLA has the operation too: others can run it.
  var isPortable = false

  public init() {}

  /// A name that nothing else has, for region text written by hand.
  public mutating func fresh() -> String {
    defer { next += 1 }
    return "%\(next)"
  }

  /// Puts other text in the place of what has been printed, and returns that.
  mutating func exchangeBody(_ text: String) -> String {
    let old = body
    body = text
    return old
  }

  /// `array<i64: 1, 2>`, MLIR's dense array of integers.
  public func i64Array(_ values: [Int]) -> String {
    values.isEmpty ? "array<i64>" : "array<i64: " + values.map(String.init).joined(separator: ", ") + ">"
  }

  /// Prints an operation with one result.
  public mutating func emit(
    _ op: String, _ operands: [SSAValue], _ type: TensorType, attributes: String = "", regions: [String] = []
  ) -> SSAValue {
    emit(op, operands, attributes: attributes, regions: regions, results: [type])[0]
  }

  /// Prints an operation: `%r = "op"(operands) <{attributes}> (regions) : (types) -> types`.
  ///
  /// - Parameters:
  ///   - attributes: text between the braces.
  ///   - regions: each a complete `{ ^bb0(…): … }`.
  ///   - results: types of the results.
  public mutating func emit(
    _ op: String, _ operands: [SSAValue], attributes: String = "", regions: [String] = [], results: [TensorType]
  ) -> [SSAValue] {
    let id = fresh()
    body += "    \(id)"
    if results.count > 1 { body += ":\(results.count)" }
    body += " = \"\(op)\"("
    body += operands.map(\.id).joined(separator: ", ")
    body += ")"
    if !attributes.isEmpty { body += " <{\(attributes)}>" }
    if !regions.isEmpty { body += " (" + regions.joined(separator: ", ") + ")" }
    body += " : (" + operands.map(\.type.mlir).joined(separator: ", ") + ") -> "
    let types = results.map(\.mlir).joined(separator: ", ")
    body += results.count == 1 ? types : "(\(types))"
    body += "\n"
    return results.enumerated().map { index, type in
      SSAValue(id: results.count == 1 ? id : "\(id)#\(index)", type: type)
    }
  }

  /// A constant with one value everywhere; `literal` as MLIR spells it.
  public mutating func constant(_ literal: String, _ type: TensorType) -> SSAValue {
    emit("stablehlo.constant", [], type, attributes: "value = dense<\(literal)> : \(type.mlir)")
  }

  /// A constant with one value everywhere, as a scalar that is repeated: XLA sees a broadcast.
  mutating func splat(_ literal: String, _ type: TensorType) -> SSAValue {
    if type.rank == 0 { return constant(literal, type) }
    let scalar = constant(literal, TensorType(type.dtype, []))
    return emit("stablehlo.broadcast_in_dim", [scalar], type, attributes: "broadcast_dimensions = array<i64>")
  }

  /// An elementwise comparison.
  ///
  /// - Parameters:
  ///   - direction: EQ, NE, LT, LE, GT, GE.
  ///   - kind: FLOAT, SIGNED, UNSIGNED, TOTALORDER.
  mutating func compare(_ direction: String, _ a: SSAValue, _ b: SSAValue, _ kind: String) -> SSAValue {
    emit(
      "stablehlo.compare", [a, b], a.type.with(dtype: .bool),
      attributes: """
        comparison_direction = #stablehlo<comparison_direction \(direction)>, \
        compare_type = #stablehlo<comparison_type \(kind)>
        """)
  }

  /// A region with scalar arguments that applies one binary operation: the body of a reduction.
  public mutating func binaryRegion(_ op: String, _ dtype: DType) -> String {
    let (a, b, r) = (fresh(), fresh(), fresh())
    let t = TensorType(dtype, []).mlir
    return """
      { ^bb0(\(a): \(t), \(b): \(t)): \(r) = "\(op)"(\(a), \(b)) : (\(t), \(t)) -> \(t) \
      "stablehlo.return"(\(r)) : (\(t)) -> () }
      """
  }
}
