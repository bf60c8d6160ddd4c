import Formats
import Foundation
import Lab
import Pinion

/// Pictures of what the networks look at, see and get wrong.
struct TNTFigures {
  let model: TNT
  let outerOnly: DeiT?
  let data: TNTData

  /// Pictures of the first TNT and the first DeiT among the networks.
  static func blocks(_ networks: [TrainedNetwork], trainer: NetworkTrainer) throws -> [ReportBlock] {
    func first<M>(_ architecture: Architecture, as type: M.Type) throws -> M? {
      guard let network = networks.first(where: { $0.architecture == architecture }) else { return nil }
      return try trainer.model(of: network) as? M
    }
    guard let model = try first(.tnt, as: TNT.self) else { return [] }
    let figures = TNTFigures(model: model, outerOnly: try first(.deit, as: DeiT.self), data: trainer.data)
    return try figures.blocks()
  }

  func blocks() throws -> [ReportBlock] {
    let shown = firstOfEachClass()
    let trace = try model.forward(batch(shown)).trace
    var blocks: [ReportBlock] = [.heading("What TNT looks at")]
    blocks.append(
      .imageGrid(
        try attentionMaps(trace, images: shown), columns: 5,
        caption:
          "Where the class token looks in the last block (mean over heads; brighter patches get more), one test picture of each class."
      ))
    blocks.append(.heading("Features inside of patches"))
    blocks.append(
      .imageGrid(
        try innerFeatures(trace, images: shown), columns: 5,
        caption:
          "The pixel tokens of the last block, their three principal components as red, green and blue: each patch keeps detail that the outer transformer alone has no place for."
      ))
    if let projection = try patchProjection() { blocks.append(projection) }
    blocks.append(.heading("What it gets wrong"))
    blocks += try mistakes()
    return blocks
  }

  /// The first test picture of each class.
  private func firstOfEachClass() -> [Int] {
    data.test.classNames.indices.compactMap { k in data.test.labels.firstIndex { Int($0) == k } }
  }

  /// Normalised test pictures [B, H, W, C].
  private func batch(_ places: [Int]) throws -> Tensor {
    let loader = try DataLoader(
      data.test.subset(places), batchSize: places.count, normalization: data.train.normalization(), prefetch: 0)
    return loader.epoch(0).makeIterator().next()?.images ?? Tensor.zeros([0])
  }

  private func picture(_ index: Int, scale: Int) throws -> Image {
    try data.test.image(at: index).converted(channels: 3).enlarged(scale)
  }

  private func attentionMaps(_ trace: TNTTrace, images: [Int]) throws -> [ReportImage] {
    guard let maps = try AttentionMap.maps(trace, model.configuration) else { return [] }
    return try zip(images, maps).map { index, map in
      let image = try picture(index, scale: 4)
      let pair = try Image.grid([image, map.overlay(image)], columns: 2, gap: 4)
      return ReportImage(
        png: try pair.encoded(), caption: data.test.name(of: index),
        description: "\(data.test.name(of: index)); attention to the patches: \(map.text)", isPixelated: true)
    }
  }

  /// Pixel tokens [B·n, m, c] laid out as pictures of three colours.
  private func innerFeatures(_ trace: TNTTrace, images: [Int]) throws -> [ReportImage] {
    guard let inner = trace.innerFeatures.last else { return [] }
    let c = model.configuration
    let rows = try inner.reshape([-1, c.innerWidth]).array(of: Float.self).map(Double.init)
    let colours = PrincipalComponents(rows: rows, width: c.innerWidth, count: 3).scaled()
    let (g, q) = (c.grid, c.pixelGrid)
    let side = g * q
    return try images.enumerated().map { row, index in
      var bytes = [UInt8](repeating: 0, count: side * side * 3)
      for patch in 0..<c.patches {
        for token in 0..<c.pixels {
          let source = ((row * c.patches + patch) * c.pixels + token) * 3
          let (y, x) = (patch / g * q + token / q, patch % g * q + token % q)
          for k in 0..<3 { bytes[3 * (y * side + x) + k] = UInt8(colours[source + k] * 255) }
        }
      }
      let factor = max(1, 128 / side)
      let map = try Image(width: side, height: side, channels: 3, bytes: bytes).enlarged(factor)
      let pair = try Image.grid(
        [picture(index, scale: max(1, side * factor / data.test.height)), map], columns: 2, gap: 4)
      return ReportImage(
        png: try pair.encoded(), caption: data.test.name(of: index),
        description: "\(data.test.name(of: index)) beside the principal components of its pixel tokens",
        isPixelated: true)
    }
  }

