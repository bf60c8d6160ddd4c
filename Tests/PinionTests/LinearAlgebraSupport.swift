import ComplexModule
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
    guard !errors.isEmpty else { return }
    // Parts that have nothing to do with each other would be programs of their own.
    let distances = try stack(errors.map(\.error)).array(of: Double.self)
    for ((name, _, tolerance), error) in zip(errors, distances) {
      #expect(error <= tolerance, "\(name): error \(error)", sourceLocation: sourceLocation)
    }
  }
}

/// The message of a tensor's failure.
func message(_ t: Tensor) -> String { t.failure.map { "\($0.operation): \($0.message)" } ?? "no failure" }

func isFinite(_ t: Tensor) throws -> Bool { try doubles(t.real()).allSatisfy(\.isFinite) }

/// A stack of matrices in plain Swift, in which products cost no compilation.
struct HostMatrices {
  let count: Int
  let rows: Int
  let columns: Int
  private var real: [Double]
  private var imaginary: [Double]

  private init(_ count: Int, _ rows: Int, _ columns: Int) {
    (self.count, self.rows, self.columns) = (count, rows, columns)
    real = [Double](repeating: 0, count: count * rows * columns)
    imaginary = real
  }

  init(_ t: Tensor) throws {
    (rows, columns) = (t.shape[t.rank - 2], t.shape[t.rank - 1])
    count = t.shape.dropLast(2).reduce(1, *)
    switch t.dtype {
    case .float32: real = try t.array(of: Float.self).map(Double.init)
    case .float64: real = try t.array(of: Double.self)
    case .complex64:
      let values = try t.array(of: Complex<Float>.self)
      (real, imaginary) = (values.map { Double($0.real) }, values.map { Double($0.imaginary) })
      return
    default:
      let values = try t.array(of: Complex<Double>.self)
      (real, imaginary) = (values.map(\.real), values.map(\.imaginary))
      return
    }
    imaginary = real.map { _ in 0 }
  }

  private func place(_ k: Int, _ i: Int, _ j: Int) -> Int { (k * rows + i) * columns + j }

  /// A matrix of each element, by its place.
  private func map(_ rows: Int, _ columns: Int, _ source: (_ i: Int, _ j: Int) -> (Int, Int)?, sign: Double = 1)
    -> HostMatrices
  {
    var result = HostMatrices(count, rows, columns)
    for k in 0..<count {
      for i in 0..<rows {
        for j in 0..<columns {
          guard let (a, b) = source(i, j) else { continue }
          result.real[result.place(k, i, j)] = real[place(k, a, b)]
          result.imaginary[result.place(k, i, j)] = sign * imaginary[place(k, a, b)]
        }
      }
    }
    return result
  }

  var transposed: HostMatrices { map(columns, rows, { ($1, $0) }) }
  var adjoint: HostMatrices { map(columns, rows, { ($1, $0) }, sign: -1) }
  /// Elements that the closure keeps.
  func keeping(_ keeps: (_ i: Int, _ j: Int) -> Bool) -> HostMatrices {
    map(rows, columns, { keeps($0, $1) ? ($0, $1) : nil })
  }

  /// Rows in another order.
  func taking(_ order: [Int32]) -> HostMatrices {
    var result = HostMatrices(count, rows, columns)
    for k in 0..<count {
      for i in 0..<rows {
        for j in 0..<columns {
          result.real[place(k, i, j)] = real[place(k, Int(order[k * rows + i]), j)]
          result.imaginary[place(k, i, j)] = imaginary[place(k, Int(order[k * rows + i]), j)]
        }
      }
    }
    return result
  }

  /// Columns times numbers.
  func scaled(by s: Tensor) throws -> HostMatrices {
    let s = try s.dtype == .float32 ? s.array(of: Float.self).map(Double.init) : s.array(of: Double.self)
    var result = self
    for i in real.indices {
      let factor = s[i / (rows * columns) * columns + i % columns]
      result.real[i] *= factor
      result.imaginary[i] *= factor
    }
    return result
  }

  static func * (a: HostMatrices, b: HostMatrices) -> HostMatrices {
    var result = HostMatrices(a.count, a.rows, b.columns)
    for k in 0..<a.count {
      for i in 0..<a.rows {
        for l in 0..<a.columns {
          let p = a.place(k, i, l)
          let (x, y) = (a.real[p], a.imaginary[p])
          if x == 0, y == 0 { continue }
          for j in 0..<b.columns {
            let (q, r) = (b.place(k, l, j), result.place(k, i, j))
            result.real[r] += x * b.real[q] - y * b.imaginary[q]
            result.imaginary[r] += x * b.imaginary[q] + y * b.real[q]
          }
        }
      }
    }
    return result
  }

  static func + (a: HostMatrices, b: HostMatrices) -> HostMatrices {
    var result = a
    for i in a.real.indices {
      result.real[i] += b.real[i]
      result.imaginary[i] += b.imaginary[i]
    }
    return result
  }

  static func identity(like other: HostMatrices, _ n: Int) -> HostMatrices {
    var result = HostMatrices(other.count, n, n)
    for k in 0..<other.count { for i in 0..<n { result.real[result.place(k, i, i)] = 1 } }
    return result
  }

  /// Expects equal matrices up to `tolerance` times the greater of 1 and the largest expected number.
  func expect(
    _ name: String, _ other: HostMatrices, _ tolerance: Double,
    sourceLocation: Testing.SourceLocation = #_sourceLocation
  ) {
    #expect(
      (count, rows, columns) == (other.count, other.rows, other.columns), "\(name)", sourceLocation: sourceLocation)
    var (error, size) = (0.0, 1.0)
    for (i, x) in real.enumerated() where i < other.real.count {
      let distance = abs(x - other.real[i]) + abs(imaginary[i] - other.imaginary[i])
      error = distance.isNaN ? .infinity : max(error, distance)
      size = max(size, abs(other.real[i]))
    }
    #expect(error <= tolerance * size, "\(name): error \(error)", sourceLocation: sourceLocation)
  }
}
