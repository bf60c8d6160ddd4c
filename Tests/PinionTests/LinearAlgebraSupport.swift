import Foundation
import Testing

@testable import Pinion

/// Complex numbers with the parts of `complexes` in Oracles/linearAlgebra.py.
func complexes(_ shape: [Int], seed: UInt64 = 1) -> Tensor {
  complex(numbers(shape, seed: seed), numbers(shape, seed: seed + 50))
}

/// a aᴴ + 2.
func positiveDefinite(_ a: Tensor) -> Tensor {
  a.matmul(a.adjoint()) + Tensor.eye(a.shape.last ?? 0, dtype: a.dtype) * 2
}

/// A real number of a tensor, with fixed weights.
func weigh(_ x: Tensor, seed: UInt64 = 9) -> Tensor {
  (numbers(x.shape, 0.5, 1.5, seed: seed) * (x.real() + x.imaginary() * 0.5)).sum()
}

/// Comparisons that are computed together, since each program costs a compilation.
struct Comparisons {
  private var errors: [(name: String, error: Tensor, tolerance: Double)] = []

  /// Expects equal shapes, and errors up to `tolerance` times the greater of 1 and the largest expected number.
  mutating func close(
    _ name: String, _ a: Tensor, _ b: Tensor, _ tolerance: Double = 1e-10,
    sourceLocation: Testing.SourceLocation = #_sourceLocation
  ) {
    if let failure = a.failure ?? b.failure {
      Issue.record("\(name): \(failure)", sourceLocation: sourceLocation)
    } else if a.shape != b.shape {
      Issue.record("\(name): shape \(a.shape), expected \(b.shape)", sourceLocation: sourceLocation)
    } else if a.count > 0 {
      let distance = (a - b).abs().max() / maximum(b.abs().max(), 1)
      errors.append((name, distance.cast(.float64), tolerance))
    }
  }

  /// Expects zeros.
  mutating func zero(_ name: String, _ a: Tensor, _ tolerance: Double = 1e-10) {
    close(name, a, Tensor.zeros(like: a), tolerance)
  }

  func check(sourceLocation: Testing.SourceLocation = #_sourceLocation) throws {
    try evaluate(errors.map(\.error))
    for (name, error, tolerance) in errors {
      let error = try error.array(of: Double.self)[0]
      #expect(error <= tolerance, "\(name): error \(error)", sourceLocation: sourceLocation)
    }
  }
}

/// The message of a tensor's failure.
func message(_ t: Tensor) -> String { t.failure.map { "\($0.operation): \($0.message)" } ?? "no failure" }

/// What a matrix times the identity is, for values that must be finite.
func isFinite(_ t: Tensor) throws -> Bool { try doubles(t.real()).allSatisfy(\.isFinite) }
