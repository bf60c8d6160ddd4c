import Formats
import Foundation
import Lab
import NN
import Pinion

/// How a network is trained privately.
public struct PrivateRecipe: Codable, Hashable, Sendable {
  public var mechanism = NoiseMechanism.tree(efficient: true)
  public var plan = ParticipationPlan(units: 1, batchSize: 1, epochs: 1)
  /// Deviation of a fresh noise over the clipping norm; 0 for no privacy.
  public var sigma = 0.0
  /// Clipping norm C; infinite for none, without noise.
  public var clip = 1.0
  /// Learning rate η.
  public var rate = 0.5
  /// μ of DP-FTRLM.
  public var momentum = 0.0
  /// Units whose gradients are in memory at once; nil for those of a batch.
  public var microBatch: Int?

  public init() {}
}

/// The private training of one network, epoch by epoch, so that it can be saved, stopped and taken up between them.
public struct PrivateTraining<Model: PrivateClassifier> {
  private let recipe: PrivateRecipe
  private let program: PrivateProgram<Model>
  private let data: [Tensor]
  /// Rows of each unit: one of an example's, several of a client's.
  private let unitRows: [[Int32]]?
  private let rowsOfUnit: Int
  private let orderKey: Key
  private var sampleKey: Key
  private let draw: (Key) throws -> Tensor
  private var state: PrivateState<Model>
  /// Epochs done.
  public private(set) var epochsDone = 0
  /// Mean loss, share of clipped gradients and mean norm of each epoch. Not covered by the guarantee.
  public private(set) var history: [[Double]] = []

  /// - Parameters:
  ///   - model: first weights.
  ///   - data: examples.
  ///   - clients: rows of each client, all alike in length after filling up with −1; nil where a unit is an example.
  ///   - seed: of the order of the data.
  ///   - noiseKey: of the noise and of sampling: secret, for one run alone.
  ///   - program: shared with other runs of the same kind.
  /// - Throws: `UsageError` where the plan isn't one of these data; `TensorError`.
  public init(
    model: Model, recipe: PrivateRecipe, data: PrivateData, clients: [[Int32]]? = nil, seed: UInt64, noiseKey: Key,
    program: PrivateProgram<Model>
  ) throws {
    try recipe.plan.validate()
    let units = clients?.count ?? data.count
    guard recipe.plan.units == units else {
      throw UsageError("the plan is for \(recipe.plan.units) units, the data have \(units)")
    }
    self.recipe = recipe
    self.program = program
    self.data = [data.rows, data.labelTensor]
    unitRows = clients
    rowsOfUnit = clients?.first?.count ?? 1
    orderKey = Key(seed).foldIn(0)
    sampleKey = noiseKey.foldIn(1)
    draw = jit { (key: Key) in key.uniform([units]) }
    state = try PrivateState(
      model, mechanism: recipe.mechanism, levels: recipe.plan.levels, key: noiseKey.foldIn(0))
    try evaluate(self.data)
  }

  /// The weights as they stand.
  public var model: Model { state.model }

  public var stepsOfEpoch: Int { recipe.plan.stepsOfEpoch }

  /// The order of the units in an epoch; nothing of it depends on the data.
  private func order(epoch: Int) throws -> [Int32] {
    let number: Int
    switch recipe.plan.order {
    case .fixed, .sampled: number = 0
    case .restarts: number = recipe.plan.restartEpochs.map { epoch / $0 } ?? 0
    case .any: number = epoch
    }
    return try orderKey.foldIn(number).permutation(recipe.plan.units).array(of: Int32.self)
  }

  /// Units of a step.
  private func units(step: Int, order: [Int32]) throws -> [Int32] {
    let plan = recipe.plan
    if plan.order == .sampled {
      let rate = Float(plan.batchSize) / Float(plan.units)
      let drawn = try draw(sampleKey.foldIn(step)).array(of: Float.self)
      return drawn.indices.filter { drawn[$0] < rate }.map { Int32($0) }
    }
    let start = step % plan.stepsOfEpoch * plan.batchSize
    return Array(order[start..<min(order.count, start + plan.batchSize)])
  }

  /// Places and weights of a step's units, filled up to whole micro-batches.
  private func batch(_ units: [Int32]) -> [Tensor] {
    let plan = recipe.plan
    var capacity = plan.batchSize
    if plan.order == .sampled {
      // Room for nearly all draws; a larger one takes two micro-batches.
      let mean = Double(plan.batchSize)
      capacity = min(plan.units, (Int(mean + 4 * mean.squareRoot()) + 7) / 8 * 8)
    }
    let part = min(recipe.microBatch ?? capacity, capacity)
    let parts = (max(units.count, capacity) + part - 1) / part
    var places = [Int32](repeating: 0, count: parts * part * rowsOfUnit)
    var weights = [Float](repeating: 0, count: places.count)
    for (i, unit) in units.enumerated() {
      guard let rows = unitRows?[Int(unit)] else {
        (places[i], weights[i]) = (unit, 1)
        continue
      }
      for (j, row) in rows.enumerated() where row >= 0 {
        (places[i * rowsOfUnit + j], weights[i * rowsOfUnit + j]) = (row, 1)
      }
    }
    let shape = unitRows == nil ? [parts, part] : [parts, part, rowsOfUnit]
    return [Tensor(places, shape: shape), Tensor(weights, shape: shape)]
  }

