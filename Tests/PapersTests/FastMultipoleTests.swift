import Foundation
import Testing

@testable import Lab
@testable import Papers

@Suite struct FastMultipoleTests {
  /// Numbers in 0..<1, the same on every machine (SplitMix64).
  private struct Random {
    var state: UInt64
    mutating func next() -> Double {
      state &+= 0x9e37_79b9_7f4a_7c15
      var z = state
      z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
      z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
      return Double((z ^ z >> 31) >> 11) / 9_007_199_254_740_992
    }
    mutating func vector() -> SIMD3<Double> { SIMD3(next(), next(), next()) }
  }

  private struct Cloud {
    var places: [SIMD3<Double>] = []
    var charges: [Double] = []
    var dipoles: [SIMD3<Double>] = []
  }

  /// Points of a cube; or crowded into a corner, which makes leaves of many sizes.
  private func cloud(_ n: Int, isCrowded: Bool = false) -> Cloud {
    var random = Random(state: 0)
    var cloud = Cloud()
    for _ in 0..<n {
      let point = random.vector()
      cloud.places.append(isCrowded ? point * point * point : point)
      cloud.charges.append(random.next() - 0.5)
      cloud.dipoles.append((random.vector() - 0.5) * 0.02)
    }
    return cloud
  }

  private func error(_ a: [Double], _ b: [Double]) -> Double {
    let difference = zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    return (difference / b.reduce(0) { $0 + $1 * $1 }).squareRoot()
  }

  private func flat(_ v: [SIMD3<Double>]) -> [Double] { v.flatMap { [$0.x, $0.y, $0.z] } }

  /// The sums themselves against a plain loop.
  @Test(arguments: [GreensFunction.laplace, .yukawa(inverseLength: 1.7)]) func directSums(_ kernel: GreensFunction)
    throws
  {
    let cloud = cloud(45)
    let targets = cloud.places.prefix(10) + [SIMD3(2, 0, 0)]
    let field = PointField.sum(
      kernel, sources: cloud.places, charges: cloud.charges, dipoles: cloud.dipoles, targets: Array(targets),
      needsGradient: true)
    let kappa = kernel.inverseLength
    for (i, x) in targets.enumerated() {
      var (potential, gradient) = (0.0, SIMD3<Double>.zero)
      for j in cloud.places.indices where cloud.places[j] != x {
        let d = x - cloud.places[j]
        let r = Vector.length(d)
        let g = exp(-kappa * r) / (4 * .pi * r)
        let s1 = g * (1 + kappa * r) / (r * r)
        let s2 = g * (3 + 3 * kappa * r + kappa * kappa * r * r) / (r * r * r * r)
        let along = Vector.dot(d, cloud.dipoles[j])
        potential += cloud.charges[j] * g + along * s1
        gradient += cloud.dipoles[j] * s1 - d * (cloud.charges[j] * s1 + along * s2)
      }
      #expect(abs(field.potentials[i] - potential) < 1e-12 * (1 + abs(potential)))
      #expect(Vector.length(field.gradients[i] - gradient) < 1e-11 * (1 + Vector.length(gradient)))
    }
  }

  /// Relative errors that the specification asks for, by order.
  @Test(arguments: [(4, 1e-3), (6, 1e-4), (8, 1e-5)], [GreensFunction.laplace, .yukawa(inverseLength: 3)])
  func accuracy(_ goal: (order: Int, error: Double), _ kernel: GreensFunction) throws {
    let cloud = cloud(1_200)
    let exact = PointField.sum(
      kernel, sources: cloud.places, charges: cloud.charges, dipoles: cloud.dipoles, targets: cloud.places,
      needsGradient: true)
    let method = try FastMultipole(kernel, sources: cloud.places, order: goal.order, leafCapacity: 25)
    #expect(method.depth >= 2)
    let found = try method.field(charges: cloud.charges, dipoles: cloud.dipoles, needsGradient: true)
    #expect(error(found.potentials, exact.potentials) < goal.error)
    #expect(error(flat(found.gradients), flat(exact.gradients)) < goal.error)
    // It isn't exact either: the far field is really approximated.
    #expect(error(found.potentials, exact.potentials) > 1e-12)
  }

  /// Leaves of many sizes: boxes larger and smaller than their neighbours act on each other (W and X lists).
  @Test(arguments: [GreensFunction.laplace, .yukawa(inverseLength: 3)]) func adaptive(_ kernel: GreensFunction) throws {
    let cloud = cloud(2_500, isCrowded: true)
    let exact = PointField.sum(kernel, sources: cloud.places, charges: cloud.charges, targets: cloud.places)
    for capacity in [10, 60] {
      let method = try FastMultipole(kernel, sources: cloud.places, order: 5, leafCapacity: capacity)
      let tree = method.plan.tree
      #expect(tree.multipoles.contains { !$0.isEmpty } && tree.locals.contains { !$0.isEmpty })
      let found = try method.field(charges: cloud.charges)
      #expect(error(found.potentials, exact.potentials) < 2e-4)
    }
  }

