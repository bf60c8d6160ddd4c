import Foundation
import Kernels
import Lab

/// How fast pairs of points are evaluated, beside what the machine can do.
public struct KernelSpeed: Codable, Sendable, Equatable {
  /// Kernels and what is asked of them.
  public var name: String
  /// Pairs a second on all CPUs.
  public var pairs: Double
  /// Additions and multiplications of a pair, those of 1/√ and exp counted as they're computed.
  public var operations: Int
  /// Operations a second over the machine's peak of fused multiply-adds, measured too.
  public var share: Double

  /// Measures all combinations that are used; a second or so.
  public static func measure(points n: Int = 20_000) -> [KernelSpeed] {
    let peak = peakOperations()
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
        // Differences and square 8; 1/√ 13 by its estimate's refinement; a charge 2.
        var operations = kernel == .laplace ? 23 : 23 + 2 + 37
        // The dipole's product 5, its potential and the factors 9 or 17, the gradient 18.
        if asksMore { operations += 5 + 18 + (kernel == .laplace ? 9 : 17) }
        speeds.append(
          KernelSpeed(
            name: "\(name): \(what)", pairs: pairs, operations: operations, share: pairs * Double(operations) / peak))
      }
    }
    return speeds
  }

  /// Operations a second of fused multiply-adds that wait for nothing, on all CPUs.
  public static func peakOperations() -> Double {
    let rounds: Int64 = 20_000_000
    let workers = Threads.available
    let start = DispatchTime.now().uptimeNanoseconds
    concurrently(workers) { range in
      for _ in range { _ = kernels_multiply_adds(rounds) }
    }
    let seconds = Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
    return Double(workers) * Double(rounds) * Double(kernels_multiply_adds_operations()) / seconds
  }
}
