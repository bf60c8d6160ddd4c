import Foundation
import Lab

/// A k-d tree: points halved again and again along their widest coordinate (Bentley 1975; Friedman, Bentley, Finkel 1977).
struct KDTree: Sendable {
  private struct Node: Sendable {
    /// Points of the node in the tree's order.
    var first: Int
    var last: Int
    /// -1 for a leaf.
    var axis: Int
    var split: Double
    /// The left child follows its parent.
    var right: Int
  }

  private static let leafSize = 12

  private let dimension: Int
  private let count: Int
  /// Point at each place of the tree's order.
  private let order: [Int32]
  /// Coordinates in the tree's order.
  private let values: [Double]
  private let nodes: [Node]

  init(_ points: Points) {
    let d = points.dimension
    var order = (0..<Int32(points.count)).map { $0 }
    var nodes: [Node] = []
    points.values.withUnsafeBufferPointer { values in
      order.withUnsafeMutableBufferPointer { order in
        // Halves by median places, so that equal points can't make the tree deep.
        func build(_ first: Int, _ last: Int) {
          let at = nodes.count
          nodes.append(Node(first: first, last: last, axis: -1, split: 0, right: 0))
          guard last - first > Self.leafSize else { return }
          var (axis, widest) = (-1, 0.0)
          for j in 0..<d {
            var (low, high) = (Double.infinity, -Double.infinity)
            for i in first..<last {
              let value = values[Int(order[i]) * d + j]
              low = min(low, value)
              high = max(high, value)
            }
            if high - low > widest { (axis, widest) = (j, high - low) }
          }
          // All points equal: nothing to split.
          guard axis >= 0 else { return }
          let middle = (first + last) / 2
          Self.select(order, first, last - 1, middle) { values[Int($0) * d + axis] }
          nodes[at].axis = axis
          nodes[at].split = values[Int(order[middle]) * d + axis]
          build(first, middle)
          nodes[at].right = nodes.count
          build(middle, last)
        }
        build(0, order.count)
      }
    }
    dimension = d
    count = points.count
    self.order = order
    self.nodes = nodes
    values = order.flatMap { points[Int($0)] }
  }

  /// Puts at `target` what would be there in sorted order, smaller ones before, greater ones behind (Hoare 1961).
  private static func select(
    _ items: UnsafeMutableBufferPointer<Int32>, _ first: Int, _ last: Int, _ target: Int, _ key: (Int32) -> Double
  ) {
    var (low, high) = (first, last)
    while low < high {
      let pivot = key(items[low + (high - low) / 2])
      var (i, j) = (low, high)
      while i <= j {
        while key(items[i]) < pivot { i += 1 }
        while key(items[j]) > pivot { j -= 1 }
        if i <= j {
          items.swapAt(i, j)
          i += 1
          j -= 1
        }
      }
      if target <= j { high = j } else if target >= i { low = i } else { return }
    }
  }

  /// The k nearest other points of each point of the tree.
  func neighbors(_ k: Int) throws -> Neighbors {
    // In the tree's order, near points follow one another and share what's in the cache.
    try found(values, k, queryIsOwn: true)
  }

  /// The k nearest points of the tree to each of `queries`.
  func neighbors(_ k: Int, of queries: Points) throws -> Neighbors { try found(queries.values, k, queryIsOwn: false) }

  private func found(_ coordinates: [Double], _ k: Int, queryIsOwn: Bool) throws -> Neighbors {
    let queries = coordinates.count / dimension
    let size = max(256, (queries + 63) / 64)
    let chunks = stride(from: 0, to: queries, by: size).map { $0..<min($0 + size, queries) }
    let results = try parallel(chunks, workers: ProcessInfo.processInfo.activeProcessorCount) { chunk in
      var search = Search(k: k, dimension: dimension)
      var (indices, distances): ([Int32], [Double]) = ([], [])
      coordinates.withUnsafeBufferPointer { coordinates in
        values.withUnsafeBufferPointer { values in
          order.withUnsafeBufferPointer { order in
            nodes.withUnsafeBufferPointer { nodes in
              for at in chunk {
                let point = UnsafeBufferPointer(rebasing: coordinates[at * dimension..<(at + 1) * dimension])
                search.run(point, skipping: queryIsOwn ? order[at] : -1, values, order, nodes)
                indices += search.indices
                distances += search.distances
              }
            }
          }
        }
      }
      return (indices, distances)
    }
    var indices = [Int32](repeating: 0, count: queries * k)
    var distances = [Double](repeating: 0, count: queries * k)
    for (chunk, result) in zip(chunks, results) {
      for (row, at) in chunk.enumerated() {
        let query = queryIsOwn ? Int(order[at]) : at
        for j in 0..<k {
          indices[query * k + j] = result.0[row * k + j]
          distances[query * k + j] = result.1[row * k + j]
        }
      }
    }
    return Neighbors(k: k, indices: indices, squaredDistances: distances)
  }

