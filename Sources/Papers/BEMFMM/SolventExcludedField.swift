import Foundation
import Lab

/// Distance to where the middle of a probe may be, about a molecule; the solvent-excluded surface is where it equals the
/// probe's radius.
///
/// The middles' region is bounded by parts of spheres about atoms, of circles in which two spheres meet, and points in
/// which three do. All are computed in closed form, so that distances are exact (Connolly, 1983; the field is that of
/// Xu and Zhang's EDTSurf, 2009, without its grid).
struct SolventExcludedField: Sendable {
  /// Part of a circle that no third sphere covers.
  private struct Arc: Sendable {
    var center: SIMD3<Double>
    var axis: SIMD3<Double>
    var first: SIMD3<Double>
    var second: SIMD3<Double>
    var radius: Double
    /// Free angles from, to, in rising order; a whole circle where there is one of 2π.
    var free: [SIMD2<Double>]
  }

  /// Radius of the probe in Å.
  let probe: Double
  /// Distances beyond the probe's radius plus this, in Å, aren't told apart.
  static let band = 0.75

  private var centers: [SIMD3<Double>] = []
  /// With the probe's.
  private var radii: [Double] = []
  private var neighbors: [[Int32]] = []
  private var patches: [Int32] = []
  private var arcs: [Arc] = []
  private var points: [SIMD3<Double>] = []
  private var cells = CellLists(low: .zero, high: .zero, edge: 1)
  /// Corners of the box that has the surface in it.
  let low: SIMD3<Double>
  let high: SIMD3<Double>

  /// - Throws: `UsageError` where no atom has a radius, or the atoms are too far apart.
  init(_ atoms: [PointCharge], probe: Double, workers: Int) throws {
    // What has no radius keeps no probe away.
    let solid = atoms.filter { $0.radius > 0 }
    guard let start = solid.first else { throw UsageError("no atom has a radius, so there is no surface") }
    self.probe = probe
    let margin = SIMD3(repeating: probe + 1)
    low = solid.reduce(start.position) { pointwiseMin($0, $1.position - $1.radius) } - margin
    high = solid.reduce(start.position) { pointwiseMax($0, $1.position + $1.radius) } + margin
    guard ((high - low) / 1.5).max() < 1_200 else {
      throw UsageError("the atoms span \(Format.short((high - low).max())) Å, at most 1800 Å can be meshed")
    }
    centers = solid.map(\.position)
    radii = solid.map { $0.radius + probe }
    removeBuried()
    neighbors = Self.neighbors(centers, radii)
    try makeStrata(workers: workers)
    makeCells()
  }

  /// Drops atoms that lie within another.
  private mutating func removeBuried() {
    let near = Self.neighbors(centers, radii)
    let kept = centers.indices.filter { i in
      !near[i].contains { other in
        let j = Int(other)
        let d = Vector.length(centers[i] - centers[j])
        return d + radii[i] < radii[j] || (d + radii[i] == radii[j] && (d > 0 || j < i))
      }
    }
    (centers, radii) = (kept.map { centers[$0] }, kept.map { radii[$0] })
  }

  /// Atoms whose spheres meet each one's.
  private static func neighbors(_ centers: [SIMD3<Double>], _ radii: [Double]) -> [[Int32]] {
    let reach = 2 * (radii.max() ?? 1)
    func cell(_ p: SIMD3<Double>) -> SIMD3<Int32> { SIMD3<Int32>((p / reach).rounded(.down)) }
    var cells: [SIMD3<Int32>: [Int32]] = [:]
    for (i, center) in centers.enumerated() { cells[cell(center), default: []].append(Int32(i)) }
    return centers.indices.map { i in
      let own = cell(centers[i])
      var near: [Int32] = []
      for x in Int32(-1)...1 {
        for y in Int32(-1)...1 {
          for z in Int32(-1)...1 {
            for other in cells[own &+ SIMD3(x, y, z)] ?? [] where Int(other) != i {
              let d = centers[Int(other)] - centers[i]
              let sum = radii[i] + radii[Int(other)]
              if (d * d).sum() < sum * sum { near.append(other) }
            }
          }
        }
      }
      return near
    }
  }

