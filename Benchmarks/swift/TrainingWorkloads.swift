import NN
import Papers
import Pinion

/// Pictures [B, side, side, channels] and labels [B] of random numbers.
private func pictures(_ batch: Int, _ side: Int, _ channels: Int) -> [String: Tensor] {
  let keys = Key(7).split()
  return [
    "images": keys[0].normal([batch, side, side, channels]), "labels": keys[1].randint([batch], from: 0, to: 10),
  ]
}

extension Workload {
  static let mlp = training(
    "mlp", "8 layers of 256, batch 8,192, Adam",
    model: {
      MLP($0.pick(256, tiny: 8), width: $0.pick(256, tiny: 16), depth: $0.pick(8, tiny: 2), classes: 10, key: Key(0))
    },
    data: { size in
      let keys = Key(7).split()
      let batch = size.pick(8192, tiny: 32)
      return [
        "inputs": keys[0].normal([batch, size.pick(256, tiny: 8)]), "labels": keys[1].randint([batch], from: 0, to: 10),
      ]
    },
    optimizer: { try Adam(for: $0, learningRate: 1e-4) },
    loss: { crossEntropy($0(try $1.at("inputs")), try $1.at("labels")) })

  static let gptWide = gpt(
    "gpt-d256", "GPT, 4 layers, width 256, 128 tokens, batch 8, AdamW", width: 256, depth: 4, length: 128)
  static let gptNarrow = gpt(
    "gpt-d64", "GPT, 4 layers, width 64, 64 tokens, batch 8, AdamW", width: 64, depth: 4, length: 64)
  /// Not in the suite: what tracing time is measured on.
  static let gptDeep = gpt(
    "gpt-l12", "GPT, 12 layers, width 64, 32 tokens, batch 2, AdamW", width: 64, depth: 12, length: 32, batch: 2)

  private static func gpt(
    _ name: String, _ title: String, width: Int, depth: Int, length: Int, batch: Int = 8
  ) -> Workload {
    training(
      name, title, settings: { ["heads": $0.pick(4, tiny: 2)] },
      model: { size in
        GPT(
          vocabulary: size.pick(512, tiny: 11), length: size.pick(length, tiny: 6), width: size.pick(width, tiny: 8),
          depth: size.pick(depth, tiny: 1), heads: size.pick(4, tiny: 2), key: Key(0))
      },
      data: { size in
        let shape = [size.pick(batch, tiny: 2), size.pick(length, tiny: 6) + 1]
        return ["tokens": Key(7).randint(shape, from: 0, to: size.pick(512, tiny: 11))]
      },
      optimizer: { try AdamW(for: $0) },
      loss: { model, data in
        let tokens = try data.at("tokens")
        return crossEntropy(model(tokens[.all, ..<(tokens.shape[1] - 1)]), tokens[.all, 1...])
      })
  }

  static let visionTransformer = training(
    "vit-tiny", "ViT-Ti, 12 layers, width 192, 32 px in patches of 4, batch 8, AdamW",
    settings: { ["heads": $0.pick(3, tiny: 2), "patch": 4] },
    model: { size in
      ViT(
        imageSize: size.pick(32, tiny: 8), patch: 4, width: size.pick(192, tiny: 8), depth: size.pick(12, tiny: 1),
        heads: size.pick(3, tiny: 2), classes: 10, key: Key(0))
    },
    data: { pictures($0.pick(8, tiny: 4), $0.pick(32, tiny: 8), 3) }, optimizer: { try AdamW(for: $0) },
    loss: { crossEntropy($0(try $1.at("images")), try $1.at("labels")) })

  static let transformerInTransformer = training(
    "tnt", "TNT of `reproduce tnt`, 28 px padded to 32, 6 layers, widths 96 and 12, batch 64, AdamW",
    settings: { size in
      let c = tntSizes(size)
      return ["heads": c.heads, "innerHeads": c.innerHeads, "patchSize": c.patchSize, "innerStride": c.innerStride]
    },
    model: { try TNT(tntSizes($0), key: Key(0), initializer: .fanInUniform) },
    data: { pictures($0.pick(64, tiny: 4), tntSizes($0).imageSize, 1) }, optimizer: { try AdamW(for: $0) },
    loss: { crossEntropy($0(try $1.at("images")), try $1.at("labels")) })

  private static func tntSizes(_ size: Size) -> TNTConfiguration {
    var c = TNTConfiguration()
    (c.imageSize, c.patchSize, c.innerStride) = (size.pick(32, tiny: 8), size.pick(16, tiny: 4), size.pick(4, tiny: 2))
    (c.channels, c.classes, c.depth) = (1, 10, size.pick(6, tiny: 1))
    (c.width, c.innerWidth) = (size.pick(96, tiny: 12), size.pick(12, tiny: 4))
    (c.heads, c.innerHeads) = (size.pick(3, tiny: 2), 2)
    return c
  }

