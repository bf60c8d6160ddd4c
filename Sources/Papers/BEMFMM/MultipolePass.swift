import Kernels

/// One evaluation of a fast multipole sum.
///
/// Quantities of boxes lie in lanes of eight: [box / 8][n][8] within a level, so that products with translations run
/// over eight boxes at a time.
final class MultipolePass: Sendable {
  let plan: MultipolePlan
  /// Ordered charges, then the dipoles' x, y, z.
  let charges: SharedDoubles
  let hasDipoles: Bool
  let scales: [Double]
  let needsGradient: Bool
  /// By kernel, in the targets' order.
  let fields: [SharedDoubles]
  /// Charges on the inner surface, by kernel and level.
  private let multipoles: [[SharedDoubles]]
  /// Potentials on the inner surface, then charges on the outer one, by kernel and level.
  private let locals: [[SharedDoubles]]

  private let tree: Octree
  /// Points of a surface.
  private let n: Int

  init(plan: MultipolePlan, charges: SharedDoubles, hasDipoles: Bool, scales: [Double], needsGradient: Bool) {
    self.plan = plan
    (self.charges, self.hasDipoles, self.scales, self.needsGradient) = (charges, hasDipoles, scales, needsGradient)
    fields = plan.kernels.map { _ in SharedDoubles((needsGradient ? 4 : 1) * plan.targetCount) }
    let (n, tree) = (plan.surface.points.count, plan.tree)
    (self.n, self.tree) = (n, tree)
    let make = {
      plan.kernels.map { _ in
        (0...max(2, tree.depth)).map { level in
          let count = level < 2 || level > tree.depth ? 0 : tree.levels[level + 1] - tree.levels[level]
          return SharedDoubles((count + 7) / 8 * n * 8)
        }
      }
    }
    (multipoles, locals) = (make(), make())
  }

  func run() {
    guard plan.sourceCount > 0, plan.targetCount > 0 else { return }
    if tree.depth >= 2 {
      for level in (2...tree.depth).reversed() { upward(level) }
      for level in 2...tree.depth {
        for kernel in plan.kernels.indices { translate(level, kernel) }
        downward(level)
      }
    }
    evaluateLeaves()
  }

  // MARK: Sources and targets of the pair sums

  private func point(_ buffer: SharedDoubles, _ offset: Int) -> UnsafePointer<Double> {
    UnsafePointer(buffer.pointer + offset)
  }

  /// All ordered sources.
  private var particles: kernels_point_sources {
    let count = plan.sourceCount
    var sources = kernels_point_sources()
    sources.x = point(plan.sources, 0)
    sources.y = point(plan.sources, count)
    sources.z = point(plan.sources, 2 * count)
    for (place, kernel) in plan.kernels.enumerated() {
      if case .yukawa(let kappa) = kernel {
        (sources.yukawa, sources.kappa, sources.yukawa_dipoles) = (point(charges, 0), kappa, scales[place])
      } else {
        (sources.laplace, sources.laplace_dipoles) = (point(charges, 0), scales[place])
      }
    }
    if hasDipoles {
      sources.dipole_x = point(charges, count)
      sources.dipole_y = point(charges, 2 * count)
      sources.dipole_z = point(charges, 3 * count)
    }
    return sources
  }

  /// All ordered targets.
  private var places: kernels_point_targets {
    let count = plan.targetCount
    var targets = kernels_point_targets()
    targets.x = point(plan.targets, 0)
    targets.y = point(plan.targets, count)
    targets.z = point(plan.targets, 2 * count)
    for (place, kernel) in plan.kernels.enumerated() {
      for part in 0..<(needsGradient ? 4 : 1) { targets.set(part, kernel, fields[place].pointer + part * count) }
    }
    return targets
  }

  /// Points of a cube's surface about boxes, with room for a charge or potential a kernel and point.
  private final class Cube {
    let room: SharedDoubles
    let n: Int
    init(_ n: Int) { (room, self.n) = (SharedDoubles(5 * n), n) }

    func move(_ surface: CubeSurface, _ centre: SIMD3<Double>, _ scale: Double) {
      for i in 0..<n {
        let point = centre + surface.points[i] * scale
        room.pointer[i] = point.x
        room.pointer[n + i] = point.y
        room.pointer[2 * n + i] = point.z
      }
    }
    func clear() { for i in 3 * n..<5 * n { room.pointer[i] = 0 } }
    /// Values of a kernel.
    func values(_ kernel: Int) -> UnsafeMutablePointer<Double> { room.pointer + (3 + kernel) * n }

