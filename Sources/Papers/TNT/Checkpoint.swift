import Formats
import Foundation
import Lab
import Pinion

/// A trained classifier in one safetensors file: weights by key path, and in the metadata what is needed to use them.
public struct Checkpoint: Sendable {
  /// Sizes of the network.
  public var configuration: TNTConfiguration
  /// Which network it is: `tnt`, `deit` or `convnet`.
  public var architecture: Architecture
  /// Names of the classes, in the order of the logits.
  public var classNames: [String]
  /// Mean and deviation by channel of the pictures that it was trained on.
  public var normalization: Normalization
  /// Weights by key path.
  public var weights: [String: Tensor]

  private struct Description: Codable {
    var configuration: TNTConfiguration
    var architecture: Architecture
    var classNames: [String]
    var mean: [Float]
    var deviation: [Float]
  }

  /// Describes a network.
  ///
  /// - Throws: `TensorError` where the model can't be taken apart.
  public init(
    _ model: any ImageClassifier, configuration: TNTConfiguration, architecture: Architecture, classNames: [String],
    normalization: Normalization
  ) throws {
    func named<M: ImageClassifier>(_ model: M) throws -> [String: Tensor] { try parameters(of: model) }
    self.configuration = configuration
    self.architecture = architecture
    self.classNames = classNames
    self.normalization = normalization
    weights = try named(model)
  }

  /// Reads a file.
  ///
  /// - Throws: `FormatError` where it isn't a safetensors file, or not one of a classifier.
  public init(path: String) throws {
    let file = try Safetensors(path: path)
    guard let text = file.metadata["pinion.classifier"] else {
      throw FormatError(path, "has no description of a classifier; expected a file that `pinion tnt train` wrote")
    }
    do {
      let description = try JSONDecoder().decode(Description.self, from: Data(text.utf8))
      configuration = description.configuration
      architecture = description.architecture
      classNames = description.classNames
      normalization = Normalization(mean: description.mean, deviation: description.deviation)
    } catch {
      throw FormatError(path, "its description of a classifier is of another version")
    }
    weights = file.tensors()
  }

  /// Writes the file, whole or not at all.
  ///
  /// - Throws: `FormatError` where the disk refuses; `TensorError`.
  public func write(to path: String) throws {
    let description = Description(
      configuration: configuration, architecture: architecture, classNames: classNames, mean: normalization.mean,
      deviation: normalization.deviation)
    let text = String(decoding: try JSONEncoder().encode(description), as: UTF8.self)
    try Safetensors.write(weights, to: path, metadata: ["pinion.classifier": text])
  }

  /// The network with its weights.
  ///
  /// - Throws: `TensorError` that names a weight that is missing or of another shape.
  public func model() throws -> any ImageClassifier {
    func filled<M: ImageClassifier>(_ model: M) throws -> M {
      var model = model
      try load(weights, into: &model)
      return model
    }
    return try filled(try architecture.make(configuration, key: Key(0)))
  }
}
