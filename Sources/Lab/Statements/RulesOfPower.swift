// Rules on identity, deficit narrative, power, history and trust.

extension Rule {
  /// Words that tell of a lack; a list of nothing else is the deficit narrative.
  private static let lacks = [
    "lack", "skill", "training", "infrastructure", "capacity", "awareness", "technolog", "bandwidth", "literacy",
    "expertise", "unwilling", "internet", "electricity", "education", "backward",
  ]
  private static let otherBarriers = [
    "trust", "power", "consent", "benefit", "control", "owner", "policy", "law", "histor", "cost", "credit", "fee",
    "licen", "right", "coloni", "extract", "exploit", "funder", "fund", "rule", "decid", "none",
  ]

  static let identity: [Rule] = [
    Rule(
      "no-licence", .serious, "It isn't known under which licence the data come",
      ask: "Who may use this, and who says so?",
      do: "Ask the owner, and don't pass the data on until there is an answer.",
      when: { $0.lacks(.licence) }),
    Rule(
      "no-checksum", .note, "Nothing says which files the statement is about",
      ask: "Which files, with which SHA-256?",
      do: "Register the files: ./pinion data add PATH.",
      when: { statement in statement.files.isEmpty || statement.files.contains { $0.sha256.count != 64 } }),
    Rule(
      "no-keeper", .note, "Nobody maintains the data", ask: "Who mends mistakes and answers questions?",
      do: "Name a keeper, or say in the documentation that there is none.",
      when: { $0.isNone(.maintenance) }),
  ]

  static let deficit: [Rule] = [
    Rule(
      "only-lacks", .note, "Barriers are told only as lacks of those on site",
      ask: "Not \"what do they lack?\" but \"what would make sharing worth it and safe for them, and who holds that?\"",
      do: "Ask those on site, and write down what stands in their way in power, trust, cost and rules.",
      when: { statement in
        guard let text = statement[.barriers].text?.lowercased() else { return false }
        return lacks.contains { text.contains($0) } && !otherBarriers.contains { text.contains($0) }
      }),
    Rule(
      "no-local-knowledge", .note, "People on site are said to have contributed nothing",
      ask: "Who showed the way, named things, explained, translated, kept the instrument running?",
      do: "Ask the collectors whom they relied on, and name them as they wish.",
      when: { $0.concernsPeople && $0.isNone(.localContribution) }),
    Rule(
      "knowledge-uncredited", .serious, "What people on site knew and did isn't credited",
      ask: "How do they want to be named?", do: "Credit them in documentation and citation, and tell them.",
      when: { $0.has(.localContribution) && $0.says(.localCredit, "no") }),
    Rule(
      "knowledge-for-nothing", .serious, "Knowledge was given and nothing received for it",
      ask: "What would those who gave it call a fair return?", do: "Agree on a return, and say when it has arrived.",
      names: { $0.givingForNothing(.knowledge).map(\.name) },
      when: { !$0.givingForNothing(.knowledge).isEmpty }),
  ]

  static let power: [Rule] = [
    Rule(
      "no-stakeholders", .serious, "Nobody is named who has a part in the data",
      ask: "Who is in it, who collected, paid for, owns, hosts and uses it?",
      do: "List them: ./pinion data statement NAME --stakeholders.", when: { $0.stakeholders.isEmpty }),
    Rule(
      "subjects-unlisted", .serious, "The data are about people, and they aren't among the stakeholders",
      ask: "Who are they, and who speaks for them?", do: "List them, with what they decide on and receive.",
      when: { $0.concernsPeople && !$0.stakeholders.isEmpty && $0.with(.subject).isEmpty }),
    Rule(
      "deciders-elsewhere", .serious, "All who decide are elsewhere than those in the data",
      ask: "Which decisions could be made where the data arose?",
      do: "Move a decision, on access or deletion at least, to a body on site.",
      names: { $0.deciders.map(\.name) }, when: { $0.concernsPeople && $0.areElsewhere($0.deciders) }),
    Rule(
      "iceberg", .serious, "Only funders and institutions are visible",
      ask: "Who else had a part: those in the data, field workers, translators, local officials?",
      do: "Make them visible in the documentation, by name where they wish it.",
      names: { $0.stakeholders.filter { !$0.isVisible }.map(\.name) },
      when: { statement in
        let visible = statement.stakeholders.filter(\.isVisible)
        return !visible.isEmpty && visible.allSatisfy { Set($0.roles).isDisjoint(with: [.subject, .collector]) }
          && (statement.concernsPeople || !statement.with(.collector).isEmpty)
      }),
    Rule(
      "hidden-hands", .note, "Some whose labour or data it rests on aren't visible",
      ask: "Do they want to be named?", do: "Say at least that they exist, how many and what they did.",
      names: { $0.hiddenGivers.map(\.name) }, when: { !$0.hiddenGivers.isEmpty }),
    Rule(
      "subjects-decide-nothing", .serious, "Those in the data decide on nothing",
      ask: "On purpose, access, publication, deletion: on which do they want a say?",
      do: "Give them or their body a vote or a veto, and write it down.",
      when: { statement in
        let subjects = statement.with(.subject)
        return statement.concernsPeople && !subjects.isEmpty && subjects.allSatisfy { $0.decides?.isEmpty != false }
      }),
    Rule(
      "one-decides-all", .note, "One stakeholder alone makes all decisions", ask: "Who could check it?",
      do: "Share a decision, or name who can object.",
      names: { $0.soleDecider.map { [$0.name] } ?? [] }, when: { $0.concernsPeople && $0.soleDecider != nil }),
    Rule(
      "funder-publishes", .serious, "A funder decides on publication",
      ask: "Was anything held back or changed on a funder's wish?",
      do: "Have it agreed in writing that results are published whatever they are.",
      names: { s in
        s.deciding(.publication).filter { $0.roles.contains(.funder) && !$0.roles.contains(.owner) }.map(\.name)
      },
      when: { s in
        s.deciding(.publication).contains { $0.roles.contains(.funder) && !$0.roles.contains(.owner) }
      }),
    Rule(
      "no-governance", .serious, "No body of those in the data has a say over it",
      ask: "Which board, council or association would they trust with it?",
      do: "Name such a body and what it may decide, or say that there is none and why.",
      when: { $0.concernsPeople && $0.lacks(.governance) }),
    Rule(
      "no-refusal", .serious, "Nothing shows that those in the data could refuse",
      ask: "What happened to those who said no?", do: "Make a no possible and free of cost, also afterwards.",
      when: { $0.concernsPeople && $0.lacks(.refusal) }),
    Rule(
      "no-purpose", .serious, "The purpose of the collection isn't known",
      ask: "What were people told that it's for?", do: "Find the original purpose, and use the data for nothing else.",
      when: { $0.concernsPeople && $0.lacks(.purpose) }),
  ]

