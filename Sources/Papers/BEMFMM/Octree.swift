import Foundation

/// An adaptive octree over sources and targets, with the lists of the fast multipole method.
///
/// Points are ordered along Morton's curve, so that a box's points, and those of all its descendants, lie one after the
/// other. Boxes are ordered by level, and along the curve within one. Boxes without points don't exist.
struct Octree: Sendable {
  /// A box; ranges are places among ordered points.
  struct Box: Sendable {
    var level: Int32
    /// Number of the box along each axis, in 0 ..< 2^level.
    var place: SIMD3<Int32>
    var parent: Int32
    /// Which child of its parent it is, 0 ..< 8, x in the highest bit.
    var octant: Int32
    var firstChild: Int32 = 0
    var childCount: Int32 = 0
    var sources: Range<Int>
    var targets: Range<Int>
    var isLeaf: Bool { childCount == 0 }
  }

  /// Deepest level: boxes there aren't divided further.
  static let maximumDepth = 20

  /// Low corner of the cube and half its width.
  let corner: SIMD3<Double>
  let halfWidth: Double
  private(set) var boxes: [Box] = []
  /// Where each level begins, depth + 2 numbers.
  private(set) var levels: [Int] = [0]
  /// Which source stands at each place.
  let sourceOrder: [Int32]
  let targetOrder: [Int32]
  /// Same-level boxes that touch a box or are it, 27 places a box, -1 where there are fewer.
  private(set) var colleagues: [Int32] = []
  /// By box: leaves whose sources act directly on its targets (U).
  private(set) var near: [[Int32]] = []
  /// By leaf: smaller boxes, not touching, whose multipoles act on its targets (W).
  private(set) var multipoles: [[Int32]] = []
  /// By box: larger leaves, not touching, whose sources act on its local field (X).
  private(set) var locals: [[Int32]] = []

  var depth: Int { levels.count - 2 }

  /// - Parameters:
  ///   - targets: nil where they are the sources.
  ///   - leafCapacity: most sources and most targets of a box that isn't divided.
  init(sources: [SIMD3<Double>], targets: [SIMD3<Double>]?, leafCapacity: Int) {
    var (low, high) = (SIMD3<Double>(repeating: .infinity), SIMD3<Double>(repeating: -.infinity))
    for points in [sources, targets ?? []] {
      for point in points {
        low = pointwiseMin(low, point)
        high = pointwiseMax(high, point)
      }
    }
    if !(low.x <= high.x) { (low, high) = (.zero, .zero) }
    // A little wider, so that no point lies on the far faces.
    let width = max((high - low).max() * (1 + 1e-9), 1e-30)
    halfWidth = width / 2
    let corner = (low + high) / 2 - SIMD3(repeating: width / 2)
    self.corner = corner
    let ordered = Self.ordered(sources, corner, width)
    let others = targets.map { Self.ordered($0, corner, width) }
    sourceOrder = ordered.order
    targetOrder = others?.order ?? ordered.order
    divide(ordered.keys, others?.keys, max(1, leafCapacity))
    findColleagues()
    findLists()
  }

  // MARK: Morton order

  private static func ordered(
    _ points: [SIMD3<Double>], _ corner: SIMD3<Double>, _ width: Double
  ) -> (keys: [UInt64], order: [Int32]) {
    let scale = Double(1 << maximumDepth) / width
    var keys = [UInt64](repeating: 0, count: points.count)
    let last = Double((1 << maximumDepth) - 1)
    keys.withUnsafeMutableBufferPointer { keys in
      points.withUnsafeBufferPointer { points in
        for i in 0..<points.count {
          let place = ((points[i] - corner) * scale).clamped(lowerBound: .zero, upperBound: SIMD3(repeating: last))
          keys[i] = spread(UInt64(place.x)) << 2 | spread(UInt64(place.y)) << 1 | spread(UInt64(place.z))
        }
      }
    }
    return radixSorted(keys)
  }

  /// Two zero bits after each of the lowest 21.
  private static func spread(_ value: UInt64) -> UInt64 {
    var x = value
    x = (x | x << 32) & 0x1f_0000_0000_ffff
    x = (x | x << 16) & 0x1f_0000_ff00_00ff
    x = (x | x << 8) & 0x100f_00f0_0f00_f00f
    x = (x | x << 4) & 0x10c3_0c30_c30c_30c3
    return (x | x << 2) & 0x1249_2492_4924_9249
  }

  private static func radixSorted(_ keys: [UInt64]) -> (keys: [UInt64], order: [Int32]) {
    let n = keys.count
    var (keys, order) = (keys, (0..<n).map { Int32($0) })
    var (otherKeys, otherOrder) = (keys, order)
    let bits = 12
    for shift in stride(from: 0, to: 3 * maximumDepth, by: bits) {
      var counts = [Int](repeating: 0, count: (1 << bits) + 1)
      keys.withUnsafeBufferPointer { from in
        order.withUnsafeBufferPointer { fromOrder in
          otherKeys.withUnsafeMutableBufferPointer { to in
            otherOrder.withUnsafeMutableBufferPointer { toOrder in
              counts.withUnsafeMutableBufferPointer { counts in
                let mask = UInt64((1 << bits) - 1)
                for i in 0..<n { counts[Int(from[i] >> UInt64(shift) & mask) + 1] += 1 }
                for digit in 1..<counts.count { counts[digit] += counts[digit - 1] }
                for i in 0..<n {
                  let digit = Int(from[i] >> UInt64(shift) & mask)
                  to[counts[digit]] = from[i]
                  toOrder[counts[digit]] = fromOrder[i]
                  counts[digit] += 1
                }
              }
            }
          }
        }
      }
      swap(&keys, &otherKeys)
      swap(&order, &otherOrder)
    }
    return (keys, order)
  }

