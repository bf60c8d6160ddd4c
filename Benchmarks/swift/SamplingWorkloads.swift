import Papers
import Pinion

/// Samplers of paper 21: trajectories side by side, in float64.
extension Workload {
  static let annealedLangevin = computation(
    "ais-mala", "annealed importance sampling: 4,096 trajectories, 200 Metropolised Langevin steps, ring of 8 modes",
    settings: { ["count": $0.pick(4096, tiny: 8), "steps": $0.pick(200, tiny: 5)] },
    data: { _ in ["key": Key(7).words] },
    { data, size in
      let sampler = AnnealedSampler(ring, move: .mala)
      let steps = size.pick(200, tiny: 5)
      let work = try sampler.work(
        count: size.pick(4096, tiny: 8), levels: AnnealingSchedule.levels(steps),
        stepSizes: Array(repeating: 0.2, count: steps), key: Key(words: data.at("key")))
      return (work.mean(), work)
    })

  static let virtualTrajectories = computation(
    "virtual-trajectories",
    "virtual-trajectory estimator: 4,096 samples, 50 steps forward and backward, ring of 8 modes",
    settings: { ["count": $0.pick(4096, tiny: 8), "length": $0.pick(50, tiny: 3)] },
    data: { _ in ["key": Key(7).words] },
    { data, size in
      let length = size.pick(50, tiny: 3)
      let sampler = VirtualSampler(ring, longest: length)
      let parameters = VirtualParameters(
        friction: 0.5, stepSize: 0.15, length: length, momentumPrecisions: [0.3, 1])
      let weights = try sampler.logWeights(
        count: size.pick(4096, tiny: 8), parameters: [parameters], key: Key(words: data.at("key")))
      return (weights.mean(), weights)
    })

  private static var ring: AnnealingPath {
    .geometric(from: QuadraticEnergy(mean: [0, 0], standardDeviation: [4, 4]), to: GaussianMixture.ring)
  }
}
