import Foundation
import Lab
import Pinion

/// What a user may set of the experiment.
public struct InformationOptions: ExperimentOptions {
  public var sizes: [Int]
  public var depths: [Int]
  public var labels: [LabelKind]
  public var subsets: Int
  public var tiltingSamples: Int
  public var paperSamples: Int
  public var width: Int
  public var testPictures: Int
  public var delta: Double
  public var thresholdSizes: [Int]
  public var thresholdParticles: Int
  public var thresholdMoves: Int
  public var thresholdSweeps: Int
  public var architecturePictures: Int
  public var classPictures: Int
  public var randomNetworks: [Int]
  public var randomWidth: Int
  public var largeCount: Int
  public var parallelRuns: Int

  public init(scale: Scale) {
    (sizes, depths, labels) = ([50, 100, 200, 300, 500], [2, 7], LabelKind.allCases)
    (subsets, tiltingSamples, paperSamples) = (3, 10_000, 100_000)
    (width, testPictures, delta) = (1_000, 10_000, 0.01)
    (thresholdSizes, thresholdParticles, thresholdMoves, thresholdSweeps) = ([100, 200], 256, 4, 2)
    (architecturePictures, classPictures) = (100, 200)
    (randomNetworks, randomWidth) = ([50, 200, 1_000], 5_000)
    (largeCount, parallelRuns) = (2_000, 2)
    switch scale {
    case .quick:
      (sizes, depths, subsets) = ([50, 100], [2], 1)
      (tiltingSamples, paperSamples, testPictures) = (4_000, 10_000, 2_000)
      (thresholdSizes, thresholdParticles, thresholdMoves, thresholdSweeps) = ([50], 128, 4, 1)
      (architecturePictures, classPictures, largeCount) = (0, 0, 0)
      (randomNetworks, randomWidth) = ([50, 1_000], 500)
    case .standard: break
    case .full:
      (subsets, tiltingSamples, paperSamples, width) = (5, 50_000, 1_000_000, 2_000)
      (thresholdSizes, randomNetworks) = ([100, 200, 500], [100, 1_000, 10_000])
      (architecturePictures, classPictures) = (200, 500)
    }
  }

  public static let help = [
    "sizes": "training examples n",
    "depths": "layers of weights of the networks",
    "labels": "label kinds: \(LabelKind.allCases.map(\.rawValue).joined(separator: ", "))",
    "subsets": "training subsets of each kind",
    "tiltingSamples": "samples of minimax tilting",
    "paperSamples": "samples of the paper's estimator",
    "width": "units of a hidden layer of the finite networks; 0 trains none",
    "testPictures": "test pictures that they are judged on, up to 10000",
    "delta": "the PAC-Bayes bounds hold with probability 1 - delta",
    "thresholdSizes": "sizes at which tilting is compared with nested thresholds",
    "thresholdParticles": "particles of nested thresholds",
    "thresholdMoves": "elliptical slices behind each threshold",
    "thresholdSweeps": "Gibbs sweeps behind each threshold",
    "architecturePictures": "pictures that all architectures are measured on; 0 leaves it out",
    "classPictures": "pictures of which all classes are measured, one against the rest; 0 leaves it out",
    "randomNetworks": "numbers of random networks whose covariance is compared with the kernel",
    "randomWidth": "their width",
    "largeCount": "examples of the measurement of time and memory; 0 leaves it out",
    "parallelRuns": "places of the grid that are worked on side by side",
  ]

