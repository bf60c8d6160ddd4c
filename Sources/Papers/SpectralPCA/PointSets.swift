import Foundation
import Lab
import Pinion

/// Made-up points with the clusters they were drawn from, deterministic by seed.
public struct PointSet: Sendable {
  public let name: String
  public let points: Points
  /// Cluster of each point, from 0.
  public let labels: [Int]
  /// Number of clusters.
  public var clusters: Int { (labels.max() ?? 0) + 1 }

  init(_ name: String, _ points: Points, _ labels: [Int]) {
    (self.name, self.points, self.labels) = (name, points, labels)
  }

  /// Standard normal numbers and uniform ones, as many as asked for.
  private static func noise(_ count: Int, _ seed: UInt64, _ stream: Int) throws -> [Double] {
    try Key(seed).foldIn(stream).normal([count], dtype: .float64).array(of: Double.self)
  }

  private static func uniform(_ count: Int, _ seed: UInt64, _ stream: Int) throws -> [Double] {
    try Key(seed).foldIn(stream).uniform([count], dtype: .float64).array(of: Double.self)
  }

  /// Points along curves, with normal noise; `curve` is given the cluster and a place 0..<1 along it.
  private static func curves(
    _ name: String, _ n: Int, clusters: Int, dimension: Int, noise level: Double, seed: UInt64,
    _ curve: (Int, Double, Double) -> [Double]
  ) throws -> PointSet {
    guard n >= clusters, clusters >= 1 else {
      throw UsageError("\(name): \(n) points for \(clusters) clusters, expected at least one each")
    }
    let (places, others) = (try uniform(n, seed, 1), try uniform(n, seed, 2))
    let errors = try noise(n * dimension, seed, 3)
    let labels = (0..<n).map { $0 * clusters / n }
    var values: [Double] = []
    values.reserveCapacity(n * dimension)
    for i in 0..<n {
      for (j, coordinate) in curve(labels[i], places[i], others[i]).enumerated() {
        values.append(coordinate + level * errors[i * dimension + j])
      }
    }
    return PointSet(name, try Points(values, dimension: dimension), labels)
  }

  /// Two half circles that interlock.
  ///
  /// - Throws: `UsageError` where there are fewer than 2 points.
  public static func moons(_ n: Int, noise: Double = 0.05, seed: UInt64) throws -> PointSet {
    try curves("moons", n, clusters: 2, dimension: 2, noise: noise, seed: seed) { cluster, place, _ in
      let angle = .pi * place
      return cluster == 0 ? [cos(angle), sin(angle)] : [1 - cos(angle), 0.5 - sin(angle)]
    }
  }

  /// A circle within another.
  ///
  /// - Throws: `UsageError` where there are fewer than 2 points.
  public static func circles(_ n: Int, noise: Double = 0.05, factor: Double = 0.5, seed: UInt64) throws -> PointSet {
    try curves("circles", n, clusters: 2, dimension: 2, noise: noise, seed: seed) { cluster, place, _ in
      let (angle, radius) = (2 * .pi * place, cluster == 0 ? 1 : factor)
      return [radius * cos(angle), radius * sin(angle)]
    }
  }

  /// Spirals around one centre, one turn each.
  ///
  /// - Throws: `UsageError` where there are fewer points than arms.
  public static func spirals(_ n: Int, arms: Int = 3, noise: Double = 0.03, seed: UInt64) throws -> PointSet {
    try curves("spirals", n, clusters: arms, dimension: 2, noise: noise, seed: seed) { arm, place, _ in
      // From a fifth of the length on, as all arms meet in the centre; by the square root, so that they're filled evenly.
      let t = (0.04 + 0.96 * place).squareRoot()
      let angle = 2 * .pi * t + 2 * .pi * Double(arm) / Double(arms)
      return [2 * t * cos(angle), 2 * t * sin(angle)]
    }
  }

  /// A sheet rolled up in three dimensions, cut into clusters along the roll.
  ///
  /// - Throws: `UsageError` where there are fewer points than clusters.
  public static func swissRoll(_ n: Int, clusters: Int = 4, noise: Double = 0.05, seed: UInt64) throws -> PointSet {
    try curves("swiss roll", n, clusters: clusters, dimension: 3, noise: noise, seed: seed) { cluster, place, other in
      // Gaps between the clusters, a quarter of their length.
      let along = (Double(cluster) + 0.8 * place) / Double(clusters)
      let angle = 1.5 * .pi * (1 + 2 * along)
      return [angle * cos(angle) / 5, 4 * other, angle * sin(angle) / 5]
    }
  }

  /// Normal clouds around random centres.
  ///
  /// - Throws: `UsageError` where there are fewer points than clusters.
  public static func blobs(
    _ n: Int, clusters: Int = 3, dimension: Int = 2, deviation: Double = 1, spread: Double = 10, seed: UInt64
  ) throws -> PointSet {
    let centres = try uniform(clusters * dimension, seed, 4).map { spread * (2 * $0 - 1) }
    return try curves(
      "blobs", n, clusters: clusters, dimension: dimension, noise: deviation, seed: seed
    ) { cluster, _, _ in Array(centres[cluster * dimension..<(cluster + 1) * dimension]) }
  }
}
