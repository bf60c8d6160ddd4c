import Kernels

/// Pairs of triangles that touch, where 1/r can't be integrated by a plain rule.
///
/// A pair is kept with its corners turned so that those in common come first and in the same order in both.
struct TouchingPairs: Sendable {
  /// A pair, by class.
  struct Pair: Sendable {
    var test: Int32
    var trial: Int32
    /// Vertices in the order of the rule.
    var testCorners: SIMD3<Int32>
    var trialCorners: SIMD3<Int32>
    /// -1 where turning the corners turned the normal.
    var testSign: Double
    var trialSign: Double
  }

  let elements: SurfaceElements
  let pairs: [TrianglePair: [Pair]]

  /// - Parameter only: the one class that is wanted; nil for all.
  init(_ elements: SurfaceElements, only: TrianglePair? = nil) {
    self.elements = elements
    var pairs: [TrianglePair: [Pair]] = [:]
    let triangles = elements.mesh.triangles
    for test in triangles.indices {
      for trial in only == .identical ? [Int32(test)] : elements.touching(test) {
        let (kind, pair) = Self.classified(Int32(test), trial, triangles[test], triangles[Int(trial)])
        if only == nil || kind == only { pairs[kind, default: []].append(pair) }
      }
    }
    self.pairs = pairs
  }

  private static func classified(
    _ test: Int32, _ trial: Int32, _ a: SIMD3<Int32>, _ b: SIMD3<Int32>
  ) -> (TrianglePair, Pair) {
    var (first, second): ([Int], [Int]) = ([], [])
    for i in 0..<3 {
      for j in 0..<3 where a[i] == b[j] {
        first.append(i)
        second.append(j)
      }
    }
    let kind: TrianglePair = first.count == 3 ? .identical : first.count == 2 ? .commonEdge : .commonVertex
    for i in 0..<3 where !first.contains(i) { first.append(i) }
    for j in 0..<3 where !second.contains(j) { second.append(j) }
    /// Whether an order of three is an odd permutation.
    func sign(_ order: [Int]) -> Double { (order[1] - order[0] + 3) % 3 == 1 ? 1 : -1 }
    return (
      kind,
      Pair(
        test: test, trial: trial, testCorners: SIMD3(a[first[0]], a[first[1]], a[first[2]]),
        trialCorners: SIMD3(b[second[0]], b[second[1]], b[second[2]]), testSign: sign(first), trialSign: sign(second))
    )
  }

  /// What is integrated.
  struct Request {
    var weights: PairWeights
    /// Gauss points on each of four axes.
    var order: Int
    /// A rule whose plain product, without points at the same place, is taken off again; nil for none.
    var subtracted: TriangleQuadrature?
  }

  /// Calls `body` with each pair and its 36 integrals [kernel][test corner][trial corner], in the order of the pairs.
  ///
  /// Integrals are computed on all CPUs, a few thousand at a time.
  func integrals(_ request: Request, _ body: (Pair, UnsafePointer<Double>) -> Void) {
    let plain = request.subtracted?.rows
    let plainPoints = request.subtracted?.points.count ?? 0
    for kind in TrianglePair.allCases {
      guard let pairs = pairs[kind] else { continue }
      let rule = SingularQuadrature(kind, order: request.order)
      let chunk = 16_384
      let values = SharedDoubles(min(pairs.count + 7, chunk) * 36)
      for first in stride(from: 0, to: pairs.count, by: chunk) {
        let count = min(chunk, pairs.count - first)
        concurrently((count + 7) / 8, grain: 16) { blocks in
          let room = SharedDoubles(72 * 2 + 288 * 2)
          let (test, trial) = (room.pointer, room.pointer + 72)
          let (sum, off) = (room.pointer + 144, room.pointer + 432)
          defer { withExtendedLifetime(room) {} }
          var weights = request.weights.c
          for block in blocks {
            let lanes = min(8, count - 8 * block)
            for lane in 0..<8 {
              let pair = pairs[first + 8 * block + min(lane, lanes - 1)]
              SurfaceElements.put(elements.mesh.vertices, pair.testCorners, test, lane: lane)
              SurfaceElements.put(elements.mesh.vertices, pair.trialCorners, trial, lane: lane)
            }
            kernels_triangle_pairs(test, trial, rule.rows, Int64(rule.count), &weights, sum)
            if let plain { kernels_triangle_pairs_product(test, trial, plain, Int64(plainPoints), &weights, off) }
            for lane in 0..<lanes {
              let pair = pairs[first + 8 * block + lane]
              let to = values.pointer + (8 * block + lane) * 36
              for place in 0..<36 {
                let sign = (place >= 18 ? pair.testSign : 1) * (place / 9 % 2 == 1 ? pair.trialSign : 1)
                let taken = plain == nil ? 0 : off[8 * place + lane]
                to[place] = sign * (sum[8 * place + lane] - taken)
              }
            }
          }
        }
        for place in 0..<count { body(pairs[first + place], values.pointer + 36 * place) }
      }
      withExtendedLifetime(values) {}
    }
  }
}
