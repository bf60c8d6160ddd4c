import Foundation
import Lab
import NN
import Pinion

/// A student that was trained without data.
struct Student: Codable, Sendable {
  var variant: DistillationRecipe.Variant
  var isOneStage: Bool
  var seed: Int
  /// Share of test pictures classified correctly, after some steps.
  var curve: [Accuracy]

  struct Accuracy: Codable, Sendable {
    var step: Int
    var accuracy: Double
  }

  var accuracy: Double { curve.last?.accuracy ?? .nan }
}

/// Students of both ways, and what their steps cost.
struct Students: Codable, Sendable {
  var students: [Student] = []
  var teacherAccuracy = 0.0
  /// Steps of one and two stages by variant.
  var costs: [String: [TimedStep]] = [:]

  /// Seconds of two stages over those of one; nil where it wasn't measured.
  func ratio(_ variant: DistillationRecipe.Variant) -> (measured: Double, predicted: Double)? {
    guard let pair = costs[variant.rawValue], pair.count == 2 else { return nil }
    return (StepTiming.ratio(pair[1], over: pair[0]), Double(pair[1].multiplyAdds) / Double(pair[0].multiplyAdds))
  }

  /// Accuracies by seed.
  func accuracies(_ variant: DistillationRecipe.Variant, oneStage: Bool) -> [Double] {
    students.filter { $0.variant == variant && $0.isOneStage == oneStage }.sorted { $0.seed < $1.seed }.map(\.accuracy)
  }
}

/// Trains students of the features' classifier without data, in one and in two stages.
struct StudentRunner {
  let context: RunContext<OneStageGANOptions>
  let teacher: FeatureClassifier
  let test: ImageDataset

  func run() throws -> Students {
    let options = context.options
    guard options.distillationSteps > 0 else { return Students() }
    if let known = try context.load(Students.self, from: "students") { return known }
    var students = Students(teacherAccuracy: try teacher.accuracy(on: test))
    for variant in options.variants {
      let programs = [true, false].map { (isOne: Bool) in
        DistillationProgram<DCGANGenerator>(recipe(variant, isOne))
      }
      students.costs[variant.rawValue] = try costs(variant, programs)
      let jobs = (0..<options.distillationSeeds).flatMap { seed in [0, 1].map { (seed, $0) } }
      let bar = context.progress.start("distillation, \(variant.rawValue)", total: jobs.count, unit: "student")
      let boxes = programs.map(Unchecked.init)
      students.students += try parallel(jobs, workers: options.parallelRuns) { seed, way in
        let student = try self.train(variant, way == 0, seed: Int(self.context.seed) + seed, boxes[way].value, in: bar)
        bar.advance()
        return student
      }
      bar.finish()
    }
    try context.save(students, as: "students")
    return students
  }

  private struct Unchecked<T>: @unchecked Sendable {
    let value: T
    init(_ value: T) { self.value = value }
  }

  private func recipe(_ variant: DistillationRecipe.Variant, _ isOneStage: Bool) -> DistillationRecipe {
    var recipe = DistillationRecipe(variant)
    (recipe.isOneStage, recipe.steps) = (isOneStage, context.options.distillationSteps)
    return recipe
  }

  private func start(
    _ recipe: DistillationRecipe, seed: Int
  ) throws -> Distillation<DCGANGenerator> {
    let key = Key(UInt64(seed))
    let student = StudentNetwork(channels: 1, classes: test.classCount, key: key.foldIn(7))
    let generator = DCGANGenerator(channels: 1, width: context.options.generatorWidth, key: key.foldIn(8))
    return try Distillation(student, generator, recipe: recipe, key: key.foldIn(9))
  }

  private func costs(
    _ variant: DistillationRecipe.Variant, _ programs: [DistillationProgram<DCGANGenerator>]
  ) throws -> [TimedStep] {
    let candidates = try [true, false].enumerated().map { i, isOne in
      let recipe = recipe(variant, isOne)
      var state = try start(recipe, seed: 0)
      try evaluate(tensorLeaves(of: state))
      var counted = state
      let loss = try counted.step(teacher, recipe: recipe)
      let count = multiplyAdds(of: try tensorLeaves(of: counted) + [loss])
      return StepTiming.Candidate(name: isOne ? "one" : "two", multiplyAdds: count) { steps in
        try StepTiming.seconds {
          var loss: Tensor?
          for _ in 0..<steps { (state, loss) = try programs[i].step(state, teacher) }
          _ = try loss?.item()
        }
      }
    }
    var timing = StepTiming()
    timing.roundCount = context.options.timingRounds
    return try timing.measure(candidates) { try context.checkInterrupt() }
  }

  private func train(
    _ variant: DistillationRecipe.Variant, _ isOne: Bool, seed: Int, _ program: DistillationProgram<DCGANGenerator>,
    in parent: ProgressBar
  ) throws -> Student {
    let steps = context.options.distillationSteps
    let way = isOne ? "one stage" : "two stages"
    let title = "\(variant.rawValue), \(way), seed \(seed)"
    let bar = context.progress.start(title, total: steps, in: parent)
    defer { bar.finish() }
    var state = try start(recipe(variant, isOne), seed: seed)
    var student = Student(variant: variant, isOneStage: isOne, seed: seed, curve: [])
    let stops = Set((1...8).map { max(1, $0 * steps / 8) })
    for step in 1...steps {
      try context.checkInterrupt()
      let loss: Tensor
      (state, loss) = try program.step(state, teacher)
      if step % 20 == 0 { bar.advance(20, values: ["loss": try loss.item()]) }
      if stops.contains(step) {
        let accuracy = try state.student.accuracy(on: test)
        student.curve.append(.init(step: step, accuracy: accuracy))
        try context.log("student accuracy", series: title, step: step, accuracy)
      }
    }
    return student
  }
}
