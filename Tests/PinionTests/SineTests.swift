import Foundation
import Pinion
import Testing

@Suite struct SineTests {
  /// Errors in units in the last place of the exact value's float32, leaving out values below the smallest normal one.
  private func worstError(_ found: [Float], _ exact: [Double]) -> Double {
    zip(found, exact).map { found, exact in
      let unit = Double(Float(exact).ulp)
      return abs(exact) < 1e-37 ? 0 : abs(Double(found) - exact) / unit
    }.max() ?? .infinity
  }

  /// Numbers of all sizes, and those nearest to multiples of π/2.
  private var angles: [Float] {
    var state: UInt32 = 1
    let random = (0..<200_000).compactMap { _ -> Float? in
      state = state &* 1_664_525 &+ 1_013_904_223
      let x = Float(bitPattern: state ^ (state >> 15))
      return x.isFinite && abs(x) >= .leastNormalMagnitude ? x : nil
    }
    let near = (-2000...2000).map { Float(Double($0) * .pi / 2) }
    // 16367173 · 2^72 lies nearer to a multiple of π/2 than any other float32.
    return random + near + [0x1.f37a0ap95, -0x1.f37a0ap95, .greatestFiniteMagnitude, 100, 1e6, 1e20]
  }

  @Test func isExactToTheLastPlaceAtAnySize() throws {
    let angles = angles
    #expect(angles.contains { abs($0) > 1e30 } && angles.contains { abs($0) < 1e-30 })
    let x = Tensor(angles)
    // Compiled for the argument, not folded as a constant.
    let both = jit { (x: Tensor) in (x.sin(), x.cos()) }
    let (sine, cosine) = try both(x)
    let found = (sine: try sine.array(of: Float.self), cosine: try cosine.array(of: Float.self))
    #expect(worstError(found.sine, angles.map { sin(Double($0)) }) < 1.5)
    #expect(worstError(found.cosine, angles.map { cos(Double($0)) }) < 1.5)
  }

  @Test func specialValues() throws {
    let x = Tensor([0, -0.0, .infinity, -.infinity, .nan, 1e-30, -1e-30] as [Float])
    let sine = try x.sin().array(of: Float.self)
    #expect(sine[0] == 0 && sine[0].sign == .plus && sine[1] == 0 && sine[1].sign == .minus)
    #expect(sine[2...4].allSatisfy { $0.isNaN })
    #expect(sine[5] == 1e-30 && sine[6] == -1e-30)
    let cosine = try x.cos().array(of: Float.self)
    #expect(cosine[..<2] == [1, 1] && cosine[2...4].allSatisfy { $0.isNaN } && cosine[5...] == [1, 1])
  }

  @Test func narrowTypesAreRoundedOnce() throws {
    for dtype in [DType.float16, .bfloat16] {
      let x = Tensor((0..<1000).map { Float($0) * 0.37 - 150 }).cast(dtype)
      let values = try x.cast(.float32).array(of: Float.self)
      let expected = try Tensor(values.map { Float(sin(Double($0))) }).cast(dtype).cast(.float32).array(of: Float.self)
      #expect(try x.sin().cast(.float32).array(of: Float.self) == expected, "\(dtype)")
    }
  }

  @Test func portableTextHasTheOperation() throws {
    #expect(try (Tensor([1 as Float]) + 1).sin().stableHLO().contains("stablehlo.sine"))
  }
}
