import Foundation
import Lab

/// An experiment that adds up numbers, a step at a time.
public struct Counting: Experiment {
  public struct Options: ExperimentOptions {
    public var steps = 10
    /// Seconds a step.
    public var pause = 0.0
    public var label = "sum"
    public init(scale: Scale) { steps = scale == .quick ? 4 : 10 }
    public static let help = ["steps": "numbers to add up", "pause": "seconds that a step takes"]
    public func validate() throws {
      if steps < 1 { throw UsageError("--set steps=\(steps): expected at least 1") }
    }
  }

  public init() {}

  public let paper = Paper(
    number: 3, name: "counting", title: "Counting, step by step", authors: "A. Author", arXiv: "2103.00112",
    field: "tests", claim: "Sums are large.", data: "numbers", minutes: [.quick: 0.1, .standard: 0.5])

  public func run(_ context: RunContext<Options>) throws -> Outcome {
    struct Progress: Codable { var step = 0, sum = 0.0 }
    var done = try context.load(Progress.self, from: "progress") ?? Progress()
    context.progress.note("counting to \(context.options.steps)")
    while done.step < context.options.steps {
      try context.checkInterrupt()
      done.sum += Double(done.step + Int(context.seed % 1_000))
      done.step += 1
      try context.log("sum", series: context.options.label, step: done.step, done.sum)
      try context.save(done, as: "progress")
      Thread.sleep(forTimeInterval: context.options.pause)
    }
    let series = Chart.Series(
      "sum", try context.points(of: "sum", series: context.options.label).map { .init(Double($0.step), $0.value) })
    return Outcome(
      claims: [Claim("sum", statement: "the sum is large", measured: done.sum, comparison: .atLeast, threshold: 1)],
      report: [.chart(.layers([.lines([series])], x: .init("step"), y: .init("sum")), caption: "The sum by step.")])
  }
}
