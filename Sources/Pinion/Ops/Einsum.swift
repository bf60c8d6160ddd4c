/// A parsed Einstein summation: letters of each operand's axes, and of the result's.
private struct EinsumPlan {
  var inputs: [[Character]]
  var output: [Character]

  /// Letters for the axes of an ellipsis, leftmost last; they can't be typed by accident.
  static func broadcastLetter(_ fromRight: Int) -> Character {
    Character(UnicodeScalar(UInt32(0x2460 + fromRight)) ?? "…")
  }

  /// Reads `"ij,jk->ik"`; the ellipsis takes the axes that the letters leave.
  init(_ pattern: String, ranks: [Int]) throws {
    func bad(_ message: String) -> TensorError { TensorError.value("einsum", "\"\(pattern)\": \(message)") }
    let text = pattern.filter { !$0.isWhitespace }
    let sides = text.split(separator: "->", omittingEmptySubsequences: false).map(String.init)
    guard sides.count <= 2 else { throw bad("more than one ->") }
    let terms = sides[0].split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    guard terms.count == ranks.count else { throw bad("\(terms.count) terms for \(ranks.count) tensors") }
    func letters(_ term: String, _ ellipsis: [Character], _ what: String) throws -> [Character] {
      let parts = term.split(separator: "...", omittingEmptySubsequences: false)
      guard parts.count <= 2 else { throw bad("more than one ellipsis in \(what) \"\(term)\"") }
      for letter in parts.joined() where !(letter.isASCII && letter.isLetter) {
        throw bad("'\(letter)' in \(what) \"\(term)\" isn't a letter")
      }
      return parts.count == 1 ? Array(term) : Array(parts[0]) + ellipsis + Array(parts[1])
    }
    inputs = []
    var widest = 0
    for (i, term) in terms.enumerated() {
      let named = try letters(term, [], "term \(i)").count
      let open = term.contains("...") ? ranks[i] - named : 0
      guard open >= 0, named + open == ranks[i] else {
        throw bad("term \(i) \"\(term)\" names \(named) axes, tensor \(i) has \(ranks[i])")
      }
      widest = Swift.max(widest, open)
      inputs.append(try letters(term, (0..<open).reversed().map(EinsumPlan.broadcastLetter), "term \(i)"))
    }
    let broadcast = (0..<widest).reversed().map(EinsumPlan.broadcastLetter)
    let all = inputs.joined()
    if sides.count == 2 {
      output = try letters(sides[1], broadcast, "the result")
      guard sides[1].contains("...") || widest == 0 else { throw bad("the result has no ellipsis, its terms have") }
      for (i, letter) in output.enumerated() {
        guard all.contains(letter) else { throw bad("letter '\(letter)' of the result isn't in any term") }
        guard !output[..<i].contains(letter) else { throw bad("letter '\(letter)' comes twice in the result") }
      }
    } else {
      let once = Set(all).filter { letter in letter.isASCII && all.filter { $0 == letter }.count == 1 }
      output = broadcast + once.sorted()
    }
  }
}

/// A tensor with a letter for each axis.
private struct Lettered {
  var tensor: Tensor
  var letters: [Character]

  func size(_ letter: Character) -> Int { letters.firstIndex(of: letter).map { tensor.shape[$0] } ?? 1 }

  var count: Double { tensor.shape.reduce(1) { $0 * Double($1) } }

  /// The diagonal over axes with one letter.
  mutating func takeDiagonals() {
    while let (i, j) = repeated() {
      let n = tensor.shape[i]
      let order = [i, j] + letters.indices.filter { $0 != i && $0 != j }
      let rest = order.dropFirst(2).map { tensor.shape[$0] }
      // Every (n+1)-st of the n·n pairs is on the diagonal.
      let pairs = tensor.transpose(order).reshape([n * n] + rest)
      tensor = n == 0 ? pairs : pairs.slice(axis: 0, step: n + 1)
      letters = [letters[i]] + order.dropFirst(2).map { letters[$0] }
    }
  }

  private func repeated() -> (Int, Int)? {
    for (j, letter) in letters.enumerated() {
      if let i = letters[..<j].firstIndex(of: letter) { return (i, j) }
    }
    return nil
  }

  /// Sums over the letters that nothing else has.
  mutating func sum(except kept: Set<Character>) {
    let axes = letters.indices.filter { !kept.contains(letters[$0]) }
    guard !axes.isEmpty else { return }
    tensor = tensor.sum(axes: axes)
    letters = letters.indices.filter { !axes.contains($0) }.map { letters[$0] }
  }

