import ArgumentParser
import Formats
import Foundation
import Lab
import NN
import Pinion

extension AdversarialLoss: ExpressibleByArgument {}
extension GANRecipe.Stages: ExpressibleByArgument {}
extension GANSizes.Architecture: ExpressibleByArgument {}
extension OneStageForm: ExpressibleByArgument {}
extension DiscriminatorNormalization: ExpressibleByArgument {}
extension DistillationRecipe.Variant: ExpressibleByArgument {}
extension ImageFolder.Fit: ExpressibleByArgument {}

/// Generative adversarial networks on the user's own pictures, trained in one stage.
public struct OneStageGANCommand: ParsableCommand {
  public static let configuration = CommandConfiguration(
    commandName: "one-stage-gan",
    abstract: "Train a generator of pictures like yours, in one stage; draw from it; distil a classifier without data.",
    discussion: """
      Pictures come as a folder of PNG or JPEG files, sub-folders included, as IDX files (MNIST), or as CIFAR-10's \
      batches. They become 32 x 32 pixels.

        ./pinion one-stage-gan train --data photos/ --out faces.safetensors
        ./pinion one-stage-gan sample --model faces.safetensors --out samples.png
        ./pinion one-stage-gan interpolate --model faces.safetensors --out strip.png
        ./pinion one-stage-gan distill --data photos-by-class/ --out student.safetensors
      """,
    subcommands: [Train.self, Sample.self, Interpolate.self, Distill.self])

  public init() {}
}

/// Writes a line to standard error.
private func say(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }

private func require(_ holds: Bool, _ message: String) throws {
  if !holds { throw ValidationError(message) }
}

