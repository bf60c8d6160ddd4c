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
    /// Why the run may use data with blocking findings; nil where nothing is said.
    public var acknowledgement: String?

    public init(
      scale: Scale = .standard, seed: UInt64 = 0, settings: [String] = [], root: URL, acknowledgement: String? = nil
    ) {
      self.scale = scale
      self.seed = seed
      self.settings = settings
      self.root = root
      self.acknowledgement = acknowledgement
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
  /// Folder of what the user registered and changed of data sets; nil for the usual one.
  let registryFolder: String?

  public init(progress: ProgressDisplay, interrupt: Interrupt = .ofProcess, registryFolder: String? = nil) {
    self.progress = progress
    self.interrupt = interrupt
    self.registryFolder = registryFolder
  }

  /// The gate of an experiment's data, passed; nil where nothing is in the way.
  private func gate<E: Experiment>(
    _ experiment: E, _ options: E.Options, _ acknowledgement: String?
  ) throws -> DataGate? {
    let datasets = experiment.datasets(for: options)
    let registry = registryFolder.map { DatasetRegistry(datasets, folder: $0) } ?? DatasetRegistry(datasets)
    return try DataGate(datasets, registry)?.passed(because: acknowledgement)
  }

  /// Starts a run.
  ///
  /// - Returns: a result whose state is `done` or `interrupted`.
  /// - Throws: `UsageError` for settings that can't be used; `BlockedData` where the statements of its data have blocking
  ///   findings and no reason is given; what the experiment threw, after it was recorded.
  public func start<E: Experiment>(_ experiment: E, _ request: Request) throws -> Result {
    let options = try E.Options.parse(request.settings, scale: request.scale)
    let gate = try gate(experiment, options, request.acknowledgement)
    let store = try RunStore(opening: request.root, create: true)
    let folder = try RunFolder.create(in: request.root, experiment: experiment.paper.name)
    let record = RunRecord(
      id: folder.id, experiment: experiment.paper.name, scale: request.scale, seed: request.seed,
      options: try options.jsonFields(), codeVersion: CodeVersion.current, machine: .current,
      threads: Threads.available, started: .now, seconds: 0, state: .running, claims: [], gate: gate)
    return try carryOut(experiment, options, record, folder, store, resumed: false)
  }

  /// Goes on with a run that was interrupted, failed or killed, given its name or path.
  ///
  /// - Parameter acknowledgement: as in a request; the run's own is kept where nothing is said.
  /// - Throws: `UsageError` where there is no such run, or it isn't one to go on with; `BlockedData`.
  public func resume<E: Experiment>(
    _ experiment: E, run: String, root: URL, acknowledgement: String? = nil
  ) throws -> Result {
    let path = URL(fileURLWithPath: run, isDirectory: true)
    let isPath = run.contains("/") && FileManager.default.fileExists(atPath: path.path)
    let store = try RunStore(root: isPath ? path.deletingLastPathComponent() : root)
    let name = isPath ? path.lastPathComponent : run
    if try store.record(name) == nil {
      // A folder of an earlier version that couldn't be taken up says why.
      let old = store.root.appending(path: name, directoryHint: .isDirectory)
      if FileManager.default.fileExists(atPath: old.appending(path: "run.json").path) {
        let held = try RunFolder(old)
        try store.importFolder(held.url)
      }
    }
    var record = try store.find(name)
    guard record.experiment == experiment.paper.name else {
      throw UsageError("--resume \(run): is a run of \(record.experiment), not of \(experiment.paper.name)")
    }
    let folder = try RunFolder(store.folder(of: record.id))
    // Another process may have finished it before the folder was ours.
    record = try store.find(record.id)
    guard record.state != .done else {
      throw UsageError("--resume \(run): is done; its report is \(folder.reportURL.path)")
    }
    let options = try E.Options.decode(record.options)
    record.gate = try gate(experiment, options, acknowledgement ?? record.gate?.reason) ?? record.gate
    return try carryOut(experiment, options, record, folder, store, resumed: true)
  }

  private func carryOut<E: Experiment>(
    _ experiment: E, _ options: E.Options, _ record: RunRecord, _ folder: RunFolder, _ store: RunStore, resumed: Bool
  ) throws -> Result {
    var record = record
    (record.state, record.error, record.ended) = (.running, nil, nil)
    // A run that is carried on with other code or elsewhere says so.
    (record.codeVersion, record.machine, record.threads) = (CodeVersion.current, .current, Threads.available)
    try store.save(record)
    let log = RunLog(folder)
    progress.keepLog { log.add($0) }
    defer { progress.keepLog(nil) }
    progress.emit(.runStarted(record, folder: folder.url.relativePath, resumed: resumed))
    progress.note("run \(record.id)\(resumed ? ", resumed" : "")")
    if let gate = record.gate {
      for line in gate.lines { progress.note(line) }
      progress.note("acknowledged: \(gate.reason)")
    }
    let clock = ContinuousClock()
    let (start, secondsBefore) = (clock.now, record.seconds)
    let seconds: @Sendable () -> Double = { secondsBefore + (clock.now - start) / .seconds(1) }
    let recorder = MetricRecorder(
      store: store, run: record.id, seconds: seconds,
      onStored: { points in for point in points { progress.emit(.metric(point)) } })
    defer { recorder.close() }
    let context = RunContext(
      options: options, scale: record.scale, seed: record.seed, place: folder, store: store, recorder: recorder,
      resumed: resumed, progress: progress, interrupt: interrupt)
    func end(_ state: RunRecord.State, error: String? = nil, report blocks: [ReportBlock]? = nil) throws -> Result {
      progress.closeAll()
      (record.seconds, record.state, record.error, record.ended) = (seconds(), state, error, .now)
      if let blocks {
        let html = try Report(paper: experiment.paper, record: record, blocks: blocks).html()
        try writeAtomically(Data(html.utf8), to: folder.reportURL)
      }
      try store.save(record)
      for claim in record.claims {
        progress.emit(.claim(claim))
        log.add("\(claim.name): \(claim.measuredText), \(claim.verdictText)")
      }
      log.add([state.rawValue, error].compactMap { $0 }.joined(separator: ": "))
      let report = state == .done ? folder.reportURL : nil
      progress.emit(.runEnded(record, report: report?.relativePath))
      return Result(record: record, folder: folder.url, report: report)
    }
    do {
      let outcome = try experiment.run(context)
      try recorder.flush()
      record.claims = outcome.claims
      if record.scale == .quick {
        for i in record.claims.indices where !record.claims[i].isStructural { record.claims[i].directionOnly = true }
      }
      try store.keep(blocks: outcome.report, of: record.id)
      return try end(.done, report: outcome.report)
    } catch is Interrupted {
      try? recorder.flush()
      return try end(.interrupted)
    } catch {
      try? recorder.flush()
      _ = try end(.failed, error: "\(error)")
      throw error
    }
  }
}
