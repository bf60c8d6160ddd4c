import Foundation

/// An order of the coordinates of an orthant for sequential sampling, with the Cholesky factor in that order.
///
/// Each step takes the coordinate that is least likely to be positive given that those before are at their conditional means
/// (Gibson, Glasbey and Elston, 1994; Genz and Bretz, 2009, section 4.1.3).
struct VariableOrdering {
  /// Places of the coordinates in the new order.
  let order: [Int]
  /// Lower factor of the covariance in that order, [n, n] row-major.
  let factor: [Double]
  /// Conditional means along the way, in the coordinates in which the covariance is the identity: a point inside.
  let start: [Double]

  /// - Parameter covariance: [n, n] row-major, positive definite.
  init(covariance: [Double], count n: Int) {
    var order = Array(0..<n)
    var factor = [Double](repeating: 0, count: n * n)
    var start = [Double](repeating: 0, count: n)
    var variances = (0..<n).map { covariance[$0 * n + $0] }
    var means = [Double](repeating: 0, count: n)
    // At first all are equally likely: the one that the others contradict most.
    let affinities = (0..<n).map { i in
      (0..<n).reduce(0.0) { $0 + covariance[i * n + $1] / (variances[i] * variances[$1]).squareRoot() }
    }
    covariance.withUnsafeBufferPointer { covariance in
      factor.withUnsafeMutableBufferPointer { factor in
        for j in 0..<n {
          var (best, least) = (j, Double.infinity)
          for i in j..<n {
            // The limit falls with the mean over the deviation: least likely is the smallest quotient.
            let quotient = j == 0 ? affinities[i] : means[i] / variances[i].squareRoot()
            if quotient < least { (best, least) = (i, quotient) }
          }
          if best != j {
            order.swapAt(j, best)
            variances.swapAt(j, best)
            means.swapAt(j, best)
            for k in 0..<j { factor.swapAt(j * n + k, best * n + k) }
          }
          let pivot = variances[j].squareRoot()
          factor[j * n + j] = pivot
          start[j] = NormalTail.hazard(-means[j] / pivot)
          let own = UnsafeBufferPointer(rebasing: UnsafeBufferPointer(factor)[j * n..<j * n + j])
          for i in j + 1..<max(n, j + 1) {
            let row = UnsafeBufferPointer(rebasing: UnsafeBufferPointer(factor)[i * n..<i * n + j])
            let entry = (covariance[order[i] * n + order[j]] - Self.dot(row, own)) / pivot
            factor[i * n + j] = entry
            // Rounding must not take a variance to 0.
            variances[i] = max(variances[i] - entry * entry, 1e-14 * covariance[order[i] * n + order[i]])
            means[i] += entry * start[j]
          }
        }
      }
    }
    (self.order, self.factor, self.start) = (order, factor, start)
  }

  /// Scalar product of rows of one length, eight numbers at a time.
  private static func dot(_ a: UnsafeBufferPointer<Double>, _ b: UnsafeBufferPointer<Double>) -> Double {
    guard let p = a.baseAddress.map(UnsafeRawPointer.init), let q = b.baseAddress.map(UnsafeRawPointer.init) else {
      return 0
    }
    let width = MemoryLayout<SIMD8<Double>>.size
    var (first, second) = (SIMD8<Double>.zero, SIMD8<Double>.zero)
    let pairs = a.count / 16
    for block in 0..<pairs {
      let place = 2 * block * width
      first +=
        p.loadUnaligned(fromByteOffset: place, as: SIMD8<Double>.self)
        * q.loadUnaligned(fromByteOffset: place, as: SIMD8<Double>.self)
      second +=
        p.loadUnaligned(fromByteOffset: place + width, as: SIMD8<Double>.self)
        * q.loadUnaligned(fromByteOffset: place + width, as: SIMD8<Double>.self)
    }
    var sum = (first + second).sum()
    for i in 16 * pairs..<a.count { sum += a[i] * b[i] }
    return sum
  }
}