  /// Axes in the order of `wanted`; those that are missing come in with size 1.
  func aligned(to wanted: [Character]) -> Tensor {
    let present = wanted.compactMap(letters.firstIndex)
    return tensor.transpose(present).reshape(wanted.map(size))
  }

  /// The product of two, summed over the letters that aren't in `kept`.
  static func product(_ a: Lettered, _ b: Lettered, keeping kept: Set<Character>) -> Lettered {
    let shared = a.letters.filter(b.letters.contains)
    let batch = shared.filter(kept.contains)
    let summed = shared.filter { !kept.contains($0) }
    let free = (a.letters + b.letters).filter { !shared.contains($0) }
    if summed.isEmpty {
      let letters = batch + free
      return Lettered(tensor: a.aligned(to: letters) * b.aligned(to: letters), letters: letters)
    }
    func places(_ x: Lettered, _ list: [Character]) -> [Int] { list.compactMap(x.letters.firstIndex) }
    let tensor = dotGeneral(
      a.tensor, b.tensor, batch: (places(a, batch), places(b, batch)), contract: (places(a, summed), places(b, summed)))
    return Lettered(tensor: tensor, letters: batch + free)
  }
}

/// Sum of products over the letters of axes, by Einstein's convention: `einsum("bij,bjk->bik", a, b)`.
///
/// A letter stands for one size wherever it appears; a letter twice in a term takes the diagonal; letters that the
/// result lacks are summed over. Without `->` the result has the letters that appear once, in alphabetical order.
/// `...` stands for any axes, which broadcast. Three or more tensors are multiplied in pairs, cheapest first.
///
/// - Returns: a tensor with the axes of the result; failed with the letter that doesn't fit.
public func einsum(_ pattern: String, _ tensors: Tensor...) -> Tensor { einsum(pattern, tensors) }

/// Sum of products over the letters of axes, by Einstein's convention, of a list of tensors.
public func einsum(_ pattern: String, _ tensors: [Tensor]) -> Tensor {
  failing("einsum") {
    for tensor in tensors { if let failure = tensor.failure { throw failure } }
    guard let first = tensors.first else { throw TensorError.value("einsum", "needs at least one tensor") }
    if let other = tensors.first(where: { $0.dtype != first.dtype }) {
      throw TensorError.dtype("einsum", "tensors are \(first.dtype) and \(other.dtype); convert one with cast(_:)")
    }
    let plan = try EinsumPlan(pattern, ranks: tensors.map(\.rank))
    var sizes: [Character: (size: Int, term: Int)] = [:]
    for (i, letters) in plan.inputs.enumerated() {
      for (letter, size) in zip(letters, tensors[i].shape) {
        guard let known = sizes[letter] else {
          sizes[letter] = (size, i)
          continue
        }
        if known.size == size || !letter.isASCII && size == 1 { continue }
        guard !letter.isASCII, known.size == 1 else {
          let what = letter.isASCII ? "letter '\(letter)'" : "an axis of the ellipsis"
          throw TensorError.shape(
            "einsum",
            "\"\(pattern)\": \(what) is \(known.size) in tensor \(known.term) and \(size) in tensor \(i): \(tensors.map(\.shape))"
          )
        }
        sizes[letter] = (size, i)
      }
    }
    var terms = zip(tensors, plan.inputs).map { tensor, letters in
      // Axes of size 1 that broadcast drop out; another term has the letter.
      let kept = letters.indices.filter { tensor.shape[$0] == sizes[letters[$0]]?.size }
      return Lettered(tensor: tensor.reshape(kept.map { tensor.shape[$0] }), letters: kept.map { letters[$0] })
    }
    func needed(without used: [Int]) -> Set<Character> {
      Set(plan.output).union(terms.indices.filter { !used.contains($0) }.flatMap { terms[$0].letters })
    }
    for i in terms.indices {
      terms[i].takeDiagonals()
      terms[i].sum(except: needed(without: [i]))
    }
    while terms.count > 1 {
      var best: (cost: Double, i: Int, j: Int)?
      for j in terms.indices {
        for i in 0..<j {
          let kept = needed(without: [i, j])
          let letters = Set(terms[i].letters + terms[j].letters).filter(kept.contains)
          let cost = letters.reduce(1) { $0 * Double(sizes[$1]?.size ?? 1) } - terms[i].count - terms[j].count
          if best.map({ cost < $0.cost }) ?? true { best = (cost, i, j) }
        }
      }
      guard let (_, i, j) = best else { break }
      let kept = needed(without: [i, j])
      let product = Lettered.product(terms[i], terms[j], keeping: kept)
      terms.remove(at: j)
      terms[i] = product
    }
    terms[0].sum(except: Set(plan.output))
    return terms[0].aligned(to: plan.output)
  }
}
