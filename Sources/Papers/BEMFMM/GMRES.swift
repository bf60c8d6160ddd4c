import Foundation

/// The generalised minimal residual method with a preconditioner on the left (Saad, Schultz 1986).
///
/// Residuals are those of the preconditioned system: |P⁻¹(b - A x)| / |P⁻¹ b|.
public struct GMRES: Sendable {
  /// Relative residual that is small enough.
  public var tolerance = 1e-5
  /// Vectors that are kept before a new start; memory grows with it.
  public var restart = 400
  /// Products with the matrix that are allowed.
  public var maximumIterations = 1_000

  public init() {}

  /// What was found.
  public struct Result: Sendable {
    public var solution: [Double]
    /// Relative residual of the preconditioned system after each iteration, the first before any.
    public var residuals: [Double]
    public var isConverged: Bool
    /// Products with the matrix, without those that start anew.
    public var iterations: Int { residuals.count - 1 }
  }

  /// Solves A x = b from x = 0.
  ///
  /// - Parameters:
  ///   - apply: the product with A.
  ///   - precondition: the product with P⁻¹.
  ///   - progress: called after each iteration with its number and residual.
  /// - Throws: what the closures throw.
  public func solve(
    _ b: [Double], apply: ([Double]) throws -> [Double], precondition: ([Double]) throws -> [Double],
    progress: (Int, Double) throws -> Void = { _, _ in }
  ) throws -> Result {
    let n = b.count
    var x = [Double](repeating: 0, count: n)
    var residual = try precondition(b)
    let norm = Self.norm(residual)
    guard norm > 0, norm.isFinite else {
      return Result(solution: x, residuals: [norm.isFinite ? 0 : norm], isConverged: norm == 0)
    }
    var residuals = [1.0]
    let cycle = max(1, restart)
    while true {
      let start = Self.norm(residual)
      var basis = [residual.map { $0 / start }]
      var columns: [[Double]] = []
      var (cosines, sines): ([Double], [Double]) = ([], [])
      var right = [start]
      var isDone = start / norm <= tolerance
      while !isDone, columns.count < cycle, residuals.count <= maximumIterations {
        var w = try precondition(try apply(basis[columns.count]))
        var column: [Double] = []
        // Twice: orthogonal to rounding even where much cancels.
        let before = Self.norm(w)
        for v in basis {
          let part = Self.dot(v, w)
          Self.add(-part, v, to: &w)
          column.append(part)
        }
        var length = Self.norm(w)
        if length < 0.7 * before {
          for (place, v) in basis.enumerated() {
            let part = Self.dot(v, w)
            Self.add(-part, v, to: &w)
            column[place] += part
          }
          length = Self.norm(w)
        }
        for place in cosines.indices {
          let (c, s, above, below) = (cosines[place], sines[place], column[place], column[place + 1])
          column[place] = c * above + s * below
          column[place + 1] = c * below - s * above
        }
        let last = column.count - 1
        let radius = (column[last] * column[last] + length * length).squareRoot()
        let (c, s) = radius > 0 ? (column[last] / radius, length / radius) : (1, 0)
        column[last] = radius
        cosines.append(c)
        sines.append(s)
        right.append(-s * right[last])
        right[last] *= c
        columns.append(column)
        let relative = abs(right[last + 1]) / norm
        residuals.append(relative)
        try progress(residuals.count - 1, relative)
        isDone = !(relative > tolerance) || length == 0
        if !isDone { basis.append(w.map { $0 / length }) }
      }
      // The upper triangle's solution.
      var y = Array(right.prefix(columns.count))
      for row in y.indices.reversed() {
        for column in row + 1..<max(row + 1, y.count) { y[row] -= columns[column][row] * y[column] }
        y[row] = columns[row][row] == 0 ? 0 : y[row] / columns[row][row]
      }
      for (place, value) in y.enumerated() { Self.add(value, basis[place], to: &x) }
      if isDone || residuals.count > maximumIterations {
        return Result(solution: x, residuals: residuals, isConverged: (residuals.last ?? 1) <= tolerance)
      }
      let image = try apply(x)
      residual = try precondition(zip(b, image).map { $0 - $1 })
    }
  }

  private static func dot(_ a: [Double], _ b: [Double]) -> Double {
    a.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer { b in
        var (even, odd) = (0.0, 0.0)
        var i = 0
        while i + 1 < a.count {
          even += a[i] * b[i]
          odd += a[i + 1] * b[i + 1]
          i += 2
        }
        return i < a.count ? even + odd + a[i] * b[i] : even + odd
      }
    }
  }

  private static func norm(_ a: [Double]) -> Double { dot(a, a).squareRoot() }

  private static func add(_ scale: Double, _ a: [Double], to b: inout [Double]) {
    a.withUnsafeBufferPointer { a in
      b.withUnsafeMutableBufferPointer { b in for i in 0..<a.count { b[i] += scale * a[i] } }
    }
  }
}
