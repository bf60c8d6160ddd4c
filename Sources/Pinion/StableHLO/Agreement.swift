/// When two tensors count as equal.
struct Agreement {
  private let rule: StableHLOCheck.Rule

  init(_ rule: StableHLOCheck.Rule) { self.rule = rule }

  /// For results of the same program in another shape: operations in other order round otherwise.
  static func slices(_ dtype: DType) -> Agreement {
    switch dtype {
    case .float64, .complex128: Agreement(.almostEqual(tolerance: 1e-9))
    case .float32, .complex64: Agreement(.almostEqual(tolerance: 1e-4))
    case .float16: Agreement(.almostEqual(tolerance: 1e-2))
    case .bfloat16: Agreement(.almostEqual(tolerance: 6e-2))
    default: Agreement(.equal)
    }
  }

  /// Where two tensors differ first, or `nil`.
  ///
  /// - Throws: what reading them throws.
  func difference(_ actual: Tensor, _ expected: Tensor) throws -> String? {
    guard actual.type == expected.type else { return "types differ: \(actual.type), expected \(expected.type)" }
    let (a, b) = (try actual.bytes(), try expected.bytes())
    if a == b {
      if case .close(let least, _) = rule, least > 0 { return "values agree, expected a difference" }
      return nil
    }
    let dtype = actual.dtype.realType
    let width = dtype.byteCount
    var (count, first) = (0, "")
    for i in 0..<(a.count / width) {
      let (x, y) = (bits(a, i, width), bits(b, i, width))
      if agrees(x, y, dtype) { continue }
      if count == 0 {
        first = "element \(actual.dtype.isComplex ? i / 2 : i) is \(text(x, dtype)), expected \(text(y, dtype))"
      }
      count += 1
    }
    return count == 0 ? nil : "\(count) of \(a.count / width) values differ: \(first)"
  }

  private func bits(_ bytes: [UInt8], _ i: Int, _ width: Int) -> UInt64 {
    var result: UInt64 = 0
    for k in 0..<width { result |= UInt64(bytes[i * width + k]) << UInt64(8 * k) }
    return result
  }

  private func number(_ bits: UInt64, _ dtype: DType) -> Double {
    switch dtype {
    case .float64: Double(bitPattern: bits)
    case .float32: Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits)))
    case .float16: Double(Float16(bitPattern: UInt16(truncatingIfNeeded: bits)))
    case .bfloat16: Double(BFloat16(bitPattern: UInt16(truncatingIfNeeded: bits)).float)
    default: Double(bits)
    }
  }

  private func text(_ bits: UInt64, _ dtype: DType) -> String {
    if dtype.isFloating { return "\(number(bits, dtype))" }
    let unused = UInt64(64 - 8 * dtype.byteCount)
    return dtype.isSignedInteger ? "\(Int64(bitPattern: bits << unused) >> Int64(unused))" : "\(bits)"
  }

  private func agrees(_ x: UInt64, _ y: UInt64, _ dtype: DType) -> Bool {
    if x == y { return true }
    guard dtype.isFloating else { return false }
    let (a, b) = (number(x, dtype), number(y, dtype))
    if a.isNaN || b.isNaN { return a.isNaN && b.isNaN }
    switch rule {
    case .equal: return a == b
    case .almostEqual(let tolerance):
      if a == b { return true }
      guard a.isFinite, b.isFinite else { return false }
      return abs(a - b) <= tolerance * (a == 0 || b == 0 ? 1 : Swift.max(abs(a), abs(b)))
    case .close(_, let most):
      guard a.isFinite, b.isFinite else { return a == b }
      // Values of one sign are counted by their bits, others by way of zero.
      let sign = UInt64(1) << UInt64(8 * dtype.byteCount - 1)
      let (p, q) = (x & ~sign, y & ~sign)
      let distance = x & sign == y & sign ? (p > q ? p - q : q - p) : p &+ q
      return distance <= UInt64(Swift.max(most, 0))
    }
  }
}

extension StableHLOCheck {
  /// What is wrong with the values, or `nil`.
  func difference() throws -> String? { try Agreement(rule).difference(actual, expected) }
}
