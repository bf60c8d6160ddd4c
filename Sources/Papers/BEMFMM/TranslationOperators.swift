import Foundation
import Kernels
import Pinion
import Synchronization

/// Points on the surface of a cube, p an edge, on which kernel-independent multipoles lie.
struct CubeSurface: Sendable {
  let order: Int
  /// On the cube -1...1.
  let points: [SIMD3<Double>]
  /// Where each lies in the p³ grid.
  let places: [Int32]

  init(order: Int) {
    self.order = order
    var (points, places): ([SIMD3<Double>], [Int32]) = ([], [])
    let last = order - 1
    for x in 0..<order {
      for y in 0..<order {
        for z in 0..<order where [x, y, z].contains(where: { $0 == 0 || $0 == last }) {
          points.append(SIMD3(Double(x), Double(y), Double(z)) * (2 / Double(last)) - 1)
          places.append(Int32((x * order + y) * order + z))
        }
      }
    }
    (self.points, self.places) = (points, places)
  }

  /// Inner surface over half the width of the box: equivalent upwards, check downwards.
  static let inner = 1.05
  /// Outer surface: check upwards, equivalent downwards.
  static let outer = 2.95
}

/// Translations of one kernel for boxes of one size, in units of half the box's width (Ying, Biros, Zorin 2004).
///
/// Only κ times the half width matters, so those of Laplace's kernel, 0, serve all levels.
final class TranslationOperators: Sendable {
  /// Points on a surface, n.
  let count: Int
  /// Pseudo-inverse of the map from inner charges to outer potentials, as two factors [n, n]: V S⁺ and Uᵀ.
  let upSecond: [Double]
  let upFirst: [Double]
  /// Of the map from outer charges to inner potentials, its transpose: U S⁺ and Vᵀ.
  let downSecond: [Double]
  let downFirst: [Double]
  /// From each child's inner surface to the parent's outer one, [8][n, n]; transposed it is the way down.
  let children: [[Double]]
  /// Spectra of the kernel on the grid of differences, by offset of boxes.
  let spectra: SharedDoubles
  /// Doubles of a spectrum.
  let stride: Int

  /// Singular values below this times the greatest are left out.
  private static let cut = 1e-12

  /// Number of an offset with components in -3...3.
  @inline(__always) static func offset(_ d: SIMD3<Int32>) -> Int32 { ((d.x + 3) * 7 + d.y + 3) * 7 + d.z + 3 }

  /// - Parameters:
  ///   - u, s, vh: singular vectors and values of the map from inner charges to outer potentials.
  private init(_ surface: CubeSurface, _ kernel: GreensFunction, u: [Double], s: [Double], vh: [Double]) {
    let n = surface.points.count
    count = n
    let limit = s[0] * Self.cut
    let inverse = s.map { $0 > limit ? 1 / $0 : 0 }
    var (upFirst, upSecond) = ([Double](repeating: 0, count: n * n), [Double](repeating: 0, count: n * n))
    var (downFirst, downSecond) = (upFirst, upFirst)
    for i in 0..<n {
      for j in 0..<n {
        upFirst[i * n + j] = inverse[i] == 0 ? 0 : u[j * n + i]
        upSecond[i * n + j] = vh[j * n + i] * inverse[j]
        downFirst[i * n + j] = inverse[i] == 0 ? 0 : vh[i * n + j]
        downSecond[i * n + j] = u[i * n + j] * inverse[j]
      }
    }
    (self.upFirst, self.upSecond, self.downFirst, self.downSecond) = (upFirst, upSecond, downFirst, downSecond)
    let inner = surface.points.map { $0 * CubeSurface.inner }
    let outer = surface.points.map { $0 * CubeSurface.outer }
    children = (0..<8).map { octant in
      let centre = SIMD3(Double(octant >> 2), Double(octant >> 1 & 1), Double(octant & 1)) - 0.5
      return Self.matrix(kernel, to: outer, from: inner.map { centre + $0 / 2 })
    }
    let p = surface.order
    let size = Int(kernels_spectrum_size(Int64(p)))
    stride = size
    let spectra = SharedDoubles(343 * size)
    let spacing = 2 * CubeSurface.inner / Double(p - 1)
    let steps = (0..<2 * p).map { spacing * Double($0 < p ? $0 : $0 - 2 * p) }
    // A difference of -p occurs in no product.
    let grid = KernelPoints(steps.flatMap { x in steps.flatMap { y in steps.map { z in SIMD3(x, y, z) } } })
    concurrently(343) { range in
      let values = SharedDoubles(grid.count)
      for number in range {
        let d = SIMD3(Double(number / 49 - 3), Double(number / 7 % 7 - 3), Double(number % 7 - 3))
        guard abs(d.x) > 1 || abs(d.y) > 1 || abs(d.z) > 1 else { continue }
        grid.evaluate(kernel, at: -2 * d, to: values.pointer)
        kernels_grid_spectrum(Int64(p), values.pointer, spectra.pointer + number * size)
      }
      withExtendedLifetime(values) {}
    }
    self.spectra = spectra
  }

