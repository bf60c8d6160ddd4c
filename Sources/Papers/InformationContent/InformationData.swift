import Foundation
import Lab
import Pinion

/// Which labels the training pictures get (paper, section 5, with the classes of Fashion-MNIST for digits).
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

  /// All test pictures that the labels are about; random labels have random ones here too.
  func testSet(_ kind: LabelKind, seed: Int, key: Key) throws -> SignedData {
    try signed(test, kind, count: nil, key.foldIn(seed).foldIn(1_000))
  }

  private func signed(_ set: ImageDataset, _ kind: LabelKind, count: Int?, _ key: Key) throws -> SignedData {
    let eligible = set.labels.indices.filter { kind != .twoClasses || set.labels[$0] < 2 }
    // Of the kind, so that label kinds have pictures of their own; parity and random share theirs.
    let keys = key.foldIn(kind == .twoClasses ? 0 : 1).split()
    let places =
      try count.map { count -> [Int] in
        let order = try keys[0].permutation(eligible.count).array(of: Int32.self)
        return order.prefix(count).map { eligible[Int($0)] }
      } ?? eligible
    let coins = try keys[1].bernoulli(0.5, [max(places.count, 20_000)]).cast(.int32).array(of: Int32.self)
    let signs = places.enumerated().map { at, place -> Double in
      let bit = kind == .random ? Int(coins[at]) : Int(set.labels[place]) % 2
      return Double(2 * bit - 1)
    }
    return SignedData(
      inputs: try scaled(set, places), signs: signs, classes: places.map { Int(set.labels[$0]) })
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
