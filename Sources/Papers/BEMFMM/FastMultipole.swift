import Foundation
import Kernels
import Lab

/// Sums of 1/(4πr) or exp(-κr)/(4πr) over many points in a time that grows as their number: the kernel-independent fast
/// multipole method of Ying, Biros and Zorin (2004).
///
/// A box's far field is that of charges on the surface of a cube about it, found from potentials on a larger cube.
/// Translations between boxes of a level are convolutions on the cube's grid, done with Fourier transforms.
public struct FastMultipole: Sendable {
  let plan: MultipolePlan

  /// Makes the tree and the translations; charges come later, and as often as wanted.
  ///
  /// - Parameters:
  ///   - targets: where the field is wanted; nil for the sources themselves.
  ///   - order: points an edge of the cubes, 3...12; about as many digits.
  ///   - leafCapacity: most sources or targets of a leaf; nil for what is quick with the order.
  /// - Throws: `UsageError` where a number isn't allowed or a point isn't finite; `PJRTError`, `TensorError` where
  ///   singular values can't be found.
  public init(
    _ kernel: GreensFunction = .laplace, sources: [SIMD3<Double>], targets: [SIMD3<Double>]? = nil, order: Int = 6,
    leafCapacity: Int? = nil
  ) throws {
    plan = try MultipolePlan(
      [kernel], sources: sources, targets: targets, order: order,
      leafCapacity: leafCapacity ?? MultipolePlan.leafCapacity(order: order))
  }

  /// The field of charges, and of dipoles at the same places; a source at the very place of a target is skipped.
  ///
  /// - Parameters:
  ///   - charges: one a source.
  ///   - dipoles: one a source: the field p·∇ of the kernel in the source's place.
  ///   - needsGradient: whether gradients at the targets are wanted.
  /// - Throws: `UsageError` where their number isn't that of the sources.
  public func field(
    charges: [Double], dipoles: [SIMD3<Double>]? = nil, needsGradient: Bool = false
  ) throws -> PointField {
    let n = plan.sourceCount
    guard charges.count == n, dipoles.map({ $0.count == n }) ?? true else {
      throw UsageError("\(charges.count) charges and \(dipoles?.count ?? 0) dipoles at \(n) sources")
    }
    let moments = dipoles.map { dipoles in
      let values = SharedDoubles(3 * n)
      for (i, dipole) in dipoles.enumerated() {
        for axis in 0..<3 { values.pointer[axis * n + i] = dipole[axis] }
      }
      return values
    }
    let field = plan.fields(
      charges: SharedDoubles(charges), dipoles: moments, scales: [1], needsGradient: needsGradient)[0]
    return PointField(field, count: plan.targetCount, hasGradient: needsGradient)
  }

  /// Levels of the tree below the root.
  public var depth: Int { plan.tree.depth }
  /// Boxes of the tree.
  public var boxCount: Int { plan.tree.boxes.count }
}

/// A tree with the translations of one or two kernels, that act on the same sources and targets.
final class MultipolePlan: Sendable {
  let tree: Octree
  let kernels: [GreensFunction]
  let surface: CubeSurface
  /// By kernel and level.
  let operators: [[TranslationOperators]]
  let sourceCount: Int
  let targetCount: Int
  /// Ordered places, x then y then z.
  let sources: SharedDoubles
  let targets: SharedDoubles
  /// Boxes that are leaves and have targets.
  let targetLeaves: [Int32]

  /// Points of a leaf with which near and far take about the same time.
  static func leafCapacity(order: Int) -> Int {
    order <= 3 ? 80 : order == 4 ? 120 : order == 5 ? 200 : order == 6 ? 300 : 450
  }

  init(
    _ kernels: [GreensFunction], sources: [SIMD3<Double>], targets: [SIMD3<Double>]?, order: Int, leafCapacity: Int
  ) throws {
    guard (3...12).contains(order) else { throw UsageError("expansion order \(order), expected 3 to 12") }
    guard sources.count < Int(Int32.max), (targets?.count ?? 0) < Int(Int32.max) else {
      throw UsageError("more than \(Int32.max) points")
    }
    for (name, points) in [("source", sources), ("target", targets ?? [])] {
      if let wrong = points.firstIndex(where: { !(Vector.length($0) < 1e100) }) {
        throw UsageError("\(name) \(wrong + 1) isn't finite")
      }
    }
    for kernel in kernels where !(kernel.inverseLength >= 0 && kernel.inverseLength.isFinite) {
      throw UsageError("inverse Debye length \(kernel.inverseLength), expected at least 0")
    }
    self.kernels = kernels
    tree = Octree(sources: sources, targets: targets, leafCapacity: leafCapacity)
    let cube = CubeSurface(order: order)
    surface = cube
    let tree = tree
    operators = try kernels.map { kernel in
      // Nothing is translated above level 2.
      try TranslationOperators.operators(
        cube, (0...max(2, tree.depth)).map { kernel.inverseLength * tree.halfWidth(max(2, $0)) })
    }
    (sourceCount, targetCount) = (sources.count, targets?.count ?? sources.count)
    self.sources = Self.arranged(sources, tree.sourceOrder)
    self.targets = targets.map { Self.arranged($0, tree.targetOrder) } ?? self.sources
    targetLeaves = tree.boxes.indices.filter { tree.boxes[$0].isLeaf && !tree.boxes[$0].targets.isEmpty }
      .map(Int32.init)
  }

  private static func arranged(_ points: [SIMD3<Double>], _ order: [Int32]) -> SharedDoubles {
    let n = points.count
    let result = SharedDoubles(3 * n)
    points.withUnsafeBufferPointer { points in
      order.withUnsafeBufferPointer { order in
        for i in 0..<n {
          let point = points[Int(order[i])]
          result.pointer[i] = point.x
          result.pointer[n + i] = point.y
          result.pointer[2 * n + i] = point.z
        }
      }
    }
    return result
  }

  /// Fields by kernel: potentials at the targets, then the three components of their gradients where they're wanted.
  ///
  /// - Parameters:
  ///   - charges: one a source, the same for all kernels.
  ///   - dipoles: x of all sources, then y, then z; nil for none.
  ///   - scales: what dipoles count for, by kernel.
  func fields(
    charges: SharedDoubles, dipoles: SharedDoubles?, scales: [Double], needsGradient: Bool
  ) -> [SharedDoubles] {
    let n = sourceCount
    let ordered = SharedDoubles((dipoles == nil ? 1 : 4) * n)
    concurrently(n, grain: 1 << 16) { range in
      tree.sourceOrder.withUnsafeBufferPointer { order in
        for i in range {
          let from = Int(order[i])
          ordered.pointer[i] = charges.pointer[from]
          if let dipoles {
            for axis in 0..<3 { ordered.pointer[(axis + 1) * n + i] = dipoles.pointer[axis * n + from] }
          }
        }
      }
    }
    let pass = MultipolePass(
      plan: self, charges: ordered, hasDipoles: dipoles != nil, scales: scales, needsGradient: needsGradient)
    pass.run()
    let m = targetCount
    return pass.fields.map { field in
      let result = SharedDoubles(field.count)
      concurrently(m, grain: 1 << 16) { range in
        tree.targetOrder.withUnsafeBufferPointer { order in
          for part in 0..<field.count / max(m, 1) {
            let (from, to) = (field.pointer + part * m, result.pointer + part * m)
            for i in range { to[Int(order[i])] = from[i] }
          }
        }
      }
      return result
    }
  }
}
