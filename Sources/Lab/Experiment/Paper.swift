/// A paper whose method and headline claim are reproduced.
public struct Paper: Codable, Hashable, Sendable {
  /// Row of the digest, from 1.
  public var number: Int
  /// Name on the command line, such as `tnt`.
  public var name: String
  /// Title of the paper.
  public var title: String
  /// Authors, separated by commas; empty where the digest doesn't name them.
  public var authors: String
  /// arXiv identifier, such as `2103.00112`.
  public var arXiv: String?
  /// Field, such as `images`.
  public var field: String
  /// Headline claim in one sentence.
  public var claim: String
  /// Data that the reproduction uses; empty while there is none.
  public var data: String
  /// Minutes that a reproduction takes on two cores, by scale; empty while there is none.
  public var minutes: [Scale: Double]

  public init(
    number: Int, name: String, title: String, authors: String = "", arXiv: String? = nil, field: String, claim: String,
    data: String = "", minutes: [Scale: Double] = [:]
  ) {
    self.number = number
    self.name = name
    self.title = title
    self.authors = authors
    self.arXiv = arXiv
    self.field = field
    self.claim = claim
    self.data = data
    self.minutes = minutes
  }

  /// Address of the paper's page on arXiv.
  public var url: String? { arXiv.map { "https://arxiv.org/abs/\($0)" } }
}

/// How much of a reproduction is run.
public enum Scale: String, Codable, CaseIterable, CodingKeyRepresentable, Sendable {
  /// At most a minute: does it run, is the direction plausible?
  case quick
  /// At most ten minutes: what a newcomer sees.
  case standard
  /// At most two hours: all seeds, tuned baselines, ablations.
  case full
}
