import NN
import Pinion
import Testing

@Suite struct LossTests {
  /// Values and gradients of every reduction against PyTorch's; computed together, as compiling takes the time.
  private func check(
    _ name: String, _ inputs: [String] = ["x"], _ loss: (Case, [Tensor], Reduction) -> Tensor,
    sourceLocation: Testing.SourceLocation = #_sourceLocation
  ) throws {
    var results: [(Tensor, Tensor, Comment)] = []
    for (suffix, reduction) in [("mean", Reduction.mean), ("sum", .sum), ("none", .none)] {
      let oracle = try Oracle.losses("\(name) \(suffix)")
      let (_, gradients, y) = try valueAndGrad(inputs.map { oracle[$0] }) { x in
        let y = loss(oracle, x, reduction)
        return ((y * oracle["cotangent"]).sum(), y)
      }
      results.append((y, oracle["y"], "\(oracle.name)"))
      for (input, gradient) in zip(inputs, gradients) {
        results.append((gradient, oracle["grad \(input)"], "\(oracle.name), gradient of \(input)"))
      }
    }
    try evaluate(results.map(\.0))
    for (value, expected, comment) in results {
      try expectClose(value, expected, 1e-9, comment, sourceLocation: sourceLocation)
    }
  }

  @Test func crossEntropyOfLabels() throws {
    try check("crossEntropy") { crossEntropy($1[0], $0["labels"].cast(.int32), reduction: $2) }
    try check("crossEntropy smooth") {
      crossEntropy($1[0], $0["labels"].cast(.int64), labelSmoothing: 0.1, reduction: $2)
    }
    try check("crossEntropy weights") {
      crossEntropy($1[0], $0["labels"].cast(.int32), weights: $0["weights"], reduction: $2)
    }
    try check("crossEntropy all") {
      crossEntropy(
        $1[0], $0["labels"].cast(.int32), labelSmoothing: 0.2, weights: $0["weights"], ignoring: -1, reduction: $2)
    }
    try check("nll") { nll($1[0], $0["labels"].cast(.uint8), reduction: $2) }
  }

  @Test func crossEntropyOfProbabilities() throws {
    try check("crossEntropy soft") { crossEntropy($1[0], $0["labels"], reduction: $2) }
    try check("crossEntropy soft all") {
      crossEntropy($1[0], $0["labels"], labelSmoothing: 0.1, weights: $0["weights"], reduction: $2)
    }
  }

  @Test func elementwise() throws {
    try check("bce") { binaryCrossEntropyWithLogits($1[0], $0["labels"], reduction: $2) }
    try check("bce weight") {
      binaryCrossEntropyWithLogits($1[0], $0["labels"], positiveWeight: $0["weights"], reduction: $2)
    }
    let pair = ["x", "labels"]
    try check("mse", pair) { mse($1[0], $1[1], reduction: $2) }
    try check("mae", pair) { mae($1[0], $1[1], reduction: $2) }
    try check("huber", pair) { huber($1[0], $1[1], delta: 2.5, reduction: $2) }
    try check("smoothL1", pair) { smoothL1($1[0], $1[1], beta: 2.5, reduction: $2) }
    try check("hinge") { hinge($1[0], $0["labels"], reduction: $2) }
    try check("kl") { klDivergence($1[0], $0["labels"], reduction: $2) }
    try check("cosine", pair) { _, x, reduction in
      let cosines = cosineSimilarity(x[0], x[1])
      switch reduction {
      case .mean: return cosines.mean()
      case .sum: return cosines.sum()
      case .none: return cosines
      }
    }
  }

  /// Labels of images, one for each pixel: any number of leading axes.
  @Test func leadingAxes() throws {
    let logits = Key(0).normal([2, 3, 4, 5])
    let labels = Tensor.iota([2, 3, 4], axis: 2)
    let flat = crossEntropy(logits.reshape([24, 5]), labels.reshape([24]))
    try expectClose(crossEntropy(logits, labels), flat, 1e-6)
    #expect(crossEntropy(logits, labels, reduction: .none).shape == [2, 3, 4])
  }