  /// Runs the next epoch.
  ///
  /// - Parameter onStep: called after each step; what it throws ends the epoch, and the training must then be restored.
  /// - Throws: what `onStep` throws; `UsageError` where weights aren't finite any more; `TensorError`.
  public mutating func runEpoch(onStep: () throws -> Void = {}) throws {
    let numbers = PrivateStepNumbers(
      rate: recipe.rate, momentum: recipe.momentum, clip: recipe.clip, sigma: recipe.sigma,
      batchSize: recipe.plan.batchSize)
    if let restart = recipe.plan.restartEpochs, epochsDone > 0, epochsDone % restart == 0, recipe.mechanism.isTree {
      state = try recipe.plan.completesTrees ? program.restartCompleted(state) : program.restart(state)
    }
    let order = try order(epoch: epochsDone)
    var reports: [PrivateStepReport] = []
    for step in 0..<stepsOfEpoch {
      let units = try units(step: epochsDone * stepsOfEpoch + step, order: order)
      let report: PrivateStepReport
      (state, report) = try program.step(state, numbers, data, batch(units))
      reports.append(report)
      // Reading waits for a step: do it rarely, and one step late.
      if reports.count % 16 == 0 { _ = try reports[reports.count - 2].loss.item() }
      try onStep()
    }
    func mean(_ part: (PrivateStepReport) -> Tensor) throws -> Double {
      Statistics.mean(try reports.map { try part($0).item() })
    }
    let epoch = [try mean(\.loss), try mean(\.clipped), try mean(\.norm)]
    guard epoch.allSatisfy(\.isFinite) else {
      throw UsageError("the loss isn't finite after \(epochsDone + 1) epochs; try a lower learning rate")
    }
    history.append(epoch)
    epochsDone += 1
  }

  /// Writes all that the next epoch needs, the key of the noise among it: keep the file secret and remove it at the end.
  ///
  /// - Throws: `FormatError` where the disk refuses.
  public func save(to url: URL) throws {
    let record = Progress(recipe: recipe, epochs: epochsDone, history: history)
    let text = String(decoding: try JSONEncoder().encode(record), as: UTF8.self)
    var tensors = try parameters(of: state)
    tensors[Self.samplingName] = sampleKey.words
    try Safetensors.write(tensors, to: url.path, metadata: ["progress": text])
  }

  /// Takes up what `save(to:)` wrote, its keys in place of those given; nothing where there is no such file.
  ///
  /// - Throws: `FormatError` where it's another training's.
  public mutating func restore(from url: URL) throws {
    guard FileManager.default.fileExists(atPath: url.path) else { return }
    let file = try Safetensors(path: url.path)
    guard let text = file.metadata["progress"],
      let record = try? JSONDecoder().decode(Progress.self, from: Data(text.utf8)), record.recipe == recipe
    else { throw FormatError(url.path, "is the state of a training with other settings; remove it to begin anew") }
    var tensors = file.tensors()
    guard let words = tensors.removeValue(forKey: Self.samplingName), words.type == sampleKey.words.type else {
      throw FormatError(url.path, "has no key of sampling, two words; it isn't the state of a private training")
    }
    do {
      try load(tensors, into: &state)
    } catch let error as TensorError {
      throw FormatError(url.path, "is the state of another network: \(error.message)")
    }
    sampleKey = Key(words: words)
    (epochsDone, history) = (record.epochs, record.history)
  }

  /// Name of the sampling's key in a file of the state.
  private static var samplingName: String { "sampling.words" }

  private struct Progress: Codable {
    var recipe: PrivateRecipe
    var epochs: Int
    var history: [[Double]]
  }

  /// Share of examples classified correctly.
  ///
  /// - Throws: `TensorError`, `PJRTError`.
  public func accuracy(on data: PrivateData) throws -> Double {
    let scores = try program.scores(model, data.rows)
    let right = (scores.argMax() .== data.labelTensor).cast(.int32).sum()
    return try right.item() / Double(data.count)
  }
}

extension PrivateProgram {
  /// Logits of all rows [N, classes], in batches of equal size: the last one is filled up, so that one program serves all.
  ///
  /// - Throws: `TensorError`, `PJRTError`.
  func scores(_ model: Model, _ rows: Tensor) throws -> Tensor {
    let count = rows.shape.first ?? 0
    let size = min(1000, count)
    var parts: [Tensor] = []
    for start in stride(from: 0, to: count, by: max(1, size)) {
      let end = min(count, start + size)
      var part = rows.slice(axis: 0, from: start, to: end)
      if end - start < size {
        let none = rows.shape.map { _ in 0 }
        part = part.pad(low: none, high: [size - (end - start)] + none.dropFirst())
      }
      parts.append(try predict(model, part).slice(axis: 0, to: end - start))
    }
    return concatenate(parts)
  }
}
