extension MLIRParser {
  /// The operation's own form, brought to the generic one.
  mutating func pretty(_ operation: inout MLIROperation, results: Int, depth: Int) throws {
    switch operation.name {
    case "call": operation.name = "func.call"
    case "return": operation.name = "func.return"
    default: break
    }
    switch operation.name {
    case "stablehlo.constant" where !scanner.isNext("("):
      if scanner.isNext("{") { operation.attributes = try scanner.dictionary() }
      let dense = try scanner.dense()
      operation.attributes["value"] = .dense(dense)
      operation.resultTypes = [.tensor(dense.element, dense.shape)]
    case "stablehlo.reduce": try reduce(&operation, depth: depth)
    case "stablehlo.while": try whileLoop(&operation, depth: depth)
    case "chlo.scan": try scan(&operation, depth: depth)
    case "stablehlo.convolution": try convolution(&operation)
    case "stablehlo.slice": try slice(&operation)
    case "stablehlo.compare": try compare(&operation)
    case "check.expect_eq_const", "check.expect_almost_eq_const", "check.expect_close_const":
      operation.operands = [try operand()]
      try scanner.expect(",")
      operation.attributes["value"] = .dense(try scanner.dense())
      if scanner.accept(",") { try clause(&operation) }
      if scanner.isNext("{") { operation.attributes.merge(try scanner.dictionary()) { $1 } }
    default:
      try clauses(&operation, depth: depth)
      try types(&operation, results: results)
    }
  }

  /// Operands, `key = value` clauses, symbols and attributes up to the types.
  private mutating func clauses(_ operation: inout MLIROperation, depth: Int) throws {
    while true {
      switch scanner.peek() {
      case UInt8(ascii: "%"):
        // Without a comma between, the next operation's results.
        operation.operands.append(try operand())
        if scanner.isNext("["), operation.name == "stablehlo.get_tuple_element" {
          scanner.place += 1
          operation.attributes["index"] = .integer(try scanner.integer())
          try scanner.expect("]")
        }
        if !scanner.accept(","), scanner.isNext("%") { return }
      case UInt8(ascii: "("):
        scanner.place += 1
        while !scanner.accept(")") {
          if scanner.isNext("%") { operation.operands.append(try operand()) } else { try clause(&operation) }
          if !scanner.accept(","), !scanner.isNext(")") { throw scanner.unexpected("',' or ')'") }
        }
      case UInt8(ascii: "@"): operation.attributes["callee"] = .symbol(try scanner.name(after: "@"))
      case UInt8(ascii: "\""): operation.attributes["name"] = .string(try scanner.string())
      case UInt8(ascii: "{"): operation.attributes.merge(try scanner.dictionary()) { $1 }
      case UInt8(ascii: "<"):
        scanner.place += 1
        operation.attributes.merge(try scanner.dictionary()) { $1 }
        try scanner.expect(">")
      case UInt8(ascii: ","): scanner.place += 1
      default:
        // A word is a clause's key, or begins the next operation.
        guard let word = scanner.peekWord(), !word.contains("."), word != "return", word != "call", word != "loc"
        else { return }
        try clause(&operation)
      }
    }
  }

  /// Names of attributes in the operations' own forms, where those differ.
  private static let names: [String: [String: String]] = [
    "stablehlo.broadcast_in_dim": ["dims": "broadcast_dimensions"],
    "stablehlo.dynamic_broadcast_in_dim": ["dims": "broadcast_dimensions"],
    "stablehlo.broadcast": ["sizes": "broadcast_sizes"],
    "stablehlo.reverse": ["dims": "dimensions"],
    "stablehlo.transpose": ["dims": "permutation"],
    "stablehlo.concatenate": ["dim": "dimension"],
    "stablehlo.iota": ["dim": "iota_dimension"],
    "stablehlo.dynamic_iota": ["dim": "iota_dimension"],
    "stablehlo.get_dimension_size": ["dim": "dimension"],
    "stablehlo.set_dimension_size": ["dim": "dimension"],
    "stablehlo.pad": ["low": "edge_padding_low", "high": "edge_padding_high", "interior": "interior_padding"],
    "stablehlo.dynamic_slice": ["sizes": "slice_sizes"],
    "stablehlo.fft": ["type": "fft_type", "length": "fft_length"],
    "stablehlo.rng_bit_generator": ["algorithm": "rng_algorithm"],
    "stablehlo.rng": ["distribution": "rng_distribution"],
    "stablehlo.einsum": ["config": "einsum_config"],
    "stablehlo.unary_einsum": ["config": "einsum_config"],
  ]