  // MARK: Strata

  private mutating func makeStrata(workers: Int) throws {
    let field = self
    let chunks = try parallel(Self.chunks(centers.count, 64), workers: workers) { range in
      range.map { field.arcs(of: $0) }
    }
    var exposed = Set<Int32>()
    var corners = Set<SIMD3<Int64>>()
    for (i, list) in chunks.joined().enumerated() {
      if neighbors[i].isEmpty { exposed.insert(Int32(i)) }
      for (other, arc) in list {
        exposed.formUnion([Int32(i), other])
        arcs.append(arc)
        for interval in arc.free where interval.y - interval.x < 2 * .pi {
          for angle in [interval.x, interval.y] {
            let point = arc.center + arc.radius * (cos(angle) * arc.first + sin(angle) * arc.second)
            // Three arcs end in a point.
            if corners.insert(SIMD3<Int64>((point * 1e7).rounded(.toNearestOrEven))).inserted { points.append(point) }
          }
        }
      }
    }
    // A sphere that meets others in covered circles only is covered; one that meets none is free.
    patches = exposed.sorted()
  }

  static func chunks(_ count: Int, _ size: Int) -> [Range<Int>] {
    stride(from: 0, to: count, by: size).map { $0..<min($0 + size, count) }
  }

  /// Free parts of the circles of an atom with atoms behind it.
  private func arcs(of i: Int) -> [(Int32, Arc)] {
    neighbors[i].compactMap { other in
      let j = Int(other)
      guard j > i else { return nil }
      let between = centers[j] - centers[i]
      let d = Vector.length(between)
      let axis = between / d
      let offset = (d * d + radii[i] * radii[i] - radii[j] * radii[j]) / (2 * d)
      let square = radii[i] * radii[i] - offset * offset
      guard square > 1e-12 else { return nil }
      let (center, radius) = (centers[i] + offset * axis, square.squareRoot())
      let helper: SIMD3<Double> = abs(axis.x) < 0.6 ? [1, 0, 0] : [0, 1, 0]
      let first = Vector.unit(Vector.cross(axis, helper))
      let second = Vector.cross(axis, first)
      var covered: [SIMD2<Double>] = []
      for third in neighbors[i] where third != other {
        let k = Int(third)
        // Within sphere k where a cos + b sin < c.
        let w = center - centers[k]
        let (a, b) = (2 * radius * Vector.dot(w, first), 2 * radius * Vector.dot(w, second))
        let c = radii[k] * radii[k] - Vector.dot(w, w) - square
        let amplitude = (a * a + b * b).squareRoot()
        if c >= amplitude { return nil }
        if c <= -amplitude { continue }
        let (middle, half) = (atan2(b, a), acos(c / amplitude))
        var (start, end) = (middle + half, middle - half + 2 * .pi)
        while start < 0 { (start, end) = (start + 2 * .pi, end + 2 * .pi) }
        while start >= 2 * .pi { (start, end) = (start - 2 * .pi, end - 2 * .pi) }
        if end > 2 * .pi {
          covered += [SIMD2(start, 2 * .pi), SIMD2(0, end - 2 * .pi)]
        } else {
          covered.append(SIMD2(start, end))
        }
      }
      let free = Self.complement(covered)
      return free.isEmpty
        ? nil : (other, Arc(center: center, axis: axis, first: first, second: second, radius: radius, free: free))
    }
  }

  /// What intervals leave free of 0 to 2π.
  private static func complement(_ covered: [SIMD2<Double>]) -> [SIMD2<Double>] {
    var (free, at) = ([SIMD2<Double>](), 0.0)
    for interval in covered.sorted(by: { $0.x < $1.x }) {
      if interval.x > at { free.append(SIMD2(at, interval.x)) }
      at = max(at, interval.y)
    }
    if at < 2 * .pi { free.append(SIMD2(at, 2 * .pi)) }
    return free
  }