  /// Every source reaches every target by exactly one way.
  @Test func lists() throws {
    let cloud = cloud(900, isCrowded: true)
    let tree = Octree(sources: cloud.places, targets: nil, leafCapacity: 8)
    // Points of a box lie in it.
    for box in tree.boxes {
      let half = tree.halfWidth(Int(box.level)) * (1 + 1e-9)
      for place in box.sources {
        let d = cloud.places[Int(tree.sourceOrder[place])] - tree.centre(box)
        #expect(max(abs(d.x), abs(d.y), abs(d.z)) <= half)
      }
    }
    for leaf in stride(from: 0, to: tree.boxes.count, by: 7) where tree.boxes[leaf].isLeaf {
      var seen = [Int](repeating: 0, count: cloud.places.count)
      func count(_ boxes: [Int32]) {
        for box in boxes { for place in tree.boxes[Int(box)].sources { seen[place] += 1 } }
      }
      count(tree.near[leaf])
      count(tree.multipoles[leaf])
      var number = leaf
      while number > 0 {
        let box = tree.boxes[number]
        count(tree.locals[number])
        for slot in 0..<27 {
          let uncle = tree.colleagues[27 * Int(box.parent) + slot]
          guard uncle >= 0 else { break }
          let first = tree.boxes[Int(uncle)].firstChild
          for cousin in first..<first + tree.boxes[Int(uncle)].childCount {
            let d = tree.boxes[Int(cousin)].place &- box.place
            if max(abs(d.x), abs(d.y), abs(d.z)) > 1 { count([cousin]) }
          }
        }
        number = Int(box.parent)
      }
      #expect(seen.allSatisfy { $0 == 1 })
    }
  }

  @Test func otherTargets() throws {
    let cloud = cloud(1_500)
    // Far away, in between, and at a source's place.
    let targets = cloud.places.prefix(300).map { $0 * 1.5 } + [SIMD3(9, 9, 9), cloud.places[0]]
    let exact = PointField.sum(sources: cloud.places, charges: cloud.charges, targets: targets)
    let method = try FastMultipole(sources: cloud.places, targets: targets, order: 6, leafCapacity: 30)
    let found = try method.field(charges: cloud.charges)
    #expect(error(found.potentials, exact.potentials) < 1e-5)
    // The same object serves other charges, and the field is linear in them.
    let twice = try method.field(charges: cloud.charges.map { 2 * $0 })
    #expect(zip(twice.potentials, found.potentials).allSatisfy { abs($0 - 2 * $1) < 1e-12 })
  }

  @Test func few() throws {
    let none = try FastMultipole(sources: []).field(charges: [])
    #expect(none.potentials.isEmpty)
    let one = try FastMultipole(sources: [SIMD3(1, 2, 3)]).field(charges: [1])
    #expect(one.potentials == [0])
    // Many at one place can't be divided, and don't see each other.
    let same = try FastMultipole(
      sources: [SIMD3<Double>](repeating: SIMD3(1, 1, 1), count: 50) + [SIMD3(2, 1, 1)], leafCapacity: 4)
    let field = try same.field(charges: [Double](repeating: 1, count: 51))
    #expect(abs(field.potentials[50] - 50 / (4 * .pi)) < 1e-5)
    #expect(abs(field.potentials[0] - 1 / (4 * .pi)) < 1e-5)
  }

  @Test func badInput() throws {
    #expect(throws: UsageError.self) { try FastMultipole(sources: [.zero], order: 2) }
    #expect(throws: UsageError.self) { try FastMultipole(sources: [SIMD3(.nan, 0, 0)]) }
    #expect(throws: UsageError.self) { try FastMultipole(.yukawa(inverseLength: -1), sources: [.zero]) }
    #expect(throws: UsageError.self) { try FastMultipole(sources: [.zero]).field(charges: [1, 2]) }
  }

  @Test func speeds() {
    let speeds = KernelSpeed.measure(points: 200, rounds: 10_000)
    #expect(speeds.count == 4 && speeds.allSatisfy { $0.pairs > 0 && $0.share > 0 && $0.operations >= 20 })
    #expect([128, 256, 512].contains(HotLoops.vectorBits))
  }

  @Test func peer() throws {
    #expect(try FMM3DPeer("no") == nil)
    #expect(throws: UsageError.self) { try FMM3DPeer("/no/such/python") }
    // Where the default Python has the package, it agrees.
    guard let peer = try FMM3DPeer(nil) else { return }
    let cloud = cloud(300)
    let run = try #require(
      try peer.potentials(
        of: cloud.charges, at: cloud.places, precision: 1e-6, every: 3, folder: FileManager.default.temporaryDirectory,
        seconds: 60))
    let exact = PointField.sum(
      sources: cloud.places, charges: cloud.charges, targets: stride(from: 0, to: 300, by: 3).map { cloud.places[$0] })
    #expect(error(run.potentials, exact.potentials) < 1e-5)
  }
}