  /// `key = value`, or a bare word.
  private mutating func clause(_ operation: inout MLIROperation) throws {
    let key = try scanner.word("the name of an attribute")
    guard scanner.accept("=") else {
      operation.attributes[key] = .unit
      return
    }
    let value = try clauseValue()
    if scanner.acceptWord("x") {
      operation.attributes[key] = .list([value, try scanner.attribute()])
    } else {
      operation.attributes[Self.names[operation.name]?[key] ?? key] = value
    }
  }

  /// An attribute behind which the operation's types may stand, so that a colon isn't the attribute's.
  private mutating func clauseValue() throws -> MLIRAttribute {
    switch scanner.peek() {
    case UInt8(ascii: "\""): return .string(try scanner.string())
    case UInt8(ascii: "-"), 0x30...0x39:
      guard let text = scanner.number().flatMap({ String($0) }) else { throw scanner.unexpected("a number") }
      let stop = scanner.place
      if !scanner.accept(":") || scanner.acceptWord().flatMap(DType.named) == nil { scanner.place = stop }
      if let value = MLIRScanner.integer(text) { return .integer(value) }
      guard let real = Double(text) else { throw scanner.error("'\(text)' isn't a number") }
      return .float(real)
    default:
      if scanner.acceptWord("true") { return .bool(true) }
      if scanner.acceptWord("false") { return .bool(false) }
      return try scanner.attribute()
    }
  }

  /// The types behind an operation's own form.
  private mutating func types(_ operation: inout MLIROperation, results: Int) throws {
    let count = operation.operands.count
    guard scanner.accept(":") else {
      guard count == 0 else { throw scanner.unexpected("':' and types") }
      return
    }
    // check.expect_close has its attributes behind the colon.
    if scanner.isNext("{") { operation.attributes.merge(try scanner.dictionary()) { $1 } }
    let isGrouped = scanner.isNext("(")
    var list = try scanner.typeList()
    while !isGrouped, scanner.accept(",") { list.append(try scanner.type()) }
    if scanner.accept("->") {
      operation.operandTypes = list
      operation.resultTypes = try scanner.typeList()
    } else {
      try spread(list, &operation, results: results)
    }
    if operation.operandTypes.count == 1, count > 1, !isGrouped {
      operation.operandTypes = Array(repeating: operation.operandTypes[0], count: count)
    }
    guard operation.operandTypes.count == count else {
      throw scanner.error(
        "\(operation.name) has \(count) operand(s) and \(operation.operandTypes.count) type(s) of them",
        at: operation.place)
    }
  }

  /// Types of operands and results from a list that names each once.
  private func spread(_ list: [MLIRType], _ operation: inout MLIROperation, results: Int) throws {
    let count = operation.operands.count
    guard let last = list.last else { return }
    let name = operation.name
    if name.hasSuffix(".return") || name.hasPrefix("check.") || results == 0 && list.count == count {
      operation.operandTypes = list.count == count ? list : Array(repeating: last, count: count)
    } else if name == "stablehlo.select", list.count == 2, count == 3 {
      operation.operandTypes = [list[0], last, last]
      operation.resultTypes = [last]
    } else if name == "stablehlo.complex", list.count == 1, case .tensor(.known(let dtype), let sizes) = last {
      operation.operandTypes = Array(repeating: .tensor(.known(dtype.realType), sizes), count: count)
      operation.resultTypes = [last]
    } else if name == "stablehlo.tuple", list.count == 1, case .tuple(let parts) = last {
      operation.operandTypes = parts
      operation.resultTypes = [last]
    } else if list.count == 1 {
      operation.operandTypes = Array(repeating: last, count: count)
      operation.resultTypes = [last]
    } else {
      // An optimization barrier's values, a case's results: one type each.
      operation.operandTypes = list.count == count ? list : []
      operation.resultTypes = list
    }
  }