  /// Values of a kernel between points, row-major [to, from].
  private static func matrix(
    _ kernel: GreensFunction, to targets: [SIMD3<Double>], from sources: [SIMD3<Double>]
  ) -> [Double] {
    let points = KernelPoints(sources)
    let matrix = SharedDoubles(targets.count * sources.count)
    for (row, target) in targets.enumerated() {
      points.evaluate(kernel, at: target, to: matrix.pointer + row * sources.count)
    }
    return matrix.array
  }

  // MARK: Cache

  private struct Key: Hashable {
    var order: Int
    var inverseLength: Double
  }

  /// What was made last, the oldest first.
  private static let cache = Mutex<[(key: Key, value: TranslationOperators)]>([])

  /// Operators for some values of κ times half a box's width; made once, kept as long as they're among the last 24.
  ///
  /// - Throws: `PJRTError`, `TensorError` where singular values can't be found.
  static func operators(_ surface: CubeSurface, _ inverseLengths: [Double]) throws -> [TranslationOperators] {
    let keys = inverseLengths.map { Key(order: surface.order, inverseLength: $0) }
    var known = cache.withLock { cache in
      keys.map { key in cache.first { $0.key == key }?.value }
    }
    let missing = Array(Set(keys.indices.filter { known[$0] == nil }.map { inverseLengths[$0] })).sorted()
    if !missing.isEmpty {
      let n = surface.points.count
      let inner = surface.points.map { $0 * CubeSurface.inner }
      let outer = surface.points.map { $0 * CubeSurface.outer }
      for kappa in missing {
        let kernel = kappa == 0 ? GreensFunction.laplace : .yukawa(inverseLength: kappa)
        let factors = svd(Tensor(matrix(kernel, to: outer, from: inner), shape: [n, n]))
        try evaluate(factors.u, factors.s, factors.vh)
        let made = TranslationOperators(
          surface, kernel, u: try factors.u.array(of: Double.self), s: try factors.s.array(of: Double.self),
          vh: try factors.vh.array(of: Double.self))
        cache.withLock { cache in
          cache.append((Key(order: surface.order, inverseLength: kappa), made))
          if cache.count > 24 { cache.removeFirst() }
        }
        for place in keys.indices where inverseLengths[place] == kappa { known[place] = made }
      }
    }
    return known.compactMap { $0 }
  }
}

/// Points at which a kernel is evaluated.
private struct KernelPoints: Sendable {
  let count: Int
  private let places: SharedDoubles

  init(_ points: [SIMD3<Double>]) {
    count = points.count
    places = SharedDoubles(3 * points.count)
    for (i, point) in points.enumerated() {
      for axis in 0..<3 { places.pointer[axis * points.count + i] = point[axis] }
    }
  }

  /// The field of a unit charge; 0 at its own place.
  func evaluate(_ kernel: GreensFunction, at charge: SIMD3<Double>, to values: UnsafeMutablePointer<Double>) {
    for i in 0..<count { values[i] = 0 }
    var targets = kernels_point_targets()
    targets.x = UnsafePointer(places.pointer)
    targets.y = UnsafePointer(places.pointer + count)
    targets.z = UnsafePointer(places.pointer + 2 * count)
    targets.set(0, kernel, values)
    SourcePoints([charge], charges: [1], dipoles: nil).with(kernel) { source in
      kernels_point_sums(source, [0, 1], 1, &targets, 0, Int64(count))
    }
  }
}
