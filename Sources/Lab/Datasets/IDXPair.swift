import Formats

/// Pictures and labels in two IDX files, as those of MNIST.
struct IDXPair {
  let images: String
  let labels: String

  /// Both files as a data set of grey pictures.
  ///
  /// - Parameter classNames: names of the classes; their numbers where `nil`.
  func dataset(name: String, classNames: [String]? = nil) throws -> ImageDataset {
    let (pictures, classes) = (try IDX(path: images), try IDX(path: labels))
    guard pictures.dtype == .uint8, pictures.shape.count == 3 || pictures.shape.count == 4 else {
      throw FormatError(images, "is \(pictures.dtype)\(pictures.shape), expected pictures: uint8 [N, H, W]")
    }
    guard classes.dtype == .uint8, classes.shape.count == 1 else {
      throw FormatError(labels, "is \(classes.dtype)\(classes.shape), expected labels: uint8 [N]")
    }
    guard classes.shape[0] == pictures.shape[0] else {
      throw FormatError(labels, "has \(classes.shape[0]) labels, but \(images) has \(pictures.shape[0]) pictures")
    }
    guard pictures.shape[0] > 0 else { throw FormatError(images, "has no pictures") }
    let names = classNames ?? (0...Int(classes.bytes.max() ?? 0)).map(String.init)
    return try ImageDataset(
      name: name, images: pictures.bytes, height: pictures.shape[1], width: pictures.shape[2],
      channels: pictures.shape.count == 4 ? pictures.shape[3] : 1, labels: classes.bytes.map { Int32($0) },
      classNames: names)
  }
}
