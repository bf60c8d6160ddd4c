import Formats
import Foundation
import NN
import Pinion

/// How near generated pictures are to real ones, in the features of a classifier that was trained on the same data.
///
/// Not the Inception features of the literature, which need weights from elsewhere: the numbers carry an F in their name
/// and compare with each other alone.
public struct SampleQuality: Sendable {
  /// Numbers of one set of generated pictures.
  public struct Scores: Codable, Hashable, Sendable {
    /// Squared Fréchet distance of the features.
    public var fid: Double
    /// Unbiased squared maximum mean discrepancy of the features, kernel (x·y / d + 1)³: mean over blocks of 1,000.
    public var kid: Double
    /// Standard error of `kid`.
    public var kidError: Double
    /// Share of generated pictures near real ones (k-nearest neighbours, k = 3); nil where it wasn't asked for.
    public var precision: Double?
    /// Share of real pictures near generated ones.
    public var recall: Double?

    public init(fid: Double, kid: Double, kidError: Double, precision: Double? = nil, recall: Double? = nil) {
      (self.fid, self.kid, self.kidError) = (fid, kid, kidError)
      (self.precision, self.recall) = (precision, recall)
    }
  }

  /// Made the features.
  public let classifier: FeatureClassifier
  /// Features of the real pictures [N, 128].
  public let reference: Tensor
  private let statistics: FeatureStatistics

  /// - Parameters:
  ///   - classifier: makes the features.
  ///   - real: pictures of 32 x 32 to compare with, such as a test set.
  /// - Throws: `FormatError`, `TensorError`, `PJRTError`.
  public init(_ classifier: FeatureClassifier, real: ImageDataset) throws {
    self.classifier = classifier
    reference = try classifier.features(of: real)
    statistics = FeatureStatistics(reference)
    try evaluate(reference, statistics.mean, statistics.covariance)
  }

  /// Scores of pictures.
  ///
  /// - Parameters:
  ///   - batches: pictures [N, 32, 32, channels] in -1...1, all of one size.
  ///   - neighbours: whether precision and recall are computed too, which takes a second or two.
  /// - Throws: `TensorError`, `PJRTError`.
  public func scores(of batches: [Tensor], neighbours: Bool = false) throws -> Scores {
    try scores(features: concatenate(batches.map { try classifier.features(of: $0) }), neighbours: neighbours)
  }

  /// Scores of the pictures of a set.
  ///
  /// - Throws: as `scores(of:)`.
  public func scores(of data: ImageDataset, neighbours: Bool = false) throws -> Scores {
    try scores(features: classifier.features(of: data), neighbours: neighbours)
  }

  /// Scores of features [N, 128].
  ///
  /// - Throws: as `scores(of:)`.
  public func scores(features: Tensor, neighbours: Bool) throws -> Scores {
    let fid = FeatureMetrics.frechetDistance(FeatureStatistics(features), statistics)
    let size = min(1000, min(features.shape.first ?? 0, reference.shape[0]))
    let blocks = FeatureMetrics.kernelDistances(features, reference, blockSize: size)
    var wanted = [fid, blocks]
    if neighbours {
      wanted.append(
        try FeatureMetrics.coverage(
          features, by: reference, radii: FeatureMetrics.neighbourRadii(reference)))
      wanted.append(
        try FeatureMetrics.coverage(reference, by: features, radii: FeatureMetrics.neighbourRadii(features)))
    }
    try evaluate(wanted)
    let distances = try blocks.array(of: Double.self)
    return Scores(
      fid: try fid.item(), kid: Statistics.mean(distances),
      kidError: Statistics.standardDeviation(distances) / Double(distances.count).squareRoot(),
      precision: neighbours ? try wanted[2].item() : nil, recall: neighbours ? try wanted[3].item() : nil)
  }
}

extension Image {
  /// A grid of pictures [N, H, W, C] in -1...1, as generators make them.
  ///
  /// - Parameters:
  ///   - columns: pictures in a row.
  ///   - scale: pixels of the result for each pixel.
  /// - Throws: `FormatError` for another shape; `TensorError`, `PJRTError`.
  public static func grid(symmetric pictures: Tensor, columns: Int, scale: Int = 1, gap: Int = 2) throws -> Image {
    if let failure = pictures.failure { throw failure }
    guard pictures.rank == 4 else {
      throw FormatError("image", "a grid takes pictures [N, H, W, C], got \(pictures.shape)")
    }
    let levels = (pictures.cast(.float32) + 1) / 2
    let bytes = try levels.array(of: Float.self).map { UInt8(min(max(0, $0), 1) * 255 + 0.5) }
    let (height, width, channels) = (pictures.shape[1], pictures.shape[2], pictures.shape[3])
    let size = height * width * channels
    let images = try (0..<pictures.shape[0]).map { i in
      try Image(
        width: width, height: height, channels: channels, bytes: Array(bytes[i * size..<(i + 1) * size])
      ).enlarged(scale)
    }
    return try grid(images, columns: columns, gap: gap)
  }
}