  // MARK: Boxes

  private mutating func divide(_ sourceKeys: [UInt64], _ targetKeys: [UInt64]?, _ capacity: Int) {
    /// First place in a range whose key isn't below a limit.
    func bound(_ keys: [UInt64], _ range: Range<Int>, _ limit: UInt64) -> Int {
      var (low, high) = (range.lowerBound, range.upperBound)
      while low < high {
        let middle = (low + high) / 2
        if keys[middle] < limit { low = middle + 1 } else { high = middle }
      }
      return low
    }
    boxes = [
      Box(
        level: 0, place: .zero, parent: -1, octant: 0, sources: 0..<sourceKeys.count,
        targets: 0..<(targetKeys ?? sourceKeys).count)
    ]
    var prefixes: [UInt64] = [0]
    levels = [0, 1]
    while levels.count - 2 < Self.maximumDepth {
      let level = levels.count - 2
      for number in levels[level]..<levels[level + 1] {
        let box = boxes[number]
        guard box.sources.count > capacity || box.targets.count > capacity else { continue }
        let shift = UInt64(3 * (Self.maximumDepth - level - 1))
        boxes[number].firstChild = Int32(boxes.count)
        for octant in 0..<8 {
          let prefix = prefixes[number] << 3 | UInt64(octant)
          let (from, to) = (prefix << shift, (prefix + 1) << shift)
          let sources = bound(sourceKeys, box.sources, from)..<bound(sourceKeys, box.sources, to)
          let targets =
            targetKeys.map { bound($0, box.targets, from)..<bound($0, box.targets, to) } ?? sources
          if sources.isEmpty, targets.isEmpty { continue }
          let place = SIMD3(
            2 * box.place.x + Int32(octant >> 2), 2 * box.place.y + Int32(octant >> 1 & 1),
            2 * box.place.z + Int32(octant & 1))
          boxes.append(
            Box(
              level: Int32(level + 1), place: place, parent: Int32(number), octant: Int32(octant), sources: sources,
              targets: targets))
          prefixes.append(prefix)
          boxes[number].childCount += 1
        }
      }
      if boxes.count == levels[level + 1] { break }
      levels.append(boxes.count)
    }
  }

  /// Half the width of a box of a level.
  func halfWidth(_ level: Int) -> Double { halfWidth / Double(1 << level) }

  func centre(_ box: Box) -> SIMD3<Double> {
    let half = halfWidth(Int(box.level))
    return corner + SIMD3(Double(box.place.x), Double(box.place.y), Double(box.place.z)) * (2 * half)
      + SIMD3(repeating: half)
  }

  // MARK: Lists

  /// Whether two boxes touch; the first isn't larger than the second.
  private static func touch(_ small: Box, _ large: Box) -> Bool {
    let shift = small.level - large.level
    let low = SIMD3(large.place.x << shift, large.place.y << shift, large.place.z << shift)
    let high = low &+ SIMD3(repeating: (1 << shift) - 1)
    return all(small.place .>= low &- SIMD3(repeating: 1)) && all(small.place .<= high &+ SIMD3(repeating: 1))
  }

  private mutating func findColleagues() {
    var all = [Int32](repeating: -1, count: 27 * boxes.count)
    all[0] = 0
    all.withUnsafeMutableBufferPointer { all in
      boxes.withUnsafeBufferPointer { boxes in
        for number in 1..<max(1, boxes.count) {
          let box = boxes[number]
          var found = 27 * number
          for slot in 0..<27 {
            let uncle = all[27 * Int(box.parent) + slot]
            guard uncle >= 0 else { break }
            let first = Int(boxes[Int(uncle)].firstChild)
            for cousin in first..<first + Int(boxes[Int(uncle)].childCount) {
              let d = boxes[cousin].place &- box.place
              if d.x >= -1, d.x <= 1, d.y >= -1, d.y <= 1, d.z >= -1, d.z <= 1 {
                all[found] = Int32(cousin)
                found += 1
              }
            }
          }
        }
      }
    }
    colleagues = all
  }

  private mutating func findLists() {
    near = [[Int32]](repeating: [], count: boxes.count)
    multipoles = near
    locals = near
    var open: [Int32] = []
    for number in boxes.indices where boxes[number].isLeaf {
      let leaf = boxes[number]
      open.removeAll(keepingCapacity: true)
      for slot in 0..<27 {
        let colleague = colleagues[27 * number + slot]
        guard colleague >= 0 else { break }
        if boxes[Int(colleague)].isLeaf { near[number].append(colleague) } else { open.append(colleague) }
      }
      while let next = open.popLast() {
        let first = Int(boxes[Int(next)].firstChild)
        for child in first..<first + Int(boxes[Int(next)].childCount) {
          if Self.touch(boxes[child], leaf) {
            if boxes[child].isLeaf {
              near[number].append(Int32(child))
              near[child].append(Int32(number))
            } else {
              open.append(Int32(child))
            }
          } else {
            multipoles[number].append(Int32(child))
            locals[child].append(Int32(number))
          }
        }
      }
    }
    for number in boxes.indices { near[number].sort() }
  }
}
