extension MLIRScanner {
  /// Greatest size of an axis and greatest number in an attribute's list: sums and products of two stay in 64 bits.
  static let sizeLimit = 1 << 31
  /// Greatest number of elements.
  static let countLimit = 1 << 40

  /// Whether a shape's sizes and their product are within limits.
  static func isReasonable(_ shape: Shape) -> Bool {
    var count = 1
    for size in shape {
      guard size >= 0, size < sizeLimit else { return false }
      let (product, overflow) = count.multipliedReportingOverflow(by: Swift.max(size, 1))
      guard !overflow, product <= countLimit else { return false }
      count = product
    }
    return true
  }

  /// A type.
  mutating func type(depth: Int = 0) throws -> MLIRType {
    guard depth < Self.depthLimit else { throw error("types are nested deeper than \(Self.depthLimit)") }
    if isNext("!") {
      let start = place
      place += 1
      let name = try word("a type after '!'")
      if isNext("<") { try skipBrackets() }
      if name == "stablehlo.token" || name == "mhlo.token" { return .token }
      guard !name.hasPrefix("stablehlo.") || name == "stablehlo.future" else {
        throw error("'!\(name)' isn't a type of StableHLO", at: start)
      }
      return .other(String(decoding: bytes[start..<place], as: UTF8.self))
    }
    if isNext("(") {
      try skipBrackets()
      guard accept("->") else { throw unexpected("'->'") }
      if isNext("(") { try skipBrackets() } else { _ = try type(depth: depth + 1) }
      return .other("function")
    }
    let start = place
    let name = try word("a type")
    switch name {
    case "tensor": return try tensorType(depth: depth)
    case "tuple":
      try expect("<")
      var types: [MLIRType] = []
      if !accept(">") {
        repeat { types.append(try type(depth: depth + 1)) } while accept(",")
        try expect(">")
      }
      return .tuple(types)
    default:
      if isNext("<") { try skipBrackets() }
      return .other(String(decoding: bytes[start..<place], as: UTF8.self))
    }
  }

  private mutating func tensorType(depth: Int) throws -> MLIRType {
    let start = place
    try expect("<")
    var sizes: [Int?] = []
    while true {
      if accept("*") { throw unsupported("a tensor without rank can't be read") }
      if accept("?") {
        sizes.append(nil)
      } else if Self.isDigit(peek()) {
        var size = 0
        while place < end, Self.isDigit(bytes[place]) {
          size = size * 10 + Int(bytes[place] - 0x30)
          guard size < Self.sizeLimit else { throw error("the size of an axis is \(size)…, expected less than 2^31") }
          place += 1
        }
        sizes.append(size)
      } else {
        break
      }
      guard accept("x") else { throw unexpected("'x' after the size of an axis") }
    }
    let element = try elementType()
    if accept(",") {
      // An encoding says how a tensor is stored or bounded.
      _ = try attribute(depth: depth + 1)
    }
    try expect(">")
    guard Self.isReasonable(sizes.map { $0 ?? 1 }) else {
      throw error("the tensor has more than 2^40 elements", at: start)
    }
    return .tensor(element, sizes)
  }

  /// The element type of a tensor.
  mutating func elementType() throws -> MLIRElement {
    if isNext("!") {
      let start = place
      place += 1
      _ = try word("a type after '!'")
      if isNext("<") { try skipBrackets() }
      return .unknown(String(decoding: bytes[start..<place], as: UTF8.self))
    }
    let start = place
    let name = try word("an element type")
    if name == "complex" {
      try expect("<")
      let part = try word("f32 or f64")
      try expect(">")
      switch part {
      case "f32": return .known(.complex64)
      case "f64": return .known(.complex128)
      default: return .unknown("complex<\(part)>")
      }
    }
    if let dtype = DType.named(name) { return .known(dtype) }
    if let narrow = NarrowInteger.named(name) { return .narrow(narrow) }
    let isType =
      name == "index" || name == "none" || name.hasPrefix("f") || name == "tf32"
      || (name.hasPrefix("i") || name.hasPrefix("ui") || name.hasPrefix("si"))
        && name.drop { !$0.isNumber }.allSatisfy(\.isNumber)
    guard isType else { throw error("'\(name)' isn't an element type", at: start) }
    if isNext("<") { try skipBrackets() }
    return .unknown(name)
  }

