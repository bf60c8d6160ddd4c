import NN
import Pinion

/// How the gradients of both players are had from one forward pass of the discriminator.
public enum OneStageForm: String, Codable, CaseIterable, Sendable {
  /// The discriminator's loss L_r + L_f goes back once; row i of what arrives at the made pictures is scaled by
  /// γ_i = L_g'(s_i) / L_f'(s_i) and goes on through the generator (the paper's section 3.3).
  case gamma
  /// L_r + (L_f - L_g) goes back; each player's part is recovered by 1 / (1 - γ_i) and γ_i / (1 - γ_i) (the paper's
  /// equations for mixed gradients). Algebraically the same as `gamma`.
  case mixed
  /// Two cotangents go back through the same forward pass: L_r' and L_f' to the weights, L_g' to the made pictures
  /// alone. Costs half a backward pass of the made pictures more, and is exact where L_f' vanishes.
  case pullback
}

/// Both players' gradients at one place, and the scores of the discriminator there.
struct PlayerGradients<G: GeneratorNetwork, D: DiscriminatorNetwork>: Module {
  var generator: G
  var discriminator: D
  /// Scores of real pictures [N].
  var realScores: Tensor
  /// Scores of made pictures [N].
  var fakeScores: Tensor
}

/// What a discriminator is differentiated by.
private struct Judged<D: DiscriminatorNetwork>: Module {
  var network: D
  var fakes: Tensor
}

extension AdversarialLoss {
  /// The form that is exact for the loss at the least cost: the hinge's dead zone takes `pullback`.
  public var recommendedForm: OneStageForm { self == .hinge ? .pullback : .gamma }
}

/// Gradients of both players by one forward and one backward pass of the discriminator.
///
/// - Parameters:
///   - generator: its running statistics move.
///   - real: pictures [N, side, side, channels].
///   - noise: [M, noiseSize].
/// - Throws: `TensorError`.
func oneStageGradients<G: GeneratorNetwork, D: DiscriminatorNetwork>(
  _ generator: inout G, _ discriminator: D, real: Tensor, noise: Tensor, loss: AdversarialLoss, form: OneStageForm
) throws -> PlayerGradients<G, D> {
  let (made, back) = try pictures(of: &generator, noise)
  // Batch statistics are those of real or made pictures alone, as in usual training. Apart, too, the second cotangent
  // needn't pass the real ones.
  let isApart = discriminator.mixesSamples || form == .pullback
  let (scores, pull) = try vjp(Judged(network: discriminator, fakes: stopGradient(made))) { judged in
    isApart
      ? concatenate([judged.network(real), judged.network(judged.fakes)])
      : judged.network(concatenate([real, judged.fakes]))
  }
  let count = real.shape.first ?? 0
  let realScores = scores.slice(axis: 0, to: count)
  let fakeScores = scores.slice(axis: 0, from: count)
  let (perReal, perFake) = (1 / Double(max(count, 1)), 1 / Double(max(made.shape.first ?? 1, 1)))
  let realCotangent = loss.realSlope(realScores) * perReal
  func rows(_ factors: Tensor, times images: Tensor) -> Tensor {
    factors.failure == nil && images.failure == nil
      ? factors.reshape([-1] + images.shape.dropFirst().map { _ in 1 }) * images : factors
  }
  let slopes: Judged<D>
  let cotangent: Tensor
  switch form {
  case .gamma:
    slopes = try pull(concatenate([realCotangent, loss.fakeSlope(fakeScores) * perFake]))
    cotangent = rows(loss.gamma(fakeScores), times: slopes.fakes)
  case .mixed:
    let mixed = loss.fakeSlope(fakeScores) - loss.generatorSlope(fakeScores)
    let gamma = loss.gamma(fakeScores)
    // Recovered at the score, which is the same as at each layer on the way: γ is one number a sample.
    slopes = try pull(concatenate([realCotangent, mixed / (1 - gamma) * perFake]))
    cotangent = rows(gamma, times: slopes.fakes)
  case .pullback:
    let nothing = Tensor.zeros(like: realScores)
    let toImages = try pull(concatenate([nothing, loss.generatorSlope(fakeScores) * perFake])).fakes
    slopes = try pull(concatenate([realCotangent, loss.fakeSlope(fakeScores) * perFake]))
    cotangent = toImages
  }
  return PlayerGradients(
    generator: try back(cotangent), discriminator: slopes.network, realScores: realScores, fakeScores: fakeScores)
}

/// Made pictures of a generator, whose running statistics move, and the pullback to its weights.
func pictures<G: GeneratorNetwork>(
  of generator: inout G, _ noise: Tensor
) throws -> (made: Tensor, back: (Tensor) throws -> G) {
  var seen = generator
  let (made, back) = try vjp(generator) { network in
    var network = network
    defer { seen = network }
    return network.train(noise)
  }
  generator = try takingUntrained(from: seen, into: generator)
  return (made, back)
}

/// The discriminator's gradient alone, and its scores: first stage of two.
func discriminatorGradients<D: DiscriminatorNetwork>(
  _ discriminator: D, real: Tensor, fakes: Tensor, loss: AdversarialLoss
) throws -> (slopes: D, realScores: Tensor, fakeScores: Tensor) {
  let count = real.shape.first ?? 0
  let fakes = stopGradient(fakes)
  let (_, slopes, scores) = try valueAndGrad(discriminator) { network in
    let scores =
      network.mixesSamples ? concatenate([network(real), network(fakes)]) : network(concatenate([real, fakes]))
    let (first, second) = (scores.slice(axis: 0, to: count), scores.slice(axis: 0, from: count))
    return (loss.real(first).mean() + loss.fake(second).mean(), [first, second])
  }
  return (slopes, scores[0], scores[1])
}

/// What arrives at made pictures of the generator's loss: second stage of two.
///
/// - Parameter all: whether the discriminator's weights get their unused gradient too, as in a framework whose backward
///   pass fills the gradient of every weight; else nil is returned for it.
func generatorCotangent<D: DiscriminatorNetwork>(
  _ discriminator: D, fakes: Tensor, loss: AdversarialLoss, all: Bool
) throws -> (cotangent: Tensor, unused: D?) {
  let fakes = stopGradient(fakes)
  guard all else {
    return (try grad { loss.generator(discriminator($0)).mean() }(fakes), nil)
  }
  let slopes = try grad { (judged: Judged<D>) in loss.generator(judged.network(judged.fakes)).mean() }(
    Judged(network: discriminator, fakes: fakes))
  return (slopes.fakes, slopes.network)
}
