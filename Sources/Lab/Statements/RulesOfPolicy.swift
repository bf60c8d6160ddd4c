// Rules on extraction, policy and context.

extension Rule {
  static let extraction: [Rule] = [
    Rule(
      "held-elsewhere-without-benefit", .serious,
      "Owner and host are elsewhere than those in the data, and no benefit is known to have come back",
      ask: "What came back to the place where the data arose: money, service, knowledge, capacity, credit?",
      do: "Agree with those in the data on a share, and publish what was delivered.",
      names: { $0.with(.owner, .host).map(\.name) },
      when: { statement in
        statement.concernsPeople && statement.areElsewhere(statement.with(.owner, .host))
          && !statement.says(.benefitsDelivered, "yes", "partly")
      }),
    Rule(
      "promise-broken", .serious, "What was promised hasn't been delivered", ask: "Who promised it, and to whom?",
      do: "Deliver it, or tell them openly that it won't come.",
      when: { $0.has(.benefitsPromised) && $0.says(.benefitsDelivered, "no") }),
    Rule(
      "benefit-without-evidence", .note, "Nothing shows that the benefits arrived",
      ask: "Who on site could confirm it?", do: "Add a link or the name of who says so.",
      when: { $0.says(.benefitsDelivered, "yes", "partly") && $0.lacks(.benefitsEvidence) }),
    Rule(
      "nothing-stayed", .serious, "The data were moved away and nothing stayed",
      ask: "Who on site could keep a copy?", do: "Give a copy back, with what is needed to read it.",
      when: { $0.says(.leftPlace, "moved") }),
    Rule(
      "money-elsewhere", .serious, "Others earn money with it, and those in the data receive nothing",
      ask: "Which share of it would be fair?", do: "Agree on a share, or on service in place of it.",
      names: { $0.earning.map(\.name) },
      when: { statement in
        let subjects = statement.with(.subject)
        return !statement.earning.isEmpty && !subjects.isEmpty && subjects.allSatisfy { $0.receives == [] }
      }),
    Rule(
      "data-for-nothing", .serious, "Data were given and nothing received for it",
      ask: "What would those who gave it call a fair return?", do: "Agree on a return, and say when it has arrived.",
      names: { $0.givingForNothing(.data).filter { $0.roles.contains(.subject) }.map(\.name) },
      when: { $0.givingForNothing(.data).contains { $0.roles.contains(.subject) } }),
  ]