  static let convnet = training(
    "convnet", "4 convolutions 3 x 3 of 32 channels, 28 px, batch 64, SGD with momentum",
    model: {
      let channels = $0.pick(32, tiny: 4)
      return ConvolutionalNetwork(channels: [1, channels, channels, channels, channels], classes: 10, key: Key(0))
    },
    data: { pictures($0.pick(64, tiny: 4), $0.pick(28, tiny: 8), 1) },
    optimizer: { try SGD(for: $0, learningRate: 0.05, momentum: 0.9) },
    loss: { crossEntropy($0(try $1.at("images")), try $1.at("labels")) })

  static let resnet18 = training(
    "resnet18", "ResNet-18 for 32 px, batch 32, SGD with momentum",
    model: { ResNet18(width: $0.pick(64, tiny: 4), blocksPerStage: $0.pick(2, tiny: 1), key: Key(0)) },
    data: { pictures($0.pick(32, tiny: 4), $0.pick(32, tiny: 16), 3) },
    optimizer: { try SGD(for: $0, learningRate: 0.01, momentum: 0.9) },
    loss: { (model: inout ResNet18, data: [String: Tensor]) in
      crossEntropy(model(try data.at("images")), try data.at("labels"))
    })

  static let gru = recurrent(
    "gru", "GRU, 100 steps of 64 inputs, 128 units, batch 32, Adam", cell: { GRUCell($0, $1, key: $2) },
    step: { cell, state, x in [cell(x, state[0])] }, states: 1)

  static let lstm = recurrent(
    "lstm", "LSTM, 100 steps of 64 inputs, 128 units, batch 32, Adam", cell: { LSTMCell($0, $1, key: $2) },
    step: { cell, state, x in
      let next = cell(x, LSTMState(hidden: state[0], cell: state[1]))
      return [next.hidden, next.cell]
    }, states: 2)

  private static func recurrent<Cell: Module>(
    _ name: String, _ title: String, cell: @escaping @Sendable (Int, Int, Key) -> Cell,
    step: @escaping @Sendable (Cell, [Tensor], Tensor) -> [Tensor], states: Int
  ) -> Workload {
    training(
      name, title, settings: { _ in ["gates": states == 1 ? 3 : 4] },
      model: { size in
        let units = size.pick(128, tiny: 8)
        return Recurrent(cell: cell(size.pick(64, tiny: 4), units, Key(0)), head: Dense(units, 10, key: Key(1)))
      },
      data: { size in
        let keys = Key(7).split()
        let batch = size.pick(32, tiny: 4)
        return [
          "inputs": keys[0].normal([size.pick(100, tiny: 5), batch, size.pick(64, tiny: 4)]),
          "labels": keys[1].randint([batch], from: 0, to: 10),
        ]
      },
      optimizer: { try Adam(for: $0) },
      loss: { model, data in
        let inputs = try data.at("inputs")
        let zeros = Tensor.zeros([inputs.shape[1], model.head.weight.shape[0]])
        let start = Array(repeating: zeros, count: states)
        let cell = model.cell
        let (last, _) = try scan(start, over: inputs) { state, x in (step(cell, state, x), [Tensor]()) }
        return crossEntropy(model.head(last[0]), try data.at("labels"))
      })
  }

  static let perExampleMLP = perExample(
    "per-example-mlp", "clipped gradient of each of 256 examples by vmap, MLP 784-256-256-10, SGD",
    model: { MLP($0.pick(784, tiny: 8), width: $0.pick(256, tiny: 8), depth: 2, classes: 10, key: Key(0)) },
    data: { size in
      let keys = Key(7).split()
      let batch = size.pick(256, tiny: 4)
      return [
        "inputs": keys[0].normal([batch, size.pick(784, tiny: 8)]), "labels": keys[1].randint([batch], from: 0, to: 10),
      ]
    },
    scores: { $0($1) })

  static let perExampleConvnet = perExample(
    "per-example-convnet", "clipped gradient of each of 256 examples by vmap, 2 convolutions of 16 and 32, 28 px, SGD",
    model: { size in
      ConvolutionalNetwork(
        channels: [1, size.pick(16, tiny: 4), size.pick(32, tiny: 4)], strides: 2, classes: 10, key: Key(0))
    },
    data: { size in
      let data = pictures(size.pick(256, tiny: 4), size.pick(28, tiny: 8), 1)
      return ["inputs": try data.at("images"), "labels": try data.at("labels")]
    },
    scores: { $0($1) })

  /// The step of differentially private training, without its noise. Abadi et al., 2016.
  private static func perExample<M: Module>(
    _ name: String, _ title: String, model: @escaping @Sendable (Size) throws -> M,
    data: @escaping @Sendable (Size) throws -> [String: Tensor],
    scores: @escaping @Sendable (M, Tensor) -> Tensor
  ) -> Workload {
    Workload(
      name: name, title: title, kind: .training, settings: { _ in [:] },
      prepare: { try named(model($0), data($0)) },
      start: { size, tensors in
        var current = try model(size)
        try load(part("model", of: tensors), into: &current)
        let gradients = vmap(inAxes: [nil, 0, 0]) { (model: M, x: Tensor, y: Tensor) throws -> (M, Tensor) in
          let (loss, gradient) = try valueAndGrad(model) {
            crossEntropy(scores($0, x.expandDims(0)), y.expandDims(0))
          }
          return (try clipped(gradient, norm: 1), loss)
        }
        let step = jit(donating: 0) { (model: M, data: [String: Tensor]) in
          let (each, losses) = try gradients(model, data.at("inputs"), data.at("labels"))
          var slopes = try tensorLeaves(of: each).makeIterator()
          let next = try map(model) { leaf in
            guard let slope = slopes.next() else { return leaf.tensor }
            return leaf.tensor - 0.5 * slope.mean(axes: [0])
          }
          return (next, losses.mean())
        }
        let batch = part("data", of: tensors)
        return {
          let (next, value) = try step(current, batch)
          current = next
          return value
        }
      })
  }

