import Foundation
import Synchronization

@testable import Lab

/// An experiment that adds up numbers, for what the lab does around it.
struct Counting: Experiment {
  struct Options: ExperimentOptions {
    enum Order: String, Codable, CaseIterable { case forward, backward }

    var steps: Int
    var rate = 0.5
    var shuffled = false
    var order = Order.forward
    var label = "sum"
    var sizes = [1, 2]
    var limit: Int?

    init(scale: Scale) { steps = scale == .quick ? 4 : 10 }

    static let help = ["steps": "numbers to add up", "rate": "weight of a number"]

    func validate() throws {
      if steps < 1 { throw UsageError("--set steps=\(steps): expected at least 1") }
    }
  }

  struct Broken: Error, CustomStringConvertible { let description = "the sum broke" }

  var threshold = 1.0
  var blocks: [ReportBlock] = []
  var breaksAt: Int?
  /// Called after each step.
  var afterStep: @Sendable (Int) -> Void = { _ in }

  let paper = Paper(
    number: 3, name: "counting", title: "Counting <b>& more</b>", authors: "A. Author", arXiv: "2103.00112",
    field: "tests", claim: "Sums are \"large\".", data: "numbers", minutes: [.quick: 0.1])

  func run(_ context: RunContext<Options>) throws -> Outcome {
    struct Progress: Codable { var step = 0, sum = 0.0 }
    var done = try context.load(Progress.self, from: "progress") ?? Progress()
    let bar = context.progress.start("counting", total: context.options.steps)
    while done.step < context.options.steps {
      try context.checkInterrupt()
      if done.step == breaksAt { throw Broken() }
      done.sum += Double(done.step + Int(context.seed)) * context.options.rate
      done.step += 1
      try context.log("sum", series: "run", step: done.step, done.sum)
      try context.save(done, as: "progress")
      bar.advance(values: ["sum": done.sum])
      afterStep(done.step)
    }
    bar.finish()
    let claims = [
      Claim("sum", statement: "the sum is large", measured: done.sum, comparison: .atLeast, threshold: threshold),
      Claim(
        "steps", statement: "all steps were made", measured: Double(done.step), comparison: .atLeast,
        threshold: Double(context.options.steps), isStructural: true),
    ]
    return Outcome(claims: claims, report: blocks)
  }
}

/// A folder that is removed with its owner.
final class TemporaryFolder {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appending(
      path: "lab-\(UUID().uuidString)", directoryHint: .isDirectory)
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }
}

/// Text that a display wrote.
final class Transcript: Sendable {
  private let storage = Mutex("")
  var text: String { storage.withLock { $0 } }
  func append(_ text: String) { storage.withLock { $0 += text } }
}

/// Seconds that a test moves by hand.
final class ManualClock: Sendable {
  private let seconds = Mutex(0.0)
  var now: Double { seconds.withLock { $0 } }
  func advance(_ by: Double) { seconds.withLock { $0 += by } }
}

/// The description of what a closure throws; nil where it doesn't.
func message(_ body: () throws -> Void) -> String? {
  do {
    try body()
    return nil
  } catch {
    return "\(error)"
  }
}