  static let policy: [Rule] = [
    Rule(
      "consent-unknown", .blocking, "The data are about people, and it isn't known whether they consented",
      ask: "Who asked them, when, in which words?",
      do: "Find the form that was used, or ask again; until then don't use or publish the data.",
      when: { $0.concernsPeople && $0.isUnknown(.consentAsked) }),
    Rule(
      "no-consent", .blocking, "The data are about people, and they didn't consent",
      ask: "Can they still be asked?", do: "Ask them, or delete the data.",
      when: { $0.concernsPeople && $0.says(.consentAsked, "no") }),
    Rule(
      "partial-consent", .serious, "Only some of the people consented", ask: "Which records are of the others?",
      do: "Leave out the records of those who weren't asked.",
      when: { $0.concernsPeople && $0.says(.consentAsked, "partly") }),
    Rule(
      "purpose-beyond-consent", .blocking, "The purpose is broader than what people agreed to",
      ask: "Did anyone agree to this use?", do: "Keep to what was agreed, or ask again.",
      when: { $0.isBroader(.purposeBreadth, than: .consentScope) }),
    Rule(
      "licence-beyond-consent", .blocking, "The licence allows more than what people agreed to",
      ask: "Who may give away what wasn't given to them?",
      do: "Narrow the licence to what was agreed, or ask again.",
      when: { $0.isBroader(.licenceAllows, than: .consentScope) }),
    Rule(
      "scope-unknown", .serious, "It isn't known to which use people agreed",
      ask: "What did the form or the speaker say about reuse?", do: "Take it as one purpose until it's known.",
      when: { $0.says(.consentAsked, "yes", "partly") && $0.isUnknown(.consentScope) }),
    Rule(
      "no-withdrawal", .serious, "People have no way to withdraw", ask: "How would one get one's record deleted today?",
      do: "Name an address that deletes on demand, and pass deletions on to who has copies.",
      when: { $0.concernsPeople && $0.lacks(.withdrawal) }),
    Rule(
      "consent-not-understood", .serious, "Consent was asked in no language of those in the data",
      ask: "Who translated, and what did people understand?", do: "Ask again in their language.",
      when: { $0.shareNothing(.consentLanguages, .subjectsLanguages) }),
    Rule(
      "terms-of-service", .serious, "Consent is assumed, or buried in terms of service",
      ask: "Would people be surprised to find themselves here?",
      do: "Ask plainly for this use, and drop who doesn't answer.",
      when: { $0.concernsPeople && $0.says(.consentForm, "terms of service", "assumed") }),
    Rule(
      "group-not-asked", .serious, "Groups at risk are described, and the group wasn't asked",
      ask: "Who may speak for the group?", do: "Ask their body before publication.",
      when: { $0.has(.vulnerable) && $0.lacks(.groupConsent) }),
    Rule(
      "law-elsewhere", .note, "It isn't said which law holds where the data arose",
      ask: "Which act protects those in the data, and who enforces it?",
      do: "Name it, and check the licence against it.",
      when: { $0.concernsPeople && $0.lacks(.laws) }),
    Rule(
      "no-protocol", .note, "No protocol of the community was followed",
      ask: "Do they have rules for sharing knowledge?", do: "Ask for them; the CARE principles are a start.",
      when: { $0.concernsPeople && $0.isNone(.protocols) }),
    Rule(
      "no-review", .note, "Nobody reviewed the collection", ask: "Which board near those in the data could look at it?",
      do: "Have it reviewed before the next release.", when: { $0.concernsPeople && $0.isNone(.review) }),
  ]

  static let context: [Rule] = [
    Rule(
      "subjects-unknown", .blocking, "It isn't known whether the data are about people",
      ask: "Can a record lead to a person?", do: "Find out first; all else depends on it.",
      when: { $0.isUnknown(.subjectsArePeople) }),
    Rule(
      "unreadable-to-subjects", .note, "It's documented in no language of those in the data",
      ask: "Who could translate a page?", do: "Translate the summary at least, and pay for it.",
      when: { $0.shareNothing(.documentationLanguages, .subjectsLanguages) }),
    Rule(
      "needs-no-context", .note, "The data are said to need no knowledge of the place",
      ask: "What would someone from there see at once in it?", do: "Ask someone from there, and write it down.",
      when: { $0.concernsPeople && $0.isNone(.localKnowledge) }),
    Rule(
      "limitless", .note, "The data are said to be fit for everything",
      ask: "For which decision would you not trust it?", do: "Name at least one use for which it isn't fit.",
      when: { $0.isNone(.limitations) }),
  ]
}

extension DataStatement {
  /// Those who receive money other than for their work, and aren't in the data.
  var earning: [Stakeholder] {
    stakeholders.filter { one in
      one.receives?.contains(.money) == true && one.contributes?.contains(.labour) != true
        && !one.roles.contains(.subject)
    }
  }

  /// Whether one answer allows more than another; false where one of them isn't known.
  func isBroader(_ field: StatementField, than other: StatementField) -> Bool {
    func place(_ field: StatementField) -> Int? {
      self[field].values.first.flatMap { Question.breadths.firstIndex(of: $0) }
    }
    guard let wide = place(field), let narrow = place(other) else { return false }
    return wide > narrow
  }

  /// Whether two lists of languages are known and have none in common.
  func shareNothing(_ field: StatementField, _ other: StatementField) -> Bool {
    func words(_ field: StatementField) -> Set<String> { Set(self[field].values.map { $0.lowercased() }) }
    let (a, b) = (words(field), words(other))
    return !a.isEmpty && !b.isEmpty && a.isDisjoint(with: b)
  }
}