  public func validate() throws {
    func require(_ holds: Bool, _ message: String) throws { if !holds { throw UsageError(message) } }
    try require(
      !sizes.isEmpty && sizes == Set(sizes).sorted() && sizes.allSatisfy { (10...5_000).contains($0) },
      "sizes are \(sizes), expected rising numbers of 10 to 5000")
    try require(
      !depths.isEmpty && Set(depths).count == depths.count && depths.allSatisfy { (1...100).contains($0) },
      "depths are \(depths), expected different numbers of 1 to 100")
    try require(!labels.isEmpty && Set(labels).count == labels.count, "labels must be different kinds, at least one")
    try require((1...100).contains(subsets), "subsets is \(subsets), expected 1 to 100")
    try require((64...10_000_000).contains(tiltingSamples), "tiltingSamples is \(tiltingSamples), expected 64 up")
    try require((2...100_000_000).contains(paperSamples), "paperSamples is \(paperSamples), expected 2 up")
    try require(width == 0 || (2...20_000).contains(width), "width is \(width), expected 2 to 20000, or 0")
    try require((100...10_000).contains(testPictures), "testPictures is \(testPictures), expected 100 to 10000")
    try require(delta > 0 && delta < 1, "delta is \(delta), expected a number between 0 and 1")
    try require(
      thresholdSizes.allSatisfy { (2...2_000).contains($0) }, "thresholdSizes are \(thresholdSizes), expected 2 to 2000"
    )
    try require(
      (16...100_000).contains(thresholdParticles) && (1...1_000).contains(thresholdMoves)
        && (0...1_000).contains(thresholdSweeps),
      "thresholdParticles must be 16 to 100000, thresholdMoves 1 to 1000, thresholdSweeps 0 to 1000")
    try require(
      [architecturePictures, classPictures, largeCount].allSatisfy { $0 == 0 || (10...5_000).contains($0) },
      "architecturePictures, classPictures and largeCount must be 10 to 5000, or 0")
    try require(
      randomNetworks.count >= 2 && randomNetworks == Set(randomNetworks).sorted()
        && randomNetworks.allSatisfy { $0 % 50 == 0 && $0 > 0 && $0 <= 10_000_000 },
      "randomNetworks are \(randomNetworks), expected at least two rising multiples of 50")
    try require((10...100_000).contains(randomWidth), "randomWidth is \(randomWidth), expected 10 to 100000")
    try require((1...16).contains(parallelRuns), "parallelRuns is \(parallelRuns), expected 1 to 16")
  }
}

/// The information content of labels under infinitely wide networks, its bounds, and the test error of finite ones.
public struct InformationContentExperiment: Experiment {
  public var paper: Paper { .informationContent }
  public var datasets: [DatasetInfo] { [FashionMNIST.info, ScikitLearnData.digits] }

  public init() {}

  public func datasets(for options: InformationOptions) -> [DatasetInfo] {
    options.classPictures > 0 ? datasets : [FashionMNIST.info]
  }

  public func run(_ context: RunContext<InformationOptions>) throws -> Outcome {
    let options = context.options
    let key = Key(context.seed)
    let grid = try ContentGrid(data: InformationData(FashionMNIST.load()), options: options, key: key.foldIn(8))
    let optional = [options.largeCount, options.architecturePictures, options.classPictures].filter { $0 > 0 }.count
    let bar = context.progress.start("parts", total: 4 + options.sizes.count + optional, unit: "part")
    defer { bar.finish() }
    // Time and memory first: nothing else has filled the memory.
    let large =
      try options.largeCount > 0
      ? stored(context, "large", bar) { try LargeOrthant.measure(grid, count: options.largeCount) } : nil
    var cells = try measured(context, grid, bar)
    for count in options.sizes.reversed() {
      let places = cells.indices.filter { cells[$0].place.count == count }
      let estimates = try stored(context, "paper-n\(count)", bar) {
        try grid.paperEstimates(places.map { cells[$0].place }, count: count)
      }
      for (place, estimate) in zip(places, estimates) { cells[place].paper = estimate }
    }
    let exact = try stored(context, "exact", bar) {
      try ExactOrthants.measure(samples: options.tiltingSamples, key: key.foldIn(80))
    }
    let thresholds = try thresholds(context, grid, bar)
    let random = try stored(context, "random-networks", bar) {
      try RandomNetworkCovariance.measure(
        grid.data.subset(.parity, count: 5, seed: 0, key: grid.key).inputs, depth: 3, width: options.randomWidth,
        counts: options.randomNetworks, repetitions: context.scale == .quick ? 4 : 8, key: key.foldIn(81))
    }
    let architectures =
      try options.architecturePictures > 0
      ? stored(context, "architectures", bar) {
        try ArchitectureComparison.measure(grid, count: options.architecturePictures, depths: [1, 2, 3, 7, 20])
      } : nil
    let classes =
      try options.classPictures > 0
      ? stored(context, "classes", bar) { try Self.classes(grid, options) } : nil
    let summary = InformationSummary(
      options: options, cells: cells, exact: exact, thresholds: thresholds, random: random,
      architectures: architectures, classes: classes ?? [], large: large)
    return Outcome(
      claims: summary.claims(), report: try summary.report(kernels: try Self.kernelPictures(grid)))
  }

