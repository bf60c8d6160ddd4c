import Formats
import Foundation
import Testing

@testable import Lab

@Suite struct StatementFormatTests {
  private func markdown(_ text: String) throws -> DataStatement { try DataStatement(markdown: text, file: "s.md") }
  private func json(_ text: String) throws -> DataStatement {
    try DataStatement(croissant: Array(text.utf8), file: "s.json")
  }

  private static let all = [
    DataStatement.marketDiaries, .rainGauges, FashionMNIST.info.statement, DataStatement(name: "empty"),
  ]

  @Test func jsonAndMarkdownLoseNothing() throws {
    for statement in Self.all {
      #expect(try json(statement.croissant) == statement)
      #expect(try markdown(statement.markdown) == statement)
      #expect(try json(markdown(statement.markdown).croissant).croissant == statement.croissant)
    }
  }

  /// Answers out of what marks mean something in Markdown, JSON and HTML.
  @Test func randomAnswersSurviveBothForms() throws {
    var random = RandomStream(state: 11)
    let parts = [
      "#", "## ", "### `a`", ">", "> evidence: ", "- ", "* ", "*unknown*", "*not applicable*: ", "|", "\\", "\\|", "`",
      "<b>", "\n",
      "\n\n", " ", "\t", "é", "\u{301}", "\u{1F600}", "\"", "{", "unknown", "n/a", "---", "word", ",", "\r\n", "\u{7}",
      "\u{2028}",
    ]
    func text() -> String { (0..<(1 + random.below(8))).map { _ in parts[random.below(parts.count)] }.joined() }
    for _ in 0..<60 {
      var statement = DataStatement(name: "random")
      for field in StatementField.allCases {
        switch field.question.kind {
        case .text: statement[field] = .known(text(), evidence: text(), saidBy: text())
        case .list: statement[field] = try field.question.checked(.known([text(), text(), text()], saidBy: text()))
        case .choice(let words): statement[field] = .known(words[random.below(words.count)])
        case .number: statement[field] = random.below(2) == 0 ? .known("12") : .notApplicable(text(), evidence: text())
        }
      }
      for _ in 0..<3 {
        statement.stakeholders.append(
          Stakeholder(
            "x" + text(), kind: text(), region: text(), roles: [.host], decides: random.below(2) == 0 ? nil : [.access],
            receives: [], isVisible: random.below(2) == 0))
      }
      statement.changes = [.init(date: "2026-01-01", by: text(), what: text())]
      #expect(try json(statement.croissant) == statement)
      #expect(try markdown(statement.markdown) == statement)
    }
  }

