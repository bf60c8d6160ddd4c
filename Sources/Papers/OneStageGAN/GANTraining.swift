import Formats
import Foundation
import Lab
import NN
import Pinion

/// The training of a generator and a discriminator on pictures, step by step, so that it can be measured, saved and taken
/// up between steps.
public struct GANTraining<G: GeneratorNetwork, D: DiscriminatorNetwork> {
  private let program: GANProgram<G, D>
  private let loader: DataLoader
  private var batches: AnyIterator<Batch>?
  private var state: Adversaries<G, D>
  /// Steps done.
  public private(set) var steps = 0

  /// - Parameters:
  ///   - generator: first weights; `discriminator` too.
  ///   - data: pictures of 32 x 32.
  ///   - flips: whether pictures are mirrored at random.
  ///   - seed: of the pictures' order and the noise.
  ///   - program: shared with other trainings of the same kind; its own without it.
  /// - Throws: `FormatError` where the pictures don't make a batch; `TensorError`.
  public init(
    _ generator: G, _ discriminator: D, recipe: GANRecipe, data: ImageDataset, batchSize: Int, flips: Bool = false,
    seed: UInt64, program: GANProgram<G, D>? = nil
  ) throws {
    self.program = program ?? GANProgram(recipe)
    loader = try DataLoader(
      data, batchSize: min(batchSize, data.count), key: Key(seed).foldIn(3), dropsLast: true,
      augmentation: Augmentation(flips: flips), normalization: .symmetric(channels: data.channels))
    state = try Adversaries(generator, discriminator, recipe: recipe, key: Key(seed).foldIn(4))
  }

  /// The moving average of the generator, from which samples are drawn, with running statistics of its own.
  ///
  /// Those of training belong to the last weights, from which the average differs while training is quick. Brock et al.,
  /// BigGAN, 2019, "standing statistics".
  ///
  /// - Throws: `TensorError`, `PJRTError`.
  public func generator() throws -> G {
    var generator = state.average.model
    for i in 0..<48 {
      let noise = Key(0).foldIn(i).normal([128, generator.noiseSize])
      generator = try program.settle(generator, noise)
    }
    return generator
  }

  /// The discriminator as it stands.
  public var discriminator: D { state.discriminator }

  /// One step.
  ///
  /// - Returns: losses and scores, which needn't be read.
  /// - Throws: `TensorError`, `PJRTError`.
  public mutating func step() throws -> Adversaries<G, D>.Report {
    if batches == nil {
      // An interrupted epoch goes on behind the batches that were used.
      batches = loader.epoch(steps / loader.batchCount).makeIterator()
      for _ in 0..<(steps % loader.batchCount) { _ = batches?.next() }
    }
    guard let batch = batches?.next() else {
      batches = nil
      return try step()
    }
    let report: Adversaries<G, D>.Report
    (state, report) = try program.step(state, batch.images)
    steps += 1
    if steps % loader.batchCount == 0 { batches = nil }
    return report
  }

  /// Pictures of the averaged generator in -1...1, in batches of at most 500.
  ///
  /// - Throws: `TensorError`, `PJRTError`.
  public func samples(_ count: Int, key: Key) throws -> [Tensor] {
    let generator = try generator()
    return try Samples.draw(count, key: key, noiseSize: generator.noiseSize) { try program.sample(generator, $0) }
  }

  /// Pictures of given noise.
  ///
  /// - Throws: `TensorError`, `PJRTError`.
  public func samples(of noise: Tensor) throws -> Tensor { try program.sample(generator(), noise) }

  /// Writes all that the next step needs, whole or not at all.
  ///
  /// - Throws: `FormatError` where the disk refuses.
  public func save(to url: URL) throws {
    try Safetensors.write(parameters(of: state), to: url.path, metadata: ["steps": "\(steps)"])
  }

  /// Takes up what `save(to:)` wrote; nothing where there is no such file.
  ///
  /// - Throws: `FormatError` or `TensorError` where the file is another training's.
  public mutating func restore(from url: URL) throws {
    guard FileManager.default.fileExists(atPath: url.path) else { return }
    let file = try Safetensors(path: url.path)
    guard let done = file.metadata["steps"].flatMap({ Int($0) }), done >= 0 else {
      throw FormatError(url.path, "isn't the state of an interrupted training")
    }
    try load(file.tensors(), into: &state)
    (steps, batches) = (done, nil)
  }
}

/// Drawing of many pictures.
enum Samples {
  /// Pictures of a batch.
  static let batchSize = 500

  /// Pictures in batches of equal size, but for the last.
  static func draw(
    _ count: Int, key: Key, noiseSize: Int, _ generator: (Tensor) throws -> Tensor
  ) throws -> [Tensor] {
    let size = min(batchSize, max(count, 1))
    let noise = key.normal([count, noiseSize])
    return try stride(from: 0, to: count, by: size).map { start in
      let part = noise.slice(axis: 0, from: start, to: min(start + size, count))
      // One program serves all batches: the last is filled up.
      guard start + size > count else { return try generator(part) }
      let filled = try generator(part.pad(low: [0, 0], high: [start + size - count, 0]))
      return filled.slice(axis: 0, to: count - start)
    }
  }

  /// Noise on the way from one draw to another, along a great circle: normal noise lies near a sphere.
  ///
  /// - Parameters:
  ///   - a: noise [z], `b` too.
  ///   - count: places, both ends among them; at least 2.
  /// - Returns: [count, z].
  static func path(from a: Tensor, to b: Tensor, count: Int) -> Tensor {
    let parts = Tensor.linspace(from: 0, to: 1, count: count).cast(a.dtype).expandDims(1)
    let cosine = (a * b).sum() / (a.square().sum() * b.square().sum()).sqrt()
    let angle = minimum(maximum(cosine, -0.9999), 0.9999).acos()
    return (((1 - parts) * angle).sin() * a + (parts * angle).sin() * b) / angle.sin()
  }
}