  /// `(types) -> types`.
  private mutating func functionType(_ operation: inout MLIROperation) throws {
    try scanner.expect(":")
    operation.operandTypes = try scanner.typeList()
    try scanner.expect("->")
    operation.resultTypes = try scanner.typeList()
    guard operation.operandTypes.count == operation.operands.count else {
      throw scanner.error(
        "\(operation.name) has \(operation.operands.count) operand(s) and \(operation.operandTypes.count) type(s) of them",
        at: operation.place)
    }
  }

  /// `(%x init: %i), … applies op across dimensions = […] : …`, or `across … : … reducer(%a: t, %b: t) … { … }`.
  private mutating func reduce(_ operation: inout MLIROperation, depth: Int) throws {
    var starts: [MLIROperand] = []
    repeat {
      try scanner.expect("(")
      operation.operands.append(try operand())
      guard scanner.acceptWord("init") else { throw scanner.unexpected("'init:'") }
      try scanner.expect(":")
      starts.append(try operand())
      try scanner.expect(")")
    } while scanner.accept(",")
    let count = starts.count
    operation.operands += starts
    var inner: String?
    if scanner.acceptWord("applies") { inner = try scanner.word("an operation") }
    guard scanner.acceptWord("across"), scanner.acceptWord("dimensions") else {
      throw scanner.unexpected("'across dimensions = […]'")
    }
    try scanner.expect("=")
    operation.attributes["dimensions"] = try scanner.attribute()
    if scanner.isNext("{") { operation.attributes.merge(try scanner.dictionary()) { $1 } }
    try functionType(&operation)
    if let inner {
      guard case .tensor(let element, _) = operation.operandTypes[0] else {
        throw scanner.error("a reduction takes tensors", at: operation.place)
      }
      let type = MLIRType.tensor(element, [])
      func use(_ name: String) -> MLIROperand { MLIROperand(name: name, index: nil, place: operation.place) }
      let applied = MLIROperation(
        name: inner, results: [("result", 1)], operands: [use("left"), use("right")], operandTypes: [type, type],
        resultTypes: [type], place: operation.place)
      let done = MLIROperation(
        name: "stablehlo.return", operands: [use("result")], operandTypes: [type], place: operation.place)
      operation.regions = [
        MLIRRegion(arguments: [("left", type), ("right", type)], operations: [applied, done], place: operation.place)
      ]
      return
    }
    guard scanner.acceptWord("reducer") else { throw scanner.unexpected("'reducer'") }
    var pairs: [[(name: String, type: MLIRType)]] = []
    while scanner.accept("(") {
      var pair: [(name: String, type: MLIRType)] = []
      repeat {
        let name = try scanner.name(after: "%")
        try scanner.expect(":")
        pair.append((name, try scanner.type()))
        try location()
      } while scanner.accept(",")
      try scanner.expect(")")
      pairs.append(pair)
    }
    guard pairs.count == count, pairs.allSatisfy({ $0.count == 2 }) else {
      throw scanner.error(
        "the reducer takes one pair of arguments for each of \(count) operand(s)", at: operation.place)
    }
    operation.regions = [try region(pairs.map { $0[0] } + pairs.map { $0[1] }, depth: depth + 1)]
  }

  /// `(%a = %x, …) : types cond { … } do { … }`.
  private mutating func whileLoop(_ operation: inout MLIROperation, depth: Int) throws {
    var names: [String] = []
    try scanner.expect("(")
    if !scanner.accept(")") {
      repeat {
        names.append(try scanner.name(after: "%"))
        try scanner.expect("=")
        operation.operands.append(try operand())
      } while scanner.accept(",")
      try scanner.expect(")")
    }
    if scanner.accept(":") {
      repeat { operation.operandTypes.append(try scanner.type()) } while scanner.accept(",")
    }
    operation.resultTypes = operation.operandTypes
    guard names.count == operation.operandTypes.count else {
      throw scanner.error(
        "the loop has \(names.count) value(s) and \(operation.operandTypes.count) type(s) of them", at: operation.place)
    }
    if scanner.acceptWord("attributes") { operation.attributes = try scanner.dictionary() }
    let arguments = Array(zip(names, operation.operandTypes)).map { (name: $0, type: $1) }
    guard scanner.acceptWord("cond") else { throw scanner.unexpected("'cond'") }
    operation.regions.append(try region(arguments, depth: depth + 1))
    guard scanner.acceptWord("do") else { throw scanner.unexpected("'do'") }
    operation.regions.append(try region(arguments, depth: depth + 1))
  }