  /// All places of the grid, each stored as it's done.
  private func measured(
    _ context: RunContext<InformationOptions>, _ grid: ContentGrid, _ studies: ProgressBar
  ) throws -> [GridCell] {
    let options = context.options
    let bar = context.progress.start("grid", total: grid.places.count, unit: "place", in: studies)
    defer { bar.finish() }
    let cells = try parallel(grid.places, workers: options.parallelRuns) { place in
      try context.checkInterrupt()
      if let known = try context.load(GridCell.self, from: place.name) {
        bar.skip()
        return known
      }
      var cell = try grid.cell(place)
      if options.width > 0 { cell.network = try grid.network(place) }
      let series = "\(place.kind.title), depth \(place.depth), seed \(place.seed)"
      try context.log("bits an example", series: series, step: place.count, cell.bitsPerExample)
      try context.log("bound", series: series, step: place.count, cell.bound(delta: options.delta))
      if let network = cell.network {
        try context.log("test error", series: series, step: place.count, network.testError)
      }
      try context.save(cell, as: place.name)
      bar.advance()
      return cell
    }
    studies.advance()
    return cells.sorted { ($0.place.count, $0.place.seed) < ($1.place.count, $1.place.seed) }
  }

  private func thresholds(
    _ context: RunContext<InformationOptions>, _ grid: ContentGrid, _ bar: ProgressBar
  ) throws -> ThresholdComparison {
    let options = context.options
    let places = options.thresholdSizes.flatMap { count in
      options.depths.flatMap { depth in
        options.labels.map { GridPlace(kind: $0, depth: depth, count: count, seed: 0) }
      }
    }
    let rows = try parallel(places, workers: options.parallelRuns) { place in
      try context.checkInterrupt()
      let name = "thresholds-\(place.name)"
      if let known = try context.load(ThresholdComparison.Row.self, from: name) { return known }
      let row = try ThresholdComparison.row(place, grid)
      try context.save(row, as: name)
      return row
    }
    bar.advance()
    return ThresholdComparison(rows: rows)
  }

  private func stored<Value: Codable>(
    _ context: RunContext<InformationOptions>, _ name: String, _ bar: ProgressBar, _ make: () throws -> Value
  ) throws -> Value {
    try context.checkInterrupt()
    if let known = try context.load(Value.self, from: name) {
      bar.skip()
      return known
    }
    let value = try make()
    try context.save(value, as: name)
    bar.advance()
    return value
  }

  /// Ten classes of clothes and of digits, one against the rest each.
  private static func classes(_ grid: ContentGrid, _ options: InformationOptions) throws -> [NamedClasses] {
    let count = options.classPictures
    let train = grid.data.train
    let order = try grid.key.foldIn(6).permutation(train.count).array(of: Int32.self).prefix(count).map { Int($0) }
    let clothes = try grid.data.scaled(train, order)
    let table = try ScikitLearnData.load(ScikitLearnData.digits)
    let places = try grid.key.foldIn(7).permutation(table.count).array(of: Int32.self).prefix(count).map { Int($0) }
    let mean = Statistics.mean(table.values)
    let rows = places.flatMap { place in
      table.values[place * table.dimension..<(place + 1) * table.dimension].map { $0 - mean }
    }
    let digits = try NetworkInputs.scaled(rows, dimension: table.dimension, name: table.name)
    let sets: [(String, Tensor, [Int], [String])] = [
      ("Fashion-MNIST", clothes, order.map { Int(train.labels[$0]) }, train.classNames),
      ("digits", digits, places.map { table.labels[$0] }, table.classNames),
    ]
    return try sets.enumerated().map { at, set in
      let (name, inputs, labels, names) = set
      let content = try MulticlassContent.measure(
        CompositionalKernel(depth: 7).covariance(inputs), labels: labels, names: names,
        .init(samples: options.tiltingSamples, workers: options.parallelRuns), key: grid.key.foldIn(9).foldIn(at))
      return NamedClasses(name: name, content: content)
    }
  }

  /// Kernels of the first pictures of parity in the order of their classes, for the report.
  private static func kernelPictures(_ grid: ContentGrid) throws -> [KernelPicture] {
    let count = min(200, grid.options.sizes.max() ?? 200)
    let subset = try grid.data.subset(.parity, count: count, seed: 0, key: grid.key)
    return try grid.options.depths.map { depth in
      try KernelPicture(
        CompositionalKernel(depth: depth).covariance(subset.inputs),
        order: subset.classes.map { Double($0 % 2 * 10 + $0) }, title: "depth \(depth)")
    }
  }
}

/// A data set's classes.
struct NamedClasses: Codable, Sendable {
  var name: String
  var content: MulticlassContent
}
