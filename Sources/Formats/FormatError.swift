/// What is wrong with a file, or with data about to become one.
public struct FormatError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Path as the caller gave it, or a name for data in memory.
  public var file: String
  /// What was found and what was expected; one line.
  public var message: String

  public init(_ file: String, _ message: String) {
    self.file = file
    // Text out of a file may hold anything; the error stays one readable line.
    self.message = String(message.prefix(1_000)).split(whereSeparator: \.isNewline).joined(separator: " ")
  }

  public var description: String { "\(file): \(message)" }
}

extension Int {
  /// Digits in groups of three: `1,234,567`.
  var grouped: String { UInt64(magnitude).grouped(sign: self < 0) }
}

extension UInt64 {
  /// Digits in groups of three: `1,234,567`.
  var grouped: String { grouped(sign: false) }

  fileprivate func grouped(sign: Bool) -> String {
    let digits = Array(String(self))
    var text = sign ? "-" : ""
    for (i, digit) in digits.enumerated() {
      if i > 0, (digits.count - i) % 3 == 0 { text += "," }
      text.append(digit)
    }
    return text
  }
}

/// The number of elements of a shape read from a file; `nil` where a size is negative or the product overflows.
func checkedCount(_ shape: [Int]) -> Int? {
  guard shape.allSatisfy({ $0 >= 0 }) else { return nil }
  var count = 1
  for size in shape {
    let (product, overflow) = count.multipliedReportingOverflow(by: size)
    if overflow { return nil }
    count = product
  }
  return count
}
