import Formats
import Pinion

/// Pictures and labels of a training step.
public struct Batch: Tree, Sendable {
  /// Normalised levels, float32 [B, H, W, C].
  public var images: Tensor
  /// Classes, int32 [B].
  public var labels: Tensor
  /// Soft labels, float32 [B, K], of a loader that mixes; `nil` otherwise.
  public var targets: Tensor?

  public init(images: Tensor, labels: Tensor, targets: Tensor? = nil) {
    self.images = images
    self.labels = labels
    self.targets = targets
  }

  public mutating func visit(_ visitor: TreeVisitor) throws {
    try visitor.child("images", &images)
    try visitor.child("labels", &labels)
    try visitor.child("targets", &targets)
  }
}

/// Batches of a data set, epoch by epoch, prepared on another thread.
///
/// The same key and epoch give the same batches, bit for bit, whatever the prefetching.
/// ```swift
/// let loader = try DataLoader(train, batchSize: 128, key: Key(0), augmentation: Augmentation(flips: true))
/// for epoch in 0..<10 { for batch in loader.epoch(epoch) { … } }
/// ```
public struct DataLoader: Sendable {
  /// The pictures.
  public let dataset: ImageDataset
  /// Pictures of a batch; the last one of an epoch can have fewer.
  public let batchSize: Int
  /// Whether an incomplete batch at the end is left out.
  public let dropsLast: Bool
  private let shuffles: Bool
  private let prefetch: Int
  private let mixing: Mixing?
  private let renderer: PictureRenderer
  private let orderKey: HostKey
  private let pictureKey: HostKey
  private let mixingKey: HostKey

  /// A loader of a data set.
  ///
  /// - Parameters:
  ///   - key: decides order and changes; without it pictures come in order, and nothing can be random.
  ///   - shuffled: whether each epoch has its own order; needs a key.
  ///   - normalization: mean and deviation by channel; levels are 0...1 without it.
  ///   - prefetch: batches that are prepared ahead; 0 prepares them when they're asked for.
  /// - Throws: `FormatError` where an argument is out of range or there would be no batch.
  public init(
    _ dataset: ImageDataset, batchSize: Int, key: Key? = nil, shuffled: Bool = true, dropsLast: Bool = false,
    augmentation: Augmentation = Augmentation(), mixing: Mixing? = nil, normalization: Normalization? = nil,
    prefetch: Int = 2
  ) throws {
    let name = dataset.name
    guard batchSize > 0, prefetch >= 0 else {
      throw FormatError(name, "batches of \(batchSize), \(prefetch) ahead: expected at least 1 and 0")
    }
    guard !dropsLast || dataset.count >= batchSize else {
      throw FormatError(
        name, "has \(dataset.count) pictures, fewer than a batch of \(batchSize), and the last batch is dropped")
    }
    guard key != nil || (augmentation == Augmentation() && mixing == nil) else {
      throw FormatError(name, "random changes of pictures need a key")
    }
    if let normalization {
      guard normalization.mean.count == dataset.channels, normalization.deviation.count == dataset.channels,
        normalization.deviation.allSatisfy({ $0 != 0 })
      else { throw FormatError(name, "normalisation needs \(dataset.channels) means and deviations that aren't 0") }
    }
    try augmentation.check(name)
    try mixing?.check(name)
    self.dataset = dataset
    self.batchSize = batchSize
    self.dropsLast = dropsLast
    self.prefetch = prefetch
    self.mixing = mixing
    shuffles = shuffled && key != nil
    renderer = PictureRenderer(
      height: dataset.height, width: dataset.width, channels: dataset.channels, augmentation: augmentation,
      normalization: normalization)
    let root = try key.map { try HostKey($0) } ?? HostKey(high: 0, low: 0)
    orderKey = root.foldIn(0)
    pictureKey = root.foldIn(1)
    mixingKey = root.foldIn(2)
  }

  /// Batches of an epoch.
  public var batchCount: Int {
    dropsLast ? dataset.count / batchSize : (dataset.count + batchSize - 1) / batchSize
  }

  /// The batches of an epoch. Leaving the loop early ends the preparation too.
  public func epoch(_ number: Int) -> Epoch { Epoch(loader: self, number: number) }

  /// The order of the pictures in an epoch.
  func order(_ epoch: Int) -> [Int] {
    guard shuffles else { return Array(0..<dataset.count) }
    var random = orderKey.stream(epoch)
    return random.permutation(dataset.count)
  }

  /// Prepares one batch.
  func batch(_ index: Int, of order: [Int], epoch: Int) -> Batch {
    let places = order[index * batchSize..<min((index + 1) * batchSize, order.count)]
    let labels = places.map { dataset.labels[$0] }
    let (size, key) = (dataset.imageSize, pictureKey.foldIn(epoch))
    var random = mixingKey.foldIn(epoch).stream(index)
    var share = 1.0
    let shape = [labels.count, dataset.height, dataset.width, dataset.channels]
    let images = Tensor(shape: shape, dtype: .float32) { bytes in
      let levels = bytes.bindMemory(to: Float.self)
      dataset.images.withUnsafeBufferPointer { pixels in
        guard let source = pixels.baseAddress, var target = levels.baseAddress else { return }
        for place in places {
          var stream = key.stream(place)
          renderer.render(source + place * size, to: target, &stream)
          target += size
        }
      }
      if let mixing {
        share = mixing.mix(
          levels, count: labels.count, height: dataset.height, width: dataset.width, channels: dataset.channels, &random
        )
      }
    }
    var batch = Batch(images: images, labels: Tensor(labels))
    if let mixing {
      batch.targets = Tensor(shape: [labels.count, dataset.classCount], dtype: .float32) { bytes in
        mixing.fill(bytes.bindMemory(to: Float.self), labels: labels, classCount: dataset.classCount, share: share)
      }
    }
    return batch
  }

  /// The batches of one epoch, a sequence that can be walked again.
  public struct Epoch: Sequence, Sendable {
    let loader: DataLoader
    let number: Int

    public var underestimatedCount: Int { loader.batchCount }

    public func makeIterator() -> AnyIterator<Batch> {
      let (loader, number) = (loader, number)
      let order = loader.order(number)
      guard loader.prefetch > 0 else {
        var index = 0
        return AnyIterator {
          guard index < loader.batchCount else { return nil }
          defer { index += 1 }
          return loader.batch(index, of: order, epoch: number)
        }
      }
      let prefetcher = Prefetcher(count: loader.batchCount, ahead: loader.prefetch) {
        loader.batch($0, of: order, epoch: number)
      }
      return AnyIterator { prefetcher.next() }
    }
  }
}
