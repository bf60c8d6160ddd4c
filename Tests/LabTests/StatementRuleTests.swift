import Testing

@testable import Lab

/// A change for the worse, and one close to it that's well.
private struct Case: Sendable {
  let rule: String
  let fires: @Sendable (inout DataStatement) -> Void
  let passes: @Sendable (inout DataStatement) -> Void

  init(
    _ rule: String, _ fires: @escaping @Sendable (inout DataStatement) -> Void,
    not passes: @escaping @Sendable (inout DataStatement) -> Void = { _ in }
  ) {
    self.rule = rule
    self.fires = fires
    self.passes = passes
  }
}

extension DataStatement {
  fileprivate mutating func change(_ name: String, _ body: (inout Stakeholder) -> Void) {
    if let place = stakeholders.firstIndex(where: { $0.name == name }) { body(&stakeholders[place]) }
  }

  /// Moves the owner and the host away.
  fileprivate mutating func moveHolders() {
    for name in ["Landing Council", "Lake University"] { change(name) { $0.region = "the North" } }
  }
}

@Suite struct StatementRuleTests {
  private static let cases: [Case] = [
    // Identity.
    Case("no-licence", { $0[.licence] = "none" }, not: { $0[.licence] = "MIT" }),
    Case("no-checksum", { $0.files = [.init("a", byteCount: 1, sha256: "12")] }, not: { $0.files.append($0.files[0]) }),
    Case("no-keeper", { $0[.maintenance] = "none" }, not: { $0[.maintenance] = "none yet, a keeper comes in May" }),
    Case("identity-open", { $0[.doi] = .unknown }, not: { $0[.doi] = "none" }),
    // Deficit narrative.
    Case(
      "only-lacks", { $0[.barriers] = "They lack training." },
      not: { $0[.barriers] = "They lack training, and have reason not to trust us." }),
    Case("no-local-knowledge", { $0[.localContribution] = "none" }, not: { $0[.localContribution] = "names of fish" }),
    Case("knowledge-uncredited", { $0[.localCredit] = "no" }, not: { $0[.localCredit] = "partly" }),
    Case(
      "knowledge-for-nothing", { $0.change("Traders") { $0.receives = [] } },
      not: { $0.change("Traders") { $0.receives = [.credit] } }),
    Case("deficit-open", { $0.answers[.barriers] = nil }, not: { $0[.barriers] = .notApplicable("nobody on site") }),
    // Power.
    Case("no-stakeholders", { $0.stakeholders = [] }, not: { $0.stakeholders = Array($0.stakeholders.prefix(1)) }),
    Case(
      "subjects-unlisted", { $0.stakeholders.removeFirst() },
      not: {
        $0.stakeholders.removeFirst()
        $0[.subjectsArePeople] = "no"
      }),
    Case(
      "deciders-elsewhere",
      { s in
        s.moveHolders()
        s.change("Traders") { $0.decides = [] }
      }, not: { $0.moveHolders() }),
    Case(
      "iceberg", { s in for name in ["Traders", "Diarists"] { s.change(name) { $0.isVisible = false } } },
      not: { $0.change("Traders") { $0.isVisible = false } }),
    Case(
      "hidden-hands", { $0.change("Diarists") { $0.isVisible = false } },
      not: { $0.change("Fund of the North") { $0.isVisible = false } }),
    Case(
      "subjects-decide-nothing", { $0.change("Traders") { $0.decides = nil } },
      not: { $0.change("Traders") { $0.decides = [.deletion] } }),
    Case(
      "one-decides-all",
      { s in
        for i in s.stakeholders.indices { s.stakeholders[i].decides = [] }
        s.change("Landing Council") { $0.decides = Stakeholder.Decision.allCases }
      }, not: { $0.change("Landing Council") { $0.decides = Stakeholder.Decision.allCases } }),
    Case(
      "funder-publishes", { $0.change("Fund of the North") { $0.decides = [.publication] } },
      not: { $0.change("Fund of the North") { $0.decides = [.access] } }),
    Case("no-governance", { $0[.governance] = "none" }, not: { $0[.governance] = "an elder" }),
    Case("no-refusal", { $0[.refusal] = .unknown }, not: { $0[.refusal] = "partly" }),
    Case("no-purpose", { $0[.purpose] = .unknown }, not: { $0[.purpose] = "research" }),
    Case("power-open", { $0[.purposeBreadth] = .unknown }, not: { $0[.purposeBreadth] = "one purpose" }),
    // History.
    Case("categories-imposed", { $0[.categoriesBy] = "authorities" }, not: { $0[.categoriesBy] = "themselves" }),
    Case(
      "categories-of-unknown-origin", { $0[.categoriesBy] = .unknown },
      not: {
        $0[.categories] = "none"
        $0[.categoriesBy] = .unknown
      }),
    Case(
      "ethnic-categories",
      {
        $0[.categories] = ["ethnic group"]
        $0[.mitigations] = "none"
      },
      not: { $0[.categories] = ["ethnic group"] }),
    Case(
      "past-harm-unanswered", { $0[.mitigations] = .unknown },
      not: {
        $0[.mitigations] = .unknown
        $0[.pastHarms] = "none"
      }),
    Case("history-open", { $0[.pastHarms] = .unknown }, not: { $0[.pastHarms] = "none" }),
    // Trust.
    Case("unaware", { $0[.awareness] = "no" }, not: { $0[.awareness] = "partly" }),
    Case("awareness-unknown", { $0[.awareness] = .unknown }, not: { $0[.awareness] = "no" }),
    Case("no-investment", { $0[.trustInvestment] = "none" }, not: { $0[.trustInvestment] = "one visit" }),
    Case("results-kept", { $0[.resultsReturned] = "no" }, not: { $0[.resultsReturned] = "partly" }),
    Case("relation-ended", { $0[.relation] = "never" }, not: { $0[.relation] = "continues" }),
    Case("trust-open", { $0[.relation] = .unknown }, not: { $0[.relation] = "ended" }),
    // Extraction.
    Case(
      "held-elsewhere-without-benefit",
      {
        $0.moveHolders()
        $0[.benefitsDelivered] = .unknown
      },
      not: { $0.moveHolders() }),
    Case(
      "promise-broken", { $0[.benefitsDelivered] = "no" },
      not: {
        $0[.benefitsDelivered] = "no"
        $0[.benefitsPromised] = "none"
      }),
    Case(
      "benefit-without-evidence", { $0[.benefitsEvidence] = "none" },
      not: {
        $0[.benefitsDelivered] = "no"
        $0[.benefitsEvidence] = "none"
      }),
    Case("nothing-stayed", { $0[.leftPlace] = "moved" }, not: { $0[.leftPlace] = "copies" }),
    Case(
      "money-elsewhere",
      { s in
        s.change("Traders") { $0.receives = [] }
        s.change("Fund of the North") { $0.receives = [.money] }
      }, not: { $0.change("Traders") { $0.receives = [] } }),
    Case(
      "data-for-nothing", { $0.change("Traders") { $0.receives = [] } },
      not: { $0.change("Traders") { $0.receives = nil } }),
    Case(
      "extraction-open", { $0.change("Traders") { $0.receives = nil } },
      not: { $0.change("Traders") { $0.receives = [] } }),
    // Policy.
    Case(
      "consent-unknown", { $0.answers[.consentAsked] = nil },
      not: {
        $0.answers[.consentAsked] = nil
        $0[.subjectsArePeople] = "no"
      }),
    Case("no-consent", { $0[.consentAsked] = "no" }, not: { $0[.consentAsked] = .notApplicable("made-up people") }),
    Case("partial-consent", { $0[.consentAsked] = "partly" }, not: { $0[.consentAsked] = "yes" }),
    Case("purpose-beyond-consent", { $0[.consentScope] = "one purpose" }, not: { $0[.purposeBreadth] = "one purpose" }),
    Case("licence-beyond-consent", { $0[.licenceAllows] = "any use" }, not: { $0[.licenceAllows] = "one purpose" }),
    Case("scope-unknown", { $0[.consentScope] = .unknown }, not: { $0[.consentScope] = "any use" }),
    Case("no-withdrawal", { $0[.withdrawal] = .unknown }, not: { $0[.withdrawal] = "partly" }),
    Case(
      "consent-not-understood", { $0[.consentLanguages] = ["en"] },
      not: { $0[.consentLanguages] = ["en", "LAKE speech"] }),
    Case("terms-of-service", { $0[.consentForm] = "assumed" }, not: { $0[.consentForm] = "written" }),
    Case(
      "group-not-asked", { $0[.groupConsent] = "no" },
      not: {
        $0[.groupConsent] = "no"
        $0[.vulnerable] = "none"
      }),
    Case("law-elsewhere", { $0[.laws] = .unknown }, not: { $0[.laws] = ["an act"] }),
    Case("no-protocol", { $0[.protocols] = "none" }, not: { $0[.protocols] = ["OCAP"] }),
    Case("no-review", { $0[.review] = "none" }, not: { $0[.review] = "a board" }),
    Case("policy-open", { $0[.review] = .unknown }, not: { $0[.review] = "none" }),
    // Context.
    Case("subjects-unknown", { $0[.subjectsArePeople] = .unknown }, not: { $0[.subjectsArePeople] = "indirectly" }),
    Case(
      "unreadable-to-subjects", { $0[.documentationLanguages] = ["fr"] },
      not: { $0[.documentationLanguages] = ["lake speech"] }),
    Case("needs-no-context", { $0[.localKnowledge] = "none" }, not: { $0[.localKnowledge] = "much" }),
    Case("limitless", { $0[.limitations] = "none" }, not: { $0[.limitations] = "not for medicine" }),
    Case("context-open", { $0[.timeframe] = .unknown }, not: { $0[.timeframe] = "2020" }),
    // Infrastructure.
    Case(
      "cost-without-money",
      { s in
        s[.costBearers] = ["traders"]
        for name in ["Traders", "Diarists"] { s.change(name) { $0.receives = [.service] } }
      }, not: { $0[.costBearers] = ["traders"] }),
    Case("out-of-reach", { $0[.localAccess] = "no" }, not: { $0[.localAccess] = "partly" }),
    Case(
      "closed-to-subjects",
      {
        $0[.access] = "closed"
        $0[.localAccess] = "partly"
      }, not: { $0[.access] = "closed" }),
    Case("fees", { $0[.fees] = "all" }, not: { $0[.fees] = "some" }),
    Case(
      "heavy",
      {
        $0[.size] = "1000"
        $0[.localAccess] = .unknown
      },
      not: {
        $0[.size] = "999"
        $0[.localAccess] = "no"
      }),
    Case("costly-formats", { $0[.formats] = ["Stata .dta"] }, not: { $0[.formats] = ["Stata .dta", "CSV"] }),
    Case("infrastructure-open", { $0[.hosting] = .unknown }, not: { $0[.hosting] = "nowhere" }),
    // Incentives.
    Case("collectors-uncredited", { $0[.collectorsCredit] = "no" }, not: { $0[.collectorsCredit] = "named" }),
    Case(
      "collectors-underpaid", { $0[.collectorsPay] = "unpaid" },
      not: { $0[.collectorsPay] = .notApplicable("a machine") }),
    Case("annotators-underpaid", { $0[.annotatorsPay] = "below" }, not: { $0[.annotatorsPay] = "living wage" }),
    Case("overtaken", { $0[.firstUse] = "no" }, not: { $0[.firstUse] = "yes" }),
    Case(
      "labour-for-nothing", { $0.change("Diarists") { $0.receives = [] } },
      not: { $0.change("Diarists") { $0.receives = [.credit] } }),
    Case("nobody-cited", { $0[.citation] = "none" }, not: { $0[.citation] = "A. Trader, 2020" }),
    Case("incentives-open", { $0[.firstUse] = .unknown }, not: { $0[.firstUse] = "no" }),
    // Harm.
    Case("easily-found", { $0[.reidentification] = "easy" }, not: { $0[.reidentification] = "hardly" }),
    Case(
      "can-be-found", { $0[.mitigations] = "none" },
      not: {
        $0[.mitigations] = "none"
        $0[.reidentification] = "hardly"
      }),
    Case(
      "sensitive-without-consent", { $0[.consentAsked] = "partly" },
      not: {
        $0[.consentAsked] = "partly"
        $0[.sensitive] = "none"
      }),
    Case(
      "sensitive-in-the-open", { $0[.access] = "open" },
      not: {
        $0[.access] = "open"
        $0[.sensitive] = "none"
      }),
    Case(
      "vulnerable-unprotected", { $0[.mitigations] = "none" },
      not: {
        $0[.mitigations] = "none"
        $0[.vulnerable] = "none"
      }),
    Case("no-redress", { $0[.redress] = "nobody" }, not: { $0[.redress] = "the office" }),
    Case("no-misuse", { $0[.misuse] = "none" }, not: { $0[.misuse] = "spying" }),
    Case(
      "misuse-allowed", { $0[.licenceAllows] = "any use" },
      not: {
        $0[.licenceAllows] = "any use"
        $0[.misuse] = "none"
      }),
    Case("no-bias", { $0[.biases] = "none" }, not: { $0[.biases] = "to the left" }),
    Case("harm-open", { $0[.redress] = .unknown }, not: { $0[.redress] = "none" }),
  ]

