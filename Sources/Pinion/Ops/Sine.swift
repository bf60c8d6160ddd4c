import PJRT

/// Sine and cosine of float32 in arithmetic that vectorises; XLA's CPU compiler calls the C library number by number,
/// which takes ten times as long.
///
/// The angle is divided by 2π in float64, exactly for every float32 (Payne and Hanek, 1983): 1/2π is cut into pieces of
/// 29 bits, whose products with the 24 bits of an angle are exact, and whole turns are dropped piece by piece. What is
/// left, at most an eighth of a turn from a quarter, goes into polynomials. The error is 0.51 units in the last place,
/// and 1.2 at the float32 nearest to zeros.
enum Sine {
  /// 1/2π = the sum of these, each but the last with 29 bits.
  private static let pieces: [Double] = [
    0x1.45f306dp-3, 0x1.9391054p-32, 0x1.4fe13abp-61, 0x1.d1f534dp-90, 0x1.b81b6c5p-119, 0x1.5993c439041fep-150,
  ]
  /// sin(2πr) / r and cos(2πr) by powers of r², interpolated at Chebyshev's points of r² ≤ 1/64.
  private static let sine = [
    6.2831853071524, -41.341702153394905, 81.60520471104576, -76.6978663502028, 41.47283323950919,
  ]
  private static let cosine = [
    0.9999999999524894, -19.739208650130596, 64.93931613570905, -85.44284467308167, 59.2201689582961,
  ]
  /// Below, the sine of x is x to half a unit in the last place, and signs of zeros stay.
  private static let small = 0x1p-13

  /// Prints sin(x) or cos(x).
  ///
  /// - Returns: `nil` where XLA's own is as good: other types, other platforms.
  static func lower(_ kind: Unary.Kind, _ x: SSAValue, into printer: inout StableHLOPrinter) -> SSAValue? {
    guard kind == .sin || kind == .cos, [.float32, .float16, .bfloat16].contains(x.type.dtype),
      !printer.isPortable, let backend = try? Backend.shared(), backend.sharesHostMemory
    else { return nil }
    let type = x.type.with(dtype: .float64)
    func value(_ number: Double) -> SSAValue { printer.splat("\(number)", type) }
    func emit(_ op: String, _ operands: SSAValue...) -> SSAValue { printer.emit("stablehlo.\(op)", operands, type) }
    func withoutWholeTurns(_ turns: SSAValue) -> SSAValue {
      emit("subtract", turns, emit("round_nearest_even", turns))
    }
    func polynomial(_ coefficients: [Double], _ square: SSAValue) -> SSAValue {
      coefficients.dropLast().reversed().reduce(value(coefficients[coefficients.count - 1])) { sum, coefficient in
        emit("add", emit("multiply", sum, square), value(coefficient))
      }
    }
    let wide = printer.emit("stablehlo.convert", [x], type)
    var parts = pieces.map { withoutWholeTurns(emit("multiply", wide, value($0))) }
    // The quarter comes last, as what is added to it first would lose digits.
    if kind == .cos { parts.append(value(0.25)) }
    let turns = withoutWholeTurns(parts.dropFirst().reduce(parts[0]) { emit("add", $0, $1) })
    let quarter = emit("round_nearest_even", emit("multiply", turns, value(4)))
    let rest = emit("subtract", turns, emit("multiply", quarter, value(0.25)))
    let square = emit("multiply", rest, rest)
    let ofRest = emit("multiply", rest, polynomial(sine, square))
    let ofQuarter = polynomial(cosine, square)
    let isOdd = printer.compare("EQ", emit("abs", quarter), value(1), "FLOAT")
    let size = printer.emit("stablehlo.select", [isOdd, ofQuarter, ofRest], type)
    // Quarters -2, -1 and 2 turn the sign: those q for which (q - 1/2)² > 1.
    let offset = emit("subtract", quarter, value(0.5))
    let isTurned = printer.compare("GT", emit("multiply", offset, offset), value(1), "FLOAT")
    let signed = printer.emit("stablehlo.select", [isTurned, emit("negate", size), size], type)
    let result = printer.emit("stablehlo.convert", [signed], x.type)
    guard kind == .sin else { return result }
    let limit = printer.splat("\(small)", x.type)
    let isSmall = printer.compare("LT", printer.emit("stablehlo.abs", [x], x.type), limit, "FLOAT")
    return printer.emit("stablehlo.select", [isSmall, x, result], x.type)
  }
}
