import Formats
import Foundation
import NN
import Pinion

/// A trained generator in one safetensors file: weights by key path, and in the metadata which network they belong to.
public struct GeneratorFile: Sendable {
  /// Which network it is.
  public var sizes: GANSizes
  /// Weights by key path.
  public var weights: [String: Tensor]

  public init(sizes: GANSizes, weights: [String: Tensor]) {
    self.sizes = sizes
    self.weights = weights
  }

  /// Reads a file.
  ///
  /// - Throws: `FormatError` where it isn't a safetensors file, or not one of a generator.
  public init(path: String) throws {
    let file = try Safetensors(path: path)
    guard let text = file.metadata["pinion.generator"] else {
      throw FormatError(
        path, "has no description of a generator; expected a file that `pinion one-stage-gan train` wrote")
    }
    do {
      sizes = try JSONDecoder().decode(GANSizes.self, from: Data(text.utf8))
      try sizes.validate()
    } catch {
      throw FormatError(path, "its description of a generator is of another version")
    }
    weights = file.tensors()
  }

  /// Writes the file, whole or not at all.
  ///
  /// - Throws: `FormatError` where the disk refuses.
  public func write(to path: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let text = String(decoding: try encoder.encode(sizes), as: UTF8.self)
    try Safetensors.write(weights, to: path, metadata: ["pinion.generator": text])
  }

  /// The generator with its weights.
  ///
  /// - Throws: `TensorError` that names a weight that is missing or of another shape.
  public func generator() throws -> any GeneratorNetwork {
    func filled<G: GeneratorNetwork>(_ generator: G) throws -> G {
      var generator = generator
      try load(weights, into: &generator)
      return generator
    }
    return try filled(sizes.generator(key: Key(0)))
  }
}