    func targets(_ kernels: [GreensFunction]) -> kernels_point_targets {
      var targets = kernels_point_targets()
      targets.x = UnsafePointer(room.pointer)
      targets.y = UnsafePointer(room.pointer + n)
      targets.z = UnsafePointer(room.pointer + 2 * n)
      for (place, kernel) in kernels.enumerated() {
        targets.set(0, kernel, values(place))
      }
      return targets
    }

    func sources(_ kernels: [GreensFunction]) -> kernels_point_sources {
      var sources = kernels_point_sources()
      sources.x = UnsafePointer(room.pointer)
      sources.y = UnsafePointer(room.pointer + n)
      sources.z = UnsafePointer(room.pointer + 2 * n)
      for (place, kernel) in kernels.enumerated() {
        if case .yukawa(let kappa) = kernel {
          (sources.yukawa, sources.kappa) = (UnsafePointer(values(place)), kappa)
        } else {
          sources.laplace = UnsafePointer(values(place))
        }
      }
      return sources
    }
  }

  /// Where the value of a surface point of a box of a level lies: base and step 8.
  private func column(_ buffer: SharedDoubles, _ local: Int) -> UnsafeMutablePointer<Double> {
    buffer.pointer + (local / 8) * n * 8 + local % 8
  }

  // MARK: Upward

  /// Multipoles of a level: from the sources of leaves (P2M), from children else (M2M).
  private func upward(_ level: Int) {
    let first = tree.levels[level]
    let count = tree.levels[level + 1] - first
    let half = tree.halfWidth(level)
    concurrently((count + 7) / 8, grain: 2) { groups in
      let cube = Cube(n)
      let room = SharedDoubles(3 * n * 8)
      let (check, middle, gathered) = (room.pointer, room.pointer + n * 8, room.pointer + 2 * n * 8)
      var particles = particles
      for group in groups {
        let lanes = min(8, count - 8 * group)
        let checks = SharedDoubles(plan.kernels.count * n * 8)
        for lane in 0..<lanes {
          let box = tree.boxes[first + 8 * group + lane]
          guard box.isLeaf, !box.sources.isEmpty else { continue }
          cube.move(plan.surface, tree.centre(box), CubeSurface.outer * half)
          cube.clear()
          var targets = cube.targets(plan.kernels)
          let range = [Int64(box.sources.lowerBound), Int64(box.sources.upperBound)]
          kernels_point_sums(&particles, range, 1, &targets, 0, Int64(n))
          for kernel in plan.kernels.indices {
            let (from, to) = (cube.values(kernel), checks.pointer + kernel * n * 8 + lane)
            for i in 0..<n { to[8 * i] = from[i] }
          }
        }
        for kernel in plan.kernels.indices {
          let operators = plan.operators[kernel][level]
          for i in 0..<n * 8 { check[i] = checks.pointer[kernel * n * 8 + i] }
          for octant in 0..<8 {
            var isAny = false
            for lane in 0..<lanes {
              let box = tree.boxes[first + 8 * group + lane]
              for child in Int(box.firstChild)..<Int(box.firstChild + box.childCount)
              where tree.boxes[child].octant == Int32(octant) && !tree.boxes[child].sources.isEmpty {
                if !isAny { for i in 0..<n * 8 { gathered[i] = 0 } }
                isAny = true
                let from = column(multipoles[kernel][level + 1], child - tree.levels[level + 1])
                for i in 0..<n { gathered[8 * i + lane] = from[8 * i] }
              }
            }
            if isAny {
              kernels_lanes_multiply(
                operators.children[octant], Int64(n), Int64(n), false, true, 1 / half, gathered, check, 1)
            }
          }
          let to = multipoles[kernel][level].pointer + group * n * 8
          kernels_lanes_multiply(operators.upFirst, Int64(n), Int64(n), false, false, 1, check, middle, 1)
          kernels_lanes_multiply(operators.upSecond, Int64(n), Int64(n), false, false, half, middle, to, 1)
        }
      }
    }
  }

  // MARK: Across

  /// Boxes whose spectra are summed at a time.
  private static let blockGroups = 16

