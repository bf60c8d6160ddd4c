import NN
import Pinion
import Testing

/// Results and gradients of layers against PyTorch's.
@Suite struct LayerOracleTests {
  let key = Key(0)

  @Test func dense() throws {
    try Oracle.layers("dense").check(Dense(5, 4, key: key)) { $0($1[0]) }
  }

  @Test func convolutions() throws {
    try Oracle.layers("conv1d").check(
      Conv1D(4, 6, kernel: [3], strides: [2], padding: .explicit([[1, 1]]), dilation: [2], key: key)
    ) { $0($1[0]) }
    try Oracle.layers("conv2d").check(
      Conv2D(4, 6, kernel: [3, 2], strides: [2, 1], padding: .explicit([[1, 1], [0, 0]]), groups: 2, key: key)
    ) { $0($1[0]) }
    try Oracle.layers("conv3d").check(Conv3D(4, 6, kernel: [2], key: key)) { $0($1[0]) }
  }

  @Test func transposedConvolutions() throws {
    try Oracle.layers("convTransposed1d").check(
      ConvTransposed1D(4, 6, kernel: [3], strides: [2], padding: .explicit([[1, 1]]), dilation: [2], key: key)
    ) { $0($1[0]) }
    try Oracle.layers("convTransposed2d").check(
      ConvTransposed2D(
        4, 6, kernel: [3, 4], strides: [2, 3], padding: .explicit([[1, 1], [1, 1]]), outputPadding: [1], groups: 2,
        key: key)
    ) { $0($1[0]) }
    try Oracle.layers("convTransposed3d").check(
      ConvTransposed3D(4, 6, kernel: [2], strides: [2], key: key)
    ) { $0($1[0]) }
  }

  @Test func embedding() throws {
    let oracle = try Oracle.layers("embedding")
    try oracle.check(Embedding(7, 3, key: key), inputs: []) { embedding, _ in embedding(oracle["indices"].cast(.int32))
    }
  }

  @Test func norms() throws {
    try Oracle.layers("layerNorm").check(LayerNorm(6)) { $0($1[0]) }
    try Oracle.layers("rmsNorm").check(RMSNorm(6)) { $0($1[0]) }
    try Oracle.layers("groupNorm").check(GroupNorm(groups: 3, 6)) { $0($1[0]) }
    try Oracle.layers("instanceNorm").check(InstanceNorm(6, affine: true)) { $0($1[0]) }
  }

  @Test func batchNorm() throws {
    var norm = BatchNorm(6)
    for step in 0..<3 {
      let oracle = try Oracle.layers("batchNorm\(step)")
      norm = try oracle.filled(norm)
      try oracle.check(norm) { model, x in
        var model = model
        return model(x[0], training: true)
      }
      _ = norm(oracle["x"], training: true)
      try expectClose(norm.runningMean, oracle["mean"])
      try expectClose(norm.runningVariance, oracle["variance"])
    }
    try Oracle.layers("batchNormUse").check(norm) { $0($1[0]) }
  }

  @Test func attention() throws {
    let causal = try Oracle.layers("attentionCausal")
    let layer = MultiHeadAttention(6, heads: 2, key: key)
    try causal.check(layer) { $0($1[0], causal: true) }
    try expectClose(causal.filled(layer).attend(causal["x"], causal: true).weights, causal["weights"])
    let cross = try Oracle.layers("attentionCross")
    let mask = cross["mask"] .> 0
    try cross.check(layer, inputs: ["x", "context"]) { $0($1[0], context: $1[1], mask: mask) }
    try expectClose(
      cross.filled(layer).attend(cross["x"], context: cross["context"], mask: mask).weights, cross["weights"])
    let additive = try Oracle.layers("attentionAdditive")
    try additive.check(layer, inputs: ["x", "context"]) { $0($1[0], context: $1[1], mask: additive["mask"]) }
  }

