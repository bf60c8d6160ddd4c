import Formats
import Foundation
import Lab
import Pinion

/// Labelled pictures or rows of numbers, as private training takes them.
public struct PrivateData: Sendable {
  /// What a row is.
  public enum Kind: Codable, Hashable, Sendable {
    /// Square pictures of bytes.
    case pictures(side: Int, channels: Int)
    /// Numbers, each column by a fixed shift and scale: (x − shift)/scale, cut off at ±`limit`.
    case numbers(columns: [String], shift: [Double], scale: [Double])
  }

  /// Numbers are cut off there after scaling.
  static let limit = 10.0

  public let name: String
  public let kind: Kind
  /// uint8 [N, side, side, channels] or float32 [N, columns].
  public let rows: Tensor
  public let labels: [Int32]
  public let classNames: [String]

  /// Number of examples.
  public var count: Int { labels.count }

  /// Labels, int32 [N].
  var labelTensor: Tensor { Tensor(labels) }

  /// Pictures.
  public init(_ pictures: ImageDataset) {
    name = pictures.name
    kind = .pictures(side: pictures.height, channels: pictures.channels)
    rows = pictures.imageTensor
    labels = pictures.labels
    classNames = pictures.classNames
  }

  init(name: String, kind: Kind, rows: Tensor, labels: [Int32], classNames: [String]) {
    self.name = name
    self.kind = kind
    self.rows = rows
    self.labels = labels
    self.classNames = classNames
  }

  /// From stored rows to a network's inputs: pictures to −1…1, numbers as they are. Nothing of it depends on the data.
  static func scaling(_ kind: Kind) -> @Sendable (Tensor) -> Tensor {
    switch kind {
    case .pictures: { $0.cast(.float32) / 127.5 - 1 }
    case .numbers(_, let shift, let scale):
      {
        ((($0 - Tensor(shift.map { Float($0) })) / Tensor(scale.map { Float($0) }))).clamp(min: -limit, max: limit)
      }
    }
  }

  /// The examples at some places.
  ///
  /// - Throws: `TensorError`, `PJRTError`.
  func subset(_ places: [Int]) throws -> PrivateData {
    let chosen = rows.take(Tensor(places.map { Int32($0) }))
    try evaluate([chosen])
    return PrivateData(
      name: name, kind: kind, rows: chosen, labels: places.map { labels[$0] }, classNames: classNames)
  }
}
