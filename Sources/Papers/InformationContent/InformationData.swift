import Foundation
import Lab
import Pinion

/// Which labels the training pictures get (the paper's, with the classes of Fashion-MNIST for digits).
public enum LabelKind: String, Codable, CaseIterable, Sendable {
  /// T-shirt against trousers: classes 0 and 1 alone.
  case twoClasses = "two-classes"
  /// All ten classes, odd against even.
  case parity
  /// All ten classes, a coin for each picture.
  case random

  /// Whether the labels say something of the picture.
  public var isReal: Bool { self != .random }

  var title: String {
    switch self {
    case .twoClasses: "T-shirt or trousers"
    case .parity: "odd or even class"
    case .random: "random labels"
    }
  }
}

/// Pictures with signs, scaled as the networks take them.
struct SignedData: Sendable {
  /// float64 [n, d], rows of norm √d.
  let inputs: Tensor
  /// ±1
  let signs: [Double]
  /// Class of each picture.
  let classes: [Int]

  var count: Int { signs.count }

  /// The first examples.
  func first(_ n: Int) -> SignedData {
    SignedData(
      inputs: inputs.slice(axis: 0, from: 0, to: min(n, count)), signs: Array(signs.prefix(n)),
      classes: Array(classes.prefix(n)))
  }
}

/// Fashion-MNIST as the paper takes MNIST: levels minus the mean level of the training pictures, over their deviation, then
/// each picture scaled to the norm √d.
struct InformationData: Sendable {
  let train: ImageDataset
  let test: ImageDataset
  /// Of all levels of the training pictures, 0...1.
  private let level: (mean: Double, deviation: Double)

  init(_ data: (train: ImageDataset, test: ImageDataset)) {
    (train, test) = data
    let normalization = train.normalization()
    level = (Double(normalization.mean.first ?? 0), Double(normalization.deviation.first ?? 1))
  }

  /// Pixels of a picture.
  var dimension: Int { train.height * train.width * train.channels }

  /// A training subset: the first n of a seed are part of its first n + 1.
  func subset(_ kind: LabelKind, count: Int, seed: Int, key: Key) throws -> SignedData {
    try signed(train, kind, count: count, key.foldIn(seed))
  }

  /// Test pictures that the labels are about; random labels have random ones here too.
  ///
  /// - Parameter limit: most of them, the first.
  func testSet(_ kind: LabelKind, limit: Int, seed: Int, key: Key) throws -> SignedData {
    try signed(test, kind, count: nil, key.foldIn(seed).foldIn(1_000)).first(limit)
  }

  /// Random labels of a test set.
  func testLabels(seed: Int, count: Int, key: Key) throws -> [Double] {
    try Self.coins(count, key.foldIn(seed).foldIn(1_000))
  }

  private func signed(_ set: ImageDataset, _ kind: LabelKind, count: Int?, _ key: Key) throws -> SignedData {
    let eligible = set.labels.indices.filter { kind != .twoClasses || set.labels[$0] < 2 }
    // Parity and random labels share their pictures.
    let places =
      try count.map { count in
        let order = try key.foldIn(kind == .twoClasses ? 0 : 1).permutation(eligible.count).array(of: Int32.self)
        return order.prefix(count).map { eligible[Int($0)] }
      } ?? eligible
    let classes = places.map { Int(set.labels[$0]) }
    let signs = kind == .random ? try Self.coins(places.count, key) : classes.map { Double(2 * ($0 % 2) - 1) }
    return SignedData(inputs: try scaled(set, places), signs: signs, classes: classes)
  }

  private static func coins(_ count: Int, _ key: Key) throws -> [Double] {
    try key.foldIn(2).rademacher([count], dtype: .float64).array(of: Double.self)
  }

  /// Pictures by their places, float64 [n, d].
  func scaled(_ set: ImageDataset, _ places: [Int]) throws -> Tensor {
    let size = dimension
    var values: [Double] = []
    values.reserveCapacity(places.count * size)
    for place in places {
      for byte in set.images[place * size..<(place + 1) * size] {
        values.append((Double(byte) / 255 - level.mean) / level.deviation)
      }
    }
    return try NetworkInputs.scaled(values, dimension: size, name: set.name)
  }
}