  // MARK: Cells

  /// Elements by cells; each cell has those that may be nearest to one of its points.
  private mutating func makeCells() {
    cells = CellLists(low: low, high: high, edge: 1.5)
    let reach = probe + Self.band
    let field = self
    func visit(_ cells: inout CellLists, _ body: (inout CellLists, CellLists.Kind, Int32, Int) -> Void) {
      for (i, center) in field.centers.enumerated() {
        cells.each(about: center, reach: field.radii[i]) { cells, cell, middle, half in
          if Vector.length(middle - center) < field.radii[i] + half { body(&cells, .atom, Int32(i), cell) }
        }
      }
      for i in field.patches {
        let (center, radius) = (field.centers[Int(i)], field.radii[Int(i)])
        cells.each(about: center, reach: radius + reach) { cells, cell, middle, half in
          if abs(Vector.length(middle - center) - radius) < reach + half { body(&cells, .patch, i, cell) }
        }
      }
      for (i, arc) in field.arcs.enumerated() {
        cells.each(about: arc.center, reach: arc.radius + reach) { cells, cell, middle, half in
          let w = middle - arc.center
          let (a, b, h) = (Vector.dot(w, arc.first), Vector.dot(w, arc.second), Vector.dot(w, arc.axis))
          let off = (a * a + b * b).squareRoot() - arc.radius
          if (off * off + h * h).squareRoot() < reach + half { body(&cells, .arc, Int32(i), cell) }
        }
      }
      for (i, point) in field.points.enumerated() {
        cells.each(about: point, reach: reach) { cells, cell, middle, half in
          if Vector.length(middle - point) < reach + half { body(&cells, .point, Int32(i), cell) }
        }
      }
    }
    visit(&cells) { cells, kind, _, cell in cells.announce(kind, cell) }
    cells.allocate()
    visit(&cells) { cells, kind, element, cell in cells.add(kind, element, cell) }
  }

  // MARK: Distances

  /// The nearest place for the middle of a probe, and its distance; nil where it's farther than the band, the point
  /// itself where that may be one.
  func nearest(_ x: SIMD3<Double>) -> (place: SIMD3<Double>, distance: Double)? {
    guard let cell = cells.cell(of: x) else { return (x, 0) }
    let isInside = cells[.atom, cell].contains { i in
      let d = x - centers[Int(i)]
      return (d * d).sum() < radii[Int(i)] * radii[Int(i)]
    }
    guard isInside else { return (x, 0) }
    let limit = probe + Self.band
    var (best, place) = (limit * limit, SIMD3<Double>?.none)
    for i in cells[.point, cell] {
      let d = x - points[Int(i)]
      let square = (d * d).sum()
      if square < best { (best, place) = (square, points[Int(i)]) }
    }
    for i in cells[.arc, cell] {
      let arc = arcs[Int(i)]
      let w = x - arc.center
      let (a, b, h) = (Vector.dot(w, arc.first), Vector.dot(w, arc.second), Vector.dot(w, arc.axis))
      let ring = (a * a + b * b).squareRoot()
      let square = h * h + (ring - arc.radius) * (ring - arc.radius)
      guard square < best, ring > 0 else { continue }
      var angle = atan2(b, a)
      if angle < 0 { angle += 2 * .pi }
      guard arc.free.contains(where: { $0.x <= angle && angle <= $0.y }) else { continue }
      (best, place) = (square, arc.center + (arc.radius / ring) * (a * arc.first + b * arc.second))
    }
    for i in cells[.patch, cell] {
      let d = x - centers[Int(i)]
      let length = (d * d).sum().squareRoot()
      let off = length - radii[Int(i)]
      guard off * off < best, length > 0 else { continue }
      let point = centers[Int(i)] + (radii[Int(i)] / length) * d
      let isCovered = neighbors[Int(i)].contains { k in
        let w = point - centers[Int(k)]
        return (w * w).sum() < radii[Int(k)] * radii[Int(k)] - 1e-9
      }
      if !isCovered { (best, place) = (off * off, point) }
    }
    return place.map { ($0, best.squareRoot()) }
  }

