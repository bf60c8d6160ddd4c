extension GoldenProgram {
  /// The derivative along random directions in double precision, against central differences.
  func grad(_ inputs: [Tensor]) throws -> Verdict {
    guard inputs.contains(where: { $0.dtype.isDifferentiable }) else { return .skipped("no floating-point inputs") }
    if let reason = try obstacle(inputs) { return .skipped(reason) }
    let active = inputs.indices.filter { inputs[$0].dtype.isDifferentiable }
    // Complex inputs are pairs of real ones, so that no convention matters.
    let start = try active.map { try inputs[$0].numbers() }
    func scalarInputs(_ numbers: [[Double]]) -> [Tensor] {
      zip(active, numbers).map { Tensor($1, shape: inputs[$0].shape + (inputs[$0].dtype.isComplex ? [2] : [])) }
    }
    func outputs(_ parts: [Tensor]) throws -> [Tensor] {
      var all = inputs
      for (k, part) in zip(active, parts) { all[k] = inputs[k].dtype.isComplex ? part.asComplex() : part }
      return try results(all, widening: true).filter { $0.dtype.isDifferentiable }
        .map { $0.dtype.isComplex ? stack([$0.real(), $0.imaginary()], axis: -1) : $0 }
    }
    func values(_ numbers: [[Double]]) throws -> [[Double]] {
      let results = try outputs(scalarInputs(numbers))
      try evaluate(results)
      return try results.map { try $0.array(of: Double.self) }
    }
    let base = try values(start)
    guard base.contains(where: { !$0.isEmpty }) else { return .skipped("no floating-point results") }
    var random = Generator(seed: 1)
    let weights = base.map { $0.map { $0.isFinite ? random.next() : 0 } }
    let parts = scalarInputs(start)
    let (value, pullback) = try vjp(parts) { try outputs($0) }
    let gradients = try pullback(zip(weights, value).map { Tensor($0, shape: $1.shape) })
    try evaluate(gradients)
    let slopes = try gradients.map { try $0.array(of: Double.self) }
    let isFinite = base.allSatisfy { $0.allSatisfy(\.isFinite) } && start.allSatisfy { $0.allSatisfy(\.isFinite) }
    if isFinite, !slopes.allSatisfy({ $0.allSatisfy(\.isFinite) }) {
      return .wrong(cause: "grad", message: "\(module.scanner.file): the derivative isn't finite, all values are")
    }
    for _ in 0..<2 {
      let direction = zip(start, slopes).map { zip($0, $1).map { random.direction(at: $0, slope: $1) } }
      var closest = (analytic: 0.0, numeric: Double.infinity)
      for step in [1e-6, 1e-5, 1e-7, 1e-4] {
        let ahead = try values(zip(start, direction).map { zip($0, $1).map { $0 + step * $1 } })
        let behind = try values(zip(start, direction).map { zip($0, $1).map { $0 - step * $1 } })
        var numeric = 0.0
        var scale = 0.0
        var isUsable = true
        for (k, weight) in weights.enumerated() {
          for (i, w) in weight.enumerated() where w != 0 {
            guard ahead[k][i].isFinite, behind[k][i].isFinite else {
              isUsable = false
              continue
            }
            numeric += w * (ahead[k][i] - behind[k][i]) / (2 * step)
            scale += abs(w) * (abs(ahead[k][i]) + abs(behind[k][i]))
          }
        }
        guard isUsable else { continue }
        let analytic = zip(slopes, direction).reduce(0) {
          $0 + zip($1.0, $1.1).reduce(0) { $1.1 == 0 ? $0 : $0 + $1.0 * $1.1 }
        }
        let noise = scale * 1e-15 / step
        if abs(analytic - numeric) < abs(closest.analytic - closest.numeric) { closest = (analytic, numeric) }
        if abs(analytic - numeric) <= 1e-4 * max(abs(analytic), abs(numeric)) + 10 * noise + 1e-9 {
          closest = (0, 0)
          break
        }
      }
      if closest.analytic != closest.numeric {
        if closest.numeric == .infinity { return .skipped("values around the inputs aren't finite") }
        return .wrong(
          cause: "grad",
          message: "\(module.scanner.file): derivative \(closest.analytic), differences \(closest.numeric)")
      }
    }
    return .right
  }

  /// Why a program has no derivative that differences could tell.
  private func obstacle(_ inputs: [Tensor]) throws -> String? {
    let region = try Region.trace(inputs.map(\.type), .made) { try results($0) }.region
    guard region.resultTypes.contains(where: { $0.dtype.isDifferentiable }) else { return "no floating-point results" }
    for node in region.program.nodes {
      switch node.primitive {
      case is BitcastConvert: return "works on the bits of its numbers"
      case is ReducePrecision: return "rounds its numbers"
      case is RandomBits: return "makes random numbers"
      case is While: return "has a loop of unknown length, through which there is no reverse derivative"
      case let binary as Binary where binary.kind == .nextAfter: return "works on the bits of its numbers"
      default: break
      }
    }
    return nil
  }
}

/// A small generator of numbers, the same everywhere.
private struct Generator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  /// In -1 ..< 1, at least 1/4 away from 0.
  mutating func next() -> Double {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    let unit = Double(state >> 11) / Double(1 << 53)
    return unit < 0.5 ? -0.25 - 1.5 * unit : 0.25 + 1.5 * (unit - 0.5)
  }

  mutating func direction(at x: Double, slope: Double) -> Double {
    let value = next()
    return x.isFinite && slope.isFinite ? value * Swift.min(Swift.max(abs(x), 0.1), 1e6) : 0
  }
}

extension Tensor {
  /// Elements in double precision; complex ones as pairs.
  fileprivate func numbers() throws -> [Double] {
    if dtype.isComplex {
      return try stack([real(), imaginary()], axis: -1).cast(.float64).array(of: Double.self)
    }
    return try cast(.float64).array(of: Double.self)
  }

  /// Complex numbers of pairs along the last axis.
  fileprivate func asComplex() -> Tensor {
    let axis = rank - 1
    return complex(
      slice(axis: axis, from: 0, to: 1).squeeze(axis: axis), slice(axis: axis, from: 1, to: 2).squeeze(axis: axis))
  }
}
