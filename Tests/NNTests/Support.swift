import Foundation
import NN
import Pinion
import Testing

/// Values that another library computed: see `Oracles/README.md`.
struct Oracle: Sendable {
  private struct Entry: Decodable {
    var shape: [Int]
    var data: [Double]
  }

  static let layers = read("layers")
  static let losses = read("losses")
  static let optimizers = read("optimizers")
  static let gan = read("gan")

  /// Tensors (float64) of a case by name.
  let cases: [String: [String: Tensor]]

  private static func read(_ name: String) -> Result<Oracle, any Error> {
    Result {
      let url = try #require(Bundle.module.url(forResource: name, withExtension: "json", subdirectory: "Oracles"))
      let cases = try JSONDecoder().decode([String: [String: Entry]].self, from: Data(contentsOf: url))
      return Oracle(cases: cases.mapValues { $0.mapValues { Tensor($0.data, shape: $0.shape) } })
    }
  }
}

extension Result<Oracle, any Error> {
  /// A case of the oracle.
  func callAsFunction(_ name: String) throws -> Case {
    Case(name: name, values: try #require(try get().cases[name], "no case '\(name)'"))
  }
}

/// A case of an oracle.
struct Case {
  let name: String
  let values: [String: Tensor]

  subscript(_ name: String) -> Tensor {
    values[name] ?? .failed(.value("oracle", "'\(self.name)' has no '\(name)'"))
  }

  /// The model with its parameters from the case, in float64.
  func filled<M: Module>(_ model: M) throws -> M {
    try map(model) { leaf in
      if leaf.isBuffer { return leaf.tensor.cast(.float64) }
      let value = self["parameter \(leaf.path)"]
      if let failure = leaf.tensor.failure ?? value.failure { throw failure }
      #expect(value.shape == leaf.tensor.shape, "\(name): \(leaf.path)")
      return value
    }
  }

  /// Compares the result of `forward`, and the gradients by parameters and the named inputs of its sum with the
  /// case's cotangent.
  func check<M: Module>(
    _ model: M, inputs: [String] = ["x"], tolerance: Double = 1e-8,
    sourceLocation: Testing.SourceLocation = #_sourceLocation, _ forward: (M, [Tensor]) throws -> Tensor
  ) throws {
    let filled = try filled(model)
    let (_, gradients, y) = try valueAndGrad(Pair(model: filled, inputs: inputs.map { self[$0] })) { pair in
      let y = try forward(pair.model, pair.inputs)
      return ((y * self["cotangent"]).sum(), y)
    }
    let byPath = try leaves(of: gradients.model).filter { !$0.isBuffer }
    try evaluate([y] + byPath.map(\.tensor) + gradients.inputs)
    try expectClose(y, self["y"], tolerance, "\(name)", sourceLocation: sourceLocation)
    for leaf in byPath {
      try expectClose(
        leaf.tensor, self["grad parameter \(leaf.path)"], tolerance, "\(name), gradient of \(leaf.path)",
        sourceLocation: sourceLocation)
    }
    for (input, gradient) in zip(inputs, gradients.inputs) {
      try expectClose(
        gradient, self["grad \(input)"], tolerance, "\(name), gradient of \(input)", sourceLocation: sourceLocation)
    }
  }
}

private struct Pair<M: Module>: Module {
  var model: M
  var inputs: [Tensor]
}

func doubles(_ t: Tensor) throws -> [Double] { try t.cast(.float64).array(of: Double.self) }

func expectClose(
  _ a: Tensor, _ b: Tensor, _ tolerance: Double = 1e-9, _ comment: Comment? = nil,
  sourceLocation: Testing.SourceLocation = #_sourceLocation
) throws {
  #expect(a.shape == b.shape, comment, sourceLocation: sourceLocation)
  for (x, y) in zip(try doubles(a), try doubles(b))
  where !(abs(x - y) <= tolerance * max(1, abs(y)) || x == y || x.isNaN && y.isNaN) {
    Issue.record("\(comment?.rawValue ?? "") \(x) is not \(y)", sourceLocation: sourceLocation)
    return
  }
}
