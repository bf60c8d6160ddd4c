import NN
import Pinion
import Testing

@Suite struct AdversarialLossTests {
  private let scores = Tensor([-40, -3, -1.5, -0.5, 0.3, 0.9, 2, 30] as [Double])

  @Test(arguments: AdversarialLoss.allCases)
  func slopesAreTheDerivatives(loss: AdversarialLoss) throws {
    func derivative(_ f: @escaping (Tensor) -> Tensor) throws -> Tensor { try grad { f($0).sum() }(scores) }
    try expectClose(loss.realSlope(scores), derivative(loss.real), 1e-12)
    try expectClose(loss.fakeSlope(scores), derivative(loss.fake), 1e-12)
    try expectClose(loss.generatorSlope(scores), derivative(loss.generator), 1e-12)
  }

  /// γ in closed form is the ratio of the derivatives wherever the discriminator's isn't 0.
  @Test(arguments: AdversarialLoss.allCases)
  func gammaIsTheRatio(loss: AdversarialLoss) throws {
    let gamma = try doubles(loss.gamma(scores))
    let (up, down) = (try doubles(loss.generatorSlope(scores)), try doubles(loss.fakeSlope(scores)))
    for i in gamma.indices where down[i] != 0 {
      #expect(abs(gamma[i] - up[i] / down[i]) <= 1e-12 * abs(gamma[i]))
    }
    if loss.isSymmetric { #expect(gamma.allSatisfy { $0 == -1 }) }
  }

  @Test func deadSamplesAreThoseThatGammaLoses() throws {
    func dead(_ loss: AdversarialLoss) throws -> Double {
      try loss.isDead(Tensor([-2, -1.5, 0, 1] as [Double])).cast(.float64).sum().item()
    }
    #expect(try dead(.hinge) == 2)
    #expect(try dead(.leastSquares) == 1)
    #expect(try dead(.nonSaturating) == 0)
    #expect(try dead(.wasserstein) == 0)
    #expect(try AdversarialLoss.leastSquares.gamma(Tensor([0.0])).item() == -1e12)
  }
}

@Suite struct SpectralNormTests {
  @Test func equalsPyTorch() throws {
    let oracle = try Oracle.gan("spectral")
    let layer = Conv2D(3, 4, kernel: [3], strides: [2], padding: .explicit([[1, 1], [1, 1]]), key: Key(0))
    var start = try oracle.filled(SpectralNorm(layer, key: Key(1)))
    start.right = oracle["start"]
    start.iterate()
    let model = start
    try expectClose(model.sigma, oracle["sigma"], 1e-8)
    func loss(_ model: SpectralNorm<Conv2D>) -> Tensor { (model(oracle["x"]) * oracle["cotangent"]).sum() }
    let slopes = try grad(loss)(model)
    try evaluate([slopes.layer.weight, slopes.right])
    try expectClose(model(oracle["x"]), oracle["y"], 1e-8)
    try expectClose(slopes.layer.weight, oracle["grad parameter layer.weight"], 1e-7)
    // State, not weight.
    #expect(try slopes.right.abs().max().item() == 0)
    #expect(try leaves(of: model).filter(\.isBuffer).map(\.path) == ["right", "left"])
  }