  static let history: [Rule] = [
    Rule(
      "categories-imposed", .serious, "People are put into categories that others made",
      ask: "Which words do they use of themselves, and do they want to be sorted so?",
      do: "Let them choose the words, or leave the categories out.",
      when: { $0.has(.categories) && $0.says(.categoriesBy, "collectors", "authorities") }),
    Rule(
      "categories-of-unknown-origin", .serious, "It isn't known whose categories people are put into",
      ask: "Who made the list, when and for what?", do: "Find its origin before results are told by these categories.",
      when: { $0.has(.categories) && $0.isUnknown(.categoriesBy) }),
    Rule(
      "ethnic-categories", .serious, "People are sorted by descent or faith, and nothing is done against its misuse",
      ask: "What is this category needed for, and what happened where it was used before?",
      do: "Drop the category, or publish it only in sums, and say who may see more.",
      when: { statement in
        let words = ["ethnic", "race", "racial", "tribe", "tribal", "caste", "clan", "religi", "faith", "skin"]
        let text = (statement[.categories].text ?? "").lowercased()
        return words.contains { text.contains($0) } && statement.lacks(.mitigations)
      }),
    Rule(
      "past-harm-unanswered", .serious, "Such data did harm before, and nothing is done against it now",
      ask: "What would have prevented that harm?", do: "Say what is different this time, and who watches over it.",
      when: { $0.has(.pastHarms) && $0.lacks(.mitigations) }),
  ]

  static let trust: [Rule] = [
    Rule(
      "unaware", .blocking, "Those in the data don't know of it", ask: "How can they be told, and by whom?",
      do: "Tell them, and let them object, before the data are used or shared.",
      when: { $0.concernsPeople && $0.says(.awareness, "no") }),
    Rule(
      "awareness-unknown", .serious, "It isn't known whether those in the data know of it",
      ask: "Who spoke with them, and what was said about sharing?",
      do: "Ask the collectors, and write down what people were told.",
      when: { $0.concernsPeople && $0.isUnknown(.awareness) }),
    Rule(
      "no-investment", .serious, "Nothing was done to earn trust",
      ask: "Why should they trust those who hold the data?",
      do: "Plan time and money for visits, answers and help before the next collection.",
      when: { $0.concernsPeople && $0.isNone(.trustInvestment) }),
    Rule(
      "results-kept", .serious, "Results weren't brought back", ask: "What would they like to hear, and how?",
      do: "Bring results back in their language before the next article.",
      when: { $0.concernsPeople && $0.says(.resultsReturned, "no") }),
    Rule(
      "relation-ended", .note, "The relation with those in the data has ended, or never was",
      ask: "Whom would they call today?", do: "Name a person who keeps in touch as long as the data are shared.",
      when: { $0.concernsPeople && $0.says(.relation, "ended", "never") }),
  ]
}

extension DataStatement {
  /// Those who give a thing and are said to receive nothing.
  func givingForNothing(_ contribution: Stakeholder.Contribution) -> [Stakeholder] {
    stakeholders.filter { $0.contributes?.contains(contribution) == true && $0.receives == [] }
  }

  /// Those who give labour or data and can't be seen.
  var hiddenGivers: [Stakeholder] {
    stakeholders.filter { one in
      !one.isVisible && (one.contributes?.contains(.labour) == true || one.contributes?.contains(.data) == true)
    }
  }

  /// Who alone decides on everything, and isn't in the data.
  var soleDecider: Stakeholder? {
    stakeholders.first { one in
      !one.roles.contains(.subject) && Stakeholder.Decision.allCases.allSatisfy { deciding($0) == [one] }
    }
  }
}
