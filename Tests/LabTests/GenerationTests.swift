import Formats
import Foundation
import NN
import Pinion
import Testing

@testable import Lab

@Suite struct FeatureMetricsTests {
  private func statistics(_ mean: [Double], _ covariance: [[Double]]) -> FeatureStatistics {
    FeatureStatistics(mean: Tensor(mean), covariance: Tensor(covariance))
  }

  /// tr (C₁C₂)^½ of 2 x 2 matrices is the root of tr(C₁C₂) + 2 √det(C₁C₂).
  @Test func frechetDistanceOfTwoNormalDistributions() throws {
    let a = statistics([1, -2], [[2, 0.5], [0.5, 1]])
    let b = statistics([0, 1], [[1, -0.3], [-0.3, 3]])
    let trace = 2 - 0.15 - 0.15 + 3
    let root = (trace + 2 * (1.75 * 2.91).squareRoot()).squareRoot()
    let expected = 1 + 9 + 3 + 4 - 2 * root
    #expect(abs(try FeatureMetrics.frechetDistance(a, b).item() - expected) < 1e-12)
    #expect(abs(try FeatureMetrics.frechetDistance(b, a).item() - expected) < 1e-12)
  }

  @Test func aSetHasNoDistanceFromItself() throws {
    let features = Key(0).normal([300, 16])
    let own = FeatureStatistics(features)
    #expect(abs(try FeatureMetrics.frechetDistance(own, own).item()) < 1e-6)
    // Of less than full rank too.
    let flat = FeatureStatistics(features[..<5])
    #expect(abs(try FeatureMetrics.frechetDistance(flat, flat).item()) < 1e-6)
    #expect(FeatureStatistics(features[..<1]).mean.failure != nil)
  }

  /// Mean over blocks of halves of one set is 0 within its error; of other distributions it isn't.
  @Test func kernelDistanceIsUnbiased() throws {
    let features = Key(1).normal([4_000, 8])
    let blocks = FeatureMetrics.kernelDistances(features[..<2_000], features[2_000...], blockSize: 100)
    let values = try blocks.array(of: Double.self)
    #expect(values.count == 20)
    let error = Statistics.standardDeviation(values) / Double(values.count).squareRoot()
    #expect(abs(Statistics.mean(values)) < 3 * error)
    let moved = FeatureMetrics.kernelDistances(features[..<2_000] + 1, features[2_000...], blockSize: 100)
    #expect(try moved.mean().item() > 10 * error)
    #expect(FeatureMetrics.kernelDistances(features, features[..<50], blockSize: 100).failure != nil)
  }

  @Test func kernelDistanceByItsDefinition() throws {
    let (x, y) = (Key(2).normal([5, 3], dtype: .float64), Key(3).normal([5, 3], dtype: .float64))
    let (p, q) = (try x.array(of: Double.self), try y.array(of: Double.self))
    func kernel(_ a: [Double], _ i: Int, _ b: [Double], _ j: Int) -> Double {
      let dot = (0..<3).reduce(0.0) { $0 + a[3 * i + $1] * b[3 * j + $1] }
      return pow(dot / 3 + 1, 3)
    }
    var expected = 0.0
    for i in 0..<5 {
      for j in 0..<5 {
        if i != j { expected += (kernel(p, i, p, j) + kernel(q, i, q, j)) / 20 }
        expected -= 2 * kernel(p, i, q, j) / 25
      }
    }
    let found = try FeatureMetrics.kernelDistances(x, y, blockSize: 5).array(of: Double.self)
    #expect(found.count == 1 && abs(found[0] - expected) < 1e-12)
  }

  /// Against all distances, one by one; the number of rows isn't a multiple of what is done at once.
  @Test func neighboursByTheirDefinition() throws {
    let count = 1_203
    let (a, b) = (Key(4).normal([count, 2]), Key(5).normal([40, 2]) * 2)
    let (p, q) = (try a.array(of: Float.self), try b.array(of: Float.self))
    func squared(_ x: [Float], _ i: Int, _ y: [Float], _ j: Int) -> Float {
      let (dx, dy) = (x[2 * i] - y[2 * j], x[2 * i + 1] - y[2 * j + 1])
      return dx * dx + dy * dy
    }
    let radii = try FeatureMetrics.neighbourRadii(a, k: 3).array(of: Float.self)
    #expect(radii.count == count)
    for i in [0, 499, 500, 1_000, 1_202] {
      let sorted = (0..<count).filter { $0 != i }.map { squared(p, i, p, $0) }.sorted()
      #expect(abs(radii[i] - sorted[2]) < 1e-5)
    }
    let inside = (0..<40).count { j in (0..<count).contains { squared(q, j, p, $0) <= radii[$0] } }
    let found = try FeatureMetrics.coverage(b, by: a, radii: Tensor(radii)).item()
    #expect(abs(found - Double(inside) / 40) < 1e-6)
    #expect(throws: TensorError.self) { try FeatureMetrics.neighbourRadii(a[..<3], k: 3) }
  }
}