  /// Multipoles to locals of boxes of the same level whose parents touch (M2L, V list).
  private func translate(_ level: Int, _ kernel: Int) {
    let first = tree.levels[level]
    let count = tree.levels[level + 1] - first
    let (operators, order) = (plan.operators[kernel][level], Int64(plan.surface.order))
    let stride = operators.stride
    let groups = (count + 7) / 8
    let spectra = SharedDoubles(count * stride, isZero: false)
    let (multipoles, locals) = (multipoles[kernel][level], locals[kernel][level])
    concurrently(groups, grain: 4) { range in
      let room = SharedDoubles(Int(kernels_fourier_room(order)))
      for group in range {
        let boxes = (0..<8).map { lane -> Int64 in
          let local = 8 * group + lane
          return local < count && !tree.boxes[first + local].sources.isEmpty ? Int64(local) : -1
        }
        kernels_surface_spectra(
          order, plan.surface.places, Int64(n), multipoles.pointer + group * n * 8, boxes, Int64(stride),
          spectra.pointer, room.pointer)
      }
    }
    let scale = 1 / tree.halfWidth(level)
    concurrently((groups + Self.blockGroups - 1) / Self.blockGroups) { range in
      let room = SharedDoubles(Int(kernels_fourier_room(order)))
      let sums = SharedDoubles(8 * Self.blockGroups * stride)
      var triples: [Int32] = []
      for block in range {
        let from = 8 * Self.blockGroups * block
        let to = min(count, from + 8 * Self.blockGroups)
        sums.clear()
        triples.removeAll(keepingCapacity: true)
        for local in from..<to where !tree.boxes[first + local].targets.isEmpty {
          addTriples(first + local, first, Int32(local - from), &triples)
        }
        if triples.isEmpty { continue }
        kernels_spectrum_products(
          triples, Int64(triples.count / 3), Int64(stride), spectra.pointer, operators.spectra.pointer, sums.pointer)
        for group in from / 8..<(to + 7) / 8 {
          let places = (0..<8).map { lane -> UnsafePointer<Double>? in
            let local = 8 * group + lane
            return local < to ? UnsafePointer(sums.pointer + (local - from) * stride) : nil
          }
          kernels_surface_values(
            order, plan.surface.places, Int64(n), places, scale, locals.pointer + group * n * 8, room.pointer)
        }
      }
    }
  }

  /// Appends (target, source, offset) of a box's V list: children of its parent's colleagues that don't touch it.
  private func addTriples(_ number: Int, _ first: Int, _ target: Int32, _ triples: inout [Int32]) {
    tree.boxes.withUnsafeBufferPointer { boxes in
      tree.colleagues.withUnsafeBufferPointer { colleagues in
        let box = boxes[number]
        for slot in 0..<27 {
          let uncle = colleagues[27 * Int(box.parent) + slot]
          guard uncle >= 0 else { break }
          let start = Int(boxes[Int(uncle)].firstChild)
          for cousin in start..<start + Int(boxes[Int(uncle)].childCount) {
            let d = box.place &- boxes[cousin].place
            if d.x >= -1, d.x <= 1, d.y >= -1, d.y <= 1, d.z >= -1, d.z <= 1 { continue }
            if boxes[cousin].sources.isEmpty { continue }
            triples.append(target)
            triples.append(Int32(cousin - first))
            triples.append(TranslationOperators.offset(d))
          }
        }
      }
    }
  }

  // MARK: Downward

