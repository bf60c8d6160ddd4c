import Foundation

/// What an experiment is given: its options, where it may write, and how it reports.
public final class RunContext<Options: ExperimentOptions>: Sendable {
  /// The user's options.
  public let options: Options
  /// How much is to be run.
  public let scale: Scale
  /// Seed of all randomness; seed i of several is derived from it.
  public let seed: UInt64
  /// The run's folder.
  public let folder: URL
  /// Whether the run goes on from `checkpointFolder`.
  public let resumed: Bool
  /// Bars on a terminal, lines elsewhere.
  public let progress: ProgressDisplay

  private let store: RunFolder
  private let interrupt: Interrupt

  init(
    options: Options, scale: Scale, seed: UInt64, store: RunFolder, resumed: Bool, progress: ProgressDisplay,
    interrupt: Interrupt
  ) {
    self.options = options
    self.scale = scale
    self.seed = seed
    self.store = store
    self.folder = store.url
    self.resumed = resumed
    self.progress = progress
    self.interrupt = interrupt
  }

  /// Folder for what a resumed run needs; exists.
  public var checkpointFolder: URL { store.checkpointFolder }

  /// Stores a point of a metric.
  ///
  /// - Parameters:
  ///   - metric: name, such as `test accuracy`.
  ///   - series: what is measured, such as `TNT seed 0`.
  ///   - step: position on the axis, such as training steps.
  /// - Throws: `UsageError` where the file can't be written.
  public func log(_ metric: String, series: String = "", step: Int, _ value: Double) throws {
    try store.append(MetricPoint(metric: metric, series: series, step: step, value: value))
  }

  /// Points of a metric so far, those from before an interruption included, by step.
  ///
  /// Where a resumed run measured a step again, the later value counts.
  public func points(of metric: String, series: String = "") throws -> [(step: Int, value: Double)] {
    var values: [Int: Double] = [:]
    for point in try store.metrics() where point.metric == metric && point.series == series {
      values[point.step] = point.value
    }
    return values.sorted { $0.key < $1.key }.map { (step: $0.key, value: $0.value) }
  }

  /// Whether the user asked the run to stop.
  public var isInterrupted: Bool { interrupt.isRequested }

  /// Stops the run here if the user asked for it; what it needs to go on must be in `checkpointFolder`.
  ///
  /// - Throws: `Interrupted`.
  public func checkInterrupt() throws { if interrupt.isRequested { throw Interrupted() } }

  /// Stores a small value, such as the results of the seeds done so far, under a name in the checkpoint folder.
  public func save<Value: Encodable>(_ value: Value, as name: String) throws {
    try writeAtomically(RecordCoding.encoder.encode(value), to: checkpointFolder.appending(path: name + ".json"))
  }

  /// The value stored under a name; nil where the run isn't resumed or there is none.
  ///
  /// - Throws: `UsageError` where the file isn't what `save` wrote.
  public func load<Value: Decodable>(_ type: Value.Type, from name: String) throws -> Value? {
    let url = checkpointFolder.appending(path: name + ".json")
    guard resumed, FileManager.default.fileExists(atPath: url.path) else { return nil }
    do {
      return try RecordCoding.decoder.decode(type, from: Data(contentsOf: url))
    } catch {
      throw UsageError("\(url.path): not a checkpoint of this version (\(RecordCoding.describe(error)))")
    }
  }
}

/// Thrown by `checkInterrupt()`; the run is stored as interrupted.
public struct Interrupted: Error, Sendable {
  public init() {}
}
