import Lab

/// Squared sensitivity of the node sums of one binary tree over steps, in units of the squared clipping norm.
///
/// A unit (an example, or a client) adds a vector of norm 1 at most to each step that it takes part in, and so a vector of
/// norm c at most to a node over c such steps. All complete nodes count as released, as in the paper and its code; those
/// that reach beyond the last step aren't released and don't count.
public struct TreeSensitivity: Hashable, Sendable {
  /// Steps with data.
  public let steps: Int
  /// Steps of the tree with the virtual ones of a completion.
  public let leaves: Int

  /// - Parameters:
  ///   - steps: with data, at least 1.
  ///   - completed: whether virtual steps fill the tree up to the next power of 2.
  public init(steps: Int, completed: Bool) {
    self.steps = max(1, steps)
    leaves = completed ? Self.powerOfTwo(from: self.steps) : self.steps
  }

  /// The smallest power of 2 that isn't less.
  static func powerOfTwo(from count: Int) -> Int { 1 << height(of: count) }

  /// Levels above the leaves of the smallest complete tree over some leaves.
  static func height(of count: Int) -> Int { count <= 1 ? 0 : Int.bitWidth - (count - 1).leadingZeroBitCount }

  /// Exactly, of a unit that takes part at some steps: the sum over complete nodes of (times it occurs)².
  ///
  /// - Parameter places: steps from 0, in rising order; a step may occur several times.
  public func squared(places: [Int]) -> Int {
    var total = 0
    for level in 0...Self.height(of: leaves) {
      var (node, count) = (-1, 0)
      for place in places {
        let next = place >> level
        if next != node {
          total += count * count
          (node, count) = (next, 0)
        }
        // A node whose end is beyond the leaves is incomplete, and so are those after it.
        if (node + 1) << level > leaves { break }
        count += 1
      }
      total += count * count
    }
    return total
  }

  /// For each batch what a unit has that takes part once an epoch, always in that batch.
  ///
  /// - Parameter stepsOfEpoch: batches.
  public func squaredByBatch(stepsOfEpoch: Int) -> [Int] {
    let batches = max(1, min(stepsOfEpoch, steps))
    return (0..<batches).map { squared(places: Array(stride(from: $0, to: steps, by: batches))) }
  }

  /// The most that a unit has which takes part once an epoch at most, at any step of it: whatever the order of each epoch.
  public func squaredAnyOrder(stepsOfEpoch: Int) -> Int {
    var search = OrderSearch(tree: self, epoch: max(1, min(stepsOfEpoch, steps)))
    let height = Self.height(of: leaves)
    // The first and the last epoch lie in the root as a whole.
    return search.most(start: 0, height: height, first: true, last: true)
  }
}

/// The worst places of a unit's steps, one in each epoch, by a recursion over nodes.
///
/// An epoch that lies in a node as a whole has its step there. Of the two that may reach over the node's ends, a flag says
/// whether theirs is inside; so a node has four states at most.
private struct OrderSearch {
  let tree: TreeSensitivity
  /// Steps of an epoch.
  let epoch: Int
  private struct State: Hashable {
    var start: Int
    var height: Int
    var first: Bool
    var last: Bool
  }
  private var known: [State: Int] = [:]

  init(tree: TreeSensitivity, epoch: Int) {
    self.tree = tree
    self.epoch = epoch
  }

  /// The largest sum of squares over a node and those below it.
  ///
  /// - Parameters:
  ///   - first: whether the step of the first epoch that the node meets is in the node.
  ///   - last: the same of the last one; the same flag where there is only one.
  mutating func most(start: Int, height: Int, first: Bool, last: Bool) -> Int {
    let end = start + 1 << height
    guard start < tree.steps else { return 0 }
    let (a, b) = (start / epoch, (min(end, tree.steps) - 1) / epoch)
    let isComplete = end <= tree.leaves
    let count = a == b ? (first ? 1 : 0) : (first ? 1 : 0) + (last ? 1 : 0) + (b - a - 1)
    if count == 0 { return 0 }
    // Below a complete node within one epoch any path has the same nodes.
    if a == b, isComplete, end <= tree.steps { return height + 1 }
    if height == 0 { return isComplete ? 1 : 0 }
    let state = State(start: start, height: height, first: first, last: last)
    if let value = known[state] { return value }
    let middle = start + 1 << (height - 1)
    let own = isComplete ? count * count : 0
    let value = own + children(start, middle, height - 1, a, b, first, last)
    known[state] = value
    return value
  }

  private mutating func children(
    _ start: Int, _ middle: Int, _ height: Int, _ a: Int, _ b: Int, _ first: Bool, _ last: Bool
  ) -> Int {
    guard middle < tree.steps else { return most(start: start, height: height, first: first, last: last) }
    /// Whether the step of an epoch is in the node.
    func isInside(_ e: Int) -> Bool { e == a ? first : e == b ? last : true }
    let (left, right) = ((middle - 1) / epoch, middle / epoch)
    guard left == right else {
      return most(start: start, height: height, first: isInside(a), last: isInside(left))
        + most(start: middle, height: height, first: isInside(right), last: isInside(b))
    }
    // One epoch lies over the middle: its step is on one side, if it's in the node.
    let cut = left
    func sides(_ onLeft: Bool, _ onRight: Bool) -> Int {
      most(
        start: start, height: height, first: a == cut ? onLeft : isInside(a), last: onLeft)
        + most(start: middle, height: height, first: onRight, last: b == cut ? onRight : isInside(b))
    }
    return isInside(cut) ? max(sides(true, false), sides(false, true)) : sides(false, false)
  }
}