  /// The pairs (i, j), i < j, of points at most `radius` apart, with their squared distances.
  func pairs(within radius: Double) throws -> [(Int32, Int32, Double)] {
    let chunks = stride(from: 0, to: count, by: 1_024).map { $0..<min($0 + 1_024, count) }
    return try parallel(chunks, workers: ProcessInfo.processInfo.activeProcessorCount) { chunk in
      chunk.flatMap { place in
        within(radius * radius, of: place).compactMap { other, distance in
          order[place] < order[other] ? (order[place], order[other], distance) : nil
        }
      }
    }.flatMap { $0 }
  }

  private func within(_ limit: Double, of place: Int) -> [(Int, Double)] {
    var result: [(Int, Double)] = []
    var stack = [0]
    while let at = stack.popLast() {
      let node = nodes[at]
      if node.axis < 0 {
        for other in node.first..<node.last where other != place {
          var sum = 0.0
          for j in 0..<dimension {
            let difference = values[place * dimension + j] - values[other * dimension + j]
            sum += difference * difference
          }
          if sum <= limit { result.append((other, sum)) }
        }
        continue
      }
      let difference = values[place * dimension + node.axis] - node.split
      if difference <= 0 || difference * difference <= limit { stack.append(at + 1) }
      if difference >= 0 || difference * difference <= limit { stack.append(node.right) }
    }
    return result
  }

  /// The k best so far, in order, and the way down the tree.
  private struct Search {
    let k: Int
    let dimension: Int
    var indices: [Int32]
    var distances: [Double]
    /// How far the point is from the present node's box along each coordinate.
    private var offsets: [Double]

    init(k: Int, dimension: Int) {
      self.k = k
      self.dimension = dimension
      indices = [Int32](repeating: -1, count: k)
      distances = [Double](repeating: .infinity, count: k)
      offsets = [Double](repeating: 0, count: dimension)
    }

    mutating func run(
      _ point: UnsafeBufferPointer<Double>, skipping own: Int32, _ values: UnsafeBufferPointer<Double>,
      _ order: UnsafeBufferPointer<Int32>, _ nodes: UnsafeBufferPointer<Node>
    ) {
      for j in 0..<k { (indices[j], distances[j]) = (-1, .infinity) }
      for j in 0..<dimension { offsets[j] = 0 }
      descend(0, 0, point, own, values, order, nodes)
    }

    private mutating func descend(
      _ at: Int, _ bound: Double, _ point: UnsafeBufferPointer<Double>, _ own: Int32,
      _ values: UnsafeBufferPointer<Double>, _ order: UnsafeBufferPointer<Int32>, _ nodes: UnsafeBufferPointer<Node>
    ) {
      let node = nodes[at]
      if node.axis < 0 {
        for place in node.first..<node.last where order[place] != own {
          var sum = 0.0
          for j in 0..<dimension {
            let difference = point[j] - values[place * dimension + j]
            sum += difference * difference
          }
          if sum <= distances[k - 1] { insert(order[place], sum) }
        }
        return
      }
      let difference = point[node.axis] - node.split
      let (near, far) = difference < 0 ? (at + 1, node.right) : (node.right, at + 1)
      descend(near, bound, point, own, values, order, nodes)
      let before = offsets[node.axis]
      let beyond = bound - before * before + difference * difference
      // As equal distances go by number, a box at the very distance is looked into, rounding aside.
      if beyond * (1 - 1e-12) <= distances[k - 1] {
        offsets[node.axis] = difference
        descend(far, beyond, point, own, values, order, nodes)
        offsets[node.axis] = before
      }
    }

    private mutating func insert(_ index: Int32, _ distance: Double) {
      var place = k - 1
      if distance == distances[place], index > indices[place] { return }
      while place > 0, (distances[place - 1], indices[place - 1]) > (distance, index) {
        distances[place] = distances[place - 1]
        indices[place] = indices[place - 1]
        place -= 1
      }
      distances[place] = distance
      indices[place] = index
    }
  }
}
