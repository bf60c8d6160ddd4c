import Formats
import Foundation
import Lab
import NN
import Pinion

/// Pictures and curves of the experiment.
struct OneStageFigures {
  let context: RunContext<OneStageGANOptions>
  let summary: OneStageSummary

  private var options: OneStageGANOptions { context.options }

  func blocks() throws -> [ReportBlock] {
    var blocks: [ReportBlock] = [.heading("Curves"), iterations, seconds]
    if !summary.students.students.isEmpty { blocks.append(students) }
    blocks += [.heading("Samples over time"), try grids(summary.headline)]
    blocks += [.heading("γ"), gammas]
    blocks += [.heading("From one picture to another"), try interpolation()]
    let others = options.losses.dropFirst()
    if !others.isEmpty {
      blocks.append(.heading("The other losses"))
      blocks.append(try lastGrids(Array(others)))
    }
    return blocks
  }

  private func series(_ seconds: (GANRecipe.Stages) -> Double?) -> [Chart.Series] {
    options.losses.flatMap { loss in
      [GANRecipe.Stages.one, .two].compactMap { stages -> Chart.Series? in
        let runs = summary.runs(loss, stages)
        guard let first = runs.first, let unit = seconds(stages) else { return nil }
        let points = first.points.indices.map { i in
          let values = runs.filter { $0.points.indices.contains(i) }.map { $0.points[i].scores.fid }
          let (low, high) = (values.min() ?? 0, values.max() ?? 0)
          return Chart.Point(
            Double(first.points[i].iteration) * unit, Statistics.mean(values), interval: low < high ? low...high : nil)
        }
        return Chart.Series("\(loss.title), \(stages.title)", points)
      }
    }
  }

  private var iterations: ReportBlock {
    .chart(
      .layers(
        [.lines(series { _ in 1 })], x: .init("iterations"), y: .init("FID-F", isLogarithmic: true),
        title: "FID-F against iterations"),
      caption: "Mean over seeds; bands are their range.")
  }

  private var seconds: ReportBlock {
    let main = summary.costs.main
    let headline = summary.headline.title
    let curves = series { stages in main?.step(stages == .one ? .one : .lean)?.seconds }
    return .chart(
      .layers(
        [.lines(curves.filter { $0.name.hasPrefix(headline) })], x: .init("seconds of training"),
        y: .init("FID-F", isLogarithmic: true), title: "FID-F against seconds, \(headline) loss"),
      caption:
        "Seconds are iterations times the median of a step, measured with nothing beside it; two stages compute used "
        + "gradients only.")
  }

  private var students: ReportBlock {
    let lines = options.variants.flatMap { variant in
      [true, false].map { isOne -> Chart.Series in
        let chosen = summary.students.students.filter { $0.variant == variant && $0.isOneStage == isOne }
        let curves = chosen.map { $0.curve.map { (step: $0.step, value: 100 * $0.accuracy) } }
        return Chart.Series("\(variant.rawValue.uppercased()), \(isOne ? "one stage" : "two stages")", meanOf: curves)
      }
    }
    return .chart(
      .layers([.lines(lines)], x: .init("steps"), y: .init("test accuracy, %"), title: "Students that see no data"),
      caption: "Accuracy on test pictures of students that learn from the classifier alone.")
  }

  private func image(_ run: GANRun, _ point: RunPoint) throws -> ReportImage {
    let bytes = try File.read(context.checkpointFolder.appending(path: point.grid).path)
    let fid = OneStageSummary.number(point.scores.fid, 1)
    let caption = "\(run.stages.title), \(run.loss.title): iteration \(point.iteration), FID-F \(fid)"
    return ReportImage(png: bytes, caption: caption, description: "32 samples; \(caption)", isPixelated: true)
  }

  /// Samples of the first seed, one and two stages side by side.
  private func grids(_ loss: AdversarialLoss) throws -> ReportBlock {
    guard let one = summary.runs(loss, .one).first, let two = summary.runs(loss, .two).first else {
      return .text("No run was finished.")
    }
    let images = try zip(one.points, two.points).flatMap { [try image(one, $0), try image(two, $1)] }
    return .imageGrid(
      images, columns: 2,
      caption: "Samples of the first seed from the same noise: left one stage, right two, at equal iterations.")
  }

  private func lastGrids(_ losses: [AdversarialLoss]) throws -> ReportBlock {
    let images = try losses.flatMap { loss in
      try [GANRecipe.Stages.one, .two].compactMap { stages -> ReportImage? in
        guard let run = summary.runs(loss, stages).first, let point = run.points.last else { return nil }
        return try image(run, point)
      }
    }
    return .imageGrid(images, columns: 2, caption: "Samples at the end: left one stage, right two.")
  }

  /// How γ was distributed at some times of the headline's first run.
  private var gammas: ReportBlock {
    let loss = summary.headline
    guard let run = summary.runs(loss, .one).first, run.points.count > 1 else { return .text("No run was finished.") }
    let shown = [run.points[0], run.points[run.points.count / 2], run.points[run.points.count - 1]]
    let edges = stride(from: -2.0, through: 2.0, by: 0.25).map { $0 }
    let series = shown.map { point -> Chart.Series in
      let values = point.fakeScores.map { Self.logSize(loss, Double($0)) }
      var counts = [Double](repeating: 0, count: edges.count - 1)
      for value in values where value.isFinite {
        let bin = Int(((value - edges[0]) / 0.25).rounded(.down))
        counts[min(max(bin, 0), counts.count - 1)] += 1
      }
      return Chart.Series(
        "iteration \(point.iteration)",
        zip(edges, counts).map { edge, count in
          Chart.Point(pow(10, edge + 0.125), count / Double(max(values.count, 1)))
        })
    }
    return .chart(
      .layers(
        [.lines(series)], x: .init("size of γ", isLogarithmic: true), y: .init("share of made pictures"),
        title: "γ of made pictures, \(loss.title) loss"),
      caption:
        "Shares of made pictures in bins of a quarter of a power of ten, over the last 20 steps before; the outermost "
        + "bins hold what lies beyond. Where γ is small D is fooled and the generator learns little from the picture; where it "
        + "is large D is sure.")
  }

  /// log₁₀ of γ's size, of a score.
  private static func logSize(_ loss: AdversarialLoss, _ score: Double) -> Double {
    switch loss {
    case .nonSaturating: -score / log(10)
    case .leastSquares: log10(max(abs((score - 1) / score), 1e-30))
    case .saturating, .hinge, .wasserstein: 0
    }
  }

  /// Pictures on the way between draws of noise, by the one-stage generator of the first seed.
  private func interpolation() throws -> ReportBlock {
    guard let run = summary.runs(summary.headline, .one).first else { return .text("No run was finished.") }
    let generator = try GeneratorFile(path: context.checkpointFolder.appending(path: run.weights).path).generator()
    let ends = Key(UInt64(run.seed)).foldIn(6).normal([4, 2, generator.noiseSize])
    let noise = concatenate((0..<4).map { Samples.path(from: ends[$0, 0], to: ends[$0, 1], count: 12) })
    let strip = try Image.grid(symmetric: generator(noise), columns: 12, scale: 2).encoded()
    return .image(
      ReportImage(
        png: strip,
        caption: "Each row goes from one draw of noise to another along a great circle; one-stage training, "
          + "\(run.loss.title) loss.", isPixelated: true))
  }
}
