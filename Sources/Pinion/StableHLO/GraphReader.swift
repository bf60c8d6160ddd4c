/// A value of a program: a tensor, or what orders and groups tensors.
enum MLIRValue: Sendable {
  case tensor(Tensor)
  /// Integers of less than 8 bits, in bytes.
  case narrow(Tensor, NarrowInteger)
  case token
  case tuple([MLIRValue])
}

/// A comparison that a program makes of its own values.
struct StableHLOCheck: Sendable {
  enum Rule: Hashable, Sendable {
    /// Equal, element by element.
    case equal
    /// Relative difference up to a tolerance.
    case almostEqual(tolerance: Double)
    /// Numbers of floating-point values apart.
    case close(atLeast: Int, atMost: Int)
  }
  let rule: Rule
  let actual: Tensor
  let expected: Tensor
  /// Where the comparison stands.
  let place: Int
}

/// Makes nodes of a module's operations. Calls are inlined; what a shape depends on is computed at once.
final class GraphReader {
  let scanner: MLIRScanner
  private let functions: [String: MLIRFunction]
  /// Results of functions that aren't called.
  private let given: [String: [Tensor]]
  /// Whether floating-point and complex elements are made double precision.
  let widening: Bool
  private(set) var checks: [StableHLOCheck] = []
  private var calls: [String] = []
  /// Operations made so far: a short text may call functions that call functions …
  private var work = 0
  private static let workLimit = 100_000

  init(
    _ functions: [MLIRFunction], scanner: MLIRScanner, given: [String: [Tensor]] = [:], widening: Bool = false
  ) {
    self.functions = Dictionary(functions.map { ($0.name, $0) }) { a, _ in a }
    self.scanner = scanner
    self.given = given
    self.widening = widening
  }

  /// Values by name, of a block and those around it.
  final class Frame {
    private var values: [String: [MLIRValue]] = [:]
    private let parent: Frame?

    init(in parent: Frame?) { self.parent = parent }

    subscript(name: String) -> [MLIRValue]? {
      get {
        var frame: Frame? = self
        while let here = frame {
          if let found = here.values[name] { return found }
          frame = here.parent
        }
        return nil
      }
      set { values[name] = newValue }
    }

    func isDefinedHere(_ name: String) -> Bool { values[name] != nil }
  }

  // MARK: Functions and blocks

  /// What a function computes of its arguments.
  func call(_ name: String, _ arguments: [MLIRValue], at place: Int) throws -> [MLIRValue] {
    guard let function = functions[name] else { throw scanner.error("there is no function @\(name)", at: place) }
    guard !calls.contains(name) else { throw scanner.error("@\(name) calls itself", at: place) }
    guard calls.count < MLIRScanner.depthLimit else { throw scanner.error("calls are nested too deep", at: place) }
    if let results = given[name] { return zip(results, function.resultTypes).map { MLIRValue($0, $1) } }
    guard let body = function.body else { throw scanner.error("@\(name) has no body", at: place) }
    calls.append(name)
    defer { calls.removeLast() }
    let results = try run(body, arguments, in: nil)
    guard results.count == function.resultTypes.count else {
      throw scanner.error(
        "@\(name) returns \(results.count) value(s), declared are \(function.resultTypes.count)", at: function.place)
    }
    for (k, (value, type)) in zip(results, function.resultTypes).enumerated() {
      try check(value, type, "result \(k) of @\(name)", at: function.place)
    }
    return results
  }

  /// What a block returns.
  func run(_ region: MLIRRegion, _ arguments: [MLIRValue], in parent: Frame?) throws -> [MLIRValue] {
    guard arguments.count == region.arguments.count else {
      throw scanner.error(
        "the block takes \(region.arguments.count) argument(s), \(arguments.count) are given", at: region.place)
    }
    let frame = Frame(in: parent)
    for (argument, value) in zip(region.arguments, arguments) {
      try check(value, argument.type, "%\(argument.name)", at: region.place)
      guard !frame.isDefinedHere(argument.name) else {
        throw scanner.error("a second value %\(argument.name)", at: region.place)
      }
      frame[argument.name] = [value]
    }
    for (i, operation) in region.operations.enumerated() {
      let operands = try operation.operands.enumerated().map { k, operand in
        let value = try find(operand, in: frame)
        if k < operation.operandTypes.count {
          try check(value, operation.operandTypes[k], "operand %\(operand.name)", at: operand.place)
        }
        return value
      }
      if ["func.return", "stablehlo.return", "mhlo.return"].contains(operation.name) {
        guard i == region.operations.count - 1 else {
          throw scanner.error("\(operation.name) stands before the end of its block", at: operation.place)
        }
        return operands
      }
      let results = try make(operation, operands, in: frame)
      var next = results[...]
      for (name, count) in operation.results {
        guard !frame.isDefinedHere(name) else { throw scanner.error("a second value %\(name)", at: operation.place) }
        frame[name] = Array(next.prefix(count))
        next = next.dropFirst(count)
      }
    }
    throw scanner.error("the block doesn't end in a return", at: region.place)
  }

