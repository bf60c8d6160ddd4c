import Formats
import Foundation
import Pinion
import Testing

@testable import Lab

@Suite struct DatasetsLoaderTests {
  private func floats(_ tensor: Tensor) throws -> [Float] { try tensor.array(of: Float.self) }

  private func all(_ loader: DataLoader, _ epoch: Int) throws -> [[Float]] {
    try loader.epoch(epoch).map { try floats($0.images) }
  }

  @Test func threefryEqualsKeys() throws {
    // Known answers of Random123 for Threefry-2x32 with 20 rounds.
    #expect(HostKey(high: 0, low: 0).threefry(0, 0) == (0x6b20_0159, 0x99ba_4efe))
    #expect(HostKey(high: .max, low: .max).threefry(.max, .max) == (0x1cb9_96fc, 0xbb00_2be7))
    #expect(
      HostKey(high: 0x1319_8a2e, low: 0x0370_7344).threefry(0x243f_6a88, 0x85a3_08d3) == (0xc492_3a9c, 0x483d_f7a0))
    #expect(try HostKey(Key(42)).foldIn(7) == HostKey(Key(42).foldIn(7)))
  }

  @Test func streams() {
    var random = HostKey(high: 1, low: 2).stream(3)
    let uniform = (0..<20_000).map { _ in random.uniform() }
    #expect(abs(uniform.reduce(0, +) / 20_000 - 0.5) < 0.01)
    #expect(uniform.allSatisfy { (0..<1).contains($0) })
    let normal = (0..<20_000).map { _ in random.normal() }
    #expect(abs(normal.reduce(0, +) / 20_000) < 0.03)
    #expect(abs(normal.map { $0 * $0 }.reduce(0, +) / 20_000 - 1) < 0.05)
    for alpha in [0.2, 1, 3] {
      let beta = (0..<20_000).map { _ in random.beta(alpha) }
      let variance = beta.map { ($0 - 0.5) * ($0 - 0.5) }.reduce(0, +) / 20_000
      #expect(abs(variance - 1 / (4 * (2 * alpha + 1))) < 0.005, "Beta(\(alpha))")
    }
    #expect(random.permutation(100).sorted() == Array(0..<100))
  }

  @Test func inOrder() throws {
    let data = try numbered(5)
    let batches = try Array(DataLoader(data, batchSize: 2).epoch(0))
    #expect(batches.map(\.images.shape) == [[2, 4, 5, 1], [2, 4, 5, 1], [1, 4, 5, 1]])
    #expect(try batches.flatMap { try $0.labels.array(of: Int32.self) } == data.labels)
    #expect(try batches.flatMap { try floats($0.images) } == data.images.map { Float($0) * (1 / 255) })
    let dropping = try DataLoader(data, batchSize: 2, dropsLast: true)
    #expect(dropping.batchCount == 2)
    #expect(Array(dropping.epoch(0)).count == 2)
  }

  @Test func normalises() throws {
    let data = try numbered(3, channels: 3)
    let normalization = data.normalization()
    for batch in try DataLoader(data, batchSize: 3, normalization: normalization).epoch(0) {
      let channels = batch.images.reshape([60, 3]).cast(.float64)
      for (value, expected) in [(channels.mean(axes: [0]), 0.0), (channels.square().mean(axes: [0]), 1.0)] {
        for number in try value.array(of: Double.self) { #expect(abs(number - expected) < 1e-5) }
      }
    }
  }

  @Test func shufflesByKeyAndEpoch() throws {
    let data = try numbered(40)
    let loader = try DataLoader(data, batchSize: 8, key: Key(3))
    func firsts(_ epoch: Int) throws -> [Float] {
      try all(loader, epoch).flatMap { batch in (0..<8).map { batch[$0 * 20] } }
    }
    #expect(try firsts(0) == firsts(0))
    #expect(try firsts(0) != firsts(1))
    #expect(try firsts(0).sorted() == firsts(1).sorted())
    let other = try DataLoader(data, batchSize: 8, key: Key(4))
    #expect(loader.order(0) != other.order(0))
    // Labels stay with their pictures.
    let pairs = try DataLoader(numbered(2), batchSize: 1, key: Key(0))
    for epoch in 0..<4 {
      for batch in pairs.epoch(epoch) {
        #expect(try floats(batch.images)[0] == Float(try batch.labels.array(of: Int32.self)[0] * 100) * (1 / 255))
      }
    }
  }

  @Test func prefetchingChangesNothing() throws {
    let data = try numbered(23)
    func made(_ prefetch: Int) throws -> [[Float]] {
      let change = Augmentation(
        flips: true, cropPadding: 2, erasing: Augmentation.Erasing(probability: 0.5, fill: .noise))
      return try all(
        DataLoader(
          data, batchSize: 4, key: Key(5), augmentation: change, mixing: Mixing(), prefetch: prefetch), 2)
    }
    #expect(try made(0) == made(3))
  }

  @Test func leavingEarlyEndsThePreparation() throws {
    final class Count: @unchecked Sendable {
      let lock = NSLock()
      var value = 0
      func add() { lock.withLock { value += 1 } }
    }
    let count = Count()
    var prefetcher: Prefetcher<Int>? = Prefetcher(count: 1_000_000, ahead: 2) { place in
      count.add()
      return place
    }
    #expect((0..<5).map { _ in prefetcher?.next() } == [0, 1, 2, 3, 4])
    prefetcher = nil
    Thread.sleep(forTimeInterval: 0.05)
    let made = count.lock.withLock { count.value }
    // Five taken, two waiting, one in the making.
    #expect(made <= 8)
    Thread.sleep(forTimeInterval: 0.05)
    #expect(count.lock.withLock { count.value } == made)
  }

  @Test(arguments: [1, 2, 3]) func flipsAndCrops(_ channels: Int) throws {
    let (height, width) = (4, 5)
    let data = try numbered(1, height: height, width: width, channels: channels)
    let renderer = PictureRenderer(
      height: height, width: width, channels: channels, augmentation: Augmentation(flips: true, cropPadding: 6),
      normalization: nil)
    var (shifts, mirrored): (Set<[Int]>, Int) = ([], 0)
    for place in 0..<400 {
      var random = HostKey(high: 0, low: 1).stream(place)
      var twin = random
      let (down, across) = (twin.below(13) - 6, twin.below(13) - 6)
      let flipped = twin.next() & 1 == 1
      shifts.insert([down, across])
      mirrored += flipped ? 1 : 0
      var result = [Float](repeating: .nan, count: height * width * channels)
      result.withUnsafeMutableBufferPointer { target in
        data.images.withUnsafeBufferPointer { source in
          guard let source = source.baseAddress, let target = target.baseAddress else { return }
          renderer.render(source, to: target, &random)
        }
      }
      var expected: [Float] = []
      for y in 0..<height {
        for x in 0..<width {
          let (row, column) = (y + down, (flipped ? width - 1 - x : x) + across)
          let inside = (0..<height).contains(row) && (0..<width).contains(column)
          for c in 0..<channels {
            expected.append(inside ? Float(data.images[(row * width + column) * channels + c]) * (1 / 255) : 0)
          }
        }
      }
      #expect(result == expected, "down \(down), across \(across), flipped \(flipped)")
    }
    #expect(shifts.count > 130 && (150...250).contains(mirrored))
  }

  @Test func erasesRectangles() throws {
    let data = try ImageDataset(
      name: "white", images: Array(repeating: 255, count: 200 * 256), height: 16, width: 16, channels: 1,
      labels: Array(repeating: 0, count: 200), classNames: ["a"])
    let loader = try DataLoader(
      data, batchSize: 200, key: Key(1), augmentation: Augmentation(erasing: Augmentation.Erasing(probability: 0.5)))
    let pixels = try all(loader, 0)[0]
    var erased = 0
    for i in 0..<200 {
      let zeros = (0..<256).filter { pixels[i * 256 + $0] == 0 }
      guard !zeros.isEmpty else { continue }
      erased += 1
      let (rows, columns) = (Set(zeros.map { $0 / 16 }), Set(zeros.map { $0 % 16 }))
      #expect(rows.count * columns.count == zeros.count)
      #expect((3...100).contains(zeros.count))
    }
    #expect((75...125).contains(erased))
  }

  @Test func mixupBlendsPicturesAndLabels() throws {
    let data = try numbered(6)
    let loader = try DataLoader(
      data, batchSize: 6, key: Key(2), shuffled: false, mixing: Mixing(mixup: 1, cutmix: 0, labelSmoothing: 0.3))
    var shares: Set<Float> = []
    for epoch in 0..<5 {
      for batch in loader.epoch(epoch) {
        let targets = try floats(try #require(batch.targets))
        #expect(batch.targets?.shape == [6, 3])
        // Labels 0 and 2 pair in the first row: 0.1 + 0.7 share, 0.1, 0.1 + 0.7 (1 - share).
        let share = (targets[0] - 0.1) / 0.7
        shares.insert(share)
        #expect(abs(targets[1] - 0.1) < 1e-6 && abs(targets[2] - 0.1 - 0.7 * (1 - share)) < 1e-5)
        let pixels = try floats(batch.images)
        for k in 0..<20 {
          let (a, b) = (Float(data.images[k]) / 255, Float(data.images[100 + k]) / 255)
          #expect(abs(pixels[k] - share * a - (1 - share) * b) < 1e-5)
          #expect(abs(pixels[100 + k] - share * b - (1 - share) * a) < 1e-5)
        }
      }
    }
    #expect(shares.count == 5)
  }

  @Test func cutmixSwapsABox() throws {
    let levels = [UInt8](repeating: 0, count: 256) + [UInt8](repeating: 255, count: 256)
    let data = try ImageDataset(
      name: "two", images: levels, height: 16, width: 16, channels: 1, labels: [0, 1], classNames: ["black", "white"])
    let loader = try DataLoader(data, batchSize: 2, key: Key(2), shuffled: false, mixing: Mixing(mixup: 0, cutmix: 1))
    for epoch in 0..<20 {
      for batch in loader.epoch(epoch) {
        let (pixels, targets) = (try floats(batch.images), try floats(try #require(batch.targets)))
        let white = pixels.prefix(256).reduce(0, +)
        #expect(abs(targets[1] - white / 256) < 1e-5 && abs(targets[0] + targets[1] - 1) < 1e-5)
        #expect(zip(pixels.prefix(256), pixels.suffix(256)).allSatisfy { $0 + $1 == 1 })
      }
    }
  }

  @Test func refusesBadArguments() throws {
    let data = try numbered(5)
    func failure(_ body: () throws -> DataLoader) -> String { dataMessage { _ = try body() } }
    #expect(failure { try DataLoader(data, batchSize: 0) }.contains("batches of 0"))
    #expect(failure { try DataLoader(data, batchSize: 6, dropsLast: true) }.contains("fewer than a batch of 6"))
    #expect(
      failure { try DataLoader(data, batchSize: 1, augmentation: Augmentation(flips: true)) }.contains("need a key"))
    #expect(failure { try DataLoader(data, batchSize: 1, mixing: Mixing()) }.contains("need a key"))
    #expect(
      failure { try DataLoader(data, batchSize: 1, normalization: Normalization(mean: [0], deviation: [0])) }
        .contains("needs 1 means and deviations"))
    #expect(
      failure { try DataLoader(data, batchSize: 1, key: Key(0), augmentation: Augmentation(cropPadding: -1)) }
        .contains("crop padding -1"))
    #expect(
      failure { try DataLoader(data, batchSize: 1, key: Key(0), mixing: Mixing(mixup: .nan)) }.contains("mixing takes"))
  }

  /// A floor far below what an optimised build does (over 100,000 a second), so that only a gross slip fails.
  @Test func isFast() throws {
    let data = try numbered(2_000, height: 32, width: 32)
    let loader = try DataLoader(
      data, batchSize: 200, key: Key(0), augmentation: Augmentation(flips: true, cropPadding: 4),
      normalization: Normalization(mean: [0.3], deviation: [0.3]), prefetch: 0)
    let start = ContinuousClock.now
    var count = 0
    for batch in loader.epoch(0) { count += batch.labels.count }
    let seconds =
      Double((ContinuousClock.now - start).components.attoseconds) * 1e-18
      + Double((ContinuousClock.now - start).components.seconds)
    #expect(count == 2_000)
    #expect(Double(count) / seconds > 500, "\(Int(Double(count) / seconds)) pictures a second")
    print("loader: \(Int(Double(count) / seconds)) pictures of 32 x 32 a second")
  }
}
