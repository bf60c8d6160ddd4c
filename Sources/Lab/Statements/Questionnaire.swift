/// A statement filled in by questions and answers, one after the other, which can be left and taken up at any point.
///
/// It asks and listens through two functions, so that a terminal, a test or a program can be on the other side.
public struct Questionnaire {
  /// Which questions are asked.
  public enum Scope: Hashable, Sendable {
    /// The ten of the quick start; the rest stays unknown.
    case quick
    case theme(Theme)
    case fields([StatementField])
    case all

    var questions: [Question] {
      switch self {
      case .quick: Question.quick
      case .theme(let theme): Question.all.filter { $0.field.theme == theme }
      case .fields(let fields): fields.map(\.question)
      // What is described comes first: it decides on which questions apply.
      case .all:
        [StatementField.subjects, .subjectsArePeople].map(\.question)
          + Question.all.filter { ![.subjects, .subjectsArePeople].contains($0.field) }
      }
    }
  }

  /// What came of it.
  public struct Result: Hashable, Sendable {
    /// Questions answered now.
    public var answered = 0
    /// Questions of the scope that have no answer yet.
    public var left = 0
    public var wasLeftEarly = false
  }

  private let scope: Scope
  private let width: Int
  private let say: (String) -> Void
  private let listen: () -> String?
  private let save: (DataStatement) throws -> Void

  /// - Parameters:
  ///   - say: shows a text.
  ///   - listen: a line that the person wrote, without its end; nil at the end of input.
  ///   - save: is called after each answer, so that nothing is lost.
  public init(
    _ scope: Scope, width: Int = 80, say: @escaping (String) -> Void, listen: @escaping () -> String?,
    save: @escaping (DataStatement) throws -> Void
  ) {
    self.scope = scope
    self.width = max(40, width)
    self.say = say
    self.listen = listen
    self.save = save
  }

  /// What can be written in place of an answer.
  public static let help = """
    Write an answer, or
      (nothing)      leave the question for later
      unknown        when nobody who was asked knows: an answer too
      n/a: reason    when the question doesn't apply
      ?              how the question looks from five sides
      back           to the question before
      quit           stop here; the same command goes on at the first open question
    """

  /// Asks the questions that have no answer yet; those of `.fields` in any case.
  ///
  /// - Throws: what `save` throws.
  public func run(_ statement: inout DataStatement) throws -> Result {
    var result = Result()
    let isRevision = if case .fields = scope { true } else { false }
    let all = scope.questions
    let open = isRevision ? all : all.filter { statement.answers[$0.field] == nil }
    if !open.isEmpty { say(Self.help) }
    var place = 0
    questions: while place < open.count {
      let question = open[place]
      // An answer before may have set this one aside.
      if !isRevision, let answer = statement.answers[question.field], case .notApplicable = answer.content {
        place += 1
        continue
      }
      say("\n\(place + 1) of \(open.count)  \(question.field.theme.title)\n\(question.text)")
      say(wrapped(question.why, indent: "  "))
      if case .choice(let words) = question.kind { say("  One of: \(words.joined(separator: ", "))") }
      if question.kind == .list { say("  Several with commas between.") }
      if let answer = statement.answers[question.field] { say("  So far: \(answer.inWords)") }
      while true {
        guard let line = listen() else {
          result.wasLeftEarly = true
          break questions
        }
        switch Answer.line(line).lowercased() {
        case "": place += 1
        case "?":
          say(views(of: question.field.theme))
          continue
        case "help":
          say(Self.help)
          continue
        case "back": place = max(0, place - 1)
        case "quit", "exit":
          result.wasLeftEarly = true
          break questions
        default:
          do {
            statement[question.field] = try question.answer(line)
          } catch let problem as UsageError {
            say("  \(problem.description)")
            continue
          }
          if scope != .quick, !askSource(question, &statement) {
            result.wasLeftEarly = true
            try save(statement)
            result.answered += 1
            break questions
          }
          if question.field == .subjectsArePeople, statement.says(.subjectsArePeople, "no") {
            statement.setPeopleAside(because: "the records aren't about people")
          }
          try save(statement)
          result.answered += 1
          place += 1
        }
        break
      }
    }
    result.left = all.count { statement.answers[$0.field] == nil }
    return result
  }