  static let embedding = training(
    "embedding", "gradient of a table 50,000 x 256 by 4,096 rows, SGD",
    model: { Embedding($0.pick(50_000, tiny: 2000), $0.pick(256, tiny: 4), key: Key(0)) },
    data: { size in
      let keys = Key(7).split()
      let rows = size.pick(4096, tiny: 512)
      return [
        "indices": keys[0].randint([rows], from: 0, to: size.pick(50_000, tiny: 2000)),
        "targets": keys[1].normal([rows, size.pick(256, tiny: 4)]),
      ]
    },
    optimizer: { try SGD(for: $0, learningRate: 100) },
    loss: { mse($0(try $1.at("indices")), try $1.at("targets")) })
}

/// Both networks of a generative adversarial network, each with its optimizer.
private struct Adversaries: Module {
  var generator: Generator
  var discriminator: Discriminator
  var generatorRule: Adam<Generator>
  var discriminatorRule: Adam<Discriminator>

  init(_ generator: Generator, _ discriminator: Discriminator) throws {
    (self.generator, self.discriminator) = (generator, discriminator)
    generatorRule = try Adam(for: generator, learningRate: 2e-5, beta1: 0.5)
    discriminatorRule = try Adam(for: discriminator, learningRate: 2e-5, beta1: 0.5)
  }

  /// One step of the discriminator, then one of the generator; the sum of their losses.
  mutating func step(_ real: Tensor, _ noise: Tensor) throws -> Tensor {
    func judged(_ scores: Tensor, real: Bool) -> Tensor {
      binaryCrossEntropyWithLogits(scores, real ? Tensor.ones(like: scores) : Tensor.zeros(like: scores))
    }
    let (made, pullback) = try vjp(generator) { network in
      var network = network
      return network(noise)
    }
    let (lossD, slopeD) = try valueAndGrad(discriminator) { network in
      var network = network
      return judged(network(real), real: true) + judged(network(stopGradient(made)), real: false)
    }
    try discriminatorRule.update(&discriminator, slopeD)
    var judge = discriminator
    let (lossG, slope) = try valueAndGrad(stopGradient(made)) { judged(judge($0), real: true) }
    try generatorRule.update(&generator, pullback(slope))
    return lossD + lossG
  }
}

extension Workload {
  static let dcgan = Workload(
    name: "dcgan", title: "step of generator and discriminator, 28 px, 64 and 128 channels, batch 64, Adam",
    kind: .training, settings: { _ in [:] },
    prepare: { size in
      let keys = Key(7).split()
      let (batch, noise) = (size.pick(64, tiny: 4), size.pick(100, tiny: 4))
      let networks = adversaries(size)
      return try named(networks.0, [:]).prefixed("generator").merging(named(networks.1, [:]).prefixed("discriminator"))
      { $1 }
      .merging([
        "data.images": keys[0].uniform([batch, 28, 28, 1], from: -1), "data.noise": keys[1].normal([batch, noise]),
      ]) { $1 }
    },
    start: { size, tensors in
      var (generator, discriminator) = adversaries(size)
      try load(part("model.generator", of: tensors), into: &generator)
      try load(part("model.discriminator", of: tensors), into: &discriminator)
      var state = try Adversaries(generator, discriminator)
      let step = jit(donating: 0) { (state: Adversaries, real: Tensor, noise: Tensor) in
        var state = state
        let value = try state.step(real, noise)
        return (state, value)
      }
      let (real, noise) = (try tensors.at("data.images"), try tensors.at("data.noise"))
      return {
        let (next, value) = try step(state, real, noise)
        state = next
        return value
      }
    })

  private static func adversaries(_ size: Size) -> (Generator, Discriminator) {
    let width = size.pick(64, tiny: 4)
    return (
      Generator(noise: size.pick(100, tiny: 4), width: width, key: Key(0)), Discriminator(width: width, key: Key(1))
    )
  }
}

extension [String: Tensor] {
  /// The tensor of a name.
  func at(_ name: String) throws -> Tensor {
    guard let tensor = self[name] else { throw BenchError("there is no tensor \(name)") }
    return tensor
  }

  /// Names `model.x` as `model.prefix.x`.
  fileprivate func prefixed(_ prefix: String) -> [String: Tensor] {
    Dictionary(uniqueKeysWithValues: part("model", of: self).map { ("model.\(prefix).\($0)", $1) })
  }
}