@Suite struct SampleQualityTests {
  /// Two classes that brightness tells apart.
  private func pictures(_ count: Int, shift: Int = 0) throws -> ImageDataset {
    let pixels = (0..<count * 1024).map { (i: Int) -> UInt8 in
      let noise = (i * 37 + i / 1024 * 11) % 60
      return UInt8((i / 1024 % 2) * 120 + noise + shift)
    }
    return try ImageDataset(
      name: "brightness", images: pixels, height: 32, width: 32, channels: 1, labels: (0..<count).map { Int32($0 % 2) },
      classNames: ["dark", "light"])
  }

  @Test func classifierLearnsAndItsFeaturesTellSetsApart() throws {
    let data = try pictures(128)
    var recipe = ClassifierRecipe()
    (recipe.epochs, recipe.batchSize) = (4, 32)
    var steps = 0
    let classifier = try FeatureClassifier.trained(on: data, width: 2, recipe: recipe, seed: 0) { total in
      #expect(total == 16)
      steps += 1
    }
    #expect(steps == 16)
    #expect(try classifier.accuracy(on: data) > 0.95)
    let quality = try SampleQuality(classifier, real: data)
    let same = try quality.scores(of: data, neighbours: true)
    #expect(abs(same.fid) < 1e-6)
    #expect(same.precision == 1 && same.recall == 1)
    let other = try quality.scores(of: pictures(128, shift: 60), neighbours: true)
    #expect(other.fid > 100 * abs(same.fid))
    #expect((other.precision ?? 1) < 1)
    // Pictures as tensors are the same as in a set.
    let tensor = data.imageTensor.cast(.float32) / 127.5 - 1
    #expect(abs(try quality.scores(of: [tensor[..<64], tensor[64...]]).fid) < 1e-4)
    #expect(try quality.scores(of: [tensor]).precision == nil)
  }

  @Test func otherSizesAreRefused() throws {
    let message = dataMessage { _ = try FeatureClassifier.trained(on: numbered(8), seed: 0) }
    #expect(message == "numbered: pictures are 4 x 5, expected 32 x 32")
  }

  @Test func grids() throws {
    let pictures = Tensor([-1, 0, 1, 3] as [Float], shape: [4, 1, 1, 1])
    let image = try Image.grid(symmetric: pictures, columns: 2, scale: 2, gap: 1)
    #expect(image.width == 5 && image.height == 5 && image.channels == 1)
    #expect(Array(image.bytes[0..<5]) == [0, 0, 255, 128, 128])
    #expect(Array(image.bytes[20..<25]) == [255, 255, 255, 255, 255])
    #expect(throws: FormatError.self) { try Image.grid(symmetric: Tensor.zeros([2, 2]), columns: 2) }
  }
}

@Suite struct UnlabelledPicturesTests {
  private func png(_ level: UInt8, _ width: Int, _ height: Int) throws -> [UInt8] {
    try Image(width: width, height: height, channels: 1, bytes: Array(repeating: level, count: width * height))
      .encoded()
  }

  @Test func picturesOfAFolderAndItsSubFolders() throws {
    let folder = try DataFolder()
    try folder.write("b.png", png(20, 8, 8))
    try folder.write("deep/er/a.PNG", png(10, 8, 8))
    try folder.write("notes.txt", [1, 2])
    let data = try ImageFolder(side: 4, channels: 1).pictures(folder.path, mixingSizes: false)
    #expect(data.count == 2 && data.height == 4 && data.width == 4 && data.classCount == 1)
    #expect([data.images[0], data.images[16]] == [20, 10])
  }

  @Test func badFoldersGetOneLine() throws {
    let folder = try DataFolder()
    let reader = ImageFolder(side: 4, channels: 1)
    func message(_ path: String, mixing: Bool = false) -> String {
      dataMessage { _ = try reader.pictures(path, mixingSizes: mixing) }
        .replacingOccurrences(of: folder.path, with: "DIR")
    }
    #expect(message(folder.path) == "DIR: has no picture (.png, .jpg, .jpeg), expected at least 2")
    #expect(message(folder.path + "/none") == "DIR/none: there is no such file or folder")
    try folder.write("a.png", png(1, 8, 8))
    #expect(message(folder.path) == "DIR: has one picture (.png, .jpg, .jpeg), expected at least 2")
    try folder.write("b.png", png(1, 8, 6))
    #expect(
      message(folder.path)
        == "DIR: pictures differ in size: DIR/a.png is 8 x 8, DIR/b.png is 8 x 6; say --fit crop or --fit stretch")
    #expect(try reader.pictures(folder.path, mixingSizes: true).count == 2)
    try folder.write("b.png", Array("not a picture".utf8))
    #expect(message(folder.path).hasPrefix("DIR/b.png: "))
  }
}
