import Foundation
import Pinion
import Testing

/// Values, derivatives and vmapped values of every operation against jax; see Oracles/differential.py.
///
/// Where the two differ on purpose the script follows our rule, or leaves the case out:
/// - sorting in descending order puts NaN last with us, first in jax;
/// - indices outside of a tensor read its edge (jax: NaN, unless asked to clip), negative ones count from the end;
/// - the derivative of abs at 0 is 0 with us (PyTorch's rule), 1 in jax;
/// - the sign of complex numbers has a derivative with us, 0 in jax;
/// - of equal elements a cumulative maximum gives the derivative to the last, jax shares it;
/// - scatterMax and scatterMin have a derivative with us, none in jax;
/// - places are int32, as in jax without 64-bit types;
/// - division of integers goes towards zero, as XLA's.
@Suite struct DifferentialTests {
  /// What of the type's precision results may lose.
  private static func tolerance(_ dtype: DType) -> Double {
    switch dtype {
    case .float16: 4 * Double(Float16.ulpOfOne)
    case .bfloat16: 4.0 / 128
    case .float32, .complex64: 16 * Double(Float.ulpOfOne)
    case .float64, .complex128: 1e-10
    default: 0
    }
  }

  private func compare(_ result: Tensor, _ expected: OracleCase.Stored, _ loose: Double, _ what: String) throws {
    guard result.dtype.rawValue == expected.d, result.shape == expected.s else {
      Issue.record("\(what): \(result.type) is not \(expected.d)\(expected.s)")
      return
    }
    let tolerance = Self.tolerance(result.dtype) * loose
    let (ours, theirs) = (
      hostNumbers(try result.bytes(), result.dtype), hostNumbers(Array(expected.b), result.dtype)
    )
    for (i, (x, y)) in zip(ours, theirs).enumerated()
    where !(x == y || x.isNaN && y.isNaN || abs(x - y) <= tolerance * max(1, abs(y))) {
      Issue.record("\(what) at \(i): \(x) is not \(y)")
      return
    }
  }

  /// One compiled program for a group of cases.
  private func check(_ cases: ArraySlice<OracleCase>) throws {
    var arguments: [Tensor] = []
    for c in cases { arguments += c.operands() + c.batch(3, c.axes) }
    var expected: [(stored: OracleCase.Stored, loose: Double, what: String)] = []
    let program = jit { (given: [Tensor]) -> [Tensor] in
      var results: [Tensor] = []
      var next = given[...]
      func take(_ n: Int) -> [Tensor] {
        defer { next = next.dropFirst(n) }
        return Array(next.prefix(n))
      }
      for c in cases {
        let (single, batch) = (take(c.inputs.count), take(c.inputs.count))
        let name = "\(c.op) \(c.inputs.map { "\($0.d)\($0.s)" }.joined(separator: " "))"
        func put(_ tensors: [Tensor], _ stored: [OracleCase.Stored], _ what: String) {
          if tensors.count != stored.count { Issue.record("\(name), \(what): \(tensors.count) results") }
          for (i, (tensor, stored)) in zip(tensors, stored).enumerated() {
            guard tensor.failure == nil else {
              Issue.record("\(name), \(what): \(tensor.failure?.description ?? "")")
              continue
            }
            results.append(tensor)
            expected.append((stored, c.loose ?? 1, "\(name), \(what) \(i)"))
          }
        }
        do {
          guard let values = operation(c.op, single) else {
            Issue.record("\(name) isn't in the table")
            continue
          }
          put(values, c.values, "value")
          put(
            try mapped(c.axes, outAxis: 0, batch) { operation(c.op, $0) ?? [] }, c.vmap, "of examples \(c.axes)")
          if let stored = c.gradients {
            let gradients = try grad { oracleLoss(operation(c.op, $0) ?? []) }(single)
            put(gradients.filter(\.dtype.isDifferentiable), stored, "gradient")
          }
        } catch {
          Issue.record("\(name): \(error)")
        }
      }
      return results
    }
    let results = try program(arguments)
    for (result, e) in zip(results, expected) { try compare(result, e.stored, e.loose, e.what) }
  }

  @Test func agreesWithJAX() throws {
    let cases = try oracle("differential", as: [OracleCase].self)
    #expect(cases.count >= 300)
    #expect(cases.count { $0.gradients != nil } >= 200)
    for start in stride(from: 0, to: cases.count, by: 32) {
      try check(cases[start..<min(start + 32, cases.count)])
    }
  }
}

/// `vmap` of a function of up to four tensors.
func mapped(
  _ axes: [Int?], outAxis: Int, _ x: [Tensor], _ f: @escaping ([Tensor]) throws -> [Tensor]
) throws -> [Tensor] {
  switch x.count {
  case 1:
    let g: (Tensor) throws -> [Tensor] = vmap(inAxes: axes, outAxes: [outAxis]) { (a: Tensor) -> [Tensor] in try f([a])
    }
    return try g(x[0])
  case 2:
    let g: (Tensor, Tensor) throws -> [Tensor] = vmap(inAxes: axes, outAxes: [outAxis]) {
      (a: Tensor, b: Tensor) -> [Tensor] in try f([a, b])
    }
    return try g(x[0], x[1])
  case 3:
    let g: (Tensor, Tensor, Tensor) throws -> [Tensor] = vmap(inAxes: axes, outAxes: [outAxis]) {
      (a: Tensor, b: Tensor, c: Tensor) -> [Tensor] in try f([a, b, c])
    }
    return try g(x[0], x[1], x[2])
  default:
    let g: (Tensor, Tensor, Tensor, Tensor) throws -> [Tensor] = vmap(inAxes: axes, outAxes: [outAxis]) {
      (a: Tensor, b: Tensor, c: Tensor, d: Tensor) -> [Tensor] in try f([a, b, c, d])
    }
    return try g(x[0], x[1], x[2], x[3])
  }
}
