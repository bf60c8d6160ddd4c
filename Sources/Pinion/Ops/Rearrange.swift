/// How `reduce` combines elements.
public enum AxisReduction: String, Hashable, Sendable {
  case mean, sum, product, max, min
}

/// One axis inside of a pattern.
private enum AxisName: Hashable {
  case named(String)
  /// An axis that the ellipsis stands for, from the left.
  case ellipsis(Int)
  /// A number in the pattern; each is an axis of its own.
  case anonymous(size: Int, number: Int)
}

/// A side of a pattern: for each axis of the tensor the axes that it's made of.
private struct AxisGroups {
  var groups: [[AxisName]] = []
  var hasEllipsis = false
  var axes: [AxisName] { groups.flatMap { $0 } }

  /// Reads `"b (h p) ... 1"`.
  ///
  /// - Parameters:
  ///   - count: how many axes the ellipsis stands for.
  ///   - numbers: count of anonymous axes so far.
  init(_ text: Substring, ellipsis count: Int, numbers: inout Int, bad: (String) -> TensorError) throws {
    var open: [AxisName]?
    for token in AxisGroups.tokens(text) {
      switch token {
      case "(":
        guard open == nil else { throw bad("parentheses inside of parentheses") }
        open = []
      case ")":
        guard let axes = open else { throw bad("a ) without (") }
        groups.append(axes)
        open = nil
      case "...", "…":
        guard !hasEllipsis else { throw bad("more than one ellipsis in \"\(text)\"") }
        hasEllipsis = true
        let axes = (0..<count).map { AxisName.ellipsis($0) }
        if open == nil { groups += axes.map { [$0] } } else { open? += axes }
      default:
        let axes = try AxisGroups.axis(token, &numbers, bad)
        if open == nil { groups.append(axes) } else { open? += axes }
      }
    }
    guard open == nil else { throw bad("a ( without )") }
    var seen: Set<AxisName> = []
    for axis in axes where !seen.insert(axis).inserted { throw bad("axis \(axis.text) comes twice in \"\(text)\"") }
  }

  /// A name or a number; 1 is no axis at all.
  private static func axis(_ word: Substring, _ numbers: inout Int, _ bad: (String) -> TensorError) throws -> [AxisName]
  {
    if let size = Int(word) {
      guard size > 0 else { throw bad("size \(word) isn't positive") }
      numbers += 1
      return size == 1 ? [] : [.anonymous(size: size, number: numbers)]
    }
    guard let first = word.first, first.isLetter || first == "_",
      word.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" })
    else { throw bad("\"\(word)\" isn't a name of an axis") }
    return [.named(String(word))]
  }

  /// Words and parentheses.
  private static func tokens(_ text: Substring) -> [Substring] {
    var (tokens, start) = ([Substring](), text.startIndex)
    for i in text.indices where text[i].isWhitespace || text[i] == "(" || text[i] == ")" {
      if start < i { tokens.append(text[start..<i]) }
      if !text[i].isWhitespace { tokens.append(text[i...i]) }
      start = text.index(after: i)
    }
    return start < text.endIndex ? tokens + [text[start...]] : tokens
  }
}

extension AxisName {
  fileprivate var text: String {
    switch self {
    case .named(let name): "'\(name)'"
    case .ellipsis: "..."
    case .anonymous(let size, _): "\(size)"
    }
  }

  fileprivate var isAnonymous: Bool { if case .anonymous = self { true } else { false } }
}

/// A pattern applied to a tensor's shape.
private struct AxisPlan {
  /// The two sides.
  let left, right: AxisGroups
  /// Size of every axis.
  private(set) var sizes: [AxisName: Int] = [:]
  let bad: (String) -> TensorError

  init(_ operation: String, _ pattern: String, _ shape: Shape, _ given: [String: Int]) throws {
    let bad = { (message: String) in TensorError.value(operation, "\"\(pattern)\": \(message)") }
    self.bad = bad
    let sides = pattern.split(separator: "->", omittingEmptySubsequences: false)
    guard sides.count == 2 else { throw bad("expected one -> between two sides") }
    var numbers = 0
    let named = try AxisGroups(sides[0], ellipsis: 0, numbers: &numbers, bad: bad)
    let count = named.hasEllipsis ? shape.count - named.groups.count : 0
    let fits = named.hasEllipsis ? count >= 0 : named.groups.count == shape.count
    guard fits else { throw bad("the left side has \(named.groups.count) axes, \(shape) has \(shape.count)") }
    left = try AxisGroups(sides[0], ellipsis: count, numbers: &numbers, bad: bad)
    right = try AxisGroups(sides[1], ellipsis: count, numbers: &numbers, bad: bad)
    guard left.groups.count == shape.count else { throw bad("the ellipsis of the left side stands in parentheses") }
    guard left.hasEllipsis || !right.hasEllipsis else { throw bad("only the right side has an ellipsis") }
    try infer(shape, given)
  }

