import Foundation

/// Runs experiments and keeps what comes of them.
public struct Runner: Sendable {
  /// What a user asks for.
  public struct Request: Sendable {
    public var scale: Scale
    public var seed: UInt64
    /// Settings of the form `key=value`.
    public var settings: [String]
    /// Folder that holds the runs' folders.
    public var root: URL

    public init(scale: Scale = .standard, seed: UInt64 = 0, settings: [String] = [], root: URL) {
      self.scale = scale
      self.seed = seed
      self.settings = settings
      self.root = root
    }
  }

  /// What came of a run.
  public struct Result: Sendable {
    public var record: RunRecord
    public var folder: URL
    /// The report; nil where the run was interrupted.
    public var report: URL?
  }

  let progress: ProgressDisplay
  let interrupt: Interrupt

  public init(progress: ProgressDisplay, interrupt: Interrupt = .ofProcess) {
    self.progress = progress
    self.interrupt = interrupt
  }

  /// Starts a run.
  ///
  /// - Returns: a result whose state is `done` or `interrupted`.
  /// - Throws: `UsageError` for settings that can't be used; what the experiment threw, after it was recorded.
  public func start<E: Experiment>(_ experiment: E, _ request: Request) throws -> Result {
    let options = try E.Options.parse(request.settings, scale: request.scale)
    let folder = try RunFolder.create(in: request.root, experiment: experiment.paper.name)
    let record = RunRecord(
      id: folder.url.lastPathComponent, experiment: experiment.paper.name, scale: request.scale, seed: request.seed,
      options: try options.jsonFields(), codeVersion: CodeVersion.current, machine: .current,
      threads: Threads.available, started: .now, seconds: 0, state: .running, claims: [])
    return try carryOut(experiment, options, record, folder, resumed: false)
  }

  /// Goes on with a run that was interrupted, failed or killed, given its name or path.
  ///
  /// - Throws: `UsageError` where there is no such run, or it isn't one to go on with.
  public func resume<E: Experiment>(_ experiment: E, run: String, root: URL) throws -> Result {
    let folder = try RunFolder.open(run, root: root)
    let record = try folder.record()
    guard record.experiment == experiment.paper.name else {
      throw UsageError("--resume \(run): is a run of \(record.experiment), not of \(experiment.paper.name)")
    }
    guard record.state != .done else {
      throw UsageError("--resume \(run): is done; its report is \(folder.reportURL.path)")
    }
    return try carryOut(experiment, E.Options.decode(record.options), record, folder, resumed: true)
  }

  private func carryOut<E: Experiment>(
    _ experiment: E, _ options: E.Options, _ record: RunRecord, _ folder: RunFolder, resumed: Bool
  ) throws -> Result {
    var record = record
    (record.state, record.error, record.ended) = (.running, nil, nil)
    // A run that is carried on with other code or elsewhere says so.
    (record.codeVersion, record.machine, record.threads) = (CodeVersion.current, .current, Threads.available)
    try folder.save(record)
    progress.note("run \(record.id)\(resumed ? ", resumed" : "")")
    let context = RunContext(
      options: options, scale: record.scale, seed: record.seed, store: folder, resumed: resumed, progress: progress,
      interrupt: interrupt)
    let clock = ContinuousClock()
    let start = clock.now
    let secondsBefore = record.seconds
    func end(_ state: RunRecord.State, error: String? = nil, report: [ReportBlock]? = nil) throws {
      let passed = (clock.now - start).components
      record.seconds = secondsBefore + Double(passed.seconds) + Double(passed.attoseconds) / 1e18
      (record.state, record.error, record.ended) = (state, error, .now)
      if let report {
        let html = try Report(paper: experiment.paper, record: record, blocks: report).html()
        try writeAtomically(Data(html.utf8), to: folder.reportURL)
      }
      try folder.save(record)
    }
    do {
      let outcome = try experiment.run(context)
      record.claims = outcome.claims
      if record.scale == .quick {
        for i in record.claims.indices where !record.claims[i].isStructural { record.claims[i].directionOnly = true }
      }
      try end(.done, report: outcome.report)
      return Result(record: record, folder: folder.url, report: folder.reportURL)
    } catch is Interrupted {
      progress.closeAll()
      try end(.interrupted)
      return Result(record: record, folder: folder.url, report: nil)
    } catch {
      progress.closeAll()
      try end(.failed, error: "\(error)")
      throw error
    }
  }
}
