// Rules on infrastructure, incentives and harm.

extension Rule {
  static let infrastructure: [Rule] = [
    Rule(
      "cost-without-money", .serious, "Those on site bear a cost, and none of them receives money",
      ask: "What did it cost them in time, fuel, line and machines?", do: "Pay it back, and plan for it next time.",
      names: { $0.payingThemselves.map(\.name) }, when: { !$0.payingThemselves.isEmpty }),
    Rule(
      "out-of-reach", .serious, "People on site can't use the data",
      ask: "What keeps them: line, size, forms, language?",
      do: "Offer a small version, on a disk or a server near them.", when: { $0.says(.localAccess, "no") }),
    Rule(
      "closed-to-subjects", .serious, "The data are closed, to those in it too",
      ask: "How could one see one's own record?", do: "Open a way for those in the data to see what is held of them.",
      when: { $0.concernsPeople && $0.says(.access, "closed") && !$0.says(.localAccess, "yes") }),
    Rule(
      "fees", .note, "Fees are asked of all", ask: "Who on site could pay this?",
      do: "Waive the fee for those in the data and their institutions.", when: { $0.says(.fees, "all") }),
    Rule(
      "heavy", .note, "The download is large, and it isn't known that people on site can get it",
      ask: "How long does a gigabyte take there, and what does it cost?", do: "Offer parts, or a smaller version.",
      when: { statement in
        (statement[.size].text.flatMap(Double.init) ?? 0) >= 1_000 && !statement.says(.localAccess, "yes")
      }),
    Rule(
      "costly-formats", .note, "All formats need programs that cost money",
      ask: "What do people on site have installed?",
      do: "Offer CSV, PNG or another open format beside it.",
      when: { statement in
        let costly = [".mat", "matlab", ".sav", "spss", ".dta", "stata", ".sas", "xlsx", "excel", "proprietary"]
        let formats = statement[.formats].values.map { $0.lowercased() }
        return !formats.isEmpty && formats.allSatisfy { format in costly.contains { format.contains($0) } }
      }),
  ]

  static let incentives: [Rule] = [
    Rule(
      "collectors-uncredited", .note, "Those who collected the data aren't credited",
      ask: "How do they want to be named?", do: "Name them in documentation and citation.",
      when: { $0.says(.collectorsCredit, "no") }),
    Rule(
      "collectors-underpaid", .serious, "Those who collected the data were paid too little or nothing",
      ask: "What does a day's living cost there?", do: "Pay the difference, and budget for it.",
      when: { $0.says(.collectorsPay, "below", "unpaid") }),
    Rule(
      "annotators-underpaid", .serious, "Those who labelled the data were paid too little or nothing",
      ask: "What did they earn in an hour, and what does living cost there?",
      do: "Pay the difference, and budget for it.",
      when: { $0.says(.annotatorsPay, "below", "unpaid") }),
    Rule(
      "overtaken", .note, "The collectors had no time to publish first",
      ask: "What would they have written about it?", do: "Grant a span of first use, or write together.",
      when: { $0.says(.firstUse, "no") }),
    Rule(
      "labour-for-nothing", .serious, "Labour was given and nothing received for it",
      ask: "What would those who gave it call a fair return?", do: "Pay it, and credit it.",
      names: { $0.givingForNothing(.labour).map(\.name) }, when: { !$0.givingForNothing(.labour).isEmpty }),
    Rule(
      "nobody-cited", .note, "There is no way to cite those who made it", ask: "Which names, in which order?",
      do: "Publish a reference that names all of them.", when: { $0.isNone(.citation) }),
  ]

  static let harm: [Rule] = [
    Rule(
      "easily-found", .blocking, "People are easily found in the data", ask: "Who would look for whom?",
      do: "Coarsen place, time and rare traits, or give access on request only.",
      when: { $0.concernsPeople && $0.says(.reidentification, "easy") }),
    Rule(
      "can-be-found", .serious, "People can be found in the data, and nothing is done against it",
      ask: "Which few facts together point to one person?", do: "Measure it, coarsen what points, and say so.",
      when: { $0.concernsPeople && $0.says(.reidentification, "possible") && $0.lacks(.mitigations) }),
    Rule(
      "sensitive-without-consent", .blocking, "Sensitive facts are held of people who weren't all asked",
      ask: "Which law allows it, and would they?", do: "Take the facts out, or ask.",
      when: { $0.concernsPeople && $0.has(.sensitive) && !$0.says(.consentAsked, "yes") }),
    Rule(
      "sensitive-in-the-open", .serious, "Sensitive facts are open to all",
      ask: "Who needs them, and for what?", do: "Give them on request only, with a promise that can be enforced.",
      when: { $0.has(.sensitive) && $0.says(.access, "open") }),
    Rule(
      "vulnerable-unprotected", .serious, "Groups at risk are in it, and nothing is done to protect them",
      ask: "What do they fear?", do: "Ask them, and do what they name first.",
      when: { $0.has(.vulnerable) && $0.lacks(.mitigations) }),
    Rule(
      "no-redress", .serious, "Someone who was harmed can't turn to anyone", ask: "Who would pick up the phone?",
      do: "Name a person or office on site that answers, and may delete.",
      when: { $0.concernsPeople && $0.lacks(.redress) }),
    Rule(
      "no-misuse", .note, "The data are said to be beyond misuse", ask: "What would a hostile reader do with it?",
      do: "Think it through with someone who was on the other side of such data.",
      when: { $0.concernsPeople && $0.isNone(.misuse) }),
    Rule(
      "misuse-allowed", .serious, "A misuse is known, and the licence allows any use",
      ask: "Could the licence or the access keep it out?", do: "Narrow the licence or ask who comes.",
      when: { $0.concernsPeople && $0.has(.misuse) && $0.says(.licenceAllows, "any use") }),
    Rule(
      "no-bias", .note, "The data are said to be without bias", ask: "Who was easy to reach, and who wasn't?",
      do: "Compare with a count from elsewhere, and write down the difference.", when: { $0.isNone(.biases) }),
  ]
}

extension DataStatement {
  /// Those on site who bear the cost, where none on site receives money.
  var payingThemselves: [Stakeholder] {
    let bearers = Set(self[.costBearers].values.map { $0.lowercased() })
    let local = stakeholders.filter { isLocal($0) == true || $0.roles.contains(.subject) }
    guard !local.contains(where: { $0.receives?.contains(.money) == true || $0.roles.contains(.funder) }) else {
      return []
    }
    return local.filter { bearers.contains($0.name.lowercased()) && !$0.roles.contains(.owner) }
  }
}
