import Foundation
import Lab
import Pinion
import Testing

@testable import Papers

/// Values of dp-accounting; see `Oracles/dpftrl.py`.
private struct AccountingOracle: Decodable {
  struct Tree: Decodable {
    var steps: Int
    var sigma, delta, epsilon: Double
  }
  struct Sampled: Decodable {
    var units, batch, epochs: Int
    var sigma, epsilon: Double
  }
  struct Gaussian: Decodable {
    var ratio, epsilon, exact: Double
  }
  var trees: [Tree]
  var sampled: [Sampled]
  var gaussians: [Gaussian]

  static func load() throws -> AccountingOracle {
    let url = try #require(Bundle.module.url(forResource: "dpftrl", withExtension: "json", subdirectory: "Oracles"))
    return try JSONDecoder().decode(AccountingOracle.self, from: Data(contentsOf: url))
  }
}

/// Sum over all complete nodes of a tree of (places in it)², node by node.
private func bruteForce(_ places: [Int], leaves: Int) -> Int {
  var (total, width) = (0, 1)
  while width <= leaves {
    for start in stride(from: 0, through: leaves - width, by: width) {
      let count = places.count { (start..<(start + width)).contains($0) }
      total += count * count
    }
    width *= 2
  }
  return total
}

@Suite struct TreeSensitivityTests {
  @Test func countsAllNodes() {
    for steps in 1...40 {
      for completed in [false, true] {
        let tree = TreeSensitivity(steps: steps, completed: completed)
        #expect(tree.leaves == (completed ? [1, 2, 4, 8, 16, 32, 64].first { $0 >= steps } : steps))
        for places in [[0], [steps - 1], Array(stride(from: 0, to: steps, by: 3)), Array(0..<steps)] {
          #expect(tree.squared(places: places) == bruteForce(places, leaves: tree.leaves))
        }
      }
    }
    // A step that counts twice.
    #expect(TreeSensitivity(steps: 2, completed: false).squared(places: [0, 0]) == 8)
  }

  /// Seen once, a unit is in floor(log2 T) + 1 complete nodes at most.
  @Test func oneEpochIsTheDepth() {
    for steps in [1, 2, 3, 4, 7, 8, 100, 128, 1000] {
      let tree = TreeSensitivity(steps: steps, completed: false)
      let depth = Int(log2(Double(steps))) + 1
      #expect(tree.squaredByBatch(stepsOfEpoch: steps).max() == depth)
      #expect(tree.squaredAnyOrder(stepsOfEpoch: steps) == depth)
    }
  }

  @Test func fixedOrderByBatch() {
    for (batches, epochs, completed) in [(3, 4, false), (3, 4, true), (5, 3, false), (8, 2, true), (1, 6, false)] {
      let tree = TreeSensitivity(steps: batches * epochs, completed: completed)
      let all = (0..<batches).map { batch in
        bruteForce((0..<epochs).map { $0 * batches + batch }, leaves: tree.leaves)
      }
      #expect(tree.squaredByBatch(stepsOfEpoch: batches) == all)
    }
  }

  /// The recursion over nodes finds what trying all orders finds.
  @Test(arguments: [(3, 4), (5, 3), (4, 4), (2, 7), (7, 2), (1, 5), (6, 3)])
  func anyOrderIsTheWorstOfAll(batches: Int, epochs: Int) {
    for completed in [false, true] {
      let tree = TreeSensitivity(steps: batches * epochs, completed: completed)
      var worst = 0
      for number in 0..<Int(pow(Double(batches), Double(epochs))) {
        var (rest, places) = (number, [Int]())
        for epoch in 0..<epochs {
          places.append(epoch * batches + rest % batches)
          rest /= batches
        }
        worst = max(worst, bruteForce(places, leaves: tree.leaves))
      }
      #expect(tree.squaredAnyOrder(stepsOfEpoch: batches) == worst)
      #expect(tree.squaredByBatch(stepsOfEpoch: batches).allSatisfy { $0 <= worst })
    }
  }

  /// A tree of a million steps takes no time to speak of.
  @Test func largeTrees() {
    let tree = TreeSensitivity(steps: 1_000_000, completed: true)
    #expect(
      tree.squaredAnyOrder(stepsOfEpoch: 10_007)
        >= tree.squared(places: Array(stride(from: 0, to: 1_000_000, by: 10_007))))
  }
}

@Suite struct PrivacyAccountTests {
  private func plan(_ units: Int, _ batch: Int, _ epochs: Int, restart: Int? = nil, completes: Bool = false)
    -> ParticipationPlan
  {
    ParticipationPlan(
      units: units, batchSize: batch, epochs: epochs, restartEpochs: restart, completesTrees: completes)
  }