  /// Locals of a level: sources of larger leaves (P2L, X list), then charges from potentials, then on to children (L2L).
  private func downward(_ level: Int) {
    let first = tree.levels[level]
    let count = tree.levels[level + 1] - first
    let half = tree.halfWidth(level)
    concurrently((count + 7) / 8, grain: 2) { groups in
      let cube = Cube(n)
      let room = SharedDoubles(2 * n * 8)
      let (middle, passed) = (room.pointer, room.pointer + n * 8)
      var particles = particles
      for group in groups {
        let lanes = min(8, count - 8 * group)
        for lane in 0..<lanes {
          let number = first + 8 * group + lane
          let box = tree.boxes[number]
          if box.targets.isEmpty || isDirect(box) { continue }
          let ranges = self.ranges(of: tree.locals[number])
          if ranges.isEmpty { continue }
          cube.move(plan.surface, tree.centre(box), CubeSurface.inner * half)
          cube.clear()
          var targets = cube.targets(plan.kernels)
          kernels_point_sums(&particles, ranges, Int64(ranges.count / 2), &targets, 0, Int64(n))
          for kernel in plan.kernels.indices {
            let (from, to) = (cube.values(kernel), column(locals[kernel][level], 8 * group + lane))
            for i in 0..<n { to[8 * i] += from[i] }
          }
        }
        for kernel in plan.kernels.indices {
          let operators = plan.operators[kernel][level]
          let own = locals[kernel][level].pointer + group * n * 8
          kernels_lanes_multiply(operators.downFirst, Int64(n), Int64(n), false, false, 1, own, middle, 1)
          kernels_lanes_multiply(operators.downSecond, Int64(n), Int64(n), false, false, half, middle, own, 1)
          for octant in 0..<8 {
            var isDone = false
            for lane in 0..<lanes {
              let box = tree.boxes[first + 8 * group + lane]
              for child in Int(box.firstChild)..<Int(box.firstChild + box.childCount)
              where tree.boxes[child].octant == Int32(octant) && !tree.boxes[child].targets.isEmpty {
                if !isDone {
                  kernels_lanes_multiply(
                    operators.children[octant], Int64(n), Int64(n), true, false, 1 / half, own, passed, 1)
                }
                isDone = true
                let to = column(locals[kernel][level + 1], child - tree.levels[level + 1])
                for i in 0..<n { to[8 * i] += passed[8 * i + lane] }
              }
            }
          }
        }
      }
    }
  }

  // MARK: Leaves

  /// Whether larger leaves' sources act directly on a leaf's targets, which are few, rather than on its surface.
  private func isDirect(_ box: Octree.Box) -> Bool { box.isLeaf && box.targets.count <= n }

  /// Ranges of sources of boxes, as pairs; neighbouring ones are joined.
  private func ranges(of boxes: [Int32]) -> [Int64] {
    var ranges: [Int64] = []
    for number in boxes {
      let range = tree.boxes[Int(number)].sources
      if range.isEmpty { continue }
      if ranges.last == Int64(range.lowerBound) {
        ranges[ranges.count - 1] = Int64(range.upperBound)
      } else {
        ranges += [Int64(range.lowerBound), Int64(range.upperBound)]
      }
    }
    return ranges
  }

  /// Fields at the targets of leaves: from their locals (L2P), multipoles (M2P) and sources (P2P).
  private func evaluateLeaves() {
    concurrently(plan.targetLeaves.count, grain: 4) { leaves in
      let cube = Cube(n)
      var (particles, places) = (particles, places)
      for place in leaves {
        let number = Int(plan.targetLeaves[place])
        let box = tree.boxes[number]
        let (begin, end) = (Int64(box.targets.lowerBound), Int64(box.targets.upperBound))
        var direct = tree.near[number]
        if isDirect(box) { direct += tree.locals[number] }
        let whole: [Int64] = [0, Int64(n)]
        for far in tree.multipoles[number] {
          let other = tree.boxes[Int(far)]
          if other.sources.isEmpty { continue }
          if other.sources.count <= n {
            direct.append(far)
            continue
          }
          let level = Int(other.level)
          spread(multipoles, level, Int(far), CubeSurface.inner, cube)
          var sources = cube.sources(plan.kernels)
          kernels_point_sums(&sources, whole, 1, &places, begin, end)
        }
        if box.level >= 2 {
          spread(locals, Int(box.level), number, CubeSurface.outer, cube)
          var sources = cube.sources(plan.kernels)
          kernels_point_sums(&sources, whole, 1, &places, begin, end)
        }
        let ranges = ranges(of: direct)
        kernels_point_sums(&particles, ranges, Int64(ranges.count / 2), &places, begin, end)
      }
    }
  }

  /// A box's charges on a surface, for a sum over them.
  private func spread(
    _ buffers: [[SharedDoubles]], _ level: Int, _ number: Int, _ radius: Double, _ cube: Cube
  ) {
    let box = tree.boxes[number]
    cube.move(plan.surface, tree.centre(box), radius * tree.halfWidth(level))
    for kernel in plan.kernels.indices {
      let (from, to) = (column(buffers[kernel][level], number - tree.levels[level]), cube.values(kernel))
      for i in 0..<n { to[i] = from[8 * i] }
    }
  }
}
