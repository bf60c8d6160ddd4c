import Foundation
import Kernels
import Lab

/// How fast pairs of points are evaluated, beside what the machine can do.
public struct KernelSpeed: Codable, Sendable, Equatable {
  /// Kernels and what is asked of them.
  public var name: String
  /// Pairs a second on all CPUs.
  public var pairs: Double
  /// Additions and multiplications of a pair with AVX-512, where 1/√ starts from an estimate.
  public var operations: Int
  /// Operations a second over the machine's peak of fused multiply-adds, measured too.
  public var share: Double

  /// Measures charges alone, and all that a formulation takes, in both kernels; two seconds or so.
  ///
  /// - Parameter rounds: of the multiply-adds that measure the peak.
  public static func measure(points n: Int = 20_000, rounds: Int = 20_000_000) -> [KernelSpeed] {
    let peak = peakOperations(rounds: rounds)
    var speeds: [KernelSpeed] = []
    let place = (0..<n).map { i in SIMD3(sin(Double(i)), cos(1.7 * Double(i)), sin(2.3 * Double(i) + 1)) }
    let charges = (0..<n).map { cos(Double($0)) }
    for (kernel, name) in [(GreensFunction.laplace, "Laplace"), (.yukawa(inverseLength: 0.125), "Yukawa")] {
      for (asksMore, what) in [(false, "charges, potential"), (true, "charges and dipoles, potential and gradient")] {
        let start = DispatchTime.now().uptimeNanoseconds
        _ = PointField.sum(
          kernel, sources: place, charges: charges, dipoles: asksMore ? place : nil, targets: place,
          needsGradient: asksMore)
        let seconds = Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
        let pairs = Double(n) * Double(n) / seconds
        // Difference and square 8, 1/√ after its estimate 10, a charge 2; r, κr, exp 20, a product.
        var operations = kernel == .laplace ? 20 : 43
        // p·d 5, 1/r² 1, factors and potential 9 or 15, gradient 12.
        if asksMore { operations += kernel == .laplace ? 27 : 33 }
        speeds.append(
          KernelSpeed(
            name: "\(name): \(what)", pairs: pairs, operations: operations, share: pairs * Double(operations) / peak))
      }
    }
    return speeds
  }

  /// Operations a second of fused multiply-adds that wait for nothing, on all CPUs.
  public static func peakOperations(rounds: Int = 20_000_000) -> Double {
    let rounds = Int64(rounds)
    let workers = Threads.available
    let start = DispatchTime.now().uptimeNanoseconds
    concurrently(workers) { range in
      for _ in range { _ = kernels_multiply_adds(rounds) }
    }
    let seconds = Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
    return Double(workers) * Double(rounds) * Double(kernels_multiply_adds_operations()) / seconds
  }
}
