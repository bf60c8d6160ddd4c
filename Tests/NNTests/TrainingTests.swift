import NN
import Pinion
import Testing

/// A classifier with all that makes training awkward: randomness, and statistics that change.
private struct Classifier: Module {
  var hidden: Dense
  var norm: BatchNorm
  var dropout = Dropout(0.1)
  var out: Dense

  init(key: Key) {
    let keys = key.split()
    // No bias: the norm would undo it, and its gradient would be noise.
    hidden = Dense(2, 32, bias: false, key: keys[0])
    norm = BatchNorm(32)
    out = Dense(32, 3, key: keys[1])
  }

  mutating func callAsFunction(_ x: Tensor, key: Key) -> Tensor {
    out(dropout(relu(norm(hidden(x), training: true)), key: key))
  }

  func callAsFunction(_ x: Tensor) -> Tensor { out(relu(norm(hidden(x)))) }
}

@Suite struct TrainingTests {
  /// Points of three arms of a spiral.
  private func spiral(_ count: Int, key: Key) -> [Tensor] {
    let labels = Tensor.arange(count) % 3
    let radius = key.uniform([count])
    let angle = radius * 4 + labels.cast(.float32) * (2 * Double.pi / 3)
    return [stack([radius * angle.cos(), radius * angle.sin()], axis: 1), labels]
  }

  private func initial() throws -> TrainState<AdamW<Classifier>> {
    let model = Classifier(key: Key(1))
    let optimizer = try AdamW(
      for: model, learningRate: .cosine(peak: 0.02, warmup: 10, total: 200), weightDecay: 0.01,
      decays: { $0.tensor.rank > 1 })
    return TrainState(model: model, optimizer: optimizer, key: Key(2))
  }

  private func loss(_ model: inout Classifier, _ batch: [Tensor], _ key: Key) -> Tensor {
    crossEntropy(model(batch[0], key: key), batch[1])
  }

  @Test func learnsASpiral() throws {
    var state = try initial()
    let data = spiral(300, key: Key(0))
    let step = trainStep(for: AdamW<Classifier>.self, clipNorm: 1) { loss(&$0, $1, $2) }
    var losses: [Double] = []
    for _ in 0..<200 {
      let value: Tensor
      (state, value) = try step(state, data)
      losses.append(try value.item())
    }
    #expect(losses[0] > 0.9)
    #expect(losses[190...].reduce(0, +) / 10 < 0.25)
    #expect(try accuracy(state.model(data[0]), data[1]).item() > 0.9)
    #expect(try state.step.item() == 200)
    // The running statistics have arrived at those of the data.
    let hidden = state.model.hidden(data[0])
    try expectClose(state.model.norm.runningMean, hidden.mean(0), 0.05)
  }

  /// Compiled and not, the same numbers come out; each step has randomness of its own.
  @Test func compiledAndNot() throws {
    var (compiled, plain) = (try initial(), try initial())
    let data = spiral(30, key: Key(0))
    let step = trainStep(for: AdamW<Classifier>.self) { loss(&$0, $1, $2) }
    var keys: Set<[UInt32]> = []
    for _ in 0..<3 {
      let value: Tensor
      (compiled, value) = try step(compiled, data)
      let other = try plain.update { loss(&$0, data, $1) }
      try evaluate([other] + tensorLeaves(of: plain))
      try expectClose(value, other, 1e-5)
      keys.insert(try plain.key.words.array(of: UInt32.self))
    }
    #expect(keys.count == 3)
    for (a, b) in zip(try leaves(of: compiled), try leaves(of: plain)) {
      try expectClose(a.tensor, b.tensor, 1e-4, "\(a.path)")
    }
  }

  /// A state is a checkpoint: names, and back.
  @Test func checkpoint() throws {
    var state = try initial()
    let data = spiral(30, key: Key(0))
    try state.update { loss(&$0, data, $1) }
    try evaluate(tensorLeaves(of: state))
    let saved = try parameters(of: state)
    #expect(saved["model.norm.runningMean"] != nil && saved["optimizer.variance.hidden.weight"] != nil)
    #expect(saved["optimizer.step"] != nil && saved["key.words"] != nil)
    var restored = try initial()
    try load(saved, into: &restored)
    let (a, b) = (try state.update { loss(&$0, data, $1) }, try restored.update { loss(&$0, data, $1) })
    #expect(try a.bytes() == b.bytes())
  }

  @Test func anErrorLeavesTheStateAlone() throws {
    var state = try initial()
    #expect(throws: TensorError.self) {
      try state.update { model, key in
        crossEntropy(model(Tensor.zeros([4, 7]), key: key), Tensor.zeros([4], dtype: .int32))
      }
    }
    #expect(try state.step.item() == 0)
  }
}
