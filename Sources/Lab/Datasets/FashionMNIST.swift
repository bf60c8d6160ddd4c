import Formats

/// Fashion-MNIST: 70,000 grey pictures of clothes, 28 x 28, in 10 classes (Xiao, Rasul, Vollgraf, 2017).
public enum FashionMNIST {
  /// Names of the classes in the order of their labels.
  public static let classNames = [
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
  ]

  /// Origin, licence and files.
  public static let info = DatasetInfo(
    name: "fashion-mnist", title: "Fashion-MNIST",
    source: "Zalando Research, https://github.com/zalandoresearch/fashion-mnist; H. Xiao, K. Rasul, R. Vollgraf, "
      + "\"Fashion-MNIST: a novel image dataset for benchmarking machine learning algorithms\", arXiv:1708.07747",
    licence: "MIT (Expat), Copyright 2017 Zalando SE",
    package: "dataset-fashion-mnist", packageFolder: "/usr/share/datasets/fashion-mnist",
    url: "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion",
    files: [
      DatasetInfo.File(
        "train-images-idx3-ubyte.gz", byteCount: 26_421_856,
        sha256: "b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7"),
      DatasetInfo.File(
        "train-labels-idx1-ubyte.gz", byteCount: 29_491,
        sha256: "0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056"),
      DatasetInfo.File(
        "t10k-images-idx3-ubyte.gz", byteCount: 4_422_079,
        sha256: "cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa"),
      DatasetInfo.File(
        "t10k-labels-idx1-ubyte.gz", byteCount: 5_125,
        sha256: "8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05"),
    ],
    splits: [DatasetInfo.Split("train", 60_000), DatasetInfo.Split("test", 10_000)],
    schema: [
      DatasetInfo.Field("image", "uint8 [28, 28]", "grey levels, 0 is background"),
      DatasetInfo.Field("label", "uint8", "class, 0 to 9: \(classNames.joined(separator: ", "))"),
    ], loader: "FashionMNIST.load()", statement: statement)

  /// The official two parts; fetches them at first use.
  ///
  /// For a validation set split the first: `try train.split(heldOut: 5_000, key: Key(0))`.
  ///
  /// - Throws: `FormatError` where they can't be had or read.
  public static func load(_ fetcher: Fetcher = Fetcher()) throws -> (train: ImageDataset, test: ImageDataset) {
    let folder = try fetcher.folder(of: info)
    do {
      return try read(folder)
    } catch {
      // A file of the right length that rotted in the cache is fetched once more.
      guard try fetcher.removeDamaged(info) else { throw error }
      return try read(fetcher.folder(of: info))
    }
  }

  private static func read(_ folder: String) throws -> (train: ImageDataset, test: ImageDataset) {
    func part(_ file: String, _ split: String) throws -> ImageDataset {
      try IDXPair(images: "\(folder)/\(file)-images-idx3-ubyte.gz", labels: "\(folder)/\(file)-labels-idx1-ubyte.gz")
        .dataset(name: "fashion-mnist \(split)", classNames: classNames)
    }
    return (try part("train", "train"), try part("t10k", "test"))
  }
}