  /// Asks who says so; false at the end of input.
  private func askSource(_ question: Question, _ statement: inout DataStatement) -> Bool {
    guard case .known(let values) = statement[question.field].content else { return true }
    say("  Who says so, or a link? (nothing for none)")
    guard let line = listen() else { return false }
    let source = Answer.line(line)
    guard !source.isEmpty else { return true }
    let isLink = source.hasPrefix("https://") || source.hasPrefix("http://")
    statement[question.field] = .known(
      values, evidence: isLink ? source : nil, saidBy: isLink ? nil : source)
    return true
  }

  private func views(of theme: Theme) -> String {
    PersonaCard.all.compactMap { card in
      card.view(of: theme).map { view in wrapped("\(card.name): \"\(view)\"", indent: "  ") }
    }.joined(separator: "\n")
  }

  private func wrapped(_ text: String, indent: String) -> String {
    var lines = [indent]
    for word in text.split(separator: " ") {
      let last = lines[lines.count - 1]
      if last.count + word.count + 1 > width, last.count > indent.count {
        lines.append(indent + word)
      } else {
        lines[lines.count - 1] = last.count > indent.count ? "\(last) \(word)" : indent + word
      }
    }
    return lines.joined(separator: "\n")
  }

  // MARK: Stakeholders

  /// Asks for stakeholders, one after the other, until a name is left empty.
  ///
  /// - Throws: what `save` throws.
  public func askStakeholders(_ statement: inout DataStatement) throws -> Result {
    var result = Result()
    say("Who has a part in the data? A name, or nothing to end. A name that stands already is asked anew.")
    for one in statement.stakeholders { say("  \(one.name): \(one.inWords)") }
    while true {
      say("\nName")
      guard let line = listen() else {
        result.wasLeftEarly = true
        return result
      }
      let name = Answer.line(line)
      if name.isEmpty || name.lowercased() == "quit" { return result }
      guard let one = askStakeholder(name) else {
        result.wasLeftEarly = true
        return result
      }
      if let place = statement.stakeholders.firstIndex(where: { $0.name == one.name }) {
        statement.stakeholders[place] = one
      } else {
        statement.stakeholders.append(one)
      }
      try save(statement)
      result.answered += 1
    }
  }

  /// nil at the end of input.
  private func askStakeholder(_ name: String) -> Stakeholder? {
    say("What is it (person, community, company, university, …)?")
    guard let kind = listen() else { return nil }
    say("In which region, in your own words? (nothing: unknown)")
    guard let region = listen() else { return nil }
    guard let roles = choose(Stakeholder.Role.self, "Which part has it?"),
      let contributes = choose(Stakeholder.Contribution.self, "What does it give?"),
      let decides = choose(Stakeholder.Decision.self, "On what does it decide?"),
      let receives = choose(Stakeholder.Benefit.self, "What does it receive?")
    else { return nil }
    say("Do readers of the documentation learn of it? yes or no")
    guard let visible = listen() else { return nil }
    return Stakeholder(
      name, kind: kind, region: region, roles: roles ?? [], decides: decides, receives: receives,
      contributes: contributes, isVisible: Answer.line(visible).lowercased() != "no")
  }

  /// Words of an enumeration; an inner nil is unknown, an outer one the end of input.
  private func choose<T: RawRepresentable<String> & CaseIterable>(_ type: T.Type, _ question: String) -> [T]?? {
    let words = T.allCases.map(\.rawValue)
    say("\(question) \(words.joined(separator: ", ")); none; unknown")
    while let line = listen() {
      let text = Answer.line(line).lowercased()
      if text == "unknown" { return .some(nil) }
      if text == "none" { return .some([]) }
      let chosen = text.split { $0 == "," || $0 == " " }.map(String.init)
      if let wrong = chosen.first(where: { !words.contains($0) }) {
        say("  '\(wrong)' isn't one of \(words.joined(separator: ", "))")
        continue
      }
      if chosen.isEmpty {
        say("  expected words of the list, none or unknown")
        continue
      }
      return .some(chosen.compactMap { T(rawValue: $0) })
    }
    return nil
  }
}
