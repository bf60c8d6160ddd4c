import Foundation
import Pinion
import Testing

/// Deterministic numbers in (low, high), of a small linear congruence.
func numbers(_ shape: [Int], _ low: Double = -1, _ high: Double = 1, seed: UInt64 = 1, dtype: DType = .float64)
  -> Tensor
{
  Tensor(congruence(shape.elementCount, low, high, seed), shape: shape).cast(dtype)
}

/// Deterministic numbers in (low, high).
func congruence(_ count: Int, _ low: Double, _ high: Double, _ seed: UInt64) -> [Double] {
  var state = seed &* 2_862_933_555_777_941_757 &+ 3_037_000_493
  return (0..<count).map { _ in
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return low + (high - low) * (Double(state >> 11) + 0.5) / Double(1 << 53)
  }
}

func doubles(_ t: Tensor) throws -> [Double] { try t.cast(.float64).array(of: Double.self) }

/// An error in words, without its place: finding that in a program as large as the tests takes most of a second.
func words(_ error: any Error) -> String {
  (error as? TensorError).map { "\($0.operation): \($0.message)" } ?? "\(error)"
}

func expectClose(
  _ a: Tensor, _ b: Tensor, _ tolerance: Double = 1e-9, _ comment: Comment? = nil,
  sourceLocation: Testing.SourceLocation = #_sourceLocation
) throws {
  #expect(a.shape == b.shape, comment, sourceLocation: sourceLocation)
  // One program of both, unless they are on different devices; what is wrong with one, reading it tells.
  let pair = [a.cast(.float64), b.cast(.float64)]
  try? evaluate(pair)
  for (x, y) in zip(try doubles(pair[0]), try doubles(pair[1]))
  where !(abs(x - y) <= tolerance * max(1, abs(y)) || x == y || x.isNaN && y.isNaN) {
    Issue.record("\(comment?.rawValue ?? "") \(x) is not \(y)", sourceLocation: sourceLocation)
    return
  }
}

/// Derivatives against central differences in float64, of first order and (through the gradient) of second. Checks are
/// computed together, since each program costs a compilation.
struct GradientChecks {
  private struct Check {
    let name: String
    let inputs: [Tensor]
    let isSecond: Bool
    let tolerance: Double
    let place: Testing.SourceLocation
    let function: ([Tensor]) throws -> Tensor

    /// The sum with fixed weights.
    func loss(_ x: [Tensor]) throws -> Tensor {
      let y = try function(x)
      return (y * numbers(y.shape, 0.5, 1.5, seed: 77)).sum()
    }

    /// The same of the gradient.
    func gradientLoss(_ x: [Tensor]) throws -> Tensor {
      try grad(loss)(x).enumerated().reduce(Tensor.zeros([], dtype: .float64)) { total, part in
        total + (part.element * numbers(part.element.shape, 0.5, 1.5, seed: UInt64(100 + part.offset))).sum()
      }
    }

    var losses: [([Tensor]) throws -> Tensor] { isSecond ? [loss, gradientLoss] : [loss] }

    /// One random direction per input tells a wrong derivative as well as all axes do.
    func direction(_ input: Int) -> Tensor { numbers(inputs[input].shape, -1, 1, seed: UInt64(900 + input)) }
  }
  private var checks: [Check] = []
  /// Checks of one program.
  private static let groupSize = 8

  /// Expects the derivatives of `function`, which maps tensors to a tensor of any shape, to be right.
  mutating func add(
    _ name: String, _ inputs: [Tensor], second: Bool = true, tolerance: Double = 1e-6,
    sourceLocation: Testing.SourceLocation = #_sourceLocation, _ function: @escaping ([Tensor]) throws -> Tensor
  ) {
    checks.append(
      Check(
        name: name, inputs: inputs, isSecond: second, tolerance: tolerance, place: sourceLocation, function: function))
  }

  func run() throws {
    for start in stride(from: 0, to: checks.count, by: Self.groupSize) {
      try run(checks[start..<min(start + Self.groupSize, checks.count)])
    }
  }

  private func run(_ group: ArraySlice<Check>) throws {
    let arguments = group.flatMap(\.inputs)
    /// What a program computes of each check's inputs, in a row.
    func joined(_ given: [Tensor], _ work: (Check, [Tensor]) throws -> [Tensor]) throws -> Tensor {
      var next = given[...]
      return stack(
        try group.flatMap { check in
          defer { next = next.dropFirst(check.inputs.count) }
          return try work(check, Array(next.prefix(check.inputs.count)))
        })
    }
    let slopes = jit { (given: [Tensor]) -> Tensor in
      try joined(given) { check, x in
        try check.losses.flatMap { loss in
          try grad(loss)(x).enumerated().map { ($1 * check.direction($0)).sum() }
        }
      }
    }
    // Steps are data, so that every difference runs the same program.
    let values = jit { (given: [Tensor], steps: Tensor) -> Tensor in
      try joined(given) { check, x in
        let moved = x.enumerated().map { $1 + check.direction($0) * steps[$0] }
        return try check.losses.map { try $0(moved) }
      }
    }
    let (count, h) = (group.map(\.inputs.count).max() ?? 0, 1e-5)
    let differences = try (0..<count).map { input -> [Double] in
      let sides = try [h, -h].map { step in
        try doubles(values(arguments, Tensor((0..<count).map { $0 == input ? step : 0 })))
      }
      return zip(sides[0], sides[1]).map { ($0 - $1) / (2 * h) }
    }
    var (analytic, row) = (try doubles(slopes(arguments))[...], 0)
    for check in group {
      for order in check.losses.indices {
        for input in check.inputs.indices {
          let (slope, measured) = (analytic.popFirst() ?? .nan, differences[input][row])
          #expect(
            abs(measured - slope) <= check.tolerance * (order == 0 ? 1 : 20) * max(1, abs(measured)),
            "\(check.name), order \(order + 1), input \(input): \(slope), differences say \(measured)",
            sourceLocation: check.place)
        }
        row += 1
      }
    }
  }
}

/// One check of derivatives; see `GradientChecks`.
func checkGradients(
  _ name: String, _ inputs: [Tensor], second: Bool = true, tolerance: Double = 1e-6,
  sourceLocation: Testing.SourceLocation = #_sourceLocation, _ function: @escaping ([Tensor]) throws -> Tensor
) throws {
  var checks = GradientChecks()
  checks.add(name, inputs, second: second, tolerance: tolerance, sourceLocation: sourceLocation, function)
  try checks.run()
}

/// A tensor of another library; `nil` stands for NaN.
struct Expected: Decodable {
  let shape: [Int]
  let values: [Double?]
  var doubles: [Double] { values.map { $0 ?? .nan } }
}
