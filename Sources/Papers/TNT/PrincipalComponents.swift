/// Directions of greatest variance of a table's rows, by Jacobi's rotations of their covariance.
struct PrincipalComponents {
  /// Each row's coordinates along the directions, row-major.
  let projected: [Double]
  private let count: Int

  /// - Parameters:
  ///   - rows: the table, row-major.
  ///   - width: numbers in a row.
  ///   - count: directions wanted.
  init(rows: [Double], width: Int, count: Int) {
    self.count = min(count, width)
    let n = rows.count / max(width, 1)
    var mean = [Double](repeating: 0, count: width)
    for i in 0..<n { for j in 0..<width { mean[j] += rows[i * width + j] / Double(n) } }
    var covariance = [Double](repeating: 0, count: width * width)
    var centred = [Double](repeating: 0, count: width)
    for i in 0..<n {
      for j in 0..<width { centred[j] = rows[i * width + j] - mean[j] }
      for j in 0..<width { for k in j..<width { covariance[j * width + k] += centred[j] * centred[k] / Double(n) } }
    }
    for j in 0..<width { for k in 0..<j { covariance[j * width + k] = covariance[k * width + j] } }
    let vectors = Self.eigenvectors(&covariance, width)
    let order = (0..<width).sorted { covariance[$0 * width + $0] > covariance[$1 * width + $1] }.prefix(self.count)
    var projected: [Double] = []
    projected.reserveCapacity(n * self.count)
    for i in 0..<n {
      for axis in order {
        var sum = 0.0
        for j in 0..<width { sum += (rows[i * width + j] - mean[j]) * vectors[j * width + axis] }
        projected.append(sum)
      }
    }
    self.projected = projected
  }

  /// Coordinates as levels 0...1: three standard deviations to both sides of the mean.
  func scaled() -> [Double] {
    let n = projected.count / max(count, 1)
    let deviations = (0..<count).map { k in
      ((0..<n).reduce(0) { $0 + projected[$1 * count + k] * projected[$1 * count + k] } / Double(max(n, 1)))
        .squareRoot()
    }
    return projected.enumerated().map { i, value in
      min(max(0.5 + value / (6 * max(deviations[i % count], 1e-12)), 0), 1)
    }
  }

  /// Turns a symmetric matrix into the diagonal one of its eigenvalues; columns of the result are the eigenvectors.
  private static func eigenvectors(_ a: inout [Double], _ n: Int) -> [Double] {
    var v = [Double](repeating: 0, count: n * n)
    for i in 0..<n { v[i * n + i] = 1 }
    for _ in 0..<30 {
      var off = 0.0
      for p in 0..<n { for q in 0..<n where p != q { off += a[p * n + q] * a[p * n + q] } }
      let scale = (0..<n).reduce(0) { $0 + a[$1 * n + $1] * a[$1 * n + $1] }
      if off <= 1e-18 * scale { break }
      for p in 0..<n {
        for q in (p + 1)..<max(n, p + 1) where a[p * n + q] != 0 {
          let theta = (a[q * n + q] - a[p * n + p]) / (2 * a[p * n + q])
          let t = (theta < 0 ? -1 : 1) / (abs(theta) + (theta * theta + 1).squareRoot())
          let c = 1 / (t * t + 1).squareRoot()
          let s = t * c
          for k in 0..<n {
            let (x, y) = (a[k * n + p], a[k * n + q])
            (a[k * n + p], a[k * n + q]) = (c * x - s * y, s * x + c * y)
          }
          for k in 0..<n {
            let (x, y) = (a[p * n + k], a[q * n + k])
            (a[p * n + k], a[q * n + k]) = (c * x - s * y, s * x + c * y)
            let (u, w) = (v[k * n + p], v[k * n + q])
            (v[k * n + p], v[k * n + q]) = (c * u - s * w, s * u + c * w)
          }
        }
      }
    }
    return v
  }
}
