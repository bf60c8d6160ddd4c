import Testing

@testable import Lab

@Suite struct ClaimTests {
  private func claim(
    _ measured: Double, _ comparison: Claim.Comparison, interval: ClosedRange<Double>? = nil, bound: Double? = nil
  ) -> Claim {
    Claim(
      "accuracy", statement: "TNT beats DeiT", measured: measured, unit: "points", interval: interval,
      comparison: comparison, threshold: 0.5, intervalThreshold: bound, baseline: "DeiT", seeds: 3)
  }

  @Test func verdictsFollowFromTheNumbers() {
    #expect(claim(0.5, .atLeast).verdict == .holds)
    #expect(claim(0.49, .atLeast).verdict == .fails)
    #expect(claim(0.5, .atMost).verdict == .holds)
    #expect(claim(0.51, .atMost).verdict == .fails)
    #expect(claim(9, .informative).verdict == .informative)
    #expect(claim(.nan, .atLeast).verdict == .fails)
    #expect(claim(.nan, .atMost).verdict == .fails)
  }

  @Test func intervalsAreJudgedWhereAsked() {
    #expect(claim(1, .atLeast, interval: 0.1...1.9, bound: 0).verdict == .holds)
    #expect(claim(1, .atLeast, interval: -0.1...2.1, bound: 0).verdict == .fails)
    #expect(claim(1, .atLeast, interval: -0.1...2.1).verdict == .holds)
    #expect(claim(1, .atLeast, bound: 0).verdict == .fails)
    #expect(claim(0, .atMost, interval: -0.1...0.1, bound: 0.2).verdict == .holds)
    #expect(claim(0, .atMost, interval: -0.3...0.3, bound: 0.2).verdict == .fails)
  }

  @Test func theTableIsAligned() {
    var other = claim(-3, .atMost)
    other.name = "cost"
    let lines = ClaimTable.lines([claim(1.524, .atLeast, interval: 0.9...2.1, bound: 0), other], width: 120)
    #expect(
      lines == [
        "claim     measured                 threshold            baseline  seeds  verdict",
        "────────  ───────────────────────  ───────────────────  ────────  ─────  ───────",
        "accuracy  1.524 points [0.9, 2.1]  ≥ 0.5, interval > 0  DeiT          3  holds",
        "cost      -3 points                ≤ 0.5                DeiT          3  holds",
      ])
  }

  @Test func aNarrowTerminalShortensTheFlexibleColumn() {
    var table = TextTable([("name", .left), ("text", .left), ("n", .right)], flexible: 1)
    table.add(["a", .init(String(repeating: "word ", count: 30)), "7"])
    let lines = table.lines(width: 40)
    #expect(lines.allSatisfy { $0.count <= 40 })
    #expect(lines[2].contains("…"))
  }
}

@Suite struct StatisticsTests {
  /// scipy.stats.t.ppf, SciPy 1.17.1.
  @Test(
    arguments: [
      (0.975, 1, 12.706204736174694), (0.975, 2, 4.302652729749462), (0.975, 4, 2.7764451051977934),
      (0.975, 9, 2.262157162798205), (0.995, 3, 5.840909309733355), (0.9, 30, 1.3104150253913955),
      (0.975, 1000, 1.9623390808264083), (0.6, 0.5, 0.3979754267847907), (0.025, 7, -2.3646242515927844),
    ] as [(Double, Double, Double)])
  func quantilesEqualSciPys(p: Double, degrees: Double, expected: Double) {
    #expect(abs(Statistics.studentQuantile(p, degrees: degrees) - expected) <= 1e-10 * abs(expected))
  }

  /// scipy.special.betainc.
  @Test(
    arguments: [
      (0.5, 0.5, 0.3, 0.36901011956554536), (2, 3, 0.4, 0.5247999999999999), (10, 0.5, 0.9, 0.15164090963470994),
      (50, 60, 0.45, 0.4642352914306031), (0.5, 200, 0.01, 0.9549058928629202),
    ] as [(Double, Double, Double, Double)])
  func incompleteBetaEqualsSciPys(a: Double, b: Double, x: Double, expected: Double) {
    #expect(abs(Statistics.incompleteBeta(a, b, x) - expected) <= 1e-12 * expected)
  }

  @Test func pairedIntervalEqualsSciPys() throws {
    let (mean, interval) = Statistics.pairedDifference([86.21, 86.74, 86.1], [84.98, 84.81, 85.3])
    let range = try #require(interval)
    #expect(abs(mean - 1.3199999999999932) < 1e-9)
    #expect(abs(range.lowerBound - (-0.09682985485443596)) < 1e-9)
    #expect(abs(range.upperBound - 2.736829854854422) < 1e-9)
  }

  @Test func smallSamplesHaveNoInterval() {
    #expect(Statistics.interval([1]) == nil)
    #expect(Statistics.interval([]) == nil)
    #expect(Statistics.interval([1, .nan]) == nil)
    #expect(Statistics.interval([2, 2]) == 2...2)
    #expect(Statistics.mean([]).isNaN)
    #expect(Statistics.standardDeviation([3]) == 0)
    #expect(abs(Statistics.standardDeviation([1, 2, 3, 4]) - 1.2909944487358056) < 1e-15)
    #expect(Statistics.studentQuantile(1, degrees: 3).isNaN)
    #expect(Statistics.studentQuantile(0.5, degrees: 3) == 0)
  }
}

@Suite struct FormatTests {
  @Test func numbersAreShort() {
    #expect(Format.short(0.31271) == "0.3127")
    #expect(Format.short(86.214) == "86.21")
    #expect(Format.short(3) == "3")
    #expect(Format.short(-1.5) == "-1.5")
    #expect(Format.short(12345.6) == "12346")
    #expect(Format.short(1.5e-7) == "1.5e-07")
    #expect(Format.short(.nan) == "nan")
    #expect(Format.short(-.infinity) == "-inf")
  }

  @Test func spansAndSizesAreReadable() {
    #expect(Format.duration(0.42) == "0.4 s")
    #expect(Format.duration(59.4) == "59 s")
    #expect(Format.duration(59.6) == "1 min 00 s")
    #expect(Format.duration(185) == "3 min 05 s")
    #expect(Format.duration(4320) == "1 h 12 min")
    #expect(Format.duration(.nan) == "?")
    #expect(Format.bytes(999) == "999 B")
    #expect(Format.bytes(3_100_000_000) == "3.1 GB")
    #expect(Format.fit("transformer", to: 6) == "trans…")
  }
}