  /// Sizes of all axes, from the shape and those given; one of a group may be missing.
  private mutating func infer(_ shape: Shape, _ given: [String: Int]) throws {
    for case .anonymous(let size, let number) in left.axes + right.axes {
      sizes[.anonymous(size: size, number: number)] = size
    }
    let known = Set(left.axes + right.axes)
    for (name, size) in given.sorted(by: { $0.key < $1.key }) {
      guard known.contains(.named(name)) else { throw bad("a size is given for '\(name)', which isn't in the pattern") }
      guard size > 0 else { throw bad("size \(size) of '\(name)' isn't positive") }
      sizes[.named(name)] = size
    }
    for (i, group) in left.groups.enumerated() {
      let open = group.filter { sizes[$0] == nil }
      guard open.count <= 1 else {
        throw bad("sizes of \(open.map(\.text).joined(separator: ", ")) are unknown; give all but one")
      }
      let product = group.compactMap { sizes[$0] }.elementCount
      if let axis = open.first {
        guard product > 0, shape[i] % product == 0 else {
          throw bad("axis \(i) of \(shape) has size \(shape[i]), which \(product) doesn't divide")
        }
        sizes[axis] = shape[i] / product
      } else if product != shape[i] {
        throw bad("axis \(i) of \(shape) has size \(shape[i]), the pattern says \(product)")
      }
    }
    for axis in right.axes where sizes[axis] == nil { throw bad("the size of \(axis.text) is unknown; give it") }
  }

  func shape(_ axes: [AxisName]) -> Shape { axes.map { sizes[$0] ?? 1 } }

  var result: Shape { right.groups.map { shape($0).elementCount } }

  /// Throws unless every axis of one side stands on the other.
  func require(_ axes: [AxisName], in others: [AxisName], _ side: String) throws {
    if let axis = axes.first(where: { !others.contains($0) }) {
      throw bad("axis \(axis.text) isn't on the \(side) side")
    }
  }

  func forbidNumbers() throws {
    if let axis = (left.axes + right.axes).first(where: \.isAnonymous) {
      throw bad("the number \(axis.text) can't stand here; name the axis and give its size")
    }
  }
}

/// A tensor with its axes split, ordered and merged as a pattern says: `rearrange(x, "b (h p) (w q) c -> b (h w) (p q c)", ["p": 4, "q": 4])`.
///
/// The language of einops: names of axes, parentheses around axes that are one, `1`, and `...` for any axes.
///
/// - Parameters:
///   - sizes: of named axes; one in each pair of parentheses may be missing.
/// - Returns: a tensor with the same elements; failed with the axis that doesn't fit.
public func rearrange(_ x: Tensor, _ pattern: String, _ sizes: [String: Int] = [:]) -> Tensor {
  failing("rearrange") {
    if let failure = x.failure { throw failure }
    let plan = try AxisPlan("rearrange", pattern, x.shape, sizes)
    try plan.forbidNumbers()
    try plan.require(plan.left.axes, in: plan.right.axes, "right")
    try plan.require(plan.right.axes, in: plan.left.axes, "left")
    let order = plan.right.axes.compactMap(plan.left.axes.firstIndex)
    return x.reshape(plan.shape(plan.left.axes)).transpose(order).reshape(plan.result)
  }
}

/// Tensors of one shape, side by side along a new first axis, rearranged: `rearrange(frames, "t h w c -> t c h w")`.
public func rearrange(_ tensors: [Tensor], _ pattern: String, _ sizes: [String: Int] = [:]) -> Tensor {
  rearrange(stack(tensors), pattern, sizes)
}

/// A tensor rearranged, with the axes that the right side lacks combined: `reduce(x, "b (h 2) (w 2) c -> b h w c", .max)`.
///
/// - Parameters:
///   - pattern: as of `rearrange`; numbers are axes of that size.
///   - reduction: how elements are combined.
///   - sizes: of named axes; one in each pair of parentheses may be missing.
/// - Returns: failed with the axis that doesn't fit.
public func reduce(_ x: Tensor, _ pattern: String, _ reduction: AxisReduction, _ sizes: [String: Int] = [:]) -> Tensor {
  failing("reduce") {
    if let failure = x.failure { throw failure }
    let plan = try AxisPlan("reduce", pattern, x.shape, sizes)
    try plan.require(plan.right.axes, in: plan.left.axes, "left")
    let axes = plan.left.axes.indices.filter { !plan.right.axes.contains(plan.left.axes[$0]) }
    let apart = x.reshape(plan.shape(plan.left.axes))
    let kept = plan.left.axes.filter(plan.right.axes.contains)
    let combined: Tensor
    switch reduction {
    case _ where axes.isEmpty: combined = apart
    case .mean: combined = apart.mean(axes: axes)
    case .sum: combined = apart.sum(axes: axes)
    case .product: combined = Tensor.apply1(Reduce(kind: .product, axes: axes), [apart])
    case .max: combined = apart.max(axes: axes)
    case .min: combined = Tensor.apply1(Reduce(kind: .min, axes: axes), [apart])
    }
    return combined.transpose(plan.right.axes.compactMap(kept.firstIndex)).reshape(plan.result)
  }
}

/// A tensor rearranged and repeated along the axes that the left side lacks: `repeated(x, "h w -> h w c", ["c": 3])`.
///
/// - Parameters:
///   - pattern: as of `rearrange`; numbers are axes of that size.
///   - sizes: of the new axes, and others as of `rearrange`.
/// - Returns: failed with the axis that doesn't fit.
public func repeated(_ x: Tensor, _ pattern: String, _ sizes: [String: Int] = [:]) -> Tensor {
  failing("repeated") {
    if let failure = x.failure { throw failure }
    let plan = try AxisPlan("repeated", pattern, x.shape, sizes)
    try plan.require(plan.left.axes, in: plan.right.axes, "right")
    let places = plan.left.axes.compactMap(plan.right.axes.firstIndex)
    let ordered = x.reshape(plan.shape(plan.left.axes)).transpose(
      places.indices.sorted { places[$0] < places[$1] })
    let wide = BroadcastInDim(shape: plan.shape(plan.right.axes), axes: places.sorted())
    return Tensor.apply1(wide, [ordered]).reshape(plan.result)
  }
}
