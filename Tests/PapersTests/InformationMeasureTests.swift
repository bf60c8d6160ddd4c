import Formats
import Foundation
import Pinion
import Testing

@testable import Lab
@testable import Papers

@Suite struct InformationMeasureTests {
  private func folder() throws -> String {
    let url = FileManager.default.temporaryDirectory.appending(path: "pinion-information-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    return url.path
  }

  private func read(_ path: String, labels: String? = nil, features: String? = nil) throws -> MeasuredData {
    try MeasuredData(path: path, labels: labels, features: features, side: 4, channels: 1)
  }

  private func message(_ body: () throws -> Void) -> String {
    do { try body() } catch { return "\(error)" }
    return "no error"
  }

  @Test func filesOfEveryKind() throws {
    let folder = try folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let csv = "\(folder)/points.csv"
    try File.write("a,kind,b\n1,x,2\n3,y,4\n5,x,6\n7,z,9\n0,y,1\n2,z,2\n", to: csv)
    let table = try read(csv, labels: "kind")
    #expect(table.labels == [0, 1, 0, 2, 1, 2] && table.classNames == ["x", "y", "z"] && table.dimension == 2)
    #expect(table.values.prefix(4) == [1, 2, 3, 4] && table.picture == nil)
    let means = try table.centred().values.enumerated().filter { $0.offset % 2 == 0 }.map(\.element)
    #expect(abs(means.reduce(0, +)) < 1e-12)

    let x = Tensor((0..<24).map { Double($0) }, shape: [6, 2, 2])
    let y = Tensor([3, 5, 3, 5, 3, 3] as [Int64])
    try NumPy.writeArchive(["features": x, "labels": y], to: "\(folder)/both.npz")
    try NumPy.writeArchive(["u": x, "v": x, "w": y], to: "\(folder)/three.npz")
    try NumPy.write(x, to: "\(folder)/x.npy")
    try NumPy.write(y, to: "\(folder)/y.npy")
    try File.write("label\n3\n5\n3\n5\n3\n3\n", to: "\(folder)/y.csv")
    let all = [
      try read("\(folder)/both.npz"), try read("\(folder)/three.npz", labels: "w", features: "u"),
      try read("\(folder)/x.npy", labels: "\(folder)/y.npy"), try read("\(folder)/x.npy", labels: "\(folder)/y.csv"),
    ]
    for one in all {
      #expect(one.labels == [0, 1, 0, 1, 0, 0] && one.classNames == ["3", "5"] && one.picture == [2, 2, 1])
      #expect(one.values == (0..<24).map { Double($0) })
    }
    let part = try all[0].limited(to: 4, key: Key(0))
    #expect(part.count == 4 && part.values.count == 16)
    #expect(try all[0].limited(to: 9, key: Key(0)).count == 6)

    for name in ["cat", "dog"] {
      try FileManager.default.createDirectory(atPath: "\(folder)/pets/\(name)", withIntermediateDirectories: true)
      for i in 0..<2 {
        let image = try Image(width: 4, height: 4, channels: 1, bytes: (0..<16).map { UInt8($0 * (i + 3)) })
        try File.write(image.encoded(), to: "\(folder)/pets/\(name)/\(i).png")
      }
    }
    let pets = try read("\(folder)/pets")
    #expect(pets.classNames == ["cat", "dog"] && pets.labels == [0, 0, 1, 1] && pets.picture == [4, 4, 1])
    #expect(abs(try pets.centred().values.reduce(0, +)) < 1e-9)
  }

  @Test func badFilesAreOneLine() throws {
    let folder = try folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let x = Tensor((0..<12).map { Double($0) }, shape: [6, 2])
    let (path, labels) = ("\(folder)/x.npy", "\(folder)/y.npy")
    try NumPy.write(x, to: path)
    func with(_ y: Tensor) throws -> String {
      try NumPy.write(y, to: labels)
      return message { _ = try read(path, labels: labels) }
    }
    #expect(message { _ = try read(path) } == "\(path): has no labels; --labels names a file of them (.npy or .csv)")
    #expect(try with(Tensor([0, 1] as [Int32])) == "\(labels): has 2 labels for 6 examples")
    #expect(try with(Tensor([0, 1, 0, 1, 0, 0.5])) == "\(labels): label 6 is 0.5, expected whole numbers")
    #expect(try with(Tensor([1, 1, 1, 1, 1, 1])) == "\(path): all examples are of one class, expected at least two")
    #expect(
      try with(Tensor([1, 2, 3, 4, 5, 6])) == "\(labels): has 6 different labels for 6 examples, expected classes")
    #expect(try with(x) == "\(labels): labels are float64[6, 2], expected numbers [examples]")
    try NumPy.writeArchive(["u": x, "v": x, "y": Tensor([0, 1] as [Int32])], to: "\(folder)/z.npz")
    #expect(
      message { _ = try read("\(folder)/z.npz") }
        == "\(folder)/z.npz: which array has the features? it has u, v, y; --features names one")
    #expect(
      message { _ = try read("\(folder)/z.npz", labels: "q") }
        == "\(folder)/z.npz: has no array 'q'; it has u, v, y; --labels names one")
    try NumPy.write(Tensor([1, 2, .nan, 3], shape: [2, 2]), to: path)
    #expect(
      try with(Tensor([0, 1] as [Int32]))
        == "\(path): example 2 has the number nan, expected one within ±1e100")
    try File.write("1\ntwo\n", to: "\(folder)/y.csv")
    #expect(
      message { _ = try read(path, labels: "\(folder)/y.csv") }
        == "\(folder)/y.csv:2: 'two' isn't one number, the label")
  }

  private func content(_ labels: [Int], samples: Int = 1_600) throws -> MulticlassContent {
    let values = try Key(1).normal([labels.count * 8], dtype: .float64).array(of: Double.self)
    let inputs = try NetworkInputs.scaled(values, dimension: 8)
    let names = Array(Set(labels)).sorted().map { "class \($0)" }
    return try MulticlassContent.measure(
      CompositionalKernel(depth: 3).covariance(inputs), labels: labels, names: names, .init(samples: samples),
      key: Key(2))
  }

  private func found(_ content: MulticlassContent) -> MeasuredContent {
    MeasuredContent(
      data: "x.csv", network: "ReLU, depth 3", examples: content.count, of: 90, dimension: 8, delta: 0.01,
      content: content)
  }

  @Test func classesAddUpAndTwoAreOne() throws {
    let labels = (0..<24).map { $0 % 3 }
    let three = try content(labels)
    #expect(three.rows.map(\.name) == ["class 0", "class 1", "class 2"] && three.rows.map(\.members) == [8, 8, 8])
    #expect(abs(three.total - three.rows.map(\.tilting.content).reduce(0, +)) < 1e-12)
    #expect(three.lowerBound < three.total && three.total < three.totalClosedForm && three.warnings.isEmpty)
    let two = try content(labels.map { min($0, 1) })
    #expect(two.rows.map(\.name) == ["class 1 or class 0"])
    let text = found(three).text
    #expect(
      text.contains("x.csv: 24 of 90 examples of 8 numbers")
        && text.contains("trust        the estimate can be trusted"))
    let table = found(two).table
    #expect(table.rows.count == 2 && table.rows[1][0] == "all" && table.rows[1].last == "yes")
    let json = try JSONSerialization.jsonObject(with: Data(jsonText(found(three).output).utf8)) as? [String: Any]
    #expect((json?["classes"] as? [Any])?.count == 3 && json?["isTrusted"] as? Bool == true)
    let page = try found(three).page(
      KernelPicture(Tensor.eye(24, dtype: .float64), order: labels.map { Double($0) }, title: "kernel"))
    #expect(page.contains("Information content of x.csv") && page.contains("data:image/png;base64"))
  }

  @Test func whatCantBeTrustedSaysSo() throws {
    var content = try content((0..<24).map { $0 % 2 })
    content.rows[0].tilting.effectiveSamples = 3
    let text = found(content).text
    #expect(text.contains("trust        the estimate can't be trusted; the content is certainly between"))
    #expect(text.contains("warning      1600 samples are worth 3: don't trust this number"))
    #expect(found(content).table.rows[0].last == "no")
    // Equal inputs with different labels.
    let inputs = try NetworkInputs.scaled([1, 2, 2, 4, 5, 1, 3, 3], dimension: 2)
    let impossible = try MulticlassContent.measure(
      CompositionalKernel(depth: 2).covariance(inputs), labels: [0, 1, 0, 1], names: ["a", "b"], .init(samples: 200),
      key: Key(0))
    #expect(impossible.total == .infinity && impossible.contradiction == [0, 1])
    #expect(found(impossible).text.contains("warning      examples 1 and 2 have equal inputs"))
    #expect(found(impossible).text.contains("at most 1.000 by C0"))
    let json = try JSONSerialization.jsonObject(with: Data(jsonText(found(impossible).output).utf8)) as? [String: Any]
    #expect(json?["contentBits"] == nil && json?["bound"] as? Double == 1)
  }

  @Test func finiteNetworksLearnTheirLabels() throws {
    let values = try Key(5).normal([80 * 6], dtype: .float64).array(of: Double.self)
    let inputs = try NetworkInputs.scaled(values, dimension: 6)
    let signs = try inputs[.all, 0].array(of: Double.self).map { $0 > 0 ? 1.0 : -1 }
    let x = inputs.cast(.float32)
    let training = FiniteNetworkTraining(depth: 3, width: 64, batch: 20, learningRate: 0.05)
    let result = try training.run(
      x[0..<40], Array(signs.prefix(40)), test: x[40..<80], testLabels: Array(signs.suffix(40)), key: Key(1))
    #expect(result.trainError == 0 && result.testError < 0.35 && result.epochs < 60, "\(result)")
    let again = try training.run(
      x[0..<40], Array(signs.prefix(40)), test: x[40..<80], testLabels: Array(signs.suffix(40)), key: Key(1))
    #expect(again.epochs == result.epochs && again.testError == result.testError)
    // Every unit's weights keep mean 0 and norm 1.
    var state = NeroState(FiniteNetwork(inputs: 6, depth: 3, width: 16, key: Key(0)))
    try state.update(x[0..<20], Tensor(Array(signs.prefix(20))).cast(.float32), rate: Tensor(0.01 as Float))
    for weights in state.network.weights {
      #expect(try weights.mean(0).abs().max().item() < 1e-6)
      #expect(try (weights.square().sum(0) - 1).abs().max().item() < 1e-5)
    }
    #expect(FiniteNetwork.weightCount(inputs: 6, depth: 3, width: 16) == 6 * 16 + 16 * 16 + 16)
    #expect(FiniteNetwork.weightCount(inputs: 6, depth: 1, width: 16) == 6)
  }

  @Test func optionsAreChecked() throws {
    for wrong in [
      "sizes=50,20", "sizes=", "depths=2,2", "labels=", "subsets=0", "tiltingSamples=3", "paperSamples=0", "width=1",
      "testPictures=1", "delta=1", "thresholdSizes=1", "thresholdParticles=2", "architecturePictures=3",
      "randomNetworks=100", "randomNetworks=100,130", "randomWidth=1", "parallelRuns=0",
    ] {
      #expect(throws: UsageError.self, "\(wrong)") { try InformationOptions.parse([wrong], scale: .standard) }
    }
    for scale in Scale.allCases { try InformationOptions(scale: scale).validate() }
    #expect(Set(try InformationOptions.descriptions.map(\.name)) == Set(InformationOptions.help.keys))
    #expect(throws: (any Error).self) { try InformationContentCommand.Measure.parse(["--data", "x", "--depth", "0"]) }
    #expect(throws: (any Error).self) { try InformationContentCommand.Measure.parse(["--data", "x", "--patch", "4"]) }
    #expect(try InformationContentCommand.Measure.parse(["--data", "x"]).depth == 7)
  }
}
