import Formats
import Foundation
import Lab
import Pinion

/// What a user may set of the experiment.
public struct SpectralPCAOptions: ExperimentOptions {
  /// Random graphs on which the identities are checked.
  public var graphs: Int
  /// Vertices of each.
  public var graphSize: Int
  /// Digits on which identities and clusters are looked at; all 1,797 at most.
  public var digits: Int
  /// Disjoint graphs: 1 to this many.
  public var components: Int
  /// Random embeddings that the eigenvectors are compared with.
  public var randomEmbeddings: Int
  /// Repetitions of the comparison with other methods.
  public var seeds: Int
  /// Points of each made-up set of it.
  public var points: Int
  /// Pictures of Fashion-MNIST in it.
  public var fashionImages: Int
  public var blockVertices: Int
  public var blockGraphs: Int
  public var blockDegree: Double
  /// Numbers of points whose time is taken.
  public var sizes: [Int]
  /// Numbers of points in ten dimensions whose time is taken.
  public var wideSizes: [Int]
  /// Python whose scikit-learn is timed beside; `python3` is tried where there is none, `no` takes none.
  public var python: String?
  /// Seconds that scikit-learn is waited for at each size.
  public var peerSeconds: Int

  public init(scale: Scale) {
    let isQuick = scale == .quick
    (graphs, graphSize, digits, components) = (isQuick ? 4 : 20, 60, isQuick ? 300 : 1_797, isQuick ? 6 : 20)
    (randomEmbeddings, seeds, points) = (1_000, isQuick ? 2 : 5, isQuick ? 300 : 600)
    fashionImages = isQuick ? 0 : 1_000
    (blockVertices, blockGraphs, blockDegree) = (isQuick ? 500 : 2_000, isQuick ? 2 : 6, 20)
    sizes = isQuick ? [1_000, 3_000] : [1_000, 3_000, 10_000, 30_000, 100_000]
    wideSizes = isQuick ? [] : [10_000, 30_000, 100_000]
    peerSeconds = isQuick ? 10 : 60
  }

  public static let help = [
    "graphs": "random graphs on which the identities are checked",
    "graphSize": "vertices of each of them",
    "digits": "handwritten digits in identities, covariance and comparison, up to 1797",
    "components": "disjoint random graphs are made of 1 to this many parts",
    "randomEmbeddings": "random orthogonal embeddings that the eigenvectors are compared with",
    "seeds": "repetitions of the comparison with other methods",
    "points": "points of each made-up set of the comparison",
    "fashionImages": "pictures of Fashion-MNIST in the comparison; 0 leaves it out",
    "blockVertices": "vertices of graphs of the stochastic block model",
    "blockGraphs": "graphs at each strength of signal",
    "blockDegree": "mean number of neighbours in them",
    "sizes": "numbers of points of the plane whose time is taken",
    "wideSizes": "numbers of points in ten dimensions whose time is taken",
    "python": "a Python with scikit-learn to time beside; python3 is tried without it, no takes none",
    "peerSeconds": "seconds that scikit-learn is waited for at each size",
  ]

  public func validate() throws {
    func require(_ holds: Bool, _ message: String) throws { if !holds { throw UsageError(message) } }
    try require((1...1_000).contains(graphs), "graphs is \(graphs), expected 1 to 1000")
    try require((12...1_000).contains(graphSize), "graphSize is \(graphSize), expected 12 to 1000")
    try require((200...1_797).contains(digits), "digits is \(digits), expected 200 to 1797")
    try require((1...60).contains(components), "components is \(components), expected 1 to 60")
    try require(
      (1...100_000).contains(randomEmbeddings), "randomEmbeddings is \(randomEmbeddings), expected 1 to 100000")
    try require((1...100).contains(seeds), "seeds is \(seeds), expected 1 to 100")
    try require((100...5_000).contains(points), "points is \(points), expected 100 to 5000")
    try require((0...5_000).contains(fashionImages), "fashionImages is \(fashionImages), expected 0 to 5000")
    try require((100...8_000).contains(blockVertices), "blockVertices is \(blockVertices), expected 100 to 8000")
    try require((1...100).contains(blockGraphs), "blockGraphs is \(blockGraphs), expected 1 to 100")
    try require(blockDegree >= 4 && blockDegree < 50, "blockDegree is \(blockDegree), expected 4 to 50")
    try require(sizes.count >= 2, "sizes has \(sizes.count) numbers, a slope needs two")
    for (name, sizes) in [("sizes", sizes), ("wideSizes", wideSizes)] {
      try require(sizes.allSatisfy { (100...1_000_000).contains($0) }, "\(name) are 100 to 1000000")
      try require(sizes == Set(sizes).sorted(), "\(name) must rise")
    }
    try require((1...3_600).contains(peerSeconds), "peerSeconds is \(peerSeconds), expected 1 to 3600")
  }
}

/// The mathematics behind spectral clustering: theorems as identities, and what they buy on data.
public struct SpectralPCAExperiment: Experiment {
  public var paper: Paper { .spectralPCA }
  public var datasets: [DatasetInfo] {
    [
      ScikitLearnData.digits, ScikitLearnData.wine, ScikitLearnData.iris, ScikitLearnData.pictures, FashionMNIST.info,
    ]
  }

  public init() {}

  public func run(_ context: RunContext<SpectralPCAOptions>) throws -> Outcome {
    let bar = context.progress.start("steps", total: 7)
    func step<T>(_ body: () throws -> T) throws -> T {
      try context.checkInterrupt()
      let result = try body()
      bar.advance()
      return result
    }
    // Time first: nothing else has warmed or filled the memory.
    let scaling = try step { try SpectralScaling(context) }
    let theory = try step { try SpectralTheory(context) }
    let covariance = try step { try CovarianceComparison(context) }
    let comparison = try step { try MethodComparison(context) }
    let blocks = try step { try BlockModelCurve(context) }
    let extras = try step { try SpectralExtras(context) }
    let pictures = try step { try segmentation(context) }
    bar.finish()
    let claims =
      theory.claims + covariance.claims + comparison.claims + blocks.claims + scaling.claims + extras.claims
    let report =
      theory.report + covariance.report + (try comparison.report()) + blocks.report + scaling.report + extras.report
      + pictures
    return Outcome(claims: claims, report: report)
  }

  private func segmentation(_ context: RunContext<SpectralPCAOptions>) throws -> [ReportBlock] {
    var options = Segmentation.Options()
    options.side = context.scale == .quick ? 48 : 120
    options.seed = context.seed
    let names = context.scale == .quick ? ["china.jpg"] : ["china.jpg", "flower.jpg"]
    return [.heading("Pictures cut into parts")]
      + (try names.map { name in
        try SpectralFigures.segmentation(Segmentation(ScikitLearnData.picture(name), options), name: name)
      })
  }
}
