import Formats
import Foundation
import Pinion

/// A mixture of Gaussians with diagonal covariance, as an energy −log Σ wₖ N(x; μₖ, σₖ²).
///
/// Weights needn't sum to 1: their sum is the partition function.
public struct GaussianMixture: SampledEnergy {
  /// A component of the mixture.
  public struct Component: Hashable, Sendable {
    public var weight: Double
    public var mean: [Double]
    public var standardDeviation: [Double]

    public init(weight: Double, mean: [Double], standardDeviation: [Double]) {
      self.weight = weight
      self.mean = mean
      self.standardDeviation = standardDeviation
    }
  }

  public let components: [Component]

  /// - Parameter components: at least one, of one length, with positive weights and deviations.
  /// - Throws: `FormatError` that says which isn't.
  public init(_ components: [Component], file: String = "mixture") throws {
    guard let dimension = components.first?.mean.count, dimension > 0 else {
      throw FormatError(file, "has no components, expected at least one")
    }
    for (k, component) in components.enumerated() {
      guard component.mean.count == dimension, component.standardDeviation.count == dimension else {
        throw FormatError(
          file,
          "component \(k) has \(component.mean.count) means and \(component.standardDeviation.count) deviations, "
            + "expected \(dimension) of each")
      }
      let numbers = component.mean + component.standardDeviation + [component.weight]
      guard numbers.allSatisfy(\.isFinite), component.weight > 0, component.standardDeviation.allSatisfy({ $0 > 0 })
      else { throw FormatError(file, "component \(k): expected finite means, positive weight and deviations") }
    }
    self.components = components
  }

  /// Components of one weight and one spherical deviation.
  init(means: [[Double]], standardDeviation: Double) {
    components = means.map { mean in
      Component(
        weight: 1 / Double(means.count), mean: mean, standardDeviation: mean.map { _ in standardDeviation })
    }
  }

  /// Reads `{"components": [{"weight": 0.5, "mean": [0, 1], "sd": 0.3}, …]}`; `sd` is a number or one for each coordinate.
  ///
  /// - Throws: `FormatError` with the file and what was expected.
  public init(path: String) throws {
    let bytes = try File.read(path, limit: 1 << 28)
    let json = try bytes.withUnsafeBytes { try JSON(parsing: $0, file: path) }
    guard case .array(let list)? = json["components"] else {
      throw FormatError(path, #"expected {"components": [{"weight": …, "mean": […], "sd": …}, …]}"#)
    }
    let components = try list.enumerated().map { k, item -> Component in
      guard let mean = item["mean"]?.numbers, let deviation = item["sd"] else {
        throw FormatError(path, "component \(k): expected mean, a list of numbers, and sd")
      }
      guard let deviations = deviation.double.map({ value in mean.map { _ in value } }) ?? deviation.numbers else {
        throw FormatError(path, "component \(k): sd isn't a number or a list of numbers")
      }
      guard let weight = item["weight"].map({ $0.double }) ?? 1 else {
        throw FormatError(path, "component \(k): weight isn't a number")
      }
      return Component(weight: weight, mean: mean, standardDeviation: deviations)
    }
    try self.init(components, file: path)
  }

  public var dimension: Int { components[0].mean.count }

  public var logPartitionFunction: Double? { log(components.reduce(0) { $0 + $1.weight }) }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    let means = Tensor(components.map(\.mean))  // [K, d]
    let offsets = Tensor(
      components.map { component in
        component.standardDeviation.reduce(log(component.weight)) { $0 - log($1) - 0.5 * log(2 * Double.pi) }
      })
    let deviations = Set(components.flatMap(\.standardDeviation))
    // One number for all deviations spares a product for each coordinate of each component.
    if let only = deviations.first, deviations.count == 1 {
      return -(offsets - (x - means).square().sum(1) / (2 * only * only)).logSumExp()
    }
    let z = (x - means) / Tensor(components.map(\.standardDeviation))
    return -(offsets - z.square().sum(1) / 2).logSumExp()
  }

  public func samples(_ key: Key, count: Int) -> Tensor {
    let keys = key.split()
    let logits = Tensor(components.map { log($0.weight) }).expandDims(0).broadcast(to: [count, components.count])
    let chosen = keys[0].categorical(logits)
    let noise = keys[1].normal([count, dimension], dtype: .float64)
    return Tensor(components.map(\.mean)).take(chosen)
      + Tensor(components.map(\.standardDeviation)).take(chosen) * noise
  }
}

extension GaussianMixture {
  /// Two modes at ±2 on a line, of deviation 0.35.
  public static let bimodal = GaussianMixture(means: [[-2], [2]], standardDeviation: 0.35)

  /// Eight modes on a circle of radius 4 in the plane, of deviation 0.5.
  public static let ring = GaussianMixture(
    means: (0..<8).map { i in
      let angle = Double(i) * Double.pi / 4
      return [4 * cos(angle), 4 * sin(angle)]
    }, standardDeviation: 0.5)

  /// Five by five modes at distance 2 in the plane, of deviation 0.3.
  public static let grid = GaussianMixture(
    means: (0..<25).map { (i: Int) -> [Double] in [Double(2 * (i / 5) - 4), Double(2 * (i % 5) - 4)] },
    standardDeviation: 0.3)
}

extension JSON {
  /// A number, whole or not.
  var double: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }

  /// A list of numbers.
  var numbers: [Double]? {
    guard case .array(let values) = self else { return nil }
    let numbers = values.compactMap(\.double)
    return numbers.count == values.count ? numbers : nil
  }
}
