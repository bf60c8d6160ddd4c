/// A short fictional case that shows how a question looks from one side.
///
/// The places and people are made up; they stand for positions, not for any community.
public struct PersonaCard: Sendable {
  /// Where one stands.
  public enum Side: String, Codable, CaseIterable, Sendable { case subject, collector, student, funder, regulator }

  public let side: Side
  /// Who speaks.
  public let name: String
  /// The case, in a few sentences.
  public let story: String
  /// What one of this side says to a theme.
  let views: [Theme: String]

  /// What one of this side says to a theme; nil where the card is silent.
  public func view(of theme: Theme) -> String? { views[theme] }

  /// The cards, one for each side.
  public static let all = [
    PersonaCard(
      side: .subject, name: "Ama, who sells fish at a lake landing",
      story: """
        Young people with tablets came for three mornings and asked what she buys, sells and owes. She answered because \
        a cousin was with them. Two years later a lender knew her name.
        """,
      views: [
        .deficit:
          "They wrote that we keep no books. My books are in my head and on the wall; nobody asked to see the wall.",
        .power: "Nobody asked what I'd want to know from all these answers. I'd have had questions too.",
        .history: "My mother was counted once, and the tax came after.",
        .trust: "I trusted my cousin, not the tablet.",
        .extraction: "They left with my mornings. I have a pen with a logo.",
        .policy: "I signed on glass. Whom do I tell that I've changed my mind?",
        .context: "In the closed season I sell nothing. That was when they came.",
        .infrastructure: "The page with the results doesn't open on my phone.",
        .incentives: "A day at the landing pays. A day of answers doesn't.",
        .harm: "The lender knows what I owe others. Who told him?",
      ]),
    PersonaCard(
      side: .collector, name: "Brou, who leads a team of field workers",
      story: """
        He translated the questions the night before, found the boats, calmed the elders and replaced two tablets from his own \
        pocket. The article thanks "local enumerators".
        """,
      views: [
        .deficit: "The report says that capacity was lacking. We ran the survey; what was lacking was fuel money.",
        .power: "I could see that question nine would hurt. Changing it needed a signature on another continent.",
        .history: "The form had a box for groups that we don't use. I left it empty and was told to fill it.",
        .trust: "I gave my word to the elders. The project ended; my word didn't.",
        .extraction: "The raw files went up every evening. I have none of them.",
        .policy: "The consent text took longer to read than people had.",
        .context: "I know which answers are jokes. Nobody asked me.",
        .infrastructure: "Upload was two hours a night, on my bundle.",
        .incentives: "My name would have let me apply for the next post.",
        .harm: "I left out the man who was hiding. There is no column for that.",
      ]),
    PersonaCard(
      side: .student, name: "Chipo, who writes a thesis with the data",
      story: """
        She found the set on a server far away, under an open licence, without a word on how people were asked. Her supervisor \
        said that open is open.
        """,
      views: [
        .deficit: "The introduction I was told to cite lists what my region lacks. It doesn't list who decides.",
        .power: "To ask for a correction I'd have to register as an institution. I'm a person.",
        .history: "One label is an insult where I come from.",
        .trust: "If I publish this at home, they will ask me who gave permission.",
        .extraction: "The data of my town cost me more to get than it cost others.",
        .policy: "The licence tells me what I may do, not what they agreed to.",
        .context: "Half of the place names are misspelt; I only know because I've been there.",
        .infrastructure: "Eleven gigabytes. I downloaded at the airport.",
        .incentives: "A group with more machines published my question first.",
        .harm: "With two columns I found my aunt.",
      ]),
    PersonaCard(
      side: .funder, name: "Dana, who runs a programme of a foundation",
      story: """
        She needs open data within two years and a number for the board. She has never met anyone of those in the data, and \
        knows it.
        """,
      views: [
        .deficit: "Our call asked for capacity building. Nobody could apply for power.",
        .power: "We wrote open access into the grant. We didn't ask whose decision that was.",
        .history: "Nobody told us that such a register existed before.",
        .trust: "Trust had no line in the budget. It could have one.",
        .extraction: "We can show downloads. We can't show what came back.",
        .policy: "Our template of consent is from our own law.",
        .context: "The board reads one page. What would have to be on it?",
        .infrastructure: "We pay hosting for three years. Then?",
        .incentives: "We count articles. We could count first authors from the place.",
        .harm: "We asked for a risk plan and filed it.",
      ]),
    PersonaCard(
      side: .regulator, name: "Efua, who works in a data protection office",
      story: """
        Her office has four people and an act that is good on paper. She learns of most collections from the newspaper.
        """,
      views: [
        .deficit: "They say that we lack rules. We have an act; nobody read it.",
        .power: "The controller sits where I can't summon anyone.",
        .history: "The last register was abolished by law. Is this one it, under another name?",
        .trust: "People ask me whether it's safe. I'd like to have something to show.",
        .extraction: "Once it has left, my order has no address.",
        .policy: "Consent that can't be withdrawn isn't consent in our act.",
        .context: "Send me the documentation in the language that my office works in.",
        .infrastructure: "I can't inspect what needs a cluster to open.",
        .incentives: "Whoever asked us first lost half a year. Others didn't ask.",
        .harm: "Where do I send the woman who was found by a lender?",
      ]),
  ]
}
