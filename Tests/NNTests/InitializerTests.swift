import NN
import Pinion
import Testing

@Suite struct InitializerTests {
  @Test func fans() {
    #expect(Initializer.fans(of: [20, 30]) == (20, 30))
    #expect(Initializer.fans(of: [3, 3, 16, 32]) == (144, 288))
    #expect(Initializer.fans(of: [7]) == (7, 7))
    #expect(Initializer.fans(of: []) == (1, 1))
  }

  static let spreads: [(Initializer, Double, Double)] = [
    // Kernel [3, 20, 40]: fanIn 60, fanOut 120. Variance, and the largest magnitude possible.
    (.normal(0.3), 0.09, .infinity), (.uniform(0.3), 0.03, 0.3), (.truncatedNormal(0.02), 0.0004 * 0.7737413, 0.04),
    (.glorotUniform, 2.0 / 180, (6.0 / 180).squareRoot()), (.glorotNormal, 2.0 / 180, .infinity),
    (.heUniform, 2.0 / 60, (6.0 / 60).squareRoot()), (.heNormal, 2.0 / 60, .infinity),
    (.lecunUniform, 1.0 / 60, (3.0 / 60).squareRoot()), (.lecunNormal, 1.0 / 60, .infinity),
    (.fanInUniform, 1.0 / 180, 1 / 60.0.squareRoot()),
  ]

  @Test(arguments: spreads.indices) func spread(_ i: Int) throws {
    let (initializer, variance, limit) = Self.spreads[i]
    let x = try initializer([3, 20, 40], key: Key(5)).array(of: Float.self).map(Double.init)
    let mean = x.reduce(0, +) / Double(x.count)
    #expect(abs(mean) < 4 * (variance / Double(x.count)).squareRoot())
    #expect(abs(x.map { $0 * $0 }.reduce(0, +) / Double(x.count) / variance - 1) < 0.12)
    #expect(x.allSatisfy { abs($0) <= limit * (1 + 1e-6) })
    #expect(x.contains { abs($0) > 1.5 * variance.squareRoot() })
  }

  @Test(arguments: [[64, 64], [5, 40], [3, 3, 4, 8], [1, 6], [2, 2]]) func orthogonal(_ shape: [Int]) throws {
    for seed in 0..<3 as Range<UInt64> {
      let x = Initializer.orthogonal(gain: 2)(shape, key: Key(seed)).reshape([-1, shape[shape.count - 1]])
      let small = min(x.shape[0], x.shape[1])
      let product = x.shape[0] <= x.shape[1] ? x.matmul(x.transpose()) : x.transpose().matmul(x)
      try expectClose(product, 4 * Tensor.eye(small), 2e-5)
    }
  }

  /// Uniform among orthonormal matrices: the first entry of a rotation of the plane is the cosine of an angle that is
  /// uniform, and both signs of the determinant occur.
  @Test func orthogonalIsUniform() throws {
    var (squares, rotations) = (0.0, 0)
    for seed in 0..<40 as Range<UInt64> {
      let m = try Initializer.orthogonal([2, 2], key: Key(seed)).array(of: Float.self).map(Double.init)
      squares += m[0] * m[0] / 40
      if m[0] * m[3] - m[1] * m[2] > 0 { rotations += 1 }
    }
    #expect(abs(squares - 0.5) < 0.2)
    #expect((8...32).contains(rotations))
  }

  @Test func constantsAndBiases() throws {
    #expect(try Initializer.constant(2.5)([3], key: Key(0)).array(of: Float.self) == [2.5, 2.5, 2.5])
    #expect(try Dense(4, 2, weight: .heNormal, key: Key(0)).bias?.array(of: Float.self) == [0, 0])
    let bias = try #require(try Dense(100, 50, key: Key(0)).bias?.array(of: Float.self))
    #expect(bias.allSatisfy { abs($0) <= 0.1 } && bias.contains { abs($0) > 0.05 })
    #expect(Initializer.orthogonal([5], key: Key(0)).failure?.kind == .shape)
  }

  @Test func theSameKeyGivesTheSameModel() throws {
    let (a, b) = (Dense(5, 4, key: Key(1)), Dense(5, 4, key: Key(1)))
    #expect(try a.weight.bytes() == b.weight.bytes())
    #expect(try a.weight.bytes() != Dense(5, 4, key: Key(2)).weight.bytes())
  }
}