  @Test func agreesWithGoogle() throws {
    let oracle = try AccountingOracle.load()
    for row in oracle.trees {
      // Two epochs with a restart between.
      let guarantee = try PrivacyGuarantee(
        .tree(efficient: true), plan(row.steps * 10, 10, 2, restart: 1), sigma: row.sigma, delta: row.delta)
      #expect(abs(guarantee.epsilon - row.epsilon) < 1e-3 * max(1, row.epsilon), "\(row)")
      #expect(guarantee.epsilon <= row.epsilon + 1e-9)
    }
    for row in oracle.sampled {
      var plan = plan(row.units, row.batch, row.epochs)
      plan.order = .sampled
      let guarantee = try PrivacyGuarantee(.independent, plan, sigma: row.sigma, delta: 1e-5)
      #expect(abs(guarantee.epsilon - row.epsilon) < 1e-3 * max(1, row.epsilon), "\(row)")
    }
    for row in oracle.gaussians {
      #expect(abs(RenyiAccountant.gaussianEpsilon(ratio: row.ratio, delta: 1e-5).epsilon - row.epsilon) < 1e-3)
      #expect(abs(RenyiAccountant.exactGaussianEpsilon(ratio: row.ratio, delta: 1e-5) - row.exact) < 1e-5)
    }
  }

  /// The worked example of the public script: 50,000 examples, batches of 500, 100 epochs, restarts every 20 with
  /// completion, σ = 46.3; its sensitivity from all nodes, and ε by its own formula and grid.
  @Test func workedExample() throws {
    // The script draws a new order at each restart.
    var plan = plan(50_000, 500, 100, restart: 20, completes: true)
    plan.order = .restarts
    let guarantee = try PrivacyGuarantee(.tree(efficient: false), plan, sigma: 46.3, delta: 1e-5)
    func worst(_ leaves: Int) -> Int {
      (0..<100).map { batch in bruteForce((0..<20).map { $0 * 100 + batch }, leaves: leaves) }.max() ?? 0
    }
    let sensitivity = Double(4 * worst(2048) + worst(2000))
    #expect(guarantee.squaredSensitivity == sensitivity)
    let grid = (1...1989).map { 1 + Double($0) / 10 }.map { a in
      a * sensitivity / (2 * 46.3 * 46.3) - (log(1e-5 * (a - 1)) - a * log(1 - 1 / a)) / (a - 1)
    }
    let epsilon = try #require(grid.min())
    #expect(abs(guarantee.epsilon - epsilon) < 1e-3)
    #expect(guarantee.epsilon <= epsilon)
    // The same order in all trees can only be better.
    plan.order = .fixed
    #expect(try plan.squaredSensitivity(.tree(efficient: false)) <= sensitivity)
    plan.order = .any
    #expect(try plan.squaredSensitivity(.tree(efficient: false)) >= sensitivity)
  }

  /// With restarts in a fixed order the worst batch is worst over all trees together.
  @Test func fixedOrderTakesOneBatchThroughAllTrees() throws {
    let plan = plan(70, 10, 5, restart: 2, completes: true)
    func all(_ batch: Int) -> Int {
      2 * bruteForce([batch, batch + 7], leaves: 16) + bruteForce([batch], leaves: 7)
    }
    #expect(try plan.squaredSensitivity(.tree(efficient: true)) == Double((0..<7).map(all).max() ?? 0))
  }

  @Test func independentNoiseCountsEpochs() throws {
    let once = try PrivacyGuarantee(.independent, plan(1000, 10, 1), sigma: 2, delta: 1e-5)
    let four = try PrivacyGuarantee(.independent, plan(1000, 10, 4), sigma: 4, delta: 1e-5)
    #expect(abs(once.epsilon - four.epsilon) < 1e-9)
    #expect(once.squaredSensitivity == 1)
    #expect(four.rho == 0.125)
    // Sampling amplifies.
    var sampled = plan(1000, 10, 4)
    sampled.order = .sampled
    #expect(try PrivacyGuarantee(.independent, sampled, sigma: 4, delta: 1e-5).epsilon < 0.25 * four.epsilon)
    // A batch of all is no sample.
    var whole = plan(1000, 1000, 4)
    whole.order = .sampled
    #expect(abs(try PrivacyGuarantee(.independent, whole, sigma: 4, delta: 1e-5).epsilon - four.epsilon) < 1e-9)
  }

  @Test(arguments: [0.1, 1, 4, 30])
  func calibrationKeepsEpsilon(epsilon: Double) throws {
    var sampled = plan(1000, 50, 3)
    sampled.order = .sampled
    let cases: [(NoiseMechanism, ParticipationPlan)] = [
      (.independent, plan(1000, 50, 3)), (.independent, sampled),
      (.tree(efficient: true), plan(1000, 50, 3, restart: 1)),
      (.banded([1, 0.5, 0.3]), plan(1000, 50, 3)),
    ]
    for (mechanism, plan) in cases {
      let guarantee = try PrivacyGuarantee.calibrated(mechanism, plan, epsilon: epsilon, delta: 1e-5)
      #expect(guarantee.epsilon <= epsilon && guarantee.epsilon > epsilon * 0.999)
      if let exact = guarantee.exactEpsilon { #expect(exact < guarantee.epsilon) }
    }
  }

  /// Restarts are chosen by the noise of the sums alone.
  @Test func restartsOfLeastNoise() throws {
    let mechanism = NoiseMechanism.tree(efficient: true)
    let free = plan(6000, 100, 8)
    let best = try free.withBestRestarts(mechanism)
    for restart in 1...8 {
      for completes in [false, true] {
        #expect(
          try best.meanVariance(mechanism)
            <= plan(6000, 100, 8, restart: restart, completes: completes)
            .meanVariance(mechanism))
      }
    }
    #expect(try best.meanVariance(mechanism) < 0.7 * free.meanVariance(.independent))
  }

