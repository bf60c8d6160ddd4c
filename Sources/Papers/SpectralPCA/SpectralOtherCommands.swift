import ArgumentParser
import Formats
import Foundation
import Lab
import Pinion

extension SpectralCommand {
  struct Embed: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Write the eigenvectors of a Laplacian: coordinates in which near points are near.")

    @OptionGroup var graph: GraphArguments
    @Option(
      name: [.customLong("n-components"), .customLong("n_components")],
      help: "Coordinates, the constant first eigenvector not counted.")
    var components = 2
    @Flag(help: "Keep the constant first eigenvector too.")
    var keepFirst = false
    @Option(help: .init("File for the coordinates: .csv or .npy.", valueName: "file"))
    var out: String
    @Option(help: .init("Page with a chart of the embedding and its eigenvalues.", valueName: "file.html"))
    var report: String?

    func validate() throws {
      if components < 1 { throw ValidationError("--n-components \(components): expected at least 1") }
      guard out.hasSuffix(".csv") || out.hasSuffix(".npy") else {
        throw ValidationError("--out \(out): expected a name that ends in .csv or .npy")
      }
    }

    func run() throws {
      let input = try graph.input()
      let width = min(components + 1, input.count)
      let embedding: SpectralEmbedding
      if let landmarks = graph.landmarks {
        embedding = try SpectralEmbedding(
          input.points(for: "--landmarks"), landmarks: landmarks, components: width, graph.laplacian,
          gamma: graph.gamma, seed: graph.randomState)
      } else {
        embedding = try SpectralEmbedding(
          graph.graph(input), components: width, graph.laplacian, solver: graph.eigenSolver,
          tolerance: graph.eigenTol, seed: graph.randomState)
      }
      let first = keepFirst ? 0 : 1
      guard first < embedding.width else { throw UsageError("\(graph.file): one point has no coordinates") }
      if out.hasSuffix(".npy") {
        try NumPy.write(embedding.tensor.slice(axis: 1, from: first, to: embedding.width), to: out)
      } else {
        let header = ["point"] + (first..<embedding.width).map { "eigenvector \($0 + 1)" }
        let rows = (0..<embedding.count).map { i in
          [input.names[i]] + (first..<embedding.width).map { String(embedding.vectors[i * embedding.width + $0]) }
        }
        try CSV(header: header, rows: rows).write(to: out)
      }
      print("eigenvalues \(embedding.eigenvalues.map { String(format: "%.4g", $0) }.joined(separator: " "))")
      print("wrote \(out)")
      if let report {
        let labels = input.truth ?? [Int](repeating: 0, count: input.count)
        let names = input.classes.map { Set($0).sorted() }
        let chart = SpectralFigures.embedding(embedding, labels, names: names, title: "Embedding")
        let gap = Eigengap(embedding.eigenvalues, components: 1)
        try File.write(
          try ReportBlock.page(
            [chart, SpectralFigures.eigenvalues(gap)].compactMap { $0 }, title: "Embedding of \(graph.file)",
            kicker: "spectral", lead: "\(input.count) points."), to: report)
        print("wrote \(report)")
      }
    }
  }

  struct Segment: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Cut a picture into parts by the normalised cut.")

    @Argument(help: .init("PNG or JPEG file.", valueName: "picture"))
    var picture: String
    @Option(
      name: [.customLong("n-clusters"), .customLong("n_clusters"), .customLong("clusters")],
      help: "Number of parts, or auto.")
    var clusters = ClusterCount(6)
    @Option(help: "Longest side of the picture that is cut, in pixels; parts are stretched to the whole.")
    var side = 120
    @Option(help: "Pixels farther apart than this are not joined.")
    var radius = 3.0
    @Option(help: "Difference of colour (0 to 1) that counts as large.")
    var colourScale = 0.08
    @Option(name: [.customLong("random-state"), .customLong("random_state")], help: "Seed of all randomness.")
    var randomState: UInt64 = 0
    @Option(help: .init("Picture of the parts, tinted, with borders.", valueName: "file.png"))
    var out: String
    @Option(
      help: .init("The part of each pixel of the picture that was cut, int32 [rows, columns].", valueName: "file.npy"))
    var labels: String?

    func run() throws {
      var options = Segmentation.Options()
      (options.segments, options.side, options.radius) = (clusters.value, side, radius)
      (options.colourScale, options.seed) = (colourScale, randomState)
      let found = try Segmentation(Image(path: picture), options)
      try found.overlay().write(to: out)
      print("parts      \((found.labels.max() ?? 0) + 1)")
      print("eigenvalues \(found.eigengap.eigenvalues.map { String(format: "%.4g", $0) }.joined(separator: " "))")
      print("wrote \(out)")
      if let labels {
        let tensor = Tensor(found.labels.map { Int32($0) }, shape: [found.height, found.width])
        try NumPy.write(tensor, to: labels)
        print("wrote \(labels)")
      }
    }
  }

  struct Place: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Put new points into the clusters of `cluster --model`, without computing anything anew.")

    @Option(help: .init("File that `cluster --model` wrote.", valueName: "file.safetensors"))
    var model: String
    @Option(help: .init("Column of known classes: no coordinate, but compared with.", valueName: "column"))
    var labels: String?
    @Option(help: .init("CSV file for cluster and coordinates of each point.", valueName: "file.csv"))
    var out: String?
    @Argument(help: .init("New points (.csv, .tsv, .npy).", valueName: "file"))
    var file: String

    func run() throws {
      let model = try SpectralModel(path: model)
      let input = try SpectralInput(path: file, classColumn: labels)
      let found = try model.place(input.points(for: "place"))
      if let out {
        let header = ["point", "cluster"] + (0..<model.width).map { "coordinate \($0 + 1)" }
        let rows = (0..<input.count).map { i in
          [input.names[i], String(found.labels[i] + 1)]
            + (0..<model.width).map { String(found.coordinates[i * model.width + $0]) }
        }
        try CSV(header: header, rows: rows).write(to: out)
        print("wrote \(out)")
      } else {
        for (name, label) in zip(input.names, found.labels) { print("\(name)\t\(label + 1)") }
      }
      if let truth = input.truth {
        print("accuracy   \(String(format: "%.3f", ClusterMetrics.accuracy(found.labels, truth: truth)))")
      }
    }
  }
}