  private func find(_ operand: MLIROperand, in frame: Frame) throws -> MLIRValue {
    guard let values = frame[operand.name] else {
      throw scanner.error("%\(operand.name) isn't defined before its use", at: operand.place)
    }
    guard let index = operand.index else {
      guard values.count == 1 else {
        throw scanner.error("%\(operand.name) is \(values.count) values, expected '#' and a number", at: operand.place)
      }
      return values[0]
    }
    guard values.indices.contains(index) else {
      throw scanner.error("%\(operand.name) has \(values.count) value(s), no #\(index)", at: operand.place)
    }
    return values[index]
  }

  private func make(_ operation: MLIROperation, _ operands: [MLIRValue], in frame: Frame) throws -> [MLIRValue] {
    work += 1
    guard work <= Self.workLimit else {
      throw scanner.error("the program has more than \(Self.workLimit) operations", at: operation.place)
    }
    let results: [MLIRValue]
    do {
      results = try Operation(self, operation, operands, frame).results()
    } catch let error as TensorError {
      var located = scanner.error("\(operation.name): \(error.message)", at: operation.place)
      located.isUnsupported = error.kind == .unsupported
      throw located
    }
    for failure in results.compactMap({ $0.tensor?.failure }) {
      throw scanner.error("\(operation.name): \(failure.message)", at: operation.place)
    }
    guard results.count == operation.resultTypes.count else {
      throw scanner.error(
        "\(operation.name) has \(results.count) result(s), the text names \(operation.resultTypes.count) type(s)",
        at: operation.place)
    }
    for (k, (value, type)) in zip(results, operation.resultTypes).enumerated() {
      try check(value, type, "result\(results.count > 1 ? " \(k)" : "") of \(operation.name)", at: operation.place)
    }
    return results
  }

  func add(_ check: StableHLOCheck) { checks.append(check) }

  // MARK: Types

  /// The element type of tensors for one of the text.
  func dtype(_ element: MLIRElement, at place: Int) throws -> DType {
    switch element {
    case .known(let dtype): return widening ? dtype.widened : dtype
    case .narrow(let type): return type.storage
    case .unknown:
      throw scanner.unsupported("tensors have no elements of type \(element.description)", at: place)
    }
  }

  /// Compares a value's type with the one in the text, where `?` stands for any size.
  func check(_ value: MLIRValue, _ type: MLIRType, _ what: String, at place: Int) throws {
    switch (value, type) {
    case (.tensor(let tensor), .tensor(let element, let sizes)),
      (.narrow(let tensor, _), .tensor(let element, let sizes)):
      let dtype = try dtype(element, at: place)
      var narrow: NarrowInteger?
      if case .narrow(_, let type) = value { narrow = type }
      let fits =
        tensor.dtype == dtype && narrow == element.narrow && tensor.rank == sizes.count
        && zip(tensor.shape, sizes).allSatisfy { $1 ?? $0 == $0 }
      guard fits else {
        let found = MLIRType.tensor(narrow.map(MLIRElement.narrow) ?? .known(tensor.dtype), tensor.shape)
        throw scanner.error("\(what) is \(found.description), the text says \(type.description)", at: place)
      }
      guard MLIRScanner.isReasonable(tensor.shape) else {
        throw scanner.error("\(what) is \(tensor.type.mlir), more than 2^40 elements", at: place)
      }
    case (.token, .token): break
    case (.tuple(let values), .tuple(let types)) where values.count == types.count:
      for (value, type) in zip(values, types) { try check(value, type, what, at: place) }
    default:
      if case .other(let name) = type { throw scanner.unsupported("\(name) isn't the type of a tensor", at: place) }
      throw scanner.error("\(what) isn't \(type.description)", at: place)
    }
  }

  /// The tensor's type; sizes must be known.
  func tensorType(_ type: MLIRType, at place: Int) throws -> TensorType {
    guard case .tensor(let element, let sizes) = type else {
      throw scanner.unsupported("\(type.description) isn't the type of a tensor", at: place)
    }
    let shape = sizes.compactMap { $0 }
    guard shape.count == sizes.count else {
      throw scanner.unsupported("\(type.description) has sizes that nothing before it tells", at: place)
    }
    return TensorType(try dtype(element, at: place), shape)
  }
}
