/// Programs in StableHLO's text form, as XLA, JAX and PyTorch export them.
///
/// ```swift
/// let module = try StableHLOModule(text)
/// let y = try module([x])[0]
/// print(try stableHLO(of: [x.type]) { [$0[0].exp()] })
/// ```
public struct StableHLOModule: Sendable {
  let functions: [MLIRFunction]
  let scanner: MLIRScanner

  /// Reads a text of one module, in StableHLO's own or in MLIR's generic form.
  ///
  /// - Parameters:
  ///   - text: at most 2 GiB.
  ///   - file: name for messages.
  /// - Throws: `StableHLOError` where the text is malformed, or has more than one module.
  public init(_ text: String, file: String = "text") throws {
    let modules = try Self.modules(in: Array(text.utf8), file: file)
    guard modules.count == 1 else {
      throw StableHLOError(
        file: file, line: 1, column: 1, message: "the text has \(modules.count) modules, expected one")
    }
    self = modules[0]
  }

  init(functions: [MLIRFunction], scanner: MLIRScanner) {
    self.functions = functions
    self.scanner = scanner
  }

  /// The modules of a text, which lines `// -----` separate.
  ///
  /// - Throws: `StableHLOError` where the text is malformed.
  public static func modules(in bytes: [UInt8], file: String) throws -> [StableHLOModule] {
    try sections(of: bytes).compactMap { range in
      var parser = MLIRParser(bytes, file: file, range: range)
      let functions = try parser.module()
      return functions.isEmpty ? nil : StableHLOModule(functions: functions, scanner: parser.scanner)
    }
  }

  /// Parts of a text between lines `// -----`.
  static func sections(of bytes: [UInt8]) -> [Range<Int>] {
    var ranges: [Range<Int>] = []
    var (start, line) = (0, 0)
    let mark = Array("// -----".utf8)
    while line < bytes.count {
      let next = bytes[line...].firstIndex(of: 0x0A).map { $0 + 1 } ?? bytes.count
      let text = bytes[line..<next].drop { $0 == 0x20 || $0 == 0x09 }
      if text.starts(with: mark) {
        ranges.append(start..<line)
        start = next
      }
      line = next
    }
    ranges.append(start..<bytes.count)
    return ranges
  }

  /// Names of the functions, in the text's order.
  public var functionNames: [String] { functions.map(\.name) }

  /// The function that is called without another name: `main`, or the first.
  public var mainName: String { functions.contains { $0.name == "main" } ? "main" : functions.first?.name ?? "main" }

  /// Names of a function's arguments, without `%`.
  public func argumentNames(of name: String? = nil) -> [String] {
    functions.first { $0.name == name ?? mainName }?.arguments.map(\.name) ?? []
  }

  /// Types of a function's arguments. Integers of 2 and 4 bits are held in bytes: `i4` in int8, `ui4` in uint8.
  ///
  /// - Throws: `StableHLOError` where there is no such function, or it takes what isn't a tensor of known sizes.
  public func argumentTypes(of name: String? = nil) throws -> [TensorType] {
    let name = name ?? mainName
    guard let function = functions.first(where: { $0.name == name }) else {
      throw scanner.error("there is no function @\(name)", at: 0)
    }
    let reader = GraphReader(functions, scanner: scanner)
    return try function.arguments.map { try reader.tensorType($0.type, at: function.place) }
  }

  /// What a function computes; nothing runs until it's read, so that it can be part of `jit`, `grad` or `vmap`.
  ///
  /// Results that aren't tensors are left out; comparisons (`check.…`) aren't made.
  ///
  /// - Parameter name: of the function; `main` without it, or the first.
  /// - Throws: `StableHLOError` with the place in the text, where an operation isn't known or a type doesn't fit.
  public func callAsFunction(_ inputs: [Tensor], function name: String? = nil) throws -> [Tensor] {
    for input in inputs { if let failure = input.failure { throw failure } }
    return try run(inputs, function: name).results
  }

  /// What a function computes, and the comparisons that it makes.
  ///
  /// - Parameters:
  ///   - given: results of functions that aren't called.
  ///   - widening: whether floating-point and complex elements are made double precision.
  func run(
    _ inputs: [Tensor], function name: String? = nil, given: [String: [Tensor]] = [:], widening: Bool = false
  ) throws -> (results: [Tensor], checks: [StableHLOCheck]) {
    let name = name ?? mainName
    let reader = GraphReader(functions, scanner: scanner, given: given, widening: widening)
    let place = functions.first { $0.name == name }?.place ?? 0
    let types = functions.first { $0.name == name }?.arguments.map(\.type) ?? []
    let arguments = inputs.enumerated().map { k, input in
      k < types.count ? MLIRValue(input, types[k]) : .tensor(input)
    }
    return (try reader.call(name, arguments, at: place).compactMap(\.tensor), reader.checks)
  }
}

/// StableHLO text of a function, in MLIR's generic form: for other compilers, or to look at.
///
/// Tensors that the function captures become arguments after the given ones.
///
/// - Parameters:
///   - types: of the arguments.
///   - function: what to print.
/// - Throws: what `function` throws; `TensorError` of a failed result.
public func stableHLO(of types: [TensorType], _ function: ([Tensor]) throws -> [Tensor]) throws -> String {
  try Region.trace(types, .made, function).region.program.text(isPortable: true)
}

extension Tensor {
  /// StableHLO text of the program that computes the tensor; its data are arguments.
  ///
  /// - Throws: `TensorError` where the tensor failed.
  public func stableHLO() throws -> String {
    if let failure { throw failure }
    return try Program(computing: [self]).text(isPortable: true)
  }
}
