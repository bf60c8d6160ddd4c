import Formats
import Foundation

/// A part to train on, and one to test on where the source has it.
public struct ImageSplits: Sendable {
  public let train: ImageDataset
  public let test: ImageDataset?

  public init(train: ImageDataset, test: ImageDataset?) {
    self.train = train
    self.test = test
  }
}

/// The user's own pictures: a folder with a sub-folder for each class, a pair of IDX files, or CIFAR-10's binary batches.
///
/// A folder of classes holds PNG and JPEG files; hidden and other files are passed over. With sub-folders `train` and
/// `test` (or `val`) each of these is a folder of classes.
public struct ImageFolder: Sendable {
  /// How a picture becomes a square.
  public enum Fit: String, Hashable, Sendable, CaseIterable {
    /// Its largest centred square.
    case crop
    /// All of it, whatever the proportions.
    case stretch
  }

  /// Pixels of an edge.
  public var side: Int
  /// 1 grey, 3 colour.
  public var channels: Int
  public var fit: Fit

  public init(side: Int, channels: Int = 3, fit: Fit = .crop) {
    self.side = side
    self.channels = channels
    self.fit = fit
  }

  /// Reads what is at a path, whichever of the kinds it is.
  ///
  /// - Throws: `FormatError` where there is nothing, fewer than two classes, an empty class, a picture that can't be read,
  ///   or counts of pictures and labels differ.
  public func load(_ path: String) throws -> ImageSplits {
    guard (1...4096).contains(side), channels == 1 || channels == 3 else {
      throw FormatError(path, "pictures of \(side) pixels and \(channels) channels: expected 1 to 4096, and 1 or 3")
    }
    var path = path
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw FormatError(path, "there is no such file or folder")
    }
    return isFolder.boolValue ? try folder(path) : ImageSplits(train: try file(path), test: nil)
  }

  /// Reads all pictures under a folder, for what needs no labels: those in it and in its sub-folders, whatever these are
  /// named. What isn't a PNG or JPEG by its name is passed over.
  ///
  /// - Parameters:
  ///   - path: a folder, or IDX or CIFAR-10 files as in `load(_:)`.
  ///   - minimum: pictures there must be.
  ///   - mixingSizes: whether pictures of several sizes may be brought to one; else they are an error.
  /// - Throws: `FormatError` where there is nothing, too few pictures, one that can't be read, or sizes differ.
  public func pictures(_ path: String, minimum: Int = 2, mixingSizes: Bool) throws -> ImageDataset {
    var isDirectory: ObjCBool = false
    let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
    let names = exists && isDirectory.boolValue ? try visible(path) : []
    if !isDirectory.boolValue || names.contains(where: { labelFile(of: $0) != nil || $0.hasSuffix(".bin") }) {
      let splits = try load(path)
      return splits.train
    }
    guard (1...4096).contains(side), channels == 1 || channels == 3 else {
      throw FormatError(path, "pictures of \(side) pixels and \(channels) channels: expected 1 to 4096, and 1 or 3")
    }
    let files = try pictureFiles(under: path)
    guard files.count >= minimum else {
      let found = files.isEmpty ? "no picture" : files.count == 1 ? "one picture" : "\(files.count) pictures"
      throw FormatError(path, "has \(found) (.png, .jpg, .jpeg), expected at least \(minimum)")
    }
    var pixels: [UInt8] = []
    var first: (file: String, size: String)?
    for file in files {
      let image = try Image(path: file)
      let size = "\(image.width) x \(image.height)"
      if let first, first.size != size, !mixingSizes {
        throw FormatError(
          path,
          "pictures differ in size: \(first.file) is \(first.size), \(file) is \(size); say --fit crop or "
            + "--fit stretch")
      }
      first = first ?? (file, size)
      pixels += try fitted(image).bytes
    }
    return try ImageDataset(
      name: path, images: pixels, height: side, width: side, channels: channels,
      labels: Array(repeating: 0, count: files.count), classNames: ["pictures"])
  }

  /// Picture files in a folder and its sub-folders, in order.
  private func pictureFiles(under path: String) throws -> [String] {
    try visible(path).flatMap { name -> [String] in
      let place = path.hasSuffix("/") ? path + name : "\(path)/\(name)"
      if isFolder(place) { return try pictureFiles(under: place) }
      return Self.endings.contains { name.lowercased().hasSuffix($0) } ? [place] : []
    }
  }

  /// Endings of picture files.
  private static let endings = [".png", ".jpg", ".jpeg"]

  /// Reads one picture as a model of such pictures wants it.
  ///
  /// - Throws: `FormatError` where it can't be read.
  public func image(_ path: String) throws -> Image { try fitted(Image(path: path)) }

  // MARK: Kinds

  private func file(_ path: String) throws -> ImageDataset {
    if path.hasSuffix(".bin") { return try cifar([path], path) }
    guard let labels = labelFile(of: path) else {
      throw FormatError(
        path, "is one file, expected a folder of classes, IDX pictures (…images-idx3-ubyte) or a CIFAR-10 batch (.bin)")
    }
    return try adapted(IDXPair(images: path, labels: labels).dataset(name: path))
  }

  /// The labels that belong to a file of IDX pictures, by its name.
  private func labelFile(of path: String) -> String? {
    let url = URL(fileURLWithPath: path)
    let name = url.lastPathComponent
    guard name.contains("images"), name.contains("idx3") else { return nil }
    let other = name.replacingOccurrences(of: "images", with: "labels").replacingOccurrences(of: "idx3", with: "idx1")
    return path.dropLast(name.count) + other
  }

  private func folder(_ path: String) throws -> ImageSplits {
    let names = try visible(path)
    let pairs = names.filter { labelFile(of: $0) != nil && !$0.hasSuffix(".part") }
    if let first = pairs.first {
      let test = pairs.first { $0.hasPrefix("t10k") || $0.hasPrefix("test") }
      let train = pairs.first { $0.hasPrefix("train") } ?? first
      return ImageSplits(
        train: try file("\(path)/\(train)"), test: try test.flatMap { $0 == train ? nil : try file("\(path)/\($0)") })
    }
    let batches = names.filter { $0.hasSuffix(".bin") }
    if !batches.isEmpty {
      let test = batches.filter { $0.hasPrefix("test") }
      let train = batches.filter { !$0.hasPrefix("test") }
      return ImageSplits(
        train: try cifar((train.isEmpty ? test : train).map { "\(path)/\($0)" }, path),
        test: train.isEmpty || test.isEmpty ? nil : try cifar(test.map { "\(path)/\($0)" }, "\(path) test"))
    }
    let folders = names.filter { isFolder("\(path)/\($0)") }
    if folders.contains("train"), try visible("\(path)/train").contains(where: { isFolder("\(path)/train/\($0)") }) {
      let train = try classes("\(path)/train")
      let test = try ["test", "val"].first { folders.contains($0) }.map { try classes("\(path)/\($0)") }
      if let test, test.classNames != train.classNames {
        throw FormatError(test.name, "has the classes \(test.classNames), but train has \(train.classNames)")
      }
      return ImageSplits(train: train, test: test)
    }
    return ImageSplits(train: try classes(path), test: nil)
  }

  private func cifar(_ paths: [String], _ name: String) throws -> ImageDataset {
    let batches = try CIFAR10(paths: paths)
    return try adapted(
      ImageDataset(
        name: name, images: batches.images, height: CIFAR10.side, width: CIFAR10.side, channels: 3,
        labels: batches.labels.map { Int32($0) }, classNames: CIFAR10.classNames))
  }

  private func classes(_ path: String) throws -> ImageDataset {
    let classes = try classFiles(path)
    var (pixels, labels): ([UInt8], [Int32]) = ([], [])
    for (label, found) in classes.enumerated() {
      for file in found.files {
        pixels += try image("\(path)/\(found.name)/\(file)").bytes
        labels.append(Int32(label))
      }
    }
    return try ImageDataset(
      name: path, images: pixels, height: side, width: side, channels: channels, labels: labels,
      classNames: classes.map(\.name))
  }

  /// The pictures to train on of a folder of classes, each as `class/file`, in the order in which `load(_:)` has them.
  ///
  /// - Throws: `FormatError` where it isn't such a folder.
  public static func names(_ path: String) throws -> [String] {
    let reader = ImageFolder(side: 1)
    let inner = "\(path)/train"
    let hasParts = try reader.isFolder(inner) && reader.visible(inner).contains { reader.isFolder("\(inner)/\($0)") }
    return try reader.classFiles(hasParts ? inner : path).flatMap { found in found.files.map { "\(found.name)/\($0)" } }
  }

  /// Classes of a folder with their picture files.
  private func classFiles(_ path: String) throws -> [(name: String, files: [String])] {
    let names = try visible(path).filter { isFolder("\(path)/\($0)") }
    guard names.count >= 2 else {
      let found = names.first.map { "only one, '\($0)'" } ?? "none"
      throw FormatError(path, "expected a sub-folder for each of at least two classes, found \(found)")
    }
    return try names.map { name in
      let folder = "\(path)/\(name)"
      let files = try visible(folder).filter { file in
        Self.endings.contains { file.lowercased().hasSuffix($0) }
      }
      guard !files.isEmpty else { throw FormatError(folder, "has no pictures (.png, .jpg, .jpeg)") }
      return (name, files)
    }
  }

  // MARK: Parts

  private func fitted(_ image: Image) throws -> Image {
    let source = try image.converted(channels: channels)
    switch fit {
    case .crop: return try source.thumbnail(width: side, height: side)
    case .stretch: return try source.resized(width: side, height: side)
    }
  }

  /// The same pictures in the wanted size and channels.
  private func adapted(_ dataset: ImageDataset) throws -> ImageDataset {
    if (dataset.height, dataset.width, dataset.channels) == (side, side, channels) { return dataset }
    var pixels: [UInt8] = []
    pixels.reserveCapacity(dataset.count * side * side * channels)
    for i in 0..<dataset.count { pixels += try fitted(dataset.image(at: i)).bytes }
    return try ImageDataset(
      name: dataset.name, images: pixels, height: side, width: side, channels: channels, labels: dataset.labels,
      classNames: dataset.classNames)
  }

  /// Names in a folder in order, without hidden ones.
  private func visible(_ path: String) throws -> [String] {
    do {
      return try FileManager.default.contentsOfDirectory(atPath: path).filter { !$0.hasPrefix(".") }.sorted()
    } catch {
      throw FormatError(path, "can't be listed: \((error as NSError).localizedDescription)")
    }
  }

  private func isFolder(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
  }
}
