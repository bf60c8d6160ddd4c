import Formats
import Pinion
import Testing

@testable import Lab

@Suite struct DatasetsImageTests {
  private func png(_ level: UInt8, width: Int = 6, height: Int = 4, channels: Int = 3) throws -> [UInt8] {
    try Image(
      width: width, height: height, channels: channels, bytes: Array(repeating: level, count: width * height * channels)
    ).encoded()
  }

  @Test func valuesAndParts() throws {
    let data = try numbered(7)
    #expect((data.count, data.classCount, data.classCounts) == (7, 3, [3, 2, 2]))
    #expect(data.imageTensor.shape == [7, 4, 5, 1])
    #expect(try data.labelTensor.array(of: Int32.self) == [0, 1, 2, 0, 1, 2, 0])
    let part = try data.subset([6, 1])
    #expect(part.labels == [0, 1])
    #expect(try part.image(at: 1) == data.image(at: 1))
    #expect(try data.first(2).count == 2)
    #expect(try data.first(100).count == 7)
    #expect(dataMessage { _ = try data.subset([7]) } == "numbered: has 7 pictures, none at 7")
    #expect(throws: FormatError.self) { try data.first(0) }
    #expect(throws: FormatError.self) { try data.image(at: -1) }
  }

  @Test func splitsByKey() throws {
    let data = try numbered(50)
    let (a, b) = try data.split(heldOut: 20, key: Key(1))
    #expect((a.count, b.count) == (30, 20))
    func firsts(_ set: ImageDataset) -> [Int] { (0..<set.count).map { Int(set.images[$0 * 20]) } }
    let all = firsts(data)
    #expect((firsts(a) + firsts(b)).sorted() == all.sorted())
    let again = try data.split(heldOut: 20, key: Key(1))
    #expect(again.1.images == b.images)
    #expect(try data.split(heldOut: 20, key: Key(2)).1.images != b.images)
    #expect(
      dataMessage { _ = try data.split(heldOut: 50, key: Key(1)) } == "numbered: can't hold out 50 of 50 pictures")
  }

  @Test func padding() throws {
    let padded = try numbered(2, height: 2, width: 3).padded(to: 6)
    #expect((padded.height, padded.width) == (6, 6))
    let second = try padded.image(at: 1).bytes
    #expect(Array(second[12..<18]) == [0, 100, 101, 102, 0, 0])
    #expect(second.map { Int($0) }.reduce(0, +) == 636)
    #expect(throws: FormatError.self) { try numbered(1).padded(to: 4) }
  }

  @Test func refusesMismatches() {
    func failure(_ pixels: Int, _ labels: [Int32]) -> String {
      dataMessage {
        _ = try ImageDataset(
          name: "x", images: Array(repeating: 0, count: pixels), height: 2, width: 2, channels: 1, labels: labels,
          classNames: ["a", "b"])
      }
    }
    #expect(failure(8, [0]) == "x: 2.0 pictures, but 1 labels")
    #expect(failure(7, [0]) == "x: 1.75 pictures, but 1 labels")
    #expect(failure(4, [2]) == "x: picture 0 has label 2, but there are 2 classes")
    #expect(failure(4, [-1]) == "x: picture 0 has label -1, but there are 2 classes")
    #expect(failure(0, []) == "x: has no pictures")
  }

  @Test func folderOfClasses() throws {
    let folder = try DataFolder()
    try folder.write("cats/b.png", png(20))
    try folder.write("cats/a.PNG", png(10, width: 3, height: 9))
    try folder.write("dogs/x.jpg", Image(decoding: png(30)).encoded(.jpeg(quality: 95)))
    try folder.write("dogs/.hidden.png", [1])
    try folder.write("dogs/notes.txt", [1])
    try folder.write(".git/x.png", [1])
    try folder.write("readme.txt", [1])
    for fit in ImageFolder.Fit.allCases {
      let sets = try ImageFolder(side: 4, channels: 3, fit: fit).load(folder.path + "/")
      #expect(sets.test == nil)
      #expect(sets.train.classNames == ["cats", "dogs"])
      #expect(sets.train.labels == [0, 0, 1])
      for (i, level) in [10, 20, 30].enumerated() {
        #expect(try sets.train.image(at: i).bytes.allSatisfy { abs(Int($0) - level) <= 1 })
      }
    }
    #expect(try ImageFolder(side: 2, channels: 1).load(folder.path).train.imageTensor.shape == [3, 2, 2, 1])
  }

  @Test func trainAndTestFolders() throws {
    let folder = try DataFolder()
    for part in ["train", "test"] { for name in ["a", "b"] { try folder.write("\(part)/\(name)/1.png", png(9)) } }
    let sets = try ImageFolder(side: 2).load(folder.path)
    #expect((sets.train.count, sets.test?.count) == (2, 2))
    try folder.write("test/c/1.png", png(9))
    #expect(
      dataMessage { _ = try ImageFolder(side: 2).load(folder.path) }.contains("has the classes [\"a\", \"b\", \"c\"]"))
  }

  @Test func badFolders() throws {
    let folder = try DataFolder()
    func failure() -> String {
      dataMessage { _ = try ImageFolder(side: 4).load(folder.path) }.replacing(folder.path, with: "photos")
    }
    #expect(
      dataMessage { _ = try ImageFolder(side: 4).load("/nowhere") } == "/nowhere: there is no such file or folder")
    #expect(failure() == "photos: expected a sub-folder for each of at least two classes, found none")
    try folder.write("cats/a.png", png(1))
    #expect(failure() == "photos: expected a sub-folder for each of at least two classes, found only one, 'cats'")
    try folder.write("dogs/.keep", [])
    #expect(failure() == "photos/dogs: has no pictures (.png, .jpg, .jpeg)")
    try folder.write("dogs/b.png", Array(png(1).dropLast(30)))
    #expect(failure().hasPrefix("photos/dogs/b.png: is a damaged or truncated PNG"))
    try folder.write("dogs/b.png", Array("text".utf8))
    #expect(failure() == "photos/dogs/b.png: is neither a PNG nor a JPEG picture")
    #expect(dataMessage { _ = try ImageFolder(side: 0).load(folder.path) }.contains("expected 1 to 4096"))
  }

  @Test func idxPairs() throws {
    let folder = try DataFolder()
    let pixels = try IDX.encode((0..<24).map { UInt8($0 * 10) }, shape: [6, 2, 2])
    let images = try folder.write("train-images-idx3-ubyte.gz", Zlib.compress(pixels, .gzip, file: ""))
    let labels = "train-labels-idx1-ubyte.gz"
    try folder.write(labels, IDX.encode([0, 1, 2, 0, 1, 2], shape: [6]))
    for path in [folder.path, images] {
      let sets = try ImageFolder(side: 2, channels: 1).load(path)
      #expect((sets.train.count, sets.train.classNames, sets.test?.count) == (6, ["0", "1", "2"], nil))
      #expect(sets.train.images == (0..<24).map { UInt8($0 * 10) })
    }
    #expect(try ImageFolder(side: 4, channels: 3).load(folder.path).train.imageTensor.shape == [6, 4, 4, 3])
    try folder.write(labels, IDX.encode([0, 1, 2], shape: [3]))
    #expect(
      dataMessage { _ = try ImageFolder(side: 2).load(folder.path) }.replacing(folder.path, with: "d")
        == "d/\(labels): has 3 labels, but d/train-images-idx3-ubyte.gz has 6 pictures")
    try folder.write(labels, [0, 0])
    #expect(dataMessage { _ = try ImageFolder(side: 2).load(folder.path) }.contains("isn't an IDX file"))
  }

  @Test func cifarBatches() throws {
    let folder = try DataFolder()
    let record = [5] + Array(repeating: UInt8(7), count: 3072)
    try folder.write("data_batch_1.bin", record + record)
    try folder.write("data_batch_2.bin", record)
    try folder.write("test_batch.bin", record)
    let sets = try ImageFolder(side: 32).load(folder.path)
    #expect((sets.train.count, sets.test?.count) == (3, 1))
    #expect(sets.train.labels == [5, 5, 5])
    #expect(
      try ImageFolder(side: 16, channels: 1).load("\(folder.path)/test_batch.bin").train.imageTensor.shape == [
        1, 16, 16, 1,
      ])
    let other = try folder.write("notes.txt", [1])
    #expect(
      dataMessage { _ = try ImageFolder(side: 32).load(other) }.contains("is one file, expected a folder of classes"))
  }
}