  @Test func extremes() throws {
    // An impossible class of no interest, and a certain one.
    let logits = Tensor([0, -.infinity, 0, 300, 0, -300] as [Float], shape: [2, 3])
    let (loss, gradient) = try valueAndGrad(logits) { crossEntropy($0, Tensor([0, 0] as [Int32])) }
    #expect(abs(try loss.item() - 0.5 * 0.6931471805599453) < 1e-6)
    #expect(try gradient.isFinite().all().item() == 1)
    let large = Tensor([1000, -1000] as [Float])
    #expect(try binaryCrossEntropyWithLogits(large, Tensor([1, 0] as [Float])).item() == 0)
    #expect(try binaryCrossEntropyWithLogits(large, Tensor([0, 1] as [Float])).item() == 1000)
    let zero = Tensor.zeros([2, 3])
    let slope = try grad { (x: Tensor) in cosineSimilarity(x, Tensor.ones([2, 3])).sum() }(zero)
    #expect(try slope.isFinite().all().item() == 1)
    let certain = Tensor([0, -.infinity] as [Float])
    #expect(try klDivergence(certain, Tensor([1, 0] as [Float])).item() == 0)
  }

  @Test func labelsOutOfRange() throws {
    let logits = Tensor.zeros([2, 3])
    let losses = try crossEntropy(logits, Tensor([3, 1] as [Int32]), reduction: .none).array(of: Float.self)
    #expect(losses[0].isNaN && losses[1].isFinite)
    #expect(try crossEntropy(logits, Tensor([-100, 1] as [Int32]), ignoring: -100).item().isFinite)
  }

  /// Labels of bytes, as language models of bytes have them.
  @Test func byteLabels() throws {
    let labels = Tensor([255, 0] as [UInt8])
    #expect(abs(try crossEntropy(Tensor.zeros([2, 256]), labels).item() - 5.545177) < 1e-5)
    #expect(abs(try crossEntropy(Tensor.zeros([2, 1000]), labels, ignoring: -1).item() - 6.907755) < 1e-5)
    #expect(try topKAccuracy(Tensor.zeros([2, 256]), labels, k: 2).item() == 0.5)
  }

  @Test func badArguments() {
    let logits = Tensor.zeros([4, 3])
    #expect(crossEntropy(logits, Tensor.zeros([4])).failure?.kind == .shape)
    #expect(crossEntropy(logits, Tensor.zeros([5], dtype: .int32)).failure?.kind == .shape)
    #expect(crossEntropy(logits, Tensor.zeros([4], dtype: .int32), labelSmoothing: 2).failure?.kind == .value)
    #expect(crossEntropy(logits, Tensor.zeros([4], dtype: .int32), weights: .ones([4])).failure?.kind == .shape)
    #expect(crossEntropy(Tensor.zeros([]), Tensor.zeros([], dtype: .int32)).failure != nil)
    #expect(mse(Tensor.zeros([4, 1]), Tensor.zeros([4])).failure?.kind == .shape)
    #expect(klDivergence(Tensor.zeros([]), Tensor.zeros([])).failure?.kind == .shape)
    #expect(accuracy(logits, Tensor.zeros([4])).failure?.kind == .shape)
    #expect(topKAccuracy(logits, Tensor.zeros([3], dtype: .int32), k: 1).failure?.kind == .shape)
  }

  @Test func metrics() throws {
    let logits = Tensor([[1, 2, 3, 0], [9, 0, 0, 0], [1, 1, 1, 1]] as [[Float]])
    let labels = Tensor([1, 0, 3] as [Int32])
    #expect(abs(try accuracy(logits, labels).item() - 1.0 / 3) < 1e-6)
    let hits = try (1...4).map { try topKAccuracy(logits, labels, k: $0).item() * 3 }
    #expect(hits.map { ($0 * 1000).rounded() / 1000 } == [1, 2, 2, 3])
    #expect(try topKAccuracy(Tensor([[.nan, 1]] as [[Float]]), Tensor([0] as [Int32]), k: 1).item() == 0)
    #expect(try topKAccuracy(logits, Tensor([7, 0, -1] as [Int32]), k: 4).item() < 0.34)
  }
}
