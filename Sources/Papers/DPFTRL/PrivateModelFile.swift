import Formats
import Foundation
import Lab
import NN
import Pinion

/// Networks that can be trained privately from the command line.
public struct PrivateNetwork: Codable, Hashable, Sendable {
  public enum Kind: String, Codable, CaseIterable, Sendable {
    /// The paper's network for MNIST and EMNIST.
    case small
    /// The paper's network for CIFAR-10.
    case vgg
    /// One hidden layer.
    case mlp
    /// Logistic regression.
    case linear
  }

  public var kind: Kind
  public var data: PrivateData.Kind
  public var classes: Int
  /// Width of the hidden layer of `mlp`.
  public var width: Int

  /// Checks that the network fits the data.
  ///
  /// - Throws: `UsageError` that says what doesn't.
  public func validate() throws {
    guard classes >= 2 else { throw UsageError("the data have one class, expected at least two") }
    guard (1...65_536).contains(width) else { throw UsageError("--hidden \(width): expected 1 to 65536") }
    let smallest = kind == .small ? SmallConvNet.smallestSide : kind == .vgg ? DeepConvNet.smallestSide : 1
    switch data {
    case .pictures(let side, _):
      guard side >= smallest else {
        throw UsageError(
          "pictures of \(side) pixels are too small for --network \(kind.rawValue), which takes \(smallest) up")
      }
    case .numbers:
      guard kind == .mlp || kind == .linear else {
        throw UsageError("--network \(kind.rawValue) takes pictures; rows of numbers take mlp or linear")
      }
    }
  }

  /// The network with fresh weights.
  public func make(key: Key) -> any PrivateClassifier {
    switch (kind, data) {
    case (.small, .pictures(let side, let channels)):
      SmallConvNet(side: side, channels: channels, classes: classes, key: key)
    case (.vgg, .pictures(let side, let channels)):
      DeepConvNet(side: side, channels: channels, classes: classes, key: key)
    default: DenseNet(inputs: data.size, width: kind == .linear ? 0 : width, classes: classes, key: key)
    }
  }
}

extension PrivateData.Kind {
  /// Numbers of a row.
  var size: Int {
    switch self {
    case .pictures(let side, let channels): side * side * channels
    case .numbers(let columns, _, _): columns.count
    }
  }
}

/// A privately trained classifier in one safetensors file: weights by key path; in the metadata what is needed to use them
/// (`pinion.private`), and the privacy statement in words (`privacy`).
public struct PrivateModelFile: Sendable {
  public var network: PrivateNetwork
  public var classNames: [String]
  /// nil for a model without privacy.
  public var guarantee: PrivacyGuarantee?
  /// Weights by key path.
  public var weights: [String: Tensor]

  private struct Description: Codable {
    var network: PrivateNetwork
    var classNames: [String]
    var guarantee: PrivacyGuarantee?
  }

  /// - Throws: `TensorError` where the model can't be taken apart.
  public init(
    _ model: any PrivateClassifier, network: PrivateNetwork, classNames: [String], guarantee: PrivacyGuarantee?
  ) throws {
    func named<M: PrivateClassifier>(_ model: M) throws -> [String: Tensor] { try parameters(of: model) }
    self.network = network
    self.classNames = classNames
    self.guarantee = guarantee
    weights = try named(model)
  }

  /// Reads a file.
  ///
  /// - Throws: `FormatError` where it isn't a safetensors file, or not one of a private classifier.
  public init(path: String) throws {
    let file = try Safetensors(path: path)
    guard let text = file.metadata["pinion.private"] else {
      throw FormatError(
        path, "has no description of a private classifier; expected a file that `pinion dp-ftrl train` wrote")
    }
    guard let description = try? JSONDecoder().decode(Description.self, from: Data(text.utf8)) else {
      throw FormatError(path, "its description of a private classifier is of another version")
    }
    network = description.network
    classNames = description.classNames
    guarantee = description.guarantee
    weights = file.tensors()
    guard network.classes == classNames.count, (try? network.validate()) != nil else {
      throw FormatError(path, "its description of a private classifier isn't consistent")
    }
  }

  /// The statement that goes with the model.
  public var statement: [String] {
    guarantee?.statement ?? [
      "No privacy: the model was trained without noise, and may tell what is in its training data."
    ]
  }

  /// Writes the file, whole or not at all.
  ///
  /// - Throws: `FormatError` where the disk refuses; `TensorError`.
  public func write(to path: String) throws {
    let description = Description(network: network, classNames: classNames, guarantee: guarantee)
    // In order, so that the same training writes the same file.
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let text = String(decoding: try encoder.encode(description), as: UTF8.self)
    try Safetensors.write(
      weights, to: path, metadata: ["pinion.private": text, "privacy": statement.joined(separator: "\n")])
  }

  /// Probabilities of the classes, row-major.
  ///
  /// - Parameter rows: as `PrivateData` has them, [N, …].
  /// - Throws: `TensorError` that names a weight that is missing or of another shape; `PJRTError`.
  public func probabilities(_ rows: Tensor) throws -> [Float] {
    func scores<M: PrivateClassifier>(_ model: M) throws -> [Float] {
      var model = model
      try load(weights, into: &model)
      let program = PrivateProgram<M>(scaling: PrivateData.scaling(network.data))
      return try program.scores(model, rows).softmax().array(of: Float.self)
    }
    return try scores(network.make(key: Key(0)))
  }
}
