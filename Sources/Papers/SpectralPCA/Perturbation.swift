import Foundation
import Lab
import Pinion

/// Disjoint random graphs, and what edges between them do to the eigenvectors that tell them apart.
public struct Perturbation: Codable, Hashable, Sendable {
  /// Components k.
  public let components: Int
  /// Eigenvalues of L that are 0 within rounding.
  public let multiplicity: Int
  /// Points that clustering the rows of the kernel's basis puts into another component.
  public let mistakes: Int
  /// Size of the edges added: the spectral norm of the change of L.
  public let change: Double
  /// The gap δ between the first k eigenvalues of L and the (k + 1)-th of the changed L.
  public let gap: Double
  /// Sine of the greatest angle between the spaces of the k smallest eigenvectors before and after.
  public let sine: Double
  /// Davis and Kahan's bound on it, change / gap.
  public var bound: Double { change / gap }

  /// Draws k disjoint random graphs, looks at the kernel of L, then adds weak random edges.
  ///
  /// - Parameters:
  ///   - size: vertices of each graph, made connected by a cycle.
  ///   - strength: weight of the edges added.
  /// - Throws: `UsageError` for sizes below 3; `TensorError`, `PJRTError`.
  public init(components k: Int, size: Int, strength: Double, seed: UInt64) throws {
    guard k >= 1, size >= 3 else {
      throw UsageError("expected at least 1 component of 3 vertices, got \(k) of \(size)")
    }
    let n = k * size
    let numbers = try Key(seed).uniform([n * n], dtype: .float64).array(of: Double.self)
    var (weights, extra) = ([Double](repeating: 0, count: n * n), [Double](repeating: 0, count: n * n))
    // A permutation, so that components aren't blocks that an eigensolver finds by itself.
    let order = try Key(seed).foldIn(1).permutation(n).array(of: Int32.self).map { Int($0) }
    func put(_ target: inout [Double], _ a: Int, _ b: Int, _ weight: Double) {
      target[order[a] * n + order[b]] = weight
      target[order[b] * n + order[a]] = weight
    }
    for a in 0..<n {
      for b in 0..<a {
        let number = numbers[a * n + b]
        if a / size == b / size {
          let isNext = a - b == 1 || a - b == size - 1
          if isNext || number < 0.4 { put(&weights, a, b, 0.5 + number) }
        } else if number < 0.1 {
          put(&extra, a, b, strength * (0.5 + 5 * number))
        }
      }
    }
    let w = Tensor(weights, shape: [n, n])
    let before = Equivalence.laplacian(w)
    let difference = Equivalence.laplacian(Tensor(extra, shape: [n, n]))
    let (lambda, y) = eigh(before)
    let (mu, z) = eigh(before + difference)
    let norm = eigvalsh(difference).abs().max()
    let (kernel, other) = (y.slice(axis: 1, from: 0, to: k), z.slice(axis: 1, from: 0, to: k))
    // Singular values of the part of one space outside of the other are the sines of the angles between them.
    let outside = other - kernel.matmul(kernel.matrixTranspose().matmul(other))
    let sines = svdvals(outside)
    try evaluate(lambda, mu, norm, kernel, sines)
    let values = try lambda.array(of: Double.self)
    let scale = values.last ?? 1
    components = k
    multiplicity = values.count { abs($0) < 1e-9 * scale }
    change = try norm.item()
    gap = try mu.array(of: Double.self).dropFirst(k).first ?? .infinity
    sine = try sines.max().item()
    let truth = (0..<n).map { vertex in (order.firstIndex(of: vertex) ?? 0) / size }
    mistakes = try Self.mistakes(kernel, truth, k)
  }

  /// Equal rows are the components: rows of the kernel's basis put together where they're equal within rounding.
  private static func mistakes(_ kernel: Tensor, _ truth: [Int], _ k: Int) throws -> Int {
    let rows = try kernel.array(of: Double.self)
    let n = truth.count
    func row(_ i: Int) -> ArraySlice<Double> { rows[i * k..<(i + 1) * k] }
    var representatives: [Int] = []
    var labels = [Int](repeating: 0, count: n)
    for i in 0..<n {
      let found = representatives.firstIndex { other in
        zip(row(i), row(other)).allSatisfy { abs($0 - $1) < 1e-8 }
      }
      if let found {
        labels[i] = found
      } else {
        labels[i] = representatives.count
        representatives.append(i)
      }
    }
    return n - Int((ClusterMetrics.accuracy(labels, truth: truth) * Double(n)).rounded())
  }
}
