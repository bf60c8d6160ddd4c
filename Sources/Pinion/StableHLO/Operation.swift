extension GraphReader {
  /// One operation of the text with its operands at hand.
  struct Operation {
    let reader: GraphReader
    let text: MLIROperation
    let values: [MLIRValue]
    let frame: Frame

    init(_ reader: GraphReader, _ text: MLIROperation, _ values: [MLIRValue], _ frame: Frame) {
      self.reader = reader
      self.text = text
      self.values = values
      self.frame = frame
    }

    func error(_ message: String) -> StableHLOError {
      reader.scanner.error("\(text.name): \(message)", at: text.place)
    }

    func unsupported(_ message: String) -> StableHLOError {
      reader.scanner.unsupported("\(text.name): \(message)", at: text.place)
    }

    // MARK: Operands

    func tensors(_ count: Int) throws -> [Tensor] {
      guard values.count == count else { throw error("has \(values.count) operand(s), expected \(count)") }
      return try tensors()
    }

    func tensors() throws -> [Tensor] {
      try values.enumerated().map { k, value in
        switch value {
        case .tensor(let tensor): return tensor
        case .narrow: throw unsupported("isn't done here on integers of less than 8 bits")
        case .token, .tuple: throw error("operand \(k) isn't a tensor")
        }
      }
    }

    /// The numbers that an operand holds, which must not depend on arguments of the program.
    func numbers(_ tensor: Tensor, _ what: String) throws -> [Int] {
      guard tensor.rank <= 2, tensor.count <= 1 << 16, tensor.dtype.isInteger else {
        throw error("\(what) is \(tensor.type), expected a list of integers")
      }
      guard !tensor.isTraced else { throw unsupported("\(what) depends on an argument; sizes must be known") }
      let list: [Int64]
      do { list = try tensor.cast(.int64).array(of: Int64.self) } catch { throw self.error("\(what): \(error)") }
      guard list.allSatisfy({ abs($0) < Int64(MLIRScanner.sizeLimit) }) else {
        throw error("\(what) is \(list), out of range")
      }
      return list.map(Int.init)
    }

    // MARK: Attributes

    /// Numbers of an attribute: a list, or a dense constant.
    func integers(_ name: String) throws -> [Int]? {
      guard let attribute = text.attributes[name] else { return nil }
      return try integers(attribute, name)
    }

    func integers(_ attribute: MLIRAttribute, _ name: String) throws -> [Int] {
      let list: [Int]
      switch attribute {
      case .list(let items):
        list = try items.flatMap { item -> [Int] in
          switch item {
          case .integer(let value): return [value]
          case .bool(let value): return [value ? 1 : 0]
          case .list: return try integers(item, name)
          default: throw error("\(name) holds something else than whole numbers")
          }
        }
      case .dense(let dense): list = try reader.scanner.integers(dense)
      default: throw error("\(name) isn't a list of whole numbers")
      }
      guard list.allSatisfy({ abs(max($0, -Int.max)) < MLIRScanner.sizeLimit }) else {
        throw error("\(name) is \(list), out of range")
      }
      return list
    }

    func required(_ name: String) throws -> [Int] {
      guard let list = try integers(name) else { throw error("has no attribute '\(name)'") }
      return list
    }

    /// Numbers of an attribute, one an axis; `value` everywhere without it.
    func integers(_ name: String, count: Int, default value: Int) throws -> [Int] {
      let list = try integers(name) ?? Array(repeating: value, count: count)
      guard list.count == count else { throw error("\(name) is \(list), expected \(count) number(s)") }
      return list
    }

    func positive(_ name: String, count: Int) throws -> [Int] {
      let list = try integers(name, count: count, default: 1)
      guard list.allSatisfy({ $0 > 0 }) else { throw error("\(name) is \(list), expected numbers above 0") }
      return list
    }

    /// `[low, high]` for each axis.
    func padding(count: Int) throws -> [[Int]] {
      if case .dense(let dense)? = text.attributes["padding"], dense.shape != [count, 2] {
        throw error("padding has shape \(dense.shape), expected [\(count), 2]")
      }
      let list = try integers("padding") ?? Array(repeating: 0, count: 2 * count)
      guard list.count == 2 * count else {
        throw error("padding is \(list), expected two numbers for each of \(count) axes")
      }
      return (0..<count).map { [list[2 * $0], list[2 * $0 + 1]] }
    }

    func integer(_ name: String) throws -> Int? {
      switch text.attributes[name] {
      case nil: return nil
      case .integer(let value)?:
        guard abs(max(value, -Int.max)) < MLIRScanner.sizeLimit else {
          throw error("\(name) is \(value), out of range")
        }
        return value
      default: throw error("\(name) isn't a whole number")
      }
    }

    func requiredInteger(_ name: String) throws -> Int {
      guard let value = try integer(name) else { throw error("has no attribute '\(name)'") }
      return value
    }

    func bool(_ name: String) throws -> Bool? {
      switch text.attributes[name] {
      case nil: return nil
      case .bool(let value)?: return value
      case .unit?: return true
      default: throw error("\(name) isn't a boolean")
      }
    }

    func word(_ name: String) throws -> String? {
      switch text.attributes[name] {
      case nil: return nil
      case .word(let value)?, .string(let value)?, .symbol(let value)?: return value
      default: throw error("\(name) isn't a word")
      }
    }

    func fields(_ name: String) throws -> [String: MLIRAttribute] {
      guard case .dictionary(let fields)? = text.attributes[name] else { throw error("has no attribute '\(name)'") }
      return fields
    }

    func fieldIntegers(_ fields: [String: MLIRAttribute], _ name: String) throws -> [Int] {
      try fields[name].map { try integers($0, name) } ?? []
    }

    /// The type of the only result.
    func resultType() throws -> TensorType {
      guard text.resultTypes.count == 1 else { throw error("has \(text.resultTypes.count) result types, expected 1") }
      return try reader.tensorType(text.resultTypes[0], at: text.place)
    }

    // MARK: Regions

    func regions(_ count: Int) throws -> [MLIRRegion] {
      guard text.regions.count == count else { throw error("has \(text.regions.count) region(s), expected \(count)") }
      return text.regions
    }

    /// A body on scalars that uses nothing from outside.
    func closed(_ region: MLIRRegion, _ types: [TensorType]) throws -> Region {
      let (body, captured) = try trace(region, types, .made)
      guard captured.isEmpty else { throw error("the body uses values from outside") }
      return body
    }

    func trace(
      _ region: MLIRRegion, _ types: [TensorType], _ extent: Region.Extent
    ) throws -> (region: Region, captured: [Tensor]) {
      try Region.trace(types, extent) { arguments in
        try reader.run(region, arguments.map(MLIRValue.tensor), in: frame).map { value in
          guard case .tensor(let tensor) = value else { throw error("the body returns something else than tensors") }
          return tensor
        }
      }
    }

    /// The operation that a body of scalars consists of, if it's one that doesn't care for the order of its arguments.
    func simple(_ region: MLIRRegion) -> String? {
      guard region.arguments.count == 2, region.operations.count == 2 else { return nil }
      let (first, last) = (region.operations[0], region.operations[1])
      let names = region.arguments.map(\.name)
      guard first.operands.map(\.name).sorted() == names.sorted(), first.results.count == 1,
        last.operands.map(\.name) == [first.results[0].name], last.name.hasSuffix("return")
      else { return nil }
      return first.name
    }

    /// Tolerances of a result belong to a mode of their own.
    private func checkAccuracy() throws {
      guard case .dictionary(let fields)? = text.attributes["result_accuracy"] else { return }
      guard case .dictionary(let mode)? = fields["mode"], mode["TOLERANCE"] == nil else { return }
      for name in ["atol", "rtol", "ulps"] {
        switch fields[name] {
        case .float(let value)? where value != 0: throw error("result_accuracy has a tolerance in a mode without")
        case .integer(let value)? where value != 0: throw error("result_accuracy has a tolerance in a mode without")
        default: break
        }
      }
    }

    // MARK: Results

    func results() throws -> [MLIRValue] {
      try checkAccuracy()
      guard let dot = text.name.firstIndex(of: ".") else { throw error("isn't an operation of StableHLO") }
      let name = String(text.name[text.name.index(after: dot)...])
      return hasNarrow ? try narrow(name) : try wide(name)
    }

    /// Results of an operation on tensors whose elements have at least a byte, or are booleans.
    func wide(_ name: String) throws -> [MLIRValue] {
      switch text.name.prefix(while: { $0 != "." }) {
      case "stablehlo", "chlo", "mhlo":
        if let result = try elementwise(name) { return [.tensor(result)] }
        if let result = try shaping(name) { return [.tensor(result)] }
        if let results = try combining(name) { return results.map(MLIRValue.tensor) }
        if let result = try dynamic(name) { return [.tensor(result)] }
        if let results = try exchange(name) { return results.map(MLIRValue.tensor) }
        if let results = try control(name) { return results }
      case "interpreter":
        throw unsupported("is for the reference interpreter: programs that run side by side, and dumps of values")
      case "func": if let results = try control(name) { return results }
      case "check":
        try check(name)
        return []
      default: break
      }
      throw unsupported("isn't an operation that can be read")
    }
  }
}
