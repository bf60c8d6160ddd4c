import ComplexModule

extension Tensor: CustomStringConvertible {
  /// Values as NumPy prints them; the type alone for a traced tensor, the error for a failed one.
  ///
  /// Computes the values if need be. Of more than 1,000 elements each axis shows its first and last three.
  public var description: String {
    if let failure { return "Tensor(failed: \(failure))" }
    if isTraced { return "Tensor(traced, \(type))" }
    do {
      let elements = try formattedElements()
      let width = elements.map(\.count).max() ?? 0
      return TensorText(shape: shape, elements: elements, width: width, summarized: count > 1000).text
    } catch {
      return "Tensor(\(type), can't be read: \(error))"
    }
  }

  private func formattedElements() throws -> [String] {
    switch dtype {
    case .bool: return try array(of: Bool.self).map { $0 ? "True" : "False" }
    case .uint64: return try array(of: UInt64.self).map(String.init)
    case .complex64, .complex128:
      let (re, im) = (real().cast(.float64), imaginary().cast(.float64))
      try evaluate([re, im])
      return try zip(re.array(of: Double.self), im.array(of: Double.self)).map { r, i in
        let sign = i < 0 ? "-" : "+"
        return "\(FloatText.format([r])[0])\(sign)\(FloatText.format([Swift.abs(i)])[0])j"
      }
    case .float64: return FloatText.format(try array(of: Double.self))
    case .float16, .bfloat16, .float32:
      // The shortest decimal that reads back as the same single, not the single's own expansion.
      return FloatText.format(try cast(.float32).array(of: Float.self).map { Double("\($0)") ?? Double($0) })
    default: return try cast(.int64).array(of: Int64.self).map(String.init)
    }
  }
}

/// Numbers with one count of digits, as few as tell them apart up to 8.
enum FloatText {
  static func format(_ values: [Double]) -> [String] {
    let finite = values.filter(\.isFinite)
    let sizes = finite.filter { $0 != 0 }.map { Swift.abs($0) }
    let (top, bottom) = (sizes.max() ?? 1, sizes.min() ?? 1)
    let scientific = top >= 1e8 || bottom < 1e-4 || top / bottom > 1000 && bottom < 1e-3
    let digits = finite.map { fraction($0, scientific) }.max() ?? 0
    return values.map { value in
      if value.isNaN { return "nan" }
      if value.isInfinite { return value < 0 ? "-inf" : "inf" }
      return scientific ? exponential(value, digits) : padded(fixed(value, digits))
    }
  }

  /// Zeros at the end become blanks, as NumPy has it.
  private static func padded(_ text: String) -> String {
    guard text.contains(".") else { return text }
    var kept = text[...]
    while kept.last == "0" { kept.removeLast() }
    return kept + String(repeating: " ", count: text.count - kept.count)
  }

  /// Digits after the point that the number needs, at most 8.
  private static func fraction(_ value: Double, _ scientific: Bool) -> Int {
    let text = scientific ? exponential(value, 8) : fixed(value, 8)
    let mantissa = text.split(separator: "e").first ?? ""
    guard let point = mantissa.firstIndex(of: ".") else { return 0 }
    var digits = mantissa[mantissa.index(after: point)...]
    while digits.last == "0" { digits.removeLast() }
    return digits.count
  }

  private static func fixed(_ value: Double, _ digits: Int) -> String {
    let scale = power10(digits)
    let scaled = (Swift.abs(value) * scale).rounded(.toNearestOrEven)
    let (whole, rest) = (Int64(scaled / scale), Int64(scaled.truncatingRemainder(dividingBy: scale)))
    let text = digits == 0 ? "" : String(repeating: "0", count: digits - "\(rest)".count) + "\(rest)"
    return "\(value.sign == .minus ? "-" : "")\(whole).\(text)"
  }

  private static func exponential(_ value: Double, _ digits: Int) -> String {
    if value == 0 { return fixed(0, digits) + "e+00" }
    var (mantissa, exponent) = (value, 0)
    while Swift.abs(mantissa) >= 10 { (mantissa, exponent) = (mantissa / 10, exponent + 1) }
    while Swift.abs(mantissa) < 1 { (mantissa, exponent) = (mantissa * 10, exponent - 1) }
    let size = Swift.abs(exponent)
    return "\(fixed(mantissa, digits))e\(exponent < 0 ? "-" : "+")\(size < 10 ? "0" : "")\(size)"
  }

  private static func power10(_ n: Int) -> Double { (0..<n).reduce(1) { power, _ in power * 10 } }
}

/// Lays elements out in nested brackets.
private struct TensorText {
  let shape: Shape
  let elements: [String]
  let width: Int
  let summarized: Bool

  var text: String { shape.isEmpty ? elements.first ?? "" : block(0, 0) }

  private func block(_ axis: Int, _ offset: Int) -> String {
    let step = Shape(shape[(axis + 1)...]).elementCount
    let n = shape[axis]
    let places: [Int?] = summarized && n > 6 ? [0, 1, 2, nil, n - 3, n - 2, n - 1] : (0..<n).map { $0 }
    let last = axis == shape.count - 1
    let parts = places.map { place -> String in
      guard let place else { return "..." }
      if last {
        let element = elements[offset + place]
        return String(repeating: " ", count: width - element.count) + element
      }
      return block(axis + 1, offset + place * step)
    }
    if last { return "[" + parts.joined(separator: " ") + "]" }
    let gap = String(repeating: "\n", count: shape.count - axis - 1) + String(repeating: " ", count: axis + 1)
    return "[" + parts.joined(separator: gap) + "]"
  }
}