  /// `(%x, …) inits(%i, …) dimension=0 attributes {…} { ^bb0(…): … } : (types) -> types`.
  private mutating func scan(_ operation: inout MLIROperation, depth: Int) throws {
    var counts: [Int] = []
    for word in ["", "inits"] {
      guard word.isEmpty || scanner.acceptWord(word) else { throw scanner.unexpected("'\(word)'") }
      let start = operation.operands.count
      try scanner.expect("(")
      if !scanner.accept(")") {
        repeat { operation.operands.append(try operand()) } while scanner.accept(",")
        try scanner.expect(")")
      }
      counts.append(operation.operands.count - start)
    }
    guard scanner.acceptWord("dimension") else { throw scanner.unexpected("'dimension'") }
    try scanner.expect("=")
    let axis = try scanner.integer()
    if scanner.acceptWord("attributes") { operation.attributes = try scanner.dictionary() }
    operation.attributes["dimension"] = .integer(axis)
    operation.attributes["operandSegmentSizes"] = .list(counts.map(MLIRAttribute.integer))
    operation.regions = [try region(depth: depth + 1)]
    try functionType(&operation)
  }

  /// `(%x, %w) dim_numbers = […]x[…]->[…], window = {stride = …} {…} : …`.
  private mutating func convolution(_ operation: inout MLIROperation) throws {
    try scanner.expect("(")
    repeat { operation.operands.append(try operand()) } while scanner.accept(",")
    try scanner.expect(")")
    guard scanner.acceptWord("dim_numbers") else { throw scanner.unexpected("'dim_numbers'") }
    try scanner.expect("=")
    operation.attributes["dimension_numbers"] = .convolution(try scanner.bareConvolutionAxes())
    if scanner.accept(","), scanner.acceptWord("window") {
      try scanner.expect("=")
      let names = [
        "stride": "window_strides", "pad": "padding", "lhs_dilate": "lhs_dilation", "rhs_dilate": "rhs_dilation",
        "reverse": "window_reversal",
      ]
      for (key, value) in try scanner.dictionary() {
        guard let name = names[key] else {
          throw scanner.error("the window has no '\(key)'", at: operation.place)
        }
        operation.attributes[name] = value
      }
    }
    if scanner.isNext("{") { operation.attributes.merge(try scanner.dictionary()) { $1 } }
    try functionType(&operation)
  }

  /// `%x [start:limit:step, …] : …`.
  private mutating func slice(_ operation: inout MLIROperation) throws {
    operation.operands = [try operand()]
    try scanner.expect("[")
    var ranges: [[MLIRAttribute]] = [[], [], []]
    if !scanner.accept("]") {
      repeat {
        ranges[0].append(.integer(try scanner.integer()))
        try scanner.expect(":")
        ranges[1].append(.integer(try scanner.integer()))
        ranges[2].append(.integer(scanner.accept(":") ? try scanner.integer() : 1))
      } while scanner.accept(",")
      try scanner.expect("]")
    }
    operation.attributes = [
      "start_indices": .list(ranges[0]), "limit_indices": .list(ranges[1]), "strides": .list(ranges[2]),
    ]
    if scanner.isNext("{") { operation.attributes.merge(try scanner.dictionary()) { $1 } }
    try functionType(&operation)
  }

  /// `LT, %a, %b, FLOAT : …`.
  private mutating func compare(_ operation: inout MLIROperation) throws {
    operation.attributes["comparison_direction"] = .word(try scanner.word("a direction of comparison"))
    for _ in 0..<2 {
      try scanner.expect(",")
      operation.operands.append(try operand())
    }
    if scanner.accept(",") {
      operation.attributes["compare_type"] = .word(try scanner.word("a kind of comparison"))
    }
    if scanner.isNext("{") { operation.attributes.merge(try scanner.dictionary()) { $1 } }
    try functionType(&operation)
  }
}