  @Test func everyRuleFiresWhereItShouldAndNotBesideIt() {
    for one in Self.cases {
      var (bad, good) = (DataStatement.marketDiaries, DataStatement.marketDiaries)
      one.fires(&bad)
      one.passes(&good)
      #expect(bad.audit().contains { $0.rule == one.rule }, "\(one.rule) doesn't fire")
      #expect(!good.audit().contains { $0.rule == one.rule }, "\(one.rule) fires beside its case")
    }
  }

  @Test func everyRuleHasACaseAndAName() {
    let ids = Rule.all.map(\.id)
    #expect(Set(ids).count == ids.count)
    #expect(Set(Self.cases.map(\.rule)) == Set(ids))
    #expect(Set(Rule.all.map(\.theme)) == Set(Theme.allCases))
    for rule in Rule.all {
      #expect(!rule.finding.isEmpty && !rule.remedy.isEmpty && rule.question.contains("?"), "\(rule.id)")
    }
  }

  @Test func wellMadeStatementsHaveNoFindings() {
    #expect(DataStatement.marketDiaries.audit().map(\.rule) == [])
    #expect(DataStatement.rainGauges.audit().map(\.rule) == [])
  }

  /// Whatever answer becomes unknown, no finding goes away but those on what was said, and one comes up.
  @Test func unknownNeverCountsAsGood() {
    let empty = DataStatement().audit().map(\.rule)
    for field in StatementField.allCases {
      var statement = DataStatement.marketDiaries
      statement[field] = .unknown
      let rules = statement.audit().map(\.rule)
      #expect(rules.contains("\(field.theme.rawValue)-open"), "\(field.rawValue)")
      statement.answers[field] = nil
      #expect(statement.audit().map(\.rule) == rules, "\(field.rawValue): not asked yet is unknown")
    }
    #expect(Theme.allCases.allSatisfy { empty.contains("\($0.rawValue)-open") || $0 == .extraction })
    #expect(empty.contains("consent-unknown") && empty.contains("subjects-unknown"))
    #expect(DataStatement().measures.total.known == 0)
  }

