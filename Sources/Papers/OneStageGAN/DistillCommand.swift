import ArgumentParser
import Formats
import Foundation
import Lab
import NN
import Pinion

extension OneStageGANCommand {
  struct Distill: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Teach a small network what a larger one knows, without data.",
      discussion: """
        The teacher is a classifier that is trained on --data first, or read from --teacher where that file exists. The \
        student never sees a picture of --data; they only measure it: a tenth is held out unless the data come with test \
        pictures.
        """)

    @Option(help: .init("Folder with a folder for each class, IDX file, or CIFAR-10 batch.", valueName: "path"))
    var data: String
    @Option(help: .init("File for the student.", valueName: "file.safetensors"))
    var out: String
    @Option(help: .init("The teacher: read where it exists, else trained and written.", valueName: "file.safetensors"))
    var teacher: String?
    @Flag(help: "Use grey levels only.")
    var grey = false
    @Option(help: "Losses: dafl or dfad.")
    var variant = DistillationRecipe.Variant.dafl
    @Flag(help: "Train in two stages, for comparison.")
    var twoStages = false
    @Option(help: "Steps of the student.")
    var steps = 2_000
    @Option(help: "Made pictures of a step.")
    var batchSize = 128
    @Option(help: "Adam's learning rate for the student.")
    var learningRate = 2e-3
    @Option(help: "Adam's learning rate for the generator.")
    var generatorRate = 5e-3
    @Option(help: "Channels of the student's first layer; the teacher has 32.")
    var width = 16
    @Option(help: "Passes of the teacher over the pictures.")
    var teacherEpochs = 10
    @Option(help: "Seed of all randomness.")
    var seed: UInt64 = 0
    @Option(help: "CPU threads (default: all).")
    var threads: Int?

    func validate() throws {
      func require(_ holds: Bool, _ message: String) throws {
        if !holds { throw ValidationError(message) }
      }
      try require(steps > 0, "--steps \(steps): expected at least 1")
      try require((2...4096).contains(batchSize), "--batch-size \(batchSize): expected 2 to 4096")
      try require((1...1024).contains(width), "--width \(width): expected 1 to 1024")
      try require(teacherEpochs > 0, "--teacher-epochs \(teacherEpochs): expected at least 1")
      for (name, rate) in [("--learning-rate", learningRate), ("--generator-rate", generatorRate)] {
        try require(rate > 0 && rate.isFinite, "\(name) \(rate): expected a positive number")
      }
      try require(out.hasSuffix(".safetensors"), "--out \(out): expected a name that ends in .safetensors")
    }

    func run() throws {
      if let threads { try Threads.limit(to: threads) }
      Interrupt.listen()
      let channels = grey ? 1 : 3
      let splits = try ImageFolder(side: GANSizes.side, channels: channels).load(data)
      let (train, test): (ImageDataset, ImageDataset)
      if let given = splits.test {
        (train, test) = (splits.train, given)
      } else {
        (train, test) = try splits.train.split(heldOut: max(1, splits.train.count / 10), key: Key(seed).foldIn(3))
      }
      let progress = ProgressDisplay.standardError()
      let teacher = try preparedTeacher(train, progress)
      print(
        String(format: "teacher: %.2f %% of %d held-out pictures", 100 * (try teacher.accuracy(on: test)), test.count))
      var recipe = DistillationRecipe(variant)
      (recipe.isOneStage, recipe.steps, recipe.batchSize) = (!twoStages, steps, batchSize)
      (recipe.studentRate, recipe.generatorRate) = (learningRate, generatorRate)
      let student = StudentNetwork(
        channels: channels, classes: train.classCount, width: width, key: Key(seed).foldIn(7))
      let generator = DCGANGenerator(channels: channels, width: 20, key: Key(seed).foldIn(8))
      let program = DistillationProgram<DCGANGenerator>(recipe)
      var state = try Distillation(student, generator, recipe: recipe, key: Key(seed).foldIn(9))
      let bar = progress.start("distillation", total: steps)
      for step in 1...steps {
        try stopIfAsked(bar)
        let loss: Tensor
        (state, loss) = try program.step(state, teacher)
        if step % 25 == 0 {
          let value = try loss.item()
          guard value.isFinite else {
            throw UsageError("the loss isn't finite after \(step) steps; try a lower --learning-rate")
          }
          bar.advance(25, values: ["loss": value])
        }
      }
      bar.finish()
      let accuracy = try state.student.accuracy(on: test)
      print(String(format: "student: %.2f %%, taught without data", 100 * accuracy))
      try Safetensors.write(
        parameters(of: state.student), to: out,
        metadata: ["classes": train.classNames.joined(separator: "\n"), "width": "\(width)"])
      print("wrote \(out)")
    }

    private func stopIfAsked(_ bar: ProgressBar) throws {
      guard Interrupt.ofProcess.isRequested else { return }
      bar.finish()
      FileHandle.standardError.write(Data("interrupted; nothing was written\n".utf8))
      throw ExitCode(130)
    }

    private func preparedTeacher(_ train: ImageDataset, _ progress: ProgressDisplay) throws -> FeatureClassifier {
      var classifier = FeatureClassifier(channels: train.channels, classes: train.classCount, key: Key(0))
      if let teacher, FileManager.default.fileExists(atPath: teacher) {
        do {
          try load(Safetensors.read(teacher), into: &classifier)
        } catch let error as TensorError {
          throw UsageError(
            "\(teacher): isn't a teacher of \(train.classCount) classes and \(train.channels) channels (\(error.message))"
          )
        }
        return classifier
      }
      var recipe = ClassifierRecipe()
      recipe.epochs = teacherEpochs
      recipe.batchSize = max(2, min(recipe.batchSize, train.count))
      let bar = progress.start("teacher", total: recipe.epochs * (train.count / recipe.batchSize))
      classifier = try FeatureClassifier.trained(on: train, recipe: recipe, seed: seed) { _ in
        try stopIfAsked(bar)
        bar.advance()
      }
      bar.finish()
      if let teacher { try Safetensors.write(parameters(of: classifier), to: teacher) }
      return classifier
    }
  }
}