  @Test(arguments: [true, false]) func transformerBlocks(normFirst: Bool) throws {
    let options = BlockOptions(normFirst: normFirst)
    let order = normFirst ? "pre" : "post"
    try Oracle.layers("encoder \(order)").check(
      TransformerEncoderBlock(6, heads: 2, hidden: 8, options: options, key: key)
    ) { $0($1[0]) }
    try Oracle.layers("decoder \(order)").check(
      TransformerDecoderBlock(6, heads: 2, hidden: 8, options: options, key: key), inputs: ["x", "context"]
    ) { $0($1[0], context: $1[1]) }
  }

  @Test func recurrentCells() throws {
    try Oracle.layers("gru").check(GRUCell(3, 4, key: key), inputs: ["x", "hidden"]) { $0($1[0], $1[1]) }
    try Oracle.layers("lstm").check(LSTMCell(3, 4, key: key), inputs: ["x", "hidden", "cell"]) { cell, x in
      let state = cell(x[0], LSTMState(hidden: x[1], cell: x[2]))
      return concatenate([state.hidden, state.cell], axis: 1)
    }
  }

  static let activations: [(String, Activation)] = [
    ("relu", .relu), ("gelu", .gelu), ("geluTanh", .geluTanh), ("silu", .silu), ("mish", .mish), ("elu", .elu),
    ("selu", .selu), ("leakyRelu", .leakyRelu), ("softplus", .softplus), ("hardSigmoid", .hardSigmoid),
    ("hardSwish", .hardSwish), ("sigmoid", .sigmoid), ("tanh", .tanh),
  ]

  @Test(arguments: activations.indices) func activation(_ i: Int) throws {
    let (name, function) = Self.activations[i]
    // PyTorch's hardSigmoid rounds 1/6 to single precision.
    try Oracle.layers("activation \(name)").check(function, tolerance: 5e-8) { $0($1[0]) }
  }
}

/// What layers promise beyond numbers.
@Suite struct LayerTests {
  let key = Key(7)

