import Foundation
import Pinion
import Testing

@testable import Lab
@testable import Papers

@Suite struct InformationOrthantTests {
  @Test func smoke() throws {
    let n = 50
    let key = Key(3)
    let x = key.normal([n, 20], dtype: .float64)
    let scaled = try NetworkInputs.scaled(try x.array(of: Double.self), dimension: 20)
    let k = try CompositionalKernel(depth: 3).covariance(scaled)
    let c = (0..<n).map { $0 % 3 == 0 ? 1.0 : -1 }
    let o = try GaussianOrthant(covariance: k, signs: c)
    let clock = ContinuousClock()
    func timed<T>(_ name: String, _ f: () throws -> T) rethrows -> T {
      let start = clock.now
      let r = try f()
      print(name, r, clock.now - start)
      return r
    }
    let s = try timed("saddle") { try TiltingSaddle(o) }
    print(-s.logUpperBound, s.iterations, s.residual)
    try timed("tilt") { try MinimaxTilting(samples: 4000).estimate(s, key: Key(0)) }
    try timed("tilt plain") { try MinimaxTilting(samples: 4000, resamples: false).estimate(s, key: Key(0)) }
    try timed("paper") { try FoldedNormalSampling(samples: 100_000).estimate(o, key: Key(0)) }
    try timed("C1") { try ClosedFormBound(o) }
    try timed("EP") { try ExpectationPropagation().content(o) }
    try timed("Laplace") { try LaplaceApproximation().content(o) }
    try timed("nested") { try NestedThresholds(particles: 256, moves: 8, replicates: 4).estimate(o, key: Key(0)) }
  }
}