  @Test func convergesToTheLargestSingularValue() throws {
    var layer = SpectralNorm(Dense(7, 5, key: Key(2)), key: Key(3))
    layer.iterate(100)
    let largest = try svdvals(layer.layer.weight).max().item()
    #expect(abs(try layer.sigma.item() - largest) < 1e-5 * largest)
    // The normalised layer's slope is bounded by 1.
    let x = Key(4).normal([50, 7])
    let y = layer(x) - layer(Tensor.zeros([1, 7]))
    #expect(try (y.square().sum(1) / x.square().sum(1)).max().item() <= 1.0001)
  }
}

@Suite struct DiscriminatorPenaltyTests {
  /// A linear score has the same slope everywhere, a quadratic one its place.
  @Test func penaltiesOfKnownSlopes() throws {
    let w = Tensor([3, 4] as [Double])
    let (real, fake) = (Key(0).normal([6, 2], dtype: .float64), Key(1).normal([6, 2], dtype: .float64))
    let linear = { (x: Tensor) in (x * w).sum(1) }
    #expect(abs(try DiscriminatorPenalty.squaredSlope(at: real, linear).item() - 25) < 1e-12)
    let penalty = try DiscriminatorPenalty.gradientPenalty(real: real, fake: fake, key: Key(2), linear)
    #expect(abs(try penalty.item() - 16) < 1e-9)
    let quadratic = try DiscriminatorPenalty.squaredSlope(at: real) { ($0.square() / 2).sum(1) }
    try expectClose(quadratic, real.square().sum(1).mean(), 1e-12)
    // Second derivatives reach the weights: d‖w‖²/dw = 2w.
    let slope = try grad { (w: Tensor) in try DiscriminatorPenalty.squaredSlope(at: real) { ($0 * w).sum(1) } }(w)
    try expectClose(slope, 2 * w, 1e-12)
    #expect(throws: TensorError.self) {
      try DiscriminatorPenalty.gradientPenalty(real: real, fake: fake[..<2], key: Key(2), linear)
    }
  }

  @Test func clippingSparesBuffers() throws {
    let network = DCGANDiscriminator(channels: 1, width: 2, key: Key(0))
    let clipped = try DiscriminatorPenalty.clipped(network, to: 0.01)
    for (old, new) in zip(try leaves(of: network), try leaves(of: clipped)) {
      let largest = try new.tensor.abs().max().item()
      #expect(old.isBuffer ? try old.tensor.bytes() == new.tensor.bytes() : largest <= 0.010001)
    }
  }
}

@Suite struct GANNetworkTests {
  @Test func shapesAndParameters() throws {
    let noise = Key(0).normal([3, 8])
    var dcgan = DCGANGenerator(channels: 3, width: 4, noiseSize: 8, key: Key(1))
    // Dense without bias, scales and offsets of 28 channels, kernels 4 x 4, bias of the last.
    let kernels = 16 * (16 * 8 + 8 * 4 + 4 * 3)
    #expect(try parameterCount(of: dcgan) == 8 * 16 * 16 + 2 * 28 + kernels + 3)
    var sngan = SNGANGenerator(channels: 3, width: 4, noiseSize: 8, key: Key(1))
    #expect(dcgan(noise).shape == [3, 32, 32, 3])
    #expect(dcgan.train(noise).shape == [3, 32, 32, 3])
    #expect(sngan(noise).shape == [3, 32, 32, 3])
    let pictures = sngan.train(noise)
    #expect(try pictures.abs().max().item() <= 1)
    let moved = try #require(try parameters(of: sngan)["norm.runningMean"])
    #expect(try moved.abs().max().item() > 0)
    let judge = SNGANDiscriminator(channels: 3, width: 4, key: Key(2))
    #expect(judge(pictures).shape == [3])
    let expected = (9 * 12 + 4) + 7 * (9 * 16 + 4) + (12 + 4) + (16 + 4) + 5
    #expect(try parameterCount(of: judge) == expected)
    #expect(judge(noise).failure != nil)
  }

  /// Scores of a picture don't depend on its neighbours, but with batch normalisation.
  @Test(arguments: DiscriminatorNormalization.allCases)
  func samplesMixOnlyWhereSaid(normalization: DiscriminatorNormalization) throws {
    let judge = DCGANDiscriminator(channels: 1, width: 2, normalization: normalization, key: Key(0))
    let pictures = Key(1).uniform([4, 32, 32, 1], from: -1, to: 1)
    let gap = try (judge(pictures)[..<2] - judge(pictures[..<2])).abs().max().item()
    let size = try judge(pictures).abs().max().item()
    #expect(judge.mixesSamples == (normalization == .batch))
    #expect(judge.mixesSamples ? gap > 1e-3 * size : gap < 1e-4 * size)
  }
}