  /// Types between parentheses, or one without.
  mutating func typeList() throws -> [MLIRType] {
    guard accept("(") else { return [try type()] }
    var types: [MLIRType] = []
    if accept(")") { return types }
    repeat {
      types.append(try type())
      if isNext("{") { try skipBrackets() }  // Attributes of a function's result.
    } while accept(",")
    try expect(")")
    return types
  }

  /// An attribute.
  mutating func attribute(depth: Int = 0) throws -> MLIRAttribute {
    guard depth < Self.depthLimit else { throw error("attributes are nested deeper than \(Self.depthLimit)") }
    switch peek() {
    case UInt8(ascii: "\""):
      let text = try string()
      if accept(":") { _ = try type() }
      return .string(text)
    case UInt8(ascii: "["):
      place += 1
      var list: [MLIRAttribute] = []
      if accept("]") { return .list(list) }
      repeat { list.append(try attribute(depth: depth + 1)) } while accept(",")
      try expect("]")
      return .list(list)
    case UInt8(ascii: "{"): return .dictionary(try dictionary(depth: depth + 1))
    case UInt8(ascii: "@"):
      let name = try name(after: "@")
      while accept("::") { _ = try self.name(after: "@") }
      return .symbol(name)
    case UInt8(ascii: "#"): return try dialectAttribute(depth: depth)
    case UInt8(ascii: "!"), UInt8(ascii: "("): return .type(try type(depth: depth + 1))
    case UInt8(ascii: "<"):
      try skipBrackets()
      return .opaque
    case UInt8(ascii: "-"), 0x30...0x39:
      let start = place
      guard let text = number().flatMap({ String($0) }) else { throw unexpected("a number") }
      let value = Self.integer(text)
      if accept(":") { _ = try type() }
      if let value { return .integer(value) }
      guard let real = Double(text) else { throw error("'\(text)' isn't a number", at: start) }
      return .float(real)
    default: return try wordAttribute(depth: depth)
    }
  }

  private mutating func wordAttribute(depth: Int) throws -> MLIRAttribute {
    switch peekWord() {
    case "dense": return .dense(try dense())
    case "array": return .list(try denseArray())
    case "true", "false":
      let value = try word("a boolean") == "true"
      if accept(":") { _ = try type() }
      return .bool(value)
    case "unit":
      place += 4
      return .unit
    case "tensor", "tuple": return .type(try type(depth: depth + 1))
    case nil: throw unexpected("an attribute")
    default:
      let name = try word("an attribute")
      if isNext("<") || isNext("("), name != "x" { try skipBrackets() }
      return .word(name)
    }
  }

  /// `dense<…> : tensor<…>`.
  mutating func dense() throws -> MLIRDense {
    let start = place
    try expect("dense")
    skipSpace()
    let open = place
    try skipBrackets()
    let content = (open + 1)..<(place - 1)
    try expect(":")
    guard case .tensor(let element, let sizes) = try type() else {
      throw error("elements are of a type that isn't a tensor", at: start)
    }
    let shape = sizes.compactMap { $0 }
    guard shape.count == sizes.count else { throw error("the elements' shape isn't known", at: start) }
    return MLIRDense(content: content, element: element, shape: shape)
  }

  /// `array<i64: 1, 2>`.
  private mutating func denseArray() throws -> [MLIRAttribute] {
    try expect("array")
    try expect("<")
    _ = try word("an element type")
    var list: [MLIRAttribute] = []
    if accept(":") { repeat { list.append(try attribute(depth: Self.depthLimit - 1)) } while accept(",") }
    try expect(">")
    return list
  }

