extension Claim {
  /// The number with its unit and interval: `+1.5 points [0.9, 2.1]`.
  public var measuredText: String {
    let number = Format.short(measured) + (unit.isEmpty ? "" : " \(unit)")
    guard let interval else { return number }
    return "\(number) [\(Format.short(interval.lowerBound)), \(Format.short(interval.upperBound))]"
  }

  /// What it's compared with: `≥ 0.5, interval > 0`.
  public var thresholdText: String {
    let (sign, bound) = comparison == .atLeast ? ("≥", ">") : ("≤", "<")
    if comparison == .informative { return "–" }
    return "\(sign) \(Format.short(threshold))"
      + (intervalThreshold.map { ", interval \(bound) \(Format.short($0))" } ?? "")
  }

  /// Which way a number points that is too weak for a verdict; nil where there is one.
  var direction: String? {
    guard directionOnly, let isMet else { return nil }
    return isMet ? "points that way" : "doesn't point that way"
  }

  /// The verdict in words; at quick scale it says which way the number points.
  public var verdictText: String { verdict.rawValue + (direction.map { " (\($0))" } ?? "") }
}

/// Claims as a table for a terminal.
public enum ClaimTable {
  /// Lines of the table, and below it what quick scale means where that matters.
  public static func lines(
    _ claims: [Claim], width: Int, styled: (String, Terminal.Style) -> String = { text, _ in text }
  ) -> [String] {
    var table = TextTable(
      [
        ("claim", .left), ("measured", .left), ("threshold", .left), ("baseline", .left), ("seeds", .right),
        ("verdict", .left),
      ], flexible: 3)
    for claim in claims {
      let style: Terminal.Style =
        switch claim.verdict {
        case .holds: .green
        case .fails: .red
        case .informative: .yellow
        }
      table.add([
        .init(claim.name), .init(claim.measuredText), .init(claim.thresholdText),
        .init(claim.baseline.isEmpty ? "–" : claim.baseline), .init("\(claim.seeds)"),
        .init(claim.verdictText, style),
      ])
    }
    return table.lines(width: width, styled: styled) + (claims.contains(where: \.directionOnly) ? [quickNote] : [])
  }

  static let quickNote =
    "Quick scale has too few seeds and steps for a verdict: it shows the direction only. Run without --quick for one."
}
