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

  private let place: RunFolder
  private let store: RunStore
  private let recorder: MetricRecorder
  private let interrupt: Interrupt

  init(
    options: Options, scale: Scale, seed: UInt64, place: RunFolder, store: RunStore, recorder: MetricRecorder,
    resumed: Bool, progress: ProgressDisplay, interrupt: Interrupt
  ) {
    self.options = options
    self.scale = scale
    self.seed = seed
    self.place = place
    self.store = store
    self.recorder = recorder
    self.folder = place.url
    self.resumed = resumed
    self.progress = progress
    self.interrupt = interrupt
  }

  /// Folder for what a resumed run needs; exists.
  public var checkpointFolder: URL { place.checkpointFolder }

  /// Stores a point of a metric: soon, and without waiting for the disk.
  ///
  /// A step that is measured again, as after an interruption, replaces its value.
  ///
  /// - Parameters:
  ///   - metric: name, such as `test accuracy`.
  ///   - series: what is measured, such as `TNT, seed 0`. Series whose names differ only in `, seed N` are repetitions
  ///     of one measurement: reports draw their mean and spread.
  ///   - step: position on the axis, such as training steps.
  /// - Throws: `UsageError` where earlier points couldn't be stored.
  public func log(_ metric: String, series: String = "", step: Int, _ value: Double) throws {
    try recorder.append(MetricPoint(metric: metric, series: series, step: step, value: value))
  }

  /// Waits until all points logged so far are on disk.
  ///
  /// To be called before a checkpoint is written: a resumed run measures again only what comes after it. `save` does so.
  ///
  /// - Throws: `UsageError` where they can't be stored.
  public func flush() throws { try recorder.flush() }

  /// Points of a metric so far, those from before an interruption included, by step.
  ///
  /// - Throws: `UsageError` where they can't be stored or read.
  public func points(of metric: String, series: String = "") throws -> [(step: Int, value: Double)] {
    try recorder.flush()
    return try store.points(of: place.id, metric: metric, series: series)
  }

  /// Keeps a file with the run, such as a generated sample: by its SHA-256, in the folder of all runs.
  ///
  /// - Parameters:
  ///   - name: name within the run; another file of that name is replaced.
  ///   - type: media type, such as `audio/wav`.
  /// - Throws: `UsageError` where it can't be written.
  public func keep(_ bytes: [UInt8], as name: String, type: String = "application/octet-stream") throws {
    try store.keep(bytes, of: place.id, as: name, type: type)
  }

  /// Whether the user asked the run to stop.
  public var isInterrupted: Bool { interrupt.isRequested }

  /// Stops the run here if the user asked for it; what it needs to go on must be in `checkpointFolder`.
  ///
  /// - Throws: `Interrupted`.
  public func checkInterrupt() throws { if interrupt.isRequested { throw Interrupted() } }

  /// Stores a small value, such as the results of the seeds done so far, under a name in the checkpoint folder.
  ///
  /// The points logged before are on disk then.
  ///
  /// - Throws: `UsageError` where it can't be written.
  public func save<Value: Encodable>(_ value: Value, as name: String) throws {
    try recorder.flush()
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
