import ArgumentParser
import Foundation
import Lab
import Pinion

public struct SpectralCommand: ParsableCommand {
  public static let configuration = CommandConfiguration(commandName: "spectral", abstract: "scratch")
  public init() {}
  @Argument var n: Int
  @Option var solver = "lobpcg"
  @Option var set = "moons"
  @Option var k = 10
  @Option var tol = 1e-3
  public func run() throws {
    func now() -> Double { Double(DispatchTime.now().uptimeNanoseconds) / 1e9 }
    var t = now()
    func lap(_ s: String) { print(s, now() - t); t = now() }
    let data = set == "moons" ? try PointSet.moons(n, noise: 0.08, seed: 1) : set == "circles" ? try PointSet.circles(n, noise: 0.05, seed: 1) : try PointSet.blobs(n, clusters: 10, dimension: set == "blobs8" ? 8 : set == "blobs64" ? 64 : 2, seed: 1)
    lap("data")
    let graph = try SimilarityGraph(data.points)
    lap("graph \(graph.components.count)")
    if set == "blobs64" { return }
    let e = try SpectralEmbedding(graph, components: k, .symmetric, solver: EigenSolver(rawValue: solver)!, tolerance: tol)
    lap("embed \(e.isConverged) \(e.residual) \(e.eigenvalues)")
  }
}
