import Foundation
import Lab

/// Multipole sums here and by FMM3D on the same points in a cube, potentials only, at rising accuracy.
struct PeerSumStudy: Codable, Sendable {
  struct Entry: Codable, Sendable {
    /// Order here, or the error that was asked of the peer.
    var setting: String
    /// L2, relative, at the sampled targets.
    var error: Double
    /// Of the whole sum: tree, translations and field.
    var seconds: Double
    /// Peak memory over what the process had before, without the points themselves, in bytes a point.
    var bytesPerPoint: Double
  }

  var points: Int
  var version: String
  var here: [Entry] = []
  var peer: [Entry] = []

  init(
    _ fmm3D: FMM3DPeer, points count: Int, orders: [Int], precisions: [Double] = [1e-3, 1e-6, 1e-9], folder: URL,
    checkInterrupt: () throws -> Void
  ) throws {
    (points, version) = (count, fmm3D.version)
    let cloud = try MultipolePoints(count, onSphere: false)
    let every = max(1, count / 1_000)
    let sampled = Array(stride(from: 0, to: count, by: every))
    let exact = PointField.sum(
      sources: cloud.places, charges: cloud.charges, targets: sampled.map { cloud.places[$0] }
    ).potentials
    let size = exact.reduce(0) { $0 + $1 * $1 }
    func error(_ found: [Double]) -> Double {
      (zip(found, exact).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / size).squareRoot()
    }
    for order in orders {
      try checkInterrupt()
      let ((found, seconds), bytes) = try PeakMemory.growth {
        let start = Date()
        let found = try FastMultipole(sources: cloud.places, order: order).field(charges: cloud.charges).potentials
        return (found, Date().timeIntervalSince(start))
      }
      here.append(
        Entry(
          setting: "p = \(order)", error: error(sampled.map { found[$0] }), seconds: seconds,
          bytesPerPoint: bytes / Double(count)))
    }
    for precision in precisions {
      try checkInterrupt()
      guard
        let run = try fmm3D.potentials(
          of: cloud.charges, at: cloud.places, precision: precision, every: every, folder: folder, seconds: 300)
      else { continue }
      peer.append(
        Entry(
          setting: "eps = \(Format.short(precision))", error: error(run.potentials), seconds: run.seconds,
          bytesPerPoint: run.megabytes * 1_048_576 / Double(count)))
    }
  }

  /// The peer's time at an error, by a line through neighbouring measurements on logarithmic scales; nil outside of them.
  func peerSeconds(at error: Double) -> Double? {
    let sorted = peer.sorted { $0.error > $1.error }
    for (a, b) in zip(sorted, sorted.dropFirst()) where a.error >= error && error >= b.error && a.error > b.error {
      let share = log(a.error / error) / log(a.error / b.error)
      return exp(log(a.seconds) + share * log(b.seconds / a.seconds))
    }
    return nil
  }

  /// How many times longer the peer takes at the error of each order here.
  var ratios: [Double] { here.compactMap { entry in peerSeconds(at: entry.error).map { $0 / entry.seconds } } }
}
