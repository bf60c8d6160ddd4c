/// Reads one module: functions, in a `module` or without one.
struct MLIRParser {
  var scanner: MLIRScanner

  init(_ bytes: [UInt8], file: String, range: Range<Int>? = nil) {
    scanner = MLIRScanner(bytes, file: file, range: range)
  }

  mutating func module() throws -> [MLIRFunction] {
    var functions: [MLIRFunction] = []
    var open = 0
    while scanner.peek() != 0 {
      if scanner.isNext("#") || scanner.isNext("!") {
        try alias()
        continue
      }
      if open > 0, scanner.accept("}") {
        open -= 1
        try location()
        continue
      }
      let start = scanner.place
      if scanner.isNext("\"") { throw scanner.unexpected("'module' or 'func.func'") }
      switch try scanner.word("'module' or 'func.func'") {
      case "module", "builtin.module":
        if scanner.isNext("@") { _ = try scanner.name(after: "@") }
        if scanner.acceptWord("attributes") { _ = try scanner.dictionary() }
        try scanner.expect("{")
        open += 1
      case "func.func", "func":
        let function = try function(at: start)
        if functions.contains(where: { $0.name == function.name }) {
          throw scanner.error("a second function @\(function.name)", at: start)
        }
        functions.append(function)
      case "sdy.mesh":
        _ = try scanner.name(after: "@")
        try scanner.expect("=")
        _ = try scanner.attribute()
      case let word: throw scanner.error("found '\(word)', expected 'module' or 'func.func'", at: start)
      }
    }
    guard open == 0 else { throw scanner.unexpected("'}' at the end of the module") }
    return functions
  }

  /// `#name = …`, which nothing here uses.
  private mutating func alias() throws {
    scanner.place += 1
    _ = scanner.acceptWord() ?? scanner.number().flatMap { String($0) }
    try scanner.expect("=")
    if scanner.acceptWord("loc") { try scanner.skipBrackets() } else { _ = try scanner.attribute() }
  }

  private mutating func function(at place: Int) throws -> MLIRFunction {
    for word in ["public", "private", "nested"] where scanner.acceptWord(word) { break }
    let name = try scanner.name(after: "@")
    try scanner.expect("(")
    var arguments: [(name: String, type: MLIRType)] = []
    if !scanner.accept(")") {
      repeat {
        // A declaration has types alone.
        let name = scanner.isNext("%") ? try scanner.name(after: "%") : ""
        if !name.isEmpty { try scanner.expect(":") }
        arguments.append((name, try scanner.type()))
        if scanner.isNext("{") { _ = try scanner.dictionary() }
        try location()
      } while scanner.accept(",")
      try scanner.expect(")")
    }
    let results = scanner.accept("->") ? try scanner.typeList() : []
    if scanner.acceptWord("attributes") { _ = try scanner.dictionary() }
    let body = scanner.isNext("{") ? try region(arguments, depth: 0) : nil
    try location()
    return MLIRFunction(name: name, arguments: arguments, resultTypes: results, body: body, place: place)
  }

  /// `loc(…)`.
  mutating func location() throws {
    if scanner.peekWord() == "loc" {
      scanner.place += 3
      try scanner.skipBrackets()
    }
  }

  /// `{ ^bb0(%a: type, …): operations }`.
  mutating func region(_ given: [(name: String, type: MLIRType)] = [], depth: Int) throws -> MLIRRegion {
    guard depth < MLIRScanner.depthLimit else {
      throw scanner.error("regions are nested deeper than \(MLIRScanner.depthLimit)")
    }
    scanner.skipSpace()
    var region = MLIRRegion(arguments: given, operations: [], place: scanner.place)
    try scanner.expect("{")
    if scanner.isNext("^") {
      _ = try scanner.name(after: "^")
      if scanner.accept("("), !scanner.accept(")") {
        repeat {
          let name = try scanner.name(after: "%")
          try scanner.expect(":")
          region.arguments.append((name, try scanner.type()))
          try location()
        } while scanner.accept(",")
        try scanner.expect(")")
      }
      try scanner.expect(":")
    }
    while !scanner.accept("}") {
      if scanner.isNext("^") { throw scanner.error("a second block: regions have one here") }
      region.operations.append(try operation(depth: depth))
    }
    return region
  }

  /// One operation, in either form.
  mutating func operation(depth: Int) throws -> MLIROperation {
    var results: [(name: String, count: Int)] = []
    if scanner.isNext("%") {
      repeat {
        let name = try scanner.name(after: "%")
        var count = 1
        if scanner.accept(":") {
          count = try scanner.integer("a number of results")
          guard count > 0, count <= 10_000 else { throw scanner.error("\(count) results, expected 1 to 10000") }
        }
        results.append((name, count))
      } while scanner.accept(",")
      try scanner.expect("=")
    }
    scanner.skipSpace()
    let place = scanner.place
    var operation: MLIROperation
    if scanner.isNext("\"") {
      operation = MLIROperation(name: try scanner.string(), place: place)
      try generic(&operation, depth: depth)
    } else {
      operation = MLIROperation(name: try scanner.word("an operation"), place: place)
      try pretty(&operation, results: results.reduce(0) { $0 + $1.count }, depth: depth)
    }
    operation.results = results
    try location()
    let count = operation.resultCount
    if !results.isEmpty, count != operation.resultTypes.count {
      throw scanner.error(
        "\(operation.name) has \(operation.resultTypes.count) result(s), \(count) name(s) stand before it", at: place)
    }
    return operation
  }

  /// `(operands) <{properties}> ({region}, …) {attributes} : (types) -> types`.
  private mutating func generic(_ operation: inout MLIROperation, depth: Int) throws {
    try scanner.expect("(")
    if !scanner.accept(")") {
      repeat { operation.operands.append(try operand()) } while scanner.accept(",")
      try scanner.expect(")")
    }
    if scanner.isNext("[") { throw scanner.error("successors: blocks can't be jumped to here") }
    if scanner.accept("<") {
      operation.attributes = try scanner.dictionary()
      try scanner.expect(">")
    }
    if scanner.isNext("(") {
      scanner.place += 1
      if !scanner.accept(")") {
        repeat { operation.regions.append(try region(depth: depth + 1)) } while scanner.accept(",")
        try scanner.expect(")")
      }
    }
    if scanner.isNext("{") {
      operation.attributes.merge(try scanner.dictionary()) { _, new in new }
    }
    try scanner.expect(":")
    guard scanner.isNext("(") else { throw scanner.unexpected("the operands' types in parentheses") }
    operation.operandTypes = try scanner.typeList()
    try scanner.expect("->")
    operation.resultTypes = try scanner.typeList()
    guard operation.operandTypes.count == operation.operands.count else {
      throw scanner.error(
        "\(operation.name) has \(operation.operands.count) operand(s) and \(operation.operandTypes.count) type(s) of them",
        at: operation.place)
    }
  }

  /// `%name` or `%name#2`.
  mutating func operand() throws -> MLIROperand {
    scanner.skipSpace()
    let place = scanner.place
    let name = try scanner.name(after: "%")
    var index: Int?
    if scanner.place < scanner.end, scanner.bytes[scanner.place] == UInt8(ascii: "#") {
      scanner.place += 1
      index = try scanner.integer("the number of a result")
    }
    return MLIROperand(name: name, index: index, place: place)
  }
}
