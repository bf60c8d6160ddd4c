import Foundation

/// Seconds of a step, measured several times.
struct Timing: Codable, Equatable {
  let samples: [Double]

  /// The middle one.
  var median: Double { Self.quantile(samples, 0.5) }

  /// Distance of the quartiles over the median.
  var spread: Double { (Self.quantile(samples, 0.75) - Self.quantile(samples, 0.25)) / median }

  /// How many times longer another took, by the median over rounds: what slows a whole round doesn't count.
  func ratio(_ other: Timing) -> Double { Self.quantile(zip(samples, other.samples).map { $1 / $0 }, 0.5) }

  /// Quantile of values, linear between them; not a number of none.
  static func quantile(_ values: [Double], _ p: Double) -> Double {
    let sorted = values.sorted()
    guard let last = sorted.last else { return .nan }
    let place = p * Double(sorted.count - 1)
    let below = Int(place)
    guard below + 1 < sorted.count else { return last }
    return sorted[below] + (place - Double(below)) * (sorted[below + 1] - sorted[below])
  }

  /// Not a number of none.
  static func geometricMean(_ values: [Double]) -> Double {
    values.isEmpty ? .nan : exp(values.reduce(0) { $0 + log($1) } / Double(values.count))
  }
}

/// What came of a workload for a peer.
enum Finding: Codable, Equatable {
  case timed(Timing)
  /// Why it has no time.
  case missing(String)

  var timing: Timing? { if case .timed(let timing) = self { timing } else { nil } }
}

/// Whether values agree with those of another peer, to `tolerance` of the larger of 1 and their size.
func disagreement(
  _ values: [Double], _ reference: [Double], of title: String, tolerance: Double = 1e-3
) -> String? {
  guard values.count == reference.count else { return "\(values.count) values, not \(reference.count)" }
  for (i, (a, b)) in zip(values, reference).enumerated() where !(abs(a - b) <= tolerance * max(1, abs(b))) {
    return "step \(i + 1): value \(Float(a)), \(title)'s \(Float(b))"
  }
  return nil
}