  @Test func namesOfParameters() throws {
    let net = Sequential(Dense(4, 8, key: key), LayerNorm(8), Activation.gelu, Dense(8, 2, bias: false, key: key))
    #expect(
      try leaves(of: net).map(\.path) == [
        "layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias", "layers.3.weight",
      ])
    #expect(net(Tensor.ones([5, 4])).shape == [5, 2])
    let norm = BatchNorm(3)
    #expect(try leaves(of: norm).filter(\.isBuffer).map(\.path) == ["runningMean", "runningVariance"])
    #expect(try leaves(of: Embedding(3, 2, key: key)).map(\.path) == ["weight"])
    let paths = try leaves(of: MultiHeadAttention(4, heads: 2, key: key)).map(\.path)
    #expect(paths.contains("query.weight") && paths.contains("key.bias") && paths.count == 8)
  }

  @Test func sequentialKindsAreInTheSignature() throws {
    let apply = jit { (net: Sequential, x: Tensor) -> Tensor in net(x) }
    let x = Tensor([-1, 2] as [Float])
    #expect(try apply(Sequential(Activation.relu), x).array(of: Float.self) == [0, 2])
    #expect(try apply(Sequential(Activation.identity), x).array(of: Float.self) == [-1, 2])
  }

  @Test func dropoutKeepsTheMean() throws {
    let x = Tensor.ones([100, 100])
    let y = Dropout(0.3)(x, key: key)
    let values = try y.array(of: Float.self)
    let kept = values.filter { $0 != 0 }
    #expect(abs(Double(kept.count) / 1e4 - 0.7) < 0.02)
    #expect(kept.allSatisfy { abs($0 - 1 / 0.7) < 1e-6 })
    #expect(try Dropout(0.3)(x, key: nil).mean().item() == 1)
    let quick = try Dropout(0.3, isQuick: true)(x, key: key).array(of: Float.self)
    #expect(abs(Double(quick.count { $0 == 0 }) / Double(quick.count) - 0.3) < 0.02)
    #expect(quick.allSatisfy { $0 == 0 || abs($0 - 1 / 0.7) < 1e-6 })
    #expect(try Dropout(0, isQuick: true)(x, key: key).mean().item() == 1)
    #expect(try Dropout(1)(x, key: key).sum().item() == 0)
    #expect(Dropout(1.5)(x, key: key).failure?.kind == .value)
    #expect(Dropout(.nan)(x, key: key).failure?.kind == .value)
  }

  @Test func dropPathDropsWholeExamples() throws {
    let y = try DropPath(rate: 0.5)(Tensor.ones([200, 3, 2]), key: key).reshape([200, 6]).array(of: Float.self)
    let rows = (0..<200).map { Set(y[(6 * $0)..<(6 * $0 + 6)]) }
    #expect(rows.allSatisfy { $0 == [0] || $0 == [2] })
    #expect(abs(rows.filter { $0 == [2] }.count - 100) < 30)
  }

  @Test func causalAttentionDoesNotLookAhead() throws {
    let layer = MultiHeadAttention(8, heads: 2, key: key)
    let x = Key(1).normal([1, 5, 8])
    let changed = concatenate([x[.all, 0..<3], Key(2).normal([1, 2, 8])], axis: 1)
    try evaluate([x, changed] + tensorLeaves(of: layer))
    let (a, b) = (layer(x, causal: true), layer(changed, causal: true))
    try evaluate(a, b)
    #expect(try a[.all, 0..<3].bytes() == b[.all, 0..<3].bytes())
    #expect(try a[.all, 3...].bytes() != b[.all, 3...].bytes())
  }

  @Test func aQueryThatMayLookNowhere() throws {
    let q = Key(3).normal([2, 3, 4])
    let mask = Tensor([true, true, true, false, false, false, true, false, true], shape: [3, 3])
    let (value, gradient, weights) = try valueAndGrad(q) { q in
      let (y, weights) = attention(q, q, q, mask: mask)
      return (y.sum(), weights)
    }
    #expect(try value.item().isFinite)
    #expect(try gradient.isFinite().all().item() == 1)
    #expect(try weights[.all, 1].array(of: Float.self).allSatisfy { $0 == 0 })
    try expectClose(weights[.all, 0].sum(1), Tensor.ones([2]), 1e-6)
  }

  @Test func dropoutInsideBlocksNeedsAKey() throws {
    let options = BlockOptions(dropout: 0.5, dropPath: 0.2)
    let block = TransformerEncoderBlock(8, heads: 2, options: options, key: key)
    let x = Key(4).normal([4, 3, 8])
    try evaluate([x] + tensorLeaves(of: block))
    #expect(try block(x).bytes() == block(x).bytes())
    #expect(try block(x, key: Key(1)).bytes() == block(x, key: Key(1)).bytes())
    #expect(try block(x, key: Key(1)).bytes() != block(x, key: Key(2)).bytes())
  }

  @Test func equalIndicesAddUp() throws {
    let indices = Tensor([5, 1, 5, 999] as [Int32])
    let table = Embedding(1000, 2, key: key)
    let gradient = try grad { (e: Embedding) in (e(indices) * Tensor([1, 2, 3, 4] as [Float], shape: [4, 1])).sum() }(
      table)
    let rows = try gradient.weight.array(of: Float.self)
    #expect(rows[10] == 4 && rows[2] == 2 && rows[1998] == 4 && rows.reduce(0, +) == 20)
    try expectClose(table.attend(table(indices))[0, 5], table.weight[5].square().sum(), 1e-5)
  }

  /// Sizes that make no layer are errors of whatever is computed with it, not traps.
  @Test func sizesThatMakeNoLayer() {
    let x = Tensor.zeros([2, 3])
    let images = Tensor.zeros([1, 4, 4, 3])
    var norm = BatchNorm(-3)
    let results: [Tensor] = [
      Dense(-3, 2, key: key)(x), Dense(3, -2, key: key)(x), LayerNorm(-3)(x), RMSNorm(-1)(x),
      norm(x, training: true), norm(x), GroupNorm(groups: -1, 3)(x), InstanceNorm(-3, affine: true)(images),
      Embedding(-4, 3, key: key)(Tensor.zeros([2], dtype: .int32)), Conv2D(-3, 2, kernel: [3, 3], key: key)(images),
      Conv2D(3, 2, kernel: [], key: key)(images), Conv2D(3, 2, kernel: [3], strides: [0], key: key)(images),
      Conv2D(3, 2, kernel: [3], strides: [], key: key)(images),
      ConvTransposed2D(3, 2, kernel: [3], strides: [-1], key: key)(images),
      ConvTransposed2D(3, 2, kernel: [0], key: key)(images),
      MultiHeadAttention(-6, heads: 2, key: key)(Tensor.zeros([1, 2, 6])),
      MultiHeadAttention(6, heads: 0, key: key)(Tensor.zeros([1, 2, 6])),
      GRUCell(3, -4, key: key)(x, x), LSTMCell(3, -4, key: key)(x, LSTMState(hidden: x, cell: x)).hidden,
      FeedForward(3, hidden: -1, key: key)(x),
    ]
    for (i, result) in results.enumerated() {
      #expect(throws: TensorError.self, "case \(i)") { try result.bytes() }
    }
  }

  @Test func emptyBatches() throws {
    let x = Tensor.zeros([0, 5, 8])
    let block = TransformerEncoderBlock(8, heads: 2, key: key)
    #expect(try block(x, key: Key(1)).array(of: Float.self).isEmpty)
    #expect(try Conv1D(8, 3, kernel: [3], key: key)(x).array(of: Float.self).isEmpty)
    #expect(try Dropout(0.5)(x, key: key).array(of: Float.self).isEmpty)
  }

  @Test func wrongShapesSaySo() {
    #expect(Dense(3, 2, key: key)(Tensor.zeros([4, 5])).failure?.kind == .shape)
    #expect(Conv2D(3, 4, kernel: [3, 3, 3], key: key)(Tensor.zeros([1, 8, 8, 3])).failure?.kind == .value)
    #expect(Conv2D(3, 4, kernel: [3], groups: 2, key: key)(Tensor.zeros([1, 8, 8, 3])).failure?.kind == .value)
    #expect(Conv2D(3, 4, kernel: [3], key: key)(Tensor.zeros([1, 8, 8, 5])).failure?.kind == .shape)
    #expect(GroupNorm(groups: 4, 6)(Tensor.zeros([2, 3, 6])).failure?.kind == .shape)
    #expect(GroupNorm(groups: 0, 6)(Tensor.zeros([2, 3, 6])).failure?.kind == .shape)
    #expect(InstanceNorm(6)(Tensor.zeros([2, 6])).failure?.kind == .shape)
    #expect(LayerNorm(6)(Tensor.zeros([2, 5])).failure?.kind == .shape)
    #expect(LayerNorm(6)(Tensor.zeros([])).failure != nil)
    var norm = BatchNorm(6)
    #expect(norm(Tensor.zeros([2, 5]), training: true).failure?.kind == .shape)
    #expect(norm(Tensor.zeros([1, 6]), training: true).failure?.kind == .shape)
    let attention = MultiHeadAttention(6, heads: 4, key: key)
    #expect(attention(Tensor.zeros([1, 2, 6])).failure?.kind == .shape)
    #expect(MultiHeadAttention(6, heads: 2, key: key)(Tensor.zeros([2, 6])).failure?.kind == .shape)
    #expect(GRUCell(3, 4, key: key)(Tensor.zeros([2, 5]), Tensor.zeros([2, 4])).failure?.kind == .shape)
    #expect(Embedding(3, 2, key: key)(Tensor.zeros([2])).failure != nil)
    let failed = Tensor.zeros([2]) + Tensor.zeros([3])
    #expect(TransformerEncoderBlock(6, heads: 2, key: key)(failed).failure == failed.failure)
  }
}
