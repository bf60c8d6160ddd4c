/// What is wrong with a StableHLO text, and where.
public struct StableHLOError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Name of the text's file.
  public var file: String
  /// Line and column, from 1.
  public var line, column: Int
  /// What was found, and what was expected.
  public var message: String
  /// Whether the text may be right, and says what isn't supported here.
  public var isUnsupported = false

  public var description: String { "\(file):\(line):\(column): \(message)" }
}

/// A type as the text spells it.
enum MLIRType: Hashable, Sendable {
  /// Sizes are `nil` where they're only known when the program runs.
  case tensor(MLIRElement, [Int?])
  case token
  case tuple([MLIRType])
  /// A type that tensors don't have.
  case other(String)

  var description: String {
    switch self {
    case .tensor(let element, let sizes):
      "tensor<" + sizes.map { $0.map { "\($0)x" } ?? "?x" }.joined() + element.description + ">"
    case .token: "!stablehlo.token"
    case .tuple(let types): "tuple<" + types.map(\.description).joined(separator: ", ") + ">"
    case .other(let name): name
    }
  }
}

/// An element type as the text spells it.
enum MLIRElement: Hashable, Sendable {
  case known(DType)
  /// `i2`, `i4`, `ui2` or `ui4`.
  case narrow(NarrowInteger)
  /// One that tensors don't have, such as `f8E4M3FN` or a quantized one.
  case unknown(String)

  var description: String {
    switch self {
    case .known(let dtype): dtype.mlir
    case .narrow(let type): type.mlir
    case .unknown(let name): name
    }
  }
}

/// Elements between `dense<` and `>`, not yet read.
struct MLIRDense: Sendable {
  /// Where the elements stand in the text.
  let content: Range<Int>
  let element: MLIRElement
  let shape: Shape
}

/// An attribute.
indirect enum MLIRAttribute: Sendable {
  case integer(Int)
  case float(Double)
  case bool(Bool)
  case string(String)
  /// A bare or dialect word: `LT`, `e8m10`.
  case word(String)
  case symbol(String)
  case list([MLIRAttribute])
  case dictionary([String: MLIRAttribute])
  case dense(MLIRDense)
  case type(MLIRType)
  /// Axes of a convolution's operands: letters or numbers.
  case convolution([[String]])
  case unit
  /// One that nothing here reads.
  case opaque
}

/// A use of a value: `%name` or `%name#2`.
struct MLIROperand: Sendable {
  let name: String
  let index: Int?
  let place: Int
}

/// An operation, whatever form the text has, as its generic form.
struct MLIROperation: Sendable {
  var name: String
  var results: [(name: String, count: Int)] = []
  var operands: [MLIROperand] = []
  var attributes: [String: MLIRAttribute] = [:]
  var regions: [MLIRRegion] = []
  var operandTypes: [MLIRType] = []
  var resultTypes: [MLIRType] = []
  /// Where it stands in the text.
  var place: Int

  var resultCount: Int { results.reduce(0) { $0 + $1.count } }
}

/// A block of operations with its arguments.
struct MLIRRegion: Sendable {
  var arguments: [(name: String, type: MLIRType)]
  var operations: [MLIROperation]
  var place: Int
}

/// A function of a module.
struct MLIRFunction: Sendable {
  let name: String
  let arguments: [(name: String, type: MLIRType)]
  let resultTypes: [MLIRType]
  /// `nil` for a declaration.
  let body: MLIRRegion?
  let place: Int
}