  /// Signed distance to the surface in Å, positive in the solvent, between `-band` and the probe's radius.
  func value(_ x: SIMD3<Double>) -> Double { nearest(x).map { probe - $0.distance } ?? -Self.band }

  /// The point of the surface on the way to the nearest place of a probe; nil where that isn't near or has no direction.
  func projected(_ x: SIMD3<Double>) -> SIMD3<Double>? {
    guard let (place, distance) = nearest(x), distance > 1e-9 else { return nil }
    return place + (probe / distance) * (x - place)
  }
}

/// Elements by cells of a box, in one array for each kind.
private struct CellLists: Sendable {
  enum Kind: Int, CaseIterable { case atom, patch, arc, point }

  private let low: SIMD3<Double>
  private let edge: Double
  private let size: SIMD3<Int>
  private var starts: [[Int32]]
  private var ends: [[Int32]]
  private var elements: [[Int32]]

  init(low: SIMD3<Double>, high: SIMD3<Double>, edge: Double) {
    (self.low, self.edge) = (low, edge)
    let extent = ((high - low) / edge).rounded(.up)
    size = SIMD3(max(1, Int(extent.x)), max(1, Int(extent.y)), max(1, Int(extent.z)))
    let count = size.x * size.y * size.z
    starts = Kind.allCases.map { _ in [Int32](repeating: 0, count: count + 1) }
    ends = []
    elements = []
  }

  func cell(of x: SIMD3<Double>) -> Int? {
    let place = ((x - low) / edge).rounded(.down)
    guard place.min() >= 0, place.x < Double(size.x), place.y < Double(size.y), place.z < Double(size.z) else {
      return nil
    }
    return (Int(place.z) * size.y + Int(place.y)) * size.x + Int(place.x)
  }

  /// Cells that a ball may meet, with the middle of each and half its diagonal.
  mutating func each(
    about center: SIMD3<Double>, reach: Double, _ body: (inout CellLists, Int, SIMD3<Double>, Double) -> Void
  ) {
    let half = edge * 3.0.squareRoot() / 2
    let from = ((center - low - reach) / edge).rounded(.down).clamped(
      lowerBound: .zero, upperBound: SIMD3(repeating: 1e6))
    let to = ((center - low + reach) / edge).rounded(.down)
    let (x0, y0, z0) = (Int(from.x), Int(from.y), Int(from.z))
    let (x1, y1, z1) = (min(size.x - 1, Int(to.x)), min(size.y - 1, Int(to.y)), min(size.z - 1, Int(to.z)))
    guard x0 <= x1, y0 <= y1, z0 <= z1 else { return }
    for z in z0...z1 {
      for y in y0...y1 {
        for x in x0...x1 {
          let middle = low + edge * (SIMD3(Double(x), Double(y), Double(z)) + 0.5)
          body(&self, (z * size.y + y) * size.x + x, middle, half)
        }
      }
    }
  }

  mutating func announce(_ kind: Kind, _ cell: Int) { starts[kind.rawValue][cell + 1] += 1 }

  mutating func allocate() {
    for kind in Kind.allCases.indices {
      for i in 1..<starts[kind].count { starts[kind][i] += starts[kind][i - 1] }
    }
    ends = starts
    elements = starts.map { [Int32](repeating: 0, count: Int($0.last ?? 0)) }
  }

  mutating func add(_ kind: Kind, _ element: Int32, _ cell: Int) {
    let place = ends[kind.rawValue][cell]
    elements[kind.rawValue][Int(place)] = element
    ends[kind.rawValue][cell] = place + 1
  }

  subscript(_ kind: Kind, _ cell: Int) -> ArraySlice<Int32> {
    elements[kind.rawValue][Int(starts[kind.rawValue][cell])..<Int(starts[kind.rawValue][cell + 1])]
  }
}
