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

func expectClose(
  _ a: Tensor, _ b: Tensor, _ tolerance: Double = 1e-9, _ comment: Comment? = nil,
  sourceLocation: Testing.SourceLocation = #_sourceLocation
) throws {
  #expect(a.shape == b.shape, comment, sourceLocation: sourceLocation)
  for (x, y) in zip(try doubles(a), try doubles(b))
  where !(abs(x - y) <= tolerance * max(1, abs(y)) || x == y || x.isNaN && y.isNaN) {
    Issue.record("\(comment?.rawValue ?? "") \(x) is not \(y)", sourceLocation: sourceLocation)
    return
  }
}

/// Compares derivatives with central differences in float64, of first order and (through the gradient) of second.
///
/// `f` maps tensors to a tensor of any shape; its sum with fixed weights is differentiated.
func checkGradients(
  _ name: String, _ inputs: [Tensor], second: Bool = true, tolerance: Double = 1e-6,
  sourceLocation: Testing.SourceLocation = #_sourceLocation, _ f: @escaping ([Tensor]) throws -> Tensor
) throws {
  let weights = numbers(try f(inputs).shape, 0.5, 1.5, seed: 77)
  func loss(_ x: [Tensor]) throws -> Tensor { (try f(x) * weights).sum() }
  try compare(name, inputs, tolerance, sourceLocation, loss)
  guard second else { return }
  try compare("\(name), second order", inputs, tolerance * 20, sourceLocation) { x in
    let gradients = try grad(loss)(x)
    var total = Tensor.zeros([], dtype: .float64)
    for (i, g) in gradients.enumerated() {
      total = total + (g * numbers(g.shape, 0.5, 1.5, seed: UInt64(100 + i))).sum()
    }
    return total
  }
}

private func compare(
  _ name: String, _ inputs: [Tensor], _ tolerance: Double, _ place: Testing.SourceLocation,
  _ loss: @escaping ([Tensor]) throws -> Tensor
) throws {
  let gradients = try grad(loss)(inputs)
  // One random direction per input tells a wrong derivative as well as all axes do.
  let directions = inputs.indices.map { numbers(inputs[$0].shape, -1, 1, seed: UInt64(900 + $0)) }
  // Steps are data, so that every difference runs the same program.
  func moved(_ input: Int, _ h: Double) throws -> Double {
    try loss(inputs.indices.map { inputs[$0] + directions[$0] * Tensor($0 == input ? h : 0) }).item()
  }
  let slopes = inputs.indices.map { (gradients[$0] * directions[$0]).sum() }
  try evaluate(slopes)
  let h = 1e-5
  for i in inputs.indices {
    let measured = (try moved(i, h) - moved(i, -h)) / (2 * h)
    let analytic = try slopes[i].item()
    #expect(
      abs(measured - analytic) <= tolerance * max(1, abs(measured)),
      "\(name), input \(i): \(analytic), differences say \(measured)", sourceLocation: place)
  }
}

/// A tensor of another library; `nil` stands for NaN.
struct Expected: Decodable {
  let shape: [Int]
  let values: [Double?]
  var doubles: [Double] { values.map { $0 ?? .nan } }
}