  @Test func fashionMNISTHasTheExpectedFindings() {
    let findings = FashionMNIST.info.statement.audit()
    #expect(
      findings.map(\.rule) == [
        "knowledge-uncredited", "hidden-hands", "extraction-open", "context-open", "collectors-uncredited",
        "incentives-open",
      ])
    #expect(
      findings.map(\.severity) == [.serious] + Array(repeating: .note, count: 5))
    #expect(
      findings.first { $0.rule == "incentives-open" }?.text
        == "Questions of this theme are open: incentives.pay, incentives.annotators-pay")
    #expect(findings.first { $0.rule == "hidden-hands" }?.text.contains("Photographers of the shop") == true)
    #expect(FashionMNIST.info.statement.measures.total.share >= 0.9)
  }

  /// Everything that can be wrong at once.
  @Test func aBadStatementHasTheExpectedBlockingFindings() {
    var statement = DataStatement.marketDiaries
    statement.answers.merge([
      .awareness: "no", .consentAsked: "no", .consentScope: "one purpose", .licenceAllows: "any use",
      .reidentification: "easy", .subjectsPlace: ["Upper Valley"],
    ]) { $1 }
    let blocking = statement.audit().filter { $0.severity == .blocking }.map(\.rule)
    #expect(
      blocking == [
        "unaware", "no-consent", "purpose-beyond-consent", "licence-beyond-consent", "easily-found",
        "sensitive-without-consent",
      ])
  }

  @Test func theOrderOfStakeholdersChangesNothing() {
    for statement in [DataStatement.marketDiaries, FashionMNIST.info.statement] {
      let (rules, measures) = (statement.audit().map(\.rule), statement.measures)
      var other = statement
      for turn in 1..<statement.stakeholders.count {
        other.stakeholders = Array(statement.stakeholders[turn...] + statement.stakeholders[..<turn])
        #expect(other.audit().map(\.rule) == rules)
        #expect(other.measures == measures)
        other.stakeholders.reverse()
        #expect(other.audit().map(\.rule) == rules)
        #expect(other.measures == measures)
      }
    }
  }
}