  @Test func croissantTermsAreUsedWhereThereAreAny() throws {
    let object = try #require(
      JSONSerialization.jsonObject(with: Data(DataStatement.marketDiaries.croissant.utf8)) as? [String: Any])
    #expect(object["@type"] as? String == "sc:Dataset")
    #expect(
      object["conformsTo"] as? [String] == [
        "http://mlcommons.org/croissant/1.0", "http://mlcommons.org/croissant/RAI/1.0",
      ])
    #expect(object["license"] as? String == "research licence of the Landing Council, version 2")
    #expect((object["rai:dataLimitations"] as? String)?.hasPrefix("Not fit") == true)
    #expect(object["pinion:policy.consent"] as? String == "yes")
    #expect(object["identity.licence"] == nil && object["pinion:identity.licence"] == nil)
    let files = try #require(object["distribution"] as? [[String: Any]])
    #expect(files[0]["sha256"] as? String == String(repeating: "1", count: 64))
    // No two questions share a term, and each has a way to be asked.
    let terms = Question.all.map { $0.term ?? $0.field.rawValue }
    #expect(Set(terms).count == StatementField.allCases.count)
    #expect(Question.all.map(\.field).sorted() == StatementField.allCases)
    #expect(Question.quick.count == 10)
    for question in Question.all {
      #expect(question.text.hasSuffix("?") && question.why.count { $0 == "." } >= 2, "\(question.field.rawValue)")
      #expect(question.field.rawValue.hasPrefix(question.field.theme.rawValue + "."))
    }
  }

  @Test func othersDescriptionsLeaveOpenWhatTheyDoNotSay() throws {
    let statement = try json(
      """
      {"@type": "sc:Dataset", "name": "theirs", "description": ["One.", "Two."], "license": {"@id": "CC0-1.0"},
       "creator": [{"name": "A. Author"}, {"name": "B. Author"}], "publisher": {"name": "A. Author"},
       "rai:dataBiases": "to the left", "recordSet": [], "size": 3,
       "distribution": [{"@type": "cr:FileObject", "@id": "a.csv", "contentUrl": "https://x/a.csv", "contentSize": "12 B",
         "sha256": "AB"}, {"@type": "cr:FileSet"}]}
      """)
    #expect(statement[.description].text == "One.; Two." && statement[.licence].text == "CC0-1.0")
    #expect(statement[.biases].text == "to the left" && statement[.consentAsked].content == .unknown)
    #expect(statement.stakeholders.map(\.name) == ["A. Author", "B. Author"])
    #expect(statement.stakeholders[0].roles == [.collector, .host] && statement.stakeholders[0].receives == nil)
    #expect(statement.files == [.init("a.csv", byteCount: 12, sha256: "ab", url: "https://x/a.csv")])
    #expect(statement.audit().contains { $0.rule == "consent-unknown" })
  }

  @Test(arguments: [
    ("", "JSON at byte 0: the text ends too early"), ("[]", "expected an object"), ("{}", "name is missing"),
    (#"{"name": 3}"#, "name: expected text in quotes"),
    (#"{"name": "a", "pinion:policy.consent": "perhaps"}"#, "policy.consent: 'perhaps' isn't one of yes, partly, no"),
    (
      #"{"name": "a", "pinion:policy.consnt": "yes"}"#,
      "pinion:policy.consnt: no such question (did you mean policy.consent?)"
    ),
    (#"{"name": "a", "pinion:context.number": "many"}"#, "context.number: 'many' isn't a number"),
    (
      #"{"name": "a", "pinion:notApplicable": {"harm.misuse": " "}}"#,
      "harm.misuse: is said not to apply, without a reason"
    ),
    (#"{"name": "a", "pinion:notApplicable": {"harm.misuse": 1}}"#, "harm.misuse: expected text in quotes"),
    (
      #"{"name": "a", "pinion:unknown": ["policy.consent"], "pinion:policy.consent": "yes"}"#,
      "policy.consent: is answered twice"
    ),
    (
      #"{"name": "a", "pinion:stakeholders": [{"name": "b", "roles": ["king"]}]}"#,
      "stakeholder 1: roles: 'king' isn't one of"
    ),
    (#"{"name": "a", "pinion:stakeholders": [{"roles": []}]}"#, "stakeholder 1: has no name"),
    (#"{"name": "a", "pinion:stakeholders": [{"name": "b"}]}"#, "stakeholder 1: its roles can't be unknown"),
    (#"{"name": "a", "pinion:stakeholders": {}}"#, "pinion:stakeholders: expected a list"),
    (#"{"name": "a", "name": "b"}"#, "'name' stands twice"),
  ])
  func badJSONGetsOneLine(text: String, expected: String) {
    let line = dataMessage { _ = try json(text) }
    #expect(line.hasPrefix("s.json: ") && line.contains(expected), "\(line)")
  }

  @Test(arguments: [
    ("", "expected a first line '# Data statement: NAME'"),
    (
      "# Data statement: a\n### Q `policy.consent`\n\n*not applicable*: \n",
      "policy.consent: is said not to apply, without a reason"
    ),
    ("# Data statement: a\n### Q `policy.consent`\nperhaps", "'perhaps' isn't one of"),
    ("# Data statement: a\n### Q", "line 2: expected the question's name in back quotes at the end"),
    ("# Data statement: a\n### Q `x`", "line 2: no question is named x"),
    ("# Data statement: a\n### Q `policy.consent`\nyes\n### Q `policy.consent`\nno", "is answered twice"),
    ("# Data statement: a\n## Stakeholders\n| a |\n| - |\n", "line 3: expected the columns name, kind, region"),
  ])
  func badMarkdownGetsOneLine(text: String, expected: String) {
    let line = dataMessage { _ = try markdown(text) }
    #expect(line.hasPrefix("s.md: ") && line.contains(expected), "\(line)")
  }

  /// Cut anywhere, or with bytes changed anywhere, a file is read or refused with one line; never anything else.
  @Test func truncatedAndDamagedFilesAreRefused() throws {
    let bytes = Array(DataStatement.marketDiaries.croissant.utf8)
    let text = Array(DataStatement.marketDiaries.markdown.utf8)
    var random = RandomStream(state: 5)
    for _ in 0..<120 {
      let cut = Array(bytes[..<random.below(bytes.count - 2)])
      #expect(throws: FormatError.self) { try DataStatement(croissant: cut, file: "cut") }
      var damaged = bytes
      for _ in 0..<3 { damaged[random.below(damaged.count)] = UInt8(random.below(256)) }
      do { _ = try DataStatement(croissant: damaged, file: "damaged") } catch { #expect(error is FormatError) }
      var other = text
      for _ in 0..<3 { other[random.below(other.count)] = UInt8(random.below(256)) }
      do { _ = try markdown(String(decoding: other, as: UTF8.self)) } catch { #expect(error is FormatError) }
    }
    let deep = "{\"name\": \"a\", \"x\": " + String(repeating: "[", count: 5_000)
    #expect(dataMessage { _ = try json(deep) }.contains("more than 32 levels"))
    let many =
      #"{"name": "a", "pinion:stakeholders": ["# + Array(repeating: "{}", count: 1_001).joined(separator: ",") + "]}"
    #expect(dataMessage { _ = try json(many) }.contains("has 1001 entries, at most 1000 are read"))
    #expect(
      dataMessage { _ = try DataStatement(croissant: [UInt8](repeating: 32, count: 5 << 20), file: "x") }.contains(
        "at most 4 MB"))
  }

  @Test func answersAreWrittenAsPeopleWriteThem() throws {
    let consent = StatementField.consentAsked.question
    #expect(try consent.answer(" YES ") == "yes")
    #expect(try consent.answer("unknown").content == .unknown)
    #expect(try consent.answer("n/a: no people").content == .notApplicable("no people"))
    #expect(try consent.answer("Not applicable, no people").content == .notApplicable("no people"))
    #expect(dataMessage { _ = try consent.answer("n/a") }.contains("n/a needs a reason"))
    #expect(dataMessage { _ = try consent.answer("maybe") }.contains("'maybe' isn't one of yes, partly, no, unknown"))
    #expect(try StatementField.laws.question.answer("act one, act two").values == ["act one", "act two"])
    #expect(dataMessage { _ = try StatementField.size.question.answer("-3") }.contains("isn't a number"))
    #expect(Answer.known("  ").content == .unknown && Answer.notApplicable(" ").content == .unknown)
    #expect(Answer.known("a\u{1B}[31m\r\nb").text == "a [31m\nb")
  }

  @Test func diffTellsWhatChangedAndWhatItSettled() {
    let before = DataStatement.marketDiaries
    var after = before
    after[.consentAsked] = .unknown
    after.answers[.laws] = nil
    after.stakeholders[4].receives = nil
    after.files[0] = .init("diaries.csv", byteCount: 1, sha256: String(repeating: "3", count: 64))
    let diff = StatementDiff(before, after)
    #expect(
      diff.entries.map(\.what) == [
        "policy.consent", "policy.laws", "stakeholder Fund of the North", "file diaries.csv",
      ])
    #expect(diff.entries[0].before == "yes" && diff.entries[0].after == "unknown")
    #expect(diff.entries[1].after == nil)
    #expect(diff.newFindings.map(\.rule).contains("consent-unknown") && diff.settledFindings.isEmpty)
    let back = StatementDiff(after, before)
    #expect(back.settledFindings == diff.newFindings && back.newFindings.isEmpty)
    #expect(StatementDiff(before, before).isEmpty)
  }
}

@Suite struct QuestionnaireTests {
  /// Answers questions with lines.
  private func run(
    _ scope: Questionnaire.Scope, _ lines: [String], _ statement: inout DataStatement, stakeholders: Bool = false
  ) throws -> (result: Questionnaire.Result, said: String, saved: [DataStatement]) {
    var (left, said, saved) = (lines[...], "", [DataStatement]())
    let questionnaire = Questionnaire(
      scope, say: { said += $0 + "\n" }, listen: { left.popFirst() }, save: { saved.append($0) })
    let result = try stakeholders ? questionnaire.askStakeholders(&statement) : questionnaire.run(&statement)
    return (result, said, saved)
  }

  @Test func tenQuestionsFillTheQuickStart() throws {
    var statement = DataStatement(name: "cats")
    let (result, said, saved) = try run(
      .quick,
      ["pictures of cats", "no", "Home", "MIT", "to tell cats apart", "write to me"], &statement)
    // People were set aside, so four of the ten aren't asked.
    #expect(result == .init(answered: 6, left: 0, wasLeftEarly: false))
    #expect(saved.count == 6 && saved.last == statement)
    #expect(statement[.consentAsked].content == .notApplicable("the records aren't about people"))
    #expect(said.contains("1 of 10") && said.contains("One of: yes, indirectly, no"))
  }

  @Test func itCanBeLeftAndTakenUp() throws {
    var statement = DataStatement(name: "cats")
    let first = try run(.quick, ["cats", "quit"], &statement)
    #expect(first.result == .init(answered: 1, left: 9, wasLeftEarly: true))
    let second = try run(.quick, ["perhaps", "?", "yes", "", "back", "back", "unknown"], &statement)
    #expect(second.said.contains("'perhaps' isn't one of yes, indirectly, no"))
    #expect(second.said.contains("Ama, who sells fish"))
    #expect(second.result.wasLeftEarly && !second.said.contains("Who or what is described?"))
    #expect(statement[.subjectsArePeople].content == .unknown, "asked again by 'back'")
    #expect(statement.answers[.subjectsPlace] == nil, "left for later")
  }

  @Test func sourcesAreAsked() throws {
    var statement = DataStatement(name: "cats")
    _ = try run(
      .fields([.licence, .doi, .purpose]), ["MIT", "https://x.org", "none", "the owner", "unknown"], &statement)
    #expect(statement[.licence] == .known("MIT", evidence: "https://x.org"))
    #expect(statement[.doi] == .known("none", saidBy: "the owner"))
    #expect(statement.answers[.purpose] == .unknown)
  }

  @Test func stakeholdersAreAsked() throws {
    var statement = DataStatement(name: "cats")
    let lines = [
      "Cat keepers", "people", "Home", "subjects", "subject, collector", "data", "none", "unknown", "no", "",
    ]
    let (result, said, _) = try run(.all, lines, &statement, stakeholders: true)
    #expect(result.answered == 1 && !result.wasLeftEarly)
    #expect(said.contains("'subjects' isn't one of subject, collector"))
    #expect(
      statement.stakeholders == [
        Stakeholder(
          "Cat keepers", kind: "people", region: "Home", roles: [.subject, .collector], decides: [], receives: nil,
          contributes: [.data], isVisible: false)
      ])
    let broken = try run(.all, ["Other", "people"], &statement, stakeholders: true)
    #expect(broken.result.wasLeftEarly && statement.stakeholders.count == 1)
  }

  @Test func cardsSpeakToEveryThemeFromEverySide() {
    #expect(Set(PersonaCard.all.map(\.side)) == Set(PersonaCard.Side.allCases))
    for card in PersonaCard.all {
      for theme in Theme.ofPaper { #expect(card.view(of: theme) != nil, "\(card.name), \(theme)") }
    }
  }
}