  /// `{key = value, …}`.
  mutating func dictionary(depth: Int = 0) throws -> [String: MLIRAttribute] {
    try expect("{")
    var result: [String: MLIRAttribute] = [:]
    if accept("}") { return result }
    repeat {
      let key = isNext("\"") ? try string() : try word("the name of an attribute")
      result[key] = accept("=") ? try attribute(depth: depth) : .unit
    } while accept(",")
    try expect("}")
    return result
  }

  /// `#stablehlo.gather<…>`, `#stablehlo<comparison_direction LT>`, an alias.
  private mutating func dialectAttribute(depth: Int) throws -> MLIRAttribute {
    try expect("#")
    guard let name = acceptWord() else {
      _ = number()
      return .opaque
    }
    guard isNext("<") else { return .opaque }
    let start = place
    if ["stablehlo", "chlo", "mhlo"].contains(name) {
      try expect("<")
      let kind = try word("the kind of an attribute")
      if let word = acceptWord(), accept(">") { return .word(word) }
      _ = kind
    } else if name.hasSuffix(".conv") {
      if let axes = try convolutionAxes() { return .convolution(axes) }
    }
    if ["stablehlo.", "chlo.", "mhlo."].contains(where: name.hasPrefix) {
      place = start
      if let fields = fields(depth: depth) { return .dictionary(fields) }
    }
    place = start
    try skipBrackets()
    return .opaque
  }

  /// `<key = value, …>`; `nil` where something else stands.
  private mutating func fields(depth: Int) -> [String: MLIRAttribute]? {
    guard accept("<") else { return nil }
    var result: [String: MLIRAttribute] = [:]
    if accept(">") { return result }
    repeat {
      if acceptWord("raw") { continue }
      guard let key = acceptWord() else { return nil }
      guard accept("=") else {
        result[key] = .unit
        continue
      }
      guard let value = try? attribute(depth: depth + 1) else { return nil }
      result[key] = value
    } while (accept(",") || !isNext(">") && peekWord() != nil) && !isNext(">")
    return accept(">") ? result : nil
  }

  /// `<[b, 0, f]x[0, i, o]->[b, 0, f]>`; `nil` where something else stands.
  private mutating func convolutionAxes() throws -> [[String]]? {
    guard accept("<"), isNext("[") else { return nil }
    let axes = try bareConvolutionAxes()
    try expect(">")
    return axes
  }

  /// `[b, 0, f]x[0, i, o]->[b, 0, f]`.
  mutating func bareConvolutionAxes() throws -> [[String]] {
    func list(_ scanner: inout MLIRScanner) throws -> [String] {
      try scanner.expect("[")
      var axes: [String] = []
      if scanner.accept("]") { return axes }
      repeat {
        if let word = scanner.acceptWord() {
          axes.append(word)
        } else if scanner.accept("?") {
          axes.append("?")
        } else {
          axes.append("\(try scanner.integer("an axis: a letter or a number"))")
        }
      } while scanner.accept(",")
      try scanner.expect("]")
      return axes
    }
    let input = try list(&self)
    try expect("x")
    let kernel = try list(&self)
    try expect("->")
    return [input, kernel, try list(&self)]
  }
}

extension DType {
  /// The type that MLIR spells so.
  static func named(_ name: String) -> DType? {
    switch name {
    case "i1": .bool
    case "i8", "si8": .int8
    case "i16", "si16": .int16
    case "i32", "si32": .int32
    case "i64", "si64": .int64
    case "ui8": .uint8
    case "ui16": .uint16
    case "ui32": .uint32
    case "ui64": .uint64
    case "f16": .float16
    case "bf16": .bfloat16
    case "f32": .float32
    case "f64": .float64
    default: nil
    }
  }
}