@Suite struct StatementMeasureTests {
  private func isClose(_ a: Double?, _ b: Double) -> Bool { a.map { abs($0 - b) < 1e-12 } ?? false }

  @Test func concentrationHasItsClosedForms() {
    for n in [1, 2, 5, 40] {
      let equal = Concentration(Array(repeating: 3, count: n))
      #expect(isClose(equal.gini, 0) && isClose(equal.effectiveNumber, Double(n)))
      let one = Concentration([7] + Array(repeating: 0, count: n - 1))
      #expect(isClose(one.gini, Double(n - 1) / Double(n)) && isClose(one.effectiveNumber, 1))
      // Of 1, 2, …, n it is (n − 1)/(3n).
      let rising = Concentration((1...n).map(Double.init))
      #expect(isClose(rising.gini, Double(n - 1) / Double(3 * n)))
    }
    // Two thirds and one third: exp(H) = 3 / 2^(2/3).
    let uneven = Concentration([2, 1])
    #expect(isClose(uneven.effectiveNumber, 3 / 1.587_401_051_968_199_4) && isClose(uneven.gini, 1.0 / 6))
    for nothing in [[], [0, 0], [-1, 2], [.nan], [.infinity]] as [[Double]] {
      #expect(Concentration(nothing).gini == nil && Concentration(nothing).effectiveNumber == nil)
    }
  }