  /// Class tokens of test pictures in the plane of their first two principal components.
  private func patchProjection() throws -> ReportBlock? {
    let shown = Array(0..<min(500, data.test.count))
    guard let features = try model.forward(batch(shown)).trace.outerFeatures.last else { return nil }
    let width = model.configuration.width
    let rows = try features[.all, 0].array(of: Float.self).map(Double.init)
    let points = PrincipalComponents(rows: rows, width: width, count: 2).projected
    let series = data.test.classNames.enumerated().map { k, name in
      Chart.Series(
        name,
        shown.filter { Int(data.test.labels[$0]) == k }.map { Chart.Point(points[2 * $0], points[2 * $0 + 1]) })
    }
    return .chart(
      .layers(
        [.scatter(series)], x: .init("first principal component"), y: .init("second"),
        title: "Class tokens of 500 test pictures"),
      caption: "What the last block has made of the pictures, seen from the two directions in which it varies most.")
  }

  private func mistakes() throws -> [ReportBlock] {
    let scores = try Predictor(model, normalization: data.train.normalization()).probabilities(data.test)
    let classes = data.test.classNames.count
    var confusion = [[Double]](repeating: [Double](repeating: 0, count: classes), count: classes)
    var wrong: [(index: Int, predicted: Int, confidence: Float)] = []
    for i in 0..<data.test.count {
      let mine = scores[(i * classes)..<((i + 1) * classes)]
      let predicted = mine.indices.max { mine[$0] < mine[$1] }.map { $0 - i * classes } ?? 0
      confusion[Int(data.test.labels[i])][predicted] += 1
      if predicted != Int(data.test.labels[i]) { wrong.append((i, predicted, mine[i * classes + predicted])) }
    }
    let surest = wrong.sorted { $0.confidence > $1.confidence }.prefix(15)
    return [
      .chart(
        .matrix(
          rows: data.test.classNames, columns: data.test.classNames, values: confusion, row: "true class",
          column: "predicted class", value: "pictures", title: "Confusion matrix"),
        caption: "Test pictures by true and predicted class."),
      .imageGrid(
        try surest.map { mistake in
          ReportImage(
            png: try picture(mistake.index, scale: 3).encoded(),
            caption:
              "\(data.test.name(of: mistake.index)), taken for \(data.test.classNames[mistake.predicted]) (\(Int(mistake.confidence * 100)) %)",
            isPixelated: true)
        }, columns: 5, caption: "The mistakes that the network was surest of."),
    ]
  }
}

/// Where the class token looks in a picture: its attention to the patches in the last block, mean over heads.
struct AttentionMap {
  let grid: Int
  /// Weights of the patches, row-major.
  let weights: [Float]

  /// A map for each picture of a forward pass; nil where there was none.
  static func maps(_ trace: TNTTrace, _ c: TNTConfiguration) throws -> [AttentionMap]? {
    guard let attention = trace.outerAttention.last else { return nil }
    // Row 0 is the class token's; column 0 would be itself.
    let weights = try attention.mean(1)[.all, 0, 1...].array(of: Float.self)
    return stride(from: 0, to: weights.count, by: c.patches).map {
      AttentionMap(grid: c.grid, weights: Array(weights[$0..<($0 + c.patches)]))
    }
  }

  /// Shares of the patches in words.
  var text: String {
    let sum = max(weights.reduce(0, +), .leastNormalMagnitude)
    return weights.map { String(format: "%.0f %%", $0 * 100 / sum) }.joined(separator: ", ")
  }

  /// The picture with what is looked at warm and bright, what is passed over dark and blue.
  ///
  /// - Parameter image: three channels of 8 bits, square.
  func overlay(_ image: Image) throws -> Image {
    let top = max(weights.max() ?? 1, .leastNormalMagnitude)
    var bytes = image.bytes
    for y in 0..<image.height {
      for x in 0..<image.width {
        let patch = y * grid / image.height * grid + x * grid / image.width
        let level = 0.25 + 0.75 * weights[patch] / top
        let place = 3 * (y * image.width + x)
        for (channel, tint) in [70 * level, 20 * level, 60 * (1 - level)].enumerated() {
          bytes[place + channel] = UInt8(min(255, Float(bytes[place + channel]) * level + tint))
        }
      }
    }
    return try Image(width: image.width, height: image.height, channels: 3, bytes: bytes)
  }
}

extension ImageDataset {
  /// Name of the picture's class.
  func name(of index: Int) -> String { classNames[Int(labels[index])] }
}
