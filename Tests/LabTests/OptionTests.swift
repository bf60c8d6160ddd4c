import Testing

@testable import Lab

@Suite struct OptionTests {
  typealias Options = Counting.Options

  @Test func defaultsComeFromTheScale() throws {
    #expect(try Options.parse([], scale: .quick).steps == 4)
    #expect(try Options.parse([], scale: .full).steps == 10)
  }

  @Test func valuesOfEveryKindAreRead() throws {
    let settings = ["steps=7", "rate=2e-3", "shuffled=yes", "order=backward", "label=a=b", "sizes=3,4,5", "limit=9"]
    let options = try Options.parse(settings, scale: .standard)
    #expect(options.steps == 7)
    #expect(options.rate == 2e-3)
    #expect(options.shuffled)
    #expect(options.order == .backward)
    #expect(options.label == "a=b")
    #expect(options.sizes == [3, 4, 5])
    #expect(options.limit == 9)
    #expect(try Options.parse(["limit=9", "limit=none"], scale: .standard).limit == nil)
    #expect(try Options.parse(["sizes="], scale: .standard).sizes.isEmpty)
    #expect(try Options.parse(["rate=3"], scale: .standard).rate == 3)
  }

  @Test(arguments: [
    ("stepz=3", "--set stepz: no such option (did you mean steps?)"),
    (
      "colour=3",
      "--set colour: no such option; options are steps, rate, shuffled, order, label, sizes, limit"
    ),
    ("steps", "--set steps: expected key=value"),
    ("steps=many", "--set steps=many: expected a whole number, such as 10"),
    ("steps=1.5", "--set steps=1.5: expected a whole number, such as 10"),
    ("steps=99999999999999999999", "--set steps=99999999999999999999: expected a whole number, such as 10"),
    ("rate=inf", "--set rate=inf: expected a number, such as 0.5"),
    ("shuffled=maybe", "--set shuffled=maybe: expected true or false, such as false"),
    ("order=up", "--set order=up: expected one of forward, backward, such as forward"),
    ("sizes=1,x", "--set sizes=1,x: expected values with commas between, each a whole number, such as 1,2"),
    ("limit=few", "--set limit=few: expected a whole number, or none, such as none"),
    ("steps=0", "--set steps=0: expected at least 1"),
  ])
  func wrongSettingsGetOneClearLine(setting: String, expected: String) {
    #expect(message { _ = try Options.parse([setting], scale: .standard) } == expected)
  }

  @Test func optionsAreListedInOrderWithDefaultsByScale() throws {
    let descriptions = try Options.descriptions
    #expect(descriptions.map(\.name) == ["steps", "rate", "shuffled", "order", "label", "sizes", "limit"])
    #expect(descriptions[0].help == "numbers to add up")
    #expect(descriptions[0].defaults == [.quick: 4, .standard: 10, .full: 10])
    #expect(descriptions[6].defaults[.quick] == .null)
    #expect(descriptions[3].kind == "one of forward, backward")
  }

  @Test func recordedOptionsAreReadBack() throws {
    let options = try Options.parse(["rate=0.1", "order=backward", "limit=3"], scale: .full)
    let again = try Options.decode(options.jsonFields())
    #expect(try again.jsonFields() == options.jsonFields())
    #expect(message { _ = try Options.decode(["steps": "x"]) }?.hasPrefix("options: ") == true)
  }

  @Test func suggestionsAreCloseOrAbsent() {
    #expect(Spelling.suggestion(for: "tnn", among: ["tnt", "pmp"]) == " (did you mean tnt?)")
    #expect(Spelling.suggestion(for: "data", among: ["data-sharing", "pmp"]) == " (did you mean data-sharing?)")
    #expect(Spelling.suggestion(for: "zebra", among: ["tnt", "pmp"]).isEmpty)
    #expect(Spelling.distance("abcd", "abdc") == 1)
    #expect(Spelling.distance("kitten", "sitting") == 3)
    #expect(Spelling.distance("", "abc") == 3)
  }
}