  @Test func badNumbersAreNamed() throws {
    func message(_ body: () throws -> PrivacyGuarantee) -> String {
      do {
        _ = try body()
        return "no error"
      } catch { return "\(error)" }
    }
    #expect(
      message { try PrivacyGuarantee(.independent, plan(10, 20, 1), sigma: 1, delta: 1e-5) }
        == "the batch size is 20, expected 1 to 10")
    #expect(
      message { try PrivacyGuarantee(.independent, plan(10, 5, 1), sigma: 1, delta: 1) }
        == "delta is 1.0, expected a number between 0 and 1")
    #expect(
      message { try PrivacyGuarantee.calibrated(.independent, plan(10, 5, 1), epsilon: -1, delta: 1e-5) }
        == "epsilon is -1.0, expected more than 0")
    #expect(
      message { try PrivacyGuarantee(.banded([1, 0.5, 0.4]), plan(10, 5, 2), sigma: 1, delta: 1e-5) }
        == "3 bands reach over an epoch of 2 steps; expected at most as many bands")
    var shuffled = plan(100, 5, 2)
    shuffled.order = .any
    #expect(
      message { try PrivacyGuarantee(.banded([1, 0.5]), shuffled, sigma: 1, delta: 1e-5) }
        .hasPrefix("a banded matrix needs the same order"))
    shuffled.order = .sampled
    #expect(
      message { try PrivacyGuarantee(.tree(efficient: true), shuffled, sigma: 1, delta: 1e-5) }
        .contains("no amplification by sampling"))
    #expect(
      try PrivacyGuarantee(.independent, plan(10, 5, 1), sigma: 0, delta: 1e-5).statement[0].hasPrefix("No privacy"))
  }

  /// ε comes with δ, adjacency, unit, accountant, order of the data and what isn't covered.
  @Test func statementSaysAllThatMatters() throws {
    let guarantee = try PrivacyGuarantee.calibrated(
      .tree(efficient: true), plan(1000, 50, 4, restart: 2, completes: true), epsilon: 1, delta: 1e-5, unit: "client")
    let text = guarantee.statement.joined(separator: "\n")
    for part in [
      "(ε = 1, δ = 1e-05)-DP, zero-out adjacency, unit of privacy: one client", "in 73.11 % of cases", "Rényi",
      "2 trees of 2 epochs, completed, efficient", "the same order in each epoch", "set to zero", "learning rate",
      "float32",
    ] { #expect(text.contains(part), "\(part)") }
  }
}

@Suite struct BandedToeplitzTests {
  /// 1/√(1 − x), whose square is the matrix of prefix sums.
  @Test func squareRootOfPrefixSums() {
    let root = BandedToeplitz.squareRoot(bands: 30).coefficients
    for k in 0..<30 {
      let square = (0...k).reduce(0.0) { $0 + root[$1] * root[k - $1] }
      #expect(abs(square - 1) < 1e-12)
    }
    // C⁻¹ of all bands leaves the root again.
    let response = BandedToeplitz(coefficients: root).prefixResponse(steps: 30)
    #expect(zip(response, root).allSatisfy { abs($0 - $1) < 1e-12 })
    #expect(BandedToeplitz(coefficients: [1]).prefixResponse(steps: 4) == [1, 1, 1, 1])
  }

  @Test func slopeIsThatOfDifferences() {
    let matrix = BandedToeplitz(coefficients: [1, 0.4, 0.2, 0.3])
    let slope = matrix.errorAndSlope(steps: 25).slope
    #expect(abs(matrix.errorAndSlope(steps: 25).value - matrix.error(steps: 25)) < 1e-12)
    for k in 0..<4 {
      var (up, down) = (matrix, matrix)
      up.coefficients[k] += 1e-5
      down.coefficients[k] -= 1e-5
      #expect(abs((up.error(steps: 25) - down.error(steps: 25)) / 2e-5 - slope[k]) < 1e-6 * abs(slope[k]) + 1e-6)
    }
  }

  @Test func optimumIsNoWorseAndMoreBandsHelp() {
    var before = Double.infinity
    for bands in [1, 2, 4, 8, 16, 32] {
      let best = BandedToeplitz.optimal(bands: bands, steps: 120)
      let error = best.error(steps: 120)
      #expect(error <= BandedToeplitz.squareRoot(bands: bands).error(steps: 120) + 1e-9)
      #expect(error <= before + 1e-9)
      let slope = best.errorAndSlope(steps: 120).slope.dropFirst()
      #expect(slope.allSatisfy { abs($0) < 1e-3 * error })
      before = error
    }
    // One band is independent noise: mean variance (T + 1)/2.
    #expect(abs(BandedToeplitz.optimal(bands: 1, steps: 120).error(steps: 120) - 60.5) < 1e-9)
  }
}