  @Test func localSharesNeedKnownRegions() {
    #expect(Concentration([1, 3], isLocal: [true, false]).localShare == 0.25)
    #expect(Concentration([1, 3], isLocal: [true, nil]).localShare == nil)
    // Whose share is nothing may be anywhere.
    #expect(Concentration([1, 0], isLocal: [true, nil]).localShare == 1)
    #expect(Concentration([1, 3]).localShare == nil)
  }

  @Test func decisionsAreSharedAndBenefitsCounted() throws {
    let measures = DataStatement.marketDiaries.measures
    // Purpose and publication by two, access and deletion by one: traders 1.5, council 2, university 0.5 of 4.
    #expect(isClose(measures.decisions.localShare, 1))
    let shares = [1.5, 2, 0.5].map { $0 / 4 }
    let expected = Concentration(shares + [0, 0])
    #expect(isClose(measures.decisions.gini, try #require(expected.gini)))
    #expect(isClose(measures.decisions.effectiveNumber, try #require(expected.effectiveNumber)))
    // 3 + 3 + 2 + 2 benefits on the lake, 1 in the north.
    #expect(isClose(measures.benefits.localShare, 10.0 / 11))
    #expect(measures.total.known == measures.total.applicable)
  }

  @Test func completenessLeavesOutWhatDoesNotApply() {
    var statement = DataStatement.marketDiaries
    let all = statement.measures.completeness[.trust]
    #expect(all?.known == 4 && all?.applicable == 4)
    statement[.relation] = .unknown
    statement[.awareness] = .notApplicable("made up")
    let less = statement.measures.completeness[.trust]
    #expect(less?.known == 2 && less?.applicable == 3)
  }

  @Test func flowsGoThroughThoseWhoHold() {
    let graph = FlowGraph(.marketDiaries)
    #expect(graph.holders.map { graph.stakeholders[$0].name } == ["Landing Council"])
    #expect(graph.edges.contains(.init(from: 0, to: 1, what: ["data", "knowledge"], isBenefit: false)))
    #expect(graph.edges.contains(.init(from: 1, to: 0, what: ["money", "service", "knowledge"], isBenefit: true)))
    #expect(graph.edges.allSatisfy { $0.from != $0.to })
    // Where nobody holds, those who decide stand in.
    let other = FlowGraph(
      DataStatement(stakeholders: [
        Stakeholder("a", kind: "", region: nil, roles: [.subject], contributes: [.data]),
        Stakeholder("b", kind: "", region: nil, roles: [.funder], decides: [.purpose]),
      ]))
    #expect(other.holders == [1] && other.edges.count == 1)
  }

  @Test func theDrawingShowsHostileNamesAsText() {
    var statement = DataStatement.marketDiaries
    statement.stakeholders[0].name = "<script>\"&"
    statement.stakeholders[1].isVisible = false
    let svg = FlowGraph(statement).drawing().svg
    #expect(!svg.contains("<script>") && svg.contains("&lt;script&gt;&quot;&amp;"))
    #expect(svg.contains("waterline: readers don&#39;t learn of those below"))
    #expect(svg.hasPrefix("<svg") && svg.hasSuffix("</svg>"))
  }
}

@Suite struct CoverageTests {
  @Test func thisAuditCoversAllThemesAndOthersPart() {
    #expect(Coverage.fullThemes(.pinion) == Theme.ofPaper)
    #expect(Theme.ofPaper.count == 10)
    for instrument in Coverage.Instrument.allCases where instrument != .pinion {
      #expect(Coverage.fullThemes(instrument).count < 10)
      #expect(Theme.ofPaper.contains { Coverage.count($0, instrument).covered > 0 })
    }
    // Each theme has questions and rules behind its row.
    for theme in Theme.ofPaper {
      #expect(StatementField.allCases.contains { $0.theme == theme })
      #expect(Rule.all.count { $0.theme == theme } > 1)
    }
  }
}
