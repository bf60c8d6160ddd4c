/// Help with names that aren't known.
public enum Spelling {
  /// ` (did you mean …?)` with the candidate closest to a word, or nothing where none is close.
  public static func suggestion(for word: String, among candidates: [String]) -> String {
    let lowered = word.lowercased()
    let scored = candidates.map { candidate in (candidate, distance(lowered, candidate.lowercased())) }
    guard let best = scored.min(by: { $0.1 < $1.1 }), best.1 <= max(1, word.count / 3) else {
      let prefixed = candidates.filter { word.count > 1 && $0.lowercased().hasPrefix(lowered) }
      return prefixed.first.map { " (did you mean \($0)?)" } ?? ""
    }
    return " (did you mean \(best.0)?)"
  }

  /// Insertions, deletions, substitutions and swaps of neighbours between two words.
  static func distance(_ first: String, _ second: String) -> Int {
    let (a, b) = (Array(first), Array(second))
    var before: [Int] = []
    var previous = Array(0...b.count)
    for i in a.indices {
      var row = [i + 1]
      for j in b.indices {
        var best = min(previous[j + 1] + 1, row[j] + 1, previous[j] + (a[i] == b[j] ? 0 : 1))
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, before[j - 1] + 1) }
        row.append(best)
      }
      (before, previous) = (previous, row)
    }
    return previous[b.count]
  }
}
