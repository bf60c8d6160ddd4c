/// exp(a) of square matrices, `[…, n, n]`: a Padé approximant of a scaled matrix, squared back.
///
/// Higham 2005, "The scaling and squaring method for the matrix exponential revisited", with the highest order that pays
/// in the element type: 13 in double, 7 in single precision. Norms above about 2¹⁸ (a result that overflows, but for
/// special matrices) give NaN.
///
/// - Parameter a: `[…, n, n]`.
public func matrixExponential(_ a: Tensor) -> Tensor {
  if a.failure != nil { return a }
  return failing("matrixExponential") {
    try a.type.checkMatrix("matrixExponential", square: true)
    if a.count == 0 { return a }
    let isDouble = a.dtype.realType == .float64
    let (order, limit) = isDouble ? (13, 5.371920351148152) : (7, 3.925724783138660)
    let squarings = 16
    let norm = stopGradient(a.abs().sum(axes: [-2], keepDims: true).max(axes: [-1], keepDims: true))
    let steps = maximum((norm / limit).log() * (1 / 0.6931471805599453), 0).ceil()
    let isTooLarge = !(steps .<= Double(squarings))
    let safeSteps = select(isTooLarge, Tensor.zeros(like: steps), steps)
    // Powers of two are exact, whatever exp says.
    let scale = (safeSteps * -0.6931471805599453).exp()
    let scaled = a * exactPower(scale).cast(a.dtype)
    let (u, v) = pade(scaled, order)
    // A loop, since a matrix product compiles slowly; steps that aren't wanted change nothing.
    let result = try forLoop(solve(v - u, v + u), steps: squarings) { result, step in
      select(safeSteps .> step.cast(safeSteps.dtype), result.matmul(result), result)
    }
    return select(isTooLarge, Tensor.full(like: result, .nan), result)
  }
}

/// The power of two nearest to a number that is almost one.
private func exactPower(_ x: Tensor) -> Tensor {
  // 1/x is an integer, so rounding it is exact.
  1 / (1 / x).round()
}

/// Odd and even part of the numerator of the Padé approximant of exp: (v + u)/(v - u).
private func pade(_ a: Tensor, _ order: Int) -> (u: Tensor, v: Tensor) {
  // (2m - k)! / (k! (m - k)!), scaled to a last coefficient of 1.
  var coefficients = [Double](repeating: 1, count: order + 1)
  for k in stride(from: order - 1, through: 0, by: -1) {
    coefficients[k] = coefficients[k + 1] * Double((k + 1) * (2 * order - k)) / Double(order - k)
  }
  let eye = Tensor.eye(a.type.rows, dtype: a.dtype).broadcast(to: a.shape)
  let a2 = a.matmul(a)
  let a4 = a2.matmul(a2)
  let a6 = a4.matmul(a2)
  let powers = [eye, a2, a4, a6]
  /// Even powers from `first` on.
  func even(_ parity: Int, from first: Int, to last: Int) -> Tensor {
    (first...last).map { powers[$0 - first] * coefficients[2 * $0 + parity] }.reduce(Tensor.zeros(like: a)) { $0 + $1 }
  }
  guard order > 7 else { return (a.matmul(even(1, from: 0, to: 3)), even(0, from: 0, to: 3)) }
  /// a⁶ times the powers 2, 4, 6 of the upper half, and the lower half.
  func whole(_ parity: Int) -> Tensor {
    let upper = (1...3).map { powers[$0] * coefficients[2 * ($0 + 3) + parity] }.reduce(Tensor.zeros(like: a)) {
      $0 + $1
    }
    return a6.matmul(upper) + even(parity, from: 0, to: 3)
  }
  return (a.matmul(whole(1)), whole(0))
}