extension OneStageGANCommand {
  struct Train: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Train a generator on a folder of pictures.",
      discussion: """
        Ctrl-C saves the state; the same command with --resume goes on from there. Beside the generator a grid of samples \
        is written now and then, named as the generator with .png.
        """)

    @Option(help: .init("Folder of pictures, IDX file, or CIFAR-10 batch.", valueName: "path"))
    var data: String
    @Option(help: .init("File for the trained generator.", valueName: "file.safetensors"))
    var out: String
    @Option(
      help: .init("How pictures of several sizes become squares: crop (their centre) or stretch.", valueName: "how"))
    var fit: ImageFolder.Fit?
    @Flag(help: "Use grey levels only.")
    var grey = false
    @Option(help: "Networks: dcgan (quick) or sngan (residual, better).")
    var architecture = GANSizes.Architecture.dcgan
    @Option(help: "Loss: \(AdversarialLoss.allCases.map(\.rawValue).joined(separator: ", ")).")
    var loss = AdversarialLoss.nonSaturating
    @Option(help: "Training: \(GANRecipe.Stages.allCases.map(\.rawValue).joined(separator: ", ")).")
    var stages = GANRecipe.Stages.one
    @Option(help: "How one-stage gradients are had: gamma, mixed or pullback (default: the loss's best).")
    var form: OneStageForm?
    @Option(help: "Normalisation of dcgan's discriminator: none, layer, spectral, batch (which mixes samples).")
    var normalization = DiscriminatorNormalization.spectral
    @Option(help: "Channels of the generator's last hidden layer.")
    var generatorWidth = 32
    @Option(help: "Channels of the discriminator's first hidden layer.")
    var discriminatorWidth = 48
    @Option(help: "Steps.")
    var iterations = 5_000
    @Option(help: "Real pictures of a step; as many are made.")
    var batchSize = 64
    @Option(help: "Adam's learning rate for both players.")
    var learningRate = 2e-4
    @Option(help: "Largest size of the discriminator's weights; for the Wasserstein loss.")
    var clip: Double?
    @Option(help: "Weight of the squared slope of D at real pictures (R1).")
    var r1 = 0.0
    @Option(help: "Weight of the gradient penalty; for the Wasserstein loss, usually 10.")
    var gradientPenalty = 0.0
    @Option(help: "Decay of the generator's moving average.")
    var averaging = 0.999
    @Flag(inversion: .prefixedNo, help: "Flip pictures left to right at random.")
    var flips = true
    @Option(help: "Seed of all randomness.")
    var seed: UInt64 = 0
    @Option(help: "CPU threads (default: all).")
    var threads: Int?
    @Flag(help: "Go on with an interrupted training.")
    var resume = false

    func validate() throws {
      try require(iterations > 0, "--iterations \(iterations): expected at least 1")
      try require((2...4096).contains(batchSize), "--batch-size \(batchSize): expected 2 to 4096")
      try require(
        learningRate > 0 && learningRate.isFinite, "--learning-rate \(learningRate): expected a positive number")
      try require((0..<1).contains(averaging), "--averaging \(averaging): expected 0 to below 1")
      try require(r1 >= 0 && gradientPenalty >= 0, "--r1 and --gradient-penalty: expected 0 or more")
      try require(clip.map { $0 > 0 } ?? true, "--clip \(clip ?? 0): expected a positive number")
      try require(out.hasSuffix(".safetensors"), "--out \(out): expected a name that ends in .safetensors")
      try require(
        architecture == .dcgan || normalization == .spectral, "--normalization: is for --architecture dcgan")
      try require(
        normalization != .batch || (r1 == 0 && gradientPenalty == 0),
        "--normalization batch: penalties need scores that don't depend on other pictures")
    }

    private var sizes: GANSizes {
      var sizes = GANSizes()
      (sizes.architecture, sizes.channels, sizes.normalization) = (architecture, grey ? 1 : 3, normalization)
      (sizes.generatorWidth, sizes.discriminatorWidth) = (generatorWidth, discriminatorWidth)
      return sizes
    }

    private var recipe: GANRecipe {
      var recipe = GANRecipe()
      (recipe.loss, recipe.stages, recipe.form) = (loss, stages, form)
      (recipe.generatorRate, recipe.discriminatorRate, recipe.averaging) = (learningRate, learningRate, averaging)
      (recipe.clip, recipe.r1, recipe.gradientPenalty) = (clip, r1, gradientPenalty)
      return recipe
    }

    func run() throws {
      if let threads { try Threads.limit(to: threads) }
      Interrupt.listen()
      try sizes.validate()
      let reader = ImageFolder(side: GANSizes.side, channels: grey ? 1 : 3, fit: fit ?? .crop)
      let pictures = try reader.pictures(data, minimum: 2, mixingSizes: fit != nil)
      if stages == .one, form == .gamma, loss == .hinge {
        say("pinion: γ doesn't exist where a hinge is inactive, whose pictures teach nothing; --form pullback is exact")
      }
      if stages == .one, normalization == .batch {
        say("pinion: batch normalisation mixes samples, so that γ is an approximation; --form pullback is exact")
      }
      let (first, second) = (Key(seed).foldIn(1), Key(seed).foldIn(2))
      try fit(sizes.generator(key: first), sizes.discriminator(key: second), pictures)
    }

    private func fit<G: GeneratorNetwork, D: DiscriminatorNetwork>(
      _ generator: G, _ discriminator: D, _ pictures: ImageDataset
    ) throws {
      let size = min(batchSize, pictures.count)
      let progress = ProgressDisplay.standardError()
      progress.note(
        "\(pictures.count) pictures; \(try parameterCount(of: generator)) parameters of G, "
          + "\(try parameterCount(of: discriminator)) of D; \(stages.title), \(loss.title) loss, batches of \(size)")
      var training = try GANTraining(
        generator, discriminator, recipe: recipe, data: pictures, batchSize: size, flips: flips, seed: seed)
      let saved = URL(fileURLWithPath: out + ".state")
      if resume { try training.restore(from: saved) }
      let bar = progress.start("training", total: iterations)
      bar.skip(min(training.steps, iterations))
      while training.steps < iterations {
        if Interrupt.ofProcess.isRequested {
          bar.finish()
          try training.save(to: saved)
          say("interrupted; \(training.steps) steps are saved; go on with the same command and --resume")
          throw ExitCode(130)
        }
        let report = try training.step()
        if training.steps % 25 == 0 {
          // Reading waits for the step: seldom.
          let (ofD, ofG) = (try report.discriminatorLoss.item(), try report.generatorLoss.item())
          guard ofD.isFinite, ofG.isFinite else {
            throw UsageError("the loss isn't finite after \(training.steps) steps; try a lower --learning-rate")
          }
          bar.advance(25, values: ["loss of D": ofD, "of G": ofG])
        }
        if training.steps % 500 == 0 || training.steps == iterations {
          try write(training, pictures)
          try training.save(to: saved)
        }
      }
      bar.finish()
      try write(training, pictures)
      try? FileManager.default.removeItem(at: saved)
      print("wrote \(out) and \(grid)")
    }

    private var grid: String { out.dropLast(".safetensors".count) + ".png" }

    private func write<G: GeneratorNetwork, D: DiscriminatorNetwork>(
      _ training: GANTraining<G, D>, _ pictures: ImageDataset
    ) throws {
      try GeneratorFile(sizes: sizes, weights: parameters(of: training.generator())).write(to: out)
      let noise = Key(seed).foldIn(6).normal([64, sizes.noiseSize])
      try Image.grid(symmetric: training.samples(of: noise), columns: 8, scale: 2).write(to: grid)
    }
  }

  struct Sample: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Draw pictures from a trained generator.")

    @Option(help: .init("Generator that `train` wrote.", valueName: "file.safetensors"))
    var model: String
    @Option(help: .init("File for a grid of pictures (.png, .jpg), or folder for a file each.", valueName: "path"))
    var out: String
    @Option(help: "Pictures to draw.")
    var count = 64
    @Option(help: "Pictures in a row of the grid.")
    var columns = 8
    @Option(help: "Pixels of the file for each pixel.")
    var scale = 2
    @Option(help: "Seed of the noise.")
    var seed: UInt64 = 0

    func validate() throws {
      try require((1...100_000).contains(count), "--count \(count): expected 1 to 100000")
      try require((1...1_000).contains(columns), "--columns \(columns): expected 1 to 1000")
      try require((1...32).contains(scale), "--scale \(scale): expected 1 to 32")
    }

    func run() throws {
      let generator = try GeneratorFile(path: model).generator()
      let pictures = concatenate(
        try Samples.draw(count, key: Key(seed), noiseSize: generator.noiseSize) { generator($0) })
      if [".png", ".jpg", ".jpeg"].contains(where: { out.lowercased().hasSuffix($0) }) {
        try Image.grid(symmetric: pictures, columns: columns, scale: scale).write(to: out)
        return print("wrote \(out)")
      }
      do {
        try FileManager.default.createDirectory(atPath: out, withIntermediateDirectories: true)
      } catch {
        throw UsageError("\(out): the folder can't be made")
      }
      try evaluate(pictures)
      for i in 0..<count {
        let name = String(format: "%05d.png", i + 1)
        try Image.grid(symmetric: pictures[i..<(i + 1)], columns: 1, scale: scale).write(to: "\(out)/\(name)")
      }
      print("wrote \(count) pictures into \(out)")
    }
  }

  struct Interpolate: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Draw pictures on the way from one to another.")

    @Option(help: .init("Generator that `train` wrote.", valueName: "file.safetensors"))
    var model: String
    @Option(help: .init("File for the strips (.png, .jpg).", valueName: "file"))
    var out: String
    @Option(help: "Strips, one below the other.")
    var rows = 4
    @Option(help: "Pictures of a strip, both ends among them.")
    var steps = 12
    @Option(help: "Pixels of the file for each pixel.")
    var scale = 2
    @Option(help: "Seed of the noise.")
    var seed: UInt64 = 0

    func validate() throws {
      try require((1...1_000).contains(rows), "--rows \(rows): expected 1 to 1000")
      try require((2...100).contains(steps), "--steps \(steps): expected 2 to 100")
      try require((1...32).contains(scale), "--scale \(scale): expected 1 to 32")
    }

    func run() throws {
      let generator = try GeneratorFile(path: model).generator()
      let ends = Key(seed).normal([rows, 2, generator.noiseSize])
      let noise = (0..<rows).map { Samples.path(from: ends[$0, 0], to: ends[$0, 1], count: steps) }
      try Image.grid(symmetric: generator(concatenate(noise)), columns: steps, scale: scale).write(to: out)
      print("wrote \(out)")
    }
  }
}
