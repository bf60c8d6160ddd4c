extension GraphReader.Operation {
  /// Calls, loops and branches, tuples and tokens, and calls to the outside.
  func control(_ name: String) throws -> [MLIRValue]? {
    switch name {
    case "call":
      guard let callee = try word("callee") else { throw error("names no function") }
      return try reader.call(callee, values, at: text.place)
    case "composite":
      guard let name = try word("name"), name.split(separator: ".", omittingEmptySubsequences: false).count > 1,
        name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy({ !$0.isEmpty }),
        name.first.map({ $0.isLetter || $0 == "_" }) ?? false,
        name.utf8.allSatisfy({ MLIRScanner.isWordPart($0) })
      else { throw error("its name isn't one of an operation, such as 'my.op'") }
      guard let callee = try word("decomposition") else { throw error("has no attribute 'decomposition'") }
      return try reader.call(callee, values, at: text.place)
    case "while": return try whileLoop().map(MLIRValue.tensor)
    case "scan": return try scanLoop().map(MLIRValue.tensor)
    case "if", "case": return try branches(isIf: name == "if").map(MLIRValue.tensor)
    case "optimization_barrier":
      guard !values.isEmpty else { return [] }
      let operands = try tensors()
      return Tensor.apply(OptimizationBarrier(), operands, resultCount: operands.count).map(MLIRValue.tensor)
    case "tuple": return [.tuple(values)]
    case "get_tuple_element":
      guard values.count == 1, case .tuple(let parts) = values[0] else { throw error("takes a tuple") }
      let index = try requiredInteger("index")
      guard parts.indices.contains(index) else { throw error("index \(index) isn't in 0..<\(parts.count)") }
      return [parts[index]]
    case "after_all", "create_token":
      for case .tensor in values { throw error("takes tokens") }
      return [.token]
    case "custom_call":
      guard let target = try word("call_target_name") ?? word("callee") else { throw error("names no function") }
      if target.hasPrefix("check.") {
        try check(String(target.dropFirst(6)))
        return []
      }
      // Annotations that say where values lie.
      if ["Sharding", "annotate_device_placement"].contains(target), values.count == 1 { return values }
      throw unsupported("calls @\(target), which isn't known here")
    default: return nil
    }
  }

  private func whileLoop() throws -> [Tensor] {
    let operands = try tensors()
    let regions = try regions(2)
    let types = operands.map(\.type)
    let (test, testCaptured) = try trace(regions[0], types, .dependent)
    let (step, stepCaptured) = try trace(regions[1], types, .dependent)
    guard step.resultTypes.count == types.count else {
      throw error("the body returns \(step.resultTypes.count) value(s), expected \(types.count)")
    }
    return Tensor.apply(
      While(condition: test, body: step, carried: operands.count), operands + testCaptured + stepCaptured,
      resultCount: operands.count)
  }

  /// Elements along an axis, and values carried from one to the next: results are those of all steps, then the carried.
  private func scanLoop() throws -> [Tensor] {
    let operands = try tensors()
    guard let counts = try integers("operandSegmentSizes"), counts.count == 2, counts[0] > 0, counts[1] >= 0,
      counts[0] + counts[1] == operands.count
    else { throw error("operandSegmentSizes doesn't divide \(operands.count) operand(s) in inputs and starts") }
    let (axis, body) = (try requiredInteger("dimension"), try regions(1)[0])
    let (inputs, starts) = (Array(operands[..<counts[0]]), Array(operands[counts[0]...]))
    for x in inputs where !x.shape.indices.contains(axis) { throw error("axis \(axis) isn't one of \(x.shape)") }
    let (carried, results) = try scan(
      starts, over: inputs.map { $0.moveAxis(from: axis, to: 0) }, reverse: try bool("is_reverse") ?? false
    ) { (carried: [Tensor], element: [Tensor]) in
      let values = try reader.run(body, (element + carried).map(MLIRValue.tensor), in: frame).compactMap(\.tensor)
      guard values.count >= carried.count else {
        throw error("the body returns \(values.count) value(s), of which \(carried.count) are carried on")
      }
      return (Array(values.suffix(carried.count)), Array(values.dropLast(carried.count)))
    }
    return try results.map { result in
      guard axis < result.rank else { throw error("results \(result.shape) have no axis \(axis)") }
      return result.moveAxis(from: 0, to: axis)
    } + carried
  }

  private func branches(isIf: Bool) throws -> [Tensor] {
    let number = try tensors(1)[0]
    guard number.type == TensorType(isIf ? .bool : .int32, []) else {
      throw error("the operand is \(number.type), expected a scalar of \(isIf ? "bool" : "int32")")
    }
    let texts = isIf ? Array(try regions(2).reversed()) : text.regions
    guard !texts.isEmpty else { throw error("has no branch") }
    var captured: [Tensor] = []
    var parts: [(region: Region, places: [Int])] = []
    for branch in texts {
      let (region, own) = try trace(branch, [], .made)
      let places = own.map { tensor -> Int in
        if let known = captured.firstIndex(where: { ValueID($0.value) == ValueID(tensor.value) }) { return known }
        captured.append(tensor)
        return captured.count - 1
      }
      parts.append((region, places))
    }
    guard parts.allSatisfy({ $0.region.resultTypes == parts[0].region.resultTypes }) else {
      throw error("the branches return different types: \(parts.map(\.region.resultTypes))")
    }
    // Each branch is given all that any of them takes.
    let regions = try parts.map { part in
      try Region.trace(captured.map(\.type), .made) { arguments in
        try part.region(part.places.map { arguments[$0] })
      }.region
    }
    let place = isIf ? number.cast(.int32) : number
    let count = regions[0].resultTypes.count
    if count == 0 { return [] }
    return Tensor.apply(Case(branches: regions), [place] + captured, resultCount: count)
  }

  /// A comparison of the program's own values.
  func check(_ name: String) throws {
    let tolerance: Double
    switch text.attributes["tolerance"] {
    case .float(let value)?: tolerance = value
    case .integer(let value)?: tolerance = Double(value)
    default: tolerance = 1e-4
    }
    let isConstant = name.hasSuffix("_const")
    let operands = try tensors(isConstant ? 1 : 2)
    let expected: Tensor
    if isConstant {
      guard case .dense(let dense)? = text.attributes["value"] else { throw error("has no value to expect") }
      expected = try reader.scanner.tensor(dense, widening: reader.widening)
    } else {
      expected = operands[1]
    }
    let rule: StableHLOCheck.Rule
    switch isConstant ? String(name.dropLast(6)) : name {
    case "expect_eq": rule = .equal
    case "expect_almost_eq": rule = .almostEqual(tolerance: tolerance)
    case "expect_close":
      rule = .close(
        atLeast: try integer("min_ulp_difference") ?? 0, atMost: try integer("max_ulp_difference") ?? 3)
    default: throw error("isn't a comparison that is known here")
    }
    guard expected.type == operands[0].type else {
      throw error("compares \(operands[0].type) with \(expected.type)")
    }
    reader.add(StableHLOCheck(rule: rule, actual: operands[0], expected: expected, place: text.place))
  }
}
